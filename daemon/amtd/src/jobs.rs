//! Jobs: work on firmware that has a queue, steps, a deadline, and a verdict that is read back from firmware.
//!
//! What is done to firmware is [`amtd_amt::job`]'s; here is everything around it: a job is checked and planned before
//! it exists, waits for its turn, is written down before each step that changes firmware, can be cancelled where
//! nothing is half done, and ends with a verdict whatever happens to the daemon. After a restart a job that had begun is
//! examined against firmware; secrets are not in the journal, so that it is judged and not repeated.
//!
//! Asked by `control` through the [`Handle`]; the [`Engine`] is a task of its own.

#[cfg(test)]
mod bench;
mod engine;
mod flow;
mod handle;
mod id;
mod job;
mod journal;
mod observer;
mod run;
mod shared;
mod steps;
mod table;
#[cfg(test)]
mod tests;
mod time;
mod verdict;

use std::{path::PathBuf, sync::Arc};

use amtd_amt::{job::Policy, machine::Machine};
use tokio::sync::{mpsc, watch};

pub use self::{
    engine::Engine,
    handle::{Counts, Handle},
    id::{JobId, ParseJobIdError},
    job::{CancelError, CreateError, CreateOptions, Job, MAX_REQUEST_ID, State, Step, StepState},
};
use self::{
    flow::{Flow, Flows},
    journal::Journal,
    shared::Shared,
    table::Table,
};
use crate::{config, driver::LinkStatus, events::Log};

/// Requests that the engine has not come to. Further ones wait in their callers.
const ASKS: usize = 16;

/// Everything that is configured about jobs.
#[derive(Debug, Clone)]
pub struct JobsConfig {
    /// Queue, limits and journal.
    pub jobs: config::Jobs,
    /// How flows deal with firmware.
    pub policy: Policy,
    /// Where the journal is.
    pub state_dir: PathBuf,
}

/// The jobs of a machine. Nothing happens before the engine runs.
pub fn new(
    config: JobsConfig,
    machine: impl Machine + 'static,
    link: watch::Receiver<LinkStatus>,
    events: Log,
) -> (Engine, Handle) {
    let JobsConfig { jobs, policy, state_dir } = config;
    let journal = Journal::new(&state_dir, jobs.journal_limit.get());
    assemble(jobs, journal, Arc::new(Flows::new(machine, policy)), link, events)
}

fn assemble(
    config: config::Jobs,
    journal: Journal,
    flow: Arc<dyn Flow>,
    link: watch::Receiver<LinkStatus>,
    events: Log,
) -> (Engine, Handle) {
    let table = Table::new(config.clone(), events);
    let shared = Arc::new(Shared::new(table, journal, flow, config));
    let (sender, asks) = mpsc::channel(ASKS);
    (Engine::new(Arc::clone(&shared), asks, link), Handle::new(shared, sender))
}
