//! Messages that are not what they claim to be: lengths, types, direction.

use amtd_apf::{
    DisconnectReason, Event, Fault, OpenFailureReason, SessionConfig, SessionError,
    wire::{DecodeErrorKind, KeepaliveOptions, Message, ServiceName, UserauthFailure},
};

use super::{is_session_error, success};
use crate::support::{
    Host, adjust, close, confirmation, data, encoded, failure, hex, service, tcpip_forward,
};

#[test]
fn row_01_empty_message_is_ignored() {
    for mut host in [Host::connected(), Host::forwarding()] {
        host.hear_bytes(b"").unwrap();
        host.is_quiet();
        assert_eq!(host.counters().empty_messages, 1);
    }
}

#[test]
fn row_02_message_shorter_than_its_fixed_part_ends_the_session() {
    let channel = Host::forwarding().opened(0, 4096);
    let short: [Vec<u8>; 8] = [
        hex("05 00 00 00"),
        hex("32 00 00"),
        hex("50 00 00 00"),
        hex("5a 00"),
        encoded(confirmation(channel, 0, 1))[..16].to_vec(),
        encoded(failure(channel.number(), OpenFailureReason(1)))[..16].to_vec(),
        encoded(adjust(channel.number(), 1))[..8].to_vec(),
        encoded(close(channel.number()))[..4].to_vec(),
    ];
    for bytes in short {
        let error = is_session_error(Host::forwarding(), &bytes);
        assert_eq!(error.fault(), Fault::BadBytes, "{error}");
    }
}

#[test]
fn row_03_string_beyond_the_message_ends_the_session() {
    let mut bytes = encoded(tcpip_forward(b"amt-host", 16992));
    bytes[22] = 200;
    let error = is_session_error(Host::ready(), &bytes);
    assert!(
        matches!(error, SessionError::BadMessage(error) if error.field == "address" && error.offset == 23)
    );
}

#[test]
fn row_04_string_of_4_gib_ends_the_session() {
    for mut bytes in [encoded(service(b"pfwd@amt.intel.com")), encoded(tcpip_forward(b"", 16992))] {
        bytes[1..5].copy_from_slice(&[0xff; 4]);
        let error = is_session_error(Host::ready(), &bytes);
        assert!(error.to_string().contains("a string of 4294967295 bytes is announced"), "{error}");
    }
}

#[test]
fn row_05_trailing_bytes_are_ignored_and_counted() {
    let mut host = Host::ready();
    let mut bytes = encoded(tcpip_forward(b"amt-host", 16992));
    bytes.extend_from_slice(b"padding");
    host.hear_bytes(&bytes).unwrap();
    host.answer_all(true);
    host.says(&[success(16992)]);
    assert_eq!(host.counters().trailing, 1);
}

#[test]
fn row_06_unknown_type_is_ignored() {
    let mut host = Host::forwarding();
    let unknown = [0, 2, 3, 4, 95, 96, 98, 99, 100, 212, 255];
    for byte in unknown {
        host.hear_bytes(&[byte]).unwrap();
        host.hear_bytes(&[byte, 1, 2, 3, 4]).unwrap();
    }
    host.is_quiet();
    assert_eq!(host.counters().unknown_types, 2 * unknown.len() as u64);
    assert_eq!(host.counters().trailing, 0);
}

#[test]
fn row_07_message_that_only_a_host_sends_is_ignored() {
    let mut host = Host::forwarding();
    let messages = [
        Message::ServiceAccept(ServiceName { name: b"pfwd@amt.intel.com" }),
        Message::UserauthFailure(UserauthFailure { methods: b"password" }),
        Message::UserauthSuccess,
        success(16992),
        Message::RequestFailure,
        Message::KeepaliveReply(1),
        Message::KeepaliveOptionsReply(KeepaliveOptions::default()),
    ];
    for message in messages {
        host.hear(message);
    }
    host.is_quiet();
    assert_eq!(host.counters().host_messages, 7);
}

#[test]
fn row_43_data_longer_than_its_message_ends_the_session() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    let mut bytes = encoded(data(channel.number(), b"1234"));
    bytes[8] = 5;
    let error = is_session_error(host, &bytes);
    let SessionError::BadMessage(error) = error else { panic!("{error}") };
    assert_eq!(error.kind, DecodeErrorKind::StringBeyondMessage { announced: 5, available: 4 });
}

#[test]
fn row_53_short_disconnect_is_a_disconnect() {
    let whole = hex("01 00 00 00 0b 00 00");
    for (length, reason) in [(7, Some(DisconnectReason::BY_APPLICATION)), (6, None), (5, None), (1, None)] {
        for mut host in [Host::connected(), Host::forwarding()] {
            let error = host.hear_bytes(&whole[..length]).expect_err("the end");
            assert_eq!(error, SessionError::Disconnected { reason });
            assert_eq!(error.fault(), Fault::Disconnected);
            host.says(&[]);
        }
    }
}

#[test]
fn row_55_message_of_exactly_the_maximum_length_is_normal() {
    let config = SessionConfig { max_message_length: 128, ..SessionConfig::default() };
    let mut host = Host::forwarding_with(config);
    let channel = host.opened(0, 4096);
    host.hear(data(channel.number(), &[7; 119]));
    assert_eq!(host.events(), [Event::Data { channel, bytes: vec![7; 119].into() }]);

    host.send(channel, &[8; 200]);
    host.says(&[data(0, &[8; 119]), data(0, &[8; 81])]);
}
