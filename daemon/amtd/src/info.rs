//! Everything that firmware says about itself over its host interfaces, read on request.
//!
//! Callers that ask during a reading, or right after it, share its result, so that many of them do not keep other
//! programs from the interface. Used by `control`. The few facts in the status are read by `firmware`.

use std::time::{Duration, SystemTime};

use amtd_amt::{
    amthi::{
        CertificateHash, CiraStatus, CodeVersions, ControlMode, EnumerateHashHandles, GetCertificateHash,
        GetCiraStatus, GetCodeVersions, GetControlMode, GetEhbcState, GetLanSettings, GetPkiFqdnSuffix,
        GetProvisioningState, GetUuid, LanInterface, LanSettings, ProvisioningState, Uuid,
    },
    ask::{AskError, OpenClient, ask},
    machine::{Burst, HostClient, Machine, ReachError},
    mhc::{AmtEnablement, IsChangeToAmtEnabled},
    retry::RetryPolicy,
    upid::{GetPlatformId, PlatformId},
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};
use tracing::debug;

use crate::config;

/// How long a result is reused for further requests.
const FRESH: Duration = Duration::from_secs(1);
/// Certificate hashes that are read. Firmware has room for some thirty.
const MAX_HASHES: usize = 64;

/// What firmware said. A value that it did not give is absent.
#[derive(Debug, Clone)]
pub struct Info {
    /// When it was read.
    pub read_at: SystemTime,
    /// The parts of the firmware with their versions.
    pub versions: CodeVersions,
    /// The machine's UUID.
    pub uuid: Option<Uuid>,
    /// Whether and how it is activated.
    pub control_mode: Option<ControlMode>,
    /// How far activation has come.
    pub provisioning_state: Option<ProvisioningState>,
    /// The DNS suffix with which activation by certificate compares.
    pub dns_suffix: Option<String>,
    /// The wired interface.
    pub wired: Option<LanSettings>,
    /// The wireless interface.
    pub wireless: Option<LanSettings>,
    /// The authorities that it trusts for activation.
    pub hashes: Vec<CertificateHash>,
    /// Access through a management server.
    pub remote_access: Option<CiraStatus>,
    /// Whether the maker allows admin control mode without a certificate.
    pub ehbc: Option<bool>,
    /// Whether AMT is switched on, and what local ports enforce.
    pub enablement: Option<AmtEnablement>,
    /// The platform's unique id.
    pub platform_id: Option<PlatformId>,
}

/// Why firmware could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InfoError {
    /// It could not be asked.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// It took too long.
    #[error("it did not answer everything within {0:?}")]
    Slow(Duration),
}

/// Reads from firmware, for all callers.
#[derive(Debug)]
pub struct Informant<M> {
    machine: M,
    /// Limit for one question.
    answer_limit: Duration,
    /// Limit for the whole reading.
    limit: Duration,
    attempts: u32,
    busy_pause: Duration,
    /// Locked during a reading, which has a limit.
    last: Mutex<Option<Told>>,
}

/// The last result, or why there is none: callers that waited for it must not each find that out again.
#[derive(Debug)]
struct Told {
    at: Instant,
    /// How many jobs had ended when it was asked.
    jobs_ended: u64,
    info: Result<Info, InfoError>,
}

impl<M: Machine> Informant<M> {
    /// With the limits of the configuration.
    pub fn new(machine: M, config: &config::Firmware) -> Self {
        Self {
            machine,
            answer_limit: config.answer_limit.get(),
            limit: config.limit.get(),
            attempts: config.attempts,
            busy_pause: config.busy_pause.get(),
            last: Mutex::new(None),
        }
    }

    /// What firmware says now. `jobs_ended` counts the jobs that have ended: a result from before the last of them is out of
    /// date.
    ///
    /// # Errors
    ///
    /// [`InfoError`]: firmware cannot be asked, or is silent.
    pub async fn ask(&self, jobs_ended: u64) -> Result<Info, InfoError> {
        let mut last = self.last.lock().await;
        if let Some(told) = &*last
            && told.at.elapsed() < FRESH
            && told.jobs_ended == jobs_ended
        {
            return told.info.clone();
        }
        let read = timeout(self.limit, self.read()).await;
        let info = read.unwrap_or(Err(InfoError::Slow(self.limit)));
        *last = Some(Told { at: Instant::now(), jobs_ended, info: info.clone() });
        info
    }

    async fn read(&self) -> Result<Info, InfoError> {
        let mut client = self.open().await?;
        let info = questions(&mut client).await?;
        client.close().await;
        // These clients of the device may be missing, or in use by the kernel's own drivers.
        let once = RetryPolicy::once(self.answer_limit);
        let enablement = optional(ask(&self.machine, &IsChangeToAmtEnabled, &once).await);
        let platform_id = optional(ask(&self.machine, &GetPlatformId, &once).await).flatten();
        Ok(Info { enablement, platform_id, ..info })
    }

    /// Opens the host interface. If another program uses it, waits and tries again.
    async fn open(&self) -> Result<OpenClient<M::Burst>, AskError> {
        let mut attempt = 1;
        loop {
            match OpenClient::open(&self.machine, HostClient::Amthi, self.answer_limit).await {
                Err(AskError::NotOpened(ReachError::Busy)) if attempt < self.attempts => {
                    sleep(self.busy_pause.saturating_mul(attempt)).await;
                    attempt += 1;
                }
                opened => return opened,
            }
        }
    }
}

async fn questions<B: Burst>(client: &mut OpenClient<B>) -> Result<Info, AskError> {
    Ok(Info {
        read_at: SystemTime::now(),
        versions: client.ask(&GetCodeVersions).await?,
        uuid: client.ask_optional(&GetUuid).await?,
        control_mode: client.ask_optional(&GetControlMode).await?,
        provisioning_state: client.ask_optional(&GetProvisioningState).await?,
        dns_suffix: client.ask_optional(&GetPkiFqdnSuffix).await?.filter(|suffix| !suffix.is_empty()),
        wired: lan(client, LanInterface::Wired).await?,
        wireless: lan(client, LanInterface::Wireless).await?,
        hashes: hashes(client).await?,
        remote_access: client.ask_optional(&GetCiraStatus).await?,
        ehbc: client.ask_optional(&GetEhbcState).await?,
        enablement: None,
        platform_id: None,
    })
}

async fn lan<B: Burst>(
    client: &mut OpenClient<B>,
    interface: LanInterface,
) -> Result<Option<LanSettings>, AskError> {
    let settings = client.ask_optional(&GetLanSettings { interface }).await?;
    Ok(settings.filter(LanSettings::exists))
}

async fn hashes<B: Burst>(client: &mut OpenClient<B>) -> Result<Vec<CertificateHash>, AskError> {
    let handles = client.ask_optional(&EnumerateHashHandles).await?.unwrap_or_default();
    let mut hashes = Vec::new();
    for handle in handles.into_iter().take(MAX_HASHES) {
        hashes.extend(client.ask_optional(&GetCertificateHash { handle }).await?);
    }
    Ok(hashes)
}

fn optional<T>(answer: Result<T, AskError>) -> Option<T> {
    answer.map_err(|error| debug!(%error, "firmware does not say")).ok()
}

#[cfg(test)]
mod tests {
    use amtd_mei::Errno;

    use super::*;
    use crate::machine::device::{Device, Script};

    #[tokio::test]
    async fn those_who_wait_for_silent_firmware_do_not_wait_one_after_the_other() {
        let device = Device::start(vec![Script::Refuse(Errno::EACCES)]);
        let informant = Informant::new(device.machine(), &config::Firmware::default());
        let (one, other) = tokio::join!(informant.ask(0), informant.ask(0));
        let words = |told: Result<Info, InfoError>| told.map(drop).unwrap_err().to_string();
        let (one, other) = (words(one), words(other));
        assert!(one.contains("not allowed") && one == other, "{one}; {other}");
    }
}
