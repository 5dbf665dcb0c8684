//! The virtual device against a server that speaks its wire format, byte by byte: the answers to CONNECT, the
//! messages after it, the ends of a connection, and the choice between several nodes.

use std::future::Future;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use amtd_mei::{
    Candidate, ClientGuid, ConnectError, Connection, Errno, LinkError, Node, Recv, ReplyFault, Send, select,
};
use tokio_seqpacket::{UnixSeqpacket, UnixSeqpacketListener};

/// Longer than any healthy exchange; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);
const MAX: u32 = 4096;

/// A virtual device, and the directory that holds its socket.
struct Device {
    listener: UnixSeqpacketListener,
    path: PathBuf,
    _directory: tempfile::TempDir,
}

impl Device {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("mei.sock");
        Self { listener: UnixSeqpacketListener::bind(&path).unwrap(), path, _directory: directory }
    }

    fn node(&self) -> Node {
        Node::at(&self.path).unwrap()
    }

    fn candidate(&self) -> Candidate {
        Candidate { path: self.path.clone(), kind: None, dev_state: None, fw_ver: None }
    }

    /// Takes one connection and its request, and answers with `reply`.
    async fn answer(&mut self, reply: &[u8]) -> (UnixSeqpacket, Vec<u8>) {
        let peer = self.listener.accept().await.unwrap();
        let mut request = vec![0; 64];
        let length = take(&peer, &mut request).await;
        request.truncate(length);
        assert_eq!(peer.send(reply).await.unwrap(), reply.len());
        (peer, request)
    }
}

fn reply(status: i32, max_message_length: u32, version: u8) -> Vec<u8> {
    [&status.to_le_bytes()[..], &max_message_length.to_le_bytes(), &[version, 0, 0, 0]].concat()
}

/// The length of the next packet; 0 is the end.
async fn take(peer: &UnixSeqpacket, buffer: &mut [u8]) -> usize {
    peer.recv(buffer).await.unwrap().bytes_read()
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("the awaited event did not come")
}

/// What comes of opening LME on a device that answers so.
async fn open_against(device: &mut Device, answer: &[u8]) -> Result<Connection, ConnectError> {
    let node = device.node();
    let (opened, _peer) = soon(async {
        tokio::join!(Connection::open(&node, ClientGuid::LME, PATIENCE), device.answer(answer))
    })
    .await;
    opened
}

/// A connection and the device's end of it.
async fn connected(max_message_length: u32) -> (Connection, UnixSeqpacket) {
    let mut device = Device::new();
    let node = device.node();
    let answer = reply(0, max_message_length, 1);
    let (opened, (peer, _)) = soon(async {
        tokio::join!(Connection::open(&node, ClientGuid::LME, PATIENCE), device.answer(&answer))
    })
    .await;
    (opened.unwrap(), peer)
}

#[tokio::test]
async fn connect_names_the_client_and_takes_its_properties() {
    let mut device = Device::new();
    let node = device.node();
    let answer = reply(0, 5120, 3);
    let (opened, (_peer, request)) = soon(async {
        tokio::join!(Connection::open(&node, ClientGuid::AMTHI, PATIENCE), device.answer(&answer))
    })
    .await;
    let connection = opened.unwrap();
    assert_eq!((connection.max_message_length(), connection.protocol_version()), (5120, 3));
    let expected = [&[1, 0, 0, 0][..], &ClientGuid::AMTHI.to_bytes(), &[0, 0, 0, 0]].concat();
    assert_eq!(request, expected);
}

#[tokio::test]
async fn each_status_has_the_meaning_of_the_ioctls_errno() {
    let mut device = Device::new();
    let path = device.path.clone();
    let client = ClientGuid::LME;
    let table = [
        (25, ConnectError::NoClient { path: path.clone(), client }),
        (16, ConnectError::Busy { path: path.clone(), client }),
        (19, ConnectError::DeviceDown { path: path.clone() }),
        (14, ConnectError::NoAnswer { path: path.clone() }),
        (62, ConnectError::NoAnswer { path: path.clone() }),
        (22, ConnectError::Invalid { path: path.clone(), client }),
        (13, ConnectError::PermissionDenied { path: path.clone() }),
        (12, ConnectError::Io { path, errno: Errno::ENOMEM }),
    ];
    for (status, expected) in table {
        let error = open_against(&mut device, &reply(status, 0, 0)).await.unwrap_err();
        assert_eq!(error, expected, "status {status}");
    }
}

#[tokio::test]
async fn unusable_reply_is_refused_with_what_is_wrong_in_it() {
    let mut device = Device::new();
    let table = [
        (reply(0, 4096, 1)[..11].to_vec(), ReplyFault::Length(11)),
        ([reply(0, 4096, 1), vec![0; 100]].concat(), ReplyFault::Length(112)),
        (reply(-19, 4096, 1), ReplyFault::Status(-19)),
        (reply(123_456, 4096, 1), ReplyFault::Status(123_456)),
        (reply(0, 0, 1), ReplyFault::MaxMessageLength(0)),
        (reply(0, (1 << 20) + 1, 1), ReplyFault::MaxMessageLength((1 << 20) + 1)),
    ];
    for (answer, fault) in table {
        let error = open_against(&mut device, &answer).await.unwrap_err();
        assert_eq!(error, ConnectError::BadReply { path: device.path.clone(), fault });
    }
}

#[tokio::test]
async fn device_that_hangs_up_instead_of_answering_is_down() {
    let mut device = Device::new();
    let node = device.node();
    let path = device.path.clone();
    let hang_up = async { drop(device.listener.accept().await.unwrap()) };
    let (opened, ()) =
        soon(async { tokio::join!(Connection::open(&node, ClientGuid::LME, PATIENCE), hang_up) }).await;
    assert_eq!(opened.unwrap_err(), ConnectError::DeviceDown { path });
}

#[tokio::test]
async fn silent_device_costs_the_limit_and_no_descriptor() {
    let mut device = Device::new();
    let limit = Duration::from_millis(50);
    let opened = soon(Connection::open(&device.node(), ClientGuid::LME, limit)).await;
    assert_eq!(opened.unwrap_err(), ConnectError::TimedOut { path: device.path.clone(), limit });

    let peer = soon(device.listener.accept()).await.unwrap();
    let mut buffer = [0; 64];
    assert_eq!(soon(take(&peer, &mut buffer)).await, 24, "the request");
    assert_eq!(soon(take(&peer, &mut buffer)).await, 0, "the abandoned connection was not closed");
}

#[tokio::test]
async fn abandoned_connect_is_closed_before_the_device_answers() {
    let mut device = Device::new();
    let node = device.node();
    let opening = tokio::spawn(async move { Connection::open(&node, ClientGuid::LME, PATIENCE).await });
    let peer = soon(device.listener.accept()).await.unwrap();
    let mut buffer = [0; 64];
    soon(take(&peer, &mut buffer)).await;
    opening.abort();
    assert!(opening.await.unwrap_err().is_cancelled());

    assert_eq!(soon(take(&peer, &mut buffer)).await, 0, "the abandoned connection was leaked");
}

#[tokio::test]
async fn nothing_behind_the_path_is_told_from_something_else() {
    let directory = tempfile::tempdir().unwrap();
    let open = async |path: &Path| {
        Connection::open(&Node::Virtual(path.to_owned()), ClientGuid::LME, PATIENCE).await.unwrap_err()
    };

    let missing = directory.path().join("missing");
    assert_eq!(soon(open(&missing)).await, ConnectError::NoNode { path: missing });

    let stale = directory.path().join("stale");
    drop(UnixSeqpacketListener::bind(&stale).unwrap());
    std::fs::metadata(&stale).expect("a socket that is closed stays in the directory");
    assert_eq!(soon(open(&stale)).await, ConnectError::NoNode { path: stale });

    let stream = directory.path().join("stream");
    let _listener = UnixListener::bind(&stream).unwrap();
    let found = "a socket of another type";
    assert_eq!(soon(open(&stream)).await, ConnectError::NotADevice { path: stream, found });

    let long = directory.path().join("x".repeat(200));
    assert_eq!(soon(open(&long)).await, ConnectError::Io { path: long, errno: Errno::ENAMETOOLONG });
}

#[tokio::test]
async fn messages_are_neither_merged_nor_split() {
    let (connection, peer) = connected(MAX).await;
    let mut buffer = vec![0; MAX as usize];
    for length in [1, 2, MAX as usize, 3] {
        let message = vec![length as u8; length];
        soon(peer.send(&message)).await.unwrap();
        soon(connection.send(&message)).await.unwrap();
    }
    for length in [1, 2, MAX as usize, 3] {
        assert_eq!(soon(connection.recv(&mut buffer)).await, Ok(length));
        assert!(buffer[..length].iter().all(|byte| *byte == length as u8));
        assert_eq!(soon(take(&peer, &mut buffer)).await, length);
    }
    assert_eq!(connection.try_recv(&mut buffer), Ok(Recv::WouldBlock));
}

#[tokio::test]
async fn writer_waits_for_a_device_that_does_not_read_and_nothing_is_lost() {
    let (connection, peer) = connected(MAX).await;
    let message = |number: u32| [number.to_le_bytes().to_vec(), vec![0; 1000]].concat();
    soon(connection.send_ready()).await.unwrap();
    let mut sent = 0;
    while connection.try_send(&message(sent)) == Ok(Send::Done) {
        sent += 1;
    }
    assert_eq!(connection.try_send(&message(sent)), Ok(Send::WouldBlock));

    let mut buffer = vec![0; MAX as usize];
    let read_all = async {
        for number in 0..=sent {
            assert_eq!(take(&peer, &mut buffer).await, 1004);
            assert_eq!(buffer[..4], number.to_le_bytes());
        }
    };
    let last = message(sent);
    let (outcome, ()) = soon(async { tokio::join!(connection.send(&last), read_all) }).await;
    assert_eq!(outcome, Ok(()));
}

#[tokio::test]
async fn too_long_message_is_refused_and_the_connection_stays_usable() {
    let (connection, peer) = connected(16).await;
    assert_eq!(connection.try_send(&[0; 17]), Err(LinkError::TooLong { length: 17, limit: 16 }));
    soon(connection.send(&[7; 16])).await.unwrap();
    assert_eq!(soon(take(&peer, &mut [0; 64])).await, 16);
}

#[tokio::test]
async fn short_buffer_loses_no_message() {
    let (connection, peer) = connected(16).await;
    soon(peer.send(b"0123456789abcdef")).await.unwrap();
    soon(connection.recv_ready()).await.unwrap();
    let mut short = [0; 15];
    assert_eq!(connection.try_recv(&mut short), Err(LinkError::ShortBuffer { length: 15, needed: 16 }));
    let mut enough = [0; 16];
    assert_eq!(soon(connection.recv(&mut enough)).await, Ok(16));
    assert_eq!(&enough, b"0123456789abcdef");
}

#[tokio::test]
async fn oversized_message_is_a_fault_of_the_device_and_never_a_truncated_one() {
    for room in [16, 64] {
        let (connection, peer) = connected(16).await;
        soon(peer.send(&[0; 17])).await.unwrap();
        let received = soon(connection.recv(&mut vec![0; room])).await;
        assert_eq!(received, Err(LinkError::Protocol(Errno::EMSGSIZE)), "buffer of {room}");
    }
}

#[tokio::test]
async fn end_of_the_device_comes_after_what_it_had_sent() {
    let (connection, peer) = connected(16).await;
    soon(peer.send(b"last")).await.unwrap();
    drop(peer);
    let mut buffer = [0; 16];
    assert_eq!(soon(connection.recv(&mut buffer)).await, Ok(4));
    assert_eq!(soon(connection.recv(&mut buffer)).await, Err(LinkError::Gone));
    assert_eq!(soon(connection.send(b"x")).await, Err(LinkError::Gone));
}

#[tokio::test]
async fn empty_message_is_not_taken_for_the_end_of_the_device() {
    let (connection, peer) = connected(16).await;
    soon(peer.send(b"")).await.unwrap();
    soon(peer.send(b"next")).await.unwrap();
    let mut buffer = [0; 16];
    assert_eq!(soon(connection.recv(&mut buffer)).await, Ok(0));
    assert_eq!(soon(connection.recv(&mut buffer)).await, Ok(4));
}

#[tokio::test]
async fn end_of_the_device_wakes_a_waiting_reader_and_a_waiting_writer() {
    let (connection, peer) = connected(MAX).await;
    soon(connection.send_ready()).await.unwrap();
    while connection.try_send(&[0; 1000]) == Ok(Send::Done) {}
    let hang_up = async { drop(peer) };
    let waits = async { tokio::join!(connection.recv_ready(), connection.send_ready(), hang_up) };
    assert_eq!(soon(waits).await, (Ok(()), Ok(()), ()));
    assert_eq!(connection.try_recv(&mut vec![0; MAX as usize]), Err(LinkError::Gone));
    assert_eq!(connection.try_send(b"x"), Err(LinkError::Gone));
}

#[tokio::test]
async fn close_is_seen_by_the_device() {
    let (connection, peer) = connected(MAX).await;
    soon(connection.close()).await;
    assert_eq!(soon(take(&peer, &mut [0; 16])).await, 0);
}

#[tokio::test]
async fn node_without_the_client_is_passed_over() {
    let (mut without, mut with) = (Device::new(), Device::new());
    let candidates = [without.candidate(), with.candidate()];
    let no_client = reply(25, 0, 0);
    let good = reply(0, MAX, 1);
    let ((selected, _, _peer), expected) = (
        soon(async {
            tokio::join!(
                select(&candidates, ClientGuid::LME, PATIENCE),
                without.answer(&no_client),
                with.answer(&good)
            )
        })
        .await,
        with.node(),
    );
    assert_eq!(selected.unwrap().0, expected);
}

#[tokio::test]
async fn busy_client_ends_the_search() {
    let (mut busy, untouched) = (Device::new(), Device::new());
    let candidates = [busy.candidate(), untouched.candidate()];
    let answer = reply(16, 0, 0);
    // Nobody answers on the second device: if it were tried, the limit would run out.
    let (selected, _) =
        soon(async { tokio::join!(select(&candidates, ClientGuid::LME, PATIENCE), busy.answer(&answer)) })
            .await;
    assert_eq!(
        selected.unwrap_err(),
        ConnectError::Busy { path: busy.path.clone(), client: ClientGuid::LME }
    );
}

#[tokio::test]
async fn error_that_tells_most_is_the_answer_of_a_fruitless_search() {
    let (mut down, mut without) = (Device::new(), Device::new());
    let missing = Candidate { path: "/nowhere/mei9".into(), kind: None, dev_state: None, fw_ver: None };
    let candidates = [missing, down.candidate(), without.candidate()];
    let (enodev, enotty) = (reply(19, 0, 0), reply(25, 0, 0));
    let (selected, _, _) = soon(async {
        tokio::join!(
            select(&candidates, ClientGuid::LME, PATIENCE),
            down.answer(&enodev),
            without.answer(&enotty)
        )
    })
    .await;
    assert_eq!(selected.unwrap_err(), ConnectError::DeviceDown { path: down.path.clone() });

    let nothing = select(&[], ClientGuid::LME, PATIENCE).await.unwrap_err();
    assert_eq!(nothing, ConnectError::NoNode { path: "/dev/meiN".into() });
}
