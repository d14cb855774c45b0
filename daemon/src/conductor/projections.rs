//! Projections: what a finished task means for shots, takes, scenes and the episode, in the transaction that ends it.

use studio_core::{
    episode::EpisodeState,
    ids::TakeId,
    media::MediaFacts,
    order::{Order, Outputs, Reported, Role},
    production::Job,
    scene::SceneState,
    shot::{Shot, ShotState},
    take::{Subject, Take},
    units::{Frames, Score},
};

use super::{
    Error,
    memory::{EpisodeRun, Studio, TaskRef},
};
use crate::store::{self, Tx};

impl Studio {
    /// Brings the nouns up to date with a result, made now or found again.
    pub(super) async fn record(
        &mut self,
        tx: &mut Tx<'_>,
        known: TaskRef,
        order: &Order,
        outputs: &Outputs,
        took_ms: Option<i64>,
    ) -> Result<(), Error> {
        let (id, now) = (TakeId(self.context.clock.id()), self.context.clock.now());
        let Some(work) = self.work.episode_mut(known.episode) else { return Ok(()) };
        match known.job {
            Job::Take { .. } => record_take(tx, work, known.job, order, outputs, (id, took_ms)).await?,
            Job::Review { subject, scene, shot, take } => {
                if let (Some(Reported::Verdict { verdict }), Some(row)) =
                    (&outputs.reported, work.takes.get(&(subject, scene, shot, take)))
                {
                    store::takes::set_verdict(tx, row.id, verdict, now).await?;
                }
            }
            Job::Normalise { scene, shot } => {
                let Some(row) = work.shots.get_mut(&(scene, shot)) else { return Ok(()) };
                row.master = outputs.first(Role::Video).map(|file| file.asset.hash);
                row.last_frame = outputs.first(Role::LastFrame).map(|file| file.asset.hash);
                store::shots::set_result(tx, row).await?;
            }
            Job::SceneFilm { scene } => {
                let (Some(id), Some(film)) = (work.scenes.get(&scene), outputs.first(Role::Video)) else {
                    return Ok(());
                };
                store::scenes::set_state(tx, *id, SceneState::Generating).await?;
                store::scenes::set_result(tx, *id, film.asset.hash, Frames(frames(&film.facts))).await?;
                store::scenes::set_state(tx, *id, SceneState::Completed).await?;
            }
            Job::Film => {
                let Some(film) = outputs.first(Role::Video) else { return Ok(()) };
                let length = Frames(frames(&film.facts));
                store::episodes::set_film(tx, work.episode, film.asset.hash, None, length, &work.remarks).await?;
                store::episodes::set_state(tx, work.episode, EpisodeState::Assembled).await?;
            }
            Job::Artwork => {
                let (Some(thumb), Some(film)) =
                    (outputs.first(Role::Thumb), work.made.get(&Job::Film).and_then(|film| film.first(Role::Video)))
                else {
                    return Ok(());
                };
                let (film, length) = (film.asset.hash, Frames(frames(&film.facts)));
                let thumb = Some(thumb.asset.hash);
                store::episodes::set_film(tx, work.episode, film, thumb, length, &work.remarks).await?;
            }
            Job::Library => {
                if let Some(Reported::Published { files }) = &outputs.reported {
                    let film = files.first().map_or("", String::as_str);
                    store::episodes::set_published(tx, work.episode, Some((film, files))).await?;
                    store::episodes::set_state(tx, work.episode, EpisodeState::Published).await?;
                }
            }
            Job::Voice { .. }
            | Job::Gate { .. }
            | Job::Music { .. }
            | Job::Mix { .. }
            | Job::Sound
            | Job::Golden { .. }
            | Job::Portraits { .. } => {}
        }
        Ok(())
    }

    /// Brings takes and shot up to date with a gate's choice.
    pub(super) async fn record_choice(
        &mut self,
        tx: &mut Tx<'_>,
        known: TaskRef,
        take: u32,
        state: ShotState,
        score: Option<Score>,
        outputs: &Outputs,
    ) -> Result<(), Error> {
        let Job::Gate { subject, scene, shot } = known.job else { return Ok(()) };
        let Some(work) = self.work.episode_mut(known.episode) else { return Ok(()) };
        let chosen = work.takes.get(&(subject, scene, shot, take)).cloned();
        let Some(row) = work.shots.get_mut(&(scene, shot)) else { return Ok(()) };
        let Some(chosen) = chosen else { return record_given(tx, row, subject, outputs).await };
        store::takes::choose(tx, row.id, subject, chosen.id).await?;
        store::takes::drop_from(tx, row.id, subject, later_than(&work.takes, subject, scene, shot)).await?;
        match subject {
            Subject::Still => row.still = outputs.first(Role::Picture).map(|file| file.asset.hash),
            Subject::Clip => {
                row.clip = outputs.first(Role::Video).map(|file| file.asset.hash);
                (row.seed, row.steps, row.score, row.state) = (Some(chosen.seed), Some(chosen.steps), score, state);
                store::shots::set_state(tx, row.id, state).await?;
            }
        }
        store::shots::set_result(tx, row).await?;
        Ok(())
    }
}

/// What a person put in place is in the film.
async fn record_given(tx: &mut Tx<'_>, row: &mut Shot, subject: Subject, outputs: &Outputs) -> Result<(), Error> {
    let Some(file) = outputs.files.first() else { return Ok(()) };
    store::takes::choose_file(tx, row.id, subject, file.asset.hash).await?;
    match subject {
        Subject::Still => row.still = Some(file.asset.hash),
        Subject::Clip => {
            row.clip = Some(file.asset.hash);
            (row.seed, row.steps, row.score) = (None, None, None);
            for state in [ShotState::Generating, ShotState::Completed] {
                store::shots::set_state(tx, row.id, state).await?;
                row.state = state;
            }
        }
    }
    Ok(store::shots::set_result(tx, row).await?)
}

async fn record_take(
    tx: &mut Tx<'_>,
    work: &mut EpisodeRun,
    job: Job,
    order: &Order,
    outputs: &Outputs,
    (id, took_ms): (TakeId, Option<i64>),
) -> Result<(), Error> {
    let Job::Take { subject, scene, shot, take } = job else { return Ok(()) };
    // A clip that is made again because its file was gone has been chosen before.
    let chosen = work.made.contains_key(&Job::Gate { subject: Subject::Clip, scene, shot });
    let Some(row) = work.shots.get_mut(&(scene, shot)) else { return Ok(()) };
    if row.state != ShotState::Generating && !chosen {
        store::shots::set_state(tx, row.id, ShotState::Generating).await?;
        row.state = ShotState::Generating;
    }
    let (role, seed, steps) = match order {
        Order::Still(order) => (Role::Picture, order.seed, order.steps),
        Order::Clip(order) => (Role::Video, order.seed, order.steps),
        _ => return Ok(()),
    };
    if subject == Subject::Clip {
        row.making_ms = took_ms.map(i64::unsigned_abs);
    }
    let Some(file) = outputs.first(role) else { return Ok(()) };
    let (asset, shot_id) = (file.asset.hash, row.id);
    let fresh = Take { id, shot_id, subject, attempt: take, seed, steps, asset, verdict: None, chosen: false };
    let kept = store::takes::upsert(tx, &fresh).await?;
    work.takes.insert((subject, scene, shot, take), kept);
    Ok(())
}

/// The first attempt that was not made in this run: takes of an older script are dropped from there.
fn later_than(
    takes: &std::collections::BTreeMap<(Subject, u32, u32, u32), Take>,
    subject: Subject,
    scene: u32,
    shot: u32,
) -> u32 {
    let made = takes.keys().filter(|key| (key.0, key.1, key.2) == (subject, scene, shot));
    made.map(|key| key.3).max().unwrap_or(0) + 1
}

/// Frames of a film, as counted when it was made.
fn frames(facts: &MediaFacts) -> u64 {
    match facts {
        MediaFacts::Video { frames, .. } => frames.0,
        _ => 0,
    }
}
