//! Sitting: what is asked of engines for a reference sheet, by the cast: for whoever wants one, and for a film that lacks it.

use super::{Portrait, PortraitSource, of_character, of_location, seed};
use crate::{
    asset::AssetRef,
    character::has_name,
    dataset::{DRAFT_HINT, GUESS_MS, Made, PictureRequest, REVIEW_MS, Visit, still::Making},
    ids::{CharacterId, PortraitId, ProjectId},
    location::Location,
    order::{Figure, Order, Recipe, ReviewOrder, StillOrder},
    production::{Cast, ModelChoice, engine::DRAFT_STILLS},
    recipe::FIRST_STEPS,
    review::Shown,
    task::{Class, PictureJob},
    units::{Size, Steps},
    views::{PortraitAsked, PortraitOwner, PortraitView},
};

/// What a picture of a place avoids beside what its sheet says.
const NOBODY: [&str; 3] = ["people", "person", "character"];

/// Whom, or what, the sheet shows.
#[derive(Debug, Clone)]
pub enum Sitter {
    /// Somebody, as they look.
    Character(CharacterId, Box<Figure>),
    /// A place where scenes play.
    Location(Location),
}

/// How portraits of somebody, or of a place, are made and judged.
#[derive(Debug, Clone, Copy)]
pub struct Sitting<'a> {
    /// Whom, or what, they show.
    pub sitter: &'a Sitter,
    /// The project whose share of the cards they take.
    pub project: ProjectId,
    /// Who makes and judges them.
    pub cast: &'a Cast,
    /// Width and height, before the model makes what it can of it.
    pub size: Size,
}

impl Sitter {
    /// Whose reference sheet it is.
    pub fn owner(&self) -> PortraitOwner {
        match self {
            Self::Character(id, _) => PortraitOwner::Character(*id),
            Self::Location(place) => PortraitOwner::Location(place.id),
        }
    }

    /// The name, as people read it.
    pub fn name(&self) -> &str {
        match self {
            Self::Character(_, figure) => &figure.name,
            Self::Location(place) => &place.name,
        }
    }
}

impl<'a> Sitting<'a> {
    fn choice(&self) -> Option<&'a ModelChoice> {
        self.cast.models.as_ref()?.still.as_ref()
    }

    fn engine(&self) -> &'a str {
        match (self.choice(), &self.cast.models) {
            (Some(_), Some(models)) => &models.engine,
            _ => DRAFT_STILLS,
        }
    }

    /// What a model is told: whoever it shows is their own anchor, so no references are among it. `None` for drafts.
    pub fn recipe(&self) -> Option<Recipe> {
        let (models, choice) = (self.cast.models.as_ref()?, self.choice()?);
        Some(match self.sitter {
            Sitter::Character(_, figure) => models.recipe(choice, std::slice::from_ref(&figure.name), None, false),
            Sitter::Location(place) => {
                let mut recipe = models.recipe(choice, &[], Some(&place.name), false);
                recipe.avoid.extend(NOBODY.map(str::to_owned));
                recipe
            }
        })
    }

    /// What is drawn for the `number`th portrait of the sheet.
    pub fn order(&self, view: PortraitView, number: u64, recipe: Option<Recipe>) -> StillOrder {
        let seed = seed(self.sitter.owner(), view, number);
        let making = Making { size: self.size, seed, steps: Steps(FIRST_STEPS), recipe };
        match self.sitter {
            Sitter::Character(_, figure) => of_character((**figure).clone(), view, making),
            Sitter::Location(place) => of_location(place, making),
        }
    }

    /// What is asked of the engine for the `number`th portrait of the sheet.
    pub fn request(&self, id: PortraitId, view: PortraitView, number: u64, class: Class) -> PictureRequest {
        self.asked(id, PortraitAsked { view, refines: None }, self.order(view, number, self.recipe()), class)
    }

    /// The same for an order that is known.
    pub fn asked(&self, id: PortraitId, asked: PortraitAsked, order: StillOrder, class: Class) -> PictureRequest {
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
            job: PictureJob::Portrait { owner: self.sitter.owner(), portrait: id },
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

    /// What is asked of the judge about a portrait; the first of `references` that is another file is shown beside it.
    pub fn review(&self, portrait: &Portrait, references: &[AssetRef], class: Class) -> PictureRequest {
        let models = self.cast.models.as_ref();
        let own = !matches!(portrait.source, PortraitSource::Upload { .. });
        let hint = match self.choice().filter(|_| own) {
            Some(choice) => choice.hint.clone(),
            None if own => DRAFT_HINT.to_owned(),
            None => String::new(),
        };
        let (figures, special) = match self.sitter {
            Sitter::Character(_, figure) => {
                (vec![(**figure).clone()], models.and_then(|models| models.character(&figure.name)))
            }
            Sitter::Location(_) => (Vec::new(), None),
        };
        let others = references.iter().filter(|one| one.hash != portrait.file.hash);
        let shown = self.cast.eye.as_ref().map(|eye| Shown {
            eye: eye.clone(),
            figures,
            description: portrait.view.prompt().to_owned(),
            style: models.map_or_else(String::new, |models| models.style.clone()),
            hint,
            references: others.take(1).cloned().collect(),
            confusable: special.map_or_else(Vec::new, |one| one.confusable.clone()),
            species: models.map_or_else(Vec::new, |models| models.species.clone()),
            axes: Vec::new(),
        });
        let creature = has_name(&self.cast.creatures, self.sitter.name());
        PictureRequest {
            job: PictureJob::PortraitReview { owner: self.sitter.owner(), portrait: portrait.id },
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
