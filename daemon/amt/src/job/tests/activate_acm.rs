//! Admin control mode, by setup and by upgrade.

use super::*;
use crate::job::certificate::tests::{PFX_PASSWORD, sound};

const MEBX: &str = "MEBx-Passw0rd";

/// A device that trusts the root of the certificate in the request.
fn ready() -> (Model, Request) {
    trusting(Model::new())
}

fn trusting(model: Model) -> (Model, Request) {
    let (file, root) = sound("provisioning.example.com");
    model.device().hashes = vec![(vec![1; 32], true, true), (firmware::sha256(&root), true, true)];
    let request = Request::ActivateAcm {
        password: secret(PASSWORD),
        provisioning_cert: file,
        provisioning_cert_password: secret(PFX_PASSWORD),
        mebx_password: None,
        dns_suffix: None,
    };
    (model, request)
}

fn with_mebx(mut request: Request) -> Request {
    let Request::ActivateAcm { mebx_password, .. } = &mut request else { panic!("another request") };
    *mebx_password = Some(secret(MEBX));
    request
}

#[tokio::test(start_paused = true)]
async fn chain_and_signature_are_what_firmware_verifies() {
    let (model, request) = ready();
    let plan = planned(&model, &request).await.unwrap();
    let expected = [StepName::ReadSetupService, StepName::SendChain, StepName::AdminSetup, StepName::Verify];
    assert_eq!(plan.step_names(), expected);
    assert!(plan.steps[1].description.contains("provisioning.example.com"), "{:?}", plan.steps);
    assert!(
        plan.warnings.iter().any(|warning| warning.contains("MEBx menu stays as it is")),
        "{:?}",
        plan.warnings
    );

    let outcome = done(&model, request.clone()).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert_eq!((model.mode(), model.times("AddNextCertInChain")), ((2, 2), 3));
    assert_eq!(done(&model, request).await.verdict, Verdict::Unchanged);
}

#[tokio::test(start_paused = true)]
async fn admin_setup_whose_answer_was_lost_is_a_success_when_firmware_says_acm() {
    let (model, request) = ready();
    let model = model.with("AdminSetup", 1, Trouble::AnswerLost);
    assert_eq!(done(&model, request).await.verdict, Verdict::Succeeded);
    assert_eq!(model.times("AdminSetup"), 1);
}

#[tokio::test(start_paused = true)]
async fn refused_certificate_is_a_clean_failure_that_names_it() {
    let (model, request) = ready();
    let model = model.with("AddNextCertInChain", 1, Trouble::Returns(4));
    let outcome = done(&model, request).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::ChainRefused));
    let (failure, step) = outcome.failure.unwrap();
    assert_eq!(step, Some(StepName::SendChain));
    assert!(failure.sentence.contains("CERTIFICATE_VERIFICATION_FAILED (4)"), "{}", failure.sentence);
    assert!(failure.sentence.contains("certificate 1 of 3"), "{}", failure.sentence);
    assert_eq!(model.times("AdminSetup"), 0);
}

#[tokio::test(start_paused = true)]
async fn refused_signature_is_a_clean_failure() {
    let (model, request) = ready();
    let model = model.with("AdminSetup", 1, Trouble::Returns(5));
    let outcome = done(&model, request).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::AdminSetupRefused));
}

#[tokio::test(start_paused = true)]
async fn setup_that_is_not_finished_is_committed_though_that_was_not_planned() {
    let (model, request) = ready();
    model.device().after_setup = 1;
    let mut recorder = Recorder::default();
    let outcome = done_with(&model, request, &mut recorder).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert!(recorder.begun.contains(&StepName::CommitChanges));
}

#[tokio::test(start_paused = true)]
async fn setup_that_cannot_be_committed_is_partial_and_the_next_request_finishes_it() {
    let (model, request) = ready();
    model.device().after_setup = 1;
    let model = model.with("CommitChanges", 1, Trouble::Returns(1));
    let outcome = done(&model, request.clone()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::CommitRefused));
    assert_eq!(outcome.applied.len(), 2, "{:?}", outcome.applied);

    let plan = planned(&model, &request).await.unwrap();
    assert_eq!(plan.step_names(), [StepName::Login, StepName::CommitChanges, StepName::Verify]);
    assert_eq!(done(&model, request).await.verdict, Verdict::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn upgrade_keeps_the_password_and_says_so() {
    let (model, request) = trusting(Model::activated(1, PASSWORD));
    let plan = planned(&model, &request).await.unwrap();
    let expected = [StepName::Login, StepName::SendChain, StepName::Upgrade, StepName::Verify];
    assert_eq!(plan.step_names(), expected);
    assert!(plan.warnings[0].contains("keeps the AMT password"), "{:?}", plan.warnings);
    let before = model.device().admin.clone();
    assert_eq!(done(&model, request).await.verdict, Verdict::Succeeded);
    assert_eq!(model.device().admin, before);
    assert_eq!(model.mode(), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn upgrade_that_fails_leaves_client_control_mode_untouched() {
    for (trouble, expected) in
        [(Trouble::Returns(2), Reason::AdminSetupRefused), (Trouble::RequestLost, Reason::AnswerLost)]
    {
        let (model, request) = trusting(Model::activated(1, PASSWORD));
        let model = model.with("UpgradeClientToAdmin", 1, trouble);
        let outcome = done(&model, request).await;
        assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, expected));
        assert_eq!(outcome.after, "client control mode, TLS not enforced");
    }
}

#[tokio::test(start_paused = true)]
async fn upgrade_with_another_password_is_refused_because_it_would_not_be_set() {
    let (model, request) = trusting(Model::activated(1, "0ther-Password"));
    assert_eq!(planned(&model, &request).await.unwrap_err().reason, Reason::PasswordWrong);
    let (model, request) = trusting(Model::activated(2, "0ther-Password"));
    assert_eq!(planned(&model, &request).await.unwrap_err().reason, Reason::PasswordWrong);
}

#[tokio::test(start_paused = true)]
async fn mebx_password_is_set_after_the_activation() {
    let (model, request) = ready();
    let request = with_mebx(request);
    let plan = planned(&model, &request).await.unwrap();
    assert_eq!(plan.steps.last().map(|step| step.name), Some(StepName::SetMebxPassword));
    let outcome = done(&model, request).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert_eq!(outcome.applied, ["The device is in admin control mode.", "The MEBx password is set."]);
    assert_eq!(model.device().mebx.as_deref(), Some(MEBX));
}

#[tokio::test(start_paused = true)]
async fn activation_whose_mebx_password_was_refused_is_partial() {
    let (model, request) = ready();
    let model = model.with("SetMEBxPassword", 1, Trouble::Returns(16));
    let outcome = done(&model, with_mebx(request)).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::MebxRefused));
    assert_eq!(outcome.applied, ["The device is in admin control mode.", "The MEBx password is not set."]);
    assert_eq!(failed_in(&outcome), Some(StepName::SetMebxPassword));
}

#[tokio::test(start_paused = true)]
async fn cancel_between_activation_and_mebx_password_says_what_is_in_force() {
    let (model, request) = ready();
    let mut recorder = Recorder::stopping_after(StepName::Verify);
    let outcome = done_with(&model, with_mebx(request), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::Cancelled));
    assert_eq!(outcome.applied[0], "The device is in admin control mode.");
    assert_eq!(model.times("SetMEBxPassword"), 0);
}

#[tokio::test(start_paused = true)]
async fn mebx_password_of_a_device_that_is_activated_already_is_set_alone() {
    let (model, request) = trusting(Model::activated(2, PASSWORD));
    let request = with_mebx(request);
    let plan = planned(&model, &request).await.unwrap();
    assert_eq!(plan.step_names(), [StepName::Login, StepName::SetMebxPassword]);
    assert_eq!(done(&model, request).await.verdict, Verdict::Succeeded);
}

#[tokio::test(start_paused = true)]
async fn newer_firmware_gets_a_clear_refusal_instead_of_a_setup_that_it_does_not_have() {
    for (version, enablement) in [("19.0.5", Some(0x82)), ("19.0.5", None), ("18.0.1", Some(0xC2))] {
        let (model, request) = ready();
        model.set(|device| (device.version, device.enablement) = (version, enablement));
        let failure = planned(&model, &request).await.unwrap_err();
        assert_eq!(failure.reason, Reason::AdminModeOverTlsNotSupported);
        let is_said_to_enforce = failure.sentence.contains("enforces TLS");
        assert_eq!(is_said_to_enforce, enablement != Some(0x82), "{failure:?}");
        assert!(failure.sentence.contains("only over TLS"), "{}", failure.sentence);
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_succeed_is_refused_before_anything_is_sent() {
    let refused = |(model, request): (Model, Request), change: fn(&mut firmware::Device)| async move {
        model.set(change);
        let reason = planned(&model, &request).await.unwrap_err().reason;
        assert_eq!(model.times("AddNextCertInChain") + model.times("AdminSetup"), 0);
        reason
    };
    assert_eq!(refused(ready(), |device| device.suffix = "example.org").await, Reason::DnsSuffixMismatch);
    assert_eq!(refused(ready(), |device| device.hashes.truncate(1)).await, Reason::RootNotTrusted);
    assert_eq!(refused(ready(), |device| device.hashes[1].1 = false).await, Reason::RootNotTrusted);
    assert_eq!(
        refused(ready(), |device| device.allowed_modes = vec![1]).await,
        Reason::ControlModeNotAllowed
    );
    assert_eq!(refused(ready(), |device| device.provisioning = 1).await, Reason::HalfProvisioned);
    assert_eq!(
        refused(ready(), |device| (device.mode, device.provisioning) = (1, 1)).await,
        Reason::HalfProvisioned
    );
    assert_eq!(refused(ready(), |device| device.version = "6.0.0").await, Reason::FirmwareUnsupported);
    let unplugged = |device: &mut firmware::Device| (device.suffix, device.link_up) = ("", false);
    assert_eq!(refused(ready(), unplugged).await, Reason::WiredLinkDown);

    let (model, mut request) = ready();
    let Request::ActivateAcm { provisioning_cert_password, dns_suffix, .. } = &mut request else { panic!() };
    *provisioning_cert_password = secret("wrong");
    *dns_suffix = Some("example.com".into());
    assert_eq!(planned(&model, &request).await.unwrap_err().reason, Reason::CertificatePasswordWrong);
    let (model, mut request) = ready();
    let Request::ActivateAcm { dns_suffix, .. } = &mut request else { panic!() };
    *dns_suffix = Some("example.net".into());
    assert_eq!(planned(&model, &request).await.unwrap_err().reason, Reason::DnsSuffixMismatch);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_known_beforehand_is_a_warning() {
    let warned = |change: fn(&mut firmware::Device), what: &'static str| async move {
        let (model, request) = ready();
        model.set(change);
        let warnings = planned(&model, &request).await.unwrap().warnings;
        assert!(warnings.iter().any(|warning| warning.contains(what)), "{warnings:?}");
    };
    warned(|device| device.suffix = "", "option 15").await;
    warned(|device| device.suffix = "office.example.com", "some firmware refuses").await;
    warned(|device| device.link_up = false, "no link").await;
    warned(|device| device.hashes[1].2 = false, "full unprovision deletes it").await;
}

#[tokio::test(start_paused = true)]
async fn neither_plan_nor_outcome_shows_a_secret() {
    let (model, request) = ready();
    let request = with_mebx(request);
    let model = model.with("SetMEBxPassword", 1, Trouble::Returns(2054));
    let plan = planned(&model, &request).await.unwrap();
    let shown = format!("{request:?} {plan:?} {:?}", Record::new(&request, &plan));
    let mut recorder = Recorder::default();
    let outcome = done_with(&model, request, &mut recorder).await;
    let shown = format!("{shown} {outcome:?} {:?}", recorder.told);
    for canary in [PASSWORD, MEBX, PFX_PASSWORD, firmware::LOCAL_PASSWORD] {
        assert!(!shown.contains(canary), "{canary} in {shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_firmware_trusts_is_asked_when_it_was_switched_on_and_before_the_chain_is_sent() {
    let off = |model: Model| {
        model.device().enablement = Some(0x81);
        trusting(model)
    };
    let (model, request) = off(Model::new());
    let plan = planned(&model, &request).await.unwrap();
    assert_eq!(plan.step_names()[..2], [StepName::EnableAmt, StepName::ReadSetupService]);
    let outcome = done(&model, request.clone()).await;
    assert_eq!((outcome.verdict, model.mode()), (Verdict::Succeeded, (2, 2)), "{outcome:?}");

    let (model, request) = off(Model::new());
    model.device().hashes.clear();
    let outcome = done(&model, request).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::RootNotTrusted));
    assert_eq!(outcome.applied, ["Intel AMT was switched on."]);
    assert_eq!(
        (failed_in(&outcome), model.times("AddNextCertInChain")),
        (Some(StepName::ReadSetupService), 0)
    );

    let (model, request) = off(Model::activated(1, PASSWORD));
    assert_eq!(planned(&model, &request).await.unwrap_err().reason, Reason::AmtDisabled, "provisioned");
}
