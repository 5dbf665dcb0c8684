//! State of the simulated device, shared by everything that shows it: AMTHI, WSMAN and the web page.
//!
//! A plain struct without IO, tasks or a clock: time is an argument. It is made from a [`DeviceConfig`] and a seed, and
//! equal configurations make equal devices. The engine (single-threaded) owns it and lends it to one request at a time.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use self::accounts::{
    ADMIN_USER, Access, Accounts, Admin, Ha1, Identity, LOCAL_SYSTEM_USER, Password, Realms, Role,
};
use self::features::Features;
use self::message_log::{EventRecord, MessageLog};
use self::network::{HashAlgorithm, HashEntry, Network};
use self::power::Power;
use self::presence::AgentPresence;
use self::provisioning::Provisioning;
pub use self::provisioning::{ProvisioningState, StateError};
use self::random::Random;
pub(crate) use self::saved::Saved;
use self::settings::Settings;
use crate::config::TlsConfig;
use crate::faults::MethodFaults;
use crate::tls::{Security, Store};
use crate::web::ServerState;
use crate::web::digest::{Claim, Denied, LoginPolicy};

pub mod accounts;
pub(crate) mod chain;
pub(crate) mod features;
pub mod message_log;
pub mod network;
pub mod power;
pub mod presence;
pub(crate) mod provisioning;
pub(crate) mod random;
mod saved;
pub(crate) mod settings;

/// Who owns the device's configuration (`CurrentControlMode`; AMTHI 0x6B).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ControlMode {
    /// Not activated.
    None = 0,
    /// Client control mode (CCM).
    Client = 1,
    /// Admin control mode (ACM).
    Admin = 2,
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
    /// The first number of AMT's version; 0 if it is none.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.amt.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0)
    }

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
    /// Control mode at start; anything but `None` also means provisioning state `Post`, unless `in_provisioning` is set.
    pub control_mode: ControlMode,
    /// Whether the device starts half-way: after `Setup` and before its commit in client control mode, with a remote configuration
    /// under way before activation. In admin control mode there is no such state, and this changes nothing.
    pub in_provisioning: bool,
    /// Whether AMT is switched on.
    pub enabled: bool,
    /// Whether the device can be provisioned without anybody at it (EHBC, AMTHI 0x84).
    pub ehbc: bool,
    /// Whether the hash of the device's own certificate (AMTHI 0x8B) is hex digits, as on some firmware, instead of bytes.
    pub hash_as_text: bool,
    /// Certificates (DER) whose hashes are in the table of trusted roots, as if they had come with the firmware.
    pub trusted_roots: Vec<Vec<u8>>,
    /// How long an unprovisioning takes after it was answered; `None` = as the time profile has it.
    pub unprovision_time: Option<Duration>,
    /// The administrator's password while the device is activated from the start.
    pub admin_password: Password,
    /// Entries of the access control list (name, password) with every realm; only while activated.
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
    /// TLS on the secure ports.
    pub tls: TlsConfig,
}

impl Default for DeviceConfig {
    fn default() -> Self {
        Self {
            control_mode: ControlMode::Client,
            in_provisioning: false,
            enabled: true,
            ehbc: false,
            hash_as_text: false,
            trusted_roots: Vec::new(),
            unprovision_time: None,
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
            tls: TlsConfig::default(),
        }
    }
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
    /// Event log.
    pub log: MessageLog,
    /// Power state of the host, and what was asked of it.
    pub power: Power,
    /// Agent presence watchdogs.
    pub presence: AgentPresence,
    /// Settings that WSMAN's Put changes and nothing else uses.
    pub(crate) settings: Settings,
    /// What WSMAN configures besides.
    pub(crate) features: Features,
    /// Keys, certificates and TLS settings.
    pub(crate) security: Security,
    /// The web server's own state: nonces, failed logins, enumeration contexts.
    pub(crate) web: ServerState,
    /// Methods that scripts make go wrong.
    pub(crate) method_faults: MethodFaults,
    /// Whether the device can be provisioned without anybody at it.
    pub(crate) ehbc: bool,
    /// Whether the hash of the device's own certificate is given as text.
    pub(crate) hash_as_text: bool,
    realm: String,
    accounts: Accounts,
    provisioning: Provisioning,
    /// Names and interfaces as they were at first.
    factory_network: Network,
    random: Random,
    /// Device clock at `started`, seconds since 1970, corrected by time synchronisation.
    clock: i64,
    /// Sum of the corrections, kept over a restart.
    clock_correction: i64,
    clock_is_set: bool,
    started: Instant,
}

impl Device {
    /// A device that starts at `now`.
    #[must_use]
    pub fn new(config: DeviceConfig, now: Instant) -> Self {
        let mut random = Random::new(config.seed);
        let realm = new_realm(&mut random);
        let local_password = new_local_password(&mut random);
        let hashes = known_hashes(&mut random, &config.trusted_roots);
        let web = ServerState::new(config.login.clone(), random.next_u64());
        let delay = config.unprovision_time.unwrap_or_default();
        let mut device = Self {
            uuid: config.uuid,
            versions: config.versions.clone(),
            factory_network: config.network.clone(),
            network: config.network.clone(),
            hashes,
            log: MessageLog::default(),
            power: Power::default(),
            presence: AgentPresence::default(),
            settings: Settings::default(),
            features: Features::default(),
            security: Security::new(config.tls, Store::default()),
            web,
            method_faults: MethodFaults::default(),
            ehbc: config.ehbc,
            hash_as_text: config.hash_as_text,
            accounts: Accounts::new(&realm, local_password),
            realm,
            provisioning: Provisioning::new(config.control_mode, delay, &mut random),
            random,
            clock: config.unix_time.cast_signed(),
            clock_correction: 0,
            clock_is_set: false,
            started: now,
        };
        device.begin(&config);
        device.log_start(now);
        device
    }

    /// Brings a new device into the state that it starts in.
    fn begin(&mut self, config: &DeviceConfig) {
        self.provisioning.start(config.in_provisioning, config.enabled);
        if config.control_mode == ControlMode::None {
            return;
        }
        let ha1 = |name: &str, password| Ha1::new(name, &self.realm, password);
        self.accounts.set_admin(Some(Admin::new(ha1(ADMIN_USER, &config.admin_password))));
        for (name, password) in &config.users {
            let identity = Identity::Digest { name: name.clone(), ha1: ha1(name, password) };
            // An entry that the list refuses could not log in either.
            let _ = self.accounts.add_user(identity, Access::Both, Realms::ALL);
        }
    }

    /// Lets time pass: watchdogs whose time is over expire, an unprovisioning ends.
    pub fn tick(&mut self, now: Instant) {
        self.presence.tick(now);
        self.finish_leaving(now);
    }

    /// When [`Self::tick`] has something to do next, if ever. Calling it late loses nothing: every request calls it first.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        [self.presence.next_deadline(), self.provisioning.deadline()].into_iter().flatten().min()
    }

    /// Changes the host's power state; watchdogs are suspended while the host does not run.
    pub fn set_power_state(&mut self, requested: u32, now: Instant) {
        self.power.request(requested);
        self.presence.set_host_running(self.power.is_running(), now);
    }

    /// Moves the device's clock by `seconds`.
    pub(crate) fn adjust_clock(&mut self, seconds: i64) {
        self.clock = self.clock.saturating_add(seconds);
        self.clock_correction = self.clock_correction.saturating_add(seconds);
        self.clock_is_set = true;
    }

    /// Control mode.
    #[must_use]
    pub fn control_mode(&self) -> ControlMode {
        self.provisioning.mode
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

    /// Names and interfaces as they were at first: what a Put leaves out falls back to them.
    pub(crate) fn factory_network(&self) -> &Network {
        &self.factory_network
    }

    /// Whether anybody has ever set the device's clock.
    pub(crate) fn clock_is_set(&self) -> bool {
        self.clock_is_set
    }

    /// Every account.
    pub(crate) fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The access control list, to be changed: logins that are remembered do not count any more.
    pub(crate) fn accounts_mut(&mut self) -> &mut Accounts {
        self.web.forget_logins();
        &mut self.accounts
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
        let activated = self.provisioning.mode != ControlMode::None;
        self.web.logins.check(claim, &self.realm, |user| self.accounts.find(user, activated), now)
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

fn new_realm(random: &mut Random) -> String {
    format!("Digest:{:016X}{:016X}", random.next_u64(), random.next_u64())
}

fn new_local_password(random: &mut Random) -> Password {
    Password::new(random.text(32))
}

/// The table of trusted roots: three that nobody has the keys of, then the configured ones.
fn known_hashes(random: &mut Random, roots: &[Vec<u8>]) -> Vec<HashEntry> {
    let entry = |handle, name: String, hash: Vec<u8>, algorithm| HashEntry {
        handle,
        name,
        hash,
        algorithm,
        is_default: true,
        is_active: true,
    };
    let mut hashes = vec![
        entry(1, "Simulated Root CA 1".into(), random.bytes::<32>().into(), HashAlgorithm::Sha256),
        entry(2, "Simulated Root CA 2".into(), random.bytes::<32>().into(), HashAlgorithm::Sha256),
        entry(3, "Simulated Root CA 3".into(), random.bytes::<48>().into(), HashAlgorithm::Sha384),
    ];
    for (der, handle) in roots.iter().zip(4..) {
        let hash = chain::hash(HashAlgorithm::Sha256, der);
        hashes.push(entry(handle, format!("Configured Root CA {}", handle - 3), hash, HashAlgorithm::Sha256));
    }
    hashes
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
        assert_eq!(device.setup(admin.clone(), now), Ok(()));
        assert_eq!(device.setup(admin, now), Err(provisioning::SetupError::InvalidState));
        assert_eq!(device.provisioning_state(), ProvisioningState::Post);
    }
}
