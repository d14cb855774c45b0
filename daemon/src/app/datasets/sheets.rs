//! Sheets: what is asked of engines for a reference sheet, from the settings and from what is said of whoever it shows.

use studio_core::{
    character::Character,
    dataset::{Made, PictureRequest, Visit, still::Making},
    ids::{PortraitId, ProjectId},
    location::{self, Location},
    order::{AssetRef, Figure, Order, Recipe, ReviewOrder, StillOrder},
    portrait::{Portrait, PortraitSource, of_character, of_location, refined, seed},
    production::{Cast, ModelChoice, engine::DRAFT_STILLS},
    recipe::FIRST_STEPS,
    review::Shown,
    task::{Class, PictureJob},
    units::{Size, Steps},
    views::{PortraitAsked, PortraitOwner, PortraitView, Refinement},
    workflow::SlotValue,
};

use super::{
    Error,
    requests::{DRAFT_HINT, GUESS_MS, REVIEW_MS, figure},
};
use crate::{
    app::producing::{self, ProductionContext},
    store,
};

/// What a picture of a place avoids beside what its sheet says.
const NOBODY: [&str; 3] = ["people", "person", "character"];

/// Whom, or what, the sheet shows.
enum Shows {
    Somebody(Box<(Character, studio_core::character::Sheet)>),
    Place(Location, location::Sheet),
}

/// How portraits of somebody, or of a place, are made and judged now.
pub struct SheetMaker {
    shows: Shows,
    project: ProjectId,
    cast: Cast,
    size: Size,
    /// The model refines pictures, and such with a LoRA; nothing is known of it for drafts, which do.
    refines: Option<(bool, bool)>,
    title: String,
}

impl SheetMaker {
    /// By the settings, the project's style and the sheet.
    pub async fn of(making: &ProductionContext, owner: PortraitOwner) -> Result<Self, Error> {
        let db = &making.context.db;
        let (shows, project) = match owner {
            PortraitOwner::Character(id) => {
                let character = store::characters::get(db, id).await?;
                let project = character.project_id;
                (Shows::Somebody(Box::new((character, store::characters::sheet(db, id).await?))), project)
            }
            PortraitOwner::Location(id) => {
                let place = store::locations::get(db, id).await?;
                let project = place.project_id;
                (Shows::Place(place, store::locations::sheet(db, id).await?), project)
            }
        };
        let about = store::projects::about(db, project).await?;
        let refused = |why: producing::ProduceError| Error::Settings(why.to_string());
        let cast = producing::cast_of(making, project, &about).await.map_err(refused)?;
        let size = making.config.portraits.size().map_err(Error::Settings)?;
        let definitions = making.shelf.now();
        let choice = cast.models.as_ref().and_then(|models| models.still.as_ref());
        let model = choice.and_then(|choice| definitions.catalogue.models.get(&choice.model));
        let has = |ability: &str| model.is_some_and(|model| model.workflows.contains_key(ability));
        let refines = choice.map(|_| (has("i2i"), has("i2i_lora")));
        let title = model.map_or_else(String::new, |model| model.title.clone());
        Ok(Self { shows, project, cast, size, refines, title })
    }

    /// Its name, as people read it.
    pub fn name(&self) -> &str {
        match &self.shows {
            Shows::Somebody(one) => &one.0.name,
            Shows::Place(place, _) => &place.name,
        }
    }

    fn owner(&self) -> PortraitOwner {
        match &self.shows {
            Shows::Somebody(one) => PortraitOwner::Character(one.0.id),
            Shows::Place(place, _) => PortraitOwner::Location(place.id),
        }
    }

    fn choice(&self) -> Option<&ModelChoice> {
        self.cast.models.as_ref()?.still.as_ref()
    }

    fn engine(&self) -> &str {
        match (self.choice(), &self.cast.models) {
            (Some(_), Some(models)) => &models.engine,
            _ => DRAFT_STILLS,
        }
    }

    fn figures(&self) -> Vec<Figure> {
        match &self.shows {
            Shows::Somebody(one) => vec![figure(&self.cast, &one.0, &one.1)],
            Shows::Place(..) => Vec::new(),
        }
    }

    /// What a model is told: whoever it shows is their own anchor, so no references are among it.
    fn recipe(&self) -> Option<Recipe> {
        let (models, choice) = (self.cast.models.as_ref()?, self.choice()?);
        Some(match &self.shows {
            Shows::Somebody(one) => models.recipe(choice, std::slice::from_ref(&one.0.name), None, false),
            Shows::Place(place, _) => {
                let mut recipe = models.recipe(choice, &[], Some(&place.name), false);
                recipe.avoid.extend(NOBODY.map(str::to_owned));
                recipe
            }
        })
    }

    /// What is asked of the engine for the `number`th portrait of this sheet.
    pub fn request(&self, id: PortraitId, view: PortraitView, number: u64, class: Class) -> PictureRequest {
        let making = self.making(view, number, self.recipe());
        self.asked(id, PortraitAsked { view, refines: None }, self.order(view, making), class)
    }

    /// What is asked of it for one that begins with a portrait there is.
    ///
    /// # Errors
    /// The model of the settings refines no pictures.
    pub fn refinement(
        &self,
        id: PortraitId,
        of: &Portrait,
        refinement: Refinement,
        number: u64,
        class: Class,
    ) -> Result<PictureRequest, Error> {
        let mut recipe = self.recipe();
        if let (Some((plain, with_lora)), Some(recipe)) = (self.refines, &mut recipe) {
            if !plain {
                let why = format!(
                    "{} has no workflow for i2i, so it refines nothing; choose another model for stills, or add the \
                     workflow to models.toml",
                    self.title
                );
                return Err(Error::Settings(why));
            }
            if !with_lora {
                // The picture it begins with says who it is.
                recipe.loras.clear();
            }
            let strength = f64::from(refinement.strength_percent) / 100.0;
            recipe.settings.insert("denoise".into(), SlotValue::Float(strength));
        }
        let making = self.making(of.view, number, recipe);
        let order = refined(self.order(of.view, making), of.file.clone(), &refinement.words);
        Ok(self.asked(id, PortraitAsked { view: of.view, refines: Some(refinement) }, order, class))
    }

    fn making(&self, view: PortraitView, number: u64, recipe: Option<Recipe>) -> Making {
        let seed = seed(self.owner(), view, number);
        Making { size: self.size, seed, steps: Steps(FIRST_STEPS), recipe }
    }

    fn order(&self, view: PortraitView, making: Making) -> StillOrder {
        match &self.shows {
            Shows::Somebody(one) => of_character(figure(&self.cast, &one.0, &one.1), view, making),
            Shows::Place(place, _) => of_location(place, making),
        }
    }

    fn asked(&self, id: PortraitId, asked: PortraitAsked, order: StillOrder, class: Class) -> PictureRequest {
        let recipe = order.recipe.clone().unwrap_or_default();
        let loras = recipe.loras.iter();
        let made = Made {
            engine: self.engine().to_owned(),
            model: recipe.model.clone(),
            seed: Some(order.seed),
            prompt: order.description.clone(),
            negative: recipe.avoid.join(", "),
            loras: loras.map(|lora| format!("{}@{}", lora.file, f64::from(lora.strength_percent) / 100.0)).collect(),
            settings: recipe.settings,
            asked: asked.view.cell(),
            ..Made::default()
        };
        PictureRequest {
            job: PictureJob::Portrait { owner: self.owner(), portrait: id },
            engine: self.engine().to_owned(),
            model: recipe.model,
            kind: format!("portrait {}", self.size),
            project: self.project.to_string(),
            guess_ms: if self.choice().is_some() { GUESS_MS.0 } else { GUESS_MS.1 },
            class,
            made,
            lineage: 1,
            person_approves: false,
            order: Order::Still(order),
            portrait: Some(asked),
            visit: Visit::Judge,
        }
    }

    /// What is asked of the judge about a portrait.
    pub fn review(&self, portrait: &Portrait, class: Class) -> PictureRequest {
        let models = self.cast.models.as_ref();
        let own = !matches!(portrait.source, PortraitSource::Upload { .. });
        let hint = match self.choice().filter(|_| own) {
            Some(choice) => choice.hint.clone(),
            None if own => DRAFT_HINT.to_owned(),
            None => String::new(),
        };
        let (special, references) = match &self.shows {
            Shows::Somebody(one) => {
                let special = models.and_then(|models| models.character(&one.0.name));
                (special, special.map_or(&one.1.references, |special| &special.references))
            }
            Shows::Place(_, sheet) => (None, &sheet.references),
        };
        let others = references.iter().filter(|one| one.hash != portrait.file.hash);
        let references: Vec<AssetRef> = others.take(1).cloned().collect();
        let shown = self.cast.eye.as_ref().map(|eye| Shown {
            eye: eye.clone(),
            figures: self.figures(),
            description: portrait.view.prompt().to_owned(),
            style: models.map_or_else(String::new, |models| models.style.clone()),
            hint,
            references,
            confusable: special.map_or_else(Vec::new, |one| one.confusable.clone()),
            species: models.map_or_else(Vec::new, |models| models.species.clone()),
            axes: Vec::new(),
        });
        let creature = self.cast.creatures.contains(&self.name().to_lowercase());
        PictureRequest {
            job: PictureJob::PortraitReview { owner: self.owner(), portrait: portrait.id },
            // Who has no eyes cannot tell whether somebody may be known by it for a whole series.
            person_approves: creature || shown.is_none(),
            order: Order::Review(ReviewOrder {
                subject: portrait.file.clone(),
                expected: None,
                reference: None,
                anchor: None,
                may_stand_still: true,
                dataset: portrait.owner.character().is_some(),
                describe: false,
                candidates: Vec::new(),
                turn: 0,
                shown,
            }),
            engine: self.cast.judge.clone(),
            model: self.cast.eye.clone().unwrap_or_default(),
            kind: "portrait review".into(),
            project: self.project.to_string(),
            guess_ms: REVIEW_MS,
            class,
            made: Made::default(),
            lineage: 1,
            portrait: None,
            visit: Visit::Judge,
        }
    }
}
