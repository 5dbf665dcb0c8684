//! What was measured: rows of figures for the three contenders, with their ratios and targets. Filled by `measure`, shown by
//! the submodules.

mod json;
mod priority;
mod svg;
mod table;

use crate::statistics::{maximum, median};

pub(crate) use json::json;
pub(crate) use priority::{Comparison, Latency, Samples};
pub(crate) use svg::plots;
pub(crate) use table::table;

/// One contender's figure in each round; empty where the figure has no meaning for it.
pub(crate) type Rounds = Vec<f64>;

/// One line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// Stable name: group, then figure.
    pub(crate) id: String,
    /// For people.
    pub(crate) title: String,
    pub(crate) unit: Unit,
    /// How the rounds become one figure.
    pub(crate) fold: Fold,
    /// What the subject is compared with.
    pub(crate) reference: Reference,
    pub(crate) subject: Rounds,
    /// Of the null relay, or of the [empty program](Reference::EmptyProgram).
    pub(crate) null: Rounds,
    pub(crate) direct: Rounds,
    /// The null relay and the direct link have one connection: their figure is that of one connection.
    pub(crate) single: bool,
    pub(crate) target: Option<Target>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Microseconds,
    Milliseconds,
    PerSecond,
    /// 10^6 bytes per second.
    MegabytesPerSecond,
    /// 10^6 bytes.
    Megabytes,
    MillisecondsPerMegabyte,
    Percent,
    Count,
}

impl Unit {
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            Self::Microseconds => "us",
            Self::Milliseconds => "ms",
            Self::PerSecond => "/s",
            Self::MegabytesPerSecond => "MB/s",
            Self::Megabytes => "MB",
            Self::MillisecondsPerMegabyte => "ms/MB",
            Self::Percent => "%",
            Self::Count => "",
        }
    }
}

/// How the figures of several rounds become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fold {
    Median,
    /// For figures of which the worst counts. They have no ratio: a worst case of one process against that of another says
    /// more about the machine than about either.
    Worst,
}

impl Fold {
    fn of(self, rounds: &[f64]) -> Option<f64> {
        let figure = match self {
            Self::Median => median(rounds),
            Self::Worst => maximum(rounds),
        };
        figure.is_finite().then_some(figure)
    }
}

/// What the subject is compared with: its figure over this one's is the ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reference {
    /// The null relay.
    NullRelay,
    /// The direct link, where the null relay has no part.
    DirectLink,
    /// A program that does nothing, in the place of the null relay: the least that any program takes.
    EmptyProgram,
}

/// What a row should reach.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Target {
    /// Of the ratio.
    Ratio(Bound),
    /// Of the figure itself.
    Figure(Bound),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
    Below(f64),
}

impl Bound {
    fn holds(self, figure: f64) -> bool {
        match self {
            Self::AtMost(bound) => figure <= bound,
            Self::AtLeast(bound) => figure >= bound,
            Self::Below(bound) => figure < bound,
        }
    }
}

impl std::fmt::Display for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtMost(bound) => write!(f, "<= {bound}"),
            Self::AtLeast(bound) => write!(f, ">= {bound}"),
            Self::Below(bound) => write!(f, "< {bound}"),
        }
    }
}

impl Row {
    pub(crate) fn new(id: impl Into<String>, title: impl Into<String>, unit: Unit) -> Self {
        let empty = Rounds::new;
        let (fold, reference, single, target) = (Fold::Median, Reference::NullRelay, false, None);
        let (id, title) = (id.into(), title.into());
        let (subject, null, direct) = (empty(), empty(), empty());
        Self { id, title, unit, fold, reference, subject, null, direct, single, target }
    }

    pub(crate) fn worst(mut self) -> Self {
        self.fold = Fold::Worst;
        self
    }

    pub(crate) fn single(mut self) -> Self {
        self.single = true;
        self
    }

    pub(crate) fn over(mut self, reference: Reference) -> Self {
        self.reference = reference;
        self
    }

    pub(crate) fn target(mut self, target: Target) -> Self {
        self.target = Some(target);
        self
    }

    /// With the rounds of the subject, the null relay and the direct link.
    pub(crate) fn rounds(mut self, [subject, null, direct]: [Rounds; 3]) -> Self {
        (self.subject, self.null, self.direct) = (subject, null, direct);
        self
    }

    pub(crate) fn subject_figure(&self) -> Option<f64> {
        self.fold.of(&self.subject)
    }

    pub(crate) fn null_figure(&self) -> Option<f64> {
        self.fold.of(&self.null)
    }

    pub(crate) fn direct_figure(&self) -> Option<f64> {
        self.fold.of(&self.direct)
    }

    /// Subject over reference: the median of the ratios of the rounds, since the two sides of one round were measured within
    /// seconds of each other.
    pub(crate) fn ratio(&self) -> Option<f64> {
        if self.fold == Fold::Worst {
            return None;
        }
        let reference = match self.reference {
            Reference::NullRelay | Reference::EmptyProgram => &self.null,
            Reference::DirectLink => &self.direct,
        };
        let ratios: Vec<f64> =
            self.subject.iter().zip(reference).map(|(subject, reference)| subject / reference).collect();
        Fold::Median.of(&ratios)
    }

    /// Whether the target is met; None without a target, or without the figures for it.
    pub(crate) fn met(&self) -> Option<bool> {
        match self.target? {
            Target::Ratio(bound) => self.ratio().map(|ratio| bound.holds(ratio)),
            Target::Figure(bound) => self.subject_figure().map(|figure| bound.holds(figure)),
        }
    }
}

/// Everything that was measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// What the subject is called.
    pub(crate) subject: String,
    pub(crate) rows: Vec<Row>,
    /// Latencies of heartbeats, and figures beside them.
    pub(crate) latencies: Vec<Latency>,
    pub(crate) comparisons: Vec<Comparison>,
    /// Wrong content, failed clients and measurements that could not be made. Any of them makes the run a failure.
    pub(crate) failures: Vec<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratio_pairs_the_rounds_so_that_a_slow_round_hits_both_sides() {
        let row = Row::new("x", "x", Unit::Microseconds).rounds([
            vec![11.0, 220.0, 12.0],
            vec![10.0, 200.0, 10.0],
            vec![],
        ]);
        assert!((row.ratio().unwrap() - 1.1).abs() < 1e-9);
        assert_eq!(row.direct_figure(), None);
    }

    #[test]
    fn ratio_is_over_the_reference_that_the_row_names() {
        let rounds = [vec![12.0], vec![10.0], vec![8.0]];
        let row = Row::new("x", "x", Unit::Milliseconds).rounds(rounds);
        assert_eq!(row.ratio(), Some(1.2));
        assert_eq!(row.over(Reference::DirectLink).ratio(), Some(1.5));
    }

    #[test]
    fn target_is_neither_met_nor_missed_without_figures() {
        let row = Row::new("x", "x", Unit::Count).target(Target::Figure(Bound::Below(1.0)));
        assert_eq!(row.met(), None);
        assert_eq!(row.clone().rounds([vec![0.5], vec![], vec![]]).met(), Some(true));
        assert_eq!(row.rounds([vec![1.0], vec![], vec![]]).met(), Some(false));
    }

    #[test]
    fn worst_of_the_rounds_is_not_smoothed_away() {
        let row = Row::new("x", "x", Unit::Milliseconds).worst().rounds([
            vec![1.0, 9.0, 1.0],
            vec![1.0; 3],
            vec![],
        ]);
        assert_eq!((row.subject_figure(), row.ratio()), (Some(9.0), None));
    }
}
