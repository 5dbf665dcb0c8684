//! AMT_AuthorizationService (wsman 13): the administrator's password and further accounts.

use super::view;
use crate::machine::Machine;
use crate::wsman::{Client, Instance, Parameters, PasswordDigest, PropertyError, WsmanError};

/// AMT_AuthorizationService.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationService(Instance);
view!(AuthorizationService, "AMT_AuthorizationService");

/// From where an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// From the host only.
    Local,
    /// From the network only.
    Network,
    /// From both.
    Any,
    /// A value that is not known.
    Unknown(u32),
}

impl Permission {
    const fn number(self) -> u32 {
        match self {
            Self::Local => 0,
            Self::Network => 1,
            Self::Any => 2,
            Self::Unknown(number) => number,
        }
    }

    const fn from_number(number: u32) -> Self {
        match number {
            0 => Self::Local,
            1 => Self::Network,
            2 => Self::Any,
            other => Self::Unknown(other),
        }
    }
}

/// An account other than the administrator's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AclEntry {
    /// The name, for digest accounts.
    pub user: Option<String>,
    /// From where it may be used.
    pub permission: Permission,
    /// The numbers of its realms (wsman 2).
    pub realms: Vec<u32>,
}

/// An account to be made.
#[derive(Debug, Clone)]
pub struct NewAclEntry<'a> {
    /// The name.
    pub user: &'a str,
    /// Digest of name, realm and password.
    pub password: &'a PasswordDigest,
    /// From where it may be used.
    pub permission: Permission,
    /// The numbers of its realms (wsman 2).
    pub realms: &'a [u32],
}

impl AuthorizationService {
    /// Whether logins with qop `auth` are accepted; if not, only `auth-int` is.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn allows_qop_auth(&self) -> Result<Option<bool>, PropertyError> {
        self.0.boolean("AllowHttpQopAuthOnly")
    }

    /// Sets name and password of the administrator. The client goes on with the old ones.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn set_admin<M: Machine>(
        client: &mut Client<M>,
        user: &str,
        password: &PasswordDigest,
    ) -> Result<(), WsmanError> {
        let parameters =
            Parameters::none().with("Username", user).with_secret("DigestPassword", &password.base64());
        client.call::<Self>("SetAdminAclEntryEx", parameters).await.map(drop)
    }

    /// The name of the administrator.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn admin<M: Machine>(client: &mut Client<M>) -> Result<String, WsmanError> {
        let output = client.call::<Self>("GetAdminAclEntry", Parameters::none()).await?;
        Ok(output.outputs.required("Username")?.to_owned())
    }

    /// The handles of all further accounts.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn handles<M: Machine>(client: &mut Client<M>) -> Result<Vec<u32>, WsmanError> {
        let mut handles = Vec::new();
        loop {
            let start = handles.len().saturating_add(1);
            let parameters = Parameters::none().with("StartIndex", start);
            let output = client.call::<Self>("EnumerateUserAclEntries", parameters).await?.outputs;
            let total = output.number("TotalCount")?.unwrap_or_default();
            let more = output.numbers("Handles")?;
            // An answer without progress would be asked for without end.
            let is_last = more.is_empty();
            handles.extend(more);
            if is_last || usize::try_from(total).is_ok_and(|total| handles.len() >= total) {
                return Ok(handles);
            }
            if handles.len() > MAX_ACCOUNTS {
                return Err(WsmanError::TooMany(MAX_ACCOUNTS));
            }
        }
    }

    /// One account.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn entry<M: Machine>(client: &mut Client<M>, handle: u32) -> Result<AclEntry, WsmanError> {
        let parameters = Parameters::none().with("Handle", handle);
        let output = client.call::<Self>("GetUserAclEntryEx", parameters).await?.outputs;
        Ok(AclEntry {
            user: output.text("DigestUsername").map(String::from),
            permission: Permission::from_number(output.required_number("AccessPermission")?),
            realms: output.numbers("Realms")?,
        })
    }

    /// Makes an account and returns its handle.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn add<M: Machine>(client: &mut Client<M>, entry: &NewAclEntry<'_>) -> Result<u32, WsmanError> {
        let parameters = Parameters::none()
            .with("DigestUsername", entry.user)
            .with_secret("DigestPassword", &entry.password.base64())
            .with("AccessPermission", entry.permission.number());
        let parameters = entry.realms.iter().fold(parameters, |all, realm| all.with("Realms", realm));
        let output = client.call::<Self>("AddUserAclEntryEx", parameters).await?;
        Ok(output.outputs.required_number("Handle")?)
    }

    /// Removes an account.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn remove<M: Machine>(client: &mut Client<M>, handle: u32) -> Result<(), WsmanError> {
        let parameters = Parameters::none().with("Handle", handle);
        client.call::<Self>("RemoveUserAclEntry", parameters).await.map(drop)
    }
}

/// More accounts than any firmware has.
const MAX_ACCOUNTS: usize = 1000;
