//! Watches HTTP/1.1 pass: finds where requests and responses begin and end, and changes no byte.
//!
//! Nothing here decides what is forwarded. A stream that cannot be parsed is opaque from then on. It still works, but it
//! cannot share its channel.

mod body;
mod request;
mod response;

pub(super) use self::{
    body::Chunked,
    request::{Head, RequestSide, Step},
    response::ResponseSide,
};

/// Longest head of a request or a response that is parsed, in bytes.
pub(super) const MAX_HEAD: usize = 16 * 1024;
/// Most header fields of a head that is parsed.
const MAX_HEADERS: usize = 64;

/// What must be known of a request to parse its response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked {
    /// The answer has no body whatever its head says (HEAD).
    pub(super) bodiless: bool,
    /// The client will not use the connection again.
    pub(super) close: bool,
}

/// The header fields that decide how long a message is, when its body is sent, and whether the connection stays open.
#[derive(Debug, Default)]
struct Framing {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    expects: bool,
}

/// The fields contradict each other or cannot be read.
#[derive(Debug, PartialEq, Eq)]
struct Unclear;

impl Framing {
    fn read(headers: &[httparse::Header<'_>]) -> Result<Self, Unclear> {
        let mut framing = Self::default();
        for header in headers {
            if header.name.eq_ignore_ascii_case("content-length") {
                let length = decimal(header.value).ok_or(Unclear)?;
                if framing.length.is_some_and(|other| other != length) {
                    return Err(Unclear);
                }
                framing.length = Some(length);
            } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
                // It marks the end of the body only if it is the last coding.
                framing.chunked =
                    tokens(header.value).last().is_some_and(|t| t.eq_ignore_ascii_case(b"chunked"));
                if !framing.chunked {
                    return Err(Unclear);
                }
            } else if header.name.eq_ignore_ascii_case("connection") {
                framing.close |= tokens(header.value).any(|token| token.eq_ignore_ascii_case(b"close"));
                framing.keep_alive |=
                    tokens(header.value).any(|token| token.eq_ignore_ascii_case(b"keep-alive"));
            } else if header.name.eq_ignore_ascii_case("expect") {
                framing.expects |=
                    tokens(header.value).any(|token| token.eq_ignore_ascii_case(b"100-continue"));
            }
        }
        if framing.chunked && framing.length.is_some() { Err(Unclear) } else { Ok(framing) }
    }

    /// Whether the sender of this message ends the connection with it. `minor` is of HTTP/1.x.
    fn ends_connection(&self, minor: u8) -> bool {
        self.close || (minor == 0 && !self.keep_alive)
    }
}

fn tokens(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

fn decimal(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value.trim_ascii()).ok()?;
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}
