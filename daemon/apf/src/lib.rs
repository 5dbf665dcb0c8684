//! The sans-IO core of APF, the AMT Port Forwarding protocol, as spoken between a host and the firmware's LME
//! client over MEI.
//!
//! This crate does no IO and knows no clock: bytes and time are arguments, everything it wants done is polled
//! out of it. The same inputs give the same outputs, so whole runs can be replayed and simulated. It depends
//! on `bytes` and `thiserror` only; `.clippy.toml` and a test keep sockets, files, clocks and runtimes out.
//!
//! From the bottom up:
//!
//! * [`wire`]: the codec, every message in both directions;
//! * windows, channels, scheduler: private parts that own flow control, the life of a channel, and the order
//!   of transmission;
//! * [`Session`]: one life of the MEI connection. Start reading there;
//! * [`mux`]: host policy over sessions: who may use the few channels, and when.
//!
//! # Rules and where they come from
//!
//! Comments cite the project's protocol notes as `apf 4.6`: section 4.6 of the notes on APF. `apf 10` is
//! their table of invalid input, whose rows are cited by number. Where the notes are silent, the comment says
//! what is assumed.
//!
//! # Trust
//!
//! Firmware is a peer, not a friend: no input may panic, loop, or make the host hold more than the limits in
//! [`SessionConfig`] say. The crate denies unchecked arithmetic, indexing, `unwrap`, `expect` and `panic`
//! outside tests.

#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]
// Tests fail by panicking, and count in small numbers.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

mod buffer;
mod channel;
mod class;
mod counters;
mod error;
mod event;
mod id;
mod limits;
pub mod mux;
mod scheduler;
mod session;
mod state;
#[cfg(test)]
mod test_clock;
mod text;
mod window;
pub mod wire;

pub use self::{
    class::Class,
    counters::Counters,
    error::{CloseCause, Fault, OpenError, Refusal, SendError, SessionError},
    event::{Endpoint, Event},
    id::{ChannelId, ForwardId, Port, RemoteChannelId},
    limits::{SessionConfig, Timeouts},
    session::{ChannelInfo, Forward, ForwardState, Open, Session, Slots, Transmit},
    state::State,
    wire::{DisconnectReason, OpenFailureReason},
};
