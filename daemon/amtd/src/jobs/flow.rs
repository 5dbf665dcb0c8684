//! The seam between the engine and what is done to firmware: [`amtd_amt::job`] over a machine, or a script of a test.

use std::pin::Pin;

use amtd_amt::{
    job::{self, Failure, Outcome, Plan, Policy, Record, Request},
    machine::Machine,
};

use super::observer::Watcher;

/// A future of a flow.
pub(super) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Plans, does and judges; see [`amtd_amt::job`] for what each promises.
pub(super) trait Flow: Send + Sync + 'static {
    fn plan<'a>(&'a self, request: &'a Request) -> Boxed<'a, Result<Plan, Failure>>;

    fn run<'a>(&'a self, request: Request, plan: &'a Plan, watcher: &'a mut Watcher) -> Boxed<'a, Outcome>;

    fn examine<'a>(&'a self, record: &'a Record, watcher: &'a mut Watcher) -> Boxed<'a, Outcome>;
}

/// The flows over a machine.
#[derive(Debug)]
pub(super) struct Flows<M> {
    machine: M,
    policy: Policy,
}

impl<M: Machine + 'static> Flows<M> {
    pub(super) fn new(machine: M, policy: Policy) -> Self {
        Self { machine, policy }
    }
}

impl<M: Machine + 'static> Flow for Flows<M> {
    fn plan<'a>(&'a self, request: &'a Request) -> Boxed<'a, Result<Plan, Failure>> {
        Box::pin(job::plan(&self.machine, request, &self.policy))
    }

    fn run<'a>(&'a self, request: Request, plan: &'a Plan, watcher: &'a mut Watcher) -> Boxed<'a, Outcome> {
        Box::pin(job::run(&self.machine, request, plan, &self.policy, watcher))
    }

    fn examine<'a>(&'a self, record: &'a Record, watcher: &'a mut Watcher) -> Boxed<'a, Outcome> {
        Box::pin(job::examine(&self.machine, record, &self.policy, watcher))
    }
}
