//! The virtual device: the same service as the character device, on a Unix socket with packets. Called by
//! `connection`; knows nothing of readiness.
//!
//! The client sends CONNECT and gets a reply; from then on one packet is one message, in either direction, and the
//! peer's closing is the device going away.
//!
//! ```text
//! CONNECT, 24 bytes:  u8 op = 1 | 3 zero | 16 GUID as for the ioctl | u8 vtag, 0 = none | 3 zero
//! reply,   12 bytes:  i32 status, 0 or a positive errno | u32 longest message | u8 version | 3 zero
//! ```

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::sockopt::{ReceiveTimeout, SendTimeout};
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect as connect_socket, recv, send, setsockopt,
    socket,
};
use nix::sys::time::TimeVal;

use crate::ioctl::ClientProperties;
use crate::{ClientGuid, ConnectError, ReplyFault};

/// Connects to the socket and through it to the client. Blocks until the peer has answered, at most for `limit`.
pub(crate) fn connect(
    path: &Path,
    client: ClientGuid,
    limit: Duration,
) -> Result<(OwnedFd, ClientProperties), ConnectError> {
    let failed = |errno| match errno {
        // The socket's own time limit shows as EAGAIN.
        Errno::EAGAIN => ConnectError::TimedOut { path: path.to_owned(), limit },
        errno => ConnectError::from_errno(path, client, errno),
    };
    let mut reply = [0; REPLY_LENGTH];
    let (fd, length) = exchange(path, &request(client), &mut reply, limit).map_err(failed)?;
    let properties = match decode(reply, length) {
        Ok(properties) => properties,
        Err(Refusal::Errno(errno)) => return Err(ConnectError::from_errno(path, client, errno)),
        Err(Refusal::Fault(fault)) => return Err(ConnectError::BadReply { path: path.to_owned(), fault }),
    };
    set_nonblocking(&fd).map_err(failed)?;
    Ok((fd, properties))
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
fn exchange(
    path: &Path,
    request: &[u8],
    reply: &mut [u8],
    limit: Duration,
) -> Result<(OwnedFd, usize), Errno> {
    let deadline = Instant::now() + limit;
    let fd = socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None)?;
    // Covers `connect` as well, which waits while the peer's backlog is full.
    setsockopt(&fd, SendTimeout, &remaining(deadline))?;
    connect_socket(fd.as_raw_fd(), &UnixAddr::new(path)?)?;
    send(fd.as_raw_fd(), request, MsgFlags::MSG_NOSIGNAL)?;
    setsockopt(&fd, ReceiveTimeout, &remaining(deadline))?;
    match receive(fd.as_fd(), reply)? {
        0 => Err(Errno::ECONNRESET),
        length => Ok((fd, length)),
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

/// The time left, but never zero, which for a socket means for ever.
fn remaining(deadline: Instant) -> TimeVal {
    let left = deadline.saturating_duration_since(Instant::now());
    let seconds = i64::try_from(left.as_secs()).unwrap_or(i64::MAX / 2);
    TimeVal::new(seconds, i64::from(left.subsec_micros().max(1)))
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

/// Only now, so that the connect itself could wait.
fn set_nonblocking(fd: &OwnedFd) -> Result<(), Errno> {
    fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map(drop)
}

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

    #[test]
    fn time_that_is_up_does_not_become_an_endless_wait() {
        let past = Instant::now();
        assert_eq!(remaining(past), TimeVal::new(0, 1));
    }
}
