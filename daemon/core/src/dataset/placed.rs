//! Placed: who says what a picture shows. [`super::place`] makes it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::review::Sight;

/// Who says what a picture shows, and what was seen in it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Placing {
    /// Axes a person has said something of, be it that it shows none of their values: nothing automatic changes these.
    pub by_person: BTreeSet<String>,
    /// What the vision model saw, as far as there are words for it; `None`: none has looked.
    pub seen: Option<Sight>,
    /// The judge whose vision model it was; empty: none has looked.
    pub judge: String,
    /// Where it shows something else than was asked for, in the order of the axes' names.
    pub otherwise: Vec<Otherwise>,
}

/// An axis on which a picture shows something else than was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Otherwise {
    /// On which axis.
    pub axis: String,
    /// What was asked for.
    pub asked: String,
    /// What is seen.
    pub seen: String,
}

impl Placing {
    /// A person said that a picture shows `after` instead of `before`: what differs is said by them from now on.
    pub fn said(&mut self, before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) {
        let axes = before.keys().chain(after.keys()).filter(|axis| before.get(*axis) != after.get(*axis));
        self.by_person.extend(axes.cloned());
        self.otherwise.retain(|one| !self.by_person.contains(&one.axis));
    }
}
