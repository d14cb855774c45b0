//! Agreement: the judge is judged by what people say of the same takes.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::units::Score;

/// Fewer verdicts of people say nothing about the judge.
pub const ENOUGH: usize = 10;
/// Kappa below which the judge is not to be trusted: "moderate" ends there (Landis and Koch 1977).
pub const LOW_KAPPA: f64 = 0.4;

/// Agreement that falls by this share is worth a warning.
const FALL: f64 = 0.1;

/// A take both have judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Who is in it; empty when nobody is.
    pub character: String,
    /// What the judge said.
    pub score: Score,
    /// What a person said.
    pub good: bool,
}

/// How far the judge agrees with people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// Takes both have judged.
    pub takes: usize,
    /// Takes that the judge passes and people call good.
    pub both_pass: usize,
    /// Only the judge passes: what people will be annoyed by.
    pub false_pass: usize,
    /// Only people pass: work done again for nothing.
    pub false_fail: usize,
    /// Takes that the judge and people reject.
    pub both_fail: usize,
    /// Share of the same verdicts, 0-1.
    pub share: f64,
    /// Cohen's kappa, -1..=1: agreement beyond chance; `None` when one of them always says the same.
    pub kappa: Option<f64>,
    /// False passes by character.
    pub by_character: BTreeMap<String, usize>,
    /// What to do about it, a sentence of [`Agreement::low`]; `None` when all is well or too little is known.
    pub warning: Option<String>,
}

/// That a judge agrees too little with people.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "warning", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub enum JudgeWarning {
    /// Hardly more than by chance.
    Low {
        /// Share of the same verdicts, 0-1.
        share: f64,
        /// Takes that both have judged.
        takes: usize,
        /// Cohen's kappa, -1..=1: agreement beyond chance.
        kappa: f64,
    },
    /// Less than the judge before did.
    Fallen {
        /// Share of the same verdicts, 0-1.
        share: f64,
        /// Takes that both have judged.
        takes: usize,
        /// Share of the same verdicts with the judge before, 0-1.
        before: f64,
    },
}

impl fmt::Display for JudgeWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |share: f64| share * 100.0;
        match *self {
            Self::Low { share, takes, kappa } => write!(
                f,
                "the judge agrees with you in {:.0} % of {takes} takes (kappa {kappa:.2}): look at its verdicts before \
                 you trust it, or choose another vision model",
                percent(share),
            ),
            Self::Fallen { share, takes, before } => write!(
                f,
                "the judge agrees with you in {:.0} % of {takes} takes, the one before agreed in {:.0} %: look at \
                 'studiod judge' and go back to the model before, or choose another",
                percent(share),
                percent(before)
            ),
        }
    }
}

impl Agreement {
    /// That the agreement is hardly more than chance; `None` when it is, or too little is known.
    pub fn low(&self) -> Option<JudgeWarning> {
        let kappa = self.kappa.filter(|kappa| self.takes >= ENOUGH && *kappa < LOW_KAPPA - 1e-9)?;
        Some(JudgeWarning::Low { share: self.share, takes: self.takes, kappa })
    }
}

/// Compares the judge, who passes from `mark` on, with people.
pub fn agreement(takes: &[Judged], mark: Score) -> Agreement {
    let count = |judge: bool, person: bool| {
        takes.iter().filter(|take| (take.score >= mark, take.good) == (judge, person)).count()
    };
    let (both_pass, false_pass, false_fail, both_fail) =
        (count(true, true), count(true, false), count(false, true), count(false, false));
    let all = takes.len().max(1) as f64;
    let share = (both_pass + both_fail) as f64 / all;
    let judge_yes = (both_pass + false_pass) as f64 / all;
    let person_yes = (both_pass + false_fail) as f64 / all;
    let by_chance = judge_yes * person_yes + (1.0 - judge_yes) * (1.0 - person_yes);
    let kappa = (by_chance < 1.0 - 1e-9).then(|| (share - by_chance) / (1.0 - by_chance));
    let mut by_character = BTreeMap::new();
    for take in takes.iter().filter(|take| take.score >= mark && !take.good) {
        *by_character.entry(take.character.clone()).or_default() += 1;
    }
    let found = Agreement {
        takes: takes.len(),
        both_pass,
        false_pass,
        false_fail,
        both_fail,
        share,
        kappa,
        by_character,
        warning: None,
    };
    Agreement { warning: found.low().map(|low| low.to_string()), ..found }
}

/// What to say when a judge agrees less than the one before him did on the same kind of takes; `None` when he does
/// not, or too little is known of either.
pub fn fallen(before: &Agreement, now: &Agreement) -> Option<JudgeWarning> {
    let known = before.takes.min(now.takes) >= ENOUGH;
    (known && now.share + FALL <= before.share).then_some(JudgeWarning::Fallen {
        share: now.share,
        takes: now.takes,
        before: before.share,
    })
}

/// The pass mark that agrees best with people (the highest Youden index; of equals the strictest); `None` while
/// too little is known or people always said the same.
pub fn suggest(takes: &[Judged]) -> Option<Score> {
    let good = takes.iter().filter(|take| take.good).count();
    if takes.len() < ENOUGH || good == 0 || good == takes.len() {
        return None;
    }
    let (good, bad) = (good as f64, (takes.len() - good) as f64);
    let index = |mark: Score| {
        let passes =
            |is_good: bool| takes.iter().filter(|take| take.good == is_good && take.score >= mark).count() as f64;
        passes(true) / good - passes(false) / bad
    };
    let marks = takes.iter().map(|take| take.score);
    marks.max_by(|a, b| index(*a).total_cmp(&index(*b)).then(a.cmp(b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(of: &[(u16, bool)]) -> Vec<Judged> {
        let judged = |(percent, good): &(u16, bool)| Judged {
            character: if *percent > 80 { "Anna".into() } else { String::new() },
            score: Score::from_percent(*percent),
            good: *good,
        };
        of.iter().map(judged).collect()
    }

    #[test]
    fn kappa_is_as_in_the_books() {
        // 20 both yes, 5 judge only, 10 person only, 15 both no: kappa 0.40 (the usual worked example).
        let mut all = vec![(70, true); 20];
        all.extend(vec![(70, false); 5]);
        all.extend(vec![(20, true); 10]);
        all.extend(vec![(20, false); 15]);
        let found = agreement(&takes(&all), Score::from_percent(60));
        assert_eq!((found.both_pass, found.false_pass, found.false_fail, found.both_fail), (20, 5, 10, 15));
        assert!((found.share - 0.7).abs() < 1e-9 && (found.kappa.unwrap() - 0.4).abs() < 1e-9, "{found:?}");
        assert_eq!(found.warning, None);
    }

    #[test]
    fn a_judge_who_passes_everything_is_warned_of() {
        let mut all = vec![(90, true); 8];
        all.extend(vec![(90, false); 7]);
        all.push((10, false));
        let found = agreement(&takes(&all), Score::from_percent(60));
        assert_eq!(found.by_character, [("Anna".to_owned(), 7)].into());
        assert!(found.warning.unwrap().contains("kappa"));
        assert_eq!(agreement(&[], Score::from_percent(60)).kappa, None);
        assert_eq!(agreement(&takes(&[(90, true); 20]), Score::from_percent(60)).warning, None, "nothing to compare");
    }

    #[test]
    fn a_judge_who_agrees_less_than_the_one_before_is_warned_of() {
        let of = |wrong: usize| {
            let mut all = vec![(90, true); 20 - wrong];
            all.extend(vec![(90, false); wrong]);
            agreement(&takes(&all), Score::from_percent(60))
        };
        assert!(
            fallen(&of(1), &of(4)).unwrap().to_string().contains("80 % of 20 takes, the one before agreed in 95 %")
        );
        assert_eq!(fallen(&of(4), &of(5)), None, "a take more or less is chance");
        assert_eq!(fallen(&of(4), &of(1)), None);
        let few = agreement(&takes(&[(90, false); 3]), Score::from_percent(60));
        assert_eq!(fallen(&of(1), &few), None);
    }

    #[test]
    fn the_suggested_mark_parts_good_from_bad() {
        let all: Vec<(u16, bool)> = (0..20).map(|n| (n * 5, n >= 11)).collect();
        assert_eq!(suggest(&takes(&all)), Some(Score::from_percent(55)));
        assert_eq!(suggest(&takes(&all[..5])), None);
        assert_eq!(suggest(&takes(&[(50, true); 20])), None);
    }
}
