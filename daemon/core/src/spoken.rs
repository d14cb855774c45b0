//! Spoken: what a listener heard, word by word, against what should have been said.

use serde::{Deserialize, Serialize};

/// A word and when it is said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Word {
    /// The word as the listener heard it.
    pub text: String,
    /// Where it begins, in milliseconds from the start of the recording.
    pub start_ms: u64,
    /// Where it ends.
    pub end_ms: u64,
}

/// A line is taken for well spoken up to this word error rate: listeners of synthetic voices mishear that much.
pub const GOOD_WER: f64 = 0.34;

/// Words as they are compared: lower case, letters and digits only, an apostrophe inside kept out of the way.
fn words(text: &str) -> Vec<String> {
    let cleaned = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let words = text.split(|c: char| c.is_whitespace() || matches!(c, '-' | '/' | '\u{2014}' | '\u{2013}'));
    words.map(cleaned).filter(|word: &String| !word.is_empty()).collect()
}

/// Word error rate: the fewest insertions, deletions and substitutions over the words that should be said.
///
/// 0 is word for word; it may be above 1. Without words to say, anything heard counts as 1.
pub fn word_error_rate(wanted: &str, heard: &str) -> f64 {
    let (wanted, heard) = (words(wanted), words(heard));
    if wanted.is_empty() {
        return if heard.is_empty() { 0.0 } else { 1.0 };
    }
    strsim::generic_levenshtein(&wanted, &heard) as f64 / wanted.len() as f64
}

/// When each piece of a text is said, from when its words were heard: start and end of every piece, in milliseconds.
///
/// Pieces take their words in order; a piece none of whose words was heard gets the time between its neighbours.
/// `None` when nothing was heard. Subtitles are timed with it.
pub fn align(pieces: &[String], heard: &[Word], length_ms: u64) -> Option<Vec<(u64, u64)>> {
    let spoken: Vec<(String, &Word)> =
        heard.iter().flat_map(|word| words(&word.text).into_iter().map(move |text| (text, word))).collect();
    if spoken.is_empty() {
        return None;
    }
    // How many words of the text each heard word stands at, by the longest common subsequence.
    let texts: Vec<(usize, String)> =
        pieces.iter().enumerate().flat_map(|(piece, text)| words(text).into_iter().map(move |w| (piece, w))).collect();
    let (rows, columns) = (texts.len(), spoken.len());
    let mut common = vec![vec![0u32; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            common[row][column] = if texts[row].1 == spoken[column].0 {
                common[row + 1][column + 1] + 1
            } else {
                common[row + 1][column].max(common[row][column + 1])
            };
        }
    }
    let mut times: Vec<Option<(u64, u64)>> = vec![None; pieces.len()];
    let (mut row, mut column) = (0, 0);
    while row < rows && column < columns {
        if texts[row].1 == spoken[column].0 {
            let word = spoken[column].1;
            let time = &mut times[texts[row].0];
            *time = Some(time.map_or((word.start_ms, word.end_ms), |(start, end)| (start, end.max(word.end_ms))));
            (row, column) = (row + 1, column + 1);
        } else if common[row + 1][column] >= common[row][column + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    let mut placed = Vec::with_capacity(pieces.len());
    let mut before = 0;
    for at in 0..pieces.len() {
        let next = times[at + 1..].iter().flatten().next().map_or(length_ms, |(start, _)| *start);
        let (start, end) = times[at].unwrap_or((before, next.max(before)));
        let (start, end) = (start.max(before), end.min(length_ms.max(end)).max(start.max(before)));
        placed.push((start, end));
        before = end;
    }
    Some(placed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn heard(of: &[(&str, u64, u64)]) -> Vec<Word> {
        of.iter()
            .map(|(text, start_ms, end_ms)| Word { text: (*text).into(), start_ms: *start_ms, end_ms: *end_ms })
            .collect()
    }

    #[test]
    fn the_rate_counts_words_and_not_letters() {
        assert!(word_error_rate("It's five o'clock, Anna!", "its five oclock anna").abs() < 1e-9);
        assert!((word_error_rate("one two three four", "one three four") - 0.25).abs() < 1e-9);
        assert!((word_error_rate("one two", "one two three four") - 1.0).abs() < 1e-9);
        assert!((word_error_rate("", "hello") - 1.0).abs() < 1e-9 && word_error_rate("...", "").abs() < 1e-9);
    }

    #[test]
    fn pieces_are_timed_by_the_words_that_were_heard() {
        let pieces = ["Where is it?".to_owned(), "I do not know.".to_owned(), "Look there!".to_owned()];
        let words = heard(&[
            (" Where", 100, 300),
            ("is", 300, 400),
            ("it", 400, 600),
            ("look", 2_000, 2_200),
            ("there", 2_200, 2_500),
        ]);
        assert_eq!(align(&pieces, &words, 3_000).unwrap(), [(100, 600), (600, 2_000), (2_000, 2_500)]);
        assert_eq!(align(&pieces, &[], 3_000), None);
    }

    proptest! {
        #[test]
        fn pieces_never_overlap_nor_run_backwards(text in prop::collection::vec("[a-d ]{0,12}", 0..6), said in prop::collection::vec(("[a-d]{1,2}", 0u64..500), 0..20)) {
            let mut now = 0;
            let words: Vec<Word> = said.into_iter().map(|(text, took)| { let start_ms = now; now += took; Word { text, start_ms, end_ms: now } }).collect();
            if let Some(times) = align(&text, &words, now) {
                prop_assert_eq!(times.len(), text.len());
                prop_assert!(times.iter().all(|(start, end)| start <= end && *end <= now));
                prop_assert!(times.windows(2).all(|pair| pair[0].1 <= pair[1].0));
            }
        }
    }
}
