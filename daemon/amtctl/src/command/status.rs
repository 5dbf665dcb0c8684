//! `amtctl status`: how the daemon, its link and its ports are, at this moment.

use amtd_proto::v1::{self, GetStatusRequest, condition::Severity};
use serde::Serialize;

use crate::{
    exit::Exit,
    failure::Failure,
    output::{Document, page::Page, table::Table, when},
    session::Session,
};

/// Shows the status.
pub(super) async fn run(session: &Session) -> Result<Exit, Failure> {
    let client = session.connect().await?;
    let status = client.call(client.status().get_status(client.request(GetStatusRequest {}))).await?;
    session.output().show(&StatusDocument::from(status))?;
    Ok(Exit::Good)
}

/// How things stand.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct StatusDocument {
    daemon_version: String,
    started_at: Option<String>,
    /// Whether clients are served.
    ready: bool,
    /// One sentence for each thing that is not as it should be.
    problems: Vec<String>,
    /// The same, for programs.
    conditions: Vec<Condition>,
    link: Link,
    firmware: Firmware,
    ports: Vec<Port>,
    classes: Vec<Class>,
    slots: Slots,
    jobs: Jobs,
    /// The document that amtd gives at `/status`, in which there is more.
    details: serde_json::Value,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Condition {
    /// Stable word, such as `client-busy`.
    code: String,
    /// `error`: clients are not served. `warning`: not all, or not for long.
    severity: &'static str,
    sentence: String,
    next_step: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Link {
    /// Stable word, such as `up`.
    state: String,
    detail: String,
    /// The device, such as `/dev/mei0`.
    node: String,
    since: Option<String>,
}

#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Firmware {
    version: Option<String>,
    build: Option<String>,
    sku: Option<String>,
    uuid: Option<String>,
    /// `none`, `client` or `admin`.
    control_mode: Option<String>,
    /// `pre`, `in` or `post`.
    provisioning_state: Option<String>,
    read_at: Option<String>,
    /// Why the firmware did not tell, if it did not.
    error: Option<String>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Port {
    number: u32,
    /// Addresses on which clients are served.
    listening: Vec<String>,
    /// The firmware has asked for this port.
    forwarded: bool,
    /// The firmware has withdrawn this port, and may ask for it again when a client wants it.
    withdrawn: bool,
    /// Why it is not bound, or not on every address; empty if it is.
    problem: String,
    clients: u32,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Class {
    class: String,
    waiting: u32,
    executing: u32,
    requests: u64,
    /// Requests that waited in vain.
    expired: u64,
    /// So long, or less, 99 of 100 requests waited for their turn.
    waited_p99_seconds: Option<f64>,
}

/// Channels of the firmware.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Slots {
    limit: u32,
    used: u32,
}

#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Jobs {
    queued: u32,
    running: u32,
}

impl Document for StatusDocument {
    const KIND: &'static str = "status";

    fn render(&self, page: &mut Page) {
        page.field("amtd", &self.daemon_line());
        self.render_health(page);
        let is_said = self.problems.contains(&self.link.detail);
        page.field("link", &self.link.line(is_said));
        page.field("firmware", &self.firmware.line());
        page.field("channels", &format!("{} of {} in use", self.slots.used, self.slots.limit));
        page.field("jobs", &format!("{} queued, {} running", self.jobs.queued, self.jobs.running));
        self.render_ports(page);
        self.render_classes(page);
    }
}

impl StatusDocument {
    fn daemon_line(&self) -> String {
        match &self.started_at {
            Some(at) => format!("{}, running since {at}", self.daemon_version),
            None => self.daemon_version.clone(),
        }
    }

    fn render_health(&self, page: &mut Page) {
        let (word, width) = match (self.ready, self.problems.is_empty()) {
            (true, true) => (page.style().good("ready"), 5),
            (true, false) => (page.style().warn("ready, with problems"), 20),
            (false, _) => (page.style().bad("not ready"), 9),
        };
        let label = format!("{:22}{word}", "health");
        page.marked(&label, 22 + width, "");
        for problem in &self.problems {
            page.hang(&format!("{:22}", "  !"), problem);
        }
    }

    fn render_ports(&self, page: &mut Page) {
        if self.ports.is_empty() {
            return;
        }
        page.gap();
        let mut table = Table::new(["PORT", "FORWARDED", "CLIENTS", "LISTENING"]);
        for port in &self.ports {
            let forwarded = match port {
                Port { forwarded: true, .. } => "yes",
                Port { withdrawn: true, .. } => "on demand",
                Port { .. } => "no",
            };
            table.row([port.number.to_string(), forwarded.into(), port.clients.to_string(), port.words()]);
        }
        page.table(&table);
    }

    fn render_classes(&self, page: &mut Page) {
        if self.classes.is_empty() {
            return;
        }
        page.gap();
        let mut table = Table::new(["CLASS", "WAITING", "EXECUTING", "REQUESTS", "EXPIRED", "WAIT P99"]);
        for class in &self.classes {
            let wait = class.waited_p99_seconds.map(|seconds| format!("{:.0} ms", seconds * 1000.0));
            table.row([
                class.class.clone(),
                class.waiting.to_string(),
                class.executing.to_string(),
                class.requests.to_string(),
                class.expired.to_string(),
                wait.unwrap_or_default(),
            ]);
        }
        page.table(&table);
    }
}

impl Link {
    /// Without the detail, if it is said elsewhere.
    fn line(&self, is_said: bool) -> String {
        let mut line = self.state.clone();
        if !self.node.is_empty() {
            line += &format!(" on {}", self.node);
        }
        if let Some(since) = &self.since {
            line += &format!(" since {since}");
        }
        if !self.detail.is_empty() && !is_said {
            line += &format!(": {}", self.detail);
        }
        line
    }
}

impl Port {
    /// Where it listens, and why it does not where it should.
    fn words(&self) -> String {
        let listening = self.listening.join(", ");
        match (self.problem.as_str(), listening.as_str()) {
            ("", _) => listening,
            (problem, "") => format!("not bound: {problem}"),
            (problem, _) => format!("{listening}; {problem}"),
        }
    }
}

impl Firmware {
    fn line(&self) -> String {
        let build = self.build.as_ref().map(|build| format!("build {build}"));
        let mode = self.control_mode.as_deref().map(|mode| super::info::control_mode(mode).to_owned());
        let state = self.provisioning_state.as_deref();
        let state = state.map(|state| super::info::provisioning_state(state).to_owned());
        let parts: Vec<String> = [self.version.clone(), build, mode, state].into_iter().flatten().collect();
        match (&self.error, parts.is_empty()) {
            (Some(error), true) => format!("unknown: {error}"),
            (None, true) => "not read yet".into(),
            (_, false) => parts.join(", "),
        }
    }
}

impl From<v1::GetStatusResponse> for StatusDocument {
    fn from(status: v1::GetStatusResponse) -> Self {
        let health = status.health.unwrap_or_default();
        let slots = status.slots.unwrap_or_default();
        let jobs = status.jobs.unwrap_or_default();
        Self {
            daemon_version: status.daemon_version,
            started_at: when::rfc3339(status.started_at.as_ref()),
            ready: health.ready,
            problems: health.problems,
            conditions: health.conditions.into_iter().map(Condition::from).collect(),
            link: status.link.unwrap_or_default().into(),
            firmware: status.firmware.map(Firmware::from).unwrap_or_default(),
            ports: status.ports.into_iter().map(Port::from).collect(),
            classes: status.classes.into_iter().map(Class::from).collect(),
            slots: Slots { limit: slots.limit, used: slots.used },
            jobs: Jobs { queued: jobs.queued, running: jobs.running },
            // Something else than JSON there is a defect of amtd, and no reason to show nothing at all.
            details: serde_json::from_str(&status.status_json).unwrap_or_default(),
        }
    }
}

impl From<v1::Condition> for Condition {
    fn from(condition: v1::Condition) -> Self {
        let severity = match condition.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Unspecified => "unknown",
        };
        Self { code: condition.code, severity, sentence: condition.sentence, next_step: condition.next_step }
    }
}

impl From<v1::Link> for Link {
    fn from(link: v1::Link) -> Self {
        let since = when::rfc3339(link.since.as_ref());
        Self { state: link.state, detail: link.detail, node: link.node, since }
    }
}

impl From<v1::Firmware> for Firmware {
    fn from(firmware: v1::Firmware) -> Self {
        Self {
            version: firmware.version,
            build: firmware.build,
            sku: firmware.sku,
            uuid: firmware.uuid,
            control_mode: firmware.control_mode,
            provisioning_state: firmware.provisioning_state,
            read_at: when::rfc3339(firmware.read_at.as_ref()),
            error: firmware.error,
        }
    }
}

impl From<v1::Port> for Port {
    fn from(port: v1::Port) -> Self {
        Self {
            number: port.number,
            listening: port.listening,
            forwarded: port.forwarded,
            withdrawn: port.withdrawn,
            problem: port.problem,
            clients: port.clients,
        }
    }
}

impl From<v1::ClassStatus> for Class {
    fn from(class: v1::ClassStatus) -> Self {
        Self {
            class: class.class,
            waiting: class.waiting,
            executing: class.executing,
            requests: class.requests,
            expired: class.expired,
            waited_p99_seconds: when::duration(class.waited_p99.as_ref()).map(|wait| wait.as_secs_f64()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::style::Style;

    #[test]
    fn a_port_that_serves_one_of_its_addresses_is_not_called_closed() {
        let problem = "cannot listen on 127.0.0.1:16992";
        let words = |listening: &[&str], problem: &str| {
            let listening = listening.iter().map(ToString::to_string).collect();
            Port::from(v1::Port { listening, problem: problem.into(), ..v1::Port::default() }).words()
        };
        assert_eq!(words(&["[::1]:16992"], problem), format!("[::1]:16992; {problem}"));
        assert_eq!(words(&[], problem), format!("not bound: {problem}"));
        assert_eq!(words(&["[::1]:16992"], ""), "[::1]:16992");
    }

    #[test]
    fn what_is_wrong_with_the_link_is_said_once() {
        let detail = "the client is in use";
        let link = v1::Link { state: "client-busy".into(), detail: detail.into(), ..v1::Link::default() };
        let health = v1::Health { problems: vec![detail.into()], ..v1::Health::default() };
        let status = v1::GetStatusResponse {
            link: Some(link),
            health: Some(health),
            ..v1::GetStatusResponse::default()
        };
        let mut page = Page::new(Style::new(false));
        StatusDocument::from(status).render(&mut page);
        let page = page.to_string();
        assert!(page.matches(detail).count() == 1 && page.contains("client-busy"), "{page}");
    }
}
