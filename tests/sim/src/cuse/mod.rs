//! The device node: the simulator behind a real character device, by way of `/dev/cuse`.
//!
//! A program opens `/dev/NAME`, and the kernel hands each of its system calls to this process as a message. `wire` reads
//! those messages and writes the answers (the kernel's FUSE protocol, of which CUSE is a part), `channel` moves them,
//! `handle` is one open of the node and behaves as the MEI driver does (mei 2 to 6), `node` has all of them. No library of the
//! system is needed, and no `unsafe`.
//!
//! To the firmware an open of the node is a [`NodePort`]: the same as a connection of the virtual device's socket, with the driver's
//! own queue of 50 messages and its receive credit in between. Driven by `world`.
//!
//! # What CUSE cannot do as the driver does it
//!
//! | driver | here |
//! |---|---|
//! | `/sys/class/mei/meiN` with `kind`, `dev_state`, `fw_ver` | there is only `/sys/class/cuse/NAME`: programs must do without |
//! | the major number is called `mei` in `/proc/devices` | it has the name of the node, `mei0` |
//! | `lseek` gives ESPIPE | it does nothing |
//! | `fsync` waits for the queue | EINVAL |
//! | a write of no bytes is checked for the state of the connection | the kernel answers it with 0 |
//! | a descriptor that is polled before it is connected is never hooked up | it is, but it is never woken, which comes to the same |
//! | a change of the events that are waited for (`EPOLL_CTL_MOD`) does not reach the driver's queues | it does: a program with that defect works here |
//! | a used descriptor may be connected again, and then misbehaves (mei 6.2) | ENODEV |
//! | after the driver is gone, calls give ENODEV | when this process is gone, the kernel gives ENOTCONN |
//! | a read or write of any length is one call | one of more than about 128 KiB is cut into several |

mod channel;
mod handle;
mod node;
mod wire;

pub(crate) use channel::Channel;
pub(crate) use handle::NodePort;
pub(crate) use node::{Node, Served};
