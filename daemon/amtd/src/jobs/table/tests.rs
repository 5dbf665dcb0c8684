//! The table against a model: whatever is done to it, the rules of the queue hold.

use std::{collections::HashMap, time::Duration};

use amtd_amt::job::{PlannedStep, Verdict};
use proptest::prelude::*;

use super::*;
use crate::jobs::{
    Step, StepState,
    bench::{activate, config, get, plan},
};

#[derive(Debug, Clone, Copy)]
enum Move {
    Insert { changes: bool, deadline: Option<u16> },
    Next { changes: bool },
    Step { place: usize },
    Finish { place: usize },
    Cancel { place: usize },
    Pass { seconds: u16 },
}

fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        3 => (any::<bool>(), prop::option::of(1..500_u16))
            .prop_map(|(changes, deadline)| Move::Insert { changes, deadline }),
        3 => any::<bool>().prop_map(|changes| Move::Next { changes }),
        2 => any::<usize>().prop_map(|place| Move::Step { place }),
        2 => any::<usize>().prop_map(|place| Move::Finish { place }),
        1 => any::<usize>().prop_map(|place| Move::Cancel { place }),
        1 => (1..400_u16).prop_map(|seconds| Move::Pass { seconds }),
    ]
}

fn lane(changes: bool) -> Lane {
    if changes { Lane::Changing } else { Lane::Reading }
}

/// Does the moves and remembers what must be.
struct Bench {
    table: Table,
    now: Now,
    /// In the order of their creation.
    waiting: Vec<(JobId, Lane)>,
    running: Vec<(JobId, Lane)>,
    ended: HashMap<JobId, Job>,
    created: usize,
}

impl Bench {
    fn new() -> Self {
        let config = config::Jobs { max_queued: 4, max_reading: 2, keep: 5, keep_reading: 2, ..config() };
        let now = Now { at: Instant::now(), wall: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) };
        Self {
            table: Table::new(config, Log::new(16)),
            now,
            waiting: Vec::new(),
            running: Vec::new(),
            ended: HashMap::new(),
            created: 0,
        }
    }

    fn make(&mut self, next: Move) {
        match next {
            Move::Insert { changes, deadline } => self.insert(lane(changes), deadline),
            Move::Next { changes } => self.next(lane(changes)),
            Move::Step { place } => {
                if let Some((id, lane)) = pick(&self.running, place) {
                    let entered = self.table.step_begins(id, StepName::Setup, self.now);
                    assert_eq!(
                        entered.is_some(),
                        lane == Lane::Changing,
                        "written down if it changes the device"
                    );
                    assert_eq!(self.table.cancel(id, self.now).unwrap_err(), CancelError::TooLate);
                }
            }
            Move::Finish { place } => {
                if let Some((id, _)) = pick(&self.running, place) {
                    let outcome = verdict::untouched(verdict::broken(), String::new());
                    self.table.finish(id, outcome, self.now);
                    self.end(id);
                }
            }
            Move::Cancel { place } => {
                if let Some((id, _)) = pick(&self.waiting, place) {
                    self.table.cancel(id, self.now).unwrap();
                    self.end(id);
                }
            }
            Move::Pass { seconds } => {
                let time = Duration::from_secs(seconds.into());
                self.now = Now { at: self.now.at + time, wall: self.now.wall + time };
                self.table.expire(self.now);
                let is_gone = |id: JobId, table: &Table| table.job(id).is_none_or(|job| job.is_ended());
                let late: Vec<_> =
                    self.waiting.iter().filter(|(id, _)| is_gone(*id, &self.table)).copied().collect();
                late.into_iter().for_each(|(id, _)| self.end(id));
            }
        }
    }

    fn insert(&mut self, wanted: Lane, deadline: Option<u16>) {
        let waiting = self.waiting.iter().filter(|(_, lane)| *lane == wanted).count();
        match self.table.room(wanted) {
            Err(error) => return assert_eq!((error, waiting), (CreateError::QueueFull(4), 4)),
            Ok(()) => assert!(waiting < 4),
        }
        let request = if wanted == Lane::Changing { activate() } else { get() };
        let deadline = deadline.map(|seconds| Duration::from_secs(seconds.into()));
        let options = CreateOptions { deadline, ..CreateOptions::default() };
        let planned_after = self.table.generation();
        let planned = Planned { plan: plan(request.kind()), request, options, planned_after };
        let (job, entered) = self.table.name(&planned, self.now);
        assert_eq!(entered.id, job.id);
        assert!(self.table.last == Some(job.id) && self.table.job(job.id).is_none());
        let job = self.table.insert(job, planned, self.now);
        assert_eq!(job.queue_position, Some(waiting + 1));
        self.waiting.push((job.id, wanted));
        self.created += 1;
    }

    fn next(&mut self, wanted: Lane) {
        let running = self.running.iter().filter(|(_, lane)| *lane == wanted).count();
        let first = self.waiting.iter().find(|(_, lane)| *lane == wanted).copied();
        let free = if wanted == Lane::Changing { running == 0 } else { running < 2 };
        let turn = self.table.next(wanted, running, self.now);
        assert_eq!(turn.as_ref().map(|turn| turn.id), first.filter(|_| free).map(|(id, _)| id), "in order");
        if let Some(turn) = turn {
            self.waiting.retain(|(id, _)| *id != turn.id);
            self.running.push((turn.id, wanted));
        }
    }

    fn end(&mut self, id: JobId) {
        self.waiting.retain(|(known, _)| *known != id);
        self.running.retain(|(known, _)| *known != id);
        if let Some(job) = self.table.job(id) {
            self.ended.insert(id, job);
        }
    }

    fn check(&self) {
        for wanted in [Lane::Changing, Lane::Reading] {
            let waiting = self.waiting.iter().filter(|(_, lane)| *lane == wanted);
            for (place, (id, _)) in (1..).zip(waiting) {
                let job = self.table.job(*id).unwrap();
                assert_eq!((job.state, job.queue_position), (State::Queued, Some(place)));
            }
        }
        assert_eq!(self.table.waiting(), self.waiting.len());
        assert_eq!(self.table.running(), self.running.len());
        for (id, before) in &self.ended {
            // It is kept or forgotten, and never another.
            assert!(self.table.job(*id).is_none_or(|job| job == *before));
            let is_running = |step: &Step| step.state == StepState::Running;
            assert!(!before.steps.iter().any(is_running), "nothing runs in a job that is over");
        }
        let entries = self.table.entries.values();
        assert!(
            entries
                .clone()
                .all(|entry| entry.request.is_some() == (entry.job.borrow().state == State::Queued))
        );
        let kept = |wanted| {
            entries.clone().filter(|entry| entry.lane == wanted && entry.job.borrow().is_ended()).count()
        };
        assert!(kept(Lane::Changing) <= 5 && kept(Lane::Reading) <= 2);
        let counted: u64 = self.table.ended().values().sum();
        let unfinished = self.waiting.len() + self.running.len();
        assert_eq!(usize::try_from(counted).unwrap() + unfinished, self.created, "each ends once");
    }
}

fn pick(jobs: &[(JobId, Lane)], place: usize) -> Option<(JobId, Lane)> {
    jobs.get(place.checked_rem(jobs.len())?).copied()
}

proptest! {
    #[test]
    fn whatever_comes_jobs_go_in_order_and_end_once(moves in prop::collection::vec(moves(), 1..120)) {
        let mut bench = Bench::new();
        for next in moves {
            bench.make(next);
            bench.check();
        }
    }
}

#[test]
fn a_crash_before_the_first_step_needs_no_firmware_for_its_verdict() {
    let mut bench = Bench::new();
    bench.insert(Lane::Changing, None);
    bench.insert(Lane::Changing, None);
    let [first, second] = [bench.waiting[0].0, bench.waiting[1].0];
    bench.next(Lane::Changing);
    assert!(
        bench.table.step_begins(first, StepName::Login, bench.now).is_none(),
        "there is nothing to find out"
    );
    let begun = bench.table.step_begins(first, StepName::Setup, bench.now).unwrap();
    let queued = bench.table.enter(second).unwrap();
    let mut after = Table::new(config(), Log::new(16));
    let rows = vec![(begun.id, begun.stored), (queued.id, queued.stored)];
    let (entered, examine) = after.restore(rows, bench.now);
    assert_eq!(examine, [first]);
    assert_eq!(entered.iter().map(|entered| entered.id).collect::<Vec<_>>(), [second]);
    assert_eq!(after.job(first).unwrap().state, State::Verifying);
    assert!(after.job(second).unwrap().is_ended());
    assert_eq!(after.cancel(first, bench.now).unwrap_err(), CancelError::TooLate);
}

#[test]
fn a_step_that_is_announced_is_examined_after_a_crash_and_has_not_begun_before_it_does() {
    let mut bench = Bench::new();
    bench.insert(Lane::Changing, None);
    bench.next(Lane::Changing);
    let id = bench.running[0].0;
    let (step, announced) = bench.table.announce(id, bench.now).unwrap();
    assert_eq!((step, announced.stored.record.begun.as_slice()), (StepName::Setup, &[StepName::Setup][..]));
    assert!(!bench.table.has_changed(id) && bench.table.job(id).unwrap().cancellable);
    let mut after = Table::new(config(), Log::new(16));
    let (_, examine) = after.restore(vec![(id, announced.stored)], bench.now);
    assert_eq!(examine, [id]);
}

#[test]
fn a_job_begins_unwritten_only_if_nothing_came_between_and_firmware_shows_its_first_step() {
    let planned = |bench: &Bench, plan| Planned {
        request: activate(),
        plan,
        options: CreateOptions::default(),
        planned_after: bench.table.generation(),
    };
    let mut bench = Bench::new();
    let usual = planned(&bench, plan(Kind::ActivateCcm));
    assert!(bench.table.may_begin_unwritten(&usual));
    for steps in [vec![secret_step()], vec![]] {
        let blind = planned(&bench, Plan { steps, ..plan(Kind::ActivateCcm) });
        assert!(!bench.table.may_begin_unwritten(&blind));
    }
    let mut withdrawn = Bench::new();
    let (job, entered) = withdrawn.table.name(&usual, withdrawn.now);
    let begun = withdrawn.table.begin_unwritten(job, planned(&bench, usual.plan.clone()), withdrawn.now);
    assert_eq!(begun.map(|(job, turn, (step, begun))| (job.id, turn.id, step, begun.id)), {
        let id = entered.id;
        Some((id, id, StepName::Setup, id))
    });
    assert!(withdrawn.table.job(entered.id).is_none() && withdrawn.table.knows(entered.id));
    withdrawn.table.withdraw(entered.id);
    assert!(!withdrawn.table.knows(entered.id));
    assert_eq!(withdrawn.table.take_forgotten(), [entered.id], "a disk that is slow may have it");

    bench.insert(Lane::Changing, None);
    assert!(!bench.table.may_begin_unwritten(&usual), "one waits");
    bench.next(Lane::Changing);
    assert!(!bench.table.may_begin_unwritten(&usual), "its plan is old");
}

#[test]
fn what_firmware_does_not_show_is_neither_announced_nor_told_before_it_is_written_down() {
    let mut bench = Bench::new();
    bench.insert(Lane::Changing, None);
    bench.next(Lane::Changing);
    let id = bench.running[0].0;
    let succeeded = || Outcome { verdict: Verdict::Succeeded, failure: None, ..clean() };
    assert!(bench.table.ending(id, &succeeded(), bench.now).is_none(), "firmware shows it");
    assert!(bench.table.ending(id, &clean(), bench.now).is_some());
    let blind = Plan { steps: vec![secret_step()], ..plan(Kind::ActivateCcm) };
    bench.table.replanned(id, &activate(), &blind);
    assert!(bench.table.announce(id, bench.now).is_none());
    let ending = bench.table.ending(id, &succeeded(), bench.now).unwrap();
    assert_eq!(ending.stored.state, State::Ended);
    assert!(!bench.table.job(id).unwrap().is_ended(), "nobody is told yet");
    let nothing = Plan { steps: Vec::new(), ..plan(Kind::ActivateCcm) };
    bench.table.replanned(id, &activate(), &nothing);
    assert!(bench.table.announce(id, bench.now).is_none());
    let unchanged = Outcome { verdict: Verdict::Unchanged, ..succeeded() };
    assert!(bench.table.ending(id, &unchanged, bench.now).is_some(), "an examination would not say so");
}

fn clean() -> Outcome {
    verdict::untouched(verdict::broken(), String::new())
}

fn secret_step() -> PlannedStep {
    PlannedStep { name: StepName::ChangePassword, description: String::new(), changes_device: true }
}

#[test]
fn the_examination_of_a_job_is_not_cut_short_by_what_ended_it() {
    let mut bench = Bench::new();
    bench.insert(Lane::Changing, Some(1));
    bench.next(Lane::Changing);
    let id = bench.running[0].0;
    bench.table.cancel(id, bench.now).unwrap();
    assert_eq!(bench.table.stop(id, bench.now), Some(Stop::Cancelled));
    bench.now.at += Duration::from_secs(9);
    bench.table.stopping();
    bench.table.cut(id).unwrap();
    assert_eq!(bench.table.stop(id, bench.now), None);
}

#[test]
fn a_step_that_could_not_be_written_down_has_not_changed_the_device() {
    let mut bench = Bench::new();
    bench.insert(Lane::Changing, None);
    bench.next(Lane::Changing);
    let id = bench.running[0].0;
    bench.table.step_begins(id, StepName::Setup, bench.now);
    assert!(bench.table.has_changed(id));
    bench.table.step_withdrawn(id, StepName::Setup, bench.now);
    assert!(!bench.table.has_changed(id));
    assert!(bench.table.cut(id).unwrap().begun.is_empty());
}

#[test]
fn names_go_on_after_a_restart_even_with_a_clock_that_was_set_back() {
    let mut bench = Bench::new();
    bench.insert(Lane::Changing, None);
    let last = bench.waiting[0].0;
    let stored = bench.table.enter(last).unwrap().stored;
    let mut after = Bench::new();
    after.now.wall = SystemTime::UNIX_EPOCH;
    after.table.restore(vec![(last, stored)], after.now);
    after.insert(Lane::Changing, None);
    assert!(after.waiting[0].0 > last);
}

#[test]
fn clock_that_jumps_moves_no_deadline_and_loses_no_job() {
    let year = Duration::from_secs(365 * 86_400);
    for forward in [true, false] {
        let mut bench = Bench::new();
        bench.now.wall += year;
        bench.insert(Lane::Changing, Some(60));
        bench.insert(Lane::Changing, Some(60));
        bench.next(Lane::Changing);
        let (running, waiting) = (bench.running[0].0, bench.waiting[0].0);
        bench.now.wall = if forward { bench.now.wall + year } else { bench.now.wall - year };
        bench.make(Move::Pass { seconds: 59 });
        assert_eq!(bench.table.stop(running, bench.now), None, "its time is not over");
        assert_eq!(bench.waiting.len(), 1);
        bench.table.step_begins(running, StepName::Setup, bench.now);
        let stored = bench.table.enter(running).unwrap().stored;
        assert_eq!(
            serde_json::from_slice::<Stored>(&serde_json::to_vec(&stored).unwrap()).unwrap().created_at,
            stored.created_at
        );
        bench.make(Move::Pass { seconds: 1 });
        assert!(bench.table.stop(running, bench.now).is_some(), "now it is");
        assert!(bench.table.job(waiting).unwrap().is_ended());
        bench.make(Move::Finish { place: 0 });
        bench.insert(Lane::Changing, None);
        assert!(bench.waiting[0].0 > waiting, "names go on");
    }
}
