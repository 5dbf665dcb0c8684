//! The virtual MEI device: the socket that programs open in place of `/dev/mei0`.
//!
//! `socket` makes the socket calls; `port` is what a socket and the device node of `crate::cuse` have in common; `client` is the table
//! of firmware clients; `connection` is one open of the device: its CONNECT exchange, the driver's queue of messages that firmware has
//! not taken, and the client behind it; `occupancy` says which clients are in use. The wire format of CONNECT is fixed: other programs
//! rely on it.

mod client;
mod connection;
mod occupancy;
mod packet;
mod port;
mod socket;

pub use client::ClientKind;
pub(crate) use connection::{Connection, ConnectionId, Departure, Turn};
pub(crate) use occupancy::Occupancy;
pub(crate) use packet::Packet;
pub(crate) use port::Port;
pub(crate) use socket::{Acceptor, Listener, Received};
