//! How a section of the configuration is declared: one row for each key with its documentation, type, default and
//! what is allowed. Everything else (reading, checking, the printed reference) is made from these rows, so that
//! none of it can drift from another.
//!
//! Used by the sections beside this file; read by [`reference`](super::reference) and [`Config`](super::Config).

use std::{fmt, ops::RangeInclusive};

use serde::Serialize;

use super::Period;

/// What the reference and the checks need to know about a section.
pub(super) trait Section {
    /// Documentation of the section, by lines.
    fn about(&self) -> &'static [&'static str];

    /// Its keys, with their present values.
    fn keys(&self) -> Vec<Key>;

    /// Keys whose values are not allowed.
    fn problems(&self) -> Vec<Problem>;
}

/// One key as the reference shows it.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) about: &'static [&'static str],
    /// The value in TOML; `None` when it is unset.
    pub(super) value: Option<toml::Value>,
    /// A value in TOML to show when it is unset.
    pub(super) example: Option<&'static str>,
    pub(super) allowed: Option<String>,
}

impl Key {
    /// The TOML form of a value. Unset options have none, and every other type of the model has one: a test prints
    /// and reads back the whole model.
    pub(super) fn value_of(value: &impl Serialize) -> Option<toml::Value> {
        toml::Value::try_from(value).ok()
    }
}

/// A value that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) key: &'static str,
    pub(super) text: String,
}

impl Problem {
    pub(super) fn new(key: &'static str, text: impl Into<String>) -> Self {
        Self { key, text: text.into() }
    }
}

/// A number or a period within its bounds, or a description of what would be.
pub(super) fn within<T: PartialOrd + fmt::Display>(
    key: &'static str,
    value: &T,
    allowed: &RangeInclusive<T>,
) -> Option<Problem> {
    let text = || format!("{value} is not allowed; allowed: {}", range(allowed));
    (!allowed.contains(value)).then(|| Problem::new(key, text()))
}

/// A range for people.
pub(super) fn range<T: fmt::Display>(allowed: &RangeInclusive<T>) -> String {
    format!("{} to {}", allowed.start(), allowed.end())
}

/// A period of milliseconds, for the rows of sections.
pub(super) const fn milliseconds(count: u64) -> Period {
    Period::from_millis(count)
}

/// A period of seconds.
pub(super) const fn seconds(count: u64) -> Period {
    Period::from_millis(count * 1000)
}

/// A period of minutes.
pub(super) const fn minutes(count: u64) -> Period {
    seconds(count * 60)
}

/// A period of hours.
pub(super) const fn hours(count: u64) -> Period {
    minutes(count * 60)
}

/// Declares a section. Each row is `/// documentation`, `key: type = default`, then optionally `, allowed range`,
/// `, example "toml"` for a key that is unset by default, and `;`. After the rows, `check` may name a function that
/// finds what a range cannot tell.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        struct $section:ident {
            $(
                $(#[doc = $doc:literal])*
                $key:ident: $type:ty = $default:expr $(, allowed $allowed:expr)? $(, example $example:literal)?;
            )*
        }
        $(check $check:path;)?
    ) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, PartialEq, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $section {
            $($(#[doc = $doc])* pub $key: $type,)*
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($key: $default,)* }
            }
        }

        impl $crate::config::section::Section for $section {
            fn about(&self) -> &'static [&'static str] {
                &[$($about),*]
            }

            fn keys(&self) -> Vec<$crate::config::section::Key> {
                vec![$($crate::config::section::Key {
                    name: stringify!($key),
                    about: &[$($doc),*],
                    value: $crate::config::section::Key::value_of(&self.$key),
                    example: None$(.or(Some($example)))?,
                    allowed: None$(.or(Some($crate::config::section::range(&$allowed))))?,
                },)*]
            }

            fn problems(&self) -> Vec<$crate::config::section::Problem> {
                let ranges: Vec<Option<$crate::config::section::Problem>> =
                    vec![$($($crate::config::section::within(stringify!($key), &self.$key, &$allowed),)?)*];
                let problems = ranges.into_iter().flatten();
                $(let problems = problems.chain($check(self));)?
                problems.collect()
            }
        }
    };
}
pub(super) use section;
