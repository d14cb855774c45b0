//! Story: an idea becomes scenes and shots, written by a text model, checked here, kept as a screenplay.
//!
//! The model answers in JSON; what is wrong with the answer goes back to it in a list. What is right becomes a
//! Fountain screenplay, so that a person can go on writing where the model stopped.

mod check;
mod screenplay;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub use check::{Bounds, StoryFault, StoryPlace, read};
pub use screenplay::screenplay;

use crate::review::{Question, object};

/// A story as a model tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Story {
    /// Title of the episode.
    pub title: String,
    /// What the story is about, in one sentence.
    pub logline: String,
    /// Everybody who appears.
    pub characters: Vec<Person>,
    /// The scenes, in the order of the film.
    pub scenes: Vec<StoryScene>,
}

/// Somebody in a story.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name; dialogue refers to it, in upper or lower case.
    pub name: String,
    /// `female`, `male` or `neutral`.
    pub gender: String,
    /// `child`, `adult` or `elder`.
    pub age: String,
}

/// A scene of a story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoryScene {
    /// Three to six words.
    pub title: String,
    /// `interior` or `exterior`.
    pub setting: String,
    /// Where it is.
    pub location: String,
    /// `dawn`, `morning`, `midday`, `afternoon`, `sunset`, `evening` or `night`.
    pub time_of_day: String,
    /// How the scene feels, in one word.
    pub mood: String,
    /// One or two sentences.
    pub description: String,
    /// The shots, in the order of the film.
    pub shots: Vec<StoryShot>,
}

/// A shot of a story.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoryShot {
    /// `establishing`, `wide`, `medium`, `close-up`, `extreme-close-up` or `action`.
    pub shot_type: String,
    /// What is seen and what moves, one or two sentences.
    pub description: String,
    /// `static`, `pan-left`, `pan-right`, `push-in`, `pull-out`, `tilt-up`, `tilt-down` or `handheld`.
    pub motion: String,
    /// Length of the shot in seconds, 2..=10.
    pub duration_seconds: f64,
    /// Who speaks; empty when nobody does.
    pub dialogue_character: String,
    /// What is said; empty when nothing is.
    pub dialogue_text: String,
}

/// What a story is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Brief {
    /// Storyline or idea.
    pub idea: String,
    /// What else the writer should know: world, tone, audience.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub world: String,
    /// Who is known already, one per entry: "Edda: keeper of seventy in an oilskin coat".
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub characters: Vec<String>,
    /// How long and how many.
    pub bounds: Bounds,
    /// Language of titles, descriptions and dialogue, BCP 47.
    pub language: String,
}

/// Words a model may say for a gender.
pub(crate) const GENDERS: [&str; 3] = ["female", "male", "neutral"];
/// Words a model may say for an age.
pub(crate) const AGES: [&str; 3] = ["child", "adult", "elder"];
/// Words a model may say for inside and outside.
pub(crate) const SETTINGS: [&str; 2] = ["interior", "exterior"];
/// Times of day.
pub(crate) const TIMES: [&str; 7] = ["dawn", "morning", "midday", "afternoon", "sunset", "evening", "night"];
/// Types of shots a model may choose from.
pub(crate) const SHOTS: [&str; 6] = ["establishing", "wide", "medium", "close-up", "extreme-close-up", "action"];
/// Motions of the camera.
pub(crate) const MOTIONS: [&str; 8] =
    ["static", "pan-left", "pan-right", "push-in", "pull-out", "tilt-up", "tilt-down", "handheld"];

/// What a text model is asked.
pub fn question(brief: &Brief) -> Question {
    let text = json!({ "type": "string" });
    let of = |words: &[&str]| json!({ "type": "string", "enum": words });
    let bounds = &brief.bounds;
    let shot = object(&json!({
        "shot_type": of(&SHOTS), "description": text, "motion": of(&MOTIONS),
        "duration_seconds": { "type": "number", "minimum": 2, "maximum": 10 },
        "dialogue_character": text, "dialogue_text": text,
    }));
    let list = |items: Value, least: u32, most: u32| json!({ "type": "array", "items": items, "minItems": least, "maxItems": most });
    let scene = object(&json!({
        "title": text, "setting": of(&SETTINGS), "location": text, "time_of_day": of(&TIMES), "mood": text,
        "description": text, "shots": list(shot, bounds.shots.0, bounds.shots.1),
    }));
    let person = object(&json!({ "name": text, "gender": of(&GENDERS), "age": of(&AGES) }));
    let schema = object(&json!({
        "title": text, "logline": text, "characters": list(person, 0, 12),
        "scenes": list(scene, bounds.scenes.0, bounds.scenes.1),
    }));
    let known = if brief.characters.is_empty() {
        "Invent the characters.".to_owned()
    } else {
        format!("Characters that exist already (use their names exactly):\n- {}", brief.characters.join("\n- "))
    };
    let length = bounds
        .seconds
        .map_or_else(String::new, |(least, most)| format!(" All shots together last {least} to {most} seconds."));
    let text = format!(
        "You write for an animated film. Turn this into scenes and shots.\n\nSTORY: {}\n{}{}\n{known}\n\n\
         Write {} to {} scenes of {} to {} shots each.{length} Language: {}.\n\
         Answer in JSON: title; logline (one sentence); characters (name, gender: {}, age: {}); scenes, each with title \
         (3 to 6 words), setting ({}), location (a short name; the same place has the same name), time_of_day ({}), \
         mood (one word), description (one or two sentences), shots, each with shot_type ({}), description (what is \
         seen and what moves; name who is in the picture), motion of the camera ({}), duration_seconds (2 to 10), \
         dialogue_character and dialogue_text (both empty when nobody speaks; one line, at most 30 words, only by \
         somebody in characters). Show, do not tell; begin each new place with an establishing or wide shot.",
        brief.idea.trim(),
        if brief.world.is_empty() { String::new() } else { format!("\nWORLD: {}\n", brief.world.trim()) },
        if bounds.telling.is_empty() {
            String::new()
        } else {
            format!("\nHOW IT IS TOLD: {}\n", bounds.telling.trim())
        },
        bounds.scenes.0,
        bounds.scenes.1,
        bounds.shots.0,
        bounds.shots.1,
        brief.language,
        GENDERS.join(", "),
        AGES.join(", "),
        SETTINGS.join(", "),
        TIMES.join(", "),
        SHOTS.join(", "),
        MOTIONS.join(", "),
    );
    Question { text, schema }
}
