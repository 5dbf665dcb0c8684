//! The direct link: one APF channel as a byte stream, in this very process, with no forwarder and no TCP. What it takes is the
//! cost of the device and of firmware alone.

use std::io::{self, Read, Write};

use amtd_apf::wire::{DATA_HEADER, Message};
use anyhow::{Result, bail};
use nix::poll::PollFlags;

use crate::link::{Link, data_header};

/// An open channel. Reads and writes block until firmware sends or takes something.
#[derive(Debug)]
pub(crate) struct DirectChannel<'a> {
    link: &'a mut Link,
    local: u32,
    remote: u32,
    /// Bytes that firmware takes now.
    send_window: usize,
    /// A message from the device, and what of it has not been read yet.
    message: Vec<u8>,
    unread: std::ops::Range<usize>,
    closed: bool,
    outgoing: Vec<u8>,
}

impl<'a> DirectChannel<'a> {
    /// Opens a channel.
    pub(crate) fn open(link: &'a mut Link) -> Result<Self> {
        let local = link.open_channel(0)?;
        let mut message = vec![0; link.max_message()];
        loop {
            let length = link.receive(&mut message)?;
            match Message::decode(&message[..length])?.message {
                Message::ChannelOpenConfirmation(open) if open.receiver == local => {
                    let (remote, send_window) = (open.sender, open.window as usize);
                    let (unread, closed, outgoing) = (0..0, false, Vec::new());
                    return Ok(Self { link, local, remote, send_window, message, unread, closed, outgoing });
                }
                Message::ChannelOpenFailure(failure) if failure.receiver == local => {
                    bail!("firmware refuses a channel: {}", failure.reason)
                }
                other => link.answer(&other)?,
            }
        }
    }

    /// Waits until the device takes a message. Firmware may wait for its own message to be read first.
    fn make_room(&mut self) -> io::Result<()> {
        let ready = self.link.wait(PollFlags::POLLIN | PollFlags::POLLOUT)?;
        if ready.contains(PollFlags::POLLIN) && self.unread.is_empty() { self.turn() } else { Ok(()) }
    }

    /// Waits for one message and takes it in.
    fn turn(&mut self) -> io::Result<()> {
        let length = self.link.receive(&mut self.message)?;
        let message = Message::decode(&self.message[..length]).map_err(io::Error::other)?.message;
        match message {
            Message::ChannelData(data) if data.receiver == self.local => {
                self.unread = DATA_HEADER..DATA_HEADER + data.payload.len();
            }
            Message::WindowAdjust(adjust) if adjust.receiver == self.local => {
                self.send_window += adjust.bytes as usize;
            }
            Message::ChannelClose(close) if close.receiver == self.local => self.closed = true,
            other => self.link.answer(&other).map_err(io::Error::other)?,
        }
        Ok(())
    }
}

impl Read for DirectChannel<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.unread.is_empty() {
            if self.closed {
                return Ok(0);
            }
            self.turn()?;
        }
        let taken = self.unread.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&self.message[self.unread.start..][..taken]);
        self.unread.start += taken;
        // What was read is what was delivered: the same rule by which the daemon gives window back.
        let bytes = u32::try_from(taken).unwrap_or(u32::MAX);
        while !self.link.try_credit(self.remote, bytes)? {
            self.make_room()?;
        }
        Ok(taken)
    }
}

impl Write for DirectChannel<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.unread.is_empty() {
            return Err(io::Error::other("one exchange at a time: the last answer has not been read"));
        }
        while self.send_window == 0 {
            if self.closed {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.turn()?;
        }
        let length = bytes.len().min(self.send_window).min(self.link.max_payload());
        self.outgoing.clear();
        self.outgoing.extend_from_slice(&data_header(self.remote, length));
        self.outgoing.extend_from_slice(&bytes[..length]);
        while !self.link.try_send(&self.outgoing)? {
            self.make_room()?;
        }
        self.send_window -= length;
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for DirectChannel<'_> {
    /// Closes the channel; firmware's answer is passed over by whoever uses the link next.
    fn drop(&mut self) {
        // If the device is gone, so is the channel.
        let _ = self.link.close_channel(self.remote);
    }
}

#[cfg(test)]
mod tests {
    use amt_sim::{SimConfig, Simulator};
    use amtd_harness::http::Connection;

    use super::*;
    use crate::content::{Check, content};
    use crate::load::{download_request, receipt, upload_head};

    #[test]
    fn transfers_larger_than_a_window_are_complete_on_channel_after_channel() {
        let directory = tempfile::tempdir().unwrap();
        let sim = Simulator::start(SimConfig::new(directory.path().join("mei"))).unwrap();
        let mut link = Link::open(sim.socket()).unwrap();
        let body = content(100_000);
        for _ in 0..20 {
            let mut connection = Connection::over(DirectChannel::open(&mut link).unwrap());
            let mut check = Check::default();
            connection.send(&download_request(100_000)).unwrap();
            connection.receive_into(|piece| check.take(piece)).unwrap();
            assert_eq!(check.position(), 100_000);
            connection.send(&upload_head(body.len())).unwrap();
            assert_eq!(connection.exchange(&body).unwrap().text().trim(), receipt(&body));
        }
    }
}
