//! What a method returns: a number whose meaning depends on the method (wsman 7, 9.2). Made by `client` for every
//! method, checked by the classes.

use std::fmt;

use super::resource::Resource;
use super::xml::Element;
use crate::amthi::Status;

/// The number that a method returned, and which method it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReturnValue {
    class: String,
    method: String,
    code: u32,
}

impl ReturnValue {
    /// Of this class's method.
    pub fn new(class: impl Into<String>, method: impl Into<String>, code: u32) -> Self {
        Self { class: class.into(), method: method.into(), code }
    }

    /// From a method's output. One that has none succeeded (wsman 7); `None` if it is not a number.
    pub(super) fn from_output(resource: &Resource, method: &str, output: &Element) -> Option<Self> {
        let code = match output.child("ReturnValue") {
            Some(value) => value.text().parse().ok()?,
            None => 0,
        };
        Some(Self::new(resource.class(), method, code))
    }

    /// The number.
    pub const fn code(&self) -> u32 {
        self.code
    }

    /// The class.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// The method.
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Whether it worked. A change of state that goes on as a job (4096) has worked.
    pub fn is_success(&self) -> bool {
        self.code == 0 || (self.code == JOB_STARTED && matches!(self.table(), Table::StateChange))
    }

    /// The AMT status, for methods that return one.
    pub fn status(&self) -> Option<Status> {
        matches!(self.table(), Table::Status).then(|| Status::from_code(self.code))
    }

    /// What the number means for this method, if it is known.
    pub fn name(&self) -> Option<&'static str> {
        let names: &[(u32, &'static str)] = match self.table() {
            Table::Status => return Status::from_code(self.code).name(),
            Table::Setup => &SETUP,
            Table::CertificateChain => &CERTIFICATE_CHAIN,
            Table::StateChange => &STATE_CHANGE,
        };
        names.iter().find(|(code, _)| *code == self.code).map(|(_, name)| *name)
    }

    /// Nothing, if it worked.
    ///
    /// # Errors
    ///
    /// The value itself, which says which method refused and why.
    pub fn check(self) -> Result<(), Self> {
        if self.is_success() { Ok(()) } else { Err(self) }
    }

    /// Which numbers apply. Those of the setup service are its own.
    fn table(&self) -> Table {
        match (self.class.as_str(), self.method.as_str()) {
            ("IPS_HostBasedSetupService", "AddNextCertInChain") => Table::CertificateChain,
            ("IPS_HostBasedSetupService", _) => Table::Setup,
            (_, "RequestStateChange" | "RequestPowerStateChange") => Table::StateChange,
            _ => Table::Status,
        }
    }
}

/// `AMT_X.Method returned NAME (5)`.
impl fmt::Display for ReturnValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{} returned ", self.class, self.method)?;
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.code),
            None => write!(f, "{}", self.code),
        }
    }
}

impl std::error::Error for ReturnValue {}

/// The numbers of a group of methods.
enum Table {
    Status,
    Setup,
    CertificateChain,
    StateChange,
}

const JOB_STARTED: u32 = 4096;

const SETUP: [(u32, &str); 7] = [
    (0, "SUCCESS"),
    (1, "INTERNAL_ERROR"),
    (2, "INVALID_STATE"),
    (3, "INVALID_PARAMETER"),
    (4, "METHOD_DISABLED"),
    (5, "AUTHENTICATION_FAILED"),
    (6, "FLASH_WRITE_LIMIT_EXCEEDED"),
];

const CERTIFICATE_CHAIN: [(u32, &str); 6] = [
    (0, "SUCCESS"),
    (1, "INVALID_PARAMETER"),
    (2, "INTERNAL_ERROR"),
    (3, "INVALID_STATE"),
    (4, "CERTIFICATE_VERIFICATION_FAILED"),
    (5, "CHAIN_LENGTH_EXCEEDED"),
];

const STATE_CHANGE: [(u32, &str); 11] = [
    (0, "DONE"),
    (1, "NOT_SUPPORTED"),
    (2, "UNKNOWN_ERROR"),
    (3, "TIMEOUT"),
    (4, "FAILED"),
    (5, "INVALID_PARAMETER"),
    (6, "IN_USE"),
    (JOB_STARTED, "JOB_STARTED"),
    (4097, "INVALID_TRANSITION"),
    (4098, "TIMEOUT_PARAMETER_NOT_SUPPORTED"),
    (4099, "BUSY"),
];
