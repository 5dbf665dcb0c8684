//! The account by which local programs log in to WSMAN before the device is provisioned (amthi 3.12).

use super::reader::{Reader, before_nul};
use super::{AmthiError, Command};
use crate::Secret;

/// Asks for the local system account. Its validity is limited; it is to be asked for again before each use.
///
/// The reply holds the password in the clear: read it into a buffer that is wiped, such as `zeroize::Zeroizing`, and
/// keep it out of captures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GetLocalSystemAccount;

/// Name and password for digest authentication on the local WSMAN port.
#[derive(Debug, Clone)]
pub struct LocalSystemAccount {
    /// The user name, commonly `$$OsAdmin`.
    pub user: String,
    /// The password.
    pub password: Secret,
}

impl Command for GetLocalSystemAccount {
    type Answer = LocalSystemAccount;

    const OPERATION: u32 = 0x67;

    fn payload(&self) -> Vec<u8> {
        vec![0; REQUEST_SPACE]
    }

    fn parse(payload: &[u8]) -> Result<LocalSystemAccount, AmthiError> {
        let mut reader = Reader::new(payload);
        let user = reader.padded("user name", FIELD_SPACE)?;
        let password = before_nul(reader.bytes("password", FIELD_SPACE)?);
        // A replaced character would make it another password.
        let password = str::from_utf8(password).map_err(|_| AmthiError::NotText { field: "password" })?;
        Ok(LocalSystemAccount { user, password: Secret::new(password.to_owned()) })
    }
}

/// Reserved bytes in the request.
const REQUEST_SPACE: usize = 40;
/// Space of the user name and of the password.
const FIELD_SPACE: usize = 33;
