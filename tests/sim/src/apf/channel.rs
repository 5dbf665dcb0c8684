//! The books of one channel: whose it is, both windows, what is to be sent, how far it is closed.
//!
//! Pure: no messages, no session. `traffic` moves bytes through it. Windows are named by who may send: `remote_window` is what the host
//! granted to firmware, `local_window` what firmware granted to the host.

use std::collections::VecDeque;

use bytes::{Buf, Bytes, BytesMut};

use crate::config::CreditPolicy;
use crate::tls::{self, TlsConnection};
use crate::web::{Body, Request, WebConnection};

/// Most bytes that are kept for a web server that is busy, when a host ignores the window.
const MAX_HELD: usize = 1024 * 1024;

/// One channel.
#[derive(Debug)]
pub(super) struct Channel {
    /// Which of the channels that had this slot.
    pub(super) serial: u64,
    /// The host's number.
    pub(super) remote: u32,
    pub(super) port: u32,
    pub(super) role: Role,
    /// What protects the bytes, between them and the role.
    pub(super) tls: Option<Box<TlsConnection>>,
    /// Bytes that firmware may send.
    pub(super) remote_window: u32,
    /// Bytes that the host may send.
    pub(super) local_window: u64,
    pub(super) credit: Credit,
    /// Input that waits for a busy web server.
    pub(super) held: BytesMut,
    output: VecDeque<Output>,
    /// Bytes that may still be sent before a script closes the channel.
    pub(super) budget: Option<usize>,
    /// Whether firmware closes the channel when everything is sent.
    pub(super) closing: bool,
    /// Bytes that a script sends after firmware's CLOSE.
    pub(super) after_close: usize,
    pub(super) close_sent: bool,
    pub(super) close_received: bool,
    /// Whether the channel is in the session's list of senders.
    pub(super) queued: bool,
}

/// Who is behind a channel.
#[derive(Debug)]
pub(super) enum Role {
    /// The web server; `None` while its connection is at the engine.
    Web(Option<Box<WebConnection>>),
    /// A service that sends everything back.
    Echo,
    /// A channel that firmware opened; `false` until the host confirms it.
    Direct(bool),
    /// A second number given to a channel by a script; nothing is behind it.
    Ghost,
}

/// Something to send.
#[derive(Debug)]
pub(super) enum Output {
    Body(Body),
    Bytes(Bytes),
    /// A DATA message without payload.
    Empty,
}

/// When the host gets window back.
#[derive(Debug)]
pub(super) struct Credit {
    policy: CreditPolicy,
    window: u32,
    pending: u32,
    /// Adjusts are cut into steps of this size; 0 = the host gets nothing back.
    pub(super) step: Option<u32>,
}

impl Credit {
    pub(super) fn new(policy: CreditPolicy, window: u32) -> Self {
        Self { policy, window, pending: 0, step: None }
    }

    /// Bytes arrived. Returns what to give back now.
    pub(super) fn received(&mut self, bytes: usize) -> u32 {
        if self.policy == CreditPolicy::PerMessage { clamp(bytes) } else { 0 }
    }

    /// Bytes were consumed. Returns what to give back now.
    pub(super) fn consumed(&mut self, bytes: usize) -> u32 {
        match self.policy {
            CreditPolicy::PerMessage => 0,
            CreditPolicy::Consumed => clamp(bytes),
            CreditPolicy::HalfWindow => {
                self.pending = self.pending.saturating_add(clamp(bytes));
                if self.pending >= self.window.div_ceil(2) { std::mem::take(&mut self.pending) } else { 0 }
            }
        }
    }
}

impl Channel {
    /// A channel without windows.
    pub(super) fn new(serial: u64, remote: u32, port: u32, role: Role, credit: Credit) -> Self {
        Self {
            serial,
            remote,
            port,
            role,
            tls: None,
            remote_window: 0,
            local_window: 0,
            credit,
            held: BytesMut::new(),
            output: VecDeque::new(),
            budget: None,
            closing: false,
            after_close: 0,
            close_sent: false,
            close_received: false,
            queued: false,
        }
    }

    /// Sets both windows.
    pub(super) fn windows(self, remote_window: u32, local_window: u32) -> Self {
        Self { remote_window, local_window: local_window.into(), ..self }
    }

    /// Takes `length` bytes off the host's window. Returns by how much they exceed it.
    pub(super) fn take_window(&mut self, length: usize) -> u64 {
        let excess = (length as u64).saturating_sub(self.local_window);
        self.local_window = self.local_window.saturating_sub(length as u64);
        excess
    }

    /// The host grants more. Returns `false` if the sum does not fit; it is then as large as can be.
    pub(super) fn grant(&mut self, bytes: u32) -> bool {
        let sum = self.remote_window.checked_add(bytes);
        self.remote_window = sum.unwrap_or(u32::MAX);
        sum.is_some()
    }

    /// Keeps input for later.
    pub(super) fn hold(&mut self, bytes: &[u8]) {
        if self.held.len() + bytes.len() <= MAX_HELD {
            self.held.extend_from_slice(bytes);
        }
    }

    pub(super) fn push_output(&mut self, output: Output) {
        self.output.push_back(output);
    }

    pub(super) fn drop_output(&mut self) {
        self.output.clear();
        if let Some(tls) = &mut self.tls {
            tls.discard();
        }
    }

    /// What these bytes ask of the web server, which is at home.
    pub(super) fn read_requests(&mut self, bytes: &[u8]) -> Vec<Request> {
        let Role::Web(Some(web)) = &mut self.role else { return Vec::new() };
        let Some(tls) = &mut self.tls else { return web.feed(bytes) };
        let mut requests = web.feed(&tls.open(bytes));
        if tls.takes_work() {
            requests.push(Request::handshake());
        }
        // Who asked before it ended the connection gets an answer first.
        self.closing |= tls.has_ended() && requests.is_empty();
        requests
    }

    /// The payload of the next DATA message, at most `max` bytes and what the window allows. Empty payload only on purpose.
    pub(super) fn next_payload(&mut self, max: usize) -> Option<Bytes> {
        let allowed = self.budget.unwrap_or(usize::MAX).min(max).min(self.remote_window as usize);
        let payload = if self.tls.is_some() { self.next_sealed(allowed) } else { self.next_output(allowed) };
        if let Some(payload) = &payload {
            // Neither can underflow: the payload is at most `allowed` long.
            self.remote_window -= payload.len() as u32;
            self.budget = self.budget.map(|budget| budget - payload.len());
        }
        payload
    }

    /// The next records. Plaintext is sealed as they are sent, and the end is announced after the last.
    fn next_sealed(&mut self, allowed: usize) -> Option<Bytes> {
        while self.tls.as_ref().is_some_and(|tls| !tls.has_output()) {
            let plaintext = self.next_output(tls::BATCH);
            let tls = self.tls.as_mut()?;
            match plaintext {
                Some(plaintext) if plaintext.is_empty() => return Some(plaintext),
                Some(plaintext) => tls.seal(&plaintext),
                None if self.closing && !tls.is_closed() => tls.close(),
                None => return None,
            }
        }
        self.tls.as_mut()?.take(allowed)
    }

    /// The next of what is to be sent, before it is sealed.
    fn next_output(&mut self, allowed: usize) -> Option<Bytes> {
        loop {
            let payload = match self.output.front_mut()? {
                Output::Empty => Some(Bytes::new()),
                Output::Body(body) => body.next(allowed),
                Output::Bytes(bytes) => {
                    let length = allowed.min(bytes.len());
                    (length > 0).then(|| bytes.split_to(length))
                }
            };
            if self.output.front().is_some_and(Output::is_finished) {
                self.output.pop_front();
            } else if payload.is_none() {
                return None;
            }
            if payload.is_some() {
                return payload;
            }
        }
    }

    /// Whether there is something to send, window or not.
    pub(super) fn has_output(&self) -> bool {
        let sealed = |tls: &TlsConnection| tls.has_output() || (self.closing && !tls.is_closed());
        (!self.output.is_empty() || self.tls.as_deref().is_some_and(sealed)) && self.budget != Some(0)
    }

    /// Whether there is something to send and window for it.
    pub(super) fn can_send(&self) -> bool {
        let empty_message = matches!(self.output.front(), Some(Output::Empty));
        self.has_output() && (self.remote_window > 0 || empty_message) && !self.is_opening()
    }

    /// Whether firmware has to send its CLOSE now.
    pub(super) fn close_due(&self) -> bool {
        self.closing && !self.close_sent && !self.has_output()
    }

    /// Whether the channel is firmware's own and not confirmed.
    pub(super) fn is_opening(&self) -> bool {
        matches!(self.role, Role::Direct(false))
    }
}

impl Output {
    fn is_finished(&self) -> bool {
        match self {
            Self::Empty => true,
            Self::Body(body) => body.is_finished(),
            Self::Bytes(bytes) => !bytes.has_remaining(),
        }
    }
}

fn clamp(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
