//! The table of invalid input (`apf 10`): one test per row, named by its number, with that row's reaction.
//!
//! Elsewhere: the second half of row 1 (ten empty reads in a row mean that the device is gone) and row 54
//! (firmware stops reading) need the device and belong to the driver. "Slow retry" and "reconnect with
//! back-off" are the driver's as well; what it decides by, [`SessionError::fault`], is tested here.

use amtd_apf::{
    CloseCause, DisconnectReason, Event, Fault, OpenFailureReason, Port, Refusal, RemoteChannelId,
    SessionConfig, SessionError, State,
    wire::{
        ChannelKind, ChannelOpen, ChannelOpenConfirmation, Datagram, DecodeErrorKind, Disconnect, Endpoints,
        GlobalRequest, KeepaliveOptions, Message, MessageType, RESERVED, Request, RequestSuccess,
        ServiceName, UserauthFailure,
    },
};

use crate::support::{
    Host, PORT, adjust, cancel_forward, close, confirmation, data, encoded, failure, farewell, hex,
    our_version, request, seconds, service, tcpip_forward, version,
};

const PROTOCOL_ERROR: Message<'static> =
    Message::Disconnect(Disconnect { reason: DisconnectReason::PROTOCOL_ERROR });
const LOCALHOST: Endpoints<'static> =
    Endpoints { target: b"localhost", target_port: 0, originator: b"127.0.0.1", originator_port: 0 };

fn success(port: u32) -> Message<'static> {
    Message::RequestSuccess(RequestSuccess { port: Some(port) })
}

fn firmware_opens(sender: u32, kind: ChannelKind<'_>) -> Message<'_> {
    Message::ChannelOpen(ChannelOpen { sender, window: 2048, reserved: RESERVED, kind })
}

fn unwanted(want_reply: bool) -> Message<'static> {
    let request = Request::Unknown { name: b"tcpip-forward\0", body: b"whatever" };
    Message::GlobalRequest(GlobalRequest { want_reply, request })
}

/// The session ends: firmware is told that it broke the protocol.
#[track_caller]
fn is_session_error(mut host: Host, bytes: &[u8]) -> SessionError {
    let error = host.hear_bytes(bytes).expect_err("a session error");
    assert_eq!(host.session.state(), State::Over);
    host.says(&[PROTOCOL_ERROR]);
    error
}

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

#[test]
fn row_27_unknown_channel_type_is_refused() {
    let mut host = Host::ready();
    for name in [&b"session"[..], b"direct-tcpip\0", b"DIRECT-TCPIP", b""] {
        host.hear(firmware_opens(5, ChannelKind::Unknown { name, body: b"?" }));
        host.says(&[failure(5, OpenFailureReason::UNKNOWN_CHANNEL_TYPE)]);
    }
    assert_eq!((host.events(), host.counters().refused_channels), (vec![], 4));
}

#[test]
fn row_28_truncated_open_ends_the_session_even_if_its_sender_is_readable() {
    let whole = encoded(firmware_opens(5, ChannelKind::DirectTcpip(LOCALHOST)));
    for length in 21..whole.len() {
        let error = is_session_error(Host::ready(), &whole[..length]);
        assert_eq!(error.fault(), Fault::BadBytes);
    }
}

#[test]
fn row_29_forwarded_channel_from_firmware_is_prohibited() {
    let mut host = Host::forwarding();
    host.hear(firmware_opens(5, ChannelKind::ForwardedTcpip(LOCALHOST)));
    host.says(&[failure(5, OpenFailureReason::PROHIBITED)]);
    assert_eq!(host.events(), []);
}

#[test]
fn row_30_open_that_reuses_a_live_number_is_prohibited_and_keeps_the_old_channel() {
    let mut host = Host::forwarding();
    host.hear(firmware_opens(5, ChannelKind::DirectTcpip(LOCALHOST)));
    host.sent();
    let Some(Event::Direct { channel, .. }) = host.events().pop() else { panic!("not accepted") };
    let ours = host.opened(6, 4096);
    for number in [5, 6] {
        host.hear(firmware_opens(number, ChannelKind::DirectTcpip(LOCALHOST)));
        host.says(&[failure(number, OpenFailureReason::PROHIBITED)]);
    }
    assert_eq!((host.state_of(channel), host.state_of(ours)), (Some("open"), Some("open")));
}

#[test]
fn row_31_late_confirmation_of_an_abandoned_open_is_closed_again() {
    let mut host = Host::forwarding();
    let channel = host.open().unwrap();
    host.sent();
    host.wait(seconds(15)).unwrap();
    assert_eq!(
        host.events(),
        [Event::Refused { channel, reason: Refusal::Timeout }, Event::Released { channel }]
    );
    host.hear(confirmation(channel, 3, 4096));
    host.says(&[close(3)]);
    host.hear(confirmation(channel, 3, 4096));
    host.is_quiet();
    host.hear(close(channel.number()));
    host.is_quiet();
    assert_eq!((host.counters().extra_closes, host.counters().stray_closes), (1, 0));
}

#[test]
fn row_31_confirmation_for_a_number_that_never_was_is_ignored() {
    let mut host = Host::forwarding();
    for receiver in [0, 5, 256, 4000, u32::MAX] {
        let stray = ChannelOpenConfirmation { receiver, sender: 3, window: 4096, reserved: RESERVED };
        host.hear(Message::ChannelOpenConfirmation(stray));
    }
    host.is_quiet();
    assert_eq!(host.counters().stray_confirmations, 5);
}

/// Not in the table: firmware refuses and then confirms. It has reserved a slot, so the reaction is that of
/// row 31.
#[test]
fn row_31_confirmation_after_a_failure_is_closed_again() {
    let mut host = Host::forwarding();
    let channel = host.open().unwrap();
    host.sent();
    host.hear(failure(channel.number(), OpenFailureReason::RESOURCE_SHORTAGE));
    host.events();
    host.hear(confirmation(channel, 3, 4096));
    host.says(&[close(3)]);
    assert_eq!(host.events(), []);
}

#[test]
fn row_32_repeated_confirmation_is_ignored() {
    let mut host = Host::forwarding();
    let channel = host.opened(3, 100);
    host.hear(confirmation(channel, 3, 4096));
    host.is_quiet();
    assert_eq!(host.session.channels().next().unwrap().remote_window, 100, "the window is not added again");
}

#[test]
fn row_32_second_confirmation_with_another_number_is_closed_and_the_first_kept() {
    let mut host = Host::forwarding();
    let channel = host.opened(3, 4096);
    host.hear(confirmation(channel, 4, 4096));
    host.says(&[close(4)]);
    host.send(channel, b"to the first");
    host.says(&[data(3, b"to the first")]);
    assert_eq!(host.events(), [Event::Sent { channel, bytes: 12 }]);
}

#[test]
fn row_33_failure_for_an_open_channel_is_ignored() {
    let mut host = Host::forwarding();
    let channel = host.opened(3, 4096);
    host.hear(failure(channel.number(), OpenFailureReason::RESOURCE_SHORTAGE));
    host.is_quiet();
    assert_eq!((host.state_of(channel), host.counters().stray_failures), (Some("open"), 1));
}

#[test]
fn row_34_failure_for_an_unknown_number_is_ignored() {
    let mut host = Host::forwarding();
    host.hear(failure(4711, OpenFailureReason::RESOURCE_SHORTAGE));
    host.is_quiet();
    assert_eq!(host.counters().stray_failures, 1);
}

#[test]
fn row_35_unknown_failure_reason_refuses_like_any_other() {
    for reason in [0, 5, u32::MAX].map(OpenFailureReason) {
        let mut host = Host::forwarding();
        let channel = host.open().unwrap();
        host.sent();
        host.hear(failure(channel.number(), reason));
        assert_eq!(
            host.events(),
            [Event::Refused { channel, reason: Refusal::Firmware(reason) }, Event::Released { channel }]
        );
        assert_eq!(host.session.slots().free(), 6);
    }
}

#[test]
fn row_36_channel_confirmed_without_window_waits_for_one_but_not_for_ever() {
    let mut host = Host::forwarding();
    let channel = host.opened(3, 0);
    host.wait(seconds(3600)).unwrap();
    host.is_quiet();

    host.send(channel, b"patience");
    host.is_quiet();
    host.wait(seconds(29)).unwrap();
    host.hear(adjust(channel.number(), 1));
    host.says(&[data(3, b"p")]);
    host.events();
    host.wait(seconds(29)).unwrap();
    host.is_quiet();
    host.wait(seconds(1)).unwrap();
    host.says(&[farewell(3), close(3)]);
    assert_eq!(host.events(), [Event::Closed { channel, cause: CloseCause::ZeroWindow }]);
    host.hear(close(channel.number()));
    assert_eq!(host.events(), [Event::Released { channel }]);
}

#[test]
fn row_37_one_number_for_two_channels_ends_the_session() {
    let mut host = Host::forwarding();
    let first = host.opened(3, 4096);
    let second = host.open().unwrap();
    host.sent();
    let error = host.fails_on(confirmation(second, 3, 4096));
    assert_eq!(error, SessionError::DuplicateRemoteChannel { remote: RemoteChannelId(3), first, second });
    host.says(&[PROTOCOL_ERROR]);
}

/// Closing the extra number, as row 32 has it, would close the channel that rightly has it.
#[test]
fn row_37_second_confirmation_with_the_number_of_another_channel_ends_the_session() {
    let mut host = Host::forwarding();
    let second = host.opened(3, 4096);
    let first = host.opened(4, 4096);
    let error = host.fails_on(confirmation(second, 4, 4096));
    assert_eq!(error, SessionError::DuplicateRemoteChannel { remote: RemoteChannelId(4), first, second });
}

/// Firmware may give a number anew once it has seen our close, even if its own never came.
#[test]
fn row_37_number_of_a_zombie_can_be_given_to_another_channel() {
    let mut host = Host::forwarding();
    let zombie = host.opened(3, 4096);
    host.close(zombie);
    host.sent();
    host.wait(seconds(10)).unwrap();
    host.events();
    let heir = host.opened(3, 4096);
    host.hear(confirmation(zombie, 3, 4096));
    host.is_quiet();
    assert_eq!(host.state_of(heir), Some("open"));
}

#[test]
fn row_37_late_confirmation_must_not_close_a_live_channel() {
    let mut host = Host::forwarding();
    let late = host.open().unwrap();
    host.sent();
    host.wait(seconds(15)).unwrap();
    host.events();
    host.opened(3, 4096);
    assert!(matches!(host.fails_on(confirmation(late, 3, 1)), SessionError::DuplicateRemoteChannel { .. }));
}

#[test]
fn row_38_data_for_an_unknown_number_is_ignored() {
    let mut host = Host::forwarding();
    for receiver in [0, 255, 256, u32::MAX] {
        host.hear(data(receiver, b"x"));
    }
    host.is_quiet();
    assert_eq!(host.counters().stray_data, 4);
}

#[test]
fn row_39_data_before_the_confirmation_is_ignored() {
    let mut host = Host::forwarding();
    let channel = host.open().unwrap();
    host.sent();
    host.hear(data(channel.number(), b"early"));
    host.is_quiet();
    assert_eq!(host.counters().stray_data, 1);
    host.hear(confirmation(channel, 0, 1));
    assert_eq!(host.session.channels().next().unwrap().local_window, 4096, "nothing was booked");
}

#[test]
fn row_40_data_after_firmwares_close_is_ignored() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.hear(close(channel.number()));
    host.sent();
    host.events();
    host.hear(data(channel.number(), b"late"));
    host.is_quiet();
    assert_eq!(host.counters().stray_data, 1);
}

/// The owner is gone, so the bytes are discarded. The credit for them went out ahead of the close: after it,
/// an adjust could reach the wrong channel.
#[test]
fn row_41_data_after_our_close_is_discarded_and_credited_in_advance() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.close(channel);
    host.says(&[farewell(0), close(0)]);
    for _ in 0..10 {
        host.hear(data(channel.number(), &[0; 4096]));
    }
    host.is_quiet();
    assert_eq!((host.counters().discarded_bytes, host.counters().excess_data), (40_960, 0));
    host.hear(close(channel.number()));
    assert_eq!(host.events(), [Event::Released { channel }]);
}

#[test]
fn row_42_empty_data_is_ignored_without_adjust() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.hear(data(channel.number(), b""));
    host.is_quiet();
    assert_eq!(host.counters().empty_data, 1);
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
fn row_44_data_beyond_the_window_closes_that_channel_only() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    let other = host.opened(1, 4096);
    host.hear(data(channel.number(), &[1; 4096]));
    assert_eq!(host.events().len(), 1);
    host.hear(data(channel.number(), &[2; 1]));
    host.says(&[adjust(0, 1 << 20), close(0)]);
    assert_eq!(host.events(), [Event::Closed { channel, cause: CloseCause::ExcessData }]);
    assert_eq!(host.counters().excess_data, 1);
    assert_eq!(CloseCause::ExcessData.fault(), Fault::PeerMisbehaved);

    host.hear(close(channel.number()));
    assert_eq!(host.events(), [Event::Released { channel }]);
    assert_eq!(host.state_of(other), Some("open"));
}

#[test]
fn row_45_adjust_for_an_unknown_number_is_ignored() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.hear(close(channel.number()));
    host.sent();
    host.events();
    for receiver in [0, channel.number(), u32::MAX] {
        host.hear(adjust(receiver, 1));
    }
    host.is_quiet();
    assert_eq!(host.counters().stray_adjusts, 3);
}

#[test]
fn row_46_adjust_by_nothing_is_ignored_and_does_not_stop_the_clock() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 0);
    host.send(channel, b"x");
    host.wait(seconds(29)).unwrap();
    host.hear(adjust(channel.number(), 0));
    assert_eq!(host.counters().empty_adjusts, 1);
    host.wait(seconds(1)).unwrap();
    assert_eq!(host.events(), [Event::Closed { channel, cause: CloseCause::ZeroWindow }]);
}

#[test]
fn row_47_adjust_beyond_32_bits_saturates() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, u32::MAX);
    host.hear(adjust(channel.number(), 1));
    assert_eq!(host.session.channels().next().unwrap().remote_window, u32::MAX);
    assert_eq!(host.counters().overflowing_adjusts, 1);
    host.send(channel, b"still works");
    host.says(&[data(0, b"still works")]);
}

#[test]
fn row_48_close_for_an_unknown_number_is_never_answered() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    for receiver in [0, 0, 1, 255, 257, u32::MAX] {
        host.hear(close(receiver));
    }
    host.is_quiet();
    assert_eq!((host.state_of(channel), host.counters().stray_closes), (Some("open"), 6));
}

#[test]
fn row_49_close_while_opening_is_a_refusal() {
    let mut host = Host::forwarding();
    let channel = host.open().unwrap();
    host.sent();
    host.hear(close(channel.number()));
    host.says(&[]);
    assert_eq!(
        host.events(),
        [Event::Refused { channel, reason: Refusal::ClosedWhileOpening }, Event::Released { channel }]
    );
    assert_eq!(host.session.slots().free(), 6);
}

#[test]
fn row_50_second_close_is_ignored() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.hear(close(channel.number()));
    host.says(&[close(0)]);
    host.events();
    host.hear(close(channel.number()));
    host.is_quiet();
    assert_eq!(host.counters().stray_closes, 1);
}

#[test]
fn row_51_unanswered_close_frees_the_slot_after_its_time_and_reserves_the_number() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.close(channel);
    host.says(&[farewell(0), close(0)]);
    host.wait(seconds(9)).unwrap();
    assert_eq!((host.session.slots().free(), host.events()), (5, vec![]));
    host.wait(seconds(1)).unwrap();
    assert_eq!((host.session.slots().free(), host.events()), (6, vec![Event::Released { channel }]));
    assert_eq!(host.counters().unanswered_closes, 1);

    host.hear(data(channel.number(), b"late"));
    host.hear(close(channel.number()));
    host.is_quiet();
    assert_eq!(host.counters().stray_closes, 0, "the zombie was recognised");
}

#[test]
fn row_52_unanswered_open_is_abandoned_after_its_time() {
    let mut host = Host::forwarding();
    let channel = host.open().unwrap();
    host.sent();
    host.wait(seconds(14)).unwrap();
    assert_eq!(host.events(), []);
    host.wait(seconds(1)).unwrap();
    assert_eq!(
        host.events(),
        [Event::Refused { channel, reason: Refusal::Timeout }, Event::Released { channel }]
    );
    assert_eq!((host.session.slots().free(), host.counters().unanswered_opens), (6, 1));
    host.says(&[]);
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
