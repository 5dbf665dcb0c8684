//! `[flows]`: how jobs deal with firmware.

use std::path::PathBuf;

use super::{
    Period,
    section::{hours, milliseconds, minutes, seconds, section},
};

section! {
    /// How patiently jobs ask firmware and look again. Attempts and pauses need changing only for firmware that is slower
    /// than any known.
    struct Flows {
        /// Attempts at one question over the host interface, which other programs may hold.
        ask_attempts: u32 = 40, allowed 1..=1000;
        /// Pause after the first attempt; after the n-th it is n times as long.
        ask_pause: Period = milliseconds(100), allowed milliseconds(10)..=minutes(1);
        /// The longest pause.
        ask_max_pause: Period = seconds(1), allowed milliseconds(10)..=minutes(10);
        /// How long one attempt may take.
        ask_limit: Period = seconds(15), allowed milliseconds(100)..=minutes(5);
        /// How long all attempts at a question may take together.
        ask_deadline: Period = minutes(1), allowed milliseconds(100)..=hours(1);
        /// Attempts at one WSMAN request. A change is never sent a second time if firmware may have acted on it.
        wsman_attempts: u32 = 4, allowed 1..=1000;
        /// Pause after the first attempt; after the n-th it is n times as long.
        wsman_pause: Period = milliseconds(250), allowed milliseconds(10)..=minutes(1);
        /// The longest pause.
        wsman_max_pause: Period = seconds(3), allowed milliseconds(10)..=minutes(10);
        /// How long one attempt may take, from the connection to the end of the answer.
        wsman_limit: Period = seconds(30), allowed milliseconds(100)..=hours(1);
        /// How long all attempts at a request may take together.
        wsman_deadline: Period = seconds(90), allowed milliseconds(100)..=hours(1);
        /// Longest answer to a WSMAN request that is read, in bytes.
        wsman_max_answer: usize = 1_048_576, allowed 4096..=1 << 26;
        /// Most instances that are read of one class.
        wsman_max_instances: usize = 1000, allowed 1..=100_000;
        /// How long firmware may take to say whether it enforces TLS. The kernel's watchdog driver often holds the
        /// interface that knows; that is not waited for.
        enablement_limit: Period = seconds(5), allowed milliseconds(100)..=minutes(5);
        /// Certificates in PEM of the authorities that sign the identities of devices (Intel's on-die authorities). A
        /// device that enforces TLS must show such an identity before it is activated. Without the file it is not
        /// verified, and plans say so.
        authorities: Option<PathBuf> = None, example "\"/etc/amtd/odca.pem\"";
        /// How long the control mode is read again until it is what a step should have made it.
        verify_deadline: Period = seconds(5), allowed milliseconds(10)..=hours(1);
        /// The same after a deactivation, which takes firmware some seconds.
        unprovision_deadline: Period = seconds(30), allowed milliseconds(10)..=hours(1);
        /// Pause after the first of these readings; after the n-th it is n times as long.
        verify_pause: Period = milliseconds(10), allowed milliseconds(10)..=minutes(1);
        /// The longest pause.
        verify_max_pause: Period = milliseconds(100), allowed milliseconds(10)..=minutes(1);
        /// How often a login is tried shortly after an activation, when firmware may not know the right password yet.
        settle_attempts: u32 = 4, allowed 1..=100;
        /// Pause between two of these logins.
        settle_pause: Period = seconds(3), allowed milliseconds(10)..=minutes(10);
        /// A clock that differs by no more than this is left as it is.
        clock_tolerance: Period = seconds(1), allowed seconds(0)..=hours(24);
        /// A plan warns of a provisioning certificate that expires within this many days.
        expiry_warning_days: u32 = 30, allowed 0..=3650;
    }
}
