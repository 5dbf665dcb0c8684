//! The device as flows see it: what it is, who may log in, and reading again until it is settled. Called by all flows.

use tokio::{join, time::sleep};

use super::{DeviceState, Failure, Policy, Reason, failure::sentence};
use crate::{
    Secret,
    amthi::{
        CertificateHash, CodeVersions, ControlMode, EnumerateHashHandles, GetCertificateHash,
        GetCodeVersions, GetControlMode, GetLocalSystemAccount, GetProvisioningState, ProvisioningState,
    },
    ask::{AskError, OpenClient, Questions, ask},
    machine::{Burst, HostClient, Machine, PLAIN_PORT, TLS_PORT},
    mhc::{AmtEnablement, IsChangeToAmtEnabled},
    retry::RetryPolicy,
    wsman::{
        Client, Credentials, DeviceIdentity, Endpoint, TlsSettings, Trust, WsmanError,
        classes::{GeneralSettings, HostBasedSetupService},
    },
};

/// One machine and how patient to be with it.
pub(super) struct Firmware<'a, M> {
    machine: &'a M,
    pub(super) policy: &'a Policy,
}

impl<M> Clone for Firmware<'_, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for Firmware<'_, M> {}

impl<'a, M: Machine> Firmware<'a, M> {
    pub(super) const fn new(machine: &'a M, policy: &'a Policy) -> Self {
        Self { machine, policy }
    }

    pub(super) async fn ask<Q: Questions>(self, questions: &Q) -> Result<Q::Answer, AskError> {
        ask(self.machine, questions, &self.policy.ask).await
    }

    /// What the device is. Whether it enforces TLS is asked of it, and if it does not say, its generation tells
    /// (activation 15).
    pub(super) async fn examine(self) -> Result<Device, Failure> {
        // Two host clients, which do not wait for each other.
        let (answers, enablement) = join!(self.ask(&(State, GetCodeVersions)), self.enablement());
        let ((control_mode, provisioning_state), versions) = answers?;
        let by_version = versions.amt().is_some_and(|version| version.major >= FIRST_WITH_TLS);
        let tls_enforced =
            enablement.map_or(by_version, |enablement| enablement.tls_enforced() == Some(true));
        let state = DeviceState { control_mode, provisioning_state, tls_enforced };
        Ok(Device { state, versions, enablement })
    }

    async fn enablement(self) -> Option<AmtEnablement> {
        let patience = RetryPolicy::once(self.policy.enablement_limit);
        let enablement = ask(self.machine, &IsChangeToAmtEnabled, &patience).await;
        enablement
            .inspect_err(|error| tracing::debug!(%error, "firmware does not say whether it enforces TLS"))
            .ok()
    }

    /// Reads whether AMT is switched on until it is, as patiently as said. Returns what was read last.
    pub(super) async fn is_enabled(self, patience: RetryPolicy) -> Result<bool, AskError> {
        let mut attempts = patience.start();
        loop {
            let enablement = self.ask(&IsChangeToAmtEnabled).await;
            let is_enabled = enablement.map(|enablement| enablement.is_enabled() == Some(true));
            if matches!(is_enabled, Ok(true)) || !attempts.again().await {
                return is_enabled;
            }
        }
    }

    /// What the device is now. Whether it enforces TLS does not change.
    pub(super) async fn state(self, tls_enforced: bool) -> Result<DeviceState, AskError> {
        let (control_mode, provisioning_state) = self.ask(&State).await?;
        Ok(DeviceState { control_mode, provisioning_state, tls_enforced })
    }

    /// Reads what the device is until it is as wanted, as patiently as said. Returns what was read last.
    pub(super) async fn settled(
        self,
        tls_enforced: bool,
        patience: RetryPolicy,
        wanted: impl Fn(&DeviceState) -> bool + Send + Sync,
    ) -> Result<DeviceState, AskError> {
        let mut attempts = patience.start();
        loop {
            let state = self.state(tls_enforced).await;
            if state.as_ref().is_ok_and(&wanted) || !attempts.again().await {
                return state;
            }
        }
    }

    /// Reads the control mode until it is this one, as patiently as said.
    pub(super) async fn control_mode(
        self,
        patience: RetryPolicy,
        wanted: ControlMode,
    ) -> Result<ControlMode, AskError> {
        let mut attempts = patience.start();
        loop {
            let mode = self.ask(&GetControlMode).await;
            if mode.as_ref().is_ok_and(|mode| *mode == wanted) || !attempts.again().await {
                return mode;
            }
        }
    }

    /// The certificate hashes that firmware has.
    pub(super) async fn hashes(self) -> Result<Vec<CertificateHash>, AskError> {
        self.ask(&AllHashes).await
    }

    /// A client that acts as this user.
    pub(super) fn client(self, state: &DeviceState, who: Credentials) -> Result<Client<&'a M>, Failure> {
        let endpoint = self.endpoint(state)?;
        Ok(Client::new(self.machine, endpoint, Some(who), self.policy.wsman))
    }

    /// A client that acts as the local system account, which is asked for each time: it does not stay valid.
    pub(super) async fn local_client(self, state: &DeviceState) -> Result<Client<&'a M>, Failure> {
        let account = self.ask(&GetLocalSystemAccount).await?;
        self.client(state, Credentials { user: account.user, password: account.password })
    }

    /// What the host-based setup service says, and the client that asked, both as the local system account.
    pub(super) async fn setup_service(
        self,
        state: &DeviceState,
    ) -> Result<(Client<&'a M>, HostBasedSetupService), Failure> {
        let mut client = self.local_client(state).await?;
        let service = client.read().await?;
        Ok((client, service))
    }

    /// A client that acts as `admin`. Whether the password is right shows at its first request.
    pub(super) fn admin_client(
        self,
        state: &DeviceState,
        password: &Secret,
    ) -> Result<Client<&'a M>, Failure> {
        self.client(state, admin(password))
    }

    /// Logs in as `admin` by reading, which shows that the password is right without changing anything.
    pub(super) async fn login(
        self,
        state: &DeviceState,
        password: &Secret,
    ) -> Result<(Client<&'a M>, GeneralSettings), Failure> {
        let mut client = self.admin_client(state, password)?;
        let settings = client.read().await?;
        Ok((client, settings))
    }

    /// Logs in shortly after the server of firmware was restarted or the password set: it may not be there yet, and may
    /// refuse the right password at first (wsman 2).
    pub(super) async fn login_when_ready(
        self,
        state: &DeviceState,
        password: &Secret,
    ) -> Result<(Client<&'a M>, GeneralSettings), Failure> {
        let mut client = self.admin_client(state, password)?;
        let mut made: u32 = 1;
        loop {
            let error = match client.read().await {
                Ok(settings) => return Ok((client, settings)),
                Err(error) => error,
            };
            if made >= self.policy.settle_attempts || !may_pass(&error) {
                return Err(error.into());
            }
            made = made.saturating_add(1);
            tracing::debug!(%error, made, "logging in again");
            sleep(self.policy.settle_pause).await;
            client.allow_another_login();
        }
    }

    fn endpoint(self, state: &DeviceState) -> Result<Endpoint, Failure> {
        if !state.tls_enforced && !self.serves_tls_only() {
            return Ok(Endpoint::Plain);
        }
        let authorities = &self.policy.authorities;
        // Once configured, firmware presents a certificate that it made itself (wsman 3).
        let trust = if state.is_inactive() && !authorities.is_empty() {
            Trust::DeviceIdentity(DeviceIdentity {
                authorities: authorities.clone(),
                leaf: None,
                serial: None,
            })
        } else {
            Trust::Insecure
        };
        let settings = TlsSettings::new(trust, None)
            .map_err(|error| Failure::new(Reason::TlsFailed, sentence(error)))?;
        Ok(Endpoint::Tls(settings))
    }

    /// Whether TLS is all that is left by the settings of firmware that does not enforce it (activation 8), which
    /// shows by the ports that it asks for (apf 3.4).
    fn serves_tls_only(self) -> bool {
        self.machine.serves(TLS_PORT) && !self.machine.serves(PLAIN_PORT)
    }
}

/// Control mode and provisioning state of one moment. Firmware may change between the two questions, as when it ends an
/// activation, and a mode of before beside a state of afterwards would be taken for a device that stopped half-way.
struct State;

impl State {
    /// The mode is read again where the two are not those of a device that is settled, so often at most.
    const READINGS: usize = 3;
}

impl Questions for State {
    type Answer = (ControlMode, ProvisioningState);
    const CLIENT: HostClient = HostClient::Amthi;
    const CHANGES: bool = false;

    async fn ask_on<B: Burst>(&self, client: &mut OpenClient<B>) -> Result<Self::Answer, AskError> {
        let mut mode = client.ask(&GetControlMode).await?;
        let mut state = client.ask(&GetProvisioningState).await?;
        for _ in 1..Self::READINGS {
            let is_settled = match mode {
                ControlMode::None => state == ProvisioningState::Pre,
                _ => state == ProvisioningState::Post,
            };
            if is_settled {
                break;
            }
            let before = std::mem::replace(&mut mode, client.ask(&GetControlMode).await?);
            if mode == before {
                break;
            }
            state = client.ask(&GetProvisioningState).await?;
        }
        Ok((mode, state))
    }
}

/// Every certificate hash, in one burst: there are about twenty.
struct AllHashes;

impl Questions for AllHashes {
    type Answer = Vec<CertificateHash>;
    const CLIENT: HostClient = HostClient::Amthi;
    const CHANGES: bool = false;

    async fn ask_on<B: Burst>(&self, client: &mut OpenClient<B>) -> Result<Self::Answer, AskError> {
        let mut hashes = Vec::new();
        for handle in client.ask(&EnumerateHashHandles).await?.into_iter().take(MAX_HASHES) {
            hashes.push(client.ask(&GetCertificateHash { handle }).await?);
        }
        Ok(hashes)
    }
}

/// What a device is, with what is only needed for planning.
pub(super) struct Device {
    pub(super) state: DeviceState,
    pub(super) versions: CodeVersions,
    pub(super) enablement: Option<AmtEnablement>,
}

/// The account that owns the device.
pub(super) const ADMIN: &str = "admin";

/// That account with this password.
fn admin(password: &Secret) -> Credentials {
    Credentials { user: ADMIN.into(), password: password.clone() }
}

/// Whether a login that failed so may succeed some seconds later.
fn may_pass(error: &WsmanError) -> bool {
    error.is_rejected_login()
        || error.is_retryable()
        || matches!(error, WsmanError::Tls(_) | WsmanError::Silent(_))
}

/// The first generation that enforces TLS on local ports.
const FIRST_WITH_TLS: u16 = 19;
/// More hashes than firmware can hold.
const MAX_HASHES: usize = 64;
