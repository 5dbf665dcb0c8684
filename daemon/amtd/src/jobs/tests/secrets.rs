//! What must not stay: secrets and answers.

use super::*;

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
    let answer = |job: &Job| job.outcome.as_ref().is_some_and(|outcome| outcome.wsman.is_some());
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
    is_shared::<Handle>();
    is_shared::<Arc<Shared>>();
}
