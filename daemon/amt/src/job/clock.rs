//! Setting AMT's clock to that of this machine (activation 8, wsman 9.7).

use std::time::SystemTime;

use super::{
    DeviceState, Failure, Kind, Observer, Outcome, Plan, Reason, StepName, device_changed,
    execution::{self, Execution},
    failure::{refused, unreadable},
    firmware::Firmware,
    require_active,
};
use crate::{
    Secret,
    machine::Machine,
    wsman::{Client, WsmanError, classes::TimeSynchronizationService},
};

/// Says what setting the clock will do.
pub(super) async fn plan<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    password: &Secret,
) -> Result<Plan, Failure> {
    require_active(&state)?;
    let (mut client, _) = firmware.login(&state, password).await?;
    let reading = Reading::take(&mut client).await?;
    if reading.is_right(firmware) {
        let mut plan = Plan::nothing(Kind::SyncClock, state);
        plan.after = reading.words();
        plan.before.clone_from(&plan.after);
        return Ok(plan);
    }
    let mut plan = Plan::leading_to(Kind::SyncClock, state, "the clock of AMT is that of this machine")
        .step(StepName::Login, "Log in as admin with the given password and read AMT's clock")
        .step(StepName::SetClock, "Set it to the time of this machine")
        .step(StepName::Verify, "Read AMT's clock again")
        .warn("Certificates of AMT are judged by this clock: the clock of this machine should be right.");
    plan.before = reading.words();
    plan.clock_ahead = Some(reading.ahead());
    Ok(plan)
}

/// Sets the clock.
pub(super) async fn run<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    plan: &Plan,
    password: &Secret,
) -> Outcome {
    let (firmware, state) = (execution.firmware, execution.before);
    let login = async {
        let (mut client, _) = firmware.login(&state, password).await?;
        let reading = Reading::take(&mut client).await?;
        Ok(((client, reading), reading.words()))
    };
    let (mut client, before) = match execution.step(StepName::Login, login).await {
        Ok(begun) => begun,
        Err(failure) => return execution.failed_before(failure),
    };
    if before.is_right(firmware) {
        return execution::unchanged(before.words());
    }
    if plan.unchanged {
        return execution.failed_before(device_changed());
    }
    if let Err(failure) = execution.safe_point() {
        return execution.failed_before(failure);
    }
    let result = execution.step(StepName::SetClock, set(&mut client, before.device)).await;
    let reading = async {
        let reading = Reading::take(&mut client).await?;
        Ok((reading, reading.words()))
    };
    match (result, execution.step(StepName::Verify, reading).await) {
        (_, Ok(now)) if now.is_right(firmware) => {
            execution::succeeded(vec!["The clock of AMT is that of this machine.".into()], now.words())
        }
        (result, Ok(now)) => {
            let sentence = format!("The firmware accepted the time, but {}.", now.words());
            let failure = result.err().unwrap_or_else(|| Failure::new(Reason::NotAsWanted, sentence));
            let applied = now.applied_since(Some(before.ahead()), firmware);
            execution.failed(failure, applied.into_iter().collect(), now.words())
        }
        (result, Err(error)) => {
            let failure = result.err().unwrap_or_else(|| unreadable(&error));
            let applied = vec!["Whether the clock was set is not known: it could not be read.".into()];
            execution.failed(failure, applied, execution::NOT_KNOWN.into())
        }
    }
}

/// If the answer is lost, the next reading shows whether the clock was set.
async fn set<M: Machine>(client: &mut Client<&M>, device: u32) -> Result<((), String), Failure> {
    match TimeSynchronizationService::set_device_time(client, device, host_seconds()).await {
        Ok(()) => Ok(((), "accepted".into())),
        Err(error) => Err(refused(error, Reason::ClockRefused)),
    }
}

/// Both clocks at one time, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    device: u32,
    host: u32,
}

impl Reading {
    /// Reads the clock of AMT, as whoever the client is.
    pub(super) async fn take<M: Machine>(client: &mut Client<&M>) -> Result<Self, WsmanError> {
        let device = TimeSynchronizationService::device_time(client).await?;
        Ok(Self { device, host: host_seconds() })
    }

    /// Whether the difference is one that setting would not make smaller.
    pub(super) fn is_right<M: Machine>(&self, firmware: Firmware<'_, M>) -> bool {
        u64::from(self.device.abs_diff(self.host)) <= firmware.policy.clock_tolerance.as_secs()
    }

    /// What the job has changed if the clock is still not right. `before` is how far it was ahead: a time that was
    /// under way for too long changes the clock, too.
    pub(super) fn applied_since<M: Machine>(
        &self,
        before: Option<i64>,
        firmware: Firmware<'_, M>,
    ) -> Option<String> {
        let Some(before) = before else {
            return Some(format!("Whether the clock was set is not known; now {}.", self.words()));
        };
        let moved = self.ahead().abs_diff(before);
        let is_set = moved > firmware.policy.clock_tolerance.as_secs();
        is_set.then(|| format!("The clock of AMT was set: {}.", self.words()))
    }

    /// AMT's clock against this machine's, in seconds.
    fn ahead(&self) -> i64 {
        i64::from(self.device).saturating_sub(self.host.into())
    }

    /// As a person would say it.
    pub(super) fn words(&self) -> String {
        let difference = self.device.abs_diff(self.host);
        match self.device.cmp(&self.host) {
            std::cmp::Ordering::Less => {
                format!("the clock of AMT is {difference} s behind that of this machine")
            }
            std::cmp::Ordering::Equal => "the clock of AMT is that of this machine".into(),
            std::cmp::Ordering::Greater => {
                format!("the clock of AMT is {difference} s ahead of that of this machine")
            }
        }
    }
}

/// AMT counts in 32 bits, until 2106.
#[expect(clippy::disallowed_methods, reason = "firmware is told the time of day")]
fn host_seconds() -> u32 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs()).unwrap_or(u32::MAX)
}
