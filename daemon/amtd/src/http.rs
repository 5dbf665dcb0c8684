//! Health, status and metrics over HTTP, for monitoring and for people: on a Unix socket in the runtime directory and,
//! if configured, on a loopback port.
//!
//! `/healthz` says whether the driver's loop runs, `/readyz` whether clients are served, `/status` everything in JSON, and
//! `/metrics` the same in numbers (OpenMetrics). Nothing here changes anything, so every local user may ask. The facts
//! come through [`StatusSource`], so that this module does not depend on the parts.

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
