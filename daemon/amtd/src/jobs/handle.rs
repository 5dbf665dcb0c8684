//! How the rest of the daemon asks for jobs and looks at them. Used by `control` and by the status.

use std::{sync::Arc, time::Duration};

use amtd_amt::job::{Failure, Kind, Plan, Request};
use tokio::sync::{mpsc, oneshot, watch};

use super::{
    CancelError, CreateError, CreateOptions, Job, JobId, MAX_REQUEST_ID,
    engine::Ask,
    shared::Shared,
    table::{Lane, Planned},
};

/// Asks for jobs. Clones ask the same engine.
#[derive(Debug, Clone)]
pub struct Handle {
    shared: Arc<Shared>,
    asks: mpsc::Sender<Ask>,
}

/// How many jobs there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Waiting for their turn.
    pub queued: usize,
    /// At work, or being examined.
    pub running: usize,
    /// Ended since the start of the daemon, by kind and verdict (`succeeded`, `unchanged`, `failed-clean`,
    /// `failed-partial`).
    pub ended: Vec<(Kind, &'static str, u64)>,
    /// Why the journal cannot be used, so that jobs that change the device are refused.
    pub journal_fault: Option<String>,
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>, asks: mpsc::Sender<Ask>) -> Self {
        Self { shared, asks }
    }

    /// Checks and plans a request, writes it down and puts it in the queue. If the user has used its request id before,
    /// returns that job.
    ///
    /// A request is planned against the device as it is now; if other jobs come first, it is planned again when its turn
    /// has come. If the caller stops waiting, there is a job or none; asking again by the same request id shows which.
    ///
    /// # Errors
    ///
    /// [`CreateError`]; there is no job then.
    pub async fn create(&self, request: Request, options: CreateOptions) -> Result<Job, CreateError> {
        self.check(&options)?;
        self.ready().await;
        let lane = Lane::of(&request);
        if let Some(id) = &options.request_id {
            let target = request.target();
            if let Some(job) = self.shared.with(|table| table.repeated(options.uid, id, &target))? {
                return Ok(job);
            }
        }
        self.shared.with(|table| table.room(lane))?;
        let planned_after = self.shared.with(|table| table.generation());
        let plan = self.shared.plan(&request).await?;
        let planned = Box::new(Planned { request, plan, options, planned_after });
        let (reply, answer) = oneshot::channel();
        let asked = self.asks.send(Ask::Create { planned, reply }).await;
        asked.map_err(|_closed| CreateError::Stopping)?;
        answer.await.unwrap_or(Err(CreateError::Stopping))
    }

    /// Checks and plans a request. Nothing is stored and nothing changes.
    ///
    /// # Errors
    ///
    /// [`Failure`]: it cannot succeed, or firmware cannot be asked.
    pub async fn plan(&self, request: &Request) -> Result<Plan, Failure> {
        self.shared.plan(request).await
    }

    /// A job as it is now.
    pub async fn get(&self, id: &JobId) -> Option<Job> {
        self.ready().await;
        self.shared.with(|table| table.job(*id))
    }

    /// At most `limit` jobs, youngest first, beginning with the one behind `before`.
    pub async fn list(&self, limit: usize, before: Option<JobId>) -> Vec<Job> {
        self.ready().await;
        self.shared.with(|table| table.list(limit, before))
    }

    /// A job as it is at any time, until it has ended. What comes while nobody looks is passed over.
    pub fn watch(&self, id: &JobId) -> Option<watch::Receiver<Job>> {
        self.shared.with(|table| table.watch(*id))
    }

    /// Ends a job that waits, or asks one that runs to end at its next safe point.
    ///
    /// # Errors
    ///
    /// [`CancelError`]; the job goes on, or has ended.
    pub async fn cancel(&self, id: &JobId) -> Result<Job, CancelError> {
        self.ready().await;
        let (reply, answer) = oneshot::channel();
        // An engine that is gone has asked every job to end.
        let asked = self.asks.send(Ask::Cancel { id: *id, reply }).await;
        asked.map_err(|_closed| CancelError::TooLate)?;
        answer.await.unwrap_or(Err(CancelError::TooLate))
    }

    /// How many jobs there are, and how the journal is.
    pub fn counts(&self) -> Counts {
        let journal_fault = self.shared.journal.fault();
        self.shared.with(|table| Counts {
            queued: table.waiting(),
            running: table.running(),
            ended: table.ended().iter().map(|((kind, verdict), count)| (*kind, *verdict, *count)).collect(),
            journal_fault,
        })
    }

    /// How many jobs have ended, in all.
    pub fn ended(&self) -> u64 {
        self.shared.with(|table| table.ended().values().sum())
    }

    #[cfg(test)]
    pub(super) fn weak(&self) -> std::sync::Weak<Shared> {
        Arc::downgrade(&self.shared)
    }

    /// Changes whenever a job has ended that may have changed the device.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.shared.changes.subscribe()
    }

    /// Why the journal cannot be used, if it cannot; always the latest.
    pub fn journal_faults(&self) -> watch::Receiver<Option<String>> {
        self.shared.journal.faults()
    }

    /// Requests that are held with their secrets.
    #[cfg(test)]
    pub(super) fn secrets(&self) -> usize {
        self.shared.with(|table| table.secrets())
    }

    /// Waits until the journal was read, which has its own limit.
    async fn ready(&self) {
        // The sender lives in `self`.
        let _ = self.shared.ready.subscribe().wait_for(|ready| *ready).await;
    }

    fn check(&self, options: &CreateOptions) -> Result<(), CreateError> {
        let length = options.request_id.as_ref().map(String::len);
        if let Some(length) = length.filter(|length| !(1..=MAX_REQUEST_ID).contains(length)) {
            return Err(CreateError::RequestIdLength(length));
        }
        let max = self.shared.config.max_limit.get();
        match options.deadline {
            Some(asked) if asked > max || asked < Duration::from_millis(1) => {
                Err(CreateError::Deadline { asked, max })
            }
            _ => Ok(()),
        }
    }
}
