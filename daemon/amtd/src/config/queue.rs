//! `[queue]`: who may use firmware's few channels, and when.

use super::{
    Period,
    section::{Problem, hours, milliseconds, minutes, seconds, section},
};

section! {
    /// Admission of requests to firmware's channels. A request that waits too long is refused in the client's own
    /// protocol, so that every wait has an end.
    struct Queue {
        /// Channels that only agent-presence and health requests may take. At least one is always left for all.
        reserved_slots: usize = 1, allowed 0..=7;
        /// How much work firmware may hold at once, in the time that such work took recently: at least one request, and
        /// urgent ones do not count. It serves one at a time; anything more only delays an urgent request.
        backlog: Period = milliseconds(1), allowed milliseconds(1)..=hours(1);
        /// How long a request that firmware has not begun to answer keeps others waiting. Then they are served beside it.
        executing_wait: Period = seconds(5), allowed milliseconds(1)..=hours(1);
        /// How long an answer under way keeps others waiting.
        answer_wait: Period = seconds(1), allowed milliseconds(1)..=hours(1);
        /// How long an answer may pause, because its client or firmware is slow, before others stop waiting for its end.
        answer_pause: Period = milliseconds(100), allowed milliseconds(1)..=hours(1);
        /// While others wait for its channel: how long a connection on which no HTTP can be seen, such as TLS, may be quiet,
        /// and how long a client may send or read less than 1 KiB a second. Then it is closed; a stream on which firmware
        /// spoke last, after a quarter of that. A user with several busy channels loses one after four times that if
        /// another user waits for lack of one.
        opaque_rest: Period = seconds(5), allowed milliseconds(1)..=hours(1);
        /// How long an agent-presence request waits for its turn while firmware can be reached.
        wait_watchdog: Period = seconds(10), allowed milliseconds(1)..=hours(1);
        /// How long a health probe waits for its turn.
        wait_health: Period = seconds(10), allowed milliseconds(1)..=hours(1);
        /// How long an ordinary single request waits for its turn.
        wait_interactive: Period = seconds(30), allowed milliseconds(1)..=hours(1);
        /// How long a transfer of many or large pieces waits for its turn.
        wait_bulk: Period = seconds(60), allowed milliseconds(1)..=hours(1);
        /// How long an agent-presence request may wait for its turn before a warning is logged.
        urgent_target: Period = milliseconds(250), allowed milliseconds(1)..=hours(1);
        /// Agent-presence requests of one local user that are urgent at once. More are served as interactive.
        heartbeat_burst: u32 = 20, allowed 1..=100_000;
        /// After how long one more of them is urgent.
        heartbeat_every: Period = milliseconds(100), allowed milliseconds(1)..=hours(1);
        /// Bytes of an interactive exchange, in both directions, beyond which the rest of it is bulk.
        bulk_after: usize = 262_144, allowed 1..=1 << 30;
        /// How long a request waits while firmware cannot be reached.
        link_wait: Period = seconds(10), allowed seconds(0)..=hours(1);
        /// How long a request waits for a port that firmware does not serve although it serves others. Some firmware
        /// withdraws its ports for a moment and asks for them again.
        forward_wait: Period = seconds(3), allowed seconds(0)..=hours(1);
        /// How long firmware may be silent in the middle of a request, or before its first byte on a connection such as
        /// TLS, before the connection is given up.
        response_wait: Period = minutes(2), allowed milliseconds(1)..=hours(24);
        /// How long firmware has to close a connection that it said it would close.
        ending_wait: Period = seconds(2), allowed milliseconds(1)..=hours(1);
        /// First pause after firmware refused a channel. It doubles up to `retry_max`.
        retry_first: Period = milliseconds(250), allowed milliseconds(1)..=minutes(1);
        /// Longest pause between two attempts to open a channel.
        retry_max: Period = seconds(2), allowed milliseconds(1)..=minutes(10);
        /// Attempts to open a channel for one request.
        retry_attempts: u32 = 10, allowed 1..=1000;
        /// How long a refusal for lack of resources is believed before one more channel is tried.
        relearn: Period = seconds(30), allowed milliseconds(1)..=hours(24);
        /// Requests above bulk that are admitted in a row while a bulk request waits. With 7, bulk keeps an eighth.
        bulk_patience: u32 = 7, allowed 1..=1000;
    }
    check order;
}

fn order(section: &Queue) -> Option<Problem> {
    (section.retry_first > section.retry_max).then(|| {
        Problem::new("retry_first", format!("must not exceed retry_max, which is {}", section.retry_max))
    })
}
