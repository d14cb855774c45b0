//! Knobs: what can be turned on a model for one picture, its own values, and changes to them within sane ranges.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::workflow::SlotValue;

/// Steps beyond which more gain nothing; a model whose own are more keeps its own.
const MOST_STEPS: u32 = 50;
/// Guidance outside of which pictures burn, or ignore what is asked.
const CFG: (f64, f64) = (1.0, 10.0);
/// How strongly a reference may act at most beside a trained addition: they fight each other.
const BESIDE_LORA: f64 = 0.3;

/// What can be turned on a model, with its own values; `None`: it has no such knob.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Knobs {
    /// Sampling steps of a picture.
    pub steps: Option<u32>,
    /// How closely it follows the prompt.
    pub cfg: Option<f64>,
    /// How strongly the reference picture acts, 0..=1; `None` also when there is no reference.
    pub reference: Option<f64>,
    /// How strongly the trained addition acts, 0..=1; `None` also when there is none.
    pub lora: Option<f64>,
}

/// A change to knobs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = KnobChange))]
pub struct Change {
    /// Steps added to the model's.
    pub steps: u32,
    /// Added to the guidance; may be negative.
    pub cfg: f64,
    /// What happens to the weight of the reference.
    pub reference: Turn,
    /// What happens to the strength of the trained addition.
    pub lora: Turn,
}

/// How a weight changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "turn", content = "weight", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = KnobTurn))]
pub enum Turn {
    /// It stays as it is.
    Leave,
    /// It becomes this, 0..=1.
    To(f64),
    /// This is added to it; may be negative.
    By(f64),
}

impl Turn {
    fn of(self, weight: f64) -> f64 {
        let turned = match self {
            Self::Leave => return weight,
            Self::To(other) => other,
            Self::By(more) => weight + more,
        };
        // Weights are told in hundredths.
        (turned.clamp(0.0, 1.0) * 100.0).round() / 100.0
    }
}

impl Change {
    /// Nothing is changed.
    pub const NONE: Self = Self { steps: 0, cfg: 0.0, reference: Turn::Leave, lora: Turn::Leave };

    /// The knobs after it, within sane ranges.
    #[must_use]
    pub fn applied(&self, to: Knobs) -> Knobs {
        let cfg = |own: f64| if self.cfg == 0.0 { own } else { (own + self.cfg).clamp(CFG.0.min(own), CFG.1.max(own)) };
        Knobs {
            steps: to.steps.map(|own| own.saturating_add(self.steps).min(MOST_STEPS.max(own))),
            cfg: to.cfg.map(cfg),
            reference: to.reference.map(|own| self.reference.of(own)),
            lora: to.lora.map(|own| self.lora.of(own)),
        }
    }
}

impl Knobs {
    /// No reference acts more strongly than `most`, nor beside a trained addition than it takes.
    #[must_use]
    pub fn within(self, most: Option<f64>) -> Self {
        let most = most.unwrap_or(1.0).min(if self.lora.is_some() { BESIDE_LORA } else { 1.0 });
        Self { reference: self.reference.map(|weight| weight.min(most)), ..self }
    }

    /// Values of slots that differ from the model's own: `steps` and `cfg`. The weights are told beside them.
    pub fn settings(&self, own: &Self) -> BTreeMap<String, SlotValue> {
        let steps = self.steps.filter(|_| self.steps != own.steps).map(|steps| SlotValue::Int(i64::from(steps)));
        let cfg = self.cfg.filter(|_| self.cfg != own.cfg).map(SlotValue::Float);
        let pairs = [("steps", steps), ("cfg", cfg)];
        pairs.into_iter().filter_map(|(slot, value)| Some((slot.to_owned(), value?))).collect()
    }
}

/// A named change of settings that the studio tries out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arm {
    /// Its stable name; empty: the model's own settings.
    pub name: &'static str,
    /// What it changes on the model.
    pub change: Change,
}

/// Every arm there is; the model's own settings first.
pub const ARMS: [Arm; 8] = [
    Arm { name: "", change: Change::NONE },
    Arm { name: "cfg-1", change: Change { cfg: -1.0, ..Change::NONE } },
    Arm { name: "cfg+1", change: Change { cfg: 1.0, ..Change::NONE } },
    Arm { name: "steps+10", change: Change { steps: 10, ..Change::NONE } },
    Arm { name: "reference-0.5", change: Change { reference: Turn::To(0.5), ..Change::NONE } },
    Arm { name: "reference-0.7", change: Change { reference: Turn::To(0.7), ..Change::NONE } },
    Arm { name: "lora-0.6", change: Change { lora: Turn::To(0.6), ..Change::NONE } },
    Arm { name: "lora-0.8", change: Change { lora: Turn::To(0.8), ..Change::NONE } },
];

/// Most arms that are tried on a model: more learn too slowly.
const MOST_ARMS: usize = 6;

impl Arm {
    /// The arm of this name; the model's own settings when there is none any more.
    pub fn named(name: &str) -> &'static Self {
        ARMS.iter().find(|arm| arm.name == name).unwrap_or(&ARMS[0])
    }

    /// The arms that make a difference on a model with these knobs, of which a reference may act with `most`; its own
    /// settings first.
    pub fn possible(own: Knobs, most: Option<f64>) -> Vec<&'static Self> {
        let mut known: Vec<Knobs> = Vec::new();
        let mut arms = Vec::new();
        for arm in &ARMS {
            let knobs = arm.change.applied(own).within(most);
            if !known.contains(&knobs) {
                known.push(knobs);
                arms.push(arm);
            }
        }
        arms.truncate(MOST_ARMS);
        arms
    }
}
