//! Recipe: an order becomes what a workflow is bound with.

use std::collections::BTreeMap;

use crate::{
    asset::AssetRef,
    ids::ContentHash,
    ladder::Rung,
    model::{Catalogue, LoraMisfit, Makes, Model, UnknownModel},
    order::{MusicOrder, Order, Recipe},
    prompt,
    units::{Fps, Frames, SAMPLE_RATE, Samples, Seed, Size, Steps},
    workflow::{FittedSize, LengthPlan, SlotValue, Workflow, lora_slots},
};

/// Steps of a production's first take; orders of further takes have more, and a model's own steps rise by as many.
pub const FIRST_STEPS: u32 = 25;
/// Further takes relax the guidance no further than this.
const LEAST_GUIDANCE: f64 = 5.0;
/// Music models make nothing shorter, in seconds.
const LEAST_MUSIC_S: f64 = 10.0;
/// Pixels of a smaller picture, as a share.
const SMALLER: f64 = 0.56;
/// Most of the card's memory FramePack may keep free, in GiB.
const MOST_PRESERVED: f64 = 10.0;
/// GiB kept free more on that rung.
const PRESERVE_STEP: f64 = 2.0;
/// What the rules found to work on a card of 12 GB; 3.5 ran out of memory.
const PRESERVED: f64 = 6.0;

/// What is rendered, ready to be bound.
#[derive(Debug, Clone, PartialEq)]
pub struct RenderPlan {
    /// The model's name.
    pub model: String,
    /// Workflow of the first part.
    pub workflow: String,
    /// Workflow of further parts, which start from a picture.
    pub next_workflow: String,
    /// Values of slots, without pictures and the prefix.
    pub values: BTreeMap<String, SlotValue>,
    /// Pictures, by slot.
    pub uploads: Vec<Upload>,
    /// Frames of each part; one part of one frame for a still.
    pub parts: Vec<u64>,
    /// What the length rule says of each part; none for stills.
    pub lengths: Vec<LengthPlan>,
    /// Rate of the clip as made.
    pub fps: u32,
    /// Size as made.
    pub size: FittedSize,
    /// `/free` follows a failure.
    pub free_after_failure: bool,
    /// `/free` comes first.
    pub free_first: bool,
    /// What it makes.
    pub makes: Makes,
}

/// Slots whose values every order decides by itself: its prompt, seed, size, length, pictures and LoRA.
pub const DECIDED: [&str; 17] = [
    "positive",
    "negative",
    "seed",
    "width",
    "height",
    "fps",
    "length",
    "seconds",
    "bpm",
    "base_resolution",
    "lora",
    "lora_strength",
    "image",
    "reference",
    "reference_2",
    "reference_3",
    "reference_4",
];
/// Slots of the references of several characters, in order of appearance.
const REFERENCES: [&str; 4] = ["reference", "reference_2", "reference_3", "reference_4"];

/// A picture that goes up before the graph does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Which slot takes its name.
    pub slot: String,
    /// The picture, a file the studio keeps.
    pub asset: AssetRef,
}

/// Why an order cannot be rendered; as text one sentence with the remedy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody chose a model for it.
    #[error("the order names no model; draft engines make such orders")]
    NoModel,
    /// It is no work for models.
    #[error("ComfyUI makes pictures, clips and music and nothing else")]
    OtherWork,
    /// The catalogue does not know the model.
    #[error(transparent)]
    UnknownModel(#[from] UnknownModel),
    /// The model makes something else.
    #[error("{title} does not make that")]
    OtherKind {
        /// Title of the model.
        title: String,
    },
    /// A LoRA that is asked for does not fit the model.
    #[error(transparent)]
    Lora(#[from] LoraMisfit),
    /// The model begins with a picture, and the order has none.
    #[error("{title} has no workflow for {ability}: it needs a picture to start from")]
    NeedsPicture {
        /// Title of the model.
        title: String,
        /// What was asked of it, as `models.toml` names it.
        ability: String,
    },
    /// The model's entry names no workflow for what is asked.
    #[error("{title} has no workflow for {ability}: choose another model or add the workflow to models.toml")]
    NoWorkflow {
        /// Title of the model.
        title: String,
        /// What was asked of it, as `models.toml` names it.
        ability: String,
    },
    /// There is one place for a LoRA in the workflow, and several are asked for.
    #[error(
        "the workflow '{workflow}' of {title} has no place for so many LoRAs: none can be put behind '{class}'; use \
         LoraLoader there, or have fewer LoRAs used"
    )]
    OneLora {
        /// Title of the model.
        title: String,
        /// Name of the workflow.
        workflow: String,
        /// Class of the node its LoRA goes into; empty: none does.
        class: String,
    },
    /// The workflow the model names is not there.
    #[error(
        "the workflow '{workflow}' of {title} is not there; put its two files into your folder of workflows, or name \
         another one in models.toml"
    )]
    WorkflowMissing {
        /// Title of the model.
        title: String,
        /// Name of the workflow.
        workflow: String,
    },
    /// The model makes no clip of that length, and none that goes on from another.
    #[error(
        "{title} makes at most {most} frames in one go, the shot needs {wanted}: shorten it or choose another engine"
    )]
    TooLong {
        /// Title of the model.
        title: String,
        /// Frames it makes in one go.
        most: u64,
        /// Frames the shot needs.
        wanted: u64,
    },
}

impl RenderPlan {
    /// Workflow of part `part`, from 0.
    pub fn workflow_of(&self, part: usize) -> &str {
        if part == 0 { &self.workflow } else { &self.next_workflow }
    }

    /// Values of part `part`: its length, and a seed of its own so that parts do not repeat each other.
    pub fn values_of(&self, part: usize) -> BTreeMap<String, SlotValue> {
        let mut values = self.values.clone();
        if let Some(length) = self.lengths.get(part) {
            values.insert("length".into(), SlotValue::Int(length.frames as i64));
            if let Some(seconds) = length.seconds {
                values.insert("seconds".into(), SlotValue::Float(seconds));
            }
        }
        if let (1.., Some(SlotValue::Int(seed))) = (part, self.values.get("seed")) {
            values.insert("seed".into(), SlotValue::Int(seed.wrapping_add(part as i64) & ((1 << 53) - 1)));
        }
        values
    }

    /// FramePack sections of part `part`, else 1.
    pub fn sections_of(&self, part: usize) -> u32 {
        self.lengths.get(part).and_then(|length| length.sections).unwrap_or(1)
    }
}

/// What an order says, whichever kind it is.
struct Wish<'a> {
    recipe: &'a Recipe,
    /// Characters in a picture who each have a reference; 1 where that is asked of one, or of nobody.
    alike_to: usize,
    makes: Makes,
    source: Option<&'a AssetRef>,
    size: Size,
    seed: Seed,
    steps: Steps,
    /// Frames and rate of a clip.
    length: Option<(Frames, Fps)>,
    /// Length of music.
    sound: Option<Samples>,
}

fn wish(order: &Order) -> Result<Wish<'_>, Refusal> {
    Ok(match order {
        Order::Still(order) => Wish {
            recipe: order.recipe.as_ref().ok_or(Refusal::NoModel)?,
            alike_to: order.figures.len().max(1),
            makes: Makes::Stills,
            source: order.source.as_ref(),
            size: order.size,
            seed: order.seed,
            steps: order.steps,
            length: None,
            sound: None,
        },
        Order::Clip(order) => Wish {
            recipe: order.recipe.as_ref().ok_or(Refusal::NoModel)?,
            alike_to: 1,
            makes: Makes::Clips,
            source: order.source.as_ref(),
            size: order.size,
            seed: order.seed,
            steps: order.steps,
            length: Some((order.frames, order.fps)),
            sound: None,
        },
        Order::Music(order) => Wish {
            recipe: order.recipe.as_ref().ok_or(Refusal::NoModel)?,
            alike_to: 1,
            makes: Makes::Music,
            source: None,
            size: Size { width: 0, height: 0 },
            seed: order.seed,
            steps: Steps(FIRST_STEPS),
            length: None,
            sound: Some(order.at_least),
        },
        _ => return Err(Refusal::OtherWork),
    })
}

impl Wish<'_> {
    /// What is asked of the model, the most special first.
    fn abilities(&self, from_picture: bool) -> Vec<String> {
        let first = match (self.makes, from_picture) {
            (Makes::Stills, false) => "t2i",
            (Makes::Stills, true) => "i2i",
            (Makes::Clips, false) => "t2v",
            (Makes::Clips, true) => "i2v",
            (Makes::Music, _) => "t2a",
        };
        let (lora, alike) = (!self.recipe.loras.is_empty(), !self.recipe.references.is_empty());
        let mut abilities = Vec::new();
        if alike && self.alike_to > 1 {
            // Made with one reference they would all look like one of them.
            let (plain, several) = (first.to_owned(), format!("{first}_ipadapter_{}", self.alike_to));
            // Loaders of LoRAs are put into it.
            return if lora { vec![several, format!("{first}_lora")] } else { vec![several, plain] };
        }
        if lora && alike {
            abilities.push(format!("{first}_lora_ipadapter"));
        }
        if lora {
            abilities.push(format!("{first}_lora"));
        }
        if alike && !lora {
            abilities.push(format!("{first}_ipadapter"));
        }
        // A LoRA that was asked for is never left out; likeness to a reference is a wish.
        if !lora {
            abilities.push(first.to_owned());
        }
        abilities
    }
}

type Flows = BTreeMap<String, Workflow>;

fn workflow<'a>(model: &Model, flows: &'a Flows, wish: &Wish<'_>, from_picture: bool) -> Result<&'a Workflow, Refusal> {
    let abilities = wish.abilities(from_picture);
    // Likeness is a wish: where a workflow for it has no place for the LoRAs that are asked for, another one is taken.
    let alike = wish.alike_to > 1 && !wish.recipe.references.is_empty();
    let takes = |name: &str| {
        let flow = flows.get(name).filter(|_| alike);
        flow.is_none_or(|flow| flow.takes_loras(wish.recipe.loras.len()).is_ok())
    };
    let Some(name) = abilities.iter().filter_map(|ability| model.workflows.get(ability)).find(|name| takes(name))
    else {
        let (title, ability) = (model.title.clone(), abilities.last().cloned().unwrap_or_default());
        return Err(if wish.makes == Makes::Clips && !from_picture {
            Refusal::NeedsPicture { title, ability }
        } else {
            Refusal::NoWorkflow { title, ability }
        });
    };
    let missing = || Refusal::WorkflowMissing { title: model.title.clone(), workflow: name.clone() };
    flows.get(name).ok_or_else(missing)
}

/// The workflow after the rungs that exchange it: the quantised one first, then that one's tiled form.
fn exchanged<'a>(flow: &'a Workflow, flows: &'a Flows, rungs: &[Rung]) -> &'a Workflow {
    let other = |rung: Rung, name: &Option<String>| {
        name.as_ref().filter(|_| rungs.contains(&rung)).and_then(|name| flows.get(name))
    };
    let flow = other(Rung::Quantised, &flow.about.quantised).unwrap_or(flow);
    other(Rung::TiledVae, &flow.about.tiled).unwrap_or(flow)
}

/// What `order` is rendered with, after the rungs of the memory ladder.
///
/// # Errors
/// No model and no workflow of the catalogue can make it.
pub fn plan(catalogue: &Catalogue, flows: &Flows, order: &Order, rungs: &[Rung]) -> Result<RenderPlan, Refusal> {
    let wish = wish(order)?;
    let known = catalogue.model(&wish.recipe.model)?;
    let model = &Model { prompt: wish.recipe.prompt.unwrap_or(known.prompt), ..known.clone() };
    if model.makes != wish.makes {
        return Err(Refusal::OtherKind { title: model.title.clone() });
    }
    for lora in &wish.recipe.loras {
        model.lora_fits(lora)?;
    }
    let plain = workflow(model, flows, &wish, wish.source.is_some())?;
    let flow = exchanged(plain, flows, rungs);
    if let Err(class) = flow.takes_loras(wish.recipe.loras.len()) {
        return Err(Refusal::OneLora { title: model.title.clone(), workflow: flow.name.clone(), class });
    }
    let effort = model.effort(wish.recipe.quality);
    let smaller = if rungs.contains(&Rung::SmallerSize) { SMALLER } else { 1.0 };
    let share = smaller * f64::from(effort.pixels_percent.unwrap_or(100)) / 100.0;
    let size = match (&flow.about.size, model.pixels) {
        (Some(crate::workflow::SizeRule::Multiple { of, .. }), Some(pixels)) => {
            crate::workflow::SizeRule::Multiple { of: *of, pixels }.fit(wish.size, share)
        }
        (Some(rule), _) => rule.fit(wish.size, share),
        (None, _) => FittedSize { width: wish.size.width, height: wish.size.height, base_resolution: None },
    };
    let fps = flow.about.fps.unwrap_or_else(|| wish.length.map_or(1, |(_, fps)| fps.as_f64().round().max(1.0) as u32));
    let (parts, lengths) = lengths(flow, model, flows, &wish, fps, rungs)?;
    let next_workflow =
        if parts.len() > 1 { exchanged(workflow(model, flows, &wish, true)?, flows, rungs) } else { flow };
    Ok(RenderPlan {
        model: wish.recipe.model.clone(),
        workflow: flow.name.clone(),
        next_workflow: next_workflow.name.clone(),
        values: within(flow, values(order, model, &wish, &effort, size, fps, rungs)),
        uploads: uploads(&wish),
        parts,
        lengths,
        fps,
        size,
        free_after_failure: flow.about.free_after_failure,
        free_first: rungs.contains(&Rung::Free),
        makes: wish.makes,
    })
}

/// A seed as large as the workflow takes: any number is as good as another.
fn within(flow: &Workflow, mut values: BTreeMap<String, SlotValue>) -> BTreeMap<String, SlotValue> {
    let most = flow.about.slots.get("seed").and_then(|slot| slot.max).filter(|most| *most >= 0.0);
    if let (Some(most), Some(SlotValue::Int(seed))) = (most, values.get_mut("seed")) {
        *seed %= (most as i64).saturating_add(1);
    }
    values
}

/// Frames of each part: as few parts as the rule allows, two of half the length when the card was full.
fn lengths(
    flow: &Workflow,
    model: &Model,
    flows: &Flows,
    wish: &Wish<'_>,
    fps: u32,
    rungs: &[Rung],
) -> Result<(Vec<u64>, Vec<LengthPlan>), Refusal> {
    let Some((frames, film)) = wish.length else { return Ok((vec![1], Vec::new())) };
    let wanted = (frames.0 as f64 / film.as_f64() * f64::from(fps)).ceil().max(1.0) as u64;
    let Some(rule) = flow.about.length else { return Ok((vec![wanted], Vec::new())) };
    let halves = if rungs.contains(&Rung::FewerFrames) { 2 } else { 1 };
    let count = wanted.div_ceil(rule.most()).max(1) * halves;
    let chained = workflow(model, flows, wish, true).is_ok();
    if count > 1 && !chained {
        if halves == 1 {
            return Err(Refusal::TooLong { title: model.title.clone(), most: rule.most(), wanted });
        }
        let plan = rule.plan(wanted);
        return Ok((vec![plan.frames], vec![plan]));
    }
    // Each further part begins with the picture the part before ended with, which is left out of the join's gain.
    let plans: Vec<LengthPlan> = (0..count).map(|_| rule.plan(wanted.div_ceil(count))).collect();
    Ok((plans.iter().map(|plan| plan.frames).collect(), plans))
}

fn uploads(wish: &Wish<'_>) -> Vec<Upload> {
    let slot = |slot: &str, asset: &AssetRef| Upload { slot: slot.to_owned(), asset: asset.clone() };
    let source = wish.source.map(|asset| slot("image", asset));
    let references = REFERENCES.iter().zip(&wish.recipe.references).take(wish.alike_to);
    source.into_iter().chain(references.map(|(name, asset)| slot(name, asset))).collect()
}

fn values(
    order: &Order,
    model: &Model,
    wish: &Wish<'_>,
    effort: &crate::model::Effort,
    size: FittedSize,
    fps: u32,
    rungs: &[Rung],
) -> BTreeMap<String, SlotValue> {
    let mut values = model.settings.clone();
    values.extend(effort.settings.clone());
    // The cascade: what was learned goes before the project's own, and that before the model's.
    values.extend(wish.recipe.settings.clone());
    for (slot, file) in &model.files {
        values.insert(slot.clone(), SlotValue::Text(file.clone()));
    }
    let positive = match order {
        Order::Still(order) => prompt::still(order, wish.recipe, model),
        Order::Clip(order) => prompt::clip(order, wish.recipe, model),
        Order::Music(order) => prompt::music(order, model),
        _ => String::new(),
    };
    let more = i64::from(wish.steps.0) - i64::from(FIRST_STEPS);
    let own = i64::from(effort.steps.unwrap_or(model.steps));
    let steps = match wish.recipe.settings.get("steps") {
        Some(SlotValue::Int(steps)) => *steps,
        _ => own,
    };
    let steps = (steps + more).clamp(1, 200);
    let mut set = |slot: &str, value: SlotValue| drop(values.insert(slot.to_owned(), value));
    set("positive", SlotValue::Text(positive));
    set("negative", SlotValue::Text(prompt::negative(wish.recipe, model)));
    // 53 bits, as every seed of the studio: JSON keeps them exactly.
    set("seed", SlotValue::Int((wish.seed.0 & ((1 << 53) - 1)) as i64));
    set("steps", SlotValue::Int(steps));
    set("width", SlotValue::Int(i64::from(size.width)));
    set("height", SlotValue::Int(i64::from(size.height)));
    set("fps", SlotValue::Int(i64::from(fps)));
    if let Order::Music(MusicOrder { tempo_bpm: Some(bpm), .. }) = order {
        set("bpm", SlotValue::Int(i64::from(*bpm)));
    }
    if let Some(samples) = wish.sound {
        set("seconds", SlotValue::Float((samples.0 as f64 / f64::from(SAMPLE_RATE)).ceil().max(LEAST_MUSIC_S)));
    }
    if let Some(base) = size.base_resolution {
        set("base_resolution", SlotValue::Int(i64::from(base)));
    }
    for (nth, lora) in (1..).zip(&wish.recipe.loras) {
        let (file, strength) = lora_slots(nth);
        set(&file, SlotValue::Text(lora.file.clone()));
        set(&strength, SlotValue::Float(f64::from(lora.strength_percent) / 100.0));
    }
    for slot in ["cfg", "guidance"] {
        if let Some(value) = values.get_mut(slot) {
            *value = relaxed(value, wish.recipe.retake);
        }
    }
    if rungs.contains(&Rung::PreserveMore) {
        let now = match values.get("preserve_gib") {
            Some(SlotValue::Float(gib)) => *gib,
            Some(SlotValue::Int(gib)) => *gib as f64,
            _ => PRESERVED,
        };
        values.insert("preserve_gib".into(), SlotValue::Float((now + PRESERVE_STEP).min(MOST_PRESERVED)));
    }
    values
}

/// Guidance of a further take: one less with each, but not below [`LEAST_GUIDANCE`]; what is below already stays.
fn relaxed(value: &SlotValue, retake: u32) -> SlotValue {
    let less = |guidance: f64| (guidance - f64::from(retake)).max(guidance.min(LEAST_GUIDANCE));
    match value {
        SlotValue::Float(guidance) => SlotValue::Float(less(*guidance)),
        SlotValue::Int(guidance) => SlotValue::Int(less(*guidance as f64) as i64),
        other => other.clone(),
    }
}

/// Digits of a print that are told in versions.
const PRINT: usize = 12;

/// The model of an order and everything about it that decides the result, as `MODEL/PRINT`: the print is of its entry
/// in the catalogue and of the workflow it is made with. `None` for an order without a recipe.
///
/// It is part of the key of everything models make, so its text is written out here and never changes by itself.
pub fn version(catalogue: &Catalogue, flows: &Flows, order: &Order) -> Option<String> {
    let recipe = order.recipe()?;
    let about = catalogue.models.get(&recipe.model).map_or_else(|| "null".to_owned(), |model| model.identity(flows));
    let flow = plan(catalogue, flows, order, &[]).ok().and_then(|plan| flows.get(&plan.workflow));
    let flow = flow.map_or_else(|| "None".to_owned(), |flow| format!("Some({})", flow.fingerprint()));
    let print = ContentHash::of(format!("{about}\n{flow}").as_bytes()).to_string();
    Some(format!("{}/{}", recipe.model, &print[..PRINT]))
}

/// The rungs that would change something for `order`; another model is the caller's to find.
pub fn possible(catalogue: &Catalogue, flows: &Flows, order: &Order) -> Vec<Rung> {
    let Ok(plain) = plan(catalogue, flows, order, &[]) else { return Vec::new() };
    let Some(flow) = flows.get(&plain.workflow) else { return Vec::new() };
    let changes = |rung: &Rung| match rung {
        Rung::Free | Rung::OtherEngine => true,
        Rung::TiledVae => flow.about.tiled.as_ref().is_some_and(|name| flows.contains_key(name)),
        Rung::Quantised => flow.about.quantised.as_ref().is_some_and(|name| flows.contains_key(name)),
        Rung::PreserveMore => flow.about.slots.contains_key("preserve_gib"),
        // Those of training programs.
        Rung::EightBitBase | Rung::LeanOptimiser | Rung::LowerRank | Rung::SmallestSize => false,
        Rung::FewerFrames | Rung::SmallerSize => plan(catalogue, flows, order, &[*rung]).is_ok_and(|other| {
            (&other.parts, other.size) != (&plain.parts, plain.size)
                && (*rung != Rung::FewerFrames || other.parts.iter().max() < plain.parts.iter().max())
        }),
    };
    Rung::ORDER.into_iter().filter(changes).collect()
}
