//! How the rest of the daemon reaches this machine's firmware: [`amtd_amt::machine::Machine`] over the MEI device for
//! host clients, and over the [front](crate::front) for firmware's ports.
//!
//! A host client is opened for a burst of commands and closed again, because firmware has room for one program there.
//! Inside the daemon bursts to the same client wait for each other, so that a job and the reader of the firmware's data
//! never meet as "busy". Used by `firmware` and `jobs`; tries nothing twice, which is its callers' policy.

#[cfg(test)]
pub(crate) mod device;
#[cfg(test)]
mod tests;

use std::{path::PathBuf, sync::Arc, time::Duration};

use amtd_amt::machine::{self, HostClient, ReachError};
use amtd_apf::Port;
use amtd_mei::{ClientGuid, ConnectError, Connection, LinkError, Node};
use tokio::{
    net::UnixStream,
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::timeout,
};
use zeroize::Zeroizing;

use crate::{
    driver::LinkStatus,
    front::{Door, DoorError},
};

/// The firmware of this machine. Clones share it.
#[derive(Debug, Clone)]
pub struct Machine {
    link: watch::Receiver<LinkStatus>,
    device: Option<PathBuf>,
    door: Door,
    limits: Limits,
    turns: Turns,
}

/// How long firmware is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// To open a host client.
    pub connect: Duration,
    /// For one answer of a host client.
    pub answer: Duration,
}

impl Machine {
    /// The machine behind `device`, or else behind the device that the link uses or tried last.
    pub fn new(
        device: Option<PathBuf>,
        link: watch::Receiver<LinkStatus>,
        door: Door,
        limits: Limits,
    ) -> Self {
        Self { link, device, door, limits, turns: Turns::default() }
    }

    fn node(&self) -> Result<Node, ReachError> {
        let path = self.device.clone().or_else(|| self.link.borrow().node.clone());
        Node::at(&path.ok_or(ReachError::NoDevice)?).map_err(|error| unreachable_by(error.into()))
    }
}

impl machine::Machine for Machine {
    type Burst = Burst;
    type Stream = UnixStream;

    async fn open(&self, client: HostClient) -> Result<Burst, ReachError> {
        let turn = self.turns.of(client);
        // It is never closed. The wait ends with the burst before, or with the deadline of the caller.
        let turn = turn.acquire_owned().await.map_err(|_closed| ReachError::Stopping)?;
        let limit = self.limits.connect;
        let connection =
            Connection::open(&self.node()?, guid(client), limit).await.map_err(unreachable_by)?;
        let inbox = Zeroizing::new(vec![0; connection.max_message_length()]);
        Ok(Burst { connection, inbox, limit: self.limits.answer, turn })
    }

    async fn connect(&self, port: u16) -> Result<UnixStream, ReachError> {
        self.door.connect(Port(port)).map_err(|error| match error {
            DoorError::Stopping => ReachError::Stopping,
            DoorError::Crowded | DoorError::Socket(_) => ReachError::Other(Arc::new(error)),
        })
    }

    fn serves(&self, port: u16) -> bool {
        self.link.borrow().serves(port)
    }
}

/// An open connection to a host client.
#[derive(Debug)]
pub struct Burst {
    connection: Connection,
    inbox: Zeroizing<Vec<u8>>,
    limit: Duration,
    /// The next burst of the daemon to this client begins when this one has ended.
    turn: OwnedSemaphorePermit,
}

impl machine::Burst for Burst {
    async fn exchange(&mut self, request: &[u8]) -> Result<Zeroizing<Vec<u8>>, ReachError> {
        let exchange = async {
            self.connection.send(request).await?;
            self.connection.recv(&mut self.inbox).await
        };
        let answered = timeout(self.limit, exchange).await;
        let length = answered.map_err(|_elapsed| ReachError::Silent(self.limit))?.map_err(lost_by)?;
        Ok(Zeroizing::new(self.inbox.get(..length).unwrap_or_default().to_vec()))
    }

    async fn close(self) {
        self.connection.close().await;
        drop(self.turn);
    }
}

/// Whose turn it is at each host client.
#[derive(Debug, Clone)]
struct Turns {
    amthi: Arc<Semaphore>,
    mhc: Arc<Semaphore>,
    mkhi: Arc<Semaphore>,
    upid: Arc<Semaphore>,
}

impl Default for Turns {
    fn default() -> Self {
        let turn = || Arc::new(Semaphore::new(1));
        Self { amthi: turn(), mhc: turn(), mkhi: turn(), upid: turn() }
    }
}

impl Turns {
    fn of(&self, client: HostClient) -> Arc<Semaphore> {
        Arc::clone(match client {
            HostClient::Amthi => &self.amthi,
            HostClient::Mhc => &self.mhc,
            HostClient::Mkhi => &self.mkhi,
            HostClient::Upid => &self.upid,
        })
    }
}

fn guid(client: HostClient) -> ClientGuid {
    match client {
        HostClient::Amthi => ClientGuid::AMTHI,
        HostClient::Mhc => ClientGuid::WD,
        HostClient::Mkhi => ClientGuid::MKHI,
        HostClient::Upid => ClientGuid::UPID,
    }
}

/// An error of the device as flows know it: causes with a remedy of their own by name, others as they are.
fn unreachable_by(error: ConnectError) -> ReachError {
    match error {
        ConnectError::Busy { .. } => ReachError::Busy,
        ConnectError::DeviceDown { .. } => ReachError::NoDevice,
        ConnectError::NoClient { .. } => ReachError::NoClient,
        ConnectError::PermissionDenied { .. } => ReachError::PermissionDenied,
        ConnectError::TimedOut { limit, .. } => ReachError::Silent(limit),
        error => ReachError::Other(Arc::new(error)),
    }
}

fn lost_by(error: LinkError) -> ReachError {
    match error {
        LinkError::Gone => ReachError::Lost,
        error => ReachError::Other(Arc::new(error)),
    }
}
