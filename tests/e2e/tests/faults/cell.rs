//! One cell: a rig of its own, a client in its situation, the fault, and what comes of it for everybody.
//!
//! Turns what was seen into words that are the same in every run. How long something took is told by its cause, which the daemon
//! names, and never by a clock; the clock only confirms that a deadline that is named had passed.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::time::Duration;

use amtd_e2e::{Footing, Rig, Setup, number};
use amtd_harness::PATIENCE;
use amtd_harness::http::HttpError;
use serde_json::{Value, json};

use crate::catalogue::{Effect, Fault, Job};
use crate::client::{Answer, Played, Situation, Stage};
use crate::deadlines::{self, CONFIG, LONGEST};

/// How much the daemon may grow over one cell. One leaked buffer does not show here, only growth without end: small leaks are the
/// soak's business.
const GROWTH: u64 = 32 << 20;

/// What is written into the tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    /// What the client saw, and when.
    pub(crate) client: String,
    /// The link as the status shows it while the fault lasts.
    pub(crate) during: String,
    /// The reason that the status gives for it.
    pub(crate) reason: String,
    /// The link after the fault was withdrawn.
    pub(crate) after: String,
}

impl Cell {
    /// Whether the link stayed up as if nothing had happened.
    pub(crate) fn is_quiet(&self) -> bool {
        self.during == "up" && self.reason.is_empty() && self.after == "up"
    }
}

/// Counts that tell why something happened.
#[derive(Debug, Clone, Copy)]
struct Marks {
    connects: u64,
    open_refusals: u64,
    silent: u64,
}

/// Plays a cell.
///
/// # Panics
/// An invariant of every cell is violated: a client that hangs, a new client that is not served afterwards, something that is
/// left behind, a panic or a violation of the protocol in the daemon.
pub(crate) fn play(fault: &Fault, situation: Situation) -> Cell {
    let mut rig = setup(fault, situation).start();
    rig.await_status("its ports and firmware's own data", |status| {
        is_served(status) && !status["firmware"]["read_at"].is_null()
    });
    let stage = Stage { rig: &rig, fault };
    assert!(matches!(stage.ask(), Answer::Status(200, _)), "the rig serves nobody");
    rig.await_status("no client", |status| status["connections"]["current"] == 0);
    let (mut before, memory, marks) = (rig.footing(), resident(&rig), Marks::of(&rig.status()));
    before.descriptors += fault.keeps;

    let bystander = stage.bystander();
    let played = stage.play(situation, || strike(&rig, fault));
    let client = words(&played, marks, &rig.status());
    assert!(played.after <= LONGEST + PATIENCE, "{client} came after {:?}", played.after);
    let (during, reason) = link(&rig, fault, marks);

    withdraw(&rig, fault);
    drop(bystander);
    let again = stage.ask();
    assert!(matches!(&again, Answer::Status(200, wrong) if wrong.is_empty()), "a new client gets {again:?}");
    let is_new = number(&rig.status(), "/link/connects") > marks.connects;
    let after = match (fault.lasts, is_new) {
        (true, _) => "up after one more reset",
        (_, true) => "up again",
        _ => "up",
    };
    assert_nothing_left(&rig, before, memory);
    rig.finish();
    Cell { client, during, reason, after: after.to_owned() }
}

fn setup(fault: &Fault, situation: Situation) -> Setup {
    let activates = situation == Situation::Job && fault.job == Job::Activate;
    let state = if activates { "--state pre" } else { "--state ccm" };
    let tls = if fault.tls { " --tls also" } else { "" };
    Setup { sim: format!("{state}{tls}"), config: CONFIG.into(), ..Setup::default() }
}

/// Whether firmware has asked for the port of the clients.
fn is_served(status: &Value) -> bool {
    status["link"]["ready"] == true && asked_for(status).any(|port| port["port"] == 16992)
}

/// Whether it has asked for any, as it does a moment after a session has begun.
fn has_ports(status: &Value) -> bool {
    asked_for(status).next().is_some()
}

fn asked_for(status: &Value) -> impl Iterator<Item = &Value> {
    let ports = status["ports"].as_array().map_or(&[][..], Vec::as_slice);
    ports.iter().filter(|port| port["requested_by_firmware"] == true)
}

// ---- the fault ----

/// Has the fault done, and returns when the daemon has met it.
fn strike(rig: &Rig, fault: &Fault) {
    let (before, connects) = (rig.stats(), number(&rig.status(), "/link/connects"));
    for step in &fault.steps {
        rig.sim(step.clone());
    }
    let is_lost =
        |status: &Value| status["link"]["ready"] != true || number(status, "/link/connects") > connects;
    let grown = |pointer: &'static str, by: u64| {
        let enough = number(&before, pointer) + by;
        move |stats: &Value| number(stats, pointer) >= enough
    };
    match fault.effect {
        Effect::Armed => {}
        Effect::Lost => rig.await_status("the loss of the link", is_lost),
        Effect::Restarted => rig.await_stats("a new session", grown("/sessions_ready", 1)),
        Effect::Answered(count) => rig.await_that("firmware has its answers", || {
            let replies = rig.stats()["replies"].clone();
            let sum = |replies: &Value| number(replies, "/success") + number(replies, "/failure");
            sum(&replies) >= sum(&before["replies"]) + count
        }),
        Effect::Sent => {
            // The daemon takes messages in order. There is nobody left to probe when the link is lost already.
            let _ = rig.sim.control(&json!({"do": "keepalive", "cookie": 1}));
            let answered = grown("/keepalive_replies", 1);
            rig.await_that("the message was met", || answered(&rig.stats()) || is_lost(&rig.status()));
        }
    }
}

fn withdraw(rig: &Rig, fault: &Fault) {
    rig.sim(json!({"do": "clear"}));
    for step in &fault.undo {
        rig.sim(step.clone());
    }
    if fault.lasts {
        let connects = number(&rig.status(), "/link/connects");
        rig.sim(json!({"do": "link-reset"}));
        rig.await_connection(connects + 1);
    }
    rig.await_status("its ports again", is_served);
}

// ---- the words ----

/// What the client saw, and after how long.
fn words(played: &Played, marks: Marks, status: &Value) -> String {
    let (what, cause) = match &played.answer {
        Answer::Status(200, wrong) if wrong.is_empty() => ("200".to_owned(), served(marks, status)),
        Answer::Status(200, wrong) => (format!("200 with {wrong}"), "at once"),
        Answer::Status(code, text) => (code.to_string(), deadlines::named_by(text, played.after)),
        Answer::Failed(error, _) if error.is_timeout() => panic!("the client hangs: {error}"),
        Answer::Failed(HttpError::Malformed(_), _) => ("not HTTP".to_owned(), "at once"),
        Answer::Failed(HttpError::Io(error), _) if error.kind() == ErrorKind::InvalidData => {
            ("not TLS".to_owned(), "at once")
        }
        Answer::Failed(HttpError::Truncated, _) => ("cut".to_owned(), silence(marks, status)),
        Answer::Failed(_, 0) => ("closed".to_owned(), silence(marks, status)),
        Answer::Failed(_, _) => ("cut".to_owned(), silence(marks, status)),
        Answer::Job(job) => verdict(job, marks, status, played.after),
    };
    if let Some(deadline) = deadlines::length(cause) {
        assert!(played.after >= deadline, "{what} after {:?}, before {cause} had passed", played.after);
    }
    if cause.is_empty() { what } else { format!("{what}, {cause}") }
}

/// How firmware's answer came about.
fn served(before: Marks, status: &Value) -> &'static str {
    let now = Marks::of(status);
    if now.connects > before.connects {
        "new link"
    } else if now.open_refusals > before.open_refusals {
        "retry"
    } else {
        "at once"
    }
}

/// Why a connection ended without an answer.
fn silence(before: Marks, status: &Value) -> &'static str {
    if Marks::of(status).silent > before.silent { "response_wait" } else { "at once" }
}

/// What is said of a job: the verdict, and what stood against it.
fn verdict(job: &Value, before: Marks, status: &Value, after: Duration) -> (String, &'static str) {
    let outcome = &job["outcome"];
    let verdict = outcome["verdict"].as_str().unwrap_or_else(|| panic!("no verdict: {job:#}"));
    let failure = &outcome["failure"];
    match (failure["reason"].as_str(), failure["sentence"].as_str()) {
        (Some(reason), Some(sentence)) => {
            let cause = deadlines::named_by(sentence, after);
            (format!("{verdict} ({reason})"), if deadlines::length(cause).is_some() { cause } else { "" })
        }
        _ if Marks::of(status).silent > before.silent => (verdict.to_owned(), "response_wait"),
        // How many steps it took, and how many looks, is the job's own business.
        _ => (verdict.to_owned(), ""),
    }
}

/// The link as the status shows it, and why.
fn link(rig: &Rig, fault: &Fault, before: Marks) -> (String, String) {
    let is_new = |link: &Value| number(link, "/connects") > before.connects;
    let lasting = RefCell::new(Value::Null);
    rig.await_status("a state that lasts", |status| {
        let link = &status["link"];
        let is_up = link["ready"] == true && (fault.lasts || has_ports(status));
        let is_passing =
            ["down", "connecting", "lost", "up"].contains(&link["state"].as_str().unwrap_or_default());
        lasting.replace(status.clone());
        if fault.heals {
            is_up && (fault.effect == Effect::Armed || is_new(link))
        } else {
            is_up || !is_passing
        }
    });
    let status = lasting.into_inner();
    let link = &status["link"];
    let device = rig.sim.device().display().to_string();
    let text = |name: &str| link[name].as_str().unwrap_or_default().replace(&device, "the device");
    if link["ready"] != true {
        return (text("state"), text("detail"));
    }
    let conditions = status["health"].as_array().map_or(&[][..], Vec::as_slice);
    let codes = conditions.iter().filter_map(|condition| condition["code"].as_str());
    let state: Vec<_> = [if is_new(link) { "up again" } else { "up" }].into_iter().chain(codes).collect();
    (state.join(", "), if is_new(link) { text("last_error") } else { String::new() })
}

impl Marks {
    fn of(status: &Value) -> Self {
        Self {
            connects: number(status, "/link/connects"),
            open_refusals: number(status, "/counters/mux/open_refusals"),
            silent: number(status, "/counters/mux/silent"),
        }
    }
}

// ---- what is left ----

fn assert_nothing_left(rig: &Rig, before: Footing, memory: u64) {
    rig.await_rest(before);
    let grown = resident(rig).saturating_sub(memory);
    assert!(grown < GROWTH, "the daemon has grown by {grown} bytes");
}

fn resident(rig: &Rig) -> u64 {
    rig.daemon.usage().unwrap().resident
}
