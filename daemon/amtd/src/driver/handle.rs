//! The interface of the driver: a cloneable [`Handle`], and a [`Flow`] for each client connection.
//!
//! Other tasks may wait for the driver; the driver waits for none. A client connection keeps its commands, in order, until
//! the driver fetches them, and the driver passes bytes from firmware to the connection by a call. The queue to the driver
//! therefore holds at most one notice for each connection, and its length is bounded by their number.

use std::{
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use amtd_apf::{
    ForwardId, Port,
    mux::{FlowEnd, FlowEvent, FlowId, FlowSpec, Request},
};
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot, watch};

use super::{DriverStatus, LinkStatus};

/// A client connection, as the driver sees it. Its functions must not block, because the driver calls them in its loop.
pub(crate) trait Line: Send + Sync {
    /// Handles an event from firmware, then appends the connection's pending commands to `wanted`.
    fn event(&self, now: Instant, event: FlowEvent, wanted: &mut Vec<FlowCommand>);

    /// Appends the connection's pending commands to `wanted`.
    fn take_commands(&self, wanted: &mut Vec<FlowCommand>);
}

/// The driver's hold on a connection. When it is dropped, the connection is told that the link is lost; a connection that
/// has already ended ignores that.
pub(crate) struct Held(Arc<dyn Line>);

impl Deref for Held {
    type Target = dyn Line;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.0.event(Instant::now(), FlowEvent::Closed(FlowEnd::LinkLost), &mut Vec::new());
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Held")
    }
}

/// What the driver is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    Open {
        flow: FlowId,
        spec: FlowSpec,
        line: Held,
    },
    /// The client has commands to fetch.
    Listen(FlowId),
    AnswerForward {
        forward: ForwardId,
        accept: bool,
    },
    Reconnect {
        why: &'static str,
    },
    Status(oneshot::Sender<DriverStatus>),
    Stop,
}

/// What a client connection asks of the driver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FlowCommand {
    /// A request begins.
    Request(Request),
    /// The request under way turned out to be of another kind.
    Reclassify(Request),
    /// Bytes of a request, which is complete with them if `whole`.
    Send { bytes: Bytes, whole: bool },
    /// The client sends no more, but still expects an answer.
    HalfClose,
    /// The response is complete; unless `keep`, firmware closes the connection now.
    Finish { keep: bool },
    /// The client accepted so many bytes of the response.
    Delivered(usize),
    /// The client is gone; if `orderly`, what it sent still goes out.
    Close { orderly: bool },
}

/// Firmware's request that the host serve a port, answered by [`Handle::answer_forward`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ForwardRequest {
    pub(crate) forward: ForwardId,
    pub(crate) port: Port,
}

/// Controls the driver.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(super) commands: mpsc::UnboundedSender<Command>,
    pub(super) link: watch::Receiver<LinkStatus>,
    /// The number of the last connection.
    pub(super) last_flow: Arc<Mutex<u64>>,
}

impl Handle {
    /// Announces a client connection. Costs firmware nothing until its first request.
    pub(crate) fn open(&self, flow: FlowId, spec: FlowSpec, line: Arc<dyn Line>) -> Flow {
        self.command(Command::Open { flow, spec, line: Held(line) });
        Flow { id: flow, commands: self.commands.clone() }
    }

    /// A new number for a client connection.
    pub(crate) fn next_flow(&self) -> FlowId {
        let mut last = self.last_flow.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        FlowId(*last)
    }

    /// Answers firmware whether the port is served.
    pub(crate) fn answer_forward(&self, forward: ForwardId, accept: bool) {
        self.command(Command::AnswerForward { forward, accept });
    }

    /// Begins a new session with firmware, which asks for its ports again.
    pub(crate) fn reconnect(&self, why: &'static str) {
        self.command(Command::Reconnect { why });
    }

    /// A snapshot of everything the driver knows; `None` if it has ended. The caller sets the deadline.
    pub async fn status(&self) -> Option<DriverStatus> {
        let (reply, status) = oneshot::channel();
        self.command(Command::Status(reply));
        status.await.ok()
    }

    /// Ends the session with firmware in order, and then the driver.
    pub fn stop(&self) {
        self.command(Command::Stop);
    }

    /// The state of the link, always the latest.
    pub fn link(&self) -> watch::Receiver<LinkStatus> {
        self.link.clone()
    }

    /// A handle whose commands the caller receives in place of a driver.
    #[cfg(test)]
    pub(crate) fn bare() -> (Self, mpsc::UnboundedReceiver<Command>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let (_, link) = watch::channel(LinkStatus::new());
        (Self { commands, link, last_flow: Arc::new(Mutex::new(0)) }, receiver)
    }

    fn command(&self, command: Command) {
        // Fails only when the driver has ended, which it does only with the daemon.
        let _ = self.commands.send(command);
    }
}

/// The front's side of a client connection. The connection ends when its [`Line`] issues [`FlowCommand::Close`].
#[derive(Debug)]
pub(crate) struct Flow {
    id: FlowId,
    commands: mpsc::UnboundedSender<Command>,
}

impl Flow {
    /// Notifies the driver that the connection has commands to fetch.
    pub(crate) fn speak(&self) {
        let _ = self.commands.send(Command::Listen(self.id));
    }
}
