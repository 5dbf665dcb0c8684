//! SOAP faults as types (wsman 6). Made by `envelope` from what firmware sends.

use std::fmt;

use super::xml::Element;

/// Firmware's refusal of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Who is to blame by SOAP's rules: `Sender` or `Receiver` (without a prefix).
    pub code: String,
    /// What is wrong.
    pub subcode: Subcode,
    /// A sentence for people; empty if there is none.
    pub reason: String,
    /// More of it; empty if there is none, as usual.
    pub detail: String,
}

/// What is wrong: the local name of the fault's subcode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subcode {
    /// The class or the instance does not exist, or the feature is not in the platform.
    DestinationUnreachable,
    /// Wrong or insufficient keys.
    InvalidSelectors,
    /// The user may not, or the control mode does not allow it.
    AccessDenied,
    /// The instance to be created exists.
    AlreadyExists,
    /// A parameter is wrong.
    InvalidParameter,
    /// The body does not match the schema.
    SchemaValidationError,
    /// The body is not a whole instance.
    InvalidRepresentation,
    /// The method or operation is not supported.
    ActionNotSupported,
    /// Another request is in the way.
    Concurrency,
    /// Firmware took too long.
    TimedOut,
    /// Firmware failed.
    InternalError,
    /// Firmware has too much to do.
    QuotaLimit,
    /// The enumeration has expired.
    InvalidEnumerationContext,
    /// Any other; empty if there is none.
    Other(String),
}

impl Fault {
    pub(super) fn from_element(fault: &Element) -> Self {
        let code = fault.child("Code");
        let value = |code: Option<&Element>| local(code.and_then(|code| code.child("Value"))).to_owned();
        let subcode = value(code.and_then(|code| code.child("Subcode")));
        let reason = fault.child("Reason").and_then(|reason| reason.child("Text"));
        Self {
            code: value(code),
            subcode: Subcode::from_name(&subcode),
            reason: reason.map(|reason| shortened(reason.text())).unwrap_or_default(),
            detail: fault.child("Detail").map(|detail| shortened(&texts(detail))).unwrap_or_default(),
        }
    }

    /// Whether the same request may do better later.
    pub fn is_retryable(&self) -> bool {
        use Subcode::{Concurrency, InternalError, QuotaLimit, TimedOut};
        matches!(self.subcode, Concurrency | TimedOut | InternalError | QuotaLimit)
    }

    /// Whether firmware may have executed the request, or a part of it, all the same.
    pub fn is_uncertain(&self) -> bool {
        matches!(self.subcode, Subcode::TimedOut | Subcode::InternalError)
    }
}

impl Subcode {
    fn from_name(name: &str) -> Self {
        let known = NAMES.iter().find(|(known, _)| *known == name);
        known.map_or_else(|| Self::Other(shortened(name)), |(_, subcode)| subcode.clone())
    }

    /// Its name on the wire, without a prefix.
    pub fn name(&self) -> &str {
        match self {
            Self::Other(name) => name,
            known => NAMES.iter().find(|(_, subcode)| subcode == known).map_or("", |(name, _)| name),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subcode = self.subcode.name();
        f.write_str(if subcode.is_empty() { &self.code } else { subcode })?;
        let mut more = [&self.reason, &self.detail].into_iter().filter(|text| !text.is_empty());
        more.try_for_each(|text| write!(f, ": {text}"))
    }
}

impl std::error::Error for Fault {}

/// The text without a namespace prefix.
fn local(element: Option<&Element>) -> &str {
    let text = element.map_or("", Element::text);
    text.rsplit(':').next().unwrap_or_default()
}

/// All texts below an element.
fn texts(element: &Element) -> String {
    let below = element.children().iter().map(texts);
    let all: Vec<_> = std::iter::once(element.text().to_owned()).chain(below).collect();
    all.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

/// At most so much of a text of firmware's gets into messages, and no control characters.
fn shortened(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(MAX_TEXT).collect()
}

const MAX_TEXT: usize = 300;

const NAMES: [(&str, Subcode); 13] = [
    ("DestinationUnreachable", Subcode::DestinationUnreachable),
    ("InvalidSelectors", Subcode::InvalidSelectors),
    ("AccessDenied", Subcode::AccessDenied),
    ("AlreadyExists", Subcode::AlreadyExists),
    ("InvalidParameter", Subcode::InvalidParameter),
    ("SchemaValidationError", Subcode::SchemaValidationError),
    ("InvalidRepresentation", Subcode::InvalidRepresentation),
    ("ActionNotSupported", Subcode::ActionNotSupported),
    ("Concurrency", Subcode::Concurrency),
    ("TimedOut", Subcode::TimedOut),
    ("InternalError", Subcode::InternalError),
    ("QuotaLimit", Subcode::QuotaLimit),
    ("InvalidEnumerationContext", Subcode::InvalidEnumerationContext),
];
