//! Version, services, restarts, and the end of a session.

use std::net::{Ipv6Addr, SocketAddr};

use amtd_apf::{
    Class, CloseCause, Event, Fault, Open, OpenError, SessionConfig, SessionError, State, Timeouts,
    wire::{
        Disconnect, DisconnectReason, Message, RequestSuccess, ServiceName, UserauthMethod, UserauthRequest,
    },
};

use crate::support::{
    CLIENT, Host, PORT, close, confirmation, hex, our_version, seconds, service, tcpip_forward, version,
};

const PFWD: ServiceName<'static> = ServiceName { name: b"pfwd@amt.intel.com" };
const AUTH: ServiceName<'static> = ServiceName { name: b"auth@amt.intel.com" };

fn disconnect(reason: DisconnectReason) -> Message<'static> {
    Message::Disconnect(Disconnect { reason })
}

#[test]
fn firmware_speaks_first_and_is_answered_once() {
    let mut host = Host::connected();
    host.is_quiet();
    assert_eq!(host.session.state(), State::AwaitingVersion);

    host.hear(version(1, 0));
    host.says(&[our_version()]);
    assert_eq!(host.session.state(), State::AwaitingService);

    host.hear(Message::ServiceRequest(PFWD));
    host.says(&[Message::ServiceAccept(PFWD)]);
    assert_eq!(host.events(), [Event::Ready]);
    assert_eq!(host.session.state(), State::Ready);
    assert_eq!(host.session.poll_timeout(), None, "nothing is being waited for");
}

#[test]
fn silent_firmware_is_spoken_to_and_then_not_answered_again() {
    let mut host = Host::connected();
    host.wait(seconds(1)).unwrap();
    host.is_quiet();
    host.wait(seconds(1)).unwrap();
    host.says(&[our_version()]);
    host.wait(seconds(5)).unwrap();
    host.is_quiet();

    host.hear(version(1, 0));
    host.is_quiet();
    host.hear(Message::ServiceRequest(PFWD));
    host.says(&[Message::ServiceAccept(PFWD)]);
}

#[test]
fn authentication_is_granted_but_not_required() {
    let mut host = Host::connected();
    host.hear(version(1, 0));
    host.hear(Message::ServiceRequest(AUTH));
    let user = UserauthRequest { user: b"", service: PFWD.name, method: UserauthMethod::None };
    host.hear(Message::UserauthRequest(user));
    assert_eq!(host.session.state(), State::AwaitingService);
    host.hear(Message::ServiceRequest(PFWD));
    host.says(&[
        our_version(),
        Message::ServiceAccept(AUTH),
        Message::UserauthSuccess,
        Message::ServiceAccept(PFWD),
    ]);
    assert_eq!(host.events(), [Event::Ready]);
}

#[test]
fn handshake_that_stops_halfway_has_a_deadline() {
    let mut silent = Host::connected();
    let error = silent.wait(seconds(60)).expect_err("nobody there");
    assert_eq!(error, SessionError::HandshakeTimeout { waiting: State::AwaitingVersion });
    assert_eq!((error.fault(), silent.session.state()), (Fault::Timeout, State::Over));
    silent.says(&[disconnect(DisconnectReason::PROTOCOL_ERROR)]);

    let mut halfway = Host::connected();
    halfway.hear(version(1, 0));
    halfway.wait(seconds(9)).unwrap();
    let error = halfway.wait(seconds(1)).expect_err("no service request");
    assert_eq!(error, SessionError::HandshakeTimeout { waiting: State::AwaitingService });
    assert_eq!(
        error.to_string(),
        "the handshake took too long, it stopped while awaiting the service request"
    );
}

#[test]
fn restarting_over_and_over_does_not_prolong_the_handshake() {
    let mut host = Host::connected();
    for _ in 0..3 {
        host.hear(version(1, 0));
        host.wait(seconds(3)).unwrap();
    }
    assert!(host.wait(seconds(1)).is_err());
}

/// Firmware lost its state without losing the connection: a new version, then everything anew.
#[test]
fn restart_by_firmware_voids_channels_and_forwards() {
    let mut host = Host::forwarding();
    let open = host.opened(0, 4096);
    let opening = host.open().unwrap();
    let closing = host.opened(1, 4096);
    host.send(open, b"never arrives");
    host.close(closing);
    host.hear(tcpip_forward(b"amt-host", 623));
    host.events();

    host.hear(version(1, 0));
    assert_eq!(
        host.events(),
        [
            Event::Closed { channel: open, cause: CloseCause::Restarted },
            Event::Released { channel: open },
            Event::Closed { channel: opening, cause: CloseCause::Restarted },
            Event::Released { channel: opening },
            Event::Released { channel: closing },
            Event::Restarted,
        ]
    );
    host.says(&[our_version()]);
    assert_eq!(host.session.state(), State::AwaitingService);
    assert_eq!((host.session.forwards().count(), host.session.channels().count()), (0, 0));
    assert_eq!(host.open(), Err(OpenError::NotReady));

    host.hear(Message::ServiceRequest(PFWD));
    assert_eq!(host.events(), [Event::Ready]);
    assert_eq!(host.open(), Err(OpenError::NoForward));
    host.hear(tcpip_forward(b"amt-host", 16992));
    host.answer_all(true);
    host.says(&[Message::ServiceAccept(PFWD), Message::RequestSuccess(RequestSuccess { port: Some(16992) })]);
    let again = host.open().expect("a slot");
    assert!(again.number() > closing.number(), "numbers of before the restart are not reused");
}

#[test]
fn restart_gets_a_handshake_time_of_its_own() {
    let mut host = Host::forwarding();
    host.wait(seconds(3600)).unwrap();
    host.hear(version(1, 0));
    host.wait(seconds(9)).unwrap();
    let error = host.wait(seconds(1)).expect_err("no service request after the restart");
    assert_eq!(error, SessionError::HandshakeTimeout { waiting: State::AwaitingService });
}

/// Firmware that was spoken to first sends its first version late: that is no restart, the next one is.
#[test]
fn late_first_version_is_not_taken_for_a_restart() {
    let mut host = Host::connected();
    host.wait(seconds(2)).unwrap();
    host.says(&[our_version()]);
    host.hear(version(1, 0));
    host.is_quiet();
    host.hear(version(1, 0));
    assert_eq!(host.events(), [Event::Restarted]);
    host.says(&[our_version()]);
}

#[test]
fn disconnect_by_the_host_is_the_last_thing_it_says() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.send(channel, b"unsent");
    host.session.disconnect(DisconnectReason::BY_APPLICATION);
    assert_eq!(
        host.events(),
        [Event::Closed { channel, cause: CloseCause::SessionOver }, Event::Released { channel }]
    );
    host.says(&[disconnect(DisconnectReason::BY_APPLICATION)]);
    host.session.disconnect(DisconnectReason::BY_APPLICATION);
    host.is_quiet();
    assert_eq!(host.session.poll_timeout(), None);
}

#[test]
fn nothing_happens_after_the_end() {
    let mut host = Host::forwarding();
    host.fails_on(disconnect(DisconnectReason::CONNECTION_LOST));
    host.is_quiet();
    assert_eq!(host.hear_bytes(&hex("61 00 00 00 00")), Err(SessionError::Over));
    assert_eq!(host.session.handle_timeout(host.now), Err(SessionError::Over));
    assert_eq!(host.open(), Err(OpenError::NotReady));
    host.is_quiet();
}

#[test]
fn device_with_messages_too_short_for_the_version_is_reported() {
    let config = SessionConfig { max_message_length: 64, ..SessionConfig::default() };
    let error = Host::with(config.clone()).fails_on(version(1, 0));
    assert_eq!(error, SessionError::MessageLimitTooSmall { limit: 64, needed: 93 });
    assert_eq!(error.fault(), Fault::Incompatible);

    let mut silent = Host::with(config);
    assert_eq!(silent.wait(seconds(2)), Err(error));
    silent.is_quiet();
}

#[test]
fn settings_beyond_their_bounds_are_clamped() {
    let timeouts = Timeouts { version: seconds(0), handshake: seconds(u64::MAX), ..Timeouts::default() };
    let config = SessionConfig {
        max_channels: 0,
        max_opening: 100,
        rx_window: 0,
        timeouts,
        ..SessionConfig::default()
    };
    let mut host = Host::forwarding_with(config);
    assert_eq!(host.session.slots().limit, 1);
    let channel = host.opened(0, 10);
    assert_eq!(host.session.channels().map(|info| info.local_window).collect::<Vec<_>>(), [1]);
    host.hear(close(channel.number()));
    assert_eq!(host.session.slots().free(), 1);
}

#[test]
fn ids_of_an_earlier_session_mean_nothing() {
    let mut first = Host::forwarding_with(SessionConfig { generation: 1, ..SessionConfig::default() });
    let old = first.opened(0, 4096);
    // The nearest session whose numbers are the same.
    let mut second = Host::forwarding_with(SessionConfig { generation: 16, ..SessionConfig::default() });
    let new = second.opened(0, 4096);
    assert_eq!(old.number(), new.number());
    assert_eq!((old.to_string(), new.to_string()), ("1.4352".into(), "16.4352".into()));

    second.abort(old);
    second.session.delivered(old, 1);
    second.session.set_class(old, Class::Bulk);
    assert_eq!(second.session.room(old), 0);
    assert!(second.session.send(second.now, old, b"x"[..].into()).is_err());
    second.is_quiet();
    assert_eq!(second.state_of(new), Some("open"));
}

/// The loopback address of the client's family is announced, with its true port; a mapped address counts as
/// IPv4.
#[test]
fn open_announces_the_clients_family_and_port() {
    let clients = [
        (CLIENT, "127.0.0.1"),
        (SocketAddr::from((Ipv6Addr::LOCALHOST, 51235)), "::1"),
        ("[::ffff:127.0.0.1]:4711".parse().unwrap(), "127.0.0.1"),
    ];
    for (originator, address) in clients {
        let mut host = Host::forwarding();
        let channel = host.session.open(host.now, Open { port: PORT, originator }, Class::Bulk).unwrap();
        let sent = host.sent();
        let Ok(Message::ChannelOpen(open)) = Message::decode(&sent[0]).map(|decoded| decoded.message) else {
            panic!("no open in {sent:?}");
        };
        assert_eq!((open.sender, open.window, open.reserved), (channel.number(), 4096, u32::MAX));
        let amtd_apf::wire::ChannelKind::ForwardedTcpip(endpoints) = open.kind else { panic!("{open:?}") };
        assert_eq!((endpoints.target, endpoints.originator), (address.as_bytes(), address.as_bytes()));
        assert_eq!((endpoints.target_port, endpoints.originator_port), (16992, originator.port().into()));
        host.hear(confirmation(channel, 0, 1));
    }
}

#[test]
fn pfwd_is_needed_before_anything_can_be_opened() {
    let mut host = Host::connected();
    assert_eq!(host.open(), Err(OpenError::NotReady));
    host.hear(version(1, 0));
    assert_eq!(host.open(), Err(OpenError::NotReady));
    host.hear(service(PFWD.name));
    assert_eq!(host.open(), Err(OpenError::NoForward));
    host.forward(PORT);
    assert!(host.open().is_ok());
}
