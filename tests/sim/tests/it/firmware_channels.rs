//! What firmware starts itself: alerts and other channels, datagrams, probes (apf 5).

use amtd_apf::wire::{ChannelOpenFailure, Message, OpenFailureReason};
use serde_json::json;

use crate::rig::{Rig, Scripted};

#[test]
fn alert_is_delivered_in_single_bytes_within_the_hosts_window() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "alert", "chunk": 1, "id": "iAMT0055", "argument": "2" }));
    host.pump_until(|host| !host.channels.is_empty());
    let number = *host.channels.keys().next().unwrap();
    host.pump_until(|host| host.channels[&number].input.ends_with(b"</a:Envelope>"));
    let text = String::from_utf8(host.channels[&number].input.clone()).unwrap();
    assert!(text.starts_with("POST / HTTP/1.1\r\nHost: localhost:0\r\n"), "{text}");
    assert!(text.contains("<g:MessageID>iAMT0055</g:MessageID>"), "{text}");
    host.close(number).unwrap();
    host.pump_until(|host| host.channels[&number].closed);
    let stats = rig.stats();
    assert_eq!([&stats["direct_accepted"], &stats["bytes_out"]], [&json!(1), &json!(text.len())]);
    assert_eq!(rig.session()["slots_in_use"], 0);
    rig.assert_no_violations();
}

#[test]
fn refused_alert_frees_its_slot() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "alert" }));
    let open = host.next();
    let Message::ChannelOpen(open) = Message::decode(&open).unwrap().message else { panic!("{open:?}") };
    let reason = OpenFailureReason::CONNECT_FAILED;
    host.send(Message::ChannelOpenFailure(ChannelOpenFailure { receiver: open.sender, reason })).unwrap();
    host.barrier();
    assert_eq!(rig.stats()["direct_refused"], 1);
    assert_eq!(rig.session()["slots_in_use"], 0);
    rig.assert_no_violations();
}

#[test]
fn firmware_connects_through_the_host_and_opens_what_it_may_not() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "direct", "host": "192.0.2.1", "port": 80, "data": "hello" }));
    host.pump_until(|host| host.channels.values().any(|book| book.input == b"hello"));
    for (kind, length) in [("forwarded-tcpip", 15), ("session", 7)] {
        rig.act(json!({ "do": "open-channel", "type": kind }));
        let open = host.next();
        assert_eq!((open[0], usize::from(open[4])), (90, length));
        assert_eq!(&open[5..5 + length], kind.as_bytes());
    }
}

#[test]
fn alert_without_a_free_slot_is_an_error_of_the_script() {
    let rig = Rig::with(|config| config.apf.slots = 1);
    let mut host = rig.host();
    host.open(16992, 4096).unwrap();
    let answer = rig.simulator.request(json!({ "do": "alert" }));
    assert_eq!(answer["ok"], false);
    assert!(answer["error"].as_str().unwrap().contains("slot"), "{answer}");
}

#[test]
fn datagram_is_asked_for_without_wanting_a_reply() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "udp", "host": "192.0.2.10", "port": 162, "data": "trap" }));
    host.pump().unwrap();
    assert!(host.notes[0].starts_with("UdpSendTo"), "{:?}", host.notes);
    host.barrier();
    rig.assert_no_violations();
}

#[test]
fn probes_are_counted_when_answered_and_answered_when_received() {
    let rig = Rig::new();
    let mut host = rig.host();
    rig.act(json!({ "do": "keepalive", "cookie": 7 }));
    rig.act(json!({ "do": "keepalive-options", "interval": 30, "timeout": 10 }));
    host.pump().unwrap();
    host.pump().unwrap();
    host.barrier();
    assert_eq!(rig.stats()["keepalive_replies"], 2);
    rig.assert_no_violations();
}
