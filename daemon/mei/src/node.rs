//! A device path and its kind. Decides by `stat` alone which of the two protocols a path speaks; opens nothing.

use std::fs;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;

/// Where a device is, and how to speak to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// The kernel's character device, `/dev/meiN`.
    Char(PathBuf),
    /// The virtual device: a Unix socket that carries one message per packet.
    Virtual(PathBuf),
}

impl Node {
    /// Looks at `path` and decides the kind: a socket is a virtual device, a character device is the kernel's.
    /// Symbolic links are followed.
    ///
    /// # Errors
    ///
    /// [`NodeError`] says what stands there instead, or why it cannot be seen.
    pub fn at(path: &Path) -> Result<Self, NodeError> {
        let kind = fs::metadata(path).map_err(|error| NodeError::from_io(path, &error))?.file_type();
        let path = path.to_owned();
        if kind.is_socket() {
            Ok(Self::Virtual(path))
        } else if kind.is_char_device() {
            Ok(Self::Char(path))
        } else {
            Err(NodeError::NotADevice { path, found: describe(kind) })
        }
    }

    /// The path of the device.
    pub fn path(&self) -> &Path {
        match self {
            Self::Char(path) | Self::Virtual(path) => path,
        }
    }
}

/// Why a path is not a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// Nothing stands at the path.
    #[error("{path} does not exist: check that the mei_me driver is loaded and has found the controller")]
    NotFound {
        /// The path that was looked at.
        path: PathBuf,
    },
    /// A directory on the way may not be searched.
    #[error("not allowed to look at {path}: check the permissions of its directories")]
    PermissionDenied {
        /// The path that was looked at.
        path: PathBuf,
    },
    /// Something else stands at the path.
    #[error("{path} is {found}, not an MEI device: name a /dev/meiN node or the socket of a virtual device")]
    NotADevice {
        /// The path that was looked at.
        path: PathBuf,
        /// What stands there, as a noun with its article.
        found: &'static str,
    },
    /// Any other error of the system.
    #[error("cannot look at {path}: {errno}")]
    Io {
        /// The path that was looked at.
        path: PathBuf,
        /// The error of the system call.
        errno: Errno,
    },
}

impl NodeError {
    fn from_io(path: &Path, error: &std::io::Error) -> Self {
        let path = path.to_owned();
        // A path with a NUL byte in it fails before any system call, hence without a number.
        match error.raw_os_error().map_or(Errno::EINVAL, Errno::from_raw) {
            Errno::ENOENT | Errno::ENOTDIR => Self::NotFound { path },
            Errno::EACCES => Self::PermissionDenied { path },
            errno => Self::Io { path, errno },
        }
    }
}

fn describe(kind: fs::FileType) -> &'static str {
    if kind.is_dir() {
        "a directory"
    } else if kind.is_file() {
        "a regular file"
    } else if kind.is_block_device() {
        "a block device"
    } else {
        "a FIFO"
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn kind_is_decided_by_what_stands_at_the_path() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("mei.sock");
        let _listener = UnixListener::bind(&socket).unwrap();
        assert_eq!(Node::at(&socket), Ok(Node::Virtual(socket)));
        assert_eq!(Node::at(Path::new("/dev/null")), Ok(Node::Char("/dev/null".into())));
    }

    #[test]
    fn path_that_is_no_device_is_refused_with_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, b"").unwrap();
        let found = |path: &Path| match Node::at(path) {
            Err(NodeError::NotADevice { found, .. }) => found,
            other => panic!("{other:?}"),
        };
        assert_eq!(found(dir.path()), "a directory");
        assert_eq!(found(&file), "a regular file");
    }

    #[test]
    fn missing_path_is_told_from_an_unusable_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mei0");
        assert_eq!(Node::at(&path), Err(NodeError::NotFound { path }));
        assert!(matches!(Node::at(Path::new("a\0b")), Err(NodeError::Io { errno: Errno::EINVAL, .. })));
    }
}
