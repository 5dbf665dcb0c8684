//! Back to no control mode (activation 7): client control mode over the host interface without a password, admin
//! control mode over WSMAN with one, wholly or keeping the account and the names, and what was left half-way.

use super::{
    DeviceState, Failure, Kind, Observer, Outcome, Plan, Reason, StepName,
    activate::in_force,
    execution::{self, Execution, NOT_KNOWN},
    failure::{refused, unreadable},
    firmware::Firmware,
    unknown_mode,
};
use crate::{
    Secret,
    amthi::{ControlMode, ProvisioningState, StopConfiguration, Unprovision},
    ask::AskError,
    machine::Machine,
    retry::RetryPolicy,
    wsman::{Client, classes::SetupAndConfigurationService},
};

/// Says what deactivating will do.
pub(super) async fn plan<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    password: Option<&Secret>,
    partial: bool,
) -> Result<Plan, Failure> {
    match state.control_mode {
        ControlMode::None if !state.is_half_provisioned() => Ok(Plan::nothing(Kind::Deactivate, state)),
        ControlMode::None | ControlMode::Client if partial => {
            let sentence = format!("Only admin control mode can be left partially; the device is: {state}.");
            Err(Failure::new(Reason::WrongControlMode, sentence)
                .next("Deactivate it wholly, without `--partial`."))
        }
        ControlMode::None | ControlMode::Client => Ok(plan_local(state)),
        ControlMode::Admin => plan_remote(firmware, state, password, partial).await,
        ControlMode::Unknown(_) => Err(unknown_mode(&state)),
    }
}

fn plan_local(state: DeviceState) -> Plan {
    let plan = Plan::leading_to(Kind::Deactivate, state, inactive(&state)).step(
        StepName::Unprovision,
        "Leave the control mode over the host interface, which needs no password",
    );
    let plan = if state.is_half_provisioned() {
        plan.step(StepName::StopConfiguration, "If that is refused, end the configuration that was begun")
    } else {
        plan
    };
    plan.step(StepName::Verify, "Read the control mode until the device is not activated")
        .warn("All settings, accounts and certificates in AMT are deleted, and so are certificate hashes that were added.")
}

async fn plan_remote<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    password: Option<&Secret>,
    partial: bool,
) -> Result<Plan, Failure> {
    let Some(password) = password else {
        let sentence = "The device is in admin control mode, which can only be left with the AMT password.";
        return Err(Failure::new(Reason::PasswordMissing, sentence));
    };
    firmware.login(&state, password).await?;
    let plan = Plan::leading_to(Kind::Deactivate, state, inactive(&state))
        .step(StepName::Login, "Log in as admin with the given password");
    let plan = if partial {
        plan.step(
            StepName::PartialUnprovision,
            "Leave the control mode; the account of admin and the names stay",
        )
        .warn("The AMT password stays in force and is needed again; network settings and names stay, too.")
    } else {
        plan.step(StepName::Unprovision, "Leave the control mode and delete all settings").warn(
            "All settings, accounts and certificates in AMT are deleted, and so are certificate hashes that were added: \
             admin control mode needs them again.",
        )
    };
    Ok(plan.step(StepName::Verify, "Read the control mode until the device is not activated"))
}

fn inactive(state: &DeviceState) -> String {
    DeviceState { control_mode: ControlMode::None, provisioning_state: ProvisioningState::Pre, ..*state }
        .to_string()
}

/// Deactivates.
pub(super) async fn run<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    plan: &Plan,
    password: Option<&Secret>,
    partial: bool,
) -> Outcome {
    if plan.unchanged {
        return execution::unchanged(execution.before.to_string());
    }
    let result = match (execution.before.control_mode, password) {
        (ControlMode::Admin, Some(password)) => leave_admin(&mut execution, password, partial).await,
        _ => leave_without_login(&mut execution).await,
    };
    conclude(&mut execution, partial, result).await
}

async fn leave_admin<M: Machine, O: Observer>(
    execution: &mut Execution<'_, M, O>,
    password: &Secret,
    partial: bool,
) -> Result<(), Failure> {
    let (firmware, state) = (execution.firmware, execution.before);
    let login = async {
        let (client, _) = firmware.login(&state, password).await?;
        Ok((client, "the password is right".into()))
    };
    let client = execution.step(StepName::Login, login).await?;
    execution.safe_point()?;
    let name = if partial { StepName::PartialUnprovision } else { StepName::Unprovision };
    execution.step(name, unprovision(firmware, client, state, partial)).await
}

/// Firmware restarts its server, so that the answer may be lost: the state tells.
async fn unprovision<M: Machine>(
    firmware: Firmware<'_, M>,
    mut client: Client<&M>,
    state: DeviceState,
    partial: bool,
) -> Result<((), String), Failure> {
    let answer = if partial {
        SetupAndConfigurationService::partial_unprovision(&mut client).await
    } else {
        SetupAndConfigurationService::unprovision(&mut client).await
    };
    drop(client);
    let Err(error) = answer else { return Ok(((), "accepted".into())) };
    let has_left = has_left(partial);
    let patience = if error.is_uncertain() { firmware.policy.unprovision } else { RetryPolicy::ONCE };
    match firmware.settled(state.tls_enforced, patience, has_left).await {
        Ok(state) if has_left(&state) => {
            Ok(((), format!("the answer was no success ({error}), but the device is not activated")))
        }
        Ok(_) | Err(_) => Err(refused(error, Reason::UnprovisionRefused)),
    }
}

/// Over the host interface. What was begun and not finished may be something that can only be stopped.
pub(super) async fn leave_without_login<M: Machine, O: Observer>(
    execution: &mut Execution<'_, M, O>,
) -> Result<(), Failure> {
    let (firmware, state) = (execution.firmware, execution.before);
    let left = execution.step(StepName::Unprovision, async {
        let answer = firmware.ask(&Unprovision).await;
        confirmed(firmware, state, answer).await
    });
    let failure = match left.await {
        Ok(()) => {
            if state.is_half_provisioned() {
                execution.skip(StepName::StopConfiguration, "not needed");
            }
            return Ok(());
        }
        Err(failure) => failure,
    };
    if !state.is_half_provisioned() {
        return Err(failure);
    }
    let stopped = execution.step(StepName::StopConfiguration, async {
        let answer = firmware.ask(&StopConfiguration).await;
        confirmed(firmware, state, answer).await
    });
    stopped.await.map_err(|_| failure)
}

async fn confirmed<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    answer: Result<(), AskError>,
) -> Result<((), String), Failure> {
    let Err(error) = answer else { return Ok(((), "accepted".into())) };
    let patience = if error.is_uncertain() { firmware.policy.unprovision } else { RetryPolicy::ONCE };
    match firmware.settled(state.tls_enforced, patience, DeviceState::is_inactive).await {
        Ok(state) if state.is_inactive() => {
            Ok(((), format!("the answer was no success ({error}), but the device is not activated")))
        }
        Ok(_) | Err(_) if error.status().is_some() => {
            Err(Failure::new(Reason::UnprovisionRefused, format!("The firmware refused: {error}.")))
        }
        Ok(_) | Err(_) => Err(error.into()),
    }
}

/// Reads what the device is, whatever came of the steps.
async fn conclude<M: Machine, O: Observer>(
    execution: &mut Execution<'_, M, O>,
    partial: bool,
    result: Result<(), Failure>,
) -> Outcome {
    let (firmware, before) = (execution.firmware, execution.before);
    let has_left = has_left(partial);
    if !execution.has_touched()
        && let Err(failure) = result
    {
        return execution.failed_before(failure);
    }
    let patience = if result.is_ok() { firmware.policy.unprovision } else { RetryPolicy::ONCE };
    let reading = async {
        let state = firmware.settled(before.tls_enforced, patience, has_left).await?;
        Ok((state, state.to_string()))
    };
    match (result, execution.step(StepName::Verify, reading).await) {
        (_, Ok(state)) if has_left(&state) => execution::succeeded(in_force(&state), state.to_string()),
        (result, Ok(state)) => {
            let sentence = format!("The firmware accepted the request, but is still activated: {state}.");
            let failure = result.err().unwrap_or_else(|| Failure::new(Reason::NotAsWanted, sentence));
            let applied = if state == before { Vec::new() } else { in_force(&state) };
            execution.failed(failure, applied, state.to_string())
        }
        (result, Err(error)) => {
            let failure = result.err().unwrap_or_else(|| unreadable(&error));
            let applied =
                vec!["Whether the device is still activated is not known: it could not be read.".into()];
            execution.failed(failure, applied, NOT_KNOWN.into())
        }
    }
}

/// When a device has been left. What a partial unprovision leaves the provisioning state at is not documented; it may
/// well wait for the next setup, so that the control mode alone decides.
pub(super) fn has_left(partial: bool) -> fn(&DeviceState) -> bool {
    if partial { |state| state.control_mode == ControlMode::None } else { DeviceState::is_inactive }
}
