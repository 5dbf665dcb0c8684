//! The watchdog ping. The driver's loop sends it itself, so that a stuck loop is noticed.

use std::{
    fmt,
    time::{Duration, Instant},
};

/// Pings a supervisor at an interval, but only from inside the loop.
pub struct Heartbeat {
    every: Option<Duration>,
    due: Instant,
    ping: Box<dyn FnMut() + Send>,
}

impl Heartbeat {
    /// Calls `ping` at most once in `every`; with `None`, never.
    pub fn new(every: Option<Duration>, ping: impl FnMut() + Send + 'static) -> Self {
        Self { every, due: Instant::now(), ping: Box::new(ping) }
    }

    /// When the loop must call [`Self::beat`] next.
    pub(super) fn next(&self) -> Option<Instant> {
        self.every.map(|_| self.due)
    }

    /// Called after each full turn of the loop: pings if it is time.
    pub(super) fn beat(&mut self) {
        let Some(every) = self.every else { return };
        let now = Instant::now();
        if now >= self.due {
            (self.ping)();
            self.due = now + every;
        }
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat").field("every", &self.every).finish_non_exhaustive()
    }
}
