//! What a session reports: things that happened, in order.

use bytes::Bytes;

use crate::{
    error::{CloseCause, Refusal},
    id::{ChannelId, ForwardId, Port},
    wire::OpenFailureReason,
};

/// Something that happened.
///
/// The life of a channel is `Opened? (Data | Sent)* (Refused | Closed)? Released`: every id that
/// [`open`](crate::Session::open) returned or [`Direct`](Event::Direct) announced gets exactly one
/// `Released`, and nothing after it. Once the owner has closed a channel, `Released` is all that still comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Firmware was granted the forwarding service; forward requests follow.
    Ready,
    /// Firmware asks for a port. Must be answered with [`answer_forward`](crate::Session::answer_forward).
    ForwardRequested {
        /// What to answer.
        forward: ForwardId,
        /// The port, one of the allowed ones.
        port: Port,
        /// Address or host name, without control characters, at most 255 bytes, maybe empty.
        address: String,
    },
    /// Firmware has been told that a port is forwarded: channels can be opened for it.
    ForwardStarted {
        /// The port.
        port: Port,
    },
    /// A forward request was refused because the host did not answer in time; an answer comes too late now.
    ForwardExpired {
        /// The request.
        forward: ForwardId,
        /// Its port.
        port: Port,
    },
    /// The last address of a port was cancelled: no more channels can be opened for it. Open ones stay.
    ForwardCancelled {
        /// The port.
        port: Port,
    },
    /// Firmware started the session over: every channel (each has been told) and every forward is gone.
    Restarted,
    /// Firmware confirmed the channel.
    Opened {
        /// The channel.
        channel: ChannelId,
    },
    /// The open did not result in a channel.
    Refused {
        /// The channel.
        channel: ChannelId,
        /// Why.
        reason: Refusal,
    },
    /// Bytes left in a data message; there is room for as many new ones.
    Sent {
        /// The channel.
        channel: ChannelId,
        /// How many.
        bytes: usize,
    },
    /// Bytes from firmware, to be credited with [`delivered`](crate::Session::delivered) once the client has
    /// taken them.
    Data {
        /// The channel.
        channel: ChannelId,
        /// The bytes, never empty.
        bytes: Bytes,
    },
    /// The channel was closed, not by its owner.
    Closed {
        /// The channel.
        channel: ChannelId,
        /// Why.
        cause: CloseCause,
    },
    /// The channel is gone and its slot free.
    Released {
        /// The channel.
        channel: ChannelId,
    },
    /// Firmware opened a channel to the local alert sink (`direct-tcpip` to port 0), and it was accepted.
    Direct {
        /// The channel.
        channel: ChannelId,
        /// The host that firmware named, escaped.
        host: String,
        /// The port that firmware named.
        port: u32,
        /// Who is connecting, as firmware says.
        originator: Endpoint,
    },
    /// Firmware wanted a channel that was refused.
    DirectRefused {
        /// The host that firmware named, escaped.
        host: String,
        /// The port that firmware named.
        port: u32,
        /// What it was told.
        reason: OpenFailureReason,
    },
    /// Firmware wants a datagram sent; it expects no answer.
    UdpSend {
        /// Destination, an address or a name.
        host: String,
        /// Destination port.
        port: Port,
        /// The payload.
        data: Bytes,
    },
}

/// A host and a port as firmware wrote them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Address or name, escaped.
    pub host: String,
    /// Port, in a field that is wider than a port.
    pub port: u32,
}
