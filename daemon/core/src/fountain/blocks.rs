//! Blocks: which lines make which element.

use super::{
    Dialogue, Element, ElementKind, Errors, Note, Speech, SpeechKind, Text,
    effort::Effort,
    source::{Line, Source, is_soft_blank},
};

/// Reads the elements from line index `start` on.
pub(super) fn read(
    source: &Source,
    start: usize,
    elements: &mut Vec<Element>,
    errors: &mut Errors,
    effort: &mut Effort,
) {
    let mut reader = Reader { lines: &source.lines, at: start, fresh: true, elements, errors, effort };
    while let Some(line) = reader.lines.get(reader.at) {
        reader.stand_alone(&line.before);
        if line.is_blank() {
            (reader.at, reader.fresh) = (reader.at + 1, true);
        } else {
            reader.block(line);
        }
    }
    reader.stand_alone(&source.tail);
}

struct Reader<'a> {
    lines: &'a [Line],
    at: usize,
    /// An empty line, or an element that is always one line, stands before.
    fresh: bool,
    elements: &'a mut Vec<Element>,
    errors: &'a mut Errors,
    effort: &'a mut Effort,
}

impl<'a> Reader<'a> {
    fn stand_alone(&mut self, notes: &[Note]) {
        self.elements.extend(notes.iter().map(|note| Element {
            line: note.line,
            kind: ElementKind::Note(note.clone()),
            notes: vec![],
        }));
    }

    /// Reads the element that begins with `line`; always goes at least one line on.
    fn block(&mut self, line: &'a Line) {
        self.effort.look(line.text.len());
        let text = line.text.trim();
        if let Some(kind) = self.single_line(&line.text) {
            self.elements.push(Element { line: line.number, kind, notes: line.notes.clone() });
            (self.at, self.fresh) = (self.at + 1, true);
        } else if text.starts_with('~') {
            self.paragraph(line, |next| next.text.trim_start().starts_with('~'), ElementKind::Lyric);
        } else if let Some(cue) = self.cue(text) {
            self.dialogue(line, cue);
        } else {
            self.paragraph(line, |next| !interrupts(&next.text), ElementKind::Action);
        }
    }

    fn single_line(&mut self, line: &str) -> Option<ElementKind> {
        let text = line.trim();
        if let Some(kind) = marked(text, self.effort) {
            return Some(kind);
        }
        if let Some(forced) = forced_heading(text) {
            return Some(heading(forced));
        }
        if self.fresh && is_heading(text) {
            return Some(heading(text));
        }
        (self.fresh && is_transition(text)).then(|| ElementKind::Transition(text.to_owned()))
    }

    fn next_is_blank(&self) -> bool {
        self.lines.get(self.at + 1).is_none_or(Line::is_blank)
    }

    /// The speaker, when `text` is a character cue: it is followed by words, and upper case or forced.
    fn cue(&self, text: &str) -> Option<Cue> {
        if self.next_is_blank() {
            return None;
        }
        if let Some(forced) = text.strip_prefix('@') {
            return Cue::read(forced);
        }
        let cue = Cue::read(text).filter(|_| self.fresh && !text.starts_with('!'))?;
        let is_upper = cue.character.chars().any(char::is_uppercase) && !cue.character.chars().any(char::is_lowercase);
        is_upper.then_some(cue)
    }

    fn paragraph(&mut self, first: &Line, belongs: impl Fn(&Line) -> bool, kind: impl Fn(Text) -> ElementKind) {
        let (mut text, mut notes) = (Text::default(), Vec::new());
        let from = self.at;
        while let Some(line) =
            self.lines.get(self.at).filter(|line| !line.is_blank() && (self.at == from || belongs(line)))
        {
            // Action keeps its indentation; Fountain counts a tab as four spaces.
            let words = line.text.trim_end().replace('\t', "    ");
            let words = words.strip_prefix(['!', '~']).map_or(words.as_str(), str::trim_start);
            text.push_line(words, self.at == from, self.effort);
            notes.extend(line.notes.iter().cloned());
            self.at += 1;
        }
        self.elements.push(Element { line: first.number, kind: kind(text), notes });
        self.fresh = false;
    }

    fn dialogue(&mut self, first: &Line, cue: Cue) {
        let mut notes = first.notes.clone();
        let mut parts: Vec<Speech> = Vec::new();
        self.at += 1;
        while let Some(line) = self.lines.get(self.at).filter(|line| !line.is_blank() || is_soft_blank(&line.text)) {
            if is_page_break(line.text.trim()) {
                break;
            }
            self.effort.look(line.text.len());
            notes.extend(line.notes.iter().cloned());
            let (kind, words) = speech(line.text.trim());
            match parts.last_mut().filter(|last| last.kind == kind && kind != SpeechKind::Parenthetical) {
                Some(last) => last.text.push_line(words, false, self.effort),
                None => parts.push(Speech { line: line.number, kind, text: Text::of_line(words, self.effort) }),
            }
            self.at += 1;
        }
        if cue.dual && !self.follows_first_speaker() {
            let column = first.text.trim_end().chars().count() as u32;
            self.errors.push(first.number, column, format!(
                "'{} ^' speaks together with nobody; expected the first speaker's dialogue directly before (two can speak together, not more), or remove the '^'", cue.character));
        }
        let kind = ElementKind::Dialogue(Dialogue {
            character: cue.character,
            extensions: cue.extensions,
            dual: cue.dual,
            parts,
        });
        self.elements.push(Element { line: first.number, kind, notes });
        self.fresh = false;
    }

    fn follows_first_speaker(&self) -> bool {
        let last = self.elements.iter().rev().find(|element| !matches!(element.kind, ElementKind::Note(_)));
        last.is_some_and(|element| matches!(&element.kind, ElementKind::Dialogue(first) if !first.dual))
    }
}

/// Elements that carry their own mark and never need an empty line.
fn marked(text: &str, effort: &mut Effort) -> Option<ElementKind> {
    if is_page_break(text) {
        return Some(ElementKind::PageBreak);
    }
    if text.starts_with('#') {
        let words = text.trim_start_matches('#');
        return Some(ElementKind::Section { depth: (text.len() - words.len()) as u32, text: words.trim().to_owned() });
    }
    if let Some(words) = text.strip_prefix('=') {
        return Some(ElementKind::Synopsis(Text::of_line(words.trim(), effort).plain));
    }
    let words = text.strip_prefix('>')?;
    Some(match words.strip_suffix('<') {
        Some(words) => ElementKind::Centered(Text::of_line(words.trim(), effort)),
        None => ElementKind::Transition(words.trim().to_owned()),
    })
}

fn is_page_break(text: &str) -> bool {
    text.len() >= 3 && text.bytes().all(|byte| byte == b'=')
}

/// Lines that end a paragraph of action without an empty line.
fn interrupts(line: &str) -> bool {
    let text = line.trim_start();
    text.starts_with(['#', '=', '>', '~', '@']) || forced_heading(text).is_some()
}

fn forced_heading(text: &str) -> Option<&str> {
    text.strip_prefix('.').filter(|rest| rest.starts_with(char::is_alphanumeric))
}

const HEADINGS: [&str; 8] = ["int./ext", "int/ext", "ext./int", "ext/int", "int", "ext", "est", "i/e"];

/// How many bytes of `text` say inside or outside, with their dot; `None` when it is no scene heading.
pub(crate) fn heading_prefix(text: &str) -> Option<usize> {
    let starts = |prefix: &&str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    let found = HEADINGS.iter().find(|prefix| starts(prefix) && text[prefix.len()..].starts_with(['.', ' ']))?;
    Some(found.len() + usize::from(text[found.len()..].starts_with('.')))
}

/// Whether a line, standing after an empty one, is a scene heading.
pub(super) fn is_heading(text: &str) -> bool {
    heading_prefix(text).is_some()
}

fn heading(text: &str) -> ElementKind {
    let numbered = text.trim_end().strip_suffix('#').and_then(|rest| rest.rsplit_once('#'));
    match numbered {
        Some((words, number)) if is_scene_number(number) => {
            ElementKind::SceneHeading { text: words.trim().to_owned(), number: Some(number.to_owned()) }
        }
        _ => ElementKind::SceneHeading { text: text.trim().to_owned(), number: None },
    }
}

fn is_scene_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.'))
}

/// Whether a line, standing after an empty one, is a transition: upper case and `... TO:`, or one of the
/// few every screenplay knows.
pub(super) fn is_transition(text: &str) -> bool {
    let is_upper = text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase);
    is_upper
        && (text.ends_with(" TO:")
            || matches!(
                text.trim_end_matches(['.', ':']),
                "FADE IN" | "FADE OUT" | "FADE TO BLACK" | "CUT TO BLACK" | "SMASH CUT" | "MATCH CUT" | "JUMP CUT"
            ))
}

fn speech(text: &str) -> (SpeechKind, &str) {
    if let Some(words) = text.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return (SpeechKind::Parenthetical, words.trim());
    }
    match text.strip_prefix('~') {
        Some(words) => (SpeechKind::Lyric, words.trim()),
        None => (SpeechKind::Spoken, text),
    }
}

struct Cue {
    character: String,
    extensions: Vec<String>,
    dual: bool,
}

impl Cue {
    /// `NAME (V.O.) (CONT'D) ^`; `None` when there is no name.
    fn read(text: &str) -> Option<Self> {
        let words = text.trim().strip_suffix('^');
        let (dual, words) = (words.is_some(), words.unwrap_or(text).trim());
        let (name, rest) = words.split_once('(').map_or((words, ""), |(name, rest)| (name.trim(), rest));
        let extensions = rest.split('(').filter_map(|part| part.trim().strip_suffix(')'));
        let extensions = extensions.map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect();
        let named = name.chars().any(char::is_alphanumeric);
        named.then(|| Self { character: name.split_whitespace().collect::<Vec<_>>().join(" "), extensions, dual })
    }
}
