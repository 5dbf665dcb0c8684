//! Running the program, and what every output must fulfil.

use std::{
    path::Path,
    process::{Command, Output, Stdio},
    sync::OnceLock,
};

use jsonschema::Validator;
use serde_json::Value;

/// What a secret looks like in these tests; it must be seen nowhere.
pub(crate) const CANARY: &str = "c4n4ry-P@ssw0rd";

/// The program with nothing of the tester's own surroundings that could matter.
pub(crate) fn amtctl(socket: &Path, arguments: &[&str]) -> Command {
    command(Path::new(env!("CARGO_BIN_EXE_amtctl")), socket, arguments)
}

pub(crate) fn command(program: &Path, socket: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).stdin(Stdio::null()).arg("--socket").arg(socket).args(arguments);
    command
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("killed: {output:?}"))
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Standard output as a person sees it.
pub(crate) fn text(output: &Output) -> String {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "wider than a terminal: {line:?}");
        assert!(!line.contains('\x1b'), "colour without a terminal: {line:?}");
    }
    text
}

/// Standard output as one JSON document that keeps to the schema.
pub(crate) fn json(output: &Output) -> Value {
    let mut documents = json_lines(output);
    assert_eq!(documents.len(), 1, "{documents:#?}");
    documents.remove(0)
}

/// Standard output as JSON documents that keep to the schema.
pub(crate) fn json_lines(output: &Output) -> Vec<Value> {
    let documents: Result<Vec<Value>, _> =
        serde_json::Deserializer::from_slice(&output.stdout).into_iter().collect();
    let documents = documents.unwrap_or_else(|error| panic!("{error}: {output:?}"));
    for document in &documents {
        assert_valid(document);
    }
    documents
}

fn assert_valid(document: &Value) {
    static SCHEMA: OnceLock<Validator> = OnceLock::new();
    let validator = SCHEMA.get_or_init(|| {
        let schema = serde_json::from_str(include_str!("../../schema/amtctl-v1.json")).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    });
    if let Err(error) = validator.validate(document) {
        panic!("{error}\n{document:#}");
    }
}

#[test]
fn a_document_with_a_field_that_the_schema_lacks_is_noticed() {
    let document = serde_json::json!({ "schema": "amtctl/v1", "document": "closed", "id": 7 });
    assert_valid(&document);
    for (field, value) in [("more", Value::Null), ("schema", "amtctl/v0".into()), ("id", "7".into())] {
        let mut changed = document.clone();
        changed[field] = value;
        assert!(std::panic::catch_unwind(|| assert_valid(&changed)).is_err(), "{field}");
    }
}
