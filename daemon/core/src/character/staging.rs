//! Staging: how somebody is shown in a picture of a dataset, in the words of its axes of coverage.

use std::collections::BTreeMap;

use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IntoDeserializer, value::Error},
};

/// How somebody is shown: turned where, with which face, doing what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Staging {
    /// Where they are turned, seen from the camera.
    pub facing: Facing,
    /// What their face shows.
    pub expression: Expression,
    /// What their body does.
    pub pose: Pose,
}

impl Staging {
    /// What a cell of the coverage asks for: its axes `angle`, `expression` and `pose`. A missing axis or a word nobody here
    /// knows is the usual: from the front, neutral, standing.
    pub fn of(cell: &BTreeMap<String, String>) -> Self {
        fn read<T: DeserializeOwned + Default>(cell: &BTreeMap<String, String>, axis: &str) -> T {
            let word = cell.get(axis).map_or("", String::as_str);
            let read: Result<T, Error> = T::deserialize(word.into_deserializer());
            read.unwrap_or_default()
        }
        Self { facing: read(cell, "angle"), expression: read(cell, "expression"), pose: read(cell, "pose") }
    }
}

/// Where somebody is turned, seen from the camera; the words of the axis `angle`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Facing {
    #[default]
    Front,
    ThreeQuarter,
    Side,
    Back,
}

/// What a face shows; the words of the axis `expression`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Expression {
    #[default]
    Neutral,
    Smile,
    Angry,
    Sad,
    Surprised,
    ClosedEyes,
}

/// What a body does; the words of the axis `pose`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Pose {
    #[default]
    Standing,
    Walking,
    Sitting,
    ArmsCrossed,
    Pointing,
    Waving,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(cell: &[(&str, &str)]) -> Staging {
        Staging::of(&cell.iter().map(|(axis, word)| ((*axis).to_owned(), (*word).to_owned())).collect())
    }

    #[test]
    fn words_of_the_axes_are_pinned() {
        let angles = ["front", "three_quarter", "side", "back"];
        for (word, facing) in angles.into_iter().zip([Facing::Front, Facing::ThreeQuarter, Facing::Side, Facing::Back])
        {
            assert_eq!(of(&[("angle", word)]), Staging { facing, ..Staging::default() });
        }
        let expressions = [
            ("neutral", Expression::Neutral),
            ("smile", Expression::Smile),
            ("angry", Expression::Angry),
            ("sad", Expression::Sad),
            ("surprised", Expression::Surprised),
            ("closed_eyes", Expression::ClosedEyes),
        ];
        for (word, expression) in expressions {
            assert_eq!(of(&[("expression", word)]), Staging { expression, ..Staging::default() });
        }
        let poses = [
            ("standing", Pose::Standing),
            ("walking", Pose::Walking),
            ("sitting", Pose::Sitting),
            ("arms_crossed", Pose::ArmsCrossed),
            ("pointing", Pose::Pointing),
            ("waving", Pose::Waving),
        ];
        for (word, pose) in poses {
            assert_eq!(of(&[("pose", word), ("angle", "front")]), Staging { pose, ..Staging::default() });
        }
    }

    #[test]
    fn what_nobody_here_knows_is_the_usual() {
        assert_eq!(of(&[]), Staging::default());
        assert_eq!(of(&[("angle", "from the moon"), ("pose", ""), ("hat", "red")]), Staging::default());
    }
}
