//! What goes wrong in a simulated world, and how often: firmware, device, and clients that come at any moment.

use std::time::Duration;

use amtd_apf::OpenFailureReason;
use amtd_mei::{ConnectError, LinkError};

use super::{
    device::{self, Loss},
    firmware::Unwilling,
    traffic::HTTP,
    world::World,
};
use crate::driver::simulated::{End, MAX_EMPTY};

const CLIENTS: usize = 12;
/// More than any wait for the device.
const LONG: Duration = Duration::from_secs(60);

impl World {
    /// Perhaps something goes wrong.
    pub(super) fn trouble(&mut self) {
        if self.clients.len() < CLIENTS && self.rng.u8(0..30) == 0 {
            self.connect();
        }
        match self.rng.u8(0..90) {
            0 => self.trouble_with_device(),
            1..=2 => self.trouble_with_firmware(),
            _ => {}
        }
    }

    fn some_time(&mut self) -> Duration {
        Duration::from_millis(self.rng.u64(1..3000))
    }

    fn trouble_with_firmware(&mut self) {
        let until = self.now + self.some_time();
        match self.rng.u8(0..24) {
            0..=2 => {
                let unwilling = self.unwilling();
                self.firmware.mood.opens.push_back(unwilling);
            }
            3 => {
                self.note(|| "firmware restarts its session".into());
                self.seen.count("session restarts");
                self.firmware.restart(false);
            }
            4 => self.firmware.mood.holds_closes ^= true,
            5..=6 => {
                self.firmware.mood.holds_credit ^= true;
                self.seen.count("credit withheld");
            }
            7 => {
                self.firmware.mood.stalled_until = Some(until);
                self.seen.count("stalls");
            }
            8..=9 => self.count_if(|world| world.firmware.close_one(&mut world.rng), "closes by firmware"),
            10..=12 => {
                self.firmware.stray(&mut self.rng);
                self.seen.count("stray messages");
            }
            13 => self.count_if(|world| world.firmware.duplicate(), "messages repeated"),
            14 => {
                self.firmware.garbage(&mut self.rng);
                self.seen.count("garbage");
            }
            15..=16 => {
                self.firmware.forward(HTTP, false);
                self.seen.count("ports withdrawn");
            }
            17..=18 => {
                self.firmware.forward(HTTP, true);
                self.seen.count("ports announced again");
            }
            19..=21 => {
                let event = "messages about channels of the last connection";
                self.count_if(|world| world.firmware.remember(&mut world.rng), event);
            }
            22 if self.rng.bool() => {
                self.note(|| "firmware will speak an unknown version".into());
                self.firmware.mood.is_outdated = true;
            }
            _ => {}
        }
    }

    /// How an opening is answered badly.
    fn unwilling(&mut self) -> Unwilling {
        let (event, unwilling) = match self.rng.u32(0..7) {
            0 => ("opens unanswered", Unwilling::Silent),
            1 => ("opens confirmed late", Unwilling::Late(Duration::from_millis(self.rng.u64(1..40_000)))),
            reason => ("opens refused", Unwilling::Refuses(OpenFailureReason(reason - 1))),
        };
        self.seen.count(event);
        unwilling
    }

    fn trouble_with_device(&mut self) {
        let until = self.now + self.some_time();
        match self.rng.u8(0..10) {
            0..=1 => {
                let loss = device::loss(&mut self.rng);
                self.note(|| format!("the device is lost: {loss:?}"));
                self.device.lose(&mut self.firmware, loss);
            }
            2..=3 => {
                let (messages, loss) = (self.rng.u32(0..20), device::loss(&mut self.rng));
                self.device.lose_after(messages, loss);
            }
            4 => {
                let error = device::refusal(&mut self.rng);
                // At times for so long that the recovery becomes slow.
                let times = if self.rng.u8(0..4) == 0 { self.rng.usize(1..12) } else { 1 };
                self.note(|| format!("the next {times} attempts to connect: {error}"));
                self.device.refusals.extend(std::iter::repeat_n(error, times));
            }
            // At times for longer than the driver stands it.
            5 => self.device.full_until = Some(if self.rng.u8(0..4) == 0 { until } else { until + LONG }),
            6 => self.device.mute_until = Some(self.now + Duration::from_micros(self.rng.u64(10..50_000))),
            7 => {
                // Most often few enough to be borne.
                let count = self.rng.u32(1..MAX_EMPTY + 3);
                self.firmware.outbox.extend((0..count).map(|_| Vec::new()));
            }
            8 if self.rng.u8(0..4) == 0 => self.suspend(),
            9 if self.rng.u8(0..4) == 0 => {
                self.end_link(&End::Asked("somebody asks for it"));
            }
            _ => {}
        }
    }

    fn suspend(&mut self) {
        let minutes = self.rng.u64(1..200);
        self.note(|| format!("suspended for {minutes} min"));
        self.seen.count("suspensions");
        self.now += Duration::from_secs(60 * minutes);
        self.device.lose(&mut self.firmware, Loss { error: LinkError::Gone, buffered: false });
    }

    /// What an attempt to connect met.
    pub(super) fn count_refusal(&mut self, error: &ConnectError) {
        self.seen.count(match error {
            ConnectError::Busy { .. } => "EBUSY on connect",
            ConnectError::DeviceDown { .. } => "ENODEV on connect",
            _ => "other errors on connect",
        });
    }

    fn count_if(&mut self, happens: impl FnOnce(&mut Self) -> bool, event: &'static str) {
        if happens(self) {
            self.seen.count(event);
        }
    }
}
