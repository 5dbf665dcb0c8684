//! A simulator of the AMT firmware, from the MEI message up to the WSMAN answer.
//!
//! It serves the virtual MEI device (a `SOCK_SEQPACKET` Unix socket): each connection is one open of the device node. Behind it are
//! the firmware clients LME (APF port forwarding with a web server behind each channel), AMTHI, MKHI and the watchdog. One thread,
//! one event loop, one owner of all state: [`Simulator::start`] starts it, dropping the handle stops it. The binary `amt-sim` is a
//! thin command line over the same call.
//!
//! Behaviour is written from protocol notes and cited by their section: `apf n` port forwarding, `mei n` the device,
//! `amthi n` the host interface commands, `wsman n` the web services, `activation n` the ways into and out of the control modes.
//! The package's README says which behaviour is documented, observed or guessed, and describes the control socket and the faults.
//!
//! Layers, lowest first: [`mei`] (sockets, connect, message queues) and `cuse` (the same as a device node), `apf` (the firmware's
//! end of port forwarding) and the small clients `amthi`, `mkhi` and `watchdog`; `engine` (executes one request at a time),
//! [`tls`] (certificates, keys, and what a channel puts between its bytes and the web server), [`web`] (HTTP and WSMAN, sans-IO),
//! [`device`] (the state that all of them show). [`faults`] is the state of the scripted misbehaviour; `control` its socket.

#![forbid(unsafe_code)]

mod amthi;
mod apf;
pub mod config;
mod control;
mod cuse;
pub mod device;
mod engine;
pub mod faults;
mod firmware;
pub mod host;
pub mod mei;
mod mkhi;
pub mod pki;
mod simulator;
mod state_file;
pub mod stats;
pub mod tls;
mod watchdog;
pub mod web;
mod world;

pub use config::SimConfig;
pub use simulator::{Simulator, StartError};
pub use state_file::StateFileError;
