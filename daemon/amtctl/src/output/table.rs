//! Tables that fit the width of a page: the last column is broken into lines where there is too little room.

use super::text::{WIDTH, clean, wrap};

/// Space between two columns.
const GAP: &str = "  ";

/// The least that a column is made narrow to.
const NARROWEST: usize = 8;

/// Rows of cells below a head.
#[derive(Debug)]
pub(crate) struct Table {
    /// The head first.
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new<const N: usize>(head: [&str; N]) -> Self {
        Self { rows: vec![head.map(String::from).to_vec()] }
    }

    /// One more row; it has as many cells as the head.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        debug_assert_eq!(cells.len(), self.rows[0].len());
        self.rows.push(cells.map(|cell| clean(&cell).replace('\n', " ")).to_vec());
    }

    /// The lines, the head first.
    pub(super) fn lines(&self) -> Vec<String> {
        let widths = self.widths();
        self.rows.iter().flat_map(|row| row_lines(row, &widths)).collect()
    }

    /// Every column as wide as its widest cell, and the widest ones narrower if the page has no room for that.
    fn widths(&self) -> Vec<usize> {
        let columns = self.rows[0].len();
        let widest =
            |column: usize| self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let mut widths: Vec<usize> = (0..columns).map(widest).collect();
        let room = WIDTH.saturating_sub(GAP.len() * columns.saturating_sub(1));
        while widths.iter().sum::<usize>() > room {
            match widths.iter_mut().max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}

fn row_lines(row: &[String], widths: &[usize]) -> Vec<String> {
    let cells: Vec<Vec<String>> = row.iter().zip(widths).map(|(cell, width)| wrap(cell, *width)).collect();
    let height = cells.iter().map(Vec::len).max().unwrap_or(0);
    (0..height).map(|line| line_of(&cells, widths, line)).collect()
}

fn line_of(cells: &[Vec<String>], widths: &[usize], line: usize) -> String {
    let parts: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| {
            let text = cell.get(line).map_or("", String::as_str);
            format!("{text:width$}")
        })
        .collect();
    parts.join(GAP).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(["PORT", "STATE"]);
        table.row(["16992".into(), "forwarded".into()]);
        table.row(["623".into(), "-".into()]);
        assert_eq!(table.lines(), ["PORT   STATE", "16992  forwarded", "623    -"]);
    }

    #[test]
    fn a_table_of_long_names_still_fits() {
        let mut table = Table::new(["ID", "PROGRAM", "WHAT"]);
        table.row(["7".into(), "/usr/lib/".repeat(12), "it waits ".repeat(20)]);
        let lines = table.lines();
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH), "{lines:#?}");
        let text = lines.concat().replace(' ', "");
        assert_eq!(text.matches("waits").count(), 20);
    }
}
