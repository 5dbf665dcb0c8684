//! The limits of one client connection.

use std::time::Duration;

use amtd_apf::Port;

use super::Rules;

/// Limits of one client connection.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// Bytes that may be taken from the client and not yet sent to firmware.
    pub room: usize,
    /// How long the first byte of a connection may take, and the head of a request from its first byte.
    pub head_wait: Duration,
    /// How long a connection may be idle between two requests.
    pub idle: Duration,
    /// How long a client may read nothing while bytes wait for it.
    pub client_stall: Duration,
    /// After a client's FIN on an opaque stream: how long firmware must be quiet, once it has answered, for the answer to
    /// count as complete.
    pub half_close_quiet: Duration,
    /// After a client's FIN: how long firmware may be silent.
    pub half_close_limit: Duration,
    /// How long a client's further input is read and dropped after the last byte was written to it.
    pub drain: Duration,
    /// Firmware ports whose streams are not HTTP, or are encrypted.
    pub opaque_ports: Vec<Port>,
    /// The `Retry-After` of an answer that firmware cannot be reached, in whole seconds.
    pub retry_after: Duration,
    /// The rules that decide how urgent a request is.
    pub rules: Rules,
    /// How many bytes of a request are held back at most while its class is not known.
    pub classify_limit: usize,
    /// How long a request is held back while its class is not known.
    pub classify_wait: Duration,
}
