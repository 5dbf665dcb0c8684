//! The AMTHI commands that change the device: configurations, deactivation, the host's name (amthi 3.13, 3.16).
//!
//! What the device makes of them is `device::provisioning`'s matter. Guessed: which status stands for which refusal, except
//! INVALID_AMT_MODE for an unprovisioning in admin control mode; that the list of suffixes of a host-based configuration is
//! ignored; that firmware which speaks no TLS locally does not know such a configuration.

use super::Status;
use super::answers::{Answer, none, sized, word, words};
use crate::config::TlsMode;
use crate::device::{Device, StateError};
use crate::firmware::Firmware;
use crate::tls::ClientHash;

/// Payload of StartConfigurationHBased in its packed form: algorithm, hash, VPN flag, length of the list, list.
const HOST_BASED: usize = 1 + HASH + 1 + 4 + SUFFIXES;
/// Room for a hash.
const HASH: usize = 64;
/// Room for the list of suffixes.
const SUFFIXES: usize = 320;
/// Longest name of a host.
const MAX_FQDN: usize = 255;

/// Payload of the answer to an operation that changes something; `None` for any other.
pub(super) fn answer(firmware: &mut Firmware, operation: u32, payload: &[u8]) -> Option<Answer> {
    Some(match operation {
        0x10 => unprovision(firmware, payload),
        0x29 => none(payload).and_then(|()| done(firmware.device.start_configuration())),
        0x5B => set_host_fqdn(&mut firmware.device, payload),
        0x5E => none(payload).and_then(|()| done(firmware.device.stop_configuration())),
        0x8B => start_host_based(&mut firmware.device, payload),
        _ => return None,
    })
}

/// Mode 0, and client control mode only. The answer is the provisioning state, which may change later.
fn unprovision(firmware: &mut Firmware, payload: &[u8]) -> Answer {
    if word(payload)? != 0 {
        return Err(Status::INVALID_PARAMETER);
    }
    firmware.device.unprovision_locally(firmware.now).map_err(refusal)?;
    Ok(words(&[firmware.device.provisioning_state() as u32]))
}

/// A string with its terminator.
fn set_host_fqdn(device: &mut Device, payload: &[u8]) -> Answer {
    let Some((length, text)) = payload.split_first_chunk::<2>() else {
        return Err(Status::INVALID_MESSAGE_LENGTH);
    };
    sized(text, usize::from(u16::from_le_bytes(*length)))?;
    let name = text.strip_suffix(b"\0").unwrap_or(text);
    let valid = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if !(1..=MAX_FQDN).contains(&name.len()) || !name.iter().all(valid) {
        return Err(Status::INVALID_DOMAIN_NAME);
    }
    device.network.host_fqdn = String::from_utf8_lossy(name).into_owned();
    Ok(Vec::new())
}

fn start_host_based(device: &mut Device, payload: &[u8]) -> Answer {
    if device.security.mode() == TlsMode::Off {
        return Err(Status::INVALID_COMMAND);
    }
    sized(payload, HOST_BASED)?;
    let algorithm = Device::host_based_algorithm(payload[0]).ok_or(Status::INVALID_PARAMETER)?;
    let list = &payload[1 + HASH + 1..][..4];
    if usize::try_from(word(list)?).map_or(true, |length| length > SUFFIXES) {
        return Err(Status::INVALID_PARAMETER);
    }
    let hash = payload[1..1 + algorithm.length()].to_vec();
    let own = device.start_host_based(ClientHash { algorithm, hash }).map_err(refusal)?;
    let own = own.ok_or(Status::INTERNAL_ERROR)?;
    let mut out = vec![payload[0]];
    // Some firmware writes digits where others write bytes (activation 5); only those of a short hash have room.
    match device.hash_as_text {
        true if own.len() * 2 <= HASH => {
            out.extend(own.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()));
        }
        _ => out.extend_from_slice(&own),
    }
    out.resize(1 + HASH, 0);
    Ok(out)
}

fn done(outcome: Result<(), StateError>) -> Answer {
    outcome.map(|()| Vec::new()).map_err(refusal)
}

fn refusal(error: StateError) -> Status {
    match error {
        StateError::AdminControl | StateError::NotAdminControl | StateError::NotActivated => {
            Status::INVALID_AMT_MODE
        }
        StateError::AlreadyActivated | StateError::NotConfiguring | StateError::DataMissing => {
            Status::INVALID_PROVISIONING_STATE
        }
        StateError::Blocked => Status::BLOCKING_COMPONENT,
        StateError::Disabled | StateError::UntrustedClient => Status::NOT_PERMITTED,
    }
}
