//! Version and services: how a session becomes ready, and how firmware starts it over (`apf 3.1` to `3.3`).
//!
//! ```text
//!  AwaitingVersion --PROTOCOLVERSION--> AwaitingService --SERVICE_REQUEST pfwd--> Ready
//!                                          ^    |                                   |
//!                                          |    '--- SERVICE_REQUEST auth,          |
//!                                          |         USERAUTH_REQUEST: stays        |
//!                                          '----------- PROTOCOLVERSION ------------'
//!  any --session error, DISCONNECT, disconnect()--> Over
//! ```

use std::time::Instant;

use super::{
    Session,
    control::{Control, Service},
};
use crate::{
    counters::count,
    error::{CloseCause, SessionError},
    event::Event,
    limits::Timeouts,
    state::State,
    text,
    wire::{self, MessageType, ProtocolVersion},
};

#[derive(Debug)]
pub(super) struct Handshake {
    state: State,
    /// Whether firmware, as it is now, has been sent our version: it must be sent once.
    version_sent: bool,
    /// When to stop waiting for firmware to speak first.
    speak_first: Option<Instant>,
    /// When the handshake has failed; `None` once it has succeeded.
    deadline: Option<Instant>,
}

impl Handshake {
    pub(super) fn new(timeouts: &Timeouts, now: Instant) -> Self {
        Self {
            state: State::AwaitingVersion,
            version_sent: false,
            speak_first: now.checked_add(timeouts.version),
            deadline: now.checked_add(timeouts.handshake),
        }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }

    pub(super) fn end(&mut self) {
        *self = Self { state: State::Over, version_sent: true, speak_first: None, deadline: None };
    }

    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.speak_first.into_iter().chain(self.deadline).min()
    }

    /// Whether a message may come in this state (`apf 10` rows 8 and 16). DISCONNECT always may, and so may
    /// CHANNEL_CLOSE: firmware sends stray ones for channels of an earlier connection (`apf 4.7`), and a session
    /// that ended over each of them might never begin.
    pub(super) fn admit(&self, message: MessageType) -> Result<(), SessionError> {
        match (self.state, message) {
            (_, MessageType::DISCONNECT | MessageType::PROTOCOLVERSION | MessageType::CHANNEL_CLOSE) => {
                Ok(())
            }
            (State::AwaitingVersion, message) => Err(SessionError::BeforeVersion { message }),
            (State::AwaitingService, message) if needs_service(message) => {
                Err(SessionError::BeforeService { message })
            }
            _ => Ok(()),
        }
    }
}

/// Messages that need the forwarding service: global requests and everything about channels.
fn needs_service(message: MessageType) -> bool {
    matches!(
        message,
        MessageType::GLOBAL_REQUEST
            | MessageType::CHANNEL_OPEN
            | MessageType::CHANNEL_OPEN_CONFIRMATION
            | MessageType::CHANNEL_OPEN_FAILURE
            | MessageType::CHANNEL_WINDOW_ADJUST
            | MessageType::CHANNEL_DATA
    )
}

impl Session {
    /// The first version is answered, unless the host had to speak first; a later one means that firmware
    /// started over.
    pub(super) fn on_version(&mut self, now: Instant, version: ProtocolVersion) -> Result<(), SessionError> {
        let ProtocolVersion { major, minor, .. } = version;
        if major < 1 {
            return Err(SessionError::VersionTooOld { major, minor });
        }
        if (major, minor) > (1, 0) {
            // Both sides then speak the lower version, and only 1.0 exists (`apf 3.2`).
            count(&mut self.counters.newer_versions);
        }
        if self.handshake.state != State::AwaitingVersion {
            self.restart(now);
        }
        self.handshake.state = State::AwaitingService;
        self.send_version()
    }

    pub(super) fn on_service_request(&mut self, name: &[u8]) -> Result<(), SessionError> {
        let Some(service) = Service::from_name(name) else {
            return Err(SessionError::UnknownService { name: text::printable(name) });
        };
        self.control.push(Control::ServiceAccept(service));
        if service == Service::PortForwarding && self.handshake.state != State::Ready {
            self.handshake.state = State::Ready;
            self.handshake.deadline = None;
            self.events.push_back(Event::Ready);
        }
        Ok(())
    }

    /// Only firmware can be behind the MEI device: there is nothing to check (`apf 3.3`).
    pub(super) fn on_userauth_request(&mut self) {
        self.control.push(Control::UserauthSuccess);
    }

    /// Speaks first if firmware does not, and gives up if it stays incomplete.
    pub(super) fn expire_handshake(&mut self, now: Instant) -> Result<(), SessionError> {
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        if is_due(self.handshake.deadline) {
            return Err(SessionError::HandshakeTimeout { waiting: self.handshake.state });
        }
        if is_due(self.handshake.speak_first) {
            self.send_version()?;
        }
        Ok(())
    }

    /// Firmware lost its APF state without losing the connection: everything that it knew is void (`apf 3.1`). The new
    /// handshake gets its full time; further restarts before it is done do not prolong it.
    fn restart(&mut self, now: Instant) {
        count(&mut self.counters.restarts);
        if self.handshake.state == State::Ready {
            self.handshake.deadline = now.checked_add(self.config.timeouts.handshake);
        }
        self.handshake.version_sent = false;
        self.drop_everything(CloseCause::Restarted);
        self.events.push_back(Event::Restarted);
    }

    fn send_version(&mut self) -> Result<(), SessionError> {
        let (limit, needed) = (self.config.max_message_length, wire::VERSION_LENGTH);
        if limit < needed {
            return Err(SessionError::MessageLimitTooSmall { limit, needed });
        }
        self.handshake.speak_first = None;
        if !std::mem::replace(&mut self.handshake.version_sent, true) {
            self.control.push(Control::Version);
        }
        Ok(())
    }
}
