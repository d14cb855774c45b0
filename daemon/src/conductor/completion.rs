//! Completion: an attempt or a gate has ended; record it and go on.

use std::collections::BTreeSet;

use serde_json::json;
use studio_core::{
    episode::EpisodeState,
    failure::{Cause, TaskFault},
    ids::{AttemptId, ContentHash, DecisionId, TaskId},
    journal::{DecisionKind, DecisionOutcome, EventKind},
    order::{Order, Outputs},
    production::{FilmRemark, GateOutcome, Job, planned},
    schedule::{Event, Need, Submission},
    shot::ShotState,
    task::{AttemptState, TaskState},
};
use studio_engine::{EngineError, FailureKind};

use super::{
    Error,
    attempt::Failed,
    disk::Kept,
    disk::is_there,
    ladder::Relieved,
    memory::{Running, Studio, TaskRef},
    records::{append_event, failed, finished, keep_rows},
    submission::without_needs,
};
use crate::{
    events::{StudioEvent, TaskUpdate},
    store::{self, Tx, decisions::Decision},
};

impl Studio {
    pub(super) async fn ended(
        &mut self,
        task: TaskId,
        attempt: AttemptId,
        result: Result<Kept, Failed>,
    ) -> Result<(), Error> {
        for event in self.settle(task, attempt, result).await? {
            self.feed(event).await?;
        }
        Ok(())
    }

    /// Records how an attempt ended; what the scheduler should hear is returned.
    pub(super) async fn settle(
        &mut self,
        task: TaskId,
        attempt: AttemptId,
        result: Result<Kept, Failed>,
    ) -> Result<Vec<Event>, Error> {
        // An answer that comes twice, or for an attempt given up long ago, changes nothing.
        let Some(running) = self.attempts.end(task, attempt) else { return Ok(Vec::new()) };
        self.context.events.over(task);
        if let Some(request) = self.work.picture(task).cloned() {
            let load = if result.is_ok() { self.load_of(&running).await? } else { None };
            let event = self.picture_ended(task, request, &running, result).await?;
            return Ok(load.into_iter().chain([event]).collect());
        }
        let Some(known) = self.work.task(task) else { return Ok(Vec::new()) };
        self.pulse.minds = Some(known.episode);
        let load = if result.is_ok() { self.load_of(&running).await? } else { None };
        let event = match result {
            Ok(kept) if running.at.speculative && self.fleet.is_speculative(task) => {
                self.made_early(task, known, &running, kept).await?
            }
            // Stopped too late: it was done before the engine heard that what it started from does not count.
            Ok(kept) if running.at.speculative && !self.still_asked(known, &running) => {
                self.discard_speculative(task, known, &running, kept).await?
            }
            Ok(kept) => {
                let peak_mib = self.succeeded(task, known, &running, kept).await?;
                Event::Finished { task, found: false, peak_mib }
            }
            Err(failed) => self.came_to_nothing(task, known, &running, failed).await?,
        };
        Ok(load.into_iter().chain([event]).collect())
    }

    async fn succeeded(
        &mut self,
        task: TaskId,
        known: TaskRef,
        running: &Running,
        kept: Kept,
    ) -> Result<Option<u64>, Error> {
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        keep_rows(&mut tx, running.attempt, &running.order, &kept, now).await?;
        store::tasks::finish(&mut tx, task, &kept.outputs, "made", now).await?;
        let took_ms = now.0 - running.started.0;
        self.record(&mut tx, known, &running.order, &kept.outputs, Some(took_ms)).await?;
        let peak_mib = self.price(&mut tx, running, &kept, now).await?;
        append_event(&mut tx, EventKind::TaskMade, task, known, json!({ "took_ms": took_ms }), now).await?;
        tx.commit().await?;
        self.made(task, known, kept.outputs);
        self.broadcast(task, TaskUpdate::Made);
        self.close(known).await?;
        Ok(peak_mib)
    }

    async fn came_to_nothing(
        &mut self,
        task: TaskId,
        known: TaskRef,
        running: &Running,
        Failed { failure, damaged }: Failed,
    ) -> Result<Event, Error> {
        let now = self.context.clock.now();
        if failure.kind == FailureKind::Left {
            // Its row stays open: the next start asks the engine what became of it.
            let mut tx = self.context.db.begin().await?;
            store::tasks::set_state(&mut tx, task, TaskState::Waiting, &failure.message, now).await?;
            tx.commit().await?;
            return Ok(Event::Tick);
        }
        let state = if failure.kind == FailureKind::Cancelled { AttemptState::Cancelled } else { AttemptState::Failed };
        let interrupted = running.interrupted.clone().filter(|_| failure.kind == FailureKind::Cancelled);
        let message = interrupted.as_ref().map_or_else(|| failure.message.clone(), ToString::to_string);
        let mut tx = self.context.db.begin().await?;
        store::attempts::end(&mut tx, running.attempt, state, None, Some(&message), now).await?;
        store::tasks::set_state(&mut tx, task, TaskState::Waiting, &failure.message, now).await?;
        self.not_published(&mut tx, known, &running.order, &failure).await?;
        append_event(
            &mut tx,
            EventKind::AttemptFailed,
            task,
            known,
            json!({ "why": failure.message, "kind": failure.kind }),
            now,
        )
        .await?;
        tx.commit().await?;
        let mut kind = failure.kind;
        match kind {
            FailureKind::OutOfMemory => {
                let work = self.work.episode(known.episode);
                let engine = work.map(|work| known.job.engine(&work.production)).unwrap_or_default();
                let what = Relieved { episode: Some(known.episode), slot: known.job.path(), engine };
                return self.next_rung(task, what, running, failure).await;
            }
            FailureKind::DiskFull => {
                self.context.events.tell(StudioEvent::DiskFull { reason: failure.message.clone() });
            }
            FailureKind::BadInput => match self.remake_inputs(known, &running.order, &damaged).await? {
                // Whole again already, because another task had them remade meanwhile.
                needs if needs.is_empty() && self.was_remade(&running.order) => kind = FailureKind::Transient,
                needs if needs.is_empty() => {}
                needs => return Ok(Event::Deferred { task, needs }),
            },
            _ => {}
        }
        let stopped = interrupted.map(|by| Cause::Interrupted { by });
        let after = failure.retry_after_ms;
        let own = || Cause::attempt(kind, failure.message).retry_after(after);
        Ok(failed(task, stopped.unwrap_or_else(own)))
    }

    /// An attempt to publish came to nothing: the episode says so while it is tried again.
    async fn not_published(
        &self,
        tx: &mut Tx<'_>,
        known: TaskRef,
        order: &Order,
        failure: &EngineError,
    ) -> Result<(), Error> {
        if !matches!(order, Order::Publish(_)) {
            return Ok(());
        }
        let remarks = self.work.episode(known.episode).map(|work| work.remarks.clone()).unwrap_or_default();
        let fault = TaskFault::own(Cause::attempt(failure.kind, failure.message.clone()));
        let remarks: Vec<FilmRemark> = remarks.into_iter().chain([FilmRemark::NotInLibrary { fault }]).collect();
        Ok(store::episodes::set_remarks(tx, known.episode, &remarks).await?)
    }

    /// Asks again for inputs that were found gone or damaged; empty when all of them are as they were kept.
    async fn remake_inputs(
        &mut self,
        known: TaskRef,
        order: &Order,
        damaged: &BTreeSet<ContentHash>,
    ) -> Result<Vec<Need>, Error> {
        let mut needs = Vec::new();
        if self.pulse.closing {
            return Ok(needs);
        }
        for asset in order.inputs().into_iter().cloned().collect::<Vec<_>>() {
            let Some(work) = self.work.episode(known.episode) else { continue };
            let maker = work.maker(asset.hash);
            // Being made again: its file may be there already, but nobody has said so yet.
            let coming = self.remade.contains(asset.hash) && maker.is_some_and(|maker| self.fleet.knows(maker));
            // A damaged file was removed: one that is there now has been made again since.
            let whole = !damaged.contains(&asset.hash) || is_there(&self.context, asset.clone()).await?;
            if !coming && whole {
                continue;
            }
            let Some(work) = self.work.episode(known.episode) else { continue };
            let Some(maker) = maker else { continue };
            let Some(job) = self.work.task(maker).map(|maker| maker.job) else { continue };
            let submission = without_needs(&work.production, job, &job.engine(&work.production), maker);
            needs.push(Need::must(maker));
            if self.fleet.knows(maker) {
                // Another task has missed the same file: it is being remade.
                continue;
            }
            let now = self.context.clock.now();
            let mut tx = self.context.db.begin().await?;
            store::assets::mark_missing(&mut tx, asset.hash).await?;
            self.remade.asked(asset.hash);
            store::tasks::set_state(&mut tx, maker, TaskState::Waiting, "its file is gone or damaged", now).await?;
            tx.commit().await?;
            if let Some(work) = self.work.episode_mut(known.episode) {
                work.open += 1;
            }
            let submission = Submission { not_before: now, ..self.controls.lay_over(submission) };
            Box::pin(self.feed(Event::Submitted(submission))).await?;
        }
        Ok(needs)
    }

    fn was_remade(&self, order: &Order) -> bool {
        order.inputs().iter().any(|asset| self.remade.contains(asset.hash))
    }

    /// Carries out what a gate says.
    pub(super) async fn decide(
        &mut self,
        task: TaskId,
        known: TaskRef,
        gated: GateOutcome,
    ) -> Result<Vec<Event>, Error> {
        let Job::Gate { subject, scene, shot } = known.job else { return Ok(Vec::new()) };
        self.context.metrics.gate(&gated);
        let now = self.context.clock.now();
        match gated {
            GateOutcome::Chosen { take, passed, score, outputs, reason } => {
                let (why, gate, reason) = (json!(reason), reason.clone(), reason.to_string());
                self.log_decision(known, task, &why, &[(reason.clone(), None)]).await?;
                self.tell_decided(known, &reason);
                let mut events = self.speculation_resolved(known, take, None);
                events.extend(self.unseen(known, &outputs).await?);
                let state = if passed { ShotState::Completed } else { ShotState::AcceptedBest };
                if let (false, Some(work)) = (passed, self.work.episode_mut(known.episode)) {
                    work.remarks.push(FilmRemark::Gate { job: known.job, reason: gate });
                }
                let mut tx = self.context.db.begin().await?;
                store::tasks::finish(&mut tx, task, &outputs, &reason, now).await?;
                self.record_choice(&mut tx, known, take, state, score, &outputs).await?;
                append_event(
                    &mut tx,
                    EventKind::TakeChosen,
                    task,
                    known,
                    json!({ "take": take, "passed": passed }),
                    now,
                )
                .await?;
                tx.commit().await?;
                self.made(task, known, outputs);
                self.broadcast(task, TaskUpdate::Made);
                self.close(known).await?;
                events.push(finished(task));
                Ok(events)
            }
            GateOutcome::Again { take, reason } => {
                let (why, reason) = (json!(reason), reason.to_string());
                self.log_decision(known, task, &why, &[(reason.clone(), None)]).await?;
                self.tell_decided(known, &reason);
                let Some(mut work) = self.work.lend(known.episode) else { return Ok(Vec::new()) };
                let jobs = [Job::Take { subject, scene, shot, take }, Job::Review { subject, scene, shot, take }];
                let planned: Vec<_> = jobs.iter().map(|job| planned(&work.production, *job)).collect();
                let mut tx = self.context.db.begin().await?;
                store::tasks::set_state(&mut tx, task, TaskState::Waiting, &reason, now).await?;
                let mut events = self.write_tasks(&mut tx, &mut work, &planned, now).await?;
                append_event(&mut tx, EventKind::TakeAgain, task, known, json!({ "take": take, "why": reason }), now)
                    .await?;
                tx.commit().await?;
                let review = work.tasks.get(&jobs[1]).copied();
                self.work.begin(work);
                self.broadcast(task, TaskUpdate::Retake);
                let needs = review.map(Need::must).into_iter().collect();
                events.extend(self.speculation_resolved(known, take - 1, Some(take)));
                events.push(Event::Deferred { task, needs });
                Ok(events)
            }
            GateOutcome::AskPerson { said } => self.ask_person(task, known, Cause::Unjudged { said }).await,
            GateOutcome::ShowPerson { why, .. } => self.ask_person(task, known, Cause::Unseen { why }).await,
        }
    }

    /// Only a person can say which take of a shot goes into the film.
    async fn ask_person(&mut self, task: TaskId, known: TaskRef, cause: Cause) -> Result<Vec<Event>, Error> {
        let Job::Gate { scene, shot, .. } = known.job else { return Ok(Vec::new()) };
        let mut tx = self.context.db.begin().await?;
        let work = self.work.episode_mut(known.episode);
        if let Some(row) = work.and_then(|work| work.shots.get_mut(&(scene, shot))) {
            store::shots::set_state(&mut tx, row.id, ShotState::AskPerson).await?;
            row.state = ShotState::AskPerson;
        }
        tx.commit().await?;
        Ok(vec![failed(task, cause)])
    }

    /// Keeps a result for the tasks that need it.
    pub(super) fn made(&mut self, task: TaskId, known: TaskRef, outputs: Outputs) {
        debug_assert!(self.work.task(task).is_some());
        if let Some(work) = self.work.episode_mut(known.episode) {
            work.made.insert(known.job, outputs);
        }
    }

    /// Decisions on the way to an order that a viewer should know, each told.
    pub(super) fn add_notice(&mut self, known: TaskRef, remarks: &[FilmRemark]) {
        for remark in remarks {
            self.tell_decided(known, &remark.to_string());
        }
        if let (Job::Take { .. } | Job::Normalise { .. } | Job::Mix { .. } | Job::Film | Job::Sound, Some(work)) =
            (known.job, self.work.episode_mut(known.episode))
        {
            work.remarks.extend(remarks.iter().cloned());
        }
    }

    fn tell_decided(&self, known: TaskRef, reason: &str) {
        self.context.events.tell(StudioEvent::Decided { episode: known.episode, reason: reason.to_owned() });
    }

    /// Decisions on the way to an order, kept for whoever asks why: each as a sentence and, unless `from` says it all, as
    /// data. `from` is what they were made from: the reason of a gate, the key of an order.
    pub(super) async fn log_decision(
        &mut self,
        known: TaskRef,
        task: TaskId,
        from: &serde_json::Value,
        decided: &[(String, Option<FilmRemark>)],
    ) -> Result<(), Error> {
        if decided.is_empty() {
            return Ok(());
        }
        let path = known.job.path();
        // A second run decides the same again; once in the book is enough.
        let before = store::decisions::of_task(&self.context.db, task).await?;
        if before.iter().any(|old| old.inputs["slot"] == path.as_str() && old.inputs["from"] == *from) {
            return Ok(());
        }
        let mut tx = self.context.db.begin().await?;
        for (reason, remark) in decided {
            let mut inputs = json!({ "slot": path, "from": from });
            if let Some(remark) = remark {
                inputs["remark"] = json!(remark);
            }
            let decision = Decision {
                id: DecisionId(self.context.clock.id()),
                episode_id: Some(known.episode),
                task_id: Some(task),
                kind: if matches!(known.job, Job::Gate { .. }) { DecisionKind::Gate } else { DecisionKind::Order },
                reason: reason.clone(),
                inputs,
                outcome: DecisionOutcome::Stage(known.job.stage()),
                created: self.context.clock.now(),
            };
            store::decisions::insert(&mut tx, &decision).await?;
        }
        Ok(tx.commit().await?)
    }

    /// One task of the episode is over; with the last one the episode is.
    pub(super) async fn close(&mut self, known: TaskRef) -> Result<(), Error> {
        let Some(work) = self.work.episode_mut(known.episode) else { return Ok(()) };
        work.open = work.open.saturating_sub(1);
        if work.open > 0 {
            return Ok(());
        }
        let warned = self.judge_the_judge(known.episode).await?;
        let Some(work) = self.work.episode_mut(known.episode) else { return Ok(()) };
        work.remarks.extend(warned);
        let (failed, again, remarks) = (work.failed, work.rebuild, std::mem::take(&mut work.remarks));
        let asked = work.rebuild_for.take();
        let waits = work.production.waits_for();
        let mut tx = self.context.db.begin().await?;
        store::episodes::set_remarks(&mut tx, known.episode, &remarks).await?;
        store::episodes::set_stopping(&mut tx, known.episode, false).await?;
        if again && store::episodes::get(&self.context.db, known.episode).await?.state != EpisodeState::Producing {
            // A restart goes on with it.
            store::episodes::set_state(&mut tx, known.episode, EpisodeState::Producing).await?;
        }
        tx.commit().await?;
        let mut tx = self.context.db.begin().await?;
        store::fleet::came_true(&mut tx, known.episode, self.context.clock.now()).await?;
        tx.commit().await?;
        self.work.end(known.episode);
        if again {
            self.work.make_again(known.episode, asked);
            return Ok(());
        }
        let ends = match waits {
            _ if failed => Some((EpisodeState::Failed, EventKind::EpisodeFailed, json!({}))),
            Some(what) => Some((EpisodeState::AwaitingApproval, EventKind::EpisodeAwaits, json!({ "what": what }))),
            None => None,
        };
        if let Some((state, kind, body)) = ends {
            let (mut tx, now) = (self.context.db.begin().await?, self.context.clock.now());
            if store::episodes::get(&self.context.db, known.episode).await?.state == EpisodeState::Producing {
                store::episodes::set_state(&mut tx, known.episode, state).await?;
                store::events::append(&mut tx, kind, &known.episode.to_string(), &body, now).await?;
            }
            tx.commit().await?;
        }
        tracing::info!(episode = %known.episode, failed, "an episode is over");
        self.context.events.tell(StudioEvent::Ended { episode: known.episode, failed });
        Ok(())
    }
}
