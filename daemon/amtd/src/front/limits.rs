//! The limits of one client connection.

use std::time::Duration;

use amtd_apf::Port;

use super::Rules;

/// Limits of one client connection.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// Bytes taken from the client and not yet sent to firmware.
    pub room: usize,
    /// How long the first byte of a connection may take, and the head of a request from its first byte.
    pub head_wait: Duration,
    /// How long a connection may rest between two requests.
    pub idle: Duration,
    /// How long a client may take nothing while there is something for it.
    pub client_stall: Duration,
    /// After a client's FIN: how long firmware must be quiet, once it has answered, for the answer to be taken as
    /// complete in a stream that nobody can follow.
    pub half_close_quiet: Duration,
    /// After a client's FIN: how long firmware may be silent.
    pub half_close_limit: Duration,
    /// How long a client's further input is read and dropped after the last byte for it.
    pub drain: Duration,
    /// Ports of firmware on which no HTTP can be seen.
    pub opaque_ports: Vec<Port>,
    /// What a client is told to wait when firmware cannot be reached, in whole seconds.
    pub retry_after: Duration,
    /// What decides how urgent a request is.
    pub rules: Rules,
    /// Bytes of a request that are held back at most while its class is not known.
    pub classify_limit: usize,
    /// How long a request is held back while its class is not known.
    pub classify_wait: Duration,
}
