//! The socket that systemd would give to a service (`NOTIFY_SOCKET`), owned by the harness. Each assignment that arrives goes
//! into the journal of the process.

use std::io;
use std::net::Shutdown;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::Journal;

/// Larger than any state that a service sends; the rest of a longer one is cut off.
const MAX_DATAGRAM: usize = 4096;

/// A notify socket with the thread that reads it.
#[derive(Debug)]
pub(crate) struct NotifySocket {
    socket: UnixDatagram,
    reader: Option<JoinHandle<()>>,
}

impl NotifySocket {
    /// Binds the socket at `path` and writes what arrives to `journal`. A socket left there by an earlier one is replaced.
    pub(crate) fn bind(path: &Path, journal: Arc<Journal>) -> io::Result<Self> {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixDatagram::bind(path)?;
        let readers_own = socket.try_clone()?;
        let reader = thread::spawn(move || read(&readers_own, &journal));
        Ok(Self { socket, reader: Some(reader) })
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        // The reader finds what was sent before, and then the end. By path it could not be reached: a successor may be there.
        if let (Ok(()), Some(reader)) = (self.socket.shutdown(Shutdown::Both), self.reader.take()) {
            let _ = reader.join();
        }
    }
}

fn read(socket: &UnixDatagram, journal: &Journal) {
    let mut buffer = [0; MAX_DATAGRAM];
    while let Ok(length) = socket.recv(&mut buffer) {
        let Some(datagram) = buffer.get(..length).filter(|datagram| !datagram.is_empty()) else { return };
        String::from_utf8_lossy(datagram)
            .lines()
            .for_each(|assignment| journal.notice(assignment.to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn socket_whose_path_has_a_successor_still_ends() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let old = NotifySocket::bind(&path, Arc::default()).unwrap();
        let journal = Arc::new(Journal::default());
        let successor = NotifySocket::bind(&path, Arc::clone(&journal)).unwrap();
        drop(old);
        UnixDatagram::unbound().unwrap().send_to(b"READY=1", &path).unwrap();
        drop(successor);
        assert_eq!(journal.read(|said| said.notices().count()), 1);
    }

    #[test]
    fn each_assignment_of_a_datagram_is_one_notice() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let journal = Arc::new(Journal::default());
        let socket = NotifySocket::bind(&path, Arc::clone(&journal)).unwrap();
        UnixDatagram::unbound().unwrap().send_to(b"READY=1\nSTATUS=up", &path).unwrap();
        drop(socket);
        assert_eq!(
            journal.read(|said| said.notices().map(str::to_owned).collect::<Vec<_>>()),
            ["READY=1", "STATUS=up"]
        );
    }
}
