//! How many heartbeats of one local user are urgent: a bucket of permits that refills with time.
//!
//! An agent asserts its presence every few seconds. A client that floods firmware with assertions would turn the most
//! urgent class into a weapon; what exceeds its pace is served as an ordinary request, and nothing is dropped.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// Users remembered; beyond, those whose bucket is full again are forgotten.
const MAX_PEERS: usize = 1024;

/// The buckets of all local users.
#[derive(Debug)]
pub(super) struct Pace {
    burst: u32,
    every: Duration,
    buckets: HashMap<u32, Bucket>,
}

#[derive(Debug)]
struct Bucket {
    permits: u32,
    /// When the last permit was added, or would have been.
    refilled: Instant,
}

impl Pace {
    /// `burst` permits at once, and one more after each `every`.
    pub(super) fn new(burst: u32, every: Duration) -> Self {
        Self { burst, every, buckets: HashMap::new() }
    }

    /// Takes a permit, if `peer` has one.
    pub(super) fn take(&mut self, now: Instant, peer: u32) -> bool {
        if self.buckets.len() >= MAX_PEERS && !self.buckets.contains_key(&peer) {
            self.forget_the_full(now);
        }
        let (burst, every) = (self.burst, self.every);
        let bucket = self.buckets.entry(peer).or_insert(Bucket { permits: burst, refilled: now });
        bucket.refill(now, burst, every);
        let left = bucket.permits.checked_sub(1);
        bucket.permits = left.unwrap_or(0);
        left.is_some()
    }

    fn forget_the_full(&mut self, now: Instant) {
        let (burst, every) = (self.burst, self.every);
        self.buckets.retain(|_, bucket| {
            bucket.refill(now, burst, every);
            bucket.permits < burst
        });
    }
}

impl Bucket {
    fn refill(&mut self, now: Instant, burst: u32, every: Duration) {
        let passed = now.saturating_duration_since(self.refilled);
        let Some(added) = passed.as_nanos().checked_div(every.as_nanos()) else {
            // A pace without an interval has no limit.
            self.permits = burst.max(1);
            return;
        };
        let added = u32::try_from(added).unwrap_or(u32::MAX);
        self.permits = self.permits.saturating_add(added).min(burst);
        let used = every.saturating_mul(added);
        self.refilled =
            if self.permits == burst { now } else { self.refilled.checked_add(used).unwrap_or(now) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_clock::origin;

    const EVERY: Duration = Duration::from_millis(100);

    #[test]
    fn a_flood_of_one_user_is_not_urgent_and_leaves_others_alone() {
        let (mut pace, now) = (Pace::new(3, EVERY), origin());
        let taken = (0..10).filter(|_| pace.take(now, 1)).count();
        assert_eq!(taken, 3);
        assert!(pace.take(now, 2));
    }

    #[test]
    fn a_steady_heartbeat_is_always_urgent() {
        let (mut pace, mut now) = (Pace::new(1, EVERY), origin());
        for _ in 0..1000 {
            assert!(pace.take(now, 1));
            now += EVERY;
        }
    }

    #[test]
    fn permits_come_back_one_by_one() {
        let (mut pace, now) = (Pace::new(5, EVERY), origin());
        while pace.take(now, 1) {}
        assert!(!pace.take(now + EVERY / 2, 1));
        assert!(pace.take(now + EVERY, 1));
        assert!(!pace.take(now + EVERY + EVERY / 2, 1));
        assert_eq!((0..10).filter(|_| pace.take(now + EVERY * 100, 1)).count(), 5);
    }

    #[test]
    fn the_books_do_not_grow_with_the_number_of_users() {
        let (mut pace, now) = (Pace::new(1, EVERY), origin());
        for peer in 0..10_000 {
            pace.take(now + EVERY * peer, peer);
        }
        assert!(pace.buckets.len() <= MAX_PEERS);
    }

    #[test]
    fn users_that_come_in_crowds_are_forgotten_once_their_permits_are_back() {
        let (mut pace, now) = (Pace::new(1, EVERY), origin());
        let crowd = u32::try_from(MAX_PEERS).unwrap();
        for round in 0..3 {
            for peer in 0..crowd {
                pace.take(now + EVERY * round, crowd * round + peer);
            }
        }
        assert!(pace.buckets.len() <= MAX_PEERS, "{}", pace.buckets.len());
    }

    #[test]
    fn a_crowd_does_not_make_a_flood_urgent_again() {
        let (mut pace, now) = (Pace::new(1, EVERY), origin());
        let crowd = u32::try_from(MAX_PEERS).unwrap();
        assert!(pace.take(now, crowd));
        for peer in 0..crowd {
            pace.take(now, peer);
        }
        assert!(!pace.take(now, crowd), "its permit is not back yet");
    }
}
