//! Outdoors: what stands in the middle distance of each place under the sky.

mod coast;
mod country;
mod town;

use studio_core::scene::Weather;

use super::{
    canvas::{Canvas, blob},
    dice::Dice,
    framing::Stage,
    palette::WHITE,
    place::Place,
    sky::DEEP,
};

/// The middle distance of an exterior.
pub fn middle(c: &mut Canvas, s: &Stage<'_>) {
    let mut dice = Dice::new(s.place_seed ^ 0x29);
    let d = &mut dice;
    match s.place {
        Place::Lighthouse => coast::lighthouse(c, s, d),
        Place::Harbour => coast::harbour(c, s, d),
        Place::Beach => coast::beach(c, s, d),
        Place::Ship => coast::deck(c, s),
        Place::City => town::city(c, s, d),
        Place::Street => town::street(c, s, d),
        Place::Forest => country::forest(c, s, d),
        Place::Mountain => country::mountains(c, s, d),
        Place::Station => town::station(c, s, d),
        Place::Church => town::church(c, s, d),
        Place::Industry => town::industry(c, s, d),
        Place::Space => country::crater(c, s, d),
        Place::House => country::homestead(c, s, d),
        _ => country::field(c, s, d),
    }
}

/// Ground from the horizon down.
fn ground(c: &mut Canvas, s: &Stage<'_>, from: f32) {
    let p = &s.palette;
    let snow = if s.weather == Weather::Snow { 0.55 } else { 0.0 };
    let white = p.sky[2].mix(WHITE, 0.4);
    let stops = [
        (0.0, p.far.mix(p.mid, 0.6).mix(white, snow), 1.0),
        (0.3, p.mid.mix(white, snow * 0.8), 1.0),
        (1.0, p.near.mix(white, snow * 0.6), 1.0),
    ];
    let paint = c.linear((0.0, from), (0.0, from + 380.0), &stops);
    c.rect((s.left(), from), (s.right() - s.left(), DEEP), paint, 1.0);
}

fn rolling(s: &Stage<'_>, base: f32, rise: f32, step: f32, dice: &mut Dice) -> String {
    let mut points = vec![(s.left() - 200.0, base + DEEP), (s.left() - 200.0, base)];
    let mut x = s.left();
    while x < s.right() {
        points.push((x, base - rise * dice.unit()));
        x += step * dice.between(0.7, 1.3);
    }
    points.extend([(s.right() + 200.0, base), (s.right() + 200.0, base + DEEP)]);
    blob(&points)
}
