//! `amtctl doctor`: what is wrong, how that was seen, and the way out.
//!
//! Looks at what can be seen from here, so that it works without the daemon, and asks the daemon for what it sees. Each
//! check has a file; it reads and never changes anything.

mod access;
mod device;
mod lms;
mod ports;
mod processes;
mod service;
mod socket;

use amtd_proto::v1::{self, DiagnoseRequest, GetInfoRequest, GetStatusRequest, check::Result as Seen};
use serde::Serialize;

use super::{info::SWITCH_ON, version::CLIENT};
use crate::{
    client::Client,
    exit::Exit,
    failure::Failure,
    output::{Document, page::Page},
    session::Session,
};

/// Looks at everything.
pub(super) async fn run(session: &Session) -> Result<Exit, Failure> {
    let connected = Client::connect(session.socket(), session.limit()).await;
    let mut checks = vec![socket::check(&connected), access::check()];
    checks.push(service::check(connected.is_ok()).await);
    checks.push(lms::check());
    match connected {
        Ok(client) => checks.extend(ask(&client, session).await),
        // What the daemon would say about these is looked at from here, as far as possible.
        Err(_) => checks.extend([device::check(), ports::check()]),
    }
    let document = DoctorDocument::new(checks);
    let exit = if document.verdict == Verdict::Bad { Exit::FailedClean } else { Exit::Good };
    session.output().show(&document)?;
    Ok(exit)
}

/// What the daemon says.
async fn ask(client: &Client, session: &Session) -> Vec<Check> {
    let mut checks = Vec::new();
    match client.call(client.status().get_status(client.request(GetStatusRequest {}))).await {
        Ok(status) => checks.push(version(&status.daemon_version)),
        Err(failure) => checks.push(Check::bad("daemon", failure.to_string(), failure.next_step())),
    }
    match client.call(client.diagnostics().diagnose(client.request(DiagnoseRequest {}))).await {
        Ok(answer) => checks.extend(answer.checks.into_iter().map(Check::from)),
        Err(failure) => {
            checks.push(Check::unknown("diagnosis", failure.to_string(), failure.next_step()));
        }
    }
    let patient = client.with_limit(session.firmware_limit());
    match patient.call(patient.status().get_info(patient.request(GetInfoRequest {}))).await {
        Ok(info) => checks.extend(info.enabled_in_bios.map(amt)),
        // The daemon has said why it cannot ask the firmware, unless it could when it last did.
        Err(_) if checks.iter().any(|check| check.result == Verdict::Bad) => {}
        Err(failure) => checks.push(Check::bad("amt", failure.to_string(), ASK_AGAIN)),
    }
    checks
}

const ASK_AGAIN: &str =
    "if AMT is disabled, enable it in the BIOS; if another AMT tool is running, stop it; then try again";

fn amt(is_enabled: bool) -> Check {
    if is_enabled {
        return Check::good("amt", "Intel AMT is switched on");
    }
    Check::warning(
        "amt",
        "Intel AMT is switched off",
        format!("{SWITCH_ON}, if the firmware lets it; otherwise enable it in the BIOS"),
    )
}

fn version(daemon: &str) -> Check {
    if daemon == CLIENT {
        return Check::good("version", format!("amtctl and amtd are both {CLIENT}"));
    }
    Check::warning(
        "version",
        format!("amtctl is {CLIENT}, the running amtd is {daemon}"),
        "sudo systemctl restart amtd",
    )
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
enum Verdict {
    Good,
    /// It could not be looked at.
    Unknown,
    Warning,
    Bad,
}

/// One check.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Check {
    /// Stable word.
    name: String,
    /// `here`: seen by amtctl; `amtd`: by the daemon.
    seen_by: &'static str,
    result: Verdict,
    /// What was seen.
    evidence: String,
    /// What to do about it; empty if nothing needs to be done.
    way_out: String,
}

impl Check {
    fn good(name: &str, evidence: impl Into<String>) -> Self {
        Self::here(name, Verdict::Good, evidence, "")
    }

    fn warning(name: &str, evidence: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::here(name, Verdict::Warning, evidence, way_out)
    }

    fn bad(name: &str, evidence: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::here(name, Verdict::Bad, evidence, way_out)
    }

    fn unknown(name: &str, evidence: impl Into<String>, way_out: impl Into<String>) -> Self {
        Self::here(name, Verdict::Unknown, evidence, way_out)
    }

    fn here(name: &str, result: Verdict, evidence: impl Into<String>, way_out: impl Into<String>) -> Self {
        let (evidence, way_out) = (evidence.into(), way_out.into());
        Self { name: name.into(), seen_by: "here", result, evidence, way_out }
    }
}

impl From<v1::Check> for Check {
    fn from(check: v1::Check) -> Self {
        let result = match check.result() {
            Seen::Good => Verdict::Good,
            Seen::Warning => Verdict::Warning,
            Seen::Bad => Verdict::Bad,
            Seen::Unknown | Seen::Unspecified => Verdict::Unknown,
        };
        Self { name: check.name, seen_by: "amtd", result, evidence: check.evidence, way_out: check.way_out }
    }
}

/// What was found.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct DoctorDocument {
    /// That of the worst check.
    verdict: Verdict,
    checks: Vec<Check>,
}

impl DoctorDocument {
    fn new(checks: Vec<Check>) -> Self {
        let verdict = checks.iter().map(|check| check.result).max().unwrap_or(Verdict::Unknown);
        Self { verdict, checks }
    }
}

impl Document for DoctorDocument {
    const KIND: &'static str = "doctor";

    fn render(&self, page: &mut Page) {
        for check in &self.checks {
            let style = page.style();
            let (word, width) = match check.result {
                Verdict::Good => (style.good("good"), 4),
                Verdict::Unknown => (style.warn("unknown"), 7),
                Verdict::Warning => (style.warn("warning"), 7),
                Verdict::Bad => (style.bad("bad"), 3),
            };
            let mark = format!("{word}{}{:18}", " ".repeat(9 - width), check.name);
            let width = 9 + check.name.chars().count().max(18);
            page.marked(&mark, width, &check.evidence);
            if !check.way_out.is_empty() && check.result != Verdict::Good {
                page.hang(&format!("{:21}next: ", ""), &check.way_out);
            }
        }
        let count = |wanted| self.checks.iter().filter(|check| check.result == wanted).count();
        let (bad, warnings, unknown) =
            (count(Verdict::Bad), count(Verdict::Warning), count(Verdict::Unknown));
        page.gap();
        page.line(&match (bad, warnings, unknown) {
            (0, 0, 0) => "No problems found.".to_owned(),
            (0, 0, _) => format!("No problems found, but {unknown} could not be looked at."),
            _ => format!(
                "{bad} bad, {warnings} {}, {unknown} unknown",
                if warnings == 1 { "warning" } else { "warnings" }
            ),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_is_that_of_the_worst_check() {
        let good = || Check::good("a", "seen");
        let unknown = || Check::unknown("b", "not seen", "");
        let warning = || Check::warning("c", "odd", "turn it");
        let bad = || Check::bad("d", "broken", "mend it");
        assert_eq!(DoctorDocument::new(vec![good()]).verdict, Verdict::Good);
        assert_eq!(DoctorDocument::new(vec![unknown(), good()]).verdict, Verdict::Unknown);
        assert_eq!(DoctorDocument::new(vec![warning(), unknown()]).verdict, Verdict::Warning);
        assert_eq!(DoctorDocument::new(vec![good(), bad(), warning()]).verdict, Verdict::Bad);
    }

    #[test]
    fn an_older_daemon_is_noticed() {
        assert_eq!(version(CLIENT).result, Verdict::Good);
        assert_eq!(version("0.0.1").result, Verdict::Warning);
    }
}
