//! What a job looks like from outside, and what can be said to those who ask for one. Plain data: the transitions are
//! the [`table`](super::table)'s.

use std::time::{Duration, SystemTime};

use amtd_amt::job::{Failure, Kind, Outcome, Plan, StepName};
use humantime::format_duration;
use serde::{Deserialize, Serialize};

use super::JobId;

/// A job as it is at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its name.
    pub id: JobId,
    /// What kind of work.
    pub kind: Kind,
    /// The caller's own name for it.
    pub request_id: Option<String>,
    /// How far it is.
    pub state: State,
    /// Its place in the queue, from 1, while it waits.
    pub queue_position: Option<usize>,
    /// What it does. Made when it was asked for, and again at its beginning if other jobs came before it.
    pub plan: Plan,
    /// The steps, those that were not planned included.
    pub steps: Vec<Step>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// When it was asked for.
    pub created_at: SystemTime,
    /// When it left the queue.
    pub started_at: Option<SystemTime>,
    /// When it ended.
    pub ended_at: Option<SystemTime>,
    /// When it ends as failed. Absent while it waits, unless its request said so.
    pub deadline_at: Option<SystemTime>,
    /// The user who asked for it.
    pub uid: u32,
    /// Whether a cancel would be heeded now.
    pub cancellable: bool,
    /// A cancel was asked for.
    pub cancel_requested: bool,
    /// The daemon was restarted before it ended; the verdict comes from reading firmware afterwards.
    pub resumed: bool,
}

impl Job {
    /// Whether it is over.
    pub fn is_ended(&self) -> bool {
        self.state == State::Ended
    }
}

/// How far a job is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It waits for its turn.
    Queued,
    /// At work.
    Running,
    /// It was cut off, and firmware is being read for its verdict.
    Verifying,
    /// Over.
    Ended,
}

/// A step of a job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which one.
    pub name: StepName,
    /// One sentence for people.
    pub description: String,
    /// Whether the device may be another once it has begun.
    pub changes_device: bool,
    /// How far it is.
    pub state: StepState,
    /// What came of it, or what is being waited for.
    pub detail: String,
    /// When it began, for the first time.
    #[serde(with = "super::time::optional")]
    pub started_at: Option<SystemTime>,
    /// When it ended.
    #[serde(with = "super::time::optional")]
    pub ended_at: Option<SystemTime>,
    /// How often it began.
    pub attempts: u32,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepState {
    /// To come.
    Pending,
    /// At work.
    Running,
    /// Done.
    Done,
    /// Not needed, or not reached.
    Skipped,
    /// Failed.
    Failed,
}

/// What comes with a request for a job.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CreateOptions {
    /// The caller's own name for the job, so that asking again is safe. It is one of the user's, not of all users'.
    pub request_id: Option<String>,
    /// How long the job may take from now on; without it, as configured from its beginning.
    pub deadline: Option<Duration>,
    /// The user who asks.
    pub uid: u32,
}

/// Why there is no job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CreateError {
    /// The request cannot succeed. Nothing was stored and nothing was changed.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// The user has used this request id for something else.
    #[error("the request id was already used for another request, job {0}")]
    RequestIdReused(JobId),
    /// The request id is too long.
    #[error("the request id has {0} bytes; it must have 1 to {MAX_REQUEST_ID}")]
    RequestIdLength(usize),
    /// The deadline is longer than the configuration allows, or nothing.
    #[error(
        "a deadline of {} is not allowed; it must be between 1ms and {} (jobs.max_limit)",
        format_duration(*asked),
        format_duration(*max)
    )]
    Deadline {
        /// What was asked for.
        asked: Duration,
        /// The longest that is allowed.
        max: Duration,
    },
    /// As many jobs wait as may.
    #[error("{0} jobs are waiting, which is the limit (jobs.max_queued)")]
    QueueFull(usize),
    /// What must be written down before the device is touched cannot be.
    #[error("jobs that change the device are refused because their journal cannot be used: {0}")]
    Journal(String),
    /// The daemon is ending.
    #[error("the daemon is stopping")]
    Stopping,
}

/// Why a job is not cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CancelError {
    /// There is no such job, or not any more.
    #[error("there is no such job")]
    Unknown,
    /// It is over.
    #[error("the job has ended already")]
    Ended,
    /// It has begun to change the device, or is being examined.
    #[error(
        "the job has begun to change the device and goes on to its end, so that nothing is left half done"
    )]
    TooLate,
}

/// The longest request id, in bytes.
pub const MAX_REQUEST_ID: usize = 128;
