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

#[cfg(test)]
mod tests {
    use super::*;

    fn took(took_ms: u64) -> Sample {
        let text = |text: &str| text.to_owned();
        let (engine, model, kind, card) = (text("comfy"), text("ltx"), text("clip"), text("card"));
        Sample { engine, model, kind, card, took_ms, peak_mib: None }
    }

    fn resident() -> Resident {
        Resident { seat: "left".into(), model: "ltx".into() }
    }

    #[test]
    fn a_model_comes_with_one_order_only() {
        let mut loads = Loads::default();
        assert!(!loads.begins("left", "ltx"), "nobody called it");
        loads.called(resident());
        assert!(!loads.begins("right", "ltx") && loads.begins("left", "ltx") && !loads.begins("left", "ltx"));
        loads.called(resident());
        loads.left(&resident());
        assert!(!loads.begins("left", "ltx"));
    }

    #[test]
    fn a_cold_attempt_says_what_the_load_took_once_warm_ones_are_known() {
        let mut loads = Loads::default();
        assert_eq!(loads.ended(&took(95_000), true), None, "nothing to compare with");
        for _ in 0..ENOUGH {
            assert_eq!(loads.ended(&took(30_000), false), None, "it was there");
        }
        assert_eq!(loads.ended(&took(95_000), true).map(|load| load.took_ms), Some(65_000));
        assert_eq!(loads.ended(&took(30_000), true), None, "no load takes nothing");
        assert_eq!(loads.ended(&Sample { kind: "still".into(), ..took(95_000) }, true), None, "other work");
        assert_eq!(loads.ended(&Sample { card: String::new(), ..took(95_000) }, true), None, "no card");
    }
}
