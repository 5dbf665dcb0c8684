//! `amtctl` as a script runs it: arguments, what it reads, and then its exit code and what it wrote.

use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::Error;
use crate::binaries::binaries;

/// A run that has not begun.
#[derive(Debug)]
pub struct Amtctl {
    command: Command,
    input: String,
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// Everything on stdout.
    pub out: String,
    /// Everything on stderr.
    pub err: String,
}

impl Amtctl {
    /// A run that talks to the control socket at `socket`, with no secret from the environment of the tests.
    ///
    /// # Errors
    /// The programs cannot be built.
    pub fn new(socket: &Path) -> Result<Self, Error> {
        let mut command = Command::new(&binaries()?.amtctl);
        command.env_clear().arg("--socket").arg(socket).args(["--timeout", "20s"]);
        Ok(Self { command, input: String::new() })
    }

    /// With these arguments, separated by blanks.
    #[must_use]
    pub fn args(mut self, arguments: &str) -> Self {
        self.command.args(arguments.split_whitespace());
        self
    }

    /// With one more argument, taken as it is.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// With these lines on its standard input.
    #[must_use]
    pub fn input(mut self, lines: &[&str]) -> Self {
        self.input = lines.iter().map(|line| format!("{line}\n")).collect();
        self
    }

    /// With this variable in its environment.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// As another user. Only root may do that.
    #[must_use]
    pub fn user(mut self, uid: u32) -> Self {
        self.command.uid(uid).gid(uid);
        self
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It cannot be started, or has not ended after `limit`; then it is killed.
    pub fn run(mut self, limit: Duration) -> Result<Said, Error> {
        let name = || String::from("amtctl");
        let pipes = self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A terminal of whoever runs the tests must not be asked for anything.
        let spawned = pipes.process_group(0).spawn();
        let mut child = spawned.map_err(|source| Error::Spawn { name: name(), source })?;
        let id = Pid::from_raw(i32::try_from(child.id()).unwrap_or_default());
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input is not at fault.
            let _ = stdin.write_all(self.input.as_bytes());
        }
        let (done, ended) = channel();
        let waiter = thread::spawn(move || {
            let output = child.wait_with_output();
            let _ = done.send(());
            output
        });
        let late = ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
        if late {
            // It may end at this moment by itself.
            let _ = kill(id, Signal::SIGKILL);
        }
        let output = waiter.join().map_err(|_| Error::Build("the waiter panicked".into()))?;
        let output = output.map_err(Error::file("amtctl"))?;
        if late {
            let said = Said::from(output);
            return Err(Error::Answer {
                what: format!("an end of amtctl within {limit:?}"),
                answer: said.err,
            });
        }
        Ok(output.into())
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl Said {
    /// Its standard output as one JSON document.
    ///
    /// # Panics
    /// It is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }
}
