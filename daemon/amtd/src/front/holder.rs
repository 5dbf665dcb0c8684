//! Finds the program that listens on a port which the daemon cannot open.

use procfs::net::TcpState;

use super::process;

/// The process that listens on a TCP port, as `name (pid N)`; only its user if the daemon may not see the process; `None`
/// if no listener is known.
pub(super) fn of_port(port: u16) -> Option<String> {
    let tables = [procfs::net::tcp(), procfs::net::tcp6()];
    let entry = tables
        .into_iter()
        .flatten()
        .flatten()
        .find(|entry| entry.state == TcpState::Listen && entry.local_address.port() == port)?;
    Some(process_of(entry.inode).unwrap_or_else(|| format!("a process of user {}", entry.uid)))
}

fn process_of(inode: u64) -> Option<String> {
    let process = process::holding(inode, None)?;
    let name = process.stat().map_or_else(|_| "unknown".into(), |stat| stat.comm);
    Some(format!("{name} (pid {})", process.pid))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_holder_of_a_port_is_named() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let holder = of_port(port).unwrap();
        assert!(holder.ends_with(&format!("(pid {})", std::process::id())), "{holder}");
        drop(listener);
        assert_eq!(of_port(port), None);
    }
}
