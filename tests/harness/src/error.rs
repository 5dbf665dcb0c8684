//! What can go wrong while processes are started and spoken to. Nothing here knows how to recover: the caller is a test, a
//! benchmark or the demo, and wants to say what happened.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use crate::http::HttpError;

/// A failure of the harness or of what it runs. `Debug` prints the same text as `Display`, so that `unwrap` in a test shows
/// the log of the process and not a structure.
#[derive(thiserror::Error)]
pub enum Error {
    /// `cargo build` of the binaries did not succeed, or did not say where it put them.
    #[error("cannot build the binaries: {0}")]
    Build(String),
    /// A process could not be started.
    #[error("cannot start {name}: {source}")]
    Spawn {
        /// Name of the process.
        name: String,
        /// The system's reason.
        source: io::Error,
    },
    /// A process ended although something was still expected of it.
    #[error("{name} ended ({status}) before {awaited}; the end of its log:\n{log}")]
    Ended {
        /// Name of the process.
        name: String,
        /// How it ended.
        status: ExitStatus,
        /// What was being waited for.
        awaited: String,
        /// Last lines of its log.
        log: String,
    },
    /// Something did not happen in time.
    #[error("{name}: no {awaited} within {limit:?}; the end of its log:\n{log}")]
    TimedOut {
        /// Name of the process.
        name: String,
        /// What was being waited for.
        awaited: String,
        /// How long.
        limit: Duration,
        /// Last lines of its log.
        log: String,
    },
    /// A file or socket of the harness itself.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// An HTTP exchange failed.
    #[error("{what}: {source}")]
    Http {
        /// What was asked, of whom.
        what: String,
        /// Why it failed.
        source: HttpError,
    },
    /// An answer came, but not one that can be used.
    #[error("{what}: unexpected answer: {answer}")]
    Answer {
        /// What was asked, of whom.
        what: String,
        /// What came.
        answer: String,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// For `map_err` on operations on the file or socket at `path`.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    /// For `map_err` on an HTTP exchange described by `what`.
    pub(crate) fn http(what: impl Into<String>) -> impl FnOnce(HttpError) -> Self {
        let what = what.into();
        move |source| Self::Http { what, source }
    }
}
