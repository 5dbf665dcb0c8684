//! What every command takes on the command line, and how a length of time is written there.

use std::{path::PathBuf, time::Duration};

use clap::Args;

/// Where the daemon listens.
const DEFAULT_SOCKET: &str = "/run/amtd/amtd.sock";

/// What every command takes.
#[derive(Args)]
pub(crate) struct Global {
    /// Talk to the amtd that listens on this Unix socket
    #[arg(long, global = true, value_name = "PATH", env = "AMTD_SOCKET", hide_env_values = true,
          default_value = DEFAULT_SOCKET,
          help_heading = "Global options")]
    pub(crate) socket: PathBuf,

    /// Wait at most this long for an answer from amtd; watching a job may take longer [default: 30s, or 150s where amtd
    /// asks the firmware first]
    #[arg(long, global = true, value_name = "TIME", value_parser = duration, help_heading = "Global options")]
    pub(crate) timeout: Option<Duration>,

    /// Print JSON (schema amtctl/v1) instead of text
    #[arg(long, short = 'j', global = true, help_heading = "Global options")]
    pub(crate) json: bool,

    /// Print without colour, as with NO_COLOR
    #[arg(long, global = true, help_heading = "Global options")]
    pub(crate) no_color: bool,
}

/// Parses a length of time such as `30s`; a plain number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds) => Ok(Duration::from_secs(seconds)),
        Err(_) => {
            humantime::parse_duration(text).map_err(|_| "give seconds, or a time such as 500ms, 30s or 2m")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_number_is_seconds() {
        assert_eq!(duration("5"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(duration("soon").is_err());
    }
}
