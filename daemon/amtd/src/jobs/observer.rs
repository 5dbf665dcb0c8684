//! Whom a running flow tells of its steps: writes each that changes the device down before it touches firmware, and says
//! when to stop.
//!
//! The first of them is written down while the steps before it read, so that firmware need not wait for the disk.

use std::sync::Arc;

use amtd_amt::job::{JournalLost, Observer, StepEnd, StepName, Stop};
use tokio::sync::oneshot;
use tracing::{debug, info, warn};

use super::{JobId, journal::JournalError, shared::Shared, steps::StepOver, table::Now};

/// The observer of one job.
#[derive(Debug)]
pub(super) struct Watcher {
    shared: Arc<Shared>,
    id: JobId,
    announced: Option<Announced>,
}

/// A step that is being written down before it is come to.
#[derive(Debug)]
struct Announced {
    step: StepName,
    written: oneshot::Receiver<Result<(), JournalError>>,
}

impl Watcher {
    pub(super) fn new(shared: Arc<Shared>, id: JobId) -> Self {
        Self { shared, id, announced: None }
    }

    /// Writes down the first step that will change the device, as if it had begun. To be driven beside the flow.
    pub(super) fn announce(&mut self) -> impl Future<Output = ()> + use<> {
        let announced = self.shared.with(|table| table.announce(self.id, Now::read()));
        let (told, written) = oneshot::channel();
        self.announced = announced.as_ref().map(|(step, _)| Announced { step: *step, written });
        let shared = Arc::clone(&self.shared);
        async move {
            if let Some((_, entered)) = announced {
                // A flow that has ended does not need to know.
                drop(told.send(shared.write(entered).await));
            }
        }
    }
}

impl Observer for Watcher {
    async fn step_begins(&mut self, step: StepName) -> Result<(), JournalLost> {
        let Self { shared, id, .. } = self;
        info!(step = step.as_str(), "step begins");
        let (had_changed, entered) = shared.with(|table| {
            let had_changed = table.has_changed(*id);
            (had_changed, table.step_begins(*id, step, Now::read()))
        });
        let Some(entered) = entered else { return Ok(()) };
        // What was announced is overwritten by another step that comes first.
        let announced = self.announced.take().filter(|announced| announced.step == step);
        let written = match announced {
            // Who writes it is dropped with the flow.
            Some(announced) => announced.written.await.unwrap_or(Err(JournalError::Broken)),
            None => shared.write(entered).await,
        };
        match written {
            Ok(()) => Ok(()),
            // Firmware is between two states: to stop here would be worse than to go on without a journal, and what was
            // written before is enough to find the job again.
            Err(error) if had_changed => {
                warn!(%error, step = step.as_str(), "going on without the journal, to leave nothing half done");
                Ok(())
            }
            Err(error) => {
                warn!(%error, step = step.as_str(), "the step is not done because it cannot be written down");
                shared.with(|table| table.step_withdrawn(*id, step, Now::read()));
                Err(JournalLost)
            }
        }
    }

    fn step_ends(&mut self, step: StepName, end: StepEnd, detail: &str) {
        info!(step = step.as_str(), ?end, detail, "step ends");
        let over = StepOver { name: step, end, detail };
        self.shared.with(|table| table.step_ends(self.id, over, Now::read()));
    }

    fn note(&mut self, detail: &str) {
        debug!(detail, "progress");
        self.shared.with(|table| table.note(self.id, detail));
    }

    fn stop(&self) -> Option<Stop> {
        self.shared.with(|table| table.stop(self.id, Now::read()))
    }
}
