//! The rules of the character device that can be shown with ordinary descriptors: errors without readability, empty
//! messages, messages that arrived before the end.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::fcntl::OFlag;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use nix::unistd::{pipe2, write};

use super::*;

const MAX: usize = 64;

fn connection(fd: OwnedFd) -> Connection {
    let fd = Descriptor::new(fd, true).register(Interest::READABLE | Interest::WRITABLE).unwrap();
    Connection { fd, kind: Kind::Char, max_message_length: MAX, protocol_version: 1 }
}

/// A connection by the rules of the character device, and the blocking descriptor of its "firmware".
fn pair() -> (Connection, OwnedFd) {
    let (host, firmware) =
        socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap();
    nix::fcntl::fcntl(&host, nix::fcntl::FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    (connection(host), firmware)
}

fn say(firmware: &OwnedFd, message: &[u8]) {
    use std::os::fd::AsRawFd;
    assert_eq!(send(firmware.as_raw_fd(), message, MsgFlags::empty()), Ok(message.len()));
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("the awaited event did not come")
}

#[tokio::test]
async fn error_without_readability_wakes_the_reader() {
    // A full pipe without a reader reports EPOLLERR and nothing else, as a disconnected MEI descriptor does.
    let (reader, writer) = pipe2(OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).unwrap();
    while write(writer.as_fd(), &[0; 4096]).is_ok() {}
    let connection = connection(writer);
    let mut buffer = [0; MAX];
    assert_eq!(connection.try_recv(&mut buffer), Ok(Recv::WouldBlock));

    let (woken, ()) = soon(async { tokio::join!(connection.recv_ready(), async { drop(reader) }) }).await;
    assert_eq!(woken, Ok(()));
    assert_eq!(connection.try_recv(&mut buffer), Err(LinkError::Io(Errno::EBADF)), "the read was not made");
    assert_eq!(soon(connection.send(b"x")).await, Err(LinkError::Gone));
}

#[tokio::test]
async fn empty_message_is_not_the_end() {
    let (connection, firmware) = pair();
    let mut buffer = [0; MAX];
    say(&firmware, b"");
    soon(connection.recv_ready()).await.unwrap();
    assert_eq!(connection.try_recv(&mut buffer), Ok(Recv::Empty));
    say(&firmware, b"");
    assert_eq!(soon(connection.recv(&mut buffer)).await, Ok(0));
    say(&firmware, b"more");
    assert_eq!(soon(connection.recv(&mut buffer)).await, Ok(4));
}

#[tokio::test]
async fn empty_message_is_not_sent() {
    let (connection, firmware) = pair();
    soon(connection.send(b"")).await.unwrap();
    soon(connection.send(b"first")).await.unwrap();
    use std::os::fd::AsRawFd;
    assert_eq!(recv(firmware.as_raw_fd(), &mut [0; MAX], MsgFlags::empty()), Ok(5));
}

#[tokio::test]
async fn message_that_does_not_fit_the_device_queue_is_too_long() {
    let (mut connection, _firmware) = pair();
    connection.max_message_length = 64 << 20;
    let message = vec![0; 64 << 20];
    let too_long = LinkError::TooLong { length: message.len(), limit: message.len() };
    assert_eq!(soon(connection.send(&message)).await, Err(too_long));
}

#[tokio::test]
async fn dropped_connection_is_closed() {
    let (connection, firmware) = pair();
    drop(connection);
    let end = tokio::task::spawn_blocking(move || {
        use std::os::fd::AsRawFd;
        recv(firmware.as_raw_fd(), &mut [0; MAX], MsgFlags::empty())
    });
    assert_eq!(soon(end).await.unwrap(), Ok(0));
}

#[test]
fn connection_dropped_outside_the_runtime_is_closed() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (connection, firmware) = runtime.block_on(async { pair() });
    drop(runtime);
    drop(connection);
    use std::os::fd::AsRawFd;
    assert_eq!(recv(firmware.as_raw_fd(), &mut [0; MAX], MsgFlags::empty()), Ok(0));
}

#[test]
fn absurd_message_length_is_refused_before_a_buffer_is_made() {
    let node = Node::Char("/dev/mei0".into());
    let claim = |max_message_length| {
        longest_message(&node, ClientProperties { max_message_length, protocol_version: 1 })
    };
    for absurd in [0, (1 << 20) + 1, u32::MAX] {
        let fault = ReplyFault::MaxMessageLength(absurd);
        let expected = ConnectError::BadReply { path: "/dev/mei0".into(), fault };
        assert_eq!(claim(absurd).unwrap_err(), expected);
    }
    for sane in [1, 5120, 1 << 20] {
        assert_eq!(claim(sane).unwrap(), sane as usize);
    }
}

#[tokio::test]
async fn character_device_that_is_no_mei_device_has_no_client() {
    let path = std::path::PathBuf::from("/dev/null");
    let opened = Connection::open(&Node::Char(path.clone()), ClientGuid::LME, Duration::from_secs(20)).await;
    assert_eq!(opened.unwrap_err(), ConnectError::NoClient { path, client: ClientGuid::LME });
}

#[test]
fn error_of_the_runtime_itself_counts_as_gone() {
    assert_eq!(LinkError::from_io(&io::Error::other("shutting down")), LinkError::Gone);
}
