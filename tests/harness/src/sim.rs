//! The firmware simulator as a child process, with its virtual MEI device and its control socket in a temporary directory.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::binaries::binaries;
use crate::{Error, PATIENCE, Process};

/// The user that the simulated device knows.
pub const USER: &str = "admin";
/// Its password. It protects a simulator, and is the same in everyone's copy.
pub const PASSWORD: &str = "P@ssw0rd";

/// How to start a simulator.
#[derive(Debug, Clone, Default)]
pub struct SimOptions {
    /// Arguments besides the paths of its sockets.
    pub arguments: Vec<OsString>,
}

impl SimOptions {
    /// The options with one more argument.
    #[must_use]
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }
}

/// A simulator that accepts connections.
#[derive(Debug)]
pub struct Sim {
    process: Process,
    options: SimOptions,
    // Last: the directory goes when the process is gone.
    directory: TempDir,
}

impl Sim {
    /// Starts a simulator with its defaults: an activated device without service time.
    ///
    /// # Errors
    /// It does not start.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(SimOptions::default())
    }

    /// Starts a simulator.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_with(options: SimOptions) -> Result<Self, Error> {
        let directory = tempfile::Builder::new()
            .prefix("amt-sim-")
            .tempdir()
            .map_err(Error::file(std::env::temp_dir()))?;
        let process = run(directory.path(), &options)?;
        Ok(Self { process, options, directory })
    }

    /// Starts it again with the same paths and options, after it was killed. The device behind it is in its first state again.
    ///
    /// # Errors
    /// It does not start.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process.kill()?;
        self.process = run(self.directory.path(), &self.options)?;
        Ok(())
    }

    /// Path of the virtual MEI device.
    #[must_use]
    pub fn device(&self) -> PathBuf {
        device(self.directory.path())
    }

    /// Path of the control socket.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        control(self.directory.path())
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Sends one command to the control socket and returns the reply. The commands are described in the simulator's README.
    ///
    /// # Errors
    /// The simulator is not there, or does not say that it did what it was told.
    pub fn control(&self, command: &Value) -> Result<Value, Error> {
        let path = self.control_socket();
        let reply = exchange(&path, command).map_err(Error::file(&path))?;
        let value: Option<Value> = serde_json::from_str(&reply).ok();
        let done = value.filter(|value| value["ok"] == true);
        done.ok_or_else(|| Error::Answer { what: format!("control command {command}"), answer: reply })
    }
}

fn run(directory: &Path, options: &SimOptions) -> Result<Process, Error> {
    let mut command = Command::new(&binaries()?.amt_sim);
    command
        .arg("--socket")
        .arg(device(directory))
        .arg("--control")
        .arg(control(directory))
        .args(&options.arguments);
    let mut process = Process::spawn("amt-sim", &mut command)?;
    process.wait_for("line \"ready\"", PATIENCE, |entries| {
        entries.lines().any(|line| line.starts_with("ready")).then_some(())
    })?;
    Ok(process)
}

fn device(directory: &Path) -> PathBuf {
    directory.join("mei0")
}

fn control(directory: &Path) -> PathBuf {
    directory.join("control")
}

fn exchange(socket: &Path, command: &Value) -> std::io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("{command}\n").as_bytes())?;
    let mut reply = String::new();
    BufReader::new(stream).read_line(&mut reply)?;
    Ok(reply)
}
