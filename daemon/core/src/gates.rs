//! Gates: how good a take must be, how often we try again, and which take wins.
//!
//! A gate loosens with each attempt, because a shot that failed twice is probably hard, and the film must end.
//! Nothing here knows how a score was made. An unreviewed take never passes.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use crate::{
    ids::{ContentHash, TakeId},
    take::{Take, Verdict},
    units::{Score, Seed, Steps},
};

/// Pass marks and what a further attempt may cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gates {
    /// Scores (0-1) that attempts 1, 2 and 3 must reach; their number is the number of attempts.
    pub pass_marks: [Score; 3],
    /// Sampling steps added for each further attempt.
    pub steps_per_retry: Steps,
    /// A film goes on, with a remark, where a person must look at a take that passed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_with_remarks: bool,
}

impl Default for Gates {
    fn default() -> Self {
        let pass_marks = [Score::from_percent(60), Score::from_percent(45), Score::from_percent(30)];
        Self { pass_marks, steps_per_retry: Steps(5), publish_with_remarks: false }
    }
}

/// What happens after a take has been reviewed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateDecision {
    /// The latest take passed and goes into the film.
    Accept(TakeId),
    /// Make another take with these steps and a new seed.
    Retry {
        /// Sampling steps of the next take.
        steps: Steps,
    },
    /// No attempts left: the best one goes into the film, and the page says so.
    AcceptBest(TakeId),
    /// Nobody could judge the last take: a person must.
    AskPerson,
}

impl Gates {
    /// Gates for a model judges are stricter or kinder with; see [`crate::model::Model::pass_shift`].
    #[must_use]
    pub fn shifted(&self, percent: i32) -> Self {
        let shift = |mark: Score| Score::from_fraction(mark.as_fraction() + f64::from(percent) / 100.0);
        Self { pass_marks: self.pass_marks.map(shift), ..*self }
    }

    /// Whether the judge lets a take pass that is number `attempt`, from 1, of its shot.
    pub fn passes(&self, take: &Take, attempt: usize) -> bool {
        // More takes than gates happen when a person asked for another one: the last gate still stands.
        let pass_mark = self.pass_marks[attempt.saturating_sub(1).min(self.pass_marks.len() - 1)];
        let verdict = take.verdict.as_ref();
        take.score().is_some_and(|score| score >= pass_mark) && !verdict.is_some_and(Verdict::is_crowded)
    }

    /// Decides from all takes of one subject, oldest first; the last one has just been reviewed.
    ///
    /// Without any take it asks for the first one.
    pub fn next(&self, takes: &[Take], base_steps: Steps) -> GateDecision {
        let attempt = takes.len();
        let Some(latest) = takes.last() else { return GateDecision::Retry { steps: base_steps } };
        let crowded = |take: &Take| take.verdict.as_ref().is_some_and(Verdict::is_crowded);
        if self.passes(latest, attempt) {
            return GateDecision::Accept(latest.id);
        }
        // A judge with eyes that could not judge was asked twice; it would not judge another take either.
        if latest.verdict.as_ref().is_some_and(|verdict| verdict.score.is_none() && verdict.ask.is_some()) {
            return GateDecision::AskPerson;
        }
        if attempt < self.pass_marks.len() {
            return GateDecision::Retry { steps: base_steps + self.steps_per_retry * attempt as u32 };
        }
        // Ties go to the earlier take: same quality, fewer steps.
        let judged = takes.iter().enumerate();
        let judged = judged.filter_map(|(at, take)| take.score().map(|score| (!crowded(take), score, Reverse(at))));
        judged.max().map_or(GateDecision::AskPerson, |(_, _, Reverse(best))| GateDecision::AcceptBest(takes[best].id))
    }
}

/// The seed of attempt `attempt` (from 1) at `subject`, a stable name such as `1-3 clip`, in a project.
///
/// The same arguments give the same seed for ever. Below 2^53, so that JSON and SQL keep it exactly.
pub fn seed(project: Seed, subject: &str, attempt: u32) -> Seed {
    let name = format!("seed\n{}\n{attempt}\n{subject}", project.0);
    Seed(ContentHash::of(name.as_bytes()).leading_u64() >> 11)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use uuid::Uuid;

    use super::*;
    use crate::{
        ids::ShotId,
        review::Issue,
        take::{PERSON, Subject},
    };

    /// Takes with these scores in percent; `None` is unreviewed.
    fn takes(scores: &[Option<u16>]) -> Vec<Take> {
        let verdict = |score: Option<u16>| Verdict {
            judge: "test".into(),
            score: score.map(Score::from_percent),
            ..Verdict::default()
        };
        let take = |(at, score): (usize, &Option<u16>)| Take {
            id: TakeId(Uuid::from_u128(at as u128)),
            shot_id: ShotId(Uuid::nil()),
            subject: Subject::Clip,
            attempt: at as u32 + 1,
            seed: Seed(0),
            steps: Steps(20),
            asset: ContentHash([0; 32]),
            verdict: Some(verdict(*score)),
            chosen: false,
        };
        scores.iter().enumerate().map(take).collect()
    }

    fn next(scores: &[Option<u16>]) -> GateDecision {
        Gates::default().next(&takes(scores), Steps(20))
    }

    #[test]
    fn who_should_be_alone_and_is_not_does_not_pass() {
        let crowded = |scores: &[Option<u16>], which: usize, judge: &str| {
            let mut takes = takes(scores);
            let verdict = takes[which].verdict.as_mut().unwrap();
            (verdict.issues, verdict.judge) = (vec![Issue::NotSolo], judge.into());
            Gates::default().next(&takes, Steps(20))
        };
        assert_eq!(crowded(&[Some(95)], 0, "eyes"), GateDecision::Retry { steps: Steps(25) });
        assert_eq!(crowded(&[Some(95)], 0, PERSON), GateDecision::Accept(nth(0)), "a person has the last word");
        // Of three that did not pass, one with the right people is better than one that scores more.
        assert_eq!(crowded(&[Some(95), Some(20), Some(10)], 0, "eyes"), GateDecision::AcceptBest(nth(1)));
        assert_eq!(crowded(&[Some(95), None, None], 0, "eyes"), GateDecision::AcceptBest(nth(0)));
    }

    fn nth(at: u128) -> TakeId {
        TakeId(Uuid::from_u128(at))
    }

    #[test]
    fn each_gate_is_lower_than_the_one_before() {
        assert_eq!(next(&[]), GateDecision::Retry { steps: Steps(20) });
        assert_eq!(next(&[Some(60)]), GateDecision::Accept(nth(0)));
        assert_eq!(next(&[Some(59)]), GateDecision::Retry { steps: Steps(25) });
        assert_eq!(next(&[Some(59), Some(45)]), GateDecision::Accept(nth(1)));
        assert_eq!(next(&[Some(59), Some(44)]), GateDecision::Retry { steps: Steps(30) });
        assert_eq!(next(&[Some(59), Some(44), Some(30)]), GateDecision::Accept(nth(2)));
    }

    #[test]
    fn when_all_fail_the_best_wins_and_the_earlier_of_equals() {
        assert_eq!(next(&[Some(10), Some(29), Some(29)]), GateDecision::AcceptBest(nth(1)));
        assert_eq!(next(&[Some(50), None, Some(0)]), GateDecision::AcceptBest(nth(0)));
        assert_eq!(
            next(&[Some(50), Some(20), Some(10), Some(29)]),
            GateDecision::AcceptBest(nth(0)),
            "a fourth take by hand"
        );
    }

    #[test]
    fn an_unreviewed_take_never_passes() {
        let lenient = Gates { pass_marks: [Score::from_percent(0); 3], ..Gates::default() };
        assert_eq!(lenient.next(&takes(&[None]), Steps(20)), GateDecision::Retry { steps: Steps(25) });
        assert_eq!(next(&[None, None, None]), GateDecision::AskPerson);
        let mut unasked = takes(&[Some(99)]);
        unasked[0].verdict = None;
        assert_eq!(Gates::default().next(&unasked, Steps(20)), GateDecision::Retry { steps: Steps(25) });
    }

    #[test]
    fn a_take_a_judge_with_eyes_could_not_judge_is_for_a_person() {
        let mut blind = takes(&[Some(20), None]);
        blind[1].verdict.as_mut().unwrap().ask = Some(crate::take::MustLook::NoFrame);
        assert_eq!(Gates::default().next(&blind, Steps(20)), GateDecision::AskPerson);
        assert_eq!(Gates::default().shifted(-5).next(&takes(&[Some(55)]), Steps(20)), GateDecision::Accept(nth(0)));
    }

    #[test]
    fn marks_are_configurable() {
        let strict = Gates { pass_marks: [Score::from_percent(90); 3], steps_per_retry: Steps(2), ..Gates::default() };
        assert_eq!(strict.next(&takes(&[Some(89)]), Steps(10)), GateDecision::Retry { steps: Steps(12) });
    }

    #[test]
    fn seeds_are_stable_and_all_differ() {
        assert_eq!(seed(Seed(7), "1-3 clip", 1), seed(Seed(7), "1-3 clip", 1));
        let mut drawn = HashSet::new();
        for project in 0..4 {
            for subject in ["1-3 clip", "1-3 still", "1-31 clip"] {
                for attempt in 1..=20 {
                    let seed = seed(Seed(project), subject, attempt);
                    assert!(drawn.insert(seed) && seed.0 < 1 << 53);
                }
            }
        }
    }
}
