//! The task that owns the jobs: takes them in, begins them when their turn has come, and ends them.
//!
//! Whatever changes the queue goes through here, one thing after the other. A job runs as a task of its own, in a set
//! that the engine joins. A job that the journal does not hold changes nothing and is known to nobody.

use std::{
    collections::{HashMap, VecDeque},
    future::pending,
    sync::Arc,
};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{self, AbortHandle, JoinError, JoinSet},
    time::{Instant, sleep_until, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, error, info, info_span, warn};

use super::{
    CancelError, CreateError, Job, JobId,
    journal::{JournalError, Rows},
    observer::Announced,
    run,
    shared::Shared,
    table::{Entered, Lane, Now, Planned, Turn},
    verdict,
};
use crate::driver::LinkStatus;

/// What the engine is asked for.
#[derive(Debug)]
pub(super) enum Ask {
    Create { planned: Box<Planned>, reply: oneshot::Sender<Result<Job, CreateError>> },
    Cancel { id: JobId, reply: oneshot::Sender<Result<Job, CancelError>> },
}

/// Owns the jobs: takes them in, begins them when their turn has come, and ends them.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    asks: mpsc::Receiver<Ask>,
    link: watch::Receiver<LinkStatus>,
    /// Whether the journal was read.
    is_loaded: bool,
    /// Reads it, as long as that takes; one at a time.
    loading: JoinSet<Result<Rows, JournalError>>,
    /// Jobs of the last life that have to be examined, oldest first.
    unfinished: VecDeque<JobId>,
    changing: JoinSet<()>,
    reading: JoinSet<()>,
    /// Which job is which task.
    tasks: HashMap<task::Id, (JobId, Lane)>,
    mend_at: Option<Instant>,
}

impl Engine {
    pub(super) fn new(
        shared: Arc<Shared>,
        asks: mpsc::Receiver<Ask>,
        link: watch::Receiver<LinkStatus>,
    ) -> Self {
        Self {
            shared,
            asks,
            link,
            is_loaded: false,
            loading: JoinSet::new(),
            unfinished: VecDeque::new(),
            changing: JoinSet::new(),
            reading: JoinSet::new(),
            tasks: HashMap::new(),
            mend_at: None,
        }
    }

    /// Serves until `stop`; then lets the job that changes the device come to a safe point, within its grace.
    pub async fn run(mut self, stop: CancellationToken) {
        self.load().await;
        while !stop.is_cancelled() {
            self.begin();
            self.step(&stop).await;
        }
        self.end().await;
    }

    async fn step(&mut self, stop: &CancellationToken) {
        let expiry = self.shared.with(|table| table.next_expiry());
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            Some(ended) = self.changing.join_next_with_id() => {
                self.ended(ended).await;
                self.shared.changes.send_modify(|changes| *changes += 1);
            }
            Some(ended) = self.reading.join_next_with_id() => self.ended(ended).await,
            Some(read) = self.loading.join_next() => self.loaded(read).await,
            Some(ask) = self.asks.recv() => self.answer(ask).await,
            () = sleep_till(expiry) => self.expire().await,
            () = sleep_till(self.mend_at) => self.mend().await,
        }
        self.watch_journal();
    }

    // ---- the journal ----

    /// Reads the journal, unless it is being read. As long as that fails, no job that changes the device is accepted. A
    /// slow disk is waited for once; callers are told meanwhile, and its late answer still counts.
    async fn load(&mut self) {
        if !self.loading.is_empty() {
            return;
        }
        let journal = self.shared.journal.clone();
        self.loading.spawn(async move { journal.load().await });
        match timeout(self.shared.journal.limit(), self.loading.join_next()).await {
            Ok(Some(read)) => self.loaded(read).await,
            Ok(None) => {}
            Err(_elapsed) => self.shared.journal.is_late(),
        }
        self.watch_journal();
        self.shared.ready.send_replace(true);
    }

    async fn loaded(&mut self, read: Result<Result<Rows, JournalError>, JoinError>) {
        // The journal reports why it failed.
        if let Ok(Ok(rows)) = read {
            let (entered, unfinished) = self.shared.with(|table| table.restore(rows, Now::read()));
            if !unfinished.is_empty() {
                warn!(jobs = unfinished.len(), "the daemon ended in the middle of jobs; they are examined");
            }
            self.is_loaded = true;
            self.unfinished.extend(unfinished);
            self.write(entered).await;
        }
    }

    async fn mend(&mut self) {
        self.mend_at = None;
        if self.is_loaded {
            // The journal reports whether it worked.
            let _ = self.shared.mend().await;
        } else {
            self.load().await;
        }
    }

    /// Has a journal that failed tried again after a pause.
    fn watch_journal(&mut self) {
        let pause = self.shared.config.journal_retry.get();
        match self.shared.journal.fault() {
            Some(_) => self.mend_at = self.mend_at.or_else(|| Instant::now().checked_add(pause)),
            None => self.mend_at = None,
        }
    }

    async fn write(&self, entered: impl IntoIterator<Item = Entered>) {
        for entered in entered {
            if let Err(error) = self.shared.write(entered).await {
                warn!(%error, "the end of a job is not written down yet");
            }
        }
    }

    // ---- asking ----

    async fn answer(&mut self, ask: Ask) {
        // A caller that has gone needs no answer.
        match ask {
            Ask::Create { planned, reply } => drop(reply.send(self.create(*planned).await)),
            Ask::Cancel { id, reply } => drop(reply.send(self.cancel(id).await)),
        }
    }

    async fn create(&mut self, planned: Planned) -> Result<Job, CreateError> {
        let lane = Lane::of(&planned.request);
        if lane == Lane::Changing && !self.is_loaded {
            self.load().await;
        }
        // Another call may have come first while this one was planned, or may stand in the journal that was read just
        // now.
        let repeated = self.shared.with(|table| {
            let options = &planned.options;
            let id = options.request_id.as_deref();
            let repeated = id.map(|id| table.repeated(options.uid, id, &planned.request.target()));
            match repeated.transpose()?.flatten() {
                Some(job) => Ok(Some(job)),
                None => table.room(lane).map(|()| None),
            }
        })?;
        if let Some(job) = repeated {
            return Ok(job);
        }
        let (job, entered) = self.shared.with(|table| table.name(&planned, Now::read()));
        if lane == Lane::Reading {
            return Ok(self.insert(job, planned));
        }
        if self.is_idle() && self.shared.with(|table| table.may_begin_unwritten(&planned)) {
            return self.enter_begun(job, planned).await;
        }
        self.enter(entered).await?;
        Ok(self.insert(job, planned))
    }

    fn insert(&self, job: Job, planned: Planned) -> Job {
        let job = self.shared.with(|table| table.insert(job, planned, Now::read()));
        log_created(&job);
        job
    }

    /// Whether nothing keeps a job that changes the device from beginning at once.
    fn is_idle(&self) -> bool {
        self.is_loaded && self.changing.is_empty() && self.unfinished.is_empty()
    }

    /// Begins a new job while it is being written down: steps that only read need not wait for the disk, the first one
    /// that changes the device does. The job and that step are one entry. If it cannot be written there is no job, and
    /// nobody was told of one.
    async fn enter_begun(&mut self, job: Job, planned: Planned) -> Result<Job, CreateError> {
        let id = job.id;
        let begun = self.shared.with(|table| table.begin_unwritten(job, planned, Now::read()));
        let (job, turn, (step, entered)) = begun.ok_or(CreateError::Stopping)?;
        let (told, written) = oneshot::channel();
        let task = self.spawn_turn(turn, Some(Announced { step, written }));
        match self.enter(entered).await {
            Ok(()) => {
                self.shared.with(|table| table.written(id));
                log_created(&job);
                // A flow that has ended does not need to know.
                let _ = told.send(Ok(()));
                Ok(job)
            }
            Err(error) => {
                // It has only read so far: before it does more, it waits for the entry.
                task.abort();
                self.tasks.remove(&task.id());
                self.shared.with(|table| table.withdraw(id));
                Err(error)
            }
        }
    }

    /// Writes a new job down. Where that fails there is no job.
    async fn enter(&self, entered: Entered) -> Result<(), CreateError> {
        let fault = || self.shared.journal.fault().unwrap_or_default();
        if !self.is_loaded {
            return Err(CreateError::Journal(fault()));
        }
        let id = entered.id;
        let written = self.shared.write(entered).await;
        written.map_err(|error| {
            // A slow disk may still take it: at the next start it is a job that has changed nothing.
            warn!(job = %id, %error, "a job is refused because it cannot be written down");
            CreateError::Journal(error.to_string())
        })
    }

    async fn cancel(&mut self, id: JobId) -> Result<Job, CancelError> {
        let entered = self.shared.with(|table| table.cancel(id, Now::read()))?;
        self.write(entered).await;
        self.shared.with(|table| table.job(id)).ok_or(CancelError::Unknown)
    }

    async fn expire(&mut self) {
        let entered = self.shared.with(|table| table.expire(Now::read()));
        self.write(entered).await;
    }

    // ---- running ----

    /// Begins whatever may begin.
    fn begin(&mut self) {
        if self.changing.is_empty() {
            match self.unfinished.pop_front() {
                Some(id) => self.examine(id),
                None => self.begin_next(Lane::Changing),
            }
        }
        for _ in self.reading.len()..self.shared.config.max_reading {
            self.begin_next(Lane::Reading);
        }
    }

    fn begin_next(&mut self, lane: Lane) {
        let running = match lane {
            Lane::Changing => self.changing.len(),
            Lane::Reading => self.reading.len(),
        };
        if let Some(turn) = self.shared.with(|table| table.next(lane, running, Now::read())) {
            self.spawn_turn(turn, None);
        }
    }

    fn spawn_turn(&mut self, turn: Turn, announced: Option<Announced>) -> AbortHandle {
        let (id, lane) = (turn.id, turn.lane);
        let span = info_span!("job", %id, kind = turn.plan.kind.as_str());
        self.spawn(id, lane, run::job(Arc::clone(&self.shared), turn, announced).instrument(span))
    }

    /// Waits for the link, because without it most questions have no answer, and then examines.
    fn examine(&mut self, id: JobId) {
        let (shared, mut link) = (Arc::clone(&self.shared), self.link.clone());
        let wait = shared.config.resume_wait.get();
        let examined = async move {
            // Without the link the host interface may still answer.
            let _ = timeout(wait, link.wait_for(|link| link.ready)).await;
            run::resumed(shared, id).await;
        };
        self.spawn(id, Lane::Changing, examined.instrument(info_span!("job", %id)));
    }

    fn spawn(
        &mut self,
        id: JobId,
        lane: Lane,
        job: impl Future<Output = ()> + Send + 'static,
    ) -> AbortHandle {
        let set = match lane {
            Lane::Changing => &mut self.changing,
            Lane::Reading => &mut self.reading,
        };
        let task = set.spawn(job);
        self.tasks.insert(task.id(), (id, lane));
        task
    }

    async fn ended(&mut self, ended: Result<(task::Id, ()), JoinError>) {
        let task = ended.as_ref().map_or_else(JoinError::id, |(task, ())| *task);
        let known = self.tasks.remove(&task);
        let (Err(panic), Some((id, lane))) = (ended, known) else { return };
        // A defect of the daemon, but firmware knows what became of the job.
        error!(job = %id, %panic, "a job ended abnormally");
        match lane {
            // The same examination would panic again, and keep all other jobs waiting.
            Lane::Changing if self.shared.with(|table| table.is_verifying(id)) => {
                let entered = self.shared.with(|table| {
                    let record = table.cut(id)?;
                    table.finish(id, verdict::unknown(&record), Now::read())
                });
                self.write(entered).await;
            }
            Lane::Changing => self.unfinished.push_back(id),
            Lane::Reading => self.shared.with(|table| {
                let before = table.job(id).map(|job| job.plan.before).unwrap_or_default();
                drop(table.finish(id, verdict::untouched(verdict::broken(), before), Now::read()));
            }),
        }
    }

    // ---- the end ----

    async fn end(mut self) {
        self.asks.close();
        // Callers that wait are told now, and not only when the last job has ended.
        while self.asks.try_recv().is_ok() {}
        self.shared.with(|table| table.stopping());
        let grace = self.shared.config.stop_grace.get();
        let safe = async { while self.changing.join_next().await.is_some() {} };
        if timeout(grace, safe).await.is_err() {
            warn!("a job is in a step that must not be cut off; the next start finds out what became of it");
        }
        self.changing.shutdown().await;
        self.reading.shutdown().await;
    }
}

fn log_created(job: &Job) {
    info!(job = %job.id, kind = job.kind.as_str(), uid = job.uid, "job created");
}

async fn sleep_till(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => pending().await,
    }
}
