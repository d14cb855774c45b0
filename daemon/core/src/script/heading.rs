//! Heading: what a scene heading and the words around it say of place, light, weather and mood.

use super::words;
use crate::{
    fountain::heading_prefix,
    scene::{Setting, TimeOfDay, Weather},
};

/// What a scene heading says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) setting: Setting,
    /// The place as written; may be empty.
    pub(super) location: String,
    /// `None` when it is that of the scene before.
    pub(super) time: Option<TimeOfDay>,
    /// It goes on where the scene before ended (`CONTINUOUS`, `LATER`), weather included.
    pub(super) goes_on: bool,
}

const TIMES: [(&str, TimeOfDay); 16] = [
    ("dawn", TimeOfDay::Dawn),
    ("sunrise", TimeOfDay::Dawn),
    ("daybreak", TimeOfDay::Dawn),
    ("morning", TimeOfDay::Morning),
    ("day", TimeOfDay::Midday),
    ("noon", TimeOfDay::Midday),
    ("midday", TimeOfDay::Midday),
    ("afternoon", TimeOfDay::Afternoon),
    ("dusk", TimeOfDay::Sunset),
    ("sunset", TimeOfDay::Sunset),
    ("twilight", TimeOfDay::Sunset),
    ("sundown", TimeOfDay::Sunset),
    ("evening", TimeOfDay::Evening),
    ("night", TimeOfDay::Night),
    ("midnight", TimeOfDay::Night),
    ("nighttime", TimeOfDay::Night),
];

const GOES_ON: [&str; 6] = ["continuous", "later", "moments", "same", "continuing", "meanwhile"];

/// Weathers by the name a note gives them.
pub(super) const WEATHERS: [(&str, Weather); 6] = [
    ("clear", Weather::Clear),
    ("cloudy", Weather::Cloudy),
    ("rain", Weather::Rain),
    ("storm", Weather::Storm),
    ("snow", Weather::Snow),
    ("fog", Weather::Fog),
];

const WEATHER_WORDS: [(&str, Weather); 27] = [
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

/// Moods and the words that betray them; on a tie the upper one counts.
const MOODS: [(&str, &[&str]); 7] = [
    ("action", &["chase", "chases", "fight", "fights", "explodes", "explosion", "gunfire", "sprints", "crashes"]),
    (
        "tense",
        &[
            "storm", "scream", "screams", "gun", "knife", "blood", "afraid", "fear", "danger", "trapped", "alarm",
            "dead", "hides",
        ],
    ),
    (
        "melancholy",
        &[
            "tears", "tear", "weeps", "cries", "grave", "funeral", "alone", "lonely", "lost", "empty", "mourns",
            "farewell", "goodbye",
        ],
    ),
    ("romantic", &["kiss", "kisses", "embrace", "embraces", "lovers", "wedding"]),
    ("comedic", &["laughs", "laughing", "giggles", "jokes", "slips", "grins"]),
    ("mysterious", &["fog", "shadow", "shadows", "whispers", "strange", "secret", "ghost", "vanishes"]),
    ("peaceful", &["calm", "quiet", "gentle", "sunrise", "smiles", "sleeps", "still", "warm"]),
];

/// Parts of a heading that can say a time: ` - NIGHT - RAIN - CONTINUOUS` and one to spare.
const MOST_PARTS: usize = 4;

/// Reads a heading such as `INT. HOUSE - KITCHEN - NIGHT, RAIN`.
pub(super) fn read(heading: &str) -> Heading {
    let prefix = heading_prefix(heading).unwrap_or(0);
    let mut location = heading[prefix..].trim();
    let (mut time, mut goes_on) = (None, false);
    for _ in 0..MOST_PARTS {
        let Some((place, last)) = split_last(location) else { break };
        let (found, continues, is_weather) = (time_in(last), goes_on_in(last), weather_in(last).is_some());
        if found.is_none() && !continues && !is_weather {
            break;
        }
        time = found.or(time);
        goes_on |= continues;
        location = place;
    }
    Heading { setting: setting(&heading[..prefix]), location: location.to_owned(), time, goes_on }
}

/// A forced heading says neither inside nor outside, so it is both.
fn setting(prefix: &str) -> Setting {
    let prefix = prefix.to_lowercase();
    match (prefix.contains("int"), prefix.contains("ext") || prefix.contains("est")) {
        (true, false) => Setting::Interior,
        (false, true) => Setting::Exterior,
        _ => Setting::Both,
    }
}

/// Splits at the last dash that stands between spaces.
fn split_last(text: &str) -> Option<(&str, &str)> {
    let at = |dash: &str| text.rfind(dash).map(|at| (at, dash.len()));
    let (at, length) = [" - ", " – ", " — "].into_iter().filter_map(at).max()?;
    Some((text[..at].trim_end(), text[at + length..].trim_start()))
}

/// Only a short part is a time: in `ROOM OF THE NIGHT PORTER` the night is a person's.
fn time_in(part: &str) -> Option<TimeOfDay> {
    let found: Vec<String> = words::words(part).take(5).collect();
    if found.len() > 4 || found.len() > 3 && !found.iter().any(|word| GOES_ON.contains(&word.as_str())) {
        return None;
    }
    found.iter().find_map(|word| words::look_up(&TIMES, word))
}

fn goes_on_in(part: &str) -> bool {
    words::words(part).take(5).any(|word| GOES_ON.contains(&word.as_str()))
}

/// The first word of weather.
pub(super) fn weather_in(text: &str) -> Option<Weather> {
    words::words(text).find_map(|word| words::look_up(&WEATHER_WORDS, &word))
}

/// The mood most words speak of, else peaceful.
pub(super) fn mood_of<'a>(texts: impl Iterator<Item = &'a str>) -> &'static str {
    let mut counts = [0_usize; MOODS.len()];
    for word in texts.flat_map(words::words) {
        for (count, (_, betray)) in counts.iter_mut().zip(MOODS) {
            *count += usize::from(betray.contains(&word.as_str()));
        }
    }
    let most = counts.iter().copied().max().unwrap_or(0);
    let found = counts.iter().position(|count| *count == most && most > 0);
    found.map_or("peaceful", |at| MOODS[at].0)
}

/// `LIGHTHOUSE - LAMP ROOM` as `Lighthouse, Lamp Room`.
pub(super) fn chapter_title(location: &str) -> String {
    let mut title = String::new();
    let mut begins = true;
    for c in location.replace(" - ", ", ").chars() {
        if begins {
            title.extend(c.to_uppercase());
        } else {
            title.extend(c.to_lowercase());
        }
        begins = !c.is_alphanumeric() && !matches!(c, '\'' | '’');
    }
    title
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_say_place_and_time() {
        use Setting::{Both, Exterior, Interior};
        for (heading, setting, location, time, goes_on) in [
            ("INT. HOUSE - KITCHEN - NIGHT", Interior, "HOUSE - KITCHEN", Some(TimeOfDay::Night), false),
            ("EXT. ROCKS - DAY", Exterior, "ROCKS", Some(TimeOfDay::Midday), false),
            ("est the city – dusk", Exterior, "the city", Some(TimeOfDay::Sunset), false),
            ("INT./EXT. CAR - CONTINUOUS", Both, "CAR", None, true),
            ("I/E BOAT — MOMENTS LATER", Both, "BOAT", None, true),
            ("INT. HALL - LATER THAT NIGHT", Interior, "HALL", Some(TimeOfDay::Night), true),
            ("EXT. PIER - NIGHT - RAIN", Exterior, "PIER", Some(TimeOfDay::Night), false),
            ("EXT. BAY - NIGHT, STORM", Exterior, "BAY", Some(TimeOfDay::Night), false),
            ("EXT. DAY SPA", Exterior, "DAY SPA", None, false),
            ("INT. HOTEL - ROOM OF THE NIGHT PORTER", Interior, "HOTEL - ROOM OF THE NIGHT PORTER", None, false),
            ("THE SEA", Both, "THE SEA", None, false),
        ] {
            let expected = Heading { setting, location: location.to_owned(), time, goes_on };
            assert_eq!(read(heading), expected, "{heading}");
        }
    }

    #[test]
    fn weather_and_mood_come_from_whole_words() {
        assert_eq!(weather_in("A brainstorm about trains."), None);
        assert_eq!(weather_in("Thunder, then rain."), Some(Weather::Storm));
        assert_eq!(mood_of(["She runs."].into_iter()), "peaceful");
        assert_eq!(mood_of(["A scream. Blood.", "He laughs."].into_iter()), "tense");
        assert_eq!(chapter_title("KEEPER'S HOUSE - LAMP ROOM"), "Keeper's House, Lamp Room");
    }
}
