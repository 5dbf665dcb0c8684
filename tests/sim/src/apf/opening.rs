//! Channels that the host opens (apf 4.1 to 4.4): slots, refusals, and what scripts make of the answer.

use std::time::Instant;

use amtd_apf::wire::{
    ChannelKind, ChannelOpen, ChannelOpenConfirmation, Message, OpenFailureReason, RESERVED, WindowAdjust,
};

use super::Session;
use super::channel::{Channel, Credit, Role};
use super::forwards::ForwardState;
use crate::faults::OpenFault;
use crate::firmware::{Firmware, is_secure};
use crate::stats::Violation;
use crate::web::WebConnection;

/// Most adjusts that follow a confirmation with window 0; the last one carries the rest.
const MAX_STEPS: u32 = 4096;

/// An open whose answer waits.
#[derive(Debug)]
pub(super) struct Delayed {
    time: Instant,
    open: Opening,
}

impl Delayed {
    pub(super) fn time(&self) -> Instant {
        self.time
    }
}

/// What matters of a CHANNEL_OPEN.
#[derive(Debug, Clone, Copy)]
struct Opening {
    remote: u32,
    window: u32,
    port: u32,
}

impl Session {
    pub(super) fn handle_open(&mut self, firmware: &mut Firmware, open: ChannelOpen<'_>) {
        firmware.stats.opens += 1;
        if open.reserved != RESERVED {
            firmware.violation(Violation::ReservedWord, format!("CHANNEL_OPEN has {:#010x}", open.reserved));
        }
        if self.slots.iter().flatten().any(|channel| channel.remote == open.sender && !channel.is_opening()) {
            firmware.violation(Violation::DuplicateNumber, open.sender.to_string());
        }
        let ChannelKind::ForwardedTcpip(endpoints) = open.kind else {
            // AMT never accepts direct-tcpip from its peer (apf 3.5).
            firmware.violation(Violation::DirectOpen, format!("channel {}", open.sender));
            let known = matches!(open.kind, ChannelKind::DirectTcpip(_));
            let reason =
                if known { OpenFailureReason::PROHIBITED } else { OpenFailureReason::UNKNOWN_CHANNEL_TYPE };
            return self.push_failure(firmware, open.sender, reason);
        };
        if self.wake(firmware) {
            // The new requests come before the refusal (apf 4.4).
            return self.push_failure(firmware, open.sender, OpenFailureReason::PROHIBITED);
        }
        let opening = Opening { remote: open.sender, window: open.window, port: endpoints.target_port };
        match firmware.faults.open() {
            None => self.answer(firmware, opening),
            Some(fault) => self.answer_wrongly(firmware, opening, fault),
        }
    }

    /// Confirms or refuses. Returns the slot.
    fn answer(&mut self, firmware: &mut Firmware, opening: Opening) {
        if let Some(slot) = self.admit(firmware, opening) {
            self.confirm(firmware, opening.remote, slot as u32, firmware.config.apf.window);
        }
    }

    fn answer_wrongly(&mut self, firmware: &mut Firmware, opening: Opening, fault: OpenFault) {
        match fault {
            OpenFault::Silent => {}
            OpenFault::Refuse(reason) => {
                self.push_failure(firmware, opening.remote, OpenFailureReason(reason));
            }
            OpenFault::Delay(time) => self.delayed.push(Delayed { time: firmware.now + time, open: opening }),
            OpenFault::ConfirmTwice { other_id } => {
                self.answer(firmware, opening);
                self.confirm_again(firmware, opening, other_id);
            }
            OpenFault::ConfirmAfterFailure => {
                self.push_failure(firmware, opening.remote, OpenFailureReason::CONNECT_FAILED);
                self.answer(firmware, opening);
            }
            OpenFault::ConfirmWithUsedId => match self.slots.iter().position(Option::is_some) {
                Some(used) => self.confirm(firmware, opening.remote, used as u32, firmware.config.apf.window),
                None => self.answer(firmware, opening),
            },
            OpenFault::ZeroWindow(step) => self.confirm_without_window(firmware, opening, step),
            OpenFault::HugeWindow => {
                if let Some(slot) = self.admit(firmware, opening) {
                    self.set_local_window(slot, u64::MAX);
                    self.confirm(firmware, opening.remote, slot as u32, u32::MAX);
                    self.push(Message::WindowAdjust(WindowAdjust { receiver: opening.remote, bytes: 1000 }));
                }
            }
        }
    }

    fn confirm_again(&mut self, firmware: &mut Firmware, opening: Opening, other_id: bool) {
        let first = self.slot_of(opening.remote);
        let slot = if other_id { self.allocate(firmware, opening, Role::Ghost) } else { first };
        if let Some(slot) = slot {
            self.confirm(firmware, opening.remote, slot as u32, firmware.config.apf.window);
        }
    }

    fn confirm_without_window(&mut self, firmware: &mut Firmware, opening: Opening, step: u32) {
        let Some(slot) = self.admit(firmware, opening) else { return };
        self.confirm(firmware, opening.remote, slot as u32, 0);
        let window = firmware.config.apf.window;
        let Some(channel) = &mut self.slots[slot] else { return };
        channel.credit.step = Some(step);
        channel.local_window = if step == 0 { 0 } else { u64::from(window) };
        self.push_adjusts(opening.remote, window, Some(step));
    }

    /// Checks the forward and takes a slot, or refuses.
    fn admit(&mut self, firmware: &mut Firmware, opening: Opening) -> Option<usize> {
        let forward = self.forward_of(opening.port);
        if forward != Some(ForwardState::Accepted) {
            if forward != Some(ForwardState::Cancelled) {
                firmware.violation(Violation::OpenWithoutForward, format!("port {}", opening.port));
            }
            self.push_failure(firmware, opening.remote, OpenFailureReason::PROHIBITED);
            return None;
        }
        let tls = match firmware.accept_tls(opening.port) {
            Ok(tls) => tls,
            Err(error) => {
                eprintln!("amt-sim: a connection to port {} cannot be served: {error}", opening.port);
                self.push_failure(firmware, opening.remote, OpenFailureReason::CONNECT_FAILED);
                return None;
            }
        };
        let is_echo = firmware.config.apf.echo_ports.iter().any(|port| u32::from(*port) == opening.port);
        let role = if is_echo {
            Role::Echo
        } else {
            Role::Web(Some(Box::new(WebConnection::new(is_secure(opening.port)))))
        };
        let slot = self.allocate(firmware, opening, role);
        match slot.and_then(|slot| self.slots[slot].as_mut()) {
            Some(channel) => channel.tls = tls,
            None => self.push_failure(firmware, opening.remote, OpenFailureReason::RESOURCE_SHORTAGE),
        }
        slot
    }

    /// Takes the lowest free slot.
    fn allocate(&mut self, firmware: &mut Firmware, opening: Opening, role: Role) -> Option<usize> {
        let slot = self.slots.iter().position(Option::is_none)?;
        let apf = &firmware.config.apf;
        self.serial += 1;
        let credit = Credit::new(apf.credit, apf.window);
        let channel = Channel::new(self.serial, opening.remote, opening.port, role, credit)
            .windows(opening.window, apf.window);
        self.slots[slot] = Some(channel);
        let used = self.slots.iter().flatten().count();
        firmware.stats.slots_high_water = firmware.stats.slots_high_water.max(used);
        Some(slot)
    }

    /// Takes a slot for a channel that firmware opens.
    pub(super) fn allocate_own(&mut self, firmware: &mut Firmware, port: u32) -> Option<usize> {
        self.allocate(firmware, Opening { remote: 0, window: 0, port }, Role::Direct(false))
    }

    fn confirm(&mut self, firmware: &mut Firmware, receiver: u32, sender: u32, window: u32) {
        firmware.stats.opens_confirmed += 1;
        let confirmation = ChannelOpenConfirmation { receiver, sender, window, reserved: RESERVED };
        self.push(Message::ChannelOpenConfirmation(confirmation));
    }

    /// Answers the opens whose time has come.
    pub(super) fn confirm_delayed(&mut self, firmware: &mut Firmware) {
        let now = firmware.now;
        let due: Vec<_> = self.delayed.extract_if(.., |delayed| delayed.time <= now).collect();
        for delayed in due {
            self.answer(firmware, delayed.open);
        }
    }

    /// Gives window to the host, in steps if a script wants it so: `Some(0)` gives nothing.
    pub(super) fn push_adjusts(&mut self, receiver: u32, bytes: u32, step: Option<u32>) {
        let step = match step {
            None => bytes,
            Some(step) => step,
        };
        if step == 0 || bytes == 0 {
            return;
        }
        let mut left = bytes;
        for count in 1.. {
            let bytes = if count == MAX_STEPS { left } else { step.min(left) };
            self.push(Message::WindowAdjust(WindowAdjust { receiver, bytes }));
            left -= bytes;
            if left == 0 {
                break;
            }
        }
    }

    fn set_local_window(&mut self, slot: usize, window: u64) {
        if let Some(channel) = &mut self.slots[slot] {
            channel.local_window = window;
        }
    }

    fn slot_of(&self, remote: u32) -> Option<usize> {
        self.slots.iter().position(|slot| slot.as_ref().is_some_and(|channel| channel.remote == remote))
    }
}
