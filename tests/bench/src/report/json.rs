//! The report for programs. `schema` grows when a name changes its meaning. What the ratio of a row is over is in `ratio_over`;
//! a row over the empty program has it in the place of the null relay.

use serde_json::{Value, json as object};

use super::{Comparison, Fold, Latency, Reference, Report, Row, Samples, Target};

const SCHEMA: u32 = 2;

/// The report as one JSON object.
pub(crate) fn json(report: &Report) -> Value {
    object!({
        "schema": SCHEMA,
        "subject": report.subject,
        "rows": report.rows.iter().map(row).collect::<Vec<_>>(),
        "latencies": report.latencies.iter().map(latency).collect::<Vec<_>>(),
        "comparisons": report.comparisons.iter().map(comparison).collect::<Vec<_>>(),
        "failures": report.failures,
    })
}

fn latency(row: &Latency) -> Value {
    let targets = row.targets();
    let target = |(name, bound, met): &(&str, super::Bound, bool)| object!({ "of": name, "bound": bound.to_string(), "met": met });
    object!({
        "id": row.id,
        "title": row.title,
        "unit": "ms",
        "subject": samples(&row.sides[0], row.base[0]),
        "no_priority": samples(&row.sides[1], row.base[1]),
        "targets": targets.iter().map(target).collect::<Vec<_>>(),
    })
}

fn samples(samples: &Samples, base: Option<f64>) -> Value {
    object!({
        "p50": samples.p50(),
        "p99": samples.percentile(0.99),
        "p99.9": samples.percentile(0.999),
        "max": samples.max(),
        "base": base,
        "samples": samples.times,
        "failed": samples.failed,
        "refused_beside": samples.refused_beside,
        "reason": samples.reason,
    })
}

fn comparison(row: &Comparison) -> Value {
    let side = |side: usize| object!({ "figure": row.side(side), "rounds": row.sides[side] });
    let target = row.target().map(|(of, bound, met)| {
        object!({ "of": if of.is_empty() { "figure" } else { "ratio" }, "bound": bound.to_string(), "met": met })
    });
    object!({
        "id": row.id,
        "title": row.title,
        "unit": row.unit.symbol(),
        "subject": side(0),
        "no_priority": side(1),
        "ratio": row.of_sides(),
        "target": target,
    })
}

fn row(row: &Row) -> Value {
    let (of, bound) = match row.target {
        Some(Target::Ratio(bound)) => (Some("ratio"), Some(bound.to_string())),
        Some(Target::Figure(bound)) => (Some("figure"), Some(bound.to_string())),
        None => (None, None),
    };
    let (relay, over) = match row.reference {
        Reference::NullRelay => ("null_relay", "null_relay"),
        Reference::DirectLink => ("null_relay", "direct"),
        Reference::EmptyProgram => ("empty_program", "empty_program"),
    };
    object!({
        "id": row.id,
        "title": row.title,
        "unit": row.unit.symbol(),
        "fold": match row.fold { Fold::Median => "median", Fold::Worst => "worst" },
        "subject": { "figure": row.subject_figure(), "rounds": row.subject },
        (relay): { "figure": row.null_figure(), "rounds": row.null, "one_connection": row.single },
        "direct": { "figure": row.direct_figure(), "rounds": row.direct, "one_connection": row.single },
        "ratio": row.ratio(),
        "ratio_over": over,
        "target": { "of": of, "bound": bound, "met": row.met() },
    })
}
