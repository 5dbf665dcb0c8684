//! The order in which requests wait for firmware: by class, then round-robin over local peers, then arrival.
//!
//! Owns only the order. What a request is, when it gives up and whether it can be served now is the business of
//! [`Mux`](super::Mux), which asks for the next one that it can serve with [`Queue::take`].

use std::collections::{HashMap, VecDeque};

use super::FlowId;
use crate::Class;

/// What the caller of [`Queue::take`] says of a waiting request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Serve it now: it leaves the queue, and its peer goes to the end of the round.
    Take,
    /// It cannot be served now, but one behind it might.
    Skip,
    /// Nothing behind it in this class can be served either.
    Stop,
}

/// All waiting requests.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: [Lane; Class::ALL.len()],
}

impl Queue {
    /// Appends a request behind those of the same class and peer.
    pub(super) fn push(&mut self, class: Class, peer: u32, flow: FlowId) {
        self.lane_mut(class).line(peer).push_back(flow);
    }

    /// Puts a request that was served in vain back to where it came from: ahead of its peer's others.
    pub(super) fn push_front(&mut self, class: Class, peer: u32, flow: FlowId) {
        self.lane_mut(class).line(peer).push_front(flow);
    }

    /// Removes a request that gave up. Linear in the waiting requests of one peer, which are bounded.
    pub(super) fn remove(&mut self, class: Class, peer: u32, flow: FlowId) {
        self.lane_mut(class).remove(peer, flow);
    }

    /// Takes the first request of `class`, in serving order, for which `judge` says [`Verdict::Take`].
    pub(super) fn take(&mut self, class: Class, judge: impl FnMut(FlowId) -> Verdict) -> Option<FlowId> {
        self.lane_mut(class).take(judge)
    }

    /// Requests waiting in `class`.
    pub(super) fn depth(&self, class: Class) -> usize {
        self.lanes.get(class.index()).map_or(0, Lane::depth)
    }

    fn lane_mut(&mut self, class: Class) -> &mut Lane {
        // A class's index is below the number of classes by construction.
        #[allow(clippy::indexing_slicing)]
        &mut self.lanes[class.index()]
    }
}

/// One class: a line of requests for each peer, and the round in which the peers are served.
#[derive(Debug, Default)]
struct Lane {
    round: VecDeque<u32>,
    lines: HashMap<u32, VecDeque<FlowId>>,
}

impl Lane {
    fn line(&mut self, peer: u32) -> &mut VecDeque<FlowId> {
        let round = &mut self.round;
        self.lines.entry(peer).or_insert_with(|| {
            round.push_back(peer);
            VecDeque::new()
        })
    }

    fn remove(&mut self, peer: u32, flow: FlowId) {
        if let Some(line) = self.lines.get_mut(&peer) {
            line.retain(|waiting| *waiting != flow);
        }
        self.forget_if_empty(peer);
    }

    fn take(&mut self, mut judge: impl FnMut(FlowId) -> Verdict) -> Option<FlowId> {
        let (peer, place, flow) = self.find(&mut judge)?;
        self.lines.get_mut(&peer)?.remove(place);
        self.round.retain(|waiting| *waiting != peer);
        self.round.push_back(peer);
        self.forget_if_empty(peer);
        Some(flow)
    }

    fn find(&self, judge: &mut impl FnMut(FlowId) -> Verdict) -> Option<(u32, usize, FlowId)> {
        for peer in &self.round {
            for (place, flow) in self.lines.get(peer)?.iter().enumerate() {
                match judge(*flow) {
                    Verdict::Take => return Some((*peer, place, *flow)),
                    Verdict::Skip => {}
                    Verdict::Stop => return None,
                }
            }
        }
        None
    }

    fn depth(&self) -> usize {
        self.lines.values().map(VecDeque::len).sum()
    }

    fn forget_if_empty(&mut self, peer: u32) {
        if self.lines.get(&peer).is_some_and(VecDeque::is_empty) {
            self.lines.remove(&peer);
            self.round.retain(|waiting| *waiting != peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut Queue, class: Class) -> Vec<u64> {
        std::iter::from_fn(|| queue.take(class, |_| Verdict::Take)).map(|flow| flow.0).collect()
    }

    #[test]
    fn one_peer_with_many_requests_does_not_delay_another_with_one() {
        let mut queue = Queue::default();
        for flow in 0..4 {
            queue.push(Class::Bulk, 1000, FlowId(flow));
        }
        queue.push(Class::Bulk, 2000, FlowId(9));
        assert_eq!(drain(&mut queue, Class::Bulk), [0, 9, 1, 2, 3]);
    }

    #[test]
    fn a_request_that_was_refused_keeps_its_place() {
        let mut queue = Queue::default();
        queue.push(Class::Interactive, 1, FlowId(1));
        queue.push(Class::Interactive, 1, FlowId(2));
        let first = queue.take(Class::Interactive, |_| Verdict::Take);
        assert_eq!(first, Some(FlowId(1)));
        queue.push_front(Class::Interactive, 1, FlowId(1));
        assert_eq!(drain(&mut queue, Class::Interactive), [1, 2]);
    }

    #[test]
    fn a_request_that_cannot_be_served_does_not_hold_up_those_that_can() {
        let mut queue = Queue::default();
        queue.push(Class::Health, 1, FlowId(1));
        queue.push(Class::Health, 1, FlowId(2));
        let skip_first = |flow| if flow == FlowId(1) { Verdict::Skip } else { Verdict::Take };
        assert_eq!(queue.take(Class::Health, skip_first), Some(FlowId(2)));
        assert_eq!(queue.take(Class::Health, skip_first), None);
        assert_eq!(queue.depth(Class::Health), 1);
    }

    #[test]
    fn a_request_that_gave_up_is_never_served() {
        let mut queue = Queue::default();
        queue.push(Class::Bulk, 1, FlowId(1));
        queue.push(Class::Bulk, 2, FlowId(2));
        queue.remove(Class::Bulk, 1, FlowId(1));
        assert_eq!(drain(&mut queue, Class::Bulk), [2]);
        assert_eq!(queue.depth(Class::Bulk), 0);
    }
}
