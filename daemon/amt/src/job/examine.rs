//! After a crash: a job is judged without its secrets, by what was to be, which steps had begun, and what firmware is
//! now. What needs no secret is finished; what cannot be known is said.
//!
//! Features, clock and name are read with the local system account, which may read them on an activated device.

use super::{
    DeviceState, Failure, Observer, Outcome, Reason, Record, StepName, Target,
    activate::{in_force, power},
    clock, deactivate,
    execution::{self, Execution, NOT_KNOWN},
    failure::{sentence, unreadable},
    features,
    firmware::Firmware,
    hostname::{self, Name},
};
use crate::{
    amthi::ControlMode,
    machine::Machine,
    retry::RetryPolicy,
    wsman::{Client, WsmanError, classes::GeneralSettings},
};

/// Judges the job, and finishes what can be finished.
pub(super) async fn examine<M: Machine, O: Observer>(
    execution: Execution<'_, M, O>,
    record: &Record,
) -> Outcome {
    if !has_touched(record) {
        return execution
            .failed_before(interrupted("The daemon was ended before the job had changed anything."));
    }
    match &record.target {
        Target::ActivateCcm => activated_or_not(execution, record, ControlMode::Client).await,
        Target::ActivateAcm { .. } if record.before.is_active_in(ControlMode::Admin) => {
            let state = record.before.to_string();
            execution.failed(
                interrupted("The daemon was ended in the middle."),
                vec![MEBX_OPEN.into()],
                state,
            )
        }
        Target::ActivateAcm { .. } => activated_or_not(execution, record, ControlMode::Admin).await,
        Target::Deactivate { partial } => deactivation(execution, *partial).await,
        Target::SetFeatures(_) | Target::SyncClock | Target::SyncHostname { .. } => {
            settings(execution, record).await
        }
        Target::ChangePassword => {
            let failure = interrupted("The daemon was ended while the password was being changed.").next(
                "Try the new password first, then the old one; not more than once each within five minutes.",
            );
            let applied = vec!["The password of admin is the new one or still the old one.".into()];
            execution.failed(failure, applied, record.before.to_string())
        }
        Target::SetMebxPassword => {
            let failure =
                interrupted("The daemon was ended while the MEBx password was being set.").next(SET_AGAIN);
            execution.failed(failure, vec![MEBX_OPEN.into()], record.before.to_string())
        }
        Target::Wsman { .. } => {
            let failure = interrupted("The daemon was ended before the answer to the call came.");
            let applied = vec!["Whether the firmware carried out the call is not known.".into()];
            execution.failed(failure, applied, record.before.to_string())
        }
    }
}

/// Whether a step had begun after which the device may be another.
fn has_touched(record: &Record) -> bool {
    let changes = match &record.target {
        Target::Wsman { changes_device, .. } => *changes_device,
        _ => true,
    };
    changes && record.begun.iter().any(|step| !step.only_reads())
}

fn interrupted(sentence: &str) -> Failure {
    Failure::new(Reason::Interrupted, sentence)
}

/// Firmware may have been switched on for it, whatever else became of it.
async fn activated_or_not<M: Machine, O: Observer>(
    execution: Execution<'_, M, O>,
    record: &Record,
    wanted: ControlMode,
) -> Outcome {
    let firmware = execution.firmware;
    let outcome = activation(execution, record, wanted).await;
    match record.begun.contains(&StepName::EnableAmt) {
        true => power::tell_cut_off(firmware, outcome).await,
        false => outcome,
    }
}

async fn activation<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    record: &Record,
    wanted: ControlMode,
) -> Outcome {
    // Firmware goes on with what was begun, and takes no longer than when it is waited for: a device that is still as
    // it was may change in a moment.
    let patience = execution.firmware.policy.verify;
    let is_final = |state: &DeviceState| !state.is_half_provisioned() && *state != record.before;
    let state = match read(&mut execution, patience, is_final).await {
        Ok(state) => state,
        Err(outcome) => return outcome,
    };
    if state.is_active_in(wanted) {
        return activated(&execution, record, state);
    }
    // Client control mode that was not put in force takes the password; taking it back does not.
    let is_half = state.is_half_provisioned() && state.control_mode != ControlMode::Admin;
    if is_half && record.before.is_inactive() {
        execution.note("taking back what was set up, because it cannot be put in force without the password");
        let undone = deactivate::leave_without_login(&mut execution).await;
        return taken_back(execution, record, undone).await;
    }
    let words = state.to_string();
    if state == record.before {
        let sentence = "The daemon was ended in the middle, and the device is as it was before.";
        return execution.failed(interrupted(sentence), Vec::new(), words);
    }
    execution.failed(interrupted("The daemon was ended in the middle."), in_force(&state), words)
}

fn activated<M: Machine, O: Observer>(
    execution: &Execution<'_, M, O>,
    record: &Record,
    state: DeviceState,
) -> Outcome {
    let mut applied = in_force(&state);
    if !record.planned.contains(&StepName::SetMebxPassword) {
        return execution::succeeded(applied, state.to_string());
    }
    applied.push(if record.begun.contains(&StepName::SetMebxPassword) {
        MEBX_OPEN.into()
    } else {
        "The MEBx password is not set.".into()
    });
    let sentence = "The device was activated, but the daemon was ended before the MEBx password was set.";
    execution.failed(interrupted(sentence).next(SET_AGAIN), applied, state.to_string())
}

async fn taken_back<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    record: &Record,
    undone: Result<(), Failure>,
) -> Outcome {
    let patience = execution.firmware.policy.unprovision;
    let state = match read(&mut execution, patience, DeviceState::is_inactive).await {
        Ok(state) => state,
        Err(outcome) => return outcome,
    };
    let words = state.to_string();
    if state == record.before {
        let sentence = "The daemon was ended in the middle; what had been set up was taken back.";
        return execution.failed(interrupted(sentence), Vec::new(), words);
    }
    let failure = undone.err().unwrap_or_else(|| {
        Failure::new(Reason::HalfProvisioned, "The daemon was ended in the middle of a provisioning.")
    });
    execution.failed(failure, in_force(&state), words)
}

/// Unprovisioning takes firmware a while. One that was begun is waited for; one that stopped half-way is finished.
async fn deactivation<M: Machine, O: Observer>(mut execution: Execution<'_, M, O>, partial: bool) -> Outcome {
    let (before, has_left) = (execution.before, deactivate::has_left(partial));
    let patience = execution.firmware.policy.unprovision;
    let mut state = match read(&mut execution, patience, has_left).await {
        Ok(state) => state,
        Err(outcome) => return outcome,
    };
    if !has_left(&state) && state.is_half_provisioned() && state.control_mode != ControlMode::Admin {
        execution.note("finishing the deactivation");
        // How far this came is read at the end.
        let _ = deactivate::leave_without_login(&mut execution).await;
        state = match read(&mut execution, patience, has_left).await {
            Ok(state) => state,
            Err(outcome) => return outcome,
        };
    }
    let words = state.to_string();
    if has_left(&state) {
        return execution::succeeded(in_force(&state), words);
    }
    let applied = if state == before { Vec::new() } else { in_force(&state) };
    execution.failed(
        interrupted("The daemon was ended in the middle, and the device is still activated."),
        applied,
        words,
    )
}

/// Reads what the device is until it is settled. The error is the end of the job.
async fn read<M: Machine, O: Observer>(
    execution: &mut Execution<'_, M, O>,
    patience: RetryPolicy,
    settled: impl Fn(&DeviceState) -> bool + Send + Sync,
) -> Result<DeviceState, Outcome> {
    let (firmware, before) = (execution.firmware, execution.before);
    let reading = async {
        let state = firmware.settled(before.tls_enforced, patience, settled).await?;
        Ok((state, state.to_string()))
    };
    execution.step(StepName::Verify, reading).await.map_err(|failure| {
        let applied = vec!["What is in force is not known: the device could not be read.".into()];
        execution.failed(unreadable(&failure), applied, NOT_KNOWN.into())
    })
}

/// Settings that can be read and compared.
async fn settings<M: Machine, O: Observer>(mut execution: Execution<'_, M, O>, record: &Record) -> Outcome {
    let (firmware, state) = (execution.firmware, execution.before);
    let reading = async {
        let mut client = firmware.local_client(&state).await?;
        let found = find(firmware, &mut client, record).await?;
        let words = found.words.clone();
        Ok((found, words))
    };
    match execution.step(StepName::Verify, reading).await {
        Ok(Found { is_reached: true, words, .. }) => execution::succeeded(vec![sentence(&words)], words),
        Ok(Found { applied, words, .. }) => {
            let failure = interrupted("The daemon was ended in the middle.");
            execution.failed(failure, applied.into_iter().collect(), words)
        }
        Err(failure) => {
            let applied = vec!["What is in force is not known: it could not be read.".into()];
            execution.failed(unreadable(&failure), applied, NOT_KNOWN.into())
        }
    }
}

/// What firmware shows of settings.
struct Found {
    /// They are as wanted.
    is_reached: bool,
    /// What is in force of them, where they are not.
    applied: Option<String>,
    /// What they are.
    words: String,
}

async fn find<M: Machine>(
    firmware: Firmware<'_, M>,
    client: &mut Client<&M>,
    record: &Record,
) -> Result<Found, WsmanError> {
    Ok(match &record.target {
        Target::SetFeatures(wanted) => {
            let current = features::Current::read(client).await?;
            let words = current.words();
            let is_other = !record.before_words.ends_with(&words);
            let applied = is_other.then(|| format!("Some of the features are set: {words}."));
            Found { is_reached: current.meets(wanted, record.before.control_mode), applied, words }
        }
        Target::SyncHostname { host_name, domain_name } => {
            let settings: GeneralSettings = client.read().await?;
            let name = Name { host: host_name, domain: domain_name.as_deref() };
            let words = hostname::words(settings.host_name(), settings.domain_name());
            // A name is set or not.
            Found { is_reached: name.is_of(&settings), applied: None, words }
        }
        _ => {
            let reading = clock::Reading::take(client).await?;
            let applied = reading.applied_since(record.clock_ahead, firmware);
            Found { is_reached: reading.is_right(firmware), applied, words: reading.words() }
        }
    })
}

const MEBX_OPEN: &str = "The MEBx password is the new one or still the old one; firmware does not say.";
const SET_AGAIN: &str = "Set the MEBx password again: the same password can be set as often as needed.";
