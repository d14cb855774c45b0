//! Title page: `Key: value` lines at the very beginning, up to the first empty line.

use super::{Note, Text, TitleField, blocks, effort::Effort, source::Line};
use crate::heading::Vocabulary;

/// What stands before a colon at the beginning of a film, and is no field of a title page.
const OPENINGS: [&str; 14] = [
    "super",
    "superimpose",
    "superimposed",
    "title card",
    "card",
    "caption",
    "over black",
    "on black",
    "black screen",
    "voice over",
    "fade in",
    "fade up",
    "cut to",
    "text on screen",
];

/// The fields, the notes between them, and the index of the first line after the page.
pub(super) fn read(lines: &[Line], words: &Vocabulary, effort: &mut Effort) -> (Vec<TitleField>, Vec<Note>, usize) {
    let Some(first) = lines.iter().position(|line| !line.is_blank()) else { return (vec![], vec![], 0) };
    if !begins(&lines[first..], words) {
        return (vec![], vec![], 0);
    }
    let mut fields: Vec<TitleField> = Vec::new();
    let mut notes: Vec<Note> = lines[..first].iter().flat_map(|line| line.before.iter().cloned()).collect();
    let mut at = first;
    while let Some(line) = lines.get(at).filter(|line| !line.is_blank() && !blocks::is_heading(line.text.trim(), words))
    {
        effort.look(line.text.len());
        notes.extend(line.before.iter().chain(&line.notes).cloned());
        match key_and_value(&line.text) {
            Some((key, value)) => fields.push(field(line, key, value, effort)),
            None => go_on(&mut fields, line, effort),
        }
        at += 1;
    }
    (fields, notes, at)
}

/// `FADE IN:` is a transition, `Title:` with an indented line below is a title.
fn begins(lines: &[Line], words: &Vocabulary) -> bool {
    let text = &lines[0].text;
    if blocks::is_heading(text.trim(), words) || blocks::is_transition(text.trim(), words) {
        return false;
    }
    key_and_value(text).is_some_and(|(key, value)| {
        // What a film may begin with is no field, whatever follows its colon.
        let first = OPENINGS.iter().any(|word| key.eq_ignore_ascii_case(word));
        !first
            && (!value.is_empty()
                || lines.get(1).is_some_and(|next| !next.is_blank() && next.text.starts_with([' ', '\t'])))
    })
}

fn key_and_value(text: &str) -> Option<(&str, &str)> {
    let (key, value) = text.split_once(':')?;
    let named = key.starts_with(char::is_alphabetic)
        && key.len() <= 40
        && key.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '/'));
    named.then(|| (key.trim_end(), value.trim()))
}

fn field(line: &Line, key: &str, value: &str, effort: &mut Effort) -> TitleField {
    let column = column_of(&line.text, value);
    TitleField { key: key.to_owned(), value: Text::of_line(value, effort), line: line.number, column }
}

fn go_on(fields: &mut [TitleField], line: &Line, effort: &mut Effort) {
    let Some(field) = fields.last_mut() else { return };
    let text = line.text.trim();
    let first = field.value.plain.is_empty();
    if first {
        (field.line, field.column) = (line.number, column_of(&line.text, text));
    }
    field.value.push_line(text, first, effort);
}

/// `value` is the trimmed end of `text`.
fn column_of(text: &str, value: &str) -> u32 {
    let start = text.trim_end().len() - value.len();
    text[..start].chars().count() as u32 + 1
}
