//! Openings, confirmations and refusals of channels that nobody asked for, or not like that.

use amtd_apf::{
    CloseCause, Event, Fault, OpenFailureReason, Refusal, RemoteChannelId, SessionError,
    wire::{ChannelKind, ChannelOpenConfirmation, Message, RESERVED},
};

use super::{LOCALHOST, PROTOCOL_ERROR, firmware_opens, is_session_error};
use crate::support::{Host, adjust, close, confirmation, data, encoded, failure, farewell, seconds};

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
    assert_eq!((host.counters().stray_confirmations, host.counters().extra_closes), (1, 0));
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

/// What firmware says of a number that it was never told cannot be about that channel, whatever number of its own it names.
#[test]
fn row_37_confirmation_of_an_open_that_has_not_left_does_not_end_the_session() {
    let mut host = Host::forwarding();
    host.opened(3, 4096);
    let unsent = host.open().unwrap();
    host.hear(confirmation(unsent, 3, 4096));
    assert_eq!((host.state_of(unsent), host.counters().stray_confirmations), (Some("queued"), 1));
    assert_eq!(host.events(), []);
}
