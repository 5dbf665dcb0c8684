//! AMT_TimeSynchronizationService (wsman 9.7): the device's clock.

use super::view;
use crate::machine::Machine;
use crate::wsman::{Client, Instance, Parameters, PropertyError, WsmanError};

/// AMT_TimeSynchronizationService.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeSynchronizationService(Instance);
view!(TimeSynchronizationService, "AMT_TimeSynchronizationService");

impl TimeSynchronizationService {
    /// Whether the host may set the clock. `None` where firmware does not say.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Value`].
    pub fn local_sync_enabled(&self) -> Result<Option<bool>, PropertyError> {
        Ok(self.0.number("LocalTimeSyncEnabled")?.map(|state| state != SWITCHED_OFF))
    }

    /// The device's time, in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn device_time<M: Machine>(client: &mut Client<M>) -> Result<u32, WsmanError> {
        let output = client.consult::<Self>("GetLowAccuracyTimeSynch").await?;
        Ok(output.outputs.required_number("Ta0")?)
    }

    /// Sets the device's time. `device` is its time as just read, `host` the host's, both in seconds since 1970.
    ///
    /// # Errors
    ///
    /// [`WsmanError`].
    pub async fn set_device_time<M: Machine>(
        client: &mut Client<M>,
        device: u32,
        host: u32,
    ) -> Result<(), WsmanError> {
        // When the device's time came and what it is now: the same to the accuracy of a second.
        let parameters = Parameters::none().with("Ta0", device).with("Tm1", host).with("Tm2", host);
        client.call::<Self>("SetHighAccuracyTimeSynch", parameters).await.map(drop)
    }
}

const SWITCHED_OFF: u32 = 2;
