//! What the simulated firmware keeps of itself, read from its state file: what the device is, whoever says what of it.
//!
//! Owns which of it jobs change; the file is the simulator's. The daemon has no part in it, which is the point. Used by tests that
//! compare a verdict with firmware.

use std::fmt;
use std::path::Path;

use amtd_harness::sim::USER;
use md5::{Digest, Md5};
use serde_json::{Value, json};

/// What jobs change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// `none`, `client` or `admin`.
    pub control_mode: String,
    /// A provisioning was begun and is not finished.
    pub is_half_provisioned: bool,
    /// With which of the passwords that the test knows `admin` logs in.
    pub password: Option<&'static str>,
    /// Everything else.
    pub settings: Value,
}

impl Device {
    /// Reads it. `passwords` are those that `admin` may have.
    ///
    /// # Panics
    /// The file is not there, or not the simulator's.
    #[must_use]
    pub fn read(state_file: &Path, passwords: &[&'static str]) -> Self {
        let text = std::fs::read(state_file).unwrap();
        let kept: Value = serde_json::from_slice(&text).unwrap();
        let realm = kept["realm"].as_str().unwrap();
        let secret = |password: &str| {
            let digest = Md5::digest(format!("{USER}:{realm}:{password}"));
            digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>()
        };
        let of_admin = kept["accounts"]["admin"]["ha1"].as_str();
        let knows = |password: &&&'static str| of_admin == Some(secret(password).as_str());
        Self {
            control_mode: kept["control_mode"].as_str().unwrap().to_owned(),
            is_half_provisioned: !kept["configuration"].is_null(),
            password: passwords.iter().find(knows).copied(),
            settings: json!({
                "mebx": kept["has_mebx_password"],
                "network": kept["network"],
                "settings": kept["settings"],
                "written": kept["features"]["written"],
                "users": kept["accounts"]["users"],
                "clock": kept["clock_is_set"],
                "enabled": kept["enabled"],
            }),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { control_mode, is_half_provisioned, password, settings } = self;
        let half = if *is_half_provisioned { ", half provisioned" } else { "" };
        let name = &settings["network"]["host_name"];
        let (mebx, clock, written) = (&settings["mebx"], &settings["clock"], &settings["settings"]);
        let off = if settings["enabled"] == false { ", switched off" } else { "" };
        write!(
            f,
            "[{control_mode}{half}{off}, password {password:?}, name {name}, MEBx {mebx}, clock {clock}, {written}]"
        )
    }
}
