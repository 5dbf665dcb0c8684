//! XML of requests: a small tree with resolved namespaces.
//!
//! Parsed by quick-xml's namespace reader, so that any prefix works. Requests are not trusted: depth and number of elements
//! are limited, a document type declaration is refused, entities other than XML's own five are refused. Called by `envelope`.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// Deepest nesting of elements.
const MAX_DEPTH: usize = 32;
/// Most elements of a document.
const MAX_ELEMENTS: usize = 2000;

/// Why a body is not an XML document that the server takes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum XmlError {
    #[error("the body is not UTF-8")]
    Encoding,
    #[error("the body is not well-formed XML")]
    Syntax,
    #[error("the body uses a namespace prefix that it does not declare")]
    Prefix,
    #[error("the body has a document type declaration or an entity of its own")]
    Entity,
    #[error("the body has more than {MAX_ELEMENTS} elements or is nested deeper than {MAX_DEPTH}")]
    Size,
}

/// The namespaces of the protocol; classes have theirs in `Other`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Namespace {
    None,
    Soap,
    Addressing,
    Wsman,
    Enumeration,
    Identity,
    /// Of the attribute `nil`.
    Instance,
    Other(String),
}

impl Namespace {
    /// URIs of wsman 4, of those that the server looks for.
    const KNOWN: [(&'static str, Self); 6] = [
        ("http://www.w3.org/2003/05/soap-envelope", Self::Soap),
        ("http://schemas.xmlsoap.org/ws/2004/08/addressing", Self::Addressing),
        ("http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd", Self::Wsman),
        ("http://schemas.xmlsoap.org/ws/2004/09/enumeration", Self::Enumeration),
        ("http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd", Self::Identity),
        ("http://www.w3.org/2001/XMLSchema-instance", Self::Instance),
    ];

    fn of(uri: &str) -> Self {
        let known = Self::KNOWN.iter().find(|(known, _)| *known == uri);
        known.map_or_else(|| Self::Other(uri.to_owned()), |(_, namespace)| namespace.clone())
    }
}

/// An element.
#[derive(Debug)]
pub(super) struct Element {
    namespace: Namespace,
    name: String,
    attributes: Vec<Attribute>,
    text: String,
    children: Vec<Self>,
}

#[derive(Debug)]
struct Attribute {
    namespace: Namespace,
    name: String,
    value: String,
}

impl Element {
    /// Whether the element has this expanded name.
    pub(super) fn is(&self, namespace: Namespace, name: &str) -> bool {
        self.name == name && self.namespace == namespace
    }

    pub(super) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its own text, without white space around it.
    pub(super) fn text(&self) -> &str {
        self.text.trim()
    }

    /// The value of an attribute without a namespace.
    fn attribute(&self, name: &str) -> Option<&str> {
        self.qualified_attribute(Namespace::None, name)
    }

    /// The value of an attribute in a namespace.
    pub(super) fn qualified_attribute(&self, namespace: Namespace, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|known| known.name == name && known.namespace == namespace);
        found.map(|attribute| attribute.value.as_str())
    }

    /// The name that a `Selector` element carries. Real firmware takes the attribute with a prefix too; a client relies on it.
    pub(super) fn selector_name(&self) -> Option<&str> {
        self.attribute("Name").or_else(|| self.qualified_attribute(Namespace::Wsman, "Name"))
    }

    /// All child elements.
    pub(super) fn elements(&self) -> &[Self] {
        &self.children
    }

    /// The first child element with this expanded name.
    pub(super) fn child(&self, namespace: Namespace, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(namespace.clone(), name))
    }

    /// Takes the first child element with this expanded name out of the tree.
    pub(super) fn take_child(&mut self, namespace: Namespace, name: &str) -> Option<Self> {
        let index = self.children.iter().position(|child| child.is(namespace.clone(), name))?;
        Some(self.children.swap_remove(index))
    }

    /// The first child element, if there is one.
    pub(super) fn into_first_child(self) -> Option<Self> {
        self.children.into_iter().next()
    }

    /// The child elements with this expanded name.
    pub(super) fn children<'a>(
        &'a self,
        namespace: Namespace,
        name: &'a str,
    ) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.is(namespace.clone(), name))
    }

    /// The child elements with this name in the element's own namespace: properties and parameters. Null counts as absent
    /// (wsman 4).
    pub(super) fn members<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        let is_member = move |child: &&Self| child.name == name && child.namespace == self.namespace;
        self.children.iter().filter(is_member).filter(|child| !child.is_nil())
    }

    fn is_nil(&self) -> bool {
        let nil = |attribute: &Attribute| {
            attribute.name == "nil"
                && attribute.namespace == Namespace::Instance
                && matches!(attribute.value.as_str(), "true" | "1")
        };
        self.attributes.iter().any(nil)
    }

    /// The first of [`Self::members`].
    pub(super) fn member<'a>(&'a self, name: &'a str) -> Option<&'a Self> {
        self.members(name).next()
    }
}

/// Parses a document and returns its root element.
pub(super) fn parse(body: &[u8]) -> Result<Element, XmlError> {
    let text = std::str::from_utf8(body).map_err(|_| XmlError::Encoding)?;
    // quick-xml lets characters pass that XML forbids; some come back in the answer, which must stay well-formed.
    if text.bytes().any(is_forbidden) || text.contains("\u{FFFE}") || text.contains("\u{FFFF}") {
        return Err(XmlError::Syntax);
    }
    // A byte order mark is allowed; quick-xml leaves it to the caller.
    let mut reader = NsReader::from_str(text.trim_start_matches('\u{FEFF}'));
    let mut builder = Builder::default();
    loop {
        let event = reader.read_event().map_err(|error| match error {
            quick_xml::Error::Namespace(_) => XmlError::Prefix,
            _ => XmlError::Syntax,
        })?;
        match event {
            Event::Start(start) => builder.open(element(&reader, &start)?)?,
            Event::Empty(start) => {
                builder.open(element(&reader, &start)?)?;
                builder.close();
            }
            Event::End(_) => builder.close(),
            Event::Text(text) => builder.text(&text.xml10_content())?,
            Event::CData(text) => builder.text(&text.xml10_content())?,
            Event::GeneralRef(reference) => builder.reference(&reference)?,
            Event::DocType(_) => return Err(XmlError::Entity),
            Event::Comment(_) | Event::PI(_) | Event::Decl(_) => {}
            Event::Eof => return builder.finish(),
        }
    }
}

/// The tree under construction.
#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    root: Option<Element>,
    count: usize,
}

impl Builder {
    fn open(&mut self, element: Element) -> Result<(), XmlError> {
        self.count += 1;
        if self.count > MAX_ELEMENTS || self.open.len() == MAX_DEPTH {
            return Err(XmlError::Size);
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(XmlError::Syntax);
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) {
        // quick-xml has checked that tags match, so that there is an open element.
        if let Some(element) = self.open.pop() {
            match self.open.last_mut() {
                Some(parent) => parent.children.push(element),
                None => self.root = Some(element),
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), XmlError> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(text),
            None if text.trim().is_empty() => {}
            None => return Err(XmlError::Syntax),
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), XmlError> {
        match reference.resolve_char_ref().map_err(|_| XmlError::Syntax)? {
            Some('\u{FFFE}' | '\u{FFFF}') => Err(XmlError::Syntax),
            Some(character) if u8::try_from(character).is_ok_and(is_forbidden) => Err(XmlError::Syntax),
            Some(character) => self.text(character.encode_utf8(&mut [0; 4])),
            None => self.text(resolve_xml_entity(&reference.xml10_content()).ok_or(XmlError::Entity)?),
        }
    }

    fn finish(self) -> Result<Element, XmlError> {
        if self.open.is_empty() { self.root.ok_or(XmlError::Syntax) } else { Err(XmlError::Syntax) }
    }
}

/// Control characters other than tabulator and line ends.
fn is_forbidden(byte: u8) -> bool {
    byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')
}

/// An element without its content.
fn element(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, XmlError> {
    let (namespace, name) = reader.resolver().resolve_element(start.name());
    let namespace = resolved(&namespace)?;
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| XmlError::Syntax)?;
        if attribute.key.as_namespace_binding().is_some() {
            continue;
        }
        let (space, key) = reader.resolver().resolve_attribute(attribute.key);
        let value =
            attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(|_| XmlError::Syntax)?;
        let (namespace, name) = (resolved(&space)?, key.into_inner().to_owned());
        attributes.push(Attribute { namespace, name, value: value.into_owned() });
    }
    let name = name.into_inner().to_owned();
    Ok(Element { namespace, name, attributes, text: String::new(), children: Vec::new() })
}

fn resolved(namespace: &ResolveResult<'_>) -> Result<Namespace, XmlError> {
    match namespace {
        ResolveResult::Bound(uri) => Ok(Namespace::of(uri.0)),
        ResolveResult::Unbound => Ok(Namespace::None),
        ResolveResult::Unknown(_) => Err(XmlError::Prefix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_resolved_whatever_the_prefix() {
        let soap = "http://www.w3.org/2003/05/soap-envelope";
        for document in [
            format!("<Envelope xmlns='{soap}'><Body/></Envelope>"),
            format!(
                "<?xml version='1.0'?>\n<x:Envelope xmlns:x=\"{soap}\"> <x:Body></x:Body><!-- c --> </x:Envelope>"
            ),
            format!("\u{FEFF}<q:Envelope xmlns:q='{soap}'><z:Body xmlns:z='{soap}' z:a='1'/></q:Envelope>"),
        ] {
            let root = parse(document.as_bytes()).expect("well-formed");
            assert!(root.is(Namespace::Soap, "Envelope"));
            assert!(root.child(Namespace::Soap, "Body").is_some(), "{document}");
        }
    }

    #[test]
    fn text_is_joined_over_references_and_sections() {
        let root = parse(b"<a b='&lt;&#x41;'> x &amp; &#65;<![CDATA[<&]]> </a>").expect("well-formed");
        assert_eq!(root.text(), "x & A<&");
        assert_eq!(root.attribute("b"), Some("<A"));
    }

    #[test]
    fn damaged_and_hostile_documents_are_refused() {
        let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
        let wide = format!("<a>{}</a>", "<b/>".repeat(3000));
        for (document, expected) in [
            ("", XmlError::Syntax),
            ("text", XmlError::Syntax),
            ("<a>", XmlError::Syntax),
            ("<a></b>", XmlError::Syntax),
            ("<a/><b/>", XmlError::Syntax),
            ("<a b=1/>", XmlError::Syntax),
            ("<a>\u{1}</a>", XmlError::Syntax),
            ("<a>&#1;</a>", XmlError::Syntax),
            ("<a>&#xFFFF;</a>", XmlError::Syntax),
            ("<x:a/>", XmlError::Prefix),
            ("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", XmlError::Entity),
            ("<a>&e;</a>", XmlError::Entity),
            (deep.as_str(), XmlError::Size),
            (wide.as_str(), XmlError::Size),
        ] {
            assert_eq!(parse(document.as_bytes()).map(|_| ()), Err(expected), "{document:.40}");
        }
        assert_eq!(parse(b"<a>\xFF</a>").map(|_| ()), Err(XmlError::Encoding));
    }
}
