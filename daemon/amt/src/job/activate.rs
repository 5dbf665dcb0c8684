//! What the two activations have in common: which devices can be activated at all, putting half of a setup in force or
//! taking it back, and the end (activation 1, 3.5, 4.7).

pub(super) mod acm;
pub(super) mod ccm;
pub(super) mod check;
pub(super) mod power;

use super::{
    DeviceState, Failure, Observer, Outcome, Plan, Reason, StepName,
    device::control_mode_words,
    execution::{self, Execution, NOT_KNOWN},
    failure::{refused, unreadable},
    firmware::{Device, Firmware},
};
use crate::{
    Secret,
    amthi::{ControlMode, Unprovision},
    machine::Machine,
    retry::RetryPolicy,
    wsman::{WsmanError, classes::SetupAndConfigurationService},
};

/// Refuses what no setup can help: a generation without host-based setup (activation 15).
fn check_device(device: &Device) -> Result<(), Failure> {
    let Some(version) = device.versions.amt() else { return Ok(()) };
    let build = device.versions.build().and_then(|build| build.parse::<u32>().ok());
    let is_early = (version.major, version.minor) <= LAST_WITH_EARLY_BUILDS;
    if version.major < FIRST_WITH_SETUP || (is_early && build.is_some_and(|build| build < FIRST_BUILD)) {
        let build = build.map(|build| format!(", build {build},")).unwrap_or_default();
        let sentence =
            format!("AMT {version}{build} is too old: it cannot be activated from its own machine.");
        return Err(Failure::new(Reason::FirmwareUnsupported, sentence));
    }
    Ok(())
}

/// A device that is in the wanted mode already: nothing to do, if the password is the right one.
async fn check_password<M: Machine>(
    firmware: Firmware<'_, M>,
    state: &DeviceState,
    password: &Secret,
) -> Result<(), Failure> {
    firmware.login(state, password).await.map(drop).map_err(|failure| match failure.reason {
        Reason::PasswordWrong => {
            let mode = control_mode_words(state.control_mode);
            let sentence = format!("The device is already in {mode}, and it has another password.");
            Failure::new(Reason::PasswordWrong, sentence)
        }
        _ => failure,
    })
}

/// For a device whose setup was begun and never committed: only the last step is missing.
fn finishing(plan: Plan) -> Plan {
    plan.step(StepName::Login, "Log in as admin with the given password")
        .step(StepName::CommitChanges, "Put the setup in force that was begun earlier")
        .step(StepName::Verify, "Read the control mode until provisioning is finished")
}

/// Does what is left of a setup that was begun earlier.
async fn finish<M: Machine, O: Observer>(
    execution: &mut Execution<'_, M, O>,
    password: &Secret,
) -> Result<(), Failure> {
    let (firmware, state) = (execution.firmware, execution.before);
    let login = async {
        firmware.login(&state, password).await?;
        Ok(((), "the password is right".into()))
    };
    execution.step(StepName::Login, login).await?;
    execution.safe_point()?;
    execution.step(StepName::CommitChanges, commit(firmware, state, password)).await
}

/// Puts in force what was set up, as `admin` with the password that was just set. Firmware restarts its server, so
/// that the answer may be lost: its state tells.
async fn commit<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    password: &Secret,
) -> Result<((), String), Failure> {
    let (mut client, _) = firmware.login_when_ready(&state, password).await?;
    let committed = SetupAndConfigurationService::commit_changes(&mut client).await;
    drop(client);
    let patience = match &committed {
        Err(error) if !error.is_uncertain() => RetryPolicy::ONCE,
        _ => firmware.policy.verify,
    };
    let now = firmware.settled(state.tls_enforced, patience, |state| !state.is_half_provisioned()).await;
    match (committed, now) {
        (_, Ok(now)) if !now.is_half_provisioned() && now.control_mode != ControlMode::None => {
            Ok(((), "provisioning is finished".into()))
        }
        (Err(error), _) => Err(refused(error, Reason::CommitRefused)),
        (Ok(()), Ok(_)) => {
            let sentence = "The firmware accepted the setup, but has not finished it.";
            Err(Failure::new(Reason::NotAsWanted, sentence))
        }
        (Ok(()), Err(error)) => Err(error.into()),
    }
}

/// Takes back a setup that could not be put in force: as `admin`, and where that fails over the host interface, which
/// needs no login.
async fn undo<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    password: &Secret,
) -> Result<((), String), Failure> {
    let undone = match firmware.admin_client(&state, password) {
        Ok(mut client) => SetupAndConfigurationService::unprovision(&mut client).await.map_err(Failure::from),
        Err(failure) => Err(failure),
    };
    if let Err(failure) = undone {
        tracing::debug!(%failure, "taking the setup back over the host interface");
        let is_back = firmware.settled(state.tls_enforced, RetryPolicy::ONCE, DeviceState::is_inactive).await;
        if !is_back.is_ok_and(|state| state.is_inactive()) {
            firmware.ask(&Unprovision).await?;
        }
    }
    let patience = firmware.policy.unprovision;
    let now = firmware.settled(state.tls_enforced, patience, DeviceState::is_inactive).await?;
    if now.is_inactive() {
        return Ok(((), "the device is not activated, as before".into()));
    }
    Err(Failure::new(Reason::NotAsWanted, format!("The setup could not be taken back: {now}.")))
}

/// What a change of the control mode came to. After any trouble what the device is decides: the answer may be lost, or
/// wrong (activation 3.4).
async fn confirmed<M: Machine>(
    firmware: Firmware<'_, M>,
    answer: Result<(), WsmanError>,
    wanted: ControlMode,
    reason: Reason,
) -> Result<((), String), Failure> {
    let Err(error) = answer else { return Ok(((), "accepted".into())) };
    let was_sent = error.is_uncertain() || error.returned().is_some() || error.fault().is_some();
    let patience = if was_sent { firmware.policy.verify } else { RetryPolicy::ONCE };
    match firmware.control_mode(patience, wanted).await {
        Ok(mode) if mode == wanted => {
            let mode = control_mode_words(mode);
            Ok(((), format!("the answer was no success ({error}), but the firmware is in {mode}")))
        }
        Ok(_) | Err(_) => Err(refused(error, reason)),
    }
}

/// Ends an activation by reading what the device is, whatever the steps returned. A state that was read after the last
/// step and is as wanted is not read again.
async fn conclude<M: Machine, O: Observer>(
    execution: &mut Execution<'_, M, O>,
    plan: &Plan,
    wanted: ControlMode,
    result: Result<Option<DeviceState>, Failure>,
) -> Outcome {
    if !execution.has_touched()
        && let Err(failure) = result
    {
        return execution.failed_before(failure);
    }
    let outcome = judge(execution, wanted, result).await;
    power::tell(execution.firmware, plan, outcome).await
}

async fn judge<M: Machine, O: Observer>(
    execution: &mut Execution<'_, M, O>,
    wanted: ControlMode,
    result: Result<Option<DeviceState>, Failure>,
) -> Outcome {
    let (firmware, before) = (execution.firmware, execution.before);
    let patience = if result.is_ok() { firmware.policy.verify } else { RetryPolicy::ONCE };
    let is_reached: fn(&DeviceState) -> bool = match wanted {
        ControlMode::Client => |state| state.is_active_in(ControlMode::Client),
        _ => |state| state.is_active_in(ControlMode::Admin),
    };
    let (read, result) = match result {
        Ok(read) => (read.filter(is_reached), Ok(())),
        Err(failure) => (None, Err(failure)),
    };
    let reading = async {
        let state = match read {
            Some(state) => state,
            None => firmware.settled(before.tls_enforced, patience, is_reached).await?,
        };
        Ok((state, state.to_string()))
    };
    match (result, execution.step(StepName::Verify, reading).await) {
        (Ok(()), Ok(state)) if is_reached(&state) => {
            execution::succeeded(in_force(&state), state.to_string())
        }
        (Ok(()), Ok(state)) => {
            let sentence = format!("The firmware accepted everything, but is not as wanted: {state}.");
            let failure = Failure::new(Reason::NotAsWanted, sentence);
            execution.failed(failure, changed(&before, &state), state.to_string())
        }
        (Err(failure), Ok(state)) => execution.failed(failure, changed(&before, &state), state.to_string()),
        (result, Err(error)) => {
            let failure = result.err().unwrap_or_else(|| unreadable(&error));
            let applied =
                vec!["Whether the device is activated is not known: its state could not be read.".into()];
            execution.failed(failure, applied, NOT_KNOWN.into())
        }
    }
}

/// What of an activation is in force, judged by what the device was and is.
fn changed(before: &DeviceState, after: &DeviceState) -> Vec<String> {
    if before == after { Vec::new() } else { in_force(after) }
}

pub(super) fn in_force(state: &DeviceState) -> Vec<String> {
    let mut applied = Vec::new();
    if state.control_mode != ControlMode::None {
        applied.push(format!("The device is in {}.", control_mode_words(state.control_mode)));
    }
    if state.is_half_provisioned() {
        applied.push("Provisioning was begun and is not finished.".into());
    }
    if applied.is_empty() {
        applied.push("The device is not activated.".into());
    }
    applied
}

/// Without it there is no host-based setup.
const FIRST_WITH_SETUP: u16 = 7;
/// Up to this version early builds cannot be set up.
const LAST_WITH_EARLY_BUILDS: (u16, u16) = (11, 6);
/// The first build of those that can.
const FIRST_BUILD: u32 = 3000;
