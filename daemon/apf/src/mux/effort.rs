//! How much work firmware holds, in time: how long an urgent request would wait behind it.
//!
//! Firmware serves one request at a time, and its link carries the messages of all answers in turn. What that costs an
//! urgent request depends on the machine: 70 ms for each request before it on real firmware, almost nothing on fast
//! firmware. So it is measured, and firmware gets as much work as it finishes in a short time, but at least one request.

use std::time::{Duration, Instant};

/// The estimate until firmware has shown how fast it is.
const UNKNOWN: Duration = Duration::from_millis(100);

/// How long firmware needed recently.
#[derive(Debug)]
pub(super) struct Effort {
    /// For a request: from when it could begin with it to the first byte of the answer.
    request: Estimate,
    /// For one message of an answer that the client does not hold back.
    message: Estimate,
    /// When it last said something in answer to a request.
    spoke: Option<Instant>,
}

impl Effort {
    pub(super) fn new() -> Self {
        Self { request: Estimate(UNKNOWN), message: Estimate(UNKNOWN), spoke: None }
    }

    /// The first byte of an answer came, to a request that was whole at `asked`.
    pub(super) fn begins(&mut self, now: Instant, asked: Instant) {
        self.request.sample(self.since(now, asked));
        self.spoke = Some(now);
    }

    /// A further message of an answer came, which firmware could have sent from `free` on.
    pub(super) fn goes_on(&mut self, now: Instant, free: Instant) {
        self.message.sample(self.since(now, free));
        self.spoke = Some(now);
    }

    /// How long an urgent request would wait behind this load.
    pub(super) fn of(&self, load: Load) -> Duration {
        let times =
            |estimate: &Estimate, count| estimate.0.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX));
        times(&self.request, load.requests).saturating_add(times(&self.message, load.answers))
    }

    /// How long firmware took. It does one thing at a time, so it was free for this only after its last message.
    fn since(&self, now: Instant, free: Instant) -> Duration {
        now.saturating_duration_since(self.spoke.map_or(free, |spoke| spoke.max(free)))
    }
}

/// The work that firmware holds, urgent requests not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Load {
    /// Requests that it has whole and has not begun to answer.
    pub(super) requests: usize,
    /// Answers under way.
    pub(super) answers: usize,
}

impl Load {
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// With one more request.
    pub(super) fn and_one(self) -> Self {
        Self { requests: self.requests.saturating_add(1), ..self }
    }
}

/// Believes bad news at once and good news slowly: taking slow firmware for fast makes urgent requests wait.
#[derive(Debug)]
struct Estimate(Duration);

impl Estimate {
    fn sample(&mut self, time: Duration) {
        let eased = self.0.saturating_mul(7).saturating_add(time).checked_div(8);
        self.0 = eased.unwrap_or(time).max(time);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_clock::origin;

    const MS: Duration = Duration::from_millis(1);

    fn at(milliseconds: u32) -> Instant {
        origin() + MS * milliseconds
    }

    #[test]
    fn firmware_that_is_not_known_is_taken_to_be_slow() {
        let one = Load::default().and_one();
        assert!(Effort::new().of(one) >= MS * 50);
        assert_eq!(Effort::new().of(Load::default()), Duration::ZERO);
    }

    #[test]
    fn one_slow_answer_is_believed_at_once_and_many_fast_ones_by_and_by() {
        let one = Load::default().and_one();
        let mut effort = Effort::new();
        for request in 0..200 {
            effort.begins(at(request), at(request));
        }
        assert!(effort.of(one) < MS);
        effort.begins(at(300), at(230));
        assert_eq!(effort.of(one), MS * 70);
        effort.begins(at(301), at(301));
        assert!(effort.of(one) > MS * 60);
    }

    #[test]
    fn a_request_that_waited_for_others_inside_firmware_is_not_charged_for_them() {
        let mut effort = Effort::new();
        effort.begins(at(200), at(0));
        assert_eq!(effort.of(Load::default().and_one()), MS * 200);
        // Asked at the same time, answered 10 ms later: that is what it took.
        let mut next = Effort { request: Estimate(Duration::ZERO), ..effort };
        next.begins(at(210), at(0));
        assert_eq!(next.of(Load::default().and_one()), MS * 10);
    }

    #[test]
    fn an_answer_that_goes_on_slowly_is_believed_to_go_on_so() {
        let mut effort = Effort::new();
        effort.begins(at(0), at(0));
        effort.goes_on(at(250), at(0));
        assert_eq!(effort.of(Load { requests: 0, answers: 1 }), MS * 250);
    }
}
