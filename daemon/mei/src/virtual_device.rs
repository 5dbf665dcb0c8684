//! The virtual device: the same service as the character device, on a Unix socket with packets. Called by
//! `connection`. Nothing here blocks.
//!
//! The client sends CONNECT and gets a reply; from then on one packet is one message, in either direction, and the
//! peer's closing is the device going away.
//!
//! ```text
//! CONNECT, 24 bytes:  u8 op = 1 | 3 zero | 16 GUID as for the ioctl | u8 vtag, 0 = none | 3 zero
//! reply,   12 bytes:  i32 status, 0 or a positive errno | u32 longest message | u8 version | 3 zero
//! ```

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::path::Path;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect as connect_socket, recv, send, socket,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

use crate::descriptor::Descriptor;
use crate::ioctl::ClientProperties;
use crate::{ClientGuid, ConnectError, ReplyFault};

/// Connects to the socket and through it to the client, which is done when the peer has answered. The caller sets the
/// deadline; dropping the future closes the connection.
pub(crate) async fn connect(
    path: &Path,
    client: ClientGuid,
) -> Result<(AsyncFd<Descriptor>, ClientProperties), ConnectError> {
    let mut reply = [0; REPLY_LENGTH];
    let exchanged = exchange(path, &request(client), &mut reply).await;
    let (fd, length) = exchanged.map_err(|errno| ConnectError::from_errno(path, client, errno))?;
    match decode(reply, length) {
        Ok(properties) => Ok((fd, properties)),
        Err(Refusal::Errno(errno)) => Err(ConnectError::from_errno(path, client, errno)),
        Err(Refusal::Fault(fault)) => Err(ConnectError::BadReply { path: path.to_owned(), fault }),
    }
}

/// Reads one packet. 0 is the end: the peer has closed. A packet that does not fit shows its full length, which
/// `connection` compares with the longest message.
pub(crate) fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Errno> {
    recv(fd.as_raw_fd(), buffer, MsgFlags::MSG_TRUNC)
}

/// Writes one packet. A peer that has gone is an error, not a signal.
pub(crate) fn transmit(fd: BorrowedFd<'_>, message: &[u8]) -> Result<usize, Errno> {
    send(fd.as_raw_fd(), message, MsgFlags::MSG_NOSIGNAL)
}

enum Refusal {
    Errno(Errno),
    Fault(ReplyFault),
}

/// Sends the request on a new connection and waits for the reply, whose true length is returned.
async fn exchange(
    path: &Path,
    request: &[u8],
    reply: &mut [u8],
) -> Result<(AsyncFd<Descriptor>, usize), Errno> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None)?;
    let address = UnixAddr::new(path)?;
    // EAGAIN: the peer's backlog is full, and nothing tells when it has room again.
    while let Err(errno) = connect_socket(fd.as_raw_fd(), &address) {
        if errno != Errno::EAGAIN {
            return Err(errno);
        }
        sleep(BACKLOG_PAUSE).await;
    }
    send(fd.as_raw_fd(), request, MsgFlags::MSG_NOSIGNAL)?;
    let fd = Descriptor::new(fd, false).register(Interest::READABLE)?;
    let received = fd.async_io(Interest::READABLE, |fd| receive(fd.as_fd()?, reply).map_err(io::Error::from));
    match received.await {
        Ok(0) => Err(Errno::ECONNRESET),
        Ok(length) => Ok((fd, length)),
        Err(error) => Err(error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)),
    }
}

/// Whether the peer has closed. What it sent before can still be read.
pub(crate) fn hung_up(fd: BorrowedFd<'_>) -> bool {
    let mut polled = [PollFd::new(fd, PollFlags::empty())];
    let answered = poll(&mut polled, PollTimeout::ZERO);
    // A hang-up is reported without being asked for. A descriptor that cannot be asked is of no use either.
    let [polled] = polled;
    answered.is_err() || polled.revents().is_none_or(|events| events.intersects(PollFlags::POLLHUP))
}

fn request(client: ClientGuid) -> [u8; REQUEST_LENGTH] {
    let mut request = [0; REQUEST_LENGTH];
    if let Some((header, rest)) = request.split_first_chunk_mut::<4>() {
        *header = [OP_CONNECT, 0, 0, 0];
        if let Some((guid, _no_vtag)) = rest.split_first_chunk_mut() {
            *guid = client.to_bytes();
        }
    }
    request
}

fn decode(reply: [u8; REPLY_LENGTH], length: usize) -> Result<ClientProperties, Refusal> {
    if length != REPLY_LENGTH {
        return Err(Refusal::Fault(ReplyFault::Length(length)));
    }
    let [s0, s1, s2, s3, m0, m1, m2, m3, protocol_version, ..] = reply;
    match i32::from_le_bytes([s0, s1, s2, s3]) {
        0 => Ok(ClientProperties {
            max_message_length: u32::from_le_bytes([m0, m1, m2, m3]),
            protocol_version,
        }),
        status => Err(match Errno::from_raw(status) {
            Errno::UnknownErrno => Refusal::Fault(ReplyFault::Status(status)),
            errno => Refusal::Errno(errno),
        }),
    }
}

/// Pause between two attempts while the peer's backlog is full.
const BACKLOG_PAUSE: Duration = Duration::from_millis(5);
const OP_CONNECT: u8 = 1;
const REQUEST_LENGTH: usize = 24;
const REPLY_LENGTH: usize = 12;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_packet_is_laid_out_as_other_programs_rely_on() {
        let expected = [
            1, 0, 0, 0, 0xdb, 0xa4, 0x33, 0x67, 0x76, 0x04, 0x7b, 0x4e, 0xb3, 0xaf, 0xbc, 0xfc, 0x29, 0xbe,
            0xe7, 0xa7, 0, 0, 0, 0,
        ];
        assert_eq!(request(ClientGuid::LME), expected);
    }
}
