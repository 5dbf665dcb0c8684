//! One connection to one firmware client: whole messages, never a blocking call on the reactor. The same for both
//! kinds of device. Owned by the daemon's driver (LME) or by whoever runs a short burst (AMTHI); decides nothing
//! about retries.

use std::io;
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use crate::descriptor::Descriptor;
use crate::ioctl::ClientProperties;
use crate::{ClientGuid, ConnectError, LinkError, Node, ReplyFault, char_device, virtual_device};

/// A connection to a firmware client. It is good for one life: after an error it is closed, and another one opened,
/// because a descriptor that was connected once keeps stale state (mei 6.2).
///
/// Dropping it does not block: where closing may wait for firmware it happens on a blocking thread.
#[derive(Debug)]
pub struct Connection {
    fd: AsyncFd<Descriptor>,
    kind: Kind,
    max_message_length: usize,
    protocol_version: u8,
}

/// What [`Connection::try_recv`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recv {
    /// A message of this many bytes, at the start of the buffer.
    Message(usize),
    /// A message without content. It is not the end of the connection (mei 4).
    Empty,
    /// Nothing yet; wait with [`Connection::recv_ready`].
    WouldBlock,
}

/// What [`Connection::try_send`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Send {
    /// The message is queued. The firmware need not have it yet (mei 5.1).
    Done,
    /// The queue is full; wait with [`Connection::send_ready`].
    WouldBlock,
}

impl Connection {
    /// Opens the device and binds a new connection to `client`, for at most `limit`; where that may block, on a blocking
    /// thread. If the caller stops waiting, or the device answers after the limit, the connection is closed again.
    ///
    /// # Errors
    ///
    /// [`ConnectError`], by cause.
    pub async fn open(node: &Node, client: ClientGuid, limit: Duration) -> Result<Self, ConnectError> {
        let connected = async {
            match node {
                Node::Char(path) => connect_char(path, client).await,
                Node::Virtual(path) => virtual_device::connect(path, client).await,
            }
        };
        let timed_out = |_elapsed| ConnectError::TimedOut { path: node.path().to_owned(), limit };
        let (fd, properties) = tokio::time::timeout(limit, connected).await.map_err(timed_out)??;
        let max_message_length = longest_message(node, properties)?;
        let ClientProperties { protocol_version, .. } = properties;
        Ok(Self { fd, kind: Kind::of(node), max_message_length, protocol_version })
    }

    /// The longest message in either direction, in bytes; 1 to 1 MiB.
    pub fn max_message_length(&self) -> usize {
        self.max_message_length
    }

    /// The version number that the firmware client gave when it was connected.
    pub fn protocol_version(&self) -> u8 {
        self.protocol_version
    }

    /// Takes the next message, if there is one. The buffer must hold [`Connection::max_message_length`] bytes.
    ///
    /// Call it until it says [`Recv::WouldBlock`] before waiting again: that last read is what allows firmware to
    /// send another message (mei 5.3). After an error readiness, messages that had already arrived still come, and
    /// then the error.
    ///
    /// # Errors
    ///
    /// [`LinkError`], by cause; never [`LinkError::TooLong`].
    pub fn try_recv(&self, buffer: &mut [u8]) -> Result<Recv, LinkError> {
        if buffer.len() < self.max_message_length {
            return Err(LinkError::ShortBuffer { length: buffer.len(), needed: self.max_message_length });
        }
        match self.attempt(Interest::READABLE, |fd| self.kind.receive(fd, buffer))? {
            None => Ok(Recv::WouldBlock),
            Some(0) => self.kind.zero_length_read(&self.fd),
            Some(length) if length > self.max_message_length => Err(LinkError::Protocol(Errno::EMSGSIZE)),
            Some(length) => Ok(Recv::Message(length)),
        }
    }

    /// Hands over one message, whole or not at all. An empty message is not sent, which is what the device does.
    ///
    /// # Errors
    ///
    /// [`LinkError`], by cause. [`LinkError::TooLong`] leaves the connection usable.
    pub fn try_send(&self, message: &[u8]) -> Result<Send, LinkError> {
        let too_long = LinkError::TooLong { length: message.len(), limit: self.max_message_length };
        if message.len() > self.max_message_length {
            return Err(too_long);
        }
        if message.is_empty() {
            return Ok(Send::Done);
        }
        let sent = match self.kind {
            Kind::Char => self.attempt(Interest::WRITABLE, |fd| self.kind.transmit(fd, message)),
            // A socket becomes writable anew with every message that its peer takes, which would wake the driver each time for
            // nothing. So it is watched for room only while a message waits, by `send_ready`.
            Kind::Virtual => at_once(self.fd.get_ref(), |fd| self.kind.transmit(fd, message)),
        };
        match sent {
            Ok(None) => Ok(Send::WouldBlock),
            Ok(Some(length)) if length == message.len() => Ok(Send::Done),
            // No MEI device splits a message. The rest is lost for good.
            Ok(Some(_short)) => Err(LinkError::Protocol(Errno::EIO)),
            // On a write these say that the message does not fit the device's queue.
            Err(LinkError::Io(Errno::EFBIG) | LinkError::Protocol(Errno::EMSGSIZE)) => Err(too_long),
            Err(error) => Err(error),
        }
    }

    /// Waits until [`Connection::try_recv`] is worth calling: a message, or an error to be read. Has no limit of its
    /// own. Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// [`LinkError::Gone`] if the runtime is shutting down.
    pub async fn recv_ready(&self) -> Result<(), LinkError> {
        ready(&self.fd, Interest::READABLE).await
    }

    /// Waits until [`Connection::try_send`] is worth calling. Has no limit of its own. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`LinkError::Gone`] if the runtime is shutting down.
    pub async fn send_ready(&self) -> Result<(), LinkError> {
        match self.kind {
            Kind::Char => ready(&self.fd, Interest::WRITABLE).await,
            Kind::Virtual => {
                let second = self.fd.get_ref().duplicate().and_then(|fd| fd.register(Interest::WRITABLE));
                ready(&second.map_err(LinkError::from_errno)?, Interest::WRITABLE).await
            }
        }
    }

    /// Waits for one message and returns its length; 0 is a message without content. The caller sets the deadline.
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    ///
    /// As [`Connection::try_recv`].
    pub async fn recv(&self, buffer: &mut [u8]) -> Result<usize, LinkError> {
        loop {
            match self.try_recv(buffer)? {
                Recv::Message(length) => return Ok(length),
                Recv::Empty => return Ok(0),
                Recv::WouldBlock => self.recv_ready().await?,
            }
        }
    }

    /// Sends one message, waiting for room. The caller sets the deadline. If the future is dropped before it is done,
    /// the message was not sent.
    ///
    /// # Errors
    ///
    /// As [`Connection::try_send`].
    pub async fn send(&self, message: &[u8]) -> Result<(), LinkError> {
        while self.try_send(message)? == Send::WouldBlock {
            self.send_ready().await?;
        }
        Ok(())
    }

    /// Closes on a blocking thread and waits until firmware has let go, at most about 15 s (mei 3). If the caller
    /// stops waiting, the close goes on.
    pub async fn close(self) {
        self.fd.into_inner().close().await;
    }

    /// Runs one non-blocking operation if the descriptor is believed to be ready. `None` says that it is not; the readiness
    /// is then cleared, so that the next wait is for a new event.
    fn attempt(
        &self,
        interest: Interest,
        mut operation: impl FnMut(&Descriptor) -> Result<usize, Errno>,
    ) -> Result<Option<usize>, LinkError> {
        let mut operation = |descriptor: &Descriptor| uninterrupted(descriptor, &mut operation);
        // One after the other: `try_io` does not know combined interests, and takes them for never ready.
        for interest in [interest, Interest::ERROR] {
            match self.fd.try_io(interest, |fd| operation(fd).map_err(io::Error::from)) {
                Ok(length) => return Ok(Some(length)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(LinkError::from_io(&error)),
            }
        }
        Ok(None)
    }
}

/// Runs one non-blocking operation whatever the readiness; `None` says that it would block.
fn at_once(
    fd: &Descriptor,
    mut operation: impl FnMut(&Descriptor) -> Result<usize, Errno>,
) -> Result<Option<usize>, LinkError> {
    match uninterrupted(fd, &mut operation) {
        Ok(length) => Ok(Some(length)),
        Err(Errno::EAGAIN) => Ok(None),
        Err(errno) => Err(LinkError::from_errno(errno)),
    }
}

fn uninterrupted(
    fd: &Descriptor,
    operation: &mut impl FnMut(&Descriptor) -> Result<usize, Errno>,
) -> Result<usize, Errno> {
    loop {
        match operation(fd) {
            Err(Errno::EINTR) => {}
            outcome => return outcome,
        }
    }
}

/// The device reports a lost connection as an error alone, neither readable nor writable (mei 5.3), so the error must
/// be among what is waited for.
async fn ready(fd: &AsyncFd<Descriptor>, interest: Interest) -> Result<(), LinkError> {
    let guard = fd.ready(interest | Interest::ERROR).await;
    guard.map(drop).map_err(|error| LinkError::from_io(&error))
}

/// Which of the two protocols the descriptor speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Char,
    Virtual,
}

impl Kind {
    fn of(node: &Node) -> Self {
        match node {
            Node::Char(_) => Self::Char,
            Node::Virtual(_) => Self::Virtual,
        }
    }

    fn receive(self, fd: &Descriptor, buffer: &mut [u8]) -> Result<usize, Errno> {
        match self {
            Self::Char => char_device::receive(fd.as_fd()?, buffer),
            Self::Virtual => virtual_device::receive(fd.as_fd()?, buffer),
        }
    }

    fn transmit(self, fd: &Descriptor, message: &[u8]) -> Result<usize, Errno> {
        match self {
            Self::Char => char_device::transmit(fd.as_fd()?, message),
            Self::Virtual => virtual_device::transmit(fd.as_fd()?, message),
        }
    }

    /// On a device an empty message (mei 4); on a socket the end, if the peer has hung up as well.
    fn zero_length_read(self, fd: &AsyncFd<Descriptor>) -> Result<Recv, LinkError> {
        let ended = match self {
            Self::Char => false,
            Self::Virtual => {
                virtual_device::hung_up(fd.get_ref().as_fd().map_err(|_closed| LinkError::Gone)?)
            }
        };
        if ended { Err(LinkError::Gone) } else { Ok(Recv::Empty) }
    }
}

/// Connects on a blocking thread, and registers only then: a descriptor that is registered before it is connected never
/// wakes (mei 5.3).
async fn connect_char(
    path: &Path,
    client: ClientGuid,
) -> Result<(AsyncFd<Descriptor>, ClientProperties), ConnectError> {
    let device = path.to_owned();
    let established = tokio::task::spawn_blocking(move || {
        // Wrapped at once, so that it is closed where that may block even if nobody waits any more.
        char_device::connect(&device, client).map(|(fd, properties)| (Descriptor::new(fd, true), properties))
    });
    let cancelled = |_| ConnectError::Io { path: path.to_owned(), errno: Errno::ECANCELED };
    // Only a runtime that is shutting down cancels the task.
    let (fd, properties) = established.await.map_err(cancelled)??;
    // On a device everything must be watched from the beginning (mei 5.3, rule 2).
    let registered = fd.register(Interest::READABLE | Interest::WRITABLE);
    let fd = registered.map_err(|errno| ConnectError::from_errno(path, client, errno))?;
    Ok((fd, properties))
}

/// Everybody's buffers have the size of the longest message, so it is checked before it is believed.
fn longest_message(node: &Node, properties: ClientProperties) -> Result<usize, ConnectError> {
    let claimed = properties.max_message_length;
    let sane = usize::try_from(claimed).ok().filter(|length| (1..=MAX_MESSAGE_LENGTH).contains(length));
    let fault = ReplyFault::MaxMessageLength(claimed);
    sane.ok_or_else(|| ConnectError::BadReply { path: node.path().to_owned(), fault })
}

/// More than any firmware client offers (a few KiB), and little enough to allocate.
const MAX_MESSAGE_LENGTH: usize = 1 << 20;

#[cfg(test)]
mod tests;
