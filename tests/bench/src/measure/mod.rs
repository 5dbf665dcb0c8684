//! The measurements: one module for each group of rows.

mod clients;
mod control;
mod footprint;
mod heartbeat;
mod rate;
mod roundtrip;
mod slow;
mod soak;
mod start;
mod transfer;

use anyhow::Result;
use clap::ValueEnum;

use crate::lab::Lab;
use crate::report::Report;

pub(crate) use heartbeat::NO_PRIORITY;

/// A group of rows, measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Group {
    /// Round trip of a small request on a kept connection
    Kept,
    /// Round trip of a WSMAN Get with digest on a kept connection
    Wsman,
    /// Round trip of a small request on a new connection
    New,
    /// Small requests per second at 1, 8 and 64 connections
    Rate,
    /// Download at 1, 8 and 32 streams
    Download,
    /// Upload at 1, 8 and 32 streams
    Upload,
    /// A client that reads 2 MB/s
    Slow,
    /// Clients failed of 1, 8, 64, 512 and 1000 at once
    Clients,
    /// Heartbeats beside busy clients, with priority and without
    Heartbeat,
    /// What priority costs those who have no use for it
    Cost,
    /// Heartbeats missed beside all others at once, with priority and without
    Missed,
    /// Everything at once for as long as one likes: nothing lost, missed, left behind or growing
    Soak,
    /// Activation over the control API, `amtctl status`, health beside streams
    Control,
    /// From start to ready
    Start,
    /// Memory, threads and idle wake-ups after all the rest
    Footprint,
}

impl Group {
    /// All groups, in the order in which they are measured.
    pub(crate) fn all() -> &'static [Self] {
        Self::value_variants()
    }

    /// Measures the group and adds its rows to the report.
    pub(crate) fn measure(self, lab: &mut Lab, report: &mut Report) -> Result<()> {
        match self {
            Self::Kept => roundtrip::kept(lab, report),
            Self::Wsman => roundtrip::wsman(lab, report),
            Self::New => roundtrip::new(lab, report),
            Self::Rate => rate::rate(lab, report),
            Self::Download => transfer::download(lab, report),
            Self::Upload => transfer::upload(lab, report),
            Self::Slow => slow::slow(lab, report),
            Self::Clients => clients::clients(lab, report),
            Self::Heartbeat => heartbeat::heartbeat(lab, report),
            Self::Cost => heartbeat::cost(lab, report),
            Self::Missed => heartbeat::missed(lab, report),
            Self::Soak => soak::soak(lab, report),
            Self::Control => control::control(lab, report),
            Self::Start => start::start(lab, report),
            Self::Footprint => footprint::footprint(lab, report),
        }
    }
}
