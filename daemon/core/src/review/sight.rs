//! Sight: what a vision model says a picture shows, in words of closed lists, and in tags for what has no list.

use std::{collections::BTreeMap, fmt::Write as _};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Question, Shown, object};

/// What a vision model says where no word of a list fits.
const UNKNOWN: &str = "unknown";
/// Most tags that are taken of one answer, and most characters of each.
const MOST_DETAILS: (usize, usize) = (16, 60);

/// Something pictures are placed by, with every word there is for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedAxis {
    /// Its stable name.
    pub name: String,
    /// Its words, each with what it means; empty: the word says it.
    pub words: Vec<(String, String)>,
}

/// What a vision model saw in a picture.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Sight {
    /// What it shows, by axis; axes of which that cannot be told are missing.
    pub shows: BTreeMap<String, String>,
    /// What else is seen that may change from picture to picture, as tags.
    pub details: Vec<String>,
}

impl Sight {
    /// The same without axes and words nobody asked for.
    #[must_use]
    pub fn known(mut self, axes: &[AskedAxis]) -> Self {
        self.shows.retain(|axis, word| {
            axes.iter().any(|one| one.name == *axis && one.words.iter().any(|(known, _)| known == word))
        });
        self
    }
}

/// What a vision model is asked about what a picture shows.
pub fn sight_question(shown: &Shown) -> Question {
    let mut text = String::from("Say what the picture shows. For each of these, the one word that fits:\n");
    let mut properties = Map::new();
    for axis in &shown.axes {
        let said = |(word, means): &(String, String)| {
            if means.is_empty() { word.clone() } else { format!("{word} ({means})") }
        };
        let words: Vec<String> = axis.words.iter().map(said).collect();
        let _ = writeln!(text, "- {}: {}", axis.name, words.join("; "));
        let mut allowed: Vec<&str> = axis.words.iter().map(|(word, _)| word.as_str()).collect();
        allowed.push(UNKNOWN);
        properties.insert(axis.name.clone(), json!({ "type": "string", "enum": allowed }));
    }
    let names: Vec<&str> = shown.figures.iter().map(|figure| figure.name.as_str()).collect();
    let who = if names.is_empty() { "the character".to_owned() } else { names.join(" and ") };
    let _ = write!(
        text,
        "Say {UNKNOWN} where none fits or it cannot be seen.\nThen details: at most {} tags, each of one to four lower-case \
         English words, for what else is seen and may be otherwise in the next picture of {who}: clothes, things that are \
         held, what is done, what is around. No names, nothing of how {who} always looks, nothing of how good the picture \
         is.\nAnswer in JSON with exactly these fields: shows (an object with one of the words above for each), details \
         (a list).",
        MOST_DETAILS.0
    );
    let schema = object(&json!({
        "shows": object(&Value::Object(properties)),
        "details": { "type": "array", "maxItems": MOST_DETAILS.0, "items": { "type": "string" } },
    }));
    Question { text, schema }
}

/// Reads what a picture shows; the complaint goes back to the model once. Words of no list are left out, not made up.
///
/// # Errors
/// What is wrong with the answer, in one sentence.
pub fn sight(text: &str) -> Result<Sight, String> {
    #[derive(Deserialize)]
    struct Answer {
        shows: BTreeMap<String, Value>,
        details: Vec<String>,
    }
    let Answer { shows, details } = super::answer::read(text)?;
    let word = |(axis, word): (String, Value)| match word {
        Value::String(word) if word != UNKNOWN => Some((axis, word)),
        _ => None,
    };
    let tag = |tag: &String| {
        let tag = tag.replace(|sign: char| sign == ',' || sign.is_control(), " ").to_lowercase();
        let tag = tag.split_whitespace().collect::<Vec<_>>().join(" ");
        let tag = tag.trim_matches(|sign: char| matches!(sign, '.' | '"' | '\'' | '-' | '#')).trim().to_owned();
        (!tag.is_empty() && tag.chars().count() <= MOST_DETAILS.1).then_some(tag)
    };
    let details = details.iter().filter_map(tag).take(MOST_DETAILS.0).collect();
    Ok(Sight { shows: shows.into_iter().filter_map(word).collect(), details })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn axes() -> Vec<AskedAxis> {
        let axis = |name: &str, words: &[(&str, &str)]| AskedAxis {
            name: name.into(),
            words: words.iter().map(|(word, means)| ((*word).into(), (*means).into())).collect(),
        };
        vec![axis("framing", &[("face", "close-up portrait"), ("full", "")]), axis("angle", &[("side", "profile")])]
    }

    fn shown() -> Shown {
        Shown {
            eye: "eye".into(),
            figures: Vec::new(),
            description: String::new(),
            style: String::new(),
            hint: String::new(),
            references: Vec::new(),
            confusable: Vec::new(),
            species: Vec::new(),
            axes: axes(),
        }
    }

    #[test]
    fn every_word_of_every_list_is_offered_and_so_is_that_it_cannot_be_told() {
        let question = sight_question(&shown());
        assert!(question.text.contains("- framing: face (close-up portrait); full\n- angle: side (profile)\n"));
        let shows = &question.schema["properties"]["shows"];
        assert_eq!(shows["properties"]["framing"]["enum"], json!(["face", "full", "unknown"]));
        assert_eq!(shows["required"], json!(["angle", "framing"]));
        assert_eq!(shows["additionalProperties"], false);
    }

    #[test]
    fn what_is_no_word_of_the_list_is_left_out_and_tags_are_made_plain() {
        let said = r#"{"shows":{"framing":"face","angle":"from above","mood":"happy","pose":3},
            "details":["Red  Coat.", "a lantern, lit", "", "- rain"]}"#;
        let sight = sight(said).unwrap().known(&axes());
        assert_eq!(sight.shows, [("framing".to_owned(), "face".to_owned())].into());
        assert_eq!(sight.details, ["red coat", "a lantern lit", "rain"]);
        let unknown = super::sight(r#"{"shows":{"framing":"unknown"},"details":[]}"#).unwrap();
        assert_eq!(unknown, Sight::default());
    }

    #[test]
    fn what_is_no_answer_is_said() {
        for (text, why) in [
            ("a girl in a red coat", "not JSON"),
            (r#"{"shows":{}}"#, "details"),
            (r#"{"shows":"face","details":[]}"#, "schema"),
            (r#"{"shows":{},"details":[1]}"#, "schema"),
        ] {
            let error = sight(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_no_tag_breaks_a_caption(tags in prop::collection::vec(".{0,80}", 0..30)) {
            let text = json!({ "shows": {}, "details": tags }).to_string();
            let sight = sight(&text).unwrap();
            prop_assert!(sight.details.len() <= 16);
            let whole = |tag: &String| !tag.is_empty() && !tag.contains([',', '\n', '\r']) && tag.chars().count() <= 60;
            prop_assert!(sight.details.iter().all(whole));
        }
    }
}
