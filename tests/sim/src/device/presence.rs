//! Agent presence watchdogs: real timers, sequence numbers, states and actions (wsman 14.1).
//!
//! Time is an argument; [`AgentPresence::tick`] applies every deadline that has passed, so that a late call loses
//! nothing. The WSMAN classes translate to and from it. Which parts are documented and which are guessed is said where it
//! matters: the source leaves the transitions and the return values open.
//!
//! ```text
//!              RegisterAgent (keeps the state, starts the clock unless running)
//!                   |
//!   create --> NotStarted --AssertPresence--> Running --AssertShutdown--> Stopped --RegisterAgent--> NotStarted
//!                   |                          |   ^
//!                   +----- deadline -----------+   |
//!                   v                          v   |
//!                   +-------> Expired ---AssertPresence
//!   any of them --host leaves S0--> Suspended --host resumes--> the state before
//! ```

use std::time::{Duration, Instant};

/// Most watchdogs that the device keeps (`MaxTotalAgents`; the number is a guess).
pub const MAX_AGENTS: usize = 16;
/// Most actions that one watchdog keeps (a guess).
pub const MAX_ACTIONS: usize = 16;

/// State of a watchdog (`CurrentState`), also the bit of that state in an action's masks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WatchdogState {
    /// Waits for the first heartbeat.
    NotStarted = 1,
    /// Shut down in an orderly way.
    Stopped = 2,
    /// Heartbeats arrive in time.
    Running = 4,
    /// A heartbeat is missing.
    Expired = 8,
    /// The host does not run.
    Suspended = 16,
}

/// Why a call of an agent or a console was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PresenceError {
    /// No such watchdog.
    #[error("no watchdog has this DeviceID")]
    Unknown,
    /// The DeviceID is in use.
    #[error("a watchdog with this DeviceID exists already")]
    Duplicate,
    /// All watchdogs or actions are in use.
    #[error("no more watchdogs or actions can be kept")]
    Full,
    /// The agent did not call RegisterAgent, or the watchdog was stopped since.
    #[error("the agent is not registered; call RegisterAgent first")]
    NotRegistered,
    /// The sequence number is not the next one. The call does not count.
    #[error("the sequence number is not the expected one; the call does not count")]
    WrongSequence,
}

/// What is to happen on a change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Action {
    /// Mask of the states that are left.
    pub old_state: u32,
    /// Mask of the states that are entered.
    pub new_state: u32,
    /// Whether an event is raised.
    pub event: bool,
    /// 0 activates, 1 deactivates the default system-defence policy.
    pub system_defence: Option<u32>,
    /// Whether endpoint access control is triggered.
    pub access_control: bool,
}

/// What a console asks for when it creates a watchdog.
#[derive(Debug, Clone)]
pub struct WatchdogSpec {
    /// The agent's GUID in binary form.
    pub device_id: [u8; 16],
    /// Description, shown only.
    pub description: String,
    /// Time for the first heartbeat.
    pub startup: Duration,
    /// Time between heartbeats.
    pub timeout: Duration,
}

/// One watchdog.
#[derive(Debug, Clone)]
pub struct Watchdog {
    spec: WatchdogSpec,
    state: WatchdogState,
    /// The sequence number that the next call must carry; `None` while no agent is registered.
    expected: Option<u32>,
    deadline: Option<Instant>,
    /// What to restore on resume: the state before, and the time that was left.
    suspended: Option<(WatchdogState, Option<Duration>)>,
    actions: Vec<Action>,
    heartbeats: u64,
    rejected: u64,
    expirations: u64,
}

/// One change of state, kept so that tests and the control socket can see what happened and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// The watchdog.
    pub device_id: [u8; 16],
    /// State before.
    pub from: WatchdogState,
    /// State after.
    pub to: WatchdogState,
    /// When it happened: for an expiry its deadline, not the moment at which it was noticed.
    pub at: Instant,
    /// Whether an action asks for an event.
    pub event: bool,
}

impl Watchdog {
    /// What it was created with.
    #[must_use]
    pub fn spec(&self) -> &WatchdogSpec {
        &self.spec
    }

    /// Current state.
    #[must_use]
    pub fn state(&self) -> WatchdogState {
        self.state
    }

    /// Actions, in the order in which they were added.
    #[must_use]
    pub fn actions(&self) -> &[Action] {
        &self.actions
    }

    /// Heartbeats that counted.
    #[must_use]
    pub fn heartbeats(&self) -> u64 {
        self.heartbeats
    }

    /// Calls with a wrong sequence number or without registration.
    #[must_use]
    pub fn rejected(&self) -> u64 {
        self.rejected
    }

    /// Missed heartbeats: how often the watchdog expired.
    #[must_use]
    pub fn expirations(&self) -> u64 {
        self.expirations
    }

    /// Starts a session. Registering again is always allowed; the old session ends.
    fn register(&mut self, first: u32, now: Instant) -> Option<WatchdogState> {
        self.expected = Some(first.wrapping_add(1));
        // A running watchdog's clock goes on: registering is not a heartbeat.
        if self.state == WatchdogState::Running {
            return None;
        }
        self.deadline = Some(now + self.spec.startup);
        (self.state == WatchdogState::Stopped).then_some(WatchdogState::NotStarted)
    }

    /// Checks the sequence number of a call and uses it up if it is right.
    fn accept(&mut self, sequence: u32) -> Result<(), PresenceError> {
        let outcome = match self.expected {
            None => Err(PresenceError::NotRegistered),
            Some(expected) if expected != sequence => Err(PresenceError::WrongSequence),
            Some(expected) => {
                self.expected = Some(expected.wrapping_add(1));
                Ok(())
            }
        };
        self.rejected += u64::from(outcome.is_err());
        outcome
    }
}

/// All watchdogs of the device.
#[derive(Debug)]
pub struct AgentPresence {
    watchdogs: Vec<Watchdog>,
    host_running: bool,
    /// The next registration's session number.
    next_session: u32,
    /// The latest changes; bounded by [`Self::MAX_TRANSITIONS`].
    transitions: std::collections::VecDeque<Transition>,
}

impl Default for AgentPresence {
    fn default() -> Self {
        Self {
            watchdogs: Vec::new(),
            host_running: true,
            next_session: 1234,
            transitions: Default::default(),
        }
    }
}

impl AgentPresence {
    /// Most changes of state that are remembered.
    pub const MAX_TRANSITIONS: usize = 256;

    /// Creates a watchdog. Its startup interval runs from now on (guessed: "start" in wsman 14.1).
    ///
    /// # Errors
    /// [`PresenceError::Duplicate`] or [`PresenceError::Full`].
    pub fn create(&mut self, spec: WatchdogSpec, now: Instant) -> Result<(), PresenceError> {
        self.tick(now);
        if self.find(&spec.device_id).is_some() {
            return Err(PresenceError::Duplicate);
        }
        if self.watchdogs.len() == MAX_AGENTS {
            return Err(PresenceError::Full);
        }
        let deadline = Some(now + spec.startup);
        self.watchdogs.push(Watchdog {
            spec,
            state: WatchdogState::NotStarted,
            expected: None,
            deadline,
            suspended: None,
            actions: Vec::new(),
            heartbeats: 0,
            rejected: 0,
            expirations: 0,
        });
        if !self.host_running {
            self.suspend(self.watchdogs.len() - 1, now);
        }
        Ok(())
    }

    /// Deletes a watchdog.
    ///
    /// # Errors
    /// [`PresenceError::Unknown`].
    pub fn delete(&mut self, device_id: &[u8; 16]) -> Result<(), PresenceError> {
        let index = self.index(device_id)?;
        self.watchdogs.remove(index);
        Ok(())
    }

    /// RegisterAgent: answers the session's sequence number; the next call must carry that number plus one.
    ///
    /// # Errors
    /// [`PresenceError::Unknown`].
    pub fn register(&mut self, device_id: &[u8; 16], now: Instant) -> Result<u32, PresenceError> {
        self.tick(now);
        let index = self.index(device_id)?;
        let session = self.next_session;
        // The step is large, so that a client that goes on with an old session's numbers is always noticed.
        self.next_session = self.next_session.wrapping_add(0x0101_0101);
        if let Some(state) = self.watchdogs[index].register(session, now) {
            self.enter(index, state, now);
        }
        Ok(session)
    }

    /// AssertPresence: a heartbeat.
    ///
    /// # Errors
    /// [`PresenceError::Unknown`], [`PresenceError::NotRegistered`] or [`PresenceError::WrongSequence`]; then no timer changes.
    pub fn assert_presence(
        &mut self,
        device_id: &[u8; 16],
        sequence: u32,
        now: Instant,
    ) -> Result<(), PresenceError> {
        self.tick(now);
        let index = self.index(device_id)?;
        let watchdog = &mut self.watchdogs[index];
        watchdog.accept(sequence)?;
        watchdog.heartbeats += 1;
        // A heartbeat that firmware gets proves that the host runs: it also ends a suspension.
        watchdog.suspended = None;
        watchdog.deadline = Some(now + watchdog.spec.timeout);
        self.enter(index, WatchdogState::Running, now);
        Ok(())
    }

    /// AssertShutdown: the agent ends in an orderly way, and with it the session.
    ///
    /// # Errors
    /// As [`Self::assert_presence`].
    pub fn assert_shutdown(
        &mut self,
        device_id: &[u8; 16],
        sequence: u32,
        now: Instant,
    ) -> Result<(), PresenceError> {
        self.tick(now);
        let index = self.index(device_id)?;
        let watchdog = &mut self.watchdogs[index];
        watchdog.accept(sequence)?;
        watchdog.expected = None;
        watchdog.deadline = None;
        watchdog.suspended = None;
        self.enter(index, WatchdogState::Stopped, now);
        Ok(())
    }

    /// Adds an action.
    ///
    /// # Errors
    /// [`PresenceError::Unknown`] or [`PresenceError::Full`].
    pub fn add_action(&mut self, device_id: &[u8; 16], action: Action) -> Result<(), PresenceError> {
        let index = self.index(device_id)?;
        let actions = &mut self.watchdogs[index].actions;
        if actions.len() == MAX_ACTIONS {
            return Err(PresenceError::Full);
        }
        actions.push(action);
        Ok(())
    }

    /// Removes all actions of a watchdog.
    ///
    /// # Errors
    /// [`PresenceError::Unknown`].
    pub fn delete_all_actions(&mut self, device_id: &[u8; 16]) -> Result<(), PresenceError> {
        let index = self.index(device_id)?;
        self.watchdogs[index].actions.clear();
        Ok(())
    }

    /// Applies every deadline that has passed.
    pub fn tick(&mut self, now: Instant) {
        for index in 0..self.watchdogs.len() {
            let Some(deadline) = self.watchdogs[index].deadline.filter(|deadline| *deadline <= now) else {
                continue;
            };
            self.watchdogs[index].deadline = None;
            if self.watchdogs[index].state != WatchdogState::Expired {
                self.watchdogs[index].expirations += 1;
                self.enter(index, WatchdogState::Expired, deadline);
            }
        }
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.watchdogs.iter().filter_map(|watchdog| watchdog.deadline).min()
    }

    /// Stops all clocks when the host leaves S0, and lets them go on with the time that was left when it is back.
    pub fn set_host_running(&mut self, running: bool, now: Instant) {
        self.tick(now);
        if std::mem::replace(&mut self.host_running, running) == running {
            return;
        }
        for index in 0..self.watchdogs.len() {
            if running { self.resume(index, now) } else { self.suspend(index, now) }
        }
    }

    /// All watchdogs, in the order of their creation.
    #[must_use]
    pub fn watchdogs(&self) -> &[Watchdog] {
        &self.watchdogs
    }

    /// One watchdog.
    #[must_use]
    pub fn find(&self, device_id: &[u8; 16]) -> Option<&Watchdog> {
        self.watchdogs.iter().find(|watchdog| watchdog.spec.device_id == *device_id)
    }

    /// The latest changes of state, oldest first.
    pub fn transitions(&self) -> impl Iterator<Item = &Transition> {
        self.transitions.iter()
    }

    fn suspend(&mut self, index: usize, now: Instant) {
        let watchdog = &mut self.watchdogs[index];
        let left = watchdog.deadline.take().map(|deadline| deadline.saturating_duration_since(now));
        watchdog.suspended = Some((watchdog.state, left));
        self.enter(index, WatchdogState::Suspended, now);
    }

    fn resume(&mut self, index: usize, now: Instant) {
        if let Some((state, left)) = self.watchdogs[index].suspended.take() {
            self.watchdogs[index].deadline = left.map(|left| now + left);
            self.enter(index, state, now);
        }
    }

    fn enter(&mut self, index: usize, to: WatchdogState, at: Instant) {
        let watchdog = &mut self.watchdogs[index];
        let from = std::mem::replace(&mut watchdog.state, to);
        if from == to {
            return;
        }
        let matches = |action: &Action| {
            action.event && action.old_state & from as u32 != 0 && action.new_state & to as u32 != 0
        };
        let event = watchdog.actions.iter().any(matches);
        let device_id = watchdog.spec.device_id;
        if self.transitions.len() == Self::MAX_TRANSITIONS {
            self.transitions.pop_front();
        }
        self.transitions.push_back(Transition { device_id, from, to, at, event });
    }

    fn index(&self, device_id: &[u8; 16]) -> Result<usize, PresenceError> {
        self.watchdogs
            .iter()
            .position(|watchdog| watchdog.spec.device_id == *device_id)
            .ok_or(PresenceError::Unknown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: [u8; 16] = [7; 16];

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    /// One watchdog: 10 s for the first heartbeat, 5 s between heartbeats.
    fn created(now: Instant) -> AgentPresence {
        let mut presence = AgentPresence::default();
        let spec = WatchdogSpec {
            device_id: ID,
            description: "agent".into(),
            startup: seconds(10),
            timeout: seconds(5),
        };
        presence.create(spec, now).expect("the first watchdog");
        presence
    }

    fn state(presence: &AgentPresence) -> WatchdogState {
        presence.find(&ID).expect("the watchdog").state()
    }

    #[test]
    fn heartbeats_in_time_keep_it_running_and_a_missing_one_expires_it() {
        let start = Instant::now();
        let mut presence = created(start);
        let session = presence.register(&ID, start).expect("registered");
        assert_eq!(state(&presence), WatchdogState::NotStarted);
        for beat in 1..=4 {
            let now = start + seconds(4) * beat;
            presence.assert_presence(&ID, session + beat, now).expect("in sequence");
            assert_eq!(state(&presence), WatchdogState::Running);
        }
        assert_eq!(presence.next_deadline(), Some(start + seconds(21)));
        presence.tick(start + seconds(60));
        assert_eq!(state(&presence), WatchdogState::Expired);
        assert_eq!(presence.find(&ID).map(Watchdog::expirations), Some(1));
        let last = presence.transitions().last().expect("a transition");
        assert_eq!((last.to, last.at), (WatchdogState::Expired, start + seconds(21)));
    }

    #[test]
    fn expired_watchdog_runs_again_with_the_next_number_without_registering() {
        let start = Instant::now();
        let mut presence = created(start);
        let session = presence.register(&ID, start).expect("registered");
        let late = start + seconds(30);
        presence.assert_presence(&ID, session + 1, late).expect("in sequence");
        assert_eq!(state(&presence), WatchdogState::Running);
        assert_eq!(presence.find(&ID).map(Watchdog::expirations), Some(1));
    }

    #[test]
    fn wrong_or_replayed_sequence_number_does_not_count_and_moves_no_timer() {
        let start = Instant::now();
        let mut presence = created(start);
        assert_eq!(presence.assert_presence(&ID, 1, start), Err(PresenceError::NotRegistered));
        let session = presence.register(&ID, start).expect("registered");
        presence.assert_presence(&ID, session + 1, start).expect("in sequence");
        for wrong in [session, session + 1, session + 3] {
            let now = start + seconds(1);
            assert_eq!(presence.assert_presence(&ID, wrong, now), Err(PresenceError::WrongSequence));
        }
        assert_eq!(presence.next_deadline(), Some(start + seconds(5)));
        assert_eq!(
            presence.find(&ID).map(|watchdog| (watchdog.heartbeats(), watchdog.rejected())),
            Some((1, 4))
        );
        presence.assert_presence(&ID, session + 2, start).expect("still in sequence");
    }

    #[test]
    fn registering_again_ends_the_old_session() {
        let start = Instant::now();
        let mut presence = created(start);
        let old = presence.register(&ID, start).expect("registered");
        let new = presence.register(&ID, start).expect("registered again");
        assert_eq!(presence.assert_presence(&ID, old + 1, start), Err(PresenceError::WrongSequence));
        presence.assert_presence(&ID, new + 1, start).expect("in sequence");
    }

    #[test]
    fn sequence_number_wraps_to_zero() {
        let start = Instant::now();
        let mut presence = created(start);
        presence.next_session = u32::MAX - 1;
        let session = presence.register(&ID, start).expect("registered");
        assert_eq!(session, u32::MAX - 1);
        presence.assert_presence(&ID, u32::MAX, start).expect("the highest number");
        presence.assert_presence(&ID, 0, start).expect("wrapped");
    }

    #[test]
    fn shutdown_stops_the_clock_and_the_session() {
        let start = Instant::now();
        let mut presence = created(start);
        let session = presence.register(&ID, start).expect("registered");
        presence.assert_presence(&ID, session + 1, start).expect("in sequence");
        presence.assert_shutdown(&ID, session + 2, start).expect("in sequence");
        presence.tick(start + seconds(3600));
        assert_eq!(state(&presence), WatchdogState::Stopped);
        assert_eq!(presence.assert_presence(&ID, session + 3, start), Err(PresenceError::NotRegistered));
        presence.register(&ID, start).expect("registered again");
        assert_eq!(state(&presence), WatchdogState::NotStarted);
    }

    #[test]
    fn clocks_stand_still_while_the_host_sleeps() {
        let start = Instant::now();
        let mut presence = created(start);
        let session = presence.register(&ID, start).expect("registered");
        presence.assert_presence(&ID, session + 1, start).expect("in sequence");
        presence.set_host_running(false, start + seconds(2));
        assert_eq!(state(&presence), WatchdogState::Suspended);
        presence.tick(start + seconds(1000));
        presence.set_host_running(true, start + seconds(1000));
        assert_eq!(state(&presence), WatchdogState::Running);
        assert_eq!(presence.next_deadline(), Some(start + seconds(1003)));
    }

    #[test]
    fn events_are_raised_for_the_transitions_that_an_action_names() {
        let start = Instant::now();
        let mut presence = created(start);
        let action =
            Action { old_state: 4, new_state: 8, event: true, system_defence: None, access_control: false };
        presence.add_action(&ID, action).expect("room for an action");
        let session = presence.register(&ID, start).expect("registered");
        presence.assert_presence(&ID, session + 1, start).expect("in sequence");
        presence.tick(start + seconds(60));
        let events: Vec<bool> = presence.transitions().map(|transition| transition.event).collect();
        assert_eq!(events, [false, true]);
        presence.delete_all_actions(&ID).expect("known");
        assert!(presence.find(&ID).is_some_and(|watchdog| watchdog.actions().is_empty()));
    }

    #[test]
    fn watchdogs_and_actions_are_bounded() {
        let start = Instant::now();
        let mut presence = created(start);
        let spec = |id| WatchdogSpec {
            device_id: [id; 16],
            description: String::new(),
            startup: seconds(1),
            timeout: seconds(1),
        };
        assert_eq!(presence.create(spec(7), start), Err(PresenceError::Duplicate));
        for id in 100..115 {
            presence.create(spec(id), start).expect("room");
        }
        assert_eq!(presence.create(spec(200), start), Err(PresenceError::Full));
        let action =
            Action { old_state: 31, new_state: 31, event: true, system_defence: None, access_control: false };
        (0..MAX_ACTIONS).for_each(|_| presence.add_action(&ID, action).expect("room"));
        assert_eq!(presence.add_action(&ID, action), Err(PresenceError::Full));
        presence.delete(&ID).expect("known");
        assert_eq!(presence.delete(&ID), Err(PresenceError::Unknown));
    }
}
