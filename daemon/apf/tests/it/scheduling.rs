//! The order in which messages leave: APF's own, then by class, then by turn.

use amtd_apf::{ChannelId, Class, SessionConfig, Transmit};

use crate::support::{Host, adjust, close, data, farewell, tcpip_forward};

const FRAME: usize = 100;

fn host() -> Host {
    Host::forwarding_with(SessionConfig { max_frame: FRAME, ..SessionConfig::default() })
}

impl Host {
    /// The channels of the next data messages, with the bytes of each.
    fn next_data(&mut self, count: usize) -> Vec<(ChannelId, usize)> {
        let messages = (0..count).filter_map(|_| self.next());
        messages.map(|(transmit, _)| (transmit.channel.expect("data"), transmit.payload)).collect()
    }
}

#[test]
fn watchdog_passes_bulk_that_is_already_queued() {
    let mut host = host();
    let bulk = host.opened_as(Class::Bulk, 0, 1 << 20);
    let watchdog = host.opened_as(Class::Watchdog, 1, 1 << 20);
    host.send(bulk, &[0; 10 * FRAME]);
    assert_eq!(host.next_data(2), [(bulk, FRAME), (bulk, FRAME)]);
    host.send(watchdog, b"still here");
    let (transmit, _) = host.next().unwrap();
    assert_eq!(transmit, Transmit { channel: Some(watchdog), class: Some(Class::Watchdog), payload: 10 });
    assert_eq!(host.next_data(1), [(bulk, FRAME)]);
}

#[test]
fn classes_go_in_order_of_urgency() {
    let mut host = host();
    let channels: Vec<_> =
        Class::ALL.iter().rev().zip(0..).map(|(&class, n)| host.opened_as(class, n, 4096)).collect();
    for &channel in &channels {
        host.send(channel, &[0; FRAME]);
    }
    let order: Vec<_> = host.next_data(4).into_iter().map(|(channel, _)| channel).collect();
    assert_eq!(order, channels.into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn own_messages_pass_all_data() {
    let mut host = host();
    let watchdog = host.opened_as(Class::Watchdog, 0, 4096);
    host.send(watchdog, &[0; 3 * FRAME]);
    host.hear(data(watchdog.number(), b"response"));
    host.session.delivered(watchdog, 8);
    host.hear(tcpip_forward(b"amt-host", 16992));
    let kinds: Vec<_> = host.sent().iter().map(|bytes| bytes[0]).collect();
    assert_eq!(kinds, [0x5d, 0x51, 0x5e, 0x5e, 0x5e]);
}

#[test]
fn channels_of_a_class_take_turns() {
    let mut host = host();
    let [a, b, c] = [0, 1, 2].map(|remote| host.opened_as(Class::Bulk, remote, 1 << 20));
    for channel in [a, b, c] {
        host.send(channel, &[0; 3 * FRAME]);
    }
    let order: Vec<_> = host.next_data(9).into_iter().map(|(channel, _)| channel).collect();
    assert_eq!(order, [a, b, c, a, b, c, a, b, c]);
}

/// A channel whose firmware side grants little sends small messages: it gets as many bytes as the others, not
/// as many messages.
#[test]
fn small_windows_do_not_cost_a_channel_its_share() {
    let mut host = host();
    let large = host.opened_as(Class::Bulk, 0, 1 << 20);
    let small = host.opened_as(Class::Bulk, 1, 10);
    let (mut large_bytes, mut small_bytes) = (0, 0);
    host.send(large, &[0; 10 * FRAME]);
    host.send(small, &[0; 10 * FRAME]);
    for _ in 0..200 {
        let (channel, bytes) = host.next_data(1)[0];
        if channel == small {
            small_bytes += bytes;
            host.hear(adjust(small.number(), 10));
        } else {
            large_bytes += bytes;
        }
        host.session.send(host.now, channel, vec![0; bytes].into()).unwrap();
    }
    assert!(small_bytes >= 20 * 10, "{small_bytes}");
    assert!(large_bytes >= small_bytes, "{large_bytes} and {small_bytes}");
}

#[test]
fn changed_class_takes_effect_with_the_next_message() {
    let mut host = host();
    let first = host.opened_as(Class::Bulk, 0, 4096);
    let second = host.opened_as(Class::Bulk, 1, 4096);
    host.send(first, &[0; 3 * FRAME]);
    host.send(second, &[0; 3 * FRAME]);
    assert_eq!(host.next_data(1), [(first, FRAME)]);
    host.session.set_class(second, Class::Interactive);
    assert_eq!(host.next_data(3), [(second, FRAME); 3]);
    host.session.set_class(first, Class::Watchdog);
    let (transmit, _) = host.next().unwrap();
    assert_eq!((transmit.channel, transmit.class), (Some(first), Some(Class::Watchdog)));
}

#[test]
fn demoted_channel_loses_its_urgent_turn() {
    let mut host = host();
    let demoted = host.opened_as(Class::Watchdog, 0, 4096);
    let other = host.opened_as(Class::Interactive, 1, 4096);
    host.send(demoted, &[0; FRAME]);
    host.send(other, &[0; FRAME]);
    host.session.set_class(demoted, Class::Bulk);
    assert_eq!(host.next_data(2), [(other, FRAME), (demoted, FRAME)]);
}

/// A driver that waits for the device to become writable for nothing would spin.
#[test]
fn wish_to_transmit_is_never_an_empty_promise() {
    let mut host = host();
    let given_up = host.open().unwrap();
    assert!(host.session.wants_transmit());
    host.close(given_up);
    assert!(!host.session.wants_transmit(), "the open was taken back");
    host.events();

    let channel = host.opened(0, 50);
    host.send(channel, &[0; FRAME]);
    assert!(host.session.wants_transmit());
    assert_eq!(host.next_data(1), [(channel, 50)]);
    assert!(!host.session.wants_transmit(), "the window is exhausted");

    host.hear(adjust(channel.number(), 10));
    assert!(!host.session.wants_transmit(), "the window is not worth a message yet");
    host.hear(adjust(channel.number(), 20));
    assert!(host.session.wants_transmit());
    host.hear(close(channel.number()));
    assert_eq!(host.next().unwrap().1, [0x61, 0, 0, 0, 0]);
    assert!(!host.session.wants_transmit(), "the data went with the channel");
}

#[test]
fn exhausted_channel_does_not_block_its_class() {
    let mut host = host();
    let stuck = host.opened_as(Class::Watchdog, 0, 50);
    let moving = host.opened_as(Class::Bulk, 1, 4096);
    host.send(stuck, &[0; FRAME]);
    host.send(moving, &[0; FRAME]);
    assert_eq!(host.next_data(9), [(stuck, 50), (moving, FRAME)]);
    assert!(!host.session.wants_transmit());
    host.hear(adjust(stuck.number(), 50));
    assert!(host.session.wants_transmit());
    assert_eq!(host.next_data(9), [(stuck, 50)]);
}

/// The close of one channel waits for that channel's data, and for no other's.
#[test]
fn close_waits_for_its_own_data_only() {
    let mut host = host();
    let closing = host.opened_as(Class::Interactive, 0, 4096);
    let bulk = host.opened_as(Class::Bulk, 1, 4096);
    host.send(bulk, &[0; 2 * FRAME]);
    host.send(closing, b"bye");
    host.close(closing);
    host.says(&[farewell(0), data(0, b"bye"), close(0), data(1, &[0; FRAME]), data(1, &[0; FRAME])]);
}

#[test]
fn small_chunks_leave_together() {
    let mut host = host();
    let channel = host.opened(0, 4096);
    for _ in 0..30 {
        host.send(channel, b"1234567");
    }
    assert_eq!(host.next_data(9), [(channel, 100), (channel, 100), (channel, 10)]);
}

#[test]
fn device_limit_bounds_the_frame_too() {
    let config = SessionConfig { max_message_length: 93, max_frame: 4096, ..SessionConfig::default() };
    let mut host = Host::forwarding_with(config);
    let channel = host.opened(0, 4096);
    host.send(channel, &[0; 100]);
    let lengths: Vec<_> = host.sent().iter().map(Vec::len).collect();
    assert_eq!(lengths, [93, 25]);
}

/// Bulk of two channels in windows of four frames each, of which the class may have four with firmware; and an urgent
/// channel.
fn bulk_with_a_share() -> (Host, [ChannelId; 2], ChannelId) {
    bulk_with_a_share_of([8 * FRAME; 2])
}

/// The same, with so many bytes to send.
fn bulk_with_a_share_of(queued: [usize; 2]) -> (Host, [ChannelId; 2], ChannelId) {
    let config = SessionConfig {
        max_frame: FRAME,
        max_handed: [1 << 20, 1 << 20, 1 << 20, 4 * FRAME],
        ..SessionConfig::default()
    };
    let mut host = Host::forwarding_with(config);
    let [a, b] = [0, 1].map(|remote| host.opened_as(Class::Bulk, remote, 4 * u32::try_from(FRAME).unwrap()));
    let urgent = host.opened_as(Class::Watchdog, 2, 4096);
    host.send(a, &vec![0; queued[0]]);
    host.send(b, &vec![0; queued[1]]);
    (host, [a, b], urgent)
}

#[test]
fn bulk_does_not_fill_the_queue_that_nothing_can_overtake() {
    let (mut host, [a, _], urgent) = bulk_with_a_share();
    let sent = host.next_data(20);
    assert_eq!(
        sent.iter().map(|(_, bytes)| bytes).sum::<usize>(),
        7 * FRAME,
        "three quarters of a window each, and the rest of one"
    );
    host.hear(adjust(a.number(), 2 * u32::try_from(FRAME).unwrap()));
    assert_eq!(host.next_data(20).len(), 2, "as much as firmware took");
    host.send(urgent, b"pat");
    assert_eq!(host.next_data(20), [(urgent, 3)]);
}

/// Nobody knows how late real firmware credits. At the latest it must when nothing more may be sent to it.
#[test]
fn firmware_that_credits_a_window_only_when_it_is_used_up_is_not_waited_for_in_vain() {
    let (mut host, channels, _) = bulk_with_a_share();
    let window = 4 * FRAME;
    let mut handed = [0; 2];
    let mut sent = 0;
    loop {
        let messages = host.next_data(20);
        for (channel, bytes) in &messages {
            handed[usize::from(*channel == channels[1])] += bytes;
            sent += bytes;
        }
        let exhausted = (0..2).find(|place| handed[*place] == window);
        let Some(place) = exhausted.filter(|_| sent < 16 * FRAME) else { break };
        handed[place] = 0;
        host.hear(adjust(channels[place].number(), u32::try_from(window).unwrap()));
    }
    assert_eq!(sent, 16 * FRAME, "all that was queued");
}

#[test]
fn an_answer_settles_what_was_handed_over() {
    let (mut host, [a, b], _) = bulk_with_a_share();
    host.next_data(20);
    host.hear(data(a.number(), b"response"));
    host.hear(data(b.number(), b"response"));
    assert_eq!(host.next_data(20), [(b, FRAME)], "what the windows still allow");
}

#[test]
fn channel_that_has_sent_all_it_had_does_not_keep_another_from_using_up_its_window() {
    let (mut host, [a, b], _) = bulk_with_a_share_of([3 * FRAME + FRAME / 2, 8 * FRAME]);
    let sent = host.next_data(20);
    let of = |wanted| sent.iter().filter(|(id, _)| *id == wanted).map(|(_, bytes)| bytes).sum::<usize>();
    assert_eq!((of(a), of(b)), (3 * FRAME + FRAME / 2, 4 * FRAME));
}

#[test]
fn a_share_held_by_a_channel_that_closes_is_given_back() {
    let (mut host, [a, b], _) = bulk_with_a_share();
    host.next_data(20);
    host.hear(close(a.number()));
    let next: Vec<_> =
        std::iter::from_fn(|| host.next()).filter(|(transmit, _)| transmit.payload > 0).collect();
    assert_eq!(next.first().map(|(transmit, _)| transmit.channel), Some(Some(b)), "the other one goes on");
}
