//! The first record of a TLS stream (RFC 8446 5.1). With its last byte, firmware can begin its part of the handshake,
//! which takes it a second (wsman 2), as long as many requests. Nothing is known about the records that follow.

/// The first byte of a handshake record.
const HANDSHAKE: u8 = 22;
/// Length of a record's header: kind, version and length.
const HEADER: usize = 5;

/// Watches for the end of the first record.
#[derive(Debug, Default)]
pub(super) struct Hello {
    header: Vec<u8>,
    seen: usize,
    over: bool,
}

impl Hello {
    /// Takes the next bytes of the stream. Returns whether the first record ends in them.
    pub(super) fn ends_in(&mut self, bytes: &[u8]) -> bool {
        if self.over {
            return false;
        }
        self.seen = self.seen.saturating_add(bytes.len());
        self.header.extend(bytes.iter().take(HEADER.saturating_sub(self.header.len())));
        match *self.header {
            [HANDSHAKE, _, _, high, low] => {
                self.over = self.seen >= HEADER + usize::from(u16::from_be_bytes([high, low]));
                self.over
            }
            [] | [HANDSHAKE, ..] => false,
            _ => {
                self.over = true;
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hello_ends_once_however_it_is_cut() {
        let record = [HANDSHAKE, 3, 1, 0, 4, 1, 2, 3, 4];
        for cut in 1..record.len() {
            let mut hello = Hello::default();
            let (first, rest) = record.split_at(cut);
            assert!(!hello.ends_in(first), "cut at {cut}");
            assert!(hello.ends_in(rest), "cut at {cut}");
            assert!(!hello.ends_in(&record), "what follows is not known");
        }
        assert!(Hello::default().ends_in(&[&record[..], b"more"].concat()));
    }

    #[test]
    fn what_is_no_hello_never_ends() {
        let mut hello = Hello::default();
        assert!(!hello.ends_in(b"\x10\x00\x00\x00SOL "));
        assert!(!hello.ends_in(&[HANDSHAKE, 3, 1, 0, 0]));
    }
}
