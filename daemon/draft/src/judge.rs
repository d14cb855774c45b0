//! Draft judge: a verdict from measured numbers alone.
//!
//! It cannot say whether a take is beautiful, only whether something is plainly wrong with it: black, frozen,
//! blurred, flickering, too short. What it cannot measure it does not judge: such a take is unreviewed, not passed.

use std::{path::PathBuf, sync::Arc};

use studio_core::{
    media::{MeasurePlan, MediaPlan, MediaResult},
    order::{Order, Reported, ReviewOrder},
    take::{Mark, MarkName, Verdict},
    units::Score,
};
use studio_engine::{Artifact, Engine, EngineError, FailureKind, Made, Means, Progress, RunMedia, Workspace};
use tokio_util::sync::CancellationToken;

/// Who judges, as verdicts say it.
const JUDGE: &str = "draft.judge";
/// How much each mark counts.
const WEIGHTS: [(MarkName, f64); 10] = [
    (MarkName::Black, 2.0),
    (MarkName::Contrast, 2.0),
    (MarkName::Frozen, 2.0),
    (MarkName::Blur, 1.5),
    (MarkName::Exposure, 1.5),
    (MarkName::Flicker, 1.5),
    (MarkName::Length, 2.0),
    (MarkName::Size, 0.5),
    (MarkName::Likeness, 1.5),
    (MarkName::Drift, 1.0),
];
/// Marks without which a take has not been looked at.
const NEEDED: [MarkName; 3] = [MarkName::Black, MarkName::Blur, MarkName::Exposure];
/// Marks that make a take useless when they fail, however good the rest.
const HARD: [MarkName; 4] = [MarkName::Black, MarkName::Contrast, MarkName::Frozen, MarkName::Length];
/// A hard mark below this has failed.
const HARD_FAULT: f64 = 0.15;
/// A take with a hard fault scores no more than this: below every gate.
const HARD_CAP: f64 = 0.1;
/// Share of the worst mark in the score: one real fault must not drown in good numbers.
const WORST_SHARE: f64 = 0.35;
/// From here on a mark is no complaint.
const FINE: f64 = 0.8;

/// The engine for [`Order::Review`].
#[derive(Clone)]
pub struct DraftJudge {
    media: Arc<dyn RunMedia>,
}

impl DraftJudge {
    /// Measures through `media`.
    pub fn new(media: Arc<dyn RunMedia>) -> Self {
        Self { media }
    }

    /// Measures a take.
    pub async fn review(
        &self,
        order: &ReviewOrder,
        room: &Workspace,
        progress: &Progress,
        stop: &CancellationToken,
    ) -> Result<Verdict, EngineError> {
        let input = room.path(&order.subject);
        if !input.is_file() {
            let message = format!("failed to review the take: {} is gone", input.display());
            return Err(EngineError::new(FailureKind::BadInput, message));
        }
        let reference = order.reference.as_ref().map(|still| room.path(still));
        let anchor = order.anchor.as_ref().map(|picture| room.path(picture)).filter(|picture| picture.is_file());
        let measure = |reference: Option<PathBuf>| {
            let plan = MeasurePlan {
                input: input.clone(),
                expected: order.expected,
                anchor: reference.is_some().then(|| anchor.clone()).flatten(),
                reference,
                may_stand_still: order.may_stand_still,
                dataset: order.dataset,
            };
            self.media.run(MediaPlan::Measure(plan), &room.dir, progress, stop)
        };
        let mut measured = measure(reference.clone()).await;
        // The fault may lie with the reference: the take is judged without it before it is called unreadable.
        if reference.is_some() && measured.as_ref().is_err_and(|failure| failure.kind == FailureKind::BadInput) {
            measured = measure(None).await;
        }
        match measured {
            Ok(MediaResult::Measure { marks }) => Ok(verdict(marks)),
            Ok(other) => {
                let message = format!("failed to review the take: the media process answered {other:?}");
                Err(EngineError::new(FailureKind::Transient, message))
            }
            Err(failure) if failure.kind == FailureKind::BadInput => Ok(undecodable(&failure.message)),
            Err(failure) => Err(failure),
        }
    }
}

impl Engine for DraftJudge {
    fn version(&self) -> String {
        format!("{JUDGE}/2")
    }

    fn run<'a>(&'a self, order: &'a Order, Means { room, progress, stop }: Means<'a>) -> Made<'a> {
        Box::pin(async move {
            let Order::Review(order) = order else {
                return Err(EngineError::new(FailureKind::Refused, "draft.judge only reviews takes"));
            };
            let verdict = self.review(order, room, progress, stop).await?;
            Ok(vec![Artifact::Finding(Reported::Verdict { verdict })])
        })
    }
}

/// What is said of a file nobody can open.
fn undecodable(why: &str) -> Verdict {
    Verdict {
        judge: JUDGE.to_owned(),
        score: Some(Score::from_percent(0)),
        reason: format!("the take cannot be decoded: {why}"),
        ..Verdict::default()
    }
}

/// The verdict that follows from the marks of a take.
///
/// The score is the weighted mean, pulled down by the worst mark; a hard fault keeps it at 0.10 or below. Without
/// the marks every take has there is no score: the take is unreviewed.
pub fn verdict(marks: Vec<Mark>) -> Verdict {
    let judge = JUDGE.to_owned();
    let missing: Vec<&str> =
        NEEDED.into_iter().filter(|name| marks.iter().all(|mark| mark.name != *name)).map(MarkName::word).collect();
    if !missing.is_empty() {
        let reason = format!("not reviewed: {} could not be measured", missing.join(", "));
        return Verdict { judge, reason, marks, ..Verdict::default() };
    }
    let (mut sum, mut weights) = (0.0, 0.0);
    for mark in &marks {
        let weight = WEIGHTS.iter().find(|(name, _)| *name == mark.name).map_or(0.0, |(_, weight)| *weight);
        sum += weight * mark.score.as_fraction();
        weights += weight;
    }
    // Of equally bad marks the first is named: they come in the order of their weight for the eye.
    let Some(worst) = marks.iter().min_by_key(|mark| mark.score) else {
        let reason = "not reviewed: nothing was measured".to_owned();
        return Verdict { judge, reason, marks, ..Verdict::default() };
    };
    let low = worst.score.as_fraction();
    let mut score = (1.0 - WORST_SHARE) * sum / weights + WORST_SHARE * low;
    let hard = marks.iter().find(|mark| HARD.contains(&mark.name) && mark.score.as_fraction() < HARD_FAULT);
    if let Some(fault) = hard {
        score = score.min(HARD_CAP).min(fault.score.as_fraction() + HARD_CAP / 2.0);
    }
    let named = hard.unwrap_or(worst);
    let numbers =
        format!("{} {:.2} ({} {})", named.name, named.score.as_fraction(), figure(named.measured), named.unit);
    let reason = if hard.is_some() {
        format!("the take is unusable: {numbers}")
    } else if low < FINE {
        format!("the weakest point is {numbers}")
    } else {
        format!("nothing is wrong; the lowest mark is {numbers}")
    };
    Verdict { judge, score: Some(Score::from_fraction(score)), reason, marks, ..Verdict::default() }
}

/// A number as people write it: whole when it is, else with as many places as say something.
fn figure(number: f64) -> String {
    if number.fract() == 0.0 {
        format!("{number:.0}")
    } else if number.abs() < 0.1 {
        format!("{number:.4}")
    } else {
        format!("{number:.2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(of: &[(&str, u16)]) -> Vec<Mark> {
        let mark = |(name, percent): &(&str, u16)| Mark {
            name: *MarkName::ALL.iter().find(|one| one.word() == *name).unwrap(),
            score: Score::from_percent(*percent),
            measured: 0.5,
            unit: "share of frames".to_owned(),
        };
        of.iter().map(mark).collect()
    }

    const GOOD: [(&str, u16); 6] =
        [("black", 100), ("frozen", 100), ("blur", 90), ("exposure", 85), ("flicker", 100), ("length", 100)];

    #[test]
    fn good_takes_pass_and_the_lowest_mark_is_named() {
        let verdict = verdict(marks(&GOOD));
        assert!(verdict.score.unwrap() > Score::from_percent(85), "{verdict:?}");
        assert!(verdict.reason.contains("exposure 0.85 (0.50 share of frames)"), "{}", verdict.reason);
    }

    #[test]
    fn one_hard_fault_is_below_every_gate() {
        for fault in ["black", "frozen", "length"] {
            let mut all = GOOD;
            all.iter_mut().filter(|(name, _)| *name == fault).for_each(|mark| mark.1 = 0);
            let verdict = verdict(marks(&all));
            assert!(verdict.score.unwrap() <= Score::from_percent(10), "{fault}: {verdict:?}");
            assert!(verdict.reason.contains("unusable") && verdict.reason.contains(fault), "{}", verdict.reason);
        }
    }

    /// Nine good numbers do not hide a bad one, and a bad one alone is not the end.
    #[test]
    fn a_soft_fault_costs_a_third() {
        let mut all = GOOD;
        all[2].1 = 0;
        let score = verdict(marks(&all)).score.unwrap();
        assert!(score < Score::from_percent(60) && score > Score::from_percent(40), "{score}");
    }

    #[test]
    fn nothing_measured_is_not_a_pass() {
        assert_eq!(verdict(Vec::new()).score, None);
        let verdict = verdict(marks(&[("black", 100), ("length", 100)]));
        assert_eq!(verdict.score, None);
        assert!(verdict.reason.contains("blur, exposure"), "{}", verdict.reason);
    }
}
