//! Says for a recorded request which class it gets, and why.
//!
//! Called from the command line. It goes through the same steps as the [`relay`](crate::front::relay) does with a
//! request from a client.

use std::{
    fmt::{self, Write},
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use amtd_apf::Port;
use nix::unistd::getuid;

use super::{
    Chunked, Client, Content, Outcome, Rules, Verdict, content, last_segment, may_be_wsman, path_of,
    rules::Candidates, soap,
};
use crate::{
    config::Config,
    front::http::{Head, RequestSide, Step},
};

/// Longest recording that is read, in bytes; only its beginning decides.
const MAX_RECORDING: u64 = 1 << 20;
/// The ports that recordings are assumed to be for: HTTP, and anything else.
const PLAIN: Port = Port(16_992);
const TLS: Port = Port(16_993);

/// Why nothing can be said about a recording.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// It cannot be read.
    #[error("{}: cannot be read: {source}", file.display())]
    Read {
        /// The recording.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("{}: is empty; it must hold an HTTP request as a client sends it", file.display())]
    Empty {
        /// The recording.
        file: PathBuf,
    },
    /// It ends too early.
    #[error("{}: ends within the head of a request, after {length} bytes; an empty line with CR LF must end the head", file.display())]
    Incomplete {
        /// The recording.
        file: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
}

/// Explains the class of the first request in a recording: the bytes as a client sends them. `-` is standard input.
/// The port and the user are not in it and are assumed; the explanation says what.
///
/// # Errors
///
/// The recording cannot be read, or does not hold the whole head of a request.
pub fn explain_class(file: &Path, config: &Config) -> Result<String, ExplainError> {
    let bytes = read(file).map_err(|source| ExplainError::Read { file: file.into(), source })?;
    let rules = Rules::new(&config.classes);
    let limit = config.front.classify_limit.min(config.apf.tx_buffer);
    let client = |port| Client { port, user: getuid().as_raw(), executable: None };
    let mut side = RequestSide::default();
    let (head, length, whole) = match side.step(&bytes) {
        Step::Head { head, length, whole, .. } => (head, length, whole),
        Step::Incomplete if bytes.is_empty() => return Err(ExplainError::Empty { file: file.into() }),
        Step::Incomplete | Step::Body { .. } => {
            return Err(ExplainError::Incomplete { file: file.into(), length: bytes.len() });
        }
        Step::Opaque => return Ok(opaque(&rules, &client(TLS))),
    };
    let raw = bytes.get(length..).unwrap_or_default();
    let client = client(PLAIN);
    let request = Recorded {
        candidates: rules.candidates(&client, &head),
        head,
        head_length: length,
        has_body: !whole,
        is_complete: whole || matches!(side.step(raw), Step::Body { whole: true, .. }),
        body: data(&head, raw),
        client,
    };
    Ok(request.explain(&rules, limit))
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        io::stdin().lock().take(MAX_RECORDING).read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.take(MAX_RECORDING).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The body without the frames of its chunks, as far as it is there.
fn data(head: &Head<'_>, raw: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    if head.chunked {
        // What is no chunk ends the data: the relay would give up following there.
        let _ = Chunked::new().feed(raw, |piece| data.extend_from_slice(piece));
    } else {
        let length = head.size.and_then(|size| usize::try_from(size).ok()).unwrap_or_default();
        data.extend_from_slice(raw.get(..length).unwrap_or(raw));
    }
    data
}

fn opaque(rules: &Rules, client: &Client) -> String {
    let mut out = Table::default();
    out.verdict(rules, rules.opaque(client));
    out.row("protocol", "not HTTP, or not to be followed: known by port and client alone");
    out.client(client);
    out.0
}

/// A request from a recording.
struct Recorded<'a> {
    head: Head<'a>,
    head_length: usize,
    has_body: bool,
    is_complete: bool,
    body: Vec<u8>,
    client: Client,
    candidates: Candidates,
}

impl Recorded<'_> {
    fn explain(&self, rules: &Rules, limit: usize) -> String {
        let body = self.body.get(..limit.saturating_sub(self.head_length)).unwrap_or(&self.body);
        let outcome = if self.reads_body(rules) { soap::look(body) } else { Outcome::NotSoap };
        let verdict = rules.decide(self.candidates, content(&outcome));
        let settled = rules.settle(self.candidates);
        let mut out = Table::default();
        out.verdict(rules, if self.head.expects { settled } else { verdict.unwrap_or(settled) });
        out.row("method", self.head.method);
        out.row("path", path_of(self.head.target));
        out.row("body", self.announced());
        out.asked(&outcome);
        out.client(&self.client);
        out.row("read", self.seen(rules, body));
        if self.head.expects && verdict.is_some_and(|verdict| verdict.class > settled.class) {
            let class = verdict.unwrap_or(settled).class;
            out.row("later", format_args!("{class}, as soon as the body says so"));
        }
        out.0
    }

    /// Whether the class depends on the body, and there may be something in it.
    fn reads_body(&self, rules: &Rules) -> bool {
        self.has_body && may_be_wsman(&self.head) && rules.decide(self.candidates, Content::Pending).is_none()
    }

    fn announced(&self) -> String {
        match (self.has_body, self.head.size) {
            (false, _) => "none".into(),
            (true, Some(size)) => format!("{size} bytes announced"),
            (true, None) => "in chunks".into(),
        }
    }

    /// How much of the request had to be there.
    fn seen(&self, rules: &Rules, body: &[u8]) -> String {
        let head = self.head_length;
        if !self.reads_body(rules) {
            return format!("{head} bytes of head");
        }
        if self.head.expects {
            return format!("{head} bytes of head: the client waits for leave to send the body");
        }
        let (available, limited) = (body.len(), body.len() < self.body.len());
        match first_known(rules, self.candidates, body) {
            Some(length) => format!("{head} bytes of head, {length} of {available} bytes of body"),
            None if limited => {
                format!("{head} bytes of head, {available} bytes of body: as much as is held back")
            }
            None if self.is_complete => format!("{head} bytes of head, all {available} bytes of body"),
            None => format!(
                "{head} bytes of head, {available} bytes of body: the recording ends before anything is known, \
                 and a client that sends no more is waited for no longer than front.classify_wait"
            ),
        }
    }
}

/// How much of a body it takes to know the class.
fn first_known(rules: &Rules, candidates: Candidates, body: &[u8]) -> Option<usize> {
    let is_known = |length: usize| {
        let beginning = body.get(..length).unwrap_or_default();
        rules.decide(candidates, content(&soap::look(beginning))).is_some()
    };
    // What is known once is known for good, so that the place can be found by halving.
    let (mut unknown, mut known) = (0, body.len());
    if !is_known(known) {
        return None;
    }
    while known - unknown > 1 {
        let middle = unknown + (known - unknown) / 2;
        if is_known(middle) { known = middle } else { unknown = middle }
    }
    Some(known)
}

/// Rows of a name and a value.
#[derive(Default)]
struct Table(String);

impl Table {
    fn row(&mut self, name: &str, value: impl fmt::Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{name:<12}{value}");
    }

    fn verdict(&mut self, rules: &Rules, verdict: Verdict) {
        self.row("class", verdict.class);
        let rule = verdict.rule.and_then(|index| Some((index + 1, rules.get(index)?)));
        match rule {
            Some((number, rule)) => {
                let keys = toml::Value::try_from(rule).map(|rule| rule.to_string()).unwrap_or_default();
                self.row("rule", format_args!("{number} of {}: {keys}", rules.len()));
            }
            None => self.row("rule", format_args!("none of {} matches", rules.len())),
        }
    }

    fn asked(&mut self, outcome: &Outcome<'_>) {
        match outcome {
            Outcome::Known { action, resource } => {
                self.uri("action", action.as_deref());
                self.uri("resource", resource.as_deref());
            }
            Outcome::Identify => self.row("action", "Identify"),
            Outcome::NeedMore | Outcome::NotSoap => {}
        }
    }

    /// The part of a URI that rules compare, and the whole of it.
    fn uri(&mut self, name: &str, uri: Option<&str>) {
        match uri {
            Some(uri) => {
                let whole = uri.trim_ascii().escape_debug();
                self.row(name, format_args!("{} ({whole})", last_segment(uri)));
            }
            None => self.row(name, "none"),
        }
    }

    fn client(&mut self, client: &Client) {
        self.row("port", format_args!("{} (assumed)", client.port));
        self.row("user", format_args!("{} (assumed: yours)", client.user));
        self.row("executable", "unknown (assumed)");
    }
}
