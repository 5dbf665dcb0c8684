//! SOAP envelopes: what a request looks like and where the answer is in a reply (wsman 4, 5). Called by `client`.

use zeroize::Zeroizing;

use super::fault::Fault;
use super::resource::{ANONYMOUS, Resource, Selectors};
use super::xml::{ADDRESSING, ENUMERATION, Element, IDENTITY, SOAP, WSMAN, XmlError};

/// A request but for its number.
#[derive(Debug, Clone)]
pub(super) struct Request {
    /// Action and resource; an Identify request has neither.
    about: Option<(String, Resource, Selectors)>,
    body: Option<Element>,
    /// Whether it may be sent again when it is not known whether firmware has executed it.
    pub(super) is_safe: bool,
}

impl Request {
    pub(super) fn get(resource: Resource, selectors: Selectors) -> Self {
        Self::transfer("Get", resource, selectors, None)
    }

    pub(super) fn put(resource: Resource, selectors: Selectors, instance: Element) -> Self {
        Self::transfer("Put", resource, selectors, Some(instance))
    }

    pub(super) fn create(resource: Resource, instance: Element) -> Self {
        Self::transfer("Create", resource, Selectors::none(), Some(instance))
    }

    pub(super) fn delete(resource: Resource, selectors: Selectors) -> Self {
        Self::transfer("Delete", resource, selectors, None)
    }

    pub(super) fn enumerate(resource: Resource) -> Self {
        Self::enumeration("Enumerate", resource, Element::new(ENUMERATION, "Enumerate"))
    }

    pub(super) fn pull(resource: Resource, context: &str) -> Self {
        let number = |name: &str, value: u32| Element::new(ENUMERATION, name).with_text(value.to_string());
        let body = Element::new(ENUMERATION, "Pull")
            .with_child(Element::new(ENUMERATION, "EnumerationContext").with_text(context))
            .with_child(number("MaxElements", PULL_ELEMENTS))
            .with_child(number("MaxCharacters", PULL_CHARACTERS));
        Self::enumeration("Pull", resource, body)
    }

    pub(super) fn release(resource: Resource, context: &str) -> Self {
        let body = Element::new(ENUMERATION, "Release")
            .with_child(Element::new(ENUMERATION, "EnumerationContext").with_text(context));
        Self::enumeration("Release", resource, body)
    }

    /// A method; `input` holds the parameters and has the name that wsman 5 prescribes.
    pub(super) fn invoke(resource: Resource, selectors: Selectors, method: &str, input: Element) -> Self {
        let action = format!("{}/{method}", resource.namespace());
        Self { about: Some((action, resource, selectors)), body: Some(input), is_safe: false }
    }

    /// A method that changes nothing.
    pub(super) fn consult(resource: Resource, method: &str, input: Element) -> Self {
        Self { is_safe: true, ..Self::invoke(resource, Selectors::none(), method, input) }
    }

    pub(super) fn identify() -> Self {
        Self { about: None, body: Some(Element::new(IDENTITY, "Identify")), is_safe: true }
    }

    fn transfer(action: &str, resource: Resource, selectors: Selectors, body: Option<Element>) -> Self {
        let is_safe = action == "Get";
        Self { about: Some((format!("{TRANSFER}/{action}"), resource, selectors)), body, is_safe }
    }

    fn enumeration(action: &str, resource: Resource, body: Element) -> Self {
        let about = (format!("{ENUMERATION}/{action}"), resource, Selectors::none());
        Self { about: Some(about), body: Some(body), is_safe: true }
    }

    /// The whole message. It is wiped after use, as its body may hold a secret.
    pub(super) fn to_xml(&self, message: u32) -> Result<Zeroizing<Vec<u8>>, XmlError> {
        let mut header = Element::new(SOAP, "Header");
        if let Some((action, resource, selectors)) = &self.about {
            let address = Element::new(ADDRESSING, "Address").with_text(ANONYMOUS);
            header.push(Element::new(ADDRESSING, "Action").with_text(action));
            header.push(Element::new(ADDRESSING, "To").with_text("/wsman"));
            header.push(Element::new(WSMAN, "ResourceURI").with_text(resource.uri()));
            header.push(Element::new(ADDRESSING, "MessageID").with_text(message.to_string()));
            header.push(Element::new(ADDRESSING, "ReplyTo").with_child(address));
            header.push(Element::new(WSMAN, "OperationTimeout").with_text(OPERATION_TIMEOUT));
            if !selectors.is_empty() {
                header.push(selectors.to_element());
            }
        }
        let mut body = Element::new(SOAP, "Body");
        body.children_extend(self.body.clone());
        Element::new(SOAP, "Envelope").with_child(header).with_child(body).to_xml()
    }
}

impl Element {
    fn children_extend(&mut self, children: impl IntoIterator<Item = Self>) {
        children.into_iter().for_each(|child| self.push(child));
    }
}

/// What a reply says.
#[derive(Debug)]
pub(super) enum Reply {
    /// The content of the body; some answers have none.
    Body(Option<Element>),
    /// Firmware refused.
    Fault(Fault),
}

impl Reply {
    /// Parses a whole message. `Ok(None)` if it is XML and no SOAP envelope.
    pub(super) fn parse(message: &[u8]) -> Result<Option<Self>, XmlError> {
        let envelope = Element::parse(message)?;
        if envelope.name() != "Envelope" || &**envelope.namespace() != SOAP {
            return Ok(None);
        }
        let Some(body) = envelope.into_child("Body") else { return Ok(None) };
        let content = body.into_children().into_iter().next();
        Ok(Some(match content {
            Some(fault) if fault.name() == "Fault" && &**fault.namespace() == SOAP => {
                Self::Fault(Fault::from_element(&fault))
            }
            content => Self::Body(content),
        }))
    }
}

const TRANSFER: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
/// How long firmware may work on a request; what all known clients send.
const OPERATION_TIMEOUT: &str = "PT60S";
/// Most instances in one answer to Pull.
const PULL_ELEMENTS: u32 = 999;
/// Most characters in one answer to Pull.
const PULL_CHARACTERS: u32 = 99_999;
