//! Offers: what engines outside this program, and the cards, have said of themselves since the start.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{fleet::ModelFacts, gpu::Reading};
use studio_engine::Availability;

/// What has been heard so far.
#[derive(Debug, Default)]
pub(in crate::conductor) struct Offers {
    /// The engine of each seat outside this program.
    engines: BTreeMap<String, String>,
    /// What engines said of their models, by engine.
    models: BTreeMap<String, BTreeMap<String, ModelFacts>>,
    /// Cards that have answered.
    answered: BTreeSet<String>,
}

impl Offers {
    /// Hears an offer; all models of all engines, when this one says something new of its own.
    pub fn hear(&mut self, engine: &str, offer: &Availability) -> Option<BTreeMap<String, ModelFacts>> {
        for seat in &offer.seats {
            self.engines.insert(seat.facts.seat.clone(), engine.to_owned());
        }
        if self.models.get(engine) == Some(&offer.models) {
            return None;
        }
        self.models.insert(engine.to_owned(), offer.models.clone());
        Some(self.models.values().flatten().map(|(name, model)| (name.clone(), *model)).collect())
    }

    /// The engine of a seat outside this program.
    pub fn engine_of(&self, seat: &str) -> Option<&str> {
        self.engines.get(seat).map(String::as_str)
    }

    /// Hears which cards answer.
    pub fn answer(&mut self, readings: &[Reading]) {
        self.answered.extend(readings.iter().map(|reading| reading.slot.to_string()));
    }

    /// Whether a card has answered since the start.
    pub fn has_answered(&self, card: &str) -> bool {
        self.answered.contains(card)
    }
}
