//! The state of a session as JSON, for the control socket.

use serde_json::{Value, json};

use super::Session;
use super::channel::{Channel, Role};

impl Session {
    /// Phase, forwards, channels, what is outstanding.
    pub(crate) fn snapshot(&self) -> Value {
        let forwards: Vec<_> = self.forwards.iter().map(|forward| {
            json!({ "port": forward.port, "address": forward.address, "state": forward.state.name() })
        }).collect();
        let channels: Vec<_> = self
            .slots
            .iter()
            .enumerate()
            .filter_map(|(slot, channel)| Some(describe(slot, channel.as_ref()?)))
            .collect();
        let outstanding: Vec<_> = self.outstanding.iter().map(ToString::to_string).collect();
        json!({
            "phase": self.phase.name(),
            "ready": self.is_ready(),
            "forwards": forwards,
            "channels": channels,
            "slots": self.slots.len(),
            "slots_in_use": channels.len(),
            "outstanding": outstanding,
        })
    }
}

fn describe(slot: usize, channel: &Channel) -> Value {
    let role = match channel.role {
        Role::Web(Some(_)) => "web",
        Role::Web(None) => "web-executing",
        Role::Echo => "echo",
        Role::Direct(true) => "direct",
        Role::Direct(false) => "direct-opening",
        Role::Ghost => "ghost",
    };
    json!({
        "number": slot,
        "host_number": channel.remote,
        "port": channel.port,
        "role": role,
        "may_send": channel.remote_window,
        "may_receive": channel.local_window,
        "has_output": channel.has_output(),
        "close_sent": channel.close_sent,
        "close_received": channel.close_received,
    })
}
