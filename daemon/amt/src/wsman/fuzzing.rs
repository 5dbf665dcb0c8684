//! Private parsers as `tests/fuzz` calls them. Only built with `cfg(fuzzing)`; called by nobody else.

use super::{
    Credentials, Fault, LoginError, XmlError,
    digest::{About, Login},
    envelope::Reply,
    xml::Element,
};
use crate::Secret;

/// A reply of firmware: the content of its body or a fault; `None` if it is XML and no envelope.
///
/// # Errors
///
/// [`XmlError`], if it is no XML that SOAP allows.
pub fn reply(message: &[u8]) -> Result<Option<Result<Option<Element>, Fault>>, XmlError> {
    Ok(Reply::parse(message)?.map(|reply| match reply {
        Reply::Body(content) => Ok(content),
        Reply::Fault(fault) => Err(fault),
    }))
}

/// The `Authorization` field for a challenge.
///
/// # Errors
///
/// [`LoginError`], if the challenge cannot be answered.
pub fn authorization(challenge: &str) -> Result<String, LoginError> {
    let password = Secret::new("P@ssw0rd".to_owned());
    let mut login = Login::new(Some(Credentials { user: "admin".to_owned(), password }));
    login.refused(std::iter::once(challenge))?;
    let answer = login.authorization(&About { method: "POST", uri: "/wsman", body: b"" })?;
    answer.ok_or(LoginError::Required)
}
