//! Changing the password of `admin`, and that of the MEBx menu (activation 8).

use super::{
    DeviceState, Failure, Kind, Observer, Outcome, Plan, Reason, StepName,
    execution::{self, Execution},
    failure::refused,
    firmware::{ADMIN, Firmware},
    password, require_active,
};
use crate::{
    Secret,
    amthi::ControlMode,
    machine::Machine,
    wsman::{
        Client, PasswordDigest, Realm, WsmanError,
        classes::{AuthorizationService, SetupAndConfigurationService},
    },
};

/// Says what changing the password of `admin` will do. A password that is the new one already is found by a login.
pub(super) async fn plan_change<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    old: &Secret,
    new: &Secret,
) -> Result<Plan, Failure> {
    password::check("new AMT password", new)?;
    require_active(&state)?;
    match firmware.login(&state, old).await {
        Ok(_) if old.expose() == new.expose() => Ok(Plan::nothing(Kind::ChangePassword, state)),
        Ok(_) => Ok(Plan::leading_to(Kind::ChangePassword, state, state.to_string())
            .step(StepName::Login, "Log in as admin with the present password")
            .step(StepName::ChangePassword, "Set the new password of admin")
            .step(StepName::Verify, "Log in as admin with the new password")
            .warn("Keep the new password: the old one will no longer work.")
            .warn("Everything else that logs in to AMT as admin, such as a management console, needs the new password, too.")),
        Err(failure) if failure.reason == Reason::PasswordWrong => match firmware.login(&state, new).await {
            Ok(_) => Ok(Plan::nothing(Kind::ChangePassword, state)),
            Err(_) => Err(failure),
        },
        Err(failure) => Err(failure),
    }
}

/// Changes the password of `admin`.
pub(super) async fn run_change<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    plan: &Plan,
    old: &Secret,
    new: &Secret,
) -> Outcome {
    let (firmware, state) = (execution.firmware, execution.before);
    let after = state.to_string();
    if plan.unchanged {
        return match firmware.login(&state, new).await {
            Ok(_) => execution::unchanged(after),
            Err(failure) => execution.failed_before(failure),
        };
    }
    let (client, realm) = match begin(&mut execution, old).await {
        Ok(begun) => begun,
        Err(failure) => return execution.failed_before(failure),
    };
    let changed = execution.step(StepName::ChangePassword, change(client, &realm, new)).await;
    let may_be_in_force = match changed {
        Ok(certain) => certain,
        Err(failure) => return execution.failed(failure, Vec::new(), after),
    };
    match execution
        .step(StepName::Verify, which_is_in_force(firmware, state, old, new, may_be_in_force))
        .await
    {
        Ok(InForce::New) => {
            execution::succeeded(vec!["The new password of admin is in force.".into()], after)
        }
        Ok(InForce::Old) => {
            let failure =
                Failure::new(Reason::AnswerLost, "The new password was not set; the old one is in force.")
                    .next("Try again.");
            execution.failed(failure, Vec::new(), after)
        }
        Err(failure) => execution.failed(failure, vec![UNKNOWN_PASSWORD.into()], after),
    }
}

async fn begin<'a, M: Machine, O: Observer>(
    execution: &mut Execution<'a, M, O>,
    old: &Secret,
) -> Result<(Client<&'a M>, Realm), Failure> {
    let (firmware, state) = (execution.firmware, execution.before);
    let login = async {
        let (client, settings) = firmware.login(&state, old).await?;
        let realm = settings.digest_realm()?;
        Ok(((client, realm), "the present password is right".into()))
    };
    let begun = execution.step(StepName::Login, login).await?;
    execution.safe_point()?;
    Ok(begun)
}

/// Whether firmware said that it is done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answered {
    Done,
    Lost,
}

async fn change<M: Machine>(
    mut client: Client<&M>,
    realm: &Realm,
    new: &Secret,
) -> Result<(Answered, String), Failure> {
    let digest = PasswordDigest::new(ADMIN, realm, new);
    match AuthorizationService::set_admin(&mut client, ADMIN, &digest).await {
        Ok(()) => Ok((Answered::Done, "accepted".into())),
        Err(error) if error.is_uncertain() => Ok((Answered::Lost, format!("the answer was lost ({error})"))),
        Err(error) => Err(refused(error, Reason::PasswordChangeRefused)),
    }
}

/// The password that firmware takes.
enum InForce {
    Old,
    New,
}

/// Wrong passwords lock the account for a while: the new one is tried several times only if firmware said that it took
/// it.
async fn which_is_in_force<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    old: &Secret,
    new: &Secret,
    answered: Answered,
) -> Result<(InForce, String), Failure> {
    let login = match answered {
        Answered::Done => firmware.login_when_ready(&state, new).await,
        Answered::Lost => firmware.login(&state, new).await,
    };
    let Err(failure) = login else {
        return Ok((InForce::New, "the new password is in force".into()));
    };
    if failure.reason == Reason::PasswordWrong && firmware.login(&state, old).await.is_ok() {
        return Ok((InForce::Old, "the old password is in force".into()));
    }
    Err(Failure::new(
        Reason::StateUnreadable,
        format!("Neither password could be confirmed. {}", failure.sentence),
    )
    .next("Wait five minutes without trying, then try the new password, and after it the old one."))
}

/// Says what setting the password of the MEBx menu will do.
pub(super) async fn plan_mebx<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    password: &Secret,
    mebx: &Secret,
) -> Result<Plan, Failure> {
    password::check("MEBx password", mebx)?;
    require_active(&state)?;
    if state.control_mode != ControlMode::Admin {
        let sentence =
            format!("The MEBx password can be set in admin control mode only; the device is: {state}.");
        return Err(Failure::new(Reason::WrongControlMode, sentence)
            .next("Set the password in the MEBx menu at the machine, or activate admin control mode."));
    }
    firmware.login(&state, password).await?;
    Ok(Plan::leading_to(Kind::SetMebxPassword, state, state.to_string())
        .step(StepName::Login, "Log in as admin with the given password")
        .step(StepName::SetMebxPassword, "Set the password of the MEBx menu")
        .warn(MEBX_WARNING))
}

/// Sets the password of the MEBx menu.
pub(super) async fn run_mebx<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    password: &Secret,
    mebx: &Secret,
) -> Outcome {
    let (firmware, state) = (execution.firmware, execution.before);
    let login = async {
        let (client, _) = firmware.login(&state, password).await?;
        Ok((client, "the password is right".into()))
    };
    let client = match execution.step(StepName::Login, login).await {
        Ok(client) => client,
        Err(failure) => return execution.failed_before(failure),
    };
    if let Err(failure) = execution.safe_point() {
        return execution.failed_before(failure);
    }
    match execution.step(StepName::SetMebxPassword, set_mebx(client, mebx)).await {
        Ok(()) => execution::succeeded(vec![MEBX_APPLIED.into()], state.to_string()),
        Err(failure) => {
            let applied = if is_lost(&failure) { vec![MEBX_UNKNOWN.into()] } else { Vec::new() };
            execution.failed(failure, applied, state.to_string())
        }
    }
}

/// Setting the same password again does no harm, so that a lost answer is followed by a second attempt: what is set
/// cannot be read.
pub(super) async fn set_mebx<M: Machine>(
    mut client: Client<&M>,
    mebx: &Secret,
) -> Result<((), String), Failure> {
    let first = match SetupAndConfigurationService::set_mebx_password(&mut client, mebx).await {
        Ok(()) => return Ok(((), "accepted".into())),
        Err(error) if error.is_uncertain() => error,
        Err(error) => return Err(refused(error, Reason::MebxRefused)),
    };
    match SetupAndConfigurationService::set_mebx_password(&mut client, mebx).await {
        Ok(()) => Ok(((), format!("accepted when sent again after a lost answer ({first})"))),
        Err(error) if error.returned().is_some() => Err(refused(error, Reason::MebxRefused)),
        // Also where the second attempt did not get through: the first may have.
        Err(error) => Err(lost(&error)),
    }
}

fn lost(error: &WsmanError) -> Failure {
    let sentence = format!("Whether the MEBx password was set is not known: {error}.");
    Failure::new(Reason::AnswerLost, sentence)
        .next("Set it again: the same password can be set as often as needed.")
}

fn is_lost(failure: &Failure) -> bool {
    failure.reason == Reason::AnswerLost
}

/// What is in force of the MEBx password after this failure.
pub(super) fn mebx_left(failure: &Failure) -> &'static str {
    if is_lost(failure) { MEBX_UNKNOWN } else { "The MEBx password is not set." }
}

pub(super) const MEBX_APPLIED: &str = "The MEBx password is set.";
const MEBX_UNKNOWN: &str = "The MEBx password is the new one or still the old one; firmware does not say.";
pub(super) const MEBX_WARNING: &str = "Keep the MEBx password: the MEBx menu opens only with it, and is the last way to \
                                       reset AMT. It cannot be read back.";
const UNKNOWN_PASSWORD: &str = "The password of admin is the new one or still the old one.";
