//! `[jobs]`: work on firmware that has a verdict.

use amtd_amt::job::Kind;

use super::{
    Period,
    section::{hours, milliseconds, minutes, seconds, section},
};

section! {
    /// Jobs: activation, configuration and single WSMAN calls. One that changes the device runs alone; the others wait
    /// in a queue. Jobs that change the device are kept in a journal in the state directory, without their secrets.
    struct Jobs {
        /// Jobs that may wait for their turn. Those that change the device and those that only read are counted separately.
        /// More are refused.
        max_queued: usize = 16, allowed 1..=1000;
        /// Jobs that only read and may run at once.
        max_reading: usize = 4, allowed 1..=16;
        /// How long checking and planning a job may take before it is accepted.
        plan_limit: Period = minutes(2), allowed milliseconds(100)..=hours(1);
        /// How long an activation may take if its request does not say.
        limit_activate: Period = minutes(10), allowed milliseconds(100)..=hours(24);
        /// The same for a deactivation.
        limit_deactivate: Period = minutes(5), allowed milliseconds(100)..=hours(24);
        /// The same for features, clock, names and passwords.
        limit_configure: Period = minutes(5), allowed milliseconds(100)..=hours(24);
        /// The same for a WSMAN call.
        limit_wsman: Period = minutes(5), allowed milliseconds(100)..=hours(24);
        /// The longest time that a request may ask for.
        max_limit: Period = hours(1), allowed milliseconds(100)..=hours(24);
        /// How long a job that exceeds its limit has to reach a point at which nothing is half done. Then it is cut off, and
        /// firmware is read for a verdict.
        overrun: Period = minutes(5), allowed milliseconds(10)..=hours(1);
        /// How long reading firmware for the verdict of a cut-off job may take.
        examine_limit: Period = minutes(2), allowed milliseconds(100)..=hours(1);
        /// How long to wait for the link before reading firmware for the verdict of a job that a restart interrupted.
        /// Other jobs that change the device wait meanwhile.
        resume_wait: Period = minutes(2), allowed seconds(0)..=hours(1);
        /// How long a running job has to reach such a point when the daemon ends. Otherwise it is judged at the next start.
        stop_grace: Period = seconds(20), allowed seconds(0)..=minutes(10);
        /// How many ended jobs are kept.
        keep: usize = 200, allowed 1..=10_000;
        /// Ended jobs that are kept of those that only read. They are gone after a restart.
        keep_reading: usize = 50, allowed 0..=1000;
        /// How long the answer of a WSMAN call is kept, in memory only.
        keep_answer: Period = minutes(10), allowed seconds(0)..=hours(24);
        /// How many answers of WSMAN calls are kept; the oldest go first.
        keep_answers: usize = 8, allowed 1..=1000;
        /// How long a write to the journal may take before it counts as failed.
        journal_limit: Period = seconds(10), allowed milliseconds(100)..=minutes(10);
        /// Pause before a failed journal is tried again.
        journal_retry: Period = seconds(30), allowed milliseconds(10)..=hours(1);
    }
}

impl Jobs {
    /// How long a job of this kind may take if its request does not say.
    pub fn limit(&self, kind: Kind) -> Period {
        match kind {
            Kind::ActivateCcm | Kind::ActivateAcm => self.limit_activate,
            Kind::Deactivate => self.limit_deactivate,
            Kind::SetFeatures
            | Kind::SyncClock
            | Kind::SyncHostname
            | Kind::ChangePassword
            | Kind::SetMebxPassword => self.limit_configure,
            Kind::Wsman => self.limit_wsman,
        }
    }
}
