//! One HTTP/1.1 connection to firmware's WSMAN server, on hyper: one request at a time, an answer of bounded length.
//! Knows no SOAP and no login. Owned by `client`.
//!
//! hyper's connection is driven by whoever waits for an answer and not by a task of its own: nothing goes on behind
//! the back of the client, and dropping it ends everything.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection as Driver, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, SERVER, WWW_AUTHENTICATE};
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::error::WsmanError;

/// A byte stream, in the clear or encrypted.
pub(super) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

type Stream = TokioIo<Box<dyn Io>>;

/// An open connection.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driven: Driven,
    /// When its last answer ended. `None` before the first.
    rested_since: Option<Instant>,
}

/// An answer, complete.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// The values of all `WWW-Authenticate` fields that are text.
    pub(super) challenges: Vec<String>,
    /// The `Server` field.
    pub(super) server: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum SendError {
    /// The server had closed the connection before the request was sent.
    NotSent,
    /// Anything later.
    Failed(WsmanError),
}

impl Connection {
    /// Begins HTTP on a stream.
    pub(super) async fn start(stream: Box<dyn Io>) -> Result<Self, WsmanError> {
        let mut builder = Builder::new();
        // As all programs that AMT is used with write them.
        builder.title_case_headers(true);
        // A header that goes on in the next line is old, and to be understood all the same (RFC 9112, 5.2).
        builder.allow_obsolete_multiline_headers_in_responses(true);
        let (sender, driver) =
            builder.handshake(TokioIo::new(stream)).await.map_err(|error| failure(&error))?;
        Ok(Self { sender, driven: Driven(Some(driver)), rested_since: None })
    }

    /// Since when it has been at rest after an answer.
    pub(super) fn rested_since(&self) -> Option<Instant> {
        self.rested_since
    }

    /// Whether another request can be sent, as far as this side knows: looks whether the server has closed it.
    pub(super) async fn is_usable(&mut self) -> bool {
        poll_fn(|context| {
            self.driven.poll(context);
            Poll::Ready(())
        })
        .await;
        self.driven.0.is_some() && self.sender.is_ready()
    }

    /// Sends a request and reads its answer, which may have so many bytes.
    pub(super) async fn exchange(&mut self, request: Outgoing, limit: usize) -> Result<Answer, SendError> {
        let Self { sender, driven, rested_since } = self;
        *rested_since = None;
        let mut exchange = pin!(exchange(sender, request, limit));
        let answer = poll_fn(|context| {
            // Also when it has ended: what has arrived by then may be a whole answer.
            driven.poll(context);
            exchange.as_mut().poll(context)
        })
        .await?;
        *rested_since = Some(Instant::now());
        Ok(answer)
    }
}

/// hyper's side of the connection until it ends. Then it is dropped, so that whoever still waits for it is told.
struct Driven(Option<Driver<Stream, Full<Bytes>>>);

impl Driven {
    /// An error of the connection reaches the request that waits, too.
    fn poll(&mut self, context: &mut Context<'_>) {
        if let Some(driver) = &mut self.0
            && Pin::new(driver).poll(context).is_ready()
        {
            self.0 = None;
        }
    }
}

/// A request for WSMAN.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) authority: HeaderValue,
    pub(super) authorization: Option<HeaderValue>,
    pub(super) body: Bytes,
}

impl Outgoing {
    fn into_request(self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = hyper::Uri::from_static(PATH);
        let headers = request.headers_mut();
        headers.insert(HOST, self.authority);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/soap+xml; charset=utf-8"));
        if let Some(authorization) = self.authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        request
    }
}

async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Outgoing,
    limit: usize,
) -> Result<Answer, SendError> {
    let response = sender.try_send_request(request.into_request()).await.map_err(|mut error| {
        if error.take_message().is_some() {
            SendError::NotSent
        } else {
            SendError::Failed(failure(error.error()))
        }
    })?;
    let (head, body) = response.into_parts();
    let body = read(body, limit).await.map_err(SendError::Failed)?;
    Ok(Answer {
        status: head.status.as_u16(),
        challenges: texts(&head.headers),
        server: head.headers.get(SERVER).and_then(|server| server.to_str().ok()).map(String::from),
        body,
    })
}

fn texts(headers: &HeaderMap) -> Vec<String> {
    let fields = headers.get_all(WWW_AUTHENTICATE).iter();
    fields.filter_map(|field| field.to_str().ok()).map(String::from).collect()
}

/// Reads a body, whatever its framing, up to the limit.
async fn read(mut body: Incoming, limit: usize) -> Result<Vec<u8>, WsmanError> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| failure(&error))?;
        if let Some(data) = frame.data_ref() {
            if bytes.len().saturating_add(data.len()) > limit {
                return Err(WsmanError::TooLong(limit));
            }
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

fn failure(error: &hyper::Error) -> WsmanError {
    if error.is_parse() { WsmanError::NotHttp } else { WsmanError::Lost }
}

/// Where the server listens; also in the digest (wsman 1).
pub(super) const PATH: &str = "/wsman";
