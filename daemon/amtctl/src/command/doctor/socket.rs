//! Whether the daemon's socket can be connected to, and whose it is.

use super::Check;
use crate::{
    client::{Client, Unreachable},
    user,
};

const NAME: &str = "socket";

pub(super) fn check(connected: &Result<Client, Unreachable>) -> Check {
    match connected {
        Ok(client) => Check::good(NAME, owner(client)),
        Err(unreachable) => Check::bad(NAME, unreachable.to_string(), unreachable.next_step()),
    }
}

fn owner(client: &Client) -> String {
    let Some(peer) = client.peer() else { return "connected".into() };
    let name = user::name(peer.uid);
    match peer.pid {
        Some(pid) => format!("connected; it was opened by process {pid} of {name}"),
        None => format!("connected; it was opened by a process of {name}"),
    }
}
