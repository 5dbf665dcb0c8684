//! The channels of a session: the ledger, and the messages about single channels.

use std::{collections::BTreeMap, time::Instant};

use bytes::Bytes;

use super::{Open, Session, control::Control};
use crate::{
    channel::{Adjusted, Channel, Effects, Notice, Opener, Phase, Received, Zombie},
    class::Class,
    counters::{count, count_bytes},
    error::SessionError,
    event::Event,
    id::{ChannelId, Port, RemoteChannelId},
    limits::MAX_ZOMBIES,
    wire::{ChannelClose, ChannelData, ChannelOpenConfirmation, ChannelOpenFailure, WindowAdjust},
};

/// The slot ledger: the channels that the host may have, by phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slots {
    /// How many there may be.
    pub limit: usize,
    /// Asked for, not answered.
    pub opening: usize,
    /// In use.
    pub open: usize,
    /// Being closed.
    pub closing: usize,
}

impl Slots {
    /// How many there are.
    pub fn used(&self) -> usize {
        self.opening.saturating_add(self.open).saturating_add(self.closing)
    }

    /// How many more there may be.
    pub fn free(&self) -> usize {
        self.limit.saturating_sub(self.used())
    }
}

/// One channel as it is now, for status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelInfo {
    /// Its id.
    pub id: ChannelId,
    /// The forwarded port; 0 for a channel that firmware opened.
    pub port: Port,
    /// Its class.
    pub class: Class,
    /// `queued`, `opening`, `abandoned`, `open`, `draining` or `close-sent`.
    pub state: &'static str,
    /// Bytes that firmware may send now.
    pub local_window: u32,
    /// Bytes that the host may send now.
    pub remote_window: u32,
    /// Bytes that wait for transmission.
    pub queued: usize,
}

/// The ledger.
///
/// A slot is taken from `open` until firmware has seen our CLOSE and answered it, or has had its time to answer (`apf 4.2`). What firmware
/// then still owes an answer for stays behind as a zombie: it holds no slot, but its number is not given out, and a late confirmation for
/// it is answered with a CLOSE, because firmware has reserved a slot of its own.
#[derive(Debug)]
pub(super) struct Channels {
    generation: u32,
    /// By number. Few: the limits allow 16.
    live: BTreeMap<u32, Channel>,
    zombies: BTreeMap<u32, Zombie>,
    next_number: u32,
}

impl Channels {
    pub(super) fn new(generation: u32) -> Self {
        Self {
            generation,
            live: BTreeMap::new(),
            zombies: BTreeMap::new(),
            next_number: ChannelId::FIRST_NUMBER,
        }
    }

    /// A fresh id: the counter's next number that is neither in use nor a zombie's. When the counter wraps it starts over at the first.
    pub(super) fn next_id(&mut self) -> ChannelId {
        loop {
            let number = self.next_number;
            self.next_number = number.checked_add(1).unwrap_or(ChannelId::FIRST_NUMBER);
            if !self.live.contains_key(&number) && !self.zombies.contains_key(&number) {
                return ChannelId::new(self.generation, number);
            }
        }
    }

    pub(super) fn insert(&mut self, channel: Channel) {
        self.live.insert(channel.id().number(), channel);
    }

    pub(super) fn get(&self, id: ChannelId) -> Option<&Channel> {
        self.live.get(&id.number()).filter(|channel| channel.id() == id)
    }

    pub(super) fn get_mut(&mut self, id: ChannelId) -> Option<&mut Channel> {
        self.live.get_mut(&id.number()).filter(|channel| channel.id() == id)
    }

    pub(super) fn numbered(&self, number: u32) -> Option<&Channel> {
        self.live.get(&number)
    }

    pub(super) fn numbered_mut(&mut self, number: u32) -> Option<&mut Channel> {
        self.live.get_mut(&number)
    }

    /// The channel that firmware knows by this number.
    pub(super) fn by_remote(&self, remote: RemoteChannelId) -> Option<ChannelId> {
        self.live.values().find(|channel| channel.remote() == Some(remote)).map(Channel::id)
    }

    pub(super) fn direct_count(&self) -> usize {
        self.live.values().filter(|channel| channel.opener() == Opener::Firmware).count()
    }

    pub(super) fn slots(&self, limit: usize) -> Slots {
        let count = |phase| {
            let counted = |channel: &&Channel| channel.opener() == Opener::Host && channel.phase() == phase;
            self.live.values().filter(counted).count()
        };
        Slots {
            limit,
            opening: count(Phase::Opening),
            open: count(Phase::Open),
            closing: count(Phase::Closing),
        }
    }

    pub(super) fn infos(&self) -> impl Iterator<Item = ChannelInfo> {
        self.live.values().map(|channel| ChannelInfo {
            id: channel.id(),
            port: channel.port(),
            class: channel.class(),
            state: channel.state_name(),
            local_window: channel.local_window(),
            remote_window: channel.remote_window(),
            queued: channel.queued(),
        })
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.live.values().filter_map(Channel::deadline).min()
    }

    /// A channel whose time is over.
    pub(super) fn expired(&self, now: Instant) -> Option<u32> {
        let is_due = |channel: &&Channel| channel.deadline().is_some_and(|deadline| deadline <= now);
        self.live.values().find(is_due).map(|channel| channel.id().number())
    }

    /// Forgets everything, and says of each channel whether it had an owner.
    pub(super) fn drain(&mut self) -> Vec<(ChannelId, bool)> {
        self.zombies.clear();
        std::mem::take(&mut self.live)
            .into_values()
            .map(|channel| (channel.id(), channel.has_owner()))
            .collect()
    }

    /// Takes a channel that is gone out of the ledger.
    fn bury(&mut self, number: u32, zombie: Option<Zombie>) {
        self.live.remove(&number);
        if let Some(zombie) = zombie {
            self.zombies.insert(number, zombie);
        }
        if self.zombies.len() > MAX_ZOMBIES {
            // The lowest number is the oldest, as long as the counter has not wrapped.
            self.zombies.pop_first();
        }
    }
}

/// Commands.
impl Session {
    pub(super) fn begin_channel(&mut self, now: Instant, open: Open, class: Class) -> ChannelId {
        let id = self.channels.next_id();
        let target = (open.port, open.originator);
        self.channels.insert(Channel::forwarded(id, target, class, &self.config, now));
        self.control.push(Control::Open(id));
        id
    }

    /// Gives the channel a turn if it has something to send and may.
    pub(super) fn schedule(&mut self, number: u32) {
        let limit = self.config.frame_limit();
        if let Some(channel) = self.channels.numbered(number).filter(|channel| channel.frame(limit) > 0) {
            self.scheduler.activate(channel.class(), number);
        }
    }

    /// Queues an adjust if one is due and none waits yet.
    pub(super) fn queue_adjust(&mut self, number: u32) {
        if let Some(channel) = self.channels.numbered_mut(number)
            && channel.wants_adjust()
        {
            self.control.push(Control::Adjust(channel.id()));
        }
    }

    /// Carries out what a transition of a channel asks for.
    pub(super) fn apply(&mut self, number: u32, effects: Effects) {
        let Some(channel) = self.channels.numbered(number) else { return };
        let (id, is_gone) = (channel.id(), channel.is_gone());
        if channel.frame(1) == 0 {
            self.scheduler.remove(number);
        }
        self.control.extend(effects.close.map(|remote| Control::Close { channel: id, remote }));
        self.events.extend(effects.notice.map(|notice| notice.into_event(id)));
        if is_gone {
            self.control.forget(id);
            self.channels.bury(number, effects.zombie);
            self.events.push_back(Event::Released { channel: id });
        }
        // An owner that has gone leaves credit behind for what it never took.
        self.queue_adjust(number);
    }
}

impl Notice {
    fn into_event(self, channel: ChannelId) -> Event {
        match self {
            Self::Opened => Event::Opened { channel },
            Self::Refused(reason) => Event::Refused { channel, reason },
            Self::Closed(cause) => Event::Closed { channel, cause },
        }
    }
}

/// Messages.
impl Session {
    pub(super) fn on_confirmation(
        &mut self,
        now: Instant,
        message: ChannelOpenConfirmation,
    ) -> Result<(), SessionError> {
        let (number, remote) = (message.receiver, RemoteChannelId(message.sender));
        self.check_remote_is_new(number, remote)?;
        let Some(channel) = self.channels.numbered_mut(number) else {
            self.on_late_confirmation(number, remote);
            return Ok(());
        };
        let effects = channel.confirm(now, remote, message.window);
        if effects.stray {
            count(&mut self.counters.stray_confirmations);
            self.counters.extra_closes =
                self.counters.extra_closes.saturating_add(effects.close.is_some().into());
        }
        self.apply(number, effects);
        self.schedule(number);
        Ok(())
    }

    /// One number of firmware's for two channels of ours: nothing that firmware sends to either can be trusted (`apf 10` row 37).
    fn check_remote_is_new(&self, number: u32, remote: RemoteChannelId) -> Result<(), SessionError> {
        let concerns_us = match self.channels.numbered(number) {
            Some(channel) => channel.awaits_confirmation(),
            None => self.channels.zombies.contains_key(&number),
        };
        match self.channels.by_remote(remote).filter(|_| concerns_us) {
            Some(first) => {
                let second = ChannelId::new(self.config.generation, number);
                Err(SessionError::DuplicateRemoteChannel { remote, first, second })
            }
            None => Ok(()),
        }
    }

    /// A confirmation for an open that was given up: firmware has reserved a slot, which only a CLOSE frees (`apf 10` row 31).
    fn on_late_confirmation(&mut self, number: u32, remote: RemoteChannelId) {
        count(&mut self.counters.stray_confirmations);
        if let Some(zombie) = self.channels.zombies.get_mut(&number)
            && zombie.remote != Some(remote)
        {
            zombie.remote = Some(remote);
            count(&mut self.counters.extra_closes);
            self.control
                .push(Control::Close { channel: ChannelId::new(self.config.generation, number), remote });
        }
    }

    pub(super) fn on_failure(&mut self, message: ChannelOpenFailure) {
        let number = message.receiver;
        match self.channels.numbered_mut(number).map(|channel| channel.refuse(message.reason)) {
            Some(effects) if !effects.stray => self.apply(number, effects),
            _ => count(&mut self.counters.stray_failures),
        }
    }

    pub(super) fn on_adjust(&mut self, now: Instant, message: WindowAdjust) {
        if message.bytes == 0 {
            count(&mut self.counters.empty_adjusts);
            return;
        }
        let channel = self.channels.numbered_mut(message.receiver);
        match channel.map_or(Adjusted::Stray, |channel| channel.adjust(now, message.bytes)) {
            Adjusted::Grown => {}
            Adjusted::Overflowed => count(&mut self.counters.overflowing_adjusts),
            Adjusted::Stray => count(&mut self.counters.stray_adjusts),
        }
        self.schedule(message.receiver);
    }

    pub(super) fn on_data(&mut self, now: Instant, message: ChannelData<'_>) {
        if message.payload.is_empty() {
            count(&mut self.counters.empty_data);
            return;
        }
        let (number, bytes) = (message.receiver, message.payload.len());
        let Some(channel) = self.channels.numbered_mut(number) else {
            count(&mut self.counters.stray_data);
            return;
        };
        let id = channel.id();
        match channel.receive(now, bytes) {
            Received::Deliver => {
                count_bytes(&mut self.counters.bytes_in, bytes);
                self.events
                    .push_back(Event::Data { channel: id, bytes: Bytes::copy_from_slice(message.payload) });
            }
            Received::Discard => {
                count_bytes(&mut self.counters.discarded_bytes, bytes);
                self.queue_adjust(number);
            }
            Received::Excess(effects) => {
                count(&mut self.counters.excess_data);
                self.apply(number, effects);
            }
            Received::Stray => count(&mut self.counters.stray_data),
        }
    }

    pub(super) fn on_close(&mut self, message: ChannelClose) {
        let number = message.receiver;
        match self.channels.numbered_mut(number).map(Channel::remote_close) {
            Some(effects) if !effects.stray => self.apply(number, effects),
            // Never answered: there is no valid number to put into the answer (`apf 4.7`). For a zombie it is the late end.
            _ if self.channels.zombies.remove(&number).is_some() => {}
            _ => count(&mut self.counters.stray_closes),
        }
    }
}
