//! The accounts that may log in, each kept as its digest secret HA1, and the local system account's plain password.
//!
//! Which account is usable in which provisioning state: wsman 2; the access control list: wsman 13. When accounts come and go is
//! `provisioning`'s matter, checking a login is `web::digest`'s, what a role may do is `web::operations`'.

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

pub use self::realms::{Realm, Realms};

mod realms;

/// Name of the local system account.
pub const LOCAL_SYSTEM_USER: &str = "$$OsAdmin";
/// Name of the administrator, until it is changed.
pub const ADMIN_USER: &str = "admin";
/// Entries that the access control list holds (a guess).
const MAX_USERS: usize = 15;
/// Longest name of a digest user (a guess).
const MAX_NAME: usize = 16;

/// A password. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// Takes over the plain text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The plain text.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether firmware takes it where it sees the text: 8 to 32 characters with a capital and a small letter, a digit and
    /// another character, none of `:`, `,` and `"` (activation 1).
    #[must_use]
    pub fn is_strong(&self) -> bool {
        let has = |kind: fn(&u8) -> bool| self.0.bytes().any(|byte| kind(&byte));
        (8..=32).contains(&self.0.len())
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_punctuation)
            && self.0.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b':' | b',' | b'"'))
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// The digest secret of an account: 32 lower-case hex digits of MD5(user `:` realm `:` password). `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Ha1([u8; 32]);

impl Ha1 {
    /// Computes the secret.
    #[must_use]
    pub fn new(user: &str, realm: &str, password: &Password) -> Self {
        let mut md5 = Md5::new();
        for part in [user, ":", realm, ":", password.reveal()] {
            md5.update(part.as_bytes());
        }
        Self(hex_md5(md5))
    }

    /// Takes over a secret that was computed elsewhere, as `Setup` transmits it; `None` unless it is 32 lower-case hex digits
    /// (activation 2).
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits: [u8; 32] = text.as_bytes().try_into().ok()?;
        digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')).then_some(Self(digits))
    }

    /// Takes over a secret as the access control list transmits it: the 16 bytes themselves.
    #[must_use]
    pub fn from_raw(sum: &[u8; 16]) -> Self {
        Self(hex(sum))
    }

    /// The hex digits.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl TryFrom<String> for Ha1 {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_hex(&text).ok_or("a digest secret has 32 lower-case hex digits")
    }
}

impl From<Ha1> for String {
    fn from(ha1: Ha1) -> Self {
        ha1.0.map(char::from).iter().collect()
    }
}

impl std::fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ha1(..)")
    }
}

/// Finishes an MD5 computation and writes it as 32 lower-case hex digits.
pub(crate) fn hex_md5(md5: Md5) -> [u8; 32] {
    hex(&md5.finalize().into())
}

fn hex(sum: &[u8; 16]) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = [0; 32];
    for (pair, byte) in out.chunks_exact_mut(2).zip(sum) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    out
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The administrator: everything.
    Administrator,
    /// `$$OsAdmin`: reads, and what activation needs.
    LocalSystem,
    /// An entry of the access control list: what its realms allow.
    User(Realms),
}

/// The administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Admin {
    pub(crate) name: String,
    pub(crate) ha1: Ha1,
}

impl Admin {
    /// The administrator under the name that it has at first.
    pub(crate) fn new(ha1: Ha1) -> Self {
        Self { name: ADMIN_USER.to_owned(), ha1 }
    }
}

/// Who an entry of the access control list is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Identity {
    Digest {
        name: String,
        ha1: Ha1,
    },
    /// A security identifier. It is listed and can never log in: Kerberos is not simulated.
    Kerberos(Vec<u8>),
}

impl Identity {
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Digest { name, .. }, Self::Digest { name: other, .. }) => name == other,
            (Self::Kerberos(sid), Self::Kerberos(other)) => sid == other,
            _ => false,
        }
    }
}

/// From where an entry may log in, by its number in the access control list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Access {
    Local = 0,
    Network = 1,
    Both = 2,
}

impl Access {
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        [Self::Local, Self::Network, Self::Both].into_iter().find(|access| *access as u32 == number)
    }
}

/// An entry of the access control list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) handle: u32,
    pub(crate) identity: Identity,
    pub(crate) access: Access,
    pub(crate) realms: Realms,
    pub(crate) enabled: bool,
}

/// Why the access control list was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AclError {
    /// No room.
    Full,
    /// There is an entry of this identity.
    Duplicate,
    /// There is no entry with this handle.
    UnknownHandle,
    /// The name is empty, too long, reserved, or has characters that digest cannot carry.
    BadName,
}

/// All accounts of a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Accounts {
    local_password: Password,
    local: Ha1,
    /// There is one once the device has been activated; it may stay, unusable, after a partial unprovisioning.
    admin: Option<Admin>,
    users: Vec<User>,
    next_handle: u32,
}

impl Accounts {
    /// Accounts of a device that was never activated.
    pub(crate) fn new(realm: &str, local_password: Password) -> Self {
        let local = Ha1::new(LOCAL_SYSTEM_USER, realm, &local_password);
        Self { local_password, local, admin: None, users: Vec::new(), next_handle: 1 }
    }

    /// Gives the local system account another password, or the same under another realm.
    pub(crate) fn set_local_password(&mut self, realm: &str, password: Password) {
        self.local = Ha1::new(LOCAL_SYSTEM_USER, realm, &password);
        self.local_password = password;
    }

    /// Sets, or removes, the administrator. Returns the one before.
    pub(crate) fn set_admin(&mut self, admin: Option<Admin>) -> Option<Admin> {
        std::mem::replace(&mut self.admin, admin)
    }

    /// Removes every entry of the access control list.
    pub(crate) fn remove_users(&mut self) {
        self.users.clear();
    }

    /// Adds an entry. Returns its handle.
    pub(crate) fn add_user(
        &mut self,
        identity: Identity,
        access: Access,
        realms: Realms,
    ) -> Result<u32, AclError> {
        self.check(&identity, None)?;
        if self.users.len() == MAX_USERS {
            return Err(AclError::Full);
        }
        let handle = self.next_handle;
        self.next_handle = self.next_handle.wrapping_add(1).max(1);
        self.users.push(User { handle, identity, access, realms, enabled: true });
        Ok(handle)
    }

    /// Replaces the entry with this handle; whether it is enabled stays.
    pub(crate) fn update_user(
        &mut self,
        handle: u32,
        identity: Identity,
        access: Access,
        realms: Realms,
    ) -> Result<(), AclError> {
        self.check(&identity, Some(handle))?;
        let user = self.user_mut(handle)?;
        *user = User { identity, access, realms, ..user.clone() };
        Ok(())
    }

    pub(crate) fn remove_user(&mut self, handle: u32) -> Result<(), AclError> {
        let before = self.users.len();
        self.users.retain(|user| user.handle != handle);
        if self.users.len() < before { Ok(()) } else { Err(AclError::UnknownHandle) }
    }

    pub(crate) fn enable_user(&mut self, handle: u32, enabled: bool) -> Result<(), AclError> {
        self.user_mut(handle)?.enabled = enabled;
        Ok(())
    }

    /// Whether a new name of the administrator, or of an entry, can be used by digest.
    pub(crate) fn is_name(name: &str) -> bool {
        let printable = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b':' | b'"' | b'\\' | b',');
        (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(printable) && !name.starts_with("$$")
    }

    pub(crate) fn local_password(&self) -> &Password {
        &self.local_password
    }

    pub(crate) fn admin(&self) -> Option<&Admin> {
        self.admin.as_ref()
    }

    pub(crate) fn users(&self) -> &[User] {
        &self.users
    }

    pub(crate) fn user(&self, handle: u32) -> Result<&User, AclError> {
        self.users.iter().find(|user| user.handle == handle).ok_or(AclError::UnknownHandle)
    }

    /// The secret and the role of `user`, if it may log in over the local interface at present; before activation that is
    /// the local system account alone.
    pub(crate) fn find(&self, user: &str, activated: bool) -> Option<(&Ha1, Role)> {
        if user == LOCAL_SYSTEM_USER {
            return Some((&self.local, Role::LocalSystem));
        }
        let admin = self.admin.as_ref().filter(|_| activated)?;
        if user == admin.name {
            return Some((&admin.ha1, Role::Administrator));
        }
        let may = |entry: &&User| entry.enabled && entry.access != Access::Network;
        self.users.iter().filter(may).find_map(|entry| match &entry.identity {
            Identity::Digest { name, ha1 } if name == user => Some((ha1, Role::User(entry.realms))),
            _ => None,
        })
    }

    fn user_mut(&mut self, handle: u32) -> Result<&mut User, AclError> {
        self.users.iter_mut().find(|user| user.handle == handle).ok_or(AclError::UnknownHandle)
    }

    /// Whether an entry other than `except` may have this identity.
    fn check(&self, identity: &Identity, except: Option<u32>) -> Result<(), AclError> {
        if let Identity::Digest { name, .. } = identity {
            if !Self::is_name(name) {
                return Err(AclError::BadName);
            }
            if self.admin.as_ref().is_some_and(|admin| admin.name == *name) {
                return Err(AclError::Duplicate);
            }
        }
        let taken = |user: &User| Some(user.handle) != except && user.identity.is_same(identity);
        if self.users.iter().any(taken) { Err(AclError::Duplicate) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts::new("Digest:0", Password::new("local"))
    }

    fn digest(name: &str) -> Identity {
        Identity::Digest { name: name.into(), ha1: Ha1::new(name, "Digest:0", &Password::new("y")) }
    }

    fn admin() -> Admin {
        Admin::new(Ha1::new(ADMIN_USER, "Digest:0", &Password::new("x")))
    }

    #[test]
    fn admin_and_users_cannot_log_in_before_activation() {
        let mut accounts = accounts();
        accounts.set_admin(Some(admin()));
        accounts.add_user(digest("agent"), Access::Both, Realms::ALL).unwrap();
        assert!(accounts.find(ADMIN_USER, false).is_none() && accounts.find("agent", false).is_none());
        let local = accounts.find(LOCAL_SYSTEM_USER, false).map(|(_, role)| role);
        assert_eq!(local, Some(Role::LocalSystem));
        assert!(accounts.find(ADMIN_USER, true).is_some() && accounts.find("agent", true).is_some());
    }

    #[test]
    fn entry_of_the_network_or_disabled_or_of_kerberos_cannot_log_in_here() {
        let mut accounts = accounts();
        accounts.set_admin(Some(admin()));
        let handle = accounts.add_user(digest("agent"), Access::Network, Realms::ALL).unwrap();
        assert!(accounts.find("agent", true).is_none());
        accounts.update_user(handle, digest("agent"), Access::Local, Realms::ALL).unwrap();
        assert!(accounts.find("agent", true).is_some());
        accounts.enable_user(handle, false).unwrap();
        assert!(accounts.find("agent", true).is_none());
        accounts.add_user(Identity::Kerberos(vec![1]), Access::Both, Realms::ALL).unwrap();
        assert!(accounts.find("", true).is_none());
    }

    #[test]
    fn list_refuses_duplicates_bad_names_unknown_handles_and_more_than_it_holds() {
        let mut accounts = accounts();
        accounts.set_admin(Some(admin()));
        let mut add = |name: &str| accounts.add_user(digest(name), Access::Both, Realms::ALL);
        assert_eq!(add("one"), Ok(1));
        assert_eq!(add("one"), Err(AclError::Duplicate));
        assert_eq!(add(ADMIN_USER), Err(AclError::Duplicate));
        for bad in ["", "a:b", "$$OsAdmin", "seventeen-letters"] {
            assert_eq!(add(bad), Err(AclError::BadName), "{bad}");
        }
        for number in 1..MAX_USERS {
            assert!(add(&format!("user{number}")).is_ok());
        }
        assert_eq!(add("more"), Err(AclError::Full));
        assert_eq!(accounts.remove_user(99), Err(AclError::UnknownHandle));
        assert_eq!(accounts.remove_user(1), Ok(()));
        let next = accounts.add_user(digest("one"), Access::Both, Realms::ALL);
        assert_eq!(next, Ok(16), "a handle is not used again");
    }

    #[test]
    fn secrets_are_not_shown_by_debug() {
        let shown = format!("{:?}", accounts());
        assert!(!shown.contains("local\""), "{shown}");
        assert_eq!(format!("{:?}", Password::new("topsecret")), "Password(..)");
    }

    #[test]
    fn setup_secret_must_be_32_lower_case_hex_digits() {
        // The example of RFC 2617 section 3.5.
        let expected = "939e7578ed9e3c518a452acee763bce9";
        let computed = Ha1::new("Mufasa", "testrealm@host.com", &Password::new("Circle Of Life"));
        assert_eq!(Ha1::from_hex(expected), Some(computed.clone()));
        assert_eq!(Ha1::from_hex(&expected.to_uppercase()), None, "clients send small letters");
        let raw: Vec<u8> =
            (0..32).step_by(2).map(|at| u8::from_str_radix(&expected[at..at + 2], 16).unwrap()).collect();
        assert_eq!(Ha1::from_raw(&raw.try_into().unwrap()), computed);
        assert_eq!(Ha1::from_hex("939e"), None);
        assert_eq!(Ha1::from_hex(&"g".repeat(32)), None);
    }

    #[test]
    fn weak_password_is_told_from_a_strong_one() {
        for strong in ["P@ssw0rd", "Aa1!Aa1!"] {
            assert!(Password::new(strong).is_strong(), "{strong}");
        }
        for weak in ["P@ssw0r", "p@ssw0rd", "P@SSW0RD", "P@ssword", "Passw0rd", "P@ssw0rd:", "P@ss w0rd"] {
            assert!(!Password::new(weak).is_strong(), "{weak}");
        }
        assert!(!Password::new("Aa1!".repeat(9)).is_strong(), "too long");
    }
}
