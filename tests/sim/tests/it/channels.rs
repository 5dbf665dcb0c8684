//! Channels that the host opens: slots, windows, credit, closes, the engine (apf 4).

use amt_sim::config::{CreditPolicy, EngineModel};
use amt_sim::host::ApfHost;
use amtd_apf::wire::{
    ChannelClose, ChannelData, ChannelOpenConfirmation, Message, OpenFailureReason, RESERVED, WindowAdjust,
};
use serde_json::json;

use crate::rig::{ECHO, Rig, Scripted};

const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: amt\r\n\r\n";

fn remote(host: &ApfHost, channel: u32) -> u32 {
    host.channels[&channel].remote.expect("an open channel")
}

#[test]
fn slots_are_given_lowest_first_and_the_ninth_open_is_refused() {
    let rig = Rig::new();
    let mut host = rig.host();
    let channels: Vec<u32> = (0..8).map(|_| host.open(16992, 4096).unwrap()).collect();
    let numbers: Vec<u32> = channels.iter().map(|channel| remote(&host, *channel)).collect();
    assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7]);
    let ninth = host.open(16992, 4096).unwrap();
    assert_eq!(host.channels[&ninth].refused, Some(OpenFailureReason::RESOURCE_SHORTAGE));
    for channel in [channels[5], channels[2]] {
        host.close(channel).unwrap();
        host.pump_until(|host| host.channels[&channel].closed);
    }
    let (next, after) = (host.open(16992, 4096).unwrap(), host.open(16992, 4096).unwrap());
    assert_eq!([remote(&host, next), remote(&host, after)], [2, 5]);
    let stats = rig.stats();
    assert_eq!([&stats["opens"], &stats["opens_refused"], &stats["slots_high_water"]], [11, 1, 8]);
    rig.assert_no_violations();
}

#[test]
fn slot_stays_taken_until_the_host_answers_firmwares_close() {
    let rig = Rig::with(|config| config.apf.slots = 1);
    let mut host = rig.host();
    let channel = host.open(16992, 4096).unwrap();
    rig.act(json!({ "do": "close-channels" }));
    host.expect(Message::ChannelClose(ChannelClose { receiver: channel }));
    let refused = host.open(16992, 4096).unwrap();
    assert_eq!(host.channels[&refused].refused, Some(OpenFailureReason::RESOURCE_SHORTAGE));
    host.close(channel).unwrap();
    let next = host.open(16992, 4096).unwrap();
    assert_eq!(remote(&host, next), 0);
    rig.assert_no_violations();
}

#[test]
fn port_that_was_cancelled_is_refused_without_blame_and_open_channels_stay() {
    let rig = Rig::new();
    let mut host = rig.host();
    let old = host.open(16992, 4096).unwrap();
    rig.act(json!({ "do": "cancel", "port": 16992 }));
    // The cancel is on its way while the host opens.
    let crossing = host.open(16992, 4096).unwrap();
    assert_eq!(host.channels[&crossing].refused, Some(OpenFailureReason::PROHIBITED));
    assert!(host.fetch(old, "/").starts_with("HTTP/1.1 200"));
    rig.assert_no_violations();
}

#[test]
fn kept_connection_serves_request_after_request_and_close_follows_the_response() {
    let rig = Rig::new();
    let mut host = rig.host();
    let channel = host.open(16992, 4096).unwrap();
    for _ in 0..3 {
        assert!(host.fetch(channel, "/").starts_with("HTTP/1.1 200"));
    }
    host.write(channel, b"GET / HTTP/1.1\r\nHost: amt\r\nConnection: close\r\n\r\n").unwrap();
    host.pump_until(|host| host.channels[&channel].closed);
    host.barrier();
    assert_eq!(rig.session()["slots_in_use"], 0);
    assert_eq!(rig.stats()["requests"], 4);
    rig.assert_no_violations();
}

#[test]
fn firmware_never_exceeds_the_hosts_window() {
    let rig = Rig::new();
    let mut host = rig.host();
    let channel = host.open(16992, 10).unwrap();
    host.send(Message::ChannelData(ChannelData { receiver: 0, payload: GET })).unwrap();
    let mut granted = 10;
    for grant in [1, 7, 1500, 20] {
        let mut received = 0;
        while received < granted {
            let message = host.next_but_adjusts();
            received += message.len() - 9;
            assert!(received <= granted && message.len() - 9 <= 1400);
        }
        // Nothing more may come: the reply to a probe is the next message.
        host.send(Message::KeepaliveRequest(5)).unwrap();
        host.expect(Message::KeepaliveReply(5));
        host.send(Message::WindowAdjust(WindowAdjust { receiver: 0, bytes: grant })).unwrap();
        granted = grant as usize;
        if grant == 1500 {
            break;
        }
    }
    assert_eq!(host.channels[&channel].received, 0, "read by hand");
    rig.assert_no_violations();
}

#[test]
fn frames_are_as_long_as_the_message_size_allows() {
    let rig = Rig::with(|config| config.apf.max_message = 100);
    let mut host = rig.host();
    let channel = host.open(16992, 65536).unwrap();
    host.write(channel, b"GET /sim/bulk/1000 HTTP/1.1\r\nHost: amt\r\n\r\n").unwrap();
    let mut longest = 0;
    let mut received = 0;
    while received < 1000 {
        let length = host.next_but_adjusts().len();
        received += length - 9;
        longest = longest.max(length);
    }
    assert_eq!(longest, 100);
}

#[test]
fn window_is_given_back_as_the_policy_says() {
    let body = [b'x'; 300];
    for (policy, expected) in [
        (CreditPolicy::Consumed, vec![300, 300, 300]),
        (CreditPolicy::PerMessage, vec![300, 300, 300]),
        (CreditPolicy::HalfWindow, vec![600]),
    ] {
        let rig = Rig::with(|config| {
            config.apf.credit = policy;
            config.apf.window = 1000;
        });
        let mut host = rig.host();
        // The request line is never completed, so that the server only collects.
        let channel = host.open(16992, 4096).unwrap();
        for _ in 0..3 {
            host.write(channel, &body).unwrap();
        }
        host.send(Message::KeepaliveRequest(5)).unwrap();
        let mut adjusts = Vec::new();
        loop {
            let bytes = host.next();
            match Message::decode(&bytes).unwrap().message {
                Message::WindowAdjust(adjust) => adjusts.push(adjust.bytes),
                other => break assert_eq!(other, Message::KeepaliveReply(5)),
            }
        }
        assert_eq!(adjusts, expected, "{policy:?}");
        rig.assert_no_violations();
    }
}

#[test]
fn busy_server_gives_no_window_back_for_what_it_has_not_read() {
    for (policy, adjusts) in [(CreditPolicy::Consumed, 1), (CreditPolicy::PerMessage, 2)] {
        let rig = Rig::with(|config| config.apf.credit = policy);
        let mut host = rig.host();
        let channel = host.open(16992, 4096).unwrap();
        rig.act(json!({ "do": "stall-engine" }));
        let before = rig.stats()["messages_out"].as_u64().unwrap();
        host.write(channel, GET).unwrap();
        host.write(channel, GET).unwrap();
        host.barrier();
        // The reply to the barrier's probe is the one message more.
        assert_eq!(rig.stats()["messages_out"].as_u64(), Some(before + adjusts + 1), "{policy:?}");
        rig.act(json!({ "do": "release-engine" }));
        host.pump_until(|host| {
            host.channels[&channel].input.windows(12).filter(|w| *w == b"HTTP/1.1 200").count() == 2
        });
        rig.assert_no_violations();
    }
}

#[test]
fn echo_channel_returns_every_byte_and_credits_only_what_it_returned() {
    let rig = Rig::new();
    let mut host = rig.host();
    let channel = host.open(ECHO, 5000).unwrap();
    let sent: Vec<u8> = (0..100_000_u32).map(|n| (n % 251) as u8).collect();
    host.write(channel, &sent).unwrap();
    host.pump_until(|host| host.channels[&channel].input.len() == sent.len());
    assert_eq!(host.channels[&channel].input, sent);
    rig.assert_no_violations();
}

#[test]
fn host_close_is_answered_and_the_rest_of_the_response_is_dropped() {
    let rig = Rig::new();
    let mut host = rig.host();
    let channel = host.open(16992, 10).unwrap();
    host.write(channel, GET).unwrap();
    host.next_but_adjusts();
    host.close(channel).unwrap();
    host.expect(Message::ChannelClose(ChannelClose { receiver: channel }));
    host.barrier();
    assert_eq!(rig.session()["slots_in_use"], 0);
    rig.assert_no_violations();
}

#[test]
fn request_of_a_closed_channel_is_executed_and_its_response_dropped() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "stall-engine" }));
    let channel = host.open(16992, 4096).unwrap();
    host.write(channel, GET).unwrap();
    host.close(channel).unwrap();
    host.pump_until(|host| host.channels[&channel].closed);
    let next = host.open(16992, 4096).unwrap();
    assert_eq!(remote(&host, next), 0, "the number is used again at once");
    rig.act(json!({ "do": "release-engine" }));
    rig.eventually(&json!({ "do": "stats" }), |stats| stats["requests"] == 1);
    host.barrier();
    assert_eq!(host.channels[&next].received, 0, "nothing of the old response comes on the new channel");
    rig.assert_no_violations();
}

#[test]
fn unread_response_occupies_the_engine_only_in_the_stuck_model() {
    for model in [EngineModel::Independent, EngineModel::Stuck] {
        let rig = Rig::with(|config| config.engine = model);
        let mut host = rig.host();
        let (slow, quick) = (host.open(16992, 10).unwrap(), host.open(16992, 4096).unwrap());
        host.keep_input = false;
        host.send(Message::ChannelData(ChannelData { receiver: remote(&host, slow), payload: GET })).unwrap();
        host.next_but_adjusts();
        host.write(quick, GET).unwrap();
        host.barrier();
        let state = rig.state();
        assert_eq!(state["engine"]["busy"], model == EngineModel::Stuck, "{model:?}");
        assert_eq!(rig.stats()["requests"], if model == EngineModel::Stuck { 1 } else { 2 }, "{model:?}");
        let receiver = remote(&host, slow);
        host.send(Message::WindowAdjust(WindowAdjust { receiver, bytes: 100_000 })).unwrap();
        rig.eventually(&json!({ "do": "stats" }), |stats| stats["requests"] == 2);
        rig.assert_no_violations();
    }
}

#[test]
fn huge_window_is_confirmed_and_then_overflows() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "huge-window" }));
    let number = host.request_open(16992, 4096).unwrap();
    let confirmation =
        ChannelOpenConfirmation { receiver: number, sender: 0, window: u32::MAX, reserved: RESERVED };
    host.expect(Message::ChannelOpenConfirmation(confirmation));
    host.expect(Message::WindowAdjust(WindowAdjust { receiver: number, bytes: 1000 }));
}
