//! A character device of the kernel's, with a firmware behind it whose LME client is in use. Not run without one:
//! `AMTD_TEST_DEVICE=/dev/mei0 cargo test -p amtd-mei --test char_device -- --ignored --test-threads 1`.
//!
//! The tests speak to MKHI, which answers questions about the firmware's version on every machine and has one
//! connection at a time.

use std::fs::OpenOptions;
use std::future::Future;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use amtd_mei::{
    Candidate, ClientGuid, ConnectError, Connection, DEV, LinkError, Node, Recv, SYSFS_CLASS, Send,
    candidates, select,
};

/// Longer than any healthy exchange; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(20);
/// Asks MKHI for the firmware's version, and how the answer begins.
const QUESTION: [u8; 4] = [0xFF, 0x02, 0, 0];
const ANSWER: [u8; 4] = [0xFF, 0x82, 0, 0];
/// `O_NONBLOCK`.
const NONBLOCK: i32 = 0o4000;

fn path() -> PathBuf {
    std::env::var_os("AMTD_TEST_DEVICE").expect("AMTD_TEST_DEVICE names no device").into()
}

async fn open(client: ClientGuid) -> Result<Connection, ConnectError> {
    Connection::open(&Node::at(&path()).unwrap(), client, PATIENCE).await
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it took too long")
}

async fn ask(connection: &Connection) {
    let mut buffer = vec![0; connection.max_message_length()];
    soon(connection.send(&QUESTION)).await.unwrap();
    let length = soon(connection.recv(&mut buffer)).await.unwrap();
    assert_eq!(buffer[..length.min(4)], ANSWER);
}

#[tokio::test]
#[ignore = "needs an MEI device"]
async fn answer_of_firmware_wakes_the_reactor() {
    let connection = open(ClientGuid::MKHI).await.unwrap();
    assert!(connection.max_message_length() >= 64 && connection.protocol_version() > 0);
    for _ in 0..100 {
        ask(&connection).await;
    }
    connection.close().await;
}

#[tokio::test]
#[ignore = "needs an MEI device"]
async fn answers_to_questions_that_were_queued_come_one_by_one() {
    let connection = open(ClientGuid::MKHI).await.unwrap();
    let mut buffer = vec![0; connection.max_message_length()];
    for _ in 0..20 {
        soon(connection.send(&QUESTION)).await.unwrap();
    }
    for _ in 0..20 {
        let length = soon(connection.recv(&mut buffer)).await.unwrap();
        assert_eq!(buffer[..length.min(4)], ANSWER);
    }
    assert_eq!(connection.try_recv(&mut buffer), Ok(Recv::WouldBlock));
    connection.close().await;
}

#[tokio::test]
#[ignore = "needs an MEI device"]
async fn queue_that_is_full_blocks_and_goes_on() {
    let connection = open(ClientGuid::MKHI).await.unwrap();
    let mut buffer = vec![0; connection.max_message_length()];
    // More than the kernel's queue, so that some wait, whoever is faster.
    let asking = async {
        for _ in 0..500 {
            connection.send(&QUESTION).await.unwrap();
        }
    };
    let mut answered = 0;
    let answering = async {
        while answered < 500 {
            assert!(connection.recv(&mut buffer).await.unwrap() > 4);
            answered += 1;
        }
    };
    soon(async { tokio::join!(asking, answering) }).await;
    connection.close().await;
}

#[tokio::test]
#[ignore = "needs an MEI device"]
async fn client_in_use_is_busy_until_it_is_closed() {
    let first = open(ClientGuid::MKHI).await.unwrap();
    assert!(matches!(open(ClientGuid::MKHI).await, Err(ConnectError::Busy { .. })));
    assert!(matches!(open(ClientGuid::LME).await, Err(ConnectError::Busy { .. })), "the daemon has LME");
    first.close().await;
    for _ in 0..20 {
        open(ClientGuid::MKHI).await.expect("closing has let go of the client").close().await;
    }
}

#[tokio::test]
#[ignore = "needs an MEI device"]
async fn connection_that_is_dropped_is_closed() {
    drop(open(ClientGuid::MKHI).await.unwrap());
    let again = async {
        loop {
            match open(ClientGuid::MKHI).await {
                Ok(connection) => return connection,
                Err(ConnectError::Busy { .. }) => tokio::task::yield_now().await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    ask(&soon(again).await).await;
}

#[tokio::test]
#[ignore = "needs an MEI device"]
async fn client_that_firmware_lacks_is_told_from_a_busy_one() {
    let unknown = ClientGuid::from_bytes([0x5A; 16]);
    assert!(matches!(open(unknown).await, Err(ConnectError::NoClient { .. })));
}

#[tokio::test]
#[ignore = "needs an MEI device"]
async fn message_that_is_too_long_leaves_the_connection_usable() {
    let connection = open(ClientGuid::MKHI).await.unwrap();
    let long = vec![0; connection.max_message_length() + 1];
    assert!(matches!(connection.try_send(&long), Err(LinkError::TooLong { .. })));
    assert_eq!(connection.try_send(&[]), Ok(Send::Done));
    ask(&connection).await;
    connection.close().await;
}

#[tokio::test]
#[ignore = "needs an MEI device"]
async fn node_is_found_by_probing() {
    let found = candidates(Path::new(SYSFS_CLASS), Path::new(DEV)).unwrap();
    assert!(found.iter().any(|candidate| candidate.path == path()), "{found:?}");
    // One that certainly is no MEI device comes first.
    let null = Candidate { path: "/dev/null".into(), kind: None, dev_state: None, fw_ver: None };
    let nodes: Vec<_> = [null].into_iter().chain(found).collect();
    let (node, connection) = select(&nodes, ClientGuid::MKHI, PATIENCE).await.unwrap();
    assert_eq!(node.path(), path());
    ask(&connection).await;
    connection.close().await;
}

/// What the kernel says of a file that was never connected, without this crate between.
#[test]
#[ignore = "needs an MEI device"]
fn file_that_is_not_connected_gives_no_such_device() {
    let mut file = OpenOptions::new().read(true).write(true).custom_flags(NONBLOCK).open(path()).unwrap();
    const ENODEV: i32 = 19;
    assert_eq!(file.read(&mut [0; 64]).unwrap_err().raw_os_error(), Some(ENODEV));
    let error = file.write(&QUESTION).unwrap_err();
    assert!(error.raw_os_error() == Some(ENODEV) && error.kind() != ErrorKind::WouldBlock);
}
