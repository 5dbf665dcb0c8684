//! Forward requests: answers in order, repetitions, cancellations, limits.

use amtd_apf::{
    Event, ForwardId, ForwardState, OpenError, Port, SessionConfig, SessionError, State,
    wire::{Message, RequestSuccess},
};

use crate::support::{Host, PORT, cancel_forward, seconds, tcpip_forward};

fn success(port: u32) -> Message<'static> {
    Message::RequestSuccess(RequestSuccess { port: Some(port) })
}

const CANCELLED: Message<'static> = Message::RequestSuccess(RequestSuccess { port: None });

impl Host {
    /// The questions that the host has been asked.
    fn asked(&mut self) -> Vec<(ForwardId, Port, String)> {
        let questions = self.events().into_iter().filter_map(|event| match event {
            Event::ForwardRequested { forward, port, address } => Some((forward, port, address)),
            _ => None,
        });
        questions.collect()
    }

    fn answer(&mut self, forward: ForwardId, accept: bool) {
        self.session.answer_forward(self.now, forward, accept);
    }

    fn active(&self) -> Vec<(u16, &str)> {
        let active = self.session.forwards().filter(|forward| forward.state == ForwardState::Active);
        active.map(|forward| (forward.port.0, forward.address.as_str())).collect()
    }
}

/// Replies carry no identification, so their order is all that firmware has.
#[test]
fn replies_leave_in_request_order_whatever_the_order_of_answers() {
    let mut host = Host::ready();
    for port in [16992, 623, 16993] {
        host.hear(tcpip_forward(b"amt-host", port));
    }
    let [first, second, third] = host.asked().try_into().expect("three questions");
    assert_eq!((first.1, first.2.as_str()), (Port(16992), "amt-host"));

    host.answer(third.0, true);
    host.answer(second.0, false);
    host.is_quiet();
    assert_eq!(host.open(), Err(OpenError::NoForward), "16992 has not been answered");

    host.answer(first.0, true);
    host.says(&[success(16992), Message::RequestFailure, success(16993)]);
    assert_eq!(
        host.events(),
        [Event::ForwardStarted { port: Port(16992) }, Event::ForwardStarted { port: Port(16993) }]
    );
    assert_eq!(host.active(), [(16992, "amt-host"), (16993, "amt-host")]);
    assert!(host.open().is_ok());
}

#[test]
fn channel_cannot_be_opened_before_the_reply_is_on_its_way() {
    let mut host = Host::ready();
    host.hear(tcpip_forward(b"amt-host", 623));
    host.hear(tcpip_forward(b"amt-host", 16992));
    let [blocking, wanted] = host.asked().try_into().expect("two questions");
    host.answer(wanted.0, true);
    assert_eq!(host.open(), Err(OpenError::NoForward));
    host.answer(blocking.0, true);
    let channel = host.open().expect("a slot");
    let sent = host.sent();
    assert_eq!(sent.len(), 3, "both replies, then the open for {channel}");
    assert_eq!(sent[2][0], 0x5a);
}

#[test]
fn unanswered_request_is_refused_before_firmware_loses_patience() {
    let mut host = Host::ready();
    host.hear(tcpip_forward(b"amt-host", 16992));
    host.hear(tcpip_forward(b"amt-host", 623));
    let [slow, quick] = host.asked().try_into().expect("two questions");
    host.answer(quick.0, true);
    host.wait(seconds(1)).unwrap();
    host.is_quiet();
    host.wait(seconds(1)).unwrap();
    assert_eq!(
        host.events(),
        [
            Event::ForwardExpired { forward: slow.0, port: Port(16992) },
            Event::ForwardStarted { port: Port(623) }
        ]
    );
    host.says(&[Message::RequestFailure, success(623)]);

    host.answer(slow.0, true);
    host.is_quiet();
    assert_eq!(host.active(), [(623, "amt-host")]);
}

#[test]
fn answer_after_the_deadline_is_too_late_even_before_the_wake_up() {
    let mut host = Host::ready();
    host.hear(tcpip_forward(b"amt-host", 16992));
    let [(forward, port, _)] = host.asked().try_into().expect("one question");
    host.now += seconds(2);
    host.answer(forward, true);
    assert_eq!(host.events(), [Event::ForwardExpired { forward, port }]);
    host.says(&[Message::RequestFailure]);
}

#[test]
fn repeated_announcement_changes_nothing() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.hear(tcpip_forward(b"amt-host", 16992));
    host.says(&[success(16992)]);
    assert_eq!(host.events(), []);
    assert_eq!(host.active(), [(16992, "amt-host")]);
    assert_eq!(host.state_of(channel), Some("open"));
    assert_eq!(host.counters().repeated_forwards, 1);
}

/// A repetition that overtakes the host's answer is asked about again; whatever the second answer, the first
/// one stands.
#[test]
fn repetition_of_an_unanswered_request_does_not_undo_it() {
    let mut host = Host::ready();
    host.hear(tcpip_forward(b"amt-host", 16992));
    host.hear(tcpip_forward(b"amt-host", 16992));
    let [first, second] = host.asked().try_into().expect("two questions");
    host.answer(second.0, false);
    host.answer(first.0, true);
    host.says(&[success(16992), success(16992)]);
    assert_eq!(host.active(), [(16992, "amt-host")]);
}

#[test]
fn cancelling_stops_new_channels_and_keeps_open_ones() {
    let mut host = Host::forwarding();
    let channel = host.opened(0, 4096);
    host.hear(cancel_forward(b"amt-host", 16992));
    host.says(&[CANCELLED]);
    assert_eq!(host.events(), [Event::ForwardCancelled { port: PORT }]);
    assert_eq!(host.open(), Err(OpenError::NoForward));
    host.send(channel, b"still open");
    assert_eq!(host.sent().len(), 1);
}

/// Firmware may ask for it again when somebody does (`apf 4.4`).
#[test]
fn only_a_port_that_was_in_force_and_is_not_any_more_may_be_knocked_at() {
    let mut host = Host::forwarding();
    assert_eq!(host.session.may_knock(PORT), Err(OpenError::NoForward), "it is in force");
    host.hear(cancel_forward(b"amt-host", 16992));
    assert_eq!(host.session.may_knock(PORT), Ok(()));
    assert_eq!(host.session.may_knock(Port(623)), Err(OpenError::NoForward), "it never was");
    assert!(host.knock().is_ok());
    host.hear(tcpip_forward(b"amt-host", 16992));
    host.answer_all(true);
    assert_eq!(host.session.may_knock(PORT), Err(OpenError::NoForward), "it is in force again");
}

#[test]
fn a_port_that_does_not_come_back_is_told_once_and_can_still_come_back() {
    let mut host = Host::forwarding();
    let state = |host: &Host| host.session.forwards().next().map(|forward| forward.state);
    assert!(!host.session.knocked_in_vain(PORT), "it is in force");
    assert_eq!(state(&host), Some(ForwardState::Active));
    host.hear(cancel_forward(b"amt-host", 16992));
    assert_eq!(state(&host), Some(ForwardState::Withdrawn));
    assert!(host.session.knocked_in_vain(PORT));
    assert!(!host.session.knocked_in_vain(PORT), "it was told");
    assert_eq!((state(&host), host.session.may_knock(PORT)), (Some(ForwardState::Gone), Ok(())));
    host.hear(tcpip_forward(b"amt-host", 16992));
    host.answer_all(true);
    assert_eq!(host.active(), [(16992, "amt-host")]);
    assert_eq!(host.session.forwards().count(), 1);
}

#[test]
fn only_the_identical_address_cancels() {
    let mut host = Host::forwarding();
    host.hear(tcpip_forward(b"::1", 16992));
    host.answer_all(true);
    host.says(&[success(16992)]);
    assert_eq!(host.events(), [], "the port was forwarded already");

    host.hear(cancel_forward(b"AMT-HOST", 16992));
    host.says(&[Message::RequestFailure]);
    host.hear(cancel_forward(b"amt-host", 16992));
    host.says(&[CANCELLED]);
    assert_eq!(host.events(), [], "the port still has an address");
    assert!(host.session.ready(PORT).is_ok());
    host.hear(cancel_forward(b"::1", 16992));
    host.says(&[CANCELLED]);
    assert_eq!(host.events(), [Event::ForwardCancelled { port: PORT }]);
}

/// The host name changes: firmware cancels and requests anew in one go.
#[test]
fn cancel_and_new_request_back_to_back_are_taken_in_order() {
    let mut host = Host::forwarding();
    host.hear(cancel_forward(b"amt-host", 16992));
    host.hear(tcpip_forward(b"new-name", 16992));
    assert_eq!(host.events()[0], Event::ForwardCancelled { port: PORT });
    host.says(&[CANCELLED]);
    let mut host = Host::forwarding();
    host.hear(cancel_forward(b"amt-host", 16992));
    host.hear(tcpip_forward(b"amt-host", 16992));
    let events = host.events();
    let [Event::ForwardCancelled { .. }, Event::ForwardRequested { forward, .. }] = events[..] else {
        panic!("{events:?}");
    };
    host.answer(forward, true);
    host.says(&[CANCELLED, success(16992)]);
    assert_eq!(host.active(), [(16992, "amt-host")]);
}

/// A cancellation waits behind the request that it cancels, and a new request behind it is asked about.
#[test]
fn cancellation_finds_the_forward_that_was_still_unanswered() {
    let mut host = Host::ready();
    host.hear(tcpip_forward(b"amt-host", 16992));
    host.hear(cancel_forward(b"amt-host", 16992));
    host.hear(tcpip_forward(b"amt-host", 16992));
    let [first, again] = host.asked().try_into().expect("two questions");
    host.is_quiet();
    host.answer(first.0, true);
    host.says(&[success(16992), CANCELLED]);
    assert_eq!(host.events(), [Event::ForwardStarted { port: PORT }, Event::ForwardCancelled { port: PORT }]);
    host.answer(again.0, true);
    host.says(&[success(16992)]);
    assert_eq!(host.events(), [Event::ForwardStarted { port: PORT }]);
}

/// What is in force when the repetition arrives will not be when its turn comes.
#[test]
fn repetition_behind_a_waiting_cancellation_is_asked_about() {
    let mut host = Host::forwarding();
    host.hear(tcpip_forward(b"amt-host", 623));
    host.hear(cancel_forward(b"amt-host", 16992));
    host.hear(tcpip_forward(b"amt-host", 16992));
    let [blocking, again] = host.asked().try_into().expect("two questions");
    host.answer(again.0, true);
    host.answer(blocking.0, true);
    host.says(&[success(623), CANCELLED, success(16992)]);
    assert_eq!(host.active(), [(623, "amt-host"), (16992, "amt-host")]);
}

#[test]
fn first_answer_counts() {
    let mut host = Host::ready();
    host.hear(tcpip_forward(b"amt-host", 623));
    host.hear(tcpip_forward(b"amt-host", 16992));
    let [blocking, other] = host.asked().try_into().expect("two questions");
    host.answer(other.0, true);
    host.answer(other.0, false);
    host.answer(blocking.0, false);
    host.says(&[Message::RequestFailure, success(16992)]);
}

#[test]
fn refused_port_can_be_requested_again() {
    let mut host = Host::ready();
    host.hear(tcpip_forward(b"amt-host", 16992));
    host.answer_all(false);
    host.says(&[Message::RequestFailure]);
    host.forward(PORT);
    assert_eq!(host.active(), [(16992, "amt-host")]);
}

#[test]
fn requests_piling_up_behind_an_unanswered_one_are_bounded() {
    let mut host = Host::ready();
    host.hear(tcpip_forward(b"amt-host", 16992));
    let cancel = crate::support::encoded(cancel_forward(b"nobody", 623));
    let heard = (0..1000).take_while(|_| host.hear_bytes(&cancel).is_ok()).count();
    assert_eq!(heard, 63, "and the one that nobody has answered");
    assert_eq!(host.session.state(), State::Over);

    let mut host = Host::ready();
    host.hear(tcpip_forward(b"amt-host", 16992));
    let error = (0..1000).find_map(|_| host.hear_bytes(&cancel).err()).expect("a bound");
    assert_eq!(error, SessionError::Flood { what: "global requests", limit: 64 });
}

#[test]
fn allow_list_is_configurable() {
    let config = SessionConfig { allowed_ports: vec![Port(4711)], ..SessionConfig::default() };
    let mut host = Host::with(config).through_handshake();
    host.hear(tcpip_forward(b"", 16992));
    host.says(&[Message::RequestFailure]);
    host.hear(tcpip_forward(b"", 4711));
    host.answer_all(true);
    host.says(&[success(4711)]);
    assert_eq!(host.active(), [(4711, "")]);
}
