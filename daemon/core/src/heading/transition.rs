//! Transition: the paragraphs that say how a film goes on, and those from which on nothing is to be seen.

use super::{
    Vocabulary,
    fold::{place_key, words},
    prefix::has_lower,
};
use crate::shot::TransitionKind;

/// Longer paragraphs, in bytes, are none.
const LONGEST: usize = 100;
/// A paragraph of more words is a sentence.
const MOST_WORDS: usize = 5;

impl Vocabulary {
    /// Whether a paragraph is nothing but the fade out of the black a film begins with.
    pub fn fades_in(&self, text: &str) -> bool {
        text.len() < LONGEST && self.fades.contains(&place_key(text))
    }

    /// Whether a text says that nothing is to be seen.
    pub fn says_black(&self, text: &str) -> bool {
        words(text).any(|word| self.black.contains(&word))
    }

    /// What a paragraph says when it is a transition of any language, however it is written: `FONDU AU NOIR.`.
    pub fn transition(&self, text: &str) -> Option<TransitionKind> {
        if text.len() >= LONGEST {
            return None;
        }
        let key = place_key(text);
        let known = self.transitions.get(&key).copied();
        known.or_else(|| self.fades.contains(&key).then_some(TransitionKind::FadeBlack))
    }

    /// Whether nothing is to be seen after a transition: `FADE OUT.`, `CUT TO BLACK.`.
    pub fn ends_black(&self, transition: &str) -> bool {
        let key = place_key(transition);
        self.transitions.get(&key) == Some(&TransitionKind::FadeBlack)
            || !self.fades.contains(&key) && self.says_black(transition)
    }

    /// Whether a paragraph takes the picture away: `BLACK.`, `OVER BLACK: the sound of rain.`.
    pub fn is_over_black(&self, text: &str) -> bool {
        let first = text.split_once(['.', ',', ':', '：', '、', '。', '-', '–', '—']).map_or(text, |(first, _)| first);
        // A sentence may begin with a single word of these.
        let begins = || place_key(first).contains(' ') && self.over_black.contains(&place_key(first));
        text.len() < LONGEST && self.over_black.contains(&place_key(text)) || first.len() < LONGEST && begins()
    }

    /// Whether a line that is no transition has the word of one, and is written as only those are: `FADE TO GREY.`.
    pub fn resembles_transition(&self, text: &str) -> bool {
        if text.len() >= LONGEST || has_lower(text) || text.starts_with('!') {
            return false;
        }
        let words: Vec<String> = words(text).collect();
        let said = |word: &String| self.transitions.contains_key(word);
        words.len() <= MOST_WORDS && words.iter().any(said)
    }
}
