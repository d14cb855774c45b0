//! Pieces: what follows the inner or outer word, taken apart from its end: place, hour, and what else is said.

use super::{
    Heading, Vocabulary,
    fold::{folded, words},
    vocabulary::{Meaning, Phrases},
};
use crate::scene::{Setting, TimeOfDay, Weather};

/// Pieces behind the place that are looked at: ` - NIGHT - RAIN - FLASHBACK (1944) - CONTINUOUS` and some to spare.
const MOST_PIECES: usize = 8;
/// Words of a piece that are looked at; a longer one is a place.
const MOST_WORDS: usize = 12;
/// Longer pieces, in bytes, are places.
const LONGEST: usize = 400;
/// A dot ends the place only after a word this long: `ST. MARY'S` is one.
const BEFORE_DOT: usize = 4;

/// What stands before a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    /// Nothing, or white space.
    Nothing,
    /// A dot between sentences.
    Dot,
    /// A dash, a comma, a bracket.
    Mark,
}

/// A part of a heading between separators.
#[derive(Debug, Clone, Copy)]
struct Piece<'a> {
    text: &'a str,
    before: Before,
    /// Where what stands before it ends, in bytes of the whole.
    cut: usize,
}

/// What the end of a heading says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Found {
    time: Option<TimeOfDay>,
    goes_on: bool,
    weather: Option<Weather>,
    qualifiers: Vec<String>,
    foreign: Option<(String, String)>,
}

impl Found {
    /// The heading it is the end of.
    fn heading(&self, before: &str, unknown: Option<String>, after_hour: Option<String>) -> Heading {
        Heading {
            setting: Setting::Both,
            location: place(before),
            time: self.time,
            goes_on: self.goes_on,
            weather: self.weather,
            qualifiers: self.qualifiers.clone(),
            whole: None,
            unknown,
            after_hour,
            foreign: self.foreign.clone(),
        }
    }

    fn says_when(&self) -> bool {
        self.time.is_some() || self.goes_on
    }

    /// Adds what an earlier piece says; of two hours the first counts.
    fn after(self, earlier: Self) -> Self {
        let mut qualifiers = earlier.qualifiers;
        qualifiers.extend(self.qualifiers);
        Self {
            time: earlier.time.or(self.time),
            goes_on: earlier.goes_on || self.goes_on,
            weather: earlier.weather.or(self.weather),
            qualifiers,
            foreign: earlier.foreign.or(self.foreign),
        }
    }
}

impl Vocabulary {
    /// Reads a heading such as `INT. HOUSE - KITCHEN - NIGHT, RAIN`, without its number and its forcing dot.
    pub fn read(&self, heading: &str) -> Heading {
        let (len, setting) = self.prefix(heading).map_or((0, Setting::Both), |prefix| (prefix.len, prefix.setting));
        Heading { setting, ..self.after_prefix(&heading[len..]) }
    }

    /// Reads what follows the inner or outer word.
    pub(super) fn after_prefix(&self, rest: &str) -> Heading {
        let rest = rest.trim_start_matches(|c: char| {
            c.is_whitespace() || is_dash(c) || matches!(c, '/' | '／' | '.' | ',' | ':' | '・')
        });
        let pieces = pieces(rest);
        let mut found = Found::default();
        let mut cut = pieces.len();
        while cut > 1 && pieces.len() - cut < MOST_PIECES && !is_name(&pieces[cut - 2], &pieces[cut - 1]) {
            let Some(earlier) = self.piece(pieces[cut - 1].text) else { break };
            (found, cut) = (found.after(earlier), cut - 1);
        }
        let mut after_hour = None;
        if !found.says_when() {
            let from = cut.saturating_sub(MOST_PIECES).max(1);
            let middle = (from..cut.saturating_sub(1)).rev().find_map(|at| {
                let hour = self.piece(pieces[at].text).filter(Found::says_when)?;
                Some((at, hour))
            });
            if let Some((at, hour)) = middle {
                let late = pieces[at + 1].cut_to(rest, pieces.get(cut));
                after_hour = Some(late.clone());
                let late = Found { qualifiers: vec![late], ..Found::default() };
                (found, cut) = (found.after(late).after(hour), at);
            }
        }
        let end = pieces.get(cut).map_or(rest.len(), |piece| piece.cut);
        let alone = (pieces.len() == 1 && !found.says_when()).then(|| self.piece(pieces[0].text)).flatten();
        if let Some(hour) = alone.filter(|alone| alone.time.is_some() && alone.foreign.is_none()) {
            found = hour;
        }
        let last = pieces.get(cut.wrapping_sub(1)).filter(|_| cut > 1 && !found.says_when());
        let unknown = last.filter(|last| last.before == Before::Mark || follows_word(rest, last.cut));
        let heading = found.heading(&rest[..end], unknown.map(|last| last.text.to_owned()), after_hour);
        let hour = cut.checked_sub(1).filter(|_| found.time.is_none()).and_then(|last| {
            let (at, hour) = self.bare(pieces[last].text)?;
            Some((offset(rest, pieces[last].text) + at, hour))
        });
        match hour.filter(|(_, hour)| hour.time.is_some() || !found.goes_on) {
            Some((end, hour)) => Heading {
                whole: Some(Box::new(heading.clone())),
                ..found.after(hour).heading(rest[..end].trim_end_matches('.'), None, heading.after_hour)
            },
            None => heading,
        }
    }

    /// What a piece says when it is no place: in the screenplay's words, else in those of another language.
    fn piece(&self, text: &str) -> Option<Found> {
        if text.len() > LONGEST {
            return None;
        }
        if let Some(time) = clock(text) {
            return Some(Found { time: Some(time), ..Found::default() });
        }
        let words: Vec<String> = words(text).take(MOST_WORDS + 1).collect();
        if words.is_empty() || words.len() > MOST_WORDS {
            return None;
        }
        if let Some(found) = said(&self.own, &words, text, true) {
            return Some(found);
        }
        self.others.iter().find_map(|(code, name, phrases)| {
            let found = said(phrases, &words, text, false).filter(Found::says_when)?;
            Some(Found { foreign: Some((name.clone(), code.clone())), ..found })
        })
    }

    /// An hour at the end of a place, with nothing but a space or a hyphen before it: where it begins, and what it says.
    fn bare(&self, text: &str) -> Option<(usize, Found)> {
        let ends = word_starts(text);
        let from = ends.len().saturating_sub(MOST_WORDS);
        let spelled = &ends[from..];
        let words: Vec<String> = spelled.iter().map(|(at, end)| folded(&text[*at..*end])).collect();
        // The longest end that is nothing but an hour and what belongs to it, and leaves a place.
        (1..words.len()).find_map(|begin| {
            let tail = &words[begin..];
            let (_, first) = self.own.first(tail)?;
            let begins = matches!(first, Meaning::Hour(..) | Meaning::GoesOn | Meaning::Near);
            let meaning = |at: usize| self.own.first(&words[at..=at]).map(|(_, meaning)| meaning);
            let before = meaning(begin - 1);
            // `SATURDAY NIGHT` is no night in a place called Saturday.
            let named = from > 0 || (0..begin).any(|at| !matches!(meaning(at), Some(Meaning::Near | Meaning::Small)));
            if !begins || !named || before == Some(Meaning::Small) || text[..spelled[begin].0].ends_with(['\'', '’'])
            {
                return None;
            }
            let found = said(&self.own, tail, &text[spelled[begin].0..], false).filter(Found::says_when)?;
            Some((spelled[begin].0, found))
        })
    }
}

/// What words say together; `None` when they name a place, or one of them is unknown. With `loose` an hour may be
/// followed by what nobody knows, in languages where that is how one says it.
fn said(phrases: &Phrases, words: &[String], text: &str, loose: bool) -> Option<Found> {
    let mut found = Found::default();
    let (mut at, mut unknown, mut qualifies, mut number) = (0, false, Vec::new(), None);
    let mut leads = false;
    while at < words.len() {
        let (count, meaning) = phrases.first(&words[at..]).unzip();
        let count = count.unwrap_or(1);
        match meaning {
            Some(Meaning::Hour(time, first)) => {
                leads |= at == 0 && first;
                found.time = found.time.or(Some(time));
            }
            Some(Meaning::GoesOn) => found.goes_on = true,
            Some(Meaning::Weather(weather)) => found.weather = found.weather.or(Some(weather)),
            Some(Meaning::Qualifier) => qualifies.push(words[at..at + count].join(" ").to_uppercase()),
            Some(Meaning::Clock) => {
                let hour = number.and_then(|hour: u32| hour_of(hour));
                unknown |= hour.is_none();
                found.time = found.time.or(hour);
            }
            Some(Meaning::Near | Meaning::Small) => {}
            None if is_year(&words[at]) => qualifies.push(words[at].clone()),
            None if words[at].starts_with(|c: char| c.is_ascii_digit()) && words[at].len() < 8 => {
                number = number.or(words[at].parse().ok());
            }
            None => unknown = true,
        }
        at += count;
    }
    let says = found.says_when() || found.weather.is_some() || !qualifies.is_empty();
    if unknown {
        let follows = loose && leads && words.len() <= 4;
        return follows.then(|| Found { qualifiers: vec![text.to_owned()], ..found });
    }
    let alone = !found.says_when() && !qualifies.is_empty();
    found.qualifiers = if alone { vec![text.to_owned()] } else { qualifies };
    says.then_some(found)
}

/// Before the name of a person or a place: `MR. DAY` is no day in a place called Mister.
const TITLES: [&str; 16] =
    ["mr", "mrs", "ms", "dr", "st", "mt", "sgt", "lt", "col", "gen", "rev", "prof", "capt", "mme", "sr", "sra"];

/// Whether a piece goes on with the name the one before it began.
fn is_name(before: &Piece<'_>, piece: &Piece<'_>) -> bool {
    piece.before == Before::Dot && words(before.text).next_back().is_some_and(|last| TITLES.contains(&last.as_str()))
}

/// 1500 to 2200, `1990s` too.
fn is_year(word: &str) -> bool {
    let digits = word.strip_suffix('s').unwrap_or(word);
    digits.len() == 4 && digits.parse().is_ok_and(|year: u32| (1500..=2200).contains(&year))
}

/// `3 AM`, `10:30 p.m.`, `03:00`.
fn clock(text: &str) -> Option<TimeOfDay> {
    let text = folded(text).replace('.', "");
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let hour: u32 = text[..digits].parse().ok()?;
    let rest = text[digits..].trim_start();
    let minutes = rest
        .strip_prefix([':', 'h'])
        .filter(|rest| rest.len() >= 2 && rest.as_bytes()[..2].iter().all(u8::is_ascii_digit));
    let half = minutes.map_or(rest, |rest| rest[2..].trim_start());
    match half {
        "am" | "a m" if (1..=12).contains(&hour) => hour_of(hour % 12),
        "pm" | "p m" if (1..=12).contains(&hour) => hour_of(hour % 12 + 12),
        "" if minutes.is_some() => hour_of(hour),
        "h" => hour_of(hour),
        _ => None,
    }
}

/// What the studio calls an hour of 24.
fn hour_of(hour: u32) -> Option<TimeOfDay> {
    Some(match hour {
        0..=4 | 22..=24 => TimeOfDay::Night,
        5 | 6 => TimeOfDay::Dawn,
        7..=10 => TimeOfDay::Morning,
        11..=13 => TimeOfDay::Midday,
        14..=17 => TimeOfDay::Afternoon,
        18..=21 => TimeOfDay::Evening,
        _ => return None,
    })
}

fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '−' | '﹘' | '﹣' | '－')
}

/// The parts of a heading's rest between separators; never an empty one.
fn pieces(rest: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let (mut start, mut end, mut before, mut cut) = (0, 0, Before::Nothing, 0);
    let mut chars = rest.char_indices().peekable();
    let mut last = ' ';
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let parts = separates(last, c, next);
        last = c;
        if let Some(mark) = parts {
            let text = rest[start..end.max(start)].trim();
            if !text.is_empty() {
                pieces.push(Piece { text, before, cut });
                // `ACME INC. - NIGHT` keeps its dot, `HOUSE (KITCHEN) - NIGHT` its bracket.
                cut = end;
                before = mark;
            } else if mark == Before::Mark {
                before = mark;
                if rest[cut..at].trim() == "." && !pieces.is_empty() {
                    cut = at - (rest[cut..at].len() - rest[cut..at].trim_end().len());
                }
            }
            if matches!(c, ')' | '）' | ']') && rest[cut..at].trim().is_empty() {
                cut = at + c.len_utf8();
            }
            start = at + c.len_utf8();
            end = start;
        } else if !c.is_whitespace() {
            end = at + c.len_utf8();
        }
    }
    let text = rest[start..end.max(start)].trim();
    if !text.is_empty() {
        pieces.push(Piece { text, before, cut });
    }
    pieces
}

/// Whether a character parts pieces, between its neighbours.
fn separates(last: char, c: char, next: Option<char>) -> Option<Before> {
    let open = |next: Option<char>| next.is_none_or(char::is_whitespace);
    match c {
        '(' | ')' | '（' | '）' | '[' | ']' | '|' | '；' | ';' | '、' | '，' | ',' | '・' | '—' | '―' => {
            Some(Before::Mark)
        }
        ':' | '：' if open(next) => Some(Before::Mark),
        '/' | '／' if last.is_whitespace() && open(next) => Some(Before::Mark),
        '.' | '。' | '．' if open(next) || next.is_some_and(is_dash) => Some(Before::Dot),
        '。' => Some(Before::Dot),
        c if is_dash(c) => {
            let double = is_dash(last) || next.is_some_and(is_dash);
            (last.is_whitespace() || open(next) || double).then_some(Before::Mark)
        }
        _ => None,
    }
}

impl Piece<'_> {
    /// The text from this piece to where another one begins, as written.
    fn cut_to(&self, rest: &str, next: Option<&Self>) -> String {
        let end = next.map_or(rest.len(), |next| next.cut);
        place(&rest[offset(rest, self.text)..end])
    }
}

/// Where a part of a text begins in it, in bytes.
fn offset(whole: &str, part: &str) -> usize {
    part.as_ptr() as usize - whole.as_ptr() as usize
}

/// Where each word begins and ends, in bytes.
fn word_starts(text: &str) -> Vec<(usize, usize)> {
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut inside = false;
    for (at, c) in text.char_indices() {
        let letter = c.is_alphanumeric() || ('\u{300}'..='\u{36f}').contains(&c);
        if letter {
            if inside && let Some((_, end)) = words.last_mut() {
                *end = at + c.len_utf8();
            } else {
                words.push((at, at + c.len_utf8()));
            }
        }
        inside = letter;
    }
    words
}

/// Whether the word that ends at a byte is long enough to end a sentence.
fn follows_word(rest: &str, end: usize) -> bool {
    words(&rest[..end]).next_back().is_some_and(|word| word.chars().count() >= BEFORE_DOT)
}

/// A place as written, without what parts it from the rest; every white space is a space.
fn place(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let end = |c: char| {
        c == ' '
            || is_dash(c)
            || matches!(
                c,
                ',' | ';'
                    | ':'
                    | '|'
                    | '('
                    | '/'
                    | '・'
                    | '、'
                    | '，'
                    | '（'
                    | '~'
                    | '•'
                    | '·'
                    | '>'
                    | '_'
                    | '='
                    | '\\'
            )
    };
    spaced.trim().trim_end_matches(end).to_owned()
}
