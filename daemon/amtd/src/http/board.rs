//! The current status: asked for on each request, and remembered in case the driver does not answer.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::time::{Instant, timeout};

use crate::status::Status;

/// Provides the status.
pub trait StatusSource: Clone + Send + Sync + 'static {
    /// The status at this moment; `None` if the driver has ended. [`Board`] sets the deadline.
    fn ask(&self) -> impl Future<Output = Option<Status>> + Send;

    /// The status as far as it is known without the driver.
    fn known(&self) -> Status;
}

/// Answers within a time limit, even if the source does not.
#[derive(Debug, Clone)]
pub struct Board<S> {
    source: S,
    limit: Duration,
    began: Instant,
    /// The last answer. Locked for a copy only, never across a wait.
    last: Arc<Mutex<Option<(Status, Instant)>>>,
}

impl<S: StatusSource> Board<S> {
    /// A board that waits at most `limit` for the source.
    pub fn new(source: S, limit: Duration) -> Self {
        Self { source, limit, began: Instant::now(), last: Arc::default() }
    }

    /// The current status. If the source does not answer in time, the last known status, marked with its age.
    pub async fn look(&self) -> Status {
        let status = match timeout(self.limit, self.source.ask()).await {
            Ok(Some(status)) => {
                self.remember(&status);
                status
            }
            Ok(None) | Err(_) => self.remembered(),
        };
        status.with_health()
    }

    fn remember(&self, status: &Status) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((status.clone(), Instant::now()));
    }

    fn remembered(&self) -> Status {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (status, at) = last.unwrap_or_else(|| (self.source.known(), self.began));
        Status { stale_seconds: Some(at.elapsed().as_secs()), ..status }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;
    use crate::status::Link;

    #[derive(Clone, Default)]
    struct Source {
        stuck: Arc<Mutex<bool>>,
    }

    impl StatusSource for Source {
        async fn ask(&self) -> Option<Status> {
            if *self.stuck.lock().unwrap() {
                pending::<()>().await;
            }
            Some(Status { link: Link { detail: "asked".into(), ..Link::default() }, ..Status::default() })
        }

        fn known(&self) -> Status {
            Status { link: Link { detail: "known".into(), ..Link::default() }, ..Status::default() }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_stuck_driver_is_answered_for_with_what_it_last_said_and_its_age() {
        let source = Source::default();
        let board = Board::new(source.clone(), Duration::from_secs(1));
        let fresh = board.look().await;
        assert_eq!((fresh.link.detail.as_str(), fresh.stale_seconds), ("asked", None));
        *source.stuck.lock().unwrap() = true;
        tokio::time::advance(Duration::from_secs(9)).await;
        let stale = board.look().await;
        assert_eq!((stale.link.detail.as_str(), stale.stale_seconds), ("asked", Some(10)));
        assert_eq!(stale.health[0].code, "driver-stuck");
        *source.stuck.lock().unwrap() = false;
        assert_eq!(board.look().await.stale_seconds, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_driver_that_never_answered_is_answered_for_with_what_is_known_without_it() {
        let source = Source::default();
        *source.stuck.lock().unwrap() = true;
        let status = Board::new(source, Duration::from_secs(1)).look().await;
        assert_eq!((status.link.detail.as_str(), status.stale_seconds), ("known", Some(1)));
    }
}
