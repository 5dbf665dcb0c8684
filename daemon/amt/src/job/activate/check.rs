//! Whether a provisioning certificate and a device fit, as far as that can be known before anything is sent
//! (activation 2, 4.1). Firmware itself says no more than a number when they do not.
//!
//! The way of newer firmware, where TLS with that certificate replaces the signature (activation 5), is refused with a
//! reason of its own: it would begin in [`check_way`].

use std::time::SystemTime;

use tokio::task::{JoinError, spawn_blocking};

use super::{check_device, power};
use crate::{
    Secret,
    amthi::{GetLanSettings, GetPkiFqdnSuffix, LanInterface},
    job::{
        Failure, Plan, Reason, SecretBytes,
        certificate::{Fit, ProvisioningCertificate, Trust},
        firmware::{Device, Firmware},
    },
    machine::Machine,
};

/// What an activation in admin control mode takes, as in `Request::ActivateAcm`.
#[derive(Clone, Copy)]
pub(in crate::job) struct Wish<'a> {
    pub(in crate::job) password: &'a Secret,
    pub(in crate::job) file: &'a SecretBytes,
    pub(in crate::job) file_password: &'a Secret,
    pub(in crate::job) mebx_password: Option<&'a Secret>,
    pub(in crate::job) dns_suffix: Option<&'a str>,
}

/// A certificate that fits the device, as far as that can be known, and what remains doubtful.
pub(super) struct Checked {
    pub(super) certificate: ProvisioningCertificate,
    doubts: Vec<String>,
}

impl Checked {
    /// The plan with what remains doubtful as warnings.
    pub(super) fn warn(self, plan: Plan) -> Plan {
        self.doubts.into_iter().fold(plan, Plan::warn)
    }
}

/// Everything about device and certificate that can be checked before anything is sent (activation 2, 4.1).
pub(super) async fn check<M: Machine>(
    firmware: Firmware<'_, M>,
    device: &Device,
    wish: Wish<'_>,
) -> Result<Checked, Failure> {
    check_device(device)?;
    check_way(device)?;
    let is_off = power::is_off(device)?;
    let certificate = open(wish).await?;
    let mut doubts = Vec::new();
    doubts.extend(check_time(firmware, &certificate)?);
    if is_off {
        // What it trusts, and where it is, AMT tells when it is on.
        doubts.extend(check_given_suffix(&certificate, wish)?);
        return Ok(Checked { certificate, doubts });
    }
    doubts.extend(check_trust(&certificate, firmware).await?);
    doubts.extend(check_given_suffix(&certificate, wish)?);
    doubts.extend(check_own_suffix(&certificate, firmware).await?);
    Ok(Checked { certificate, doubts })
}

/// AdminSetup with a signature is gone in newer firmware, and elsewhere where TLS is enforced (activation 4, 5).
fn check_way(device: &Device) -> Result<(), Failure> {
    let version = device.versions.amt();
    let enforces = device.state.tls_enforced;
    if !enforces && version.is_none_or(|version| version.major < FIRST_WITHOUT_ADMIN_SETUP) {
        return Ok(());
    }
    let version = version.map(|version| format!("AMT {version}")).unwrap_or_else(|| "This firmware".into());
    let sentence = format!(
        "{version} {}takes admin control mode only over TLS with the provisioning certificate, which this version of \
         the program cannot do yet.",
        if enforces { "enforces TLS and " } else { "" }
    );
    Err(Failure::new(Reason::AdminModeOverTlsNotSupported, sentence))
}

/// Deriving the key of the file takes a moment; it is not to hold up anybody else.
pub(super) async fn open(wish: Wish<'_>) -> Result<ProvisioningCertificate, Failure> {
    let (file, password) = (wish.file.clone(), wish.file_password.clone());
    let opened = spawn_blocking(move || ProvisioningCertificate::open(&file, &password)).await;
    let unfinished = |error: JoinError| {
        let reason = if error.is_panic() { Reason::CertificateUnreadable } else { Reason::ShuttingDown };
        Failure::new(reason, "Opening the provisioning certificate file broke off.")
    };
    Ok(opened.map_err(unfinished)??)
}

fn check_time<M: Machine>(
    firmware: Firmware<'_, M>,
    certificate: &ProvisioningCertificate,
) -> Result<Option<String>, Failure> {
    let days = certificate.days_left(SystemTime::now())?;
    let is_near = days < u64::from(firmware.policy.expiry_warning_days);
    Ok(is_near.then(|| format!("The provisioning certificate or one of its chain expires in {days} days.")))
}

async fn check_trust<M: Machine>(
    certificate: &ProvisioningCertificate,
    firmware: Firmware<'_, M>,
) -> Result<Option<String>, Failure> {
    let refused = |sentence: &str| Err(Failure::new(Reason::RootNotTrusted, sentence));
    match certificate.trust(&firmware.hashes().await?) {
        Trust::Active { built_in: true } => Ok(None),
        Trust::Active { built_in: false } => Ok(Some(
            "The root of the certificate was entered in this firmware by hand. A full unprovision deletes it, and then \
             this certificate cannot activate the device again."
                .into(),
        )),
        Trust::Inactive => refused("The root of the certificate is known to this firmware, but not active."),
        Trust::Unknown => refused("The root of the certificate is not among those that this firmware trusts."),
    }
}

/// Firmware compares its DNS suffix with the certificate and says only `authentication failed`.
fn check_suffix(
    certificate: &ProvisioningCertificate,
    whose: &str,
    suffix: Option<&str>,
) -> Result<Option<String>, Failure> {
    let Some(suffix) = suffix else { return Ok(None) };
    let name = certificate.name();
    match certificate.fits(suffix) {
        Fit::Yes => Ok(None),
        Fit::Perhaps => Ok(Some(format!(
            "The {whose} DNS suffix `{suffix}` is below the domain of the certificate of `{name}`: some firmware refuses \
             that."
        ))),
        Fit::No => {
            let sentence =
                format!("The certificate of `{name}` is not for the {whose} DNS suffix `{suffix}`.");
            Err(Failure::new(Reason::DnsSuffixMismatch, sentence))
        }
    }
}

fn check_given_suffix(
    certificate: &ProvisioningCertificate,
    wish: Wish<'_>,
) -> Result<Option<String>, Failure> {
    check_suffix(certificate, "given", wish.dns_suffix).map_err(|failure| {
        failure.next("Correct the DNS suffix that was given, or use the certificate of that domain.")
    })
}

async fn check_own_suffix<M: Machine>(
    certificate: &ProvisioningCertificate,
    firmware: Firmware<'_, M>,
) -> Result<Vec<String>, Failure> {
    let own = firmware.ask(&GetPkiFqdnSuffix).await?;
    let own = Some(own.trim().trim_matches('.')).filter(|own| !own.is_empty());
    let link_up =
        firmware.ask(&GetLanSettings { interface: LanInterface::Wired }).await.map(|lan| lan.link_up);
    let mut doubts: Vec<_> = check_suffix(certificate, "firmware's", own)?.into_iter().collect();
    match (own, link_up) {
        (None, Ok(false)) => {
            let sentence = "The firmware has no DNS suffix, and no link on the wired network to get one from.";
            return Err(Failure::new(Reason::WiredLinkDown, sentence));
        }
        (None, _) => doubts.push(
            "The firmware has no DNS suffix of its own and takes the one of DHCP (option 15) on the wired network. \
             Whether the certificate fits that shows only when it is tried."
                .into(),
        ),
        (Some(_), Ok(false)) => doubts
            .push("The wired network has no link. Most firmware refuses the certificate then.".into()),
        (Some(_), _) => {}
    }
    Ok(doubts)
}

/// The generation in which AdminSetup disappeared.
const FIRST_WITHOUT_ADMIN_SETUP: u16 = 19;
