//! Shots: which of them begin from a picture of a dataset.

use std::collections::BTreeMap;

use studio_core::{
    character::Character,
    dataset::{Coverage, Dataset, Picture, asked_by, closest},
    ids::{ContentHash, ProjectId},
    production::{DatasetPicture, Job, Production, SourcePicture, shows},
    project::fold_name,
    shot::ShotPlan,
    take::Subject,
};

use super::{ProduceError, ProductionContext};
use crate::store;

/// A dataset whose pictures shots begin from.
struct Shown {
    character: Character,
    dataset: Dataset,
    coverage: Coverage,
    pictures: Vec<Picture>,
    /// Where each file is among them.
    by_file: BTreeMap<ContentHash, usize>,
}

/// A production whose shots of one character begin from the approved picture that comes closest to each, where the dataset gives
/// pictures to shots. A shot keeps the one it began from `before`, as long as it shows the same and the picture is still approved:
/// a film is not made anew because a dataset has grown.
///
/// # Errors
/// The store failed.
pub async fn from_datasets(
    making: &ProductionContext,
    project: ProjectId,
    production: Production,
    before: Option<Production>,
) -> Result<Production, ProduceError> {
    let shown = shown(making, project).await?;
    if shown.is_empty() {
        return Ok(production);
    }
    let making = making.clone();
    // A thousand scenes times ten thousand pictures are not compared where others wait for their answers.
    let chosen = tokio::task::spawn_blocking(move || {
        let from_datasets = chosen(&making, &shown, &production, before.as_ref());
        Production { from_datasets, ..production }
    });
    chosen.await.map_err(|error| ProduceError::usage(error.to_string()))
}

/// The picture each shot begins from, of those that begin from any.
fn chosen(
    making: &ProductionContext,
    shown: &[Shown],
    production: &Production,
    before: Option<&Production>,
) -> BTreeMap<Job, DatasetPicture> {
    let mut found = BTreeMap::new();
    let began = began_before(before);
    for (scene, script) in (1..).zip(&production.script.scenes) {
        for (shot, plan) in (1..).zip(script.shots.iter().map(|shot| &shot.plan)) {
            let [name] = &plan.characters[..] else { continue };
            let Some(one) = shown.iter().find(|one| fold_name(&one.character.name) == fold_name(name)) else {
                continue;
            };
            let job = Job::Gate { subject: Subject::Still, scene, shot };
            let Some(text) = shows(production, job).filter(|_| can_begin(making, production, scene, plan)) else {
                continue;
            };
            let coverage = &one.coverage;
            let asked = asked_by(coverage, &script.look, plan);
            let kept = began.get(&text).and_then(|file| one.by_file.get(file)).map(|at| &one.pictures[*at]);
            let kept = kept.map(|picture| (picture, studio_core::dataset::fit(coverage, &asked, &picture.cell)));
            let chosen = kept.filter(|(_, fit)| fit.close).or_else(|| closest(coverage, &asked, &one.pictures, &text));
            let Some((picture, fit)) = chosen else { continue };
            let strength_percent = Some(one.dataset.settings.shot_strength);
            let source = SourcePicture { picture: picture.file.clone(), strength_percent };
            found.insert(job, DatasetPicture { picture: picture.id, source, asked, agrees: fit.agrees });
        }
    }
    found
}

/// Datasets of the project whose owner gives their pictures to shots, with what a model is trained on.
async fn shown(making: &ProductionContext, project: ProjectId) -> Result<Vec<Shown>, ProduceError> {
    let db = &making.context.db;
    let mut shown = Vec::new();
    for character in store::characters::of_project(db, project).await? {
        let dataset = store::datasets::get(db, character.id).await?;
        if dataset.settings.shots {
            let mut pictures = store::dataset_pictures::of_character(db, character.id).await?;
            pictures.retain(Picture::is_trained_on);
            let coverage = dataset.settings.axes.clone().unwrap_or_else(Coverage::shipped);
            let by_file = pictures.iter().enumerate().map(|(at, picture)| (picture.file.hash, at)).collect();
            shown.push(Shown { character, dataset, coverage, pictures, by_file });
        }
    }
    Ok(shown)
}

/// The files that shots began from, by what the shots show.
fn began_before(before: Option<&Production>) -> BTreeMap<String, ContentHash> {
    let each = before.into_iter().flat_map(|before| {
        before.from_datasets.iter().filter_map(|(job, from)| Some((shows(before, *job)?, from.source.picture.hash)))
    });
    each.collect()
}

/// Whether who draws the pictures of a scene can draw this character from a picture: drafts can, and models with a workflow
/// for it, which knows LoRAs when the character has one.
fn can_begin(making: &ProductionContext, production: &Production, scene: u32, plan: &ShotPlan) -> bool {
    let (models, (_, choice)) = (production.cast.models.as_ref(), production.still_route_of(scene));
    let Some((models, choice)) = models.zip(choice) else { return true };
    let definitions = making.shelf.now();
    let Some(model) = definitions.catalogue.models.get(&choice.model) else { return false };
    let recipe = models.shown(choice, plan, None, true);
    let wanted = if recipe.loras.is_empty() { "i2i" } else { "i2i_lora" };
    let has = |ability: &str| model.workflows.contains_key(ability);
    has(wanted) || (!recipe.references.is_empty() && has(&format!("{wanted}_ipadapter")))
}
