//! Features, clock and name.

use super::*;

fn features(features: Features) -> Request {
    Request::SetFeatures { password: secret(PASSWORD), features }
}

fn all_on() -> Request {
    let consent = Some(UserConsent::None);
    features(Features { kvm: Some(true), sol: Some(true), ider: Some(true), user_consent: consent })
}

#[tokio::test(start_paused = true)]
async fn only_what_differs_is_sent() {
    let model = Model::activated(2, PASSWORD);
    let plan = planned(&model, &all_on()).await.unwrap();
    let expected = [
        StepName::Login,
        StepName::SetRedirection,
        StepName::SetKvm,
        StepName::SetListener,
        StepName::SetConsent,
        StepName::Verify,
    ];
    assert_eq!(plan.step_names(), expected);
    assert!(
        plan.before.ends_with("KVM off, SOL off, IDER off, listener off, user consent for all redirection"),
        "{}",
        plan.before
    );
    assert!(
        plan.after.ends_with("KVM on, SOL on, IDER on, listener on, user consent for nothing"),
        "{}",
        plan.after
    );
    assert!(plan.warnings.iter().any(|warning| warning.contains("unasked")), "{:?}", plan.warnings);

    let outcome = done(&model, all_on()).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert_eq!(outcome.applied.len(), 5, "{:?}", outcome.applied);
    assert_eq!(model.device().property("AMT_RedirectionService", "ListenerEnabled"), "true");
    assert_eq!(model.device().property("AMT_RedirectionService", "AccessLog"), "", "not in a Put");
    assert_eq!(done(&model, all_on()).await.verdict, Verdict::Unchanged);

    let plan =
        planned(&model, &features(Features { sol: Some(false), ..Features::default() })).await.unwrap();
    assert_eq!(plan.step_names(), [StepName::Login, StepName::SetRedirection, StepName::Verify]);
}

#[tokio::test(start_paused = true)]
async fn listener_is_closed_with_the_last_feature() {
    let model = Model::activated(2, PASSWORD);
    done(&model, features(Features { kvm: Some(true), ..Features::default() })).await;
    assert_eq!(model.device().property("AMT_RedirectionService", "ListenerEnabled"), "true");
    let outcome = done(&model, features(Features { kvm: Some(false), ..Features::default() })).await;
    assert_eq!(outcome.applied, ["KVM is off.", "The redirection listener is off."]);
}

#[tokio::test(start_paused = true)]
async fn consent_in_client_control_mode_is_skipped_with_a_warning() {
    let model = Model::activated(1, PASSWORD);
    let plan = planned(&model, &all_on()).await.unwrap();
    assert!(!plan.step_names().contains(&StepName::SetConsent));
    assert!(plan.warnings[0].contains("client control mode"), "{:?}", plan.warnings);
    let only_consent = features(Features { user_consent: Some(UserConsent::None), ..Features::default() });
    let plan = planned(&model, &only_consent).await.unwrap();
    assert!(plan.unchanged && !plan.warnings.is_empty(), "{plan:?}");
}

#[tokio::test(start_paused = true)]
async fn failure_in_the_middle_says_what_is_in_force() {
    let model = Model::activated(2, PASSWORD).with("Put IPS_OptInService", 1, Trouble::Fault("AccessDenied"));
    let outcome = done(&model, all_on()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::AccessDenied));
    assert_eq!(failed_in(&outcome), Some(StepName::SetConsent));
    assert_eq!(
        outcome.applied,
        ["KVM is on.", "SOL is on.", "IDER is on.", "The redirection listener is on."]
    );

    let model = Model::activated(2, PASSWORD).with("RequestStateChange", 1, Trouble::Returns(5));
    let outcome = done(&model, all_on()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::FeaturesRefused));
}

#[tokio::test(start_paused = true)]
async fn feature_whose_answer_was_lost_is_read_back_and_the_rest_goes_on() {
    let model = Model::activated(2, PASSWORD).with("RequestStateChange", 1, Trouble::AnswerLost);
    let outcome = done(&model, all_on()).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn cancel_between_two_features_says_what_is_in_force() {
    let model = Model::activated(2, PASSWORD);
    let mut recorder = Recorder::stopping_after(StepName::SetRedirection);
    let outcome = done_with(&model, all_on(), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::Cancelled));
    assert_eq!(outcome.applied, ["SOL is on.", "IDER is on."]);
}

#[tokio::test(start_paused = true)]
async fn features_that_the_device_cannot_have_are_refused_before_anything_is_sent() {
    let model = Model::activated(2, PASSWORD);
    assert_eq!(
        planned(&model, &features(Features::default())).await.unwrap_err().reason,
        Reason::RequestInvalid
    );
    model.device().classes.remove("CIM_KVMRedirectionSAP");
    assert_eq!(planned(&model, &all_on()).await.unwrap_err().reason, Reason::FeatureAbsent);
    let off = features(Features { kvm: Some(false), ..Features::default() });
    assert!(planned(&model, &off).await.unwrap().unchanged, "what is absent is off");
    let model = Model::activated(2, PASSWORD);
    model.device().set("IPS_OptInService", "CanModifyOptInPolicy", 0);
    assert_eq!(planned(&model, &all_on()).await.unwrap_err().reason, Reason::FeaturesRefused);
}

#[tokio::test(start_paused = true)]
async fn settings_of_a_device_that_is_not_activated_are_refused() {
    let clock = || Request::SyncClock { password: secret(PASSWORD) };
    let name =
        || Request::SyncHostname { password: secret(PASSWORD), host_name: "host1".into(), domain_name: None };
    for request in [all_on(), clock(), name()] {
        let failure = planned(&Model::new(), &request).await.unwrap_err();
        assert_eq!(failure.reason, Reason::NotActivated);
        let model = Model::activated(1, PASSWORD);
        model.device().provisioning = 1;
        assert_eq!(planned(&model, &request).await.unwrap_err().reason, Reason::HalfProvisioned);
        let failure = planned(&Model::activated(1, "0ther-Password"), &request).await.unwrap_err();
        assert_eq!(failure.reason, Reason::PasswordWrong);
    }
}

#[tokio::test]
async fn clock_is_set_when_it_differs_and_left_alone_when_it_does_not() {
    let request = || Request::SyncClock { password: secret(PASSWORD) };
    for ahead in [3600, -86_400] {
        let model = Model::activated(1, PASSWORD);
        model.device().seconds_ahead = ahead;
        let outcome = done(&model, request()).await;
        assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
        assert!(model.device().seconds_ahead.abs() <= 1);
        assert_eq!(done(&model, request()).await.verdict, Verdict::Unchanged);
        assert_eq!(model.times("SetHighAccuracyTimeSynch"), 0);
    }
}

#[tokio::test]
async fn clock_that_was_asked_in_vain_is_asked_again() {
    let model = Model::activated(1, PASSWORD).with("GetLowAccuracyTimeSynch", 1, Trouble::AnswerLost);
    model.device().seconds_ahead = 3600;
    let outcome = done(&model, Request::SyncClock { password: secret(PASSWORD) }).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
}

#[tokio::test]
async fn clock_is_judged_by_reading_it_and_not_by_the_answer() {
    let request = || Request::SyncClock { password: secret(PASSWORD) };
    let behind = |trouble| {
        let model = Model::activated(1, PASSWORD).with("SetHighAccuracyTimeSynch", 1, trouble);
        model.device().seconds_ahead = -100;
        model
    };
    assert_eq!(done(&behind(Trouble::AnswerLost), request()).await.verdict, Verdict::Succeeded);
    let outcome = done(&behind(Trouble::Ignored), request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::NotAsWanted));
    let outcome = done(&behind(Trouble::Returns(36)), request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::ClockRefused));
}

#[tokio::test]
async fn clock_that_was_set_to_a_time_long_past_is_not_said_to_be_untouched() {
    let model = Model::activated(1, PASSWORD);
    (model.device().seconds_ahead, model.device().seconds_late) = (3600, 20);
    let outcome = done(&model, Request::SyncClock { password: secret(PASSWORD) }).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::NotAsWanted));
    assert!(outcome.applied[0].starts_with("The clock of AMT was set: the clock of AMT is 2"), "{outcome:?}");
}

fn name(host: &str, domain: &str) -> Request {
    let domain_name = Some(domain.into());
    Request::SyncHostname { password: secret(PASSWORD), host_name: host.into(), domain_name }
}

#[tokio::test(start_paused = true)]
async fn name_is_set_and_every_other_setting_stays() {
    let model = Model::activated(1, PASSWORD);
    let request = || name("host1", "example.com");
    let plan = planned(&model, &request()).await.unwrap();
    assert_eq!(
        (&*plan.before, &*plan.after),
        ("host name `old`, domain (none)", "host name `host1`, domain `example.com`",)
    );
    assert_eq!(done(&model, request()).await.verdict, Verdict::Succeeded);
    assert_eq!(model.device().property("AMT_GeneralSettings", "PingResponseEnabled"), "true");
    assert_eq!(done(&model, request()).await.verdict, Verdict::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn a_machine_that_does_not_know_its_domain_does_not_delete_that_of_amt() {
    let model = Model::activated(1, PASSWORD);
    model.device().set("AMT_GeneralSettings", "DomainName", "example.com");
    let request =
        || Request::SyncHostname { password: secret(PASSWORD), host_name: "host1".into(), domain_name: None };
    assert_eq!(planned(&model, &request()).await.unwrap().after, "host name `host1`, domain `example.com`");
    let outcome = done(&model, request()).await;
    assert_eq!(
        (outcome.verdict, &*outcome.after),
        (Verdict::Succeeded, "host name `host1`, domain `example.com`")
    );
    assert_eq!(done(&model, request()).await.verdict, Verdict::Unchanged);
    assert_eq!(
        done(&model, name("host1", "")).await.after,
        "host name `host1`, domain (none)",
        "if it is said"
    );
}

#[tokio::test(start_paused = true)]
async fn name_is_judged_by_reading_it_and_not_by_the_answer() {
    let with = |trouble| Model::activated(1, PASSWORD).with("Put AMT_GeneralSettings", 1, trouble);
    assert_eq!(done(&with(Trouble::AnswerLost), name("host1", "")).await.verdict, Verdict::Succeeded);
    let outcome = done(&with(Trouble::RequestLost), name("host1", "")).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::AnswerLost));
    assert_eq!(outcome.after, "host name `old`, domain (none)");
}

#[tokio::test(start_paused = true)]
async fn impossible_names_are_refused_before_firmware_is_asked() {
    let long = "a".repeat(64);
    for (host, domain) in [
        ("", ""),
        (&*long, ""),
        ("a b", ""),
        ("a.b", ""),
        ("-a", ""),
        ("a", "b..c"),
        ("a", "b_\u{e9}"),
        ("a&b", ""),
    ] {
        let failure = planned(&Model::activated(1, PASSWORD), &name(host, domain)).await.unwrap_err();
        assert_eq!(failure.reason, Reason::HostNameInvalid, "{host} {domain}");
    }
    let domain = vec!["a".repeat(50); 4].join(".");
    let failure = planned(&Model::activated(1, PASSWORD), &name("a", &domain)).await.unwrap_err();
    assert_eq!(failure.reason, Reason::HostNameInvalid, "longer than 191");
}
