//! The event loop: the one owner of every connection and of what they share.
//!
//! A turn of the loop, in this order: new connections, requests of the control socket, requests to the device node, messages from
//! the hosts, due steps of scripts, the engine, messages to the hosts. It repeats until nothing can go on without an event, then
//! sleeps until the next one or the next deadline. Nothing in here waits.

mod actions;
mod timer;

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::sync::mpsc;

use self::timer::Timer;
use crate::config::MAX_MESSAGE;
use crate::control::Request;
use crate::cuse::{Node, Served};
use crate::faults::{Counted, Step, When};
use crate::firmware::Firmware;
use crate::mei::{Acceptor, Connection, ConnectionId, Departure, Port, Turn};
use crate::web::RequestKind;

/// Everything.
pub(crate) struct World {
    firmware: Firmware,
    acceptor: Acceptor,
    /// The device node, if there is one.
    node: Option<Node>,
    connections: Vec<Connection>,
    next_id: u64,
    requests: mpsc::Receiver<Request>,
    /// One byte longer than any message may be, so that a longer one shows.
    buffer: Box<[u8]>,
    timer: Timer,
    quit: bool,
}

impl World {
    pub(crate) fn new(
        firmware: Firmware,
        (acceptor, node): (Acceptor, Option<Node>),
        requests: mpsc::Receiver<Request>,
    ) -> io::Result<Self> {
        let mut world = Self {
            firmware,
            acceptor,
            node,
            connections: Vec::new(),
            next_id: 0,
            requests,
            buffer: vec![0; MAX_MESSAGE + 1].into(),
            timer: Timer::new()?,
            quit: false,
        };
        for step in std::mem::take(&mut world.firmware.config.steps) {
            // Nobody is connected yet: what is done to a session waits for the first one.
            let when = step.when.or_else(|| step.action.needs_session().then_some(When::Ready));
            if let Err(error) = world.take_step(Step { when, ..step }) {
                eprintln!("amt-sim: a step of the fault file failed: {error}");
            }
        }
        Ok(world)
    }

    /// Runs until a script says quit.
    pub(crate) async fn run(mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            self.firmware.now = Instant::now();
            self.accept(cx);
            self.answer_requests(cx);
            let mut more = self.serve_node(cx);
            more |= self.read(cx);
            self.run_due_steps();
            if self.quit {
                return Poll::Ready(Ok(()));
            }
            self.run_engine();
            self.tick();
            self.settle();
            more |= self.write(cx);
            more |= self.release_engine();
            self.flush_node();
            if !more && self.poll_timer(cx)?.is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn accept(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(accepted) = self.acceptor.poll_accept(cx, self.firmware.config.receive_credit())
        {
            match accepted {
                Ok(socket) => self.add(Port::Socket(socket)),
                Err(error) => {
                    eprintln!("amt-sim: accept failed: {error}");
                    return;
                }
            }
        }
    }

    fn add(&mut self, port: Port) {
        self.firmware.stats.accepted += 1;
        self.connections.push(Connection::new(ConnectionId(self.next_id), port));
        self.next_id += 1;
    }

    /// Takes what programs ask the device node for. Returns whether there may be more.
    fn serve_node(&mut self, cx: &mut Context<'_>) -> bool {
        let now = self.firmware.now;
        let Some(node) = &mut self.node else { return false };
        match node.poll_serve(cx, now, self.firmware.faults.is_down(now)) {
            Ok(Served { opened, more }) => {
                opened.into_iter().for_each(|port| self.add(Port::Node(port)));
                more
            }
            Err(error) => {
                self.lose_node(&error);
                false
            }
        }
    }

    fn flush_node(&mut self) {
        if let Some(Err(error)) = self.node.as_mut().map(|node| node.flush(self.firmware.now)) {
            self.lose_node(&error);
        }
    }

    fn lose_node(&mut self, error: &io::Error) {
        eprintln!("amt-sim: the device node is lost: {error}");
        self.node = None;
    }

    fn answer_requests(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some(request)) = self.requests.poll_recv(cx) {
            let Request { step, reply } = request;
            let answer = actions::as_json(self.take_step(step));
            // The asker may have gone.
            let _ = reply.send(answer);
        }
    }

    /// Returns whether a connection has more to read than one batch.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        let (firmware, buffer) = (&mut self.firmware, &mut self.buffer);
        let mut more = false;
        self.connections.retain_mut(|connection| {
            let turn = connection.poll_read(cx, buffer, firmware);
            keep(connection, turn, firmware, &mut more)
        });
        more
    }

    /// Returns whether a connection has more to write than one batch.
    fn write(&mut self, cx: &mut Context<'_>) -> bool {
        let firmware = &mut self.firmware;
        let mut more = false;
        self.connections.retain_mut(|connection| {
            let turn = connection.poll_write(cx, firmware);
            keep(connection, turn, firmware, &mut more)
        });
        more
    }

    fn run_due_steps(&mut self) {
        if self.firmware.schedule.is_empty() {
            return;
        }
        let ready = self.sessions().any(|session| session.is_ready());
        for action in self.firmware.schedule.due(self.firmware.now, ready) {
            if let Err(error) = self.apply(action) {
                eprintln!("amt-sim: a step failed when it was due: {error}");
            }
        }
    }

    fn run_engine(&mut self) {
        // Looked at for each request: a step that is due after one may stall the engine before the next.
        while !self.firmware.faults.engine.is_on(self.firmware.now)
            && let Some(done) = self.firmware.engine.step(&mut self.firmware.device, self.firmware.now)
        {
            if done.kind != RequestKind::Handshake {
                self.firmware.stats.requests += 1;
            }
            let id = done.owner.connection;
            let owner = self.connections.iter_mut().find(|connection| connection.id == id);
            let counts = matches!(done.kind, RequestKind::Wsman | RequestKind::Setup);
            if let Some(session) = owner.and_then(Connection::session) {
                session.deliver(&mut self.firmware, done);
            }
            if counts {
                self.firmware.stats.wsman_requests += 1;
                self.firmware.schedule.count(Counted::Requests);
                self.run_due_steps();
            }
        }
    }

    /// Tells the engine when the response that occupies it has left. Returns whether it has.
    fn release_engine(&mut self) -> bool {
        let Some(owner) = self.firmware.engine.draining() else { return false };
        let left = !self.sessions().any(|session| session.has_output(owner));
        if left {
            self.firmware.engine.drained();
        }
        left
    }

    fn tick(&mut self) {
        let (connections, firmware) = (&mut self.connections, &mut self.firmware);
        for session in connections.iter_mut().filter_map(Connection::session) {
            session.tick(firmware);
        }
        firmware.device.tick(firmware.now);
    }

    /// Ready when a deadline has passed.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.deadline().map_or(Poll::Pending, |deadline| self.timer.poll(cx, deadline))
    }

    fn deadline(&mut self) -> Option<Instant> {
        let (connections, firmware) = (&mut self.connections, &self.firmware);
        let engine =
            if firmware.faults.engine.is_on(firmware.now) { None } else { firmware.engine.deadline() };
        let shared = [
            engine,
            firmware.faults.deadline(firmware.now),
            firmware.schedule.deadline(),
            firmware.device.next_deadline(),
            self.node.as_ref().and_then(Node::deadline),
        ];
        let sessions = connections
            .iter_mut()
            .filter_map(Connection::session)
            .filter_map(|session| session.deadline(firmware));
        shared.into_iter().flatten().chain(sessions).min()
    }

    fn sessions(&mut self) -> impl Iterator<Item = &mut crate::apf::Session> {
        self.connections.iter_mut().filter_map(Connection::session)
    }
}

/// Whether a connection stays after its turn. One that does not keeps its client busy for the linger time.
fn keep(
    connection: &Connection,
    turn: Result<Turn, Departure>,
    firmware: &mut Firmware,
    more: &mut bool,
) -> bool {
    match turn {
        Ok(turn) => {
            *more |= turn == Turn::More;
            return true;
        }
        Err(Departure::Failed(error)) => eprintln!("amt-sim: a connection failed: {error}"),
        Err(Departure::Closed) => {}
    }
    if let Some(kind) = connection.kind() {
        firmware.occupancy.leave(kind, firmware.now + firmware.config.mei.linger);
    }
    false
}
