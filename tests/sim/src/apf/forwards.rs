//! Global requests of firmware: forwards asked for and cancelled (apf 3.4 to 3.6), and their replies, which are matched by order.

use std::fmt;
use std::time::Instant;

use amtd_apf::wire::{ForwardAddress, GlobalRequest, Message, Request, RequestSuccess};

use super::Session;
use crate::firmware::{Firmware, is_secure};
use crate::stats::Violation;

/// A forward that firmware asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Forward {
    pub(super) port: u32,
    pub(super) address: String,
    pub(super) state: ForwardState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ForwardState {
    /// No reply yet.
    Requested,
    Accepted,
    Refused,
    /// Accepted once, cancelled since: opens that were on their way are no violation.
    Cancelled,
}

impl ForwardState {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Accepted => "accepted",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A global request without a reply.
#[derive(Debug)]
pub(super) struct Outstanding {
    asked: Asked,
    pub(super) since: Instant,
    pub(super) reported: bool,
}

#[derive(Debug)]
enum Asked {
    Forward { port: u32, address: String },
    Cancel { port: u32 },
    Other(String),
}

impl fmt::Display for Outstanding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.asked {
            Asked::Forward { port, .. } => write!(f, "tcpip-forward {port}"),
            Asked::Cancel { port } => write!(f, "cancel-tcpip-forward {port}"),
            Asked::Other(name) => f.write_str(name),
        }
    }
}

impl Session {
    /// Asks for every configured port, back to back.
    pub(super) fn request_forwards(&mut self, firmware: &Firmware) {
        let apf = &firmware.config.apf;
        let refused = firmware.device.security.refuses_plain();
        self.plain_withdrawn = refused;
        for &port in apf.ports.iter().filter(|port| !refused || is_secure(u32::from(**port))) {
            self.request_forward(firmware, u32::from(port), None);
        }
        for &port in &apf.echo_ports {
            self.request_forward(firmware, u32::from(port), None);
        }
    }

    /// Withdraws the plain ports of the web server when plain access is switched off, and asks for them again when it is back.
    pub(super) fn follow_settings(&mut self, firmware: &Firmware) {
        let refused = firmware.device.security.refuses_plain();
        if refused == self.plain_withdrawn || !self.is_ready() {
            return;
        }
        self.plain_withdrawn = refused;
        for &port in firmware.config.apf.ports.iter().filter(|port| !is_secure(u32::from(**port))) {
            match refused {
                true => self.request_cancel(firmware, u32::from(port), None),
                false => self.request_forward(firmware, u32::from(port), None),
            }
        }
    }

    /// Withdraws a port until somebody opens a channel, as AMT 16 does while nobody uses it (apf 4.4).
    pub(super) fn doze(&mut self, firmware: &Firmware, port: u32) {
        self.dozing.push(port);
        self.request_cancel(firmware, port, None);
    }

    /// Somebody opens a channel: asks again for what was withdrawn until then. Returns whether anything was.
    pub(super) fn wake(&mut self, firmware: &Firmware) -> bool {
        let dozing = std::mem::take(&mut self.dozing);
        for port in &dozing {
            self.request_forward(firmware, *port, None);
        }
        !dozing.is_empty()
    }

    /// Asks for one port. A forward that is known already is asked for again.
    pub(super) fn request_forward(&mut self, firmware: &Firmware, port: u32, address: Option<String>) {
        let address = address.unwrap_or_else(|| default_address(firmware));
        let body = ForwardAddress { address: address.as_bytes(), port };
        self.push(Message::GlobalRequest(GlobalRequest {
            want_reply: true,
            request: Request::TcpipForward(body),
        }));
        match self.forwards.iter_mut().find(|forward| forward.port == port && forward.address == address) {
            Some(forward) if forward.state == ForwardState::Accepted => {}
            Some(forward) => forward.state = ForwardState::Requested,
            None => {
                let address = address.clone();
                self.forwards.push(Forward { port, address, state: ForwardState::Requested });
            }
        }
        self.await_reply(firmware, Asked::Forward { port, address });
    }

    /// Cancels a forward, known or not. Open channels stay (apf 3.6).
    pub(super) fn request_cancel(&mut self, firmware: &Firmware, port: u32, address: Option<String>) {
        let address = address.unwrap_or_else(|| default_address(firmware));
        let body = ForwardAddress { address: address.as_bytes(), port };
        self.push(Message::GlobalRequest(GlobalRequest {
            want_reply: true,
            request: Request::CancelTcpipForward(body),
        }));
        let known =
            self.forwards.iter_mut().find(|forward| forward.port == port && forward.address == address);
        if let Some(forward) = known {
            forward.state = ForwardState::Cancelled;
        }
        self.await_reply(firmware, Asked::Cancel { port });
    }

    /// Sends a request that the protocol does not define.
    pub(super) fn request_unknown(&mut self, firmware: &Firmware, name: String, want_reply: bool) {
        let request = Request::Unknown { name: name.as_bytes(), body: b"" };
        self.push(Message::GlobalRequest(GlobalRequest { want_reply, request }));
        if want_reply {
            self.await_reply(firmware, Asked::Other(name));
        }
    }

    fn await_reply(&mut self, firmware: &Firmware, asked: Asked) {
        self.outstanding.push_back(Outstanding { asked, since: firmware.now, reported: false });
    }

    /// Takes the reply to the oldest outstanding request; `None` is REQUEST_FAILURE.
    pub(super) fn handle_reply(&mut self, firmware: &mut Firmware, success: Option<RequestSuccess>) {
        match success {
            Some(_) => firmware.stats.replies.success += 1,
            None => firmware.stats.replies.failure += 1,
        }
        let Some(request) = self.outstanding.pop_front() else {
            return firmware.violation(Violation::UnexpectedReply, "reply to a global request");
        };
        match (&request.asked, success) {
            (Asked::Forward { port, .. }, Some(reply)) if reply.port != Some(*port) => {
                firmware.violation(Violation::WrongReply, format!("{request} answered by {:?}", reply.port));
            }
            (Asked::Cancel { .. }, Some(RequestSuccess { port: Some(port) })) => {
                firmware.violation(Violation::WrongReply, format!("{request} answered with the port {port}"));
            }
            _ => {}
        }
        if let Asked::Forward { port, address } = request.asked {
            self.settle_forward(port, &address, success.is_some());
        }
        if self.outstanding.is_empty() && !self.ready {
            self.ready = true;
            firmware.stats.sessions_ready += 1;
        }
    }

    fn settle_forward(&mut self, port: u32, address: &str, accepted: bool) {
        let forward =
            self.forwards.iter_mut().find(|forward| forward.port == port && forward.address == address);
        if let Some(forward) = forward
            && forward.state == ForwardState::Requested
        {
            forward.state = if accepted { ForwardState::Accepted } else { ForwardState::Refused };
        }
    }

    /// Whether channels for `port` may be opened now, and whether they might have been before.
    pub(super) fn forward_of(&self, port: u32) -> Option<ForwardState> {
        let states = self.forwards.iter().filter(|forward| forward.port == port).map(|forward| forward.state);
        states.min_by_key(|state| match state {
            ForwardState::Accepted => 0,
            ForwardState::Cancelled => 1,
            ForwardState::Requested => 2,
            ForwardState::Refused => 3,
        })
    }
}

/// The address in forward requests: the name of the device, as on LME (apf 3.4).
fn default_address(firmware: &Firmware) -> String {
    firmware.config.apf.address.clone().unwrap_or_else(|| firmware.device.network.host_name.clone())
}
