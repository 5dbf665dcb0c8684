//! Message types: the first byte of every message (`apf 2`). Owns the numbers and their names, for the codec
//! and for whoever reports one.

use std::fmt;

/// The type byte of a message; values that APF does not define are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageType(pub u8);

/// Declares the constants and their names in one table, so that no number can lack its name.
macro_rules! message_types {
    ($($name:ident = $number:literal, $doc:literal;)*) => {
        impl MessageType {
            $(#[doc = $doc] pub const $name: Self = Self($number);)*

            /// The name of the type in the protocol's documents; `None` if APF does not define it.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

message_types! {
    DISCONNECT = 1, "Ends the session; both directions.";
    SERVICE_REQUEST = 5, "Asks for a service; firmware to host.";
    SERVICE_ACCEPT = 6, "Grants a service; host to firmware.";
    USERAUTH_REQUEST = 50, "Authenticates; firmware to host.";
    USERAUTH_FAILURE = 51, "Rejects an authentication; host to firmware.";
    USERAUTH_SUCCESS = 52, "Accepts an authentication; host to firmware.";
    GLOBAL_REQUEST = 80, "Starts or ends a forward, or sends a datagram; firmware to host.";
    REQUEST_SUCCESS = 81, "Answers a global request; host to firmware.";
    REQUEST_FAILURE = 82, "Refuses a global request; host to firmware.";
    CHANNEL_OPEN = 90, "Opens a channel; both directions.";
    CHANNEL_OPEN_CONFIRMATION = 91, "Accepts a channel; both directions.";
    CHANNEL_OPEN_FAILURE = 92, "Refuses a channel; both directions.";
    CHANNEL_WINDOW_ADJUST = 93, "Allows more bytes; both directions.";
    CHANNEL_DATA = 94, "Carries bytes; both directions.";
    CHANNEL_CLOSE = 97, "Closes a channel; both directions.";
    PROTOCOLVERSION = 192, "Opens the session; both directions.";
    KEEPALIVE_REQUEST = 208, "Probes the peer; either direction.";
    KEEPALIVE_REPLY = 209, "Answers a probe; either direction.";
    KEEPALIVE_OPTIONS_REQUEST = 210, "Proposes probe intervals; either direction.";
    KEEPALIVE_OPTIONS_REPLY = 211, "Decides on probe intervals; either direction.";
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "message type {}", self.0),
        }
    }
}
