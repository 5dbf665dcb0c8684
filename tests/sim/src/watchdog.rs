//! The watchdog client: the operating system watchdog's messages and the manageability state (mei 8.2, amthi 4).
//!
//! Header: command, number of bytes after this field, sub-command, version 0x10. Nothing is done when the watchdog expires.
//! Driven by `mei::connection`.

use std::collections::VecDeque;

use crate::faults::{Counted, ManageabilityFault};
use crate::firmware::Firmware;
use crate::mei::Packet;

/// The command of what is about AMT and not about the watchdog.
const MANAGEABILITY: u8 = 0x05;

/// Change allowed, AMT enabled, "new interface": which bits are valid.
const CHANGE_ALLOWED: u8 = 1 << 0;
const ENABLED: u8 = 1 << 1;
const TLS_ONLY: u8 = 1 << 6;
const NEW_INTERFACE: u8 = 1 << 7;

/// Statuses (amthi 4).
const SUCCESS: u8 = 0;
const FAILURE: u8 = 0x9E;
const UPDATE_NOT_ALLOWED: u8 = 0xA8;

/// The firmware's end of one watchdog connection.
#[derive(Debug, Default)]
pub(crate) struct Watchdog {
    answers: VecDeque<Packet>,
}

impl Watchdog {
    /// Takes one command; unknown ones get no answer.
    pub(crate) fn handle(&mut self, firmware: &mut Firmware, message: &[u8]) {
        let Some(([command, _, subcommand, _], payload)) = message.split_first_chunk::<4>() else { return };
        let fault = (*command == MANAGEABILITY).then(|| count(firmware)).flatten();
        if fault == Some(ManageabilityFault::Silent) {
            return;
        }
        let answer: &[u8] = match (*command, *subcommand, payload.len()) {
            // Start or ping: ready, and the watchdog is required.
            (0x02, 0x13, 2..) => &[0x02, 0x04, 0x83, 0x10, 0, 0],
            (0x02, 0x14, _) => &[],
            (MANAGEABILITY, 0x51, _) => &[manageability(firmware)],
            (MANAGEABILITY, 0x53, 1..) => {
                &[0x05, 0x03, 0x53, 0x10, set_operational_state(firmware, payload[0])]
            }
            _ => return,
        };
        if fault.is_none() {
            self.answers.push_back(Packet::new(answer));
        }
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

/// Counts a command, and says how it goes wrong.
fn count(firmware: &mut Firmware) -> Option<ManageabilityFault> {
    firmware.stats.manageability_commands += 1;
    firmware.schedule.count(Counted::Manageability);
    firmware.faults.manageability()
}

fn manageability(firmware: &Firmware) -> u8 {
    let ports = &firmware.config.apf.ports;
    let tls_only = ports.contains(&16993) && !ports.contains(&16992);
    let enabled = if firmware.device.is_enabled() { ENABLED } else { 0 };
    CHANGE_ALLOWED | enabled | NEW_INTERFACE | if tls_only { TLS_ONLY } else { 0 }
}

/// Status of "set operational state": a device that is provisioned stays on (a guess, as is the width of the status).
fn set_operational_state(firmware: &mut Firmware, wanted: u8) -> u8 {
    match wanted {
        0 | 1 if firmware.device.enable(wanted == 1).is_ok() => SUCCESS,
        0 | 1 => UPDATE_NOT_ALLOWED,
        _ => FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SimConfig;
    use crate::faults::Step;

    fn ask(ports: &[u16], message: &[u8]) -> Option<Vec<u8>> {
        let mut config = SimConfig::new("unused");
        config.apf.ports = ports.to_vec();
        let mut watchdog = Watchdog::default();
        watchdog.handle(&mut Firmware::new(config), message);
        watchdog.transmit().map(|packet| [packet.head(), packet.body()].concat())
    }

    #[test]
    fn tls_only_firmware_says_so() {
        let question = [0x05, 0x02, 0x51, 0x10];
        assert_eq!(ask(&[16992, 623], &question), Some(vec![0x83]));
        assert_eq!(ask(&[16993, 664], &question), Some(vec![0xC3]));
    }

    #[test]
    fn amt_is_switched_on_and_off_only_before_it_is_provisioned() {
        let switch = |firmware: &mut Firmware, on| {
            let mut watchdog = Watchdog::default();
            watchdog.handle(firmware, &[0x05, 0x03, 0x53, 0x10, on]);
            watchdog.transmit().map(|packet| [packet.head(), packet.body()].concat()[4])
        };
        let mut firmware = Firmware::new(SimConfig::new("unused"));
        assert_eq!(switch(&mut firmware, 0), Some(UPDATE_NOT_ALLOWED));
        firmware.device.unprovision(firmware.now).unwrap();
        assert_eq!((switch(&mut firmware, 0), firmware.device.is_enabled()), (Some(SUCCESS), false));
        assert_eq!(manageability(&firmware) & ENABLED, 0);
        assert_eq!((switch(&mut firmware, 1), firmware.device.is_enabled()), (Some(SUCCESS), true));
        assert_eq!(switch(&mut firmware, 2), Some(FAILURE));
    }

    #[test]
    fn switching_on_without_an_answer_is_done_and_without_a_command_is_not() {
        for (action, is_done) in [("manageability-silent", true), ("manageability-lose-answers", false)] {
            let mut firmware = Firmware::new(SimConfig::new("unused"));
            firmware.device.unprovision(firmware.now).unwrap();
            let step: Step = serde_json::from_str(&format!("{{\"do\":\"{action}\"}}")).unwrap();
            firmware.faults.arm(step.action, firmware.now).unwrap();
            let mut watchdog = Watchdog::default();
            watchdog.handle(&mut firmware, &[0x05, 0x03, 0x53, 0x10, 0]);
            assert!(watchdog.transmit().is_none());
            assert_eq!((firmware.device.is_enabled(), firmware.stats.manageability_commands), (is_done, 1));
        }
    }

    #[test]
    fn ping_is_answered_ready() {
        let mut ping = vec![0x02, 0x15, 0x13, 0x10, 120, 0];
        ping.resize(23, 0);
        assert_eq!(ask(&[16992], &ping).unwrap()[2..5], [0x83, 0x10, 0]);
        assert_eq!(ask(&[16992], &[9, 9, 9, 9]), None);
    }
}
