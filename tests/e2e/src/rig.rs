//! One simulator, one daemon on it, and what a test asks of the two.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use amtd_harness::http::{Connection, Response, request};
use amtd_harness::sim::{PASSWORD, USER};
use amtd_harness::{Daemon, DaemonOptions, Journal, PATIENCE, Sim, SimOptions, Usage, WsmanClient};
use serde_json::{Value, json};

/// How long to wait for the daemon to say something before looking again at what it does not announce.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// How a rig is started.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Arguments of the simulator, separated by spaces.
    pub sim: String,
    /// Lines of TOML for the daemon: sections other than `front`.
    pub config: String,
    /// Lines of TOML for its section `front`.
    pub front: String,
    /// Ports of firmware that are to be served on a certain local port, each with that port.
    pub remap: Vec<(u16, u16)>,
    /// The device that the daemon is given, if not the simulator's.
    pub device: Option<PathBuf>,
    /// Filter of the daemon's log, if not the harness's own.
    pub log: Option<String>,
    /// Environment variables of the daemon.
    pub environment: Vec<(String, OsString)>,
}

impl Setup {
    /// A rig whose daemon is ready, and has answered to firmware for every port that it wants.
    #[must_use]
    pub fn start(self) -> Rig {
        let mut rig = self.spawn();
        rig.daemon.wait_ready(PATIENCE).unwrap();
        rig.await_stats("an answer for every port", |stats| number(stats, "/sessions_ready") > 0);
        rig
    }

    /// A rig whose daemon was started a moment ago: it answers questions, and has perhaps not found the device yet.
    #[must_use]
    pub fn spawn(self) -> Rig {
        let sim = self.sim();
        self.spawn_on(sim)
    }

    /// The simulator alone, for a test that does something to it first.
    #[must_use]
    pub fn sim(&self) -> Sim {
        let options = self.sim.split_whitespace().fold(SimOptions::default(), SimOptions::argument);
        Sim::start_with(options).unwrap()
    }

    /// A rig on a simulator that runs already.
    #[must_use]
    pub fn spawn_on(self, sim: Sim) -> Rig {
        let Self { config, front, remap, device, log, environment, .. } = self;
        let defaults = DaemonOptions::default();
        let log = log.unwrap_or(defaults.log);
        let options = DaemonOptions { config, front, remap, log, environment, arguments: defaults.arguments };
        let device = device.unwrap_or_else(|| sim.device());
        let mut daemon = Daemon::spawn(device, options).unwrap();
        daemon.wait_notice("first notice", PATIENCE, |_| true).unwrap();
        Rig { daemon, sim, provoked: Vec::new() }
    }
}

/// A simulator and a daemon. When it is dropped at the end of a test that has not failed, everything in [`Rig::finish`] is checked.
#[derive(Debug)]
pub struct Rig {
    /// The daemon.
    pub daemon: Daemon,
    /// The firmware.
    pub sim: Sim,
    provoked: Vec<&'static str>,
}

/// What the daemon stands on when nothing happens: to be found again when nothing happens again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footing {
    /// Open files, without the journal of jobs.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
}

impl Rig {
    /// A rig with the defaults of both, ready.
    #[must_use]
    pub fn start() -> Self {
        Setup::default().start()
    }

    // ---- clients ----

    /// Where a port of firmware is reached by IPv4.
    #[must_use]
    pub fn address(&self, port: u16) -> SocketAddr {
        self.daemon.address(port).unwrap()
    }

    /// A new connection to firmware's web server.
    #[must_use]
    pub fn web(&self) -> Connection {
        self.connect(16992)
    }

    /// A new connection to a port of firmware.
    #[must_use]
    pub fn connect(&self, port: u16) -> Connection {
        Connection::open(self.address(port), PATIENCE).unwrap()
    }

    /// The answer to a GET on a new connection.
    #[must_use]
    pub fn get(&self, path: &str) -> Response {
        self.web().exchange(&request("GET", path, &[], b"")).unwrap()
    }

    /// A WSMAN client with the right password.
    #[must_use]
    pub fn wsman(&self) -> WsmanClient {
        WsmanClient::new(self.address(16992), USER, PASSWORD)
    }

    /// Checks that a new client gets an answer from firmware.
    pub fn assert_serves(&self) {
        assert_eq!(self.wsman().get("AMT_GeneralSettings").unwrap().status(), 200);
    }

    // ---- the daemon ----

    /// Its status.
    #[must_use]
    pub fn status(&self) -> Value {
        self.daemon.status().unwrap()
    }

    /// A number in its status, by JSON pointer.
    #[must_use]
    pub fn number(&self, pointer: &str) -> u64 {
        number(&self.status(), pointer)
    }

    /// Waits until its link is in this state, as the status names it.
    pub fn await_link(&self, state: &str) {
        self.await_status(state, |status| status["link"]["state"] == state);
    }

    /// Waits until there is a session with firmware, and it is at least the `count`-th connection to the device.
    pub fn await_connection(&self, count: u64) {
        self.await_status("a session with firmware", |status| {
            status["link"]["ready"] == true && number(status, "/link/connects") >= count
        });
    }

    /// Waits until `holds` is true of its status; `what` names that in the failure.
    pub fn await_status(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        let latest = self.look(|| self.status(), holds);
        if let Err(latest) = latest {
            panic!("the daemon never came to {what}; its status is {latest:#}");
        }
    }

    /// Waits until `holds` is true of something that neither program can be asked for.
    pub fn await_that(&self, what: &str, holds: impl Fn() -> bool) {
        assert!(self.look(holds, |seen| *seen).is_ok(), "it never came to this: {what}");
    }

    /// What it stands on, with a socket for each port that firmware asked for: that it is ready says so only of the usual ones.
    #[must_use]
    pub fn footing(&self) -> Footing {
        self.await_sim("an answer for each port", |state| {
            let lme = lme(state);
            let forwards = lme["forwards"].as_array();
            forwards.is_none_or(|all| all.iter().all(|forward| forward["state"] != "requested"))
        });
        self.stands_on()
    }

    /// Without the journal of jobs, which a slow disk lets it open at any time; so that is looked at first.
    fn stands_on(&self) -> Footing {
        let has_journal = self.daemon.has_open("jobs.redb").unwrap();
        let Usage { descriptors, threads, .. } = self.daemon.usage().unwrap();
        Footing { descriptors: descriptors - usize::from(has_journal), threads }
    }

    /// Waits until nothing is left of any client: no connection, no channel on either side, no file and no thread more than
    /// `before`.
    pub fn await_rest(&self, before: Footing) {
        self.await_status("rest", |status| {
            status["connections"]["current"] == 0
                && status["channels"].as_array().is_some_and(Vec::is_empty)
                && ["opening", "open", "closing"].iter().all(|kind| status["slots"][kind] == 0)
        });
        self.await_sim("rest", |state| number(&lme(state), "/slots_in_use") == 0);
        let at_rest = |now: &Footing| now.descriptors <= before.descriptors && now.threads <= before.threads;
        if let Err(now) = self.look(|| self.stands_on(), at_rest) {
            panic!("something of the clients is left in the daemon: {now:?} instead of {before:?}");
        }
    }

    /// Everything that it has said.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        self.daemon.journal()
    }

    // ---- the firmware ----

    /// Has the simulator take a step of its script language.
    pub fn sim(&self, step: Value) -> Value {
        self.sim.control(&step).unwrap()
    }

    /// What the simulator has counted.
    #[must_use]
    pub fn stats(&self) -> Value {
        self.sim(json!({"do": "stats"}))
    }

    /// One of those counts, by JSON pointer.
    #[must_use]
    pub fn stat(&self, pointer: &str) -> u64 {
        number(&self.stats(), pointer)
    }

    /// Waits until `holds` is true of the simulator's state.
    pub fn await_sim(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        if let Err(latest) = self.look(|| self.sim(json!({"do": "state"})), holds) {
            panic!("the simulator never came to {what}; its state is {latest:#}");
        }
    }

    /// Waits until `holds` is true of what the simulator has counted.
    pub fn await_stats(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        if let Err(latest) = self.look(|| self.stats(), holds) {
            panic!("the simulator never counted {what}: {latest:#}");
        }
    }

    /// Kills the simulated firmware and starts it again at the same place.
    pub fn restart_sim(&mut self) {
        self.assert_within_protocol();
        self.sim.restart().unwrap();
    }

    /// From now on this kind of violation is what the test provokes the daemon to.
    pub fn provokes(&mut self, violation: &'static str) {
        self.provoked.push(violation);
    }

    // ---- the end ----

    /// Ends the daemon as systemd would, and checks what must hold after every test. Dropping the rig does it too.
    pub fn finish(&mut self) {
        if !has_ended(self.journal()) {
            let status = self.daemon.terminate(PATIENCE).unwrap();
            assert!(status.success(), "the daemon ended with {status}:\n{}", self.journal().tail());
        }
        let log = self.journal().text();
        for word in ["panicked", "ended unexpectedly"] {
            assert!(!log.contains(word), "the daemon's log has \"{word}\":\n{log}");
        }
        if !has_ended(self.sim.process().journal()) {
            self.assert_within_protocol();
        }
    }

    /// Checks that the daemon has broken no rule of the protocol that the test did not make it break.
    fn assert_within_protocol(&self) {
        let violations = self.sim(json!({"do": "violations"}));
        let unprovoked: Vec<_> = violations["by_kind"]
            .as_object()
            .map(|kinds| kinds.keys().filter(|kind| !self.provoked.contains(&kind.as_str())).collect())
            .unwrap_or_default();
        assert!(unprovoked.is_empty(), "the daemon broke the protocol: {violations:#}");
    }

    /// Looks until what is seen `fits`; gives up with what was seen last.
    fn look<T>(&self, see: impl Fn() -> T, fits: impl Fn(&T) -> bool) -> Result<T, T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let seen = see();
            if fits(&seen) {
                return Ok(seen);
            }
            if Instant::now() >= deadline {
                return Err(seen);
            }
            let said = self.journal().read(|said| said.lines().count() + said.notices().count());
            self.journal()
                .wait(LOOK_AGAIN, |now| (now.lines().count() + now.notices().count() != said).then_some(()));
        }
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        // A test that fails has its own message; a second panic would hide it.
        if !thread::panicking() {
            self.finish();
        }
    }
}

/// The session for port forwarding in the simulator's state; null if there is none.
#[must_use]
pub fn lme(state: &Value) -> Value {
    let connections = state["connections"].as_array().map_or(&[][..], Vec::as_slice);
    let lme = connections.iter().find(|connection| connection["client"] == "lme");
    lme.map_or(Value::Null, |connection| connection["session"].clone())
}

/// A number in a document, by JSON pointer.
///
/// # Panics
/// There is none.
#[must_use]
pub fn number(document: &Value, pointer: &str) -> u64 {
    let found = document.pointer(pointer).and_then(Value::as_u64);
    found.unwrap_or_else(|| panic!("there is no number at {pointer} in {document:#}"))
}

/// A step file for a simulator that must misbehave from its first moment.
#[must_use]
pub fn script(directory: &Path, steps: &[Value]) -> String {
    let path = directory.join("faults.json");
    std::fs::write(&path, json!({ "step": steps }).to_string()).unwrap();
    format!("--faults {}", path.display())
}

fn has_ended(journal: &Journal) -> bool {
    journal.read(amtd_harness::journal::Entries::ended)
}
