//! IPS_HostBasedSetupService (wsman 9.2): activation from the host. Its return values are its own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::view;
use crate::amthi::ControlMode;
use crate::machine::Machine;
use crate::wsman::{Client, Instance, Parameters, PasswordDigest, PropertyError, WsmanError};

/// IPS_HostBasedSetupService.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostBasedSetupService(Instance);
view!(HostBasedSetupService, "IPS_HostBasedSetupService");

/// How much of a provisioning certificate chain firmware has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CertificateChainStatus {
    /// Nothing.
    NotStarted,
    /// Some, from an attempt that is under way or broke off.
    InProgress,
    /// All.
    Complete,
    /// A value that is not known.
    Unknown(u32),
}

/// The proof that the host has the key of its provisioning certificate (activation 2).
#[derive(Debug, Clone, Copy)]
pub struct HostProof<'a> {
    /// The host's 20 random bytes.
    pub nonce: &'a [u8; 20],
    /// RSASSA-PKCS1-v1_5 with SHA-256 over firmware's nonce and the host's.
    pub signature: &'a [u8],
}

impl HostBasedSetupService {
    /// The mode in which the device is controlled.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn current_control_mode(&self) -> Result<ControlMode, PropertyError> {
        self.0.required_number("CurrentControlMode").map(mode)
    }

    /// The modes to which the host may take it. Empty if firmware does not say.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn allowed_control_modes(&self) -> Result<Vec<ControlMode>, PropertyError> {
        Ok(self.0.numbers("AllowedControlModes")?.into_iter().map(mode).collect())
    }

    /// Firmware's nonce, which a proof must sign. It changes after a setup and after an unprovision.
    ///
    /// # Errors
    ///
    /// [`PropertyError`], if it is missing or not 20 bytes.
    pub fn configuration_nonce(&self) -> Result<[u8; 20], PropertyError> {
        let text = self.0.required("ConfigurationNonce")?;
        let bytes = STANDARD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.ok_or_else(|| PropertyError::Value {
            class: "IPS_HostBasedSetupService".to_owned(),
            property: "ConfigurationNonce",
        })
    }

    /// How much of a certificate chain firmware has.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn certificate_chain_status(&self) -> Result<CertificateChainStatus, PropertyError> {
        Ok(match self.0.required_number("CertChainStatus")? {
            0 => CertificateChainStatus::NotStarted,
            1 => CertificateChainStatus::InProgress,
            2 => CertificateChainStatus::Complete,
            other => CertificateChainStatus::Unknown(other),
        })
    }

    /// Activates in client control mode. Firmware may drop the connection instead of answering.
    ///
    /// # Errors
    ///
    /// [`WsmanError`]; the control mode tells whether it worked all the same.
    pub async fn setup<M: Machine>(
        client: &mut Client<M>,
        password: &PasswordDigest,
    ) -> Result<(), WsmanError> {
        client.call::<Self>("Setup", with_password(password)).await.map(drop)
    }

    /// Gives firmware the next certificate of the provisioning chain, as DER: leaf, intermediates, root.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn add_next_certificate<M: Machine>(
        client: &mut Client<M>,
        certificate: &[u8],
        is_leaf: bool,
        is_root: bool,
    ) -> Result<(), WsmanError> {
        let parameters = Parameters::none()
            .with("NextCertificate", STANDARD.encode(certificate))
            .with("IsLeafCertificate", is_leaf)
            .with("IsRootCertificate", is_root);
        client.call::<Self>("AddNextCertInChain", parameters).await.map(drop)
    }

    /// Activates in admin control mode, after the chain has been given. Gone in AMT 19.
    ///
    /// # Errors
    ///
    /// [`WsmanError`]; the control mode tells whether it worked all the same.
    pub async fn admin_setup<M: Machine>(
        client: &mut Client<M>,
        password: &PasswordDigest,
        proof: HostProof<'_>,
    ) -> Result<(), WsmanError> {
        client.call::<Self>("AdminSetup", with_proof(with_password(password), proof)).await.map(drop)
    }

    /// Takes the device from client to admin control mode, after the chain has been given. The password stays.
    ///
    /// # Errors
    ///
    /// [`WsmanError`]; the control mode tells whether it worked all the same.
    pub async fn upgrade_client_to_admin<M: Machine>(
        client: &mut Client<M>,
        proof: HostProof<'_>,
    ) -> Result<(), WsmanError> {
        client.call::<Self>("UpgradeClientToAdmin", with_proof(Parameters::none(), proof)).await.map(drop)
    }
}

fn mode(number: u32) -> ControlMode {
    match number {
        0 => ControlMode::None,
        1 => ControlMode::Client,
        2 => ControlMode::Admin,
        other => ControlMode::Unknown(other),
    }
}

fn with_password(password: &PasswordDigest) -> Parameters {
    Parameters::none()
        .with("NetAdminPassEncryptionType", HTTP_DIGEST_MD5)
        .with_secret("NetworkAdminPassword", &password.hexadecimal())
}

fn with_proof(parameters: Parameters, proof: HostProof<'_>) -> Parameters {
    parameters
        .with("McNonce", STANDARD.encode(proof.nonce))
        .with("SigningAlgorithm", RSA_SHA256)
        .with("DigitalSignature", STANDARD.encode(proof.signature))
}

const HTTP_DIGEST_MD5: u32 = 2;
const RSA_SHA256: u32 = 2;
