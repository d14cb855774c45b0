//! Job: what a piece of work of a production needs, and which engine does it.

use serde::{Deserialize, Serialize};

use super::{
    LibraryPlan, Production,
    engine::{DRAFT_ARTWORK, LIBRARY, MEDIA, STUDIO},
};
use crate::{job::Job, take::Subject};

/// Parts of the work as a person sees them, in the order they begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Stage {
    Voices,
    Pictures,
    Clips,
    Music,
    Scenes,
    Film,
    Library,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 7] =
        [Self::Voices, Self::Pictures, Self::Clips, Self::Music, Self::Scenes, Self::Film, Self::Library];

    /// Its word on progress bars, in decisions that are kept and in kinds of work; it never changes.
    pub fn word(self) -> &'static str {
        match self {
            Self::Voices => "voices",
            Self::Pictures => "pictures",
            Self::Clips => "clips",
            Self::Music => "music",
            Self::Scenes => "scenes",
            Self::Film => "film",
            Self::Library => "library",
        }
    }
}

/// A job planned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedJob {
    /// What to do.
    pub job: Job,
    /// Which engine does it.
    pub engine: String,
    /// What must be made before.
    pub needs: Vec<Dependency>,
}

/// A job another one waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependency {
    /// The job that is waited for.
    pub job: Job,
    /// It can do without.
    pub optional: bool,
}

fn must(job: Job) -> Dependency {
    Dependency { job, optional: false }
}

fn may(job: Job) -> Dependency {
    Dependency { job, optional: true }
}

impl Job {
    /// The part of the work it belongs to.
    pub fn stage(&self) -> Stage {
        match self {
            Self::Voice { .. } => Stage::Voices,
            Self::Take { subject, .. } | Self::Review { subject, .. } | Self::Gate { subject, .. } => match subject {
                Subject::Still => Stage::Pictures,
                Subject::Clip => Stage::Clips,
            },
            Self::Portraits { .. } => Stage::Pictures,
            // The golden set is where other reviews are counted.
            Self::Normalise { .. } | Self::Golden { .. } => Stage::Clips,
            Self::Music { .. } => Stage::Music,
            Self::Mix { .. } | Self::SceneFilm { .. } => Stage::Scenes,
            Self::Sound | Self::Film | Self::Artwork => Stage::Film,
            Self::Library => Stage::Library,
        }
    }

    /// The engine that does it.
    pub fn engine(&self, production: &Production) -> String {
        if production.given(*self).is_some() {
            return STUDIO.into();
        }
        let cast = &production.cast;
        match *self {
            Self::Voice { .. } => cast.voice.clone(),
            Self::Music { .. } => production.music_route().0.to_owned(),
            Self::Take { subject: Subject::Still, scene, .. } => production.still_route_of(scene).0.to_owned(),
            Self::Take { subject: Subject::Clip, scene, shot, .. } => production.route(scene, shot).engine,
            Self::Review { .. } | Self::Golden { .. } => cast.judge.clone(),
            Self::Gate { .. } | Self::Portraits { .. } => STUDIO.into(),
            Self::Library => LIBRARY.into(),
            Self::Artwork => DRAFT_ARTWORK.into(),
            Self::Normalise { .. } | Self::Mix { .. } | Self::SceneFilm { .. } | Self::Sound | Self::Film => {
                MEDIA.into()
            }
        }
    }

    /// What must be made before it can be resolved.
    pub fn needs(&self, production: &Production) -> Vec<Dependency> {
        if production.given(*self).is_some() {
            return Vec::new();
        }
        match *self {
            Self::Voice { .. } | Self::Golden { .. } | Self::Portraits { .. } => Vec::new(),
            Self::Take { subject: Subject::Still, scene, shot, .. } => production.portraits_of_shot(scene, shot),
            Self::Take { subject: Subject::Clip, scene, shot, .. } => {
                let mut needs: Vec<Dependency> = source(production, scene, shot).map(must).into_iter().collect();
                needs.extend(voices_of_shot(production, scene, shot));
                needs
            }
            Self::Review { subject, scene, shot, take } => {
                let mut needs = vec![must(Self::Take { subject, scene, shot, take })];
                if subject == Subject::Clip {
                    needs.extend(source(production, scene, shot).map(must));
                    needs.extend(voices_of_shot(production, scene, shot));
                }
                needs.extend(production.portraits_of_shot(scene, shot));
                needs
            }
            // There is nothing to judge of what is black.
            Self::Gate { subject, scene, shot } if production.is_black(scene) => {
                vec![must(Self::Take { subject, scene, shot, take: 1 })]
            }
            Self::Gate { subject, scene, shot } => vec![must(Self::Review { subject, scene, shot, take: 1 })],
            Self::Normalise { scene, shot } => {
                let mut needs = vec![must(Self::Gate { subject: Subject::Clip, scene, shot })];
                needs.extend(voices_of_shot(production, scene, shot));
                needs
            }
            Self::Music { scene } => voices_of_scene(production, scene),
            Self::Mix { scene } => {
                let mut needs = voices_of_scene(production, scene);
                needs.push(may(Self::Music { scene }));
                needs
            }
            Self::SceneFilm { scene } => {
                let shots = shots_in(production, scene);
                let mut needs: Vec<Dependency> = shots.map(|shot| must(Self::Normalise { scene, shot })).collect();
                needs.extend(voices_of_scene(production, scene));
                needs.push(may(Self::Mix { scene }));
                needs
            }
            Self::Sound => {
                let mut needs: Vec<Dependency> = scenes_in(production).map(|scene| may(Self::Mix { scene })).collect();
                needs.extend(scenes_in(production).flat_map(|scene| voices_of_scene(production, scene)));
                needs
            }
            Self::Film => {
                let mut needs: Vec<Dependency> =
                    scenes_in(production).map(|scene| must(Self::SceneFilm { scene })).collect();
                needs.extend(scenes_in(production).flat_map(|scene| voices_of_scene(production, scene)));
                needs.push(may(Self::Sound));
                needs
            }
            Self::Artwork => {
                let mut needs = vec![must(Self::Film)];
                needs.extend(scenes_in(production).flat_map(|scene| voices_of_scene(production, scene)));
                needs
            }
            Self::Library => vec![must(Self::Film), may(Self::Artwork)],
        }
    }
}

/// What a shot's clip starts from; `None` when it starts from words alone.
pub(super) fn source(production: &Production, scene: u32, shot: u32) -> Option<Job> {
    if production.continues(scene, shot) {
        Some(Job::Normalise { scene, shot: shot - 1 })
    } else if production.from_words(scene, shot) {
        None
    } else {
        Some(Job::Gate { subject: Subject::Still, scene, shot })
    }
}

fn scenes_in(production: &Production) -> impl Iterator<Item = u32> + use<> {
    1..=production.script.scenes.len() as u32
}

pub(super) fn shots_in(production: &Production, scene: u32) -> impl Iterator<Item = u32> + use<> {
    1..=production.scene(scene).map_or(0, |scene| scene.shots.len()) as u32
}

fn voices_of_shot(production: &Production, scene: u32, shot: u32) -> Vec<Dependency> {
    let lines = production.shot(scene, shot).map_or(0, |shot| shot.plan.lines.len()) as u32;
    (1..=lines).map(|line| may(Job::Voice { scene, shot, line })).collect()
}

fn voices_of_scene(production: &Production, scene: u32) -> Vec<Dependency> {
    shots_in(production, scene).flat_map(|shot| voices_of_shot(production, scene, shot)).collect()
}

/// A job with its place, engine and needs.
pub fn planned(production: &Production, job: Job) -> PlannedJob {
    PlannedJob { job, engine: job.engine(production), needs: job.needs(production) }
}

/// Every job of a production, each after what it needs. Further takes join when a gate asks for them; what comes after
/// an approval joins when it is given.
pub fn plan_jobs(production: &Production) -> Vec<PlannedJob> {
    let (mut jobs, mut film) = (production.portrait_jobs().collect::<Vec<_>>(), true);
    for scene in scenes_in(production) {
        for shot in shots_in(production, scene) {
            let lines = voices_of_shot(production, scene, shot).len() as u32;
            jobs.extend((1..=lines).map(|line| Job::Voice { scene, shot, line }));
        }
        for shot in shots_in(production, scene) {
            let own = matches!(source(production, scene, shot), Some(Job::Gate { .. }));
            let stills = own.then_some(Subject::Still);
            let moves = production.may_move(scene, shot);
            for subject in stills.into_iter().chain(moves.then_some(Subject::Clip)) {
                let gate = Job::Gate { subject, scene, shot };
                if production.given(gate).is_none() {
                    jobs.push(Job::Take { subject, scene, shot, take: 1 });
                    let judged = !production.is_black(scene);
                    jobs.extend(judged.then_some(Job::Review { subject, scene, shot, take: 1 }));
                }
                jobs.push(gate);
            }
            jobs.extend(moves.then_some(Job::Normalise { scene, shot }));
        }
        jobs.extend([Job::Music { scene }, Job::Mix { scene }]);
        let joins = production.may_join(scene);
        jobs.extend(joins.then_some(Job::SceneFilm { scene }));
        film &= joins;
    }
    jobs.push(Job::Sound);
    if film {
        jobs.extend([Job::Film, Job::Artwork]);
        jobs.extend(production.library.as_ref().is_some_and(LibraryPlan::wanted).then_some(Job::Library));
    }
    // At last: the film comes first.
    jobs.extend((1..=production.golden.len() as u32).map(|number| Job::Golden { number }));
    jobs.into_iter().map(|job| planned(production, job)).collect()
}
