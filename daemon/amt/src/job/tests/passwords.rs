//! The passwords of admin and of MEBx.

use super::*;

const NEW: &str = "N3w-Passw0rd";

fn change() -> Request {
    Request::ChangePassword { password: secret(PASSWORD), new_password: secret(NEW) }
}

fn mebx() -> Request {
    Request::SetMebxPassword { password: secret(PASSWORD), mebx_password: secret(NEW) }
}

#[tokio::test(start_paused = true)]
async fn new_password_is_verified_by_a_login() {
    let model = Model::activated(1, PASSWORD);
    let plan = planned(&model, &change()).await.unwrap();
    assert_eq!(plan.step_names(), [StepName::Login, StepName::ChangePassword, StepName::Verify]);
    assert!(plan.warnings[0].contains("Keep the new password"), "{:?}", plan.warnings);
    let outcome = done(&model, change()).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert!(planned(&model, &Request::SyncClock { password: secret(NEW) }).await.is_ok());
    // The old password is wrong now, and the new one is in force: nothing to do.
    assert_eq!(done(&model, change()).await.verdict, Verdict::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn same_password_again_is_no_change() {
    let request = Request::ChangePassword { password: secret(PASSWORD), new_password: secret(PASSWORD) };
    assert_eq!(done(&Model::activated(1, PASSWORD), request).await.verdict, Verdict::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn lost_answer_to_a_new_password_is_judged_by_logins() {
    let model = Model::activated(1, PASSWORD).with("SetAdminAclEntryEx", 1, Trouble::AnswerLost);
    assert_eq!(done(&model, change()).await.verdict, Verdict::Succeeded);
    assert_eq!(model.times("SetAdminAclEntryEx"), 1);

    let model = Model::activated(1, PASSWORD).with("SetAdminAclEntryEx", 1, Trouble::RequestLost);
    let outcome = done(&model, change()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::AnswerLost));
}

#[tokio::test(start_paused = true)]
async fn password_that_neither_login_confirms_is_a_partial_failure() {
    let model = Model::activated(1, PASSWORD).with("Get AMT_GeneralSettings", 100, Trouble::Unauthorized);
    let mut recorder = Recorder::troubled_at(StepName::ChangePassword, &model);
    let outcome = done_with(&model, change(), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::StateUnreadable));
    assert_eq!(outcome.applied, ["The password of admin is the new one or still the old one."]);
    assert!(!format!("{outcome:?}").contains(NEW));
}

#[tokio::test(start_paused = true)]
async fn refused_password_is_a_clean_failure() {
    let model = Model::activated(1, PASSWORD).with("SetAdminAclEntryEx", 1, Trouble::Returns(2054));
    let outcome = done(&model, change()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::PasswordChangeRefused));
}

#[tokio::test(start_paused = true)]
async fn change_with_two_wrong_passwords_is_refused() {
    let failure = planned(&Model::activated(1, "0ther-Password"), &change()).await.unwrap_err();
    assert_eq!(failure.reason, Reason::PasswordWrong);
    let weak = Request::ChangePassword { password: secret(PASSWORD), new_password: secret("weak") };
    assert_eq!(
        planned(&Model::activated(1, PASSWORD), &weak).await.unwrap_err().reason,
        Reason::PasswordWeak
    );
}

#[tokio::test(start_paused = true)]
async fn mebx_password_needs_admin_control_mode() {
    let failure = planned(&Model::activated(1, PASSWORD), &mebx()).await.unwrap_err();
    assert_eq!(failure.reason, Reason::WrongControlMode);
    let model = Model::activated(2, PASSWORD);
    assert!(planned(&model, &mebx()).await.unwrap().warnings[0].contains("cannot be read back"));
    assert_eq!(done(&model, mebx()).await.verdict, Verdict::Succeeded);
    assert_eq!(model.device().mebx.as_deref(), Some(NEW));
}

#[tokio::test(start_paused = true)]
async fn mebx_password_whose_answer_was_lost_is_sent_again_because_that_does_no_harm() {
    let model = Model::activated(2, PASSWORD).with("SetMEBxPassword", 1, Trouble::AnswerLost);
    assert_eq!(done(&model, mebx()).await.verdict, Verdict::Succeeded);
    assert_eq!(model.times("SetMEBxPassword"), 2);

    let model = Model::activated(2, PASSWORD).with("SetMEBxPassword", 2, Trouble::RequestLost);
    let outcome = done(&model, mebx()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::AnswerLost));
    assert!(outcome.applied[0].contains("firmware does not say"), "{:?}", outcome.applied);

    let model = Model::activated(2, PASSWORD).with("SetMEBxPassword", 1, Trouble::Returns(16));
    let outcome = done(&model, mebx()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::MebxRefused));
}
