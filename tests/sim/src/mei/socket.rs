//! The virtual device's sockets: a listening `SOCK_SEQPACKET` Unix socket and the connections that it accepts.
//!
//! Owns the mapping from socket calls to device behaviour: message boundaries, the receive credit, and what a read of zero
//! bytes means. Knows nothing of clients or protocols. Used by `mei::connection` and the event loop in `world`.
//!
//! The runtime has no type for sequential packets. Its stream listener and its datagram socket make exactly the system calls that
//! are needed here, whatever the socket's type, and register it without unsafe code; so they carry these sockets.

use std::io::{self, IoSlice};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram as StdDatagram, UnixListener as StdListener};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, ready};

use socket2::{Domain, SockAddr, SockRef, Socket, Type};
use tokio::io::Interest;
use tokio::net::{UnixDatagram, UnixListener};

use super::Packet;
use crate::config::ReceiveCredit;

/// Connections that may wait for `accept`; opening a device node does not queue, so ample.
const BACKLOG: i32 = 128;

/// The listening socket. Dropping it removes its path.
#[derive(Debug)]
pub(crate) struct Listener {
    socket: StdListener,
    path: SocketPath,
}

/// A path that is removed in the end.
#[derive(Debug)]
struct SocketPath(PathBuf);

impl Listener {
    /// Listens at `path`. A socket there that nobody listens on is replaced; anything else there is an error.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        let socket = Socket::new(Domain::UNIX, Type::SEQPACKET, None)?;
        let address = SockAddr::unix(path)?;
        if let Err(error) = socket.bind(&address) {
            if error.kind() != io::ErrorKind::AddrInUse || !is_abandoned(&address) {
                return Err(error);
            }
            std::fs::remove_file(path)?;
            socket.bind(&address)?;
        }
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: OwnedFd::from(socket).into(), path: SocketPath(path.to_owned()) })
    }

    /// Hands the socket to the runtime of the calling thread.
    pub(crate) fn register(self) -> io::Result<Acceptor> {
        Ok(Acceptor { listener: UnixListener::from_std(self.socket)?, _path: self.path })
    }
}

impl Drop for SocketPath {
    fn drop(&mut self) {
        // Nothing to do about a failure: the next `bind` replaces the abandoned socket.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Whether a socket file is left over from a process that is gone.
fn is_abandoned(address: &SockAddr) -> bool {
    let probe = Socket::new(Domain::UNIX, Type::SEQPACKET, None);
    probe
        .and_then(|probe| probe.connect(address))
        .is_err_and(|e| e.kind() == io::ErrorKind::ConnectionRefused)
}

/// The listening socket, registered with the runtime.
#[derive(Debug)]
pub(crate) struct Acceptor {
    listener: UnixListener,
    _path: SocketPath,
}

impl Acceptor {
    /// The next connection.
    pub(crate) fn poll_accept(
        &self,
        cx: &mut Context<'_>,
        credit: ReceiveCredit,
    ) -> Poll<io::Result<PacketSocket>> {
        let (accepted, _) = ready!(self.listener.poll_accept(cx))?;
        Poll::Ready(accepted.into_std().and_then(|socket| PacketSocket::new(socket.into(), credit)))
    }
}

/// What one read brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Received {
    /// A message of so many bytes, at least 1. Longer messages than the buffer are cut; the caller offers one byte too many.
    Message(usize),
    /// The host closed its end.
    Closed,
}

/// One open of the virtual device.
#[derive(Debug)]
pub(crate) struct PacketSocket {
    socket: UnixDatagram,
    credit: ReceiveCredit,
}

impl PacketSocket {
    /// Takes over a connected socket that does not block.
    fn new(socket: OwnedFd, credit: ReceiveCredit) -> io::Result<Self> {
        Ok(Self { socket: UnixDatagram::from_std(StdDatagram::from(socket))?, credit })
    }

    /// Makes the socket's buffer fit the client that was connected.
    ///
    /// The kernel reports a Unix socket as writable while unread bytes are at most a quarter of the buffer, and refuses
    /// messages that do not fit into it. So the smallest buffer that takes `max_message` comes nearest to "one unread
    /// message"; only the smallest messages, below about 500 bytes, can then be unread in twos (see `poll_send`).
    pub(crate) fn fit(&self, max_message: usize) {
        /// What the kernel takes from the buffer for itself before it compares a message's length with it.
        const OVERHEAD: usize = 32;
        if self.credit == ReceiveCredit::One {
            // The kernel doubles the value that it is given. If it refuses, the credit is less exact and nothing else.
            let _ = SockRef::from(&self.socket).set_send_buffer_size((max_message + OVERHEAD).div_ceil(2));
        }
    }

    /// Reads one message into `buffer`.
    pub(crate) fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<Received>> {
        loop {
            ready!(self.socket.poll_recv_ready(cx))?;
            match self.socket.try_recv(buffer) {
                Ok(0) if self.is_hung_up(cx) => return Poll::Ready(Ok(Received::Closed)),
                // A message of no bytes, for which the driver sends nothing (mei 5.1), or a close whose event is still to
                // come: one turn of the event loop tells.
                Ok(0) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(length) => return Poll::Ready(Ok(Received::Message(length))),
                Err(error) => match error.kind() {
                    // The host closed with messages unread; what it sent before is still there to be read.
                    io::ErrorKind::WouldBlock
                    | io::ErrorKind::ConnectionReset
                    | io::ErrorKind::Interrupted => {}
                    _ => return Poll::Ready(Err(error)),
                },
            }
        }
    }

    /// Whether the runtime knows that the host has closed its end.
    fn is_hung_up(&self, cx: &mut Context<'_>) -> bool {
        let readiness = pin!(self.socket.ready(Interest::READABLE)).poll(cx);
        matches!(readiness, Poll::Ready(Ok(ready)) if ready.is_read_closed())
    }

    /// Sends `packet` as one message once the host's credit allows it.
    ///
    /// With `ReceiveCredit::One` the known writability is dropped after each message, so that the next send waits for the
    /// kernel's next "writable" event, which the host's read of the message causes. An unrelated event (a message from the
    /// host) can report writability too while the unread bytes are few.
    pub(crate) fn poll_send(&self, cx: &mut Context<'_>, packet: &Packet) -> Poll<io::Result<()>> {
        let parts = [IoSlice::new(packet.head()), IoSlice::new(packet.body())];
        let parts = if packet.body().is_empty() { &parts[..1] } else { &parts[..] };
        loop {
            ready!(self.socket.poll_send_ready(cx))?;
            match self.socket.try_io(Interest::WRITABLE, || SockRef::from(&self.socket).send_vectored(parts))
            {
                Ok(_) => {
                    if self.credit == ReceiveCredit::One {
                        self.forget_writability();
                    }
                    return Poll::Ready(Ok(()));
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => {}
                    _ => return Poll::Ready(Err(error)),
                },
            }
        }
    }

    fn forget_writability(&self) {
        // Reporting "would block" is how the runtime is told.
        let _ = self.socket.try_io(Interest::WRITABLE, || Err::<(), _>(io::ErrorKind::WouldBlock.into()));
    }
}
