//! The engine, one hazard at a time, with flows that the test writes down and no firmware.

mod crash;
mod cut_short;
mod journal;
mod life;
mod queue;
mod secrets;

use std::{sync::Arc, time::Duration};

use amtd_amt::job::{Failure, Kind, Reason, StepName, Verdict};

use super::{
    CancelError, CreateError, CreateOptions, Handle, Job, State, Step, StepState,
    bench::{Act, CANARY, Model, Rig, activate, change_password, config, deactivate, get, link, named},
    journal::{
        Journal,
        disk::{Disk, Survivors},
    },
    shared::Shared,
};
use crate::{
    config::{self, Period},
    events::{Event, Start, Told},
};

const SCRIPT: &[Act] = &[
    Act::SafePoint,
    Act::Read(StepName::Login),
    Act::SafePoint,
    Act::Change(StepName::Setup),
    Act::Change(StepName::CommitChanges),
];

fn reason(job: &Job) -> Option<Reason> {
    job.outcome.as_ref()?.failure.as_ref().map(|(failure, _)| failure.reason)
}

fn verdict(job: &Job) -> Option<Verdict> {
    job.outcome.as_ref().map(|outcome| outcome.verdict)
}
