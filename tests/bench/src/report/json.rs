//! The report for programs. `schema` grows when a name changes its meaning.

use serde_json::{Value, json as object};

use super::{Fold, Report, Row, Target};

const SCHEMA: u32 = 1;

/// The report as one JSON object.
pub(crate) fn json(report: &Report) -> Value {
    object!({
        "schema": SCHEMA,
        "subject": report.subject,
        "rows": report.rows.iter().map(row).collect::<Vec<_>>(),
        "failures": report.failures,
    })
}

fn row(row: &Row) -> Value {
    let (of, bound) = match row.target {
        Some(Target::Ratio(bound)) => (Some("ratio"), Some(bound.to_string())),
        Some(Target::Figure(bound)) => (Some("figure"), Some(bound.to_string())),
        None => (None, None),
    };
    object!({
        "id": row.id,
        "title": row.title,
        "unit": row.unit.symbol(),
        "fold": match row.fold { Fold::Median => "median", Fold::Worst => "worst" },
        "subject": { "figure": row.subject_figure(), "rounds": row.subject },
        "null_relay": { "figure": row.null_figure(), "rounds": row.null, "one_connection": row.single },
        "direct": { "figure": row.direct_figure(), "rounds": row.direct, "one_connection": row.single },
        "ratio": row.ratio(),
        "target": { "of": of, "bound": bound, "met": row.met() },
    })
}
