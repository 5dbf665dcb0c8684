//! Client control mode from no control mode (activation 3).

use super::{check_device, check_password, commit, conclude, confirmed, finishing, power, undo};
use crate::{
    Secret,
    amthi::{ControlMode, ProvisioningState},
    job::{
        DeviceState, Failure, Kind, Observer, Outcome, Plan, Reason, StepName,
        device::control_mode_words,
        execution::{self, Execution},
        firmware::{ADMIN, Device, Firmware},
        password, unknown_mode,
    },
    machine::Machine,
    wsman::{
        Client, PasswordDigest, Realm,
        classes::{GeneralSettings, HostBasedSetupService},
    },
};

/// Says what activating will do.
pub(in crate::job) async fn plan<M: Machine>(
    firmware: Firmware<'_, M>,
    device: &Device,
    password: &Secret,
) -> Result<Plan, Failure> {
    let state = device.state;
    match state.control_mode {
        ControlMode::None if state.is_half_provisioned() => {
            Err(Failure::new(Reason::HalfProvisioned, "The device is in the middle of a provisioning."))
        }
        ControlMode::None => plan_setup(firmware, device, password).await,
        ControlMode::Client if state.is_half_provisioned() => {
            Ok(finishing(Plan::leading_to(Kind::ActivateCcm, state, wanted(&state))))
        }
        ControlMode::Client => {
            check_password(firmware, &state, password).await?;
            Ok(Plan::nothing(Kind::ActivateCcm, state))
        }
        ControlMode::Admin => {
            let sentence = format!("The device is activated in another way: {state}.");
            Err(Failure::new(Reason::WrongControlMode, sentence))
        }
        ControlMode::Unknown(_) => Err(unknown_mode(&state)),
    }
}

async fn plan_setup<M: Machine>(
    firmware: Firmware<'_, M>,
    device: &Device,
    password: &Secret,
) -> Result<Plan, Failure> {
    password::check("AMT password", password)?;
    check_device(device)?;
    let is_off = power::is_off(device)?;
    if !is_off {
        let (_, service) = firmware.setup_service(&device.state).await?;
        check_allowed(&service, ControlMode::Client)?;
    }

    let state = device.state;
    let plan = Plan::leading_to(Kind::ActivateCcm, state, wanted(&state));
    let mut plan = power::plan(plan, is_off)
        .step(StepName::ReadSetupService, "Read the digest realm of the device with its local system account")
        .step(StepName::Setup, "Activate client control mode and set the password of admin");
    if state.tls_enforced {
        plan = plan.step(StepName::CommitChanges, "Log in as admin and put the setup in force");
    }
    plan = plan
        .step(StepName::Verify, "Read the control mode until it is client control mode")
        .warn(
            "Keep the password: without it AMT cannot be used or configured. It can be deactivated without it, from \
             this machine.",
        )
        .warn(
            "In client control mode the user at the machine must consent to every redirection session; this cannot be \
             switched off.",
        );
    Ok(if state.tls_enforced && firmware.policy.authorities.is_empty() {
        plan.warn("The identity of the firmware is not verified: no authorities for it are configured (flows.authorities).")
    } else {
        plan
    })
}

/// Refuses a mode that firmware does not allow the host to set. An empty list says nothing.
pub(super) fn check_allowed(service: &HostBasedSetupService, mode: ControlMode) -> Result<(), Failure> {
    let allowed = service.allowed_control_modes()?;
    if allowed.is_empty() || allowed.contains(&mode) {
        return Ok(());
    }
    let mode = control_mode_words(mode);
    Err(Failure::new(
        Reason::ControlModeNotAllowed,
        format!("The firmware does not allow {mode} to be set by its host."),
    ))
}

fn wanted(state: &DeviceState) -> String {
    DeviceState { control_mode: ControlMode::Client, provisioning_state: ProvisioningState::Post, ..*state }
        .to_string()
}

/// Activates, or finishes an activation that was begun.
pub(in crate::job) async fn run<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    plan: &Plan,
    password: &Secret,
) -> Outcome {
    let (firmware, state) = (execution.firmware, execution.before);
    if plan.unchanged {
        return match check_password(firmware, &state, password).await {
            Ok(()) => execution::unchanged(state.to_string()),
            Err(failure) => execution.failed_before(failure),
        };
    }
    let result = if state.is_half_provisioned() {
        super::finish(&mut execution, password).await.map(|()| None)
    } else {
        set_up(&mut execution, plan, password).await
    };
    conclude(&mut execution, plan, ControlMode::Client, result).await
}

/// Returns what firmware was after it, if nothing was done since.
async fn set_up<M: Machine, O: Observer>(
    execution: &mut Execution<'_, M, O>,
    plan: &Plan,
    password: &Secret,
) -> Result<Option<DeviceState>, Failure> {
    let (firmware, state) = (execution.firmware, execution.before);
    let was_off = power::switch_on(execution, plan).await?;
    let reading = async {
        let client = if was_off {
            let (client, service) = power::setup_service_when_ready(firmware, &state).await?;
            check_allowed(&service, ControlMode::Client)?;
            client
        } else {
            firmware.local_client(&state).await?
        };
        read_realm(client).await
    };
    let (client, realm) = execution.step(StepName::ReadSetupService, reading).await?;
    execution.safe_point()?;
    execution.step(StepName::Setup, setup(firmware, client, &realm, password)).await?;

    let now = firmware.settled(state.tls_enforced, firmware.policy.verify, |state| {
        state.control_mode == ControlMode::Client
    });
    let now = now.await?;
    if !now.is_half_provisioned() {
        return Ok(Some(now));
    }
    match execution.step(StepName::CommitChanges, commit(firmware, now, password)).await {
        Ok(()) => Ok(None),
        Err(failure) => {
            execution.note("taking back what was set up, because it cannot be put in force");
            // How far this came is read at the end.
            let _ = execution.step(StepName::Undo, undo(firmware, now, password)).await;
            Err(failure)
        }
    }
}

async fn read_realm<M: Machine>(mut client: Client<&M>) -> Result<((Client<&M>, Realm), String), Failure> {
    let settings: GeneralSettings = client.read().await?;
    let realm = settings.digest_realm()?;
    let detail = format!("the realm is {realm}");
    Ok(((client, realm), detail))
}

async fn setup<M: Machine>(
    firmware: Firmware<'_, M>,
    mut client: Client<&M>,
    realm: &Realm,
    password: &Secret,
) -> Result<((), String), Failure> {
    let digest = PasswordDigest::new(ADMIN, realm, password);
    let answer = HostBasedSetupService::setup(&mut client, &digest).await;
    drop(client);
    confirmed(firmware, answer, ControlMode::Client, Reason::SetupRefused).await
}
