//! The name of a job: unique for the life of the journal, in the order of creation, short enough to be typed.

use std::{
    fmt,
    str::FromStr,
    time::{Duration, SystemTime},
};

/// The name of a job. It is the time of its creation in milliseconds, or one more than the last if that is not later,
/// written in hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(u64);

impl JobId {
    /// The name for a job that is made now, after `last`.
    #[expect(clippy::disallowed_methods, reason = "a name, and one that grows even if the clock is set back")]
    pub(super) fn next(last: Option<Self>, now: SystemTime) -> Self {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
        let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        Self(last.map_or(millis, |Self(last)| millis.max(last.saturating_add(1))))
    }

    /// From the key in the journal.
    pub(super) const fn from_key(key: u64) -> Self {
        Self(key)
    }

    /// The key in the journal.
    pub(super) const fn key(self) -> u64 {
        self.0
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", self.0)
    }
}

/// The text is not the name of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a job: 1 to 16 hexadecimal digits in lower case are expected")]
pub struct ParseJobIdError;

impl FromStr for JobId {
    type Err = ParseJobIdError;

    fn from_str(text: &str) -> Result<Self, ParseJobIdError> {
        let id = u64::from_str_radix(text, 16).map(Self).map_err(|_| ParseJobIdError)?;
        // One name for each job: no capitals, signs or leading zeros.
        if id.to_string() == text { Ok(id) } else { Err(ParseJobIdError) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }

    #[test]
    fn two_jobs_of_one_moment_have_two_names_in_order() {
        let first = JobId::next(None, at(5));
        assert!(JobId::next(Some(first), at(5)) > first);
        assert_eq!(JobId::next(Some(first), at(9)), JobId(9));
    }

    #[test]
    fn a_clock_that_jumps_back_repeats_no_name() {
        let first = JobId::next(None, at(1_000_000));
        assert!(JobId::next(Some(first), at(3)) > first);
        assert!(JobId::next(Some(first), SystemTime::UNIX_EPOCH - Duration::from_secs(9)) > first);
    }

    #[test]
    fn a_name_is_read_back_and_no_other_text_is_taken_for_one() {
        let id = JobId(0x19f_3a2b_4c5d);
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "x", "19F", "+1", "01", " 1", "10000000000000000"] {
            assert_eq!(text.parse::<JobId>(), Err(ParseJobIdError), "{text:?}");
        }
    }
}
