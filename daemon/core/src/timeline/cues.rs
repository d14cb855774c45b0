//! Cues: from placed lines to subtitles that can be read.

use crate::{
    spoken::{Word, align},
    subtitle::Cue,
    timeline::{PlacedScene, ScenePart},
    units::{SAMPLE_RATE, Samples},
};

/// Longest row of a subtitle in characters; two rows make one cue.
const ROW_CHARACTERS: usize = 42;
/// Shortest time a cue is shown unless the next one begins earlier, in milliseconds.
const SHORTEST_MS: u64 = 700;

/// A line in film time.
struct Spoken<'a> {
    start_ms: u64,
    end_ms: u64,
    speaker: &'a str,
    text: &'a str,
    /// What was heard, from the start of the line.
    words: &'a [Word],
    /// Spoken together with the line before.
    dual: bool,
}

/// The cues of all lines, in film order. Only lines spoken together overlap.
pub(super) fn of_film(scenes: &[ScenePart], placed: &[PlacedScene], film_ms: u64) -> Vec<Cue> {
    let spoken = in_film_time(scenes, placed);
    let mut cues = Vec::new();
    for (index, line) in spoken.iter().enumerate() {
        let next = spoken[index + 1..].iter().find(|later| !later.dual);
        let limit = next.map_or(film_ms, |next| next.start_ms).max(line.start_ms + 1);
        cues.extend(cues_of_line(line, limit));
    }
    cues.sort_by_key(|cue| cue.start_ms);
    cues
}

fn in_film_time<'a>(scenes: &'a [ScenePart], placed: &[PlacedScene]) -> Vec<Spoken<'a>> {
    let ms = |at: Samples| at.0 * 1000 / u64::from(SAMPLE_RATE);
    let mut spoken = Vec::new();
    for (scene, place) in scenes.iter().zip(placed) {
        for line in &place.cut.lines {
            let voice = &scene.shots[line.shot].voices[line.line];
            let at = place.at + line.at;
            spoken.push(Spoken {
                start_ms: ms(at),
                end_ms: ms(at + line.samples),
                speaker: &voice.character,
                text: &voice.text,
                words: &voice.words,
                // The first line of a shot has nobody to speak with.
                dual: voice.dual && line.line > 0,
            });
        }
    }
    spoken
}

/// One line as one or more cues, each with a share of the time by its length, all before `limit`.
fn cues_of_line(line: &Spoken, limit: u64) -> Vec<Cue> {
    let mut pieces = split(line.text);
    let shortest = SHORTEST_MS * pieces.len() as u64;
    let span = line.end_ms.max(line.start_ms + shortest).min(limit) - line.start_ms;
    if span < pieces.len() as u64 {
        // Not even a millisecond for each: better everything at once than nothing.
        pieces = vec![pieces.join("\n")];
    }
    let total: u64 = pieces.iter().map(|piece| piece.chars().count() as u64).sum();
    let count = pieces.len() as u64;
    let mut cues = Vec::with_capacity(pieces.len());
    // Where somebody has listened, a piece ends when the next one is said.
    let heard = align(&pieces, line.words, span);
    let (mut said, mut start) = (0, 0);
    for (index, text) in (1..).zip(pieces) {
        said += text.chars().count() as u64;
        let next = heard.as_ref().and_then(|times| times.get(index as usize)).map(|(start, _)| *start);
        let end = if index == count { span } else { next.unwrap_or(span * said / total.max(1)) };
        // Every piece keeps at least a millisecond, before and after.
        let end = end.clamp(start + 1, span - (count - index));
        let (start_ms, end_ms) = (line.start_ms + start, line.start_ms + end);
        cues.push(Cue { start_ms, end_ms, speaker: line.speaker.to_owned(), text });
        start = end;
    }
    cues
}

/// Text as pieces of at most two rows, the rows as even as they can be; none for no text.
fn split(text: &str) -> Vec<String> {
    let rows = wrap(text, ROW_CHARACTERS);
    if rows.len() < 2 {
        return rows;
    }
    let most = rows.len().next_multiple_of(2);
    // Narrower rows must not break a word that the widest leave whole.
    let longest = text.split_whitespace().map(|word| word.chars().count()).max().unwrap_or(1);
    let widths = longest.min(ROW_CHARACTERS)..ROW_CHARACTERS;
    let even = widths.map(|width| wrap(text, width)).find(|narrow| narrow.len() <= most);
    even.unwrap_or(rows).chunks(2).map(|pair| pair.join("\n")).collect()
}

/// Words in rows of at most `width` characters; a longer word is broken.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut rows = Vec::new();
    let (mut row, mut used) = (String::new(), 0);
    for word in text.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        if used > 0 && used + 1 + letters.len() > width {
            rows.push(std::mem::take(&mut row));
            used = 0;
        }
        if used > 0 {
            row.push(' ');
            used += 1;
        }
        for part in letters.chunks(width) {
            if used > 0 && used + part.len() > width {
                rows.push(std::mem::take(&mut row));
                used = 0;
            }
            row.extend(part);
            used += part.len();
        }
    }
    if used > 0 {
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start_ms: u64, end_ms: u64, text: &str) -> Spoken<'_> {
        Spoken { start_ms, end_ms, speaker: "MARA", text, words: &[], dual: false }
    }

    fn times(cues: &[Cue]) -> Vec<(u64, u64)> {
        cues.iter().map(|cue| (cue.start_ms, cue.end_ms)).collect()
    }

    #[test]
    fn short_words_stay_long_enough_to_read() {
        assert_eq!(times(&cues_of_line(&line(1000, 1200, "No."), 9000)), [(1000, 1700)]);
        assert_eq!(times(&cues_of_line(&line(1000, 1200, "No."), 1300)), [(1000, 1300)], "the next one is near");
    }

    #[test]
    fn long_lines_are_shared_among_cues_by_length() {
        let text = "The lamp has burned every night since before I was born, and every night somebody has climbed \
                    these stairs to make sure that it would.";
        let cues = cues_of_line(&line(0, 8000, text), 20_000);
        assert_eq!(cues.len(), 2);
        assert_eq!(cues.iter().map(|cue| cue.text.replace('\n', " ")).collect::<Vec<_>>().join(" "), text);
        for cue in &cues {
            assert!(
                cue.text.lines().count() == 2 && cue.text.lines().all(|row| row.chars().count() <= 42),
                "{}",
                cue.text
            );
        }
        assert_eq!((cues[0].start_ms, cues[1].end_ms), (0, 8000));
        assert!(cues[0].end_ms == cues[1].start_ms && (3500..4500).contains(&cues[0].end_ms), "{:?}", times(&cues));
    }

    #[test]
    fn who_was_listened_to_is_timed_by_the_word() {
        let text = "The lamp has burned every night since before I was born, and every night somebody has climbed \
                    these stairs to make sure that it would.";
        let said = text.split_whitespace().zip(0u64..);
        let words: Vec<Word> =
            said.map(|(word, n)| Word { text: word.into(), start_ms: 100 + n * 100, end_ms: 180 + n * 100 }).collect();
        let cues = cues_of_line(&Spoken { words: &words, ..line(1000, 9000, text) }, 20_000);
        // There is a long pause at the end.
        let at = words[cues[0].text.split_whitespace().count()].start_ms;
        assert_eq!(times(&cues), [(1000, 1000 + at), (1000 + at, 9000)], "{cues:#?}");
        let plain = cues_of_line(&line(1000, 9000, text), 20_000);
        assert!(plain[0].end_ms > cues[0].end_ms + 1000, "by length it would be much later");
    }

    #[test]
    fn rows_are_even_and_no_word_stands_alone() {
        assert_eq!(
            split("Somebody has climbed these stairs every night."),
            ["Somebody has climbed\nthese stairs every night."]
        );
        assert_eq!(split("Forty-two characters fit into this one row"), ["Forty-two characters fit into this one row"]);
    }

    #[test]
    fn words_without_spaces_are_broken() {
        let text = "灯".repeat(100);
        let pieces = split(&text);
        assert_eq!(pieces.len(), 2);
        assert!(pieces.iter().flat_map(|piece| piece.lines()).all(|row| row.chars().count() <= 42));
        assert_eq!(pieces.concat().replace('\n', ""), text);
    }

    #[test]
    fn even_rows_never_break_a_word() {
        let word = "w".repeat(40);
        assert_eq!(split(&format!("{word} and so")), [format!("{word}\nand so")]);
    }

    #[test]
    fn no_text_makes_no_cue() {
        assert!(cues_of_line(&line(0, 500, "  "), 1000).is_empty());
    }
}
