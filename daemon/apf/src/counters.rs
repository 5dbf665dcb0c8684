//! Totals of one session: for status and metrics, and for tests that check that nothing is ignored unnoticed.

/// What passed, and what was ignored. All values count messages unless they say bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages received.
    pub messages_in: u64,
    /// Messages handed out for writing.
    pub messages_out: u64,
    /// Bytes of payload handed to owners of channels.
    pub bytes_in: u64,
    /// Bytes of payload handed out for writing.
    pub bytes_out: u64,

    /// Empty messages (`apf 10` row 1).
    pub empty_messages: u64,
    /// Messages with bytes after their end (row 5).
    pub trailing: u64,
    /// Messages of an unknown type (row 6).
    pub unknown_types: u64,
    /// Messages that only a host sends (row 7).
    pub host_messages: u64,
    /// Versions above 1.0 (row 10).
    pub newer_versions: u64,
    /// Restarts by firmware (row 11).
    pub restarts: u64,
    /// Unknown global requests (rows 17, 18).
    pub unknown_requests: u64,
    /// Forward requests refused by rule, by the host or by time (rows 20 to 22, 24).
    pub refused_forwards: u64,
    /// Forward requests for what was already forwarded (row 23).
    pub repeated_forwards: u64,
    /// Cancellations of what was not forwarded (row 25).
    pub unknown_cancels: u64,
    /// Datagram requests dropped (row 26).
    pub bad_datagrams: u64,
    /// Channels wanted by firmware and refused (rows 27, 29, 30).
    pub refused_channels: u64,
    /// Confirmations for nothing that was waiting for one (rows 31, 32).
    pub stray_confirmations: u64,
    /// Closes sent to get rid of a channel that firmware confirmed but nobody wants (rows 31, 32).
    pub extra_closes: u64,
    /// Failures for nothing that was waiting for one (rows 33, 34).
    pub stray_failures: u64,
    /// Data for an unknown or unconfirmed channel (rows 38 to 40).
    pub stray_data: u64,
    /// Data without payload (row 42).
    pub empty_data: u64,
    /// Data beyond the window (row 44).
    pub excess_data: u64,
    /// Bytes of payload that came for a channel whose owner had closed it (row 41).
    pub discarded_bytes: u64,
    /// Adjusts for an unknown or unconfirmed channel (row 45).
    pub stray_adjusts: u64,
    /// Adjusts by 0 (row 46).
    pub empty_adjusts: u64,
    /// Adjusts beyond 2^32-1 (row 47).
    pub overflowing_adjusts: u64,
    /// Closes for an unknown channel (rows 48, 50).
    pub stray_closes: u64,
    /// Closes that firmware did not answer in time (row 51).
    pub unanswered_closes: u64,
    /// Opens that firmware did not answer in time (row 52).
    pub unanswered_opens: u64,
    /// Keepalive requests answered (row 56).
    pub keepalives: u64,
}

/// Adds one. Counters stop at their maximum; they are read by people, not by the protocol.
pub(crate) fn count(counter: &mut u64) {
    *counter = counter.saturating_add(1);
}

/// Adds a number of bytes.
pub(crate) fn count_bytes(counter: &mut u64, bytes: usize) {
    *counter = counter.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
}
