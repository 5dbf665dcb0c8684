//! How often flows look again and how long they wait in between. Deadlines of single exchanges belong to the WSMAN
//! client and to the machine.

use std::time::Duration;

use crate::{retry::RetryPolicy, wsman::ClientConfig};

/// Limits, pauses and attempts of flows. Every wait of a flow is bounded by these, or is a single exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// For questions over the host interface.
    pub ask: RetryPolicy,
    /// For WSMAN requests.
    pub wsman: ClientConfig,
    /// How long firmware may take to say whether it enforces TLS. The kernel's watchdog driver often holds the host
    /// client that knows (amthi 4); that is not waited for.
    pub enablement_limit: Duration,
    /// Authorities (DER) by which the identity of a device that enforces TLS must be signed. Without any it is not
    /// verified, and the plan says so.
    pub authorities: Vec<Vec<u8>>,
    /// How long the control mode is read until it is what a step should have made it, or until a failure is believed
    /// (activation 3.4).
    pub verify: RetryPolicy,
    /// How long the control mode is read after an unprovision, which takes firmware some seconds.
    pub unprovision: RetryPolicy,
    /// How often a login is tried shortly after an activation, when firmware may not know the right password yet, and
    /// may close connections (activation 9).
    pub settle_attempts: u32,
    /// Between two of these logins.
    pub settle_pause: Duration,
    /// A clock that differs by no more needs not be set. The protocol counts seconds.
    pub clock_tolerance: Duration,
    /// Before this many days to its end the plan warns of a provisioning certificate.
    pub expiry_warning_days: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            ask: RetryPolicy::default(),
            wsman: ClientConfig::default(),
            enablement_limit: Duration::from_secs(5),
            authorities: Vec::new(),
            verify: RetryPolicy::until(Duration::from_secs(5), FIRST_LOOK, LONGEST_PAUSE),
            unprovision: RetryPolicy::until(Duration::from_secs(30), FIRST_LOOK, LONGEST_PAUSE),
            settle_attempts: 4,
            settle_pause: Duration::from_secs(3),
            clock_tolerance: Duration::from_secs(1),
            expiry_warning_days: 30,
        }
    }
}

/// Firmware that is quick costs no wait, and one that takes seconds is noticed a tenth of one later.
const FIRST_LOOK: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);
