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
    /// The place of the scene before.
    before: Option<String>,
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
        let certain =
            headings.filter(|one| one.whole.is_none() && one.beside.is_none() && (one.time.is_some() || one.goes_on));
        let certain = certain.map(|one| place_key(&one.location)).collect();
        Self { words, language, certain, spelled: HashMap::new(), told: HashSet::new(), before: None }
    }

    /// Reads a heading; its place is spelled as it was first.
    pub(super) fn read(&mut self, text: &str, line: u32, remarks: &mut Remarks) -> Heading {
        let mut heading = self.words.read(text);
        // `THE LONG NIGHT` is a place of its own where another heading says `THE LONG NIGHT - DAY`.
        if let Some(whole) = heading.whole.take().filter(|whole| self.certain.contains(&place_key(&whole.location))) {
            heading = Heading { setting: heading.setting, ..*whole };
        }
        if let Some(beside) = heading.beside.take() {
            heading = self.beside(heading, *beside, line, remarks);
        }
        if self.words.is_same_place(&heading.location) {
            self.same(&mut heading, line, remarks);
        }
        self.remark(&heading, text, line, remarks);
        if !heading.location.is_empty() {
            let spelled = self.spelled.entry(place_key(&heading.location)).or_insert_with(|| heading.location.clone());
            heading.location.clone_from(spelled);
            self.before = Some(heading.location.clone());
        }
        heading
    }

    /// Which of two readings counts when only the end of what stands behind a mark is an hour: `KITCHEN - LAUNCH DAY`.
    fn beside(&self, heading: Heading, beside: Heading, line: u32, remarks: &mut Remarks) -> Heading {
        let certain = |one: &Heading| self.certain.contains(&place_key(&one.location));
        // Who parts no hour from its place by a mark says with these words where it is.
        if certain(&heading) || self.certain.is_empty() {
            return heading;
        }
        let said = beside.qualifiers.first().map(|said| shown(said)).unwrap_or_default();
        if !certain(&beside) {
            remarks.push(line, format!(
                "only the end of '{said}' is an hour, and '{}' is read as the place; put a dash before the hour when it is, and leave the words before it out when they are none", shown(&heading.location)
            ));
            return heading;
        }
        remarks.push(line, format!("'{said}' is read as the hour of '{}' and not as part of the place; put a dash before the hour when it is", shown(&beside.location)));
        Heading { setting: heading.setting, ..beside }
    }

    /// A place that stands for the one of the scene before.
    fn same(&self, heading: &mut Heading, line: u32, remarks: &mut Remarks) {
        match &self.before {
            Some(before) => {
                heading.location = self.words.same_place(&heading.location, before);
                heading.goes_on |= heading.time.is_none();
                heading.unknown = None;
            }
            None => remarks.push(
                line,
                format!(
                    "'{}' stands for the place of the scene before, and there is none; name the place",
                    shown(&heading.location)
                ),
            ),
        }
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
