//! Finds the line and the key of what is wrong in a configuration file.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Config, Fault, section::Problem};

/// The text of a file and, if it is TOML at all, where everything stands in it.
pub(super) struct Document<'a> {
    text: &'a str,
    table: Option<Spanned<DeTable<'a>>>,
}

impl<'a> Document<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, table: DeTable::parse(text).ok() }
    }

    /// An error of reading, with its line, its key and what the key allows.
    pub(super) fn fault(&self, error: &toml::de::Error) -> Fault {
        let span = error.span();
        let key = span.as_ref().and_then(|span| self.key_at(span));
        let allowed = key.as_ref().and_then(|(section, key)| allowed(section, key.as_deref()?));
        let message = error.message().replace("expected u16", "expected a whole number from 0 to 65535");
        let text = match allowed {
            Some(allowed) => format!("{message}; allowed: {allowed}"),
            None => message,
        };
        let join = |(section, key): (String, Option<String>)| match key {
            Some(key) => format!("{section}.{key}"),
            None => section,
        };
        Fault { line: span.map(|span| self.line(span.start)), key: key.map(join), text }
    }

    /// A value that is not allowed, with its line.
    pub(super) fn locate(&self, section: &str, problem: Problem) -> Fault {
        let line = self.value(section, problem.key).map(|span| self.line(span.start));
        Fault { line, key: Some(format!("{section}.{}", problem.key)), text: problem.text }
    }

    /// Where the value of a key stands. `None` for a default.
    fn value(&self, section: &str, key: &str) -> Option<Range<usize>> {
        let DeValue::Table(keys) = self.table.as_ref()?.get_ref().get(section)?.get_ref() else {
            return None;
        };
        Some(keys.get(key)?.span())
    }

    /// The section that a place belongs to, and the key in it.
    fn key_at(&self, place: &Range<usize>) -> Option<(String, Option<String>)> {
        let (section, value) = entry_at(self.table.as_ref()?.get_ref(), place)?;
        let key = match value {
            DeValue::Table(keys) => entry_at(keys, place).map(|(key, _)| key),
            _ => None,
        };
        Some((section, key))
    }

    fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
    }
}

/// The entry whose key or value holds a place.
fn entry_at<'t, 'a>(table: &'t DeTable<'a>, place: &Range<usize>) -> Option<(String, &'t DeValue<'a>)> {
    let holds = |span: Range<usize>| span.start <= place.start && place.end <= span.end;
    table
        .iter()
        .find(|(key, value)| holds(key.span()) || holds(value.span()) || within(value.get_ref(), place))
        .map(|(key, value)| (key.get_ref().to_string(), value.get_ref()))
}

/// Whether a place is in a table, or in one of a list. The span of a table under a header is that of the header alone,
/// so that its entries have to be looked at.
fn within(value: &DeValue<'_>, place: &Range<usize>) -> bool {
    match value {
        DeValue::Table(keys) => entry_at(keys, place).is_some(),
        DeValue::Array(rows) => rows.iter().any(|row| within(row.get_ref(), place)),
        _ => false,
    }
}

/// What the reference says is allowed for a key.
fn allowed(section: &str, key: &str) -> Option<String> {
    let config = Config::default();
    let (_, section) = config.sections().into_iter().find(|(name, _)| *name == section)?;
    section.keys().into_iter().find(|row| row.name == key)?.allowed
}
