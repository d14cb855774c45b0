//! Face: heads, hair and faces, drawn around the middle of the head with its height as the unit.

use super::{
    appearance::{Appearance, Hair},
    canvas::{Canvas, Point, blob, curve, ellipse, line, polygon},
    framing::Mood,
    hair,
    light::Light,
    palette::{Colour, WHITE},
};

/// What a face shows.
#[derive(Debug, Clone, Copy)]
pub struct Expression {
    /// The mouth is open, as in the middle of a word.
    pub speaks: bool,
    /// What eyes, brows and mouth express.
    pub mood: Mood,
    /// Eyes, brows and mouth in full; otherwise two dots, for figures far away.
    pub close: bool,
}

/// The darkest tone of a face.
pub(super) const INK: Colour = Colour::hex("1a1218");

/// A head seen from the front, turned a little to the right.
pub fn head(c: &mut Canvas, who: &Appearance, light: &Light<'_>, shows: Expression) {
    let (skin, shade) = (light.lit(who.skin), light.shaded(who.skin));
    hair::behind(c, who, light);
    // Ears, then the face with its shadow half.
    for side in [-1.0, 1.0] {
        c.ellipse((side * 0.415, 0.04), (0.065, 0.115), if side * light.side > 0.0 { skin } else { shade }, 1.0);
    }
    let outline = face(who.jaw);
    if light.rim > 0.2 {
        c.under(&format!("translate({:.3} -0.008)", light.side * 0.022), |c| c.fill(&outline, light.colour, light.rim));
    }
    c.fill(&outline, skin, 1.0);
    c.fill(&shadow_half(who.jaw, -light.side), shade, 0.85);
    if shows.close {
        features(c, who, light, shows);
    } else {
        let eyes = format!("{}{}", ellipse((-0.1, 0.01), (0.036, 0.05)), ellipse((0.22, 0.01), (0.036, 0.05)));
        c.fill(&eyes, INK, 0.85);
        if shows.speaks {
            c.ellipse((0.06, 0.28), (0.07, 0.055), INK, 0.8);
        }
    }
    hair::beard(c, who, light, shows.speaks);
    hair::before(c, who, light);
    if who.glasses {
        glasses(c, light);
    }
    hair::hat(c, who, light);
}

/// A head seen from behind.
pub fn back_of_head(c: &mut Canvas, who: &Appearance, light: &Light<'_>) {
    let hair = light.shaded(who.hair);
    hair::behind(c, who, light);
    for side in [-1.0, 1.0] {
        c.ellipse((side * 0.43, 0.06), (0.06, 0.11), light.shaded(who.skin), 1.0);
    }
    let skull = [
        (0.0, -0.64),
        (0.3, -0.56),
        (0.46, -0.25),
        (0.44, 0.1),
        (0.33, 0.4),
        (0.0, 0.5),
        (-0.33, 0.4),
        (-0.44, 0.1),
        (-0.46, -0.25),
        (-0.3, -0.56),
    ];
    let lit: Vec<Point> = skull.iter().map(|(x, y)| (x + light.side * 0.025, y - 0.02)).collect();
    c.fill(&blob(&lit), light.colour, light.rim);
    c.fill(&blob(&skull), if who.hair_style == Hair::Bald { light.shaded(who.skin) } else { hair }, 1.0);
    for strand in [-0.22, -0.05, 0.14] {
        c.stroke(&curve(&[(strand, -0.5), (strand * 1.3, -0.1), (strand * 1.1, 0.34)]), light.ink(), 0.02, 0.3);
    }
    hair::hat(c, who, light);
}

/// The outline of a face; `jaw` widens its lower half (0 narrow, 1 square).
pub(super) fn face(jaw: f32) -> String {
    let (cheek, chin) = (0.34 + 0.05 * jaw, 0.15 + 0.09 * jaw);
    blob(&[
        (0.0, -0.56),
        (0.26, -0.5),
        (0.395, -0.26),
        (0.41, 0.02),
        (cheek, 0.28),
        (chin + 0.06, 0.44),
        (chin * 0.5, 0.525),
        (-chin * 0.5, 0.525),
        (-chin - 0.06, 0.44),
        (-cheek, 0.28),
        (-0.41, 0.02),
        (-0.395, -0.26),
        (-0.26, -0.5),
    ])
}

/// The half of the face away from the light, along brow, nose and lips.
pub(super) fn shadow_half(jaw: f32, dark: f32) -> String {
    let (cheek, chin) = (0.34 + 0.05 * jaw, 0.15 + 0.09 * jaw);
    let turn = 0.05;
    let inner =
        [(0.1, -0.5), (0.17, -0.2), (0.12, -0.04), (0.16, 0.08), (0.1, 0.17), (0.17, 0.26), (0.1, 0.36), (0.13, 0.47)];
    let mut points: Vec<Point> = inner.iter().map(|(x, y)| (turn + dark * x, *y)).collect();
    points.extend(
        [(chin * 0.5, 0.525), (chin + 0.06, 0.44), (cheek, 0.28), (0.41, 0.02), (0.395, -0.26), (0.26, -0.5)]
            .map(|(x, y)| (dark * x, y)),
    );
    polygon(&points)
}

fn features(c: &mut Canvas, who: &Appearance, light: &Light<'_>, shows: Expression) {
    let brow = light.shaded(who.hair).mix(INK, 0.35);
    for (side, x) in [(-1.0, -0.115), (1.0, 0.215)] {
        eye(c, who, light, x, shows.mood);
        let (inner, outer) = match shows.mood {
            Mood::Calm => (0.0, 0.0),
            Mood::Happy => (-0.015, -0.005),
            Mood::Sad => (-0.055, 0.02),
            Mood::Tense => (0.05, -0.03),
        };
        let arch = [
            (x - side * 0.095, -0.125 + inner),
            (x, -0.16 + (inner + outer) * 0.3),
            (x + side * 0.105, -0.115 + outer),
        ];
        c.stroke(&curve(&arch), brow, who.brow, 1.0);
    }
    let shade = light.shaded(who.skin).mix(INK, 0.15);
    c.stroke(&curve(&[(0.075, -0.04), (0.125, 0.11), (0.095, 0.155), (0.04, 0.15)]), shade, 0.02, 0.85);
    for (x, show) in [(-0.2, 0.35), (0.27, 0.35)] {
        c.ellipse((x, 0.16), (0.075, 0.05), light.lit(Colour::hex("d9705f")), show * who.blush);
    }
    mouth(c, who, light, shows);
    if who.wrinkles {
        let lines = format!(
            "{}{}{}",
            curve(&[(-0.2, 0.13), (-0.19, 0.22), (-0.15, 0.3)]),
            curve(&[(0.27, 0.13), (0.28, 0.22), (0.25, 0.3)]),
            curve(&[(-0.14, -0.3), (0.04, -0.32), (0.22, -0.3)])
        );
        c.stroke(&lines, shade, 0.014, 0.7);
    }
}

fn eye(c: &mut Canvas, who: &Appearance, light: &Light<'_>, x: f32, mood: Mood) {
    let open = match mood {
        Mood::Tense => 0.052,
        Mood::Happy => 0.042,
        Mood::Sad => 0.04,
        Mood::Calm => 0.047,
    } * who.eye_size;
    let wide = 0.082 * who.eye_size.sqrt();
    let (y, look) = (0.015, 0.018);
    let almond = format!(
        "M{:.3} {y:.3}Q{x:.3} {:.3} {:.3} {y:.3}Q{x:.3} {:.3} {:.3} {y:.3}z",
        x - wide,
        y - 2.0 * open,
        x + wide,
        y + 1.5 * open,
        x - wide
    );
    c.fill(&almond, light.lit(WHITE).mix(light.lit(who.skin), 0.12), 1.0);
    c.circle((x + look, y - 0.004), open * 0.98, light.lit(who.eyes), 1.0);
    c.circle((x + look, y - 0.004), open * 0.5, INK, 1.0);
    c.circle((x + look + light.side * 0.016, y - 0.022), open * 0.27, WHITE, 0.95);
    c.stroke(
        &format!(
            "M{:.3} {:.3}Q{x:.3} {:.3} {:.3} {:.3}",
            x - wide * 1.08,
            y + 0.004,
            y - 2.1 * open,
            x + wide * 1.1,
            y
        ),
        INK,
        who.lash,
        1.0,
    );
    c.stroke(
        &curve(&[(x - wide * 0.7, y + open * 1.35), (x, y + open * 1.75), (x + wide * 0.75, y + open * 1.2)]),
        light.shaded(who.skin),
        0.01,
        0.8,
    );
}

fn mouth(c: &mut Canvas, who: &Appearance, light: &Light<'_>, shows: Expression) {
    let (x, y) = (0.06, 0.285);
    let lip = light.lit(who.lips);
    let bend = match shows.mood {
        Mood::Happy => 0.05,
        Mood::Calm => 0.012,
        Mood::Tense => -0.012,
        Mood::Sad => -0.022,
    };
    if shows.speaks {
        let open = format!(
            "M{:.3} {y:.3}Q{x:.3} {:.3} {:.3} {y:.3}Q{:.3} {:.3} {x:.3} {:.3}Q{:.3} {:.3} {:.3} {y:.3}z",
            x - 0.115,
            y - 0.05,
            x + 0.115,
            x + 0.095,
            y + 0.12,
            y + 0.125,
            x - 0.095,
            y + 0.12,
            x - 0.115
        );
        c.fill(&open, Colour::hex("3a1218"), 1.0);
        c.fill(
            &format!(
                "M{:.3} {:.3}Q{x:.3} {:.3} {:.3} {:.3}L{:.3} {:.3}Q{x:.3} {:.3} {:.3} {:.3}z",
                x - 0.085,
                y,
                y - 0.03,
                x + 0.085,
                y,
                x + 0.07,
                y + 0.026,
                y + 0.036,
                x - 0.07,
                y + 0.026
            ),
            light.lit(WHITE),
            0.95,
        );
        c.ellipse((x, y + 0.094), (0.055, 0.024), light.lit(Colour::hex("b5524e")), 0.9);
        c.stroke(&open, lip.mix(INK, 0.25), 0.02, 1.0);
        return;
    }
    let smile = [
        (x - 0.115, y - bend * 0.6),
        (x - 0.04, y + bend * 0.5),
        (x + 0.03, y + bend * 0.5),
        (x + 0.11, y - bend * 0.6),
    ];
    c.fill(
        &format!("{}Q{x:.3} {:.3} {:.3} {:.3}z", curve(&smile), y + 0.075 + bend, x - 0.115, y - bend * 0.6),
        lip,
        0.55 + 0.4 * who.lipstick,
    );
    c.stroke(&curve(&smile), INK, 0.019, 0.85);
}

fn glasses(c: &mut Canvas, light: &Light<'_>) {
    let rims = format!(
        "{}{}{}",
        ellipse((-0.125, 0.02), (0.135, 0.115)),
        ellipse((0.225, 0.02), (0.135, 0.115)),
        line(&[(0.01, 0.0), (0.09, 0.0)])
    );
    c.fill(
        &format!("{}{}", ellipse((-0.125, 0.02), (0.13, 0.11)), ellipse((0.225, 0.02), (0.13, 0.11))),
        WHITE.mix(light.colour, 0.3),
        0.14,
    );
    c.stroke(&rims, INK, 0.026, 1.0);
    c.stroke(
        &format!("{}{}", line(&[(-0.26, 0.0), (-0.41, -0.02)]), line(&[(0.36, 0.0), (0.41, -0.02)])),
        INK,
        0.022,
        1.0,
    );
}
