//! Owns the daemon's tasks: each has a name, is joined, and its end is logged with the reason.
//!
//! The policy is one sentence: a task that serves everybody ([`Role::Essential`]) must not end before the daemon is
//! stopping; if it does, or if it panics, the daemon ends with an error and the service manager starts a fresh one.
//! Nothing is restarted inside the process, because a part that failed in an unforeseen way may have left others in a
//! state that nobody has thought of. A task for one client or one request ([`Role::Passing`]) may end at any time;
//! its panic hurts that client only.

use std::{
    collections::BTreeMap,
    fmt, mem,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tracing::{debug, error, info};

/// What the end of a task means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The daemon cannot be without it.
    Essential,
    /// It comes and goes.
    Passing,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// It returned.
    Returned,
    /// It panicked.
    Panicked,
    /// It was dropped before its end, as when the runtime ends.
    Dropped,
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Returned => "returned",
            Self::Panicked => "panicked",
            Self::Dropped => "was dropped",
        })
    }
}

/// An essential task has ended while the daemon was not stopping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the task {name:?} {how} although the daemon cannot be without it")]
pub struct EssentialEnded {
    /// The task.
    pub name: &'static str,
    /// How it ended.
    pub how: How,
}

type BoxFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Spawns tasks and tracks those that run. Clones share them.
#[derive(Debug, Clone)]
pub struct Supervisor {
    tracker: TaskTracker,
    stopping: CancellationToken,
    failure: Arc<watch::Sender<Option<EssentialEnded>>>,
    /// Tasks that run, by name. Locked for a moment only, never across a wait.
    running: Arc<Mutex<BTreeMap<&'static str, usize>>>,
}

impl Default for Supervisor {
    fn default() -> Self {
        Self::new()
    }
}

impl Supervisor {
    /// One without tasks.
    pub fn new() -> Self {
        Self {
            tracker: TaskTracker::new(),
            stopping: CancellationToken::new(),
            failure: Arc::new(watch::Sender::new(None)),
            running: Arc::default(),
        }
    }

    /// Runs a task. All tasks are spawned here, except clients, of which there may be a thousand, and jobs: the front and the
    /// engine spawn these into sets of their own, and join them.
    pub fn spawn(&self, name: &'static str, role: Role, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn_boxed(name, role, Box::pin(task));
    }

    /// One task type for all, instead of the runtime's code for each.
    fn spawn_boxed(&self, name: &'static str, role: Role, task: BoxFuture) {
        let guard = Guard::new(self.clone(), name, role);
        self.tracker.spawn(async move {
            let mut guard = guard;
            task.await;
            guard.how = How::Returned;
        });
    }

    /// Waits until an essential task has ended although the daemon is not stopping.
    pub async fn failed(&self) -> EssentialEnded {
        let mut failure = self.failure.subscribe();
        match failure.wait_for(Option::is_some).await.map(|ended| *ended) {
            Ok(Some(ended)) => ended,
            // The sender lives in `self`.
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// From now on, essential tasks are expected to end.
    pub fn expect_ends(&self) {
        self.stopping.cancel();
    }

    /// Waits until every task has ended, for at most `limit`. Returns the names of those that have not.
    pub async fn join(&self, limit: Duration) -> Vec<&'static str> {
        self.tracker.close();
        match tokio::time::timeout(limit, self.tracker.wait()).await {
            Ok(()) => Vec::new(),
            Err(_) => self.with_running(|running| running.keys().copied().collect()),
        }
    }

    fn ended(&self, name: &'static str, role: Role, how: How) {
        self.with_running(|running| {
            let left = running.get(name).copied().unwrap_or_default().saturating_sub(1);
            if left == 0 { running.remove(name) } else { running.insert(name, left) }
        });
        let expected = how == How::Returned && (role == Role::Passing || self.stopping.is_cancelled());
        match (expected, role) {
            (true, Role::Essential) => info!(task = name, "task ended"),
            (true, Role::Passing) => debug!(task = name, "task ended"),
            // The runtime drops the last tasks when it ends; `join` has named them already.
            (false, _) if how == How::Dropped => debug!(task = name, "task dropped"),
            (false, _) => error!(task = name, %how, "task ended unexpectedly"),
        }
        if role == Role::Essential && !self.stopping.is_cancelled() {
            self.failure.send_if_modified(|first| {
                let is_first = first.is_none();
                first.get_or_insert(EssentialEnded { name, how });
                is_first
            });
        }
    }

    fn with_running<T>(&self, look: impl FnOnce(&mut BTreeMap<&'static str, usize>) -> T) -> T {
        // The counts are right even if a thread panicked while it held the lock.
        look(&mut self.running.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Reports the end of its task, whether it returns, panics or is dropped.
struct Guard {
    supervisor: Supervisor,
    name: &'static str,
    role: Role,
    how: How,
}

impl Guard {
    fn new(supervisor: Supervisor, name: &'static str, role: Role) -> Self {
        supervisor.with_running(|running| *running.entry(name).or_default() += 1);
        Self { supervisor, name, role, how: How::Dropped }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.how == How::Dropped && std::thread::panicking() {
            self.how = How::Panicked;
        }
        self.supervisor.ended(self.name, self.role, mem::replace(&mut self.how, How::Dropped));
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const SOON: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn the_return_of_an_essential_task_is_a_failure() {
        let supervisor = Supervisor::new();
        supervisor.spawn("driver", Role::Essential, ready(()));
        assert_eq!(supervisor.failed().await, EssentialEnded { name: "driver", how: How::Returned });
    }

    #[tokio::test]
    async fn the_panic_of_an_essential_task_is_a_failure_and_not_a_silence() {
        let supervisor = Supervisor::new();
        supervisor.spawn("front", Role::Essential, async { panic!("a defect, on purpose") });
        let ended = supervisor.failed().await;
        assert_eq!(ended, EssentialEnded { name: "front", how: How::Panicked });
        assert!(ended.to_string().contains("\"front\" panicked"));
    }

    #[tokio::test]
    async fn passing_tasks_may_end_and_panic() {
        let supervisor = Supervisor::new();
        supervisor.spawn("client", Role::Passing, ready(()));
        supervisor.spawn("client", Role::Passing, async { panic!("a defect, on purpose") });
        assert!(supervisor.join(SOON).await.is_empty());
        assert_eq!(*supervisor.failure.borrow(), None);
    }

    #[tokio::test]
    async fn while_stopping_every_end_is_expected() {
        let supervisor = Supervisor::new();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        supervisor.spawn("driver", Role::Essential, async move { stopped.cancelled().await });
        supervisor.expect_ends();
        stop.cancel();
        assert!(supervisor.join(SOON).await.is_empty());
        assert_eq!(*supervisor.failure.borrow(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_task_that_does_not_end_is_named() {
        let supervisor = Supervisor::new();
        supervisor.spawn("stuck", Role::Essential, pending());
        supervisor.spawn("done", Role::Passing, ready(()));
        supervisor.expect_ends();
        assert_eq!(supervisor.join(SOON).await, ["stuck"]);
    }
}
