//! SOAP faults: what the server does not know or does not do (wsman 6).
//!
//! Raised by `envelope`, `operations` and `classes`; written by `envelope`. All go out with HTTP status 400.

use super::xml::XmlError;

/// A fault. The variants are named after their subcodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The user may not do this.
    AccessDenied,
    /// The operation or the method is unknown for this class.
    ActionNotSupported,
    /// Create of an instance that exists.
    AlreadyExists,
    /// The class is unknown, or no instance has these keys.
    DestinationUnreachable,
    /// The client wants a smaller envelope than the server can promise.
    EncodingLimit,
    /// The enumeration is over, or never was.
    InvalidEnumerationContext,
    /// A parameter's value is out of its range.
    InvalidParameter,
    /// The instance to be written lacks a property, or one of them is wrong.
    InvalidRepresentation,
    /// A selector is no key of the class, or several instances match.
    InvalidSelectors,
    /// A header that every request needs is missing.
    MessageInformationHeaderRequired,
    /// A header that must be understood is not.
    MustUnderstand,
    /// No room for another instance.
    QuotaLimit,
    /// The body does not have the form of the request.
    SchemaValidationError,
    /// A feature of the protocol that this server does not have.
    UnsupportedFeature,
    /// Not SOAP 1.2.
    VersionMismatch,
}

/// Namespace of a subcode: the prefix that it has in the answer.
const ADDRESSING: &str = "b";
const WSMAN: &str = "c";
/// Free prefix: bound to the URI that [`Fault::extra_namespace`] names.
const EXTRA: &str = "g";

impl Fault {
    /// The SOAP code's local name.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::MustUnderstand => "MustUnderstand",
            Self::VersionMismatch => "VersionMismatch",
            Self::QuotaLimit => "Receiver",
            _ => "Sender",
        }
    }

    /// Prefix and local name of the subcode, if there is one.
    pub(super) fn subcode(self) -> Option<(&'static str, &'static str)> {
        Some(match self {
            Self::AccessDenied => (WSMAN, "AccessDenied"),
            Self::ActionNotSupported => (ADDRESSING, "ActionNotSupported"),
            Self::AlreadyExists => (WSMAN, "AlreadyExists"),
            Self::DestinationUnreachable => (ADDRESSING, "DestinationUnreachable"),
            Self::EncodingLimit => (WSMAN, "EncodingLimit"),
            Self::InvalidEnumerationContext => (EXTRA, "InvalidEnumerationContext"),
            Self::InvalidParameter => (WSMAN, "InvalidParameter"),
            Self::InvalidRepresentation => (EXTRA, "InvalidRepresentation"),
            Self::InvalidSelectors => (WSMAN, "InvalidSelectors"),
            Self::MessageInformationHeaderRequired => (ADDRESSING, "MessageInformationHeaderRequired"),
            Self::QuotaLimit => (WSMAN, "QuotaLimit"),
            Self::SchemaValidationError => (WSMAN, "SchemaValidationError"),
            Self::UnsupportedFeature => (WSMAN, "UnsupportedFeature"),
            Self::MustUnderstand | Self::VersionMismatch => return None,
        })
    }

    /// The namespace that the free prefix stands for.
    pub(super) fn extra_namespace(self) -> Option<&'static str> {
        match self {
            Self::InvalidEnumerationContext => Some("http://schemas.xmlsoap.org/ws/2004/09/enumeration"),
            Self::InvalidRepresentation => Some("http://schemas.xmlsoap.org/ws/2004/09/transfer"),
            _ => None,
        }
    }

    /// The Action of the answer: each specification has its own.
    pub(super) fn action(self) -> &'static str {
        match self.subcode() {
            Some((WSMAN, _)) => "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault",
            Some((EXTRA, "InvalidEnumerationContext")) => {
                "http://schemas.xmlsoap.org/ws/2004/09/enumeration/fault"
            }
            Some((EXTRA, _)) => "http://schemas.xmlsoap.org/ws/2004/09/transfer/fault",
            _ => "http://schemas.xmlsoap.org/ws/2004/08/addressing/fault",
        }
    }

    /// One sentence for people.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::AccessDenied => "The sender was not authorized to access the resource.",
            Self::ActionNotSupported => "The action is not supported by the service.",
            Self::AlreadyExists => "The sender attempted to create a resource which already exists.",
            Self::DestinationUnreachable => {
                "No route can be determined to reach the destination role defined by the WSAddressing To."
            }
            Self::EncodingLimit => "The maximum envelope size must not be below 50000 octets.",
            Self::InvalidEnumerationContext => "The supplied enumeration context is invalid.",
            Self::InvalidParameter => "An operation parameter is not valid.",
            Self::InvalidRepresentation => "The XML content of the resource is not valid.",
            Self::InvalidSelectors => "The selectors for the resource are not valid.",
            Self::MessageInformationHeaderRequired => "A required message header is missing.",
            Self::MustUnderstand => "A header that must be understood is not supported.",
            Self::QuotaLimit => "The service is busy servicing other requests or has no room left.",
            Self::SchemaValidationError => {
                "The supplied SOAP violates the corresponding XML schema definition."
            }
            Self::UnsupportedFeature => "The specified feature is not supported.",
            Self::VersionMismatch => "The envelope is not SOAP 1.2.",
        }
    }
}

impl From<XmlError> for Fault {
    fn from(_: XmlError) -> Self {
        Self::SchemaValidationError
    }
}
