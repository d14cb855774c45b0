//! Short: headings whose inner word and hour are letters: `I/N KÜCHE`, `KÜCHE - I/N`.

use super::{
    Vocabulary,
    marks::{is_closing, is_dash},
    pieces::{LONGEST, word_starts},
    prefix::has_lower,
    vocabulary::is_unspaced,
};
use crate::scene::{Setting, TimeOfDay};

impl Vocabulary {
    /// What follows the sign of a Japanese heading, with a word for the letter that is its hour: `台所　N`, `台所（N）`.
    pub(super) fn lettered(&self, rest: &str) -> Option<String> {
        let end = rest.trim_end_matches(|c: char| c.is_whitespace() || is_closing(c) || c == '.');
        let (at, _) = end.char_indices().next_back()?;
        let time = self.short_hours.get(&super::folded(&end[at..]))?;
        let place = end[..at].trim_end_matches(|c: char| c.is_whitespace() || !c.is_alphanumeric());
        (place.len() < at && place.ends_with(is_unspaced)).then(|| format!("{place} - {}", hour_word(*time)))
    }

    /// A heading with letters for inside and hour, with words in their place; `None` when it is none.
    pub(super) fn spelled_out(&self, text: &str) -> Option<String> {
        if text.len() > LONGEST || !text.contains(['/', '／']) {
            return None;
        }
        let starts = word_starts(text);
        let found = starts.windows(2).enumerate().find_map(|(nth, pair)| {
            let [(at, side_end), (hour_at, end)] = *pair else { return None };
            let (side, letter) = (&text[at..side_end], &text[hour_at..end]);
            let joined = matches!(text[side_end..hour_at].trim(), "/" | "／") && !has_lower(&text[at..end]);
            // `I/E` is inside and outside.
            if !joined || letter.chars().count() != 1 || self.side(letter).is_some() {
                return None;
            }
            let time = self.short_hours.get(&super::folded(letter))?;
            let setting = self.side(side).filter(|side| side.own)?.setting;
            Some((nth, at, end, side, setting, *time))
        });
        let (nth, at, end, side, setting, time) = found?;
        let (before, after) = (&text[..at], &text[end..]);
        let named = |place: &str| place.contains(char::is_alphabetic);
        let (side_word, hour) = (side_word(setting)?, hour_word(time));
        if nth == 0 {
            // `I/N KÜCHE`; of a word, `INT/N`, the letter could begin the place.
            let parted = after.starts_with(|c: char| c.is_whitespace() || is_mark(c));
            let written = side.chars().count() == 1 && parted && named(after) && !has_lower(text);
            let place = after.trim_start_matches(is_between);
            return written.then(|| format!("{side_word}./{hour} {place}"));
        }
        let place = before.trim_end_matches(is_between);
        let marked = before.trim_end().ends_with(is_mark);
        let rest = after.trim_matches(is_between);
        let ends = rest.is_empty() || after.trim_start().starts_with(is_mark);
        let more = if rest.is_empty() { String::new() } else { format!(" - {rest}") };
        (marked && ends && named(place)).then(|| format!("{side_word}. {place} - {hour}{more}"))
    }
}

/// The word every screenplay may use for it; a sign that says neither has no letter.
fn side_word(setting: Setting) -> Option<&'static str> {
    match setting {
        Setting::Interior => Some("INT"),
        Setting::Exterior => Some("EXT"),
        Setting::Both => None,
    }
}

/// The word every screenplay may use for an hour.
fn hour_word(time: TimeOfDay) -> &'static str {
    match time {
        TimeOfDay::Dawn => "DAWN",
        TimeOfDay::Morning => "MORNING",
        TimeOfDay::Midday => "DAY",
        TimeOfDay::Afternoon => "AFTERNOON",
        TimeOfDay::Sunset => "SUNSET",
        TimeOfDay::Evening => "EVENING",
        TimeOfDay::Night => "NIGHT",
    }
}

fn is_mark(c: char) -> bool {
    is_dash(c) || matches!(c, '.' | ',' | ':' | '(' | ')' | '[' | ']' | '|')
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || is_mark(c)
}
