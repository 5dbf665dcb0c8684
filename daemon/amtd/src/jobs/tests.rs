//! The engine, one hazard at a time, with flows that the test writes down and no firmware.

use std::{sync::Arc, time::Duration};

use amtd_amt::job::{Failure, Kind, Reason, StepName, Verdict};

use super::{
    CancelError, CreateError, CreateOptions, State, StepState,
    bench::{Act, CANARY, Model, Rig, activate, change_password, config, deactivate, get, link, named},
    journal::{
        Journal,
        disk::{Disk, Survivors},
    },
};
use crate::{
    config::{self, Period},
    events::{Event, Start, Told},
};

const SCRIPT: &[Act] = &[
    Act::SafePoint,
    Act::Read(StepName::Login),
    Act::SafePoint,
    Act::Change(StepName::Setup),
    Act::Change(StepName::CommitChanges),
];

fn reason(job: &super::Job) -> Option<Reason> {
    job.outcome.as_ref()?.failure.as_ref().map(|(failure, _)| failure.reason)
}

fn verdict(job: &super::Job) -> Option<Verdict> {
    job.outcome.as_ref().map(|outcome| outcome.verdict)
}

// ---- the life of a job ----

#[tokio::test]
async fn a_job_ends_with_its_steps_done_and_is_still_known_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(SCRIPT);
    let rig = Rig::at(directory.path(), &model, config());
    let job = rig.handle.create(activate(), named("first")).await.unwrap();
    assert_eq!((job.state, job.queue_position, job.cancellable), (State::Queued, Some(1), true));
    let job = rig.end_of(job.id).await;
    assert_eq!((verdict(&job), job.resumed, job.cancellable), (Some(Verdict::Succeeded), false, false));
    assert!(job.steps.iter().all(|step| step.state == StepState::Done && step.attempts == 1), "{job:?}");
    assert_eq!(rig.handle.counts().ended, [(Kind::ActivateCcm, "succeeded", 1)]);
    rig.stop().await;

    let rig = Rig::at(directory.path(), &model, config());
    let again = rig.handle.get(&job.id).await.unwrap();
    assert_eq!((again.kind, again.steps.len(), verdict(&again)), (job.kind, 3, Some(Verdict::Succeeded)));
    assert_eq!(rig.handle.create(activate(), named("first")).await.unwrap().id, job.id);
    assert_eq!(model.examined(), []);
}

#[tokio::test]
async fn a_refused_request_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    let failure = Failure::new(Reason::PasswordWeak, "Too short.");
    model.plan_next(Err(failure.clone()));
    let rig = Rig::at(directory.path(), &model, config());
    let refused = rig.handle.create(activate(), named("first")).await;
    assert_eq!(refused, Err(CreateError::Refused(failure)));
    assert_eq!(rig.handle.list(10, None).await, []);
    rig.stop().await;
    let rig = Rig::at(directory.path(), &model, config());
    assert_eq!(rig.handle.list(10, None).await, []);
}

#[tokio::test]
async fn a_step_that_was_not_planned_is_shown_in_its_place() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::Read(StepName::Login), Act::Change(StepName::Setup), Act::Change(StepName::Undo)]);
    let rig = Rig::at(directory.path(), &model, config());
    let job = rig.create(activate()).await.unwrap();
    let job = rig.end_of(job.id).await;
    let steps: Vec<_> = job.steps.iter().map(|step| (step.name, step.state)).collect();
    let expected = [
        (StepName::Login, StepState::Done),
        (StepName::Setup, StepState::Done),
        (StepName::Undo, StepState::Done),
        (StepName::CommitChanges, StepState::Pending),
    ];
    assert_eq!(steps, expected);
}

#[tokio::test]
async fn who_watches_and_who_reads_events_sees_the_job_to_its_end() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(SCRIPT);
    let rig = Rig::at(directory.path(), &model, config());
    let mut reader = rig.events.read(&Start::Now).unwrap();
    let job = rig.create(activate()).await.unwrap();
    rig.end_of(job.id).await;
    let mut changes = Vec::new();
    while changes.last() != Some(&"ended") {
        let Told::Event { event: Event::Job { id, change, detail, .. }, .. } = reader.next().await else {
            panic!("no other events are told here")
        };
        assert_eq!(id, job.id.to_string());
        assert!(!detail.contains(CANARY));
        changes.push(change);
    }
    assert_eq!(changes, ["created", "started", "step", "step", "step", "ended"]);
}

// ---- the queue ----

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

// ---- request ids ----

#[tokio::test]
async fn a_repeated_request_is_the_same_job_and_another_by_its_name_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    model.script(&[Act::Gate]);
    let rig = Rig::at(directory.path(), &model, config());
    let (one, two) =
        tokio::join!(rig.handle.create(activate(), named("a")), rig.handle.create(activate(), named("a")),);
    let job = one.unwrap();
    assert_eq!(two.unwrap().id, job.id, "also when both come at once");
    assert_eq!(rig.handle.create(deactivate(), named("a")).await, Err(CreateError::RequestIdReused(job.id)));
    let stranger = CreateOptions { uid: 7, ..named("a") };
    assert_ne!(rig.handle.create(deactivate(), stranger).await.unwrap().id, job.id);
    assert_eq!(rig.handle.list(10, None).await.len(), 2);
}

#[tokio::test]
async fn options_that_are_not_allowed_are_refused_before_firmware_is_asked() {
    let directory = tempfile::tempdir().unwrap();
    let model = Model::default();
    let rig = Rig::at(directory.path(), &model, config());
    for length in [0, 129] {
        let refused = rig.handle.create(activate(), named(&"x".repeat(length))).await;
        assert_eq!(refused, Err(CreateError::RequestIdLength(length)));
    }
    for deadline in [Duration::ZERO, Duration::from_secs(1 << 30)] {
        let options = CreateOptions { deadline: Some(deadline), ..CreateOptions::default() };
        let refused = rig.handle.create(activate(), options).await;
        assert!(matches!(refused, Err(CreateError::Deadline { asked, .. }) if asked == deadline));
    }
    assert_eq!(model.planned(), 0);
}

// ---- cancelling and deadlines ----

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
    let ended = |job: &super::Job| job.is_ended();
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

// ---- the end of the daemon ----

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

// ---- the journal ----

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

// ---- secrets and answers ----

#[tokio::test]
async fn no_secret_comes_into_the_journal_nor_into_anything_that_is_shown() {
    let (disk, model) = (Disk::default(), Model::default());
    model.script(&[Act::ChangeAtGate(StepName::Setup)]);
    let rig = Rig::on(&disk, &model, config());
    let first = rig.create(activate()).await.unwrap();
    rig.within(first.id, StepName::Setup).await;
    let waiting = rig.create(deactivate()).await.unwrap();
    let has_canary = |image: &[u8]| image.windows(CANARY.len()).any(|window| window == CANARY.as_bytes());
    assert!(!has_canary(&disk.image()));
    model.open_gate();
    let ended = rig.end_of(waiting.id).await;
    assert!(!has_canary(&disk.image()) && !has_canary(format!("{ended:?}").as_bytes()));
    assert!(disk.image().windows(5).any(|window| window == b"setup"), "something was written");
}

#[tokio::test(start_paused = true)]
async fn the_answer_of_a_call_is_dropped_after_a_while_and_is_never_in_the_journal() {
    let (disk, model) = (Disk::default(), Model::default());
    let rig = Rig::on(&disk, &model, config());
    let read = rig.create(get()).await.unwrap();
    let read = rig.end_of(read.id).await;
    assert!(read.outcome.is_some_and(|outcome| outcome.wsman.is_some()));
    let watch = rig.handle.watch(&read.id).unwrap();
    let answer = |job: &super::Job| job.outcome.as_ref().is_some_and(|outcome| outcome.wsman.is_some());
    let mut watch = watch;
    let job = watch.wait_for(|job| !answer(job)).await.unwrap();
    assert_eq!(verdict(&job), Some(Verdict::Succeeded), "the verdict stays");
}

#[tokio::test]
async fn many_answers_do_not_pile_up() {
    let (disk, model) = (Disk::default(), Model::default());
    let rig = Rig::on(&disk, &model, config::Jobs { keep_answers: 2, ..config() });
    for _ in 0..5 {
        let read = rig.create(get()).await.unwrap();
        rig.end_of(read.id).await;
    }
    let jobs = rig.handle.list(10, None).await;
    let answers: Vec<_> =
        jobs.iter().map(|job| job.outcome.as_ref().is_some_and(|outcome| outcome.wsman.is_some())).collect();
    assert_eq!(answers, [true, true, false, false, false]);
}

#[tokio::test]
async fn the_secrets_of_a_job_are_dropped_with_its_end() {
    let (disk, model) = (Disk::default(), Model::default());
    model.script(&[Act::Gate]);
    let rig = Rig::on(&disk, &model, config());
    let first = rig.create(activate()).await.unwrap();
    rig.wait(first.id, |job| job.state == State::Running).await;
    let second = rig.create(deactivate()).await.unwrap();
    assert_eq!(rig.handle.secrets(), 1, "of the one that waits");
    rig.handle.cancel(&second.id).await.unwrap();
    assert_eq!(rig.handle.secrets(), 0);
}

/// The seam is an object, so that the handle needs no type parameter.
#[test]
fn handles_go_to_other_tasks() {
    fn is_shared<T: Clone + Send + Sync + 'static>() {}
    is_shared::<super::Handle>();
    is_shared::<Arc<super::shared::Shared>>();
}
