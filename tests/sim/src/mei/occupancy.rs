//! Which clients are connected, and which are still busy from a connection that was just closed (mei 8.1, 8.3).

use std::collections::HashMap;
use std::time::Instant;

use super::ClientKind;

/// Use of each client.
#[derive(Debug, Default)]
pub(crate) struct Occupancy {
    clients: HashMap<ClientKind, Use>,
}

#[derive(Debug, Default)]
struct Use {
    connections: usize,
    /// Closed connections that still count, by when they stop to.
    lingering: Vec<Instant>,
}

impl Occupancy {
    /// Occupies `kind` unless `limit` connections have it at `now`. Returns whether it did.
    pub(crate) fn enter(&mut self, kind: ClientKind, limit: usize, now: Instant) -> bool {
        let client = self.clients.entry(kind).or_default();
        client.lingering.retain(|end| *end > now);
        let free = client.connections + client.lingering.len() < limit;
        if free {
            client.connections += 1;
        }
        free
    }

    /// Ends one connection of `kind`, which counts until `end`.
    pub(crate) fn leave(&mut self, kind: ClientKind, end: Instant) {
        let client = self.clients.entry(kind).or_default();
        client.connections = client.connections.saturating_sub(1);
        client.lingering.push(end);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn closed_connection_keeps_the_client_busy_for_the_linger_time() {
        let (mut occupancy, now) = (Occupancy::default(), Instant::now());
        let end = now + Duration::from_millis(100);
        assert!(occupancy.enter(ClientKind::Lme, 1, now));
        assert!(!occupancy.enter(ClientKind::Lme, 1, now));
        assert!(occupancy.enter(ClientKind::Amthi, 1, now), "clients do not share a limit");
        occupancy.leave(ClientKind::Lme, end);
        assert!(!occupancy.enter(ClientKind::Lme, 1, now));
        assert!(occupancy.enter(ClientKind::Lme, 1, end));
    }
}
