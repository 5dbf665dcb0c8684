//! The three contenders, each with a firmware simulator of its own: the subject, the null relay and the direct link.

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use amtd_harness::http::Connection;
use amtd_harness::{Daemon, DaemonOptions, PATIENCE, Process, Sim, SimOptions, Usage};
use anyhow::{Context, Result};

use crate::direct::DirectChannel;
use crate::link::{Link, PORT};
use crate::sizes::Sizes;

/// Who is being measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Contender {
    Subject,
    NullRelay,
    DirectLink,
}

/// In the order of the figures of a row.
pub(crate) const CONTENDERS: [Contender; 3] =
    [Contender::Subject, Contender::NullRelay, Contender::DirectLink];

/// Everything that runs, and how much of each measurement is made.
pub(crate) struct Lab {
    pub(crate) sizes: Sizes,
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) subject: Subject,
    pub(crate) null: Relay,
    pub(crate) direct: Link,
    /// Lines of configuration of the subject, if it is a daemon of our own.
    pub(crate) config: String,
    sim_options: SimOptions,
    _direct_sim: Sim,
}

/// The forwarder that is measured.
pub(crate) enum Subject {
    /// A daemon that was started here.
    Own { daemon: Box<Daemon>, address: SocketAddr, _sim: Sim },
    /// A forwarder that somebody else started; its process, if known.
    Attached { address: SocketAddr, pid: Option<u32> },
}

/// A null relay. The process goes before the simulator.
pub(crate) struct Relay {
    process: Process,
    pub(crate) address: SocketAddr,
    _sim: Option<Sim>,
}

/// Something that an HTTP connection can be made over.
pub(crate) trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

impl Lab {
    /// Starts the references, and the daemon unless another subject is given.
    pub(crate) fn start(
        attached: Option<(SocketAddr, Option<u32>)>,
        sim_options: SimOptions,
        config: String,
        sizes: Sizes,
    ) -> Result<Self> {
        let direct_sim = Sim::start_with(sim_options.clone())?;
        let direct = Link::open(&direct_sim.device()).context("direct link")?;
        let null = Relay::start(Sim::start_with(sim_options.clone())?)?;
        let subject = match attached {
            Some((address, pid)) => Subject::Attached { address, pid },
            None => Subject::start(&sim_options, &config)?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Self { sizes, runtime, subject, null, direct, config, sim_options, _direct_sim: direct_sim })
    }

    /// A new connection to firmware by way of `contender`.
    pub(crate) fn connect(&mut self, contender: Contender) -> Result<Connection<Box<dyn Stream + '_>>> {
        let address = match contender {
            Contender::DirectLink => {
                let channel = DirectChannel::open(&mut self.direct).context("direct link")?;
                return Ok(Connection::over(Box::new(channel)));
            }
            Contender::NullRelay => self.null.address,
            Contender::Subject => self.subject.address(),
        };
        Ok(Connection::over(Box::new(connect(address)?)))
    }

    /// A further simulator, like those of the contenders.
    pub(crate) fn spare_sim(&self) -> Result<Sim> {
        Ok(Sim::start_with(self.sim_options.clone())?)
    }
}

impl Subject {
    fn start(sim_options: &SimOptions, config: &str) -> Result<Self> {
        let sim = Sim::start_with(sim_options.clone())?;
        let daemon = start_daemon(&sim.device(), config)?;
        let address = daemon.address(PORT)?;
        Ok(Self::Own { daemon: Box::new(daemon), address, _sim: sim })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Own { address, .. } | Self::Attached { address, .. } => *address,
        }
    }

    pub(crate) fn name(&self) -> String {
        match self {
            Self::Own { .. } => "amtd".to_owned(),
            Self::Attached { address, .. } => address.to_string(),
        }
    }

    /// What its process uses; None if that process is not known.
    pub(crate) fn usage(&self) -> Result<Option<Usage>> {
        Ok(match self {
            Self::Own { daemon, .. } => Some(daemon.usage()?),
            Self::Attached { pid, .. } => pid.map(Usage::of).transpose()?,
        })
    }
}

impl Relay {
    /// Starts a null relay in front of a simulator of its own.
    fn start(sim: Sim) -> Result<Self> {
        let relay = Self::start_on(&sim.device())?;
        Ok(Self { _sim: Some(sim), ..relay })
    }

    /// Starts a null relay in front of somebody else's simulator.
    pub(crate) fn start_on(device: &Path) -> Result<Self> {
        let own = std::env::current_exe().context("own path")?;
        let mut process = Process::spawn("null relay", Command::new(own).arg("null-relay").arg(device))?;
        let address = process.wait_for("line \"ready ADDRESS\"", PATIENCE, |entries| {
            entries.lines().find_map(|line| line.strip_prefix("ready ")?.parse().ok())
        })?;
        Ok(Self { process, address, _sim: None })
    }

    pub(crate) fn usage(&self) -> Result<Usage> {
        Ok(self.process.usage()?)
    }
}

/// Starts a daemon as the subject is started, and waits until it is ready.
pub(crate) fn start_daemon(device: &Path, config: &str) -> Result<Daemon> {
    let options = DaemonOptions { config: config.to_owned(), ..DaemonOptions::default() };
    let mut daemon = Daemon::spawn(device, options)?;
    daemon.wait_ready(PATIENCE)?;
    Ok(daemon)
}

/// A TCP connection with bounded waits.
pub(crate) fn connect(address: SocketAddr) -> Result<std::net::TcpStream> {
    let stream = std::net::TcpStream::connect_timeout(&address, PATIENCE).context("connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Runs `measure` for each contender in each round, and returns the figures by contender, in the order of [`CONTENDERS`].
/// The order within a round rotates, so that none always comes after the same other one.
pub(crate) fn rounds(
    rounds: usize,
    mut measure: impl FnMut(Contender) -> Result<Option<f64>>,
) -> Result<[Vec<f64>; 3]> {
    let mut figures = [const { Vec::new() }; 3];
    for round in 0..rounds {
        for turn in 0..CONTENDERS.len() {
            let index = (round + turn) % CONTENDERS.len();
            figures[index].extend(measure(CONTENDERS[index])?);
        }
    }
    Ok(figures)
}

/// Lets time pass where time itself is what is measured: the pace of a slow reader, an idle period.
pub(crate) fn pause_until(moment: Instant) {
    while let Some(left) = moment.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
}

/// As [`pause_until`], for a length of time.
pub(crate) fn pause(period: Duration) {
    pause_until(Instant::now() + period);
}
