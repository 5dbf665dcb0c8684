//! Tests of the web server as a whole: paths, methods, connections, logins, test resources.

use std::time::Instant;

use self::client::{Client, Received};
use super::*;
use crate::device::{ControlMode, DeviceConfig};

pub(super) mod client;

fn client() -> Client {
    Client::new(DeviceConfig::default())
}

fn keeping() -> Client {
    let login = LoginPolicy { after_unauthorized: AfterUnauthorized::Keep, ..LoginPolicy::default() };
    Client::new(DeviceConfig { login, ..DeviceConfig::default() })
}

const PROBE: &[u8] = b"POST /wsman HTTP/1.1\r\nHost: amt\r\nContent-Length: 0\r\n\r\n";

#[test]
fn probe_without_login_gets_the_challenge_and_the_version() {
    let received = client().exchange(PROBE);
    assert_eq!((received.status, received.close), (401, true));
    assert_eq!(received.field("Server"), Some("Intel(R) Active Management Technology 16.1.25.1917"));
    assert_eq!(received.field("Content-Type"), Some("text/html"));
    let challenge = received.field("WWW-Authenticate").expect("a challenge");
    assert!(challenge.starts_with("Digest realm=\"Digest:") && challenge.ends_with("qop=\"auth-int, auth\""));
    assert!(received.text().contains("Log on failed."));
}

#[test]
fn nothing_is_answered_after_the_closing_401() {
    let mut client = client();
    let requests = client.connection.feed(&PROBE.repeat(2));
    let responses: Vec<Response> = requests
        .into_iter()
        .map(|request| execute(&mut client.device, &mut client.connection, request, client.now))
        .collect();
    assert!(responses[0].close && responses[1].close);
    assert!(responses[1].body.is_finished());
    assert!(client.connection.feed(PROBE).is_empty());
}

#[test]
fn kept_connection_takes_the_retry_unless_the_client_closes() {
    let mut client = keeping();
    assert!(!client.exchange(PROBE).close);
    assert_eq!(client.get("AMT_GeneralSettings", &[]).status, 200);
    let closing = b"POST /wsman HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert!(client.exchange(closing).close);
}

#[test]
fn nonce_is_valid_on_other_connections() {
    let mut client = client();
    assert_eq!(client.get("AMT_GeneralSettings", &[]).status, 200);
    client.connection = WebConnection::new(false);
    let received = client.get("AMT_GeneralSettings", &[]);
    assert_eq!(received.status, 200);
    assert!(received.chunks > 1, "an envelope goes out in several chunks");
}

#[test]
fn login_is_remembered_on_tls_connections_only() {
    for (tls, expected) in [(true, 400), (false, 401)] {
        let mut client = keeping();
        client.connection = WebConnection::new(tls);
        assert_eq!(client.get("AMT_GeneralSettings", &[]).status, 200);
        assert_eq!(client.exchange(PROBE).status, expected);
    }
}

#[test]
fn remembered_login_ends_when_accounts_change() {
    let mut client = keeping();
    client.connection = WebConnection::new(true);
    assert_eq!(client.get("AMT_GeneralSettings", &[]).status, 200);
    client.device.unprovision(client.now).expect("activated");
    assert_eq!(client.exchange(PROBE).status, 401);
}

#[test]
fn users_depend_on_the_provisioning_state() {
    let pre = || Client::new(DeviceConfig { control_mode: ControlMode::None, ..DeviceConfig::default() });
    let mut admin = pre();
    assert_eq!(admin.get("AMT_GeneralSettings", &[]).status, 401);
    let mut local = pre().into_local_system();
    assert_eq!(local.get("AMT_GeneralSettings", &[]).status, 200);
    let mut local = client().into_local_system();
    assert_eq!(local.get("AMT_GeneralSettings", &[]).status, 200);
}

#[test]
fn paths_and_methods_have_their_answers() {
    for (request, status, allow) in [
        ("GET /wsman", 405, Some("POST")),
        ("DELETE /wsman", 405, Some("POST")),
        ("POST /wsman/x", 404, None),
        ("GET /nothing", 404, None),
        ("POST /", 405, Some("GET, HEAD")),
        ("PUT /index.htm", 405, Some("GET, HEAD, POST")),
        ("GET /sim/sink", 405, Some("POST")),
        ("POST /sim/bulk/1", 405, Some("GET")),
        ("GET /sim/bulk/x", 404, None),
    ] {
        let received = client().exchange(format!("{request} HTTP/1.1\r\n\r\n").as_bytes());
        assert_eq!(
            (received.status, received.field("Allow"), received.close),
            (status, allow, false),
            "{request}"
        );
    }
}

#[test]
fn garbage_is_answered_once_and_the_connection_closes() {
    let mut client = client();
    let received = client.exchange(b"\x00\x01garbage\r\n\r\n");
    assert_eq!((received.status, received.close), (400, true));
    assert!(client.connection.feed(b"GET / HTTP/1.1\r\n\r\n").is_empty());
}

#[test]
fn waiting_client_is_told_to_continue() {
    let mut client = client();
    let head = b"POST /wsman HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n";
    let mut requests = client.connection.feed(head);
    assert_eq!(requests[0].kind(), RequestKind::Continue);
    let mut response = execute(&mut client.device, &mut client.connection, requests.remove(0), client.now);
    assert_eq!(response.body.next(1000).as_deref(), Some(&b"HTTP/1.1 100 Continue\r\n\r\n"[..]));
    assert!(response.body.is_finished() && !response.close);
    assert_eq!(client.exchange(b"abc").status, 401);
}

#[test]
fn chunked_request_of_an_http_1_0_client_is_answered_with_a_length() {
    let mut client = client();
    client.get("AMT_GeneralSettings", &[]);
    let received = client.exchange(b"GET /sim/bulk/10?chunked HTTP/1.0\r\n\r\n");
    assert_eq!((received.status, received.chunks, received.close), (200, 0, true));
}

#[test]
fn pages_are_served_and_the_status_page_needs_a_login() {
    let mut client = client();
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/logon.htm", "text/html; charset=utf-8"),
        ("/styles.css", "text/css"),
        ("/logo.svg", "image/svg+xml"),
    ] {
        let received = client.exchange(format!("GET {path} HTTP/1.1\r\n\r\n").as_bytes());
        assert_eq!((received.status, received.field("Content-Type")), (200, Some(content_type)), "{path}");
    }
    assert_eq!(client.exchange(b"GET /index.htm HTTP/1.1\r\n\r\n").status, 401);
    client.connection = WebConnection::new(false);
    let page = client.request("GET", "/index.htm", "");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("16.1.25.1917") && page.text().contains("client control mode"));
    let changed = client.request("POST", "/index.htm", "HostName=desk-7");
    assert!(changed.text().contains("desk-7.example.net") && changed.text().contains("has been changed"));
}

#[test]
fn head_gets_the_length_without_the_page() {
    let mut client = client();
    let requests = client.connection.feed(b"HEAD / HTTP/1.1\r\n\r\n");
    let request = requests.into_iter().next().expect("a request");
    let mut response = execute(&mut client.device, &mut client.connection, request, client.now);
    let head = response.body.next(10_000).expect("a head");
    assert!(head.ends_with(b"\r\n\r\n") && response.body.is_finished());
    assert!(!head.windows(19).any(|window| window == b"Content-Length: 0\r\n"));
}

#[test]
fn bulk_content_is_made_while_it_is_sent_and_is_what_is_documented() {
    for (target, chunked) in [("/sim/bulk/200001", false), ("/sim/bulk/200001?chunked", true)] {
        let received = client().exchange(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes());
        assert_eq!(received.body.len(), 200_001);
        assert_eq!(received.chunks > 0, chunked);
        let right =
            received.body.iter().enumerate().all(|(offset, byte)| *byte == content_byte(offset as u64));
        assert!(right, "{target}");
    }
    for target in ["/sim/bulk/0", "/sim/bulk/0?chunked"] {
        let received = client().exchange(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes());
        assert_eq!((received.status, received.body.len()), (200, 0));
    }
}

#[test]
fn huge_download_costs_no_memory_before_it_is_taken() {
    let mut client = client();
    let requests = client.connection.feed(format!("GET /sim/bulk/{MAX_CONTENT} HTTP/1.1\r\n\r\n").as_bytes());
    let request = requests.into_iter().next().expect("a request");
    let mut response = execute(&mut client.device, &mut client.connection, request, client.now);
    for _ in 0..10 {
        let piece = response.body.next(usize::MAX).expect("more");
        assert!(piece.len() <= 64 * 1024);
    }
    assert!(!response.body.is_finished());
}

#[test]
fn sink_answers_with_count_and_checksum() {
    // The check value of CRC-32 is that of the digits 1 to 9.
    let received = client().exchange(b"POST /sim/sink HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789");
    assert_eq!(received.text(), "9 cbf43926\n");
    let chunked =
        b"POST /sim/sink HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n5\r\n56789\r\n0\r\n\r\n";
    assert_eq!(client().exchange(chunked).text(), "9 cbf43926\n");
}

#[test]
fn kinds_tell_what_a_request_costs() {
    let kind = |request: &str| WebConnection::new(false).feed(request.as_bytes())[0].kind();
    let wsman = |body: &str| {
        let length = body.len();
        kind(&format!(
            "POST /wsman HTTP/1.1\r\nAuthorization: Digest x=y\r\nContent-Length: {length}\r\n\r\n{body}"
        ))
    };
    assert_eq!(kind("POST /wsman HTTP/1.1\r\n\r\n"), RequestKind::Challenge);
    assert_eq!(wsman("<a>x/AMT_GeneralSettings</a>"), RequestKind::Wsman);
    assert_eq!(wsman("<a>x/IPS_HostBasedSetupService/Setup</a>"), RequestKind::Setup);
    assert_eq!(kind("GET / HTTP/1.1\r\n\r\n"), RequestKind::Page);
    assert_eq!(kind("GET /sim/bulk/1 HTTP/1.1\r\n\r\n"), RequestKind::Test);
    assert_eq!(kind("no\r\n\r\n"), RequestKind::Malformed);
    let setup = &WebConnection::new(false).feed(PROBE)[0];
    assert_eq!(service_time(TimeProfile::Instant, setup), Duration::ZERO);
    assert_eq!(service_time(TimeProfile::Realistic, setup), Duration::from_millis(10));
}

#[test]
fn every_response_can_be_taken_byte_by_byte() {
    let mut client = client();
    let requests = client.connection.feed(PROBE);
    let request = requests.into_iter().next().expect("a request");
    let now = Instant::now();
    let mut response = execute(&mut client.device, &mut client.connection, request, now);
    assert_eq!(response.body.next(0), None);
    assert!(!response.body.is_finished());
    let mut bytes = Vec::new();
    while let Some(piece) = response.body.next(1) {
        assert_eq!(piece.len(), 1);
        bytes.extend_from_slice(&piece);
    }
    let whole = Response { body: Body::fixed(bytes.into()), close: true };
    assert_eq!(Received::read(whole).status, 401);
}
