//! `amtctl status` as a script runs it, from exec to exit.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use amtd_harness::Sim;
use amtd_harness::binaries::binaries;
use anyhow::{Context, Result, ensure};

use super::{Firmware, Times};
use crate::lab::{Lab, start_daemon};
use crate::report::{Bound, Reference, Report, Row, Target, Unit};

/// Does nothing: what any program takes on this machine.
const EMPTY: &str = "/bin/true";

/// In turns with the empty program.
pub(super) fn status(lab: &Lab, report: &mut Report) -> Result<()> {
    let sim = Sim::start_with(Firmware::Instant.options())?;
    let daemon = start_daemon(&sim.device(), &lab.config)?;
    let socket = daemon.runtime_directory().join("amtd.sock");
    let amtctl = &binaries()?.amtctl;
    let (mut status, mut empty) = (Times::default(), Times::default());
    for _ in 0..lab.sizes.rounds {
        let (mut runs, mut empty_runs) = (Vec::new(), Vec::new());
        for _ in 0..lab.sizes.programs {
            runs.push(run(amtctl, |command| command.arg("--socket").arg(&socket).arg("status"))?);
            empty_runs.push(run(Path::new(EMPTY), |command| command)?);
        }
        status.round(&runs);
        empty.round(&empty_runs);
    }
    let row = |figure: &str, title: &str, rounds, empty| {
        let row = Row::new(format!("status.{figure}"), title, Unit::Milliseconds);
        row.over(Reference::EmptyProgram).rounds([rounds, empty, Vec::new()])
    };
    let p50 = row("p50", "amtctl status, exec to exit, p50", status.p50, empty.p50);
    report.rows.push(p50.target(Target::Figure(Bound::AtMost(10.0))));
    report.rows.push(row("p99", "  p99", status.p99, empty.p99));
    Ok(())
}

/// How long the program runs. What it says goes nowhere; it must succeed.
fn run(program: &Path, arguments: impl FnOnce(&mut Command) -> &mut Command) -> Result<Duration> {
    let mut command = Command::new(program);
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    arguments(&mut command);
    let start = Instant::now();
    let ended = command.status().with_context(|| program.display().to_string())?;
    let time = start.elapsed();
    ensure!(ended.success(), "{} ended with {ended}", program.display());
    Ok(time)
}
