//! What AMT firmware says and how it is asked, as types: the commands of the host interface (AMTHI) and of its smaller
//! neighbours, and WSMAN with the classes that configure the device.
//!
//! The crate opens nothing itself: [`machine::Machine`] is how it reaches firmware, and the daemon or a test says
//! what is behind it. Every exchange has a deadline and every repetition is decided by one policy,
//! [`retry::RetryPolicy`]. Firmware is a peer, not a friend: no input makes the crate panic, and each error says what
//! was wrong. Secrets are in no error, no log line and no `Debug` text.
//!
//! ```text
//!        question          what a question to a host client is
//! amthi, mhc, mkhi, upid   messages and answers of host clients; no IO
//!        ask               carries them: open, exchange, close, try again
//! wsman                    client: envelope, digest login, TLS, connection; classes on top
//!        machine           the seam below both
//! ```
//!
//! `amthi n.m`, `wsman n.m` and `activation n.m` in a comment name sections of the project's notes on the host
//! interface, on WSMAN and on activation.

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
pub mod ask;
mod certificate_digest;
pub mod job;
pub mod machine;
pub mod mhc;
pub mod mkhi;
pub mod question;
pub mod retry;
mod secret;
pub mod upid;
pub mod version;
pub mod wsman;

pub use certificate_digest::CertificateDigest;
pub use secret::Secret;

#[cfg(test)]
mod test_machine;
