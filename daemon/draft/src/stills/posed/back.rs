//! Back: a head from behind.

use super::{
    super::{
        appearance::{Hair, Hat},
        canvas::{Canvas, Point, blob, curve, ellipse, polygon},
        hair,
    },
    Model,
};

/// The outline of a skull under hair; `low` is how far down the nape it reaches, `volume` how far it stands off.
fn skull(low: f32, volume: f32) -> Vec<Point> {
    let right = [
        (0.28, -0.55 - volume),
        (0.45 + volume * 0.6, -0.25),
        (0.44 + volume * 0.6, 0.05),
        (0.34 + volume * 0.4, low * 0.8),
    ];
    let mut points = vec![(0.0, -0.63 - volume)];
    points.extend(right);
    points.push((0.0, low));
    points.extend(right.iter().rev().map(|(x, y)| (-x, *y)));
    points
}

/// Draws the head.
pub fn head(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let (lit, dark) = (light.lit(who.hair), light.shaded(who.hair));
    let covered = matches!(who.hair_style, Hair::Long | Hair::Bob | Hair::Bowl | Hair::Curly);
    if !covered {
        for side in [-1.0, 1.0] {
            let skin = if side * light.side > 0.0 { light.lit(who.skin) } else { light.shaded(who.skin) };
            c.ellipse((side * 0.43, 0.04), (0.065, 0.115), skin, 1.0);
        }
    }
    let (low, shape) = outline(who.hair_style);
    if who.hair_style == Hair::Curly || who.hair_style == Hair::Messy {
        tufts(c, m);
    }
    let edge: Vec<Point> = shape.iter().map(|(x, y)| (x + light.side * 0.025, y - 0.02)).collect();
    c.fill(&blob(&edge), light.colour, light.rim);
    if who.hair_style == Hair::Bald {
        c.fill(&blob(&shape), light.lit(who.skin), 1.0);
        let rest = [
            (-0.46, -0.12),
            (-0.2, 0.0),
            (0.0, 0.03),
            (0.2, 0.0),
            (0.46, -0.12),
            (0.38, 0.26),
            (0.0, 0.38),
            (-0.38, 0.26),
        ];
        c.fill(&blob(&rest), lit, 1.0);
    } else {
        c.fill(&blob(&shape), lit, 1.0);
        let half: Vec<Point> =
            shape.iter().map(|(x, y)| (if x * light.side > 0.0 { x * 0.1 } else { *x }, *y)).collect();
        c.fill(&blob(&half), dark, 0.55);
        for strand in [-0.26, -0.08, 0.12, 0.27] {
            let end = low - 0.14;
            c.stroke(
                &curve(&[(strand * 0.7, -0.5), (strand * 1.25, -0.1), (strand * 1.1, end)]),
                light.ink(),
                0.02,
                0.28,
            );
        }
    }
    tied(c, m);
    hat(c, m);
}

/// Curls and spikes around the head.
fn tufts(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let tone = light.shaded(who.hair).mix(light.lit(who.hair), 0.5);
    let mut path = String::new();
    for step in 0..13 {
        let turn = (150.0 + 20.0 * step as f32).to_radians();
        let at = (turn.cos() * 0.46, -0.1 + turn.sin() * 0.5);
        if who.hair_style == Hair::Curly {
            path.push_str(&ellipse(at, (0.18, 0.18)));
        } else {
            let tip = (turn.cos() * 0.66, -0.1 + turn.sin() * 0.72);
            let (dx, dy) = (-turn.sin() * 0.12, turn.cos() * 0.12);
            path.push_str(&polygon(&[(at.0 - dx, at.1 - dy), tip, (at.0 + dx, at.1 + dy)]));
        }
    }
    c.fill(&path, tone, 1.0);
}

/// Hair that is tied together.
fn tied(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let (lit, dark, band) = (light.lit(who.hair), light.shaded(who.hair), light.lit(who.accent));
    match who.hair_style {
        Hair::Bun => {
            c.circle((0.0, -0.5), 0.24, dark, 1.0);
            c.circle((light.side * 0.03, -0.52), 0.2, lit, 1.0);
            c.stroke(&curve(&[(-0.14, -0.5), (0.0, -0.4), (0.14, -0.5)]), light.ink(), 0.02, 0.35);
        }
        Hair::Ponytail => {
            let tail = [(-0.1, -0.36), (0.1, -0.36), (0.2, 0.1), (0.14, 0.7), (0.0, 0.96), (-0.14, 0.7), (-0.2, 0.1)];
            c.fill(&blob(&tail), dark, 1.0);
            c.stroke(&curve(&[(-0.04, -0.2), (-0.07, 0.2), (-0.03, 0.7)]), light.ink(), 0.02, 0.35);
            c.ellipse((0.0, -0.34), (0.13, 0.06), band, 1.0);
        }
        Hair::Pigtails => {
            c.stroke(&curve(&[(0.0, -0.6), (0.01, -0.2), (0.0, 0.3)]), light.ink(), 0.02, 0.4);
            for side in [-1.0, 1.0] {
                let tail = [(0.4, 0.0), (0.62, 0.08), (0.7, 0.42), (0.58, 0.72), (0.46, 0.42)];
                c.fill(&blob(&tail.map(|(x, y)| (side * x, y))), dark, 1.0);
                c.circle((side * 0.46, 0.03), 0.065, band, 1.0);
            }
        }
        _ => {}
    }
}

/// How far down hair reaches, and its outline.
fn outline(style: Hair) -> (f32, Vec<Point>) {
    let (low, volume) = match style {
        Hair::Crop | Hair::Bald => (0.36, 0.02),
        Hair::Side | Hair::Messy => (0.4, 0.08),
        Hair::Bowl => (0.36, 0.06),
        Hair::Curly => (0.42, 0.1),
        Hair::Long => (1.1, 0.06),
        Hair::Bob => (0.56, 0.1),
        Hair::Bun | Hair::Ponytail | Hair::Pigtails => (0.36, 0.04),
    };
    let shape = match style {
        Hair::Long => vec![
            (0.0, -0.68),
            (0.34, -0.58),
            (0.52, -0.24),
            (0.52, 0.3),
            (0.6, 0.9),
            (0.34, 1.12),
            (0.0, 1.04),
            (-0.34, 1.12),
            (-0.6, 0.9),
            (-0.52, 0.3),
            (-0.52, -0.24),
            (-0.34, -0.58),
        ],
        Hair::Bob => vec![
            (0.0, -0.68),
            (0.36, -0.58),
            (0.55, -0.2),
            (0.56, 0.34),
            (0.4, 0.54),
            (0.0, 0.5),
            (-0.4, 0.54),
            (-0.56, 0.34),
            (-0.55, -0.2),
            (-0.36, -0.58),
        ],
        _ => skull(low, volume),
    };
    (low, shape)
}

fn hat(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    // The peak of a cap is on the other side.
    if who.hat == Hat::Cap {
        let crown =
            [(-0.48, -0.16), (-0.44, -0.6), (-0.14, -0.8), (0.14, -0.8), (0.44, -0.6), (0.48, -0.16), (0.0, -0.24)];
        c.fill(&blob(&crown), light.lit(who.accent), 1.0);
        c.stroke(&curve(&[(-0.16, -0.24), (0.0, -0.34), (0.16, -0.24)]), light.shaded(who.accent), 0.05, 1.0);
    } else {
        hair::hat(c, who, light);
    }
}
