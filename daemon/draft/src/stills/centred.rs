//! Centred: where somebody alone is in a picture of a dataset, and how large.

use studio_core::{
    character::{Facing, Pose, Staging},
    shot::ShotType,
};

use super::{
    appearance::{Appearance, Hat},
    canvas::Point,
    dice::Dice,
};

/// Height of a whole figure, hat included, in units of the canvas.
const WHOLE: f32 = 800.0;

/// How far hair or hat reach above the middle of the head, in heads.
fn above(who: &Appearance) -> f32 {
    if who.hat == Hat::None { 0.8 } else { 0.93 }
}

/// How far the feet are below the middle of the head, in heads.
pub fn feet(who: &Appearance, staging: Staging) -> f32 {
    let standing = who.tall - 0.56;
    if staging.pose == Pose::Sitting { standing * 0.8 } else { standing }
}

/// Middle of the head, its height, and the way it is turned, so that the figure is large and in the middle.
pub fn place(who: &Appearance, staging: Staging, shot: ShotType, width: f32, dice: &mut Dice) -> (Point, f32, f32) {
    let way = dice.sign();
    let size = dice.between(0.94, 1.0);
    let aside = dice.between(-0.025, 0.025) * width;
    // An arm that is stretched out needs room on its side.
    let (reach, off) = match (staging.pose, staging.facing) {
        (Pose::Pointing, _) => (1.35 + (who.tall - 0.56) / 6.64, 0.6),
        (Pose::Sitting, Facing::Side | Facing::ThreeQuarter) => (1.6, 0.45),
        (Pose::Waving, _) => (1.75, 0.1),
        _ => (1.45, 0.0),
    };
    let (unit, head) = match shot {
        ShotType::CloseUp | ShotType::ExtremeCloseUp => {
            let unit = size * (width * 0.72).min(540.0);
            (unit, above(who) * unit + 40.0 + dice.between(-10.0, 10.0))
        }
        ShotType::Medium => {
            let unit = size * (width * 0.46 / reach).min(250.0);
            (unit, 105.0 + above(who) * unit + dice.between(-10.0, 10.0))
        }
        _ => {
            let heads = feet(who, staging) + above(who);
            let unit = size * (width * 0.47 / reach).min(WHOLE / heads);
            let ground = (540.0 + heads * unit / 2.0).min(935.0) + dice.between(-8.0, 8.0);
            (unit, ground - feet(who, staging) * unit)
        }
    };
    let aside =
        if matches!(shot, ShotType::CloseUp | ShotType::ExtremeCloseUp) { aside } else { aside - way * off * unit };
    ((width / 2.0 + aside, head), unit, way)
}
