//! `[control]`: the control API over gRPC, and who may do what with it.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    Period,
    section::{Problem, hours, milliseconds, minutes, seconds, section},
};

section! {
    /// The control API (gRPC) on `amtd.sock` in the runtime directory. Every local user may ask for status and health;
    /// the groups below say who may do more. The kernel says who a caller is; there is no password.
    struct Control {
        /// Members of this group may also see events, jobs, channels, diagnostics and the configuration.
        operator_group: String = "amt".into();
        /// Members of this group may also change the device and close channels, as root may.
        admin_group: String = "amt-admin".into();
        /// Permissions of the socket, in octal. Narrower ones also keep everybody else from asking for status.
        socket_mode: SocketMode = SocketMode(0o666);
        /// Connections at once. Further ones may only ask about health. Root is not counted.
        max_connections: usize = 128, allowed 1..=4096;
        /// Connections of one user at once. Further ones may only ask about health.
        max_connections_per_user: usize = 32, allowed 1..=4096;
        /// Calls at once, streams included. Further ones are refused, with a time after which to try again.
        max_calls: usize = 256, allowed 1..=65_536;
        /// Calls of one user at once. Further ones are refused in the same way.
        max_calls_per_user: usize = 64, allowed 1..=65_536;
        /// Largest message of a caller, in bytes. The largest that is needed holds a provisioning certificate with its chain.
        max_message: usize = 1 << 20, allowed 4096..=1 << 24;
        /// How long a call may take that sets no limit itself. Checking and planning a job takes longest (`jobs.plan_limit`).
        /// Streams of events and of the progress of jobs have no limit.
        call_limit: Period = minutes(3), allowed milliseconds(100)..=hours(1);
        /// How long a connection without a call is kept.
        idle: Period = minutes(5), allowed seconds(1)..=hours(24);
        /// How many events are remembered for callers that come later or fall behind.
        events: usize = 1024, allowed 16..=65_536;
        /// Serves the control API over TCP with TLS as well, to callers whose certificate is signed by an authority in
        /// `client_ca`. All four keys are needed; the files are in PEM.
        tcp: Option<Tcp> = None, example "{ listen = \"127.0.0.1:9165\", certificate = \"/etc/amtd/server.pem\", key = \"/etc/amtd/server.key\", client_ca = \"/etc/amtd/clients.pem\" }";
        /// What callers over TCP may do, by the common name of their certificate: `anyone` (status and health),
        /// `operator` or `admin`. A caller that is not named is `anyone`.
        certificate_levels: BTreeMap<String, Level> = BTreeMap::new();
    }
    check problems;
}

/// The control API over TCP. There is no default for the authority of the callers' certificates, because without one
/// everybody on the network would be let in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "a table with the keys `listen`, `certificate`, `key` and `client_ca`"
)]
pub struct Tcp {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The daemon's own certificate and its chain.
    pub certificate: PathBuf,
    /// The key of that certificate.
    pub key: PathBuf,
    /// Certificates of the authorities that sign callers' certificates.
    pub client_ca: PathBuf,
}

/// What a caller may do. Each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Ask for status, health and metrics.
    Anyone,
    /// See what others do: events, jobs, channels, diagnostics, configuration.
    Operator,
    /// Change the device.
    Admin,
}

impl Level {
    /// The name as the configuration writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// Permissions of a file, as `chmod` takes them in octal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SocketMode(u32);

impl SocketMode {
    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// The text is not a mode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a file mode; allowed: three octal digits behind a zero, as in \"0660\"")]
pub struct SocketModeError {
    text: String,
}

impl TryFrom<String> for SocketMode {
    type Error = SocketModeError;

    fn try_from(text: String) -> Result<Self, SocketModeError> {
        let digits = text.strip_prefix('0').filter(|digits| digits.len() == 3);
        let bits = digits.and_then(|digits| u32::from_str_radix(digits, 8).ok());
        bits.map(Self).ok_or(SocketModeError { text })
    }
}

impl From<SocketMode> for String {
    fn from(mode: SocketMode) -> Self {
        format!("0{:03o}", mode.0)
    }
}

fn problems(section: &Control) -> Vec<Problem> {
    let groups = [("operator_group", &section.operator_group), ("admin_group", &section.admin_group)];
    let unnamed = groups.into_iter().filter(|(_, group)| group.is_empty());
    unnamed.map(|(key, _)| Problem::new(key, "must not be empty; allowed: the name of a group")).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::Config;

    #[test]
    fn a_tcp_port_without_an_authority_for_its_callers_is_refused() {
        let text = "[control]\ntcp = { listen = \"0.0.0.0:9165\", certificate = \"c\", key = \"k\" }\n";
        let error = Config::parse(Path::new("amtd.toml"), text).unwrap_err().to_string();
        assert!(error.starts_with("amtd.toml:2: control.tcp") && error.contains("client_ca"), "{error}");
    }

    #[test]
    fn a_mode_is_written_as_people_write_it() {
        assert_eq!(String::from(SocketMode::try_from("0660".to_owned()).unwrap()), "0660");
        assert_eq!(SocketMode::try_from("0600".to_owned()).unwrap().bits(), 0o600);
        for text in ["660", "0888", "04777", "", "rw"] {
            let error = SocketMode::try_from(text.to_owned()).unwrap_err().to_string();
            assert!(error.contains("\"0660\""), "{error}");
        }
    }
}
