//! The daemon as a child process: started as systemd would start it, on free ports, with its files in a temporary directory.

use std::ffi::OsString;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::binaries::binaries;
use crate::http::Response;
use crate::notify::NotifySocket;
use crate::{Amtctl, Error, Journal, PATIENCE, Process, Usage, unix_http};

/// Ports that firmware may ask for (apf 3.4). Each is served on a free port instead, so that tests neither need privilege nor
/// get into each other's way.
const PORTS: [u16; 6] = [16992, 16993, 16994, 16995, 623, 664];

/// How to start a daemon.
#[derive(Debug, Clone)]
pub struct DaemonOptions {
    /// Lines of TOML that go before the harness's own: keys of sections other than `front`.
    pub config: String,
    /// Lines of TOML for the section `front`, besides its remapping of ports.
    pub front: String,
    /// Ports of firmware that are to be served on a certain local port, each with that port. The others get any that is free.
    pub remap: Vec<(u16, u16)>,
    /// Filter of its log.
    pub log: String,
    /// Further arguments.
    pub arguments: Vec<OsString>,
    /// Further environment variables.
    pub environment: Vec<(String, OsString)>,
}

impl Default for DaemonOptions {
    fn default() -> Self {
        Self {
            config: String::new(),
            front: String::new(),
            remap: Vec::new(),
            log: "info".to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
        }
    }
}

/// A daemon that was started. Dropping it kills it and removes its files.
#[derive(Debug)]
pub struct Daemon {
    process: Process,
    _notify: NotifySocket,
    device: PathBuf,
    options: DaemonOptions,
    // Last: the directory goes when the process is gone.
    directory: TempDir,
}

impl Daemon {
    /// Starts a daemon with its default configuration on `device`, and waits until it is ready.
    ///
    /// # Errors
    /// It ends, or is not ready in time.
    pub fn start(device: impl AsRef<Path>) -> Result<Self, Error> {
        let mut daemon = Self::spawn(device, DaemonOptions::default())?;
        daemon.wait_ready(PATIENCE)?;
        Ok(daemon)
    }

    /// Starts a daemon on `device` and returns at once.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn spawn(device: impl AsRef<Path>, options: DaemonOptions) -> Result<Self, Error> {
        let directory =
            tempfile::Builder::new().prefix("amtd-").tempdir().map_err(Error::file(std::env::temp_dir()))?;
        for name in ["state", "run"] {
            let path = directory.path().join(name);
            fs::create_dir(&path).map_err(Error::file(path))?;
        }
        let device = device.as_ref().to_owned();
        let (process, notify) = run(directory.path(), &device, &options)?;
        Ok(Self { process, _notify: notify, device, options, directory })
    }

    /// Starts it again with the same files and options; kills it first if it runs. The journal begins anew, and free ports
    /// may be others.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.process.kill()?;
        (self.process, self._notify) = run(self.directory.path(), &self.device, &self.options)?;
        Ok(())
    }

    /// Waits for its `READY=1`.
    ///
    /// # Errors
    /// It ends, or does not say so in time.
    pub fn wait_ready(&mut self, limit: Duration) -> Result<(), Error> {
        self.wait_notice("READY=1", limit, |notice| notice == "READY=1").map(drop)
    }

    /// Waits for a notification, among all that it has sent, that `fits`, and returns it.
    ///
    /// # Errors
    /// The daemon ends, or none comes in time; `awaited` says in the error what was missing.
    pub fn wait_notice(
        &mut self,
        awaited: &str,
        limit: Duration,
        fits: impl Fn(&str) -> bool,
    ) -> Result<String, Error> {
        self.wait_notice_since(0, awaited, limit, fits)
    }

    /// As [`Self::wait_notice`], among those sent after the first `mark` (see [`Self::mark`]).
    ///
    /// # Errors
    /// As [`Self::wait_notice`].
    pub fn wait_notice_since(
        &mut self,
        mark: usize,
        awaited: &str,
        limit: Duration,
        fits: impl Fn(&str) -> bool,
    ) -> Result<String, Error> {
        self.process.wait_for(awaited, limit, |entries| {
            entries.notices_since(mark).find(|notice| fits(notice)).map(str::to_owned)
        })
    }

    /// How many notifications it has sent: a mark for [`Self::wait_notice_since`].
    #[must_use]
    pub fn mark(&self) -> usize {
        self.journal().read(crate::journal::Entries::mark)
    }

    /// Where `port` of firmware is reached, by IPv4.
    ///
    /// # Errors
    /// The daemon does not answer, or does not serve that port.
    pub fn address(&self, port: u16) -> Result<SocketAddr, Error> {
        let addresses = self.addresses(port)?;
        let found = addresses.iter().find(|address| address.is_ipv4()).copied();
        found.ok_or_else(|| Error::Answer {
            what: format!("IPv4 address of port {port}"),
            answer: format!("{addresses:?}"),
        })
    }

    /// Every address where `port` of firmware is reached.
    ///
    /// # Errors
    /// The daemon does not answer, or does not know that port.
    pub fn addresses(&self, port: u16) -> Result<Vec<SocketAddr>, Error> {
        let status = self.status()?;
        let ports = status["ports"].as_array().map_or(&[][..], Vec::as_slice);
        let found =
            ports.iter().find(|entry| entry["port"] == port).and_then(|entry| entry["addresses"].as_array());
        let addresses = found.ok_or_else(|| Error::Answer {
            what: format!("addresses of port {port}"),
            answer: status["ports"].to_string(),
        })?;
        Ok(addresses.iter().filter_map(|address| address.as_str()?.parse().ok()).collect())
    }

    /// Its `/status`.
    ///
    /// # Errors
    /// It does not answer, or not with JSON.
    pub fn status(&self) -> Result<Value, Error> {
        let response = self.http("/status")?;
        let answer = |_| Error::Answer { what: "GET /status".to_owned(), answer: response.text() };
        serde_json::from_slice(response.body()).map_err(answer)
    }

    /// Gets a page of its own HTTP server: `/healthz`, `/readyz`, `/status`, `/metrics`.
    ///
    /// # Errors
    /// It does not answer.
    pub fn http(&self, path: &str) -> Result<Response, Error> {
        unix_http::get(&self.http_socket(), path)
    }

    /// A run of `amtctl` that talks to it.
    ///
    /// # Errors
    /// The programs cannot be built.
    pub fn amtctl(&self) -> Result<Amtctl, Error> {
        Amtctl::new(&self.runtime_directory().join("amtd.sock"))
    }

    /// Path of its HTTP socket.
    #[must_use]
    pub fn http_socket(&self) -> PathBuf {
        self.runtime_directory().join("http.sock")
    }

    /// Its runtime directory.
    #[must_use]
    pub fn runtime_directory(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    /// Its state directory.
    #[must_use]
    pub fn state_directory(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Kills it as `kill -9` does.
    ///
    /// # Errors
    /// The kernel does not let it go.
    pub fn kill(&mut self) -> Result<ExitStatus, Error> {
        self.process.kill()
    }

    /// Asks it to end with SIGTERM, as systemd does, and waits for that.
    ///
    /// # Errors
    /// It still runs after `limit`.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus, Error> {
        self.signal(Signal::SIGTERM)?;
        self.process.wait_end(limit)
    }

    /// Sends a signal; `SIGSTOP` and `SIGCONT` suspend and resume it.
    ///
    /// # Errors
    /// It was waited for and is gone.
    pub fn signal(&self, signal: Signal) -> Result<(), Error> {
        self.process.signal(signal).map_err(Error::file(format!("process {}", self.process.pid())))
    }

    /// Whether it has a file of this name open.
    ///
    /// # Errors
    /// It has ended.
    pub fn has_open(&self, name: &str) -> Result<bool, Error> {
        let descriptors = format!("/proc/{}/fd", self.process.pid());
        let mut entries = fs::read_dir(&descriptors).map_err(Error::file(descriptors))?.flatten();
        // One that was closed since it was listed is not open.
        Ok(entries.any(|entry| fs::read_link(entry.path()).is_ok_and(|file| file.ends_with(name))))
    }

    /// What it uses now.
    ///
    /// # Errors
    /// It has ended.
    pub fn usage(&self) -> Result<Usage, Error> {
        self.process.usage().map_err(Error::file(format!("/proc/{}", self.process.pid())))
    }

    /// Everything that it has said.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        self.process.journal()
    }

    /// The process.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }
}

fn run(directory: &Path, device: &Path, options: &DaemonOptions) -> Result<(Process, NotifySocket), Error> {
    let config = directory.join("amtd.toml");
    fs::write(&config, configuration(options)).map_err(Error::file(&config))?;
    let journal = Arc::new(Journal::default());
    let notify_path = directory.join("notify");
    let notify = NotifySocket::bind(&notify_path, Arc::clone(&journal)).map_err(Error::file(&notify_path))?;
    let mut command = Command::new(&binaries()?.amtd);
    command.arg("--device").arg(device).arg("--config").arg(&config);
    command.arg("--state-dir").arg(directory.join("state")).arg("--runtime-dir").arg(directory.join("run"));
    command.args(["--log", &options.log]).args(&options.arguments);
    // What a service manager may have left for somebody else must not reach the daemon.
    for foreign in
        ["LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC", "WATCHDOG_PID", "JOURNAL_STREAM"]
    {
        command.env_remove(foreign);
    }
    command
        .env("NOTIFY_SOCKET", &notify_path)
        .envs(options.environment.iter().map(|(name, value)| (name, value)));
    Ok((Process::spawn_into("amtd", &mut command, journal)?, notify))
}

fn configuration(options: &DaemonOptions) -> String {
    let local = |port: u16| options.remap.iter().find(|(of, _)| *of == port).map_or(0, |(_, local)| *local);
    let remap = PORTS.map(|port| format!("{port} = {}", local(port))).join("\n");
    let DaemonOptions { config, front, .. } = options;
    format!("{config}\n[front]\n{front}\n[front.remap]\n{remap}\n")
}
