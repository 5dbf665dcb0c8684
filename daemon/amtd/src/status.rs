//! The status of the daemon: one plain structure, shown by `/status` and exported as numbers by `/metrics`.
//!
//! The facts belong to the driver, the front, the jobs and the reader of the firmware's own data; [`app`](crate::app) puts
//! them together. Only the health conditions are computed here, from the rest.

mod counters;
mod health;
mod times;

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::SystemTime};

use amtd_apf::Class;
use amtd_mei::LinkState;
use serde::{Serialize, Serializer};

pub use self::{
    counters::{ApfCounters, Counters, DriverCounters, FrontCounters, MuxCounters},
    health::{Condition, Readiness, Severity},
    times::Times,
};

/// Version of the JSON layout of [`Status`]. It grows when a name changes its meaning or is removed.
const SCHEMA: u32 = 1;

/// Everything about the daemon at one moment.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// Version of this layout.
    pub schema: u32,
    /// Version of the daemon.
    pub version: &'static str,
    /// Its process id.
    pub pid: u32,
    /// When it started.
    pub started_at: Timestamp,
    /// Seconds since then.
    pub uptime_seconds: u64,
    /// Age of the facts below in seconds if the driver does not answer; `None` if they are current.
    pub stale_seconds: Option<u64>,
    /// What needs attention, worst first.
    pub health: Vec<Condition>,
    /// The link to firmware.
    pub link: Link,
    /// What firmware says about itself.
    pub firmware: Firmware,
    /// Ports that are served, or should be.
    pub ports: Vec<Port>,
    /// Use of the firmware's channel slots.
    pub slots: Slots,
    /// The channels of the session with firmware.
    pub channels: Vec<Channel>,
    /// Client connections.
    pub connections: Connections,
    /// Requests by class, most urgent first.
    pub queues: Vec<Queue>,
    /// Work on firmware.
    pub jobs: Jobs,
    /// Totals.
    pub counters: Counters,
}

impl Default for Status {
    /// A daemon that has just begun and knows nothing yet.
    fn default() -> Self {
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION"),
            pid: std::process::id(),
            started_at: Timestamp(SystemTime::UNIX_EPOCH),
            uptime_seconds: 0,
            stale_seconds: None,
            health: Vec::new(),
            link: Link::default(),
            firmware: Firmware::default(),
            ports: Vec::new(),
            slots: Slots::default(),
            channels: Vec::new(),
            connections: Connections::default(),
            queues: Vec::new(),
            jobs: Jobs::default(),
            counters: Counters::default(),
        }
    }
}

/// The link to firmware.
#[derive(Debug, Clone, Serialize)]
pub struct Link {
    /// Where the connection to the device stands.
    #[serde(serialize_with = "link_state")]
    pub state: LinkState,
    /// Whether there is a session with firmware, so that clients are served.
    pub ready: bool,
    /// One sentence for people.
    pub detail: String,
    /// The device in use or last tried.
    pub node: Option<PathBuf>,
    /// When `state` or `ready` last changed.
    pub since: Timestamp,
    /// Connections to the device so far; the present one has this number.
    pub connects: u64,
    /// Longest message of the present connection, in bytes.
    pub max_message_length: usize,
    /// Version that the firmware's client reported.
    pub protocol_version: u8,
    /// Since when firmware has left every request unanswered, if it does.
    pub unanswered_since: Option<Timestamp>,
    /// Why the link was last lost or could not be made.
    pub last_error: Option<String>,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            state: LinkState::Down,
            ready: false,
            detail: LinkState::Down.to_string(),
            node: None,
            since: Timestamp(SystemTime::UNIX_EPOCH),
            connects: 0,
            max_message_length: 0,
            protocol_version: 0,
            unanswered_since: None,
            last_error: None,
        }
    }
}

/// What firmware says about itself. A value that it did not give is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Firmware {
    /// When it last answered.
    pub read_at: Option<Timestamp>,
    /// Why it could not be read again since then.
    pub error: Option<String>,
    /// Version of AMT.
    pub version: Option<String>,
    /// Build number.
    pub build: Option<String>,
    /// Product bits, in decimal as firmware gives them.
    pub sku: Option<String>,
    /// The machine's UUID.
    pub uuid: Option<String>,
    /// `none`, `client` or `admin`.
    pub control_mode: Option<String>,
    /// `pre`, `in` or `post`.
    pub provisioning_state: Option<String>,
}

/// A local port.
#[derive(Debug, Clone, Serialize)]
pub struct Port {
    /// The port as firmware names it.
    pub port: u16,
    /// The port on which clients reach it.
    pub local_port: Option<u16>,
    /// Whether firmware asked for it.
    pub requested_by_firmware: bool,
    /// Whether firmware has withdrawn it, and may ask for it again when a client wants it.
    pub withdrawn_by_firmware: bool,
    /// Whether clients are served.
    pub state: PortState,
    /// Where it is open.
    pub addresses: Vec<SocketAddr>,
    /// Why it is not open, or not everywhere.
    pub error: Option<String>,
    /// The program that holds it instead.
    pub holder: Option<String>,
}

/// Whether a port is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum PortState {
    /// On every address.
    Listening,
    /// On some addresses.
    Partial,
    /// On none.
    Failed,
}

/// Use of the firmware's channel slots.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Slots {
    /// How many firmware is believed to have.
    pub limit: usize,
    /// Taken by channels that open.
    pub opening: usize,
    /// Taken by open channels.
    pub open: usize,
    /// Taken by channels that close.
    pub closing: usize,
}

/// A channel of the session with firmware.
#[derive(Debug, Clone, Serialize)]
pub struct Channel {
    /// Session and number.
    pub id: String,
    /// Port of firmware; `None` for a channel that firmware opened.
    pub port: Option<u16>,
    /// Priority class.
    #[serde(serialize_with = "class")]
    pub class: Class,
    /// State of the protocol.
    pub state: &'static str,
    /// Bytes waiting to be sent.
    pub queued: usize,
    /// Bytes that firmware may send.
    pub local_window: u32,
    /// Bytes that the host may send.
    pub remote_window: u32,
}

/// Client connections.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Connections {
    /// Open now.
    pub current: usize,
    /// How many of them are at each stage of their request.
    pub by_stage: BTreeMap<&'static str, usize>,
}

/// The requests of one class.
#[derive(Debug, Clone, Serialize)]
pub struct Queue {
    /// Their class.
    #[serde(serialize_with = "class")]
    pub class: Class,
    /// How many wait for their turn.
    pub depth: usize,
    /// How many are with firmware, whole or in part.
    pub executing: usize,
    /// How many were handed to firmware.
    pub admitted: u64,
    /// How many came in this class and were served in a lower one.
    pub demoted: u64,
    /// How many were refused because their turn did not come in time.
    pub missed: u64,
    /// From the request to its hand-over to firmware.
    pub waited: Times,
    /// From the hand-over to the first byte of the answer: firmware's share.
    pub executed: Times,
}

/// Work on firmware.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Jobs {
    /// Jobs that wait for their turn.
    pub queued: usize,
    /// Jobs at work, or being examined after a restart.
    pub running: usize,
    /// Why the journal cannot be used. Then jobs that change the device are refused.
    pub journal_error: Option<String>,
    /// Jobs that have ended since the daemon started.
    pub ended: Vec<JobsEnded>,
}

/// Jobs of one kind that have ended with one verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobsEnded {
    /// The kind, such as `activate-ccm`.
    pub kind: &'static str,
    /// `succeeded`, `unchanged`, `failed-clean` or `failed-partial`.
    pub verdict: &'static str,
    /// How many.
    pub count: u64,
}

/// A moment, in JSON as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp(pub SystemTime);

impl Timestamp {
    /// Seconds since the Unix epoch; 0 before it.
    #[expect(clippy::disallowed_methods, reason = "for people")]
    pub fn unix_seconds(self) -> u64 {
        self.0.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&humantime::format_rfc3339_seconds(self.0))
    }
}

// Serde asks for these by reference.

fn link_state<S: Serializer>(state: &LinkState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.name())
}

fn class<S: Serializer>(class: &Class, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(class.name())
}
