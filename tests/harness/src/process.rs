//! One child process: started, listened to, signalled, measured and cleaned up. Knows nothing of what it runs; [`Sim`](crate::Sim),
//! [`Daemon`](crate::Daemon) and the benchmark's relay are built on it.

use std::io::{self, BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;

use crate::journal::{Entries, Journal};
use crate::{Error, PATIENCE};

/// A running (or ended) child. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    journal: Arc<Journal>,
    threads: Vec<JoinHandle<()>>,
    /// Set once it was reaped: from then on its id may mean another process.
    status: Option<ExitStatus>,
}

impl Process {
    /// Starts `command` with its stdout and stderr going to a journal and nothing on its stdin.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(name: impl Into<String>, command: &mut Command) -> Result<Self, Error> {
        Self::spawn_into(name, command, Arc::default())
    }

    /// Like [`Self::spawn`], with a journal that others write to as well.
    pub(crate) fn spawn_into(
        name: impl Into<String>,
        command: &mut Command,
        journal: Arc<Journal>,
    ) -> Result<Self, Error> {
        let name = name.into();
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.map_err(|source| Error::Spawn { name: name.clone(), source })?;
        let mut threads = vec![watch_end(&child, Arc::clone(&journal))];
        threads.extend(child.stdout.take().map(|pipe| record(pipe, Arc::clone(&journal))));
        threads.extend(child.stderr.take().map(|pipe| record(pipe, Arc::clone(&journal))));
        Ok(Self { name, child, journal, threads, status: None })
    }

    /// Sends a signal. One that has ended by itself takes it silently.
    ///
    /// # Errors
    /// It was waited for and is gone.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        match self.status {
            Some(_) => Err(Errno::ESRCH.into()),
            None => Ok(kill(process_id(&self.child), signal)?),
        }
    }

    /// Waits for the process to end.
    ///
    /// # Errors
    /// It is still running after `limit`.
    pub fn wait_end(&mut self, limit: Duration) -> Result<ExitStatus, Error> {
        match self.journal.wait(limit, |entries| entries.ended().then_some(())) {
            Some(()) => {
                let status = self.child.wait().map_err(Error::file(format!("process {}", self.pid())))?;
                self.status = Some(status);
                // The pipes may still hold its last words.
                self.threads.drain(..).for_each(join);
                Ok(status)
            }
            None => Err(self.timed_out("end", limit)),
        }
    }

    /// Kills it as `kill -9` does, and waits until it is gone.
    ///
    /// # Errors
    /// The kernel does not let it go.
    pub fn kill(&mut self) -> Result<ExitStatus, Error> {
        // An error means that it is gone already; wait_end tells.
        let _ = self.child.kill();
        self.wait_end(PATIENCE)
    }

    /// Waits until `look` finds what it looks for in the journal.
    ///
    /// # Errors
    /// The process ended, or `limit` passed; `awaited` says in the error what was missing.
    pub fn wait_for<T>(
        &mut self,
        awaited: &str,
        limit: Duration,
        mut look: impl FnMut(&Entries) -> Option<T>,
    ) -> Result<T, Error> {
        let found = self.journal.wait(limit, |entries| {
            let found = look(entries).map(Some);
            found.or_else(|| entries.ended().then_some(None))
        });
        match found {
            Some(Some(found)) => Ok(found),
            Some(None) => {
                let status = self.wait_end(limit)?;
                // What it looked for may have been said in the last moment.
                let last = self.journal.read(look);
                last.ok_or_else(|| self.ended(status, awaited))
            }
            None => Err(self.timed_out(awaited, limit)),
        }
    }

    /// Waits for a line of its log that contains `text`, and returns it.
    ///
    /// # Errors
    /// As [`Self::wait_for`].
    pub fn wait_for_line(&mut self, text: &str, limit: Duration) -> Result<String, Error> {
        self.wait_for(&format!("line with {text:?}"), limit, |entries| {
            entries.lines().find(|line| line.contains(text)).map(str::to_owned)
        })
    }

    /// Its journal.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it uses now.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> io::Result<Usage> {
        Usage::of(self.pid())
    }

    fn timed_out(&self, awaited: &str, limit: Duration) -> Error {
        Error::TimedOut {
            name: self.name.clone(),
            awaited: awaited.to_owned(),
            limit,
            log: self.journal.tail(),
        }
    }

    fn ended(&self, status: ExitStatus, awaited: &str) -> Error {
        Error::Ended {
            name: self.name.clone(),
            status,
            awaited: awaited.to_owned(),
            log: self.journal.tail(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("--- log of {} ---\n{}--- end of log ---", self.name, self.journal.text());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.threads.drain(..).for_each(join);
    }
}

/// What a process uses, as `/proc` shows it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// Resident memory, bytes.
    pub resident: u64,
    /// Largest resident memory so far, bytes.
    pub peak_resident: u64,
    /// Threads.
    pub threads: usize,
    /// Open file descriptors.
    pub descriptors: usize,
    /// Processor time of the threads that are alive.
    pub cpu: Duration,
    /// Times that the living threads gave up the processor by themselves: one for each time they went to sleep.
    pub sleeps: u64,
}

impl Usage {
    /// Reads the usage of the process with this id.
    ///
    /// # Errors
    /// There is no such process, or it belongs to somebody else.
    pub fn of(pid: u32) -> io::Result<Self> {
        let process = procfs::process::Process::new(pid.cast_signed()).map_err(io::Error::other)?;
        let status = process.status().map_err(io::Error::other)?;
        let mut usage = Self {
            resident: status.vmrss.unwrap_or(0) * 1024,
            peak_resident: status.vmhwm.unwrap_or(0) * 1024,
            threads: 0,
            descriptors: process.fd_count().map_err(io::Error::other)?,
            cpu: Duration::ZERO,
            sleeps: 0,
        };
        // A thread may end while the list is read; then it is not counted.
        for task in process.tasks().map_err(io::Error::other)?.flatten() {
            let (Ok(status), Ok(sched)) = (task.status(), task.schedstat()) else { continue };
            usage.threads += 1;
            usage.cpu += Duration::from_nanos(sched.sum_exec_runtime);
            usage.sleeps += status.voluntary_ctxt_switches.unwrap_or(0);
        }
        Ok(usage)
    }
}

/// Notes the end of the child without reaping it, so that its id cannot come to mean another process while we hold it.
fn watch_end(child: &Child, journal: Arc<Journal>) -> JoinHandle<()> {
    let id = process_id(child);
    thread::spawn(move || {
        while waitid(Id::Pid(id), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT) == Err(Errno::EINTR) {}
        journal.end();
    })
}

fn process_id(child: &Child) -> Pid {
    // Linux process ids are positive and far below the limit of i32.
    Pid::from_raw(child.id().cast_signed())
}

fn record(pipe: impl Read + Send + 'static, journal: Arc<Journal>) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut lines = BufReader::new(pipe);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
            journal.line(String::from_utf8_lossy(line.trim_ascii_end()).into_owned());
            line.clear();
        }
    })
}

fn join(thread: JoinHandle<()>) {
    // Neither kind of thread panics by itself, and nothing would be gained from repeating it here.
    let _ = thread.join();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Process {
        Process::spawn("shell", Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn last_words_of_an_ended_process_are_found() {
        let mut process = shell("echo one; echo two >&2");
        assert_eq!(process.wait_for_line("two", PATIENCE).unwrap(), "two");
        assert!(process.wait_end(PATIENCE).unwrap().success());
        let mut lines = process.journal().read(|said| said.lines().map(str::to_owned).collect::<Vec<_>>());
        lines.sort();
        assert_eq!(lines, ["one", "two"]);
    }

    #[test]
    fn waiting_for_a_line_ends_with_the_process_and_shows_its_log() {
        let error = shell("echo broken; exit 3").wait_for_line("ready", PATIENCE).unwrap_err();
        let Error::Ended { status, ref log, .. } = error else { panic!("{error}") };
        assert_eq!((status.code(), log.trim()), (Some(3), "broken"));
    }

    #[test]
    fn a_killed_process_is_reported_as_killed() {
        use std::os::unix::process::ExitStatusExt;
        let mut process = shell("echo up; exec tail -f /dev/null");
        process.wait_for_line("up", PATIENCE).unwrap();
        assert!(process.usage().unwrap().resident > 0);
        assert_eq!(process.kill().unwrap().signal(), Some(9));
        assert!(process.signal(Signal::SIGTERM).is_err(), "reaped: the id must not be signalled any more");
    }
}
