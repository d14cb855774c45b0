//! Effects: carry out what the scheduler decided. Record, then do, then record.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use studio_core::{
    failure::{Cause, TaskFault},
    ids::{AttemptId, ContentHash, TaskId},
    journal::EventKind,
    ladder::Rung,
    order::{Order, Outputs},
    production::{Job, resolve},
    schedule::{Effect, Event, Need},
    task::{Attempt, AttemptState, TaskState},
};
use studio_engine::{Engine, EngineError, FailureKind, Progress, Said, Workspace};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument, Span};

use super::{
    Error, attempt,
    cache::{Absent, lookup},
    disk,
    inbox::Message,
    loras,
    memory::TaskRef,
    memory::{Running, Studio},
    records::{append_event, decided, failed, finished},
};
use crate::{
    events::{StudioEvent, TaskUpdate},
    store::{self, Tx},
    trace::AttemptSpan,
};

impl Studio {
    /// Carries out one effect; what follows from it at once is returned as events.
    pub(super) async fn perform(&mut self, effect: Effect) -> Result<Vec<Event>, Error> {
        match effect {
            Effect::Run { task, seat, speculative } => self.start(task, &seat, speculative).await,
            Effect::Adopt { task } => self.adopt(task).await,
            Effect::Interrupt { task, by } => {
                if let Some(running) = self.attempts.running_mut(task) {
                    running.interrupted = Some(by);
                    running.stop.cancel();
                }
                Ok(Vec::new())
            }
            Effect::Withdraw { task } => {
                if let Some(running) = self.attempts.running(task) {
                    running.recall.cancel();
                }
                Ok(Vec::new())
            }
            Effect::Change(plan) => {
                let (reused, needless) = self.reused_before(&plan).await?;
                // The change comes first, or what is finished would be decided on while it is only half known.
                let told =
                    if needless { vec![Event::ChangeDropped { seat: plan.seat }] } else { self.change(plan).await? };
                Ok(reused.into_iter().map(finished).chain(told).collect())
            }
            Effect::Release { seat, models } => {
                self.release(seat, models);
                Ok(Vec::new())
            }
            Effect::Quarantine { seat, until, cause } => self.quarantined(&seat, until, &cause).await,
            Effect::Cancel { task } => {
                if let Some(running) = self.attempts.running(task) {
                    running.stop.cancel();
                }
                Ok(Vec::new())
            }
            Effect::Requeue { task, until, counted, cause } => {
                let (said, now) = (format!("tried again later: {cause}"), self.context.clock.now());
                let fault = TaskFault::own(cause);
                let mut tx = self.context.db.begin().await?;
                if counted {
                    store::tasks::strike(&mut tx, task, &said, &fault, until, now).await?;
                } else {
                    store::tasks::set_reason(&mut tx, task, &said, &fault, now).await?;
                }
                tx.commit().await?;
                self.broadcast(task, TaskUpdate::Requeued(fault.cause));
                Ok(Vec::new())
            }
            Effect::Reject { task, fault } => {
                self.reject(vec![(task, fault)]).await?;
                Ok(Vec::new())
            }
            Effect::WakeAt(at) => {
                self.pulse.wake_at(at);
                Ok(Vec::new())
            }
        }
    }

    async fn start(&mut self, task: TaskId, place: &str, speculative: bool) -> Result<Vec<Event>, Error> {
        if self.work.is_picture(task) {
            return self.start_picture(task, place).await;
        }
        if speculative {
            return self.start_speculative(task, place).await;
        }
        let Some(known) = self.work.task(task) else { return Ok(vec![finished(task)]) };
        if let Some(given) = self.given(known) {
            if disk::missing_file(&self.context, &given).await?.is_some() {
                return Ok(vec![failed(task, Cause::override_gone(known.job))]);
            }
            if !matches!(known.job, Job::Gate { .. }) {
                self.put_in_place(task, known, given).await?;
                return Ok(vec![finished(task)]);
            }
        }
        if matches!(known.job, Job::Portraits { .. }) {
            return Box::pin(self.sheet_first(task, known)).await;
        }
        if let Some(gated) = self.gated(known).await? {
            return self.decide(task, known, gated).await;
        }
        let Some(work) = self.work.episode(known.episode) else { return Ok(vec![finished(task)]) };
        let mut resolved = match resolve(&work.production, known.job, work) {
            Ok(resolved) => resolved,
            Err(missing) => {
                return Ok(vec![failed(task, Cause::InputMissing { slot: missing.path(), job: missing.job() })]);
            }
        };
        let engine_name = known.job.engine(&work.production);
        let Some(seat) = self.context.engines.get(&engine_name) else {
            return Ok(vec![failed(task, Cause::NoEngine { engine: engine_name })]);
        };
        let version = seat.engine.version_for(&resolved.order);
        let key = resolved.order.key(&version);
        if let Some(twin) = self.attempts.twin(key) {
            let needs = vec![Need { optional: true, ..Need::must(twin) }];
            return Ok(vec![Event::Deferred { task, needs }]);
        }
        let decided = decided(&resolved);
        self.log_decision(known, task, &serde_json::json!(key), &decided).await?;
        self.add_notice(known, &resolved.remarks);
        if let Some((attempt, outputs)) = self.found(key, &resolved.order, &engine_name).await? {
            self.take_over(task, known, attempt, &resolved.order, outputs).await?;
            return Ok(vec![finished(task)]);
        }
        if let Order::Publish(order) = &mut resolved.order {
            order.replaces = store::episodes::published_files(&self.context.db, known.episode).await?;
            order.known = store::episodes::is_library(&self.context.db, &order.root).await?;
            let project = store::episodes::get(&self.context.db, known.episode).await?.project_id;
            order.show = project.to_string();
            order.shown = store::episodes::is_shown(&self.context.db, project, &order.root).await?;
        }
        let place = Place { seat: place.to_owned(), engine: engine_name, speculative: false };
        self.attempt(task, place, &version, key, resolved.order).await?;
        Ok(Vec::new())
    }

    /// An attempt of an earlier run for the same work, which its engine may still be at; one for other work is stopped.
    async fn left_open(
        &mut self,
        task: TaskId,
        engine: &Arc<dyn Engine>,
        key: ContentHash,
        relief: &[Rung],
    ) -> Result<Option<Attempt>, Error> {
        let Some(open) = self.attempts.open.take(task) else { return Ok(None) };
        if open.key == key && open.relief == relief {
            return Ok(Some(open));
        }
        self.abandon(&open, engine.clone(), AttemptState::Lost, "the plan changed while the studio was closed").await?;
        Ok(None)
    }

    /// An equal result made before. What proves to be gone is forgotten, so that nobody looks for it again.
    pub(super) async fn found(
        &self,
        key: ContentHash,
        order: &Order,
        engine: &str,
    ) -> Result<Option<(Attempt, Outputs)>, Error> {
        let absent = match lookup(&self.context, key, order, engine).await? {
            Ok(found) => return Ok(Some(found)),
            Err(Absent::Never) => return Ok(None),
            Err(absent) => absent,
        };
        let mut tx = self.context.db.begin().await?;
        match absent {
            Absent::Never => {}
            Absent::FileGone(file) => {
                tracing::warn!(%file, "a kept file is gone or cut; it is made again");
                store::assets::mark_missing(&mut tx, file).await?;
            }
            Absent::NotStanding(attempt) => store::attempts::undone(&mut tx, attempt.id).await?,
        }
        tx.commit().await?;
        Ok(None)
    }

    pub(super) async fn take_over(
        &mut self,
        task: TaskId,
        known: TaskRef,
        attempt: Attempt,
        order: &Order,
        outputs: Outputs,
    ) -> Result<(), Error> {
        let now = self.context.clock.now();
        let made_ms = attempt.ended.map(|ended| ended.0 - attempt.started.0);
        let mut tx = self.context.db.begin().await?;
        store::tasks::set_resolved(&mut tx, task, attempt.key, now).await?;
        store::tasks::finish(&mut tx, task, &outputs, "made before, nothing to do", now).await?;
        self.record(&mut tx, known, order, &outputs, made_ms).await?;
        append_event(&mut tx, EventKind::TaskReused, task, known, serde_json::json!({}), now).await?;
        tx.commit().await?;
        self.made(task, known, outputs);
        self.broadcast(task, TaskUpdate::Reused);
        self.close(known).await
    }

    /// What a person put in place of a task's result.
    fn given(&self, known: TaskRef) -> Option<Outputs> {
        self.work.episode(known.episode)?.production.given(known.job).cloned()
    }

    async fn put_in_place(&mut self, task: TaskId, known: TaskRef, outputs: Outputs) -> Result<(), Error> {
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        store::tasks::finish(&mut tx, task, &outputs, "a person put it in place", now).await?;
        append_event(&mut tx, EventKind::TaskReused, task, known, serde_json::json!({}), now).await?;
        tx.commit().await?;
        self.made(task, known, outputs);
        self.broadcast(task, TaskUpdate::Reused);
        self.close(known).await
    }

    /// Commits that an attempt begins, or goes on after a restart (`again`), and where.
    async fn begin(
        &self,
        attempt: &Attempt,
        again: bool,
        at: &store::fleet::Place,
        engine: &Arc<dyn Engine>,
    ) -> Result<(), Error> {
        let (task, now) = (attempt.task_id, self.context.clock.now());
        let leaves = disk::leaves(engine.clone(), attempt.order.clone()).await?;
        let mut tx = self.context.db.begin().await?;
        store::tasks::set_resolved(&mut tx, task, attempt.key, now).await?;
        store::tasks::set_state(&mut tx, task, TaskState::Running, "is being made", now).await?;
        if !again {
            store::attempts::start(&mut tx, attempt).await?;
            self.publication_begins(&mut tx, attempt, leaves).await?;
        }
        store::fleet::placed(&mut tx, attempt.id, at).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Keeps what an attempt to publish may leave in the library before it leaves anything: cut off in the middle it
    /// is neither taken for what was there before nor forgotten.
    async fn publication_begins(&self, tx: &mut Tx<'_>, attempt: &Attempt, leaves: Vec<String>) -> Result<(), Error> {
        let (Order::Publish(order), Some(known)) = (&attempt.order, self.work.task(attempt.task_id)) else {
            return Ok(());
        };
        let files: BTreeSet<String> = order.replaces.iter().cloned().chain(leaves).collect();
        let files: Vec<String> = files.into_iter().collect();
        Ok(store::episodes::begin_publication(tx, known.episode, attempt.id, &order.root, &files).await?)
    }

    /// Stores the attempt, then lets the engine hear of it.
    pub(super) async fn attempt(
        &mut self,
        task: TaskId,
        place: Place,
        version: &str,
        key: ContentHash,
        order: Order,
    ) -> Result<(), Error> {
        let Some(seat) = self.context.engines.get(&place.engine).map(|seat| seat.engine.clone()) else { return Ok(()) };
        let relief = if seat.outlives() { store::tasks::relief(&self.context.db, task).await? } else { Vec::new() };
        let open = self.left_open(task, &seat, key, &relief).await?;
        let kind_of_work = seat.kind_of_work(&order);
        let usual_ms = self.usual_ms(kind_of_work.as_deref()).await?;
        let (again, now) = (open.is_some(), self.context.clock.now());
        let (id, started) =
            open.map_or_else(|| (AttemptId(self.context.clock.id()), now), |open| (open.id, open.started));
        let attempt = Attempt {
            id,
            task_id: task,
            key,
            engine: version.to_owned(),
            order: order.clone(),
            state: AttemptState::Running,
            outputs: None,
            error: None,
            started,
            ended: None,
            relief: relief.clone(),
            kind_of_work,
            card: None,
            server: None,
            energy_wh: None,
        };
        let card = self.card_of(&place.seat);
        let kind = self.model_and_kind(task);
        let at = store::fleet::Place {
            card,
            seat: place.seat.clone(),
            model: kind.0,
            kind: kind.1,
            speculative: place.speculative,
        };
        self.begin(&attempt, again, &at, &seat).await?;

        let data = &self.context.data;
        let outside = self.offers.engine_of(&place.seat).is_some();
        let seated = if outside { place.seat.clone() } else { String::new() };
        let fresh = Workspace::fresh(data.work().join(id.to_string()), data.assets(), id);
        let room = Workspace { resumed: again, relief, usual_ms, seat: seated, ..fresh };
        let stop = CancellationToken::new();
        let cold = (!again).then(|| self.loads.begins(&at.seat, &at.model));
        let running = Running {
            attempt: id,
            key,
            order: order.clone(),
            started,
            stop: stop.clone(),
            leave: room.closing.clone(),
            recall: room.recall.clone(),
            interrupted: None,
            at,
            cold,
            engine: place.engine.clone(),
            version: version.to_owned(),
            outlives: seat.outlives(),
        };
        self.attempts.begin(task, running);
        self.broadcast(task, TaskUpdate::Running(0.0));
        // The row keeps what was asked for; the other model is one of the rungs.
        let order = if room.relief.contains(&Rung::OtherEngine) {
            seat.with_other_model(&order).unwrap_or(order)
        } else {
            order
        };
        self.spawn(task, &place, seat, order, room, stop);
        Ok(())
    }

    /// What such work took before, by server.
    async fn usual_ms(&self, kind_of_work: Option<&str>) -> Result<BTreeMap<String, u64>, Error> {
        let Some(kind) = kind_of_work else { return Ok(BTreeMap::new()) };
        Ok(store::attempts::usual_ms(&self.context.db, kind).await?)
    }

    fn spawn(
        &self,
        task: TaskId,
        place: &Place,
        engine: Arc<dyn Engine>,
        order: Order,
        room: Workspace,
        stop: CancellationToken,
    ) {
        let (inbox, events, known) = (self.inbox.clone(), self.context.events.clone(), self.work.task(task));
        let progress = Progress::new(move |said| {
            let done = match &said {
                Said::Doing(doing) => Some(doing.done),
                Said::Preview(_) => None,
            };
            let news = events.say(task, said);
            if let (true, Some(done), Some(TaskRef { episode, job })) = (news, done, known) {
                events.tell(StudioEvent::Task { task, episode, job, now: TaskUpdate::Running(done) });
            }
        });
        let (attempt, dir) = (room.attempt, room.dir.clone());
        let span = self.span(task, attempt, place);
        let (metrics, name, begun) = (self.context.metrics.clone(), place.engine.clone(), Instant::now());
        let (db, loras) = (self.context.db.clone(), self.context.plan.loras.clone());
        let making = async move {
            tracing::info!(again = room.resumed, "an attempt begins");
            if let Some(folder) = loras
                && let Some(why) = loras::swapped(&db, &folder, &order).await
            {
                return Err(why.into());
            }
            attempt::make(&*engine, &order, room, &progress, &stop).await
        };
        let making = tokio::spawn(making.instrument(span.clone()));
        let ending = async move {
            let result = making.await;
            attempt::tell(&metrics, &name, &result, begun.elapsed());
            let result = match result {
                Ok(result) => result,
                Err(broken) => {
                    // Nobody else is left to clear it; at the latest the next start does.
                    let _ = disk::clear_folder(dir).await;
                    Err(EngineError::new(FailureKind::Transient, format!("the engine broke down: {broken}")).into())
                }
            };
            // Nobody hears it when the conductor is gone; the next start finds the attempt running and settles it.
            let _ = inbox.send(Message::Ended { task, attempt, result }).await;
        };
        tokio::spawn(ending.instrument(span));
    }

    /// What everything that is logged about an attempt begins with.
    fn span(&self, task: TaskId, attempt: AttemptId, place: &Place) -> Span {
        let known = self.work.task(task);
        let picture = || self.work.picture(task).map(|request| request.job.to_string());
        let Some(job) = known.map(|known| known.job.path()).or_else(picture) else { return Span::none() };
        let work = known.and_then(|known| self.work.episode(known.episode));
        let request = work.and_then(|work| work.request.as_ref());
        let (episode, engine) = (known.map(|known| known.episode), place.engine.as_str());
        let worker = if place.seat.is_empty() { engine } else { &place.seat };
        AttemptSpan { episode, request, task, attempt, job: &job, engine, worker }.open()
    }
}

/// Where an attempt is made.
pub(super) struct Place {
    pub seat: String,
    pub engine: String,
    pub speculative: bool,
}
