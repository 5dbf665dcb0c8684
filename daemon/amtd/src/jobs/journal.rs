//! The journal of jobs: what must be on the disk before firmware is touched, and what is shown of jobs after a restart.
//!
//! Writes go to a blocking thread, one after the other in the order in which they were asked for, and each has a
//! limit: the thread that moves data never waits for the disk. A journal that cannot be used is a fact with a text
//! ([`Journal::fault`]), not an end of anything.

#[cfg(test)]
pub(super) mod disk;
mod store;
mod stored;
#[cfg(test)]
mod tests;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{Mutex, watch},
    task::spawn_blocking,
    time::timeout,
};
use tracing::{info, warn};

use self::store::{Store, StoreError};
pub(super) use self::stored::Stored;
use super::JobId;

/// The name of the file in the state directory.
const FILE: &str = "jobs.redb";

/// The jobs in it, oldest first.
pub(super) type Rows = Vec<(JobId, Stored)>;

/// See the [module](self). Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    /// Locked on its way to the blocking thread and unlocked there, so that nothing overtakes.
    store: Arc<Mutex<Store>>,
    /// The file of the store.
    place: PathBuf,
    limit: Duration,
    fault: Arc<watch::Sender<Option<String>>>,
}

/// Why the journal could not be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum JournalError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{}: job {id} in it is not as it was written: {error}", place.display())]
    Damaged { place: PathBuf, id: JobId, error: serde_json::Error },
    #[error("the disk did not answer within {0:?}")]
    Slow(Duration),
    #[error("{}: the file is damaged, or its store has a defect; the log of the daemon says more", place.display())]
    Broken { place: PathBuf },
    #[error("nobody writes it any more")]
    Abandoned,
}

impl Journal {
    /// The journal in the state directory. Nothing is opened yet.
    pub(super) fn new(state_dir: &Path, limit: Duration) -> Self {
        Self::over(Store::at(&state_dir.join(FILE)), limit)
    }

    pub(super) fn over(store: Store, limit: Duration) -> Self {
        let place = store.place().to_owned();
        Self { store: Arc::new(Mutex::new(store)), place, limit, fault: Arc::new(watch::Sender::new(None)) }
    }

    /// Every job in it, oldest first. Takes as long as the disk does: what comes late is of use as well.
    pub(super) async fn load(&self) -> Result<Rows, JournalError> {
        let rows = self.work_to_the_end(Store::load).await;
        let parse = |(key, bytes): (u64, Vec<u8>)| {
            let id = JobId::from_key(key);
            let parsed = serde_json::from_slice(&bytes);
            parsed.map(|stored| (id, stored)).map_err(|error| self.damaged(id, error))
        };
        self.noted(rows.and_then(|rows| rows.into_iter().map(parse).collect()))
    }

    /// Whoever reads the journal has had no answer from the disk within the limit.
    pub(super) fn is_late(&self) {
        // The reading goes on.
        let _ = self.noted(Err::<(), _>(JournalError::Slow(self.limit)));
    }

    /// How long it may take.
    pub(super) const fn limit(&self) -> Duration {
        self.limit
    }

    /// Writes a job, and forgets others. It is on the disk when this returns without an error.
    pub(super) async fn write(
        &self,
        id: JobId,
        stored: &Stored,
        forget: Vec<JobId>,
    ) -> Result<(), JournalError> {
        let forget: Vec<_> = forget.into_iter().map(JobId::key).collect();
        let bytes = serde_json::to_vec(stored).map_err(|error| self.damaged(id, error))?;
        let written = self.work(move |store| store.put(id.key(), &bytes, &forget)).await;
        self.noted(written)
    }

    /// Sees whether it can be written.
    pub(super) async fn probe(&self) -> Result<(), JournalError> {
        let probed = self.work(Store::probe).await;
        self.noted(probed)
    }

    /// Why the last use failed, if it did.
    pub(super) fn fault(&self) -> Option<String> {
        self.fault.borrow().clone()
    }

    /// The same, always the latest.
    pub(super) fn faults(&self) -> watch::Receiver<Option<String>> {
        self.fault.subscribe()
    }

    /// Works on the store within the limit.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let worked = timeout(self.limit, self.work_to_the_end(work)).await;
        worked.unwrap_or(Err(JournalError::Slow(self.limit)))
    }

    /// Works on the store, on a blocking thread. If the caller stops waiting, the work goes on to its end.
    async fn work_to_the_end<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, JournalError> {
        let mut store = Arc::clone(&self.store).lock_owned().await;
        // An error is a panic in the store, whose file is closed by it, or the end of the runtime.
        let worked = spawn_blocking(move || work(&mut store)).await;
        Ok(worked.map_err(|_| JournalError::Broken { place: self.place.clone() })??)
    }

    fn damaged(&self, id: JobId, error: serde_json::Error) -> JournalError {
        JournalError::Damaged { place: self.place.clone(), id, error }
    }

    fn noted<T>(&self, outcome: Result<T, JournalError>) -> Result<T, JournalError> {
        let fault = outcome.as_ref().err().map(ToString::to_string);
        self.fault.send_if_modified(|known| {
            let is_news = *known != fault;
            match &fault {
                Some(fault) if is_news => warn!(fault, "the journal of jobs cannot be used"),
                None if is_news => info!("the journal of jobs can be used again"),
                _ => {}
            }
            *known = fault;
            is_news
        });
        outcome
    }
}
