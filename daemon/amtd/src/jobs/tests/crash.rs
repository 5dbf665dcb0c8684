//! The end of the daemon, in order or not, and of power: what is on the disk, and what the next start makes of it.

use super::*;

#[tokio::test]
async fn a_kill_in_the_middle_is_judged_by_firmware_after_the_restart_and_only_then_do_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::Read(StepName::Login), Act::ChangeAtGate(StepName::Setup)]);
    let rig = Rig::at(directory.path(), &model, config());
    let first = rig.create(activate()).await.unwrap();
    rig.within(first.id, StepName::Setup).await;
    let waiting = rig.create(deactivate()).await.unwrap();
    let read = rig.create(get()).await.unwrap();
    rig.end_of(read.id).await;
    rig.kill().await;

    let rig = Rig::at(directory.path(), &model, config());
    rig.link.send_replace(link(false));
    let never = rig.handle.get(&waiting.id).await.unwrap();
    assert_eq!((verdict(&never), reason(&never)), (Some(Verdict::FailedClean), Some(Reason::Interrupted)));
    let next = rig.create(deactivate()).await.unwrap();
    rig.link.send_replace(link(true));
    let first = rig.end_of(first.id).await;
    assert_eq!((verdict(&first), first.resumed), (Some(Verdict::FailedPartial), true));
    let is_open = |step: &Step| matches!(step.state, StepState::Pending | StepState::Running);
    assert!(!first.steps.iter().any(is_open), "no step of a job that is over is to come: {:?}", first.steps);
    assert_eq!(model.examined()[0].begun, [StepName::Setup], "what only reads is not written down");
    assert!(rig.end_of(next.id).await.started_at >= first.ended_at);
    assert_eq!(rig.handle.get(&read.id).await, None, "what only read is not kept");
    rig.stop().await;

    let rig = Rig::at(directory.path(), &model, config());
    assert!(rig.handle.get(&first.id).await.unwrap().resumed);
    assert_eq!(model.examined().len(), 1, "once is enough");
}

#[tokio::test]
async fn the_end_of_the_daemon_lets_a_job_come_to_a_safe_point() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::ChangeAtGate(StepName::Setup), Act::SafePoint, Act::Change(StepName::CommitChanges)]);
    let rig = Rig::at(directory.path(), &model, config());
    let job = rig.create(activate()).await.unwrap();
    rig.within(job.id, StepName::Setup).await;
    let handle = rig.handle.clone();
    let watch = handle.watch(&job.id).unwrap();
    let stopped = tokio::spawn(rig.stop());
    Rig::is_stopping(handle).await;
    model.open_gate();
    stopped.await.unwrap();
    assert_eq!(reason(&watch.borrow()), Some(Reason::ShuttingDown));
    assert_eq!(model.changed(), [StepName::Setup]);
    let rig = Rig::at(directory.path(), &model, config());
    assert_eq!(reason(&rig.handle.get(&job.id).await.unwrap()), Some(Reason::ShuttingDown));
}

#[tokio::test]
async fn a_job_that_does_not_come_to_a_safe_point_in_time_is_left_for_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::ChangeAtGate(StepName::Setup)]);
    let impatient = config::Jobs { stop_grace: Period::from_millis(1), ..config() };
    let rig = Rig::at(directory.path(), &model, impatient);
    let job = rig.create(activate()).await.unwrap();
    rig.within(job.id, StepName::Setup).await;
    let handle = rig.handle.clone();
    let stopped = tokio::spawn(rig.stop());
    Rig::is_stopping(handle).await;
    stopped.await.unwrap();
    let rig = Rig::at(directory.path(), &model, config());
    let job = rig.end_of(job.id).await;
    assert_eq!((verdict(&job), job.resumed), (Some(Verdict::FailedPartial), true));
}

/// At each write of a job's life the power goes. Whatever the disk keeps: no step has touched firmware without the
/// next start knowing of it.
#[tokio::test]
async fn a_loss_of_power_at_any_write_leaves_no_change_that_nobody_knows_of() {
    let mut points = 0;
    for survivors in Survivors::ALL {
        for point in 0.. {
            let (disk, model) = (Disk::default(), Model::default());
            model.script(SCRIPT);
            disk.fail_after(point);
            let rig = Rig::on(&disk, &model, config());
            let created = rig.handle.create(activate(), named("x")).await;
            let ended = match &created {
                Ok(job) => Some(rig.end_of(job.id).await),
                Err(error) => {
                    assert!(matches!(error, CreateError::Journal(_)), "{error}");
                    assert_eq!(model.changed(), [], "a job that does not exist changes nothing");
                    None
                }
            };
            let is_whole = rig.handle.counts().journal_fault.is_none();
            rig.kill().await;
            let rig = Rig::on(&disk.after_power_loss(survivors), &model, config());
            let known = rig.handle.list(10, None).await;
            if let Some(job) = ended {
                let known = rig.end_of(known[0].id).await;
                assert_eq!(known.id, job.id);
                let begun = model.examined().first().map(|record| record.begun.contains(&StepName::Setup));
                let is_told = begun == Some(true) || verdict(&known) == verdict(&job);
                assert!(model.changed().is_empty() || is_told, "at {point} with {survivors:?}: {known:?}");
            }
            points += 1;
            if is_whole {
                break;
            }
        }
    }
    assert!(points > 50, "{points} points are too few to have been all");
}

#[tokio::test]
async fn a_job_reads_while_it_is_written_down_and_until_then_changes_nothing_and_is_known_to_nobody() {
    for first in [StepName::Setup, StepName::CommitChanges] {
        let (disk, model) = (Disk::default(), Model::default());
        model.script(&[Act::Read(StepName::Login), Act::Gate, Act::Change(first)]);
        let rig = Rig::on(&disk, &model, config());
        assert_eq!(rig.handle.list(10, None).await, [], "the journal was read");
        disk.hold(true);
        model.open_gate();
        let handle = rig.handle.clone();
        let created = tokio::spawn(async move { handle.create(activate(), named("x")).await });
        while !model.is_gate_passed() {
            tokio::task::yield_now().await;
        }
        assert!(!created.is_finished());
        assert_eq!((rig.handle.list(10, None).await, model.changed()), (vec![], vec![]));
        disk.hold(false);
        let job = created.await.unwrap().unwrap();
        assert_eq!(verdict(&rig.end_of(job.id).await), Some(Verdict::Succeeded));
        assert_eq!(model.changed(), [first]);
    }
}

/// It may have been under way already, or not even have begun: then the second does what was meant for the first.
#[tokio::test]
async fn a_job_that_cannot_be_written_down_has_never_been() {
    let (disk, model) = (Disk::default(), Model::default());
    let changes = [Act::Change(StepName::Setup), Act::Change(StepName::CommitChanges)];
    model.script(&[&[Act::Read(StepName::Login), Act::Gate][..], &changes].concat());
    model.script(SCRIPT);
    let rig = Rig::on(&disk, &model, config());
    let mut reader = rig.events.read(&Start::Now).unwrap();
    assert_eq!(rig.handle.list(10, None).await, [], "the journal was read");
    disk.fail_after(0);
    assert!(matches!(rig.handle.create(activate(), named("x")).await, Err(CreateError::Journal(_))));
    model.open_gate();
    assert_eq!((rig.handle.list(10, None).await, rig.handle.secrets()), (vec![], 0));
    disk.heal();
    while rig.handle.counts().journal_fault.is_some() {
        tokio::task::yield_now().await;
    }
    let job = rig.handle.create(activate(), named("x")).await.unwrap();
    assert_eq!(verdict(&rig.end_of(job.id).await), Some(Verdict::Succeeded));
    assert_eq!(model.changed(), [StepName::Setup, StepName::CommitChanges], "of the second alone");
    let Told::Event { event: Event::Job { id, change, .. }, .. } = reader.next().await else {
        panic!("no other events are told here")
    };
    assert_eq!((id, change), (job.id.to_string(), "created"), "the first was not told of");
}

/// Also where the one that was announced is not the one that comes first.
#[tokio::test]
async fn every_step_that_changes_the_device_is_on_the_disk_for_certain_when_it_begins() {
    let backwards = &[Act::Change(StepName::CommitChanges), Act::Change(StepName::Setup)];
    for script in [SCRIPT, backwards] {
        let disk = Disk::default();
        let model = Model::watching(&disk);
        model.script(script);
        let rig = Rig::on(&disk, &model, config());
        let job = rig.create(activate()).await.unwrap();
        assert_eq!(verdict(&rig.end_of(job.id).await), Some(Verdict::Succeeded));
        let seen = model.seen();
        assert_eq!(seen.len(), 2);
        for (step, disk) in seen {
            let rows = Journal::over(disk.store(), config().journal_limit.get()).load().await.unwrap();
            let [(id, stored)] = rows.as_slice() else { panic!("{rows:?}") };
            assert!(*id == job.id && stored.record.begun.contains(&step), "{step}: {stored:?}");
        }
    }
}

/// Nothing but the journal knows how such a job has ended.
#[tokio::test]
async fn an_end_that_firmware_does_not_show_is_told_only_when_no_loss_of_power_can_change_it() {
    for survivors in Survivors::ALL {
        let (disk, model) = (Disk::default(), Model::default());
        model.script(&[Act::Read(StepName::Login), Act::Change(StepName::ChangePassword)]);
        let rig = Rig::on(&disk, &model, config());
        let job = rig.create(change_password()).await.unwrap();
        let job = rig.end_of(job.id).await;
        let disk = disk.after_power_loss(survivors);
        rig.kill().await;
        let rig = Rig::on(&disk, &model, config());
        let known = rig.handle.get(&job.id).await.unwrap();
        assert_eq!((verdict(&job), verdict(&known)), (Some(Verdict::Succeeded), Some(Verdict::Succeeded)));
        assert_eq!(model.examined(), []);
    }
}
