//! What the driver reports: the state of the link, and a snapshot of everything it owns.

use std::{path::PathBuf, time::SystemTime};

use amtd_apf::{
    ChannelInfo, Class, Counters, Forward, Slots, State,
    mux::{ClassCounters, FlowInfo, MuxCounters},
};
use amtd_mei::LinkState;

/// The state of the link to firmware, published at each change.
#[derive(Debug, Clone)]
pub struct LinkStatus {
    /// Where the connection to the device stands.
    pub state: LinkState,
    /// Whether firmware serves channels. Clients can be served only then.
    pub ready: bool,
    /// One sentence for people.
    pub detail: String,
    /// The ports that firmware serves, while `ready`.
    pub ports: Vec<u16>,
    /// The ports that it has withdrawn, while `ready`, and may serve again when a client wants them.
    pub withdrawn: Vec<u16>,
    /// The device in use or last tried.
    pub node: Option<PathBuf>,
    /// When `state` or `ready` last changed.
    pub since: SystemTime,
    /// Connections made so far.
    pub connects: u64,
    /// Largest MEI message of the present connection, in bytes.
    pub max_message_length: usize,
    /// Version that the firmware client reported on connect.
    pub protocol_version: u8,
    /// While `ready`: since when firmware has left every request unanswered, if it does.
    pub unanswered_since: Option<SystemTime>,
    /// Why the link was last lost or could not be made.
    pub last_error: Option<String>,
}

impl LinkStatus {
    pub(crate) fn new() -> Self {
        Self {
            state: LinkState::Down,
            ready: false,
            detail: "looking for the device".into(),
            ports: Vec::new(),
            withdrawn: Vec::new(),
            node: None,
            since: SystemTime::now(),
            connects: 0,
            max_message_length: 0,
            protocol_version: 0,
            unanswered_since: None,
            last_error: None,
        }
    }

    /// Whether a client of this port is served. While firmware serves none, these are the ports that it has withdrawn.
    pub(crate) fn serves(&self, port: u16) -> bool {
        let ports = if self.ports.is_empty() { &self.withdrawn } else { &self.ports };
        ports.contains(&port)
    }
}

/// Counts of the driver's own work.
#[derive(Debug, Clone, Default)]
pub struct DriverCounters {
    /// Turns of the driver's loop.
    pub turns: u64,
    /// How often the device did not accept a message at once.
    pub blocked: u64,
    /// Links lost after they had been up.
    pub lost: u64,
    /// Alerts that firmware delivered.
    pub alerts: u64,
    /// Datagrams that firmware wanted to have sent. The daemon sends none of them.
    pub datagrams: u64,
}

/// Everything the driver knows.
#[derive(Debug, Clone)]
pub struct DriverStatus {
    /// The link.
    pub link: LinkStatus,
    /// The session, while there is one.
    pub session: Option<SessionStatus>,
    /// Client connections known.
    pub flows: Vec<FlowInfo>,
    /// Requests, by class.
    pub classes: [ClassStatus; Class::ALL.len()],
    /// Counts of the multiplexer.
    pub mux: MuxCounters,
    /// Counts of the driver.
    pub driver: DriverCounters,
}

/// The requests of one class.
#[derive(Debug, Clone)]
pub struct ClassStatus {
    /// The class.
    pub class: Class,
    /// Requests waiting for their turn.
    pub queued: usize,
    /// Counts of earlier ones.
    pub counters: ClassCounters,
}

/// The present session with firmware.
#[derive(Debug, Clone)]
pub struct SessionStatus {
    /// How far it is.
    pub state: State,
    /// Use of the channel slots.
    pub slots: Slots,
    /// Channels.
    pub channels: Vec<ChannelInfo>,
    /// Ports that firmware asked for.
    pub forwards: Vec<Forward>,
    /// Counts since it began.
    pub counters: Counters,
}
