//! How a job ended, and what it tells its owner until then.

use std::future::Future;

use serde::{Deserialize, Serialize};

use super::{DeviceState, Failure, Plan, Request, StepName, Target};

/// How a job ended. Decided by reading firmware, not by the answers to the steps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// In one word.
    pub verdict: Verdict,
    /// What is in force on the device now because of this job, and what may be; one sentence each.
    pub applied: Vec<String>,
    /// Why it failed, and in which step if one had begun.
    pub failure: Option<(Failure, Option<StepName>)>,
    /// The answer of a WSMAN call that was carried out. Not for the journal: it may hold what the user keeps to
    /// himself.
    #[serde(skip)]
    pub wsman: Option<WsmanAnswer>,
    /// What firmware was read to be at the end, in words.
    pub after: String,
}

/// How a job ended, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Firmware is as wanted.
    Succeeded,
    /// Firmware was as wanted before.
    Unchanged,
    /// Failed, and firmware is as it was.
    FailedClean,
    /// Failed, and part of it is in force, or may be.
    FailedPartial,
}

/// The answer to a WSMAN call: the instance, the instances, or the output of the method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WsmanAnswer {
    /// The content of the SOAP body; of an enumeration the items of all its parts, one on a line.
    pub xml: String,
    /// The same as JSON.
    pub json: String,
}

/// What a running flow tells its owner, and asks it.
///
/// Steps are told in order, each begun and ended before the next; one that is skipped is told by its end alone. A flow may tell steps that were not planned: those
/// that take something back ([`StepName::Undo`], [`StepName::StopConfiguration`]) and [`StepName::CommitChanges`] where
/// firmware turned out to need it.
pub trait Observer: Send {
    /// A step is about to begin. One that does more than read ([`StepName::only_reads`]) is to be on stable storage before
    /// this returns. Where it returns an error the step does not happen, and the job ends.
    fn step_begins(&mut self, step: StepName) -> impl Future<Output = Result<(), JournalLost>> + Send;

    /// A step has ended.
    fn step_ends(&mut self, step: StepName, end: StepEnd, detail: &str);

    /// Progress inside a step: what was done or what is being waited for.
    fn note(&mut self, detail: &str);

    /// Whether the job should end now. Asked at safe points only: before the first step that changes the device, and
    /// between steps where nothing is half done. A deadline of the whole job is kept by answering here.
    fn stop(&self) -> Option<Stop>;
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StepEnd {
    /// Done.
    Done,
    /// It was not needed.
    Skipped,
    /// Failed.
    Failed,
}

/// Why a job should end before it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stop {
    /// The user asked for it.
    Cancelled,
    /// Its deadline has passed.
    Deadline,
    /// The daemon is ending.
    ShuttingDown,
}

/// What should have been written down could not be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal of jobs could not be written")]
pub struct JournalLost;

/// What is written down of a job, so that after a crash firmware can be read and judged: no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// What was wanted.
    pub target: Target,
    /// What the device was.
    pub before: DeviceState,
    /// What was, in the words of the plan: the device, or what of it was to be changed.
    #[serde(default)]
    pub before_words: String,
    /// How far AMT's clock was ahead of that of this machine, in seconds, if the job is about it.
    #[serde(default)]
    pub clock_ahead: Option<i64>,
    /// What the plan had.
    pub planned: Vec<StepName>,
    /// The steps that had begun, in order; the last may have had no effect.
    pub begun: Vec<StepName>,
}

impl Record {
    /// Of a job that has not begun.
    pub fn new(request: &Request, plan: &Plan) -> Self {
        Self {
            target: request.target(),
            before: plan.state,
            before_words: plan.before.clone(),
            clock_ahead: plan.clock_ahead,
            planned: plan.step_names(),
            begun: Vec::new(),
        }
    }
}
