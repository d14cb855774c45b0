//! Near: what is between the people and the camera, and places seen from straight above.

use std::fmt::Write;

use studio_core::shot::{CameraAngle, ShotType};

use super::{
    appearance::Appearance,
    canvas::{Canvas, Point, blob, curve, line, polygon, rect},
    dice::Dice,
    figure,
    framing::{Actor, Stage},
    palette::Colour,
    place::Place,
    posed, shapes,
    sky::{self, DEEP},
};

/// The people, with a little ground under them.
pub fn people(c: &mut Canvas, s: &Stage<'_>) {
    if s.angle == CameraAngle::Overhead {
        return from_above(c, s);
    }
    ledge(c, s);
    if s.shot == ShotType::Action {
        speed_lines(c, s);
    }
    for actor in &s.actors {
        match &actor.shown {
            Some((staging, who)) => posed::draw(c, s, actor, *staging, who),
            None => figure::draw(c, s, actor),
        }
    }
}

/// A white wall of paper that goes over into the floor, as photographers use it. White, but not so white that it says
/// nothing: what is lost to overexposure cannot be told from paper.
pub fn paper(c: &mut Canvas, s: &Stage<'_>) {
    let white = Colour::hex("f0f0ee").under(s.palette.cast);
    let middle = (s.width / 2.0 + s.side * s.width * 0.12, 420.0);
    let paint = c.radial(
        middle,
        s.width.max(1000.0),
        &[(0.0, white, 1.0), (0.45, white, 1.0), (1.0, white.mix(s.palette.ink, 0.07), 1.0)],
    );
    c.rect((s.left() - 300.0, -900.0), (s.right() - s.left() + 600.0, 2900.0), paint, 1.0);
}

/// Firm ground under people who would otherwise stand on water.
fn ledge(c: &mut Canvas, s: &Stage<'_>) {
    let whole = matches!(s.shot, ShotType::Establishing | ShotType::Wide | ShotType::Action);
    let Some(actor) = s.actors.first().filter(|_| whole && !s.indoors) else { return };
    if !matches!(s.place, Place::Lighthouse | Place::Harbour) {
        return;
    }
    let p = &s.palette;
    let feet = |actor: &Actor<'_>| match &actor.shown {
        Some((staging, who)) => posed::feet(actor, *staging, who),
        None => figure::feet(actor),
    };
    let top = s.actors.iter().map(feet).fold(f32::MAX, f32::min) - 0.35 * actor.unit;
    let stone = s.place == Place::Lighthouse;
    let rise = if stone { actor.unit * 0.5 } else { 0.0 };
    let (left, right) = (s.left(), s.right());
    let edge: Vec<Point> = (0..=12)
        .map(|step| {
            let along = step as f32 / 12.0;
            (left + (right - left) * along, top - rise * (along * 9.0 + 1.3).sin() * (along * 23.0).cos().abs())
        })
        .collect();
    let body = format!("{}L{right:.1} {DEEP}L{left:.1} {DEEP}z", if stone { curve(&edge) } else { line(&edge) });
    let near = p.mid.mix(p.near, 0.7);
    let paint = c.linear(
        (0.0, top - 20.0),
        (0.0, top + 240.0),
        &[(0.0, near.mix(p.light, 0.12), 1.0), (0.4, near, 1.0), (1.0, p.near.mix(p.ink, 0.5), 1.0)],
    );
    c.fill(&body, paint, 1.0);
    c.stroke(&if stone { curve(&edge) } else { line(&edge) }, p.light, 3.0, 0.45 * p.rim);
    if !stone {
        let seams: String = (0..8)
            .map(|row| {
                let y = top + 14.0 + 6.0 * (row * row) as f32;
                line(&[(left, y), (right, y)])
            })
            .collect();
        c.stroke(&seams, p.ink, 2.5, 0.4);
    }
}

/// What frames the picture at its edges, and the weather.
pub fn foreground(c: &mut Canvas, s: &Stage<'_>) {
    if s.plain {
        return;
    }
    let mut dice = Dice::new(s.seed ^ 0x0f0e);
    if let Some((who, side)) = s.past {
        let stranger = Appearance::of(&studio_core::character::CharacterProfile::from_name("somebody", None, None));
        figure::shoulder(c, s, &who.map_or(stranger, |figure| Appearance::of(&figure.profile)), side);
    } else if matches!(s.shot, ShotType::Establishing | ShotType::Wide | ShotType::Medium)
        && s.angle != CameraAngle::Overhead
        && s.actors.iter().all(|actor| actor.shown.is_none())
    {
        frame(c, s, &mut dice);
    }
    if !s.indoors {
        sky::front(c, s);
    }
    sky::corners(c, s);
}

#[expect(clippy::too_many_lines, reason = "one arm per kind of place, each a drawing")]
fn frame(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    let ink = p.ink.mix(p.near, 0.25);
    let side = -s.side;
    let edge = |inwards: f32, y: f32| (s.width / 2.0 + side * (s.width / 2.0 - inwards), y);
    let wide = s.shot == ShotType::Medium;
    if s.indoors {
        // A curtain held back at the edge away from the light; a straight post would look like a fault in the picture.
        if !wide {
            let (slim, ink) = (s.slim(), p.ink.mix(p.near, 0.15));
            let hem = [(-500.0, -400.0), (250.0, -400.0), (205.0, 120.0), (95.0, 560.0), (60.0, 640.0), (120.0, 760.0)];
            let cloth: Vec<Point> =
                hem.iter().chain(&[(170.0, DEEP), (-500.0, DEEP)]).map(|(x, y)| edge(x * slim, *y)).collect();
            c.fill(&blob(&cloth), ink, 1.0);
            for fold in [0.35, 0.7] {
                let crease: Vec<Point> = hem[1..].iter().map(|(x, y)| edge(x * slim * fold, *y)).collect();
                c.stroke(&line(&crease), p.light, 3.0, 0.16 * p.rim);
            }
            c.stroke(&line(&[edge(-40.0 * slim, 610.0), edge(74.0 * slim, 628.0)]), p.light, 9.0, 0.3 * p.rim);
        }
        return;
    }
    match s.place {
        Place::Forest | Place::House | Place::Church | Place::Field | Place::Street if !wide => {
            branch(c, s, side, ink, dice);
            shapes::grass(c, s, 985.0, 95.0, ink, dice);
        }
        Place::Mountain | Place::Lighthouse | Place::Beach | Place::Forest | Place::Field | Place::Space => {
            let rock = [
                edge(-400.0, 700.0),
                edge(-40.0, 800.0),
                edge(70.0, 880.0),
                edge(190.0, 905.0),
                edge(330.0, 985.0),
                edge(520.0, 1080.0),
                edge(300.0, 1500.0),
                edge(-400.0, 1500.0),
            ];
            let lit: Vec<Point> = rock.iter().map(|(x, y)| (x + s.side * 3.0, y - 5.0)).collect();
            c.fill(&blob(&lit), p.light, 0.35 * p.rim);
            c.fill(&blob(&rock), ink, 1.0);
            if s.place != Place::Space {
                tufts(c, &[edge(0.0, 830.0), edge(60.0, 872.0), edge(170.0, 905.0)], ink, dice);
            }
        }
        Place::Harbour | Place::Ship => {
            let bollard = edge(120.0 * s.slim(), 1010.0);
            c.fill(
                &blob(&[
                    (bollard.0 - 60.0, 1100.0),
                    (bollard.0 - 46.0, 940.0),
                    (bollard.0 - 74.0, 902.0),
                    (bollard.0, 872.0),
                    (bollard.0 + 74.0, 902.0),
                    (bollard.0 + 46.0, 940.0),
                    (bollard.0 + 60.0, 1100.0),
                ]),
                ink,
                1.0,
            );
            c.stroke(
                &curve(&[
                    edge(-300.0, 1010.0),
                    edge(20.0, 985.0),
                    edge(120.0 * s.slim(), 955.0),
                    edge(330.0, 1060.0),
                    edge(560.0, 1180.0),
                ]),
                ink,
                17.0,
                1.0,
            );
        }
        _ => {
            let rail = format!(
                "{}{}",
                line(&[(s.left(), 950.0), (s.right(), 950.0)]),
                line(&[(s.left(), 1015.0), (s.right(), 1015.0)])
            );
            c.stroke(&rail, ink, 15.0, 1.0);
            let mut posts = String::new();
            let mut x = s.left();
            while x < s.right() {
                posts.push_str(&rect((x, 950.0), (13.0, 500.0)));
                x += 170.0;
            }
            c.fill(&posts, ink, 1.0);
            c.rect((s.left(), 941.0), (s.right() - s.left(), 3.0), p.light, 0.4 * p.rim);
        }
    }
}

fn tufts(c: &mut Canvas, roots: &[Point], ink: Colour, dice: &mut Dice) {
    for (x, y) in roots {
        for _ in 0..7 {
            let bend = dice.between(-34.0, 34.0);
            let from = x + dice.between(-20.0, 20.0);
            c.stroke(
                &curve(&[(from, y + 26.0), (from + bend * 0.3, y - 14.0), (from + bend, y - dice.between(30.0, 64.0))]),
                ink,
                4.0,
                1.0,
            );
        }
    }
}

fn branch(c: &mut Canvas, s: &Stage<'_>, side: f32, ink: Colour, dice: &mut Dice) {
    let edge = |inwards: f32, y: f32| (s.width / 2.0 + side * (s.width / 2.0 - inwards * s.slim()), y);
    let limb = [edge(-300.0, -60.0), edge(-40.0, 40.0), edge(160.0, 88.0), edge(340.0, 80.0), edge(470.0, 120.0)];
    c.stroke(&curve(&limb[..3]), ink, 20.0, 1.0);
    c.stroke(&curve(&limb[1..]), ink, 9.0, 1.0);
    let mut leaves = String::new();
    for _ in 0..64 {
        let along = dice.unit().powf(0.8);
        let (x, y) = edge(-60.0 + 540.0 * along, 60.0 + 46.0 * along + dice.between(-58.0, 88.0));
        let (long, tilt) = (dice.between(15.0, 30.0), dice.between(-0.6, 0.9));
        let tip = (x + long * tilt.cos() * -side, y + long * (0.4 + tilt.sin()));
        let (mx, my) = (x.midpoint(tip.0), y.midpoint(tip.1));
        let _ = write!(
            leaves,
            "M{x:.1} {y:.1}Q{:.1} {:.1} {:.1} {:.1}Q{:.1} {:.1} {x:.1} {y:.1}z",
            mx + 8.0,
            my - 8.0,
            tip.0,
            tip.1,
            mx - 8.0,
            my + 8.0
        );
    }
    c.fill(&leaves, ink, 1.0);
}

/// Streaks along the run, thickest at the edges.
fn speed_lines(c: &mut Canvas, s: &Stage<'_>) {
    let mut dice = Dice::new(s.seed ^ 0xac7);
    let way = s.actors.first().map_or(1.0, |actor| actor.facing);
    let tone = s.palette.light;
    for _ in 0..34 {
        let y = dice.between(-100.0, 1100.0);
        let off = (y - 500.0_f32).abs() / 600.0;
        let x = s.width / 2.0 - way * dice.between(0.08, 0.75) * s.width;
        let long = dice.between(140.0, 460.0) * (0.5 + off);
        let thick = dice.between(1.5, 4.5) * (0.6 + off);
        let tip = (x - way * long, y + long * 0.16);
        c.fill(&polygon(&[(x, y), (tip.0, tip.1 - thick), (tip.0, tip.1 + thick)]), tone, 0.16 + 0.2 * off.min(1.0));
    }
}

/// The ground seen from straight above; covers everything.
pub fn floor_plan(c: &mut Canvas, s: &Stage<'_>) {
    let p = &s.palette;
    let mut dice = Dice::new(s.place_seed ^ 0x5b);
    let base = if s.indoors {
        p.lit(Colour::hex("8b6a48")).mix(p.ink, 0.5 - 0.3 * p.day)
    } else {
        match s.place {
            Place::Beach => p.lit(Colour::hex("d2b486")),
            Place::Forest | Place::House | Place::Field | Place::Church => p.lit(Colour::hex("6a7d4a")).mix(p.mid, 0.4),
            Place::Ship | Place::Harbour => p.lit(Colour::hex("86664a")),
            _ => p.mid.mix(p.sky[2], 0.22),
        }
    };
    let middle = (s.width / 2.0 + s.side * s.width * 0.12, 460.0);
    let paint = c.radial(
        middle,
        s.width.max(1000.0) * 0.9,
        &[(0.0, base.mix(p.light, 0.22), 1.0), (0.5, base, 1.0), (1.0, base.mix(p.ink, 0.6), 1.0)],
    );
    let (from, span) = (s.left() - 300.0, s.right() - s.left() + 600.0);
    c.rect((from, -900.0), (span, 2900.0), paint, 1.0);
    let mut seams = String::new();
    if s.indoors || matches!(s.place, Place::Ship | Place::Harbour) {
        for row in -12..28 {
            let y = row as f32 * 74.0;
            seams.push_str(&line(&[(from, y), (from + span, y)]));
            let mut x = from + dice.between(0.0, 300.0);
            while x < from + span {
                seams.push_str(&line(&[(x, y), (x, y + 74.0)]));
                x += dice.between(260.0, 420.0);
            }
        }
        c.stroke(&seams, p.ink, 3.0, 0.34);
    } else {
        for _ in 0..190 {
            let (x, y) = (dice.between(from, from + span), dice.between(-500.0, 1500.0));
            let size = dice.between(5.0, 22.0);
            seams.push_str(&curve(&[(x, y), (x + size, y - size * 0.5), (x + size * 2.0, y)]));
        }
        c.stroke(&seams, p.ink, 3.0, 0.3);
    }
}

/// Things on the ground seen from straight above.
pub fn furniture_from_above(c: &mut Canvas, s: &Stage<'_>) {
    let p = &s.palette;
    let mut dice = Dice::new(s.place_seed ^ 0x5d);
    if s.indoors {
        let rug = p.lit(dice.pick(&["7d3a3f", "3f5f78", "6f6a3c"].map(Colour::hex)));
        let corner = (s.across(0.5) - 330.0 * s.slim(), 270.0);
        let size = (660.0 * s.slim(), 470.0);
        c.rect(corner, size, rug.mix(p.ink, 0.2), 1.0);
        c.stroke(
            &rect((corner.0 + 24.0, corner.1 + 24.0), (size.0 - 48.0, size.1 - 48.0)),
            rug.mix(p.light, 0.35),
            7.0,
            0.8,
        );
        for (x, y, w, h) in [(-0.12, 60.0, 260.0, 210.0), (0.86, 120.0, 260.0, 330.0), (0.16, 880.0, 420.0, 260.0)] {
            let wood = p.lit(Colour::hex("6e472c")).mix(p.ink, 0.15);
            c.rect((s.across(x) - s.side * 22.0, y + 24.0), (w, h), p.ink, 0.4);
            c.rect((s.across(x), y), (w, h), wood, 1.0);
            c.stroke(&rect((s.across(x), y), (w, h)), p.light, 3.0, 0.3);
        }
        if p.lamps_on {
            c.glow((s.across(0.5), 480.0), 520.0, p.lamp, 0.4);
        }
        return;
    }
    if !matches!(s.place, Place::Forest | Place::House | Place::Field | Place::Church | Place::Mountain | Place::Street)
    {
        for _ in 0..7 {
            let corner = (s.across(dice.pick(&[-0.06, 0.02, 0.09, 0.84, 0.92, 1.0])), dice.between(-100.0, 1000.0));
            let size = (dice.between(70.0, 130.0), dice.between(70.0, 130.0));
            let crate_wood = p.lit(Colour::hex("6e5238")).mix(p.ink, dice.between(0.0, 0.3));
            c.rect((corner.0 - s.side * 26.0, corner.1 + 26.0), size, p.ink, 0.4);
            c.rect(corner, size, crate_wood, 1.0);
            let cross = line(&[corner, (corner.0 + size.0, corner.1 + size.1)]);
            c.stroke(&format!("{}{cross}", rect(corner, size)), crate_wood.mix(p.light, 0.3), 6.0, 0.8);
        }
        return;
    }
    let path = [
        (s.across(-0.4), 1250.0),
        (s.across(0.2), 760.0),
        (s.across(0.55), 520.0),
        (s.across(0.85), 240.0),
        (s.across(1.4), -300.0),
    ];
    c.stroke(&curve(&path), p.sky[2].mix(p.mid, 0.5), 250.0, 0.5);
    for _ in 0..9 {
        let at = (s.across(dice.pick(&[-0.08, 0.04, 0.12, 0.9, 1.0, 1.1])), dice.between(-100.0, 1100.0));
        let size = dice.between(60.0, 130.0);
        let crown: Vec<Point> = (0..9)
            .map(|step| {
                let turn = step as f32 / 9.0 * std::f32::consts::TAU;
                let reach = size * dice.between(0.8, 1.15);
                (at.0 + turn.cos() * reach, at.1 + turn.sin() * reach)
            })
            .collect();
        let shade: Vec<Point> = crown.iter().map(|(x, y)| (x - s.side * 26.0, y + 28.0)).collect();
        c.fill(&blob(&shade), p.ink, 0.4);
        c.fill(&blob(&crown), p.near.mix(p.mid, 0.45), 1.0);
        c.glow((at.0 + s.side * size * 0.3, at.1 - size * 0.3), size * 0.8, p.light, 0.25);
    }
}

fn from_above(c: &mut Canvas, s: &Stage<'_>) {
    let mut dice = Dice::new(s.seed ^ 0x0bed);
    let unit: f32 = match s.shot {
        ShotType::Establishing => 34.0,
        ShotType::Wide | ShotType::Action => 66.0,
        ShotType::Medium => 130.0,
        ShotType::CloseUp => 210.0,
        ShotType::ExtremeCloseUp => 330.0,
    };
    let unit = unit * s.slim().max(0.6);
    let count = s.actors.len();
    for (index, actor) in s.actors.iter().enumerate() {
        let spread = (index as f32 - (count as f32 - 1.0) / 2.0) * (unit * 3.4).min(s.width * 0.8 / count as f32);
        let at = (s.width / 2.0 + spread, 480.0 + unit * dice.between(-0.5, 0.5));
        let turn = if count == 1 {
            dice.between(-40.0, 40.0)
        } else if spread < 0.0 {
            -90.0
        } else {
            90.0
        };
        figure::from_above(c, s, actor, at, unit, turn + dice.between(-14.0, 14.0));
    }
}
