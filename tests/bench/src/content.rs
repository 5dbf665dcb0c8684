//! The content of transfers. Taken as little-endian 64-bit words, word `n` is `n` times [`FACTOR`], modulo 2^64: no two parts are
//! alike, so that a lost, repeated or misplaced piece shows. The simulator makes the same stream by the same rule for
//! `/sim/bulk`; this is a second implementation of it.

use amtd_harness::http::HttpError;

const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15;
const WORD: usize = 8;

/// The first `length` bytes.
pub(crate) fn content(length: usize) -> Vec<u8> {
    let words = (0..length.div_ceil(WORD) as u64).flat_map(word);
    words.take(length).collect()
}

/// Checks a stream piece by piece.
#[derive(Debug, Default)]
pub(crate) struct Check {
    position: u64,
}

impl Check {
    /// Takes the next piece, as a reader of an answer does.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Result<(), HttpError> {
        let position = self.position;
        if self.takes(piece) {
            return Ok(());
        }
        Err(HttpError::Malformed(format!("wrong content after {position} bytes")))
    }

    /// Takes the next piece; returns whether it is right.
    fn takes(&mut self, piece: &[u8]) -> bool {
        // Up to the next word, whole words, what is left.
        let offset = (self.position % WORD as u64) as usize;
        let lead = if offset == 0 { 0 } else { (WORD - offset).min(piece.len()) };
        let (lead, rest) = piece.split_at(lead);
        let (words, tail) = rest.as_chunks::<WORD>();
        let first = self.position / WORD as u64;
        let whole = self.position.div_ceil(WORD as u64);
        let right = word(first)[offset..].starts_with(lead)
            && (whole..).zip(words).all(|(n, bytes)| *bytes == word(n))
            && word(whole + words.len() as u64).starts_with(tail);
        self.position += piece.len() as u64;
        right
    }

    /// Bytes seen so far.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }
}

fn word(n: u64) -> [u8; WORD] {
    n.wrapping_mul(FACTOR).to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_right_however_it_is_cut() {
        let content = content(1000);
        for step in 1..40 {
            let mut check = Check::default();
            assert!(content.chunks(step).all(|piece| check.takes(piece)), "cut by {step}");
            assert_eq!(check.position(), 1000);
        }
    }

    #[test]
    fn a_changed_lost_or_repeated_byte_is_noticed() {
        let good = content(100);
        for at in 8..99 {
            let (mut changed, mut lost, mut repeated) = (good.clone(), good.clone(), good.clone());
            changed[at] ^= 1;
            lost.remove(at);
            repeated.insert(at, good[at - 1]);
            for bad in [changed, lost, repeated] {
                assert!(!Check::default().takes(&bad), "at {at}");
            }
        }
    }
}
