//! One client connection: moves bytes between its socket and its [`Relay`].
//!
//! Two tasks work on it. The driver hands in the bytes from firmware, and writes them to the client's socket in the same
//! call. The connection's own task does the waiting: for bytes from the client, for room in a full socket, for time.
//! Commands that result from either stay in the relay, in order, until the driver fetches them.

#[cfg(test)]
mod tests;

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    net::Shutdown,
    os::fd::AsFd,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
    time::{Duration, Instant},
};

use amtd_apf::mux::FlowEvent;
use socket2::SockRef;
use tokio::{
    io::{AsyncRead, ReadBuf},
    net::{TcpStream, UnixStream},
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use super::{
    clients::Meter,
    relay::{Ending, Relay, Summary},
};
use crate::driver::{Flow, FlowCommand, Line, LinkStatus, wake::Wake};

/// Largest piece read from a client at once, in bytes.
const READ_SIZE: usize = 16 * 1024;

thread_local! {
    /// The read buffer of all clients: what was read is passed on before the next read.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

/// A client's socket: TCP, or one half of a pair whose other half the daemon itself uses.
pub(super) trait Socket: AsyncRead + AsFd + Unpin {
    /// Waits until a write may succeed.
    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Writes what fits at once.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Reads what is available.
    fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize>;
}

macro_rules! socket {
    ($($stream:ty),*) => {$(
        impl Socket for $stream {
            fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_write_ready(cx)
            }

            fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
                self.try_write(bytes)
            }

            fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                self.try_read(buffer)
            }
        }
    )*};
}
socket!(TcpStream, UnixStream);

/// See the [module](self).
///
/// The lock is held for a moment only, never across a wait, and nothing that takes another lock of this kind is called
/// under it.
pub(super) struct Connection<S>(Mutex<Ends<S>>);

/// Both ends of a connection.
struct Ends<S> {
    /// `None` when the connection is over.
    stream: Option<S>,
    relay: Relay,
    meter: Arc<Meter>,
    link: watch::Receiver<LinkStatus>,
    wake: Wake,
    /// The task, while it waits.
    task: Option<Waker>,
    /// Whether the task also waits for bytes from the client.
    reads: bool,
    /// The driver has been notified that there are commands, and has not fetched them yet.
    announced: bool,
}

impl<S: Socket> Connection<S> {
    /// The meter counts the bytes, for the list of clients.
    pub(super) fn new(
        stream: S,
        relay: Relay,
        meter: Arc<Meter>,
        link: watch::Receiver<LinkStatus>,
    ) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Ends {
            stream: Some(stream),
            relay,
            meter,
            link,
            wake: Wake::default(),
            task: None,
            reads: false,
            announced: false,
        })))
    }

    /// The task of the connection, which ends with it. Dropping the future ends the connection.
    pub(super) async fn serve(self: Arc<Self>, flow: Flow, stop: CancellationToken) -> Summary {
        let task = Task { connection: &self, flow };
        let stopped = stop.cancelled();
        tokio::pin!(stopped);
        let mut stopping = false;
        poll_fn(|cx| {
            let now = Instant::now();
            let mut ends = self.ends();
            if !stopping && stopped.as_mut().poll(cx).is_ready() {
                stopping = true;
                ends.relay.stop(now);
            }
            let summary = ends.poll(cx, now);
            ends.announce(&task.flow);
            summary
        })
        .await
    }

    fn ends(&self) -> MutexGuard<'_, Ends<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the connection when its task ends, even if that was aborted.
struct Task<'a, S: Socket> {
    connection: &'a Connection<S>,
    flow: Flow,
}

impl<S: Socket> Drop for Task<'_, S> {
    fn drop(&mut self) {
        let mut ends = self.connection.ends();
        ends.relay.client_gone();
        ends.stream = None;
        ends.announce(&self.flow);
    }
}

impl<S: Socket + Send> Line for Connection<S> {
    fn event(&self, now: Instant, event: FlowEvent, wanted: &mut Vec<FlowCommand>) {
        let mut ends = self.ends();
        // A defect in the parser of one client's bytes must not stop the driver for all others.
        if catch_unwind(AssertUnwindSafe(|| ends.event(now, event))).is_err() {
            ends.relay.client_gone();
        }
        ends.take_commands(wanted);
        ends.call_task();
    }

    fn take_commands(&self, wanted: &mut Vec<FlowCommand>) {
        self.ends().take_commands(wanted);
    }
}

impl<S: Socket> Ends<S> {
    /// Handles an event from firmware.
    fn event(&mut self, now: Instant, event: FlowEvent) {
        let link = &self.link;
        self.relay.event(now, event, &|| link.borrow().detail.clone());
        self.settle(now);
    }

    /// Notifies the driver that there are commands, once until it fetches them.
    fn announce(&mut self, flow: &Flow) {
        if self.relay.has_commands() && !self.announced {
            self.announced = true;
            flow.speak();
        }
    }

    fn take_commands(&mut self, wanted: &mut Vec<FlowCommand>) {
        self.announced = false;
        wanted.extend(self.relay.commands());
    }

    /// Wakes the task if it must wait for something else than it waits for now, or if the connection is over.
    fn call_task(&mut self) {
        let relay = &self.relay;
        let is_waited_for = self.stream.is_some()
            && relay.output().is_none()
            && (self.reads || relay.read_limit() == 0)
            && self.wake.covers(relay.deadline());
        if !is_waited_for && let Some(task) = self.task.take() {
            task.wake();
        }
    }

    /// Does what can be done at once, and makes sure that the task is woken for the rest.
    fn poll(&mut self, cx: &mut Context<'_>, now: Instant) -> Poll<Summary> {
        loop {
            self.settle(now);
            let Some(stream) = &mut self.stream else { return Poll::Ready(self.relay.summary()) };
            if self.relay.output().is_some() && stream.poll_write_ready(cx).is_ready() {
                continue;
            }
            let limit = self.relay.read_limit().min(READ_SIZE);
            self.reads = limit > 0;
            if self.reads && read(cx, stream, &mut self.relay, limit, now).is_ready() {
                continue;
            }
            self.wake.set(self.relay.deadline());
            if self.wake.poll(cx).is_ready() {
                self.relay.timeout(now);
                continue;
            }
            self.task = Some(cx.waker().clone());
            return Poll::Pending;
        }
    }

    /// Writes what the client's socket accepts, and closes it at the end. Each message of firmware is one write, as it came.
    fn settle(&mut self, now: Instant) {
        let Some(stream) = &self.stream else { return };
        write(now, stream, &mut self.relay);
        self.meter.note(now, &self.relay.summary());
        if let Some(ending) = self.relay.ended() {
            close(stream, ending, self.relay.has_unread());
            self.stream = None;
        }
    }
}

/// Reads once from the client into the relay.
fn read(
    cx: &mut Context<'_>,
    stream: &mut impl Socket,
    relay: &mut Relay,
    limit: usize,
    now: Instant,
) -> Poll<()> {
    SCRATCH.with_borrow_mut(|scratch| {
        let mut buffer = ReadBuf::new(scratch.get_mut(..limit).unwrap_or_default());
        match ready!(Pin::new(stream).poll_read(cx, &mut buffer)) {
            Err(_) => relay.client_gone(),
            Ok(()) => match buffer.filled() {
                [] => relay.client_end(now),
                bytes => relay.client_bytes(now, bytes),
            },
        }
        Poll::Ready(())
    })
}

/// Writes until the client's socket accepts no more.
fn write(now: Instant, stream: &impl Socket, relay: &mut Relay) {
    while let Some(bytes) = relay.output() {
        match stream.try_write(bytes) {
            Ok(count) => relay.written(now, count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return relay.client_gone(),
        }
    }
    if relay.flushed(now) {
        // Fails if the client is gone already, which then needs no FIN.
        let _ = SockRef::from(stream).shutdown(Shutdown::Write);
    }
}

fn close(stream: &impl Socket, ending: Ending, has_unread: bool) {
    match ending {
        // The close that follows sends FIN only if nothing is left unread, such as a stray line end.
        Ending::Orderly if has_unread => SCRATCH.with_borrow_mut(|scratch| drop(stream.try_read(scratch))),
        Ending::Orderly => {}
        // The close that follows sends RST instead of FIN. A socket pair has no RST; there the daemon itself is the
        // client, and it notices a response that ends early because it accepts only responses that state their length.
        Ending::Reset => drop(SockRef::from(stream).set_linger(Some(Duration::ZERO))),
    }
}
