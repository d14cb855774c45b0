//! Emphasis: `*italic*`, `**bold**`, `***both***`, `_underlined_`, and `\*` for the mark itself.

use super::effort::Effort;

/// Words without their marks, and where the marks were.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Text {
    /// The words alone; lines are joined by line breaks.
    pub plain: String,
    /// What is emphasised, in order of where it begins.
    pub spans: Vec<Span>,
}

/// A part of a text that is emphasised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// First byte in the plain text.
    pub start: usize,
    /// Byte after the last.
    pub end: usize,
    /// Whether it is bold, italic or underlined.
    pub emphasis: Emphasis,
}

/// How a part of a text is emphasised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Emphasis {
    Bold,
    Italic,
    Underline,
}

impl Text {
    /// Adds a line; emphasis never reaches over a line break.
    pub(super) fn push_line(&mut self, line: &str, first: bool, effort: &mut Effort) {
        if !first {
            self.plain.push('\n');
        }
        effort.look(line.len());
        let pieces = pieces(line);
        effort.look(pieces.len());
        let pairs = pairs(&pieces);
        self.append(&pieces, &pairs);
    }

    /// The words of one line.
    pub(super) fn of_line(line: &str, effort: &mut Effort) -> Self {
        let mut text = Self::default();
        text.push_line(line, true, effort);
        text
    }

    /// The words on one line, white space folded.
    pub fn folded(&self) -> String {
        self.plain.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn append(&mut self, pieces: &[Piece<'_>], pairs: &[Pair]) {
        let mut used = vec![0; pieces.len()];
        for pair in pairs {
            let width = if pair.emphasis == Emphasis::Bold { 2 } else { 1 };
            used[pair.open] += width;
            used[pair.close] += width;
        }
        // A run's unused marks are words: before the emphasis it opens, after the one it closes.
        let (mut before, mut after) = (Vec::with_capacity(pieces.len()), Vec::with_capacity(pieces.len()));
        for (piece, used) in pieces.iter().zip(&used) {
            before.push(self.plain.len());
            match piece {
                Piece::Words(words) => self.plain.push_str(words),
                Piece::Marks(marks) => (*used..marks.count).for_each(|_| self.plain.push(marks.mark)),
            }
            after.push(self.plain.len());
        }
        let from = self.spans.len();
        let spans =
            pairs.iter().map(|pair| Span { start: after[pair.open], end: before[pair.close], emphasis: pair.emphasis });
        self.spans.extend(spans.filter(|span| span.start < span.end));
        self.spans[from..].sort_unstable();
    }
}

enum Piece<'a> {
    Words(&'a str),
    Marks(Marks),
}

struct Marks {
    mark: char,
    count: usize,
    opens: bool,
    closes: bool,
}

struct Pair {
    open: usize,
    close: usize,
    emphasis: Emphasis,
}

fn pieces(line: &str) -> Vec<Piece<'_>> {
    let bytes = line.as_bytes();
    let (mut pieces, mut words, mut at) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if matches!(bytes.get(at + 1), Some(b'*' | b'_')) => {
                pieces.push(Piece::Words(&line[words..at]));
                (words, at) = (at + 1, at + 2);
            }
            mark @ (b'*' | b'_') => {
                let count = bytes[at..].iter().take_while(|byte| **byte == mark).count();
                pieces.push(Piece::Words(&line[words..at]));
                pieces.push(Piece::Marks(marks(line, at, count)));
                at += count;
                words = at;
            }
            _ => at += 1,
        }
    }
    pieces.push(Piece::Words(&line[words..]));
    pieces
}

fn marks(line: &str, at: usize, count: usize) -> Marks {
    let mark = char::from(line.as_bytes()[at]);
    let (before, after) = (line[..at].chars().next_back(), line[at + count..].chars().next());
    let is_word = |c: Option<char>| c.is_some_and(|c| !c.is_whitespace());
    // `snake_case` is a word, not an underlined one.
    let inside = |c: Option<char>| mark == '_' && c.is_some_and(char::is_alphanumeric);
    let possible = count <= if mark == '*' { 3 } else { 1 };
    Marks {
        mark,
        count,
        opens: possible && is_word(after) && !inside(before),
        closes: possible && is_word(before) && !inside(after),
    }
}

/// Which marks belong together; each is looked at once.
fn pairs(pieces: &[Piece<'_>]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let (mut bold, mut italic, mut underline) = (None, None, None);
    for (at, piece) in pieces.iter().enumerate() {
        let Piece::Marks(marks) = piece else { continue };
        let mut close = |open: &mut Option<usize>, emphasis| {
            let found = if marks.closes { open.take() } else { None };
            pairs.extend(found.map(|open| Pair { open, close: at, emphasis }));
            found.is_some()
        };
        if marks.mark == '_' {
            if !close(&mut underline, Emphasis::Underline) && marks.opens {
                underline = Some(at);
            }
            continue;
        }
        let closed_bold = marks.count >= 2 && close(&mut bold, Emphasis::Bold);
        let closed_italic = marks.count != 2 && close(&mut italic, Emphasis::Italic);
        if marks.opens && !closed_bold && !closed_italic {
            if marks.count >= 2 {
                bold = Some(at);
            }
            if marks.count != 2 {
                italic = Some(at);
            }
        }
    }
    pairs
}
