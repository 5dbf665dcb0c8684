//! A job as it stands in the journal: what is needed to show it, to answer a repeated request, and to find out after
//! a crash what became of it. No secrets: none of these types can hold one.

use std::time::SystemTime;

use amtd_amt::job::{Outcome, Plan, Record};
use serde::{Deserialize, Serialize};

use crate::jobs::{
    JobId,
    job::{Job, State, Step},
    time,
};

/// See the [module](self).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::jobs) struct Stored {
    pub(in crate::jobs) request_id: Option<String>,
    pub(in crate::jobs) uid: u32,
    pub(in crate::jobs) state: State,
    pub(in crate::jobs) record: Record,
    pub(in crate::jobs) plan: Plan,
    pub(in crate::jobs) steps: Vec<Step>,
    pub(in crate::jobs) outcome: Option<Outcome>,
    #[serde(with = "time")]
    pub(in crate::jobs) created_at: SystemTime,
    #[serde(with = "time::optional")]
    pub(in crate::jobs) started_at: Option<SystemTime>,
    #[serde(with = "time::optional")]
    pub(in crate::jobs) ended_at: Option<SystemTime>,
    #[serde(with = "time::optional")]
    pub(in crate::jobs) deadline_at: Option<SystemTime>,
    pub(in crate::jobs) cancel_requested: bool,
    pub(in crate::jobs) resumed: bool,
}

impl Stored {
    pub(in crate::jobs) fn new(job: &Job, record: &Record) -> Self {
        Self {
            request_id: job.request_id.clone(),
            uid: job.uid,
            state: job.state,
            record: record.clone(),
            plan: job.plan.clone(),
            steps: job.steps.clone(),
            outcome: job.outcome.clone(),
            created_at: job.created_at,
            started_at: job.started_at,
            ended_at: job.ended_at,
            deadline_at: job.deadline_at,
            cancel_requested: job.cancel_requested,
            resumed: job.resumed,
        }
    }

    /// The job and its record. One that had not ended can be neither cancelled nor waited for in a queue any more.
    pub(in crate::jobs) fn restore(self, id: JobId) -> (Job, Record) {
        let job = Job {
            id,
            kind: self.plan.kind,
            request_id: self.request_id,
            state: self.state,
            queue_position: None,
            plan: self.plan,
            steps: self.steps,
            outcome: self.outcome,
            created_at: self.created_at,
            started_at: self.started_at,
            ended_at: self.ended_at,
            deadline_at: self.deadline_at,
            uid: self.uid,
            cancellable: false,
            cancel_requested: self.cancel_requested,
            resumed: self.resumed,
        };
        (job, self.record)
    }
}
