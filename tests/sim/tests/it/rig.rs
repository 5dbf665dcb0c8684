//! A running simulator in a temporary directory, and hosts that speak to it. Every test uses it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use amt_sim::config::ReceiveCredit;
use amt_sim::host::{ApfHost, Host};
use amt_sim::{SimConfig, Simulator};
use amtd_apf::wire::{Message, MessageType};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long something may take that takes no time; reaching it fails the test.
const LIMIT: Duration = Duration::from_secs(20);
/// A port whose channels send everything back.
pub(crate) const ECHO: u16 = 7;

pub(crate) struct Rig {
    pub(crate) simulator: Simulator,
    directory: TempDir,
}

impl Rig {
    /// A simulator with the defaults and an echo port.
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    /// A simulator with the defaults and an echo port, changed by `change`.
    pub(crate) fn with(change: impl FnOnce(&mut SimConfig)) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut config = SimConfig::new(directory.path().join("mei"));
        config.control = Some(directory.path().join("control"));
        config.apf.echo_ports = vec![ECHO];
        config.print_violations = false;
        config.mei.receive_credit = Some(ReceiveCredit::One);
        change(&mut config);
        Self { simulator: Simulator::start(config).unwrap(), directory }
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("mei")
    }

    pub(crate) fn control(&self) -> PathBuf {
        self.directory.path().join("control")
    }

    /// A fresh open of the device.
    pub(crate) fn open(&self) -> Host {
        Host::open(&self.socket()).unwrap()
    }

    /// A host whose session is ready: ports 16992, 623 and the echo port.
    pub(crate) fn host(&self) -> ApfHost {
        let mut host = ApfHost::start(&self.socket(), 3).unwrap();
        host.barrier();
        host
    }

    /// Has the simulator take a step. Returns its answer.
    #[track_caller]
    pub(crate) fn act(&self, step: Value) -> Value {
        let answer = self.simulator.request(step);
        assert_eq!(answer["ok"], true, "{answer}");
        answer
    }

    pub(crate) fn stats(&self) -> Value {
        self.act(json!({ "do": "stats" }))
    }

    pub(crate) fn state(&self) -> Value {
        self.act(json!({ "do": "state" }))
    }

    /// The state of the port forwarding session of the first connection.
    pub(crate) fn session(&self) -> Value {
        self.state()["connections"][0]["session"].clone()
    }

    /// Asks until `done` holds of the answer.
    #[track_caller]
    pub(crate) fn eventually(&self, step: &Value, done: impl Fn(&Value) -> bool) -> Value {
        let start = Instant::now();
        loop {
            let answer = self.act(step.clone());
            if done(&answer) {
                return answer;
            }
            assert!(start.elapsed() < LIMIT, "still {answer}");
        }
    }

    #[track_caller]
    pub(crate) fn assert_no_violations(&self) {
        let answer = self.act(json!({ "do": "violations" }));
        assert_eq!(answer["total"], 0, "{answer}");
    }
}

/// What tests do with a host besides what it does by itself.
pub(crate) trait Scripted {
    /// Returns when firmware has taken every message that was sent before.
    fn barrier(&mut self);
    /// The next message.
    fn next(&mut self) -> Vec<u8>;
    /// The next message has to be this one.
    fn expect(&mut self, message: Message<'_>);
    /// The next message that is no window adjust.
    fn next_but_adjusts(&mut self) -> Vec<u8>;
    /// Pumps until `done` holds.
    fn pump_until(&mut self, done: impl Fn(&ApfHost) -> bool);
    /// Sends a request and pumps until the response is complete. Returns it; for responses with Content-Length.
    fn fetch(&mut self, channel: u32, path: &str) -> String;
}

impl Scripted for ApfHost {
    #[track_caller]
    fn barrier(&mut self) {
        const COOKIE: u32 = 0x00BA_221E;
        self.send(Message::KeepaliveRequest(COOKIE)).unwrap();
        let reply = format!("{:?}", Message::KeepaliveReply(COOKIE));
        self.pump_until(|host| host.notes.last() == Some(&reply));
        self.notes.pop();
    }

    #[track_caller]
    fn next(&mut self) -> Vec<u8> {
        self.host().receive().unwrap().to_vec()
    }

    #[track_caller]
    fn expect(&mut self, message: Message<'_>) {
        let bytes = self.next();
        assert_eq!(Message::decode(&bytes).unwrap().message, message);
    }

    #[track_caller]
    fn next_but_adjusts(&mut self) -> Vec<u8> {
        loop {
            let message = self.next();
            if message[0] != MessageType::CHANNEL_WINDOW_ADJUST.0 {
                return message;
            }
        }
    }

    #[track_caller]
    fn pump_until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            self.pump().unwrap();
        }
    }

    #[track_caller]
    fn fetch(&mut self, channel: u32, path: &str) -> String {
        let before = self.channels[&channel].input.len();
        self.write(channel, format!("GET {path} HTTP/1.1\r\nHost: amt\r\n\r\n").as_bytes()).unwrap();
        self.pump_until(|host| is_complete(&host.channels[&channel].input[before..]));
        String::from_utf8_lossy(&self.channels[&channel].input[before..]).into_owned()
    }
}

fn is_complete(response: &[u8]) -> bool {
    let Some(end) = response.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&response[..end]);
    let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")).unwrap();
    response.len() - end - 4 >= length.parse::<usize>().unwrap()
}
