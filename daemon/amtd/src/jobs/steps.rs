//! The steps of a job as they begin and end, the planned ones and those that turn out to be needed. Used by the
//! [`table`](super::table), which owns them.

use std::time::SystemTime;

use amtd_amt::job::{Plan, StepEnd, StepName};

use super::{Step, StepState};

/// How a step ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepOver<'a> {
    pub(super) name: StepName,
    pub(super) end: StepEnd,
    pub(super) detail: &'a str,
}

/// The steps of a plan, all to come.
pub(super) fn planned(plan: &Plan) -> Vec<Step> {
    let steps = plan.steps.iter();
    steps.map(|step| pending(step.name, &step.description, step.changes_device)).collect()
}

/// A step begins, perhaps once more.
pub(super) fn begin(steps: &mut Vec<Step>, name: StepName, now: SystemTime) -> &Step {
    let step = next(steps, name);
    step.state = StepState::Running;
    step.started_at = step.started_at.or(Some(now));
    step.ended_at = None;
    step.attempts = step.attempts.saturating_add(1);
    step.detail.clear();
    step
}

/// A step that was to begin does not.
pub(super) fn withdraw(steps: &mut Vec<Step>, name: StepName, now: SystemTime) {
    let step = next(steps, name);
    step.state = StepState::Failed;
    step.ended_at = Some(now);
    step.attempts = step.attempts.saturating_sub(1);
    "The journal could not be written.".clone_into(&mut step.detail);
}

/// A step has ended. One that was skipped need not have begun.
pub(super) fn end(steps: &mut Vec<Step>, over: StepOver<'_>, now: SystemTime) {
    let step = next(steps, over.name);
    step.state = match over.end {
        StepEnd::Done => StepState::Done,
        StepEnd::Skipped => StepState::Skipped,
        StepEnd::Failed => StepState::Failed,
    };
    step.ended_at = Some(now);
    over.detail.clone_into(&mut step.detail);
}

/// The daemon was restarted in the middle. Steps that only read are not written down.
pub(super) fn restored(steps: &mut [Step]) {
    let begun = steps.iter().position(|step| step.attempts > 0).unwrap_or(0);
    for step in steps[..begun].iter_mut().filter(|step| step.state == StepState::Pending) {
        step.state = StepState::Skipped;
        "not recorded".clone_into(&mut step.detail);
    }
}

/// The job is over. A step that nobody has ended was cut off with the daemon or the flow: what came of it is known only
/// as far as the whole is as wanted. A step that has not begun never will.
pub(super) fn close(steps: &mut [Step], is_reached: bool, now: SystemTime) {
    for step in steps {
        let (state, detail) = match step.state {
            StepState::Running => {
                step.ended_at = Some(now);
                let state = if is_reached { StepState::Done } else { StepState::Failed };
                (state, "cut off; the verdict is from reading the firmware afterwards")
            }
            StepState::Pending => (StepState::Skipped, "not begun"),
            StepState::Done | StepState::Skipped | StepState::Failed => continue,
        };
        step.state = state;
        detail.clone_into(&mut step.detail);
    }
}

/// Progress inside the step that runs. Whether that is news.
pub(super) fn note(steps: &mut [Step], detail: &str) -> bool {
    let step = steps.iter_mut().find(|step| step.state == StepState::Running);
    let Some(step) = step.filter(|step| step.detail != detail) else { return false };
    detail.clone_into(&mut step.detail);
    true
}

/// Whether a step that changes the device has begun.
pub(super) fn have_changed(steps: &[Step]) -> bool {
    steps.iter().any(|step| step.changes_device && step.attempts > 0)
}

/// The step of this name: the running one, else the next planned one, else one that is repeated, else a new one that
/// was not planned, behind those that have begun.
fn next(steps: &mut Vec<Step>, name: StepName) -> &mut Step {
    let find =
        |wanted: fn(StepState) -> bool| steps.iter().position(|step| step.name == name && wanted(step.state));
    let known = find(|state| state == StepState::Running)
        .or_else(|| find(|state| state == StepState::Pending))
        .or_else(|| find(|_| true));
    let place = known.unwrap_or_else(|| {
        let begun = steps.iter().rposition(|step| step.state != StepState::Pending);
        let place = begun.map_or(0, |last| last + 1);
        steps.insert(place, pending(name, "Was not planned", !name.only_reads()));
        place
    });
    &mut steps[place]
}

fn pending(name: StepName, description: &str, changes_device: bool) -> Step {
    Step {
        name,
        description: description.to_owned(),
        changes_device,
        state: StepState::Pending,
        detail: String::new(),
        started_at: None,
        ended_at: None,
        attempts: 0,
    }
}
