//! Cast: who is in the screenplay, and who is in a picture.

use std::collections::{HashMap, HashSet};

use super::{
    ScriptCharacter, note,
    note::{Ask, CharacterAsk},
    notes_of, slug,
    words::{hint, shown, words},
};
use crate::{
    character::{CharacterProfile, Said},
    fountain::{ElementKind, Errors, Screenplay},
};

/// Names longer than this many words are not looked for in the action.
const LONGEST_NAME: usize = 8;
/// More names are not compared for "did you mean".
const MOST_HINTED: usize = 1_000;

/// Everybody of the screenplay.
#[derive(Debug, Default)]
pub(super) struct Cast {
    /// In the order in which they speak; then those who are only declared.
    pub(super) characters: Vec<ScriptCharacter>,
    by_name: HashMap<String, usize>,
}

impl Cast {
    /// Finds everybody; later notes about the same character add to earlier ones.
    pub(super) fn read(screenplay: &Screenplay, errors: &mut Errors) -> Self {
        let mut cast = Self::default();
        for element in &screenplay.elements {
            if let ElementKind::Dialogue(dialogue) = &element.kind {
                cast.add(&dialogue.character);
            }
        }
        let speaking = cast.characters.len();
        let mut asks: HashMap<usize, CharacterAsk> = HashMap::new();
        for note in screenplay.elements.iter().flat_map(notes_of).filter(|note| note::is_about_character(note)) {
            let Some(Ask::Character(ask)) = note::read(note, errors) else { continue };
            let at = cast.add(&ask.name);
            let before = asks.remove(&at);
            let (gender, age) = before.map_or((None, None), |before| (before.gender, before.age));
            asks.insert(at, CharacterAsk { gender: ask.gender.or(gender), age: ask.age.or(age), ..ask });
        }
        for (at, ask) in &asks {
            let character = &mut cast.characters[*at];
            character.profile = CharacterProfile::from_name(&character.name, ask.gender, ask.age);
            character.said = Said { gender: ask.gender, age: ask.age };
        }
        cast.check_declared(screenplay, speaking, &asks, errors);
        cast
    }

    fn add(&mut self, name: &str) -> usize {
        *self.by_name.entry(key(name)).or_insert_with(|| {
            let profile = CharacterProfile::from_name(name, None, None);
            self.characters.push(ScriptCharacter {
                name: name.to_owned(),
                slug: slug(name),
                profile,
                said: Said::default(),
            });
            self.characters.len() - 1
        })
    }

    /// A declared character who neither speaks nor appears is a name mistyped.
    fn check_declared(
        &self,
        screenplay: &Screenplay,
        speaking: usize,
        asks: &HashMap<usize, CharacterAsk>,
        errors: &mut Errors,
    ) {
        if asks.keys().all(|at| *at < speaking) {
            return;
        }
        let mut seen: HashSet<usize> = HashSet::new();
        for element in &screenplay.elements {
            if let ElementKind::Action(text) | ElementKind::Centered(text) | ElementKind::Lyric(text) = &element.kind {
                seen.extend(self.in_text(&text.plain));
            }
        }
        let mut missing: Vec<_> = asks.iter().filter(|(at, _)| **at >= speaking && !seen.contains(at)).collect();
        missing.sort_by_key(|(at, _)| **at);
        for (_, ask) in missing {
            if errors.is_full() {
                return;
            }
            let near = hint(
                &ask.name,
                self.characters[..speaking.min(MOST_HINTED)].iter().map(|character| character.name.as_str()),
            );
            let message = format!(
                "nobody called '{}' speaks or appears;{near} expected the name of a character of the screenplay",
                shown(&ask.name)
            );
            errors.push(ask.place.0, ask.place.1, message);
        }
    }

    /// The name as first written.
    pub(super) fn name<'a>(&'a self, written: &'a str) -> &'a str {
        self.by_name.get(&key(written)).map_or(written, |at| &self.characters[*at].name)
    }

    /// Names in a text, in order, each once.
    pub(super) fn present(&self, text: &str) -> Vec<String> {
        let mut seen = HashSet::new();
        let found = self.in_text(text).into_iter().filter(|at| seen.insert(*at));
        found.map(|at| self.characters[at].name.clone()).collect()
    }

    /// Whose names occur, as whole words; of `OLD MARA` and `MARA` the longer one counts.
    fn in_text(&self, text: &str) -> Vec<usize> {
        let words: Vec<String> = words(text).collect();
        let (mut found, mut at) = (Vec::new(), 0);
        while at < words.len() {
            let longest = LONGEST_NAME.min(words.len() - at);
            let hit = (1..=longest)
                .rev()
                .find_map(|count| Some((count, *self.by_name.get(&words[at..at + count].join(" "))?)));
            found.extend(hit.map(|(_, who)| who));
            at += hit.map_or(1, |(count, _)| count);
        }
        found
    }
}

/// One spelling for `Mara` and `MARA`, in words. A name without letters or digits is its own.
fn key(name: &str) -> String {
    let key = words(name).collect::<Vec<_>>().join(" ");
    if key.is_empty() { name.to_lowercase() } else { key }
}
