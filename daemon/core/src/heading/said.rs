//! Said: what the words of a piece say together, when they name no place.

use super::{
    Heading,
    clock::{Clock, Half, before_colon, half, number},
    fold::words,
    marks::{closed, place},
    vocabulary::{Meaning, Phrases},
};
use crate::scene::{Setting, TimeOfDay, Weather};

/// What the end of a heading says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) time: Option<TimeOfDay>,
    /// The clock that is all it says of the hour.
    pub(super) clock: Option<Clock>,
    /// Its day is one among others and no hour: `NEXT DAY`, `DAY 2`.
    pub(super) other_day: bool,
    pub(super) goes_on: bool,
    pub(super) weather: Option<Weather>,
    pub(super) qualifiers: Vec<String>,
    pub(super) foreign: Option<(String, String)>,
}

impl Found {
    /// The heading it is the end of; the place goes to byte `end` of `rest`.
    pub(super) fn heading(
        &self,
        rest: &str,
        end: usize,
        unknown: Option<String>,
        after_hour: Option<String>,
    ) -> Heading {
        Heading {
            setting: Setting::Both,
            location: closed(place(&rest[..end]), &rest[end..]),
            time: self.time,
            goes_on: self.goes_on,
            weather: self.weather,
            qualifiers: self.qualifiers.clone(),
            whole: None,
            unknown,
            after_hour,
            beside: None,
            foreign: self.foreign.clone(),
        }
    }

    /// A heading it stands before.
    pub(super) fn before(self, heading: Heading) -> Heading {
        let says_when = self.says_when();
        let time = both(&self, heading.time, None);
        let mut qualifiers = self.qualifiers;
        qualifiers.extend(heading.qualifiers);
        Heading {
            time,
            goes_on: self.goes_on || heading.goes_on,
            weather: self.weather.or(heading.weather),
            qualifiers,
            unknown: heading.unknown.filter(|_| !says_when),
            beside: None,
            foreign: self.foreign.or(heading.foreign),
            ..heading
        }
    }

    pub(super) fn says_when(&self) -> bool {
        self.time.is_some() || self.goes_on
    }

    /// Adds what an earlier piece says; of two hours the first counts.
    pub(super) fn after(self, earlier: Self) -> Self {
        let time = both(&earlier, self.time, self.clock);
        let later = earlier.time.is_none() || earlier.other_day;
        let mut qualifiers = earlier.qualifiers;
        qualifiers.extend(self.qualifiers);
        Self {
            time,
            clock: if later || self.time.is_none() { earlier.clock.or(self.clock) } else { None },
            other_day: if later && self.time.is_some() { self.other_day } else { earlier.other_day },
            goes_on: earlier.goes_on || self.goes_on,
            weather: earlier.weather.or(self.weather),
            qualifiers,
            foreign: earlier.foreign.or(self.foreign),
        }
    }
}

/// The hour of two pieces: the first that is named; what is named goes before a clock, and an hour before a day.
fn both(earlier: &Found, later: Option<TimeOfDay>, clock: Option<Clock>) -> Option<TimeOfDay> {
    match (earlier.time, later) {
        (Some(_), Some(later)) if earlier.other_day => Some(later),
        (Some(first), Some(later)) => match earlier.clock {
            Some(before) if clock.is_none() => Some(before.beside(later)),
            _ => Some(first),
        },
        (first, later) => first.or(later),
    }
}

/// What words say together; `None` when they name a place, or one of them is unknown. With `loose` an hour may be
/// followed by what nobody knows, in languages where that is how one says it.
pub(super) fn said(phrases: &Phrases, words: &[String], text: &str, loose: bool) -> Option<Found> {
    let words = phrases.apart(words);
    let mut found = Found::default();
    let (mut at, mut unknown, mut qualifies) = (0, false, Vec::new());
    let (mut leads, mut near) = (false, false);
    let mut hour = Hour { said: before_colon(text).map(|hour| (hour, None)), ..Hour::default() };
    while at < words.len() {
        if let Some((count, half)) = half_day(phrases, &words[at..]).filter(|_| hour.number.is_some()) {
            hour.said = hour.said.or(hour.number.map(|number| (number, None))).map(|(number, _)| (number, Some(half)));
            at += count;
            continue;
        }
        let (count, meaning) = phrases.first(&words[at..]).unzip();
        let count = count.unwrap_or(1);
        let number = match meaning {
            Some(Meaning::Number(number)) => Some((number, false, None)),
            None if !is_year(&words[at]) && words[at].len() < 8 => number(&words[at]),
            _ => None,
        };
        match meaning {
            Some(Meaning::Hour(time, first)) => {
                leads |= at == 0 && first;
                // `THE NEXT DAY AT NIGHT`: the day is not the hour.
                found.time = if found.other_day { Some(time) } else { found.time.or(Some(time)) };
                found.other_day = found.time == Some(TimeOfDay::Midday) && near;
            }
            Some(Meaning::GoesOn) => {
                hour.lasts();
                (found.goes_on, near) = (true, true);
            }
            Some(Meaning::Weather(weather)) => found.weather = found.weather.or(Some(weather)),
            Some(Meaning::Qualifier) => {
                hour.lasts();
                qualifies.push(words[at..at + count].join(" ").to_uppercase());
            }
            Some(Meaning::Clock(length)) => hour.clock(&words[at], length),
            Some(Meaning::Near | Meaning::Number(_)) => near = true,
            Some(Meaning::Small | Meaning::At) => {}
            None if is_year(&words[at]) => qualifies.push(words[at].clone()),
            None if words[at].starts_with(|c: char| c.is_ascii_digit()) && words[at].len() < 8 => near = true,
            None => unknown = true,
        }
        found.other_day |= near && found.time == Some(TimeOfDay::Midday);
        match (number, meaning) {
            (Some((number, sure, half)), _) => hour.number(number, sure, half),
            (None, Some(Meaning::Clock(_))) => {}
            (None, meaning) => hour.other(matches!(meaning, Some(Meaning::GoesOn | Meaning::Qualifier))),
        }
        at += count;
    }
    match (found.time, hour.said.and_then(|(hour, half)| Clock::of(hour, half))) {
        (Some(named), Some(clock)) => found.time = Some(clock.beside(named)),
        (None, Some(clock)) => (found.time, found.clock) = (Some(clock.time()), Some(clock)),
        (_, None) => {}
    }
    let says = found.says_when() || found.weather.is_some() || !qualifies.is_empty();
    if unknown {
        let follows = loose && leads && words.len() <= 4;
        return follows.then(|| Found { qualifiers: vec![text.to_owned()], ..found });
    }
    let alone = !found.says_when() && !qualifies.is_empty();
    found.qualifiers = if alone { vec![text.to_owned()] } else { qualifies };
    says.then_some(found)
}

/// The hour of a clock while words are read.
#[derive(Debug, Default)]
struct Hour {
    said: Option<(u32, Option<Half>)>,
    /// The number the words so far end with; of `8 30` the first.
    number: Option<u32>,
    /// A clock word whose number follows it: `ORE 20`.
    wants: bool,
    /// The last word was a clock that may be a length, and took its number.
    fresh: bool,
    /// What was said before the number makes it a length: `ЧЕРЕЗ 3 ЧАСА`.
    length: bool,
}

impl Hour {
    fn number(&mut self, number: u32, sure: bool, half: Option<Half>) {
        if self.said.is_none() && (self.wants || sure) {
            (self.said, self.wants) = (Some((number, half)), false);
        }
        self.number = self.number.or(Some(number));
        self.fresh = false;
    }

    fn clock(&mut self, word: &str, length: bool) {
        match self.number {
            Some(_) if self.length && length => {}
            Some(number) => {
                self.fresh = self.said.is_none() && length;
                self.said = self.said.or(Some((number, None)));
            }
            // `H 3` is a house.
            None => self.wants = word.chars().count() > 2,
        }
    }

    /// `3 HEURES PLUS TARD` is no hour.
    fn lasts(&mut self) {
        if self.fresh {
            self.said = None;
        }
    }

    /// A word that is none of these.
    fn other(&mut self, goes_on: bool) {
        (self.number, self.fresh, self.length) = (None, false, goes_on);
    }
}

/// `AM`, `p.m.`, unless it is another word of the language.
fn half_day(phrases: &Phrases, words: &[String]) -> Option<(usize, Half)> {
    half(words).filter(|(count, _)| *count > 1 || phrases.first(words).is_none())
}

/// Whether words make an hour more exact and name none.
pub(super) fn nearly(phrases: &Phrases, text: &str) -> bool {
    let words = phrases.apart(&words(text).collect::<Vec<_>>());
    let mut near = false;
    let mut at = 0;
    while at < words.len() {
        match phrases.first(&words[at..]) {
            Some((count, Meaning::Near)) => (at, near) = (at + count, true),
            Some((count, Meaning::Small | Meaning::At | Meaning::Number(_))) => at += count,
            None if words[at].bytes().all(|byte| byte.is_ascii_digit()) => at += 1,
            _ => return false,
        }
    }
    near
}

/// 1500 to 2200, `1990s` too.
fn is_year(word: &str) -> bool {
    let digits = word.strip_suffix('s').unwrap_or(word);
    digits.len() == 4 && digits.parse().is_ok_and(|year: u32| (1500..=2200).contains(&year))
}
