//! The one policy by which this crate tries again (amthi 9, wsman 1): how often, after which pause, and until when.
//! Used by `ask` for host clients and by `wsman` for requests; which errors deserve another attempt is theirs to say.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

/// How often something is tried, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all; 0 is taken for 1.
    pub attempts: u32,
    /// Pause after the first attempt; after the n-th it is n times as long.
    pub pause: Duration,
    /// The longest pause.
    pub max_pause: Duration,
    /// How long one attempt may take, from opening the connection to the end of the answer.
    pub limit: Duration,
    /// How long all attempts and pauses may take together.
    pub deadline: Duration,
}

/// For host clients: another program lets go of the interface within some seconds (amthi 9). One that asks all the time lets
/// go for a moment only, which is found by looking often, not by looking long.
impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 40,
            pause: Duration::from_millis(100),
            max_pause: Duration::from_secs(1),
            limit: Duration::from_secs(15),
            deadline: Duration::from_secs(60),
        }
    }
}

impl RetryPolicy {
    /// One attempt of at most `limit`.
    pub const fn once(limit: Duration) -> Self {
        Self { attempts: 1, pause: Duration::ZERO, max_pause: Duration::ZERO, limit, deadline: limit }
    }

    /// One attempt that has a limit of its own.
    pub const ONCE: Self = Self::once(Duration::ZERO);

    /// As many attempts as there is time for, with pauses that grow from `pause` to `max_pause`. For polling: soon at
    /// first, so that a quick change costs no wait, then less and less often.
    pub const fn until(deadline: Duration, pause: Duration, max_pause: Duration) -> Self {
        Self { attempts: u32::MAX, pause, max_pause, limit: deadline, deadline }
    }

    /// Starts the clock.
    pub(crate) fn start(&self) -> Attempts {
        let now = Instant::now();
        // A deadline that time cannot express is as good as a year.
        let end = now.checked_add(self.deadline.min(A_YEAR)).unwrap_or(now);
        Attempts { policy: *self, made: 0, end }
    }
}

/// The attempts at one thing.
#[derive(Debug)]
pub(crate) struct Attempts {
    policy: RetryPolicy,
    made: u32,
    end: Instant,
}

impl Attempts {
    /// Runs one attempt within what is left of the time. `None` when that has passed.
    pub(crate) async fn limited<T>(&mut self, attempt: impl Future<Output = T>) -> Option<T> {
        let end = Instant::now().checked_add(self.policy.limit).map_or(self.end, |end| end.min(self.end));
        timeout_at(end, attempt).await.ok()
    }

    /// The limit of one attempt, for messages.
    pub(crate) fn limit(&self) -> Duration {
        self.policy.limit.min(self.policy.deadline)
    }

    /// Pauses before the next attempt. `false`, at once, if there is to be none.
    pub(crate) async fn again(&mut self) -> bool {
        self.made = self.made.saturating_add(1);
        if self.made >= self.policy.attempts {
            return false;
        }
        let pause = self.policy.pause.saturating_mul(self.made).min(self.policy.max_pause);
        if Instant::now().checked_add(pause).is_none_or(|end| end >= self.end) {
            return false;
        }
        sleep(pause).await;
        true
    }
}

const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        attempts: 4,
        pause: Duration::from_secs(1),
        max_pause: Duration::from_secs(2),
        limit: Duration::from_secs(3),
        deadline: Duration::from_secs(60),
    };

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_to_their_bound_and_attempts_end() {
        let start = Instant::now();
        let mut attempts = POLICY.start();
        let mut pauses = Vec::new();
        while attempts.again().await {
            pauses.push(start.elapsed().as_secs());
        }
        assert_eq!(pauses, [1, 3, 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_by_itself_is_looked_for_soon_then_seldom_and_never_past_its_time() {
        let policy =
            RetryPolicy::until(Duration::from_secs(5), Duration::from_millis(100), Duration::from_secs(1));
        let start = Instant::now();
        let mut attempts = policy.start();
        let mut looks = Vec::new();
        while attempts.again().await {
            looks.push(start.elapsed().as_millis());
        }
        assert_eq!(looks, [100, 300, 600, 1000, 1500, 2100, 2800, 3600, 4500]);
    }

    #[tokio::test(start_paused = true)]
    async fn no_pause_reaches_past_the_deadline() {
        let mut attempts = RetryPolicy { deadline: Duration::from_secs(2), ..POLICY }.start();
        assert!(attempts.again().await);
        let before = Instant::now();
        assert!(!attempts.again().await);
        assert_eq!(before, Instant::now(), "given up at once, not after the pause");
    }

    #[tokio::test(start_paused = true)]
    async fn an_attempt_that_never_ends_is_cut_at_its_limit_and_at_the_deadline() {
        let start = Instant::now();
        let mut attempts = RetryPolicy { deadline: Duration::from_secs(4), ..POLICY }.start();
        assert_eq!(attempts.limited(std::future::pending::<()>()).await, None);
        assert_eq!(start.elapsed().as_secs(), 3);
        assert_eq!(attempts.limited(std::future::pending::<()>()).await, None);
        assert_eq!(start.elapsed().as_secs(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn limits_beyond_what_time_can_express_are_no_overflow() {
        let policy = RetryPolicy { limit: Duration::MAX, deadline: Duration::MAX, ..POLICY };
        assert_eq!(policy.start().limited(async { 5 }).await, Some(5));
    }
}
