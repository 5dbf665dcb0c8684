//! What this user may do: by membership in the groups that the daemon asks for.

use nix::unistd::{Gid, Group, Uid, User, getegid, geteuid, getgroups};

use super::Check;

const NAME: &str = "access";

/// The groups as the daemon's configuration has them unless it was changed: who may look, and who may change.
const GROUPS: [(&str, &str); 2] =
    [("amt-admin", "may do everything"), ("amt", "may look at everything, and may not change the device")];

pub(super) fn check() -> Check {
    let uid = geteuid();
    if uid.is_root() {
        return Check::good(NAME, "root may do everything");
    }
    let name = user_name(uid);
    let memberships = GROUPS.map(|(group, may)| (group, may, membership(group, &name)));
    if let Some((group, may, _)) = memberships.iter().find(|(.., one)| *one == Membership::InForce) {
        return Check::good(NAME, format!("{name} is a member of {group}: {may}"));
    }
    if let Some((group, ..)) = memberships.iter().find(|(.., one)| *one == Membership::Later) {
        return Check::warning(
            NAME,
            format!("{name} is a member of {group}, but was not yet when this session began"),
            format!("log in again, or run `newgrp {group}`"),
        );
    }
    Check::warning(
        NAME,
        format!("{name} is in neither amt nor amt-admin: only status, info, health and metrics are allowed"),
        format!("sudo usermod -aG amt-admin {name}, then log in again; or use sudo"),
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Membership {
    InForce,
    /// In the database, but not of this process.
    Later,
    None,
}

fn membership(group: &str, user: &str) -> Membership {
    let Some(group) = Group::from_name(group).ok().flatten() else { return Membership::None };
    if in_force(group.gid) {
        Membership::InForce
    } else if group.mem.iter().any(|member| member == user) {
        Membership::Later
    } else {
        Membership::None
    }
}

fn in_force(gid: Gid) -> bool {
    getegid() == gid || getgroups().is_ok_and(|groups| groups.contains(&gid))
}

fn user_name(uid: Uid) -> String {
    User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_that_does_not_exist_gives_no_rights() {
        assert_eq!(membership("no-such-group-anywhere", "root"), Membership::None);
    }

    #[test]
    fn the_own_group_is_in_force() {
        assert!(in_force(getegid()));
    }
}
