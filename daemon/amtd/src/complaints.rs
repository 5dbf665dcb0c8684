//! Trouble that can come in floods, because somebody outside brings it about: logged once per cause and minute, so that
//! nobody can fill the disk with it or hide other trouble behind it.
//!
//! It only says whether to log; what is logged is the business of whoever met the trouble.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often the same trouble is logged at most.
const EVERY: Duration = Duration::from_secs(60);
/// Causes that are told apart within that time. What comes beyond is not logged.
const CAUSES: usize = 256;

/// What was complained of lately, by cause. Clones share it.
#[derive(Debug)]
pub(crate) struct Complaints<C>(Arc<Mutex<HashMap<C, Logged>>>);

#[derive(Debug)]
struct Logged {
    at: Instant,
    /// How often it came since without being logged.
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
    /// Whether to log trouble of this cause now. If so, how often it came unlogged before.
    pub(crate) fn due(&self, cause: C, now: Instant) -> Option<u64> {
        // Each change is made whole before anything could panic.
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
