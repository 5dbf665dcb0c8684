use super::*;
use crate::faults::EOPNOTSUPP;

const GUID: [u8; 16] = *b"\xdb\xa4\x33\x67\x76\x04\x7b\x4e\xb3\xaf\xbc\xfc\x29\xbe\xe7\xa7";
const WATCH: Watch = Watch { key: 77, wake: true };

/// The reply of the virtual device: so many bytes at most, version 1.
fn reply(max_message: u32) -> Vec<u8> {
    [&[0; 4][..], &max_message.to_le_bytes(), &[1, 0, 0, 0]].concat()
}

fn answers(handle: &mut Handle) -> Vec<Answer> {
    std::iter::from_fn(|| handle.next_answer()).collect()
}

fn connected() -> Handle {
    let mut handle = Handle::new(NONBLOCK);
    let mut buffer = [0; 64];
    handle.ioctl(1, CONNECT, &GUID, Instant::now());
    assert_eq!(handle.take(&mut buffer), Some(Received::Message(24)));
    assert_eq!(buffer[..24], *[&[1, 0, 0, 0], &GUID[..], &[0; 4]].concat());
    assert!(handle.put(&reply(64)));
    answers(&mut handle);
    handle
}

#[test]
fn connect_gives_the_properties_over_the_guid() {
    let mut handle = Handle::new(0);
    handle.ioctl(1, CONNECT, &GUID, Instant::now());
    handle.put(&reply(0x1400));
    let mut expected = GUID;
    expected[..5].copy_from_slice(&[0, 0x14, 0, 0, 1]);
    assert_eq!(answers(&mut handle), [wire::controlled(1, &expected)]);
}

#[test]
fn refused_connect_leaves_the_file_fresh_and_a_second_one_finds_it_busy() {
    let mut handle = Handle::new(0);
    for errno in [16, 25] {
        handle.ioctl(1, CONNECT, &GUID, Instant::now());
        handle.ioctl(2, CONNECT, &GUID, Instant::now());
        handle.put(&[&i32::to_le_bytes(errno)[..], &[0; 8]].concat());
        assert_eq!(answers(&mut handle), [wire::failed(2, EBUSY), wire::failed(1, errno)]);
    }
    handle.ioctl(3, CONNECT, &GUID, Instant::now());
    handle.put(&reply(64));
    handle.ioctl(4, CONNECT, &GUID, Instant::now());
    assert_eq!(answers(&mut handle).last(), Some(&wire::failed(4, EBUSY)));
}

#[test]
fn tag_goes_to_firmware_and_no_tag_is_invalid() {
    let mut handle = Handle::new(0);
    handle.ioctl(1, CONNECT_VTAG, &[&GUID[..], &[0; 4]].concat(), Instant::now());
    assert_eq!(answers(&mut handle), [wire::failed(1, EINVAL)]);
    handle.ioctl(2, CONNECT_VTAG, &[&GUID[..], &[9, 0, 0, 0]].concat(), Instant::now());
    let mut buffer = [0; 64];
    handle.take(&mut buffer);
    assert_eq!(buffer[20], 9);
    handle.put(&[&EOPNOTSUPP.to_le_bytes()[..], &[0; 8]].concat());
    assert_eq!(answers(&mut handle), [wire::failed(2, EOPNOTSUPP)]);
}

#[test]
fn unknown_command_and_events_that_firmware_lacks_are_refused() {
    let mut handle = Handle::new(NONBLOCK);
    handle.ioctl(1, 0x5401, &[], Instant::now());
    handle.ioctl(2, NOTIFY_GET, &[], Instant::now());
    handle.ioctl(3, NOTIFY_SET, &[1, 0, 0, 0], Instant::now());
    assert_eq!(
        answers(&mut handle),
        [wire::failed(1, ENOTTY), wire::failed(2, ENODEV), wire::failed(3, ENODEV)]
    );
    let mut handle = connected();
    handle.ioctl(4, NOTIFY_GET, &[], Instant::now());
    handle.ioctl(5, NOTIFY_SET, &[1, 0, 0, 0], Instant::now());
    assert_eq!(answers(&mut handle), [wire::failed(4, EAGAIN), wire::failed(5, EINVAL)]);
}

#[test]
fn firmware_sends_nothing_until_a_read_or_a_poll_finds_nothing() {
    let mut handle = connected();
    assert!(!handle.put(b"first"), "nobody has asked");
    handle.read(2, 64, NONBLOCK);
    assert!(handle.put(b"first"));
    assert!(!handle.put(b"second"), "one unread message at most");
    handle.read(3, 64, NONBLOCK);
    assert!(!handle.put(b"second"), "the read found a message, so it gave no leave for another");
    handle.poll(4, WATCH, POLL_IN | POLL_OUT);
    assert!(handle.put(b"second"));
    let expected =
        [wire::failed(2, EAGAIN), wire::data(3, b"first"), wire::polled(4, POLL_OUT), wire::wake(77)];
    assert_eq!(answers(&mut handle), expected);
}

#[test]
fn short_buffer_gets_the_message_in_pieces_and_an_empty_message_is_zero_bytes() {
    let mut handle = connected();
    handle.read(2, 64, NONBLOCK);
    handle.put(b"abcde");
    handle.read(3, 3, NONBLOCK);
    handle.read(4, 3, NONBLOCK);
    handle.read(5, 3, NONBLOCK);
    handle.put(b"");
    handle.read(6, 3, NONBLOCK);
    let expected = [
        wire::failed(2, EAGAIN),
        wire::data(3, b"abc"),
        wire::data(4, b"de"),
        wire::failed(5, EAGAIN),
        wire::data(6, b""),
    ];
    assert_eq!(answers(&mut handle), expected);
}

#[test]
fn queue_takes_fifty_messages_and_says_when_there_is_room_again() {
    let mut handle = connected();
    handle.poll(2, WATCH, POLL_IN | POLL_OUT);
    for unique in 0..50 {
        handle.write(unique, b"message", NONBLOCK);
    }
    answers(&mut handle);
    handle.write(60, b"one more", NONBLOCK);
    handle.poll(61, WATCH, POLL_OUT);
    let mut buffer = [0; 64];
    assert_eq!(handle.take(&mut buffer), Some(Received::Message(7)));
    handle.poll(62, WATCH, POLL_OUT);
    let expected =
        [wire::failed(60, EAGAIN), wire::polled(61, 0), wire::wake(77), wire::polled(62, POLL_OUT)];
    assert_eq!(answers(&mut handle), expected);
}

#[test]
fn write_that_waits_goes_on_when_there_is_room_and_a_signal_ends_it() {
    let mut handle = connected();
    (0..50).for_each(|unique| handle.write(unique, b"message", 0));
    answers(&mut handle);
    handle.write(60, b"waits", 0);
    handle.write(61, b"is interrupted", 0);
    handle.interrupt(61);
    assert_eq!(answers(&mut handle), [wire::failed(61, EINTR)]);
    handle.take(&mut [0; 64]);
    assert_eq!(answers(&mut handle), [wire::written(60, 5)]);
}

#[test]
fn message_that_is_too_long_is_refused_as_the_driver_does_it() {
    let mut handle = connected();
    handle.write(2, &[0; 65], NONBLOCK);
    handle.write(3, &[0; 64], NONBLOCK);
    assert_eq!(answers(&mut handle), [wire::failed(2, EFBIG), wire::written(3, 64)]);
}

#[test]
fn read_that_waits_gets_the_message_and_a_signal_ends_it() {
    let mut handle = connected();
    handle.read(2, 64, 0);
    handle.read(3, 64, 0);
    handle.interrupt(3);
    assert!(handle.put(b"message"));
    assert_eq!(answers(&mut handle), [wire::failed(3, EINTR), wire::data(2, b"message")]);
}

#[test]
fn dropped_connection_is_an_error_alone_and_its_last_message_can_still_be_read() {
    let mut handle = connected();
    handle.poll(2, WATCH, POLL_IN | POLL_OUT);
    handle.put(b"last");
    handle.detach();
    handle.poll(3, WATCH, POLL_IN | POLL_OUT);
    handle.read(4, 64, NONBLOCK);
    handle.read(5, 64, NONBLOCK);
    handle.write(6, b"message", NONBLOCK);
    handle.ioctl(7, CONNECT, &GUID, Instant::now());
    let expected = [
        wire::polled(2, POLL_OUT),
        wire::wake(77),
        wire::wake(77),
        wire::polled(3, POLL_ERR),
        wire::data(4, b"last"),
        wire::failed(5, ENODEV),
        wire::failed(6, ENODEV),
        wire::failed(7, ENODEV),
    ];
    assert_eq!(answers(&mut handle), expected);
}

#[test]
fn device_that_is_down_hides_even_a_message_that_is_there() {
    let mut handle = connected();
    handle.read(2, 64, NONBLOCK);
    handle.put(b"message");
    handle.set_down(true);
    handle.read(3, 64, NONBLOCK);
    handle.poll(4, WATCH, POLL_IN);
    handle.ioctl(5, CONNECT, &GUID, Instant::now());
    let expected = [
        wire::failed(2, EAGAIN),
        wire::failed(3, ENODEV),
        wire::polled(4, POLL_ERR),
        wire::failed(5, ENODEV),
    ];
    assert_eq!(answers(&mut handle), expected);
}

#[test]
fn poll_before_the_connect_is_never_woken() {
    let mut handle = Handle::new(NONBLOCK);
    handle.poll(1, WATCH, POLL_IN);
    handle.ioctl(2, CONNECT, &GUID, Instant::now());
    handle.put(&reply(64));
    handle.read(3, 64, NONBLOCK);
    answers(&mut handle);
    assert!(handle.put(b"message"));
    assert_eq!(answers(&mut handle), [] as [Answer; 0]);
}
