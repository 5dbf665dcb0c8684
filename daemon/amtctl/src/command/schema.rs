//! The schema of the JSON: made from the documents, checked in, and compared.
//!
//! `AMTCTL_WRITE=1 cargo test -p amtctl` writes it, and the manual pages and completions, after a change.

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings};
use serde_json::{Map, Value, json};

use super::{channels, config, doctor, events, health, info, metrics, status, version, wsman};
use crate::{
    job::{JobDocument, JobListDocument, PlanDocument},
    output::{Document, ErrorDocument, SCHEMA},
    pages,
};

/// One schema for all documents; the kind says which it is.
fn schema() -> Value {
    // What is put out is described, not what would be accepted.
    let mut generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    let documents = vec![
        one::<channels::ChannelsDocument>(&mut generator),
        one::<channels::ClosedDocument>(&mut generator),
        one::<config::ConfigCheckDocument>(&mut generator),
        one::<config::ConfigDocument>(&mut generator),
        one::<doctor::DoctorDocument>(&mut generator),
        one::<ErrorDocument>(&mut generator),
        one::<events::EventDocument>(&mut generator),
        one::<health::HealthDocument>(&mut generator),
        one::<info::Document>(&mut generator),
        one::<JobDocument>(&mut generator),
        one::<JobListDocument>(&mut generator),
        one::<metrics::MetricsDocument>(&mut generator),
        one::<PlanDocument>(&mut generator),
        one::<status::StatusDocument>(&mut generator),
        one::<version::VersionDocument>(&mut generator),
        one::<wsman::WsmanDocument>(&mut generator),
    ];
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "What amtctl --json puts out",
        "oneOf": documents,
        "$defs": generator.take_definitions(true),
    })
}

/// A document with what every document begins with. Only what is described may be there: a field that is added must be
/// added to the schema.
fn one<D: Document + JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    let schema: Schema = D::json_schema(generator);
    let mut object = schema.as_object().cloned().unwrap_or_else(Map::new);
    let mut properties = Map::new();
    properties.insert("schema".into(), json!({ "const": SCHEMA }));
    properties.insert("document".into(), json!({ "const": D::KIND }));
    if let Some(Value::Object(own)) = object.remove("properties") {
        properties.extend(own);
    }
    let mut required = vec![json!("schema"), json!("document")];
    if let Some(Value::Array(own)) = object.remove("required") {
        required.extend(own);
    }
    object.insert("title".into(), D::KIND.into());
    object.insert("properties".into(), properties.into());
    object.insert("required".into(), required.into());
    object.insert("additionalProperties".into(), false.into());
    object.into()
}

#[test]
fn a_change_of_the_json_is_seen_in_its_schema() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    pages::compare("daemon/amtctl/schema/amtctl-v1.json", &text);
}
