//! `[recovery]`: the pauses between attempts to reach firmware.

use super::{
    Period,
    section::{Problem, hours, milliseconds, seconds, section},
};

section! {
    /// The pauses between attempts to reach firmware. The daemon never gives up; each kind of failure has its pause.
    struct Recovery {
        /// First pause while the device is down, as during a reset, or the system is short of something. It doubles.
        device_first: Period = milliseconds(250), allowed milliseconds(1)..=hours(1);
        /// Longest pause while the device is down.
        device_max: Period = seconds(5), allowed milliseconds(1)..=hours(1);
        /// Pause while there is no device node.
        node: Period = seconds(2), allowed milliseconds(1)..=hours(1);
        /// Pause while firmware does not offer the client but may still be starting.
        client_missing: Period = seconds(1), allowed milliseconds(1)..=hours(1);
        /// Attempts that find the client missing before `slow` applies.
        client_missing_attempts: u32 = 30, allowed 0..=100_000;
        /// Pause while another program holds the client; the n-th pause is n times as long.
        busy_step: Period = milliseconds(750), allowed milliseconds(1)..=hours(1);
        /// Attempts that find the client held before `slow` applies.
        busy_attempts: u32 = 8, allowed 0..=100_000;
        /// Pause after firmware did not answer.
        silent: Period = seconds(2), allowed milliseconds(1)..=hours(1);
        /// Pause after failures that only a person or new firmware can mend: permission, configuration, refusal.
        slow: Period = seconds(10), allowed milliseconds(1)..=hours(1);
        /// First pause after a session failed on a working connection. It doubles.
        session_first: Period = seconds(1), allowed milliseconds(1)..=hours(1);
        /// Longest pause after a session failed.
        session_max: Period = seconds(30), allowed milliseconds(1)..=hours(1);
        /// Pause after firmware named a protocol version that is not supported.
        incompatible: Period = seconds(60), allowed milliseconds(1)..=hours(24);
    }
    check order;
}

fn order(section: &Recovery) -> Vec<Problem> {
    let pairs = [
        ("device_first", section.device_first, "device_max", section.device_max),
        ("session_first", section.session_first, "session_max", section.session_max),
    ];
    let wrong = pairs.into_iter().filter(|(_, first, _, longest)| first > longest);
    wrong
        .map(|(key, _, other, longest)| {
            Problem::new(key, format!("must not exceed {other}, which is {longest}"))
        })
        .collect()
}
