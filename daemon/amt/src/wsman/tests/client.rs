//! The client against a server that refuses, cuts off, closes, is silent, or goes on for ever.

use std::time::Duration;

use super::super::classes::{GeneralSettings, HostBasedSetupService, SetupAndConfigurationService};
use super::super::{
    Client, ClientConfig, Credentials, Endpoint, LoginError, PasswordDigest, Realm, Resource, Selectors,
    WsmanError,
};
use super::{amt, envelope, fault};
use crate::Secret;
use crate::machine::ReachError;
use crate::retry::RetryPolicy;
use crate::test_machine::{AMPLE, Connecting, Serving, TestMachine};

/// An answer with a length.
fn ok(body: &str) -> Vec<u8> {
    with_status("200 OK", body)
}

fn with_status(status: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/soap+xml\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A refused login with this nonce.
fn unauthorized(nonce: &str, connection: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nWWW-Authenticate: Digest \
         realm=\"Digest:AF541D9BC94CFF7ADFA073F492F355E6\", nonce=\"{nonce}\",stale=\"false\",qop=\"auth-int, auth\"\r\n\
         Content-Type: text/html\r\nServer: Intel(R) Active Management Technology 16.1.25.1917\r\n\
         Content-Length: 9\r\nConnection: {connection}\r\n\r\n<p>No</p>"
    )
    .into_bytes()
}

fn settings() -> String {
    let realm = "<g:DigestRealm>Digest:AF541D9BC94CFF7ADFA073F492F355E6</g:DigestRealm>";
    let content = format!("{realm}<g:HostName>pc-1</g:HostName><g:ToCome>7</g:ToCome>");
    envelope(&amt("AMT_GeneralSettings", "AMT_GeneralSettings", &content))
}

fn sends(bytes: Vec<u8>) -> Serving {
    Serving::Sends(vec![bytes])
}

fn serves(servings: impl IntoIterator<Item = Serving>) -> Connecting {
    Connecting::Serves(servings.into_iter().collect())
}

fn client(machine: &TestMachine) -> Client<TestMachine> {
    let credentials = Credentials { user: "admin".into(), password: Secret::new("P@ssw0rd".into()) };
    let retry = RetryPolicy { attempts: 3, deadline: AMPLE, ..ClientConfig::default().retry };
    let config = ClientConfig { retry, max_answer: 100_000, max_instances: 5 };
    Client::new(machine.clone(), Endpoint::Plain, Some(credentials), config)
}

fn digest() -> PasswordDigest {
    let realm = Realm::parse("Digest:AF541D9BC94CFF7ADFA073F492F355E6").unwrap();
    PasswordDigest::new("admin", &realm, &Secret::new("N3w-P@ss".into()))
}

#[tokio::test(start_paused = true)]
async fn login_takes_one_refusal_and_the_nonce_serves_all_that_follows() {
    let machine = TestMachine::with_connections(vec![serves([
        sends(unauthorized("n1", "keep-alive")),
        sends(ok(&settings())),
        sends(ok(&settings())),
    ])]);
    let mut client = client(&machine);
    let read: GeneralSettings = client.read().await.unwrap();
    assert_eq!(read.host_name(), "pc-1");
    client.read::<GeneralSettings>().await.unwrap();
    let requests = machine.texts();
    assert_eq!((machine.seen(), requests.len()), (vec!["16992".to_owned()], 3));
    assert!(!requests[0].contains("Authorization"));
    assert!(
        requests[0].starts_with("POST /wsman HTTP/1.1\r\n") && !requests[0].contains("Expect"),
        "{}",
        requests[0]
    );
    assert!(requests[1].contains("nc=00000001, qop=auth") && requests[2].contains("nc=00000002, qop=auth"));
    assert!(requests.iter().all(|request| !request.contains("P@ssw0rd")));
}

#[tokio::test(start_paused = true)]
async fn refusal_that_closes_the_connection_is_answered_on_a_new_one() {
    let machine = TestMachine::with_connections(vec![
        serves([Serving::SendsAndCloses(unauthorized("n1", "close"))]),
        serves([sends(ok(&settings()))]),
    ]);
    client(&machine).read::<GeneralSettings>().await.unwrap();
    assert!(machine.is_done());
}

#[tokio::test(start_paused = true)]
async fn nonce_that_firmware_forgot_costs_one_round_and_no_more() {
    let machine = TestMachine::with_connections(vec![serves([
        sends(unauthorized("n1", "keep-alive")),
        sends(ok(&settings())),
        sends(unauthorized("n2", "keep-alive")),
        sends(ok(&settings())),
    ])]);
    let mut client = client(&machine);
    client.read::<GeneralSettings>().await.unwrap();
    client.read::<GeneralSettings>().await.unwrap();
    assert!(machine.texts()[3].contains("nonce=\"n2\"") && machine.texts()[3].contains("nc=00000001"));
}

#[tokio::test(start_paused = true)]
async fn wrong_password_is_sent_once_and_then_never_again() {
    let machine = TestMachine::with_connections(vec![serves([
        sends(unauthorized("n1", "keep-alive")),
        sends(unauthorized("n2", "keep-alive")),
        sends(ok(&settings())),
    ])]);
    let mut client = client(&machine);
    let error = client.read::<GeneralSettings>().await.unwrap_err();
    assert!(error.is_rejected_login() && !error.is_uncertain(), "{error}");
    assert!(client.read::<GeneralSettings>().await.unwrap_err().is_rejected_login());
    assert_eq!(machine.requests().len(), 2, "a further refusal could lock the account");
    client.allow_another_login();
    client.read::<GeneralSettings>().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn stale_without_end_is_an_error() {
    let stale = || {
        let refusal = String::from_utf8(unauthorized("n", "keep-alive")).unwrap();
        sends(refusal.replace("\"false\"", "\"true\"").into_bytes())
    };
    let machine = TestMachine::with_connections(vec![serves([stale(), stale(), stale(), stale()])]);
    let error = client(&machine).read::<GeneralSettings>().await.unwrap_err();
    assert!(matches!(error, WsmanError::Login(LoginError::AlwaysStale)), "{error}");
    assert_eq!(machine.requests().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn answers_are_read_in_every_framing_and_cut_anywhere() {
    let body = settings();
    let whole = ok(&body);
    let bytes: Vec<Vec<u8>> = whole.iter().map(|byte| vec![*byte]).collect();
    let (first, second) = body.split_at(body.len() / 2);
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\n\r\n",
        first.len(),
        second.len()
    );
    let until_closed =
        format!("HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\nConnection: close\r\n\r\n{body}").into_bytes();
    let machine = TestMachine::with_connections(vec![serves([
        Serving::Sends(bytes),
        sends(chunked.into_bytes()),
        Serving::SendsAndCloses(until_closed),
    ])]);
    let mut client = client(&machine);
    for _ in 0..3 {
        assert_eq!(client.read::<GeneralSettings>().await.unwrap().host_name(), "pc-1");
    }
}

#[tokio::test(start_paused = true)]
async fn half_an_answer_is_none_and_only_reads_are_repeated() {
    for cut in [10, 70, 300] {
        let half = Serving::SendsAndCloses(ok(&settings())[..cut].to_vec());
        let machine =
            TestMachine::with_connections(vec![serves([half.clone()]), serves([sends(ok(&settings()))])]);
        client(&machine).read::<GeneralSettings>().await.unwrap();
        assert!(machine.is_done(), "{cut}");

        let machine = TestMachine::with_connections(vec![serves([half])]);
        let error = SetupAndConfigurationService::commit_changes(&mut client(&machine)).await.unwrap_err();
        assert!(matches!(error, WsmanError::Lost) && error.is_uncertain(), "{error}");
        assert_eq!(machine.requests().len(), 1, "a change is sent once");
    }
}

#[tokio::test(start_paused = true)]
async fn dropped_answer_to_a_setup_is_uncertain_and_not_repeated() {
    let machine = TestMachine::with_connections(vec![serves([Serving::SendsAndCloses(Vec::new())])]);
    let error = HostBasedSetupService::setup(&mut client(&machine), &digest()).await.unwrap_err();
    assert!(matches!(error, WsmanError::Lost) && error.is_uncertain(), "{error}");
    assert!(machine.is_done());
}

#[tokio::test(start_paused = true)]
async fn connection_that_firmware_closed_at_rest_is_replaced() {
    let setup = envelope(&amt("X", "Setup_OUTPUT", "<g:ReturnValue>0</g:ReturnValue>"));
    let machine = TestMachine::with_connections(vec![
        serves([sends(ok(&settings()))]),
        serves([sends(ok(&settings()))]),
        serves([sends(ok(&setup))]),
    ]);
    let mut client = client(&machine);
    client.read::<GeneralSettings>().await.unwrap();
    client.read::<GeneralSettings>().await.unwrap();
    HostBasedSetupService::setup(&mut client, &digest()).await.unwrap();
    assert!(machine.is_done());
}

#[tokio::test(start_paused = true)]
async fn read_that_is_repeated_does_not_repeat_its_nonce_count() {
    let machine = TestMachine::with_connections(vec![
        serves([
            sends(unauthorized("n1", "keep-alive")),
            sends(ok(&settings())),
            Serving::SendsAndCloses(Vec::new()),
        ]),
        serves([sends(ok(&settings()))]),
    ]);
    let mut client = client(&machine);
    client.read::<GeneralSettings>().await.unwrap();
    client.read::<GeneralSettings>().await.unwrap();
    let requests = machine.texts();
    assert!(requests[2].contains("nc=00000002") && requests[3].contains("nc=00000003"));
}

#[tokio::test(start_paused = true)]
async fn change_does_not_risk_a_connection_that_has_rested() {
    let setup = envelope(&amt("X", "Setup_OUTPUT", "<g:ReturnValue>0</g:ReturnValue>"));
    let machine = TestMachine::with_connections(vec![
        // Would take the request and vanish.
        serves([sends(ok(&settings())), Serving::SendsAndCloses(Vec::new())]),
        serves([sends(ok(&setup))]),
    ]);
    let mut client = client(&machine);
    client.read::<GeneralSettings>().await.unwrap();
    tokio::time::advance(Duration::from_secs(5)).await;
    HostBasedSetupService::setup(&mut client, &digest()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn firmware_without_a_free_channel_is_asked_again_also_for_a_change() {
    let setup = envelope(&amt("X", "Setup_OUTPUT", ""));
    let machine = TestMachine::with_connections(vec![
        Connecting::Refused(ReachError::Refused),
        Connecting::Refused(ReachError::Lost),
        serves([sends(ok(&setup))]),
    ]);
    HostBasedSetupService::setup(&mut client(&machine), &digest()).await.unwrap();
    assert!(machine.is_done());
}

#[tokio::test(start_paused = true)]
async fn silence_before_and_after_the_request_are_told_apart() {
    let machine = TestMachine::with_connections(vec![Connecting::Hangs]);
    let error = SetupAndConfigurationService::commit_changes(&mut client(&machine)).await.unwrap_err();
    assert!(matches!(error, WsmanError::Connect(ReachError::Silent(_))) && !error.is_uncertain(), "{error}");

    let machine = TestMachine::with_connections(vec![serves([Serving::Hangs])]);
    let error = SetupAndConfigurationService::commit_changes(&mut client(&machine)).await.unwrap_err();
    assert!(matches!(error, WsmanError::Silent(_)) && error.is_uncertain(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn late_answer_is_not_taken_for_that_of_the_next_request() {
    let machine =
        TestMachine::with_connections(vec![serves([Serving::Hangs]), serves([sends(ok(&settings()))])]);
    let mut client = client(&machine);
    let given_up = tokio::time::timeout(Duration::from_secs(1), client.read::<GeneralSettings>()).await;
    assert!(given_up.is_err());
    client.read::<GeneralSettings>().await.unwrap();
    assert!(machine.is_done(), "on a connection of its own");
}

#[tokio::test(start_paused = true)]
async fn answer_without_end_is_cut_off() {
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(200_000)).into_bytes();
    let machine = TestMachine::with_connections(vec![serves([Serving::SendsAndCloses(endless)])]);
    let error = client(&machine).read::<GeneralSettings>().await.unwrap_err();
    assert!(matches!(error, WsmanError::TooLong(100_000)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_and_what_is_no_soap_is_named_so() {
    let machine = TestMachine::with_connections(vec![serves([sends(b"SSH-2.0-x\r\n\r\n".to_vec())])]);
    let error = client(&machine).read::<GeneralSettings>().await.unwrap_err();
    assert!(matches!(error, WsmanError::NotHttp), "{error}");
    for (answer, expected) in [
        (ok("<html/>"), "AMT's answer has no SOAP envelope"),
        (ok("<html>"), "the XML is not well-formed, or is cut off"),
        (with_status("404 Not Found", "<html>"), "AMT answered with HTTP status 404"),
        (ok(&envelope("")), "AMT's answer has no instance"),
    ] {
        let machine = TestMachine::with_connections(vec![serves([sends(answer)])]);
        let error = client(&machine).read::<GeneralSettings>().await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_daemon_says_is_not_taken_for_an_answer_of_amt() {
    let lost = "the connection to the firmware was lost: it was reset";
    let daemon = with_status("502 Bad Gateway", &format!("{lost}\n"));
    let machine = TestMachine::with_connections(vec![serves([sends(daemon)])]);
    let error = SetupAndConfigurationService::commit_changes(&mut client(&machine)).await.unwrap_err();
    assert!(error.is_uncertain(), "firmware may have done it");
    assert_eq!(error.to_string(), lost);
    assert_eq!(machine.requests().len(), 1, "and must not be asked again without a look");

    let amt = "HTTP/1.1 502 Bad Gateway\r\nServer: AMT\r\nContent-Length: 0\r\n\r\n";
    let machine = TestMachine::with_connections(vec![serves([sends(amt.into())])]);
    let error = client(&machine).read::<GeneralSettings>().await.unwrap_err();
    assert_eq!(error.to_string(), "AMT answered with HTTP status 502");
}

#[tokio::test(start_paused = true)]
async fn change_that_never_reached_firmware_is_sent_again() {
    let refused = with_status("503 Service Unavailable", "the AMT firmware cannot be reached: no link\n");
    let denied = with_status("400 Bad Request", &fault("AccessDenied"));
    let machine = TestMachine::with_connections(vec![serves([sends(refused)]), serves([sends(denied)])]);
    let error = SetupAndConfigurationService::commit_changes(&mut client(&machine)).await.unwrap_err();
    assert!(error.fault().is_some(), "{error}");
    assert_eq!(machine.requests().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn faults_come_first_and_those_that_pass_are_waited_for() {
    let machine = TestMachine::with_connections(vec![serves([
        sends(with_status("400 Bad Request", &fault("Concurrency"))),
        sends(with_status("503 Service Unavailable", "")),
        sends(with_status("400 Bad Request", &fault("AccessDenied"))),
    ])]);
    let error = client(&machine).read::<GeneralSettings>().await.unwrap_err();
    assert_eq!(error.to_string(), "AMT refused the request: AccessDenied: A sentence of firmware's.");
    assert_eq!(machine.requests().len(), 3);

    let busy = with_status("400 Bad Request", &fault("Concurrency"));
    let machine = TestMachine::with_connections(vec![serves([sends(busy)])]);
    assert!(SetupAndConfigurationService::commit_changes(&mut client(&machine)).await.is_err());
    assert_eq!(machine.requests().len(), 1, "a change is for its caller to repeat");
}

#[tokio::test(start_paused = true)]
async fn method_that_returns_an_error_is_one() {
    let output = |content: &str| sends(ok(&envelope(&amt("X", "CommitChanges_OUTPUT", content))));
    let machine = TestMachine::with_connections(vec![serves([
        output("<g:ReturnValue>2057</g:ReturnValue>"),
        output("<g:ReturnValue>seven</g:ReturnValue>"),
        output(""),
    ])]);
    let mut client = client(&machine);
    let error = SetupAndConfigurationService::commit_changes(&mut client).await.unwrap_err();
    assert_eq!(error.returned().unwrap().status(), Some(crate::amthi::Status::DATA_MISSING));
    assert!(!error.is_uncertain());
    let error = SetupAndConfigurationService::commit_changes(&mut client).await.unwrap_err();
    assert!(error.is_uncertain(), "{error}");
    SetupAndConfigurationService::commit_changes(&mut client).await.unwrap();
}

/// What an enumeration is answered with.
fn enumeration(content: &str) -> Serving {
    let namespace = "http://schemas.xmlsoap.org/ws/2004/09/enumeration";
    sends(ok(&envelope(&format!("<n:R xmlns:n=\"{namespace}\" xmlns:h=\"urn:h\">{content}</n:R>"))))
}

fn context(number: u8) -> String {
    format!("<n:EnumerationContext>{number}5000000-0000-0000-0000-000000000000</n:EnumerationContext>")
}

#[tokio::test(start_paused = true)]
async fn enumeration_goes_on_until_its_end_with_the_newest_context() {
    let machine = TestMachine::with_connections(vec![serves([
        enumeration(&context(1)),
        enumeration(&format!("<n:Items><h:A/><h:A/></n:Items>{}", context(2))),
        enumeration(&format!("<n:Items><h:A/></n:Items>{}<n:EndOfSequence/>", context(3))),
    ])]);
    let instances = client(&machine).enumerate(&Resource::parse("AMT_X").unwrap()).await.unwrap();
    assert_eq!(instances.len(), 3);
    let requests = machine.texts();
    assert!(requests[1].contains(">15000000-") && requests[2].contains(">25000000-"));
    assert_eq!(requests.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn enumeration_without_end_is_given_up_and_released() {
    let more = || enumeration(&format!("<n:Items/>{}", context(1)));
    let mut servings = vec![enumeration(&context(1))];
    servings.extend((0..7).map(|_| more()));
    let machine = TestMachine::with_connections(vec![serves(servings)]);
    let error = client(&machine).enumerate(&Resource::parse("AMT_X").unwrap()).await.unwrap_err();
    assert!(matches!(error, WsmanError::TooMany(5)), "{error}");
    assert!(machine.texts().last().unwrap().contains("enumeration/Release<"));
}

#[tokio::test(start_paused = true)]
async fn instance_is_written_back_with_what_this_program_does_not_know() {
    let put = envelope("");
    let machine = TestMachine::with_connections(vec![serves([sends(ok(&settings())), sends(ok(&put))])]);
    let mut client = client(&machine);
    let mut settings: GeneralSettings = client.read().await.unwrap();
    settings.set_host_name("pc & 2");
    client.write(&settings).await.unwrap();
    let request = &machine.texts()[1];
    assert!(request.contains(":HostName>pc &amp; 2</") && request.contains(":ToCome>7</"), "{request}");
    assert!(request.contains("transfer/Put<"));
}

#[tokio::test(start_paused = true)]
async fn probe_knows_a_live_server_by_its_refusal_and_sends_no_password() {
    let machine = TestMachine::with_connections(vec![serves([sends(unauthorized("n1", "keep-alive"))])]);
    let probe = client(&machine).probe().await.unwrap();
    assert_eq!(probe.server.as_deref(), Some("Intel(R) Active Management Technology 16.1.25.1917"));
    assert!(!machine.texts()[0].contains("Authorization"));
}

#[tokio::test(start_paused = true)]
async fn another_user_gets_another_connection() {
    let machine = TestMachine::with_connections(vec![
        serves([sends(ok(&settings())), sends(ok(&settings()))]),
        serves([sends(ok(&settings()))]),
    ]);
    let mut client = client(&machine);
    client.read::<GeneralSettings>().await.unwrap();
    client.set_credentials(Credentials { user: "other".into(), password: Secret::new("p".into()) });
    client.read::<GeneralSettings>().await.unwrap();
    assert!(machine.is_done(), "firmware remembers logins per connection");
}

#[tokio::test(start_paused = true)]
async fn secrets_of_a_request_are_in_no_error_and_no_debug_text() {
    let machine = TestMachine::with_connections(vec![serves([sends(with_status(
        "400 Bad Request",
        &fault("InvalidParameter"),
    ))])]);
    let mut client = client(&machine);
    let error = HostBasedSetupService::setup(&mut client, &digest()).await.unwrap_err();
    let shown = format!("{error} {error:?} {client:?}");
    let secret = digest().hexadecimal();
    assert!(machine.texts()[0].contains(secret.expose()), "sent to firmware");
    assert!(!shown.contains(secret.expose()) && !shown.contains("P@ssw0rd"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn futures_can_move_between_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let machine = TestMachine::with_connections(vec![Connecting::Refused(ReachError::PermissionDenied)]);
    let mut client = client(&machine);
    let resource = Resource::parse("AMT_X").unwrap();
    assert!(is_send(client.get(&resource, &Selectors::none())).await.is_err());
}
