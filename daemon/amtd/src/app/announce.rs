//! Reports to the service manager: once that the daemon is ready, and a status line at each change.
//!
//! The daemon is ready when the link is up and its ports are open. A machine whose firmware cannot be reached must not hang
//! at boot, so after a configured time the daemon reports itself ready all the same, and says what is missing.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep_until};
use tracing::{info, warn};

use super::Facts;
use crate::{
    http::StatusSource,
    status::{Port, PortState, Readiness, Status},
    systemd,
};

/// Watches the status and reports it, for as long as the driver runs.
pub(super) async fn run(mut facts: Facts, degraded_after: Duration) {
    let mut announcer = Announcer::default();
    let mut late_at = Instant::now().checked_add(degraded_after);
    loop {
        let late = late_at.is_some_and(|at| at <= Instant::now());
        if late {
            late_at = None;
        }
        match announcer.observe(&facts.known(), late) {
            Some(Say::Ready(line)) => {
                info!(status = line, "ready");
                systemd::ready(&line);
            }
            Some(Say::Degraded(line)) => {
                warn!(status = line, "ready, but degraded");
                systemd::ready(&line);
            }
            Some(Say::Status(line)) => systemd::status(&line),
            None => {}
        }
        if !change(&mut facts, late_at).await {
            return;
        }
    }
}

/// Waits for a change that can matter, or until `late_at`. Returns whether the driver and the front still run.
async fn change(facts: &mut Facts, late_at: Option<Instant>) -> bool {
    tokio::select! {
        changed = facts.link.changed() => changed.is_ok(),
        changed = facts.front.changed() => changed.is_ok(),
        () = till(late_at) => true,
    }
}

async fn till(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}

/// A report to the service manager.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Say {
    /// Ready, with the first line.
    Ready(String),
    /// Ready although something is missing.
    Degraded(String),
    /// A new line.
    Status(String),
}

/// Decides what to report.
#[derive(Debug, Default)]
struct Announcer {
    ready: bool,
    line: String,
}

impl Announcer {
    /// Looks at the status. With `late`, the time to wait for the link is over.
    fn observe(&mut self, status: &Status, late: bool) -> Option<Say> {
        let readiness = status.readiness();
        let line = match &readiness {
            Readiness::Ready => serving(status),
            Readiness::NotReady(reason) if self.ready || late => format!("degraded: {reason}"),
            Readiness::NotReady(reason) => format!("starting: {reason}"),
        };
        let is_new = line != self.line;
        self.line.clone_from(&line);
        match readiness {
            Readiness::Ready if !self.ready => {
                self.ready = true;
                Some(Say::Ready(line))
            }
            Readiness::NotReady(_) if !self.ready && late => {
                self.ready = true;
                Some(Say::Degraded(line))
            }
            _ => is_new.then_some(Say::Status(line)),
        }
    }
}

fn serving(status: &Status) -> String {
    let served = |port: &&Port| port.is_served() && port.state != PortState::Failed;
    let open = status.ports.iter().filter(served);
    let ports: Vec<_> = open.map(|port| port.port.to_string()).collect();
    format!("serving firmware ports {}", ports.join(", "))
}

#[cfg(test)]
mod tests {
    use amtd_mei::LinkState;

    use super::*;
    use crate::status::{Link, Port};

    fn down(detail: &str) -> Status {
        Status { link: Link { detail: detail.into(), ..Link::default() }, ..Status::default() }
    }

    fn up(ports: &[u16]) -> Status {
        let port = |number: &u16| Port {
            port: *number,
            local_port: Some(*number),
            requested_by_firmware: true,
            withdrawn_by_firmware: false,
            state: PortState::Listening,
            addresses: Vec::new(),
            error: None,
            holder: None,
        };
        let link = Link { state: LinkState::Up, ready: true, ..Link::default() };
        Status { link, ports: ports.iter().map(port).collect(), ..Status::default() }
    }

    #[test]
    fn ready_is_said_once_and_only_when_the_ports_are_open() {
        let mut announcer = Announcer::default();
        assert_eq!(
            announcer.observe(&down("no device"), false),
            Some(Say::Status("starting: no device".into()))
        );
        assert_eq!(announcer.observe(&down("no device"), false), None);
        assert!(matches!(announcer.observe(&up(&[]), false), Some(Say::Status(_))));
        let line = "serving firmware ports 16992, 623";
        assert_eq!(announcer.observe(&up(&[16_992, 623]), false), Some(Say::Ready(line.into())));
        assert_eq!(announcer.observe(&up(&[16_992, 623]), true), None);
        assert_eq!(announcer.observe(&down("lost"), false), Some(Say::Status("degraded: lost".into())));
        assert_eq!(announcer.observe(&up(&[16_992, 623]), false), Some(Say::Status(line.into())));
    }

    #[test]
    fn a_machine_without_firmware_does_not_hang_at_boot() {
        let mut announcer = Announcer::default();
        announcer.observe(&down("no device"), false);
        assert_eq!(
            announcer.observe(&down("no device"), true),
            Some(Say::Degraded("degraded: no device".into()))
        );
        assert_eq!(announcer.observe(&down("no device"), false), None);
        assert!(matches!(announcer.observe(&up(&[16_992]), false), Some(Say::Status(_))));
    }
}
