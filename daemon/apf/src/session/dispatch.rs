//! Which message goes where. Routes, and counts what is not worth routing; decides nothing.

use std::time::Instant;

use super::{Session, control::Control};
use crate::{
    counters::count,
    error::SessionError,
    limits::MAX_CONTROL_QUEUE,
    wire::{DecodeError, Message, MessageType, Scope},
};

impl Session {
    pub(super) fn dispatch(&mut self, now: Instant, input: &[u8]) -> Result<(), SessionError> {
        count(&mut self.counters.messages_in);
        let Some(&message_type) = input.first() else {
            count(&mut self.counters.empty_messages);
            return Ok(());
        };
        // Order before content: in the wrong place, even a well-formed message ends the session.
        self.handshake.admit(MessageType(message_type))?;
        match Message::decode(input) {
            Ok(decoded) => {
                if decoded.trailing > 0 {
                    count(&mut self.counters.trailing);
                }
                self.route(now, decoded.message)?;
            }
            Err(error) => self.on_undecodable(error)?,
        }
        self.check_flood()
    }

    fn route(&mut self, now: Instant, message: Message<'_>) -> Result<(), SessionError> {
        match message {
            Message::ProtocolVersion(version) => self.on_version(now, version)?,
            Message::ServiceRequest(service) => self.on_service_request(service.name)?,
            Message::UserauthRequest(_) => self.on_userauth_request(),
            Message::GlobalRequest(request) => self.on_global_request(now, request)?,
            Message::ChannelOpen(open) => self.on_channel_open(open),
            Message::ChannelOpenConfirmation(confirmation) => self.on_confirmation(now, confirmation)?,
            Message::ChannelOpenFailure(failure) => self.on_failure(failure),
            Message::WindowAdjust(adjust) => self.on_adjust(now, adjust),
            Message::ChannelData(data) => self.on_data(now, data),
            Message::ChannelClose(close) => self.on_close(close),
            Message::KeepaliveRequest(cookie) => self.on_keepalive(Control::KeepaliveReply(cookie)),
            Message::KeepaliveOptionsRequest(_) => self.on_keepalive(Control::KeepaliveOptionsReply),
            Message::Disconnect(disconnect) => {
                return Err(SessionError::Disconnected { reason: Some(disconnect.reason) });
            }
            Message::ServiceAccept(_)
            | Message::UserauthFailure(_)
            | Message::UserauthSuccess
            | Message::RequestSuccess(_)
            | Message::RequestFailure
            | Message::KeepaliveReply(_)
            | Message::KeepaliveOptionsReply(_) => count(&mut self.counters.host_messages),
            Message::Unknown(_) => count(&mut self.counters.unknown_types),
        }
        Ok(())
    }

    /// A truncated DISCONNECT is a DISCONNECT all the same (`apf 10` row 53).
    fn on_undecodable(&mut self, error: DecodeError) -> Result<(), SessionError> {
        match error {
            DecodeError { message_type: MessageType::DISCONNECT, .. } => {
                Err(SessionError::Disconnected { reason: None })
            }
            DecodeError { scope: Scope::Message, .. } => {
                count(&mut self.counters.bad_datagrams);
                Ok(())
            }
            error => Err(error.into()),
        }
    }

    fn on_keepalive(&mut self, reply: Control) {
        count(&mut self.counters.keepalives);
        self.control.push(reply);
    }

    /// Answers pile up only if firmware asks without reading.
    fn check_flood(&self) -> Result<(), SessionError> {
        if self.control.len() > MAX_CONTROL_QUEUE {
            return Err(SessionError::Flood { what: "messages", limit: MAX_CONTROL_QUEUE });
        }
        Ok(())
    }
}
