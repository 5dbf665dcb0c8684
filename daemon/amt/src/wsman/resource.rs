//! What a request is about: resource, selectors, references to instances (wsman 4). Used by `envelope`, by the classes
//! and by raw calls.

use std::fmt;

use super::xml::{ADDRESSING, Element, WSMAN};

/// A resource URI.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Resource(String);

impl Resource {
    /// From the name of a class, such as `AMT_GeneralSettings`, or from a whole URI.
    ///
    /// # Errors
    ///
    /// [`ResourceError`], if it is neither: the URI of a class follows from how its name begins.
    pub fn parse(text: &str) -> Result<Self, ResourceError> {
        if text.contains("://") {
            let is_uri = text.starts_with("http") && !text.contains(char::is_whitespace);
            return is_uri.then(|| Self(text.to_owned())).ok_or_else(|| ResourceError(text.to_owned()));
        }
        let schema = SCHEMAS.iter().find(|(start, _)| text.starts_with(start));
        let is_name = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        let (_, prefix) = schema.filter(|_| is_name).ok_or_else(|| ResourceError(text.to_owned()))?;
        Ok(Self(format!("{prefix}{text}")))
    }

    /// The URI.
    pub fn uri(&self) -> &str {
        &self.0
    }

    /// The namespace of the class's elements: the URI without query and fragment.
    pub fn namespace(&self) -> &str {
        self.0.split(['?', '#']).next().unwrap_or_default()
    }

    /// The name of the class: what follows the last slash.
    pub fn class(&self) -> &str {
        self.namespace().rsplit('/').next().unwrap_or_default()
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text names no resource.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a class or resource: {0:?}; give a class name that begins with AMT_, IPS_ or CIM_, or a whole URI"
)]
pub struct ResourceError(String);

/// The selectors of an instance: names and values, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selectors(Vec<(String, Selector)>);

/// The value of a selector.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Selector {
    Text(String),
    Reference(Reference),
}

impl Selectors {
    /// None: for a class with one instance.
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// The same with one more.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.push((name.into(), Selector::Text(value.into())));
        self
    }

    /// The same with one more whose value is a reference.
    #[must_use]
    pub fn with_reference(mut self, name: impl Into<String>, value: Reference) -> Self {
        self.0.push((name.into(), Selector::Reference(value)));
        self
    }

    /// The value of the one with this name, if it is text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(known, value)| match value {
            Selector::Text(text) if known == name => Some(text.as_str()),
            _ => None,
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The `SelectorSet` element.
    pub(super) fn to_element(&self) -> Element {
        let mut set = Element::new(WSMAN, "SelectorSet");
        for (name, value) in &self.0 {
            let selector = Element::new(WSMAN, "Selector").with_attribute("Name", name);
            set.push(match value {
                Selector::Text(text) => selector.with_text(text),
                Selector::Reference(reference) => {
                    selector.with_child(reference.to_element(ADDRESSING, "EndpointReference"))
                }
            });
        }
        set
    }

    fn from_element(set: &Element) -> Option<Self> {
        let selectors = set.children_named("Selector").map(|selector| {
            let name = selector.attribute("Name")?.to_owned();
            let value = match selector.child("EndpointReference") {
                Some(reference) => Selector::Reference(Reference::from_element(reference)?),
                None => Selector::Text(selector.text().to_owned()),
            };
            Some((name, value))
        });
        selectors.collect::<Option<_>>().map(Self)
    }
}

/// A reference to an instance (EPR).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Its class.
    pub resource: Resource,
    /// Which instance.
    pub selectors: Selectors,
}

impl Reference {
    /// From an element that holds a reference. `None` if it does not.
    pub fn from_element(element: &Element) -> Option<Self> {
        let parameters = element.child("ReferenceParameters")?;
        let resource = Resource::parse(parameters.child("ResourceURI")?.text()).ok()?;
        let selectors = parameters
            .child("SelectorSet")
            .map_or_else(|| Some(Selectors::none()), Selectors::from_element)?;
        Some(Self { resource, selectors })
    }

    /// As an element of this name.
    pub fn to_element(&self, namespace: &str, name: &str) -> Element {
        let uri = Element::new(WSMAN, "ResourceURI").with_text(self.resource.uri());
        let parameters = Element::new(ADDRESSING, "ReferenceParameters")
            .with_child(uri)
            .with_child(self.selectors.to_element());
        Element::new(namespace, name)
            .with_child(Element::new(ADDRESSING, "Address").with_text(ANONYMOUS))
            .with_child(parameters)
    }
}

/// The address of whoever is at the other end of the connection.
pub(super) const ANONYMOUS: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";

const SCHEMAS: [(&str, &str); 3] = [
    ("AMT_", "http://intel.com/wbem/wscim/1/amt-schema/1/"),
    ("IPS_", "http://intel.com/wbem/wscim/1/ips-schema/1/"),
    ("CIM_", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/"),
];
