//! What can be wrong with the bytes of a message: the fault, the field, the offset, and how much is lost.

use super::MessageType;

/// Why a message could not be decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{message_type} of {length} bytes, field `{field}` at offset {offset}: {kind}")]
pub struct DecodeError {
    /// What is wrong.
    pub kind: DecodeErrorKind,
    /// The type byte of the message; 0 when there was none.
    pub message_type: MessageType,
    /// The field that could not be read.
    pub field: &'static str,
    /// Where that field starts, in bytes from the start of the message.
    pub offset: usize,
    /// Length of the message in bytes.
    pub length: usize,
    /// How much is lost.
    pub scope: Scope,
}

/// The ways in which bytes can fail to be a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeErrorKind {
    /// A message of no bytes.
    #[error("the message is empty")]
    Empty,
    /// The message ends inside the field.
    #[error("the message ends before the field does ({needed} bytes needed)")]
    Truncated {
        /// Bytes that the field needs.
        needed: usize,
    },
    /// A length field promises more bytes than the message has.
    #[error("a string of {announced} bytes is announced, {available} are there")]
    StringBeyondMessage {
        /// What the length field says.
        announced: u32,
        /// Bytes left after the length field.
        available: usize,
    },
    /// A datagram of more than [`MAX_DATAGRAM`](super::MAX_DATAGRAM) bytes.
    #[error("a datagram of {announced} bytes is announced, the limit is {}", super::MAX_DATAGRAM)]
    DatagramTooLong {
        /// What the length field says.
        announced: u32,
    },
}

/// How much is lost with an undecodable message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The framing cannot be trusted any more: the session must end (`apf 10` rows 2, 3, 43).
    Session,
    /// Only this message: a datagram request, which may be dropped silently (`apf 10` row 26).
    Message,
}
