//! Unix sockets, whose path may be taken over from a daemon that crashed but never from one that lives; and TCP sockets,
//! where one is configured.

use std::{
    fs, io,
    net::SocketAddr,
    os::unix::fs::{FileTypeExt, PermissionsExt},
    path::{Path, PathBuf},
};

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::{TcpListener, UnixListener};

/// A socket cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another process serves there.
    #[error("{}: another process{} serves there; stop it, or name another directory with --runtime-dir",
        path.display(), pid.map(|pid| format!(" ({pid})")).unwrap_or_default())]
    Taken {
        /// The socket.
        path: PathBuf,
        /// The other process, if the kernel says.
        pid: Option<i32>,
    },
    /// The path is not a socket.
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
    #[error("{address}: cannot listen: {source}; change {key}")]
    Tcp {
        /// The key of the configuration that names it.
        key: &'static str,
        /// The address and port.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// A listening socket. Dropping it removes its file, unless the service manager made it.
#[derive(Debug)]
pub(crate) struct UnixSocket {
    pub(super) listener: UnixListener,
    own: Option<PathBuf>,
}

impl UnixSocket {
    /// Listens at a path. The socket file gets the permissions `mode`.
    pub(crate) fn bind(path: PathBuf, mode: u32) -> Result<Self, BindError> {
        clear(&path)?;
        let failed = |source| BindError::Unix { path: path.clone(), source };
        let listener = UnixListener::bind(&path).map_err(failed)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).map_err(failed)?;
        Ok(Self { listener, own: Some(path) })
    }

    /// Takes over a listener that the service manager opened and keeps open.
    pub(crate) fn inherited(listener: std::os::unix::net::UnixListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self { listener: UnixListener::from_std(listener)?, own: None })
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // A file that cannot be removed is taken over at the next start.
        let _ = self.own.as_ref().map(fs::remove_file);
    }
}

/// Listens on a TCP address. `key` is the key of the configuration that names it, for the error.
pub(crate) async fn bind_tcp(key: &'static str, address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address).await.map_err(|source| BindError::Tcp { key, address, source })
}

/// Makes room for the socket: removes the file of a socket that nobody serves any more.
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

/// Whether a process serves a socket. Does not block: a full backlog means that one does.
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
        let first = UnixSocket::bind(path.clone(), 0o666).unwrap();
        let error = UnixSocket::bind(path.clone(), 0o666).unwrap_err();
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
        assert!(matches!(UnixSocket::bind(path.clone(), 0o666), Err(BindError::NotASocket { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), "somebody's");
    }

    #[tokio::test]
    async fn only_those_may_connect_who_should() {
        let directory = tempfile::tempdir().unwrap();
        for mode in [0o666, 0o660] {
            let path = directory.path().join("http.sock");
            let _socket = UnixSocket::bind(path.clone(), mode).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, mode);
        }
    }

    #[tokio::test]
    async fn a_socket_of_the_service_manager_stays_when_the_daemon_goes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("amtd.sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        drop(UnixSocket::inherited(listener).unwrap());
        assert!(path.exists());
    }
}
