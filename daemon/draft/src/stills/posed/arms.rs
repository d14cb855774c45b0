//! Arms: where shoulders, elbows and hands are in each pose, and how they are drawn.

use studio_core::character::{Facing, Pose};

use super::{
    super::{
        appearance::Appearance,
        canvas::{Canvas, Point, line},
    },
    Model,
};

/// What a hand does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hand {
    /// It is seen as a fist.
    Loose,
    /// Its fingers are spread.
    Open,
    /// One finger is stretched out.
    Points,
    /// Something is before it.
    Hidden,
}

/// When an arm is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    /// Before the body, which hides part of it.
    Behind,
    /// After the body.
    Before,
    /// After the head, beside which it is raised.
    Last,
}

/// An arm: shoulder, elbow, hand.
#[derive(Debug, Clone, Copy)]
struct Arm {
    joints: [Point; 3],
    hand: Hand,
    when: When,
}

/// The arms that the body is before.
pub fn behind(c: &mut Canvas, m: &Model<'_>) {
    some(c, m, When::Behind);
}

/// The arms that are before the body.
pub fn before(c: &mut Canvas, m: &Model<'_>) {
    some(c, m, When::Before);
}

/// The arms that are raised beside the head.
pub fn over_the_head(c: &mut Canvas, m: &Model<'_>) {
    some(c, m, When::Last);
}

fn some(c: &mut Canvas, m: &Model<'_>, when: When) {
    for arm in arms(m).iter().filter(|arm| arm.when == when) {
        draw(c, m, arm);
    }
}

/// Both arms, the farther one first.
fn arms(m: &Model<'_>) -> [Arm; 2] {
    match m.staging.facing {
        Facing::Front => [-1.0, 1.0].map(|side| front(m, side)),
        // Seen from behind the other hand waves, and what is before the body is hidden.
        Facing::Back => [-1.0, 1.0].map(|side| {
            let arm = front(m, side);
            let before = matches!(m.staging.pose, Pose::ArmsCrossed | Pose::Sitting);
            let when = if before { When::Behind } else { arm.when };
            let mut joints = arm.joints;
            if m.staging.pose == Pose::ArmsCrossed {
                // What is seen of crossed arms is the elbows.
                joints[1].0 += side * 0.16;
                joints[2].0 = side * 0.3;
            }
            Arm { joints, hand: if before { Hand::Hidden } else { arm.hand }, when }
        }),
        Facing::ThreeQuarter => [1.0, -1.0].map(|side| {
            let arm = front(m, side);
            let joints = arm.joints.map(|(x, y)| (x * 0.84 + 0.04, y));
            let far = side > 0.0 && arm.when == When::Before && !matches!(m.staging.pose, Pose::ArmsCrossed);
            Arm { joints, when: if far && !m.sits() { When::Behind } else { arm.when }, ..arm }
        }),
        Facing::Side => [side(m, false), side(m, true)],
    }
}

/// An arm from the front: -1 left, 1 right in the picture.
fn front(m: &Model<'_>, side: f32) -> Arm {
    let sh = m.who.shoulder - 0.16;
    let y = |heads: f32| m.y(heads);
    let shoulder = (sh * side, 1.12);
    let right = side > 0.0;
    // Children's arms are shorter, as all below their heads.
    let long = 0.45 + 0.55 * m.scale;
    let arm = |elbow: Point, hand: Point, shows: Hand, when: When| Arm {
        joints: [shoulder, (elbow.0 * side, elbow.1), (hand.0 * side, hand.1)],
        hand: shows,
        when,
    };
    match (m.staging.pose, right) {
        (Pose::Walking, false) => arm((sh + 0.2, y(2.0)), (sh - 0.02, y(2.72)), Hand::Loose, When::Before),
        (Pose::Walking, true) => arm((sh + 0.3, y(1.95)), (sh + 0.3, y(2.85)), Hand::Loose, When::Behind),
        (Pose::Sitting, _) => arm((sh + 0.24, y(2.15)), (0.5, y(3.32)), Hand::Loose, When::Before),
        (Pose::ArmsCrossed, false) => arm((sh + 0.12, y(2.05)), (-0.5, y(1.93)), Hand::Hidden, When::Before),
        (Pose::ArmsCrossed, true) => arm((sh + 0.12, y(2.05)), (-0.4, y(1.68)), Hand::Loose, When::Before),
        (Pose::Pointing, true) => {
            arm((sh + 0.85 * long, y(1.28)), (sh + 1.62 * long, y(1.12)), Hand::Points, When::Before)
        }
        (Pose::Pointing, false) => arm((sh + 0.52, y(2.02)), (sh - 0.02, y(2.72)), Hand::Loose, When::Before),
        (Pose::Waving, true) => arm((sh + 0.55, y(1.62)), (sh + 0.62, y(0.42)), Hand::Open, When::Last),
        _ => arm((sh + 0.09, y(2.05)), (sh + 0.05, y(3.02)), Hand::Loose, When::Before),
    }
}

/// An arm from the side; the body looks to the right.
fn side(m: &Model<'_>, near: bool) -> Arm {
    let long = 0.45 + 0.55 * m.scale;
    let y = |heads: f32| m.y(heads);
    let shoulder = if near { (-0.04, 1.16) } else { (0.08, 1.14) };
    let (elbow, hand, shows) = match (m.staging.pose, near) {
        (Pose::Walking, true) => ((-0.42, y(1.98)), (-0.5, y(2.85)), Hand::Loose),
        (Pose::Walking, false) => ((0.42, y(2.0)), (0.92, y(2.55)), Hand::Loose),
        (Pose::Sitting, true) => ((-0.02, y(2.2)), (0.78, y(3.05)), Hand::Loose),
        (Pose::Sitting, false) => ((0.18, y(2.2)), (0.95, y(3.0)), Hand::Loose),
        (Pose::ArmsCrossed, true) => ((-0.06, y(2.08)), (0.7, y(1.78)), Hand::Loose),
        (Pose::ArmsCrossed, false) => ((0.12, y(2.05)), (0.72, y(1.6)), Hand::Loose),
        (Pose::Pointing, true) => ((0.78 * long, y(1.3)), (1.6 * long, y(1.12)), Hand::Points),
        (Pose::Waving, true) => ((0.55, y(1.75)), (0.98, y(0.72)), Hand::Open),
        (_, true) => ((-0.1, y(2.08)), (0.06, y(3.02)), Hand::Loose),
        (_, false) => ((0.1, y(2.05)), (0.22, y(2.96)), Hand::Loose),
    };
    let when = match (m.staging.pose, near) {
        (Pose::Waving, true) => When::Last,
        (_, true) => When::Before,
        (_, false) => When::Behind,
    };
    Arm { joints: [shoulder, elbow, hand], hand: shows, when }
}

/// A limb as a path: straight, with a round joint in the middle.
pub fn bent(joints: &[Point; 3]) -> String {
    let [from, joint, to] = *joints;
    let off = |end: Point| {
        let (dx, dy) = (end.0 - joint.0, end.1 - joint.1);
        let long = dx.hypot(dy).max(0.001);
        let share = (0.3 / long).min(0.5);
        (joint.0 + dx * share, joint.1 + dy * share)
    };
    let (before, after) = (off(from), off(to));
    format!(
        "{}Q{:.3} {:.3} {:.3} {:.3}L{:.3} {:.3}",
        line(&[from, before]),
        joint.0,
        joint.1,
        after.0,
        after.1,
        to.0,
        to.1
    )
}

fn draw(c: &mut Canvas, m: &Model<'_>, arm: &Arm) {
    let (who, light) = (m.who, m.light);
    let near = if m.is_turned(Facing::Side) { arm.when != When::Behind } else { arm.joints[0].0 * light.side > 0.0 };
    let tone = |colour| if near { light.lit(colour) } else { light.shaded(colour) };
    hand(c, who, arm, tone(who.skin));
    let path = bent(&arm.joints);
    if near && light.rim > 0.1 {
        c.under(&format!("translate({:.3} -0.02)", light.side * 0.045), |c| {
            c.stroke(&path, light.colour, 0.37, light.rim);
        });
    }
    c.stroke(&path, light.ink(), 0.44, 0.55);
    c.stroke(&path, tone(who.coat), 0.37, 1.0);
}

fn hand(c: &mut Canvas, who: &Appearance, arm: &Arm, skin: super::super::palette::Colour) {
    let [_, elbow, wrist] = arm.joints;
    let (dx, dy) = (wrist.0 - elbow.0, wrist.1 - elbow.1);
    let long = dx.hypot(dy).max(0.001);
    let (dx, dy) = (dx / long, dy / long);
    // `along` the forearm, `across` it.
    let at = |along: f32, across: f32| (wrist.0 + dx * along - dy * across, wrist.1 + dy * along + dx * across);
    let thick = if who.tall < 6.0 { 0.16 } else { 0.17 };
    match arm.hand {
        Hand::Hidden => {}
        Hand::Loose => c.circle(at(0.18, 0.0), thick, skin, 1.0),
        Hand::Points => {
            c.circle(at(0.18, 0.0), thick, skin, 1.0);
            c.stroke(&line(&[at(0.2, -0.05), at(0.56, -0.07)]), skin, 0.1, 1.0);
            c.stroke(&line(&[at(0.16, -0.1), at(0.26, -0.22)]), skin, 0.09, 1.0);
        }
        Hand::Open => {
            c.circle(at(0.2, 0.0), thick, skin, 1.0);
            let fingers: String = [(-0.17, 0.5), (-0.06, 0.57), (0.06, 0.56), (0.17, 0.48)]
                .into_iter()
                .map(|(across, along)| line(&[at(0.25, across * 0.6), at(along, across * 1.25)]))
                .collect();
            c.stroke(&fingers, skin, 0.085, 1.0);
            c.stroke(&line(&[at(0.18, -0.1), at(0.3, -0.32)]), skin, 0.09, 1.0);
        }
    }
}
