//! Stills: accepted pictures of films come into the dataset of whom they show alone.
//!
//! Accepted is what a person finds good or approved, and what is in the film because a judge with eyes let it pass. Of neither
//! is anybody asked again.

use std::collections::{BTreeMap, btree_map::Entry};

use studio_core::{
    character::Character,
    dataset::{Dataset, Made, Picture, Source},
    ids::{CharacterId, ContentHash, EpisodeId},
    order::{AssetRef, Order, StillOrder},
    production::{Job, Production},
    project::fold_name,
    take::{Subject, Verdict},
};
use studio_engine::asset_path;
use studio_pictures::metadata;

use super::{
    Datasets, Error, Maker,
    arrive::{self, About, Came, Said},
};
use crate::{
    events::StudioEvent,
    store::{
        self,
        dataset_seen::Place,
        takes::{Placed, Still},
    },
    web::{ServiceError, Taken},
};

/// What a film says of its takes, read once for all of them.
struct Film {
    /// How it was planned; `None` when that is not known.
    plan: Option<Production>,
    /// Its season and number.
    code: String,
}

impl Datasets {
    /// Takes accepted stills that show nobody but this character into its dataset: of one episode, or of all.
    pub(super) async fn take_stills(
        &self,
        character: CharacterId,
        episode: Option<EpisodeId>,
    ) -> Result<Taken, ServiceError> {
        let db = &self.making.context.db;
        let known = store::characters::get(db, character).await?;
        if let Some(id) = episode
            && store::episodes::get(db, id).await?.project_id != known.project_id
        {
            return Err(ServiceError::Usage(format!("{} is of another project than that episode", known.name)));
        }
        let found = store::takes::stills_of(db, &known, episode, false).await?;
        self.bring_stills(&known, found, false).await
    }

    /// Takes what people approved since it was last looked, where that is switched on.
    pub(super) async fn take_approved(&self, dataset: &Dataset) -> Result<(), Error> {
        if !dataset.settings.stills {
            return Ok(());
        }
        let db = &self.making.context.db;
        let known = store::characters::get(db, dataset.character_id).await?;
        let found = store::takes::stills_of(db, &known, None, true).await?;
        let taken = self.bring_stills(&known, found, true).await.map_err(arrive::trouble)?;
        for why in taken.refused {
            tracing::warn!(character = %known.name, %why, "a still is not taken into a dataset");
        }
        Ok(())
    }

    /// Takes those of the found stills that were accepted; `by_itself`: by a person only.
    async fn bring_stills(
        &self,
        character: &Character,
        found: Vec<Still>,
        by_itself: bool,
    ) -> Result<Taken, ServiceError> {
        let context = &self.making.context;
        let mut taken = Taken::default();
        let mut films: BTreeMap<EpisodeId, Film> = BTreeMap::new();
        // Settings that cannot be used approve nothing.
        let person_approves = match Maker::of(&self.making, character).await {
            Ok(maker) => maker.is_creature(),
            Err(Error::Store(error)) => return Err(error.into()),
            Err(_) => true,
        };
        for Still { placed, approved } in found {
            if !shows_only(&placed, &character.name) {
                continue;
            }
            let by_person = approved || placed.opinion.as_ref().is_some_and(|opinion| opinion.good);
            let film = match films.entry(placed.episode) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(self.film(placed.episode).await?),
            };
            let verdict = placed.take.verdict.clone().filter(|verdict| !verdict.is_persons());
            let said = match verdict {
                verdict if by_person => Said::Approved(verdict),
                Some(verdict) if !by_itself && self.passed(&placed, film).await? => {
                    Said::Judged { verdict, person_approves }
                }
                _ => continue,
            };
            let shot = format!("{} scene {} shot {}", film.code, placed.scene, placed.shot);
            let (made, lineage) = self.made_of(&placed).await?;
            let source = Source::Still { shot: shot.clone(), take: Some(placed.take.id) };
            let about = About { source, made: Some(made), lineage: Some(lineage), said, caption: None };
            let kept = AssetRef { hash: placed.take.asset, ext: placed.ext.clone() };
            let file = asset_path(&context.data.assets(), &kept);
            let came = arrive::take(self, character.id, &file, about).await?;
            let seen = came.seen();
            let (mut tx, now) = (context.db.begin().await?, context.clock.now());
            store::dataset_seen::note(&mut tx, character.id, Place::Still, placed.take.asset, &seen, now).await?;
            tx.commit().await?;
            if matches!(came, Came::Added(..)) {
                // Also when the next one fails.
                context.events.tell(StudioEvent::Dataset { character: character.id });
            }
            taken.count(came, &shot);
        }
        Ok(taken)
    }

    async fn film(&self, episode: EpisodeId) -> Result<Film, store::Error> {
        let db = &self.making.context.db;
        let known = store::episodes::get(db, episode).await?;
        let plan = store::productions::of_episode(db, episode).await?;
        Ok(Film { plan, code: format!("S{:02}E{:02}", known.season, known.number) })
    }

    /// A still is in its film because a judge that saw it let it pass, and did not ask for a person.
    async fn passed(&self, placed: &Placed, film: &Film) -> Result<bool, store::Error> {
        let Some(plan) = &film.plan else { return Ok(false) };
        let shift = plan.still_route_of(placed.scene).1.map_or(0, |choice| choice.pass_shift);
        let take = &placed.take;
        let asks = take.verdict.as_ref().is_none_or(|verdict: &Verdict| verdict.ask.is_some());
        if !take.chosen || asks || !plan.gates.shifted(shift).passes(take, take.attempt as usize) {
            return Ok(false);
        }
        let db = &self.making.context.db;
        let review =
            Job::Review { subject: Subject::Still, scene: placed.scene, shot: placed.shot, take: take.attempt };
        let task = store::tasks::of_jobs(db, placed.episode, &[review]).await?.pop();
        let Some(key) = task.and_then(|task| task.key) else { return Ok(false) };
        let done = store::attempts::succeeded_by_key(db, key).await?;
        Ok(done.is_some_and(|done| match done.order {
            Order::Review(order) => order.subject.hash == take.asset && order.shown.is_some(),
            _ => false,
        }))
    }

    /// What a take was made with, and the lineage that follows.
    async fn made_of(&self, placed: &Placed) -> Result<(Made, u32), store::Error> {
        let context = &self.making.context;
        let kept = store::assets::get(&context.db, placed.take.asset).await?;
        let maker = match kept.as_ref().and_then(|kept| kept.attempt_id) {
            Some(attempt) => Some(store::attempts::get(&context.db, attempt).await?),
            None => None,
        };
        let file = kept.map(|kept| asset_path(&context.data.assets(), &kept.file));
        // What the program that made it wrote into it is what was really asked of it.
        let told = match file {
            Some(file) => tokio::task::spawn_blocking(move || metadata::made(&file)).await.ok().flatten(),
            None => None,
        };
        let mut made = told.unwrap_or_default();
        made.seed = Some(placed.take.seed);
        let Some(maker) = maker else { return Ok((made, Picture::lineage_of([]))) };
        maker.engine.split('/').next().unwrap_or_default().clone_into(&mut made.engine);
        let Order::Still(order) = &maker.order else { return Ok((made, Picture::lineage_of([]))) };
        let with: Vec<_> = made_with(order).collect();
        let level = store::dataset_pictures::lineage_of(&context.db, &with).await?;
        let loras = order.recipe.iter().flat_map(|recipe| &recipe.loras);
        let loras: Vec<&str> = loras.map(|lora| lora.file.as_str()).collect();
        let trained = store::loras::lineage_of(&context.db, &loras).await?;
        asked_of(order, &mut made);
        Ok((made, Picture::lineage_of([level, trained])))
    }
}

/// Nobody else is in the picture.
fn shows_only(placed: &Placed, name: &str) -> bool {
    matches!(placed.plan.characters.as_slice(), [only] if fold_name(only) == fold_name(name))
}

/// Kept files a still is made with.
fn made_with(order: &StillOrder) -> impl Iterator<Item = ContentHash> + '_ {
    let references = order.recipe.iter().flat_map(|recipe| &recipe.references);
    references.chain(&order.source).map(|file| file.hash)
}

/// What the order says, where the file itself says nothing; the model by the name the studio has for it.
fn asked_of(order: &StillOrder, made: &mut Made) {
    if made.prompt.is_empty() {
        made.prompt.clone_from(&order.description);
    }
    let Some(recipe) = &order.recipe else { return };
    made.model.clone_from(&recipe.model);
    if made.negative.is_empty() {
        made.negative = recipe.avoid.join(", ");
    }
    if made.loras.is_empty() {
        let strength = |percent: u32| f64::from(percent) / 100.0;
        made.loras =
            recipe.loras.iter().map(|lora| format!("{}@{}", lora.file, strength(lora.strength_percent))).collect();
    }
    for (slot, value) in &recipe.settings {
        made.settings.entry(slot.clone()).or_insert_with(|| value.clone());
    }
}
