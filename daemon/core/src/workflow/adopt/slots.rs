//! Slots: which inputs of a graph the studio has names for.

use serde_json::Value;

use super::graph::{Graph, Place};
use crate::workflow::{Kind, Slot};

/// Largest seed that every reader of JSON keeps as it is.
const LARGEST_SEED: f64 = 9_007_199_254_740_991.0;

/// An input the studio has a name for.
struct Known {
    slot: &'static str,
    inputs: &'static [&'static str],
    /// Nodes it counts on; every node when nothing is said.
    on: fn(&Graph<'_>, &str) -> bool,
    kind: Kind,
    min: Option<f64>,
    max: Option<f64>,
    /// Unit of a number, or the folder of a file.
    of: &'static str,
}

impl Known {
    const fn file(
        slot: &'static str,
        inputs: &'static [&'static str],
        on: fn(&Graph<'_>, &str) -> bool,
        of: &'static str,
    ) -> Self {
        Self { slot, inputs, on, kind: Kind::File, min: None, max: None, of }
    }

    const fn number(
        slot: &'static str,
        inputs: &'static [&'static str],
        on: fn(&Graph<'_>, &str) -> bool,
        kind: Kind,
        range: [f64; 2],
        of: &'static str,
    ) -> Self {
        Self { slot, inputs, on, kind, min: Some(range[0]), max: Some(range[1]), of }
    }

    const fn plain(
        slot: &'static str,
        inputs: &'static [&'static str],
        on: fn(&Graph<'_>, &str) -> bool,
        kind: Kind,
    ) -> Self {
        Self { slot, inputs, on, kind, min: None, max: None, of: "" }
    }
}

fn any(_: &Graph<'_>, _: &str) -> bool {
    true
}

/// Nodes that sample, schedule or guide.
pub(super) fn samples(graph: &Graph<'_>, node: &str) -> bool {
    let class = graph.class(node);
    let has = |name: &str| graph.input(node, name).is_some();
    ["Sampler", "Scheduler", "Guider"].iter().any(|word| class.contains(word))
        || (has("positive") && (has("seed") || has("noise_seed")))
}

/// A sampler whose own guidance is distilled keeps its `cfg` at 1.
fn guides(graph: &Graph<'_>, node: &str) -> bool {
    samples(graph, node) && graph.input(node, "guidance_scale").is_none()
}

fn patches_shift(graph: &Graph<'_>, node: &str) -> bool {
    graph.class(node).starts_with("ModelSampling")
}

fn is(graph: &Graph<'_>, node: &str, word: &str) -> bool {
    graph.class(node).to_lowercase().contains(word)
}

/// Every input with a name, in the order in which they are looked for.
const KNOWN: [Known; 34] = [
    Known::number("seed", &["seed", "noise_seed"], any, Kind::Int, [0.0, LARGEST_SEED], ""),
    Known::number("steps", &["steps"], samples, Kind::Int, [1.0, 200.0], ""),
    Known::number("cfg", &["cfg"], guides, Kind::Float, [0.0, 30.0], ""),
    Known::number("guidance", &["guidance", "guidance_scale"], any, Kind::Float, [0.0, 32.0], ""),
    Known::number("shift", &["shift"], patches_shift, Kind::Float, [0.0, 100.0], ""),
    Known::plain("sampler", &["sampler_name"], any, Kind::Choice),
    Known::plain("scheduler", &["scheduler"], any, Kind::Choice),
    Known::number("seconds", &["total_second_length", "seconds", "duration"], any, Kind::Float, [0.1, 600.0], "s"),
    Known::number("latent_window", &["latent_window_size"], any, Kind::Int, [1.0, 33.0], ""),
    Known::number("preserve_gib", &["gpu_memory_preservation"], any, Kind::Float, [0.0, 128.0], "GiB"),
    Known::plain("teacache", &["use_teacache"], any, Kind::Bool),
    Known::number("base_resolution", &["base_resolution"], any, Kind::Int, [128.0, 1280.0], "px"),
    Known::number(
        "multiplier",
        &["multiplier"],
        |graph, node| is(graph, node, "interpolat") || is(graph, node, "rife") || is(graph, node, "film"),
        Kind::Int,
        [2.0, 16.0],
        "",
    ),
    Known::number("scale", &["scale_by"], any, Kind::Float, [0.01, 8.0], ""),
    Known::number("bpm", &["bpm"], any, Kind::Int, [10.0, 300.0], ""),
    Known::plain("lyrics", &["lyrics"], any, Kind::Text),
    Known::number(
        "strength",
        &["strength"],
        |graph, node| is(graph, node, "imgtovideo") || is(graph, node, "imagetovideo"),
        Kind::Float,
        [0.0, 1.0],
        "",
    ),
    Known::number(
        "ipadapter_weight",
        &["weight"],
        |graph, node| is(graph, node, "ipadapter"),
        Kind::Float,
        [-1.0, 3.0],
        "",
    ),
    Known::number(
        "ipadapter_end",
        &["end_at"],
        |graph, node| is(graph, node, "ipadapter"),
        Kind::Float,
        [0.0, 1.0],
        "",
    ),
    Known::file("lora", &["lora_name", "lora"], |graph, node| is(graph, node, "lora"), "loras"),
    Known::number(
        "lora_strength",
        &["strength_model", "strength_clip", "strength"],
        |graph, node| is(graph, node, "lora"),
        Kind::Float,
        [-2.0, 2.0],
        "",
    ),
    Known::file("checkpoint", &["ckpt_name"], any, "checkpoints"),
    Known::file("gguf", &["unet_name"], |graph, node| is(graph, node, "gguf"), "unet_gguf"),
    Known::file("model", &["unet_name"], |graph, node| !is(graph, node, "gguf"), "diffusion_models"),
    Known::file(
        "model",
        &["model"],
        |graph, node| is(graph, node, "load") && is(graph, node, "model"),
        "diffusion_models",
    ),
    Known::file("model", &["model_name"], |graph, node| is(graph, node, "upscalemodel"), "upscale_models"),
    Known::file("model", &["model_name"], |graph, node| is(graph, node, "interpolationmodel"), "frame_interpolation"),
    Known::file("vae", &["vae_name"], any, "vae"),
    Known::file("clip_vision", &["clip_name"], |graph, node| is(graph, node, "clipvision"), "clip_vision"),
    Known::file(
        "text_encoder",
        &["clip_name", "clip_name1"],
        |graph, node| !is(graph, node, "clipvision"),
        "text_encoders",
    ),
    Known::file("text_encoder_2", &["clip_name2"], any, "text_encoders"),
    Known::file("control_net", &["control_net_name"], any, "controlnet"),
    Known::plain(
        "video",
        &["file", "video"],
        |graph, node| is(graph, node, "loadvideo") || is(graph, node, "load_video"),
        Kind::Video,
    ),
    Known::number("tile", &["tile_size"], |graph, node| is(graph, node, "tiled"), Kind::Int, [64.0, 4096.0], "px"),
];

/// Slots of which nothing runs without a value.
const REQUIRED: [&str; 9] =
    ["positive", "seed", "length", "seconds", "prefix", "image", "end_image", "reference", "video"];

/// A slot that goes to these places.
pub(super) fn slot(name: &str, kind: Kind, places: &[Place]) -> Slot {
    Slot {
        to: places.iter().map(Place::target).collect(),
        kind,
        required: REQUIRED.contains(&name),
        min: None,
        max: None,
        multiple: None,
        unit: None,
        folder: None,
        about: None,
    }
}

/// The slots that the inputs of the `reached` nodes tell by their names.
pub(super) fn told(graph: &Graph<'_>, reached: &[String]) -> Vec<(&'static str, Slot)> {
    let mut slots: Vec<(&'static str, Slot)> = Vec::new();
    for known in &KNOWN {
        let fits = fits(known.kind);
        let on = reached.iter().filter(|node| (known.on)(graph, node));
        // A loader names its file itself: what is linked there is a model, and not the name of one.
        let own = |node: &str, input: &str| known.kind != Kind::File || graph.link(node, input).is_none();
        let mut places: Vec<Place> = on
            .flat_map(|node| {
                known.inputs.iter().filter(|input| own(node, input)).filter_map(|input| graph.source(node, input, fits))
            })
            .collect();
        // In the order of the graph, a place that two inputs share once.
        places.sort();
        places.dedup();
        if places.is_empty() || slots.iter().any(|(slot, _)| *slot == known.slot) {
            continue;
        }
        let file = known.kind == Kind::File;
        let of = (!known.of.is_empty()).then(|| known.of.to_owned());
        let (unit, folder) = if file { (None, of) } else { (of, None) };
        let (min, max) = (known.min, known.max);
        slots.push((known.slot, Slot { min, max, unit, folder, ..slot(known.slot, known.kind, &places) }));
    }
    slots
}

/// Whether a value of a graph may be one of a kind.
fn fits(kind: Kind) -> fn(&Value) -> bool {
    match kind {
        Kind::Int => |value| value.as_i64().is_some() || value.as_u64().is_some(),
        Kind::Float => Value::is_number,
        Kind::Bool => Value::is_boolean,
        _ => Value::is_string,
    }
}
