//! The life of the link: what happens when an attempt to connect ends or a link is lost, and which state is published.
//! The attempts themselves are made by [`link`](super::link).

use std::{
    collections::BTreeSet,
    time::{Duration, Instant, SystemTime},
};

use amtd_apf::ForwardState;
use amtd_mei::LinkState;
use tracing::{info, warn};

use super::{Device, Driver, End, PROOF, link};

impl Driver {
    /// An attempt to connect ended.
    pub(super) fn attempted(&mut self, attempt: link::Attempt) {
        match attempt {
            link::Attempt::Connected { node, connection } => {
                let length = connection.max_message_length();
                let node = node.path().to_owned();
                info!(node = %node.display(), max_message_length = length, "device connected");
                self.mux.link_up(Instant::now(), length);
                self.link.send_modify(|link| {
                    link.node = Some(node);
                    link.connects += 1;
                    link.max_message_length = length;
                    link.protocol_version = connection.protocol_version();
                });
                self.device = Some(Device {
                    connection,
                    inbox: vec![0; length],
                    outbox: Vec::with_capacity(length),
                    blocked_since: None,
                    empty_messages: 0,
                    ready_since: None,
                });
                self.publish(
                    LinkState::Up,
                    false,
                    "connected; waiting for the firmware to announce its ports".into(),
                );
            }
            link::Attempt::Failed { error, pause } => {
                self.link.send_modify(|link| {
                    link.node = Some(error.path().to_owned());
                    link.last_error = Some(error.to_string());
                });
                self.publish(pause.state, false, error.to_string());
            }
            // A failure stays on display until an attempt ends differently.
            link::Attempt::Trying if self.connector.state() != LinkState::Connecting => {}
            link::Attempt::Trying => {
                self.publish(LinkState::Connecting, false, "connecting to the device".into());
            }
        }
    }

    /// The session or the device is lost. This is the only place that cleans up after it.
    pub(super) fn end_link(&mut self, now: Instant, end: End) {
        let Some(device) = self.device.take() else { return };
        self.counters.lost += 1;
        self.mux.link_lost(now);
        self.alerts.clear();
        let proven = device.ready_since.is_some_and(|since| now.duration_since(since) >= PROOF);
        let node = self.link.borrow().node.clone();
        let pause = self.connector.lost(device.connection, node, &end, proven);
        let why = end.to_string();
        warn!(why, retry_in = ?pause.wait, "link to firmware lost");
        self.link.send_modify(|link| {
            link.last_error = Some(why.clone());
            link.max_message_length = 0;
        });
        self.publish(pause.state, false, why);
    }

    /// Publishes which ports firmware serves, if the session is ready.
    pub(super) fn publish_ports(&self) {
        let Some(session) = self.mux.session().filter(|_| self.mux.ready()) else { return };
        let all = |state| -> BTreeSet<u16> {
            session
                .forwards()
                .filter(|forward| forward.state == state)
                .map(|forward| forward.port.0)
                .collect()
        };
        let (served, withdrawn) = (all(ForwardState::Active), all(ForwardState::Withdrawn));
        let list =
            |ports: &BTreeSet<u16>| ports.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let detail = match (list(&served), list(&withdrawn)) {
            (served, _) if !served.is_empty() => format!("the firmware serves {served}"),
            (_, withdrawn) if !withdrawn.is_empty() => {
                format!("the firmware serves no port until a client wants one of {withdrawn}")
            }
            _ if session.forwards().count() == 0 => "the firmware has not asked for a port yet".into(),
            _ => "the firmware serves no port".into(),
        };
        // No notification here: a list that matters to watchers also changes the text, which is published below.
        self.link.send_if_modified(|link| {
            link.ports = served.into_iter().collect();
            link.withdrawn = withdrawn.into_iter().collect();
            false
        });
        self.publish(LinkState::Up, true, detail);
    }

    /// The link is up, but firmware has answered no request for so long.
    pub(super) fn fell_silent(&self, time: Duration) {
        let since = SystemTime::now().checked_sub(time);
        warn!(?time, "the firmware answers no requests");
        self.link.send_modify(|link| {
            let at = humantime::format_rfc3339_seconds(since.unwrap_or(link.since));
            link.unanswered_since = since.or(Some(link.since));
            link.detail = format!("the firmware has answered no request since {at}");
        });
    }

    pub(super) fn speaks_again(&self) {
        info!("the firmware answers requests again");
        self.link.send_modify(|link| link.unanswered_since = None);
        self.publish_ports();
    }

    pub(super) fn publish(&self, state: LinkState, ready: bool, detail: String) {
        let is_trouble = !matches!(state, LinkState::Down | LinkState::Connecting | LinkState::Up);
        self.link.send_if_modified(|link| {
            let changed = link.state != state || link.ready != ready;
            if changed {
                link.since = SystemTime::now();
                let state = state.name();
                if is_trouble {
                    warn!(state, detail, "link");
                } else {
                    info!(state, ready, detail, "link");
                }
            }
            let news = changed || link.detail != detail;
            if !ready {
                link.ports.clear();
                link.withdrawn.clear();
                link.unanswered_since = None;
            }
            (link.state, link.ready, link.detail) = (state, ready, detail);
            news
        });
    }
}
