//! Graphs from elsewhere: what is drafted of a shipped graph is what its own description says, and of others what a
//! person would have written.

use std::{collections::BTreeSet, fs, path::PathBuf};

use serde_json::{Value, json};
use studio_core::workflow::{Ability, Adopted, Descriptor, Kind, LengthRule, Workflow, adopt};

/// Slots that the graph alone tells.
const TOLD: [&str; 36] = [
    "positive",
    "negative",
    "seed",
    "steps",
    "cfg",
    "guidance",
    "sampler",
    "scheduler",
    "shift",
    "width",
    "height",
    "base_resolution",
    "length",
    "seconds",
    "fps",
    "batch",
    "image",
    "end_image",
    "reference",
    "video",
    "denoise",
    "strength",
    "checkpoint",
    "model",
    "gguf",
    "vae",
    "text_encoder",
    "text_encoder_2",
    "clip_vision",
    "lora",
    "lora_strength",
    "ipadapter_weight",
    "preserve_gib",
    "multiplier",
    "lyrics",
    "prefix",
];

fn shipped() -> Vec<(String, Value, Descriptor)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../workflows");
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "json") {
            let graph = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
            let about = toml::from_str(&fs::read_to_string(path.with_extension("toml")).unwrap()).unwrap();
            let about: Descriptor = about;
            // What trains is named by a trainer and drafted for nobody: it leaves a LoRA, no picture.
            if about.does.contains(&Ability::Train) {
                continue;
            }
            all.push((path.file_stem().unwrap().to_str().unwrap().to_owned(), graph, about));
        }
    }
    assert!(!all.is_empty());
    all
}

fn drafted(graph: Value) -> Adopted {
    adopt("own", graph).unwrap_or_else(|faults| panic!("{faults:?}"))
}

fn to(adopted: &Adopted, slot: &str) -> Vec<String> {
    adopted.workflow.about.slots.get(slot).map(|slot| slot.to.clone()).unwrap_or_default()
}

#[test]
fn a_shipped_graph_is_described_as_its_own_file_does() {
    let mut wrong = Vec::new();
    for (name, graph, about) in shipped() {
        let Adopted { workflow, remarks } =
            adopt(&name, graph.clone()).unwrap_or_else(|faults| panic!("{name}: {faults:?}"));
        let own = &workflow.about;
        let places = |about: &Descriptor, slot: &str| {
            let slot = about.slots.get(slot)?;
            Some((slot.to.iter().cloned().collect::<BTreeSet<_>>(), slot.kind, slot.required))
        };
        // Whether the LoRA is part of the graph or only an example in it, the graph does not tell.
        let told = |about: &Descriptor, slot: &str| {
            places(about, slot).map(|(to, kind, required)| (to, kind, required && slot != "lora"))
        };
        for slot in TOLD {
            let (there, here) = (told(&about, slot), told(own, slot));
            // What is more than the file names is no fault: a model's own list of samplers, say.
            if there.is_some() && there != here {
                wrong.push(format!("{name}.{slot}: {there:?} but {here:?}"));
            }
        }
        for slot in
            ["positive", "negative", "image", "end_image", "reference", "length", "checkpoint", "model", "gguf", "lora"]
        {
            if about.slots.contains_key(slot) != own.slots.contains_key(slot) {
                wrong.push(format!("{name}: {slot}"));
            }
        }
        let does = |about: &Descriptor| {
            about.does.iter().copied().filter(|one| *one != Ability::Selftest).collect::<BTreeSet<_>>()
        };
        let steps = |about: &Descriptor| match about.length {
            Some(LengthRule::Steps { every, plus, .. }) => Some((every, plus, false)),
            Some(LengthRule::Framepack { window, f1, .. }) => Some((window, 0, f1)),
            None => None,
        };
        if about.outputs != own.outputs
            || does(&about) != does(own)
            || steps(&about) != steps(own)
            || about.stepping != own.stepping
        {
            wrong.push(format!("{name}: {:?} {:?} {:?} {remarks:?}", own.does, own.length, own.stepping));
        }
        assert_eq!(Value::Object(workflow.graph), graph, "{name}: nothing in it has to change");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A graph as the newer examples of models are: a guider, and the parts of sampling in nodes of their own.
fn flux() -> Value {
    json!({
        "1": { "class_type": "UNETLoader", "inputs": { "unet_name": "flux1-dev.safetensors", "weight_dtype": "default" } },
        "2": { "class_type": "DualCLIPLoader", "inputs": { "clip_name1": "t5.safetensors", "clip_name2": "l.safetensors", "type": "flux" } },
        "3": { "class_type": "VAELoader", "inputs": { "vae_name": "ae.safetensors" } },
        "4": { "class_type": "PrimitiveStringMultiline", "inputs": { "value": "a fox" } },
        "5": { "class_type": "CLIPTextEncode", "inputs": { "text": ["4", 0], "clip": ["2", 0] } },
        "6": { "class_type": "FluxGuidance", "inputs": { "guidance": 3.5, "conditioning": ["5", 0] } },
        "7": { "class_type": "BasicGuider", "inputs": { "model": ["1", 0], "conditioning": ["6", 0] } },
        "8": { "class_type": "RandomNoise", "inputs": { "noise_seed": 5 } },
        "9": { "class_type": "KSamplerSelect", "inputs": { "sampler_name": "euler" } },
        "10": { "class_type": "BasicScheduler", "inputs": { "model": ["1", 0], "scheduler": "simple", "steps": 20, "denoise": 1.0 } },
        "11": { "class_type": "EmptySD3LatentImage", "inputs": { "width": 1024, "height": 1024, "batch_size": 1 } },
        "12": { "class_type": "SamplerCustomAdvanced", "inputs": {
            "noise": ["8", 0], "guider": ["7", 0], "sampler": ["9", 0], "sigmas": ["10", 0], "latent_image": ["11", 0] } },
        "13": { "class_type": "VAEDecode", "inputs": { "samples": ["12", 0], "vae": ["3", 0] } },
        "14": { "class_type": "PreviewImage", "inputs": { "images": ["13", 0] } }
    })
}

#[test]
fn parts_in_nodes_of_their_own_are_found_through_their_links() {
    let adopted = drafted(flux());
    let said = [
        ("positive", "4.value"),
        ("seed", "8.noise_seed"),
        ("guidance", "6.guidance"),
        ("steps", "10.steps"),
        ("sampler", "9.sampler_name"),
        ("width", "11.width"),
        ("model", "1.unet_name"),
        ("text_encoder", "2.clip_name1"),
        ("prefix", "14.filename_prefix"),
    ];
    for (slot, place) in said {
        assert_eq!(to(&adopted, slot), [place], "{slot}");
    }
    assert!(!adopted.workflow.about.slots.contains_key("negative"), "there is none");
    assert_eq!(adopted.workflow.graph["14"]["class_type"], "SaveImage", "what is only shown cannot be fetched");
    assert!(adopted.remarks.iter().any(|remark| remark.contains("node 14 only shows")), "{:?}", adopted.remarks);
    assert_eq!(adopted.workflow.about.stepping.as_ref().unwrap().node, "12");
    // The same in the body of a request.
    let posted = drafted(json!({ "prompt": flux(), "client_id": "x" }));
    assert_eq!(posted.workflow, adopted.workflow);
}

#[test]
fn sides_are_followed_through_what_changes_them() {
    let mut graph = json!({
        "1": { "class_type": "CheckpointLoaderSimple", "inputs": { "ckpt_name": "wan.safetensors" } },
        "2": { "class_type": "CLIPTextEncode", "inputs": { "text": "blurry", "clip": ["1", 1] } },
        "3": { "class_type": "CLIPTextEncode", "inputs": { "text": "a fox runs", "clip": ["1", 1] } },
        "4": { "class_type": "LoadImage", "inputs": { "image": "a.png" } },
        "5": { "class_type": "LoadImage", "inputs": { "image": "b.png" } },
        "6": { "class_type": "WanFirstLastFrameToVideo", "inputs": {
            "positive": ["3", 0], "negative": ["2", 0], "vae": ["1", 2], "start_image": ["4", 0], "end_image": ["5", 0],
            "width": 832, "height": 480, "length": 81, "batch_size": 1 } },
        "7": { "class_type": "KSampler", "inputs": {
            "model": ["1", 0], "positive": ["6", 0], "negative": ["6", 1], "latent_image": ["6", 2],
            "seed": 1, "steps": 20, "cfg": 5.0, "sampler_name": "uni_pc", "scheduler": "simple", "denoise": 1.0 } },
        "8": { "class_type": "VAEDecode", "inputs": { "samples": ["7", 0], "vae": ["1", 2] } },
        "9": { "class_type": "VHS_VideoCombine", "inputs": {
            "images": ["8", 0], "frame_rate": 16, "filename_prefix": "x", "format": "video/h264-mp4", "save_output": false } }
    });
    let adopted = drafted(graph.clone());
    for (slot, place) in [
        ("positive", "3.text"),
        ("negative", "2.text"),
        ("image", "4.image"),
        ("end_image", "5.image"),
        ("length", "6.length"),
    ] {
        assert_eq!(to(&adopted, slot), [place], "{slot}");
    }
    let about = &adopted.workflow.about;
    assert_eq!((&about.does[..], about.fps), (&[Ability::I2v, Ability::FirstLast][..], Some(16)));
    assert_eq!(about.length, Some(LengthRule::Steps { every: 4, plus: 1, min: 5, max: 161 }));
    assert_eq!(about.outputs[0].kind, Kind::Video);
    assert_eq!(adopted.workflow.graph["9"]["inputs"]["save_output"], true, "what is not saved cannot be fetched");
    // A side that is zeroed is none.
    graph["2"] = json!({ "class_type": "ConditioningZeroOut", "inputs": { "conditioning": ["3", 0] } });
    let zeroed = drafted(graph);
    assert_eq!((to(&zeroed, "positive"), to(&zeroed, "negative")), (vec!["3.text".to_owned()], vec![]));
}

#[test]
fn a_graph_that_cannot_be_adopted_says_why() {
    let why = |posted: Value| {
        let faults = adopt("own", posted).unwrap_err();
        faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    assert!(why(json!({ "nodes": [], "links": [] })).contains("the editor's form, not the API's"));
    let mut graph = flux();
    graph.as_object_mut().unwrap().remove("14");
    assert!(why(graph).contains("nothing in the graph is saved"));
    let mut graph = flux();
    graph.as_object_mut().unwrap().remove("12");
    assert!(why(graph).contains("linked to node 12, which is not there"));
    // Circles end.
    let circle = json!({
        "1": { "class_type": "A", "inputs": { "positive": ["2", 0], "seed": ["2", 0] } },
        "2": { "class_type": "B", "inputs": { "conditioning": ["1", 0], "value": ["1", 0] } },
        "3": { "class_type": "SaveImage", "inputs": { "images": ["1", 0], "filename_prefix": "x" } }
    });
    assert_eq!(to(&drafted(circle), "prefix"), ["3.filename_prefix"]);
}

#[test]
fn what_is_drafted_can_be_used_at_once() {
    for (name, graph, _) in shipped() {
        let Adopted { workflow, .. } = adopt(&name, graph.clone()).unwrap();
        let text = toml::to_string(&workflow.about).unwrap();
        let read: Descriptor = toml::from_str(&text).unwrap();
        assert_eq!(Workflow::new(&name, graph, read), Ok(workflow), "{name}: it is written and read again");
    }
}

#[test]
fn every_shipped_graph_is_named_by_a_model_or_stands_in_for_one() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let catalogue: studio_core::model::Catalogue =
        toml::from_str(&fs::read_to_string(root.join("models.toml")).unwrap()).unwrap();
    let named: BTreeSet<&String> = catalogue.models.values().flat_map(|model| model.workflows.values()).collect();
    let all = shipped();
    let instead = all.iter().flat_map(|(_, _, about)| [&about.tiled, &about.quantised]).flatten();
    let used: BTreeSet<&String> = named.into_iter().chain(instead).collect();
    let spare = all.iter().filter(|(_, _, about)| !about.does.contains(&Ability::Selftest));
    let spare: Vec<&String> = spare.map(|(name, ..)| name).filter(|name| !used.contains(name)).collect();
    assert!(spare.is_empty(), "no model names {spare:?}: they ship for nobody");
}
