//! One TLS connection: ciphertext from the peer in, plaintext out, and the records to send.
//!
//! Owned by a channel. The first flight of the server is held back until the engine has done the handshake's work
//! ([`TlsConnection::takes_work`], [`TlsConnection::release`]). Garbage is answered with an alert; then, as after the peer's
//! close_notify, the connection [has ended](TlsConnection::has_ended) and the channel is to be closed.

use std::io::{Read, Write};
use std::sync::Arc;

use bytes::{Buf, Bytes, BytesMut};
use rustls::server::ServerConfig;
use rustls::{Error, ServerConnection};

/// Plaintext that is made into records at a time: what a download costs in memory.
pub(crate) const BATCH: usize = 16 * 1024;

/// Bytes that a script puts between two records: no header of a record begins so.
const GARBAGE: &[u8] = &[0xFF; 64];

/// A connection.
#[derive(Debug)]
pub(crate) struct TlsConnection {
    server: ServerConnection,
    /// Records to send.
    outgoing: BytesMut,
    flight: Flight,
    ended: bool,
    /// Whether nothing follows what is in `outgoing`.
    closed: bool,
    /// Whether the end is not announced.
    abrupt: bool,
    /// After how many more bytes garbage goes out.
    garbage_after: Option<usize>,
}

/// How far the server's first flight is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flight {
    /// The client's hello has not come.
    Awaited,
    /// It is made, but not for sending yet.
    Held,
    /// It is never sent.
    Stalled,
    /// It goes, and everything after it.
    Released,
}

impl TlsConnection {
    /// A connection to a client that has said nothing yet.
    pub(super) fn new(config: Arc<ServerConfig>) -> Result<Self, Error> {
        let mut server = ServerConnection::new(config)?;
        // What is written is taken out at once.
        server.set_buffer_limit(None);
        Ok(Self {
            server,
            outgoing: BytesMut::new(),
            flight: Flight::Awaited,
            ended: false,
            closed: false,
            abrupt: false,
            garbage_after: None,
        })
    }

    /// Makes the handshake stop before the server's first flight.
    pub(crate) fn stall(&mut self) {
        self.flight = Flight::Stalled;
    }

    /// Makes the connection end without a close_notify.
    pub(crate) fn end_abruptly(&mut self) {
        self.abrupt = true;
    }

    /// Puts garbage into the stream after so many more bytes.
    pub(crate) fn spoil(&mut self, after: usize) {
        self.garbage_after = Some(after);
    }

    /// Takes bytes of the peer and returns the plaintext in them.
    pub(crate) fn open(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let mut plaintext = Vec::new();
        while !bytes.is_empty() && !self.ended {
            // A connection that takes no more, or cannot: neither happens before it has ended, since plaintext is taken out
            // at once.
            if !self.server.read_tls(&mut bytes).is_ok_and(|taken| taken > 0) {
                self.ended = true;
            }
            match self.server.process_new_packets() {
                Ok(state) => {
                    let start = plaintext.len();
                    plaintext.resize(start + state.plaintext_bytes_to_read(), 0);
                    if self.server.reader().read_exact(&mut plaintext[start..]).is_err() {
                        plaintext.truncate(start);
                    }
                    self.ended |= state.peer_has_closed();
                }
                Err(_) => self.fail(),
            }
        }
        self.collect();
        if self.flight == Flight::Awaited && !self.outgoing.is_empty() && !self.ended {
            self.flight = Flight::Held;
        }
        plaintext
    }

    /// The peer broke the rules: what is left to send is the alert, which the server has queued.
    fn fail(&mut self) {
        self.ended = true;
        self.closed = true;
        self.flight = Flight::Released;
    }

    /// Whether the handshake's work is to be done before [`Self::release`].
    pub(crate) fn takes_work(&self) -> bool {
        self.flight == Flight::Held
    }

    /// The handshake's work is done: its records may go.
    pub(crate) fn release(&mut self) {
        self.flight = Flight::Released;
    }

    /// Whether the peer has closed the connection or broken it.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether nothing follows what is still to be sent.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Chain of the client, its own certificate first, once the handshake is done.
    pub(crate) fn client_chain(&self) -> Option<Vec<Vec<u8>>> {
        if self.server.is_handshaking() {
            return None;
        }
        Some(self.server.peer_certificates()?.iter().map(|certificate| certificate.to_vec()).collect())
    }

    /// Makes records of plaintext.
    pub(crate) fn seal(&mut self, plaintext: &[u8]) {
        // Writing into memory without a limit fails only after the end, when nothing is to be sent any more.
        if !self.closed && self.server.writer().write_all(plaintext).is_ok() {
            self.collect();
        }
    }

    /// Announces the end.
    pub(crate) fn close(&mut self) {
        if !self.closed {
            self.closed = true;
            if !self.abrupt {
                self.server.send_close_notify();
                self.collect();
            }
        }
    }

    /// Forgets what is to be sent.
    pub(crate) fn discard(&mut self) {
        self.outgoing.clear();
        self.closed = true;
    }

    /// Whether there is something to send.
    pub(crate) fn has_output(&self) -> bool {
        !self.outgoing.is_empty() && !matches!(self.flight, Flight::Held | Flight::Stalled)
    }

    /// The next bytes to send, at most `max`.
    pub(crate) fn take(&mut self, max: usize) -> Option<Bytes> {
        if !self.has_output() || max == 0 {
            return None;
        }
        if self.garbage_after == Some(0) {
            self.garbage_after = None;
            return Some(Bytes::from_static(&GARBAGE[..max.min(GARBAGE.len())]));
        }
        let length = max.min(self.outgoing.remaining()).min(self.garbage_after.unwrap_or(usize::MAX));
        self.garbage_after = self.garbage_after.map(|after| after - length);
        Some(self.outgoing.split_to(length).freeze())
    }

    /// Moves the records that are made to those to send.
    fn collect(&mut self) {
        let mut records = Vec::new();
        while self.server.wants_write() {
            // Writing into memory does not fail.
            if self.server.write_tls(&mut records).is_err() {
                break;
            }
        }
        self.outgoing.extend_from_slice(&records);
    }
}
