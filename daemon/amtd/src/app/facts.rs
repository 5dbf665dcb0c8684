//! Puts the facts of all parts together into one status.

use std::{
    collections::BTreeMap,
    time::{Instant, SystemTime},
};

use amtd_apf::{
    ChannelInfo,
    mux::{ClassCounters, FlowInfo},
};
use tokio::sync::watch;

use crate::{
    control::HealthSources,
    driver::{ClassStatus, DriverCounters, DriverStatus, Handle, LinkStatus, SessionStatus},
    front::{FrontStatus, PortReport},
    http::StatusSource,
    jobs,
    status::{self, Status, Timestamp},
};

/// Access to every part that contributes to the status.
#[derive(Debug, Clone)]
pub struct Facts {
    driver: Handle,
    pub(super) link: watch::Receiver<LinkStatus>,
    pub(super) front: watch::Receiver<FrontStatus>,
    firmware: watch::Receiver<status::Firmware>,
    jobs: jobs::Handle,
    started_at: SystemTime,
    started: Instant,
}

impl Facts {
    /// Access to these parts. The daemon's uptime counts from now.
    pub fn new(
        driver: Handle,
        front: watch::Receiver<FrontStatus>,
        firmware: watch::Receiver<status::Firmware>,
        jobs: jobs::Handle,
    ) -> Self {
        let link = driver.link();
        Self { driver, link, front, firmware, jobs, started_at: SystemTime::now(), started: Instant::now() }
    }
}

impl Facts {
    /// What the health service watches.
    pub(super) fn health(&self) -> HealthSources<Self> {
        HealthSources {
            status: self.clone(),
            link: self.link.clone(),
            front: self.front.clone(),
            firmware: self.firmware.clone(),
            jobs: self.jobs.journal_faults(),
        }
    }
}

impl StatusSource for Facts {
    async fn ask(&self) -> Option<Status> {
        let driver = self.driver.status().await?;
        Some(with_driver(self.known(), driver))
    }

    fn known(&self) -> Status {
        let front = self.front.borrow();
        let link = self.link.borrow();
        let mut status = Status {
            started_at: Timestamp(self.started_at),
            uptime_seconds: self.started.elapsed().as_secs(),
            link: self::link(&link),
            firmware: self.firmware.borrow().clone(),
            ports: front.ports.iter().map(|report| port(report, &link)).collect(),
            jobs: jobs(self.jobs.counts()),
            ..Status::default()
        };
        status.connections.current = front.connections;
        status.counters.front = front_counters(&front);
        status
    }
}

fn with_driver(mut status: Status, driver: DriverStatus) -> Status {
    let DriverStatus { link: latest, session, flows, classes, mux, driver } = driver;
    status.link = link(&latest);
    status.queues = classes.iter().map(|class| queue(class, &flows)).collect();
    status.connections.by_stage = by_stage(&flows);
    status.counters.mux = (&mux).into();
    status.counters.driver = driver_counters(&driver);
    match session {
        Some(session) => with_session(status, &session),
        None => status,
    }
}

fn with_session(mut status: Status, session: &SessionStatus) -> Status {
    let slots = session.slots;
    status.slots = status::Slots {
        limit: slots.limit,
        opening: slots.opening,
        open: slots.open,
        closing: slots.closing,
    };
    status.channels = session.channels.iter().map(channel).collect();
    status.counters.apf = (&session.counters).into();
    status
}

fn queue(row: &ClassStatus, flows: &[FlowInfo]) -> status::Queue {
    let executing = flows.iter().filter(|flow| flow.class == row.class && flow.stage == "active").count();
    let ClassCounters { admitted, demoted, missed, waited, executed } = &row.counters;
    status::Queue {
        class: row.class,
        depth: row.queued,
        executing,
        admitted: *admitted,
        demoted: *demoted,
        missed: *missed,
        waited: waited.into(),
        executed: executed.into(),
    }
}

fn link(link: &LinkStatus) -> status::Link {
    status::Link {
        state: link.state,
        ready: link.ready,
        detail: link.detail.clone(),
        node: link.node.clone(),
        since: Timestamp(link.since),
        connects: link.connects,
        max_message_length: link.max_message_length,
        protocol_version: link.protocol_version,
        unanswered_since: link.unanswered_since.map(Timestamp),
        last_error: link.last_error.clone(),
    }
}

/// What firmware wants is known while there is a session, unless the port was denied to it, and otherwise taken from the
/// last one.
fn port(report: &PortReport, link: &LinkStatus) -> status::Port {
    let state = match (report.addresses.is_empty(), &report.error) {
        (true, _) => status::PortState::Failed,
        (false, Some(_)) => status::PortState::Partial,
        (false, None) => status::PortState::Listening,
    };
    status::Port {
        port: report.port,
        local_port: report.addresses.first().map(std::net::SocketAddr::port),
        requested_by_firmware: if link.ready && !report.addresses.is_empty() {
            link.ports.contains(&report.port)
        } else {
            report.asked
        },
        withdrawn_by_firmware: link.withdrawn.contains(&report.port),
        state,
        addresses: report.addresses.clone(),
        error: report.error.clone(),
        holder: report.holder.clone(),
    }
}

fn jobs(counts: jobs::Counts) -> status::Jobs {
    let jobs::Counts { queued, running, ended, journal_fault } = counts;
    let ended = ended.into_iter();
    let ended = ended.map(|(kind, verdict, count)| status::JobsEnded { kind: kind.as_str(), verdict, count });
    status::Jobs { queued, running, journal_error: journal_fault, ended: ended.collect() }
}

fn channel(info: &ChannelInfo) -> status::Channel {
    status::Channel {
        id: info.id.to_string(),
        port: Some(info.port.0).filter(|port| *port != 0),
        class: info.class,
        state: info.state,
        queued: info.queued,
        local_window: info.local_window,
        remote_window: info.remote_window,
    }
}

fn by_stage(flows: &[FlowInfo]) -> BTreeMap<&'static str, usize> {
    let mut stages = BTreeMap::new();
    for flow in flows {
        *stages.entry(flow.stage).or_default() += 1;
    }
    stages
}

fn driver_counters(counters: &DriverCounters) -> status::DriverCounters {
    let DriverCounters { turns, blocked, lost, alerts, datagrams } = *counters;
    status::DriverCounters { turns, blocked, lost, alerts, datagrams }
}

fn front_counters(front: &FrontStatus) -> status::FrontCounters {
    status::FrontCounters {
        accepted: front.accepted,
        over_limit: front.over_limit,
        accept_errors: front.accept_errors,
        answered: front.answered,
        refused: front.refused,
        cut: front.cut,
        from_client: front.from_client,
        to_client: front.to_client,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(addresses: &[&str], error: Option<&str>) -> PortReport {
        PortReport {
            port: 16_992,
            asked: true,
            addresses: addresses.iter().map(|address| address.parse().unwrap()).collect(),
            error: error.map(String::from),
            holder: None,
        }
    }

    #[test]
    fn a_port_is_as_good_as_the_addresses_on_which_it_is_open() {
        let link = LinkStatus::new();
        let open = port(&report(&["127.0.0.1:40000", "[::1]:40000"], None), &link);
        assert_eq!((open.state, open.local_port), (status::PortState::Listening, Some(40_000)));
        let half = port(&report(&["127.0.0.1:16992"], Some("cannot listen on [::1]:16992")), &link);
        assert_eq!(half.state, status::PortState::Partial);
        let shut = port(&report(&[], Some("in use")), &link);
        assert_eq!((shut.state, shut.local_port), (status::PortState::Failed, None));
    }

    #[test]
    fn what_firmware_wants_now_counts_and_not_what_it_wanted_once() {
        let wants = |link: &LinkStatus, addresses: &[&str]| {
            let port = port(&report(addresses, None), link);
            (port.requested_by_firmware, port.withdrawn_by_firmware)
        };
        let (open, denied) = (["127.0.0.1:16992"], []);
        let mut link = LinkStatus::new();
        assert_eq!(wants(&link, &open), (true, false), "there is no session to ask");
        (link.ready, link.withdrawn) = (true, vec![16_992]);
        assert_eq!(wants(&link, &open), (false, true));
        assert!(link.serves(16_992) && !link.serves(16_993));
        (link.ports, link.withdrawn) = (vec![16_993], vec![16_992]);
        assert!(link.serves(16_993) && !link.serves(16_992), "the settings were changed");
        (link.ports, link.withdrawn) = (vec![16_992], Vec::new());
        assert_eq!(wants(&link, &open), (true, false));
        link.ports.clear();
        assert_eq!(wants(&link, &denied), (true, false));
    }
}
