//! An agent on the host that says in time that it lives (wsman 14.1): the client whose requests must never wait for others.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use amtd_harness::http::{Connection, Login, Response};
use amtd_harness::{PATIENCE, wsman as soap};
use anyhow::{Context, Result, bail, ensure};

use crate::wsman;

/// Which connection a heartbeat takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::measure) enum Path {
    /// The one of the heartbeat before.
    Kept,
    /// One of its own; making it counts.
    New,
}

/// A registered agent.
pub(in crate::measure) struct Agent {
    address: SocketAddr,
    login: Login,
    kept: Option<Connection>,
    device_id: String,
    /// The number of the last heartbeat; None when it is not known whether firmware took it: the agent must register again.
    sequence: Option<u32>,
}

impl Agent {
    /// Creates the watchdog of agent `number`, which expires after `timeout` seconds of silence, and begins a session.
    pub(in crate::measure) fn start(address: SocketAddr, number: u8, timeout: u16) -> Result<Self> {
        // 16 bytes, of which the last is four times the number.
        let device_id = format!("AAECAwQFBgcICQoLDA0O{}A==", char::from(b'A' + number % 26));
        let (login, kept, sequence) = (wsman::login(), None, None);
        let mut agent = Self { address, login, kept, device_id, sequence };
        let create = wsman::create_watchdog(&agent.device_id, timeout);
        agent.exchange(&create, Path::Kept).context("creating a watchdog")?;
        agent.beat(Path::Kept)?;
        Ok(agent)
    }

    /// One heartbeat, and how long it took from before its first byte, or its connection, to the end of its answer. An agent
    /// without a session begins one before.
    pub(in crate::measure) fn beat(&mut self, path: Path) -> Result<Duration> {
        let last = match self.sequence.take() {
            Some(last) => last,
            None => self.register().context("registering")?,
        };
        let next = last.wrapping_add(1);
        let envelope = wsman::assert_presence(&self.device_id, next);
        let (time, answer) = self.exchange(&envelope, path).context("heartbeat")?;
        let value = soap::element(&answer.text(), "ReturnValue");
        ensure!(value.as_deref() == Some("0"), "heartbeat: ReturnValue {value:?}");
        self.sequence = Some(next);
        Ok(time)
    }

    fn register(&mut self) -> Result<u32> {
        let (_, answer) = self.exchange(&wsman::register_agent(&self.device_id), Path::Kept)?;
        let sequence = soap::element(&answer.text(), "SessionSequenceNumber").context("no number")?;
        Ok(sequence.parse()?)
    }

    /// One request, and a second one if the first is answered with a challenge.
    fn exchange(&mut self, envelope: &str, path: Path) -> Result<(Duration, Response)> {
        let mut begun = None;
        for _ in 0..2 {
            let authorization = self.login.authorize(soap::PATH)?;
            let headers: Vec<&str> = authorization.iter().map(String::as_str).collect();
            let request = soap::post(envelope, &headers);
            let kept = match (path, self.kept.take()) {
                (Path::New, kept) => {
                    self.kept = kept;
                    None
                }
                (Path::Kept, Some(kept)) => Some(kept),
                (Path::Kept, None) => Some(Connection::open(self.address, PATIENCE)?),
            };
            let start = *begun.get_or_insert_with(Instant::now);
            let mut connection = match kept {
                Some(connection) => connection,
                None => Connection::open(self.address, PATIENCE)?,
            };
            let answer = connection.exchange(&request)?;
            let time = start.elapsed();
            if path == Path::Kept && !answer.closes() {
                self.kept = Some(connection);
            }
            match answer.status() {
                200 => return Ok((time, answer)),
                401 => self.login.challenged(answer.head())?,
                status => bail!("answer {status}: {}", answer.text().lines().next().unwrap_or_default()),
            }
        }
        bail!("a second challenge")
    }
}
