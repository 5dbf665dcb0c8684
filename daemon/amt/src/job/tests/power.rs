//! Activations of a device whose AMT is switched off.

use super::*;

/// Off, and the host may switch it on.
const OFF: u8 = 0x81;
const ON: u8 = 0x83;
const SWITCHED_ON: &str = "Intel AMT was switched on.";

fn request() -> Request {
    Request::ActivateCcm { password: secret(PASSWORD) }
}

fn off() -> Model {
    let model = Model::new();
    model.device().enablement = Some(OFF);
    model
}

#[tokio::test(start_paused = true)]
async fn device_that_is_off_is_switched_on_first_and_the_plan_says_so() {
    let model = off();
    let plan = planned(&model, &request()).await.unwrap();
    let first = &plan.steps[0];
    assert_eq!((first.name, first.changes_device), (StepName::EnableAmt, true));
    assert_eq!(first.description, "Enable Intel AMT, which is switched off");
    assert!(plan.warnings[0].contains("stays switched on"), "{:?}", plan.warnings);
    assert_eq!(model.times("mhc 53"), 0, "a plan changes nothing");

    let mut recorder = Recorder::default();
    let outcome = done_with(&model, request(), &mut recorder).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");
    assert_eq!(outcome.applied, [SWITCHED_ON, "The device is in client control mode."]);
    assert_eq!(recorder.begun[..2], [StepName::EnableAmt, StepName::ReadSetupService]);
    assert_eq!((model.times("mhc 53"), model.device().enablement), (1, Some(ON)));
}

#[tokio::test(start_paused = true)]
async fn switching_on_is_judged_by_reading_and_never_sent_twice() {
    for (trouble, verdict, expected) in [
        (Trouble::AnswerLost, Verdict::Succeeded, None),
        (Trouble::RequestLost, Verdict::FailedClean, Some(Reason::FirmwareUnreachable)),
        (Trouble::Returns(0xA8), Verdict::FailedClean, Some(Reason::AmtDisabled)),
        (Trouble::Ignored, Verdict::FailedClean, Some(Reason::AmtDisabled)),
    ] {
        let model = off().with("mhc 53", 1, trouble);
        let outcome = done(&model, request()).await;
        let failure = outcome.failure.as_ref().map(|(failure, _)| failure.reason);
        assert_eq!((outcome.verdict, failure), (verdict, expected), "{trouble:?}: {outcome:?}");
        assert_eq!((model.times("mhc 53"), model.times("Setup")), (1, usize::from(expected.is_none())));
    }
}

#[tokio::test(start_paused = true)]
async fn failure_behind_it_says_that_amt_is_on() {
    let model = off().with("Setup", 1, Trouble::Returns(5));
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::SetupRefused));
    assert_eq!(outcome.applied, [SWITCHED_ON]);

    let mut recorder = Recorder::stopping_after(StepName::EnableAmt);
    let outcome = done_with(&off(), request(), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::Cancelled));
    assert_eq!(outcome.applied, [SWITCHED_ON]);
}

#[tokio::test(start_paused = true)]
async fn switch_that_cannot_be_read_afterwards_is_said_to_be_unknown() {
    let model = off().with("mhc 53", 1, Trouble::AnswerLost).with("mhc 51", 10_000, Trouble::RequestLost);
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::FirmwareUnreachable));
    assert!(outcome.applied[0].starts_with("Whether Intel AMT was switched on is not known"), "{outcome:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_switched_on_when_the_journal_cannot_be_written() {
    let model = off();
    let mut recorder = Recorder { journal_is_lost_at: Some(StepName::EnableAmt), ..Recorder::default() };
    let outcome = done_with(&model, request(), &mut recorder).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedClean, Reason::JournalLost));
    assert_eq!(model.times("mhc 53"), 0);
}

#[tokio::test(start_paused = true)]
async fn server_that_is_not_there_at_once_is_waited_for_and_one_that_never_comes_has_a_way_out() {
    let slow = off().with("amthi 67", 2, Trouble::Returns(2));
    let outcome = done(&slow, request()).await;
    assert_eq!(outcome.verdict, Verdict::Succeeded, "{outcome:?}");

    let never = off().with("Get IPS_HostBasedSetupService", 10_000, Trouble::RequestLost);
    let outcome = done(&never, request()).await;
    assert_eq!((outcome.verdict, &outcome.applied[..]), (Verdict::FailedPartial, &[SWITCHED_ON.into()][..]));
    let (failure, step) = outcome.failure.unwrap();
    assert_eq!(step, Some(StepName::ReadSetupService));
    assert!(failure.next_step.starts_with("Restart the machine"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn mode_that_firmware_does_not_allow_shows_only_when_it_is_on() {
    let model = off();
    model.device().allowed_modes = vec![2];
    let outcome = done(&model, request()).await;
    assert_eq!((outcome.verdict, reason(&outcome)), (Verdict::FailedPartial, Reason::ControlModeNotAllowed));
    assert_eq!((outcome.applied, model.times("Setup")), (vec![SWITCHED_ON.to_owned()], 0));
}

#[tokio::test(start_paused = true)]
async fn device_that_may_not_be_switched_on_is_refused_with_the_way_out() {
    let locked = Model::new();
    locked.device().enablement = Some(0x80);
    let left = off();
    left.device().provisioning = 2;
    for model in [locked, left] {
        let failure = planned(&model, &request()).await.unwrap_err();
        assert_eq!(failure.reason, Reason::AmtDisabled, "{failure:?}");
        assert!(failure.next_step.contains("BIOS"), "{failure:?}");
        assert_eq!(model.times("mhc 53"), 0);
    }
    let old = Model::new();
    old.device().enablement = Some(0x01);
    let plan = planned(&old, &request()).await.unwrap();
    assert!(
        !plan.step_names().contains(&StepName::EnableAmt),
        "firmware too old to say is not taken for off"
    );
}

#[tokio::test(start_paused = true)]
async fn switching_on_that_was_cut_off_is_told_by_what_firmware_is() {
    let plan = planned(&off(), &request()).await.unwrap();
    let mut record = Record::new(&request(), &plan);
    record.begun = vec![StepName::EnableAmt];
    let judged = async |model: &Model| {
        let outcome = examine(model, &record, &Policy::default(), &mut Recorder::default()).await;
        (outcome.verdict, outcome.applied)
    };
    assert_eq!(judged(&off()).await, (Verdict::FailedClean, vec![]));
    assert_eq!(judged(&Model::new()).await, (Verdict::FailedPartial, vec![SWITCHED_ON.to_owned()]));
    let active = judged(&Model::activated(1, PASSWORD)).await;
    let mode = "The device is in client control mode.".to_owned();
    assert_eq!(active, (Verdict::Succeeded, vec![SWITCHED_ON.to_owned(), mode]));
    let silent = Model::new().with("mhc 51", 10_000, Trouble::RequestLost);
    silent.troubled();
    let (verdict, applied) = judged(&silent).await;
    assert_eq!((verdict, applied.len()), (Verdict::FailedPartial, 1));
}
