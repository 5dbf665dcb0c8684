//! Digest login (RFC 7616 with MD5, wsman 2): challenges, the `Authorization` field, when to stop.
//!
//! Own code and not a crate: the known ones keep the password in memory that is not wiped, choose the qop themselves,
//! and stand on an older generation of the hash crates. No IO; called by `client`.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use ring::rand::{SecureRandom, SystemRandom};
use zeroize::Zeroize as _;

use crate::Secret;

/// Name and password of a user.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The user name.
    pub user: String,
    /// The password.
    pub password: Secret,
}

/// The realm of a device, as it is part of every password's digest: `Digest:` and 32 hexadecimal digits in upper case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Realm(String);

impl Realm {
    /// Checks the form: a wrong realm in a setup would lock everybody out.
    ///
    /// # Errors
    ///
    /// [`RealmError`], if it has another form.
    pub fn parse(text: &str) -> Result<Self, RealmError> {
        let digits = text.strip_prefix("Digest:").ok_or(RealmError)?;
        let is_digit = |digit: u8| digit.is_ascii_digit() || (b'A'..=b'F').contains(&digit);
        let in_form = digits.len() == 32 && digits.bytes().all(is_digit);
        in_form.then(|| Self(text.to_owned())).ok_or(RealmError)
    }

    /// The whole text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not the realm of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a digest realm of AMT: expected 'Digest:' and 32 upper-case hexadecimal digits")]
pub struct RealmError;

/// The digest of user, realm and password, which firmware stores instead of the password (activation 2). As good as the
/// password for whoever wants to log in: neither is shown.
#[derive(Clone)]
pub struct PasswordDigest([u8; 16]);

impl PasswordDigest {
    /// Computes it.
    pub fn new(user: &str, realm: &Realm, password: &Secret) -> Self {
        Self(md5(&[user.as_bytes(), realm.as_str().as_bytes(), password.expose().as_bytes()]))
    }

    /// 32 lower-case hexadecimal digits: the form of `Setup` and `AdminSetup`.
    pub fn hexadecimal(&self) -> Secret {
        Secret::new(hexadecimal(&self.0))
    }

    /// Base64 of the 16 bytes: the form of `SetAdminAclEntryEx` and `AddUserAclEntryEx`.
    pub fn base64(&self) -> Secret {
        Secret::new(STANDARD.encode(self.0))
    }
}

impl fmt::Debug for PasswordDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordDigest(redacted)")
    }
}

impl Drop for PasswordDigest {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The state of a login: who, with which nonce, and whether firmware has refused.
#[derive(Debug, Default)]
pub(super) struct Login {
    credentials: Option<Credentials>,
    session: Option<Session>,
    rejected: bool,
}

/// A nonce in use.
#[derive(Debug)]
struct Session {
    challenge: Challenge,
    /// Requests that have used the nonce.
    count: u32,
    /// Whether the nonce came during the present request, so that it cannot have expired.
    is_fresh: bool,
}

impl Login {
    pub(super) fn new(credentials: Option<Credentials>) -> Self {
        Self { credentials, session: None, rejected: false }
    }

    /// Lets the same credentials be tried again. A nonce that is remembered stays good.
    pub(super) fn forgive(&mut self) {
        self.rejected = false;
    }

    fn rejection(&self) -> LoginError {
        let user = self.credentials.as_ref().map(|credentials| credentials.user.clone());
        LoginError::Rejected { user: user.unwrap_or_default() }
    }

    /// A new request begins.
    pub(super) fn begin(&mut self) {
        if let Some(session) = &mut self.session {
            session.is_fresh = false;
        }
    }

    /// The value of the `Authorization` field; `None` while there is no challenge to answer. A refused password is
    /// never sent again: some refusals lock the account for everybody.
    pub(super) fn authorization(&mut self, request: &About<'_>) -> Result<Option<String>, LoginError> {
        if self.rejected {
            return Err(self.rejection());
        }
        let (Some(credentials), Some(session)) = (&self.credentials, &mut self.session) else {
            return Ok(None);
        };
        session.count =
            session.count.checked_add(1).ok_or(LoginError::Challenge(ChallengeError::Exhausted))?;
        let client_nonce = client_nonce().ok_or(LoginError::NoRandom)?;
        Ok(Some(session.challenge.answer(credentials, session.count, &client_nonce, request)))
    }

    /// Firmware has answered 401. `Ok` if another attempt with its challenge makes sense.
    pub(super) fn refused<'a>(&mut self, fields: impl Iterator<Item = &'a str>) -> Result<(), LoginError> {
        let challenge = Challenge::find(fields).map_err(LoginError::Challenge)?;
        if self.credentials.is_none() {
            return Err(LoginError::Required);
        }
        if self.session.as_ref().is_some_and(|session| session.is_fresh) && !challenge.stale {
            self.rejected = true;
            return Err(self.rejection());
        }
        self.session = Some(Session { challenge, count: 0, is_fresh: true });
        Ok(())
    }
}

/// The request that a login is about.
#[derive(Debug, Clone, Copy)]
pub(super) struct About<'a> {
    pub(super) method: &'a str,
    pub(super) uri: &'a str,
    pub(super) body: &'a [u8],
}

/// Why there is no login.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoginError {
    /// Wrong name or password, or the account is locked for a while. It is not tried again by itself.
    #[error(
        "AMT refused the login as `{user}`: the password is wrong, or the account is locked for some minutes after wrong ones"
    )]
    Rejected {
        /// The account.
        user: String,
    },
    /// Firmware wants a login and none was given.
    #[error("AMT wants a user name and a password for this")]
    Required,
    /// The challenge cannot be answered.
    #[error("AMT sent a login challenge that cannot be answered: {0}")]
    Challenge(ChallengeError),
    /// Firmware took one nonce after the other for stale.
    #[error("AMT accepts none of the nonces that it gives out")]
    AlwaysStale,
    /// The user name cannot be in an HTTP field.
    #[error("the user name has characters that cannot be sent")]
    NotSendable,
    /// The system gives no random numbers.
    #[error("the system gave no random numbers for the login")]
    NoRandom,
}

/// A challenge of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    qop: Qop,
    stale: bool,
}

/// What the answer protects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Qop {
    Auth,
    AuthInt,
}

impl Qop {
    const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}

/// What is wrong with a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChallengeError {
    /// There is no digest challenge.
    #[error("it offers no digest login")]
    None,
    /// A parameter is missing or cut off.
    #[error("its realm or nonce is missing or cut off")]
    Incomplete,
    /// Another algorithm than MD5.
    #[error("its algorithm is not MD5")]
    Algorithm,
    /// Neither `auth` nor `auth-int`.
    #[error("its qop is neither auth nor auth-int")]
    Qop,
    /// One nonce was used four thousand million times.
    #[error("its nonce is used up")]
    Exhausted,
}

impl Challenge {
    /// The digest challenge among the values of all `WWW-Authenticate` fields. One field may hold several.
    pub(super) fn find<'a>(fields: impl Iterator<Item = &'a str>) -> Result<Self, ChallengeError> {
        let mut challenges = fields.flat_map(challenges);
        let digest = challenges.find(|(scheme, _)| scheme.eq_ignore_ascii_case("digest"));
        Self::from_parameters(&digest.ok_or(ChallengeError::None)?.1)
    }

    fn from_parameters(parameters: &[(String, String)]) -> Result<Self, ChallengeError> {
        let value = |name: &str| {
            parameters
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.as_str())
        };
        if value("algorithm").is_some_and(|algorithm| !algorithm.eq_ignore_ascii_case("md5")) {
            return Err(ChallengeError::Algorithm);
        }
        let required = |name: &str| {
            let text = value(name).filter(|text| !text.is_empty());
            text.map(String::from).ok_or(ChallengeError::Incomplete)
        };
        let offered = value("qop").ok_or(ChallengeError::Qop)?;
        let offers = |qop: Qop| offered.split(',').any(|one| one.trim().eq_ignore_ascii_case(qop.name()));
        // Both work where both are offered; `auth` is what the tested programs choose.
        let qop =
            [Qop::Auth, Qop::AuthInt].into_iter().find(|qop| offers(*qop)).ok_or(ChallengeError::Qop)?;
        Ok(Self {
            realm: required("realm")?,
            nonce: required("nonce")?,
            opaque: value("opaque").map(String::from),
            qop,
            stale: value("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }

    fn answer(&self, who: &Credentials, count: u32, client_nonce: &str, about: &About<'_>) -> String {
        let response = self.response(who, count, client_nonce, about);
        let Self { realm, nonce, qop, .. } = self;
        let (user, realm, nonce) = (quoted(&who.user), quoted(realm), quoted(nonce));
        let (uri, qop) = (about.uri, qop.name());
        let mut answer = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", cnonce=\"{client_nonce}\", nc={count:08x}, qop={qop}"
        );
        if let Some(opaque) = &self.opaque {
            answer.push_str(&format!(", opaque=\"{}\"", quoted(opaque)));
        }
        answer
    }

    fn response(&self, who: &Credentials, count: u32, client_nonce: &str, about: &About<'_>) -> String {
        let mut secret = md5(&[who.user.as_bytes(), self.realm.as_bytes(), who.password.expose().as_bytes()]);
        let mut user = hexadecimal(&secret);
        let (method, uri) = (about.method.as_bytes(), about.uri.as_bytes());
        let request = match self.qop {
            Qop::Auth => md5(&[method, uri]),
            Qop::AuthInt => md5(&[method, uri, hexadecimal(&md5(&[about.body])).as_bytes()]),
        };
        let response = md5(&[
            user.as_bytes(),
            self.nonce.as_bytes(),
            format!("{count:08x}").as_bytes(),
            client_nonce.as_bytes(),
            self.qop.name().as_bytes(),
            hexadecimal(&request).as_bytes(),
        ]);
        secret.zeroize();
        user.zeroize();
        hexadecimal(&response)
    }
}

/// A scheme and its parameters.
type Parameters = (String, Vec<(String, String)>);

/// The challenges in one field: a scheme, then parameters with commas between them; commas inside quotes are text. A
/// word that no `=` follows begins the next challenge.
fn challenges(field: &str) -> Vec<Parameters> {
    let mut found: Vec<Parameters> = Vec::new();
    let mut rest = field;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if rest.is_empty() {
            return found;
        }
        rest = match after.trim_start().strip_prefix('=') {
            Some(after) => {
                let (value, after) = value(after.trim_start());
                if let Some((_, parameters)) = found.last_mut() {
                    parameters.push((word.to_owned(), value));
                }
                after
            }
            None => {
                found.push((word.to_owned(), Vec::new()));
                after
            }
        };
    }
}

/// A value with or without quotes, and what follows it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([' ', '\t', ',']).unwrap_or(text.len()));
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next()),
            other => value.push(other),
        }
    }
    (value, characters.as_str())
}

/// The text as it stands between quotes. Control characters, which no field may have, are left out.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for character in text.chars().filter(|character| !character.is_control()) {
        if matches!(character, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}

/// MD5 of the parts with colons between them.
fn md5(parts: &[&[u8]]) -> [u8; 16] {
    let mut md5 = Md5::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            md5.update(b":");
        }
        md5.update(part);
    }
    md5.finalize().into()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn client_nonce() -> Option<String> {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok()?;
    Some(hexadecimal(&bytes))
}

#[cfg(test)]
mod tests;
