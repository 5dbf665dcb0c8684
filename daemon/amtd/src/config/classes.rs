//! `[classes]`: which class a client's request belongs to.
//!
//! Owns how a rule is written and what a rule may say. How rules are applied is the business of
//! [`front`](crate::front).

use amtd_apf::Class;
use nix::unistd;
use serde::{Deserialize, Serialize};

use super::section::{Problem, section};

/// Most rules that a configuration may have: what is known of a request is kept as one bit for each.
pub const MAX_RULES: usize = 64;

section! {
    /// The class of a request: how urgent it is. The first rule that matches decides; a request that none matches is
    /// `interactive`. A rule matches if each of its keys does, and a key does if one entry of its list does, so that a
    /// rule with nothing but a class matches everything.
    ///
    /// `amtd --explain-class FILE` tells which rule a recorded request meets.
    struct Classes {
        /// The rules. A list in the file replaces this one: repeat here what should stay. Keys of a rule:
        ///
        /// - class: `watchdog`, `health`, `interactive` or `bulk`; the only key that every rule has
        /// - resource: classes of WSMAN, by the last segment of the request's ResourceURI
        /// - action: what is asked of them, by the last segment of the request's Action; or `Identify`
        /// - method: HTTP methods
        /// - path: HTTP paths, without the query
        /// - size: how many bytes of body the request announces at least
        /// - port: ports of the firmware, also where other local ports stand for them
        /// - user: local users who own the client's socket, by name or number
        /// - executable: programs that hold the client's socket, by absolute path
        ///
        /// Texts are compared exactly; one that ends in `*` stands for all that begin like it. Of what is not HTTP,
        /// such as TLS, only port, user and executable are known: rules with other keys do not match it. To know the
        /// executable, the files of the user's processes are searched at the start of each connection that such a
        /// rule could match, which takes milliseconds, and which the kernel allows for the processes of other users only
        /// to a daemon with CAP_SYS_PTRACE. An executable that cannot be known matches no rule that names one.
        rule: Vec<Rule> = defaults();
    }
    check problems;
}

/// One rule. A key that is `None` is not looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The class of the requests that match.
    #[serde(with = "ClassName")]
    pub class: Class,
    /// Last segment of the ResourceURI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource: Option<OneOf<Pattern>>,
    /// Last segment of the Action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<OneOf<Pattern>>,
    /// HTTP method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<OneOf<Pattern>>,
    /// HTTP path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<OneOf<Pattern>>,
    /// Bytes of body announced at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Port of the firmware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<OneOf<u16>>,
    /// Owner of the client's socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<OneOf<User>>,
    /// Program that holds the client's socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub executable: Option<OneOf<Pattern>>,
}

impl Rule {
    /// A rule that matches everything.
    pub fn any(class: Class) -> Self {
        Self {
            class,
            resource: None,
            action: None,
            method: None,
            path: None,
            size: None,
            port: None,
            user: None,
            executable: None,
        }
    }

    fn matches_everything(&self) -> bool {
        *self == Self::any(self.class)
    }
}

/// The names of the classes.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Class", rename_all = "lowercase")]
enum ClassName {
    Watchdog,
    Health,
    Interactive,
    Bulk,
}

/// A list that is not empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Vec<T>", bound(deserialize = "T: Deserialize<'de>"))]
pub struct OneOf<T>(Vec<T>);

impl<T> OneOf<T> {
    /// Whether one of the entries fits.
    pub fn any(&self, fits: impl FnMut(&T) -> bool) -> bool {
        self.0.iter().any(fits)
    }
}

/// The list has no entry: its rule could never match.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an empty list matches nothing; allowed: a list with an entry, or no such key")]
pub struct EmptyList;

impl<T> TryFrom<Vec<T>> for OneOf<T> {
    type Error = EmptyList;

    fn try_from(entries: Vec<T>) -> Result<Self, EmptyList> {
        if entries.is_empty() { Err(EmptyList) } else { Ok(Self(entries)) }
    }
}

/// A text, or with `*` at its end, the beginning of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    is_beginning: bool,
}

impl Pattern {
    /// Whether a text is meant.
    pub fn matches(&self, text: &str) -> bool {
        if self.is_beginning { text.starts_with(&self.text) } else { text == self.text }
    }
}

/// The text cannot be compared with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not allowed; allowed: a text that is not empty and has `*` at its end if anywhere")]
pub struct PatternError(String);

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(text: String) -> Result<Self, PatternError> {
        let (start, is_beginning) = match text.strip_suffix('*') {
            Some(start) => (start, true),
            None => (text.as_str(), false),
        };
        if start.contains('*') || text.is_empty() {
            return Err(PatternError(text));
        }
        Ok(Self { text: start.into(), is_beginning })
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        let end = if pattern.is_beginning { "*" } else { "" };
        pattern.text + end
    }
}

/// A local user. A name is looked up once, when the configuration is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct User {
    text: String,
    uid: u32,
}

impl User {
    /// The number of the user.
    pub fn uid(&self) -> u32 {
        self.uid
    }
}

/// There is no such user.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a user of this machine; allowed: the name or the number of one, as in \"root\" or \"1000\""
)]
pub struct UserError(String);

impl TryFrom<String> for User {
    type Error = UserError;

    fn try_from(text: String) -> Result<Self, UserError> {
        // A number needs no account: containers have users that this machine does not know.
        let number = text.parse().ok();
        let known = || unistd::User::from_name(&text).ok().flatten().map(|user| user.uid.as_raw());
        match number.or_else(known) {
            Some(uid) => Ok(Self { text, uid }),
            None => Err(UserError(text)),
        }
    }
}

impl From<User> for String {
    fn from(user: User) -> Self {
        user.text
    }
}

fn problems(section: &Classes) -> Vec<Problem> {
    let rules = &section.rule;
    let count = rules.len();
    let all = rules.iter().position(Rule::matches_everything).map_or(count, |at| at + 1);
    let ports =
        rules.iter().position(|rule| rule.port.as_ref().is_some_and(|ports| ports.any(|port| *port == 0)));
    [
        (count > MAX_RULES).then(|| format!("{count} rules are not allowed; allowed: 0 to {MAX_RULES}")),
        (all < count).then(|| {
            format!(
                "rule {all} matches everything, so that no rule behind it ever decides; allowed: as the last"
            )
        }),
        ports.map(|at| format!("rule {}: port 0 is not allowed; allowed: 1 to 65535", at + 1)),
    ]
    .into_iter()
    .flatten()
    .map(|text| Problem::new("rule", text))
    .collect()
}

fn defaults() -> Vec<Rule> {
    vec![
        // Each is an agent that says in time that it lives (wsman 14.1).
        Rule {
            resource: texts(&["AMT_AgentPresenceWatchdog", "AMT_AgentPresenceWatchdogVA"]),
            action: texts(&["RegisterAgent", "AssertPresence", "AssertShutdown"]),
            ..Rule::any(Class::Watchdog)
        },
        Rule { action: texts(&["Identify"]), ..Rule::any(Class::Health) },
        Rule { action: texts(&["Enumerate", "Pull"]), ..Rule::any(Class::Bulk) },
        Rule {
            resource: texts(&["AMT_MessageLog", "AMT_AuditLog"]),
            action: texts(&["GetRecords", "ReadRecords"]),
            ..Rule::any(Class::Bulk)
        },
        Rule {
            resource: texts(&["AMT_PublicKeyCertificate"]),
            action: texts(&["Get", "Put", "Create"]),
            ..Rule::any(Class::Bulk)
        },
        // Redirection of consoles and disks.
        Rule { port: Some(OneOf(vec![16_994, 16_995])), ..Rule::any(Class::Bulk) },
    ]
}

fn texts(texts: &[&str]) -> Option<OneOf<Pattern>> {
    let pattern = |text: &&str| Pattern { text: (*text).into(), is_beginning: false };
    Some(OneOf(texts.iter().map(pattern).collect()))
}
