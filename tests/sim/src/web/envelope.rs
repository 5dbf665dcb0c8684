//! SOAP envelopes: reading requests, writing answers in firmware's shape (wsman 4, 5).
//!
//! Requests are read by namespace, never by prefix. Answers are one line, with the prefixes that real firmware uses: `a` SOAP,
//! `b` addressing, `c` wsman, `d` trust, `e` security, `f` CIM binding, then `g`, `h`, `i` as needed. Called by `operations`.

use quick_xml::escape::escape;

use super::fault::Fault;
use super::value::{Instance, Reference, Value, date_time};
use super::xml::{self, Element, Namespace};

/// Actions of the standard operations.
pub(super) const TRANSFER: &str = "http://schemas.xmlsoap.org/ws/2004/09/transfer";
pub(super) const ENUMERATION: &str = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
const IDENTITY: &str = "http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd";
const ANONYMOUS: &str = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous";
const COMMON: &str = "http://schemas.dmtf.org/wbem/wscim/1/common";

/// Smallest `MaxEnvelopeSize` that is accepted (wsman 1).
const MIN_ENVELOPE: usize = 50_000;

/// A request.
#[derive(Debug, Default)]
pub(super) struct Call {
    pub(super) action: String,
    pub(super) resource: String,
    pub(super) message_id: Option<String>,
    pub(super) selectors: Vec<(String, SelectorValue)>,
    /// Most bytes of the answer (`MaxEnvelopeSize`).
    pub(super) max_envelope: Option<usize>,
    /// The first element of the body.
    pub(super) body: Option<Element>,
}

/// Value of a selector in a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SelectorValue {
    Text(String),
    Reference(Reference),
}

impl Call {
    /// Parses a request. The error carries the request's MessageID, as far as it got.
    pub(super) fn parse(body: &[u8]) -> Result<Self, (Option<String>, Fault)> {
        let mut call = Self::default();
        match xml::parse(body).map_err(Fault::from).and_then(|root| call.read(root)) {
            Ok(()) => Ok(call),
            Err(fault) => Err((call.message_id, fault)),
        }
    }

    /// Whether this is the Identify operation, which has no headers.
    pub(super) fn is_identify(&self) -> bool {
        self.body.as_ref().is_some_and(|body| body.is(Namespace::Identity, "Identify"))
    }

    fn read(&mut self, mut root: Element) -> Result<(), Fault> {
        if !root.is(Namespace::Soap, "Envelope") {
            let other_soap = root.name() == "Envelope";
            return Err(if other_soap { Fault::VersionMismatch } else { Fault::SchemaValidationError });
        }
        let headers = root.child(Namespace::Soap, "Header").map_or(&[] as &[_], Element::elements);
        // The MessageID first: a fault in another header still answers it.
        self.message_id = find(headers, Namespace::Addressing, "MessageID").map(|id| id.text().to_owned());
        headers.iter().try_for_each(|header| self.read_header(header))?;
        let body = root.take_child(Namespace::Soap, "Body").ok_or(Fault::SchemaValidationError)?;
        self.body = body.into_first_child();
        Ok(())
    }

    fn read_header(&mut self, header: &Element) -> Result<(), Fault> {
        match (header.namespace(), header.name()) {
            (Namespace::Addressing, "Action") => self.action = header.text().to_owned(),
            (Namespace::Wsman, "ResourceURI") => self.resource = header.text().to_owned(),
            (Namespace::Wsman, "SelectorSet") => {
                self.selectors = header
                    .children(Namespace::Wsman, "Selector")
                    .map(read_selector)
                    .collect::<Result<_, _>>()?;
            }
            (Namespace::Wsman, "MaxEnvelopeSize") => {
                let size = header.text().parse().map_err(|_| Fault::SchemaValidationError)?;
                if size < MIN_ENVELOPE {
                    return Err(Fault::EncodingLimit);
                }
                self.max_envelope = Some(size);
            }
            (Namespace::Addressing, "To" | "From" | "MessageID" | "ReplyTo" | "FaultTo")
            | (Namespace::Wsman, "OperationTimeout" | "Locale") => {}
            _ if must_understand(header) => return Err(Fault::MustUnderstand),
            _ => {}
        }
        Ok(())
    }
}

fn find<'a>(elements: &'a [Element], namespace: Namespace, name: &str) -> Option<&'a Element> {
    elements.iter().find(|element| element.is(namespace.clone(), name))
}

fn must_understand(header: &Element) -> bool {
    matches!(header.qualified_attribute(Namespace::Soap, "mustUnderstand"), Some("true" | "1"))
}

fn read_selector(selector: &Element) -> Result<(String, SelectorValue), Fault> {
    let name = selector.selector_name().ok_or(Fault::InvalidSelectors)?.to_owned();
    let value = if selector.elements().is_empty() {
        SelectorValue::Text(selector.text().to_owned())
    } else {
        SelectorValue::Reference(Reference::read(selector).ok_or(Fault::InvalidSelectors)?)
    };
    Ok((name, value))
}

/// Bytes of a Pull's answer besides its items, with room to spare.
pub(super) const PULL_OVERHEAD: usize = 4096;

/// What an answer's body holds.
#[derive(Debug)]
pub(super) enum Answer {
    /// Get and Put: the instance.
    Instance(&'static str, Instance),
    /// Create: a reference to the new instance.
    Created(Reference),
    /// Delete and Release.
    Empty(&'static str),
    /// Enumerate: the context.
    Enumerated(String),
    /// Pull: the items, each written by [`write_item`] with prefix `h`, their namespace, and the next context unless this was the end.
    Pulled { items: String, namespace: &'static str, next: Option<String> },
    /// A method's outputs: resource, the method's name, and whether the Action of the answer gets the suffix `Response`.
    Method { resource: &'static str, name: &'static str, outputs: Instance, suffix: bool },
    /// Identify: the AMT version.
    Identity(String),
}

/// Header values of an answer.
pub(super) struct Heading<'a> {
    pub(super) relates_to: Option<&'a str>,
    /// Number of this answer.
    pub(super) message: u64,
    /// Resource URI of the request.
    pub(super) resource: &'a str,
}

/// Writes an answer.
pub(super) fn write_answer(heading: &Heading<'_>, answer: &Answer) -> Vec<u8> {
    let mut out = Writer::new();
    match answer {
        Answer::Instance(action, instance) => {
            out.open(heading, action, &[heading.resource]);
            out.instance('g', class_name(heading.resource), instance);
        }
        Answer::Created(reference) => {
            out.open(heading, &format!("{TRANSFER}/CreateResponse"), &[TRANSFER]);
            out.element('g', "ResourceCreated", |out| out.reference(reference));
        }
        Answer::Empty(action) => out.open(heading, action, &[]),
        Answer::Enumerated(context) => {
            out.open(heading, &format!("{ENUMERATION}/EnumerateResponse"), &[ENUMERATION]);
            out.element('g', "EnumerateResponse", |out| out.text_element('g', "EnumerationContext", context));
        }
        Answer::Pulled { items, namespace, next } => {
            out.open(heading, &format!("{ENUMERATION}/PullResponse"), &[ENUMERATION, namespace, COMMON]);
            out.pull_response(items, next.as_deref());
        }
        Answer::Method { resource, name, outputs, suffix } => {
            let suffix = if *suffix { "Response" } else { "" };
            out.open(heading, &format!("{resource}/{name}{suffix}"), &[resource]);
            out.instance('g', &format!("{name}_OUTPUT"), outputs);
        }
        Answer::Identity(version) => {
            out.open_bare(&[IDENTITY]);
            out.identify_response(version);
        }
    }
    out.close()
}

/// Writes a fault.
pub(super) fn write_fault(heading: &Heading<'_>, fault: Fault) -> Vec<u8> {
    let mut out = Writer::new();
    let extra = fault.extra_namespace();
    out.open(heading, fault.action(), extra.as_slice());
    out.element('a', "Fault", |out| {
        out.element('a', "Code", |out| {
            out.text_element('a', "Value", &format!("a:{}", fault.code()));
            if let Some((prefix, name)) = fault.subcode() {
                out.element('a', "Subcode", |out| {
                    out.text_element('a', "Value", &format!("{prefix}:{name}"));
                });
            }
        });
        out.element('a', "Reason", |out| {
            out.push(&["<a:Text xml:lang=\"en-US\">", fault.reason(), "</a:Text>"]);
        });
        out.push(&["<a:Detail></a:Detail>"]);
    });
    out.close()
}

/// Writes one item of a Pull into `out`.
pub(super) fn write_item(out: &mut String, class: &str, instance: &Instance) {
    let mut writer = Writer(std::mem::take(out));
    writer.instance('h', class, instance);
    *out = writer.0;
}

/// The class's name: the last part of its resource URI.
pub(super) fn class_name(resource: &str) -> &str {
    resource.rsplit('/').next().unwrap_or(resource)
}

struct Writer(String);

impl Writer {
    fn new() -> Self {
        Self(String::with_capacity(3072))
    }

    fn push(&mut self, parts: &[&str]) {
        parts.iter().for_each(|part| self.0.push_str(part));
    }

    fn text(&mut self, text: &str) {
        self.0.push_str(&escape(text));
    }

    /// Everything up to the body's start tag; `namespaces` get the prefixes from `g` on.
    fn open(&mut self, heading: &Heading<'_>, action: &str, namespaces: &[&str]) {
        self.declare(namespaces);
        self.push(&["<a:Header><b:To>", ANONYMOUS, "</b:To>"]);
        if let Some(relates_to) = heading.relates_to {
            self.text_element('b', "RelatesTo", relates_to);
        }
        self.push(&["<b:Action a:mustUnderstand=\"true\">", action, "</b:Action>"]);
        let message = format!("{:012X}", heading.message);
        self.push(&["<b:MessageID>uuid:00000000-8086-8086-8086-", &message, "</b:MessageID>"]);
        if !heading.resource.is_empty() {
            self.text_element('c', "ResourceURI", heading.resource);
        }
        self.push(&["</a:Header><a:Body>"]);
    }

    /// As [`Self::open`], with an empty header.
    fn open_bare(&mut self, namespaces: &[&str]) {
        self.declare(namespaces);
        self.push(&["<a:Header></a:Header><a:Body>"]);
    }

    fn declare(&mut self, namespaces: &[&str]) {
        self.push(&[
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
            "<a:Envelope xmlns:a=\"http://www.w3.org/2003/05/soap-envelope\"",
            " xmlns:b=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\"",
            " xmlns:c=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\"",
            " xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/02/trust\"",
            " xmlns:e=\"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd\"",
            " xmlns:f=\"http://schemas.dmtf.org/wbem/wsman/1/cimbinding.xsd\"",
        ]);
        for (prefix, namespace) in ('g'..='z').zip(namespaces) {
            self.0.push_str(" xmlns:");
            self.0.push(prefix);
            self.push(&["=\"", &escape(*namespace), "\""]);
        }
        self.push(&[" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">"]);
    }

    fn close(mut self) -> Vec<u8> {
        self.push(&["</a:Body></a:Envelope>"]);
        self.0.into_bytes()
    }

    fn element(&mut self, prefix: char, name: &str, content: impl FnOnce(&mut Self)) {
        self.tag("<", prefix, name);
        content(self);
        self.tag("</", prefix, name);
    }

    fn tag(&mut self, opening: &str, prefix: char, name: &str) {
        self.0.push_str(opening);
        self.0.push(prefix);
        self.push(&[":", name, ">"]);
    }

    fn text_element(&mut self, prefix: char, name: &str, text: &str) {
        self.element(prefix, name, |out| out.text(text));
    }

    fn instance(&mut self, prefix: char, name: &str, instance: &Instance) {
        self.element(prefix, name, |out| {
            instance.0.iter().for_each(|(property, value)| out.property(prefix, property, value));
        });
    }

    fn property(&mut self, prefix: char, name: &str, value: &Value) {
        match value {
            Value::List(values) => values.iter().for_each(|value| self.property(prefix, name, value)),
            Value::Bool(value) => {
                let text = if *value { "true" } else { "false" };
                self.element(prefix, name, |out| out.push(&[text]));
            }
            Value::Number(value) => self.element(prefix, name, |out| out.push(&[&value.to_string()])),
            Value::Text(text) => self.text_element(prefix, name, text),
            Value::Time(seconds) => self.element(prefix, name, |out| {
                out.push(&["<t:Datetime xmlns:t=\"", COMMON, "\">", &date_time(*seconds), "</t:Datetime>"]);
            }),
            Value::Reference(reference) => self.element(prefix, name, |out| out.reference(reference)),
        }
    }

    fn reference(&mut self, reference: &Reference) {
        // Observed: a reference to nothing, which methods return when they fail, has this address.
        let address = if reference.resource.is_empty() { "default" } else { ANONYMOUS };
        self.push(&["<b:Address>", address, "</b:Address>"]);
        self.element('b', "ReferenceParameters", |out| {
            out.text_element('c', "ResourceURI", &reference.resource);
            out.element('c', "SelectorSet", |out| {
                for (name, value) in &reference.selectors {
                    out.push(&["<c:Selector Name=\"", &escape(name.as_ref()), "\">"]);
                    out.text(value);
                    out.push(&["</c:Selector>"]);
                }
                for (name, end) in &reference.nested {
                    out.push(&["<c:Selector Name=\"", &escape(name.as_ref()), "\">"]);
                    out.element('b', "EndpointReference", |out| out.reference(end));
                    out.push(&["</c:Selector>"]);
                }
            });
        });
    }

    fn pull_response(&mut self, items: &str, next: Option<&str>) {
        self.element('g', "PullResponse", |out| {
            if let Some(context) = next {
                out.text_element('g', "EnumerationContext", context);
            }
            out.element('g', "Items", |out| out.push(&[items]));
            if next.is_none() {
                out.element('g', "EndOfSequence", |_| {});
            }
        });
    }

    fn identify_response(&mut self, version: &str) {
        self.element('g', "IdentifyResponse", |out| {
            out.text_element('g', "ProtocolVersion", "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd");
            out.text_element('g', "ProductVendor", "Intel(R)");
            out.text_element('g', "ProductVersion", &format!("AMT {version}"));
        });
    }
}
