//! `[log]`: what is written to the log.

use tracing_subscriber::EnvFilter;

use super::section::{Problem, section};

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
    let text = &section.filter;
    let error = EnvFilter::builder().parse(text).err()?;
    let allowed = "allowed: a level (error, warn, info, debug, trace) or a list of target=level";
    Some(Problem::new("filter", format!("{text:?} is not a filter ({error}); {allowed}")))
}
