//! Closes that come uncalled, twice, or never.

use amtd_apf::{Event, Refusal};

use crate::support::{Host, close, data, farewell, seconds};

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
fn row_48_close_for_an_open_that_has_not_left_is_ignored() {
    let mut host = Host::forwarding();
    let channel = host.open().unwrap();
    host.hear(close(channel.number()));
    assert_eq!((host.state_of(channel), host.counters().stray_closes), (Some("queued"), 1));
    assert_eq!(host.events(), []);
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
