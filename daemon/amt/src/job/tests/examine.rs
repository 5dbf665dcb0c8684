//! Jobs that were cut off, at each of their steps.

use super::*;

async fn examined(
    model: &Model,
    request: &Request,
    before: &Model,
    begun: &[StepName],
) -> (Outcome, Recorder) {
    let plan = planned(before, request).await.unwrap();
    let mut record = Record::new(request, &plan);
    record.begun = begun.to_vec();
    model.troubled();
    let mut recorder = Recorder::default();
    let outcome = examine(model, &record, &Policy::default(), &mut recorder).await;
    (outcome, recorder)
}

fn ccm() -> Request {
    Request::ActivateCcm { password: secret(PASSWORD) }
}

const SETUP: [StepName; 2] = [StepName::ReadSetupService, StepName::Setup];

#[tokio::test(start_paused = true)]
async fn job_that_had_changed_nothing_is_a_clean_failure_without_asking_firmware() {
    for begun in [&[][..], &SETUP[..1]] {
        let model = Model::new();
        let (outcome, _) = examined(&model, &ccm(), &Model::new(), begun).await;
        assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::Interrupted));
        assert!(model.device().asked.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn activation_that_was_cut_off_is_judged_by_what_firmware_is() {
    let (outcome, _) = examined(&Model::activated(1, PASSWORD), &ccm(), &Model::new(), &SETUP).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    let (outcome, _) = examined(&Model::new(), &ccm(), &Model::new(), &SETUP).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::Interrupted));
    let (outcome, _) = examined(&Model::activated(2, PASSWORD), &ccm(), &Model::new(), &SETUP).await;
    assert_eq!(outcome.verdict, Verdict::FailedPartial, "not what was wanted, and not what was");
}

#[tokio::test(start_paused = true)]
async fn firmware_that_changes_while_it_is_read_is_not_taken_for_one_that_stopped_half_way() {
    for commands in 0..9 {
        let model = Model::new();
        model.device().becomes = Some((commands, 1, 2));
        let (outcome, _) = examined(&model, &ccm(), &Model::new(), &SETUP).await;
        assert_eq!(outcome.verdict, Verdict::Succeeded, "after {commands} commands: {outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn setup_that_was_cut_off_before_its_commit_is_taken_back_without_the_password() {
    let half = || {
        let model = Model::activated(1, PASSWORD);
        model.device().provisioning = 1;
        model
    };
    let (outcome, recorder) = examined(&half(), &ccm(), &Model::new(), &SETUP).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::Interrupted));
    assert!(recorder.begun.contains(&StepName::Unprovision), "told before it touches firmware");

    let stuck = half().with("amthi 10", 1, Trouble::Returns(16));
    let (outcome, _) = examined(&stuck, &ccm(), &Model::new(), &SETUP).await;
    assert_eq!(outcome.verdict, Verdict::FailedPartial, "{outcome:?}");
    assert!(outcome.applied.contains(&"Provisioning was begun and is not finished.".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn firmware_that_cannot_be_read_leaves_the_result_open() {
    let model = Model::new().with("amthi 6b", 10_000, Trouble::RequestLost);
    let (outcome, _) = examined(&model, &ccm(), &Model::new(), &SETUP).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::StateUnreadable));
}

#[tokio::test(start_paused = true)]
async fn activation_that_lacks_its_mebx_password_says_so() {
    let record = |begun: &[StepName]| Record {
        target: Target::ActivateAcm { mebx_password: true, dns_suffix: None },
        before: state(0, 0),
        before_words: String::new(),
        clock_ahead: None,
        planned: vec![StepName::AdminSetup, StepName::Verify, StepName::SetMebxPassword],
        begun: begun.to_vec(),
    };
    let model = Model::activated(2, PASSWORD);
    let mut recorder = Recorder::default();
    let setup = record(&[StepName::AdminSetup]);
    let outcome = examine(&model, &setup, &Policy::default(), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::Interrupted));
    assert_eq!(outcome.applied, ["The device is in admin control mode.", "The MEBx password is not set."]);
    let mebx = record(&[StepName::AdminSetup, StepName::Verify, StepName::SetMebxPassword]);
    let outcome = examine(&model, &mebx, &Policy::default(), &mut recorder).await;
    assert!(outcome.applied[1].contains("firmware does not say"), "{:?}", outcome.applied);
}

fn state(mode: u32, provisioning: u32) -> DeviceState {
    let text =
        format!("{{\"control_mode\":{mode},\"provisioning_state\":{provisioning},\"tls_enforced\":false}}");
    serde_json::from_str(&text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn upgrade_that_was_cut_off_is_judged_by_the_control_mode() {
    let record = Record {
        target: Target::ActivateAcm { mebx_password: false, dns_suffix: None },
        before: state(1, 2),
        before_words: String::new(),
        clock_ahead: None,
        planned: vec![StepName::Login, StepName::SendChain, StepName::Upgrade, StepName::Verify],
        begun: vec![StepName::Login, StepName::SendChain, StepName::Upgrade],
    };
    for (mode, verdict) in [(1, Verdict::FailedClean), (2, Verdict::Succeeded), (0, Verdict::FailedPartial)] {
        let model = if mode == 0 { Model::new() } else { Model::activated(mode, PASSWORD) };
        let outcome = examine(&model, &record, &Policy::default(), &mut Recorder::default()).await;
        assert_eq!(outcome.verdict, verdict, "{mode}");
    }
}

#[tokio::test(start_paused = true)]
async fn deactivation_that_was_cut_off_is_waited_for_and_finished() {
    let (request, before) =
        (Request::Deactivate { password: None, partial: false }, Model::activated(1, PASSWORD));
    let begun = [StepName::Unprovision];
    let (outcome, _) = examined(&Model::new(), &request, &before, &begun).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded);
    let (outcome, _) = examined(&Model::activated(1, PASSWORD), &request, &before, &begun).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::Interrupted));

    let half = Model::new();
    half.device().provisioning = 1;
    let (outcome, recorder) = examined(&half, &request, &before, &begun).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert!(recorder.begun.contains(&StepName::Unprovision));
}

#[tokio::test]
async fn settings_that_were_cut_off_are_read_with_the_local_account() {
    let before = || Model::activated(2, PASSWORD);
    let features = Request::SetFeatures {
        password: secret(PASSWORD),
        features: Features { sol: Some(true), kvm: Some(true), ..Features::default() },
    };
    let reached = before();
    assert_eq!(done(&reached, features.clone()).await.verdict, Verdict::Succeeded);
    let begun = [StepName::Login, StepName::SetRedirection, StepName::SetKvm];
    let (outcome, _) = examined(&reached, &features, &before(), &begun).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    let (outcome, _) = examined(&before(), &features, &before(), &begun).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::Interrupted));
    let redirection_only = Request::SetFeatures {
        password: secret(PASSWORD),
        features: Features { sol: Some(true), ..Features::default() },
    };
    let partly = before();
    assert_eq!(done(&partly, redirection_only).await.verdict, Verdict::Succeeded);
    let (outcome, _) = examined(&partly, &features, &before(), &begun).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::Interrupted));
    assert!(outcome.applied[0].contains("KVM off, SOL on"), "{outcome:?}");

    let name = Request::SyncHostname {
        password: secret(PASSWORD),
        host_name: "host1".into(),
        domain_name: Some(String::new()),
    };
    let begun = [StepName::Login, StepName::SetHostname];
    let (outcome, _) = examined(&before(), &name, &before(), &begun).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::Interrupted));
    let named = before();
    named.device().set("AMT_GeneralSettings", "HostName", "host1");
    let (outcome, _) = examined(&named, &name, &before(), &begun).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");

    let clock = Request::SyncClock { password: secret(PASSWORD) };
    let slow = before();
    slow.device().seconds_ahead = -500;
    let begun = [StepName::Login, StepName::SetClock];
    let (outcome, _) = examined(&before(), &clock, &slow, &begun).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    let (outcome, _) = examined(&slow, &clock, &slow, &begun).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::Interrupted));

    let unreadable = slow.with("GetLowAccuracyTimeSynch", 100, Trouble::Fault("AccessDenied"));
    let plain = before();
    plain.device().seconds_ahead = -500;
    let (outcome, _) = examined(&unreadable, &clock, &plain, &begun).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::StateUnreadable));
}

#[tokio::test]
async fn clock_that_was_set_to_a_wrong_time_before_a_crash_is_not_said_to_be_untouched() {
    let request = Request::SyncClock { password: secret(PASSWORD) };
    let behind = |seconds: i64| {
        let model = Model::activated(2, PASSWORD);
        model.device().seconds_ahead = -seconds;
        model
    };
    let plan = planned(&behind(3600), &request).await.unwrap();
    let mut record = Record::new(&request, &plan);
    record.begun = vec![StepName::Login, StepName::SetClock];
    let examined = async |record: &Record| {
        let mut recorder = Recorder::default();
        examine(&behind(20), record, &Policy::default(), &mut recorder).await
    };
    let outcome = examined(&record).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::Interrupted));
    assert!(outcome.applied[0].starts_with("The clock of AMT was set: "), "{outcome:?}");

    // As written down by a daemon that kept no reading.
    record.clock_ahead = None;
    let outcome = examined(&record).await;
    assert!(outcome.applied[0].starts_with("Whether the clock was set is not known"), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn what_only_a_secret_could_tell_is_left_open_with_a_way_out() {
    let model = Model::activated(2, PASSWORD);
    let change = Request::ChangePassword { password: secret(PASSWORD), new_password: secret("N3w-Passw0rd") };
    let mebx = Request::SetMebxPassword { password: secret(PASSWORD), mebx_password: secret("N3w-Passw0rd") };
    let call = Request::Wsman(WsmanCall {
        user: String::new(),
        password: secret(PASSWORD),
        resource: "AMT_GeneralSettings".into(),
        selectors: Vec::new(),
        operation: WsmanOperation::Delete,
    });
    for (request, step) in
        [(change, StepName::ChangePassword), (mebx, StepName::SetMebxPassword), (call, StepName::Call)]
    {
        let (outcome, _) = examined(&model, &request, &model, &[step]).await;
        assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::Interrupted));
        assert_eq!(outcome.applied.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn call_that_only_reads_leaves_nothing_open() {
    let request = Request::Wsman(WsmanCall {
        user: String::new(),
        password: secret(PASSWORD),
        resource: "AMT_GeneralSettings".into(),
        selectors: Vec::new(),
        operation: WsmanOperation::Get,
    });
    let model = Model::activated(2, PASSWORD);
    let (outcome, _) = examined(&model, &request, &model, &[StepName::Call]).await;
    assert_eq!(outcome.verdict, Verdict::FailedClean);
}
