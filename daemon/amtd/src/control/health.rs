//! The standard health service: one entry for the daemon and one for each of its parts, kept true as things change.
//!
//! | entry | serving while |
//! |---|---|
//! | the empty name | clients are served, as `/readyz` says |
//! | `link` | there is a session with firmware |
//! | `front` | every port is open that should be |
//! | `firmware` | firmware tells about itself over the host interface |
//! | `jobs` | jobs that change the device can be taken |
//! | `amtd.v1.*` | the service can be called: while the daemon runs |

use amtd_proto::v1::{
    channel_service_server, diagnostics_service_server, event_service_server, job_service_server,
    status_service_server,
};
use tokio::sync::watch;
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::{
    driver::LinkStatus,
    front::FrontStatus,
    http::StatusSource,
    status::{Firmware, PortState, Readiness, Status},
};

/// The services of the API, each with an entry.
const SERVICES: [&str; 5] = [
    status_service_server::SERVICE_NAME,
    job_service_server::SERVICE_NAME,
    event_service_server::SERVICE_NAME,
    channel_service_server::SERVICE_NAME,
    diagnostics_service_server::SERVICE_NAME,
];

/// Where health is seen from.
#[derive(Debug)]
pub struct Sources<S> {
    /// The whole.
    pub status: S,
    /// The link.
    pub link: watch::Receiver<LinkStatus>,
    /// The local ports.
    pub front: watch::Receiver<FrontStatus>,
    /// What firmware says about itself.
    pub firmware: watch::Receiver<Firmware>,
    /// Why jobs that change the device cannot be taken, if so.
    pub jobs: watch::Receiver<Option<String>>,
}

/// Keeps the entries true for as long as the parts run.
pub(super) async fn follow<S: StatusSource>(reporter: HealthReporter, mut sources: Sources<S>) {
    for name in SERVICES {
        reporter.set_service_status(name, ServingStatus::Serving).await;
    }
    let mut told = [None; ENTRIES];
    loop {
        // Marked as seen before looking, so that what changes in between is not missed.
        sources.link.mark_unchanged();
        sources.firmware.mark_unchanged();
        sources.jobs.mark_unchanged();
        sources.front.mark_unchanged();
        let jobs = sources.jobs.borrow().is_none();
        let entries = entries(&sources.status.known(), jobs);
        for ((name, serves), told) in entries.into_iter().zip(&mut told) {
            // Telling the same again would wake all who watch.
            if told.replace(serves) != Some(serves) {
                let state = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
                reporter.set_service_status(name, state).await;
            }
        }
        let goes_on = tokio::select! {
            changed = sources.link.changed() => changed.is_ok(),
            changed = sources.firmware.changed() => changed.is_ok(),
            changed = sources.jobs.changed() => changed.is_ok(),
            changed = sources.front.changed() => changed.is_ok(),
        };
        if !goes_on {
            return;
        }
    }
}

/// The entries of the daemon and its parts.
const ENTRIES: usize = 5;

fn entries(status: &Status, jobs: bool) -> [(&'static str, bool); ENTRIES] {
    let front = status.ports.iter().all(|port| port.state != PortState::Failed);
    let firmware = status.firmware.error.is_none() && status.firmware.read_at.is_some();
    [
        ("", status.readiness() == Readiness::Ready),
        ("link", status.link.ready),
        ("front", front),
        ("firmware", firmware),
        ("jobs", jobs),
    ]
}
