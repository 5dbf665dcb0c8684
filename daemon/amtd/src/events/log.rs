//! The memory of events, and reading from it.
//!
//! Each event has a number, from 1. A cursor names the run of the daemon and the last event that was read.

use std::{
    collections::VecDeque,
    fmt,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use tokio::sync::watch;

use super::Event;

/// What remembered events may weigh together, in bytes: alerts can be long.
const MAX_WEIGHT: usize = 256 * 1024;

/// The memory. Clones share it.
#[derive(Debug, Clone)]
pub struct Log {
    memory: Arc<Mutex<Memory>>,
    /// The number of the last event: a hint to readers that there is news.
    last: Arc<watch::Sender<u64>>,
    run: Run,
}

#[derive(Debug)]
struct Memory {
    events: VecDeque<Entry>,
    capacity: usize,
    weight: usize,
    /// The number of the last event; 0 before the first.
    last: u64,
}

#[derive(Debug, Clone)]
struct Entry {
    at: SystemTime,
    event: Event,
}

/// One life of the daemon, told from others by when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run(u64);

/// Where reading begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// With the next event.
    Now,
    /// With the oldest that is remembered.
    Oldest,
    /// After the event with this cursor.
    After(String),
}

/// What a reader is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Something happened.
    Event {
        /// To go on after this one.
        cursor: String,
        /// When it happened.
        at: SystemTime,
        /// What.
        event: Event,
    },
    /// Events are gone that the reader has not seen.
    Gap {
        /// To go on after the gap.
        cursor: String,
        /// How many; 0 if that cannot be known.
        missed: u64,
        /// Why.
        why: &'static str,
    },
}

/// The text was never a cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a cursor; a cursor comes with each event")]
pub struct CursorError {
    text: String,
}

impl Log {
    /// One that remembers so many events at most.
    #[expect(clippy::disallowed_methods, reason = "a name for this run")]
    pub fn new(capacity: usize) -> Self {
        let began = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let run = Run(u64::try_from(began.as_nanos()).unwrap_or(u64::MAX));
        let memory = Memory { events: VecDeque::new(), capacity, weight: 0, last: 0 };
        Self { memory: Arc::new(Mutex::new(memory)), last: Arc::new(watch::Sender::new(0)), run }
    }

    /// Something happened.
    pub fn push(&self, event: Event) {
        let number = self.with(|memory| memory.push(event));
        // `send` would forget the number while nobody reads.
        self.last.send_replace(number);
    }

    /// Whether anybody reads at this moment.
    pub fn is_watched(&self) -> bool {
        self.last.receiver_count() > 0
    }

    /// Reads on from a place.
    ///
    /// # Errors
    ///
    /// The text of a cursor was never one.
    pub fn read(&self, start: &Start) -> Result<Reader, CursorError> {
        let news = self.last.subscribe();
        let (oldest, last) = self.with(|memory| (memory.oldest(), memory.last));
        let (next, other_run) = match start {
            Start::Now => (last + 1, false),
            Start::Oldest => (oldest, false),
            Start::After(text) => {
                let cursor: Cursor = text.parse()?;
                let known = cursor.run == self.run && cursor.number <= last;
                if known { (cursor.number + 1, false) } else { (oldest, true) }
            }
        };
        Ok(Reader { log: self.clone(), news, next, other_run })
    }

    fn with<T>(&self, look: impl FnOnce(&mut Memory) -> T) -> T {
        // Each change is made whole before anything could panic.
        look(&mut self.memory.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn cursor(&self, number: u64) -> String {
        Cursor { run: self.run, number }.to_string()
    }
}

impl Memory {
    fn push(&mut self, event: Event) -> u64 {
        self.weight += event.weight();
        self.events.push_back(Entry { at: SystemTime::now(), event });
        while self.events.len() > self.capacity || (self.weight > MAX_WEIGHT && self.events.len() > 1) {
            let gone = self.events.pop_front();
            self.weight -= gone.map_or(0, |entry| entry.event.weight());
        }
        self.last += 1;
        self.last
    }

    /// The number of the oldest event that is remembered, or of the next if there is none.
    fn oldest(&self) -> u64 {
        self.last + 1 - self.events.len() as u64
    }

    fn entry(&self, number: u64) -> Option<&Entry> {
        let place = number.checked_sub(self.oldest())?;
        self.events.get(usize::try_from(place).ok()?)
    }
}

/// Reads events in order, each once.
#[derive(Debug)]
pub struct Reader {
    log: Log,
    news: watch::Receiver<u64>,
    next: u64,
    /// The cursor was of another run of the daemon, which is still to be told.
    other_run: bool,
}

impl Reader {
    /// What comes next; waits for it.
    pub async fn next(&mut self) -> Told {
        loop {
            // Marked as seen before looking, so that what comes in between wakes.
            self.news.mark_unchanged();
            if let Some(told) = self.look() {
                return told;
            }
            // The log that this reader holds has the sender.
            let _ = self.news.changed().await;
        }
    }

    fn look(&mut self) -> Option<Told> {
        let log = self.log.clone();
        log.with(|memory| {
            let oldest = memory.oldest();
            if self.other_run {
                self.other_run = false;
                let why = "the daemon was restarted";
                return Some(Told::Gap { cursor: log.cursor(self.next - 1), missed: 0, why });
            }
            if self.next < oldest {
                let missed = oldest - self.next;
                self.next = oldest;
                let why = "they are no longer remembered";
                return Some(Told::Gap { cursor: log.cursor(oldest - 1), missed, why });
            }
            let Entry { at, event } = memory.entry(self.next)?.clone();
            self.next += 1;
            Some(Told::Event { cursor: log.cursor(self.next - 1), at, event })
        })
    }
}

struct Cursor {
    run: Run,
    number: u64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.run.0, self.number)
    }
}

impl FromStr for Cursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, CursorError> {
        let parts = text.split_once('-');
        let cursor = parts.and_then(|(run, number)| {
            Some(Self { run: Run(u64::from_str_radix(run, 16).ok()?), number: number.parse().ok()? })
        });
        // A long text is not worth repeating.
        cursor.ok_or_else(|| CursorError { text: text.chars().take(64).collect() })
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use tokio_util::task::TaskTracker;

    use super::*;

    fn fact(value: impl ToString) -> Event {
        Event::Firmware { fact: "version", value: value.to_string() }
    }

    async fn value(reader: &mut Reader) -> (String, String) {
        match reader.next().await {
            Told::Event { cursor, event: Event::Firmware { value, .. }, .. } => (value, cursor),
            other => panic!("{other:?}"),
        }
    }

    async fn missed(reader: &mut Reader) -> u64 {
        match reader.next().await {
            Told::Gap { missed, .. } => missed,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn reading_goes_on_after_the_cursor_without_loss_or_repetition() {
        let log = Log::new(16);
        (1..=5).for_each(|n| log.push(fact(n)));
        let mut reader = log.read(&Start::Oldest).unwrap();
        assert_eq!(value(&mut reader).await.0, "1");
        let (second, cursor) = value(&mut reader).await;
        assert_eq!(second, "2");
        let mut again = log.read(&Start::After(cursor)).unwrap();
        assert_eq!(value(&mut again).await.0, "3");
        assert_eq!(value(&mut reader).await.0, "3");
    }

    #[tokio::test]
    async fn a_reader_that_waits_is_woken_by_the_next_event() {
        let log = Log::new(16);
        log.push(fact("before"));
        let mut reader = log.read(&Start::Now).unwrap();
        let tasks = TaskTracker::new();
        let waiting = tasks.spawn(async move { value(&mut reader).await.0 });
        tokio::task::yield_now().await;
        log.push(fact("after"));
        assert_eq!(waiting.await.unwrap(), "after");
    }

    #[tokio::test]
    async fn a_reader_that_falls_behind_is_told_how_much_it_missed() {
        let log = Log::new(4);
        log.push(fact(0));
        let mut reader = log.read(&Start::Oldest).unwrap();
        let cursor = value(&mut reader).await.1;
        (1..=10).for_each(|n| log.push(fact(n)));
        assert_eq!(missed(&mut reader).await, 6);
        assert_eq!(value(&mut reader).await.0, "7");
        let mut late = log.read(&Start::After(cursor)).unwrap();
        assert_eq!(missed(&mut late).await, 6);
    }

    #[tokio::test]
    async fn a_cursor_from_before_a_restart_begins_with_a_gap() {
        let before = Log { run: Run(1), ..Log::new(4) };
        before.push(fact("old"));
        let mut reader = before.read(&Start::Oldest).unwrap();
        let cursor = value(&mut reader).await.1;
        let log = Log { run: Run(2), ..Log::new(4) };
        log.push(fact("new"));
        let mut reader = log.read(&Start::After(cursor)).unwrap();
        let Told::Gap { cursor, missed: 0, .. } = reader.next().await else { panic!("no gap") };
        assert_eq!(value(&mut reader).await.0, "new");
        let mut again = log.read(&Start::After(cursor)).unwrap();
        assert_eq!(value(&mut again).await.0, "new");
    }

    #[tokio::test]
    async fn long_alerts_do_not_fill_the_memory_of_the_machine() {
        let log = Log::new(1000);
        let alert = || Event::Alert { origin: "x".into(), content: Bytes::from(vec![0; 60 * 1024]) };
        (0..100).for_each(|_| log.push(alert()));
        let (kept, weight) = log.with(|memory| (memory.events.len(), memory.weight));
        assert!(kept >= 1 && weight <= MAX_WEIGHT, "{kept} events, {weight} bytes");
        assert_eq!(missed(&mut log.read(&Start::After(log.cursor(0))).unwrap()).await, 100 - kept as u64);
    }

    #[test]
    fn garbage_in_place_of_a_cursor_is_an_error_and_not_a_beginning() {
        let log = Log::new(4);
        for text in ["x", "1", "1-", "-1", "zz-1", "1-99999999999999999999999", "1-1-1"] {
            let error = log.read(&Start::After(text.into())).unwrap_err().to_string();
            assert!(error.contains("not a cursor"), "{error}");
        }
    }
}
