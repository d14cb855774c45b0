//! Learning: what takes that were judged teach the next ones: words to avoid, and settings that work.
//!
//! Nothing learned is for ever: complaints are forgotten after [`MEMORY_MS`], and a production keeps what it was begun
//! with, so that a film is not made anew because of what happened since.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    character::{by_name, fold_name},
    review::Issue,
    units::{Millis, Score},
    workflow::SlotValue,
};

/// Complaints older than this teach nothing any more: 30 days.
pub const MEMORY_MS: i64 = 30 * 86_400_000;
/// A complaint that was made once is an accident.
const OFTEN: usize = 2;
/// Complaints heard for one character, the most frequent ones.
const MOST_COMPLAINTS: usize = 10;
/// Takes that score less show nothing worth repeating.
const GOOD: Score = Score::from_percent(65);
/// Good takes from which settings are taken over; fewer are luck.
const MEDIUM: usize = 10;
/// Good takes from which settings are sure.
const HIGH: usize = 25;
/// Settings that are learned; others belong to the model.
const NUMBERS: [&str; 3] = ["steps", "cfg", "guidance"];
const WORDS: [&str; 2] = ["sampler", "scheduler"];

/// A take that was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Who is in it, as the script writes them.
    pub characters: Vec<String>,
    /// Which model made it; empty for drafts.
    pub model: String,
    /// What its workflow was bound with.
    pub settings: BTreeMap<String, SlotValue>,
    /// What the judge said, 1 where a person said that it is good.
    pub score: Score,
    /// It was not good enough for the first gate, or a person said so.
    pub rejected: bool,
    /// What is wrong with it.
    pub issues: Vec<Issue>,
    /// When it was judged.
    pub at: Millis,
}

/// How sure a recommendation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Fewer than 10 good takes: it is told and not used.
    Low,
    /// From 10 good takes.
    Medium,
    /// From 25 good takes.
    High,
}

/// Settings that worked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recommended {
    /// How sure the settings are; with low confidence they are told and not used.
    pub confidence: Confidence,
    /// Good takes it stands on.
    pub takes: usize,
    /// Medians of numbers, the most frequent of words.
    pub settings: BTreeMap<String, SlotValue>,
}

/// What was learned.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Learned {
    /// What to avoid, by name in lower case.
    pub avoid: BTreeMap<String, Vec<String>>,
    /// Settings, by model and then by name in lower case; the empty name is everybody.
    pub settings: BTreeMap<String, BTreeMap<String, Recommended>>,
}

/// What judged takes teach at `now`.
pub fn learn(samples: &[Sample], now: Millis) -> Learned {
    let names: BTreeSet<String> =
        samples.iter().flat_map(|sample| &sample.characters).map(|name| fold_name(name)).collect();
    let mut learned = Learned::default();
    for name in &names {
        let mine = || samples.iter().filter(|sample| sample.characters.iter().any(|one| fold_name(one) == *name));
        let avoid = complaints(mine().filter(|sample| sample.rejected && now.0 - sample.at.0 < MEMORY_MS));
        if !avoid.is_empty() {
            learned.avoid.insert(name.clone(), avoid);
        }
    }
    let models: BTreeSet<&String> =
        samples.iter().map(|sample| &sample.model).filter(|name| !name.is_empty()).collect();
    for model in models {
        let good = |name: Option<&String>| {
            let alone = |sample: &&Sample| match (name, sample.characters.as_slice()) {
                (None, _) => true,
                (Some(name), [one]) => fold_name(one) == *name,
                (Some(_), _) => false,
            };
            let fits = |sample: &&Sample| sample.model == *model && !sample.rejected && sample.score >= GOOD;
            recommend(&samples.iter().filter(fits).filter(alone).collect::<Vec<_>>())
        };
        let mut of_model = BTreeMap::new();
        of_model.extend(good(None).map(|found| (String::new(), found)));
        of_model.extend(names.iter().filter_map(|name| Some((name.clone(), good(Some(name))?))));
        if !of_model.is_empty() {
            learned.settings.insert(model.clone(), of_model);
        }
    }
    learned
}

/// Words against what is often wrong, the most frequent first.
fn complaints<'a>(samples: impl Iterator<Item = &'a Sample>) -> Vec<String> {
    let mut counts: BTreeMap<Issue, usize> = BTreeMap::new();
    for sample in samples {
        for issue in sample.issues.iter().collect::<BTreeSet<_>>() {
            *counts.entry(*issue).or_default() += 1;
        }
    }
    let mut often: Vec<(Issue, usize)> = counts.into_iter().filter(|(_, count)| *count >= OFTEN).collect();
    often.sort_by_key(|(issue, count)| (std::cmp::Reverse(*count), *issue));
    let words = often.into_iter().take(MOST_COMPLAINTS).filter_map(|(issue, _)| issue.fix());
    words.map(|fix| fix.avoid.to_owned()).filter(|words| !words.is_empty()).collect()
}

fn number(value: &SlotValue) -> Option<f64> {
    match value {
        SlotValue::Int(number) => Some(*number as f64),
        SlotValue::Float(number) => Some(*number),
        _ => None,
    }
}

/// Settings of good takes; `None` while there are fewer than five.
fn recommend(good: &[&Sample]) -> Option<Recommended> {
    let confidence = match good.len() {
        0..5 => return None,
        5..MEDIUM => Confidence::Low,
        MEDIUM..HIGH => Confidence::Medium,
        _ => Confidence::High,
    };
    let mut settings = BTreeMap::new();
    for slot in NUMBERS {
        let mut values: Vec<f64> = good.iter().filter_map(|take| number(take.settings.get(slot)?)).collect();
        values.sort_by(f64::total_cmp);
        let Some(median) = values.get(values.len() / 2) else { continue };
        let whole = slot == "steps";
        let value = if whole {
            SlotValue::Int(median.round() as i64)
        } else {
            SlotValue::Float((median * 10.0).round() / 10.0)
        };
        settings.insert(slot.to_owned(), value);
    }
    for slot in WORDS {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for take in good {
            if let Some(SlotValue::Text(word)) = take.settings.get(slot) {
                *counts.entry(word).or_default() += 1;
            }
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        settings.extend(most.map(|(word, _)| (slot.to_owned(), SlotValue::Text(word.to_owned()))));
    }
    (!settings.is_empty()).then_some(Recommended { confidence, takes: good.len(), settings })
}

impl Learned {
    /// Settings that are sure enough for a model and somebody alone in the picture, else for everybody.
    pub fn of(&self, model: &str, names: &[String]) -> Option<&Recommended> {
        let of_model = self.settings.get(model)?;
        let sure = |found: Option<_>| found.filter(|found: &&Recommended| found.confidence >= Confidence::Medium);
        let alone = if let [name] = names { sure(by_name(of_model, name)) } else { None };
        alone.or_else(|| sure(of_model.get("")))
    }

    /// Nothing was learned.
    pub fn is_empty(&self) -> bool {
        self.avoid.is_empty() && self.settings.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn sample(score: u16, issues: &[Issue], cfg: f64) -> Sample {
        let text = |word: &str| SlotValue::Text(word.to_owned());
        let sampler = if cfg > 6.0 { "euler" } else { "dpmpp_2m" };
        let settings = [("cfg", SlotValue::Float(cfg)), ("steps", SlotValue::Int(30)), ("sampler", text(sampler))];
        Sample {
            characters: vec!["Mara".into()],
            model: "sdxl".into(),
            settings: settings.map(|(slot, value)| (slot.to_owned(), value)).into(),
            score: Score::from_percent(score),
            rejected: score < 60,
            issues: issues.to_vec(),
            at: Millis(100 * DAY),
        }
    }

    #[test]
    fn complaints_are_heard_from_the_second_on_and_forgotten_after_a_month() {
        use Issue::{BadAnatomy, Blurry, NotSolo, WrongAction};
        let takes = [
            sample(20, &[Blurry, BadAnatomy, WrongAction], 7.0),
            sample(30, &[BadAnatomy, BadAnatomy, WrongAction], 7.0),
            sample(40, &[BadAnatomy, Blurry], 7.0),
            sample(50, &[NotSolo], 7.0),
            sample(90, &[NotSolo], 7.0),
        ];
        let avoid = |now: i64| learn(&takes, Millis(now)).avoid;
        let soon = avoid(101 * DAY);
        let anatomy = "bad anatomy, extra limbs, extra fingers, deformed, fused";
        assert_eq!(soon["mara"], [anatomy, "blurry, out of focus"], "the good take's complaint does not count");
        assert!(avoid(131 * DAY).is_empty());
        assert_eq!(learn(&[], Millis(0)), Learned::default());
    }

    #[test]
    fn settings_are_taken_over_when_they_are_sure() {
        let good: Vec<Sample> = (0..12).map(|n| sample(80, &[], 5.0 + f64::from(n % 3))).collect();
        let learned = learn(&good, Millis(0));
        let found = &learned.settings["sdxl"]["mara"];
        assert_eq!((found.confidence, found.takes), (Confidence::Medium, 12));
        let of = learned.of("sdxl", &["MARA".into()]).map(|found| &found.settings);
        let values = of.unwrap();
        assert_eq!(values["cfg"], SlotValue::Float(6.0));
        assert_eq!(values["steps"], SlotValue::Int(30));
        assert_eq!(values["sampler"], SlotValue::Text("dpmpp_2m".into()));
        let ben = learned.of("sdxl", &["Ben".into()]).map(|found| &found.settings);
        assert_eq!(ben, of, "what is known of everybody");
        assert!(learned.of("wan", &["Mara".into()]).is_none());
        let few = learn(&good[..9], Millis(0));
        assert_eq!(few.settings["sdxl"]["mara"].confidence, Confidence::Low);
        assert!(few.of("sdxl", &["Mara".into()]).is_none(), "nine good takes are not enough");
        let sure: Vec<Sample> = (0..25).map(|_| sample(70, &[], 6.0)).collect();
        assert_eq!(learn(&sure, Millis(0)).settings["sdxl"][""].confidence, Confidence::High);
        assert!(learn(&[sample(64, &[], 6.0), sample(20, &[], 6.0)], Millis(0)).settings.is_empty());
    }
}
