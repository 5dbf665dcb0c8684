//! The task of one client connection: moves bytes between its socket and its [`Relay`].

use std::{
    cell::RefCell,
    future::poll_fn,
    io,
    net::Shutdown,
    os::fd::AsFd,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use amtd_apf::mux::{FlowEnd, FlowEvent};
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
use crate::driver::{Flow, LinkStatus, wake::Wake};

/// Largest piece read from a client at once, in bytes.
const READ_SIZE: usize = 16 * 1024;

thread_local! {
    /// Where clients are read into. One for all: what is read is moved on before the next read.
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_SIZE]);
}

/// A client's socket: TCP, or the half of a pair whose other half the daemon itself has.
pub(super) trait Socket: AsyncRead + AsFd + Unpin {
    /// Whether a write is worth trying.
    fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Writes what fits at once.
    fn try_write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Reads what is there.
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

/// Serves a client until its connection has ended. What passes is counted by the meter, too.
pub(super) async fn serve<S: Socket>(
    (mut stream, meter): (S, Arc<Meter>),
    mut flow: Flow,
    mut relay: Relay,
    link: watch::Receiver<LinkStatus>,
    stop: CancellationToken,
) -> Summary {
    let mut wake = Wake::default();
    let mut stopping = false;
    let mut now = Instant::now();
    let stopped = stop.cancelled();
    tokio::pin!(stopped);
    loop {
        write(now, &stream, &mut relay);
        meter.note(now, &relay.summary());
        for command in relay.commands() {
            flow.command(command);
        }
        if let Some(ending) = relay.ended() {
            close(&stream, ending, relay.has_unread());
            return relay.summary();
        }
        wake.set(relay.deadline());
        tokio::select! {
            biased;
            event = flow.event(), if relay.awaits_events() => {
                now = Instant::now();
                // Without a driver there is no link.
                let event = event.unwrap_or(FlowEvent::Closed(FlowEnd::LinkLost));
                take(now, event, &mut flow, &mut relay, &link);
            }
            read = poll_fn(|cx| poll_client(cx, &mut stream, &mut relay)) => match read {
                Ok(at) => now = at,
                Err(_) => relay.client_gone(),
            },
            () = wake.wait() => {
                now = Instant::now();
                relay.timeout(now);
            }
            () = &mut stopped, if !stopping => {
                stopping = true;
                now = Instant::now();
                relay.stop(now);
            }
        }
    }
}

/// Gives the relay an event of firmware, and those that came with it.
fn take(
    now: Instant,
    event: FlowEvent,
    flow: &mut Flow,
    relay: &mut Relay,
    link: &watch::Receiver<LinkStatus>,
) {
    let mut next = Some(event);
    while let Some(event) = next {
        relay.event(now, event, &|| link.borrow().detail.clone());
        next = relay.awaits_events().then(|| flow.next_event()).flatten();
    }
}

/// Reads once from the client into the relay, or ends because the client takes bytes again. Returns when that was.
fn poll_client<S: Socket>(
    cx: &mut Context<'_>,
    stream: &mut S,
    relay: &mut Relay,
) -> Poll<io::Result<Instant>> {
    if relay.output().is_some() && stream.poll_write_ready(cx)?.is_ready() {
        return Poll::Ready(Ok(Instant::now()));
    }
    let limit = relay.read_limit().min(READ_SIZE);
    if limit == 0 {
        return Poll::Pending;
    }
    SCRATCH.with_borrow_mut(|scratch| {
        let mut buffer = ReadBuf::new(scratch.get_mut(..limit).unwrap_or_default());
        ready!(Pin::new(stream).poll_read(cx, &mut buffer))?;
        let now = Instant::now();
        match buffer.filled() {
            [] => relay.client_end(now),
            bytes => relay.client_bytes(now, bytes),
        }
        Poll::Ready(Ok(now))
    })
}

/// Writes what the client takes. One write for each message of firmware, as it came.
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
        // A client that is gone already needs no FIN.
        let _ = SockRef::from(stream).shutdown(Shutdown::Write);
    }
}

fn close(stream: &impl Socket, ending: Ending, has_unread: bool) {
    match ending {
        // The close that follows sends FIN, if nothing is left unread: a stray line end, perhaps.
        Ending::Orderly if has_unread => SCRATCH.with_borrow_mut(|scratch| drop(stream.try_read(scratch))),
        Ending::Orderly => {}
        // The close that follows sends RST instead of FIN. A pair has none: the daemon itself sees a response that
        // ends early, which it can tell because it reads only what says its length.
        Ending::Reset => drop(SockRef::from(stream).set_linger(Some(Duration::ZERO))),
    }
}
