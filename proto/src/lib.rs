//! The control API of `amtd`: the services and messages of package `amtd.v1`, for the daemon and for its clients.
//!
//! The contract is in `proto/amtd/v1/*.proto`. [`v1`] is generated from it and checked in, so that building needs no
//! protobuf compiler; a test generates it again and compares. Beside it is what both sides must agree on and a `.proto`
//! file cannot express: what an error carries ([`Problem`]), and that a secret is neither shown nor left in memory.

#![forbid(unsafe_code)]

mod problem;
mod secret;

pub use self::problem::{DOMAIN, Problem, STOPPING};
pub use prost_types::{Duration, Timestamp};

/// The package `amtd.v1`.
// Names, paths and what has a comment are up to the generator.
#[allow(missing_docs, unreachable_pub, unused_qualifications, clippy::all, clippy::pedantic)]
pub mod v1 {
    include!("gen/amtd.v1.rs");
}

/// Descriptors of all files of the API and of what they import, for the reflection service and for tests.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("gen/amtd.v1.bin");
