//! Submit: a production becomes rows and submissions.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    character::{Character, Established, Sheet},
    episode::{Episode, EpisodeState},
    fleet::Resident,
    ids::{CharacterId, EpisodeId, LocationId, ProjectId, SceneId, ShotId, TaskId},
    journal::EventKind,
    location::Location,
    production::{FilmRemark, Job, PlannedJob, Production, Results, plan_jobs},
    project::fold_name,
    scene::{Look, Scene, SceneState},
    schedule::{Event, Submission},
    script,
    shot::Shot,
    task::Class,
    units::Millis,
};

use super::{
    Context, Error, Produce, Refusal,
    memory::{EpisodeRun, Studio, TaskRef},
    overrides::take_up,
    submission::submission,
};
use crate::{
    events::StudioEvent,
    store::{self, Tx},
};

impl Studio {
    /// Writes everything about the episode in one transaction and submits its tasks.
    pub(super) async fn produce(&mut self, produce: Produce) -> Result<EpisodeId, Error> {
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        let project = store::projects::upsert(&mut tx, &produce.project).await?;
        let replaced = replaced(&self.context, project.id, &produce.production).await?;
        let episode = write_episode(&self.context, &mut tx, project.id, &produce.production).await?;
        self.pulse.minds = Some(episode.id);
        if self.work.has(episode.id) {
            tx.rollback().await?;
            return Err(Refusal::BeingMade { title: episode.title, remedy: "cancel it first".into() }.into());
        }
        store::productions::set(&mut tx, episode.id, &produce.production).await?;
        if let Some(text) = &produce.text {
            store::screenplays::set(&mut tx, episode.id, text, now).await?;
        }
        store::episodes::set_stopping(&mut tx, episode.id, false).await?;
        if episode.state != EpisodeState::Producing {
            store::episodes::set_state(&mut tx, episode.id, EpisodeState::Producing).await?;
        }
        let mut production = produce.production;
        let taken = take_up(&self.context.db, episode.id, &mut production).await?;
        store::by_hand::moved(&mut tx, episode.id, &taken.moved, now).await?;
        let planned = plan_jobs(&production);
        let mut work = EpisodeRun::of(episode.id, production);
        work.remarks.extend(replaced.into_iter().chain(taken.lost));
        work.remarks.extend(write_cast(&self.context, &mut tx, project.id, &work.production).await?);
        write_scenes(&self.context, &mut tx, project.id, &mut work).await?;
        let jobs: Vec<Job> = planned.iter().map(|planned| planned.job).collect();
        let gone = "the screenplay no longer has it";
        if let Some(checkpoint) = work.production.waits_for() {
            let whole = plan_jobs(&Production { approve: BTreeSet::new(), ..work.production.clone() });
            let whole: Vec<Job> = whole.iter().map(|planned| planned.job).collect();
            store::tasks::cancel_surplus(&mut tx, episode.id, &whole, gone, now).await?;
            let why = format!("waits until a person has approved the {}", checkpoint.word());
            store::tasks::cancel_surplus(&mut tx, episode.id, &jobs, &why, now).await?;
        } else {
            store::tasks::cancel_surplus(&mut tx, episode.id, &jobs, gone, now).await?;
        }
        let events = self.write_tasks(&mut tx, &mut work, &planned, now).await?;
        tx.commit().await?;

        tracing::info!(episode = %episode.id, tasks = planned.len(), "an episode is taken on");
        self.context.events.tell(StudioEvent::LaidOut { episode: episode.id, jobs });
        self.work.begin(work);
        for event in events {
            self.feed(event).await?;
        }
        Ok(episode.id)
    }

    /// Keeps what was written of an episode, without making anything.
    pub(super) async fn write(&mut self, produce: Produce) -> Result<EpisodeId, Error> {
        let now = self.context.clock.now();
        let mut tx = self.context.db.begin().await?;
        let project = store::projects::upsert(&mut tx, &produce.project).await?;
        let episode = write_episode(&self.context, &mut tx, project.id, &produce.production).await?;
        self.pulse.minds = Some(episode.id);
        if let Some(text) = &produce.text {
            store::screenplays::set(&mut tx, episode.id, text, now).await?;
        }
        let before = store::productions::of_episode(&self.context.db, episode.id).await?;
        let fits = before.is_none_or(|before| alike(&before, &produce.production));
        if !self.work.has(episode.id) && (fits || episode.state == EpisodeState::Draft) {
            store::productions::set(&mut tx, episode.id, &produce.production).await?;
            write_cast(&self.context, &mut tx, project.id, &produce.production).await?;
            write_scenes(&self.context, &mut tx, project.id, &mut EpisodeRun::of(episode.id, produce.production))
                .await?;
        }
        let body = serde_json::json!({ "title": episode.title });
        store::events::append(&mut tx, EventKind::EpisodeWritten, &episode.id.to_string(), &body, now).await?;
        tx.commit().await?;
        self.context.events.tell(StudioEvent::Changed);
        Ok(episode.id)
    }

    /// Rows and submissions of planned jobs; those they need are there already or come earlier in `planned`.
    pub(super) async fn write_tasks(
        &mut self,
        tx: &mut Tx<'_>,
        work: &mut EpisodeRun,
        planned: &[PlannedJob],
        now: Millis,
    ) -> Result<Vec<Event>, Error> {
        let rows: Vec<store::tasks::Planned> = planned
            .iter()
            .map(|one| store::tasks::Planned {
                id: TaskId(self.context.clock.id()),
                job: one.job,
                engine: one.engine.clone(),
                class: Class::Production,
            })
            .collect();
        let ids = store::tasks::lay_out(tx, work.episode, &rows, "waits for its turn", now).await?;
        let mut events = Vec::with_capacity(planned.len());
        let mut needs = Vec::with_capacity(planned.len());
        for (one, id) in planned.iter().zip(ids) {
            work.tasks.insert(one.job, id);
            work.open += 1;
            self.work.add_task(id, TaskRef { episode: work.episode, job: one.job });
            let submission = self.controls.lay_over(submission(&work.production, one, id, &work.tasks));
            needs.push((id, submission.needs.iter().map(|need| need.task).collect()));
            let only = self.attempts.open.server_of(id);
            let pinned = submission.pinned || only.is_some();
            if let (Some(seat), false) = (&only, submission.model.is_empty()) {
                // Its engine may still be at it, so its model is there.
                events.push(Event::Loaded(Resident { seat: seat.clone(), model: submission.model.clone() }));
            }
            events.push(Event::Submitted(Submission { not_before: now, only, pinned, ..submission }));
        }
        store::dependencies::set_all(tx, &needs).await?;
        Ok(events)
    }
}

/// Whether rows planned for one stand for the same shots of the other: as many, and at most one shows or says
/// something else.
fn alike(before: &Production, after: &Production) -> bool {
    let (old, new) = (&before.script.scenes, &after.script.scenes);
    let counts = |scenes: &[script::ScriptScene]| scenes.iter().map(|scene| scene.shots.len()).collect::<Vec<_>>();
    let shots = |scenes: &'_ [script::ScriptScene]| {
        let all = scenes.iter().flat_map(|scene| &scene.shots);
        all.map(|shot| (shot.plan.description.clone(), shot.plan.lines.clone())).collect::<Vec<_>>()
    };
    counts(old) == counts(new) && shots(old).into_iter().zip(shots(new)).filter(|(old, new)| old != new).count() <= 1
}

/// That the episode stands where one of another title stood, as a remark.
async fn replaced(context: &Context, project: ProjectId, production: &Production) -> Result<Option<FilmRemark>, Error> {
    let billing = &production.billing;
    let here = |one: &Episode| (one.season, one.number) == (billing.season, billing.number);
    let before = store::episodes::of_project(&context.db, project).await?.into_iter().find(here);
    let other = before.filter(|before| before.title != billing.title && before.film.is_some());
    Ok(other.map(|before| FilmRemark::Replaces { title: before.title }))
}

async fn write_episode(
    context: &Context,
    tx: &mut Tx<'_>,
    project: ProjectId,
    production: &Production,
) -> Result<Episode, Error> {
    let billing = &production.billing;
    let episode = Episode {
        id: EpisodeId(context.clock.id()),
        project_id: project,
        season: billing.season,
        number: billing.number,
        title: billing.title.clone(),
        plot: billing.plot.clone(),
        aired: billing.aired.clone(),
        state: EpisodeState::Draft,
        film: None,
        thumbnail: None,
        actual_frames: None,
        published: None,
        remarks: Vec::new(),
        remarked: Vec::new(),
    };
    Ok(store::episodes::upsert(tx, &episode).await?)
}

/// Keeps who is in the episode, as the first to say something of them said; with what is overruled, as remarks.
async fn write_cast(
    context: &Context,
    tx: &mut Tx<'_>,
    project: ProjectId,
    production: &Production,
) -> Result<Vec<FilmRemark>, Error> {
    let mut known = store::characters::of_project(&context.db, project).await?;
    let sheets: BTreeMap<CharacterId, Sheet> =
        store::characters::sheets(&context.db, project).await?.into_iter().collect();
    let (mut remarks, billing) = (Vec::new(), &production.billing);
    for character in &production.script.characters {
        // By name: short names drop accents, and whole words of other scripts.
        let new = || Character {
            id: CharacterId(context.clock.id()),
            project_id: project,
            slug: script::free_slug(&character.name, |slug| known.iter().any(|one| one.slug == slug)),
            name: character.name.clone(),
            profile: character.profile.clone(),
            established: Established::default(),
        };
        let before =
            known.iter().find(|one| fold_name(&one.name) == fold_name(&character.name)).cloned().unwrap_or_else(new);
        let before = Character { name: character.name.clone(), ..before };
        let sheet = sheets.get(&before.id).cloned().unwrap_or_default();
        let (now, overruled) = before.in_episode(&sheet, character.said, billing.season, billing.number);
        remarks.extend(overruled.first().map(|by| FilmRemark::Overruled { character: now.name.clone(), by: *by }));
        let now = store::characters::upsert(tx, &now).await?;
        known.push(now);
    }
    Ok(remarks)
}

/// The places of a project, by name: short names drop accents, and whole words of other scripts.
#[derive(Default)]
struct Places {
    by_name: BTreeMap<String, Location>,
    slugs: BTreeSet<String>,
}

impl Places {
    fn add(&mut self, one: Location) {
        self.slugs.insert(one.slug.clone());
        self.by_name.insert(fold_name(&one.name), one);
    }
}

/// The place of a scene, the same in every episode; `None` of a scene that plays nowhere.
async fn place(
    context: &Context,
    tx: &mut Tx<'_>,
    project: ProjectId,
    known: &mut Places,
    look: &Look,
) -> Result<Option<LocationId>, Error> {
    if look.is_black() {
        return Ok(None);
    }
    let new = || Location {
        id: LocationId(context.clock.id()),
        project_id: project,
        slug: script::free_slug(&look.location, |slug| known.slugs.contains(slug)),
        name: look.location.clone(),
        setting: look.setting,
    };
    let before = known.by_name.get(&fold_name(&look.location)).cloned().unwrap_or_else(new);
    let now = Location { name: look.location.clone(), setting: look.setting, ..before };
    let now = store::locations::upsert(tx, &now).await?;
    let id = now.id;
    known.add(now);
    Ok(Some(id))
}

async fn write_scenes(
    context: &Context,
    tx: &mut Tx<'_>,
    project: ProjectId,
    work: &mut EpisodeRun,
) -> Result<(), Error> {
    let (mut scenes, production) = (Vec::new(), work.production.clone());
    let mut known = Places::default();
    store::locations::of_project(&context.db, project).await?.into_iter().for_each(|one| known.add(one));
    for (script, number) in production.script.scenes.iter().zip(1..) {
        let location = place(context, tx, project, &mut known, &script.look).await?;
        scenes.push(Scene {
            id: SceneId(context.clock.id()),
            episode_id: work.episode,
            location_id: location,
            number,
            title: script.title.clone(),
            look: script.look.clone(),
            transition: script.transition,
            state: SceneState::Draft,
            target_frames: studio_core::production::scene_cut(&production, number, &Nothing).frames.0,
            actual_frames: None,
            film: None,
        });
    }
    let scenes = store::scenes::replace_all(tx, work.episode, &scenes).await?;
    for (scene, script) in scenes.iter().zip(&production.script.scenes) {
        work.scenes.insert(scene.number, scene.id);
        let shots: Vec<Shot> = script
            .shots
            .iter()
            .zip(1..)
            .map(|(shot, number)| Shot::new(ShotId(context.clock.id()), scene.id, number, shot.plan.clone()))
            .collect();
        for shot in store::shots::replace_all(tx, scene.id, &shots).await? {
            work.shots.insert((scene.number, shot.number), shot);
        }
    }
    Ok(())
}

/// Before anything is made.
struct Nothing;

impl Results for Nothing {
    fn outputs(&self, _job: Job) -> Option<&studio_core::order::Outputs> {
        None
    }
}
