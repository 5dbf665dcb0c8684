//! Where secrets come from: a file, standard input, a systemd credential, the environment, a prompt; never the command
//! line, which every local user can read.
//!
//! What is read is an [`amtd_proto::v1::Secret`], which is not shown and is wiped when it goes. Commands name the
//! secret they need; this decides where it is taken from.

mod prompt;

use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, Read},
    os::unix::{ffi::OsStringExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

use amtd_proto::v1::Secret;
use clap::Args;
use zeroize::Zeroizing;

pub(crate) use self::prompt::Terminal;

/// The longest line that is taken for a password. Firmware takes 32 characters.
const LONGEST_PASSWORD: usize = 1024;

/// The largest file that is taken for a certificate with its chain and key.
const LARGEST_CERTIFICATE: usize = 1024 * 1024;

/// Variables of the environment that hold secrets. No child inherits them.
pub(crate) const VARIABLES: [&str; 5] =
    ["AMT_PASSWORD", "AMT_NEW_PASSWORD", "MEBX_PASSWORD", "PROVISIONING_CERT", "PROVISIONING_CERT_PASSWORD"];

/// What is needed, and everything about where it can come from.
#[derive(Debug)]
pub(crate) struct Wanted {
    /// For people, as in "AMT password".
    pub(crate) name: &'static str,
    /// The flag that names a file.
    pub(crate) flag: &'static str,
    /// The variable of the environment, of the name that rpc-go uses where it has one.
    variable: &'static str,
    /// The systemd credential.
    credential: &'static str,
    /// Whether it may be empty, if that is what is given.
    may_be_empty: bool,
}

/// The password of AMT's `admin`.
pub(crate) const PASSWORD: Wanted = Wanted {
    name: "AMT password",
    flag: "--password-file",
    variable: "AMT_PASSWORD",
    credential: "amt-password",
    may_be_empty: false,
};

/// The one that is to take its place.
pub(crate) const NEW_PASSWORD: Wanted = Wanted {
    name: "new AMT password",
    flag: "--newamtpassword-file",
    variable: "AMT_NEW_PASSWORD",
    credential: "amt-new-password",
    may_be_empty: false,
};

/// The password of the firmware's own menu.
pub(crate) const MEBX_PASSWORD: Wanted = Wanted {
    name: "MEBx password",
    flag: "--mebxpassword-file",
    variable: "MEBX_PASSWORD",
    credential: "mebx-password",
    may_be_empty: false,
};

/// The password of the PKCS#12 file.
pub(crate) const CERTIFICATE_PASSWORD: Wanted = Wanted {
    name: "password of the provisioning certificate",
    flag: "--provisioningCertPwd-file",
    variable: "PROVISIONING_CERT_PASSWORD",
    credential: "provisioning-cert-password",
    may_be_empty: true,
};

/// The PKCS#12 file itself.
pub(crate) const CERTIFICATE: Wanted = Wanted {
    name: "provisioning certificate",
    flag: "--provisioningCert",
    variable: "PROVISIONING_CERT",
    credential: "provisioning-cert",
    may_be_empty: false,
};

/// Where the password of `admin` comes from.
#[derive(Args)]
pub(crate) struct PasswordArgs {
    /// Read the AMT password from the first line of this file; "-" is standard input
    #[arg(long, value_name = "FILE", help_heading = "Secrets")]
    pub(crate) password_file: Option<PathBuf>,

    /// Read the AMT password from the next line of standard input
    #[arg(long, conflicts_with = "password_file", help_heading = "Secrets")]
    pub(crate) password_stdin: bool,
}

impl PasswordArgs {
    /// The file that was named, where standard input is one as well.
    pub(crate) fn file(&self) -> Option<&Path> {
        if self.password_stdin { Some(Path::new("-")) } else { self.password_file.as_deref() }
    }
}

/// Whether a prompt asks once, or twice so that a slip of the finger locks nobody out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prompt {
    /// It is compared with what is set: a slip is noticed.
    Once,
    /// It is set.
    Twice,
}

/// Why a secret cannot be had. Never contains it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretError {
    #[error("the {} is needed, and there is no terminal to ask on", .0.name)]
    Nowhere(&'static Wanted),
    #[error("{path}: the {name} cannot be read: {source}")]
    Read { name: &'static str, path: String, source: io::Error },
    #[error("{path}: the {name} is empty")]
    Empty { name: &'static str, path: String },
    #[error("{path}: too long for the {name}")]
    TooLong { name: &'static str, path: String },
    #[error("{path}: neither a PKCS#12 file nor one in base64")]
    NotACertificate { path: String },
    #[error("the two entries for the {0} differ; nothing was done")]
    Differ(&'static str),
    #[error("the terminal cannot be used: {0}")]
    Terminal(io::Error),
    #[error("interrupted; nothing was done")]
    Interrupted,
}

impl SecretError {
    /// A stable word for programs.
    pub(crate) fn reason(&self) -> &'static str {
        match self {
            Self::Nowhere(_) => "SECRET_NEEDED",
            Self::Read { .. } => "SECRET_UNREADABLE",
            Self::Empty { .. } => "SECRET_EMPTY",
            Self::TooLong { .. } => "SECRET_TOO_LONG",
            Self::NotACertificate { .. } => "NOT_A_CERTIFICATE",
            Self::Differ(_) => "SECRETS_DIFFER",
            Self::Terminal(_) => "NO_TERMINAL",
            Self::Interrupted => "INTERRUPTED",
        }
    }

    /// What to do about it.
    pub(crate) fn next_step(&self) -> String {
        match self {
            Self::Nowhere(wanted) => ways(wanted),
            Self::NotACertificate { .. } => {
                "export the certificate with its chain and key as .pfx or .p12".into()
            }
            _ => String::new(),
        }
    }
}

/// How a secret can be given, in one sentence.
pub(crate) fn ways(wanted: &Wanted) -> String {
    let Wanted { flag, variable, credential, .. } = wanted;
    format!(
        "give it on a terminal, by {flag} FILE (\"-\" is standard input), as systemd credential {credential}, or in \
         {variable} (which other processes of the same user can read)"
    )
}

/// Finds secrets. One for the whole run: standard input is read line by line.
pub(crate) struct Secrets<'a> {
    /// Looks up a variable of the environment.
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    stdin: Box<dyn Read + 'a>,
    terminal: Option<Terminal>,
    /// What the user should know about how a secret is kept.
    warnings: Vec<String>,
}

impl Secrets<'_> {
    /// From the process's own surroundings.
    pub(crate) fn new() -> Self {
        Self {
            variable: &|name| env::var_os(name),
            stdin: Box::new(io::stdin()),
            terminal: Terminal::open(),
            warnings: Vec::new(),
        }
    }

    /// The secret: from the file if one is named, else from a credential, the environment or a prompt.
    pub(crate) fn need(
        &mut self,
        wanted: &'static Wanted,
        file: Option<&Path>,
        prompt: Prompt,
    ) -> Result<Secret, SecretError> {
        match self.find(wanted, file)? {
            Some(secret) => Ok(secret),
            None => self.ask(wanted, prompt),
        }
    }

    /// The secret, if it is anywhere; nobody is asked.
    pub(crate) fn find(
        &mut self,
        wanted: &'static Wanted,
        file: Option<&Path>,
    ) -> Result<Option<Secret>, SecretError> {
        if let Some(path) = file {
            return self.line_of(wanted, path).map(Some);
        }
        if let Some(path) = self.credential(wanted) {
            return self.line_of(wanted, &path).map(Some);
        }
        let value = (self.variable)(wanted.variable).filter(|value| wanted.may_be_empty || !value.is_empty());
        Ok(value.map(|value| Secret::new(value.into_vec())))
    }

    /// The PKCS#12 file: as it is, or base64 of it, as rpc-go takes it.
    pub(crate) fn certificate(&mut self, file: Option<&Path>) -> Result<Option<Secret>, SecretError> {
        let path = file.map(Path::to_owned).or_else(|| self.credential(&CERTIFICATE));
        let (content, origin) = match path {
            Some(path) => {
                let content = self.content(&CERTIFICATE, &path, LARGEST_CERTIFICATE)?;
                (content, display(&path))
            }
            None => match (self.variable)(CERTIFICATE.variable).filter(|value| !value.is_empty()) {
                Some(value) => (Zeroizing::new(value.into_vec()), CERTIFICATE.variable.into()),
                None => return Ok(None),
            },
        };
        pkcs12(content).map(Some).ok_or(SecretError::NotACertificate { path: origin })
    }

    /// What the user should know about how the secrets are kept, once.
    pub(crate) fn take_warnings(&mut self) -> Vec<String> {
        std::mem::take(&mut self.warnings)
    }

    /// The file of a systemd credential, if the service manager has given one.
    fn credential(&self, wanted: &Wanted) -> Option<PathBuf> {
        let directory = (self.variable)("CREDENTIALS_DIRECTORY")?;
        Some(Path::new(&directory).join(wanted.credential)).filter(|path| path.exists())
    }

    fn line_of(&mut self, wanted: &'static Wanted, path: &Path) -> Result<Secret, SecretError> {
        let Wanted { name, .. } = *wanted;
        let line = if path == Path::new("-") {
            let read = read_line(&mut self.stdin);
            read.map_err(|source| SecretError::Read { name, path: display(path), source })?
        } else {
            first_line(&self.content(wanted, path, LONGEST_PASSWORD)?)
        };
        match line.len() {
            0 if !wanted.may_be_empty => Err(SecretError::Empty { name, path: display(path) }),
            length if length > LONGEST_PASSWORD => Err(SecretError::TooLong { name, path: display(path) }),
            _ => Ok(Secret::new(line.to_vec())),
        }
    }

    fn content(
        &mut self,
        wanted: &'static Wanted,
        path: &Path,
        limit: usize,
    ) -> Result<Zeroizing<Vec<u8>>, SecretError> {
        let Wanted { name, .. } = *wanted;
        let fail = |source| SecretError::Read { name, path: display(path), source };
        let file = File::open(path).map_err(fail)?;
        let found = file.metadata().map_err(fail)?;
        if found.is_file() && found.mode() & 0o044 != 0 {
            let who = if found.mode() & 0o004 != 0 { "every local user" } else { "its group" };
            self.warnings.push(format!("{} can be read by {who}: protect it with chmod 600", path.display()));
        }
        // The whole room at once: a buffer that grows leaves copies behind.
        let mut content = Zeroizing::new(Vec::with_capacity(limit + 1));
        file.take(limit as u64 + 1).read_to_end(&mut content).map_err(fail)?;
        if content.len() > limit {
            return Err(SecretError::TooLong { name, path: display(path) });
        }
        Ok(content)
    }

    fn ask(&mut self, wanted: &'static Wanted, prompt: Prompt) -> Result<Secret, SecretError> {
        let terminal = self.terminal.as_mut().ok_or(SecretError::Nowhere(wanted))?;
        let name = wanted.name;
        let first = terminal.ask_secret(&format!("{}: ", capitalised(name)))?;
        if first.is_empty() && !wanted.may_be_empty {
            return Err(SecretError::Empty { name, path: "terminal".into() });
        }
        if prompt == Prompt::Twice {
            let again = terminal.ask_secret(&format!("{}, again: ", capitalised(name)))?;
            if first != again {
                return Err(SecretError::Differ(name));
            }
        }
        Ok(Secret::new(first.to_vec()))
    }
}

/// One line, without its end. Read byte by byte, so that nothing of the next line is lost.
fn read_line(input: &mut dyn Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_PASSWORD + 2));
    let mut byte = [0];
    while line.len() <= LONGEST_PASSWORD && input.read(&mut byte)? == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(line)
}

fn first_line(content: &[u8]) -> Zeroizing<Vec<u8>> {
    let line = content.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Zeroizing::new(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
}

/// The bytes of a PKCS#12 file, which begin with a DER sequence; decoded if they are base64.
fn pkcs12(content: Zeroizing<Vec<u8>>) -> Option<Secret> {
    const SEQUENCE: u8 = 0x30;
    if content.first() == Some(&SEQUENCE) && !content.is_ascii() {
        return Some(Secret::new(content.to_vec()));
    }
    let text: Zeroizing<Vec<u8>> =
        Zeroizing::new(content.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect());
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &*text);
    decoded.ok().map(Secret::new).filter(|secret| secret.value.first() == Some(&SEQUENCE))
}

fn display(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }
}

fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

#[cfg(test)]
mod tests;
