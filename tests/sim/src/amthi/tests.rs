//! AMTHI commands against the layouts of amthi 3.

use super::*;
use crate::config::SimConfig;
use crate::device::ControlMode;

fn ask(firmware: &mut Firmware, command: u32, payload: &[u8]) -> (u32, Vec<u8>) {
    let mut request = vec![1, 1, 0, 0];
    request.extend_from_slice(&command.to_le_bytes());
    request.extend_from_slice(&(payload.len() as u32).to_le_bytes());
    request.extend_from_slice(payload);
    let mut amthi = Amthi::default();
    amthi.handle(firmware, &request);
    let packet = amthi.transmit().expect("an answer");
    let answer = [packet.head(), packet.body()].concat();
    assert_eq!(answer[..4], [1, 1, 0, 0]);
    assert_eq!(word(&answer, 4), command | 0x0080_0000);
    assert_eq!(word(&answer, 8) as usize, answer.len() - 12);
    (word(&answer, 12), answer)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn firmware() -> Firmware {
    Firmware::new(SimConfig::new("unused"))
}

#[test]
fn code_versions_has_only_as_many_entries_as_its_count() {
    let mut firmware = firmware();
    let (status, answer) = ask(&mut firmware, 0x0400_001A, &[]);
    let count = word(&answer, 81) as usize;
    assert_eq!((status, answer.len()), (0, 85 + 44 * count));
    assert_eq!(count, firmware.device.versions.entries().len());
    // Entry 3 is AMT's own version.
    let entry = &answer[85 + 44 * 3..85 + 44 * 4];
    assert_eq!(&entry[..6], b"\x03\x00AMT\x00");
    let version = firmware.device.versions.amt.as_bytes();
    assert_eq!(&entry[24..24 + version.len()], version);
}

#[test]
fn provisioning_state_and_control_mode_follow_the_device() {
    for (mode, state) in [(ControlMode::None, 0), (ControlMode::Client, 2), (ControlMode::Admin, 2)] {
        let mut config = SimConfig::new("unused");
        config.device.control_mode = mode;
        let mut firmware = Firmware::new(config);
        assert_eq!(word(&ask(&mut firmware, 0x0400_0011, &[]).1, 16), state);
        assert_eq!(word(&ask(&mut firmware, 0x0400_006B, &[]).1, 16), mode as u32);
    }
}

#[test]
fn local_system_account_is_84_bytes_and_ends_its_fields_with_zeros() {
    let mut firmware = firmware();
    let (status, answer) = ask(&mut firmware, 0x0400_0067, &[0; 40]);
    assert_eq!((status, answer.len()), (0, 84));
    assert_eq!(&answer[16..26], b"$$OsAdmin\0");
    assert_eq!((answer[48], answer[81]), (0, 0));
    assert_eq!(ask(&mut firmware, 0x0400_0067, &[]).0, 4);
}

#[test]
fn lan_settings_has_36_bytes_and_an_absent_interface_has_a_status() {
    let mut firmware = firmware();
    let (status, answer) = ask(&mut firmware, 0x0400_0048, &0_u32.to_le_bytes());
    assert_eq!((status, answer.len()), (0, 36));
    assert_eq!(answer[20..24], [24, 2, 0, 192]);
    assert_eq!(answer[30..36], firmware.device.network.wired.mac);
    firmware.device.network.wireless = None;
    assert_eq!(ask(&mut firmware, 0x0400_0048, &1_u32.to_le_bytes()).0, 0x9C5);
}

#[test]
fn hash_entries_are_found_by_their_handles() {
    let mut firmware = firmware();
    let handles = ask(&mut firmware, 0x0400_002C, &[]).1;
    let count = word(&handles, 16) as usize;
    assert_eq!(handles.len(), 20 + 4 * count);
    for (index, entry) in firmware.device.hashes.clone().iter().enumerate() {
        let handle = word(&handles, 20 + 4 * index);
        let answer = ask(&mut firmware, 0x0400_002D, &handle.to_le_bytes()).1;
        assert_eq!(answer[24..24 + entry.hash.len()], entry.hash);
        assert_eq!((answer[88], &answer[91..]), (entry.algorithm as u8, entry.name.as_bytes()));
    }
    assert_eq!(ask(&mut firmware, 0x0400_002D, &77_u32.to_le_bytes()).0, 0x23);
}

#[test]
fn every_read_only_command_answers_and_an_unknown_one_says_so() {
    let mut firmware = firmware();
    for operation in
        [0x06, 0x08, 0x1B, 0x25, 0x30, 0x36, 0x3E, 0x46, 0x47, 0x4A, 0x4D, 0x56, 0x58, 0x5C, 0x84]
    {
        assert_eq!(ask(&mut firmware, 0x0400_0000 | operation, &[]).0, 0, "operation {operation:#x}");
    }
    assert_eq!(ask(&mut firmware, 0x0400_001B, &[]).1.len(), 16 + 17 * 4);
    assert_eq!(ask(&mut firmware, 0x0400_007F, &[]).0, 0x803);
}

#[test]
fn unprovision_is_refused_in_admin_control_mode() {
    let mut config = SimConfig::new("unused");
    config.device.control_mode = ControlMode::Admin;
    let mut firmware = Firmware::new(config);
    assert_eq!(ask(&mut firmware, 0x0400_0010, &0_u32.to_le_bytes()).0, 3);
    let mut firmware = self::firmware();
    let (status, answer) = ask(&mut firmware, 0x0400_0010, &0_u32.to_le_bytes());
    assert_eq!((status, word(&answer, 16)), (0, 0));
    assert_eq!(firmware.device.control_mode(), ControlMode::None);
}

#[test]
fn scripted_faults_reach_the_command_that_they_name() {
    use crate::faults::Action;

    let mut firmware = firmware();
    let now = firmware.now;
    let action = Action::AmthiStatus { command: 0x0400_0011, status: 2, count: 1 };
    firmware.faults.arm(action, now).unwrap();
    assert_eq!(ask(&mut firmware, 0x0400_006B, &[]).0, 0);
    assert_eq!(ask(&mut firmware, 0x0400_0011, &[]).0, 2);
    assert_eq!(ask(&mut firmware, 0x0400_0011, &[]).0, 0);
    firmware.faults.arm(Action::AmthiEmpty { count: 1 }, now).unwrap();
    let mut amthi = Amthi::default();
    amthi.handle(&mut firmware, &[1, 1, 0, 0, 0x11, 0, 0, 4, 0, 0, 0, 0]);
    assert_eq!(amthi.transmit().map(|packet| packet.head().len() + packet.body().len()), Some(0));
}
