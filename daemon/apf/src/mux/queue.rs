//! The order in which requests wait for firmware: by class, then round-robin over local peers, then arrival.
//!
//! Owns only the order. [`Mux`](super::Mux) knows what a request is, when it gives up and whether it can be served now, and
//! takes the next one that it can serve with [`Queue::take`].

use std::collections::{BTreeMap, VecDeque};

use super::FlowId;
use crate::Class;

/// The decision of the caller of [`Queue::take`] about a waiting request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Serve it now: it leaves the queue, and its peer goes to the end of the round.
    Take,
    /// It cannot be served now, but one behind it might.
    Skip,
    /// Nothing behind it in this class can be served either.
    Stop,
}

/// A place in the queue. The ticket is drawn once, when a request first waits: a request that comes back gets its old place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) class: Class,
    pub(super) peer: u32,
    pub(super) ticket: u64,
}

/// All waiting requests.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lanes: [Lane; Class::ALL.len()],
    drawn: u64,
}

impl Queue {
    /// A ticket behind all others.
    pub(super) fn draw(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        self.drawn
    }

    /// Lets a request wait at its place.
    pub(super) fn push(&mut self, place: Place, flow: FlowId) {
        self.lane_mut(place.class).line(place.peer).insert(place.ticket, flow);
    }

    /// Removes a request that gave up.
    pub(super) fn remove(&mut self, place: Place) {
        self.lane_mut(place.class).remove(place.peer, place.ticket);
    }

    /// Takes the first request of `class`, in serving order, for which `judge` says [`Verdict::Take`].
    pub(super) fn take(&mut self, class: Class, judge: impl FnMut(FlowId) -> Verdict) -> Option<FlowId> {
        self.lane_mut(class).take(judge)
    }

    /// Whether nothing waits, in any class.
    pub(super) fn is_empty(&self) -> bool {
        self.lanes.iter().all(|lane| lane.lines.is_empty())
    }

    /// Requests waiting in `class`.
    pub(super) fn depth(&self, class: Class) -> usize {
        self.lanes.get(class.index()).map_or(0, Lane::depth)
    }

    /// Requests of others than `peer` waiting in any class.
    pub(super) fn depth_beside(&self, peer: u32) -> usize {
        let of_peer = |lane: &Lane| lane.lines.get(&peer).map_or(0, BTreeMap::len);
        self.lanes.iter().map(|lane| lane.depth().saturating_sub(of_peer(lane))).sum()
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
    lines: BTreeMap<u32, BTreeMap<u64, FlowId>>,
}

impl Lane {
    fn line(&mut self, peer: u32) -> &mut BTreeMap<u64, FlowId> {
        let round = &mut self.round;
        self.lines.entry(peer).or_insert_with(|| {
            round.push_back(peer);
            BTreeMap::new()
        })
    }

    fn remove(&mut self, peer: u32, ticket: u64) {
        if let Some(line) = self.lines.get_mut(&peer) {
            line.remove(&ticket);
        }
        self.forget_if_empty(peer);
    }

    fn take(&mut self, mut judge: impl FnMut(FlowId) -> Verdict) -> Option<FlowId> {
        let (peer, ticket, flow) = self.find(&mut judge)?;
        self.round.retain(|waiting| *waiting != peer);
        self.round.push_back(peer);
        self.remove(peer, ticket);
        Some(flow)
    }

    fn find(&self, judge: &mut impl FnMut(FlowId) -> Verdict) -> Option<(u32, u64, FlowId)> {
        for peer in &self.round {
            for (ticket, flow) in self.lines.get(peer)? {
                match judge(*flow) {
                    Verdict::Take => return Some((*peer, *ticket, *flow)),
                    Verdict::Skip => {}
                    Verdict::Stop => return None,
                }
            }
        }
        None
    }

    fn depth(&self) -> usize {
        self.lines.values().map(BTreeMap::len).sum()
    }

    fn forget_if_empty(&mut self, peer: u32) {
        if self.lines.get(&peer).is_some_and(BTreeMap::is_empty) {
            self.lines.remove(&peer);
            self.round.retain(|waiting| *waiting != peer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(queue: &mut Queue, class: Class, peer: u32, flow: u64) -> Place {
        let place = Place { class, peer, ticket: queue.draw() };
        queue.push(place, FlowId(flow));
        place
    }

    fn drain(queue: &mut Queue, class: Class) -> Vec<u64> {
        std::iter::from_fn(|| queue.take(class, |_| Verdict::Take)).map(|flow| flow.0).collect()
    }

    #[test]
    fn one_peer_with_many_requests_does_not_delay_another_with_one() {
        let mut queue = Queue::default();
        for flow in 0..4 {
            push(&mut queue, Class::Bulk, 1000, flow);
        }
        push(&mut queue, Class::Bulk, 2000, 9);
        assert_eq!((queue.depth_beside(1000), queue.depth_beside(2000)), (1, 4));
        assert_eq!(drain(&mut queue, Class::Bulk), [0, 9, 1, 2, 3]);
    }

    #[test]
    fn requests_that_come_back_keep_their_order() {
        let mut queue = Queue::default();
        let places: Vec<_> = (0..3).map(|flow| push(&mut queue, Class::Interactive, 1, flow)).collect();
        for flow in 0..2 {
            assert_eq!(queue.take(Class::Interactive, |_| Verdict::Take), Some(FlowId(flow)));
        }
        queue.push(places[1], FlowId(1));
        queue.push(places[0], FlowId(0));
        assert_eq!(drain(&mut queue, Class::Interactive), [0, 1, 2]);
    }

    #[test]
    fn a_request_that_cannot_be_served_does_not_hold_up_those_that_can() {
        let mut queue = Queue::default();
        push(&mut queue, Class::Health, 1, 1);
        push(&mut queue, Class::Health, 1, 2);
        let skip_first = |flow| if flow == FlowId(1) { Verdict::Skip } else { Verdict::Take };
        assert_eq!(queue.take(Class::Health, skip_first), Some(FlowId(2)));
        assert_eq!(queue.take(Class::Health, skip_first), None);
        assert_eq!(queue.depth(Class::Health), 1);
    }

    #[test]
    fn a_request_that_gave_up_is_never_served() {
        let mut queue = Queue::default();
        let gone = push(&mut queue, Class::Bulk, 1, 1);
        push(&mut queue, Class::Bulk, 2, 2);
        queue.remove(gone);
        assert_eq!(drain(&mut queue, Class::Bulk), [2]);
        assert_eq!(queue.depth(Class::Bulk), 0);
    }

    #[test]
    fn users_that_have_left_leave_nothing_behind() {
        let mut queue = Queue::default();
        for peer in 0..100 {
            let place = push(&mut queue, Class::Interactive, peer, 1);
            if peer % 2 == 0 {
                queue.remove(place);
            }
        }
        drain(&mut queue, Class::Interactive);
        assert!(queue.lanes.iter().all(|lane| lane.lines.is_empty() && lane.round.is_empty()));
    }
}
