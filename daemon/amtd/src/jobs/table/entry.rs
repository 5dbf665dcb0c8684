//! One job of the [table](super): how it looks from outside, and what only the table knows of it. Its transitions alone;
//! queues and events are the table's.

use std::time::Duration;

use amtd_amt::job::{Outcome, Plan, Record, Request, StepName, Verdict};
use tokio::{sync::watch, time::Instant};

use super::{Entered, Lane, Now, Planned, Turn};
use crate::jobs::{Job, JobId, State, journal::Stored, steps};

/// Changes of a job and their details.
pub(super) type Untold = Vec<(&'static str, String)>;

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) lane: Lane,
    pub(super) job: watch::Sender<Job>,
    pub(super) record: Record,
    /// With its secrets, until the job begins.
    pub(super) request: Option<Request>,
    /// How long the job may take from its beginning, if its request does not say.
    limit: Duration,
    pub(super) deadline: Option<Instant>,
    planned_after: u64,
    pub(super) ended: Option<Instant>,
    /// What happened to it before it was written down. Until then nobody is told of it, because there may be no such job.
    pub(super) untold: Option<Untold>,
}

impl Entry {
    /// A job that waits for its turn.
    pub(super) fn new(job: Job, planned: Planned, limit: Duration, now: Now) -> Self {
        let Planned { request, plan, options, planned_after } = planned;
        Self {
            lane: Lane::of(&request),
            job: watch::Sender::new(job),
            record: Record::new(&request, &plan),
            request: Some(request),
            limit,
            deadline: options.deadline.and_then(|limit| now.at.checked_add(limit)),
            planned_after,
            ended: None,
            untold: None,
        }
    }

    /// A job of the journal.
    pub(super) fn restored(job: Job, record: Record) -> Self {
        Self {
            lane: Lane::Changing,
            job: watch::Sender::new(job),
            record,
            request: None,
            limit: Duration::ZERO,
            deadline: None,
            planned_after: 0,
            ended: None,
            untold: None,
        }
    }

    // ---- its life ----

    /// Its turn has come. `generation` shows whether its plan is old.
    pub(super) fn begin(&mut self, id: JobId, generation: u64, now: Now) -> Option<Turn> {
        let limit = self.limit;
        let deadline = self.deadline.or_else(|| now.at.checked_add(limit)).unwrap_or(now.at);
        self.deadline = Some(deadline);
        self.job.send_modify(|job| {
            job.state = State::Running;
            job.queue_position = None;
            job.started_at = Some(now.wall);
            job.deadline_at = job.deadline_at.or_else(|| now.wall.checked_add(limit));
        });
        Some(Turn {
            id,
            lane: self.lane,
            request: self.request.take()?,
            plan: self.job.borrow().plan.clone(),
            is_plan_old: self.planned_after != generation,
            deadline,
        })
    }

    pub(super) fn replanned(&mut self, request: &Request, plan: &Plan) {
        self.record = Record::new(request, plan);
        self.job.send_modify(|job| {
            job.plan = plan.clone();
            job.steps = steps::planned(plan);
        });
    }

    pub(super) fn announce(&self, id: JobId, now: Now) -> Option<(StepName, Entered)> {
        let mut job = self.job();
        let first = job.steps.iter().find(|step| step.changes_device)?.name;
        if self.lane != Lane::Changing || !first.is_read_back() {
            return None;
        }
        steps::begin(&mut job.steps, first, now.wall);
        let mut record = self.record.clone();
        record.begun.push(first);
        Some((first, Entered { id, stored: Stored::new(&job, &record) }))
    }

    /// Returns what is to be written down, and the description of the step.
    pub(super) fn step_begins(&mut self, id: JobId, name: StepName, now: Now) -> (Option<Entered>, String) {
        self.record.begun.push(name);
        let (mut changes_device, mut description) = (false, String::new());
        self.job.send_modify(|job| {
            let step = steps::begin(&mut job.steps, name, now.wall);
            changes_device = step.changes_device;
            description.clone_from(&step.description);
            job.cancellable &= !changes_device;
        });
        let is_written = self.lane == Lane::Changing && changes_device;
        (is_written.then(|| self.entered(id)), description)
    }

    pub(super) fn step_withdrawn(&mut self, name: StepName, now: Now) {
        self.record.begun.pop();
        self.job.send_modify(|job| steps::withdraw(&mut job.steps, name, now.wall));
    }

    pub(super) fn cut(&self) -> Record {
        self.job.send_modify(|job| {
            job.state = State::Verifying;
            job.cancellable = false;
        });
        self.record.clone()
    }

    pub(super) fn ending(&self, id: JobId, outcome: &Outcome, now: Now) -> Option<Entered> {
        let mut job = self.job();
        let changing = || job.steps.iter().filter(|step| step.changes_device);
        let is_shown = changing().next().is_some() && changing().all(|step| step.name.is_read_back());
        if self.lane != Lane::Changing || (is_shown && outcome.verdict == Verdict::Succeeded) {
            return None;
        }
        end(&mut job, outcome.clone(), now);
        Some(Entered { id, stored: Stored::new(&job, &self.record) })
    }

    pub(super) fn end(&mut self, id: JobId, outcome: Outcome, now: Now) -> Option<Entered> {
        // With its secrets, if it never began.
        self.request = None;
        self.ended = Some(now.at);
        self.job.send_modify(|job| end(job, outcome, now));
        (self.lane == Lane::Changing).then(|| self.entered(id))
    }

    pub(super) fn drop_answer(&self) {
        self.job.send_if_modified(|job| {
            job.outcome.as_mut().is_some_and(|outcome| outcome.wsman.take().is_some())
        });
    }

    // ---- looking ----

    pub(super) fn job(&self) -> Job {
        self.job.borrow().clone()
    }

    pub(super) fn entered(&self, id: JobId) -> Entered {
        Entered { id, stored: Stored::new(&self.job.borrow(), &self.record) }
    }

    pub(super) fn is_told(&self) -> bool {
        self.untold.is_none()
    }

    pub(super) fn has_changed(&self) -> bool {
        steps::have_changed(&self.job.borrow().steps)
    }

    pub(super) fn has_answer(&self) -> bool {
        self.job.borrow().outcome.as_ref().is_some_and(|outcome| outcome.wsman.is_some())
    }
}

fn end(job: &mut Job, outcome: Outcome, now: Now) {
    let is_reached = matches!(outcome.verdict, Verdict::Succeeded | Verdict::Unchanged);
    steps::close(&mut job.steps, is_reached, now.wall);
    job.state = State::Ended;
    job.queue_position = None;
    job.cancellable = false;
    job.ended_at = Some(now.wall);
    job.outcome = Some(outcome);
}
