//! Bar plots: one file for each group of rows that share a unit, three bars for each row.

use std::fmt::Write;

use super::table::number;
use super::{Reference, Report, Row};

const WIDTH: f64 = 860.0;
const LABEL: f64 = 250.0;
const BAR: f64 = 16.0;
const GAP: f64 = 14.0;
const TOP: f64 = 64.0;
/// Room right of the longest bar for its figure.
const FIGURE: f64 = 90.0;
/// Distinguishable without colour vision, and by lightness in print.
const COLOURS: [&str; 3] = ["#0b5cad", "#e08214", "#9e9e9e"];

/// File names and contents.
pub(crate) fn plots(report: &Report) -> Vec<(String, String)> {
    let mut groups: Vec<(String, Vec<&Row>)> = Vec::new();
    for row in report.rows.iter().filter(|row| row.subject_figure().is_some()) {
        let group = row.id.split('.').next().unwrap_or(&row.id).to_owned();
        // Rows of one group with different units do not belong on one axis.
        let name = match row.unit.symbol() {
            "" => group,
            symbol => format!("{group}-{}", symbol.replace('/', "-per-").trim_start_matches('-')),
        };
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((name, vec![row])),
        }
    }
    groups.into_iter().map(|(name, rows)| (format!("{name}.svg"), plot(&report.subject, &rows))).collect()
}

fn plot(subject: &str, rows: &[&Row]) -> String {
    let height = TOP + rows.len() as f64 * (3.0 * BAR + GAP) + GAP;
    let largest = rows.iter().flat_map(|row| figures(row)).flatten().fold(f64::MIN_POSITIVE, f64::max);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    let unit = rows.first().map_or("", |row| row.unit.symbol());
    text(&mut svg, (10.0, 24.0), "start", &format!("unit: {}", if unit.is_empty() { "count" } else { unit }));
    let relay = match rows.first().map(|row| row.reference) {
        Some(Reference::EmptyProgram) => "/bin/true",
        _ => "null relay",
    };
    for (index, name) in [subject, relay, "direct link"].into_iter().enumerate() {
        let x = LABEL + index as f64 * 180.0;
        bar(&mut svg, (x, 14.0), BAR, COLOURS[index]);
        text(&mut svg, (x + BAR + 6.0, 26.0), "start", name);
    }
    for (index, row) in rows.iter().enumerate() {
        let top = TOP + index as f64 * (3.0 * BAR + GAP);
        text(&mut svg, (LABEL - 10.0, top + 1.8 * BAR), "end", &row.title);
        for (line, figure) in figures(row).into_iter().enumerate() {
            let Some(figure) = figure else { continue };
            let (y, length) = (top + line as f64 * BAR, figure / largest * (WIDTH - LABEL - FIGURE));
            bar(&mut svg, (LABEL, y), length, COLOURS[line]);
            text(&mut svg, (LABEL + length + 6.0, y + BAR - 4.0), "start", &number(figure));
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn figures(row: &Row) -> [Option<f64>; 3] {
    [row.subject_figure(), row.null_figure(), row.direct_figure()]
}

// Writing to a string cannot fail.

fn bar(svg: &mut String, (x, y): (f64, f64), length: f64, colour: &str) {
    let height = BAR - 2.0;
    let _ = writeln!(
        svg,
        "<rect x=\"{x}\" y=\"{y:.1}\" width=\"{length:.1}\" height=\"{height}\" fill=\"{colour}\"/>"
    );
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, text: &str) {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>");
}

#[cfg(test)]
mod tests {
    use super::super::Unit;
    use super::*;

    #[test]
    fn rows_of_different_units_do_not_share_an_axis() {
        let rows = ["a.x", "a.y", "b.x"]
            .map(|id| Row::new(id, id, Unit::Microseconds).rounds([vec![1.0], vec![], vec![]]));
        let mut report = Report { subject: "a<b".into(), rows: rows.to_vec(), ..Report::default() };
        report.rows[1].unit = Unit::Count;
        let plots = plots(&report);
        assert_eq!(
            plots.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            ["a-us.svg", "a.svg", "b-us.svg"]
        );
        assert!(plots.iter().all(|(_, svg)| svg.contains("a&lt;b") && svg.ends_with("</svg>\n")));
    }
}
