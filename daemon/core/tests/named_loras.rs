//! LoRAs of a film: which a picture is made with, and how more than one gets into a graph.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use studio_core::{
    model::Lora,
    production::{CharacterCast, ModelCast, ModelChoice, NamedLora},
    script::{self, Defaults, Script, ShotChange, change_shot},
    shot::{LoraAsk, ShotPlan},
    workflow::{Descriptor, SlotValue, Workflow, lora_slots},
};

fn lora(file: &str) -> Lora {
    Lora { file: file.into(), base: "sdxl".into(), strength_percent: 80, trigger: file.to_uppercase() }
}

fn named(name: &str, instead: bool, file: &str) -> NamedLora {
    NamedLora { name: name.into(), instead, lora: lora(file) }
}

fn read(text: &str) -> Script {
    script::read(text.as_bytes(), &Defaults::default()).unwrap()
}

fn plans(text: &str) -> Vec<ShotPlan> {
    read(text).scenes.into_iter().flat_map(|scene| scene.shots).map(|shot| shot.plan).collect()
}

fn ask(name: &str, strength: Option<u32>) -> LoraAsk {
    LoraAsk { name: name.into(), strength }
}

const PLAY: &str = "INT. HALL - DAY\n\n[[lora: Red Dress]]\n\nMARA enters. [[shot: lora: rain 60%, wide]]\n\nBEN waits. [[shot: lora: red dress 50%]]\n\nEXT. GARDEN - DAY\n\nMARA sings.\n";

#[test]
fn a_note_counts_for_its_scene_or_its_shot() {
    let asked: Vec<Vec<LoraAsk>> = plans(PLAY).into_iter().map(|plan| plan.loras).collect();
    let both = vec![ask("Red Dress", None), ask("rain", Some(60))];
    assert_eq!(asked, [both, vec![ask("red dress", Some(50))], vec![]], "of two of one name the shot's counts");
    for (note, said) in
        [("lora: red dress 201%", "1% to 200%"), ("lora:", "at most 40"), ("shot: lora: a: b", "at most 40")]
    {
        let text = format!("INT. HALL - DAY\n\nMARA enters. [[{note}]]\n");
        let refused = script::read(text.as_bytes(), &Defaults::default()).unwrap_err()[0].to_string();
        assert!(refused.contains(said), "{note}: {refused}");
    }
}

#[test]
fn a_shot_keeps_what_it_asks_for_when_it_is_changed_and_asks_for_what_is_said() {
    let defaults = Defaults::default();
    let wider = ShotChange { planned_ms: Some(Some(4_000)), ..ShotChange::default() };
    let text = change_shot(PLAY, (1, 1), &wider, &defaults).unwrap();
    assert!(text.contains("lora: rain 60%") && text.contains("[[lora: Red Dress]]"), "{text}");
    let none = ShotChange { loras: Some(vec![]), ..ShotChange::default() };
    let text = change_shot(&text, (1, 1), &none, &defaults).unwrap();
    assert_eq!(plans(&text)[0].loras, [ask("Red Dress", None)], "the scene's stays");
    let snow = ShotChange { loras: Some(vec![ask("snow", Some(120))]), ..ShotChange::default() };
    let text = change_shot(&text, (2, 1), &snow, &defaults).unwrap();
    assert_eq!(plans(&text)[2].loras, [ask("snow", Some(120))]);
    let wrong = ShotChange { loras: Some(vec![ask("a]], b", None)]), ..ShotChange::default() };
    assert!(change_shot(&text, (2, 1), &wrong, &defaults).unwrap_err().contains("name of a LoRA"));
}

#[test]
fn a_picture_is_made_with_what_makes_who_is_alone_in_it_and_with_the_films_own() {
    let mara = CharacterCast {
        loras: vec![lora("face")],
        named: vec![named("red dress", false, "dress"), named("Child", true, "child")],
        ..CharacterCast::default()
    };
    let cast = ModelCast {
        characters: [("mara".into(), mara)].into(),
        loras: vec![lora("oil")],
        named: vec![named("rain", false, "drops")],
        ..ModelCast::default()
    };
    let hand = ModelChoice { model: "sdxl".into(), lora_base: Some("sdxl".into()), ..ModelChoice::default() };
    let with = |names: &[&str], asks: &[LoraAsk]| {
        let plan = ShotPlan {
            characters: names.iter().map(ToString::to_string).collect(),
            loras: asks.to_vec(),
            ..plans(PLAY).remove(0)
        };
        let loras = cast.shown(&hand, &plan, None, true).loras;
        let all: Vec<String> = loras.iter().map(|one| format!("{} {}", one.file, one.strength_percent)).collect();
        (all.join(", "), cast.unknown_loras(&plan).map(str::to_owned).collect::<BTreeSet<_>>())
    };
    let none = BTreeSet::new();
    assert_eq!(with(&["MARA"], &[]), ("face 80, oil 80".into(), none.clone()));
    assert_eq!(with(&["Mara"], &[ask("RED DRESS", Some(50))]), ("face 80, dress 50, oil 80".into(), none.clone()));
    assert_eq!(with(&["MARA"], &[ask("child", None)]), ("child 80, oil 80".into(), none.clone()), "in her place");
    assert_eq!(
        with(&["MARA", "BEN"], &[ask("red dress", None)]),
        ("oil 80".into(), none.clone()),
        "it would change both"
    );
    assert_eq!(with(&[], &[ask("rain", Some(30))]), ("oil 80, drops 30".into(), none));
    assert_eq!(with(&["BEN"], &[ask("red dress", None)]).1, ["red dress".to_owned()].into(), "that is hers");
    // Another architecture's do nothing.
    let other = ModelChoice { lora_base: Some("sd15".into()), ..hand.clone() };
    assert!(cast.shown(&other, &plans(PLAY)[0], None, true).loras.is_empty());
    // What portraits and datasets are made from is the character alone.
    assert_eq!(cast.recipe(&hand, &["MARA".into()], None, true).loras, [lora("face")]);
}

macro_rules! shipped {
    ($name:literal) => {{
        let about: Descriptor = toml::from_str(include_str!(concat!("../../../workflows/", $name, ".toml"))).unwrap();
        let graph = serde_json::from_str(include_str!(concat!("../../../workflows/", $name, ".json"))).unwrap();
        Workflow::new($name, graph, about).unwrap()
    }};
}

fn bound(flow: &Workflow, loras: &[(&str, f64)]) -> Value {
    let mut values: BTreeMap<String, SlotValue> = BTreeMap::new();
    for (name, slot) in flow.about.slots.iter().filter(|(name, slot)| slot.required && !name.starts_with("lora")) {
        let value = match slot.kind {
            studio_core::workflow::Kind::Int => SlotValue::Int(slot.min.unwrap_or(1.0) as i64),
            _ => SlotValue::Text("x".into()),
        };
        values.insert(name.clone(), value);
    }
    for (nth, (file, strength)) in (1..).zip(loras) {
        let (slot, strong) = lora_slots(nth);
        values.extend([(slot, SlotValue::Text((*file).into())), (strong, SlotValue::Float(*strength))]);
    }
    flow.bind(&values).unwrap()
}

/// Files and strengths of the loaders between an input of a node and what gives it.
fn chain(graph: &Value, node: &str, input: &str) -> Vec<(String, f64)> {
    let mut found = Vec::new();
    let mut at = &graph[node]["inputs"][input];
    while let Some(id) = at[0].as_str() {
        let inputs = &graph[id]["inputs"];
        if let Some(file) = inputs["lora_name"].as_str() {
            let clip = inputs.get("strength_clip");
            assert!(clip.is_none_or(|clip| *clip == inputs["strength_model"]), "{inputs}");
            found.push((file.to_owned(), inputs["strength_model"].as_f64().unwrap()));
        }
        at = inputs.get(input).unwrap_or(&Value::Null);
    }
    found.reverse();
    found
}

#[test]
fn every_lora_has_a_loader_and_they_act_in_order() {
    let loras = [("a.safetensors", 0.8), ("b.safetensors", 0.5), ("c.safetensors", -0.2)];
    let wanted =
        |count: usize| loras[..count].iter().map(|(file, much)| ((*file).to_owned(), *much)).collect::<Vec<_>>();
    let flows = [
        (shipped!("sd15_txt2img_lora"), "3", "6", 4),
        (shipped!("sdxl_img2img_lora_ipadapter"), "3", "7", 4),
        // These have no node for one.
        (shipped!("sd15_txt2img_ipadapter_2"), "3", "6", 4),
        (shipped!("sdxl_txt2img"), "3", "7", 4),
    ];
    for (flow, sampler, words, checkpoint) in &flows {
        assert_eq!(flow.takes_loras(9), Ok(()), "{}", flow.name);
        let one = usize::from(flow.about.slots.contains_key("lora"));
        for count in one..=3 {
            let graph = bound(flow, &loras[..count]);
            assert_eq!(chain(&graph, sampler, "model"), wanted(count), "{} with {count}", flow.name);
            assert_eq!(chain(&graph, words, "clip"), wanted(count), "{} with {count}", flow.name);
            assert_eq!(graph.as_object().unwrap().len(), flow.graph.len() + count - one);
            // The picture is still decoded by the checkpoint's own.
            let vae = graph.as_object().unwrap().values().find(|node| node["class_type"] == "VAEDecode").unwrap();
            assert_eq!(vae["inputs"]["vae"], json!([checkpoint.to_string(), 2]), "{}", flow.name);
            assert!(Workflow::new("bound", graph, flow.about.clone()).is_ok(), "{}", flow.name);
        }
    }
}

#[test]
fn a_node_of_which_nobody_knows_what_it_gives_on_takes_one() {
    let mut flow = shipped!("sd15_txt2img_lora");
    flow.graph["10"]["class_type"] = json!("Power Lora Loader (rgthree)");
    assert_eq!(flow.takes_loras(1), Ok(()));
    assert_eq!(flow.takes_loras(2), Err("Power Lora Loader (rgthree)".into()));
    let without = shipped!("wan21_t2v");
    assert_eq!(without.takes_loras(1), Err(String::new()), "there is no checkpoint");
    let clips = shipped!("ltxv_i2v_lora");
    let graph = bound(&clips, &[("a", 1.0), ("b", 0.5)]);
    let loaders = graph.as_object().unwrap().values().filter(|node| node["class_type"] == "LoraLoaderModelOnly");
    assert_eq!(loaders.count(), 2);
}
