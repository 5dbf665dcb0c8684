//! Why a request has no answer. One type for the whole client, because every operation can fail in each of these ways.

use std::time::Duration;

use super::digest::LoginError;
use super::fault::Fault;
use super::instance::PropertyError;
use super::resource::ResourceError;
use super::return_value::ReturnValue;
use super::tls::TlsError;
use super::xml::XmlError;
use crate::machine::ReachError;

/// Why a request has no answer, or none that is a success. No variant holds what was sent.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WsmanError {
    /// Firmware could not be reached: nothing was sent.
    #[error(transparent)]
    Connect(#[from] ReachError),
    /// TLS could not be set up: nothing was sent.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No whole answer came in time.
    #[error("AMT did not answer the request within {0:?}")]
    Silent(Duration),
    /// The connection ended before the answer was whole.
    #[error("AMT closed the connection before it had answered: its server restarts after some changes")]
    Lost,
    /// What came is not HTTP.
    #[error("what AMT answered is not HTTP")]
    NotHttp,
    /// The answer is longer than is allowed.
    #[error("AMT's answer is longer than {0} bytes")]
    TooLong(usize),
    /// The login failed.
    #[error(transparent)]
    Login(#[from] LoginError),
    /// The daemon that carries the request answered in firmware's place. Holds what it said.
    #[error("{cause}")]
    NotCarried {
        /// Whether firmware has got nothing of the request.
        is_certain: bool,
        /// One sentence without a full stop.
        cause: String,
    },
    /// An HTTP status that stands for an error and brings no fault with it.
    #[error("AMT answered with HTTP status {0}")]
    Status(u16),
    /// What came, or was to be sent, is not XML.
    #[error(transparent)]
    Xml(#[from] XmlError),
    /// The answer is SOAP and has no such thing in it.
    #[error("AMT's answer has no {0}")]
    Missing(&'static str),
    /// Firmware refused the request.
    #[error("AMT refused the request: {0}")]
    Fault(#[source] Fault),
    /// Firmware refused the method.
    #[error(transparent)]
    Returned(#[from] ReturnValue),
    /// A property of the answer is missing or not what it should be.
    #[error(transparent)]
    Property(#[from] PropertyError),
    /// The resource is none.
    #[error(transparent)]
    Resource(#[from] ResourceError),
    /// There are more instances than are read.
    #[error("the class has more instances than the {0} that are read at most")]
    TooMany(usize),
}

impl WsmanError {
    /// Whether the same request can do better after a pause.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect(error) => error.is_retryable(),
            Self::Lost | Self::NotCarried { .. } => true,
            Self::Status(status) => *status == SERVICE_UNAVAILABLE,
            Self::Fault(fault) => fault.is_retryable(),
            _ => false,
        }
    }

    /// Whether firmware may have executed the request although no success came back: its state must be read.
    pub fn is_uncertain(&self) -> bool {
        match self {
            Self::NotCarried { is_certain, .. } => !is_certain,
            Self::Silent(_)
            | Self::Lost
            | Self::NotHttp
            | Self::TooLong(_)
            | Self::Status(_)
            | Self::Xml(
                XmlError::Encoding | XmlError::Syntax | XmlError::Prefix | XmlError::Entity | XmlError::Size,
            )
            | Self::Missing(_)
            | Self::Property(_)
            | Self::TooMany(_) => true,
            Self::Fault(fault) => fault.is_uncertain(),
            Self::Xml(XmlError::Forbidden | XmlError::Name)
            | Self::Connect(_)
            | Self::Tls(_)
            | Self::Login(_)
            | Self::Returned(_)
            | Self::Resource(_) => false,
        }
    }

    /// The fault, if firmware sent one.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            _ => None,
        }
    }

    /// What the method returned, if that is why.
    pub fn returned(&self) -> Option<&ReturnValue> {
        match self {
            Self::Returned(value) => Some(value),
            _ => None,
        }
    }

    /// Whether the user name and password were refused.
    pub fn is_rejected_login(&self) -> bool {
        matches!(self, Self::Login(LoginError::Rejected { .. }))
    }
}

const SERVICE_UNAVAILABLE: u16 = 503;
