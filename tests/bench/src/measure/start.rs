//! From the start of the process to the moment when it is ready for clients.

use std::time::Instant;

use anyhow::Result;

use crate::lab::{Contender, Lab, Relay, Subject, rounds, start_daemon};
use crate::link::Link;
use crate::report::{Report, Row, Unit};

/// Of the daemon: until its `READY=1`. Of the null relay: until it says "ready". Of the direct link: connect and handshake. A
/// subject that was started by somebody else has no figure.
pub(super) fn start(lab: &mut Lab, report: &mut Report) -> Result<()> {
    let sim = lab.spare_sim()?;
    let device = sim.device();
    let config = lab.config.clone();
    let own = matches!(lab.subject, Subject::Own { .. });
    let figures = rounds(lab.sizes.rounds, |contender| {
        let start = Instant::now();
        // What was started is gone again before the next one needs the device, and outside the time.
        let time = match contender {
            Contender::Subject if !own => return Ok(None),
            Contender::Subject => timed(start, start_daemon(&device, &config)?),
            Contender::NullRelay => timed(start, Relay::start_on(&device)?),
            Contender::DirectLink => timed(start, Link::open(&device)?),
        };
        Ok(Some(time))
    })?;
    report.rows.push(Row::new("start.ready", "start to ready", Unit::Milliseconds).rounds(figures));
    Ok(())
}

/// Milliseconds since `start`. Takes what was started, so that ending it comes after.
fn timed<T>(start: Instant, started: T) -> f64 {
    let time = start.elapsed();
    drop(started);
    time.as_secs_f64() * 1e3
}
