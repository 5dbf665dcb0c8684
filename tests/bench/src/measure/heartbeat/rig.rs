//! A daemon in front of firmware of a given kind, for one measurement.

use std::net::SocketAddr;

use amtd_harness::{Daemon, Sim, SimOptions};
use anyhow::{Context, Result};

use crate::lab::start_daemon;
use crate::link::PORT;

/// How long firmware takes for a WSMAN request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Profile {
    /// [`SERVICE`](super::SERVICE).
    Realistic,
    /// No time at all.
    Instant,
}

/// Whether firmware executes a request while an earlier response has not left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Independent,
    Stuck,
}

/// A kind of firmware.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Firmware {
    pub(super) profile: Profile,
    pub(super) engine: Engine,
    /// Bytes per second of all responses together; 0 is no limit.
    pub(super) link_rate: usize,
}

/// What runs. The daemon goes before its simulator.
pub(super) struct Rig {
    pub(super) daemon: Daemon,
    pub(super) address: SocketAddr,
    pub(super) sim: Sim,
}

impl Firmware {
    fn options(self) -> SimOptions {
        let profile = match self.profile {
            Profile::Realistic => "realistic",
            Profile::Instant => "instant",
        };
        let engine = match self.engine {
            Engine::Independent => "independent",
            Engine::Stuck => "stuck",
        };
        let rate = self.link_rate.to_string();
        let arguments = ["--profile", profile, "--engine", engine, "--link-rate", &rate];
        SimOptions { arguments: arguments.map(Into::into).into() }
    }
}

impl Rig {
    /// Starts a daemon with `config`, lines of TOML, and waits until it is ready.
    pub(super) fn start(firmware: Firmware, config: &str) -> Result<Self> {
        let sim = Sim::start_with(firmware.options())?;
        let daemon = start_daemon(&sim.device(), config)?;
        let address = daemon.address(PORT)?;
        Ok(Self { daemon, address, sim })
    }

    /// Requests of each class that were handed to firmware so far.
    pub(super) fn admitted(&self) -> Result<Vec<(String, u64)>> {
        let status = self.daemon.status()?;
        let queues = status["queues"].as_array().context("no queues in the status")?;
        let admitted = |queue: &serde_json::Value| {
            Some((queue["class"].as_str()?.to_owned(), queue["admitted"].as_u64()?))
        };
        queues.iter().map(admitted).collect::<Option<_>>().context("no counts in the status")
    }

    /// How often each agent's watchdog expired, as firmware knows it.
    pub(super) fn expirations(&self) -> Result<u64> {
        let state = self.sim.control(&serde_json::json!({ "do": "state" }))?;
        let watchdogs = state["watchdogs"].as_array().context("no watchdogs in the state")?;
        let counts = watchdogs.iter().map(|watchdog| watchdog["expirations"].as_u64());
        counts.sum::<Option<u64>>().context("no expirations in the state")
    }
}
