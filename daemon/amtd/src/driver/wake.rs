//! A timer that is seldom re-armed: it may fire early, never late.
//!
//! Deadlines of a busy connection move with every byte. Re-arming a runtime timer for each would cost more than the
//! bytes do, so it is left alone unless it would fire too late; an early one only means a look that finds nothing.

use std::{future::pending, pin::Pin, time::Instant};

use tokio::time::{Sleep, sleep_until};

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Wake {
    sleep: Option<Pin<Box<Sleep>>>,
    wanted: bool,
}

impl Wake {
    /// Makes sure that [`Self::wait`] returns at `at` at the latest; `None` is never.
    pub(crate) fn set(&mut self, at: Option<Instant>) {
        self.wanted = at.is_some();
        let Some(at) = at.map(tokio::time::Instant::from_std) else { return };
        match &mut self.sleep {
            Some(sleep) if !sleep.is_elapsed() && sleep.deadline() <= at => {}
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(sleep_until(at))),
        }
    }

    /// Waits for the moment that was set, or for an earlier one that was set before.
    pub(crate) async fn wait(&mut self) {
        match &mut self.sleep {
            Some(sleep) if self.wanted => sleep.as_mut().await,
            _ => pending().await,
        }
    }
}
