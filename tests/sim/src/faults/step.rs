//! The script language: what a fault file and the control socket can ask for. Documented for users in the package's README.
//!
//! A step is an object with the key `do`, the parameters of that action, and optionally `when`. Parsed here, carried out by `world`.

use serde::{Deserialize, Deserializer};

use crate::mei::ClientKind;
use crate::tls::Flaw;

/// One step of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What to do.
    pub action: Action,
    /// When; `None` = at once, or as soon as a session is ready if the action needs one and comes from a file.
    pub when: Option<When>,
}

/// When a step is carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// As soon as a port forwarding session is ready: the forwards were answered.
    Ready,
    /// After so many port forwarding messages from the host, counted from when the step was given.
    Messages(u64),
    /// After so many WSMAN requests with a login were executed, before the answer to the last of them leaves.
    Requests(u64),
    /// After so many AMTHI commands were executed, before the answer to the last of them leaves.
    Commands(u64),
    /// After so many commands about manageability, which switch AMT on or ask whether it is, before the answer to the last of
    /// them leaves.
    Manageability(u64),
    /// After so many milliseconds.
    Ms(u64),
}

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // `when` is taken out first: serde cannot both flatten an enum and refuse unknown keys.
        let mut object = serde_json::Map::deserialize(deserializer)?;
        let when =
            object.remove("when").map(When::deserialize).transpose().map_err(serde::de::Error::custom)?;
        let action =
            Action::deserialize(serde_json::Value::Object(object)).map_err(serde::de::Error::custom)?;
        Ok(Self { action, when })
    }
}

/// Where firmware falls silent in the start of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// It never sends its version.
    Version,
    /// It never asks for a service.
    Service,
    /// It never asks for a forward.
    Forwards,
}

/// One action. Durations are in milliseconds; a duration left out means "until undone".
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "kebab-case", deny_unknown_fields)]
#[allow(
    missing_docs,
    reason = "the README describes each action with its parameters; a second copy here would drift"
)]
pub enum Action {
    // The device node.
    RefuseConnects {
        client: ClientKind,
        #[serde(default = "ebusy")]
        errno: i32,
        #[serde(default = "one")]
        count: u32,
    },
    SilentConnects {
        client: ClientKind,
        #[serde(default = "one")]
        count: u32,
    },
    GarbageConnects {
        client: ClientKind,
        hex: Hex,
        #[serde(default = "one")]
        count: u32,
    },
    ClientMissing {
        client: ClientKind,
        ms: Option<u64>,
    },
    ClientPresent {
        client: ClientKind,
    },
    DisconnectClient {
        client: ClientKind,
    },
    LinkReset,
    Suspend {
        ms: Option<u64>,
    },
    Resume,
    Linger {
        ms: u64,
    },
    StopReading {
        ms: Option<u64>,
    },
    ResumeReading,
    StopWriting {
        ms: Option<u64>,
    },
    ResumeWriting,

    // The start of a session.
    SilentSession {
        stage: Stage,
        #[serde(default = "one")]
        count: u32,
    },
    SessionVersion {
        major: u32,
        minor: u32,
        #[serde(default = "one")]
        count: u32,
    },
    AuthFirst {
        #[serde(default = "one")]
        count: u32,
    },

    // Channel opens.
    SilentOpens {
        #[serde(default = "one")]
        count: u32,
    },
    RefuseOpens {
        reason: u32,
        #[serde(default = "one")]
        count: u32,
    },
    DelayOpens {
        ms: u64,
        #[serde(default = "one")]
        count: u32,
    },
    ConfirmTwice {
        #[serde(default)]
        other_id: bool,
        #[serde(default = "one")]
        count: u32,
    },
    ConfirmAfterFailure {
        #[serde(default = "one")]
        count: u32,
    },
    ConfirmWithUsedId {
        #[serde(default = "one")]
        count: u32,
    },
    ZeroWindow {
        adjust: u32,
        #[serde(default = "one")]
        count: u32,
    },
    HugeWindow {
        #[serde(default = "one")]
        count: u32,
    },

    // Open channels and responses.
    CloseMidResponse {
        bytes: usize,
        #[serde(default = "one")]
        count: u32,
    },
    DataAfterClose {
        bytes: usize,
        #[serde(default = "one")]
        count: u32,
    },
    DataBeyondWindow {
        bytes: usize,
        #[serde(default = "one")]
        count: u32,
    },
    EmptyData {
        #[serde(default = "one")]
        count: u32,
    },
    IgnoreCloses {
        #[serde(default = "one")]
        count: u32,
    },
    FlawedIdentities {
        flaw: Flaw,
        #[serde(default = "one")]
        count: u32,
    },
    StallHandshakes {
        #[serde(default = "one")]
        count: u32,
    },
    AbruptTlsEnds {
        #[serde(default = "one")]
        count: u32,
    },
    GarbageRecords {
        bytes: usize,
        #[serde(default = "one")]
        count: u32,
    },
    CloseChannels,
    StrayClose {
        channel: u32,
    },

    // Raw messages.
    Send {
        hex: Hex,
    },
    SendEmpty,
    Truncated {
        #[serde(rename = "type")]
        message_type: u8,
        length: usize,
    },
    Oversized {
        #[serde(rename = "type")]
        message_type: u8,
    },
    Padded {
        #[serde(rename = "type")]
        message_type: u8,
        extra: usize,
    },

    // Session-wide requests of firmware.
    Restart,
    Disconnect {
        reason: u32,
    },
    Forward {
        port: u32,
        address: Option<String>,
    },
    Cancel {
        port: u32,
        address: Option<String>,
    },
    Reannounce {
        port: u32,
    },
    Doze {
        port: u32,
    },
    GlobalRequest {
        name: String,
        want_reply: bool,
    },
    Alert {
        #[serde(default)]
        chunk: usize,
        #[serde(default = "alert_id")]
        id: String,
        #[serde(default)]
        argument: String,
    },
    Direct {
        host: String,
        port: u32,
        #[serde(default)]
        data: String,
    },
    OpenChannel {
        #[serde(rename = "type")]
        channel_type: String,
    },
    Udp {
        host: String,
        port: u32,
        data: String,
    },
    Keepalive {
        cookie: u32,
    },
    KeepaliveOptions {
        interval: u32,
        timeout: u32,
    },

    // Engine, link, AMTHI.
    StallEngine {
        ms: Option<u64>,
    },
    ReleaseEngine,
    ForgetRequests,
    LinkRate {
        bytes_per_second: u64,
    },
    AmthiEmpty {
        #[serde(default = "one")]
        count: u32,
    },
    AmthiSilent {
        #[serde(default = "one")]
        count: u32,
    },
    AmthiLoseAnswers {
        #[serde(default = "one")]
        count: u32,
    },
    AmthiStatus {
        command: u32,
        status: u32,
        #[serde(default = "one")]
        count: u32,
    },

    ManageabilitySilent {
        #[serde(default = "one")]
        count: u32,
    },
    ManageabilityLoseAnswers {
        #[serde(default = "one")]
        count: u32,
    },

    // Provisioning and the web services.
    MethodReturns {
        method: String,
        value: u32,
        #[serde(default)]
        executed: bool,
        #[serde(default = "one")]
        count: u32,
    },
    LoseAnswers {
        method: String,
        #[serde(default = "one")]
        count: u32,
    },
    RefuseLogins {
        #[serde(default = "one")]
        count: u32,
    },
    BlockUnprovision {
        component: String,
    },
    AllowUnprovision,
    NewLocalPassword,
    FirmwareReset {
        #[serde(default)]
        ms: u64,
    },
    Settle {
        ms: u64,
        #[serde(default)]
        reset: bool,
    },

    // Questions and service.
    Clear,
    Stats,
    ResetStats,
    Violations,
    State,
    Quit,
}

impl Action {
    /// Whether the action is done to a port forwarding session, so that there must be one.
    #[must_use]
    pub fn needs_session(&self) -> bool {
        matches!(
            self,
            Self::CloseChannels
                | Self::StrayClose { .. }
                | Self::Send { .. }
                | Self::SendEmpty
                | Self::Truncated { .. }
                | Self::Oversized { .. }
                | Self::Padded { .. }
                | Self::Restart
                | Self::Disconnect { .. }
                | Self::Forward { .. }
                | Self::Cancel { .. }
                | Self::Reannounce { .. }
                | Self::Doze { .. }
                | Self::GlobalRequest { .. }
                | Self::Alert { .. }
                | Self::Direct { .. }
                | Self::OpenChannel { .. }
                | Self::Udp { .. }
                | Self::Keepalive { .. }
                | Self::KeepaliveOptions { .. }
        )
    }
}

/// Bytes, written as hexadecimal digits; spaces between them are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Hex(pub Vec<u8>);

/// Text that is not hexadecimal bytes.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not an even number of hexadecimal digits")]
pub struct HexError(String);

impl TryFrom<String> for Hex {
    type Error = HexError;

    fn try_from(text: String) -> Result<Self, HexError> {
        let digits: Option<Vec<u8>> =
            text.chars().filter(|c| *c != ' ').map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
        match digits {
            Some(digits) if digits.len().is_multiple_of(2) => {
                Ok(Self(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()))
            }
            _ => Err(HexError(text)),
        }
    }
}

fn one() -> u32 {
    1
}

fn ebusy() -> i32 {
    super::EBUSY
}

/// "The network link is up" (apf 5.1).
fn alert_id() -> String {
    "iAMT0057".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Step, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn step_with_a_trigger_is_read() {
        let step = parse(r#"{"do":"refuse-opens","reason":4,"when":{"messages":7}}"#).unwrap();
        assert_eq!(step.action, Action::RefuseOpens { reason: 4, count: 1 });
        assert_eq!(step.when, Some(When::Messages(7)));
        assert_eq!(parse(r#"{"do":"restart","when":"ready"}"#).unwrap().when, Some(When::Ready));
    }

    #[test]
    fn misspelt_parameter_is_refused() {
        assert!(parse(r#"{"do":"refuse-opens","reson":4}"#).unwrap_err().to_string().contains("reson"));
        assert!(parse(r#"{"do":"explode"}"#).unwrap_err().to_string().contains("explode"));
        assert!(parse(r#"{"do":"send","hex":"5"}"#).unwrap_err().to_string().contains("hexadecimal"));
        assert!(parse(r#"{"do":"link-reset","when":"sometime"}"#).is_err());
    }

    #[test]
    fn hex_ignores_spaces() {
        assert_eq!(Hex::try_from("5e 00 FF".to_owned()).unwrap().0, [0x5e, 0, 0xff]);
    }
}
