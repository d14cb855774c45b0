//! Drift: whether the pictures of a character get worse, by more than chance.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{PictureState, Summary};
use crate::units::Millis;

/// Pictures that are compared with as many before them.
const WINDOW: usize = 20;
/// How unlikely the difference must be, if nothing had changed.
const UNLIKELY: f64 = 0.05;

/// The last 20 pictures the studio made of somebody, against the 20 before.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Drift {
    /// How many of the last ones were approved.
    pub now: u32,
    /// How many of those before were.
    pub before: u32,
    /// How many there are of each.
    pub of: u32,
    /// How likely so few of the last ones are approved by chance, 0..=1: Fisher's exact test, one-sided.
    pub chance: f64,
    /// It is worse by more than chance: less likely than 1 in 20.
    pub worse: bool,
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { now, before, of, .. } = self;
        write!(f, "of the last {of} pictures {now} were approved, of the {of} before {before}")
    }
}

/// Compares the last pictures since `since` with those before them; `None` while there are fewer than 40.
pub fn drift(pictures: &[Summary], since: Millis) -> Option<Drift> {
    let own = pictures.iter().filter(|one| one.generated && !one.copy);
    let mut decided: Vec<_> = own.filter_map(|one| Some((one.decided.as_ref()?.at, one.id, one.state))).collect();
    decided.retain(|(at, ..)| *at >= since);
    decided.sort_by_key(|(at, id, _)| std::cmp::Reverse((*at, *id)));
    let last = decided.get(..2 * WINDOW)?;
    let approved = |some: &[(Millis, _, PictureState)]| {
        some.iter().filter(|(.., state)| *state == PictureState::Approved).count() as u32
    };
    let (now, before) = (approved(&last[..WINDOW]), approved(&last[WINDOW..]));
    let chance = at_most(now, now + before, WINDOW as u32);
    Some(Drift { now, before, of: WINDOW as u32, chance, worse: chance < UNLIKELY })
}

/// How likely at most `few` of `all` good ones are in the first half, if they lie anywhere in two halves of `half`.
fn at_most(few: u32, all: u32, half: u32) -> f64 {
    let ways = |n: u32, k: u32| (0..k).map(|at| f64::from(n - at) / f64::from(k - at)).product::<f64>();
    let likely = |good: u32| ways(half, good) * ways(half, all - good) / ways(2 * half, all);
    (all.saturating_sub(half)..=few).map(likely).sum::<f64>().min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_is_as_in_the_books() {
        // A lady tasting tea (Fisher, 1935): 4 and 4 cups; 1 of her 4 guesses right, or none: 17 of 70.
        assert!((at_most(1, 4, 4) - 17.0 / 70.0).abs() < 1e-12);
        assert!((at_most(4, 4, 4) - 1.0).abs() < 1e-12);
        assert!((at_most(20, 40, 20) - 1.0).abs() < 1e-12);
        assert!(at_most(0, 20, 20) < 1e-10);
    }
}
