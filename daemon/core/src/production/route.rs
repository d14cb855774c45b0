//! Route: which engine and which model make a shot.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use super::Production;
use crate::{
    asset::AssetRef,
    character::{Appearance, by_name, same_name},
    learning::Learned,
    location,
    model::{Lora, PromptStyle, Quality},
    order::Recipe,
    review::{Confusable, Species, negatives, shipped},
    shot::{ShotPlan, ShotType, VideoEngine},
    workflow::SlotValue,
};

/// Models this studio has, and who among the characters wants what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ModelCast {
    /// The engine that has the models, e.g. `comfy`.
    pub engine: String,
    /// What makes first pictures; `None` leaves them to the draft.
    pub still: Option<ModelChoice>,
    /// What makes clips, by the name a script asks for it.
    pub clips: BTreeMap<VideoEngine, ModelChoice>,
    /// What makes music; `None` leaves it to the engine of music.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music: Option<ModelChoice>,
    /// How much effort.
    pub quality: Quality,
    /// Words before every prompt.
    pub style: String,
    /// What is special about characters, by name in lower case.
    pub characters: BTreeMap<String, CharacterCast>,
    /// What people said of places, by name in lower case.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub places: BTreeMap<String, location::Sheet>,
    /// Shots after which a chain begins anew from a picture of its own, so that it does not drift; 0: never.
    #[serde(default, skip_serializing_if = "is_none")]
    pub chain_links: u32,
    /// Species of the user's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub species: Vec<Species>,
    /// What was learned when the production began.
    #[serde(default, skip_serializing_if = "Learned::is_empty")]
    pub learned: Learned,
    /// What every prompt avoids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub avoid: Vec<String>,
    /// LoRAs that every picture is made with, whoever is in it: the film's style.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loras: Vec<Lora>,
    /// LoRAs that pictures are made with that ask for them, whoever is in them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<NamedLora>,
    /// The project's own way with models, by model.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub styles: BTreeMap<String, ModelStyle>,
    /// Slots the user's own file of models gives values, by model: nothing that was learned goes before those.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub stated: BTreeMap<String, BTreeSet<String>>,
}

/// A project's own way with a model, before the catalogue's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ModelStyle {
    /// How its prompts are written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prompt: Option<PromptStyle>,
    /// Values of slots: `steps`, `cfg`, `sampler`, ...
    #[serde(flatten)]
    pub settings: BTreeMap<String, SlotValue>,
}

/// A model that makes something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelChoice {
    /// Its name in the catalogue.
    pub model: String,
    /// Its clips start from a picture; otherwise from words alone.
    pub from_picture: bool,
    /// Architecture of the LoRAs it takes.
    pub lora_base: Option<String>,
    /// How its pictures look, for the judge.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub hint: String,
    /// Its clips are told the script itself.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub script: bool,
    /// Added to every pass mark, in percent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pass_shift: i32,
    /// How many characters there may be in a picture, above one, for it to stay alike to a reference of each: it has a
    /// workflow for just so many.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub alike_to: BTreeSet<usize>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_none(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// What is special about a character.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CharacterCast {
    /// LoRAs that always make the character, at most one per architecture.
    pub loras: Vec<Lora>,
    /// LoRAs that make the character where the screenplay asks for them, as in another outfit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub named: Vec<NamedLora>,
    /// Pictures to stay alike to.
    pub references: Vec<AssetRef>,
    /// Engines that must not make clips with this character.
    pub never: BTreeSet<VideoEngine>,
    /// How they look in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appearance: Option<Appearance>,
    /// Who they are easily taken for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confusable: Vec<Confusable>,
}

/// A LoRA that pictures are made with where the screenplay asks for it by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedLora {
    /// What it is asked for by.
    pub name: String,
    /// The character's own ones are left out then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub instead: bool,
    /// The LoRA itself.
    pub lora: Lora,
}

/// Who makes a shot's clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Name of the engine's seat.
    pub engine: String,
    /// Name a script would ask for it by.
    pub video: VideoEngine,
    /// The model; `None` for the draft.
    pub model: Option<String>,
    /// The clip starts from a picture.
    pub from_picture: bool,
    /// Why, when somebody would wonder; `None` for the draft that nothing else competes with.
    pub reason: Option<RouteReason>,
}

/// Why an engine makes a shot's clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct RouteReason {
    /// What the script asks for and is not configured here.
    pub missing: Option<VideoEngine>,
    /// Who makes it; `None`: whatever is configured as the draft.
    pub by: Option<VideoEngine>,
    /// Name of the engine that makes it.
    pub engine: String,
    /// By which rule.
    pub rule: RouteRule,
}

/// The rule by which an engine makes a shot's clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum RouteRule {
    /// The script asks for it.
    Asked,
    /// It stands in, because no other engine is configured.
    StandsIn,
    /// It is an establishing shot.
    Establishing,
    /// Nobody is in the picture.
    Nobody,
    /// Its character has a LoRA.
    Lora,
    /// There is one character, and a picture to begin from.
    OneCharacter,
    /// There are several characters.
    SeveralCharacters,
}

/// Where the value of a setting comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SettingOrigin {
    /// Name of the setting, e.g. `steps`.
    pub setting: String,
    /// Its value, as it is written in the settings.
    pub value: String,
    /// Good takes that taught it; `None`: a person set it.
    pub takes: Option<usize>,
}

impl fmt::Display for SettingOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, value, takes } = self;
        match takes {
            Some(takes) => write!(f, "{setting} {value} as {takes} good takes taught"),
            None => write!(f, "{setting} {value} as you set it"),
        }
    }
}

impl fmt::Display for RouteReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(missing) = self.missing {
            write!(f, "the script asks for {}, which is not configured here: ", word(missing))?;
        }
        let why = match self.rule {
            RouteRule::StandsIn => return write!(f, "{} stands in", self.engine),
            RouteRule::Asked => "the script asks for it",
            RouteRule::Establishing => "an establishing shot",
            RouteRule::Nobody => "nobody is in the picture",
            RouteRule::Lora => "its character has a LoRA",
            RouteRule::OneCharacter => "one character, from a picture",
            RouteRule::SeveralCharacters => "several characters",
        };
        match self.by {
            Some(video) => write!(f, "{} makes it: {why}", word(video)),
            None => write!(f, "the draft makes it: {why}, and no engine for that is configured or allowed"),
        }
    }
}

/// Preferred engines for what a shot shows, best first.
fn preferred(plan: &ShotPlan, lora: bool) -> (&'static [VideoEngine], RouteRule) {
    use VideoEngine::{Framepack, FramepackF1, Ltx, Wan};
    if plan.shot_type == ShotType::Establishing {
        return (&[Wan, Ltx, Framepack, FramepackF1], RouteRule::Establishing);
    }
    match plan.characters.len() {
        0 => (&[Wan, Ltx, Framepack, FramepackF1], RouteRule::Nobody),
        1 if lora => (&[Ltx, Wan, Framepack, FramepackF1], RouteRule::Lora),
        1 => (&[Framepack, FramepackF1, Ltx, Wan], RouteRule::OneCharacter),
        _ => (&[Wan, Ltx, Framepack, FramepackF1], RouteRule::SeveralCharacters),
    }
}

/// The word a script uses.
pub fn word(engine: VideoEngine) -> &'static str {
    match engine {
        VideoEngine::Draft => "draft",
        VideoEngine::Framepack => "framepack",
        VideoEngine::FramepackF1 => "framepack_f1",
        VideoEngine::Ltx => "ltx",
        VideoEngine::Wan => "wan",
    }
}

impl ModelCast {
    /// What is special about somebody.
    pub fn character(&self, name: &str) -> Option<&CharacterCast> {
        by_name(&self.characters, name)
    }

    /// What a model is told of these characters in a place, whatever the film's style and its screenplay ask for. A still of several
    /// people gets no LoRA: one person's would change them all; and a reference of each, in order, where the model can be given just so many and everybody
    /// has one. Where nobody is in the picture it stays alike to the place.
    pub fn recipe(&self, hand: &ModelChoice, names: &[String], place: Option<&str>, alike: bool) -> Recipe {
        let place = place.and_then(|place| by_name(&self.places, place));
        let references = match (names.len(), place) {
            (0, Some(place)) => place.references.clone(),
            (1, _) => self.character(&names[0]).map_or_else(Vec::new, |one| one.references.clone()),
            (many, _) if hand.alike_to.contains(&many) => {
                // Whose is whose is known by the order alone.
                let first = |name: &String| self.character(name)?.references.first().cloned();
                names.iter().map(first).collect::<Option<_>>().unwrap_or_default()
            }
            _ => Vec::new(),
        };
        let mut avoid = self.avoid(names);
        avoid.extend(place.into_iter().flat_map(|place| place.avoid.clone()));
        Recipe {
            model: hand.model.clone(),
            quality: self.quality,
            loras: self.loras(names, &[], hand.lora_base.as_deref()),
            references: if alike { references } else { Vec::new() },
            style: self.style.clone(),
            place: place.map_or_else(String::new, |place| place.design.clone()),
            issues: Vec::new(),
            retake: 0,
            avoid,
            settings: self.settings(&hand.model, names),
            prompt: self.styles.get(&hand.model).and_then(|style| style.prompt),
        }
    }

    /// What pictures of these characters must not show.
    fn avoid(&self, names: &[String]) -> Vec<String> {
        let known = shipped();
        let looks = names.iter().filter_map(|name| self.character(name)?.appearance.as_ref());
        let mut avoid: Vec<String> = looks.flat_map(|looks| negatives(looks, &self.species, &known)).collect();
        avoid.extend(names.iter().filter_map(|name| by_name(&self.learned.avoid, name)).flatten().cloned());
        avoid.extend(self.avoid.iter().cloned());
        avoid
    }

    /// Values of slots that go before the catalogue's: what a person set, in the settings or a project's style, else what
    /// was learned where their own file of models says nothing.
    fn settings(&self, model: &str, names: &[String]) -> BTreeMap<String, SlotValue> {
        let mut settings = self.taught(model, names).map(|(settings, _)| settings).unwrap_or_default();
        settings.extend(self.set(model).clone());
        settings
    }

    fn set(&self, model: &str) -> &BTreeMap<String, SlotValue> {
        static NOTHING: BTreeMap<String, SlotValue> = BTreeMap::new();
        self.styles.get(model).map_or(&NOTHING, |style| &style.settings)
    }

    /// What was learned and counts, with the takes it stands on.
    fn taught(&self, model: &str, names: &[String]) -> Option<(BTreeMap<String, SlotValue>, usize)> {
        let found = self.learned.of(model, names)?;
        let stated = |slot: &String| self.stated.get(model).is_some_and(|stated| stated.contains(slot));
        let settings = found.settings.clone().into_iter().filter(|(slot, _)| !stated(slot)).collect();
        Some((settings, found.takes))
    }

    /// Where the values come from that a model is given instead of the catalogue's; empty: nowhere.
    pub fn origins(&self, model: &str, names: &[String]) -> Vec<SettingOrigin> {
        let origin = |setting: String, value: String, takes| SettingOrigin { setting, value, takes };
        let set = self.set(model).iter().map(|(slot, value)| origin(slot.clone(), value.to_string(), None));
        let taught = self
            .taught(model, names)
            .into_iter()
            .flat_map(|(settings, takes)| settings.into_iter().map(move |(slot, value)| (slot, value, takes)));
        let taught = taught.filter(|(slot, ..)| !self.set(model).contains_key(slot));
        let taught = taught.map(|(slot, value, takes)| origin(slot, value.to_string(), Some(takes)));
        set.chain(taught).collect()
    }
}

impl Production {
    /// Who makes the clip of a shot. What the script asks for wins; then the rules; at last the draft.
    pub fn route(&self, scene: u32, shot: u32) -> Route {
        let draft = |reason: Option<RouteReason>| Route {
            engine: self.cast.clips.clone(),
            video: VideoEngine::Draft,
            model: None,
            from_picture: true,
            reason,
        };
        let Some(plan) = self.shot(scene, shot).map(|shot| &shot.plan) else { return draft(None) };
        if let Some(engine) = plan.engine.and_then(|wanted| self.cast.named.get(&wanted)) {
            return Route { engine: engine.clone(), ..draft(None) };
        }
        let hands = self.cast.models.as_ref().filter(|models| !models.clips.is_empty());
        let by_draft = |missing: Option<VideoEngine>, rule: RouteRule| {
            draft(Some(RouteReason { missing, by: None, engine: self.cast.clips.clone(), rule }))
        };
        let Some(models) = hands else {
            return match plan.engine {
                Some(_) => by_draft(plan.engine, RouteRule::StandsIn),
                None => draft(None),
            };
        };
        let by = |video: VideoEngine, hand: &ModelChoice, missing: Option<VideoEngine>, rule: RouteRule| Route {
            engine: models.engine.clone(),
            video,
            model: Some(hand.model.clone()),
            from_picture: hand.from_picture,
            reason: Some(RouteReason { missing, by: Some(video), engine: models.engine.clone(), rule }),
        };
        if let Some((wanted, hand)) = plan.engine.and_then(|wanted| Some((wanted, models.clips.get(&wanted)?))) {
            return by(wanted, hand, None, RouteRule::Asked);
        }
        let ltx = models.clips.get(&VideoEngine::Ltx).and_then(|hand| hand.lora_base.as_deref());
        let lora = !models.loras(&plan.characters, &plan.loras, ltx).is_empty();
        let (order, rule) = preferred(plan, lora);
        let never = |video: &VideoEngine| {
            let mut cast = plan.characters.iter().filter_map(|name| models.character(name));
            cast.any(|one| one.never.contains(video))
        };
        let chosen =
            order.iter().filter(|video| !never(video)).find_map(|video| Some((*video, models.clips.get(video)?)));
        match chosen {
            Some((video, hand)) => by(video, hand, plan.engine, rule),
            None => by_draft(plan.engine, rule),
        }
    }

    /// Whether a scene plays nowhere and only black is to be seen.
    pub fn is_black(&self, scene: u32) -> bool {
        self.scene(scene).is_some_and(|scene| scene.look.is_black())
    }

    /// Who makes the first pictures of a scene's shots: engine and, unless it is the draft, the model. No model can be
    /// asked for nothing, so the draft draws what is black.
    pub fn still_route_of(&self, scene: u32) -> (&str, Option<&ModelChoice>) {
        if self.is_black(scene) { (&self.cast.stills, None) } else { self.still_route() }
    }

    /// Who makes first pictures: engine and, unless it is the draft, the model.
    pub fn still_route(&self) -> (&str, Option<&ModelChoice>) {
        match self.cast.models.as_ref().and_then(|models| Some((&models.engine, models.still.as_ref()?))) {
            Some((engine, hand)) => (engine, Some(hand)),
            None => (&self.cast.stills, None),
        }
    }

    /// Who makes music: engine and, when it has models, the model.
    pub fn music_route(&self) -> (&str, Option<&ModelChoice>) {
        match self.cast.models.as_ref().and_then(|models| Some((&models.engine, models.music.as_ref()?))) {
            Some((engine, hand)) => (engine, Some(hand)),
            None => (&self.cast.music, None),
        }
    }

    /// The shot starts from the last picture of the one before it. The script may ask for it or forbid it; else it
    /// does when the same character is in both and a model, which keeps a likeness, makes it from a picture.
    pub fn continues(&self, scene: u32, shot: u32) -> bool {
        let links = self.cast.models.as_ref().map_or(0, |models| models.chain_links);
        if links == 0 || !self.would_continue(scene, shot) {
            return self.would_continue(scene, shot);
        }
        // Where one chain ends decides where the next does, so they are counted from the last shot that begins one
        // whatever was before; it does itself.
        let first = (1..shot).rev().find(|shot| !self.would_continue(scene, *shot)).unwrap_or(1);
        let (mut goes_on, mut length) = (false, 0);
        for shot in first..=shot {
            let asked = self.shot(scene, shot).is_some_and(|shot| shot.plan.continues);
            goes_on = self.would_continue(scene, shot) && (asked || length < links);
            length = if goes_on { length + 1 } else { 1 };
        }
        goes_on
    }

    /// The same, however long the chain gets.
    fn would_continue(&self, scene: u32, shot: u32) -> bool {
        let Some(plan) = self.shot(scene, shot).map(|shot| &shot.plan) else { return false };
        if shot < 2 || plan.own_still {
            return false;
        }
        if plan.continues {
            return true;
        }
        let route = self.route(scene, shot);
        let Some(before) = self.shot(scene, shot - 1).map(|shot| &shot.plan) else { return false };
        let same = |name: &String| before.characters.iter().any(|other| same_name(other, name));
        route.model.is_some() && route.from_picture && plan.characters.iter().any(same)
    }

    /// The clip of a shot starts from words alone, so no picture is made for it.
    pub fn from_words(&self, scene: u32, shot: u32) -> bool {
        !self.route(scene, shot).from_picture
    }
}
