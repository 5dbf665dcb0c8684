//! XML and envelopes: what is written, what is understood, what is refused.

use proptest::prelude::*;

use super::super::envelope::{Reply, Request};
use super::super::xml::{Element, XmlError};
use super::super::{Instance, Parameters, Reference, Resource, ReturnValue, Selectors, Subcode};
use super::{amt, envelope, fault};

fn xml(request: &Request) -> String {
    String::from_utf8(request.to_xml(17).unwrap().to_vec()).unwrap()
}

fn resource(class: &str) -> Resource {
    Resource::parse(class).unwrap()
}

#[test]
fn get_is_written_as_firmware_knows_it() {
    let selectors = Selectors::none().with("InstanceID", "Intel(r) AMT Ethernet Port Settings 0");
    let written = xml(&Request::get(resource("AMT_EthernetPortSettings"), selectors));
    let expected = concat!(
        "<s:Envelope xmlns:s=\"http://www.w3.org/2003/05/soap-envelope\"><s:Header>",
        "<a:Action xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\">",
        "http://schemas.xmlsoap.org/ws/2004/09/transfer/Get</a:Action>",
        "<a:To xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\">/wsman</a:To>",
        "<w:ResourceURI xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\">",
        "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_EthernetPortSettings</w:ResourceURI>",
        "<a:MessageID xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\">17</a:MessageID>",
        "<a:ReplyTo xmlns:a=\"http://schemas.xmlsoap.org/ws/2004/08/addressing\"><a:Address>",
        "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous</a:Address></a:ReplyTo>",
        "<w:OperationTimeout xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\">PT60S</w:OperationTimeout>",
        "<w:SelectorSet xmlns:w=\"http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd\">",
        "<w:Selector Name=\"InstanceID\">Intel(r) AMT Ethernet Port Settings 0</w:Selector></w:SelectorSet>",
        "</s:Header><s:Body/></s:Envelope>",
    );
    assert_eq!(written, expected);
}

#[test]
fn method_is_written_with_its_parameters_in_order() {
    let parameters = Parameters::none().with("NextCertificate", "MIIB").with("IsLeafCertificate", true);
    let service = resource("IPS_HostBasedSetupService");
    let input = parameters.into_input(&service, "AddNextCertInChain");
    let written = xml(&Request::invoke(service, Selectors::none(), "AddNextCertInChain", input));
    let class = "http://intel.com/wbem/wscim/1/ips-schema/1/IPS_HostBasedSetupService";
    assert!(written.contains(&format!("{class}/AddNextCertInChain</a:Action>")), "{written}");
    let body = format!(
        "<s:Body><h1:AddNextCertInChain_INPUT xmlns:h1=\"{class}\"><h1:NextCertificate>MIIB</h1:NextCertificate>\
         <h1:IsLeafCertificate>true</h1:IsLeafCertificate></h1:AddNextCertInChain_INPUT></s:Body>"
    );
    assert!(written.contains(&body), "{written}");
}

#[test]
fn hostile_values_stay_values() {
    let hostile = "\"/><w:Selector Name='x'>&amp;]]>";
    let selectors = Selectors::none().with(hostile, hostile);
    let parameters = Parameters::none().with("Password", hostile);
    let class = resource("AMT_X");
    let input = parameters.into_input(&class, "M");
    let written = Request::invoke(class, selectors, "M", input).to_xml(1).unwrap();
    let envelope = Element::parse(&written).unwrap();
    let header = envelope.child("Header").unwrap();
    let selectors = header.child("SelectorSet").unwrap();
    assert_eq!(selectors.children().len(), 1);
    assert_eq!(selectors.children()[0].attribute("Name"), Some(hostile));
    assert_eq!(selectors.children()[0].text(), hostile);
    let input = envelope.child("Body").unwrap().child("M_INPUT").unwrap();
    assert_eq!(input.child("Password").unwrap().text(), hostile);
}

#[test]
fn values_that_xml_cannot_carry_are_refused_before_anything_is_sent() {
    let get = |value: &str| Request::get(resource("AMT_X"), Selectors::none().with("N", value)).to_xml(1);
    assert_eq!(get("a\0b").unwrap_err(), XmlError::Forbidden);
    assert_eq!(get("a\u{1B}b").unwrap_err(), XmlError::Forbidden);
    assert!(get("a\tb\u{E9}").is_ok());
    let input = Parameters::none().with("not a name", 1).into_input(&resource("AMT_X"), "M");
    let request = Request::invoke(resource("AMT_X"), Selectors::none(), "M", input);
    assert_eq!(request.to_xml(1).unwrap_err(), XmlError::Name);
}

#[test]
fn references_survive_the_way_to_firmware_and_back() {
    let certificate = Reference {
        resource: resource("AMT_PublicKeyCertificate"),
        selectors: Selectors::none().with("InstanceID", "Intel(r) AMT Certificate: Handle: 1"),
    };
    let rule = Reference {
        resource: resource("AMT_RemoteAccessPolicyAppliesToMPS"),
        selectors: Selectors::none().with_reference("ManagedElement", certificate.clone()),
    };
    for reference in [certificate, rule] {
        let element = reference.to_element("urn:x", "Ref");
        let read = Element::parse(&element.to_xml().unwrap()).unwrap();
        assert_eq!(Reference::from_element(&read), Some(reference));
    }
    assert_eq!(Reference::from_element(&Element::new("", "Ref")), None);
}

#[test]
fn resources_are_told_by_name_and_by_uri() {
    for (text, uri) in [
        ("AMT_X", "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_X"),
        ("IPS_X", "http://intel.com/wbem/wscim/1/ips-schema/1/IPS_X"),
        ("CIM_X", "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_X"),
    ] {
        assert_eq!(resource(text).uri(), uri);
        assert_eq!((resource(uri).class(), resource(uri).namespace()), (text, uri));
    }
    let query = resource("http://schemas.dmtf.org/wbem/wscim/1/*?a=b#c");
    assert_eq!(query.namespace(), "http://schemas.dmtf.org/wbem/wscim/1/*");
    for text in ["", "X", "AMT_a b", "AMT_<x>", "ftp://x/y", "http://x/a b"] {
        assert!(Resource::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn instance_goes_back_with_everything_that_came_and_the_change() {
    let content = "<g:A>1</g:A><g:LinkPolicy>1</g:LinkPolicy><g:LinkPolicy>14</g:LinkPolicy><g:New><g:Part>x</g:Part></g:New><g:Z>9</g:Z>";
    let mut instance =
        Instance::from_element(Element::parse(amt("AMT_X", "AMT_X", content).as_bytes()).unwrap());
    instance.set("A", 2);
    instance.set_all("LinkPolicy", [16, 224, 1]);
    instance.remove("Z");
    instance.set("Added", true);
    let written = instance.element().to_xml().unwrap();
    let class = "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_X";
    let expected = format!(
        "<h0:AMT_X xmlns:h0=\"{class}\"><h0:A>2</h0:A><h0:LinkPolicy>16</h0:LinkPolicy>\
         <h0:LinkPolicy>224</h0:LinkPolicy><h0:LinkPolicy>1</h0:LinkPolicy><h0:New><h0:Part>x</h0:Part></h0:New>\
         <h0:Added>true</h0:Added></h0:AMT_X>"
    );
    assert_eq!(str::from_utf8(&written).unwrap(), expected);
}

#[test]
fn answers_are_understood_whatever_their_prefixes_and_white_space() {
    let soap = "http://www.w3.org/2003/05/soap-envelope";
    for document in [
        format!("<Envelope xmlns=\"{soap}\"><Body><X xmlns=\"urn:x\"><Y>1</Y></X></Body></Envelope>"),
        format!(
            "\u{FEFF}<?xml version= '1.0'?>\n<q:Envelope xmlns:q= '{soap}'>\n <q:Header/> <q:Body>\n <z:X xmlns:z='urn:x'> <z:Y> 1 </z:Y>\n</z:X> </q:Body><!-- c --></q:Envelope> "
        ),
    ] {
        let Ok(Some(Reply::Body(Some(content)))) = Reply::parse(document.as_bytes()) else {
            panic!("{document}")
        };
        assert_eq!((content.name(), content.child("Y").unwrap().text()), ("X", "1"));
    }
    assert!(matches!(Reply::parse(envelope("").as_bytes()), Ok(Some(Reply::Body(None)))));
    for other in ["<html/>", "<Envelope/>", &format!("<Envelope xmlns='{soap}'/>")] {
        assert!(matches!(Reply::parse(other.as_bytes()), Ok(None)), "{other}");
    }
}

#[test]
fn faults_have_their_parts_without_prefixes() {
    let Ok(Some(Reply::Fault(found))) = Reply::parse(fault("DestinationUnreachable").as_bytes()) else {
        panic!()
    };
    assert_eq!((found.code.as_str(), &found.subcode), ("Sender", &Subcode::DestinationUnreachable));
    assert_eq!(found.to_string(), "DestinationUnreachable: A sentence of firmware's.");
    assert!(!found.is_retryable());
    let Ok(Some(Reply::Fault(busy))) = Reply::parse(fault("Concurrency").as_bytes()) else { panic!() };
    assert!(busy.is_retryable() && !busy.is_uncertain());
    let Ok(Some(Reply::Fault(odd))) = Reply::parse(fault("NewOne").as_bytes()) else { panic!() };
    assert_eq!(odd.subcode, Subcode::Other("NewOne".into()));
    let Ok(Some(Reply::Fault(empty))) = Reply::parse(envelope("<a:Fault/>").as_bytes()) else { panic!() };
    assert_eq!(empty.subcode, Subcode::Other(String::new()));
}

#[test]
fn damaged_and_hostile_documents_are_refused() {
    let deep = format!("{}{}", "<a>".repeat(40), "</a>".repeat(40));
    let wide = format!("<a>{}</a>", "<b/>".repeat(60_000));
    for (document, expected) in [
        ("", XmlError::Syntax),
        ("text", XmlError::Syntax),
        ("<a>", XmlError::Syntax),
        ("<a></b>", XmlError::Syntax),
        ("<a/><b/>", XmlError::Syntax),
        ("<a b=1/>", XmlError::Syntax),
        ("<a><@b/></a>", XmlError::Syntax),
        ("<a #b=\"1\"/>", XmlError::Syntax),
        ("<x:a/>", XmlError::Prefix),
        ("<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", XmlError::Entity),
        ("<a>&e;</a>", XmlError::Entity),
        (deep.as_str(), XmlError::Size),
        (wide.as_str(), XmlError::Size),
    ] {
        assert_eq!(Element::parse(document.as_bytes()).map(drop), Err(expected), "{document:.40}");
    }
    assert_eq!(Element::parse(b"<a>\xFF</a>").map(drop), Err(XmlError::Encoding));
}

#[test]
fn texts_are_in_no_debug_output() {
    let secret = Element::new("urn:x", "Password").with_text("canary").with_child(Element::new("", "B"));
    assert_eq!(format!("{secret:?}"), "<Password (text) <B>>");
    let parameters = Parameters::none().with_secret("Password", &crate::Secret::new("canary".into()));
    assert!(!format!("{parameters:?}").contains("canary"));
}

#[test]
fn numbers_mean_what_their_method_says() {
    for (class, method, code, name) in [
        ("IPS_HostBasedSetupService", "Setup", 5, Some("AUTHENTICATION_FAILED")),
        ("IPS_HostBasedSetupService", "AddNextCertInChain", 5, Some("CHAIN_LENGTH_EXCEEDED")),
        ("AMT_SetupAndConfigurationService", "CommitChanges", 2057, Some("DATA_MISSING")),
        ("AMT_SetupAndConfigurationService", "Unprovision", 5, Some("TABLE_FINGERPRINT_NOT_AVAILABLE")),
        ("AMT_RedirectionService", "RequestStateChange", 4099, Some("BUSY")),
        ("AMT_X", "M", 9999, None),
    ] {
        let value = ReturnValue::new(class, method, code);
        assert_eq!(value.name(), name, "{value}");
        assert_eq!(value.clone().check(), Err(value));
    }
    assert!(ReturnValue::new("CIM_KVMRedirectionSAP", "RequestStateChange", 4096).is_success());
    assert!(!ReturnValue::new("AMT_X", "M", 4096).is_success());
    let refused = ReturnValue::new("IPS_HostBasedSetupService", "Setup", 2);
    assert_eq!(refused.to_string(), "IPS_HostBasedSetupService.Setup returned INVALID_STATE (2)");
    assert_eq!(refused.status(), None, "its numbers are its own");
}

fn whole_answer() -> String {
    let content = "<g:DigestRealm>x &amp; y</g:DigestRealm><g:A g:b='c'>1</g:A><g:A/>";
    envelope(&amt("AMT_GeneralSettings", "AMT_GeneralSettings", content))
}

proptest! {
    #[test]
    fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let shown = format!("{:?}", Reply::parse(&bytes));
        prop_assert!(!shown.is_empty());
    }

    #[test]
    fn no_markup_makes_the_parser_panic(text in "[<>/a:x='\"&;!\\[\\]?# -]{0,80}") {
        let shown = format!("{:?}", Reply::parse(text.as_bytes()));
        prop_assert!(!shown.is_empty());
    }

    #[test]
    fn answer_cut_anywhere_is_an_error(cut in 1_usize..600) {
        let answer = whole_answer();
        prop_assume!(cut < answer.len());
        prop_assert!(!matches!(Reply::parse(&answer.as_bytes()[..cut]), Ok(Some(_))));
    }

    #[test]
    fn answer_with_a_changed_byte_is_an_answer_or_an_error(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut answer = whole_answer().into_bytes();
        let place = place.index(answer.len());
        answer[place] = byte;
        let shown = format!("{:?}", Reply::parse(&answer));
        prop_assert!(!shown.is_empty());
    }

    #[test]
    fn every_tree_is_read_as_it_was_written(texts in proptest::collection::vec("[^\\p{C}\\s][^\\p{C}]{0,10}[^\\p{C}\\s]", 1..6)) {
        let tree = texts.iter().fold(Element::new("urn:a", "Root"), |tree, text| {
            tree.with_child(Element::new("urn:b", "Child").with_text(text).with_attribute("Name", text))
        });
        prop_assert_eq!(Element::parse(&tree.to_xml().unwrap()), Ok(tree));
    }
}

#[test]
fn an_attribute_of_xml_itself_goes_back_under_its_own_prefix() {
    let document = br#"<a:Text xmlns:a="urn:a" xml:lang="en">hello</a:Text>"#;
    let element = Element::parse(document).unwrap();
    let again = Element::parse(&element.to_xml().unwrap()).unwrap();
    assert_eq!(again.attribute("lang"), Some("en"));
}

#[test]
fn a_namespace_with_an_entity_is_not_escaped_twice() {
    let element = Element::parse(b"<a:Text xmlns:a='urn:a?b&amp;c'/>").unwrap();
    assert_eq!(&**element.namespace(), "urn:a?b&c");
    let again = Element::parse(&element.to_xml().unwrap()).unwrap();
    assert_eq!(again.namespace(), element.namespace());
}
