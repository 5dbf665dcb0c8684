//! The default rules against what clients really send, and the explanation of it.

use std::{io::Write, path::Path};

use amtd_apf::{Class, Port};

use super::*;
use crate::{config::Config, front::http::Step};

const LIMIT: usize = 16 * 1024;

fn defaults() -> Rules {
    Rules::new(&Config::default().classes)
}

fn client(port: u16) -> Client {
    Client { port: Port(port), user: 1000, executable: None }
}

/// The class of a whole request whose body comes in the given pieces.
fn class_of(request: &[u8], pieces: usize) -> Class {
    let rules = defaults();
    let mut side = super::super::http::RequestSide::default();
    let Step::Head { length, head, whole, .. } = side.step(request) else { panic!("no head") };
    let mut watch = match Watch::begin(&rules, &client(16_992), &head, whole) {
        Ok(verdict) => return verdict.class,
        Err(watch) => watch,
    };
    let body = &request[length..];
    let mut taken = 0;
    for piece in body.chunks(pieces) {
        taken += piece.len();
        if let Some(verdict) = watch.feed(&rules, piece, taken == body.len(), LIMIT) {
            return verdict.class;
        }
    }
    panic!("the end of the body does not decide")
}

/// Requests of every client for each default rule, and for none.
fn requests() -> Vec<(Class, Vec<String>)> {
    let watchdog = ["AMT_AgentPresenceWatchdog", "AMT_AgentPresenceWatchdogVA"];
    let beats = ["RegisterAgent", "AssertPresence", "AssertShutdown"];
    let mut requests = Vec::new();
    for class in watchdog {
        requests.extend(beats.map(|method| (Class::Watchdog, samples::invoke(class, method))));
    }
    requests.extend([
        (Class::Health, samples::identify()),
        (Class::Bulk, samples::enumerate("AMT_GeneralSettings")),
        (Class::Bulk, samples::pull("AMT_GeneralSettings")),
        (Class::Bulk, samples::pull("AMT_AgentPresenceWatchdog")),
        (Class::Bulk, samples::invoke("AMT_MessageLog", "GetRecords")),
        (Class::Bulk, samples::invoke("AMT_AuditLog", "ReadRecords")),
        (Class::Bulk, samples::get("AMT_PublicKeyCertificate")),
        (Class::Interactive, samples::get("AMT_GeneralSettings")),
        (Class::Interactive, samples::get("AMT_AgentPresenceWatchdog")),
        (Class::Interactive, samples::get("AMT_AgentPresenceWatchdogAction")),
        (Class::Interactive, samples::invoke("AMT_AgentPresenceWatchdog", "AddAction")),
        (Class::Interactive, samples::invoke("AMT_MessageLog", "PositionToFirstRecord")),
        (Class::Interactive, samples::invoke("AMT_PublicKeyManagementService", "AddCertificate")),
    ]);
    requests
}

#[test]
fn every_client_gets_the_class_of_what_it_asks_for() {
    for (class, envelopes) in requests() {
        for envelope in envelopes {
            assert_eq!(class_of(&samples::post(&envelope), LIMIT), class, "{envelope}");
            assert_eq!(class_of(&samples::post_chunked(&envelope, LIMIT), LIMIT), class, "{envelope}");
        }
    }
}

#[test]
fn a_body_in_any_pieces_gets_the_same_class() {
    for (class, envelopes) in requests() {
        for envelope in envelopes {
            for pieces in [1, 2, 3, 7, 64, 255] {
                assert_eq!(class_of(&samples::post(&envelope), pieces), class, "{pieces}: {envelope}");
                assert_eq!(
                    class_of(&samples::post_chunked(&envelope, 100), pieces),
                    class,
                    "{pieces}: {envelope}"
                );
            }
        }
    }
}

#[test]
fn redirection_is_bulk_and_tls_is_not() {
    assert_eq!(defaults().opaque(&client(16_994)).class, Class::Bulk);
    assert_eq!(defaults().opaque(&client(16_995)).class, Class::Bulk);
    assert_eq!(defaults().opaque(&client(16_993)).class, Class::Interactive);
    assert_eq!(defaults().opaque(&client(664)).class, Class::Interactive);
}

#[test]
fn a_body_is_read_only_where_wsman_is_served() {
    let rules = defaults();
    let head = |method, target| Head { method, target, size: Some(9), chunked: false, expects: false };
    for (method, target) in [("GET", "/wsman"), ("POST", "/"), ("POST", "/index.htm"), ("PUT", "/wsman")] {
        let known = Watch::begin(&rules, &client(16_992), &head(method, target), false);
        assert_eq!(known.unwrap().class, Class::Interactive, "{method} {target}");
    }
    for target in ["/wsman", "/wsman?x=y", "http://localhost:16992/wsman"] {
        assert!(Watch::begin(&rules, &client(16_992), &head("POST", target), false).is_err(), "{target}");
    }
    assert!(
        Watch::begin(&rules, &client(16_992), &head("POST", "/wsman"), true).is_ok(),
        "nothing to wait for"
    );
    assert!(Watch::begin(&rules, &client(16_994), &head("POST", "/wsman"), false).is_err());
}

#[test]
fn a_body_that_tells_nothing_is_given_up_at_the_limit() {
    let rules = defaults();
    let head = Head { method: "POST", target: "/wsman", size: Some(1 << 20), chunked: false, expects: false };
    let mut watch = Watch::begin(&rules, &client(16_992), &head, false).unwrap_err();
    let spaces = vec![b' '; LIMIT - 1];
    assert_eq!(watch.feed(&rules, &spaces, false, LIMIT), None);
    let verdict = watch.feed(&rules, b"  ", false, LIMIT);
    assert_eq!(verdict, Some(Verdict { class: Class::Interactive, rule: None }));
    assert_eq!(watch.body.len(), LIMIT, "kept more than the limit");
}

#[test]
fn a_client_that_sends_tag_by_tag_costs_a_limited_number_of_looks() {
    let rules = defaults();
    let head = Head { method: "POST", target: "/wsman", size: Some(1 << 20), chunked: false, expects: false };
    let mut watch = Watch::begin(&rules, &client(16_992), &head, false).unwrap_err();
    let start = b"<Envelope xmlns='http://www.w3.org/2003/05/soap-envelope'><Header>";
    assert_eq!(watch.feed(&rules, start, false, LIMIT), None);
    for _ in 0..1000 {
        assert_eq!(watch.feed(&rules, b"<a/>", false, LIMIT), None);
    }
    assert_eq!(watch.looks, MAX_LOOKS);
    let identify =
        b"</Header><Body><Identify xmlns='http://schemas.dmtf.org/wbem/wsman/identity/1/wsmanidentity.xsd'/>";
    assert_eq!(
        watch.feed(&rules, identify, true, LIMIT).unwrap().class,
        Class::Health,
        "the end counts again"
    );
}

#[test]
fn names_are_the_last_segments_of_their_uris() {
    for (uri, name) in [
        ("http://intel.com/wbem/wscim/1/amt-schema/1/AMT_AuditLog", "AMT_AuditLog"),
        ("\n http://x/1/AMT_AuditLog \n", "AMT_AuditLog"),
        ("http://x/1/AMT_AuditLog?__cimnamespace=root/cimv2", "AMT_AuditLog"),
        ("http://x/1/AMT_AuditLog#part/x", "AMT_AuditLog"),
        ("http://schemas.dmtf.org/wbem/wscim/1/*", "*"),
        ("AMT_AuditLog", "AMT_AuditLog"),
        ("http://x/", ""),
        ("", ""),
    ] {
        assert_eq!(last_segment(uri), name, "{uri}");
    }
}

// ---- the explanation ----

fn explain(request: &[u8], config: &str) -> Result<String, ExplainError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(request).unwrap();
    explain_class(file.path(), &Config::parse(Path::new("explain"), config).unwrap())
}

/// The value of a row.
fn row<'a>(explanation: &'a str, name: &str) -> &'a str {
    let line = explanation.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("no {name} in {explanation}")).trim()
}

#[test]
fn a_heartbeat_is_explained_by_its_rule_and_names() {
    let beat = &samples::invoke("AMT_AgentPresenceWatchdog", "AssertPresence")[0];
    let explained = explain(&samples::post(beat), "").unwrap();
    assert_eq!(row(&explained, "class"), "watchdog");
    assert!(row(&explained, "rule").starts_with("1 of 6: { action = "), "{explained}");
    assert_eq!(row(&explained, "method"), "POST");
    assert_eq!(row(&explained, "path"), "/wsman");
    assert_eq!(row(&explained, "body"), format!("{} bytes announced", beat.len()));
    assert!(row(&explained, "action").starts_with("AssertPresence (http://"), "{explained}");
    assert!(row(&explained, "resource").starts_with("AMT_AgentPresenceWatchdog (http://"), "{explained}");
    assert_eq!(row(&explained, "port"), "16992 (assumed)");
}

#[test]
fn as_many_bytes_as_decided_are_named() {
    for envelope in samples::get("AMT_GeneralSettings") {
        let whole = samples::post(&envelope);
        let explained = explain(&whole, "").unwrap();
        let (head, rest) = row(&explained, "read").split_once(" bytes of head, ").unwrap();
        let head: usize = head.parse().unwrap();
        assert_eq!(head, whole.len() - envelope.len());
        let seen: usize = rest.split(' ').next().unwrap().parse().unwrap();
        let outcome = |length| soap::look(&whole[head..head + length]);
        assert!(matches!(outcome(seen), Outcome::Known { .. }), "{explained}");
        assert_eq!(outcome(seen - 1), Outcome::NeedMore, "{explained}");
    }
}

#[test]
fn chunks_and_standard_namespaces_are_explained_alike() {
    for envelope in samples::identify() {
        let explained = explain(&samples::post_chunked(&envelope, 10), "").unwrap();
        assert_eq!(row(&explained, "class"), "health");
        assert_eq!(row(&explained, "action"), "Identify");
        assert_eq!(row(&explained, "body"), "in chunks");
    }
}

#[test]
fn what_no_rule_matches_is_said_to_be_the_default() {
    let explained = explain(b"GET /index.htm?x HTTP/1.1\r\n\r\n", "").unwrap();
    assert_eq!(row(&explained, "class"), "interactive");
    assert_eq!(row(&explained, "rule"), "none of 6 matches");
    assert_eq!(row(&explained, "path"), "/index.htm");
    assert_eq!(row(&explained, "body"), "none");
    assert_eq!(row(&explained, "read"), "29 bytes of head");
}

#[test]
fn the_configuration_in_effect_is_what_is_explained() {
    let pull = samples::post(&samples::pull("AMT_AuditLog")[0]);
    let config = "[[classes.rule]]\nclass = \"health\"\naction = [\"Pull\"]\n";
    let explained = explain(&pull, config).unwrap();
    assert_eq!(row(&explained, "class"), "health");
    assert!(row(&explained, "rule").starts_with("1 of 1: "), "{explained}");
}

#[test]
fn a_recording_that_ends_too_early_is_explained_as_far_as_it_goes() {
    let pull = samples::post(&samples::pull("AMT_AuditLog")[0]);
    let head = pull.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    let explained = explain(&pull[..head + 50], "").unwrap();
    assert_eq!(row(&explained, "class"), "interactive");
    assert!(row(&explained, "read").contains("the recording ends before anything is known"), "{explained}");
    let error = explain(&pull[..head - 1], "").unwrap_err();
    assert!(error.to_string().contains(&format!("after {} bytes", head - 1)), "{error}");
    assert!(matches!(explain(b"", "").unwrap_err(), ExplainError::Empty { .. }));
    let error = explain_class(Path::new("/nonexistent"), &Config::default()).unwrap_err();
    assert!(error.to_string().starts_with("/nonexistent: cannot be read: "), "{error}");
}

#[test]
fn a_body_longer_than_what_is_held_back_is_explained_by_that() {
    let long = samples::pull("AMT_AuditLog")[0].replacen(
        "<Header>",
        &format!("<Header><!--{}-->", "x".repeat(LIMIT)),
        1,
    );
    let explained = explain(&samples::post(&long), "").unwrap();
    assert_eq!(row(&explained, "class"), "interactive");
    assert!(row(&explained, "read").ends_with("as much as is held back"), "{explained}");
}

#[test]
fn what_becomes_known_only_after_an_answer_is_explained() {
    let pull = samples::post(&samples::pull("AMT_AuditLog")[0]);
    let text = String::from_utf8(pull).unwrap().replacen("Host:", "Expect: 100-continue\r\nHost:", 1);
    let explained = explain(text.as_bytes(), "").unwrap();
    assert_eq!(row(&explained, "class"), "interactive");
    assert!(row(&explained, "read").ends_with("the client waits for leave to send the body"), "{explained}");
    assert_eq!(row(&explained, "later"), "bulk, as soon as the body says so");
}

#[test]
fn what_is_not_http_is_explained_as_that() {
    let explained = explain(b"\x16\x03\x01\x02\x00", "").unwrap();
    assert_eq!(row(&explained, "class"), "interactive");
    assert!(row(&explained, "protocol").starts_with("not HTTP"), "{explained}");
    assert_eq!(row(&explained, "port"), "16993 (assumed)");
}
