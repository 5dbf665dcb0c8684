//! Everything that a process has said so far: its log lines, what it notified, and whether it has ended. Written by the threads
//! that [`Process`](crate::Process) and the notify socket own; read, and waited on, by everybody else.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lines kept; the oldest go first.
const MAX_LINES: usize = 20_000;
/// Notifications kept; the oldest go first.
const MAX_NOTICES: usize = 4_096;
/// Lines that an error message shows.
const TAIL: usize = 40;

/// The record of one process. Shared between threads.
#[derive(Debug, Default)]
pub struct Journal {
    entries: Mutex<Entries>,
    changed: Condvar,
}

/// What was recorded.
#[derive(Debug, Default)]
pub struct Entries {
    lines: VecDeque<String>,
    notices: VecDeque<String>,
    /// Notices before the oldest that is kept.
    forgotten_notices: usize,
    ended: bool,
}

impl Entries {
    /// Lines of stdout and stderr, oldest first.
    pub fn lines(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.lines.iter().map(String::as_str)
    }

    /// Assignments sent to the notify socket (`READY=1`, `STATUS=...`), oldest first.
    pub fn notices(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.notices.iter().map(String::as_str)
    }

    /// Those of the [`notices`](Self::notices) that came after the first `mark`.
    pub fn notices_since(&self, mark: usize) -> impl Iterator<Item = &str> {
        self.notices().skip(mark.saturating_sub(self.forgotten_notices))
    }

    /// How many notices have come so far.
    #[must_use]
    pub fn mark(&self) -> usize {
        self.forgotten_notices + self.notices.len()
    }

    /// Whether the process has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended
    }
}

impl Journal {
    /// Waits until `look` finds what it looks for in the record, which may be there already. None when `limit` has passed.
    pub fn wait<T>(&self, limit: Duration, mut look: impl FnMut(&Entries) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut entries = self.lock();
        loop {
            if let Some(found) = look(&entries) {
                return Some(found);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            entries = self.changed.wait_timeout(entries, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Looks at the record as it is now.
    pub fn read<T>(&self, look: impl FnOnce(&Entries) -> T) -> T {
        look(&self.lock())
    }

    /// The whole log.
    #[must_use]
    pub fn text(&self) -> String {
        self.read(|entries| entries.lines().fold(String::new(), |text, line| text + line + "\n"))
    }

    /// The last lines of the log, indented, for an error message.
    #[must_use]
    pub fn tail(&self) -> String {
        let tail = self.read(|entries| {
            let from = entries.lines.len().saturating_sub(TAIL);
            entries.lines().skip(from).map(|line| format!("  {line}")).collect::<Vec<_>>()
        });
        if tail.is_empty() { "  (it has written nothing)".to_owned() } else { tail.join("\n") }
    }

    pub(crate) fn line(&self, line: String) {
        self.change(|entries| {
            push(&mut entries.lines, line, MAX_LINES);
        });
    }

    pub(crate) fn notice(&self, notice: String) {
        self.change(|entries| entries.forgotten_notices += push(&mut entries.notices, notice, MAX_NOTICES));
    }

    pub(crate) fn end(&self) {
        self.change(|entries| entries.ended = true);
    }

    fn change(&self, change: impl FnOnce(&mut Entries)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    /// A panic of another thread leaves the record usable: each change is one step.
    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns how many items had to go for the new one.
fn push(queue: &mut VecDeque<String>, item: String, limit: usize) -> usize {
    let forgotten = if queue.len() == limit { queue.pop_front().map_or(0, |_| 1) } else { 0 };
    queue.push_back(item);
    forgotten
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_sees_what_was_said_before_the_wait_began() {
        let journal = Journal::default();
        journal.line("early".to_owned());
        assert_eq!(
            journal.wait(Duration::ZERO, |said| said.lines().last().map(str::to_owned)),
            Some("early".into())
        );
    }

    #[test]
    fn waiting_is_woken_by_another_thread() {
        let journal = Journal::default();
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| journal.wait(crate::PATIENCE, |said| said.ended().then_some(())));
            journal.end();
            assert_eq!(waiter.join().unwrap(), Some(()));
        });
    }

    #[test]
    fn a_talkative_process_does_not_grow_the_record_without_bound() {
        let journal = Journal::default();
        (0..MAX_LINES + 5).for_each(|n| journal.line(n.to_string()));
        assert_eq!(journal.read(|said| said.lines().count()), MAX_LINES);
        assert_eq!(journal.read(|said| said.lines().next().map(str::to_owned)), Some("5".into()));
    }

    #[test]
    fn a_mark_keeps_its_meaning_when_old_notices_are_forgotten() {
        let journal = Journal::default();
        (0..MAX_NOTICES + 5).for_each(|n| journal.notice(n.to_string()));
        let mark = journal.read(Entries::mark);
        journal.notice("new".to_owned());
        let since = journal.read(|said| said.notices_since(mark).map(str::to_owned).collect::<Vec<_>>());
        assert_eq!((mark, since), (MAX_NOTICES + 5, vec!["new".to_owned()]));
    }
}
