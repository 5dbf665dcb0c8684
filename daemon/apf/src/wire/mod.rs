//! The APF codec: every message of the protocol, decoded from and encoded to the bytes of one MEI message.
//!
//! Owns the byte layouts and nothing else: whether a message is welcome, and what it does, is the session's
//! business. Both directions are complete, because the firmware simulator speaks the other side with the same
//! types.
//!
//! Rules that hold for every message (`apf 1`): one MEI message carries exactly one APF message, integers are
//! big-endian, a string is a `u32` length followed by that many bytes. Decoding borrows from its input,
//! allocates nothing and never panics.
//!
//! Channel numbers are named by who *allocated* them, seen from the message: `receiver` is the number of the
//! side that receives the message, `sender` the number of the side that sends it.

mod channel;
mod connection;
mod error;
mod kind;
mod reader;
mod request;

pub use self::{
    channel::{
        ChannelClose, ChannelData, ChannelKind, ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure,
        DATA_HEADER, Endpoints, OpenFailureReason, RESERVED, WindowAdjust,
    },
    connection::{
        Disconnect, DisconnectReason, KeepaliveOptions, ProtocolVersion, SERVICE_AUTH, SERVICE_PFWD, Secret,
        ServiceName, SystemId, TRIGGER_LME, UserauthFailure, UserauthMethod, UserauthRequest, VERSION_LENGTH,
    },
    error::{DecodeError, DecodeErrorKind, Scope},
    kind::MessageType,
    request::{Datagram, ForwardAddress, GlobalRequest, MAX_DATAGRAM, Request, RequestSuccess},
};

use self::reader::Reader;

/// One APF message. The variants carry the fields; the type byte is implied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// 1: the session ends.
    Disconnect(Disconnect),
    /// 5: firmware asks for a service.
    ServiceRequest(ServiceName<'a>),
    /// 6: the host grants it.
    ServiceAccept(ServiceName<'a>),
    /// 50: firmware authenticates itself; allowed, not seen on LME.
    UserauthRequest(UserauthRequest<'a>),
    /// 51: authentication failed.
    UserauthFailure(UserauthFailure<'a>),
    /// 52: authentication succeeded.
    UserauthSuccess,
    /// 80: start or end a forward, or send a datagram.
    GlobalRequest(GlobalRequest<'a>),
    /// 81: the oldest unanswered global request succeeded.
    RequestSuccess(RequestSuccess),
    /// 82: the oldest unanswered global request failed.
    RequestFailure,
    /// 90: open a channel.
    ChannelOpen(ChannelOpen<'a>),
    /// 91: the channel is open.
    ChannelOpenConfirmation(ChannelOpenConfirmation),
    /// 92: the channel is refused.
    ChannelOpenFailure(ChannelOpenFailure),
    /// 93: more bytes may be sent.
    WindowAdjust(WindowAdjust),
    /// 94: bytes of a channel.
    ChannelData(ChannelData<'a>),
    /// 97: the sender is done with the channel.
    ChannelClose(ChannelClose),
    /// 192: the first message in each direction.
    ProtocolVersion(ProtocolVersion),
    /// 208: is the peer there? The reply repeats the cookie.
    KeepaliveRequest(u32),
    /// 209: the cookie of the request.
    KeepaliveReply(u32),
    /// 210: proposes keepalive intervals.
    KeepaliveOptionsRequest(KeepaliveOptions),
    /// 211: the intervals that the receiver decided on.
    KeepaliveOptionsReply(KeepaliveOptions),
    /// A type that APF does not define. Only the type byte is kept.
    Unknown(u8),
}

/// A decoded message, and how much of the input it did not need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The message.
    pub message: Message<'a>,
    /// Bytes after the end of the message. Firmware sends none (`apf 1`); they are tolerated and ignored
    /// (`apf 10` row 5). Always 0 for an unknown type, whose length nobody knows.
    pub trailing: usize,
}

impl<'a> Message<'a> {
    /// Decodes the bytes of one MEI message.
    ///
    /// # Errors
    /// When the input is empty or ends before the message does, or when a datagram exceeds its limit. The
    /// error names the field and the offset, and says whether more than this one message is lost
    /// ([`Scope`]).
    pub fn decode(input: &'a [u8]) -> Result<Decoded<'a>, DecodeError> {
        let mut reader = Reader::new(input)?;
        let message = Self::decode_body(&mut reader)?;
        let trailing = if matches!(message, Message::Unknown(_)) { 0 } else { reader.remaining() };
        Ok(Decoded { message, trailing })
    }

    /// Appends the encoded message to `out`.
    ///
    /// The caller sees to it that the result fits one MEI message; strings are far below the 4 GiB that their
    /// length field can express.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.push(self.message_type().0);
        match self {
            Message::Disconnect(body) => body.encode(out),
            Message::ServiceRequest(body) | Message::ServiceAccept(body) => body.encode(out),
            Message::UserauthRequest(body) => body.encode(out),
            Message::UserauthFailure(body) => body.encode(out),
            Message::GlobalRequest(body) => body.encode(out),
            Message::RequestSuccess(body) => body.encode(out),
            Message::ChannelOpen(body) => body.encode(out),
            Message::ChannelOpenConfirmation(body) => body.encode(out),
            Message::ChannelOpenFailure(body) => body.encode(out),
            Message::WindowAdjust(body) => body.encode(out),
            Message::ChannelData(body) => body.encode(out),
            Message::ChannelClose(body) => body.encode(out),
            Message::ProtocolVersion(body) => body.encode(out),
            Message::KeepaliveRequest(cookie) | Message::KeepaliveReply(cookie) => put_u32(out, *cookie),
            Message::KeepaliveOptionsRequest(body) | Message::KeepaliveOptionsReply(body) => body.encode(out),
            Message::UserauthSuccess | Message::RequestFailure | Message::Unknown(_) => {}
        }
    }

    /// The type byte of the message.
    pub fn message_type(&self) -> MessageType {
        match self {
            Message::Disconnect(_) => MessageType::DISCONNECT,
            Message::ServiceRequest(_) => MessageType::SERVICE_REQUEST,
            Message::ServiceAccept(_) => MessageType::SERVICE_ACCEPT,
            Message::UserauthRequest(_) => MessageType::USERAUTH_REQUEST,
            Message::UserauthFailure(_) => MessageType::USERAUTH_FAILURE,
            Message::UserauthSuccess => MessageType::USERAUTH_SUCCESS,
            Message::GlobalRequest(_) => MessageType::GLOBAL_REQUEST,
            Message::RequestSuccess(_) => MessageType::REQUEST_SUCCESS,
            Message::RequestFailure => MessageType::REQUEST_FAILURE,
            Message::ChannelOpen(_) => MessageType::CHANNEL_OPEN,
            Message::ChannelOpenConfirmation(_) => MessageType::CHANNEL_OPEN_CONFIRMATION,
            Message::ChannelOpenFailure(_) => MessageType::CHANNEL_OPEN_FAILURE,
            Message::WindowAdjust(_) => MessageType::CHANNEL_WINDOW_ADJUST,
            Message::ChannelData(_) => MessageType::CHANNEL_DATA,
            Message::ChannelClose(_) => MessageType::CHANNEL_CLOSE,
            Message::ProtocolVersion(_) => MessageType::PROTOCOLVERSION,
            Message::KeepaliveRequest(_) => MessageType::KEEPALIVE_REQUEST,
            Message::KeepaliveReply(_) => MessageType::KEEPALIVE_REPLY,
            Message::KeepaliveOptionsRequest(_) => MessageType::KEEPALIVE_OPTIONS_REQUEST,
            Message::KeepaliveOptionsReply(_) => MessageType::KEEPALIVE_OPTIONS_REPLY,
            Message::Unknown(byte) => MessageType(*byte),
        }
    }

    fn decode_body(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(match reader.message_type() {
            MessageType::DISCONNECT => Message::Disconnect(Disconnect::decode(reader)?),
            MessageType::SERVICE_REQUEST => Message::ServiceRequest(ServiceName::decode(reader)?),
            MessageType::SERVICE_ACCEPT => Message::ServiceAccept(ServiceName::decode(reader)?),
            MessageType::USERAUTH_REQUEST => Message::UserauthRequest(UserauthRequest::decode(reader)?),
            MessageType::USERAUTH_FAILURE => Message::UserauthFailure(UserauthFailure::decode(reader)?),
            MessageType::USERAUTH_SUCCESS => Message::UserauthSuccess,
            MessageType::GLOBAL_REQUEST => Message::GlobalRequest(GlobalRequest::decode(reader)?),
            MessageType::REQUEST_SUCCESS => Message::RequestSuccess(RequestSuccess::decode(reader)?),
            MessageType::REQUEST_FAILURE => Message::RequestFailure,
            MessageType::CHANNEL_OPEN => Message::ChannelOpen(ChannelOpen::decode(reader)?),
            MessageType::CHANNEL_OPEN_CONFIRMATION => {
                Message::ChannelOpenConfirmation(ChannelOpenConfirmation::decode(reader)?)
            }
            MessageType::CHANNEL_OPEN_FAILURE => {
                Message::ChannelOpenFailure(ChannelOpenFailure::decode(reader)?)
            }
            MessageType::CHANNEL_WINDOW_ADJUST => Message::WindowAdjust(WindowAdjust::decode(reader)?),
            MessageType::CHANNEL_DATA => Message::ChannelData(ChannelData::decode(reader)?),
            MessageType::CHANNEL_CLOSE => Message::ChannelClose(ChannelClose::decode(reader)?),
            MessageType::PROTOCOLVERSION => Message::ProtocolVersion(ProtocolVersion::decode(reader)?),
            MessageType::KEEPALIVE_REQUEST => Message::KeepaliveRequest(reader.u32("cookie")?),
            MessageType::KEEPALIVE_REPLY => Message::KeepaliveReply(reader.u32("cookie")?),
            MessageType::KEEPALIVE_OPTIONS_REQUEST => {
                Message::KeepaliveOptionsRequest(KeepaliveOptions::decode(reader)?)
            }
            MessageType::KEEPALIVE_OPTIONS_REPLY => {
                Message::KeepaliveOptionsReply(KeepaliveOptions::decode(reader)?)
            }
            MessageType(unknown) => Message::Unknown(unknown),
        })
    }
}

/// Appends a big-endian `u32`.
fn put_u32(out: &mut Vec<u8>, value: u32) {
    out.extend_from_slice(&value.to_be_bytes());
}

/// Appends a string: its length, then its bytes.
fn put_string(out: &mut Vec<u8>, string: &[u8]) {
    put_u32(out, length_field(string.len()));
    out.extend_from_slice(string);
}

/// A length as its field carries it. What does not fit cannot be sent as one MEI message anyway, whose limit
/// is a `u32` as well.
fn length_field(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
