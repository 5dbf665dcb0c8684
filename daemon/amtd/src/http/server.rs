//! Accepts connections, a bounded number at once, and gives each a bounded time.

use std::{
    future::Future,
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream, UnixStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::{
    board::{Board, StatusSource},
    routes,
    socket::{BindError, UnixSocket, bind_tcp},
};
use crate::{
    config,
    supervise::{Role, Supervisor},
};

/// Pause after accepting failed, as when the process has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often that is logged at most.
const COMPLAINT_EVERY: Duration = Duration::from_secs(60);

/// The sockets, open but not served yet.
#[derive(Debug)]
pub struct Server {
    unix: UnixSocket,
    pub(super) tcp: Option<TcpListener>,
    config: config::Http,
}

impl Server {
    /// Opens `http.sock` in the runtime directory and, if configured, the loopback port.
    ///
    /// # Errors
    ///
    /// Another process serves there, or the system refuses.
    pub async fn bind(runtime_dir: &Path, config: config::Http) -> Result<Self, BindError> {
        let unix = UnixSocket::bind(runtime_dir.join("http.sock"))?;
        let tcp = match config.listen {
            Some(address) => Some(bind_tcp(address).await?),
            None => None,
        };
        Ok(Self { unix, tcp, config })
    }

    /// Serves in tasks of the supervisor until `stop`.
    pub fn start<S: StatusSource>(self, source: S, supervisor: &Supervisor, stop: &CancellationToken) {
        let Self { unix, tcp, config } = self;
        let router = routes::router(Board::new(source, config.driver_limit.get()));
        let service = |name| Service {
            name,
            router: router.clone(),
            slots: Arc::new(Semaphore::new(config.max_connections)),
            limit: config.request_limit.get(),
            supervisor: supervisor.clone(),
            stop: stop.clone(),
        };
        if let Some(listener) = tcp {
            if let Ok(address) = listener.local_addr() {
                info!(%address, "serving status and metrics");
            }
            supervisor.spawn("http-tcp", Role::Essential, service("http-tcp").run(listener));
        }
        supervisor.spawn("http-unix", Role::Essential, service("http-unix").run(unix));
    }
}

/// What serves one listening socket.
struct Service {
    name: &'static str,
    router: Router,
    slots: Arc<Semaphore>,
    limit: Duration,
    supervisor: Supervisor,
    stop: CancellationToken,
}

impl Service {
    async fn run(self, listener: impl Listener) {
        let mut complained_at: Option<Instant> = None;
        while let Some(slot) = self.until_stop(self.slots.clone().acquire_owned()).await {
            let Some(accepted) = self.until_stop(listener.accept()).await else { return };
            match accepted {
                Ok(connection) => {
                    let serve = serve(connection, self.router.clone(), self.limit, self.stop.clone());
                    self.supervisor.spawn("http-connection", Role::Passing, async move {
                        serve.await;
                        drop(slot);
                    });
                }
                Err(error) => {
                    if complained_at.is_none_or(|at| at.elapsed() >= COMPLAINT_EVERY) {
                        complained_at = Some(Instant::now());
                        warn!(listener = self.name, %error, "cannot accept connections for a moment");
                    }
                    self.until_stop(sleep(ACCEPT_PAUSE)).await;
                }
            }
        }
    }

    async fn until_stop<T>(&self, wait: impl Future<Output = T>) -> Option<T> {
        self.stop.run_until_cancelled(wait).await
    }
}

/// What both kinds of listening socket do.
trait Listener: Send + Sync + 'static {
    type Connection: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    fn accept(&self) -> impl Future<Output = io::Result<Self::Connection>> + Send;
}

impl Listener for UnixSocket {
    type Connection = UnixStream;

    async fn accept(&self) -> io::Result<UnixStream> {
        Ok(self.listener.accept().await?.0)
    }
}

impl Listener for TcpListener {
    type Connection = TcpStream;

    async fn accept(&self) -> io::Result<TcpStream> {
        Ok(Self::accept(self).await?.0)
    }
}

/// One request on one connection, within one limit.
async fn serve(
    connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    limit: Duration,
    stop: CancellationToken,
) {
    let exchange = http1::Builder::new()
        .timer(TokioTimer::new())
        .keep_alive(false)
        .serve_connection(TokioIo::new(connection), TowerToHyperService::new(router));
    match stop.run_until_cancelled(timeout(limit, exchange)).await {
        Some(Ok(Ok(()))) | None => {}
        Some(Ok(Err(error))) => debug!(%error, "status connection failed"),
        Some(Err(_)) => debug!("status connection took too long"),
    }
}
