//! The MKHI client: firmware version and rules (amthi 7), on the dynamic and on the fixed address.
//!
//! Header: group, command with bit 7 for answers, a reserved byte, result. Driven by `mei::connection`.

use std::collections::VecDeque;

use crate::device::Device;
use crate::firmware::Firmware;
use crate::mei::Packet;

const GENERAL: u8 = 0xFF;
const FIRMWARE_CAPABILITIES: u8 = 0x03;

/// Result codes.
const NOT_FOUND: u8 = 0x81;
const PARAMETERS: u8 = 0x85;
const UNKNOWN_COMMAND: u8 = 0x8D;

/// Feature bits of the capability rules: AMT, PAVP, IPv6, KVM, TLS.
const FEATURES: u32 = 1 << 2 | 1 << 12 | 1 << 17 | 1 << 18 | 1 << 21;
/// Platform type: desktop, production signed, corporate image, AMT brand.
const PLATFORM: u32 = 1 << 1 | 1 << 7 | 4 << 8 | 1 << 12;

/// The firmware's end of one MKHI connection.
#[derive(Debug, Default)]
pub(crate) struct Mkhi {
    answers: VecDeque<Packet>,
}

impl Mkhi {
    /// Takes one command. A message too short for a header gets no answer.
    pub(crate) fn handle(&mut self, firmware: &mut Firmware, message: &[u8]) {
        let Some(([group, command, _, _], payload)) = message.split_first_chunk::<4>() else { return };
        let (result, data) = match answer(&firmware.device, *group, command & 0x7F, payload) {
            Ok(data) => (0, data),
            Err(result) => (result, Vec::new()),
        };
        let header = [*group, command | 0x80, 0, result];
        self.answers.push_back(Packet::new(&[&header[..], &data].concat()));
    }

    /// Answers that the host has not read.
    pub(crate) fn unsent(&self) -> usize {
        self.answers.len()
    }

    /// The next answer.
    pub(crate) fn transmit(&mut self) -> Option<Packet> {
        self.answers.pop_front()
    }
}

fn answer(device: &Device, group: u8, command: u8, payload: &[u8]) -> Result<Vec<u8>, u8> {
    match (group, command) {
        (GENERAL, 0x02) => Ok(versions(device)),
        // End of POST and core BIOS done.
        (GENERAL, 0x0A) => Ok([3_u32, 0].iter().flat_map(|word| word.to_le_bytes()).collect()),
        (GENERAL, 0x1D) => Ok(1_u32.to_le_bytes().to_vec()),
        (FIRMWARE_CAPABILITIES, 0x02) => rule(payload),
        // The kernel says which operating system it is.
        (FIRMWARE_CAPABILITIES, 0x06) if payload.len() >= 5 => Ok(payload[..4].to_vec()),
        (FIRMWARE_CAPABILITIES, 0x06) => Err(PARAMETERS),
        _ => Err(UNKNOWN_COMMAND),
    }
}

/// Three blocks, as the kernel reads them: minor, major, platform, build, hotfix.
fn versions(device: &Device) -> Vec<u8> {
    let mut parts = device.versions.amt.split('.').map(|part| part.parse::<u16>().unwrap_or(0));
    let (major, minor, hotfix) =
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let build = device.versions.build.parse::<u16>().unwrap_or(0);
    let mut block = minor.to_le_bytes().to_vec();
    block.extend_from_slice(&[major as u8, 0]);
    block.extend_from_slice(&build.to_le_bytes());
    block.extend_from_slice(&hotfix.to_le_bytes());
    block.repeat(3)
}

fn rule(payload: &[u8]) -> Result<Vec<u8>, u8> {
    let id = payload.try_into().map(u32::from_le_bytes).map_err(|_| PARAMETERS)?;
    let value: u32 = match id {
        0 | 32 | 39 => FEATURES,
        7 => 1,
        29 => PLATFORM,
        _ => return Err(NOT_FOUND),
    };
    Ok([&id.to_le_bytes()[..], &[4], &value.to_le_bytes()].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SimConfig;

    fn ask(message: &[u8]) -> Vec<u8> {
        let mut mkhi = Mkhi::default();
        mkhi.handle(&mut Firmware::new(SimConfig::new("unused")), message);
        let packet = mkhi.transmit().expect("an answer");
        [packet.head(), packet.body()].concat()
    }

    #[test]
    fn firmware_version_has_three_blocks_in_the_kernels_order() {
        let answer = ask(&[0xFF, 0x02, 0, 0]);
        assert_eq!(answer[..4], [0xFF, 0x82, 0, 0]);
        assert_eq!(answer.len(), 4 + 3 * 8);
        let version = Firmware::new(SimConfig::new("unused")).device.versions.amt;
        let (minor, major) = (u16::from_le_bytes([answer[4], answer[5]]), answer[6]);
        assert!(version.starts_with(&format!("{major}.{minor}.")), "{version}");
    }

    #[test]
    fn amt_is_capable_and_enabled_and_other_rules_are_not_found() {
        for id in [0_u32, 32] {
            let answer = ask(&[&[0x03, 0x02, 0, 0], &id.to_le_bytes()[..]].concat());
            assert_eq!((answer[3], answer[8]), (0, 4));
            assert_eq!(answer[9] & 4, 4, "the AMT bit of rule {id}");
        }
        assert_eq!(ask(&[0x03, 0x02, 0, 0, 99, 0, 0, 0])[3], NOT_FOUND);
        assert_eq!(ask(&[0x55, 0x02, 0, 0])[3], UNKNOWN_COMMAND);
    }
}
