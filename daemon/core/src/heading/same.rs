//! Same: headings that name the place of the scene before, wholly or but for a room: `○同・居間`, `INT. SAME - DAY`.

use super::{Vocabulary, fold::place_key, marks::is_dash, vocabulary::is_unspaced};

impl Vocabulary {
    /// Whether a place stands for that of the scene before, or for a part of it.
    pub fn is_same_place(&self, location: &str) -> bool {
        let known = |text: &str| self.same_place.contains(&place_key(text));
        known(location) || known(first(location).0)
    }

    /// The place it stands for after a scene at `before`: that one, or another room of it.
    pub fn same_place(&self, location: &str, before: &str) -> String {
        let (same, room) = first(location);
        if room.is_empty() || self.same_place.contains(&place_key(location)) {
            return before.to_owned();
        }
        debug_assert!(self.same_place.contains(&place_key(same)), "{location} is a place of its own");
        format!("{}{room}", first(before).0)
    }
}

/// A place up to what parts its rooms, and the rest with that mark: `HOUSE` and ` - KITCHEN`.
fn first(place: &str) -> (&str, &str) {
    let mut last = ' ';
    for (at, c) in place.char_indices() {
        let mark = matches!(c, '・' | '、' | '，' | ',' | ';' | '/' | '／' | '(' | '（');
        let parts = mark || is_dash(c) && last.is_whitespace() || c.is_whitespace() && is_unspaced(last);
        if parts && at > 0 {
            let name = place[..at].trim_end();
            return (name, &place[name.len()..]);
        }
        last = c;
    }
    (place, "")
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn a_place_is_parted_before_its_first_room() {
        for (place, parts) in [
            ("HOUSE - KITCHEN - SINK", ("HOUSE", " - KITCHEN - SINK")),
            ("HOUSE, KITCHEN", ("HOUSE", ", KITCHEN")),
            ("山田家・台所", ("山田家", "・台所")),
            ("山田家 台所", ("山田家", " 台所")),
            ("CO-OP", ("CO-OP", "")),
        ] {
            assert_eq!(first(place), parts);
        }
    }
}
