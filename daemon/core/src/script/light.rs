//! Light: what the words of a scene say of its weather and mood.

use super::words;
use crate::{heading::WEATHER_WORDS, scene::Weather};

/// Weathers by the name a note gives them.
pub(super) const WEATHERS: [(&str, Weather); 6] = [
    ("clear", Weather::Clear),
    ("cloudy", Weather::Cloudy),
    ("rain", Weather::Rain),
    ("storm", Weather::Storm),
    ("snow", Weather::Snow),
    ("fog", Weather::Fog),
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
    fn weather_and_mood_come_from_whole_words() {
        assert_eq!(weather_in("A brainstorm about trains."), None);
        assert_eq!(weather_in("Thunder, then rain."), Some(Weather::Storm));
        assert_eq!(mood_of(["She runs."].into_iter()), "peaceful");
        assert_eq!(mood_of(["A scream. Blood.", "He laughs."].into_iter()), "tense");
        assert_eq!(chapter_title("KEEPER'S HOUSE - LAMP ROOM"), "Keeper's House, Lamp Room");
    }
}
