//! The device's only source of randomness: a seeded generator, so that two devices made from one seed are alike.
//!
//! Not fit for secrets, and not used for any: the simulator's passwords and nonces protect nothing. Called by
//! `device` for identity values and by `web` for nonces.

use serde::{Deserialize, Serialize};

/// SplitMix64: one addition and two multiplications for each 64-bit number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    /// A generator that yields the same numbers for the same `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next 64-bit number.
    pub(crate) fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// `N` bytes.
    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        for chunk in out.chunks_mut(8) {
            chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]);
        }
        out
    }

    /// `length` characters out of letters and digits, for passwords.
    pub(crate) fn text(&mut self, length: usize) -> String {
        const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@!";
        (0..length).map(|_| char::from(ALPHABET[(self.next_u64() >> 58) as usize])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_give_equal_devices_and_other_seeds_do_not() {
        let (mut one, mut same, mut other) = (Random::new(7), Random::new(7), Random::new(8));
        let first: [u8; 20] = one.bytes();
        assert_eq!(first, same.bytes::<20>());
        assert_ne!(first, other.bytes::<20>());
        assert_eq!(one.text(32).len(), 32);
    }
}
