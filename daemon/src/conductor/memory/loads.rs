//! Loads: models nobody has seen come yet, and what work takes whose model is there.

use std::collections::BTreeSet;

use studio_core::{
    durations::{Habits, Load, Sample},
    fleet::Resident,
};

/// Warm attempts of a kind that must be known before a cold one says something.
const ENOUGH: usize = 2;

/// Models that have been called and that nobody has seen come yet.
#[derive(Debug, Default)]
pub(in crate::conductor) struct Loads {
    unseen: BTreeSet<Resident>,
    /// What work takes whose model was there already.
    warm: Habits,
}

impl Loads {
    /// A model comes with the next order in its seat.
    pub fn called(&mut self, what: Resident) {
        self.unseen.insert(what);
    }

    /// A model has left its seat.
    pub fn left(&mut self, what: &Resident) {
        self.unseen.remove(what);
    }

    /// Whether the attempt that begins in a seat is the one its model comes with.
    pub fn begins(&mut self, seat: &str, model: &str) -> bool {
        self.unseen.remove(&Resident { seat: seat.to_owned(), model: model.to_owned() })
    }

    /// What an attempt that succeeded says of the load, when its model came with it.
    pub fn ended(&mut self, sample: &Sample, cold: bool) -> Option<Load> {
        if sample.model.is_empty() || sample.card.is_empty() {
            return None;
        }
        if !cold {
            self.warm.learn(sample, false);
            return None;
        }
        let usual = self.warm.usual(&sample.engine, &sample.model, &sample.kind, &sample.card)?;
        // Within what such work takes anyway: the model was still there.
        let slower = usual.exact && usual.count >= ENOUGH && sample.took_ms > usual.p90_ms;
        slower.then(|| Load {
            engine: sample.engine.clone(),
            model: sample.model.clone(),
            card: sample.card.clone(),
            took_ms: sample.took_ms - usual.median_ms,
        })
    }
}
