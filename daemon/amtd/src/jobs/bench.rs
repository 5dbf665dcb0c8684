//! For the tests: an engine whose flows are written down by the test, over a journal in a directory or on a disk that
//! fails when it is told to.

use std::{
    collections::VecDeque,
    future::pending,
    path::Path,
    sync::{Arc, Mutex, Weak},
    time::Duration,
};

use amtd_amt::{
    Secret,
    amthi::{ControlMode, ProvisioningState},
    job::{
        DeviceState, Failure, Kind, Observer, Outcome, Plan, PlannedStep, Reason, Record, Request, StepEnd,
        StepName, Stop, Verdict, WsmanAnswer, WsmanCall, WsmanOperation,
    },
};
use tokio::{
    sync::{Semaphore, watch},
    task::{JoinHandle, yield_now},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use super::{
    CreateError, CreateOptions, Handle, Job, JobId, assemble,
    flow::{Boxed, Flow},
    journal::{
        Journal,
        disk::{Disk, Survivors},
    },
    observer::Watcher,
    shared::Shared,
};
use crate::{
    config::{self, Period},
    driver::LinkStatus,
    events::Log,
};

/// Beyond this a test hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// What must never be seen.
pub(super) const CANARY: &str = "Canary-4711-secret!";

/// What a flow does next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act {
    /// A step that reads, from beginning to end.
    Read(StepName),
    /// A step that changes firmware, from beginning to end.
    Change(StepName),
    /// A step that changes firmware and waits in the middle until the test lets it go on.
    ChangeAtGate(StepName),
    /// Waits until the test lets it go on.
    Gate,
    /// Ends here if that is wanted.
    SafePoint,
    /// Never goes on.
    Hang,
    /// A defect.
    Panic,
}

/// The firmware of the tests, and what its flows do. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct Model(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    acts: Mutex<VecDeque<Vec<Act>>>,
    /// Steps that changed firmware, in order.
    changed: Mutex<Vec<StepName>>,
    examined: Mutex<Vec<Record>>,
    is_examination_broken: Mutex<bool>,
    plans: Mutex<VecDeque<Result<(), Failure>>>,
    planned: Mutex<usize>,
    gate: Semaphore,
    /// The disk of the journal, and what it held for certain when a step changed firmware.
    disk: Option<Disk>,
    seen: Mutex<Vec<(StepName, Disk)>>,
}

impl Default for Inner {
    fn default() -> Self {
        Self {
            acts: Mutex::default(),
            changed: Mutex::default(),
            examined: Mutex::default(),
            is_examination_broken: Mutex::default(),
            plans: Mutex::default(),
            planned: Mutex::default(),
            gate: Semaphore::new(0),
            disk: None,
            seen: Mutex::default(),
        }
    }
}

impl Model {
    /// One that looks at the disk before each change.
    pub(super) fn watching(disk: &Disk) -> Self {
        Self(Arc::new(Inner { disk: Some(disk.clone()), ..Inner::default() }))
    }

    /// Each change, with the disk as a loss of power would have left it then.
    pub(super) fn seen(&self) -> Vec<(StepName, Disk)> {
        self.0.seen.lock().unwrap().clone()
    }

    /// The acts of the next job that runs.
    pub(super) fn script(&self, acts: &[Act]) {
        self.0.acts.lock().unwrap().push_back(acts.to_vec());
    }

    /// The next plan is refused, or not.
    pub(super) fn plan_next(&self, plan: Result<(), Failure>) {
        self.0.plans.lock().unwrap().push_back(plan);
    }

    pub(super) fn open_gate(&self) {
        self.0.gate.add_permits(1);
    }

    /// Whether a job has come to the gate and passed it.
    pub(super) fn is_gate_passed(&self) -> bool {
        self.0.gate.available_permits() == 0
    }

    pub(super) fn changed(&self) -> Vec<StepName> {
        self.0.changed.lock().unwrap().clone()
    }

    pub(super) fn examined(&self) -> Vec<Record> {
        self.0.examined.lock().unwrap().clone()
    }

    pub(super) fn break_examination(&self) {
        *self.0.is_examination_broken.lock().unwrap() = true;
    }

    pub(super) fn planned(&self) -> usize {
        *self.0.planned.lock().unwrap()
    }

    async fn pass_gate(&self) {
        self.0.gate.acquire().await.unwrap().forget();
    }

    async fn act(&self, act: Act, watcher: &mut Watcher) -> Result<(), Outcome> {
        match act {
            Act::Read(step) | Act::Change(step) | Act::ChangeAtGate(step) => {
                let begun = watcher.step_begins(step).await;
                begun.map_err(|_| failed(Reason::JournalLost, self.verdict()))?;
                if !matches!(act, Act::Read(_)) {
                    let disk = self.0.disk.as_ref().map(|disk| disk.after_power_loss(Survivors::Nothing));
                    self.0.seen.lock().unwrap().extend(disk.map(|disk| (step, disk)));
                    self.0.changed.lock().unwrap().push(step);
                }
                watcher.note("under way");
                if matches!(act, Act::ChangeAtGate(_)) {
                    self.pass_gate().await;
                }
                watcher.step_ends(step, StepEnd::Done, "done");
            }
            Act::Gate => self.pass_gate().await,
            Act::SafePoint => match watcher.stop() {
                Some(Stop::Cancelled) => return Err(failed(Reason::Cancelled, self.verdict())),
                Some(Stop::Deadline) => return Err(failed(Reason::DeadlineExceeded, self.verdict())),
                Some(Stop::ShuttingDown) => return Err(failed(Reason::ShuttingDown, self.verdict())),
                None => {}
            },
            Act::Hang => pending().await,
            Act::Panic => panic!("a defect, on purpose"),
        }
        Ok(())
    }

    fn verdict(&self) -> Verdict {
        if self.changed().is_empty() { Verdict::FailedClean } else { Verdict::FailedPartial }
    }
}

impl Flow for Model {
    fn plan<'a>(&'a self, request: &'a Request) -> Boxed<'a, Result<Plan, Failure>> {
        Box::pin(async move {
            *self.0.planned.lock().unwrap() += 1;
            let refused = self.0.plans.lock().unwrap().pop_front();
            refused.unwrap_or(Ok(())).map(|()| plan(request.kind()))
        })
    }

    fn run<'a>(&'a self, request: Request, _: &'a Plan, watcher: &'a mut Watcher) -> Boxed<'a, Outcome> {
        Box::pin(async move {
            let acts = self.0.acts.lock().unwrap().pop_front().unwrap_or_default();
            for act in acts {
                if let Err(outcome) = self.act(act, watcher).await {
                    return outcome;
                }
            }
            let answer = || WsmanAnswer { xml: "<a/>".into(), json: "{}".into() };
            let wsman = matches!(request, Request::Wsman(_)).then(answer);
            Outcome {
                verdict: Verdict::Succeeded,
                applied: Vec::new(),
                failure: None,
                wsman,
                after: "as wanted".into(),
            }
        })
    }

    fn examine<'a>(&'a self, record: &'a Record, _: &'a mut Watcher) -> Boxed<'a, Outcome> {
        Box::pin(async move {
            self.0.examined.lock().unwrap().push(record.clone());
            assert!(!*self.0.is_examination_broken.lock().unwrap(), "a defect, on purpose");
            failed(Reason::Interrupted, self.verdict())
        })
    }
}

fn failed(reason: Reason, verdict: Verdict) -> Outcome {
    let failure = Failure::new(reason, "As the script says.");
    Outcome {
        verdict,
        applied: Vec::new(),
        failure: Some((failure, None)),
        wsman: None,
        after: "as read".into(),
    }
}

/// One that reads, then one that changes, twice.
pub(super) fn plan(kind: Kind) -> Plan {
    let step =
        |name, changes_device| PlannedStep { name, description: format!("Does {name}"), changes_device };
    let state = DeviceState {
        control_mode: ControlMode::None,
        provisioning_state: ProvisioningState::Pre,
        tls_enforced: false,
    };
    Plan {
        kind,
        before: state.to_string(),
        after: "client control mode".into(),
        steps: match kind {
            Kind::ChangePassword => {
                vec![step(StepName::Login, false), step(StepName::ChangePassword, true)]
            }
            _ => vec![
                step(StepName::Login, false),
                step(StepName::Setup, true),
                step(StepName::CommitChanges, true),
            ],
        },
        warnings: Vec::new(),
        unchanged: false,
        state,
        clock_ahead: None,
    }
}

/// A job that changes the device, with the canary for a password.
pub(super) fn activate() -> Request {
    Request::ActivateCcm { password: secret() }
}

/// Another one.
pub(super) fn deactivate() -> Request {
    Request::Deactivate { password: Some(secret()), partial: false }
}

/// One whose end firmware does not show.
pub(super) fn change_password() -> Request {
    Request::ChangePassword { password: secret(), new_password: secret() }
}

/// A job that only reads.
pub(super) fn get() -> Request {
    Request::Wsman(WsmanCall {
        user: String::new(),
        password: secret(),
        resource: "AMT_GeneralSettings".into(),
        selectors: Vec::new(),
        operation: WsmanOperation::Get,
    })
}

fn secret() -> Secret {
    Secret::new(CANARY.into())
}

pub(super) fn named(request_id: &str) -> CreateOptions {
    CreateOptions { request_id: Some(request_id.into()), ..CreateOptions::default() }
}

pub(super) fn config() -> config::Jobs {
    config::Jobs { journal_retry: Period::from_millis(10), ..config::Jobs::default() }
}

/// A running engine.
pub(super) struct Rig {
    pub(super) handle: Handle,
    pub(super) link: watch::Sender<LinkStatus>,
    pub(super) events: Log,
    stop: CancellationToken,
    engine: JoinHandle<()>,
    shared: Weak<Shared>,
}

impl Rig {
    /// With its journal in a directory.
    pub(super) fn at(directory: &Path, model: &Model, config: config::Jobs) -> Self {
        let journal = Journal::new(directory, config.journal_limit.get());
        Self::start(journal, model, config)
    }

    /// With its journal on a disk of the test.
    pub(super) fn on(disk: &Disk, model: &Model, config: config::Jobs) -> Self {
        let journal = Journal::over(disk.store(), config.journal_limit.get());
        Self::start(journal, model, config)
    }

    fn start(journal: Journal, model: &Model, config: config::Jobs) -> Self {
        let (link, receiver) = watch::channel(link(true));
        let events = Log::new(64);
        let (engine, handle) = assemble(config, journal, Arc::new(model.clone()), receiver, events.clone());
        let stop = CancellationToken::new();
        let shared = handle.weak();
        let engine = tokio::spawn(engine.run(stop.clone()));
        Self { handle, link, events, stop, engine, shared }
    }

    pub(super) async fn create(&self, request: Request) -> Result<Job, CreateError> {
        self.handle.create(request, CreateOptions::default()).await
    }

    /// Waits until a job is as described.
    pub(super) async fn wait(&self, id: JobId, until: impl FnMut(&Job) -> bool) -> Job {
        // By then the journal was read.
        self.handle.get(&id).await.expect("there is such a job");
        let mut job = self.handle.watch(&id).unwrap();
        timeout(PATIENCE, job.wait_for(until)).await.expect("the job does not come so far").unwrap().clone()
    }

    pub(super) async fn end_of(&self, id: JobId) -> Job {
        self.wait(id, Job::is_ended).await
    }

    /// Waits until the step runs.
    pub(super) async fn within(&self, id: JobId, step: StepName) -> Job {
        let runs = |job: &Job| {
            let mut steps = job.steps.iter();
            steps.any(|known| {
                known.name == step && known.state == super::StepState::Running && known.detail == "under way"
            })
        };
        self.wait(id, runs).await
    }

    /// The process is killed.
    pub(super) async fn kill(self) {
        self.engine.abort();
        let Self { handle, engine, shared, .. } = self;
        drop(handle);
        assert!(engine.await.unwrap_err().is_cancelled());
        gone(&shared).await;
    }

    /// Waits until nothing new begins because the process is ending.
    pub(super) async fn is_stopping(handle: Handle) {
        while !matches!(handle.create(get(), CreateOptions::default()).await, Err(CreateError::Stopping)) {
            yield_now().await;
        }
    }

    /// The process ends in order.
    pub(super) async fn stop(self) {
        self.stop.cancel();
        let Self { handle, engine, shared, .. } = self;
        timeout(PATIENCE, engine).await.expect("the engine does not end").unwrap();
        drop(handle);
        gone(&shared).await;
    }
}

/// Whatever still ran has let go of the journal.
async fn gone(shared: &Weak<Shared>) {
    while shared.strong_count() > 0 {
        yield_now().await;
    }
}

pub(super) fn link(ready: bool) -> LinkStatus {
    LinkStatus { ready, ..LinkStatus::new() }
}
