//! Requests: what is asked of an engine for one picture, from the settings, the sheet of the character and what is missing.

use std::collections::BTreeMap;

use studio_core::{
    character::{Appearance, Character, Said, Sheet},
    dataset::{
        Asked, Coverage, DRAFT_HINT, GUESS_MS, Knobs, Made, Picture, PictureRequest, REVIEW_MS, Source, UnnamedPicture,
        Visit, asked_axes, still,
    },
    ids::{PictureId, ProbeId},
    lora::Architecture,
    order::{AssetRef, Figure, Lora, Order, Recipe, ReviewOrder},
    production::{Cast, ModelChoice, engine::DRAFT_STILLS},
    recipe::FIRST_STEPS,
    review::{Candidate, MOST_SHOWN, Shown},
    task::{Class, PictureJob},
    training::ProbeCase,
    units::{Size, Steps},
    workflow::SlotValue,
};

use super::Error;
use crate::{
    app::producing::{self, ProductionContext},
    store,
};

/// How strongly a reference acts where nothing else says it.
const REFERENCE: f64 = 0.7;

/// How pictures of a character are made and judged now.
pub struct Studio {
    character: Character,
    sheet: Sheet,
    project: String,
    cast: Cast,
    size: Size,
    knobs: Knobs,
    /// The highest lineage of the references a model is given.
    level: u32,
    /// The highest lineage of what each LoRA was trained on, by its file.
    trained: BTreeMap<String, u32>,
}

impl Studio {
    /// By the settings, the project's style and the character's sheet.
    pub async fn of(making: &ProductionContext, character: &Character) -> Result<Self, Error> {
        let db = &making.context.db;
        let project = store::projects::get(db, character.project_id).await?;
        let about = store::projects::about(db, project.id).await?;
        let refused = |why: producing::ProduceError| Error::Settings(why.to_string());
        let cast = producing::cast_of(making, project.id, &about).await.map_err(refused)?;
        let sheet = store::characters::sheet(db, character.id).await?;
        let knobs = knobs(making, &cast, &character.name);
        let size = making.config.datasets.size().map_err(Error::Settings)?;
        let character = character.clone();
        let (project, trained) = (project.id.to_string(), BTreeMap::new());
        let mut maker = Self { character, sheet, project, cast, size, knobs, level: 0, trained };
        let recipe = maker.plain().unwrap_or_default();
        let references: Vec<_> = recipe.references.iter().map(|file| file.hash).collect();
        maker.level = store::dataset_pictures::lineage_of(db, &references).await?;
        for Lora { file, .. } in recipe.loras {
            let level = store::loras::lineage_of(db, &[file.as_str()]).await?;
            maker.trained.insert(file, level);
        }
        Ok(maker)
    }

    /// The model that makes them; empty for drafts.
    pub fn model(&self) -> &str {
        self.choice().map_or("", |choice| choice.model.as_str())
    }

    /// The character is no human: whatever the judge says, only a person approves.
    pub fn is_creature(&self) -> bool {
        self.cast.creatures.contains(&self.character.name.to_lowercase())
    }

    /// What can be turned on it.
    pub fn knobs(&self) -> Knobs {
        self.knobs
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

    /// How the character looks.
    fn figure(&self) -> Figure {
        figure(&self.cast, &self.character, &self.sheet)
    }

    /// How they look in words, as models hear it; `None`: nobody has said it.
    pub fn appearance(&self) -> Option<Appearance> {
        self.figure().appearance
    }

    /// What a model is told of them before anything is asked.
    fn plain(&self) -> Option<Recipe> {
        let (models, choice) = (self.cast.models.as_ref()?, self.choice()?);
        Some(models.recipe(choice, std::slice::from_ref(&self.character.name), None, true))
    }

    fn recipe(&self, asked: &Asked) -> Option<Recipe> {
        let mut recipe = self.plain()?;
        recipe.settings.extend(asked.settings.clone());
        if let Some(weight) = asked.reference_weight {
            if weight <= 0.0 {
                recipe.references.clear();
            } else if !recipe.references.is_empty() {
                recipe.settings.insert("ipadapter_weight".into(), SlotValue::Float(weight));
            }
        }
        if let (Some(strength), Some(lora)) = (asked.lora_strength, recipe.loras.first_mut()) {
            lora.strength_percent = (strength * 100.0).round() as u32;
        }
        recipe.avoid.extend(asked.avoid.iter().cloned());
        Some(recipe)
    }

    /// What is asked of the engine for a picture that is missing.
    pub fn request(&self, id: PictureId, asked: &Asked, class: Class) -> PictureRequest {
        let recipe = self.recipe(asked);
        let scaled = |side: u32| ((f64::from(side) * asked.size_factor / 8.0).round() as u32 * 8).max(64);
        let size = Size { width: scaled(self.size.width), height: scaled(self.size.height) };
        let words: Vec<&str> = asked.words.iter().chain(&asked.stress).map(String::as_str).collect();
        let making = still::Making { size, seed: asked.seed, steps: Steps(FIRST_STEPS), recipe: recipe.clone() };
        let order = still::order(self.figure(), &asked.cell, words.join(", "), making);
        let mut settings: BTreeMap<String, SlotValue> = asked.settings.clone();
        settings.extend(asked.reference_weight.map(|weight| ("ipadapter_weight".to_owned(), SlotValue::Float(weight))));
        let loras = recipe.iter().flat_map(|recipe| &recipe.loras);
        let acts = loras.clone().filter(|lora| lora.strength_percent > 0);
        let referred = recipe.as_ref().is_some_and(|recipe| !recipe.references.is_empty());
        let trained = acts.filter_map(|lora| self.trained.get(&lora.file).copied());
        let lineage = Picture::lineage_of(trained.chain(referred.then_some(self.level)));
        let made = Made {
            engine: self.engine().to_owned(),
            model: self.model().to_owned(),
            seed: Some(asked.seed),
            prompt: order.description.clone(),
            negative: recipe.as_ref().map_or_else(String::new, |recipe| recipe.avoid.join(", ")),
            loras: loras.map(|lora| format!("{}@{}", lora.file, f64::from(lora.strength_percent) / 100.0)).collect(),
            settings,
            asked: asked.cell.clone(),
            tried: asked.tried.clone(),
        };
        PictureRequest {
            job: PictureJob::Picture { character: self.character.id, picture: id },
            order: Order::Still(order),
            engine: self.engine().to_owned(),
            model: self.model().to_owned(),
            kind: format!("dataset {size}"),
            project: self.project.clone(),
            guess_ms: if self.choice().is_some() { GUESS_MS.0 } else { GUESS_MS.1 },
            class,
            made,
            lineage,
            person_approves: false,
            portrait: None,
            visit: Visit::Judge,
        }
    }

    /// The vision model that looks at pictures; `None`: whoever judges has no eyes.
    pub fn eye(&self) -> Option<&str> {
        self.cast.eye.as_deref()
    }

    /// Somebody a picture may show, as the judge is told; `shown`: with a picture of them, when there is one.
    fn candidate(&self, shown: bool) -> Candidate {
        let special = self.cast.models.as_ref().and_then(|models| models.character(&self.character.name));
        let references = special.map_or(&self.sheet.references[..], |one| &one.references);
        Candidate {
            character: self.character.id,
            figure: self.figure(),
            reference: references.first().filter(|_| shown).cloned(),
            confusable: special.map_or_else(Vec::new, |one| one.confusable.clone()),
        }
    }

    /// All of them; as many with a picture as a vision model can be shown.
    pub fn candidates(all: &[Self]) -> Vec<Candidate> {
        let mut shown = 0;
        let one = |maker: &Self| {
            let candidate = maker.candidate(shown < MOST_SHOWN);
            shown += usize::from(candidate.reference.is_some());
            candidate
        };
        all.iter().map(one).collect()
    }

    /// What is asked of the judge about a picture that has no name and was asked about `turn` times before; `None`: whoever
    /// judges has no eyes. It is filed under this character, whoever it proves to be.
    pub fn identify(
        &self,
        picture: &UnnamedPicture,
        candidates: Vec<Candidate>,
        turn: u32,
        class: Class,
    ) -> Option<PictureRequest> {
        let eye = self.cast.eye.clone()?;
        let shown = Shown {
            eye: eye.clone(),
            figures: Vec::new(),
            description: String::new(),
            style: String::new(),
            hint: String::new(),
            references: Vec::new(),
            confusable: Vec::new(),
            species: Vec::new(),
            axes: Vec::new(),
        };
        Some(PictureRequest {
            job: PictureJob::PictureReview { character: self.character.id, picture: picture.id },
            person_approves: true,
            order: Order::Review(ReviewOrder { candidates, turn, ..review_of(picture.file.clone(), Some(shown)) }),
            engine: self.cast.judge.clone(),
            model: eye,
            kind: "dataset identity".into(),
            project: self.project.clone(),
            guess_ms: REVIEW_MS,
            class,
            made: Made::default(),
            visit: Visit::Identify,
            portrait: None,
            lineage: 0,
        })
    }

    /// What a LoRA is trained for that the model of stills takes; `None`: there is no such model, or it takes none.
    pub fn trains(&self) -> Option<Architecture> {
        let base = self.choice()?.lora_base.as_deref()?;
        [Architecture::Sd15, Architecture::Sdxl, Architecture::Wan, Architecture::Hunyuan, Architecture::Ltxv]
            .into_iter()
            .find(|one| one.base() == Some(base))
    }

    /// What is asked of the engine for a probe: the picture films would have of that, but with this LoRA, or none. `control`: nobody
    /// in particular is asked for, only somebody of that kind.
    pub fn probe(
        &self,
        id: ProbeId,
        case: &ProbeCase,
        lora: Option<Lora>,
        control: Option<&str>,
        class: Class,
    ) -> PictureRequest {
        let recipe = self.plain().map(|recipe| match control {
            None => Recipe { loras: lora.into_iter().collect(), ..recipe },
            Some(_) => Recipe {
                loras: lora.into_iter().map(|lora| Lora { trigger: String::new(), ..lora }).collect(),
                references: Vec::new(),
                ..recipe
            },
        });
        let figure = match control {
            None => self.figure(),
            Some(kind) => Figure { name: kind.to_owned(), appearance: None, ..self.figure() },
        };
        let steps = Steps(FIRST_STEPS);
        let making = still::Making { size: self.size, seed: case.seed, steps, recipe: recipe.clone() };
        let order = still::order(figure, &case.cell, case.words.clone(), making);
        let made = Made {
            engine: self.engine().to_owned(),
            model: self.model().to_owned(),
            seed: Some(case.seed),
            prompt: order.description.clone(),
            asked: case.cell.clone(),
            ..Made::default()
        };
        PictureRequest {
            job: PictureJob::TrainingProbe { character: self.character.id, probe: id },
            order: Order::Still(order),
            engine: self.engine().to_owned(),
            model: self.model().to_owned(),
            kind: format!("dataset {}", self.size),
            project: self.project.clone(),
            guess_ms: if self.choice().is_some() { GUESS_MS.0 } else { GUESS_MS.1 },
            class,
            made,
            lineage: 0,
            person_approves: false,
            portrait: None,
            visit: Visit::Judge,
        }
    }

    /// What is asked of the judge about a probe.
    pub fn probe_review(
        &self,
        id: ProbeId,
        file: &AssetRef,
        case: &ProbeCase,
        coverage: &Coverage,
        class: Class,
    ) -> PictureRequest {
        let models = self.cast.models.as_ref();
        let special = models.and_then(|models| models.character(&self.character.name));
        let references = special.map_or(&self.sheet.references[..], |one| &one.references);
        let shown = self.cast.eye.as_ref().map(|eye| Shown {
            eye: eye.clone(),
            figures: vec![self.figure()],
            description: case.words.clone(),
            style: models.map_or_else(String::new, |models| models.style.clone()),
            hint: self.choice().map_or_else(String::new, |choice| choice.hint.clone()),
            references: references.iter().take(2).cloned().collect(),
            confusable: special.map_or_else(Vec::new, |one| one.confusable.clone()),
            species: models.map_or_else(Vec::new, |models| models.species.clone()),
            axes: asked_axes(coverage),
        });
        PictureRequest {
            job: PictureJob::TrainingProbeReview { character: self.character.id, probe: id },
            person_approves: true,
            order: Order::Review(review_of(file.clone(), shown)),
            engine: self.cast.judge.clone(),
            model: self.cast.eye.clone().unwrap_or_default(),
            kind: "dataset review".into(),
            project: self.project.clone(),
            guess_ms: REVIEW_MS,
            class,
            made: Made::default(),
            visit: Visit::Judge,
            lineage: 0,
            portrait: None,
        }
    }

    /// What is asked of the judge about a picture, which is placed by these axes.
    pub fn review(&self, picture: &Picture, coverage: &Coverage, visit: Visit, class: Class) -> PictureRequest {
        let models = self.cast.models.as_ref();
        let special = || models.and_then(|models| models.character(&self.character.name));
        let own = picture.source == Source::Generated;
        let hint = match self.choice().filter(|_| own) {
            Some(choice) => choice.hint.clone(),
            None if own => DRAFT_HINT.to_owned(),
            None => String::new(),
        };
        let shown = self.cast.eye.as_ref().map(|eye| Shown {
            eye: eye.clone(),
            figures: vec![self.figure()],
            description: coverage.words(&picture.cell).join(", "),
            style: models.map_or_else(String::new, |models| models.style.clone()),
            hint,
            references: special()
                .map_or(&self.sheet.references[..], |one| &one.references)
                .iter()
                .take(1)
                .cloned()
                .collect(),
            confusable: special().map_or_else(Vec::new, |one| one.confusable.clone()),
            species: models.map_or_else(Vec::new, |models| models.species.clone()),
            axes: asked_axes(coverage),
        });
        let drawn = own && picture.made.as_ref().is_some_and(|made| made.engine == DRAFT_STILLS);
        PictureRequest {
            job: PictureJob::PictureReview { character: self.character.id, picture: picture.id },
            // Who has no eyes sees neither who it is nor how many: only of what the draft drew is that known.
            person_approves: self.is_creature() || (shown.is_none() && !drawn),
            order: Order::Review(ReviewOrder {
                describe: visit == Visit::Describe,
                ..review_of(picture.file.clone(), shown)
            }),
            engine: self.cast.judge.clone(),
            model: self.cast.eye.clone().unwrap_or_default(),
            kind: "dataset review".into(),
            project: self.project.clone(),
            guess_ms: REVIEW_MS,
            class,
            made: Made::default(),
            visit,
            lineage: picture.lineage,
            portrait: None,
        }
    }
}

/// A picture of a dataset as the judge is asked about it.
fn review_of(subject: AssetRef, shown: Option<Shown>) -> ReviewOrder {
    ReviewOrder {
        subject,
        expected: None,
        reference: None,
        anchor: None,
        may_stand_still: true,
        dataset: true,
        describe: false,
        candidates: Vec::new(),
        turn: 0,
        shown,
    }
}

/// How somebody looks, whatever one episode says of them: as the sheet says, else as they are known.
pub(super) fn figure(cast: &Cast, character: &Character, sheet: &Sheet) -> Figure {
    let profile = character.in_episode(sheet, Said::default(), 1, 1).0.profile;
    let special = cast.models.as_ref().and_then(|models| models.character(&character.name));
    let appearance = special.and_then(|one| one.appearance.clone()).or_else(|| sheet.appearance.clone());
    Figure { name: character.name.clone(), profile, appearance, staging: None }
}

/// What can be turned on the model of stills; nothing for drafts.
fn knobs(making: &ProductionContext, cast: &Cast, name: &str) -> Knobs {
    let Some((models, choice)) = cast.models.as_ref().and_then(|models| Some((models, models.still.as_ref()?))) else {
        return Knobs::default();
    };
    let definitions = making.shelf.now();
    let Some(model) = definitions.catalogue.models.get(&choice.model) else { return Knobs::default() };
    let recipe = models.recipe(choice, std::slice::from_ref(&name.to_owned()), None, true);
    let number = |value: &SlotValue| match value {
        SlotValue::Float(number) => Some(*number),
        SlotValue::Int(number) => Some(*number as f64),
        _ => None,
    };
    let set = |slot: &str| recipe.settings.get(slot).or_else(|| model.settings.get(slot)).and_then(number);
    Knobs {
        steps: Some(set("steps").map_or(model.steps, |steps| steps as u32)),
        cfg: set("cfg"),
        reference: (!recipe.references.is_empty()).then(|| set("ipadapter_weight").unwrap_or(REFERENCE)),
        lora: recipe.loras.first().map(|lora| f64::from(lora.strength_percent) / 100.0),
    }
}
