//! The classes that the daemon itself uses, as typed views of instances, with their methods (wsman 9, 10, 13, 14).
//!
//! A view keeps the whole instance: what is read, changed and written goes back with every property, known or not.
//! Methods are functions over a client; each fails if the return value is no success.

mod agent_presence;
mod authorization;
mod certificates;
mod consent;
mod general;
mod host_based_setup;
mod network;
mod redirection;
mod setup;
mod software;
mod time;

pub use agent_presence::{AgentPresenceWatchdog, AgentSession, DeviceId};
pub use authorization::{AclEntry, AuthorizationService, NewAclEntry, Permission};
pub use certificates::{PublicKeyCertificate, TlsInterface, TlsSettingData};
pub use consent::{OptInRequired, OptInService};
pub use general::GeneralSettings;
pub use host_based_setup::{CertificateChainStatus, HostBasedSetupService, HostProof};
pub use network::{EthernetPortSettings, HttpProxyAccessPoint};
pub use redirection::{KvmRedirectionSap, RedirectionService, RedirectionState};
pub use setup::SetupAndConfigurationService;
pub use software::SoftwareIdentity;
pub use time::TimeSynchronizationService;

/// What every view is: the instance and the name of its class, and which property selects one of several.
macro_rules! view {
    ($view:ident, $class:literal $(, $key:literal)?) => {
        impl From<$crate::wsman::Instance> for $view {
            fn from(instance: $crate::wsman::Instance) -> Self {
                Self(instance)
            }
        }

        impl AsRef<$crate::wsman::Instance> for $view {
            fn as_ref(&self) -> &$crate::wsman::Instance {
                &self.0
            }
        }

        impl $crate::wsman::Class for $view {
            const NAME: &'static str = $class;
            $(
                fn selectors(&self) -> $crate::wsman::Selectors {
                    let none = $crate::wsman::Selectors::none();
                    match self.0.text($key) {
                        Some(key) => none.with($key, key),
                        None => none,
                    }
                }
            )?
        }
    };
}
pub(crate) use view;

#[cfg(test)]
mod tests;
