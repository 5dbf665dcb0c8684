//! `[log]`: what is written to the log.

use super::section::{Problem, section};
use crate::telemetry::parse_filter;

section! {
    /// The log: to the journal under systemd, else to standard error.
    struct Log {
        /// What is written: a level (`error`, `warn`, `info`, `debug`, `trace`), or a list of `target=level`, as in
        /// `"info,amtd::driver=debug"`. The command line wins.
        filter: String = "info".into();
    }
    check filter;
}

fn filter(section: &Log) -> Option<Problem> {
    let error = parse_filter(&section.filter).err()?;
    Some(Problem::new("filter", error.to_string()))
}
