//! What can go wrong with a device: one enum for connecting, one for an established connection. Both are decided by
//! `errno` alone, in the two tables of this file; nobody compares texts.

use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::errno::Errno;

use crate::{ClientGuid, NodeError};

/// Why no connection came about (mei 2.3, 6.5). Each text ends with what a person can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// There is no such node, or nothing behind it (ENOENT, ENXIO, ECONNREFUSED).
    #[error(
        "no MEI device at {path}: check that the mei_me driver is loaded and has found the controller, or that the virtual device is served"
    )]
    NoNode {
        /// The device path, or the directory that was searched.
        path: PathBuf,
    },
    /// The node may not be opened by this user (EACCES, EPERM).
    #[error(
        "not allowed to open {path}: give the daemon's user access with a udev rule for the mei subsystem"
    )]
    PermissionDenied {
        /// The device path.
        path: PathBuf,
    },
    /// The path names something that is no device.
    #[error("{path} is {found}, not an MEI device: name a /dev/meiN node or the socket of a virtual device")]
    NotADevice {
        /// The configured path.
        path: PathBuf,
        /// What stands there, as a noun with its article.
        found: &'static str,
    },
    /// The device is booting, resetting, suspended or disabled (ENODEV).
    #[error(
        "{path} is not ready, its link is starting, resetting, suspended or disabled: if this lasts, look for mei_me in the kernel log"
    )]
    DeviceDown {
        /// The device path.
        path: PathBuf,
    },
    /// The firmware behind this node does not offer the client, or the node is no MEI device (ENOTTY).
    #[error(
        "the firmware behind {path} has no {}: AMT may be absent, disabled in firmware setup, or still starting",
        client.words()
    )]
    NoClient {
        /// The device path.
        path: PathBuf,
        /// The client that was asked for.
        client: ClientGuid,
    },
    /// Someone else holds the client (EBUSY).
    #[error(
        "the firmware's {} on {path} is in use: stop the other program that holds it (LMS, rpc-go, another amtd)",
        client.words()
    )]
    Busy {
        /// The device path.
        path: PathBuf,
        /// The client that was asked for.
        client: ClientGuid,
    },
    /// The firmware did not answer the connect request (EFAULT, ETIME).
    #[error(
        "the firmware behind {path} did not answer the connect request: if this lasts, power-cycle the machine"
    )]
    NoAnswer {
        /// The device path.
        path: PathBuf,
    },
    /// The firmware or the driver refused the request as invalid (EINVAL).
    #[error(
        "connect to the firmware's {} on {path} was refused as invalid: the firmware may need an update",
        client.words()
    )]
    Invalid {
        /// The device path.
        path: PathBuf,
        /// The client that was asked for.
        client: ClientGuid,
    },
    /// The connect did not finish within the caller's limit.
    #[error("connect on {path} did not finish within {limit:?}: the device or its server is stuck")]
    TimedOut {
        /// The device path.
        path: PathBuf,
        /// The limit that was set.
        limit: Duration,
    },
    /// The answer to the connect request makes no sense.
    #[error("{path} gave an unusable answer to the connect request: {fault}")]
    BadReply {
        /// The device path.
        path: PathBuf,
        /// What is wrong with it.
        fault: ReplyFault,
    },
    /// Any other error of the system (out of memory, out of descriptors, ...).
    #[error("cannot connect to {path}: {errno}")]
    Io {
        /// The device path.
        path: PathBuf,
        /// The error of the system call.
        errno: Errno,
    },
}

impl ConnectError {
    /// The path that the error is about.
    pub fn path(&self) -> &Path {
        match self {
            Self::NoNode { path }
            | Self::PermissionDenied { path }
            | Self::NotADevice { path, .. }
            | Self::DeviceDown { path }
            | Self::NoClient { path, .. }
            | Self::Busy { path, .. }
            | Self::NoAnswer { path }
            | Self::Invalid { path, .. }
            | Self::TimedOut { path, .. }
            | Self::BadReply { path, .. }
            | Self::Io { path, .. } => path,
        }
    }

    /// The one table from `errno` to meaning, for opening a node, for the ioctl, and for the status of the virtual
    /// device, which speaks the same numbers.
    pub(crate) fn from_errno(path: &Path, client: ClientGuid, errno: Errno) -> Self {
        let path = path.to_owned();
        match errno {
            Errno::ENOENT | Errno::ENXIO | Errno::ECONNREFUSED => Self::NoNode { path },
            Errno::EACCES | Errno::EPERM => Self::PermissionDenied { path },
            Errno::EPROTOTYPE => Self::NotADevice { path, found: "a socket of another type" },
            // A link reset during the connect shows as EINTR on kernels that wait it out (mei 2.3); the virtual
            // device shows it by hanging up.
            Errno::ENODEV | Errno::EINTR | Errno::ECONNRESET | Errno::EPIPE => Self::DeviceDown { path },
            Errno::ENOTTY => Self::NoClient { path, client },
            Errno::EBUSY => Self::Busy { path, client },
            Errno::EFAULT | Errno::ETIME => Self::NoAnswer { path },
            Errno::EINVAL => Self::Invalid { path, client },
            errno => Self::Io { path, errno },
        }
    }
}

impl From<NodeError> for ConnectError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::NotFound { path } => Self::NoNode { path },
            NodeError::PermissionDenied { path } => Self::PermissionDenied { path },
            NodeError::NotADevice { path, found } => Self::NotADevice { path, found },
            NodeError::Io { path, errno } => Self::Io { path, errno },
        }
    }
}

/// What is wrong with the answer to a connect request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    /// The reply of the virtual device is not 12 bytes long.
    #[error("the reply has {0} bytes instead of 12; is this a virtual MEI device?")]
    Length(usize),
    /// The status is neither 0 nor a known positive `errno`.
    #[error("the status {0} is not an errno of this system")]
    Status(i32),
    /// The longest message is 0 bytes or more than 1 MiB.
    #[error("the longest message is given as {0} bytes; allowed are 1 to 1048576")]
    MaxMessageLength(u32),
}

/// Why an established connection failed (mei 4, 5, 6.5). After any of them but [`LinkError::TooLong`] and
/// [`LinkError::ShortBuffer`] the connection is to be drained, closed and opened anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The firmware disconnected, the link was reset, or the device went away.
    #[error("the MEI connection is gone: disconnected by firmware, or the link was reset")]
    Gone,
    /// The device delivered something that breaks its own rules (EPROTO, EMSGSIZE).
    #[error("the MEI device broke its protocol: {0}")]
    Protocol(Errno),
    /// The caller's message is longer than the client takes; nothing was sent.
    #[error("a message of {length} bytes is longer than the {limit} that the firmware client takes")]
    TooLong {
        /// Bytes in the message.
        length: usize,
        /// Bytes that the client takes.
        limit: usize,
    },
    /// The caller's buffer is shorter than the longest message; nothing was read, because a partial read would lose
    /// the end of the message (mei 4).
    #[error("a receive buffer of {length} bytes is shorter than the longest message, {needed}")]
    ShortBuffer {
        /// Bytes in the buffer.
        length: usize,
        /// Bytes that it must have.
        needed: usize,
    },
    /// Any other error of the system.
    #[error("MEI device: {0}")]
    Io(Errno),
}

impl LinkError {
    /// The one table from `errno` to meaning for an established connection. `EAGAIN` and `EINTR` never come here.
    pub(crate) fn from_errno(errno: Errno) -> Self {
        match errno {
            Errno::ENODEV | Errno::ENOTTY | Errno::EPIPE | Errno::ECONNRESET => Self::Gone,
            Errno::EPROTO | Errno::EMSGSIZE => Self::Protocol(errno),
            errno => Self::Io(errno),
        }
    }

    /// From an error that passed through `std::io`. An error without a number is the runtime's: it is shutting down.
    pub(crate) fn from_io(error: &std::io::Error) -> Self {
        error.raw_os_error().map_or(Self::Gone, |raw| Self::from_errno(Errno::from_raw(raw)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meaning(errno: Errno) -> ConnectError {
        ConnectError::from_errno(Path::new("/dev/mei0"), ClientGuid::LME, errno)
    }

    #[test]
    fn each_connect_errno_has_its_own_meaning() {
        let path = PathBuf::from("/dev/mei0");
        let client = ClientGuid::LME;
        let table = [
            (2, ConnectError::NoNode { path: path.clone() }),
            (6, ConnectError::NoNode { path: path.clone() }),
            (111, ConnectError::NoNode { path: path.clone() }),
            (13, ConnectError::PermissionDenied { path: path.clone() }),
            (1, ConnectError::PermissionDenied { path: path.clone() }),
            (19, ConnectError::DeviceDown { path: path.clone() }),
            (4, ConnectError::DeviceDown { path: path.clone() }),
            (25, ConnectError::NoClient { path: path.clone(), client }),
            (16, ConnectError::Busy { path: path.clone(), client }),
            (14, ConnectError::NoAnswer { path: path.clone() }),
            (62, ConnectError::NoAnswer { path: path.clone() }),
            (22, ConnectError::Invalid { path: path.clone(), client }),
            (12, ConnectError::Io { path: path.clone(), errno: Errno::ENOMEM }),
            (24, ConnectError::Io { path: path.clone(), errno: Errno::EMFILE }),
            // ETIMEDOUT is not ETIME; the device never returns it.
            (110, ConnectError::Io { path, errno: Errno::ETIMEDOUT }),
        ];
        for (raw, expected) in table {
            assert_eq!(meaning(Errno::from_raw(raw)), expected, "errno {raw}");
        }
    }

    #[test]
    fn each_link_errno_has_its_own_meaning() {
        for raw in [19, 25, 32, 104] {
            assert_eq!(LinkError::from_errno(Errno::from_raw(raw)), LinkError::Gone, "errno {raw}");
        }
        for raw in [71, 90] {
            let errno = Errno::from_raw(raw);
            assert_eq!(LinkError::from_errno(errno), LinkError::Protocol(errno), "errno {raw}");
        }
        assert_eq!(LinkError::from_errno(Errno::ENOMEM), LinkError::Io(Errno::ENOMEM));
    }

    #[test]
    fn every_connect_error_names_its_path() {
        for errno in [Errno::ENOENT, Errno::EACCES, Errno::ENODEV, Errno::ENOTTY, Errno::EBUSY, Errno::EFAULT]
        {
            let error = meaning(errno);
            assert_eq!(error.path(), Path::new("/dev/mei0"));
            assert!(error.to_string().contains("/dev/mei0"), "{error}");
        }
    }
}
