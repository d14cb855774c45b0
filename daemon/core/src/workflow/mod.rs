//! Workflow: a ComfyUI graph in API form with a description of its slots.
//!
//! `workflows/NAME.json` is the graph as ComfyUI takes it, `workflows/NAME.toml` is the [`Descriptor`]. A graph is
//! bound by putting values into its slots; it is checked against what a server has before anything is queued.

mod adopt;
mod bind;
mod chain;
mod check;
mod describe;
mod length;
mod posted;
mod progress;
mod size;

use std::{collections::BTreeMap, fmt};

use serde_json::{Map, Value};

pub use adopt::{Adopted, adopt};
pub use bind::plain_prompt;
pub use chain::lora_slots;
pub use check::{Folders, Lack, Nodes};
pub use describe::{
    Ability, Descriptor, Kind, LengthRule, NeededFile, OutputSlot, Pack, Passes, SizeRule, Slot, SlotValue, Stepping,
};
pub use length::LengthPlan;
pub use posted::graph_of;
pub use progress::{Fold, ProgressEvent, Seen};
pub use size::FittedSize;

use crate::ids::ContentHash;

/// A graph and what can be set in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// The name of its files.
    pub name: String,
    /// The graph in API form: node id to `class_type` and `inputs`.
    pub graph: Map<String, Value>,
    /// What its TOML file says.
    pub about: Descriptor,
}

/// What is wrong with a workflow, or with a value for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowError(String);

impl fmt::Display for WorkflowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl WorkflowError {
    fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

/// `node.input`, split; node ids have no dots in API form but inputs may (`codec.encoding`).
fn target(to: &str) -> Option<(&str, &str)> {
    to.split_once('.').filter(|(node, input)| !node.is_empty() && !input.is_empty())
}

/// A link to another node: `["node", output]`.
fn link(value: &Value) -> Option<(&str, u64)> {
    match value.as_array()?.as_slice() {
        [Value::String(node), Value::Number(output)] => Some((node, output.as_u64()?)),
        _ => None,
    }
}

impl Workflow {
    /// A workflow from its two files; every fault names the node and input it is about.
    ///
    /// # Errors
    /// What is wrong with the two files, one by one.
    pub fn new(name: &str, graph: Value, about: Descriptor) -> Result<Self, Vec<WorkflowError>> {
        let graph = graph_of(graph).map_err(|why| vec![why])?;
        let workflow = Self { name: name.to_owned(), graph, about };
        let mut faults = Vec::new();
        workflow.check_graph(&mut faults);
        workflow.check_slots(&mut faults);
        workflow.check_outputs(&mut faults);
        if faults.is_empty() { Ok(workflow) } else { Err(faults) }
    }

    fn inputs(&self, node: &str) -> Option<&Map<String, Value>> {
        self.graph.get(node)?.get("inputs")?.as_object()
    }

    fn check_graph(&self, faults: &mut Vec<WorkflowError>) {
        if self.graph.is_empty() {
            faults.push(WorkflowError::new("the graph has no nodes"));
        }
        for (id, node) in &self.graph {
            if node.get("class_type").and_then(Value::as_str).is_none_or(str::is_empty) {
                faults.push(WorkflowError::new(format!(
                    "node {id} has no class_type; save the graph with 'Export (API)'"
                )));
            }
            let Some(inputs) = self.inputs(id) else {
                faults.push(WorkflowError::new(format!("node {id} has no inputs object")));
                continue;
            };
            for (input, value) in inputs {
                if let Some((from, _)) = link(value)
                    && !self.graph.contains_key(from)
                {
                    faults.push(WorkflowError::new(format!(
                        "node {id} input {input} is linked to node {from}, which is not there"
                    )));
                }
            }
        }
    }

    fn check_slots(&self, faults: &mut Vec<WorkflowError>) {
        for (name, slot) in &self.about.slots {
            if slot.to.is_empty() {
                faults.push(WorkflowError::new(format!("slot {name} goes nowhere: to = [\"node.input\"] is missing")));
            }
            if slot.min.zip(slot.max).is_some_and(|(min, max)| min > max) {
                faults.push(WorkflowError::new(format!("slot {name}: min is above max")));
            }
            if slot.kind == Kind::File && slot.folder.is_none() {
                faults.push(WorkflowError::new(format!(
                    "slot {name} is a file: folder = \"...\" under ComfyUI/models is missing"
                )));
            }
            for to in &slot.to {
                let Some((node, input)) = target(to) else {
                    faults.push(WorkflowError::new(format!("slot {name}: '{to}' is not node.input")));
                    continue;
                };
                let Some(inputs) = self.inputs(node) else {
                    faults.push(WorkflowError::new(format!("slot {name}: node {node} is not in the graph")));
                    continue;
                };
                match inputs.get(input) {
                    None => {
                        let known: Vec<&str> = inputs.keys().map(String::as_str).collect();
                        let text =
                            format!("slot {name}: node {node} has no input {input}; it has {}", known.join(", "));
                        faults.push(WorkflowError::new(text));
                    }
                    Some(value) if link(value).is_some() => {
                        let text = format!("slot {name}: node {node} input {input} is linked to another node already");
                        faults.push(WorkflowError::new(text));
                    }
                    Some(value) if !slot.kind.holds(value) => {
                        let text =
                            format!("slot {name}: node {node} input {input} holds {value}, not {}", slot.kind.word());
                        faults.push(WorkflowError::new(text));
                    }
                    Some(_) => {}
                }
            }
        }
    }

    fn check_outputs(&self, faults: &mut Vec<WorkflowError>) {
        if self.about.outputs.is_empty() {
            faults.push(WorkflowError::new("no output is named: [[outputs]] with node and kind is missing"));
        }
        for output in &self.about.outputs {
            if !self.graph.contains_key(&output.node) {
                faults.push(WorkflowError::new(format!("output node {} is not in the graph", output.node)));
            }
            let is_of_kind = match output.kind {
                Kind::File => self.can(Ability::Train),
                kind => matches!(kind, Kind::Image | Kind::Video | Kind::Audio),
            };
            if !is_of_kind {
                faults.push(WorkflowError::new(format!(
                    "output node {} must be of kind image, video or audio, or a file where LoRAs are trained",
                    output.node
                )));
            }
        }
        let prefix = self.about.slots.get("prefix").filter(|slot| slot.required);
        for output in self.about.outputs.iter().filter(|output| self.graph.contains_key(&output.node)) {
            let node = &output.node;
            let input = if output.kind == Kind::File { "prefix" } else { "filename_prefix" };
            let goes = |to: &String| target(to) == Some((node, input));
            if !prefix.is_some_and(|slot| slot.to.iter().any(goes)) {
                let text = format!(
                    "output node {node} has no prefix: the slot prefix must be required and go to {node}.{input}, or an equal graph answers with an old file"
                );
                faults.push(WorkflowError::new(text));
            }
        }
        if let Some(LengthRule::Steps { min, max, every, plus }) = self.about.length
            && (every == 0 || min > max || plus > max)
        {
            faults.push(WorkflowError::new("length: every is at least 1, and min and plus are at most max"));
        }
        if let Some(stepping) = &self.about.stepping
            && !self.graph.contains_key(&stepping.node)
        {
            faults.push(WorkflowError::new(format!("stepping node {} is not in the graph", stepping.node)));
        }
    }

    /// Hash of everything that decides what it makes; part of keys.
    ///
    /// A new field of [`Descriptor`] must be left out of its JSON while nothing is said of it, or every film made with
    /// models is made anew; `core/tests/identities.rs` finds that.
    pub fn fingerprint(&self) -> ContentHash {
        let about = serde_json::to_string(&self.about).expect("a description is plain data");
        // Maps of serde_json are sorted, so the text is canonical.
        let sorted: BTreeMap<&String, &Value> = self.graph.iter().collect();
        let graph = serde_json::to_string(&sorted).expect("a graph is plain data");
        ContentHash::of(format!("{graph}\n{about}").as_bytes())
    }

    /// Whether it can do `ability`.
    pub fn can(&self, ability: Ability) -> bool {
        self.about.does.contains(&ability)
    }
}

impl Kind {
    /// The word a person reads.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Int => "a whole number",
            Self::Float => "a number",
            Self::Bool => "true or false",
            Self::Choice => "one of ComfyUI's words",
            Self::File => "a model file",
            Self::Image => "a picture",
            Self::Video => "a film",
            Self::Audio => "a recording",
        }
    }

    /// Whether a graph's own value is of this kind.
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Int | Self::Float => value.is_number(),
            Self::Bool => value.is_boolean(),
            Self::Text | Self::Choice | Self::File | Self::Image | Self::Video | Self::Audio => value.is_string(),
        }
    }
}
