//! Why the daemon fails to start or ends by itself, and the exit code for each cause (from `sysexits.h`).

use std::io;

use crate::{
    cli::DirectoryError, config::ConfigError, control::ControlError, front::ExplainError, listen::BindError,
    lock::LockError, pem::PemError, supervise::EssentialEnded, telemetry::TelemetryError,
};

/// Why the daemon cannot start or go on. The text is one clear sentence.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A recorded request cannot be explained.
    #[error(transparent)]
    Explain(#[from] ExplainError),
    /// The log cannot be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// A directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// Another daemon is running.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The sockets for status or control cannot be opened.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The control API cannot be served.
    #[error(transparent)]
    Control(ControlError),
    /// A file that the configuration names cannot be used.
    #[error(transparent)]
    Pem(#[from] PemError),
    /// The system gives no threads, timers or signals.
    #[error("the system refuses what every program needs: {0}")]
    System(#[from] io::Error),
    /// What was asked for cannot be printed.
    #[error("the output cannot be written: {0}")]
    Output(io::Error),
    /// An essential part has ended by itself.
    #[error(transparent)]
    Ended(#[from] EssentialEnded),
    /// A second signal came before the end was reached.
    #[error("told a second time to stop; exchanges under way were cut off")]
    CutShort,
}

impl Failure {
    /// The exit code.
    pub fn code(&self) -> u8 {
        match self {
            Self::CutShort => 1,
            // EX_DATAERR
            Self::Explain(ExplainError::Empty { .. } | ExplainError::Incomplete { .. }) => 65,
            // EX_NOINPUT
            Self::Explain(ExplainError::Read { .. }) => 66,
            // EX_UNAVAILABLE
            Self::Bind(BindError::Tcp { .. }) => 69,
            // EX_SOFTWARE
            Self::Ended(_) => 70,
            // EX_OSERR
            Self::System(_) => 71,
            // EX_OSFILE
            Self::Control(ControlError::Inherited(_)) => 72,
            // EX_CANTCREAT
            Self::Directory(_) | Self::Lock(LockError::Io { .. }) => 73,
            Self::Bind(BindError::Unix { .. } | BindError::NotASocket { .. }) => 73,
            // EX_IOERR
            Self::Output(_) => 74,
            // EX_TEMPFAIL
            Self::Lock(LockError::Held { .. }) | Self::Bind(BindError::Taken { .. }) => 75,
            // EX_CONFIG
            Self::Control(_) | Self::Config(_) | Self::Pem(_) | Self::Telemetry(_) => 78,
        }
    }
}

impl From<ControlError> for Failure {
    /// A socket is a socket, whoever serves it.
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Bind(error) => Self::Bind(error),
            error => Self::Control(error),
        }
    }
}
