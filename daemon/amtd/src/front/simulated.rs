//! What the simulation of the whole daemon needs of the front: its state machine, without sockets and tasks.

use std::{sync::Arc, time::Instant};

use amtd_apf::Port;

use super::{
    bench,
    classify::{Client, Rules},
};
pub(crate) use super::{
    limits::RelayConfig,
    relay::{Ending, Relay},
};
use crate::config::Classes;

/// The limits of every relay, with these rules.
pub(crate) fn relay_config(classes: &Classes) -> Arc<RelayConfig> {
    Arc::new(RelayConfig { rules: Rules::new(classes), ..bench::config() })
}

/// The relay of a client that has just connected.
pub(crate) fn relay(config: Arc<RelayConfig>, port: Port, user: u32, now: Instant) -> Relay {
    Relay::new(config, Client { port, user, executable: None }, now)
}
