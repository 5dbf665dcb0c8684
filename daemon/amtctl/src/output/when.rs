//! Points in time and lengths of time, for people and for programs.

use std::time::{Duration, SystemTime};

use amtd_proto::Timestamp;

/// The first second that no longer has a year of four digits.
const END_OF_TIME: i64 = 253_402_300_800;

/// A point in time as RFC 3339 writes it, in UTC. `None` if there is none, or one that no calendar has.
pub(crate) fn rfc3339(at: Option<&Timestamp>) -> Option<String> {
    time_of(at).map(|time| humantime::format_rfc3339_millis(time).to_string())
}

/// A point in time as the system counts it.
pub(crate) fn time_of(at: Option<&Timestamp>) -> Option<SystemTime> {
    let at = at.filter(|at| (0..END_OF_TIME).contains(&at.seconds))?;
    SystemTime::try_from(*at).ok()
}

/// A length of time from the daemon; a negative one is none.
pub(crate) fn duration(length: Option<&amtd_proto::Duration>) -> Option<Duration> {
    length.and_then(|length| Duration::try_from(*length).ok())
}

/// A length of time for people: no more digits than matter.
pub(crate) fn human(length: Duration) -> String {
    let coarse = match length.as_secs() {
        0 => Duration::from_millis(length.as_millis().try_into().unwrap_or(u64::MAX)),
        seconds @ 1..3600 => Duration::from_secs(seconds),
        seconds => Duration::from_secs(seconds / 60 * 60),
    };
    humantime::format_duration(coarse).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_no_calendar_has_is_no_time() {
        let at = |seconds, nanos| rfc3339(Some(&Timestamp { seconds, nanos }));
        assert_eq!(at(0, 5_000_000).as_deref(), Some("1970-01-01T00:00:00.005Z"));
        assert_eq!(at(END_OF_TIME - 1, 0).as_deref(), Some("9999-12-31T23:59:59.000Z"));
        for (seconds, nanos) in [(END_OF_TIME, 0), (-1, 0), (i64::MAX, i32::MAX), (i64::MIN, i32::MIN)] {
            assert_eq!(at(seconds, nanos), None);
        }
    }

    #[test]
    fn lengths_are_short() {
        let cases = [(7, "7ms"), (1_250, "1s"), (61_000, "1m 1s"), (7_384_123, "2h 3m")];
        for (milliseconds, expected) in cases {
            assert_eq!(human(Duration::from_millis(milliseconds)), expected);
        }
    }
}
