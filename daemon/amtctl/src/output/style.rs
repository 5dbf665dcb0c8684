//! Colour, where there is a terminal and nobody objects.

use std::env;

/// Colours text, or leaves it alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Style {
    colour: bool,
}

impl Style {
    /// With or without colour.
    pub(crate) fn new(colour: bool) -> Self {
        Self { colour }
    }

    /// All is well.
    pub(crate) fn good(self, text: &str) -> String {
        self.paint(text, "32")
    }

    /// Not as it should be.
    pub(crate) fn warn(self, text: &str) -> String {
        self.paint(text, "33")
    }

    /// Broken.
    pub(crate) fn bad(self, text: &str) -> String {
        self.paint(text, "31")
    }

    /// A heading.
    pub(crate) fn strong(self, text: &str) -> String {
        self.paint(text, "1")
    }

    fn paint(self, text: &str, code: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }
}

/// Whether the user has not asked for plain text: `NO_COLOR` is set and not empty, or the terminal is a dumb one.
pub(crate) fn is_welcome() -> bool {
    let unwanted = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = env::var_os("TERM").is_some_and(|value| value == "dumb");
    !unwanted && !dumb
}
