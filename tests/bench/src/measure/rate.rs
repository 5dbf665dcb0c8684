//! Small requests per second.

use anyhow::{Context, Result};

use crate::lab::Lab;
use crate::load;
use crate::report::{Report, Row, Unit};

/// At 1, 8 and 64 connections; the null relay and the direct link at one. The direct link is not repeated here: its rate is the
/// inverse of its round trip.
pub(super) fn rate(lab: &mut Lab, report: &mut Report) -> Result<()> {
    const CONNECTIONS: [usize; 3] = [1, 8, 64];
    let requests = lab.sizes.requests;
    let (mut null, mut subject) = (Vec::new(), [const { Vec::new() }; 3]);
    for _ in 0..lab.sizes.rounds {
        let rate = |address, connections| {
            let time = lab.runtime.block_on(load::requests(address, connections, requests));
            time.map(|time| requests as f64 / time.as_secs_f64())
                .with_context(|| format!("{connections} connections"))
        };
        null.push(rate(lab.null.address, 1).context("null relay")?);
        for (rates, connections) in subject.iter_mut().zip(CONNECTIONS) {
            rates.push(rate(lab.subject.address(), connections)?);
        }
    }
    for (rates, connections) in subject.into_iter().zip(CONNECTIONS) {
        let title = format!("requests, {connections} connections");
        let row = Row::new(format!("rate.{connections}"), title, Unit::PerSecond);
        let row = if connections == 1 { row } else { row.single() };
        report.rows.push(row.rounds([rates, null.clone(), Vec::new()]));
    }
    Ok(())
}
