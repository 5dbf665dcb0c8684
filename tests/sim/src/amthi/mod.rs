//! The AMTHI client: host interface commands (amthi 1). One message is one command or one answer.
//!
//! Owns the framing; `answers` has the commands that ask, `changes` those that change something. Driven by `mei::connection`.

mod answers;
mod changes;

use std::collections::VecDeque;

use crate::faults::{AmthiFault, Counted};
use crate::firmware::Firmware;
use crate::mei::Packet;

/// Bytes of a command before its payload.
const HEADER: usize = 12;
/// Marks an answer in the command field.
const IS_ANSWER: u32 = 1 << 23;

/// Status codes of AMT (amthi 8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Status(pub(crate) u32);

impl Status {
    pub(crate) const SUCCESS: Self = Self(0);
    pub(crate) const INTERNAL_ERROR: Self = Self(1);
    pub(crate) const NOT_READY: Self = Self(2);
    pub(crate) const INVALID_AMT_MODE: Self = Self(3);
    pub(crate) const INVALID_MESSAGE_LENGTH: Self = Self(4);
    pub(crate) const NOT_PERMITTED: Self = Self(0x10);
    pub(crate) const INVALID_DOMAIN_NAME: Self = Self(0x1C);
    pub(crate) const UNSUPPORTED_VERSION: Self = Self(0x1D);
    pub(crate) const INVALID_PROVISIONING_STATE: Self = Self(0x20);
    pub(crate) const INVALID_INDEX: Self = Self(0x23);
    pub(crate) const INVALID_PARAMETER: Self = Self(0x24);
    pub(crate) const REMOTE_ACCESS_HOST_VPN_IS_DISABLED: Self = Self(0x201);
    pub(crate) const INVALID_COMMAND: Self = Self(0x803);
    pub(crate) const DATA_MISSING: Self = Self(0x809);
    pub(crate) const BLOCKING_COMPONENT: Self = Self(0x81C);
    pub(crate) const INTERFACE_DOES_NOT_EXIST: Self = Self(0x9C5);
}

/// The firmware's end of one AMTHI connection.
#[derive(Debug, Default)]
pub(crate) struct Amthi {
    answers: VecDeque<Packet>,
}

impl Amthi {
    /// Takes one command. A message too short for a header gets no answer (what firmware does is not known).
    pub(crate) fn handle(&mut self, firmware: &mut Firmware, message: &[u8]) {
        let Some((header, payload)) = message.split_first_chunk::<HEADER>() else { return };
        let [major, _, _, _, c0, c1, c2, c3, l0, l1, l2, l3] = *header;
        let command = u32::from_le_bytes([c0, c1, c2, c3]);
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        firmware.stats.amthi_commands += 1;
        firmware.schedule.count(Counted::Commands);
        let fault = firmware.faults.amthi(command);
        let answer = match fault {
            Some(AmthiFault::Silent) => return,
            Some(AmthiFault::Empty) => return self.answers.push_back(Packet::new(&[])),
            Some(AmthiFault::Status(_, status)) => Err(Status(status)),
            _ if firmware.faults.settling.is_on(firmware.now) => Err(Status::NOT_READY),
            _ if major != 1 => Err(Status::UNSUPPORTED_VERSION),
            _ if length as usize != payload.len() => Err(Status::INVALID_MESSAGE_LENGTH),
            _ => answers::answer(firmware, command, payload),
        };
        if fault != Some(AmthiFault::AnswerLost) {
            self.answers.push_back(Packet::new(&encode(command, &answer)));
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

/// An answer: header, status, and the payload if there is one. An error has none (amthi 1.2).
fn encode(command: u32, answer: &Result<Vec<u8>, Status>) -> Vec<u8> {
    let (status, payload) = match answer {
        Ok(payload) => (Status::SUCCESS, payload.as_slice()),
        Err(status) => (*status, &[][..]),
    };
    let mut out = vec![1, 1, 0, 0];
    out.extend_from_slice(&(command | IS_ANSWER).to_le_bytes());
    // The longest answer has some hundred bytes.
    out.extend_from_slice(&(payload.len() as u32 + 4).to_le_bytes());
    out.extend_from_slice(&status.0.to_le_bytes());
    out.extend_from_slice(payload);
    out
}

#[cfg(test)]
mod tests;
