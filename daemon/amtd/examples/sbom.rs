//! Writes the bill of materials (CycloneDX 1.5) of the packages that are installed: every crate that is linked into `amtd` or `amtctl`,
//! with its licence and checksum. Reads `cargo metadata` from standard input and `Cargo.lock` from the current directory. Run by the
//! package build: `cargo metadata --format-version 1 | cargo run --example sbom`.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    fs, io,
};

use serde::Deserialize;
use serde_json::{Value, json};

/// What is installed.
const PROGRAMS: [&str; 2] = ["amtd", "amtctl"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<Kind>,
}

/// `None` is an ordinary dependency; "dev" and "build" are not linked.
#[derive(Deserialize)]
struct Kind {
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let metadata: Metadata = serde_json::from_reader(io::stdin().lock())?;
    let lock: Lock = toml::from_str(&fs::read_to_string("Cargo.lock")?)?;
    serde_json::to_writer_pretty(io::stdout().lock(), &bill(&metadata, &lock))?;
    println!();
    Ok(())
}

fn bill(metadata: &Metadata, lock: &Lock) -> Value {
    let linked = linked(metadata);
    let checksums: BTreeMap<_, _> = lock
        .package
        .iter()
        .map(|locked| ((&*locked.name, &*locked.version), locked.checksum.as_deref()))
        .collect();
    let components: Vec<_> = metadata
        .packages
        .iter()
        .filter(|package| linked.contains(&*package.id) && package.source.is_some())
        .map(|package| {
            component(package, checksums.get(&(&*package.name, &*package.version)).copied().flatten())
        })
        .collect();
    json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "component": { "type": "application", "name": "amtd", "version": env!("CARGO_PKG_VERSION") } },
        "components": components,
    })
}

/// The programs and what they need, directly or not.
fn linked(metadata: &Metadata) -> BTreeSet<&str> {
    let nodes: BTreeMap<_, _> = metadata.resolve.nodes.iter().map(|node| (&*node.id, &node.deps)).collect();
    let programs = metadata.packages.iter().filter(|package| PROGRAMS.contains(&&*package.name));
    let mut waiting: Vec<&str> = programs.map(|package| &*package.id).collect();
    let mut linked = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if linked.insert(id) {
            let needed =
                nodes.get(id).into_iter().copied().flatten().filter(|dependency| is_linked(dependency));
            waiting.extend(needed.map(|dependency| &*dependency.pkg));
        }
    }
    linked
}

fn is_linked(dependency: &Dependency) -> bool {
    dependency.dep_kinds.iter().any(|kind| kind.kind.is_none())
}

fn component(package: &Package, checksum: Option<&str>) -> Value {
    let Package { name, version, license, .. } = package;
    let purl = format!("pkg:cargo/{name}@{version}");
    let mut component = json!({
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "purl": purl,
    });
    if let Some(license) = license {
        component["licenses"] = json!([{ "expression": license.replace('/', " OR ") }]);
    }
    if let Some(checksum) = checksum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
    }
    component
}
