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
}

impl Reference {
    /// A reference to an instance of a class known here.
    pub(super) fn new(resource: &'static str, selectors: &[(&'static str, &'static str)]) -> Self {
        let selectors = selectors.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        Self { resource: resource.into(), selectors }
    }

    /// Reads a reference out of an element that holds one, with or without an `EndpointReference` around it.
    pub(super) fn read(element: &Element) -> Option<Self> {
        let holder = element.child(Namespace::Addressing, "EndpointReference").unwrap_or(element);
        let parameters = holder.child(Namespace::Addressing, "ReferenceParameters")?;
        let resource = parameters.child(Namespace::Wsman, "ResourceURI")?.text().to_owned().into();
        let set = parameters.child(Namespace::Wsman, "SelectorSet");
        let selectors = set.into_iter().flat_map(|set| set.children(Namespace::Wsman, "Selector"));
        let selectors = selectors
            .filter_map(|selector| {
                Some((selector.selector_name()?.to_owned().into(), selector.text().to_owned().into()))
            })
            .collect();
        Some(Self { resource, selectors })
    }

    /// Whether `other`, given by a client, means this one: the same class and no selector that differs.
    pub(super) fn is_meant_by(&self, other: &Self) -> bool {
        self.resource == other.resource
            && other.selectors.iter().all(|selector| self.selectors.contains(selector))
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

impl From<Reference> for Value {
    fn from(value: Reference) -> Self {
        Self::Reference(value)
    }
}
