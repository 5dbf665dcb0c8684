//! Data and window for channels that are not open, or beyond what was granted.

use amtd_apf::{CloseCause, Event};

use crate::support::{Host, adjust, close, confirmation, data, farewell, seconds};

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
