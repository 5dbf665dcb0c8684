//! Limits the rate of warnings that clients or firmware can provoke: each cause is logged once a minute, so that nobody can
//! fill the disk or hide other trouble in a flood.
//!
//! This only decides whether to log. The caller writes the warning.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The same cause is logged at most once in this time.
const EVERY: Duration = Duration::from_secs(60);
/// Different causes that are remembered within that time. Further ones are not logged.
const CAUSES: usize = 256;

/// The recent warnings, by cause. Clones share them.
#[derive(Debug)]
pub(crate) struct Complaints<C>(Arc<Mutex<HashMap<C, Logged>>>);

#[derive(Debug)]
struct Logged {
    at: Instant,
    /// How often the cause came since then without being logged.
    silent: u64,
}

impl<C> Clone for Complaints<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> Default for Complaints<C> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<C: Eq + Hash> Complaints<C> {
    /// Whether to log this cause now. If so, returns how often it came unlogged before.
    pub(crate) fn due(&self, cause: C, now: Instant) -> Option<u64> {
        // A change cannot be interrupted by a panic.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_old = |logged: &Logged| now.saturating_duration_since(logged.at) >= EVERY;
        if let Some(logged) = known.get_mut(&cause) {
            if !is_old(logged) {
                logged.silent = logged.silent.saturating_add(1);
                return None;
            }
            logged.at = now;
            return Some(std::mem::take(&mut logged.silent));
        }
        if known.len() >= CAUSES {
            known.retain(|_, logged| !is_old(logged));
        }
        let has_room = known.len() < CAUSES;
        if has_room {
            known.insert(cause, Logged { at: now, silent: 0 });
        }
        has_room.then_some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_logged_once_a_minute_and_counted() {
        let (complaints, start) = (Complaints::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(complaints.due("full", start), Some(0));
        for _ in 0..1000 {
            assert_eq!(complaints.due("full", at(59)), None);
        }
        assert_eq!(complaints.due("full", at(60)), Some(1000));
        assert_eq!(complaints.due("full", at(61)), None);
    }

    #[test]
    fn a_flood_hides_no_other_trouble() {
        let (complaints, now) = (Complaints::default(), Instant::now());
        assert_eq!(complaints.due("flood", now), Some(0));
        assert_eq!(complaints.due("flood", now), None);
        assert_eq!(complaints.due("other", now), Some(0));
    }

    #[test]
    fn ever_new_causes_are_bounded_and_make_room_after_a_minute() {
        let (complaints, now) = (Complaints::default(), Instant::now());
        let logged = (0..10 * CAUSES).filter(|cause| complaints.due(*cause, now).is_some()).count();
        assert_eq!(logged, CAUSES);
        assert_eq!(complaints.0.lock().unwrap().len(), CAUSES);
        assert_eq!(complaints.due(usize::MAX, now + EVERY), Some(0));
    }
}
