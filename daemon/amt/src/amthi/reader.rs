//! Reads a reply field by field. Each read names its field, so that a reply that is cut off says where. Used by all
//! commands.

use super::AmthiError;

/// What is left of a payload.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    pub(super) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], AmthiError> {
        let (array, rest) = self.rest.split_first_chunk().ok_or_else(|| self.truncated(field, N))?;
        self.rest = rest;
        Ok(*array)
    }

    pub(super) fn bytes(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], AmthiError> {
        let (bytes, rest) =
            self.rest.split_at_checked(length).ok_or_else(|| self.truncated(field, length))?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(super) fn skip(&mut self, field: &'static str, length: usize) -> Result<(), AmthiError> {
        self.bytes(field, length).map(drop)
    }

    pub(super) fn u8(&mut self, field: &'static str) -> Result<u8, AmthiError> {
        self.array(field).map(u8::from_le_bytes)
    }

    pub(super) fn u16(&mut self, field: &'static str) -> Result<u16, AmthiError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&mut self, field: &'static str) -> Result<u32, AmthiError> {
        self.array(field).map(u32::from_le_bytes)
    }

    /// BOOL: 1 is true (amthi 1.3).
    pub(super) fn bool(&mut self, field: &'static str) -> Result<bool, AmthiError> {
        Ok(self.u32(field)? == 1)
    }

    /// ANSI string: a length and so many bytes.
    pub(super) fn string(&mut self, field: &'static str) -> Result<String, AmthiError> {
        let length = self.u16(field)?;
        self.bytes(field, length.into()).map(text)
    }

    /// Version string: a length and a fixed space of 20 bytes.
    pub(super) fn version_string(&mut self, field: &'static str) -> Result<String, AmthiError> {
        let stated = usize::from(self.u16(field)?);
        let space = self.bytes(field, VERSION_SPACE)?;
        let too_long = AmthiError::StringLength { field, stated, space: VERSION_SPACE };
        space.get(..stated).map(text).ok_or(too_long)
    }

    /// Text in a space of fixed size, ended by a NUL if it is shorter.
    pub(super) fn padded(&mut self, field: &'static str, space: usize) -> Result<String, AmthiError> {
        self.bytes(field, space).map(text)
    }

    fn truncated(&self, field: &'static str, needed: usize) -> AmthiError {
        AmthiError::Truncated { field, needed, left: self.rest.len() }
    }
}

/// The bytes before the first NUL. Firmware ends a string with one or not, as it likes.
pub(super) fn before_nul(bytes: &[u8]) -> &[u8] {
    bytes.split(|byte| *byte == 0).next().unwrap_or_default()
}

/// Text for people: bytes that are not UTF-8 are replaced.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(before_nul(bytes)).into_owned()
}

const VERSION_SPACE: usize = 20;
