//! Who listens on the ports that the daemon serves, while it does not run.

use procfs::{
    net::{TcpNetEntry, TcpState, tcp, tcp6},
    process::FDTarget,
};

use super::{Check, processes};

const NAME: &str = "ports";

/// What firmware asks to be forwarded: WSMAN and its older number, each without and with TLS.
const PORTS: [u16; 4] = [623, 664, 16992, 16993];

pub(super) fn check() -> Check {
    let listeners = match (tcp(), tcp6()) {
        (Err(error), _) => return Check::unknown(NAME, format!("the table of sockets: {error}"), ""),
        // A machine may do without IPv6.
        (Ok(v4), v6) => v4.into_iter().chain(v6.unwrap_or_default()),
    };
    let taken: Vec<String> = listeners
        .filter(|entry| entry.state == TcpState::Listen && PORTS.contains(&entry.local_address.port()))
        .filter_map(|entry| foreign(&entry))
        .collect();
    if taken.is_empty() {
        return Check::good(NAME, "free for amtd: 16992, 16993, 623 and 664");
    }
    Check::bad(NAME, taken.join("; "), "stop that program, or let it use another port")
}

/// Who has the port; `None` if the service manager keeps it for the daemon.
fn foreign(entry: &TcpNetEntry) -> Option<String> {
    let holders =
        processes::holding(|target| matches!(target, FDTarget::Socket(inode) if *inode == entry.inode));
    if holders.iter().any(|holder| holder == "systemd (pid 1)") {
        return None;
    }
    let who = if holders.is_empty() {
        format!("a process of uid {} (root sees which)", entry.uid)
    } else {
        holders.join(", ")
    };
    Some(format!("{} is taken by {who}", entry.local_address))
}
