//! Language: the words of scene headings in one language, as data.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::fold::{folded, words};
use crate::{
    scene::{TimeOfDay, Weather},
    shot::TransitionKind,
};

/// Longest word or phrase, in letters.
const LONGEST: usize = 60;
/// Most words one list may have.
const MOST: usize = 500;

/// The words of scene headings in one language. Words are compared without accents, and upper and lower case are one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Language {
    /// Its code without a region, BCP 47, e.g. `fr`.
    pub code: String,
    /// Its names, as people write them after `Language:`; the first one is shown.
    pub names: Vec<String>,
    /// What says inside, e.g. `int`.
    pub interior: Vec<String>,
    /// What says outside, e.g. `ext`.
    pub exterior: Vec<String>,
    /// What says neither, or both; also signs a heading begins with, such as a circle.
    pub both: Vec<String>,
    /// Hours by what the studio makes of them.
    pub hours: BTreeMap<TimeOfDay, Vec<String>>,
    /// Weather by what the studio makes of it, as headings say it.
    pub weather: BTreeMap<Weather, Vec<String>>,
    /// What goes on where the scene before ended, e.g. `continuous`, `moments later`.
    pub goes_on: Vec<String>,
    /// What a heading says beside place and hour, e.g. `flashback`.
    pub qualifiers: Vec<String>,
    /// What makes an hour more exact, e.g. `early`, `next`, `that`.
    pub near: Vec<String>,
    /// What joins words, e.g. `of`, `the`; a place does not end with one.
    pub small: Vec<String>,
    /// What joins a place and its hour, e.g. `at`, `by`; in `HOUSE OF NIGHT` it would be no hour.
    pub at: Vec<String>,
    /// Numbers from one on as words.
    pub numbers: Vec<String>,
    /// How a film begins out of the black, alone in its paragraph, e.g. `fade in`.
    pub fade_in: Vec<String>,
    /// What says that nothing is to be seen, e.g. `black`, `sound`: such a paragraph is not written on the black.
    pub black: Vec<String>,
    /// What a paragraph alone says, or begins with, when the picture is black from there on, e.g. `over black`.
    pub over_black: Vec<String>,
    /// How the film goes on, alone in its paragraph and in capitals, by what the studio makes of it, e.g. `cut to`.
    pub transitions: HashMap<TransitionKind, Vec<String>>,
    /// What stands for the place of the scene before, e.g. `same`; a room of it may follow.
    pub same_place: Vec<String>,
    /// What follows a number that is an hour of 24, e.g. `uhr`, or stands before one, e.g. `half past`.
    pub clock: Vec<String>,
    /// One letter for an hour, which counts only behind an inner or outer word and a slash: the `n` of `I/N`.
    pub short_hours: BTreeMap<TimeOfDay, Vec<String>>,
    /// The noun comes first, as in `NUIT NOIRE`, and not last, as in `DARK NIGHT`.
    pub hour_first: bool,
}

impl Language {
    /// What is wrong with it, one sentence each; empty when it can be used.
    pub fn check(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        if !((2..=3).contains(&self.code.len()) && self.code.bytes().all(|byte| byte.is_ascii_lowercase())) {
            wrong.push(format!("code is '{}'; expected two or three small letters such as fr", self.code));
        }
        let mut hours: BTreeMap<String, TimeOfDay> = BTreeMap::new();
        for (list, of) in self.lists() {
            if of.len() > MOST {
                wrong.push(format!("{list} has {} words; at most {MOST} are read", of.len()));
            }
            for word in of {
                let sign = matches!(list, "both" | "names") && !word.trim().is_empty();
                if word.chars().count() > LONGEST || words(word).next().is_none() && !sign {
                    wrong.push(format!("'{word}' in {list} is no word of at most {LONGEST} letters"));
                }
            }
        }
        for letter in self.short_hours.values().flatten() {
            if letter.chars().count() != 1 || words(letter).next().is_none() {
                wrong.push(format!("'{letter}' in short_hours is not one letter"));
            }
        }
        for (time, of) in &self.hours {
            for word in of {
                if let Some(other) = hours.insert(folded(word), *time)
                    && other != *time
                {
                    wrong.push(format!("'{word}' is two hours at once; leave it in one list"));
                }
            }
        }
        wrong
    }

    /// Its name for people: the first of its names, else its code.
    pub fn name(&self) -> &str {
        self.names.first().unwrap_or(&self.code)
    }

    fn lists(&self) -> impl Iterator<Item = (&'static str, &Vec<String>)> {
        let own = [
            ("names", &self.names),
            ("interior", &self.interior),
            ("exterior", &self.exterior),
            ("both", &self.both),
            ("goes_on", &self.goes_on),
            ("qualifiers", &self.qualifiers),
            ("near", &self.near),
            ("small", &self.small),
            ("at", &self.at),
            ("numbers", &self.numbers),
            ("clock", &self.clock),
            ("fade_in", &self.fade_in),
            ("black", &self.black),
            ("over_black", &self.over_black),
            ("same_place", &self.same_place),
        ];
        let hours = self.hours.values().map(|of| ("hours", of));
        let transitions = self.transitions.values().map(|of| ("transitions", of));
        own.into_iter().chain(hours).chain(transitions).chain(self.weather.values().map(|of| ("weather", of)))
    }
}

/// Every language headings are read in. English is always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Languages {
    /// In the order they were added; of the same code the later one's words count more.
    pub(super) all: Vec<Language>,
}

impl Languages {
    /// Adds a language, or words to one that is there.
    pub fn add(&mut self, language: Language) {
        self.all.push(language);
    }

    /// All of them, in the order they were added; one code may come more than once.
    pub fn all(&self) -> &[Language] {
        &self.all
    }

    /// The language somebody means: by its code, with or without a region (`fr`, `fr-CA`), or by its name.
    pub fn find(&self, written: &str) -> Option<&Language> {
        let parts: Vec<String> = words(written).collect();
        let by_code = self.all.iter().find(|one| Some(&one.code) == parts.first());
        let named = |one: &&Language| one.names.iter().any(|name| parts.contains(&folded(name)));
        by_code.or_else(|| self.all.iter().find(named))
    }

    /// A language as its code when it was written by name (`français`, `French (Canada)`), else as it is.
    pub fn code_of(&self, written: &str) -> String {
        let parts: Vec<String> = words(written).collect();
        let called = |name: &String| name.len() > 3 && parts.contains(&folded(name));
        let named = self.all.iter().find(|one| one.names.iter().any(called));
        named.map_or_else(|| written.replace('_', "-"), |one| one.code.clone())
    }
}
