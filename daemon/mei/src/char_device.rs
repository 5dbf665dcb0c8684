//! The kernel's character device: how a connection comes about and how one message is read and written. Called by
//! `connection`; knows nothing of readiness.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::Mode;

use crate::ioctl::{self, ClientProperties};
use crate::{ClientGuid, ConnectError};

/// Opens the node and binds it to the client. Blocks until firmware has answered.
pub(crate) fn connect(path: &Path, client: ClientGuid) -> Result<(OwnedFd, ClientProperties), ConnectError> {
    let flags = OFlag::O_RDWR | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC | OFlag::O_NOCTTY;
    let attempt = || -> Result<_, Errno> {
        let fd = open(path, flags, Mode::empty())?;
        let properties = ioctl::connect_client(fd.as_fd(), client)?;
        Ok((fd, properties))
    };
    attempt().map_err(|errno| ConnectError::from_errno(path, client, errno))
}

/// Reads one message. A length of 0 is an empty message, not the end (mei 4).
pub(crate) fn receive(fd: BorrowedFd<'_>, buffer: &mut [u8]) -> Result<usize, Errno> {
    nix::unistd::read(fd, buffer)
}

/// Writes one message. The device takes it whole or not at all (mei 5.1).
pub(crate) fn transmit(fd: BorrowedFd<'_>, message: &[u8]) -> Result<usize, Errno> {
    nix::unistd::write(fd, message)
}
