//! Finds the user of a local connection by the kernel's `sock_diag` interface (man 7 sock_diag) and, where needed, the
//! program.
//!
//! The user costs microseconds and is looked up for each connection. The program must be searched for among the open files
//! of the user's processes, which takes milliseconds on a busy machine. So that happens on another thread than the one that
//! moves data, and only for connections whose class can depend on the program.

use std::{
    net::{IpAddr, SocketAddr},
    os::fd::{AsRawFd, OwnedFd},
    path::Path,
    sync::Arc,
    time::Duration,
};

use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
    },
};
use tokio::{sync::Semaphore, task::spawn_blocking, time::timeout};
use tracing::debug;

use super::process;

/// The user id of peers that the kernel does not name. They count as one user.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// A user that the kernel named.
pub(super) fn known(user: u32) -> Option<u32> {
    (user != UNKNOWN).then_some(user)
}

/// `SOCK_DIAG_BY_FAMILY`, the request and the type of its answer.
const SOCK_DIAG_BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
/// Length of `nlmsghdr`.
const HEADER: usize = 16;
/// Length of `inet_diag_req_v2`.
const BODY: usize = 56;
/// Place of `idiag_uid` in the answer: behind the header, four bytes, the socket id and three counters.
const UID: usize = HEADER + 4 + 48 + 12;
/// Place of `idiag_inode`, which follows.
const INODE: usize = UID + 4;

/// Concurrent searches for programs: a crowd of connections must not become a crowd of threads.
const SEARCHES: usize = 2;
/// How long a connection waits for its program to be found, including the wait for a free search.
const SEARCH_LIMIT: Duration = Duration::from_secs(1);
/// What the kernel appends to the path of a program whose file was replaced, as by an update.
const REPLACED: &str = " (deleted)";

/// The other end of a local connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    /// The user, or [`UNKNOWN`].
    pub(super) user: u32,
    /// The inode of the client's socket, as seen in /proc; 0 if unknown.
    pub(super) inode: u32,
}

impl Owner {
    pub(super) const UNKNOWN: Self = Self { user: UNKNOWN, inode: 0 };
}

/// Searches for the programs of clients.
#[derive(Debug, Clone)]
pub(super) struct Programs(Arc<Semaphore>);

impl Programs {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(SEARCHES)))
    }

    /// The path of the program that holds the client's socket. `None` if it cannot be found: it is gone, the search takes
    /// too long, or the daemon may not look at the owner's processes.
    pub(super) async fn executable(&self, owner: Owner) -> Option<Arc<str>> {
        let permits = self.0.clone();
        let search = async move {
            let permit = permits.acquire_owned().await.ok()?;
            // The search keeps its permit, because it goes on even when nobody waits for it any more.
            let found = spawn_blocking(move || {
                let path = executable_of(owner);
                drop(permit);
                path
            });
            found.await.ok()?
        };
        let found = timeout(SEARCH_LIMIT, search).await.ok().flatten();
        if found.is_none() {
            debug!(user = owner.user, "the program of a client cannot be found");
        }
        found
    }
}

fn executable_of(owner: Owner) -> Option<Arc<str>> {
    let process = process::holding(owner.inode.into(), Some(owner.user))?;
    named(&process.exe().ok()?)
}

/// The path of the daemon's own program, in the same form.
pub(super) fn own_executable() -> Option<Arc<str>> {
    named(&std::env::current_exe().ok()?)
}

fn named(executable: &Path) -> Option<Arc<str>> {
    let path = executable.to_str()?;
    Some(path.strip_suffix(REPLACED).unwrap_or(path).into())
}

/// Asks for the owners of sockets.
#[derive(Debug)]
pub(super) struct Peers {
    socket: Option<OwnedFd>,
}

impl Peers {
    /// Without the right to ask, every peer is [`UNKNOWN`].
    pub(super) fn new() -> Self {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let protocol = SockProtocol::NetlinkSockDiag;
        Self { socket: socket(AddressFamily::Netlink, SockType::Datagram, flags, protocol).ok() }
    }

    /// Who is at `client`, connected to `server`.
    pub(super) fn owner(&self, client: SocketAddr, server: SocketAddr) -> Owner {
        let Some(socket) = &self.socket else { return Owner::UNKNOWN };
        ask(socket, &question(client, server)).ok().flatten().unwrap_or(Owner::UNKNOWN)
    }
}

/// One question, one answer: the kernel answers within the call.
fn ask(socket: &OwnedFd, question: &[u8]) -> Result<Option<Owner>, Errno> {
    let fd = socket.as_raw_fd();
    sendto(fd, question, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0; 512];
    let length = recv(fd, &mut answer, MsgFlags::MSG_DONTWAIT)?;
    let answer = answer.get(..length).unwrap_or_default();
    let kind = answer.get(4..6).map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]));
    let number = |at| Some(u32::from_ne_bytes(answer.get(at..at + 4)?.try_into().ok()?));
    let owner = number(UID).zip(number(INODE)).map(|(user, inode)| Owner { user, inode });
    Ok(owner.filter(|_| kind == Some(SOCK_DIAG_BY_FAMILY)))
}

/// The socket whose own address is `client` and whose peer is `server`.
fn question(client: SocketAddr, server: SocketAddr) -> Vec<u8> {
    let family = if client.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 } as i32;
    let mut out = Vec::with_capacity(HEADER + BODY);
    out.extend_from_slice(&((HEADER + BODY) as u32).to_ne_bytes());
    out.extend_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    out.extend_from_slice(&REQUEST.to_ne_bytes());
    out.extend_from_slice(&[0; 8]); // sequence number and port id
    let tcp = SockProtocol::Tcp as i32;
    out.extend_from_slice(&[family as u8, tcp as u8, 0, 0]);
    out.extend_from_slice(&u32::MAX.to_ne_bytes()); // any state
    out.extend_from_slice(&client.port().to_be_bytes());
    out.extend_from_slice(&server.port().to_be_bytes());
    out.extend_from_slice(&address(client.ip()));
    out.extend_from_slice(&address(server.ip()));
    out.extend_from_slice(&[0; 4]); // any interface
    out.extend_from_slice(&[0xff; 8]); // no cookie
    out
}

fn address(ip: IpAddr) -> [u8; 16] {
    match ip {
        IpAddr::V4(v4) => {
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&v4.octets());
            bytes
        }
        IpAddr::V6(v6) => v6.octets(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_owner_of_a_local_client_is_known() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            // A machine without IPv6 has nothing to ask for.
            let Ok(listener) = TcpListener::bind(address) else { continue };
            let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let peers = Peers::new();
            let owner = peers.owner(client.local_addr().unwrap(), client.peer_addr().unwrap());
            assert_eq!(owner.user, nix::unistd::getuid().as_raw());
        }
    }

    #[tokio::test]
    async fn the_program_of_a_local_client_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let owner = Peers::new().owner(client.local_addr().unwrap(), client.peer_addr().unwrap());
        let own = std::env::current_exe().unwrap();
        assert_eq!(Programs::new().executable(owner).await.as_deref(), own.to_str());
    }

    #[tokio::test]
    async fn a_program_of_another_user_or_of_no_socket_is_not_told() {
        let programs = Programs::new();
        let user = nix::unistd::getuid().as_raw();
        assert_eq!(programs.executable(Owner { user, inode: 0 }).await, None);
        assert_eq!(programs.executable(Owner::UNKNOWN).await, None);
    }

    #[test]
    fn a_client_that_is_not_there_is_unknown() {
        let nobody = "127.0.0.1:1".parse().unwrap();
        assert_eq!(Peers::new().owner(nobody, nobody), Owner::UNKNOWN);
    }
}
