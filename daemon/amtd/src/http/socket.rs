//! The Unix socket: taken over from a daemon that crashed, never from one that lives.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

/// A place to serve HTTP cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process serves there.
    #[error("{}: another process{} serves there; stop it, or name another directory with --runtime-dir",
        path.display(), pid.map(|pid| format!(" ({pid})")).unwrap_or_default())]
    Taken {
        /// The socket.
        path: PathBuf,
        /// The other process, if the kernel tells.
        pid: Option<i32>,
    },
    /// Something else stands there.
    #[error("{}: exists and is not a socket; remove it, or name another directory with --runtime-dir", path.display())]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("{}: cannot be used as socket: {source}; name another directory with --runtime-dir", path.display())]
    Unix {
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The port cannot be opened.
    #[error("{address}: cannot listen: {source}; change http.listen")]
    Tcp {
        /// The address and port.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A listening socket and its file, which goes with it.
#[derive(Debug)]
pub(super) struct UnixSocket {
    pub(super) listener: UnixListener,
    path: PathBuf,
}

impl UnixSocket {
    /// Listens at a path.
    pub(super) fn bind(path: PathBuf) -> Result<Self, BindError> {
        clear(&path)?;
        let failed = |source| BindError::Unix { path: path.clone(), source };
        let listener = UnixListener::bind(&path).map_err(failed)?;
        // It only reads, and tells no secrets: any local user may ask.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).map_err(failed)?;
        Ok(Self { listener, path })
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // What cannot be removed is taken over at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// Listens on a port.
pub(super) async fn bind_tcp(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError::Tcp { address, source })
}

/// Makes room for the socket: removes the file of one that nobody serves any more.
fn clear(path: &Path) -> Result<(), BindError> {
    let failed = |source| BindError::Unix { path: path.into(), source };
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(BindError::NotASocket { path: path.into() });
        }
        Ok(_) => {}
    }
    match probe(path).map_err(failed)? {
        Served::No => fs::remove_file(path).map_err(failed),
        Served::By(pid) => Err(BindError::Taken { path: path.into(), pid }),
    }
}

enum Served {
    No,
    By(Option<i32>),
}

/// Whether somebody serves a socket. Does not wait: one with a full backlog is served too.
fn probe(path: &Path) -> io::Result<Served> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&SockAddr::unix(path)?) {
        Ok(()) => Ok(Served::By(getsockopt(&socket, PeerCredentials).ok().map(|peer| peer.pid()))),
        Err(error) => match error.kind() {
            io::ErrorKind::ConnectionRefused => Ok(Served::No),
            io::ErrorKind::WouldBlock => Ok(Served::By(None)),
            _ => Err(error),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_left_by_a_crash_is_taken_over_and_a_live_one_is_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        // The listener goes without its file, as at a crash.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let first = UnixSocket::bind(path.clone()).unwrap();
        let error = UnixSocket::bind(path.clone()).unwrap_err();
        let own = i32::try_from(std::process::id()).unwrap();
        assert!(matches!(error, BindError::Taken { pid: Some(pid), .. } if pid == own), "{error}");
        assert!(error.to_string().contains(&format!("another process ({own}) serves there")), "{error}");
        drop(first);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_file_in_the_place_of_the_socket_is_not_destroyed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        fs::write(&path, "somebody's").unwrap();
        assert!(matches!(UnixSocket::bind(path.clone()), Err(BindError::NotASocket { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "somebody's");
    }

    #[tokio::test]
    async fn any_local_user_may_ask() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("http.sock");
        let _socket = UnixSocket::bind(path.clone()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o666);
    }
}
