//! Finds the end of a message's body by counting; the bytes are not kept. A caller that needs the content of a chunked
//! body gets the data without the chunk framing.

/// A body that is not complete.
#[derive(Debug)]
pub(super) enum Body {
    /// So many bytes are left.
    Length(u64),
    /// Chunks (RFC 9112 section 7.1).
    Chunked(Chunked),
    /// It ends with the connection.
    UntilClose,
}

/// The bytes are not what the head announced.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::front) struct Malformed;

impl Body {
    /// Counts bytes of the body. Returns how many belong to it, and whether it is complete.
    pub(super) fn feed(&mut self, bytes: &[u8]) -> Result<(usize, bool), Malformed> {
        match self {
            Self::Length(left) => {
                let taken = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= taken as u64;
                Ok((taken, *left == 0))
            }
            Self::Chunked(chunked) => chunked.feed(bytes, |_| {}),
            Self::UntilClose => Ok((bytes.len(), false)),
        }
    }
}

/// Longest line of a chunk's head or of a trailer, in bytes.
const MAX_LINE: u32 = 8 * 1024;

/// Position within a chunked body.
#[derive(Debug)]
pub(in crate::front) struct Chunked {
    place: Place,
    /// Bytes of the line under way.
    line: u32,
}

#[derive(Debug, Clone, Copy)]
enum Place {
    /// In the digits of a size.
    Size(u64),
    /// Behind them, up to the end of the line.
    Extension(u64),
    /// In a chunk.
    Data(u64),
    /// In the line end behind a chunk.
    DataEnd,
    /// In a trailer line, which so far is empty or not.
    Trailer { empty: bool },
}

impl Chunked {
    pub(in crate::front) fn new() -> Self {
        Self { place: Place::Size(0), line: 0 }
    }

    /// Counts bytes of the body, as [`Body::feed`] does, and passes their data to `data`.
    pub(in crate::front) fn feed(
        &mut self,
        bytes: &[u8],
        mut data: impl FnMut(&[u8]),
    ) -> Result<(usize, bool), Malformed> {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if let Place::Data(left) = self.place {
                let available = (bytes.len() - at) as u64;
                let taken = left.min(available);
                let end = at + taken as usize;
                data(bytes.get(at..end).unwrap_or_default());
                at = end;
                self.place = if taken == left { Place::DataEnd } else { Place::Data(left - taken) };
                continue;
            }
            at += 1;
            if self.step(*byte)? {
                return Ok((at, true));
            }
        }
        Ok((at, false))
    }

    /// One byte outside of chunks. Returns whether it was the last of the body.
    fn step(&mut self, byte: u8) -> Result<bool, Malformed> {
        self.line += 1;
        if self.line > MAX_LINE {
            return Err(Malformed);
        }
        self.place = match (self.place, byte) {
            (Place::Size(size) | Place::Extension(size), b'\n') if self.line > 1 => {
                self.line = 0;
                if size == 0 { Place::Trailer { empty: true } } else { Place::Data(size) }
            }
            (Place::Size(size), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).ok_or(Malformed)?;
                Place::Size(size.checked_mul(16).ok_or(Malformed)? | u64::from(digit))
            }
            (Place::Size(size), b';' | b' ' | b'\t' | b'\r') if self.line > 1 => Place::Extension(size),
            (Place::Extension(size), _) => Place::Extension(size),
            (Place::DataEnd, b'\r') if self.line == 1 => Place::DataEnd,
            (Place::DataEnd, b'\n') => {
                self.line = 0;
                Place::Size(0)
            }
            (Place::Trailer { empty: true }, b'\n') => return Ok(true),
            (Place::Trailer { .. }, b'\n') => {
                self.line = 0;
                Place::Trailer { empty: true }
            }
            (Place::Trailer { empty }, b'\r') => Place::Trailer { empty },
            (Place::Trailer { .. }, _) => Place::Trailer { empty: false },
            _ => return Err(Malformed),
        };
        Ok(false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds in two pieces at every place; the end must be found at the same byte.
    fn ends_at(bytes: &[u8]) -> Option<usize> {
        let whole = end(&[bytes]);
        for cut in 0..bytes.len() {
            let (left, right) = bytes.split_at(cut);
            assert_eq!(end(&[left, right]), whole, "cut at {cut}");
        }
        whole
    }

    fn end(pieces: &[&[u8]]) -> Option<usize> {
        let mut body = Body::Chunked(Chunked::new());
        let mut before = 0;
        for piece in pieces {
            let (taken, complete) = body.feed(piece).ok()?;
            before += taken;
            if complete {
                return Some(before);
            }
        }
        None
    }

    #[test]
    fn the_end_of_chunks_is_found_wherever_they_are_cut() {
        assert_eq!(ends_at(b"5\r\nhello\r\n0\r\n\r\nGET"), Some(15));
        assert_eq!(ends_at(b"a;x=y\r\n0123456789\r\n00\r\nT: v\r\n\r\nrest"), Some(31));
        assert_eq!(ends_at(b"0\r\n\r\n"), Some(5));
        assert_eq!(ends_at(b"3\nabc\n0\n\nrest"), Some(9));
    }

    #[test]
    fn the_data_of_chunks_is_whole_wherever_they_are_cut() {
        let bytes = b"a;x=y\r\n0123456789\r\n3\r\nabc\r\n0\r\nT: v\r\n\r\nrest";
        for cut in 0..bytes.len() {
            let (left, right) = bytes.split_at(cut);
            let (mut chunked, mut data) = (Chunked::new(), Vec::new());
            let (_, complete) = chunked.feed(left, |piece| data.extend_from_slice(piece)).unwrap();
            if !complete {
                chunked.feed(right, |piece| data.extend_from_slice(piece)).unwrap();
            }
            assert_eq!(data, b"0123456789abc", "cut at {cut}");
        }
    }

    #[test]
    fn an_unfinished_body_has_no_end() {
        assert_eq!(ends_at(b"5\r\nhello\r\n0\r\n"), None);
        assert_eq!(ends_at(b"ffffffffffffffff\r\nx"), None);
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        for bytes in [&b"\r\nhello"[..], b"xyz\r\n", b"5\r\nhelloXX", b"10000000000000000\r\n"] {
            let mut body = Body::Chunked(Chunked::new());
            assert_eq!(body.feed(bytes), Err(Malformed), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn a_chunk_head_without_end_is_refused() {
        let mut body = Body::Chunked(Chunked::new());
        assert_eq!(body.feed(&[b' '; 1]), Err(Malformed));
        let mut body = Body::Chunked(Chunked::new());
        assert!(body.feed(b"1;").is_ok());
        assert_eq!(body.feed(&vec![b'x'; MAX_LINE as usize]), Err(Malformed));
    }
}
