//! Opens and closes the connection to the device, one step at a time and without blocking the driver.
//!
//! The order is strict: close the old connection, pause, try once. [`Recovery`] decides what a failure means and how long
//! to pause; this module carries it out.

use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    time::{Duration, Instant},
};

use amtd_apf::Fault;
use amtd_mei::{
    ClientGuid, ConnectError, Connection, DEV, LinkState, Node, Pause, Recovery, RecoveryConfig, SYSFS_CLASS,
    candidates, dev_state_path, select, wait_enabled,
};

use super::End;

/// How the device is found and connected.
#[derive(Debug, Clone)]
pub struct LinkConfig {
    /// The device; if not given, the nodes of the machine are probed.
    pub device: Option<PathBuf>,
    /// How long one attempt to connect may take.
    pub connect_limit: Duration,
    /// The pauses between attempts.
    pub recovery: RecoveryConfig,
}

/// How far the connector came.
pub(super) enum Attempt {
    Trying,
    Connected { node: Node, connection: Connection },
    Failed { error: ConnectError, pause: Pause },
}

type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Outcome = Result<(Node, Connection), ConnectError>;

enum Phase {
    Pausing(Boxed<()>),
    Trying(Boxed<Outcome>),
}

/// See the [module](self).
pub(super) struct Connector {
    config: LinkConfig,
    recovery: Recovery,
    phase: Phase,
}

impl Connector {
    pub(super) fn new(config: LinkConfig) -> Self {
        Self {
            recovery: Recovery::new(config.recovery.clone(), Instant::now()),
            config,
            phase: Phase::Pausing(Box::pin(std::future::ready(()))),
        }
    }

    /// The next step. Cancelling it loses nothing: the step goes on at the next call.
    pub(super) async fn attempt(&mut self) -> Attempt {
        match &mut self.phase {
            Phase::Pausing(pause) => {
                pause.await;
                self.recovery.attempting(Instant::now());
                self.phase = Phase::Trying(Box::pin(connect(self.config.clone())));
                Attempt::Trying
            }
            Phase::Trying(outcome) => match outcome.await {
                Ok((node, connection)) => {
                    self.recovery.connected(Instant::now());
                    self.phase = Phase::Pausing(Box::pin(std::future::ready(())));
                    Attempt::Connected { node, connection }
                }
                Err(error) => {
                    let pause = self.recovery.failed(Instant::now(), &error);
                    self.phase = Phase::Pausing(rest(None, Some(error.path().to_owned()), pause));
                    Attempt::Failed { error, pause }
                }
            },
        }
    }

    /// The state to show.
    pub(super) fn state(&self) -> LinkState {
        self.recovery.state()
    }

    /// Closes a lost connection, and pauses before the next attempt. `proven`: its session had worked for a while, so that
    /// its loss does not count as one more failure in a row.
    pub(super) fn lost(
        &mut self,
        connection: Connection,
        node: Option<PathBuf>,
        end: &End,
        proven: bool,
    ) -> Pause {
        let pause = pause_after(&mut self.recovery, Instant::now(), end, proven);
        self.phase = Phase::Pausing(rest(Some(connection), node, pause));
        pause
    }
}

/// What a loss means for the next attempt.
pub(crate) fn pause_after(recovery: &mut Recovery, now: Instant, end: &End, proven: bool) -> Pause {
    if proven {
        recovery.healthy();
    }
    match end {
        End::Device(error) => recovery.lost(now, error),
        End::Session(error) => recovery.session_failed(now, error.fault() == Fault::Incompatible),
        End::Stalled | End::Empty | End::Asked(_) => recovery.session_failed(now, false),
    }
}

async fn connect(config: LinkConfig) -> Outcome {
    let limit = config.connect_limit;
    if let Some(path) = &config.device {
        let node = Node::at(path)?;
        let connection = Connection::open(&node, ClientGuid::LME, limit).await?;
        return Ok((node, connection));
    }
    let nodes = candidates(Path::new(SYSFS_CLASS), Path::new(DEV))?;
    select(&nodes, ClientGuid::LME, limit).await
}

/// Closes the old connection, because firmware accepts no new one before that, and pauses.
fn rest(old: Option<Connection>, node: Option<PathBuf>, pause: Pause) -> Boxed<()> {
    Box::pin(async move {
        if let Some(connection) = old {
            connection.close().await;
        }
        match node {
            Some(node) if pause.watch_device => {
                wait_enabled(&dev_state_path(Path::new(SYSFS_CLASS), &node), pause.wait).await;
            }
            _ => tokio::time::sleep(pause.wait).await,
        }
    })
}
