//! Something that happens to a job at one point of its way: the daemon is killed, firmware is reset, or an answer is lost.
//!
//! Owns how the simulator is made to stop at exactly that point, so that nothing depends on who is faster. What a job is and what
//! must be true afterwards is the test's. A point is a WSMAN request with a login, an AMTHI command or one about manageability, counted
//! from one.

use std::fmt;
use std::time::{Duration, Instant};

use amtd_harness::PATIENCE;
use serde_json::{Value, json};

use crate::{Rig, number};

/// Pause between two looks at firmware.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How long firmware that was reset cannot be opened, in milliseconds.
const RESET: u64 = 20;

/// How much firmware has carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// WSMAN requests with a login.
    pub requests: u64,
    /// AMTHI commands.
    pub commands: u64,
    /// Commands about manageability.
    pub manageability: u64,
}

impl Counts {
    /// So far.
    #[must_use]
    pub fn of(rig: &Rig) -> Self {
        let stats = rig.stats();
        Self {
            requests: number(&stats, "/wsman_requests"),
            commands: number(&stats, "/amthi_commands"),
            manageability: number(&stats, "/manageability_commands"),
        }
    }

    /// Those since `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            requests: self.requests - earlier.requests,
            commands: self.commands - earlier.commands,
            manageability: self.manageability - earlier.manageability,
        }
    }
}

/// Where it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// At this WSMAN request.
    Request(u64),
    /// At this AMTHI command.
    Command(u64),
    /// At this command about manageability.
    Manageability(u64),
}

/// What happens there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blow {
    /// The daemon is killed when it has asked; firmware never does what it was asked for.
    KillBefore,
    /// The daemon is killed when firmware has done it, before the answer arrives.
    KillAfter,
    /// Firmware is reset before it has done what it was asked for.
    ResetBefore,
    /// Firmware is reset when it has done it, before the answer leaves.
    ResetAfter,
    /// Firmware has done it and closes the connection in place of an answer.
    AnswerLost,
}

impl Blow {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::KillBefore, Self::KillAfter, Self::ResetBefore, Self::ResetAfter, Self::AnswerLost];
}

/// A blow at a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Strike {
    /// Where.
    pub point: Point,
    /// What.
    pub blow: Blow,
}

impl Strike {
    /// Tells the simulator where to stop. Whatever it has carried out before does not count.
    pub fn arm(self, rig: &Rig) {
        let (counted, at) = match self.point {
            Point::Request(number) => ("requests", number),
            Point::Command(number) => ("commands", number),
            Point::Manageability(number) => ("manageability", number),
        };
        let (step, at) = match (self.point, self.blow) {
            (_, Blow::ResetAfter) => (json!({"do": "firmware-reset", "ms": RESET}), at),
            (Point::Request(_), Blow::KillBefore | Blow::ResetBefore) => {
                (json!({"do": "stall-engine"}), at - 1)
            }
            (Point::Request(_), Blow::KillAfter) => (json!({"do": "stop-writing"}), at),
            (Point::Request(_), Blow::AnswerLost) => (json!({"do": "close-channels"}), at),
            (Point::Command(_), Blow::KillBefore | Blow::ResetBefore) => {
                (json!({"do": "amthi-silent"}), at - 1)
            }
            (Point::Command(_), Blow::KillAfter) => (json!({"do": "amthi-lose-answers"}), at - 1),
            (Point::Command(_), Blow::AnswerLost) => {
                (json!({"do": "disconnect-client", "client": "amthi"}), at)
            }
            (Point::Manageability(_), Blow::KillBefore | Blow::ResetBefore) => {
                (json!({"do": "manageability-silent"}), at - 1)
            }
            (Point::Manageability(_), Blow::KillAfter) => {
                (json!({"do": "manageability-lose-answers"}), at - 1)
            }
            (Point::Manageability(_), Blow::AnswerLost) => {
                (json!({"do": "disconnect-client", "client": "watchdog"}), at)
            }
        };
        rig.sim(if at == 0 { step } else { with(step, "when", json!({ counted: at })) });
    }

    /// Waits until the job is there, and lets it happen. False if the job was over before it came there.
    ///
    /// # Panics
    /// It neither comes there nor ends.
    #[must_use]
    pub fn land(self, rig: &mut Rig, before: Counts, is_over: impl Fn() -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while !self.is_there(rig, before) {
            if is_over() {
                // It may have come there, and ended, since the last look.
                return self.is_there(rig, before);
            }
            assert!(Instant::now() < deadline, "the job does not come to {self}");
            // Nothing that the daemon says tells what firmware does.
            let _ = rig.journal().wait(LOOK_AGAIN, |_| None::<()>);
        }
        match self.blow {
            Blow::KillBefore | Blow::KillAfter => {
                rig.daemon.kill().unwrap();
                self.let_go(rig);
                rig.daemon.restart().unwrap();
                rig.daemon.wait_ready(PATIENCE).unwrap();
            }
            Blow::ResetBefore => {
                rig.sim(json!({"do": "firmware-reset", "ms": RESET}));
                self.let_go(rig);
            }
            // The simulator has done it.
            Blow::ResetAfter | Blow::AnswerLost => {}
        }
        true
    }

    /// Whether the job has come to the point.
    fn is_there(self, rig: &Rig, before: Counts) -> bool {
        let now = || Counts::of(rig).since(before);
        match (self.point, self.blow) {
            // Asked for and not executed. A first request without a login, or a handshake, waits in its place.
            (Point::Request(_), Blow::KillBefore | Blow::ResetBefore) => {
                let engine = &rig.sim(json!({"do": "state"}))["engine"];
                engine["stalled"] == true && number(engine, "/waiting") > 0
            }
            (Point::Request(at), _) => now().requests >= at,
            (Point::Command(at), _) => now().commands >= at,
            (Point::Manageability(at), _) => now().manageability >= at,
        }
    }

    /// Lets firmware go on, without what it was asked for and had not done.
    fn let_go(self, rig: &Rig) {
        for step in ["forget-requests", "release-engine", "resume-writing"] {
            rig.sim(json!({ "do": step }));
        }
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, number) = match self.point {
            Point::Request(number) => ("request", number),
            Point::Command(number) => ("command", number),
            Point::Manageability(number) => ("manageability command", number),
        };
        let blow = match self.blow {
            Blow::KillBefore => "daemon killed before",
            Blow::KillAfter => "daemon killed after",
            Blow::ResetBefore => "firmware reset before",
            Blow::ResetAfter => "firmware reset after",
            Blow::AnswerLost => "answer lost of",
        };
        write!(f, "{blow} {kind} {number}")
    }
}

fn with(mut step: Value, key: &str, value: Value) -> Value {
    step[key] = value;
    step
}
