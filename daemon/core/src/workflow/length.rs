//! Length: how many frames a clip may have.

use super::LengthRule;

/// A length that a rule allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LengthPlan {
    /// Frames the clip will have.
    pub frames: u64,
    /// What slot `seconds` is set to, for rules that count in seconds.
    pub seconds: Option<f64>,
    /// Sections, for FramePack.
    pub sections: Option<u32>,
    /// More was wanted than is possible in one go.
    pub capped: bool,
}

/// FramePack's rate is fixed.
const FRAMEPACK_FPS: f64 = 30.0;

impl LengthRule {
    /// The fewest frames the rule allows that are at least `wanted`; the most it allows when more is wanted.
    pub fn plan(&self, wanted: u64) -> LengthPlan {
        match *self {
            Self::Steps { every, plus, min, max } => {
                let (every, plus) = (u64::from(every.max(1)), u64::from(plus));
                let most = (u64::from(max).saturating_sub(plus) / every) * every + plus;
                let least = wanted.max(u64::from(min));
                let frames = (least.saturating_sub(plus).div_ceil(every) * every + plus).min(most);
                LengthPlan { frames, seconds: None, sections: None, capped: frames < wanted }
            }
            Self::Framepack { window, f1, max } => {
                let section = 4 * u64::from(window.max(1));
                let most = u64::from(max).saturating_sub(1) / section;
                let sections = wanted.saturating_sub(1).div_ceil(section).clamp(1, most.max(1));
                let frames = section * sections + 1;
                LengthPlan {
                    frames,
                    seconds: Some(seconds(window, f1, sections)),
                    sections: Some(sections as u32),
                    capped: frames < wanted,
                }
            }
        }
    }

    /// Frames in one go at most.
    pub fn most(&self) -> u64 {
        self.plan(u64::MAX / 4).frames
    }
}

/// The value of `total_second_length` that leads to exactly `sections`, away from where rounding could tip it.
fn seconds(window: u32, f1: bool, sections: u64) -> f64 {
    let window = f64::from(window.max(1));
    // Sections are max(1, round(30 s / 4W)), for F1 ceil(30 s / (4W - 3)).
    let exact = if f1 {
        (sections as f64 - 0.5) * (4.0 * window - 3.0) / FRAMEPACK_FPS
    } else {
        sections as f64 * 4.0 * window / FRAMEPACK_FPS
    };
    (exact * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Python's `round`: halves go to the even number.
    fn round_half_even(value: f64) -> f64 {
        let floor = value.floor();
        match value - floor {
            half if half > 0.5 => floor + 1.0,
            half if half < 0.5 => floor,
            _ if floor % 2.0 == 0.0 => floor,
            _ => floor + 1.0,
        }
    }

    /// What the node itself makes of a number of seconds (its source's formula).
    fn sections_of(seconds: f64, window: f64, f1: bool) -> u64 {
        let count = if f1 {
            (seconds * 30.0 / (window * 4.0 - 3.0)).ceil()
        } else {
            round_half_even(seconds * 30.0 / (window * 4.0))
        };
        count.max(1.0) as u64
    }

    #[test]
    fn the_formula_of_the_node_is_the_measured_one() {
        assert_eq!(sections_of(5.0, 9.0, false) * 36 + 1, 145);
        assert_eq!(sections_of(5.0, 9.0, true) * 36 + 1, 181);
        assert_eq!(sections_of(3.0, 9.0, false), 2, "2.5 goes to the even number");
        assert_eq!(sections_of(1.0, 9.0, false) * 36 + 1, 37);
    }

    proptest! {
        #[test]
        fn a_plan_obeys_its_rule_and_is_long_enough(wanted in 1u64..4000, window in 1u32..34, f1: bool) {
            let rule = LengthRule::Framepack { window, f1, max: 3601 };
            let plan = rule.plan(wanted);
            let (seconds, sections) = (plan.seconds.unwrap(), u64::from(plan.sections.unwrap()));
            prop_assert_eq!(sections_of(seconds, f64::from(window), f1), sections);
            prop_assert_eq!(plan.frames, 4 * u64::from(window) * sections + 1);
            prop_assert!(plan.capped == (plan.frames < wanted));
            if !plan.capped && sections > 1 {
                prop_assert!(plan.frames - 4 * u64::from(window) < wanted, "one section fewer would not do");
            }
        }

        #[test]
        fn steps_are_kept(wanted in 1u64..2000, every in 1u32..17, plus in 0u32..3, max in 40u32..400) {
            let rule = LengthRule::Steps { every, plus, min: 9, max };
            let plan = rule.plan(wanted);
            prop_assert_eq!((plan.frames - u64::from(plus)) % u64::from(every), 0);
            prop_assert!(plan.frames <= u64::from(max));
            prop_assert!(plan.frames >= wanted || plan.capped);
        }
    }
}
