//! Whose a local connection is: asked of the kernel by its `sock_diag` interface (man 7 sock_diag).

use std::{
    net::{IpAddr, SocketAddr},
    os::fd::{AsRawFd, OwnedFd},
};

use nix::{
    errno::Errno,
    sys::socket::{
        AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
    },
};

/// A user id for peers that the kernel does not name: all of them share a turn.
pub(super) const UNKNOWN: u32 = u32::MAX;

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

    /// The user id of the client at `client` that is connected to `server`.
    pub(super) fn uid(&self, client: SocketAddr, server: SocketAddr) -> u32 {
        let Some(socket) = &self.socket else { return UNKNOWN };
        ask(socket, &question(client, server)).ok().flatten().unwrap_or(UNKNOWN)
    }
}

/// One question, one answer: the kernel answers within the call.
fn ask(socket: &OwnedFd, question: &[u8]) -> Result<Option<u32>, Errno> {
    let fd = socket.as_raw_fd();
    sendto(fd, question, &NetlinkAddr::new(0, 0), MsgFlags::empty())?;
    let mut answer = [0; 512];
    let length = recv(fd, &mut answer, MsgFlags::MSG_DONTWAIT)?;
    let answer = answer.get(..length).unwrap_or_default();
    let kind = answer.get(4..6).map(|bytes| u16::from_ne_bytes([bytes[0], bytes[1]]));
    let uid = answer.get(UID..UID + 4).and_then(|bytes| bytes.try_into().ok()).map(u32::from_ne_bytes);
    Ok(uid.filter(|_| kind == Some(SOCK_DIAG_BY_FAMILY)))
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
            let uid = peers.uid(client.local_addr().unwrap(), client.peer_addr().unwrap());
            assert_eq!(uid, nix::unistd::getuid().as_raw());
        }
    }

    #[test]
    fn a_client_that_is_not_there_is_unknown() {
        let nobody = "127.0.0.1:1".parse().unwrap();
        assert_eq!(Peers::new().uid(nobody, nobody), UNKNOWN);
    }
}
