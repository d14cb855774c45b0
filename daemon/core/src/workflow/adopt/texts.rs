//! Texts: which words of a graph say what is wanted and what is not, found by following the conditioning.

use std::collections::BTreeSet;

use serde_json::Value;

use super::graph::{Graph, Place};

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// What is wanted.
    Positive,
    /// What is not.
    Negative,
}

impl Side {
    fn word(self) -> &'static str {
        match self {
            Self::Positive => "positive",
            Self::Negative => "negative",
        }
    }

    /// Inputs that hold text for this side only, on nodes that take both.
    fn own(self) -> [&'static str; 3] {
        match self {
            Self::Positive => ["positive_prompt", "text_positive", "positive"],
            Self::Negative => ["negative_prompt", "text_negative", "negative"],
        }
    }
}

/// Inputs of text encoders. Some models have two encoders, and both are told the same.
const TEXTS: [&str; 9] = ["text", "prompt", "tags", "caption", "text_g", "text_l", "clip_g", "clip_l", "t5xxl"];

/// The places that hold the words of a side, those of the node nearest to the result first.
pub fn of(graph: &Graph<'_>, reached: &[String], side: Side) -> Vec<Place> {
    let mut found = Vec::new();
    let mut walk = Walk { graph, side, seen: BTreeSet::new() };
    for node in reached {
        if let Some((from, output)) = graph.link(node, side.word()) {
            found.extend(walk.words(from, output));
        }
    }
    // Guiders of models without a negative side, and wrappers whose text encoders take both sides at once.
    if found.is_empty() && side == Side::Positive {
        let guides = |node: &&String| graph.class(node).contains("Guider");
        for node in reached.iter().filter(guides) {
            found.extend(
                graph.link(node, "conditioning").into_iter().flat_map(|(from, output)| walk.words(from, output)),
            );
        }
    }
    if found.is_empty() {
        found = reached.iter().flat_map(|node| walk.own_words(node)).collect();
    }
    if found.is_empty() && side == Side::Positive {
        let encodes = |node: &&String| graph.class(node).contains("TextEncode");
        found = reached.iter().filter(encodes).flat_map(|node| walk.encoded(node)).collect();
    }
    let mut seen = BTreeSet::new();
    found.retain(|place| seen.insert(place.clone()));
    found
}

struct Walk<'a> {
    graph: &'a Graph<'a>,
    side: Side,
    seen: BTreeSet<(String, u64)>,
}

impl Walk<'_> {
    /// Words that lead to an output of a node.
    fn words(&mut self, node: &str, output: u64) -> Vec<Place> {
        // A side that is zeroed is no side.
        if self.graph.class(node).contains("ZeroOut") || !self.seen.insert((node.to_owned(), output)) {
            return Vec::new();
        }
        let sides = ["positive", "negative"].map(|side| self.graph.link(node, side));
        if let [Some(positive), Some(negative)] = sides {
            // Such nodes hand out what they take, in this order.
            let (from, output) = if output == 1 { negative } else { positive };
            return self.words(from, output);
        }
        let words: Vec<Place> = self.own_words(node).into_iter().chain(self.encoded(node)).collect();
        if !words.is_empty() {
            return words;
        }
        let links: Vec<_> = self.graph.links(node).collect();
        let side = self.side.word();
        let conditioning = |name: &str| name.contains("cond") || name == side;
        let some = links.iter().any(|(name, ..)| conditioning(name));
        // A node that only passes on has a single input, whatever it is called.
        let follow = links.iter().filter(|(name, ..)| if some { conditioning(name) } else { links.len() == 1 });
        follow.flat_map(|(_, from, output)| self.words(from, *output)).collect()
    }

    fn own_words(&self, node: &str) -> Vec<Place> {
        // A conditioning that is linked there is followed as such.
        let words = |name: &&&str| **name != self.side.word() || self.graph.link(node, name).is_none();
        let own = self.side.own();
        own.iter().filter(words).filter_map(|name| self.graph.source(node, name, Value::is_string)).collect()
    }

    fn encoded(&self, node: &str) -> Vec<Place> {
        TEXTS.iter().filter_map(|name| self.graph.source(node, name, Value::is_string)).collect()
    }
}
