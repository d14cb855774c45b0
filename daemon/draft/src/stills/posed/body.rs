//! Body: trunk and clothes from each side.

use studio_core::character::Facing;

use super::{
    super::{
        appearance::Outfit,
        canvas::{Canvas, Point, blob, curve, line, polygon},
        figure,
    },
    Model, arms, legs,
};

/// Everything below the head.
pub fn draw(c: &mut Canvas, m: &Model<'_>) {
    let back = m.is_turned(Facing::Back);
    if m.sits() && !back {
        legs::seat(c, m);
    }
    arms::behind(c, m);
    if m.sits() {
        // What is sat on hides the coat; the knees are before it.
        if back {
            legs::draw(c, m);
            trunk(c, m);
            legs::seat(c, m);
        } else {
            trunk(c, m);
            legs::draw(c, m);
        }
    } else {
        legs::draw(c, m);
        trunk(c, m);
    }
    if m.is_turned(Facing::Front) || m.is_turned(Facing::ThreeQuarter) {
        figure::neck(c, m.who, m.light);
    } else {
        neck(c, m);
    }
    arms::before(c, m);
}

fn trunk(c: &mut Canvas, m: &Model<'_>) {
    let (hem, _) = figure::hem(m.who);
    let hem = if m.sits() { hem.clamp(3.3, 3.5) } else { hem };
    match m.staging.facing {
        Facing::Front => {
            figure::cloth(c, m.who, m.light, &figure::outline(m.who, m.scale, hem));
            figure::front(c, m.who, m.light, m.scale, hem);
        }
        Facing::ThreeQuarter => {
            let shifted = matches!(m.who.outfit, Outfit::LongCoat | Outfit::Jacket);
            c.under("translate(0.02 0) scale(0.86 1)", |c| {
                figure::cloth(c, m.who, m.light, &figure::outline(m.who, m.scale, hem));
            });
            let front = if shifted { "translate(0.16 0) scale(0.74 1)" } else { "translate(0.02 0) scale(0.86 1)" };
            c.under(front, |c| figure::front(c, m.who, m.light, m.scale, hem));
        }
        Facing::Side => side(c, m, hem),
        Facing::Back => {
            figure::cloth(c, m.who, m.light, &figure::outline(m.who, m.scale, hem));
            back(c, m, hem);
        }
    }
}

/// The trunk from the side, looking to the right.
fn side(c: &mut Canvas, m: &Model<'_>, hem: f32) {
    let (who, light) = (m.who, m.light);
    let flare = (figure::hem(who).1 - who.hip) * 0.7;
    let chest = 0.36 + 0.1 * (who.shoulder - 0.6).min(0.5);
    let y = |heads: f32| m.y(heads);
    let front = [(0.14, 0.52), (0.28, 0.82), (chest, 1.45), (0.32, y(2.35)), (0.36, y(3.0)), (0.36 + flare, y(hem))];
    let rear = [
        (-0.4 - flare, y(hem)),
        (-0.42, y(3.0)),
        (-0.32, y(2.35)),
        (-0.38, 1.6),
        (-0.36, 0.98),
        (-0.2, 0.62),
        (-0.12, 0.5),
    ];
    let all: Vec<Point> = front.iter().chain(&rear).copied().collect();
    figure::cloth(c, who, light, &blob(&all));
    let ink = light.ink();
    match who.outfit {
        Outfit::LongCoat | Outfit::Jacket => {
            c.fill(
                &polygon(&[(0.12, 0.52), (0.24, 0.7), (chest - 0.03, 1.35), (0.16, 1.1), (0.0, 0.62)]),
                light.shaded(who.coat),
                1.0,
            );
            c.fill(&polygon(&[(0.12, 0.54), (0.27, 0.8), (chest, 1.3), (0.22, 0.9)]), light.lit(who.under), 1.0);
            let edge = [(chest - 0.05, 1.4), (0.25, y(2.35)), (0.29, y(3.0)), (0.28 + flare, y(hem) - 0.04)];
            c.stroke(&curve(&edge), ink, 0.035, 0.7);
            c.stroke(&line(&[(0.06, y(2.66)), (0.26, y(2.54))]), ink, 0.035, 0.6);
        }
        Outfit::Dress => {
            let belt = [(-0.33, y(2.3)), (0.0, y(2.38)), (0.32, y(2.3))];
            c.stroke(&curve(&belt), light.lit(who.accent), 0.13, 1.0);
            for fold in [-0.3, 0.05, 0.3] {
                let fold = [(fold * 0.6, y(2.6)), (fold, y(3.1)), (fold * 1.4, y(hem) - 0.1)];
                c.stroke(&curve(&fold), ink, 0.03, 0.4);
            }
        }
        Outfit::Jumper => {
            c.stroke(
                &curve(&[(-0.2, 0.58), (0.0, 0.7), (0.18, 0.62)]),
                light.shaded(who.coat).mix(ink, 0.2),
                0.15,
                1.0,
            );
            let stripe = [(-0.38, 1.55), (chest, 1.55), (chest - 0.01, 1.82), (-0.37, 1.82)];
            c.fill(&polygon(&stripe), light.lit(who.accent), 0.85);
        }
    }
}

/// What is seen of clothes from behind.
fn back(c: &mut Canvas, m: &Model<'_>, hem: f32) {
    let (who, light) = (m.who, m.light);
    let (sh, hip, ink) = (who.shoulder, who.hip, light.ink());
    let y = |heads: f32| m.y(heads);
    match who.outfit {
        Outfit::LongCoat | Outfit::Jacket => {
            let collar = [(-0.3, 0.6), (0.3, 0.6), (0.34, 0.8), (0.0, 0.92), (-0.34, 0.8)];
            c.fill(&blob(&collar), light.shaded(who.coat), 1.0);
            c.stroke(&curve(&[(-0.34, 0.82), (0.0, 0.94), (0.34, 0.82)]), ink, 0.03, 0.6);
            c.stroke(&line(&[(0.0, 1.0), (0.0, y(hem) - 0.03)]), ink, 0.03, 0.5);
            let yoke = [(-sh * 0.8, 1.3), (0.0, 1.42), (sh * 0.8, 1.3)];
            c.stroke(&curve(&yoke), ink, 0.025, 0.45);
            if who.outfit == Outfit::LongCoat {
                c.fill(&polygon(&[(-0.02, y(3.3)), (0.05, y(3.3)), (0.14, y(hem)), (-0.1, y(hem))]), ink, 0.45);
                c.stroke(&line(&[(-hip * 0.5, y(2.42)), (hip * 0.5, y(2.42))]), light.shaded(who.coat), 0.16, 1.0);
            }
        }
        Outfit::Dress => {
            let belt = [(-hip * 0.92, y(2.3)), (0.0, y(2.4)), (hip * 0.92, y(2.3))];
            c.stroke(&curve(&belt), light.lit(who.accent), 0.13, 1.0);
            c.stroke(&line(&[(0.0, 0.8), (0.0, y(2.28))]), ink, 0.025, 0.6);
            for fold in [-0.5, -0.15, 0.3] {
                c.stroke(&curve(&[(fold * 0.6, y(2.6)), (fold, y(3.1)), (fold * 1.5, y(hem) - 0.12)]), ink, 0.03, 0.4);
            }
        }
        Outfit::Jumper => {
            let stripe = [(-sh * 0.86, 1.55), (sh * 0.86, 1.55), (sh * 0.83, 1.82), (-sh * 0.83, 1.82)];
            c.fill(&polygon(&stripe), light.lit(who.accent), 0.85);
            let neck = [(-0.28, 0.62), (0.0, 0.7), (0.28, 0.62)];
            c.stroke(&curve(&neck), light.shaded(who.coat).mix(ink, 0.2), 0.15, 1.0);
        }
    }
}

/// Neck and scarf from the side and from behind.
fn neck(c: &mut Canvas, m: &Model<'_>) {
    let (who, light) = (m.who, m.light);
    let side = m.is_turned(Facing::Side);
    let wide = 0.15 + 0.05 * who.jaw;
    let (left, right) = if side { (-wide - 0.1, wide - 0.02) } else { (-wide, wide) };
    let low = if side { 0.72 } else { 0.66 };
    c.fill(
        &polygon(&[(left, 0.2), (right, 0.3), (right + 0.03, low), (left - 0.02, low - 0.04)]),
        light.shaded(who.skin),
        1.0,
    );
    if who.scarf && who.outfit != Outfit::Dress {
        let (cloth, dark) = (light.lit(who.accent), light.shaded(who.accent));
        let ring = [(-0.34, 0.46), (0.0, 0.54), (0.3, 0.48), (0.38, 0.7), (0.0, 0.86), (-0.42, 0.7)];
        c.fill(&blob(&ring), cloth, 1.0);
        c.stroke(&curve(&[(-0.36, 0.58), (0.0, 0.7), (0.34, 0.58)]), dark, 0.03, 0.8);
        if side {
            c.fill(&polygon(&[(0.12, 0.78), (0.34, 0.7), (0.46, 1.5), (0.24, 1.55)]), dark, 1.0);
        }
    }
}
