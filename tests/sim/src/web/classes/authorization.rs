//! AMT_AuthorizationService (wsman 13): the administrator's name and secret, and the access control list.
//!
//! A digest secret is base64 of 16 bytes here, not hex digits as in `Setup`. Guessed: which return value stands for which mistake,
//! that Kerberos entries are only kept, the length of names and of the list.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{
    AMT_SYSTEM, COMPUTER_SYSTEM, Class, Invocation, Method, SERVICE_KEYS, resource, returned, status,
};
use crate::device::Device;
use crate::device::accounts::{
    ADMIN_USER, Access, Accounts, AclError, Admin, Ha1, Identity, Realm, Realms, User,
};
use crate::web::fault::Fault;
use crate::web::input::{Input, required};
use crate::web::value::{Instance, Value};

pub(super) static SERVICE: Class = Class {
    methods: &[
        method("AddUserAclEntryEx", add_user),
        method("EnumerateUserAclEntries", enumerate_users),
        method("GetAclEnabledState", enabled_state),
        method("GetAdminAclEntry", admin_name),
        method("GetAdminAclEntryStatus", admin_is_default),
        method("GetAdminNetAclEntryStatus", admin_is_default),
        method("GetUserAclEntryEx", user),
        method("RemoveUserAclEntry", remove_user),
        method("SetAclEnabledState", set_enabled_state),
        method("SetAdminAclEntryEx", set_admin),
        method("UpdateUserAclEntryEx", update_user),
    ],
    realm: Realm::UserAccessControl,
    configures_over_tls: true,
    ..Class::read_only(resource!(amt "AMT_AuthorizationService"), SERVICE_KEYS, list)
};

/// Handles that one call lists.
const MAX_HANDLES: usize = 50;

const fn method(name: &'static str, run: super::Change<Instance>) -> Method {
    Method { name, local_system: false, run }
}

fn list(_device: &Device, _now: Instant) -> Vec<Instance> {
    const NAME: &str = "Intel(r) AMT Authorization Service";
    let service = Instance::with_capacity(8)
        .with("AllowHttpQopAuthOnly", 1)
        .with("CreationClassName", "AMT_AuthorizationService")
        .with("ElementName", NAME)
        .with("EnabledState", 5)
        .with("Name", NAME)
        .with("RequestedState", 12)
        .with("SystemCreationClassName", COMPUTER_SYSTEM)
        .with("SystemName", AMT_SYSTEM);
    vec![service]
}

fn set_admin(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let name = required(call.input.text("Username"))?;
    let Some(ha1) = secret(required(call.input.text("DigestPassword"))?) else {
        return Ok(returned(status::INVALID_PASSWORD));
    };
    if !Accounts::is_name(name) {
        return Ok(returned(status::INVALID_PARAMETER));
    }
    call.device.set_admin(Admin { name: name.to_owned(), ha1 });
    Ok(returned(status::SUCCESS))
}

fn admin_name(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let name = call.device.accounts().admin().map_or(ADMIN_USER, |admin| admin.name.as_str()).to_owned();
    Ok(Instance::default().with("Username", name).with("ReturnValue", status::SUCCESS))
}

/// The administrator has the factory's secret only before activation.
fn admin_is_default(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let is_default = call.device.accounts().admin().is_none();
    Ok(Instance::default().with("IsDefault", is_default).with("ReturnValue", status::SUCCESS))
}

fn enumerate_users(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let start: usize = required(call.input.number("StartIndex")?)?;
    let users = call.device.accounts().users();
    if start == 0 || (start > users.len() && start > 1) {
        return Ok(returned(status::INVALID_INDEX));
    }
    let handles: Vec<u32> = users.iter().skip(start - 1).take(MAX_HANDLES).map(|user| user.handle).collect();
    // The list has some tens of entries.
    Ok(Instance::default()
        .with("TotalCount", users.len() as u32)
        .with("HandlesCount", handles.len() as u32)
        .with_list("Handles", handles)
        .with("ReturnValue", status::SUCCESS))
}

fn user(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let handle = required(call.input.number("Handle")?)?;
    let Ok(user) = call.device.accounts().user(handle) else { return Ok(returned(status::INVALID_HANDLE)) };
    let entry = match &user.identity {
        Identity::Digest { name, .. } => Instance::default().with("DigestUsername", name.clone()),
        Identity::Kerberos(sid) => Instance::default().with("KerberosUserSid", Value::base64(sid)),
    };
    Ok(entry
        .with("AccessPermission", user.access as u32)
        .with_list("Realms", user.realms.numbers())
        .with("ReturnValue", status::SUCCESS))
}

fn add_user(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let Entry { identity, access, realms } = match Entry::read(call.input, None)? {
        Ok(entry) => entry,
        Err(refusal) => return Ok(returned(refusal)),
    };
    match call.device.accounts_mut().add_user(identity, access, realms) {
        Ok(handle) => Ok(Instance::default().with("Handle", handle).with("ReturnValue", status::SUCCESS)),
        Err(error) => Ok(returned(refusal(error))),
    }
}

/// What is left out of the identity stays as it was.
fn update_user(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let handle = required(call.input.number("Handle")?)?;
    let Ok(known) = call.device.accounts().user(handle) else { return Ok(returned(status::INVALID_HANDLE)) };
    let Entry { identity, access, realms } = match Entry::read(call.input, Some(known))? {
        Ok(entry) => entry,
        Err(refusal) => return Ok(returned(refusal)),
    };
    Ok(answer(call.device.accounts_mut().update_user(handle, identity, access, realms)))
}

fn remove_user(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let handle = required(call.input.number("Handle")?)?;
    Ok(answer(call.device.accounts_mut().remove_user(handle)))
}

fn enabled_state(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let handle = required(call.input.number("Handle")?)?;
    let Ok(user) = call.device.accounts().user(handle) else { return Ok(returned(status::INVALID_HANDLE)) };
    Ok(Instance::default().with("Enabled", user.enabled).with("ReturnValue", status::SUCCESS))
}

fn set_enabled_state(call: &mut Invocation<'_>) -> Result<Instance, Fault> {
    let handle = required(call.input.number("Handle")?)?;
    let enabled = required(call.input.flag("Enabled")?)?;
    Ok(answer(call.device.accounts_mut().enable_user(handle, enabled)))
}

/// The parameters of an entry.
struct Entry {
    identity: Identity,
    access: Access,
    realms: Realms,
}

impl Entry {
    /// An outer error is a fault, an inner one a return value.
    fn read(input: Input<'_>, known: Option<&User>) -> Result<Result<Self, u32>, Fault> {
        let access = required(input.number("AccessPermission")?)?;
        let realms: Vec<u32> = input.numbers("Realms")?;
        Ok(Self::check(input, known, access, &realms))
    }

    fn check(input: Input<'_>, known: Option<&User>, access: u32, realms: &[u32]) -> Result<Self, u32> {
        let access = Access::from_number(access).ok_or(status::INVALID_PARAMETER)?;
        let realms =
            Realms::from_numbers(realms).filter(|_| !realms.is_empty()).ok_or(status::INVALID_REALM)?;
        let identity = match (identity(input)?, known) {
            (Some(identity), _) => identity,
            (None, Some(known)) => known.identity.clone(),
            (None, None) => return Err(status::INVALID_PARAMETER),
        };
        Ok(Self { identity, access, realms })
    }
}

/// Either a digest user with its secret, or a Kerberos one; `None` if neither is named.
fn identity(input: Input<'_>) -> Result<Option<Identity>, u32> {
    let name = input.text("DigestUsername");
    let password = input.text("DigestPassword");
    match (name, password, input.text("KerberosUserSid")) {
        (None, None, None) => Ok(None),
        (None, None, Some(sid)) => {
            let sid = STANDARD.decode(sid).ok().filter(|sid| (1..=28).contains(&sid.len()));
            sid.map(|sid| Some(Identity::Kerberos(sid))).ok_or(status::INVALID_PARAMETER)
        }
        (Some(name), Some(password), None) => {
            let ha1 = secret(password).ok_or(status::INVALID_PASSWORD)?;
            Ok(Some(Identity::Digest { name: name.to_owned(), ha1 }))
        }
        _ => Err(status::INVALID_PARAMETER),
    }
}

/// Base64 of the 16 bytes of the digest secret.
fn secret(text: &str) -> Option<Ha1> {
    let sum: [u8; 16] = STANDARD.decode(text).ok()?.try_into().ok()?;
    Some(Ha1::from_raw(&sum))
}

fn answer(outcome: Result<(), AclError>) -> Instance {
    returned(outcome.map_or_else(refusal, |()| status::SUCCESS))
}

fn refusal(error: AclError) -> u32 {
    match error {
        AclError::Full => status::MAX_LIMIT_REACHED,
        AclError::Duplicate => status::DUPLICATE,
        AclError::UnknownHandle => status::INVALID_HANDLE,
        AclError::BadName => status::INVALID_PARAMETER,
    }
}
