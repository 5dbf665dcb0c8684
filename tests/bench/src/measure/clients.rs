//! Many clients at once: none may be refused, dropped or forgotten because firmware has few channels.

use std::net::SocketAddr;
use std::time::Duration;

use amtd_harness::http::{Connection, Login};
use amtd_harness::{PATIENCE, wsman};
use anyhow::{Context, Result, ensure};

use crate::lab::Lab;
use crate::load;
use crate::report::{Bound, Report, Row, Target, Unit};
use crate::statistics::maximum;
use crate::wsman as agents;

const CROWDS: [usize; 5] = [1, 8, 64, 512, 1000];
/// Clients of the crowd with requests of every class.
const MIXED: usize = 1000;
/// The classes, and how long the daemon by default lets their requests wait, in milliseconds.
const CLASSES: [(&str, f64); 4] =
    [("watchdog", 10_000.0), ("health", 10_000.0), ("interactive", 30_000.0), ("bulk", 60_000.0)];
const WATCHDOG: &str = "AAECAwQFBgcICQoLDA0OZA==";

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
    mixed(lab, report).context("mixed classes")
}

/// The same with requests of every class at once, and the longest wait of each class beside its deadline. The wait ends with
/// the answer, so that it is more than what the deadline is about.
fn mixed(lab: &mut Lab, report: &mut Report) -> Result<()> {
    create_watchdog(lab.subject.address())?;
    let (mut failed, mut longest) = (Vec::new(), [const { Vec::new() }; CLASSES.len()]);
    for _ in 0..lab.sizes.crowds {
        let requests = CLASSES.iter().cycle().take(MIXED).enumerate();
        let address = lab.subject.address();
        let requests = requests.map(|(number, (class, _))| {
            // Nonces are used once: in which order the requests arrive is open.
            let mut login = log_in(address)?;
            let authorization = login.authorize(wsman::PATH)?.unwrap_or_default();
            Ok(wsman::post(&envelope(class, number), &[&authorization]))
        });
        let requests = requests.collect::<Result<Vec<_>>>()?;
        let (times, reasons) = lab.runtime.block_on(load::mixed_crowd(address, requests));
        if let Some(first) = reasons.first() {
            let text = format!("{} of {MIXED} mixed clients failed; the first: {first}", reasons.len());
            report.failures.push(text);
        }
        failed.push(reasons.len() as f64);
        for (class, longest) in longest.iter_mut().enumerate() {
            let of_class = times.iter().skip(class).step_by(CLASSES.len()).flatten();
            let seconds: Vec<f64> = of_class.map(Duration::as_secs_f64).collect();
            longest.push(maximum(&seconds) * 1e3);
        }
    }
    let row = Row::new("clients.mixed", format!("clients failed of {MIXED}, mixed"), Unit::Count).worst();
    let row = row.target(Target::Figure(Bound::AtMost(0.0)));
    report.rows.push(row.rounds([failed, Vec::new(), Vec::new()]));
    for ((class, deadline), longest) in CLASSES.into_iter().zip(longest) {
        let row = Row::new(
            format!("clients.mixed.{class}"),
            format!("  longest wait, {class}"),
            Unit::Milliseconds,
        );
        let row = row.worst().target(Target::Figure(Bound::AtMost(deadline)));
        report.rows.push(row.rounds([longest, Vec::new(), Vec::new()]));
    }
    Ok(())
}

/// A login with a nonce of its own.
fn log_in(address: SocketAddr) -> Result<Login> {
    let mut login = agents::login();
    let answer = Connection::open(address, PATIENCE)?.exchange(&wsman::post(&wsman::identify(), &[]))?;
    login.challenged(answer.head())?;
    Ok(login)
}

fn create_watchdog(address: SocketAddr) -> Result<()> {
    let authorization = log_in(address)?.authorize(wsman::PATH)?.unwrap_or_default();
    let request = wsman::post(&agents::create_watchdog(WATCHDOG, u16::MAX), &[&authorization]);
    let answer = Connection::open(address, PATIENCE)?.exchange(&request)?;
    ensure!(answer.status() == 200, "answer {} to the creation of a watchdog", answer.status());
    Ok(())
}

fn envelope(class: &str, number: usize) -> String {
    match class {
        // Of an agent that is not registered: refused by firmware, with 200.
        "watchdog" => agents::assert_presence(WATCHDOG, u32::try_from(number).unwrap_or(0)),
        "health" => wsman::identify(),
        "bulk" => wsman::enumerate("CIM_SoftwareIdentity"),
        _ => wsman::get("AMT_GeneralSettings"),
    }
}
