//! Responses: status line, header fields and body, as the bytes that go on the wire.
//!
//! WSMAN answers go out chunked, in several chunks; everything else has a Content-Length (wsman 1). Long content is made while
//! it is sent. Called by `web::execute`; the engine drains [`Body`].

use bytes::Bytes;

use super::content::{self, ContentRequest};
use super::digest::AfterUnauthorized;
use super::http::{Head, Method};
use super::page;
use crate::device::Device;

use std::time::Instant;

/// A response as the engine sends it.
#[derive(Debug)]
pub struct Response {
    /// The bytes to send, status line to last chunk.
    pub body: Body,
    /// Whether the server closes the connection after the last byte.
    pub close: bool,
}

/// Bytes to send, taken piece by piece.
#[derive(Debug)]
pub struct Body {
    ready: Bytes,
    content: Option<Content>,
}

/// The part of a long content that is not made yet.
#[derive(Debug)]
struct Content {
    offset: u64,
    length: u64,
    chunked: bool,
}

impl Body {
    pub(super) fn fixed(bytes: Bytes) -> Self {
        Self { ready: bytes, content: None }
    }

    /// The next bytes, at least one and at most `max`; `None` after the last one, or if `max` is 0.
    pub fn next(&mut self, max: usize) -> Option<Bytes> {
        if self.ready.is_empty() {
            self.ready = self.content.as_mut().and_then(Content::next)?;
        }
        let piece = self.ready.split_to(max.min(self.ready.len()));
        (!piece.is_empty()).then_some(piece)
    }

    /// Whether every byte was taken.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.ready.is_empty() && self.content.as_ref().is_none_or(Content::is_finished)
    }
}

impl Content {
    fn next(&mut self) -> Option<Bytes> {
        if self.is_finished() {
            return None;
        }
        let block = content::block(self.offset, self.length - self.offset);
        self.offset += block.len() as u64;
        if !self.chunked {
            return Some(block);
        }
        let mut framed = Vec::with_capacity(block.len() + 32);
        push_chunk(&mut framed, &block);
        if self.is_finished() {
            framed.extend_from_slice(b"0\r\n\r\n");
        }
        Some(framed.into())
    }

    fn is_finished(&self) -> bool {
        self.offset >= self.length
    }
}

/// Status codes that the server uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    BadRequest,
    Unauthorized,
    NotFound,
    MethodNotAllowed,
    ContentTooLarge,
    HeaderFieldsTooLarge,
    NotImplemented,
    VersionNotSupported,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Self::Ok => "HTTP/1.1 200 OK\r\n",
            Self::BadRequest => "HTTP/1.1 400 Bad Request\r\n",
            Self::Unauthorized => "HTTP/1.1 401 Unauthorized\r\n",
            Self::NotFound => "HTTP/1.1 404 Not Found\r\n",
            Self::MethodNotAllowed => "HTTP/1.1 405 Method Not Allowed\r\n",
            Self::ContentTooLarge => "HTTP/1.1 413 Content Too Large\r\n",
            Self::HeaderFieldsTooLarge => "HTTP/1.1 431 Request Header Fields Too Large\r\n",
            Self::NotImplemented => "HTTP/1.1 501 Not Implemented\r\n",
            Self::VersionNotSupported => "HTTP/1.1 505 HTTP Version Not Supported\r\n",
        }
    }
}

/// An answer before it knows its connection.
#[derive(Debug)]
pub(super) struct Reply {
    status: Status,
    content_type: &'static str,
    /// A further header field, complete with its line end.
    field: Option<String>,
    payload: ReplyPayload,
    close: bool,
}

#[derive(Debug)]
enum ReplyPayload {
    /// Sent with Content-Length.
    Sized(Vec<u8>),
    /// Sent in chunks if the client knows them.
    Streamed(Vec<u8>),
    Content(ContentRequest),
    /// Nothing: the connection closes.
    Lost,
}

impl Reply {
    /// One line of text.
    pub(super) fn plain(status: Status, line: &str) -> Self {
        Self::sized(status, "text/plain; charset=utf-8", format!("{line}\n").into_bytes())
    }

    /// A document with Content-Length.
    pub(super) fn sized(status: Status, content_type: &'static str, document: Vec<u8>) -> Self {
        Self { status, content_type, field: None, payload: ReplyPayload::Sized(document), close: false }
    }

    /// A SOAP envelope.
    pub(super) fn soap(status: Status, envelope: Vec<u8>) -> Self {
        let payload = ReplyPayload::Streamed(envelope);
        Self {
            status,
            content_type: "application/soap+xml; charset=UTF-8",
            field: None,
            payload,
            close: false,
        }
    }

    /// Content of the test resource.
    pub(super) fn content(request: ContentRequest) -> Self {
        let payload = ReplyPayload::Content(request);
        Self {
            status: Status::Ok,
            content_type: "application/octet-stream",
            field: None,
            payload,
            close: false,
        }
    }

    /// No answer at all: the server closes the connection, as when it restarts.
    pub(super) fn lost() -> Self {
        Self { payload: ReplyPayload::Lost, close: true, ..Self::plain(Status::Ok, "") }
    }

    /// 405, naming the methods of the path.
    pub(super) fn method_not_allowed(allowed: &str) -> Self {
        let line = format!("this path takes {allowed}");
        Self { field: Some(format!("Allow: {allowed}\r\n")), ..Self::plain(Status::MethodNotAllowed, &line) }
    }

    /// 401 with a new challenge.
    pub(super) fn unauthorized(device: &mut Device, stale: bool, now: Instant) -> Self {
        let close = device.web.logins.policy().after_unauthorized == AfterUnauthorized::Close;
        let challenge = device.challenge(stale, now);
        let document = page::LOGON_FAILED.into();
        Self { field: Some(challenge), close, ..Self::sized(Status::Unauthorized, "text/html", document) }
    }

    /// The response to the request with this head; without a head (it could not be parsed) the connection ends.
    pub(super) fn finish(self, device: &Device, head: Option<&Head>) -> Response {
        if matches!(self.payload, ReplyPayload::Lost) {
            return Response { body: Body::fixed(Bytes::new()), close: true };
        }
        let close = self.close || head.is_none_or(|head| !head.keep_alive);
        let knows_chunks = head.is_some_and(|head| head.version_1_1);
        let mut out = Vec::with_capacity(512 + self.payload.buffered());
        out.extend_from_slice(self.status.line().as_bytes());
        if let Some(field) = &self.field {
            out.extend_from_slice(field.as_bytes());
        }
        let fixed =
            ["Content-Type: ", self.content_type, "\r\nServer: Intel(R) Active Management Technology "];
        fixed.iter().for_each(|part| out.extend_from_slice(part.as_bytes()));
        for part in [&device.versions.amt, ".", &device.versions.build, "\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        if close {
            out.extend_from_slice(b"Connection: close\r\n");
        }
        let head_only = head.is_some_and(|head| head.method == Method::Head);
        let content = self.payload.write(&mut out, knows_chunks, head_only);
        Response { body: Body { ready: out.into(), content }, close }
    }
}

impl ReplyPayload {
    /// How many bytes it adds to the head at once, about.
    fn buffered(&self) -> usize {
        match self {
            Self::Sized(document) | Self::Streamed(document) => document.len() + 128,
            Self::Content(_) | Self::Lost => 0,
        }
    }

    /// Writes the framing fields, the empty line and what of the body is there already; returns what is made later.
    fn write(self, out: &mut Vec<u8>, knows_chunks: bool, head_only: bool) -> Option<Content> {
        match self {
            Self::Streamed(document) if knows_chunks => {
                out.extend_from_slice(TRANSFER_CHUNKED);
                push_chunks(out, &document);
                None
            }
            Self::Sized(document) | Self::Streamed(document) => {
                push_content_length(out, document.len() as u64);
                if !head_only {
                    out.extend_from_slice(&document);
                }
                None
            }
            Self::Content(ContentRequest { length, chunked }) => {
                let chunked = chunked && knows_chunks;
                if !chunked {
                    push_content_length(out, length);
                } else {
                    out.extend_from_slice(TRANSFER_CHUNKED);
                    if length == 0 {
                        out.extend_from_slice(b"0\r\n\r\n");
                    }
                }
                Some(Content { offset: 0, length, chunked })
            }
            Self::Lost => None,
        }
    }
}

const TRANSFER_CHUNKED: &[u8] = b"Transfer-Encoding: chunked\r\n\r\n";

/// Size of a chunk of an envelope. Real firmware sends chunks as it serialises, also for short answers; the size is a guess.
const CHUNK: usize = 512;

fn push_content_length(out: &mut Vec<u8>, length: u64) {
    out.extend_from_slice(format!("Content-Length: {length}\r\n\r\n").as_bytes());
}

fn push_chunks(out: &mut Vec<u8>, document: &[u8]) {
    document.chunks(CHUNK).for_each(|chunk| push_chunk(out, chunk));
    out.extend_from_slice(b"0\r\n\r\n");
}

fn push_chunk(out: &mut Vec<u8>, chunk: &[u8]) {
    out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
    out.extend_from_slice(chunk);
    out.extend_from_slice(b"\r\n");
}
