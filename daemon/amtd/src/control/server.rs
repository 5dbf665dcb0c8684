//! Sockets and connections: who may connect, for how long, and in which order it all ends.

use std::{
    io,
    path::Path,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use amtd_amt::machine::Machine;
use hyper::{rt::Executor, server::conn::http2, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixStream},
    sync::{Semaphore, watch},
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tonic_health::server::HealthReporter;
use tracing::{debug, info, warn};

use super::{
    api::Api,
    call::{Client, Denial, Gate},
    crowd::{Admission, Crowd, Limits, Place},
    health,
    identity::{Groups, Identity, Who},
    parts::Parts,
    tls::{Tls, TlsError},
};
use crate::{
    complaints::Complaints,
    config,
    http::StatusSource,
    listen::{Acceptor, BindError, Guest, Listener, UnixSocket, bind_tcp},
    supervise::{Role, Supervisor},
};

/// The socket in the runtime directory.
const SOCKET: &str = "amtd.sock";
/// Calls at once on one connection; more wait.
const STREAMS: u32 = 64;
/// What a caller may send before its message is taken, on one call and on one connection, in bytes.
const WINDOW: u32 = 64 * 1024;
/// What is kept for a caller that does not read, on one call, in bytes.
const SEND_BUFFER: usize = 64 * 1024;
/// Largest set of headers, in bytes.
const HEADERS: u32 = 16 * 1024;
/// TLS handshakes at once; more wait to be accepted.
const HANDSHAKES: usize = 16;
/// How long one may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often a quiet caller over the network is asked whether it is still there, and how long it may take to say so.
const PROBE_EVERY: Duration = Duration::from_secs(30);
const PROBE_LIMIT: Duration = Duration::from_secs(20);
/// How long a connection that ends may take to say so.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// The control API cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// A socket cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The service manager's socket cannot be used.
    #[error("the service manager's socket for the control API cannot be used: {0}")]
    Inherited(#[source] io::Error),
    /// The files for TLS cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// The sockets, open but not served yet.
#[derive(Debug)]
pub struct Server {
    unix: UnixSocket,
    pub(super) tcp: Option<(TcpListener, Tls)>,
}

impl Server {
    /// Opens `amtd.sock` in the runtime directory, or takes over the service manager's socket, and the TCP port if one
    /// is configured.
    ///
    /// # Errors
    ///
    /// [`ControlError`]: somebody else serves there, the system refuses, or the files for TLS cannot be used.
    pub async fn bind(
        runtime_dir: &Path,
        config: &config::Control,
        inherited: Option<std::os::unix::net::UnixListener>,
    ) -> Result<Self, ControlError> {
        let unix = match inherited {
            Some(listener) => UnixSocket::inherited(listener).map_err(ControlError::Inherited)?,
            None => UnixSocket::bind(runtime_dir.join(SOCKET), config.socket_mode.bits())?,
        };
        let tcp = match &config.tcp {
            Some(tcp) => {
                let tls = Tls::load(tcp, &config.certificate_levels)?;
                Some((bind_tcp("control.tcp", tcp.listen).await?, tls))
            }
            None => None,
        };
        Ok(Self { unix, tcp })
    }

    /// Serves in tasks of the supervisor until `stop`.
    pub fn start<S: StatusSource, M: Machine + Clone + 'static>(
        self,
        parts: &Parts<S, M>,
        health: health::Sources<S>,
        supervisor: &Supervisor,
        stop: &CancellationToken,
    ) {
        let reporter = HealthReporter::new();
        let service = Service::new(parts, reporter.clone(), supervisor.clone(), stop.clone());
        let follow = stop.clone().run_until_cancelled_owned(health::follow(reporter, health));
        supervisor.spawn("control-health", Role::Essential, async move {
            let _ = follow.await;
        });
        if let Some((listener, tls)) = self.tcp {
            if let Ok(address) = listener.local_addr() {
                info!(%address, "serving the control API over TCP, to callers with a certificate");
            }
            supervisor.spawn("control-tcp", Role::Essential, service.clone().run_tcp(listener, tls));
        }
        supervisor.spawn("control-unix", Role::Essential, service.run_unix(self.unix));
    }
}

fn gate<S: StatusSource, M: Machine + Clone + 'static>(
    parts: &Parts<S, M>,
    health: HealthReporter,
    stop: CancellationToken,
) -> Gate {
    let config = &parts.config.control;
    let limits = Limits {
        connections: config.max_connections,
        connections_per_caller: config.max_connections_per_user,
        calls: config.max_calls,
        calls_per_caller: config.max_calls_per_user,
    };
    Gate {
        api: Api::new(parts, health),
        crowd: Crowd::new(limits),
        groups: Groups::new(config.operator_group.clone(), config.admin_group.clone()),
        denials: Complaints::default(),
        call_limit: config.call_limit.get(),
        stop,
    }
}

/// What serves a listening socket.
#[derive(Debug, Clone)]
pub(super) struct Service {
    gate: Gate,
    idle: Duration,
    supervisor: Supervisor,
}

impl Service {
    pub(super) fn new<S: StatusSource, M: Machine + Clone + 'static>(
        parts: &Parts<S, M>,
        health: HealthReporter,
        supervisor: Supervisor,
        stop: CancellationToken,
    ) -> Self {
        Self { gate: gate(parts, health, stop), idle: parts.config.control.idle.get(), supervisor }
    }

    async fn run_unix(self, listener: impl Listener<Connection = UnixStream>) {
        let mut acceptor = Acceptor::new("control-unix", listener, self.gate.stop.clone());
        while let Some(stream) = acceptor.next().await {
            match Identity::of_peer(&stream, self.gate.groups.clone()) {
                Ok(identity) => self.welcome(stream, identity, None),
                Err(error) => warn!(%error, "a caller without identity is turned away"),
            }
        }
    }

    async fn run_tcp(self, listener: TcpListener, tls: Tls) {
        let mut acceptor = Acceptor::new("control-tcp", listener, self.gate.stop.clone());
        let turns = Arc::new(Semaphore::new(HANDSHAKES));
        let turn = || self.gate.stop.run_until_cancelled(Arc::clone(&turns).acquire_owned());
        while let Some(turn) = turn().await
            && let Some(stream) = acceptor.next().await
        {
            let (service, tls) = (self.clone(), tls.clone());
            self.supervisor.spawn("control-handshake", Role::Passing, async move {
                service.shake_hands(stream, tls).await;
                drop(turn);
            });
        }
    }

    async fn shake_hands(self, stream: TcpStream, tls: Tls) {
        let from = stream.peer_addr().ok();
        let handshake = timeout(HANDSHAKE, tls.accept(stream));
        match self.gate.stop.run_until_cancelled(handshake).await {
            Some(Ok(Ok((stream, identity)))) => self.welcome(stream, identity, Some(PROBE_EVERY)),
            Some(Ok(Err(error))) => {
                if let Some(unlogged) =
                    self.gate.denials.due(Denial::Handshake(from.map(|at| at.ip())), Instant::now())
                {
                    warn!(?from, %error, unlogged, "denied: a caller over TCP did not prove who it is");
                }
            }
            Some(Err(_)) => debug!(?from, "a caller over TCP did not finish its handshake"),
            None => {}
        }
    }

    /// Serves a connection in a task of its own.
    pub(super) fn welcome<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        &self,
        stream: T,
        identity: Identity,
        probe: Option<Duration>,
    ) {
        let (place, guest) = match self.gate.crowd.connect(identity.who()) {
            Admission::Full(place) => (Some(place), None),
            Admission::HealthOnly(guest) => {
                debug!(caller = %identity.who(), "too many connections; this one may ask about health only");
                (None, Some(guest))
            }
        };
        let leave = guest.as_ref().map(Guest::leave);
        let client = Client::new(self.gate.clone(), identity, leave.is_some());
        let connection = Connection {
            client,
            idle: self.idle,
            probe,
            leave: leave.unwrap_or_default(),
            stop: self.gate.stop.clone(),
            tasks: Tasks(self.supervisor.clone()),
        };
        self.supervisor.spawn("control-connection", Role::Passing, connection.serve(stream, (place, guest)));
    }
}

/// What a connection has until its end: a full place, or one that others may need.
type Hold = (Option<Place>, Option<Guest<Who>>);

/// A connection, before it is served.
struct Connection {
    client: Arc<Client>,
    idle: Duration,
    probe: Option<Duration>,
    /// Somebody else needs the place.
    leave: CancellationToken,
    stop: CancellationToken,
    tasks: Tasks,
}

impl Connection {
    async fn serve<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: T, hold: Hold) {
        let client = Arc::clone(&self.client);
        let service = service_fn(move |request| {
            let client = Arc::clone(&client);
            async move { Ok::<_, std::convert::Infallible>(client.answer(request).await) }
        });
        let mut exchange =
            pin!(builder(&self.tasks, self.probe).serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = &mut exchange => ended,
            () = self.end() => {
                exchange.as_mut().graceful_shutdown();
                timeout(LAST_WORDS, &mut exchange).await.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            debug!(%error, "control connection failed");
        }
        drop(hold);
    }

    /// Waits until the connection has lasted long enough.
    async fn end(&self) {
        tokio::select! {
            () = quiet(self.client.calls(), self.idle) => {}
            () = self.leave.cancelled() => {}
            () = self.stop.cancelled() => {}
        }
    }
}

fn builder(tasks: &Tasks, probe: Option<Duration>) -> http2::Builder<Tasks> {
    let mut builder = http2::Builder::new(tasks.clone());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW)
        .max_send_buf_size(SEND_BUFFER)
        .max_header_list_size(HEADERS)
        // A local caller that is gone is seen by its socket; no timer has to ask.
        .keep_alive_interval(probe)
        .keep_alive_timeout(PROBE_LIMIT);
    builder
}

/// Waits until there was no call for so long.
async fn quiet(mut calls: watch::Receiver<usize>, idle: Duration) {
    loop {
        // The connection that waits here has the sender.
        if calls.wait_for(|calls| *calls == 0).await.is_err() {
            return;
        }
        if timeout(idle, calls.changed()).await.is_err() {
            return;
        }
    }
}

/// Where the transport runs the calls of a connection.
#[derive(Debug, Clone)]
pub(super) struct Tasks(pub(super) Supervisor);

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Tasks {
    fn execute(&self, call: F) {
        self.0.spawn("control-call", Role::Passing, call);
    }
}
