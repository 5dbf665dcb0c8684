//! How the rest of the daemon speaks to the driver: a cloneable [`Handle`], and a [`Flow`] for each client connection.
//!
//! Everybody may wait for the driver; the driver waits for nobody. What a client connection wants stays with it, in its
//! order, until the driver takes it; what firmware says the driver hands to the connection by a call. So nothing of a
//! connection is ever queued here but the word that there is something, once: the queue is as long as there are connections.

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

/// A client connection, as the driver sees it. It answers at once: the driver waits for nobody.
pub(crate) trait Line: Send + Sync {
    /// Something happened on the side of firmware. What the client wants then, or wanted before, is put into `wanted`.
    fn event(&self, now: Instant, event: FlowEvent, wanted: &mut Vec<FlowCommand>);

    /// Puts what the client wants into `wanted`.
    fn take_commands(&self, wanted: &mut Vec<FlowCommand>);
}

/// A connection in the hands of the driver. One that the driver lets go of learns that nothing more will come, if it does not
/// know: without a driver there is no link.
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
    /// The client wants something.
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
    /// The request under way is of another kind than was said.
    Reclassify(Request),
    /// Bytes of a request, which is complete with them if `whole`.
    Send { bytes: Bytes, whole: bool },
    /// The client sends no more, and is owed an answer.
    HalfClose,
    /// The response is complete; firmware closes the connection unless `keep`.
    Finish { keep: bool },
    /// The client took bytes of the response.
    Delivered(usize),
    /// The client is gone; what it sent still goes out if `orderly`.
    Close { orderly: bool },
}

/// A request of firmware to serve a port, to be answered by [`Handle::answer_forward`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ForwardRequest {
    pub(crate) forward: ForwardId,
    pub(crate) port: Port,
}

/// Speaks to the driver.
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

    /// A number for a client connection.
    pub(crate) fn next_flow(&self) -> FlowId {
        let mut last = self.last_flow.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        FlowId(*last)
    }

    /// Says whether the port is served.
    pub(crate) fn answer_forward(&self, forward: ForwardId, accept: bool) {
        self.command(Command::AnswerForward { forward, accept });
    }

    /// Begins a new session with firmware, which asks for its ports again.
    pub(crate) fn reconnect(&self, why: &'static str) {
        self.command(Command::Reconnect { why });
    }

    /// What the driver knows at this moment; `None` if it has ended. The caller adds the deadline.
    pub async fn status(&self) -> Option<DriverStatus> {
        let (reply, status) = oneshot::channel();
        self.command(Command::Status(reply));
        status.await.ok()
    }

    /// Ends the session with firmware in an orderly way and then the driver.
    pub fn stop(&self) {
        self.command(Command::Stop);
    }

    /// The state of the link, always the latest.
    pub fn link(&self) -> watch::Receiver<LinkStatus> {
        self.link.clone()
    }

    /// A handle whose driver is the caller.
    #[cfg(test)]
    pub(crate) fn bare() -> (Self, mpsc::UnboundedReceiver<Command>) {
        let (commands, receiver) = mpsc::unbounded_channel();
        let (_, link) = watch::channel(LinkStatus::new());
        (Self { commands, link, last_flow: Arc::new(Mutex::new(0)) }, receiver)
    }

    fn command(&self, command: Command) {
        // The driver ends only when the daemon does; then nobody is left to be told.
        let _ = self.commands.send(command);
    }
}

/// A client connection, from the side of the front. It ends by a [`FlowCommand::Close`] of its [`Line`].
#[derive(Debug)]
pub(crate) struct Flow {
    id: FlowId,
    commands: mpsc::UnboundedSender<Command>,
}

impl Flow {
    /// The client wants something of which the driver has not been told.
    pub(crate) fn speak(&self) {
        let _ = self.commands.send(Command::Listen(self.id));
    }
}
