//! As much of HTTP/2 as it takes to misuse it: frames by hand over the control socket, without a client's good manners.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use amtd_harness::PATIENCE;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const FRAME_HEAD: usize = 9;

pub(super) const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
pub(super) const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const CANCEL: u32 = 8;

/// A frame of the server.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) ends_stream: bool,
    pub(super) stream: u32,
}

/// A connection that has said hello.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    next: u32,
}

impl Connection {
    /// Connects; every wait is bounded.
    pub(super) fn open(socket: &Path) -> io::Result<Self> {
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(PREFACE)?;
        let mut connection = Self { stream, next: 1 };
        connection.frame(SETTINGS, 0, 0, &[])?;
        Ok(connection)
    }

    /// Begins a call of `method` and returns its stream; the message may follow.
    pub(super) fn begin(&mut self, method: &str) -> io::Result<u32> {
        let stream = self.next;
        self.next += 2;
        let fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", method),
            (":authority", "amtd"),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
        ];
        let block: Vec<u8> = fields.into_iter().flat_map(|(name, value)| field(name, value)).collect();
        self.frame(HEADERS, END_HEADERS, stream, &block)?;
        Ok(stream)
    }

    /// A whole call with an empty message.
    pub(super) fn call(&mut self, method: &str) -> io::Result<u32> {
        let stream = self.begin(method)?;
        self.frame(DATA, END_STREAM, stream, &[0; 5])?;
        Ok(stream)
    }

    /// Bytes of a message.
    pub(super) fn data(&mut self, stream: u32, bytes: &[u8]) -> io::Result<()> {
        self.frame(DATA, 0, stream, bytes)
    }

    /// Takes a call back.
    pub(super) fn cancel(&mut self, stream: u32) -> io::Result<()> {
        self.frame(RST_STREAM, 0, stream, &CANCEL.to_be_bytes())
    }

    /// The next frame.
    pub(super) fn read(&mut self) -> io::Result<Frame> {
        let mut head = [0; FRAME_HEAD];
        self.stream.read_exact(&mut head)?;
        let [a, b, c, kind, flags, stream @ ..] = head;
        let length = u32::from_be_bytes([0, a, b, c]);
        io::copy(&mut (&mut self.stream).take(length.into()), &mut io::sink())?;
        let ends_stream = (kind == HEADERS || kind == DATA) && flags & END_STREAM != 0;
        Ok(Frame { kind, ends_stream, stream: u32::from_be_bytes(stream) })
    }

    /// Reads until a call has its answer, or the connection ends.
    pub(super) fn answered(&mut self, stream: u32) -> io::Result<()> {
        loop {
            let frame = self.read()?;
            let reset = frame.kind == RST_STREAM || frame.kind == GOAWAY;
            if frame.stream == stream && (frame.ends_stream || reset) {
                return Ok(());
            }
        }
    }

    fn frame(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> io::Result<()> {
        let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut frame = vec![length[1], length[2], length[3], kind, flags];
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(payload);
        self.stream.write_all(&frame)
    }
}

/// A header field as it is: neither indexed nor compressed.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        // Up to 126 a length is one byte.
        bytes.push(u8::try_from(text.len()).ok().filter(|length| *length < 127).unwrap_or_default());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}
