//! Pictures: tasks of datasets and reference sheets, which belong to no episode. Each carries its whole order, and what becomes of it is written
//! into the dataset in the transaction that ends the task.

use std::collections::BTreeSet;

use serde_json::json;
use studio_core::{
    dataset::{
        Band, Decider, Decision, Outcome, Picture, PictureRequest, PictureState, Review, Source, Visit, band, moment,
    },
    failure::{Cause, TaskFault},
    ids::{AttemptId, CharacterId, DecisionId, PictureId, ReviewId, TaskId},
    journal::{DecisionKind, EventKind, OutcomeWord},
    media::MediaFacts,
    order::{Outputs, Reported, Role},
    schedule::{Event, Submission},
    take::Verdict,
    task::{AttemptState, PictureJob, Task, TaskState, Work},
    units::Millis,
    views::PortraitOwner,
};
use studio_engine::{EngineError, FailureKind};

use super::{
    Error, Refusal,
    attempt::Failed,
    disk::Kept,
    effects::Place,
    ladder::Relieved,
    memory::{Running, Studio},
    placing::{identified, placed, unidentified},
    portraits,
    records::{failed, finished, keep_rows},
    trainings,
};
use crate::{
    events::StudioEvent,
    store::{self, Tx},
};

/// Pictures of a review that are written down together.
const BATCH: usize = 100;

impl Studio {
    /// Writes down what is asked for datasets, all or nothing, and submits it.
    pub(super) async fn ask_pictures(&mut self, asked: Vec<(PictureRequest, bool)>) -> Result<Vec<TaskId>, Error> {
        let asked = self.not_asked_yet(asked).await?;
        self.ask_for(None, asked).await
    }

    /// Writes down what is asked for a review of many pictures, batch by batch, and submits it.
    pub(super) async fn review_pictures(&mut self, review: Review, asked: Vec<PictureRequest>) -> Result<(), Error> {
        // Asked for twice at the same time, each is judged once.
        let open = store::dataset_reviews::being_judged(&self.context.db, review.character_id).await?;
        let open: BTreeSet<PictureId> = open.into_iter().collect();
        let again = |one: &PictureRequest| match one.job {
            PictureJob::PictureReview { picture, .. } => open.contains(&picture),
            _ => false,
        };
        let mut asked: Vec<_> = asked.into_iter().filter(|one| !again(one)).map(|one| (one, false)).collect();
        let mut begins = true;
        // Whoever writes waits for a batch, not for all. A power cut between two leaves a review of those that were asked about,
        // and who asks again asks about the rest.
        while begins || !asked.is_empty() {
            let rest = asked.split_off(asked.len().min(BATCH));
            self.ask_for(Some((&review, begins)), std::mem::replace(&mut asked, rest)).await?;
            begins = false;
        }
        Ok(())
    }

    /// Writes it down in one transaction and submits it; with a review of many pictures, which begins with this or goes on.
    async fn ask_for(
        &mut self,
        review: Option<(&Review, bool)>,
        asked: Vec<(PictureRequest, bool)>,
    ) -> Result<Vec<TaskId>, Error> {
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        if let Some((review, begins)) = review {
            if begins {
                store::dataset_reviews::insert(&mut tx, review).await?;
            }
            let (subject, body) = (review.character_id.to_string(), json!({ "review": review.id }));
            store::events::append(&mut tx, EventKind::DatasetChanged, &subject, &body, now).await?;
        }
        let mut tasks = Vec::with_capacity(asked.len());
        for (request, automatic) in &asked {
            let task = Task {
                id: TaskId(self.context.clock.id()),
                episode_id: None,
                slot: request.job.to_string(),
                engine: request.engine.clone(),
                class: request.class,
                state: TaskState::Waiting,
                reason: "waits for its turn".into(),
                fault: None,
                job: Work::Picture(request.job),
                key: None,
                outputs: None,
                strikes: 0,
                relief: Vec::new(),
                not_before: now,
                created: now,
                updated: now,
            };
            store::tasks::upsert(&mut tx, &task).await?;
            store::datasets::insert_request(&mut tx, task.id, request, *automatic, now).await?;
            if let Some((review, _)) = review {
                store::dataset_reviews::add(&mut tx, review.id, task.id).await?;
            }
            tasks.push(task.id);
        }
        tx.commit().await?;
        if let Some((review, _)) = review {
            self.context.events.tell(StudioEvent::Dataset { character: review.character_id });
        }
        for (task, (request, _)) in tasks.iter().zip(asked) {
            self.submit_picture(*task, request).await?;
        }
        Ok(tasks)
    }

    pub(super) async fn submit_picture(&mut self, task: TaskId, request: PictureRequest) -> Result<(), Error> {
        if !self.context.engines.contains_key(&request.engine) {
            // The settings named it when it was asked for, and do no longer: nobody would ever come.
            let fault = TaskFault::own(Cause::NoEngine { engine: request.engine.clone() });
            self.work.add_picture(task, request);
            return self.reject_pictures(vec![(task, fault)]).await;
        }
        let only = self.attempts.open.server_of(task);
        let submission = Submission {
            kind: request.kind.clone(),
            model: request.model.clone(),
            project: request.project.clone(),
            guess_ms: request.guess_ms,
            not_before: self.context.clock.now(),
            pinned: only.is_some(),
            only,
            ..Submission::plain(task, &request.engine, request.class)
        };
        self.work.add_picture(task, request);
        Box::pin(self.feed(Event::Submitted(self.controls.lay_over(submission)))).await
    }

    /// Goes on with what was asked for datasets when the studio last stopped.
    pub(super) async fn resume_pictures(&mut self) -> Result<(), Error> {
        for (task, request) in store::datasets::open_requests(&self.context.db).await? {
            match request {
                // It is known already.
                Ok(_) if self.work.is_picture(task) => {}
                Ok(request) => self.submit_picture(task, request).await?,
                Err(error) => self.drop_picture(task, &error.to_string()).await?,
            }
        }
        // A stop holds, also when the power failed before everything had ended.
        let stopped = store::dataset_reviews::stopped(&self.context.db).await?;
        if stopped.is_empty() {
            return Ok(());
        }
        Box::pin(self.feed(Event::AllCancelled { tasks: stopped })).await
    }

    /// Stops a review: what is not judged yet stays as it is.
    pub(super) async fn stop_review(&mut self, review: ReviewId) -> Result<(), Error> {
        let mut tx = self.context.db.begin().await?;
        store::dataset_reviews::stop(&mut tx, review).await?;
        tx.commit().await?;
        let tasks = store::dataset_reviews::open_of(&self.context.db, review).await?;
        Box::pin(self.feed(Event::AllCancelled { tasks })).await
    }

    /// A picture that was asked for is given up: nobody can tell what it was to be.
    async fn drop_picture(&mut self, task: TaskId, why: &str) -> Result<(), Error> {
        tracing::error!(%task, why, "a picture that was asked for is given up");
        let (now, cause) = (self.context.clock.now(), Cause::attempt(FailureKind::Refused, why.to_owned()));
        let mut tx = self.context.db.begin().await?;
        store::tasks::fail_all(&mut tx, &[task], &TaskFault::own(cause), now).await?;
        store::datasets::end_request(&mut tx, task, false).await?;
        store::dataset_reviews::end(&mut tx, task, Outcome::Failed).await?;
        Ok(tx.commit().await?)
    }

    /// Begins a task of a dataset, or finds its result made before.
    pub(super) async fn start_picture(&mut self, task: TaskId, seat: &str) -> Result<Vec<Event>, Error> {
        let Some(request) = self.work.picture(task).cloned() else { return Ok(vec![finished(task)]) };
        let Some(engine) = self.context.engines.get(&request.engine).map(|seat| seat.engine.clone()) else {
            return Ok(vec![failed(task, Cause::NoEngine { engine: request.engine })]);
        };
        let version = engine.version_for(&request.order);
        let key = request.order.key(&version);
        if let Some((attempt, outputs)) = self.found(key, &request.order, &request.engine).await? {
            let now = self.context.clock.now();
            let mut tx = self.context.db.begin().await?;
            store::tasks::set_resolved(&mut tx, task, attempt.key, now).await?;
            store::tasks::finish(&mut tx, task, &outputs, "made before, nothing to do", now).await?;
            self.picture_made(&mut tx, (task, attempt.id), &request, &outputs, now).await?;
            tx.commit().await?;
            self.picture_over(task, request.job);
            return Ok(vec![finished(task)]);
        }
        let place = Place { seat: seat.to_owned(), engine: request.engine, speculative: false };
        self.attempt(task, place, &version, key, request.order).await?;
        Ok(Vec::new())
    }

    /// An attempt for a dataset has ended; what the scheduler should hear.
    pub(super) async fn picture_ended(
        &mut self,
        task: TaskId,
        request: PictureRequest,
        running: &Running,
        result: Result<Kept, Failed>,
    ) -> Result<Event, Error> {
        let now = self.context.clock.now();
        let failure = match result {
            Ok(kept) => {
                let mut tx = self.context.db.begin().await?;
                keep_rows(&mut tx, running.attempt, &running.order, &kept, now).await?;
                store::tasks::finish(&mut tx, task, &kept.outputs, "made", now).await?;
                self.picture_made(&mut tx, (task, running.attempt), &request, &kept.outputs, now).await?;
                let peak_mib = self.price(&mut tx, running, &kept, now).await?;
                tx.commit().await?;
                self.picture_over(task, request.job);
                return Ok(Event::Finished { task, found: false, peak_mib });
            }
            Err(Failed { failure, .. }) => failure,
        };
        let mut tx = self.context.db.begin().await?;
        store::tasks::set_state(&mut tx, task, TaskState::Waiting, &failure.message, now).await?;
        if failure.kind == FailureKind::Left {
            // Its row stays open: the next start asks the engine what became of it.
            tx.commit().await?;
            return Ok(Event::Tick);
        }
        let cancelled = failure.kind == FailureKind::Cancelled;
        let state = if cancelled { AttemptState::Cancelled } else { AttemptState::Failed };
        store::attempts::end(&mut tx, running.attempt, state, None, Some(&failure.message), now).await?;
        tx.commit().await?;
        let interrupted = running.interrupted.clone().filter(|_| cancelled);
        match failure.kind {
            FailureKind::OutOfMemory => {
                let what = Relieved { episode: None, slot: request.job.to_string(), engine: request.engine };
                self.next_rung(task, what, running, failure).await
            }
            FailureKind::DiskFull => {
                self.context.events.tell(StudioEvent::DiskFull { reason: failure.message.clone() });
                Ok(failed(task, ended_by(failure, None)))
            }
            _ => Ok(failed(task, ended_by(failure, interrupted))),
        }
    }

    /// Writes what a request led to into its dataset.
    async fn picture_made(
        &self,
        tx: &mut Tx<'_>,
        (task, attempt): (TaskId, AttemptId),
        request: &PictureRequest,
        outputs: &Outputs,
        now: Millis,
    ) -> Result<(), Error> {
        if !self.is_there(request.job.owner()).await? {
            // Taken out with its project while this was made: nobody waits for it.
            return Ok(store::datasets::end_request(tx, task, false).await?);
        }
        let done = match request.job {
            PictureJob::Picture { character, picture } => {
                arrived(tx, character, picture, request, outputs, now).await?
            }
            PictureJob::Portrait { owner, portrait } => {
                portraits::arrived(tx, owner, portrait, request, outputs, now).await?
            }
            PictureJob::PortraitReview { portrait, .. } => {
                let verdict = verdict_of(request, outputs);
                self.portrait_judged(tx, task, request, portrait, &verdict, now).await?;
                true
            }
            PictureJob::TrainingSlice { .. } => self.sliced(tx, (task, attempt), request, outputs, now).await?,
            PictureJob::TrainingProbe { character, probe } => {
                trainings::probed(&self.context.db, tx, (probe, character), outputs, now).await?
            }
            PictureJob::TrainingProbeReview { character, probe } => {
                let verdict = verdict_of(request, outputs);
                trainings::judged(&self.context.db, tx, probe, character, &verdict, now).await?;
                true
            }
            PictureJob::PictureReview { picture, .. } if request.visit == Visit::Identify => {
                let identity = match &outputs.reported {
                    Some(Reported::Identity { identity }) => identity.clone(),
                    _ => unidentified(&request.engine, "the judge said nothing of it"),
                };
                identified(&self.context.db, tx, picture, &identity, now).await?;
                true
            }
            PictureJob::PictureReview { picture, .. } => {
                let verdict = verdict_of(request, outputs);
                let outcome = self.judged(tx, task, request, picture, &verdict, now).await?;
                store::dataset_reviews::end(tx, task, outcome).await?;
                true
            }
        };
        Ok(store::datasets::end_request(tx, task, done).await?)
    }

    /// Whether somebody, or a place, is still in the studio.
    async fn is_there(&self, owner: PortraitOwner) -> Result<bool, Error> {
        let db = &self.context.db;
        let found = match owner {
            PortraitOwner::Character(id) => store::characters::get(db, id).await.map(drop),
            PortraitOwner::Location(id) => store::locations::get(db, id).await.map(drop),
        };
        match found {
            Err(store::Error::NotFound { .. }) => Ok(false),
            found => Ok(found.map(|()| true)?),
        }
    }

    /// Keeps what the judge said, and what follows from it unless a person has decided meanwhile; what that is.
    async fn judged(
        &self,
        tx: &mut Tx<'_>,
        task: TaskId,
        request: &PictureRequest,
        id: PictureId,
        verdict: &Verdict,
        now: Millis,
    ) -> Result<Outcome, Error> {
        let picture = match store::dataset_pictures::get(&self.context.db, id).await {
            Ok(picture) => picture,
            // Taken out, or its character is gone: nobody waits for the verdict.
            Err(store::Error::NotFound { .. }) => return Ok(Outcome::Gone),
            Err(error) => return Err(error.into()),
        };
        if request.job.owner() != PortraitOwner::Character(picture.character_id) {
            // Somebody else's by now, whom the judge was not asked about.
            return Ok(Outcome::Gone);
        }
        let dataset = store::datasets::get(&self.context.db, picture.character_id).await?;
        placed(tx, &picture, &dataset, request, verdict).await?;
        let body = json!({ "character": picture.character_id });
        if request.visit == Visit::Describe {
            store::events::append(tx, EventKind::PictureChanged, &id.to_string(), &body, now).await?;
            return Ok(if verdict.seen.is_some() { Outcome::Described } else { Outcome::Unreviewed });
        }
        store::dataset_pictures::set_verdict(tx, id, Some(verdict)).await?;
        let by_person = picture.decision.as_ref().is_some_and(|decision| decision.by == Decider::Person);
        let follows = band(verdict, &dataset.settings, request.person_approves);
        let (decided, outcome) = match follows {
            _ if by_person => (None, Outcome::Kept),
            // It was grouped meanwhile: the one that leads is judged for both.
            _ if picture.duplicate_of.is_some() && picture.decision.is_none() => (None, Outcome::Kept),
            Band::Approve(reason) => (Some((PictureState::Approved, reason)), Outcome::Approved),
            Band::Reject(reason) => (Some((PictureState::Rejected, reason)), Outcome::Rejected),
            Band::Person if verdict.score.is_none() => (None, Outcome::Unreviewed),
            Band::Person if picture.state == PictureState::Pending => (None, Outcome::Waiting),
            // What the judge had decided stands until somebody takes it back.
            Band::Person => (None, Outcome::Kept),
        };
        if let Some((state, reason)) = decided {
            // Told by their moments, also when the clock was set back.
            let last = store::dataset_pictures::last_decided(&self.context.db, picture.character_id).await?;
            let at = moment(&dataset, last, now);
            let decision = Decision { by: Decider::Judge, at, reason, note: String::new() };
            store::dataset_pictures::set_decision(tx, id, state, Some(&decision)).await?;
            let word = if state == PictureState::Approved { OutcomeWord::Approved } else { OutcomeWord::Rejected };
            let row = store::decisions::Decision {
                id: DecisionId(self.context.clock.id()),
                episode_id: None,
                task_id: Some(task),
                kind: DecisionKind::Picture,
                reason: decision.reason.to_string(),
                inputs: json!({
                    "picture": id, "character": picture.character_id, "reason": decision.reason, "verdict": verdict,
                }),
                outcome: word.into(),
                created: now,
            };
            store::decisions::insert(tx, &row).await?;
        }
        store::events::append(tx, EventKind::PictureChanged, &id.to_string(), &body, now).await?;
        Ok(outcome)
    }

    /// Nobody could judge a picture: a person looks at it, or asks for another review. What was said of it before stays.
    async fn not_judged(
        &self,
        tx: &mut Tx<'_>,
        task: TaskId,
        request: &PictureRequest,
        id: PictureId,
        (why, now): (&str, Millis),
    ) -> Result<(), Error> {
        if request.visit == Visit::Identify {
            return Ok(identified(&self.context.db, tx, id, &unidentified(&request.engine, why), now).await?);
        }
        let picture = match store::dataset_pictures::get(&self.context.db, id).await {
            Ok(picture) => Some(picture),
            Err(store::Error::NotFound { .. }) => None,
            Err(error) => return Err(error.into()),
        };
        // What was to be judged when a person stopped that stays as it was: nobody has looked at it.
        let left = store::dataset_reviews::is_stopped(&self.context.db, task).await?;
        let unjudged = picture.is_some_and(|picture| picture.verdict.is_none()) && request.visit == Visit::Judge;
        if unjudged && !left {
            self.judged(tx, task, request, id, &unreviewed(&request.engine, why), now).await?;
        }
        Ok(store::dataset_reviews::end(tx, task, Outcome::Failed).await?)
    }

    /// Tasks of datasets are over without a result, in this order.
    pub(super) async fn reject_pictures(&mut self, faults: Vec<(TaskId, TaskFault)>) -> Result<(), Error> {
        for (task, fault) in faults {
            let Some(request) = self.work.picture(task).cloned() else { continue };
            let now = self.context.clock.now();
            let mut tx = self.context.db.begin().await?;
            store::tasks::fail_all(&mut tx, &[task], &fault, now).await?;
            store::datasets::end_request(&mut tx, task, false).await?;
            let kind = if fault.cause == Cause::Cancelled { EventKind::TaskCancelled } else { EventKind::TaskFailed };
            let owner = request.job.owner();
            let body = json!({
                "why": fault.to_string(), "fault": fault, "character": owner.character(),
                "location": owner.location(), "slot": request.job.to_string(),
            });
            store::events::append(&mut tx, kind, &task.to_string(), &body, now).await?;
            match request.job {
                PictureJob::PictureReview { picture, .. } => {
                    self.not_judged(&mut tx, task, &request, picture, (&fault.to_string(), now)).await?;
                }
                PictureJob::PortraitReview { portrait, .. } => {
                    // It is not asked again by itself: a person looks at it, or asks for another review.
                    let verdict = unreviewed(&request.engine, &fault.to_string());
                    self.portrait_judged(&mut tx, task, &request, portrait, &verdict, now).await?;
                }
                PictureJob::Picture { .. } | PictureJob::Portrait { .. } => {}
                PictureJob::TrainingSlice { .. }
                | PictureJob::TrainingProbe { .. }
                | PictureJob::TrainingProbeReview { .. } => {
                    self.training_failed(&mut tx, &request, &fault, now).await?;
                }
            }
            tx.commit().await?;
            self.picture_over(task, request.job);
        }
        Ok(())
    }

    /// Asks once more for what had failed or was stopped.
    pub(super) async fn retry_picture(&mut self, task: TaskId) -> Result<(), Error> {
        let Some(request) = store::datasets::request_of(&self.context.db, task).await? else {
            return Err(Refusal::TaskWithoutEpisode { task }.into());
        };
        // Its run is over with it, or has asked for another one.
        if request.job.is_training() {
            return Err(Refusal::PartOfTraining { task }.into());
        }
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        store::tasks::set_state(&mut tx, task, TaskState::Waiting, "asked for again", now).await?;
        store::datasets::reopen_request(&mut tx, task).await?;
        tx.commit().await?;
        self.submit_picture(task, request).await
    }

    /// Stops whatever is asked for datasets and reference sheets of these.
    pub(super) async fn cancel_pictures(&mut self, owners: &[PortraitOwner]) -> Result<(), Error> {
        let tasks = self.work.pictures_of(owners);
        self.feed(Event::AllCancelled { tasks }).await
    }

    fn picture_over(&mut self, task: TaskId, job: PictureJob) {
        self.work.end_picture(task);
        self.context.events.tell(match job {
            PictureJob::Picture { character, .. } | PictureJob::PictureReview { character, .. } => {
                StudioEvent::Dataset { character }
            }
            PictureJob::Portrait { owner, .. } | PictureJob::PortraitReview { owner, .. } => {
                StudioEvent::Portraits { owner }
            }
            PictureJob::TrainingSlice { character, .. }
            | PictureJob::TrainingProbe { character, .. }
            | PictureJob::TrainingProbeReview { character, .. } => StudioEvent::Training { character },
        });
    }
}

/// Writes a picture that was made into its dataset; false when it has that very file already.
async fn arrived(
    tx: &mut Tx<'_>,
    character: CharacterId,
    id: PictureId,
    request: &PictureRequest,
    outputs: &Outputs,
    now: Millis,
) -> Result<bool, Error> {
    let Some(file) = outputs.first(Role::Picture) else { return Ok(false) };
    let MediaFacts::Still { size } = file.facts else { return Ok(false) };
    let picture = Picture {
        id,
        character_id: character,
        file: file.asset.clone(),
        size,
        state: PictureState::Pending,
        source: Source::Generated,
        lineage: request.lineage,
        cell: request.made.asked.clone(),
        made: Some(request.made.clone()),
        placing: None,
        verdict: None,
        decision: None,
        caption: None,
        duplicate_of: None,
        likeness: None,
        print: None,
        created: now,
    };
    let new = store::dataset_pictures::insert(tx, &picture).await?;
    if new {
        let body = json!({ "character": character });
        store::events::append(tx, EventKind::PictureAdded, &id.to_string(), &body, now).await?;
    }
    Ok(new)
}

/// Nobody could judge it: never a pass, and no rejection.
fn unreviewed(judge: &str, why: &str) -> Verdict {
    Verdict { judge: judge.to_owned(), reason: format!("not reviewed: {why}"), ..Verdict::default() }
}

/// What the judge said.
fn verdict_of(request: &PictureRequest, outputs: &Outputs) -> Verdict {
    match &outputs.reported {
        Some(Reported::Verdict { verdict }) => verdict.clone(),
        _ => unreviewed(&request.engine, "the judge said nothing of it"),
    }
}

fn ended_by(failure: EngineError, interrupted: Option<studio_core::failure::Interruption>) -> Cause {
    match interrupted {
        Some(by) => Cause::Interrupted { by },
        None => Cause::attempt(failure.kind, failure.message).retry_after(failure.retry_after_ms),
    }
}
