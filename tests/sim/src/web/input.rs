//! Typed reading of what a client sends: the properties of a Put or Create, the parameters of a method.
//!
//! A value that is missing is `None`; one that is there but has the wrong form is a fault. Called by `classes`.

use std::str::FromStr;

use super::fault::Fault;
use super::value::Reference;
use super::xml::Element;

/// The element that holds the values; a method without parameters may have none.
#[derive(Debug, Clone, Copy)]
pub(super) struct Input<'a>(pub(super) Option<&'a Element>);

impl<'a> Input<'a> {
    /// Text.
    pub(super) fn text(self, name: &'a str) -> Option<&'a str> {
        self.0?.member(name).map(Element::text)
    }

    /// The values of an embedded instance: the parameter's children, which are in the namespace of its class.
    pub(super) fn holder(self, name: &'a str) -> Option<Embedded<'a>> {
        self.0?.member(name).map(Embedded)
    }

    /// Text of at most `limit` characters.
    pub(super) fn short_text(self, name: &'a str, limit: usize) -> Result<Option<&'a str>, Fault> {
        match self.text(name) {
            Some(text) if text.chars().count() > limit => Err(Fault::InvalidParameter),
            other => Ok(other),
        }
    }

    /// A boolean.
    pub(super) fn flag(self, name: &'a str) -> Result<Option<bool>, Fault> {
        boolean(self.text(name))
    }

    /// A number, or anything else that is read from its text.
    pub(super) fn number<T: FromStr>(self, name: &'a str) -> Result<Option<T>, Fault> {
        self.text(name).map(|text| text.parse().map_err(|_| Fault::SchemaValidationError)).transpose()
    }

    /// The values of an array.
    pub(super) fn numbers<T: FromStr>(self, name: &'a str) -> Result<Vec<T>, Fault> {
        let elements = self.0.into_iter().flat_map(|holder| holder.members(name));
        elements.map(|element| element.text().parse().map_err(|_| Fault::SchemaValidationError)).collect()
    }

    /// The references of an array.
    pub(super) fn references(self, name: &'a str) -> Result<Vec<Reference>, Fault> {
        let elements = self.0.into_iter().flat_map(|holder| holder.members(name));
        elements.map(|element| Reference::read(element).ok_or(Fault::SchemaValidationError)).collect()
    }

    /// A reference to an instance.
    pub(super) fn reference(self, name: &'a str) -> Result<Option<Reference>, Fault> {
        let holder = self.0.and_then(|holder| holder.member(name));
        holder.map(|element| Reference::read(element).ok_or(Fault::SchemaValidationError)).transpose()
    }
}

/// An instance inside a parameter.
#[derive(Debug, Clone, Copy)]
pub(super) struct Embedded<'a>(&'a Element);

impl<'a> Embedded<'a> {
    /// Text.
    pub(super) fn text(self, name: &str) -> Option<&'a str> {
        self.0.elements().iter().find(|child| child.name() == name).map(Element::text)
    }

    /// Text of the element inside a property, or else the property's own.
    pub(super) fn inner_text(self, name: &str) -> Option<&'a str> {
        let property = self.0.elements().iter().find(|child| child.name() == name)?;
        Some(property.elements().first().unwrap_or(property).text())
    }

    /// A number.
    pub(super) fn number<T: FromStr>(self, name: &str) -> Result<Option<T>, Fault> {
        self.text(name).map(|text| text.parse().map_err(|_| Fault::SchemaValidationError)).transpose()
    }

    /// A boolean.
    pub(super) fn flag(self, name: &str) -> Result<Option<bool>, Fault> {
        boolean(self.text(name))
    }
}

fn boolean(text: Option<&str>) -> Result<Option<bool>, Fault> {
    match text {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(_) => Err(Fault::SchemaValidationError),
    }
}

/// Turns a missing value into the fault for it.
pub(super) fn required<T>(value: Option<T>) -> Result<T, Fault> {
    value.ok_or(Fault::SchemaValidationError)
}
