//! Cache: an equal result made before is looked up by its key, and counts only when every file of it is there.

use studio_core::{
    ids::{ContentHash, TaskId},
    order::{Order, Outputs},
    production::resolve,
    schedule::SwapPlan,
    task::Attempt,
};

use super::{
    Context, Error,
    disk::{missing_file, stands},
    memory::Studio,
    records,
};
use crate::store;

/// Why there is no result to take over.
#[derive(Debug)]
pub(crate) enum Absent {
    /// Nobody has made it like this.
    Never,
    /// A file of it is gone from the disk or cut.
    FileGone(ContentHash),
    /// Its engine says that what it left elsewhere is no longer there.
    NotStanding(Box<Attempt>),
}

/// The attempt that made what `order` asks for, with what it left; nothing is changed.
pub(crate) async fn lookup(
    context: &Context,
    key: ContentHash,
    order: &Order,
    engine: &str,
) -> Result<Result<(Attempt, Outputs), Absent>, Error> {
    match store::attempts::succeeded_by_key(&context.db, key).await? {
        Some(attempt) => still_there(context, attempt, order, engine).await,
        None => Ok(Err(Absent::Never)),
    }
}

/// Whether what an attempt made that succeeded for `order` is all there, with what it left; nothing is changed.
pub(crate) async fn still_there(
    context: &Context,
    attempt: Attempt,
    order: &Order,
    engine: &str,
) -> Result<Result<(Attempt, Outputs), Absent>, Error> {
    let Some(outputs) = attempt.outputs.clone() else { return Ok(Err(Absent::Never)) };
    if let Some(gone) = missing_file(context, &outputs).await? {
        return Ok(Err(Absent::FileGone(gone)));
    }
    // The library's engine sees files; only the store knows that another attempt has begun to replace them.
    let last =
        !matches!(order, Order::Publish(_)) || store::episodes::is_last_publication(&context.db, attempt.id).await?;
    Ok(if last && stands(context, engine, order, &outputs).await? {
        Ok((attempt, outputs))
    } else {
        Err(Absent::NotStanding(Box::new(attempt)))
    })
}

/// Tasks that are looked up before a model comes for them; the rest when they begin.
const LOOKED_UP: usize = 64;

impl Studio {
    /// Takes over what was made before of the work a model is to come for; which tasks that were, and whether nothing
    /// is left that needs the model, as far as was looked.
    pub(super) async fn reused_before(&mut self, plan: &SwapPlan) -> Result<(Vec<TaskId>, bool), Error> {
        let waiting = self.fleet.ready_for(&plan.seat, &plan.model, LOOKED_UP);
        let mut reused = Vec::new();
        for task in &waiting {
            if self.reuse(*task).await? {
                reused.push(*task);
            }
        }
        let needless = !waiting.is_empty() && reused.len() == waiting.len();
        Ok((reused, needless))
    }

    /// Takes over the result of a task that has not begun, if an equal one was made before.
    async fn reuse(&mut self, task: TaskId) -> Result<bool, Error> {
        let Some(known) = self.work.task(task) else { return Ok(false) };
        let Some(work) = self.work.episode(known.episode) else { return Ok(false) };
        let Ok(resolved) = resolve(&work.production, known.job, work) else { return Ok(false) };
        let engine = known.job.engine(&work.production);
        let Some(seat) = self.context.engines.get(&engine) else { return Ok(false) };
        let key = resolved.order.key(&seat.engine.version_for(&resolved.order));
        if self.attempts.twin(key).is_some() || self.attempts.open.server_of(task).is_some() {
            return Ok(false);
        }
        let Some((attempt, outputs)) = self.found(key, &resolved.order, &engine).await? else { return Ok(false) };
        let decided = records::decided(&resolved);
        self.log_decision(known, task, &serde_json::json!(key), &decided).await?;
        self.add_notice(known, &resolved.remarks);
        self.take_over(task, known, attempt, &resolved.order, outputs).await?;
        Ok(true)
    }
}
