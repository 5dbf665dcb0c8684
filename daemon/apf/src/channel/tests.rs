//! Every state against everything that can happen in it.

use std::net::Ipv4Addr;

use super::*;
use crate::test_clock::origin;

const FIRST: RemoteChannelId = RemoteChannelId(0);
const OTHER: RemoteChannelId = RemoteChannelId(7);
const WINDOW: u32 = 100;

/// Seconds since the start of the test.
fn at(seconds: u64) -> Instant {
    origin() + Duration::from_secs(seconds)
}

fn queued() -> Channel {
    let originator = (Ipv4Addr::LOCALHOST, 51234).into();
    let id = ChannelId::new(1, 256);
    Channel::forwarded(id, (Port(16992), originator), Class::Bulk, &SessionConfig::default(), at(0))
}

fn opening() -> Channel {
    let mut channel = queued();
    assert!(channel.open_leaves().is_some());
    channel
}

fn abandoned() -> Channel {
    let mut channel = opening();
    assert_eq!(channel.close(at(0)), Effects::default());
    channel
}

fn open() -> Channel {
    let mut channel = opening();
    assert_eq!(channel.confirm(at(0), FIRST, WINDOW).notice, Some(Notice::Opened));
    channel
}

fn draining() -> Channel {
    let mut channel = open();
    channel.send(at(0), Bytes::from_static(b"last words")).unwrap();
    assert_eq!(channel.close(at(0)), Effects::default());
    channel
}

fn close_sent() -> Channel {
    let mut channel = open();
    assert_eq!(channel.close(at(0)).close, Some(FIRST));
    channel
}

/// What can happen to a channel.
#[derive(Debug, Clone, Copy)]
enum Stimulus {
    Confirm(RemoteChannelId),
    Failure,
    Adjust,
    Data,
    ExcessData,
    RemoteClose,
    Close,
    Abort,
    DrainAll,
    Timeout,
}

/// What came of it, in one comparable form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reaction {
    Effects(Effects),
    Adjusted(Adjusted),
    Received(Received),
}

fn stimulate(channel: &mut Channel, stimulus: Stimulus) -> Reaction {
    Reaction::Effects(match stimulus {
        Stimulus::Confirm(remote) => channel.confirm(at(1), remote, WINDOW),
        Stimulus::Failure => channel.refuse(OpenFailureReason::RESOURCE_SHORTAGE),
        Stimulus::Adjust => return Reaction::Adjusted(channel.adjust(at(1), 5)),
        Stimulus::Data => return Reaction::Received(channel.receive(at(1), 5)),
        Stimulus::ExcessData => return Reaction::Received(channel.receive(at(1), 5000)),
        Stimulus::RemoteClose => channel.remote_close(),
        Stimulus::Close => channel.close(at(1)),
        Stimulus::Abort => channel.abort(at(1)),
        Stimulus::DrainAll => channel.take(at(1), usize::MAX, &mut Vec::new()),
        Stimulus::Timeout => channel.handle_timeout(at(1000)),
    })
}

fn nothing() -> Reaction {
    Reaction::Effects(Effects::default())
}

fn stray() -> Reaction {
    Reaction::Effects(Effects::stray())
}

fn closes(remote: RemoteChannelId) -> Effects {
    Effects { close: Some(remote), ..Effects::default() }
}

fn tells(notice: Notice) -> Effects {
    Effects::notice(notice)
}

const ZOMBIE: Option<Zombie> = Some(Zombie { remote: None });
const REFUSED: Notice = Notice::Refused(Refusal::Firmware(OpenFailureReason::RESOURCE_SHORTAGE));

fn check(make: fn() -> Channel, table: &[(Stimulus, Reaction, &str)]) {
    for (stimulus, reaction, state) in table {
        let mut channel = make();
        let from = channel.state_name();
        assert_eq!(stimulate(&mut channel, *stimulus), *reaction, "{from} x {stimulus:?}");
        assert_eq!(channel.state_name(), *state, "{from} x {stimulus:?}");
        assert!(!channel.is_gone() || channel.deadline().is_none(), "a gone channel waits for nothing");
    }
}

#[test]
fn queued_is_unknown_to_firmware() {
    use Reaction::{Adjusted as A, Effects as E, Received as R};
    check(
        queued,
        &[
            (Stimulus::Confirm(FIRST), stray(), "queued"),
            (Stimulus::Failure, stray(), "queued"),
            (Stimulus::Adjust, A(Adjusted::Stray), "queued"),
            (Stimulus::Data, R(Received::Stray), "queued"),
            (Stimulus::ExcessData, R(Received::Stray), "queued"),
            (Stimulus::RemoteClose, stray(), "queued"),
            (Stimulus::Close, nothing(), "gone"),
            (Stimulus::Abort, nothing(), "gone"),
            (Stimulus::DrainAll, nothing(), "queued"),
            (Stimulus::Timeout, E(tells(Notice::Refused(Refusal::NotSent))), "gone"),
        ],
    );
}

#[test]
fn opening_waits_for_one_answer() {
    use Reaction::{Adjusted as A, Effects as E, Received as R};
    let refused = |notice| E(Effects { zombie: ZOMBIE, ..tells(notice) });
    check(
        opening,
        &[
            (Stimulus::Confirm(FIRST), E(tells(Notice::Opened)), "open"),
            (Stimulus::Failure, refused(REFUSED), "gone"),
            (Stimulus::Adjust, A(Adjusted::Stray), "opening"),
            (Stimulus::Data, R(Received::Stray), "opening"),
            (Stimulus::ExcessData, R(Received::Stray), "opening"),
            (Stimulus::RemoteClose, refused(Notice::Refused(Refusal::ClosedWhileOpening)), "gone"),
            (Stimulus::Close, nothing(), "abandoned"),
            (Stimulus::Abort, nothing(), "abandoned"),
            (Stimulus::DrainAll, nothing(), "opening"),
            (Stimulus::Timeout, refused(Notice::Refused(Refusal::Timeout)), "gone"),
        ],
    );
}

#[test]
fn abandoned_closes_what_firmware_confirms() {
    use Reaction::{Adjusted as A, Effects as E, Received as R};
    let gone = E(Effects { zombie: ZOMBIE, ..Effects::default() });
    check(
        abandoned,
        &[
            (Stimulus::Confirm(FIRST), E(closes(FIRST)), "close-sent"),
            (Stimulus::Failure, gone, "gone"),
            (Stimulus::Adjust, A(Adjusted::Stray), "abandoned"),
            (Stimulus::Data, R(Received::Stray), "abandoned"),
            (Stimulus::ExcessData, R(Received::Stray), "abandoned"),
            (Stimulus::RemoteClose, gone, "gone"),
            (Stimulus::Close, nothing(), "abandoned"),
            (Stimulus::Abort, nothing(), "abandoned"),
            (Stimulus::DrainAll, nothing(), "abandoned"),
            (Stimulus::Timeout, gone, "gone"),
        ],
    );
}

#[test]
fn open_answers_a_close_at_once() {
    use Reaction::{Adjusted as A, Effects as E, Received as R};
    let extra = Effects { stray: true, ..closes(OTHER) };
    let excess = Effects { notice: Some(Notice::Closed(CloseCause::ExcessData)), ..closes(FIRST) };
    let answered = Effects { notice: Some(Notice::Closed(CloseCause::Firmware)), ..closes(FIRST) };
    check(
        open,
        &[
            (Stimulus::Confirm(FIRST), stray(), "open"),
            (Stimulus::Confirm(OTHER), E(extra), "open"),
            (Stimulus::Failure, stray(), "open"),
            (Stimulus::Adjust, A(Adjusted::Grown), "open"),
            (Stimulus::Data, R(Received::Deliver), "open"),
            (Stimulus::ExcessData, R(Received::Excess(excess)), "close-sent"),
            (Stimulus::RemoteClose, E(answered), "gone"),
            (Stimulus::Close, E(closes(FIRST)), "close-sent"),
            (Stimulus::Abort, E(closes(FIRST)), "close-sent"),
            (Stimulus::DrainAll, nothing(), "open"),
            (Stimulus::Timeout, nothing(), "open"),
        ],
    );
}

#[test]
fn draining_sends_what_is_queued_and_then_its_close() {
    use Reaction::{Adjusted as A, Effects as E, Received as R};
    let extra = Effects { stray: true, ..closes(OTHER) };
    check(
        draining,
        &[
            (Stimulus::Confirm(FIRST), stray(), "draining"),
            (Stimulus::Confirm(OTHER), E(extra), "draining"),
            (Stimulus::Failure, stray(), "draining"),
            (Stimulus::Adjust, A(Adjusted::Grown), "draining"),
            (Stimulus::Data, R(Received::Discard), "draining"),
            (Stimulus::ExcessData, R(Received::Discard), "draining"),
            (Stimulus::RemoteClose, E(closes(FIRST)), "gone"),
            (Stimulus::Close, nothing(), "draining"),
            (Stimulus::Abort, E(closes(FIRST)), "close-sent"),
            (Stimulus::DrainAll, E(closes(FIRST)), "close-sent"),
            (Stimulus::Timeout, E(closes(FIRST)), "close-sent"),
        ],
    );
}

#[test]
fn close_sent_waits_for_the_answer_and_nothing_else() {
    use Reaction::{Adjusted as A, Effects as E, Received as R};
    let extra = Effects { stray: true, ..closes(OTHER) };
    let unanswered = Effects { zombie: Some(Zombie { remote: Some(FIRST) }), ..Effects::default() };
    check(
        close_sent,
        &[
            (Stimulus::Confirm(FIRST), stray(), "close-sent"),
            (Stimulus::Confirm(OTHER), E(extra), "close-sent"),
            (Stimulus::Failure, stray(), "close-sent"),
            (Stimulus::Adjust, A(Adjusted::Grown), "close-sent"),
            (Stimulus::Data, R(Received::Discard), "close-sent"),
            (Stimulus::ExcessData, R(Received::Discard), "close-sent"),
            (Stimulus::RemoteClose, nothing(), "gone"),
            (Stimulus::Close, nothing(), "close-sent"),
            (Stimulus::Abort, nothing(), "close-sent"),
            (Stimulus::DrainAll, nothing(), "close-sent"),
            (Stimulus::Timeout, E(unanswered), "gone"),
        ],
    );
}

#[test]
fn nothing_is_taken_in_without_an_owner() {
    for make in [abandoned, draining, close_sent] {
        let mut channel = make();
        assert_eq!(channel.room(), 0);
        assert_eq!(channel.send(at(1), Bytes::from_static(b"x")), Err(SendError::Gone));
    }
}

#[test]
fn nothing_is_sent_before_the_confirmation() {
    for make in [queued, opening] {
        let mut channel = make();
        channel.send(at(0), Bytes::from_static(b"early")).unwrap();
        assert_eq!(channel.frame(), 0);
    }
}

#[test]
fn a_frame_is_bounded_by_window_and_limit() {
    let config = SessionConfig { max_frame: 90, ..SessionConfig::default() };
    let mut channel = Channel::direct(ChannelId::new(1, 256), FIRST, WINDOW, &config);
    channel.send(at(0), Bytes::from(vec![0; 1000])).unwrap();
    assert_eq!(channel.frame(), 90);
    let mut channel = open();
    channel.send(at(0), Bytes::from(vec![0; 1000])).unwrap();
    assert_eq!(channel.frame(), 100);
    assert_eq!(channel.take(at(0), 100, &mut Vec::new()), Effects::default());
    assert_eq!((channel.frame(), channel.queued(), channel.remote_window()), (0, 900, 0));
}

#[test]
fn a_message_is_not_cut_to_a_narrow_window() {
    let mut channel = open();
    channel.send(at(0), Bytes::from(vec![0; 60])).unwrap();
    assert_eq!(channel.take(at(0), 60, &mut Vec::new()), Effects::default());
    channel.send(at(0), Bytes::from(vec![0; 40])).unwrap();
    assert_eq!(channel.frame(), 40, "what fits is whole");
    channel.send(at(0), Bytes::from(vec![0; 60])).unwrap();
    assert_eq!(channel.frame(), 0, "40 of 100 is narrow");
    assert_eq!(channel.adjust(at(0), 10), Adjusted::Grown);
    assert_eq!(channel.frame(), 50, "half of it is worth a message");
}

#[test]
fn a_window_that_stays_narrow_is_used_in_the_end_and_not_waited_for_again() {
    let mut channel = open();
    channel.send(at(0), Bytes::from(vec![0; 300])).unwrap();
    assert_eq!(channel.take(at(0), 100, &mut Vec::new()), Effects::default());
    assert_eq!(channel.adjust(at(1), 30), Adjusted::Grown);
    assert_eq!((channel.frame(), channel.deadline()), (0, Some(at(1) + NARROW_WAIT)));
    assert_eq!(channel.handle_timeout(at(1) + NARROW_WAIT), Effects::default());
    assert_eq!((channel.frame(), channel.deadline()), (30, None));
    assert_eq!(channel.take(at(2), 30, &mut Vec::new()), Effects::default());
    assert_eq!(channel.adjust(at(3), 20), Adjusted::Grown);
    assert_eq!(channel.frame(), 20);
}

#[test]
fn credit_that_trickles_in_does_not_prolong_the_wait_for_a_wider_window() {
    let mut channel = open();
    channel.send(at(0), Bytes::from(vec![0; 300])).unwrap();
    assert_eq!(channel.take(at(0), 100, &mut Vec::new()), Effects::default());
    let start = at(1);
    for byte in 0..9 {
        assert_eq!(channel.adjust(start + NARROW_WAIT / 10 * byte, 1), Adjusted::Grown);
    }
    assert_eq!((channel.frame(), channel.deadline()), (0, Some(start + NARROW_WAIT)));
    assert_eq!(channel.handle_timeout(start + NARROW_WAIT), Effects::default());
    assert_eq!(channel.frame(), 9);
}

#[test]
fn last_words_use_whatever_window_there_is() {
    let mut channel = open();
    channel.send(at(0), Bytes::from(vec![0; 70])).unwrap();
    assert_eq!(channel.take(at(0), 70, &mut Vec::new()), Effects::default());
    channel.send(at(0), Bytes::from(vec![0; 70])).unwrap();
    assert_eq!(channel.frame(), 0);
    assert_eq!(channel.close(at(0)), Effects::default());
    assert_eq!(channel.frame(), 30);
}

#[test]
fn exhausted_window_runs_out_of_time_only_while_data_waits() {
    let mut channel = open();
    assert_eq!(channel.deadline(), None);
    channel.send(at(1), Bytes::from(vec![0; 200])).unwrap();
    assert_eq!(channel.take(at(2), 100, &mut Vec::new()), Effects::default());
    assert_eq!(channel.deadline(), Some(at(32)));

    assert_eq!(channel.handle_timeout(at(31)), Effects::default(), "too early");
    assert_eq!(channel.adjust(at(31), 50), Adjusted::Grown);
    assert_eq!(channel.deadline(), None, "an adjust restarts the clock");

    assert_eq!(channel.take(at(40), 50, &mut Vec::new()), Effects::default());
    let closed = Effects { notice: Some(Notice::Closed(CloseCause::ZeroWindow)), ..closes(FIRST) };
    assert_eq!(channel.handle_timeout(at(70)), closed);
}

#[test]
fn closing_grants_firmware_all_it_needs_to_finish_at_once() {
    let mut channel = open();
    assert_eq!(channel.receive(at(0), 1000), Received::Deliver);
    assert!(!channel.wants_adjust());
    assert_eq!(channel.close(at(0)), closes(FIRST));
    assert!(channel.wants_adjust());
    assert!(!channel.wants_adjust(), "one adjust at a time");
    assert_eq!(channel.take_credit(), Some((FIRST, FAREWELL_WINDOW - 3096)));
    for _ in 0..100 {
        assert_eq!(channel.receive(at(0), 4096), Received::Discard);
        assert!(!channel.wants_adjust(), "no adjust may follow the close");
    }
}

#[test]
fn state_phases_fill_the_slot_ledger() {
    let phases = [queued, opening, abandoned, open, draining, close_sent].map(|make| make().phase());
    use Phase::{Closing, Open, Opening};
    assert_eq!(phases, [Opening, Opening, Opening, Open, Closing, Closing]);
}
