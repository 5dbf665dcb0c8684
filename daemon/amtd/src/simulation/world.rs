//! The world of one seed: the clock, and the connections between clients, relays, multiplexer, device and firmware.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::{Duration, Instant},
};

use amtd_apf::{
    Class, Event as SessionEvent, Port,
    mux::{Event, FlowEnd, FlowEvent, FlowId, FlowSpec, Mux, MuxConfig},
};
use amtd_mei::{LinkError, LinkState};

use super::{
    client::Client,
    device::{Device, Recv},
    firmware::Firmware,
    invariants::Waiters,
    seen::Seen,
    traffic::{ECHO, HTTP, path},
};
use crate::{
    driver::{FlowCommand, simulated::End},
    front::simulated::{self, Ending, Relay},
};

/// Steps after which faults and new clients end.
const UNREST: usize = 1500;
/// Steps in which everything must have come to its end afterwards.
const REST: usize = 60_000;
/// Bytes that the daemon reads from a client at once.
const READ: usize = 16 * 1024;

/// A client connection as the daemon sees it.
pub(super) struct Connection {
    pub(super) relay: Relay,
    client: usize,
    /// Still known to the multiplexer.
    pub(super) attached: bool,
    /// It got its last event.
    told_last: bool,
}

/// See the [module](self).
pub(super) struct World {
    pub(super) rng: fastrand::Rng,
    tell: bool,
    start: Instant,
    pub(super) now: Instant,
    pub(super) steps: usize,
    pub(super) mux: Mux,
    config: Arc<simulated::RelayConfig>,
    pub(super) connections: BTreeMap<FlowId, Connection>,
    next_flow: u64,
    pub(super) clients: Vec<Client>,
    /// When each client acts next.
    wakes: Vec<Instant>,
    pub(super) firmware: Firmware,
    pub(super) device: Device,
    /// Messages that the driver reads in one turn.
    receive_budget: usize,
    pub(super) waiters: Waiters,
    trace: DefaultHasher,
    pub(super) seen: Seen,
}

impl World {
    pub(super) fn new(seed: u64, tell: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        // Virtual time needs a beginning; nothing depends on which.
        let start = Instant::now();
        let firmware = Firmware::random(&mut rng);
        let receive_budget = [1, 3, 64][rng.usize(0..3)];
        let rules =
            Class::ALL.map(|class| format!("[[rule]]\nclass = \"{class}\"\npath = [\"{}\"]\n", path(class)));
        Self {
            config: simulated::relay_config(&toml::from_str(&rules.concat()).expect("rules")),
            mux: Mux::new(MuxConfig {
                reserved_slots: rng.usize(0..3),
                backlog: Duration::from_millis([0, 1, 3_600_000][rng.usize(0..3)]),
                bulk_after: 20_000,
                ..MuxConfig::default()
            }),
            rng,
            tell,
            start,
            now: start,
            steps: 0,
            connections: BTreeMap::new(),
            next_flow: 0,
            clients: Vec::new(),
            wakes: Vec::new(),
            firmware,
            device: Device::new(start),
            receive_budget,
            waiters: Waiters::default(),
            trace: DefaultHasher::new(),
            seen: Seen::default(),
        }
    }

    pub(super) fn trace(&self) -> u64 {
        self.trace.finish()
    }

    pub(super) fn run(&mut self) {
        while self.steps < UNREST {
            self.trouble();
            self.step();
        }
        self.firmware.mood = Default::default();
        self.device.calm();
        // An opaque stream may be idle for ever while nobody needs its channel.
        for client in self.clients.iter_mut().filter(|client| client.is_echo() && client.mute) {
            client.done = true;
        }
        while !self.is_quiet() {
            assert!(
                self.steps < UNREST + REST,
                "no end after the faults: {:?}",
                self.mux.flows().collect::<Vec<_>>()
            );
            self.step();
        }
        assert_eq!(self.mux.flows().count(), 0);
        let slots = self.mux.slots().map(|slots| slots.used()).unwrap_or(0);
        assert_eq!(slots, 0, "slots leaked: {:?}", self.mux.slots());
        for client in &self.clients {
            self.seen.add_to("vanished", client.vanished.into());
            self.seen.add_to("half-closed", client.fin_sent.into());
            self.seen.add_to("fell silent", client.mute.into());
        }
        self.seen.add_to("messages read behind POLLERR", self.device.read_behind_error);
        self.seen.steps = self.steps as u64;
        self.seen.hours = self.now.duration_since(self.start).as_secs() / 3600;
    }

    /// Everybody has left, and nothing is under way.
    fn is_quiet(&self) -> bool {
        let settled = self.mux.slots().is_none_or(|slots| slots.used() == 0);
        self.connections.is_empty() && self.device.is_open() && settled && self.firmware.inbox.is_empty()
    }

    pub(super) fn connect(&mut self) {
        let id = self.clients.len() as u32;
        let client = Client::random(&mut self.rng, id);
        let port = Port(if client.is_echo() { ECHO } else { HTTP });
        let user = self.rng.u32(1000..1003);
        self.note(|| format!("client {id} connects to {port}: {:?}", client.talk));
        self.next_flow += 1;
        let flow = FlowId(self.next_flow);
        let originator = "127.0.0.1:50000".parse().expect("an address");
        self.mux.open(flow, FlowSpec { port, originator, peer: user });
        let relay = simulated::relay(Arc::clone(&self.config), port, user, self.now);
        let connection = Connection { relay, client: self.clients.len(), attached: true, told_last: false };
        self.connections.insert(flow, connection);
        self.clients.push(client);
        self.wakes.push(self.now);
    }

    // ---- one step ----

    /// Does everything that is due, then advances the clock to the next thing that is.
    fn step(&mut self) {
        self.steps += 1;
        self.attempt();
        self.clients_act();
        if self.device.is_whole() {
            self.firmware.step(&mut self.rng, self.now);
        }
        self.host_turn();
        self.check();
        (self.steps, self.now.duration_since(self.start), self.connections.len(), self.firmware.served)
            .hash(&mut self.trace);
        self.advance();
    }

    fn attempt(&mut self) {
        match self.device.attempt(self.now, &mut self.rng) {
            Some(Ok(())) => {
                self.note(|| "link up".into());
                self.mux.link_up(self.now, 5120);
                self.firmware.restart(true);
            }
            Some(Err(error)) => {
                self.note(|| error.to_string());
                self.count_refusal(&error);
            }
            None => {}
        }
    }

    fn clients_act(&mut self) {
        for index in 0..self.clients.len() {
            if self.wakes[index] > self.now {
                continue;
            }
            let client = &mut self.clients[index];
            client.act(&mut self.rng, self.steps >= UNREST);
            self.wakes[index] = self.now + client.pause(&mut self.rng);
        }
    }

    /// Runs the driver and the tasks of the connections until none has anything to do.
    fn host_turn(&mut self) {
        for _ in 0..1000 {
            let received = self.turn();
            let served = self.serve_clients();
            let can_write = self.device.can_write(self.now, &self.firmware);
            if !received && !served && (!self.mux.wants_transmit() || !can_write) {
                return;
            }
        }
        panic!("host never falls silent");
    }

    /// A turn of the driver's loop. Returns whether the device had a message, or was lost.
    fn turn(&mut self) -> bool {
        let mut result = self.receive();
        if result.is_ok() && self.mux.poll_timeout().is_some_and(|at| at <= self.now) {
            let timeout = self.mux.handle_timeout(self.now).map_err(End::Session);
            result = timeout.and(result);
        }
        self.dispatch();
        let sent = self.transmit();
        let moved = match (result, sent) {
            (Err(end), _) | (Ok(_), Err(end)) => self.end_link(&end),
            (Ok(received), Ok(())) => received,
        };
        self.dispatch();
        moved
    }

    /// Whether there was something.
    fn receive(&mut self) -> Result<bool, End> {
        for count in 0..self.receive_budget {
            let received = self.device.recv(self.now, &mut self.firmware);
            self.seen.add_to("ENODEV on read", is_gone(&received).into());
            match received? {
                Recv::Message(message) => {
                    self.mux.handle_message(self.now, &message).map_err(End::Session)?;
                    self.dispatch();
                    if self.mux.is_pressed() {
                        self.transmit()?;
                    }
                }
                Recv::Empty => self.seen.count("empty reads"),
                Recv::WouldBlock => {
                    let has_more = self.device.is_open() && !self.firmware.outbox.is_empty();
                    self.seen.add_to("EAGAIN on read", has_more.into());
                    return Ok(count > 0);
                }
            }
        }
        Ok(true)
    }

    fn transmit(&mut self) -> Result<(), End> {
        let Self { device, firmware, mux, trace, now, .. } = self;
        let blocked = device.send(*now, firmware, |outbox| {
            let some = mux.poll_transmit(*now, outbox).is_some();
            outbox.hash(trace);
            some
        });
        self.seen.add_to("ENODEV on write", is_gone(&blocked).into());
        self.seen.add_to("EAGAIN on write", blocked?.into());
        Ok(())
    }

    /// Ends the link as the driver does. Returns whether there was one.
    pub(super) fn end_link(&mut self, end: &End) -> bool {
        let Some(pause) = self.device.end(self.now, &mut self.rng, end) else { return false };
        self.note(|| format!("link lost: {end}; {pause:?}"));
        let event = match end {
            // Counted where it was met.
            End::Device(LinkError::Gone) => None,
            End::Device(_) => Some("other errors on read or write"),
            End::Session(_) if pause.state == LinkState::Incompatible => Some("unknown versions"),
            End::Session(_) => Some("ends by the session"),
            End::Stalled => Some("ends by full queues"),
            End::Empty => Some("ends by empty reads"),
            End::Asked(_) => Some("ends by order"),
        };
        event.into_iter().for_each(|event| self.seen.count(event));
        self.mux.link_lost(self.now);
        true
    }

    fn dispatch(&mut self) {
        while let Some(event) = self.mux.poll_event() {
            match event {
                Event::Flow { flow, event } => self.tell_connection(flow, event),
                Event::Session(SessionEvent::Ready) => self.device.session_ready(self.now),
                Event::Session(SessionEvent::ForwardRequested { forward, .. }) => {
                    self.mux.answer_forward(self.now, forward, true);
                }
                Event::Late { .. }
                | Event::Silent { .. }
                | Event::Speaks
                | Event::Gone { .. }
                | Event::Session(_) => {}
            }
        }
    }

    fn tell_connection(&mut self, flow: FlowId, event: FlowEvent) {
        let Some(connection) = self.connections.get_mut(&flow) else { return };
        assert!(!connection.told_last, "{event:?} after the last");
        if !connection.attached {
            return;
        }
        if let FlowEvent::Closed(end) = &event {
            self.seen.add_to("displaced", (*end == FlowEnd::Displaced).into());
        }
        connection.told_last = matches!(event, FlowEvent::Closed(_) | FlowEvent::Refused(_));
        connection.attached = !connection.told_last;
        connection.relay.event(self.now, event, &|| "simulated".into());
        write(&mut connection.relay, &mut self.clients[connection.client], self.now);
        self.listen(flow);
    }

    /// Runs the commands of a connection.
    fn listen(&mut self, flow: FlowId) {
        let Some(connection) = self.connections.get_mut(&flow) else { return };
        let commands: Vec<_> = connection.relay.commands().collect();
        for command in commands {
            self.command(flow, command);
        }
    }

    /// Runs every connection's task until it has nothing to do. Returns whether one of them did something.
    fn serve_clients(&mut self) -> bool {
        let flows: Vec<_> = self.connections.keys().copied().collect();
        let mut moved = false;
        for flow in flows {
            while self.serve(flow) {
                moved = true;
            }
        }
        moved
    }

    fn serve(&mut self, flow: FlowId) -> bool {
        let now = self.now;
        let Some(connection) = self.connections.get_mut(&flow) else { return false };
        let client = &mut self.clients[connection.client];
        let relay = &mut connection.relay;
        let mut moved = write(relay, client, now);
        if let Some(ending) = relay.ended() {
            self.listen(flow);
            return self.end(flow, ending);
        }
        if client.done {
            relay.client_gone();
            moved = true;
        } else {
            moved |= read(relay, client, now);
        }
        if relay.deadline().is_some_and(|at| at <= now) {
            relay.timeout(now);
            moved = true;
        }
        // Sometimes firmware is read again before the driver gets the commands.
        moved |= relay.has_commands();
        if self.rng.u8(0..4) > 0 {
            self.listen(flow);
        }
        self.dispatch();
        moved
    }

    fn command(&mut self, flow: FlowId, command: FlowCommand) {
        let now = self.now;
        match command {
            FlowCommand::Request(request) => self.mux.request(now, flow, request),
            FlowCommand::Reclassify(request) => self.mux.reclassify(now, flow, request),
            FlowCommand::Send { bytes, whole } => self.mux.send(now, flow, bytes, whole),
            FlowCommand::HalfClose => self.mux.half_close(flow),
            FlowCommand::Finish { keep } => self.mux.finish(now, flow, keep),
            FlowCommand::Delivered(bytes) => self.mux.delivered(now, flow, bytes),
            FlowCommand::Close { orderly } => {
                if let Some(connection) = self.connections.get_mut(&flow) {
                    connection.attached = false;
                }
                self.mux.close(now, flow, orderly);
            }
        }
    }

    fn end(&mut self, flow: FlowId, ending: Ending) -> bool {
        let Some(connection) = self.connections.remove(&flow) else { return true };
        assert!(!connection.attached, "a connection ends without a word to the driver");
        let client = &mut self.clients[connection.client];
        let id = client.id;
        match ending {
            Ending::Orderly => client.fin_received = true,
            Ending::Reset => client.reset(),
        }
        let summary = connection.relay.summary();
        self.seen.add_to("answered", summary.answered);
        self.seen.add_to("refused", summary.refused);
        self.seen.add_to("cut", summary.cut.into());
        self.note(|| format!("client {id}: {ending:?} {summary:?}"));
        true
    }

    /// Advances the clock to the next moment at which something is due.
    fn advance(&mut self) {
        let mut due: Vec<Instant> = Vec::new();
        due.extend(self.mux.poll_timeout());
        due.extend(self.device.due(self.now, &self.firmware));
        due.extend(self.connections.values().filter_map(|connection| connection.relay.deadline()));
        if self.device.is_whole() {
            due.extend(self.firmware.busy_until(self.now));
        }
        let open: Vec<_> = self.connections.values().map(|connection| connection.client).collect();
        due.extend(
            open.into_iter().filter(|client| !self.clients[*client].mute).map(|client| self.wakes[client]),
        );
        let next = due.into_iter().min().unwrap_or(self.now + Duration::from_millis(100));
        // Nothing takes no time at all.
        self.now = next.max(self.now + Duration::from_micros(10));
    }

    #[expect(clippy::disallowed_macros, reason = "in tests only")]
    pub(super) fn note(&self, what: impl FnOnce() -> String) {
        if self.tell {
            println!("{:>12.6} {}", self.now.duration_since(self.start).as_secs_f64(), what());
        }
    }
}

/// As [`connection`](crate::front) does: what the socket takes, one message of firmware after the other.
fn write(relay: &mut Relay, client: &mut Client, now: Instant) -> bool {
    let mut moved = false;
    while let Some(bytes) = relay.output() {
        if client.done {
            relay.client_gone();
            return true;
        }
        let count = bytes.len().min(client.takes());
        if count == 0 {
            break;
        }
        client.given(&bytes[..count]);
        relay.written(now, count);
        moved = true;
    }
    if relay.flushed(now) {
        client.fin_received = true;
        moved = true;
    }
    moved
}

fn read(relay: &mut Relay, client: &mut Client, now: Instant) -> bool {
    let limit = relay.read_limit().min(READ);
    if limit == 0 {
        return false;
    }
    let count = limit.min(client.to_daemon.len());
    if count > 0 {
        let bytes: Vec<u8> = client.to_daemon.drain(..count).collect();
        relay.client_bytes(now, &bytes);
        return true;
    }
    if client.fin_sent && !client.fin_seen {
        client.fin_seen = true;
        relay.client_end(now);
        return true;
    }
    false
}

fn is_gone<T>(result: &Result<T, End>) -> bool {
    matches!(result, Err(End::Device(LinkError::Gone)))
}
