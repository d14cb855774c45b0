//! Casting: which models make a production, from the settings.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use studio_core::{
    character::{Appearance, Sheet},
    ids::ProjectId,
    learning::{Learned, learn},
    location,
    lora::{KeptLora, LoraFault},
    model::{Makes, Model, PromptStyle},
    order::{Lora, ReviewOrder, Role},
    production::{
        Billing, Cast, CharacterCast, ModelCast, ModelChoice, ModelStyle, NamedLora, Production,
        engine::{DRAFT_CLIPS, DRAFT_JUDGE, DRAFT_MUSIC, DRAFT_STILLS, DRAFT_VOICE},
    },
    project::{About, Style, fold_name, same_name},
    recipe,
    review::{Confusable, is_not_human},
    script::Script,
    workflow::{SlotValue, Workflow},
};

use super::{ProduceError, ProductionContext, intake};
use crate::{
    app::lora_folder,
    config::{AceStepServer, CharacterModels, Config, LoraFile, Models},
    definitions::{Definitions, loras},
    engines::{ace_step::ACE_STEP, comfy::COMFY, speech::SPEECH},
    store,
};

/// Links after which a chain of shots begins anew: by then small errors have added up.
const CHAIN_LINKS: u32 = 6;
/// Slots every attempt decides by itself beside those of its order: it makes one picture, and files of its own name.
const OF_ATTEMPTS: [&str; 2] = ["batch", "prefix"];
/// Takes of the golden set that people find good, and as many that they do not.
const GOLDEN: u32 = 12;

/// What people said of who and what a screenplay names, by that name in small letters.
#[derive(Default)]
pub struct Sheets {
    characters: BTreeMap<String, Sheet>,
    places: BTreeMap<String, location::Sheet>,
    /// LoRAs their films use, each with whom it makes, in small letters; nobody: it is for whole films.
    loras: Vec<(Option<String>, KeptLora)>,
}

/// What people said of the characters and places of a project.
pub async fn sheets(making: &ProductionContext, project: ProjectId) -> Result<Sheets, ProduceError> {
    let db = &making.context.db;
    let mut said: BTreeMap<_, _> = store::characters::sheets(db, project).await?.into_iter().collect();
    let all = store::characters::of_project(db, project).await?;
    let named = |lora: KeptLora| {
        let whose = lora.character_id.map(|id| all.iter().find(|one| one.id == id)).map(|found| found.ok_or(()));
        Some((whose.transpose().ok()?.map(|one| fold_name(&one.name)), lora))
    };
    let loras = store::loras::active_of(db, project).await?.into_iter().filter_map(named).collect();
    let characters = all.iter().filter_map(|one| Some((fold_name(&one.name), said.remove(&one.id)?)));
    let characters = characters.filter(|(_, sheet)| *sheet != Sheet::default()).collect();
    let mut said: BTreeMap<_, _> = store::locations::sheets(db, project).await?.into_iter().collect();
    let all = store::locations::of_project(db, project).await?;
    let places = all.into_iter().filter_map(|one| Some((fold_name(&one.name), said.remove(&one.id)?)));
    let places = places.filter(|(_, sheet)| *sheet != location::Sheet::default()).collect();
    Ok(Sheets { characters, places, loras })
}

/// The screenplay's characters as they are in an episode of the project: nobody changes because a screenplay says nothing,
/// or something else than an earlier one.
pub async fn as_known(
    making: &ProductionContext,
    project: ProjectId,
    billing: &Billing,
    script: &mut Script,
) -> Result<(), ProduceError> {
    let db = &making.context.db;
    let known = store::characters::of_project(db, project).await?;
    let sheets: BTreeMap<_, _> = store::characters::sheets(db, project).await?.into_iter().collect();
    for character in &mut script.characters {
        let Some(known) = known.iter().find(|one| same_name(&one.name, &character.name)) else { continue };
        let sheet = sheets.get(&known.id).cloned().unwrap_or_default();
        character.profile = known.in_episode(&sheet, character.said, billing.season, billing.number).0.profile;
    }
    Ok(())
}

/// Who makes what, by the settings; only drafts when they are asked for.
pub async fn cast(
    making: &ProductionContext,
    draft: bool,
    about: &About,
    sheets: &Sheets,
) -> Result<Cast, ProduceError> {
    let drafts = Cast {
        creatures: creatures(&making.config, sheets),
        voice: DRAFT_VOICE.into(),
        music: DRAFT_MUSIC.into(),
        stills: DRAFT_STILLS.into(),
        clips: DRAFT_CLIPS.into(),
        judge: DRAFT_JUDGE.into(),
        ..Cast::default()
    };
    if draft {
        return Ok(drafts);
    }
    let config = &making.config;
    let (by, eye) = config.judge();
    let judge = super::judge_engine(by).to_owned();
    let named = config.characters.iter().filter_map(|(name, one)| Some((fold_name(name), one.voice.clone()?)));
    let said = sheets.characters.iter().filter_map(|(name, sheet)| Some((name.clone(), sheet.voice.clone()?)));
    // What was said on the page goes before the settings.
    let voices = named.chain(said);
    let mut samples = BTreeMap::new();
    if config.speech.is_some() {
        for (name, one) in &config.characters {
            let Some(path) = &one.sample else { continue };
            let kept = intake::keep(&making.context, path, Role::Sound).await.map_err(|why| {
                ProduceError::input(format!("sample {} of {name} cannot be used: {why}", path.display()))
            })?;
            samples.insert(fold_name(name), kept.asset);
        }
    }
    if config.speech.is_some() {
        samples
            .extend(sheets.characters.iter().filter_map(|(name, sheet)| Some((name.clone(), sheet.sample.clone()?))));
    }
    let (speech, music) = (config.speech.as_ref(), config.ace_step.as_ref());
    let mut tenants = BTreeMap::new();
    tenants.extend(speech.map(|_| (SPEECH.to_owned(), SPEECH.to_owned())));
    tenants.extend(music.map(|_| (ACE_STEP.to_owned(), ACE_STEP.to_owned())));
    Ok(Cast {
        voice: speech.map_or(drafts.voice, |_| SPEECH.into()),
        music: music.map_or(drafts.music, |_| ACE_STEP.into()),
        judge,
        models: models(making, about, sheets).await?,
        eye,
        voices: if speech.is_some() { voices.collect() } else { BTreeMap::new() },
        samples,
        music_style: music.map(|server| server.style.clone()).or_else(|| music_style(&config.models)),
        tenants,
        creatures: drafts.creatures,
        stills: drafts.stills,
        clips: drafts.clips,
        named: BTreeMap::new(),
    })
}

/// Who is no human by the settings, or by their sheets, which go before those.
fn creatures(config: &Config, sheets: &Sheets) -> BTreeSet<String> {
    let by_settings = config.characters.iter().map(|(name, one)| (fold_name(name), one.looks.as_ref()));
    let by_sheet = sheets.characters.iter().map(|(name, sheet)| (name.clone(), sheet.appearance.as_ref()));
    let mut looks: BTreeMap<String, &Appearance> = BTreeMap::new();
    for (name, look) in by_settings.chain(by_sheet) {
        looks.extend(look.map(|look| (name, look)));
    }
    looks.into_iter().filter(|(_, look)| is_not_human(look)).map(|(name, _)| name).collect()
}

fn music_style(settings: &Models) -> Option<String> {
    settings.music.as_ref()?;
    Some(settings.music_style.clone().unwrap_or_else(|| AceStepServer::USUAL_STYLE.into()))
}

/// The models of the settings; `None` when there is no ComfyUI or no model is chosen.
async fn models(making: &ProductionContext, about: &About, sheets: &Sheets) -> Result<Option<ModelCast>, ProduceError> {
    let settings = &making.config.models;
    // Also of models that nobody has chosen yet.
    let definitions = making.shelf.now();
    for (model, style) in &settings.set {
        usable(&definitions, &format!("models.set.{model}"), model, &style.settings).map_err(ProduceError::usage)?;
    }
    if settings.stills.is_none() && settings.clips.is_empty() && settings.music.is_none() {
        return Ok(None);
    }
    if making.config.comfy.is_empty() {
        let message = "the settings choose models, but no [[comfy]] has them; add one, or take [models] out";
        return Err(ProduceError::usage(message));
    }
    let mut characters = BTreeMap::new();
    for (name, character) in &making.config.characters {
        characters.insert(fold_name(name), special(making, name, character).await?);
    }
    for (name, sheet) in &sheets.characters {
        let one: &mut CharacterCast = characters.entry(name.clone()).or_default();
        if sheet.appearance.is_some() {
            one.appearance.clone_from(&sheet.appearance);
        }
        if !sheet.references.is_empty() {
            one.references.clone_from(&sheet.references);
        }
        one.never.extend(&sheet.never);
    }
    let usage = |why: String| ProduceError::usage(why);
    let (still, clips) = chosen_models(making, settings).map_err(usage)?;
    let taken: BTreeSet<_> = still.iter().chain(clips.values()).filter_map(|one| one.lora_base.as_deref()).collect();
    let (mut film, mut film_named) = (Vec::new(), Vec::new());
    for (whose, kept) in &sheets.loras {
        let Some(lora) = in_place(making, kept, &taken).await? else { continue };
        let one = whose.clone().map(|name| characters.entry(name).or_default());
        let (always, named) = one.map_or((&mut film, &mut film_named), |one| (&mut one.loras, &mut one.named));
        if kept.name.is_empty() {
            // What was chosen in the studio goes before the settings.
            always.retain(|other: &Lora| other.base != lora.base);
            always.push(lora);
        } else {
            named.push(NamedLora { name: kept.name.clone(), instead: kept.instead, lora });
        }
    }
    let chosen = about.chosen();
    let words = chosen.map_or(&settings.style, |style| &style.words);
    let named = definitions.style(words).cloned();
    let music = music(making, settings).map_err(usage)?;
    Ok(Some(ModelCast {
        engine: COMFY.into(),
        still,
        clips,
        music,
        places: sheets.places.clone(),
        quality: settings.quality,
        style: named.as_ref().map_or_else(|| words.clone(), |style| style.words.clone()),
        characters,
        chain_links: settings.chain_links.unwrap_or(CHAIN_LINKS),
        species: making.config.species.clone(),
        learned: Learned::default(),
        avoid: chosen
            .into_iter()
            .flat_map(|style| &style.avoid)
            .chain(named.iter().flat_map(|style| &style.avoid))
            .cloned()
            .collect(),
        styles: styles(making, chosen).map_err(ProduceError::usage)?,
        stated: stated(&making.shelf.now()),
        loras: film,
        named: film_named,
    }))
}

/// Slots the user's own file of models gives values.
fn stated(definitions: &Definitions) -> BTreeMap<String, BTreeSet<String>> {
    let slots = |model: &Model| model.settings.keys().cloned().chain(["steps".to_owned()]).collect();
    let own = definitions.own.iter();
    own.filter_map(|name| Some((name.clone(), slots(definitions.catalogue.models.get(name)?)))).collect()
}

/// The project's own way with models; what nothing would come of is refused.
fn styles(making: &ProductionContext, chosen: Option<&Style>) -> Result<BTreeMap<String, ModelStyle>, String> {
    let definitions = making.shelf.now();
    let mut styles = making.config.models.set.clone();
    if let Some(style) = chosen {
        for (model, settings) in &style.models {
            usable(&definitions, &format!("the project's style '{}', {model}:", style.name), model, settings)?;
            styles.entry(model.clone()).or_default().settings.extend(settings.clone());
        }
    }
    Ok(styles)
}

/// Whether settings of a model have an effect: accepted and ignored they would promise what nobody keeps. `place` says
/// where they stand.
fn usable(
    definitions: &Definitions,
    place: &str,
    model: &str,
    settings: &BTreeMap<String, SlotValue>,
) -> Result<(), String> {
    let model = definitions.catalogue.model(model).map_err(|why| format!("{place} {why}"))?;
    if settings.get("steps").is_some_and(|steps| !matches!(steps, SlotValue::Int(1..=200))) {
        return Err(format!("{place} sets 'steps', which must be a whole number from 1 to 200"));
    }
    let decided =
        |slot: &str| recipe::DECIDED.contains(&slot) || OF_ATTEMPTS.contains(&slot) || model.files.contains_key(slot);
    if let Some(slot) = settings.keys().find(|slot| decided(slot)) {
        return Err(format!(
            "{place} sets '{slot}', which the film or the model's entry in models.toml decides; leave it out"
        ));
    }
    let flows = model.workflows.values().filter_map(|flow| definitions.workflows.get(flow));
    let refused = |flow: &Workflow| settings.iter().find_map(|(slot, value)| flow.refusal(slot, value));
    if let Some(why) = flows.clone().find_map(refused) {
        return Err(format!("{place} {why}"));
    }
    let slots = flows.flat_map(|flow| flow.about.slots.keys().map(String::as_str)).chain(["steps"]);
    let slots: BTreeSet<&str> = slots.filter(|slot| !decided(slot)).collect();
    if let Some(unknown) = settings.keys().find(|slot| !slots.contains(slot.as_str())) {
        let all = slots.into_iter().collect::<Vec<_>>().join(", ");
        return Err(format!("{place} sets '{unknown}', which none of its workflows has; there are {all}"));
    }
    Ok(())
}

/// What judged takes teach now, or what they taught when this episode was begun: a film is not made anew because the
/// studio has learned something since.
pub async fn learned(
    making: &ProductionContext,
    before: Option<&Production>,
    anew: bool,
) -> Result<Learned, ProduceError> {
    if making.config.models.learn == Some(false) {
        return Ok(Learned::default());
    }
    let before = before.and_then(|before| before.cast.models.as_ref()).filter(|_| !anew);
    if let Some(models) = before {
        return Ok(models.learned.clone());
    }
    let samples = store::learning::samples(&making.context.db, making.config.gates().pass_marks[0]).await?;
    Ok(learn(&samples, making.context.clock.now()))
}

/// Takes people said something of, to be shown to a judge with eyes when he has changed.
pub async fn golden(making: &ProductionContext, eye: Option<&String>) -> Result<Vec<ReviewOrder>, ProduceError> {
    let Some(eye) = eye else { return Ok(Vec::new()) };
    let golden = store::opinions::golden(&making.context.db, GOLDEN).await?;
    let shown = |(mut order, _): (ReviewOrder, bool)| {
        if let Some(shown) = &mut order.shown {
            shown.eye.clone_from(eye);
        }
        order
    };
    Ok(golden.into_iter().map(shown).collect())
}

type ModelChoices = (Option<ModelChoice>, BTreeMap<studio_core::shot::VideoEngine, ModelChoice>);

fn chosen_models(making: &ProductionContext, settings: &Models) -> Result<ModelChoices, String> {
    let definitions = making.shelf.now();
    let hand = |name: &str, model: &Model| ModelChoice {
        hint: model.hint.clone(),
        pass_shift: model.pass_shift,
        alike_to: alike_to(model),
        model: name.to_owned(),
        script: settings.set.get(name).and_then(|own| own.prompt).unwrap_or(model.prompt) == PromptStyle::Script,
        from_picture: model.workflows.contains_key("i2v"),
        lora_base: model.lora_base.clone(),
    };
    let still = match &settings.stills {
        None => None,
        Some(name) => match definitions.catalogue.model(name).map_err(|why| why.to_string())? {
            model if model.makes == Makes::Stills => Some(hand(name, model)),
            model => return Err(format!("models.stills is '{name}', but {} makes no stills", model.title)),
        },
    };
    let mut clips = BTreeMap::new();
    for name in &settings.clips {
        let model = definitions.catalogue.model(name).map_err(|why| why.to_string())?;
        let Some(engine) = model.engine.filter(|_| model.makes == Makes::Clips) else {
            return Err(format!("models.clips names '{name}', but {} makes no clips", model.title));
        };
        if let Some(other) = clips.insert(engine, hand(name, model)) {
            let word = studio_core::production::engine_word(engine);
            return Err(format!("models.clips names '{}' and '{name}', which are both {word}; keep one", other.model));
        }
    }
    Ok((still, clips))
}

/// How many characters a picture may have, above one, to stay alike to a reference of each: as `t2i_ipadapter_2` says.
fn alike_to(model: &Model) -> BTreeSet<usize> {
    let many = |ability: &String| ability.strip_prefix("t2i_ipadapter_")?.parse().ok();
    model.workflows.keys().filter_map(many).filter(|many| *many > 1).collect()
}

/// The model of music; an ACE-Step server goes before it, because it leaves the pictures' card alone.
fn music(making: &ProductionContext, settings: &Models) -> Result<Option<ModelChoice>, String> {
    let Some(name) = settings.music.as_ref().filter(|_| making.config.ace_step.is_none()) else { return Ok(None) };
    let definitions = making.shelf.now();
    let model = definitions.catalogue.model(name).map_err(|why| why.to_string())?;
    if model.makes != Makes::Music {
        return Err(format!("models.music is '{name}', but {} makes no music", model.title));
    }
    Ok(Some(ModelChoice { model: name.clone(), ..ModelChoice::default() }))
}

/// LoRAs, references and what a character must not be made with.
async fn special(
    making: &ProductionContext,
    name: &str,
    character: &CharacterModels,
) -> Result<CharacterCast, ProduceError> {
    let mut references = Vec::new();
    for path in &character.references {
        let kept = intake::keep(&making.context, path, Role::Picture).await.map_err(|why| {
            ProduceError::input(format!("reference {} of {name} cannot be used: {why}", path.display()))
        })?;
        references.push(kept.asset);
    }
    if let Some(folder) = making.config.models.loras.clone() {
        let (name, loras) = (name.to_owned(), character.loras.clone());
        let fits = tokio::task::spawn_blocking(move || {
            loras.iter().try_for_each(|lora| fits(&folder, lora).map_err(|why| format!("a LoRA of {name}: {why}")))
        });
        fits.await.unwrap_or_else(|error| Err(error.to_string())).map_err(ProduceError::input)?;
    }
    let lora = |file: &LoraFile| Lora {
        file: file.file.clone(),
        base: file.base.clone(),
        strength_percent: (file.strength * 100.0).round() as u32,
        trigger: String::new(),
    };
    let never: BTreeSet<_> = character.never.iter().copied().collect();
    let confusable = character.confusable.iter().map(|one| Confusable {
        name: name.to_owned(),
        other: one.other.clone(),
        by: one.by.clone(),
    });
    Ok(CharacterCast {
        loras: character.loras.iter().map(lora).collect(),
        named: Vec::new(),
        references,
        never,
        appearance: character.looks.clone(),
        confusable: confusable.collect(),
    })
}

/// A LoRA of the library as a model is given it, its file in ComfyUI's folder, as it was kept; `None`: no model of the studio takes it.
/// `taken`: the bases whose LoRAs the models of the production take. One of another base is left out of the film, so nobody waits for
/// its file.
async fn in_place(
    making: &ProductionContext,
    lora: &KeptLora,
    taken: &BTreeSet<&str>,
) -> Result<Option<Lora>, ProduceError> {
    let Some(base) = lora.architecture.base() else { return Ok(None) };
    // Without a folder it is trusted to be where it was put before.
    if let Some(folder) = making.config.models.loras.as_deref().filter(|_| taken.contains(base)) {
        let of = lora.training_id.zip(lora.epoch);
        let placed = lora_folder::put(&making.context, folder, &lora.file, &lora.weights, of).await;
        placed.map_err(ProduceError::input)?;
    }
    Ok(Some(Lora {
        file: lora.file.clone(),
        base: base.to_owned(),
        strength_percent: lora.strength,
        trigger: lora.trigger.clone(),
    }))
}

/// Whether a LoRA was trained for what the settings say: ComfyUI leaves one that was not out without a word. A file that is not in
/// the folder is left to ComfyUI, which may have others.
fn fits(folder: &Path, lora: &LoraFile) -> Result<(), String> {
    let told = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "safetensors") && path.is_file();
    let Some(path) = loras::path_of(folder, &lora.file).filter(told) else { return Ok(()) };
    let about = match loras::read(&path) {
        Ok(about) => about,
        // Nothing is known of it, and ComfyUI may be able to read it all the same.
        Err(LoraFault::Unreadable { .. } | LoraFault::Long { .. }) => return Ok(()),
        Err(fault) => return Err(format!("{}: {fault}", lora.file)),
    };
    let Some(architecture) = about.architecture else { return Ok(()) };
    if architecture.base() == Some(&lora.base) {
        return Ok(());
    }
    let (file, said, word) = (&lora.file, &lora.base, architecture.word());
    Err(match architecture.base() {
        Some(base) => format!(
            "{file} was trained for {word}, and its base is '{said}'; write base = \"{base}\", or name another file"
        ),
        None => format!("{file} was trained for {word}, which no model of the studio is; name another file"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_nothing_would_come_of_are_refused_wherever_they_stand() {
        let definitions = Definitions::shipped();
        let refused = |model: &str, slot: &str, value: SlotValue| {
            let settings = BTreeMap::from([(slot.to_owned(), value)]);
            usable(&definitions, "here", model, &settings).err().unwrap_or_default()
        };
        assert_eq!(refused("sdxl", "cfg", SlotValue::Float(6.0)), "");
        assert_eq!(refused("sdxl", "steps", SlotValue::Int(30)), "");
        for slot in recipe::DECIDED.into_iter().chain(OF_ATTEMPTS).chain(["checkpoint"]) {
            let said = refused("sdxl", slot, SlotValue::Int(1));
            assert!(said.starts_with(&format!("here sets '{slot}', which the film or the model's entry")), "{said}");
        }
        for (model, slot, value, wanted) in [
            ("sdxl", "cgf", SlotValue::Float(6.0), "none of its workflows has; there are cfg"),
            ("sdxl", "steps", SlotValue::Float(2.5), "a whole number from 1 to 200"),
            ("sdxl", "steps", SlotValue::Int(0), "a whole number from 1 to 200"),
            ("sdlx", "cfg", SlotValue::Float(6.0), "did you mean 'sdxl'?"),
        ] {
            let said = refused(model, slot, value);
            assert!(said.contains(wanted), "{model} {slot}: {said}");
        }
    }
}
