//! Sky: what is far away, and the weather in front of it all.

use studio_core::scene::{TimeOfDay, Weather};

use super::{
    canvas::{Canvas, Point, blob, curve, ellipse, line, polygon},
    dice::Dice,
    framing::Stage,
    palette::{BLACK, WHITE},
    place::Place,
};

/// Far below everything that is seen.
pub const DEEP: f32 = 2200.0;

/// The backmost layer; covers everything.
pub fn backdrop(c: &mut Canvas, s: &Stage<'_>) {
    let p = &s.palette;
    let base = s.horizon.max(420.0);
    let stops = [(0.0, p.sky[0], 1.0), (0.58, p.sky[1], 1.0), (1.0, p.sky[2], 1.0)];
    let sky = c.linear((0.0, -150.0), (0.0, base), &stops);
    c.rect((s.left() - 400.0, -800.0), (s.right() - s.left() + 800.0, 3800.0), sky, 1.0);
    let mut dice = Dice::new(s.place_seed ^ 0xb);
    stars(c, s, &mut dice);
    if matches!(s.place, Place::Space | Place::Bridge) {
        planet(c, s);
        return;
    }
    sun(c, s);
    clouds(c, s, &mut dice);
    if s.weather == Weather::Storm {
        lightning(c, s, &mut Dice::new(s.seed ^ 0x5));
    }
    if is_by_water(s.place) {
        sea(c, s);
    } else {
        ranges(c, s, &mut dice);
    }
}

/// Whether the horizon of a place is water.
pub fn is_by_water(place: Place) -> bool {
    matches!(place, Place::Lighthouse | Place::Harbour | Place::Beach | Place::Ship | Place::Lantern | Place::Cabin)
}

fn stars(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let share = s.palette.stars;
    let reach = if matches!(s.place, Place::Space | Place::Bridge) { 1300.0 } else { s.horizon - 60.0 };
    let mut small = String::new();
    let mut large = String::new();
    for _ in 0..(260.0 * share) as u32 {
        let at = (dice.between(s.left(), s.right()), dice.between(-200.0, reach.max(100.0)));
        let size = dice.between(0.7, 2.1);
        if size > 1.8 { &mut large } else { &mut small }.push_str(&ellipse(at, (size, size)));
    }
    if !small.is_empty() {
        c.fill(&small, WHITE, 0.65);
    }
    if !large.is_empty() {
        c.fill(&large, s.palette.light, 0.95);
    }
}

fn sun(c: &mut Canvas, s: &Stage<'_>) {
    let p = &s.palette;
    let (veil, disc): (f32, f32) = match s.weather {
        Weather::Clear => (1.0, 1.0),
        Weather::Cloudy => (0.6, 0.35),
        Weather::Snow | Weather::Fog => (0.55, 0.3),
        Weather::Rain => (0.3, 0.0),
        Weather::Storm => (0.15, 0.0),
    };
    let wide = match s.time {
        TimeOfDay::Sunset | TimeOfDay::Dawn | TimeOfDay::Evening => 620.0,
        TimeOfDay::Night => 330.0,
        _ => 460.0,
    };
    c.glow(s.sun, wide, p.light, 0.75 * veil);
    match s.time {
        TimeOfDay::Evening => {}
        TimeOfDay::Night => {
            c.circle(s.sun, 46.0, p.light, disc);
            let (x, y) = s.sun;
            let dark = p.sky[1].mix(p.light, 0.72);
            c.circle((x - 14.0, y - 8.0), 9.0, dark, disc);
            c.circle((x + 12.0, y + 14.0), 13.0, dark, disc);
            c.circle((x + 16.0, y - 18.0), 6.0, dark, disc);
        }
        TimeOfDay::Dawn | TimeOfDay::Sunset => c.circle(s.sun, 66.0, p.light.mix(WHITE, 0.35), disc),
        _ => c.circle(s.sun, 44.0, WHITE, disc),
    }
}

fn clouds(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    let (count, strength, size) = match s.weather {
        Weather::Clear => (4, 0.35, 0.75),
        Weather::Cloudy => (11, 0.8, 1.25),
        Weather::Rain => (12, 0.7, 1.5),
        Weather::Storm => (14, 0.92, 1.75),
        Weather::Snow => (8, 0.5, 1.3),
        Weather::Fog => (3, 0.25, 1.2),
    };
    let heavy = matches!(s.weather, Weather::Rain | Weather::Storm);
    for index in 0..count {
        let x = s.left() + (s.right() - s.left()) * (index as f32 + dice.between(0.1, 0.9)) / count as f32;
        let y = dice.between(30.0, (s.horizon - 190.0).max(80.0)) * if heavy { 0.7 } else { 1.0 };
        let near_sun = (1.0 - (x - s.sun.0).abs() / s.width).clamp(0.0, 1.0);
        let top = p.sky[2].mix(p.light, 0.35 + 0.4 * near_sun);
        let (top, under) =
            if heavy { (p.sky[1].mix(top, 0.22), p.sky[0].mix(p.ink, 0.5)) } else { (top, p.sky[1].mix(p.far, 0.4)) };
        cloud(c, (x, y), size * dice.between(0.7, 1.35), (top, under), strength, dice);
    }
}

type Shades = (super::palette::Colour, super::palette::Colour);

fn cloud(c: &mut Canvas, (x, y): Point, size: f32, (top, under): Shades, strength: f32, dice: &mut Dice) {
    let mut path = String::new();
    let half = 150.0 * size;
    for step in 0..7 {
        let along = step as f32 / 6.0 * 2.0 - 1.0;
        let radius = (62.0 * size) * (1.0 - along * along * 0.72) * dice.between(0.75, 1.15);
        path.push_str(&ellipse((x + along * half, y - radius * 0.42), (radius * 1.25, radius)));
    }
    path.push_str(&ellipse((x, y), (half * 1.35, 24.0 * size)));
    let paint = c.linear(
        (0.0, y - 85.0 * size),
        (0.0, y + 42.0 * size),
        &[(0.0, top, strength), (0.55, top.mix(under, 0.75), strength * 0.85), (1.0, under, strength * 0.25)],
    );
    c.fill(&path, paint, 1.0);
}

fn lightning(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let x = s.across(dice.between(0.2, 0.8));
    c.glow((x, 150.0), 620.0, s.palette.light, 0.55);
    let mut points = vec![(x, -60.0)];
    let mut at = (x, -60.0);
    while at.1 < s.horizon - 30.0 {
        at = (at.0 + dice.between(-52.0, 52.0), at.1 + dice.between(40.0, 95.0));
        points.push(at);
    }
    let branch = points[points.len() / 2];
    let fork =
        [branch, (branch.0 + 60.0 * dice.sign(), branch.1 + 80.0), (branch.0 + 95.0 * dice.sign(), branch.1 + 190.0)];
    c.stroke(&line(&points), s.palette.light, 14.0, 0.25);
    c.stroke(&line(&points), WHITE, 4.5, 0.95);
    c.stroke(&line(&fork), WHITE, 2.5, 0.7);
}

fn sea(c: &mut Canvas, s: &Stage<'_>) {
    let p = &s.palette;
    let (y, from, to) = (s.horizon, s.left() - 400.0, s.right() + 400.0);
    let stops = [
        (0.0, p.sky[2].mix(p.far, 0.45), 1.0),
        (0.14, p.far.mix(p.sky[1], 0.35), 1.0),
        (0.5, p.mid, 1.0),
        (1.0, p.near, 1.0),
    ];
    let water = c.linear((0.0, y), (0.0, y + 420.0), &stops);
    c.rect((from, y), (to - from, DEEP), water, 1.0);
    let mut dice = Dice::new(s.place_seed ^ 0x15);
    let rough = if s.weather == Weather::Storm { 2.6 } else { 1.0 };
    let mut waves = String::new();
    let mut glints = String::new();
    for row in 0..34 {
        let near = (row as f32 / 34.0).powf(1.7);
        let at = y + 5.0 + near * 480.0;
        for _ in 0..7 {
            let x = dice.between(from, to);
            let long = (26.0 + 190.0 * near) * dice.between(0.5, 1.3);
            let rise = (1.2 + 9.0 * near) * rough;
            waves.push_str(&curve(&[
                (x, at),
                (x + long * 0.3, at - rise),
                (x + long * 0.7, at + rise * 0.3),
                (x + long, at),
            ]));
        }
        for _ in 0..4 {
            let spread = 26.0 + 260.0 * near;
            let x = s.sun.0 + dice.between(-1.0, 1.0) * dice.unit() * spread;
            glints.push_str(&ellipse(
                (x, at + dice.between(-4.0, 4.0)),
                (dice.between(8.0, 22.0 + 70.0 * near), 1.4 + 3.4 * near),
            ));
        }
    }
    c.stroke(&waves, p.sky[2].mix(p.light, 0.4), 1.6 * rough.sqrt(), 0.3);
    let shine = match s.weather {
        Weather::Clear => 0.75,
        Weather::Cloudy | Weather::Snow => 0.35,
        Weather::Fog => 0.2,
        Weather::Rain | Weather::Storm => 0.12,
    };
    c.fill(&glints, p.light, shine);
    c.rect((from, y - 1.0), (to - from, 2.5), p.light, 0.35);
}

fn ranges(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    let p = &s.palette;
    let rough = matches!(s.place, Place::Mountain | Place::House | Place::Church);
    for (depth, tall) in [(0.35, 150.0), (0.7, 85.0)] {
        let colour = p.sky[2].mix(p.far, depth);
        let mut points = vec![(s.left() - 300.0, DEEP)];
        let step = if rough { 85.0 } else { 150.0 };
        let mut x = s.left() - 300.0;
        while x < s.right() + 300.0 {
            let high = if rough { dice.between(0.1, 1.5) } else { dice.between(0.2, 0.75) };
            points.push((x, s.horizon - tall * high));
            x += step * dice.between(0.7, 1.4);
        }
        points.push((s.right() + 300.0, DEEP));
        let path = if s.place == Place::Mountain { polygon(&points) } else { blob(&points) };
        let paint = c.linear(
            (0.0, s.horizon - tall),
            (0.0, s.horizon + 60.0),
            &[(0.0, colour, 1.0), (1.0, p.sky[2].mix(colour, 0.5), 1.0)],
        );
        c.fill(&path, paint, 1.0);
    }
}

fn planet(c: &mut Canvas, s: &Stage<'_>) {
    let p = &s.palette;
    let at = (s.across(0.72), s.horizon + 120.0);
    c.glow(at, 760.0, p.light, 0.3);
    let ball = c.radial(
        (at.0 - 190.0, at.1 - 230.0),
        760.0,
        &[(0.0, p.sky[2].mix(p.light, 0.5), 1.0), (0.45, p.far, 1.0), (1.0, p.ink, 1.0)],
    );
    c.circle(at, 430.0, ball, 1.0);
    c.stroke(&ellipse(at, (690.0, 96.0)), p.light, 9.0, 0.35);
    c.stroke(&ellipse(at, (640.0, 82.0)), p.light, 4.0, 0.3);
}

/// Mist that lies between the place and the people.
pub fn haze(c: &mut Canvas, s: &Stage<'_>) {
    let strength = match s.weather {
        Weather::Fog => 0.85,
        Weather::Rain | Weather::Snow => 0.38,
        Weather::Storm => 0.3,
        Weather::Clear | Weather::Cloudy => 0.2,
    };
    let near = (s.zoom - 1.0) * 0.2;
    let colour = s.palette.sky[2].mix(s.palette.sky[1], 0.35);
    let mist = c.linear(
        (0.0, s.horizon - 330.0),
        (0.0, s.horizon + 170.0),
        &[(0.0, colour, 0.0), (0.68, colour, (strength + near).min(0.9)), (1.0, colour, 0.0)],
    );
    c.rect((s.left(), s.horizon - 330.0), (s.right() - s.left(), 500.0), mist, 1.0);
    if s.weather == Weather::Fog {
        bands(c, s, 5, 0.5, &mut Dice::new(s.seed ^ 0x1f));
    }
}

fn bands(c: &mut Canvas, s: &Stage<'_>, count: u32, strength: f32, dice: &mut Dice) {
    let colour = s.palette.sky[2].mix(WHITE, 0.15 * s.palette.day);
    for _ in 0..count {
        let at = (dice.between(s.left() * 0.3, s.right()), dice.between(s.horizon - 140.0, s.horizon + 260.0));
        let wide = dice.between(0.5, 1.0) * s.width.max(900.0);
        let high = dice.between(36.0, 80.0);
        let squash = high / wide;
        c.under(&format!("translate({:.2} {:.2}) scale(1 {squash:.4})", at.0, at.1), |c| {
            c.glow((0.0, 0.0), wide, colour, strength);
        });
    }
}

/// Weather in front of everything.
pub fn front(c: &mut Canvas, s: &Stage<'_>) {
    let mut dice = Dice::new(s.seed ^ 0x4d);
    match s.weather {
        Weather::Rain => rain(c, s, 150, &mut dice),
        Weather::Storm => rain(c, s, 240, &mut dice),
        Weather::Snow => snow(c, s, &mut dice),
        Weather::Fog => bands(c, s, 4, 0.42, &mut dice),
        Weather::Clear | Weather::Cloudy => {}
    }
}

fn rain(c: &mut Canvas, s: &Stage<'_>, count: u32, dice: &mut Dice) {
    let slant = if s.weather == Weather::Storm { -0.42 } else { -0.16 };
    let colour = s.palette.sky[2].mix(WHITE, 0.55);
    for (share, long, width, opacity) in [(0.7, 62.0, 1.3, 0.34), (0.3, 125.0, 2.3, 0.42)] {
        let mut streaks = String::new();
        for _ in 0..(count as f32 * share * (s.width / 1000.0).max(0.6)) as u32 {
            let at = (dice.between(-0.25 * s.width, 1.3 * s.width), dice.between(-220.0, 1150.0));
            let reach = long * dice.between(0.6, 1.3);
            streaks.push_str(&line(&[at, (at.0 + slant * reach, at.1 + reach)]));
        }
        c.stroke(&streaks, colour, width, opacity);
    }
}

fn snow(c: &mut Canvas, s: &Stage<'_>, dice: &mut Dice) {
    for (count, size, opacity) in [(190.0, 2.6, 0.75), (70.0, 5.2, 0.8), (16.0, 11.0, 0.4)] {
        let mut flakes = String::new();
        for _ in 0..(count * (s.width / 1000.0).max(0.6)) as u32 {
            let at = (dice.between(-0.2 * s.width, 1.2 * s.width), dice.between(-180.0, 1180.0));
            let radius = size * dice.between(0.6, 1.3);
            flakes.push_str(&ellipse(at, (radius, radius)));
        }
        c.fill(&flakes, WHITE.mix(s.palette.sky[2], 0.12), opacity);
    }
}

/// Corners a little darker, so that the eye stays in the middle.
pub fn corners(c: &mut Canvas, s: &Stage<'_>) {
    let (x, y) = (s.width / 2.0, 500.0);
    let reach = (x * x + y * y).sqrt() * 1.25;
    let shade = s.palette.ink.mix(BLACK, 0.4);
    let dark = if s.palette.day < 0.5 { 0.5 } else { 0.34 };
    let paint = c.radial((x, y), reach, &[(0.0, shade, 0.0), (0.6, shade, 0.0), (1.0, shade, dark)]);
    c.rect((-0.25 * s.width, -250.0), (1.5 * s.width, 1500.0), paint, 1.0);
}
