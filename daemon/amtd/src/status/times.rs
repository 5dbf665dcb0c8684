//! How long something took, over many times: for people as two percentiles, for metrics as buckets.

use std::time::Duration;

use amtd_apf::mux::Histogram;
use serde::Serialize;

/// A distribution of times.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Times {
    /// How many.
    pub count: u64,
    /// Their sum in seconds.
    pub sum_seconds: f64,
    /// At least half were no longer than this, in seconds. `None` if there were none, or it was beyond the last bound.
    pub p50_seconds: Option<f64>,
    /// At least 99 of 100 were no longer than this.
    pub p99_seconds: Option<f64>,
    /// Upper bounds in seconds, the last one infinite, and how many fell below each and no lower one.
    #[serde(skip)]
    pub buckets: Vec<(f64, u64)>,
}

impl From<&Histogram> for Times {
    fn from(histogram: &Histogram) -> Self {
        let seconds = |bound: Option<Duration>| bound.map_or(f64::INFINITY, |bound| bound.as_secs_f64());
        let buckets: Vec<_> = histogram.buckets().map(|(bound, count)| (seconds(bound), count)).collect();
        let count = histogram.count();
        Self {
            count,
            sum_seconds: histogram.sum().as_secs_f64(),
            p50_seconds: percentile(&buckets, count, 50),
            p99_seconds: percentile(&buckets, count, 99),
            buckets,
        }
    }
}

/// The upper bound of the bucket that holds the given percentile.
fn percentile(buckets: &[(f64, u64)], count: u64, percent: u64) -> Option<f64> {
    if count == 0 {
        return None;
    }
    let rank = count.saturating_mul(percent).div_ceil(100);
    let below = buckets.iter().scan(0_u64, |sum, (bound, count)| {
        *sum = sum.saturating_add(*count);
        Some((*bound, *sum))
    });
    below.into_iter().find(|(_, sum)| *sum >= rank).map(|(bound, _)| bound).filter(|bound| bound.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_the_bound_below_which_so_many_are() {
        let buckets = [(0.1, 98), (0.2, 1), (0.4, 0), (f64::INFINITY, 1)];
        assert_eq!(percentile(&buckets, 100, 50), Some(0.1));
        assert_eq!(percentile(&buckets, 100, 99), Some(0.2));
        assert_eq!(percentile(&buckets, 100, 100), None);
        assert_eq!(percentile(&[(0.1, 1), (f64::INFINITY, 0)], 1, 99), Some(0.1));
    }

    #[test]
    fn of_nothing_there_is_no_percentile() {
        let times = Times::from(&Histogram::default());
        assert_eq!((times.count, times.p50_seconds, times.p99_seconds), (0, None, None));
        assert_eq!(times.buckets.last().map(|(bound, _)| *bound), Some(f64::INFINITY));
    }
}
