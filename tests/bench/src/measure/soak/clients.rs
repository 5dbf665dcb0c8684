//! The clients of the soak: each a thread that does one thing over and over.

use std::io::{Read, Write};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

use amtd_harness::http::{Connection, request};
use amtd_harness::sim::{PASSWORD, USER};
use amtd_harness::{PATIENCE, WsmanClient};
use anyhow::{anyhow, ensure};

use super::Field;
use super::tally::Trouble;
use super::tls::{Stream, Tls};
use crate::content::{Check, content};
use crate::lab::{connect, pause, pause_until};
use crate::load::{download_request, receipt, upload_head};
use crate::measure::heartbeat::{Agent, Path};

/// Silence after which firmware takes an agent for dead: a heartbeat, the second that firmware spends on each TLS client's
/// handshake, which nothing can interrupt, and as much again for a machine that is not ours alone.
pub(super) const AGENT_TIMEOUT: Duration = Duration::from_secs(6);
/// An agent's heartbeats come at this pace.
const BEAT: Duration = Duration::from_secs(1);
/// Time that the other clients take between two exchanges: firmware is to be busy and not overrun.
const THINK: Duration = Duration::from_millis(500);
const DOWNLOAD: usize = 200_000;
const UPLOAD: usize = 100_000;
/// What the slow reader takes, and how fast in bytes per second.
const SLOW: usize = 1_000_000;
const SLOW_RATE: f64 = 250_000.0;
/// Exchanges on one TLS connection.
const TLS_EXCHANGES: usize = 5;
/// How long one run of `amtctl` may take.
const RUN: Duration = Duration::from_secs(90);

type Done = Result<(), Trouble>;
type Client<'scope> = ScopedJoinHandle<'scope, ()>;

/// Sets everybody to work until the soak is over.
pub(super) fn start<'scope, 'field: 'scope>(
    scope: &'scope Scope<'scope, '_>,
    field: &'field Field,
) -> Vec<Client<'scope>> {
    let mut clients = Vec::new();
    let mut add = |count: usize, name, think, once: fn(&mut Worker<'field>) -> Done| {
        for number in 0..count {
            let worker = Worker { field, turn: number, wsman: None, kept: None, tls: None };
            clients.push(scope.spawn(move || work(worker, name, think, once)));
        }
    };
    add(3, "get-kept", THINK, Worker::get_kept);
    add(8, "get-new", 4 * THINK, Worker::get_new);
    add(2, "enumerate", 4 * THINK, Worker::enumerate);
    add(2, "download", THINK, Worker::download);
    add(2, "upload", THINK, Worker::upload);
    add(1, "slow-reader", THINK, Worker::read_slowly);
    add(4, "vanish", THINK, Worker::vanish);
    add(2, "tls", THINK, Worker::over_tls);
    add(1, "status", THINK, |worker| worker.amtctl("--json status"));
    add(1, "health", THINK, |worker| worker.amtctl("health"));
    add(1, "info", 4 * THINK, |worker| worker.amtctl("--json info"));
    add(1, "job", 4 * THINK, Worker::job);
    for number in 0..2 {
        clients.push(scope.spawn(move || stay_alive(field, number)));
    }
    clients
}

fn work<'field>(
    mut worker: Worker<'field>,
    name: &'static str,
    think: Duration,
    once: fn(&mut Worker<'field>) -> Done,
) {
    while !worker.field.is_over() {
        let start = Instant::now();
        let outcome = once(&mut worker);
        worker.turn += 1;
        if outcome.is_err() {
            (worker.wsman, worker.kept, worker.tls) = (None, None, None);
        }
        worker.field.tally.note(name, start, outcome);
        pause(think);
    }
}

/// An agent: a heartbeat each second, on a kept connection and on a new one in turns.
fn stay_alive(field: &Field, number: u8) {
    let timeout = u16::try_from(AGENT_TIMEOUT.as_secs()).unwrap_or(u16::MAX);
    let mut agent = match Agent::start(field.web, number, timeout) {
        Ok(agent) => agent,
        Err(error) => return field.tally.defect(format!("an agent cannot begin: {error:#}")),
    };
    let mut next = Instant::now();
    for turn in 0_u32.. {
        if field.is_over() {
            return;
        }
        let start = Instant::now();
        let path = if turn % 2 == 0 { Path::Kept } else { Path::New };
        let beat = agent.beat(path);
        // One that was cut is made up for at once, as agents do.
        next = if beat.is_ok() { Instant::now().max(next + BEAT) } else { Instant::now() + THINK / 5 };
        field.tally.note("heartbeat", start, beat.map(drop).map_err(Trouble::from));
        pause_until(next);
    }
}

/// A client with what it keeps.
struct Worker<'field> {
    field: &'field Field,
    turn: usize,
    wsman: Option<WsmanClient>,
    kept: Option<Connection>,
    tls: Option<(Tls, Option<Connection<Stream>>)>,
}

impl Worker<'_> {
    fn get_kept(&mut self) -> Done {
        let field = self.field;
        let client = self.wsman.get_or_insert_with(|| WsmanClient::new(field.web, USER, PASSWORD));
        expect(client.get("AMT_GeneralSettings")?.status())
    }

    fn get_new(&mut self) -> Done {
        self.wsman = None;
        self.get_kept()
    }

    fn enumerate(&mut self) -> Done {
        let mut client = WsmanClient::new(self.field.web, USER, PASSWORD);
        let pulled = client.enumerate("CIM_SoftwareIdentity")?;
        pulled.iter().try_for_each(|answer| expect(answer.status()))
    }

    fn download(&mut self) -> Done {
        let mut connection = self.connection()?;
        fetch(&mut connection, DOWNLOAD, |_| {})?;
        self.kept = Some(connection);
        Ok(())
    }

    fn upload(&mut self) -> Done {
        let body = content(UPLOAD);
        let mut connection = self.connection()?;
        connection.send(&upload_head(UPLOAD))?;
        connection.send(&body)?;
        let answer = connection.receive()?;
        expect(answer.status())?;
        let (said, expected) = (answer.text(), receipt(&body));
        if said.trim() != expected {
            return Err(Trouble::Wrong(anyhow!("{said:?} instead of {expected}")));
        }
        self.kept = Some(connection);
        Ok(())
    }

    fn read_slowly(&mut self) -> Done {
        let start = Instant::now();
        fetch(&mut self.connection()?, SLOW, |position| {
            pause_until(start + Duration::from_secs_f64(position as f64 / SLOW_RATE));
        })
    }

    /// Goes without a word, at another point each time.
    fn vanish(&mut self) -> Done {
        let mut stream = connect(self.field.web)?;
        let whole = request("GET", "/sim/bulk/1000000", &[], b"");
        match self.turn % 4 {
            0 => {}
            1 => stream.write_all(b"POST /wsman HTTP/1.1\r\nContent-")?,
            2 => stream.write_all(b"POST /sim/sink HTTP/1.1\r\nContent-Length: 100000\r\n\r\nabc")?,
            _ => {
                stream.write_all(&whole)?;
                // Closed over unread bytes: the kernel sends RST.
                stream.read_exact(&mut [0; 9])?;
            }
        }
        Ok(())
    }

    fn over_tls(&mut self) -> Done {
        let (tls, kept) = match self.tls.take() {
            Some(kept) => kept,
            None => (Tls::new()?, None),
        };
        let mut connection = match kept {
            Some(connection) => connection,
            None => tls.connect(self.field.tls)?,
        };
        fetch(&mut connection, DOWNLOAD / 4, |_| {})?;
        let goes_on = !self.turn.is_multiple_of(TLS_EXCHANGES);
        self.tls = Some((tls, goes_on.then_some(connection)));
        Ok(())
    }

    fn job(&mut self) -> Done {
        let kvm = self.turn % 4 < 2;
        let features = format!("configure amtfeatures --kvm={kvm} --sol --ider --userConsent none");
        let command = if self.turn.is_multiple_of(2) { &features } else { "configure syncclock" };
        self.amtctl(&format!("--json {command} --password-stdin"))
    }

    fn amtctl(&mut self, arguments: &str) -> Done {
        let run = self.field.daemon.amtctl()?.args(arguments).input(&[PASSWORD]);
        let said = run.run(RUN)?;
        ensured(said.code == Some(0), || {
            format!("amtctl {arguments}: {:?}: {}{}", said.code, said.out, said.err)
        })
    }

    fn connection(&mut self) -> anyhow::Result<Connection> {
        match self.kept.take() {
            Some(connection) => Ok(connection),
            None => Ok(Connection::open(self.field.web, PATIENCE)?),
        }
    }
}

/// Downloads and checks; `taken` is told how much it has so far.
fn fetch<S: Read + Write>(connection: &mut Connection<S>, bytes: usize, taken: impl Fn(u64)) -> Done {
    connection.send(&download_request(bytes))?;
    let (mut check, mut refusal) = (Check::default(), Vec::new());
    let mut wrong = None;
    let head = connection.receive_into(|piece| {
        if let Err(error) = check.take(piece) {
            wrong.get_or_insert(error);
            refusal.extend_from_slice(piece);
        }
        taken(check.position());
        Ok(())
    })?;
    ensured(head.status() == 200, || {
        format!("answer {}: {}", head.status(), String::from_utf8_lossy(&refusal).trim())
    })?;
    if let Some(error) = wrong {
        return Err(Trouble::Wrong(error.into()));
    }
    if check.position() != bytes as u64 {
        return Err(Trouble::Wrong(anyhow!("{} bytes instead of {bytes}", check.position())));
    }
    Ok(())
}

fn expect(status: u16) -> Done {
    ensured(status == 200, || format!("answer {status}"))
}

fn ensured(holds: bool, what: impl FnOnce() -> String) -> Done {
    let ensure = || {
        ensure!(holds, what());
        Ok(())
    };
    ensure().map_err(Trouble::Failed)
}
