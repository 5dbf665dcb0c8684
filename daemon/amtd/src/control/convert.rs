//! Messages of the API from domain types and back. Nothing is decided here, and nothing else knows both.

mod info;
mod jobs;

use std::time::{Duration, Instant, SystemTime};

use amtd_apf::mux::FlowInfo;
use amtd_proto::{
    Timestamp,
    v1::{self, check, watch_events_response::Event as Message},
};

pub(super) use self::{
    info::info,
    jobs::{Unusable, job, plan_only, request},
};
use super::checks::{Check, Finding};
use crate::{
    events::{Event, Told},
    front::{ClientReport, Program},
    status::{Condition, PortState, Queue, Readiness, Severity, Status},
};

/// How things stand; `json` is the same document as over HTTP.
pub(super) fn status(status: &Status, clients: &[ClientReport], json: String) -> v1::GetStatusResponse {
    v1::GetStatusResponse {
        daemon_version: status.version.into(),
        started_at: Some(status.started_at.0.into()),
        health: Some(health(status)),
        link: Some(v1::Link {
            state: status.link.state.name().into(),
            detail: status.link.detail.clone(),
            node: status.link.node.as_ref().map(|node| node.display().to_string()).unwrap_or_default(),
            since: Some(status.link.since.0.into()),
        }),
        firmware: Some(firmware(&status.firmware)),
        ports: status.ports.iter().map(|row| port(row, clients)).collect(),
        classes: status.queues.iter().map(class).collect(),
        slots: Some(v1::Slots {
            limit: count(status.slots.limit),
            used: count(status.slots.opening + status.slots.open + status.slots.closing),
        }),
        jobs: Some(v1::Jobs { queued: count(status.jobs.queued), running: count(status.jobs.running) }),
        status_json: json,
    }
}

fn health(status: &Status) -> v1::Health {
    // What may only surprise is no problem.
    let conditions: Vec<_> = status.health.iter().filter_map(condition).collect();
    v1::Health {
        ready: status.readiness() == Readiness::Ready,
        problems: conditions.iter().map(|condition| condition.sentence.clone()).collect(),
        conditions,
    }
}

fn condition(condition: &Condition) -> Option<v1::Condition> {
    let severity = match condition.severity {
        Severity::Error => v1::condition::Severity::Error,
        Severity::Warning => v1::condition::Severity::Warning,
        Severity::Info => return None,
    };
    Some(v1::Condition {
        code: condition.code.into(),
        severity: severity.into(),
        sentence: condition.text.clone(),
        next_step: condition.next_step.into(),
    })
}

fn firmware(firmware: &crate::status::Firmware) -> v1::Firmware {
    v1::Firmware {
        version: firmware.version.clone(),
        build: firmware.build.clone(),
        sku: firmware.sku.clone(),
        uuid: firmware.uuid.clone(),
        control_mode: firmware.control_mode.clone(),
        provisioning_state: firmware.provisioning_state.clone(),
        read_at: firmware.read_at.map(|at| at.0.into()),
        error: firmware.error.clone(),
    }
}

fn port(port: &crate::status::Port, clients: &[ClientReport]) -> v1::Port {
    let holder = port.holder.as_ref().map(|holder| format!("it is held by {holder}"));
    let problem: Vec<_> = port.error.clone().into_iter().chain(holder).collect();
    v1::Port {
        number: port.port.into(),
        listening: port.addresses.iter().map(ToString::to_string).collect(),
        forwarded: port.requested_by_firmware && port.state != PortState::Failed,
        withdrawn: port.withdrawn_by_firmware,
        problem: problem.join("; "),
        clients: count(clients.iter().filter(|client| client.port == port.port).count()),
    }
}

fn class(queue: &Queue) -> v1::ClassStatus {
    v1::ClassStatus {
        class: queue.class.name().into(),
        waiting: count(queue.depth),
        executing: count(queue.executing),
        requests: queue.admitted,
        expired: queue.missed,
        waited_p99: queue.waited.p99_seconds.map(|seconds| duration(Duration::from_secs_f64(seconds))),
    }
}

/// A client connection.
pub(super) fn channel(
    client: &ClientReport,
    flow: Option<&FlowInfo>,
    program: Option<&Program>,
) -> v1::Channel {
    let now = Instant::now();
    let since = |at: Instant| duration(now.saturating_duration_since(at));
    v1::Channel {
        id: client.id.0,
        port: client.port.into(),
        class: flow.map(|flow| flow.class.name().into()).unwrap_or_default(),
        state: flow.map_or("ending", |flow| flow.stage).into(),
        uid: client.user,
        pid: program.and_then(|program| u32::try_from(program.pid).ok()),
        executable: program.and_then(|program| program.path.clone()),
        attached: flow.is_some_and(|flow| flow.channel.is_some()),
        bytes_to_firmware: client.from_client,
        bytes_from_firmware: client.to_client,
        requests: client.requests,
        age: Some(since(client.opened)),
        quiet: Some(since(client.active)),
    }
}

/// An event, or a gap between events.
pub(super) fn told(told: Told) -> v1::WatchEventsResponse {
    match told {
        Told::Event { cursor, at, event } => {
            v1::WatchEventsResponse { cursor, at: Some(at.into()), event: Some(event_message(event)) }
        }
        Told::Gap { cursor, missed, why } => v1::WatchEventsResponse {
            cursor,
            at: Some(SystemTime::now().into()),
            event: Some(Message::Gap(v1::Gap { missed, why: why.into() })),
        },
    }
}

fn event_message(event: Event) -> Message {
    match event {
        Event::Link { state, detail } => Message::Link(v1::LinkEvent { state: state.into(), detail }),
        Event::Port { port, change, detail } => {
            Message::Port(v1::PortEvent { port: port.into(), change: change.name().into(), detail })
        }
        Event::Channel { channel, port, change, detail } => Message::Channel(v1::ChannelEvent {
            channel,
            port: port.into(),
            change: change.name().into(),
            detail,
        }),
        Event::Job { id, kind, change, detail } => {
            Message::Job(v1::JobEvent { id, kind: kind.into(), change: change.into(), detail })
        }
        Event::Firmware { fact, value } => Message::Firmware(v1::FirmwareEvent { fact: fact.into(), value }),
        Event::Alert { origin, content } => {
            Message::Alert(v1::AlertEvent { origin, content: content.into() })
        }
    }
}

/// What a look at the daemon and its surroundings found.
pub(super) fn check(check: Check) -> v1::Check {
    let result = match check.finding {
        Finding::Good => check::Result::Good,
        Finding::Warning => check::Result::Warning,
        Finding::Bad => check::Result::Bad,
        Finding::Unknown => check::Result::Unknown,
    };
    v1::Check {
        name: check.name.into(),
        result: result.into(),
        evidence: check.evidence,
        way_out: check.way_out.into_owned(),
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn duration(duration: Duration) -> amtd_proto::Duration {
    // Only one of hundreds of millions of years does not fit.
    duration.try_into().unwrap_or_default()
}

fn time(at: Option<SystemTime>) -> Option<Timestamp> {
    at.map(Timestamp::from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Link;

    #[test]
    fn firmware_that_serves_tls_only_is_no_problem() {
        let port = crate::status::Port {
            port: 16_993,
            local_port: Some(16_993),
            requested_by_firmware: true,
            withdrawn_by_firmware: false,
            state: PortState::Listening,
            addresses: Vec::new(),
            error: None,
            holder: None,
        };
        let link = Link { state: amtd_mei::LinkState::Up, ready: true, ..Link::default() };
        let status = Status { link, ports: vec![port], ..Status::default() }.with_health();
        assert_eq!(status.health[0].code, "tls-only");
        assert_eq!(health(&status), v1::Health { ready: true, ..v1::Health::default() });
    }

    #[test]
    fn programs_need_not_read_sentences_to_know_what_is_wrong() {
        let link = Link { state: amtd_mei::LinkState::ClientBusy, ..Link::default() };
        let health = health(&Status { link, ..Status::default() }.with_health());
        let condition = &health.conditions[0];
        assert_eq!(condition.code, "client-busy");
        assert_eq!(condition.severity(), v1::condition::Severity::Error);
        assert!(!condition.next_step.is_empty() && condition.sentence == health.problems[0]);
    }
}
