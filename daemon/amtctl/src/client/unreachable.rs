//! Why the daemon cannot be reached, in words that help: what was found at the socket, and the command that helps.

use std::{
    fs, io,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    time::Duration,
};

use nix::unistd::{Gid, Group};

/// Why the daemon cannot be reached.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    #[error("{} does not exist: amtd is not running", socket.display())]
    Missing { socket: PathBuf },
    #[error("{} is not a socket", socket.display())]
    NotASocket { socket: PathBuf },
    #[error("{} may not be opened by this user", socket.display())]
    Denied {
        socket: PathBuf,
        /// Whose members may.
        group: Option<String>,
    },
    #[error("nothing is listening on {}: amtd has stopped", socket.display())]
    Nobody { socket: PathBuf },
    #[error("what listens on {} is not amtd", socket.display())]
    NotAmtd { socket: PathBuf },
    #[error("{} accepted no connection within {}", socket.display(), humantime::format_duration(*limit))]
    Silent { socket: PathBuf, limit: Duration },
    #[error("the queue of connections on {} is full", socket.display())]
    Crowded { socket: PathBuf },
    #[error("the connection to {} was lost: amtd was stopped or restarted", socket.display())]
    Broken { socket: PathBuf },
    #[error("{} cannot be connected to: {source}", socket.display())]
    Other { socket: PathBuf, source: io::Error },
}

impl Unreachable {
    /// From the error of `connect`.
    pub(super) fn new(socket: &Path, source: io::Error) -> Self {
        let path = socket.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { socket: path },
            io::ErrorKind::PermissionDenied => Self::Denied { socket: path, group: group_of(socket) },
            // The system says this of a file that is no socket as well.
            io::ErrorKind::ConnectionRefused if !is_socket(socket) => Self::NotASocket { socket: path },
            io::ErrorKind::ConnectionRefused => Self::Nobody { socket: path },
            // The queue is full: the daemon is being started, or is starved.
            io::ErrorKind::WouldBlock => Self::Crowded { socket: path },
            // The daemon ended before it took the connection.
            io::ErrorKind::ConnectionReset => Self::Broken { socket: path },
            _ => Self::Other { socket: path, source },
        }
    }

    /// A stable word for programs.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Missing { .. } => "SOCKET_MISSING",
            Self::NotASocket { .. } => "NOT_A_SOCKET",
            Self::Denied { .. } => "SOCKET_DENIED",
            Self::Nobody { .. } => "SOCKET_REFUSED",
            Self::NotAmtd { .. } => "NOT_AMTD",
            Self::Silent { .. } => "SOCKET_SILENT",
            Self::Crowded { .. } => "SOCKET_CROWDED",
            Self::Broken { .. } => "CONNECTION_BROKEN",
            Self::Other { .. } => "SOCKET_ERROR",
        }
    }

    /// Whether the daemon is perhaps just being started again, so that waiting a moment makes sense.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Missing { .. }
            | Self::Nobody { .. }
            | Self::Silent { .. }
            | Self::Crowded { .. }
            | Self::Broken { .. } => true,
            Self::NotASocket { .. } | Self::Denied { .. } | Self::NotAmtd { .. } | Self::Other { .. } => {
                false
            }
        }
    }

    /// What to do about it.
    pub(crate) fn next_step(&self) -> String {
        match self {
            Self::Missing { .. } => {
                "start it with `sudo systemctl start amtd`; if it runs elsewhere, name its socket \
                                     with --socket or AMTD_SOCKET"
                    .into()
            }
            Self::NotASocket { .. } | Self::NotAmtd { .. } => {
                "name the socket of amtd with --socket or AMTD_SOCKET".into()
            }
            Self::Denied { group: Some(group), .. } => {
                format!("join its group with `sudo usermod -aG {group} $USER` and log in again, or use sudo")
            }
            Self::Denied { group: None, .. } => "use sudo".into(),
            Self::Nobody { .. } => {
                "see why with `journalctl -u amtd -e`, and start it with `sudo systemctl start amtd`".into()
            }
            Self::Silent { .. } | Self::Crowded { .. } | Self::Broken { .. } => {
                "try again; if it persists, see `journalctl -u amtd -e`".into()
            }
            Self::Other { .. } => "run `amtctl doctor`".into(),
        }
    }
}

fn is_socket(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.file_type().is_socket())
}

/// The group whose members may open the socket, if membership is what is missing.
fn group_of(socket: &Path) -> Option<String> {
    let found = fs::metadata(socket).ok()?;
    let group_may = found.mode() & 0o060 == 0o060;
    // Of the superuser's group nobody should become a member.
    if !group_may || found.gid() == 0 {
        return None;
    }
    Group::from_gid(Gid::from_raw(found.gid())).ok().flatten().map(|group| group.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    #[test]
    fn a_file_in_the_place_of_the_socket_is_not_taken_for_a_daemon_that_ended() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("amtd.sock");
        fs::write(&path, "").unwrap();
        assert!(matches!(Unreachable::new(&path, refused()), Unreachable::NotASocket { .. }));
        fs::remove_file(&path).unwrap();
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        assert!(matches!(Unreachable::new(&path, refused()), Unreachable::Nobody { .. }));
    }

    #[test]
    fn a_daemon_that_ends_just_then_is_tried_again() {
        let reset = Unreachable::new(Path::new("/s"), io::ErrorKind::ConnectionReset.into());
        assert!(matches!(reset, Unreachable::Broken { .. }) && reset.may_pass());
    }

    #[test]
    fn a_daemon_that_hears_of_no_more_connections_is_tried_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("amtd.sock");
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(0).unwrap()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut held = Vec::new();
        let refused = runtime.block_on(async {
            loop {
                match tokio::net::UnixStream::connect(&path).await {
                    Ok(stream) => held.push(stream),
                    Err(error) => break error,
                }
            }
        });
        let crowded = Unreachable::new(&path, refused);
        assert!(matches!(crowded, Unreachable::Crowded { .. }) && crowded.may_pass(), "{crowded:?}");
    }

    #[test]
    fn who_may_not_open_the_socket_is_told_which_group_may() {
        let denied = Unreachable::Denied { socket: "/s".into(), group: Some("amt".into()) };
        assert!(denied.next_step().contains("usermod -aG amt "), "{}", denied.next_step());
    }

    #[test]
    fn nobody_is_sent_into_the_group_of_the_superuser() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("amtd.sock");
        let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        let found = fs::metadata(&path).unwrap();
        if found.gid() == 0 {
            assert_eq!(group_of(&path), None);
        } else {
            assert!(group_of(&path).is_none_or(|name| name != "root"));
        }
    }
}
