//! LoRAs: which a picture of a film is made with.

use std::collections::BTreeSet;

use super::route::{CharacterCast, ModelCast, ModelChoice, NamedLora};
use crate::{
    character::same_name,
    model::Lora,
    order::Recipe,
    shot::{LoraAsk, ShotPlan},
};

/// Those of `all` that are asked for, in that order, as strongly as is said there.
fn asked<'a>(all: &'a [NamedLora], asks: &'a [LoraAsk]) -> impl Iterator<Item = (&'a NamedLora, Lora)> {
    asks.iter().flat_map(move |ask| {
        let named = all.iter().filter(|one| same_name(&one.name, &ask.name));
        named.map(|one| {
            let strength_percent = ask.strength.unwrap_or(one.lora.strength_percent);
            (one, Lora { strength_percent, ..one.lora.clone() })
        })
    })
}

impl CharacterCast {
    /// Those that make this character in a picture that asks for `asks`.
    fn loras(&self, asks: &[LoraAsk]) -> Vec<Lora> {
        let named: Vec<_> = asked(&self.named, asks).collect();
        // Each base for itself: what is instead of the others is so for the models that take it.
        let replaced = |lora: &&Lora| named.iter().any(|(one, other)| one.instead && other.base == lora.base);
        let always = self.loras.iter().filter(|lora| !replaced(lora)).cloned();
        let mut all: Vec<Lora> = always.collect();
        all.extend(named.into_iter().map(|(_, lora)| lora));
        all
    }
}

impl ModelCast {
    /// LoRAs that make the people of a picture and that `base` takes. One of several people gets none: one person's would change them
    /// all.
    pub(super) fn loras(&self, names: &[String], asks: &[LoraAsk], base: Option<&str>) -> Vec<Lora> {
        let [name] = names else { return Vec::new() };
        let all = self.character(name).map(|one| one.loras(asks)).unwrap_or_default();
        all.into_iter().filter(|lora| Some(lora.base.as_str()) == base).collect()
    }

    /// What a model is told of a picture of the film. Beside what makes its people, it is made with what makes the film's style, whoever
    /// is in it.
    pub fn shown(&self, hand: &ModelChoice, plan: &ShotPlan, place: Option<&str>, alike: bool) -> Recipe {
        let base = hand.lora_base.as_deref();
        let film = self.loras.iter().cloned().chain(asked(&self.named, &plan.loras).map(|(_, lora)| lora));
        let mut loras = self.loras(&plan.characters, &plan.loras, base);
        loras.extend(film.filter(|lora| Some(lora.base.as_str()) == base));
        Recipe { loras, ..self.recipe(hand, &plan.characters, place, alike) }
    }

    /// Bases whose LoRAs a model of the film takes.
    fn bases(&self) -> BTreeSet<&str> {
        self.still.iter().chain(self.clips.values()).filter_map(|one| one.lora_base.as_deref()).collect()
    }

    /// LoRAs of people of whom there are some, but none for a model of the film: it does without them. Whose each is comes first.
    pub fn left_out<'a>(&'a self, names: impl Iterator<Item = &'a str>) -> Vec<(&'a str, &'a Lora)> {
        let bases = self.bases();
        let people = names.filter_map(|name| Some((name, self.character(name)?)));
        let without = people.filter(|(_, one)| !one.loras.iter().any(|lora| bases.contains(lora.base.as_str())));
        without.flat_map(|(name, one)| one.loras.iter().map(move |lora| (name, lora))).collect()
    }

    /// LoRAs of the film's style that no model of it takes, unless one is for a model of it.
    pub fn styles_left_out(&self) -> Vec<&Lora> {
        let bases = self.bases();
        let fits = |lora: &Lora| bases.contains(lora.base.as_str());
        if self.loras.iter().any(fits) { Vec::new() } else { self.loras.iter().collect() }
    }

    /// Names that `plan` asks for and nobody has who could be made with them in its picture: neither the film nor who is alone in it.
    pub fn unknown_loras<'a>(&self, plan: &'a ShotPlan) -> impl Iterator<Item = &'a str> {
        let whose = plan.characters.iter().filter_map(|name| self.character(name)).flat_map(|one| &one.named);
        let known: Vec<&str> = whose.chain(&self.named).map(|one| one.name.as_str()).collect();
        plan.loras.iter().map(|ask| ask.name.as_str()).filter(move |name| !known.iter().any(|one| same_name(one, name)))
    }
}
