//! The control plane: jobs beside what firmware itself takes for their requests, `amtctl`, and health while bytes flow.
//!
//! Every measurement has a daemon and simulators of its own; the null relay has no part in this.

mod health;
mod jobs;
mod replay;
mod status;

use std::time::Duration;

use amtd_harness::SimOptions;
use anyhow::Result;

use crate::lab::{Lab, Subject};
use crate::report::{Report, Row, Unit};
use crate::statistics::{maximum, median, percentile};

/// Longest that a single call may take.
const LIMIT: Duration = Duration::from_secs(60);

/// How long firmware takes for what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Firmware {
    /// About what real firmware takes.
    Realistic,
    /// No time at all.
    Instant,
}

/// All rows of the group. A forwarder that somebody else started has no control API that is known.
pub(super) fn control(lab: &mut Lab, report: &mut Report) -> Result<()> {
    if matches!(lab.subject, Subject::Attached { .. }) {
        return Ok(());
    }
    for firmware in [Firmware::Realistic, Firmware::Instant] {
        jobs::jobs(lab, firmware, report)?;
    }
    status::status(lab, report)?;
    health::health(lab, report)
}

impl Firmware {
    /// A device that is not activated.
    fn options(self) -> SimOptions {
        let profile = match self {
            Self::Realistic => "realistic",
            Self::Instant => "instant",
        };
        SimOptions { arguments: ["--profile", profile, "--state", "pre"].map(Into::into).into() }
    }
}

/// The times of several rounds of one contender, in milliseconds.
#[derive(Debug, Default)]
struct Times {
    p50: Vec<f64>,
    p99: Vec<f64>,
    max: Vec<f64>,
}

impl Times {
    fn round(&mut self, times: &[Duration]) {
        let times: Vec<f64> = times.iter().map(|time| milliseconds(*time)).collect();
        self.p50.push(median(&times));
        self.p99.push(percentile(&times, 0.99));
        self.max.push(maximum(&times));
    }

    /// Rows without a target: p50, p99 and maximum.
    fn rows(self, id: &str, title: &str) -> [Row; 3] {
        let row = |figure: &str, title: String, rounds| {
            Row::new(format!("{id}.{figure}"), title, Unit::Milliseconds).rounds([rounds, vec![], vec![]])
        };
        [
            row("p50", format!("{title}, p50"), self.p50),
            row("p99", "  p99".to_owned(), self.p99),
            row("max", "  max".to_owned(), self.max).worst(),
        ]
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
