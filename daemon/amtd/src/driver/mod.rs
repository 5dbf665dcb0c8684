//! The driver: one task that owns the MEI device, the session with firmware and the queues in front of it.
//!
//! It waits for nobody: what firmware says it hands to its client by a call that does not wait (`Line`), what the client
//! wants it takes from there when it is told that there is something, and connecting and closing, which can block for
//! seconds (mei 2.3, 3), happen on other threads. Each turn of its loop is bounded in work, so that neither a busy device
//! nor a busy client can keep it from the others. Status is a copy made on request, so that looking never disturbs.
//!
//! Called by `app`; spoken to through [`Handle`].

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
    future::poll_fn,
    sync::{Arc, Mutex},
    task::Poll,
    time::{Duration, Instant},
};

use amtd_apf::{
    Class, DisconnectReason, Event as SessionEvent, SessionError,
    mux::{Event, FlowEvent, FlowId, Mux, MuxConfig},
};
use amtd_mei::{Connection, LinkError, LinkState, Recv, Send};
use tokio::sync::{mpsc, watch};
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

/// Messages read from the device in one turn before clients and timers get theirs. About one kernel queue's worth.
const RECV_BUDGET: usize = 64;
/// Messages handed to the device in one turn, for the same reason.
const SEND_BUDGET: usize = 64;
/// Commands taken in one turn.
const COMMAND_BUDGET: usize = 128;
/// Ports that firmware asked for and that the front has not looked at yet; more are refused at once.
const FORWARD_QUEUE: usize = 32;
/// Messages without content in a row that are taken for the end of the device (apf 10, row 1).
const MAX_EMPTY: u32 = 10;
/// How long a session must have served ports before its loss is taken as news and tried again at once.
const PROOF: Duration = Duration::from_secs(10);
/// How long a stopping driver tries to hand its goodbye to the device.
const GOODBYE: Duration = Duration::from_millis(500);

/// Limits of the driver.
#[derive(Debug, Clone)]
pub struct DriverConfig {
    /// How the device is found and how patiently.
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
    /// What a client wants, on its way from its connection to the multiplexer. Empty in between.
    wanted: Vec<FlowCommand>,
    forwards: mpsc::Sender<ForwardRequest>,
    alerts: Alerts,
    link: watch::Sender<LinkStatus>,
    counters: DriverCounters,
    complaints: Complaints<Trouble>,
    heartbeat: Heartbeat,
    wake: Wake,
    /// When there is something to do that nobody will bring about; looked up once for each turn.
    due: Option<Instant>,
    stopping: bool,
}

/// What clients can bring about over and over.
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
    /// Room for the largest message (mei 4: a shorter read would lose the boundary).
    inbox: Vec<u8>,
    /// The message on its way out: filled by the multiplexer, or still here because the device took it not.
    outbox: Vec<u8>,
    /// Since when the device takes no message, if it does not.
    blocked_since: Option<Instant>,
    /// Messages without content since the last with some.
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

    /// What firmware sends unasked, from now on. What nobody takes in time is counted and dropped.
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
                // There is work left from the last turn, but others have theirs.
                step_aside().await;
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

    /// Waits until there is something to do. What it is, the next turn finds out: a wake-up is only a hint.
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

    /// Takes the commands that are there.
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
                // The session may have a last word; the device may not take it.
                let _ = self.transmit(now, &mut more);
                self.end_link(now, end);
            }
        }
        self.dispatch(now);
        // What clients want in consequence leaves in the next turn, unless the device takes nothing.
        let is_writable = self.device.as_ref().is_some_and(|device| device.outbox.is_empty());
        more || (is_writable && self.mux.wants_transmit())
    }

    /// Openings that firmware has not answered in the present session.
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
                    // Client and firmware have what they wait for before the next look at the device, so that all are at
                    // work. Only credit is collected, up to half a window: firmware that has used up the whole stops.
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
                Event::Session(event) => self.session_event(now, event),
            }
        }
    }

    fn tell_client(&mut self, now: Instant, flow: FlowId, event: FlowEvent) {
        let last = matches!(event, FlowEvent::Closed(_) | FlowEvent::Refused(_));
        // A client that has just gone says so by a command that is on its way.
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
                debug!(host, %port, "a datagram of firmware is not sent: no network access is given to firmware");
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
                // Nobody waits for it any more: then it is of no use.
                let _ = reply.send(self.status());
            }
            Command::Stop => self.stopping = true,
        }
    }

    /// Does what a client wants.
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

    /// Tells firmware that the host stops, as far as the device takes it, and closes the device.
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
                warn!("the device took no goodbye");
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

/// Lets the tasks that are ready have their turn. Unlike the runtime's own yield, which first asks the system for news,
/// it costs no system call: the device has more, so there is no need to ask.
async fn step_aside() {
    let mut aside = false;
    poll_fn(|cx| {
        if aside {
            return Poll::Ready(());
        }
        aside = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Whether firmware asks for a port on every interface, for access to AMT through this host's VPN (apf 7.3). That would
/// open it to the network, which the daemon does not do; firmware lives with the refusal (apf 3.5).
fn is_remote(address: &str) -> bool {
    matches!(address, "0.0.0.0" | "::")
}

/// Waits until the device can be read, or written if a message waits for that.
async fn device_ready(device: Option<&Device>) {
    let Some(device) = device else { return std::future::pending().await };
    // An error is readiness too: the next turn meets it when it reads.
    let _ = if device.outbox.is_empty() {
        device.connection.recv_ready().await
    } else {
        tokio::select! {
            ready = device.connection.recv_ready() => ready,
            ready = device.connection.send_ready() => ready,
        }
    };
}
