//! Which processes there are and what they hold, as far as this user may see it.

use procfs::process::{FDTarget, Process, all_processes};

/// Processes of this name, as `name (pid N)`.
pub(super) fn named(name: &str) -> Vec<String> {
    processes()
        .filter(|process| comm(process).is_some_and(|comm| comm.eq_ignore_ascii_case(name)))
        .map(label)
        .collect()
}

/// Processes with an open file of which `wanted` is true, as `name (pid N)`.
pub(super) fn holding(wanted: impl Fn(&FDTarget) -> bool) -> Vec<String> {
    let holds = |process: &Process| {
        let files = process.fd();
        files.is_ok_and(|files| files.flatten().any(|file| wanted(&file.target)))
    };
    processes().filter(holds).map(label).collect()
}

fn processes() -> impl Iterator<Item = Process> {
    all_processes().into_iter().flatten().flatten()
}

fn comm(process: &Process) -> Option<String> {
    process.stat().ok().map(|stat| stat.comm)
}

fn label(process: Process) -> String {
    let name = comm(&process).unwrap_or_else(|| "unknown".into());
    format!("{name} (pid {})", process.pid)
}

#[cfg(test)]
mod tests {
    use std::{fs::File, path::Path};

    use super::*;

    #[test]
    fn the_holder_of_a_file_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().canonicalize().unwrap().join("held");
        let is_it =
            |target: &FDTarget| matches!(target, FDTarget::Path(path) if path.ends_with(Path::new("held")));
        let file = File::create(&path).unwrap();
        let own = format!("(pid {})", std::process::id());
        assert!(holding(is_it).iter().any(|holder| holder.ends_with(&own)));
        drop(file);
        assert!(!holding(is_it).iter().any(|holder| holder.ends_with(&own)));
    }
}
