//! Hair: hair, beards and hats, around the middle of the head.

use super::{
    appearance::{Appearance, Hair, Hat},
    canvas::{Canvas, Point, blob, curve, ellipse, polygon},
    light::Light,
    palette::Colour,
};

#[expect(clippy::too_many_lines, reason = "a table of outlines, one per style")]
pub(super) fn behind(c: &mut Canvas, who: &Appearance, light: &Light<'_>) {
    let hair = light.shaded(who.hair);
    match who.hair_style {
        Hair::Long => {
            let fall = [
                (0.0, -0.66),
                (0.34, -0.58),
                (0.52, -0.24),
                (0.5, 0.3),
                (0.6, 0.86),
                (0.42, 1.04),
                (0.2, 0.9),
                (-0.2, 0.9),
                (-0.4, 1.04),
                (-0.58, 0.84),
                (-0.5, 0.3),
                (-0.52, -0.24),
                (-0.34, -0.58),
            ];
            let lit: Vec<Point> = fall.iter().map(|(x, y)| (x + light.side * 0.03, y - 0.01)).collect();
            c.fill(&blob(&lit), light.colour, light.rim * 0.8);
            c.fill(&blob(&fall), hair, 1.0);
        }
        Hair::Bob => c.fill(
            &blob(&[
                (0.0, -0.66),
                (0.36, -0.56),
                (0.55, -0.2),
                (0.56, 0.32),
                (0.44, 0.5),
                (0.0, 0.44),
                (-0.44, 0.5),
                (-0.56, 0.32),
                (-0.55, -0.2),
                (-0.36, -0.56),
            ]),
            hair,
            1.0,
        ),
        Hair::Bun => c.circle((-0.1, -0.7), 0.22, hair, 1.0),
        Hair::Ponytail => c.fill(
            &blob(&[
                (-0.3, -0.5),
                (-0.6, -0.36),
                (-0.74, 0.05),
                (-0.66, 0.62),
                (-0.52, 0.78),
                (-0.56, 0.3),
                (-0.44, -0.05),
            ]),
            hair,
            1.0,
        ),
        Hair::Pigtails => {
            for side in [-1.0, 1.0] {
                c.fill(
                    &blob(&[
                        (side * 0.4, 0.0),
                        (side * 0.62, 0.08),
                        (side * 0.7, 0.42),
                        (side * 0.58, 0.72),
                        (side * 0.46, 0.42),
                    ]),
                    hair,
                    1.0,
                );
                c.circle((side * 0.46, 0.03), 0.06, light.lit(who.accent), 1.0);
            }
        }
        Hair::Curly => {
            let mut curls = String::new();
            for step in 0..11 {
                let turn = (168.0 + 20.4 * step as f32).to_radians();
                curls.push_str(&ellipse((turn.cos() * 0.44, -0.14 + turn.sin() * 0.46), (0.19, 0.19)));
            }
            c.fill(&curls, hair, 1.0);
        }
        _ => {}
    }
}

#[expect(clippy::too_many_lines, reason = "a table of outlines, one per style")]
pub(super) fn before(c: &mut Canvas, who: &Appearance, light: &Light<'_>) {
    let hair = light.lit(who.hair);
    let cap = |fringe: &[Point], sides: f32, volume: f32| {
        let mut points = vec![
            (-0.42, sides),
            (-0.465, -0.22),
            (-0.35, -0.52 - volume * 0.5),
            (0.0, -0.62 - volume),
            (0.35, -0.52 - volume * 0.5),
            (0.465, -0.22),
            (0.42, sides),
        ];
        points.extend_from_slice(fringe);
        points
    };
    let shape = match who.hair_style {
        Hair::Bald => {
            for side in [-1.0, 1.0] {
                c.fill(
                    &blob(&[(side * 0.4, -0.2), (side * 0.47, -0.1), (side * 0.46, 0.12), (side * 0.39, 0.06)]),
                    hair,
                    1.0,
                );
            }
            return;
        }
        Hair::Crop => cap(&[(0.38, -0.16), (0.3, -0.36), (0.02, -0.42), (-0.28, -0.36), (-0.38, -0.16)], -0.02, 0.02),
        Hair::Side => {
            cap(&[(0.37, -0.12), (0.3, -0.3), (0.08, -0.36), (-0.14, -0.26), (-0.34, -0.3), (-0.38, -0.1)], 0.02, 0.1)
        }
        Hair::Messy => {
            let spikes = [
                (-0.43, 0.06),
                (-0.53, -0.2),
                (-0.46, -0.36),
                (-0.52, -0.6),
                (-0.3, -0.6),
                (-0.22, -0.82),
                (-0.02, -0.66),
                (0.16, -0.84),
                (0.26, -0.62),
                (0.5, -0.64),
                (0.46, -0.36),
                (0.54, -0.16),
                (0.42, 0.04),
                (0.35, -0.2),
                (0.24, -0.14),
                (0.14, -0.34),
                (0.0, -0.16),
                (-0.1, -0.34),
                (-0.24, -0.14),
                (-0.34, -0.3),
            ];
            c.fill(&polygon(&spikes), hair, 1.0);
            c.stroke(&polygon(&spikes), hair, 0.03, 1.0);
            shine(c, light, hair);
            return;
        }
        Hair::Bowl | Hair::Pigtails => {
            cap(&[(0.39, -0.08), (0.32, -0.17), (0.05, -0.2), (-0.28, -0.17), (-0.39, -0.08)], 0.1, 0.06)
        }
        Hair::Curly => cap(
            &[(0.38, -0.14), (0.24, -0.3), (0.08, -0.26), (-0.1, -0.32), (-0.28, -0.24), (-0.38, -0.12)],
            0.05,
            0.12,
        ),
        Hair::Long | Hair::Bob => {
            cap(&[(0.41, -0.04), (0.36, -0.24), (0.16, -0.42), (-0.08, -0.4), (-0.3, -0.2), (-0.4, 0.04)], 0.24, 0.06)
        }
        Hair::Bun | Hair::Ponytail => {
            cap(&[(0.39, -0.12), (0.3, -0.34), (0.06, -0.43), (-0.2, -0.38), (-0.38, -0.12)], 0.0, 0.04)
        }
    };
    let lit: Vec<Point> = shape.iter().map(|(x, y)| (x + light.side * 0.02, y - 0.018)).collect();
    c.fill(&blob(&lit), light.colour, light.rim);
    c.fill(&blob(&shape), hair, 1.0);
    shine(c, light, hair);
}

fn shine(c: &mut Canvas, light: &Light<'_>, hair: Colour) {
    let side = light.side;
    c.stroke(
        &curve(&[(side * 0.38, -0.3), (side * 0.3, -0.47), (side * 0.12, -0.55)]),
        hair.mix(light.colour, 0.4),
        0.035,
        0.75,
    );
    c.stroke(&curve(&[(-side * 0.1, -0.57), (-side * 0.28, -0.47), (-side * 0.39, -0.28)]), light.ink(), 0.03, 0.25);
}

pub(super) fn beard(c: &mut Canvas, who: &Appearance, light: &Light<'_>, speaks: bool) {
    if !who.beard {
        return;
    }
    let hair = light.shaded(who.hair).mix(light.lit(who.hair), 0.5);
    let drop = if speaks { 0.06 } else { 0.0 };
    let full = [
        (-0.41, 0.02),
        (-0.37, 0.3),
        (-0.26, 0.5 + drop),
        (0.0, 0.64 + drop),
        (0.26, 0.5 + drop),
        (0.37, 0.3),
        (0.41, 0.02),
        (0.31, 0.17),
        (0.22, 0.39 + drop),
        (0.06, 0.425 + drop),
        (-0.1, 0.39 + drop),
        (-0.26, 0.17),
    ];
    c.fill(&blob(&full), hair, 1.0);
    c.stroke(&curve(&[(-0.1, 0.27), (-0.02, 0.215), (0.06, 0.225), (0.14, 0.215), (0.22, 0.27)]), hair, 0.06, 1.0);
}

#[expect(clippy::too_many_lines, reason = "a table of outlines, one per style")]
pub(super) fn hat(c: &mut Canvas, who: &Appearance, light: &Light<'_>) {
    let (cloth, dark) = (light.lit(who.accent), light.shaded(who.accent));
    match who.hat {
        Hat::None => {}
        Hat::Beanie => {
            c.fill(
                &blob(&[
                    (-0.47, -0.2),
                    (-0.44, -0.55),
                    (-0.2, -0.8),
                    (0.12, -0.82),
                    (0.4, -0.6),
                    (0.47, -0.2),
                    (0.0, -0.3),
                ]),
                cloth,
                1.0,
            );
            c.fill(
                &blob(&[
                    (-0.5, -0.2),
                    (-0.46, -0.36),
                    (0.0, -0.44),
                    (0.46, -0.36),
                    (0.5, -0.2),
                    (0.4, -0.16),
                    (0.0, -0.26),
                    (-0.4, -0.16),
                ]),
                dark,
                1.0,
            );
        }
        Hat::Brim => {
            c.fill(
                &blob(&[
                    (-0.42, -0.36),
                    (-0.36, -0.78),
                    (-0.12, -0.9),
                    (0.06, -0.84),
                    (0.26, -0.9),
                    (0.4, -0.74),
                    (0.43, -0.36),
                    (0.0, -0.3),
                ]),
                cloth,
                1.0,
            );
            c.fill(
                &blob(&[(-0.44, -0.46), (0.0, -0.4), (0.44, -0.46), (0.44, -0.36), (0.0, -0.3), (-0.44, -0.36)]),
                light.ink(),
                0.8,
            );
            c.ellipse((0.0, -0.35), (0.78, 0.11), dark, 1.0);
            c.stroke(&curve(&[(-0.76, -0.36), (0.0, -0.455), (0.76, -0.36)]), light.colour, 0.02, light.rim * 0.8);
        }
        Hat::Cap => {
            c.fill(
                &blob(&[
                    (-0.47, -0.26),
                    (-0.42, -0.62),
                    (-0.1, -0.8),
                    (0.28, -0.74),
                    (0.47, -0.5),
                    (0.48, -0.26),
                    (0.0, -0.34),
                ]),
                cloth,
                1.0,
            );
            c.fill(
                &blob(&[(0.0, -0.34), (0.4, -0.38), (0.74, -0.24), (0.76, -0.18), (0.44, -0.24), (0.05, -0.26)]),
                dark,
                1.0,
            );
        }
    }
}
