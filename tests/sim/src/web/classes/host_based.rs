//! IPS_HostBasedSetupService (wsman 9.2): activation by the host, in client or in admin control mode, and the way from one to the
//! other.
//!
//! What makes a call fail is `device::provisioning`'s and `device::chain`'s matter; here parameters are read and outcomes become
//! this class's own return values. Which of them real firmware gives for which mistake is unknown. Guessed: a parameter that is
//! missing or no number is a fault; a value that cannot be right is INVALID_PARAMETER; a state that does not allow the call, a
//! chain that is not complete included, is INVALID_STATE; a signature that does not verify is AUTHENTICATION_FAILED.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{
    AMT_SYSTEM, COMPUTER_SYSTEM, Class, Invocation, Method, SERVICE_KEYS, resource, returned, status,
};
use crate::device::Device;
use crate::device::accounts::Ha1;
use crate::device::chain::Place;
use crate::device::provisioning::{Proof, SetupError};
use crate::web::fault::Fault;
use crate::web::input::{Input, required};
use crate::web::value::{Instance, Value};

pub(super) static SERVICE: Class = Class {
    methods: &[
        Method { name: "AddNextCertInChain", local_system: true, run: add_next_certificate },
        Method { name: "AdminSetup", local_system: true, run: admin_setup },
        Method { name: "DisableClientControlMode", local_system: true, run: disable_client_control },
        Method { name: "Setup", local_system: true, run: setup },
        Method { name: "UpgradeClientToAdmin", local_system: false, run: upgrade },
    ],
    // Observed: the Action of this class's answers is that of the request.
    response_suffix: false,
    ..Class::read_only(resource!(ips "IPS_HostBasedSetupService"), SERVICE_KEYS, list)
};

/// `NetAdminPassEncryptionType`: the digest secret, as hex digits.
const DIGEST_SECRET: u32 = 2;
/// `SigningAlgorithm`: RSA with SHA-256.
const RSA_SHA256: u32 = 2;
/// First version whose firmware has no `AdminSetup` any more (activation 15).
const WITHOUT_ADMIN_SETUP: u32 = 19;

fn list(device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT Host Based Setup Service";
    let service = Instance::with_capacity(9)
        .with_list("AllowedControlModes", device.allowed_control_modes().iter().copied())
        .with("CertChainStatus", device.chain_status() as u32)
        .with("ConfigurationNonce", Value::base64(device.configuration_nonce()))
        .with("CreationClassName", "IPS_HostBasedSetupService")
        .with("CurrentControlMode", device.control_mode() as u32)
        .with("ElementName", NAME)
        .with("Name", NAME)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM);
    vec![service]
}

fn setup(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let Some(admin) = secret(call.input)? else { return Ok(refused(SetupError::InvalidParameter)) };
    let outcome = call.device.setup(admin, call.now);
    Ok(answer(outcome))
}

fn add_next_certificate(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let text = required(call.input.text("NextCertificate"))?;
    let place = Place {
        is_leaf: required(call.input.flag("IsLeafCertificate")?)?,
        is_root: required(call.input.flag("IsRootCertificate")?)?,
    };
    // Base64 in one line; anything else ends up as a certificate that cannot be read.
    let der = STANDARD.decode(text).unwrap_or_default();
    let outcome = call.device.add_certificate(&der, place, call.now);
    Ok(returned(outcome.map_or_else(|error| error as u32, |()| status::SUCCESS)))
}

fn admin_setup(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    if call.device.versions.major() >= WITHOUT_ADMIN_SETUP {
        return Err(Fault::ActionNotSupported);
    }
    let admin = secret(call.input)?;
    let proof = OwnedProof::read(call.input)?;
    let (Some(admin), Some(proof)) = (admin, proof) else {
        return Ok(refused(SetupError::InvalidParameter));
    };
    let outcome = call.device.admin_setup(admin, proof.borrow(), call.now);
    Ok(answer(outcome))
}

fn upgrade(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let Some(proof) = OwnedProof::read(call.input)? else {
        return Ok(refused(SetupError::InvalidParameter));
    };
    let outcome = call.device.upgrade(proof.borrow(), call.now);
    Ok(answer(outcome))
}

fn disable_client_control(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    Ok(answer(call.device.refuse_client_control()))
}

/// The administrator's digest secret; `None` if it has not the one form that firmware takes.
fn secret(input: Input<'_>) -> Result<Option<Ha1>, Fault> {
    let encryption: u32 = required(input.number("NetAdminPassEncryptionType")?)?;
    let secret = required(input.text("NetworkAdminPassword"))?;
    Ok(Ha1::from_hex(secret).filter(|_| encryption == DIGEST_SECRET))
}

/// The proof of a provisioning certificate's holder.
struct OwnedProof {
    nonce: [u8; 20],
    signature: Vec<u8>,
}

impl OwnedProof {
    /// `None` if the algorithm is another one, the nonce has not 20 bytes, or something is not base64.
    fn read(input: Input<'_>) -> Result<Option<Self>, Fault> {
        let nonce = required(input.text("McNonce"))?;
        let algorithm: u32 = required(input.number("SigningAlgorithm")?)?;
        let signature = required(input.text("DigitalSignature"))?;
        let nonce = STANDARD.decode(nonce).ok().and_then(|nonce| nonce.try_into().ok());
        let parts = nonce.zip(STANDARD.decode(signature).ok()).filter(|_| algorithm == RSA_SHA256);
        Ok(parts.map(|(nonce, signature)| Self { nonce, signature }))
    }

    fn borrow(&self) -> Proof<'_> {
        Proof { nonce: &self.nonce, signature: &self.signature }
    }
}

fn answer(outcome: Result<(), SetupError>) -> Instance {
    outcome.map_or_else(refused, |()| returned(status::SUCCESS))
}

fn refused(error: SetupError) -> Instance {
    returned(error as u32)
}
