//! One line that shows what is going on, on a terminal only: in a log it would be noise.

use std::io::{self, IsTerminal};

use super::{
    talk,
    text::{WIDTH, clean},
};

/// A line on standard error that is overwritten. It is gone when this is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    terminal: bool,
    shown: bool,
}

impl Progress {
    /// Shows nothing yet; and nothing ever where nobody watches.
    pub(crate) fn new() -> Self {
        Self { terminal: io::stderr().is_terminal(), shown: false }
    }

    /// Replaces the line.
    pub(crate) fn show(&mut self, text: &str) {
        if self.terminal {
            let line: String = clean(text).replace('\n', " ").chars().take(WIDTH - 1).collect();
            talk(&format!("\r\x1b[K{line}"));
            self.shown = true;
        }
    }

    /// Takes the line away, before something else is said.
    pub(crate) fn clear(&mut self) {
        if std::mem::take(&mut self.shown) {
            talk("\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}
