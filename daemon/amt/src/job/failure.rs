//! What errors of the host interface and of WSMAN mean for a job: reason and sentence. In one place, so that the same
//! trouble is called the same in every job.

use std::fmt::Display;

use super::{Failure, Reason};
use crate::{
    amthi::AmthiError,
    ask::{AnswerError, AskError},
    machine::ReachError,
    wsman::{LoginError, PropertyError, ReturnValue, Subcode, WsmanError, XmlError},
};

impl From<AskError> for Failure {
    fn from(error: AskError) -> Self {
        let reason = match &error {
            AskError::NotOpened(_) | AskError::Reach(_) => Reason::FirmwareUnreachable,
            AskError::Answer(AnswerError::Amthi(AmthiError::AmtDisabled)) => Reason::AmtDisabled,
            AskError::Answer(AnswerError::Amthi(AmthiError::Status(_))) => Reason::FirmwareRefused,
            AskError::Answer(_) => Reason::AnswerUnusable,
        };
        Self::new(reason, sentence(error))
    }
}

/// If firmware refuses a password that it gave out itself, no other password that the user could give would help.
impl From<WsmanError> for Failure {
    fn from(error: WsmanError) -> Self {
        match &error {
            WsmanError::Login(LoginError::Rejected { user }) if user.starts_with(OWN_ACCOUNT) => {
                let sentence = format!(
                    "The firmware refuses the local system account `{user}`, which it gave out itself."
                );
                Self::new(Reason::AccessDenied, sentence)
                    .next("Try again. If it happens again, restart the machine, which renews the account.")
            }
            _ => Self::new(reason(&error), sentence(error)),
        }
    }
}

impl From<PropertyError> for Failure {
    fn from(error: PropertyError) -> Self {
        Self::new(Reason::AnswerUnusable, sentence(error))
    }
}

fn reason(error: &WsmanError) -> Reason {
    match error {
        WsmanError::Connect(ReachError::Stopping) => Reason::ShuttingDown,
        WsmanError::Connect(_)
        | WsmanError::NotCarried { is_certain: true, .. }
        | WsmanError::Status(SERVICE_UNAVAILABLE) => Reason::WsmanUnreachable,
        WsmanError::Tls(_) => Reason::TlsFailed,
        WsmanError::Silent(_) | WsmanError::Lost | WsmanError::NotCarried { .. } => Reason::AnswerLost,
        WsmanError::Login(LoginError::Rejected { .. } | LoginError::Required) => Reason::PasswordWrong,
        WsmanError::Login(LoginError::NotSendable)
        | WsmanError::Resource(_)
        | WsmanError::Xml(XmlError::Forbidden | XmlError::Name) => Reason::RequestInvalid,
        WsmanError::Status(FORBIDDEN) => Reason::AccessDenied,
        WsmanError::Status(_) => Reason::FirmwareFault,
        WsmanError::Fault(fault) if fault.subcode == Subcode::AccessDenied => Reason::AccessDenied,
        WsmanError::Fault(_) => Reason::FirmwareFault,
        WsmanError::Returned(_) => Reason::FirmwareRefused,
        _ => Reason::AnswerUnusable,
    }
}

/// As [`Failure::from`], with a reason of its own for a method that firmware refused.
pub(super) fn refused(error: WsmanError, reason: Reason) -> Failure {
    match error.returned() {
        Some(value) => Failure::new(reason, refusal(value)),
        None => error.into(),
    }
}

fn refusal(value: &ReturnValue) -> String {
    format!("The firmware refused: {value}.")
}

/// The device could not be read at the end, so that the result is not known.
pub(super) fn unreadable(error: &Failure) -> Failure {
    let sentence =
        format!("The result of the job is not known, because the device cannot be read. {}", error.sentence);
    Failure::new(Reason::StateUnreadable, sentence)
}

/// As a sentence: begins with a capital, ends with a full stop.
pub(super) fn sentence(error: impl Display) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{first}{}{stop}", characters.as_str())
}

/// Accounts that firmware gives out to programs of its own machine begin so (amthi 3.12).
const OWN_ACCOUNT: &str = "$$";
const FORBIDDEN: u16 = 403;
const SERVICE_UNAVAILABLE: u16 = 503;
