//! Flows against a small scripted firmware: every branch of the verdicts, named after what goes wrong.

mod activate_acm;
mod activate_ccm;
mod deactivate;
mod examine;
mod firmware;
mod passwords;
mod power;
mod requests;
mod server;
mod settings;

use super::*;
use crate::Secret;
use firmware::{Model, Trouble};

const PASSWORD: &str = "P@ssw0rd";

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

/// What a job told its owner, in words such as `setup begins` and `setup done`.
#[derive(Default)]
struct Recorder {
    told: Vec<String>,
    begun: Vec<StepName>,
    /// Asks the job to end when this step has ended.
    stop_after: Option<StepName>,
    /// Asks it to end before anything.
    stop: Option<Stop>,
    journal_is_lost_at: Option<StepName>,
    /// The troubles that this model was ordered begin with this step, and not with the job.
    troubled_at: Option<(StepName, Model)>,
}

impl Recorder {
    fn troubled_at(step: StepName, model: &Model) -> Self {
        Self { troubled_at: Some((step, model.clone())), ..Self::default() }
    }

    fn stopping_after(step: StepName) -> Self {
        Self { stop_after: Some(step), ..Self::default() }
    }
}

impl Observer for Recorder {
    async fn step_begins(&mut self, step: StepName) -> Result<(), JournalLost> {
        if self.journal_is_lost_at == Some(step) {
            return Err(JournalLost);
        }
        if let Some((_, model)) = self.troubled_at.as_ref().filter(|(at, _)| *at == step) {
            model.troubled();
        }
        self.told.push(format!("{step} begins"));
        self.begun.push(step);
        Ok(())
    }

    fn step_ends(&mut self, step: StepName, end: StepEnd, _detail: &str) {
        let end = match end {
            StepEnd::Done => "done",
            StepEnd::Skipped => "skipped",
            StepEnd::Failed => "failed",
        };
        self.told.push(format!("{step} {end}"));
        if self.stop_after == Some(step) {
            self.stop = Some(Stop::Cancelled);
        }
    }

    fn note(&mut self, detail: &str) {
        self.told.push(detail.into());
    }

    fn stop(&self) -> Option<Stop> {
        self.stop
    }
}

/// Plans and runs with a recorder that says nothing special.
async fn done(model: &Model, request: Request) -> Outcome {
    done_with(model, request, &mut Recorder::default()).await
}

async fn done_with(model: &Model, request: Request, recorder: &mut Recorder) -> Outcome {
    let plan = planned(model, &request).await.unwrap();
    if recorder.troubled_at.is_none() {
        model.troubled();
    }
    run_as_owner(model, request, &plan, recorder).await
}

async fn planned(model: &Model, request: &Request) -> Result<Plan, Failure> {
    plan(model, request, &Policy::default()).await
}

/// As the daemon does: in a task that may move between threads.
async fn run_as_owner(model: &Model, request: Request, plan: &Plan, recorder: &mut Recorder) -> Outcome {
    fn assert_send<F: Future + Send>(future: F) -> F {
        future
    }
    assert_send(run(model, request, plan, &Policy::default(), recorder)).await
}

#[track_caller]
fn reason(outcome: &Outcome) -> Reason {
    outcome.failure.as_ref().map(|(failure, _)| failure.reason).unwrap()
}

#[track_caller]
fn failed_in(outcome: &Outcome) -> Option<StepName> {
    outcome.failure.as_ref().and_then(|(_, step)| *step)
}
