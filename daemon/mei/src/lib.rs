//! The MEI device as the daemon sees it: find the right node, bind one connection to one firmware client, and
//! exchange whole messages without ever blocking the reactor.
//!
//! The crate owns the two kinds of device (the kernel's character device and the virtual device on a Unix socket),
//! their errors by `errno`, node discovery through sysfs, and the rules for coming back after a failure. It knows
//! nothing of what the messages mean. Its caller is the daemon's driver, and, for short bursts, whoever speaks AMTHI.
//!
//! Life of a connection: [`Node::at`] or [`select`] → [`Connection::open`] → [`Connection::recv_ready`],
//! [`Connection::try_recv`] and [`Connection::try_send`] until one of them fails → [`Connection::close`]. A
//! descriptor is never connected twice. [`Recovery`] says how long to wait before the next attempt.
//!
//! Every function that waits takes a limit or says that its caller must set one. All of it needs a tokio runtime
//! with the I/O and time drivers enabled.
//!
//! `mei n.m` in a comment names a section of the project's notes on the Linux MEI device.

#![deny(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)
)]

mod char_device;
mod connection;
mod descriptor;
mod dev_state;
mod discovery;
mod error;
mod guid;
mod ioctl;
mod node;
mod recovery;
mod virtual_device;

pub use connection::{Connection, Recv, Send};
pub use dev_state::{DevState, dev_state_path, wait_enabled};
pub use discovery::{Candidate, DEV, DiscoveryError, FirmwareVersion, SYSFS_CLASS, candidates, select};
pub use error::{ConnectError, LinkError, ReplyFault};
pub use guid::ClientGuid;
pub use nix::errno::Errno;
pub use node::{Node, NodeError};
pub use recovery::{LinkState, Pause, Recovery, RecoveryConfig};
