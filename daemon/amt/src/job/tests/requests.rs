//! Raw calls, and what is stable about requests and records.

use zeroize::Zeroizing;

use super::*;

fn call(operation: WsmanOperation) -> Request {
    Request::Wsman(WsmanCall {
        user: String::new(),
        password: secret(PASSWORD),
        resource: "AMT_GeneralSettings".into(),
        selectors: Vec::new(),
        operation,
    })
}

fn invoke(method: &str, body: &str) -> Request {
    call(WsmanOperation::Invoke { method: method.into(), body: Zeroizing::new(body.into()) })
}

#[tokio::test(start_paused = true)]
async fn call_returns_the_answer_as_xml_and_as_json() {
    let outcome = done(&Model::activated(1, PASSWORD), call(WsmanOperation::Get)).await;
    assert_eq!((outcome.verdict, outcome.applied.len()), (Verdict::Succeeded, 0));
    let answer = outcome.wsman.clone().unwrap();
    assert!(answer.xml.contains("HostName"), "{}", answer.xml);
    let json: serde_json::Value = serde_json::from_str(&answer.json).unwrap();
    assert_eq!(json["HostName"], "old");
    // What the journal would store has no answer in it.
    assert!(!serde_json::to_string(&outcome).unwrap().contains("HostName"));
}

#[tokio::test(start_paused = true)]
async fn plain_port_that_was_switched_off_by_settings_is_not_called() {
    let model = Model::activated(2, PASSWORD);
    model.device().tls_only = true;
    let outcome = done(&model, call(WsmanOperation::Get)).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert_eq!(outcome.after, "admin control mode, TLS not enforced");
}

#[tokio::test(start_paused = true)]
async fn local_system_account_may_call_before_activation() {
    let Request::Wsman(mut read) = call(WsmanOperation::Get) else { panic!() };
    (read.user, read.password) = ("$$OsAdmin".into(), secret(""));
    assert_eq!(done(&Model::new(), Request::Wsman(read)).await.verdict, Verdict::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn bodies_come_as_json_or_as_xml_with_or_without_namespace() {
    let class = "http://intel.com/wbem/wscim/1/amt-schema/1/AMT_GeneralSettings";
    for body in [
        "{\"Password\": \"from-Json-1\"}".to_owned(),
        "<SetMEBxPassword_INPUT><Password>from-Json-1</Password></SetMEBxPassword_INPUT>".to_owned(),
        format!("<h:I xmlns:h=\"{class}\"><h:Password>from-Json-1</h:Password></h:I>"),
    ] {
        let model = Model::activated(2, PASSWORD);
        let request = invoke("SetMEBxPassword", &body);
        assert!(!format!("{request:?}").contains("from-Json-1"));
        let outcome = done(&model, request).await;
        assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
        assert_eq!(outcome.applied, ["The firmware carried out the call."]);
        assert_eq!(model.device().mebx.as_deref(), Some("from-Json-1"));
    }
    let model = Model::activated(2, PASSWORD);
    let put = WsmanOperation::Put { body: Zeroizing::new("{\"HostName\": \"new\"}".into()) };
    assert_eq!(done(&model, call(put)).await.verdict, Verdict::Succeeded);
    assert_eq!(model.device().property("AMT_GeneralSettings", "HostName"), "new");
}

#[tokio::test(start_paused = true)]
async fn call_whose_answer_was_lost_may_have_been_carried_out() {
    let model = Model::activated(2, PASSWORD).with("CommitChanges", 1, Trouble::AnswerLost);
    let outcome = done(&model, invoke("CommitChanges", "")).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::AnswerLost));
    assert_eq!(model.times("CommitChanges"), 1);

    for (trouble, expected) in [
        (Trouble::Returns(16), Reason::FirmwareRefused),
        (Trouble::Fault("AccessDenied"), Reason::AccessDenied),
        (Trouble::Fault("InvalidParameter"), Reason::FirmwareFault),
        (Trouble::Unauthorized, Reason::PasswordWrong),
    ] {
        let model = Model::activated(2, PASSWORD).with("CommitChanges", 1, trouble);
        let outcome = done(&model, invoke("CommitChanges", "")).await;
        assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, expected));
    }
}

#[tokio::test(start_paused = true)]
async fn login_to_a_device_without_password_is_not_blamed_on_the_password() {
    let model = Model::new().with("CommitChanges", 1, Trouble::Unauthorized);
    let outcome = done(&model, invoke("CommitChanges", "")).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::NotActivated));
}

#[tokio::test(start_paused = true)]
async fn call_that_cannot_be_understood_is_refused_before_anything_is_sent() {
    let Request::Wsman(mut nameless) = call(WsmanOperation::Get) else { panic!() };
    nameless.resource = "GeneralSettings".into();
    for request in [
        Request::Wsman(nameless),
        invoke("", ""),
        invoke("Set<Password", ""),
        invoke("SetMEBxPassword", "{\"Password\": secret-Text-1"),
        invoke("SetMEBxPassword", "<Password>secret-Text-1"),
        invoke("SetMEBxPassword", "secret-Text-1"),
    ] {
        let failure = planned(&Model::activated(2, PASSWORD), &request).await.unwrap_err();
        assert_eq!(failure.reason, Reason::RequestInvalid);
        assert!(!format!("{failure:?}").contains("secret-Text-1"), "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_calls_that_read_are_said_to_change_nothing() {
    let changes = |operation| call(operation).changes_device();
    let body = || Zeroizing::new(String::new());
    assert!(!changes(WsmanOperation::Get) && !changes(WsmanOperation::Enumerate));
    assert!(!changes(WsmanOperation::Identify) && changes(WsmanOperation::Delete));
    assert!(changes(WsmanOperation::Put { body: body() }));
    assert!(changes(WsmanOperation::Invoke { method: "GetUuid".into(), body: body() }));
    let plan = planned(&Model::activated(1, PASSWORD), &call(WsmanOperation::Get)).await.unwrap();
    assert!(!plan.steps[0].changes_device && plan.warnings.is_empty());
    let plan = planned(&Model::activated(1, PASSWORD), &invoke("CommitChanges", "")).await.unwrap();
    assert!(plan.steps[0].changes_device && !plan.warnings.is_empty());
}

#[test]
fn words_of_kinds_and_steps_are_their_names_everywhere() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        assert_eq!(kind.as_str().parse(), Ok(kind));
    }
    for step in StepName::ALL {
        assert_eq!(serde_json::to_value(step).unwrap(), step.as_str());
        assert_eq!(step.as_str().parse(), Ok(step));
    }
    assert_eq!("reboot".parse::<Kind>(), Err(ParseKindError));
    assert_eq!("reboot".parse::<StepName>(), Err(ParseStepNameError));
}

#[tokio::test(start_paused = true)]
async fn record_survives_the_journal() {
    let model = Model::activated(1, PASSWORD);
    let request = Request::SetFeatures {
        password: secret(PASSWORD),
        features: Features { sol: Some(true), user_consent: Some(UserConsent::Kvm), ..Features::default() },
    };
    let plan = planned(&model, &request).await.unwrap();
    let mut record = Record::new(&request, &plan);
    record.begun = vec![StepName::Login, StepName::SetRedirection];
    let stored = serde_json::to_string(&record).unwrap();
    assert!(!stored.contains(PASSWORD));
    assert_eq!(serde_json::from_str::<Record>(&stored).unwrap(), record);
    let stored = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&stored).unwrap(), plan);
}
