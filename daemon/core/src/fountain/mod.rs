//! Fountain: the written form of a screenplay, read into elements that know their lines.
//!
//! Source: fountain.io/syntax, version 1.1. Three passes, each linear in the length of the text: `source` takes the
//! boneyard and the notes out of the lines, `blocks` finds the elements, `emphasis` reads the marks inside them.

mod blocks;
mod effort;
mod emphasis;
mod error;
mod source;
mod title_page;

pub use emphasis::{Emphasis, Span, Text};
pub(crate) use error::{Errors, Remarks};
pub use error::{MAX_ERRORS, Remark, ScriptError};
pub use source::Note;

use crate::heading::{Languages, Vocabulary};
use effort::Effort;

/// The largest screenplay that is read, in bytes (10 MiB, about a hundred feature films).
pub const MAX_BYTES: usize = 10 * 1024 * 1024;

/// A screenplay as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screenplay {
    /// Fields of the title page, in order.
    pub title_page: Vec<TitleField>,
    /// Everything after it, in order.
    pub elements: Vec<Element>,
    /// What was read otherwise than it may have been meant, in order of its place.
    pub remarks: Vec<Remark>,
}

impl Screenplay {
    /// What the title page says after `Language:`, as written; `None` when it says nothing.
    pub fn language(&self) -> Option<String> {
        language(&self.title_page)
    }
}

fn language(title_page: &[TitleField]) -> Option<String> {
    let named = title_page.iter().rev().filter(|field| field.key.eq_ignore_ascii_case("language"));
    named.map(|field| field.value.folded()).find(|value| !value.is_empty())
}

/// One field of the title page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TitleField {
    /// The key as written, e.g. `Draft date`.
    pub key: String,
    /// The value; several lines are joined by line breaks.
    pub value: Text,
    /// Line of the value's first character, from 1.
    pub line: u32,
    /// Column of the value's first character, from 1.
    pub column: u32,
}

/// One element of the screenplay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    /// Its first line, from 1.
    pub line: u32,
    /// What it is.
    pub kind: ElementKind,
    /// Notes standing on its lines or directly below them.
    pub notes: Vec<Note>,
}

/// What an element of the screenplay is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ElementKind {
    /// A new place and time.
    SceneHeading {
        /// The heading without its number and without a forcing dot.
        text: String,
        /// What stands between the `#` marks, e.g. `1A`.
        number: Option<String>,
    },
    /// What is seen.
    Action(Text),
    /// What is seen, in the middle of the page.
    Centered(Text),
    /// Something sung by nobody in particular.
    Lyric(Text),
    /// A character's name and what they say.
    Dialogue(Dialogue),
    /// How the film goes on, e.g. `CUT TO:`.
    Transition(String),
    /// An outline heading; not part of the film.
    Section {
        /// How many `#` marks it has, from 1.
        depth: u32,
        /// The heading without its `#` marks.
        text: String,
    },
    /// An outline summary; not part of the film.
    Synopsis(String),
    /// A forced new page.
    PageBreak,
    /// A note standing alone.
    Note(Note),
}

/// What one character says in one go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialogue {
    /// Who, without extensions.
    pub character: String,
    /// What stood in parentheses behind the name: `V.O.`, `CONT'D`.
    pub extensions: Vec<String>,
    /// Spoken together with the dialogue before (`^`).
    pub dual: bool,
    /// What is said and how, in order.
    pub parts: Vec<Speech>,
}

/// A part of a dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Speech {
    /// Its first line, from 1.
    pub line: u32,
    /// What it is.
    pub kind: SpeechKind,
    /// The words; for a parenthetical without the parentheses.
    pub text: Text,
}

/// What a part of a dialogue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpeechKind {
    /// Words that are spoken.
    Spoken,
    /// How it is said.
    Parenthetical,
    /// Words that are sung (`~`).
    Lyric,
}

/// Reads a screenplay whose headings are English: UTF-8 with or without a byte order mark, any line ends, at most
/// [`MAX_BYTES`].
///
/// # Errors
/// Everything that is wrong with it, in order of appearance, at most [`MAX_ERRORS`].
pub fn parse(bytes: &[u8]) -> Result<Screenplay, Vec<ScriptError>> {
    parse_in(bytes, &Languages::default())
}

/// The same for headings in any of `languages`; which one counts most, the title page says.
///
/// # Errors
/// As [`parse`].
pub fn parse_in(bytes: &[u8], languages: &Languages) -> Result<Screenplay, Vec<ScriptError>> {
    parse_counted(bytes, languages, &mut Effort::default())
}

fn parse_counted(bytes: &[u8], languages: &Languages, effort: &mut Effort) -> Result<Screenplay, Vec<ScriptError>> {
    let text = source::decode(bytes).map_err(|error| vec![error])?;
    let (mut errors, mut remarks) = (Errors::default(), Remarks::default());
    let words = Vocabulary::of(languages, None);
    let source = source::read(text, &words, (&mut errors, &mut remarks), effort);
    let (title_page, title_notes, start) = title_page::read(&source.lines, &words, effort);
    let words = Vocabulary::of(languages, language(&title_page).as_deref());
    let mut elements: Vec<Element> = title_notes
        .into_iter()
        .map(|note| Element { line: note.line, kind: ElementKind::Note(note), notes: vec![] })
        .collect();
    blocks::read(&source, start, &words, &mut elements, (&mut errors, &mut remarks, effort));

    let is_heading = |element: &Element| matches!(element.kind, ElementKind::SceneHeading { .. });
    if errors.is_empty() && title_page.is_empty() && elements.is_empty() {
        errors.push(
            1,
            1,
            "the screenplay is empty; expected a scene heading such as 'INT. KITCHEN - DAY' and what happens there",
        );
    } else if errors.is_empty() && !elements.iter().any(is_heading) {
        let line = elements.first().map_or(1, |first| first.line);
        errors.push(line, 1, "no scene heading found; begin each scene with a line such as 'INT. KITCHEN - DAY', with an empty line before it");
    }
    errors.or(Screenplay { title_page, elements, remarks: remarks.sorted() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: the work grows with the length, not with its square. Method: each nasty text at two sizes;
    /// what is looked at, counted in bytes, lines and marks, must stay within a fixed multiple of the length.
    #[test]
    fn reading_is_linear_in_the_length() {
        let nasty = [
            "[[",
            "[[ ]]",
            "/*",
            "/* */",
            "* ",
            "*a ",
            "**a*",
            "_a ",
            "A\n",
            "A\n\n",
            "[[\n\n",
            "@A\nb\n\n^",
            "~a\n",
            "[[a]]\n",
            "A ^\nb\n\n",
            "\\*",
            "(\n",
            ">a<\n",
            "\r",
            "  \n",
        ];
        for seed in nasty {
            for times in [1_000, 20_000] {
                let text = format!("INT. A - DAY\n\nA\n{}", seed.repeat(times));
                let mut effort = Effort::default();
                let _ = parse_counted(text.as_bytes(), &Languages::default(), &mut effort);
                let looked = effort.looked();
                assert!(
                    looked > 0 && looked <= 12 * text.len() as u64,
                    "{seed:?} x {times}: {looked} for {} bytes",
                    text.len()
                );
            }
        }
    }

    #[test]
    fn ten_megabytes_are_read_and_one_byte_more_is_refused() {
        let mut text = b"INT. A - DAY\n\n".to_vec();
        while text.len() < MAX_BYTES {
            text.extend_from_slice(b"*Rain* [[soft]] falls.\n\nMARA\nHello.\n\n");
        }
        text.truncate(MAX_BYTES);
        while text.last() != Some(&b'\n') {
            text.pop();
        }
        text.resize(MAX_BYTES, b'\n');
        let mut effort = Effort::default();
        let screenplay = parse_counted(&text, &Languages::default(), &mut effort).unwrap();
        assert!(screenplay.elements.len() > 400_000);
        assert!(effort.looked() <= 12 * MAX_BYTES as u64);
        text.push(b'\n');
        let errors = parse(&text).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].message.contains("10 MiB"), "{}", errors[0]);
    }
}
