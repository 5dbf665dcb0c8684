//! The deadlines under which the matrix is run, and how an answer of the daemon tells which of them it met.
//!
//! All are short, so that the cells that wait for one end soon, and long against the moments for which a busy machine may keep
//! a program waiting. Where two run at once, one is at least twice the other.

use std::time::Duration;

/// Configuration of the daemon of every cell.
pub(crate) const CONFIG: &str = r#"
[device]
connect_limit = "2s"
[recovery]
device_first = "100ms"
device_max = "200ms"
node = "100ms"
client_missing = "100ms"
busy_step = "100ms"
busy_attempts = 3
silent = "200ms"
slow = "300ms"
session_first = "100ms"
session_max = "200ms"
incompatible = "300ms"
[link]
transmit_stall = "2s"
[apf]
version_timeout = "500ms"
handshake_timeout = "1500ms"
open_timeout = "2s"
drain_timeout = "2s"
close_timeout = "1s"
zero_window_timeout = "1s"
[queue]
link_wait = "3s"
forward_wait = "1500ms"
response_wait = "3s"
wait_watchdog = "6s"
wait_health = "6s"
wait_interactive = "6s"
wait_bulk = "6s"
ending_wait = "1s"
retry_first = "20ms"
retry_max = "100ms"
retry_attempts = 5
[firmware]
limit = "8s"
answer_limit = "2s"
busy_pause = "50ms"
retry_pause = "500ms"
attempts = 3
[jobs]
plan_limit = "15s"
limit_activate = "15s"
limit_deactivate = "15s"
overrun = "5s"
examine_limit = "5s"
[flows]
ask_attempts = 30
ask_pause = "50ms"
ask_max_pause = "100ms"
ask_limit = "2s"
ask_deadline = "4s"
wsman_attempts = 3
wsman_pause = "50ms"
wsman_max_pause = "100ms"
wsman_limit = "6s"
wsman_deadline = "10s"
enablement_limit = "2s"
verify_deadline = "300ms"
unprovision_deadline = "300ms"
verify_pause = "100ms"
verify_max_pause = "100ms"
settle_attempts = 3
settle_pause = "100ms"
"#;

/// The longest of them: that of a job.
pub(crate) const LONGEST: Duration = Duration::from_secs(25);

/// How the daemon's sentence to a client names the deadline that it met, or that none was met.
const CAUSES: [(&str, &str); 10] = [
    ("firmware cannot be reached", "link_wait"),
    ("does not serve port", "forward_wait"),
    ("stayed busy", "wait_interactive"),
    ("refuses the connection", "retry_attempts"),
    ("did not answer the opening", "open_timeout"),
    ("did not answer within", "ask_limit"),
    ("connection to the firmware was lost", "at once"),
    ("the firmware closed the connection", "at once"),
    ("broke the protocol", "at once"),
    ("did not answer in time", "response_wait"),
];

/// The deadline that an answer of the daemon tells of, which came after `after`; an answer of firmware tells of none.
pub(crate) fn named_by(text: &str, after: Duration) -> &'static str {
    match CAUSES.iter().find(|(sentence, _)| text.contains(sentence)) {
        // Two deadlines have the same sentence, and the longer one cannot have passed.
        Some((_, "response_wait")) if Some(after) < length("response_wait") => "zero_window_timeout",
        Some((_, name)) => name,
        None => "at once",
    }
}

/// How long a deadline is, if the word is one.
pub(crate) fn length(word: &str) -> Option<Duration> {
    let key = format!("\n{word} = \"");
    let (_, after) = CONFIG.split_once(&key)?;
    let (value, _) = after.split_once('"')?;
    let milliseconds = match value.strip_suffix("ms") {
        Some(number) => number.parse().ok(),
        None => {
            value.strip_suffix('s').and_then(|number| number.parse().ok()).map(|number: u64| number * 1000)
        }
    };
    milliseconds.map(Duration::from_millis)
}
