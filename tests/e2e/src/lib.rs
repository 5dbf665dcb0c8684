//! What every end-to-end test stands on: a [`Rig`] of one simulator and one daemon, both the shipped programs.
//!
//! Owns how they are started together, how a test waits for something to become true, and what must hold at the end of every test
//! whatever it was about: the daemon ends in order when it is told to, nothing in it panicked, and it broke no rule of the
//! protocol. Does not own processes and sockets, which are the harness's. Used by the tests of this crate only.

#![forbid(unsafe_code)]

pub mod content;
pub mod device;
pub mod direct;
mod rig;
pub mod stream;
pub mod strike;

pub use rig::{Footing, Rig, Setup, lme, number, script};

/// Pauses of the daemon's recovery short enough for a test to see several of them. What a test is about it sets itself.
pub const QUICK_RECOVERY: &str = r#"
[recovery]
device_first = "10ms"
device_max = "50ms"
node = "20ms"
client_missing = "20ms"
busy_step = "20ms"
silent = "20ms"
slow = "50ms"
session_first = "1ms"
session_max = "20ms"
incompatible = "50ms"
"#;
