//! A client of the simulation: what it sends, how fast it reads and how it leaves. It checks every byte that it gets.

use std::{collections::VecDeque, time::Duration};

use super::traffic::{Exchange, Framing, body};

/// What a connection's socket holds for a client that does not read, in bytes.
const SOCKET: usize = 16 * 1024;

/// How a client behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    /// Reads whatever comes.
    Fast,
    /// Reads a little at a time.
    Slow,
    /// Stops reading at some moment, and never leaves by itself.
    Silent,
    /// Sends FIN after its last request.
    HalfCloses,
    /// Disappears at some moment without a FIN.
    Vanishes,
}

/// What a client does.
#[derive(Debug)]
pub(super) enum Talk {
    Http(Vec<Exchange>),
    /// Sends so many bytes of its own, and wants them back.
    Echo {
        length: usize,
    },
}

/// One client with its one connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) id: u32,
    pub(super) manner: Manner,
    pub(super) talk: Talk,
    /// What is still to be sent, and after which answer each piece may be.
    unsent: VecDeque<u8>,
    /// Sent, and not yet read by the daemon.
    pub(super) to_daemon: VecDeque<u8>,
    pub(super) fin_sent: bool,
    /// The daemon has read it.
    pub(super) fin_seen: bool,
    /// Written by the daemon, and not yet read.
    from_daemon: VecDeque<u8>,
    /// The daemon's FIN follows.
    pub(super) fin_received: bool,
    /// Read so far of the answer to the exchange under way.
    read: Vec<u8>,
    expected: Vec<u8>,
    /// How much of it was found to be as expected.
    judged: usize,
    exchange: usize,
    pub(super) answered: u32,
    /// The daemon answered in firmware's place.
    pub(super) refused: bool,
    pub(super) done: bool,
    /// It does nothing any more.
    pub(super) mute: bool,
    /// It disappeared without a FIN.
    pub(super) vanished: bool,
}

impl Client {
    pub(super) fn random(rng: &mut fastrand::Rng, id: u32) -> Self {
        let manner = match rng.u8(0..12) {
            0..=5 => Manner::Fast,
            6..=7 => Manner::Slow,
            8 => Manner::Silent,
            9..=10 => Manner::HalfCloses,
            _ => Manner::Vanishes,
        };
        let talk = if rng.u8(0..8) == 0 {
            Talk::Echo { length: rng.usize(1..30_000) }
        } else {
            let count = rng.u32(1..5);
            Talk::Http(
                (0..count).map(|number| Exchange::random(rng, id, number, number + 1 == count)).collect(),
            )
        };
        let mut client = Self {
            id,
            manner,
            talk,
            unsent: VecDeque::new(),
            to_daemon: VecDeque::new(),
            fin_sent: false,
            fin_seen: false,
            from_daemon: VecDeque::new(),
            fin_received: false,
            read: Vec::new(),
            expected: Vec::new(),
            judged: 0,
            exchange: 0,
            answered: 0,
            refused: false,
            done: false,
            mute: false,
            vanished: false,
        };
        client.next();
        client
    }

    pub(super) fn is_echo(&self) -> bool {
        matches!(self.talk, Talk::Echo { .. })
    }

    /// Gets ready for the next exchange.
    fn next(&mut self) {
        self.read.clear();
        match &self.talk {
            Talk::Http(exchanges) => {
                let Some(exchange) = exchanges.get(self.exchange) else { return };
                self.unsent.extend(exchange.request());
                self.expected = exchange.response();
            }
            Talk::Echo { length } => {
                self.expected = body(self.id, 0, *length, 3);
                self.unsent.extend(&self.expected);
            }
        }
    }

    /// When it acts next.
    pub(super) fn pause(&self, rng: &mut fastrand::Rng) -> Duration {
        match self.manner {
            Manner::Slow => Duration::from_millis(rng.u64(1..400)),
            _ => Duration::from_micros(rng.u64(10..30_000)),
        }
    }

    /// Sends and reads a little. Returns whether anything moved. When trouble `is_over`, it does not fall silent any more.
    pub(super) fn act(&mut self, rng: &mut fastrand::Rng, is_over: bool) -> bool {
        if self.done || self.mute {
            return false;
        }
        if self.manner == Manner::Silent && !is_over && rng.u8(0..20) == 0 {
            self.mute = true;
        }
        if self.manner == Manner::Vanishes && rng.u8(0..15) == 0 {
            (self.done, self.vanished) = (true, true);
            return true;
        }
        let sent = self.send(rng);
        let received = self.receive(rng);
        sent || received
    }

    fn send(&mut self, rng: &mut fastrand::Rng) -> bool {
        let room = SOCKET.saturating_sub(self.to_daemon.len());
        let piece = if rng.u8(0..4) == 0 { rng.usize(1..40) } else { room };
        let count = piece.min(room).min(self.unsent.len());
        self.to_daemon.extend(self.unsent.drain(..count));
        let said_all = match &self.talk {
            Talk::Http(exchanges) => self.exchange + 1 >= exchanges.len(),
            Talk::Echo { .. } => true,
        };
        let fin = self.manner == Manner::HalfCloses && said_all && self.unsent.is_empty() && !self.fin_sent;
        self.fin_sent |= fin;
        count > 0 || fin
    }

    fn receive(&mut self, rng: &mut fastrand::Rng) -> bool {
        let most = if self.manner == Manner::Slow { rng.usize(1..2000) } else { usize::MAX };
        let count = most.min(self.from_daemon.len());
        self.read.extend(self.from_daemon.drain(..count));
        self.judge();
        if self.fin_received && self.from_daemon.is_empty() && !self.done {
            self.ended();
        }
        count > 0
    }

    /// Whether what came so far is what firmware says, or what the daemon says in its place.
    fn judge(&mut self) {
        const ANSWERS: [&[u8]; 2] = [b"HTTP/1.1 50", b"HTTP/1.1 408 "];
        while !self.read.is_empty() && !self.refused {
            let count = self.read.len().min(self.expected.len());
            if self.read[self.judged..count] != self.expected[self.judged..count] {
                let is_like =
                    |answer: &[u8]| self.read.iter().zip(answer).all(|(read, answer)| read == answer);
                let is_answer = ANSWERS.into_iter().any(is_like);
                assert!(
                    is_answer && !self.is_echo(),
                    "client {} reads {:?}",
                    self.id,
                    String::from_utf8_lossy(&self.read)
                );
                self.refused = true;
                return;
            }
            self.judged = count;
            if count < self.expected.len() {
                return;
            }
            self.judged = 0;
            let rest = self.read.split_off(count);
            self.read.clear();
            self.answered += 1;
            self.exchange += 1;
            let more = matches!(&self.talk, Talk::Http(exchanges) if self.exchange < exchanges.len());
            if !more {
                assert!(rest.is_empty(), "client {} reads {} bytes too many", self.id, rest.len());
                let closes =
                    matches!(&self.talk, Talk::Http(all) if all.last().is_some_and(|last| last.close));
                if closes {
                    self.await_end();
                } else {
                    self.leave();
                }
                return;
            }
            self.next();
            self.read = rest;
        }
    }

    fn leave(&mut self) {
        self.done = true;
    }

    /// Firmware said that it closes; a client may wait for that.
    fn await_end(&mut self) {
        self.expected.clear();
        self.judged = 0;
        self.unsent.clear();
    }

    /// The daemon closed in an orderly way.
    fn ended(&mut self) {
        if let Talk::Http(exchanges) = &self.talk
            && let Some(exchange) = exchanges.get(self.exchange)
            && exchange.framing == Framing::UntilClose
            && !self.refused
            && !self.read.is_empty()
        {
            panic!(
                "client {}: a response that only the end of the connection can end was cut unseen",
                self.id
            );
        }
        self.done = true;
    }

    // ---- the daemon's end of its socket ----

    /// What the daemon's write would take.
    pub(super) fn takes(&self) -> usize {
        SOCKET.saturating_sub(self.from_daemon.len())
    }

    pub(super) fn given(&mut self, bytes: &[u8]) {
        self.from_daemon.extend(bytes);
    }

    /// The daemon reset the connection: that can be seen, whatever was on the way.
    pub(super) fn reset(&mut self) {
        self.done = true;
    }
}
