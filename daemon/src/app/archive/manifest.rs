//! Manifest: what stands in an archive. It comes from outside, so nothing in it is believed.

use serde::{Deserialize, Serialize};
use studio_core::{
    character::{Character, Sheet},
    episode::Episode,
    ids::{CharacterId, ContentHash, LocationId, TaskId},
    location::{self, Location},
    portrait::Portrait,
    production::{Override, Production},
    project::{About, Project},
    scene::Scene,
    script,
    shot::Shot,
    take::Take,
    task::{Attempt, AttemptState, Task},
};

use super::{
    bounds,
    datasets::WholeDataset,
    portraits::{self, WholeRequest},
    sound::{Ids, distinct, known, lasts},
};
use crate::store::{assets::Asset, decisions::Decision, opinions::Opinion};

/// Version of the manifest; a newer one is refused.
pub(super) const VERSION: u32 = 9;

/// What every manifest says, however new it is.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) version: u32,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) version: u32,
    pub(super) project: Project,
    #[serde(default)]
    pub(super) about: About,
    pub(super) characters: Vec<Character>,
    /// What people said of them.
    #[serde(default)]
    pub(super) sheets: Vec<(CharacterId, Sheet)>,
    pub(super) locations: Vec<Location>,
    /// What people said of them.
    #[serde(default)]
    pub(super) places: Vec<(LocationId, location::Sheet)>,
    pub(super) episodes: Vec<Whole>,
    #[serde(default)]
    pub(super) datasets: Vec<WholeDataset>,
    /// Of its reference sheets, whatever was decided of them.
    #[serde(default)]
    pub(super) portraits: Vec<Portrait>,
    /// What was asked of engines for datasets and reference sheets, and is over.
    #[serde(default)]
    pub(super) requests: Vec<WholeRequest>,
    pub(super) files: Vec<Kept>,
    /// What is known of files of rejected pictures that have left the disk.
    #[serde(default)]
    pub(super) gone: Vec<Kept>,
}

/// An episode and everything below it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whole {
    pub(super) episode: Episode,
    pub(super) production: Option<Production>,
    /// As it was written last.
    #[serde(default)]
    pub(super) screenplay: Option<String>,
    pub(super) scenes: Vec<Scene>,
    pub(super) shots: Vec<Shot>,
    pub(super) takes: Vec<Take>,
    pub(super) tasks: Vec<Task>,
    pub(super) needs: Vec<(TaskId, Vec<TaskId>)>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) decisions: Vec<Decision>,
    #[serde(default)]
    pub(super) rulings: Vec<Override>,
    /// What people said of its takes.
    #[serde(default)]
    pub(super) opinions: Vec<(ContentHash, Opinion)>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    pub(super) asset: Asset,
}

impl Manifest {
    /// What is wrong with it, in one sentence: names that are none, anything twice, anything that refers to what is
    /// not in it and so could be another project's.
    pub(super) fn check(&self) -> Result<(), String> {
        let project = &self.project;
        if !is_slug(&project.slug) {
            return Err(format!("'{}' is no short name of a project", project.slug.escape_debug()));
        }
        if project.title.trim().is_empty() || project.title.chars().any(char::is_control) {
            return Err(format!("'{}' is no title", project.title.escape_debug()));
        }
        if !(1928..=2500).contains(&project.year) {
            return Err(format!("{} is no year of a show", project.year));
        }
        self.about.check()?;
        let mut ids = Ids::default();
        ids.all("character", self.characters.iter().map(|one| one.id))?;
        ids.all("place", self.locations.iter().map(|one| one.id))?;
        let slugs = self.characters.iter().map(|one| &one.slug);
        distinct("short name of a character", slugs.clone())?;
        let places = self.locations.iter().map(|one| &one.slug);
        distinct("short name of a place", places.clone())?;
        if let Some(bad) = slugs.chain(places).find(|slug| !is_slug(slug)) {
            return Err(format!("'{}' is no short name", bad.escape_debug()));
        }
        let strangers = self.characters.iter().any(|one| one.project_id != project.id)
            || self.locations.iter().any(|one| one.project_id != project.id)
            || self.episodes.iter().any(|one| one.episode.project_id != project.id);
        if strangers {
            return Err("something in it belongs to another project".into());
        }
        known("character", self.sheets.iter().map(|(id, _)| *id), self.characters.iter().map(|one| one.id))?;
        known("place", self.places.iter().map(|(id, _)| *id), self.locations.iter().map(|one| one.id))?;
        for (_, sheet) in &self.sheets {
            sheet.check()?;
        }
        distinct("episode", self.episodes.iter().map(|one| numbered(&one.episode)))?;
        ids.all("episode", self.episodes.iter().map(|one| one.episode.id))?;
        distinct("file", self.files.iter().chain(&self.gone).map(|one| one.asset.file.hash))?;
        let rejected = self.datasets.iter().flat_map(WholeDataset::rejected);
        known("rejected picture", self.gone.iter().map(|one| one.asset.file.hash), rejected)?;
        if !self.gone.iter().all(|one| one.asset.file.ext.bytes().all(|byte| byte.is_ascii_alphanumeric())) {
            return Err("a file that is gone has an impossible extension".into());
        }
        self.gone.iter().try_for_each(lasts)?;
        self.files.iter().chain(&self.gone).try_for_each(|one| {
            bounds::facts(&one.asset.facts).map_err(|why| format!("of the file {}, {why}", one.asset.file.hash))
        })?;
        distinct("dataset of the character", self.datasets.iter().map(|one| one.dataset.character_id))?;
        self.datasets.iter().try_for_each(|one| one.check(&self.characters, &mut ids))?;
        let owners = portraits::owners(&self.characters, &self.locations);
        portraits::check(&self.portraits, &self.requests, &owners, &mut ids)?;
        self.episodes.iter().try_for_each(|whole| {
            whole.check(&mut ids)?;
            whole.check_numbers().map_err(|why| format!("of {}, {why}", numbered(&whole.episode)))
        })
    }
}

impl Whole {
    fn check(&self, ids: &mut Ids) -> Result<(), String> {
        let episode = &self.episode;
        if episode.season > 199 || !(1..=9999).contains(&episode.number) {
            return Err(format!("there is no {}", numbered(episode)));
        }
        let scenes = || self.scenes.iter().map(|one| one.id);
        let shots = || self.shots.iter().map(|one| one.id);
        let tasks = || self.tasks.iter().map(|one| one.id);
        ids.all("scene", scenes())?;
        ids.all("shot", shots())?;
        ids.all("take", self.takes.iter().map(|one| one.id))?;
        ids.all("task", tasks())?;
        ids.all("attempt", self.attempts.iter().map(|one| one.id))?;
        ids.all("decision", self.decisions.iter().map(|one| one.id))?;
        distinct("scene", self.scenes.iter().map(|one| one.number))?;
        distinct("path of a task", self.tasks.iter().map(|one| &one.slot))?;
        known("episode", self.scenes.iter().map(|one| one.episode_id), [episode.id])?;
        known("episode", self.tasks.iter().filter_map(|one| one.episode_id), [episode.id])?;
        known("scene", self.shots.iter().map(|one| one.scene_id), scenes())?;
        known("shot", self.takes.iter().map(|one| one.shot_id), shots())?;
        known("task", self.attempts.iter().map(|one| one.task_id), tasks())?;
        known("task", self.needs.iter().flat_map(|(task, needs)| needs.iter().chain([task])).copied(), tasks())?;
        let done = |one: &Attempt| one.state == AttemptState::Succeeded && one.outputs.is_some() && one.ended.is_some();
        if !self.attempts.iter().all(done) || self.tasks.iter().any(|task| task.episode_id.is_none()) {
            return Err(format!("what was made of {} is not whole", numbered(episode)));
        }
        lasts(&self.production)?;
        self.attempts.iter().try_for_each(lasts)?;
        self.tasks.iter().try_for_each(lasts)?;
        self.scenes.iter().try_for_each(lasts)?;
        self.shots.iter().try_for_each(lasts)?;
        self.takes.iter().try_for_each(lasts)?;
        self.decisions.iter().try_for_each(lasts)
    }

    /// The first number outside its limits, in one sentence.
    fn check_numbers(&self) -> Result<(), String> {
        self.production.iter().try_for_each(bounds::production)?;
        self.scenes.iter().try_for_each(|one| bounds::transition(one.transition))?;
        self.shots.iter().try_for_each(|one| bounds::plan(&one.plan))?;
        self.rulings.iter().try_for_each(bounds::ruling)?;
        self.attempts.iter().try_for_each(bounds::attempt)?;
        self.tasks.iter().filter_map(|one| one.outputs.as_ref()).try_for_each(bounds::outputs)
    }
}

fn numbered(episode: &Episode) -> String {
    format!("season {} episode {}", episode.season, episode.number)
}

/// Slugs are what [`script::slug`] makes: a slug's slug is itself.
fn is_slug(text: &str) -> bool {
    script::slug(text) == text
}
