//! The null relay: the least that any forwarder must do. One thread, one client, one APF channel; bytes are pumped between a TCP
//! socket and the device with poll(2), and there is nothing else: no HTTP, no queue, no priorities, no second client, no
//! recovery, no log. It runs as a process of its own, so that it crosses the same boundaries as a real forwarder.
//!
//! What it shares with the daemon, so that the two do the same work: a channel for each accepted connection, the announced
//! window, the largest data message, the rule for giving window back, `TCP_NODELAY`, and that bytes go out as they come in,
//! without merging. A client's end of stream closes the channel at once.

use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd};
use std::path::Path;

use amtd_apf::wire::{DATA_HEADER, Message};
use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, recv, send};

use crate::link::{Link, data_header};

/// Serves one client after another on any free port of 127.0.0.1, and says which on stdout: `ready 127.0.0.1:PORT`. Returns only
/// when the device is gone.
pub(crate) fn run(device: &Path) -> Result<()> {
    let link = Link::open(device)?;
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    writeln!(io::stdout(), "ready {}", listener.local_addr()?)?;
    serve(link, &listener)
}

fn serve(mut link: Link, listener: &TcpListener) -> Result<()> {
    let mut buffer = vec![0; link.max_message()];
    loop {
        let mut ready =
            [PollFd::new(link.as_fd(), PollFlags::POLLIN), PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        poll(&mut ready, PollTimeout::NONE)?;
        let [device, accept] = ready.map(|entry| entry.any().unwrap_or(true));
        if device && let Some(length) = link.try_receive(&mut buffer)? {
            // Between clients only late closes and questions about the session can come.
            link.answer(&Message::decode(&buffer[..length])?.message)?;
        }
        if accept {
            let (client, peer) = listener.accept()?;
            client.set_nodelay(true)?;
            let local = link.open_channel(peer.port())?;
            Pump::new(&mut link, &client, local, &mut buffer).run()?;
        }
    }
}

/// One client and its channel.
struct Pump<'a> {
    link: &'a mut Link,
    client: &'a TcpStream,
    /// For messages from the device.
    message: &'a mut [u8],
    local: u32,
    /// Firmware's number, once it has confirmed.
    remote: Option<u32>,
    send_window: usize,
    /// Bytes that the client took and that firmware does not know of.
    due: u32,
    /// Bytes for the client that its socket did not take; never more than the announced window.
    backlog: Vec<u8>,
    /// A data message from the client: room for the header, then the payload. Empty when the device took it.
    outgoing: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    /// Firmware closed: what is left is the backlog.
    Draining,
    Done,
}

impl<'a> Pump<'a> {
    fn new(link: &'a mut Link, client: &'a TcpStream, local: u32, message: &'a mut [u8]) -> Self {
        let (backlog, outgoing) = (Vec::new(), Vec::new());
        let (remote, send_window, due, state) = (None, 0, 0, State::Open);
        Self { link, client, message, local, remote, send_window, due, backlog, outgoing, state }
    }

    fn run(mut self) -> Result<()> {
        while self.state != State::Done {
            let (device, client) = self.interests();
            let mut ready =
                [PollFd::new(self.link.as_fd(), device), PollFd::new(self.client.as_fd(), client)];
            poll(&mut ready, PollTimeout::NONE)?;
            let [device, client] = ready.map(|entry| entry.revents().unwrap_or(PollFlags::POLLIN));
            if device.contains(PollFlags::POLLOUT) {
                self.send_outgoing()?;
            }
            if device.intersects(PollFlags::POLLIN | PollFlags::POLLHUP) {
                self.read_device()?;
            }
            if client.contains(PollFlags::POLLOUT) {
                self.flush_backlog()?;
            }
            // One that leaves before the channel is confirmed is noticed when it is: there is no number to close before.
            if client.intersects(PollFlags::POLLIN | PollFlags::POLLHUP | PollFlags::POLLERR)
                && self.remote.is_some()
            {
                self.read_client()?;
            }
            self.credit()?;
        }
        Ok(())
    }

    /// What to wait for at the device and at the client.
    fn interests(&self) -> (PollFlags, PollFlags) {
        let (mut device, mut client) = (PollFlags::POLLIN, PollFlags::empty());
        let blocked = !self.outgoing.is_empty();
        device.set(PollFlags::POLLOUT, blocked || self.credit_is_due());
        client.set(PollFlags::POLLIN, self.state == State::Open && self.send_window > 0 && !blocked);
        client.set(PollFlags::POLLOUT, !self.backlog.is_empty());
        (device, client)
    }

    /// Takes messages until there is none.
    fn read_device(&mut self) -> Result<()> {
        while let Some(length) = self.link.try_receive(self.message)? {
            match Message::decode(&self.message[..length])?.message {
                Message::ChannelData(data) if data.receiver == self.local => {
                    self.pass_on(DATA_HEADER..DATA_HEADER + data.payload.len())?;
                }
                Message::WindowAdjust(adjust) if adjust.receiver == self.local => {
                    self.send_window += adjust.bytes as usize;
                }
                Message::ChannelOpenConfirmation(open) if open.receiver == self.local => {
                    self.remote = Some(open.sender);
                    self.send_window = open.window as usize;
                }
                Message::ChannelOpenFailure(failure) if failure.receiver == self.local => {
                    self.state = State::Done;
                }
                Message::ChannelClose(close) if close.receiver == self.local => self.closed_by_firmware()?,
                other => self.link.answer(&other)?,
            }
        }
        Ok(())
    }

    /// Passes a part of the message on, or keeps what the client's socket does not take.
    fn pass_on(&mut self, payload: std::ops::Range<usize>) -> io::Result<()> {
        let payload = &self.message[payload];
        let taken = if self.backlog.is_empty() { write_now(self.client, payload)? } else { Some(0) };
        let Some(taken) = taken else { return self.close() };
        self.backlog.extend_from_slice(&payload[taken..]);
        self.delivered(taken);
        Ok(())
    }

    fn flush_backlog(&mut self) -> io::Result<()> {
        let Some(taken) = write_now(self.client, &self.backlog)? else { return self.close() };
        self.backlog.drain(..taken);
        self.delivered(taken);
        if self.backlog.is_empty() && self.state == State::Draining {
            self.finish()?;
        }
        Ok(())
    }

    fn read_client(&mut self) -> io::Result<()> {
        if self.state != State::Open || self.send_window == 0 || !self.outgoing.is_empty() {
            // Not asked for, so it is an error of the socket.
            return self.close();
        }
        let Some(remote) = self.remote else { return Ok(()) };
        let room = self.send_window.min(self.link.max_payload());
        self.outgoing.resize(DATA_HEADER + room, 0);
        let length =
            match recv(self.client.as_raw_fd(), &mut self.outgoing[DATA_HEADER..], MsgFlags::MSG_DONTWAIT) {
                Err(Errno::EAGAIN) => {
                    self.outgoing.clear();
                    return Ok(());
                }
                Ok(0) | Err(_) => return self.close(),
                Ok(length) => length,
            };
        self.outgoing.truncate(DATA_HEADER + length);
        self.outgoing[..DATA_HEADER].copy_from_slice(&data_header(remote, length));
        self.send_window -= length;
        self.send_outgoing()
    }

    fn send_outgoing(&mut self) -> io::Result<()> {
        if !self.outgoing.is_empty() && self.link.try_send(&self.outgoing)? {
            self.outgoing.clear();
        }
        Ok(())
    }

    fn delivered(&mut self, bytes: usize) {
        // At most a window, which is a u32.
        self.due += u32::try_from(bytes).unwrap_or(0);
    }

    /// The daemon's rule: when nothing undelivered is left, or for half a window. Unlike the daemon the null relay reads
    /// everything that is there before it asks.
    fn credit_is_due(&self) -> bool {
        self.state == State::Open
            && self.due > 0
            && (self.backlog.is_empty() || self.due >= self.link.window.div_ceil(2))
    }

    fn credit(&mut self) -> io::Result<()> {
        if let Some(remote) = self.remote
            && self.credit_is_due()
            && self.link.try_credit(remote, self.due)?
        {
            self.due = 0;
        }
        Ok(())
    }

    fn closed_by_firmware(&mut self) -> io::Result<()> {
        self.close_channel()?;
        self.state = State::Draining;
        if self.backlog.is_empty() { self.finish() } else { Ok(()) }
    }

    /// Everything went to the client: end its stream.
    fn finish(&mut self) -> io::Result<()> {
        self.state = State::Done;
        // It may have gone meanwhile.
        let _ = self.client.shutdown(Shutdown::Write);
        Ok(())
    }

    /// The client is gone: close the channel. Firmware's answer comes when the next client is served already.
    fn close(&mut self) -> io::Result<()> {
        if self.state == State::Open {
            self.close_channel()?;
        }
        self.state = State::Done;
        Ok(())
    }

    fn close_channel(&mut self) -> io::Result<()> {
        self.remote.map_or(Ok(()), |remote| self.link.close_channel(remote))
    }
}

/// Writes what the client's socket takes now. None if the client is gone.
fn write_now(client: &TcpStream, bytes: &[u8]) -> io::Result<Option<usize>> {
    match send(client.as_raw_fd(), bytes, MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL) {
        Ok(length) => Ok(Some(length)),
        Err(Errno::EAGAIN) => Ok(Some(0)),
        Err(Errno::EPIPE | Errno::ECONNRESET) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use amt_sim::{SimConfig, Simulator};
    use amtd_harness::PATIENCE;
    use amtd_harness::http::Connection;

    use super::*;
    use crate::content::{Check, content};
    use crate::load::{download_request, receipt, upload_head};

    #[test]
    fn each_client_gets_a_channel_and_every_byte_although_more_come_than_firmware_has_slots() {
        let directory = tempfile::tempdir().unwrap();
        let sim = Simulator::start(SimConfig::new(directory.path().join("mei"))).unwrap();
        let link = Link::open(sim.socket()).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let relay = thread::spawn(move || serve(link, &listener));
        let body = content(100_000);
        for _ in 0..20 {
            let mut client = Connection::open(address, PATIENCE).unwrap();
            let mut check = Check::default();
            client.send(&download_request(100_000)).unwrap();
            client.receive_into(|piece| check.take(piece)).unwrap();
            assert_eq!(check.position(), 100_000);
            client.send(&upload_head(body.len())).unwrap();
            assert_eq!(client.exchange(&body).unwrap().text().trim(), receipt(&body));
        }
        drop(sim);
        assert!(relay.join().unwrap().is_err(), "the relay outlived its device");
    }

    #[test]
    fn end_of_the_firmware_side_reaches_the_client() {
        let directory = tempfile::tempdir().unwrap();
        let sim = Simulator::start(SimConfig::new(directory.path().join("mei"))).unwrap();
        let link = Link::open(sim.socket()).unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let mut client = Connection::open(listener.local_addr().unwrap(), PATIENCE).unwrap();
        thread::spawn(move || serve(link, &listener));
        client.send(b"GET /sim/bulk/9000 HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
        let bytes = client.read_to_end().unwrap();
        assert!(bytes.ends_with(&content(9000)));
    }
}
