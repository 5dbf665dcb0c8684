//! The matrix as Markdown, and the differences of two of them cell by cell.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::catalogue::Fault;
use crate::cell::Cell;
use crate::client::Situation;

/// What stands above the tables.
const HEAD: &str = include_str!("head.md");
const CLIENT: &str = "What the client sees, and when";
const STATUS: &str = "What `/status` says";
/// Where there is nothing to say.
const NOTHING: &str = "–";

/// A row with its cells, in the order of [`Situation::ALL`].
pub(crate) type Row<'a> = (&'a Fault, Vec<Cell>);

/// The whole document.
pub(crate) fn render(rows: &[Row<'_>]) -> String {
    let mut text = format!("{HEAD}\n## {CLIENT}\n");
    for group in rows.chunk_by(|one, other| one.0.group == other.0.group) {
        let columns = Situation::ALL.map(Situation::name);
        line(&mut text, &format!("\n### {}\n\n", upper(group[0].0.group)), ["fault"].iter().chain(&columns));
        line(&mut text, "", ["---"; 8].iter());
        for (fault, cells) in group {
            let cells = cells.iter().map(|cell| cell.client.as_str());
            line(&mut text, "", [fault.name].into_iter().chain(cells));
        }
    }
    line(
        &mut text,
        &format!("\n## {STATUS}\n\n"),
        ["fault", "link while it lasts", "reason", "link afterwards"].iter(),
    );
    line(&mut text, "", ["---"; 4].iter());
    let (quiet, told): (Vec<_>, Vec<_>) =
        rows.iter().partition(|(_, cells)| cells.iter().all(Cell::is_quiet));
    for (fault, cells) in told {
        let fields: [fn(&Cell) -> &String; 3] =
            [|cell| &cell.during, |cell| &cell.reason, |cell| &cell.after];
        let told = fields.map(|field| together(&cells.iter().map(field).collect::<Vec<_>>()));
        line(&mut text, "", [fault.name.to_owned()].iter().chain(&told));
    }
    if !quiet.is_empty() {
        text.push_str("\nOf all others it says that the link is up, and nothing else.\n");
    }
    text
}

/// Where two documents differ, one line for each cell; rows that `actual` does not have are passed over if it is only a part.
pub(crate) fn differences(written: &str, actual: &str, only_part: bool) -> Vec<String> {
    let (written, actual) = (cells(written), cells(actual));
    let mut found = Vec::new();
    for (place, now) in &actual {
        match written.get(place) {
            Some(before) if before == now => {}
            Some(before) => found.push(format!("{place}: written is \"{before}\", seen was \"{now}\"")),
            None => found.push(format!("{place}: nothing is written, seen was \"{now}\"")),
        }
    }
    let gone = written.keys().filter(|place| !only_part && !actual.contains_key(*place));
    found.extend(gone.map(|place| format!("{place}: is written, and there is no such cell")));
    found
}

/// The cells of every table, by where they are.
fn cells(text: &str) -> BTreeMap<String, String> {
    let (mut found, mut section, mut columns) = (BTreeMap::new(), "", Vec::new());
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            section = heading;
        }
        let Some(row) = line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |")) else { continue };
        let row: Vec<_> = row.split(" | ").collect();
        match row[0] {
            "fault" => columns = row,
            "---" => {}
            name => {
                let named = columns.iter().zip(&row).skip(1);
                found
                    .extend(named.map(|(column, cell)| {
                        (format!("{section} / {name} / {column}"), (*cell).to_owned())
                    }));
            }
        }
    }
    found
}

/// What is the same in every column once; else what most have, and who has something else.
fn together(values: &[&String]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for (value, situation) in values.iter().zip(Situation::ALL) {
        match groups.iter_mut().find(|(known, _)| known == value) {
            Some((_, who)) => who.push(situation.name()),
            None => groups.push((value, vec![situation.name()])),
        }
    }
    groups.sort_by_key(|(_, who)| std::cmp::Reverse(who.len()));
    let mut text = shown(groups[0].0).to_owned();
    for (value, who) in &groups[1..] {
        let _ = write!(text, "; {}: {}", who.join(", "), shown(value));
    }
    text
}

fn shown(value: &str) -> &str {
    if value.is_empty() { NOTHING } else { value }
}

fn line<T: AsRef<str>>(text: &mut String, before: &str, cells: impl Iterator<Item = T>) {
    text.push_str(before);
    text.push('|');
    for cell in cells {
        // Writing to a string cannot fail.
        let _ = write!(text, " {} |", cell.as_ref());
    }
    text.push('\n');
}

fn upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
