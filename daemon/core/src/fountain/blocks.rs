//! Blocks: which lines make which element.

use super::{
    Dialogue, Element, ElementKind, Errors, Note, Remarks, Speech, SpeechKind, Text,
    effort::Effort,
    source::{Line, Source, is_soft_blank},
};
use crate::heading::{Vocabulary, folded, visible};

/// Reads the elements from line index `start` on.
pub(super) fn read(
    source: &Source,
    start: usize,
    words: &Vocabulary,
    elements: &mut Vec<Element>,
    (errors, remarks, effort): (&mut Errors, &mut Remarks, &mut Effort),
) {
    let mut reader = Reader { lines: &source.lines, at: start, fresh: true, words, elements, errors, remarks, effort };
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
    words: &'a Vocabulary,
    elements: &'a mut Vec<Element>,
    errors: &'a mut Errors,
    remarks: &'a mut Remarks,
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
        if let Some((transition, heading)) = Some(text).filter(|_| self.fresh).and_then(|text| joined(text, self.words))
        {
            let element = |kind, notes| Element { line: line.number, kind, notes };
            self.elements.push(element(ElementKind::Transition(transition), vec![]));
            self.elements.push(element(heading, line.notes.clone()));
            (self.at, self.fresh) = (self.at + 1, true);
        } else if let Some(kind) = self.single_line(&line.text) {
            self.elements.push(Element { line: line.number, kind, notes: line.notes.clone() });
            (self.at, self.fresh) = (self.at + 1, true);
        } else if text.starts_with('~') {
            self.paragraph(line, |next| next.text.trim_start().starts_with('~'), ElementKind::Lyric);
        } else if let Some(cue) = self.cue(text) {
            self.dialogue(line, cue);
        } else {
            self.no_heading(line);
            self.paragraph(line, |next| !interrupts(&next.text), ElementKind::Action);
        }
    }

    fn single_line(&mut self, line: &str) -> Option<ElementKind> {
        let text = line.trim();
        if let Some(kind) = marked(text, self.effort) {
            self.marked_heading(&kind);
            return Some(kind);
        }
        let shown = visible(text);
        if let Some(forced) = forced_heading(shown.trim()) {
            let (text, number) = unnumbered(forced, self.words);
            return Some(ElementKind::SceneHeading { text: text.to_owned(), number });
        }
        if let Some(heading) = Some(text).filter(|_| self.fresh).and_then(|text| heading(text, self.words)) {
            return Some(heading);
        }
        let words = unmarked(shown.trim());
        // A name that speaks may be such a word in another language.
        let alone = || {
            is_english_transition(words)
                || words.ends_with([':', '：'])
                || self.next_is_blank()
                || self.heading_follows()
        };
        (self.fresh && is_transition(words, self.words) && alone()).then(|| ElementKind::Transition(words.to_owned()))
    }

    fn heading_follows(&self) -> bool {
        self.lines.get(self.at + 1).is_some_and(|next| is_heading(next.text.trim(), self.words))
    }

    /// A scene heading behind the mark of an outline or a transition begins no scene; unless the scene follows, that is said.
    fn marked_heading(&mut self, kind: &ElementKind) {
        let (text, what) = match kind {
            ElementKind::Section { text, .. } => (text, "a section of the outline"),
            ElementKind::Synopsis(text) => (text, "a synopsis"),
            ElementKind::Transition(text) => (text, "a transition"),
            _ => return,
        };
        let next = || self.lines[self.at + 1..].iter().find(|line| !line.is_blank());
        if is_heading(text, self.words) && !next().is_some_and(|next| is_heading(next.text.trim(), self.words)) {
            let line = self.lines[self.at].number;
            self.remarks.push(line, format!("this looks like a scene heading and is read as {what}; remove the mark it begins with to begin a scene"));
        }
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
            if self.at > from {
                self.run_on(line);
            }
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
        if self.words.resembles_by_hour(first.text.trim()) {
            self.remarks.push(first.number, "this looks like a scene heading and is read as a name that speaks; begin it with INT. or EXT., or with a dot, to begin a scene");
        }
        let mut notes = first.notes.clone();
        let mut parts: Vec<Speech> = Vec::new();
        self.at += 1;
        while let Some(line) = self.lines.get(self.at).filter(|line| !line.is_blank() || is_soft_blank(&line.text)) {
            if is_page_break(line.text.trim()) {
                break;
            }
            self.effort.look(line.text.len());
            self.run_on(line);
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

    /// A line inside a paragraph that would be a scene heading after an empty line: people forget that line.
    fn run_on(&mut self, line: &Line) {
        let text = line.text.trim();
        if self.words.is_heading(text) && !text.chars().take(3).any(char::is_lowercase) {
            self.remarks.push(line.number, "this looks like a scene heading, and no empty line stands before it, so it is read as part of the paragraph; put an empty line before it to begin a scene");
        }
    }

    /// A line alone that is read as action, and is written as only headings are.
    fn no_heading(&mut self, line: &Line) {
        if !self.fresh || !self.next_is_blank() {
            return;
        }
        if self.words.resembles_transition(line.text.trim()) {
            self.remarks.push(line.number, "this looks like a transition and is read as action; write one of 'CUT TO:', 'DISSOLVE TO:', 'FADE TO BLACK.', or begin it with '!' when it is action");
        } else if self.words.resembles(line.text.trim()) {
            self.remarks.push(line.number, "this looks like a scene heading and is read as action; begin it with INT. or EXT., or with a dot, to begin a scene, or with '!' when it is action");
        }
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

/// Whether a line, standing after an empty one, is a scene heading.
pub(super) fn is_heading(text: &str, words: &Vocabulary) -> bool {
    heading(text, words).is_some() || joined(text, words).is_some()
}

/// A transition and the scene heading it leads to, on one line: `CUT TO: INT. KITCHEN - NIGHT`.
fn joined(text: &str, words: &Vocabulary) -> Option<(String, ElementKind)> {
    let (transition, rest) = text.split_once([':', '：'])?;
    let transition = visible(transition);
    let transition = format!("{}:", transition.trim());
    if !is_transition(&transition, words) || words.fades_in(&transition) && !is_english_transition(&transition) {
        return None;
    }
    Some((transition, heading(rest.trim(), words)?))
}

/// The scene heading a line is: in bold or not, with a scene number on either side or both.
fn heading(text: &str, words: &Vocabulary) -> Option<ElementKind> {
    let text = visible(text);
    let (text, number) = unnumbered(&text, words);
    let text = unmarked(text);
    words.is_heading(text).then(|| ElementKind::SceneHeading { text: text.to_owned(), number })
}

/// A heading without its number: `#12A#` behind it, or `12A` before it and behind it, as shooting scripts have it.
fn unnumbered<'a>(text: &'a str, words: &Vocabulary) -> (&'a str, Option<String>) {
    let marked = text.trim_end().strip_suffix('#').and_then(|rest| rest.rsplit_once('#'));
    if let Some((heading, number)) = marked.filter(|(_, number)| is_scene_number(number)) {
        return (heading.trim(), Some(number.to_owned()));
    }
    let text = text.trim();
    let told = text.split_once(|c: char| c.is_whitespace() || matches!(c, '.' | ':' | '#'));
    let scene = told.filter(|(word, _)| SCENES.contains(&folded(word).as_str()));
    let scene = scene.map(|(_, rest)| rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '.' | '#')));
    let Some((number, rest)) = numbered(scene.unwrap_or(text), words) else { return (text, None) };
    let behind = rest.strip_suffix(number).filter(|rest| rest.ends_with(char::is_whitespace));
    (behind.map_or(rest, str::trim_end), Some(number.to_owned()))
}

/// What a writer may put before a scene's number, folded.
const SCENES: [&str; 14] = [
    "scene",
    "sc",
    "szene",
    "bild",
    "escena",
    "cena",
    "scena",
    "сцена",
    "seq",
    "sequence",
    "secuencia",
    "sequenza",
    "sequencia",
    "シーン",
];
/// Longest number of a scene, in letters.
const LONGEST_NUMBER: usize = 8;

/// A number and the heading behind it: `12 INT.`, `12A. INT.`, `1-1. INT.`, `12)INT.`.
fn numbered<'a>(text: &'a str, words: &Vocabulary) -> Option<(&'a str, &'a str)> {
    let digit = |c: char| c.is_numeric();
    // Numbers have a digit and few letters.
    let is_number = |number: &str| {
        number.contains(digit)
            && number.chars().all(|c| c.is_alphanumeric() && !c.is_lowercase() || matches!(c, '-' | '.' | '/' | '#'))
    };
    let first = text.find(char::is_whitespace).unwrap_or(text.len());
    let glued = text[..first]
        .char_indices()
        .filter(|(_, c)| matches!(c, '.' | ')' | ':' | '）'))
        .map(|(at, c)| at + c.len_utf8());
    let ends = std::iter::once(first).chain(glued).filter(|end| *end < text.len());
    ends.take(LONGEST_NUMBER).find_map(|end| {
        let (number, rest) = text.split_at(end);
        let number = number.trim_end_matches(['.', ')', ':', '）']);
        let between = |c: char| c.is_whitespace() || matches!(c, '-' | '–' | '—' | ':');
        let rest = unmarked(rest.trim_start_matches(between));
        let long = number.chars().take(LONGEST_NUMBER + 1).count() > LONGEST_NUMBER;
        let sentence = || rest.chars().take(3).any(char::is_lowercase) && !words.is_turned(rest);
        (!long && is_number(number) && words.is_heading(rest) && !sentence()).then_some((number, rest))
    })
}

/// A line without the emphasis that stands around all of it: `**FADE IN:**`.
fn unmarked(text: &str) -> &str {
    let mut text = text.trim();
    while let Some(inner) = ['*', '_']
        .into_iter()
        .find_map(|mark| text.strip_prefix(mark)?.strip_suffix(mark))
        .filter(|text| !text.is_empty())
    {
        text = inner.trim();
    }
    text
}

fn is_scene_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '.'))
}

/// Whether a line, standing after an empty one, is a transition: upper case and `... TO:`, or one of those the languages
/// of headings know.
pub(super) fn is_transition(text: &str, words: &Vocabulary) -> bool {
    is_upper(text) && (text.ends_with(" TO:") || words.transition(text).is_some())
}

/// Whether it is one in every screenplay, whatever follows it.
fn is_english_transition(text: &str) -> bool {
    text.ends_with(" TO:")
        || matches!(
            text.trim_end_matches(['.', ':']),
            "FADE IN" | "FADE OUT" | "FADE TO BLACK" | "CUT TO BLACK" | "SMASH CUT" | "MATCH CUT" | "JUMP CUT"
        )
}

fn is_upper(text: &str) -> bool {
    text.chars().any(char::is_alphabetic) && !text.chars().any(char::is_lowercase)
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
