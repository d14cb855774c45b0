//! Legs: how they stand, walk and sit, and what is sat on.

use studio_core::character::{Facing, Pose};

use super::{
    super::{
        appearance::Outfit,
        canvas::{Canvas, Point, blob, ellipse, line, polygon},
        palette::Colour,
    },
    Model,
    arms::bent,
};

/// A leg: hip, knee, ankle, and how far its foot is turned up, in degrees.
type Leg = ([Point; 3], f32);

/// Draws both legs, the farther one first.
pub fn draw(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let bare = who.outfit == Outfit::Dress;
    let cloth = if bare { who.skin } else { who.legs };
    let width = if bare { 0.3 } else { 0.44 };
    let [far, near] = legs(m);
    if m.sits() {
        // The lap, between thighs that come towards the camera.
        let lap = if bare { who.coat } else { who.legs };
        c.stroke(&line(&[far.0[0], near.0[0]]), light.shaded(lap), 0.5, 1.0);
    }
    for ((joints, turn), tone) in [(far, light.shaded(cloth)), (near, light.lit(cloth))] {
        let path = bent(&joints);
        c.stroke(&path, light.ink(), width + 0.07, 0.8);
        c.stroke(&path, tone, width, 1.0);
        let (x, y) = joints[2];
        c.under(&format!("translate({x:.3} {y:.3}) rotate({turn})"), |c| {
            c.fill(&blob(&foot(m.staging.facing)), light.ink(), 1.0);
        });
        if m.sits() && who.outfit == Outfit::Dress && m.is_turned(Facing::Side) {
            c.stroke(&bent(&[joints[0], joints[0], joints[1]]), light.shaded(who.coat), 0.62, 1.0);
        }
    }
}

fn foot(facing: Facing) -> Vec<Point> {
    match facing {
        Facing::Front => vec![(-0.16, -0.12), (0.16, -0.12), (0.21, 0.05), (0.19, 0.14), (-0.19, 0.14), (-0.21, 0.05)],
        Facing::Back => vec![(-0.15, -0.12), (0.15, -0.12), (0.17, 0.06), (0.15, 0.12), (-0.15, 0.12), (-0.17, 0.06)],
        Facing::ThreeQuarter => vec![(-0.19, -0.13), (0.12, -0.14), (0.32, 0.03), (0.33, 0.14), (-0.19, 0.13)],
        Facing::Side => vec![(-0.22, -0.14), (0.1, -0.16), (0.42, 0.02), (0.44, 0.13), (-0.22, 0.13)],
    }
}

fn legs(m: &Model<'_>) -> [Leg; 2] {
    let (h, f) = (m.hips(), m.feet());
    let s = m.scale;
    match (m.staging.pose, m.staging.facing) {
        (Pose::Walking, Facing::Front | Facing::Back) => [
            ([(-0.24, h), (-0.24, f * 0.73), (-0.18, f - 0.42)], 0.0),
            ([(0.25, h), (0.3, f * 0.76), (0.31, f - 0.06)], 0.0),
        ],
        (Pose::Walking, Facing::ThreeQuarter) => [
            ([(0.12, h), (-0.08, f * 0.75), (-0.5, f - 0.34)], 30.0),
            ([(-0.08, h), (0.34, f * 0.75), (0.48, f - 0.06)], -6.0),
        ],
        (Pose::Walking, Facing::Side) => [
            ([(0.0, h), (-0.2, f * 0.76), (-0.98, f - 0.34)], 38.0),
            ([(0.0, h), (0.46, f * 0.74), (0.78, f - 0.1)], -12.0),
        ],
        (Pose::Sitting, Facing::Front | Facing::Back) => [
            ([(-0.28, h), (-0.5, h + 0.3 * s), (-0.45, f - 0.1)], 0.0),
            ([(0.28, h), (0.5, h + 0.3 * s), (0.45, f - 0.1)], 0.0),
        ],
        (Pose::Sitting, Facing::ThreeQuarter) => [
            ([(0.24, h), (0.88 * s, h + 0.2 * s), (0.82 * s, f - 0.16)], 0.0),
            ([(-0.22, h), (0.32 * s, h + 0.32 * s), (0.28 * s, f - 0.08)], 0.0),
        ],
        (Pose::Sitting, Facing::Side) => [
            ([(0.05, h), (1.22 * s, h + 0.02), (1.2 * s, f - 0.14)], 0.0),
            ([(-0.05, h + 0.03), (1.08 * s, h + 0.1), (1.02 * s, f - 0.1)], 0.0),
        ],
        (_, Facing::Side) => [
            ([(0.06, h), (0.1, f * 0.76), (0.08, f - 0.12)], 0.0),
            ([(-0.06, h), (-0.03, f * 0.76), (-0.1, f - 0.1)], 0.0),
        ],
        (_, facing) => {
            let k = if facing == Facing::ThreeQuarter { 0.84 } else { 1.0 };
            [
                ([(0.27 * k, h), (0.3 * k, f * 0.76), (0.34 * k, f - 0.13)], 0.0),
                ([(-0.27 * k, h), (-0.3 * k, f * 0.76), (-0.34 * k, f - 0.1)], 0.0),
            ]
        }
    }
}

/// A plain wooden block to sit on.
pub fn seat(c: &mut Canvas, m: &Model<'_>) {
    let light = m.light;
    let (top, f) = (m.hips() + 0.2 * m.scale, m.feet());
    let wood = Colour::hex("a98155");
    let (left, right) = match m.staging.facing {
        Facing::Side => (-0.62, 0.62),
        Facing::ThreeQuarter => (-0.75, 0.68),
        Facing::Front | Facing::Back => (-0.8, 0.8),
    };
    let side = polygon(&[(left, top), (right, top), (right, f), (left, f)]);
    c.fill(&side, light.shaded(wood), 1.0);
    c.stroke(&side, light.ink(), 0.05, 0.6);
    c.fill(&ellipse((left.midpoint(right), top), ((right - left) / 2.0 + 0.05, 0.14)), light.lit(wood), 1.0);
}
