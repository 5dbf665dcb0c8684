//! A job from its creation to its end, and what request ids and options do to it.

use super::*;

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
        (StepName::CommitChanges, StepState::Skipped),
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
