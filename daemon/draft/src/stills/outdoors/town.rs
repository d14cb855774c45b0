//! Town: places that people built.

use studio_core::scene::{TimeOfDay, Weather};

use super::super::{
    canvas::{Canvas, line, polygon},
    dice::Dice,
    framing::Stage,
    palette::{Colour, WHITE},
    shapes,
    sky::DEEP,
};
use super::{ground, rolling};

pub(super) fn city(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    for (depth, low, high) in [(0.25, 180.0, 420.0), (0.6, 120.0, 330.0), (1.0, 60.0, 220.0)] {
        let tone = p.far.mix(p.mid, depth);
        let mut x = s.left();
        while x < s.right() {
            let w = dice.between(62.0, 135.0);
            let h = dice.between(low, high);
            let wall = c.linear(
                (x, 0.0),
                (x + w, 0.0),
                &shapes::sides(s.side, tone.mix(p.light, 0.12), tone.mix(p.ink, 0.25 * depth)),
            );
            c.rect((x, s.horizon - h), (w, h + 40.0), wall, 1.0);
            if dice.chance(0.3) {
                c.stroke(&line(&[(x + w * 0.5, s.horizon - h), (x + w * 0.5, s.horizon - h - 60.0)]), tone, 4.0, 1.0);
            }
            shapes::windows(
                c,
                s,
                (x + 6.0, s.horizon - h + 8.0),
                (w - 12.0, h - 10.0),
                ((w / 17.0) as u32, (h / 22.0) as u32),
                dice,
            );
            x += w + dice.between(-4.0, 26.0);
        }
    }
    // A flat roof to stand on, with its parapet.
    ground(c, s, s.horizon + 30.0);
    c.rect((s.left(), s.horizon + 14.0), (s.right() - s.left(), 36.0), p.near, 1.0);
    c.rect((s.left(), s.horizon + 12.0), (s.right() - s.left(), 5.0), p.light, 0.35 * p.rim);
    let tank = (s.across(0.5 + 0.3 * dice.sign()), s.horizon + 30.0);
    c.rect((tank.0 - 52.0, tank.1 - 130.0), (104.0, 130.0), p.near.mix(p.mid, 0.3), 1.0);
    c.fill(
        &polygon(&[(tank.0 - 60.0, tank.1 - 128.0), (tank.0, tank.1 - 178.0), (tank.0 + 60.0, tank.1 - 128.0)]),
        p.near,
        1.0,
    );
}

pub(super) fn street(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    ground(c, s, s.horizon);
    let gap = s.across(0.5 + dice.between(-0.05, 0.05));
    for side in [-1.0, 1.0] {
        for index in (0..7).rev() {
            let near = 1.0 - index as f32 / 7.0;
            let w = 90.0 + 210.0 * near;
            let x = gap + side * (70.0 + s.width * 0.5 * near * near + 150.0 * near);
            let tone = p.lit(dice.pick(&["a9917a", "8d8f86", "a87e62", "7c8894", "b39b6d"].map(Colour::hex)));
            shapes::house(
                c,
                s,
                (x, s.horizon + 8.0 + 74.0 * near * near),
                (w, 110.0 + 175.0 * near),
                tone.mix(p.mid, 0.55 - 0.25 * near),
                dice,
            );
        }
    }
    let road = c.linear((0.0, s.horizon), (0.0, 1000.0), &[(0.0, p.mid.mix(p.sky[2], 0.25), 1.0), (1.0, p.near, 1.0)]);
    c.fill(
        &polygon(&[
            (gap - 20.0, s.horizon + 4.0),
            (gap + 20.0, s.horizon + 4.0),
            (s.across(1.15), DEEP * 0.6),
            (s.across(-0.15), DEEP * 0.6),
        ]),
        road,
        1.0,
    );
    if matches!(s.weather, Weather::Rain | Weather::Storm) || s.time == TimeOfDay::Night {
        for index in 0..6 {
            let x = gap + dice.between(-0.3, 0.3) * s.width;
            let wide = 30.0 + 30.0 * index as f32;
            c.ellipse((x, s.horizon + 60.0 + 48.0 * index as f32), (wide, wide * 0.09), p.lamp, 0.16);
        }
    }
    shapes::street_lamp(c, s, (gap - 150.0 - s.width * 0.08, s.horizon + 62.0), 330.0);
    shapes::street_lamp(c, s, (gap + 70.0, s.horizon + 20.0), 170.0);
}

pub(super) fn station(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    let metal = p.lit(Colour::hex("6d7f86"));
    shapes::house(
        c,
        s,
        (s.across(0.5 + 0.34 * dice.sign()), s.horizon + 8.0),
        (240.0, 190.0),
        p.far.mix(p.mid, 0.6),
        dice,
    );
    ground(c, s, s.horizon);
    // A train along the platform, towards the vanishing point.
    let flip = dice.sign();
    let at = |along: f32, up: f32| {
        let size = 0.12 + 0.88 * along;
        (s.across(0.5) + flip * (30.0 + s.width * 0.72 * along), s.horizon + 96.0 * size - up * size)
    };
    let body = [at(0.0, 0.0), at(0.0, 330.0), at(1.3, 330.0), at(1.3, 0.0)];
    let paint = c.linear(
        (0.0, s.horizon - 250.0),
        (0.0, s.horizon + 90.0),
        &[(0.0, metal.mix(p.light, 0.25), 1.0), (0.5, metal, 1.0), (1.0, p.near, 1.0)],
    );
    c.fill(&polygon(&body), paint, 1.0);
    let stripe = p.lit(Colour::hex("b8452f"));
    c.fill(&polygon(&[at(0.0, 120.0), at(0.0, 150.0), at(1.3, 150.0), at(1.3, 120.0)]), stripe, 1.0);
    for index in 0..9 {
        let (from, to) = (0.06 + index as f32 * 0.14, 0.06 + index as f32 * 0.14 + 0.095);
        let pane = if p.lamps_on { p.lamp } else { p.sky[1].mix(p.near, 0.35) };
        c.fill(&polygon(&[at(from, 185.0), at(from, 285.0), at(to, 285.0), at(to, 185.0)]), pane, 0.95);
    }
    let platform = [
        (s.across(0.5) - 40.0 * flip, s.horizon + 14.0),
        (s.across(0.5) + 12.0 * flip, s.horizon + 14.0),
        (s.across(0.5 + 0.75 * flip), DEEP),
        (s.across(0.5 - 1.5 * flip), DEEP),
    ];
    let stone = c.linear(
        (0.0, s.horizon),
        (0.0, 1000.0),
        &[(0.0, p.mid.mix(p.sky[2], 0.3), 1.0), (1.0, p.near.mix(p.mid, 0.35), 1.0)],
    );
    c.fill(&polygon(&platform), stone, 1.0);
    c.stroke(
        &line(&[(s.across(0.5) + 6.0 * flip, s.horizon + 18.0), (s.across(0.5 + 0.56 * flip), 1500.0)]),
        p.lamp,
        7.0,
        0.7,
    );
    let roof = [
        (s.across(0.5) - 20.0 * flip, s.horizon - 96.0),
        (s.across(0.5 - 0.95 * flip), -160.0),
        (s.across(0.5 - 0.95 * flip), 60.0),
        (s.across(0.5) - 20.0 * flip, s.horizon - 84.0),
    ];
    c.fill(&polygon(&roof), p.near, 1.0);
    let clock = (s.across(0.5 - 0.2 * flip), s.horizon - 210.0);
    c.stroke(&line(&[(clock.0, clock.1 - 120.0), clock]), p.ink, 6.0, 1.0);
    c.circle(clock, 46.0, p.ink, 1.0);
    c.circle(clock, 38.0, p.lamp.mix(WHITE, 0.6), 1.0);
    c.stroke(&line(&[(clock.0 - 14.0, clock.1 - 14.0), clock, (clock.0 + 4.0, clock.1 - 28.0)]), p.ink, 5.0, 1.0);
}

pub(super) fn church(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    c.fill(&rolling(s, s.horizon + 20.0, 60.0, 300.0, dice), p.far.mix(p.mid, 0.6), 1.0);
    let flip = dice.sign();
    let x = s.across(0.5 + 0.18 * flip);
    let y = s.horizon + 36.0;
    let stone = p.lit(Colour::hex("a79f94")).mix(p.mid, 0.5);
    let wall = c.linear(
        (x - 60.0, 0.0),
        (x + 60.0, 0.0),
        &shapes::sides(s.side, stone.mix(p.light, 0.15), stone.mix(p.ink, 0.4)),
    );
    c.rect((x.min(x + flip * 300.0), y - 150.0), (300.0, 160.0), stone.mix(p.ink, 0.25), 1.0);
    c.fill(
        &polygon(&[
            (x, y - 150.0),
            (x + flip * 20.0, y - 250.0),
            (x + flip * 280.0, y - 250.0),
            (x + flip * 315.0, y - 150.0),
        ]),
        p.near,
        1.0,
    );
    c.rect((x - 58.0, y - 300.0), (116.0, 310.0), &wall, 1.0);
    c.fill(&polygon(&[(x - 68.0, y - 298.0), (x, y - 520.0), (x + 68.0, y - 298.0)]), p.near.mix(p.ink, 0.3), 1.0);
    c.stroke(
        &format!(
            "{}{}",
            line(&[(x, y - 516.0), (x, y - 572.0)]),
            line(&[(x - 15.0, y - 553.0), (x + 15.0, y - 553.0)])
        ),
        p.ink,
        5.0,
        1.0,
    );
    let arch = |x: f32, y: f32, w: f32, h: f32| {
        format!(
            "M{:.1} {y:.1}V{:.1}Q{:.1} {:.1} {x:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}V{y:.1}z",
            x - w,
            y - h * 0.6,
            x - w,
            y - h * 0.85,
            y - h,
            x + w,
            y - h * 0.85,
            x + w,
            y - h * 0.6
        )
    };
    let glass = if p.lamps_on { p.lamp } else { p.ink };
    c.fill(&format!("{}{}", arch(x, y - 190.0, 15.0, 70.0), arch(x, y, 24.0, 96.0)), glass, 0.9);
    for pane in 0..3 {
        c.fill(&arch(x + flip * (110.0 + 70.0 * pane as f32), y - 40.0, 13.0, 78.0), glass, 0.85);
    }
    ground(c, s, s.horizon + 40.0);
    for _ in 0..11 {
        let (gx, gy) = (dice.between(s.left() * 0.3, s.right()), s.horizon + dice.between(60.0, 150.0));
        let size = (gy - s.horizon) / 90.0;
        c.fill(&arch(gx, gy, 17.0 * size, 62.0 * size), p.near, 1.0);
        c.stroke(
            &line(&[(gx + s.side * 16.0 * size, gy), (gx + s.side * 16.0 * size, gy - 38.0 * size)]),
            p.light,
            2.0,
            0.4 * p.rim,
        );
    }
    shapes::tree(c, s, (s.across(0.5 - 0.34 * flip), s.horizon + 90.0), 420.0, p.near.mix(p.mid, 0.2), dice);
}

pub(super) fn industry(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    for (depth, high) in [(0.3, 250.0), (0.9, 160.0)] {
        let tone = p.far.mix(p.mid, depth);
        let mut x = s.left();
        while x < s.right() {
            let (w, h) = (dice.between(150.0, 280.0), high * dice.between(0.6, 1.1));
            if dice.chance(0.45) {
                let tall = h + dice.between(120.0, 240.0);
                let foot = s.horizon + 20.0;
                c.fill(
                    &polygon(&[(x - 26.0, foot), (x - 15.0, foot - tall), (x + 15.0, foot - tall), (x + 26.0, foot)]),
                    tone,
                    1.0,
                );
                for puff in 0..5 {
                    let size = 30.0 + 24.0 * puff as f32;
                    c.glow(
                        (x - s.side * 46.0 * puff as f32, foot - tall - 24.0 - 26.0 * puff as f32),
                        size * 1.6,
                        p.sky[2].mix(p.far, 0.5),
                        0.5,
                    );
                }
            }
            let mut hall = vec![(x, s.horizon + 30.0), (x, s.horizon - h)];
            for tooth in 1..=3 {
                let along = x + w * tooth as f32 / 3.0;
                hall.extend([(along, s.horizon - h - 40.0), (along, s.horizon - h)]);
            }
            hall.push((x + w, s.horizon + 30.0));
            c.fill(&polygon(&hall), tone, 1.0);
            shapes::windows(c, s, (x + 12.0, s.horizon - h + 24.0), (w - 24.0, h * 0.5), ((w / 30.0) as u32, 2), dice);
            x += w + dice.between(10.0, 80.0);
        }
    }
    ground(c, s, s.horizon + 18.0);
    shapes::street_lamp(c, s, (s.across(0.5 + 0.3 * dice.sign()), s.horizon + 70.0), 320.0);
}
