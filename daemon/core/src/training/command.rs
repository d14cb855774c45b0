//! How a trainer is called for a slice: templates become arguments, and pictures become the file that names them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::{
    progress::Counting,
    trainer::{NEEDED_SLOTS, Trainer, TrainerSlot},
};
use crate::{ladder::Rung, order::TrainOrder, workflow::SlotValue};

/// Placeholders that every template of a command may have.
const ALWAYS: [&str; 9] = ["base", "dataset", "data", "cache", "out", "name", "next_epoch", "epochs_left", "script"];

/// Where a slice is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SlicePaths {
    /// The base model's file.
    pub base: String,
    /// The file that names the pictures.
    pub dataset: String,
    /// The folder that they are in.
    pub data: String,
    /// A folder for what the trainer keeps of them.
    pub cache: String,
    /// The folder the trainer writes into.
    pub out: String,
    /// What the files in it are called by.
    pub name: String,
    /// What must be there, by its name.
    pub needs: BTreeMap<String, String>,
}

/// What a process begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// Nothing: it is the beginning of the run.
    Anew,
    /// The whole state after an epoch.
    State {
        /// The folder of the state.
        path: String,
        /// The epoch of the run, from 1.
        epoch: u32,
    },
    /// The LoRA after an epoch, and nothing else of what was there.
    Weights {
        /// The file of the weights.
        path: String,
        /// The epoch of the run, from 1.
        epoch: u32,
    },
}

impl Start {
    /// Epochs of the run that are done.
    pub fn epoch(&self) -> u32 {
        match self {
            Self::Anew => 0,
            Self::State { epoch, .. } | Self::Weights { epoch, .. } => *epoch,
        }
    }
}

/// Files that a process leaves of an epoch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The file of the LoRA.
    pub checkpoint: String,
    /// Folder of the state.
    pub state: String,
}

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    /// `{name}`, or `{name:06}` for a number with six digits.
    Place(&'a str, usize),
}

fn parts(template: &str) -> Result<Vec<Part<'_>>, String> {
    let (mut parts, mut rest) = (Vec::new(), template);
    while let Some((text, after)) = rest.split_once('{') {
        let Some((inside, after)) = after.split_once('}') else {
            return Err(format!("'{template}' has a {{ without }}"));
        };
        let (name, digits) = inside.split_once(':').unwrap_or((inside, "0"));
        let width = digits.trim_start_matches('0');
        let width = if width.is_empty() { Ok(0) } else { width.parse::<usize>() };
        let width = width.ok().filter(|width| *width <= 20);
        let width = width.ok_or_else(|| format!("'{template}': '{digits}' is no number of digits, as 06 is"))?;
        parts.extend([Part::Text(text), Part::Place(name, width)]);
        rest = after;
    }
    parts.push(Part::Text(rest));
    Ok(parts)
}

fn filled(template: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let mut text = String::new();
    for part in parts(template)? {
        match part {
            Part::Text(part) => text.push_str(part),
            Part::Place(name, width) => {
                let value = values.get(name).ok_or_else(|| format!("'{template}': nothing is known of {{{name}}}"))?;
                let _ = write!(text, "{value:0>width$}");
            }
        }
    }
    Ok(text)
}

fn all_filled(templates: &[String], values: &BTreeMap<String, String>) -> Result<Vec<String>, String> {
    templates.iter().map(|template| filled(template, values)).collect()
}

/// Templates that use what nothing is known of: one sentence each, the key first.
fn faults_of(trainer: &Trainer) -> Vec<String> {
    let needs: BTreeSet<&str> = trainer.needs.keys().map(String::as_str).collect();
    let always: BTreeSet<&str> = ALWAYS.into_iter().chain(NEEDED_SLOTS).chain(needs.iter().copied()).collect();
    let with = |more: &'static str| always.iter().copied().chain([more]).collect::<BTreeSet<&str>>();
    let leaves: BTreeSet<&str> = BTreeSet::from(["out", "name", "epoch"]);
    let clashes = needs.iter().filter(|name| ALWAYS.contains(name) || NEEDED_SLOTS.contains(name));
    let mut faults: Vec<String> =
        clashes.map(|name| format!("needs.{name}: the name is taken by another placeholder")).collect();
    let mut check = |key: &str, templates: &[&str], known: &BTreeSet<&str>| {
        for template in templates {
            match parts(template) {
                Err(why) => faults.push(format!("{key}: {why}")),
                Ok(parts) => faults.extend(parts.iter().filter_map(|part| match part {
                    Part::Place(name, _) if !known.contains(name) => {
                        let known: Vec<&str> = known.iter().copied().collect();
                        Some(format!("{key}: {{{name}}} is no placeholder; there are {}", known.join(", ")))
                    }
                    Part::Place(..) | Part::Text(_) => None,
                })),
            }
        }
    };
    let mut lists: Vec<(String, Vec<String>, BTreeSet<&str>)> = vec![
        ("directory".into(), vec![trainer.directory.clone()], always.clone()),
        ("command".into(), trainer.command.clone(), always.clone()),
        ("before".into(), trainer.before.concat(), always.clone()),
        ("resume".into(), trainer.resume.clone(), with("state")),
        ("continue_from".into(), trainer.continue_from.clone(), with("weights")),
        ("environment".into(), trainer.environment.values().cloned().collect(), always.clone()),
    ];
    if let Some(of) = &trainer.leaves {
        let templates = [&of.epoch, &of.last, &of.state, &of.last_state].map(Clone::clone).to_vec();
        lists.push(("leaves".into(), templates, leaves));
    }
    for (architecture, trains) in &trainer.architectures {
        let key = format!("architectures.{}", architecture.word());
        lists.push((format!("{key}.flags"), trains.flags.clone(), always.clone()));
        lists.push((format!("{key}.script"), vec![trains.script.clone()], needs.clone()));
    }
    for (name, slot) in &trainer.slots {
        lists.push((format!("slots.{name}.flag"), vec![slot.flag.clone()], with("value")));
        lists.push((format!("slots.{name}.with"), slot.with.values().flatten().cloned().collect(), always.clone()));
    }
    for (name, need) in &trainer.needs {
        lists.push((format!("needs.{name}.default"), need.default.iter().cloned().collect(), needs.clone()));
    }
    for relief in &trainer.relief {
        lists.push((format!("relief '{}'", relief.rung), relief.flags.clone(), always.clone()));
    }
    for (key, templates, known) in &lists {
        check(key, &templates.iter().map(String::as_str).collect::<Vec<_>>(), known);
    }
    faults
}

impl Trainer {
    /// What is wrong with the description: one sentence each, the key first. Nothing: it can be used.
    pub fn check(&self) -> Vec<String> {
        let mut faults = self.faults();
        faults.extend(faults_of(self));
        faults
    }

    /// Where everything that must be there is: as the settings say, else by its own template. What neither tells is left out.
    pub fn need_paths(&self, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut paths = given.clone();
        // A template may name another need, which may have a template of its own.
        for _ in 0..self.needs.len() {
            for (name, need) in &self.needs {
                let by_template = need.default.as_ref().filter(|_| !paths.contains_key(name));
                if let Some(path) = by_template.and_then(|template| filled(template, &paths).ok()) {
                    paths.insert(name.clone(), path);
                }
            }
        }
        paths
    }

    /// What placeholders stand for.
    fn values(&self, order: &TrainOrder, rungs: &[Rung], paths: &SlicePaths, start: &Start) -> Values {
        let mut values = paths.needs.clone();
        let settings = self.settings_under(order, rungs);
        let slots = NEEDED_SLOTS.iter().filter_map(|name| Some(((*name).to_owned(), settings.get(*name)?.to_string())));
        values.extend(slots);
        let trains = self.architectures.get(&order.architecture);
        let script = trains.and_then(|trains| filled(&trains.script, &paths.needs).ok()).unwrap_or_default();
        let left = order.epochs.saturating_sub(start.epoch());
        let further = [
            ("base", paths.base.clone()),
            ("dataset", paths.dataset.clone()),
            ("data", paths.data.clone()),
            ("cache", paths.cache.clone()),
            ("out", paths.out.clone()),
            ("name", paths.name.clone()),
            ("epochs", order.epochs.to_string()),
            ("next_epoch", (start.epoch() + 1).to_string()),
            ("epochs_left", left.to_string()),
            ("script", script),
        ];
        values.extend(further.map(|(name, value)| (name.to_owned(), value)));
        values
    }

    /// The program and its arguments for a slice. What the process is to do is always the rest of the run, because the learning
    /// rate is spread over it; it is stopped after the epoch the slice ends with.
    ///
    /// # Errors
    /// It cannot train that, or a placeholder stands for nothing here: one sentence.
    pub fn argv(
        &self,
        order: &TrainOrder,
        rungs: &[Rung],
        paths: &SlicePaths,
        start: &Start,
    ) -> Result<Vec<String>, String> {
        let Some(trains) = self.architectures.get(&order.architecture) else {
            return Err(format!("{} cannot train {}", self.title, order.architecture.word()));
        };
        let mut values = self.values(order, rungs, paths, start);
        let settings = self.settings_under(order, rungs);
        let mut argv = all_filled(&self.command, &values)?;
        argv.extend(all_filled(&trains.flags, &values)?);
        for (name, slot, usual) in self.slots_of(order.architecture) {
            argv.extend(arguments(slot, settings.get(name).unwrap_or(usual), &values)?);
        }
        for relief in self.relief_of(order.architecture, rungs) {
            argv.extend(all_filled(&relief.flags, &values)?);
        }
        match start {
            Start::Anew => {}
            Start::State { path, .. } => {
                values.insert("state".into(), path.clone());
                argv.extend(all_filled(&self.resume, &values)?);
            }
            Start::Weights { path, .. } => {
                values.insert("weights".into(), path.clone());
                argv.extend(all_filled(&self.continue_from, &values)?);
            }
        }
        Ok(argv)
    }

    /// Commands that come before, once for a set of pictures.
    ///
    /// # Errors
    /// A placeholder stands for nothing here.
    pub fn before(&self, order: &TrainOrder, rungs: &[Rung], paths: &SlicePaths) -> Result<Vec<Vec<String>>, String> {
        let values = self.values(order, rungs, paths, &Start::Anew);
        self.before.iter().map(|command| all_filled(command, &values)).collect()
    }

    /// The folder it runs in, and the variables of its environment.
    ///
    /// # Errors
    /// A placeholder stands for nothing here.
    pub fn surroundings(
        &self,
        order: &TrainOrder,
        paths: &SlicePaths,
    ) -> Result<(String, BTreeMap<String, String>), String> {
        let values = self.values(order, &[], paths, &Start::Anew);
        let environment = self
            .environment
            .iter()
            .map(|(name, value)| -> Result<(String, String), String> { Ok((name.clone(), filled(value, &values)?)) });
        Ok((filled(&self.directory, &values)?, environment.collect::<Result<_, String>>()?))
    }

    /// What a process that began after `began` epochs of the run leaves of epoch `epoch`.
    ///
    /// # Errors
    /// A placeholder stands for nothing here.
    pub fn left_of(&self, order: &TrainOrder, paths: &SlicePaths, began: u32, epoch: u32) -> Result<Left, String> {
        let counted = match self.counting {
            Counting::Run => epoch,
            Counting::Process => epoch.saturating_sub(began),
        };
        let values = [("out", paths.out.clone()), ("name", paths.name.clone()), ("epoch", counted.to_string())];
        let values: Values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let Some(leaves) = &self.leaves else { return Err(format!("{} leaves no files", self.title)) };
        let (checkpoint, state) =
            if epoch >= order.epochs { (&leaves.last, &leaves.last_state) } else { (&leaves.epoch, &leaves.state) };
        Ok(Left { checkpoint: filled(checkpoint, &values)?, state: filled(state, &values)? })
    }
}

/// What placeholders stand for, by name.
type Values = BTreeMap<String, String>;

/// The arguments of a slot with a value.
fn arguments(slot: &TrainerSlot, value: &SlotValue, values: &Values) -> Result<Vec<String>, String> {
    if matches!(value, SlotValue::Bool(false)) {
        return Ok(Vec::new());
    }
    let mut values = values.clone();
    values.insert("value".into(), value.to_string());
    let mut all: Vec<String> =
        slot.flag.split_whitespace().map(|template| filled(template, &values)).collect::<Result<_, _>>()?;
    if let SlotValue::Text(word) = value {
        all.extend(all_filled(slot.with.get(word).map(Vec::as_slice).unwrap_or_default(), &values)?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{PictureFolder, TrainingPicture, groups},
        *,
    };
    use crate::{
        asset::AssetRef,
        ids::{ContentHash, TrainingId},
        lora::Architecture,
    };

    fn trainer(text: &str) -> Trainer {
        let trainer: Trainer = toml::from_str(text).unwrap();
        assert_eq!(trainer.check(), Vec::<String>::new());
        trainer
    }

    fn sd_scripts() -> Trainer {
        trainer(include_str!("../../../../trainers/sd-scripts.toml"))
    }

    fn order(trainer: &Trainer, architecture: Architecture) -> TrainOrder {
        let picture = |name: &[u8], repeats, held_out| TrainingPicture {
            file: AssetRef { hash: ContentHash::of(name), ext: "png".into() },
            caption: "mirax7, 1girl".into(),
            repeats,
            held_out,
        };
        TrainOrder {
            training: TrainingId(uuid::Uuid::nil()),
            trainer: "sd-scripts".into(),
            architecture,
            base: "base".into(),
            base_print: None,
            pictures: vec![picture(b"a", 2, false), picture(b"b", 4, false), picture(b"c", 9, true)],
            settings: trainer.settings(architecture, &BTreeMap::new()).unwrap(),
            epochs: 10,
            after: 0,
            to: 1,
            weights: None,
            relief: Vec::new(),
        }
    }

    fn paths() -> SlicePaths {
        SlicePaths {
            base: "/models/base.safetensors".into(),
            dataset: "/run/d.toml".into(),
            data: "/run/data".into(),
            cache: "/run/cache".into(),
            out: "/run/out".into(),
            name: "mira".into(),
            needs: BTreeMap::from([
                ("checkout".into(), "/sd".into()),
                ("python".into(), "/sd/venv/bin/python".into()),
                ("tokenizers".into(), "/tok".into()),
            ]),
        }
    }

    /// The arguments every run has, up to the ones of its architecture.
    const SAME: &str = "/sd/venv/bin/python SCRIPT --pretrained_model_name_or_path=/models/base.safetensors \
         --dataset_config=/run/d.toml --tokenizer_cache_dir=/tok --output_dir=/run/out --output_name=mira \
         --save_model_as=safetensors --save_precision=fp16 --network_module=networks.lora --max_train_epochs=10 \
         --save_every_n_epochs=1 --save_state --save_last_n_epochs_state=1 --seed=42 --console_log_simple --sdpa \
         --gradient_checkpointing --cache_latents --max_data_loader_n_workers=1 --persistent_data_loader_workers \
         --training_comment=studiod:mira";
    const SD15: &str = "--network_alpha=16 --clip_skip=1 --learning_rate=0.0001 --min_snr_gamma=5 \
         --optimizer_type=AdamW8bit --mixed_precision=fp16 --network_dim=32 --lr_scheduler=cosine --text_encoder_lr=0.00005 --lr_warmup_steps=0";
    const SDXL: &str = "--no_half_vae --network_train_unet_only --cache_text_encoder_outputs \
         --network_alpha=8 --learning_rate=0.0001 --min_snr_gamma=5 --optimizer_type=AdamW8bit --mixed_precision=bf16 --network_dim=16 \
         --lr_scheduler=cosine --lr_warmup_steps=0";

    fn expected(script: &str, of: &str, more: &str) -> Vec<String> {
        let all = format!("{} {of} {more}", SAME.replace("SCRIPT", script));
        all.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn the_first_slice_begins_anew() {
        let trainer = sd_scripts();
        let order = order(&trainer, Architecture::Sd15);
        let argv = trainer.argv(&order, &[], &paths(), &Start::Anew).unwrap();
        assert_eq!(argv, expected("train_network.py", SD15, ""));
        let (directory, environment) = trainer.surroundings(&order, &paths()).unwrap();
        assert_eq!((directory.as_str(), environment["HF_HUB_OFFLINE"].as_str()), ("/sd", "1"));
        assert_eq!(trainer.before(&order, &[], &paths()).unwrap(), Vec::<Vec<String>>::new());
    }

    #[test]
    fn a_later_slice_goes_on_from_its_state_or_from_weights_alone() {
        let trainer = sd_scripts();
        let order = order(&trainer, Architecture::Sd15);
        let state = Start::State { path: "/run/kept/000003-state".into(), epoch: 3 };
        let argv = trainer.argv(&order, &[], &paths(), &state).unwrap();
        let more = "--resume=/run/kept/000003-state --initial_epoch=4";
        assert_eq!(argv, expected("train_network.py", SD15, more));
        let weights = Start::Weights { path: "/run/weights.safetensors".into(), epoch: 3 };
        let argv = trainer.argv(&order, &[], &paths(), &weights).unwrap();
        let more = "--network_weights=/run/weights.safetensors --initial_epoch=4";
        assert_eq!(argv, expected("train_network.py", SD15, more));
    }

    #[test]
    fn a_full_card_is_met_in_the_order_of_rungs() {
        let trainer = sd_scripts();
        let mut order = order(&trainer, Architecture::Sdxl);
        let argv = trainer.argv(&order, &[], &paths(), &Start::Anew).unwrap();
        assert_eq!(argv, expected("sdxl_train_network.py", SDXL, ""));
        let mut tried = Vec::new();
        while let Some(rung) = trainer.next_relief(&order) {
            tried.push(rung);
            order.relief.push(rung);
        }
        assert_eq!(
            tried,
            [Rung::EightBitBase, Rung::LeanOptimiser, Rung::SmallerSize, Rung::LowerRank, Rung::SmallestSize]
        );
        let rungs = [Rung::SmallestSize, Rung::SmallerSize, Rung::LeanOptimiser, Rung::LowerRank, Rung::EightBitBase];
        let argv = trainer.argv(&order, &rungs, &paths(), &Start::Anew).unwrap().join(" ");
        for part in
            ["--network_dim=8", "--network_alpha=4", "--optimizer_type=Adafactor --optimizer_args scale_", "--fp8_base"]
        {
            assert!(argv.contains(part), "{part}: {argv}");
        }
        assert!(trainer.dataset_toml(&order, &rungs, &[]).contains("resolution = 640"));
        order.relief.clear();
        order.after = 1;
        assert_eq!(
            trainer.possible(&order),
            [Rung::EightBitBase, Rung::SmallerSize, Rung::SmallestSize],
            "a rank cannot change in the middle"
        );
        order.settings.insert("resolution".into(), SlotValue::Int(512));
        assert_eq!(trainer.possible(&order), [Rung::EightBitBase], "it is smaller than that already");
    }

    #[test]
    fn the_pictures_are_named_by_how_often_they_are_seen() {
        let trainer = sd_scripts();
        let order = order(&trainer, Architecture::Sd15);
        let folders: Vec<PictureFolder> = groups(&order)
            .keys()
            .map(|(held_out, repeats)| PictureFolder {
                path: format!("/run/data/{repeats}{}", if *held_out { "-held" } else { "" }),
                cache: "/run/cache".into(),
                repeats: *repeats,
                held_out: *held_out,
            })
            .collect();
        let text = trainer.dataset_toml(&order, &[], &folders);
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(table["general"]["shuffle_caption"].as_bool(), Some(true));
        let sets = table["datasets"].as_array().unwrap();
        assert_eq!((sets.len(), sets[0]["max_bucket_reso"].as_integer()), (2, Some(1024)));
        let subsets = sets[0]["subsets"].as_array().unwrap();
        let seen: Vec<_> = subsets.iter().map(|one| one["num_repeats"].as_integer().unwrap()).collect();
        assert_eq!(seen, [2, 4]);
        assert_eq!(sets[1]["validation_split"].as_float(), Some(1.0));
        assert_eq!(sets[1]["subsets"][0]["image_dir"].as_str(), Some("/run/data/1-held"));
        let sdxl = TrainOrder { architecture: Architecture::Sdxl, ..order };
        assert!(trainer.dataset_toml(&sdxl, &[], &folders).contains("shuffle_caption = false"));
    }

    #[test]
    fn a_trainer_that_counts_anew_is_told_what_is_left() {
        let trainer = trainer(include_str!("../../../../trainers/musubi.toml"));
        let order = order(&trainer, Architecture::Wan);
        let mut paths = paths();
        paths.needs.extend([("vae".into(), "/vae".into()), ("t5".into(), "/t5".into())]);
        let state = Start::State { path: "/s".into(), epoch: 3 };
        let argv = trainer.argv(&order, &[], &paths, &state).unwrap().join(" ");
        assert!(argv.contains("--max_train_epochs 7") && argv.ends_with("--resume /s"), "{argv}");
        let left = trainer.left_of(&order, &paths, 3, 4).unwrap();
        assert_eq!(left.checkpoint, "/run/out/mira-000001.safetensors");
        assert_eq!(trainer.left_of(&order, &paths, 3, 10).unwrap().checkpoint, "/run/out/mira.safetensors");
        assert_eq!(trainer.before(&order, &[], &paths).unwrap().len(), 2);
        let folder = PictureFolder { path: "/p \"q".into(), cache: "/c".into(), repeats: 3, held_out: false };
        let table: toml::Table = toml::from_str(&trainer.dataset_toml(&order, &[], &[folder])).unwrap();
        assert_eq!(table["datasets"][0]["image_directory"].as_str(), Some("/p \"q"));
    }

    #[test]
    fn a_workflow_gets_values_instead_of_arguments() {
        let text = include_str!("../../../../trainers/comfyui.toml");
        let trainer = trainer(text);
        let mut order = order(&trainer, Architecture::Sd15);
        order.pictures[0].repeats = 7;
        (order.after, order.to) = (2, 4);
        let values = trainer.graph_settings(&order, &[Rung::SmallestSize, Rung::LowerRank, Rung::PreserveMore]);
        assert_eq!(values["steps"], SlotValue::Int(22), "two epochs of seven and four");
        assert_eq!(values["seed"], SlotValue::Int(44), "the noise of a slice is its own");
        assert_eq!((&values["rank"], &values["offloading"]), (&SlotValue::Int(8), &SlotValue::Bool(true)));
        assert_eq!(values.get("resolution").or(values.get("epochs")), None);
        assert!(trainer.dataset_toml(&order, &[], &[]).is_empty());
        let faults = |more: &str| {
            toml::from_str::<Trainer>(&text.replace("workflow = ", &format!("{more}\nworkflow = "))).unwrap().check()
        };
        assert_eq!(
            faults("command = [\"python\"]"),
            ["command is for programs; with a workflow, slots say everything: take command out, or workflow"]
        );
        assert_eq!(faults("layout = \"kohya\"").len(), 1);
        let neither =
            toml::from_str::<Trainer>(&text.replace("workflow = \"train_sd15\"", "")).unwrap().check().join("; ");
        for said in ["command is empty", "layout is missing", "leaves is missing", "lines.saved is empty"] {
            assert!(neither.contains(said), "{said}: {neither}");
        }
    }

    #[test]
    fn places_follow_from_each_other() {
        let given = BTreeMap::from([("checkout".to_owned(), "/sd".to_owned())]);
        let paths = sd_scripts().need_paths(&given);
        assert_eq!(paths["python"], "/sd/venv/bin/python");
        assert_eq!(paths["sdxl_tokenizer"], "/sd/tokenizers/laion_CLIP-ViT-bigG-14-laion2B-39B-b160k");
    }

    #[test]
    fn templates_are_checked_when_they_are_read() {
        let text = include_str!("../../../../trainers/sd-scripts.toml");
        let faults = |from: &str, to: &str| {
            assert!(text.contains(from));
            toml::from_str::<Trainer>(&text.replace(from, to)).unwrap().check().join("; ")
        };
        assert!(faults("{tokenizers}\"", "{tokeniser}\"").contains("command: {tokeniser} is no placeholder"));
        assert!(faults("--initial_epoch={next_epoch}", "{state").contains("has a { without }"));
        assert!(faults("{epoch:06}", "{epoch:x}").contains("leaves: "));
        assert!(faults("--network_dim={value}", "--network_dim").contains("slots.rank.flag has no {value}"));
        assert_eq!(parts("a{b:06}c"), Ok(vec![Part::Text("a"), Part::Place("b", 6), Part::Text("c")]));
    }
}
