//! Lacking: reference sheets a film is begun with. Each is a job of the film: it has portraits made and judged, waits for that
//! and for no person, and hands what is approved to the pictures that wait for it. All of it follows from stored rows.

use std::collections::BTreeSet;

use serde_json::json;
use studio_core::{
    asset::AssetRef,
    dataset::{PictureRequest, PictureState},
    ids::{PortraitId, ProjectId, TaskId},
    journal::EventKind,
    order::Outputs,
    portrait::{Portrait, Sitter, Sitting},
    production::{Job, Lacking, planned},
    project::fold_name,
    schedule::{Event, Need},
    task::{Class, PictureJob},
    views::{PortraitOutcome, PortraitOwner, PortraitSubject},
};

use super::{
    Error,
    memory::{EpisodeRun, Studio, TaskRef},
    portraits::drawn,
    records::{append_event, finished},
    submission::submission,
};
use crate::{
    events::TaskUpdate,
    store::{self, Db, portraits::Asked},
};

/// What the rows say of a sheet.
struct Sheet {
    references: Vec<AssetRef>,
    portraits: Vec<Portrait>,
    open: Vec<Asked>,
}

impl Sheet {
    async fn of(db: &Db, owner: PortraitOwner) -> Result<Self, Error> {
        // The requests first, and the references last: what ends, or is approved, in between counts twice for a moment, and
        // never not at all.
        let open = store::portraits::open(db, owner).await?;
        let portraits = store::portraits::of_owner(db, owner).await?;
        let references = match owner {
            PortraitOwner::Character(id) => store::characters::sheet(db, id).await?.references,
            PortraitOwner::Location(id) => store::locations::sheet(db, id).await?.references,
        };
        Ok(Self { references, portraits, open })
    }

    /// Nothing of it is a reference, or may become one: of what is approved a person has taken the reference out.
    fn is_empty(&self) -> bool {
        self.references.is_empty() && self.open.is_empty() && !self.has(PictureState::Pending)
    }

    fn has(&self, state: PictureState) -> bool {
        self.portraits.iter().any(|one| one.state == state)
    }

    /// Portraits that nobody has judged, decided, or been asked to judge.
    fn unseen(&self) -> impl Iterator<Item = &Portrait> {
        let asked =
            |id: PortraitId| self.open.iter().any(|open| is_review(&open.request) && open.request.job.id() == id.0);
        self.portraits.iter().filter(move |one| one.verdict.is_none() && one.decision.is_none() && !asked(one.id))
    }

    /// What has come of it, now that nothing is waited for.
    fn outcome(&self) -> PortraitOutcome {
        let mut pending = self.portraits.iter().filter(|one| one.state == PictureState::Pending).peekable();
        if !self.references.is_empty() {
            PortraitOutcome::Approved
        } else if pending.peek().is_some() {
            let unjudged = pending.all(|one| one.verdict.is_none());
            if unjudged { PortraitOutcome::JudgeAway } else { PortraitOutcome::AwaitsPerson }
        } else if self.has(PictureState::Rejected) {
            PortraitOutcome::Rejected
        } else {
            PortraitOutcome::NotMade
        }
    }
}

fn is_review(request: &PictureRequest) -> bool {
    matches!(request.job, PictureJob::PortraitReview { .. })
}

/// Whom, or what, a sheet of a film shows, as it is kept; `None`: nobody of that name is there.
async fn sitter(db: &Db, work: &EpisodeRun, of: &PortraitSubject, project: ProjectId) -> Result<Option<Sitter>, Error> {
    let is = |name: &str| fold_name(name) == fold_name(of.name());
    Ok(match of {
        PortraitSubject::Character(name) => {
            let all = store::characters::of_project(db, project).await?;
            let figure = || Box::new(work.production.figure(name, true));
            all.into_iter().find(|one| is(&one.name)).map(|one| Sitter::Character(one.id, figure()))
        }
        PortraitSubject::Location(_) => {
            let all = store::locations::of_project(db, project).await?;
            all.into_iter().find(|one| is(&one.name)).map(Sitter::Location)
        }
    })
}

impl Studio {
    /// Sees to a reference sheet a film waits for: has it made and judged, waits for that, and settles it.
    pub(super) async fn sheet_first(&mut self, task: TaskId, known: TaskRef) -> Result<Vec<Event>, Error> {
        let (db, Job::Portraits { number }) = (self.context.db.clone(), known.job) else { return Ok(Vec::new()) };
        let Some(work) = self.work.episode(known.episode) else { return Ok(vec![finished(task)]) };
        let Some(lacking) = work.production.lacking(number).cloned() else { return Ok(vec![finished(task)]) };
        let project = store::episodes::get(&db, known.episode).await?.project_id;
        let Some(sitter) = sitter(&db, work, &lacking.subject, project).await? else {
            return self.settle_sheet(task, known, PortraitOutcome::NotMade, &[]).await;
        };
        let mut sheet = Sheet::of(&db, sitter.owner()).await?;
        if sheet.is_empty() && !lacking.asked {
            self.draw(known, number, &sitter, project).await?;
            sheet = Sheet::of(&db, sitter.owner()).await?;
        }
        let reviews = self.reviews_of(known, &sheet, &sitter, project);
        if !reviews.is_empty() {
            self.ask_pictures(reviews).await?;
            sheet = Sheet::of(&db, sitter.owner()).await?;
        }
        // Of what was left open when the studio was closed nobody may have told the scheduler yet.
        for open in &sheet.open {
            if !self.work.is_picture(open.task) {
                self.submit_picture(open.task, open.request.clone()).await?;
            }
        }
        let waits = sheet.open.iter().filter(|open| !is_review(&open.request) || !self.is_away(&open.request.engine));
        let waits = waits.filter(|open| self.fleet.knows(open.task));
        let needs: Vec<Need> = waits.map(|open| Need { optional: true, ..Need::must(open.task) }).collect();
        if !needs.is_empty() {
            return Ok(vec![Event::Deferred { task, needs }]);
        }
        // What ended while it was asked for is there by now.
        let sheet = Sheet::of(&db, sitter.owner()).await?;
        self.settle_sheet(task, known, sheet.outcome(), &sheet.references).await
    }

    /// Has the portraits made that a film wants of somebody, or of a place; it is asked for once.
    async fn draw(&mut self, known: TaskRef, number: u32, sitter: &Sitter, project: ProjectId) -> Result<(), Error> {
        let before = store::portraits::ever_asked(&self.context.db, sitter.owner()).await?;
        // Whoever looks after the sheets may have asked for some of it just now.
        let open = store::portraits::open(&self.context.db, sitter.owner()).await?;
        let open: BTreeSet<_> = open.iter().filter_map(|one| drawn(&one.request)).collect();
        let Some(work) = self.work.episode(known.episode) else { return Ok(()) };
        let Some(plan) = &work.production.portraits else { return Ok(()) };
        let sitting = Sitting { sitter, project, cast: &work.production.cast, size: plan.size };
        let views = plan.views_of(sitter.owner()).into_iter().filter(|view| !open.contains(view));
        let asked = views.zip(before..).map(|(view, at)| {
            let id = PortraitId(self.context.clock.id());
            (sitting.request(id, view, at, Class::Production), false)
        });
        let asked = asked.collect();
        self.ask_pictures(asked).await?;
        if let Some(work) = self.work.episode_mut(known.episode) {
            work.production.portrait_asked(number);
        }
        // Only now: a studio that dies in between finds what it has asked for among the open requests.
        let Some(mut stored) = store::productions::of_episode(&self.context.db, known.episode).await? else {
            return Ok(());
        };
        stored.portrait_asked(number);
        let mut tx = self.context.db.begin().await?;
        store::productions::set(&mut tx, known.episode, &stored).await?;
        Ok(tx.commit().await?)
    }

    /// What is asked of the judge about a sheet.
    fn reviews_of(
        &self,
        known: TaskRef,
        sheet: &Sheet,
        sitter: &Sitter,
        project: ProjectId,
    ) -> Vec<(PictureRequest, bool)> {
        let Some(work) = self.work.episode(known.episode) else { return Vec::new() };
        let Some(plan) = &work.production.portraits else { return Vec::new() };
        let sitting = Sitting { sitter, project, cast: &work.production.cast, size: plan.size };
        sheet.unseen().map(|one| (sitting.review(one, &sheet.references, Class::Production), false)).collect()
    }

    /// A reference sheet is settled: pictures that waited for it are made, alike to what is approved or to nothing.
    async fn settle_sheet(
        &mut self,
        task: TaskId,
        known: TaskRef,
        outcome: PortraitOutcome,
        references: &[AssetRef],
    ) -> Result<Vec<Event>, Error> {
        let Job::Portraits { number } = known.job else { return Ok(Vec::new()) };
        let stored = store::productions::of_episode(&self.context.db, known.episode).await?;
        let Some(work) = self.work.episode_mut(known.episode) else { return Ok(vec![finished(task)]) };
        work.production.portrait_settled(number, outcome, references);
        let remark = work.production.lacking(number).and_then(Lacking::remark);
        work.remarks.extend(remark.clone());
        let said = remark.as_ref().map_or_else(|| outcome.to_string(), ToString::to_string);
        if remark.is_some() {
            let decided = [(said.clone(), remark)];
            self.log_decision(known, task, &json!({ "portraits": number, "outcome": outcome }), &decided).await?;
        }
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        if let Some(mut stored) = stored {
            stored.portrait_settled(number, outcome, references);
            store::productions::set(&mut tx, known.episode, &stored).await?;
        }
        let nothing = Outputs::default();
        store::tasks::finish(&mut tx, task, &nothing, &said, now).await?;
        append_event(&mut tx, EventKind::TaskMade, task, known, json!({ "portraits": outcome }), now).await?;
        tx.commit().await?;
        self.made(task, known, nothing);
        self.broadcast(task, TaskUpdate::Made);
        self.close(known).await?;
        Ok(vec![finished(task)])
    }

    /// Whether nobody of an engine outside this program is there, as far as anybody has looked yet.
    fn is_away(&self, engine: &str) -> bool {
        let Some(offer) = self.context.engines.get(engine).and_then(|seat| seat.engine.offer()) else { return false };
        let away = |seat: &studio_engine::WorkerStatus| seat.away.as_ref().is_some_and(|away| !away.is_first_look());
        let offer = offer.borrow();
        !offer.seats.is_empty() && offer.seats.iter().all(away)
    }

    /// An engine has gone: sheets whose portraits it was to judge are waited for no longer. Whoever asked for that may have had
    /// another cast than the film, so all of them look at their rows anew.
    pub(super) async fn without_judge(&mut self, engine: &str) -> Result<(), Error> {
        if !self.is_away(engine) {
            return Ok(());
        }
        let mut again = Vec::new();
        for work in self.work.episodes() {
            for (job, task) in &work.tasks {
                if matches!(job, Job::Portraits { .. }) && self.fleet.knows(*task) {
                    // It needs nothing for a moment, and looks at the rows anew.
                    let one = planned(&work.production, *job);
                    again.push(submission(&work.production, &one, *task, &work.tasks));
                }
            }
        }
        for submission in again {
            let not_before = self.context.clock.now();
            let submission = self.controls.lay_over(studio_core::schedule::Submission { not_before, ..submission });
            Box::pin(self.feed(Event::Submitted(submission))).await?;
        }
        Ok(())
    }
}
