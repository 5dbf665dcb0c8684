//! What every connection shares: the configuration, the device, the engine, the armed faults and the counters.
//!
//! Owned by `world`, which lends it to one connection at a time.

use std::time::{Duration, Instant};

use crate::config::{Settling, SimConfig, TimeProfile, TlsMode};
use crate::device::{ControlMode, Device, DeviceConfig};
use crate::engine::Engine;
use crate::faults::{Faults, Hold, Schedule};
use crate::mei::Occupancy;
use crate::state_file::{StateFile, StateFileError};
use crate::stats::{Stats, Violation};
use crate::tls::{TlsConnection, TlsError};

/// How long a full unprovisioning takes in the realistic profile: "a few seconds" (activation 7).
const UNPROVISION_TIME: Duration = Duration::from_secs(2);

/// The shared part of the firmware.
#[derive(Debug)]
pub(crate) struct Firmware {
    pub(crate) config: SimConfig,
    pub(crate) device: Device,
    pub(crate) engine: Engine,
    pub(crate) faults: Faults,
    pub(crate) schedule: Schedule,
    pub(crate) occupancy: Occupancy,
    pub(crate) link: Link,
    pub(crate) stats: Stats,
    /// Where the device's lasting state is kept, if anywhere.
    state_file: Option<StateFile>,
    /// Changes of the device's state that have been noticed.
    changes_seen: u64,
    /// The time of the current turn of the event loop.
    pub(crate) now: Instant,
}

impl Firmware {
    pub(crate) fn new(config: SimConfig) -> Self {
        let now = Instant::now();
        Self {
            device: Device::new(with_times(&config), now),
            engine: Engine::new(config.engine, config.profile),
            faults: Faults::default(),
            schedule: Schedule::default(),
            occupancy: Occupancy::default(),
            link: Link { rate: config.apf.link_rate, free_at: now },
            stats: Stats::default(),
            state_file: None,
            changes_seen: 0,
            now,
            config,
        }
    }

    /// The TLS connection of a channel that is opened to `port`, if TLS is spoken there.
    pub(crate) fn accept_tls(&mut self, port: u32) -> Result<Option<Box<TlsConnection>>, TlsError> {
        let security = &self.device.security;
        if !is_secure(port) || security.mode() == TlsMode::Off {
            return Ok(None);
        }
        let provisioned = self.device.control_mode() != ControlMode::None;
        let mut connection = security.accept(provisioned, self.faults.identity())?;
        if self.faults.stalls_handshake() {
            connection.stall();
        }
        if self.faults.ends_abruptly() {
            connection.end_abruptly();
        }
        Ok(Some(Box::new(connection)))
    }

    /// The firmware of a device whose lasting state is in the file that the configuration names, if it names one.
    ///
    /// # Errors
    /// If the file cannot be read or written, or is damaged.
    pub(crate) fn load(config: SimConfig) -> Result<Self, StateFileError> {
        let path = config.state_file.clone();
        let mut firmware = Self::new(config);
        if let Some(path) = path {
            let mut file = StateFile::open(&path)?;
            if let Some(saved) = file.held() {
                firmware.device.restore(saved.clone(), firmware.now);
            }
            file.keep(&firmware.device)?;
            firmware.state_file = Some(file);
        }
        firmware.changes_seen = firmware.device.state_changes();
        Ok(firmware)
    }

    /// To be called before anything leaves the device that depends on what was done: keeps the lasting state, and starts the time
    /// that firmware needs after a change of its control mode or provisioning state. Returns whether it drops its connections.
    pub(crate) fn settle(&mut self) -> bool {
        if let Some(Err(error)) = self.state_file.as_mut().map(|file| file.keep(&self.device)) {
            eprintln!("amt-sim: {error}");
        }
        let changes = self.device.state_changes();
        if std::mem::replace(&mut self.changes_seen, changes) == changes {
            return false;
        }
        let Settling { time, reset } = self.config.settling;
        if !time.is_zero() {
            self.faults.settling = Hold::Until(self.now + time);
        }
        reset
    }

    /// Counts a violation by the host and prints it if so configured.
    pub(crate) fn violation(&mut self, kind: Violation, detail: impl Into<String>) {
        self.stats.violation(kind, detail.into(), self.config.print_violations);
    }
}

/// Whether a port is one for TLS.
pub(crate) fn is_secure(port: u32) -> bool {
    matches!(port, 16993 | 664)
}

/// The device's configuration, its times filled in from the profile.
fn with_times(config: &SimConfig) -> DeviceConfig {
    let default = match config.profile {
        TimeProfile::Instant => Duration::ZERO,
        TimeProfile::Realistic => UNPROVISION_TIME,
    };
    let unprovision_time = config.device.unprovision_time.or(Some(default));
    DeviceConfig { unprovision_time, ..config.device.clone() }
}

/// The rate limit of response bytes, over all channels.
#[derive(Debug)]
pub(crate) struct Link {
    /// Bytes per second; 0 = no limit.
    pub(crate) rate: u64,
    /// When the link has carried what it was given.
    free_at: Instant,
}

impl Link {
    /// How far the link may lag behind before lost time is not made up for: timers are this coarse.
    const SLACK: Duration = Duration::from_millis(5);

    /// When the link takes more, if it does not at `now`.
    pub(crate) fn busy_until(&self, now: Instant) -> Option<Instant> {
        (self.rate != 0 && self.free_at > now).then_some(self.free_at)
    }

    /// Gives the link `bytes` to carry.
    pub(crate) fn carry(&mut self, bytes: usize, now: Instant) {
        if let Some(nanos) = (bytes as u64).saturating_mul(1_000_000_000).checked_div(self.rate) {
            let start = self.free_at.max(now.checked_sub(Self::SLACK).unwrap_or(now));
            self.free_at = start + Duration::from_nanos(nanos);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_keeps_its_rate_over_many_small_messages() {
        let start = Instant::now();
        let mut link = Link { rate: 100_000, free_at: start };
        let (mut now, mut sent) = (start, 0);
        while now < start + Duration::from_secs(1) {
            while link.busy_until(now).is_none() {
                link.carry(100, now);
                sent += 100;
            }
            now += Duration::from_millis(1);
        }
        assert!((99_000..=101_000).contains(&sent), "{sent}");
    }
}
