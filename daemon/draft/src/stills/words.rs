//! Words: what a person wants different of a portrait, as far as it can be drawn: how somebody is shown, how they look, where and
//! when. Words nobody here knows change nothing.

use std::borrow::Cow;

use studio_core::{
    character::{Expression, Facing, Pose},
    order::StillOrder,
    portrait::changes,
    scene::{Setting, TimeOfDay, Weather},
    shot::ShotType,
};

use super::{
    appearance::{Appearance, Hair, Hat, Outfit},
    palette::Colour,
    place,
};

/// Words, each with what it means; an entry of several words is met where they stand beside each other.
type Meanings<T> = &'static [(&'static [&'static str], T)];

const EXPRESSIONS: Meanings<Expression> = &[
    (&["closed eyes", "eyes closed", "asleep", "sleeping", "geschlossene augen"], Expression::ClosedEyes),
    (
        &["smile", "smiling", "happy", "laughing", "grin", "grinning", "cheerful", "lächelnd", "lachend"],
        Expression::Smile,
    ),
    (&["angry", "furious", "scowling", "wütend", "zornig"], Expression::Angry),
    (&["sad", "unhappy", "crying", "melancholy", "traurig"], Expression::Sad),
    (&["surprised", "astonished", "shocked", "mouth open", "überrascht"], Expression::Surprised),
    (&["neutral", "calm", "serious", "ernst", "ruhig"], Expression::Neutral),
];
const FACINGS: Meanings<Facing> = &[
    (&["three quarter", "threequarter", "dreiviertel"], Facing::ThreeQuarter),
    (&["in profile", "profile", "from the side", "side view", "sideways", "im profil", "von der seite"], Facing::Side),
    (&["from behind", "from the back", "back view", "turned away", "von hinten"], Facing::Back),
    (&["from the front", "facing the viewer", "front view", "von vorn"], Facing::Front),
];
const POSES: Meanings<Pose> = &[
    (&["arms crossed", "crossed arms", "folded arms", "arms folded", "verschränkte arme"], Pose::ArmsCrossed),
    (&["sitting", "seated", "sits", "sitzend"], Pose::Sitting),
    (&["walking", "walks", "gehend"], Pose::Walking),
    (&["pointing", "points", "zeigend"], Pose::Pointing),
    (&["waving", "waves", "winkend"], Pose::Waving),
    (&["standing", "stands", "stehend"], Pose::Standing),
];
const FRAMINGS: Meanings<ShotType> = &[
    (&["full body", "whole figure", "head to toe", "ganze figur"], ShotType::Wide),
    (&["upper body", "oberkörper"], ShotType::Medium),
    (&["close up", "nahaufnahme"], ShotType::CloseUp),
];
const TIMES: Meanings<TimeOfDay> = &[
    (&["dawn", "sunrise", "morgengrauen"], TimeOfDay::Dawn),
    (&["morning", "morgens"], TimeOfDay::Morning),
    (&["noon", "midday", "daylight", "mittags"], TimeOfDay::Midday),
    (&["afternoon", "nachmittags"], TimeOfDay::Afternoon),
    (&["sunset", "golden hour", "sonnenuntergang"], TimeOfDay::Sunset),
    (&["evening", "dusk", "dim light", "abends"], TimeOfDay::Evening),
    (&["night", "at night", "moonlight", "nachts", "nacht"], TimeOfDay::Night),
];
const WEATHERS: Meanings<Weather> = &[
    (&["storm", "stormy", "thunder", "sturm"], Weather::Storm),
    (&["rain", "rainy", "regen"], Weather::Rain),
    (&["snow", "snowy", "schnee"], Weather::Snow),
    (&["fog", "foggy", "mist", "misty", "nebel"], Weather::Fog),
    (&["overcast", "cloudy", "bewölkt"], Weather::Cloudy),
    (&["clear sky", "sunny", "sonnig"], Weather::Clear),
];
const HAIR: &[&str] = &["hair", "haired", "haar", "haare", "haaren"];
const HAIR_STYLES: Meanings<Hair> = &[
    (&["bald", "no hair", "shaved head", "glatze"], Hair::Bald),
    (&["ponytail", "pferdeschwanz"], Hair::Ponytail),
    (&["pigtails", "braids", "zöpfe"], Hair::Pigtails),
    (&["hair bun", "in a bun", "bun", "dutt"], Hair::Bun),
    (&["bob"], Hair::Bob),
    (&["curls", "locken", "curly"], Hair::Curly),
];
/// Only beside a word for hair: they may be said of something else.
const HAIR_LENGTHS: Meanings<Hair> = &[
    (&["long", "lange", "langes", "langen"], Hair::Long),
    (&["short", "cropped", "kurze", "kurzes", "kurzen"], Hair::Crop),
    (&["messy", "wild", "zerzaust"], Hair::Messy),
    (&["parted", "side"], Hair::Side),
];
const HATS: Meanings<Hat> = &[
    (&["beanie", "woolly hat", "wool hat", "mütze"], Hat::Beanie),
    (&["cap", "kappe"], Hat::Cap),
    (&["hat"], Hat::Brim),
];
const OUTFITS: Meanings<Outfit> = &[
    (&["jacket", "blazer", "suit", "jacke", "anzug"], Outfit::Jacket),
    (&["coat", "overcoat", "cloak", "mantel"], Outfit::LongCoat),
    (&["dress", "gown", "kleid"], Outfit::Dress),
    (
        &["jumper", "sweater", "pullover", "hoodie", "shirt", "tshirt", "t shirt", "blouse", "pulli", "hemd"],
        Outfit::Jumper,
    ),
];
const LEGS: &[&str] = &["trousers", "pants", "jeans", "hose"];
const SCARF: &[&str] = &["scarf", "shawl", "schal"];
const BEARD: &[&str] = &["beard", "bearded", "stubble", "bart"];
const GLASSES: &[&str] = &["glasses", "spectacles", "brille"];
const STICK: &[&str] = &["walking stick", "stick", "cane"];
const WRINKLES: &[&str] = &["wrinkles", "wrinkled", "falten"];
const LIPS: &[&str] = &["lipstick", "lips", "lippenstift"];
const EYES: &[&str] = &["eyes", "eyed", "augen"];
const OLDER: &[&str] = &["older", "old man", "old woman", "elderly", "aged", "älter"];
const YOUNGER: &[&str] = &["younger", "young man", "young woman", "jünger"];
const SKINS: Meanings<&str> = &[
    (&["pale skin", "fair skin", "light skin", "helle haut"], "f6d3b8"),
    (&["tanned", "tanned skin", "brown skin"], "c68a5e"),
    (&["dark skin", "black skin", "dunkle haut"], "7d4f33"),
];
/// With a letter for the language's endings of adjectives.
const COLOURS: Meanings<&str> = &[
    (&["black", "schwarz"], "1f1c1e"),
    (&["white", "weiß"], "efeae2"),
    (&["grey", "gray", "silver", "grau", "silbern"], "a9a8aa"),
    (&["blonde", "blond", "golden", "fair"], "e0bd78"),
    (&["brown", "brunette", "braun"], "5d3a22"),
    (&["ginger", "auburn", "redhead", "red haired", "rothaarig"], "9c3f22"),
    (&["red", "rot"], "b02a2a"),
    (&["orange"], "d3752d"),
    (&["yellow", "gelb"], "e0c03a"),
    (&["green", "grün"], "3f7f46"),
    (&["blue", "blau"], "2f5fae"),
    (&["turquoise", "teal", "türkis"], "2f8f8a"),
    (&["purple", "violet", "lila"], "74409e"),
    (&["pink", "rosa"], "d977a0"),
    (&["beige", "cream"], "d9c7a5"),
];
const PREPOSITIONS: [&str; 13] =
    ["in", "at", "on", "inside", "outside", "outdoors", "indoors", "before", "by", "im", "am", "vor", "auf"];
const NOT: [&str; 8] = ["no", "without", "not", "ohne", "kein", "keine", "keinen", "shaven"];

/// What a person wants different, part by part: the first that says something of a thing counts.
#[derive(Debug)]
pub struct Words(Vec<Vec<String>>);

impl Words {
    /// Of an order; nothing where nobody wants anything different.
    pub fn of(order: &StillOrder) -> Self {
        let parts = changes(order).unwrap_or_default().split([',', ';', '.']);
        let plain = |part: &str| {
            let lower = part.to_lowercase();
            lower.split(|sign: char| !sign.is_alphanumeric()).filter(|one| !one.is_empty()).map(str::to_owned).collect()
        };
        Self(parts.map(plain).filter(|part: &Vec<String>| !part.is_empty()).collect())
    }

    /// The order with what the words say of how it is shown, of light, weather and place.
    pub fn shown<'a>(&self, order: &'a StillOrder) -> Cow<'a, StillOrder> {
        if self.0.is_empty() {
            return Cow::Borrowed(order);
        }
        let mut changed = order.clone();
        if let [figure] = &mut changed.figures[..]
            && let Some(staging) = &mut figure.staging
        {
            set(&mut staging.expression, self.meant(EXPRESSIONS));
            set(&mut staging.facing, self.meant(FACINGS));
            set(&mut staging.pose, self.meant(POSES));
            set(&mut changed.shot_type, self.meant(FRAMINGS));
            if let Some((place, setting)) = self.0.iter().find_map(|part| whereabouts(part)) {
                (changed.look.location, changed.look.setting) = (place, setting);
            }
        }
        set(&mut changed.look.time_of_day, self.meant(TIMES));
        set(&mut changed.look.weather, self.meant(WEATHERS));
        Cow::Owned(changed)
    }

    /// How somebody looks with them.
    pub fn worn(&self, mut who: Appearance) -> Appearance {
        // The first that is said counts, so it is put on last.
        for part in self.0.iter().rev() {
            dress(part, &mut who);
        }
        who
    }

    /// What the first part that says something of it means.
    fn meant<T: Copy>(&self, meanings: Meanings<T>) -> Option<T> {
        self.0.iter().find_map(|part| found(part, meanings))
    }
}

fn set<T>(to: &mut T, what: Option<T>) {
    if let Some(what) = what {
        *to = what;
    }
}

/// Whether one of the entries stands in a part, word for word.
fn says(part: &[String], entries: &[&str]) -> bool {
    entries.iter().any(|entry| {
        let entry: Vec<&str> = entry.split(' ').collect();
        part.windows(entry.len()).any(|seen| seen.iter().zip(&entry).all(|(seen, word)| seen == word))
    })
}

fn found<T: Copy>(part: &[String], meanings: Meanings<T>) -> Option<T> {
    meanings.iter().find(|(entries, _)| says(part, entries)).map(|(_, meant)| *meant)
}

/// The colour that is named nearest before any of the words, so that of `a red hat and a blue coat` each has its own.
fn colour(part: &[String], of: &[&str]) -> Option<Colour> {
    let heads = of.iter().filter_map(|entry| entry.split(' ').next());
    let at = heads.filter_map(|head| part.iter().position(|word| word == head)).min()?;
    part[..at].iter().rev().take(3).find_map(|word| named(word)).map(Colour::hex)
}

/// A colour by its word, in German with its ending.
fn named(word: &str) -> Option<&'static str> {
    let is = |entry: &&str| {
        *entry == word || word.strip_prefix(*entry).is_some_and(|end| ["e", "er", "es", "en", "em"].contains(&end))
    };
    COLOURS.iter().find(|(entries, _)| entries.iter().any(&is)).map(|(_, colour)| *colour)
}

/// Where somebody is to be, and whether that is inside: only what is said as a place.
fn whereabouts(part: &[String]) -> Option<(String, Setting)> {
    let has = |words: &[&str]| part.iter().any(|word| words.contains(&word.as_str()));
    if !has(&PREPOSITIONS) || has(&["background", "hintergrund"]) {
        return None;
    }
    let text = part.join(" ");
    let setting = place::setting_of(&text)?;
    Some((text, setting))
}

/// What one part says of how somebody looks.
fn dress(part: &[String], who: &mut Appearance) {
    let not = part.iter().any(|word| NOT.contains(&word.as_str()));
    // An old coat makes nobody old.
    let ends = |with: &[&str]| part.last().is_some_and(|word| with.contains(&word.as_str()));
    if says(part, OLDER) || ends(&["old", "alt"]) {
        (who.wrinkles, who.hair) = (true, Colour::hex("d9d6d2"));
    }
    if (says(part, YOUNGER) || ends(&["young", "jung"])) && who.wrinkles {
        (who.wrinkles, who.hair, who.stick) = (false, Colour::hex("5d3a22"), false);
    }
    dress_head(part, not, who);
    if let Some(outfit) = found(part, OUTFITS).filter(|_| !not) {
        who.outfit = outfit;
        let named = OUTFITS.iter().find(|(_, one)| *one == outfit).map_or(&[][..], |(entries, _)| *entries);
        set(&mut who.coat, colour(part, named));
    }
    if says(part, LEGS) {
        set(&mut who.legs, colour(part, LEGS));
    }
    if says(part, SCARF) {
        who.scarf = !not;
        set(&mut who.accent, colour(part, SCARF));
    }
    if says(part, STICK) {
        who.stick = !not;
    }
}

/// What one part says of a head and what is on it.
fn dress_head(part: &[String], not: bool, who: &mut Appearance) {
    let hair = says(part, HAIR);
    if let Some(style) = found(part, HAIR_STYLES).or_else(|| found(part, HAIR_LENGTHS).filter(|_| hair)) {
        who.hair_style = style;
    }
    let own = ["blonde", "blond", "brunette", "redhead", "ginger", "rothaarig"];
    let own = part.iter().find(|word| own.contains(&word.as_str())).and_then(|word| named(word)).map(Colour::hex);
    set(&mut who.hair, own.or_else(|| colour(part, HAIR)));
    if let Some(hat) = found(part, HATS) {
        who.hat = if not { Hat::None } else { hat };
        let all: Vec<&str> = HATS.iter().flat_map(|(entries, _)| entries.iter().copied()).collect();
        set(&mut who.accent, colour(part, &all));
    }
    if says(part, BEARD) || says(part, &["clean shaven", "shaven"]) {
        who.beard = !not;
    }
    if says(part, GLASSES) {
        who.glasses = !not;
    }
    if says(part, WRINKLES) {
        who.wrinkles = !not;
    }
    if says(part, LIPS) {
        who.lipstick = if not { 0.0 } else { 1.0 };
        set(&mut who.lips, colour(part, LIPS));
    }
    if says(part, EYES) {
        set(&mut who.eyes, colour(part, EYES));
    }
    set(&mut who.skin, found(part, SKINS).map(Colour::hex));
}
