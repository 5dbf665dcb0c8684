//! Times, counted by size.

use std::time::Duration;

/// How often a time fell between bounds that double from one to the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Histogram {
    counts: [u64; Self::BUCKETS],
    sum: Duration,
}

impl Histogram {
    const BUCKETS: usize = 20;
    /// Upper bound of the first bucket.
    const FIRST: Duration = Duration::from_micros(64);

    /// Counts a time.
    pub(super) fn record(&mut self, time: Duration) {
        let place = Self::bounds().position(|bound| bound.is_none_or(|bound| time <= bound));
        if let Some(count) = place.and_then(|place| self.counts.get_mut(place)) {
            *count = count.saturating_add(1);
        }
        self.sum = self.sum.saturating_add(time);
    }

    /// Each bucket: its upper bound (`None`: no bound) and how many times fell into it and no lower one.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<Duration>, u64)> {
        Self::bounds().zip(self.counts)
    }

    /// How many times were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// Their sum.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// The upper bounds: 64 microseconds, doubled 18 times to about 17 seconds, and none.
    fn bounds() -> impl Iterator<Item = Option<Duration>> {
        (0..Self::BUCKETS).map(|place| {
            let last = place.saturating_add(1) == Self::BUCKETS;
            (!last).then(|| Self::FIRST.saturating_mul(1 << place.min(31)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_the_first_bucket_that_holds_it() {
        let mut histogram = Histogram::default();
        for micros in [0, 64, 65, 128, 70_000, 100_000_000] {
            histogram.record(Duration::from_micros(micros));
        }
        let filled: Vec<_> = histogram.buckets().filter(|(_, count)| *count > 0).collect();
        let bound = |micros| Some(Duration::from_micros(micros));
        assert_eq!(filled, [(bound(64), 2), (bound(128), 2), (bound(131_072), 1), (None, 1)]);
        assert_eq!(histogram.count(), 6);
        assert_eq!(histogram.sum(), Duration::from_micros(100_070_257));
    }
}
