//! The AMT daemon: owns the firmware link of a machine and serves its local WSMAN ports.
//!
//! One task owns the MEI device and the session with firmware ([`driver`]); all other parts hold a handle to it. The
//! `front` serves clients on the local ports, `http` reports the status, `systemd` talks to the service manager, and
//! [`app`] connects them. Dependencies point from `app` downwards: [`config`] and [`status`] know none of the parts.
//!
//! Comments cite the project's protocol notes by document and section, as in `apf 4.6`, `mei 6.5` or `amthi 9`.

#![deny(unsafe_code)]

pub mod app;
pub mod cli;
mod complaints;
pub mod config;
pub mod control;
pub mod descriptors;
pub mod driver;
pub mod events;
pub mod failure;
pub mod firmware;
pub mod front;
mod heap;
pub mod http;
pub mod info;
pub mod jobs;
pub mod listen;
pub mod lock;
pub mod machine;
pub mod pem;
#[cfg(test)]
mod simulation;
pub mod status;
pub mod supervise;
pub mod systemd;
pub mod telemetry;
