//! Values of properties and parameters, and instances: ordered lists of named values.
//!
//! Made by `classes`, written by `envelope`. The types say what a value is; how it looks on the wire is written once, here.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::xml::{Element, Namespace};

/// A value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Bool(bool),
    Number(u64),
    Text(Cow<'static, str>),
    /// Seconds since 1970, written as date and time.
    Time(u64),
    /// The element repeated; an empty list is no element at all.
    List(Vec<Self>),
    Reference(Reference),
}

impl Value {
    /// Bytes, as base64.
    pub(super) fn base64(bytes: &[u8]) -> Self {
        Self::Text(STANDARD.encode(bytes).into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Number(value.into())
    }
}

impl From<&'static str> for Value {
    fn from(value: &'static str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value.into())
    }
}

/// An endpoint reference to one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The class by its resource URI.
    pub(super) resource: Cow<'static, str>,
    pub(super) selectors: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    /// Selectors that are references themselves: keys of associations.
    pub(super) nested: Vec<(Cow<'static, str>, Self)>,
}

impl Reference {
    /// A reference to an instance of a class known here.
    pub(super) fn new(resource: &'static str, selectors: &[(&'static str, &'static str)]) -> Self {
        let selectors = selectors.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self { resource: resource.into(), selectors, nested: Vec::new() }
    }

    /// A reference to the instance with this one key.
    pub(super) fn by_key(
        resource: &'static str,
        key: &'static str,
        value: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { resource: resource.into(), selectors: vec![(key.into(), value.into())], nested: Vec::new() }
    }

    /// A reference to an association, by the references that are its keys.
    pub(super) fn association(resource: &'static str, ends: [(&'static str, Self); 2]) -> Self {
        let nested = ends.into_iter().map(|(name, end)| (name.into(), end)).collect();
        Self { resource: resource.into(), selectors: Vec::new(), nested }
    }

    /// Reads a reference out of an element that holds one, with or without an `EndpointReference` around it.
    pub(super) fn read(element: &Element) -> Option<Self> {
        let holder = element.child(Namespace::Addressing, "EndpointReference").unwrap_or(element);
        let parameters = holder.child(Namespace::Addressing, "ReferenceParameters")?;
        let resource = parameters.child(Namespace::Wsman, "ResourceURI")?.text().to_owned().into();
        let set = parameters.child(Namespace::Wsman, "SelectorSet");
        let selectors = set.into_iter().flat_map(|set| set.children(Namespace::Wsman, "Selector"));
        let mut reference = Self { resource, selectors: Vec::new(), nested: Vec::new() };
        for selector in selectors {
            let Some(name) = selector.selector_name() else { continue };
            if selector.elements().is_empty() {
                reference.selectors.push((name.to_owned().into(), selector.text().to_owned().into()));
            } else {
                reference.nested.push((name.to_owned().into(), Self::read(selector)?));
            }
        }
        Some(reference)
    }

    /// Whether `other`, given by a client, means this one: the same class and no selector that differs.
    pub(super) fn is_meant_by(&self, other: &Self) -> bool {
        self.resource == other.resource
            && other.selectors.iter().all(|selector| self.selectors.contains(selector))
            && other.nested.iter().all(|(name, given)| {
                self.nested.iter().any(|(known, end)| known == name && end.is_meant_by(given))
            })
    }

    /// The value of a selector.
    pub(super) fn selector(&self, name: &str) -> Option<&str> {
        self.selectors.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref())
    }
}

/// An instance, or the outputs of a method: values in the order in which they are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Instance(pub(super) Vec<(&'static str, Value)>);

impl Instance {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self(Vec::with_capacity(count))
    }

    /// Appends a property.
    #[must_use]
    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Appends a property if it has a value.
    #[must_use]
    pub(super) fn with_option(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Appends a property that is an array.
    #[must_use]
    pub(super) fn with_list(
        self,
        name: &'static str,
        values: impl IntoIterator<Item = impl Into<Value>>,
    ) -> Self {
        self.with(name, Value::List(values.into_iter().map(Into::into).collect()))
    }

    /// A property's value.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

/// Date and time of a moment, in UTC, as XML Schema writes it.
pub(super) fn date_time(seconds: u64) -> String {
    const DAY: u64 = 24 * 60 * 60;
    let (days, second) = (seconds / DAY, seconds % DAY);
    // Counted from 1 March of year 0, a leap day is the last of its year; 400 years have 146097 days.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

impl From<Reference> for Value {
    fn from(value: Reference) -> Self {
        Self::Reference(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn date_and_time_are_right_around_leap_days_and_turns_of_centuries() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_704_242_741, "2024-01-03T00:45:41Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(date_time(seconds), text);
        }
    }

    #[test]
    fn association_is_meant_by_ends_with_fewer_keys_and_by_no_other_end() {
        let end = |name| Reference::new("urn:a", &[("Name", name), ("System", "s")]);
        let known = Reference::association("urn:x", [("One", end("1")), ("Other", end("2"))]);
        let given = Reference::association(
            "urn:x",
            [("One", Reference::by_key("urn:a", "Name", "1")), ("Other", end("2"))],
        );
        assert!(known.is_meant_by(&given));
        let swapped = Reference::association("urn:x", [("One", end("2")), ("Other", end("2"))]);
        assert!(!known.is_meant_by(&swapped));
    }
}
