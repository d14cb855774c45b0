//! Graph: walking the links of nodes in API form.

use std::collections::{BTreeSet, VecDeque};

use serde_json::{Map, Value};

use crate::workflow::link;

/// Links a value may come through before it counts as lost.
const DEEPEST: usize = 12;

/// A value that stands in the graph: node and input.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Id of the node.
    pub node: String,
    /// Name of the input.
    pub input: String,
}

impl Place {
    /// As slots name it.
    pub fn target(&self) -> String {
        format!("{}.{}", self.node, self.input)
    }
}

/// Nodes by id, and how they hang together.
#[derive(Debug)]
pub struct Graph<'a>(pub &'a Map<String, Value>);

impl<'a> Graph<'a> {
    /// Class of a node; empty for one that is not there.
    pub fn class(&self, node: &str) -> &'a str {
        self.0.get(node).and_then(|node| node.get("class_type")?.as_str()).unwrap_or_default()
    }

    /// Names and values of a node's inputs.
    pub fn inputs(&self, node: &str) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        let inputs = self.0.get(node).and_then(|node| node.get("inputs")?.as_object());
        inputs.into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }

    /// The value of an input, linked or not.
    pub fn input(&self, node: &str, name: &str) -> Option<&'a Value> {
        self.0.get(node)?.get("inputs")?.get(name)
    }

    /// The node and output an input is linked to.
    pub fn link(&self, node: &str, name: &str) -> Option<(&'a str, u64)> {
        link(self.input(node, name)?)
    }

    /// Every linked input of a node: its name, the node and the output it comes from.
    pub fn links(&self, node: &str) -> impl Iterator<Item = (&'a str, &'a str, u64)> + use<'a> {
        self.inputs(node).filter_map(|(name, value)| link(value).map(|(from, output)| (name, from, output)))
    }

    /// The nodes that lead to `ends`, those included: nearest first, each once.
    pub fn leading_to(&self, ends: &[String]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let mut seen = BTreeSet::new();
        let mut waiting: VecDeque<&str> = ends.iter().map(String::as_str).collect();
        while let Some(node) = waiting.pop_front() {
            if self.0.contains_key(node) && seen.insert(node.to_owned()) {
                found.push(node.to_owned());
                waiting.extend(self.links(node).map(|(_, from, _)| from));
            }
        }
        found
    }

    /// Where the value of an input really stands: here, or in the node that it is linked to (a node that only holds a
    /// value, or passes one on). `fits` says whether a value is of the wanted kind.
    pub fn source(&self, node: &str, name: &str, fits: fn(&Value) -> bool) -> Option<Place> {
        let (mut node, mut name) = (node.to_owned(), name.to_owned());
        for _ in 0..DEEPEST {
            let value = self.input(&node, &name)?;
            let Some((from, _)) = link(value) else { return fits(value).then_some(Place { node, input: name }) };
            let named = ["value", "text", "string", "prompt", "seed", "noise_seed", "int", "float", "number"];
            let may = |value: &Value| link(value).is_some() || fits(value);
            let held: Vec<&str> = self.inputs(from).filter(|(_, value)| may(value)).map(|(own, _)| own).collect();
            let own = held.iter().find(|own| named.contains(&own.to_lowercase().as_str()));
            // Otherwise only a node with nothing else in it is clear.
            let next = own.or(held.first().filter(|_| held.len() == 1))?;
            (node, name) = (from.to_owned(), (*next).to_owned());
        }
        None
    }
}
