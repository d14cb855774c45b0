//! Nearest: what somebody probably meant.

/// The word of `known` that is closest to `word`, when it is close enough to be meant (case does not count).
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let far = (word.chars().count() / 3).max(2);
    let distances = known.into_iter().map(|other| (strsim::damerau_levenshtein(&word, &other.to_lowercase()), other));
    distances.filter(|(distance, _)| *distance <= far).min_by_key(|(distance, _)| *distance).map(|(_, other)| other)
}

/// The file of `known` closest to `word`, however far: a name to compare with. `None` when there is none.
pub fn closest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    known.into_iter().max_by(|one, other| {
        let alike = |name: &str| strsim::jaro_winkler(&word, &name.to_lowercase());
        alike(one).total_cmp(&alike(other))
    })
}
