//! Marks: dashes and brackets of headings, and a place without those that part it from the rest.

/// Whether it is a dash of any kind.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '−' | '﹘' | '﹣' | '－')
}

/// Brackets, and what closes them.
const BRACKETS: [(char, char); 9] = [
    ('(', ')'),
    ('（', '）'),
    ('[', ']'),
    ('［', '］'),
    ('【', '】'),
    ('〔', '〕'),
    ('〈', '〉'),
    ('＜', '＞'),
    ('{', '}'),
];

/// What closes a bracket.
pub(super) fn closing(c: char) -> Option<char> {
    BRACKETS.iter().find(|(open, _)| *open == c).map(|(_, close)| *close)
}

/// Whether it closes a bracket.
pub(super) fn is_closing(c: char) -> bool {
    BRACKETS.iter().any(|(_, close)| *close == c)
}

/// A place as written, without what parts it from the rest; every white space is a space.
pub(super) fn place(text: &str) -> String {
    let spaced: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    let end = |c: char| {
        c == ' '
            || closing(c).is_some()
            || is_dash(c)
            || matches!(c, ',' | ';' | ':' | '|' | '/' | '・' | '、' | '，' | '~' | '•' | '·' | '>' | '_' | '=' | '\\')
    };
    balanced(spaced.trim().trim_end_matches(end))
}

/// A text of which a part was cut off, without the brackets that lost their other half before it.
fn balanced(text: &str) -> String {
    let mut open = Vec::new();
    text.chars()
        .filter(|c| {
            open.extend(closing(*c));
            !is_closing(*c) || open.pop().is_some()
        })
        .collect()
}

/// A place with the bracket closed that `after` closed behind it: `HOUSE (KITCHEN, NIGHT)`.
pub(super) fn closed(mut place: String, after: &str) -> String {
    let opened = place.rfind(|c: char| closing(c).is_some() || is_closing(c)).and_then(|at| place[at..].chars().next());
    let close = opened.and_then(closing).filter(|close| after.contains(*close));
    place.extend(close);
    place
}
