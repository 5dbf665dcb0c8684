//! HTTP/1.1 requests out of a byte stream, however it is cut: heads by httparse, bodies by Content-Length or chunked.
//!
//! Bodies for the sink are counted as they pass and never kept; all others are collected up to [`MAX_BODY`]. Input is not
//! trusted: every part has a limit, and what cannot be parsed ends the stream with one [`Refusal`]. Requests that follow one
//! another without waiting ("pipelining") come out in order. Called by `web::WebConnection`.

use super::content::ContentRequest;
use super::page::Page;
use super::response::Status;

/// Largest request head in bytes (a guess; real clients send below 1 KiB).
pub const MAX_HEAD: usize = 8 * 1024;
/// Most header fields of a request.
const MAX_FIELDS: usize = 64;
/// Largest body that is collected, in bytes (the real limit is unknown; certificates make 6 to 8 KiB).
pub const MAX_BODY: usize = 64 * 1024;
/// Longest line with a chunk's size, extensions included.
const MAX_CHUNK_LINE: usize = 256;
/// Largest trailer section.
const MAX_TRAILER: usize = 4 * 1024;

/// What the parser found.
#[derive(Debug)]
pub(super) enum Incoming {
    /// TLS shakes hands: made by the channel, never by the parser.
    Handshake,
    /// The client sends the body only after `100 Continue`.
    Continue,
    /// A complete request.
    Message(Box<Message>),
    /// Not a request; nothing after it is read.
    Refused(Refusal),
}

/// A complete request.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) head: Head,
    pub(super) payload: Payload,
}

/// The request's body.
#[derive(Debug)]
pub(super) enum Payload {
    /// The body itself, without its framing.
    Collected(Vec<u8>),
    /// Its length and running CRC-32.
    Counted { bytes: u64, crc: crc32fast::Hasher },
}

/// What the server needs of a request's head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) method: Method,
    /// The target as sent: digest logins sign it.
    pub(super) target: String,
    pub(super) version_1_1: bool,
    pub(super) keep_alive: bool,
    pub(super) authorization: Option<String>,
    route: Route,
}

impl Head {
    pub(super) fn route(&self) -> Route {
        self.route
    }
}

/// Request methods; the last one stands for all that no path takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Head,
    Post,
    Other,
}

impl Method {
    /// The name, as digest logins sign it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Other => "",
        }
    }

    fn parse(name: &str) -> Self {
        [Self::Get, Self::Head, Self::Post]
            .into_iter()
            .find(|method| method.name() == name)
            .unwrap_or(Self::Other)
    }
}

/// What a target leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Wsman,
    Page(Page),
    Bulk(ContentRequest),
    Sink,
    Unknown,
}

impl Route {
    fn of(target: &str) -> Self {
        let path = target.find("://").map_or(target, |scheme| {
            let rest = &target[scheme + 3..];
            rest.find('/').map_or("/", |start| &rest[start..])
        });
        match path {
            "/wsman" => Self::Wsman,
            "/sim/sink" => Self::Sink,
            _ => match path.strip_prefix("/sim/bulk/") {
                Some(size) => ContentRequest::parse(size).map_or(Self::Unknown, Self::Bulk),
                None => {
                    Page::at(path.split('?').next().unwrap_or_default()).map_or(Self::Unknown, Self::Page)
                }
            },
        }
    }
}

/// Why a request was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    #[error("this is not an HTTP request")]
    NotHttp,
    #[error("only HTTP/1.0 and HTTP/1.1 are served")]
    Version,
    #[error("the head of the request is longer than {MAX_HEAD} bytes or has more than {MAX_FIELDS} fields")]
    HeadTooLarge,
    #[error("the body of the request is longer than {MAX_BODY} bytes")]
    BodyTooLarge,
    #[error("only the transfer coding \"chunked\" is served")]
    TransferCoding,
    #[error("the length of the body is unclear: send one valid Content-Length, or chunked alone")]
    Length,
    #[error("the chunks of the body are damaged")]
    Chunk,
}

impl Refusal {
    pub(super) fn status(self) -> Status {
        match self {
            Self::NotHttp | Self::Length | Self::Chunk => Status::BadRequest,
            Self::Version => Status::VersionNotSupported,
            Self::HeadTooLarge => Status::HeaderFieldsTooLarge,
            Self::BodyTooLarge => Status::ContentTooLarge,
            Self::TransferCoding => Status::NotImplemented,
        }
    }
}

/// The parser of one connection.
#[derive(Debug)]
pub(super) struct Parser {
    state: State,
}

#[derive(Debug)]
enum State {
    /// The part of a head that has arrived.
    Head(Vec<u8>),
    Body(Box<Reception>),
    /// Nothing more is read.
    Ended,
}

/// A request whose body is arriving.
#[derive(Debug)]
struct Reception {
    message: Message,
    framing: Framing,
}

impl Default for Parser {
    fn default() -> Self {
        Self { state: State::Head(Vec::new()) }
    }
}

impl Parser {
    /// Takes bytes and returns what is complete with them.
    pub(super) fn feed(&mut self, mut input: &[u8]) -> Vec<Incoming> {
        let mut out = Vec::new();
        while !input.is_empty() {
            if let Err(refusal) = self.step(&mut input, &mut out) {
                out.push(Incoming::Refused(refusal));
                self.state = State::Ended;
            }
        }
        out
    }

    /// Consumes at least one byte.
    fn step(&mut self, input: &mut &[u8], out: &mut Vec<Incoming>) -> Result<(), Refusal> {
        match &mut self.state {
            State::Ended => *input = &[],
            State::Head(partial) => {
                if let Some((head, framing, expects)) = read_head(partial, input)? {
                    let payload = Payload::new(&head, &framing);
                    if let Framing::Length(length) = framing {
                        payload.admit(length)?;
                    }
                    if expects && framing != Framing::Length(0) {
                        out.push(Incoming::Continue);
                    }
                    self.state =
                        State::Body(Box::new(Reception { message: Message { head, payload }, framing }));
                    self.finish_body(out);
                }
            }
            State::Body(reception) => {
                let Reception { message, framing } = &mut **reception;
                framing.read(input, &mut message.payload)?;
                self.finish_body(out);
            }
        }
        Ok(())
    }

    /// Hands the request out if its body is complete.
    fn finish_body(&mut self, out: &mut Vec<Incoming>) {
        let complete = |reception: &Reception| reception.framing == Framing::Length(0);
        if !matches!(&self.state, State::Body(reception) if complete(reception)) {
            return;
        }
        if let State::Body(reception) = std::mem::replace(&mut self.state, State::Head(Vec::new())) {
            if !reception.message.head.keep_alive {
                self.state = State::Ended;
            }
            out.push(Incoming::Message(Box::new(reception.message)));
        }
    }
}

impl Payload {
    fn new(head: &Head, framing: &Framing) -> Self {
        if head.route == Route::Sink && head.method == Method::Post {
            return Self::Counted { bytes: 0, crc: crc32fast::Hasher::new() };
        }
        let expected = if let Framing::Length(length) = framing { *length } else { 0 };
        // The length is only a promise of the peer: nothing is set aside beyond the limit.
        Self::Collected(Vec::with_capacity(usize::try_from(expected).unwrap_or(MAX_BODY).min(MAX_BODY)))
    }

    fn push(&mut self, part: &[u8]) -> Result<(), Refusal> {
        match self {
            Self::Counted { bytes, crc } => {
                *bytes += part.len() as u64;
                crc.update(part);
            }
            Self::Collected(body) if body.len() + part.len() > MAX_BODY => return Err(Refusal::BodyTooLarge),
            Self::Collected(body) => body.extend_from_slice(part),
        }
        Ok(())
    }

    /// Refuses a body that is announced to be too long before any of it is read.
    fn admit(&self, length: u64) -> Result<(), Refusal> {
        match self {
            Self::Collected(body) if (body.len() as u64).saturating_add(length) > MAX_BODY as u64 => {
                Err(Refusal::BodyTooLarge)
            }
            Self::Collected(_) | Self::Counted { .. } => Ok(()),
        }
    }
}

/// How the end of the body is found, and how far it has been read. A chunked body that is complete becomes `Length(0)`.
#[derive(Debug, PartialEq, Eq)]
enum Framing {
    /// This many bytes are missing.
    Length(u64),
    /// In the line with the size of a chunk.
    ChunkSize(Vec<u8>),
    /// This many bytes of a chunk are missing.
    ChunkData(u64),
    /// In the line end after a chunk; whether its CR has been read.
    ChunkEnd(bool),
    /// In the trailer section: bytes of it so far, and bytes of the current line.
    Trailer(usize, usize),
}

impl Framing {
    /// Consumes at least one byte.
    fn read(&mut self, input: &mut &[u8], payload: &mut Payload) -> Result<(), Refusal> {
        match self {
            Self::Length(missing) => payload.push(take_up_to(input, missing)),
            Self::ChunkData(missing) => {
                payload.push(take_up_to(input, missing))?;
                if *missing == 0 {
                    *self = Self::ChunkEnd(false);
                }
                Ok(())
            }
            Self::ChunkSize(line) => {
                if let Some(size) = read_chunk_size(line, input)? {
                    payload.admit(size)?;
                    *self = if size == 0 { Self::Trailer(0, 0) } else { Self::ChunkData(size) };
                }
                Ok(())
            }
            Self::ChunkEnd(_) | Self::Trailer(..) => self.read_line_end(input),
        }
    }

    /// Reads one byte of a line end or of the trailer.
    fn read_line_end(&mut self, input: &mut &[u8]) -> Result<(), Refusal> {
        let (byte, rest) = input.split_first().ok_or(Refusal::Chunk)?;
        *input = rest;
        *self = match (&*self, byte) {
            (Self::ChunkEnd(false), b'\r') => Self::ChunkEnd(true),
            (Self::ChunkEnd(true), b'\n') => Self::ChunkSize(Vec::new()),
            (Self::Trailer(_, 0), b'\n') => Self::Length(0),
            (Self::Trailer(total, _), b'\n') => Self::Trailer(total + 1, 0),
            (Self::Trailer(total, line), b'\r') => Self::Trailer(total + 1, *line),
            (Self::Trailer(total, line), _) if *total < MAX_TRAILER => Self::Trailer(total + 1, line + 1),
            _ => return Err(Refusal::Chunk),
        };
        Ok(())
    }
}

/// Splits off as much of `input` as is missing.
fn take_up_to<'a>(input: &mut &'a [u8], missing: &mut u64) -> &'a [u8] {
    let length = usize::try_from(*missing).map_or(input.len(), |missing| missing.min(input.len()));
    let (part, rest) = input.split_at(length);
    *input = rest;
    *missing -= length as u64;
    part
}

/// Collects the line with a chunk's size; the size once the line is complete.
fn read_chunk_size(line: &mut Vec<u8>, input: &mut &[u8]) -> Result<Option<u64>, Refusal> {
    let end = input.iter().position(|byte| *byte == b'\n').map_or(input.len(), |position| position + 1);
    let (part, rest) = input.split_at(end);
    *input = rest;
    if line.len() + part.len() > MAX_CHUNK_LINE {
        return Err(Refusal::Chunk);
    }
    line.extend_from_slice(part);
    if !line.ends_with(b"\n") {
        return Ok(None);
    }
    match httparse::parse_chunk_size(line) {
        // httparse takes a line without digits for a size of 0.
        Ok(httparse::Status::Complete((_, size))) if line[0].is_ascii_hexdigit() => Ok(Some(size)),
        _ => Err(Refusal::Chunk),
    }
}

/// A head, the framing of its body, and whether the client waits for `100 Continue`.
type ReadHead = (Head, Framing, bool);

/// Reads a head that may have begun in `partial`; consumes input up to its end.
fn read_head(partial: &mut Vec<u8>, input: &mut &[u8]) -> Result<Option<ReadHead>, Refusal> {
    if partial.is_empty() {
        // The usual case: the whole head is there and need not be copied.
        let window = &input[..input.len().min(MAX_HEAD)];
        return match parse_head(window)? {
            Some((length, head)) => {
                *input = &input[length..];
                Ok(Some(head))
            }
            None if window.len() == MAX_HEAD => Err(Refusal::HeadTooLarge),
            None => {
                partial.extend_from_slice(std::mem::take(input));
                Ok(None)
            }
        };
    }
    let before = partial.len();
    let room = MAX_HEAD - before;
    partial.extend_from_slice(&input[..input.len().min(room)]);
    match parse_head(partial)? {
        Some((length, head)) => {
            *input = &input[length.saturating_sub(before)..];
            Ok(Some(head))
        }
        None if partial.len() == MAX_HEAD => Err(Refusal::HeadTooLarge),
        None => {
            *input = &[];
            Ok(None)
        }
    }
}

/// Parses a head at the start of `bytes`; its length and contents if it is complete.
fn parse_head(bytes: &[u8]) -> Result<Option<(usize, ReadHead)>, Refusal> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut request = httparse::Request::new(&mut fields);
    let length = match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::Version) => return Err(Refusal::Version),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::HeadTooLarge),
        Err(_) => return Err(Refusal::NotHttp),
    };
    let (Some(method), Some(target), Some(minor)) = (request.method, request.path, request.version) else {
        return Err(Refusal::NotHttp);
    };
    let fields = Fields::collect(request.headers)?;
    let version_1_1 = minor == 1;
    let head = Head {
        method: Method::parse(method),
        target: target.to_owned(),
        version_1_1,
        keep_alive: if version_1_1 { !fields.close } else { fields.keep_alive && !fields.close },
        authorization: fields.authorization.map(str::to_owned),
        route: Route::of(target),
    };
    Ok(Some((length, (head, fields.framing()?, fields.expects_continue && version_1_1))))
}

/// The fields that matter to the server.
#[derive(Default)]
struct Fields<'a> {
    length: Option<u64>,
    chunked: bool,
    close: bool,
    keep_alive: bool,
    expects_continue: bool,
    authorization: Option<&'a str>,
}

impl<'a> Fields<'a> {
    fn collect(fields: &[httparse::Header<'a>]) -> Result<Self, Refusal> {
        let mut out = Self::default();
        for field in fields {
            let is = |name: &str| field.name.eq_ignore_ascii_case(name);
            let text = || std::str::from_utf8(field.value).map_err(|_| Refusal::NotHttp);
            if is("content-length") {
                out.add_length(text()?)?;
            } else if is("transfer-encoding") {
                out.chunked = text()?.trim().eq_ignore_ascii_case("chunked");
                if !out.chunked {
                    return Err(Refusal::TransferCoding);
                }
            } else if is("connection") {
                let text = text()?;
                out.close |= lists(text, "close");
                out.keep_alive |= lists(text, "keep-alive");
            } else if is("expect") {
                out.expects_continue |= lists(text()?, "100-continue");
            } else if is("authorization") {
                out.authorization = Some(text()?);
            }
        }
        Ok(out)
    }

    /// Repeated lengths must agree; digits only.
    fn add_length(&mut self, text: &str) -> Result<(), Refusal> {
        let text = text.trim();
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let length = text.parse().ok().filter(|_| digits).ok_or(Refusal::Length)?;
        match self.length.replace(length) {
            Some(other) if other != length => Err(Refusal::Length),
            _ => Ok(()),
        }
    }

    fn framing(&self) -> Result<Framing, Refusal> {
        match (self.chunked, self.length) {
            (true, Some(_)) => Err(Refusal::Length),
            (true, None) => Ok(Framing::ChunkSize(Vec::new())),
            (false, length) => Ok(Framing::Length(length.unwrap_or(0))),
        }
    }
}

/// Whether a comma-separated list names `token`.
fn lists(text: &str, token: &str) -> bool {
    text.split(',').any(|item| item.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests;
