//! AMT that is switched off: whether an activation may switch it on, doing so, and what it says of that in the end (amthi 4,
//! activation 1). Called by both activations, and by the examination after a crash.
//!
//! How long firmware takes to be there afterwards, and whether it wants a restart first, is not known. So nothing that it
//! says before is relied on except what the device is; the next step is given time, and if it fails the outcome says that
//! AMT is on.

use tokio::time::sleep;

use crate::{
    amthi::ProvisioningState,
    ask::{AnswerError, AskError},
    job::{
        DeviceState, Failure, Observer, Outcome, Plan, Reason, StepName, Verdict,
        execution::Execution,
        firmware::{Device, Firmware},
    },
    machine::Machine,
    mhc::{MhcError, SetAmtOperationalState},
    retry::RetryPolicy,
    wsman::{Client, classes::HostBasedSetupService},
};

/// Whether AMT must be switched on first. Firmware lets its host do that only before anything was provisioned.
pub(super) fn is_off(device: &Device) -> Result<bool, Failure> {
    let Some(enablement) = device.enablement.filter(|found| found.is_enabled() == Some(false)) else {
        return Ok(false);
    };
    let DeviceState { provisioning_state, .. } = device.state;
    if !device.state.is_inactive() || provisioning_state != ProvisioningState::Pre {
        let sentence = "Intel AMT is switched off in this firmware, and can be switched on from its own machine only \
                        before it is provisioned.";
        return Err(Failure::new(Reason::AmtDisabled, sentence));
    }
    if !enablement.may_change() {
        let sentence =
            "Intel AMT is switched off in this firmware, which does not let its own machine switch it on.";
        return Err(Failure::new(Reason::AmtDisabled, sentence));
    }
    Ok(true)
}

/// The first step of a plan for a device that is off, or nothing.
pub(super) fn plan(plan: Plan, is_off: bool) -> Plan {
    if !is_off {
        return plan;
    }
    plan.step(StepName::EnableAmt, "Enable Intel AMT, which is switched off")
        .warn("Intel AMT stays switched on even if it then cannot be activated.")
        .warn("What the firmware accepts and allows can only be checked once Intel AMT is on.")
}

/// Does that step, if it was planned, and says whether it was.
pub(super) async fn switch_on<M: Machine, O: Observer>(
    execution: &mut Execution<'_, M, O>,
    plan: &Plan,
) -> Result<bool, Failure> {
    if !is_planned(plan) {
        return Ok(false);
    }
    execution.safe_point()?;
    execution.step(StepName::EnableAmt, enable(execution.firmware)).await?;
    execution.safe_point()?;
    Ok(true)
}

fn is_planned(plan: &Plan) -> bool {
    plan.steps.iter().any(|step| step.name == StepName::EnableAmt)
}

/// What firmware is then decides, not what it answered.
async fn enable<M: Machine>(firmware: Firmware<'_, M>) -> Result<((), String), Failure> {
    let answer = firmware.ask(&SetAmtOperationalState { enabled: true }).await;
    let patience = match &answer {
        Err(error) if !error.is_uncertain() => RetryPolicy::ONCE,
        _ => firmware.policy.verify,
    };
    match (answer, firmware.is_enabled(patience).await) {
        (_, Ok(true)) => Ok(((), "Intel AMT is on".into())),
        (Err(error), _) => Err(refused(error)),
        (Ok(()), Ok(false)) => {
            let sentence = "The firmware agreed to switch Intel AMT on, but it is still off.";
            Err(Failure::new(Reason::AmtDisabled, sentence))
        }
        (Ok(()), Err(error)) => Err(error.into()),
    }
}

fn refused(error: AskError) -> Failure {
    match error {
        AskError::Answer(AnswerError::Mhc(MhcError::Status(status))) => {
            let sentence = format!("The firmware refused to switch Intel AMT on: {status}.");
            Failure::new(Reason::AmtDisabled, sentence)
        }
        error => error.into(),
    }
}

/// What the host-based setup service of a device says that was just switched on: its server may not be there yet.
pub(super) async fn setup_service_when_ready<'a, M: Machine>(
    firmware: Firmware<'a, M>,
    state: &DeviceState,
) -> Result<(Client<&'a M>, HostBasedSetupService), Failure> {
    let mut made: u32 = 1;
    loop {
        let failure = match firmware.setup_service(state).await {
            Ok(ready) => return Ok(ready),
            Err(failure) => failure,
        };
        if made >= firmware.policy.settle_attempts {
            return Err(
                failure.next("Restart the machine, which this firmware may want, and activate again.")
            );
        }
        made = made.saturating_add(1);
        tracing::debug!(%failure, made, "waiting for firmware that was switched on");
        sleep(firmware.policy.settle_pause).await;
    }
}

/// The outcome of an activation, with what is in force of switching AMT on where that was planned and something was begun.
pub(super) async fn tell<M: Machine>(firmware: Firmware<'_, M>, plan: &Plan, outcome: Outcome) -> Outcome {
    if !is_planned(plan) {
        return outcome;
    }
    with(outcome, read(firmware, RetryPolicy::ONCE).await)
}

/// The same of a job that was cut off after it had begun to switch AMT on. That goes on without the daemon.
pub(in crate::job) async fn tell_cut_off<M: Machine>(firmware: Firmware<'_, M>, outcome: Outcome) -> Outcome {
    with(outcome, read(firmware, firmware.policy.verify).await)
}

async fn read<M: Machine>(firmware: Firmware<'_, M>, patience: RetryPolicy) -> Option<String> {
    match firmware.is_enabled(patience).await {
        Ok(true) => Some("Intel AMT was switched on.".into()),
        Ok(false) => None,
        Err(_) => Some("Whether Intel AMT was switched on is not known: it could not be read.".into()),
    }
}

fn with(mut outcome: Outcome, applied: Option<String>) -> Outcome {
    if applied.is_some() && outcome.verdict == Verdict::FailedClean {
        outcome.verdict = Verdict::FailedPartial;
    }
    outcome.applied.splice(0..0, applied);
    outcome
}
