//! Answer: what a vision model said, checked against what it was asked for. Nothing missing is filled in.

use serde::Deserialize;
use serde_json::Value;

use super::Issue;

/// How much of a character is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Completeness {
    Full,
    Upper,
    Face,
    Partial,
    Nobody,
}

/// What is said of one frame of a clip.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClipLook {
    /// Likeness to the character, 1..=10.
    pub character_match: u8,
    /// Likeness to the style, 1..=10.
    pub style_match: u8,
    /// How well the wanted motion is done, 1..=10.
    pub motion_execution: u8,
    /// Sharpness, artefacts, anatomy, 1..=10.
    pub technical_quality: u8,
    /// From the fixed list.
    pub issues: Vec<Issue>,
    /// As many people are seen as should be.
    pub solo: bool,
    /// How much of the character is seen.
    pub completeness: Completeness,
    /// Everybody is of the kind they should be.
    pub species_correct: bool,
    /// Why it is judged so, in one sentence.
    pub reason: String,
}

/// What is said of a still.
#[expect(clippy::struct_excessive_bools, reason = "it is the answer's JSON, field by field")]
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StillLook {
    /// Likeness to the character, 0..=10.
    pub character_match: u8,
    /// Sharpness and cleanness, 0..=10.
    pub clarity: u8,
    /// How good an example it is, 0..=10.
    pub training_value: u8,
    /// From the fixed list.
    pub issues: Vec<Issue>,
    /// As many people are seen as should be.
    pub solo: bool,
    /// How much of the character is seen.
    pub completeness: Completeness,
    /// Everybody is of the kind they should be.
    pub species_correct: bool,
    /// Everybody is of the gender they should be.
    pub gender_match: bool,
    /// Hands, limbs or faces are wrong.
    pub has_anatomical_defects: bool,
    /// Which of the errors the character often has are seen.
    pub common_error_hits: Vec<String>,
    /// What is seen, in one sentence.
    pub caption: String,
    /// Why it is judged so, in one sentence.
    pub reason: String,
}

impl ClipLook {
    /// It is another than who was ordered.
    pub fn is_wrong(&self) -> bool {
        !self.species_correct || self.issues.contains(&Issue::WrongCharacter)
    }
}

impl StillLook {
    /// It is another than who was ordered.
    pub fn is_wrong(&self) -> bool {
        !self.species_correct || !self.gender_match || self.issues.contains(&Issue::WrongCharacter)
    }
}

/// The JSON inside an answer. Some models fence it, although they were told not to; anything else around it is no
/// answer.
fn json(text: &str) -> Result<Value, String> {
    let text = text.trim();
    let inner = text.strip_prefix("```json").or_else(|| text.strip_prefix("```")).unwrap_or(text);
    let inner = inner.trim_end().strip_suffix("```").unwrap_or(inner).trim();
    serde_json::from_str(inner).map_err(|error| format!("the answer is not JSON: {error}"))
}

pub(super) fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_json::from_value(json(text)?).map_err(|error| format!("the answer does not fit the schema: {error}"))
}

fn within(name: &str, value: u8, low: u8) -> Result<(), String> {
    if (low..=10).contains(&value) { Ok(()) } else { Err(format!("{name} is {value}; it must be {low} to 10")) }
}

/// Reads what was said of a frame; the complaint goes back to the model once.
///
/// # Errors
/// What is wrong with the answer, in one sentence.
pub fn clip_look(text: &str) -> Result<ClipLook, String> {
    let look: ClipLook = read(text)?;
    within("character_match", look.character_match, 1)?;
    within("style_match", look.style_match, 1)?;
    within("motion_execution", look.motion_execution, 1)?;
    within("technical_quality", look.technical_quality, 1)?;
    Ok(look)
}

/// Reads what was said of a still; the complaint goes back to the model once.
///
/// # Errors
/// What is wrong with the answer, in one sentence.
pub fn still_look(text: &str) -> Result<StillLook, String> {
    let look: StillLook = read(text)?;
    within("character_match", look.character_match, 0)?;
    within("clarity", look.clarity, 0)?;
    within("training_value", look.training_value, 0)?;
    Ok(look)
}

/// Reads the answer to a yes-or-no question: `{"correct": true, "seen": "..."}`.
///
/// # Errors
/// What is wrong with the answer, in one sentence.
pub fn yes(text: &str) -> Result<bool, String> {
    #[derive(Deserialize)]
    struct Answer {
        correct: bool,
    }
    read::<Answer>(text).map(|answer| answer.correct)
}

/// Which of two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The one who should be seen.
    First,
    /// The one who is easily taken for them.
    Other,
    /// None of the two.
    Neither,
}

/// Reads which of two it is: `{"who": "a" | "b" | "neither", "seen": "..."}`.
///
/// # Errors
/// What is wrong with the answer, in one sentence.
pub fn which(text: &str) -> Result<Which, String> {
    #[derive(Deserialize)]
    struct Answer {
        who: String,
    }
    match read::<Answer>(text)?.who.as_str() {
        "a" => Ok(Which::First),
        "b" => Ok(Which::Other),
        "neither" => Ok(Which::Neither),
        other => Err(format!("who is '{other}'; it must be a, b or neither")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = r#"{"character_match":8,"style_match":7,"motion_execution":6,"technical_quality":9,
        "issues":["blurry"],"solo":true,"completeness":"upper","species_correct":true,"reason":"fine"}"#;

    #[test]
    fn a_good_answer_is_read_even_in_a_fence() {
        for text in [GOOD.to_owned(), format!("```json\n{GOOD}\n```"), format!("```\n{GOOD}```\n")] {
            assert_eq!(clip_look(&text).unwrap().issues, [Issue::Blurry], "{text}");
        }
    }

    #[test]
    fn what_is_missing_or_out_of_range_is_said_and_never_filled_in() {
        for (change, said) in [
            (GOOD.replace("\"solo\":true,", ""), "solo"),
            (GOOD.replace("\"character_match\":8", "\"character_match\":0"), "character_match is 0"),
            (GOOD.replace("\"character_match\":8", "\"character_match\":11"), "1 to 10"),
            (GOOD.replace("\"character_match\":8", "\"character_match\":\"8\""), "schema"),
            (GOOD.replace("blurry", "ugly"), "ugly"),
            (GOOD.replace("\"solo\":true", "\"solo\":true,\"score\":10"), "score"),
            (GOOD[..60].to_owned(), "not JSON"),
            ("I am sorry, I cannot judge this picture.".to_owned(), "not JSON"),
            (String::new(), "not JSON"),
        ] {
            let error = clip_look(&change).unwrap_err();
            assert!(error.contains(said), "{said}: {error}");
        }
        assert!(yes("no").is_err() && yes("{}").is_err() && !yes(r#"{"correct":false,"seen":"a nose"}"#).unwrap());
        for (who, is) in [("a", Which::First), ("b", Which::Other), ("neither", Which::Neither)] {
            assert_eq!(which(&format!(r#"{{"who":"{who}"}}"#)), Ok(is));
        }
        assert!(which(r#"{"who":"Peach"}"#).is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_taken_for_an_answer_by_chance(text in ".{0,200}") {
            prop_assert!(clip_look(&text).is_err() && still_look(&text).is_err() && yes(&text).is_err());
        }
    }
}
