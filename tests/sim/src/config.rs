//! Everything that can be set at start, with its default. Faults and actions at run time are in `faults`.
//!
//! Filled by the command line of `amt-sim` and by tests; read by every layer.

use std::path::PathBuf;
use std::time::Duration;

use crate::device::DeviceConfig;
use crate::faults::Step;
use crate::tls::IdentityChain;

/// Smallest `max_message` that can carry every message of the start-up (apf 2.13: the version message has 93 bytes), kept lower
/// on purpose for the fault "max_msg_length 64" of apf 12.
pub const MIN_MESSAGE: usize = 64;
/// Largest message size that is accepted; far above anything that firmware is known to use.
pub const MAX_MESSAGE: usize = 128 * 1024;

/// Configuration of one simulator.
#[derive(Debug, Clone)]
pub struct SimConfig {
    /// Path of the virtual MEI device. A socket left behind there by a dead process is replaced.
    pub socket: PathBuf,
    /// Path of the control socket; none if `None`.
    pub control: Option<PathBuf>,
    /// Name below `/dev` of a device node that is served besides the socket; none if `None`.
    pub cuse: Option<String>,
    /// File that keeps the device's lasting state; if it exists, it decides about the state instead of `device`.
    pub state_file: Option<PathBuf>,
    /// What firmware does after a change of the control mode or the provisioning state.
    pub settling: Settling,
    /// How long requests take.
    pub profile: TimeProfile,
    /// When the engine is free again after a request.
    pub engine: EngineModel,
    /// Port forwarding.
    pub apf: ApfConfig,
    /// The device node and its clients.
    pub mei: MeiConfig,
    /// The device behind AMTHI and WSMAN.
    pub device: DeviceConfig,
    /// Steps applied at start, in order.
    pub steps: Vec<Step>,
    /// Whether violations of the protocol by the host are printed to stderr as they happen (they are always counted).
    pub print_violations: bool,
}

impl SimConfig {
    /// The defaults, on `socket`.
    #[must_use]
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self {
            socket: socket.into(),
            control: None,
            cuse: None,
            state_file: None,
            settling: Settling::default(),
            profile: TimeProfile::Instant,
            engine: EngineModel::Independent,
            apf: ApfConfig::default(),
            mei: MeiConfig::default(),
            device: DeviceConfig::default(),
            steps: Vec::new(),
            print_violations: true,
        }
    }
}

impl SimConfig {
    /// The receive credit that is set, or the profile's.
    #[must_use]
    pub fn receive_credit(&self) -> ReceiveCredit {
        self.mei.receive_credit.unwrap_or(match self.profile {
            TimeProfile::Instant => ReceiveCredit::Buffer,
            TimeProfile::Realistic => ReceiveCredit::One,
        })
    }
}

/// What firmware does after a change of its control mode or its provisioning state, before it is as reachable as before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Settling {
    /// How long LME and AMTHI take no connection (EBUSY), and AMTHI answers NOT_READY on the one that there is.
    pub time: Duration,
    /// Whether the connections to both are dropped when it starts, before the answer to what was asked.
    pub reset: bool,
}

/// How long the engine takes for a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimeProfile {
    /// No time at all: for measuring what is in front of the simulator.
    #[default]
    Instant,
    /// About what real firmware takes (`web::service_time`).
    Realistic,
}

/// Whether the engine can execute a request while an earlier response is still waiting for window or link. Which of the two
/// real firmware does is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EngineModel {
    /// Free as soon as the response is in the channel's output buffer.
    #[default]
    Independent,
    /// Busy until the last byte of the response has been sent within the host's window.
    Stuck,
}

/// Where TLS is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsMode {
    /// Nowhere: the secure ports, if they are forwarded, carry plain HTTP.
    #[default]
    Off,
    /// On the secure ports, 16993 and 664; the plain ones are served too.
    Also,
    /// On the secure ports, and firmware forwards no others (AMT 19 and later).
    Enforced,
}

/// TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TlsConfig {
    /// Where it is spoken. It does not change [`ApfConfig::ports`].
    pub mode: TlsMode,
    /// How much of the device's chain is shown before provisioning.
    pub identity: IdentityChain,
}

/// When firmware gives window back for bytes that the host sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CreditPolicy {
    /// As the web server takes the bytes: at once when it is idle, after its response when it is busy (apf 12).
    #[default]
    Consumed,
    /// For each message as it arrives, consumed or not.
    PerMessage,
    /// Consumed bytes, collected until they are half a window.
    HalfWindow,
}

/// Port forwarding (LME).
#[derive(Debug, Clone)]
pub struct ApfConfig {
    /// Window that firmware grants for each channel, in bytes (apf 12: 4096).
    pub window: u32,
    /// Largest message of the LME client in bytes, header included; 64 to 131072 (apf 1: unknown on hardware, 5120 by default).
    pub max_message: usize,
    /// Most payload bytes that firmware puts into one DATA message (apf 12: 1400); also bounded by `max_message` - 9.
    pub max_frame: usize,
    /// Channel slots (apf 4.1: 8), 1 to 256.
    pub slots: usize,
    /// Ports that firmware asks the host to forward, in this order (apf 3.4).
    pub ports: Vec<u16>,
    /// Ports, not in `ports`, whose channels send every byte back unchanged.
    pub echo_ports: Vec<u16>,
    /// Address text in the forward requests; the device's host name if `None` (apf 3.4).
    pub address: Option<String>,
    /// When window is given back.
    pub credit: CreditPolicy,
    /// Most response bytes per second over all channels; 0 = no limit.
    pub link_rate: u64,
    /// How long the host may take to answer before it counts as a violation (apf 12: 2 s).
    pub reply_limit: Duration,
}

impl Default for ApfConfig {
    fn default() -> Self {
        Self {
            window: 4096,
            max_message: 5120,
            max_frame: 1400,
            slots: 8,
            ports: vec![16992, 623],
            echo_ports: Vec::new(),
            address: None,
            credit: CreditPolicy::Consumed,
            link_rate: 0,
            reply_limit: Duration::from_secs(2),
        }
    }
}

/// How many messages from firmware may be unread at the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiveCredit {
    /// One, as the driver does it (mei 4): the next message follows when the host has read the one before. Each message then
    /// costs two changes of context, which is more than everything else that the simulator does.
    One,
    /// As many as the socket's buffer holds (some tens), so that the cost of the device does not hide the cost of the host.
    Buffer,
}

/// The device node.
#[derive(Debug, Clone)]
pub struct MeiConfig {
    /// Connections that LME takes at a time (mei 8.1: a second one was seen to get EBUSY).
    pub lme_connections: usize,
    /// How long a client stays busy after its connection was closed (mei 8.3).
    pub linger: Duration,
    /// Messages from the host that the driver queues per connection (mei 5.1: 50).
    pub fifo: usize,
    /// Unread messages; `None` = one in the realistic profile, what the buffer holds in the instant one.
    pub receive_credit: Option<ReceiveCredit>,
}

impl Default for MeiConfig {
    fn default() -> Self {
        Self { lme_connections: 1, linger: Duration::ZERO, fifo: 50, receive_credit: None }
    }
}
