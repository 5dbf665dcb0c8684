//! What firmware answers on its WSMAN port: envelopes, faults, instances; and their way to JSON and back.
//!
//! Hazard: XML that panics or exhausts the parser; a tree that changes when it is written and read again, so that a Put
//! sends something else than what was shown; JSON from a caller that does the same.

#![no_main]

use amtd_amt::wsman::{
    Element, Instance, Reference, Resource,
    classes::{
        AgentPresenceWatchdog, EthernetPortSettings, GeneralSettings, HostBasedSetupService, OptInService,
        PublicKeyCertificate, RedirectionService, TlsSettingData,
    },
    fuzzing,
    json::{children_from_json, from_json, to_json},
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|data: &[u8]| {
    let Some((mode, rest)) = data.split_first() else { return };
    if mode & 1 == 0 { check_xml(rest) } else { check_json(rest) }
});

fn check_xml(bytes: &[u8]) {
    match fuzzing::reply(bytes) {
        Ok(Some(Ok(Some(content)))) => look(&Instance::from_element(content)),
        Ok(Some(Err(fault))) => assert!(!fault.to_string().is_empty()),
        _ => {}
    }
    let Ok(element) = Element::parse(bytes) else { return };
    // The reader is more generous with names and control characters than the writer.
    if let Ok(written) = element.to_xml() {
        let again = Element::parse(&written);
        assert!(again.is_ok_and(|again| same(&again, &element)), "{}", written.escape_ascii());
    }
    look(&Instance::from_element(element.clone()));
    let _ = Reference::from_element(&element);
    let json = to_json(&element);
    if !holds_null(&json) {
        let again = from_json(element.namespace(), element.name(), &json).expect("own JSON is understood");
        assert_eq!(to_json(&again), json);
    }
}

/// Whether two trees say the same. White space beside children says nothing.
fn same(one: &Element, other: &Element) -> bool {
    one.name() == other.name()
        && one.namespace() == other.namespace()
        && one.attributes() == other.attributes()
        && one.text() == other.text()
        && one.children().len() == other.children().len()
        && one.children().iter().zip(other.children()).all(|(one, other)| same(one, other))
}

/// A property that has no value is left out on the way back.
fn holds_null(json: &Value) -> bool {
    match json {
        Value::Null => true,
        Value::Array(values) => values.iter().any(holds_null),
        Value::Object(members) => members.values().any(holds_null),
        _ => false,
    }
}

fn check_json(bytes: &[u8]) {
    let Ok(json) = serde_json::from_slice::<Value>(bytes) else { return };
    let _ = children_from_json(NAMESPACE, &json);
    let Ok(element) = from_json(NAMESPACE, "R", &json) else { return };
    // Names and characters that XML does not have are refused; what is written says the same to its reader.
    let Ok(written) = element.to_xml() else { return };
    let read = Element::parse(&written).expect("what was written can be read");
    assert_eq!(read.name(), "R", "{}", written.escape_ascii());
    assert_eq!(read.children().len(), element.children().len(), "{}", written.escape_ascii());
}

/// Every way in which the daemon reads an instance.
fn look(instance: &Instance) {
    let _ = (instance.number("A"), instance.numbers("A"), instance.boolean("A"), instance.reference("A"));
    let _ = (instance.required("A"), instance.texts("A").count());
    let settings = RedirectionService::from(instance.clone());
    let _ = (settings.state(), settings.listener_enabled());
    let port = EthernetPortSettings::from(instance.clone());
    let _ = (port.mac_address(), port.link_is_up(), port.dhcp_enabled(), port.ip_address());
    let certificate = PublicKeyCertificate::from(instance.clone());
    let _ = (certificate.is_trusted_root(), certificate.certificate());
    let tls = TlsSettingData::from(instance.clone());
    let _ = (tls.interface(), tls.is_enabled(), tls.is_mutual(), tls.accepts_plain());
    let _ = (GeneralSettings::from(instance.clone()), HostBasedSetupService::from(instance.clone()));
    let _ = (OptInService::from(instance.clone()), AgentPresenceWatchdog::from(instance.clone()));
    let _ = Resource::parse(instance.element().namespace());
}

const NAMESPACE: &str = "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_X";
