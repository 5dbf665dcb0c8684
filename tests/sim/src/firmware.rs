//! What every connection shares: the configuration, the device, the engine, the armed faults and the counters.
//!
//! Owned by `world`, which lends it to one connection at a time.

use std::time::{Duration, Instant};

use crate::config::SimConfig;
use crate::device::Device;
use crate::engine::Engine;
use crate::faults::{Faults, Schedule};
use crate::mei::Occupancy;
use crate::stats::{Stats, Violation};

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
    /// The time of the current turn of the event loop.
    pub(crate) now: Instant,
}

impl Firmware {
    pub(crate) fn new(config: SimConfig) -> Self {
        let now = Instant::now();
        Self {
            device: Device::new(config.device.clone(), now),
            engine: Engine::new(config.engine, config.profile),
            faults: Faults::default(),
            schedule: Schedule::default(),
            occupancy: Occupancy::default(),
            link: Link { rate: config.apf.link_rate, free_at: now },
            stats: Stats::default(),
            now,
            config,
        }
    }

    /// Counts a violation by the host and prints it if so configured.
    pub(crate) fn violation(&mut self, kind: Violation, detail: impl Into<String>) {
        self.stats.violation(kind, detail.into(), self.config.print_violations);
    }
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
