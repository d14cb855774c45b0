//! Figure: people, the same in every shot because their looks come from their profile alone.
//!
//! Drawn in heads: the head's middle is the origin, its height the unit; adults are 7.2 heads tall, children 5.

use super::{
    appearance::{Appearance, Hair, Hat, Outfit},
    canvas::{Canvas, Point, blob, curve, line, polygon},
    face::{self, Expression},
    framing::{Actor, Mood, Pose, Stage},
    light::Light,
};

/// Where somebody's feet are, in units of the canvas.
pub fn feet(actor: &Actor<'_>) -> f32 {
    actor.head.1 + actor.unit * (Appearance::of(&actor.figure.profile).tall - 0.56)
}

/// Draws somebody of the stage with their shadow on the ground.
pub fn draw(c: &mut Canvas, s: &Stage<'_>, actor: &Actor<'_>) {
    let who = Appearance::of(&actor.figure.profile);
    let (x, y) = actor.head;
    let unit = actor.unit;
    let whole = unit < 130.0;
    if whole {
        let feet = feet(actor);
        let way = -s.side * unit;
        c.ellipse((x + way * 0.75, feet + unit * 0.05), (unit * 1.5, unit * 0.2), s.palette.ink, 0.42);
    }
    // At dusk and at night people far away are nearly silhouettes; near, they catch the light.
    let dark = if whole { 0.34 - 0.3 * s.palette.day } else { 0.1 - 0.1 * s.palette.day };
    let light = Light {
        palette: &s.palette,
        side: s.side * actor.facing,
        colour: s.palette.light,
        rim: s.palette.rim,
        dark: dark.max(0.0),
    };
    let close = unit > 60.0;
    c.under(&format!("translate({x:.2} {y:.2}) scale({:.3} {unit:.3})", unit * actor.facing), |c| {
        let run = actor.pose == Pose::Runs;
        let lean = if run {
            13.0
        } else if who.stick {
            4.0
        } else {
            0.0
        };
        let hips = who.tall - 4.2;
        c.under(&format!("rotate({lean} 0 {hips:.2})"), |c| {
            body(c, &who, &light, actor.pose);
            c.under(&format!("rotate({:.1})", -lean * 0.6), |c| {
                let shows = Expression { speaks: actor.speaks, mood: s.mood, close };
                face::head(
                    c,
                    &who,
                    &light,
                    if run && s.mood == Mood::Calm { Expression { mood: Mood::Tense, ..shows } } else { shows },
                );
            });
        });
    });
}

fn body(c: &mut Canvas, who: &Appearance, light: &Light<'_>, pose: Pose) {
    let feet = who.tall - 0.56;
    let scale = feet / 6.64;
    legs(c, who, light, pose, feet);
    if who.stick && pose != Pose::Runs {
        c.stroke(&line(&[(1.28, 2.75), (1.4, feet)]), light.ink(), 0.09, 1.0);
        c.stroke(&curve(&[(1.28, 2.75), (1.2, 2.58), (1.02, 2.62)]), light.ink(), 0.09, 1.0);
    }
    arm(c, who, light, -1.0, pose, scale);
    torso(c, who, light, scale);
    arm(c, who, light, 1.0, pose, scale);
    neck(c, who, light);
}

fn legs(c: &mut Canvas, who: &Appearance, light: &Light<'_>, pose: Pose, feet: f32) {
    let bare = matches!(who.outfit, Outfit::Dress);
    let (near, far) = if bare {
        (light.lit(who.skin), light.shaded(who.skin))
    } else {
        (light.lit(who.legs), light.shaded(who.legs))
    };
    let hips = feet * 0.5;
    let width = if bare { 0.3 } else { 0.44 };
    let (back, front): (Vec<Point>, Vec<Point>) = if pose == Pose::Runs {
        (
            vec![(-0.2, hips), (-0.5, feet * 0.74), (-1.45, feet * 0.83)],
            vec![(0.2, hips), (1.0, feet * 0.7), (0.72, feet * 0.97)],
        )
    } else {
        (
            vec![(-0.28, hips), (-0.3, feet * 0.76), (-0.34, feet - 0.1)],
            vec![(0.26, hips), (0.3, feet * 0.76), (0.36, feet - 0.08)],
        )
    };
    for (points, tone) in [(&back, far), (&front, near)] {
        c.stroke(&curve(points), light.ink(), width + 0.07, 0.8);
        c.stroke(&curve(points), tone, width, 1.0);
        let (x, y) = points[points.len() - 1];
        let turn = if pose == Pose::Runs && points[0].0 < 0.0 { 55.0 } else { 0.0 };
        c.under(&format!("translate({x:.3} {y:.3}) rotate({turn})"), |c| {
            c.fill(&blob(&[(-0.22, -0.14), (0.1, -0.16), (0.42, 0.02), (0.44, 0.13), (-0.22, 0.13)]), light.ink(), 1.0);
        });
    }
}

fn torso(c: &mut Canvas, who: &Appearance, light: &Light<'_>, scale: f32) {
    let (hem, _) = hem(who);
    cloth(c, who, light, &outline(who, scale, hem));
    front(c, who, light, scale, hem);
}

/// How long clothes are, in heads of an adult, and half their width there.
pub(super) fn hem(who: &Appearance) -> (f32, f32) {
    let hip = who.hip;
    match who.outfit {
        Outfit::LongCoat => (4.55, hip + 0.3),
        Outfit::Dress => (4.3, hip + 0.55),
        Outfit::Jacket => (3.2, hip + 0.04),
        Outfit::Jumper => (3.05, hip),
    }
}

/// The outline of somebody's clothes from the front or from behind, down to `hem`.
pub(super) fn outline(who: &Appearance, scale: f32, long: f32) -> String {
    let (sh, hip) = (who.shoulder, who.hip);
    let (_, flare) = hem(who);
    let y = |heads: f32| heads * scale;
    let right = [
        (0.16, 0.5),
        (0.3, 0.66),
        (sh * 0.72, 0.78),
        (sh, 1.08),
        (sh * 0.88, 1.7),
        (hip.max(sh * 0.76) * 0.97, y(2.4)),
        (hip, y(3.0)),
        (flare, y(long)),
    ];
    let mut points: Vec<Point> = right.to_vec();
    points.extend(right.iter().rev().map(|(x, y)| (-x, *y)));
    blob(&points)
}

/// Fills an outline with the cloth of somebody's coat, in the light.
pub(super) fn cloth(c: &mut Canvas, who: &Appearance, light: &Light<'_>, path: &str) {
    let sh = who.shoulder;
    if light.rim > 0.1 {
        c.under(&format!("translate({:.3} -0.03)", light.side * 0.05), |c| c.fill(path, light.colour, light.rim));
    }
    let (lit, dark) = (light.lit(who.coat), light.shaded(who.coat));
    let stops = if light.side < 0.0 {
        [(0.0, lit, 1.0), (0.5, lit, 1.0), (0.62, dark, 1.0), (1.0, dark, 1.0)]
    } else {
        [(0.0, dark, 1.0), (0.38, dark, 1.0), (0.5, lit, 1.0), (1.0, lit, 1.0)]
    };
    let paint = c.linear((-sh, 0.0), (sh, 0.3), &stops);
    c.fill(path, paint, 1.0);
}

/// What is seen of clothes from the front: collar, buttons, folds.
pub(super) fn front(c: &mut Canvas, who: &Appearance, light: &Light<'_>, scale: f32, hem: f32) {
    let (sh, hip) = (who.shoulder, who.hip);
    let y = |heads: f32| heads * scale;
    let ink = light.ink();
    match who.outfit {
        Outfit::LongCoat | Outfit::Jacket => {
            let under = light.lit(who.under);
            c.fill(&polygon(&[(-0.2, 0.52), (0.2, 0.52), (0.06, y(1.75)), (-0.02, y(1.75))]), under, 1.0);
            c.fill(
                &polygon(&[(-0.2, 0.5), (-0.36, 0.66), (-0.3, 1.12), (-0.16, 1.16), (0.02, y(1.8))]),
                light.shaded(who.coat),
                1.0,
            );
            c.fill(
                &polygon(&[(0.2, 0.5), (0.36, 0.66), (0.34, 1.12), (0.2, 1.16), (0.02, y(1.8))]),
                light.shaded(who.coat),
                1.0,
            );
            c.stroke(&line(&[(0.02, y(1.8)), (0.04, y(hem))]), ink, 0.035, 0.7);
            for button in 0..3 {
                c.circle((0.14, y(1.98 + 0.4 * button as f32)), 0.045, ink, 0.8);
            }
            c.stroke(&line(&[(sh * 0.42, y(2.62)), (sh * 0.72, y(2.52))]), ink, 0.035, 0.6);
        }
        Outfit::Dress => {
            c.stroke(
                &curve(&[(-hip * 0.92, y(2.3)), (0.0, y(2.4)), (hip * 0.92, y(2.3))]),
                light.lit(who.accent),
                0.13,
                1.0,
            );
            for fold in [-0.4, 0.0, 0.42] {
                c.stroke(&curve(&[(fold * 0.6, y(2.6)), (fold, y(3.4)), (fold * 1.5, y(4.15))]), ink, 0.03, 0.4);
            }
            c.fill(&polygon(&[(-0.26, 0.56), (0.26, 0.56), (0.0, 1.0)]), light.lit(who.skin), 1.0);
        }
        Outfit::Jumper => {
            c.stroke(
                &curve(&[(-0.28, 0.66), (0.0, 0.84), (0.28, 0.66)]),
                light.shaded(who.coat).mix(ink, 0.2),
                0.15,
                1.0,
            );
            c.fill(
                &polygon(&[(-sh * 0.86, 1.55), (sh * 0.86, 1.55), (sh * 0.83, 1.82), (-sh * 0.83, 1.82)]),
                light.lit(who.accent),
                0.85,
            );
        }
    }
}

fn arm(c: &mut Canvas, who: &Appearance, light: &Light<'_>, side: f32, pose: Pose, scale: f32) {
    let sh = who.shoulder - 0.16;
    let near = side * light.side > 0.0;
    let sleeve = if near { light.lit(who.coat) } else { light.shaded(who.coat) };
    let skin = if near { light.lit(who.skin) } else { light.shaded(who.skin) };
    let y = |heads: f32| heads * scale;
    let (elbow, hand) = match (pose, side > 0.0) {
        (Pose::Runs, true) => ((sh + 0.5, y(2.0)), (sh + 1.15, y(1.45))),
        (Pose::Runs, false) => ((-sh - 0.75, y(1.8)), (-sh - 0.55, y(2.65))),
        (Pose::Gestures, true) => ((sh + 0.26, y(2.15)), (sh + 0.62, y(1.42))),
        (Pose::Rests, true) => ((sh + 0.2, y(2.15)), (sh - 0.1, y(2.8))),
        (_, _) if who.stick && side > 0.0 => ((sh + 0.28, y(2.0)), (1.2, y(2.72))),
        _ => (((sh + 0.05) * side, y(2.05)), ((sh + 0.02) * side, y(3.05))),
    };
    let shoulder = (sh * side, 1.12);
    let path = curve(&[shoulder, elbow, hand]);
    if !(pose == Pose::Rests && side > 0.0) {
        let past = (hand.0 + (hand.0 - elbow.0) * 0.16, hand.1 + (hand.1 - elbow.1) * 0.16);
        c.circle(past, 0.17, skin, 1.0);
        if pose == Pose::Gestures && side > 0.0 {
            let fingers = format!(
                "{}{}{}",
                line(&[past, (past.0 - 0.02, past.1 - 0.3)]),
                line(&[past, (past.0 + 0.12, past.1 - 0.27)]),
                line(&[past, (past.0 + 0.24, past.1 - 0.14)])
            );
            c.stroke(&fingers, skin, 0.1, 1.0);
        }
    }
    if near && light.rim > 0.1 {
        c.under(&format!("translate({:.3} -0.02)", light.side * 0.045), |c| {
            c.stroke(&path, light.colour, 0.37, light.rim);
        });
    }
    c.stroke(&path, light.ink(), 0.44, 0.55);
    c.stroke(&path, sleeve, 0.37, 1.0);
}

/// Neck and scarf from the front.
pub(super) fn neck(c: &mut Canvas, who: &Appearance, light: &Light<'_>) {
    let wide = 0.15 + 0.05 * who.jaw;
    c.fill(
        &polygon(&[(-wide, 0.3), (wide, 0.3), (wide + 0.04, 0.7), (0.0, 0.82), (-wide - 0.04, 0.7)]),
        light.shaded(who.skin),
        1.0,
    );
    if who.scarf && who.outfit != Outfit::Dress {
        let (cloth, dark) = (light.lit(who.accent), light.shaded(who.accent));
        c.fill(&blob(&[(-0.34, 0.48), (0.0, 0.6), (0.34, 0.48), (0.44, 0.7), (0.0, 0.92), (-0.44, 0.7)]), cloth, 1.0);
        c.fill(&polygon(&[(0.1, 0.8), (0.34, 0.72), (0.44, 1.55), (0.18, 1.6)]), dark, 1.0);
        c.stroke(&curve(&[(-0.36, 0.58), (0.0, 0.74), (0.36, 0.58)]), dark, 0.03, 0.8);
    }
}

/// Somebody the camera looks past: head and shoulders from behind, large and dark.
pub fn shoulder(c: &mut Canvas, s: &Stage<'_>, who: &Appearance, side: f32) {
    let unit = 440.0 * (s.width / 1000.0).clamp(0.62, 1.0);
    let light =
        Light { palette: &s.palette, side: s.side, colour: s.palette.light, rim: s.palette.rim * 0.8, dark: 0.52 };
    let at = (s.width * (0.5 + side * 0.33), 470.0);
    c.under(&format!("translate({:.2} {:.2}) scale({unit:.2})", at.0, at.1), |c| {
        let sh = who.shoulder * 1.12;
        let back = [
            (-0.2, 0.3),
            (0.2, 0.3),
            (0.3, 0.62),
            (sh * 0.8, 0.76),
            (sh + 0.1, 1.15),
            (sh + 0.25, 3.0),
            (-sh - 0.25, 3.0),
            (-sh - 0.1, 1.15),
            (-sh * 0.8, 0.76),
            (-0.3, 0.62),
        ];
        c.under(&format!("translate({:.3} -0.02)", light.side * 0.03), |c| {
            c.fill(&blob(&back), light.colour, light.rim * 0.8);
        });
        c.fill(&blob(&back), light.shaded(who.coat), 1.0);
        face::back_of_head(c, who, &light);
    });
}

/// Somebody seen from straight above.
pub fn from_above(c: &mut Canvas, s: &Stage<'_>, actor: &Actor<'_>, at: Point, unit: f32, turn: f32) {
    let who = Appearance::of(&actor.figure.profile);
    let light = Light { palette: &s.palette, side: s.side, colour: s.palette.light, rim: s.palette.rim, dark: 0.0 };
    c.under(&format!("translate({:.2} {:.2}) scale({unit:.2})", at.0 - s.side * unit * 0.9, at.1 + unit * 0.75), |c| {
        c.ellipse((0.0, 0.0), (1.15, 0.62), s.palette.ink, 0.45);
    });
    c.under(&format!("translate({:.2} {:.2}) rotate({turn:.1}) scale({unit:.2})", at.0, at.1), |c| {
        let sh = who.shoulder;
        for side in [-1.0, 1.0] {
            c.stroke(
                &curve(&[(side * sh * 0.85, 0.0), (side * (sh + 0.1), 0.4), (side * sh * 0.7, 0.78)]),
                light.shaded(who.coat),
                0.34,
                1.0,
            );
            c.circle((side * sh * 0.62, 0.86), 0.15, light.lit(who.skin), 1.0);
        }
        c.ellipse((-0.03 * s.side, -0.03), (sh + 0.09, 0.47), s.palette.light, s.palette.rim * 0.8);
        c.ellipse((0.0, 0.0), (sh + 0.06, 0.45), light.lit(who.coat), 1.0);
        c.ellipse((0.0, 0.12), (sh * 0.7, 0.2), light.shaded(who.coat), 0.8);
        c.ellipse((0.0, 0.36), (0.13, 0.14), light.lit(who.skin), 1.0);
        let hat = who.hat != Hat::None;
        let top = if hat {
            light.lit(who.accent)
        } else if who.hair_style == Hair::Bald {
            light.lit(who.skin)
        } else {
            light.lit(who.hair)
        };
        if who.hat == Hat::Brim {
            c.circle((0.0, 0.06), 0.66, light.shaded(who.accent), 1.0);
        }
        c.ellipse((0.0, 0.06), (0.39, 0.45), top, 1.0);
        c.stroke(&curve(&[(-0.2, -0.2), (0.0, -0.28), (0.2, -0.2)]), s.palette.light, 0.05, 0.4);
        if who.hair_style == Hair::Bun && !hat {
            c.circle((0.0, -0.34), 0.19, light.shaded(who.hair), 1.0);
        }
    });
}
