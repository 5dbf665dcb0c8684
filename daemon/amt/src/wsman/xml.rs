//! XML as a small tree with resolved namespaces, read and written by quick-xml.
//!
//! A tree and not serde types: a Put must give back every property of an instance, also those that this crate does not
//! know and those of firmware to come, and a raw call must carry any class. The typed classes are views of the tree.
//!
//! What firmware sends is not trusted: depth and number of elements are bounded, a document type declaration and
//! entities of its own are refused. Text is wiped when an element is dropped, and `Debug` does not show it, because
//! some of it is a secret. Used by `envelope`, `json`, `resource` and the classes.

use std::fmt;
use std::sync::Arc;

use quick_xml::Writer;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesEnd, BytesRef, BytesStart, BytesText, Event};
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;
use zeroize::Zeroizing;

/// An element: expanded name, attributes, text, children. Order among children is kept, that between text and
/// children is not: no class of AMT mixes them.
#[derive(Clone, PartialEq, Eq)]
pub struct Element {
    namespace: Arc<str>,
    name: String,
    attributes: Vec<Attribute>,
    text: Zeroizing<String>,
    children: Vec<Self>,
}

/// An attribute: expanded name and value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    /// Its namespace; empty for most.
    pub namespace: Arc<str>,
    /// Its local name.
    pub name: String,
    /// Its value.
    pub value: String,
}

impl Element {
    /// An empty element. An empty namespace is none.
    pub fn new(namespace: impl Into<Arc<str>>, name: impl Into<String>) -> Self {
        Self {
            namespace: namespace.into(),
            name: name.into(),
            attributes: Vec::new(),
            text: Zeroizing::default(),
            children: Vec::new(),
        }
    }

    /// Parses a document and returns its root.
    ///
    /// # Errors
    ///
    /// [`XmlError`], if it is not well-formed, too large, or uses what SOAP forbids.
    pub fn parse(document: &[u8]) -> Result<Self, XmlError> {
        let text = str::from_utf8(document).map_err(|_| XmlError::Encoding)?;
        // A byte order mark is allowed; quick-xml leaves it to the caller.
        let mut reader = NsReader::from_str(text.trim_start_matches('\u{FEFF}'));
        let mut builder = Builder::default();
        loop {
            let event = reader.read_event().map_err(|error| match error {
                quick_xml::Error::Namespace(_) => XmlError::Prefix,
                _ => XmlError::Syntax,
            })?;
            match event {
                Event::Start(start) => builder.open(&reader, &start)?,
                Event::Empty(start) => {
                    builder.open(&reader, &start)?;
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

    /// The element and all below it as a document without a declaration.
    ///
    /// # Errors
    ///
    /// [`XmlError::Forbidden`], if a text or a value has a character that XML cannot carry; [`XmlError::Name`], if a
    /// name is none.
    pub fn to_xml(&self) -> Result<Zeroizing<Vec<u8>>, XmlError> {
        // Grown rarely, as what is left behind by growing is not wiped.
        let mut writer = Writer::new(Vec::with_capacity(USUAL_SIZE));
        write(&mut writer, self, &mut Vec::new())?;
        Ok(Zeroizing::new(writer.into_inner()))
    }

    /// The same with a text instead of what was in it.
    #[must_use]
    pub fn with_text(mut self, text: impl Into<String>) -> Self {
        self.text = Zeroizing::new(text.into());
        self
    }

    /// The same with one more attribute.
    #[must_use]
    pub fn with_attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let namespace = Arc::from("");
        self.attributes.push(Attribute { namespace, name: name.into(), value: value.into() });
        self
    }

    /// The same with one more child.
    #[must_use]
    pub fn with_child(mut self, child: Self) -> Self {
        self.children.push(child);
        self
    }

    /// Replaces the text.
    pub fn set_text(&mut self, text: impl Into<String>) {
        self.text = Zeroizing::new(text.into());
    }

    /// Adds a child.
    pub fn push(&mut self, child: Self) {
        self.children.push(child);
    }

    /// Adds an attribute.
    pub fn push_attribute(&mut self, attribute: Attribute) {
        self.attributes.push(attribute);
    }

    /// The namespace; empty for none.
    pub fn namespace(&self) -> &Arc<str> {
        &self.namespace
    }

    /// The local name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its own text, without white space around it.
    pub fn text(&self) -> &str {
        self.text.trim()
    }

    /// The attributes.
    pub fn attributes(&self) -> &[Attribute] {
        &self.attributes
    }

    /// The value of the attribute with this local name, whatever its namespace.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|attribute| attribute.name == name)?;
        Some(&found.value)
    }

    /// The children.
    pub fn children(&self) -> &[Self] {
        &self.children
    }

    /// The children, taken out of it.
    pub fn into_children(self) -> Vec<Self> {
        self.children
    }

    /// The first child with this local name. Namespaces do not matter: some firmware gets them wrong (wsman 18).
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children_named(name).next()
    }

    /// All children with this local name.
    pub fn children_named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first child with this local name, taken out of it.
    pub fn into_child(self, name: &str) -> Option<Self> {
        self.children.into_iter().find(|child| child.name == name)
    }

    /// Whether this stands for no value (`xsi:nil`).
    pub fn is_nil(&self) -> bool {
        let nil =
            |attribute: &&Attribute| &*attribute.namespace == SCHEMA_INSTANCE && attribute.name == "nil";
        self.attributes.iter().find(nil).is_some_and(|nil| matches!(nil.value.trim(), "true" | "1"))
    }

    /// Replaces all children of this local name by the ones given, at the place of the first.
    pub fn replace(&mut self, name: &str, with: impl IntoIterator<Item = Self>) {
        let place = self.children.iter().position(|child| child.name == name).unwrap_or(self.children.len());
        self.children.retain(|child| child.name != name);
        let after = self.children.split_off(place.min(self.children.len()));
        self.children.extend(with);
        self.children.extend(after);
    }
}

/// The names only: texts and values may be secrets.
impl fmt::Debug for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}", self.name)?;
        f.write_str(if self.text.trim().is_empty() { "" } else { " (text)" })?;
        self.children.iter().try_for_each(|child| write!(f, " {child:?}"))?;
        f.write_str(">")
    }
}

/// Why XML cannot be read or written. Says nothing of its content, which may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum XmlError {
    /// Not UTF-8.
    #[error("the XML is not UTF-8")]
    Encoding,
    /// Not well-formed, or cut off.
    #[error("the XML is not well-formed, or is cut off")]
    Syntax,
    /// A prefix that is not declared.
    #[error("the XML uses a namespace prefix that it does not declare")]
    Prefix,
    /// A document type declaration, or an entity that is not XML's own.
    #[error("the XML has a document type declaration or an entity of its own")]
    Entity,
    /// Too many elements, or too deep.
    #[error("the XML has more than {MAX_ELEMENTS} elements or is nested deeper than {MAX_DEPTH}")]
    Size,
    /// A character that XML cannot carry.
    #[error("a value has a control character in it, which XML cannot carry")]
    Forbidden,
    /// A name that is none.
    #[error("a name is not one that an XML element or attribute can have")]
    Name,
}

/// The tree under construction.
#[derive(Default)]
struct Builder {
    open: Vec<Element>,
    root: Option<Element>,
    count: usize,
    /// Namespaces so far, so that elements share them.
    namespaces: Vec<Arc<str>>,
}

impl Builder {
    fn open(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<(), XmlError> {
        self.count = self.count.saturating_add(1);
        if self.count > MAX_ELEMENTS || self.open.len() >= MAX_DEPTH {
            return Err(XmlError::Size);
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(XmlError::Syntax);
        }
        let element = self.element(reader, start)?;
        self.open.push(element);
        Ok(())
    }

    /// An element without its content.
    fn element(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Element, XmlError> {
        let (namespace, name) = reader.resolver().resolve_element(start.name());
        let mut element = Element::new(self.resolved(&namespace)?, read_name(name.into_inner())?);
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| XmlError::Syntax)?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let (namespace, key) = reader.resolver().resolve_attribute(attribute.key);
            let value = attribute
                .normalized_value(quick_xml::XmlVersion::Implicit1_0)
                .map_err(|_| XmlError::Syntax)?;
            element.push_attribute(Attribute {
                namespace: self.resolved(&namespace)?,
                name: read_name(key.into_inner())?.to_owned(),
                value: value.into_owned(),
            });
        }
        Ok(element)
    }

    fn resolved(&mut self, namespace: &ResolveResult<'_>) -> Result<Arc<str>, XmlError> {
        let uri = match namespace {
            // quick-xml compares namespaces as they are written.
            ResolveResult::Bound(uri) => unescape(uri.0).map_err(|_| XmlError::Entity)?,
            ResolveResult::Unbound => "".into(),
            ResolveResult::Unknown(_) => return Err(XmlError::Prefix),
        };
        if let Some(known) = self.namespaces.iter().find(|known| ***known == *uri) {
            return Ok(known.clone());
        }
        let namespace: Arc<str> = uri.into();
        self.namespaces.push(namespace.clone());
        Ok(namespace)
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
            Some(character) => self.text(character.encode_utf8(&mut [0; 4])),
            None => self.text(resolve_xml_entity(&reference.xml10_content()).ok_or(XmlError::Entity)?),
        }
    }

    fn finish(self) -> Result<Element, XmlError> {
        if self.open.is_empty() { self.root.ok_or(XmlError::Syntax) } else { Err(XmlError::Syntax) }
    }
}

/// Prefixes in scope. Each is declared where it is first needed; none is ever the default, as some firmware has been
/// seen with prefixes only.
type Scope = Vec<(Arc<str>, String)>;

fn write(writer: &mut Writer<Vec<u8>>, element: &Element, scope: &mut Scope) -> Result<(), XmlError> {
    let outer = scope.len();
    let name = qualified(&element.namespace, &element.name, scope)?;
    let attributes = element
        .attributes
        .iter()
        .map(|attribute| {
            check_text(&attribute.value)?;
            Ok((qualified(&attribute.namespace, &attribute.name, scope)?, attribute.value.as_str()))
        })
        .collect::<Result<Vec<_>, XmlError>>()?;
    let mut start = BytesStart::new(name.as_str());
    for (namespace, prefix) in scope.get(outer..).unwrap_or_default() {
        start.push_attribute((format!("xmlns:{prefix}").as_str(), &**namespace));
    }
    for (name, value) in &attributes {
        start.push_attribute((name.as_str(), *value));
    }
    check_text(&element.text)?;
    if element.children.is_empty() && element.text.is_empty() {
        put(writer, Event::Empty(start))?;
    } else {
        put(writer, Event::Start(start))?;
        // White space between the children of a document that was read is no text of it.
        let text = if element.children.is_empty() { element.text.as_str() } else { element.text() };
        put(writer, Event::Text(BytesText::new(text)))?;
        element.children.iter().try_for_each(|child| write(writer, child, scope))?;
        put(writer, Event::End(BytesEnd::new(name.as_str())))?;
    }
    scope.truncate(outer);
    Ok(())
}

/// Writing to memory does not fail.
fn put(writer: &mut Writer<Vec<u8>>, event: Event<'_>) -> Result<(), XmlError> {
    writer.write_event(event).map_err(|_| XmlError::Syntax)
}

/// The name with its prefix, which comes into scope if it is not.
fn qualified(namespace: &Arc<str>, name: &str, scope: &mut Scope) -> Result<String, XmlError> {
    if !is_name(name) {
        return Err(XmlError::Name);
    }
    if namespace.is_empty() {
        return Ok(name.to_owned());
    }
    if &**namespace == XML {
        // Declared from the start, and never under another prefix.
        return Ok(format!("xml:{name}"));
    }
    if let Some((_, prefix)) = scope.iter().rfind(|(known, _)| known == namespace) {
        return Ok(format!("{prefix}:{name}"));
    }
    check_text(namespace)?;
    let usual = USUAL_PREFIXES.iter().find(|(known, _)| *known == &**namespace);
    let prefix = usual.map_or_else(|| format!("h{}", scope.len()), |(_, prefix)| (*prefix).to_owned());
    let qualified = format!("{prefix}:{name}");
    scope.push((namespace.clone(), prefix));
    Ok(qualified)
}

/// The parser takes nearly everything for a name; as JSON, such a name could pass for an attribute or a text.
fn read_name(name: &str) -> Result<&str, XmlError> {
    if is_name(name) { Ok(name) } else { Err(XmlError::Syntax) }
}

/// The names of classes and properties, and then some; not all that XML allows.
fn is_name(name: &str) -> bool {
    let start = |first: char| first.is_alphabetic() || first == '_';
    let rest = |other: char| other.is_alphanumeric() || matches!(other, '_' | '-' | '.');
    name.starts_with(start) && name.chars().all(rest)
}

fn check_text(text: &str) -> Result<(), XmlError> {
    let forbidden = |character: char| matches!(character, '\0'..='\u{8}' | '\u{B}' | '\u{C}' | '\u{E}'..='\u{1F}' | '\u{FFFE}' | '\u{FFFF}');
    if text.contains(forbidden) { Err(XmlError::Forbidden) } else { Ok(()) }
}

/// The namespaces of the protocol with their usual prefixes (wsman 4).
pub(super) const SOAP: &str = "http://www.w3.org/2003/05/soap-envelope";
pub(super) const ADDRESSING: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing";
pub(super) const WSMAN: &str = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd";
pub(super) const ENUMERATION: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
pub(super) const IDENTITY: &str = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";
/// Where `lang` is.
const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// Where `nil` is.
pub(super) const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

const USUAL_PREFIXES: [(&str, &str); 6] = [
    (SOAP, "s"),
    (ADDRESSING, "a"),
    (WSMAN, "w"),
    (ENUMERATION, "n"),
    (IDENTITY, "id"),
    (SCHEMA_INSTANCE, "xsi"),
];

/// More than any request but those with certificates.
const USUAL_SIZE: usize = 16 * 1024;
/// Deepest nesting of elements; the deepest of the known answers has 10.
const MAX_DEPTH: usize = 32;
/// Most elements of a document. An answer to Pull with some hundred instances has a few thousand.
const MAX_ELEMENTS: usize = 50_000;
