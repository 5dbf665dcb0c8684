//! What a job will do, before it does it: steps, warnings, and what the device is and will be. Made by the flows.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{Kind, device::DeviceState};

/// What will happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The kind of job.
    pub kind: Kind,
    /// What the device is now, in words: `not activated, TLS not enforced`.
    pub before: String,
    /// What it will be.
    pub after: String,
    /// The steps, in order. Empty if nothing needs to be done.
    pub steps: Vec<PlannedStep>,
    /// What cannot be undone, what could lock the user out, what will be skipped and why. One sentence or two each.
    pub warnings: Vec<String>,
    /// Nothing needs to be done.
    pub unchanged: bool,
    /// The state for which the plan was made. A run that finds another does nothing.
    pub state: DeviceState,
    /// Of a job that sets the clock: how far AMT's is ahead of that of this machine now, in seconds.
    #[serde(default)]
    pub clock_ahead: Option<i64>,
}

/// Plans are made step by step by the flows.
impl Plan {
    /// A plan without steps: nothing needs to be done.
    pub(super) fn nothing(kind: Kind, state: DeviceState) -> Self {
        let words = state.to_string();
        Self {
            kind,
            before: words.clone(),
            after: words,
            steps: Vec::new(),
            warnings: Vec::new(),
            unchanged: true,
            state,
            clock_ahead: None,
        }
    }

    /// A plan that leads to a device like this; its steps follow.
    pub(super) fn leading_to(kind: Kind, state: DeviceState, after: impl Into<String>) -> Self {
        Self { after: after.into(), unchanged: false, ..Self::nothing(kind, state) }
    }

    /// The same with one more step.
    #[must_use]
    pub(super) fn step(mut self, name: StepName, description: impl Into<String>) -> Self {
        let changes_device = !name.only_reads();
        self.steps.push(PlannedStep { name, description: description.into(), changes_device });
        self
    }

    /// The same with one more warning.
    #[must_use]
    pub(super) fn warn(mut self, warning: impl Into<String>) -> Self {
        self.warnings.push(warning.into());
        self
    }
}

impl Plan {
    /// The names of the steps.
    pub fn step_names(&self) -> Vec<StepName> {
        self.steps.iter().map(|step| step.name).collect()
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Which one.
    pub name: StepName,
    /// One sentence for people.
    pub description: String,
    /// Whether the device may be another afterwards. Until the first of these a job can be cancelled without a trace.
    pub changes_device: bool,
}

/// The steps that jobs are made of. Each has a stable word, which is also how it is serialized.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepName {
    /// Switches AMT on.
    EnableAmt,
    /// Logs in as `admin`, which shows that the password is right, and reads what the next steps need.
    Login,
    /// Reads realm and nonce with the local system account.
    ReadSetupService,
    /// Client control mode.
    Setup,
    /// Sends the provisioning certificate and its chain.
    SendChain,
    /// Admin control mode.
    AdminSetup,
    /// Admin control mode from client control mode.
    Upgrade,
    /// Puts in force what was set up.
    CommitChanges,
    /// Takes back what was set up, because it could not be finished. Not planned.
    Undo,
    /// Removes the control mode and all settings.
    Unprovision,
    /// Removes the control mode and keeps the account and the network settings.
    PartialUnprovision,
    /// Ends a configuration that was begun.
    StopConfiguration,
    /// Reads the control mode until it is as wanted.
    Verify,
    /// Serial over LAN, drives over the network.
    SetRedirection,
    /// Keyboard, video and mouse.
    SetKvm,
    /// The listener of redirection.
    SetListener,
    /// User consent.
    SetConsent,
    /// The clock.
    SetClock,
    /// The name.
    SetHostname,
    /// The password of `admin`.
    ChangePassword,
    /// The password of MEBx.
    SetMebxPassword,
    /// The user's WSMAN operation.
    Call,
}

impl StepName {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::EnableAmt,
        Self::Login,
        Self::ReadSetupService,
        Self::Setup,
        Self::SendChain,
        Self::AdminSetup,
        Self::Upgrade,
        Self::CommitChanges,
        Self::Undo,
        Self::Unprovision,
        Self::PartialUnprovision,
        Self::StopConfiguration,
        Self::Verify,
        Self::SetRedirection,
        Self::SetKvm,
        Self::SetListener,
        Self::SetConsent,
        Self::SetClock,
        Self::SetHostname,
        Self::ChangePassword,
        Self::SetMebxPassword,
        Self::Call,
    ];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EnableAmt => "enable-amt",
            Self::Login => "login",
            Self::ReadSetupService => "read-setup-service",
            Self::Setup => "setup",
            Self::SendChain => "send-chain",
            Self::AdminSetup => "admin-setup",
            Self::Upgrade => "upgrade",
            Self::CommitChanges => "commit-changes",
            Self::Undo => "undo",
            Self::Unprovision => "unprovision",
            Self::PartialUnprovision => "partial-unprovision",
            Self::StopConfiguration => "stop-configuration",
            Self::Verify => "verify",
            Self::SetRedirection => "set-redirection",
            Self::SetKvm => "set-kvm",
            Self::SetListener => "set-listener",
            Self::SetConsent => "set-consent",
            Self::SetClock => "set-clock",
            Self::SetHostname => "set-hostname",
            Self::ChangePassword => "change-password",
            Self::SetMebxPassword => "set-mebx-password",
            Self::Call => "call",
        }
    }

    /// Whether the step reads only. What a raw call does is not known here.
    pub const fn only_reads(self) -> bool {
        matches!(self, Self::Login | Self::ReadSetupService | Self::Verify)
    }

    /// Whether firmware shows afterwards, without a secret, what came of the step. Of passwords it does not, and what a raw
    /// call does is not known here.
    pub const fn is_read_back(self) -> bool {
        !matches!(self, Self::ChangePassword | Self::SetMebxPassword | Self::Call)
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StepName {
    type Err = ParseStepNameError;

    fn from_str(word: &str) -> Result<Self, ParseStepNameError> {
        Self::ALL.into_iter().find(|name| name.as_str() == word).ok_or(ParseStepNameError)
    }
}

/// The word names no step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a step of a job")]
pub struct ParseStepNameError;
