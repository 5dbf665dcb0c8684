//! The listening sockets: which firmware port is served on which local port, and the reason if one is not.
//!
//! Sockets stay open while the link is down and after firmware withdraws a port, because other tools that are refused a
//! connection open the device themselves. If one port cannot be opened, the others are not affected: the failure is
//! reported with the name of the program that holds the port, and tried again.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{IpAddr, SocketAddr},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use amtd_apf::Port;
use nix::errno::Errno;
use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tracing::{info, warn};

use super::holder;

/// The ports without which the daemon is of no use.
const WSMAN: [u16; 2] = [16992, 16993];

/// Where ports are served.
#[derive(Debug, Clone)]
pub struct PortsConfig {
    /// Ports that are open from the start.
    pub from_start: Vec<u16>,
    /// Local addresses.
    pub addresses: Vec<IpAddr>,
    /// Firmware port to local port; 0 is any free one. A port that is not named is served under its own number.
    pub remap: BTreeMap<u16, u16>,
    /// Connections that the kernel keeps waiting to be accepted.
    pub backlog: u32,
    /// Bytes that the kernel may keep for a client, in each direction.
    pub socket_buffer: usize,
    /// First pause before a port that could not be opened is tried again; doubled up to [`Self::retry_max`].
    pub retry_first: Duration,
    /// Longest such pause.
    pub retry_max: Duration,
}

/// A served port, or one that should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortReport {
    /// Port of firmware.
    pub port: u16,
    /// Whether firmware asked for it in the present or an earlier session.
    pub asked: bool,
    /// Where it is served.
    pub addresses: Vec<SocketAddr>,
    /// Why it is not served, or not everywhere.
    pub error: Option<String>,
    /// The program that holds it instead.
    pub holder: Option<String>,
}

/// See the [module](self).
pub(super) struct Ports {
    config: PortsConfig,
    entries: BTreeMap<u16, Entry>,
    /// Listeners handed over by the service manager, until they are claimed.
    inherited: Vec<std::net::TcpListener>,
    /// How many listeners are passed over before the first is asked for a client.
    skipped: usize,
}

#[derive(Default)]
struct Entry {
    listeners: Vec<Listener>,
    asked: bool,
    /// Firmware was refused this port, and will not ask again by itself (apf 3.5).
    denied: bool,
    failure: Option<Failure>,
}

struct Listener {
    /// Its address, which is the local address of every connection that it accepts.
    at: SocketAddr,
    socket: TcpListener,
}

/// A client that has just connected.
pub(super) struct Arrival {
    /// The firmware port that it asks for.
    pub(super) port: Port,
    pub(super) stream: TcpStream,
    /// Its own address.
    pub(super) client: SocketAddr,
    /// The address that it connected to.
    pub(super) local: SocketAddr,
}

struct Failure {
    error: String,
    holder: Option<String>,
    retry_at: Instant,
    pause: Duration,
}

impl Ports {
    /// Opens the ports that are served from the start: those of the configuration, and those of the service manager's
    /// sockets, because the kernel lets clients connect to these whether or not the daemon accepts.
    pub(super) fn open(config: PortsConfig, inherited: Vec<std::net::TcpListener>) -> Self {
        let mut ports = Self { entries: BTreeMap::new(), inherited, skipped: 0, config };
        for port in ports.starting_ports() {
            ports.bind(port);
        }
        for unclaimed in ports.inherited.drain(..) {
            let address = unclaimed.local_addr().map_or("unknown".into(), |address| address.to_string());
            warn!(
                address,
                "a socket from the service manager is at no address of front.addresses; it is not served"
            );
        }
        ports
    }

    fn starting_ports(&self) -> BTreeSet<u16> {
        let inherited = self.inherited.iter().filter_map(|listener| listener.local_addr().ok());
        let served = inherited.filter(|address| self.config.addresses.contains(&address.ip()));
        let inherited = served.map(|address| self.firmware_port(address.port()));
        self.config.from_start.iter().copied().chain(inherited).collect()
    }

    /// The firmware port that is served on a local port.
    fn firmware_port(&self, local: u16) -> u16 {
        self.config.remap.iter().find(|(_, mapped)| **mapped == local).map_or(local, |(port, _)| *port)
    }

    /// Firmware asks for a port. Returns whether it is served.
    pub(super) fn ask(&mut self, port: Port) -> bool {
        if self.entries.get(&port.0).is_none_or(|entry| entry.listeners.is_empty()) {
            self.bind(port.0);
        }
        let entry = self.entries.entry(port.0).or_default();
        entry.asked = true;
        entry.denied = entry.listeners.is_empty();
        !entry.denied
    }

    /// Tries again to open what failed. Returns whether a WSMAN port that firmware was denied is open now: that is worth a
    /// new session, because firmware does not ask again by itself (apf 3.5). Other ports wait for the next session.
    pub(super) fn retry(&mut self, now: Instant) -> bool {
        let due: Vec<u16> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.failure.as_ref().is_some_and(|failure| failure.retry_at <= now))
            .map(|(port, _)| *port)
            .collect();
        let mut regained = false;
        for port in due {
            self.bind(port);
            if let Some(entry) = self.entries.get_mut(&port) {
                let is_wsman = WSMAN.contains(&port);
                regained |= is_wsman && entry.denied && !entry.listeners.is_empty();
                entry.denied &= entry.listeners.is_empty();
            }
        }
        regained
    }

    /// When to call [`Self::retry`].
    pub(super) fn next_retry(&self) -> Option<Instant> {
        self.entries.values().filter_map(|entry| entry.failure.as_ref()).map(|failure| failure.retry_at).min()
    }

    /// The next client. The listeners take turns, so that a flood of clients on one port does not keep the others waiting.
    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Arrival>> {
        let listeners =
            || self.entries.iter().flat_map(|(port, entry)| entry.listeners.iter().map(|one| (*port, one)));
        let count = listeners().count();
        let in_turn = listeners().chain(listeners()).enumerate().skip(self.skipped).take(count);
        for (place, (port, Listener { at, socket })) in in_turn {
            if let Poll::Ready(accepted) = socket.poll_accept(cx) {
                let arrival = |(stream, client)| Arrival { port: Port(port), stream, client, local: *at };
                self.skipped = (place + 1) % count;
                return Poll::Ready(accepted.map(arrival));
            }
        }
        Poll::Pending
    }

    /// The state of every port.
    pub(super) fn report(&self) -> Vec<PortReport> {
        let report = |(port, entry): (&u16, &Entry)| PortReport {
            port: *port,
            asked: entry.asked,
            addresses: entry.listeners.iter().map(|listener| listener.at).collect(),
            error: entry.failure.as_ref().map(|failure| failure.error.clone()),
            holder: entry.failure.as_ref().and_then(|failure| failure.holder.clone()),
        };
        self.entries.iter().map(report).collect()
    }

    /// Opens a port on every address where it is not open yet, as far as possible.
    fn bind(&mut self, port: u16) {
        let mut local = self.config.remap.get(&port).copied().unwrap_or(port);
        let mut entry = self.entries.remove(&port).unwrap_or_default();
        let before = entry.failure.take();
        for address in self.config.addresses.clone() {
            if let Some(open) = entry.listeners.iter().find(|listener| listener.at.ip() == address) {
                local = open.at.port();
                continue;
            }
            let at = SocketAddr::new(address, local);
            match self.listen(at) {
                Ok(listener) => {
                    // A port chosen by the kernel is the same on every address.
                    local = listener.at.port();
                    info!(port, address = %listener.at, "listening");
                    entry.listeners.push(listener);
                }
                Err(error) if is_absent_family(&error) => {}
                Err(error) => entry.failure = Some(self.failure(at, &error, before.as_ref())),
            }
        }
        self.entries.insert(port, entry);
    }

    fn listen(&mut self, at: SocketAddr) -> io::Result<Listener> {
        let inherited =
            self.inherited.iter().position(|listener| listener.local_addr().is_ok_and(|own| own == at));
        let listener = match inherited {
            Some(place) => self.inherited.swap_remove(place),
            None => bind(at, self.config.backlog)?,
        };
        // Each accepted connection inherits these options. By default the kernel would buffer megabytes for a client that
        // reads nothing, and firmware would be held back only when they are full.
        let socket = SockRef::from(&listener);
        socket.set_send_buffer_size(self.config.socket_buffer)?;
        socket.set_recv_buffer_size(self.config.socket_buffer)?;
        // Firmware's small messages must not wait for the client's acknowledgements.
        socket.set_tcp_nodelay(true)?;
        listener.set_nonblocking(true)?;
        let socket = TcpListener::from_std(listener)?;
        Ok(Listener { at: socket.local_addr()?, socket })
    }

    fn failure(&self, at: SocketAddr, error: &io::Error, before: Option<&Failure>) -> Failure {
        let pause = before.map_or(self.config.retry_first, |failure| failure.pause.saturating_mul(2));
        let pause = pause.min(self.config.retry_max);
        // Looked up only when the trouble is new, not at each retry, because it searches all processes.
        let in_use = error.kind() == io::ErrorKind::AddrInUse;
        let holder = match before {
            Some(failure) => failure.holder.clone(),
            None => in_use.then(|| holder::of_port(at.port())).flatten(),
        };
        let by = holder.as_deref().unwrap_or("unknown");
        if before.is_none() {
            warn!(address = %at, %error, holder = by, "cannot listen; the other ports are not affected");
        }
        Failure {
            error: format!("cannot listen on {at}: {error}"),
            holder,
            retry_at: Instant::now() + pause,
            pause,
        }
    }
}

fn bind(at: SocketAddr, backlog: u32) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, None)?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.bind(&at.into())?;
    socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// Whether the machine lacks the address family: it is then served on the other one.
fn is_absent_family(error: &io::Error) -> bool {
    let absent = [Errno::EAFNOSUPPORT, Errno::EADDRNOTAVAIL];
    error.raw_os_error().is_some_and(|errno| absent.contains(&Errno::from_raw(errno)))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn config() -> PortsConfig {
        PortsConfig {
            from_start: Vec::new(),
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)],
            remap: BTreeMap::new(),
            backlog: 16,
            socket_buffer: 16_384,
            retry_first: Duration::from_secs(1),
            retry_max: Duration::from_secs(1),
        }
    }

    fn opened() -> (std::net::TcpListener, u16) {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        (listener, port)
    }

    #[tokio::test]
    async fn client_of_a_socket_that_systemd_opened_does_not_wait_for_firmware_to_ask() {
        let ((plain, port), (mapped, local)) = (opened(), opened());
        let config = PortsConfig { remap: [(664, local)].into(), ..config() };
        let ports = Ports::open(config, vec![plain, mapped]);
        let served: Vec<_> = ports.report().into_iter().map(|report| (report.port, report.asked)).collect();
        let mut expected = [(664, false), (port, false)];
        expected.sort_unstable();
        assert_eq!(served, expected);
    }

    #[tokio::test]
    async fn a_flood_on_one_port_does_not_keep_the_clients_of_another_waiting() {
        let config =
            PortsConfig { from_start: vec![623, 16_992], remap: [(623, 0), (16_992, 0)].into(), ..config() };
        let mut ports = Ports::open(config, Vec::new());
        let at: Vec<_> = ports.report().iter().map(|report| report.addresses[0]).collect();
        let connect = |place: usize| std::net::TcpStream::connect(at[place]).unwrap();
        let (_flood, _other) = ([connect(0), connect(0), connect(0)], connect(1));
        let mut order = Vec::new();
        for _ in 0..4 {
            let arrival = std::future::poll_fn(|cx| ports.poll_accept(cx)).await.unwrap();
            order.push(arrival.port.0);
        }
        assert_eq!(order, [623, 16_992, 623, 623]);
    }

    #[tokio::test]
    async fn small_answers_are_not_delayed_and_the_kernel_keeps_little_for_a_client() {
        let (inherited, _) = opened();
        let mut ports = Ports::open(
            PortsConfig { from_start: vec![623], remap: [(623, 0)].into(), ..config() },
            vec![inherited],
        );
        let served: Vec<_> = ports.report().iter().map(|report| report.addresses[0]).collect();
        assert_eq!(served.len(), 2);
        for at in served {
            let _client = std::net::TcpStream::connect(at).unwrap();
            let Arrival { stream, .. } = std::future::poll_fn(|cx| ports.poll_accept(cx)).await.unwrap();
            assert!(stream.nodelay().unwrap(), "{at}");
            let socket = SockRef::from(&stream);
            // The kernel doubles what it is asked for.
            assert_eq!(socket.send_buffer_size().unwrap(), 2 * config().socket_buffer);
            assert_eq!(socket.recv_buffer_size().unwrap(), 2 * config().socket_buffer);
        }
    }

    #[tokio::test]
    async fn socket_at_an_address_that_is_not_configured_is_not_served() {
        let (listener, _) = opened();
        let elsewhere = PortsConfig { addresses: vec![IpAddr::from([127, 0, 0, 2])], ..config() };
        assert!(Ports::open(elsewhere, vec![listener]).report().is_empty());
    }
}
