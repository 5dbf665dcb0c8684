//! What the engine, the running jobs and the handles have in common: the table, the journal and the flows.

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use amtd_amt::job::{Failure, Plan, Reason, Request};
use tokio::{
    sync::{Semaphore, watch},
    time::timeout,
};

use super::{
    JobId,
    flow::Flow,
    journal::{Journal, JournalError},
    table::{Entered, Table},
};
use crate::config;

/// See the [module](self).
pub(super) struct Shared {
    /// Locked for a moment only, never across a wait.
    table: Mutex<Table>,
    pub(super) journal: Journal,
    pub(super) flow: Arc<dyn Flow>,
    pub(super) config: config::Jobs,
    /// Plans that are made at once.
    plans: Semaphore,
    /// Whether the journal was read, or cannot be.
    pub(super) ready: watch::Sender<bool>,
    /// How many jobs that change the device have ended.
    pub(super) changes: watch::Sender<u64>,
    /// Jobs whose last change the journal did not take.
    unwritten: Mutex<BTreeSet<JobId>>,
}

impl Shared {
    pub(super) fn new(table: Table, journal: Journal, flow: Arc<dyn Flow>, config: config::Jobs) -> Self {
        Self {
            table: Mutex::new(table),
            journal,
            flow,
            plans: Semaphore::new(config.max_reading),
            config,
            ready: watch::Sender::new(false),
            changes: watch::Sender::new(0),
            unwritten: Mutex::default(),
        }
    }

    /// Looks at the table, or changes it.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Table) -> T) -> T {
        // Transitions leave no job between two states, even if another thread panicked beside them.
        look(&mut self.table.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Makes a plan, within its limit and when fewer than so many others are being made.
    pub(super) async fn plan(&self, request: &Request) -> Result<Plan, Failure> {
        let limit = self.config.plan_limit.get();
        let planned = async {
            // It is never closed.
            let _permit = self.plans.acquire().await;
            self.flow.plan(request).await
        };
        timeout(limit, planned).await.unwrap_or_else(|_elapsed| {
            let sentence = format!("The job could not be checked against the firmware within {limit:?}.");
            Err(Failure::new(Reason::FirmwareUnreachable, sentence))
        })
    }

    /// Writes a job down. What the journal does not take now is written when it can be used again.
    pub(super) async fn write(&self, Entered { id, stored }: Entered) -> Result<(), JournalError> {
        let forget = self.with(Table::take_forgotten);
        let written = self.journal.write(id, &stored, forget.clone()).await;
        if written.is_ok() {
            self.unwritten().remove(&id);
        } else {
            self.with(|table| table.still_forgotten(forget));
            self.unwritten().insert(id);
        }
        written
    }

    /// Tries the journal again: with what it has not taken, or else with nothing.
    pub(super) async fn mend(&self) -> Result<(), JournalError> {
        let late = self.unwritten().clone();
        for id in late {
            match self.with(|table| table.enter(id)) {
                Some(entered) => self.write(entered).await?,
                None => drop(self.unwritten().remove(&id)),
            }
        }
        self.journal.probe().await
    }

    fn unwritten(&self) -> std::sync::MutexGuard<'_, BTreeSet<JobId>> {
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").finish_non_exhaustive()
    }
}
