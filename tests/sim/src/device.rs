//! State of the simulated device, shared by everything that shows it: AMTHI, WSMAN and the web page.
//!
//! A plain struct without IO, tasks or a clock: time is an argument. It is made from a [`DeviceConfig`] and a seed, and
//! equal configurations make equal devices. The engine (single-threaded) owns it and lends it to one request at a time.

use std::time::{Duration, Instant};

use self::accounts::{ADMIN_USER, Accounts, Ha1, LOCAL_SYSTEM_USER, Password, Role};
use self::message_log::{EventRecord, MessageLog};
use self::network::{HashAlgorithm, HashEntry, Network};
use self::power::Power;
use self::presence::AgentPresence;
use self::random::Random;
use self::settings::Settings;
use crate::web::ServerState;
use crate::web::digest::{Claim, Denied, LoginPolicy};

pub mod accounts;
pub mod message_log;
pub mod network;
pub mod power;
pub mod presence;
pub(crate) mod random;
mod settings;

/// Who owns the device's configuration (`CurrentControlMode`; AMTHI 0x6B).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControlMode {
    /// Not activated.
    None = 0,
    /// Client control mode (CCM).
    Client = 1,
    /// Admin control mode (ACM).
    Admin = 2,
}

/// Provisioning state (AMTHI 0x11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvisioningState {
    /// Not provisioned.
    Pre = 0,
    /// In provisioning. The simulator passes through it within one command, so that nobody sees it.
    In = 1,
    /// Provisioned.
    Post = 2,
}

/// Why the device refused a change of its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The device is already activated.
    #[error("the device is activated already; unprovision it first")]
    AlreadyActivated,
    /// The device is not activated.
    #[error("the device is not activated")]
    NotActivated,
    /// The command is not for this control mode.
    #[error("admin control mode is left through WSMAN only")]
    AdminControl,
}

/// Versions that the device reports.
#[derive(Debug, Clone)]
pub struct CodeVersions {
    /// BIOS version.
    pub bios: String,
    /// AMT version, three numbers.
    pub amt: String,
    /// Build number.
    pub build: String,
    /// SKU bits; 0x8 AMT Pro, 0x4000 corporate.
    pub sku: u32,
}

impl CodeVersions {
    /// All four numbers of the version, as in the web server's `Server` header.
    #[must_use]
    pub fn full(&self) -> String {
        format!("{}.{}", self.amt, self.build)
    }

    /// The entries of AMTHI GetCodeVersions and of CIM_SoftwareIdentity (amthi 1.4, wsman 9.4), in firmware's order.
    #[must_use]
    pub fn entries(&self) -> Vec<(&'static str, String)> {
        vec![
            ("Flash", self.amt.clone()),
            ("Netstack", self.amt.clone()),
            ("AMTApps", self.amt.clone()),
            ("AMT", self.amt.clone()),
            ("Sku", self.sku.to_string()),
            ("VendorID", "8086".into()),
            ("Build Number", self.build.clone()),
            ("Recovery Version", self.amt.clone()),
            ("Recovery Build Num", self.build.clone()),
            ("Legacy Mode", "False".into()),
            ("AMT FW Core Version", self.amt.clone()),
        ]
    }
}

impl Default for CodeVersions {
    fn default() -> Self {
        Self { bios: "SIM1.00 ".into(), amt: "16.1.25".into(), build: "1917".into(), sku: 0x4008 }
    }
}

/// What a device is made from.
#[derive(Debug, Clone)]
pub struct DeviceConfig {
    /// Control mode at start; anything but `None` also means provisioning state `Post`.
    pub control_mode: ControlMode,
    /// The administrator's password while the device is activated from the start.
    pub admin_password: Password,
    /// Additional digest users (name, password), with the administrator's rights; only while activated.
    pub users: Vec<(String, Password)>,
    /// Seed of the realm, the local system account's password, the nonces and the hashes.
    pub seed: u64,
    /// UUID in SMBIOS byte order (first three groups little-endian), as it crosses AMTHI.
    pub uuid: [u8; 16],
    /// Versions.
    pub versions: CodeVersions,
    /// Names and interfaces.
    pub network: Network,
    /// The device's clock at its start, seconds since 1970.
    pub unix_time: u64,
    /// Rules of the web server about logins.
    pub login: LoginPolicy,
}

impl Default for DeviceConfig {
    fn default() -> Self {
        Self {
            control_mode: ControlMode::Client,
            admin_password: Password::new("P@ssw0rd"),
            users: Vec::new(),
            seed: 1,
            uuid: [
                0x55, 0xE3, 0xAE, 0x13, 0xBF, 0xD2, 0x61, 0xBB, 0x17, 0xA0, 0x88, 0xAE, 0xDD, 0x70, 0x37,
                0x5A,
            ],
            versions: CodeVersions::default(),
            network: Network::default(),
            unix_time: 1_750_000_000,
            login: LoginPolicy::default(),
        }
    }
}

/// A certificate in the device's store.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// Handle; part of the instance's name.
    pub handle: u32,
    /// Subject and issuer (every certificate here is self-signed), in AMT's notation.
    pub subject: String,
    /// DER.
    pub der: Vec<u8>,
}

/// The device.
#[derive(Debug)]
pub struct Device {
    /// UUID in SMBIOS byte order.
    pub uuid: [u8; 16],
    /// Versions.
    pub versions: CodeVersions,
    /// Names and interfaces.
    pub network: Network,
    /// Trusted roots for provisioning.
    pub hashes: Vec<HashEntry>,
    /// Certificates in the store.
    pub certificates: Vec<Certificate>,
    /// Event log.
    pub log: MessageLog,
    /// Power state of the host, and what was asked of it.
    pub power: Power,
    /// Agent presence watchdogs.
    pub presence: AgentPresence,
    /// Settings that WSMAN's Put changes and nothing else uses.
    pub(crate) settings: Settings,
    /// The web server's own state: nonces, failed logins, enumeration contexts.
    pub(crate) web: ServerState,
    realm: String,
    accounts: Accounts,
    control_mode: ControlMode,
    configuration_nonce: [u8; 20],
    random: Random,
    /// Device clock at `started`, seconds since 1970, corrected by time synchronisation.
    clock: i64,
    started: Instant,
}

impl Device {
    /// A device that starts at `now`.
    #[must_use]
    pub fn new(config: DeviceConfig, now: Instant) -> Self {
        let mut random = Random::new(config.seed);
        let realm = format!("Digest:{:016X}{:016X}", random.next_u64(), random.next_u64());
        let local_password = Password::new(random.text(32));
        let mut device = Self {
            uuid: config.uuid,
            versions: config.versions,
            network: config.network,
            hashes: default_hashes(&mut random),
            certificates: vec![default_certificate()],
            log: MessageLog::default(),
            power: Power::default(),
            presence: AgentPresence::default(),
            settings: Settings::default(),
            web: ServerState::new(config.login, random.next_u64()),
            accounts: Accounts::new(&realm, local_password),
            realm,
            control_mode: config.control_mode,
            configuration_nonce: random.bytes(),
            random,
            clock: config.unix_time.cast_signed(),
            started: now,
        };
        if config.control_mode != ControlMode::None {
            device.accounts.set_admin(Some(Ha1::new(ADMIN_USER, &device.realm, &config.admin_password)));
            for (name, password) in &config.users {
                device.accounts.add_user(name, Ha1::new(name, &device.realm, password));
            }
        }
        device.log_start(now);
        device
    }

    /// Lets time pass: watchdogs whose time is over expire.
    pub fn tick(&mut self, now: Instant) {
        self.presence.tick(now);
    }

    /// When [`Self::tick`] has something to do next, if ever. Calling it late loses nothing: every request calls it first.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.presence.next_deadline()
    }

    /// Activates the device in client control mode with the administrator's digest secret.
    ///
    /// # Errors
    /// [`StateError::AlreadyActivated`], and nothing changes.
    pub fn activate_client(&mut self, admin: Ha1, now: Instant) -> Result<(), StateError> {
        if self.control_mode != ControlMode::None {
            return Err(StateError::AlreadyActivated);
        }
        self.control_mode = ControlMode::Client;
        self.accounts.set_admin(Some(admin));
        self.configuration_nonce = self.random.bytes();
        self.log_event(3, now);
        Ok(())
    }

    /// AMTHI's Unprovision (amthi 3.16): client control mode only.
    ///
    /// # Errors
    /// [`StateError::AdminControl`] in admin control mode, [`StateError::NotActivated`] if there is nothing to undo.
    pub fn unprovision_locally(&mut self, now: Instant) -> Result<(), StateError> {
        if self.control_mode == ControlMode::Admin {
            return Err(StateError::AdminControl);
        }
        self.unprovision(now)
    }

    /// WSMAN's Unprovision: any control mode. Accounts, nonces and watchdogs are gone afterwards.
    ///
    /// # Errors
    /// [`StateError::NotActivated`] if there is nothing to undo.
    pub fn unprovision(&mut self, now: Instant) -> Result<(), StateError> {
        if self.control_mode == ControlMode::None {
            return Err(StateError::NotActivated);
        }
        self.control_mode = ControlMode::None;
        self.accounts.set_admin(None);
        self.web.forget_logins();
        self.presence = AgentPresence::default();
        self.settings = Settings::default();
        self.configuration_nonce = self.random.bytes();
        self.log_event(4, now);
        Ok(())
    }

    /// Changes the host's power state; watchdogs are suspended while the host does not run.
    pub fn set_power_state(&mut self, requested: u32, now: Instant) {
        self.power.request(requested);
        self.presence.set_host_running(self.power.is_running(), now);
    }

    /// Moves the device's clock by `seconds`.
    pub(crate) fn adjust_clock(&mut self, seconds: i64) {
        self.clock = self.clock.saturating_add(seconds);
    }

    /// Control mode.
    #[must_use]
    pub fn control_mode(&self) -> ControlMode {
        self.control_mode
    }

    /// Provisioning state.
    #[must_use]
    pub fn provisioning_state(&self) -> ProvisioningState {
        match self.control_mode {
            ControlMode::None => ProvisioningState::Pre,
            ControlMode::Client | ControlMode::Admin => ProvisioningState::Post,
        }
    }

    /// Digest realm: `Digest:` and 32 upper-case hex digits.
    #[must_use]
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Name and password of the local system account (amthi 3.12).
    #[must_use]
    pub fn local_system_account(&self) -> (&'static str, &Password) {
        (LOCAL_SYSTEM_USER, self.accounts.local_password())
    }

    /// `ConfigurationNonce` of IPS_HostBasedSetupService.
    #[must_use]
    pub fn configuration_nonce(&self) -> &[u8; 20] {
        &self.configuration_nonce
    }

    /// UUID as text.
    #[must_use]
    pub fn uuid_text(&self) -> String {
        let [a, b, c, d, e, f, g, h, rest @ ..] = self.uuid;
        let [i, j, tail @ ..] = rest;
        let node = tail.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        format!(
            "{:08x}-{:04x}-{:04x}-{i:02x}{j:02x}-{node}",
            u32::from_le_bytes([a, b, c, d]),
            u16::from_le_bytes([e, f]),
            u16::from_le_bytes([g, h]),
        )
    }

    /// The device's clock: seconds since 1970.
    #[must_use]
    pub fn unix_time(&self, now: Instant) -> u64 {
        self.clock.saturating_add_unsigned(self.uptime(now).as_secs()).max(0).cast_unsigned()
    }

    /// Time since the device started.
    #[must_use]
    pub fn uptime(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }

    /// Checks a digest login.
    pub(crate) fn check_login(&mut self, claim: &Claim<'_>, now: Instant) -> Result<Role, Denied> {
        self.web.logins.check(claim, &self.realm, |user| self.accounts.find(user), now)
    }

    /// The header field with a new challenge.
    pub(crate) fn challenge(&mut self, stale: bool, now: Instant) -> String {
        self.web.logins.challenge(&self.realm, stale, now)
    }

    fn log_start(&mut self, now: Instant) {
        for offset in [1, 2] {
            self.log_event(offset, now);
        }
    }

    /// Logs an event of the system firmware's progress (sensor type 15).
    fn log_event(&mut self, offset: u8, now: Instant) {
        let time = u32::try_from(self.unix_time(now)).unwrap_or(u32::MAX);
        let data = [0x40, offset, 0, 0, 0, 0, 0, 0];
        self.log.push(EventRecord { time, sensor_type: 15, offset: 2, severity: 2, entity: 34, data });
    }
}

fn default_hashes(random: &mut Random) -> Vec<HashEntry> {
    let entry = |handle, name: &str, hash: Vec<u8>, algorithm| HashEntry {
        handle,
        name: name.into(),
        hash,
        algorithm,
        is_default: true,
        is_active: true,
    };
    vec![
        entry(1, "Simulated Root CA 1", random.bytes::<32>().into(), HashAlgorithm::Sha256),
        entry(2, "Simulated Root CA 2", random.bytes::<32>().into(), HashAlgorithm::Sha256),
        entry(3, "Simulated Root CA 3", random.bytes::<48>().into(), HashAlgorithm::Sha384),
    ]
}

fn default_certificate() -> Certificate {
    Certificate {
        handle: 0,
        subject: "C=US,O=amt-sim,CN=Simulated MPS Root CA".into(),
        der: include_bytes!("device/certificate.der").into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(control_mode: ControlMode) -> Device {
        Device::new(DeviceConfig { control_mode, ..DeviceConfig::default() }, Instant::now())
    }

    #[test]
    fn equal_configurations_make_equal_devices_and_seeds_tell_them_apart() {
        let make = |seed| Device::new(DeviceConfig { seed, ..DeviceConfig::default() }, Instant::now());
        let (one, same, other) = (make(1), make(1), make(2));
        assert_eq!(one.realm(), same.realm());
        assert_eq!(one.local_system_account(), same.local_system_account());
        assert_ne!(one.realm(), other.realm());
        let digits = one.realm().strip_prefix("Digest:").expect("the prefix");
        assert!(digits.len() == 32 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F')));
    }

    #[test]
    fn uuid_is_shown_with_its_first_groups_turned_round() {
        assert_eq!(device(ControlMode::None).uuid_text(), "13aee355-d2bf-bb61-17a0-88aedd70375a");
    }

    #[test]
    fn admin_control_mode_is_not_left_by_the_local_command() {
        let now = Instant::now();
        let mut admin = device(ControlMode::Admin);
        assert_eq!(admin.unprovision_locally(now), Err(StateError::AdminControl));
        assert_eq!(admin.unprovision(now), Ok(()));
        let mut client = device(ControlMode::Client);
        let nonce = *client.configuration_nonce();
        assert_eq!(client.unprovision_locally(now), Ok(()));
        assert_eq!(client.provisioning_state(), ProvisioningState::Pre);
        assert_ne!(*client.configuration_nonce(), nonce);
        assert_eq!(client.unprovision_locally(now), Err(StateError::NotActivated));
    }

    #[test]
    fn activation_is_refused_where_it_has_happened() {
        let now = Instant::now();
        let mut device = device(ControlMode::None);
        let admin = Ha1::new(ADMIN_USER, device.realm(), &Password::new("x"));
        assert_eq!(device.activate_client(admin.clone(), now), Ok(()));
        assert_eq!(device.activate_client(admin, now), Err(StateError::AlreadyActivated));
        assert_eq!(device.provisioning_state(), ProvisioningState::Post);
    }
}
