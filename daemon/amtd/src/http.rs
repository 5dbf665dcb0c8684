//! Health, status and metrics over HTTP, for monitoring and for people: on a Unix socket in the runtime directory and,
//! if configured, on a loopback port.
//!
//! `/healthz` says whether the driver's loop turns, `/readyz` whether clients are served, `/status` everything in
//! JSON, `/metrics` the same in numbers (OpenMetrics). It reads; it changes nothing, so that every local user may ask.
//! Where the facts come from, it learns through [`StatusSource`] and does not know.

mod board;
mod metrics;
mod routes;
mod server;

pub(crate) use self::metrics::encode as encode_metrics;
pub use self::{
    board::{Board, StatusSource},
    server::Server,
};

#[cfg(test)]
mod tests;
