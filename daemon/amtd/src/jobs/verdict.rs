//! Outcomes that the engine itself makes, for jobs that no flow has judged; and outcomes in words.

use amtd_amt::job::{Failure, Outcome, Reason, Record, Verdict};

/// The stable word.
pub(super) const fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Succeeded => "succeeded",
        Verdict::Unchanged => "unchanged",
        Verdict::FailedClean => "failed-clean",
        Verdict::FailedPartial => "failed-partial",
    }
}

/// For the log and for events: the verdict, and why.
pub(super) fn sentence(outcome: &Outcome) -> String {
    let verdict = word(outcome.verdict);
    match &outcome.failure {
        Some((failure, _)) => format!("{verdict}: {}: {}", failure.reason, failure.sentence),
        None => verdict.to_owned(),
    }
}

/// Nothing was sent: firmware is as it was.
pub(super) fn untouched(failure: Failure, after: String) -> Outcome {
    Outcome {
        verdict: Verdict::FailedClean,
        applied: Vec::new(),
        failure: Some((failure, None)),
        wsman: None,
        after,
    }
}

/// For a job that was queued, or had only read, when the daemon ended.
pub(super) fn never_began(record: &Record) -> Outcome {
    let failure =
        Failure::new(Reason::Interrupted, "The daemon was stopped before the job had changed anything.");
    untouched(failure, record.before.to_string())
}

/// A job that waited was cancelled.
pub(super) fn cancelled() -> Failure {
    Failure::new(Reason::Cancelled, "The job was cancelled before it began; nothing was done.")
}

/// A job waited too long.
pub(super) fn too_late() -> Failure {
    Failure::new(Reason::DeadlineExceeded, "The deadline passed before the job began; nothing was done.")
}

/// A job was cut off because it did not end by itself; it had not begun to change the device.
pub(super) fn overrun(record: &Record) -> Outcome {
    let failure = Failure::new(
        Reason::DeadlineExceeded,
        "The job did not end in time and was cut off before it had changed anything.",
    );
    untouched(failure, record.before.to_string())
}

/// A job was cut off, and firmware did not say what became of it.
pub(super) fn unknown(record: &Record) -> Outcome {
    let begun = record.begun.iter().filter(|step| !step.only_reads());
    let failure = Failure::new(
        Reason::StateUnreadable,
        "The job was cut off, and the firmware could not be read afterwards.",
    );
    Outcome {
        verdict: Verdict::FailedPartial,
        applied: begun.map(|step| format!("The step {step} was begun; it may be in force.")).collect(),
        failure: Some((failure, record.begun.last().copied())),
        wsman: None,
        after: "not known".to_owned(),
    }
}

/// A defect ended a job that only reads.
pub(super) fn broken() -> Failure {
    Failure::new(Reason::Interrupted, "The job was ended by a defect of the daemon; see its log.")
}
