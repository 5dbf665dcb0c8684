//! The programs under test: built once per process, in the profile and target directory of the caller.

use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use crate::Error;

/// Where the programs are.
#[derive(Debug, Clone)]
pub struct Binaries {
    /// The daemon.
    pub amtd: PathBuf,
    /// Its command line client.
    pub amtctl: PathBuf,
    /// The firmware simulator.
    pub amt_sim: PathBuf,
}

/// Builds `amtd`, `amtctl` and `amt-sim` if need be, and says where they are. What cargo has to say goes to stderr.
///
/// The caller is a program that cargo built, so that its own path tells profile and target directory; both are used again.
///
/// # Errors
/// The build fails.
pub fn binaries() -> Result<&'static Binaries, Error> {
    static BUILT: OnceLock<Result<Binaries, String>> = OnceLock::new();
    BUILT.get_or_init(build).as_ref().map_err(|reason| Error::Build(reason.clone()))
}

fn build() -> Result<Binaries, String> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    // Somebody who watches wants to see it go on; a log does not.
    let quiet = !std::io::stderr().is_terminal();
    let mut command = Command::new(cargo);
    for (name, _) in std::env::vars_os().filter(|(name, _)| is_of_caller(name)) {
        command.env_remove(name);
    }
    let output = command
        .args(["build", "--bin", "amtd", "--bin", "amtctl", "--bin", "amt-sim"])
        .args(quiet.then_some("--quiet"))
        .args(["--message-format", "json-render-diagnostics"])
        .args(own_layout()?)
        .current_dir(workspace())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("cargo does not start: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo build failed ({})", output.status));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    Ok(Binaries {
        amtd: executable(&messages, "amtd")?,
        amtctl: executable(&messages, "amtctl")?,
        amt_sim: executable(&messages, "amt-sim")?,
    })
}

/// What cargo tells a program that it runs about the package of that program. There are build scripts, that of `ring` is one, which
/// are run again when it changes: each caller from another package, and none, would build anew all that needs them.
fn is_of_caller(name: &OsStr) -> bool {
    [&b"CARGO_MANIFEST_"[..], b"CARGO_PKG_"].iter().any(|prefix| name.as_encoded_bytes().starts_with(prefix))
}

/// `--profile` and `--target-dir` of the program that is running.
fn own_layout() -> Result<[OsString; 4], String> {
    let own = std::env::current_exe().map_err(|error| format!("own path is unknown: {error}"))?;
    let (profile, target) =
        layout(&own).ok_or_else(|| format!("{} is not in a cargo target directory", own.display()))?;
    Ok(["--profile".into(), profile.into(), "--target-dir".into(), target.into()])
}

/// `TARGET/PROFILE/program` or `TARGET/PROFILE/deps/program-hash`: profile and target directory.
fn layout(program: &Path) -> Option<(String, PathBuf)> {
    let mut directory = program.parent()?;
    if directory.ends_with("deps") {
        directory = directory.parent()?;
    }
    let profile = match directory.file_name()?.to_str()? {
        // The directory of the profile `dev` has another name for historical reasons.
        "debug" => "dev",
        other => other,
    };
    Some((profile.to_owned(), directory.parent()?.to_owned()))
}

fn workspace() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

/// Finds the program `name` in cargo's messages, which are one JSON object per line.
fn executable(messages: &str, name: &str) -> Result<PathBuf, String> {
    let artifacts = messages.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    artifacts
        .filter(|message| message["target"]["name"] == name)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| format!("cargo built no program named {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn profile_and_target_directory_follow_from_the_own_path() {
        let cases = [
            ("/t/debug/deps/e2e-0123", "dev", "/t"),
            ("/t/debug/demo", "dev", "/t"),
            ("/t/release/amt-bench", "release", "/t"),
            ("/t/x86_64-unknown-linux-gnu/release/deps/a-1", "release", "/t/x86_64-unknown-linux-gnu"),
        ];
        for (program, profile, target) in cases {
            assert_eq!(
                layout(Path::new(program)),
                Some((profile.to_owned(), PathBuf::from(target))),
                "{program}"
            );
        }
    }

    #[test]
    fn only_what_is_of_the_callers_package_is_kept_from_the_build() {
        assert!(is_of_caller(OsStr::new("CARGO_MANIFEST_DIR")));
        assert!(is_of_caller(OsStr::new("CARGO_PKG_VERSION_MAJOR")));
        for name in
            ["CARGO", "CARGO_HOME", "CARGO_TARGET_DIR", "CARGO_PROFILE_DEV_DEBUG", "RUSTFLAGS", "PATH"]
        {
            assert!(!is_of_caller(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn a_library_of_the_same_name_is_not_taken_for_the_program() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"amtd"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"amtd"},"executable":"/t/debug/amtd"}"#;
        assert_eq!(executable(messages, "amtd"), Ok(PathBuf::from("/t/debug/amtd")));
        assert!(executable(messages, "amt-sim").is_err());
    }
}
