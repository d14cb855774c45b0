//! Country: places where few people are.

use studio_core::scene::Weather;

use super::super::{
    canvas::{Canvas, curve, ellipse, line, polygon, rect},
    dice::Dice,
    framing::Stage,
    palette::{Colour, WHITE},
    shapes,
};
use super::{ground, rolling};

pub(super) fn forest(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    for (row, depth) in [0.15, 0.5, 0.9].into_iter().enumerate() {
        let tone = p.sky[2].mix(p.far, 0.5).mix(p.near, depth * 0.9);
        let base = s.horizon + 14.0 + row as f32 * 34.0;
        let mut x = s.left();
        while x < s.right() {
            // A clearing in the middle, where people are.
            let open = ((x - s.across(0.5)).abs() / s.width).min(0.6);
            let tall = (210.0 + 110.0 * row as f32) * dice.between(0.75, 1.25) * (0.55 + open);
            shapes::pine(c, (x, base), tall, tone, (row > 0).then_some((tone.mix(p.light, 0.5), s.side)));
            x += dice.between(52.0, 100.0);
        }
        c.fill(&rolling(s, base - 20.0, 26.0, 120.0, dice), tone, 1.0);
    }
    if matches!(s.weather, Weather::Clear) && s.palette.day > 0.3 {
        for index in 0..4 {
            let x = s.sun.0 + (index as f32 - 1.5) * 150.0;
            let ray =
                c.linear((s.sun.0, 0.0), (x - s.side * 260.0, 1000.0), &[(0.0, p.light, 0.3), (1.0, p.light, 0.0)]);
            c.fill(
                &polygon(&[
                    (s.sun.0 - 12.0, -60.0),
                    (s.sun.0 + 12.0, -60.0),
                    (x - s.side * 300.0 + 50.0, 1000.0),
                    (x - s.side * 300.0 - 50.0, 1000.0),
                ]),
                ray,
                0.7,
            );
        }
    }
    ground(c, s, s.horizon + 120.0);
}

pub(super) fn mountains(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    for (depth, tall, step) in [(0.45, 430.0, 210.0), (0.95, 230.0, 150.0)] {
        let tone = p.far.mix(p.mid, depth);
        let mut x = s.left();
        while x < s.right() {
            let h = tall * dice.between(0.55, 1.05);
            let w = h * dice.between(0.62, 0.8);
            let peak = (x, s.horizon - h);
            let shade = c.linear(
                (x - w, 0.0),
                (x + w, 0.0),
                &shapes::sides(s.side, tone.mix(p.light, 0.2), tone.mix(p.ink, 0.22)),
            );
            c.fill(
                &polygon(&[
                    (x - w, s.horizon + 60.0),
                    (x - w * 0.4, s.horizon - h * 0.52),
                    peak,
                    (x + w * 0.36, s.horizon - h * 0.6),
                    (x + w, s.horizon + 60.0),
                ]),
                shade,
                1.0,
            );
            let dark = -s.side;
            c.fill(
                &polygon(&[
                    peak,
                    (x + dark * w * 0.38, s.horizon - h * 0.57),
                    (x + dark * w, s.horizon + 60.0),
                    (x + dark * w * 0.1, s.horizon + 60.0),
                    (x + dark * w * 0.22, s.horizon - h * 0.4),
                    (x + dark * w * 0.03, s.horizon - h * 0.6),
                ]),
                p.ink,
                0.17,
            );
            let cap = [
                peak,
                (x + w * 0.2, s.horizon - h * 0.77),
                (x + w * 0.08, s.horizon - h * 0.72),
                (x, s.horizon - h * 0.79),
                (x - w * 0.1, s.horizon - h * 0.7),
                (x - w * 0.23, s.horizon - h * 0.74),
            ];
            c.fill(&polygon(&cap), WHITE.mix(p.light, 0.4).mix(tone, 0.2), 0.9);
            x += step * dice.between(0.7, 1.3);
        }
    }
    c.fill(&rolling(s, s.horizon + 30.0, 60.0, 220.0, dice), p.mid.mix(p.near, 0.4), 1.0);
    for _ in 0..16 {
        let x = dice.between(s.left(), s.right());
        let tone = p.near.mix(p.mid, 0.3);
        shapes::pine(
            c,
            (x, s.horizon + dice.between(20.0, 70.0)),
            dice.between(50.0, 120.0),
            tone,
            Some((tone.mix(p.light, 0.4), s.side)),
        );
    }
    ground(c, s, s.horizon + 66.0);
}

pub(super) fn field(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    c.fill(&rolling(s, s.horizon + 18.0, 85.0, 330.0, dice), p.far.mix(p.mid, 0.5), 1.0);
    c.fill(&rolling(s, s.horizon + 36.0, 46.0, 260.0, dice), p.mid, 1.0);
    ground(c, s, s.horizon + 34.0);
    let bend = dice.sign();
    let road = [
        (s.across(0.5 + 0.13 * bend), s.horizon + 30.0),
        (s.across(0.5 + 0.04 * bend), s.horizon + 76.0),
        (s.across(0.5 - 0.1), s.horizon + 210.0),
        (s.across(-0.05), 1500.0),
        (s.across(1.05), 1500.0),
        (s.across(0.5 + 0.13), s.horizon + 210.0),
        (s.across(0.5 + 0.1 * bend), s.horizon + 76.0),
        (s.across(0.5 + 0.145 * bend), s.horizon + 30.0),
    ];
    c.fill(&polygon(&road), p.mid.mix(p.sky[2], 0.42), 0.75);
    let mut wire = Vec::new();
    for index in 0..6 {
        let near = (index as f32 / 5.0).powf(1.8);
        let (x, y) = (s.across(0.5 + bend * (0.2 + 0.55 * near)), s.horizon + 24.0 + 150.0 * near);
        let tall = 80.0 + 420.0 * near;
        c.stroke(
            &format!(
                "{}{}",
                line(&[(x, y), (x, y - tall)]),
                line(&[(x - tall * 0.09, y - tall * 0.9), (x + tall * 0.09, y - tall * 0.9)])
            ),
            p.near,
            3.0 + 7.0 * near,
            1.0,
        );
        wire.push((x, y - tall * 0.9));
        wire.push((x + bend * 40.0 * near, y - tall * 0.82));
    }
    c.stroke(&curve(&wire), p.near, 2.0, 0.6);
    shapes::tree(c, s, (s.across(0.5 - 0.3 * bend), s.horizon + 60.0), 250.0, p.mid.mix(p.near, 0.65), dice);
}

pub(super) fn homestead(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    c.fill(&rolling(s, s.horizon + 20.0, 70.0, 300.0, dice), p.far.mix(p.mid, 0.6), 1.0);
    ground(c, s, s.horizon + 24.0);
    let flip = dice.sign();
    let x = s.across(0.5 + 0.17 * flip);
    shapes::tree(c, s, (x + flip * 290.0, s.horizon + 40.0), 400.0, p.mid.mix(p.near, 0.6), dice);
    let wall = p.lit(dice.pick(&["c9b79c", "9aa7a3", "b98f72", "a7adb5"].map(Colour::hex)));
    shapes::house(c, s, (x + flip * 150.0, s.horizon + 48.0), (190.0, 130.0), wall.mix(p.mid, 0.5), dice);
    shapes::house(c, s, (x, s.horizon + 56.0), (290.0, 205.0), wall.mix(p.mid, 0.35), dice);
    let mut fence = format!(
        "{}{}",
        line(&[(s.left(), s.horizon + 92.0), (s.right(), s.horizon + 92.0)]),
        line(&[(s.left(), s.horizon + 112.0), (s.right(), s.horizon + 112.0)])
    );
    let mut at = s.left();
    while at < s.right() {
        fence.push_str(&line(&[(at, s.horizon + 78.0), (at, s.horizon + 128.0)]));
        at += 46.0;
    }
    c.stroke(&fence, p.near.mix(p.mid, 0.3), 6.0, 1.0);
    shapes::tree(c, s, (s.across(0.5 - 0.36 * flip), s.horizon + 84.0), 330.0, p.near.mix(p.mid, 0.25), dice);
}

pub(super) fn crater(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    let dust = p.lit(Colour::hex("9c9aa6"));
    let paint = c.linear(
        (0.0, s.horizon - 30.0),
        (0.0, 1050.0),
        &[(0.0, dust.mix(p.far, 0.3), 1.0), (1.0, dust.mix(p.ink, 0.7), 1.0)],
    );
    c.fill(&rolling(s, s.horizon + 16.0, 50.0, 240.0, dice), paint, 1.0);
    for _ in 0..16 {
        let at = (dice.between(s.left(), s.right()), s.horizon + dice.between(40.0, 330.0));
        let wide = (at.1 - s.horizon) * dice.between(0.2, 0.5);
        c.ellipse(at, (wide, wide * 0.22), p.ink, 0.4);
        c.stroke(&ellipse(at, (wide, wide * 0.22)), p.light, 2.0, 0.25);
    }
    let x = s.across(0.5 + 0.24 * dice.sign());
    c.fill(
        &format!("M{:.1} {:.1}A130 110 0 0 1 {:.1} {:.1}z", x - 130.0, s.horizon + 24.0, x + 130.0, s.horizon + 24.0),
        p.mid.mix(WHITE, 0.2),
        1.0,
    );
    c.fill(&rect((x - 26.0, s.horizon - 30.0), (52.0, 54.0)), p.lamp, 0.9);
    c.glow((x, s.horizon), 190.0, p.lamp, 0.5);
}
