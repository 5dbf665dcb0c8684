//! The framing of HTTP/1.1 answers, without any IO: bytes in, pieces of the body out, and where the answer ends. Used by the
//! blocking client and by the load generator of the benchmark.

use super::HttpError;

/// Headers of one answer; more are an error.
const MAX_HEADERS: usize = 64;
/// Bytes of one head or chunk line; more are an error.
const MAX_HEAD: usize = 64 << 10;

/// Decodes one answer.
#[derive(Debug)]
pub struct Decoder {
    state: State,
    /// Bytes of an unfinished head or chunk line.
    pending: Vec<u8>,
    head: Option<Head>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Head,
    /// So many bytes of the body are left.
    Length(u64),
    ChunkSize,
    /// So many bytes of this chunk are left.
    Chunk(u64),
    /// The line end after a chunk.
    ChunkEnd,
    Trailer,
    UntilClose,
    Complete,
}

/// The status line and headers of an answer.
#[derive(Debug, Clone)]
pub struct Head {
    bytes: Vec<u8>,
    status: u16,
}

impl Head {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.headers(name).into_iter().next()
    }

    /// Every header of this name, whatever its case.
    #[must_use]
    pub fn headers(&self, name: &str) -> Vec<String> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        // It was parsed before; there is nothing new to fail.
        let _ = parsed.parse(&self.bytes);
        let named = parsed.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| String::from_utf8_lossy(header.value).into_owned()).collect()
    }

    /// Whether the server is going to close the connection after this answer.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// The head as it came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl Default for Decoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Decoder {
    /// A decoder that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self { state: State::Head, pending: Vec::new(), head: None }
    }

    /// Takes bytes, hands the pieces of the body to `take`, and returns how many belong to this answer: all of them as long as
    /// it is not complete.
    ///
    /// # Errors
    /// The bytes are not an HTTP answer, or `take` says so.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(&[u8]) -> Result<(), HttpError>,
    ) -> Result<usize, HttpError> {
        let mut rest = bytes;
        while self.state != State::Complete && !rest.is_empty() {
            rest = match self.state {
                State::Head => self.head(rest)?,
                State::Length(left) => self.body(rest, left, take)?,
                State::Chunk(left) => self.body(rest, left, take)?,
                State::ChunkSize | State::ChunkEnd | State::Trailer => self.line(rest)?,
                State::UntilClose => {
                    take(rest)?;
                    &[]
                }
                State::Complete => rest,
            };
        }
        Ok(bytes.len() - rest.len())
    }

    /// The stream has ended. Fine where the end of the body is the end of the connection.
    ///
    /// # Errors
    /// The answer is not complete, or there is none.
    pub fn end_of_stream(&mut self) -> Result<(), HttpError> {
        match self.state {
            State::Complete | State::UntilClose => {
                self.state = State::Complete;
                Ok(())
            }
            State::Head if self.pending.is_empty() => Err(HttpError::Closed),
            _ => Err(HttpError::Truncated),
        }
    }

    /// Whether the whole answer has been seen.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    /// The head, once it has been seen.
    #[must_use]
    pub fn into_head(self) -> Option<Head> {
        self.head
    }

    fn head<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], HttpError> {
        let before = self.pending.len();
        self.pending.extend_from_slice(bytes);
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Response::new(&mut headers);
        let status = parsed.parse(&self.pending).map_err(|error| malformed(&error, &self.pending))?;
        let httparse::Status::Complete(length) = status else {
            return if self.pending.len() > MAX_HEAD { Err(too_long()) } else { Ok(&[]) };
        };
        let code = parsed.code.unwrap_or(0);
        let state = framing(code, parsed.headers)?;
        self.pending.truncate(length);
        let head = Head { bytes: std::mem::take(&mut self.pending), status: code };
        if code >= 200 {
            self.head = Some(head);
            self.state = state;
        }
        Ok(&bytes[length - before..])
    }

    fn body<'a>(
        &mut self,
        bytes: &'a [u8],
        left: u64,
        take: &mut impl FnMut(&[u8]) -> Result<(), HttpError>,
    ) -> Result<&'a [u8], HttpError> {
        let (piece, rest) = bytes.split_at(bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX)));
        take(piece)?;
        let left = left - piece.len() as u64;
        self.state = match (self.state, left) {
            (State::Length(_), 0) => State::Complete,
            (State::Length(_), left) => State::Length(left),
            (_, 0) => State::ChunkEnd,
            (_, left) => State::Chunk(left),
        };
        Ok(rest)
    }

    /// Takes up to the end of a line, and acts when it has the whole line.
    fn line<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], HttpError> {
        let Some(end) = bytes.iter().position(|&byte| byte == b'\n') else {
            self.pending.extend_from_slice(bytes);
            return if self.pending.len() > MAX_HEAD { Err(too_long()) } else { Ok(&[]) };
        };
        let (line, rest) = bytes.split_at(end + 1);
        self.pending.extend_from_slice(line);
        let line = std::mem::take(&mut self.pending);
        self.state = match self.state {
            State::ChunkSize => chunk_size(&line)?,
            State::ChunkEnd if line == b"\r\n" => State::ChunkSize,
            State::Trailer if line == b"\r\n" => State::Complete,
            State::Trailer => State::Trailer,
            _ => return Err(HttpError::Malformed("a chunk is longer than it says".to_owned())),
        };
        Ok(rest)
    }
}

/// How the body ends, from the head.
fn framing(code: u16, headers: &[httparse::Header<'_>]) -> Result<State, HttpError> {
    let find = |name: &str| headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
    if code < 200 {
        return Ok(State::Head);
    }
    if code == 204 || code == 304 {
        return Ok(State::Complete);
    }
    if find("transfer-encoding").is_some_and(|header| header.value.eq_ignore_ascii_case(b"chunked")) {
        return Ok(State::ChunkSize);
    }
    let Some(length) = find("content-length") else { return Ok(State::UntilClose) };
    let length = std::str::from_utf8(length.value).ok().and_then(|text| text.trim().parse().ok());
    match length {
        Some(0) => Ok(State::Complete),
        Some(length) => Ok(State::Length(length)),
        None => Err(HttpError::Malformed("Content-Length is not a number".to_owned())),
    }
}

fn chunk_size(line: &[u8]) -> Result<State, HttpError> {
    match httparse::parse_chunk_size(line) {
        Ok(httparse::Status::Complete((_, 0))) => Ok(State::Trailer),
        Ok(httparse::Status::Complete((_, size))) => Ok(State::Chunk(size)),
        _ => Err(HttpError::Malformed(format!("chunk size {:?}", String::from_utf8_lossy(line)))),
    }
}

fn malformed(error: &httparse::Error, bytes: &[u8]) -> HttpError {
    let start = &bytes[..bytes.len().min(60)];
    HttpError::Malformed(format!("{error}, it begins {:?}", String::from_utf8_lossy(start)))
}

fn too_long() -> HttpError {
    HttpError::Malformed(format!("a head or line is longer than {MAX_HEAD} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Status and body of `bytes`, fed `step` bytes at a time, and how many bytes were left over.
    fn decode(bytes: &[u8], step: usize) -> (u16, Vec<u8>, usize) {
        let (mut decoder, mut body, mut used) = (Decoder::new(), Vec::new(), 0);
        for piece in bytes.chunks(step) {
            used += decoder
                .feed(piece, &mut |part| {
                    body.extend_from_slice(part);
                    Ok(())
                })
                .unwrap();
        }
        decoder.end_of_stream().unwrap();
        (decoder.into_head().unwrap().status(), body, bytes.len() - used)
    }

    #[test]
    fn any_cut_of_the_bytes_gives_the_same_answer() {
        let cases: [(&str, &str, usize); 5] = [
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloEXTRA", "hello", 5),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\nHTTP",
                "hello",
                4,
            ),
            (
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b\r\n\r\n",
                "hello",
                0,
            ),
            ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "hello", 0),
            ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello", "hello", 0),
        ];
        for (bytes, body, left) in cases {
            for step in 1..=bytes.len() {
                let expected = (200, body.as_bytes().to_vec(), left);
                assert_eq!(decode(bytes.as_bytes(), step), expected, "{bytes:?} by {step}");
            }
        }
    }

    #[test]
    fn a_chunk_that_is_longer_than_it_says_is_noticed() {
        let bytes = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhello\r\n";
        assert!(matches!(Decoder::new().feed(bytes, &mut |_| Ok(())), Err(HttpError::Malformed(_))));
    }

    #[test]
    fn garbage_is_not_an_answer() {
        assert!(matches!(
            Decoder::new().feed(b"\x16\x03\x01", &mut |_| Ok(())),
            Err(HttpError::Malformed(_))
        ));
    }
}
