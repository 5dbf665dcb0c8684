//! Back to no control mode.

use super::*;

fn request() -> Request {
    Request::Deactivate { password: None, partial: false }
}

fn with_password(password: &str, partial: bool) -> Request {
    Request::Deactivate { password: Some(secret(password)), partial }
}

#[tokio::test(start_paused = true)]
async fn client_control_mode_is_left_without_a_password() {
    let model = Model::activated(1, PASSWORD);
    let plan = planned(&model, &request()).await.unwrap();
    assert_eq!(plan.step_names(), [StepName::Unprovision, StepName::Verify]);
    assert!(plan.warnings[0].contains("deleted"), "{:?}", plan.warnings);
    let outcome = done(&model, request()).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert_eq!(outcome.applied, ["The device is not activated."]);
    assert_eq!((model.mode(), model.times("amthi 10")), ((0, 0), 1));
    assert_eq!(done(&model, request()).await.verdict, Verdict::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn unprovision_whose_answer_was_lost_is_judged_by_the_control_mode() {
    let model = Model::activated(1, PASSWORD).with("amthi 10", 1, Trouble::AnswerLost);
    assert_eq!(done(&model, request()).await.verdict, Verdict::Succeeded);
    let model = Model::activated(2, PASSWORD).with("Unprovision", 1, Trouble::AnswerLost);
    assert_eq!(done(&model, with_password(PASSWORD, false)).await.verdict, Verdict::Succeeded);

    let model = Model::activated(1, PASSWORD).with("amthi 10", 1, Trouble::RequestLost);
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::FirmwareUnreachable));
    assert_eq!(model.times("amthi 10"), 1, "never sent twice");
    let model = Model::activated(2, PASSWORD).with("Unprovision", 1, Trouble::RequestLost);
    let outcome = done(&model, with_password(PASSWORD, false)).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::AnswerLost));
}

#[tokio::test(start_paused = true)]
async fn refused_unprovision_is_a_clean_failure_with_its_number() {
    let model = Model::activated(1, PASSWORD).with("amthi 10", 1, Trouble::Returns(16));
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::UnprovisionRefused));

    let model = Model::activated(2, PASSWORD).with("Unprovision", 1, Trouble::Returns(2076));
    let outcome = done(&model, with_password(PASSWORD, false)).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::UnprovisionRefused));
    let (failure, step) = outcome.failure.unwrap();
    assert!(failure.sentence.contains("BLOCKING_COMPONENT"), "{}", failure.sentence);
    assert_eq!(step, Some(StepName::Unprovision));
}

#[tokio::test(start_paused = true)]
async fn unprovision_that_is_accepted_and_without_effect_is_no_success() {
    let model = Model::activated(2, PASSWORD).with("Unprovision", 1, Trouble::Ignored);
    let outcome = done(&model, with_password(PASSWORD, false)).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::NotAsWanted));
}

#[tokio::test(start_paused = true)]
async fn admin_control_mode_is_left_with_its_password_only() {
    let model = Model::activated(2, PASSWORD);
    assert_eq!(planned(&model, &request()).await.unwrap_err().reason, Reason::PasswordMissing);
    let failure = planned(&model, &with_password("0ther-Password", false)).await.unwrap_err();
    assert_eq!(failure.reason, Reason::PasswordWrong);
    assert_eq!(done(&model, with_password(PASSWORD, false)).await.verdict, Verdict::Succeeded);
    assert_eq!(model.mode(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn unknown_control_mode_is_not_to_be_left_by_the_job_that_refuses_it() {
    let failure = planned(&Model::activated(7, PASSWORD), &request()).await.unwrap_err();
    assert_eq!(failure.reason, Reason::WrongControlMode);
    assert!(!failure.next_step.contains("Deactivate"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn partial_unprovision_is_for_admin_control_mode_only() {
    let model = Model::activated(1, PASSWORD);
    let failure = planned(&model, &with_password(PASSWORD, true)).await.unwrap_err();
    assert_eq!(failure.reason, Reason::WrongControlMode);
    assert!(failure.next_step.contains("without `--partial`"), "{failure:?}");

    let model = Model::activated(2, PASSWORD);
    let plan = planned(&model, &with_password(PASSWORD, true)).await.unwrap();
    assert!(plan.warnings[0].contains("stays in force"), "{:?}", plan.warnings);
    assert_eq!(done(&model, with_password(PASSWORD, true)).await.verdict, Verdict::Succeeded);
    assert_eq!((model.times("PartialUnprovision"), model.times("Unprovision")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn half_provisioned_device_is_cleared_by_unprovision_or_else_by_stopping() {
    for (trouble, last_step) in [(None, "stop-configuration skipped"), (Some(16), "stop-configuration done")]
    {
        let model = Model::new();
        model.device().provisioning = 1;
        let model = match trouble {
            Some(status) => model.with("amthi 10", 1, Trouble::Returns(status)),
            None => model,
        };
        let mut recorder = Recorder::default();
        let outcome = done_with(&model, request(), &mut recorder).await;
        assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
        assert!(recorder.told.iter().any(|told| told == last_step), "{:?}", recorder.told);
    }
    let model = Model::activated(1, PASSWORD);
    model.device().provisioning = 1;
    let model = model.with("amthi 10", 1, Trouble::Returns(16)).with("amthi 5e", 1, Trouble::Returns(32));
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::UnprovisionRefused));
    assert_eq!(outcome.after, "client control mode, provisioning not finished, TLS not enforced");
}

#[tokio::test(start_paused = true)]
async fn device_that_cannot_be_read_afterwards_is_not_called_deactivated() {
    let model = Model::activated(1, PASSWORD).with("amthi 6b", usize::MAX, Trouble::RequestLost);
    let mut recorder = Recorder::troubled_at(StepName::Verify, &model);
    let outcome = done_with(&model, request(), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::StateUnreadable));
}

#[tokio::test(start_paused = true)]
async fn cancel_is_heeded_before_the_unprovision() {
    let model = Model::activated(2, PASSWORD);
    let mut recorder = Recorder::stopping_after(StepName::Login);
    let outcome = done_with(&model, with_password(PASSWORD, false), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::Cancelled));
    assert_eq!(model.mode(), (2, 2));
}
