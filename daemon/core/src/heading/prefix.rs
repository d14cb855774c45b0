//! Prefix: the inner and outer words a scene heading begins with.

use std::borrow::Cow;

use super::{
    Heading, Vocabulary,
    fold::{folded, visible},
    marks::is_dash,
    pieces::word_starts,
    vocabulary::{Meaning, Side},
};
use crate::scene::Setting;

/// Shorter words are abbreviations.
pub(super) const FULL_WORD: usize = 5;

/// The beginning of a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Prefix {
    /// Bytes up to the place, with dot and space.
    pub(super) len: usize,
    pub(super) setting: Setting,
}

/// A word at the beginning: where it ends, and what it says.
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) end: usize,
    pub(super) side: Side,
}

impl Vocabulary {
    /// Whether a line is a scene heading by its first words, however they are spelled.
    pub fn is_heading(&self, text: &str) -> bool {
        let text = spaced(text);
        self.prefix(&text).is_some() || self.turned(&text).is_some() || self.spelled_out(&text).is_some()
    }

    /// What a line begins with; `None` when it is no scene heading by itself.
    pub(super) fn prefix(&self, text: &str) -> Option<Prefix> {
        if let Some(len) = self.sign(text) {
            return Some(Prefix { len, setting: Setting::Both });
        }
        let words = self.side_words(text);
        let last = words.last()?;
        let single = |word: &Word<'_>| word.text.len() == 1;
        // `I/E`, and never `I - E` or `I/EXT`; `I. KÜCHE - NACHT` where the language abbreviates so.
        if words.iter().any(single)
            && !(words.len() > 1 && words.iter().all(single) && text[..last.end].contains(['/', '／']))
        {
            return self.letter(text, &words);
        }
        let after = &text[last.end..];
        // `INTERIOR AND EXTERIOR` may begin a sentence; a dot between them does not.
        let spoken = word_starts(&text[..last.end]).len() > words.len();
        let joined = words.len() > 1 && (!spoken || text[words[0].end..].starts_with(['.', '．']));
        let dotted = after.starts_with(['.', '．', '。', ':', '：', '/', '／']) || joined;
        let spaced = after.chars().next().is_none_or(|c| c.is_whitespace() || is_mark(c));
        let dot =
            after.chars().next().filter(|c| matches!(c, '.' | '．' | '。' | ':' | '：')).map_or(0, char::len_utf8);
        let len = last.end + dot;
        let rest = &text[len..];
        if !dotted && (!spaced || rest.is_empty()) {
            return None;
        }
        let sure = words.iter().any(|word| self.is_sure(word, dotted, text, rest));
        sure.then(|| Prefix { len, setting: setting(&words) })
    }

    /// The sign a heading begins with: bytes up to the place.
    fn sign(&self, text: &str) -> Option<usize> {
        let first = text.chars().next().filter(|c| !c.is_ascii())?;
        let is = |sign: &&String| text.starts_with(sign.as_str());
        let (sign, own) = match self.signs.iter().find(is) {
            Some(sign) => (sign, true),
            None => (self.other_signs.iter().find(is)?, false),
        };
        let len = sign.len() + blank(&text[sign.len()..]);
        let rest = &text[len..];
        // Two zeros stand for the name of somebody.
        let doubled = first.is_alphanumeric() && rest.starts_with(first);
        let hour = || self.after_prefix(rest);
        let sure = if own { !doubled || hour().time.is_some() } else { hour().foreign.is_some() };
        (!rest.is_empty() && sure).then_some(len)
    }

    /// One letter for inside or outside, which the language must have, with a dot, in capitals and with an hour.
    fn letter(&self, text: &str, words: &[Word<'_>]) -> Option<Prefix> {
        let [word] = words else { return None };
        let side = self.sides.get(&folded(word.text)).filter(|side| side.own)?;
        let rest = text[word.end..].strip_prefix(['.', ':'])?;
        let capitals = !has_lower(text) && rest.starts_with(char::is_whitespace);
        let hour = || Some(self.after_prefix(rest)).filter(|rest| rest.time.is_some() && rest.whole.is_none());
        (capitals && hour().is_some()).then_some(Prefix { len: word.end + 1, setting: side.setting })
    }

    /// Whether a word makes its line a heading, and is not the first of a sentence.
    fn is_sure(&self, word: &Word<'_>, dotted: bool, line: &str, rest: &str) -> bool {
        let (upper, full) = (!has_lower(word.text), word.text.chars().count() >= FULL_WORD);
        let hour = || self.after_prefix(rest).time.is_some();
        if full {
            if dotted || rest.trim_start().starts_with(is_mark) {
                return upper || word.side.own && hour();
            }
            return word.side.own && self.is_certain(line, &self.after_prefix(rest));
        }
        if word.side.english {
            // French sentences begin with "Est".
            if !self.is_english && word.text.eq_ignore_ascii_case("est") && !dotted {
                return hour();
            }
            // `int: a value` is no heading, `INT: KITCHEN` is.
            let colon = line[word.end..].starts_with([':', '：']);
            return upper || !colon && (dotted || rest.starts_with(char::is_whitespace));
        }
        match (word.side.own, dotted) {
            (true, true) => upper || hour(),
            (true, false) => upper && !has_lower(line) || hour(),
            (false, true) => upper && word.text.chars().count() > 2,
            (false, false) => false,
        }
    }

    /// Whether what follows a full inner word without a dot makes a heading. Sentences begin with such words, too: an
    /// hour of its own at the end, capitals and an hour, or what goes on behind a mark make one.
    fn is_certain(&self, line: &str, rest: &Heading) -> bool {
        let capitals = !has_lower(line);
        if rest.time.is_some() || rest.whole.is_some() {
            return rest.time.is_some() && (rest.whole.is_none() || capitals);
        }
        // `Interior Kitchen - Later`, and never `Interior monologue - continued`.
        let titled = || {
            let names = word_starts(&rest.location).into_iter();
            line.contains(is_dash)
                && names.map(|(at, _)| &rest.location[at..]).all(|word| !word.starts_with(char::is_lowercase))
        };
        let misspelt = || rest.unknown.as_ref().is_some_and(|unknown| self.is_nearly_hour(unknown));
        rest.goes_on && (capitals || titled()) || capitals && misspelt()
    }

    /// The inner and outer words a line begins with, joined by slashes, or by a word: `INT. AND EXT.`.
    pub(super) fn side_words<'a>(&self, text: &'a str) -> Vec<Word<'a>> {
        let mut words: Vec<Word<'a>> = Vec::new();
        let mut at = 0;
        loop {
            let run = text[at..].find(|c: char| !c.is_alphanumeric() && !is_combining(c)).unwrap_or(text.len() - at);
            let word = &text[at..at + run];
            // Longer words are none of ours, and must not cost anything.
            let side = if word.is_empty() || run > 60 { None } else { self.side(word) };
            let Some(side) = side else { return words };
            words.push(Word { text: word, end: at + run, side });
            let after = &text[at + run..];
            let dot = usize::from(after.starts_with('.'));
            let joined = dot + blank(&after[dot..]);
            if joined > 0 && words.len() < 5 && self.side_follows(&after[joined..], word, side) {
                at += run + joined;
                continue;
            }
            if let Some(spoken) =
                self.spoken(&after[joined..], word, dot > 0).filter(|_| joined > dot && words.len() < 5)
            {
                at += run + joined + spoken;
                continue;
            }
            let Some(slash) =
                after[joined..].chars().next().filter(|c| matches!(c, '/' | '／' | '&' | '+' | '-' | '–' | '・'))
            else {
                return words;
            };
            at += run + joined + slash.len_utf8();
            at += blank(&text[at..]);
            if words.len() > 4 {
                return words;
            }
        }
    }

    /// Whether another inner or outer word follows one and no more than a dot or a space is between: `INT.EXT.`.
    fn side_follows(&self, after: &str, before: &str, said: Side) -> bool {
        let run = after.find(|c: char| !c.is_alphanumeric()).unwrap_or(after.len());
        let (word, rest) = after.split_at(run);
        let (letters, first) = (word.chars().count(), before.chars().count());
        let ends = rest.starts_with(['.', '．', ' ', ',', ':', '/', '\u{a0}', '\u{3000}']);
        if letters < 3 || run > 60 || !ends || word == before || has_lower(word) || has_lower(before) {
            return false;
        }
        // `INTERIOR EXTERIOR CAR`; of long words only opposites, for `INT. EXTERIOR DESIGN STUDIO` is a place.
        let opposite = |side: Side| letters < FULL_WORD || first >= FULL_WORD && side.setting != said.setting;
        self.side(word).is_some_and(opposite)
    }

    /// A joining word with another inner or outer word behind it, `AND EXT.`: bytes up to that.
    fn spoken(&self, after: &str, before: &str, dotted: bool) -> Option<usize> {
        let first = after.find(|c: char| !c.is_alphanumeric()).filter(|end| (1..=12).contains(end))?;
        let len = first + blank(&after[first..]);
        let next = &after[len..];
        let (word, rest) = next.split_at(next.find(|c: char| !c.is_alphanumeric()).unwrap_or(next.len()));
        let letters = word.chars().count();
        let dots = rest.starts_with(['.', '．']);
        let long = letters >= FULL_WORD && before.chars().count() < FULL_WORD;
        let written = dots && dotted || !long && !has_lower(word) && !has_lower(before);
        let fits =
            len > first && (3..=60).contains(&letters) && written && (dots || rest.starts_with(char::is_whitespace));
        (fits && self.joins(&after[..first]) && self.side(word).is_some()).then_some(len)
    }

    /// Whether a word joins others and says nothing: `AND`, `TO`.
    pub(super) fn joins(&self, word: &str) -> bool {
        matches!(self.own.first(&[folded(word)]), Some((_, Meaning::Small)))
    }

    pub(super) fn side(&self, word: &str) -> Option<Side> {
        let folded = folded(word);
        match folded.as_str() {
            "i" => Some(Side { setting: Setting::Interior, english: true, own: true }),
            "e" => Some(Side { setting: Setting::Exterior, english: true, own: true }),
            other => self.sides.get(other).copied().filter(|side| side.own || other.chars().count() > 1),
        }
    }
}

pub(super) fn setting(words: &[Word<'_>]) -> Setting {
    let says = |setting| words.iter().any(|word| word.side.setting == setting);
    match (says(Setting::Interior), says(Setting::Exterior), says(Setting::Both)) {
        (true, false, false) => Setting::Interior,
        (false, true, false) => Setting::Exterior,
        _ => Setting::Both,
    }
}

/// Bytes of white space at the beginning.
fn blank(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// What may follow an inner or outer word without a space.
fn is_mark(c: char) -> bool {
    matches!(c, '-' | '–' | '—' | '−' | '―' | ',' | '・' | '、' | '(' | '（' | ';' | '；' | '|' | '_')
}

/// A line without what nobody sees; one of file names, `INT_HOUSE_NIGHT`, with spaces.
pub(super) fn spaced(text: &str) -> Cow<'_, str> {
    let text = visible(text);
    if text.contains('_') && !text.contains(char::is_whitespace) { Cow::Owned(text.replace('_', " ")) } else { text }
}

fn is_combining(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

pub(super) fn has_lower(text: &str) -> bool {
    text.chars().any(char::is_lowercase)
}
