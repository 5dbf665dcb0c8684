//! Messages about one channel (`apf 2.7` to `2.12`).

use std::fmt;

use super::{DecodeError, length_field, put_string, put_u32, reader::Reader};

/// Bytes that CHANNEL_DATA needs besides its payload.
pub const DATA_HEADER: usize = 9;
/// The reserved word of CHANNEL_OPEN and its confirmation (in SSH: the maximum packet size, which APF does
/// not have).
pub const RESERVED: u32 = 0xffff_ffff;

/// CHANNEL_OPEN (90), `apf 2.7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelOpen<'a> {
    /// The opener's number for the channel; 0 is valid.
    pub sender: u32,
    /// Bytes that the receiver of this message may send at first.
    pub window: u32,
    /// [`RESERVED`].
    pub reserved: u32,
    /// What the channel is for.
    pub kind: ChannelKind<'a>,
}

/// What a channel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind<'a> {
    /// `forwarded-tcpip`: somebody connected to a forwarded port; `target` is what was connected to.
    ForwardedTcpip(Endpoints<'a>),
    /// `direct-tcpip`: connect to `target` on the opener's behalf.
    DirectTcpip(Endpoints<'a>),
    /// A type that APF does not define; it can still be refused by the opener's number.
    Unknown {
        /// Its name.
        name: &'a [u8],
        /// Everything after the reserved word.
        body: &'a [u8],
    },
}

impl<'a> ChannelOpen<'a> {
    const FORWARDED: &'static [u8] = b"forwarded-tcpip";
    const DIRECT: &'static [u8] = b"direct-tcpip";

    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let name = reader.string("channel type")?;
        let sender = reader.u32("sender channel")?;
        let window = reader.u32("initial window")?;
        let reserved = reader.u32("reserved")?;
        let kind = match name {
            Self::FORWARDED => ChannelKind::ForwardedTcpip(Endpoints::decode(reader)?),
            Self::DIRECT => ChannelKind::DirectTcpip(Endpoints::decode(reader)?),
            name => ChannelKind::Unknown { name, body: reader.rest() },
        };
        Ok(Self { sender, window, reserved, kind })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        let name = match self.kind {
            ChannelKind::ForwardedTcpip(_) => Self::FORWARDED,
            ChannelKind::DirectTcpip(_) => Self::DIRECT,
            ChannelKind::Unknown { name, .. } => name,
        };
        put_string(out, name);
        put_u32(out, self.sender);
        put_u32(out, self.window);
        put_u32(out, self.reserved);
        match self.kind {
            ChannelKind::ForwardedTcpip(endpoints) | ChannelKind::DirectTcpip(endpoints) => {
                endpoints.encode(out);
            }
            ChannelKind::Unknown { body, .. } => out.extend_from_slice(body),
        }
    }
}

/// The two ends of the TCP connection that a channel stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Endpoints<'a> {
    /// Address or host that was, or is to be, connected to.
    pub target: &'a [u8],
    /// Its port.
    pub target_port: u32,
    /// Address of the connecting side.
    pub originator: &'a [u8],
    /// Its port.
    pub originator_port: u32,
}

impl<'a> Endpoints<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            target: reader.string("target")?,
            target_port: reader.u32("target port")?,
            originator: reader.string("originator")?,
            originator_port: reader.u32("originator port")?,
        })
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_string(out, self.target);
        put_u32(out, self.target_port);
        put_string(out, self.originator);
        put_u32(out, self.originator_port);
    }
}

/// CHANNEL_OPEN_CONFIRMATION (91), `apf 2.8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelOpenConfirmation {
    /// The opener's number.
    pub receiver: u32,
    /// The confirmer's number.
    pub sender: u32,
    /// Bytes that the opener may send at first.
    pub window: u32,
    /// [`RESERVED`].
    pub reserved: u32,
}

impl ChannelOpenConfirmation {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self {
            receiver: reader.u32("recipient channel")?,
            sender: reader.u32("sender channel")?,
            window: reader.u32("initial window")?,
            reserved: reader.u32("reserved")?,
        })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.receiver);
        put_u32(out, self.sender);
        put_u32(out, self.window);
        put_u32(out, self.reserved);
    }
}

/// CHANNEL_OPEN_FAILURE (92), `apf 2.9`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelOpenFailure {
    /// The opener's number.
    pub receiver: u32,
    /// Why.
    pub reason: OpenFailureReason,
}

impl ChannelOpenFailure {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let failure = Self {
            receiver: reader.u32("recipient channel")?,
            reason: OpenFailureReason(reader.u32("reason")?),
        };
        reader.array::<8>("reserved")?;
        Ok(failure)
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.receiver);
        put_u32(out, self.reason.0);
        out.extend_from_slice(&[0; 8]);
    }
}

/// Why a channel was refused; unknown values are kept and mean the same as [`PROHIBITED`](Self::PROHIBITED)
/// (`apf 10` row 35).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpenFailureReason(pub u32);

impl OpenFailureReason {
    /// Administratively prohibited; from firmware also: the forward is just being re-announced (`apf 4.4`).
    pub const PROHIBITED: Self = Self(1);
    /// The target could not be reached.
    pub const CONNECT_FAILED: Self = Self(2);
    /// The channel type is not defined.
    pub const UNKNOWN_CHANNEL_TYPE: Self = Self(3);
    /// No slot is free.
    pub const RESOURCE_SHORTAGE: Self = Self(4);

    /// The reason in words.
    pub fn text(self) -> &'static str {
        match self {
            Self::PROHIBITED => "administratively prohibited",
            Self::CONNECT_FAILED => "connect failed",
            Self::UNKNOWN_CHANNEL_TYPE => "unknown channel type",
            Self::RESOURCE_SHORTAGE => "resource shortage",
            _ => "unknown reason",
        }
    }
}

impl fmt::Display for OpenFailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.text(), self.0)
    }
}

/// CHANNEL_WINDOW_ADJUST (93), `apf 2.10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowAdjust {
    /// The number of the side that may now send more.
    pub receiver: u32,
    /// How many bytes more.
    pub bytes: u32,
}

impl WindowAdjust {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { receiver: reader.u32("recipient channel")?, bytes: reader.u32("bytes to add")? })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.receiver);
        put_u32(out, self.bytes);
    }
}

/// CHANNEL_DATA (94), `apf 2.11`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelData<'a> {
    /// The number of the side that the bytes are for.
    pub receiver: u32,
    /// The bytes.
    pub payload: &'a [u8],
}

impl<'a> ChannelData<'a> {
    pub(super) fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self { receiver: reader.u32("recipient channel")?, payload: reader.string("data")? })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.receiver);
        put_string(out, self.payload);
    }

    /// Appends a whole message up to its payload, for a sender that gathers `length` bytes of payload behind
    /// it.
    pub(crate) fn encode_header(receiver: u32, length: usize, out: &mut Vec<u8>) {
        out.push(super::MessageType::CHANNEL_DATA.0);
        put_u32(out, receiver);
        put_u32(out, length_field(length));
    }
}

/// CHANNEL_CLOSE (97), `apf 2.12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelClose {
    /// The number of the side that receives the close.
    pub receiver: u32,
}

impl ChannelClose {
    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { receiver: reader.u32("recipient channel")? })
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        put_u32(out, self.receiver);
    }
}
