//! What the demo shows: steps with their times, at most 80 columns wide, in colour only for a person at a terminal.

use std::io::{IsTerminal, Write, stdout};
use std::time::{Duration, Instant};

use anyhow::Result;

/// Columns of a step's title; its time stands behind it.
const TITLE: usize = 62;

/// Columns of what was seen.
const DETAIL: usize = 72;

/// Standard output.
#[derive(Debug)]
pub(crate) struct Screen {
    terminal: bool,
    colours: bool,
}

#[derive(Debug, Clone, Copy)]
enum Style {
    Bold,
    Dim,
    Good,
    Bad,
}

impl Screen {
    /// Colours are for a terminal, unless `NO_COLOR` is set to anything.
    pub(crate) fn new() -> Self {
        let terminal = stdout().is_terminal();
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { terminal, colours: terminal && !refused }
    }

    /// A line in bold, with empty lines around it.
    pub(crate) fn heading(&self, text: &str) {
        say(&format!("\n{}\n\n", self.style(Style::Bold, text)));
    }

    /// A line as it is.
    pub(crate) fn line(&self, text: &str) {
        say(&format!("{text}\n"));
    }

    /// Runs one step and shows how long it took. `step` returns its result, and lines that say what was seen.
    pub(crate) fn step<T>(&self, title: &str, step: impl FnOnce() -> Result<(T, Vec<String>)>) -> Result<T> {
        if self.terminal {
            say(&format!("  ..    {title}"));
        }
        self.finish(title, step)
    }

    /// As [`Self::step`], for a step that writes to the terminal itself.
    pub(crate) fn talkative_step<T>(
        &self,
        title: &str,
        step: impl FnOnce() -> Result<(T, Vec<String>)>,
    ) -> Result<T> {
        self.finish(title, step)
    }

    fn finish<T>(&self, title: &str, step: impl FnOnce() -> Result<(T, Vec<String>)>) -> Result<T> {
        let start = Instant::now();
        let outcome = step();
        let took = readable(start.elapsed());
        let back = if self.terminal { "\r\x1b[K" } else { "" };
        let (mark, style) = if outcome.is_ok() { ("ok  ", Style::Good) } else { ("FAIL", Style::Bad) };
        say(&format!("{back}  {}  {title:TITLE$}{took:>10}\n", self.style(style, mark)));
        let (result, seen) = outcome?;
        let lines = seen.iter().flat_map(|text| wrap(text, DETAIL));
        lines.for_each(|line| say(&format!("        {}\n", self.style(Style::Dim, &line))));
        Ok(result)
    }

    fn style(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Good => "32",
            Style::Bad => "1;31",
        };
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A closed pipe is not worth an error: the demo goes on for whoever measures its exit status.
fn say(text: &str) {
    let mut out = stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Lines of at most `width` columns, broken at spaces; a longer word has a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Three significant digits in the unit that suits.
pub(crate) fn readable(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds >= 10.0 => format!("{seconds:.0} s"),
        seconds if seconds >= 1.0 => format!("{seconds:.1} s"),
        seconds if seconds >= 0.01 => format!("{:.0} ms", seconds * 1e3),
        seconds => format!("{:.1} ms", seconds * 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_sentences_are_wrapped_and_lose_nothing() {
        let text = "amtd tells systemd: degraded: the MEI connection is gone, and a/very/long/path/without/any/space";
        let lines = wrap(text, 30);
        assert_eq!(lines.join(" "), text);
        assert!(lines.iter().filter(|line| line.contains(' ')).all(|line| line.len() <= 30));
    }

    #[test]
    fn times_are_short_whatever_their_size() {
        let times =
            [300_u64, 12_340, 999_000, 1_500_000, 75_000_000].map(Duration::from_micros).map(readable);
        assert_eq!(times, ["0.3 ms", "12 ms", "999 ms", "1.5 s", "75 s"]);
    }
}
