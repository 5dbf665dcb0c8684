//! Each scripted fault of channels and messages does what it says (apf 10, apf 12).

use amt_sim::host::ApfHost;
use amtd_apf::wire::{
    ChannelClose, ChannelData, ChannelOpenConfirmation, ChannelOpenFailure, Message, OpenFailureReason,
    RESERVED, WindowAdjust,
};
use serde_json::json;

use crate::rig::{Rig, Scripted};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: amt\r\n\r\n";

fn confirmation(receiver: u32, sender: u32, window: u32) -> Message<'static> {
    Message::ChannelOpenConfirmation(ChannelOpenConfirmation { receiver, sender, window, reserved: RESERVED })
}

fn failure(receiver: u32, reason: u32) -> Message<'static> {
    Message::ChannelOpenFailure(ChannelOpenFailure { receiver, reason: OpenFailureReason(reason) })
}

/// The host sends a probe; its reply has to be the next message, so that nothing else was sent.
#[track_caller]
fn expect_nothing(host: &mut ApfHost) {
    host.send(Message::KeepaliveRequest(77)).unwrap();
    host.expect(Message::KeepaliveReply(77));
}

#[test]
fn open_is_left_unanswered_and_takes_no_slot() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "silent-opens" }));
    host.request_open(16992, 4096).unwrap();
    expect_nothing(&mut host);
    assert_eq!(rig.session()["slots_in_use"], 0);
    let next = host.request_open(16992, 4096).unwrap();
    host.expect(confirmation(next, 0, 4096));
}

#[test]
fn opens_are_refused_with_the_reason_asked_for() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "refuse-opens", "reason": 4, "count": 2 }));
    rig.act(json!({ "do": "refuse-opens", "reason": 99 }));
    for reason in [4, 4, 99] {
        let number = host.request_open(16992, 4096).unwrap();
        host.expect(failure(number, reason));
    }
    let number = host.request_open(16992, 4096).unwrap();
    host.expect(confirmation(number, 0, 4096));
}

#[test]
fn confirmation_is_delayed_past_others() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "delay-opens", "ms": 20 }));
    // Firmware takes both at once.
    rig.act(json!({ "do": "stop-reading" }));
    let (late, early) = (host.request_open(16992, 4096).unwrap(), host.request_open(16992, 4096).unwrap());
    rig.eventually(&json!({ "do": "state" }), |state| state["connections"][0]["fifo"] == 2);
    rig.act(json!({ "do": "resume-reading" }));
    host.expect(confirmation(early, 0, 4096));
    host.expect(confirmation(late, 1, 4096));
}

#[test]
fn open_is_confirmed_twice() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "confirm-twice" }));
    let number = host.request_open(16992, 4096).unwrap();
    host.expect(confirmation(number, 0, 4096));
    host.expect(confirmation(number, 0, 4096));
    rig.act(json!({ "do": "confirm-twice", "other-id": true }));
    let number = host.request_open(16992, 4096).unwrap();
    host.expect(confirmation(number, 1, 4096));
    host.expect(confirmation(number, 2, 4096));
    // The host closes the number too many, which is not answered: the channel goes on.
    host.send(Message::ChannelClose(ChannelClose { receiver: 2 })).unwrap();
    expect_nothing(&mut host);
    assert_eq!(rig.session()["slots_in_use"], 2);
    rig.assert_no_violations();
}

#[test]
fn open_is_refused_and_then_confirmed() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "confirm-after-failure" }));
    let number = host.request_open(16992, 4096).unwrap();
    host.expect(failure(number, 2));
    host.expect(confirmation(number, 0, 4096));
    host.send(Message::ChannelClose(ChannelClose { receiver: 0 })).unwrap();
    host.expect(Message::ChannelClose(ChannelClose { receiver: number }));
    rig.assert_no_violations();
}

#[test]
fn open_is_confirmed_with_a_number_in_use() {
    let rig = Rig::new();
    let mut host = rig.host();
    let first = host.request_open(16992, 4096).unwrap();
    host.expect(confirmation(first, 0, 4096));
    rig.act(json!({ "do": "confirm-with-used-id" }));
    let second = host.request_open(16992, 4096).unwrap();
    host.expect(confirmation(second, 0, 4096));
}

#[test]
fn window_of_zero_grows_by_single_bytes_or_never() {
    let rig = Rig::with(|config| config.apf.window = 40);
    let mut host = rig.host();
    rig.act(json!({ "do": "zero-window", "adjust": 1 }));
    let channel = host.request_open(16992, 4096).unwrap();
    host.expect(confirmation(channel, 0, 0));
    for _ in 0..40 {
        host.expect(Message::WindowAdjust(WindowAdjust { receiver: channel, bytes: 1 }));
    }
    host.send(Message::ChannelData(ChannelData { receiver: 0, payload: b"GET / HTTP" })).unwrap();
    for _ in 0..10 {
        host.expect(Message::WindowAdjust(WindowAdjust { receiver: channel, bytes: 1 }));
    }
    rig.assert_no_violations();
    rig.act(json!({ "do": "zero-window", "adjust": 0 }));
    let channel = host.request_open(16992, 4096).unwrap();
    host.expect(confirmation(channel, 1, 0));
    expect_nothing(&mut host);
}

#[test]
fn channel_is_closed_in_the_middle_of_a_response() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "close-mid-response", "bytes": 25 }));
    let channel = host.open(16992, 4096).unwrap();
    host.write(channel, GET).unwrap();
    host.pump_until(|host| host.channels[&channel].closed);
    assert_eq!(host.channels[&channel].input.len(), 25);
    let next = host.open(16992, 4096).unwrap();
    assert!(host.fetch(next, "/").ends_with("</html>\n"), "the next response is whole");
    rig.assert_no_violations();
}

#[test]
fn data_follows_firmwares_close() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "data-after-close", "bytes": 7 }));
    let channel = host.open(16992, 4096).unwrap();
    host.write(channel, GET).unwrap();
    host.pump_until(|host| host.channels[&channel].closed);
    host.expect(Message::ChannelData(ChannelData { receiver: channel, payload: b"xxxxxxx" }));
}

#[test]
fn response_exceeds_the_window_by_so_many_bytes() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "data-beyond-window", "bytes": 3 }));
    let channel = host.open(16992, 1500).unwrap();
    host.write(channel, GET).unwrap();
    assert_eq!(host.next_but_adjusts().len(), 9 + 1400);
    assert_eq!(host.next_but_adjusts().len(), 9 + 103);
    expect_nothing(&mut host);
}

#[test]
fn data_without_payload_precedes_a_response() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "empty-data" }));
    let channel = host.open(16992, 4096).unwrap();
    host.write(channel, GET).unwrap();
    assert_eq!(host.next_but_adjusts().len(), 9);
    assert!(host.next_but_adjusts().len() > 9);
}

#[test]
fn close_is_never_answered_and_the_slot_is_lost() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "ignore-closes" }));
    let channel = host.open(16992, 4096).unwrap();
    host.close(channel).unwrap();
    expect_nothing(&mut host);
    assert_eq!(rig.session()["slots_in_use"], 1);
    let next = host.open(16992, 4096).unwrap();
    assert_eq!(host.channels[&next].remote, Some(1));
    rig.assert_no_violations();
}

#[test]
fn stray_closes_and_raw_bytes_are_sent_as_they_are() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "stray-close", "channel": 0 }));
    rig.act(json!({ "do": "send", "hex": "de ad be ef" }));
    rig.act(json!({ "do": "truncated", "type": 91, "length": 16 }));
    rig.act(json!({ "do": "oversized", "type": 94 }));
    rig.act(json!({ "do": "padded", "type": 97, "extra": 2 }));
    rig.act(json!({ "do": "send-empty" }));
    host.expect(Message::ChannelClose(ChannelClose { receiver: 0 }));
    assert_eq!(host.next(), [0xDE, 0xAD, 0xBE, 0xEF]);
    assert_eq!(host.next().len(), 16);
    assert_eq!(host.next()[5..9], [0xFF; 4]);
    assert_eq!(host.next().len(), 7);
    assert_eq!(host.host().receive().unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
    expect_nothing(&mut host);
}

#[test]
fn stalled_engine_executes_nothing_until_it_is_released_or_its_time_is_over() {
    let rig = Rig::new();
    let mut host = rig.host();
    let channel = host.open(16992, 4096).unwrap();
    rig.act(json!({ "do": "stall-engine" }));
    host.write(channel, GET).unwrap();
    host.barrier();
    assert_eq!((rig.stats()["requests"].as_u64(), &rig.state()["engine"]["waiting"]), (Some(0), &json!(1)));
    rig.act(json!({ "do": "release-engine" }));
    host.pump_until(|host| host.channels[&channel].input.ends_with(b"</html>\n"));
    rig.act(json!({ "do": "stall-engine", "ms": 10 }));
    assert!(host.fetch(channel, "/").starts_with("HTTP/1.1 200"));
}

#[test]
fn firmware_that_sends_nothing_still_takes_messages() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "stop-writing" }));
    let number = host.request_open(16992, 4096).unwrap();
    rig.eventually(&json!({ "do": "stats" }), |stats| stats["opens"] == 1);
    let out = rig.stats()["messages_out"].clone();
    host.send(Message::KeepaliveRequest(1)).unwrap();
    rig.eventually(&json!({ "do": "state" }), |_| rig.stats()["messages_in"].as_u64() >= Some(8));
    assert_eq!(rig.stats()["messages_out"], out);
    rig.act(json!({ "do": "resume-writing" }));
    host.expect(confirmation(number, 0, 4096));
}

#[test]
fn responses_keep_to_the_link_rate() {
    let rig = Rig::new();
    let mut host = rig.host();
    let channel = host.open(16992, 65536).unwrap();
    rig.act(json!({ "do": "link-rate", "bytes-per-second": 200_000 }));
    let start = std::time::Instant::now();
    host.fetch(channel, "/sim/bulk/20000");
    // A lower bound only: a slow machine cannot break it.
    let elapsed = start.elapsed().as_millis();
    assert!(elapsed >= 80, "20 kB take 100 ms at 200 kB/s, took {elapsed} ms");
}

#[test]
fn clear_disarms_everything() {
    let rig = Rig::new();
    for step in [
        json!({ "do": "refuse-opens", "reason": 1, "count": 100 }),
        json!({ "do": "stall-engine" }),
        json!({ "do": "stop-writing" }),
        json!({ "do": "link-reset", "when": { "messages": 5 } }),
        json!({ "do": "clear" }),
    ] {
        rig.act(step);
    }
    let mut host = rig.host();
    let channel = host.open(16992, 4096).unwrap();
    assert!(host.fetch(channel, "/").starts_with("HTTP/1.1 200"));
    rig.assert_no_violations();
}
