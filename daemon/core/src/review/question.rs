//! Question: the words, the pictures' order and the schema a vision model is given.

use serde_json::{Value, json};

use super::{Confusable, Issue, Shown, Species, shipped, signs};
use crate::character::{Age, Figure, Gender};

/// Something to ask a model: pictures go in the order the text names them.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// What is asked, the schema included in words: a grammar does not tell a model what it wants.
    pub text: String,
    /// JSON schema of the answer.
    pub schema: Value,
}

/// Bumped whenever words, schema or score change: it is part of the key of every review.
pub const VERSION: u32 = 1;

fn who(figure: &Figure) -> String {
    let gender = match figure.profile.gender {
        Gender::Female => "female",
        Gender::Male => "male",
        Gender::Neutral => "of no particular gender",
    };
    let age = match figure.profile.age {
        Age::Child => "a child, ",
        Age::Adult => "",
        Age::Elder => "old, ",
    };
    format!("{} ({age}{gender})", figure.name)
}

/// What every picture of a character must show, as a list to go through.
pub(super) fn checklist(figure: &Figure, own: &[Species]) -> String {
    let mut said = vec![format!("CHARACTER {}", who(figure))];
    if let Some(looks) = &figure.appearance {
        if !looks.design.is_empty() {
            said.push(format!("  looks: {}", looks.design));
        }
        if let Some(signs) = signs(looks, own, &shipped()) {
            said.push(format!(
                "  SPECIES: {}; must be seen: {}; must not: {}",
                looks.species, signs.right, signs.wrong
            ));
        }
        if !looks.colors.is_empty() {
            let colors: Vec<String> =
                looks.colors.iter().map(|(feature, color)| format!("{feature} {color}")).collect();
            said.push(format!("  KEY COLOURS: {}", colors.join(", ")));
        }
        if !looks.features.is_empty() {
            said.push(format!("  KEY FEATURES: {}", looks.features.join(", ")));
        }
        if !looks.errors.is_empty() {
            let errors: Vec<&str> = looks.errors.iter().map(|error| error.seen.as_str()).collect();
            said.push(format!("  COMMON ERRORS: {}", errors.join("; ")));
        }
    }
    said.join("\n")
}

fn setting(shown: &Shown) -> String {
    let mut said = Vec::new();
    match shown.figures.len() {
        0 => said.push("Nobody should be seen.".to_owned()),
        1 => said.push("Exactly one character should be seen.".to_owned()),
        count => said.push(format!("Exactly {count} characters should be seen.")),
    }
    said.extend(shown.figures.iter().map(|figure| checklist(figure, &shown.species)));
    said.push(format!("WANTED: {}", shown.description));
    let style: Vec<&str> =
        [&shown.style, &shown.hint].into_iter().map(String::as_str).filter(|s| !s.is_empty()).collect();
    if !style.is_empty() {
        said.push(format!(
            "STYLE: {}. This style is wanted; do not mark it down for being what it is.",
            style.join("; ")
        ));
    }
    said.join("\n")
}

fn issues() -> String {
    Issue::ALL.map(Issue::word).join(", ")
}

fn integer(low: u8) -> Value {
    json!({ "type": "integer", "minimum": low, "maximum": 10 })
}

/// An object with exactly these properties.
pub(crate) fn object(properties: &Value) -> Value {
    let required: Vec<String> = properties.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn issue_list() -> Value {
    json!({ "type": "array", "items": { "type": "string", "enum": Issue::ALL.map(Issue::word) } })
}

fn completeness() -> Value {
    json!({ "type": "string", "enum": ["full", "upper", "face", "partial", "nobody"] })
}

/// Names the pictures that follow the first.
fn pictures(first: &str, with_source: bool, references: usize) -> String {
    let mut said = vec![format!("Picture 1 is {first}.")];
    let mut next = 2;
    if with_source {
        said.push("Picture 2 is the source it was made from: compare with it.".into());
        next = 3;
    }
    for number in next..next + references {
        said.push(format!("Picture {number} shows how a character really looks."));
    }
    said.join(" ")
}

/// What is asked of one frame of a clip.
pub fn clip_question(shown: &Shown, place: &str, with_source: bool, references: usize) -> Question {
    let schema = object(&json!({
        "character_match": integer(1), "style_match": integer(1), "motion_execution": integer(1),
        "technical_quality": integer(1), "issues": issue_list(), "solo": { "type": "boolean" },
        "completeness": completeness(), "species_correct": { "type": "boolean" }, "reason": { "type": "string" },
    }));
    let text = format!(
        "You judge one frame of an animated clip for a film. {}\n{}\n\
         Answer in JSON with exactly these fields: character_match (1 somebody else, 5 similar, 10 the same in every \
         detail), style_match (1 another style, 10 the same), motion_execution (1 nothing of the wanted action, 10 just \
         as wanted, as far as one frame shows), technical_quality (1 broken, 5 visible faults, 10 flawless), issues \
         (only from: {}; empty when there are none), solo (as many characters as should be seen), completeness \
         (full, upper, face, partial, nobody), species_correct (every character is of its kind), reason (one sentence).\n\
         Judge what is seen, not what is meant. Use the whole scale.",
        pictures(&format!("a frame from {place}"), with_source, references),
        setting(shown),
        issues(),
    );
    Question { text, schema }
}

/// What is asked of a still.
pub fn still_question(shown: &Shown, with_source: bool, references: usize) -> Question {
    let schema = object(&json!({
        "character_match": integer(0), "clarity": integer(0), "training_value": integer(0), "issues": issue_list(),
        "solo": { "type": "boolean" }, "completeness": completeness(), "species_correct": { "type": "boolean" },
        "gender_match": { "type": "boolean" }, "has_anatomical_defects": { "type": "boolean" },
        "common_error_hits": { "type": "array", "items": { "type": "string" } },
        "caption": { "type": "string" }, "reason": { "type": "string" },
    }));
    let text = format!(
        "You judge a picture for a film. {}\n{}\n\
         Answer in JSON with exactly these fields: character_match (0 somebody else, 10 the same in every detail; 10 \
         when nobody should be seen and nobody is), clarity (0 unusable, 10 sharp and clean), training_value (0 \
         useless, 10 a perfect example of what was wanted), issues (only from: {}; empty when there are none), solo (as \
         many characters as should be seen), completeness (full, upper, face, partial, nobody), species_correct (every \
         character is of its kind), gender_match (every character has the given gender), has_anatomical_defects, \
         common_error_hits (which of the listed common errors are seen), caption (what is seen, one sentence), reason \
         (one sentence).\nJudge what is seen, not what is meant. Use the whole scale.",
        pictures("the one to judge", with_source, references),
        setting(shown),
        issues(),
    );
    Question { text, schema }
}

fn yes_or_no(text: &str) -> Question {
    let schema = object(&json!({ "correct": { "type": "boolean" }, "seen": { "type": "string" } }));
    Question {
        text: format!("{text} Answer in JSON: correct (true or false), seen (what you see, a few words)."),
        schema,
    }
}

/// The focused question about a creature's body.
pub fn species_question(name: &str, signs: &Species) -> Question {
    yes_or_no(&format!(
        "{name} is no human. Look only at body and face, not at clothes and hats. Correct is: {}. Wrong is: {}. Is the \
         character in the picture correct?",
        signs.right, signs.wrong
    ))
}

/// The focused question about two characters that are easily taken for each other.
pub fn which_question(pair: &Confusable) -> Question {
    let schema = object(&json!({
        "who": { "type": "string", "enum": ["a", "b", "neither"] }, "seen": { "type": "string" },
    }));
    let text = format!(
        "Who is in the picture: a is {}, b is {}. They are told apart by {}. Answer in JSON: who (a, b or neither), seen \
         (what decides it, a few words).",
        pair.name, pair.other, pair.by
    );
    Question { text, schema }
}

/// The same once more, with what was wrong about the first answer.
pub fn repair(question: &Question, complaint: &str) -> Question {
    let text = format!(
        "{}\n\nYour last answer could not be used: {complaint}. Answer again, with nothing but the JSON.",
        question.text
    );
    Question { text, schema: question.schema.clone() }
}
