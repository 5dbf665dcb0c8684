//! Text for people, at most 80 columns wide. What comes from the daemon or from firmware is cleaned on its way.

use std::fmt;

use super::{
    style::Style,
    table::Table,
    text::{WIDTH, clean, wrap},
};

/// The least that a paragraph is made narrow to.
const NARROWEST: usize = 8;

/// Width of the labels of [`Page::field`].
const LABEL: usize = 22;

/// Text that is being put together.
#[derive(Debug)]
pub(crate) struct Page {
    text: String,
    style: Style,
}

impl Page {
    /// An empty one.
    pub(crate) fn new(style: Style) -> Self {
        Self { text: String::new(), style }
    }

    /// Whether nothing is in it yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// For what deserves colour.
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    /// A paragraph, broken into lines.
    pub(crate) fn line(&mut self, text: &str) {
        self.hang("", text);
    }

    /// A paragraph whose first line begins with a mark that the others are indented by.
    pub(crate) fn hang(&mut self, mark: &str, text: &str) {
        let mark = clean(mark);
        self.marked(&mark, mark.chars().count(), text);
    }

    /// A paragraph behind a mark in colour: what the mark would look like without is its width.
    pub(crate) fn marked(&mut self, mark: &str, width: usize, text: &str) {
        let mut lead = mark.to_owned();
        // What is indented by nearly a whole line still needs some room.
        for line in wrap(&clean(text), WIDTH.saturating_sub(width).max(NARROWEST)) {
            self.put(&format!("{lead}{line}"));
            lead = " ".repeat(width);
        }
    }

    /// An empty line, unless nothing stands above it.
    pub(crate) fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }

    /// A heading, with space above it.
    pub(crate) fn heading(&mut self, text: &str) {
        self.gap();
        let text = self.style.strong(&clean(text));
        self.put(&text);
    }

    /// A label and its value.
    pub(crate) fn field(&mut self, label: &str, value: &str) {
        self.hang(&format!("{label:LABEL$}"), value);
    }

    /// A label and its value, if there is one.
    pub(crate) fn field_if(&mut self, label: &str, value: Option<&str>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.field(label, value);
        }
    }

    /// A table.
    pub(crate) fn table(&mut self, table: &Table) {
        for (index, line) in table.lines().into_iter().enumerate() {
            let line = if index == 0 { self.style.strong(&line) } else { line };
            self.put(&line);
        }
    }

    fn put(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> Page {
        Page::new(Style::new(false))
    }

    #[test]
    fn a_name_with_escape_sequences_does_not_reach_the_terminal() {
        let mut page = page();
        page.field("name", "\x1b]0;owned\x07 \u{202e}txt");
        assert!(!page.to_string().chars().any(|c| c != '\n' && c.is_control()), "{page}");
        assert!(!page.to_string().contains('\u{202e}'));
    }

    #[test]
    fn long_values_are_broken_and_nothing_of_them_is_lost() {
        let long = "word ".repeat(60) + &"x".repeat(200);
        let mut page = page();
        page.field("label", &long);
        let text = page.to_string();
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        let kept = text.chars().filter(|c| *c == 'x').count();
        assert_eq!((text.matches("word").count(), kept), (60, 200));
    }
}
