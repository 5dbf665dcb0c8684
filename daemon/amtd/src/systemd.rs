//! The service manager: readiness, status line, watchdog, and the sockets that it opened for the daemon.
//!
//! Without a service manager (no `NOTIFY_SOCKET`, no `LISTEN_FDS`), the functions here do nothing.

use std::{io, net::TcpListener, os::unix::net::UnixListener, time::Duration};

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tracing::{info, warn};

/// The name of the socket of the control API.
const CONTROL: &str = "control";

/// Tells the service manager that the daemon is ready, even if something is still missing.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
}

/// Gives the service manager a new status line.
pub fn status(status: &str) {
    notify(&[NotifyState::Status(&one_line(status))]);
}

/// Tells the service manager that the daemon is ending.
pub fn stopping(status: &str) {
    notify(&[NotifyState::Stopping, NotifyState::Status(&one_line(status))]);
}

/// Tells the service manager that the daemon is alive. Only the driver's loop may call this: a ping from a timer would
/// prove only that the timer runs.
pub fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// How often to call [`alive`]: half of the time that the service manager allows. `None` if it does not watch.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

/// Listening sockets that the service manager opened.
#[derive(Debug, Default)]
pub struct Inherited {
    /// For clients of firmware; their addresses say for which port.
    pub clients: Vec<TcpListener>,
    /// For the control API: the socket with the name `control` (`FileDescriptorName=`).
    pub control: Option<UnixListener>,
}

/// Takes over the sockets that the service manager opened. Call it once: the result owns them.
pub fn inherited() -> Inherited {
    // The names are in the order of the sockets. Without names, all sockets are for clients.
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let mut names = names.split(':');
    let mut sockets = ListenFd::from_env();
    let mut inherited = Inherited::default();
    for place in 0..sockets.len() {
        if names.next() == Some(CONTROL) {
            inherited.control = taken(place, "Unix stream", sockets.take_unix_listener(place));
        } else {
            inherited.clients.extend(taken(place, "TCP", sockets.take_tcp_listener(place)));
        }
    }
    if sockets.len() > 0 {
        info!(sockets = sockets.len(), "took over listening sockets from the service manager");
    }
    inherited
}

fn taken<L>(place: usize, kind: &str, listener: io::Result<Option<L>>) -> Option<L> {
    listener.unwrap_or_else(|error| {
        warn!(place, %error, "a socket from the service manager is not a {kind} listener; it is not used");
        None
    })
}

fn notify(states: &[NotifyState<'_>]) {
    // Only logged: the daemon works without a service manager too.
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "cannot notify the service manager");
    }
}

/// A status can contain text that others chose, such as the name of a program that holds a port. A line break in it would
/// begin another message to the service manager.
fn one_line(status: &str) -> String {
    status.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_with_a_strange_name_cannot_speak_to_the_service_manager() {
        assert_eq!(one_line("held by evil\nMAINPID=1"), "held by evil MAINPID=1");
    }
}
