//! What to do after a failure: the state that operators see, and how long to wait before the next attempt. It does
//! no I/O and reads no clock; the driver tells it what happened and when, and obeys the pause. It never gives up.
//!
//! ```text
//!                 failed: Waiting…, ClientMissing, ClientBusy, FirmwareSilent, … ──pause──┐
//!                   ^                                                                     v
//!  Down ──> Connecting ──connected──> Up ──lost / session_failed──> Lost, … ──pause──> (next attempt)
//! ```
//!
//! While attempts go on failing, the state stays at the last failure, so that a person sees the trouble and since
//! when, not the attempts.

use std::fmt;
use std::time::{Duration, Instant};

use crate::{ConnectError, LinkError};

/// The state of the link to the firmware client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LinkState {
    /// No attempt has been made yet.
    Down,
    /// The first attempt, or the first one after a loss, is being made.
    Connecting,
    /// Connected.
    Up,
    /// There is no device node.
    WaitingForNode,
    /// There is a node, and its link is not usable now.
    WaitingForDevice,
    /// No firmware behind any node has the client.
    ClientMissing,
    /// Another program holds the client.
    ClientBusy,
    /// The firmware does not answer.
    FirmwareSilent,
    /// The firmware refuses the request as invalid.
    FirmwareRefused,
    /// The daemon's user may not open the device.
    PermissionDenied,
    /// The configured path is not an MEI device.
    Misconfigured,
    /// The system is short of something (memory, descriptors) or reports an unexpected error.
    SystemError,
    /// The connection was lost; another is about to be made.
    Lost,
    /// The connection worked but the protocol on it failed.
    SessionFailed,
    /// The firmware speaks a version of the protocol that the daemon does not.
    Incompatible,
}

impl LinkState {
    /// Every state, for metrics and tables.
    pub const ALL: [Self; 15] = [
        Self::Down,
        Self::Connecting,
        Self::Up,
        Self::WaitingForNode,
        Self::WaitingForDevice,
        Self::ClientMissing,
        Self::ClientBusy,
        Self::FirmwareSilent,
        Self::FirmwareRefused,
        Self::PermissionDenied,
        Self::Misconfigured,
        Self::SystemError,
        Self::Lost,
        Self::SessionFailed,
        Self::Incompatible,
    ];

    /// The stable name, for machines.
    pub fn name(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Connecting => "connecting",
            Self::Up => "up",
            Self::WaitingForNode => "waiting-for-node",
            Self::WaitingForDevice => "waiting-for-device",
            Self::ClientMissing => "client-missing",
            Self::ClientBusy => "client-busy",
            Self::FirmwareSilent => "firmware-silent",
            Self::FirmwareRefused => "firmware-refused",
            Self::PermissionDenied => "permission-denied",
            Self::Misconfigured => "misconfigured",
            Self::SystemError => "system-error",
            Self::Lost => "lost",
            Self::SessionFailed => "session-failed",
            Self::Incompatible => "incompatible",
        }
    }
}

/// One sentence without a full stop, for people.
impl fmt::Display for LinkState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "not connected to the firmware yet",
            Self::Connecting => "connecting to the firmware",
            Self::Up => "connected to the firmware",
            Self::WaitingForNode => "there is no MEI device node; waiting for the driver to create one",
            Self::WaitingForDevice => "the MEI device is starting, resetting or suspended; waiting for it",
            Self::ClientMissing => {
                "the firmware does not offer this client; AMT is absent, disabled or still starting"
            }
            Self::ClientBusy => "another program holds the firmware client; waiting for it to let go",
            Self::FirmwareSilent => "the firmware does not answer",
            Self::FirmwareRefused => "the firmware refuses the connection as invalid",
            Self::PermissionDenied => "the daemon's user may not open the MEI device; check the udev rule",
            Self::Misconfigured => "the device is not an MEI device, or does not behave as one",
            Self::SystemError => "the system cannot open the MEI device now",
            Self::Lost => "the connection to the firmware was lost; reconnecting",
            Self::SessionFailed => "the firmware was reached but the session with it failed; reconnecting",
            Self::Incompatible => "the firmware speaks an unsupported protocol version",
        })
    }
}

/// Every back-off (mei 6.5). The defaults follow what the device and other programs were seen to need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecoveryConfig {
    /// First wait for a device that is down or was lost again, or while the system is short of something; doubles each time.
    pub device_first: Duration,
    /// Longest such wait.
    pub device_max: Duration,
    /// Wait for a node to appear.
    pub node: Duration,
    /// Wait between attempts while a missing client may still be added by firmware that is starting.
    pub client_missing: Duration,
    /// Number of such attempts, after which [`RecoveryConfig::slow`] applies.
    pub client_missing_attempts: u32,
    /// Step of the wait for a busy client: the n-th wait is n steps long.
    pub busy_step: Duration,
    /// Number of such waits, after which [`RecoveryConfig::slow`] applies.
    pub busy_attempts: u32,
    /// Wait after the firmware did not answer.
    pub silent: Duration,
    /// Wait where only a person or a change of firmware helps: permission, configuration, refusal, and after the
    /// attempts above.
    pub slow: Duration,
    /// First wait after a session that failed on a working connection; doubles each time.
    pub session_first: Duration,
    /// Longest such wait.
    pub session_max: Duration,
    /// Wait after the firmware named a protocol version that is not supported.
    pub incompatible: Duration,
}

impl Default for RecoveryConfig {
    fn default() -> Self {
        Self {
            device_first: Duration::from_millis(250),
            device_max: Duration::from_secs(5),
            node: Duration::from_secs(2),
            client_missing: Duration::from_secs(1),
            client_missing_attempts: 30,
            busy_step: Duration::from_millis(750),
            busy_attempts: 8,
            silent: Duration::from_secs(2),
            slow: Duration::from_secs(10),
            session_first: Duration::from_secs(1),
            session_max: Duration::from_secs(30),
            incompatible: Duration::from_secs(60),
        }
    }
}

/// What to do before the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// The state to show meanwhile.
    pub state: LinkState,
    /// How long to wait at most.
    pub wait: Duration,
    /// Whether a change of the device's state should end the wait early, with [`crate::wait_enabled`].
    pub watch_device: bool,
}

/// The recovery of one link. The driver calls [`Recovery::attempting`], then either [`Recovery::connected`] or
/// [`Recovery::failed`]; on a connection [`Recovery::healthy`] once it has proved itself, and [`Recovery::lost`] or
/// [`Recovery::session_failed`] at its end.
#[derive(Debug, Clone)]
pub struct Recovery {
    config: RecoveryConfig,
    state: LinkState,
    since: Instant,
    /// Failed attempts in a row that led to the same state. Ends with another state or a connection.
    repeats: u32,
    /// Connections in a row that were lost before they were healthy.
    losses: u32,
    /// Sessions in a row that failed before one was healthy.
    session_failures: u32,
}

impl Recovery {
    /// A link that has not been tried yet.
    pub fn new(config: RecoveryConfig, now: Instant) -> Self {
        Self { config, state: LinkState::Down, since: now, repeats: 0, losses: 0, session_failures: 0 }
    }

    /// An attempt begins. A failure that is being shown stays shown until the attempt succeeds or fails otherwise.
    pub fn attempting(&mut self, now: Instant) {
        if matches!(self.state, LinkState::Down | LinkState::Lost | LinkState::Up) {
            self.enter(now, LinkState::Connecting);
        }
    }

    /// The attempt succeeded. The back-offs after a loss and after a failed session last until [`Recovery::healthy`]: a
    /// connection that is lost again at once must not be retried without a pause.
    pub fn connected(&mut self, now: Instant) {
        self.enter(now, LinkState::Up);
    }

    /// The connection has served for a while: all back-offs start anew.
    pub fn healthy(&mut self) {
        self.losses = 0;
        self.session_failures = 0;
    }

    /// The attempt failed.
    pub fn failed(&mut self, now: Instant, error: &ConnectError) -> Pause {
        let state = shown_as(error);
        self.enter(now, state);
        let number = self.repeats;
        self.repeats = number.saturating_add(1);
        Pause {
            state,
            wait: self.wait_after_failure(state, number),
            watch_device: state == LinkState::WaitingForDevice,
        }
    }

    /// The connection is gone. After the first loss the next attempt is made at once.
    pub fn lost(&mut self, now: Instant, cause: &LinkError) -> Pause {
        let wait = match self.losses {
            0 => Duration::ZERO,
            earlier => doubled(self.config.device_first, earlier.saturating_sub(1), self.config.device_max),
        };
        self.losses = self.losses.saturating_add(1);
        self.enter(now, LinkState::Lost);
        Pause { state: LinkState::Lost, wait, watch_device: *cause == LinkError::Gone }
    }

    /// The connection worked, but the session on it failed, or firmware named a version that is not supported.
    pub fn session_failed(&mut self, now: Instant, version_mismatch: bool) -> Pause {
        let (state, wait) = if version_mismatch {
            (LinkState::Incompatible, self.config.incompatible)
        } else {
            let wait = doubled(self.config.session_first, self.session_failures, self.config.session_max);
            (LinkState::SessionFailed, wait)
        };
        self.session_failures = self.session_failures.saturating_add(1);
        self.enter(now, state);
        Pause { state, wait, watch_device: false }
    }

    /// The state to show.
    pub fn state(&self) -> LinkState {
        self.state
    }

    /// When that state began.
    pub fn since(&self) -> Instant {
        self.since
    }

    fn enter(&mut self, now: Instant, state: LinkState) {
        if self.state != state {
            self.state = state;
            self.since = now;
            self.repeats = 0;
        }
    }

    /// The wait after the failure with this `number`, counted from 0, in a row of equal ones.
    fn wait_after_failure(&self, state: LinkState, number: u32) -> Duration {
        let config = &self.config;
        match state {
            LinkState::WaitingForNode => config.node,
            LinkState::FirmwareSilent => config.silent,
            LinkState::WaitingForDevice | LinkState::SystemError => {
                doubled(config.device_first, number, config.device_max)
            }
            LinkState::ClientMissing if number < config.client_missing_attempts => config.client_missing,
            LinkState::ClientBusy if number < config.busy_attempts => {
                config.busy_step.saturating_mul(number.saturating_add(1))
            }
            _ => config.slow,
        }
    }
}

fn shown_as(error: &ConnectError) -> LinkState {
    match error {
        ConnectError::NoNode { .. } => LinkState::WaitingForNode,
        ConnectError::PermissionDenied { .. } => LinkState::PermissionDenied,
        ConnectError::NotADevice { .. } | ConnectError::BadReply { .. } => LinkState::Misconfigured,
        ConnectError::DeviceDown { .. } => LinkState::WaitingForDevice,
        ConnectError::NoClient { .. } => LinkState::ClientMissing,
        ConnectError::Busy { .. } => LinkState::ClientBusy,
        ConnectError::NoAnswer { .. } | ConnectError::TimedOut { .. } => LinkState::FirmwareSilent,
        ConnectError::Invalid { .. } => LinkState::FirmwareRefused,
        ConnectError::Io { .. } => LinkState::SystemError,
    }
}

/// `first`, doubled `times` times, but at most `max`.
fn doubled(first: Duration, times: u32, max: Duration) -> Duration {
    let factor = 1_u32.checked_shl(times).unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(max)
}

#[cfg(test)]
mod tests;
