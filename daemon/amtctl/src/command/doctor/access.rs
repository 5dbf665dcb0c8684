//! What this user may do: by membership in the groups that the daemon asks for.

use std::ffi::CString;

use nix::unistd::{Gid, Group, getegid, geteuid, getgrouplist, getgroups};

use super::Check;
use crate::user;

const NAME: &str = "access";

/// The groups as the daemon's configuration has them unless it was changed: who may change the device, and who may look.
const GROUPS: [(&str, &str); 2] =
    [("amt-admin", "may do everything"), ("amt", "may look at everything, and may not change the device")];

pub(super) fn check() -> Check {
    let uid = geteuid();
    if uid.is_root() {
        return Check::good(NAME, "root may do everything");
    }
    let name = user::name(uid.as_raw());
    match GROUPS.iter().find(|(group, _)| is_member(group, &name)) {
        Some((group, may)) => Check::good(NAME, format!("{name} is a member of {group}: {may}")),
        None => Check::warning(
            NAME,
            format!(
                "{name} is in neither amt-admin nor amt: only status, info, health, metrics and version are allowed, \
                 unless [control] in the configuration of amtd names other groups"
            ),
            format!("sudo usermod -aG amt-admin {name}; or use sudo"),
        ),
    }
}

/// By the groups of this process, or by the user database, which the daemon asks, too: a session that is older than the
/// membership is no obstacle.
fn is_member(group: &str, user: &str) -> bool {
    let Some(group) = Group::from_name(group).ok().flatten() else { return false };
    let in_database = CString::new(user).ok().and_then(|user| getgrouplist(&user, getegid()).ok());
    is_in_force(group.gid) || in_database.is_some_and(|groups| groups.contains(&group.gid))
}

fn is_in_force(gid: Gid) -> bool {
    getegid() == gid || getgroups().is_ok_and(|groups| groups.contains(&gid))
}

#[cfg(test)]
mod tests {
    use nix::unistd::{Uid, User};

    use super::*;

    #[test]
    fn a_group_that_does_not_exist_gives_no_rights() {
        assert!(!is_member("no-such-group-anywhere", "root"));
    }

    #[test]
    fn membership_counts_from_the_user_database_and_from_the_process() {
        let root = User::from_uid(Uid::from_raw(0)).unwrap().unwrap();
        let group = Group::from_gid(root.gid).unwrap().unwrap();
        assert!(is_member(&group.name, &root.name));
        assert!(is_in_force(getegid()));
    }
}
