//! Adopt: drafts the description of a graph that comes from elsewhere.
//!
//! Everything is told from the graph alone: from what is saved, the links are followed back to the samplers, and from
//! those to the words, the sizes and the pictures. What is guessed is said in remarks; the draft passes
//! [`Workflow::new`](super::Workflow::new).

mod graph;
mod slots;
mod texts;

use std::collections::{BTreeMap, BTreeSet};

use graph::{Graph, Place};
use serde_json::{Map, Value};

use super::{
    Ability, Descriptor, Kind, LengthRule, OutputSlot, Passes, SizeRule, Slot, Stepping, Workflow, WorkflowError,
    posted::graph_of,
};

/// A drafted workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct Adopted {
    /// The graph, with what had to be changed in it, and its description.
    pub workflow: Workflow,
    /// What was guessed or changed, and what the studio cannot set; a sentence each.
    pub remarks: Vec<String>,
}

/// Drafts the description of a graph, in whatever it was posted.
///
/// # Errors
/// It is no graph in API form, its links lead nowhere, or nothing in it is saved.
pub fn adopt(name: &str, posted: Value) -> Result<Adopted, Vec<WorkflowError>> {
    let mut nodes = graph_of(posted).map_err(|why| vec![why])?;
    let mut remarks = Vec::new();
    let outputs = saved(name, &mut nodes, &mut remarks);
    if outputs.is_empty() {
        let text = "nothing in the graph is saved; add a node such as SaveImage or SaveVideo, and export it again";
        return Err(vec![WorkflowError::new(text)]);
    }
    let about = {
        let graph = Graph(&nodes);
        let ends: Vec<String> = outputs.iter().map(|output| output.node.clone()).collect();
        let mut draft = Draft { graph: &graph, reached: graph.leading_to(&ends), slots: BTreeMap::new(), remarks };
        draft.words();
        draft.slots.extend(slots::told(&graph, &draft.reached).into_iter().map(|(name, slot)| (name.to_owned(), slot)));
        draft.pictures();
        draft.size_and_length(&outputs);
        draft.prefix(&ends);
        let about = draft.describe(name, outputs);
        remarks = draft.remarks;
        about
    };
    let workflow = Workflow::new(name, Value::Object(nodes), about)?;
    Ok(Adopted { workflow, remarks })
}

/// The nodes whose files are the result, of the most telling kind: films before recordings before pictures.
fn saved(name: &str, nodes: &mut Map<String, Value>, remarks: &mut Vec<String>) -> Vec<OutputSlot> {
    let graph = Graph(nodes);
    let kind = |node: &str| {
        let (class, linked) = (graph.class(node), |input: &str| graph.link(node, input).is_some());
        match () {
            () if linked("video") => Some(Kind::Video),
            () if linked("images")
                && (class.starts_with("SaveAnimated") || class.contains("Video") || class.contains("WEBM")) =>
            {
                Some(Kind::Video)
            }
            () if linked("audio") => Some(Kind::Audio),
            () if linked("images") || linked("image") => Some(Kind::Image),
            () => None,
        }
    };
    let of = |saves: &dyn Fn(&str) -> bool| -> Vec<(String, Kind)> {
        nodes.keys().filter(|node| saves(node)).filter_map(|node| Some((node.clone(), kind(node)?))).collect()
    };
    let mut all = of(&|node| graph.input(node, "filename_prefix").is_some());
    let previewed = of(&|node| graph.class(node) == "PreviewImage");
    if all.is_empty() {
        all = previewed;
        for (node, _) in &all {
            remarks.push(format!(
                "node {node} only shows its pictures; it is a SaveImage now, so that they can be fetched"
            ));
        }
    }
    let best = [Kind::Video, Kind::Audio, Kind::Image].into_iter().find(|kind| all.iter().any(|(_, one)| one == kind));
    let (kept, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, kind)| Some(*kind) == best);
    for (node, _) in others {
        remarks.push(format!("node {node} saves something too, which is no result here; take it out of the graph"));
    }
    if kept.len() > 1 {
        let ids: Vec<&str> = kept.iter().map(|(node, _)| node.as_str()).collect();
        remarks.push(format!(
            "nodes {} all save results; leave only the one in [[outputs]] whose files you want",
            ids.join(", ")
        ));
    }
    for (node, _) in &kept {
        let Some(node) = nodes.get_mut(node).and_then(Value::as_object_mut) else { continue };
        if node.get("class_type").is_some_and(|class| class == "PreviewImage") {
            node.insert("class_type".into(), "SaveImage".into());
        }
        let Some(inputs) = node.get_mut("inputs").and_then(Value::as_object_mut) else { continue };
        // What every attempt calls its files is set by the studio.
        if !inputs.get("filename_prefix").is_some_and(Value::is_string) {
            inputs.insert("filename_prefix".into(), format!("studio/{name}").into());
        }
        if inputs.get("save_output").is_some_and(|save| save == false) {
            inputs.insert("save_output".into(), true.into());
        }
    }
    kept.into_iter().map(|(node, kind)| OutputSlot { node, kind }).collect()
}

struct Draft<'a> {
    graph: &'a Graph<'a>,
    /// The nodes that lead to the outputs, nearest first.
    reached: Vec<String>,
    slots: BTreeMap<String, Slot>,
    remarks: Vec<String>,
}

impl Draft<'_> {
    fn put(&mut self, name: &str, kind: Kind, places: &[Place]) -> &mut Slot {
        self.slots.entry(name.to_owned()).or_insert_with(|| slots::slot(name, kind, places))
    }

    fn words(&mut self) {
        let positive = self.nearest(texts::Side::Positive);
        let mut negative = self.nearest(texts::Side::Negative);
        negative.retain(|place| !positive.contains(place));
        if !positive.is_empty() {
            self.put("positive", Kind::Text, &positive);
        }
        if !negative.is_empty() {
            self.put("negative", Kind::Text, &negative);
        }
        if positive.is_empty() && self.reached.iter().any(|node| slots::samples(self.graph, node)) {
            let remark = "no words were found that say what is wanted; add [slots.positive] with the input they go to";
            self.remarks.push(remark.to_owned());
        }
    }

    /// The words of a side; those of one node, when several have some.
    fn nearest(&mut self, side: texts::Side) -> Vec<Place> {
        let mut all = texts::of(self.graph, &self.reached, side);
        let Some(first) = all.first().map(|place| place.node.clone()) else { return all };
        let others: BTreeSet<String> =
            all.iter().filter(|place| place.node != first).map(|place| place.node.clone()).collect();
        if !others.is_empty() {
            let others: Vec<String> = others.into_iter().collect();
            self.remarks.push(format!(
                "node {first} is taken for the text to set; nodes {} hold others, which stay as they are",
                others.join(", ")
            ));
        }
        all.retain(|place| place.node == first);
        all
    }

    /// Pictures that are given, by what they lead to.
    fn pictures(&mut self) {
        let loads = |node: &&String| {
            self.graph.class(node).starts_with("LoadImage") && !self.graph.class(node).contains("Mask")
        };
        let loaders: Vec<String> = self.reached.iter().filter(loads).cloned().collect();
        let mut found: Vec<(&'static str, Place)> = Vec::new();
        for node in loaders {
            let Some(place) = self.graph.source(&node, "image", Value::is_string) else { continue };
            found.push((self.role_of(&node), place));
        }
        found.sort_by(|one, other| one.1.cmp(&other.1));
        for (role, place) in found {
            if self.slots.contains_key(role) {
                let own = format!("image_{}", place.node);
                self.remarks.push(format!(
                    "node {} takes one more picture; its slot is {own}, which only you can set, with --set",
                    place.node
                ));
                self.put(&own, Kind::Image, &[place]);
            } else {
                self.put(role, Kind::Image, &[place]);
            }
        }
        if self.slots.contains_key("control") {
            self.remarks.push(
                "the slot control (a picture for a ControlNet) is set by no production, only with --set".to_owned(),
            );
        }
    }

    /// What a picture is for: the inputs and classes it leads to say it.
    fn role_of(&self, loader: &str) -> &'static str {
        let (mut inputs, mut classes) = (BTreeSet::new(), BTreeSet::new());
        let (mut waiting, mut seen) = (vec![loader], BTreeSet::new());
        while let Some(node) = waiting.pop() {
            // What a sampler makes of it is no longer the picture.
            if node != loader && slots::samples(self.graph, node) {
                continue;
            }
            for next in &self.reached {
                // The size of a picture leads everywhere, which says nothing about the picture.
                let shown =
                    |name: &str| !["width", "height", "resolution", "size"].iter().any(|side| name.contains(side));
                let links = self.graph.links(next).filter(|(name, from, _)| *from == node && shown(name));
                let names: Vec<&str> = links.map(|(name, ..)| name).collect();
                if !names.is_empty() && seen.insert(next.as_str()) {
                    inputs.extend(names);
                    classes.insert(self.graph.class(next).to_lowercase());
                    waiting.push(next);
                }
            }
        }
        let ends = ["end_image", "end_latent", "last_image", "last_frame", "end_frame"];
        match () {
            () if classes.iter().any(|class| class.contains("ipadapter")) => "reference",
            () if classes.iter().any(|class| class.contains("controlnet")) => "control",
            () if inputs.iter().any(|input| ends.contains(input)) => "end_image",
            () => "image",
        }
    }

    fn size_and_length(&mut self, outputs: &[OutputSlot]) {
        let still = outputs.iter().all(|output| output.kind == Kind::Image);
        let whole = |value: &Value| value.as_u64().is_some();
        let place = |node: &String, input: &str| self.graph.source(node, input, whole);
        let sized = |node: &&String| place(node, "width").is_some() && place(node, "height").is_some();
        let lengths = ["length", "num_frames", "video_frames", "frames", "frame_count"];
        let counts = |node: &String| lengths.iter().find_map(|input| place(node, input));
        let makes = |node: &&String| sized(node) && (place(node, "batch_size").is_some() || counts(node).is_some());
        let sampled = self.reached.iter().any(|node| slots::samples(self.graph, node));
        // An empty latent says the size; without one the picture that is refined is scaled to it.
        let scales = |node: &&String| sampled && sized(node) && self.graph.class(node).starts_with("ImageScale");
        let node = self.reached.iter().find(makes).or_else(|| self.reached.iter().find(scales)).cloned();
        let length = self.reached.iter().find_map(counts);
        let sides = node.as_ref().and_then(|node| place(node, "width").zip(place(node, "height")));
        let batch = node.as_ref().filter(|_| still).and_then(|node| place(node, "batch_size"));
        let multiple = self.multiple();
        if let Some((width, height)) = sides {
            for (name, place) in [("width", width), ("height", height)] {
                let slot = self.put(name, Kind::Int, &[place]);
                (slot.min, slot.max, slot.multiple) = (Some(64.0), Some(4096.0), Some(u64::from(multiple)));
                slot.unit = Some("px".to_owned());
            }
        }
        if let Some(batch) = batch {
            let slot = self.put("batch", Kind::Int, &[batch]);
            (slot.min, slot.max) = (Some(1.0), Some(16.0));
        }
        if let Some(length) = length.filter(|_| !still) {
            let slot = self.put("length", Kind::Int, &[length]);
            (slot.min, slot.unit) = (Some(1.0), Some("frames".to_owned()));
        }
        self.rate();
    }

    /// The rate is set where a model is told it; elsewhere it is what the graph says.
    fn rate(&mut self) {
        let told = |node: &&String| {
            ["positive", "conditioning"].iter().any(|input| self.graph.link(node, input).is_some())
                && self.graph.input(node, "frame_rate").is_some()
        };
        let slotted = self.reached.iter().any(|node| told(&node)) || self.slots.contains_key("multiplier");
        if slotted {
            let number = |node: &String, input: &str| self.graph.source(node, input, Value::is_number);
            let on = self.reached.iter().filter(|node| !slots::samples(self.graph, node));
            let mut places: Vec<Place> = on
                .flat_map(|node| {
                    ["frame_rate", "fps"].iter().filter_map(|input| number(node, input)).collect::<Vec<_>>()
                })
                .collect();
            places.sort();
            places.dedup();
            if !places.is_empty() {
                let slot = self.put("fps", Kind::Float, &places);
                (slot.min, slot.max) = (Some(1.0), Some(120.0));
            }
        }
    }

    /// Pictures a second that the graph itself says.
    fn fps(&self) -> Option<u32> {
        let places = self.reached.iter().flat_map(|node| {
            ["fps", "frame_rate"].iter().filter_map(|input| self.graph.source(node, input, Value::is_number))
        });
        let values = places.filter_map(|place| self.graph.input(&place.node, &place.input)?.as_f64());
        values.map(|fps| fps.round().clamp(1.0, 240.0) as u32).next()
    }

    fn has_class(&self, words: &[&str]) -> bool {
        self.reached.iter().any(|node| words.iter().any(|word| self.graph.class(node).to_lowercase().contains(word)))
    }

    /// Both sides are whole multiples of this.
    fn multiple(&self) -> u32 {
        match () {
            () if self.has_class(&["ltxv"]) => 32,
            () if self.has_class(&["video", "wan", "hunyuan", "flux", "sd3"]) => 16,
            () => 8,
        }
    }

    fn prefix(&mut self, ends: &[String]) {
        let place = |node: &String| Place { node: node.clone(), input: "filename_prefix".to_owned() };
        let places: Vec<Place> = ends.iter().map(place).collect();
        self.put("prefix", Kind::Text, &places).about = Some("unique per attempt".to_owned());
    }

    fn describe(&mut self, name: &str, outputs: Vec<OutputSlot>) -> Descriptor {
        let kind = outputs.first().map_or(Kind::Image, |output| output.kind);
        let length = self.length_rule();
        let stepping = self.stepping();
        if kind == Kind::Video && stepping.is_none() {
            self.remarks.push("no sampler was found, so progress is told by nodes".to_owned());
        }
        let fps = if kind == Kind::Video && !self.slots.contains_key("multiplier") { self.fps() } else { None };
        Descriptor {
            title: name.replace(['_', '-'], " "),
            does: self.abilities(kind),
            size: self.size_rule(),
            free_after_failure: self.has_class(&["framepack"]),
            slots: std::mem::take(&mut self.slots),
            outputs,
            files: Vec::new(),
            packs: Vec::new(),
            length,
            fps,
            stepping,
            tiled: None,
            quantised: None,
        }
    }

    fn abilities(&mut self, kind: Kind) -> Vec<Ability> {
        let has = |name: &str| self.slots.contains_key(name);
        let samples = self.reached.iter().any(|node| slots::samples(self.graph, node));
        let mut does = match kind {
            Kind::Audio => vec![Ability::T2a],
            _ if has("multiplier") => vec![Ability::Interpolate],
            _ if !samples && (has("image") || has("video")) => vec![Ability::Upscale],
            Kind::Video if has("image") => vec![Ability::I2v],
            Kind::Video => vec![Ability::T2v],
            _ if has("image") => vec![Ability::I2i],
            _ => vec![Ability::T2i],
        };
        let more = [("end_image", Ability::FirstLast), ("lora", Ability::Lora), ("reference", Ability::Ipadapter)];
        does.extend(more.into_iter().filter(|(slot, _)| has(slot)).map(|(_, ability)| ability));
        if has("image") && kind == Kind::Image && samples {
            let place = |node: &String| self.graph.source(node, "denoise", Value::is_number);
            let mut places: Vec<Place> =
                self.reached.iter().filter(|node| slots::samples(self.graph, node)).filter_map(place).collect();
            places.sort();
            places.dedup();
            if !places.is_empty() {
                let slot = self.put("denoise", Kind::Float, &places);
                (slot.min, slot.max) = (Some(0.0), Some(1.0));
            }
        }
        does
    }

    fn value(&self, slot: &str) -> Option<u64> {
        let place = self.slots.get(slot)?.to.first()?;
        let (node, input) = super::target(place)?;
        self.graph.input(node, input)?.as_u64()
    }

    fn size_rule(&self) -> Option<SizeRule> {
        if self.slots.contains_key("base_resolution") {
            return Some(SizeRule::FramepackBuckets);
        }
        let pixels = self.value("width")? * self.value("height")?;
        Some(SizeRule::Multiple { of: self.multiple(), pixels: pixels.max(1) })
    }

    /// How many frames it may make: by the family of the model, as long as the graph's own clip or a usual one.
    fn length_rule(&mut self) -> Option<LengthRule> {
        if self.has_class(&["framepacksampler"]) {
            let window = self.value("latent_window").and_then(|window| u32::try_from(window).ok()).unwrap_or(9);
            return Some(LengthRule::Framepack { window, f1: self.has_class(&["framepacksampler_f1"]), max: 3601 });
        }
        let own = u32::try_from(self.value("length")?).unwrap_or(u32::MAX);
        let (family, every, usual) = match () {
            () if self.has_class(&["ltxv"]) => ("LTX-Video", 8, 257),
            () if self.has_class(&["cosmos"]) => ("Cosmos", 8, 121),
            () if self.has_class(&["mochi"]) => ("Mochi", 6, 163),
            () if self.has_class(&["wan", "hunyuan"]) => ("Wan and Hunyuan", 4, 161),
            () if own % 4 == 1 => ("most models", 4, own),
            () => ("this graph", 1, own),
        };
        let plus = u32::from(every > 1);
        let max = own.max(usual);
        self.remarks
            .push(format!("clips are taken to have {every} n + {plus} frames, at most {max} ({family}); see [length]"));
        if let Some(slot) = self.slots.get_mut("length") {
            slot.max = Some(f64::from(max));
        }
        Some(LengthRule::Steps { every, plus, min: every + plus, max })
    }

    /// The node that does the work: the first one behind the output that has its own steps or samples.
    fn stepping(&self) -> Option<Stepping> {
        let works = |node: &&String| {
            let class = self.graph.class(node);
            let samples = slots::samples(self.graph, node) && self.graph.input(node, "positive").is_some();
            samples
                || class.starts_with("FramePackSampler")
                || class == "SamplerCustomAdvanced"
                || self.slots.contains_key("multiplier") && self.graph.input(node, "multiplier").is_some()
        };
        // A single picture is done at once.
        let film =
            |node: &&String| self.slots.contains_key("video") && self.graph.class(node).contains("UpscaleWithModel");
        let node = self.reached.iter().find(works).or_else(|| self.reached.iter().find(film))?;
        let sections = self.graph.class(node).starts_with("FramePackSampler");
        let passes = if sections { Passes::Sections } else { Passes::One };
        let backwards = sections && !self.graph.class(node).ends_with("F1");
        Some(Stepping { node: node.clone(), passes, backwards })
    }
}
