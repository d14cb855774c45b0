//! Still: what an engine is asked to draw for a dataset.

use super::Cell;
use crate::{
    order::{Figure, Recipe, Staging, StillOrder},
    scene::{Look, PLAIN, Setting, TimeOfDay, Weather},
    shot::{CameraAngle, ShotType},
    units::{Seed, Size, Steps},
};

/// What decides a picture beside what it shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Making {
    /// Width and height in pixels.
    pub size: Size,
    /// Makes it differ from others of the same cell.
    pub seed: Seed,
    /// Sampling steps, for engines that sample.
    pub steps: Steps,
    /// What a model is told; `None` for engines without models.
    pub recipe: Option<Recipe>,
}

/// A picture of somebody for their dataset.
///
/// `cell` says what it shows, by axis: `framing`, `angle`, `expression`, `pose`, `place`, `light`; a missing axis is the
/// usual. `words` say the same to models, the most important first; nothing is read from them.
pub fn order(figure: Figure, cell: &Cell, words: String, making: Making) -> StillOrder {
    StillOrder {
        look: look(cell),
        shot_type: framing(word(cell, "framing")),
        angle: CameraAngle::EyeLevel,
        description: words,
        card: None,
        figures: vec![Figure { staging: Some(Staging::of(cell)), ..figure }],
        speaker: None,
        slate: String::new(),
        size: making.size,
        seed: making.seed,
        steps: making.steps,
        source: None,
        recipe: making.recipe,
    }
}

fn word<'a>(cell: &'a Cell, axis: &str) -> &'a str {
    cell.get(axis).map_or("", String::as_str)
}

fn framing(word: &str) -> ShotType {
    match word {
        "face" => ShotType::CloseUp,
        "full" => ShotType::Wide,
        _ => ShotType::Medium,
    }
}

/// Place, hour and weather of a cell; words that name none of these are names of places.
fn look(cell: &Cell) -> Look {
    let (place, light) = (word(cell, "place"), word(cell, "light"));
    let (setting, location) = match place {
        "" | "plain" | "white" => (Setting::Interior, PLAIN.to_owned()),
        "indoor" | "indoors" | "inside" | "interior" => (Setting::Interior, "room".to_owned()),
        "outdoor" | "outdoors" | "outside" | "exterior" | "nature" | "night" => {
            (Setting::Exterior, "outdoors".to_owned())
        }
        "water" => (Setting::Exterior, "shore".to_owned()),
        named if is_inside(named) => (Setting::Interior, named.replace('_', " ")),
        named => (Setting::Exterior, named.replace('_', " ")),
    };
    let time_of_day = time(light).or_else(|| time(place)).unwrap_or(TimeOfDay::Midday);
    let weather = weather(light).or_else(|| weather(place)).unwrap_or(Weather::Clear);
    Look { setting, location, time_of_day, weather, mood: String::new(), synopsis: String::new() }
}

/// Usual words for places with a roof.
fn is_inside(place: &str) -> bool {
    const INSIDE: [&str; 20] = [
        "room",
        "living_room",
        "bedroom",
        "kitchen",
        "bathroom",
        "office",
        "classroom",
        "library",
        "hall",
        "corridor",
        "cafe",
        "restaurant",
        "bar",
        "shop",
        "studio",
        "workshop",
        "laboratory",
        "cellar",
        "train",
        "church",
    ];
    INSIDE.contains(&place)
}

fn time(word: &str) -> Option<TimeOfDay> {
    Some(match word {
        "dawn" | "sunrise" => TimeOfDay::Dawn,
        "morning" => TimeOfDay::Morning,
        "day" | "daylight" | "midday" | "noon" | "bright" => TimeOfDay::Midday,
        "afternoon" | "warm" | "soft" => TimeOfDay::Afternoon,
        "sunset" | "golden_hour" | "backlit" | "backlight" => TimeOfDay::Sunset,
        "evening" | "dusk" | "dim" | "low" | "low_light" => TimeOfDay::Evening,
        "night" | "dark" | "moonlight" => TimeOfDay::Night,
        _ => return None,
    })
}

fn weather(word: &str) -> Option<Weather> {
    Some(match word {
        "overcast" | "cloudy" => Weather::Cloudy,
        "rain" => Weather::Rain,
        "storm" => Weather::Storm,
        "snow" => Weather::Snow,
        "fog" | "mist" => Weather::Fog,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        character::{CharacterProfile, Expression, Facing, Pose},
        order::Order,
    };

    fn figure() -> Figure {
        Figure {
            name: "Mara".into(),
            profile: CharacterProfile::from_name("Mara", None, None),
            appearance: None,
            staging: None,
        }
    }

    fn making() -> Making {
        Making { size: Size { width: 1280, height: 720 }, seed: Seed(7), steps: Steps(25), recipe: None }
    }

    fn of(cell: &[(&str, &str)]) -> StillOrder {
        let cell = cell.iter().map(|(axis, word)| ((*axis).to_owned(), (*word).to_owned())).collect();
        order(figure(), &cell, "upper body, from side".into(), making())
    }

    #[test]
    fn a_cell_says_what_the_picture_shows() {
        let face = of(&[("framing", "face"), ("angle", "side"), ("expression", "smile"), ("pose", "waving")]);
        let staging = Staging { facing: Facing::Side, expression: Expression::Smile, pose: Pose::Waving };
        assert_eq!(face.figures, [Figure { staging: Some(staging), ..figure() }]);
        assert_eq!((face.shot_type, face.description.as_str()), (ShotType::CloseUp, "upper body, from side"));
        assert_eq!((face.slate.as_str(), face.speaker, face.source), ("", None, None));
        assert_eq!(of(&[("framing", "upper")]).shot_type, ShotType::Medium);
        assert_eq!(of(&[("framing", "full")]).shot_type, ShotType::Wide);
    }

    #[test]
    fn place_and_light_make_the_look() {
        let seen = |cell: &[(&str, &str)]| {
            let look = of(cell).look;
            (look.setting, look.location, look.time_of_day, look.weather)
        };
        let plain = (Setting::Interior, PLAIN.to_owned(), TimeOfDay::Midday, Weather::Clear);
        assert_eq!(seen(&[]), plain);
        assert_eq!(seen(&[("place", "plain"), ("light", "odd")]), plain);
        let inside = |name: &str, time| (Setting::Interior, name.to_owned(), time, Weather::Clear);
        assert_eq!(seen(&[("place", "indoor"), ("light", "evening")]), inside("room", TimeOfDay::Evening));
        assert_eq!(seen(&[("place", "living_room")]), inside("living room", TimeOfDay::Midday));
        let outside = |name: &str, time, weather| (Setting::Exterior, name.to_owned(), time, weather);
        assert_eq!(seen(&[("place", "night")]), outside("outdoors", TimeOfDay::Night, Weather::Clear));
        let rain = [("place", "city_square"), ("light", "rain")];
        assert_eq!(seen(&rain), outside("city square", TimeOfDay::Midday, Weather::Rain));
        assert!(!of(&[]).look.is_black());
    }

    #[test]
    fn every_cell_is_other_work() {
        let key = |cell: &[(&str, &str)]| Order::Still(of(cell)).key("draft.stills/1");
        let keys = [
            key(&[]),
            key(&[("framing", "face")]),
            key(&[("angle", "back")]),
            key(&[("expression", "sad")]),
            key(&[("pose", "sitting")]),
            key(&[("place", "outdoor")]),
            key(&[("place", "outdoor"), ("light", "night")]),
        ];
        let different: std::collections::BTreeSet<_> = keys.iter().collect();
        assert_eq!(different.len(), keys.len());
        assert_eq!(key(&[("angle", "front"), ("pose", "standing")]), keys[0], "the usual need not be said");
    }
}
