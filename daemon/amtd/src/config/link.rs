//! `[link]`: when the link to firmware counts as impaired.

use super::{
    Period,
    section::{hours, milliseconds, minutes, seconds, section},
};

section! {
    /// The link to firmware.
    struct Link {
        /// How long after start the daemon waits for the link and its ports before it tells the service manager that
        /// it is ready, but degraded, and why.
        degraded_after: Period = seconds(30), allowed seconds(0)..=hours(1);
        /// How long the device may take no message while one waits, before the link is given up and made anew.
        transmit_stall: Period = seconds(30), allowed milliseconds(100)..=minutes(10);
    }
}
