//! Jobs side by side: one changes the device at a time, reading goes on.

use super::*;

#[tokio::test]
async fn two_jobs_never_change_the_device_at_once_and_the_second_is_planned_again() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::ChangeAtGate(StepName::Setup)]);
    model.script(&[Act::Change(StepName::Unprovision)]);
    let rig = Rig::at(directory.path(), &model, config());
    let first = rig.create(activate()).await.unwrap();
    rig.within(first.id, StepName::Setup).await;
    let second = rig.create(deactivate()).await.unwrap();
    let third = rig.create(deactivate()).await.unwrap();
    assert_eq!((second.queue_position, third.queue_position), (Some(1), Some(2)));
    assert_eq!(model.changed(), [StepName::Setup]);
    assert_eq!(model.planned(), 3);
    model.open_gate();
    rig.end_of(third.id).await;
    assert_eq!(model.changed(), [StepName::Setup, StepName::Unprovision]);
    assert_eq!(model.planned(), 5, "both that had waited");
}

#[tokio::test]
async fn a_job_that_has_become_impossible_while_it_waited_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::ChangeAtGate(StepName::Setup)]);
    let rig = Rig::at(directory.path(), &model, config());
    let first = rig.create(activate()).await.unwrap();
    rig.within(first.id, StepName::Setup).await;
    let second = rig.create(deactivate()).await.unwrap();
    model.plan_next(Err(Failure::new(Reason::WrongControlMode, "It is another device now.")));
    model.open_gate();
    let second = rig.end_of(second.id).await;
    assert_eq!(
        (verdict(&second), reason(&second)),
        (Some(Verdict::FailedClean), Some(Reason::WrongControlMode))
    );
}

#[tokio::test]
async fn reading_goes_on_beside_a_job_that_changes_the_device() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::ChangeAtGate(StepName::Setup)]);
    let rig = Rig::at(directory.path(), &model, config());
    let first = rig.create(activate()).await.unwrap();
    rig.within(first.id, StepName::Setup).await;
    let read = rig.create(get()).await.unwrap();
    let read = rig.end_of(read.id).await;
    assert!(read.outcome.unwrap().wsman.is_some());
    assert!(!rig.handle.get(&first.id).await.unwrap().is_ended());
}

#[tokio::test]
async fn a_full_queue_refuses_and_says_its_limit() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::Gate]);
    let rig = Rig::at(directory.path(), &model, config::Jobs { max_queued: 1, ..config() });
    let first = rig.create(activate()).await.unwrap();
    rig.wait(first.id, |job| job.state == State::Running).await;
    let second = rig.create(deactivate()).await.unwrap();
    assert_eq!(rig.create(deactivate()).await, Err(CreateError::QueueFull(1)));
    assert_eq!(rig.create(get()).await.unwrap().queue_position, Some(1), "reading is counted apart");
    model.open_gate();
    rig.end_of(second.id).await;
    rig.create(deactivate()).await.unwrap();
}
