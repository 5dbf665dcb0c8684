//! Steps that wait: for a time, for a number of messages, requests or commands of the host, or for a session to be ready.

use std::time::{Duration, Instant};

use super::{Action, Step, When};

/// The waiting steps.
#[derive(Debug)]
pub(crate) struct Schedule {
    waiting: Vec<(Trigger, Action)>,
    /// How many there were so far, by [`Counted`].
    counts: [u64; 4],
    /// The least numbers that a step waits for.
    next: [u64; 4],
}

/// What the schedule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Port forwarding messages that were taken.
    Messages,
    /// WSMAN requests with a login that were executed.
    Requests,
    /// AMTHI commands that were executed.
    Commands,
    /// Commands about manageability that were executed.
    Manageability,
}

#[derive(Debug, Clone, Copy)]
enum Trigger {
    Ready,
    Count(Counted, u64),
    At(Instant),
}

impl Default for Schedule {
    fn default() -> Self {
        Self { waiting: Vec::new(), counts: [0; 4], next: [u64::MAX; 4] }
    }
}

impl Schedule {
    /// Returns the action of `step` if it is due at once, else keeps it.
    pub(crate) fn add(&mut self, step: Step, now: Instant) -> Option<Action> {
        let trigger = match step.when {
            None => return Some(step.action),
            Some(When::Ready) => Trigger::Ready,
            Some(When::Messages(count)) => self.after(Counted::Messages, count),
            Some(When::Requests(count)) => self.after(Counted::Requests, count),
            Some(When::Commands(count)) => self.after(Counted::Commands, count),
            Some(When::Manageability(count)) => self.after(Counted::Manageability, count),
            Some(When::Ms(ms)) => Trigger::At(now + Duration::from_millis(ms)),
        };
        self.waiting.push((trigger, step.action));
        self.find_next();
        None
    }

    /// Counts one of these.
    pub(crate) fn count(&mut self, counted: Counted) {
        self.counts[counted as usize] += 1;
    }

    /// Whether a step waits for exactly what has come.
    pub(crate) fn is_count_due(&self) -> bool {
        self.counts.iter().zip(&self.next).any(|(count, next)| count >= next)
    }

    /// The actions that are due, in the order in which they were given.
    pub(crate) fn due(&mut self, now: Instant, ready: bool) -> Vec<Action> {
        let counts = self.counts;
        let is_due = |trigger: Trigger| match trigger {
            Trigger::Ready => ready,
            Trigger::Count(counted, count) => counts[counted as usize] >= count,
            Trigger::At(time) => time <= now,
        };
        let due: Vec<_> =
            self.waiting.extract_if(.., |(trigger, _)| is_due(*trigger)).map(|(_, action)| action).collect();
        if !due.is_empty() {
            self.find_next();
        }
        due
    }

    /// When a step is due by time.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.waiting
            .iter()
            .filter_map(|(trigger, _)| if let Trigger::At(time) = trigger { Some(*time) } else { None })
            .min()
    }

    /// Whether nothing waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Forgets every waiting step.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
        self.find_next();
    }

    fn after(&self, counted: Counted, count: u64) -> Trigger {
        Trigger::Count(counted, self.counts[counted as usize].saturating_add(count))
    }

    fn find_next(&mut self) {
        self.next = [u64::MAX; 4];
        for (trigger, _) in &self.waiting {
            if let Trigger::Count(counted, count) = trigger {
                let next = &mut self.next[*counted as usize];
                *next = (*count).min(*next);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_is_due_at_its_message_and_only_once() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.count(Counted::Messages);
        assert!(
            schedule.add(Step { action: Action::LinkReset, when: Some(When::Messages(2)) }, now).is_none()
        );
        schedule.count(Counted::Messages);
        schedule.count(Counted::Requests);
        schedule.count(Counted::Commands);
        assert!(!schedule.is_count_due(), "each is counted for itself");
        schedule.count(Counted::Messages);
        assert!(schedule.is_count_due());
        assert_eq!(schedule.due(now, false), [Action::LinkReset]);
        assert!(!schedule.is_count_due() && schedule.is_empty());
    }

    #[test]
    fn steps_wait_for_readiness_and_for_time() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.add(Step { action: Action::Restart, when: Some(When::Ready) }, now);
        schedule.add(Step { action: Action::LinkReset, when: Some(When::Ms(5)) }, now);
        assert_eq!(schedule.add(Step { action: Action::Resume, when: None }, now), Some(Action::Resume));
        assert_eq!(schedule.due(now, false), []);
        assert_eq!(schedule.deadline(), Some(now + Duration::from_millis(5)));
        assert_eq!(schedule.due(now, true), [Action::Restart]);
        assert_eq!(schedule.due(now + Duration::from_millis(5), true), [Action::LinkReset]);
    }
}
