//! Graph: what a ComfyUI graph says, found by following its links back from the node that samples.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use studio_core::{dataset::Made, units::Seed, workflow::SlotValue};

/// Nodes that are looked at while one thing is looked for.
const MOST_NODES: usize = 256;
/// Links by which a sampler that is made of parts reaches them.
const PARTS: [&str; 5] = ["noise", "guider", "sampler", "sigmas", "latent_image"];
/// Inputs of a node that holds nothing but a value.
const VALUES: [&str; 7] = ["value", "seed", "int", "float", "string", "text", "number"];
/// Inputs in which nodes keep the words of a prompt.
const WORDS: [&str; 6] = ["text", "text_g", "t5xxl", "clip_l", "prompt", "text_positive"];

/// Nodes by id.
struct Graph(Map<String, Value>);

/// What the graph in a text says; `None`: it is no graph, or nothing in it samples.
pub fn made(text: &str) -> Option<Made> {
    // What changes by itself is written as NaN, which is no JSON.
    let parsed = serde_json::from_str(text).or_else(|_| serde_json::from_str(&text.replace("NaN", "null")));
    let Ok(Value::Object(nodes)) = parsed else { return None };
    let graph = Graph(nodes);
    let sampler = graph.sampler()?;
    let mut made = Made { engine: "comfy".into(), ..Made::default() };
    made.seed = graph.value(sampler, &["seed", "noise_seed"]).and_then(Value::as_u64).map(Seed);
    made.prompt = graph.words(sampler, "positive");
    made.negative = graph.words(sampler, "negative");
    graph.model(sampler, &mut made);
    let names = [
        ("steps", &["steps"][..]),
        ("cfg", &["cfg", "guidance"]),
        ("sampler", &["sampler_name"]),
        ("scheduler", &["scheduler"]),
        ("denoise", &["denoise"]),
    ];
    for (name, inputs) in names {
        let value = match graph.value(sampler, inputs) {
            Some(Value::String(text)) => SlotValue::Text(text.clone()),
            Some(Value::Number(number)) if name == "steps" => match number.as_i64() {
                Some(number) => SlotValue::Int(number),
                None => continue,
            },
            Some(Value::Number(number)) => SlotValue::Float(number.as_f64().unwrap_or_default()),
            _ => continue,
        };
        made.settings.insert(name.into(), value);
    }
    Some(made)
}

impl Graph {
    fn inputs(&self, node: &str) -> Option<&Map<String, Value>> {
        self.0.get(node)?.get("inputs")?.as_object()
    }

    /// The node that a value links to.
    fn link(value: &Value) -> Option<&str> {
        let [node, Value::Number(_)] = value.as_array()?.as_slice() else { return None };
        node.as_str()
    }

    /// The node that samples; of several the one with the least number, which begins from noise.
    fn sampler(&self) -> Option<&str> {
        let samples = |inputs: &Map<String, Value>| {
            let has = |name: &str| inputs.contains_key(name);
            (has("seed") || has("noise_seed")) && has("steps") || has("noise") && has("sigmas")
        };
        let nodes = self.0.keys().filter(|node| self.inputs(node).is_some_and(samples));
        // Parts of a graph that was made of groups are numbered `12:3`.
        let number =
            |node: &&String| node.split(':').map(|part| part.parse().unwrap_or(u64::MAX)).collect::<Vec<u64>>();
        nodes.min_by_key(number).map(String::as_str)
    }

    /// The value of an input with one of these names, of a node or of the parts it is made of; links are followed.
    fn value(&self, node: &str, names: &[&str]) -> Option<&Value> {
        let mut waiting = vec![(node, false)];
        let mut seen = BTreeSet::new();
        while let Some((node, of_link)) = waiting.pop() {
            if !seen.insert(node) || seen.len() > MOST_NODES {
                continue;
            }
            let Some(inputs) = self.inputs(node) else { continue };
            let mut all = names.iter().chain(VALUES.iter().filter(|_| of_link));
            let Some(value) = all.find_map(|name| inputs.get(*name)) else {
                waiting.extend(PARTS.iter().rev().filter_map(|part| Some((Self::link(inputs.get(*part)?)?, false))));
                continue;
            };
            match Self::link(value) {
                Some(next) => waiting.push((next, true)),
                None if !value.is_array() => return Some(value),
                None => {}
            }
        }
        None
    }

    /// The words that lead to one side of a sampler; several are joined by commas.
    fn words(&self, node: &str, side: &str) -> String {
        // Whether the way led through the side: what joins, changes or passes on conditions has no sides any more.
        let mut waiting = vec![(node, side == "positive")];
        let mut seen = BTreeSet::new();
        let mut words: Vec<&str> = Vec::new();
        while let Some((node, through)) = waiting.pop() {
            if !seen.insert(node) || seen.len() > MOST_NODES {
                continue;
            }
            let Some(inputs) = self.inputs(node) else { continue };
            let told = WORDS.iter().find_map(|name| match inputs.get(*name)? {
                Value::String(text) => Some(text.as_str()),
                link => self.value(Self::link(link)?, &VALUES).and_then(Value::as_str),
            });
            if let Some(text) = told.map(str::trim).filter(|_| seen.len() > 1) {
                if !text.is_empty() && !words.contains(&text) {
                    words.push(text);
                }
                continue;
            }
            let next = inputs.iter().filter_map(|(name, value)| {
                let on = name == side || name == "guider" || (through && name.starts_with("conditioning"));
                Some((Self::link(value).filter(|_| on)?, through || name == side))
            });
            waiting.extend(next.collect::<Vec<_>>().into_iter().rev());
        }
        words.join(", ")
    }

    /// The model that samples, and what was added to it, in the order in which it was added.
    fn model(&self, sampler: &str, made: &mut Made) {
        let mut waiting = vec![sampler];
        let mut seen = BTreeSet::new();
        while let Some(node) = waiting.pop() {
            if !seen.insert(node) || seen.len() > MOST_NODES {
                continue;
            }
            let Some(inputs) = self.inputs(node) else { continue };
            let text = |name: &str| inputs.get(name).and_then(Value::as_str);
            if let Some(lora) = text("lora_name") {
                let strength = inputs.get("strength_model").and_then(Value::as_f64).unwrap_or(1.0);
                made.loras.insert(0, format!("{lora}@{strength}"));
            }
            if let Some(model) = text("ckpt_name").or_else(|| text("unet_name")) {
                model.clone_into(&mut made.model);
                return;
            }
            waiting.extend(["guider", "model"].iter().filter_map(|name| Self::link(inputs.get(*name)?)));
        }
    }
}
