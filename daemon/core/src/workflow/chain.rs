//! Chain: LoRAs that a graph has no node for go into loaders of their own, one behind the other.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Kind, Slot, Workflow, link, target};

/// Loaders of LoRAs, with the inputs their outputs come from, by output.
const LOADERS: [(&str, &[&str]); 2] = [("LoraLoader", &["model", "clip"]), ("LoraLoaderModelOnly", &["model"])];
/// Gives what a loader takes, in that order.
const CHECKPOINT: &str = "CheckpointLoaderSimple";

/// Slots of the `nth` LoRA, from 1: its file, and how strongly it acts.
pub fn lora_slots(nth: usize) -> (String, String) {
    if nth == 1 {
        ("lora".into(), "lora_strength".into())
    } else {
        (format!("lora_{nth}"), format!("lora_strength_{nth}"))
    }
}

/// Which LoRA a slot is of, from 1, and whether it is its strength.
fn which(slot: &str) -> Option<(usize, bool)> {
    let rest = slot.strip_prefix("lora")?;
    let (rest, strength) = rest.strip_prefix("_strength").map_or((rest, false), |rest| (rest, true));
    match rest.strip_prefix('_') {
        Some(nth) => nth.parse().ok().filter(|nth| *nth > 1).map(|nth| (nth, strength)),
        None => rest.is_empty().then_some((1, strength)),
    }
}

/// A place for loaders of LoRAs in a graph.
struct Place<'a> {
    /// The node they are put behind.
    behind: &'a str,
    /// What each of them is like.
    node: Map<String, Value>,
    /// Inputs that outputs come from, by output.
    passed: &'static [&'static str],
    /// Inputs for the file, and for the strength.
    inputs: [Vec<&'a str>; 2],
}

impl Workflow {
    /// Where LoRAs go that have no slot: behind the one that has, else behind the checkpoint. The error is the class of a node of which
    /// nobody knows what it gives on; empty: there is no such node.
    fn place(&self) -> Result<Place<'_>, String> {
        let class = |node: &Value| node.get("class_type").and_then(Value::as_str).unwrap_or_default().to_owned();
        if let Some(slot) = self.about.slots.get("lora") {
            let (behind, _) = slot.to.iter().find_map(|to| target(to)).ok_or_else(String::new)?;
            let node = self.graph.get(behind).ok_or_else(String::new)?;
            let known = LOADERS.iter().find(|(known, _)| class(node) == *known);
            let (_, passed) = known.ok_or_else(|| class(node))?;
            let inputs = ["lora", "lora_strength"].map(|slot| {
                let to = self.about.slots.get(slot).map(|slot| &slot.to).into_iter().flatten();
                let here = to.filter_map(|to| target(to)).filter(|(node, _)| *node == behind);
                here.map(|(_, input)| input).collect()
            });
            return Ok(Place { behind, node: node.as_object().cloned().unwrap_or_default(), passed, inputs });
        }
        let mut checkpoints = self.graph.iter().filter(|(_, node)| class(node) == CHECKPOINT);
        let (Some((behind, _)), None) = (checkpoints.next(), checkpoints.next()) else { return Err(String::new()) };
        let (class, passed) = LOADERS[0];
        let node = json!({ "class_type": class, "inputs": {}, "_meta": { "title": "LoRA" } });
        let inputs = [vec!["lora_name"], vec!["strength_model", "strength_clip"]];
        Ok(Place { behind, node: node.as_object().cloned().unwrap_or_default(), passed, inputs })
    }

    /// Whether so many LoRAs have a place in the graph; the error is the class of the node that no other can be put behind, empty where
    /// there is none.
    ///
    /// # Errors
    /// There is no place for so many: the class of the node that stands in the way, empty where there is none.
    pub fn takes_loras(&self, count: usize) -> Result<(), String> {
        let all_have_slots = (1..=count).all(|nth| self.about.slots.contains_key(&lora_slots(nth).0));
        if all_have_slots { Ok(()) } else { self.place().map(drop) }
    }

    /// Whether a value of this slot has a place in the graph: a slot, or a loader that is put in for it.
    pub fn takes(&self, slot: &str) -> bool {
        self.about.slots.contains_key(slot) || self.added(slot).is_some()
    }

    /// What a value must be that goes into a loader that is put in for it: as the slot of the first LoRA says.
    pub(super) fn added(&self, slot: &str) -> Option<Slot> {
        let (nth, is_strength) = which(slot).filter(|_| !self.about.slots.contains_key(slot))?;
        self.takes_loras(nth).ok()?;
        let (file, strength) = lora_slots(1);
        let first = self.about.slots.get(if is_strength { &strength } else { &file }).cloned();
        Some(first.unwrap_or_else(|| Slot {
            to: Vec::new(),
            kind: if is_strength { Kind::Float } else { Kind::File },
            required: false,
            min: None,
            max: None,
            multiple: None,
            unit: None,
            folder: (!is_strength).then(|| "loras".to_owned()),
            about: None,
        }))
    }

    /// Puts a loader into the graph for each LoRA that has no slot, in their order, between what they go behind and whatever that gives on
    /// to. `values` are those of the graph, by slot.
    pub(super) fn chain(&self, graph: &mut Map<String, Value>, values: &BTreeMap<&str, Value>) {
        let Ok(place) = self.place() else { return };
        let mut last = place.behind.to_owned();
        for nth in 1.. {
            let (file, strength) = lora_slots(nth);
            if self.about.slots.contains_key(&file) {
                continue;
            }
            let Some(name) = values.get(&*file) else { break };
            let mut loader = Value::Object(place.node.clone());
            for (output, input) in place.passed.iter().enumerate() {
                loader["inputs"][*input] = json!([last, output]);
            }
            let given = [Some(name), values.get(&*strength)];
            for (inputs, value) in place.inputs.iter().zip(given) {
                for input in inputs {
                    loader["inputs"][*input] = value.cloned().unwrap_or_else(|| json!(1.0));
                }
            }
            last = free(graph);
            graph.insert(last.clone(), loader);
        }
        if last == place.behind {
            return;
        }
        // The chain itself hangs on what it was put behind.
        for (_, other) in graph.iter_mut().filter(|(id, _)| self.graph.contains_key(*id)) {
            let inputs = other.get_mut("inputs").and_then(Value::as_object_mut);
            for value in inputs.into_iter().flat_map(|inputs| inputs.values_mut()) {
                let from = link(value).filter(|(from, _)| *from == place.behind).map(|(_, output)| output);
                // A checkpoint has a VAE, too, which no loader gives on.
                if let Some(output) = from.filter(|output| (*output as usize) < place.passed.len()) {
                    *value = json!([last, output]);
                }
            }
        }
    }
}

/// The id of a node that is not there yet: ids of graphs are numbers.
fn free(graph: &Map<String, Value>) -> String {
    let most = graph.keys().filter_map(|id| id.parse::<u64>().ok()).max().unwrap_or(0);
    (most + 1).to_string()
}
