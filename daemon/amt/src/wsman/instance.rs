//! Instances of classes: a tree, and typed views of it that keep what they do not know. Classes are in `classes`.

use std::str::FromStr;
use std::sync::Arc;

use super::resource::{Reference, Resource, Selectors};
use super::xml::Element;

/// An instance of any class. Properties are children in the namespace of the class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    element: Element,
}

/// A typed view of the instances of one class. It owns the whole instance, so that a Put gives back every property
/// that firmware sent.
pub trait Class: From<Instance> + AsRef<Instance> + Send {
    /// The name of the class.
    const NAME: &'static str;

    /// What selects this instance for Put and Delete. None where the class has but one.
    fn selectors(&self) -> Selectors {
        Selectors::none()
    }
}

impl Instance {
    /// An instance without properties, for Create.
    pub fn new(resource: &Resource) -> Self {
        Self { element: Element::new(resource.namespace(), resource.class()) }
    }

    /// From the element that firmware sent.
    pub const fn from_element(element: Element) -> Self {
        Self { element }
    }

    /// The element.
    pub const fn element(&self) -> &Element {
        &self.element
    }

    /// The element, taken out.
    pub fn into_element(self) -> Element {
        self.element
    }

    /// The text of a property. `None` if it is missing or has no value.
    pub fn text(&self, property: &str) -> Option<&str> {
        self.texts(property).next()
    }

    /// The texts of a property that is an array.
    pub fn texts<'a>(&'a self, property: &str) -> impl Iterator<Item = &'a str> {
        self.element.children_named(property).filter(|value| !value.is_nil()).map(Element::text)
    }

    /// A property that must be there.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Missing`].
    pub fn required(&self, property: &'static str) -> Result<&str, PropertyError> {
        self.text(property).ok_or_else(|| self.missing(property))
    }

    /// A number, if it is there.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`], if it is no number.
    pub fn number(&self, property: &'static str) -> Result<Option<u32>, PropertyError> {
        self.text(property).map(|text| self.parsed(property, text)).transpose()
    }

    /// A number that must be there.
    ///
    /// # Errors
    ///
    /// [`PropertyError`], if it is missing or no number.
    pub fn required_number(&self, property: &'static str) -> Result<u32, PropertyError> {
        self.number(property)?.ok_or_else(|| self.missing(property))
    }

    /// The numbers of a property that is an array.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`], if one of them is no number.
    pub fn numbers(&self, property: &'static str) -> Result<Vec<u32>, PropertyError> {
        self.texts(property).map(|text| self.parsed(property, text)).collect()
    }

    /// A truth value, if it is there.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`], if it is none.
    pub fn boolean(&self, property: &'static str) -> Result<Option<bool>, PropertyError> {
        self.text(property)
            .map(|text| match text {
                "true" | "1" => Ok(true),
                "false" | "0" => Ok(false),
                _ => Err(self.wrong(property)),
            })
            .transpose()
    }

    /// A truth value that must be there.
    ///
    /// # Errors
    ///
    /// [`PropertyError`], if it is missing or none.
    pub fn required_boolean(&self, property: &'static str) -> Result<bool, PropertyError> {
        self.boolean(property)?.ok_or_else(|| self.missing(property))
    }

    /// A reference to an instance that must be there.
    ///
    /// # Errors
    ///
    /// [`PropertyError`], if it is missing or no reference.
    pub fn reference(&self, property: &'static str) -> Result<Reference, PropertyError> {
        let element = self.element.child(property).ok_or_else(|| self.missing(property))?;
        Reference::from_element(element).ok_or_else(|| self.wrong(property))
    }

    /// Sets a property to one value.
    pub fn set(&mut self, property: &str, value: impl ToString) {
        self.set_all(property, [value]);
    }

    /// Sets a property that is an array. No value removes it.
    pub fn set_all(&mut self, property: &str, values: impl IntoIterator<Item = impl ToString>) {
        let namespace = self.element.namespace().clone();
        let value = |value: &dyn ToString| {
            Element::new(Arc::clone(&namespace), property).with_text(value.to_string())
        };
        let values: Vec<_> = values.into_iter().map(|one| value(&one)).collect();
        self.element.replace(property, values);
    }

    /// Removes a property, which Put then leaves to firmware.
    pub fn remove(&mut self, property: &str) {
        self.element.replace(property, []);
    }

    fn parsed<T: FromStr>(&self, property: &'static str, text: &str) -> Result<T, PropertyError> {
        text.parse().map_err(|_| self.wrong(property))
    }

    fn missing(&self, property: &'static str) -> PropertyError {
        PropertyError::Missing { class: self.element.name().to_owned(), property }
    }

    fn wrong(&self, property: &'static str) -> PropertyError {
        PropertyError::Value { class: self.element.name().to_owned(), property }
    }
}

/// A property is not as its class says. The value is not shown, as some are secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertyError {
    /// It is not there.
    #[error("AMT's answer has no {class}.{property}")]
    Missing {
        /// The class, or the output of the method.
        class: String,
        /// The property.
        property: &'static str,
    },
    /// It has a value that it cannot have.
    #[error("AMT's answer has a {class}.{property} that cannot be understood")]
    Value {
        /// The class, or the output of the method.
        class: String,
        /// The property.
        property: &'static str,
    },
}
