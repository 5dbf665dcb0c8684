//! When queued requests give up or may try again.

use std::{collections::BTreeSet, time::Instant};

use super::{FlowId, flow::Waiting};

/// Deadlines and retries of queued requests. Everything else that has a deadline holds a channel, of which there are
/// few enough to look at each.
#[derive(Debug, Default)]
pub(super) struct Timers {
    deadlines: BTreeSet<(Instant, FlowId)>,
    retries: BTreeSet<(Instant, FlowId)>,
}

impl Timers {
    /// Files a queued request.
    pub(super) fn file(&mut self, flow: FlowId, waiting: &Waiting) {
        self.deadlines.insert((waiting.deadline, flow));
        if let Some(at) = waiting.not_before {
            self.retries.insert((at, flow));
        }
    }

    /// Forgets a queued request, as it was filed.
    pub(super) fn cancel(&mut self, flow: FlowId, waiting: &Waiting) {
        self.deadlines.remove(&(waiting.deadline, flow));
        if let Some(at) = waiting.not_before {
            self.retries.remove(&(at, flow));
        }
    }

    /// The next request whose deadline has passed. It stays filed.
    pub(super) fn expired(&self, now: Instant) -> Option<FlowId> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|(_, flow)| *flow)
    }

    /// Drops the retries that are due: their requests are found in the queue.
    pub(super) fn drop_due_retries(&mut self, now: Instant) {
        while self.retries.first().is_some_and(|(at, _)| *at <= now) {
            self.retries.pop_first();
        }
    }

    /// Every queued request.
    pub(super) fn waiting(&self) -> Vec<FlowId> {
        self.deadlines.iter().map(|(_, flow)| *flow).collect()
    }

    /// When the first of them is due.
    pub(super) fn next(&self) -> Option<Instant> {
        let first = |set: &BTreeSet<(Instant, FlowId)>| set.first().map(|(at, _)| *at);
        first(&self.deadlines).into_iter().chain(first(&self.retries)).min()
    }
}
