//! The front: accepts local clients, looks at what they ask for and relays their bytes through the driver.
//!
//! One task owns the listening sockets, the books of who is connected, and the tasks of the connections. It knows the
//! driver only by its handle.

mod answer;
#[cfg(test)]
mod bench;
mod classify;
mod connection;
mod holder;
mod http;
mod limits;
mod peer;
mod ports;
mod process;
mod relay;
#[cfg(test)]
pub(crate) mod simulated;
#[cfg(test)]
mod tests;
mod turn;

use std::{
    collections::HashMap,
    future::{pending, poll_fn},
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use amtd_apf::{Port, mux::FlowSpec};
use tokio::{
    net::TcpStream,
    sync::watch,
    task::{JoinError, JoinSet},
    time::sleep_until,
};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use self::{
    classify::Client,
    peer::{Owner, Peers, Programs},
    ports::Ports,
    relay::{Relay, Summary},
};
pub use self::{
    classify::{ExplainError, Rules, explain_class},
    limits::RelayConfig,
    ports::{PortReport, PortsConfig},
};
use crate::driver::{ForwardRequest, ForwardRequests, Handle};

/// How long accepting pauses when the process or the machine has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often the same trouble is logged at most.
const COMPLAINT_EVERY: Duration = Duration::from_secs(60);

/// Limits of the front.
#[derive(Debug, Clone)]
pub struct FrontConfig {
    /// Listening sockets.
    pub ports: PortsConfig,
    /// Each connection.
    pub relay: RelayConfig,
    /// Connections at once; further ones wait to be accepted.
    pub max_connections: usize,
    /// Connections of one local user at once; further ones are closed.
    pub max_per_peer: usize,
}

/// What the front knows, published at each change of the ports and at each end of a connection.
#[derive(Debug, Clone, Default)]
pub struct FrontStatus {
    /// Ports served, or wanted.
    pub ports: Vec<PortReport>,
    /// Connections open now.
    pub connections: usize,
    /// Connections accepted so far.
    pub accepted: u64,
    /// Connections closed because their user had too many.
    pub over_limit: u64,
    /// Times accepting failed.
    pub accept_errors: u64,
    /// Sums over the connections that have ended.
    pub answered: u64,
    /// Requests answered by the daemon because firmware could not.
    pub refused: u64,
    /// Connections cut in the middle of a response.
    pub cut: u64,
    /// Bytes read from clients.
    pub from_client: u64,
    /// Bytes written to clients.
    pub to_client: u64,
}

/// See the [module](self).
pub struct Front {
    config: FrontConfig,
    handle: Handle,
    forwards: ForwardRequests,
    relay: Arc<RelayConfig>,
    ports: Ports,
    peers: Peers,
    programs: Programs,
    per_peer: HashMap<u32, usize>,
    connections: JoinSet<(u32, Summary)>,
    status: watch::Sender<FrontStatus>,
    accept_again_at: Option<Instant>,
    complained_at: Option<Instant>,
}

impl Front {
    /// Opens the ports that are served from the start. `inherited` are listeners from the service manager.
    pub fn open(
        config: FrontConfig,
        handle: Handle,
        forwards: ForwardRequests,
        inherited: Vec<std::net::TcpListener>,
    ) -> (Self, watch::Receiver<FrontStatus>) {
        let ports = Ports::open(config.ports.clone(), inherited);
        let (status, receiver) =
            watch::channel(FrontStatus { ports: ports.report(), ..FrontStatus::default() });
        let front = Self {
            relay: Arc::new(config.relay.clone()),
            config,
            handle,
            forwards,
            ports,
            peers: Peers::new(),
            programs: Programs::new(),
            per_peer: HashMap::new(),
            connections: JoinSet::new(),
            status,
            accept_again_at: None,
            complained_at: None,
        };
        (front, receiver)
    }

    /// Serves until `stop`; then lets exchanges under way finish for `grace` and ends the rest.
    pub async fn run(mut self, stop: CancellationToken, grace: Duration) {
        while !stop.is_cancelled() {
            self.step(&stop).await;
        }
        self.drain(grace).await;
    }

    async fn step(&mut self, stop: &CancellationToken) {
        let full = self.connections.len() >= self.config.max_connections;
        let pause = self.accept_again_at;
        let wake = self.ports.next_retry().into_iter().chain(pause).min();
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            Some(ended) = self.connections.join_next() => self.ended(ended),
            Some(request) = self.forwards.0.recv() => self.forward(request),
            () = sleep_till(wake) => self.timeout(),
            (port, accepted) = poll_fn(|cx| self.ports.poll_accept(cx)), if !full && pause.is_none() => {
                self.accepted(port, accepted, stop);
            }
        }
    }

    fn timeout(&mut self) {
        let now = Instant::now();
        self.accept_again_at = self.accept_again_at.filter(|at| *at > now);
        if self.ports.retry(now) {
            self.handle.reconnect("a port that the firmware was denied is free now");
        }
        self.publish(|_| {});
    }

    fn forward(&mut self, request: ForwardRequest) {
        let served = self.ports.ask(request.port);
        self.handle.answer_forward(request.forward, served);
        self.publish(|_| {});
    }

    // ---- clients ----

    fn accepted(
        &mut self,
        port: Port,
        accepted: io::Result<(TcpStream, SocketAddr)>,
        stop: &CancellationToken,
    ) {
        match accepted {
            Ok((stream, client)) => {
                let owner = stream.local_addr().map_or(Owner::UNKNOWN, |own| self.peers.owner(client, own));
                let peer = owner.user;
                let held = self.per_peer.get(&peer).copied().unwrap_or_default();
                if held >= self.config.max_per_peer {
                    self.complain("a local user has too many connections; closing one more", Some(peer));
                    self.status.send_modify(|status| status.over_limit += 1);
                } else {
                    self.serve(stream, FlowSpec { port, originator: client, peer }, owner, stop.clone());
                }
            }
            Err(error) => {
                self.complain(&format!("cannot accept clients for a moment: {error}"), None);
                self.accept_again_at = Some(Instant::now() + ACCEPT_PAUSE);
                self.status.send_modify(|status| status.accept_errors += 1);
            }
        }
    }

    fn serve(&mut self, stream: TcpStream, spec: FlowSpec, owner: Owner, stop: CancellationToken) {
        // Firmware's small messages must not wait for the client's acknowledgements. Failing to say so costs time
        // and no bytes.
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "cannot disable Nagle's algorithm");
        }
        *self.per_peer.entry(spec.peer).or_default() += 1;
        let config = Arc::clone(&self.relay);
        let programs = config.rules.asks_for_executable(spec.port, spec.peer).then(|| self.programs.clone());
        let (flow, link) = (self.handle.open(spec), self.handle.link());
        self.connections.spawn(async move {
            let executable = match programs {
                Some(programs) => programs.executable(owner).await,
                None => None,
            };
            let client = Client { port: spec.port, user: spec.peer, executable };
            let relay = Relay::new(config, client, Instant::now());
            (spec.peer, connection::serve(stream, flow, relay, link, stop).await)
        });
        let connections = self.connections.len();
        self.status.send_modify(|status| {
            status.accepted += 1;
            status.connections = connections;
        });
    }

    fn ended(&mut self, ended: Result<(u32, Summary), JoinError>) {
        let (peer, summary) = match ended {
            Ok(ended) => ended,
            // A connection that panicked is a defect of the daemon, but only its own client is hurt.
            Err(error) => return warn!(%error, "a connection ended abnormally"),
        };
        if let Some(held) = self.per_peer.get_mut(&peer) {
            *held -= 1;
            if *held == 0 {
                self.per_peer.remove(&peer);
            }
        }
        if summary.refused > 0 {
            self.complain(
                "clients are refused because the firmware cannot serve them; see the status",
                Some(peer),
            );
        }
        let connections = self.connections.len();
        self.status.send_modify(|status| {
            status.connections = connections;
            status.answered += summary.answered;
            status.refused += summary.refused;
            status.cut += u64::from(summary.cut);
            status.from_client += summary.from_client;
            status.to_client += summary.to_client;
        });
    }

    /// Nothing new begins; what is under way may end.
    async fn drain(mut self, grace: Duration) {
        drop(self.ports);
        let open = self.connections.len();
        let drained = async { while self.connections.join_next().await.is_some() {} };
        if tokio::time::timeout(grace, drained).await.is_err() {
            warn!(connections = self.connections.len(), "ending clients that did not finish in time");
        }
        self.connections.shutdown().await;
        info!(connections = open, "front stopped");
    }

    // ---- telling ----

    fn publish(&self, change: impl FnOnce(&mut FrontStatus)) {
        let ports = self.ports.report();
        self.status.send_modify(|status| {
            status.ports = ports;
            change(status);
        });
    }

    /// Logs trouble that can come in floods.
    fn complain(&mut self, what: &str, peer: Option<u32>) {
        let now = Instant::now();
        if self.complained_at.is_none_or(|at| now.duration_since(at) >= COMPLAINT_EVERY) {
            self.complained_at = Some(now);
            warn!(peer, "{what}");
        }
    }
}

async fn sleep_till(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => pending().await,
    }
}
