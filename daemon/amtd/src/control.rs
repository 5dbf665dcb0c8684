//! The control API: gRPC on `amtd.sock` in the runtime directory and, if configured, over TCP with mutual TLS.
//!
//! It translates between the messages of `amtd-proto` and the parts of the daemon, and decides nothing but who may ask:
//! each call passes the same gate (`call`: known method, level, a place in the crowd, deadline) before its service sees
//! it. Questions about health have places of their own, so that they are answered while everything else is full.
//!
//! ```text
//! server      sockets, connections and their limits        identity   who is at the other end
//!    call     the gate of every call                       auth       which method needs which level
//!      api    which service a call is for                  crowd      how many may be there at once
//!        status, events, channels, jobs, diagnostics, health: one service each; convert: messages of domain types;
//!        checks: what diagnostics looks at
//! ```
//!
//! Started by [`app`](crate::app). Knows the parts by their handles; none of them knows it.

mod api;
mod auth;
mod call;
mod channels;
mod checks;
mod convert;
mod crowd;
mod deadline;
mod diagnostics;
mod events;
mod health;
mod identity;
mod jobs;
mod parts;
mod problems;
mod server;
mod status;
mod tls;

#[cfg(test)]
mod tests;

pub(crate) use self::tls::check_files;
pub use self::{
    health::Sources as HealthSources,
    parts::Parts,
    server::{ControlError, Server},
    tls::TlsError,
};
