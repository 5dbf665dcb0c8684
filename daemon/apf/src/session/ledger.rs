//! The ledger of a session's channels: numbers, slots, and what remains of channels that firmware did not
//! finish with. Knows nothing of messages; the handlers in `channels` keep it.

use std::{collections::BTreeMap, time::Instant};

use crate::{
    channel::{Channel, Opener, Phase, Zombie},
    class::Class,
    id::{ChannelId, Port, RemoteChannelId},
    limits::{MAX_ZOMBIES, SessionConfig},
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
/// A slot is taken from `open` until firmware has answered our CLOSE, or has had its time to answer (`apf 4.2`). A
/// channel for which firmware then still owes an answer stays behind as a zombie. It holds no slot, but its number is
/// not given out, and a late confirmation is answered with a CLOSE, because firmware has reserved a slot for it.
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
            next_number: first_number(generation),
        }
    }

    /// A fresh id: the counter's next number that is neither in use nor a zombie's. When the counter wraps it
    /// starts over at the first.
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

    /// Whether firmware, by confirming channel `number` as `remote`, claims a channel for the first time: one that it was
    /// asked for, and that does not have this number already.
    pub(super) fn is_new_claim(&self, number: u32, remote: RemoteChannelId) -> bool {
        match (self.live.get(&number), self.zombies.get(&number)) {
            (Some(channel), _) => channel.was_requested() && channel.remote() != Some(remote),
            (None, Some(zombie)) => zombie.remote != Some(remote),
            (None, None) => false,
        }
    }

    /// How many bytes the next data message of a channel would carry. None while firmware has the share of the class and
    /// enough of this channel to be expected to credit it: bytes in the kernel's queue cannot be overtaken.
    pub(super) fn frame(&self, channel: &Channel, config: &SessionConfig) -> usize {
        let bytes = channel.frame();
        let (_, well_fed) = channel.handed();
        let withheld = || self.has_its_share(channel.class(), config) && !self.may_use_up_window(channel);
        if bytes > 0 && well_fed && withheld() { 0 } else { bytes }
    }

    /// Whether firmware has as much of a class as it may have.
    pub(super) fn has_its_share(&self, class: Class, config: &SessionConfig) -> bool {
        self.handed(class) >= config.max_handed(class)
    }

    /// Whether a channel may use up its window beyond the share of its class: one at a time, the one that is nearest to it.
    /// How late firmware credits is not known, but it cannot wait for more than a whole window.
    fn may_use_up_window(&self, channel: &Channel) -> bool {
        let of_class = || self.live.values().filter(|other| other.class() == channel.class());
        let is_used_up = |other: &Channel| other.remote_window() == 0 && other.handed().0 > 0;
        let nearest = of_class().filter(|other| other.frame() > 0).min_by_key(|other| other.remote_window());
        !of_class().any(is_used_up) && nearest.map(Channel::id) == Some(channel.id())
    }

    /// Bytes that firmware was handed by channels of `class` and has neither credited nor answered.
    fn handed(&self, class: Class) -> usize {
        let of_class = self.live.values().filter(|channel| channel.class() == class);
        of_class.fold(0, |sum, channel| sum.saturating_add(channel.handed().0))
    }

    /// The channels of a class, by number.
    pub(super) fn of_class(&self, class: Class) -> Vec<u32> {
        let of_class = self.live.values().filter(|channel| channel.class() == class);
        of_class.map(|channel| channel.id().number()).collect()
    }

    pub(super) fn direct_count(&self) -> usize {
        self.live.values().filter(|channel| channel.opener() == Opener::Firmware).count()
    }

    pub(super) fn slots(&self, limit: usize) -> Slots {
        let mut slots = Slots { limit, opening: 0, open: 0, closing: 0 };
        for channel in self.live.values().filter(|channel| channel.opener() == Opener::Host) {
            let count = match channel.phase() {
                Phase::Opening => &mut slots.opening,
                Phase::Open => &mut slots.open,
                Phase::Closing => &mut slots.closing,
            };
            *count = count.saturating_add(1);
        }
        slots
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

    pub(super) fn zombie_mut(&mut self, number: u32) -> Option<&mut Zombie> {
        self.zombies.get_mut(&number)
    }

    /// Forgets a zombie; returns whether there was one.
    pub(super) fn lay_to_rest(&mut self, number: u32) -> bool {
        self.zombies.remove(&number).is_some()
    }

    /// Takes a channel that is gone out of the ledger.
    pub(super) fn bury(&mut self, number: u32, zombie: Option<Zombie>) {
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

/// Where the numbers of a session begin. Firmware may still close channels of an earlier connection (`apf 6`): that must
/// not meet a channel of this one, so neighbouring sessions begin far apart.
fn first_number(generation: u32) -> u32 {
    const APART: u32 = 4096;
    const PLACES: u32 = 15;
    let place = generation.checked_rem(PLACES).unwrap_or_default();
    ChannelId::FIRST_NUMBER.saturating_add(place.saturating_mul(APART))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{limits::SessionConfig, test_clock::origin};

    fn ledger_at(next_number: u32) -> Channels {
        Channels { next_number, ..Channels::new(1) }
    }

    fn channel(id: ChannelId) -> Channel {
        let client = ([127, 0, 0, 1], 1).into();
        Channel::forwarded(id, (Port(16992), client), Class::Bulk, &SessionConfig::default(), origin())
    }

    #[test]
    fn numbers_that_wrap_skip_what_is_in_use_and_zero() {
        let mut ledger = ledger_at(u32::MAX);
        ledger.insert(channel(ChannelId::new(1, ChannelId::FIRST_NUMBER)));
        ledger.zombies.insert(ChannelId::FIRST_NUMBER + 1, Zombie { remote: None });
        let numbers: Vec<u32> = (0..3).map(|_| ledger.next_id().number()).collect();
        assert_eq!(numbers, [u32::MAX, ChannelId::FIRST_NUMBER + 2, ChannelId::FIRST_NUMBER + 3]);
    }

    #[test]
    fn numbers_of_the_last_connection_are_not_those_of_the_next() {
        let firsts: Vec<u32> =
            (0..16).map(|generation| Channels::new(generation).next_id().number()).collect();
        assert_eq!(firsts[..3], [256, 256 + 4096, 256 + 2 * 4096]);
        assert!(firsts.iter().all(|first| *first < 65_536), "{firsts:?}");
        assert_eq!(firsts[15], firsts[0], "after so long nothing of them is on its way any more");
    }

    #[test]
    fn zombies_are_bounded_and_the_oldest_goes_first() {
        let mut ledger = ledger_at(ChannelId::FIRST_NUMBER);
        for _ in 0..MAX_ZOMBIES + 1 {
            let id = ledger.next_id();
            ledger.insert(channel(id));
            ledger.bury(id.number(), Some(Zombie { remote: None }));
        }
        assert_eq!(ledger.zombies.len(), MAX_ZOMBIES);
        assert!(!ledger.lay_to_rest(ChannelId::FIRST_NUMBER));
        assert!(ledger.lay_to_rest(ChannelId::FIRST_NUMBER + 1));
    }
}
