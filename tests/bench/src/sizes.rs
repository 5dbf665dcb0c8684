//! How much of each measurement is made.

use std::time::Duration;

/// Numbers of rounds, exchanges and bytes. Many short rounds rather than few long ones: what disturbs the machine for a second
/// then hits all contenders alike.
#[derive(Debug, Clone)]
pub(crate) struct Sizes {
    /// Rounds of each measurement.
    pub(crate) rounds: usize,
    /// Exchanges per round on a kept connection.
    pub(crate) kept: usize,
    /// Exchanges per round with a connection each.
    pub(crate) new: usize,
    /// Requests per round of the request rates, over all connections.
    pub(crate) requests: usize,
    /// Bytes per round of a transfer, over all streams.
    pub(crate) transfer: usize,
    /// Bytes that the slow reader takes.
    pub(crate) slow: usize,
    /// Rounds of concurrent clients.
    pub(crate) crowds: usize,
    /// Activations per kind of firmware where each takes seconds; where they do not, as many as rounds.
    pub(crate) jobs: usize,
    /// Runs of `amtctl` per round.
    pub(crate) programs: usize,
    /// Questions about health per round on a kept connection; half as many with a connection each.
    pub(crate) checks: usize,
    /// How long the heartbeats of one measurement go on with realistic firmware.
    pub(crate) heartbeats: Duration,
    /// How long agents are watched for missed heartbeats; zero is not at all.
    pub(crate) missed: Duration,
    /// How long everything goes on at once; zero is not at all.
    pub(crate) soak: Duration,
    /// How long the idle process is watched.
    pub(crate) idle: Duration,
}

/// 10^6 bytes.
pub(crate) const MEGABYTE: usize = 1_000_000;

impl Sizes {
    /// For figures to rely on.
    pub(crate) const FULL: Self = Self {
        rounds: 15,
        kept: 1_000,
        new: 200,
        requests: 4_000,
        transfer: 16 * MEGABYTE,
        slow: 32 * MEGABYTE,
        crowds: 2,
        jobs: 5,
        programs: 20,
        checks: 500,
        heartbeats: Duration::from_secs(45),
        missed: Duration::ZERO,
        soak: Duration::ZERO,
        idle: Duration::from_secs(10),
    };

    /// For a check that everything works, in about four minutes.
    pub(crate) const QUICK: Self = Self {
        rounds: 5,
        kept: 300,
        new: 100,
        requests: 1_000,
        transfer: 4 * MEGABYTE,
        slow: 2 * MEGABYTE,
        crowds: 1,
        jobs: 1,
        programs: 10,
        checks: 200,
        heartbeats: Duration::from_secs(4),
        missed: Duration::from_secs(10),
        soak: Duration::from_secs(120),
        idle: Duration::from_secs(3),
    };
}
