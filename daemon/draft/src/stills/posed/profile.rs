//! Profile: a head from the side, looking to the right.

use studio_core::character::Expression;

use super::{
    super::{
        appearance::{Appearance, Hair, Hat},
        canvas::{Canvas, Point, blob, curve, ellipse, line, polygon},
        face::INK,
        hair,
        palette::{Colour, WHITE},
    },
    Model,
    face::brow,
};

/// Draws the head.
pub fn head(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let (skin, shade) = (light.lit(who.skin), light.shaded(who.skin));
    behind(c, m);
    let outline = blob(&outline(who));
    if light.rim > 0.2 {
        let off = format!("translate({:.3} -0.008)", light.side * 0.022);
        c.under(&off, |c| c.fill(&outline, light.colour, light.rim));
    }
    c.fill(&outline, if light.side > 0.0 { skin } else { skin.mix(shade, 0.35) }, 1.0);
    let jaw = [(-0.1, 0.16), (-0.02, 0.34), (0.16, 0.47), (0.3, 0.49), (0.2, 0.53), (-0.06, 0.44), (-0.2, 0.3)];
    c.fill(&blob(&jaw), shade, 0.7);
    features(c, m);
    beard(c, who, m);
    mouth(c, m);
    before(c, who, m);
    // The ear stands before cropped hair, and long hair hides it.
    if !matches!(who.hair_style, Hair::Long | Hair::Bob | Hair::Bowl | Hair::Curly) {
        c.ellipse((-0.07, 0.05), (0.075, 0.115), skin, 1.0);
        c.stroke(&curve(&[(-0.11, 0.0), (-0.06, -0.03), (-0.04, 0.05), (-0.08, 0.1)]), shade, 0.018, 0.9);
    }
    if who.glasses {
        let rim = ellipse((0.26, 0.02), (0.085, 0.11));
        c.fill(&rim, WHITE.mix(light.colour, 0.3), 0.14);
        c.stroke(&format!("{rim}{}", line(&[(0.175, -0.01), (-0.06, -0.03)])), INK, 0.026, 1.0);
    }
    if who.hat == Hat::Cap {
        c.under("translate(0.03 0)", |c| hair::hat(c, who, light));
    } else {
        hair::hat(c, who, light);
    }
}

/// Crown, forehead, nose, lips, chin, jaw and the back of the head.
fn outline(who: &Appearance) -> Vec<Point> {
    let chin = 0.34 + 0.04 * who.jaw;
    vec![
        (-0.02, -0.57),
        (0.24, -0.48),
        (0.36, -0.26),
        (0.375, -0.1),
        (0.365, -0.03),
        (0.43, 0.07),
        (0.485, 0.13),
        (0.455, 0.175),
        (0.385, 0.19),
        (0.405, 0.245),
        (0.39, 0.285),
        (0.4, 0.33),
        (0.355, 0.375),
        (chin + 0.02, 0.45),
        (chin - 0.1, 0.535),
        (0.1, 0.48),
        (-0.1, 0.36),
        (-0.24, 0.3),
        (-0.42, 0.12),
        (-0.47, -0.18),
        (-0.32, -0.47),
    ]
}

fn features(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let tone = light.shaded(who.hair).mix(INK, 0.35);
    c.under("translate(0.265 0) scale(0.62 1)", |c| {
        c.stroke(&curve(&brow(m.staging.expression, -1.0)), tone, who.brow * 1.2, 1.0);
    });
    eye(c, m);
    let shade = light.shaded(who.skin).mix(INK, 0.15);
    c.stroke(&curve(&[(0.4, 0.165), (0.375, 0.14), (0.39, 0.11)]), shade, 0.018, 0.85);
    c.ellipse((0.2, 0.17), (0.07, 0.05), light.lit(Colour::hex("d9705f")), 0.35 * who.blush);
    if who.wrinkles {
        let lines = format!(
            "{}{}",
            curve(&[(0.3, 0.16), (0.27, 0.24), (0.28, 0.31)]),
            curve(&[(0.14, -0.02), (0.1, 0.0), (0.08, 0.03)])
        );
        c.stroke(&lines, shade, 0.014, 0.7);
    }
}

fn eye(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let (front, rear) = (0.325, 0.325 - 0.12 * who.eye_size.sqrt());
    let open = who.eye_size
        * match m.staging.expression {
            Expression::ClosedEyes => {
                let lid = [(rear, 0.0), (rear.midpoint(front), 0.045), (front, 0.02)];
                return c.stroke(&curve(&lid), INK, who.lash * 1.15, 1.0);
            }
            Expression::Neutral => 0.05,
            Expression::Smile => 0.038,
            Expression::Angry => 0.034,
            Expression::Sad => 0.036,
            Expression::Surprised => 0.075,
        };
    let y = 0.012;
    // Seen from the side an eye is a wedge that opens to the front.
    let wedge = format!(
        "M{rear:.3} {:.3}Q{:.3} {:.3} {front:.3} {:.3}Q{:.3} {y:.3} {front:.3} {:.3}Q{:.3} {:.3} {rear:.3} {:.3}z",
        y + 0.01,
        rear + 0.05,
        y - open,
        y - open,
        front + 0.03,
        y + open * 0.8,
        rear + 0.05,
        y + open * 0.8,
        y + 0.01
    );
    c.fill(&wedge, light.lit(WHITE).mix(light.lit(who.skin), 0.12), 1.0);
    c.ellipse((front - 0.014, y), (open * 0.55, open * 0.86), light.lit(who.eyes), 1.0);
    c.ellipse((front - 0.006, y), (open * 0.3, open * 0.5), INK, 1.0);
    let lid = format!(
        "M{:.3} {:.3}Q{:.3} {:.3} {:.3} {:.3}",
        rear - 0.01,
        y + 0.012,
        rear + 0.05,
        y - open * 1.1,
        front + 0.016,
        y - open
    );
    c.stroke(&lid, INK, who.lash, 1.0);
}

fn mouth(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let lip = light.lit(who.lips);
    let dark = Colour::hex("3a1218");
    c.fill(
        &blob(&[(0.3, 0.275), (0.37, 0.235), (0.405, 0.262), (0.39, 0.285), (0.4, 0.312), (0.36, 0.335)]),
        lip,
        0.5 + 0.45 * who.lipstick,
    );
    match m.staging.expression {
        Expression::Smile => {
            c.fill("M0.4 0.272Q0.3 0.28 0.22 0.225Q0.26 0.345 0.39 0.33z", dark, 1.0);
            c.fill("M0.396 0.276Q0.31 0.283 0.25 0.252Q0.29 0.315 0.392 0.305z", light.lit(WHITE), 0.95);
            c.stroke(&curve(&[(0.205, 0.2), (0.215, 0.235), (0.24, 0.255)]), light.shaded(who.skin), 0.018, 0.9);
        }
        Expression::Surprised => c.ellipse((0.35, 0.305), (0.045, 0.075), dark, 1.0),
        Expression::Angry => {
            c.fill("M0.395 0.265Q0.3 0.255 0.255 0.335Q0.33 0.31 0.39 0.322z", light.lit(WHITE), 0.95);
            c.stroke("M0.395 0.265Q0.3 0.255 0.255 0.335Q0.33 0.31 0.39 0.322", INK, 0.022, 0.9);
        }
        Expression::Sad => c.stroke(&curve(&[(0.395, 0.278), (0.32, 0.285), (0.27, 0.33)]), INK, 0.021, 0.85),
        Expression::Neutral => c.stroke(&curve(&[(0.395, 0.283), (0.33, 0.288), (0.28, 0.283)]), INK, 0.021, 0.85),
        Expression::ClosedEyes => c.stroke(&curve(&[(0.395, 0.283), (0.33, 0.285), (0.27, 0.26)]), INK, 0.021, 0.85),
    }
}

fn beard(c: &mut Canvas, who: &Appearance, m: &Model<'_>) {
    if !who.beard {
        return;
    }
    let hair = m.light.shaded(who.hair).mix(m.light.lit(who.hair), 0.5);
    let full = [
        (-0.02, 0.0),
        (0.06, 0.14),
        (0.2, 0.27),
        (0.34, 0.375),
        (0.42, 0.42),
        (0.4, 0.56),
        (0.26, 0.65),
        (0.04, 0.55),
        (-0.12, 0.36),
        (-0.1, 0.1),
    ];
    c.fill(&blob(&full), hair, 1.0);
    c.stroke(&curve(&[(0.4, 0.215), (0.32, 0.235), (0.26, 0.3)]), hair, 0.06, 1.0);
}

/// Hair that falls behind head and shoulders.
fn behind(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let hair = light.shaded(who.hair);
    match who.hair_style {
        Hair::Long => {
            let fall = [
                (0.0, -0.66),
                (-0.42, -0.5),
                (-0.58, -0.1),
                (-0.56, 0.4),
                (-0.66, 0.95),
                (-0.4, 1.1),
                (-0.12, 0.92),
                (-0.1, 0.4),
                (0.02, 0.1),
            ];
            c.fill(&blob(&fall), hair, 1.0);
        }
        Hair::Bob => {
            let fall =
                [(0.0, -0.64), (-0.44, -0.5), (-0.58, -0.1), (-0.56, 0.36), (-0.36, 0.54), (0.02, 0.46), (0.06, 0.1)];
            c.fill(&blob(&fall), hair, 1.0);
        }
        Hair::Bun => c.circle((-0.46, -0.5), 0.22, hair, 1.0),
        Hair::Ponytail => {
            let tail =
                [(-0.3, -0.46), (-0.6, -0.5), (-0.82, -0.2), (-0.84, 0.4), (-0.7, 0.78), (-0.62, 0.3), (-0.46, -0.12)];
            c.fill(&blob(&tail), hair, 1.0);
        }
        _ => {}
    }
}

/// Hair over the head, from the forehead to the nape.
fn before(c: &mut Canvas, who: &Appearance, m: &Model<'_>) {
    let light = m.light;
    let hair = light.lit(who.hair);
    // From the hairline over the crown to the nape, then along the ear back to the front.
    let cap = |volume: f32, nape: f32, inner: &[Point]| {
        let mut points = vec![
            (0.33, -0.34),
            (0.22, -0.54 - volume * 0.6),
            (-0.05, -0.63 - volume),
            (-0.34, -0.53 - volume * 0.8),
            (-0.52 - volume * 0.3, -0.16),
            (-0.46 - volume * 0.2, nape * 0.6),
            (-0.34, nape),
        ];
        points.extend_from_slice(inner);
        points
    };
    let shape = match who.hair_style {
        Hair::Bald => {
            let fringe = [(-0.05, -0.12), (-0.3, -0.2), (-0.5, -0.1), (-0.44, 0.2), (-0.3, 0.26), (-0.16, 0.1)];
            return c.fill(&blob(&fringe), hair, 1.0);
        }
        Hair::Crop => cap(0.02, 0.26, &[(-0.2, 0.12), (-0.02, 0.02), (0.05, -0.16), (0.24, -0.28)]),
        Hair::Side => cap(0.1, 0.26, &[(-0.2, 0.12), (0.0, 0.06), (0.06, -0.14), (0.3, -0.22)]),
        Hair::Messy => {
            let spikes = [
                (0.4, -0.2),
                (0.36, -0.46),
                (0.3, -0.7),
                (0.1, -0.66),
                (-0.06, -0.84),
                (-0.2, -0.66),
                (-0.42, -0.74),
                (-0.46, -0.5),
                (-0.66, -0.36),
                (-0.54, -0.16),
                (-0.62, 0.1),
                (-0.44, 0.14),
                (-0.42, 0.34),
                (-0.22, 0.14),
                (0.0, 0.06),
                (0.04, -0.16),
                (0.14, -0.1),
                (0.22, -0.3),
            ];
            c.fill(&polygon(&spikes), hair, 1.0);
            return c.stroke(&polygon(&spikes), hair, 0.03, 1.0);
        }
        Hair::Bowl => cap(0.06, 0.3, &[(-0.1, 0.26), (0.04, 0.12), (0.1, -0.12), (0.38, -0.16)]),
        Hair::Pigtails => {
            let tail = [(-0.12, 0.02), (-0.24, 0.2), (-0.3, 0.62), (-0.16, 0.84), (-0.04, 0.6), (0.0, 0.2)];
            c.fill(&blob(&tail), light.shaded(who.hair), 1.0);
            c.circle((-0.1, 0.06), 0.07, light.lit(who.accent), 1.0);
            cap(0.06, 0.14, &[(-0.16, 0.08), (0.02, 0.0), (0.1, -0.14), (0.37, -0.17)])
        }
        Hair::Curly => {
            curls(c, m);
            cap(0.12, 0.3, &[(-0.1, 0.24), (0.02, 0.08), (0.08, -0.16), (0.28, -0.26)])
        }
        Hair::Long => cap(0.06, 0.5, &[(-0.14, 0.5), (0.04, 0.26), (0.08, -0.1), (0.26, -0.34)]),
        Hair::Bob => cap(0.06, 0.44, &[(-0.1, 0.44), (0.08, 0.3), (0.1, -0.06), (0.27, -0.34)]),
        Hair::Bun | Hair::Ponytail => cap(0.04, 0.2, &[(-0.22, 0.06), (-0.06, -0.06), (0.06, -0.2), (0.22, -0.36)]),
    };
    let lit: Vec<Point> = shape.iter().map(|(x, y)| (x + light.side * 0.02, y - 0.018)).collect();
    c.fill(&blob(&lit), light.colour, light.rim);
    c.fill(&blob(&shape), hair, 1.0);
    let shine = [(0.2, -0.44), (0.0, -0.55), (-0.24, -0.48)];
    c.stroke(&curve(&shine), hair.mix(light.colour, 0.4), 0.035, 0.75);
}

/// Curls around the back of the head.
fn curls(c: &mut Canvas, m: &Model<'_>) {
    let mut path = String::new();
    for step in 0..10 {
        let turn = (18.0 * step as f32 - 14.0).to_radians();
        path.push_str(&ellipse((-0.08 - turn.sin() * 0.42, -0.14 - turn.cos() * 0.46), (0.19, 0.19)));
    }
    let hair = m.who.hair;
    c.fill(&path, m.light.shaded(hair).mix(m.light.lit(hair), 0.5), 1.0);
}
