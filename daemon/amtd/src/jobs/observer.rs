//! What a running flow tells of its steps: each one that changes the device is written down before it touches firmware.
//! It also says when to stop.
//!
//! The first of them is written down while the steps before it read, so that firmware need not wait for the disk: by the
//! [`engine`](super::engine) together with the job itself if that begins at once, or else from here.

use std::sync::Arc;

use amtd_amt::job::{JournalLost, Observer, StepEnd, StepName, Stop};
use tokio::sync::oneshot;
use tracing::{debug, info, warn};

use super::{
    JobId,
    journal::JournalError,
    shared::Shared,
    steps::StepOver,
    table::{Entered, Now},
};

/// The observer of one job.
#[derive(Debug)]
pub(super) struct Watcher {
    shared: Arc<Shared>,
    id: JobId,
    announced: Option<Announced>,
}

/// A step that is being written down before it is come to.
#[derive(Debug)]
pub(super) struct Announced {
    pub(super) step: StepName,
    pub(super) written: oneshot::Receiver<Result<(), JournalError>>,
}

impl Watcher {
    pub(super) fn new(shared: Arc<Shared>, id: JobId, announced: Option<Announced>) -> Self {
        Self { shared, id, announced }
    }

    /// Writes down the first step that will change the device, as if it had begun, unless somebody does that already. To be
    /// driven beside the flow.
    pub(super) fn announce(&mut self) -> impl Future<Output = ()> + use<> {
        let is_announced = self.announced.is_some();
        let announce = || self.shared.with(|table| table.announce(self.id, Now::read()));
        let announced = if is_announced { None } else { announce() };
        let (told, written) = oneshot::channel();
        if let Some((step, _)) = &announced {
            self.announced = Some(Announced { step: *step, written });
        }
        let shared = Arc::clone(&self.shared);
        async move {
            if let Some((_, entered)) = announced {
                // A flow that has ended does not need to know.
                drop(told.send(shared.write(entered).await));
            }
        }
    }

    /// Waits until the step is written down: by the announced entry, or if that was for another step, by a further one.
    async fn written(&mut self, step: StepName, entered: Entered) -> Result<(), JournalError> {
        if let Some(announced) = self.announced.take() {
            // The writer has gone with the job.
            announced.written.await.unwrap_or(Err(JournalError::Abandoned))?;
            if announced.step == step {
                return Ok(());
            }
        }
        self.shared.write(entered).await
    }
}

impl Observer for Watcher {
    async fn step_begins(&mut self, step: StepName) -> Result<(), JournalLost> {
        let (shared, id) = (Arc::clone(&self.shared), self.id);
        if step.only_reads() {
            debug!(step = step.as_str(), "step begins");
        } else {
            info!(step = step.as_str(), "step begins");
        }
        let begun = shared.with(|table| {
            let had_changed = table.has_changed(id);
            table.knows(id).then(|| (had_changed, table.step_begins(id, step, Now::read())))
        });
        // A job that could not be written down is no job.
        let Some((had_changed, entered)) = begun else { return Err(JournalLost) };
        let Some(entered) = entered else { return Ok(()) };
        match self.written(step, entered).await {
            Ok(()) => Ok(()),
            // Firmware is between two states: to stop here would be worse than to go on without a journal, and what was
            // written before is enough to find the job again.
            Err(error) if had_changed => {
                warn!(%error, step = step.as_str(), "going on without the journal, to leave nothing half done");
                Ok(())
            }
            Err(error) => {
                warn!(%error, step = step.as_str(), "the step is not done because it cannot be written down");
                shared.with(|table| table.step_withdrawn(id, step, Now::read()));
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
