//! A small blocking HTTP/1.1 client for tests and measurements, with nothing between the caller and the wire: bytes go out exactly
//! as given and when given, so that requests can be split, repeated, cut short or malformed; answers are read to the end that
//! their framing says, or to the end of the connection.
//!
//! It speaks over any stream: TCP, a Unix socket, or the benchmark's direct channel into the firmware. Waits are bounded by the
//! stream's own timeouts, which [`Connection::open`] sets.

mod decoder;
mod digest;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

pub use decoder::{Decoder, Head};
pub use digest::{Credentials, Login};

/// Largest body that [`Connection::receive`] collects. Larger ones go through [`Connection::receive_into`].
const MAX_COLLECTED: usize = 64 << 20;
/// Bytes taken from the stream at a time.
const READ_SIZE: usize = 16 << 10;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The stream failed, or a wait on it took longer than its timeout.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The stream ended before the first byte of an answer.
    #[error("the connection ended without an answer")]
    Closed,
    /// The stream ended in the middle of an answer.
    #[error("the connection ended in the middle of an answer")]
    Truncated,
    /// The answer is not HTTP/1.1.
    #[error("the answer is not HTTP: {0}")]
    Malformed(String),
    /// The body is larger than what is collected in memory.
    #[error("the body is larger than {MAX_COLLECTED} bytes")]
    TooLarge,
    /// The server's challenge cannot be answered.
    #[error("the challenge of the server cannot be answered: {0}")]
    Challenge(String),
}

impl HttpError {
    /// Whether it is a timeout of the stream.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Io(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut))
    }
}

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Response {
    head: Head,
    body: Vec<u8>,
}

impl Response {
    /// The status code.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.head.status()
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<String> {
        self.head.header(name)
    }

    /// The head.
    #[must_use]
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// The body without its framing.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The body as text; what is not UTF-8 is replaced.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// Whether the server is going to close the connection after this answer.
    #[must_use]
    pub fn closes(&self) -> bool {
        self.head.closes()
    }
}

/// One connection to an HTTP server.
#[derive(Debug)]
pub struct Connection<S = TcpStream> {
    stream: S,
    /// Bytes read beyond the end of the last answer.
    ahead: Vec<u8>,
    buffer: Vec<u8>,
}

impl Connection<TcpStream> {
    /// Connects. Each single wait on the connection is bounded by `limit`, this one included.
    ///
    /// # Errors
    /// The connection is refused, or takes longer than `limit`.
    pub fn open(address: SocketAddr, limit: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, limit)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(limit))?;
        stream.set_write_timeout(Some(limit))?;
        Ok(Self::over(stream))
    }

    /// Ends the sending side (`FIN`); answers can still be read.
    ///
    /// # Errors
    /// The connection is gone.
    pub fn finish_sending(&self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }
}

impl<S: Read + Write> Connection<S> {
    /// A connection over a stream that is open already.
    pub fn over(stream: S) -> Self {
        Self { stream, ahead: Vec::new(), buffer: vec![0; READ_SIZE] }
    }

    /// The stream below, for what is not offered here. Bytes read from it directly are missing from the next answer.
    pub fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Sends bytes as they are, in one write if the stream takes them.
    ///
    /// # Errors
    /// The stream fails.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Reads one answer. Interim answers (100) are skipped.
    ///
    /// # Errors
    /// No complete answer comes; the variants tell why.
    pub fn receive(&mut self) -> Result<Response, HttpError> {
        let mut body = Vec::new();
        let head = self.receive_into(|piece| {
            let room = MAX_COLLECTED - body.len();
            body.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.len() > room { Err(HttpError::TooLarge) } else { Ok(()) }
        })?;
        Ok(Response { head, body })
    }

    /// Reads one answer and hands over its body piece by piece, as it arrives. An error of `take` ends the reading.
    ///
    /// # Errors
    /// As [`Self::receive`], or what `take` says.
    pub fn receive_into(
        &mut self,
        mut take: impl FnMut(&[u8]) -> Result<(), HttpError>,
    ) -> Result<Head, HttpError> {
        let mut decoder = Decoder::new();
        let ahead = std::mem::take(&mut self.ahead);
        let used = decoder.feed(&ahead, &mut take)?;
        self.ahead.extend_from_slice(&ahead[used..]);
        while !decoder.is_complete() {
            let read = self.read()?;
            if read == 0 {
                decoder.end_of_stream()?;
                break;
            }
            let bytes = &self.buffer[..read];
            let used = decoder.feed(bytes, &mut take)?;
            self.ahead.extend_from_slice(&bytes[used..]);
        }
        decoder.into_head().ok_or(HttpError::Closed)
    }

    /// Sends a request and reads its answer.
    ///
    /// # Errors
    /// As [`Self::receive`].
    pub fn exchange(&mut self, request: &[u8]) -> Result<Response, HttpError> {
        self.send(request)?;
        self.receive()
    }

    /// Reads whatever comes until the connection ends.
    ///
    /// # Errors
    /// The stream fails: a reset, or a timeout because nobody closes.
    pub fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = std::mem::take(&mut self.ahead);
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read(&mut self) -> io::Result<usize> {
        loop {
            match self.stream.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => return result,
            }
        }
    }
}

/// The bytes of a request. `headers` are further header lines, each `Name: value`. A body brings its `Content-Length`.
#[must_use]
pub fn request(method: &str, path: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost:16992\r\n");
    for header in headers {
        text.push_str(header);
        text.push_str("\r\n");
    }
    if !body.is_empty() || method == "POST" {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PATIENCE;

    /// A server that accepts one connection and runs `serve` on it.
    fn server(serve: impl FnOnce(TcpStream) + Send + 'static) -> Connection {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || serve(listener.accept().unwrap().0));
        Connection::open(address, PATIENCE).unwrap()
    }

    #[test]
    fn two_answers_in_one_segment_are_told_apart() {
        let mut connection = server(|mut stream| {
            let answers = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 204 No\r\n\r\n";
            stream.write_all(answers.as_bytes()).unwrap();
        });
        assert_eq!(connection.receive().unwrap().body(), b"a");
        assert_eq!(connection.receive().unwrap().status(), 204);
        assert!(matches!(connection.receive(), Err(HttpError::Closed)));
    }

    #[test]
    fn an_answer_cut_short_is_an_error() {
        let mut connection = server(|mut stream| {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc").unwrap();
        });
        assert!(matches!(connection.receive(), Err(HttpError::Truncated)));
    }

    #[test]
    fn a_silent_server_is_a_timeout_and_not_a_hang() {
        let (listener, limit) =
            (std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap(), Duration::from_millis(20));
        let mut connection = Connection::open(listener.local_addr().unwrap(), limit).unwrap();
        assert!(connection.receive().unwrap_err().is_timeout());
    }

    #[test]
    fn requests_carry_what_was_asked_for_and_nothing_else() {
        let request = request("POST", "/wsman", &["X: y"], b"ab");
        let expected = "POST /wsman HTTP/1.1\r\nHost: localhost:16992\r\nX: y\r\nContent-Length: 2\r\n\r\nab";
        assert_eq!(String::from_utf8(request).unwrap(), expected);
    }
}
