//! Whether firmware answers requests at all: one that goes without an answer is that client's trouble; when nothing was
//! answered in all that time, it is everybody's.

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
    /// Firmware answers, or at least declines. Returns whether that ends its silence.
    pub(super) fn broken(&mut self, now: Instant) -> bool {
        self.spoke = Some(now);
        self.since.take().is_some()
    }

    /// A request that firmware had since `asked` was waited for in vain. Returns since when firmware is silent, if it was
    /// not known to be.
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
