//! Names that every file system takes and Jellyfin reads as meant.

/// Endings that make Jellyfin take a file for an extra, after one of `- . _`; "trailer" and "sample" also alone.
const EXTRAS: [&str; 15] = [
    "trailer",
    "sample",
    "scene",
    "clip",
    "interview",
    "behindthescenes",
    "deleted",
    "deletedscene",
    "featurette",
    "short",
    "extra",
    "other",
    "theme",
    "themesong",
    "themevideo",
];
/// What is put behind a title that reads as an extra.
const NO_EXTRA: &str = " (Episode)";

/// `text` as part of a file name: without characters that some file system refuses, without control and invisible
/// characters, without spaces and dots at its ends, at most 200 bytes. Empty when nothing is left.
pub fn safe_name(text: &str) -> String {
    cut(&clean(text), super::STEM_BYTES)
}

/// A show's name for its folder, at most `bytes` long; `None` when nothing is left.
pub(super) fn show_name(text: &str, bytes: usize) -> Option<String> {
    let mut name = clean(text);
    // The year is added again; two of them would make Jellyfin choose one.
    while let Some(without) = without_year(&name) {
        name = without;
    }
    let name = cut(&break_numbers(&name), bytes);
    name.chars().any(char::is_alphanumeric).then_some(name)
}

/// An episode's title for its file, at most `bytes` long; "Episode N" when nothing is left.
pub(super) fn title(text: &str, number: u32, bytes: usize) -> String {
    let mut title = break_numbers(&clean(text));
    // "E04" or "x12" right after the episode's number would be read as the end of a range.
    let mut letters = title.chars();
    let first = letters.next().filter(|c| "eExX".contains(*c));
    if first.is_some() && letters.next().is_some_and(|c| c.is_ascii_digit()) {
        title.insert(1, ' ');
    }
    let mut title = cut(&title, bytes - NO_EXTRA.len());
    if title.is_empty() {
        title = format!("Episode {number}");
    }
    if reads_as_extra(&title) {
        title.push_str(NO_EXTRA);
    }
    title
}

/// A language as file names carry it: `und` when it is none.
pub(super) fn language(code: &str) -> String {
    let fits =
        |code: &str| (2..=12).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if fits(code) { code.to_owned() } else { "und".to_owned() }
}

fn clean(text: &str) -> String {
    let kept: String = text
        .chars()
        .map(|c| if matches!(c, '/' | '\\' | '|' | ':') || c.is_whitespace() { ' ' } else { c })
        .filter(|c| !matches!(c, '<' | '>' | '"' | '?' | '*') && !c.is_control() && !invisible(*c))
        .collect();
    let one_spaced = kept.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
    trim(&one_spaced).to_owned()
}

/// Marks that reorder or hide the letters around them, and code points that are none.
fn invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '.'])
}

fn cut(text: &str, bytes: usize) -> String {
    trim(&text[..text.floor_char_boundary(bytes)]).to_owned()
}

/// `name` without a year in parentheses at its end.
fn without_year(name: &str) -> Option<String> {
    let inside = name.strip_suffix(')')?;
    let (rest, year) = inside.rsplit_once('(')?;
    (year.len() == 4 && year.bytes().all(|b| b.is_ascii_digit())).then(|| trim(rest).to_owned())
}

/// Puts a `+` behind the season of everything that reads as `S01E02`: Jellyfin takes `[ ] . _ -` and spaces between
/// the two for nothing, but no other character.
fn break_numbers(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let digits_from = |at: usize| letters[at..].iter().take_while(|c| c.is_ascii_digit()).count();
    let mut out = String::with_capacity(name.len() + 1);
    let mut at = 0;
    while at < letters.len() {
        let digits = if matches!(letters[at], 's' | 'S') { digits_from(at + 1) } else { 0 };
        let season_end = at + 1 + digits;
        out.extend(&letters[at..season_end]);
        let gap = letters[season_end..].iter().take_while(|c| " []._-xX".contains(**c)).count();
        let episode = season_end + gap;
        if digits > 0 && matches!(letters.get(episode), Some('e' | 'E')) && digits_from(episode + 1) > 0 {
            out.push('+');
        }
        at = season_end;
    }
    out
}

fn reads_as_extra(title: &str) -> bool {
    let lower = title.to_lowercase();
    let stem = lower.trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
    EXTRAS.iter().any(|word| {
        let before = stem.strip_suffix(word).map(|before| before.trim_end_matches(' '));
        before.is_some_and(|before| before.is_empty() || before.ends_with(['-', '.', '_']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_what_file_systems_refuse() {
        assert_eq!(safe_name(" ..What? <A> \"Night\"|Day\\Dawn*\t\n. "), "What A Night Day Dawn");
        assert_eq!(safe_name("..."), "");
        assert_eq!(safe_name("a\u{202e}b\u{200b}c\u{7}"), "abc");
        assert_eq!(safe_name("Émile et l’été"), "Émile et l’été");
        assert_eq!(safe_name(&format!("{}. x", "é".repeat(99))), format!("{}. x", "é".repeat(99))[..198].to_owned());
    }

    #[test]
    fn numbers_are_broken_only_where_they_read_as_an_episode() {
        assert_eq!(break_numbers("S01E02 s3 - e4 S5 E S12. [E]7"), "S01+E02 s3+ - e4 S5 E S12. [E]7");
        assert_eq!(break_numbers("Apollo 13, Sea 5E6"), "Apollo 13, Sea 5E6");
    }

    #[test]
    fn languages_are_codes_or_unknown() {
        assert_eq!(["en", "pt-BR", "", "../x", "e"].map(language), ["en", "pt-BR", "und", "und", "und"]);
    }
}
