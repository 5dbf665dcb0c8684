//! `[firmware]`: asking firmware about itself for the status.

use super::{
    Period,
    section::{hours, milliseconds, minutes, seconds, section},
};

section! {
    /// What firmware says about itself (version, control mode, provisioning state), asked over its host interface. That
    /// interface has room for one program at a time: it is held only for the few milliseconds of each reading.
    struct Firmware {
        /// How long the whole reading may take, connecting included.
        limit: Period = seconds(30), allowed milliseconds(100)..=minutes(10);
        /// How long firmware may take for one answer. Then the reading is given up.
        answer_limit: Period = seconds(15), allowed milliseconds(100)..=minutes(5);
        /// Pause when another program holds the interface; the n-th pause is n times as long.
        busy_pause: Period = milliseconds(100), allowed milliseconds(10)..=minutes(1);
        /// Pause when firmware is not ready to answer, as after a start of the machine.
        retry_pause: Period = seconds(15), allowed milliseconds(10)..=hours(1);
        /// Attempts at one reading. If all fail, the status lacks these facts until the next reading.
        attempts: u32 = 24, allowed 1..=1000;
        /// Pause between two readings. Only a reading shows what another program has provisioned.
        refresh: Period = minutes(10), allowed milliseconds(10)..=hours(168);
    }
}
