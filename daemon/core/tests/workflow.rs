//! Workflows and models: what ships is whole, what is wrong is refused by name, and plans obey their rules.

use std::{collections::BTreeMap, fs, path::PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use studio_core::{
    character::{Appearance, CharacterProfile},
    ids::ContentHash,
    ladder::Rung,
    learning::{Confidence, Learned, Recommended},
    location,
    model::{Catalogue, Makes, PromptStyle},
    order::{AssetRef, ClipOrder, Figure, Lora, MusicOrder, Order, Quality, Recipe, StillOrder},
    production::{CharacterCast, ModelCast, ModelChoice, ModelStyle, SettingOrigin},
    recipe::{self, plan, possible},
    review::Issue,
    scene::{Look, Setting, TimeOfDay, Weather},
    shot::{CameraAngle, Motion, ShotType},
    units::{Fps, Frames, Samples, Seed, Size, Steps},
    workflow::{Ability, Descriptor, Folders, Kind, Lack, Nodes, SlotValue, Workflow},
};

#[path = "workflow/progress.rs"]
mod progress;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn shipped() -> BTreeMap<String, Workflow> {
    let mut flows = BTreeMap::new();
    for entry in fs::read_dir(root().join("workflows")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ext| ext != "json") {
            continue;
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let graph = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let about: Descriptor = toml::from_str(&fs::read_to_string(path.with_extension("toml")).unwrap()).unwrap();
        let flow = Workflow::new(&name, graph, about).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        flows.insert(name, flow);
    }
    assert!(flows.len() >= 28, "{}", flows.len());
    flows
}

fn catalogue() -> Catalogue {
    toml::from_str(&fs::read_to_string(root().join("models.toml")).unwrap()).unwrap()
}

/// Schemas of a real server's nodes, without its model files.
fn nodes() -> Nodes {
    let read = |name: &str| -> serde_json::Map<String, Value> {
        let path = root().join("daemon/tests/recordings/comfy").join(name);
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    };
    let mut all = read("object_info.json");
    all.extend(read("training_nodes.json"));
    Nodes::from_object_info(&Value::Object(all))
}

fn asset(name: &str) -> AssetRef {
    AssetRef { hash: ContentHash::of(name.as_bytes()), ext: "png".into() }
}

fn told(model: &str) -> Recipe {
    Recipe { model: model.into(), quality: Quality::Standard, ..Recipe::default() }
}

fn look() -> Look {
    Look {
        setting: Setting::Exterior,
        location: "Lighthouse".into(),
        time_of_day: TimeOfDay::Night,
        weather: Weather::Storm,
        mood: "tense".into(),
        synopsis: String::new(),
    }
}

fn figure(name: &str) -> Figure {
    Figure {
        name: name.into(),
        profile: CharacterProfile::from_name(name, None, None),
        appearance: None,
        staging: None,
    }
}

fn clip(model: &str, source: bool, frames: u64) -> ClipOrder {
    ClipOrder {
        source: source.then(|| asset("still")),
        layers: Vec::new(),
        description: "Mara runs up the stairs [2s: and stops].".into(),
        motion: Motion::PushIn,
        size: Size { width: 1920, height: 1080 },
        fps: Fps::whole(24),
        frames: Frames(frames),
        wanted: None,
        seed: Seed(7),
        steps: Steps(25),
        look: Some(look()),
        shot_type: Some(ShotType::Medium),
        figures: vec![figure("Mara")],
        script: None,
        recipe: Some(told(model)),
    }
}

fn still(model: &str) -> StillOrder {
    StillOrder {
        look: look(),
        shot_type: ShotType::Medium,
        angle: CameraAngle::Low,
        description: "Mara looks at the sea.".into(),
        card: None,
        figures: vec![figure("Mara")],
        speaker: None,
        slate: String::new(),
        size: Size { width: 1920, height: 1080 },
        seed: Seed(7),
        steps: Steps(25),
        source: None,
        recipe: Some(told(model)),
    }
}

fn music(model: &str, tempo_bpm: Option<u32>) -> MusicOrder {
    MusicOrder {
        mood: "tense".into(),
        tempo_bpm,
        at_least: Samples(48_000 * 42 + 1),
        seed: Seed(7),
        caption: Some("cinematic orchestral, tense, no vocals".into()),
        recipe: Some(told(model)),
    }
}

fn lora(file: &str, base: &str) -> Lora {
    Lora { file: file.into(), base: base.into(), strength_percent: 80, trigger: String::new() }
}

#[test]
fn music_is_as_long_as_its_scene_and_in_its_tempo() {
    let newer = plan_of(&Order::Music(music("ace_step_15", Some(90))), &[]);
    assert_eq!((newer.workflow.as_str(), newer.makes), ("ace_step_15", Makes::Music));
    assert_eq!(newer.values["seconds"], SlotValue::Float(43.0), "never shorter than the scene");
    assert_eq!((&newer.values["bpm"], &newer.values["steps"]), (&SlotValue::Int(90), &SlotValue::Int(8)));
    assert_eq!(newer.values["positive"], SlotValue::Text("cinematic orchestral, tense, no vocals".into()));
    assert_eq!(newer.values["lyrics"], SlotValue::Text("[instrumental]".into()));
    let short = MusicOrder { at_least: Samples(48_000), ..music("ace_step", None) };
    let older = plan_of(&Order::Music(short), &[]);
    assert_eq!(older.values["seconds"], SlotValue::Float(10.0));
    assert!(!older.values.contains_key("bpm"), "the graph's own tempo stays when the script says none");
    let wrong = plan(&catalogue(), &shipped(), &Order::Music(music("sdxl", None)), &[]).unwrap_err().to_string();
    assert_eq!(wrong, "Stable Diffusion XL does not make that");
}

#[test]
fn a_model_that_was_trained_on_scripts_is_told_the_script_as_it_is() {
    let mut catalogue = catalogue();
    catalogue.models.get_mut("wan").unwrap().prompt = PromptStyle::Script;
    let script = "Mara lifts the lamp.\nMARA: \"Who is there?\"";
    let told = ClipOrder { script: Some(script.into()), ..clip("wan", false, 48) };
    let found = plan(&catalogue, &shipped(), &Order::Clip(told), &[]).unwrap();
    assert_eq!(found.values["positive"], SlotValue::Text(script.into()));
}

#[test]
fn every_shipped_workflow_fits_the_nodes_of_a_real_server() {
    let (flows, nodes) = (shipped(), nodes());
    for flow in flows.values() {
        // Packs and model files are the user's; everything else must be right.
        let lacks = flow.lacks(&Value::Object(flow.graph.clone()), &nodes, &Folders::new());
        let wrong: Vec<&Lack> = lacks.iter().filter(|lack| !matches!(lack, Lack::File { .. })).collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}", flow.name);
        for other in flow.about.tiled.iter().chain(&flow.about.quantised) {
            assert!(flows.contains_key(other), "{} names {other}", flow.name);
        }
        if flow.can(Ability::Lora) {
            assert!(flow.about.slots["lora"].required, "{}", flow.name);
        }
    }
}

#[test]
fn a_workflow_that_trains_is_refused_where_its_nodes_are_older() {
    let flow = &shipped()["train_sd15"];
    let info: Value = serde_json::from_str(
        &fs::read_to_string(root().join("daemon/tests/recordings/comfy/training_nodes.json")).unwrap(),
    )
    .unwrap();
    let lacks = |mut info: Value, left_out: &str| {
        info["TrainLoraNode"]["input"]["required"].as_object_mut().unwrap().remove(left_out).unwrap();
        let graph = Value::Object(flow.graph.clone());
        let lacks = flow.lacks(&graph, &Nodes::from_object_info(&info), &Folders::new());
        lacks.iter().filter(|lack| matches!(lack, Lack::Older { .. })).map(ToString::to_string).collect::<Vec<_>>()
    };
    // Left out, it would train on something else and say nothing.
    assert_eq!(
        lacks(info.clone(), "bucket_mode"),
        ["TrainLoraNode does not know bucket_mode in this version: update ComfyUI"]
    );
    assert_eq!(lacks(info, "existing_lora").len(), 1);
}

#[test]
fn every_model_of_the_catalogue_can_be_bound_with_what_its_plan_says() {
    let (flows, catalogue) = (shipped(), catalogue());
    assert_eq!(catalogue.check(), Vec::<String>::new());
    for (name, model) in &catalogue.models {
        for ability in model.workflows.keys() {
            let mut recipe = told(name);
            if ability.contains("lora") {
                recipe.loras = vec![lora("mara.safetensors", model.lora_base.as_deref().unwrap())];
            }
            // A workflow for several says in its name for how many.
            let several = ability.rsplit_once('_').and_then(|(_, many)| many.parse::<usize>().ok()).unwrap_or(1);
            let names = &["Mara", "Ben", "Ida", "Jon"][..several];
            if ability.contains("ipadapter") {
                recipe.references = names.iter().copied().map(asset).collect();
            }
            let order = if ability == "t2a" {
                Order::Music(music(name, Some(90)))
            } else if ability.starts_with("t2i") || ability.starts_with("i2i") {
                let source = ability.starts_with("i2i").then(|| asset("rough"));
                let figures = names.iter().copied().map(figure).collect();
                Order::Still(StillOrder { recipe: Some(recipe), source, figures, ..still(name) })
            } else {
                Order::Clip(ClipOrder { recipe: Some(recipe), ..clip(name, ability.starts_with("i2v"), 120) })
            };
            let plan = plan(&catalogue, &flows, &order, &[]).unwrap_or_else(|why| panic!("{name} {ability}: {why}"));
            assert_eq!(plan.workflow, model.workflows[ability], "{name} {ability}");
            let flow = &flows[&plan.workflow];
            let mut values = plan.values_of(0);
            for upload in &plan.uploads {
                values.insert(upload.slot.clone(), SlotValue::Text("studio/x.png".into()));
            }
            values.insert("prefix".into(), SlotValue::Text("studio/x".into()));
            values.retain(|slot, _| flow.about.slots.contains_key(slot));
            let graph = flow.bind(&values).unwrap_or_else(|faults| panic!("{name} {ability}: {faults:?}"));
            assert_ne!(graph, Value::Object(flow.graph.clone()));
        }
    }
}

fn plan_of(order: &Order, rungs: &[Rung]) -> recipe::RenderPlan {
    plan(&catalogue(), &shipped(), order, rungs).unwrap()
}

#[test]
fn a_clip_is_long_enough_at_its_models_rate_and_each_rung_changes_what_it_says() {
    // 120 frames at 24 are 5 s: 150 frames at FramePack's 30, in sections of 36.
    let framepack = Order::Clip(clip("framepack", true, 120));
    let plain = plan_of(&framepack, &[]);
    assert_eq!((plain.parts.as_slice(), plain.fps, plain.sections_of(0)), (&[181][..], 30, 5));
    assert_eq!(plain.size.to_string(), "832x480");
    assert!(plain.free_after_failure);
    assert_eq!(plain.values["preserve_gib"], SlotValue::Float(6.0));
    let prompt = format!("{:?}", plain.values["positive"]);
    assert!(prompt.contains("Mara") && prompt.contains("Lighthouse") && !prompt.contains("[2s"), "{prompt}");

    let possible = possible(&catalogue(), &shipped(), &framepack);
    assert!(!possible.contains(&Rung::TiledVae), "FramePack decodes in tiles already");
    assert!(plan_of(&framepack, &[Rung::Free]).free_first);
    assert_eq!(plan_of(&framepack, &[Rung::PreserveMore]).values["preserve_gib"], SlotValue::Float(8.0));
    assert_eq!(plan_of(&framepack, &[Rung::FewerFrames]).parts, [109, 109]);
    assert_eq!(plan_of(&framepack, &[Rung::SmallerSize]).size.to_string(), "624x368");

    let wan = Order::Clip(clip("wan", false, 120));
    let rungs = [Rung::Free, Rung::TiledVae, Rung::Quantised, Rung::SmallerSize, Rung::OtherEngine];
    assert_eq!(recipe::possible(&catalogue(), &shipped(), &wan), rungs, "it cannot be chained without a picture");
    assert_eq!(plan_of(&wan, &[]).parts, [81], "5 s at 16, 4n+1");
    assert_eq!(plan_of(&wan, &[Rung::TiledVae]).workflow, "wan21_t2v_tiled");
    assert_eq!(plan_of(&wan, &[Rung::TiledVae, Rung::Quantised]).workflow, "wan21_t2v_gguf");
    assert_eq!(plan_of(&Order::Clip(clip("ltx", true, 120)), &[]).parts, [121], "8n+1");
}

#[test]
fn what_a_person_sets_goes_before_what_was_learned_and_that_before_the_catalogue() {
    let order = |recipe: Recipe, retake: u32| {
        let steps = Steps(recipe::FIRST_STEPS + 5 * retake);
        Order::Still(StillOrder { steps, recipe: Some(Recipe { retake, ..recipe }), ..still("sdxl") })
    };
    let values = |recipe: Recipe, retake| plan_of(&order(recipe, retake), &[]).values;
    let float = |slot: &str, value: f64| (slot.to_owned(), SlotValue::Float(value));
    let own = values(told("sdxl"), 0);
    let (SlotValue::Int(steps), SlotValue::Float(cfg)) = (&own["steps"], &own["cfg"]) else { panic!("{own:?}") };
    let style = ModelStyle {
        prompt: Some(PromptStyle::Booru),
        settings: [float("cfg", cfg + 1.0), ("steps".into(), SlotValue::Int(steps + 10))].into(),
    };
    let learned = Learned {
        settings: [(
            "sdxl".into(),
            [(
                "mara".into(),
                Recommended {
                    confidence: Confidence::Medium,
                    takes: 10,
                    settings: [float("cfg", cfg + 0.5), float("guidance", 2.5)].into(),
                },
            )]
            .into(),
        )]
        .into(),
        ..Learned::default()
    };
    let cast = ModelCast { styles: [("sdxl".into(), style)].into(), learned, ..ModelCast::default() };
    let of = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        cast.recipe(&ModelChoice { model: "sdxl".into(), ..ModelChoice::default() }, &names, None, true)
    };
    let ben = values(of(&["Ben"]), 0);
    assert_eq!(
        (&ben["cfg"], &ben["steps"]),
        (&SlotValue::Float(cfg + 1.0), &SlotValue::Int(steps + 10)),
        "the project's"
    );
    let mara = values(of(&["Mara"]), 1);
    assert_eq!(mara["cfg"], SlotValue::Float(*cfg), "the person's, and one less for the second take");
    let mara_alone = ["Mara".to_owned()];
    let said = |origins: &[SettingOrigin]| origins.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    assert_eq!(
        said(&cast.origins("sdxl", &mara_alone)),
        format!(
            "cfg {} as you set it, steps {} as you set it, guidance 2.5 as 10 good takes taught",
            cfg + 1.0,
            steps + 10
        )
    );
    // Their own file of models, too.
    let stated = [("sdxl".to_owned(), ["cfg".to_owned()].into())].into();
    let own_file = ModelCast { styles: BTreeMap::new(), stated, ..cast.clone() };
    assert_eq!(said(&own_file.origins("sdxl", &mara_alone)), "guidance 2.5 as 10 good takes taught");
    let shipped = ModelCast { stated: BTreeMap::new(), ..own_file };
    assert!(said(&shipped.origins("sdxl", &mara_alone)).contains(&format!("cfg {} as 10", cfg + 0.5)));
    assert_eq!(mara["steps"], SlotValue::Int(steps + 15), "the project's, and five more for the second take");
    let positive = |values: &BTreeMap<String, SlotValue>| format!("{:?}", values["positive"]);
    assert!(positive(&ben).contains(", ") && !positive(&ben).contains(". "), "tags: {}", positive(&ben));
    assert!(positive(&own).contains(". "), "sentences: {}", positive(&own));
}

#[test]
fn what_was_said_of_a_place_is_in_every_prompt_and_its_pictures_where_nobody_is() {
    let picture = AssetRef { hash: ContentHash::of(b"harbour"), ext: "png".into() };
    let harbour = location::Sheet {
        design: "a harbour of black basalt".into(),
        references: vec![picture.clone()],
        avoid: vec!["cars".into()],
    };
    let cast = ModelCast { places: [("harbour".into(), harbour)].into(), ..ModelCast::default() };
    let recipe = |place, names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        cast.recipe(&ModelChoice { model: "sd15".into(), ..ModelChoice::default() }, &names, Some(place), true)
    };
    let order = |recipe| Order::Still(StillOrder { recipe: Some(recipe), ..still("sd15") });
    let there = order(recipe("HARBOUR", &["Mara"]));
    assert!(text(&there, "positive").contains("a harbour of black basalt"), "whatever the case");
    assert!(text(&there, "negative").contains("cars"));
    assert!(!text(&order(recipe("ROOM", &["Mara"])), "positive").contains("basalt"));
    assert_eq!(recipe("Harbour", &[]).references, [picture]);
    assert!(recipe("Harbour", &["Mara"]).references.is_empty(), "a place is not put into somebody's face");
}

#[test]
fn what_cannot_be_made_is_refused_before_it_is_sent() {
    let refused = |order: Order| plan(&catalogue(), &shipped(), &order, &[]).unwrap_err().to_string();
    let lora = |base: &str| vec![lora("mara_lora.safetensors", base)];
    let with = |model: &str, loras| Recipe { loras, ..told(model) };
    let framepack = ClipOrder { recipe: Some(with("framepack", lora("sd15"))), ..clip("framepack", true, 72) };
    assert!(refused(Order::Clip(framepack)).contains("takes no LoRA"));
    let ltx = ClipOrder { recipe: Some(with("ltx", lora("sd15"))), ..clip("ltx", true, 72) };
    assert!(refused(Order::Clip(ltx)).contains("trained for ltxv"));
    assert!(refused(Order::Clip(clip("framepack", false, 72))).contains("needs a picture to start from"));
    assert!(refused(Order::Clip(clip("framepak", true, 72))).contains("did you mean 'framepack'"));
    assert!(refused(Order::Clip(clip("sdxl", true, 72))).contains("does not make that"));
    assert!(refused(Order::Clip(clip("wan", false, 24 * 60))).contains("shorten it"));
}

#[test]
fn a_retake_has_as_many_more_steps_as_the_gates_say() {
    let order = |steps| Order::Clip(ClipOrder { steps: Steps(steps), ..clip("ltx", true, 72) });
    assert_eq!(plan_of(&order(25), &[]).values["steps"], SlotValue::Int(20));
    assert_eq!(plan_of(&order(30), &[]).values["steps"], SlotValue::Int(25));
    let best = Recipe { quality: Quality::Best, ..told("ltx") };
    let best = Order::Clip(ClipOrder { recipe: Some(best), ..clip("ltx", true, 72) });
    assert_eq!(plan_of(&best, &[]).values["steps"], SlotValue::Int(30));
}

fn text(order: &Order, slot: &str) -> String {
    match &plan_of(order, &[]).values[slot] {
        SlotValue::Text(text) => text.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_retake_answers_what_the_judge_said_and_relaxes_the_guidance() {
    let retake = |model: &str, retake| {
        let issues = if retake > 0 { vec![Issue::Blurry, Issue::BadAnatomy, Issue::WrongAction] } else { Vec::new() };
        Order::Still(StillOrder { recipe: Some(Recipe { issues, retake, ..told(model) }), ..still(model) })
    };
    let guidance = |model: &str, times| plan_of(&retake(model, times), &[]).values["cfg"].clone();
    let asked: Vec<SlotValue> = (0..4).map(|times| guidance("sd15", times)).collect();
    assert_eq!(asked, [7.0, 6.0, 5.0, 5.0].map(SlotValue::Float), "not below 5");
    let clip = |times| {
        Order::Clip(ClipOrder { recipe: Some(Recipe { retake: times, ..told("ltx") }), ..clip("ltx", true, 72) })
    };
    assert_eq!(plan_of(&clip(2), &[]).values["cfg"], SlotValue::Float(3.0), "what is below already stays");
    let (first, second) = (retake("sd15", 0), retake("sd15", 1));
    assert!(!text(&first, "positive").contains("sharp, high detail"));
    assert!(text(&second, "positive").contains("sharp, high detail"), "{}", text(&second, "positive"));
    let avoids = text(&second, "negative");
    assert!(avoids.contains("out of focus") && avoids.contains("extra fingers"), "{avoids}");
    assert_eq!(avoids.matches("bad anatomy").count(), 1, "each once: {avoids}");
}

#[test]
fn a_character_looks_as_designed_in_the_words_each_model_was_trained_on() {
    let looks = Appearance {
        design: "keeper in an oilskin coat, gritty neon-noir atmosphere, dramatic lighting".into(),
        colors: [("hair".into(), "Silver".into())].into(),
        features: vec!["scar over the left eye".into()],
        ..Appearance::default()
    };
    let kept = looks.clone();
    let with = |model: &str, looks: &Appearance| {
        let one = Figure { appearance: Some(looks.clone()), ..figure("Mara") };
        Order::Still(StillOrder { figures: vec![one], ..still(model) })
    };
    let prose = text(&with("sd15", &looks), "positive");
    assert!(prose.contains("Silver hair") && prose.contains("dramatic lighting"), "prose is kept as written: {prose}");
    let booru = text(&with("pony", &looks), "positive");
    assert!(booru.starts_with("score_9, score_8_up"), "{booru}");
    assert!(booru.contains("silver_hair") && booru.contains("scar_over_the_left_eye"), "{booru}");
    assert!(booru.contains("solo"), "{booru}");
    for orphan in ["gritty", "noir", "lighting", "atmosphere"] {
        assert!(!booru.contains(orphan), "the longest phrase goes first: {booru}");
    }
    assert_eq!(looks, kept);
    let star = Appearance { species: "star-shaped".into(), ..looks };
    let models = ModelCast {
        characters: [("mara".to_owned(), CharacterCast { appearance: Some(star), ..CharacterCast::default() })].into(),
        ..ModelCast::default()
    };
    assert!(models.character("Mara").is_some());
}

proptest! {
    /// However much is said, the text encoder's window is kept and what matters most stays.
    #[test]
    fn a_prompt_fits_its_window(words in prop::collection::vec("[a-z]{2,12}( [a-z]{2,12}){0,8}", 0..30), model in prop_oneof![Just("sd15"), Just("sdxl"), Just("pony")]) {
        let looks = Appearance { design: words.join(", "), features: words.clone(), ..Appearance::default() };
        let one = Figure { appearance: Some(looks), ..figure("Mara") };
        let recipe = Recipe { avoid: words.clone(), issues: Issue::ALL.to_vec(), retake: 2, ..told(model) };
        let order = Order::Still(StillOrder { figures: vec![one], recipe: Some(recipe), ..still(model) });
        let (positive, negative) = (text(&order, "positive"), text(&order, "negative"));
        let quality = catalogue().models[model].positive.split(',').next().unwrap().to_owned();
        prop_assert!(positive.contains(&quality));
        prop_assert!(negative.split_whitespace().count() <= 75, "{negative}");
    }
}

fn small() -> (Value, Descriptor) {
    let graph = json!({
        "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}},
        "9": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    });
    let about = toml::from_str(
        "title = \"t\"\ndoes = [\"t2i\"]\n[[outputs]]\nnode = \"9\"\nkind = \"image\"\n\
         [slots.prefix]\nto = [\"9.filename_prefix\"]\nkind = \"text\"\nrequired = true\n\
         [slots.width]\nto = [\"1.width\"]\nkind = \"int\"\nmin = 16\nmax = 128\nmultiple = 8\nunit = \"px\"\n",
    );
    (graph, about.unwrap())
}

fn faults(change: impl FnOnce(&mut Value, &mut Descriptor)) -> String {
    let (mut graph, mut about) = small();
    change(&mut graph, &mut about);
    let faults = Workflow::new("own", graph, about).unwrap_err();
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_broken_workflow_is_refused_with_node_and_input() {
    let (graph, about) = small();
    Workflow::new("own", graph, about).unwrap();
    assert!(
        faults(|graph, _| graph["9"]["inputs"]["images"] = json!(["7", 0]))
            .contains("node 9 input images is linked to node 7")
    );
    assert!(
        faults(|_, about| about.slots.get_mut("width").unwrap().to = vec!["1.widht".into()])
            .contains("node 1 has no input widht")
    );
    assert!(
        faults(|_, about| about.slots.get_mut("width").unwrap().kind = Kind::Text).contains("holds 64, not a text")
    );
    assert!(faults(|_, about| about.slots.get_mut("width").unwrap().to = vec!["9.images".into()]).contains("linked"));
    assert!(faults(|_, about| about.outputs[0].node = "8".into()).contains("output node 8 is not in the graph"));
    assert!(faults(|_, about| drop(about.slots.remove("prefix"))).contains("node 9 has no prefix"));
    assert!(
        faults(|_, about| about.slots.get_mut("prefix").unwrap().required = false).contains("node 9 has no prefix")
    );
    assert!(faults(|graph, _| *graph = json!({"nodes": [], "links": []})).contains("Export (API)"));
    assert!(
        faults(|graph, _| drop(graph["1"].as_object_mut().unwrap().remove("class_type")))
            .contains("node 1 has no class_type")
    );
}

#[test]
fn a_value_out_of_its_range_is_refused_with_the_range() {
    let (graph, about) = small();
    let flow = Workflow::new("own", graph, about).unwrap();
    let bind = |values: &[(&str, SlotValue)]| {
        let values = values.iter().map(|(slot, value)| ((*slot).to_owned(), value.clone())).collect();
        flow.bind(&values).map_err(|faults| faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    };
    let prefix = ("prefix", SlotValue::Text("studio/1".into()));
    let bound = bind(&[prefix.clone(), ("width", SlotValue::Int(128))]).unwrap();
    assert_eq!(
        (&bound["1"]["inputs"]["width"], &bound["9"]["inputs"]["filename_prefix"]),
        (&json!(128), &json!("studio/1"))
    );
    assert!(bind(&[]).unwrap_err().contains("slot prefix needs a text"));
    assert!(bind(&[prefix.clone(), ("width", SlotValue::Int(129))]).unwrap_err().contains("16 to 128 px"));
    assert!(bind(&[prefix.clone(), ("width", SlotValue::Int(20))]).unwrap_err().contains("multiple of 8"));
    assert!(bind(&[prefix.clone(), ("width", SlotValue::Text("8".into()))]).unwrap_err().contains("a whole number"));
    assert!(bind(&[prefix, ("witdh", SlotValue::Int(16))]).unwrap_err().contains("did you mean width"));
}

#[test]
fn what_a_server_lacks_is_said_with_pack_folder_and_nearest_name() {
    let flows = shipped();
    let said = |flow: &Workflow, info: Value, folders: Folders| {
        let lacks = flow.lacks(&Value::Object(flow.graph.clone()), &Nodes::from_object_info(&info), &folders);
        lacks.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let all = said(&flows["framepack_f1_i2v"], json!({}), Folders::new());
    assert!(all.contains("node FramePackSampler_F1 is missing: install ComfyUI-FramePackWrapper_Plus"), "{all}");
    assert!(all.contains("no other FramePack pack"), "{all}");
    // Old lists, new lists and dynamic ones name the same words.
    for words in [
        json!([["sd15\\v1-5-pruned.safetensors"], {}]),
        json!(["COMBO", {"options": ["sd15\\v1-5-pruned.safetensors"]}]),
        json!(["COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "sd15\\v1-5-pruned.safetensors", "inputs": {}}]}]),
    ] {
        let info = json!({"CheckpointLoaderSimple": {"input": {"required": {"ckpt_name": words}}}});
        let all = said(&flows["sd15_txt2img"], info.clone(), Folders::new());
        assert!(
            all.contains("put it into ComfyUI/models/checkpoints (nearest there: sd15\\v1-5-pruned.safetensors)"),
            "{all}"
        );
        let mut flow = flows["sd15_txt2img"].clone();
        flow.graph["4"]["inputs"]["ckpt_name"] = json!("sd15/v1-5-pruned.safetensors");
        assert!(!said(&flow, info.clone(), Folders::new()).contains("checkpoints"), "only spelled otherwise");
        let spelled = flow.spelled(&Value::Object(flow.graph.clone()), &Nodes::from_object_info(&info));
        assert_eq!(spelled["4"]["inputs"]["ckpt_name"], "sd15\\v1-5-pruned.safetensors");
    }
    let folders = Folders::from([("ipadapter".into(), vec!["ip-adapter_sd15.safetensors".into()])]);
    let all = said(&flows["sd15_txt2img_ipadapter"], json!({}), folders);
    assert!(all.contains("ip-adapter-plus_sd15.safetensors is missing: put it into ComfyUI/models/ipadapter (nearest there: ip-adapter_sd15.safetensors)"), "{all}");
}
