//! Accepts connections: a bounded number at once, each for a bounded time.

use std::{path::Path, time::Duration};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::yield_now,
    time::timeout,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info};

use super::{
    board::{Board, StatusSource},
    routes,
};
use crate::{
    config,
    listen::{Acceptor, BindError, Guest, Guests, Listener, UnixSocket, bind_tcp},
    supervise::{Role, Supervisor},
};

/// Any local user may connect: the server only reads, and reveals no secrets.
const SOCKET_MODE: u32 = 0o666;

/// The sockets, open but not yet served.
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
        let unix = UnixSocket::bind(runtime_dir.join("http.sock"), SOCKET_MODE)?;
        let tcp = match config.listen {
            Some(address) => Some(bind_tcp("http.listen", address).await?),
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
            guests: Guests::new(config.max_connections),
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

/// The service on one listening socket.
struct Service {
    name: &'static str,
    router: Router,
    guests: Guests<Option<u32>>,
    limit: Duration,
    supervisor: Supervisor,
    stop: CancellationToken,
}

impl Service {
    async fn run<L: Listener>(self, listener: L) {
        let mut acceptor = Acceptor::new(self.name, listener, self.stop.clone());
        while let Some(connection) = acceptor.next().await {
            let guest = self.guests.welcome(L::user(&connection));
            let serve = serve(connection, self.router.clone(), self.limit, self.stop.clone());
            self.supervisor.spawn("http-connection", Role::Passing, unless_displaced(serve, guest));
            // Accepted connections must get to run before new ones displace them.
            yield_now().await;
        }
    }
}

async fn unless_displaced(serve: impl Future<Output = ()>, guest: Guest<Option<u32>>) {
    if guest.leave().run_until_cancelled(serve).await.is_none() {
        debug!("status connection gave its place to another");
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
