//! Jobs and plans as they are shown.

use amtd_proto::v1::{self, Verdict, job, step};
use serde::Serialize;
use serde_json::Value;

use crate::{
    output::{Document, page::Page, table::Table, when},
    user,
};

/// One job.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct JobDocument {
    id: String,
    /// Such as `activate-ccm`.
    kind: String,
    /// The name of the request that made it.
    request_id: String,
    /// `queued`, `running`, `verifying`, `ended`.
    state: &'static str,
    /// 1: next. 0 unless queued.
    queue_position: u32,
    plan: Option<Plan>,
    steps: Vec<Step>,
    /// Absent until the job has ended.
    outcome: Option<Outcome>,
    created_at: Option<String>,
    started_at: Option<String>,
    ended_at: Option<String>,
    deadline_at: Option<String>,
    /// The user who asked.
    uid: u32,
    /// Whether it can be cancelled now.
    cancellable: bool,
    cancel_requested: bool,
    /// amtd was restarted in the middle.
    resumed: bool,
}

/// What a job is going to do.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Plan {
    /// What the device is.
    before: String,
    /// What it will be.
    after: String,
    steps: Vec<PlannedStep>,
    /// What cannot be undone, what could lock the user out, what will be skipped and why.
    warnings: Vec<String>,
    /// Nothing needs to be done.
    unchanged: bool,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct PlannedStep {
    /// Stable word.
    name: String,
    description: String,
    /// Until this step the job can be cancelled without a trace.
    changes_device: bool,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Step {
    /// Stable word.
    name: String,
    description: String,
    /// `pending`, `running`, `done`, `skipped`, `failed`.
    state: &'static str,
    /// What came of it, or what is being waited for.
    detail: String,
    started_at: Option<String>,
    ended_at: Option<String>,
    attempts: u32,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Outcome {
    /// `succeeded`, `unchanged`, `failed-clean`, `failed-partial`.
    verdict: &'static str,
    /// What is in force on the device because of this job.
    applied: Vec<String>,
    failure: Option<Reason>,
    /// What the device was read to be at the end.
    after: String,
    /// The answer of a `wsman` job, for some minutes.
    wsman: Option<Answer>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Answer {
    /// An instance or the output of a method as object, an enumeration as array.
    answer: Value,
    /// The content of the SOAP body; of an enumeration the instances, one on a line.
    xml: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Reason {
    /// Stable word, such as `PASSWORD_WEAK`.
    reason: String,
    sentence: String,
    next_step: String,
    /// The step that failed; empty if none had begun.
    step: String,
}

impl Document for JobDocument {
    const KIND: &'static str = "job";

    fn render(&self, page: &mut Page) {
        let verdict = self.outcome.as_ref().map_or("", |outcome| outcome.verdict);
        let head = format!(
            "job {}: {}, {}",
            self.id,
            self.kind,
            if verdict.is_empty() { self.state } else { verdict }
        );
        page.line(&head);
        match &self.outcome {
            Some(outcome) => self.render_outcome(outcome, page),
            None => self.render_progress(page),
        }
        if self.resumed {
            page.line("amtd was restarted during the job.");
        }
        self.render_steps(page);
    }
}

impl JobDocument {
    fn render_outcome(&self, outcome: &Outcome, page: &mut Page) {
        let is_confirmed = self.steps.iter().any(|step| step.name == VERIFY && step.state == "done");
        page.line(meaning(outcome.verdict, is_confirmed));
        if let Some(plan) = &self.plan {
            page.field_if("before", Some(&plan.before));
        }
        page.field_if("now", Some(&outcome.after));
        for sentence in &outcome.applied {
            page.field("in force", sentence);
        }
        if let Some(wsman) = &outcome.wsman {
            page.gap();
            page.values(&wsman.answer);
        }
        // Whoever was not asked for confirmation has not seen them yet. Of a device that is as it was they are not true.
        if let Some(plan) = self.plan.as_ref().filter(|_| outcome.verdict != FAILED_CLEAN) {
            plan.render_warnings(page);
        }
        if let Some(failure) = &outcome.failure {
            page.field("why", &failure.sentence);
            page.field("reason", &failure.reason);
            page.field_if("failed step", Some(&failure.step));
            page.field_if("next", Some(&failure.next_step));
        }
    }

    fn render_progress(&self, page: &mut Page) {
        if let Some(plan) = &self.plan {
            page.field_if("before", Some(&plan.before));
            page.field_if("wanted", Some(&plan.after));
        }
        if self.queue_position > 0 {
            page.field("queue position", &self.queue_position.to_string());
        }
        page.field_if("deadline", self.deadline_at.as_deref());
        let cancel = match (self.cancel_requested, self.cancellable) {
            (true, _) => "requested; takes effect at the next safe point",
            (false, true) => "possible",
            (false, false) => "no longer possible",
        };
        page.field("cancelling", cancel);
    }

    fn render_steps(&self, page: &mut Page) {
        if self.steps.is_empty() {
            return;
        }
        page.gap();
        let mut table = Table::new(["STEP", "STATE", "WHAT"]);
        let failure = self.outcome.as_ref().and_then(|outcome| outcome.failure.as_ref());
        for step in &self.steps {
            // Of a step because of which the job failed, "why" has said what came of it.
            let is_said = failure.is_some_and(|failure| failure.sentence == step.detail);
            let what = if step.detail.is_empty() || is_said { &step.description } else { &step.detail };
            table.row([step.name.clone(), step.state.into(), what.clone()]);
        }
        page.table(&table);
    }
}

const FAILED_CLEAN: &str = "failed-clean";

/// The step that reads the firmware at the end. Not every job has it: a password of the MEBx menu cannot be read.
const VERIFY: &str = "verify";

/// What a verdict means for the device.
fn meaning(verdict: &str, is_confirmed: bool) -> &'static str {
    match verdict {
        "succeeded" if is_confirmed => "Done, and confirmed by reading the firmware.",
        "succeeded" => "Done; the firmware accepted it.",
        "unchanged" => "Nothing needed to be done.",
        FAILED_CLEAN => "Failed; the device is as it was.",
        "failed-partial" => "Failed in the middle: part of it is in force on the device.",
        _ => "This version of amtctl does not know the verdict.",
    }
}

impl Plan {
    fn render_warnings(&self, page: &mut Page) {
        for warning in &self.warnings {
            let mark = page.style().warn("warning:");
            page.marked(&format!("{mark} "), "warning: ".len(), warning);
        }
    }
}

impl From<v1::Job> for JobDocument {
    fn from(job: v1::Job) -> Self {
        Self {
            state: state_word(job.state()),
            queue_position: job.queue_position,
            created_at: when::rfc3339(job.created_at.as_ref()),
            started_at: when::rfc3339(job.started_at.as_ref()),
            ended_at: when::rfc3339(job.ended_at.as_ref()),
            deadline_at: when::rfc3339(job.deadline_at.as_ref()),
            uid: job.uid,
            cancellable: job.cancellable,
            cancel_requested: job.cancel_requested,
            resumed: job.resumed,
            id: job.id,
            kind: job.kind,
            request_id: job.request_id,
            plan: job.plan.map(Plan::from),
            steps: job.steps.into_iter().map(Step::from).collect(),
            outcome: job.outcome.map(Outcome::from),
        }
    }
}

impl From<v1::Plan> for Plan {
    fn from(plan: v1::Plan) -> Self {
        let steps = plan.steps.into_iter().map(|step| PlannedStep {
            name: step.name,
            description: step.description,
            changes_device: step.changes_device,
        });
        Self {
            before: plan.before,
            after: plan.after,
            steps: steps.collect(),
            warnings: plan.warnings,
            unchanged: plan.unchanged,
        }
    }
}

impl From<v1::Step> for Step {
    fn from(step: v1::Step) -> Self {
        Self {
            state: step_word(step.state()),
            started_at: when::rfc3339(step.started_at.as_ref()),
            ended_at: when::rfc3339(step.ended_at.as_ref()),
            attempts: step.attempts,
            name: step.name,
            description: step.description,
            detail: step.detail,
        }
    }
}

impl From<v1::Outcome> for Outcome {
    fn from(outcome: v1::Outcome) -> Self {
        Self {
            verdict: verdict_word(outcome.verdict()),
            applied: outcome.applied,
            failure: outcome.failure.map(|failure| Reason {
                reason: failure.reason,
                sentence: failure.sentence,
                next_step: failure.next_step,
                step: failure.step,
            }),
            after: outcome.after,
            wsman: outcome.wsman.map(|wsman| Answer {
                answer: serde_json::from_str(&wsman.json).unwrap_or_default(),
                xml: wsman.xml,
            }),
        }
    }
}

fn state_word(state: job::State) -> &'static str {
    match state {
        job::State::Unspecified => "unknown",
        job::State::Queued => "queued",
        job::State::Running => "running",
        job::State::Verifying => "verifying",
        job::State::Ended => "ended",
    }
}

fn step_word(state: step::State) -> &'static str {
    match state {
        step::State::Unspecified => "unknown",
        step::State::Pending => "pending",
        step::State::Running => "running",
        step::State::Done => "done",
        step::State::Skipped => "skipped",
        step::State::Failed => "failed",
    }
}

fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Unspecified => "unknown",
        Verdict::Succeeded => "succeeded",
        Verdict::Unchanged => "unchanged",
        Verdict::FailedClean => FAILED_CLEAN,
        Verdict::FailedPartial => "failed-partial",
    }
}

/// What a job would do, without one being made.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct PlanDocument {
    /// Such as `activate-ccm`.
    kind: String,
    plan: Plan,
}

impl PlanDocument {
    /// From what the daemon plans.
    pub(crate) fn new(job: v1::Job) -> Option<Self> {
        Some(Self { kind: job.kind, plan: job.plan?.into() })
    }

    /// Whether nothing needs to be done.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.plan.unchanged
    }
}

impl Document for PlanDocument {
    const KIND: &'static str = "plan";

    fn render(&self, page: &mut Page) {
        let plan = &self.plan;
        page.line(&format!("plan of {}", self.kind));
        page.field("now", &plan.before);
        page.field("then", &plan.after);
        if plan.unchanged {
            page.line("Nothing needs to be done.");
        }
        for (index, step) in plan.steps.iter().enumerate() {
            let mark = format!("{:>3}. ", index + 1);
            let change = if step.changes_device { "" } else { " (changes nothing)" };
            page.hang(&mark, &format!("{}: {}{change}", step.name, step.description));
        }
        plan.render_warnings(page);
    }
}

/// Jobs, newest first.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct JobListDocument {
    jobs: Vec<JobDocument>,
    /// Whether older jobs are left out.
    more: bool,
}

impl JobListDocument {
    /// From what the daemon lists.
    pub(crate) fn new(jobs: Vec<v1::Job>, more: bool) -> Self {
        Self { jobs: jobs.into_iter().map(JobDocument::from).collect(), more }
    }
}

impl Document for JobListDocument {
    const KIND: &'static str = "jobs";

    fn render(&self, page: &mut Page) {
        if self.jobs.is_empty() {
            page.line("There are no jobs.");
            return;
        }
        let mut table = Table::new(["ID", "KIND", "STATE", "CREATED", "USER"]);
        for job in &self.jobs {
            let verdict = job.outcome.as_ref().map(|outcome| outcome.verdict);
            table.row([
                job.id.clone(),
                job.kind.clone(),
                verdict.unwrap_or(job.state).into(),
                // Fractions of seconds say nothing in a list.
                job.created_at.as_deref().map(|at| format!("{}Z", &at[..19])).unwrap_or_default(),
                user::name(job.uid),
            ]);
        }
        page.table(&table);
        if self.more {
            page.line("There are older jobs: use --limit to see more.");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::style::Style;

    /// A job with these steps, all done, that ended so.
    fn shown(steps: &[&str], verdict: Verdict) -> String {
        let step = |name: &&str| v1::Step {
            name: (*name).into(),
            state: step::State::Done.into(),
            ..v1::Step::default()
        };
        let plan = v1::Plan { warnings: vec!["Keep the password.".into()], ..v1::Plan::default() };
        let outcome = v1::Outcome { verdict: verdict.into(), ..v1::Outcome::default() };
        let steps = steps.iter().map(step).collect();
        let job = v1::Job { steps, plan: Some(plan), outcome: Some(outcome), ..v1::Job::default() };
        let mut page = Page::new(Style::new(false));
        JobDocument::from(job).render(&mut page);
        page.to_string()
    }

    #[test]
    fn only_what_was_read_is_said_to_be_confirmed() {
        assert!(shown(&["setup", "verify"], Verdict::Succeeded).contains("confirmed by reading"));
        assert!(!shown(&["login", "set-mebx-password"], Verdict::Succeeded).contains("confirmed"));
    }

    #[test]
    fn why_a_job_failed_is_said_once() {
        let why = "The password is wrong.";
        let step = v1::Step { description: "Log in".into(), detail: why.into(), ..v1::Step::default() };
        let failure = v1::Failure { sentence: why.into(), ..v1::Failure::default() };
        let outcome = v1::Outcome { failure: Some(failure), ..v1::Outcome::default() };
        let job = v1::Job { steps: vec![step], outcome: Some(outcome), ..v1::Job::default() };
        let mut page = Page::new(Style::new(false));
        JobDocument::from(job).render(&mut page);
        let page = page.to_string();
        assert!(page.matches(why).count() == 1 && page.contains("Log in"), "{page}");
    }

    #[test]
    fn what_a_job_would_have_changed_is_not_warned_of_when_nothing_has_changed() {
        assert!(shown(&["setup"], Verdict::FailedPartial).contains("Keep the password."));
        assert!(!shown(&["setup"], Verdict::FailedClean).contains("Keep the password."));
    }
}
