//! Casting: which models make a production, from the settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use studio_core::{
    ids::AttemptId,
    media::{MediaFacts, MediaPlan, MediaResult, ProbePlan},
    model::{Makes, Model},
    order::{AssetRef, Lora},
    production::{CharacterCast, Hand, ModelCast},
};
use tokio_util::sync::CancellationToken;

use super::{Exit, Refusal};
use crate::{
    app::App,
    config::{CharacterModels, Models},
    edge::{Progress, RunMedia},
    engines::comfy::COMFY,
    files, media,
    store::{self, assets::Asset},
};

/// The models of the settings; `None` when there is no ComfyUI or no model is chosen.
pub(super) async fn models(app: &App) -> Result<Option<ModelCast>, Refusal> {
    let settings = &app.config.models;
    if settings.stills.is_none() && settings.clips.is_empty() {
        return Ok(None);
    }
    if app.config.comfy.is_empty() {
        let message = "the settings choose models, but no [[comfy]] has them; add one, or take [models] out";
        return Err(Refusal::new(Exit::Usage, message));
    }
    let mut characters = BTreeMap::new();
    for (name, character) in &app.config.characters {
        characters.insert(name.to_lowercase(), special(app, name, character).await?);
    }
    let usage = |why: String| Refusal::new(Exit::Usage, why);
    let (still, clips) = hands(app, settings).map_err(usage)?;
    Ok(Some(ModelCast {
        engine: COMFY.into(),
        still,
        clips,
        quality: settings.quality,
        style: settings.style.clone(),
        characters,
    }))
}

type Hands = (Option<Hand>, BTreeMap<studio_core::shot::VideoEngine, Hand>);

fn hands(app: &App, settings: &Models) -> Result<Hands, String> {
    let books = app.shelf.now();
    let hand = |name: &str, model: &Model| Hand {
        model: name.to_owned(),
        from_picture: model.workflows.contains_key("i2v"),
        lora_base: model.lora_base.clone(),
    };
    let still = match &settings.stills {
        None => None,
        Some(name) => match books.catalogue.model(name)? {
            model if model.makes == Makes::Stills => Some(hand(name, model)),
            model => return Err(format!("models.stills is '{name}', but {} makes clips", model.title)),
        },
    };
    let mut clips = BTreeMap::new();
    for name in &settings.clips {
        let model = books.catalogue.model(name)?;
        let Some(engine) = model.engine.filter(|_| model.makes == Makes::Clips) else {
            return Err(format!("models.clips names '{name}', but {} makes stills", model.title));
        };
        if let Some(other) = clips.insert(engine, hand(name, model)) {
            let word = studio_core::production::engine_word(engine);
            return Err(format!("models.clips names '{}' and '{name}', which are both {word}; keep one", other.model));
        }
    }
    Ok((still, clips))
}

/// LoRAs, references and what a character must not be made with.
async fn special(app: &App, name: &str, character: &CharacterModels) -> Result<CharacterCast, Refusal> {
    let mut references = Vec::new();
    for path in &character.references {
        let kept = keep(app, path).await.map_err(|why| {
            Refusal::new(Exit::Input, format!("reference {} of {name} cannot be used: {why}", path.display()))
        })?;
        references.push(kept);
    }
    let lora = |file: &crate::config::LoraFile| Lora {
        file: file.file.clone(),
        base: file.base.clone(),
        strength_percent: (file.strength * 100.0).round() as u32,
    };
    let never: BTreeSet<_> = character.never.iter().copied().collect();
    Ok(CharacterCast { loras: character.loras.iter().map(lora).collect(), references, never })
}

/// Takes a picture of the user's among the kept files.
async fn keep(app: &App, path: &Path) -> Result<AssetRef, String> {
    let attempt = AttemptId(app.context.clock.id());
    let dir = app.context.data.work().join(attempt.to_string());
    std::fs::create_dir_all(&dir).map_err(|error| error.to_string())?;
    let kept = adopt(app, path, &dir).await;
    let _ = std::fs::remove_dir_all(&dir);
    kept
}

async fn adopt(app: &App, path: &Path, dir: &Path) -> Result<AssetRef, String> {
    let name = path.file_name().ok_or("it is no file")?;
    let copy = dir.join(name);
    std::fs::copy(path, &copy).map_err(|error| error.to_string())?;
    let media = media::ChildProcess::new().map_err(|error| error.to_string())?;
    let plan = MediaPlan::Probe(ProbePlan { input: copy.clone() });
    let probed = media.run(plan, dir, &Progress::ignored(), &CancellationToken::new()).await;
    let probed = probed.map_err(|failure| failure.message)?;
    let MediaResult::Probe { facts: facts @ MediaFacts::Still { .. } } = probed else {
        return Err("it is no picture".into());
    };
    let (file, bytes) = files::adopt(&app.context.data.assets(), &copy).map_err(|error| error.to_string())?;
    let (now, inputs) = (app.context.clock.now(), Vec::new());
    let asset = Asset { file: file.clone(), bytes, facts, attempt_id: None, inputs, created: now, missing: false };
    let stored = async {
        let mut tx = app.context.db.begin().await?;
        store::assets::insert(&mut tx, &asset).await?;
        tx.commit().await
    };
    stored.await.map_err(|error: store::Error| error.to_string())?;
    Ok(file)
}
