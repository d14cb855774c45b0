//! Pieces: what follows the inner or outer word, taken apart from its end: place, hour, and what else is said.

use super::{
    Heading, Vocabulary,
    clock::{clock, half, number},
    fold::{folded, words},
    marks::{closing, is_closing, is_dash, place},
    said::{Found, nearly, said},
    vocabulary::{Meaning, Phrases},
};

/// Pieces behind the place that are looked at: ` - NIGHT - RAIN - FLASHBACK (1944) - CONTINUOUS` and some to spare.
const MOST_PIECES: usize = 8;
/// Words of a piece that are looked at; a longer one is a place.
const MOST_WORDS: usize = 12;
/// Words before an hour that may be no part of the place, or the whole of it.
const MOST_BESIDE: usize = 3;
/// Longer pieces, in bytes, are places.
pub(super) const LONGEST: usize = 400;
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
    /// It stands in brackets.
    inside: bool,
}

impl Vocabulary {
    /// Reads what follows the inner or outer word.
    pub(super) fn after_prefix(&self, rest: &str) -> Heading {
        let joined = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '.').starts_with(['/', '／']);
        let dashed = rest.starts_with(is_dash) && rest.chars().nth(1).is_some_and(char::is_alphanumeric);
        let rest = rest.trim_start_matches(is_between);
        // `INNEN/NACHT KÜCHE`: what a slash joins to the inner word is an hour, whatever follows it.
        if let Some((end, hour)) = Some(rest).filter(|_| joined).and_then(|rest| self.leading(rest)) {
            return hour.before(self.after_prefix(rest[end..].trim_start_matches(is_between)));
        }
        let heading = self.by_pieces(rest);
        // `INT-NIGHT KITCHEN`: a dash without a space joins as a slash does, unless the hour stands behind the place.
        let hour_behind = (heading.time.is_some() || heading.goes_on) && heading.location != place(rest);
        if dashed
            && !hour_behind
            && let Some((end, hour)) = self.leading(rest)
        {
            let behind = hour.before(self.after_prefix(rest[end..].trim_start_matches(is_between)));
            return Heading { whole: Some(Box::new(heading)), ..behind };
        }
        heading
    }

    /// The same of a rest that begins with the place, or with an hour and a mark.
    fn by_pieces(&self, rest: &str) -> Heading {
        let pieces = self.pieces(rest);
        let mut found = Found::default();
        let mut cut = pieces.len();
        while cut > 1 && pieces.len() - cut < MOST_PIECES && !is_name(&pieces[cut - 2], &pieces[cut - 1]) {
            let Some(earlier) = self.piece(pieces[cut - 1].text).or_else(|| self.beside(&found, &pieces[..cut])) else {
                break;
            };
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
        // `JOUR - CUISINE`: the hour goes before the place.
        let first = || pieces.first().and_then(|first| self.strict(first.text)).filter(|hour| hour.time.is_some());
        if found.time.is_none()
            && cut > 1
            && rest.len() <= LONGEST
            && !is_name(&pieces[0], &pieces[1])
            && let Some(hour) = first()
        {
            let whole = self.read_from(rest, &pieces, cut, &found, after_hour.clone());
            let (mut hour, mut at) = (hour, 1);
            while at + 1 < cut
                && let Some(more) = self.strict(pieces[at].text)
            {
                (hour, at) = (more.after(hour), at + 1);
            }
            let heading = hour.before(self.after_prefix(&rest[offset(rest, pieces[at].text)..]));
            return Heading { whole: Some(Box::new(whole)), ..heading };
        }
        self.read_from(rest, &pieces, cut, &found, after_hour)
    }

    /// The parts of a heading's rest; the dot of a clock's abbreviation parts nothing: `GODZ. 20`.
    fn pieces<'a>(&self, rest: &'a str) -> Vec<Piece<'a>> {
        let mut joined: Vec<Piece<'a>> = Vec::new();
        for piece in pieces(rest) {
            let number = piece.before == Before::Dot && piece.text.starts_with(|c: char| c.is_ascii_digit());
            match joined.last_mut().filter(|last| number && self.ends_with_clock(last.text)) {
                Some(last) => {
                    let from = offset(rest, last.text);
                    last.text = &rest[from..offset(rest, piece.text) + piece.text.len()];
                }
                None => joined.push(piece),
            }
        }
        joined
    }

    /// Whether a text ends with a word a number is an hour with, in any language.
    fn ends_with_clock(&self, text: &str) -> bool {
        let last = words(text).next_back().filter(|word| word.chars().count() > 2);
        let clock = |phrases: &Phrases, word: &String| {
            matches!(phrases.first(std::slice::from_ref(word)), Some((_, Meaning::Clock(_))))
        };
        last.is_some_and(|word| {
            clock(&self.own, &word) || self.others.iter().any(|(_, _, phrases)| clock(phrases, &word))
        })
    }

    /// The heading of which the pieces from `cut` on say `found`.
    fn read_from(
        &self,
        rest: &str,
        pieces: &[Piece<'_>],
        cut: usize,
        found: &Found,
        after_hour: Option<String>,
    ) -> Heading {
        let mut found = found.clone();
        let end = pieces.get(cut).map_or(rest.len(), |piece| piece.cut);
        let alone = (pieces.len() == 1 && !found.says_when()).then(|| self.piece(pieces[0].text)).flatten();
        if let Some(hour) = alone.filter(|alone| alone.time.is_some() && alone.foreign.is_none()) {
            found = hour;
        }
        let last = pieces.get(cut.wrapping_sub(1)).filter(|_| cut > 1 && !found.says_when());
        let unknown = last.filter(|last| last.before == Before::Mark || follows_word(rest, last.cut));
        let heading = found.heading(rest, end, unknown.map(|last| last.text.to_owned()), after_hour);
        let hour = cut.checked_sub(1).filter(|_| found.time.is_none()).and_then(|last| {
            let (at, hour) = self.bare(pieces[last].text)?;
            Some((offset(rest, pieces[last].text) + at, hour))
        });
        let beside =
            pieces.get(cut.wrapping_sub(1)).filter(|_| cut > 1).and_then(|last| self.hour_beside(rest, last, &found));
        match hour.filter(|(_, hour)| hour.time.is_some() || !found.goes_on) {
            Some((end, hour)) => Heading {
                whole: Some(Box::new(heading.clone())),
                beside,
                ..found.after(hour).heading(rest, rest[..end].trim_end_matches('.').len(), None, heading.after_hour)
            },
            None => Heading { beside, ..heading },
        }
    }

    /// How a heading reads when its last piece, which only ends with an hour, is no part of the place: `LAUNCH DAY`.
    fn hour_beside(&self, rest: &str, last: &Piece<'_>, found: &Found) -> Option<Box<Heading>> {
        let (at, hour) = self.bare(last.text).filter(|(_, hour)| hour.time.is_some())?;
        let few = last.before == Before::Mark && words(&last.text[..at]).len() <= MOST_BESIDE;
        // Of `LAUNCH DAY - NIGHT` the second is the hour.
        let time = if found.time.is_some() { None } else { hour.time };
        let said = Found { time, qualifiers: vec![last.text.to_owned()], ..Found::default() };
        few.then(|| Box::new(found.clone().after(said).heading(rest, last.cut, None, None)))
    }

    /// Whether a line ends with an hour alone behind a dash or in brackets, and begins with a place; behind a comma or a
    /// dot, where sentences have one, too, that place is short and nothing else is there.
    pub(super) fn ends_with_hour(&self, line: &str) -> bool {
        let pieces = self.pieces(line);
        let hour = |piece: &Piece<'_>| {
            piece.before == Before::Mark
                && self
                    .strict(piece.text)
                    // `KÜCHE - XYZ NACHT`
                    .or_else(|| self.bare(piece.text).map(|(_, said)| said))
                    .is_some_and(|said| said.time.is_some() && said.clock.is_none())
        };
        let place = |piece: &Piece<'_>| piece.text.contains(char::is_alphabetic) && self.strict(piece.text).is_none();
        let marked =
            line.contains(is_dash) || line.contains(|c: char| closing(c).is_some() || matches!(c, '/' | '／' | '・'));
        let short = |first: &Piece<'_>, last: &Piece<'_>| {
            let most = if last.before == Before::Dot { 1 } else { MOST_BESIDE };
            words(first.text).len() <= most && self.strict(last.text).is_some_and(|said| said.time.is_some())
        };
        let alone = matches!(pieces.as_slice(), [first, last] if short(first, last));
        let ends = marked && pieces.last().is_some_and(hour) || alone;
        ends && pieces.len() > 1 && pieces.first().is_some_and(place)
    }

    /// What a piece says when it is no place: in the screenplay's words, else in those of another language.
    fn piece(&self, text: &str) -> Option<Found> {
        self.says(text, true)
    }

    /// The same when every word is known.
    pub(super) fn strict(&self, text: &str) -> Option<Found> {
        self.says(text, false)
    }

    fn says(&self, text: &str, loose: bool) -> Option<Found> {
        if text.len() > LONGEST {
            return None;
        }
        if let Some(clock) = clock(text) {
            return Some(Found { time: Some(clock.time()), clock: Some(clock), ..Found::default() });
        }
        let words: Vec<String> = words(text).take(MOST_WORDS + 1).collect();
        if words.is_empty() || words.len() > MOST_WORDS {
            return None;
        }
        if let Some(found) = said(&self.own, &words, text, loose) {
            return Some(found);
        }
        self.others.iter().find_map(|(code, name, phrases)| {
            let found = said(phrases, &words, text, false).filter(Found::says_when)?;
            Some(Found { foreign: Some((name.clone(), code.clone())), ..found })
        })
    }

    /// What a piece in brackets says that is no hour, beside one that is: `（同日・夜）`.
    fn beside(&self, found: &Found, pieces: &[Piece<'_>]) -> Option<Found> {
        let (last, before) = pieces.split_last()?;
        let hour = |piece: &Piece<'_>| piece.inside && self.piece(piece.text).is_some_and(|one| one.says_when());
        let beside = last.inside && (found.says_when() || before.last().is_some_and(hour));
        (beside && nearly(&self.own, last.text))
            .then(|| Found { qualifiers: vec![last.text.to_owned()], ..Found::default() })
    }

    /// `11 O'CLOCK`, `8 PM`, `8:30 PM`, `22H`: a number that is no part of a place.
    fn begins_clock(&self, words: &[String], text: &str) -> bool {
        let Some((_, sure, _)) = number(&words[0]) else { return false };
        // `8:30` is one hour, `ROOM 8 30` is none.
        let joined = |next: &String| next.len() == 2 && number(next).is_some();
        let spelled = |next: &String| [':', '.'].iter().any(|mark| text.contains(&format!("{}{mark}{next}", words[0])));
        let minutes = usize::from(words.get(1).is_some_and(|next| joined(next) && spelled(next)));
        let rest = &words[1 + minutes..];
        sure || half(rest).is_some_and(|(count, _)| count > 1 || self.own.first(rest).is_none())
            || matches!(self.own.first(rest), Some((_, Meaning::Clock(_))))
    }

    /// An hour some text begins with, and where it ends; something must follow.
    fn leading(&self, text: &str) -> Option<(usize, Found)> {
        let ends = word_starts(&text[..text.floor_char_boundary(LONGEST)]);
        let most = ends.len().saturating_sub(1).min(MOST_WORDS);
        let whole = |end: usize| !text[end..].starts_with(['\'', '’']);
        ends[..most].iter().rev().map(|(_, end)| *end).filter(|end| whole(*end)).find_map(|end| {
            let hour = self.strict(&text[..end]).filter(|hour| hour.time.is_some())?;
            Some((end, hour))
        })
    }

    /// Whether every piece of a text is known and says something: together what they say.
    pub(super) fn all(&self, text: &str) -> Option<Found> {
        let pieces = self.pieces(text);
        let few = !pieces.is_empty() && pieces.len() <= MOST_PIECES;
        few.then(|| {
            pieces.iter().rev().try_fold(Found::default(), |found, piece| Some(found.after(self.strict(piece.text)?)))
        })?
    }

    /// An hour at the end of a place, with nothing but a space or a hyphen before it: where it begins, and what it says.
    fn bare(&self, text: &str) -> Option<(usize, Found)> {
        let ends = word_starts(text);
        let from = ends.len().saturating_sub(MOST_WORDS);
        let spelled = &ends[from..];
        let words: Vec<String> = spelled.iter().map(|(at, end)| folded(&text[*at..*end])).collect();
        let first = |at: usize| words.get(at..=at).and_then(|one| self.own.first(one)).map(|(_, meaning)| meaning);
        let joins = |at: usize| matches!(first(at), Some(Meaning::Small | Meaning::At));
        // The longest end that is nothing but an hour and what belongs to it, and leaves a place.
        for begin in 1..words.len() {
            if !self.begins(
                &words[begin..],
                &text[spelled[begin].0..],
                (begin..words.len()).take_while(|at| joins(*at)).count(),
            ) {
                continue;
            }
            let Some(found) =
                said(&self.own, &words[begin..], &text[spelled[begin].0..], false).filter(Found::says_when)
            else {
                continue;
            };
            let before = text[..spelled[begin].0].trim_end_matches(['\'', '’']);
            let at = if before.ends_with(char::is_whitespace) { before.len() } else { spelled[begin].0 };
            let plain = matches!(self.own.begin(&words[begin..]), Some(Meaning::Hour(..)));
            // `ST. JOHN'S LATE NIGHT`
            let owner = !plain && words[begin - 1] == "s" && text[..spelled[begin - 1].0].ends_with(['\'', '’']);
            // `SATURDAY NIGHT` is no night in a place called Saturday.
            let near = |at: usize| joins(at) || matches!(first(at), Some(Meaning::Near | Meaning::Number(_)));
            let named = from > 0 || (0..begin).any(|at| !near(at));
            if named && (owner || !joins(begin - 1)) && !text[..at].ends_with(['\'', '’']) {
                return Some((at, found));
            }
            // Of `HOUSE OF THE LAST NIGHT` no shorter end is an hour.
            if !plain && begin > 1 && joins(begin - 1) && joins(begin - 2) {
                return None;
            }
        }
        None
    }

    /// Whether words behind a place may begin an hour.
    fn begins(&self, words: &[String], text: &str, joining: usize) -> bool {
        let near = |words: &[String]| match self.own.begin(words) {
            // A house of the post is no time.
            Some(Meaning::Near) => words[0] != "post",
            Some(Meaning::Number(_)) => words.get(1).is_none_or(|next| number(next).is_none()),
            _ => false,
        };
        match self.own.begin(words) {
            Some(Meaning::Hour(..) | Meaning::GoesOn | Meaning::Near) => true,
            Some(Meaning::Number(_)) => near(words),
            // `AT DAWN`, and never `ON 5TH NIGHT`.
            Some(Meaning::At) => {
                let rest = &words[joining..];
                let hour = matches!(self.own.begin(rest), Some(Meaning::Hour(..)));
                hour || near(rest) || !rest.is_empty() && self.begins_clock(rest, text)
            }
            // `POKÓJ GODZ. 20`, `ROOM HALF PAST NINE`
            Some(Meaning::Clock(_)) if words[0].chars().count() > 2 => {
                let clock = self.own.first(words).map_or(1, |(count, _)| count);
                let spelled =
                    |rest: &[String]| clock > 1 && matches!(self.own.first(rest), Some((_, Meaning::Number(_))));
                words.get(clock).is_some_and(|next| number(next).is_some() || spelled(&words[clock..]))
            }
            // `THE NEXT MORNING`, and never `THE NIGHT`.
            Some(Meaning::Small) => joining == 1 && near(&words[1..]),
            _ => self.begins_clock(words, text),
        }
    }
}

/// Before the name of a person or a place: `MR. DAY` is no day in a place called Mister.
const TITLES: [&str; 16] =
    ["mr", "mrs", "ms", "dr", "st", "mt", "sgt", "lt", "col", "gen", "rev", "prof", "capt", "mme", "sr", "sra"];

/// Whether a piece goes on with the name the one before it began.
fn is_name(before: &Piece<'_>, piece: &Piece<'_>) -> bool {
    piece.before == Before::Dot && words(before.text).next_back().is_some_and(|last| TITLES.contains(&last.as_str()))
}

/// The parts of a heading's rest between separators; never an empty one.
fn pieces(rest: &str) -> Vec<Piece<'_>> {
    let mut pieces: Vec<Piece<'_>> = Vec::new();
    let (mut start, mut end, mut before, mut cut) = (0, 0, Before::Nothing, 0);
    let mut chars = rest.char_indices().peekable();
    let (mut last, mut depth) = (' ', 0_usize);
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let parts = separates(last, c, next);
        last = c;
        if let Some(mark) = parts {
            let text = rest[start..end.max(start)].trim();
            if !text.is_empty() {
                pieces.push(Piece { text, before, cut, inside: depth > 0 });
                // `ACME INC. - NIGHT` keeps its dot, `HOUSE (KITCHEN) - NIGHT` its bracket.
                cut = end;
                before = mark;
            } else if mark == Before::Mark {
                before = mark;
                if rest[cut..at].trim() == "." && !pieces.is_empty() {
                    cut = at - (rest[cut..at].len() - rest[cut..at].trim_end().len());
                }
            }
            let closes = is_closing(c);
            if closes {
                depth = depth.saturating_sub(1);
            } else if closing(c).is_some() {
                depth += 1;
            }
            if closes && rest[cut..at].trim().is_empty() {
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
        pieces.push(Piece { text, before, cut, inside: depth > 0 });
    }
    pieces
}

/// Whether a character parts pieces, between its neighbours.
fn separates(last: char, c: char, next: Option<char>) -> Option<Before> {
    let open = |next: Option<char>| next.is_none_or(char::is_whitespace);
    match c {
        '|' | '；' | ';' | '、' | '，' | ',' | '・' | '—' | '―' => Some(Before::Mark),
        c if is_closing(c) || closing(c).is_some() => Some(Before::Mark),
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

/// What may stand between the inner word and the place.
fn is_between(c: char) -> bool {
    c.is_whitespace() || is_dash(c) || matches!(c, '/' | '／' | '.' | ',' | ':' | '：' | '・' | ';' | '；' | '|' | '_')
}

/// Where each word begins and ends, in bytes.
pub(super) fn word_starts(text: &str) -> Vec<(usize, usize)> {
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
