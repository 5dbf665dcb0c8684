//! Digest logins (MD5, qop `auth` and `auth-int`): challenges, nonces, nonce counts, lock-out (wsman 2).
//!
//! Sans-IO; the accounts themselves are `device::accounts`'s. A nonce is valid on every connection. Its count must rise with
//! every request: a repeated or lower one is answered with a new challenge marked stale, and so is a nonce that is unknown,
//! too old or used up, provided that the password was right. A wrong password counts towards the account's lock-out; during
//! it the right one is refused too. Nothing here is safe against an attacker: this is a simulator.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};

use crate::device::accounts::{Ha1, Role, hex_md5};
use crate::device::random::Random;

/// Rules about logins.
#[derive(Debug, Clone)]
pub struct LoginPolicy {
    /// Which qop values a challenge offers; no other is accepted.
    pub qop: QopOffer,
    /// What becomes of the connection after a 401.
    pub after_unauthorized: AfterUnauthorized,
    /// How many requests one nonce serves; `None` = no limit, as documented.
    pub nonce_uses: Option<u32>,
    /// How long a nonce is valid; `None` = until the server forgets it.
    pub nonce_age: Option<Duration>,
    /// Wrong passwords in a row that lock an account; 0 = never. The real number is unknown.
    pub lockout_failures: u32,
    /// How long an account stays locked. The real time is unknown.
    pub lockout_time: Duration,
}

impl Default for LoginPolicy {
    fn default() -> Self {
        Self {
            qop: QopOffer::AuthIntAuth,
            after_unauthorized: AfterUnauthorized::Close,
            nonce_uses: None,
            nonce_age: None,
            lockout_failures: 5,
            lockout_time: Duration::from_secs(30),
        }
    }
}

/// The `qop` parameter of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QopOffer {
    /// `auth`, as AMT 8 to 13 send it.
    Auth,
    /// `auth-int, auth`, as AMT 14 and later send it.
    AuthIntAuth,
}

/// What the server does with a connection after a 401.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterUnauthorized {
    /// Closes it, and says so: what real firmware usually does.
    Close,
    /// Keeps it if the request did not ask for the close.
    Keep,
}

/// A login was refused; `stale` if only because of the nonce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Denied {
    pub(super) stale: bool,
}

/// What a client claims in an `Authorization` field, and the request that it signs.
#[derive(Debug, Default)]
pub(crate) struct Claim<'a> {
    user: Cow<'a, str>,
    realm: Cow<'a, str>,
    nonce: Cow<'a, str>,
    uri: Cow<'a, str>,
    response: Cow<'a, str>,
    cnonce: Cow<'a, str>,
    nc: Cow<'a, str>,
    qop: Cow<'a, str>,
    method: &'static str,
    target: &'a str,
    body: &'a [u8],
}

impl<'a> Claim<'a> {
    /// Parses the field's value. `None` if it is not a digest login; parameters that are missing stay empty.
    pub(super) fn parse(value: &'a str) -> Option<Self> {
        let (scheme, mut rest) = value.trim().split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("digest") {
            return None;
        }
        let mut claim = Self::default();
        while let Some((name, value, after)) = next_parameter(rest)? {
            claim.set(name, value);
            rest = after;
        }
        Some(claim)
    }

    /// Adds the request that the claim is about.
    pub(super) fn about(self, method: &'static str, target: &'a str, body: &'a [u8]) -> Self {
        Self { method, target, body, ..self }
    }

    fn set(&mut self, name: &str, value: Cow<'a, str>) {
        let fields = [
            ("username", &mut self.user),
            ("realm", &mut self.realm),
            ("nonce", &mut self.nonce),
            ("uri", &mut self.uri),
            ("response", &mut self.response),
            ("cnonce", &mut self.cnonce),
            ("nc", &mut self.nc),
            ("qop", &mut self.qop),
        ];
        // Unknown parameters (algorithm, opaque) change nothing.
        if let Some((_, field)) = fields.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            *field = value;
        }
    }

    /// The response that the account's owner would have computed.
    fn expected(&self, ha1: &Ha1) -> [u8; 32] {
        let mut about = Md5::new();
        join(&mut about, &[self.method.as_bytes(), self.uri.as_bytes()]);
        if self.qop == "auth-int" {
            let mut body = Md5::new();
            body.update(self.body);
            about.update(b":");
            about.update(hex_md5(body));
        }
        let mut md5 = Md5::new();
        let (nonce, nc, cnonce) = (self.nonce.as_bytes(), self.nc.as_bytes(), self.cnonce.as_bytes());
        join(&mut md5, &[ha1.as_bytes(), nonce, nc, cnonce, self.qop.as_bytes(), &hex_md5(about)]);
        hex_md5(md5)
    }

    /// Whether what can be checked without the password is in order.
    fn fits(&self, realm: &str, offer: QopOffer) -> bool {
        let qop = self.qop == "auth" || (self.qop == "auth-int" && offer == QopOffer::AuthIntAuth);
        qop && self.realm == realm && self.uri == self.target
    }

    /// The nonce count: 8 hex digits.
    fn count(&self) -> Option<u32> {
        let valid = self.nc.len() == 8 && self.nc.bytes().all(|byte| byte.is_ascii_hexdigit());
        u32::from_str_radix(&self.nc, 16).ok().filter(|_| valid)
    }
}

fn join(md5: &mut Md5, parts: &[&[u8]]) {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            md5.update(b":");
        }
        md5.update(part);
    }
}

/// A parameter's name and value, and the text after it.
type Parameter<'a> = (&'a str, Cow<'a, str>, &'a str);

/// Splits the next `name=value` off a list; values may be quoted, with commas and escapes inside. `Some(None)` at the end of
/// the list, `None` if it is damaged.
fn next_parameter(text: &str) -> Option<Option<Parameter<'_>>> {
    let text = text.trim_start_matches([' ', '\t', ',']);
    if text.is_empty() {
        return Some(None);
    }
    let (name, text) = text.split_once('=')?;
    let text = text.trim_start();
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(',').unwrap_or(text.len());
        return Some(Some((name.trim(), text[..end].trim().into(), &text[end..])));
    };
    let end = end_of_quoted(quoted)?;
    let raw = &quoted[..end];
    let value = if raw.contains('\\') { unescape(raw).into() } else { raw.into() };
    Some(Some((name.trim(), value, &quoted[end + 1..])))
}

/// Position of the closing quote.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

fn unescape(text: &str) -> String {
    let mut characters = text.chars();
    let mut out = String::with_capacity(text.len());
    while let Some(character) = characters.next() {
        out.push(if character == '\\' { characters.next().unwrap_or('\\') } else { character });
    }
    out
}

/// Nonces that are remembered. The oldest is forgotten for a new one; its user is then told that it is stale.
const MAX_NONCES: u32 = 4096;

/// Nonces and failed logins of the server.
#[derive(Debug)]
pub(crate) struct Logins {
    policy: LoginPolicy,
    /// A ring: nonce number `n` is at `n % MAX_NONCES`.
    nonces: Vec<Nonce>,
    issued: u32,
    failures: Vec<Failures>,
    random: Random,
}

#[derive(Debug)]
struct Nonce {
    text: String,
    issued_at: Instant,
    uses: u32,
    last_count: u32,
}

/// Failed logins of one account. Only accounts that exist have one, so there are few.
#[derive(Debug)]
struct Failures {
    user: String,
    in_a_row: u32,
    locked_until: Option<Instant>,
}

impl Logins {
    pub(super) fn new(policy: LoginPolicy, seed: u64) -> Self {
        Self { policy, nonces: Vec::new(), issued: 0, failures: Vec::new(), random: Random::new(seed) }
    }

    pub(super) fn policy(&self) -> &LoginPolicy {
        &self.policy
    }

    pub(super) fn forget(&mut self) {
        self.nonces.clear();
        self.failures.clear();
        self.issued = 0;
    }

    /// The `WWW-Authenticate` field with a new nonce, complete with its line end. Its shape, blanks included, is that of AMT 16.
    pub(crate) fn challenge(&mut self, realm: &str, stale: bool, now: Instant) -> String {
        let qop = match self.policy.qop {
            QopOffer::Auth => "auth",
            QopOffer::AuthIntAuth => "auth-int, auth",
        };
        let nonce = self.issue(now);
        format!(
            "WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\",stale=\"{stale}\",qop=\"{qop}\"\r\n"
        )
    }

    /// Checks a claim against the account that `find` knows.
    pub(crate) fn check<'a>(
        &mut self,
        claim: &Claim<'_>,
        realm: &str,
        find: impl FnOnce(&str) -> Option<(&'a Ha1, Role)>,
        now: Instant,
    ) -> Result<Role, Denied> {
        const WRONG: Denied = Denied { stale: false };
        let (ha1, role) = find(&claim.user).ok_or(WRONG)?;
        if !claim.fits(realm, self.policy.qop) || self.is_locked(&claim.user, now) {
            return Err(WRONG);
        }
        if claim.expected(ha1) != *claim.response.as_bytes() {
            self.count_failure(&claim.user, now);
            return Err(WRONG);
        }
        self.failures.retain(|failures| failures.user != claim.user);
        if self.use_nonce(claim, now) { Ok(role) } else { Err(Denied { stale: true }) }
    }

    fn issue(&mut self, now: Instant) -> &str {
        let number = self.issued;
        self.issued = self.issued.wrapping_add(1);
        // Whole groups of three bytes: some clients end a parameter at its second `=`, so that padding would be lost.
        let mut bytes = [0; 24];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        bytes[8..].copy_from_slice(&self.random.bytes::<16>());
        let nonce = Nonce { text: STANDARD.encode(bytes), issued_at: now, uses: 0, last_count: 0 };
        let slot = (number % MAX_NONCES) as usize;
        if slot < self.nonces.len() {
            self.nonces[slot] = nonce;
        } else {
            self.nonces.push(nonce);
        }
        &self.nonces[slot].text
    }

    /// Whether the nonce is known, fresh, and counted upwards; uses it up by one if so.
    fn use_nonce(&mut self, claim: &Claim<'_>, now: Instant) -> bool {
        let number = match STANDARD.decode(claim.nonce.as_bytes()).as_deref() {
            Ok([a, b, c, d, ..]) => u32::from_le_bytes([*a, *b, *c, *d]),
            _ => return false,
        };
        let Some(nonce) = self.nonces.get_mut((number % MAX_NONCES) as usize) else { return false };
        let count = claim.count().filter(|count| *count > nonce.last_count);
        let fresh =
            self.policy.nonce_age.is_none_or(|age| now.saturating_duration_since(nonce.issued_at) < age);
        let unused = self.policy.nonce_uses.is_none_or(|uses| nonce.uses < uses);
        let Some(count) = count.filter(|_| nonce.text == claim.nonce && fresh && unused) else {
            return false;
        };
        nonce.last_count = count;
        nonce.uses = nonce.uses.saturating_add(1);
        true
    }

    fn is_locked(&self, user: &str, now: Instant) -> bool {
        let failures = self.failures.iter().find(|failures| failures.user == user);
        failures.and_then(|failures| failures.locked_until).is_some_and(|until| now < until)
    }

    fn count_failure(&mut self, user: &str, now: Instant) {
        let index = self.failures.iter().position(|failures| failures.user == user).unwrap_or_else(|| {
            self.failures.push(Failures { user: user.to_owned(), in_a_row: 0, locked_until: None });
            self.failures.len() - 1
        });
        let failures = &mut self.failures[index];
        failures.in_a_row += 1;
        if failures.in_a_row == self.policy.lockout_failures {
            failures.in_a_row = 0;
            failures.locked_until = Some(now + self.policy.lockout_time);
        }
    }
}

#[cfg(test)]
mod tests;
