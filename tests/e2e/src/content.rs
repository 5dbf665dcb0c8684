//! Bytes by which a lost, repeated or misplaced part of a stream shows at once.
//!
//! Downloads are checked against what the simulator's `/sim/bulk` is documented to send; uploads carry the same bytes.

/// Word `n` of the content is `n` times this, as a little-endian 64-bit number.
const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;

/// The first `length` bytes of the content.
#[must_use]
pub fn content(length: usize) -> Vec<u8> {
    part(0, length)
}

/// Checks a stream piece by piece.
#[derive(Debug, Default)]
pub struct Checker {
    offset: usize,
}

impl Checker {
    /// Checks the next piece.
    ///
    /// # Panics
    /// It is not what comes next.
    pub fn take(&mut self, piece: &[u8]) {
        let expected = part(self.offset, piece.len());
        if let Some(place) = piece.iter().zip(&expected).position(|(got, wanted)| got != wanted) {
            panic!("byte {} of the content is wrong", self.offset + place);
        }
        self.offset += piece.len();
    }

    /// How many bytes were right so far.
    #[must_use]
    pub fn count(&self) -> usize {
        self.offset
    }
}

fn part(offset: usize, length: usize) -> Vec<u8> {
    let skip = offset % 8;
    let words = (skip + length).div_ceil(8);
    let mut bytes = Vec::with_capacity(words * 8);
    let first = (offset / 8) as u64;
    for word in first..first + words as u64 {
        bytes.extend_from_slice(&word.wrapping_mul(FACTOR).to_le_bytes());
    }
    bytes.truncate(skip + length);
    bytes.split_off(skip)
}
