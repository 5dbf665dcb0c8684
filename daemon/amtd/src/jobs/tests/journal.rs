//! A journal that is full, slow, damaged or gone.

use super::*;

#[tokio::test]
async fn a_journal_without_room_refuses_changes_is_visible_and_heals_without_a_restart() {
    let (disk, model) = (Disk::default(), Model::default());
    disk.fail_after(0);
    let rig = Rig::on(&disk, &model, config());
    assert!(matches!(rig.create(activate()).await, Err(CreateError::Journal(_))));
    assert!(rig.handle.counts().journal_fault.is_some());
    assert_eq!(rig.handle.list(10, None).await, []);
    let read = rig.create(get()).await.unwrap();
    assert_eq!(verdict(&rig.end_of(read.id).await), Some(Verdict::Succeeded), "reading needs no journal");
    disk.heal();
    while rig.handle.counts().journal_fault.is_some() {
        tokio::task::yield_now().await;
    }
    let job = rig.create(activate()).await.unwrap();
    assert_eq!(verdict(&rig.end_of(job.id).await), Some(Verdict::Succeeded));
}

/// Nobody reads it a second time: that would only be tried an hour later.
#[tokio::test]
async fn a_journal_that_is_read_late_counts_and_the_same_request_is_still_the_same_job() {
    let (disk, model) = (Disk::default(), Model::default());
    model.script(&[Act::ChangeAtGate(StepName::Setup)]);
    let rig = Rig::on(&disk, &model, config());
    let job = rig.handle.create(activate(), named("x")).await.unwrap();
    rig.within(job.id, StepName::Setup).await;
    rig.kill().await;

    disk.hold(true);
    let (journal_limit, journal_retry) = (Period::from_millis(100), Period::from_millis(3_600_000));
    let rig = Rig::on(&disk, &model, config::Jobs { journal_limit, journal_retry, ..config() });
    for _ in 0..2 {
        let refused = rig.handle.create(activate(), named("x")).await;
        assert!(matches!(refused, Err(CreateError::Journal(_))), "{refused:?}");
    }
    assert!(rig.handle.counts().journal_fault.is_some());
    disk.hold(false);
    while rig.handle.counts().journal_fault.is_some() {
        tokio::task::yield_now().await;
    }
    let again = rig.handle.create(activate(), named("x")).await.unwrap();
    assert_eq!((again.id, rig.handle.list(10, None).await.len()), (job.id, 1));
    assert_eq!(verdict(&rig.end_of(job.id).await), Some(Verdict::FailedPartial));
}

#[tokio::test]
async fn a_step_that_cannot_be_written_down_does_not_touch_firmware() {
    let (disk, model) = (Disk::default(), Model::default());
    model.script(&[Act::Gate]);
    model.script(&[Act::Read(StepName::Login), Act::Change(StepName::Setup)]);
    let rig = Rig::on(&disk, &model, config());
    let first = rig.create(activate()).await.unwrap();
    rig.wait(first.id, |job| job.state == State::Running).await;
    let job = rig.create(activate()).await.unwrap();
    disk.fail_after(0);
    model.open_gate();
    let job = rig.end_of(job.id).await;
    assert_eq!((verdict(&job), reason(&job)), (Some(Verdict::FailedClean), Some(Reason::JournalLost)));
    assert_eq!(model.changed(), []);
    assert!(rig.handle.counts().journal_fault.is_some());
    // Its end is written as soon as that can be.
    disk.heal();
    while rig.handle.counts().journal_fault.is_some() {
        tokio::task::yield_now().await;
    }
    rig.stop().await;
    let rig = Rig::on(&disk, &model, config());
    let known = rig.handle.get(&job.id).await.unwrap();
    assert_eq!((reason(&known), known.resumed), (Some(Reason::JournalLost), false));
}

#[tokio::test]
async fn a_journal_that_fails_in_the_middle_does_not_leave_firmware_half_done() {
    let (disk, model) = (Disk::default(), Model::default());
    model.script(&[Act::ChangeAtGate(StepName::Setup), Act::Change(StepName::CommitChanges)]);
    let rig = Rig::on(&disk, &model, config());
    let job = rig.create(activate()).await.unwrap();
    rig.within(job.id, StepName::Setup).await;
    disk.fail_after(0);
    model.open_gate();
    assert_eq!(verdict(&rig.end_of(job.id).await), Some(Verdict::Succeeded));
    assert_eq!(model.changed(), [StepName::Setup, StepName::CommitChanges]);
}

#[tokio::test]
async fn a_damaged_journal_is_refused_and_used_again_when_it_was_moved_away() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("jobs.redb");
    std::fs::write(&file, [0xff; 5000]).unwrap();
    let model = Model::default();
    let rig = Rig::at(directory.path(), &model, config());
    let Err(CreateError::Journal(error)) = rig.create(activate()).await else { panic!("it is damaged") };
    assert!(error.contains("jobs.redb"), "{error}");
    assert_eq!(std::fs::read(&file).unwrap(), [0xff; 5000], "what is in it may still be of use to somebody");
    std::fs::rename(&file, directory.path().join("old")).unwrap();
    let job = rig.create(activate()).await.unwrap();
    assert_eq!(verdict(&rig.end_of(job.id).await), Some(Verdict::Succeeded));
}

#[tokio::test]
async fn no_more_jobs_are_kept_than_configured_neither_here_nor_in_the_journal() {
    let (disk, model) = (Disk::default(), Model::default());
    let few = config::Jobs { keep: 3, keep_reading: 1, ..config() };
    let rig = Rig::on(&disk, &model, few.clone());
    let mut last = None;
    for _ in 0..8 {
        let job = rig.create(activate()).await.unwrap();
        last = Some(rig.end_of(job.id).await.id);
        let read = rig.create(get()).await.unwrap();
        rig.end_of(read.id).await;
    }
    let kept = rig.handle.list(100, None).await;
    assert_eq!(kept.len(), 4);
    assert_eq!(rig.handle.list(100, last).await.len(), 2, "older ones");
    rig.stop().await;
    let rig = Rig::on(&disk, &model, config());
    assert_eq!(rig.handle.list(100, None).await.len(), 3);
}
