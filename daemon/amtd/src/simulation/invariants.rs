//! What must hold after every step of a simulated world.

use std::collections::BTreeMap;

use amtd_apf::{
    Class, ForwardState, Session,
    mux::{FlowId, FlowInfo},
};

use super::world::World;

/// For each request that waits for a channel: since which step it does while its port is served.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    waiting: BTreeMap<FlowId, Waiter>,
}

#[derive(Debug, Clone, Copy)]
struct Waiter {
    class: Class,
    since: usize,
    /// Firmware refused it a channel: it pauses, and others may pass.
    refused: bool,
}

impl World {
    pub(super) fn check(&mut self) {
        let timeout = self.mux.poll_timeout();
        assert!(timeout.is_none_or(|at| at > self.now), "a deadline that passed is still waited for");
        let writable = self.device.can_write(self.now, &self.firmware);
        assert!(!writable || !self.mux.wants_transmit(), "something to send sleeps");
        self.device.check(self.now);
        let flows: Vec<_> = self.mux.flows().collect();
        for info in &flows {
            let waits = matches!(info.stage, "waiting" | "opening" | "ending");
            assert!(!waits || timeout.is_some(), "{info:?} waits without a deadline");
            let is_urgent = matches!(info.class, Class::Watchdog | Class::Health);
            let has_turn = info.stage == "waiting" && info.channel.is_some() && is_urgent && self.mux.ready();
            assert!(!has_turn, "{info:?} is urgent, has a channel, and waits");
        }
        self.check_connections();
        self.check_windows();
        self.check_turns(&flows);
    }

    fn check_connections(&self) {
        for connection in self.connections.values() {
            assert!(!connection.relay.has_commands(), "a command sleeps");
            let deadline = connection.relay.deadline();
            assert!(deadline.is_none_or(|at| at > self.now), "a connection sleeps past its deadline");
            let waits_for_host = connection.attached;
            assert!(deadline.is_some() || waits_for_host, "a connection waits for nobody");
        }
    }

    /// Host and firmware agree on each other's windows when nothing is on its way.
    fn check_windows(&self) {
        let Some(session) = self.mux.session() else { return };
        assert!(session.slots().used() <= 8, "{:?}", session.slots());
        if self.mux.wants_transmit() || !self.device.is_whole() || !self.device.has_nothing_to_write() {
            return;
        }
        let windows = self.firmware.windows();
        for channel in session.channels().filter(|channel| channel.state == "open") {
            let Some((send, receive)) = windows.get(&channel.id.number()) else { continue };
            assert_eq!(i64::from(channel.remote_window), *send, "{channel:?}");
            assert_eq!(i64::from(channel.local_window), *receive, "{channel:?}");
        }
    }

    /// No request of a lower class that came later gets a channel for which an urgent one waits. Bulk is left out, because it
    /// has a guaranteed share.
    fn check_turns(&mut self, flows: &[FlowInfo]) {
        let before = std::mem::take(&mut self.waiters.waiting);
        for info in flows {
            let earlier = before.get(&info.id).copied();
            match info.stage {
                "waiting" if info.channel.is_none() => {
                    let refused = earlier.is_some_and(|waiter| waiter.refused && waiter.class == info.class);
                    let since =
                        earlier.filter(|_| self.is_served(info)).map_or(self.steps, |waiter| waiter.since);
                    self.waiters.waiting.insert(info.id, Waiter { class: info.class, since, refused });
                }
                "opening" => {
                    let class = info.class;
                    let since = earlier.map_or(self.steps, |waiter| waiter.since);
                    if class == Class::Interactive {
                        self.check_that_nobody_was_passed(flows, &before, info, since);
                    }
                    self.waiters.waiting.insert(info.id, Waiter { class, since, refused: true });
                }
                _ => {}
            }
        }
    }

    /// Whether firmware serves its port at present.
    fn is_served(&self, info: &FlowInfo) -> bool {
        let mut forwards = self.mux.session().into_iter().flat_map(Session::forwards);
        forwards.any(|forward| forward.state == ForwardState::Active && forward.port == info.port)
    }

    fn check_that_nobody_was_passed(
        &self,
        flows: &[FlowInfo],
        before: &BTreeMap<FlowId, Waiter>,
        winner: &FlowInfo,
        since: usize,
    ) {
        if before.get(&winner.id).is_some_and(|waiter| waiter.refused) {
            // It opens since an earlier step.
            return;
        }
        let losers = flows.iter().filter(|info| info.stage == "waiting" && info.class.is_urgent());
        for loser in losers.filter(|info| info.channel.is_none() && self.is_served(info)) {
            let Some(waiter) = before.get(&loser.id) else { continue };
            let passed = waiter.class.is_urgent() && !waiter.refused && waiter.since < since;
            assert!(!passed, "{winner:?} passed {loser:?}, which waited before it came");
        }
    }
}
