//! Vocabulary: the words that count in one screenplay, ready to be looked up.

use std::collections::{HashMap, HashSet};

use super::{
    Language, Languages,
    fold::{folded, place_key, words},
};
use crate::{
    scene::{Setting, TimeOfDay, Weather},
    shot::TransitionKind,
};

/// What a word or phrase of a heading means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// An hour, and whether what makes it more exact follows it.
    Hour(TimeOfDay, bool),
    GoesOn,
    Weather(Weather),
    Qualifier,
    Near,
    Small,
    /// Joins, and begins an hour that follows a place: `ROOM AT DAWN`.
    At,
    /// A number as a word.
    Number(u32),
    /// What a number is an hour with, and whether it is a length, too: `3 HEURES`, but never `3 UHR`.
    Clock(bool),
}

/// Phrases of some languages by their folded words.
#[derive(Debug, Default)]
pub(super) struct Phrases {
    by_words: HashMap<String, Meaning>,
    /// Words of the longest phrase.
    longest: usize,
}

impl Phrases {
    fn add(&mut self, language: &Language) {
        let groups = [
            (&language.small, Meaning::Small),
            (&language.at, Meaning::At),
            (&language.near, Meaning::Near),
            (&language.qualifiers, Meaning::Qualifier),
        ];
        for (list, meaning) in groups {
            self.put_all(list, meaning);
        }
        for word in &language.clock {
            self.put(word, Meaning::Clock(language.near.contains(word)));
        }
        for (number, word) in (1..).zip(&language.numbers) {
            self.put(word, Meaning::Number(number));
        }
        for (weather, list) in &language.weather {
            self.put_all(list, Meaning::Weather(*weather));
        }
        self.put_all(&language.goes_on, Meaning::GoesOn);
        // At last: a word that is an hour is an hour.
        for (time, list) in &language.hours {
            self.put_all(list, Meaning::Hour(*time, language.hour_first));
        }
    }

    fn put_all(&mut self, list: &[String], meaning: Meaning) {
        for phrase in list {
            self.put(phrase, meaning);
        }
    }

    fn put(&mut self, phrase: &str, meaning: Meaning) {
        let words: Vec<String> = words(phrase).collect();
        if !words.is_empty() {
            self.longest = self.longest.max(words.len());
            self.by_words.insert(words.join(" "), meaning);
        }
    }

    /// The longest phrase some words begin with: how many words it has, and what it means.
    pub(super) fn first(&self, words: &[String]) -> Option<(usize, Meaning)> {
        let longest = self.longest.min(words.len());
        (1..=longest).rev().find_map(|count| {
            let phrase =
                if count == 1 { self.by_words.get(&words[0]) } else { self.by_words.get(&words[..count].join(" ")) };
            phrase.map(|meaning| (count, *meaning))
        })
    }

    /// The same; a word written together, as Japanese is, is taken apart where all of it is known.
    pub(super) fn begin(&self, words: &[String]) -> Option<Meaning> {
        let together = || self.parted(words.first()?).and_then(|parts| self.first(&parts));
        self.first(words).or_else(together).map(|(_, meaning)| meaning)
    }

    /// Words with those written together taken apart: `夜11時` is night, a number and a clock.
    pub(super) fn apart(&self, words: &[String]) -> Vec<String> {
        words.iter().flat_map(|word| self.parted(word).unwrap_or_else(|| vec![word.clone()])).collect()
    }

    /// The parts of a word without spaces, the longest first; `None` when it is none, or one of them is unknown.
    fn parted(&self, word: &str) -> Option<Vec<String>> {
        if !word.chars().any(is_unspaced) || self.by_words.contains_key(word) {
            return None;
        }
        let mut parts = Vec::new();
        let mut rest = word;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).take(LONGEST_PART);
            let known = ends.filter(|end| self.by_words.contains_key(&rest[..*end])).last();
            let end = if digits > 0 { digits } else { known? };
            parts.push(rest[..end].to_owned());
            rest = &rest[end..];
        }
        Some(parts)
    }

    fn hours(&self) -> impl Iterator<Item = &str> {
        let hours = self.by_words.iter().filter(|(_, meaning)| matches!(meaning, Meaning::Hour(..)));
        hours.map(|(words, _)| words.as_str())
    }
}

/// Longest part of a word without spaces, in letters.
const LONGEST_PART: usize = 8;

/// Letters of a language that puts no spaces between words.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3005}' | '\u{3007}' | '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}')
}

/// Whether a word of `both` is a sign a heading begins with; the zero of Japanese is a circle, too.
fn is_sign(word: &str) -> bool {
    word == "〇" || words(word).next().is_none()
}

/// Whether a word says inside or outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Side {
    pub(super) setting: Setting,
    /// A word of English counts however it is written.
    pub(super) english: bool,
    /// The language is the screenplay's.
    pub(super) own: bool,
}

/// The words that count in one screenplay: its language's, those of English, and, less, those of all others.
#[derive(Debug)]
pub struct Vocabulary {
    pub(super) own: Phrases,
    /// Other languages with code and name; their hours are understood and said.
    pub(super) others: Vec<(String, String, Phrases)>,
    pub(super) sides: HashMap<String, Side>,
    /// Folded letters that are an hour behind an inner or outer word and a slash.
    pub(super) short_hours: HashMap<String, TimeOfDay>,
    /// Folded words by which a film begins out of the black.
    pub(super) fades: HashSet<String>,
    /// Folded words that say that nothing is to be seen.
    pub(super) black: HashSet<String>,
    /// Folded words of a paragraph from which on nothing is to be seen.
    pub(super) over_black: HashSet<String>,
    /// Folded words of transitions, and what they mean.
    pub(super) transitions: HashMap<String, TransitionKind>,
    /// Folded words that stand for the place of the scene before.
    pub(super) same_place: HashSet<String>,
    /// Signs that begin a heading.
    pub(super) signs: Vec<String>,
    /// Signs of other languages, which begin one that says an hour in that language.
    pub(super) other_signs: Vec<String>,
    /// The screenplay's language is English, or none was named.
    pub(super) is_english: bool,
}

impl Vocabulary {
    /// The words for a screenplay whose title page says `language`, as written there; `None`: it says nothing.
    pub fn of(languages: &Languages, language: Option<&str>) -> Self {
        let code = language.and_then(|written| languages.find(written)).map_or("en", |one| &one.code);
        let keys = |list: fn(&Language) -> &Vec<String>| {
            languages.all().iter().flat_map(list).map(|phrase| place_key(phrase)).collect()
        };
        let mut vocabulary = Self {
            own: Phrases::default(),
            others: Vec::new(),
            sides: HashMap::new(),
            short_hours: HashMap::new(),
            fades: keys(|one| &one.fade_in),
            black: keys(|one| &one.black),
            over_black: keys(|one| &one.over_black),
            transitions: HashMap::new(),
            same_place: HashSet::new(),
            signs: Vec::new(),
            other_signs: Vec::new(),
            is_english: code == "en",
        };
        // The screenplay's own language goes before English.
        let all = languages.all();
        let rest = all.iter().filter(|one| one.code != code && one.code != "en");
        for one in rest {
            vocabulary.add_other(one);
            vocabulary.add_transitions(one);
            vocabulary.other_signs.extend(one.both.iter().filter(|sign| is_sign(sign)).cloned());
        }
        let english = all.iter().filter(|one| one.code == "en" && code != "en");
        for one in english.chain(all.iter().filter(|one| one.code == code)) {
            vocabulary.own.add(one);
            vocabulary.add_transitions(one);
            vocabulary.same_place.extend(one.same_place.iter().map(|phrase| place_key(phrase)));
            let short = |(time, letters): (&TimeOfDay, &Vec<String>)| {
                letters.iter().map(|letter| (folded(letter), *time)).collect::<Vec<_>>()
            };
            vocabulary.short_hours.extend(one.short_hours.iter().flat_map(short));
            vocabulary.add_sides(one, true);
            vocabulary.signs.extend(one.both.iter().filter(|sign| is_sign(sign)).cloned());
        }
        vocabulary
    }

    fn add_other(&mut self, language: &Language) {
        self.add_sides(language, false);
        if let Some((_, _, phrases)) = self.others.iter_mut().find(|(code, ..)| *code == language.code) {
            phrases.add(language);
            return;
        }
        let mut phrases = Phrases::default();
        phrases.add(language);
        self.others.push((language.code.clone(), language.name().to_owned(), phrases));
    }

    /// Of a phrase in two languages the later one's meaning counts.
    fn add_transitions(&mut self, language: &Language) {
        for (kind, list) in &language.transitions {
            self.transitions.extend(list.iter().map(|phrase| (place_key(phrase), *kind)));
        }
    }

    fn add_sides(&mut self, language: &Language, own: bool) {
        let english = language.code == "en";
        let sides = [
            (&language.interior, Setting::Interior),
            (&language.exterior, Setting::Exterior),
            (&language.both, Setting::Both),
        ];
        for (list, setting) in sides {
            for word in list.iter().filter(|word| !is_sign(word)) {
                let mut found = words(word);
                // One word each; a sign is none.
                if let (Some(word), None) = (found.next(), found.next()) {
                    let before = self.sides.get(&word).copied();
                    // `EST` is English for a view of the city, and Italian for outside.
                    let english = english || before.is_some_and(|side| side.english && side.setting == setting);
                    self.sides.insert(word, Side { setting, english, own: own || before.is_some_and(|side| side.own) });
                }
            }
        }
    }

    /// Whether a text is an hour of the screenplay's language but for a slip of the pen: `NIHGT`.
    pub(super) fn is_nearly_hour(&self, text: &str) -> bool {
        let key = place_key(text);
        let letters = key.chars().count();
        let slips = usize::from(letters >= 4) + usize::from(letters >= 8);
        // Longer texts are none, and must not cost anything.
        slips > 0 && letters <= 40 && self.own.hours().any(|hour| strsim::osa_distance(&key, hour) <= slips)
    }

    /// Every hour a screenplay in this language may name, folded, in no order.
    pub fn hours(&self) -> impl Iterator<Item = &str> {
        self.own.hours()
    }
}
