//! How a connection ends: by the client, by firmware, by a lost link, by time.

use super::*;

#[test]
fn a_half_close_after_the_response_ends_at_once() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(OK);
    bench.read();
    bench.commands();
    assert_eq!(bench.client_fin(), [FlowCommand::Close { orderly: true }]);
    bench.read();
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_half_close_before_the_response_does_not_lose_it() {
    let mut bench = Bench::new();
    bench.client(GET);
    assert_eq!(bench.client_fin(), [FlowCommand::HalfClose]);
    assert_eq!(
        bench.firmware(OK),
        [FlowCommand::Finish { keep: true }, FlowCommand::Close { orderly: true }]
    );
    assert_eq!(bench.read(), OK);
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_half_closed_client_of_a_silent_firmware_does_not_hang() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.client_fin();
    assert_eq!(bench.relay.deadline(), None, "it waits for its turn, and the queue has deadlines of its own");
    bench.event(FlowEvent::Room(GET.len()));
    assert_eq!(bench.wait(), config().half_close_limit);
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
}

#[test]
fn a_half_closed_client_sees_that_a_response_without_an_end_was_cut() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.client_fin();
    bench.event(FlowEvent::Room(GET.len()));
    bench.firmware(b"HTTP/1.0 200 OK\r\n\r\nuntil the");
    bench.read();
    bench.commands();
    assert_eq!(bench.wait(), config().half_close_limit, "a pause is not the end");
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
    bench.read();
    assert_eq!(bench.relay.ended(), Some(Ending::Reset));
}

#[test]
fn firmwares_close_reaches_the_client_behind_its_last_byte() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(b"HTTP/1.0 200 OK\r\n\r\nuntil the end");
    bench.event(FlowEvent::Closed(FlowEnd::Firmware));
    assert!(bench.read().ends_with(b"until the end"));
    assert_eq!(bench.relay.ended(), None, "closing over unread input would destroy it");
    bench.relay.client_bytes(bench.now, b"late input");
    bench.client_fin();
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_client_that_never_closes_is_drained_for_a_limited_time() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(OK);
    bench.event(FlowEvent::Closed(FlowEnd::Firmware));
    bench.read();
    assert_eq!(bench.wait(), config().drain);
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_request_that_firmware_never_got_is_answered_with_the_cause() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.event(FlowEvent::Refused(Refusal::LinkDown));
    let answer = String::from_utf8(bench.read()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\r\nRetry-After: 5\r\n"));
    assert!(answer.ends_with("the AMT firmware cannot be reached: the device sleeps\n"));
}

#[test]
fn a_lost_link_before_the_response_is_said() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.event(FlowEvent::Closed(FlowEnd::LinkLost));
    assert!(bench.read().starts_with(b"HTTP/1.1 502 "));
}

#[test]
fn a_lost_link_within_a_counted_response_is_seen_by_its_length() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(&OK[..OK.len() - 1]);
    bench.event(FlowEvent::Closed(FlowEnd::LinkLost));
    assert_eq!(bench.read(), &OK[..OK.len() - 1]);
    assert!(bench.relay.summary().cut);
    bench.client_fin();
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_lost_link_within_an_uncounted_response_does_not_look_like_its_end() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(b"HTTP/1.0 200 OK\r\n\r\nhalf");
    bench.event(FlowEvent::Closed(FlowEnd::LinkLost));
    assert!(bench.read().ends_with(b"half"));
    assert_eq!(bench.relay.ended(), Some(Ending::Reset));
}

#[test]
fn a_client_that_takes_nothing_is_given_up_in_the_end() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(&OK[..20]);
    assert_eq!(bench.wait(), config().client_stall);
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: false }]);
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn an_announced_close_gives_firmware_the_last_word() {
    let mut bench = Bench::new();
    bench.client(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n");
    assert_eq!(bench.firmware(OK), [FlowCommand::Finish { keep: false }]);
    bench.read();
    bench.event(FlowEvent::Closed(FlowEnd::Firmware));
    bench.read();
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly), "a client that said so sends nothing to wait for");
}

#[test]
fn a_vanished_client_frees_its_channel_at_once() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(&OK[..20]);
    bench.relay.client_gone();
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: false }]);
    assert!(bench.relay.output().is_none());
    assert_eq!(bench.relay.ended(), Some(Ending::Orderly));
}

#[test]
fn a_client_that_ends_within_a_request_frees_its_channel_at_once() {
    let mut bench = Bench::new();
    bench.client(b"POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\nhalf");
    assert_eq!(bench.client_fin(), [FlowCommand::Close { orderly: true }]);
}

#[test]
fn a_connection_that_never_says_anything_is_closed_soon() {
    let mut bench = Bench::new();
    assert_eq!(bench.wait(), config().head_wait);
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
}

#[test]
fn a_connection_that_rests_between_two_requests_is_closed_in_the_end() {
    let mut bench = Bench::new();
    bench.client(GET);
    bench.firmware(OK);
    bench.read();
    bench.commands();
    assert_eq!(bench.wait(), config().idle);
    assert_eq!(bench.commands(), [FlowCommand::Close { orderly: true }]);
}
