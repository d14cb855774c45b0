//! Heading: what a scene heading says of place and hour, in every spelling people use.
//!
//! A heading is an inner or outer word, a place, and what comes after the place: hour, weather, and what else is said
//! of the scene. The words are data, by [`Language`]; those of English count in every screenplay.

mod clock;
mod english;
mod fold;
mod language;
mod marks;
mod pieces;
mod prefix;
mod said;
mod same;
mod short;
mod transition;
mod turned;
mod vocabulary;

pub(crate) use fold::is_unseen;
pub use fold::{folded, place_key, visible, words};
pub use language::{Language, Languages};
pub use vocabulary::Vocabulary;

use crate::scene::{Setting, TimeOfDay, Weather};

/// What a scene heading says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heading {
    /// Inside, outside or both; a forced heading says neither, so it is both.
    pub setting: Setting,
    /// The place as written; may be empty.
    pub location: String,
    /// The hour; `None` when the heading gives none.
    pub time: Option<TimeOfDay>,
    /// It goes on where the scene before ended (`CONTINUOUS`, `LATER`), weather included.
    pub goes_on: bool,
    /// Weather that stands beside the hour.
    pub weather: Option<Weather>,
    /// What else is said of the scene, as written: `FLASHBACK`, `1944`, `ESTABLISHING`.
    pub qualifiers: Vec<String>,
    /// How it reads when the hour, which was only a word at the place's end, belongs to the place: `KITCHEN NIGHT`.
    pub whole: Option<Box<Heading>>,
    /// What could be an hour and is none that is known.
    pub unknown: Option<String>,
    /// What follows the hour and is nothing that is known; it is among the qualifiers.
    pub after_hour: Option<String>,
    /// How it reads when what stands before the hour behind a mark is no part of the place: `KITCHEN - LAUNCH DAY`.
    pub beside: Option<Box<Heading>>,
    /// Name and code of the language an hour was found in that is not the screenplay's.
    pub foreign: Option<(String, String)>,
}

impl Heading {
    /// Two headings in one, `tail` being the second one as written: one place made of both, and of two hours the first.
    fn with(self, other: Self, tail: &str) -> Self {
        let differs = self.time.is_some() && other.time.is_some() && self.time != other.time;
        let behind = tail.strip_prefix(other.location.as_str()).unwrap_or(tail);
        let hour = differs.then(|| marks::place(behind.trim_start_matches(|c: char| !c.is_alphanumeric())));
        let mut qualifiers = self.qualifiers;
        qualifiers.extend(other.qualifiers.into_iter().chain(hour.clone()));
        Self {
            location: format!("{}/{}", self.location, other.location),
            after_hour: self.after_hour.or(other.after_hour).or(hour),
            time: self.time.or(other.time),
            goes_on: self.goes_on || other.goes_on,
            weather: self.weather.or(other.weather),
            qualifiers,
            whole: None,
            unknown: None,
            beside: None,
            foreign: self.foreign.or(other.foreign),
            setting: self.setting,
        }
    }
}

/// English words of weather, as action and headings say it.
pub(crate) const WEATHER_WORDS: [(&str, Weather); 27] = [
    ("storm", Weather::Storm),
    ("stormy", Weather::Storm),
    ("thunder", Weather::Storm),
    ("thunderstorm", Weather::Storm),
    ("lightning", Weather::Storm),
    ("gale", Weather::Storm),
    ("rain", Weather::Rain),
    ("rains", Weather::Rain),
    ("rainy", Weather::Rain),
    ("raining", Weather::Rain),
    ("drizzle", Weather::Rain),
    ("downpour", Weather::Rain),
    ("snow", Weather::Snow),
    ("snows", Weather::Snow),
    ("snowy", Weather::Snow),
    ("snowing", Weather::Snow),
    ("blizzard", Weather::Snow),
    ("fog", Weather::Fog),
    ("foggy", Weather::Fog),
    ("mist", Weather::Fog),
    ("misty", Weather::Fog),
    ("haze", Weather::Fog),
    ("cloud", Weather::Cloudy),
    ("clouds", Weather::Cloudy),
    ("cloudy", Weather::Cloudy),
    ("overcast", Weather::Cloudy),
    ("sunny", Weather::Clear),
];
