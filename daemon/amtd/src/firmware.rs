//! Asks firmware about itself, for the status: versions, UUID, provisioning state and control mode.
//!
//! The host interface (AMTHI) has room for one program, so it is opened for one short burst of questions and closed
//! again. Nothing depends on the answers but these lines of the status. Firmware is asked again when the link comes back,
//! and from time to time, because another program may have provisioned the machine.

use std::time::Duration;

use amtd_amt::{
    amthi::{
        AmthiError, ControlMode, GetCodeVersions, GetControlMode, GetProvisioningState, GetUuid,
        ProvisioningState,
    },
    ask::{AnswerError, AskError, OpenClient},
    machine::{Burst, HostClient, Machine, ReachError},
};
use tokio::{
    sync::watch,
    time::{sleep, timeout},
};
use tracing::{debug, info};

use crate::{
    config,
    driver::LinkStatus,
    status::{Firmware, Timestamp},
};

/// Keeps the facts about firmware up to date while there is a link: reads them from time to time, and after each of the
/// `changes` that the daemon itself makes. Ends when the driver has ended.
pub async fn watch(
    config: config::Firmware,
    machine: impl Machine,
    mut link: watch::Receiver<LinkStatus>,
    mut changes: watch::Receiver<u64>,
    facts: watch::Sender<Firmware>,
) {
    while link.wait_for(|link| link.ready).await.is_ok() {
        publish(&facts, read(&config, &machine, &facts).await);
        tokio::select! {
            () = sleep(config.refresh.get()) => {}
            changed = changes.changed() => if changed.is_err() { return },
            lost = link.wait_for(|link| !link.ready) => if lost.is_err() { return },
        }
    }
}

/// Publishes a reading. If it failed, the facts that are known stay, and the error is added.
fn publish(facts: &watch::Sender<Firmware>, read: Result<Firmware, ReadError>) {
    facts.send_modify(|known| match read {
        Ok(read) => {
            let before = Firmware { read_at: read.read_at, ..known.clone() };
            if before != read {
                let Firmware { version, control_mode, provisioning_state, .. } = &read;
                info!(version, control_mode, provisioning_state, "firmware");
            }
            *known = read;
        }
        Err(error) => note(known, &error),
    });
}

fn note(known: &mut Firmware, error: &ReadError) {
    let error = error.to_string();
    if known.error.as_ref() != Some(&error) {
        info!(error, "cannot read the facts about the firmware");
    }
    known.error = Some(error);
}

/// Why firmware could not be asked.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("the firmware did not answer everything over the host interface within {0:?}")]
    Slow(Duration),
}

/// Reads, and tries again where that can help (amthi 9): when another program uses the interface, or when firmware is not
/// ready yet. While it waits for the next attempt, `facts` tells why there is one.
async fn read<M: Machine>(
    config: &config::Firmware,
    machine: &M,
    facts: &watch::Sender<Firmware>,
) -> Result<Firmware, ReadError> {
    let mut attempt = 1;
    loop {
        let error = match burst_within_limit(config, machine).await {
            Ok(facts) => return Ok(facts),
            Err(error) => error,
        };
        let Some(pause) = pause_after(config, &error, attempt).filter(|_| attempt < config.attempts) else {
            return Err(error);
        };
        debug!(%error, attempt, ?pause, "asking firmware again");
        if pause >= config.retry_pause.get() {
            facts.send_modify(|known| note(known, &error));
        }
        sleep(pause).await;
        attempt += 1;
    }
}

/// How long to wait before the next attempt; `None` if it would fail again, or if firmware is stuck.
fn pause_after(config: &config::Firmware, error: &ReadError, attempt: u32) -> Option<Duration> {
    let ReadError::Ask(error) = error else { return None };
    match error {
        AskError::NotOpened(ReachError::Busy) => Some(config.busy_pause.get().saturating_mul(attempt)),
        // Firmware may offer its clients one by one while it starts (mei 6.4).
        AskError::NotOpened(ReachError::NoClient | ReachError::NoDevice) => Some(config.retry_pause.get()),
        AskError::Answer(AnswerError::Amthi(AmthiError::Status(status))) if status.is_retryable() => {
            Some(config.retry_pause.get())
        }
        _ => None,
    }
}

async fn burst_within_limit<M: Machine>(
    config: &config::Firmware,
    machine: &M,
) -> Result<Firmware, ReadError> {
    let limit = config.limit.get();
    timeout(limit, burst(config, machine)).await.unwrap_or(Err(ReadError::Slow(limit)))
}

/// Opens, asks everything, closes. After an error the connection is closed by being dropped.
async fn burst<M: Machine>(config: &config::Firmware, machine: &M) -> Result<Firmware, ReadError> {
    let mut client = OpenClient::open(machine, HostClient::Amthi, config.answer_limit.get()).await?;
    let facts = facts(&mut client).await?;
    client.close().await;
    Ok(facts)
}

async fn facts<B: Burst>(client: &mut OpenClient<B>) -> Result<Firmware, AskError> {
    let versions = client.ask(&GetCodeVersions).await?;
    let provisioning = client.ask_optional(&GetProvisioningState).await?;
    let control = client.ask_optional(&GetControlMode).await?;
    let uuid = client.ask_optional(&GetUuid).await?;
    Ok(Firmware {
        read_at: Some(Timestamp(std::time::SystemTime::now())),
        error: None,
        version: versions.part("AMT").map(String::from),
        build: versions.build().map(String::from),
        sku: versions.part("Sku").map(String::from),
        uuid: uuid.map(|uuid| uuid.to_string()),
        control_mode: control.map(control_mode),
        provisioning_state: provisioning.map(provisioning_state),
    })
}

fn control_mode(mode: ControlMode) -> String {
    match mode {
        ControlMode::None => "none".into(),
        ControlMode::Client => "client".into(),
        ControlMode::Admin => "admin".into(),
        ControlMode::Unknown(code) => format!("unknown ({code})"),
    }
}

fn provisioning_state(state: ProvisioningState) -> String {
    match state {
        ProvisioningState::Pre => "pre".into(),
        ProvisioningState::In => "in".into(),
        ProvisioningState::Post => "post".into(),
        ProvisioningState::Unknown(code) => format!("unknown ({code})"),
    }
}

#[cfg(test)]
mod tests;
