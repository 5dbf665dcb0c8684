//! AMTHI commands against the layouts of amthi 3.

use proptest::prelude::*;

use super::*;
use crate::config::{SimConfig, TlsMode};
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

fn in_mode(control_mode: ControlMode, in_provisioning: bool) -> Firmware {
    let mut config = SimConfig::new("unused");
    config.device.control_mode = control_mode;
    config.device.in_provisioning = in_provisioning;
    Firmware::new(config)
}

fn status(firmware: &mut Firmware, operation: u32, payload: &[u8]) -> u32 {
    ask(firmware, 0x0400_0000 | operation, payload).0
}

fn provisioning_state(firmware: &mut Firmware) -> u32 {
    word(&ask(firmware, 0x0400_0011, &[]).1, 16)
}

#[test]
fn remote_configuration_is_started_once_and_stopped_but_not_unprovisioned() {
    let mut firmware = in_mode(ControlMode::None, false);
    assert_eq!(status(&mut firmware, 0x5E, &[]), 0x20, "nothing to stop");
    assert_eq!(status(&mut firmware, 0x29, &[]), 0);
    assert_eq!(provisioning_state(&mut firmware), 1);
    assert_eq!(status(&mut firmware, 0x29, &[]), 0x20, "it is under way");
    assert_eq!(status(&mut firmware, 0x10, &[0; 4]), 3, "there is no control mode to leave");
    assert_eq!(status(&mut firmware, 0x5E, &[]), 0);
    assert_eq!(provisioning_state(&mut firmware), 0);
    assert_eq!(status(&mut in_mode(ControlMode::Client, false), 0x29, &[]), 0x20);
}

#[test]
fn half_activated_device_is_left_by_unprovisioning_or_by_stopping() {
    for (operation, payload) in [(0x10, &[0; 4][..]), (0x5E, &[])] {
        let mut firmware = in_mode(ControlMode::Client, true);
        assert_eq!(provisioning_state(&mut firmware), 1);
        assert_eq!(status(&mut firmware, operation, payload), 0);
        assert_eq!(provisioning_state(&mut firmware), 0);
        assert_eq!(word(&ask(&mut firmware, 0x0400_006B, &[]).1, 16), 0);
    }
}

#[test]
fn device_that_is_switched_off_or_blocked_refuses() {
    let mut config = SimConfig::new("unused");
    (config.device.control_mode, config.device.enabled) = (ControlMode::None, false);
    assert_eq!(status(&mut Firmware::new(config), 0x29, &[]), 0x10);
    let mut firmware = firmware();
    firmware.device.block_unprovisioning(Some("Storage".into()));
    assert_eq!(status(&mut firmware, 0x10, &[0; 4]), 0x81C);
}

#[test]
fn host_based_configuration_answers_with_the_devices_own_hash() {
    let mut request = vec![0; 390];
    request[0] = 2;
    request[1..33].fill(0xAB);
    assert_eq!(
        status(&mut in_mode(ControlMode::None, false), 0x8B, &request),
        0x803,
        "no TLS, no such command"
    );
    let mut config = SimConfig::new("unused");
    config.device.control_mode = ControlMode::None;
    config.device.tls.mode = TlsMode::Enforced;
    let mut firmware = Firmware::new(config);
    assert_eq!(status(&mut firmware, 0x8B, &request[1..]), 4);
    for (at, wrong) in [(0, 1), (0, 5), (69, 1)] {
        let mut request = request.clone();
        request[at] = wrong;
        assert_eq!(status(&mut firmware, 0x8B, &request), 0x24, "byte {at}");
    }
    let (status_, answer) = ask(&mut firmware, 0x0400_008B, &request);
    assert_eq!((status_, answer.len(), answer[16]), (0, 16 + 65, 2));
    assert!(answer[17..49].iter().any(|byte| *byte != 0));
    assert_eq!(answer[49..], [0; 32]);
    assert_eq!(provisioning_state(&mut firmware), 1);
    assert_eq!(status(&mut firmware, 0x8B, &request), 0x20, "it is under way");
    assert_eq!(status(&mut firmware, 0x5E, &[]), 0);
    assert_eq!(provisioning_state(&mut firmware), 0);
}

#[test]
fn own_hash_is_digits_on_firmware_that_writes_them_if_there_is_room() {
    for (algorithm, digits) in [(2, true), (3, false)] {
        let mut config = SimConfig::new("unused");
        config.device.control_mode = ControlMode::None;
        config.device.tls.mode = TlsMode::Enforced;
        config.device.hash_as_text = true;
        let mut request = vec![0; 390];
        request[0] = algorithm;
        let (_, answer) = ask(&mut Firmware::new(config), 0x0400_008B, &request);
        assert_eq!(answer[17..].iter().all(u8::is_ascii_hexdigit), digits);
    }
}

proptest! {
    /// Commands that change something take any payload without harm, in every state.
    #[test]
    fn no_payload_harms_a_command_that_changes_something(
        operation in prop::sample::select(vec![0x10_u32, 0x29, 0x5B, 0x5E, 0x8B, 0x8E]),
        payload in prop::collection::vec(any::<u8>(), 0..400),
        whole in any::<bool>(),
    ) {
        let mut config = SimConfig::new("unused");
        config.device.control_mode = ControlMode::None;
        config.device.tls.mode = TlsMode::Enforced;
        let mut firmware = Firmware::new(config);
        let mut payload = payload;
        if whole {
            payload.resize(390, 2);
        }
        ask(&mut firmware, 0x0400_0000 | operation, &payload);
        prop_assert!(firmware.device.control_mode() == ControlMode::None);
    }
}

#[test]
fn hosts_name_is_taken_with_its_terminator_and_shown_only_if_it_is_a_name() {
    let mut firmware = firmware();
    assert_eq!(status(&mut firmware, 0x5B, b"\x0C\x00pc7.example\0"), 0);
    assert_eq!(firmware.device.network.host_fqdn(), "pc7.example");
    for (wrong, expected) in
        [(&b"\x05\x00pc7"[..], 4), (b"\x05", 4), (b"\x01\x00\0", 0x1C), (b"\x03\x00a b", 0x1C)]
    {
        assert_eq!(status(&mut firmware, 0x5B, wrong), expected, "{wrong:?}");
    }
    assert_eq!(firmware.device.network.host_fqdn(), "pc7.example");
}

#[test]
fn log_of_remote_access_is_as_long_as_it_was_seen_and_only_in_version_0() {
    let mut firmware = firmware();
    let (status_, answer) = ask(&mut firmware, 0x0400_008E, &[0]);
    assert_eq!((status_, answer.len()), (0, 2797));
    assert_eq!(status(&mut firmware, 0x8E, &[1]), 0x24);
    assert_eq!(status(&mut firmware, 0x8E, &[]), 4);
}

#[test]
fn firmware_is_not_ready_while_it_settles_after_a_change() {
    let mut config = SimConfig::new("unused");
    config.settling.time = std::time::Duration::from_secs(5);
    let mut firmware = Firmware::new(config);
    assert_eq!(status(&mut firmware, 0x10, &[0; 4]), 0);
    assert!(!firmware.settle(), "connections stay");
    assert_eq!(status(&mut firmware, 0x6B, &[]), 2);
    firmware.now += std::time::Duration::from_secs(6);
    assert_eq!(status(&mut firmware, 0x6B, &[]), 0);
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

#[test]
fn command_whose_answer_is_lost_is_carried_out_and_one_that_is_not_heard_is_not() {
    use crate::faults::Action;

    let unprovision = [1, 1, 0, 0, 0x10, 0, 0, 4, 4, 0, 0, 0, 0, 0, 0, 0];
    for (action, mode) in [
        (Action::AmthiSilent { count: 1 }, ControlMode::Client),
        (Action::AmthiLoseAnswers { count: 1 }, ControlMode::None),
    ] {
        let mut firmware = firmware();
        let now = firmware.now;
        firmware.faults.arm(action, now).unwrap();
        let mut amthi = Amthi::default();
        amthi.handle(&mut firmware, &unprovision);
        firmware.device.tick(now);
        assert!(amthi.transmit().is_none());
        assert_eq!(firmware.device.control_mode(), mode);
    }
}
