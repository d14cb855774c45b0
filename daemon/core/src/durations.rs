//! Durations: how long work takes and how much memory it needs, learned from what it took.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Samples kept for each kind of work: enough for a 95th percentile, and old ones say less.
const KEPT: usize = 64;
/// Peaks that must be known before they count for more than the catalogue.
const ENOUGH_PEAKS: usize = 5;

/// What one kind of work took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Usual {
    /// Attempts it is learned from.
    pub count: usize,
    /// Half of them took at most this, in milliseconds.
    pub median_ms: u64,
    /// Nine of ten took at most this, in milliseconds.
    pub p90_ms: u64,
    /// Learned from exactly this kind of work; otherwise from everything its model did on that card.
    pub exact: bool,
}

/// One attempt as it was measured.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// The engine's name, without its version.
    pub engine: String,
    /// The model; empty for engines without.
    pub model: String,
    /// Size, length and steps.
    pub kind: String,
    /// The card; empty for the CPU.
    pub card: String,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
    /// The most memory it used, in MiB; `None` when nobody measured.
    pub peak_mib: Option<u64>,
}

/// How long a model took to come, as it was measured once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// The engine's name, without its version.
    pub engine: String,
    /// The model's name in the catalogue.
    pub model: String,
    /// The card it came to.
    pub card: String,
    /// How long that took, in milliseconds.
    pub took_ms: u64,
}

/// Numbers in the order they came, and sorted.
#[derive(Debug, Clone, Default, PartialEq)]
struct Numbers {
    came: std::collections::VecDeque<u64>,
    sorted: Vec<u64>,
}

impl Numbers {
    fn push(&mut self, value: u64) {
        if self.came.len() == KEPT
            && let Some(old) = self.came.pop_front()
            && let Ok(at) = self.sorted.binary_search(&old)
        {
            self.sorted.remove(at);
        }
        self.came.push_back(value);
        let at = self.sorted.partition_point(|one| *one < value);
        self.sorted.insert(at, value);
    }

    /// The smallest number that `percent` of all do not exceed.
    fn percentile(&self, percent: usize) -> Option<u64> {
        let last = self.sorted.len().checked_sub(1)?;
        let at = (self.sorted.len() * percent).div_ceil(100).saturating_sub(1);
        Some(self.sorted[at.min(last)])
    }

    fn usual(&self, exact: bool) -> Option<Usual> {
        let (median_ms, p90_ms) = (self.percentile(50)?, self.percentile(90)?);
        Some(Usual { count: self.sorted.len(), median_ms, p90_ms, exact })
    }
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Kind {
    took: Numbers,
    peak: Numbers,
    /// What the very first run took, where that one compiles.
    first_ms: Option<u64>,
}

/// Something for each engine, its model and the card. Levels, not one key of three texts: the scheduler asks many times
/// in every step, and what is borrowed finds its way without a copy.
#[derive(Debug, Clone, PartialEq)]
struct ByPlace<T>(BTreeMap<String, BTreeMap<String, BTreeMap<String, T>>>);

impl<T> Default for ByPlace<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T: Default> ByPlace<T> {
    fn at(&self, engine: &str, model: &str, card: &str) -> Option<&T> {
        self.0.get(engine)?.get(model)?.get(card)
    }

    fn at_mut(&mut self, engine: &str, model: &str, card: &str) -> &mut T {
        let models = self.0.entry(engine.to_owned()).or_default();
        models.entry(model.to_owned()).or_default().entry(card.to_owned()).or_default()
    }

    /// What is known of a model on each card.
    fn on_cards(&self, engine: &str, model: &str) -> impl Iterator<Item = (&str, &T)> {
        let cards = self.0.get(engine).and_then(|models| models.get(model)).into_iter().flatten();
        cards.map(|(card, one)| (card.as_str(), one))
    }

    /// Engine, model, card and what is known there, in that order.
    fn all(&self) -> impl Iterator<Item = (&str, &str, &str, &T)> {
        self.0.iter().flat_map(|(engine, models)| {
            models.iter().flat_map(move |(model, cards)| {
                cards.iter().map(move |(card, one)| (engine.as_str(), model.as_str(), card.as_str(), one))
            })
        })
    }
}

/// Everything that was learned.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Habits {
    kinds: ByPlace<BTreeMap<String, Kind>>,
    models: ByPlace<Numbers>,
    loads: ByPlace<Numbers>,
    /// How many times as long one card takes as another: by engine, card and the other.
    paces: ByPlace<Pace>,
}

/// How many times as long a card takes as another, from the work both have done.
#[derive(Debug, Clone, Default, PartialEq)]
struct Pace {
    /// Of each model and kind.
    ratios: BTreeMap<(String, String), f64>,
    /// The median of all.
    factor: f64,
}

impl Habits {
    /// Learns from an attempt. With `slow_first` the first run of a kind is kept apart: it compiles, and can take
    /// 10 to 200 times as long as the next.
    pub fn learn(&mut self, sample: &Sample, slow_first: bool) {
        let (engine, model, card) = (sample.engine.as_str(), sample.model.as_str(), sample.card.as_str());
        let kind = self.kinds.at_mut(engine, model, card).entry(sample.kind.clone()).or_default();
        if let Some(peak) = sample.peak_mib {
            kind.peak.push(peak);
        }
        if slow_first && kind.first_ms.is_none() {
            kind.first_ms = Some(sample.took_ms);
            return;
        }
        kind.took.push(sample.took_ms);
        self.models.at_mut(engine, model, card).push(sample.took_ms);
        self.learn_pace(sample);
    }

    /// Compares a card with the others that have done the same work.
    fn learn_pace(&mut self, sample: &Sample) {
        let median = |kinds: &BTreeMap<String, Kind>| kinds.get(&sample.kind)?.took.percentile(50);
        let (engine, model) = (sample.engine.as_str(), sample.model.as_str());
        let Some(mine) = self.kinds.at(engine, model, &sample.card).and_then(median) else { return };
        let others = self.kinds.on_cards(engine, model).filter(|(card, _)| *card != sample.card && !card.is_empty());
        let known: Vec<(String, u64)> =
            others.filter_map(|(card, kinds)| Some((card.to_owned(), median(kinds)?))).collect();
        for (other, theirs) in known.into_iter().filter(|_| !sample.card.is_empty()) {
            let ratio = mine.max(1) as f64 / theirs.max(1) as f64;
            for (card, other, ratio) in [(&sample.card, &other, ratio), (&other, &sample.card, 1.0 / ratio)] {
                let pace = self.paces.at_mut(engine, card, other);
                pace.ratios.insert((sample.model.clone(), sample.kind.clone()), ratio);
                let mut all: Vec<f64> = pace.ratios.values().copied().collect();
                all.sort_by(f64::total_cmp);
                pace.factor = all[(all.len() - 1) / 2];
            }
        }
    }

    /// How many times as long a card takes as the engine's cards do on average; 1 while nobody can compare.
    pub fn pace(&self, engine: &str, card: &str) -> f64 {
        // The card itself is one of them.
        let mine = self.paces.on_cards(engine, card);
        let (sum, count) = mine.fold((0.0, 1), |(sum, count), (_, pace)| (sum + pace.factor.ln(), count + 1));
        (sum / f64::from(count)).exp()
    }

    /// Learns how long a model took to come.
    pub fn learn_load(&mut self, load: &Load) {
        self.loads.at_mut(&load.engine, &load.model, &load.card).push(load.took_ms);
    }

    /// What such work usually takes on a card; else what the model's work takes there; `None` when nothing is known.
    pub fn usual(&self, engine: &str, model: &str, kind: &str, card: &str) -> Option<Usual> {
        let kinds = self.kinds.at(engine, model, card);
        let exact = kinds.and_then(|kinds| kinds.get(kind)).and_then(|kind| kind.took.usual(true));
        exact.or_else(|| self.models.at(engine, model, card)?.usual(false))
    }

    /// What such work would take on a card that has not done it, by what others took and how much faster or slower the
    /// card is with other work, in milliseconds; `None` when nobody has done it.
    pub fn elsewhere_ms(&self, engine: &str, model: &str, kind: &str, card: &str) -> Option<u64> {
        let here = |other: &str, took_ms: u64| {
            let pace = self.paces.at(engine, card, other);
            pace.map_or(took_ms, |pace| (took_ms as f64 * pace.factor) as u64)
        };
        let same = self.kinds.on_cards(engine, model);
        let medians = same.filter_map(|(other, kinds)| Some(here(other, kinds.get(kind)?.took.percentile(50)?)));
        let mut medians: Vec<u64> = medians.collect();
        medians.sort_unstable();
        medians.get(medians.len() / 2).copied()
    }

    /// What the first run of a kind took, where that was kept apart, in milliseconds.
    pub fn first_ms(&self, engine: &str, model: &str, kind: &str, card: &str) -> Option<u64> {
        self.kinds.at(engine, model, card)?.get(kind)?.first_ms
    }

    /// The 95th percentile of measured peaks, in MiB, from at least five.
    pub fn peak_mib(&self, engine: &str, model: &str, kind: &str, card: &str) -> Option<u64> {
        let peak = &self.kinds.at(engine, model, card)?.get(kind)?.peak;
        (peak.sorted.len() >= ENOUGH_PEAKS).then(|| peak.percentile(95)).flatten()
    }

    /// How long a model usually takes to come to a card, in milliseconds: the median of the newest; `None` when nobody
    /// has seen it come there.
    pub fn load_ms(&self, engine: &str, model: &str, card: &str) -> Option<u64> {
        self.loads.at(engine, model, card)?.percentile(50)
    }

    /// Everything, for people: engine, model, card, kind and what it takes.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str, &str, &str, Usual)> {
        self.kinds.all().flat_map(|(engine, model, card, kinds)| {
            kinds.iter().filter_map(move |(kind, learned)| {
                learned.took.usual(true).map(|usual| (engine, model, card, kind.as_str(), usual))
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample(took_ms: u64, peak_mib: u64) -> Sample {
        let text = |text: &str| text.to_owned();
        let (engine, model, kind, card) = (text("comfy"), text("ltx"), text("1/2/3"), text("a"));
        Sample { engine, model, kind, card, took_ms, peak_mib: Some(peak_mib) }
    }

    #[test]
    fn a_first_run_that_compiles_is_kept_apart() {
        let mut habits = Habits::default();
        habits.learn(&sample(900_000, 100), true);
        assert_eq!(habits.usual("comfy", "ltx", "1/2/3", "a"), None);
        assert_eq!(habits.first_ms("comfy", "ltx", "1/2/3", "a"), Some(900_000));
        habits.learn(&sample(10_000, 100), true);
        let usual = habits.usual("comfy", "ltx", "1/2/3", "a").unwrap();
        assert_eq!((usual.count, usual.median_ms, usual.exact), (1, 10_000, true));
        let other = habits.usual("comfy", "ltx", "9/9/9", "a").unwrap();
        assert!(!other.exact, "another size borrows from the model");
        assert_eq!(habits.usual("comfy", "ltx", "1/2/3", "b"), None, "another card knows nothing");
    }

    #[test]
    fn peaks_count_from_five_on() {
        let mut habits = Habits::default();
        for n in 1..=4 {
            habits.learn(&sample(1, n), false);
        }
        assert_eq!(habits.peak_mib("comfy", "ltx", "1/2/3", "a"), None);
        habits.learn(&sample(1, 90), false);
        assert_eq!(habits.peak_mib("comfy", "ltx", "1/2/3", "a"), Some(90));
    }

    #[test]
    fn a_card_that_was_slower_with_other_work_is_taken_to_be_slower_with_this() {
        let mut habits = Habits::default();
        let on =
            |card: &str, model: &str, took_ms| Sample { card: card.into(), model: model.into(), ..sample(took_ms, 1) };
        habits.learn(&on("fast", "clip", 100_000), false);
        assert_eq!(habits.elsewhere_ms("comfy", "clip", "1/2/3", "slow"), Some(100_000), "nobody can compare yet");
        assert_eq!(habits.pace("comfy", "slow").to_bits(), 1f64.to_bits());
        habits.learn(&on("fast", "picture", 10_000), false);
        habits.learn(&on("slow", "picture", 24_000), false);
        assert_eq!(habits.elsewhere_ms("comfy", "clip", "1/2/3", "slow"), Some(240_000));
        assert!((habits.pace("comfy", "slow") * habits.pace("comfy", "fast") - 1.0).abs() < 1e-9);
        assert!((habits.pace("comfy", "slow") / habits.pace("comfy", "fast") - 2.4).abs() < 1e-9);
        assert_eq!(habits.pace("comfy", "").to_bits(), 1f64.to_bits(), "the processor is no card");
    }

    proptest! {
        #[test]
        fn percentiles_are_those_of_the_newest(values in proptest::collection::vec(0u64..1000, 1..200)) {
            let mut numbers = Numbers::default();
            for value in &values {
                numbers.push(*value);
            }
            let mut kept: Vec<u64> = values.iter().rev().take(KEPT).copied().collect();
            kept.sort_unstable();
            prop_assert_eq!(&numbers.sorted, &kept);
            let usual = numbers.usual(true).unwrap();
            let below = |limit: u64| kept.iter().filter(|one| **one <= limit).count();
            prop_assert!(below(usual.median_ms) * 2 >= kept.len() && below(usual.p90_ms) * 10 >= kept.len() * 9);
            prop_assert!(usual.median_ms <= usual.p90_ms);
        }
    }
}
