//! The number of files that the process may have open: each client is one.
//!
//! Most systems start programs with a low limit and a high ceiling, for the sake of programs that use `select(2)`.
//! This one does not, and says so by raising its own limit.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tracing::warn;

/// Files beside all connections: listening sockets, the device, the daemon's own requests, the journal, the log.
const OTHERS: usize = 128;

/// Makes room for so many clients and so many other connections, as far as the system allows. Returns how many clients
/// there is room for: were there more, nothing else could be opened any more, such as the device. They wait to be
/// accepted instead.
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
            "few files may be open at once, and so few clients; raise LimitNOFILE"
        );
    }
    room
}

/// How many clients fit into the limit. Where it is very low, nobody gets all that could be used at once.
fn room(limit: usize, others: usize) -> usize {
    limit.saturating_sub(others).max(limit / 2).max(1)
}

/// Raises the limit to a number or to its ceiling. Returns what it is then.
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
