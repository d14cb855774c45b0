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
mod short;
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
    /// Name and code of the language an hour was found in that is not the screenplay's.
    pub foreign: Option<(String, String)>,
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
