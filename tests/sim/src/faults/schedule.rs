//! Steps that wait: for a time, for a number of messages from the host, or for a session to be ready.

use std::time::{Duration, Instant};

use super::{Action, Step, When};

/// The waiting steps.
#[derive(Debug)]
pub(crate) struct Schedule {
    waiting: Vec<(Trigger, Action)>,
    /// Port forwarding messages from the host so far.
    messages: u64,
    /// The least number of messages that a step waits for.
    next_message: u64,
}

#[derive(Debug, Clone, Copy)]
enum Trigger {
    Ready,
    Messages(u64),
    At(Instant),
}

impl Default for Schedule {
    fn default() -> Self {
        Self { waiting: Vec::new(), messages: 0, next_message: u64::MAX }
    }
}

impl Schedule {
    /// Returns the action of `step` if it is due at once, else keeps it.
    pub(crate) fn add(&mut self, step: Step, now: Instant) -> Option<Action> {
        let trigger = match step.when {
            None => return Some(step.action),
            Some(When::Ready) => Trigger::Ready,
            Some(When::Messages(count)) => Trigger::Messages(self.messages.saturating_add(count)),
            Some(When::Ms(ms)) => Trigger::At(now + Duration::from_millis(ms)),
        };
        self.waiting.push((trigger, step.action));
        self.find_next_message();
        None
    }

    /// Counts a message from the host.
    pub(crate) fn count_message(&mut self) {
        self.messages += 1;
    }

    /// Whether a step waits for exactly the messages that have come.
    pub(crate) fn is_message_due(&self) -> bool {
        self.messages >= self.next_message
    }

    /// The actions that are due, in the order in which they were given.
    pub(crate) fn due(&mut self, now: Instant, ready: bool) -> Vec<Action> {
        let messages = self.messages;
        let is_due = |trigger: Trigger| match trigger {
            Trigger::Ready => ready,
            Trigger::Messages(count) => messages >= count,
            Trigger::At(time) => time <= now,
        };
        let due: Vec<_> =
            self.waiting.extract_if(.., |(trigger, _)| is_due(*trigger)).map(|(_, action)| action).collect();
        if !due.is_empty() {
            self.find_next_message();
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
        self.find_next_message();
    }

    fn find_next_message(&mut self) {
        let counts = self.waiting.iter().filter_map(|(trigger, _)| match trigger {
            Trigger::Messages(count) => Some(*count),
            Trigger::Ready | Trigger::At(_) => None,
        });
        self.next_message = counts.min().unwrap_or(u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn step_is_due_at_its_message_and_only_once() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        schedule.count_message();
        assert!(
            schedule.add(Step { action: Action::LinkReset, when: Some(When::Messages(2)) }, now).is_none()
        );
        schedule.count_message();
        assert!(!schedule.is_message_due());
        schedule.count_message();
        assert!(schedule.is_message_due());
        assert_eq!(schedule.due(now, false), [Action::LinkReset]);
        assert!(!schedule.is_message_due() && schedule.is_empty());
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
