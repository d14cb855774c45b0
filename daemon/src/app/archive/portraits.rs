//! Portraits in an archive, whatever was decided of them; and what was ever asked of engines for datasets and reference
//! sheets, so that nothing is asked for with the same seed again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use studio_core::{
    character::Character,
    dataset::{PictureRequest, PictureState, RequestState, Visit},
    ids::{ContentHash, ProjectId},
    location::Location,
    order::Order,
    portrait::Portrait,
    production::engine::{DRAFT_JUDGE, DRAFT_STILLS},
    task::{Task, TaskState, Work},
    units::Millis,
    views::PortraitOwner,
};

use super::{
    bounds,
    sound::{Ids, distinct, known, lasts},
};
use crate::{
    engines::{comfy::COMFY, ollama::OLLAMA, openai::OPENAI},
    store::{self, Db, Tx},
};

/// Engines that draw for datasets and reference sheets.
const DRAW: [&str; 2] = [DRAFT_STILLS, COMFY];
/// Engines that judge what is in them.
const JUDGE: [&str; 3] = [DRAFT_JUDGE, OLLAMA, OPENAI];

/// What was asked for a dataset or a reference sheet, and what became of it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WholeRequest {
    pub(super) task: Task,
    pub(super) request: PictureRequest,
    /// The studio asked for it by itself.
    pub(super) automatic: bool,
    /// It came to something.
    pub(super) done: bool,
    /// When it was asked for.
    pub(super) at: Millis,
}

/// Whose datasets and reference sheets a project has.
pub(super) fn owners(characters: &[Character], locations: &[Location]) -> Vec<PortraitOwner> {
    let people = characters.iter().map(|one| PortraitOwner::Character(one.id));
    people.chain(locations.iter().map(|one| PortraitOwner::Location(one.id))).collect()
}

/// Every portrait of these, the oldest of each first.
pub(super) async fn portraits_of(db: &Db, owners: &[PortraitOwner]) -> Result<Vec<Portrait>, store::Error> {
    let mut all = Vec::new();
    for owner in owners {
        all.extend(store::portraits::of_owner(db, *owner).await?);
    }
    Ok(all)
}

impl WholeRequest {
    /// What was asked for these and is over: what is not is no history yet, and nobody has asked for it elsewhere. What could not
    /// be taken in again stays behind.
    pub(super) async fn of(db: &Db, owners: &[PortraitOwner]) -> Result<Vec<Self>, store::Error> {
        let mut all = Vec::new();
        for owner in owners {
            let over = store::datasets::over(db, *owner).await?;
            // Trainings stay behind, so what was asked for them does.
            for asked in over.into_iter().filter(|one| !one.request.job.is_training()) {
                let task = match store::tasks::get(db, asked.task).await {
                    Ok(task) => task,
                    Err(error @ store::Error::Corrupt { .. }) => {
                        tracing::warn!(%error, "what was asked with a task stays behind");
                        continue;
                    }
                    Err(error) => return Err(error),
                };
                let store::datasets::Asked { request, state, automatic, at, .. } = asked;
                let one = Self { task, request, automatic, done: state == RequestState::Made, at };
                match one.check(owners) {
                    Ok(()) if one.stands() => all.push(one),
                    Ok(()) => {}
                    Err(why) => tracing::warn!(%why, "what was asked with a task stays behind"),
                }
            }
        }
        Ok(all)
    }

    /// Whether it can stand in another studio: pictures without a name do not go along, so nothing that was asked of who is in
    /// them does. Archives of version 8 have such requests.
    fn stands(&self) -> bool {
        self.request.job.makes() || self.request.visit != Visit::Identify
    }

    /// What is wrong with it, in one sentence: who has it made once more has exactly that made which it says.
    fn check(&self, owners: &[PortraitOwner]) -> Result<(), String> {
        let Self { task, request, .. } = self;
        let wrong = |what: &str| Err(format!("what was asked with the task {} is {what}", task.id));
        let same = task.job == Work::Picture(request.job) && task.engine == request.engine;
        let made = (task.state == TaskState::Succeeded) == task.outputs.is_some();
        if task.episode_id.is_some() || !same || !task.state.is_final() || !made {
            return wrong("not whole");
        }
        if !owners.contains(&request.job.owner()) {
            return wrong("of neither a character nor a place in it");
        }
        let engines: &[&str] = match (&request.order, request.job.makes()) {
            (Order::Still(_), true) => &DRAW,
            // Trainings stay behind.
            (Order::Review(_), false) if !request.job.is_training() => &JUDGE,
            _ => &[],
        };
        if !engines.contains(&request.engine.as_str()) {
            return wrong("nothing that is asked for datasets and reference sheets");
        }
        lasts(task)?;
        lasts(request)?;
        let numbers = bounds::order(&request.order).and_then(|()| bounds::guess(request.guess_ms));
        let numbers = numbers.and_then(|()| task.outputs.iter().try_for_each(bounds::outputs));
        numbers.map_err(|why| format!("of what was asked with the task {}, {why}", task.id))
    }

    /// Writes it down for this project, with those of its results that are in the archive.
    async fn write(
        &self,
        tx: &mut Tx<'_>,
        project: ProjectId,
        files: &BTreeSet<ContentHash>,
    ) -> Result<(), store::Error> {
        let mut task = self.task.clone();
        if let Some(outputs) = &mut task.outputs {
            outputs.files.retain(|file| files.contains(&file.asset.hash));
        }
        let state = if self.done { RequestState::Made } else { RequestState::Failed };
        let (automatic, at) = (self.automatic, self.at);
        // Whose share of the cards it takes is not the archive's to say.
        let request = PictureRequest { project: project.to_string(), ..self.request.clone() };
        let asked = store::datasets::Asked { task: task.id, request, state, automatic, at };
        store::datasets::import_request(tx, &task, &asked).await
    }
}

/// What is wrong with portraits and requests of these owners, in one sentence.
pub(super) fn check(
    portraits: &[Portrait],
    requests: &[WholeRequest],
    owners: &[PortraitOwner],
    ids: &mut Ids,
) -> Result<(), String> {
    let there = || owners.iter().map(|owner| owner.id());
    known("sheet of", portraits.iter().map(|one| one.owner.id()), there())?;
    known("sheet of", requests.iter().map(|one| one.request.job.owner().id()), there())?;
    ids.all("portrait", portraits.iter().map(|one| one.id))?;
    ids.all("task", requests.iter().map(|one| one.task.id))?;
    let file = |one: &Portrait| format!("{} of {}, {}", one.file.hash, one.owner.id(), one.view);
    distinct("portrait", portraits.iter().map(file))?;
    for one in portraits {
        let plain = one.file.ext.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !plain || one.size.width == 0 || one.size.height == 0 || !one.owner.views().contains(&one.view) {
            return Err(format!(
                "the portrait {} has no size, an impossible extension, or a view of something else",
                one.id
            ));
        }
        if (one.state == PictureState::Pending) != one.decision.is_none() {
            return Err(format!("the portrait {} is not as its decision says", one.id));
        }
        if !owners.contains(&one.owner) {
            return Err(format!("the portrait {} is of neither a character nor a place in it", one.id));
        }
        lasts(one)?;
    }
    requests.iter().try_for_each(|one| one.check(owners))
}

/// Writes down the portraits of a project whose files are in the archive, and what was asked for, as far as it can stand; how
/// many of both were left out is returned. A rejected one whose file has left the disk stays behind: every portrait names a file
/// whose length is known.
pub(super) async fn write(
    tx: &mut Tx<'_>,
    project: ProjectId,
    portraits: &[Portrait],
    requests: &[WholeRequest],
    files: &BTreeSet<ContentHash>,
) -> Result<(usize, usize), store::Error> {
    let (come, stay): (Vec<_>, Vec<_>) = portraits.iter().partition(|one| files.contains(&one.file.hash));
    for portrait in come {
        if !store::portraits::insert(tx, portrait).await? {
            return Err(store::Error::Conflict(format!("the portrait {} is in this studio already", portrait.id)));
        }
    }
    let (stand, fall): (Vec<_>, Vec<_>) = requests.iter().partition(|one| one.stands());
    for request in stand {
        request.write(tx, project, files).await?;
    }
    Ok((stay.len(), fall.len()))
}
