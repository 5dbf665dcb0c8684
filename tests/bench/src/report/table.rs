//! The table on stdout, 100 columns wide at most.

use std::fmt::Write;

use super::{Report, Row, Target};

/// The report as text.
pub(crate) fn table(report: &Report) -> String {
    let mut text = format!(
        "{:36}{:>14}{:>13}{:>13}{:>8}  {}\n",
        "",
        shorten(&report.subject, 13),
        "null relay",
        "direct",
        "ratio",
        "target"
    );
    for row in &report.rows {
        text.push_str(line(row).trim_end());
        text.push('\n');
    }
    if report.rows.iter().any(|row| row.single) {
        text.push_str("\n* one connection: the null relay and the direct link have no more\n");
    }
    for failure in &report.failures {
        // Writing to a string cannot fail.
        let _ = write!(text, "\nFAILED: {failure}\n");
    }
    text
}

fn line(row: &Row) -> String {
    let cell = |figure: Option<f64>| {
        figure.map_or_else(|| "-".to_owned(), |figure| format!("{} {}", number(figure), row.unit.symbol()))
    };
    let reference = |figure: Option<f64>| {
        let mark = if row.single && figure.is_some() { "*" } else { " " };
        format!("{}{mark}", cell(figure).trim_end())
    };
    let ratio = row.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
    format!(
        "{:36}{:>14}{:>13}{:>13}{ratio:>8}  {}",
        row.title,
        cell(row.subject_figure()).trim_end(),
        reference(row.null_figure()),
        reference(row.direct_figure()),
        target(row)
    )
}

fn target(row: &Row) -> String {
    let Some(target) = row.target else { return String::new() };
    let bound = match target {
        Target::Ratio(bound) => format!("ratio {bound}"),
        Target::Figure(bound) => bound.to_string(),
    };
    match row.met() {
        Some(true) => format!("{bound} met"),
        Some(false) => format!("{bound} NOT MET"),
        None => format!("{bound} ?"),
    }
}

/// Three significant digits, as far as they are decimals.
pub(super) fn number(figure: f64) -> String {
    match figure {
        figure if figure.fract() == 0.0 && figure.abs() < 1e6 => format!("{figure:.0}"),
        figure if figure.abs() >= 100.0 => format!("{figure:.0}"),
        figure if figure.abs() >= 10.0 => format!("{figure:.1}"),
        figure => format!("{figure:.2}"),
    }
}

fn shorten(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some(_) => text.chars().take(limit - 1).chain(['~']).collect(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Bound, Unit};
    use super::*;

    #[test]
    fn lines_fit_a_hundred_columns() {
        let row = Row::new("x", "a title of thirty-five characters ok", Unit::MillisecondsPerMegabyte)
            .single()
            .target(Target::Ratio(Bound::AtLeast(0.95)))
            .rounds([vec![99999.9], vec![99999.9], vec![99999.9]]);
        let report = Report { subject: "127.0.0.1:16992".into(), rows: vec![row], failures: Vec::new() };
        let longest = table(&report).lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(100 + " met".len()), "{longest:?}");
    }

    #[test]
    fn a_missed_target_stands_out() {
        let row = Row::new("x", "x", Unit::Count).target(Target::Figure(Bound::AtMost(0.0)));
        assert!(line(&row.clone().rounds([vec![3.0], vec![], vec![]])).ends_with("<= 0 NOT MET"));
        assert!(line(&row).ends_with("<= 0 ?"));
    }
}
