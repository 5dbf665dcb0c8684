//! What WSMAN configures and nothing else in the simulator depends on: wireless profiles, remote access, proxies, alarms, consent.
//!
//! Part of [`super::Device`]; read and changed by `web::classes`, saved with the device, gone after a full unprovision. Secrets
//! (pass phrases, passwords) are checked where they come in and not kept.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Features.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Features {
    /// Properties that a client wrote, by class and name.
    written: BTreeMap<String, BTreeMap<String, Written>>,
    /// Wireless profiles, in the order in which they were added.
    pub(crate) wifi: Vec<WifiProfile>,
    /// Requested state of the wireless port: 3 off, 32768 on in S0, 32769 on in S0 and Sx/AC.
    pub(crate) wifi_port: Option<u32>,
    /// Management presence servers.
    pub(crate) servers: Vec<PresenceServer>,
    /// Rules for connecting to them.
    pub(crate) rules: Vec<PolicyRule>,
    /// HTTP proxies.
    pub(crate) proxies: Vec<Proxy>,
    /// Alarm clock.
    pub(crate) alarms: Vec<Alarm>,
    /// Certificates of wired 802.1x.
    pub(crate) wired: PortCredentials,
    /// State of the boot service, once a client asked for one.
    pub(crate) boot_service: Option<u32>,
    /// User consent.
    pub(crate) consent: Consent,
    next_number: u32,
}

/// The value of a property.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Written {
    Flag(bool),
    Number(u64),
    Text(String),
    List(Vec<String>),
}

/// A wireless profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WifiProfile {
    pub(crate) name: String,
    pub(crate) instance_id: String,
    pub(crate) ssid: String,
    pub(crate) authentication: u32,
    pub(crate) encryption: u32,
    pub(crate) priority: u32,
    pub(crate) port_access: Option<PortAccess>,
}

/// 802.1x of a wireless profile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PortAccess {
    pub(crate) name: String,
    pub(crate) protocol: u32,
    pub(crate) user: Option<String>,
    pub(crate) credentials: PortCredentials,
}

/// Handles of the certificates that 802.1x uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct PortCredentials {
    pub(crate) client: Option<u32>,
    pub(crate) root: Option<u32>,
}

/// A management presence server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PresenceServer {
    /// Part of the instance's name.
    pub(crate) number: u32,
    pub(crate) address: String,
    pub(crate) format: u32,
    pub(crate) port: u32,
    pub(crate) common_name: Option<String>,
    pub(crate) user: Option<String>,
}

/// A rule for connecting to management presence servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PolicyRule {
    pub(crate) trigger: u32,
    pub(crate) life_time: u32,
    pub(crate) extended_data: Option<String>,
    /// Servers by number, each with its kind (`MpsType`), in order.
    pub(crate) servers: Vec<(u32, u32)>,
}

/// An HTTP proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proxy {
    pub(crate) number: u32,
    pub(crate) address: String,
    pub(crate) format: u32,
    pub(crate) port: u32,
    pub(crate) suffix: String,
}

/// An alarm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alarm {
    pub(crate) name: String,
    pub(crate) instance_id: String,
    /// As it was given: date and time.
    pub(crate) start: String,
    pub(crate) interval: Option<String>,
    pub(crate) delete_when_done: bool,
}

/// User consent to redirection (wsman 9.6). Nobody sits at the device: its code is shown to whoever asks the simulator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) enum Consent {
    #[default]
    NotAsked,
    /// The code is on the device's screen until then (device clock, seconds since 1970).
    Shown { code: u32, until: u64 },
    /// The code was sent back; counts until then.
    Given { until: u64 },
}

impl Consent {
    /// The code on the screen.
    pub(crate) fn code(self) -> Option<u32> {
        match self {
            Self::Shown { code, .. } => Some(code),
            _ => None,
        }
    }

    /// The state at `time`: what ran out has not been asked for.
    pub(crate) fn at(self, time: u64) -> Self {
        match self {
            Self::Shown { until, .. } | Self::Given { until } if until <= time => Self::NotAsked,
            other => other,
        }
    }
}

impl Features {
    /// The value that a client wrote.
    pub(crate) fn written(&self, class: &str, property: &str) -> Option<&Written> {
        self.written.get(class)?.get(property)
    }

    /// Remembers a value.
    pub(crate) fn write(&mut self, class: &str, property: &str, value: Written) {
        self.written.entry(class.to_owned()).or_default().insert(property.to_owned(), value);
    }

    /// Forgets values.
    pub(crate) fn clear(&mut self, class: &str, properties: &[&str]) {
        if let Some(written) = self.written.get_mut(class) {
            written.retain(|name, _| !properties.contains(&name.as_str()));
        }
    }

    /// A number that no server and no proxy has had.
    pub(crate) fn next_number(&mut self) -> u32 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// Whether a certificate is used by 802.1x.
    pub(crate) fn uses_certificate(&self, handle: u32) -> bool {
        self.port_credentials()
            .any(|(_, credentials)| [credentials.client, credentials.root].contains(&Some(handle)))
    }

    /// Who uses certificates for 802.1x: a wireless profile's settings by name, or `None` for the wired port.
    pub(crate) fn port_credentials(&self) -> impl Iterator<Item = (Option<&str>, PortCredentials)> {
        let wireless = self.wifi.iter().filter_map(|profile| profile.port_access.as_ref());
        let wireless = wireless.map(|access| (Some(access.name.as_str()), access.credentials));
        std::iter::once((None, self.wired)).chain(wireless)
    }
}
