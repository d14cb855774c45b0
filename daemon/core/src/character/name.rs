//! Name: names of characters and places as they are compared, however an editor wrote their marks.

use std::collections::{BTreeMap, BTreeSet};

use unicode_normalization::UnicodeNormalization;

/// The name of somebody or of a place as it is compared: as a title, without marks that editors write in many ways
/// (`O'BRIEN`, `O’BRIEN`; `DR. KLEIN`, `DR KLEIN`).
pub fn fold_name(name: &str) -> String {
    let quote = |c: char| matches!(c, '\'' | '`' | '"' | '\u{2018}'..='\u{201f}');
    let mark = |c: char| c.is_ascii_punctuation() || ('\u{2010}'..='\u{2027}').contains(&c);
    let bare: String = name.chars().filter(|c| !quote(*c)).map(|c| if mark(c) { ' ' } else { c }).collect();
    let folded = fold(&bare);
    if folded.is_empty() { fold(name) } else { folded }
}

/// Whether two names mean one character, or one place.
pub fn same_name(one: &str, other: &str) -> bool {
    // Of names in plain letters nothing else can be folded away.
    let plain = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    one.eq_ignore_ascii_case(other) || (!(plain(one) && plain(other)) && fold_name(one) == fold_name(other))
}

/// What is kept under a name. Earlier versions kept it under its small letters, marks and all.
pub fn by_name<'a, T>(all: &'a BTreeMap<String, T>, name: &str) -> Option<&'a T> {
    all.get(&fold_name(name)).or_else(|| all.get(&name.to_lowercase()))
}

/// The same to be changed; what is not there yet is made.
pub fn by_name_mut<'a, T: Default>(all: &'a mut BTreeMap<String, T>, name: &str) -> &'a mut T {
    let (key, before) = (fold_name(name), name.to_lowercase());
    let known = !all.contains_key(&key) && all.contains_key(&before);
    all.entry(if known { before } else { key }).or_default()
}

/// Whether a name is among those that are kept, also by an earlier version.
pub fn has_name(all: &BTreeSet<String>, name: &str) -> bool {
    all.contains(&fold_name(name)) || all.contains(&name.to_lowercase())
}

/// A title or a name as it is compared: without capitals, accents composed, single spaces.
pub fn fold(title: &str) -> String {
    let composed: String = title.nfc().flat_map(char::to_lowercase).collect();
    composed.split_whitespace().collect::<Vec<_>>().join(" ")
}
