//! The headers of requests and replies, and the order in which a reply is checked (amthi 1.1, 1.2). Called by the
//! `Command` trait; knows no command.

use super::reader::Reader;
use super::{AmthiError, Status};

/// A whole request: header and payload.
pub(super) fn request(operation: u32, payload: &[u8]) -> Vec<u8> {
    // No command has a payload of more than a few hundred bytes.
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let header =
        [[MAJOR_VERSION, MINOR_VERSION, 0, 0], (CLASS | operation).to_le_bytes(), length.to_le_bytes()];
    [header.as_flattened(), payload].concat()
}

/// The payload of a reply that is in order and successful.
pub(super) fn payload(operation: u32, reply: &[u8]) -> Result<&[u8], AmthiError> {
    if reply.is_empty() {
        return Err(AmthiError::AmtDisabled);
    }
    let Some((header, payload)) = reply.split_first_chunk::<REPLY_HEADER>() else {
        return Err(AmthiError::ShortReply { length: reply.len() });
    };
    check_header(operation, header, reply.len().saturating_sub(REQUEST_HEADER))?;
    let [.., s0, s1, s2, s3] = *header;
    match Status::from_code(u32::from_le_bytes([s0, s1, s2, s3])) {
        Status::SUCCESS => Ok(payload),
        status => Err(AmthiError::Status(status)),
    }
}

/// Everything before the status. `actual` is the number of bytes that the length field should state.
fn check_header(operation: u32, header: &[u8; REPLY_HEADER], actual: usize) -> Result<(), AmthiError> {
    let mut fields = Reader::new(header);
    let major = fields.u8("major version")?;
    fields.skip("minor version and reserved", 3)?;
    let received = fields.u32("command")?;
    let stated = fields.u32("length")?;

    let expected = CLASS | REPLY | operation;
    if major != MAJOR_VERSION {
        Err(AmthiError::Version { major })
    } else if received != expected {
        Err(AmthiError::Command { expected, received })
    } else if u32::try_from(actual) != Ok(stated) {
        Err(AmthiError::Length { stated, actual })
    } else {
        Ok(())
    }
}

const MAJOR_VERSION: u8 = 1;
const MINOR_VERSION: u8 = 1;
/// Bytes before the payload of a request; the length field counts what follows them.
const REQUEST_HEADER: usize = 12;
/// The same and the status.
const REPLY_HEADER: usize = 16;
/// Class of all commands here.
const CLASS: u32 = 0x0400_0000;
/// Bit that marks a reply.
const REPLY: u32 = 1 << 23;
