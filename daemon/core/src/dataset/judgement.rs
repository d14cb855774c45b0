//! Judgement: what follows from a verdict, within the bands of a dataset.

use super::{DatasetSettings, Reason, Rejection};
use crate::take::Verdict;

/// What follows from a verdict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Band {
    /// The judge may approve it.
    Approve(Reason),
    /// The judge may reject it.
    Reject(Reason),
    /// Only a person can say.
    Person,
}

/// What follows from a verdict; with `person_approves` the judge never approves by itself, as of somebody who is no human.
///
/// What could not be judged is unreviewed: a person says. Good enough is what scores, shows exactly one, and gives the
/// judge no reason to ask.
pub fn band(verdict: &Verdict, settings: &DatasetSettings, person_approves: bool) -> Band {
    let Some(score) = verdict.score else { return Band::Person };
    if score < settings.reject {
        let mut categories: Vec<Rejection> = verdict.issues.iter().copied().map(Rejection::of_issue).collect();
        categories.sort_unstable();
        categories.dedup();
        if categories.is_empty() {
            categories.push(Rejection::BadQuality);
        }
        return Band::Reject(Reason::Rejected { categories });
    }
    if score < settings.approve || person_approves || verdict.ask.is_some() || verdict.is_crowded() {
        return Band::Person;
    }
    let percent = |score: crate::units::Score| (score.as_fraction() * 100.0).round() as u16;
    Band::Approve(Reason::Scored { percent: percent(score), asked: percent(settings.approve) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{review::Issue, take::MustLook, units::Score};

    fn verdict(percent: Option<u16>, issues: &[Issue]) -> Verdict {
        Verdict {
            judge: "eyes".into(),
            score: percent.map(Score::from_percent),
            issues: issues.to_vec(),
            ..Verdict::default()
        }
    }

    fn of(percent: Option<u16>, issues: &[Issue], person_approves: bool) -> Band {
        band(&verdict(percent, issues), &DatasetSettings::default(), person_approves)
    }

    #[test]
    fn the_judge_decides_only_where_it_is_sure() {
        assert_eq!(of(Some(80), &[], false), Band::Approve(Reason::Scored { percent: 80, asked: 80 }));
        assert_eq!(of(Some(79), &[], false), Band::Person);
        assert_eq!(of(Some(40), &[], false), Band::Person);
        assert_eq!(of(Some(95), &[Issue::NotSolo], false), Band::Person, "not alone");
        assert_eq!(of(Some(95), &[], true), Band::Person, "no human");
        assert_eq!(of(None, &[], false), Band::Person, "unreviewed is no pass, and no rejection");
        let asked = Verdict { ask: Some(MustLook::NotHuman { name: "BEN".into() }), ..verdict(Some(95), &[]) };
        assert_eq!(band(&asked, &DatasetSettings::default(), false), Band::Person);
    }

    #[test]
    fn a_rejection_says_what_is_wrong_in_the_order_it_is_mended() {
        let rejected = |categories: &[Rejection]| Band::Reject(Reason::Rejected { categories: categories.to_vec() });
        assert_eq!(of(Some(39), &[], false), rejected(&[Rejection::BadQuality]));
        let issues = [Issue::Blurry, Issue::NotSolo, Issue::BadAnatomy, Issue::ArtifactFlicker];
        let categories = [Rejection::NotSolo, Rejection::BadQuality, Rejection::Blurry];
        assert_eq!(of(Some(10), &issues, true), rejected(&categories));
    }

    #[test]
    fn words_of_rejections_are_pinned() {
        let words: Vec<&str> = Rejection::ALL.iter().map(|one| one.word()).collect();
        for (word, one) in words.iter().zip(Rejection::ALL) {
            assert_eq!(serde_json::to_value(one).unwrap(), *word);
        }
        assert_eq!(words[..4], ["not_solo", "wrong_appearance", "wrong_pose", "wrong_expression"]);
    }
}
