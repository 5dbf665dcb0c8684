//! The parameters of a method. Made by whoever calls one, turned into XML by `client`.

use zeroize::Zeroizing;

use super::resource::{Reference, Resource};
use super::xml::Element;
use crate::Secret;

/// The parameters of a method, in the order of its schema.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters(Vec<Parameter>);

/// One parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Parameter {
    /// In the namespace of the class.
    Text(String, Zeroizing<String>),
    Reference(String, Reference),
    /// As it is.
    Element(Element),
}

impl Parameters {
    /// None.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The same with one more: number, truth value or text.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        self.0.push(Parameter::Text(name.into(), value.to_string().into()));
        self
    }

    /// The same with one more that is secret. The copy is wiped after use.
    #[must_use]
    pub fn with_secret(mut self, name: impl Into<String>, value: &Secret) -> Self {
        self.0.push(Parameter::Text(name.into(), value.expose().to_owned().into()));
        self
    }

    /// The same with one more that refers to an instance.
    #[must_use]
    pub fn with_reference(mut self, name: impl Into<String>, value: Reference) -> Self {
        self.0.push(Parameter::Reference(name.into(), value));
        self
    }

    /// The same with one more that is a tree, such as an instance of another class.
    #[must_use]
    pub fn with_element(mut self, element: Element) -> Self {
        self.0.push(Parameter::Element(element));
        self
    }

    /// The `_INPUT` element of a method (wsman 5).
    pub(super) fn into_input(self, resource: &Resource, method: &str) -> Element {
        let mut input = Element::new(resource.namespace(), format!("{method}_INPUT"));
        let namespace = input.namespace().clone();
        for parameter in self.0 {
            input.push(match parameter {
                Parameter::Text(name, value) => {
                    Element::new(namespace.clone(), name).with_text(value.as_str())
                }
                Parameter::Reference(name, reference) => reference.to_element(&namespace, &name),
                Parameter::Element(element) => element,
            });
        }
        input
    }
}
