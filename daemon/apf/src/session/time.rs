//! What happens by itself: the deadlines of the handshake, of unanswered questions to the host, and of
//! channels.

use std::time::Instant;

use super::Session;
use crate::{channel::Phase, counters::count, error::SessionError};

impl Session {
    pub(super) fn expire(&mut self, now: Instant) -> Result<(), SessionError> {
        self.expire_handshake(now)?;
        self.expire_forwards(now);
        self.expire_channels(now);
        Ok(())
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        [self.handshake.next_deadline(), self.forwards.next_deadline(), self.channels.next_deadline()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Each expiry takes its channel out of the ledger or gives it a later deadline, so this ends.
    fn expire_channels(&mut self, now: Instant) {
        while let Some(number) = self.channels.expired(now) {
            let Some(channel) = self.channels.numbered_mut(number) else { return };
            let phase = channel.phase();
            let effects = channel.handle_timeout(now);
            // A zombie is what firmware owes an answer for: an open that never left leaves none.
            match phase {
                Phase::Opening if effects.zombie.is_some() => count(&mut self.counters.unanswered_opens),
                Phase::Closing if effects.zombie.is_some() => count(&mut self.counters.unanswered_closes),
                Phase::Opening | Phase::Open | Phase::Closing => {}
            }
            self.apply(number, effects);
        }
    }
}
