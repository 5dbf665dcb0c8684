//! Makes events out of what the parts of the daemon publish as their present state.
//!
//! A state that changes twice before it is looked at gives one event, with what it is then.

use tokio::sync::{mpsc, watch};

use super::{Event, Log, PortChange};
use crate::{
    driver::{Alert, LinkStatus},
    front::{FrontStatus, PortReport},
    status::Firmware,
};

/// Where events come from, beside those who push themselves.
#[derive(Debug)]
pub struct Sources {
    /// The link, with the ports that firmware serves.
    pub link: watch::Receiver<LinkStatus>,
    /// The local ports.
    pub front: watch::Receiver<FrontStatus>,
    /// What firmware says about itself.
    pub firmware: watch::Receiver<Firmware>,
    /// What firmware sends unasked.
    pub alerts: mpsc::Receiver<Alert>,
}

/// Watches for as long as the driver and the front run.
pub async fn watch(log: Log, mut sources: Sources) {
    let mut seen = Seen::default();
    loop {
        seen.link(&log, &sources.link.borrow_and_update());
        seen.ports(&log, &sources.front.borrow_and_update().ports);
        seen.firmware(&log, &sources.firmware.borrow_and_update());
        let goes_on = tokio::select! {
            changed = sources.link.changed() => changed.is_ok(),
            changed = sources.front.changed() => changed.is_ok(),
            changed = sources.firmware.changed() => changed.is_ok(),
            Some(Alert { origin, content }) = sources.alerts.recv() => {
                log.push(Event::Alert { origin, content });
                true
            }
        };
        if !goes_on {
            return;
        }
    }
}

/// What was told already.
#[derive(Debug, Default)]
struct Seen {
    link: Option<(&'static str, bool, bool)>,
    forwarded: Vec<u16>,
    ports: Vec<KnownPort>,
    facts: [(&'static str, String); FACTS],
}

/// What is told of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
struct KnownPort {
    port: u16,
    bound: bool,
    detail: String,
}

/// How many facts of firmware are followed.
const FACTS: usize = 6;

impl Seen {
    fn link(&mut self, log: &Log, link: &LinkStatus) {
        let state = (link.state.name(), link.ready, link.unanswered_since.is_some());
        if self.link.replace(state) != Some(state) {
            log.push(Event::Link { state: link.state.name(), detail: link.detail.clone() });
        }
        // What firmware served is not withdrawn by a link that is lost, which is an event of its own.
        if link.ready {
            let told = |ports: &[u16], others: &[u16], change| {
                let news = ports.iter().filter(|port| !others.contains(port));
                news.for_each(|port| log.push(Event::Port { port: *port, change, detail: String::new() }));
            };
            told(&link.ports, &self.forwarded, PortChange::Forwarded);
            told(&self.forwarded, &link.ports, PortChange::Withdrawn);
            self.forwarded.clone_from(&link.ports);
        }
    }

    fn ports(&mut self, log: &Log, reports: &[PortReport]) {
        let now = known(reports);
        for port in now.iter().filter(|port| !self.ports.contains(port)) {
            let change = if port.bound { PortChange::Bound } else { PortChange::NotBound };
            log.push(Event::Port { port: port.port, change, detail: port.detail.clone() });
        }
        self.ports = now;
    }

    fn firmware(&mut self, log: &Log, firmware: &Firmware) {
        let now = facts(firmware);
        for ((fact, value), (_, before)) in now.iter().zip(&self.facts) {
            if value != before {
                log.push(Event::Firmware { fact, value: value.clone() });
            }
        }
        self.facts = now;
    }
}

fn known(reports: &[PortReport]) -> Vec<KnownPort> {
    let port = |report: &PortReport| {
        let bound: Vec<_> = report.addresses.iter().map(ToString::to_string).collect();
        let at = (!bound.is_empty()).then(|| format!("listening on {}", bound.join(", ")));
        let holder = report.holder.as_ref().map(|holder| format!("it is held by {holder}"));
        let detail: Vec<_> = [at, report.error.clone(), holder].into_iter().flatten().collect();
        KnownPort { port: report.port, bound: !bound.is_empty(), detail: detail.join("; ") }
    };
    reports.iter().map(port).collect()
}

fn facts(firmware: &Firmware) -> [(&'static str, String); FACTS] {
    let Firmware { version, build, uuid, control_mode, provisioning_state, error, .. } = firmware;
    [
        ("version", version),
        ("build", build),
        ("uuid", uuid),
        ("control_mode", control_mode),
        ("provisioning_state", provisioning_state),
        ("error", error),
    ]
    .map(|(fact, value)| (fact, value.clone().unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use amtd_mei::LinkState;
    use bytes::Bytes;

    use super::*;
    use crate::{
        events::{Reader, Start, Told},
        supervise::{Role, Supervisor},
    };

    struct Fixture {
        link: watch::Sender<LinkStatus>,
        front: watch::Sender<FrontStatus>,
        firmware: watch::Sender<Firmware>,
        alerts: mpsc::Sender<Alert>,
        reader: Reader,
    }

    impl Fixture {
        fn start() -> Self {
            let (link, link_seen) = watch::channel(LinkStatus::new());
            let (front, front_seen) = watch::channel(FrontStatus::default());
            let (firmware, firmware_seen) = watch::channel(Firmware::default());
            let (alerts, alerts_seen) = mpsc::channel(4);
            let log = Log::new(64);
            let reader = log.read(&Start::Oldest).unwrap();
            let sources =
                Sources { link: link_seen, front: front_seen, firmware: firmware_seen, alerts: alerts_seen };
            Supervisor::new().spawn("events", Role::Passing, watch(log, sources));
            Self { link, front, firmware, alerts, reader }
        }

        async fn event(&mut self) -> Event {
            match self.reader.next().await {
                Told::Event { event, .. } => event,
                other => panic!("{other:?}"),
            }
        }

        fn serve(&self, ports: &[u16]) {
            self.link.send_modify(|link| {
                (link.state, link.ready, link.ports) = (LinkState::Up, true, ports.to_vec());
            });
        }
    }

    fn report(addresses: &[&str], error: Option<&str>) -> PortReport {
        let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let holder = error.map(|_| "lms (pid 7)".to_owned());
        PortReport { port: 623, asked: true, addresses, error: error.map(String::from), holder }
    }

    fn port(port: u16, change: PortChange, detail: &str) -> Event {
        Event::Port { port, change, detail: detail.into() }
    }

    #[tokio::test]
    async fn a_withdrawn_port_is_told_and_a_lost_link_withdraws_none() {
        let mut fixture = Fixture::start();
        assert!(matches!(fixture.event().await, Event::Link { state: "down", .. }));
        fixture.serve(&[623, 16_992]);
        assert!(matches!(fixture.event().await, Event::Link { state: "up", .. }));
        assert_eq!(fixture.event().await, port(623, PortChange::Forwarded, ""));
        assert_eq!(fixture.event().await, port(16_992, PortChange::Forwarded, ""));
        fixture.serve(&[16_992]);
        assert_eq!(fixture.event().await, port(623, PortChange::Withdrawn, ""));
        fixture.link.send_modify(|link| {
            (link.state, link.ready, link.ports) = (LinkState::Lost, false, Vec::new());
        });
        assert!(matches!(fixture.event().await, Event::Link { .. }));
        fixture.serve(&[16_992]);
        assert!(matches!(fixture.event().await, Event::Link { state: "up", .. }));
        let alert = Alert { origin: "firmware".into(), content: Bytes::from_static(b"x") };
        fixture.alerts.send(alert).await.unwrap();
        assert!(matches!(fixture.event().await, Event::Alert { .. }), "nothing of ports in between");
    }

    #[tokio::test]
    async fn a_port_that_another_program_holds_is_told_with_its_holder() {
        let mut fixture = Fixture::start();
        fixture.event().await;
        fixture.front.send_modify(|front| front.ports = vec![report(&[], Some("in use"))]);
        let held = "in use; it is held by lms (pid 7)";
        assert_eq!(fixture.event().await, port(623, PortChange::NotBound, held));
        fixture.front.send_modify(|front| front.accepted = 7);
        fixture.front.send_modify(|front| front.ports = vec![report(&["127.0.0.1:623"], None)]);
        assert_eq!(fixture.event().await, port(623, PortChange::Bound, "listening on 127.0.0.1:623"));
    }

    #[tokio::test]
    async fn another_program_that_provisions_the_machine_does_not_go_unnoticed() {
        let mut fixture = Fixture::start();
        fixture.event().await;
        fixture.firmware.send_modify(|firmware| firmware.control_mode = Some("admin".into()));
        let told = Event::Firmware { fact: "control_mode", value: "admin".into() };
        assert_eq!(fixture.event().await, told);
    }
}
