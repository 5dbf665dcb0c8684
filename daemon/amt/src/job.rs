//! Jobs: what can be asked for, and what that does to firmware, from the checks before anything is sent to the verdict
//! that is read back from firmware.
//!
//! [`plan`] checks all that can be checked without changing anything and says what will happen; [`run`] does it and
//! always returns an [`Outcome`]; [`examine`] judges after a crash, without secrets, from what was written down. None
//! of them keeps anything: the owner queues, journals and reports ([`Observer`]).
//!
//! The rules, from `activation 14` and from what others got wrong:
//!
//! * What firmware *is* decides, not what it answered: a lost answer to a change is followed by reading, never by
//!   sending again (wsman 18).
//! * A password is checked by a login, not by a write.
//! * Every ReturnValue is looked at; each class has its own numbers.
//! * Where a change has two halves and the second fails, the first is taken back, or the outcome says what is in force.

mod activate;
mod call;
mod certificate;
mod clock;
mod deactivate;
mod device;
mod examine;
mod execution;
mod failure;
mod features;
mod firmware;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
mod hostname;
mod outcome;
mod password;
mod passwords;
mod plan;
mod policy;
pub mod reason;
mod request;

pub use device::DeviceState;
pub use outcome::{JournalLost, Observer, Outcome, Record, StepEnd, Stop, Verdict, WsmanAnswer};
pub use plan::{ParseStepNameError, Plan, PlannedStep, StepName};
pub use policy::Policy;
pub use reason::{Failure, Reason};
pub use request::{
    Features, Kind, ParseKindError, Request, SecretBytes, Target, UserConsent, WsmanCall, WsmanOperation,
};

use activate::check::Wish;
use execution::Execution;
use firmware::Firmware;
use hostname::Name;

use crate::{amthi::ControlMode, machine::Machine};

/// Says what a request will do, after checking all that can be checked without changing anything: passwords,
/// certificate, state of the device, login.
///
/// # Errors
///
/// [`Failure`], if the request cannot succeed, or firmware cannot be asked.
pub async fn plan<M: Machine>(machine: &M, request: &Request, policy: &Policy) -> Result<Plan, Failure> {
    check(request)?;
    let firmware = Firmware::new(machine, policy);
    let device = firmware.examine().await?;
    let state = device.state;
    match request {
        Request::ActivateCcm { password } => activate::ccm::plan(firmware, &device, password).await,
        Request::ActivateAcm {
            password,
            provisioning_cert: file,
            provisioning_cert_password: file_password,
            mebx_password,
            dns_suffix,
        } => {
            let (mebx_password, dns_suffix) = (mebx_password.as_ref(), dns_suffix.as_deref());
            let wish = Wish { password, file, file_password, mebx_password, dns_suffix };
            activate::acm::plan(firmware, &device, wish).await
        }
        Request::Deactivate { password, partial } => {
            deactivate::plan(firmware, state, password.as_ref(), *partial).await
        }
        Request::SetFeatures { password, features } => {
            features::plan(firmware, state, password, features).await
        }
        Request::SyncClock { password } => clock::plan(firmware, state, password).await,
        Request::SyncHostname { password, host_name, domain_name } => {
            hostname::plan(
                firmware,
                state,
                password,
                Name { host: host_name, domain: domain_name.as_deref() },
            )
            .await
        }
        Request::ChangePassword { password, new_password } => {
            passwords::plan_change(firmware, state, password, new_password).await
        }
        Request::SetMebxPassword { password, mebx_password } => {
            passwords::plan_mebx(firmware, state, password, mebx_password).await
        }
        Request::Wsman(call) => call::plan(state, call),
    }
}

/// What can be told from the request alone, before firmware is asked anything.
fn check(request: &Request) -> Result<(), Failure> {
    match request {
        Request::SetFeatures { features, .. } => features::check(features),
        Request::SyncHostname { host_name, domain_name, .. } => {
            Name { host: host_name, domain: domain_name.as_deref() }.check()
        }
        Request::ChangePassword { new_password, .. } => password::check("new AMT password", new_password),
        Request::SetMebxPassword { mebx_password, .. } => password::check("MEBx password", mebx_password),
        _ => Ok(()),
    }
}

/// Does what was planned, and says what came of it. Always returns; every wait is bounded by the policy. The plan is
/// made for a state of the device: in another one nothing is done.
///
/// Not to be dropped before it returns, unless [`examine`] follows.
pub async fn run<M: Machine, O: Observer>(
    machine: &M,
    request: Request,
    plan: &Plan,
    policy: &Policy,
    observer: &mut O,
) -> Outcome {
    let firmware = Firmware::new(machine, policy);
    let execution = Execution::new(firmware, plan.state, observer);
    if let Err(failure) = begin(&execution, plan).await {
        return execution.failed_before(failure);
    }
    match &request {
        Request::ActivateCcm { password } => activate::ccm::run(execution, plan, password).await,
        Request::ActivateAcm {
            password,
            provisioning_cert: file,
            provisioning_cert_password: file_password,
            mebx_password,
            dns_suffix,
        } => {
            let (mebx_password, dns_suffix) = (mebx_password.as_ref(), dns_suffix.as_deref());
            let wish = Wish { password, file, file_password, mebx_password, dns_suffix };
            activate::acm::run(execution, plan, wish).await
        }
        Request::Deactivate { password, partial } => {
            deactivate::run(execution, plan, password.as_ref(), *partial).await
        }
        Request::SetFeatures { password, features } => {
            features::run(execution, plan, password, features).await
        }
        Request::SyncClock { password } => clock::run(execution, plan, password).await,
        Request::SyncHostname { password, host_name, domain_name } => {
            hostname::run(execution, plan, password, Name { host: host_name, domain: domain_name.as_deref() })
                .await
        }
        Request::ChangePassword { password, new_password } => {
            passwords::run_change(execution, plan, password, new_password).await
        }
        Request::SetMebxPassword { password, mebx_password } => {
            passwords::run_mebx(execution, password, mebx_password).await
        }
        Request::Wsman(call) => call::run(execution, call).await,
    }
}

/// The device must still be what the plan was made for. A raw call does not depend on that.
async fn begin<M: Machine, O: Observer>(execution: &Execution<'_, M, O>, plan: &Plan) -> Result<(), Failure> {
    execution.safe_point()?;
    if plan.kind == Kind::Wsman {
        return Ok(());
    }
    let state = execution.firmware.state(plan.state.tls_enforced).await?;
    if state == plan.state { Ok(()) } else { Err(device_changed()) }
}

/// Judges a job that was cut off, without its secrets, by reading firmware; finishes what needs no secret.
pub async fn examine<M: Machine, O: Observer>(
    machine: &M,
    record: &Record,
    policy: &Policy,
    observer: &mut O,
) -> Outcome {
    let firmware = Firmware::new(machine, policy);
    examine::examine(Execution::new(firmware, record.before, observer), record).await
}

/// Refuses a device that nobody can configure.
fn require_active(state: &DeviceState) -> Result<(), Failure> {
    if state.is_half_provisioned() {
        return Err(Failure::new(Reason::HalfProvisioned, "The device is in the middle of a provisioning."));
    }
    match state.control_mode {
        ControlMode::Client | ControlMode::Admin => Ok(()),
        ControlMode::None => Err(Failure::new(Reason::NotActivated, "The device is not activated.")),
        ControlMode::Unknown(_) => Err(unknown_mode(state)),
    }
}

/// Refuses a device in a mode that nobody here can leave.
fn unknown_mode(state: &DeviceState) -> Failure {
    let sentence = format!("The device is activated in a way that is not known: {state}.");
    Failure::new(Reason::WrongControlMode, sentence).next("Unprovision it in the MEBx menu at the machine.")
}

fn device_changed() -> Failure {
    let sentence = "The device is no longer as it was when the job was planned; nothing was done.";
    Failure::new(Reason::DeviceChanged, sentence)
}

#[cfg(test)]
mod tests;
