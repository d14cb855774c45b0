//! Turned: headings whose inner or outer word is not what they begin with: `KÜCHE - INNEN/NACHT`, `FLASHBACK: INT. X`.

use std::borrow::Cow;

use super::{
    Heading, Vocabulary,
    fold::words,
    marks::{is_dash, place},
    pieces::{LONGEST, word_starts},
    prefix::{FULL_WORD, Word, has_lower, setting, spaced},
    said::Found,
};
use crate::scene::Setting;

/// Words of a line that are looked at.
const MOST_WORDS: usize = 16;
/// Words of a place before the inner word.
const MOST_PLACE: usize = 8;
/// Words of a place with nothing but a space between it and the inner word.
const MOST_BARE: usize = 3;

/// A heading with its inner or outer word further behind.
#[derive(Debug)]
pub(super) struct Turned {
    setting: Setting,
    /// Place, and what comes after it.
    rest: String,
    /// What was said before the inner word and is no place.
    said: Found,
}

impl Vocabulary {
    /// Reads a heading such as `INT. HOUSE - KITCHEN - NIGHT, RAIN`, without its number and its forcing dot.
    pub fn read(&self, heading: &str) -> Heading {
        let heading = spaced(heading);
        if let Some(prefix) = self.prefix(&heading) {
            let rest = &heading[prefix.len..];
            return self.both_sides(self.lettered(rest).as_deref().unwrap_or(rest), prefix.setting);
        }
        match self.turned(&heading) {
            Some(turned) => Heading { setting: turned.setting, ..turned.said.before(self.after_prefix(&turned.rest)) },
            None => match self.spelled_out(&heading) {
                Some(spelled) => self.read(&spelled),
                None => self.after_prefix(&heading),
            },
        }
    }

    /// A line that is a heading although it begins with something else than an inner or outer word.
    pub(super) fn turned(&self, text: &str) -> Option<Turned> {
        if text.len() > LONGEST {
            return None;
        }
        if let Some(turned) = self.sign_behind(text) {
            return Some(turned);
        }
        let words = word_starts(text);
        words.iter().take(MOST_WORDS).enumerate().skip(1).find_map(|(nth, (at, end))| {
            // Cheaper than to look every word up: what is in lower case, and has one, is none.
            let word = &text[*at..*end];
            if word.chars().count() < 2 || self.side(word).is_none() {
                return None;
            }
            let (before, from) = text.split_at(*at);
            let sides = self.side_words(from);
            let last = sides.last().filter(|_| sides.iter().all(|side| side.text.chars().count() > 1))?;
            let after = &from[last.end..];
            let dotted = after.starts_with(['.', '．']);
            let marked = before.trim_end().ends_with(is_mark);
            let short = (3..FULL_WORD).contains(&word.chars().count()) && !word.eq_ignore_ascii_case("est");
            let apart = before.ends_with(char::is_whitespace);
            if !(marked || dotted && short && apart) {
                return (apart && nth <= MOST_BARE).then(|| self.unmarked(text, before, after, &sides))?;
            }
            self.said_before(before, from, &sides).or_else(|| {
                let place = nth <= MOST_PLACE && is_written(text, after, &sides, marked);
                place.then(|| self.place_before(before, after, setting(&sides), dotted))?
            })
        })
    }

    /// Whether a line is a heading, and begins with something else than an inner or outer word.
    pub fn is_turned(&self, text: &str) -> bool {
        let text = spaced(text);
        self.prefix(&text).is_none() && (self.turned(&text).is_some() || self.spelled_out(&text).is_some())
    }

    /// Whether a line that is no heading is written as one, but for the inner or outer word: `KITCHEN - NIGHT`.
    pub fn resembles(&self, text: &str) -> bool {
        let text = spaced(text);
        if text.len() > LONGEST || has_lower(&text) || text.starts_with('!') {
            return false;
        }
        self.ends_with_hour(&text) || self.has_side(&text) || self.begins_inside(&text)
    }

    /// Whether a line that is read as a name is written as a heading: `KITCHEN - NIGHT`.
    pub fn resembles_by_hour(&self, text: &str) -> bool {
        let text = spaced(text);
        // `MARA (NIGHT)` is a name.
        text.len() <= LONGEST && !has_lower(&text) && !text.contains(['(', '（']) && self.ends_with_hour(&text)
    }

    /// A full inner word at the beginning, and no sentence behind it: `INTERIOR KITCHEN`.
    fn begins_inside(&self, text: &str) -> bool {
        let sides = self.side_words(text);
        let Some(last) = sides.last().filter(|last| last.text.chars().count() >= FULL_WORD) else {
            return false;
        };
        let rest = &text[last.end..];
        let behind = words(rest).len();
        let ends = rest.ends_with(['.', '!', '?', '…', '。']);
        behind > 0 && !(ends && behind > 2 && !rest.contains(is_dash))
    }

    /// An inner word with its dot, somewhere behind: `VON VORN: INT. KÜCHE`.
    fn has_side(&self, text: &str) -> bool {
        word_starts(text).into_iter().take(MOST_WORDS).skip(1).any(|(at, end)| {
            let dotted = text[end..].starts_with(['.', '．']) && text[end..].contains(char::is_alphabetic);
            let marked = text[..at].trim_end().ends_with(is_mark);
            dotted && marked && text[at..end].chars().count() > 2 && self.side(&text[at..end]).is_some()
        })
    }

    /// `FLASHBACK: INT. KITCHEN - NIGHT`, `NACHT - INNEN - KÜCHE`: what is before the inner word says something else.
    fn said_before(&self, before: &str, from: &str, sides: &[Word<'_>]) -> Option<Turned> {
        if sides.iter().any(|side| has_lower(side.text)) {
            return None;
        }
        let said = self.all(before)?;
        let last = sides.last()?;
        let (rest, own) = match self.prefix(from) {
            Some(prefix) => (&from[prefix.len..], true),
            None => (&from[last.end..], false),
        };
        let between = rest.trim_start().starts_with(is_mark) || before.ends_with(['/', '／']);
        let sure = own || said.time.is_some() && between && sides.iter().all(|side| side.side.own) && !has_lower(from);
        let (rest, setting) = self.second_side(rest, setting(sides));
        let names = rest.chars().any(char::is_alphabetic);
        (sure && names).then(|| Turned { setting, rest: rest.into_owned(), said })
    }

    /// `回想　○台所（夜）`: what is before the sign says something else.
    fn sign_behind(&self, text: &str) -> Option<Turned> {
        let sign = self.signs.iter().find_map(|sign| text.find(sign.as_str()).filter(|at| *at > 0))?;
        let said = self.all(&text[..sign])?;
        let prefix = self.prefix(&text[sign..])?;
        Some(Turned { setting: prefix.setting, rest: text[sign + prefix.len..].to_owned(), said })
    }

    /// `KÜCHE - INNEN/NACHT`, `KITCHEN - NIGHT (INT)`: the place is before the inner word, and an hour must be known.
    fn place_before(&self, before: &str, after: &str, setting: Setting, dotted: bool) -> Option<Turned> {
        let place = before.trim_end_matches(is_between);
        let after = after.trim_start_matches(is_between);
        if !place.chars().any(char::is_alphabetic) {
            return None;
        }
        let rest = if after.chars().any(char::is_alphanumeric) {
            self.all(after).filter(Found::says_when)?;
            format!("{place} - {after}")
        } else {
            let heading = self.after_prefix(place);
            if heading.time.is_none() || heading.whole.is_some() && !dotted {
                return None;
            }
            place.to_owned()
        };
        Some(Turned { setting, rest, said: Found::default() })
    }

    /// `KÜCHE INNEN NACHT`: a short place in capitals, the inner word, and nothing but an hour.
    fn unmarked(&self, line: &str, before: &str, after: &str, sides: &[Word<'_>]) -> Option<Turned> {
        let inner =
            |side: &Word<'_>| side.side.own && side.text.chars().count() > 2 && !side.text.eq_ignore_ascii_case("est");
        let begins = words(after).next().is_some_and(|word| !self.joins(&word));
        let written = !has_lower(line) && !line.ends_with(['.', '!', '?']) && after.starts_with(char::is_whitespace);
        if !(written && begins && sides.iter().all(inner)) || self.all(before).is_some() {
            return None;
        }
        self.all(after).filter(|hour| hour.time.is_some())?;
        Some(Turned {
            setting: setting(sides),
            rest: format!("{} - {}", before.trim(), after.trim()),
            said: Found::default(),
        })
    }

    /// Reads what follows the first inner word; of two headings in one, `CAR - NIGHT / EXT. STREET - NIGHT`, both.
    fn both_sides(&self, rest: &str, first: Setting) -> Heading {
        if let Some(second) = self.second(rest) {
            let one = self.after_prefix(rest[..second.from].trim_end_matches(|c: char| {
                c.is_whitespace() || is_dash(c) || matches!(c, '/' | '／' | ',' | ';' | '&' | '+')
            }));
            let two = self.after_prefix(&rest[second.to..]);
            let bare = one.whole.is_none() || two.whole.is_some();
            if (one.time.is_some() || one.goes_on) && bare && !one.location.is_empty() && !two.location.is_empty() {
                let setting = if second.setting == first { first } else { Setting::Both };
                let tail = place(&rest[second.to..]);
                return Heading { setting, ..one.with(two, &tail) };
            }
        }
        let (rest, setting) = self.second_side(rest, first);
        Heading { setting, ..self.after_prefix(&rest) }
    }

    /// What follows the first inner word without a second one in it, and what both say: `INT. CAR/EXT. ROAD`.
    fn second_side<'a>(&self, rest: &'a str, first: Setting) -> (Cow<'a, str>, Setting) {
        match self.second(rest) {
            Some(second) => {
                let both = if second.setting == first { first } else { Setting::Both };
                (Cow::Owned(format!("{}{}", &rest[..second.at], &rest[second.to..])), both)
            }
            None => (Cow::Borrowed(rest), first),
        }
    }

    /// The second inner or outer word behind the first one's place.
    fn second(&self, rest: &str) -> Option<Second> {
        let starts = word_starts(&rest[..rest.floor_char_boundary(LONGEST)]);
        starts.iter().take(MOST_WORDS).enumerate().skip(1).find_map(|(nth, (at, end))| {
            let (word, after) = (&rest[*at..*end], &rest[*end..]);
            let letters = word.chars().count();
            let before = rest[..*at].trim_end();
            if letters < 3 || has_lower(word) {
                return None;
            }
            let dotted = after.starts_with(['.', '．']);
            let (joining, joined) = starts[nth - 1];
            let spoken = nth > 1 && dotted && joined == before.len() && self.joins(&rest[joining..joined]);
            let slashed =
                before.ends_with(['/', '／']) && letters < FULL_WORD && after.starts_with(char::is_whitespace);
            // `HOTEL, EST. 1920` tells its age.
            let place = after.trim_start_matches(is_between).starts_with(char::is_alphabetic);
            if !(before.ends_with(is_mark) && (dotted || slashed) || spoken) || !place {
                return None;
            }
            let side = self.side(word).filter(|side| side.own || side.english)?;
            let to = after.len() - after.trim_start_matches(is_between).len() + end;
            let from = if spoken { joining } else { *at };
            Some(Second { at: *at, from, to, setting: side.setting })
        })
    }
}

/// A second inner or outer word in a heading.
#[derive(Debug)]
struct Second {
    /// Where it begins, in bytes.
    at: usize,
    /// Where it begins with the word that joins it: `AND EXT.`.
    from: usize,
    /// Where its place begins.
    to: usize,
    setting: Setting,
}

/// Whether the inner word behind a place is written as one: in a line of capitals, or as nothing in a sentence is.
fn is_written(line: &str, after: &str, sides: &[Word<'_>], marked: bool) -> bool {
    let dotted = after.starts_with(['.', '．']);
    let short = |side: &Word<'_>| side.text.chars().count() < FULL_WORD;
    let known = |side: &Word<'_>| {
        let letters = side.text.chars().count();
        side.side.own && (letters > 2 || dotted || !side.text.is_ascii()) || dotted && letters > 2
    };
    let est = sides.iter().any(|side| side.text.eq_ignore_ascii_case("est"));
    let capitals = !has_lower(line) && (!est || dotted || marked);
    let mixed = || marked && !est && (dotted && sides.iter().all(short) || after.starts_with(['/', '／']));
    sides.iter().all(known) && (capitals || mixed())
}

/// What parts an inner word from what is before it.
fn is_mark(c: char) -> bool {
    is_dash(c)
        || matches!(
            c,
            '.' | '。'
                | '．'
                | ','
                | '、'
                | '，'
                | ':'
                | '：'
                | ';'
                | '('
                | ')'
                | '（'
                | '）'
                | '['
                | ']'
                | '【'
                | '】'
                | '/'
                | '／'
                | '|'
                | '・'
                | '&'
                | '+'
        )
}

fn is_between(c: char) -> bool {
    c.is_whitespace() || is_mark(c)
}
