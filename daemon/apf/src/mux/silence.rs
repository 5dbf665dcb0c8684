//! Whether firmware answers requests at all. A single request without an answer concerns only its client; if no request was
//! answered in that time, it concerns everybody.

use std::time::Instant;

/// See the [module](self).
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// When firmware last said something in answer to a request.
    spoke: Option<Instant>,
    /// Since when it has not, once that was noticed.
    since: Option<Instant>,
}

impl Silence {
    /// Firmware has answered, or at least closed the channel. Returns whether that ends a silence.
    pub(super) fn broken(&mut self, now: Instant) -> bool {
        self.spoke = Some(now);
        self.since.take().is_some()
    }

    /// A request that firmware has had since `asked` stayed without an answer. Returns since when firmware is silent, if
    /// that is new.
    pub(super) fn noticed(&mut self, asked: Instant) -> Option<Instant> {
        if self.since.is_some() || self.spoke.is_some_and(|spoke| spoke >= asked) {
            return None;
        }
        self.since = Some(asked);
        self.since
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::test_clock::origin;

    fn at(second: u64) -> Instant {
        origin() + Duration::from_secs(second)
    }

    #[test]
    fn a_request_that_others_overtook_is_no_silence() {
        let mut silence = Silence::default();
        assert!(!silence.broken(at(5)));
        assert_eq!(silence.noticed(at(4)), None);
    }

    #[test]
    fn silence_is_told_once_and_ends_with_the_next_answer() {
        let mut silence = Silence::default();
        silence.broken(at(1));
        assert_eq!(silence.noticed(at(2)), Some(at(2)));
        assert_eq!(silence.noticed(at(3)), None);
        assert!(silence.broken(at(9)));
        assert!(!silence.broken(at(10)));
        assert_eq!(silence.noticed(at(11)), Some(at(11)));
    }
}
