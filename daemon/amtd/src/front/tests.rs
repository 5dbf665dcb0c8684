//! The relay, one hazard at a time, on a virtual clock and without sockets.

mod ending;
mod exchange;
mod holding;
mod opaque;
mod stopping;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use amtd_apf::{
    Class, Port,
    mux::{FlowEnd, FlowEvent, Refusal, Request},
};
use bytes::Bytes;
use proptest::prelude::*;

use super::{
    bench::{Bench, GET, HTTP, OK, OPAQUE, client, config, part, send},
    classify::{Client, Rules, samples},
    limits::RelayConfig,
    relay::{Ending, LAST_CALL, Relay},
};
use crate::{config::Config, driver::FlowCommand};

fn request(class: Class) -> FlowCommand {
    FlowCommand::Request(Request { class, opaque: false })
}

fn reclassify(class: Class) -> FlowCommand {
    FlowCommand::Reclassify(Request { class, opaque: false })
}

fn heartbeat() -> Vec<u8> {
    samples::post(&samples::invoke("AMT_AgentPresenceWatchdog", "AssertPresence")[0])
}

fn pull() -> Vec<u8> {
    samples::post(&samples::pull("AMT_AuditLog")[0])
}

fn body_at(request: &[u8]) -> usize {
    request.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4
}

/// What went out, in order.
fn sent(commands: &[FlowCommand]) -> Vec<u8> {
    let bytes = commands.iter().filter_map(|command| match command {
        FlowCommand::Send { bytes, .. } => Some(&bytes[..]),
        _ => None,
    });
    bytes.collect::<Vec<_>>().concat()
}

/// Requests with the class that they must get.
fn classed() -> Vec<(Class, Vec<u8>)> {
    let envelopes = [
        (Class::Watchdog, samples::invoke("AMT_AgentPresenceWatchdog", "AssertPresence")),
        (Class::Health, samples::identify()),
        (Class::Interactive, samples::get("AMT_GeneralSettings")),
        (Class::Bulk, samples::pull("AMT_AuditLog")),
    ];
    let both = |envelope: String| [samples::post(&envelope), samples::post_chunked(&envelope, 100)];
    let requests = envelopes.into_iter().map(|(class, all)| (class, all.into_iter().flat_map(both)));
    requests.flat_map(|(class, all)| all.map(move |request| (class, request))).collect()
}
