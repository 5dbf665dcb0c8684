//! Finds the processes that hold sockets, by a search of /proc, which takes milliseconds.

use std::collections::{BTreeSet, HashMap};

use procfs::process::{FDTarget, Process, all_processes};

/// A process that holds the socket with this inode, among those of `user` if one is given. Processes whose files the
/// daemon may not see are skipped.
pub(super) fn holding(inode: u64, user: Option<u32>) -> Option<Process> {
    let mut processes = all_processes().ok()?.flatten();
    // The owner of a process takes one system call, its files one for each, so the owner is checked first.
    processes.find(|process| {
        user.is_none_or(|user| process.uid().is_ok_and(|uid| uid == user)) && holds(process, inode)
    })
}

/// The processes that hold sockets with these inodes, as far as the daemon may see them.
pub(super) fn holders(inodes: &BTreeSet<u64>) -> HashMap<u64, Process> {
    let mut holders = HashMap::new();
    for process in all_processes().into_iter().flatten().flatten() {
        let Ok(files) = process.fd() else { continue };
        for file in files.flatten() {
            if let FDTarget::Socket(inode) = file.target
                && inodes.contains(&inode)
                && let Ok(again) = Process::new(process.pid)
            {
                holders.entry(inode).or_insert(again);
            }
        }
    }
    holders
}

fn holds(process: &Process, inode: u64) -> bool {
    let Ok(files) = process.fd() else { return false };
    files.flatten().any(|file| matches!(file.target, FDTarget::Socket(socket) if socket == inode))
}
