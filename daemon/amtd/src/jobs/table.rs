//! The jobs and their queues as a state machine without IO: who is next, which transitions there are, what is
//! forgotten. Time is an argument.
//!
//! ```text
//!   insert              next                    finish
//! ---------> Queued ------------> Running ------------------> Ended
//!              |                     | cut                      ^
//!              | cancel, expire      +--------> Verifying ------+
//!              +------------------------------------------------+
//!   restore: what had begun is Verifying, everything else has Ended
//! ```
//!
//! Jobs that change the device go one at a time; those that only read go beside them, some at once. What happens to one
//! job alone is `entry`'s. Driven by the [`engine`](super::engine) and by the observers of running jobs; read by the
//! [`handle`](super::handle).

mod entry;

use std::{
    collections::{BTreeMap, VecDeque},
    time::SystemTime,
};

use amtd_amt::job::{Failure, Kind, Outcome, Plan, Record, Request, StepName, Stop, Target};
use tokio::{sync::watch, time::Instant};

use self::entry::{Entry, Untold};
use super::{
    CancelError, CreateError, CreateOptions, Job, JobId, State,
    journal::Stored,
    steps::{self, StepOver},
    verdict::{self, word},
};
use crate::{
    config,
    events::{Event, Log},
};

/// A moment, on the clock that never jumps and on the one that people read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Now {
    pub(super) at: Instant,
    pub(super) wall: SystemTime,
}

impl Now {
    pub(super) fn read() -> Self {
        Self { at: Instant::now(), wall: SystemTime::now() }
    }
}

/// Which jobs go together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Those that change the device: one at a time, in the journal.
    Changing,
    /// Those that only read.
    Reading,
}

impl Lane {
    pub(super) fn of(request: &Request) -> Self {
        if request.changes_device() { Self::Changing } else { Self::Reading }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Table {
    config: config::Jobs,
    events: Log,
    entries: BTreeMap<JobId, Entry>,
    changing: VecDeque<JobId>,
    reading: VecDeque<JobId>,
    /// The youngest name that was given.
    last: Option<JobId>,
    /// Beginnings and ends of jobs that change the device: a plan is old when there was one after it was made.
    generation: u64,
    stopping: bool,
    /// Jobs that are not kept any more and that the journal may still hold.
    forgotten: Vec<JobId>,
    ended: BTreeMap<(Kind, &'static str), u64>,
}

/// A job whose turn has come.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) id: JobId,
    pub(super) lane: Lane,
    pub(super) request: Request,
    pub(super) plan: Plan,
    /// Another job has begun since it was planned.
    pub(super) is_plan_old: bool,
    pub(super) deadline: Instant,
}

/// A request that was checked and planned.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) request: Request,
    pub(super) plan: Plan,
    pub(super) options: CreateOptions,
    /// From [`Table::generation`], before the plan was made.
    pub(super) planned_after: u64,
}

/// What is written down after a transition.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) id: JobId,
    pub(super) stored: Stored,
}

impl Table {
    pub(super) fn new(config: config::Jobs, events: Log) -> Self {
        Self {
            config,
            events,
            entries: BTreeMap::new(),
            changing: VecDeque::new(),
            reading: VecDeque::new(),
            last: None,
            generation: 0,
            stopping: false,
            forgotten: Vec::new(),
            ended: BTreeMap::new(),
        }
    }

    // ---- asking for a job ----

    /// The job that the user has asked for before by this name.
    pub(super) fn repeated(
        &self,
        uid: u32,
        request_id: &str,
        target: &Target,
    ) -> Result<Option<Job>, CreateError> {
        let is_same = |job: &Job| job.uid == uid && job.request_id.as_deref() == Some(request_id);
        let mut entries = self.entries.values().rev().filter(|entry| entry.is_told());
        let Some(entry) = entries.find(|entry| is_same(&entry.job.borrow())) else { return Ok(None) };
        let job = entry.job();
        if entry.record.target == *target { Ok(Some(job)) } else { Err(CreateError::RequestIdReused(job.id)) }
    }

    /// Whether one more may wait.
    pub(super) fn room(&self, lane: Lane) -> Result<(), CreateError> {
        if self.stopping {
            return Err(CreateError::Stopping);
        }
        let waiting = self.queue(lane).len();
        if waiting < self.config.max_queued { Ok(()) } else { Err(CreateError::QueueFull(waiting)) }
    }

    /// Changes whenever a job that changes the device begins or ends.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Gives a job its name, and says what is to be written down before [`Self::insert`].
    pub(super) fn name(&mut self, planned: &Planned, now: Now) -> (Job, Entered) {
        let Planned { request, plan, options, .. } = planned;
        let id = JobId::next(self.last, now.wall);
        self.last = Some(id);
        let job = Job {
            id,
            kind: plan.kind,
            request_id: options.request_id.clone(),
            state: State::Queued,
            queue_position: None,
            plan: plan.clone(),
            steps: steps::planned(plan),
            outcome: None,
            created_at: now.wall,
            started_at: None,
            ended_at: None,
            deadline_at: options.deadline.and_then(|limit| now.wall.checked_add(limit)),
            uid: options.uid,
            cancellable: true,
            cancel_requested: false,
            resumed: false,
        };
        let stored = Stored::new(&job, &Record::new(request, plan));
        (job, Entered { id, stored })
    }

    /// Puts a job at the end of its queue. Returns it with its place.
    pub(super) fn insert(&mut self, job: Job, planned: Planned, now: Now) -> Job {
        self.put(job, planned, None, now)
    }

    /// Whether a job could begin before it is written down: nothing has come between, and its first step that changes the device
    /// is one to [announce](Self::announce).
    pub(super) fn may_begin_unwritten(&self, planned: &Planned) -> bool {
        let first = planned.plan.steps.iter().find(|step| step.changes_device);
        let is_announced = first.is_some_and(|step| step.name.is_read_back());
        is_announced && self.changing.is_empty() && planned.planned_after == self.generation
    }

    /// Begins such a job. It is told of when it is [written](Self::written) and forgotten when it is [not](Self::withdraw).
    /// Returns it as it came, its turn, and what is to be written down.
    pub(super) fn begin_unwritten(
        &mut self,
        job: Job,
        planned: Planned,
        now: Now,
    ) -> Option<(Job, Turn, (StepName, Entered))> {
        let job = self.put(job, planned, Some(Vec::new()), now);
        let turn = self.next(Lane::Changing, 0, now)?;
        let announced = self.announce(job.id, now)?;
        Some((job, turn, announced))
    }

    /// A job that began unwritten has been written down.
    pub(super) fn written(&mut self, id: JobId) {
        let untold = self.entries.get_mut(&id).and_then(|entry| entry.untold.take());
        for (change, detail) in untold.into_iter().flatten() {
            self.tell(id, change, detail);
        }
    }

    /// A job that began unwritten cannot be written down. A disk that was only slow may still have taken it.
    pub(super) fn withdraw(&mut self, id: JobId) {
        self.entries.remove(&id);
        self.forgotten.push(id);
    }

    fn put(&mut self, job: Job, planned: Planned, untold: Option<Untold>, now: Now) -> Job {
        let (id, lane) = (job.id, Lane::of(&planned.request));
        let job = Job { queue_position: Some(self.queue(lane).len() + 1), ..job };
        let limit = self.config.limit(planned.plan.kind).get();
        let mut entry = Entry::new(job.clone(), planned, limit, now);
        entry.untold = untold;
        self.entries.insert(id, entry);
        self.queue_mut(lane).push_back(id);
        self.tell(id, "created", String::new());
        job
    }

    // ---- its life ----

    /// The next job that may begin. `running` are at work in this lane already.
    pub(super) fn next(&mut self, lane: Lane, running: usize, now: Now) -> Option<Turn> {
        let places = match lane {
            Lane::Changing => 1,
            Lane::Reading => self.config.max_reading,
        };
        if self.stopping || running >= places {
            return None;
        }
        let id = self.queue_mut(lane).pop_front()?;
        self.number(lane);
        let generation = self.generation;
        self.generation += u64::from(lane == Lane::Changing);
        let turn = self.entries.get_mut(&id)?.begin(id, generation, now)?;
        self.tell(id, "started", String::new());
        Some(turn)
    }

    /// The plan was made again.
    pub(super) fn replanned(&mut self, id: JobId, request: &Request, plan: &Plan) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.replanned(request, plan);
    }

    /// The first step that will change the device, and what is to be written down before it does: the job as if that
    /// step had begun. Only for a step whose effect firmware shows afterwards: any other must not be recorded as
    /// perhaps done before it has begun.
    pub(super) fn announce(&self, id: JobId, now: Now) -> Option<(StepName, Entered)> {
        self.entries.get(&id)?.announce(id, now)
    }

    /// A step begins. What is to be written down before it touches firmware; nothing if it only reads, because after a
    /// crash there is nothing to find out then.
    pub(super) fn step_begins(&mut self, id: JobId, name: StepName, now: Now) -> Option<Entered> {
        let (entered, description) = self.entries.get_mut(&id)?.step_begins(id, name, now);
        self.tell(id, "step", format!("{name}: {description}"));
        entered
    }

    /// Whether a step that changes the device has begun.
    pub(super) fn has_changed(&self, id: JobId) -> bool {
        self.entries.get(&id).is_some_and(Entry::has_changed)
    }

    /// A step could not be written down, and does not begin.
    pub(super) fn step_withdrawn(&mut self, id: JobId, name: StepName, now: Now) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.step_withdrawn(name, now);
    }

    /// A step has ended.
    pub(super) fn step_ends(&mut self, id: JobId, over: StepOver<'_>, now: Now) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.job.send_modify(|job| steps::end(&mut job.steps, over, now.wall));
    }

    /// Progress inside the step that runs.
    pub(super) fn note(&mut self, id: JobId, detail: &str) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.job.send_if_modified(|job| steps::note(&mut job.steps, detail));
    }

    /// Whether the job should end now. Reading firmware for a verdict is never cut short by this: it has a limit of its
    /// own.
    pub(super) fn stop(&self, id: JobId, now: Now) -> Option<Stop> {
        let entry = self.entries.get(&id)?;
        let job = entry.job.borrow();
        let is_late = entry.deadline.is_some_and(|deadline| deadline <= now.at);
        match job.state {
            State::Verifying => None,
            _ if job.cancel_requested => Some(Stop::Cancelled),
            _ if self.stopping => Some(Stop::ShuttingDown),
            _ => is_late.then_some(Stop::Deadline),
        }
    }

    /// Whether firmware is being read for its verdict.
    pub(super) fn is_verifying(&self, id: JobId) -> bool {
        self.entries.get(&id).is_some_and(|entry| entry.job.borrow().state == State::Verifying)
    }

    /// The job was cut off, and firmware is going to be read. Returns what is known of it for that.
    pub(super) fn cut(&mut self, id: JobId) -> Option<Record> {
        Some(self.entries.get_mut(&id)?.cut())
    }

    /// What is to be written down of the end of a job before anybody is told of it; nothing if it only read, or if
    /// firmware itself shows the end: an examination after a crash comes to the same verdict.
    pub(super) fn ending(&self, id: JobId, outcome: &Outcome, now: Now) -> Option<Entered> {
        self.entries.get(&id)?.ending(id, outcome, now)
    }

    /// The job is over. What is to be written down, if it is not yet; nothing if it only read.
    pub(super) fn finish(&mut self, id: JobId, outcome: Outcome, now: Now) -> Option<Entered> {
        let entry = self.entries.get_mut(&id)?;
        let (lane, kind, verdict) = (entry.lane, entry.record.target.kind(), outcome.verdict);
        let detail = verdict::sentence(&outcome);
        let entered = entry.end(id, outcome, now);
        self.generation += u64::from(lane == Lane::Changing);
        *self.ended.entry((kind, word(verdict))).or_default() += 1;
        self.tell(id, "ended", detail);
        self.forget(lane);
        self.drop_old_answers();
        entered
    }

    /// Ends a job that waits, or asks one that runs to end at its next safe point. What is to be written down.
    pub(super) fn cancel(&mut self, id: JobId, now: Now) -> Result<Option<Entered>, CancelError> {
        let entry = self.entries.get(&id).ok_or(CancelError::Unknown)?;
        let (state, cancellable) = {
            let job = entry.job.borrow();
            (job.state, job.cancellable)
        };
        match state {
            State::Ended => return Err(CancelError::Ended),
            State::Running | State::Verifying if !cancellable => return Err(CancelError::TooLate),
            State::Queued | State::Running | State::Verifying => {}
        }
        entry.job.send_modify(|job| job.cancel_requested = true);
        Ok(if state == State::Queued { self.end_waiting(id, verdict::cancelled(), now) } else { None })
    }

    /// Ends the jobs whose deadline has passed while they waited, and drops answers that are old. What is to be written
    /// down.
    pub(super) fn expire(&mut self, now: Now) -> Vec<Entered> {
        let is_late = |entry: &Entry| entry.deadline.is_some_and(|deadline| deadline <= now.at);
        let queued = self.changing.iter().chain(&self.reading);
        let late: Vec<_> = queued.filter(|id| self.entries.get(id).is_some_and(is_late)).copied().collect();
        let is_old = |entry: &&Entry| self.answer_until(entry).is_some_and(|until| until <= now.at);
        self.entries.values().filter(is_old).for_each(Entry::drop_answer);
        late.into_iter().filter_map(|id| self.end_waiting(id, verdict::too_late(), now)).collect()
    }

    /// When [`Self::expire`] has something to do.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let queued = self.changing.iter().chain(&self.reading);
        let deadlines = queued.filter_map(|id| self.entries.get(id)?.deadline);
        deadlines.chain(self.entries.values().filter_map(|entry| self.answer_until(entry))).min()
    }

    /// Takes the names of jobs that the journal may drop.
    pub(super) fn take_forgotten(&mut self) -> Vec<JobId> {
        std::mem::take(&mut self.forgotten)
    }

    /// The journal did not drop them.
    pub(super) fn still_forgotten(&mut self, ids: Vec<JobId>) {
        self.forgotten.extend(ids);
    }

    /// A job as it is to stand in the journal, for one that could not be written before.
    pub(super) fn enter(&self, id: JobId) -> Option<Entered> {
        self.entries.get(&id).map(|entry| entry.entered(id))
    }

    /// Nothing new begins, and what runs is asked to end.
    pub(super) fn stopping(&mut self) {
        self.stopping = true;
    }

    // ---- after a restart ----

    /// Takes over what the journal holds. Returns what is to be written down, of jobs that never began, and the jobs that
    /// are to be examined, oldest first.
    pub(super) fn restore(&mut self, rows: Vec<(JobId, Stored)>, now: Now) -> (Vec<Entered>, Vec<JobId>) {
        let mut unfinished = Vec::new();
        for (id, stored) in rows {
            let (job, record) = stored.restore(id);
            if !job.is_ended() {
                unfinished.push(id);
            }
            self.last = self.last.max(Some(id));
            self.entries.insert(id, Entry::restored(job, record));
        }
        let mut entered = Vec::new();
        let mut begun = Vec::new();
        for id in unfinished {
            let Some(record) = self.cut(id) else { continue };
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.job.send_modify(|job| {
                    job.resumed = true;
                    steps::restored(&mut job.steps);
                });
            }
            if record.begun.is_empty() {
                entered.extend(self.finish(id, verdict::never_began(&record), now));
            } else {
                begun.push(id);
            }
        }
        self.forget(Lane::Changing);
        (entered, begun)
    }

    // ---- looking ----

    /// Whether there is such a job, or may be one.
    pub(super) fn knows(&self, id: JobId) -> bool {
        self.entries.contains_key(&id)
    }

    pub(super) fn job(&self, id: JobId) -> Option<Job> {
        self.told(id).map(Entry::job)
    }

    /// Jobs before one, or all, youngest first.
    pub(super) fn list(&self, limit: usize, before: Option<JobId>) -> Vec<Job> {
        let older = |id: &JobId| before.is_none_or(|before| *id < before);
        let entries = self.entries.iter().rev().filter(|(id, entry)| older(id) && entry.is_told());
        entries.take(limit).map(|(_, entry)| entry.job()).collect()
    }

    pub(super) fn watch(&self, id: JobId) -> Option<watch::Receiver<Job>> {
        self.told(id).map(|entry| entry.job.subscribe())
    }

    pub(super) fn waiting(&self) -> usize {
        self.changing.len() + self.reading.len()
    }

    pub(super) fn running(&self) -> usize {
        let at_work = |entry: &&Entry| matches!(entry.job.borrow().state, State::Running | State::Verifying);
        self.entries.values().filter(at_work).count()
    }

    /// How many jobs of each kind have ended with each verdict since the start.
    pub(super) fn ended(&self) -> &BTreeMap<(Kind, &'static str), u64> {
        &self.ended
    }

    #[cfg(test)]
    pub(super) fn secrets(&self) -> usize {
        self.entries.values().filter(|entry| entry.request.is_some()).count()
    }

    // ---- private ----

    fn told(&self, id: JobId) -> Option<&Entry> {
        self.entries.get(&id).filter(|entry| entry.is_told())
    }

    fn end_waiting(&mut self, id: JobId, failure: Failure, now: Now) -> Option<Entered> {
        let lane = self.entries.get(&id)?.lane;
        self.queue_mut(lane).retain(|waiting| *waiting != id);
        self.number(lane);
        let before = self.job(id)?.plan.before;
        self.finish(id, verdict::untouched(failure, before), now)
    }

    /// Takes out the oldest of those that have ended and are too many.
    fn forget(&mut self, lane: Lane) {
        let keep = match lane {
            Lane::Changing => self.config.keep,
            Lane::Reading => self.config.keep_reading,
        };
        let is_over = |entry: &Entry| entry.lane == lane && entry.job.borrow().is_ended();
        let ended: Vec<_> =
            self.entries.iter().filter(|(_, entry)| is_over(entry)).map(|(id, _)| *id).collect();
        let too_many = ended.len().saturating_sub(keep);
        for id in ended.into_iter().take(too_many) {
            self.entries.remove(&id);
            if lane == Lane::Changing {
                self.forgotten.push(id);
            }
        }
    }

    fn drop_old_answers(&self) {
        let mut left = self.config.keep_answers;
        for entry in self.entries.values().rev().filter(|entry| entry.has_answer()) {
            match left.checked_sub(1) {
                Some(fewer) => left = fewer,
                None => entry.drop_answer(),
            }
        }
    }

    fn answer_until(&self, entry: &Entry) -> Option<Instant> {
        let ended = entry.ended.filter(|_| entry.has_answer())?;
        ended.checked_add(self.config.keep_answer.get())
    }

    /// Tells each that waits its place.
    fn number(&self, lane: Lane) {
        for (place, id) in (1..).zip(self.queue(lane)) {
            let Some(entry) = self.entries.get(id) else { continue };
            entry.job.send_if_modified(|job| job.queue_position.replace(place) != Some(place));
        }
    }

    fn queue(&self, lane: Lane) -> &VecDeque<JobId> {
        match lane {
            Lane::Changing => &self.changing,
            Lane::Reading => &self.reading,
        }
    }

    fn queue_mut(&mut self, lane: Lane) -> &mut VecDeque<JobId> {
        match lane {
            Lane::Changing => &mut self.changing,
            Lane::Reading => &mut self.reading,
        }
    }

    fn tell(&mut self, id: JobId, change: &'static str, detail: String) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        match &mut entry.untold {
            Some(untold) => untold.push((change, detail)),
            None => {
                let kind = entry.record.target.kind().as_str();
                self.events.push(Event::Job { id: id.to_string(), kind, change, detail });
            }
        }
    }
}

#[cfg(test)]
mod tests;
