//! A timer that is seldom re-armed: it may fire early, but never late.
//!
//! The deadlines of a busy connection move with every byte, and re-arming a runtime timer each time would cost more than
//! moving the byte. So the timer is only re-armed if it would fire too late. If it fires early, the caller finds that
//! nothing is due.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::time::{Sleep, sleep_until};

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct Wake {
    sleep: Option<Pin<Box<Sleep>>>,
    armed: bool,
}

impl Wake {
    /// Makes sure that [`Self::wait`] returns at `at` at the latest; `None` sets no limit.
    pub(crate) fn set(&mut self, at: Option<Instant>) {
        if self.covers(at) {
            return;
        }
        let Some(at) = at.map(tokio::time::Instant::from_std) else { return };
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(at),
            None => self.sleep = Some(Box::pin(sleep_until(at))),
        }
        self.armed = true;
    }

    /// Whether [`Self::wait`] already returns at `at` at the latest.
    pub(crate) fn covers(&self, at: Option<Instant>) -> bool {
        let Some(at) = at.map(tokio::time::Instant::from_std) else { return true };
        self.sleep.as_ref().is_some_and(|sleep| self.armed && sleep.deadline() <= at)
    }

    /// Waits for the time that was set, or for an earlier one that was set before.
    pub(crate) async fn wait(&mut self) {
        poll_fn(|cx| self.poll(cx)).await;
    }

    /// The same, without an async context.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(sleep) = self.sleep.as_mut().filter(|_| self.armed) {
            ready!(sleep.as_mut().poll(cx));
            self.armed = false;
            return Poll::Ready(());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_deadline_is_never_missed_and_a_later_one_costs_nothing() {
        let (mut wake, start) = (Wake::default(), tokio::time::Instant::now());
        let at = |seconds| Some((start + Duration::from_secs(seconds)).into_std());
        assert!(wake.covers(None) && !wake.covers(at(9)));
        wake.set(at(5));
        wake.set(at(9));
        assert!(wake.covers(at(5)) && wake.covers(at(9)) && !wake.covers(at(4)));
        wake.wait().await;
        assert_eq!(start.elapsed(), Duration::from_secs(5), "early for 9");
        assert!(!wake.covers(at(9)), "it rings once");
        wake.set(at(9));
        wake.set(at(7));
        wake.wait().await;
        assert_eq!(start.elapsed(), Duration::from_secs(7));
    }
}
