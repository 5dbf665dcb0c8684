//! Accepts connections. A failure to accept costs a pause, but does not end the listener.

use std::{
    io,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixStream},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::UnixSocket;
use crate::complaints::Complaints;

/// Pause after accepting failed, as when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What both kinds of listening socket do.
pub(crate) trait Listener: Send + Sync + 'static {
    /// A connection.
    type Connection: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The user at the other end, if the kernel says.
    fn user(connection: &Self::Connection) -> Option<u32>;

    /// The next connection.
    fn accept(&self) -> impl Future<Output = io::Result<Self::Connection>> + Send;
}

impl Listener for UnixSocket {
    type Connection = UnixStream;

    fn user(connection: &UnixStream) -> Option<u32> {
        connection.peer_cred().ok().map(|peer| peer.uid())
    }

    async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

impl Listener for TcpListener {
    type Connection = TcpStream;

    fn user(_connection: &TcpStream) -> Option<u32> {
        None
    }

    async fn accept(&self) -> io::Result<TcpStream> {
        Ok(Self::accept(self).await?.0)
    }
}

/// Accepts connections from one listener until it is stopped.
pub(crate) struct Acceptor<L> {
    name: &'static str,
    listener: L,
    stop: CancellationToken,
    complaints: Complaints<io::ErrorKind>,
}

impl<L: Listener> Acceptor<L> {
    /// `name` is for the log.
    pub(crate) fn new(name: &'static str, listener: L, stop: CancellationToken) -> Self {
        Self { name, listener, stop, complaints: Complaints::default() }
    }

    /// The next connection; `None` when it is time to stop.
    pub(crate) async fn next(&mut self) -> Option<L::Connection> {
        loop {
            match self.stop.run_until_cancelled(self.listener.accept()).await? {
                Ok(connection) => return Some(connection),
                Err(error) => {
                    self.complain(&error);
                    self.stop.run_until_cancelled(sleep(ACCEPT_PAUSE)).await?;
                }
            }
        }
    }

    fn complain(&self, error: &io::Error) {
        if let Some(unlogged) = self.complaints.due(error.kind(), Instant::now()) {
            warn!(listener = self.name, %error, unlogged, "cannot accept connections for a moment");
        }
    }
}
