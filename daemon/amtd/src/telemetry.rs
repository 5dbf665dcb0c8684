//! The log: where it goes and what is written. Set up once by `app`; everybody else only uses `tracing`.

use std::io::{self, IsTerminal};

use nix::sys::stat::fstat;
use tracing_subscriber::{
    Layer, Registry,
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// The transport of the control API. It logs a warning for each mistake of a caller, so any caller could flood the log.
/// Its warnings are logged only if the filter names it, or asks for more detail than `info`.
const TRANSPORT: &str = "h2";

/// Where the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sink {
    /// To the journal, with structured fields.
    Journal,
    /// To standard error, as lines with the time.
    Stderr,
}

/// The log cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be parsed.
    #[error(
        "{filter:?} is not a log filter ({source}); allowed: a level (error, warn, info, debug, trace) or a list of target=level"
    )]
    Filter {
        /// The filter.
        filter: String,
        /// Why.
        source: tracing_subscriber::filter::ParseError,
    },
    /// The log was set up before.
    #[error("the log is set up already")]
    Again,
}

/// Sets up the log of the process.
///
/// # Errors
///
/// The filter makes no sense, or there is a log already.
pub fn init(filter: &str) -> Result<(), TelemetryError> {
    let filter = parse_filter(filter)?;
    let sink = choose(std::env::var("JOURNAL_STREAM").ok().as_deref(), stderr_identity());
    let subscriber = tracing_subscriber::registry().with(layer(sink).with_filter(filter));
    subscriber.try_init().map_err(|_| TelemetryError::Again)
}

/// Parses a filter of the log.
///
/// # Errors
///
/// The filter makes no sense.
pub fn parse_filter(filter: &str) -> Result<Targets, TelemetryError> {
    let parsed: Targets =
        filter.parse().map_err(|source| TelemetryError::Filter { filter: filter.into(), source })?;
    let names_it = parsed.iter().any(|(target, _)| target.starts_with(TRANSPORT));
    let wants_details = parsed.default_level().is_some_and(|level| level > LevelFilter::INFO);
    Ok(if names_it || wants_details { parsed } else { parsed.with_target(TRANSPORT, LevelFilter::ERROR) })
}

fn layer(sink: Sink) -> Box<dyn Layer<Registry> + Send + Sync> {
    let journal = (sink == Sink::Journal).then(tracing_journald::layer);
    match journal {
        Some(Ok(journal)) => Box::new(journal.with_syslog_identifier("amtd".into())),
        // If its socket cannot be opened, the journal still records standard error.
        Some(Err(_)) | None => Box::new(stderr()),
    }
}

fn stderr() -> impl Layer<Registry> + Send + Sync {
    let colour =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt::layer().with_writer(io::stderr).with_ansi(colour)
}

/// systemd names the device and inode of the stream that it connected to the journal (`JOURNAL_STREAM`). A process whose
/// standard error was redirected since then has inherited the variable, but does not write to the journal.
fn choose(journal_stream: Option<&str>, stderr: Option<(u64, u64)>) -> Sink {
    let named = journal_stream.and_then(|text| text.split_once(':'));
    let named = named.and_then(|(device, inode)| Some((device.parse().ok()?, inode.parse().ok()?)));
    if named.is_some() && named == stderr { Sink::Journal } else { Sink::Stderr }
}

fn stderr_identity() -> Option<(u64, u64)> {
    fstat(io::stderr()).ok().map(|stat| (stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_journal_is_used_only_while_it_is_what_standard_error_leads_to() {
        assert_eq!(choose(Some("8:12345"), Some((8, 12345))), Sink::Journal);
        let elsewhere = [
            (None, Some((8, 12345))),
            (Some("8:12345"), Some((8, 999))),
            (Some("9:12345"), Some((8, 12345))),
            (Some("8:12345"), None),
            (Some("nonsense"), Some((8, 12345))),
            (Some(""), None),
            (None, None),
        ];
        for (variable, stderr) in elsewhere {
            assert_eq!(choose(variable, stderr), Sink::Stderr, "{variable:?} {stderr:?}");
        }
    }

    #[test]
    fn this_process_can_be_told_from_the_journal() {
        assert!(stderr_identity().is_some());
    }

    #[test]
    fn callers_cannot_flood_the_log_through_the_transport_unless_somebody_wants_to_see_it() {
        for (filter, heard) in [("info", false), ("warn", false), ("debug", true), ("info,h2=warn", true)] {
            let warns = parse_filter(filter).unwrap().would_enable("h2::proto", &tracing::Level::WARN);
            assert_eq!(warns, heard, "{filter}");
        }
        assert!(parse_filter("info").unwrap().would_enable("amtd::front", &tracing::Level::INFO));
    }

    #[test]
    fn a_filter_that_makes_no_sense_is_an_error_that_says_what_does() {
        let error = init("amtd=loud").unwrap_err().to_string();
        assert!(error.starts_with("\"amtd=loud\" is not a log filter") && error.contains("debug"), "{error}");
    }
}
