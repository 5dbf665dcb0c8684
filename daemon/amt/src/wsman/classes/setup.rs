//! AMT_SetupAndConfigurationService (wsman 9.3): committing, undoing, and the firmware setup's password.

use super::view;
use crate::Secret;
use crate::amthi::{ProvisioningState, Uuid};
use crate::machine::Machine;
use crate::wsman::{Client, Instance, Parameters, PropertyError, WsmanError};

/// AMT_SetupAndConfigurationService.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetupAndConfigurationService(Instance);
view!(SetupAndConfigurationService, "AMT_SetupAndConfigurationService");

impl SetupAndConfigurationService {
    /// How far the device is provisioned.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn provisioning_state(&self) -> Result<ProvisioningState, PropertyError> {
        Ok(match self.0.required_number("ProvisioningState")? {
            0 => ProvisioningState::Pre,
            1 => ProvisioningState::In,
            2 => ProvisioningState::Post,
            other => ProvisioningState::Unknown(other),
        })
    }

    /// The DNS suffix that was set in the firmware setup, if there is one.
    pub fn trusted_dns_suffix(&self) -> Option<&str> {
        self.0.text("TrustedDNSSuffix").filter(|suffix| !suffix.is_empty())
    }

    /// The DNS suffix that DHCP gave, if there is one.
    pub fn dhcp_dns_suffix(&self) -> Option<&str> {
        self.0.text("DhcpDNSSuffix").filter(|suffix| !suffix.is_empty())
    }

    /// Makes what was set take effect. Firmware restarts its server and may not answer.
    ///
    /// # Errors
    ///
    /// [`WsmanError`]; the provisioning state tells whether it worked all the same.
    pub async fn commit_changes<M: Machine>(client: &mut Client<M>) -> Result<(), WsmanError> {
        client.call::<Self>("CommitChanges", Parameters::none()).await.map(drop)
    }

    /// Takes the device out of provisioning entirely. It may not answer.
    ///
    /// # Errors
    ///
    /// [`WsmanError`]; the control mode tells whether it worked all the same.
    pub async fn unprovision<M: Machine>(client: &mut Client<M>) -> Result<(), WsmanError> {
        let parameters = Parameters::none().with("ProvisioningMode", ADMIN_CONTROL);
        client.call::<Self>("Unprovision", parameters).await.map(drop)
    }

    /// Takes the device out of provisioning but keeps the administrator's account and its names (activation 7).
    ///
    /// # Errors
    ///
    /// [`WsmanError`]; the control mode tells whether it worked all the same.
    pub async fn partial_unprovision<M: Machine>(client: &mut Client<M>) -> Result<(), WsmanError> {
        client.call::<Self>("PartialUnprovision", Parameters::none()).await.map(drop)
    }

    /// Sets the password of the firmware setup (MEBx). In admin control mode only.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn set_mebx_password<M: Machine>(
        client: &mut Client<M>,
        password: &Secret,
    ) -> Result<(), WsmanError> {
        let parameters = Parameters::none().with_secret("Password", password);
        client.call::<Self>("SetMEBxPassword", parameters).await.map(drop)
    }

    /// The device's UUID.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn uuid<M: Machine>(client: &mut Client<M>) -> Result<Uuid, WsmanError> {
        use base64::Engine as _;
        let output = client.call::<Self>("GetUuid", Parameters::none()).await?;
        let text = output.outputs.required("UUID")?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok();
        let bytes =
            bytes.and_then(|bytes| bytes.try_into().ok()).ok_or(WsmanError::Missing("UUID of 16 bytes"))?;
        Ok(Uuid::from_bytes(bytes))
    }

    /// Which parts of firmware do not allow an unprovision; empty if none.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn blocking_components<M: Machine>(client: &mut Client<M>) -> Result<Vec<String>, WsmanError> {
        let output = client.call::<Self>("GetUnprovisionBlockingComponents", Parameters::none()).await?;
        Ok(output.outputs.texts("BlockingComponents").map(String::from).collect())
    }
}

/// The mode to go to after an unprovision, as all known programs send it.
const ADMIN_CONTROL: u32 = 1;
