//! Fold: one spelling for words that differ in case, accents and the width of their letters.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

/// Lower case without accents, wide letters narrow: `CRÉPUSCULE` and `crepuscule` are one, `ＩＮＴ．` is `int.`.
pub fn folded(text: &str) -> String {
    let plain = text.nfkd().filter(|c| !is_accent(*c) && !is_unseen(*c)).flat_map(char::to_lowercase).nfc();
    let mut folded = String::with_capacity(text.len());
    for c in plain {
        match c {
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' => folded.push('d'),
            'ı' => folded.push('i'),
            other => folded.push(other),
        }
    }
    folded
}

/// A text without the marks nobody sees: of direction, of width, of where a word may be parted.
pub fn visible(text: &str) -> Cow<'_, str> {
    if text.contains(is_unseen) { Cow::Owned(text.replace(is_unseen, "")) } else { Cow::Borrowed(text) }
}

/// Whether a letter takes no room: editors, web pages and word processors leave such ones behind.
pub(crate) fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Folded words of a text: runs of letters and digits.
pub fn words(text: &str) -> std::vec::IntoIter<String> {
    let folded = folded(text);
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect::<Vec<_>>().into_iter()
}

/// Accents of Latin, Greek and Cyrillic letters; the marks of Japanese ones make other letters.
fn is_accent(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// One key for every spelling of a place: its words, folded. A place without a letter is its own.
pub fn place_key(place: &str) -> String {
    let key = words(place).collect::<Vec<_>>().join(" ");
    if key.is_empty() { place.trim().to_lowercase() } else { key }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_word_are_one() {
        for (one, other) in [
            ("CRÉPUSCULE", "crepuscule"),
            ("e\u{301}te\u{301}", "été"),
            ("AUSSEN", "außen"),
            ("ＩＮＴ．", "int."),
            ("ŚWIT", "swit"),
            ("POŁUDNIE", "południe"),
            ("ДЕНЬ", "день"),
        ] {
            assert_eq!(folded(one), folded(other));
        }
        assert_ne!(folded("が"), folded("か"), "another letter");
        assert_eq!(place_key("HOUSE - KITCHEN"), place_key("House,\u{a0}Kitchen"));
        assert_ne!(place_key("???"), place_key("!!!"));
    }
}
