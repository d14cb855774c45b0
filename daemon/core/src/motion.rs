//! Motion: what may move in a shot of each type, to choose from. One list for the page and for writers.

use serde::Serialize;

use crate::shot::ShotType;

/// Something that may move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Preset {
    /// In which type of shot.
    pub shot_type: ShotType,
    /// Its short name, unique in its type.
    pub name: &'static str,
    /// What a model is told.
    pub text: &'static str,
}

const fn preset(shot_type: ShotType, name: &'static str, text: &'static str) -> Preset {
    Preset { shot_type, name, text }
}

use ShotType::{Action, CloseUp, Establishing, ExtremeCloseUp, Medium, Wide};

/// All of them, by type.
pub const PRESETS: [Preset; 27] = [
    preset(Establishing, "slow pan", "the camera pans slowly across the place"),
    preset(Establishing, "slow zoom", "the camera moves slowly closer to the place"),
    preset(Establishing, "wide reveal", "the camera travels sideways and reveals the whole place"),
    preset(Establishing, "aerial drift", "the camera drifts over the place from above"),
    preset(Wide, "enter", "somebody enters from the side and walks into the picture"),
    preset(Wide, "slow zoom out", "the camera moves slowly back and shows more of the place"),
    preset(Wide, "pan across", "the camera pans from left to right"),
    preset(Wide, "wind", "wind moves clothes, grass and leaves"),
    preset(Medium, "walk forward", "walking towards the camera"),
    preset(Medium, "gesture", "talking with small gestures of the hands"),
    preset(Medium, "weight shift", "standing, shifting weight from one foot to the other"),
    preset(Medium, "turn to camera", "turning slowly towards the camera"),
    preset(Medium, "conversation", "two people talk to each other and nod"),
    preset(CloseUp, "breathing", "breathing calmly, barely moving"),
    preset(CloseUp, "blink and smile", "blinking, then a small smile"),
    preset(CloseUp, "head turn", "turning the head slowly"),
    preset(CloseUp, "eyes widen", "the eyes widen in surprise"),
    preset(CloseUp, "wind in hair", "wind moves the hair"),
    preset(ExtremeCloseUp, "eyes narrow", "the eyes narrow"),
    preset(ExtremeCloseUp, "tear", "one tear runs down the cheek"),
    preset(ExtremeCloseUp, "lips", "the lips move as if murmuring"),
    preset(ExtremeCloseUp, "eyes dart", "the eyes dart from side to side"),
    preset(Action, "leap in", "leaping into the picture"),
    preset(Action, "strike", "a fast punch or kick with motion blur"),
    preset(Action, "sprint", "sprinting past the camera"),
    preset(Action, "dodge", "dodging and rolling away"),
    preset(Action, "power up", "gathering power while light grows around the body"),
];

/// Presets of one type.
pub fn of(shot_type: ShotType) -> impl Iterator<Item = &'static Preset> {
    PRESETS.iter().filter(move |preset| preset.shot_type == shot_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_shot_has_some_and_no_name_is_there_twice() {
        for shot_type in [Establishing, Wide, Medium, CloseUp, ExtremeCloseUp, Action] {
            let names: Vec<&str> = of(shot_type).map(|preset| preset.name).collect();
            let all: std::collections::BTreeSet<_> = names.iter().collect();
            assert!(names.len() >= 4 && all.len() == names.len(), "{shot_type:?}");
        }
    }
}
