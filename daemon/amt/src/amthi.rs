//! AMT host interface: the commands by which the daemon knows what it is talking to, and those that configure it.
//!
//! One MEI message is one request or one reply, strictly in turn. A [`Command`] makes the request and decodes the
//! reply. There is no transaction number in the protocol: after a timeout, or after an error that
//! [`AmthiError::is_framing`] calls a framing error, the connection is to be closed, because a late reply could be
//! taken for that of the next command (amthi 1.2).
//!
//! It owns layouts and validation; it does not connect, retry or decide what an answer means for the daemon.

mod account;
mod cira;
mod configuration;
mod error;
mod frame;
mod hashes;
mod host;
mod network;
mod reader;
mod state;
mod status;
mod versions;

pub use account::{GetLocalSystemAccount, LocalSystemAccount};
pub use cira::{CiraLog, CloseUserInitiatedConnection, GetCiraLog, OpenUserInitiatedConnection};
pub use configuration::{StartConfiguration, StartHostBasedConfiguration, StopConfiguration, Unprovision};
pub use error::AmthiError;
pub use hashes::{CertificateHash, EnumerateHashHandles, GetCertificateHash, HashAlgorithm, HashHandle};
pub use host::{Fqdn, GetDnsSuffixes, GetFqdn, SetHostFqdn};
pub use network::{
    CiraConnection, CiraNetwork, CiraStatus, CiraTrigger, DhcpMode, GetCiraStatus, GetLanSettings,
    GetPkiFqdnSuffix, LanInterface, LanSettings, MacAddress,
};
pub use state::{
    ControlMode, GetControlMode, GetEhbcState, GetProvisioningState, GetUuid, ProvisioningState, Uuid,
};
pub use status::Status;
pub use versions::{CodeVersion, CodeVersions, GetCodeVersions};

/// A command of the host interface.
pub trait Command {
    /// What firmware answers.
    type Answer;

    /// The operation, bits 0 to 22 of the command field (amthi 1.1).
    const OPERATION: u32;

    /// Whether it changes the device. Such a command is never repeated by itself (amthi 9).
    const CHANGES: bool = false;

    /// The bytes after the request's header.
    fn payload(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Decodes the bytes after the reply's status. Bytes after those that are known are ignored: firmware pads some
    /// answers, and a newer one may say more.
    ///
    /// # Errors
    ///
    /// [`AmthiError::Truncated`], [`AmthiError::StringLength`] or [`AmthiError::NotText`], naming the field.
    fn parse(payload: &[u8]) -> Result<Self::Answer, AmthiError>;

    /// The whole request message.
    fn request(&self) -> Vec<u8> {
        frame::request(Self::OPERATION, &self.payload())
    }

    /// Validates a whole reply message and decodes its answer.
    ///
    /// # Errors
    ///
    /// [`AmthiError`], in the order of the checks: no reply at all, header, length, status, payload.
    fn decode(&self, reply: &[u8]) -> Result<Self::Answer, AmthiError> {
        Self::parse(frame::payload(Self::OPERATION, reply)?)
    }
}

#[cfg(test)]
mod tests;
