//! What a client is doing when the fault comes: the columns of the matrix.
//!
//! Each situation brings its client to the point that its name says, has the fault done to firmware, and goes on to the client's
//! end. Owns clients; knows nothing of faults.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use amtd_e2e::content::{Checker, content};
use amtd_e2e::{Rig, lme, number};
use amtd_harness::PATIENCE;
use amtd_harness::http::{Connection, HttpError, Response, request};
use amtd_harness::sim::PASSWORD;
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::catalogue::{Fault, Job};
use crate::heartbeat::Agent;
use crate::secure;

/// A page.
const SHORT: usize = 1_000;
/// More than everything between firmware and a client that does not read can hold.
const LONG: usize = 600_000;
/// Less than firmware's window, so that all of it arrives.
const HALF: usize = 2_000;
/// What a client that does not read lets the kernel keep for it.
const SMALL_BUFFER: usize = 8_192;
/// Longest run of `amtctl`.
const JOB_PATIENCE: Duration = Duration::from_secs(60);

/// A stream to the daemon.
pub(crate) trait Wire: Read + Write {}

impl<T: Read + Write> Wire for T {}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Situation {
    /// Nobody is connected; a client comes when the fault is there.
    Idle,
    /// A client has had an answer, keeps its connection, and asks again when the fault is there.
    Kept,
    /// A client waits for the answer to a request that firmware has.
    Request,
    /// A client has the beginning of a long response and has stopped reading.
    Response,
    /// A client has sent half of a request's body.
    Upload,
    /// An agent waits for the answer to its heartbeat, which firmware has.
    Heartbeat,
    /// The request of a job that changes the device is with firmware.
    Job,
}

impl Situation {
    /// Every column, in the order of the tables.
    pub(crate) const ALL: [Self; 7] =
        [Self::Idle, Self::Kept, Self::Request, Self::Response, Self::Upload, Self::Heartbeat, Self::Job];

    /// Its heading.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Kept => "kept connection idle",
            Self::Request => "request sent",
            Self::Response => "response half read",
            Self::Upload => "upload half sent",
            Self::Heartbeat => "heartbeat pending",
            Self::Job => "job running",
        }
    }
}

/// What came of it for the client.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A response with this status, and what is to be said of its body: with 200 nothing if it is what was asked for, else
    /// its text.
    Status(u16, String),
    /// None, or not all of it, after so many bytes of its body.
    Failed(HttpError, usize),
    /// The document of the job, ended.
    Job(Value),
}

/// The answer, and how long after the client began it was complete.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) answer: Answer,
    pub(crate) after: Duration,
}

/// A client, and the rig that it plays on.
pub(crate) struct Stage<'a> {
    pub(crate) rig: &'a Rig,
    pub(crate) fault: &'a Fault,
}

impl Stage<'_> {
    /// Brings a client to the point, calls `strike`, and sees what comes of it.
    pub(crate) fn play(&self, situation: Situation, strike: impl FnOnce()) -> Played {
        let begun = Instant::now();
        let answer = match situation {
            Situation::Idle => self.idle(strike),
            Situation::Kept => self.kept(strike),
            Situation::Request => self.request(strike),
            Situation::Response => self.response(strike),
            Situation::Upload => self.upload(strike),
            Situation::Heartbeat => self.heartbeat(strike),
            Situation::Job => self.job(strike),
        };
        Played { answer, after: begun.elapsed() }
    }

    /// Another client, whose channel stays.
    pub(crate) fn bystander(&self) -> Option<impl Sized> {
        self.fault.beside.then(|| self.served())
    }

    /// A client that asks for a page and gets it.
    pub(crate) fn ask(&self) -> Answer {
        received(self.connect().exchange(&page()), is_page)
    }

    fn idle(&self, strike: impl FnOnce()) -> Answer {
        strike();
        self.ask()
    }

    fn kept(&self, strike: impl FnOnce()) -> Answer {
        let mut client = self.served();
        strike();
        received(client.exchange(&page()), is_page)
    }

    fn request(&self, strike: impl FnOnce()) -> Answer {
        let mut client = self.served();
        self.stall();
        client.send(&page()).unwrap();
        self.await_engine();
        strike();
        self.release();
        received(client.receive(), is_page)
    }

    fn response(&self, strike: impl FnOnce()) -> Answer {
        let mut client = self.connect();
        client.send(&request("GET", &format!("/sim/bulk/{LONG}"), &[], b"")).unwrap();
        let (mut strike, mut checker) = (Some(strike), Checker::default());
        let outcome = client.receive_into(|piece| {
            checker.take(piece);
            if let Some(strike) = strike.take() {
                self.await_full();
                strike();
            }
            Ok(())
        });
        match outcome {
            Ok(head) => Answer::Status(head.status(), check(checker.count() == LONG)),
            Err(error) => Answer::Failed(error, checker.count()),
        }
    }

    fn upload(&self, strike: impl FnOnce()) -> Answer {
        let mut client = self.served();
        let taken = self.rig.stat("/bytes_in");
        let whole = request("POST", "/sim/sink", &[], &content(2 * HALF));
        let (first, rest) = whole.split_at(whole.len() - HALF);
        client.send(first).unwrap();
        self.await_upload(taken, first.len());
        strike();
        // A daemon that has answered already may have ended the connection.
        let _ = client.send(rest);
        let counted = format!("{} ", 2 * HALF);
        received(client.receive(), |body| body.starts_with(counted.as_bytes()))
    }

    fn heartbeat(&self, strike: impl FnOnce()) -> Answer {
        let mut agent = Agent::start(|| self.connect());
        self.stall();
        agent.send();
        self.await_engine();
        strike();
        self.release();
        received(agent.receive(), |body| String::from_utf8_lossy(body).contains("ReturnValue>0<"))
    }

    fn job(&self, strike: impl FnOnce()) -> Answer {
        let id = match self.fault.job {
            Job::Activate => {
                // One request plans, another is the first step; the one that is stopped is that which changes the device.
                self.rig.sim(json!({"do": "stall-engine", "when": {"requests": 2}}));
                let id = self.begin("activate --ccm --yes --no-wait --password-stdin");
                self.await_engine();
                strike();
                self.release();
                id
            }
            Job::Deactivate => {
                strike();
                self.begin("deactivate --yes --no-wait")
            }
        };
        self.end(&id)
    }

    fn begin(&self, command: &str) -> String {
        let said = self.amtctl(command, &[PASSWORD]);
        said["id"].as_str().unwrap_or_else(|| panic!("no job: {said:#}")).to_owned()
    }

    fn end(&self, id: &str) -> Answer {
        let watch = self.rig.daemon.amtctl().unwrap().args("jobs watch").arg(id);
        watch.run(JOB_PATIENCE).unwrap();
        Answer::Job(self.amtctl(&format!("jobs show {id}"), &[]))
    }

    fn amtctl(&self, arguments: &str, input: &[&str]) -> Value {
        let amtctl = self.rig.daemon.amtctl().unwrap().args("--json").args(arguments).input(input);
        amtctl.run(JOB_PATIENCE).unwrap().json()
    }

    // ---- connections ----

    /// A connection on which a page was had.
    fn served(&self) -> Connection<Box<dyn Wire>> {
        let mut client = self.connect();
        assert_eq!(client.exchange(&page()).unwrap().status(), 200);
        client
    }

    fn connect(&self) -> Connection<Box<dyn Wire>> {
        let address = self.rig.address(if self.fault.tls { 16993 } else { 16992 });
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(SMALL_BUFFER).unwrap();
        socket.connect_timeout(&address.into(), PATIENCE).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.set_write_timeout(Some(PATIENCE)).unwrap();
        socket.set_tcp_nodelay(true).unwrap();
        let stream = socket.into();
        Connection::over(if self.fault.tls { Box::new(secure::over(stream)) } else { Box::new(stream) })
    }

    // ---- where firmware stands ----

    fn stall(&self) {
        self.rig.sim(json!({"do": "stall-engine"}));
    }

    fn release(&self) {
        if !self.fault.stalls() {
            self.rig.sim(json!({"do": "release-engine"}));
        }
    }

    /// Waits until firmware has a request that it does not execute.
    fn await_engine(&self) {
        self.rig.await_sim("a request that waits", |state| number(state, "/engine/waiting") == 1);
    }

    /// Waits until the one channel can take no more of a response.
    fn await_full(&self) {
        self.rig.await_sim("a full channel", |state| {
            let channels = lme(state)["channels"].as_array().cloned().unwrap_or_default();
            channels.iter().any(|channel| channel["may_send"] == 0 && channel["has_output"] == true)
        });
    }

    /// Waits until firmware has `length` bytes more than `before`; with TLS, which adds to them, more than that.
    fn await_upload(&self, before: u64, length: usize) {
        let length = length as u64;
        self.rig.await_stats("half an upload", |stats| number(stats, "/bytes_in") >= before + length);
    }
}

/// The answer to a request, whose body `fits` if it is firmware's.
fn received(outcome: Result<Response, HttpError>, fits: impl FnOnce(&[u8]) -> bool) -> Answer {
    match outcome {
        Ok(answer) if answer.status() == 200 => Answer::Status(200, check(fits(answer.body()))),
        Ok(answer) => Answer::Status(answer.status(), answer.text().trim_end().to_owned()),
        Err(error) => Answer::Failed(error, 0),
    }
}

fn check(is_right: bool) -> String {
    String::from(if is_right { "" } else { "wrong bytes" })
}

fn page() -> Vec<u8> {
    request("GET", &format!("/sim/bulk/{SHORT}"), &[], b"")
}

fn is_page(body: &[u8]) -> bool {
    body == content(SHORT)
}
