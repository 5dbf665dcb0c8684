//! The driver: one task that owns the MEI device, the session with firmware and the queues in front of it.
//!
//! It never waits for another part of the daemon. Bytes from firmware reach their client by a call that does not block
//! (`Line`). A client signals that it has commands, and the driver then fetches them. Connecting and closing can block for
//! seconds (mei 2.3, 3) and happen on other threads. Each turn of the loop does a bounded amount of work, so that neither
//! a busy device nor a busy client holds up the others. Status is a copy made on request, so that reading it does not
//! disturb the loop.
//!
//! Started by `app`; used through [`Handle`].

mod alerts;
mod handle;
mod heartbeat;
mod life;
mod link;
#[cfg(test)]
pub(crate) mod simulated;
mod status;
pub(crate) mod wake;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use amtd_apf::{
    Class, DisconnectReason, Event as SessionEvent, SessionError,
    mux::{Event, FlowEvent, FlowId, Mux, MuxConfig},
};
use amtd_mei::{Connection, LinkError, LinkState, Recv, Send};
use tokio::{
    sync::{mpsc, watch},
    task::yield_now,
};
use tracing::{debug, info, warn};

pub(crate) use self::handle::{Command, Flow, FlowCommand, ForwardRequest, Line};
pub use self::{
    alerts::Alert,
    handle::Handle,
    heartbeat::Heartbeat,
    link::LinkConfig,
    status::{ClassStatus, DriverCounters, DriverStatus, LinkStatus, SessionStatus},
};
use self::{alerts::Alerts, handle::Held, link::Connector, wake::Wake};
use crate::complaints::Complaints;

/// Messages read from the device in one turn, before clients and timers are served.
const RECV_BUDGET: usize = 16;
/// Messages handed to the device in one turn, for the same reason.
const SEND_BUDGET: usize = 16;
/// Commands taken in one turn.
const COMMAND_BUDGET: usize = 128;
/// Requests of firmware for a port that the front has not handled yet; further ones are refused at once.
const FORWARD_QUEUE: usize = 32;
/// After so many empty messages in a row, the device counts as lost (apf 10, row 1).
const MAX_EMPTY: u32 = 10;
/// A session that served ports for this long has proven itself: its loss is not one more failure in a row, and the next
/// attempt follows at once.
const PROOF: Duration = Duration::from_secs(10);
/// How long a stopping driver tries to send its last message.
const GOODBYE: Duration = Duration::from_millis(500);

/// Limits of the driver.
#[derive(Debug, Clone)]
pub struct DriverConfig {
    /// How the device is found and connected.
    pub link: LinkConfig,
    /// The multiplexer.
    pub mux: MuxConfig,
    /// How long the device may take no message while one waits, before the link is given up (apf 10, row 54).
    pub transmit_stall: Duration,
}

/// See the [module](self).
pub struct Driver {
    config: DriverConfig,
    mux: Mux,
    connector: Connector,
    device: Option<Device>,
    commands: mpsc::UnboundedReceiver<Command>,
    lines: BTreeMap<FlowId, Held>,
    /// Commands of one client, on their way from its connection to the multiplexer. Empty at all other times.
    wanted: Vec<FlowCommand>,
    forwards: mpsc::Sender<ForwardRequest>,
    alerts: Alerts,
    link: watch::Sender<LinkStatus>,
    counters: DriverCounters,
    complaints: Complaints<Trouble>,
    heartbeat: Heartbeat,
    wake: Wake,
    /// The next deadline, looked up once for each turn.
    due: Option<Instant>,
    stopping: bool,
}

/// Causes of warnings that clients can provoke without limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Trouble {
    /// Firmware leaves openings of channels unanswered.
    Unanswered,
    /// An urgent request had to wait.
    Late(Class),
}

/// The device while it is connected.
struct Device {
    connection: Connection,
    /// Large enough for any message: a shorter read would lose the message boundary (mei 4).
    inbox: Vec<u8>,
    /// The next message to send. It stays here while the device does not accept it.
    outbox: Vec<u8>,
    /// Since when the device accepts no message, if it is blocked.
    blocked_since: Option<Instant>,
    /// Empty messages since the last one with content.
    empty_messages: u32,
    /// Since when firmware serves ports.
    ready_since: Option<Instant>,
}

impl Driver {
    /// A driver, the handle to it, and the ports that firmware will ask for.
    pub fn new(config: DriverConfig, heartbeat: Heartbeat) -> (Self, Handle, ForwardRequests) {
        let (commands_sender, commands) = mpsc::unbounded_channel();
        let (forwards, forward_requests) = mpsc::channel(FORWARD_QUEUE);
        let (link, link_receiver) = watch::channel(LinkStatus::new());
        let handle =
            Handle { commands: commands_sender, link: link_receiver, last_flow: Arc::new(Mutex::new(0)) };
        let driver = Self {
            mux: Mux::new(config.mux.clone()),
            connector: Connector::new(config.link.clone()),
            config,
            device: None,
            commands,
            lines: BTreeMap::new(),
            wanted: Vec::new(),
            forwards,
            alerts: Alerts::default(),
            link,
            counters: DriverCounters::default(),
            complaints: Complaints::default(),
            heartbeat,
            wake: Wake::default(),
            due: None,
            stopping: false,
        };
        (driver, handle, ForwardRequests(forward_requests))
    }

    /// Alerts from now on. An alert that the receiver has no room for is dropped.
    pub fn alerts(&mut self) -> mpsc::Receiver<Alert> {
        self.alerts.listen()
    }

    /// Runs until [`Handle::stop`]. The device is closed when it returns.
    pub async fn run(mut self) {
        let mut batch = Vec::with_capacity(COMMAND_BUDGET);
        let mut more = false;
        while !self.stopping {
            self.due = self.next_timeout();
            if more {
                // Work is left from the last turn, but other tasks must get to run too.
                // Not only those that are ready: the runtime then also asks the system for news.
                yield_now().await;
                self.take_commands(&mut batch);
            } else {
                self.wait(&mut batch).await;
            }
            let now = Instant::now();
            for command in batch.drain(..) {
                self.command(now, command);
            }
            more = self.turn(now);
            self.heartbeat.beat();
        }
        self.say_goodbye().await;
    }

    // ---- waiting ----

    /// Waits until there may be something to do. A wake-up is only a hint; the next turn looks at the state itself.
    async fn wait(&mut self, batch: &mut Vec<Command>) {
        self.wake.set(self.due);
        tokio::select! {
            biased;
            _ = self.commands.recv_many(batch, COMMAND_BUDGET) => {}
            () = device_ready(self.device.as_ref()) => {}
            attempt = self.connector.attempt(), if self.device.is_none() => self.attempted(attempt),
            () = self.wake.wait() => {}
        }
    }

    /// Takes the commands that are already queued.
    fn take_commands(&mut self, batch: &mut Vec<Command>) {
        while batch.len() < COMMAND_BUDGET
            && let Ok(command) = self.commands.try_recv()
        {
            batch.push(command);
        }
    }

    fn next_timeout(&self) -> Option<Instant> {
        let stall = self
            .device
            .as_ref()
            .and_then(|device| device.blocked_since)
            .and_then(|since| since.checked_add(self.config.transmit_stall));
        [self.mux.poll_timeout(), stall, self.heartbeat.next()].into_iter().flatten().min()
    }

    // ---- one turn ----

    /// Moves everything that can be moved, within the budgets. Returns whether there is more to move.
    fn turn(&mut self, now: Instant) -> bool {
        self.counters.turns += 1;
        let mut more = false;
        let mut result = self.receive(now, &mut more);
        if result.is_ok() && self.due.is_some_and(|at| at <= now) {
            let before = self.unanswered();
            result = self.mux.handle_timeout(now).map_err(End::Session);
            if self.unanswered() > before
                && let Some(unlogged) = self.complaints.due(Trouble::Unanswered, now)
            {
                warn!(unlogged, "the firmware did not answer the opening of a channel in time");
            }
        }
        self.dispatch(now);
        match result {
            Ok(()) => match self.transmit(now, &mut more) {
                Ok(()) => {}
                Err(end) => self.end_link(now, end),
            },
            Err(end) => {
                // The session may have a last message for firmware; whether the device still accepts it does not matter.
                let _ = self.transmit(now, &mut more);
                self.end_link(now, end);
            }
        }
        self.dispatch(now);
        // Messages that clients caused meanwhile leave in the next turn, unless the device is blocked.
        let is_writable = self.device.as_ref().is_some_and(|device| device.outbox.is_empty());
        more || (is_writable && self.mux.wants_transmit())
    }

    /// How many channel openings firmware left unanswered in the present session.
    fn unanswered(&self) -> u64 {
        self.mux.session().map_or(0, |session| session.counters().unanswered_opens)
    }

    fn receive(&mut self, now: Instant, more: &mut bool) -> Result<(), End> {
        for _ in 0..RECV_BUDGET {
            let Some(device) = &mut self.device else { return Ok(()) };
            match device.connection.try_recv(&mut device.inbox).map_err(End::Device)? {
                Recv::Message(length) => {
                    device.empty_messages = 0;
                    let message = device.inbox.get(..length).unwrap_or_default();
                    self.mux.handle_message(now, message).map_err(End::Session)?;
                    // Pass everything on before the next read, so that client, host and firmware work at the same time.
                    // Only credit is saved up, to half a window: firmware without any window left would stop.
                    self.dispatch(now);
                    if self.mux.is_pressed() {
                        self.transmit(now, more)?;
                    }
                }
                Recv::Empty => {
                    debug!("empty message from the device");
                    device.empty_messages += 1;
                    if device.empty_messages >= MAX_EMPTY {
                        return Err(End::Empty);
                    }
                }
                Recv::WouldBlock => return Ok(()),
            }
        }
        *more = true;
        Ok(())
    }

    fn transmit(&mut self, now: Instant, more: &mut bool) -> Result<(), End> {
        let Some(device) = &mut self.device else { return Ok(()) };
        for _ in 0..SEND_BUDGET {
            if device.outbox.is_empty() && self.mux.poll_transmit(now, &mut device.outbox).is_none() {
                device.outbox.clear();
                return Ok(());
            }
            match device.connection.try_send(&device.outbox).map_err(End::Device)? {
                Send::Done => {
                    device.outbox.clear();
                    device.blocked_since = None;
                }
                Send::WouldBlock => {
                    self.counters.blocked += 1;
                    let since = *device.blocked_since.get_or_insert(now);
                    let stalled = now.duration_since(since) >= self.config.transmit_stall;
                    return if stalled { Err(End::Stalled) } else { Ok(()) };
                }
            }
        }
        *more = true;
        Ok(())
    }

    fn dispatch(&mut self, now: Instant) {
        while let Some(event) = self.mux.poll_event() {
            match event {
                Event::Flow { flow, event } => self.tell_client(now, flow, event),
                Event::Late { flow, class, waited } => {
                    if let Some(unlogged) = self.complaints.due(Trouble::Late(class), now) {
                        let waited_ms = waited.as_millis();
                        warn!(%flow, %class, waited_ms, unlogged, "an urgent request waited for its turn");
                    }
                }
                Event::Silent { since } => self.fell_silent(now.saturating_duration_since(since)),
                Event::Speaks => self.speaks_again(),
                Event::Gone { port } => {
                    warn!(%port, "a client wanted a port that firmware has withdrawn and does not ask for again");
                    self.publish_ports();
                }
                Event::Session(event) => self.session_event(now, event),
            }
        }
    }

    fn tell_client(&mut self, now: Instant, flow: FlowId, event: FlowEvent) {
        let last = matches!(event, FlowEvent::Closed(_) | FlowEvent::Refused(_));
        // A client without a line has just gone.
        let Some(line) = self.lines.get(&flow) else { return };
        line.event(now, event, &mut self.wanted);
        if last {
            self.lines.remove(&flow);
        }
        self.obey(now, flow);
    }

    fn session_event(&mut self, now: Instant, event: SessionEvent) {
        match event {
            SessionEvent::Ready => {
                if let Some(device) = &mut self.device {
                    device.ready_since.get_or_insert(now);
                }
                self.publish_ports();
            }
            SessionEvent::Restarted => {
                self.alerts.clear();
                self.publish(LinkState::Up, false, "the firmware restarted its port forwarding".into());
            }
            SessionEvent::ForwardRequested { forward, port, address } => {
                info!(%port, address, "firmware asks for a port");
                let refused =
                    is_remote(&address) || self.forwards.try_send(ForwardRequest { forward, port }).is_err();
                if refused {
                    self.mux.answer_forward(now, forward, false);
                }
            }
            SessionEvent::ForwardStarted { .. } => self.publish_ports(),
            SessionEvent::ForwardExpired { port, .. } => {
                warn!(%port, "the firmware was not answered in time and will not forward this port");
            }
            SessionEvent::ForwardCancelled { port } => {
                info!(%port, "firmware withdrew a port");
                self.publish_ports();
            }
            SessionEvent::UdpSend { host, port, data } => {
                self.counters.datagrams += 1;
                debug!(host, %port, "a datagram is not sent: firmware gets no network access");
                self.alerts.tell(format!("datagram to {host}:{port}"), data);
            }
            other => self.alerts.handle(now, &mut self.mux, &mut self.counters, other),
        }
    }

    // ---- commands ----

    fn command(&mut self, now: Instant, command: Command) {
        match command {
            Command::Open { flow, spec, line } => {
                self.lines.insert(flow, line);
                self.mux.open(flow, spec);
            }
            Command::Listen(flow) => self.listen(now, flow),
            Command::AnswerForward { forward, accept } => self.mux.answer_forward(now, forward, accept),
            Command::Reconnect { why } => {
                if self.device.is_some() {
                    self.end_link(now, End::Asked(why));
                }
            }
            Command::Status(reply) => {
                // Whoever asked may have stopped waiting.
                let _ = reply.send(self.status());
            }
            Command::Stop => self.stopping = true,
        }
    }

    /// Fetches and runs the commands of a client.
    fn listen(&mut self, now: Instant, flow: FlowId) {
        if let Some(line) = self.lines.get(&flow) {
            line.take_commands(&mut self.wanted);
            self.obey(now, flow);
        }
    }

    fn obey(&mut self, now: Instant, flow: FlowId) {
        let mut wanted = std::mem::take(&mut self.wanted);
        for command in wanted.drain(..) {
            self.flow_command(now, flow, command);
        }
        self.wanted = wanted;
    }

    fn flow_command(&mut self, now: Instant, flow: FlowId, command: FlowCommand) {
        match command {
            FlowCommand::Request(request) => self.mux.request(now, flow, request),
            FlowCommand::Reclassify(request) => self.mux.reclassify(now, flow, request),
            FlowCommand::Send { bytes, whole } => self.mux.send(now, flow, bytes, whole),
            FlowCommand::HalfClose => self.mux.half_close(flow),
            FlowCommand::Finish { keep } => self.mux.finish(now, flow, keep),
            FlowCommand::Delivered(bytes) => self.mux.delivered(now, flow, bytes),
            FlowCommand::Close { orderly } => {
                self.lines.remove(&flow);
                self.mux.close(now, flow, orderly);
            }
        }
    }

    fn status(&self) -> DriverStatus {
        let session = self.mux.session().map(|session| SessionStatus {
            state: session.state(),
            slots: self.mux.slots().unwrap_or_else(|| session.slots()),
            channels: session.channels().collect(),
            forwards: session.forwards().cloned().collect(),
            counters: session.counters().clone(),
        });
        DriverStatus {
            link: self.link.borrow().clone(),
            session,
            flows: self.mux.flows().collect(),
            classes: Class::ALL.map(|class| ClassStatus {
                class,
                queued: self.mux.queue_depth(class),
                counters: self.mux.class_counters(class).clone(),
            }),
            mux: self.mux.counters().clone(),
            driver: self.counters.clone(),
        }
    }

    /// Sends the rest of the messages and a last DISCONNECT, for as long as the device accepts them, and closes it.
    async fn say_goodbye(mut self) {
        let now = Instant::now();
        self.mux.disconnect(DisconnectReason::BY_APPLICATION);
        if let Some(mut device) = self.device.take() {
            let goodbye = async {
                loop {
                    if !device.outbox.is_empty() && device.connection.send(&device.outbox).await.is_err() {
                        return;
                    }
                    device.outbox.clear();
                    if self.mux.poll_transmit(now, &mut device.outbox).is_none() {
                        return;
                    }
                }
            };
            if tokio::time::timeout(GOODBYE, goodbye).await.is_err() {
                warn!("the device did not accept the last message");
            }
            device.connection.close().await;
        }
        info!("driver stopped");
    }
}

/// Ports that firmware asks for, for the front.
#[derive(Debug)]
pub struct ForwardRequests(pub(crate) mpsc::Receiver<ForwardRequest>);

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    #[error("{0}")]
    Device(LinkError),
    #[error("{0}")]
    Session(SessionError),
    #[error("the device takes no messages")]
    Stalled,
    #[error("the device delivers nothing but empty messages")]
    Empty,
    #[error("{0}")]
    Asked(&'static str),
}

/// Whether firmware asks for a port on every interface, to offer AMT through this host's VPN (apf 7.3). The daemon
/// refuses, because that would open AMT to the network; firmware copes with the refusal (apf 3.5).
fn is_remote(address: &str) -> bool {
    matches!(address, "0.0.0.0" | "::")
}

/// Waits until the device can be read or, if a message waits to be sent, written.
async fn device_ready(device: Option<&Device>) {
    let Some(device) = device else { return std::future::pending().await };
    // An error counts as ready: the next read will report it.
    let _ = if device.outbox.is_empty() {
        device.connection.recv_ready().await
    } else {
        tokio::select! {
            ready = device.connection.recv_ready() => ready,
            ready = device.connection.send_ready() => ready,
        }
    };
}
