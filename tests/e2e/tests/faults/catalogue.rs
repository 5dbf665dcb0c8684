//! Every fault that the simulator can script, as rows of the matrix.
//!
//! Owns what is done to firmware, and how it is seen that the daemon has met it; not what comes of that. Which actions there are
//! says the simulator itself ([`scriptable`]): one that is neither in a row nor in [`NO_FAULTS`] fails the test.

use std::fmt::Display;

use amt_sim::faults::Action;
use serde::Deserialize;
use serde::de::value::MapDeserializer;
use serde_json::{Value, json};

/// So often that no cell uses it up.
const ALWAYS: u32 = 1_000_000;

/// Actions that are no misbehaviour: they undo some, or ask.
pub(crate) const NO_FAULTS: [&str; 12] = [
    "allow-unprovision",
    "clear",
    "client-present",
    "quit",
    "release-engine",
    "reset-stats",
    "resume",
    "resume-reading",
    "resume-writing",
    "state",
    "stats",
    "violations",
];

/// How it is seen that the daemon has met a fault, before the client goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It waits for an occasion, or works on firmware alone.
    Armed,
    /// The link is lost.
    Lost,
    /// A message was sent: a probe behind it is answered, or the link is lost over it.
    Sent,
    /// Firmware has begun a session anew.
    Restarted,
    /// Firmware has so many more answers to its requests than before.
    Answered(u64),
}

/// What the job of the last column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    /// Client control mode is activated.
    Activate,
    /// Client control mode is left.
    Deactivate,
}

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// Its heading in the first table.
    pub(crate) group: &'static str,
    /// Its name, unlike any other.
    pub(crate) name: &'static str,
    /// What firmware is made to do, in order.
    pub(crate) steps: Vec<Value>,
    /// How it is seen that the daemon has met it.
    pub(crate) effect: Effect,
    /// What undoes it, after `clear`.
    pub(crate) undo: Vec<Value>,
    /// Whether the clients use TLS.
    pub(crate) tls: bool,
    /// The job of the last column.
    pub(crate) job: Job,
    /// Whether it is over by itself before long, and the link is made anew.
    pub(crate) heals: bool,
    /// Whether firmware is well again only with its next session: what it forgot it does not remember.
    pub(crate) lasts: bool,
    /// Whether it needs another client's channel beside that of the client.
    pub(crate) beside: bool,
    /// Open files that the daemon rightly keeps of it.
    pub(crate) keeps: usize,
}

impl Fault {
    fn new(group: &'static str, name: &'static str, steps: impl IntoIterator<Item = Value>) -> Self {
        let steps = steps.into_iter().collect();
        Self {
            group,
            name,
            steps,
            effect: Effect::Armed,
            undo: Vec::new(),
            tls: false,
            job: Job::Activate,
            heals: false,
            lasts: false,
            beside: false,
            keeps: 0,
        }
    }

    fn effect(self, effect: Effect) -> Self {
        Self { effect, ..self }
    }

    fn undo(mut self, step: Value) -> Self {
        self.undo.push(step);
        self
    }

    fn tls(self) -> Self {
        Self { tls: true, ..self }
    }

    fn heals(self) -> Self {
        Self { heals: true, ..self }
    }

    fn beside(self) -> Self {
        Self { beside: true, ..self }
    }

    fn lasts(self) -> Self {
        Self { lasts: true, ..self }
    }

    fn keeps(self, keeps: usize) -> Self {
        Self { keeps, ..self }
    }

    /// Whether it stops the engine for as long as it lasts.
    pub(crate) fn stalls(&self) -> bool {
        self.steps.iter().any(|step| step["do"] == "stall-engine")
    }
}

/// Every row, in the order of the tables.
pub(crate) fn faults() -> Vec<Fault> {
    [device(), start(), opens(), responses(), tls(), messages(), requests(), engine(), provisioning()]
        .concat()
}

/// The names of the actions that a script can ask for, from the simulator's own parser.
pub(crate) fn scriptable() -> &'static [&'static str] {
    let nothing = MapDeserializer::<_, Names>::new([("do", "")].into_iter());
    match Action::deserialize(nothing) {
        Err(Names::Known(names)) => names,
        other => panic!("the simulator's parser takes an action without a name: {other:?}"),
    }
}

/// What the parser of the actions says to a name that it does not know.
#[derive(Debug, thiserror::Error)]
enum Names {
    #[error("{0:?}")]
    Known(&'static [&'static str]),
    #[error("{0}")]
    Other(String),
}

impl serde::de::Error for Names {
    fn custom<T: Display>(message: T) -> Self {
        Self::Other(message.to_string())
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::Known(known)
    }
}

/// The next connection is the one that goes wrong.
fn reset() -> Value {
    json!({"do": "link-reset"})
}

fn device() -> Vec<Fault> {
    let row = |name, steps: Vec<Value>| Fault::new("the device", name, steps).effect(Effect::Lost);
    let connects = |mut step: Value| {
        step["client"] = json!("lme");
        step["count"] = json!(ALWAYS);
        vec![step, reset()]
    };
    vec![
        row("link-reset", vec![reset()]).heals(),
        row("disconnect-client", vec![json!({"do": "disconnect-client", "client": "lme"})]).heals(),
        row("suspend", vec![json!({"do": "suspend"})]),
        row("firmware-reset", vec![json!({"do": "firmware-reset", "ms": 0})]).heals(),
        row("client-missing", vec![json!({"do": "client-missing", "client": "lme"}), reset()]),
        row("refuse-connects (busy)", connects(json!({"do": "refuse-connects"}))),
        row("refuse-connects (invalid)", connects(json!({"do": "refuse-connects", "errno": 22}))),
        row("silent-connects", connects(json!({"do": "silent-connects"}))),
        row("garbage-connects", connects(json!({"do": "garbage-connects", "hex": "00 01 02"}))),
        // The daemon lets go of the client by itself only when the session is broken.
        row(
            "linger",
            vec![json!({"do": "linger", "ms": 1200}), json!({"do": "truncated", "type": 94, "length": 5})],
        )
        .heals()
        .undo(json!({"do": "linger", "ms": 0})),
        row("stop-reading", vec![json!({"do": "stop-reading"})]).effect(Effect::Armed),
        row("stop-writing", vec![json!({"do": "stop-writing"})]).effect(Effect::Armed),
    ]
}

fn start() -> Vec<Fault> {
    let row = |name, mut step: Value| {
        step["count"] = json!(ALWAYS);
        Fault::new("start of the session", name, [step, reset()]).effect(Effect::Lost)
    };
    vec![
        row("silent-session (version)", json!({"do": "silent-session", "stage": "version"})),
        row("silent-session (service)", json!({"do": "silent-session", "stage": "service"})),
        row("silent-session (forwards)", json!({"do": "silent-session", "stage": "forwards"})).lasts(),
        row("session-version (0.9)", json!({"do": "session-version", "major": 0, "minor": 9})),
        row("session-version (2.0)", json!({"do": "session-version", "major": 2, "minor": 0})),
        row("auth-first", json!({"do": "auth-first"})),
    ]
}

fn opens() -> Vec<Fault> {
    let row = |name, step: Value| Fault::new("opening of channels", name, [step]);
    let always = |name, mut step: Value| {
        step["count"] = json!(ALWAYS);
        row(name, step)
    };
    vec![
        always("silent-opens", json!({"do": "silent-opens"})),
        always("refuse-opens (prohibited)", json!({"do": "refuse-opens", "reason": 1})),
        always("refuse-opens (no resources)", json!({"do": "refuse-opens", "reason": 4})),
        row("refuse-opens (no resources, twice)", json!({"do": "refuse-opens", "reason": 4, "count": 2})),
        always("delay-opens (in time)", json!({"do": "delay-opens", "ms": 100})),
        always("delay-opens (too late)", json!({"do": "delay-opens", "ms": 3000})),
        row("confirm-twice (same number)", json!({"do": "confirm-twice"})),
        row("confirm-twice (other number)", json!({"do": "confirm-twice", "other-id": true})),
        row("confirm-after-failure", json!({"do": "confirm-after-failure"})),
        row("confirm-with-used-id", json!({"do": "confirm-with-used-id"})).heals().beside(),
        always("zero-window (for ever)", json!({"do": "zero-window", "adjust": 0})),
        always("zero-window (grows by 64)", json!({"do": "zero-window", "adjust": 64})),
        always("huge-window", json!({"do": "huge-window"})),
    ]
}

fn responses() -> Vec<Fault> {
    let row = |name, step: Value| Fault::new("responses and channels", name, [step]);
    vec![
        row("close-mid-response", json!({"do": "close-mid-response", "bytes": 100, "count": ALWAYS})),
        row("data-after-close", json!({"do": "data-after-close", "bytes": 100, "count": ALWAYS})),
        row("data-beyond-window", json!({"do": "data-beyond-window", "bytes": 100, "count": ALWAYS})),
        row("empty-data", json!({"do": "empty-data", "count": ALWAYS})),
        row("ignore-closes", json!({"do": "ignore-closes", "count": 3})).lasts(),
        row("close-channels", json!({"do": "close-channels"})).effect(Effect::Sent),
        row("stray-close", json!({"do": "stray-close", "channel": 0xffff})).effect(Effect::Sent),
    ]
}

fn tls() -> Vec<Fault> {
    let row = |name, mut step: Value| {
        step["count"] = json!(ALWAYS);
        Fault::new("TLS (clients on 16993)", name, [step]).tls()
    };
    vec![
        row("flawed-identities", json!({"do": "flawed-identities", "flaw": "expired"})),
        row("stall-handshakes", json!({"do": "stall-handshakes"})),
        row("abrupt-tls-ends", json!({"do": "abrupt-tls-ends"})),
        row("garbage-records", json!({"do": "garbage-records", "bytes": 100})),
    ]
}

fn messages() -> Vec<Fault> {
    let row = |name, step: Value| Fault::new("messages", name, [step]).effect(Effect::Sent);
    vec![
        row("send (unknown type)", json!({"do": "send", "hex": "60 00 00 00 00"})),
        row("send-empty", json!({"do": "send-empty"})),
        row("truncated", json!({"do": "truncated", "type": 94, "length": 5})).heals(),
        row("oversized", json!({"do": "oversized", "type": 94})).heals(),
        row("padded", json!({"do": "padded", "type": 93, "extra": 3})),
        row("keepalive", json!({"do": "keepalive", "cookie": 7})),
        row("keepalive-options", json!({"do": "keepalive-options", "interval": 30, "timeout": 10})),
        row("disconnect", json!({"do": "disconnect", "reason": 11})).effect(Effect::Lost).heals(),
        row("restart", json!({"do": "restart"})).effect(Effect::Restarted),
    ]
}

fn requests() -> Vec<Fault> {
    let row = |name, step: Value| Fault::new("requests of firmware", name, [step]).effect(Effect::Sent);
    vec![
        row("forward (a known port)", json!({"do": "forward", "port": 16994}))
            .effect(Effect::Answered(1))
            .undo(json!({"do": "cancel", "port": 16994}))
            // A port that was served once stays open: by IPv4 and by IPv6.
            .keeps(2),
        row("forward (a foreign port)", json!({"do": "forward", "port": 22})).effect(Effect::Answered(1)),
        row("cancel", json!({"do": "cancel", "port": 16992}))
            .effect(Effect::Answered(1))
            .undo(json!({"do": "forward", "port": 16992})),
        row("reannounce", json!({"do": "reannounce", "port": 16992})).effect(Effect::Answered(2)),
        row("doze", json!({"do": "doze", "port": 16992}))
            .effect(Effect::Answered(1))
            .undo(json!({"do": "forward", "port": 16992})),
        row("global-request", json!({"do": "global-request", "name": "x@example.net", "want-reply": true}))
            .effect(Effect::Answered(1)),
        row("alert", json!({"do": "alert", "chunk": 100})),
        row("direct", json!({"do": "direct", "host": "192.0.2.1", "port": 80, "data": "x"})),
        row("open-channel", json!({"do": "open-channel", "type": "x"})),
        row("udp", json!({"do": "udp", "host": "192.0.2.1", "port": 162, "data": "x"})),
    ]
}

fn engine() -> Vec<Fault> {
    let row = |name, step: Value| Fault::new("the engine and the host interface", name, [step]);
    vec![
        row("stall-engine", json!({"do": "stall-engine"})),
        row("forget-requests", json!({"do": "forget-requests"})),
        row("link-rate", json!({"do": "link-rate", "bytes-per-second": 2_000_000}))
            .undo(json!({"do": "link-rate", "bytes-per-second": 0})),
        row("amthi-empty", json!({"do": "amthi-empty", "count": ALWAYS})),
        row("amthi-silent", json!({"do": "amthi-silent", "count": ALWAYS})),
        row("amthi-lose-answers", json!({"do": "amthi-lose-answers", "count": ALWAYS})),
        // The control mode (amthi 4).
        row(
            "amthi-status",
            json!({"do": "amthi-status", "command": 0x0400_006b, "status": 1, "count": ALWAYS}),
        ),
        row("manageability-silent", json!({"do": "manageability-silent", "count": ALWAYS})),
        row("manageability-lose-answers", json!({"do": "manageability-lose-answers", "count": ALWAYS})),
    ]
}

fn provisioning() -> Vec<Fault> {
    let row = |name, step: Value| Fault::new("provisioning and the web services", name, [step]);
    vec![
        row("method-returns", json!({"do": "method-returns", "method": "Setup", "value": 2})),
        row(
            "method-returns (executed)",
            json!({"do": "method-returns", "method": "Setup", "value": 2, "executed": true}),
        ),
        row("lose-answers (Setup)", json!({"do": "lose-answers", "method": "Setup"})),
        row("lose-answers (AssertPresence)", json!({"do": "lose-answers", "method": "AssertPresence"})),
        row("refuse-logins", json!({"do": "refuse-logins", "count": ALWAYS})),
        Fault {
            job: Job::Deactivate,
            ..row("block-unprovision", json!({"do": "block-unprovision", "component": "test"}))
        },
        row("new-local-password", json!({"do": "new-local-password"})),
        row("settle", json!({"do": "settle", "ms": 300})).undo(json!({"do": "settle", "ms": 0})),
        row("settle (reset)", json!({"do": "settle", "ms": 300, "reset": true}))
            .heals()
            .undo(json!({"do": "settle", "ms": 0})),
    ]
}
