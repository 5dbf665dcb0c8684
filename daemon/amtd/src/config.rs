//! The configuration: one typed model, read from one TOML file.
//!
//! Every limit, deadline and back-off of the daemon is a key here. A key that the model does not know is an error, as
//! is a value that is not allowed; both name the file, the line, the key and what is allowed. The model knows nothing
//! of the parts that it configures: [`app`](crate::app) hands each part its share.

mod apf;
mod classes;
mod control;
mod device;
mod firmware;
mod flows;
mod front;
mod http;
mod jobs;
mod link;
mod locate;
mod log;
mod period;
mod queue;
mod recovery;
mod reference;
mod section;
mod shutdown;

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

pub use self::{
    apf::Apf,
    classes::{Classes, EmptyList, MAX_RULES, OneOf, Pattern, PatternError, Rule, User, UserError},
    control::{Control, Level, SocketMode, SocketModeError, Tcp},
    device::Device,
    firmware::Firmware,
    flows::Flows,
    front::Front,
    http::Http,
    jobs::Jobs,
    link::Link,
    log::Log,
    period::{Period, PeriodError},
    queue::Queue,
    recovery::Recovery,
    reference::reference,
    shutdown::Shutdown,
};
use self::{locate::Document, section::Section};

/// Where the configuration is when the command line does not say.
pub const DEFAULT_PATH: &str = "/etc/amtd/amtd.toml";

/// The whole configuration. Each field is a section of the file; what is absent has its default.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `[device]`
    pub device: Device,
    /// `[recovery]`
    pub recovery: Recovery,
    /// `[link]`
    pub link: Link,
    /// `[apf]`
    pub apf: Apf,
    /// `[queue]`
    pub queue: Queue,
    /// `[front]`
    pub front: Front,
    /// `[classes]`
    pub classes: Classes,
    /// `[firmware]`
    pub firmware: Firmware,
    /// `[jobs]`
    pub jobs: Jobs,
    /// `[flows]`
    pub flows: Flows,
    /// `[http]`
    pub http: Http,
    /// `[control]`
    pub control: Control,
    /// `[shutdown]`
    pub shutdown: Shutdown,
    /// `[log]`
    pub log: Log,
    /// The file from which it was read, if it was.
    #[serde(skip)]
    pub path: Option<PathBuf>,
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is not TOML, or holds something that is not allowed.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let read = |source| ConfigError::Read { path: path.into(), source };
        let config = Self::parse(path, &fs::read_to_string(path).map_err(read)?)?;
        Ok(Self { path: Some(path.into()), ..config })
    }

    /// Reads the text of a file; `path` is only for the errors.
    ///
    /// # Errors
    ///
    /// The text is not TOML, or holds something that is not allowed.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let document = Document::new(text);
        let invalid = |faults| ConfigError::Invalid { path: path.into(), faults };
        let config: Self = toml::from_str(text).map_err(|error| invalid(vec![document.fault(&error)]))?;
        let faults: Vec<_> = config
            .sections()
            .into_iter()
            .flat_map(|(name, section)| section.problems().into_iter().map(move |problem| (name, problem)))
            .map(|(name, problem)| document.locate(name, problem))
            .collect();
        if faults.is_empty() { Ok(config) } else { Err(invalid(faults)) }
    }

    /// The sections in the order of the file. The only list of them beside the fields; a test compares the two.
    fn sections(&self) -> [(&'static str, &dyn Section); 14] {
        [
            ("device", &self.device),
            ("recovery", &self.recovery),
            ("link", &self.link),
            ("apf", &self.apf),
            ("queue", &self.queue),
            ("front", &self.front),
            ("classes", &self.classes),
            ("firmware", &self.firmware),
            ("jobs", &self.jobs),
            ("flows", &self.flows),
            ("http", &self.http),
            ("control", &self.control),
            ("shutdown", &self.shutdown),
            ("log", &self.log),
        ]
    }
}

/// Why there is no configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file says something that is not allowed.
    #[error("{}", lines(path, faults))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Everything that was found, at least one.
        faults: Vec<Fault>,
    },
}

/// One thing that is not allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1, if it can be told.
    pub line: Option<usize>,
    /// The key with its section, as in `front.ports`, if it can be told.
    pub key: Option<String>,
    /// What is wrong and what is allowed.
    pub text: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(key) = &self.key {
            write!(f, ": {key}")?;
        }
        write!(f, ": {}", self.text)
    }
}

/// One line for each fault, in the form that editors jump to.
fn lines(path: &Path, faults: &[Fault]) -> String {
    let lines: Vec<_> = faults.iter().map(|fault| format!("{}{fault}", path.display())).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests;
