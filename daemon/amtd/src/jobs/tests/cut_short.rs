//! Jobs that are cancelled, run out of time, never end or panic.

use super::*;

#[tokio::test]
async fn a_job_that_waits_is_cancelled_at_once_and_for_good() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::Gate]);
    let rig = Rig::at(directory.path(), &model, config());
    let first = rig.create(activate()).await.unwrap();
    rig.wait(first.id, |job| job.state == State::Running).await;
    let second = rig.create(deactivate()).await.unwrap();
    let cancelled = rig.handle.cancel(&second.id).await.unwrap();
    assert_eq!(
        (verdict(&cancelled), reason(&cancelled)),
        (Some(Verdict::FailedClean), Some(Reason::Cancelled))
    );
    assert_eq!(rig.handle.cancel(&second.id).await, Err(CancelError::Ended));
    model.open_gate();
    rig.end_of(first.id).await;
    rig.stop().await;
    let rig = Rig::at(directory.path(), &model, config());
    assert_eq!(reason(&rig.handle.get(&second.id).await.unwrap()), Some(Reason::Cancelled));
    assert_eq!(rig.handle.cancel(&"1".parse().unwrap()).await, Err(CancelError::Unknown));
}

#[tokio::test]
async fn a_running_job_is_cancelled_at_its_next_safe_point() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::Read(StepName::Login), Act::Gate, Act::SafePoint, Act::Change(StepName::Setup)]);
    let rig = Rig::at(directory.path(), &model, config());
    let job = rig.create(activate()).await.unwrap();
    rig.wait(job.id, |job| job.steps[0].state == StepState::Done).await;
    let job = rig.handle.cancel(&job.id).await.unwrap();
    assert_eq!((job.state, job.cancel_requested), (State::Running, true));
    model.open_gate();
    let job = rig.end_of(job.id).await;
    assert_eq!((verdict(&job), reason(&job)), (Some(Verdict::FailedClean), Some(Reason::Cancelled)));
    assert_eq!(model.changed(), []);
}

#[tokio::test]
async fn a_job_that_has_begun_to_change_the_device_is_not_cut_in_half() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::ChangeAtGate(StepName::Setup), Act::Change(StepName::CommitChanges)]);
    let rig = Rig::at(directory.path(), &model, config());
    let job = rig.create(activate()).await.unwrap();
    let job = rig.within(job.id, StepName::Setup).await;
    assert!(!job.cancellable);
    assert_eq!(rig.handle.cancel(&job.id).await, Err(CancelError::TooLate));
    model.open_gate();
    assert_eq!(verdict(&rig.end_of(job.id).await), Some(Verdict::Succeeded));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_job_that_waits_and_one_that_runs() {
    let disk = Disk::default();
    let model = Model::default();
    model.script(&[Act::Read(StepName::Login), Act::Gate, Act::SafePoint, Act::Change(StepName::Setup)]);
    let rig = Rig::on(&disk, &model, config());
    let within =
        |seconds| CreateOptions { deadline: Some(Duration::from_secs(seconds)), ..CreateOptions::default() };
    let first = rig.handle.create(activate(), within(20)).await.unwrap();
    rig.wait(first.id, |job| job.steps[0].state == StepState::Done).await;
    let second = rig.handle.create(deactivate(), within(10)).await.unwrap();
    let second = rig.end_of(second.id).await;
    assert_eq!(reason(&second), Some(Reason::DeadlineExceeded));
    assert_eq!(second.started_at, None);
    tokio::time::advance(Duration::from_secs(15)).await;
    model.open_gate();
    let first = rig.end_of(first.id).await;
    assert_eq!(reason(&first), Some(Reason::DeadlineExceeded));
    assert_eq!(model.changed(), []);
}

#[tokio::test(start_paused = true)]
async fn a_flow_that_never_ends_is_cut_off_and_firmware_has_the_last_word() {
    let disk = Disk::default();
    let model = Model::default();
    model.script(&[Act::Change(StepName::Setup), Act::Hang]);
    model.script(&[Act::Hang]);
    let rig = Rig::on(&disk, &model, config());
    let first = rig.create(activate()).await.unwrap();
    let second = rig.create(deactivate()).await.unwrap();
    let ended = |job: &Job| job.is_ended();
    let mut watch = rig.handle.watch(&first.id).unwrap();
    let first = watch.wait_for(ended).await.unwrap().clone();
    assert_eq!((verdict(&first), first.resumed), (Some(Verdict::FailedPartial), false));
    assert_eq!(model.examined().len(), 1);
    let mut watch = rig.handle.watch(&second.id).unwrap();
    let second = watch.wait_for(ended).await.unwrap().clone();
    assert_eq!(
        (verdict(&second), reason(&second)),
        (Some(Verdict::FailedClean), Some(Reason::DeadlineExceeded))
    );
    assert_eq!(model.examined().len(), 1, "it had changed nothing");
}

#[tokio::test]
async fn a_flow_that_panics_hurts_its_own_job_only() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::Change(StepName::Setup), Act::Panic]);
    let rig = Rig::at(directory.path(), &model, config());
    let first = rig.create(activate()).await.unwrap();
    let second = rig.create(deactivate()).await.unwrap();
    let first = rig.end_of(first.id).await;
    assert_eq!(verdict(&first), Some(Verdict::FailedPartial));
    assert_eq!(model.examined()[0].begun, [StepName::Setup]);
    assert_eq!(verdict(&rig.end_of(second.id).await), Some(Verdict::Succeeded));
    model.script(&[Act::Panic]);
    let read = rig.create(get()).await.unwrap();
    assert_eq!(reason(&rig.end_of(read.id).await), Some(Reason::Interrupted));
}

#[tokio::test]
async fn an_examination_that_panics_is_not_made_again_and_keeps_no_other_job_waiting() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::Change(StepName::Setup), Act::Panic]);
    model.break_examination();
    let rig = Rig::at(directory.path(), &model, config());
    let first = rig.create(activate()).await.unwrap();
    let second = rig.create(deactivate()).await.unwrap();
    let first = rig.end_of(first.id).await;
    assert_eq!(
        (verdict(&first), reason(&first)),
        (Some(Verdict::FailedPartial), Some(Reason::StateUnreadable))
    );
    assert_eq!(verdict(&rig.end_of(second.id).await), Some(Verdict::Succeeded));
    assert_eq!(model.examined().len(), 1);
    rig.stop().await;
    let rig = Rig::at(directory.path(), &model, config());
    assert_eq!(rig.handle.get(&first.id).await.unwrap().outcome, first.outcome);
}
