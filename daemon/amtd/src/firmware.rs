//! Asks firmware about itself, for the status: versions, UUID, provisioning state and control mode.
//!
//! The host interface (AMTHI) has room for one program, so it is opened for one short burst of questions and closed
//! again. Nobody waits for the answers: without them the status is less telling and everything else is the same.
//! Asked again when the link comes back, and from time to time, because another program may have provisioned the
//! machine.

use std::{path::Path, time::Duration};

use amtd_amt::amthi::{
    AmthiError, Command, ControlMode, GetCodeVersions, GetControlMode, GetProvisioningState, GetUuid,
    ProvisioningState,
};
use amtd_mei::{ClientGuid, ConnectError, Connection, LinkError, Node};
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

/// Keeps the facts about firmware fresh while there is a link. Ends when the driver has.
pub async fn watch(
    config: config::Firmware,
    mut link: watch::Receiver<LinkStatus>,
    facts: watch::Sender<Firmware>,
) {
    loop {
        let Ok(ready) = link.wait_for(|link| link.ready).await.map(|link| link.node.clone()) else { return };
        // A ready link has a node; without one there is nothing to ask but the next link.
        if let Some(node) = ready {
            publish(&facts, read(&config, &node).await);
        }
        tokio::select! {
            () = sleep(config.refresh.get()) => {}
            lost = link.wait_for(|link| !link.ready) => if lost.is_err() { return },
        }
    }
}

/// Keeps what was known when it cannot be read again.
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
        Err(error) => {
            let error = error.to_string();
            if known.error.as_ref() != Some(&error) {
                info!(error, "firmware does not tell about itself");
            }
            known.error = Some(error);
        }
    });
}

/// Why firmware could not be asked.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Link(#[from] LinkError),
    #[error(transparent)]
    Answer(#[from] AmthiError),
    #[error("the firmware did not answer over the host interface within {0:?}")]
    Silent(Duration),
}

/// Reads, and tries again where that can help (amthi 9): for another program to let go of the interface, or for
/// firmware to get ready.
async fn read(config: &config::Firmware, node: &Path) -> Result<Firmware, ReadError> {
    let mut attempt = 1;
    loop {
        let error = match burst_within_limit(config, node).await {
            Ok(facts) => return Ok(facts),
            Err(error) => error,
        };
        let Some(pause) = pause_after(config, &error, attempt).filter(|_| attempt < config.attempts) else {
            return Err(error);
        };
        debug!(%error, attempt, ?pause, "asking firmware again");
        sleep(pause).await;
        attempt += 1;
    }
}

/// How long to wait before the next attempt; `None` where it would fail again, or ask a firmware that is stuck.
fn pause_after(config: &config::Firmware, error: &ReadError, attempt: u32) -> Option<Duration> {
    match error {
        ReadError::Connect(ConnectError::Busy { .. }) => {
            Some(config.busy_pause.get().saturating_mul(attempt))
        }
        // Firmware may offer its clients one by one while it starts (mei 6.4).
        ReadError::Connect(ConnectError::NoClient { .. } | ConnectError::DeviceDown { .. }) => {
            Some(config.retry_pause.get())
        }
        ReadError::Answer(AmthiError::Status(status)) if status.is_retryable() => {
            Some(config.retry_pause.get())
        }
        _ => None,
    }
}

async fn burst_within_limit(config: &config::Firmware, node: &Path) -> Result<Firmware, ReadError> {
    let limit = config.limit.get();
    timeout(limit, burst(config, node)).await.unwrap_or(Err(ReadError::Silent(limit)))
}

/// Opens, asks everything, closes. After an error the connection is closed by being dropped.
async fn burst(config: &config::Firmware, node: &Path) -> Result<Firmware, ReadError> {
    let node = Node::at(node).map_err(ConnectError::from)?;
    let connection = Connection::open(&node, ClientGuid::AMTHI, config.limit.get()).await?;
    let inbox = vec![0; connection.max_message_length()];
    let mut host_interface = HostInterface { connection, inbox, limit: config.answer_limit.get() };
    let facts = host_interface.facts().await?;
    host_interface.connection.close().await;
    Ok(facts)
}

/// An open connection to AMTHI: one question at a time.
struct HostInterface {
    connection: Connection,
    inbox: Vec<u8>,
    limit: Duration,
}

impl HostInterface {
    async fn facts(&mut self) -> Result<Firmware, ReadError> {
        let versions = self.ask(GetCodeVersions).await?;
        let provisioning = self.ask_optional(GetProvisioningState).await?;
        let control = self.ask_optional(GetControlMode).await?;
        let uuid = self.ask_optional(GetUuid).await?;
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

    /// A question that some firmware does not know, or does not answer in some of its states.
    async fn ask_optional<C: Command>(&mut self, command: C) -> Result<Option<C::Answer>, ReadError> {
        match self.ask(command).await {
            Ok(answer) => Ok(Some(answer)),
            Err(ReadError::Answer(error)) if !error.is_framing() => {
                debug!(%error, "firmware does not say");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// After any error that is not firmware's own answer the connection is of no more use: replies carry no number,
    /// and a late one would be taken for the next (amthi 1.2).
    async fn ask<C: Command>(&mut self, command: C) -> Result<C::Answer, ReadError> {
        let exchange = async {
            self.connection.send(&command.request()).await?;
            self.connection.recv(&mut self.inbox).await
        };
        let length = timeout(self.limit, exchange).await.map_err(|_| ReadError::Silent(self.limit))??;
        Ok(command.decode(self.inbox.get(..length).unwrap_or_default())?)
    }
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
