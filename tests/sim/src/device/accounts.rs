//! The accounts that may log in, each kept as its digest secret HA1, and the local system account's plain password.
//!
//! Which account is usable in which provisioning state: wsman 2. Checking a login is `web::digest`'s work.

use md5::{Digest, Md5};

/// Name of the local system account.
pub const LOCAL_SYSTEM_USER: &str = "$$OsAdmin";
/// Name of the administrator.
pub const ADMIN_USER: &str = "admin";

/// A password. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
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
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(..)")
    }
}

/// The digest secret of an account: 32 lower-case hex digits of MD5(user `:` realm `:` password). `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
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

    /// Takes over a secret that was computed elsewhere, as `Setup` transmits it; `None` unless it is 32 hex digits.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits: [u8; 32] = text.as_bytes().try_into().ok()?;
        digits.iter().all(u8::is_ascii_hexdigit).then(|| Self(digits.map(|digit| digit.to_ascii_lowercase())))
    }

    /// The hex digits.
    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ha1(..)")
    }
}

/// Finishes an MD5 computation and writes it as 32 lower-case hex digits.
pub(crate) fn hex_md5(md5: Md5) -> [u8; 32] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let sum = md5.finalize();
    let mut out = [0; 32];
    for (pair, byte) in out.chunks_exact_mut(2).zip(sum.iter()) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
    out
}

/// What an account may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// `admin` and the additional users: everything.
    Administrator,
    /// `$$OsAdmin`: reads, and what activation needs.
    LocalSystem,
}

/// All accounts of a device.
#[derive(Debug)]
pub(crate) struct Accounts {
    local_password: Password,
    local: Ha1,
    /// Present once the device is activated.
    admin: Option<Ha1>,
    /// Users of the access control list; usable while the device is activated.
    users: Vec<(String, Ha1)>,
}

impl Accounts {
    /// Accounts of a device that is not activated.
    pub(crate) fn new(realm: &str, local_password: Password) -> Self {
        let local = Ha1::new(LOCAL_SYSTEM_USER, realm, &local_password);
        Self { local_password, local, admin: None, users: Vec::new() }
    }

    pub(crate) fn add_user(&mut self, name: &str, ha1: Ha1) {
        self.users.push((name.to_owned(), ha1));
    }

    /// Sets the administrator's secret, or removes the administrator and all users.
    pub(crate) fn set_admin(&mut self, ha1: Option<Ha1>) {
        if ha1.is_none() {
            self.users.clear();
        }
        self.admin = ha1;
    }

    pub(crate) fn local_password(&self) -> &Password {
        &self.local_password
    }

    /// The secret and the role of `user`, if it may log in at present.
    pub(crate) fn find(&self, user: &str) -> Option<(&Ha1, Role)> {
        if user == LOCAL_SYSTEM_USER {
            return Some((&self.local, Role::LocalSystem));
        }
        let admin = self.admin.as_ref()?;
        if user == ADMIN_USER {
            return Some((admin, Role::Administrator));
        }
        self.users.iter().find(|(name, _)| name == user).map(|(_, ha1)| (ha1, Role::Administrator))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts() -> Accounts {
        Accounts::new("Digest:0", Password::new("local"))
    }

    #[test]
    fn admin_and_users_do_not_exist_before_activation() {
        let mut accounts = accounts();
        assert!(accounts.find(ADMIN_USER).is_none());
        assert_eq!(accounts.find(LOCAL_SYSTEM_USER).map(|(_, role)| role), Some(Role::LocalSystem));
        accounts.set_admin(Some(Ha1::new(ADMIN_USER, "Digest:0", &Password::new("x"))));
        accounts.add_user("agent", Ha1::new("agent", "Digest:0", &Password::new("y")));
        assert!(accounts.find("agent").is_some());
        accounts.set_admin(None);
        assert!(accounts.find("agent").is_none());
    }

    #[test]
    fn secrets_are_not_shown_by_debug() {
        let shown = format!("{:?}", accounts());
        assert!(!shown.contains("local\""), "{shown}");
        assert_eq!(format!("{:?}", Password::new("topsecret")), "Password(..)");
    }

    #[test]
    fn setup_secret_must_be_32_hex_digits() {
        // The example of RFC 2617 section 3.5.
        let expected = "939e7578ed9e3c518a452acee763bce9";
        let computed = Ha1::new("Mufasa", "testrealm@host.com", &Password::new("Circle Of Life"));
        assert_eq!(Ha1::from_hex(expected), Some(computed.clone()));
        assert_eq!(Ha1::from_hex(&expected.to_uppercase()), Some(computed));
        assert_eq!(Ha1::from_hex("939e"), None);
        assert_eq!(Ha1::from_hex(&"g".repeat(32)), None);
    }
}
