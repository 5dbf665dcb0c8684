//! A client that reads slowly must get everything, however long firmware has to wait for it.

use std::thread;
use std::time::{Duration, Instant};

use amtd_harness::http::Connection;
use anyhow::{Context, Result, anyhow, ensure};

use crate::content::Check;
use crate::direct::DirectChannel;
use crate::lab::{Lab, Stream, connect, pause_until};
use crate::load::download_request;
use crate::report::{Bound, Report, Row, Target, Unit};
use crate::sizes::MEGABYTE;

/// Bytes per second.
const PACE: usize = 2 * MEGABYTE;

/// One slow download by way of each contender, all three at the same time: it is the reader who sets the pace.
pub(super) fn slow(lab: &mut Lab, report: &mut Report) -> Result<()> {
    let bytes = lab.sizes.slow;
    let (subject, null) = (connect(lab.subject.address())?, connect(lab.null.address)?);
    let direct = DirectChannel::open(&mut lab.direct)?;
    let [subject, null, direct] = thread::scope(|scope| {
        let others = [scope.spawn(move || read(subject, bytes)), scope.spawn(move || read(null, bytes))];
        let direct = read(direct, bytes);
        let [subject, null] =
            others.map(|reader| reader.join().unwrap_or_else(|_| Err(anyhow!("the reader panicked"))));
        [subject, null, direct]
    });
    let lost = |outcome: &Result<()>| vec![if outcome.is_ok() { 0.0 } else { 1.0 }];
    let title = format!("slow reader, {} MB at 2 MB/s: failed", bytes / MEGABYTE);
    let row = Row::new("slow.failed", title, Unit::Count).worst().target(Target::Figure(Bound::AtMost(0.0)));
    report.rows.push(row.rounds([lost(&subject), lost(&null), lost(&direct)]));
    null.context("null relay").and(direct.context("direct link")).and(subject)
}

/// Downloads and checks `bytes`, never ahead of the pace.
fn read(stream: impl Stream, bytes: usize) -> Result<()> {
    let mut connection = Connection::over(stream);
    connection.send(&download_request(bytes))?;
    let (mut check, start) = (Check::default(), Instant::now());
    let head = connection.receive_into(|piece| {
        let right = check.take(piece);
        pause_until(start + Duration::from_secs_f64(check.position() as f64 / PACE as f64));
        right
    })?;
    ensure!(head.status() == 200, "status {}", head.status());
    ensure!(check.position() == bytes as u64, "{} bytes instead of {bytes}", check.position());
    Ok(())
}
