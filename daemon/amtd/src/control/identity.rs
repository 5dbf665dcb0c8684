//! Who is at the other end of a connection, and what that caller may do.
//!
//! Over the Unix socket the kernel says it (`SO_PEERCRED`: user and group at the time of connecting). The other groups
//! of the caller are looked up when the first call needs them, and once for each connection: those of its process, and
//! those that the user database gives to its user, who could take them on at any time (`newgrp`). A process number may
//! have gone to another process since; what is read of one is believed only if all its user ids are the caller's, so
//! that a mistaken process is at least the same user's, who could act through it anyway.
//!
//! Over TCP it is the common name of the certificate.

use std::{ffi::CString, fmt, io, sync::Arc, time::Duration};

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};
use procfs::process::Process;
use tokio::{
    net::UnixStream,
    sync::{OnceCell, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use crate::config::Level;

/// Lookups at once: the user database may be on another machine.
const LOOKUPS: usize = 4;
/// How long one may take, with the wait for its turn.
const LOOKUP_LIMIT: Duration = Duration::from_secs(5);

/// A caller, as the limits and the log know it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Who {
    /// A local user.
    User(u32),
    /// The common name of a certificate.
    Certificate(Arc<str>),
}

impl Who {
    pub(super) fn is_root(&self) -> bool {
        *self == Self::User(0)
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(number) => write!(f, "user {number}"),
            Self::Certificate(name) => write!(f, "certificate {name:?}"),
        }
    }
}

/// The groups that give a level.
#[derive(Debug, Clone)]
pub(super) struct Groups {
    names: Arc<Names>,
    lookups: Arc<Semaphore>,
}

#[derive(Debug)]
struct Names {
    operator: String,
    admin: String,
}

impl Groups {
    pub(super) fn new(operator: String, admin: String) -> Self {
        Self { names: Arc::new(Names { operator, admin }), lookups: Arc::new(Semaphore::new(LOOKUPS)) }
    }

    /// The group to join for a level.
    pub(super) fn name(&self, level: Level) -> &str {
        if level == Level::Admin { &self.names.admin } else { &self.names.operator }
    }

    /// Off the thread that moves data; `None` if it takes too long.
    async fn level(&self, peer: Peer) -> Option<Level> {
        let (names, lookups) = (Arc::clone(&self.names), Arc::clone(&self.lookups));
        let lookup = async move {
            let permit = lookups.acquire_owned().await.ok()?;
            // The permit goes with the lookup, which goes on when nobody waits for it any more.
            let looked_up = spawn_blocking(move || {
                let level = names.level(peer);
                drop(permit);
                level
            });
            looked_up.await.ok()
        };
        timeout(LOOKUP_LIMIT, lookup).await.ok().flatten()
    }
}

impl Names {
    fn level(&self, peer: Peer) -> Level {
        let groups = peer.groups();
        let is_member = |name: &str| {
            // A group that does not exist has no members.
            Group::from_name(name).ok().flatten().is_some_and(|group| groups.contains(&group.gid.as_raw()))
        };
        match () {
            () if is_member(&self.admin) => Level::Admin,
            () if is_member(&self.operator) => Level::Operator,
            () => Level::Anyone,
        }
    }
}

/// What the kernel says of the process that connected.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer {
    user: u32,
    group: u32,
    pid: Option<i32>,
}

impl Peer {
    fn groups(self) -> Vec<u32> {
        let mut groups = vec![self.group];
        groups.extend(self.groups_of_process().unwrap_or_default());
        groups.extend(self.groups_of_user().unwrap_or_default());
        groups
    }

    fn groups_of_process(self) -> Option<Vec<u32>> {
        let status = Process::new(self.pid?).ok()?.status().ok()?;
        let users = [status.ruid, status.euid, status.suid, status.fuid];
        users.iter().all(|user| *user == self.user).then_some(status.groups)
    }

    fn groups_of_user(self) -> Option<Vec<u32>> {
        let user = User::from_uid(Uid::from_raw(self.user)).ok().flatten()?;
        let name = CString::new(user.name).ok()?;
        let groups = getgrouplist(&name, Gid::from_raw(self.group)).ok()?;
        Some(groups.into_iter().map(Gid::as_raw).collect())
    }
}

/// A caller and its level, which is found out when it matters.
#[derive(Debug)]
pub(super) struct Identity {
    who: Who,
    source: Source,
    level: OnceCell<Level>,
}

#[derive(Debug)]
enum Source {
    Kernel(Peer, Groups),
    Certificate(Level),
}

impl Identity {
    /// Whoever connected to the Unix socket.
    pub(super) fn of_peer(stream: &UnixStream, groups: Groups) -> io::Result<Self> {
        let peer = stream.peer_cred()?;
        let peer = Peer { user: peer.uid(), group: peer.gid(), pid: peer.pid() };
        Ok(Self::of_user(peer, groups))
    }

    fn of_user(peer: Peer, groups: Groups) -> Self {
        Self { who: Who::User(peer.user), source: Source::Kernel(peer, groups), level: OnceCell::new() }
    }

    /// Whoever has the key of a certificate.
    pub(super) fn of_certificate(name: &str, level: Level) -> Self {
        Self {
            who: Who::Certificate(name.into()),
            source: Source::Certificate(level),
            level: OnceCell::new(),
        }
    }

    pub(super) fn who(&self) -> &Who {
        &self.who
    }

    /// The process, for the log.
    pub(super) fn pid(&self) -> Option<i32> {
        match &self.source {
            Source::Kernel(peer, _) => peer.pid,
            Source::Certificate(_) => None,
        }
    }

    /// What the caller may do; `None` if it could not be found out in time.
    pub(super) async fn level(&self) -> Option<Level> {
        let found = self.level.get_or_try_init(|| async {
            match &self.source {
                Source::Certificate(level) => Ok(*level),
                Source::Kernel(peer, _) if peer.user == 0 => Ok(Level::Admin),
                Source::Kernel(peer, groups) => groups.level(*peer).await.ok_or(()),
            }
        });
        found.await.ok().copied()
    }
}

/// What services know about the caller of a call.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    pub(super) who: Who,
    pub(super) level: Level,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> Peer {
        let (user, group) = (nix::unistd::getuid().as_raw(), nix::unistd::getgid().as_raw());
        Peer { user, group, pid: i32::try_from(std::process::id()).ok() }
    }

    fn groups(operator: &str, admin: &str) -> Groups {
        Groups::new(operator.into(), admin.into())
    }

    fn name_of(group: u32) -> String {
        Group::from_gid(Gid::from_raw(group)).unwrap().unwrap().name
    }

    #[tokio::test]
    async fn membership_decides_and_a_group_that_does_not_exist_has_no_members() {
        // A user with a number that nobody has, so that only its group counts.
        let stranger = Peer { user: 4_000_000_000, pid: None, ..own() };
        let own = name_of(stranger.group);
        let level = |operator: &str, admin: &str| {
            let identity = Identity::of_user(stranger, groups(operator, admin));
            async move { identity.level().await }
        };
        assert_eq!(level(&own, "no-such-group").await, Some(Level::Operator));
        assert_eq!(level("no-such-group", &own).await, Some(Level::Admin));
        assert_eq!(level("no-such-group", "nor-this").await, Some(Level::Anyone));
    }

    #[tokio::test]
    async fn root_needs_no_group() {
        let root = Peer { user: 0, group: 4_000_000_000, pid: None };
        assert_eq!(Identity::of_user(root, groups("x", "y")).level().await, Some(Level::Admin));
    }

    #[test]
    fn the_groups_of_a_process_count_only_while_it_is_the_callers() {
        let own = own();
        assert!(own.groups_of_process().is_some());
        // The number has gone to a process of another user since.
        assert_eq!(Peer { user: own.user + 1, ..own }.groups_of_process(), None);
        assert_eq!(Peer { pid: None, ..own }.groups_of_process(), None);
    }
}
