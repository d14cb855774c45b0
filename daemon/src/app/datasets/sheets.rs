//! Sheets: what is asked of engines for a reference sheet, from the settings and from what is said of whoever it shows.

use studio_core::{
    dataset::PictureRequest,
    ids::{PortraitId, ProjectId},
    order::AssetRef,
    portrait::{Portrait, PortraitSource, Sitter, Sitting, redrawn, refined},
    production::{Cast, engine::DRAFT_STILLS},
    task::Class,
    units::Size,
    views::{PortraitAsked, PortraitOwner, PortraitView, Refinement},
    workflow::SlotValue,
};

use super::{Error, requests::figure};
use crate::{
    app::producing::{self, ProductionContext},
    store,
};

/// How portraits of somebody, or of a place, are made and judged now.
pub struct SheetMaker {
    sitter: Sitter,
    /// What their pictures stay alike to by now.
    references: Vec<AssetRef>,
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
        let project = match owner {
            PortraitOwner::Character(id) => store::characters::get(db, id).await?.project_id,
            PortraitOwner::Location(id) => store::locations::get(db, id).await?.project_id,
        };
        let about = store::projects::about(db, project).await?;
        let refused = |why: producing::ProduceError| Error::Settings(why.to_string());
        let cast = producing::cast_of(making, project, &about).await.map_err(refused)?;
        let (sitter, references) = match owner {
            PortraitOwner::Character(id) => {
                let character = store::characters::get(db, id).await?;
                let sheet = store::characters::sheet(db, id).await?;
                let special = cast.models.as_ref().and_then(|models| models.character(&character.name));
                let references = special.map_or_else(|| sheet.references.clone(), |special| special.references.clone());
                (Sitter::Character(id, Box::new(figure(&cast, &character, &sheet))), references)
            }
            PortraitOwner::Location(id) => {
                let sheet = store::locations::sheet(db, id).await?;
                (Sitter::Location(store::locations::get(db, id).await?), sheet.references)
            }
        };
        let size = making.config.portraits.size().map_err(Error::Settings)?;
        let definitions = making.shelf.now();
        let choice = cast.models.as_ref().and_then(|models| models.still.as_ref());
        let model = choice.and_then(|choice| definitions.catalogue.models.get(&choice.model));
        let has = |ability: &str| model.is_some_and(|model| model.workflows.contains_key(ability));
        let refines = choice.map(|_| (has("i2i"), has("i2i_lora")));
        let title = model.map_or_else(String::new, |model| model.title.clone());
        Ok(Self { sitter, references, project, cast, size, refines, title })
    }

    /// How it is made and judged, by the cast alone.
    fn sitting(&self) -> Sitting<'_> {
        Sitting { sitter: &self.sitter, project: self.project, cast: &self.cast, size: self.size }
    }

    /// What is asked of the engine for the `number`th portrait of this sheet.
    pub fn request(&self, id: PortraitId, view: PortraitView, number: u64, class: Class) -> PictureRequest {
        self.sitting().request(id, view, number, class)
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
        let sitting = self.sitting();
        let mut recipe = sitting.recipe();
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
        let drawn = recipe.is_none() && !matches!(of.source, PortraitSource::Upload { .. });
        let order = sitting.order(of.view, number, recipe);
        let order = match of.made.as_ref().filter(|made| drawn && made.engine == DRAFT_STILLS) {
            // Drafts cannot go on from a picture, but draw what they have drawn once more, differently.
            Some(made) => redrawn(order, &made.prompt, &refinement.words),
            None => refined(order, of.file.clone(), &refinement.words),
        };
        Ok(sitting.asked(id, PortraitAsked { view: of.view, refines: Some(refinement) }, order, class))
    }

    /// What is asked of the judge about a portrait.
    pub fn review(&self, portrait: &Portrait, class: Class) -> PictureRequest {
        self.sitting().review(portrait, &self.references, class)
    }
}
