//! The core stays free of IO: what it may depend on is written down here.

/// The names in a section of the manifest.
fn section(manifest: &'static str, name: &str) -> Vec<&'static str> {
    let body = manifest.split_once(&format!("[{name}]\n")).map_or("", |(_, rest)| rest);
    let lines = body.lines().take_while(|line| !line.starts_with('['));
    lines.filter_map(|line| line.split(['.', '=', ' ']).next()).filter(|name| !name.is_empty()).collect()
}

#[test]
fn core_depends_on_nothing_that_does_io() {
    let manifest = include_str!("../../Cargo.toml");
    assert_eq!(section(manifest, "dependencies"), ["bytes", "thiserror"]);
    for line in manifest.lines().filter(|line| line.starts_with('[') && line.contains("dependencies")) {
        assert!(["[dependencies]", "[dev-dependencies]"].contains(&line), "{line} would escape this test");
    }
}
