//! Note: what the studio understands of `[[ ]]`; a note it does not know is the writer's own and stays unread.

use super::{
    light::WEATHERS,
    words::{folded, hint, listed, look_up, shown, words},
};
use crate::{
    character::same_name,
    character::{Age, Gender},
    fountain::{Errors, Note},
    nearest::nearest,
    scene::Weather,
    shot::{CameraAngle, LoraAsk, Motion, ShotType, Transition, TransitionKind, VideoEngine},
};

/// What a note asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Ask {
    Shot(ShotAsk),
    Transition(Transition),
    Mood(String),
    Weather(Weather),
    Tempo(u32),
    Music(String),
    Lora(LoraAsk),
    Character(CharacterAsk),
}

/// What a shot note asks for; `None` leaves it to the rules.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ShotAsk {
    pub(super) shot_type: Option<ShotType>,
    pub(super) ms: Option<u64>,
    pub(super) engine: Option<VideoEngine>,
    pub(super) angle: Option<CameraAngle>,
    pub(super) motion: Option<Motion>,
    pub(super) transition: Option<Transition>,
    pub(super) continues: bool,
    pub(super) own_still: bool,
    pub(super) loras: Vec<LoraAsk>,
}

impl ShotAsk {
    /// Both wishes; of two for the same thing the later one counts.
    pub(super) fn and(self, later: Self) -> Self {
        let mut loras = self.loras;
        later.loras.into_iter().for_each(|one| add_lora(&mut loras, one));
        Self {
            loras,
            shot_type: later.shot_type.or(self.shot_type),
            ms: later.ms.or(self.ms),
            engine: later.engine.or(self.engine),
            angle: later.angle.or(self.angle),
            motion: later.motion.or(self.motion),
            transition: later.transition.or(self.transition),
            continues: later.continues || self.continues,
            own_still: later.own_still || self.own_still,
        }
    }
}

/// Adds one LoRA to others; of two of one name the later one counts.
pub(super) fn add_lora(loras: &mut Vec<LoraAsk>, one: LoraAsk) {
    loras.retain(|other| !same_name(&other.name, &one.name));
    loras.push(one);
}

/// What a character note says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CharacterAsk {
    pub(super) name: String,
    pub(super) gender: Option<Gender>,
    pub(super) age: Option<Age>,
    /// Where the name stands.
    pub(super) place: (u32, u32),
}

const SHOT_TYPES: [(&str, ShotType); 6] = [
    ("establishing", ShotType::Establishing),
    ("wide", ShotType::Wide),
    ("medium", ShotType::Medium),
    ("close-up", ShotType::CloseUp),
    ("extreme-close-up", ShotType::ExtremeCloseUp),
    ("action", ShotType::Action),
];
const ANGLES: [(&str, CameraAngle); 6] = [
    ("eye-level", CameraAngle::EyeLevel),
    ("high", CameraAngle::High),
    ("low", CameraAngle::Low),
    ("dutch", CameraAngle::Dutch),
    ("overhead", CameraAngle::Overhead),
    ("over-shoulder", CameraAngle::OverShoulder),
];
const MOTIONS: [(&str, Motion); 8] = [
    ("static", Motion::Static),
    ("pan-left", Motion::PanLeft),
    ("pan-right", Motion::PanRight),
    ("push-in", Motion::PushIn),
    ("pull-out", Motion::PullOut),
    ("tilt-up", Motion::TiltUp),
    ("tilt-down", Motion::TiltDown),
    ("handheld", Motion::Handheld),
];
const ENGINES: [(&str, VideoEngine); 5] = [
    ("draft", VideoEngine::Draft),
    ("framepack", VideoEngine::Framepack),
    ("framepack-f1", VideoEngine::FramepackF1),
    ("ltx", VideoEngine::Ltx),
    ("wan", VideoEngine::Wan),
];
/// With the length each has when the script gives none, in milliseconds.
const TRANSITIONS: [(&str, (TransitionKind, u32)); 5] = [
    ("cut", (TransitionKind::Cut, 0)),
    ("dissolve", (TransitionKind::Dissolve, 300)),
    ("fade", (TransitionKind::Fade, 300)),
    ("fadeblack", (TransitionKind::FadeBlack, 500)),
    ("wipeleft", (TransitionKind::WipeLeft, 500)),
];
const GENDERS: [(&str, Gender); 3] = [("female", Gender::Female), ("male", Gender::Male), ("neutral", Gender::Neutral)];
const AGES: [(&str, Age); 3] = [("child", Age::Child), ("adult", Age::Adult), ("elder", Age::Elder)];
const KEYS: [(&str, ()); 7] =
    [("type", ()), ("length", ()), ("engine", ()), ("angle", ()), ("motion", ()), ("transition", ()), ("lora", ())];

/// A shot note that asks for this, as a person would write it; empty when it asks for nothing.
pub(super) fn written(ask: &ShotAsk) -> String {
    fn name<T: PartialEq>(vocabulary: &[(&'static str, T)], wanted: Option<T>) -> Option<&'static str> {
        let wanted = wanted?;
        vocabulary.iter().find(|(_, value)| *value == wanted).map(|(name, _)| *name)
    }
    let seconds = |ms: u64| format!("{}s", ms as f64 / 1000.0);
    let transition = ask.transition.map(|Transition { kind, ms }| {
        let found = TRANSITIONS.iter().find(|(_, (known, _))| *known == kind);
        let (name, usual) = found.map_or(("cut", 0), |(name, (_, usual))| (*name, *usual));
        if ms == usual { format!("transition: {name}") } else { format!("transition: {name} {}", seconds(ms.into())) }
    });
    let items = [
        name(&SHOT_TYPES, ask.shot_type).map(str::to_owned),
        ask.ms.map(seconds),
        name(&ENGINES, ask.engine).map(|name| format!("engine: {name}")),
        name(&ANGLES, ask.angle).map(|name| format!("angle: {name}")),
        name(&MOTIONS, ask.motion).map(|name| format!("motion: {name}")),
        transition,
        ask.continues.then(|| "continues".to_owned()),
        ask.own_still.then(|| "own-still".to_owned()),
    ];
    let loras = ask.loras.iter().map(|one| format!("lora: {one}"));
    let items: Vec<String> = items.into_iter().flatten().chain(loras).collect();
    if items.is_empty() { String::new() } else { format!("[[shot: {}]]", items.join(", ")) }
}

/// Other spellings of the words above.
fn canonical(word: &str) -> String {
    let word = folded(word);
    let known = match word.as_str() {
        "closeup" | "close" => "close-up",
        "extreme-closeup" | "extreme-close" => "extreme-close-up",
        "over-the-shoulder" => "over-shoulder",
        "eyelevel" => "eye-level",
        "fade-black" | "fade-to-black" => "fadeblack",
        "wipe" | "wipe-left" => "wipeleft",
        _ => return word,
    };
    known.to_owned()
}

/// Whether a note is about a character; such notes count for the whole screenplay, the others for where they stand.
pub(super) fn is_about_character(note: &Note) -> bool {
    note.text.split_once(':').is_some_and(|(key, _)| key.trim().eq_ignore_ascii_case("character"))
}

/// Keys of notes.
const NOTES: [&str; 8] = ["shot", "character", "transition", "mood", "weather", "tempo", "music", "lora"];

/// What the key of a note that is not read was probably meant to be: one of the studio's, mistyped (`mod: tense`), or
/// one that belongs into a shot note (`clip length: 4s`). `None` when the note is the writer's own, or is read.
pub(super) fn meant(note: &Note) -> Option<String> {
    let key = note.text.split_once(':')?.0.trim();
    let words: Vec<String> = words(key).collect();
    // More words are a sentence of the writer's.
    let last = words.last().filter(|last| words.len() <= 2 && last.chars().count() > 2)?;
    if words.len() == 1 && NOTES.contains(&last.as_str()) {
        return None;
    }
    // Of a short word another word is made by two strokes: TODO is no mood.
    let close = |near: &&str| last.chars().count() > 5 || strsim::osa_distance(last, near) <= 1;
    let near = nearest(last, NOTES.into_iter().chain(KEYS.iter().map(|(key, ())| *key))).filter(close)?;
    let (written, own) = (shown(key), NOTES.contains(&near));
    let remedy = if own { format!("[[{near}: ...]]") } else { format!("[[shot: {near}: ...]]") };
    Some(format!("the note '{written}' is not read, for its key is none that is known; did you mean {remedy}?"))
}

/// What a note asks for; `None` when it is the writer's own, or cannot be understood and that was said.
pub(super) fn read(note: &Note, errors: &mut Errors) -> Option<Ask> {
    let (key, _) = note.text.split_once(':')?;
    let mut reader = Reader { note, errors };
    let rest = reader.item(key.len() + 1, note.text.len());
    match key.trim().to_lowercase().as_str() {
        "shot" => Some(Ask::Shot(reader.shot(key.len() + 1))),
        "character" => reader.character(key.len() + 1).map(Ask::Character),
        "transition" => reader.transition(&rest).map(Ask::Transition),
        "mood" => reader.mood(&rest).map(Ask::Mood),
        "weather" => reader.one_of("weather", &WEATHERS, &rest).map(Ask::Weather),
        "tempo" => reader.tempo(&rest).map(Ask::Tempo),
        "music" => reader.music(&rest).map(Ask::Music),
        "lora" => reader.lora(&rest).map(Ask::Lora),
        _ => None,
    }
}

/// A part of a note and where it begins, in bytes of the note.
struct Item<'a> {
    text: &'a str,
    at: usize,
}

struct Reader<'a, 'e> {
    note: &'a Note,
    errors: &'e mut Errors,
}

impl<'a> Reader<'a, '_> {
    /// The text between two bytes, trimmed.
    fn item(&self, from: usize, to: usize) -> Item<'a> {
        let text = &self.note.text[from..to];
        let trimmed = text.trim_start();
        Item { text: trimmed.trim_end(), at: from + text.len() - trimmed.len() }
    }

    fn fault(&mut self, at: usize, message: impl FnOnce() -> String) {
        if !self.errors.is_full() {
            let (line, column) = self.note.place(at);
            self.errors.push(line, column, message());
        }
    }

    /// The items between commas that say something.
    fn items(&self, from: usize) -> Vec<Item<'a>> {
        let mut at = from;
        let mut items = Vec::new();
        for part in self.note.text[from..].split(',') {
            items.push(self.item(at, at + part.len()));
            at += part.len() + 1;
        }
        items.retain(|item| !item.text.is_empty());
        items
    }

    fn one_of<T: Copy>(&mut self, what: &str, vocabulary: &[(&str, T)], item: &Item<'_>) -> Option<T> {
        let found = look_up(vocabulary, &canonical(item.text));
        if found.is_none() {
            self.fault(item.at, || {
                let near = hint(item.text, vocabulary.iter().map(|(name, _)| *name));
                format!("unknown {what} '{}';{near} possible: {}", shown(item.text), listed(vocabulary))
            });
        }
        found
    }

    fn shot(&mut self, from: usize) -> ShotAsk {
        let mut ask = ShotAsk::default();
        for item in self.items(from) {
            match item.text.split_once(':') {
                Some((key, _)) => {
                    let value = self.item(item.at + key.len() + 1, item.at + item.text.len());
                    self.keyed(&mut ask, &Item { text: key.trim_end(), at: item.at }, &value);
                }
                None => self.bare(&mut ask, &item),
            }
        }
        ask
    }

    fn keyed(&mut self, ask: &mut ShotAsk, key: &Item<'_>, value: &Item<'a>) {
        match folded(key.text).as_str() {
            "type" => ask.shot_type = self.one_of("shot type", &SHOT_TYPES, value),
            "length" => ask.ms = self.length(value, 1_000, 60_000),
            "engine" => ask.engine = self.one_of("engine", &ENGINES, value),
            "angle" => ask.angle = self.one_of("camera angle", &ANGLES, value),
            "motion" => ask.motion = self.one_of("camera motion", &MOTIONS, value),
            "transition" => ask.transition = self.transition(value),
            "lora" => self.lora(value).into_iter().for_each(|one| add_lora(&mut ask.loras, one)),
            _ => {
                self.one_of("key in a shot note", &KEYS, key);
            }
        }
    }

    fn bare(&mut self, ask: &mut ShotAsk, item: &Item<'a>) {
        let word = canonical(item.text);
        let first = canonical(item.text.split_whitespace().next().unwrap_or_default());
        if word == "continues" {
            ask.continues = true;
        } else if word == "own-still" {
            ask.own_still = true;
        } else if word.starts_with(|c: char| c.is_ascii_digit()) {
            ask.ms = self.length(item, 1_000, 60_000);
        } else if let Some(found) = look_up(&SHOT_TYPES, &word) {
            ask.shot_type = Some(found);
        } else if let Some(found) = look_up(&ANGLES, &word) {
            ask.angle = Some(found);
        } else if let Some(found) = look_up(&MOTIONS, &word) {
            ask.motion = Some(found);
        } else if let Some(found) = look_up(&ENGINES, &word) {
            ask.engine = Some(found);
        } else if look_up(&TRANSITIONS, &word).or(look_up(&TRANSITIONS, &first)).is_some() {
            ask.transition = self.transition(item);
        } else {
            self.unknown_shot_word(item);
        }
    }

    fn unknown_shot_word(&mut self, item: &Item<'_>) {
        self.fault(item.at, || {
            let mut known = vec!["continues", "own-still"];
            known.extend(SHOT_TYPES.iter().map(|(name, _)| *name));
            known.extend(ANGLES.iter().map(|(name, _)| *name));
            known.extend(MOTIONS.iter().map(|(name, _)| *name));
            known.extend(ENGINES.iter().map(|(name, _)| *name));
            known.extend(TRANSITIONS.iter().map(|(name, _)| *name));
            format!(
                "unknown word '{}' in a shot note;{} possible: {}, a length such as 4s, continues, own-still, engine: {}, angle: {}, motion: {}, transition: {}, lora: the name of one",
                shown(item.text), hint(item.text, known.into_iter()), listed(&SHOT_TYPES), listed(&ENGINES), listed(&ANGLES), listed(&MOTIONS), listed(&TRANSITIONS)
            )
        });
    }

    /// `4s`, `4.5s` or `1500ms` in milliseconds.
    fn length(&mut self, item: &Item<'_>, least_ms: u64, most_ms: u64) -> Option<u64> {
        let found = milliseconds(item.text).filter(|ms| (least_ms..=most_ms).contains(ms));
        if found.is_none() {
            self.fault(item.at, || {
                let (least, most) = (least_ms as f64 / 1000.0, most_ms as f64 / 1000.0);
                format!(
                    "expected a length from {least}s to {most}s, such as {least}s, 1.5s or 1500ms, not '{}'",
                    shown(item.text)
                )
            });
        }
        found
    }

    /// `cut`, `dissolve`, `wipeleft 0.5s`.
    fn transition(&mut self, item: &Item<'a>) -> Option<Transition> {
        let split = item
            .text
            .rsplit_once(char::is_whitespace)
            .filter(|(_, last)| last.starts_with(|c: char| c.is_ascii_digit()));
        let (name, length) = split.map_or((item.text, None), |(name, last)| (name.trim_end(), Some(last)));
        let (kind, usual_ms) = self.one_of("transition", &TRANSITIONS, &Item { text: name, at: item.at })?;
        let Some(length) = length else { return Some(Transition { kind, ms: usual_ms }) };
        let length = Item { text: length, at: item.at + item.text.len() - length.len() };
        if kind == TransitionKind::Cut {
            self.fault(length.at, || {
                "a cut has no length; remove it, or write dissolve for a soft transition".to_owned()
            });
            return None;
        }
        self.length(&length, 100, 2_000).map(|ms| Transition { kind, ms: ms as u32 })
    }

    fn mood(&mut self, item: &Item<'_>) -> Option<String> {
        let fits = (1..=40).contains(&item.text.chars().count()) && item.text.chars().any(char::is_alphabetic);
        if !fits {
            self.fault(item.at, || {
                "expected one word of at most 40 letters after 'mood:', such as tense or peaceful".to_owned()
            });
        }
        fits.then(|| item.text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase())
    }

    fn tempo(&mut self, item: &Item<'_>) -> Option<u32> {
        let number = item.text.strip_suffix("bpm").unwrap_or(item.text).trim();
        let found = number.parse().ok().filter(|bpm| (40..=200).contains(bpm));
        if found.is_none() {
            self.fault(item.at, || {
                format!("expected beats per minute from 40 to 200 after 'tempo:', not '{}'", shown(item.text))
            });
        }
        found
    }

    fn music(&mut self, item: &Item<'_>) -> Option<String> {
        let fits = (1..=500).contains(&item.text.chars().count());
        if !fits {
            self.fault(item.at, || "expected a sound file after 'music:', such as themes/storm.wav".to_owned());
        }
        fits.then(|| item.text.to_owned())
    }

    fn lora(&mut self, item: &Item<'_>) -> Option<LoraAsk> {
        let found = LoraAsk::read(item.text);
        found.map_err(|why| self.fault(item.at, || why)).ok()
    }

    fn character(&mut self, from: usize) -> Option<CharacterAsk> {
        let mut items = self.items(from).into_iter();
        let Some(name) = items.next() else {
            self.fault(from, || {
                "expected a name after 'character:', for example [[character: MARA, female, elder]]".to_owned()
            });
            return None;
        };
        let place = self.note.place(name.at);
        let name = name.text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut ask = CharacterAsk { name, gender: None, age: None, place };
        for item in items {
            if let Some(gender) = look_up(&GENDERS, item.text) {
                ask.gender = Some(gender);
            } else if let Some(age) = look_up(&AGES, item.text) {
                ask.age = Some(age);
            } else {
                let all = GENDERS.map(|(name, _)| (name, ())).into_iter().chain(AGES.map(|(name, _)| (name, ())));
                self.one_of("word in a character note", &all.collect::<Vec<_>>(), &item);
            }
        }
        Some(ask)
    }
}

/// Exact for any number of decimals people write; `None` for anything else, and from a day on.
fn milliseconds(text: &str) -> Option<u64> {
    let text = text.trim().to_lowercase();
    let (number, factor) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (text.strip_suffix('s')?, 1000.0),
    };
    let number = number.trim_end();
    let plain = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let ms = number.parse::<f64>().ok().filter(|_| plain)? * factor;
    (ms < 86_400_000.0).then_some(ms.round() as u64)
}
