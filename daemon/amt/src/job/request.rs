//! What a user can ask for. Secrets in a request are wiped when it is dropped and are never shown; what else is in it
//! is its [`Target`], which may be written down.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Secret;

/// What is to be done, with the secrets that it takes. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub enum Request {
    /// Client control mode.
    ActivateCcm {
        /// The password of AMT's `admin`, now and afterwards.
        password: Secret,
    },
    /// Admin control mode, from no control mode or as an upgrade from client control mode.
    ActivateAcm {
        /// The password of AMT's `admin`. An upgrade does not change it.
        password: Secret,
        /// PKCS#12 with the provisioning certificate, its chain and its key, as binary or as base64 text.
        provisioning_cert: SecretBytes,
        /// Opens it.
        provisioning_cert_password: Secret,
        /// The password of the MEBx menu; without it that password is left alone.
        mebx_password: Option<Secret>,
        /// The DNS suffix for which the certificate is meant; without it only firmware's own is compared.
        dns_suffix: Option<String>,
    },
    /// Back to no control mode.
    Deactivate {
        /// The password of AMT's `admin`; needed in admin control mode only.
        password: Option<Secret>,
        /// Keeps the admin account and the network settings; possible in admin control mode only.
        partial: bool,
    },
    /// Redirection, KVM and user consent.
    SetFeatures {
        /// The password of AMT's `admin`.
        password: Secret,
        /// What is wanted.
        features: Features,
    },
    /// Sets the clock of AMT to that of this machine.
    SyncClock {
        /// The password of AMT's `admin`.
        password: Secret,
    },
    /// Gives AMT the name of this machine.
    SyncHostname {
        /// The password of AMT's `admin`.
        password: Secret,
        /// The first label of the name, at most 63 bytes.
        host_name: String,
        /// The rest of it, at most 191 bytes; may be empty. Without it AMT keeps the domain that it has.
        domain_name: Option<String>,
    },
    /// Another password for AMT's `admin`.
    ChangePassword {
        /// The one in force.
        password: Secret,
        /// The one to come.
        new_password: Secret,
    },
    /// Another password for the MEBx menu; possible in admin control mode only.
    SetMebxPassword {
        /// The password of AMT's `admin`.
        password: Secret,
        /// The password to come.
        mebx_password: Secret,
    },
    /// One WSMAN operation.
    Wsman(WsmanCall),
}

impl Request {
    /// Which kind of job this is.
    pub fn kind(&self) -> Kind {
        self.target().kind()
    }

    /// Whether the device may be another afterwards. Jobs that change it run one at a time.
    pub fn changes_device(&self) -> bool {
        match self {
            Self::Wsman(call) => call.operation.changes_device(),
            _ => true,
        }
    }

    /// What is wanted, without the secrets.
    pub fn target(&self) -> Target {
        match self {
            Self::ActivateCcm { .. } => Target::ActivateCcm,
            Self::ActivateAcm { mebx_password, dns_suffix, .. } => {
                Target::ActivateAcm { mebx_password: mebx_password.is_some(), dns_suffix: dns_suffix.clone() }
            }
            Self::Deactivate { partial, .. } => Target::Deactivate { partial: *partial },
            Self::SetFeatures { features, .. } => Target::SetFeatures(*features),
            Self::SyncClock { .. } => Target::SyncClock,
            Self::SyncHostname { host_name, domain_name, .. } => {
                Target::SyncHostname { host_name: host_name.clone(), domain_name: domain_name.clone() }
            }
            Self::ChangePassword { .. } => Target::ChangePassword,
            Self::SetMebxPassword { .. } => Target::SetMebxPassword,
            Self::Wsman(call) => Target::Wsman {
                resource: call.resource.clone(),
                selectors: call.selectors.clone(),
                operation: call.operation.word().to_owned(),
                changes_device: call.operation.changes_device(),
            },
        }
    }
}

/// What a request wants, without its secrets: for the journal, for comparing two requests, and for finding out after a
/// crash whether it was reached. It does not tell whether two requests have the same passwords, and no password can be
/// found out from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Client control mode.
    ActivateCcm,
    /// Admin control mode.
    ActivateAcm {
        /// Whether a password for the MEBx menu was given.
        mebx_password: bool,
        /// The DNS suffix that was given.
        dns_suffix: Option<String>,
    },
    /// No control mode.
    Deactivate {
        /// Whether the admin account and the network settings are to be kept.
        partial: bool,
    },
    /// These features.
    SetFeatures(Features),
    /// The clock of this machine.
    SyncClock,
    /// This name.
    SyncHostname {
        /// The first label of the name.
        host_name: String,
        /// The rest of it, unless AMT is to keep its own.
        domain_name: Option<String>,
    },
    /// Another password for `admin`.
    ChangePassword,
    /// Another password for the MEBx menu.
    SetMebxPassword,
    /// One WSMAN operation. Its body is not here: it may hold secrets.
    Wsman {
        /// The class name or resource URI.
        resource: String,
        /// Which instance.
        selectors: Vec<(String, String)>,
        /// The operation, or the method that is invoked.
        operation: String,
        /// Whether it may change the device.
        changes_device: bool,
    },
}

impl Target {
    /// Which kind of job wants this.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::ActivateCcm => Kind::ActivateCcm,
            Self::ActivateAcm { .. } => Kind::ActivateAcm,
            Self::Deactivate { .. } => Kind::Deactivate,
            Self::SetFeatures(_) => Kind::SetFeatures,
            Self::SyncClock => Kind::SyncClock,
            Self::SyncHostname { .. } => Kind::SyncHostname,
            Self::ChangePassword => Kind::ChangePassword,
            Self::SetMebxPassword => Kind::SetMebxPassword,
            Self::Wsman { .. } => Kind::Wsman,
        }
    }
}

/// The kinds of jobs. Each has a stable word, which is also how it is serialized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// [`Request::ActivateCcm`].
    ActivateCcm,
    /// [`Request::ActivateAcm`].
    ActivateAcm,
    /// [`Request::Deactivate`].
    Deactivate,
    /// [`Request::SetFeatures`].
    SetFeatures,
    /// [`Request::SyncClock`].
    SyncClock,
    /// [`Request::SyncHostname`].
    SyncHostname,
    /// [`Request::ChangePassword`].
    ChangePassword,
    /// [`Request::SetMebxPassword`].
    SetMebxPassword,
    /// [`Request::Wsman`].
    Wsman,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::ActivateCcm,
        Self::ActivateAcm,
        Self::Deactivate,
        Self::SetFeatures,
        Self::SyncClock,
        Self::SyncHostname,
        Self::ChangePassword,
        Self::SetMebxPassword,
        Self::Wsman,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ActivateCcm => "activate-ccm",
            Self::ActivateAcm => "activate-acm",
            Self::Deactivate => "deactivate",
            Self::SetFeatures => "set-features",
            Self::SyncClock => "sync-clock",
            Self::SyncHostname => "sync-hostname",
            Self::ChangePassword => "change-password",
            Self::SetMebxPassword => "set-mebx-password",
            Self::Wsman => "wsman",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = ParseKindError;

    fn from_str(word: &str) -> Result<Self, ParseKindError> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word).ok_or(ParseKindError)
    }
}

/// The word names no kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a kind of job")]
pub struct ParseKindError;

/// What is wanted of redirection, KVM and user consent; what is absent stays as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Features {
    /// Keyboard, video and mouse over the network.
    pub kvm: Option<bool>,
    /// Serial over LAN.
    pub sol: Option<bool>,
    /// Drives over the network.
    pub ider: Option<bool>,
    /// Whom the user must let in by a code on the screen.
    pub user_consent: Option<UserConsent>,
}

/// For what the user at the machine is asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UserConsent {
    /// For nothing.
    None,
    /// For KVM only.
    Kvm,
    /// For all of redirection. Client control mode allows nothing else.
    All,
}

/// One WSMAN operation, as the user wrote it.
#[derive(Debug, Clone)]
pub struct WsmanCall {
    /// The account; `admin` if it is empty.
    pub user: String,
    /// Its password. Empty with the user `$$OsAdmin`: firmware is asked for that of its local system account.
    pub password: Secret,
    /// A class name (`AMT_GeneralSettings`) or a resource URI.
    pub resource: String,
    /// Which instance.
    pub selectors: Vec<(String, String)>,
    /// What to do with it.
    pub operation: WsmanOperation,
}

/// A WSMAN operation. `Debug` does not show bodies: they may hold secrets.
#[derive(Clone)]
pub enum WsmanOperation {
    /// Read one instance.
    Get,
    /// Read all instances.
    Enumerate,
    /// Call a method.
    Invoke {
        /// Its name.
        method: String,
        /// Its input: an XML element or a JSON object. Empty: none.
        body: Zeroizing<String>,
    },
    /// Replace an instance.
    Put {
        /// The instance: an XML element or a JSON object.
        body: Zeroizing<String>,
    },
    /// Remove an instance.
    Delete,
    /// Ask what answers there.
    Identify,
}

impl WsmanOperation {
    /// Whether the device may be another afterwards. Of a method nobody knows.
    pub const fn changes_device(&self) -> bool {
        matches!(self, Self::Invoke { .. } | Self::Put { .. } | Self::Delete)
    }

    /// What is done, in one word.
    pub fn word(&self) -> &str {
        match self {
            Self::Get => "get",
            Self::Enumerate => "enumerate",
            Self::Invoke { method, .. } => method,
            Self::Put { .. } => "put",
            Self::Delete => "delete",
            Self::Identify => "identify",
        }
    }
}

impl fmt::Debug for WsmanOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WsmanOperation").field(&self.word()).finish_non_exhaustive()
    }
}

/// Bytes that must not be seen; wiped when dropped.
#[derive(Clone)]
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes over the only copy of the bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves. Whoever copies them must wipe the copy.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(redacted)")
    }
}
