//! Coast: places by the water.

use super::super::{
    canvas::{Canvas, Point, blob, curve, line, polygon},
    dice::Dice,
    framing::Stage,
    palette::{Colour, WHITE},
    shapes,
    sky::DEEP,
};

pub(super) fn lighthouse(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    let flip = if s.sun.0 > s.width / 2.0 { 1.0 } else { -1.0 };
    let x = s.across(0.5 - 0.2 * flip);
    let base = s.horizon - 62.0;
    let (w, h) = (44.0, 330.0);
    let top = base - h;
    if p.lamps_on {
        for (reach, turn, strength) in [(1900.0, 0.06, 0.5), (1500.0, -0.1, 0.3)] {
            let way = flip * if strength > 0.4 { 1.0 } else { -1.0 };
            let end = (x + way * reach, top - 38.0 + turn * reach);
            let beam = c.linear((x, top), end, &[(0.0, p.light.mix(p.lamp, 0.4), strength), (1.0, p.light, 0.0)]);
            c.fill(
                &polygon(&[(x, top - 44.0), (end.0, end.1 - 150.0), (end.0, end.1 + 150.0), (x, top - 30.0)]),
                beam,
                1.0,
            );
        }
    }
    // The headland: a cliff towards the sea, land behind the tower.
    let edge = |along: f32, down: f32| (x + flip * along, s.horizon + down);
    let cliff = [
        edge(-1900.0, -120.0),
        edge(-520.0, -96.0),
        edge(-210.0, -74.0),
        edge(90.0, -62.0),
        edge(165.0, -44.0),
        edge(190.0, 8.0),
        edge(255.0, 30.0),
        edge(285.0, 78.0),
        edge(420.0, 104.0),
        edge(520.0, 190.0),
        edge(900.0, 420.0),
        edge(900.0, DEEP),
        edge(-1900.0, DEEP),
    ];
    let stone = c.linear(
        (0.0, s.horizon - 110.0),
        (0.0, s.horizon + 260.0),
        &[(0.0, p.mid, 1.0), (0.35, p.mid.mix(p.near, 0.6), 1.0), (1.0, p.near, 1.0)],
    );
    let lit: Vec<Point> = cliff.iter().map(|(a, b)| (a + s.side * 4.0, b - 4.0)).collect();
    c.fill(&polygon(&lit), p.light, 0.4 * p.rim);
    c.fill(&polygon(&cliff), stone, 1.0);
    for _ in 0..14 {
        let (a, b) = (dice.between(-100.0, 420.0), dice.between(20.0, 150.0));
        let from = edge(a * 0.8, b * 0.6 + a.max(0.0) * 0.25);
        c.stroke(
            &line(&[from, (from.0 + flip * 22.0, from.1 + 34.0), (from.0 + flip * 16.0, from.1 + 66.0)]),
            p.ink,
            2.5,
            0.28,
        );
    }
    shapes::house(c, s, (x - flip * 175.0, base + 4.0), (150.0, 72.0), p.mid.mix(p.near, 0.5), dice);
    tower(c, s, (x, base), (w, h));
}

fn tower(c: &mut Canvas, s: &Stage<'_>, (x, base): Point, (w, h): Point) {
    let p = &s.palette;
    let top = base - h;
    let white = p.lit(Colour::hex("eee6d8"));
    let red = p.lit(Colour::hex("b5443c"));
    let at = |up: f32| (w * (1.0 - 0.36 * up), base - h * up);
    for band in 0..5 {
        let (low, high) = (at(band as f32 / 5.0), at((band + 1) as f32 / 5.0));
        let tone = if band % 2 == 0 { white } else { red };
        let paint =
            c.linear((x - w, 0.0), (x + w, 0.0), &shapes::sides(s.side, tone.mix(p.light, 0.2), tone.mix(p.ink, 0.6)));
        c.fill(
            &polygon(&[(x - low.0, low.1), (x - high.0, high.1 - 1.0), (x + high.0, high.1 - 1.0), (x + low.0, low.1)]),
            paint,
            1.0,
        );
    }
    for up in [0.28, 0.62] {
        c.rect((x - 5.0, base - h * up), (10.0, 20.0), if p.lamps_on { p.lamp } else { p.ink }, 0.9);
    }
    c.rect((x - 40.0, top - 10.0), (80.0, 11.0), p.ink, 1.0);
    let mut rail = line(&[(x - 40.0, top - 28.0), (x + 40.0, top - 28.0)]);
    for post in -4..=4 {
        rail.push_str(&line(&[(x + post as f32 * 10.0, top - 28.0), (x + post as f32 * 10.0, top - 8.0)]));
    }
    c.rect((x - 21.0, top - 58.0), (42.0, 50.0), if p.lamps_on { p.lamp.mix(WHITE, 0.45) } else { p.sky[1] }, 1.0);
    c.stroke(
        &format!(
            "{}{}",
            line(&[(x - 7.0, top - 58.0), (x - 7.0, top - 8.0)]),
            line(&[(x + 7.0, top - 58.0), (x + 7.0, top - 8.0)])
        ),
        p.ink,
        2.5,
        1.0,
    );
    c.stroke(&rail, p.ink, 2.5, 1.0);
    c.fill(
        &format!("M{:.1} {:.1}Q{x:.1} {:.1} {:.1} {:.1}z", x - 30.0, top - 57.0, top - 112.0, x + 30.0, top - 57.0),
        p.ink.mix(red, 0.35),
        1.0,
    );
    c.stroke(&line(&[(x, top - 84.0), (x, top - 112.0)]), p.ink, 3.0, 1.0);
    if p.lamps_on {
        c.glow((x, top - 36.0), 240.0, p.lamp, 0.85);
        c.circle((x, top - 36.0), 15.0, WHITE, 0.95);
    }
}

pub(super) fn harbour(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    let flip = dice.sign();
    for index in 0..5 {
        let x = s.across(0.5) + flip * (s.width * 0.16 + index as f32 * 165.0);
        let tone = p.far.mix(p.mid, 0.3 + 0.12 * index as f32);
        shapes::house(c, s, (x, s.horizon + 18.0), (150.0, dice.between(80.0, 150.0)), tone, dice);
    }
    c.rect(
        (if flip > 0.0 { s.across(0.58) } else { s.left() }, s.horizon + 14.0),
        (s.right() - s.across(0.42), 34.0),
        p.near,
        1.0,
    );
    for index in 0..4 {
        let x = s.across(dice.between(0.02, 0.9));
        let y = s.horizon + 40.0 + index as f32 * 26.0;
        boat(c, s, (x, y), 0.55 + 0.22 * index as f32, dice);
    }
    // The pier people stand on runs out into the water.
    let far = s.across(0.5 - 0.08 * flip);
    let pier = [
        (far - 34.0, s.horizon + 60.0),
        (far + 34.0, s.horizon + 60.0),
        (s.across(1.12), DEEP),
        (s.across(-0.12), DEEP),
    ];
    let planks = c.linear((0.0, s.horizon + 60.0), (0.0, 1000.0), &[(0.0, p.mid, 1.0), (1.0, p.near, 1.0)]);
    c.fill(&polygon(&pier), planks, 1.0);
    shapes::street_lamp(c, s, (far + 78.0, s.horizon + 120.0), 230.0);
}

fn boat(c: &mut Canvas, s: &Stage<'_>, (x, y): Point, size: f32, dice: &mut Dice) {
    let p = &s.palette;
    let at = |a: f32, b: f32| (x + a * size, y + b * size);
    let hull = [at(-95.0, -26.0), at(110.0, -34.0), at(78.0, 16.0), at(-70.0, 16.0)];
    let tone = p.lit(dice.pick(&["7c3b36", "2f5d73", "3f6b52", "8a6a3a"].map(Colour::hex)));
    c.stroke(&line(&[at(6.0, -30.0), at(6.0, -215.0)]), p.ink, 4.0 * size, 1.0);
    c.stroke(&line(&[at(-90.0, -28.0), at(6.0, -205.0), at(105.0, -36.0)]), p.ink, 1.5 * size, 0.7);
    c.rect(at(-40.0, -62.0), (58.0 * size, 38.0 * size), p.mid.mix(p.sky[2], 0.25), 1.0);
    c.rect(at(-30.0, -54.0), (15.0 * size, 15.0 * size), if p.lamps_on { p.lamp } else { p.ink }, 0.9);
    c.fill(&polygon(&hull), tone.mix(p.ink, 0.3), 1.0);
    c.stroke(&line(&[hull[0], hull[1]]), p.light, 3.0 * size, 0.5 * p.rim);
    c.ellipse(at(5.0, 24.0), (100.0 * size, 7.0 * size), p.ink, 0.3);
}

pub(super) fn beach(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    let sand = p.lit(Colour::hex("d8b98a"));
    let shore = s.horizon + 85.0;
    let edge: Vec<Point> = (0..=9)
        .map(|i| {
            let along = i as f32 / 9.0;
            (s.left() + (s.right() - s.left()) * along, shore + 46.0 * (along * 7.0).sin() + 30.0 * along)
        })
        .collect();
    let mut land = edge.clone();
    land.extend([(s.right(), DEEP), (s.left(), DEEP)]);
    let paint = c.linear(
        (0.0, shore - 40.0),
        (0.0, shore + 330.0),
        &[(0.0, sand.mix(p.mid, 0.35), 1.0), (1.0, sand.mix(p.near, 0.7), 1.0)],
    );
    c.stroke(&curve(&edge), WHITE.mix(p.sky[2], 0.3), 16.0, 0.5);
    c.fill(&format!("{}L{:.1} {DEEP}L{:.1} {DEEP}z", curve(&edge), s.right(), s.left()), paint, 1.0);
    c.stroke(&curve(&edge), WHITE.mix(p.sky[2], 0.2), 5.0, 0.8);
    let flip = dice.sign();
    let dune = |a: f32, b: f32| (s.across(0.5) + flip * (s.width * 0.5 + a), s.horizon + b);
    c.fill(
        &blob(&[
            dune(-330.0, 130.0),
            dune(-160.0, 50.0),
            dune(60.0, -46.0),
            dune(320.0, -80.0),
            dune(900.0, -60.0),
            dune(1000.0, 400.0),
            dune(0.0, 330.0),
        ]),
        sand.mix(p.mid, 0.5),
        1.0,
    );
    for _ in 0..18 {
        let (a, b) = dune(dice.between(-60.0, 420.0), dice.between(-66.0, 6.0));
        c.stroke(&curve(&[(a, b), (a + 5.0, b - 22.0), (a + dice.between(-18.0, 22.0), b - 46.0)]), p.near, 2.6, 0.9);
    }
}

pub(super) fn deck(c: &mut Canvas, s: &Stage<'_>) {
    let p = &s.palette;
    let wood = p.lit(Colour::hex("8a6544"));
    let far = s.horizon + 70.0;
    let boards =
        c.linear((0.0, far), (0.0, 1050.0), &[(0.0, wood.mix(p.mid, 0.4), 1.0), (1.0, wood.mix(p.ink, 0.55), 1.0)]);
    c.fill(
        &polygon(&[(s.across(0.24), far), (s.across(0.76), far), (s.across(1.7), DEEP), (s.across(-0.7), DEEP)]),
        boards,
        1.0,
    );
    let mut seams = String::new();
    for board in -7..=7 {
        let near = s.across(0.5 + board as f32 * 0.16);
        seams.push_str(&line(&[(s.across(0.5 + board as f32 * 0.034), far), (near, 1500.0)]));
    }
    c.stroke(&seams, p.ink, 2.5, 0.4);
    let rail = |side: f32, up: f32| {
        line(&[(s.across(0.5 + side * 0.26), far - up * 0.55), (s.across(0.5 + side * 1.0), 1010.0 - up * 2.0)])
    };
    for side in [-1.0, 1.0] {
        c.stroke(&format!("{}{}", rail(side, 52.0), rail(side, 100.0)), p.near, 7.0, 1.0);
        c.stroke(&rail(side, 104.0), p.light, 2.0, 0.5 * p.rim);
        for post in 0..7 {
            let along = (post as f32 / 6.0).powf(1.6);
            let (x, y) = (s.across(0.5 + side * (0.26 + 0.74 * along)), far + (1010.0 - far) * along);
            c.stroke(&line(&[(x, y), (x, y - 55.0 - 150.0 * along)]), p.near, 5.0 + 5.0 * along, 1.0);
        }
    }
    let mast = s.across(0.5);
    c.stroke(&line(&[(mast, far + 20.0), (mast, -400.0)]), wood.mix(p.ink, 0.5), 22.0, 1.0);
    c.stroke(&line(&[(mast + s.side * 9.0, far), (mast + s.side * 9.0, -400.0)]), p.light, 3.0, 0.5 * p.rim);
    let ropes = format!(
        "{}{}{}",
        line(&[(s.across(0.1), 900.0), (mast, -300.0)]),
        line(&[(s.across(0.9), 900.0), (mast, -300.0)]),
        line(&[(s.across(0.3), far), (mast, -200.0)])
    );
    c.stroke(&ropes, p.ink, 2.5, 0.75);
}
