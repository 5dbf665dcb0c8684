//! The device's web server, everything above the byte stream: HTTP/1.1, digest logins, WSMAN, the web page, test resources.
//!
//! Sans-IO: bytes, time and the device are arguments. The engine uses it so: [`WebConnection::feed`] turns bytes from the
//! peer into [`Request`]s; for each of them, in order and one at a time for the whole device, it waits [`service_time`],
//! calls [`execute`] and sends what [`Body::next`] yields as the window allows; after a response with `close` it closes the
//! channel. An interim `100 Continue` is a request like any other, so that nothing needs a second path.
//!
//! ## Paths
//!
//! | path | method | login | answer |
//! |---|---|---|---|
//! | `/wsman` | POST | yes | WSMAN |
//! | `/`, `/logon.htm` | GET, HEAD | no | logon page, with a button that leads to `/index.htm` |
//! | `/index.htm` | GET, HEAD, POST | yes | status page; POST of its form changes the host name |
//! | `/styles.css`, `/logo.svg` | GET, HEAD | no | what both pages show |
//! | `/sim/bulk/<bytes>` | GET | no | that many bytes (see [`content_byte`]) with Content-Length, or chunked after `?chunked` |
//! | `/sim/sink` | POST | no | counts the body and answers `<bytes> <CRC-32 in 8 hex digits>` and a line feed |
//!
//! Another method on a known path is answered 405 with `Allow`, any other path 404; both keep the connection. What cannot be
//! parsed is answered once, 400 (or 413, 431, 501, 505), and the connection closes. The `/sim` resources are for measuring,
//! real firmware has none such; the page's paths are as observed on real units, its content is the simulator's own.
//!
//! ## Connections
//!
//! HTTP/1.1 connections are kept unless the request says `Connection: close`; HTTP/1.0 ones are closed unless it says
//! `keep-alive`. After a 401 the server closes by default (wsman 2: "usually"; [`AfterUnauthorized`] changes it): a client
//! that retries on a kept connection opens a new one, and a client that waits for the close gets it at once.
//!
//! ## Documented, observed, guessed
//!
//! Documented: digest with both qop values, the nonce's rules, operations, faults' subcodes, names and values of properties, the
//! agent's sequence numbers. Observed in recorded traffic: the challenge's shape, prefixes and MessageIDs of answers, order of
//! properties, chunked answers, the length of the 401, the Action without `Response` of IPS_HostBasedSetupService, contexts
//! that count lowest byte first. Guessed: service times, sizes of chunks, limits of requests, the lock-out's numbers, the answer
//! to Identify and that it needs a login, the number of open enumerations, one item for a Pull without MaxElements, return
//! values of the agent's methods, the instance of AMT_AgentPresenceWatchdog, the answers to wrong paths and methods.

use std::time::{Duration, Instant};

use bytes::Bytes;

pub use self::content::{MAX_CONTENT, content_byte};
pub use self::digest::{AfterUnauthorized, LoginPolicy, QopOffer};
pub use self::http::{MAX_BODY, MAX_HEAD};
pub use self::response::{Body, Response};
pub(crate) use self::state::ServerState;

use self::digest::Claim;
use self::http::{Incoming, Message, Method, Parser, Payload, Route};
use self::response::{Reply, Status};
use crate::config::TimeProfile;
use crate::device::Device;
use crate::device::accounts::Role;

mod classes;
mod content;
pub(crate) mod digest;
mod envelope;
mod fault;
mod http;
mod input;
mod operations;
mod page;
mod response;
mod state;
mod value;
mod xml;

/// One connection to the web server.
#[derive(Debug)]
pub struct WebConnection {
    tls: bool,
    parser: Parser,
    /// Over TLS a login counts for the whole connection, until accounts change (wsman 2).
    login: Option<RememberedLogin>,
    closed: bool,
}

#[derive(Debug)]
struct RememberedLogin {
    role: Role,
    /// The accounts that it was checked against.
    generation: u64,
}

impl WebConnection {
    /// A new connection; `tls` if its bytes are what TLS protects.
    #[must_use]
    pub fn new(tls: bool) -> Self {
        Self { tls, parser: Parser::default(), login: None, closed: false }
    }

    /// Takes bytes from the peer and returns the requests that are complete with them, in order. What cannot be parsed
    /// becomes one last request; everything after it, and after a request that ends the connection, is ignored.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Request> {
        if self.closed { Vec::new() } else { self.parser.feed(bytes).into_iter().map(Request).collect() }
    }
}

/// One request, ready to be executed.
#[derive(Debug)]
pub struct Request(Incoming);

/// What a request costs the engine, and for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestKind {
    /// The work of a TLS handshake.
    Handshake,
    /// A client waits for `100 Continue`.
    Continue,
    /// Not HTTP, or over a limit.
    Malformed,
    /// WSMAN without a login: answered with a challenge.
    Challenge,
    /// WSMAN.
    Wsman,
    /// WSMAN that activates the device.
    Setup,
    /// The web page, an unknown path, a wrong method.
    Page,
    /// A test resource.
    Test,
}

impl Request {
    /// The work of a TLS handshake, which nothing in the plaintext asks for. It is answered with nothing.
    pub(crate) fn handshake() -> Self {
        Self(Incoming::Handshake)
    }

    /// Its cost class.
    #[must_use]
    pub fn kind(&self) -> RequestKind {
        let message = match &self.0 {
            Incoming::Handshake => return RequestKind::Handshake,
            Incoming::Continue => return RequestKind::Continue,
            Incoming::Refused(_) => return RequestKind::Malformed,
            Incoming::Message(message) => message,
        };
        match (message.head.route(), &message.payload) {
            (Route::Wsman, _) if message.head.authorization.is_none() => RequestKind::Challenge,
            (Route::Wsman, Payload::Collected(body)) if activates(body) => RequestKind::Setup,
            (Route::Wsman, _) => RequestKind::Wsman,
            (Route::Bulk(_) | Route::Sink, _) => RequestKind::Test,
            (Route::Page(_) | Route::Unknown, _) => RequestKind::Page,
        }
    }
}

/// Whether a WSMAN body calls one of the methods that real firmware takes about a second for (wsman 1). Only for the cost.
fn activates(body: &[u8]) -> bool {
    const METHODS: [&[u8]; 3] = [
        b"IPS_HostBasedSetupService/Setup<",
        b"IPS_HostBasedSetupService/AdminSetup<",
        b"IPS_HostBasedSetupService/UpgradeClientToAdmin<",
    ];
    METHODS.iter().any(|method| body.windows(method.len()).any(|window| window == *method))
}

/// How long the engine is busy with a request before it answers. The realistic figures are guessed from the observed
/// "well under 1 s" for a Get and "about 1 s" for Setup and for a handshake (wsman 1).
#[must_use]
pub fn service_time(profile: TimeProfile, request: &Request) -> Duration {
    if profile == TimeProfile::Instant {
        return Duration::ZERO;
    }
    Duration::from_millis(match request.kind() {
        RequestKind::Continue => 0,
        RequestKind::Malformed | RequestKind::Challenge | RequestKind::Page => 10,
        RequestKind::Wsman => 70,
        RequestKind::Setup | RequestKind::Handshake => 1000,
        RequestKind::Test => 0,
    })
}

/// Executes one request.
///
/// A request that was read before the connection's closing response was decided is not executed: its response is empty.
pub fn execute(
    device: &mut Device,
    connection: &mut WebConnection,
    request: Request,
    now: Instant,
) -> Response {
    if connection.closed {
        return Response { body: Body::fixed(Bytes::new()), close: true };
    }
    device.tick(now);
    let response = match request.0 {
        Incoming::Handshake => Response { body: Body::fixed(Bytes::new()), close: false },
        Incoming::Continue => {
            Response { body: Body::fixed(Bytes::from_static(b"HTTP/1.1 100 Continue\r\n\r\n")), close: false }
        }
        Incoming::Refused(refusal) => {
            Reply::plain(refusal.status(), &refusal.to_string()).finish(device, None)
        }
        Incoming::Message(message) => {
            let reply = answer(device, connection, &message, now);
            reply.finish(device, Some(&message.head))
        }
    };
    connection.closed = response.close;
    response
}

fn answer(device: &mut Device, connection: &mut WebConnection, message: &Message, now: Instant) -> Reply {
    let head = &message.head;
    match (head.route(), &message.payload) {
        (Route::Wsman, Payload::Collected(body)) => match head.method {
            Method::Post => match log_in(device, connection, message, now) {
                Ok(role) => operations::answer(device, role, body, now),
                Err(reply) => reply,
            },
            _ => Reply::method_not_allowed("POST"),
        },
        (Route::Page(page), Payload::Collected(body)) => {
            if !page.takes(head.method) {
                return Reply::method_not_allowed(page.methods());
            }
            if page.needs_login()
                && let Err(reply) = log_in(device, connection, message, now)
            {
                return reply;
            }
            page::answer(device, page, (head.method == Method::Post).then_some(body), now)
        }
        (Route::Bulk(request), _) if head.method == Method::Get => Reply::content(request),
        (Route::Bulk(_), _) => Reply::method_not_allowed("GET"),
        (Route::Sink, Payload::Counted { bytes, crc }) if head.method == Method::Post => {
            Reply::plain(Status::Ok, &format!("{bytes} {:08x}", crc.clone().finalize()))
        }
        (Route::Sink, _) => Reply::method_not_allowed("POST"),
        _ => Reply::plain(Status::NotFound, "there is nothing at this path"),
    }
}

/// The role of the request's user, or the 401 that asks for a login.
fn log_in(
    device: &mut Device,
    connection: &mut WebConnection,
    message: &Message,
    now: Instant,
) -> Result<Role, Reply> {
    let head = &message.head;
    let Some(header) = &head.authorization else {
        let remembered =
            connection.login.as_ref().filter(|login| login.generation == device.web.generation());
        return remembered.map(|login| login.role).ok_or_else(|| Reply::unauthorized(device, false, now));
    };
    let Payload::Collected(body) = &message.payload else {
        return Err(Reply::unauthorized(device, false, now));
    };
    let claim = Claim::parse(header).map(|claim| claim.about(head.method.name(), &head.target, body));
    let outcome = match &claim {
        Some(_) if device.method_faults.refuses_login() => Err(digest::Denied { stale: false }),
        Some(claim) => device.check_login(claim, now),
        None => Err(digest::Denied { stale: false }),
    };
    let role = outcome.map_err(|denied| Reply::unauthorized(device, denied.stale, now))?;
    if connection.tls {
        connection.login = Some(RememberedLogin { role, generation: device.web.generation() });
    }
    Ok(role)
}

#[cfg(test)]
mod tests;
