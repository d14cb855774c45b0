//! Places: one name for every spelling of a place, and what is to be said of a heading that is not wholly understood.

use std::collections::{HashMap, HashSet};

use super::words::{hint, shown};
use crate::{
    fountain::{ElementKind, Remarks, Screenplay},
    heading::{Heading, Languages, Vocabulary, place_key},
};

/// The places of a screenplay while its scenes are read.
#[derive(Debug)]
pub(super) struct Places {
    /// The words that count in it.
    pub(super) words: Vocabulary,
    /// What its title page calls its language, as written; `None`: nothing.
    language: Option<String>,
    /// Places that stand somewhere with an hour behind a dash or a comma, by key.
    certain: HashSet<String>,
    /// How a place was first written, by key.
    spelled: HashMap<String, String>,
    /// Languages that were spoken of already.
    told: HashSet<String>,
}

impl Places {
    /// Looks through all headings, so that each can be read in the light of the others.
    pub(super) fn of(screenplay: &Screenplay, languages: &Languages) -> Self {
        let language = screenplay.language();
        let words = Vocabulary::of(languages, language.as_deref());
        let headings = screenplay.elements.iter().filter_map(|element| match &element.kind {
            ElementKind::SceneHeading { text, .. } => Some(words.read(text)),
            _ => None,
        });
        let certain = headings.filter(|one| one.whole.is_none() && (one.time.is_some() || one.goes_on));
        let certain = certain.map(|one| place_key(&one.location)).collect();
        Self { words, language, certain, spelled: HashMap::new(), told: HashSet::new() }
    }

    /// Reads a heading; its place is spelled as it was first.
    pub(super) fn read(&mut self, text: &str, line: u32, remarks: &mut Remarks) -> Heading {
        let mut heading = self.words.read(text);
        // `THE LONG NIGHT` is a place of its own where another heading says `THE LONG NIGHT - DAY`.
        if let Some(whole) = heading.whole.take().filter(|whole| self.certain.contains(&place_key(&whole.location))) {
            heading = Heading { setting: heading.setting, ..*whole };
        }
        self.remark(&heading, text, line, remarks);
        if !heading.location.is_empty() {
            let spelled = self.spelled.entry(place_key(&heading.location)).or_insert_with(|| heading.location.clone());
            heading.location.clone_from(spelled);
        }
        heading
    }

    fn remark(&mut self, heading: &Heading, text: &str, line: u32, remarks: &mut Remarks) {
        if let Some(unknown) =
            heading.unknown.as_ref().filter(|_| !self.certain.contains(&place_key(&heading.location)))
        {
            let (text, unknown) = (shown(text), shown(unknown));
            let near = hint(&unknown, self.words.hours());
            remarks.push(line, format!(
                "no hour is known in '{text}', so that of the scene before goes on;{near} '{unknown}' is read as part of the place: end the heading with an hour such as DAY or NIGHT"
            ));
        }
        if let Some(after) = &heading.after_hour {
            remarks
                .push(line, format!("'{}' stands behind the hour and is not read as part of the place", shown(after)));
        }
        if let Some((name, code)) = &heading.foreign
            && self.told.insert(code.clone())
        {
            let said = self.language.as_ref().map_or_else(
                || format!("write 'Language: {code}' on the title page, so that its voices speak {name}, too"),
                |said| format!("the title page says 'Language: {}'", shown(said)),
            );
            remarks.push(line, format!("the hour of '{}' is read as {name}; {said}", shown(text)));
        }
    }
}
