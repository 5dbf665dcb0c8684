//! What comes out of turn in the life of a session: before the version, before the service, twice, without end.

use amtd_apf::{
    CloseCause, DisconnectReason, Event, Fault, OpenFailureReason, SessionError, State,
    wire::{ChannelKind, Disconnect, KeepaliveOptions, Message, MessageType, ServiceName},
};

use super::{LOCALHOST, PROTOCOL_ERROR, firmware_opens, is_session_error};
use crate::support::{
    Host, adjust, close, data, encoded, failure, hex, our_version, service, tcpip_forward, version,
};

#[test]
fn row_08_anything_before_the_version_ends_the_session() {
    let early = [
        encoded(service(b"pfwd@amt.intel.com")),
        encoded(tcpip_forward(b"", 16992)),
        encoded(data(256, b"x")),
        encoded(Message::KeepaliveRequest(1)),
        hex("60"),
    ];
    for bytes in early {
        let error = is_session_error(Host::connected(), &bytes);
        assert_eq!(error, SessionError::BeforeVersion { message: MessageType(bytes[0]) });
        assert_eq!(error.fault(), Fault::PeerMisbehaved);
    }
}

#[test]
fn row_09_version_below_1_0_is_told_so_and_retried_slowly() {
    let mut host = Host::connected();
    let error = host.fails_on(version(0, 9));
    assert_eq!(error, SessionError::VersionTooOld { major: 0, minor: 9 });
    assert_eq!(error.fault(), Fault::Incompatible);
    let reason = DisconnectReason::PROTOCOL_VERSION_NOT_SUPPORTED;
    host.says(&[Message::Disconnect(Disconnect { reason })]);
}

#[test]
fn row_10_version_above_1_0_is_taken_as_1_0() {
    for (major, minor) in [(1, 1), (1, 5), (2, 0), (u32::MAX, u32::MAX)] {
        let mut host = Host::connected();
        host.hear(version(major, minor));
        host.says(&[our_version()]);
        assert_eq!(host.session.state(), State::AwaitingService);
        assert_eq!(host.counters().newer_versions, 1);
    }
}

#[test]
fn row_10_version_1_0_is_not_taken_for_a_newer_one() {
    assert_eq!(Host::ready().counters().newer_versions, 0);
}

#[test]
fn row_11_second_version_is_answered_and_drops_forwards_and_channels() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.hear(version(1, 0));
    assert_eq!(
        host.events(),
        [
            Event::Closed { channel, cause: CloseCause::Restarted },
            Event::Released { channel },
            Event::Restarted
        ]
    );
    host.says(&[our_version()]);
    assert_eq!(host.session.forwards().count(), 0);
    assert_eq!(host.counters().restarts, 1);
}

#[test]
fn row_12_short_version_ends_the_session_and_a_long_one_does_not() {
    let whole = encoded(version(1, 0));
    is_session_error(Host::connected(), &whole[..92]);
    let mut host = Host::connected();
    host.hear_bytes(&[whole.as_slice(), &[0; 7]].concat()).unwrap();
    host.says(&[our_version()]);
}

#[test]
fn row_13_unknown_service_is_not_available() {
    let mut host = Host::connected();
    host.hear(version(1, 0));
    host.sent();
    let error = host.fails_on(service(b"ssh-userauth\x1b[0m"));
    assert_eq!(error.to_string(), "firmware asked for the unknown service \"ssh-userauth\\u{1b}[0m\"");
    host.says(&[Message::Disconnect(Disconnect { reason: DisconnectReason::SERVICE_NOT_AVAILABLE })]);
}

#[test]
fn row_14_service_name_must_match_exactly() {
    for name in [&b"PFWD@amt.intel.com"[..], b"pfwd@amt.intel.com\0", b"pfwd@amt.intel.co", b""] {
        let mut host = Host::connected();
        host.hear(version(1, 0));
        host.sent();
        assert!(matches!(host.fails_on(service(name)), SessionError::UnknownService { .. }));
        host.says(&[Message::Disconnect(Disconnect { reason: DisconnectReason::SERVICE_NOT_AVAILABLE })]);
    }
}

#[test]
fn row_15_second_service_request_is_accepted_and_changes_nothing() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.hear(service(b"pfwd@amt.intel.com"));
    host.says(&[Message::ServiceAccept(ServiceName { name: b"pfwd@amt.intel.com" })]);
    assert_eq!(host.events(), []);
    assert_eq!((host.state_of(channel), host.session.forwards().count()), (Some("open"), 1));
}

#[test]
fn row_16_forwards_and_channels_before_the_service_end_the_session() {
    let early = [
        tcpip_forward(b"", 16992),
        firmware_opens(0, ChannelKind::DirectTcpip(LOCALHOST)),
        failure(256, OpenFailureReason(1)),
        adjust(256, 1),
        data(256, b"x"),
    ];
    for message in early {
        let mut host = Host::connected();
        host.hear(version(1, 0));
        host.sent();
        let error = is_session_error(host, &encoded(message));
        assert_eq!(error, SessionError::BeforeService { message: message.message_type() });
    }
}

#[test]
fn stray_close_of_an_earlier_connection_does_not_keep_a_session_from_beginning() {
    let mut host = Host::connected();
    host.hear(close(0));
    host.hear(version(1, 0));
    host.hear(close(256));
    host.hear(service(b"pfwd@amt.intel.com"));
    assert_eq!(host.session.state(), State::Ready);
    assert_eq!(host.counters().stray_closes, 2);
}

#[test]
fn row_56_keepalives_are_answered() {
    let mut host = Host::connected();
    host.hear(version(1, 0));
    host.hear(Message::KeepaliveRequest(0xdead_beef));
    host.hear(Message::KeepaliveOptionsRequest(KeepaliveOptions { interval: 30, timeout: 10 }));
    host.says(&[
        our_version(),
        Message::KeepaliveReply(0xdead_beef),
        Message::KeepaliveOptionsReply(KeepaliveOptions { interval: 0, timeout: 0 }),
    ]);
    assert_eq!(host.counters().keepalives, 2);
}

#[test]
fn keepalive_flood_without_reading_ends_the_session() {
    let mut host = Host::ready();
    let request = encoded(Message::KeepaliveRequest(1));
    let heard = (0..1000).take_while(|_| host.hear_bytes(&request).is_ok()).count();
    assert_eq!((heard, host.session.state()), (256, State::Over));
    host.says(&[PROTOCOL_ERROR]);
}

#[test]
fn data_that_has_not_left_does_not_follow_the_end_of_the_session() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.send(channel, b"too late");
    is_session_error(host, &hex("5e 00"));
}
