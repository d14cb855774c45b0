//! Trainers as data: `trainers/NAME.toml` says how a program that trains LoRAs is called, what can be set in it, and what it writes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{lines::Patterns, progress::Counting};
use crate::{
    ids::ContentHash,
    ladder::{self, Rung},
    lora::Architecture,
    nearest::nearest,
    order::TrainOrder,
    workflow::SlotValue,
};

/// Slots every trainer has: the studio reckons with them.
pub const NEEDED_SLOTS: [&str; 4] = ["epochs", "resolution", "batch", "seed"];
/// Epochs a run may have, at most.
pub const MOST_EPOCHS: u32 = 200;

/// A trainer, as its file describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trainer {
    /// What people call it.
    pub title: String,
    /// The address where it is to be had.
    pub home: String,
    /// The workflow a ComfyUI trains with, instead of a program; slots of the two have the same names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// How the file is written that names the pictures; a program has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<Layout>,
    /// How it counts epochs after it was resumed.
    #[serde(default)]
    pub counting: Counting,
    /// Template of the folder it runs in.
    #[serde(default)]
    pub directory: String,
    /// Templates of the program and its arguments.
    #[serde(default)]
    pub command: Vec<String>,
    /// Commands that come first, once for a set of pictures.
    #[serde(default)]
    pub before: Vec<Vec<String>>,
    /// Arguments that are added where a whole state is there.
    #[serde(default)]
    pub resume: Vec<String>,
    /// Arguments that are added where only weights are there.
    #[serde(default)]
    pub continue_from: Vec<String>,
    /// Variables of its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// What must be on the machine, by name; names are placeholders.
    #[serde(default)]
    pub needs: BTreeMap<String, Need>,
    /// What it can train.
    pub architectures: BTreeMap<Architecture, Trains>,
    /// What can be set, by name.
    pub slots: BTreeMap<String, TrainerSlot>,
    /// What its lines look like.
    pub lines: Patterns,
    /// What it can do when the card is full.
    #[serde(default)]
    pub relief: Vec<Relief>,
    /// Files it leaves; a program has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaves: Option<Leaves>,
}

/// Files that name the pictures of a training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layout {
    /// As kohya's sd-scripts read it.
    Kohya,
    /// As musubi-tuner reads it.
    Musubi,
}

/// Something that must be on the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Need {
    /// What it must be.
    pub kind: NeedKind,
    /// What people call it.
    pub title: String,
    /// How to get it, in one sentence.
    pub get: String,
    /// Files that must be in it, relative to the folder.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub has: Vec<String>,
    /// Template of where it is when the settings do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// It is looked for only where an architecture asks for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_when_asked: bool,
}

/// Kinds of what must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NeedKind {
    /// A program that can be run: a path, or a name on the path.
    Program,
    /// A folder with some files in it.
    Folder,
    /// A file that can be read.
    File,
}

/// How one architecture is trained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trains {
    /// The script, which is the placeholder `{script}`.
    #[serde(default)]
    pub script: String,
    /// Arguments that are added.
    #[serde(default)]
    pub flags: Vec<String>,
    /// Memory of the card it takes with usual values, in MiB.
    pub vram_mib: u64,
    /// A first guess of the milliseconds of a step, on a card with 12 GB.
    pub ms_per_step: u64,
    /// Names of further needs.
    #[serde(default)]
    pub needs: Vec<String>,
    /// Captions are read once for the whole run, so their parts cannot be shuffled.
    #[serde(default)]
    pub captions_are_cached: bool,
    /// Pictures are brought to sides that are multiples of this, in pixels.
    pub side_steps: u32,
}

/// Something that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerSlot {
    /// What people call it.
    pub title: String,
    /// What it is counted in; empty for what has no unit.
    #[serde(default)]
    pub unit: String,
    /// Template of its arguments, with `{value}`, divided at blanks; of a switch, the arguments it adds when it is on. Empty where
    /// the file of the pictures or another template says it.
    #[serde(default)]
    pub flag: String,
    /// The least number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<f64>,
    /// The greatest number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<f64>,
    /// Words it may be; empty: any, or no words.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Arguments that are added when it is such a word.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, Vec<String>>,
    /// What it is when nobody says, by architecture. Where nothing stands the slot does not exist.
    pub usual: BTreeMap<Architecture, SlotValue>,
    /// Forms show it only to those who ask.
    #[serde(default)]
    pub advanced: bool,
}

/// Something to do differently when the card is full.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relief {
    /// What it is for the studio.
    pub rung: Rung,
    /// Values of slots; a number is only ever made smaller.
    #[serde(default)]
    pub set: BTreeMap<String, SlotValue>,
    /// Arguments that are added.
    #[serde(default)]
    pub flags: Vec<String>,
    /// It cannot be begun in the middle of a run: no state goes on with it.
    #[serde(default)]
    pub only_first: bool,
    /// Architectures it is for; empty: all.
    #[serde(default)]
    pub architectures: Vec<Architecture>,
}

/// Templates of the files a trainer leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Leaves {
    /// The LoRA after an epoch.
    pub epoch: String,
    /// The LoRA after the last one.
    pub last: String,
    /// Folder of the state after an epoch.
    pub state: String,
    /// Folder of the state after the last one.
    pub last_state: String,
    /// The file in it that is written last.
    pub whole: String,
}

impl TrainerSlot {
    /// A value as this slot takes it, or what is wrong with it.
    fn checked(&self, name: &str, usual: &SlotValue, value: &SlotValue) -> Result<SlotValue, String> {
        let value = match (usual, value) {
            (SlotValue::Float(_), SlotValue::Int(number)) => SlotValue::Float(*number as f64),
            _ => value.clone(),
        };
        if std::mem::discriminant(usual) != std::mem::discriminant(&value) {
            return Err(format!("{name} is {}, not '{value}'", kind_of(usual)));
        }
        if let Some(number) = number_of(&value) {
            let within = self.min.is_none_or(|min| number >= min) && self.max.is_none_or(|max| number <= max);
            if !number.is_finite() || !within {
                let end = |end: Option<f64>, none: &str| end.map_or_else(|| none.to_owned(), |end| end.to_string());
                let unit = if self.unit.is_empty() { String::new() } else { format!(" ({})", self.unit) };
                let (min, max) = (end(self.min, "any number"), end(self.max, "any number"));
                return Err(format!("{name} is {value}; it can be from {min} to {max}{unit}"));
            }
        }
        if let SlotValue::Text(word) = &value
            && !self.values.is_empty()
            && !self.values.contains(word)
        {
            let meant = nearest(word, self.values.iter().map(String::as_str));
            let meant = meant.map(|meant| format!("; did you mean '{meant}'?")).unwrap_or_default();
            return Err(format!("{name} is '{word}'; it can be {}{meant}", self.values.join(", ")));
        }
        Ok(value)
    }

    /// What is wrong with it.
    fn faults(&self, name: &str, trained: &BTreeMap<Architecture, Trains>) -> Vec<String> {
        let mut faults = Vec::new();
        if self.min.zip(self.max).is_some_and(|(min, max)| min > max) {
            faults.push(format!("slots.{name}: min is above max"));
        }
        let first = self.usual.values().next();
        for (architecture, usual) in &self.usual {
            let word = architecture.word();
            if !trained.contains_key(architecture) {
                faults.push(format!("slots.{name}.usual.{word}: there is no [architectures.{word}]"));
            }
            if let Err(why) = self.checked(name, first.unwrap_or(usual), usual) {
                faults.push(format!("slots.{name}.usual.{word}: {why}"));
            }
        }
        if self.usual.is_empty() {
            faults.push(format!("slots.{name}: usual is empty; give a value for an architecture"));
        }
        let is_switch = matches!(first, Some(SlotValue::Bool(_)));
        if !is_switch && !self.flag.is_empty() && !self.flag.contains("{value}") {
            faults.push(format!("slots.{name}.flag has no {{value}}"));
        }
        faults.extend(
            self.with
                .keys()
                .filter(|word| !self.values.contains(*word))
                .map(|word| format!("slots.{name}.with.{word}: '{word}' is not among its values")),
        );
        faults
    }
}

fn number_of(value: &SlotValue) -> Option<f64> {
    match value {
        SlotValue::Int(number) => Some(*number as f64),
        SlotValue::Float(number) => Some(*number),
        SlotValue::Bool(_) | SlotValue::Text(_) => None,
    }
}

fn kind_of(value: &SlotValue) -> &'static str {
    match value {
        SlotValue::Bool(_) => "true or false",
        SlotValue::Int(_) => "a whole number",
        SlotValue::Float(_) => "a number",
        SlotValue::Text(_) => "a word",
    }
}

impl Trainer {
    /// What is wrong with the description, templates aside: one sentence each, the key first.
    pub(super) fn faults(&self) -> Vec<String> {
        let mut faults = self.lines.faults(self.workflow.is_none());
        for slot in NEEDED_SLOTS {
            match self.slots.get(slot) {
                None => faults.push(format!("slots.{slot} is missing; every trainer has {}", NEEDED_SLOTS.join(", "))),
                Some(about) => faults.extend(self.architectures.keys().filter_map(|architecture| {
                    let word = architecture.word();
                    match about.usual.get(architecture) {
                        Some(SlotValue::Int(_)) => None,
                        _ => Some(format!("slots.{slot}.usual.{word} must be a whole number")),
                    }
                })),
            }
        }
        faults.extend(self.slots.iter().flat_map(|(name, slot)| slot.faults(name, &self.architectures)));
        if self.architectures.is_empty() {
            faults.push("architectures is empty; name what it can train".into());
        }
        for (architecture, trains) in &self.architectures {
            let word = architecture.word();
            let unknown = trains.needs.iter().filter(|need| !self.needs.contains_key(*need));
            faults.extend(unknown.map(|need| format!("architectures.{word}.needs: there is no [needs.{need}]")));
            if trains.vram_mib == 0 || trains.side_steps == 0 {
                faults.push(format!("architectures.{word}: vram_mib and side_steps must be above 0"));
            }
        }
        faults.extend(self.relief.iter().flat_map(|relief| self.faults_of_relief(relief)));
        match self.workflow {
            Some(_) => faults.extend(self.beside_a_workflow().into_iter().map(|key| {
                format!("{key} is for programs; with a workflow, slots say everything: take {key} out, or workflow")
            })),
            None => faults.extend(self.faults_of_a_program()),
        }
        faults
    }

    fn faults_of_a_program(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.command.is_empty() || self.before.iter().any(Vec::is_empty) {
            faults.push("command is empty; the program comes first, then its arguments".into());
        }
        if self.layout.is_none() {
            faults.push("layout is missing; it is kohya or musubi".into());
        }
        if self.leaves.is_none() {
            faults.push("leaves is missing; it says which files the program leaves".into());
        }
        faults
    }

    /// Keys that are said beside a workflow and mean nothing there.
    fn beside_a_workflow(&self) -> Vec<String> {
        let said = [
            ("command", !self.command.is_empty()),
            ("before", !self.before.is_empty()),
            ("directory", !self.directory.is_empty()),
            ("resume", !self.resume.is_empty()),
            ("continue_from", !self.continue_from.is_empty()),
            ("environment", !self.environment.is_empty()),
            ("needs", !self.needs.is_empty()),
            ("layout", self.layout.is_some()),
            ("leaves", self.leaves.is_some()),
        ];
        let mut keys: Vec<String> =
            said.into_iter().filter(|(_, is_said)| *is_said).map(|(key, _)| key.to_owned()).collect();
        for (architecture, trains) in &self.architectures {
            let word = architecture.word();
            keys.extend((!trains.script.is_empty()).then(|| format!("architectures.{word}.script")));
            keys.extend((!trains.flags.is_empty()).then(|| format!("architectures.{word}.flags")));
        }
        for (name, slot) in &self.slots {
            keys.extend((!slot.flag.is_empty()).then(|| format!("slots.{name}.flag")));
            keys.extend((!slot.with.is_empty()).then(|| format!("slots.{name}.with")));
        }
        keys.extend(
            self.relief.iter().filter(|one| !one.flags.is_empty()).map(|one| format!("relief '{}'.flags", one.rung)),
        );
        keys
    }

    fn faults_of_relief(&self, relief: &Relief) -> Vec<String> {
        let mut faults = Vec::new();
        let key = format!("relief '{}'", relief.rung);
        for (name, value) in &relief.set {
            let Some(slot) = self.slots.get(name) else {
                faults.push(format!("{key}: there is no slot '{name}'"));
                continue;
            };
            let usual = slot.usual.values().next().unwrap_or(value);
            faults.extend(slot.checked(name, usual, value).err().map(|why| format!("{key}: {why}")));
        }
        let unknown = relief.architectures.iter().filter(|one| !self.architectures.contains_key(*one));
        faults.extend(unknown.map(|one| format!("{key}: it cannot train {}", one.word())));
        if relief.set.is_empty() && relief.flags.is_empty() {
            faults.push(format!("{key}: neither set nor flags say what is done differently"));
        }
        faults
    }

    /// Hash of everything that decides what it makes; part of keys.
    pub fn print(&self) -> ContentHash {
        ContentHash::of(serde_json::to_string(self).expect("a description is plain data").as_bytes())
    }

    /// Slots that exist for an architecture, with their usual values.
    pub fn slots_of(&self, architecture: Architecture) -> impl Iterator<Item = (&String, &TrainerSlot, &SlotValue)> {
        self.slots.iter().filter_map(move |(name, slot)| Some((name, slot, slot.usual.get(&architecture)?)))
    }

    /// Values for a run: what somebody chose, and what is usual for the rest.
    ///
    /// # Errors
    /// It cannot train that, a slot does not exist, or a value does not fit: one sentence.
    pub fn settings(
        &self,
        architecture: Architecture,
        chosen: &BTreeMap<String, SlotValue>,
    ) -> Result<BTreeMap<String, SlotValue>, String> {
        if !self.architectures.contains_key(&architecture) {
            let known: Vec<&str> = self.architectures.keys().map(|one| one.word()).collect();
            return Err(format!("{} cannot train {}; it trains {}", self.title, architecture.word(), known.join(", ")));
        }
        let slots: BTreeMap<&str, (&TrainerSlot, &SlotValue)> =
            self.slots_of(architecture).map(|(name, slot, usual)| (name.as_str(), (slot, usual))).collect();
        let mut settings: BTreeMap<String, SlotValue> =
            slots.iter().map(|(name, (_, usual))| ((*name).to_owned(), (*usual).clone())).collect();
        for (name, value) in chosen {
            let Some((slot, usual)) = slots.get(name.as_str()) else {
                let meant = nearest(name, slots.keys().copied());
                let meant = meant.map_or_else(
                    || format!("it has {}", slots.keys().copied().collect::<Vec<_>>().join(", ")),
                    |meant| format!("did you mean '{meant}'?"),
                );
                return Err(format!("{} has no '{name}' for {}; {meant}", self.title, architecture.word()));
            };
            settings.insert(name.clone(), slot.checked(name, usual, value)?);
        }
        Ok(settings)
    }

    /// What can still be done differently for an order when the card is full.
    pub fn possible(&self, order: &TrainOrder) -> Vec<Rung> {
        let begun = order.after > 0;
        let useful = |relief: &&Relief| {
            let before = self.settings_under(order, &order.relief);
            let tried: Vec<Rung> = order.relief.iter().copied().chain([relief.rung]).collect();
            !relief.flags.is_empty() || self.settings_under(order, &tried) != before
        };
        let fits = |relief: &&Relief| {
            relief.is_for(order.architecture) && !order.relief.contains(&relief.rung) && !(begun && relief.only_first)
        };
        let rungs: BTreeSet<Rung> = self.relief.iter().filter(fits).filter(useful).map(|one| one.rung).collect();
        Rung::ORDER.into_iter().filter(|rung| rungs.contains(rung)).collect()
    }

    /// The next thing to do differently; `None`: everything was tried.
    pub fn next_relief(&self, order: &TrainOrder) -> Option<Rung> {
        ladder::next(&order.relief, &self.possible(order))
    }

    /// What is done differently under some rungs, in the order they are tried.
    pub(super) fn relief_of(&self, architecture: Architecture, rungs: &[Rung]) -> Vec<&Relief> {
        let of = |rung: Rung| self.relief.iter().filter(move |one| one.rung == rung && one.is_for(architecture));
        Rung::ORDER.into_iter().filter(|rung| rungs.contains(rung)).flat_map(of).collect()
    }

    /// Values of an order with what is done differently under some rungs. Numbers only become smaller: a smaller picture than the
    /// one that was too large is meant.
    pub fn settings_under(&self, order: &TrainOrder, rungs: &[Rung]) -> BTreeMap<String, SlotValue> {
        let mut settings = order.settings.clone();
        for (name, value) in self.relief_of(order.architecture, rungs).into_iter().flat_map(|relief| &relief.set) {
            let Some(now) = settings.get_mut(name) else { continue };
            match (number_of(now), number_of(value)) {
                (Some(number), Some(smaller)) if number <= smaller => {}
                _ => *now = value.clone(),
            }
        }
        settings
    }

    /// Values for the slots of the workflow it trains with. What decides about pictures, `resolution`, is no slot of it.
    pub fn graph_settings(&self, order: &TrainOrder, rungs: &[Rung]) -> BTreeMap<String, SlotValue> {
        let mut values = self.settings_under(order, rungs);
        for name in ["epochs", "resolution"] {
            values.remove(name);
        }
        let epochs = order.to.saturating_sub(order.after);
        values.insert("steps".into(), SlotValue::Int(i64::from(order.epoch_steps().saturating_mul(epochs))));
        // The noise of every slice is drawn anew: with the same seed each would see the same.
        if let Some(SlotValue::Int(seed)) = values.get_mut("seed") {
            *seed = seed.saturating_add(i64::from(order.after));
        }
        values
    }

    /// Names of what must be there to train an architecture.
    pub fn needs_of(&self, architecture: Architecture) -> Vec<&str> {
        let own = self.architectures.get(&architecture).map(|trains| trains.needs.as_slice()).unwrap_or_default();
        let asked = self.needs.iter().filter(|(name, need)| !need.only_when_asked || own.contains(*name));
        asked.map(|(name, _)| name.as_str()).collect()
    }
}

impl Relief {
    fn is_for(&self, architecture: Architecture) -> bool {
        self.architectures.is_empty() || self.architectures.contains(&architecture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SD_SCRIPTS: &str = include_str!("../../../../trainers/sd-scripts.toml");

    fn sd_scripts() -> Trainer {
        toml::from_str(SD_SCRIPTS).unwrap()
    }

    #[test]
    fn what_somebody_chose_is_checked_and_the_rest_is_as_usual() {
        let trainer = sd_scripts();
        let chosen = |name: &str, value: SlotValue| {
            trainer.settings(Architecture::Sd15, &BTreeMap::from([(name.to_owned(), value)]))
        };
        let settings = chosen("rank", SlotValue::Int(8)).unwrap();
        assert_eq!((&settings["rank"], &settings["epochs"]), (&SlotValue::Int(8), &SlotValue::Int(10)));
        let whole = chosen("alpha", SlotValue::Int(4)).unwrap();
        assert_eq!(whole["alpha"], SlotValue::Float(4.0));
        let why = |name: &str, value: SlotValue| chosen(name, value).unwrap_err();
        assert!(why("rnak", SlotValue::Int(8)).contains("did you mean 'rank'?"));
        assert!(why("rank", SlotValue::Int(900)).contains("it can be from 1 to 128 (dimensions)"));
        assert!(why("rank", SlotValue::Float(8.5)).contains("rank is a whole number"));
        assert!(why("learning_rate", SlotValue::Float(f64::NAN)).contains("learning_rate is NaN"));
        assert!(why("optimizer", SlotValue::Text("AdamW8bt".into())).contains("did you mean 'AdamW8bit'?"));
        assert!(trainer.settings(Architecture::Sdxl, &BTreeMap::new()).is_ok_and(|all| !all.contains_key("clip_skip")));
        let wan = trainer.settings(Architecture::Wan, &BTreeMap::new()).unwrap_err();
        assert_eq!(wan, "sd-scripts cannot train wan; it trains sd15, sdxl");
    }

    #[test]
    fn a_wrong_description_is_refused_with_the_key() {
        let faults = |from: &str, to: &str| {
            assert!(SD_SCRIPTS.contains(from), "{from}");
            match toml::from_str::<Trainer>(&SD_SCRIPTS.replace(from, to)) {
                Ok(trainer) => trainer.check().join("; "),
                Err(error) => error.to_string(),
            }
        };
        assert_eq!(faults("title = \"sd-scripts\"", "title = \"other\""), "");
        assert!(faults("[slots.batch]", "[slots.many]").contains("slots.batch is missing"));
        assert!(
            faults("usual = { sd15 = 32, sdxl = 16 }", "usual = { sd15 = 32, sdxl = 160 }")
                .contains("slots.rank.usual.sdxl")
        );
        assert!(faults("set = { resolution = 768 }", "set = { size = 768 }").contains("there is no slot 'size'"));
        assert!(faults("needs = [\"sdxl_tokenizer\"]", "needs = [\"other\"]").contains("there is no [needs.other]"));
        assert!(faults("home = ", "house = ").contains("house"));
    }

    #[test]
    fn what_must_be_there_depends_on_what_is_trained() {
        let trainer = sd_scripts();
        assert_eq!(trainer.needs_of(Architecture::Sd15), ["checkout", "python", "tokenizers"]);
        assert_eq!(trainer.needs_of(Architecture::Sdxl), ["checkout", "python", "sdxl_tokenizer", "tokenizers"]);
        assert_ne!(trainer.print(), Trainer { title: "other".into(), ..trainer.clone() }.print());
    }
}
