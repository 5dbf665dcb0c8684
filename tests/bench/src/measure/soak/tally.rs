//! What became of the exchanges, and which failures a reset of the link excuses.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use amtd_harness::http::HttpError;

/// How long after a reset of the link exchanges may still fail by it.
pub(super) const RECOVERY: Duration = Duration::from_secs(5);

/// Why an exchange failed.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It was cut, refused or not answered, and the client was told so.
    Failed(anyhow::Error),
    /// The client was made to believe something wrong. Nothing excuses that.
    Wrong(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        let error = error.into();
        match error.downcast_ref() {
            Some(HttpError::Malformed(_)) => Self::Wrong(error),
            _ => Self::Failed(error),
        }
    }
}

/// The books. Shared by all clients.
#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Books>);

#[derive(Debug, Default)]
struct Books {
    counts: Counts,
    resets: Vec<Instant>,
}

/// What they come to.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// By kind of work.
    pub(super) done: BTreeMap<&'static str, u64>,
    pub(super) resets: u64,
    pub(super) excused: u64,
    pub(super) failed: u64,
    pub(super) wrong: u64,
    pub(super) reasons: Vec<String>,
}

impl Tally {
    /// The link will be reset now.
    pub(super) fn reset_begins(&self) {
        let mut books = self.lock();
        books.resets.push(Instant::now());
        books.counts.resets += 1;
    }

    /// An exchange that began at `start` is over.
    pub(super) fn note(&self, work: &'static str, start: Instant, outcome: Result<(), Trouble>) {
        let excused = self.is_excused(start, Instant::now());
        let mut books = self.lock();
        let counts = &mut books.counts;
        match outcome {
            Ok(()) => *counts.done.entry(work).or_default() += 1,
            Err(Trouble::Failed(_)) if excused => counts.excused += 1,
            Err(Trouble::Failed(error)) => {
                counts.failed += 1;
                counts.reasons.push(format!("{work}: {error:#}"));
            }
            Err(Trouble::Wrong(error)) => {
                counts.wrong += 1;
                counts.reasons.push(format!("{work}: WRONG: {error:#}"));
            }
        }
    }

    /// Something else went wrong.
    pub(super) fn defect(&self, what: String) {
        let mut books = self.lock();
        books.counts.failed += 1;
        books.counts.reasons.push(what);
    }

    /// Whether the link was lost, or coming back, in this time.
    pub(super) fn is_excused(&self, from: Instant, to: Instant) -> bool {
        self.lock().resets.iter().any(|reset| *reset <= to && *reset + RECOVERY >= from)
    }

    pub(super) fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Books> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn a_reset_excuses_what_it_cut_and_nothing_else() {
        let tally = Tally::default();
        let before = Instant::now();
        tally.note("get", before, Err(anyhow!("cut").into()));
        tally.reset_begins();
        tally.note("get", before, Err(anyhow!("cut").into()));
        tally.note("get", before, Err(HttpError::Malformed("wrong content".into()).into()));
        let counts = tally.counts();
        assert_eq!((counts.failed, counts.excused, counts.wrong), (1, 1, 1));
        let later = Instant::now() + RECOVERY + Duration::from_secs(1);
        assert!(!tally.is_excused(later, later));
    }
}
