//! Slate: the strip at the corner of a panel that says which shot it is.

use studio_core::{order::StillOrder, scene::Setting, units::Size};

use super::{
    canvas::Canvas,
    framing::HEIGHT,
    palette::{Colour, WHITE},
};

/// Longer slates are cut, with an ellipsis.
const LETTERS: usize = 44;

/// The part of the picture that only the slate draws, in pixels: left, top, width, height.
pub fn area(order: &StillOrder) -> (u32, u32, u32, u32) {
    let scale = scale(order.size);
    let (x, y, w, h) = strip(order);
    let px = |units: f32| (units * scale).max(0.0);
    (px(x).floor() as u32, px(y).floor() as u32, px(w).ceil() as u32 + 1, px(h).ceil() as u32 + 1)
}

/// The slate as SVG over the whole picture; `family` is a font of fixed width, `None` leaves the strip empty.
pub fn svg(order: &StillOrder, family: Option<&str>) -> String {
    let mut c = Canvas::default();
    let (x, y, w, h) = strip(order);
    c.rect((x, y), (w, h), Colour::hex("0b0e14"), 0.72);
    c.rect((x, y), (5.0, h), Colour::hex("ffb347"), 1.0);
    if let Some(family) = family {
        c.text((x + 17.0, y + h * 0.7), LETTER_HEIGHT, family, &words(order), WHITE.mix(Colour::hex("0b0e14"), 0.08));
    }
    let width = HEIGHT * order.size.width as f32 / order.size.height as f32;
    c.finish((order.size.width, order.size.height), (0.0, 0.0), (width, HEIGHT))
}

const LETTER_HEIGHT: f32 = 23.0;
/// Width of a letter of a fixed-width font (`DejaVu Sans Mono` has 0.602 of its height).
const LETTER_WIDTH: f32 = 0.602;

fn scale(size: Size) -> f32 {
    size.height as f32 / HEIGHT
}

fn strip(order: &StillOrder) -> (f32, f32, f32, f32) {
    let letters = words(order).chars().count() as f32;
    let (x, h) = (26.0, 40.0);
    let room = HEIGHT * order.size.width as f32 / order.size.height as f32 - 2.0 * x;
    let w = (letters * LETTER_HEIGHT * LETTER_WIDTH + 34.0).min(room.max(1.0));
    (x, HEIGHT - 26.0 - h, w, h)
}

/// One line of printable letters: the slate's text, and where it is.
fn words(order: &StillOrder) -> String {
    let inside = match order.look.setting {
        Setting::Interior => "INT",
        Setting::Exterior => "EXT",
        Setting::Both => "I/E",
    };
    let whole = format!("{}  {inside}. {}", order.slate, order.look.location);
    // Marks that turn the writing direction or take no room would break the strip's measure.
    let odd = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut line: String = whole.chars().take(4_000).filter(|letter| !odd(*letter)).collect();
    let room = HEIGHT * order.size.width as f32 / order.size.height as f32 - 86.0;
    let most = LETTERS.min((room / (LETTER_HEIGHT * LETTER_WIDTH)).max(3.0) as usize);
    if line.chars().count() > most {
        line = line.chars().take(most - 1).collect::<String>() + "…";
    }
    line
}
