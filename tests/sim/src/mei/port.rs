//! One open of the device, whichever way: a connection of the virtual device's socket, or a file on the device node.
//!
//! Used by `mei::connection`, which need not know the difference but for one thing: a file has the driver's queue of its own.

use std::io;
use std::task::{Context, Poll};

use super::packet::Packet;
use super::socket::{PacketSocket, Received};
use crate::cuse::NodePort;

/// See the [module](self).
#[derive(Debug)]
pub(crate) enum Port {
    /// A connection of the socket.
    Socket(PacketSocket),
    /// A file on the node. It needs no waker: each of its changes is a request that wakes the event loop by itself.
    Node(NodePort),
}

impl Port {
    /// Prepares for messages of a client's size.
    pub(crate) fn fit(&self, max_message: usize) {
        match self {
            Self::Socket(socket) => socket.fit(max_message),
            Self::Node(_) => {}
        }
    }

    /// Reads one message into `buffer`.
    pub(crate) fn poll_recv(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<Received>> {
        match self {
            Self::Socket(socket) => socket.poll_recv(cx, buffer),
            Self::Node(node) => node.take(buffer).map_or(Poll::Pending, |received| Poll::Ready(Ok(received))),
        }
    }

    /// Sends `packet` as one message once the host's credit allows it.
    pub(crate) fn poll_send(&self, cx: &mut Context<'_>, packet: &Packet) -> Poll<io::Result<()>> {
        match self {
            Self::Socket(socket) => socket.poll_send(cx, packet),
            Self::Node(node) if node.put(packet) => Poll::Ready(Ok(())),
            Self::Node(_) => Poll::Pending,
        }
    }

    /// Whether what firmware does not take stays here, in the driver's queue.
    pub(crate) fn has_queue(&self) -> bool {
        matches!(self, Self::Node(_))
    }

    /// Whether the host has closed it, as far as that can be known without reading.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Socket(_) => false,
            Self::Node(node) => node.is_closed(),
        }
    }
}
