//! The world of one seed: the clock, the wiring between clients, relays, multiplexer, device and firmware, the faults,
//! and the invariants.

use std::{
    collections::{BTreeMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    sync::Arc,
    time::{Duration, Instant},
};

use amtd_apf::{
    Class, Event as SessionEvent, OpenFailureReason, Port,
    mux::{Event, FlowEnd, FlowEvent, FlowId, FlowSpec, Mux, MuxConfig},
};

use super::{
    client::Client,
    firmware::Firmware,
    traffic::{ECHO, HTTP, path},
};
use crate::{
    driver::FlowCommand,
    front::simulated::{self, Ending, Relay},
};

/// Steps after which faults and new clients end.
const UNREST: usize = 1500;
/// Steps in which everything must have come to its end afterwards.
const REST: usize = 60_000;
const CLIENTS: u32 = 12;
/// Bytes that the daemon reads from a client at once.
const READ: usize = 16 * 1024;
/// How long a blocked device is waited for, as in the driver's configuration.
const TRANSMIT_STALL: Duration = Duration::from_secs(30);

/// What happened in one or more runs.
#[derive(Debug, Default, Clone)]
pub(super) struct Seen {
    pub(super) steps: u64,
    pub(super) answered: u64,
    pub(super) refused: u64,
    pub(super) cut: u64,
    pub(super) links_lost: u64,
    pub(super) session_errors: u64,
    pub(super) blocked: u64,
    pub(super) restarts: u64,
    pub(super) firmware_closes: u64,
    pub(super) displaced: u64,
    pub(super) hours: u64,
}

impl Seen {
    pub(super) fn add(&mut self, other: &Self) {
        let Self { steps, answered, refused, cut, links_lost, session_errors, blocked, .. } = other;
        self.steps += steps;
        self.answered += answered;
        self.refused += refused;
        self.cut += cut;
        self.links_lost += links_lost;
        self.session_errors += session_errors;
        self.blocked += blocked;
        self.restarts += other.restarts;
        self.firmware_closes += other.firmware_closes;
        self.displaced += other.displaced;
        self.hours += other.hours;
    }

    pub(super) fn assert_everything_happened(&self) {
        let Self { steps, answered, refused, cut, links_lost, session_errors, blocked, .. } = *self;
        let Self { restarts, firmware_closes, displaced, hours, .. } = *self;
        for count in [
            steps,
            answered,
            refused,
            cut,
            links_lost,
            session_errors,
            blocked,
            restarts,
            firmware_closes,
            displaced,
            hours,
        ] {
            assert!(count > 0, "something never happened: {self:?}");
        }
    }
}

/// A client connection as the daemon has it.
struct Connection {
    relay: Relay,
    client: usize,
    events: VecDeque<FlowEvent>,
    /// Still known to the multiplexer.
    attached: bool,
}

/// See the [module](self).
pub(super) struct World {
    rng: fastrand::Rng,
    tell: bool,
    start: Instant,
    now: Instant,
    steps: usize,
    mux: Mux,
    config: Arc<simulated::RelayConfig>,
    connections: BTreeMap<FlowId, Connection>,
    next_flow: u64,
    clients: Vec<Client>,
    /// When each client acts next.
    wakes: Vec<Instant>,
    firmware: Firmware,
    linked: bool,
    reconnect_at: Option<Instant>,
    /// The device takes nothing until then.
    blocked_until: Option<Instant>,
    blocked_since: Option<Instant>,
    outbox: Vec<u8>,
    trace: DefaultHasher,
    pub(super) seen: Seen,
}

impl World {
    pub(super) fn new(seed: u64, tell: bool) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        // Virtual time needs a beginning; nothing depends on which.
        let start = Instant::now();
        let firmware = Firmware::random(&mut rng);
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
            linked: false,
            reconnect_at: Some(start),
            blocked_until: None,
            blocked_since: None,
            outbox: Vec::new(),
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
        self.blocked_until = None;
        // A stream that nobody can follow may rest for ever, if nobody needs its channel.
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
        self.seen.steps = self.steps as u64;
        self.seen.hours = self.now.duration_since(self.start).as_secs() / 3600;
    }

    /// Everybody has left, and nothing is under way.
    fn is_quiet(&self) -> bool {
        let settled = self.mux.slots().is_none_or(|slots| slots.used() == 0);
        self.connections.is_empty() && self.linked && settled && self.firmware.inbox.is_empty()
    }

    // ---- what goes wrong ----

    fn trouble(&mut self) {
        if (self.clients.len() as u32) < CLIENTS && self.rng.u8(0..30) == 0 {
            self.connect();
        }
        let milliseconds = self.rng.u64(1..3000);
        let until = self.now + Duration::from_millis(milliseconds);
        match self.rng.u32(0..900) {
            0 => self.lose_link("the device is gone"),
            1 => {
                self.note(|| "firmware restarts its session".into());
                self.seen.restarts += 1;
                self.firmware.restart(false);
            }
            2..=3 => {
                let reason = self.rng.u32(0..6);
                self.firmware.mood.refusals.push_back((reason > 0).then_some(OpenFailureReason(reason)));
            }
            4 => self.firmware.mood.holds_closes ^= true,
            5 => self.firmware.mood.holds_credit ^= true,
            6 => self.firmware.mood.stalled_until = Some(until),
            7 => {
                self.seen.firmware_closes += 1;
                self.firmware.close_one(&mut self.rng);
            }
            8 => self.firmware.stray(&mut self.rng),
            9 => self.firmware.duplicate(),
            10 if self.rng.bool() => self.firmware.garbage(&mut self.rng),
            11 => self.firmware.forward(HTTP, false),
            12 => self.firmware.forward(HTTP, true),
            13 => self.blocked_until = Some(until),
            14 if self.rng.u8(0..4) == 0 => {
                let minutes = self.rng.u64(1..200);
                self.note(|| format!("suspended for {minutes} min"));
                self.now += Duration::from_secs(60 * minutes);
                self.lose_link("resumed");
            }
            15 => self.firmware.outbox.push_back(Vec::new()),
            _ => {}
        }
    }

    fn connect(&mut self) {
        let id = self.clients.len() as u32;
        let client = Client::random(&mut self.rng, id);
        let port = Port(if client.is_echo() { ECHO } else { HTTP });
        let user = self.rng.u32(1000..1003);
        self.note(|| format!("{client:?} connects"));
        self.next_flow += 1;
        let flow = FlowId(self.next_flow);
        let originator = "127.0.0.1:50000".parse().expect("an address");
        self.mux.open(flow, FlowSpec { port, originator, peer: user });
        let relay = simulated::relay(Arc::clone(&self.config), port, user, self.now);
        let connection =
            Connection { relay, client: self.clients.len(), events: VecDeque::new(), attached: true };
        self.connections.insert(flow, connection);
        self.clients.push(client);
        self.wakes.push(self.now);
    }

    fn lose_link(&mut self, why: &str) {
        if !self.linked {
            return;
        }
        self.note(|| format!("link lost: {why}"));
        self.seen.links_lost += 1;
        self.linked = false;
        self.outbox.clear();
        self.blocked_since = None;
        self.mux.link_lost(self.now);
        let pause = self.rng.u64(10..20_000);
        self.reconnect_at = Some(self.now + Duration::from_millis(pause));
    }

    // ---- one step ----

    /// Whatever is due happens, in some order; then time goes on to the next thing that is due.
    fn step(&mut self) {
        self.steps += 1;
        if let Some(at) = self.reconnect_at.filter(|at| *at <= self.now) {
            self.reconnect(at);
        }
        self.clients_act();
        if self.linked {
            self.firmware.step(&mut self.rng, self.now);
        }
        self.host_turn();
        self.check();
        (self.steps, self.now.duration_since(self.start), self.connections.len(), self.firmware.served)
            .hash(&mut self.trace);
        self.advance();
    }

    fn reconnect(&mut self, _: Instant) {
        self.reconnect_at = None;
        self.linked = true;
        self.note(|| "link up".into());
        self.mux.link_up(self.now, 5120);
        self.firmware.restart(true);
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

    /// What the driver and the tasks of the connections do when they are woken.
    fn host_turn(&mut self) {
        for _ in 0..1000 {
            let received = self.receive();
            if self.mux.poll_timeout().is_some_and(|at| at <= self.now) {
                let result = self.mux.handle_timeout(self.now);
                self.session(result.is_ok());
            }
            self.dispatch();
            self.transmit();
            self.dispatch();
            let served = self.serve_clients();
            if !received && !served && (!self.mux.wants_transmit() || !self.can_write()) {
                return;
            }
        }
        panic!("host never falls silent");
    }

    fn receive(&mut self) -> bool {
        if !self.linked {
            return false;
        }
        let Some(message) = self.firmware.outbox.pop_front() else { return false };
        if !message.is_empty() {
            let result = self.mux.handle_message(self.now, &message);
            self.session(result.is_ok());
        }
        true
    }

    fn session(&mut self, is_well: bool) {
        if !is_well {
            self.seen.session_errors += 1;
            self.dispatch();
            self.transmit();
            self.lose_link("the session failed");
        }
    }

    fn can_write(&self) -> bool {
        let blocked = self.blocked_until.is_some_and(|until| until > self.now);
        self.linked && !blocked && self.firmware.takes()
    }

    fn transmit(&mut self) {
        while self.linked {
            if self.outbox.is_empty() && self.mux.poll_transmit(self.now, &mut self.outbox).is_none() {
                return self.outbox.clear();
            }
            if !self.can_write() {
                self.seen.blocked += 1;
                let since = *self.blocked_since.get_or_insert(self.now);
                if self.now.duration_since(since) >= TRANSMIT_STALL {
                    self.lose_link("the device takes nothing");
                }
                return;
            }
            self.blocked_since = None;
            self.outbox.hash(&mut self.trace);
            self.firmware.inbox.push_back(std::mem::take(&mut self.outbox));
        }
    }

    fn dispatch(&mut self) {
        while let Some(event) = self.mux.poll_event() {
            match event {
                Event::Flow { flow, event } => self.tell_connection(flow, event),
                Event::Session(SessionEvent::ForwardRequested { forward, .. }) => {
                    self.mux.answer_forward(self.now, forward, true);
                }
                Event::Late { .. } | Event::Session(_) => {}
            }
        }
    }

    fn tell_connection(&mut self, flow: FlowId, event: FlowEvent) {
        let Some(connection) = self.connections.get_mut(&flow) else { return };
        assert!(connection.attached, "{event:?} after the last");
        if let FlowEvent::Closed(end) = &event {
            self.seen.displaced += u64::from(*end == FlowEnd::Displaced);
        }
        connection.attached = !matches!(event, FlowEvent::Closed(_) | FlowEvent::Refused(_));
        connection.events.push_back(event);
    }

    /// Every connection's task runs until it has nothing to do. Whether one of them did something.
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
        let commands: Vec<_> = relay.commands().collect();
        if let Some(ending) = relay.ended() {
            return self.end(flow, ending, commands);
        }
        if let Some(event) = connection.events.pop_front() {
            if relay.awaits_events() {
                relay.event(now, event, &|| "simulated".into());
            }
            moved = true;
        } else if client.done {
            relay.client_gone();
            moved = true;
        } else {
            moved |= read(relay, client, now);
        }
        if relay.deadline().is_some_and(|at| at <= now) {
            relay.timeout(now);
            moved = true;
        }
        for command in commands {
            moved = true;
            self.command(flow, command);
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
            FlowCommand::Finish { keep } => self.mux.finish(now, flow, keep),
            FlowCommand::Delivered(bytes) => self.mux.delivered(now, flow, bytes),
            FlowCommand::Close { orderly } => {
                if let Some(connection) = self.connections.get_mut(&flow) {
                    connection.attached = false;
                    connection.events.clear();
                }
                self.mux.close(now, flow, orderly);
            }
        }
    }

    fn end(&mut self, flow: FlowId, ending: Ending, commands: Vec<FlowCommand>) -> bool {
        for command in commands {
            self.command(flow, command);
        }
        let Some(connection) = self.connections.remove(&flow) else { return true };
        if connection.attached {
            // As the drop of a flow does.
            self.mux.close(self.now, flow, false);
        }
        let client = &mut self.clients[connection.client];
        let id = client.id;
        match ending {
            Ending::Orderly => client.fin_received = true,
            Ending::Reset => client.reset(),
        }
        let summary = connection.relay.summary();
        self.seen.answered += summary.answered;
        self.seen.refused += summary.refused;
        self.seen.cut += u64::from(summary.cut);
        self.note(|| format!("client {id}: {ending:?} {summary:?}"));
        true
    }

    // ---- what must hold ----

    fn check(&self) {
        let timeout = self.mux.poll_timeout();
        assert!(timeout.is_none_or(|at| at > self.now), "a deadline that passed is still waited for");
        if let Some(slots) = self.mux.slots() {
            assert!(slots.used() <= 8, "{slots:?}");
        }
        let writable = self.can_write();
        assert!(!writable || !self.mux.wants_transmit(), "something to send sleeps");
        for info in self.mux.flows() {
            let waits = matches!(info.stage, "waiting" | "opening" | "ending");
            assert!(!waits || timeout.is_some(), "{info:?} waits without a deadline");
            let is_urgent = matches!(info.class, Class::Watchdog | Class::Health);
            let has_turn = info.stage == "waiting" && info.channel.is_some() && is_urgent && self.mux.ready();
            assert!(!has_turn, "{info:?} is urgent, has a channel, and waits");
        }
        for connection in self.connections.values() {
            assert!(connection.events.is_empty() || !connection.relay.awaits_events(), "an event sleeps");
            let deadline = connection.relay.deadline();
            assert!(deadline.is_none_or(|at| at > self.now), "a connection sleeps past its deadline");
            let waits_for_host = connection.attached;
            assert!(deadline.is_some() || waits_for_host, "a connection waits for nobody");
        }
    }

    /// To the next moment at which something is due.
    fn advance(&mut self) {
        let mut due: Vec<Instant> = Vec::new();
        due.extend(self.mux.poll_timeout());
        due.extend(self.reconnect_at);
        due.extend(self.connections.values().filter_map(|connection| connection.relay.deadline()));
        if self.linked {
            due.extend(self.firmware.busy_until(self.now));
            if self.mux.wants_transmit() || !self.outbox.is_empty() {
                let stalled = self.blocked_since.map(|since| since + TRANSMIT_STALL);
                due.extend(self.blocked_until.filter(|until| *until > self.now).or(stalled));
            }
        }
        let open: Vec<_> = self.connections.values().map(|connection| connection.client).collect();
        due.extend(
            open.into_iter().filter(|client| !self.clients[*client].mute).map(|client| self.wakes[client]),
        );
        let next = due.into_iter().min().unwrap_or(self.now + Duration::from_millis(100));
        // Nothing takes no time at all.
        self.now = next.max(self.now + Duration::from_micros(10));
    }

    fn note(&self, what: impl FnOnce() -> String) {
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
