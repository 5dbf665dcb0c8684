//! Rows that stand on two sides: the daemon as it is, and the same with all classes forced to one.

use super::{Bound, Fold, Unit};
use crate::statistics::{maximum, median, percentile};

/// Samples of one latency, and what went wrong meanwhile.
#[derive(Debug, Clone, Default)]
pub(crate) struct Samples {
    /// Milliseconds.
    pub(crate) times: Vec<f64>,
    pub(crate) failed: u64,
    /// Requests of the clients beside that failed.
    pub(crate) refused_beside: u64,
    /// Why the first of either failed.
    pub(crate) reason: Option<String>,
}

impl Samples {
    pub(crate) fn fail(&mut self, reason: String) {
        self.failed += 1;
        self.reason.get_or_insert(reason);
    }

    /// Adds those of another round.
    pub(crate) fn extend(&mut self, other: Self) {
        self.times.extend(other.times);
        self.failed += other.failed;
        self.refused_beside += other.refused_beside;
        self.reason = self.reason.take().or(other.reason);
    }

    pub(crate) fn percentile(&self, share: f64) -> f64 {
        percentile(&self.times, share)
    }

    pub(crate) fn p50(&self) -> f64 {
        median(&self.times)
    }

    pub(crate) fn max(&self) -> f64 {
        maximum(&self.times)
    }
}

/// One latency on both sides.
#[derive(Debug, Clone)]
pub(crate) struct Latency {
    pub(crate) id: String,
    pub(crate) title: String,
    /// As it is, and without classes.
    pub(crate) sides: [Samples; 2],
    /// What the p99 of each side is compared with, in milliseconds.
    pub(crate) base: [Option<f64>; 2],
    /// Targets of the first side: p50 and p99 in milliseconds, p99 over base.
    pub(crate) p50: Option<Bound>,
    pub(crate) p99: Option<Bound>,
    pub(crate) ratio: Option<Bound>,
}

impl Latency {
    /// p99 over the base.
    pub(crate) fn ratio(&self, side: usize) -> Option<f64> {
        let ratio = self.sides[side].percentile(0.99) / self.base[side]?;
        ratio.is_finite().then_some(ratio)
    }

    /// The targets and whether they are met: names, bounds, outcomes.
    pub(crate) fn targets(&self) -> Vec<(&'static str, Bound, bool)> {
        let side = &self.sides[0];
        let figures = [
            ("p50", self.p50, side.p50()),
            ("p99", self.p99, side.percentile(0.99)),
            ("ratio", self.ratio, self.ratio(0).unwrap_or(f64::NAN)),
        ];
        figures
            .into_iter()
            .filter_map(|(name, bound, figure)| Some((name, bound?, bound?.holds(figure))))
            .collect()
    }
}

/// One figure on both sides.
#[derive(Debug, Clone)]
pub(crate) struct Comparison {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) unit: Unit,
    /// The figures of the rounds.
    pub(crate) sides: [Vec<f64>; 2],
    of: Of,
    bound: Option<Bound>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Figure,
    /// The first side over the second, which has a meaning here.
    Ratio,
}

impl Comparison {
    pub(crate) fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        unit: Unit,
        sides: [Vec<f64>; 2],
    ) -> Self {
        Self { id: id.into(), title: title.into(), unit, sides, of: Of::Figure, bound: None }
    }

    /// With a target, if any, of the first side over the second.
    pub(crate) fn ratio(self, bound: Option<Bound>) -> Self {
        Self { of: Of::Ratio, bound, ..self }
    }

    /// With a target, if any, of the figure.
    pub(crate) fn figure(self, bound: Option<Bound>) -> Self {
        Self { of: Of::Figure, bound, ..self }
    }

    /// The median of the rounds of a side.
    pub(crate) fn side(&self, side: usize) -> Option<f64> {
        Fold::Median.of(&self.sides[side])
    }

    /// The median of the ratios within the rounds.
    pub(crate) fn of_sides(&self) -> Option<f64> {
        let [with, without] = &self.sides;
        let ratios: Vec<f64> = with.iter().zip(without).map(|(with, without)| with / without).collect();
        if self.of == Of::Ratio { Fold::Median.of(&ratios) } else { None }
    }

    /// The target and whether it is met, which is unknown without figures.
    pub(crate) fn target(&self) -> Option<(&'static str, Bound, Option<bool>)> {
        let (name, figure) = match self.of {
            Of::Figure => ("", self.side(0)),
            Of::Ratio => ("ratio ", self.of_sides()),
        };
        let bound = self.bound?;
        Some((name, bound, figure.map(|figure| bound.holds(figure))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_those_of_the_side_with_classes() {
        let samples = |time| Samples { times: vec![time; 10], ..Samples::default() };
        let row = Latency {
            id: "x".into(),
            title: "x".into(),
            sides: [samples(100.0), samples(900.0)],
            base: [Some(50.0), Some(50.0)],
            p50: None,
            p99: Some(Bound::AtMost(150.0)),
            ratio: Some(Bound::AtMost(1.5)),
        };
        let met: Vec<_> = row.targets().iter().map(|(name, _, met)| (*name, *met)).collect();
        assert_eq!(met, [("p99", true), ("ratio", false)]);
        assert_eq!(row.ratio(1), Some(18.0));
    }

    #[test]
    fn latency_without_samples_meets_no_target() {
        let row = Latency {
            id: "x".into(),
            title: "x".into(),
            sides: Default::default(),
            base: [None; 2],
            p50: Some(Bound::AtMost(1.0)),
            p99: None,
            ratio: None,
        };
        assert_eq!(row.targets().first().map(|target| target.2), Some(false));
    }
}
