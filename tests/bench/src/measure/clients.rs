//! Many clients at once: none may be refused, dropped or forgotten because firmware has few channels.

use anyhow::Result;

use crate::lab::Lab;
use crate::load;
use crate::report::{Bound, Report, Row, Target, Unit};

const CROWDS: [usize; 5] = [1, 8, 64, 512, 1000];

/// How many clients fail. The null relay and the direct link serve one client at a time: there is nothing to compare.
pub(super) fn clients(lab: &mut Lab, report: &mut Report) -> Result<()> {
    for clients in CROWDS {
        let mut failed = Vec::new();
        for _ in 0..lab.sizes.crowds {
            let reasons = lab.runtime.block_on(load::crowd(lab.subject.address(), clients));
            if let Some(first) = reasons.first() {
                report
                    .failures
                    .push(format!("{} of {clients} clients failed; the first: {first}", reasons.len()));
            }
            failed.push(reasons.len() as f64);
        }
        let row = Row::new(format!("clients.{clients}"), format!("clients failed of {clients}"), Unit::Count)
            .worst();
        let row = row.target(Target::Figure(Bound::AtMost(0.0)));
        report.rows.push(row.rounds([failed, Vec::new(), Vec::new()]));
    }
    Ok(())
}
