//! Score: one number from what a vision model says. Weights and caps are those of the original studio's rules.

use super::{ClipLook, StillLook};
use crate::units::Score;

/// Weights of character, style, motion and technical quality when there is a source to compare with, and without.
const WITH_SOURCE: [f64; 4] = [0.30, 0.20, 0.25, 0.25];
const WITHOUT: [f64; 4] = [0.20, 0.15, 0.30, 0.35];
/// Most that training value may be with a defect in the anatomy or an error the character often has.
const DEFECT_CAP: u8 = 2;
/// Most that a clip's character may match when it is the wrong one.
const WRONG_ONE: u8 = 1;

/// What a clip scores, and its parts as means over the frames.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClipScore {
    /// The mean over the frames.
    pub score: Score,
    /// Character, style, motion, technical quality, each 1..=10.
    pub parts: [f64; 4],
}

/// What one frame scores, 0..=1.
fn frame(look: &ClipLook, with_source: bool) -> f64 {
    let weights = if with_source { WITH_SOURCE } else { WITHOUT };
    let character = if look.is_wrong() { look.character_match.min(WRONG_ONE) } else { look.character_match };
    let parts = [character, look.style_match, look.motion_execution, look.technical_quality];
    let weighted: f64 = parts.iter().zip(weights).map(|(part, weight)| f64::from(*part) * weight).sum();
    (weighted - 1.0) / 9.0
}

/// The score of a clip from its frames; `None` without any.
pub fn clip_score(looks: &[ClipLook], with_source: bool) -> Option<ClipScore> {
    let count = looks.len() as f64;
    if looks.is_empty() {
        return None;
    }
    let mean = |part: fn(&ClipLook) -> u8| looks.iter().map(|look| f64::from(part(look))).sum::<f64>() / count;
    let score = looks.iter().map(|look| frame(look, with_source)).sum::<f64>() / count;
    let parts = [
        mean(|look| look.character_match),
        mean(|look| look.style_match),
        mean(|look| look.motion_execution),
        mean(|look| look.technical_quality),
    ];
    Some(ClipScore { score: Score::from_fraction(score), parts })
}

/// The score of a still: (character match + clarity + training value) / 30 after the caps.
pub fn still_score(look: &StillLook) -> Score {
    let (mut character, mut training) = (look.character_match, look.training_value);
    if look.is_wrong() {
        (character, training) = (0, 0);
    }
    if look.has_anatomical_defects || !look.common_error_hits.is_empty() {
        training = training.min(DEFECT_CAP);
    }
    let sum = u32::from(character) + u32::from(look.clarity) + u32::from(training);
    Score::from_fraction(f64::from(sum) / 30.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::review::{Completeness, Issue};

    fn clip(parts: [u8; 4]) -> ClipLook {
        let [character_match, style_match, motion_execution, technical_quality] = parts;
        ClipLook {
            character_match,
            style_match,
            motion_execution,
            technical_quality,
            issues: Vec::new(),
            solo: true,
            completeness: Completeness::Full,
            species_correct: true,
            reason: String::new(),
        }
    }

    fn still(character_match: u8, clarity: u8, training_value: u8) -> StillLook {
        StillLook {
            character_match,
            clarity,
            training_value,
            issues: Vec::new(),
            solo: true,
            completeness: Completeness::Full,
            species_correct: true,
            gender_match: true,
            has_anatomical_defects: false,
            common_error_hits: Vec::new(),
            caption: String::new(),
            reason: String::new(),
        }
    }

    #[test]
    fn the_weights_are_those_of_the_rules() {
        for weights in [WITH_SOURCE, WITHOUT] {
            assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
        assert_eq!(clip_score(&[clip([10; 4])], true).unwrap().score, Score::from_percent(100));
        assert_eq!(clip_score(&[clip([1; 4])], false).unwrap().score, Score::from_percent(0));
        // 8*.3 + 6*.2 + 7*.25 + 5*.25 = 6.6; (6.6 - 1) / 9 = 0.6222
        assert_eq!(clip_score(&[clip([8, 6, 7, 5])], true).unwrap().score.to_string(), "0.62");
        // 8*.2 + 6*.15 + 7*.3 + 5*.35 = 6.35; 0.5944
        assert_eq!(clip_score(&[clip([8, 6, 7, 5])], false).unwrap().score.to_string(), "0.59");
        let three = [clip([10; 4]), clip([10; 4]), clip([1; 4])];
        assert_eq!(clip_score(&three, true).unwrap().score.to_string(), "0.67", "the mean over the frames");
        assert_eq!(clip_score(&[], true), None);
    }

    #[test]
    fn what_is_plainly_wrong_caps_the_score() {
        assert_eq!(still_score(&still(8, 9, 7)).to_string(), "0.80");
        let cases: [fn(&mut StillLook); 3] =
            [|l| l.species_correct = false, |l| l.gender_match = false, |l| l.issues = vec![Issue::WrongCharacter]];
        for wrong in cases {
            let mut look = still(10, 9, 10);
            wrong(&mut look);
            assert_eq!(still_score(&look), Score::from_fraction(9.0 / 30.0));
        }
        let mut defect = still(10, 10, 10);
        defect.has_anatomical_defects = true;
        assert_eq!(still_score(&defect), Score::from_fraction(22.0 / 30.0));
        let mut wrong = clip([10; 4]);
        wrong.species_correct = false;
        assert!(clip_score(&[wrong], true).unwrap().score <= Score::from_percent(70));
    }

    proptest! {
        #[test]
        fn better_marks_never_score_less(parts in prop::array::uniform4(1u8..10), which in 0usize..4, source: bool) {
            let mut better = parts;
            better[which] += 1;
            let (a, b) = (clip_score(&[clip(parts)], source).unwrap(), clip_score(&[clip(better)], source).unwrap());
            prop_assert!(a.score < b.score);
        }
    }
}
