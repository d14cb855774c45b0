//! Length: how long a shot lasts, from what is said and what happens.

use crate::shot::Line;

/// Nothing shorter can be read by the eye between two dissolves.
const SHORTEST_MS: u64 = 2_000;
/// A calm reader's pace.
const LETTERS_PER_SECOND: u64 = 14;
/// The picture stands before the first word.
const LEAD_MS: u64 = 300;
/// A breath between two lines.
const BREATH_MS: u64 = 250;
/// The picture stands after the last word.
const TAIL_MS: u64 = 500;
/// Action: from one glance to a paragraph.
const ACTION_MS: std::ops::RangeInclusive<u64> = 2_500..=6_000;
/// What each word after the first few adds to a glance.
const WORD_MS: u64 = 120;
const WORDS_AT_A_GLANCE: u64 = 8;

/// Milliseconds a shot needs: the longer of what is said and what happens, for voices speak over the action.
/// `action` is the script's own text; a shot that only shows who speaks has none.
pub(super) fn planned_ms(lines: &[Line], action: &str) -> u64 {
    let words = action.split_whitespace().count() as u64;
    let shown = (*ACTION_MS.start() + words.saturating_sub(WORDS_AT_A_GLANCE) * WORD_MS).min(*ACTION_MS.end());
    let shown = if words == 0 && !lines.is_empty() { 0 } else { shown };
    spoken_ms(lines).max(shown).max(SHORTEST_MS)
}

fn spoken_ms(lines: &[Line]) -> u64 {
    let mut turns: Vec<u64> = Vec::new();
    for line in lines {
        let ms = line.text.chars().count() as u64 * 1000 / LETTERS_PER_SECOND;
        match turns.last_mut() {
            // Spoken together: the longer one counts.
            Some(turn) if line.dual => *turn = (*turn).max(ms),
            _ => turns.push(ms),
        }
    }
    match turns.len() as u64 {
        0 => 0,
        count => LEAD_MS + turns.iter().sum::<u64>() + (count - 1) * BREATH_MS + TAIL_MS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(letters: usize, dual: bool) -> Line {
        Line { character: "A".to_owned(), text: "x".repeat(letters), parenthetical: None, dual }
    }

    #[test]
    fn words_take_time() {
        assert_eq!(planned_ms(&[line(140, false)], ""), 300 + 10_000 + 500);
        assert_eq!(planned_ms(&[line(14, false), line(28, false)], ""), 300 + 1000 + 250 + 2000 + 500);
        assert_eq!(
            planned_ms(&[line(28, false), line(42, true)], ""),
            300 + 3000 + 500,
            "together, not one after the other"
        );
        assert_eq!(planned_ms(&[line(3, false)], ""), SHORTEST_MS);
    }

    #[test]
    fn action_takes_from_two_and_a_half_to_six_seconds() {
        assert_eq!(planned_ms(&[], ""), 2_500);
        assert_eq!(planned_ms(&[], "Rain."), 2_500);
        assert_eq!(planned_ms(&[], &"word ".repeat(18)), 2_500 + 10 * 120);
        assert_eq!(planned_ms(&[], &"word ".repeat(500)), 6_000);
        assert_eq!(planned_ms(&[line(14, false)], &"word ".repeat(500)), 6_000, "voices speak over the action");
    }
}
