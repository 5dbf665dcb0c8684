//! Throughput of transfers whose every byte is checked, and what a megabyte costs the forwarder.

use std::sync::Arc;
use std::time::{Duration, Instant};

use amtd_harness::http::HttpError;
use anyhow::{Context, Result, ensure};

use crate::content::{Check, content};
use crate::lab::{Contender, Lab};
use crate::load::{self, download_request, receipt, upload_head};
use crate::report::{Bound, Report, Row, Target, Unit};
use crate::sizes::MEGABYTE;

const STREAMS: [usize; 3] = [1, 8, 32];

/// GET of checked content.
pub(super) fn download(lab: &mut Lab, report: &mut Report) -> Result<()> {
    let bytes = lab.sizes.transfer;
    let several =
        |lab: &Lab, address, streams| lab.runtime.block_on(load::downloads(address, streams, bytes));
    transfers(lab, report, "download", several, |lab| {
        let mut connection = lab.connect(Contender::DirectLink)?;
        let mut check = Check::default();
        let start = Instant::now();
        connection.send(&download_request(bytes))?;
        let head = connection.receive_into(|piece| check.take(piece))?;
        ensure!(
            head.status() == 200 && check.position() == bytes as u64,
            "answer {} to a download",
            head.status()
        );
        Ok(start.elapsed())
    })
}

/// POST of content; firmware counts it and returns its checksum.
pub(super) fn upload(lab: &mut Lab, report: &mut Report) -> Result<()> {
    let bytes = lab.sizes.transfer;
    let bodies = STREAMS.map(|streams| Arc::new(content(bytes / streams)));
    let several = |lab: &Lab, address, streams| {
        let body =
            STREAMS.iter().position(|&number| number == streams).map_or(&bodies[0], |index| &bodies[index]);
        lab.runtime.block_on(load::uploads(address, streams, Arc::clone(body)))
    };
    transfers(lab, report, "upload", several, |lab| {
        let mut connection = lab.connect(Contender::DirectLink)?;
        let expected = receipt(&bodies[0]);
        let start = Instant::now();
        connection.send(&upload_head(bytes))?;
        let answer =
            connection.send(&bodies[0]).map_err(HttpError::from).and_then(|()| connection.receive())?;
        ensure!(
            answer.text().trim() == expected,
            "upload of {expected}: {} {}",
            answer.status(),
            answer.text()
        );
        Ok(start.elapsed())
    })
}

/// Rounds of: the direct link, the null relay with one stream, the subject with 1, 8 and 32 streams.
fn transfers(
    lab: &mut Lab,
    report: &mut Report,
    name: &'static str,
    several: impl Fn(&Lab, std::net::SocketAddr, usize) -> Result<Duration>,
    direct: impl Fn(&mut Lab) -> Result<Duration>,
) -> Result<()> {
    let megabytes = lab.sizes.transfer as f64 / MEGABYTE as f64;
    let rate = |time: Duration| megabytes / time.as_secs_f64();
    let cost =
        |before: Duration, after: Duration| (after.saturating_sub(before)).as_secs_f64() * 1e3 / megabytes;
    let (mut direct_rates, mut null_rates, mut subject_rates) =
        (Vec::new(), Vec::new(), [const { Vec::new() }; 3]);
    let (mut null_costs, mut subject_costs) = (Vec::new(), Vec::new());
    for _ in 0..lab.sizes.rounds {
        direct_rates.push(rate(direct(lab).context("direct link")?));
        let before = lab.null.usage()?.cpu;
        null_rates.push(rate(several(lab, lab.null.address, 1).context("null relay")?));
        null_costs.push(cost(before, lab.null.usage()?.cpu));
        for (rates, streams) in subject_rates.iter_mut().zip(STREAMS) {
            let before = lab.subject.usage()?;
            rates.push(rate(
                several(lab, lab.subject.address(), streams).with_context(|| format!("{streams} streams"))?,
            ));
            if let (Some(before), Some(after), 1) = (before, lab.subject.usage()?, streams) {
                subject_costs.push(cost(before.cpu, after.cpu));
            }
        }
    }
    for (rates, streams) in subject_rates.into_iter().zip(STREAMS) {
        let title = format!("{name}, {streams} streams");
        let row = Row::new(format!("{name}.{streams}"), title, Unit::MegabytesPerSecond);
        let row = match streams {
            1 => row.target(Target::Ratio(Bound::AtLeast(0.9))),
            8 => row.single().target(Target::Ratio(Bound::AtLeast(1.0))),
            _ => row.single(),
        };
        report.rows.push(row.rounds([rates, null_rates.clone(), direct_rates.clone()]));
    }
    let row = Row::new(
        format!("{name}.cpu"),
        format!("  CPU time, 1 {name} stream"),
        Unit::MillisecondsPerMegabyte,
    );
    report.rows.push(row.rounds([subject_costs, null_costs, Vec::new()]));
    Ok(())
}
