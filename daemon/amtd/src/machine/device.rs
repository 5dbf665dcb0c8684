//! For the tests: a virtual MEI device with one host client, AMTHI, whose answers the test writes down.

use std::{
    collections::VecDeque,
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use amtd_mei::Errno;
use nix::sys::socket::{
    AddressFamily, Backlog, MsgFlags, SockFlag, SockType, UnixAddr, accept, bind, listen, recv, send, socket,
};
use tokio::sync::watch;

use super::{Limits, Machine};
use crate::{driver::LinkStatus, front::Door};

/// What the device does with one connection.
#[derive(Debug, Clone)]
pub(crate) enum Script {
    /// Answers the connect request with this errno.
    Refuse(Errno),
    /// Connects and gives these answers, one to each request; then it is silent.
    Answer(Vec<Vec<u8>>),
}

/// A virtual device. Its thread ends with the process; it waits only for its own clients.
pub(crate) struct Device {
    _directory: tempfile::TempDir,
    pub(crate) path: PathBuf,
    /// Operation numbers of the requests so far.
    asked: Arc<Mutex<Vec<u8>>>,
}

impl Device {
    pub(crate) fn start(scripts: Vec<Script>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mei");
        let listener =
            socket(AddressFamily::Unix, SockType::SeqPacket, SockFlag::SOCK_CLOEXEC, None).unwrap();
        bind(listener.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
        listen(&listener, Backlog::new(8).unwrap()).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        std::thread::spawn(move || serve(&listener, scripts, &log));
        Self { _directory: directory, path, asked }
    }

    pub(crate) fn machine(&self) -> Machine {
        machine_at(&self.path)
    }

    pub(crate) fn asked(&self) -> Vec<u8> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(listener: &OwnedFd, scripts: Vec<Script>, log: &Mutex<Vec<u8>>) {
    for script in scripts {
        let connection = accept(listener.as_raw_fd()).unwrap();
        let mut buffer = [0; 5120];
        let receive = |buffer: &mut [u8]| recv(connection, buffer, MsgFlags::empty()).unwrap_or(0);
        // A client that has gone is noticed by the next receive.
        let reply = |bytes: &[u8]| send(connection, bytes, MsgFlags::MSG_NOSIGNAL).unwrap_or(0);
        assert_eq!(receive(&mut buffer), 24, "a connect request");
        assert_eq!(buffer[4..8], [0x28, 0x00, 0xf8, 0x12], "for AMTHI");
        let errno = match &script {
            Script::Refuse(errno) => *errno as i32,
            Script::Answer(_) => 0,
        };
        let mut connected = errno.to_le_bytes().to_vec();
        connected.extend([0x00, 0x14, 0x00, 0x00, 1, 0, 0, 0]);
        reply(&connected);
        let mut answers: VecDeque<_> = match script {
            Script::Answer(answers) => answers.into(),
            Script::Refuse(_) => VecDeque::new(),
        };
        while receive(&mut buffer) >= 12 {
            log.lock().unwrap().push(buffer[4]);
            if let Some(answer) = answers.pop_front() {
                reply(&answer);
            }
        }
        nix::unistd::close(connection).unwrap();
    }
}

/// A machine whose link uses this device, and whose ports nobody serves.
pub(crate) fn machine_at(path: &Path) -> Machine {
    let limit = Duration::from_secs(10);
    let (_, link) = watch::channel(LinkStatus { node: Some(path.into()), ..LinkStatus::new() });
    Machine::new(None, link, Door::nowhere(), Limits { connect: limit, answer: limit })
}
