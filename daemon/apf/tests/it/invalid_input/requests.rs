//! Requests for ports and datagrams that make no sense, or that are not granted.

use amtd_apf::{
    Event, Port, SessionConfig,
    wire::{Datagram, GlobalRequest, Message, Request},
};

use super::success;
use crate::support::{Host, PORT, cancel_forward, encoded, request, tcpip_forward};

fn unwanted(want_reply: bool) -> Message<'static> {
    let request = Request::Unknown { name: b"tcpip-forward\0", body: b"whatever" };
    Message::GlobalRequest(GlobalRequest { want_reply, request })
}

#[test]
fn row_17_unknown_request_is_refused_in_order() {
    let mut host = Host::ready();
    host.hear(tcpip_forward(b"", 16992));
    host.hear(unwanted(true));
    host.says(&[]);
    host.answer_all(true);
    host.says(&[success(16992), Message::RequestFailure]);
    assert_eq!(host.counters().unknown_requests, 1);
}

#[test]
fn row_18_unknown_request_without_reply_is_ignored() {
    let mut host = Host::ready();
    host.hear(unwanted(false));
    host.is_quiet();
    assert_eq!(host.counters().unknown_requests, 1);
}

#[test]
fn row_19_any_want_reply_byte_but_zero_wants_a_reply() {
    for (byte, replies) in [(0, 0), (1, 1), (2, 1), (255, 1)] {
        let mut host = Host::ready();
        let mut bytes = encoded(tcpip_forward(b"", 16992));
        bytes[18] = byte;
        host.hear_bytes(&bytes).unwrap();
        host.answer_all(true);
        assert_eq!(host.sent().len(), replies, "want reply {byte}");
        assert!(host.session.ready(PORT).is_ok(), "the forward is there in any case");
    }
}

/// Refused at once: the host is not even asked.
#[track_caller]
fn is_refused(host: &mut Host, message: Message<'_>) {
    host.hear(message);
    host.says(&[Message::RequestFailure]);
    assert_eq!(host.events(), []);
}

#[test]
fn row_20_port_that_is_no_port_is_refused() {
    let mut host = Host::ready();
    for port in [0, 65_536, 65_536 + 16_992, u32::MAX] {
        is_refused(&mut host, tcpip_forward(b"amt-host", port));
    }
    assert_eq!(host.counters().refused_forwards, 4);
}

#[test]
fn row_21_port_off_the_allow_list_is_refused() {
    let mut host = Host::ready();
    for port in [22, 80, 16_991, 65_535] {
        is_refused(&mut host, tcpip_forward(b"amt-host", port));
    }
}

#[test]
fn row_22_address_that_is_no_address_is_refused() {
    let mut host = Host::ready();
    for address in [&[b'a'; 256][..], b"amt\0host", b"127.0.0.1 evil\n", b"\x1b[2J", b"\xff\xff"] {
        is_refused(&mut host, tcpip_forward(address, 16992));
    }
    host.hear(tcpip_forward(&[b'a'; 255], 16992));
    host.answer_all(true);
    host.says(&[success(16992)]);
}

#[test]
fn row_23_duplicate_forward_succeeds_and_changes_nothing() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.hear(tcpip_forward(b"amt-host", 16992));
    host.says(&[success(16992)]);
    assert_eq!(host.events(), []);
    assert_eq!((host.session.forwards().count(), host.state_of(channel)), (1, Some("open")));
}

#[test]
fn row_24_flood_of_forwards_is_refused_beyond_the_limit() {
    let allowed_ports = (1..=100).map(Port).collect();
    let mut host =
        Host::with(SessionConfig { allowed_ports, ..SessionConfig::default() }).through_handshake();
    for port in 1..=16 {
        host.hear(tcpip_forward(b"", port));
    }
    host.hear(tcpip_forward(b"", 17));
    host.answer_all(true);
    assert_eq!(host.sent().last(), Some(&encoded(Message::RequestFailure)));
    host.events();
    is_refused(&mut host, tcpip_forward(b"", 18));

    let mut host = Host::forwarding();
    for name in 1..=15u32 {
        host.hear(tcpip_forward(name.to_string().as_bytes(), 16992));
    }
    host.answer_all(true);
    host.sent();
    host.events();
    is_refused(&mut host, tcpip_forward(b"one address too many", 16992));
}

#[test]
fn row_25_cancelling_what_is_not_there_fails() {
    let mut host = Host::forwarding();
    let unknown: [(&[u8], u32); 4] =
        [(b"other", 16992), (b"amt-host", 623), (b"amt-host", 0), (b"\0", 16992)];
    for (address, port) in unknown {
        is_refused(&mut host, cancel_forward(address, port));
    }
    assert_eq!(host.counters().unknown_cancels, 4);
    assert!(host.session.ready(PORT).is_ok());
}

#[test]
fn row_26_inconsistent_datagram_is_dropped_without_reply() {
    let datagram =
        Datagram { host: b"192.0.2.10", port: 162, originator: b"", originator_port: 0, data: b"trap" };
    fn udp(datagram: Datagram<'_>) -> Vec<u8> {
        encoded(request(Request::UdpSendTo(datagram)))
    }
    let whole = udp(datagram);
    let mut host = Host::ready();
    let mut dropped = 0;
    let mut drop_it = |bytes: &[u8]| {
        host.hear_bytes(bytes).unwrap();
        host.is_quiet();
        dropped += 1;
        assert_eq!(host.counters().bad_datagrams, dropped);
    };
    (31..whole.len()).for_each(|length| drop_it(&whole[..length]));
    drop_it(&udp(Datagram { data: &vec![0; 65_536], ..datagram }));
    drop_it(&udp(Datagram { port: 0, ..datagram }));
    drop_it(&udp(Datagram { port: 65_536, ..datagram }));
    drop_it(&udp(Datagram { host: b"", ..datagram }));
    drop_it(&udp(Datagram { host: b"a\0b", ..datagram }));

    host.hear_bytes(&whole).unwrap();
    let sent = Event::UdpSend { host: "192.0.2.10".into(), port: Port(162), data: b"trap"[..].into() };
    assert_eq!(host.events(), [sent]);
    host.says(&[]);
}
