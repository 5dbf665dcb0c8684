//! AMT_AgentPresenceWatchdog (wsman 14.1): an agent on the host proves that it runs.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::view;
use crate::machine::Machine;
use crate::wsman::{Client, Instance, Parameters, PropertyError, Resource, Selectors, WsmanError};

/// AMT_AgentPresenceWatchdog: one agent's watchdog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentPresenceWatchdog(Instance);
view!(AgentPresenceWatchdog, "AMT_AgentPresenceWatchdog", "DeviceID");

/// Which agent: a GUID in the order of firmware, its first three groups little-endian.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DeviceId(pub [u8; 16]);

/// As a selector has it: base64.
impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

/// A registered agent. Each assertion uses up one number, whether its answer comes or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AgentSession {
    device: DeviceId,
    sequence: u32,
    /// Seconds within which the next assertion must come.
    pub timeout: u32,
}

impl AgentPresenceWatchdog {
    /// Which agent this is for.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn device_id(&self) -> Result<DeviceId, PropertyError> {
        let bytes =
            STANDARD.decode(self.0.required("DeviceID")?).ok().and_then(|bytes| bytes.try_into().ok());
        let wrong = || PropertyError::Value { class: CLASS.to_owned(), property: "DeviceID" };
        bytes.map(DeviceId).ok_or_else(wrong)
    }

    /// What it is for.
    pub fn description(&self) -> &str {
        self.0.text("MonitoredEntityDescription").unwrap_or_default()
    }

    /// Its state, as firmware numbers it: 1 not started, 2 stopped, 4 running, 8 expired, 16 suspended.
    ///
    /// # Errors
    ///
    /// [`PropertyError`].
    pub fn current_state(&self) -> Result<u32, PropertyError> {
        self.0.required_number("CurrentState")
    }

    /// Begins a session for an agent.
    ///
    /// # Errors
    ///
    /// [`WsmanError`]; a fault means that there is no such watchdog.
    pub async fn register<M: Machine>(
        client: &mut Client<M>,
        device: DeviceId,
    ) -> Result<AgentSession, WsmanError> {
        let outputs = call(client, device, "RegisterAgent", Parameters::none()).await?;
        Ok(AgentSession {
            device,
            sequence: outputs.required_number("SessionSequenceNumber")?,
            timeout: outputs.required_number("TimeoutInterval")?,
        })
    }
}

impl AgentSession {
    /// Says that the agent runs.
    ///
    /// # Errors
    ///
    /// [`WsmanError`]. After one that is uncertain the number may have been used or not: register again.
    pub async fn assert_presence<M: Machine>(&mut self, client: &mut Client<M>) -> Result<(), WsmanError> {
        let parameters = self.next();
        call(client, self.device, "AssertPresence", parameters).await.map(drop)
    }

    /// Says that the agent stops on purpose. The session is over.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn assert_shutdown<M: Machine>(mut self, client: &mut Client<M>) -> Result<(), WsmanError> {
        let parameters = self.next();
        call(client, self.device, "AssertShutdown", parameters).await.map(drop)
    }

    /// The number after the last, and 0 after the largest.
    fn next(&mut self) -> Parameters {
        self.sequence = self.sequence.wrapping_add(1);
        Parameters::none().with("SequenceNumber", self.sequence)
    }
}

async fn call<M: Machine>(
    client: &mut Client<M>,
    device: DeviceId,
    method: &str,
    parameters: Parameters,
) -> Result<Instance, WsmanError> {
    // The other keys are the same for all instances; some firmware wants them (wsman 14.1).
    let selectors = Selectors::none()
        .with("CreationClassName", CLASS)
        .with("DeviceID", device.to_string())
        .with("SystemCreationClassName", "CIM_ComputerSystem")
        .with("SystemName", "Intel(r) AMT");
    let output = client.invoke(&Resource::parse(CLASS)?, &selectors, method, parameters).await?;
    Ok(output.outputs)
}

const CLASS: &str = "AMT_AgentPresenceWatchdog";
