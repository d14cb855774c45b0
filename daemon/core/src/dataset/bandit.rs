//! Bandit: which change of settings the next picture tries. Thompson sampling: each arm draws how good it may be from
//! what is known of it, and the best draw wins; so what works is used more, and what is unknown is still tried.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Arm, ArmWhy, Decider, PictureState, Summary};
use crate::{chance::Chance, units::Millis};

/// What a person says counts as much as so many verdicts of the judge.
const PERSON: f64 = 3.0;
/// After so long a result counts half: 30 days.
const HALF_LIFE_MS: f64 = 30.0 * 86_400_000.0;
/// What is known of other characters counts as much as so many results.
const PRIOR: f64 = 4.0;
/// Results of an arm below which nobody can say that films should use it.
const ENOUGH: u32 = 10;
/// How sure it must be that an arm is better than the model's own settings before films should use it.
const SURE: f64 = 0.9;
/// Draws by which that is told.
const DRAWS: u32 = 10_000;

/// What is known of an arm.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Evidence {
    /// Results there were.
    pub results: u32,
    /// How many of them were approved.
    pub approved: u32,
    /// Weight of what was approved: old ones weigh less, a person's more.
    pub good: f64,
    /// Weight of what was rejected.
    pub bad: f64,
}

/// What is known of each arm, by its name.
pub type Evidences = BTreeMap<String, Evidence>;

/// What the pictures of `model` decided since `since` say of each arm at `now`. Repairs say nothing: they change more.
pub fn evidence<'a>(
    pictures: impl IntoIterator<Item = &'a Summary>,
    model: &str,
    since: Millis,
    now: Millis,
) -> Evidences {
    let mut evidences = Evidences::new();
    for picture in pictures {
        let Some(decided) = picture.decided.as_ref().filter(|decided| decided.at >= since) else { continue };
        if !picture.generated || picture.copy || picture.model != model || !picture.tried.repair.is_empty() {
            continue;
        }
        let age = now.0.saturating_sub(decided.at.0).max(0) as f64;
        let weight = 0.5f64.powf(age / HALF_LIFE_MS) * if decided.by == Decider::Person { PERSON } else { 1.0 };
        let known = evidences.entry(picture.tried.arm.clone()).or_default();
        known.results += 1;
        if picture.state == PictureState::Approved {
            known.approved += 1;
            known.good += weight;
        } else {
            known.bad += weight;
        }
    }
    evidences
}

/// What is known of an arm for this character, on the ground of what is known for others.
fn beta(arm: &Arm, own: &Evidences, others: &Evidences) -> (f64, f64) {
    let own = own.get(arm.name).copied().unwrap_or_default();
    let others = others.get(arm.name).copied().unwrap_or_default();
    let rate = (others.good + 1.0) / (others.good + others.bad + 2.0);
    (PRIOR * rate + own.good, PRIOR * (1.0 - rate) + own.bad)
}

/// The arm to try next; `arms` is not empty. `own`: what is known for this character and model, `others`: for the same
/// model and all other characters.
pub fn choose(arms: &[&'static Arm], own: &Evidences, others: &Evidences, chance: &mut Chance) -> &'static Arm {
    let mut best = (arms.first().copied().unwrap_or_else(|| Arm::named("")), f64::MIN);
    for arm in arms {
        let (good, bad) = beta(arm, own, others);
        let draw = draw_beta(chance, good, bad);
        if draw > best.1 {
            best = (arm, draw);
        }
    }
    best.0
}

/// What films could use of what was learned for a character and a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum ForFilms {
    /// This arm is better almost for certain: a project's own way with the model may have it.
    Use {
        /// The arm's name.
        arm: String,
        /// How sure that is, 0..=1.
        sure: f64,
    },
    /// There are results, and no arm is better for certain.
    Unsure {
        /// The arm that is most likely better.
        arm: String,
        /// How sure that is, 0..=1.
        sure: f64,
    },
    /// There are too few results.
    NotEnough {
        /// Results of the arm that has most, or of the model's own settings if those are fewer.
        results: u32,
        /// How many there must be of both.
        least: u32,
    },
}

/// Whether films should use an arm instead of the model's own settings, which is the first of `arms`.
pub fn for_films(arms: &[&'static Arm], own: &Evidences, others: &Evidences, seed: u64) -> ForFilms {
    let results = |arm: &Arm| own.get(arm.name).map_or(0, |known| known.results);
    let Some((default, rest)) = arms.split_first() else { return ForFilms::NotEnough { results: 0, least: ENOUGH } };
    let enough = rest.iter().filter(|arm| results(arm).min(results(default)) >= ENOUGH);
    let sure = |arm: &&'static Arm| {
        let mut chance = Chance::of(seed, arm.name);
        let (this, that) = (beta(arm, own, others), beta(default, own, others));
        let wins =
            (0..DRAWS).filter(|_| draw_beta(&mut chance, this.0, this.1) > draw_beta(&mut chance, that.0, that.1));
        (arm.name, wins.count() as f64 / f64::from(DRAWS))
    };
    match enough.map(sure).max_by(|a, b| a.1.total_cmp(&b.1)) {
        Some((arm, sure)) if sure > SURE => ForFilms::Use { arm: arm.into(), sure },
        Some((arm, sure)) => ForFilms::Unsure { arm: arm.into(), sure },
        None => {
            let most = rest.iter().map(|arm| results(arm)).max().unwrap_or(0);
            ForFilms::NotEnough { results: most.min(results(default)), least: ENOUGH }
        }
    }
}

impl ArmWhy {
    /// What came of an arm so far.
    pub fn of(arm: &Arm, own: &Evidences) -> Self {
        let known = own.get(arm.name).copied().unwrap_or_default();
        Self { arm: arm.name.into(), approved: known.approved, results: known.results }
    }
}

/// A draw from the Beta distribution with these two parameters, both above 0.
pub(super) fn draw_beta(chance: &mut Chance, good: f64, bad: f64) -> f64 {
    let (good, bad) = (draw_gamma(chance, good), draw_gamma(chance, bad));
    if good + bad > 0.0 { good / (good + bad) } else { 0.5 }
}

/// A draw from the Gamma distribution with this shape and scale 1 (Marsaglia and Tsang, 2000).
fn draw_gamma(chance: &mut Chance, shape: f64) -> f64 {
    if shape < 1.0 {
        let whole = draw_gamma(chance, shape + 1.0);
        return whole * not_zero(chance).powf(1.0 / shape);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let normal = draw_normal(chance);
        let v = (1.0 + c * normal).powi(3);
        if v > 0.0 && not_zero(chance).ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// A draw from the normal distribution (Box and Muller, 1958).
fn draw_normal(chance: &mut Chance) -> f64 {
    (-2.0 * not_zero(chance).ln()).sqrt() * (std::f64::consts::TAU * chance.share()).cos()
}

/// Above 0, up to 1: a number that has a logarithm.
fn not_zero(chance: &mut Chance) -> f64 {
    1.0 - chance.share()
}
