//! Check: what a graph needs that a server does not have.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use super::{Ability, Kind, Workflow, link, target};
use crate::nearest::closest;

/// Files by folder under ComfyUI's `models`, as `/models` and `/models/{folder}` list them.
pub type Folders = BTreeMap<String, Vec<String>>;

/// Schemas of a server's nodes, from `/object_info`.
#[derive(Debug, Clone, Default)]
pub struct Nodes(BTreeMap<String, BTreeMap<String, Input>>);

#[derive(Debug, Clone, Default)]
struct Input {
    required: bool,
    /// The words it takes; `None` when it takes anything.
    words: Option<Vec<String>>,
    /// The words may be fetched by the server when asked, so the list says nothing.
    remote: bool,
}

impl Nodes {
    /// Reads `/object_info`. Combos come in three forms: `[["a","b"], {..}]`, `["COMBO", {"options": [..]}]` and
    /// `["COMFY_DYNAMICCOMBO_V3", {"options": [{"key": "a", "inputs": {..}}]}]`.
    pub fn from_object_info(info: &Value) -> Self {
        let class = |(class, about): (&String, &Value)| {
            let mut inputs = BTreeMap::new();
            for (group, required) in [("required", true), ("optional", false)] {
                let listed = about.get("input").and_then(|input| input.get(group)).and_then(Value::as_object);
                for (name, kind) in listed.into_iter().flatten() {
                    inputs.insert(name.clone(), Input::read(kind, required));
                }
            }
            (class.clone(), inputs)
        };
        Self(info.as_object().into_iter().flatten().map(class).collect())
    }

    /// Whether the server has this class.
    pub fn has(&self, class: &str) -> bool {
        self.0.contains_key(class)
    }

    /// The words an input takes; `None` when it takes anything or is not there.
    pub fn words(&self, class: &str, input: &str) -> Option<&[String]> {
        self.0.get(class)?.get(input)?.words.as_deref()
    }
}

impl Input {
    fn read(kind: &Value, required: bool) -> Self {
        let texts = |list: &Value| -> Vec<String> {
            let word = |word: &Value| match word {
                Value::String(word) => Some(word.clone()),
                Value::Object(option) => option.get("key").and_then(Value::as_str).map(str::to_owned),
                Value::Number(number) => Some(number.to_string()),
                Value::Bool(word) => Some(word.to_string()),
                _ => None,
            };
            list.as_array().into_iter().flatten().filter_map(word).collect()
        };
        let options = || kind.get(1).and_then(|about| about.get("options")).map(&texts);
        let remote = kind.get(1).is_some_and(|about| about.get("remote").is_some());
        let words = match kind.get(0) {
            Some(list @ Value::Array(_)) => Some(texts(list)),
            Some(Value::String(word)) if word == "COMBO" || word.starts_with("COMFY_DYNAMICCOMBO") => options(),
            _ => None,
        };
        Self { required, words, remote }
    }
}

/// Something a server does not have, said with the remedy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// A class of nodes.
    Node {
        /// The missing class, as the graph names it, e.g. `KSampler`.
        class: String,
        /// The pack it comes from, when the workflow says.
        pack: Option<String>,
    },
    /// A model file.
    File {
        /// Folder under `models`; `None` when nobody says.
        folder: Option<String>,
        /// Name of the file as the workflow gives it, with any sub-folder.
        name: String,
        /// The file there whose name is most like it.
        nearest: Option<String>,
    },
    /// A word that an input does not take.
    Choice {
        /// Node and input.
        at: String,
        /// The word the graph gives the input.
        word: String,
        /// What it takes, some of it.
        takes: Vec<String>,
    },
    /// An input the server's version of a node needs and the graph does not have.
    Input {
        /// Id of the node in the graph.
        node: String,
        /// Class of the node, as the graph names it.
        class: String,
        /// Name of the input the graph leaves out.
        input: String,
    },
    /// An input the server's version of a node does not know, where leaving it out would make something else.
    Older {
        /// Class of the node, as the graph names it.
        class: String,
        /// Name of the input that is not there.
        input: String,
    },
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Node { class, pack: Some(pack) } if pack.contains("FramePack") => {
                write!(f, "node {class} is missing: install {pack}, and no other FramePack pack beside it")
            }
            Self::Node { class, pack: Some(pack) } => write!(f, "node {class} is missing: install {pack}"),
            Self::Node { class, pack: None } => {
                write!(f, "node {class} is missing: install the pack it comes from, or a newer ComfyUI")
            }
            Self::File { folder, name, nearest } => {
                match folder {
                    Some(folder) => write!(f, "file {name} is missing: put it into ComfyUI/models/{folder}")?,
                    None => write!(f, "file {name} is missing on the server")?,
                }
                match nearest {
                    Some(nearest) => write!(f, " (nearest there: {nearest})"),
                    None => write!(f, " (which is empty)"),
                }
            }
            Self::Choice { at, word, takes } => {
                write!(f, "{at} does not take '{word}' here, only {}", takes.join(", "))
            }
            Self::Input { node, class, input } => {
                write!(f, "node {node} ({class}) needs input {input} in this version: update the workflow")
            }
            Self::Older { class, input } => write!(f, "{class} does not know {input} in this version: update ComfyUI"),
        }
    }
}

/// Words shown of a list that may be long.
const SHOWN: usize = 8;

/// Model files end like this; other words are choices.
const FILES: [&str; 7] = [".safetensors", ".gguf", ".pth", ".pt", ".ckpt", ".bin", ".sft"];

fn is_file(word: &str) -> bool {
    FILES.iter().any(|end| word.to_lowercase().ends_with(end))
}

/// Names are the same file whichever way the server writes sub-folders.
fn same_file(one: &str, other: &str) -> bool {
    one == other || one.replace('\\', "/") == other.replace('\\', "/")
}

impl Workflow {
    /// Everything `graph` (this workflow, bound or not) needs and the server does not have.
    pub fn lacks(&self, graph: &Value, nodes: &Nodes, folders: &Folders) -> Vec<Lack> {
        let mut lacks = Vec::new();
        let mut missing = BTreeSet::new();
        for (id, node) in graph.as_object().into_iter().flatten() {
            let class = node.get("class_type").and_then(Value::as_str).unwrap_or_default();
            let Some(known) = nodes.0.get(class) else {
                if missing.insert(class) {
                    lacks.push(Lack::Node { class: class.to_owned(), pack: self.pack_of(class) });
                }
                continue;
            };
            let inputs = node.get("inputs").and_then(Value::as_object);
            for (name, input) in known {
                match inputs.and_then(|inputs| inputs.get(name)) {
                    None if input.required => {
                        let (node, class, input) = (id.clone(), class.to_owned(), name.clone());
                        lacks.push(Lack::Input { node, class, input });
                    }
                    Some(Value::String(word)) => lacks.extend(self.lacks_word(id, class, name, word, input)),
                    _ => {}
                }
            }
            if self.can(Ability::Train) {
                let unknown = inputs.into_iter().flatten().filter(|(name, _)| !known.contains_key(*name));
                lacks.extend(unknown.map(|(input, _)| Lack::Older { class: class.to_owned(), input: input.clone() }));
            }
        }
        for file in &self.about.files {
            let there = folders.get(&file.folder);
            if !there.is_some_and(|files| files.iter().any(|name| same_file(name, &file.name))) {
                let names = there.into_iter().flatten().map(String::as_str);
                let nearest = closest(&file.name, names).map(str::to_owned);
                lacks.push(Lack::File { folder: Some(file.folder.clone()), name: file.name.clone(), nearest });
            }
        }
        lacks
    }

    fn lacks_word(&self, id: &str, class: &str, name: &str, word: &str, input: &Input) -> Option<Lack> {
        let words = input.words.as_ref().filter(|_| !input.remote)?;
        if words.iter().any(|known| same_file(known, word)) {
            return None;
        }
        let slot = self.slot_of(id, name);
        // What the user must name is only an example in the graph.
        let example = slot.as_ref().is_some_and(|(slot, ..)| self.about.slots[*slot].required)
            && self.graph.get(id).and_then(|node| node.pointer("/inputs")?.get(name)?.as_str()) == Some(word);
        if example {
            return None;
        }
        // Pictures are uploaded before the graph is sent.
        let picture = slot.as_ref().is_some_and(|(_, kind, _)| matches!(kind, Kind::Image | Kind::Video));
        if picture || (class.starts_with("Load") && name == "image") {
            return None;
        }
        if is_file(word) || slot.as_ref().is_some_and(|(_, kind, _)| *kind == Kind::File) {
            let nearest = closest(word, words.iter().map(String::as_str)).map(str::to_owned);
            let folder = slot.and_then(|(_, _, folder)| folder);
            return Some(Lack::File { folder, name: word.to_owned(), nearest });
        }
        // The one that was probably meant comes first.
        let meant = closest(word, words.iter().map(String::as_str));
        let others = words.iter().map(String::as_str).filter(|other| Some(*other) != meant);
        let takes = meant.into_iter().chain(others).take(SHOWN).map(str::to_owned).collect();
        Some(Lack::Choice { at: format!("node {id} ({class}) input {name}"), word: word.to_owned(), takes })
    }

    fn slot_of(&self, node: &str, input: &str) -> Option<(&str, Kind, Option<String>)> {
        let goes = |to: &String| target(to) == Some((node, input));
        let (name, slot) = self.about.slots.iter().find(|(_, slot)| slot.to.iter().any(goes))?;
        Some((name, slot.kind, slot.folder.clone()))
    }

    fn pack_of(&self, class: &str) -> Option<String> {
        let pack = self.about.packs.iter().find(|pack| pack.classes.iter().any(|known| known == class))?;
        Some(pack.name.clone())
    }

    /// The graph with file names in the server's spelling of sub-folders.
    pub fn spelled(&self, graph: &Value, nodes: &Nodes) -> Value {
        let mut graph = graph.clone();
        for node in graph.as_object_mut().into_iter().flat_map(|nodes| nodes.values_mut()) {
            let class = node.get("class_type").and_then(Value::as_str).unwrap_or_default().to_owned();
            let Some(inputs) = node.get_mut("inputs").and_then(Value::as_object_mut) else { continue };
            for (name, value) in inputs.iter_mut().filter(|(_, value)| link(value).is_none()) {
                let Some(word) = value.as_str() else { continue };
                let words = nodes.words(&class, name).unwrap_or_default();
                if let Some(known) = words.iter().find(|known| *known != word && same_file(known, word)) {
                    *value = Value::from(known.as_str());
                }
            }
        }
        graph
    }
}
