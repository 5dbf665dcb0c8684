//! Conditions that need attention, each with a stable code and what to do about it. They follow from the rest of the status.

use amtd_mei::LinkState;
use serde::Serialize;

use super::{Port, PortState, Status};

/// Something that needs attention. The code is stable, for machines; the texts are for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Stable name.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence.
    pub text: String,
    /// What to do about it.
    pub next_step: &'static str,
}

/// How bad a condition is. The order is from worst to mildest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Clients are not served.
    Error,
    /// Clients are served, but not all or not for long.
    Warning,
    /// Nothing is wrong, but it may be unexpected.
    Info,
}

impl Severity {
    /// The name in lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// Whether clients are served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// They are.
    Ready,
    /// They are not, or not on every port, for this reason.
    NotReady(String),
}

impl Status {
    /// Fills in [`Status::health`] from the rest.
    #[must_use]
    pub fn with_health(mut self) -> Self {
        let rest: [Look; 3] = [Self::journal_condition, tls_only, withdrawn];
        let mut health: Vec<_> = AT_LINK.iter().chain(&rest).filter_map(|look| look(&self)).collect();
        health.extend(self.ports.iter().filter_map(port));
        health.sort_by_key(|condition| condition.severity);
        self.health = health;
        self
    }

    /// What is the matter with the link, or with the session on it, if anything is.
    pub fn link_trouble(&self) -> Option<Condition> {
        AT_LINK.iter().find_map(|look| look(self))
    }

    /// Whether clients are served: the link is up, and every port that firmware asked for is open.
    pub fn readiness(&self) -> Readiness {
        let not = |reason: &str| Readiness::NotReady(reason.into());
        if self.stale_seconds.is_some() {
            return not("the driver does not answer");
        }
        if !self.link.ready || self.link.unanswered_since.is_some() {
            return not(&self.link.detail);
        }
        if let Some(port) = self.ports.iter().find(|port| port.loses_clients()) {
            return Readiness::NotReady(port.trouble());
        }
        if !self.has_ports() {
            return not(NO_PORTS);
        }
        Readiness::Ready
    }

    /// What a link without a session needs.
    fn link_condition(&self) -> Option<Condition> {
        let link = &self.link;
        if link.ready {
            return None;
        }
        let (code, severity, next_step) = attention(link.state);
        Some(Condition { code, severity, text: link.detail.clone(), next_step })
    }

    /// The condition of a journal that cannot be used. Clients are served all the same.
    pub fn journal_condition(&self) -> Option<Condition> {
        let error = self.jobs.journal_error.as_ref()?;
        Some(Condition {
            code: "jobs-journal",
            severity: Severity::Warning,
            text: format!("jobs that change the device are refused: the journal cannot be used: {error}"),
            next_step: "make room on the disk or repair the file system; if the file is damaged, move it away: a new one is made, and the jobs in it are forgotten",
        })
    }

    fn has_ports(&self) -> bool {
        self.ports.iter().any(Port::is_served)
    }

    fn has_port(&self, number: u16) -> bool {
        self.ports.iter().any(|port| port.port == number && port.is_served())
    }
}

impl Port {
    /// Whether firmware serves it, or did before it withdrew it and may again.
    pub fn is_served(&self) -> bool {
        self.requested_by_firmware || self.withdrawn_by_firmware
    }

    /// Whether clients are not served. A port that another program holds on one address is worse than a closed one: that
    /// program may get its clients.
    pub fn loses_clients(&self) -> bool {
        match self.state {
            PortState::Listening => false,
            PortState::Partial => self.holder.is_some(),
            PortState::Failed => true,
        }
    }

    /// Why it is not open everywhere, in one sentence.
    pub fn trouble(&self) -> String {
        let error = self.error.as_deref().unwrap_or("not open yet");
        match &self.holder {
            Some(holder) => format!("port {}: {error}; it is held by {holder}", self.port),
            None => format!("port {}: {error}", self.port),
        }
    }

    /// What to do about that.
    pub fn next_step(&self) -> &'static str {
        if self.holder.is_some() {
            "stop the other program (LMS, openwsman), or let the daemon use another port with front.remap"
        } else {
            "give the daemon the right to the port (CAP_NET_BIND_SERVICE below 1024), or another with front.remap"
        }
    }
}

/// Looks for one condition.
type Look = fn(&Status) -> Option<Condition>;

/// At the link and the session on it.
const AT_LINK: [Look; 5] = [driver, Status::link_condition, unanswered, no_ports, no_wsman];

fn driver(status: &Status) -> Option<Condition> {
    let age = status.stale_seconds?;
    Some(Condition {
        code: "driver-stuck",
        severity: Severity::Error,
        text: format!("the driver does not answer; what is shown is {age} s old"),
        next_step: "restart the daemon, and report the log of the time before",
    })
}

/// The session is up, but no client is served.
fn unanswered(status: &Status) -> Option<Condition> {
    let link = &status.link;
    link.unanswered_since.filter(|_| link.ready).map(|_| Condition {
        code: "requests-unanswered",
        severity: Severity::Error,
        text: link.detail.clone(),
        next_step: "ask again: the next answer ends this; if none comes, restart AMT by a power cycle of the machine",
    })
}

/// What to do about a link without a session, by the state of its connection.
fn attention(state: LinkState) -> (&'static str, Severity, &'static str) {
    const WAIT: &str = "wait: it is tried again without end";
    const REPORT: &str = "look for the cause in the log of the daemon and of the kernel (mei)";
    match state {
        LinkState::Down | LinkState::Connecting => ("link-connecting", Severity::Warning, WAIT),
        LinkState::Up => ("link-not-ready", Severity::Warning, "wait for the firmware to announce its ports"),
        LinkState::WaitingForNode => (
            "device-missing",
            Severity::Error,
            "load the mei_me kernel module and check that the machine has AMT",
        ),
        LinkState::WaitingForDevice => ("device-down", Severity::Warning, WAIT),
        LinkState::ClientMissing => {
            ("client-missing", Severity::Error, "enable AMT in the firmware setup, if the machine has it")
        }
        LinkState::ClientBusy => (
            "client-busy",
            Severity::Error,
            "stop the other program that holds it: LMS, rpc-go or another amtd",
        ),
        LinkState::FirmwareSilent => {
            ("firmware-silent", Severity::Error, "if this lasts, power-cycle the machine")
        }
        LinkState::FirmwareRefused => {
            ("firmware-refused", Severity::Error, "update the firmware of the machine")
        }
        LinkState::PermissionDenied => (
            "permission-denied",
            Severity::Error,
            "give the daemon's user access to the device with a udev rule",
        ),
        LinkState::Misconfigured => {
            ("device-misconfigured", Severity::Error, "name an MEI device with --device or device.path")
        }
        LinkState::SystemError => ("system-error", Severity::Error, REPORT),
        LinkState::Lost => ("link-lost", Severity::Warning, WAIT),
        LinkState::SessionFailed => ("session-failed", Severity::Error, REPORT),
        LinkState::Incompatible => {
            ("firmware-incompatible", Severity::Error, "update the daemon or the firmware of the machine")
        }
    }
}

fn port(port: &Port) -> Option<Condition> {
    let code = match port.state {
        PortState::Listening => return None,
        PortState::Partial => "port-partial",
        PortState::Failed => "port-failed",
    };
    let severity = if port.loses_clients() { Severity::Error } else { Severity::Warning };
    Some(Condition { code, severity, text: port.trouble(), next_step: port.next_step() })
}

/// A session without ports. Firmware usually asks for its ports within a moment.
fn no_ports(status: &Status) -> Option<Condition> {
    (status.link.ready && !status.has_ports()).then(|| Condition {
        code: "no-ports",
        severity: Severity::Warning,
        text: NO_PORTS.into(),
        next_step: "if this lasts, enable AMT in the firmware setup, or restart the daemon to begin anew with the firmware",
    })
}

/// Ports other than those of WSMAN are of no use to its clients (apf 3.4).
fn no_wsman(status: &Status) -> Option<Condition> {
    let has_it = status.has_port(16_992) || status.has_port(16_993);
    (status.link.ready && status.has_ports() && !has_it).then(|| Condition {
        code: "no-wsman-port",
        severity: Severity::Warning,
        text: "the firmware serves neither 16992 nor 16993, the ports of WSMAN".into(),
        next_step: "if this lasts, restart the daemon, which begins a new session with the firmware",
    })
}

/// Firmware that enforces TLS never asks for the plain port, which most tools call (apf 3.4).
fn tls_only(status: &Status) -> Option<Condition> {
    let asked = |number| status.ports.iter().any(|port| port.port == number && port.requested_by_firmware);
    (status.link.ready && asked(16_993) && !asked(16_992)).then(|| Condition {
        code: "tls-only",
        severity: Severity::Info,
        text: "the firmware serves TLS only, on port 16993".into(),
        next_step: "let clients use TLS and port 16993",
    })
}

/// Some firmware withdraws its ports while nobody uses them (apf 3.5).
fn withdrawn(status: &Status) -> Option<Condition> {
    let asked = status.ports.iter().any(|port| port.requested_by_firmware);
    (status.link.ready && status.has_ports() && !asked).then(|| Condition {
        code: "ports-withdrawn",
        severity: Severity::Info,
        text: "the firmware has withdrawn its ports while nobody used them".into(),
        next_step: "nothing: it is asked for them with the next request",
    })
}

/// It has not asked for one yet, or has withdrawn them all and does not ask again.
const NO_PORTS: &str = "the firmware asks for no port";

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::status::{Link, Timestamp};

    fn served(number: u16) -> Port {
        Port {
            port: number,
            local_port: Some(number),
            requested_by_firmware: true,
            withdrawn_by_firmware: false,
            state: PortState::Listening,
            addresses: Vec::new(),
            error: None,
            holder: None,
        }
    }

    fn ready() -> Status {
        let link = Link { state: LinkState::Up, ready: true, ..Link::default() };
        Status { link, ports: vec![served(16_992)], ..Status::default() }
    }

    fn codes(status: Status) -> Vec<&'static str> {
        status.with_health().health.iter().map(|condition| condition.code).collect()
    }

    #[test]
    fn a_link_with_its_ports_open_is_ready_and_healthy() {
        assert_eq!(ready().readiness(), Readiness::Ready);
        assert!(codes(ready()).is_empty());
    }

    #[test]
    fn a_dead_link_is_never_ready_and_always_explained() {
        let mut seen = std::collections::BTreeSet::new();
        for state in LinkState::ALL {
            let link = Link { state, ready: false, detail: state.to_string(), ..Link::default() };
            let status = Status { link, ..ready() };
            assert_eq!(status.readiness(), Readiness::NotReady(state.to_string()));
            let health = status.with_health().health;
            assert_eq!(health.len(), 1, "{state:?}");
            assert!(!health[0].text.is_empty() && !health[0].next_step.is_empty());
            seen.insert(health[0].code);
        }
        assert_eq!(seen.len(), LinkState::ALL.len() - 1, "down and connecting share a code, no others do");
    }

    #[test]
    fn firmware_that_answers_no_request_is_not_ready() {
        let detail = "no request answered".to_owned();
        let link = Link { unanswered_since: Some(Timestamp(SystemTime::now())), detail, ..ready().link };
        let status = Status { link, ..ready() };
        assert_eq!(status.readiness(), Readiness::NotReady("no request answered".into()));
        assert_eq!(codes(status), ["requests-unanswered"]);
    }

    #[test]
    fn a_port_that_another_program_holds_is_reported_with_its_holder() {
        let failed = Port {
            state: PortState::Failed,
            error: Some("cannot listen on 127.0.0.1:623: in use".into()),
            holder: Some("openwsmand (pid 7)".into()),
            ..served(623)
        };
        let status = Status { ports: vec![served(16_992), failed], ..ready() };
        let text = "port 623: cannot listen on 127.0.0.1:623: in use; it is held by openwsmand (pid 7)";
        assert_eq!(status.readiness(), Readiness::NotReady(text.into()));
        let health = status.with_health().health;
        assert_eq!((health[0].code, health[0].text.as_str()), ("port-failed", text));
    }

    #[test]
    fn a_port_without_one_address_still_serves() {
        let partial = Port { state: PortState::Partial, error: Some("no".into()), ..served(16_992) };
        let status = Status { ports: vec![partial], ..ready() };
        assert_eq!(status.readiness(), Readiness::Ready);
        assert_eq!(codes(status), ["port-partial"]);
    }

    #[test]
    fn a_port_that_another_program_has_on_one_address_may_lose_it_clients() {
        let holder = Some("openwsmand (pid 7)".into());
        let partial = Port { state: PortState::Partial, holder, ..served(16_992) };
        let status = Status { ports: vec![partial], ..ready() };
        assert_ne!(status.readiness(), Readiness::Ready);
        let health = status.with_health().health;
        assert_eq!((health[0].code, health[0].severity), ("port-partial", Severity::Error));
    }

    #[test]
    fn firmware_that_asked_for_nothing_is_not_ready() {
        let idle = Port { requested_by_firmware: false, ..served(16_992) };
        let status = Status { ports: vec![idle], ..ready() };
        assert_ne!(status.readiness(), Readiness::Ready);
        assert_eq!(codes(status), ["no-ports"]);
    }

    #[test]
    fn firmware_that_rests_while_nobody_uses_its_ports_is_ready() {
        let resting = Port { requested_by_firmware: false, withdrawn_by_firmware: true, ..served(16_992) };
        let status = Status { ports: vec![resting], ..ready() };
        assert_eq!(status.readiness(), Readiness::Ready);
        assert_eq!(codes(status.clone()), ["ports-withdrawn"]);
        // The settings were changed, and 16992 will not come back.
        let changed = Status { ports: vec![status.ports[0].clone(), served(16_993)], ..ready() };
        assert_eq!(codes(changed), ["tls-only"]);
    }

    #[test]
    fn firmware_without_a_port_for_wsman_is_said_to_be_of_little_use() {
        let status = Status { ports: vec![served(623)], ..ready() };
        assert_eq!(codes(status), ["no-wsman-port"]);
        assert!(codes(Status { ports: vec![served(623), served(16_993)], ..ready() }) == ["tls-only"]);
    }

    #[test]
    fn firmware_that_enforces_tls_is_said_to() {
        let idle = Port { requested_by_firmware: false, ..served(16_992) };
        let status = Status { ports: vec![idle, served(16_993)], ..ready() };
        assert_eq!(status.readiness(), Readiness::Ready);
        assert_eq!(codes(status), ["tls-only"]);
    }

    #[test]
    fn a_stuck_driver_is_not_ready_whatever_it_last_said() {
        let status = Status { stale_seconds: Some(9), ..ready() };
        assert_eq!(status.readiness(), Readiness::NotReady("the driver does not answer".into()));
        assert_eq!(codes(status), ["driver-stuck"]);
    }

    #[test]
    fn a_journal_that_cannot_be_used_is_said_and_stops_no_client() {
        let mut status = ready();
        status.jobs.journal_error = Some("/var/lib/amtd/jobs.redb: no space".into());
        assert_eq!(status.readiness(), Readiness::Ready);
        let health = status.with_health().health;
        assert_eq!((health[0].code, health[0].severity), ("jobs-journal", Severity::Warning));
        assert!(health[0].text.contains("no space"), "{}", health[0].text);
    }

    #[test]
    fn the_worst_comes_first() {
        let failed = Port { state: PortState::Failed, ..served(16_993) };
        let partial = Port { state: PortState::Partial, requested_by_firmware: false, ..served(16_992) };
        let status = Status { ports: vec![partial, failed], ..ready() };
        assert_eq!(codes(status), ["port-failed", "port-partial", "tls-only"]);
    }
}
