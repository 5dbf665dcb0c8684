//! What AMT firmware says, as types: the commands of the host interface (AMTHI) with their answers, and the version
//! numbers in them.
//!
//! The crate turns commands into bytes and bytes into answers. It opens nothing, waits for nothing and reads no
//! clock; whoever holds a connection to the firmware carries the bytes. Firmware is a peer, not a friend: no input
//! makes it panic, and each error says what was wrong.
//!
//! `amthi n.m` in a comment names a section of the project's notes on the host interface.

#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects
    )
)]

pub mod amthi;
pub mod version;
