//! The connection to the daemon: one Unix socket, one deadline for each answer, and errors that say what to do.
//!
//! Knows nothing of what is asked. Every command makes one [`Client`]; what watches for long makes a new one when the
//! daemon was restarted.

mod unreachable;

use std::{
    future::Future,
    iter::successors,
    path::{Path, PathBuf},
    time::Duration,
};

use amtd_proto::{
    Problem,
    v1::{
        channel_service_client::ChannelServiceClient, diagnostics_service_client::DiagnosticsServiceClient,
        event_service_client::EventServiceClient, job_service_client::JobServiceClient,
        status_service_client::StatusServiceClient,
    },
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    time::timeout,
};
use tonic::{
    Request, Response, Status, Streaming, TimeoutExpired,
    transport::{Channel, Endpoint},
};
use tonic_health::pb::health_client::HealthClient;

pub(crate) use self::unreachable::Unreachable;
use crate::failure::Failure;

/// The longest answer: the metrics and the answer to a long enumeration fit many times.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// How much longer than the client itself the daemon may work on an answer before it gives up by itself.
const GRACE: Duration = Duration::from_millis(500);

/// Whose process is at the other end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    /// The user it runs as.
    pub(crate) uid: u32,
    /// The process, where the system tells.
    pub(crate) pid: Option<i32>,
}

/// A connection to the daemon.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    channel: Channel,
    socket: PathBuf,
    limit: Duration,
    peer: Option<Peer>,
}

impl Client {
    /// Connects to the socket. Each answer may take as long as `limit`.
    pub(crate) async fn connect(socket: &Path, limit: Duration) -> Result<Self, Unreachable> {
        let stream = open(socket, limit).await?;
        let peer = stream.peer_cred().ok().map(|cred| Peer { uid: cred.uid(), pid: cred.pid() });
        let mut stream = Some(stream);
        // The name is never looked up: the connector below has the connection already. It has only this one, so that
        // nobody talks to another daemon than the one that was connected to.
        let connector = tower::service_fn(move |_| {
            let next = stream.take().map(TokioIo::new);
            async move { next.ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotConnected)) }
        });
        let channel = Endpoint::from_static("http://amtd.localhost").connect_with_connector(connector).await;
        let broken = |_| Unreachable::Broken { socket: socket.into() };
        Ok(Self { channel: channel.map_err(broken)?, socket: socket.into(), limit, peer })
    }

    /// The same connection, on which each answer may take as long as `limit`.
    pub(crate) fn with_limit(&self, limit: Duration) -> Self {
        Self { limit, ..self.clone() }
    }

    /// Whose process answers.
    pub(crate) fn peer(&self) -> Option<Peer> {
        self.peer
    }

    pub(crate) fn status(&self) -> StatusServiceClient<Channel> {
        StatusServiceClient::new(self.channel.clone())
    }

    pub(crate) fn jobs(&self) -> JobServiceClient<Channel> {
        JobServiceClient::new(self.channel.clone()).max_decoding_message_size(LONGEST_ANSWER)
    }

    pub(crate) fn events(&self) -> EventServiceClient<Channel> {
        EventServiceClient::new(self.channel.clone())
    }

    pub(crate) fn channels(&self) -> ChannelServiceClient<Channel> {
        ChannelServiceClient::new(self.channel.clone()).max_decoding_message_size(LONGEST_ANSWER)
    }

    pub(crate) fn diagnostics(&self) -> DiagnosticsServiceClient<Channel> {
        DiagnosticsServiceClient::new(self.channel.clone()).max_decoding_message_size(LONGEST_ANSWER)
    }

    pub(crate) fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel.clone())
    }

    /// A request that the daemon, too, need not work on for longer than anybody waits.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.set_timeout(self.limit.saturating_add(GRACE));
        request
    }

    /// Waits for an answer, at most for the limit.
    pub(crate) async fn call<T>(
        &self,
        answer: impl Future<Output = Result<Response<T>, Status>>,
    ) -> Result<T, Failure> {
        match timeout(self.limit, answer).await {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(self.explain(&status).await),
            Err(_) => Err(Failure::Silent(self.limit)),
        }
    }

    /// The next message of a stream; `None` at its end. May take for ever: nothing may be happening.
    pub(crate) async fn next<T>(&self, stream: &mut Streaming<T>) -> Result<Option<T>, Failure> {
        match stream.message().await {
            Ok(message) => Ok(message),
            Err(status) => Err(self.explain(&status).await),
        }
    }

    /// What an error means. One that the daemon sent says so itself; one of the transport must be found out about.
    async fn explain(&self, status: &Status) -> Failure {
        if std::error::Error::source(status).is_none() {
            return Failure::Refused(Problem::from(status));
        }
        if is_expired(status) {
            return Failure::Silent(self.limit);
        }
        let socket = self.socket.clone();
        match speaks_http2(&socket, self.limit).await {
            Ok(false) => Unreachable::NotAmtd { socket }.into(),
            Ok(true) | Err(Unreachable::Silent { .. }) => Unreachable::Broken { socket }.into(),
            Err(unreachable) => unreachable.into(),
        }
    }
}

/// Whether the transport waited in vain for an answer. Its code alone does not tell: a request that a connection had not
/// taken when it broke counts as cancelled, too.
fn is_expired(status: &Status) -> bool {
    let first = std::error::Error::source(status);
    successors(first, |error| error.source()).any(|error| error.is::<TimeoutExpired>())
}

async fn open(socket: &Path, limit: Duration) -> Result<UnixStream, Unreachable> {
    match timeout(limit, UnixStream::connect(socket)).await {
        Ok(Ok(stream)) => Ok(stream),
        Ok(Err(error)) => Err(Unreachable::new(socket, error)),
        Err(_) => Err(Unreachable::Silent { socket: socket.into(), limit }),
    }
}

/// Whether what listens on the socket answers the beginning of HTTP/2 as a server must: with its settings. One that hangs
/// up without a word is a daemon that is ending, or was killed before it took the connection.
async fn speaks_http2(socket: &Path, limit: Duration) -> Result<bool, Unreachable> {
    /// What a client begins with: the preface, and a frame of settings without any.
    const HELLO: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    /// Bytes before the content of a frame; where among them its type is; the type of settings.
    const FRAME_HEAD: u64 = 9;
    const FRAME_TYPE: usize = 3;
    const SETTINGS: u8 = 4;
    let mut stream = open(socket, limit).await?;
    let ask = async {
        let mut head = Vec::new();
        stream.write_all(HELLO).await?;
        stream.take(FRAME_HEAD).read_to_end(&mut head).await?;
        std::io::Result::Ok(head)
    };
    match timeout(limit, ask).await {
        Ok(Ok(head)) if !head.is_empty() => Ok(head.get(FRAME_TYPE) == Some(&SETTINGS)),
        Ok(_) => Err(Unreachable::Broken { socket: socket.into() }),
        Err(_) => Err(Unreachable::Silent { socket: socket.into(), limit }),
    }
}
