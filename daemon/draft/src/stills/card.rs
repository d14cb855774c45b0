//! Card: a title card, words in the middle of a black picture.

use studio_core::order::StillOrder;

use super::{
    canvas::Canvas,
    framing::HEIGHT,
    palette::{Colour, WHITE},
};

/// Heights of letters that are tried, the largest first.
const LETTER_HEIGHTS: [f32; 5] = [58.0, 50.0, 42.0, 35.0, 29.0];
/// Width of a letter of a fixed-width font (`DejaVu Sans Mono` has 0.602 of its height).
const LETTER_WIDTH: f32 = 0.602;
/// A letter this far on in the alphabet is as wide as it is high: Chinese, Japanese, Korean.
const WIDE_FROM: char = '\u{2e80}';
/// From one line to the next, in heights of a letter.
const LEADING: f32 = 1.5;
/// Share of the picture that words may cover, across and down.
const ROOM: (f32, f32) = (0.76, 0.7);

/// The black picture with its words as SVG; `family` is a font of fixed width, `None` leaves it black.
pub fn svg(order: &StillOrder, family: Option<&str>) -> String {
    let width = HEIGHT * order.size.width as f32 / order.size.height as f32;
    let mut c = Canvas::default();
    c.rect((-1.0, -1.0), (width + 2.0, HEIGHT + 2.0), Colour::hex("000000"), 1.0);
    if let (Some(words), Some(family)) = (&order.card, family) {
        let (height, lines) = fitted(words, width * ROOM.0);
        let top = (HEIGHT - lines.len() as f32 * height * LEADING) / 2.0 + height;
        for (line, at) in lines.iter().zip(0_u16..) {
            let x = (width - width_of(line, height)) / 2.0;
            c.text((x, top + f32::from(at) * height * LEADING), height, family, line, WHITE);
        }
    }
    c.finish((order.size.width, order.size.height), (0.0, 0.0), (width, HEIGHT))
}

/// The words in lines, as large as they fit; what does not fit even in small letters is cut, with an ellipsis.
fn fitted(words: &str, room: f32) -> (f32, Vec<String>) {
    let most = |height: f32| (HEIGHT * ROOM.1 / (height * LEADING)) as usize;
    let smallest = LETTER_HEIGHTS[LETTER_HEIGHTS.len() - 1];
    let fits = LETTER_HEIGHTS.into_iter().map(|height| (height, wrapped(words, height, room)));
    let fitting = fits.into_iter().find(|(height, lines)| lines.len() <= most(*height));
    fitting.unwrap_or_else(|| {
        let mut lines = wrapped(words, smallest, room);
        lines.truncate(most(smallest));
        if let Some(last) = lines.last_mut() {
            last.pop();
            last.push('\u{2026}');
        }
        (smallest, lines)
    })
}

/// The words in lines no wider than `room`; a word that is wider is broken.
fn wrapped(words: &str, height: f32, room: f32) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let shown = |letter: &char| !letter.is_control() && !is_invisible(*letter);
    // Longer texts are cut anyway.
    let text: String =
        words.chars().take(4_000).map(|c| if c.is_whitespace() { ' ' } else { c }).filter(shown).collect();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if width_of(line, height) + width_of(word, height) + LETTER_WIDTH * height <= room => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
        while let Some(line) = lines.last_mut().filter(|line| width_of(line, height) > room && line.chars().count() > 1)
        {
            let mut wide = 0.0;
            let cut = line.char_indices().skip(1).find(|(at, _)| {
                wide = width_of(&line[..*at], height);
                wide + height > room
            });
            let Some((at, _)) = cut else { break };
            let rest = line.split_off(at);
            lines.push(rest);
        }
    }
    lines
}

/// Marks that turn the writing direction or take no room would break the measure.
fn is_invisible(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn width_of(line: &str, height: f32) -> f32 {
    line.chars().map(|letter| if letter >= WIDE_FROM { height } else { height * LETTER_WIDTH }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_written_in_lines_that_fit() {
        let (height, lines) = fitted("For Ada", 800.0);
        assert_eq!((height, lines), (LETTER_HEIGHTS[0], vec!["For Ada".to_owned()]));
        let text = "truer for its lies and longer than a line ".repeat(6);
        let (height, lines) = fitted(&text, 800.0);
        assert_eq!(lines.join(" "), text.trim());
        assert!(lines.iter().all(|line| width_of(line, height) <= 800.0));
        let (height, lines) = fitted(&"よ".repeat(200), 800.0);
        assert!(lines.iter().all(|line| width_of(line, height) <= 800.0) && lines.concat().chars().count() == 200);
        let (_, lines) = fitted(&"word ".repeat(4_000), 800.0);
        assert!(lines.last().is_some_and(|line| line.ends_with('\u{2026}')));
    }
}
