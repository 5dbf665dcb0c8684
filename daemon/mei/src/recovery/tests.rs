//! Every row of the recovery table (mei 6.5), and the rules that keep it from spinning or giving up.

use std::path::PathBuf;

use nix::errno::Errno;

use super::*;
use crate::{ClientGuid, ReplyFault};

fn path() -> PathBuf {
    "/dev/mei0".into()
}

fn millis(wait: u64) -> Duration {
    Duration::from_millis(wait)
}

fn recovery() -> (Recovery, Instant) {
    let now = Instant::now();
    (Recovery::new(RecoveryConfig::default(), now), now)
}

/// The waits, in milliseconds, of `count` attempts that all fail with `error`, and the state shown.
fn waits(error: &ConnectError, count: usize) -> (LinkState, Vec<u128>) {
    let (mut recovery, now) = recovery();
    let waits = (0..count).map(|_| {
        recovery.attempting(now);
        let pause = recovery.failed(now, error);
        assert_eq!(pause.state, recovery.state());
        pause.wait.as_millis()
    });
    let waits = waits.collect();
    (recovery.state(), waits)
}

#[test]
fn device_that_is_down_is_tried_at_growing_intervals_and_watched() {
    let error = ConnectError::DeviceDown { path: path() };
    let expected = vec![250, 500, 1000, 2000, 4000, 5000, 5000];
    assert_eq!(waits(&error, 7), (LinkState::WaitingForDevice, expected));
    let (mut recovery, now) = recovery();
    assert!(recovery.failed(now, &error).watch_device);
}

#[test]
fn missing_node_is_looked_for_every_two_seconds() {
    let error = ConnectError::NoNode { path: path() };
    assert_eq!(waits(&error, 3), (LinkState::WaitingForNode, vec![2000, 2000, 2000]));
}

#[test]
fn configuration_errors_are_retried_slowly_because_udev_may_mend_them() {
    let denied = ConnectError::PermissionDenied { path: path() };
    assert_eq!(waits(&denied, 2), (LinkState::PermissionDenied, vec![10_000, 10_000]));
    let no_device = ConnectError::NotADevice { path: path(), found: "a directory" };
    assert_eq!(waits(&no_device, 2), (LinkState::Misconfigured, vec![10_000, 10_000]));
    let bad = ConnectError::BadReply { path: path(), fault: ReplyFault::Length(3) };
    assert_eq!(waits(&bad, 2), (LinkState::Misconfigured, vec![10_000, 10_000]));
}

#[test]
fn missing_client_is_tried_often_while_firmware_may_still_be_starting() {
    let error = ConnectError::NoClient { path: path(), client: ClientGuid::LME };
    let (state, waits) = waits(&error, 32);
    assert_eq!(state, LinkState::ClientMissing);
    assert_eq!(waits[..30], [1000; 30]);
    assert_eq!(waits[30..], [10_000; 2]);
}

#[test]
fn busy_client_backs_off_in_steps_and_is_never_given_up() {
    let error = ConnectError::Busy { path: path(), client: ClientGuid::LME };
    let expected = vec![750, 1500, 2250, 3000, 3750, 4500, 5250, 6000, 10_000, 10_000];
    assert_eq!(waits(&error, 10), (LinkState::ClientBusy, expected));
}

#[test]
fn silent_firmware_is_tried_every_two_seconds() {
    for error in
        [ConnectError::NoAnswer { path: path() }, ConnectError::TimedOut { path: path(), limit: millis(1) }]
    {
        assert_eq!(waits(&error, 3), (LinkState::FirmwareSilent, vec![2000, 2000, 2000]));
    }
}

#[test]
fn refusal_is_retried_slowly_and_a_short_system_at_growing_intervals() {
    let invalid = ConnectError::Invalid { path: path(), client: ClientGuid::LME };
    assert_eq!(waits(&invalid, 2), (LinkState::FirmwareRefused, vec![10_000, 10_000]));
    let short = ConnectError::Io { path: path(), errno: Errno::EMFILE };
    assert_eq!(waits(&short, 3), (LinkState::SystemError, vec![250, 500, 1000]));
}

#[test]
fn another_failure_starts_its_own_back_off() {
    let (mut recovery, now) = recovery();
    let down = ConnectError::DeviceDown { path: path() };
    let busy = ConnectError::Busy { path: path(), client: ClientGuid::LME };
    recovery.failed(now, &down);
    assert_eq!(recovery.failed(now, &down).wait, millis(500));
    assert_eq!(recovery.failed(now, &busy).wait, millis(750));
    assert_eq!(recovery.failed(now, &down).wait, millis(250));
}

#[test]
fn lost_connection_is_replaced_at_once_but_a_flapping_one_is_not() {
    let (mut recovery, now) = recovery();
    let lose = |recovery: &mut Recovery, cause| {
        recovery.attempting(now);
        recovery.connected(now);
        recovery.lost(now, &cause)
    };
    let first = lose(&mut recovery, LinkError::Gone);
    assert_eq!(first, Pause { state: LinkState::Lost, wait: Duration::ZERO, watch_device: true });
    let flapping: Vec<_> = (0..7).map(|_| lose(&mut recovery, LinkError::Gone).wait.as_millis()).collect();
    assert_eq!(flapping, [250, 500, 1000, 2000, 4000, 5000, 5000]);
    recovery.healthy();
    let fault = lose(&mut recovery, LinkError::Protocol(Errno::EPROTO));
    assert_eq!(fault, Pause { state: LinkState::Lost, wait: Duration::ZERO, watch_device: false });
}

#[test]
fn failing_session_backs_off_although_each_connect_succeeds() {
    let (mut recovery, now) = recovery();
    let fail = |recovery: &mut Recovery| {
        recovery.attempting(now);
        recovery.connected(now);
        recovery.session_failed(now, false).wait.as_secs()
    };
    let waits: Vec<_> = (0..7).map(|_| fail(&mut recovery)).collect();
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
    recovery.healthy();
    assert_eq!(fail(&mut recovery), 1);
}

#[test]
fn unsupported_version_waits_a_minute_and_shows_as_itself() {
    let (mut recovery, now) = recovery();
    let pause = recovery.session_failed(now, true);
    let expected =
        Pause { state: LinkState::Incompatible, wait: Duration::from_secs(60), watch_device: false };
    assert_eq!(pause, expected);
}

#[test]
fn trouble_stays_visible_with_its_beginning_while_attempts_go_on() {
    let (mut recovery, start) = recovery();
    assert_eq!(recovery.state(), LinkState::Down);
    recovery.attempting(start);
    assert_eq!(recovery.state(), LinkState::Connecting);
    let busy = ConnectError::Busy { path: path(), client: ClientGuid::LME };
    let trouble = start + millis(10);
    recovery.failed(trouble, &busy);
    for later in [20, 30, 40] {
        recovery.attempting(start + millis(later));
        assert_eq!(recovery.state(), LinkState::ClientBusy);
        recovery.failed(start + millis(later), &busy);
        assert_eq!(recovery.since(), trouble);
    }
    recovery.connected(start + millis(50));
    assert_eq!((recovery.state(), recovery.since()), (LinkState::Up, start + millis(50)));
}

#[test]
fn waits_stay_bounded_after_years_of_failures() {
    let (mut recovery, now) = recovery();
    recovery.repeats = u32::MAX;
    recovery.state = LinkState::WaitingForDevice;
    recovery.losses = u32::MAX;
    recovery.session_failures = u32::MAX;
    let down = ConnectError::DeviceDown { path: path() };
    assert_eq!(recovery.failed(now, &down).wait, Duration::from_secs(5));
    assert_eq!(recovery.lost(now, &LinkError::Gone).wait, Duration::from_secs(5));
    assert_eq!(recovery.session_failed(now, false).wait, Duration::from_secs(30));
}

#[test]
fn every_state_has_its_own_stable_name_and_a_sentence() {
    let mut names: Vec<_> = LinkState::ALL.iter().map(|state| state.name()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), LinkState::ALL.len());
    for state in LinkState::ALL {
        let kebab = |byte: u8| byte.is_ascii_lowercase() || byte == b'-';
        assert!(state.name().bytes().all(kebab), "{}", state.name());
        assert!(state.to_string().contains(' '), "{state}");
    }
}
