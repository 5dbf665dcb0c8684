//! The firmware of the simulation: its end of the port forwarding, and a web server that does one thing at a time. It
//! breaks a rule only when a fault makes it, and panics at every rule that the host breaks.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::{Duration, Instant},
};

use amtd_apf::{
    OpenFailureReason,
    wire::{
        ChannelClose, ChannelData, ChannelKind, ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure,
        ForwardAddress, GlobalRequest, Message, ProtocolVersion, RESERVED, Request, SERVICE_PFWD,
        ServiceName, SystemId, WindowAdjust,
    },
};

use super::traffic::{ECHO, Exchange, HTTP};

/// Channels that it has.
const SLOTS: usize = 8;
/// Messages that the device holds for it.
const FIFO: usize = 50;

/// What it is like, for a whole run.
#[derive(Debug)]
struct Character {
    /// Receive window of each channel.
    window: u32,
    /// Credits only when so much was consumed.
    credit_at: u32,
    frame: usize,
    service: Duration,
    /// Cannot begin another request while a response has not left.
    stuck: bool,
}

/// How it answers the opening of a channel when it does not just confirm it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Unwilling {
    Refuses(OpenFailureReason),
    Silent,
    /// Confirms, when the host may have given it up.
    Late(Duration),
}

/// What it does wrong at present.
#[derive(Debug, Default)]
pub(super) struct Mood {
    /// Answers to the next opens.
    pub(super) opens: VecDeque<Unwilling>,
    pub(super) holds_closes: bool,
    pub(super) holds_credit: bool,
    /// Does nothing until then.
    pub(super) stalled_until: Option<Instant>,
    /// At the next connection, it speaks an unknown version.
    pub(super) is_outdated: bool,
}

#[derive(Debug)]
struct Channel {
    /// The host's number.
    host: u32,
    echo: bool,
    /// Came, and not yet consumed.
    input: Vec<u8>,
    /// Consumed, and not yet credited.
    consumed: u32,
    /// What the host may still send.
    granted: u32,
    output: VecDeque<u8>,
    /// What may still be sent to the host.
    allowance: u64,
    /// To be closed when everything is out.
    closing: bool,
    close_sent: bool,
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Firmware {
    character: Character,
    pub(super) mood: Mood,
    channels: BTreeMap<u32, Channel>,
    /// Numbers that the host used in this connection.
    used: BTreeSet<u32>,
    /// Numbers of channels that were there when the last connection was lost.
    remembered: Vec<u32>,
    /// Openings that will be confirmed late.
    late: Vec<(Instant, Opening)>,
    /// Requests that came whole, in order.
    waiting: VecDeque<(u32, Exchange)>,
    serving: Option<(u32, Exchange, Instant)>,
    /// From the host, not yet looked at.
    pub(super) inbox: VecDeque<Vec<u8>>,
    /// Ports that it asked for and has not withdrawn.
    forwards: BTreeSet<u32>,
    /// For the host, not yet read.
    pub(super) outbox: VecDeque<Vec<u8>>,
    /// Requests that were ever seen, by client and number.
    seen: BTreeSet<(u32, u32)>,
    pub(super) served: u64,
}

/// A channel that the host wants.
#[derive(Debug, Clone, Copy)]
struct Opening {
    host: u32,
    allowance: u32,
    echo: bool,
}

impl Firmware {
    pub(super) fn random(rng: &mut fastrand::Rng) -> Self {
        let window = [512, 1400, 4096, 16_384, 65_536][rng.usize(0..5)];
        Self {
            character: Character {
                window,
                credit_at: rng.u32(1..=window),
                frame: rng.usize(64..4096),
                service: Duration::from_micros([20, 500, 5_000, 70_000][rng.usize(0..4)]),
                stuck: rng.bool(),
            },
            mood: Mood::default(),
            channels: BTreeMap::new(),
            used: BTreeSet::new(),
            forwards: BTreeSet::new(),
            remembered: Vec::new(),
            late: Vec::new(),
            waiting: VecDeque::new(),
            serving: None,
            inbox: VecDeque::new(),
            outbox: VecDeque::new(),
            seen: BTreeSet::new(),
            served: 0,
        }
    }

    /// The device was opened, or firmware begins anew by itself.
    pub(super) fn restart(&mut self, device_opened: bool) {
        let gone = std::mem::take(&mut self.channels);
        self.waiting.clear();
        self.late.clear();
        self.serving = None;
        self.forwards.clear();
        if device_opened {
            self.inbox.clear();
            self.outbox.clear();
            self.used.clear();
            self.remembered = gone.values().map(|channel| channel.host).collect();
        }
        let is_outdated = device_opened && std::mem::take(&mut self.mood.is_outdated);
        self.say(Message::ProtocolVersion(ProtocolVersion {
            major: u32::from(!is_outdated),
            minor: 9 * u32::from(is_outdated),
            trigger: 0,
            system_id: SystemId([7; 16]),
        }));
        self.say(Message::ServiceRequest(ServiceName { name: SERVICE_PFWD }));
        for port in [HTTP, ECHO] {
            self.forward(port, true);
        }
    }

    pub(super) fn forward(&mut self, port: u16, on: bool) {
        let address = ForwardAddress { address: b"", port: port.into() };
        let request = if on {
            self.forwards.insert(port.into());
            Request::TcpipForward(address)
        } else {
            self.forwards.remove(&port.into());
            Request::CancelTcpipForward(address)
        };
        self.say(Message::GlobalRequest(GlobalRequest { want_reply: true, request }));
    }

    /// Whether the device takes another message.
    pub(super) fn takes(&self) -> bool {
        self.inbox.len() < FIFO
    }

    /// Whether something is left to do without the host.
    pub(super) fn busy_until(&self, now: Instant) -> Option<Instant> {
        let stalled = self.mood.stalled_until.filter(|until| *until > now);
        let late = self.late.iter().map(|(at, _)| *at).min();
        let serving = self.serving.as_ref().map(|(_, _, until)| *until).into_iter().chain(late).min();
        let work = !self.inbox.is_empty() || self.channels.values().any(|channel| self.can_send(channel));
        match (stalled, work) {
            (Some(until), _) => Some(until),
            (None, true) => Some(now),
            (None, false) => serving,
        }
    }

    /// Does one thing.
    pub(super) fn step(&mut self, rng: &mut fastrand::Rng, now: Instant) {
        if self.mood.stalled_until.is_some_and(|until| until > now) {
            return;
        }
        if let Some(message) = self.inbox.pop_front() {
            self.hear(&message, now);
        }
        while let Some(index) = self.late.iter().position(|(at, _)| *at <= now) {
            let (_, opening) = self.late.swap_remove(index);
            self.confirm(opening);
        }
        self.serve(now);
        self.speak(rng);
        self.credit();
    }

    fn hear(&mut self, message: &[u8], now: Instant) {
        let decoded = Message::decode(message).expect("the host says nothing that cannot be understood");
        match decoded.message {
            Message::ChannelOpen(open) => self.open(&open, now),
            Message::ChannelData(data) => self.data(data),
            Message::WindowAdjust(adjust) => {
                if let Some(channel) = self.channels.get_mut(&adjust.receiver) {
                    channel.allowance += u64::from(adjust.bytes);
                }
            }
            Message::ChannelClose(close) => self.closed(close.receiver),
            _ => {}
        }
    }

    fn open(&mut self, open: &ChannelOpen<'_>, now: Instant) {
        assert!(open.sender != 0, "channel number 0 means none");
        assert!(self.used.insert(open.sender), "the host used {} twice in one connection", open.sender);
        let ChannelKind::ForwardedTcpip(endpoints) = open.kind else { panic!("{open:?}") };
        let echo = endpoints.target_port == u32::from(ECHO);
        let opening = Opening { host: open.sender, allowance: open.window, echo };
        if !self.forwards.contains(&endpoints.target_port) {
            return self.refuse(opening, OpenFailureReason::PROHIBITED);
        }
        match self.mood.opens.pop_front() {
            Some(Unwilling::Refuses(reason)) => self.refuse(opening, reason),
            Some(Unwilling::Silent) => {}
            Some(Unwilling::Late(time)) => self.late.push((now + time, opening)),
            None => self.confirm(opening),
        }
    }

    fn refuse(&mut self, opening: Opening, reason: OpenFailureReason) {
        self.say(Message::ChannelOpenFailure(ChannelOpenFailure { receiver: opening.host, reason }));
    }

    fn confirm(&mut self, opening: Opening) {
        if self.channels.len() >= SLOTS {
            return self.refuse(opening, OpenFailureReason::RESOURCE_SHORTAGE);
        }
        let Opening { host, allowance, echo } = opening;
        let number = (0..).find(|number| !self.channels.contains_key(number)).unwrap();
        let window = self.character.window;
        let channel = Channel {
            host,
            echo,
            input: Vec::new(),
            consumed: 0,
            granted: window,
            output: VecDeque::new(),
            allowance: allowance.into(),
            closing: false,
            close_sent: false,
        };
        self.channels.insert(number, channel);
        self.say(Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
            receiver: host,
            sender: number,
            window,
            reserved: RESERVED,
        }));
    }

    fn data(&mut self, data: ChannelData<'_>) {
        // It may have closed meanwhile.
        let Some(channel) = self.channels.get_mut(&data.receiver) else { return };
        let length = u32::try_from(data.payload.len()).unwrap();
        assert!(
            length <= channel.granted,
            "the host sends {length} bytes into a window of {}",
            channel.granted
        );
        channel.granted -= length;
        channel.consumed += length;
        if channel.closing || channel.close_sent {
            return;
        }
        if channel.echo {
            channel.output.extend(data.payload);
            return;
        }
        channel.input.extend(data.payload);
        while let Some((exchange, length)) = Exchange::take(&channel.input) {
            channel.input.drain(..length);
            let first = self.seen.insert((exchange.client, exchange.number));
            assert!(first, "{exchange:?} reached firmware twice");
            self.waiting.push_back((data.receiver, exchange));
        }
    }

    fn closed(&mut self, number: u32) {
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let host = channel.host;
        if channel.close_sent {
            self.forget(number);
        } else if !self.mood.holds_closes {
            self.forget(number);
            self.say(Message::ChannelClose(ChannelClose { receiver: host }));
        }
    }

    /// The channel is gone, and all its pending work with it: its number will be used again.
    fn forget(&mut self, number: u32) {
        self.channels.remove(&number);
        self.waiting.retain(|(channel, _)| *channel != number);
        self.serving.take_if(|(channel, ..)| *channel == number);
    }

    fn serve(&mut self, now: Instant) {
        if let Some((number, exchange, until)) = self.serving {
            if until > now {
                return;
            }
            self.serving = None;
            self.served += 1;
            if let Some(channel) = self.channels.get_mut(&number).filter(|channel| !channel.close_sent) {
                channel.output.extend(exchange.response());
                channel.closing = exchange.close;
            }
        }
        let is_stuck =
            self.character.stuck && self.channels.values().any(|channel| !channel.output.is_empty());
        if !is_stuck && let Some((number, exchange)) = self.waiting.pop_front() {
            self.serving = Some((number, exchange, now + self.character.service));
        }
    }

    fn can_send(&self, channel: &Channel) -> bool {
        (!channel.output.is_empty() && channel.allowance > 0)
            || (channel.closing && channel.output.is_empty() && !channel.close_sent)
    }

    /// One message of one channel.
    fn speak(&mut self, rng: &mut fastrand::Rng) {
        let able: Vec<_> =
            self.channels.iter().filter(|(_, channel)| self.can_send(channel)).map(|(n, _)| *n).collect();
        let Some(number) = rng.choice(able) else { return };
        let frame = self.character.frame;
        let Some(channel) = self.channels.get_mut(&number) else { return };
        let receiver = channel.host;
        if channel.output.is_empty() {
            channel.close_sent = true;
            return self.say(Message::ChannelClose(ChannelClose { receiver }));
        }
        let count =
            frame.min(channel.output.len()).min(usize::try_from(channel.allowance).unwrap_or(usize::MAX));
        channel.allowance -= count as u64;
        let payload: Vec<u8> = channel.output.drain(..count).collect();
        self.say(Message::ChannelData(ChannelData { receiver, payload: &payload }));
    }

    fn credit(&mut self) {
        if self.mood.holds_credit {
            return;
        }
        let at = self.character.credit_at;
        let due = self.channels.values_mut().filter(|channel| channel.consumed >= at && !channel.close_sent);
        let mut adjusts = Vec::new();
        for channel in due {
            adjusts.push(WindowAdjust { receiver: channel.host, bytes: channel.consumed });
            channel.granted += std::mem::take(&mut channel.consumed);
        }
        for adjust in adjusts {
            self.say(Message::WindowAdjust(adjust));
        }
    }

    // ---- its books ----

    /// For each open channel, by the host's number: how many bytes the host may still send, and how many may still be sent to
    /// the host, once everything on its way has arrived.
    pub(super) fn windows(&self) -> BTreeMap<u32, (i64, i64)> {
        let standing = self.channels.iter().filter(|(_, channel)| !channel.close_sent);
        let mut windows: BTreeMap<u32, (i64, i64)> = standing
            .map(|(_, channel)| {
                (channel.host, (channel.granted.into(), channel.allowance.try_into().unwrap()))
            })
            .collect();
        for message in &self.inbox {
            let (number, sent, granted) = moved(message);
            let Some(channel) = self.channels.get(&number) else { continue };
            let Some((send, receive)) = windows.get_mut(&channel.host) else { continue };
            (*send, *receive) = (*send - sent, *receive + granted);
        }
        for message in &self.outbox {
            let (number, sent, granted) = moved(message);
            let Some((send, receive)) = windows.get_mut(&number) else { continue };
            (*send, *receive) = (*send - granted, *receive + sent);
        }
        windows
    }

    // ---- what it does wrong ----

    /// Closes a channel at any point, except during a response whose end is marked only by the close: there the fault would be
    /// invisible. Returns whether there was such a channel.
    pub(super) fn close_one(&mut self, rng: &mut fastrand::Rng) -> bool {
        let open = self.channels.values_mut().filter(|channel| !channel.close_sent && !channel.closing);
        let open: Vec<_> = open.collect();
        let Some(channel) = rng.choice(open) else { return false };
        channel.close_sent = true;
        channel.output.clear();
        let receiver = channel.host;
        self.say(Message::ChannelClose(ChannelClose { receiver }));
        true
    }

    /// Says something that belongs to nothing.
    pub(super) fn stray(&mut self, rng: &mut fastrand::Rng) {
        let receiver = rng.u32(..);
        match rng.u8(0..5) {
            0 => self.say(Message::ChannelData(ChannelData { receiver, payload: b"for nobody" })),
            1 => self.say(Message::ChannelClose(ChannelClose { receiver })),
            2 => self.say(Message::WindowAdjust(WindowAdjust { receiver, bytes: 4096 })),
            3 => self.say(Message::ChannelOpenConfirmation(ChannelOpenConfirmation {
                receiver,
                sender: 99,
                window: 4096,
                reserved: RESERVED,
            })),
            _ => self.say(Message::KeepaliveRequest(receiver)),
        }
    }

    /// Says something about a channel of the last connection. Whether it remembers one.
    pub(super) fn remember(&mut self, rng: &mut fastrand::Rng) -> bool {
        let Some(receiver) = rng.choice(&self.remembered).copied() else { return false };
        self.say(match rng.u8(0..4) {
            0 => Message::ChannelData(ChannelData { receiver, payload: b"of old" }),
            1 => Message::WindowAdjust(WindowAdjust { receiver, bytes: 4096 }),
            _ => Message::ChannelClose(ChannelClose { receiver }),
        });
        true
    }

    /// Repeats its last message, if that can be repeated without breaking a stream. Whether it can.
    pub(super) fn duplicate(&mut self) -> bool {
        let Some(last) = self.outbox.back().cloned() else { return false };
        let may = Message::decode(&last).is_ok_and(|decoded| {
            matches!(
                decoded.message,
                Message::ChannelClose(_) | Message::ChannelOpenConfirmation(_) | Message::GlobalRequest(_)
            )
        });
        if may {
            self.outbox.push_back(last);
        }
        may
    }

    /// Something that is no message at all, or half of one.
    pub(super) fn garbage(&mut self, rng: &mut fastrand::Rng) {
        let length = rng.usize(0..60);
        let mut bytes: Vec<u8> = (0..length).map(|_| rng.u8(..)).collect();
        if rng.bool() {
            bytes.clear();
            Message::ChannelData(ChannelData { receiver: 0, payload: b"a part" }).encode(&mut bytes);
            bytes.truncate(rng.usize(1..bytes.len()));
        }
        self.outbox.push_back(bytes);
    }

    fn say(&mut self, message: Message<'_>) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        self.outbox.push_back(bytes);
    }
}

/// For which channel a message holds how many bytes, and how many it allows.
fn moved(message: &[u8]) -> (u32, i64, i64) {
    match Message::decode(message).map(|decoded| decoded.message) {
        Ok(Message::ChannelData(data)) => (data.receiver, data.payload.len().try_into().unwrap(), 0),
        Ok(Message::WindowAdjust(adjust)) => (adjust.receiver, 0, adjust.bytes.into()),
        _ => (u32::MAX, 0, 0),
    }
}
