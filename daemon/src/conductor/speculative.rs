//! Speculative: work that begins from a take nobody has judged yet, because a card would be idle otherwise.
//!
//! The result is kept under its key like any other. When the take is accepted, the task finds it there; when it is
//! not, the result stays what it is: a picture of a shot that is not in the film.

use studio_core::{
    failure::{Cause, Speculation},
    ids::{ContentHash, TaskId},
    journal::EventKind,
    order::{Order, Outputs},
    production::{Job, Production, Results, resolve},
    schedule::Event,
    take::Subject,
    task::TaskState,
};

use super::{
    Error,
    disk::Kept,
    effects::Place,
    memory::{EpisodeRun, Running, Studio, TaskRef},
    records::{append_event, failed, finished, keep_rows},
};
use crate::store;

/// The job from whose result `job` may begin before its need `need` is met: a chain's next shot stands on the master of
/// the one before, and that on its first take.
pub(super) fn begins_from(production: &Production, job: Job, need: Job) -> Option<Job> {
    match job {
        Job::Normalise { scene, shot } => {
            let chain = production.continues(scene, shot + 1);
            let gate = Job::Gate { subject: Subject::Clip, scene, shot };
            (chain && gate == need).then_some(Job::Take { subject: Subject::Clip, scene, shot, take: 1 })
        }
        Job::Take { subject: Subject::Clip, scene, shot, .. } if shot > 1 => {
            let before = Job::Normalise { scene, shot: shot - 1 };
            (production.continues(scene, shot) && before == need).then_some(before)
        }
        _ => None,
    }
}

/// Takes that are looked for; gates ask for three.
pub(super) const MOST_TAKES: u32 = 100;

/// What would be made if every take that is there were good.
struct IfGood<'a>(&'a EpisodeRun);

impl Results for IfGood<'_> {
    fn outputs(&self, job: Job) -> Option<&Outputs> {
        let work = self.0;
        let newest = || {
            let Job::Gate { subject: subject @ Subject::Clip, scene, shot } = job else { return None };
            let take = newest_take(work, scene, shot)?;
            work.made.get(&Job::Take { subject, scene, shot, take })
        };
        work.made.get(&job).or_else(|| work.speculative.get(&job)).or_else(newest)
    }
}

/// The newest take of a shot's clip that is made, from 1.
fn newest_take(work: &EpisodeRun, scene: u32, shot: u32) -> Option<u32> {
    let job = |take| Job::Take { subject: Subject::Clip, scene, shot, take };
    (1..=MOST_TAKES).take_while(|take| work.made.contains_key(&job(*take))).last()
}

impl Studio {
    /// Begins a task although what it stands on is not judged.
    pub(super) async fn start_speculative(&mut self, task: TaskId, seat: &str) -> Result<Vec<Event>, Error> {
        let not_now = |why: Speculation| Ok(vec![failed(task, Cause::Speculation { why })]);
        let Some(known) = self.work.task(task) else { return Ok(vec![finished(task)]) };
        let Some(work) = self.work.episode(known.episode) else { return Ok(vec![finished(task)]) };
        let resolved = match resolve(&work.production, known.job, &IfGood(work)) {
            Ok(resolved) => resolved,
            Err(missing) => {
                return not_now(Speculation::InputMissing { slot: missing.path(), job: missing.job() });
            }
        };
        let engine = known.job.engine(&work.production);
        let Some(one) = self.context.engines.get(&engine) else {
            return not_now(Speculation::NoEngine { engine });
        };
        let version = one.engine.version_for(&resolved.order);
        let key = resolved.order.key(&version);
        if self.attempts.twin(key).is_some() {
            return not_now(Speculation::Twin);
        }
        if let Some((_, outputs)) = self.found(key, &resolved.order, &engine).await? {
            self.keep_early(known, outputs);
            return Ok(vec![finished(task)]);
        }
        let place = Place { seat: seat.to_owned(), engine, speculative: true };
        self.attempt(task, place, &version, key, resolved.order).await?;
        Ok(Vec::new())
    }

    /// What was made early has proved right: it is taken over like anything made before.
    pub(super) async fn adopt(&mut self, task: TaskId) -> Result<Vec<Event>, Error> {
        let Some(known) = self.work.task(task) else { return Ok(vec![finished(task)]) };
        let Some(work) = self.work.episode(known.episode) else { return Ok(vec![finished(task)]) };
        let again = || Ok(vec![failed(task, Cause::Speculation { why: Speculation::Changed })]);
        let Some((key, order)) = self.today(work, known) else {
            return again();
        };
        match self.found(key, &order, &known.job.engine(&work.production)).await? {
            Some((attempt, outputs)) => {
                self.take_over(task, known, attempt, &order, outputs).await?;
                Ok(vec![finished(task)])
            }
            None => again(),
        }
    }

    /// An early attempt is done; whether it counts is not known yet.
    pub(super) async fn made_early(
        &mut self,
        task: TaskId,
        known: TaskRef,
        running: &Running,
        kept: Kept,
    ) -> Result<Event, Error> {
        let said = "made early; what it started from is still to be judged";
        let peak_mib = self.keep_unused(task, known, running, &kept, (EventKind::TaskSpeculative, said)).await?;
        self.keep_early(known, kept.outputs);
        Ok(Event::Finished { task, found: false, peak_mib })
    }

    /// Whether what `running` makes is what the task is today.
    pub(super) fn still_asked(&self, known: TaskRef, running: &Running) -> bool {
        let today = self.work.episode(known.episode).and_then(|work| self.today(work, known));
        today.is_some_and(|(key, _)| key == running.key)
    }

    /// What a task is with what counts today, and its key.
    fn today(&self, work: &EpisodeRun, known: TaskRef) -> Option<(ContentHash, Order)> {
        let order = resolve(&work.production, known.job, work).ok()?.order;
        let seat = self.context.engines.get(&known.job.engine(&work.production))?;
        Some((order.key(&seat.engine.version_for(&order)), order))
    }

    /// Done, but it stands on a take that does not count: kept under its key, and the task is made again.
    pub(super) async fn discard_speculative(
        &mut self,
        task: TaskId,
        known: TaskRef,
        running: &Running,
        kept: Kept,
    ) -> Result<Event, Error> {
        let cause = Cause::Speculation { why: Speculation::Rejected };
        self.keep_unused(task, known, running, &kept, (EventKind::TaskInVain, &cause.to_string())).await?;
        Ok(failed(task, cause))
    }

    /// Keeps a result that does not make the task, or not yet.
    async fn keep_unused(
        &mut self,
        task: TaskId,
        known: TaskRef,
        running: &Running,
        kept: &Kept,
        (kind, said): (EventKind, &str),
    ) -> Result<Option<u64>, Error> {
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        keep_rows(&mut tx, running.attempt, &running.order, kept, now).await?;
        let peak_mib = self.price(&mut tx, running, kept, now).await?;
        store::tasks::set_state(&mut tx, task, TaskState::Waiting, said, now).await?;
        append_event(&mut tx, kind, task, known, serde_json::json!({}), now).await?;
        tx.commit().await?;
        Ok(peak_mib)
    }

    fn keep_early(&mut self, known: TaskRef, outputs: Outputs) {
        if let Some(work) = self.work.episode_mut(known.episode) {
            work.speculative.insert(known.job, outputs);
        }
    }

    /// A gate has spoken: what began from another take than the one that counts is void.
    ///
    /// `take` is the one that counts, or, with `instead`, the one that was rejected for a further one.
    pub(super) fn speculation_resolved(&mut self, known: TaskRef, take: u32, instead: Option<u32>) -> Vec<Event> {
        let Job::Gate { subject: Subject::Clip, scene, shot } = known.job else { return Vec::new() };
        let Some(work) = self.work.episode_mut(known.episode) else { return Vec::new() };
        let job = |take| Job::Take { subject: Subject::Clip, scene, shot, take };
        let Some(newest) = newest_take(work, scene, shot) else { return Vec::new() };
        let (base, right) = match instead {
            Some(next) => (take, next),
            // Everybody began from the newest, and it is the right one.
            None if newest == take => return Vec::new(),
            None => (newest, take),
        };
        work.speculative.remove(&Job::Normalise { scene, shot });
        work.speculative.remove(&Job::Take { subject: Subject::Clip, scene, shot: shot + 1, take: 1 });
        let task = |take| work.tasks.get(&job(take)).copied();
        // After a restart the scheduler has not heard of the takes before either.
        let others = (1..=base).filter(|other| *other != right);
        others.filter_map(|other| Some(Event::Judged { take: task(other)?, instead: task(right) })).collect()
    }
}
