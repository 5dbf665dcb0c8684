//! The rig of the relay's tests: a scripted client, a scripted driver and a virtual clock.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use amtd_apf::{
    Class, Port,
    mux::{FlowEvent, Request},
};
use bytes::Bytes;

use super::{
    classify::{Client, Rules},
    limits::RelayConfig,
    relay::Relay,
};
use crate::{config::Config, driver::FlowCommand};

pub(super) const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
pub(super) const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
pub(super) const HTTP: FlowCommand =
    FlowCommand::Request(Request { class: Class::Interactive, opaque: false });
pub(super) const OPAQUE: FlowCommand =
    FlowCommand::Request(Request { class: Class::Interactive, opaque: true });

pub(super) fn config() -> RelayConfig {
    RelayConfig {
        room: 16 * 1024,
        head_wait: Duration::from_secs(30),
        idle: Duration::from_secs(3600),
        client_stall: Duration::from_secs(300),
        half_close_quiet: Duration::from_secs(1),
        half_close_limit: Duration::from_secs(10),
        drain: Duration::from_secs(3),
        opaque_ports: vec![Port(16993), Port(16994)],
        retry_after: Duration::from_secs(5),
        rules: Rules::new(&Config::default().classes),
        classify_limit: 16 * 1024,
        classify_wait: Duration::from_secs(1),
    }
}

pub(super) fn client() -> Client {
    Client { port: Port(16_992), user: 1000, executable: None }
}

/// A relay between a scripted client and a scripted driver.
pub(super) struct Bench {
    pub(super) relay: Relay,
    pub(super) now: Instant,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(config(), client())
    }

    pub(super) fn with(config: RelayConfig, client: Client) -> Self {
        let now = Instant::now();
        Self { relay: Relay::new(Arc::new(config), client, now), now }
    }

    pub(super) fn client(&mut self, bytes: &[u8]) -> Vec<FlowCommand> {
        assert!(bytes.len() <= self.relay.read_limit(), "read more than the relay wants");
        self.relay.client_bytes(self.now, bytes);
        self.commands()
    }

    pub(super) fn client_fin(&mut self) -> Vec<FlowCommand> {
        self.relay.client_end(self.now);
        self.commands()
    }

    pub(super) fn firmware(&mut self, bytes: &'static [u8]) -> Vec<FlowCommand> {
        self.event(FlowEvent::Data(Bytes::from_static(bytes)))
    }

    pub(super) fn event(&mut self, event: FlowEvent) -> Vec<FlowCommand> {
        self.relay.event(self.now, event, &|| "the device sleeps".into());
        self.commands()
    }

    pub(super) fn commands(&mut self) -> Vec<FlowCommand> {
        self.relay.commands().collect()
    }

    /// The client reads everything there is; then the relay may send FIN.
    pub(super) fn read(&mut self) -> Vec<u8> {
        let mut read = Vec::new();
        while let Some(bytes) = self.relay.output() {
            read.extend_from_slice(bytes);
            let count = bytes.len();
            self.relay.written(self.now, count);
        }
        self.relay.flushed(self.now);
        read
    }

    /// Lets the next deadline pass.
    pub(super) fn wait(&mut self) -> Duration {
        let at = self.relay.deadline().expect("nothing to wait for");
        let waited = at.duration_since(self.now);
        self.now = at;
        self.relay.timeout(at);
        waited
    }
}

/// Bytes with which a request is complete.
pub(super) fn send(bytes: &[u8]) -> FlowCommand {
    FlowCommand::Send { bytes: Bytes::copy_from_slice(bytes), whole: true }
}

/// Bytes after which more of the request follow, or may follow.
pub(super) fn part(bytes: &[u8]) -> FlowCommand {
    FlowCommand::Send { bytes: Bytes::copy_from_slice(bytes), whole: false }
}
