//! Client control mode.

use super::*;

fn request() -> Request {
    Request::ActivateCcm { password: secret(PASSWORD) }
}

#[tokio::test(start_paused = true)]
async fn plan_names_its_steps_and_what_could_lock_the_user_out() {
    let plan = planned(&Model::new(), &request()).await.unwrap();
    assert_eq!(plan.before, "not activated, TLS not enforced");
    assert_eq!(plan.after, "client control mode, TLS not enforced");
    assert_eq!(plan.step_names(), [StepName::ReadSetupService, StepName::Setup, StepName::Verify]);
    let changing: Vec<_> = plan.steps.iter().map(|step| step.changes_device).collect();
    assert_eq!(changing, [false, true, false]);
    assert!(plan.warnings[0].starts_with("Keep the password"), "{:?}", plan.warnings);
}

#[tokio::test(start_paused = true)]
async fn setup_makes_the_password_the_one_of_admin() {
    let (model, mut recorder) = (Model::new(), Recorder::default());
    let outcome = done_with(&model, request(), &mut recorder).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert_eq!(outcome.applied, ["The device is in client control mode."]);
    assert_eq!(outcome.after, "client control mode, TLS not enforced");
    let told = ["read-setup-service begins", "read-setup-service done", "setup begins", "setup done"];
    assert_eq!(recorder.told[..4], told);
    assert_eq!(done(&model, request()).await.verdict, Verdict::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn what_firmware_is_after_setup_is_read_and_not_read_twice() {
    let model = Model::new();
    assert_eq!(done(&model, request()).await.verdict, Verdict::Succeeded);
    let asked = model.device().asked.clone();
    let setup = asked.iter().position(|asked| asked == "Setup").unwrap();
    assert_eq!(asked[setup + 1..], ["amthi 6b", "amthi 11"]);
}

#[tokio::test(start_paused = true)]
async fn setup_whose_answer_was_lost_is_a_success_when_firmware_says_ccm() {
    let model = Model::new().with("Setup", 1, Trouble::AnswerLost);
    let outcome = done(&model, request()).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert_eq!(model.times("Setup"), 1, "never sent twice");
}

#[tokio::test(start_paused = true)]
async fn setup_that_was_lost_on_the_way_is_a_clean_failure_and_not_sent_again() {
    let model = Model::new().with("Setup", 1, Trouble::RequestLost);
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::AnswerLost));
    assert_eq!(failed_in(&outcome), Some(StepName::Setup));
    assert_eq!(model.times("Setup"), 1);
}

#[tokio::test(start_paused = true)]
async fn setup_that_firmware_refuses_is_a_clean_failure_with_its_number() {
    let model = Model::new().with("Setup", 1, Trouble::Returns(5));
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::SetupRefused));
    let (failure, _) = outcome.failure.unwrap();
    assert!(failure.sentence.contains("AUTHENTICATION_FAILED (5)"), "{}", failure.sentence);
    assert!(
        model.times("amthi 6b") > 4,
        "the control mode is read several times before the refusal is believed"
    );
}

#[tokio::test(start_paused = true)]
async fn setup_that_is_accepted_and_without_effect_is_no_success() {
    let model = Model::new().with("Setup", 1, Trouble::Ignored);
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::NotAsWanted));
}

#[tokio::test(start_paused = true)]
async fn state_that_cannot_be_read_after_setup_is_said_to_be_unknown() {
    let model =
        Model::new().with("Setup", 1, Trouble::AnswerLost).with("amthi 6b", 1000, Trouble::RequestLost);
    let mut recorder = Recorder::troubled_at(StepName::Setup, &model);
    let outcome = done_with(&model, request(), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::AnswerLost));
    assert_eq!(outcome.after, "not known");
    assert!(outcome.applied[0].contains("not known"), "{:?}", outcome.applied);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_touched_when_the_journal_cannot_be_written() {
    let model = Model::new();
    let mut recorder = Recorder { journal_is_lost_at: Some(StepName::Setup), ..Recorder::default() };
    let outcome = done_with(&model, request(), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::JournalLost));
    assert_eq!(model.times("Setup"), 0);
}

#[tokio::test(start_paused = true)]
async fn cancel_before_setup_leaves_no_trace_and_cancel_after_it_comes_too_late() {
    let model = Model::new();
    let mut recorder = Recorder::stopping_after(StepName::ReadSetupService);
    let outcome = done_with(&model, request(), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::Cancelled));
    assert_eq!(model.times("Setup"), 0);

    let mut recorder = Recorder::stopping_after(StepName::Setup);
    let outcome = done_with(&model, request(), &mut recorder).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn each_cause_of_an_early_end_is_told_apart() {
    for (stop, expected) in [
        (Stop::Cancelled, Reason::Cancelled),
        (Stop::Deadline, Reason::DeadlineExceeded),
        (Stop::ShuttingDown, Reason::ShuttingDown),
    ] {
        let mut recorder = Recorder { stop: Some(stop), ..Recorder::default() };
        let outcome = done_with(&Model::new(), request(), &mut recorder).await;
        assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, expected));
        assert!(recorder.told.is_empty(), "{:?}", recorder.told);
    }
}

#[tokio::test(start_paused = true)]
async fn device_that_changed_since_the_plan_is_left_alone() {
    let model = Model::new();
    let plan = planned(&model, &request()).await.unwrap();
    model.device().mode = 2;
    let outcome = run_as_owner(&model, request(), &plan, &mut Recorder::default()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::DeviceChanged));
    assert_eq!(model.times("Setup"), 0);
}

#[tokio::test(start_paused = true)]
async fn setup_that_needs_a_commit_is_finished_by_one() {
    let model = Model::new();
    model.device().after_setup = 1;
    let outcome = done(&model, request()).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert_eq!(model.mode(), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn commit_whose_answer_was_lost_is_a_success_when_firmware_says_so() {
    let model = Model::new().with("CommitChanges", 1, Trouble::AnswerLost);
    model.device().after_setup = 1;
    assert_eq!(done(&model, request()).await.verdict, Verdict::Succeeded);
    assert_eq!(model.times("CommitChanges"), 1);
}

#[tokio::test(start_paused = true)]
async fn right_password_that_is_refused_just_after_setup_is_tried_again() {
    let model = Model::new().with("Get AMT_GeneralSettings", 2, Trouble::Unauthorized);
    model.device().after_setup = 1;
    let mut recorder = Recorder::troubled_at(StepName::CommitChanges, &model);
    let outcome = done_with(&model, request(), &mut recorder).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn account_that_firmware_gave_out_and_refuses_is_named_and_no_wrong_password_of_the_user() {
    let is_told = |failure: &Failure| {
        assert_eq!(failure.reason, Reason::AccessDenied);
        assert!(
            failure.sentence.contains("`$$OsAdmin`") && failure.next_step.contains("restart"),
            "{failure:?}"
        );
    };
    let model = Model::new().with("Get IPS_HostBasedSetupService", 100, Trouble::Unauthorized);
    model.troubled();
    is_told(&planned(&model, &request()).await.unwrap_err());
    for step in ["Get AMT_GeneralSettings", "Setup"] {
        let outcome = done(&Model::new().with(step, 100, Trouble::Unauthorized), request()).await;
        assert_eq!(outcome.verdict, Verdict::FailedClean);
        is_told(&outcome.failure.unwrap().0);
    }
}

#[tokio::test(start_paused = true)]
async fn setup_that_cannot_be_committed_is_taken_back() {
    let model = Model::new().with("CommitChanges", 1, Trouble::Returns(38));
    model.device().after_setup = 1;
    let mut recorder = Recorder::default();
    let outcome = done_with(&model, request(), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::CommitRefused));
    assert_eq!(failed_in(&outcome), Some(StepName::CommitChanges));
    assert_eq!((model.mode(), model.times("Unprovision")), ((0, 0), 1));
    assert!(recorder.begun.contains(&StepName::Undo));
}

#[tokio::test(start_paused = true)]
async fn undo_falls_back_to_the_host_interface() {
    let model = Model::new().with("CommitChanges", 1, Trouble::Returns(1)).with(
        "Unprovision",
        1,
        Trouble::Returns(16),
    );
    model.device().after_setup = 1;
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::CommitRefused));
    assert_eq!(model.times("amthi 10"), 1);
}

#[tokio::test(start_paused = true)]
async fn setup_that_can_neither_be_committed_nor_taken_back_is_a_partial_failure_that_says_so() {
    let model = Model::new()
        .with("CommitChanges", 1, Trouble::Returns(1))
        .with("Unprovision", 1, Trouble::Returns(16))
        .with("amthi 10", 1, Trouble::Returns(16));
    model.device().after_setup = 1;
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::CommitRefused));
    assert!(outcome.applied.contains(&"Provisioning was begun and is not finished.".to_owned()));

    // Asking again finishes it.
    let outcome = done(&model, request()).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn firmware_that_enforces_tls_is_set_up_over_tls_with_a_commit() {
    let model = Model::new();
    model.set(|device| (device.enablement, device.after_setup, device.version) = (Some(0xC2), 1, "19.0.5"));
    let plan = planned(&model, &request()).await.unwrap();
    let expected = [StepName::ReadSetupService, StepName::Setup, StepName::CommitChanges, StepName::Verify];
    assert_eq!(plan.step_names(), expected);
    assert!(plan.warnings.iter().any(|warning| warning.contains("not verified")), "{:?}", plan.warnings);
    let outcome = done(&model, request()).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert_eq!(outcome.after, "client control mode, TLS enforced");
}

#[tokio::test(start_paused = true)]
async fn generation_tells_of_tls_where_the_watchdog_driver_holds_the_client_that_knows() {
    let model = Model::new();
    model.set(|device| (device.enablement, device.version) = (None, "19.0.5"));
    let failure = planned(&model, &request()).await.unwrap_err();
    // The model listens without TLS, but was asked on the other port.
    assert_eq!(failure.reason, Reason::WsmanUnreachable);
    model.device().version = "16.1.25";
    assert!(planned(&model, &request()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_succeed_is_refused_before_anything_is_sent() {
    let refused =
        |model: Model, request: Request| async move { planned(&model, &request).await.unwrap_err().reason };
    let weak = Request::ActivateCcm { password: secret("password") };
    assert_eq!(refused(Model::new(), weak).await, Reason::PasswordWeak);
    assert_eq!(refused(Model::activated(2, PASSWORD), request()).await, Reason::WrongControlMode);
    assert_eq!(refused(Model::activated(1, "0ther-Password"), request()).await, Reason::PasswordWrong);
    assert_eq!(refused(Model::activated(7, PASSWORD), request()).await, Reason::WrongControlMode);

    let model = Model::new();
    model.device().provisioning = 1;
    assert_eq!(refused(model, request()).await, Reason::HalfProvisioned);
    let model = Model::new();
    model.device().allowed_modes = vec![2];
    assert_eq!(refused(model, request()).await, Reason::ControlModeNotAllowed);
    let model = Model::new();
    model.device().version = "6.2.0";
    assert_eq!(refused(model, request()).await, Reason::FirmwareUnsupported);
    let model = Model::new();
    model.set(|device| (device.version, device.build) = ("11.0.25", "2999"));
    assert_eq!(refused(model, request()).await, Reason::FirmwareUnsupported);
    let model = Model::new();
    model.device().enablement = Some(0x80);
    assert_eq!(refused(model, request()).await, Reason::AmtDisabled);
    let model = Model::new();
    model.device().set("AMT_GeneralSettings", "DigestRealm", "Digest:nonsense");
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::AnswerUnusable));
}

#[tokio::test(start_paused = true)]
async fn neither_plan_nor_outcome_nor_any_debug_text_shows_a_secret() {
    let model = Model::new().with("Setup", 1, Trouble::Returns(1));
    let request = request();
    let plan = planned(&model, &request).await.unwrap();
    let mut recorder = Recorder::default();
    let shown = format!("{request:?} {plan:?} {:?}", request.target());
    let outcome = done_with(&model, request, &mut recorder).await;
    let shown =
        format!("{shown} {outcome:?} {:?} {}", recorder.told, serde_json::to_string(&outcome).unwrap());
    assert!(!shown.contains(PASSWORD) && !shown.contains(firmware::LOCAL_PASSWORD), "{shown}");
}
