//! What the user sees: data on standard output, as text or as JSON; talk on standard error.
//!
//! Every result is a [`Document`]: plain data that can be shown in both ways. As JSON it is one object that says its
//! schema and its kind; the schema is checked in (`schema/amtctl-v1.json`). The text is for people, and free to change.

pub(crate) mod page;
pub(crate) mod progress;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod text;
mod values;
pub(crate) mod when;

use std::io::{self, ErrorKind, IsTerminal, Write};

use serde::Serialize;

use self::{page::Page, style::Style};
use crate::failure::Failure;

/// The name and version of the JSON that is put out. Within a version fields are added, never changed or taken away.
pub(crate) const SCHEMA: &str = "amtctl/v1";

/// A result.
pub(crate) trait Document: Serialize {
    /// The kind of document, for programs.
    const KIND: &'static str;

    /// Writes it for people.
    fn render(&self, page: &mut Page);
}

/// How results are shown.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
    style: Style,
    error_style: Style,
    /// Whether a person reads standard error, and not a log.
    is_read: bool,
}

impl Output {
    /// As text or as JSON; in colour if there is a terminal and nobody objects.
    pub(crate) fn new(json: bool, no_color: bool) -> Self {
        let style = |terminal: bool| Style::new(terminal && !no_color && style::is_welcome());
        Self {
            json,
            style: style(io::stdout().is_terminal()),
            error_style: style(io::stderr().is_terminal()),
            is_read: io::stderr().is_terminal(),
        }
    }

    /// Whether JSON is wanted.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Puts out a result.
    pub(crate) fn show<D: Document>(&self, document: &D) -> Result<(), Failure> {
        if self.json {
            let json = serde_json::to_string_pretty(&Envelope::new(document)).map_err(io::Error::other);
            return write(&(json.map_err(Failure::Output)? + "\n"));
        }
        self.show_text(document)
    }

    /// Puts out one of many results: as JSON, each is a line.
    pub(crate) fn show_line<D: Document>(&self, document: &D) -> Result<(), Failure> {
        if self.json {
            let json = serde_json::to_string(&Envelope::new(document)).map_err(io::Error::other);
            return write(&(json.map_err(Failure::Output)? + "\n"));
        }
        self.show_text(document)
    }

    /// Puts out text as it is, byte by byte what was received.
    pub(crate) fn show_raw(&self, text: &str) -> Result<(), Failure> {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        write(&format!("{text}{end}"))
    }

    /// Shows a document on standard error, because it is not the result of the command.
    pub(crate) fn tell<D: Document>(&self, document: &D) {
        let mut page = Page::new(self.error_style);
        document.render(&mut page);
        talk(&page.to_string());
    }

    /// Says something that is not data.
    pub(crate) fn say(&self, sentence: &str) {
        talk(&paragraph(self.is_read, ["amtctl:"; 2], sentence));
    }

    /// Says that something may not be as the user wants it.
    pub(crate) fn warn(&self, sentence: &str) {
        let mark = format!("amtctl: {}", self.error_style.warn("warning:"));
        talk(&paragraph(self.is_read, [&mark, "amtctl: warning:"], sentence));
    }

    /// Says why the command failed, and what to do about it. Programs get it as JSON as well.
    pub(crate) fn fail(&self, failure: &Failure) {
        if matches!(failure, Failure::ReaderGone) {
            return;
        }
        self.say(&failure.to_string());
        let next_step = failure.next_step();
        if !next_step.is_empty() {
            talk(&paragraph(self.is_read, [&self.error_style.strong("next:"), "next:"], &next_step));
        }
        self.report(failure);
    }

    /// Tells programs why the command failed.
    pub(crate) fn report(&self, failure: &Failure) {
        if self.json {
            // If this cannot be written either, the exit code has to do.
            let _ = self.show_line(&ErrorDocument::new(failure));
        }
    }

    fn show_text<D: Document>(&self, document: &D) -> Result<(), Failure> {
        let mut page = Page::new(self.style);
        document.render(&mut page);
        write(&page.to_string())
    }
}

/// What every JSON document begins with.
#[derive(Serialize)]
struct Envelope<'a, D> {
    schema: &'static str,
    document: &'static str,
    #[serde(flatten)]
    content: &'a D,
}

impl<'a, D: Document> Envelope<'a, D> {
    fn new(content: &'a D) -> Self {
        Self { schema: SCHEMA, document: D::KIND, content }
    }
}

/// Why a command failed.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ErrorDocument {
    /// Stable word.
    reason: String,
    /// One sentence for people.
    sentence: String,
    /// What to do about it; empty if there is nothing to say.
    next_step: String,
    /// After how many seconds trying again makes sense, where that is known.
    retry_after_seconds: Option<f64>,
    /// The exit code of the program.
    exit_code: u8,
}

impl ErrorDocument {
    fn new(failure: &Failure) -> Self {
        Self {
            reason: failure.reason().into(),
            sentence: failure.to_string(),
            next_step: failure.next_step(),
            retry_after_seconds: failure.retry_after().map(|pause| pause.as_secs_f64()),
            exit_code: failure.exit().code(),
        }
    }
}

impl Document for ErrorDocument {
    const KIND: &'static str = "error";

    fn render(&self, page: &mut Page) {
        page.line(&self.sentence);
    }
}

/// A sentence behind a mark, which is given in colour and without: broken into lines for a person, whole for a log.
fn paragraph(is_read: bool, [mark, plain]: [&str; 2], sentence: &str) -> String {
    if !is_read {
        return format!("{mark} {}\n", text::clean(sentence));
    }
    let mut page = Page::new(Style::new(false));
    page.marked(&format!("{mark} "), plain.chars().count() + 1, sentence);
    page.to_string()
}

/// Writes to standard error. A command that nobody listens to goes on: it may be in the middle of something.
fn talk(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Writes to standard output.
fn write(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::ReaderGone,
        _ => Failure::Output(error),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_gets_lines_that_fit_and_a_log_gets_one_line() {
        let sentence = "word ".repeat(40);
        let marks = ["\x1b[1mnext:\x1b[0m", "next:"];
        let shown = paragraph(true, marks, &sentence);
        assert!(
            shown.lines().count() > 2 && shown.lines().skip(1).all(|line| line.starts_with("      word"))
        );
        assert!(shown.lines().all(|line| line.replace("\x1b[1m", "").replace("\x1b[0m", "").len() <= 80));
        assert_eq!(paragraph(false, marks, &sentence).lines().count(), 1);
    }
}
