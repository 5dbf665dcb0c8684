//! The service manager: readiness, status line, watchdog, and sockets that it opened for the daemon.
//!
//! Without one (no `NOTIFY_SOCKET`, no `LISTEN_FDS`) everything here does nothing.

use std::{net::TcpListener, time::Duration};

use listenfd::ListenFd;
use sd_notify::NotifyState;
use tracing::{info, warn};

/// Tells the service manager that the daemon serves, or serves as far as it can.
pub fn ready(status: &str) {
    notify(&[NotifyState::Ready, NotifyState::Status(&one_line(status))]);
}

/// Tells the service manager how things stand, in one line.
pub fn status(status: &str) {
    notify(&[NotifyState::Status(&one_line(status))]);
}

/// Tells the service manager that the daemon is ending.
pub fn stopping(status: &str) {
    notify(&[NotifyState::Stopping, NotifyState::Status(&one_line(status))]);
}

/// Tells the service manager that the daemon is alive. For the driver's loop alone: a ping from a timer would prove
/// only that there is a timer.
pub fn alive() {
    notify(&[NotifyState::Watchdog]);
}

/// How often [`alive`] is to be called: half of what the service manager allows. `None` when it does not watch.
pub fn watchdog_interval() -> Option<Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 2)
}

/// Listening TCP sockets that the service manager opened, to be matched with ports by their addresses. To be called
/// once: each is handed out as owned.
pub fn listeners() -> Vec<TcpListener> {
    let mut inherited = ListenFd::from_env();
    let listeners: Vec<_> =
        (0..inherited.len()).filter_map(|place| listener(&mut inherited, place)).collect();
    if !listeners.is_empty() {
        info!(sockets = listeners.len(), "took over listening sockets from the service manager");
    }
    listeners
}

fn listener(inherited: &mut ListenFd, place: usize) -> Option<TcpListener> {
    match inherited.take_tcp_listener(place) {
        Ok(listener) => listener,
        Err(error) => {
            warn!(place, %error, "a socket from the service manager is not a TCP listener; it is not used");
            None
        }
    }
}

fn notify(states: &[NotifyState<'_>]) {
    // The daemon works without a service manager, and one that does not listen cannot be told.
    if let Err(error) = sd_notify::notify(states) {
        warn!(%error, "cannot notify the service manager");
    }
}

/// A status can hold what others chose, such as the name of a program that has a port. A line break in it would begin
/// another message to the service manager.
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
