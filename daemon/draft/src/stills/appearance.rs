//! Appearance: how somebody looks, drawn from their profile alone, so the same in every shot.

use studio_core::character::{Age, CharacterProfile, Gender};

use super::{
    dice::Dice,
    palette::{Colour, WHITE},
};

/// How hair is worn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hair {
    Crop,
    Side,
    Messy,
    Curly,
    Bald,
    Long,
    Bob,
    Bun,
    Ponytail,
    Bowl,
    Pigtails,
}

/// What is worn on the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hat {
    None,
    Beanie,
    Brim,
    Cap,
}

/// What is worn on the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outfit {
    LongCoat,
    Jacket,
    Dress,
    Jumper,
}

/// How somebody looks.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent traits of a face")]
pub struct Appearance {
    pub skin: Colour,
    pub hair: Colour,
    pub eyes: Colour,
    pub lips: Colour,
    pub coat: Colour,
    pub under: Colour,
    pub legs: Colour,
    pub accent: Colour,
    pub hair_style: Hair,
    pub hat: Hat,
    pub outfit: Outfit,
    pub beard: bool,
    pub glasses: bool,
    pub scarf: bool,
    pub stick: bool,
    pub wrinkles: bool,
    pub jaw: f32,
    pub brow: f32,
    pub lash: f32,
    pub eye_size: f32,
    pub blush: f32,
    pub lipstick: f32,
    pub shoulder: f32,
    pub hip: f32,
    pub tall: f32,
}

const SKINS: [&str; 7] = ["f6d3b8", "eebd98", "dda377", "c68a5e", "a26b45", "7d4f33", "5c3926"];
const HAIRS: [&str; 8] = ["1f1a1c", "3b2619", "5d3a22", "8a5a2e", "c2924c", "e0bd78", "9c3f22", "26324a"];
const COATS: [&str; 12] = [
    "d39a2d", "2f7f7a", "b23a34", "2f4a86", "3f6f46", "74406e", "c08a55", "5e6b78", "a8552f", "7c2f45", "4f7fae",
    "7d7b3a",
];
const LEGS: [&str; 5] = ["2c3140", "3d3630", "4a5568", "30443f", "57493c"];

impl Appearance {
    /// How the profile looks; the same profile always looks the same.
    pub fn of(profile: &CharacterProfile) -> Self {
        let mut dice = Dice::new(profile.seed.0 ^ 0x00fa_ce00);
        let d = &mut dice;
        let any = |d: &mut Dice, list: &[&str]| Colour::hex(d.pick(list));
        let (child, elder) = (profile.age == Age::Child, profile.age == Age::Elder);
        let female = match profile.gender {
            Gender::Female => true,
            Gender::Male => false,
            Gender::Neutral => d.chance(0.5),
        };
        let man = !female && profile.gender == Gender::Male && !child;
        let skin_index = (d.unit() * SKINS.len() as f32) as usize;
        let dark_skin = skin_index >= 4;
        let hair = any(d, if dark_skin { &HAIRS[..3] } else { &HAIRS });
        let grey = any(d, &["d9d6d2", "b9b7b8", "efeae2"]);
        let coat = any(d, &COATS);
        let skin = Colour::hex(SKINS[skin_index]);
        Self {
            skin,
            hair: if elder { grey } else { hair },
            eyes: any(d, if dark_skin { &["3a2416", "2a1a12"] } else { &["3a2416", "3f6a8a", "4d7a55", "5b4632"] }),
            lips: skin.mix(Colour::hex("b0463f"), if female { 0.5 } else { 0.25 }),
            coat,
            under: any(d, &["e8e0d0", "2f3440", "c9c2b0", "9fb3c0"]),
            legs: any(d, &LEGS),
            accent: any(d, &COATS).mix(WHITE, 0.08),
            hair_style: hair_style(d, female, child, elder),
            hat: if d.chance(0.22) { d.pick(&[Hat::Beanie, Hat::Brim, Hat::Cap]) } else { Hat::None },
            outfit: outfit(d, female, child),
            beard: man && d.chance(if elder { 0.6 } else { 0.4 }),
            glasses: d.chance(if elder { 0.5 } else { 0.16 }),
            scarf: d.chance(0.35),
            stick: elder && d.chance(0.7),
            wrinkles: elder,
            jaw: if man { d.between(0.6, 1.0) } else { d.between(0.0, 0.35) },
            brow: if man { 0.044 } else { 0.03 },
            lash: if female { 0.036 } else { 0.024 },
            eye_size: if child { 1.3 } else { d.between(0.95, 1.12) },
            blush: if child { 1.0 } else { d.between(0.2, 0.7) },
            lipstick: if female && !child { d.between(0.3, 1.0) } else { 0.0 },
            shoulder: if child {
                0.62
            } else if man {
                d.between(0.98, 1.14)
            } else {
                d.between(0.8, 0.9)
            },
            hip: if child {
                0.5
            } else if man {
                d.between(0.6, 0.7)
            } else {
                d.between(0.62, 0.74)
            },
            tall: if child { 5.0 } else { 7.2 },
        }
    }
}

fn hair_style(d: &mut Dice, female: bool, child: bool, elder: bool) -> Hair {
    match (female, child, elder) {
        (true, true, _) => d.pick(&[Hair::Pigtails, Hair::Bowl, Hair::Ponytail, Hair::Curly]),
        (false, true, _) => d.pick(&[Hair::Bowl, Hair::Messy, Hair::Crop, Hair::Curly]),
        (true, _, true) => d.pick(&[Hair::Bun, Hair::Bob, Hair::Curly]),
        (false, _, true) => d.pick(&[Hair::Bald, Hair::Side, Hair::Crop]),
        (true, ..) => d.pick(&[Hair::Long, Hair::Bob, Hair::Bun, Hair::Ponytail, Hair::Curly]),
        (false, ..) => d.pick(&[Hair::Crop, Hair::Side, Hair::Messy, Hair::Curly]),
    }
}

fn outfit(d: &mut Dice, female: bool, child: bool) -> Outfit {
    match (female, child) {
        (true, false) => d.pick(&[Outfit::LongCoat, Outfit::Dress, Outfit::Jacket, Outfit::Jumper]),
        (true, true) => d.pick(&[Outfit::Dress, Outfit::Jumper]),
        (false, false) => d.pick(&[Outfit::LongCoat, Outfit::Jacket, Outfit::Jacket, Outfit::Jumper]),
        (false, true) => d.pick(&[Outfit::Jumper, Outfit::Jacket]),
    }
}
