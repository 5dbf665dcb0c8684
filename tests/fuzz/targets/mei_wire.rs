//! The virtual MEI device whose other end does what it likes.
//!
//! Hazard: a reply or a packet of any length that panics, that is believed (a longest message of 4 GiB), that arrives as
//! something else than was sent, or after which the host waits without end.

#![no_main]

use std::{
    cell::RefCell,
    io::{ErrorKind, Read},
    path::PathBuf,
    time::Duration,
};

use amtd_mei::{ClientGuid, ConnectError, Connection, Node, Send};
use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use socket2::{Domain, SockAddr, Socket, Type};
use tokio::{runtime::Runtime, time::timeout};

/// What the other end does after CONNECT.
#[derive(Debug, Arbitrary)]
struct Device {
    reply: Reply,
    /// Sent before the host reads.
    packets: Vec<Vec<u8>>,
    /// Lengths of what the host sends.
    sends: Vec<u32>,
    /// Leaves before the host sends, and not after it.
    leaves_early: bool,
}

#[derive(Debug, Arbitrary)]
enum Reply {
    Sound { max_message: u16, version: u8 },
    Status { status: i32, max_message: u32 },
    Raw(Vec<u8>),
    None,
}

thread_local! {
    static RIG: RefCell<Rig> = RefCell::new(Rig::new());
}

fuzz_target!(|device: Device| {
    RIG.with_borrow_mut(|rig| rig.run(&device));
});

struct Rig {
    runtime: Runtime,
    listener: Socket,
    path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Rig {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let path = directory.path().join("mei");
        let listener = Socket::new(Domain::UNIX, Type::SEQPACKET, None).expect("a socket");
        listener.bind(&SockAddr::unix(&path).expect("a short path")).expect("the path is free");
        listener.listen(4).expect("a socket that listens");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { runtime, listener, path, _directory: directory }
    }

    fn run(&mut self, device: &Device) {
        let node = Node::at(&self.path).expect("a socket is a node");
        assert!(matches!(node, Node::Virtual(_)));
        self.runtime.block_on(async {
            let open = Connection::open(&node, ClientGuid::LME, LIMIT);
            // The first polled starts the connect on another thread, for which the second then waits.
            let (opened, peer) = tokio::join!(biased; open, async { self.answer(device) });
            match opened {
                Ok(connection) => device.use_connection(connection, peer).await,
                Err(error) => check_refusal(&error, &device.reply),
            }
        });
    }

    /// Takes the host's CONNECT and sends everything there is to send.
    fn answer(&self, device: &Device) -> Option<Socket> {
        let (mut peer, _) = self.listener.accept().expect("the host connects");
        let mut request = [0; 64];
        let length = peer.read(&mut request).expect("the host asks");
        assert_eq!((length, request[0], &request[20..24]), (24, 1, &[0; 4][..]));
        assert_eq!(request[4..20], ClientGuid::LME.to_bytes());
        peer.set_nonblocking(true).expect("a socket that does not block");
        let reply = device.reply.encode()?;
        // A packet that the kernel does not take is one that was not sent.
        peer.send(&reply).ok()?;
        for packet in device.packets() {
            peer.send(packet).ok()?;
        }
        (!device.leaves_early).then_some(peer)
    }
}

impl Device {
    /// As many as fit into the kernel's queue.
    fn packets(&self) -> impl Iterator<Item = &[u8]> {
        self.packets.iter().take(8).map(Vec::as_slice)
    }

    async fn use_connection(&self, connection: Connection, peer: Option<Socket>) {
        let max_message = connection.max_message_length();
        assert!((1..=1 << 20).contains(&max_message));
        for length in self.sends.iter().take(4) {
            let length = *length as usize % (max_message + 2);
            match connection.try_send(&vec![0; length]) {
                Ok(Send::Done) => assert!(length <= max_message),
                Ok(Send::WouldBlock) | Err(_) => {}
            }
        }
        self.check_sent(peer, max_message);
        let mut buffer = vec![0; max_message];
        // One that is empty, or too long, may be the end of it.
        let mut expected = self.packets().take_while(|packet| (1..=max_message).contains(&packet.len()));
        for _ in 0..=self.packets.len() + 1 {
            let received =
                timeout(LIMIT, connection.recv(&mut buffer)).await.expect("the host waits for nobody");
            match (received, expected.next()) {
                (Ok(length), Some(packet)) => assert_eq!(&buffer[..length], packet),
                (Ok(_), None) => {}
                (Err(error), _) => {
                    assert!(!error.to_string().is_empty());
                    break;
                }
            }
        }
        connection.close().await;
    }

    /// What the host sent has arrived, packet by packet; then the device goes away.
    fn check_sent(&self, peer: Option<Socket>, max_message: usize) {
        let Some(mut peer) = peer else { return };
        let mut buffer = vec![0; max_message + 1];
        loop {
            match peer.read(&mut buffer) {
                Ok(length) => assert!((1..=max_message).contains(&length)),
                Err(error) => return assert_eq!(error.kind(), ErrorKind::WouldBlock),
            }
        }
    }
}

impl Reply {
    fn encode(&self) -> Option<Vec<u8>> {
        let reply = |status: i32, max_message: u32, version: u8| {
            [&status.to_le_bytes()[..], &max_message.to_le_bytes(), &[version, 0, 0, 0]].concat()
        };
        match *self {
            Self::Sound { max_message, version } => Some(reply(0, u32::from(max_message), version)),
            Self::Status { status, max_message } => Some(reply(status, max_message, 1)),
            Self::Raw(ref bytes) => Some(bytes.clone()),
            Self::None => None,
        }
    }
}

fn check_refusal(error: &ConnectError, reply: &Reply) {
    assert!(!error.to_string().is_empty());
    assert!(!matches!(error, ConnectError::TimedOut { .. }), "nobody was there to wait for");
    assert!(!matches!(reply, Reply::Sound { max_message: 1.., .. }), "refused: {error}");
}

/// Only a defect makes anyone wait that long.
const LIMIT: Duration = Duration::from_secs(10);
