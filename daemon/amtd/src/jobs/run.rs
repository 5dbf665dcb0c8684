//! The life of one job from its turn to its verdict. Each is a task of the [`engine`](super::engine).

use std::sync::Arc;

use amtd_amt::job::{Outcome, Record};
use tokio::{
    join,
    task::yield_now,
    time::{timeout, timeout_at},
};
use tracing::{info, warn};

use super::{
    JobId,
    observer::{Announced, Watcher},
    shared::Shared,
    table::{Entered, Lane, Now, Turn},
    verdict,
};

/// Does a job whose turn has come. One that is `announced` is being written down by whoever began it.
pub(super) async fn job(shared: Arc<Shared>, turn: Turn, announced: Option<Announced>) {
    let id = turn.id;
    let outcome = work(&shared, turn, announced).await;
    conclude(&shared, id, outcome).await;
}

/// Finds out what became of a job that was cut off.
pub(super) async fn resumed(shared: Arc<Shared>, id: JobId) {
    let Some(record) = shared.with(|table| table.cut(id)) else { return };
    info!("examining a job that was cut off");
    let outcome = examine(&shared, id, &record).await;
    conclude(&shared, id, outcome).await;
}

async fn work(shared: &Arc<Shared>, turn: Turn, announced: Option<Announced>) -> Outcome {
    let Turn { id, lane, request, mut plan, is_plan_old, deadline } = turn;
    if is_plan_old {
        plan = match shared.plan(&request).await {
            Ok(plan) => plan,
            Err(failure) => return verdict::untouched(failure, plan.before),
        };
        shared.with(|table| table.replanned(id, &request, &plan));
    }
    let mut watcher = Watcher::new(Arc::clone(shared), id, announced);
    let announcement = watcher.announce();
    let end = deadline.checked_add(shared.config.overrun.get()).unwrap_or(deadline);
    // The secrets go with the request and are wiped when the flow has ended.
    let run = shared.flow.run(request, &plan, &mut watcher);
    match timeout_at(end, async { join!(announcement, run) }).await {
        Ok(((), outcome)) => outcome,
        Err(_elapsed) => cut_off(shared, id, lane).await,
    }
}

/// A flow ends by itself, as each of its waits does. This is for the one that has a defect.
async fn cut_off(shared: &Arc<Shared>, id: JobId, lane: Lane) -> Outcome {
    warn!("the job did not end in time; it is cut off and the firmware is read");
    let (has_changed, record) = shared.with(|table| (table.has_changed(id), table.cut(id)));
    match record {
        Some(record) if has_changed && lane == Lane::Changing => examine(shared, id, &record).await,
        Some(record) => verdict::overrun(&record),
        // It is in the table until it has ended.
        None => verdict::untouched(verdict::too_late(), String::new()),
    }
}

async fn examine(shared: &Arc<Shared>, id: JobId, record: &Record) -> Outcome {
    let mut watcher = Watcher::new(Arc::clone(shared), id, None);
    let examined = shared.flow.examine(record, &mut watcher);
    timeout(shared.config.examine_limit.get(), examined).await.unwrap_or_else(|_| verdict::unknown(record))
}

/// An end that firmware shows is told first and then written down. Any other is written down first, so that nobody is
/// told a verdict that a crash could change.
async fn conclude(shared: &Shared, id: JobId, outcome: Outcome) {
    info!(outcome = verdict::sentence(&outcome), "job ended");
    let now = Now::read();
    let ending = shared.with(|table| table.ending(id, &outcome, now));
    let is_told_late = ending.is_some();
    if let Some(entered) = ending {
        write(shared, entered).await;
    }
    let entered = shared.with(|table| table.finish(id, outcome, now));
    if let Some(entered) = entered.filter(|_| !is_told_late) {
        // Those who wait for the end come first.
        yield_now().await;
        write(shared, entered).await;
    }
}

async fn write(shared: &Shared, entered: Entered) {
    if let Err(error) = shared.write(entered).await {
        warn!(%error, "the end of a job is not written down yet");
    }
}
