//! Clock: an hour said as a number, and which half of the day it means beside the name of an hour.

use super::fold::folded;
use crate::scene::TimeOfDay;

/// An hour of a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Clock {
    hour: u32,
    /// It is one of 24, or says its half: `3 AM`, `23:30`; of `8 O'CLOCK` the words beside it decide.
    sure: bool,
}

impl Clock {
    /// `hour` as written, and the half of the day said with it.
    pub(super) fn of(hour: u32, half: Option<Half>) -> Option<Self> {
        match half {
            Some(half) if (1..=12).contains(&hour) => {
                Some(Self { hour: hour % 12 + if half == Half::After { 12 } else { 0 }, sure: true })
            }
            _ => (hour <= 24).then_some(Self { hour, sure: hour > 12 || hour == 0 }),
        }
    }

    /// What the studio calls it when nothing else is said.
    pub(super) fn time(self) -> TimeOfDay {
        hour_of(self.hour)
    }

    /// What the studio calls it beside the name of an hour. The name counts, and the number says which part of a long
    /// one is meant: three in the morning is night, and so is eleven after noon.
    pub(super) fn beside(self, named: TimeOfDay) -> TimeOfDay {
        match (named, self.hour) {
            (TimeOfDay::Afternoon, 7..=11) => hour_of(self.hour + 12),
            (TimeOfDay::Midday, 1..=4) if !self.sure => hour_of(self.hour + 12),
            (TimeOfDay::Dawn | TimeOfDay::Morning, 0..=6)
            | (TimeOfDay::Midday, _)
            | (TimeOfDay::Afternoon, 12 | 19..) => hour_of(self.hour),
            _ => named,
        }
    }
}

/// A half of the day: before or after noon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Half {
    Before,
    After,
}

/// `am`, `p.m.` at the beginning of some words: how many words it has, and which half it says.
pub(super) fn half(words: &[String]) -> Option<(usize, Half)> {
    let of = |letter: &str| match letter {
        "a" => Some(Half::Before),
        "p" => Some(Half::After),
        _ => None,
    };
    match words {
        [one, ..] if one.len() == 2 && one.ends_with('m') => Some((1, of(&one[..1])?)),
        [one, m, ..] if m == "m" => Some((2, of(one)?)),
        _ => None,
    }
}

/// A number, and whether it is an hour by itself: `8`, `22h`, `22h30`, `8pm`.
pub(super) fn number(word: &str) -> Option<(u32, bool, Option<Half>)> {
    let digits = word.find(|c: char| !c.is_ascii_digit()).unwrap_or(word.len());
    let number = word[..digits].parse().ok()?;
    match &word[digits..] {
        "" => Some((number, false, None)),
        "am" => Some((number, true, Some(Half::Before))),
        "pm" => Some((number, true, Some(Half::After))),
        rest => {
            let minutes = rest.strip_prefix('h').or_else(|| rest.strip_prefix('u'))?;
            let hour = minutes.len() <= 2 && minutes.bytes().all(|byte| byte.is_ascii_digit());
            hour.then_some((number, true, None))
        }
    }
}

/// The number before the first colon between two: of `8:30` eight.
pub(super) fn before_colon(text: &str) -> Option<u32> {
    let (at, _) = text.char_indices().find(|(at, c)| {
        let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        matches!(c, ':' | '：')
            && digit(text[..*at].chars().next_back())
            && digit(text[at + c.len_utf8()..].chars().next())
    })?;
    let before = &text[..at];
    let from = before.rfind(|c: char| !c.is_ascii_digit()).map_or(0, |at| at + 1);
    before.get(from..).filter(|digits| digits.len() <= 2)?.parse().ok()
}

/// `3 AM`, `10:30 p.m.`, `03:00`, and nothing else.
pub(super) fn clock(text: &str) -> Option<Clock> {
    let text = folded(text).replace('.', "");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let hour: u32 = text[..digits].parse().ok()?;
    let rest = text[digits..].trim_start();
    let minutes = rest
        .strip_prefix([':', 'h'])
        .filter(|rest| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_digit));
    let after = minutes.map_or(rest, |rest| rest[2..].trim_start());
    match after {
        "am" | "a m" if (1..=12).contains(&hour) => Clock::of(hour, Some(Half::Before)),
        "pm" | "p m" if (1..=12).contains(&hour) => Clock::of(hour, Some(Half::After)),
        "" if minutes.is_some() => Clock::of(hour, None),
        "h" => Clock::of(hour, None),
        _ => None,
    }
}

/// What the studio calls an hour of 24.
fn hour_of(hour: u32) -> TimeOfDay {
    match hour {
        5 | 6 => TimeOfDay::Dawn,
        7..=10 => TimeOfDay::Morning,
        11..=13 => TimeOfDay::Midday,
        14..=17 => TimeOfDay::Afternoon,
        18..=21 => TimeOfDay::Evening,
        _ => TimeOfDay::Night,
    }
}
