//! Mark: one measured property of a take.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{units::Score, word::words};

words! {
    /// What was measured of a take, or seen in it.
    MarkName {
        /// Pictures that are black.
        Black = "black",
        /// How much light and dark differ.
        Contrast = "contrast",
        /// Pictures in which nothing moves.
        Frozen = "frozen",
        /// How sharp it is.
        Blur = "blur",
        /// How bright it is.
        Exposure = "exposure",
        /// How much its light jumps.
        Flicker = "flicker",
        /// Whether it is as long as it was ordered.
        Length = "length",
        /// Whether it is as large as it was ordered.
        Size = "size",
        /// How like its source it is.
        Likeness = "likeness",
        /// How far its colours leave those of its source.
        Drift = "drift",
        /// How alike two pictures are to a model that compares.
        Embedding = "embedding",
        /// How like its character somebody is, as a model with eyes says.
        CharacterMatch = "character_match",
        /// How like its source its style is, as a model with eyes says.
        StyleMatch = "style_match",
        /// How well it moves, as a model with eyes says.
        MotionExecution = "motion_execution",
        /// How well it is made, as a model with eyes says.
        TechnicalQuality = "technical_quality",
        /// How clear it is, as a model with eyes says.
        Clarity = "clarity",
        /// How much a model could learn from it, as a model with eyes says.
        TrainingValue = "training_value",
        /// Something only another version of the studio measures.
        Other = "other",
    }
}

/// One measured property of a take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Mark {
    /// What was measured: black, contrast, frozen, blur, exposure, flicker, length, likeness.
    #[serde(deserialize_with = "known")]
    #[cfg_attr(feature = "schema", schema(value_type = String))]
    pub name: MarkName,
    /// 0 (unusable) to 1 (perfect).
    pub score: Score,
    /// The number behind the score.
    pub measured: f64,
    /// Its unit, e.g. "share of frames".
    pub unit: String,
}

/// A name that nobody here knows is no reason to lose a verdict.
fn known<'de, D: Deserializer<'de>>(name: D) -> Result<MarkName, D::Error> {
    let name = String::deserialize(name)?;
    Ok(MarkName::ALL.iter().find(|one| one.word() == name).copied().unwrap_or(MarkName::Other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_marks_are_stored_as_they_always_were() {
        // What rows have. Add to it; never change it.
        let words = [
            "black",
            "contrast",
            "frozen",
            "blur",
            "exposure",
            "flicker",
            "length",
            "size",
            "likeness",
            "drift",
            "embedding",
            "character_match",
            "style_match",
            "motion_execution",
            "technical_quality",
            "clarity",
            "training_value",
            "other",
        ];
        assert_eq!(MarkName::ALL.iter().map(|one| one.word()).collect::<Vec<_>>(), words);
        let read = |name: &str| {
            let stored = serde_json::json!({ "name": name, "score": 0.5, "measured": 1.0, "unit": "x" });
            serde_json::from_value::<Mark>(stored).unwrap()
        };
        for word in words {
            assert_eq!(serde_json::to_value(read(word)).unwrap()["name"], word);
        }
        assert_eq!(read("sparkle").name, MarkName::Other, "a verdict of another version is read");
    }
}
