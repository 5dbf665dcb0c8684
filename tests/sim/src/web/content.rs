//! The bytes of `/sim/bulk`: a stream of which every position can be checked on its own, made as it is sent.
//!
//! Taken as little-endian 64-bit words, word `n` is `n` times 0x9E3779B97F4A7C15, modulo 2^64. All words are different, so a
//! lost, repeated or misplaced part shows at once. Written by `response`, checked by whoever downloads it.

use bytes::Bytes;

/// Longest content that can be asked for, in bytes (1 TiB).
pub const MAX_CONTENT: u64 = 1 << 40;

/// Bytes that are made at a time: what a download costs in memory.
pub(super) const BLOCK: u64 = 64 * 1024;

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// The byte at `offset` of the content.
#[must_use]
pub fn content_byte(offset: u64) -> u8 {
    (offset / 8).wrapping_mul(FACTOR).to_le_bytes()[(offset % 8) as usize]
}

/// A request for content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ContentRequest {
    pub(super) length: u64,
    pub(super) chunked: bool,
}

impl ContentRequest {
    /// Parses what follows `/sim/bulk/`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (digits, chunked) = match text.split_once('?') {
            Some((digits, "chunked")) => (digits, true),
            Some(_) => return None,
            None => (text, false),
        };
        let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let length = digits.parse().ok().filter(|length| valid && *length <= MAX_CONTENT)?;
        Some(Self { length, chunked })
    }
}

/// The part of the content from `offset` on, `length` bytes (at most [`BLOCK`]).
pub(super) fn block(offset: u64, length: u64) -> Bytes {
    let skip = (offset % 8) as usize;
    let end = skip + length.min(BLOCK) as usize;
    let mut bytes = Vec::with_capacity(end.next_multiple_of(8));
    let mut word = (offset / 8).wrapping_mul(FACTOR);
    while bytes.len() < end {
        bytes.extend_from_slice(&word.to_le_bytes());
        word = word.wrapping_add(FACTOR);
    }
    Bytes::from(bytes).slice(skip..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_of_any_cut_join_to_the_documented_stream() {
        let mut offset = 0;
        for length in [1, 7, 8, 9, 1400, BLOCK] {
            let block = block(offset, length);
            assert_eq!(block.len() as u64, length);
            for (position, byte) in (offset..).zip(&block) {
                assert_eq!(*byte, content_byte(position), "at {position}");
            }
            offset += length;
        }
    }

    #[test]
    fn sizes_that_are_no_numbers_are_refused() {
        let parsed = |length, chunked| Some(ContentRequest { length, chunked });
        assert_eq!(ContentRequest::parse("0"), parsed(0, false));
        assert_eq!(ContentRequest::parse("67108864?chunked"), parsed(67_108_864, true));
        for bad in ["", "-1", "+1", "1e3", "1?x", "1099511627777", "99999999999999999999999"] {
            assert_eq!(ContentRequest::parse(bad), None, "{bad}");
        }
    }
}
