//! Writes the bill of materials (CycloneDX 1.5) of what is installed: every crate that is linked into `amtd` or `amtctl`, with its
//! licence and checksum. Does not find out what is linked: it reads lines of `NAME vVERSION|LICENCE` from standard input, as
//! `cargo tree` prints them, and the checksums from `Cargo.lock` in the current directory. Run by `packaging/build`.

#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, io,
};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use toml::Table;

fn main() -> Result<()> {
    let tree = io::read_to_string(io::stdin().lock()).context("standard input")?;
    let lock: Table =
        fs::read_to_string("Cargo.lock").context("Cargo.lock")?.parse().context("Cargo.lock")?;
    println!("{:#}", bill(&tree, &checksums(&lock))?);
    Ok(())
}

/// What there is to say about one crate. Ordered, because the same sources are to make the same bill.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Crate<'a> {
    name: &'a str,
    version: &'a str,
    licence: &'a str,
}

#[derive(Debug, thiserror::Error)]
#[error("standard input: this is not a line of `cargo tree --prefix none --format '{{p}}|{{l}}'`: `{0}`")]
struct LineError(String);

/// By name and version. Crates of the workspace have none.
type Checksums<'a> = BTreeMap<(&'a str, &'a str), &'a str>;

fn checksums(lock: &Table) -> Checksums<'_> {
    let packages = lock.get("package").and_then(|packages| packages.as_array());
    packages
        .into_iter()
        .flatten()
        .filter_map(|package| {
            let field = |key| package.get(key).and_then(|value| value.as_str());
            Some(((field("name")?, field("version")?), field("checksum")?))
        })
        .collect()
}

fn bill(tree: &str, checksums: &Checksums<'_>) -> Result<Value, LineError> {
    // An empty line separates the programs.
    let lines = tree.lines().filter(|line| !line.is_empty());
    let crates = lines.map(parse).collect::<Result<BTreeSet<_>, _>>()?;
    let components: Vec<_> = crates
        .iter()
        .filter_map(|linked| {
            let checksum = checksums.get(&(linked.name, linked.version))?;
            Some(component(linked, checksum))
        })
        .collect();
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": { "type": "application", "name": "amtd", "version": env!("CARGO_PKG_VERSION") } },
        "components": components,
    }))
}

/// A crate of the workspace has its directory between version and licence.
fn parse(line: &str) -> Result<Crate<'_>, LineError> {
    let parts = || {
        let (package, licence) = line.split_once('|')?;
        let (name, rest) = package.split_once(" v")?;
        let version = rest.split(' ').next()?;
        Some(Crate { name, version, licence })
    };
    parts().ok_or_else(|| LineError(line.into()))
}

fn component(linked: &Crate<'_>, checksum: &str) -> Value {
    let Crate { name, version, licence } = linked;
    let purl = format!("pkg:cargo/{name}@{version}");
    let mut component = json!({
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
        "hashes": [{ "alg": "SHA-256", "content": checksum }],
    });
    if !licence.is_empty() {
        // Older crates separate licences to choose from by a slash.
        let choices: Vec<_> = licence.split('/').map(str::trim).collect();
        component["licenses"] = json!([{ "expression": choices.join(" OR ") }]);
    }
    component
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
        [[package]]
        name = "aes"
        version = "0.9.4"
        checksum = "abc"
        [[package]]
        name = "amtd"
        version = "0.1.0"
    "#;

    fn components(tree: &str) -> Value {
        let lock: Table = LOCK.parse().unwrap();
        bill(tree, &checksums(&lock)).unwrap()["components"].take()
    }

    #[test]
    fn names_each_foreign_crate_once_with_licence_and_checksum() {
        let tree =
            "amtd v0.1.0 (/somewhere)|Apache-2.0\naes v0.9.4|MIT / Apache-2.0\n\naes v0.9.4|MIT / Apache-2.0";
        let expected = json!([{
            "type": "library",
            "bom-ref": "pkg:cargo/aes@0.9.4",
            "name": "aes",
            "version": "0.9.4",
            "purl": "pkg:cargo/aes@0.9.4",
            "hashes": [{ "alg": "SHA-256", "content": "abc" }],
            "licenses": [{ "expression": "MIT OR Apache-2.0" }],
        }]);
        assert_eq!(components(tree), expected);
    }

    #[test]
    fn a_crate_without_a_licence_claims_none() {
        assert_eq!(components("aes v0.9.4|")[0].get("licenses"), None);
    }

    #[test]
    fn another_format_is_an_error_and_not_an_empty_bill() {
        let error = bill("aes 0.9.4", &Checksums::new()).unwrap_err();
        assert!(error.to_string().contains("aes 0.9.4"), "{error}");
    }
}
