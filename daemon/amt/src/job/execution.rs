//! A job that runs: its steps, told before they touch firmware; its safe points; and how it ends. Called by all flows.

use std::future::Future;

use super::{
    DeviceState, Failure, Observer, Outcome, Reason, StepEnd, StepName, Stop, Verdict, firmware::Firmware,
};
use crate::machine::Machine;

/// A job that runs.
pub(super) struct Execution<'a, M, O> {
    pub(super) firmware: Firmware<'a, M>,
    /// What the device was.
    pub(super) before: DeviceState,
    observer: &'a mut O,
    /// The step that failed first.
    failed_in: Option<StepName>,
    /// Whether a step that changes the device has begun.
    touched: bool,
}

impl<'a, M: Machine, O: Observer> Execution<'a, M, O> {
    pub(super) fn new(firmware: Firmware<'a, M>, before: DeviceState, observer: &'a mut O) -> Self {
        Self { firmware, before, observer, failed_in: None, touched: false }
    }

    /// Does a step: tells that it begins, and only then lets it happen.
    pub(super) async fn step<T>(
        &mut self,
        name: StepName,
        action: impl Future<Output = Result<(T, String), Failure>> + Send,
    ) -> Result<T, Failure> {
        if self.observer.step_begins(name).await.is_err() {
            self.failed_in.get_or_insert(name);
            let sentence =
                format!("The journal could not be written, so that the step `{name}` was not begun.");
            return Err(Failure::new(Reason::JournalLost, sentence));
        }
        self.touched |= !name.only_reads();
        match action.await {
            Ok((value, detail)) => {
                self.observer.step_ends(name, StepEnd::Done, &detail);
                Ok(value)
            }
            Err(failure) => {
                self.observer.step_ends(name, StepEnd::Failed, &failure.sentence);
                self.failed_in.get_or_insert(name);
                Err(failure)
            }
        }
    }

    /// A planned step that turns out not to be needed.
    pub(super) fn skip(&mut self, name: StepName, why: &str) {
        self.observer.step_ends(name, StepEnd::Skipped, why);
    }

    pub(super) fn note(&mut self, detail: &str) {
        self.observer.note(detail);
    }

    /// A point at which nothing is half done: ends the job if its owner wants that.
    pub(super) fn safe_point(&self) -> Result<(), Failure> {
        match self.observer.stop() {
            None => Ok(()),
            Some(stop) => Err(stopped(stop)),
        }
    }

    /// Whether a step that changes the device has begun.
    pub(super) const fn has_touched(&self) -> bool {
        self.touched
    }

    /// The end of a job that failed with this in force, or perhaps in force.
    pub(super) fn failed(&self, failure: Failure, applied: Vec<String>, after: String) -> Outcome {
        let verdict = if applied.is_empty() { Verdict::FailedClean } else { Verdict::FailedPartial };
        Outcome { verdict, applied, failure: Some((failure, self.failed_in)), wsman: None, after }
    }

    /// The end of a job that has done nothing yet.
    pub(super) fn failed_before(&self, failure: Failure) -> Outcome {
        self.failed(failure, Vec::new(), self.before.to_string())
    }
}

/// The end of a job that reached what was wanted.
pub(super) fn succeeded(applied: Vec<String>, after: String) -> Outcome {
    Outcome { verdict: Verdict::Succeeded, applied, failure: None, wsman: None, after }
}

/// The end of a job for which nothing needed to be done.
pub(super) fn unchanged(after: String) -> Outcome {
    Outcome { verdict: Verdict::Unchanged, applied: Vec::new(), failure: None, wsman: None, after }
}

fn stopped(stop: Stop) -> Failure {
    let (reason, sentence) = match stop {
        Stop::Cancelled => (Reason::Cancelled, "The job was cancelled."),
        Stop::Deadline => (Reason::DeadlineExceeded, "The deadline of the job passed before it was done."),
        Stop::ShuttingDown => (Reason::ShuttingDown, "The daemon is ending and did not begin the next step."),
    };
    Failure::new(reason, sentence)
}

/// What the device is, where it could not be read.
pub(super) const NOT_KNOWN: &str = "not known";
