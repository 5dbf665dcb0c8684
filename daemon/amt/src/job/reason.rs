//! Why a job failed: a stable word for programs, a sentence and a next step for the person on call.
//!
#![doc = include_str!("reasons.md")]

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a job failed, or cannot be planned. Holds no secret: every flow makes it from what is known to be none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{sentence}")]
pub struct Failure {
    /// In one stable word.
    pub reason: Reason,
    /// What happened.
    pub sentence: String,
    /// What to do now.
    pub next_step: String,
}

impl Failure {
    /// A failure with the next step that its reason suggests.
    pub fn new(reason: Reason, sentence: impl Into<String>) -> Self {
        Self { reason, sentence: sentence.into(), next_step: reason.row().next_step.to_owned() }
    }

    /// The same with another next step, where more is known.
    #[must_use]
    pub(crate) fn next(self, next_step: impl Into<String>) -> Self {
        Self { next_step: next_step.into(), ..self }
    }
}

/// The reasons. The words are stable: a reason may be added, none is renamed.
macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident $word:literal $exit:literal $next:literal)*) => {
        /// Why a job failed, in one stable word. Which words there are, what they mean and what to do is in the table
        /// of [`crate::job::reason`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Reason {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl Reason {
            /// All of them, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            const fn row(self) -> Row {
                match self {
                    $(Self::$name => Row { word: $word, rpc_exit_code: $exit, next_step: $next },)*
                }
            }
        }
    };
}

struct Row {
    word: &'static str,
    rpc_exit_code: i32,
    next_step: &'static str,
}

reasons! {
    // What the user gave.
    /// A password is needed and was not given.
    PasswordMissing "PASSWORD_MISSING" 23
        "Give the AMT password and try again."
    /// The password does not follow the rules of AMT; nothing was sent.
    PasswordWeak "PASSWORD_WEAK" 23
        "Choose a password of 8 to 32 characters with upper case, lower case, a digit and one of ! @ # $ % ^ * ( ) ?, and try again."
    /// Firmware does not take the password. After several wrong ones it refuses the right one for a while, too.
    PasswordWrong "PASSWORD_WRONG" 100
        "Give the AMT password that was set at activation. If it is certainly right, wait five minutes before trying again: after several wrong passwords AMT refuses the right one, too. If it is lost: client control mode can be left without it (`amtctl deactivate`), admin control mode only in the MEBx menu at the machine."
    /// Something in the request makes no sense; nothing was sent.
    RequestInvalid "REQUEST_INVALID" 36
        "Correct the request and try again."
    /// The host or domain name cannot be given to AMT; nothing was sent.
    HostNameInvalid "HOST_NAME_INVALID" 25
        "Give a host name of at most 63 and a domain of at most 191 characters, made of letters, digits and hyphens."
    /// The provisioning certificate file is not PKCS#12, or of a form that is not supported.
    CertificateUnreadable "CERTIFICATE_UNREADABLE" 121
        "Check that the file is a PKCS#12 file (.pfx, .p12), for example with `openssl pkcs12 -info -noout -in FILE`, and export it again if it is damaged."
    /// The password does not open the provisioning certificate file.
    CertificatePasswordWrong "CERTIFICATE_PASSWORD_WRONG" 122
        "Give the password with which the PKCS#12 file was exported."
    /// There is no certificate in the file, or none that could be the provisioning certificate.
    CertificateMissing "CERTIFICATE_MISSING" 124
        "Export the provisioning certificate again, with its private key and all certificates of its chain."
    /// There is no private key in the file, or more than one.
    KeyMissing "KEY_MISSING" 125
        "Export the provisioning certificate again, with its private key."
    /// The private key is not RSA of 2048 to 4096 bits, which firmware's signature needs.
    KeyUnsupported "KEY_UNSUPPORTED" 125
        "Order a provisioning certificate with an RSA key of 2048 bits."
    /// The private key is not that of the certificate.
    KeyMismatch "KEY_MISMATCH" 125
        "Export the provisioning certificate again, together with its own private key."
    /// The chain does not reach a root in the file.
    ChainIncomplete "CHAIN_INCOMPLETE" 126
        "Export the provisioning certificate again with all certificates up to the root (`Include all certificates in the certification path`)."
    /// A certificate of the chain is not signed by the next one, or the chain is not the kind that firmware takes.
    ChainInvalid "CHAIN_INVALID" 123
        "Get the chain of certificates from the authority again; one of them was replaced or damaged."
    /// A certificate of the chain is not valid at this time.
    CertificateExpired "CERTIFICATE_EXPIRED" 123
        "Check the clock of this machine. If it is right, order a new provisioning certificate."
    /// The certificate is not one for provisioning AMT.
    CertificateNotForAmt "CERTIFICATE_NOT_FOR_AMT" 123
        "Use a provisioning certificate: one with the key usage 2.16.840.1.113741.1.2.3 or the unit `Intel(R) Client Setup Certificate`."
    /// The certificate is not for the domain in which the machine is.
    DnsSuffixMismatch "DNS_SUFFIX_MISMATCH" 24
        "Use the certificate of the machine's domain, or set the DNS suffix in the MEBx menu (PKI DNS suffix) or on the DHCP server of the wired network (option 15)."
    /// Firmware does not trust the root of the chain.
    RootNotTrusted "ROOT_NOT_TRUSTED" 128
        "Use a provisioning certificate of an authority whose root hash is active in this firmware (`amtctl info --cert` lists them), or enter the hash in the MEBx menu."

    // What the device is.
    /// The job needs a device that is activated.
    NotActivated "NOT_ACTIVATED" 115
        "Activate the device first: `amtctl activate`."
    /// The device is in a control mode in which this cannot be done.
    WrongControlMode "WRONG_CONTROL_MODE" 135
        "Deactivate the device first, or ask for what its control mode allows."
    /// The device is in the middle of a provisioning.
    HalfProvisioned "HALF_PROVISIONED" 102
        "Run `amtctl deactivate` to remove what was begun, and activate again."
    /// Firmware or its vendor does not allow this control mode.
    ControlModeNotAllowed "CONTROL_MODE_NOT_ALLOWED" 111
        "Look at the firmware setup (MEBx, BIOS): host-based setup may be disabled there. A full unprovision in the MEBx menu allows client control mode again."
    /// AMT is switched off.
    AmtDisabled "AMT_DISABLED" 3
        "Enable Intel AMT in the firmware setup (BIOS or MEBx) and restart the machine."
    /// This AMT version cannot do it.
    FirmwareUnsupported "FIRMWARE_UNSUPPORTED" 138
        "Update the firmware of the machine if its vendor offers a newer one."
    /// This firmware takes admin control mode only over TLS with the provisioning certificate, which is not implemented.
    AdminModeOverTlsNotSupported "ADMIN_MODE_OVER_TLS_NOT_SUPPORTED" 138
        "Activate client control mode, or set up admin control mode from a provisioning server or the MEBx menu."
    /// Nothing is connected to the wired network, from which firmware would take its DNS suffix.
    WiredLinkDown "WIRED_LINK_DOWN" 103
        "Connect the wired network, or set the DNS suffix in the MEBx menu (PKI DNS suffix)."
    /// The device is not as it was when the job was planned; nothing was done.
    DeviceChanged "DEVICE_CHANGED" 10
        "Another job, another program or a person has changed the device: look at it with `amtctl info`, and repeat the request if it is still wanted."
    /// A part of the firmware that the job needs is not there on this model.
    FeatureAbsent "FEATURE_ABSENT" 107
        "Leave this feature out: this model does not have it."

    // Reaching it.
    /// The host interface of firmware cannot be used.
    FirmwareUnreachable "FIRMWARE_UNREACHABLE" 4
        "Run `amtctl doctor`. If another AMT tool is running, stop it; otherwise wait for the link to come back, and try again."
    /// Firmware's WSMAN server cannot be reached.
    WsmanUnreachable "WSMAN_UNREACHABLE" 71
        "Run `amtctl doctor`. Firmware may be restarting its server: try again in a minute."
    /// TLS with firmware failed, or the firmware is not who it should be.
    TlsFailed "TLS_FAILED" 71
        "Run `amtctl doctor`. If this machine was just activated, try again in two minutes; otherwise something may stand between this program and the firmware."
    /// The answer of firmware makes no sense.
    AnswerUnusable "ANSWER_UNUSABLE" 101
        "Try again. If it happens again, report it with the output of `amtctl info`: this firmware answers in a way that is not known."
    /// The answer to a request was lost; the sentence says what is known.
    AnswerLost "ANSWER_LOST" 71
        "Look at the device (`amtctl info`) before trying again."
    /// The state of the device could not be read, so that the result is not known.
    StateUnreadable "STATE_UNREADABLE" 134
        "Run `amtctl info` until it answers, and compare with what was wanted. If it does not answer, restart the machine."

    // What firmware says to it.
    /// Firmware reported a fault.
    FirmwareFault "FIRMWARE_FAULT" 101
        "Check the class, its selectors and its properties; not every model has every class."
    /// The account may not do it.
    AccessDenied "ACCESS_DENIED" 100
        "Use the account `admin`, or one with the rights for this class; in client control mode some things are refused to everybody."
    /// Firmware refused.
    FirmwareRefused "FIRMWARE_REFUSED" 101
        "Look up the number in the sentence, and check the state of the device with `amtctl info`."
    /// Firmware refused to activate client control mode.
    SetupRefused "SETUP_REFUSED" 102
        "Try again once. If it is refused again, restart the machine, or unprovision it fully in the MEBx menu. A flash write limit passes by itself within a day."
    /// Firmware refused a certificate of the chain.
    ChainRefused "CHAIN_REFUSED" 131
        "Check that chain, root hash and domain belong together, and that the firmware's clock is right. An invalid state passes with a restart of the machine."
    /// Firmware refused admin control mode.
    AdminSetupRefused "ADMIN_SETUP_REFUSED" 102
        "Check the DNS suffix of the wired network against the domain in the certificate, and that the wired link is up; then try again."
    /// Firmware refused to put in force what was set up.
    CommitRefused "COMMIT_REFUSED" 102
        "Try again. If it is refused again, deactivate the device and restart the machine first."
    /// Firmware refused to deactivate.
    UnprovisionRefused "UNPROVISION_REFUSED" 110
        "Wait for other management sessions to end (redirection, firmware update) and try again; otherwise unprovision in the MEBx menu at the machine."
    /// Firmware refused a feature.
    FeaturesRefused "FEATURES_REFUSED" 107
        "Check in the firmware setup (BIOS, MEBx) that this feature is allowed, and that no redirection session is open."
    /// Firmware refused the time.
    ClockRefused "CLOCK_REFUSED" 150
        "Check the clock of this machine: firmware refuses a time that is too early. A flash write limit passes by itself within a day."
    /// Firmware refused the name.
    HostNameRefused "HOST_NAME_REFUSED" 151
        "Use a host name of letters, digits and hyphens only."
    /// Firmware refused the new password.
    PasswordChangeRefused "PASSWORD_CHANGE_REFUSED" 153
        "Choose another password (8 to 32 characters, all four classes, no part of the old one) and try again."
    /// Firmware refused the password of the MEBx menu.
    MebxRefused "MEBX_REFUSED" 118
        "The vendor may not allow it: set the password in the MEBx menu at the machine."

    // The job itself.
    /// A number from firmware or the signature over it could not be made use of.
    SigningFailed "SIGNING_FAILED" 133
        "Try again. If it happens again, export the provisioning certificate again."
    /// Firmware took everything and is still not as wanted.
    NotAsWanted "NOT_AS_WANTED" 102
        "Look at the device (`amtctl info`). Restart the machine and try again."
    /// The user ended the job.
    Cancelled "CANCELLED" 10
        "Repeat the request if it is still wanted."
    /// The deadline of the job has passed.
    DeadlineExceeded "DEADLINE_EXCEEDED" 10
        "Try again with a longer deadline."
    /// The daemon is ending.
    ShuttingDown "SHUTTING_DOWN" 10
        "Repeat the request when the daemon is running again."
    /// The daemon was ended in the middle of the job.
    Interrupted "INTERRUPTED" 10
        "Look at the device (`amtctl info`), and repeat the request if it is not as wanted."
    /// What must be written down before the device is touched could not be.
    JournalLost "JOURNAL_LOST" 10
        "Run `amtctl doctor`: it names the journal, and what to do about it. Then repeat the request."
}

impl Reason {
    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        self.row().word
    }

    /// The process exit number of `rpc` that is nearest in meaning (activation 13), for programs that were written for
    /// it.
    pub const fn rpc_exit_code(self) -> i32 {
        self.row().rpc_exit_code
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// The table is what people read; it must not drift from what programs get.
    #[test]
    fn the_table_of_the_documentation_is_that_of_the_code() {
        let table: String = Reason::ALL
            .iter()
            .map(|reason| {
                let Row { word, rpc_exit_code, next_step } = reason.row();
                format!("| `{word}` | {rpc_exit_code} | {} |\n", next_step.replace('|', "\\|"))
            })
            .collect();
        let documentation = include_str!("reasons.md");
        assert!(documentation.ends_with(&table), "reasons.md should end with:\n{table}");
    }

    #[test]
    fn words_are_unique_and_shaped_as_programs_expect() {
        let words: HashSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        let shaped = |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
        assert!(words.iter().all(|word| shaped(word)), "{words:?}");
        for reason in Reason::ALL {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
    }

    #[test]
    fn every_reason_says_what_to_do_and_has_a_number() {
        for reason in Reason::ALL {
            let Row { rpc_exit_code, next_step, .. } = reason.row();
            assert!(next_step.ends_with('.') && next_step.len() > 20, "{reason}: {next_step}");
            assert!((1..200).contains(&rpc_exit_code), "{reason}: {rpc_exit_code}");
        }
    }
}
