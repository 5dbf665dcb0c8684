//! The messages about single channels, and the commands to them: each finds its channel, lets it make its
//! transition, and carries out what follows.

use std::time::Instant;

use bytes::Bytes;

use super::{Open, Session, control::Control};
use crate::{
    channel::{Adjusted, Channel, Effects, Notice, Received},
    class::Class,
    counters::{count, count_bytes},
    error::SessionError,
    event::Event,
    id::{ChannelId, RemoteChannelId},
    wire::{ChannelClose, ChannelData, ChannelOpenConfirmation, ChannelOpenFailure, WindowAdjust},
};

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
        let Self { channels, config, scheduler, .. } = self;
        if let Some(channel) = channels.numbered(number).filter(|channel| channels.frame(channel, config) > 0)
        {
            scheduler.activate(channel.class(), number);
        }
    }

    /// Firmware took bytes of a channel: others of its class, which waited for that, may go on.
    fn schedule_class_of(&mut self, number: u32) {
        if let Some(class) = self.channels.numbered(number).map(Channel::class) {
            self.schedule_class(class);
        }
    }

    pub(super) fn schedule_class(&mut self, class: Class) {
        for number in self.channels.of_class(class) {
            self.schedule(number);
        }
    }

    /// A channel has nothing more to send: another of its class may use up its window now.
    fn pass_on(&mut self, class: Class) {
        if self.channels.has_its_share(class, &self.config) {
            self.schedule_class(class);
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
        let (id, class, is_gone) = (channel.id(), channel.class(), channel.is_gone());
        match channel.frame() {
            0 => {
                self.scheduler.remove(number);
                self.pass_on(class);
            }
            // One that is done or out of patience no longer waits for more of the window.
            _ => self.schedule(number),
        }
        // The credit that an owner leaves behind goes out before the close, never after it.
        self.queue_adjust(number);
        self.control.extend(effects.close.map(|remote| Control::Close { channel: id, remote }));
        self.events.extend(effects.notice.map(|notice| notice.into_event(id)));
        if is_gone {
            self.control.forget(id);
            self.channels.bury(number, effects.zombie);
            self.schedule_class(class);
            self.events.push_back(Event::Released { channel: id });
        }
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
        }
        if effects.stray && effects.close.is_some() {
            count(&mut self.counters.extra_closes);
        }
        self.apply(number, effects);
        self.schedule(number);
        Ok(())
    }

    /// One number of firmware's for two channels of ours: nothing that firmware sends to either can be
    /// trusted (`apf 10` row 37).
    fn check_remote_is_new(&mut self, number: u32, remote: RemoteChannelId) -> Result<(), SessionError> {
        let holder = self.channels.by_remote(remote).filter(|_| self.channels.is_new_claim(number, remote));
        let Some(first) = holder else { return Ok(()) };
        if self.channels.get(first).is_some_and(Channel::awaits_close) {
            // Firmware has closed it, or it would not have the number to give: only its CLOSE was lost.
            self.on_close(ChannelClose { receiver: first.number() });
            return Ok(());
        }
        let second = ChannelId::new(self.config.generation, number);
        Err(SessionError::DuplicateRemoteChannel { remote, first, second })
    }

    /// A confirmation for an open that was given up: firmware has reserved a slot, which only a CLOSE frees
    /// (`apf 10` row 31).
    fn on_late_confirmation(&mut self, number: u32, remote: RemoteChannelId) {
        count(&mut self.counters.stray_confirmations);
        if let Some(zombie) = self.channels.zombie_mut(number)
            && zombie.remote != Some(remote)
        {
            zombie.remote = Some(remote);
            count(&mut self.counters.extra_closes);
            let channel = ChannelId::new(self.config.generation, number);
            self.control.push(Control::Close { channel, remote });
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
        self.schedule_class_of(message.receiver);
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
        let (id, waits) = (channel.id(), channel.handed().0 > 0);
        let received = channel.receive(now, bytes);
        if waits {
            self.schedule_class_of(number);
        }
        match received {
            Received::Deliver => {
                count_bytes(&mut self.counters.bytes_in, bytes);
                self.events
                    .push_back(Event::Data { channel: id, bytes: Bytes::copy_from_slice(message.payload) });
            }
            Received::Discard => count_bytes(&mut self.counters.discarded_bytes, bytes),
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
            // Never answered: there is no valid number to put into the answer (`apf 4.7`). For a zombie it is
            // the late end.
            _ if self.channels.lay_to_rest(number) => {}
            _ => count(&mut self.counters.stray_closes),
        }
    }
}
