//! What happened in the runs: a simulation in which nothing happens proves nothing.

use std::{collections::BTreeMap, fmt};

/// Everything that must have happened somewhere in an ordinary run. Counting anything else is a typing error.
const EVENTS: [&str; 36] = [
    // Clients.
    "answered",
    "refused",
    "cut",
    "displaced",
    "vanished",
    "half-closed",
    "fell silent",
    // Firmware.
    "opens refused",
    "opens unanswered",
    "opens confirmed late",
    "ports withdrawn",
    "ports announced again",
    "closes by firmware",
    "stray messages",
    "messages repeated",
    "messages about channels of the last connection",
    "garbage",
    "session restarts",
    "unknown versions",
    "credit withheld",
    "stalls",
    // The device.
    "EAGAIN on read",
    "EAGAIN on write",
    "EBUSY on connect",
    "ENODEV on connect",
    "other errors on connect",
    "ENODEV on read",
    "ENODEV on write",
    "other errors on read or write",
    "messages read behind POLLERR",
    "empty reads",
    "ends by empty reads",
    "ends by full queues",
    "ends by the session",
    "ends by order",
    "suspensions",
];

/// See the [module](self).
#[derive(Default, Clone)]
pub(super) struct Seen {
    counts: BTreeMap<&'static str, u64>,
    pub(super) steps: u64,
    pub(super) hours: u64,
}

impl Seen {
    pub(super) fn count(&mut self, event: &'static str) {
        self.add_to(event, 1);
    }

    pub(super) fn add_to(&mut self, event: &'static str, times: u64) {
        assert!(EVENTS.contains(&event), "nobody looks whether {event:?} happened");
        *self.counts.entry(event).or_default() += times;
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (event, times) in &other.counts {
            self.add_to(event, *times);
        }
        self.steps += other.steps;
        self.hours += other.hours;
    }

    pub(super) fn assert_everything_happened(&self) {
        for event in EVENTS {
            assert!(self.counts.get(event).is_some_and(|times| *times > 0), "no {event} at all: {self:?}");
        }
    }
}

impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} steps in {} hours", self.steps, self.hours)?;
        self.counts.iter().try_for_each(|(event, times)| write!(f, ", {times} {event}"))
    }
}
