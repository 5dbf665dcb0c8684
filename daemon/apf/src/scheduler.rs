//! Whose turn it is: the order in which channels with something to send get to send it.
//!
//! Owns the order and nothing else. What a channel could send it asks at every decision, so nothing here can be out of
//! date. The session calls it anew for each message: an urgent channel that becomes ready waits for one message at most.
//!
//! There are two rules. Between classes: the most urgent class with a ready channel goes first, always; bulk is kept
//! alive by the admission of requests, not by this queue. Within a class: deficit round-robin, so that channels share
//! *bytes* evenly however they cut them into messages, and each is reached after at most two full messages' worth of
//! every other.

use std::collections::{BTreeMap, VecDeque};

use crate::class::Class;

/// The ready channels, by number.
#[derive(Debug)]
pub(crate) struct Scheduler {
    /// Iterates most urgent first. The queue of a class is in order of turns; a channel is in at most one
    /// queue, once.
    queues: BTreeMap<Class, VecDeque<Turn>>,
    /// Bytes that each round adds to a channel's allowance: one full message, so that a single round always
    /// suffices to send something.
    quantum: usize,
}

#[derive(Debug)]
struct Turn {
    channel: u32,
    /// Bytes that the channel may send before it is the next one's turn.
    allowance: usize,
}

/// A decision: this channel sends this many bytes now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) channel: u32,
    pub(crate) bytes: usize,
}

impl Scheduler {
    pub(crate) fn new(quantum: usize) -> Self {
        Self { queues: BTreeMap::new(), quantum }
    }

    /// Puts a channel that has something to send at the end of its class; one that already waits keeps its
    /// place.
    pub(crate) fn activate(&mut self, class: Class, channel: u32) {
        let queue = self.queues.entry(class).or_default();
        if !queue.iter().any(|turn| turn.channel == channel) {
            queue.push_back(Turn { channel, allowance: self.quantum });
        }
    }

    /// Takes a channel out, wherever it is.
    pub(crate) fn remove(&mut self, channel: u32) {
        self.queues.values_mut().for_each(|queue| queue.retain(|turn| turn.channel != channel));
    }

    pub(crate) fn clear(&mut self) {
        self.queues.clear();
    }

    /// Decides who sends next. `frame` says how many bytes a channel could put into its next message, at most
    /// one quantum; a channel that could send nothing loses its place and its allowance, and comes back
    /// by [`activate`](Self::activate).
    pub(crate) fn next(&mut self, frame: impl Fn(u32) -> usize) -> Option<Grant> {
        let quantum = self.quantum;
        self.queues.values_mut().find_map(|queue| next_of_class(queue, quantum, &frame))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queues.values().all(VecDeque::is_empty)
    }
}

/// The deficit round-robin of one class. Ends, because each pass over an entry removes it, grants it, or
/// gives it an allowance of at least one quantum, with which the next pass grants it.
fn next_of_class(queue: &mut VecDeque<Turn>, quantum: usize, frame: impl Fn(u32) -> usize) -> Option<Grant> {
    while let Some(turn) = queue.front_mut() {
        let bytes = frame(turn.channel).min(quantum);
        if bytes == 0 {
            queue.pop_front();
        } else if let Some(allowance) = turn.allowance.checked_sub(bytes) {
            turn.allowance = allowance;
            return Some(Grant { channel: turn.channel, bytes });
        } else {
            turn.allowance = turn.allowance.saturating_add(quantum);
            queue.rotate_left(1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUANTUM: usize = 1000;

    fn scheduler(channels: &[(Class, u32)]) -> Scheduler {
        let mut scheduler = Scheduler::new(QUANTUM);
        channels.iter().for_each(|&(class, channel)| scheduler.activate(class, channel));
        scheduler
    }

    #[test]
    fn urgent_class_passes_bulk_at_every_message() {
        let mut scheduler = scheduler(&[(Class::Bulk, 1), (Class::Bulk, 2)]);
        assert_eq!(scheduler.next(|_| QUANTUM).map(|grant| grant.channel), Some(1));
        scheduler.activate(Class::Watchdog, 3);
        scheduler.activate(Class::Health, 4);
        let frame = |channel| if channel == 3 { 0 } else { 10 };
        assert_eq!(scheduler.next(|_| 10), Some(Grant { channel: 3, bytes: 10 }));
        assert_eq!(scheduler.next(frame), Some(Grant { channel: 4, bytes: 10 }));
        scheduler.remove(4);
        assert_eq!(scheduler.next(frame).map(|grant| grant.channel), Some(2));
    }

    #[test]
    fn channels_of_a_class_share_bytes_not_messages() {
        let mut scheduler = scheduler(&[(Class::Bulk, 1), (Class::Bulk, 2), (Class::Bulk, 3)]);
        let frame = |channel| match channel {
            1 => 1000,
            2 => 300,
            _ => 7,
        };
        let mut sent = [0usize; 4];
        for _ in 0..20_000 {
            let grant = scheduler.next(frame).unwrap();
            sent[grant.channel as usize] += grant.bytes;
            let (min, max) = (sent[1..].iter().min().unwrap(), sent[1..].iter().max().unwrap());
            assert!(max - min <= 2 * QUANTUM, "{sent:?}");
        }
    }

    #[test]
    fn idle_channel_saves_up_no_allowance() {
        let mut scheduler = scheduler(&[(Class::Bulk, 1), (Class::Bulk, 2)]);
        for _ in 0..10 {
            assert_eq!(scheduler.next(|channel| if channel == 1 { 0 } else { QUANTUM }).unwrap().channel, 2);
        }
        scheduler.activate(Class::Bulk, 1);
        let order: Vec<u32> = (0..4).map(|_| scheduler.next(|_| QUANTUM).unwrap().channel).collect();
        assert_eq!(order.iter().filter(|&&channel| channel == 1).count(), 2, "{order:?}");
    }

    #[test]
    fn activating_twice_gives_one_turn() {
        let mut scheduler = scheduler(&[(Class::Bulk, 1), (Class::Bulk, 1), (Class::Bulk, 2)]);
        let order: Vec<u32> = (0..4).map(|_| scheduler.next(|_| QUANTUM).unwrap().channel).collect();
        assert_eq!(order, [1, 2, 1, 2]);
    }

    #[test]
    fn exhausted_when_nobody_can_send() {
        let mut scheduler = scheduler(&[(Class::Watchdog, 1), (Class::Bulk, 2)]);
        assert_eq!(scheduler.next(|_| 0), None);
        assert!(scheduler.is_empty());
    }
}
