//! Whom a running flow tells of its steps: writes each down before it touches firmware, and says when to stop.

use std::sync::Arc;

use amtd_amt::job::{JournalLost, Observer, StepEnd, StepName, Stop};
use tracing::{debug, info, warn};

use super::{JobId, shared::Shared, steps::StepOver, table::Now};

/// The observer of one job.
#[derive(Debug)]
pub(super) struct Watcher {
    shared: Arc<Shared>,
    id: JobId,
}

impl Watcher {
    pub(super) fn new(shared: Arc<Shared>, id: JobId) -> Self {
        Self { shared, id }
    }
}

impl Observer for Watcher {
    async fn step_begins(&mut self, step: StepName) -> Result<(), JournalLost> {
        let Self { shared, id } = self;
        info!(step = step.as_str(), "step begins");
        let (had_changed, entered) = shared.with(|table| {
            let had_changed = table.has_changed(*id);
            (had_changed, table.step_begins(*id, step, Now::read()))
        });
        let Some(entered) = entered else { return Ok(()) };
        match shared.write(entered).await {
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
