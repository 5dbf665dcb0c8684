//! The number of files that the process may have open: each client is one.
//!
//! Most systems start programs with a low limit and a high ceiling, for the sake of programs that use `select(2)`.
//! This one does not, and says so by raising its own limit.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tracing::warn;

/// Files beside the clients: listening sockets, the device, status connections, the log.
const OTHERS: u64 = 128;

/// Makes room for so many clients, as far as the system allows. With less room, clients wait to be accepted.
pub fn make_room(clients: usize) {
    let wanted = u64::try_from(clients).unwrap_or(u64::MAX).saturating_add(OTHERS);
    match raise(wanted) {
        Ok(limit) if limit >= wanted => {}
        Ok(limit) => warn!(
            limit,
            wanted, "few files may be open at once; raise LimitNOFILE, or lower front.max_connections"
        ),
        Err(error) => warn!(%error, wanted, "cannot raise the limit of open files"),
    }
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
}
