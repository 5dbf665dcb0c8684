//! Connects the parts: gives each its share of the configuration, starts them, and stops them in order.
//!
//! Only this module knows all parts. Every part may wait for the driver, and the driver waits for none. So the parts stop
//! in the same direction: clients first, the link last.

mod announce;
mod facts;
mod parts;

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub use self::facts::Facts;
use crate::{
    cli::Directories,
    config::Config,
    control,
    driver::{Driver, Handle, Heartbeat},
    events::{self, Log},
    failure::Failure,
    firmware,
    front::Front,
    http::{Board, Server},
    jobs::{self, Engine},
    machine::Machine,
    status,
    supervise::{EssentialEnded, Role, Supervisor},
    systemd,
};

/// Sees whether the files that the configuration names can be used, by whoever asks.
///
/// # Errors
///
/// [`Failure`] of the first that cannot.
pub fn check_files(config: &Config) -> Result<(), Failure> {
    control::check_files(&config.control).map_err(control::ControlError::from)?;
    parts::authorities(&config.flows)?;
    Ok(())
}

/// How long the parts have to end after the clients are gone, including the last message to firmware.
const LEAVE: Duration = Duration::from_secs(3);

/// The daemon at work.
#[derive(Debug)]
pub struct Daemon {
    supervisor: Supervisor,
    driver: Handle,
    grace: Duration,
    /// How long a running job may take to reach a point at which nothing is half done.
    jobs_grace: Duration,
    /// Stops the jobs, which are clients of the front.
    stop_jobs: CancellationToken,
    jobs_gone: CancellationToken,
    /// Stops the front.
    stop_clients: CancellationToken,
    clients_gone: CancellationToken,
    /// Stops everything else.
    stop_rest: CancellationToken,
}

impl Daemon {
    /// Starts every part. Returns an error if something essential is missing, such as a socket for the status. Does not wait
    /// for the link.
    ///
    /// # Errors
    ///
    /// A socket cannot be opened, or a file that the configuration names cannot be used.
    pub async fn start(config: &Config, directories: &Directories) -> Result<Self, Failure> {
        let inherited = systemd::inherited();
        let server = Server::bind(&directories.runtime, config.http.clone()).await?;
        let control = control::Server::bind(&directories.runtime, &config.control, inherited.control).await?;
        let heartbeat = Heartbeat::new(systemd::watchdog_interval(), systemd::alive);
        let (mut driver, handle, forwards) = Driver::new(parts::driver(config), heartbeat);
        let (mut front, front_status) =
            Front::open(parts::front(config), handle.clone(), forwards, inherited.clients);
        let machine =
            Machine::new(config.device.path.clone(), handle.link(), front.door(), parts::limits(config));
        let log = Log::new(config.control.events);
        front.record(log.clone());
        let (engine, jobs) =
            jobs::new(parts::jobs(config, directories)?, machine.clone(), handle.link(), log.clone());
        let (firmware, firmware_facts) = watch::channel(status::Firmware::default());
        let sources = events::Sources {
            link: handle.link(),
            front: front_status.clone(),
            firmware: firmware_facts.clone(),
            alerts: driver.alerts(),
        };
        let changes = jobs.changes();
        let facts = Facts::new(handle.clone(), front_status, firmware_facts, jobs.clone());
        let parts = control::Parts {
            board: Board::new(facts.clone(), config.http.driver_limit.get()),
            driver: handle.clone(),
            clients: front.clients(),
            log: log.clone(),
            jobs,
            machine: machine.clone(),
            config: Arc::new(config.clone()),
            state_dir: directories.state.clone(),
        };
        let daemon = Self {
            supervisor: Supervisor::new(),
            driver: handle.clone(),
            grace: config.shutdown.grace.get(),
            jobs_grace: config.jobs.stop_grace.get(),
            stop_jobs: CancellationToken::new(),
            jobs_gone: CancellationToken::new(),
            stop_clients: CancellationToken::new(),
            clients_gone: CancellationToken::new(),
            stop_rest: CancellationToken::new(),
        };
        daemon.supervisor.spawn("driver", Role::Essential, driver.run());
        daemon.spawn_front(front);
        daemon.spawn_jobs(engine);
        server.start(facts.clone(), &daemon.supervisor, &daemon.stop_rest);
        control.start(&parts, facts.health(), &daemon.supervisor, &daemon.stop_rest);
        daemon.spawn_watcher("events", events::watch(log, sources));
        daemon.spawn_watcher("announce", announce::run(facts, config.link.degraded_after.get()));
        daemon.spawn_watcher(
            "firmware",
            firmware::watch(config.firmware.clone(), machine, handle.link(), changes, firmware),
        );
        Ok(daemon)
    }

    /// Waits until an essential part has ended by itself.
    pub async fn failed(&self) -> EssentialEnded {
        self.supervisor.failed().await
    }

    /// Stops in order: the running job, then the exchanges of clients, then the session with firmware and the rest. Each
    /// step has a time limit.
    pub async fn stop(&self) {
        systemd::stopping("stopping: letting the job and the exchanges under way finish");
        self.supervisor.expect_ends();
        self.stop_jobs.cancel();
        // After its grace period the engine abandons the job; the next start finds out what became of it.
        let _ = tokio::time::timeout(self.jobs_grace + LEAVE, self.jobs_gone.cancelled()).await;
        self.stop_clients.cancel();
        // After its grace period the front cuts off what is left. If it does not end, it is named below.
        let _ = tokio::time::timeout(self.grace + LEAVE, self.clients_gone.cancelled()).await;
        self.driver.stop();
        self.stop_rest.cancel();
        let left = self.supervisor.join(LEAVE).await;
        if left.is_empty() {
            info!("stopped");
        } else {
            warn!(tasks = ?left, "stopped without waiting for tasks that did not end in time");
        }
    }

    fn spawn_front(&self, front: Front) {
        let (stop, gone, grace) = (self.stop_clients.clone(), self.clients_gone.clone(), self.grace);
        self.supervisor.spawn("front", Role::Essential, async move {
            front.run(stop, grace).await;
            gone.cancel();
        });
    }

    fn spawn_jobs(&self, engine: Engine) {
        let (stop, gone) = (self.stop_jobs.clone(), self.jobs_gone.clone());
        self.supervisor.spawn("jobs", Role::Essential, async move {
            engine.run(stop).await;
            gone.cancel();
        });
    }

    /// Spawns a task that has nothing to finish and is simply dropped at the end.
    fn spawn_watcher(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop_rest.clone();
        self.supervisor.spawn(name, Role::Essential, async move {
            stop.run_until_cancelled(task).await;
        });
    }
}
