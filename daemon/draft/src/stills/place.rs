//! Place: which kind of place a scene's words name.

use studio_core::scene::{Look, Setting};

use super::dice::Dice;

/// The places this engine can draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Lighthouse,
    Harbour,
    Beach,
    Ship,
    City,
    Street,
    House,
    Forest,
    Mountain,
    Field,
    Station,
    Church,
    Industry,
    Space,
    Kitchen,
    Bedroom,
    Living,
    Office,
    Laboratory,
    Bar,
    Nave,
    Carriage,
    Lantern,
    Cabin,
    Bridge,
    Corridor,
    Cellar,
}

type Words = (&'static [&'static str], Place);

/// Outdoors; the first list with a word in the text wins, so the particular stands before the general.
const OUTDOORS: &[Words] = &[
    (&["lighthouse", "beacon", "headland", "cliff", "island", "leuchtturm"], Place::Lighthouse),
    (&["spaceship", "starship", "orbit", "planet", "moon base", "space", "asteroid"], Place::Space),
    (&["harbour", "harbor", "dock", "pier", "port", "marina", "quay", "wharf", "hafen"], Place::Harbour),
    (&["boat", "ship", "deck", "ferry", "yacht", "raft", "schiff"], Place::Ship),
    (&["beach", "shore", "coast", "sea", "ocean", "lake", "bay", "dune", "strand"], Place::Beach),
    (&["church", "chapel", "cathedral", "graveyard", "cemetery", "monastery", "temple", "kirche"], Place::Church),
    (&["station", "platform", "train", "railway", "tracks", "metro", "subway", "bahnhof"], Place::Station),
    (&["factory", "warehouse", "plant", "yard", "refinery", "mine", "construction", "fabrik"], Place::Industry),
    (&["roof", "city", "skyline", "downtown", "tower", "skyscraper", "avenue", "highway", "stadt"], Place::City),
    (
        &["street", "alley", "village", "town", "square", "market", "shop", "lane", "cafe", "café", "school"],
        Place::Street,
    ),
    (&["mountain", "peak", "summit", "valley", "canyon", "glacier", "ridge", "pass", "berg"], Place::Mountain),
    (&["forest", "wood", "woods", "jungle", "park", "swamp", "clearing", "tree", "trees", "wald"], Place::Forest),
    (&["house", "home", "cottage", "cabin", "farm", "garden", "porch", "barn", "hut", "villa", "haus"], Place::House),
    (&["field", "road", "meadow", "plain", "desert", "hill", "path", "prairie", "steppe", "car", "feld"], Place::Field),
];

/// Indoors; see [`OUTDOORS`].
const INDOORS: &[Words] = &[
    (&["lantern", "lamp room", "lighthouse", "observatory", "tower", "leuchtturm"], Place::Lantern),
    (
        &["spaceship", "starship", "cockpit", "bridge", "control", "bunker", "submarine", "space", "server"],
        Place::Bridge,
    ),
    (&["kitchen", "küche", "pantry"], Place::Kitchen),
    (&["bedroom", "bed", "hotel", "motel", "nursery", "schlafzimmer"], Place::Bedroom),
    (&["lab", "laboratory", "hospital", "clinic", "ward", "morgue", "surgery", "labor"], Place::Laboratory),
    (&["office", "study", "library", "archive", "school", "classroom", "newsroom", "police", "büro"], Place::Office),
    (&["bar", "pub", "cafe", "café", "restaurant", "diner", "tavern", "inn", "club", "shop", "store"], Place::Bar),
    (&["church", "chapel", "cathedral", "monastery", "temple", "castle", "throne", "kirche"], Place::Nave),
    (
        &["train", "carriage", "compartment", "bus", "car", "taxi", "van", "truck", "tram", "metro", "subway", "plane"],
        Place::Carriage,
    ),
    (&["boat", "ship", "cabin", "ferry", "hut", "barn", "attic", "schiff"], Place::Cabin),
    (
        &["cellar", "basement", "cave", "tunnel", "prison", "cell", "dungeon", "garage", "warehouse", "mine"],
        Place::Cellar,
    ),
    (
        &["corridor", "hall", "hallway", "stairs", "staircase", "stairwell", "lobby", "station", "elevator"],
        Place::Corridor,
    ),
    (&["house", "home", "living", "room", "apartment", "flat", "cottage", "villa", "parlour"], Place::Living),
];

/// Which place a look is in; the name of the place counts before the description, and a place
/// without a known word is drawn from its name, so that it is the same place in every shot.
pub fn of(look: &Look, description: &str) -> (Place, bool) {
    let sources = [look.location.as_str(), description, look.synopsis.as_str()];
    let find = |list: &[Words]| sources.iter().find_map(|text| first(list, text));
    let mut dice = Dice::of_text(&look.location, 7);
    match look.setting {
        Setting::Interior => {
            let drawn = dice.pick(&[Place::Living, Place::Office, Place::Corridor, Place::Kitchen]);
            (find(INDOORS).unwrap_or(drawn), true)
        }
        Setting::Exterior | Setting::Both => {
            let drawn = dice.pick(&[Place::Street, Place::Field, Place::House, Place::Mountain, Place::Forest]);
            (find(OUTDOORS).unwrap_or(drawn), false)
        }
    }
}

/// Whether a text names a place, and then whether that is inside: where it may be both, it is outside.
pub fn setting_of(text: &str) -> Option<Setting> {
    let outside = || first(OUTDOORS, text).map(|_| Setting::Exterior);
    outside().or_else(|| first(INDOORS, text).map(|_| Setting::Interior))
}

/// Text beyond this many bytes says nothing more about the place.
const READ_AT_MOST: usize = 2_000;

fn first(list: &[Words], text: &str) -> Option<Place> {
    let lower: String = text.chars().take(READ_AT_MOST).collect::<String>().to_lowercase();
    let plain: Vec<&str> =
        lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let named = |word: &str| {
        let parts: Vec<&str> = word.split(' ').collect();
        plain.windows(parts.len()).any(|seen| seen.iter().zip(&parts).all(|(seen, part)| same(seen, part)))
    };
    list.iter().find(|(words, _)| words.iter().any(|word| named(word))).map(|(_, place)| *place)
}

/// The word itself or its plural.
fn same(seen: &str, word: &str) -> bool {
    seen == word || seen.strip_suffix('s') == Some(word)
}

#[cfg(test)]
mod tests {
    use studio_core::scene::{TimeOfDay, Weather};

    use super::*;

    fn look(setting: Setting, location: &str) -> Look {
        Look {
            setting,
            location: location.into(),
            time_of_day: TimeOfDay::Night,
            weather: Weather::Clear,
            mood: "tense".into(),
            synopsis: String::new(),
        }
    }

    #[test]
    fn words_name_places_and_parts_of_words_do_not() {
        assert_eq!(of(&look(Setting::Exterior, "Old LIGHTHOUSE - gallery"), "").0, Place::Lighthouse);
        assert_eq!(of(&look(Setting::Interior, "Lighthouse / lamp room"), "").0, Place::Lantern);
        assert_eq!(of(&look(Setting::Exterior, "Docks"), "").0, Place::Harbour, "plurals count");
        assert_ne!(of(&look(Setting::Exterior, "Oscar's"), "").0, Place::Field, "'car' inside 'Oscar' is no car");
        assert_eq!(of(&look(Setting::Exterior, "Elsewhere"), "They walk through the forest.").0, Place::Forest);
    }

    #[test]
    fn an_unknown_place_is_always_the_same() {
        let unknown = look(Setting::Exterior, "Xanadu");
        assert_eq!(of(&unknown, "a"), of(&unknown, "b"));
    }
}
