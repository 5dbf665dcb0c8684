//! What the forwarder holds and does when it has nothing to do. Measured last: "after the run" is after all other groups.

use std::time::Duration;

use amtd_harness::Usage;
use anyhow::Result;

use crate::lab::{Lab, pause};
use crate::report::{Bound, Report, Row, Target, Unit};
use crate::sizes::MEGABYTE;

/// Connections of earlier groups may linger for this long on either side before all is quiet.
const SETTLE: Duration = Duration::from_secs(5);

/// Resident memory, threads, and how often the idle process wakes up.
pub(super) fn footprint(lab: &mut Lab, report: &mut Report) -> Result<()> {
    pause(SETTLE);
    let before = (lab.subject.usage()?, lab.null.usage()?);
    pause(lab.sizes.idle);
    let (subject, null) = (lab.subject.usage()?, lab.null.usage()?);
    let seconds = lab.sizes.idle.as_secs_f64();
    let memory = |usage: &Usage| usage.resident as f64 / MEGABYTE as f64;
    let wakeups = |before: &Usage, after: &Usage| after.sleeps.saturating_sub(before.sleeps) as f64 / seconds;
    let mut row = |id: &str, title: &str, unit, bound, subject: Option<f64>, null: f64| {
        let row = Row::new(format!("footprint.{id}"), title, unit).target(Target::Figure(bound));
        report.rows.push(row.rounds([subject.into_iter().collect(), vec![null], Vec::new()]));
    };
    let known = subject.as_ref();
    row(
        "memory",
        "resident memory after the run",
        Unit::Megabytes,
        Bound::AtMost(10.0),
        known.map(memory),
        memory(&null),
    );
    let threads = |usage: &Usage| usage.threads as f64;
    row("threads", "idle threads", Unit::Count, Bound::AtMost(3.0), known.map(threads), threads(&null));
    let subject_wakeups = before.0.zip(subject).map(|(before, after)| wakeups(&before, &after));
    row(
        "wakeups",
        "idle wake-ups",
        Unit::PerSecond,
        Bound::Below(1.0),
        subject_wakeups,
        wakeups(&before.1, &null),
    );
    Ok(())
}
