//! Giving AMT the name of this machine (activation 8, wsman 9.1).

use super::{
    DeviceState, Failure, Kind, Observer, Outcome, Plan, Reason, StepName, device_changed,
    execution::{self, Execution},
    failure::{refused, unreadable},
    firmware::Firmware,
    require_active,
};
use crate::{
    Secret,
    machine::Machine,
    wsman::{Client, classes::GeneralSettings},
};

/// A host name and its domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Name<'a> {
    pub(super) host: &'a str,
    /// Without it AMT keeps its own: a machine that does not know its domain is no reason to delete AMT's.
    pub(super) domain: Option<&'a str>,
}

impl<'a> Name<'a> {
    /// Refuses what is no name or too long for AMT.
    pub(super) fn check(self) -> Result<(), Failure> {
        let domain = self.domain.unwrap_or_default();
        let problem = if !is_label(self.host) {
            Some(format!("`{}` is not a host name of one label", self.host.escape_debug()))
        } else if domain.len() > MAX_DOMAIN || !domain.split('.').all(is_label) && !domain.is_empty() {
            Some(format!("`{}` is not a domain name", domain.escape_debug()))
        } else {
            None
        };
        problem.map_or(Ok(()), |problem| Err(Failure::new(Reason::HostNameInvalid, format!("{problem}."))))
    }

    pub(super) fn is_of(self, settings: &'a GeneralSettings) -> bool {
        settings.host_name() == self.host && settings.domain_name() == self.domain_for(settings)
    }

    /// The domain that these settings are to have.
    fn domain_for(self, settings: &'a GeneralSettings) -> &'a str {
        self.domain.unwrap_or_else(|| settings.domain_name())
    }
}

/// At most 63 letters, digits, hyphens and underscores.
fn is_label(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_LABEL).contains(&text.len()) && text.bytes().all(allowed) && !text.starts_with('-')
}

/// Says what setting the name will do.
pub(super) async fn plan<M: Machine>(
    firmware: Firmware<'_, M>,
    state: DeviceState,
    password: &Secret,
    name: Name<'_>,
) -> Result<Plan, Failure> {
    require_active(&state)?;
    let (_, settings) = firmware.login(&state, password).await?;
    let before = words(settings.host_name(), settings.domain_name());
    if name.is_of(&settings) {
        let plan = Plan::nothing(Kind::SyncHostname, state);
        return Ok(Plan { before: before.clone(), after: before, ..plan });
    }
    let after = words(name.host, name.domain_for(&settings));
    let plan = Plan::leading_to(Kind::SyncHostname, state, after)
        .step(StepName::Login, "Log in as admin with the given password and read the name")
        .step(StepName::SetHostname, "Set the name; all other settings stay")
        .step(StepName::Verify, "Read the name again");
    Ok(Plan { before, ..plan })
}

/// Sets the name.
pub(super) async fn run<M: Machine, O: Observer>(
    mut execution: Execution<'_, M, O>,
    plan: &Plan,
    password: &Secret,
    name: Name<'_>,
) -> Outcome {
    let (firmware, state) = (execution.firmware, execution.before);
    let login = async {
        let (client, settings) = firmware.login(&state, password).await?;
        let detail = words(settings.host_name(), settings.domain_name());
        Ok(((client, settings), detail))
    };
    let (mut client, before) = match execution.step(StepName::Login, login).await {
        Ok(begun) => begun,
        Err(failure) => return execution.failed_before(failure),
    };
    if name.is_of(&before) {
        return execution::unchanged(words(before.host_name(), before.domain_name()));
    }
    if plan.unchanged {
        return execution.failed_before(device_changed());
    }
    if let Err(failure) = execution.safe_point() {
        return execution.failed_before(failure);
    }
    let result = execution.step(StepName::SetHostname, set(&mut client, before.clone(), name)).await;
    let reading = async {
        let settings: GeneralSettings = client.read().await?;
        let detail = words(settings.host_name(), settings.domain_name());
        Ok((settings, detail))
    };
    match (result, execution.step(StepName::Verify, reading).await) {
        (_, Ok(now)) if name.is_of(&now) => {
            let after = words(now.host_name(), now.domain_name());
            execution::succeeded(vec![format!("AMT has the name: {after}.")], after)
        }
        (result, Ok(now)) => {
            let after = words(now.host_name(), now.domain_name());
            let sentence = format!("The firmware accepted the name, but has: {after}.");
            let failure = result.err().unwrap_or_else(|| Failure::new(Reason::NotAsWanted, sentence));
            let is_as_before =
                now.host_name() == before.host_name() && now.domain_name() == before.domain_name();
            let applied = if is_as_before { Vec::new() } else { vec![format!("AMT has the name: {after}.")] };
            execution.failed(failure, applied, after)
        }
        (result, Err(error)) => {
            let failure = result.err().unwrap_or_else(|| unreadable(&error));
            let applied = vec!["Whether the name was set is not known: it could not be read.".into()];
            execution.failed(failure, applied, execution::NOT_KNOWN.into())
        }
    }
}

/// Put replaces the whole instance, so that everything that was read goes back with it.
async fn set<M: Machine>(
    client: &mut Client<&M>,
    mut settings: GeneralSettings,
    name: Name<'_>,
) -> Result<((), String), Failure> {
    settings.set_host_name(name.host);
    if let Some(domain) = name.domain {
        settings.set_domain_name(domain);
    }
    match client.write(&settings).await {
        Ok(()) => Ok(((), "accepted".into())),
        Err(error) => Err(refused(error, Reason::HostNameRefused)),
    }
}

/// As a person would say it.
pub(super) fn words(host: &str, domain: &str) -> String {
    let or_none = |text: &str| if text.is_empty() { "(none)".into() } else { format!("`{text}`") };
    format!("host name {}, domain {}", or_none(host), or_none(domain))
}

const MAX_LABEL: usize = 63;
const MAX_DOMAIN: usize = 191;
