//! A cursor over the bytes of one message. The only place where a length from the peer meets the length of
//! the input.

use super::{DecodeError, DecodeErrorKind, MessageType, Scope};

/// Reads fields in order; every method takes the field's name for the error.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
    message_type: MessageType,
}

impl<'a> Reader<'a> {
    /// Takes the type byte off; fails for an empty message only.
    pub(super) fn new(input: &'a [u8]) -> Result<Self, DecodeError> {
        let empty = Self { rest: input, length: input.len(), message_type: MessageType(0) };
        match input.split_first() {
            Some((&first, rest)) => Ok(Self { rest, message_type: MessageType(first), ..empty }),
            None => Err(empty.error("type", DecodeErrorKind::Empty)),
        }
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(super) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(self.error(field, DecodeErrorKind::Truncated { needed: N }));
        };
        self.rest = rest;
        Ok(*bytes)
    }

    /// A string: a length, then that many bytes. The comparison is made in `usize`, so that no sum of
    /// peer-supplied numbers exists that could wrap (`apf 10` rows 3, 4).
    pub(super) fn string(&mut self, field: &'static str) -> Result<&'a [u8], DecodeError> {
        let announced = self.u32(field)?;
        let split = usize::try_from(announced).ok().and_then(|length| self.rest.split_at_checked(length));
        let Some((string, rest)) = split else {
            let available = self.rest.len();
            return Err(self.error(field, DecodeErrorKind::StringBeyondMessage { announced, available }));
        };
        self.rest = rest;
        Ok(string)
    }

    /// Everything up to the end of the message.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(super) fn message_type(&self) -> MessageType {
        self.message_type
    }

    pub(super) fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// An error at the current offset.
    pub(super) fn error(&self, field: &'static str, kind: DecodeErrorKind) -> DecodeError {
        let offset = self.length.saturating_sub(self.rest.len());
        DecodeError {
            kind,
            message_type: self.message_type,
            field,
            offset,
            length: self.length,
            scope: Scope::Session,
        }
    }
}
