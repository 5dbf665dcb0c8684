//! A small firmware for random runs: it keeps every rule, and panics when the host breaks one.
//!
//! It does nothing by itself. The test decides when it answers an open, sends, credits or closes, so that
//! every interleaving can happen.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::OnceLock,
};

use amtd_apf::wire::{
    ChannelKind, ChannelOpen, ChannelOpenConfirmation, ChannelOpenFailure, Message, OpenFailureReason,
    RESERVED,
};

use crate::support::{adjust, close, data, encoded};

const SLOTS: u32 = 8;

/// A piece of the stream of a channel. Neighbouring bytes, and bytes of different channels at the same
/// position, differ.
pub(crate) fn stream(channel: u32, start: usize, length: usize) -> Vec<u8> {
    const PERIOD: usize = 251;
    static STREAM: OnceLock<Vec<u8>> = OnceLock::new();
    let endless =
        STREAM.get_or_init(|| (0..PERIOD + (1 << 16)).map(|position| (position % PERIOD) as u8).collect());
    let offset = (start + 31 * channel as usize) % PERIOD;
    endless[offset..offset + length].to_vec()
}

#[derive(Default)]
pub(crate) struct Firmware {
    /// By firmware's number.
    pub(crate) channels: BTreeMap<u32, Remote>,
    /// Opens that wait for an answer: the host's numbers and windows.
    opens: VecDeque<(u32, u32)>,
    outbox: VecDeque<Vec<u8>>,
    window: u32,
    /// For each channel that the host closed first: its number and the bytes that had arrived by then.
    pub(crate) closed_by_host: BTreeMap<u32, usize>,
}

pub(crate) struct Remote {
    pub(crate) host: u32,
    /// What firmware may send.
    pub(crate) window: u32,
    /// What arrived and was not credited.
    pub(crate) uncredited: u32,
    /// What the host may still send, by firmware's books.
    granted: u32,
    received: usize,
    sent: usize,
    /// All window that the host was ever promised, less what it used and got back.
    pub(crate) announced: u32,
    /// The host has left, and wants no more accounting.
    widened: bool,
    close_sent: bool,
    close_received: bool,
}

impl Firmware {
    pub(crate) fn new(window: u32) -> Self {
        Self { window, ..Self::default() }
    }

    /// Reads one message of the host.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        let decoded = Message::decode(bytes).expect("the host sends valid messages");
        assert_eq!(decoded.trailing, 0);
        match decoded.message {
            Message::ChannelOpen(open) => self.on_open(open),
            Message::ChannelData(message) => self.on_data(message.receiver, message.payload),
            Message::WindowAdjust(message) => {
                assert!(message.bytes > 0, "an adjust by nothing");
                let remote = self.live(message.receiver);
                remote.window = remote.window.checked_add(message.bytes).expect("no overflow");
                assert!(
                    remote.window <= 4096 || remote.window <= 1 << 20 && !remote.widened,
                    "more credit than due"
                );
                remote.widened |= remote.window > 4096;
            }
            Message::ChannelClose(message) => self.on_close(message.receiver),
            other => panic!("unexpected {other:?}"),
        }
    }

    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        self.outbox.pop_front()
    }

    pub(crate) fn outbox(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.outbox.iter()
    }

    /// Answers the oldest open: whether there was one.
    pub(crate) fn answer_open(&mut self, accept: bool) -> bool {
        let Some((receiver, window)) = self.opens.pop_front() else { return false };
        let slot = (0..SLOTS).find(|number| !self.channels.contains_key(number)).filter(|_| accept);
        let Some(sender) = slot else {
            let reason = OpenFailureReason::RESOURCE_SHORTAGE;
            self.say(Message::ChannelOpenFailure(ChannelOpenFailure { receiver, reason }));
            return true;
        };
        let remote = Remote {
            host: receiver,
            window,
            uncredited: 0,
            granted: self.window,
            received: 0,
            sent: 0,
            announced: self.window,
            widened: false,
            close_sent: false,
            close_received: false,
        };
        self.channels.insert(sender, remote);
        let window = self.window;
        let confirmation = ChannelOpenConfirmation { receiver, sender, window, reserved: RESERVED };
        self.say(Message::ChannelOpenConfirmation(confirmation));
        true
    }

    /// Sends up to `length` bytes on the n-th channel.
    pub(crate) fn send(&mut self, nth: usize, length: usize) {
        let Some(remote) = self.nth(nth).filter(|remote| !remote.close_sent) else { return };
        let length = length.min(remote.window as usize);
        let (host, payload) = (remote.host, stream(remote.host, remote.sent, length));
        remote.window -= length as u32;
        remote.sent += length;
        self.say(data(host, &payload));
    }

    /// Credits up to `bytes` of what the n-th channel has received.
    pub(crate) fn credit(&mut self, nth: usize, bytes: u32) {
        let Some(remote) = self.nth(nth).filter(|remote| !remote.close_sent) else { return };
        let (host, bytes) = (remote.host, bytes.min(remote.uncredited));
        remote.uncredited -= bytes;
        remote.granted += bytes;
        self.say(adjust(host, bytes));
    }

    /// Lets the n-th channel move much more at once.
    pub(crate) fn grant_more(&mut self, nth: usize) {
        const MORE: u32 = 1_000_000;
        let Some(remote) = self.nth(nth).filter(|remote| !remote.close_sent) else { return };
        let host = remote.host;
        remote.granted += MORE;
        remote.announced += MORE;
        self.say(adjust(host, MORE));
    }

    pub(crate) fn close(&mut self, nth: usize) {
        let Some(remote) = self.nth(nth).filter(|remote| !remote.close_sent) else { return };
        remote.close_sent = true;
        let host = remote.host;
        self.say(close(host));
    }

    pub(crate) fn by_host(&self, number: u32) -> Option<(u32, &Remote)> {
        self.channels
            .iter()
            .find(|(_, remote)| remote.host == number)
            .map(|(number, remote)| (*number, remote))
    }

    fn on_open(&mut self, open: ChannelOpen<'_>) {
        assert_eq!(open.reserved, RESERVED);
        assert!(matches!(open.kind, ChannelKind::ForwardedTcpip(_)));
        assert!(self.by_host(open.sender).is_none(), "a number in use");
        self.opens.push_back((open.sender, open.window));
    }

    fn on_data(&mut self, number: u32, payload: &[u8]) {
        assert!(!payload.is_empty(), "an empty data message");
        let remote = self.live(number);
        let length = payload.len();
        remote.granted = remote.granted.checked_sub(length as u32).expect("within the window");
        remote.uncredited += length as u32;
        assert_eq!(payload, stream(remote.host, remote.received, length), "in order and intact");
        remote.received += length;
    }

    fn on_close(&mut self, number: u32) {
        let remote = self.live(number);
        remote.close_received = true;
        let (host, received, was_closing) = (remote.host, remote.received, remote.close_sent);
        if !was_closing {
            self.closed_by_host.insert(host, received);
            self.say(close(host));
        }
        self.channels.remove(&number);
    }

    /// A channel on which the host may still speak.
    fn live(&mut self, number: u32) -> &mut Remote {
        let remote = self.channels.get_mut(&number).expect("a number of ours that is in use");
        assert!(!remote.close_received, "nothing comes after a close");
        remote
    }

    fn nth(&mut self, nth: usize) -> Option<&mut Remote> {
        let count = self.channels.len().max(1);
        self.channels.values_mut().nth(nth % count)
    }

    fn say(&mut self, message: Message<'_>) {
        self.outbox.push_back(encoded(message));
    }
}
