//! The MEI devices of the machine, while the daemon does not run.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use nix::unistd::{Gid, Group};
use procfs::process::FDTarget;

use super::{Check, processes};

const NAME: &str = "device";

/// Where the kernel lists the devices (mei 1.2).
const CLASS: &str = "/sys/class/mei";

pub(super) fn check() -> Check {
    let nodes = nodes(Path::new(CLASS));
    if nodes.is_empty() {
        return none();
    }
    let candidates: Vec<&Node> = nodes.iter().filter(|node| node.kind == "mei").collect();
    let evidence = nodes.iter().map(Node::describe).collect::<Vec<_>>().join("; ");
    if candidates.is_empty() {
        return Check::bad(
            NAME,
            format!("no device of kind mei: {evidence}"),
            "this machine seems to have no AMT",
        );
    }
    let held = processes::holding(|target| match target {
        FDTarget::Path(path) => candidates.iter().any(|node| node.path == *path),
        _ => false,
    });
    if held.is_empty() {
        return Check::good(NAME, evidence);
    }
    Check::warning(
        NAME,
        format!("{evidence}; open in {}", held.join(", ")),
        "it may keep amtd from the firmware: stop it if amtd says that the client is in use",
    )
}

fn none() -> Check {
    if Path::new("/sys/module/mei_me").exists() {
        return Check::bad(
            NAME,
            "the driver mei_me is loaded and finds no device",
            "enable Intel AMT (ME) in the BIOS; some machines do not have it",
        );
    }
    Check::bad(NAME, "there is no MEI device, and the driver mei_me is not loaded", "sudo modprobe mei_me")
}

struct Node {
    path: PathBuf,
    kind: String,
    state: Option<String>,
    rights: Option<String>,
}

impl Node {
    fn describe(&self) -> String {
        let state = self.state.as_deref().map(|state| format!(", state {state}")).unwrap_or_default();
        let rights = self.rights.as_deref().unwrap_or("no device file");
        format!("{} of kind {}{state}, {rights}", self.path.display(), self.kind)
    }
}

fn nodes(class: &Path) -> Vec<Node> {
    let entries = fs::read_dir(class).into_iter().flatten().flatten();
    let mut nodes: Vec<Node> = entries.map(|entry| node(&entry.path())).collect();
    nodes.sort_by(|one, other| one.path.cmp(&other.path));
    nodes
}

fn node(entry: &Path) -> Node {
    let read = |name| fs::read_to_string(entry.join(name)).ok().map(|text: String| text.trim().to_owned());
    let path = Path::new("/dev").join(entry.file_name().unwrap_or_default());
    // Kernels before 5.8 do not tell the kind, and have no other (mei 1.2).
    let kind = read("kind").unwrap_or_else(|| "mei".into());
    Node { rights: rights(&path), state: read("dev_state"), kind, path }
}

/// Who may open the node.
fn rights(path: &Path) -> Option<String> {
    let found = fs::metadata(path).ok()?;
    let group = Group::from_gid(Gid::from_raw(found.gid())).ok().flatten();
    let group = group.map_or_else(|| format!("gid {}", found.gid()), |group| group.name);
    Some(format!("uid {}, group {group}, mode {:04o}", found.uid(), found.mode() & 0o7777))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_does_not_tell_the_kind_is_not_taken_for_one_without_amt() {
        let class = tempfile::tempdir().unwrap();
        for (name, kind) in [("mei1", Some("gsc\n")), ("mei0", None)] {
            let entry = class.path().join(name);
            fs::create_dir(&entry).unwrap();
            if let Some(kind) = kind {
                fs::write(entry.join("kind"), kind).unwrap();
            }
        }
        let found = nodes(class.path());
        let kinds: Vec<_> =
            found.iter().map(|node| (node.path.to_str().unwrap(), node.kind.as_str())).collect();
        assert_eq!(kinds, [("/dev/mei0", "mei"), ("/dev/mei1", "gsc")]);
    }
}
