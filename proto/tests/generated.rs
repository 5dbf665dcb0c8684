//! Makes the generated code again and compares it with what is checked in.
//!
//! After a change of a `.proto` file, `AMTD_PROTO_WRITE=1 cargo test -p amtd-proto --test generated` writes it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use protox::prost::Message;

/// The files of the API, in the order in which they are given to the compiler.
const FILES: [&str; 6] = ["channels", "diagnostics", "events", "jobs", "secret", "status"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// What is made: file name and content.
fn generate() -> [(&'static str, Vec<u8>); 2] {
    let files = FILES.map(|name| format!("amtd/v1/{name}.proto"));
    let mut descriptors = protox::compile(files, [root()]).unwrap();
    let out = tempfile::tempdir().unwrap();
    tonic_prost_build::configure()
        .build_transport(false)
        .skip_debug(["amtd.v1.Secret"])
        .out_dir(out.path())
        .compile_fds(descriptors.clone())
        .unwrap();
    let code = fs::read(out.path().join("amtd.v1.rs")).unwrap();
    // Comments and positions are for the generator only.
    descriptors.file.iter_mut().for_each(|file| file.source_code_info = None);
    [("amtd.v1.rs", code), ("amtd.v1.bin", descriptors.encode_to_vec())]
}

#[test]
fn generated_code_that_is_older_than_its_source_is_noticed() {
    let write = std::env::var_os("AMTD_PROTO_WRITE").is_some();
    for (name, made) in generate() {
        let path = root().join("src/gen").join(name);
        if write {
            fs::write(&path, &made).unwrap();
        }
        let same = fs::read(&path).unwrap() == made;
        assert!(
            same,
            "{} is stale; to write it, set AMTD_PROTO_WRITE=1 and run this test again",
            path.display()
        );
    }
}

#[test]
fn every_file_of_the_api_is_compiled() {
    let mut found: Vec<_> = fs::read_dir(root().join("amtd/v1"))
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(found, FILES);
}
