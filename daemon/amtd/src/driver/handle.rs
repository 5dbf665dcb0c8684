//! How the rest of the daemon speaks to the driver: a cloneable [`Handle`], and a [`Flow`] for each client connection.
//!
//! Everybody may wait for the driver; the driver waits for nobody. The command queue has no numeric bound because its
//! senders have: a connection sends at most the bytes that it was given room for, reports at most the bytes that it
//! was given, and begins, finishes and closes each request once.

use std::{
    future::poll_fn,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
};

use amtd_apf::{
    ForwardId, Port,
    mux::{FlowEvent, FlowId, FlowSpec, Request},
};
use bytes::Bytes;
// A queue that costs nothing while it is empty: there is one for each connection, and most are empty most of the time.
use futures_channel::mpsc as flow_channel;
use futures_core::Stream;
use tokio::sync::{mpsc, oneshot, watch};

use super::{DriverStatus, LinkStatus};

/// Where the events of a client connection go.
pub(super) type FlowEvents = flow_channel::UnboundedSender<FlowEvent>;

/// What the driver is asked to do.
#[derive(Debug)]
pub(crate) enum Command {
    Open { flow: FlowId, spec: FlowSpec, events: FlowEvents },
    Flow(FlowId, FlowCommand),
    AnswerForward { forward: ForwardId, accept: bool },
    Reconnect { why: &'static str },
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
    pub(crate) fn open(&self, spec: FlowSpec) -> Flow {
        let id = self.next_flow();
        let (sender, events) = flow_channel::unbounded();
        self.command(Command::Open { flow: id, spec, events: sender });
        Flow { id, commands: self.commands.clone(), events, open: true }
    }

    fn next_flow(&self) -> FlowId {
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

    fn command(&self, command: Command) {
        // The driver ends only when the daemon does; then nobody is left to be told.
        let _ = self.commands.send(command);
    }
}

/// A client connection, from the side of the front. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Flow {
    id: FlowId,
    commands: mpsc::UnboundedSender<Command>,
    /// Bounded by the receive window of the channel and the room of the connection: see the module.
    events: flow_channel::UnboundedReceiver<FlowEvent>,
    open: bool,
}

impl Flow {
    pub(crate) fn id(&self) -> FlowId {
        self.id
    }

    /// The next event; `None` when the driver has ended or the flow is gone.
    pub(crate) async fn event(&mut self) -> Option<FlowEvent> {
        poll_fn(|cx| Pin::new(&mut self.events).poll_next(cx)).await
    }

    /// One more event, if it is there already.
    pub(crate) fn next_event(&mut self) -> Option<FlowEvent> {
        self.events.try_recv().ok()
    }

    pub(crate) fn command(&mut self, command: FlowCommand) {
        self.open &= !matches!(command, FlowCommand::Close { .. });
        let _ = self.commands.send(Command::Flow(self.id, command));
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        if self.open {
            self.command(FlowCommand::Close { orderly: false });
        }
    }
}
