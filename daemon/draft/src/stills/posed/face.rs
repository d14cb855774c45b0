//! Face: heads from the front and a quarter turned away, with expressions that can be told apart from afar.

use studio_core::character::{Expression, Facing};

use super::{
    super::{
        canvas::{Canvas, Point, curve, ellipse, line},
        face::{self, INK},
        hair,
        palette::{Colour, WHITE},
    },
    Model,
};

/// The inside of a mouth.
const MOUTH: Colour = Colour::hex("3a1218");

/// Draws a head from the front, or turned a quarter to the right.
pub fn head(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let turned = m.is_turned(Facing::ThreeQuarter);
    let (skin, shade) = (light.lit(who.skin), light.shaded(who.skin));
    let ears: &[(f32, f32)] = if turned { &[(-0.37, 0.075)] } else { &[(-0.415, 0.065), (0.415, 0.065)] };
    for (x, wide) in ears {
        c.ellipse((*x, 0.04), (*wide, 0.115), if x * light.side > 0.0 { skin } else { shade }, 1.0);
    }
    let outline = face::face(who.jaw);
    if light.rim > 0.2 {
        let off = format!("translate({:.3} -0.008)", light.side * 0.022);
        c.under(&off, |c| c.fill(&outline, light.colour, light.rim));
    }
    c.fill(&outline, skin, 1.0);
    c.fill(&face::shadow_half(who.jaw, -light.side), shade, if turned { 0.85 } else { 0.7 });
    let middle = if turned { 0.15 } else { 0.0 };
    let eyes = if turned { [(-0.17, 1.0), (0.135, 0.74)] } else { [(-0.165, 1.0), (0.165, 1.0)] };
    features(c, m, middle, eyes);
    if turned {
        c.under("translate(0.05 0) scale(0.94 1)", |c| hair::beard(c, who, light, false));
    } else {
        c.under("translate(-0.03 0)", |c| hair::beard(c, who, light, false));
    }
    mouth(c, m, middle);
    hair::before(c, who, light);
    if who.glasses {
        glasses(c, m, middle, eyes);
    }
    hair::hat(c, who, light);
}

/// Brows, eyes, nose, cheeks. `eyes`: how far from the middle each is, and how wide it looks.
fn features(c: &mut Canvas, m: &Model<'_>, middle: f32, eyes: [(f32, f32); 2]) {
    let (who, light) = (m.who, m.light);
    let tone = light.shaded(who.hair).mix(INK, 0.35);
    for ((off, wide), side) in eyes.into_iter().zip([-1.0, 1.0]) {
        let x = middle + off;
        c.under(&format!("translate({x:.3} 0) scale({wide:.3} 1)"), |c| {
            eye(c, m);
            c.stroke(&curve(&brow(m.staging.expression, side)), tone, who.brow, 1.0);
        });
    }
    let shade = light.shaded(who.skin).mix(INK, 0.15);
    let nose: &[Point] = if m.is_turned(Facing::ThreeQuarter) {
        &[(0.05, -0.05), (0.115, 0.11), (0.075, 0.16), (0.0, 0.15)]
    } else {
        &[(0.03, -0.02), (0.05, 0.1), (0.035, 0.155), (-0.045, 0.145)]
    };
    let nose: Vec<Point> = nose.iter().map(|(x, y)| (x + middle, *y)).collect();
    c.stroke(&curve(&nose), shade, 0.02, 0.85);
    for (off, wide) in eyes {
        let blush = light.lit(Colour::hex("d9705f"));
        c.ellipse((middle + off * 1.32, 0.17), (0.075 * wide, 0.05), blush, 0.35 * who.blush);
    }
    if who.wrinkles {
        let lines = format!(
            "{}{}{}",
            curve(&[(middle - 0.21, 0.14), (middle - 0.2, 0.22), (middle - 0.17, 0.3)]),
            curve(&[(middle + 0.18, 0.14), (middle + 0.19, 0.22), (middle + 0.16, 0.3)]),
            curve(&[(middle - 0.16, -0.3), (middle, -0.32), (middle + 0.16, -0.3)])
        );
        c.stroke(&lines, shade, 0.014, 0.7);
    }
}

/// A brow around its eye at the origin; `side` is -1 for the left one.
pub(super) fn brow(expression: Expression, side: f32) -> [Point; 3] {
    let (inner, outer) = match expression {
        Expression::Neutral => (0.0, 0.0),
        Expression::Smile => (-0.02, -0.01),
        Expression::Angry => (0.075, -0.045),
        Expression::Sad => (-0.075, 0.04),
        Expression::Surprised => (-0.075, -0.07),
        Expression::ClosedEyes => (-0.005, 0.015),
    };
    [(-side * 0.1, -0.125 + inner), (0.0, -0.16 + (inner + outer) * 0.4), (side * 0.11, -0.115 + outer)]
}

/// An eye at the origin, looking straight ahead.
fn eye(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let wide = 0.085 * who.eye_size.sqrt();
    let open = who.eye_size
        * match m.staging.expression {
            Expression::ClosedEyes => {
                let lid = [(-wide * 1.05, 0.005), (0.0, 0.05), (wide * 1.05, 0.005)];
                c.stroke(&curve(&lid), INK, who.lash * 1.15, 1.0);
                let crease = [(-wide * 0.8, -0.045), (0.0, -0.06), (wide * 0.8, -0.045)];
                return c.stroke(&curve(&crease), light.shaded(who.skin), 0.012, 0.8);
            }
            Expression::Neutral => 0.046,
            Expression::Smile => 0.038,
            Expression::Angry => 0.034,
            Expression::Sad => 0.037,
            Expression::Surprised => 0.066,
        };
    let y = 0.015;
    let almond = format!(
        "M{:.3} {y:.3}Q0 {:.3} {wide:.3} {y:.3}Q0 {:.3} {:.3} {y:.3}z",
        -wide,
        y - 2.0 * open,
        y + 1.6 * open,
        -wide
    );
    c.fill(&almond, light.lit(WHITE).mix(light.lit(who.skin), 0.12), 1.0);
    let ball = if m.staging.expression == Expression::Surprised { 0.7 } else { 0.98 };
    c.circle((0.0, y - 0.004), open * ball, light.lit(who.eyes), 1.0);
    c.circle((0.0, y - 0.004), open * ball * 0.52, INK, 1.0);
    c.circle((light.side * 0.016, y - 0.022), open * 0.25, WHITE, 0.95);
    let lid =
        format!("M{:.3} {:.3}Q0 {:.3} {:.3} {:.3}", -wide * 1.08, y + 0.004, y - 2.1 * open, wide * 1.08, y + 0.004);
    c.stroke(&lid, INK, who.lash, 1.0);
    let under = [(-wide * 0.7, y + open * 1.35), (0.0, y + open * 1.75), (wide * 0.7, y + open * 1.35)];
    c.stroke(&curve(&under), light.shaded(who.skin), 0.01, 0.8);
}

fn mouth(c: &mut Canvas, m: &Model<'_>, x: f32) {
    let (who, light) = (m.who, m.light);
    let y = 0.29;
    let lip = light.lit(who.lips);
    let wide = if m.is_turned(Facing::ThreeQuarter) { 0.82 } else { 1.0 };
    c.under(&format!("translate({x:.3} {y:.3}) scale({wide:.3} 1)"), |c| match m.staging.expression {
        Expression::Smile => {
            let open = "M-0.155 -0.035Q0 0.02 0.155 -0.035Q0.1 0.115 0 0.115Q-0.1 0.115 -0.155 -0.035z";
            c.fill(open, MOUTH, 1.0);
            c.fill("M-0.13 -0.024Q0 0.022 0.13 -0.024L0.105 0.025Q0 0.055 -0.105 0.025z", light.lit(WHITE), 0.95);
            c.stroke(open, lip.mix(INK, 0.25), 0.02, 1.0);
        }
        Expression::Surprised => {
            c.ellipse((0.0, 0.035), (0.07, 0.095), MOUTH, 1.0);
            c.ellipse((0.0, 0.095), (0.045, 0.025), light.lit(Colour::hex("b5524e")), 0.9);
            c.stroke(&ellipse((0.0, 0.035), (0.07, 0.095)), lip.mix(INK, 0.25), 0.022, 1.0);
        }
        Expression::Angry => {
            let open = "M-0.12 0.06Q-0.1 -0.03 0 -0.025Q0.1 -0.03 0.12 0.06Q0 0.03 -0.12 0.06z";
            c.fill(open, light.lit(WHITE), 0.95);
            let teeth: String = [-0.06, 0.0, 0.06].into_iter().map(|x| line(&[(x, -0.02), (x, 0.04)])).collect();
            c.stroke(&teeth, INK, 0.008, 0.6);
            c.stroke(open, lip.mix(INK, 0.5), 0.026, 1.0);
        }
        Expression::Sad => {
            closed(c, &[(-0.12, 0.045), (-0.05, -0.005), (0.05, -0.005), (0.12, 0.045)], lip, who.lipstick);
        }
        Expression::Neutral => {
            closed(c, &[(-0.11, -0.002), (-0.04, 0.006), (0.04, 0.006), (0.11, -0.002)], lip, who.lipstick);
        }
        Expression::ClosedEyes => {
            closed(c, &[(-0.115, -0.02), (-0.04, 0.012), (0.04, 0.012), (0.115, -0.02)], lip, who.lipstick);
        }
    });
}

/// Lips that touch along a line.
fn closed(c: &mut Canvas, touch: &[Point; 4], lip: Colour, lipstick: f32) {
    let [left, .., right] = *touch;
    let low = 0.075 + touch[1].1;
    let lower = format!("{}Q0 {low:.3} {:.3} {:.3}z", curve(touch), left.0, right.1);
    c.fill(&lower, lip, 0.55 + 0.4 * lipstick);
    c.stroke(&curve(touch), INK, 0.021, 0.85);
}

fn glasses(c: &mut Canvas, m: &Model<'_>, middle: f32, eyes: [(f32, f32); 2]) {
    let mut rims = String::new();
    for (off, wide) in eyes {
        let rim = ellipse((middle + off, 0.02), (0.135 * wide, 0.115));
        c.fill(&rim, WHITE.mix(m.light.colour, 0.3), 0.14);
        rims.push_str(&rim);
    }
    let [(left, one), (right, other)] = eyes;
    let bridge = line(&[(middle + left + 0.135 * one, 0.0), (middle + right - 0.135 * other, 0.0)]);
    c.stroke(&format!("{rims}{bridge}"), INK, 0.026, 1.0);
    let mut bows = line(&[(middle + left - 0.135 * one, 0.0), (-0.41, -0.02)]);
    if middle == 0.0 {
        bows.push_str(&line(&[(right + 0.135 * other, 0.0), (0.41, -0.02)]));
    }
    c.stroke(&bows, INK, 0.022, 1.0);
}
