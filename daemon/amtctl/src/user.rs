//! Names of users, for people.

use nix::unistd::{Uid, User};

/// Stands for a caller over TCP, who is no user of this machine.
const REMOTE: u32 = u32::MAX;

/// The name of a user, or the number of one that has no name here.
pub(crate) fn name(uid: u32) -> String {
    if uid == REMOTE {
        return "(remote)".into();
    }
    let user = User::from_uid(Uid::from_raw(uid)).ok().flatten();
    user.map_or_else(|| uid.to_string(), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_without_a_name_is_shown_by_number_and_a_remote_one_as_such() {
        assert_eq!(name(0), "root");
        assert_eq!(name(4_000_000_000), "4000000000");
        assert_eq!(name(REMOTE), "(remote)");
    }
}
