//! The two shapes of armed misbehaviour: a fault for the next so many occasions, and a hold that lasts for a time.

use std::time::{Duration, Instant};

/// Faults, each for a number of occasions, used up in the order in which they were armed.
#[derive(Debug)]
pub(crate) struct Armed<T> {
    faults: Vec<(T, u32)>,
}

impl<T> Default for Armed<T> {
    fn default() -> Self {
        Self { faults: Vec::new() }
    }
}

impl<T: Clone> Armed<T> {
    /// Arms `fault` for the next `count` occasions.
    pub(crate) fn arm(&mut self, fault: T, count: u32) {
        if count > 0 {
            self.faults.push((fault, count));
        }
    }

    /// Uses up one occasion of the oldest fault that fits.
    pub(crate) fn take(&mut self, fits: impl Fn(&T) -> bool) -> Option<T> {
        let index = self.faults.iter().position(|(fault, _)| fits(fault))?;
        Some(self.use_up(index))
    }

    /// Uses up one occasion of every fault.
    pub(crate) fn take_each(&mut self) -> Vec<T> {
        (0..self.faults.len()).rev().map(|index| self.use_up(index)).collect()
    }

    fn use_up(&mut self, index: usize) -> T {
        let (fault, left) = &mut self.faults[index];
        *left -= 1;
        if *left == 0 { self.faults.remove(index).0 } else { fault.clone() }
    }
}

/// Something that is held up: not at all, until a time, or until it is released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Hold {
    /// Not held.
    #[default]
    Off,
    /// Held until then.
    Until(Instant),
    /// Held until released.
    On,
}

impl Hold {
    /// A hold from `now` for `ms` milliseconds, or until released.
    pub(crate) fn start(now: Instant, ms: Option<u64>) -> Self {
        ms.map_or(Self::On, |ms| Self::Until(now + Duration::from_millis(ms)))
    }

    /// Whether it holds at `now`.
    pub(crate) fn is_on(self, now: Instant) -> bool {
        match self {
            Self::Off => false,
            Self::Until(end) => now < end,
            Self::On => true,
        }
    }

    /// When it ends by itself, if it holds at `now`.
    pub(crate) fn ends(self, now: Instant) -> Option<Instant> {
        match self {
            Self::Until(end) if now < end => Some(end),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_used_up_in_order_and_only_by_those_they_fit() {
        let mut armed = Armed::default();
        armed.arm('a', 2);
        armed.arm('b', 1);
        armed.arm('c', 0);
        assert_eq!(armed.take(|fault| *fault == 'b'), Some('b'));
        assert_eq!(
            (armed.take(|_| true), armed.take(|_| true), armed.take(|_| true)),
            (Some('a'), Some('a'), None)
        );
    }

    #[test]
    fn each_fault_of_a_session_is_used_up_once() {
        let mut armed = Armed::default();
        armed.arm(1, 1);
        armed.arm(2, 2);
        let mut first = armed.take_each();
        first.sort_unstable();
        assert_eq!((first, armed.take_each()), (vec![1, 2], vec![2]));
    }

    #[test]
    fn hold_ends_by_time_or_never() {
        let now = Instant::now();
        let later = now + Duration::from_millis(5);
        assert!(Hold::start(now, Some(5)).is_on(now) && !Hold::start(now, Some(5)).is_on(later));
        assert!(Hold::start(now, None).is_on(later) && !Hold::Off.is_on(now));
        assert_eq!(Hold::start(now, Some(5)).ends(now), Some(later));
    }
}
