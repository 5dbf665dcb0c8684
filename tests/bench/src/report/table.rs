//! The table on stdout, 100 columns wide at most.

use std::fmt::Write;

use super::{Comparison, Latency, Reference, Report, Row, Target};

/// The report as text.
pub(crate) fn table(report: &Report) -> String {
    let mut text = String::new();
    contenders(report, &mut text);
    latencies(report, &mut text);
    comparisons(report, &mut text);
    for failure in &report.failures {
        // Writing to a string cannot fail.
        let _ = write!(text, "\nFAILED: {failure}\n");
    }
    text
}

fn contenders(report: &Report, text: &mut String) {
    if report.rows.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "{:36}{:>14}{:>13}{:>13}{:>8}  target",
        "",
        shorten(&report.subject, 13),
        "null relay",
        "direct",
        "ratio"
    );
    for row in &report.rows {
        text.push_str(line(row).trim_end());
        text.push('\n');
    }
    let mut notes: Vec<_> = report.rows.iter().filter_map(note).collect();
    notes.sort_unstable();
    notes.dedup();
    for note in notes {
        let _ = write!(text, "\n{note}\n");
    }
}

/// Two lines for each: with classes and without.
fn latencies(report: &Report, text: &mut String) {
    if report.latencies.is_empty() {
        return;
    }
    let names = ["n", "p50", "p99", "p99.9", "max"].map(|name| format!("{name:>9}")).concat();
    let _ = writeln!(text, "\n{:31}{names}{:>7}  target", "heartbeat, ms", "p99/*");
    for row in &report.latencies {
        for side in 0..row.sides.len() {
            text.push_str(latency(row, side).trim_end());
            text.push('\n');
        }
    }
    text.push_str(
        "\n* S = 70 ms, or the idle p99 on the link of 2 MB/s where firmware takes 0 ms. The p99 of fewer than 100\n  \
         samples and the p99.9 of fewer than 1000 are the maximum.\n",
    );
}

fn latency(row: &Latency, side: usize) -> String {
    let samples = &row.sides[side];
    let title = if side == 0 { row.title.as_str() } else { "  no priority" };
    let figures = [samples.p50(), samples.percentile(0.99), samples.percentile(0.999), samples.max()];
    let figures = figures.map(|figure| format!("{:>9}", number(figure))).concat();
    let ratio = row.ratio(side).map_or_else(|| "-".to_owned(), number);
    let mut line = format!("{title:31}{:>9}{figures}{ratio:>7} ", samples.times.len());
    for (name, bound, met) in if side == 0 { row.targets() } else { Vec::new() } {
        let _ = write!(line, " {name} {bound} {}", if met { "met" } else { "NOT MET" });
    }
    for (count, what) in [(samples.failed, "failed"), (samples.refused_beside, "refused beside")] {
        if count > 0 {
            let _ = write!(line, " {count} {what}");
        }
    }
    line
}

fn comparisons(report: &Report, text: &mut String) {
    if report.comparisons.is_empty() {
        return;
    }
    let _ = writeln!(
        text,
        "\n{:44}{:>14}{:>14}{:>8}  target",
        "",
        shorten(&report.subject, 13),
        "no priority",
        "ratio"
    );
    for row in &report.comparisons {
        text.push_str(comparison(row).trim_end());
        text.push('\n');
    }
}

fn comparison(row: &Comparison) -> String {
    let cell = |figure: Option<f64>| {
        figure.map_or_else(|| "-".to_owned(), |figure| format!("{} {}", number(figure), row.unit.symbol()))
    };
    let ratio = row.of_sides().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
    let target = row.target().map_or_else(String::new, |(of, bound, met)| {
        let met = match met {
            Some(true) => "met",
            Some(false) => "NOT MET",
            None => "?",
        };
        format!("{of}{bound} {met}")
    });
    let [with, without] = [row.side(0), row.side(1)].map(cell);
    format!("{:44}{:>14}{:>14}{ratio:>8}  {target}", row.title, with.trim_end(), without.trim_end())
}

/// What must be said of the marks in a row.
fn note(row: &Row) -> Option<&'static str> {
    match row.reference {
        Reference::DirectLink => Some("+ over the direct link"),
        Reference::EmptyProgram => {
            Some("^ not the null relay but /bin/true: the least that any program takes")
        }
        Reference::NullRelay => {
            row.single.then_some("* one connection: the null relay and the direct link have no more")
        }
    }
}

fn line(row: &Row) -> String {
    let cell = |figure: Option<f64>| {
        figure.map_or_else(|| "-".to_owned(), |figure| format!("{} {}", number(figure), row.unit.symbol()))
    };
    let reference = |figure: Option<f64>| {
        let mark = match row.reference {
            _ if figure.is_none() => " ",
            Reference::EmptyProgram => "^",
            _ if row.single => "*",
            _ => " ",
        };
        format!("{}{mark}", cell(figure).trim_end())
    };
    let mark = if row.reference == Reference::DirectLink { "+" } else { " " };
    let ratio = row.ratio().map_or_else(|| "-".to_owned(), |ratio| format!("{ratio:.2}"));
    format!(
        "{:36}{:>14}{:>13}{:>13}{ratio:>8}{mark} {}",
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
        figure if figure.is_nan() => "-".to_owned(),
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
        let report = Report { subject: "127.0.0.1:16992".into(), rows: vec![row], ..Report::default() };
        let longest = table(&report).lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(100 + " met".len()), "{longest:?}");
    }

    #[test]
    fn a_latency_is_shown_with_its_failures_and_without_samples_too() {
        let mut row = Latency {
            id: "x".into(),
            title: "x".into(),
            sides: Default::default(),
            base: [Some(70.0); 2],
            p50: None,
            p99: Some(Bound::AtMost(150.0)),
            ratio: None,
        };
        assert!(latency(&row, 1).ends_with("-        -        -      - "));
        row.sides[0].times = vec![210.0];
        row.sides[0].fail("refused".into());
        assert!(
            latency(&row, 0).ends_with("210      3  p99 <= 150 NOT MET 1 failed"),
            "{}",
            latency(&row, 0)
        );
    }

    #[test]
    fn a_ratio_over_something_else_is_marked_and_explained_once() {
        let row = |reference| Row::new("x", "x", Unit::Milliseconds).over(reference);
        let rows = vec![
            row(Reference::DirectLink).rounds([vec![3.0], vec![], vec![2.0]]),
            row(Reference::DirectLink),
            row(Reference::EmptyProgram).rounds([vec![3.0], vec![2.0], vec![]]),
        ];
        let text = table(&Report { rows, ..Report::default() });
        assert!(text.contains("1.50+") && text.contains("2 ms^"), "{text}");
        assert_eq!(text.matches("\n+ over the direct link\n").count(), 1, "{text}");
        assert_eq!(text.matches("\n^ not the null relay").count(), 1, "{text}");
    }

    #[test]
    fn a_missed_target_stands_out() {
        let row = Row::new("x", "x", Unit::Count).target(Target::Figure(Bound::AtMost(0.0)));
        assert!(line(&row.clone().rounds([vec![3.0], vec![], vec![]])).ends_with("<= 0 NOT MET"));
        assert!(line(&row).ends_with("<= 0 ?"));
    }
}
