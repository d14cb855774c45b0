//! Source: from bytes to lines, with the boneyard taken out and the notes set aside.

use super::{Errors, MAX_BYTES, Remarks, ScriptError, effort::Effort};
use crate::{
    heading::{Vocabulary, is_unseen},
    text::{NotText, text_of, without_mark},
};

/// Something written between `[[` and `]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Line of its first character, from 1.
    pub line: u32,
    /// Column of its first character, from 1.
    pub column: u32,
    /// What it says, with its line breaks and spaces.
    pub text: String,
}

impl Note {
    /// Line and column of the byte `offset` of the text.
    pub fn place(&self, offset: usize) -> (u32, u32) {
        let before = &self.text[..offset];
        match before.rfind('\n') {
            None => (self.line, self.column + before.chars().count() as u32),
            Some(at) => {
                let lines = before.bytes().filter(|byte| *byte == b'\n').count() as u32;
                (self.line + lines, before[at + 1..].chars().count() as u32 + 1)
            }
        }
    }
}

/// A line without its boneyard and notes.
#[derive(Debug)]
pub(super) struct Line {
    /// Its line number in the screenplay, from 1.
    pub(super) number: u32,
    /// What is left of it.
    pub(super) text: String,
    /// Notes that stood alone above it, after an empty line.
    pub(super) before: Vec<Note>,
    /// Notes on it, or alone directly below it.
    pub(super) notes: Vec<Note>,
}

impl Line {
    pub(super) fn is_blank(&self) -> bool {
        self.text.chars().all(|c| c.is_whitespace() || is_unseen(c))
    }
}

/// The lines of a screenplay.
#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) lines: Vec<Line>,
    /// Notes after the last line.
    pub(super) tail: Vec<Note>,
}

/// Bytes to text: the size limit, the byte order mark, UTF-8.
pub(super) fn decode(bytes: &[u8]) -> Result<&str, ScriptError> {
    if bytes.len() > MAX_BYTES {
        let message = format!(
            "the screenplay has {:.1} MiB, expected at most 10 MiB; split it into episodes",
            bytes.len() as f64 / (1024.0 * 1024.0)
        );
        return Err(ScriptError { line: 1, column: 1, message });
    }
    let text = text_of(bytes).map_err(|why| {
        let NotText::Other { byte, at } = why else {
            return ScriptError { line: 1, column: 1, message: why.to_string() };
        };
        let good = std::str::from_utf8(&without_mark(bytes)[..at]).unwrap_or_default();
        let message = format!("expected UTF-8 text but found the byte 0x{byte:02x}; save the screenplay as UTF-8");
        fault_after(good, message)
    })?;
    match text.find('\0') {
        // No database keeps it.
        Some(at) => Err(fault_after(&text[..at], "found the character NUL, which cannot be kept; take it out".into())),
        None => Ok(text),
    }
}

/// A fault at the first character after what is good.
fn fault_after(good: &str, message: String) -> ScriptError {
    let (mut line, mut last) = (1, "");
    for raw in raw_lines(good) {
        (line, last) = (raw.number, raw.text);
    }
    if good.ends_with(['\n', '\r']) {
        (line, last) = (line + 1, "");
    }
    ScriptError { line, column: last.chars().count() as u32 + 1, message }
}

/// A line as it stands in the file.
struct Raw<'a> {
    /// Its number, from 1.
    number: u32,
    text: &'a str,
    /// Everything below it.
    below: &'a str,
}

/// Lines with their numbers; they end with CRLF, LF or a lone CR.
fn raw_lines(text: &str) -> impl Iterator<Item = Raw<'_>> {
    let mut rest = text;
    let mut number = 0;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        number += 1;
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.strip_prefix("\r\n").or_else(|| after.get(1..)).unwrap_or("");
        Some(Raw { number, text: line, below: rest })
    })
}

/// Takes the boneyard and the notes out of every line.
pub(super) fn read(
    text: &str,
    words: &Vocabulary,
    (errors, remarks): (&mut Errors, &mut Remarks),
    effort: &mut Effort,
) -> Source {
    let mut reader = Reader { source: Source::default(), inside: Inside::Text };
    for raw in raw_lines(text) {
        effort.look(raw.text.len() + 1);
        reader.empty(&raw, words, remarks, effort);
        reader.line(raw.number, raw.text, effort);
    }
    match &reader.inside {
        // A long note is known to be closed.
        Inside::Text | Inside::LongNote(_) => {}
        Inside::Boneyard { line, column, .. } => {
            errors.push(*line, *column, "this '/*' is never closed; expected '*/' before the end of the screenplay");
        }
        Inside::Note(_) => reader.cut_short(remarks),
    }
    reader.source
}

enum Inside {
    Text,
    Boneyard {
        line: u32,
        column: u32,
        /// Nothing but white space stood before it on its line.
        alone: bool,
    },
    Note(Note),
    /// A note with an empty line inside, known to be closed further down.
    LongNote(Note),
}

struct Reader {
    source: Source,
    inside: Inside,
}

/// Counts columns along a line, each character once however many notes there are.
struct Columns<'a> {
    raw: &'a str,
    counted: usize,
    column: u32,
}

impl Columns<'_> {
    fn at(&mut self, offset: usize) -> u32 {
        self.column += self.raw[self.counted..offset].chars().count() as u32;
        self.counted = offset;
        self.column
    }
}

impl Reader {
    /// An empty line inside a note: people leave one without the two spaces Fountain asks for. The note goes on when it
    /// is closed before another one begins; else the mark that closes it was forgotten, and it ends here.
    fn empty(&mut self, raw: &Raw<'_>, words: &Vocabulary, remarks: &mut Remarks, effort: &mut Effort) {
        if !raw.text.trim().is_empty() || is_soft_blank(raw.text) {
            return;
        }
        let Inside::Note(note) = &self.inside else { return };
        let next = raw.below.as_bytes().windows(2).position(|two| two == b"[[" || two == b"]]");
        effort.look(next.unwrap_or(raw.below.len()) + 1);
        if let Some(end) = next.filter(|at| raw.below.as_bytes()[*at] == b']') {
            let heading = raw_lines(&raw.below[..end]).find(|line| words.is_heading(line.text.trim()));
            if let Some(heading) = heading {
                let line = raw.number + heading.number;
                remarks.push(note.line, format!("the note that begins here holds the scene heading of line {line}, which is therefore no part of the film; write ']]' where the note ends, or take scenes out with '/*' and '*/'"));
            }
            self.inside = Inside::LongNote(note.clone());
        } else {
            self.cut_short(remarks);
        }
    }

    /// The note that is open ends here, for nothing closes it.
    fn cut_short(&mut self, remarks: &mut Remarks) {
        if let Inside::Note(note) = std::mem::replace(&mut self.inside, Inside::Text) {
            remarks.push(
                note.line,
                "this '[[' is never closed, so the note ends with its paragraph; write ']]' where it ends",
            );
            let text = note.text.trim_end().to_owned();
            self.attach(vec![Note { text, ..note }]);
        }
    }

    fn line(&mut self, number: u32, raw: &str, effort: &mut Effort) {
        let mut columns = Columns { raw, counted: 0, column: 1 };
        let mut removed = !matches!(self.inside, Inside::Text);
        let (mut kept, mut notes, mut separates) = (String::new(), Vec::new(), false);
        let mut at = 0;
        loop {
            match &mut self.inside {
                Inside::Text => {
                    let Some(found) = counted(opener(&raw[at..]), &raw[at..], effort) else {
                        kept.push_str(&raw[at..]);
                        break;
                    };
                    let open = at + found;
                    kept.push_str(&raw[at..open]);
                    (at, removed) = (open + 2, true);
                    self.inside = if raw.as_bytes()[open] == b'[' {
                        Inside::Note(Note { line: number, column: columns.at(open) + 2, text: String::new() })
                    } else {
                        Inside::Boneyard { line: number, column: columns.at(open), alone: kept.trim().is_empty() }
                    };
                }
                Inside::Boneyard { line, alone, .. } => {
                    let Some(found) = counted(raw[at..].find("*/"), &raw[at..], effort) else { break };
                    separates |= *alone && *line != number;
                    at = after_mark(raw, at + found + 2, &kept);
                    self.inside = Inside::Text;
                }
                Inside::Note(note) | Inside::LongNote(note) => {
                    let Some(found) = counted(raw[at..].find("]]"), &raw[at..], effort) else {
                        note.text.push_str(&raw[at..]);
                        note.text.push('\n');
                        break;
                    };
                    note.text.push_str(&raw[at..at + found]);
                    at = after_mark(raw, at + found + 2, &kept);
                    let inside = std::mem::replace(&mut self.inside, Inside::Text);
                    if let Inside::Note(note) | Inside::LongNote(note) = inside {
                        if note.line == number { notes.push(note) } else { self.attach(vec![note]) }
                    }
                }
            }
        }
        if removed && kept.trim().is_empty() {
            self.vanished(number, notes, separates);
        } else {
            self.keep(number, &kept, notes, removed);
        }
    }

    /// A line of which nothing is left is no line, so a note may stand between a name and its words.
    /// Only a boneyard of several lines leaves an empty line behind, as taking its text out would.
    fn vanished(&mut self, number: u32, notes: Vec<Note>, separates: bool) {
        self.attach(notes);
        if separates {
            self.keep(number, "", Vec::new(), true);
        }
    }

    fn keep(&mut self, number: u32, kept: &str, notes: Vec<Note>, removed: bool) {
        let kept = if removed { kept.trim_end() } else { kept };
        // Nothing good comes of control characters in a picture's prompt or on a voice's standard input.
        let text = kept.replace(|c: char| c.is_control() && c != '\t', " ");
        let before = std::mem::take(&mut self.source.tail);
        self.source.lines.push(Line { number, text, before, notes });
    }

    fn attach(&mut self, notes: Vec<Note>) {
        match self.source.lines.last_mut() {
            Some(line) if !line.is_blank() => line.notes.extend(notes),
            _ => self.source.tail.extend(notes),
        }
    }
}

/// What a search came to, its way counted.
fn counted(found: Option<usize>, searched: &str, effort: &mut Effort) -> Option<usize> {
    effort.look(found.unwrap_or(searched.len()) + 1);
    found
}

/// Where the next `[[` or `/*` is.
fn opener(text: &str) -> Option<usize> {
    text.as_bytes().windows(2).position(|two| two == b"[[" || two == b"/*")
}

/// Where the text goes on after a removed part, so that no double space stays behind.
fn after_mark(raw: &str, at: usize, kept: &str) -> usize {
    let doubled = raw[at..].starts_with(' ') && (kept.is_empty() || kept.ends_with(' '));
    if doubled { at + 1 } else { at }
}

/// An empty line that does not end a dialogue or a note: two or more spaces.
pub(super) fn is_soft_blank(text: &str) -> bool {
    text.len() >= 2 && text.bytes().all(|byte| byte == b' ')
}
