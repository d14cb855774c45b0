//! Words: vocabularies of notes, matching of whole words, and "did you mean".

/// Lower-case words of a text: runs of letters and digits.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// One spelling for `Close up`, `close_up` and `CLOSE-UP`.
pub(super) fn folded(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c == '_' || c == '-')
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("-")
        .to_lowercase()
}

/// The value a word of a vocabulary stands for.
pub(super) fn look_up<T: Copy>(vocabulary: &[(&str, T)], word: &str) -> Option<T> {
    let word = folded(word);
    vocabulary.iter().find(|(name, _)| *name == word).map(|(_, value)| *value)
}

/// `a, b, c`.
pub(super) fn listed<T>(vocabulary: &[(&str, T)]) -> String {
    vocabulary.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// ` did you mean 'close-up'?` when one of the candidates is near enough, else nothing.
pub(super) fn hint<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    let word = folded(word);
    let allowed = match word.chars().count() {
        0..=2 => 1,
        3..=5 => 2,
        _ => 3,
    };
    let near = candidates.map(|candidate| (distance(&word, &folded(candidate)), candidate)).min_by_key(|(far, _)| *far);
    match near {
        Some((far, candidate)) if far <= allowed => format!(" did you mean '{candidate}'?"),
        _ => String::new(),
    }
}

/// A word as it is shown in an error: short.
pub(super) fn shown(word: &str) -> String {
    if word.chars().count() <= LONGEST {
        return word.to_owned();
    }
    word.chars().take(LONGEST).chain("...".chars()).collect()
}

/// Longer words are never near anything, and must not cost anything either.
const LONGEST: usize = 40;

/// Edits between two words, a swap of neighbours being one (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    if a.chars().count() > LONGEST || b.chars().count() > LONGEST {
        return usize::MAX;
    }
    strsim::osa_distance(a, b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_is_one_edit_and_a_far_word_gets_no_hint() {
        assert_eq!(distance("clsoe", "close"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(hint("clsoe-up", ["wide", "close-up"].into_iter()), " did you mean 'close-up'?");
        assert_eq!(hint("banana", ["wide", "close-up"].into_iter()), "");
    }
}
