//! The front: accepts local clients, reads how urgent their requests are and relays their bytes through the driver.
//!
//! One task owns the listening sockets, the list of clients, and the tasks of the connections. It knows the driver only
//! by its handle. The daemon's own exchanges with firmware enter through the [`Door`], as those of one more client.

mod answer;
#[cfg(test)]
mod bench;
mod classify;
mod clients;
mod connection;
mod door;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod hello;
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
    future::{pending, poll_fn, ready},
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use amtd_apf::mux::{FlowId, FlowSpec};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::sleep_until,
};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use self::{
    classify::Client,
    clients::Meter,
    connection::{Connection, Socket},
    door::{Doorway, Visitor},
    peer::{Owner, Peers, Programs},
    ports::{Arrival, Ports},
    relay::{Relay, Summary},
};
pub use self::{
    classify::{ExplainError, Rules, explain_class},
    clients::{ClientReport, Clients, Program, programs},
    door::{Door, DoorError, OWN_CONNECTIONS},
    limits::RelayConfig,
    ports::{PortReport, PortsConfig},
};
use crate::{
    complaints::Complaints,
    driver::{ForwardRequest, ForwardRequests, Handle, Line},
    events::Log,
    heap::Heap,
};

/// How long accepting pauses when the process or the machine has no file descriptors left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Limits of the front.
#[derive(Debug, Clone)]
pub struct FrontConfig {
    /// Listening sockets.
    pub ports: PortsConfig,
    /// Each connection.
    pub relay: RelayConfig,
    /// Connections at once; further ones wait to be accepted.
    pub max_connections: usize,
    /// Connections of one local user at once; further ones are closed at once.
    pub max_per_peer: usize,
}

/// What the front knows. Watchers are notified when the ports change, but not when a count does.
#[derive(Debug, Clone, Default)]
pub struct FrontStatus {
    /// Ports that are served or should be.
    pub ports: Vec<PortReport>,
    /// Connections open now.
    pub connections: usize,
    /// Connections accepted so far.
    pub accepted: u64,
    /// Connections closed because their user had too many.
    pub over_limit: u64,
    /// Times accepting failed.
    pub accept_errors: u64,
    /// Requests answered by firmware. This and the following are sums over the connections that have ended.
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
    doorway: Doorway,
    relay: Arc<RelayConfig>,
    ports: Ports,
    peers: Peers,
    programs: Programs,
    per_peer: HashMap<u32, usize>,
    clients: Clients,
    connections: JoinSet<(FlowId, Summary)>,
    heap: Heap,
    status: watch::Sender<FrontStatus>,
    accept_again_at: Option<Instant>,
    complaints: Complaints<Trouble>,
}

impl Front {
    /// Opens the ports that are served from the start. `inherited` are the service manager's listeners.
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
            doorway: Doorway::default(),
            ports,
            peers: Peers::new(),
            programs: Programs::new(),
            per_peer: HashMap::new(),
            clients: Clients::default(),
            connections: JoinSet::new(),
            heap: Heap::default(),
            status,
            accept_again_at: None,
            complaints: Complaints::default(),
        };
        (front, receiver)
    }

    /// The entrance for the daemon's own connections.
    pub fn door(&self) -> Door {
        self.doorway.door()
    }

    /// Records clients in the log of events from now on.
    pub fn record(&mut self, log: Log) {
        self.clients.record(log);
    }

    /// The list of clients.
    pub fn clients(&self) -> Clients {
        self.clients.clone()
    }

    /// Serves until `stop`. Then exchanges under way may finish within `grace`; what is left is cut off.
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
            visitor = self.doorway.visitor() => self.welcome(visitor, stop),
            () = sleep_till(wake) => self.timeout(),
            accepted = poll_fn(|cx| self.ports.poll_accept(cx)), if !full && pause.is_none() => {
                self.accepted(accepted, stop);
            }
        }
    }

    fn timeout(&mut self) {
        let now = Instant::now();
        self.accept_again_at = self.accept_again_at.filter(|at| *at > now);
        if self.ports.retry(now) {
            self.handle.reconnect("a port that had to be denied to the firmware is free now");
        }
        self.publish();
    }

    fn forward(&mut self, request: ForwardRequest) {
        let served = self.ports.ask(request.port);
        self.handle.answer_forward(request.forward, served);
        self.publish();
    }

    // ---- clients ----

    fn accepted(&mut self, accepted: io::Result<Arrival>, stop: &CancellationToken) {
        match accepted {
            Ok(Arrival { port, stream, client, local }) => {
                let owner = self.peers.owner(client, local);
                let peer = owner.user;
                let held = self.per_peer.get(&peer).copied().unwrap_or_default();
                if held >= self.config.max_per_peer {
                    let what = "a local user has too many connections; closing one more";
                    self.complain(Trouble::TooMany(peer), what, Some(peer));
                    self.clients.refused(port.0, "its user has too many connections");
                    self.count(|status| status.over_limit += 1);
                } else {
                    let asks = self.relay.rules.asks_for_executable(port, peer);
                    let programs = asks.then(|| self.programs.clone());
                    let executable = async move { programs?.executable(owner).await };
                    let spec = FlowSpec { port, originator: client, peer };
                    self.serve(stream, (spec, owner), executable, stop.clone());
                }
            }
            Err(error) => {
                let what = format!("cannot accept clients for a moment: {error}");
                self.complain(Trouble::Accept(error.kind()), &what, None);
                self.accept_again_at = Some(Instant::now() + ACCEPT_PAUSE);
                self.count(|status| status.accept_errors += 1);
            }
        }
    }

    /// Accepts a connection of the daemon itself, however many clients there are: a crowd of clients must not keep a job
    /// from finishing.
    fn welcome(&mut self, Visitor { port, stream }: Visitor, stop: &CancellationToken) {
        let spec = FlowSpec { port, originator: door::ORIGINATOR, peer: self.doorway.user };
        let owner = Owner { user: spec.peer, inode: 0 };
        let executable = ready(self.doorway.executable.clone());
        self.serve(stream, (spec, owner), executable, stop.clone());
    }

    /// Serves a client. `executable` looks up its program, if a rule depends on that.
    fn serve(
        &mut self,
        stream: impl Socket + Send + 'static,
        (spec, owner): (FlowSpec, Owner),
        executable: impl Future<Output = Option<Arc<str>>> + Send + 'static,
        stop: CancellationToken,
    ) {
        *self.per_peer.entry(spec.peer).or_default() += 1;
        let config = Arc::clone(&self.relay);
        let (id, handle, meter) = (self.handle.next_flow(), self.handle.clone(), Meter::new());
        let counted = Arc::clone(&meter);
        let task = self.connections.spawn(async move {
            let client = Client { port: spec.port, user: spec.peer, executable: executable.await };
            let relay = Relay::new(config, client, Instant::now());
            let connection = Connection::new(stream, relay, counted, handle.link());
            let flow = handle.open(id, spec, Arc::clone(&connection) as Arc<dyn Line>);
            (id, connection.serve(flow, stop).await)
        });
        self.clients.opened(id, (spec, owner), meter, task);
        let connections = self.connections.len();
        self.heap.serves(connections);
        self.count(|status| {
            status.accepted += 1;
            status.connections = connections;
        });
    }

    fn ended(&mut self, ended: Result<(FlowId, Summary), JoinError>) {
        let (id, summary) = match ended {
            Ok((id, summary)) => (Some(id), summary),
            Err(error) => {
                // A panic is a defect of the daemon, but it hurts only this client.
                if error.is_panic() {
                    warn!(%error, "a connection ended abnormally");
                }
                (self.clients.of_task(error.id()), Summary { cut: true, ..Summary::default() })
            }
        };
        let Some(peer) = id.and_then(|id| self.clients.ended(id, &summary)) else { return };
        if let Some(held) = self.per_peer.get_mut(&peer) {
            *held -= 1;
            if *held == 0 {
                self.per_peer.remove(&peer);
            }
        }
        if summary.refused > 0 {
            let what = "clients are refused because the firmware cannot serve them; see the status";
            self.complain(Trouble::Refused, what, Some(peer));
        }
        let connections = self.connections.len();
        self.heap.serves(connections);
        self.count(|status| {
            status.connections = connections;
            status.answered += summary.answered;
            status.refused += summary.refused;
            status.cut += u64::from(summary.cut);
            status.from_client += summary.from_client;
            status.to_client += summary.to_client;
        });
    }

    /// Accepts nothing new, and lets what is under way finish.
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

    // ---- reporting ----

    fn publish(&self) {
        let ports = self.ports.report();
        self.status.send_if_modified(|status| {
            let is_news = status.ports != ports;
            status.ports = ports;
            is_news
        });
    }

    fn count(&self, change: impl FnOnce(&mut FrontStatus)) {
        self.status.send_if_modified(|status| {
            change(status);
            false
        });
    }

    /// Logs trouble, at a limited rate.
    fn complain(&self, cause: Trouble, what: &str, peer: Option<u32>) {
        if let Some(unlogged) = self.complaints.due(cause, Instant::now()) {
            warn!(peer, unlogged, "{what}");
        }
    }
}

/// Causes of warnings that clients can provoke without limit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Trouble {
    /// A user has too many connections.
    TooMany(u32),
    /// Connections cannot be accepted.
    Accept(io::ErrorKind),
    /// Firmware could not serve a client.
    Refused,
}

async fn sleep_till(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at.into()).await,
        None => pending().await,
    }
}
