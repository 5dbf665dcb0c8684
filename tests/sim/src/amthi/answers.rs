//! The AMTHI commands: what the device says to each (amthi 2, 3). Payloads only; the header is `amthi`'s, and what a command
//! changes is `changes`'s.
//!
//! A command that is not listed is answered with INVALID_COMMAND; what firmware says is not known.

use std::net::Ipv4Addr;

use super::{Status, changes};
use crate::device::network::LanInterface;
use crate::device::{ControlMode, Device};
use crate::firmware::Firmware;

pub(super) type Answer = Result<Vec<u8>, Status>;

/// Class of nearly all commands.
const CLASS: u32 = 0x0400_0000;
/// "Get AMT state", the one command of class 1.
const GET_AMT_STATE: u32 = 0x0100_0001;

/// Payload of the answer to `command`.
pub(super) fn answer(firmware: &mut Firmware, command: u32, payload: &[u8]) -> Answer {
    let operation = command.checked_sub(CLASS);
    if let Some(answer) = operation.and_then(|operation| changes::answer(firmware, operation, payload)) {
        return answer;
    }
    let device = &firmware.device;
    match operation {
        Some(0x06) => none(payload).map(|()| tcp_ip(device)),
        Some(0x08) => none(payload).map(|()| words(&[u32::from(is_provisioned(device)), 0])),
        Some(0x11) => none(payload).map(|()| words(&[device.provisioning_state() as u32])),
        Some(0x1A) => none(payload).map(|()| code_versions(device)),
        Some(0x1B) => none(payload).map(|()| security_parameters(device)),
        Some(0x25) => none(payload).map(|()| device.network.wired.mac.repeat(2)),
        Some(0x2C) => none(payload).map(|()| hash_handles(device)),
        Some(0x2D) => word(payload).and_then(|handle| hash_entry(device, handle)),
        Some(0x30) => none(payload).map(|()| words(&[1])),
        Some(0x36) => none(payload).map(|()| ansi(&device.network.dns_suffix)),
        Some(0x3E) => none(payload).map(|()| ansi(&device.network.domain_name)),
        // Host VPN is not configured: the normal refusal.
        Some(0x3F) => sized(payload, 18).and(Err(Status::REMOTE_ACCESS_HOST_VPN_IS_DISABLED)),
        // No remote access policy is stored: a normal refusal (amthi 3.16).
        Some(0x44) => none(payload).and(Err(Status::DATA_MISSING)),
        Some(0x45) => none(payload).map(|()| Vec::new()),
        // Directly connected, no tunnel, no server.
        Some(0x46) => none(payload).map(|()| [words(&[0, 0, 0]), ansi("")].concat()),
        Some(0x47) => none(payload).map(|()| ansi("Desktop: ON in S0")),
        Some(0x48) => word(payload).and_then(|index| lan_settings(device, index)),
        Some(0x49) => word(payload).and_then(features_state),
        // The host was reset by something other than remote control.
        Some(0x4A) => none(payload).map(|()| words(&[1, 0])),
        Some(0x4D) => none(payload).map(|()| words(&[0])),
        Some(0x56) => none(payload).map(|()| fqdn(device)),
        Some(0x58) => none(payload).map(|()| words(&[redirection(device)])),
        Some(0x5C) => none(payload).map(|()| device.uuid.to_vec()),
        Some(0x67) => sized(payload, 40).map(|()| local_system_account(device)),
        Some(0x6B) => none(payload).map(|()| words(&[device.control_mode() as u32])),
        Some(0x84) => none(payload).map(|()| words(&[u32::from(device.ehbc)])),
        Some(0x8E) => byte(payload).and_then(cira_log),
        _ if command == GET_AMT_STATE => sized(payload, 16).map(|()| amt_state(device, payload)),
        _ => Err(Status::INVALID_COMMAND),
    }
}

/// amthi 3.1: addresses only matter while DHCP mode is 1, "disabled".
fn tcp_ip(device: &Device) -> Vec<u8> {
    let wired = &device.network.wired;
    let mode = if wired.dhcp { 2 } else { 1 };
    let addresses = [wired.address, wired.subnet_mask, wired.gateway, wired.primary_dns, wired.secondary_dns];
    let mut out = words(&[mode]);
    addresses.into_iter().for_each(|address| out.extend_from_slice(&ipv4(address)));
    out.extend_from_slice(&ansi(&device.network.domain_name));
    out
}

/// amthi 3.2: only as many entries as the count says.
fn code_versions(device: &Device) -> Vec<u8> {
    let entries = device.versions.entries();
    let mut out = padded(&device.versions.bios, 65);
    out.extend_from_slice(&words(&[entries.len() as u32]));
    for (name, version) in &entries {
        for text in [*name, version.as_str()] {
            out.extend_from_slice(&(text.len().min(20) as u16).to_le_bytes());
            out.extend_from_slice(&padded(text, 20));
        }
    }
    out
}

/// amthi 3.3. TLS on the network interface is off.
fn security_parameters(device: &Device) -> Vec<u8> {
    let settings = &device.settings;
    let provisioned = is_provisioned(device);
    let mut fields = [0; 17];
    fields[0] = u32::from(provisioned);
    fields[2] = 1;
    fields[3] = device.provisioning_state() as u32;
    fields[4] = u32::from(settings.network_interface);
    fields[5] = settings.redirection >> 1 & 1;
    fields[6] = settings.redirection & 1;
    fields[8] = u32::from(device.network.wired.link_up);
    fields[9] = u32::from(settings.kvm);
    words(&fields)
}

fn hash_handles(device: &Device) -> Vec<u8> {
    let handles = device.hashes.iter().map(|entry| entry.handle);
    words(&std::iter::once(device.hashes.len() as u32).chain(handles).collect::<Vec<_>>())
}

/// amthi 3.4.
fn hash_entry(device: &Device, handle: u32) -> Answer {
    let entry = device.hashes.iter().find(|entry| entry.handle == handle).ok_or(Status::INVALID_INDEX)?;
    let mut out = words(&[u32::from(entry.is_default), u32::from(entry.is_active)]);
    out.extend_from_slice(&entry.hash);
    out.resize(8 + 64, 0);
    out.push(entry.algorithm as u8);
    out.extend_from_slice(&ansi(&entry.name));
    Ok(out)
}

/// amthi 3.7.
fn lan_settings(device: &Device, index: u32) -> Answer {
    let interface: &LanInterface = match index {
        0 => &device.network.wired,
        1 => device.network.wireless.as_ref().ok_or(Status::INTERFACE_DOES_NOT_EXIST)?,
        _ => return Err(Status::INVALID_INDEX),
    };
    /// AMT listens to the host's DHCP.
    const PASSIVE: u8 = 2;
    const ACTIVE: u8 = 1;
    let mut out = words(&[1]);
    out.extend_from_slice(&ipv4(interface.address));
    out.extend_from_slice(&words(&[u32::from(interface.dhcp)]));
    out.push(if interface.ip_sync { PASSIVE } else { ACTIVE });
    out.push(u8::from(interface.link_up));
    out.extend_from_slice(&interface.mac);
    Ok(out)
}

/// amthi 3.8.
fn features_state(feature: u32) -> Answer {
    match feature {
        0 => Ok(words(&[0, 0, 0, 0])),
        1 | 3 | 4 => Ok(words(&[feature, 0])),
        // The web page is enabled.
        2 => Ok(words(&[2, 1])),
        _ => Err(Status::INVALID_PARAMETER),
    }
}

/// amthi 3.11: shared name, dynamic DNS off, with its interval and time to live.
fn fqdn(device: &Device) -> Vec<u8> {
    let (settings, network) = (&device.settings, &device.network);
    let name = format!("{}.{}", network.host_name, network.domain_name);
    let mut out = words(&[
        u32::from(settings.shared_fqdn),
        u32::from(settings.ddns_update),
        settings.ddns_interval,
        settings.ddns_ttl,
        network.host_name.len() as u32,
    ]);
    out.extend_from_slice(&ansi(&name));
    out
}

/// Bits: 0 SOL, 1 IDER, 2 KVM. The setting has IDER in bit 0 and SOL in bit 1.
fn redirection(device: &Device) -> u32 {
    let settings = &device.settings;
    (settings.redirection >> 1 & 1) | (settings.redirection & 1) << 1 | u32::from(settings.kvm) << 2
}

/// amthi 3.12: two fields of 33 bytes and, as seen, two bytes more.
fn local_system_account(device: &Device) -> Vec<u8> {
    let (user, password) = device.local_system_account();
    [padded(user, 33), padded(password.reveal(), 33), vec![0; 2]].concat()
}

/// amthi 3.14: no tunnel was ever open, so that everything is zero, the version too.
fn cira_log(version: u8) -> Answer {
    const LENGTH: usize = 2797 - 16;
    if version == 0 { Ok(vec![0; LENGTH]) } else { Err(Status::INVALID_PARAMETER) }
}

/// amthi 3.15.
fn amt_state(device: &Device, identifier: &[u8]) -> Vec<u8> {
    let link = u8::from(device.network.wired.link_up);
    [identifier, &words(&[5]), &[link, 0, 1, 1, 0]].concat()
}

fn is_provisioned(device: &Device) -> bool {
    device.control_mode() != ControlMode::None
}

/// A command without payload.
pub(super) fn none(payload: &[u8]) -> Result<(), Status> {
    sized(payload, 0)
}

pub(super) fn sized(payload: &[u8], length: usize) -> Result<(), Status> {
    if payload.len() == length { Ok(()) } else { Err(Status::INVALID_MESSAGE_LENGTH) }
}

/// A command with one number.
pub(super) fn word(payload: &[u8]) -> Result<u32, Status> {
    payload.try_into().map(u32::from_le_bytes).map_err(|_| Status::INVALID_MESSAGE_LENGTH)
}

/// A command with one byte.
fn byte(payload: &[u8]) -> Result<u8, Status> {
    sized(payload, 1).map(|()| payload[0])
}

pub(super) fn words(values: &[u32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// An address so that 1.2.3.4 is 0x01020304 (amthi 1.3); 0 for none.
fn ipv4(address: Option<Ipv4Addr>) -> [u8; 4] {
    address.map_or(0, u32::from).to_le_bytes()
}

/// A string with its length in front, without a terminator.
fn ansi(text: &str) -> Vec<u8> {
    let bytes = &text.as_bytes()[..text.len().min(usize::from(u16::MAX))];
    [&(bytes.len() as u16).to_le_bytes(), bytes].concat()
}

/// Text cut to, or filled with zeros up to, `length` bytes.
fn padded(text: &str, length: usize) -> Vec<u8> {
    let mut out = text.as_bytes().to_vec();
    out.resize(length, 0);
    out
}
