//! Choose: which epoch is best, how strongly it acts, and whether it is better than what is used.
//!
//! A contender's score is S = 2·I·F/(I+F) − C/2 − D/4 − max(0, gain of the control)/4, from the means of its probes: identity, how
//! faithful they are to what was asked, the share of far ones that copy a picture of the set, the share with a defect. What a mean
//! of few pictures is worth says the bootstrap over the probes (Efron, 1979), with the same draws for every contender, so that
//! differences are those of pairs. Of contenders within one standard error of the best the earliest wins, as the rule of one standard
//! error has it (Breiman et al., 1984): what is trained longer than it helps only grows stiff.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Contender, ProbeKind, ProbeMarks};
use crate::chance::Chance;

/// Draws of the bootstrap.
const DRAWS: usize = 400;
/// Below this mean likeness everywhere nothing was learned.
const UNLIKE: f64 = 0.5;
/// Below this mean faithfulness from the first candidate on, everything else was forgotten.
const UNFAITHFUL: f64 = 0.5;

/// What was found of one probe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Found {
    /// Which case of the plan it is.
    pub case: u32,
    /// How far that is from what was trained on.
    pub kind: ProbeKind,
    /// What the judge's word means.
    pub marks: ProbeMarks,
    /// It copies a picture that was trained on.
    pub copy: bool,
}

/// How good a contender is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = ContenderEstimate))]
pub struct Estimate {
    /// The score, at most 1.
    pub score: f64,
    /// Its standard error.
    pub error: f64,
    /// Mean likeness, 0..=1.
    pub identity: f64,
    /// Mean share of what was asked for that is seen, 0..=1.
    pub faithful: f64,
    /// Share with a defect, 0..=1.
    pub defects: f64,
    /// Share of far probes that copy a picture of the set, 0..=1.
    pub copies: f64,
    /// How much more alike the control is with it than without; 0 when it is not.
    pub leaks: f64,
    /// Probes it stands on.
    pub probes: u32,
}

/// A contender and how good it is.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Ranked {
    /// Who it is.
    pub contender: Contender,
    /// How good it is.
    pub estimate: Estimate,
}

/// Which epoch was taken, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema), schema(as = TrainingChoice))]
pub struct Choice {
    /// The epoch that was taken; `None`: none was.
    pub epoch: Option<u32>,
    /// How strongly it acts, in percent.
    pub strength: u32,
    /// A person chose it; else its pictures did.
    pub by_person: bool,
    /// It is used now: it is better than what was, or a person said so.
    pub active: bool,
    /// Why it was taken, or none was.
    pub why: ChoiceWhy,
    /// All that were compared, in the order of epochs; empty where nothing was judged.
    pub ranked: Vec<Ranked>,
}

/// Why an epoch was taken, or none. The words are stored and part of the API: they are added to, never changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ChoiceWhy {
    /// It is the earliest within one standard error of the best, and better than what was used.
    Better {
        /// By how much.
        by: f64,
        /// The standard error of that.
        error: f64,
    },
    /// It is the best of its run, but not better than what is used by more than chance.
    NotBetter {
        /// By how much it is better; below 0: worse.
        by: f64,
        /// The standard error of that.
        error: f64,
    },
    /// Nothing is like the character: more epochs, or a higher rate, or better pictures.
    Undertrained,
    /// Already the first candidate does not do what it is asked: a lower rate, or more different pictures.
    Overtrained,
    /// Nobody could judge the pictures.
    Unjudged,
    /// No model makes pictures with it: the one of stills is of another architecture.
    NotShown,
    /// A person chose it.
    Person,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.epoch.map_or_else(
            || "no epoch was taken".to_owned(),
            |epoch| format!("epoch {epoch} at a strength of {} %", self.strength),
        );
        match &self.why {
            ChoiceWhy::Better { by, error } => write!(
                f,
                "{what} is better than what was used by {by:.2} (standard error {error:.2}), and films use it now"
            ),
            ChoiceWhy::NotBetter { by, error } => write!(
                f,
                "{what} is the best of this run, but better than what is used only by {by:.2} (standard error {error:.2}), \
                 so that stays; choose it, and films use it all the same"
            ),
            ChoiceWhy::Undertrained => write!(
                f,
                "{what}: none is like the character; train more epochs, at a higher rate, or on better pictures"
            ),
            ChoiceWhy::Overtrained => write!(
                f,
                "{what}: none does what it is asked, from the first on; train at a lower rate, or on more different pictures"
            ),
            ChoiceWhy::Unjudged => write!(f, "{what}: nobody could judge the pictures; choose an epoch"),
            ChoiceWhy::NotShown => {
                write!(
                    f,
                    "{what}: the model of stills takes no such LoRA, so no pictures compare the epochs; choose one"
                )
            }
            ChoiceWhy::Person => write!(f, "a person chose {what}"),
        }
    }
}

/// The estimate of a contender; `None` without a probe that is no control.
pub fn estimate(found: &[Found], control_without: Option<f64>, seed: u64) -> Option<Estimate> {
    let shown: Vec<&Found> = found.iter().filter(|one| one.kind != ProbeKind::Control).collect();
    if shown.is_empty() {
        return None;
    }
    let leaks = leaks(found, control_without);
    let whole = score(&shown, leaks);
    let mut chance = Chance::of(seed, "bootstrap");
    let draws: Vec<f64> = (0..DRAWS).map(|_| score(&drawn(&shown, &mut chance), leaks)).collect();
    let mean = |of: &dyn Fn(&Found) -> f64| shown.iter().map(|one| of(one)).sum::<f64>() / shown.len() as f64;
    Some(Estimate {
        score: whole,
        error: deviation(&draws),
        identity: mean(&|one| one.marks.identity),
        faithful: mean(&|one| one.marks.faithful),
        defects: mean(&|one| one.marks.defect),
        copies: copies(&shown),
        leaks,
        probes: shown.len() as u32,
    })
}

/// By how much `a` is better than `b` on the cases both have, and the standard error of that; `None` without such a case.
pub fn difference(a: (&[Found], Option<f64>), b: (&[Found], Option<f64>), seed: u64) -> Option<(f64, f64)> {
    let pairs: Vec<(&Found, &Found)> =
        a.0.iter()
            .filter(|one| one.kind != ProbeKind::Control)
            .filter_map(|one| Some((one, b.0.iter().find(|other| other.case == one.case)?)))
            .collect();
    if pairs.is_empty() {
        return None;
    }
    let (leaks_a, leaks_b) = (leaks(a.0, a.1), leaks(b.0, b.1));
    let apart = |pairs: &[(&Found, &Found)]| {
        let (first, second): (Vec<&Found>, Vec<&Found>) = pairs.iter().copied().unzip();
        score(&first, leaks_a) - score(&second, leaks_b)
    };
    let mut chance = Chance::of(seed, "bootstrap");
    let draws: Vec<f64> = (0..DRAWS).map(|_| apart(&drawn(&pairs, &mut chance))).collect();
    Some((apart(&pairs), deviation(&draws)))
}

/// The earliest of those within one standard error of the best. `ranked` are epochs in their order.
pub fn winner(ranked: &[Ranked]) -> Option<Ranked> {
    let best = ranked.iter().max_by(|a, b| a.estimate.score.total_cmp(&b.estimate.score))?;
    let enough = best.estimate.score - best.estimate.error;
    ranked.iter().find(|one| one.estimate.score >= enough).copied()
}

/// What is wrong with all of them; `None`: nothing is.
pub fn hopeless(ranked: &[Ranked]) -> Option<ChoiceWhy> {
    let first = ranked.first()?;
    if ranked.iter().all(|one| one.estimate.identity < UNLIKE) {
        return Some(ChoiceWhy::Undertrained);
    }
    (first.estimate.faithful < UNFAITHFUL && ranked.iter().all(|one| one.estimate.faithful < UNFAITHFUL))
        .then_some(ChoiceWhy::Overtrained)
}

fn score(shown: &[&Found], leaks: f64) -> f64 {
    let many = shown.len() as f64;
    let mean = |of: &dyn Fn(&Found) -> f64| shown.iter().map(|one| of(one)).sum::<f64>() / many;
    let (identity, faithful) = (mean(&|one| one.marks.identity), mean(&|one| one.marks.faithful));
    let both = if identity + faithful > 0.0 { 2.0 * identity * faithful / (identity + faithful) } else { 0.0 };
    both - 0.5 * copies(shown) - 0.25 * mean(&|one| one.marks.defect) - 0.25 * leaks
}

/// Share of far probes that copy: near ones may well look like what was trained on.
fn copies(shown: &[&Found]) -> f64 {
    let far: Vec<_> = shown.iter().filter(|one| one.kind == ProbeKind::Far).collect();
    if far.is_empty() { 0.0 } else { far.iter().filter(|one| one.copy).count() as f64 / far.len() as f64 }
}

/// How much more alike the control is than without any LoRA.
fn leaks(found: &[Found], without: Option<f64>) -> f64 {
    let control = found.iter().find(|one| one.kind == ProbeKind::Control).map(|one| one.marks.identity);
    control.zip(without).map_or(0.0, |(with, without)| (with - without).max(0.0))
}

fn drawn<T: Copy>(from: &[T], chance: &mut Chance) -> Vec<T> {
    from.iter().map(|_| from[chance.whole(0, from.len() as u64 - 1) as usize]).collect()
}

fn deviation(draws: &[f64]) -> f64 {
    let many = draws.len() as f64;
    let mean = draws.iter().sum::<f64>() / many;
    (draws.iter().map(|one| (one - mean).powi(2)).sum::<f64>() / (many - 1.0)).sqrt()
}
