//! The number of files that the process may have open: each client is one.
//!
//! Most systems start programs with a low limit and a high ceiling, for the sake of programs that use `select(2)`. The
//! daemon does not use it, and raises its own limit.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tracing::warn;

/// Files beside all connections: listening sockets, the device, the daemon's own requests, the journal, the log.
const OTHERS: usize = 128;

/// Makes room for so many clients and so many other connections, as far as the system allows. Returns for how many clients
/// there is room; further ones have to wait to be accepted, because the device and other files could not be opened
/// otherwise.
#[must_use]
pub fn make_room(clients: usize, others: usize) -> usize {
    let others = others.saturating_add(OTHERS);
    let wanted = clients.saturating_add(others);
    let limit = match raise(u64::try_from(wanted).unwrap_or(u64::MAX)) {
        Ok(limit) => usize::try_from(limit).unwrap_or(usize::MAX),
        Err(error) => {
            warn!(%error, wanted, "cannot raise the limit of open files");
            return clients;
        }
    };
    let room = room(limit, others).min(clients);
    if room < clients {
        warn!(
            limit,
            wanted,
            clients = room,
            "the limit of open files allows fewer clients than configured; raise LimitNOFILE"
        );
    }
    room
}

/// How many clients fit into the limit. Under a very low limit, clients and other connections get half each.
fn room(limit: usize, others: usize) -> usize {
    limit.saturating_sub(others).max(limit / 2).max(1)
}

/// Raises the limit to `wanted` or to its ceiling. Returns the new limit.
fn raise(wanted: u64) -> nix::Result<u64> {
    let (limit, ceiling) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let raised = wanted.min(ceiling);
    if raised <= limit {
        return Ok(limit);
    }
    setrlimit(Resource::RLIMIT_NOFILE, raised, ceiling)?;
    Ok(raised)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_it_goes_and_never_lowered() {
        let (limit, ceiling) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        assert_eq!(raise(1).unwrap(), limit);
        let wanted = (limit + 1).min(ceiling);
        assert_eq!(raise(wanted).unwrap(), wanted);
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (wanted, ceiling));
        assert_eq!(raise(u64::MAX).unwrap(), ceiling);
    }

    #[test]
    fn clients_leave_files_for_everything_else() {
        assert_eq!(room(10_000, 384), 9616);
        assert_eq!(room(1024, 384), 640);
        assert_eq!(room(256, 384), 128);
        assert_eq!(room(0, 384), 1);
    }
}
