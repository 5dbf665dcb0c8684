//! The daemon's own way to firmware's ports: a client connection that never leaves the process.
//!
//! The same relay serves it as every other client, so that class, turn, lazy attach and the answers while the link is
//! down are the same; there is no second path for bytes. Such connections have the daemon's own user and program, which
//! class rules can name. Used by the [`machine`](crate::machine).

use std::{
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    sync::Arc,
};

use amtd_apf::Port;
use tokio::{net::UnixStream, sync::mpsc};

use super::peer;

/// Connections of the daemon itself, for which room is kept beside all clients. A job has one, rarely two.
pub const OWN_CONNECTIONS: usize = 64;

/// The originator that firmware is given, because a socket pair has no address.
pub(super) const ORIGINATOR: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// Opens connections from inside the daemon. Clones lead to the same front.
#[derive(Debug, Clone)]
pub struct Door(mpsc::Sender<Visitor>);

impl Door {
    /// A connection to a port of firmware. It costs firmware nothing until its first request.
    ///
    /// # Errors
    ///
    /// [`DoorError`]: the daemon is stopping, too many came at once, or the system has no sockets left.
    pub fn connect(&self, port: Port) -> Result<UnixStream, DoorError> {
        let (own, stream) = UnixStream::pair().map_err(DoorError::Socket)?;
        self.0.try_send(Visitor { port, stream }).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => DoorError::Crowded,
            mpsc::error::TrySendError::Closed(_) => DoorError::Stopping,
        })?;
        Ok(own)
    }
}

#[cfg(test)]
impl Door {
    /// A door that leads to no front.
    pub(crate) fn nowhere() -> Self {
        Self(mpsc::channel(1).0)
    }
}

/// Why a connection through the door failed.
#[derive(Debug, thiserror::Error)]
pub enum DoorError {
    /// The system gave no socket pair.
    #[error("the system gives no socket: {0}")]
    Socket(#[source] std::io::Error),
    /// The front has not accepted the earlier ones yet.
    #[error("too many connections of the daemon itself at once")]
    Crowded,
    /// The front has stopped.
    #[error("the daemon is stopping")]
    Stopping,
}

/// A connection that waits for the front to accept it.
#[derive(Debug)]
pub(super) struct Visitor {
    pub(super) port: Port,
    pub(super) stream: UnixStream,
}

/// The front's side of the door, with the user and program of the daemon.
#[derive(Debug)]
pub(super) struct Doorway {
    door: Door,
    visitors: mpsc::Receiver<Visitor>,
    pub(super) user: u32,
    pub(super) executable: Option<Arc<str>>,
}

impl Default for Doorway {
    fn default() -> Self {
        let (sender, visitors) = mpsc::channel(OWN_CONNECTIONS);
        Self {
            door: Door(sender),
            visitors,
            user: nix::unistd::geteuid().as_raw(),
            executable: peer::own_executable(),
        }
    }
}

impl Doorway {
    pub(super) fn door(&self) -> Door {
        self.door.clone()
    }

    /// The next connection. Dropping the future loses nothing.
    pub(super) async fn visitor(&mut self) -> Visitor {
        match self.visitors.recv().await {
            Some(visitor) => visitor,
            // A sender lives in `self`.
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_through_the_door_reaches_the_front_with_its_port() {
        let mut doorway = Doorway::default();
        let own = doorway.door().connect(Port(16_992)).unwrap();
        let visitor = doorway.visitor().await;
        assert_eq!(visitor.port, Port(16_992));
        own.writable().await.unwrap();
        own.try_write(b"hello").unwrap();
        visitor.stream.readable().await.unwrap();
        let mut seen = [0; 8];
        assert_eq!(visitor.stream.try_read(&mut seen).unwrap(), 5);
    }

    #[tokio::test]
    async fn a_crowd_at_the_door_is_turned_away_and_does_not_pile_up() {
        let doorway = Doorway::default();
        let inside: Vec<_> =
            (0..OWN_CONNECTIONS).map(|_| doorway.door().connect(Port(16_992)).unwrap()).collect();
        assert!(matches!(doorway.door().connect(Port(16_992)), Err(DoorError::Crowded)));
        assert_eq!(inside.len(), OWN_CONNECTIONS);
    }

    #[tokio::test]
    async fn a_front_that_is_gone_says_that_the_daemon_stops() {
        let door = Doorway::default().door();
        assert!(matches!(door.connect(Port(16_992)), Err(DoorError::Stopping)));
    }
}
