//! One run of the program: what the command line says for all commands, how results are shown, where secrets come from.

use std::{path::Path, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::{client::Client, failure::Failure, global::Global, output::Output, secret::Secrets};

/// How long an answer may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The same where amtd has to ask the firmware first. That takes up to two minutes while another program holds the
/// firmware's interface; a client that gives up before amtd does not learn why.
const FIRMWARE_LIMIT: Duration = Duration::from_secs(150);

/// The first pause before the daemon is tried again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(2));

/// One run of the program.
pub(crate) struct Session {
    global: Global,
    output: Output,
    secrets: Secrets<'static>,
}

impl Session {
    /// For this command line.
    pub(crate) fn new(global: Global, output: Output) -> Self {
        Self { global, output, secrets: Secrets::new() }
    }

    /// Where secrets come from.
    pub(crate) fn secrets(&mut self) -> &mut Secrets<'static> {
        &mut self.secrets
    }

    /// How results are shown.
    pub(crate) fn output(&self) -> Output {
        self.output
    }

    /// The daemon's socket.
    pub(crate) fn socket(&self) -> &Path {
        &self.global.socket
    }

    /// How long an answer may take.
    pub(crate) fn limit(&self) -> Duration {
        self.global.timeout.unwrap_or(LIMIT)
    }

    /// How long an answer may take for which amtd asks the firmware.
    pub(crate) fn firmware_limit(&self) -> Duration {
        self.global.timeout.unwrap_or(FIRMWARE_LIMIT)
    }

    /// Connects to the daemon.
    pub(crate) async fn connect(&self) -> Result<Client, Failure> {
        Ok(Client::connect(self.socket(), self.limit()).await?)
    }

    /// Connects to a daemon that is perhaps just being started, until `end`.
    pub(crate) async fn connect_until(&self, end: Instant) -> Result<Client, Failure> {
        let mut pause = PAUSES.0;
        loop {
            match Client::connect(self.socket(), self.limit()).await {
                Err(unreachable) if unreachable.may_pass() && Instant::now() < end => {}
                connected => return Ok(connected?),
            }
            sleep_until((Instant::now() + pause).min(end)).await;
            pause = (pause * 2).min(PAUSES.1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amtd_says_why_it_cannot_ask_the_firmware_before_anybody_stops_listening() {
        let config = amtd::config::Config::default();
        assert!(
            FIRMWARE_LIMIT > config.jobs.plan_limit.get() && FIRMWARE_LIMIT > config.firmware.limit.get()
        );
        assert!(FIRMWARE_LIMIT < config.control.call_limit.get());
    }

    #[tokio::test(start_paused = true)]
    async fn a_daemon_is_waited_for_as_long_as_was_said_and_not_only_nearly() {
        let directory = tempfile::tempdir().unwrap();
        let (socket, timeout) = (directory.path().join("amtd.sock"), Some(Duration::from_secs(1)));
        let global = Global { socket, timeout, json: false, no_color: true };
        let session = Session::new(global, Output::new(false, true));
        let end = Instant::now() + Duration::from_secs(10);
        assert!(session.connect_until(end).await.is_err());
        assert_eq!(Instant::now(), end);
    }
}
