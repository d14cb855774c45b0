//! Caption: the line a training program reads beside a picture, and what belongs into it.
//!
//! It begins with the trigger word and the class word, so that what is always true of somebody is learned as that word. What
//! changes from picture to picture is named after it, and what never changes is not: else it would only come when it is asked
//! for.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use unicode_normalization::UnicodeNormalization;

use super::{Cell, Coverage, DatasetSettings, Picture};
use crate::{character::Appearance, ids::ContentHash};

/// Longest caption, in characters.
pub const LONGEST_CAPTION: usize = 2000;
/// Most tokens of a caption that is made of what a picture shows; text encoders read 75.
const MOST_TOKENS: usize = 60;
/// Letters of a name that its trigger word keeps.
const NAME: usize = 12;
/// A tag in so many percent of the pictures is in nearly all of them.
const NEARLY_ALL: usize = 80;
/// What teaches a model nothing of a character, as whole tags or as their beginnings before `:` and `_`.
const NEVER: [&str; 16] = [
    "masterpiece",
    "best quality",
    "high quality",
    "low quality",
    "worst quality",
    "highres",
    "absurdres",
    "4k",
    "8k",
    "score",
    "rating",
    "artist",
    "artist name",
    "signature",
    "watermark",
    "username",
];

/// The words every caption of a dataset begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Called {
    /// The word a trained model is called with, one line, never empty.
    pub trigger: String,
    /// What kind of being, one line; may be empty.
    pub class_word: String,
}

impl Called {
    /// As the settings say, else a word that nobody has used before, made from the name: the same name gives the same word.
    pub fn of(settings: &DatasetSettings, name: &str) -> Self {
        let said = one_line(&settings.trigger);
        let trigger = if said.is_empty() { invented(name) } else { said };
        Self { trigger, class_word: one_line(&settings.class_word) }
    }

    /// The line a training program reads: trigger word, class word, text, each once.
    pub fn line(&self, text: &str) -> String {
        let text = self.without(text);
        let mut parts = vec![self.trigger.as_str()];
        if !self.class_word.is_empty() && after(&text, &self.class_word, &[' ', ',']).is_none() {
            parts.push(&self.class_word);
        }
        if !text.is_empty() {
            parts.push(&text);
        }
        parts.join(", ")
    }

    /// What remains of a line without the words in front of it that [`Self::line`] puts there.
    pub fn without(&self, line: &str) -> String {
        let line = one_line(line);
        let mut left = line.as_str();
        loop {
            left = left.trim_start_matches([' ', ',']);
            let trigger = || after(left, &self.trigger, &[' ', ',']);
            let class_word = || after(left, &self.class_word, &[',']);
            // The longer one first: it may begin with the other.
            let shorter = if self.class_word.len() > self.trigger.len() {
                class_word().or_else(trigger)
            } else {
                trigger().or_else(class_word)
            };
            match shorter {
                Some(rest) => left = rest,
                None => return left.to_owned(),
            }
        }
    }
}

/// A caption of one dataset as it is told in another: where it begins with the trigger word of the first, it begins with that of
/// the second, and so with a class word behind it; the rest is kept. `None`: it begins otherwise, or would become too long.
pub fn handed_over(text: &str, from: &Called, to: &Called) -> Option<String> {
    let rest = after(text, &from.trigger, &[' ', ','])?;
    let words = rest.trim_start_matches([' ', ',']);
    let between = &rest[..rest.len() - words.len()];
    let told = match after(words, &from.class_word, &[' ', ',']) {
        Some(rest) if to.class_word.is_empty() => format!("{}{rest}", to.trigger),
        Some(rest) => format!("{}{between}{}{rest}", to.trigger, to.class_word),
        None => format!("{}{rest}", to.trigger),
    };
    (told.chars().count() <= LONGEST_CAPTION).then_some(told)
}

/// What remains of a line without the words in front of it that captions of any of these datasets begin with.
pub fn without_called(all: &[Called], line: &str) -> String {
    let mut left = one_line(line);
    loop {
        let shorter = all.iter().fold(left.clone(), |left, called| called.without(&left));
        if shorter == left {
            return left;
        }
        left = shorter;
    }
}

/// What follows a word at the beginning of a text, whatever its letters' case; `None`: the text begins otherwise, or the word
/// goes on.
fn after<'a>(text: &'a str, word: &str, ends: &[char]) -> Option<&'a str> {
    let begins = text.get(..word.len()).filter(|start| !word.is_empty() && start.eq_ignore_ascii_case(word))?;
    let rest = &text[begins.len()..];
    (rest.is_empty() || rest.starts_with(ends)).then_some(rest)
}

/// A text as one line: what breaks it, and what cannot be seen, is a space.
pub fn one_line(text: &str) -> String {
    let clear = text.replace(|sign: char| sign.is_control() || sign == '\u{feff}', " ");
    clear.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A word nobody has used, from a name: its letters and a sign that they are no name.
fn invented(name: &str) -> String {
    let hash = ContentHash::of(name.to_lowercase().as_bytes()).leading_u64();
    let letters: String = name.nfkd().filter(char::is_ascii_alphanumeric).take(NAME).collect();
    if letters.is_empty() {
        return format!("zx{:04x}", hash & 0xffff);
    }
    format!("{}x{}", letters.to_ascii_lowercase(), hash % 10)
}

/// The tags of a caption: what stands between its commas.
pub fn tags(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|tag| !tag.is_empty())
}

/// Lower-case words of a tag.
fn words(tag: &str) -> Vec<String> {
    let clear = tag.to_lowercase();
    clear.split(|sign: char| !sign.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether `part` stands in `whole`, word for word.
fn says(whole: &[String], part: &[String]) -> bool {
    !part.is_empty() && whole.windows(part.len()).any(|window| window == part)
}

fn is_never(tag: &str) -> bool {
    let tag = tag.to_lowercase();
    NEVER.contains(&tag.as_str())
        || tag.split([':', '_']).next().is_some_and(|head| head != tag && NEVER.contains(&head))
}

/// Tags without those that say nothing more than another one, as many as a text encoder reads.
fn pruned<'a>(said: impl Iterator<Item = &'a str>) -> Vec<String> {
    let all: Vec<(&str, Vec<String>)> = said.map(|tag| (tag, words(tag))).collect();
    let mut kept: Vec<String> = Vec::new();
    let mut tokens = 0;
    for (at, (tag, said)) in all.iter().enumerate() {
        // "long hair" beside "very long hair" says nothing more.
        let implied = |(other, (_, longer)): (usize, &(&str, Vec<String>))| {
            other != at && says(longer, said) && (longer != said || other < at)
        };
        if all.iter().enumerate().any(implied) {
            continue;
        }
        tokens += said.len() + 1;
        if tokens > MOST_TOKENS {
            break;
        }
        kept.push((*tag).to_owned());
    }
    kept
}

/// What a picture of this cell shows, and what else was seen in it, tag by tag.
pub(super) fn told(coverage: &Coverage, cell: &Cell, details: &[String]) -> Vec<String> {
    let shown = coverage.varying(cell).into_iter().flat_map(tags);
    pruned(shown.chain(details.iter().map(String::as_str)).filter(|tag| !is_never(tag)))
}

/// Those of the tags that may be told of somebody: nothing of how they always look, no names, no quality.
pub(super) fn sayable(details: &[String], looks: &[String], names: &[String]) -> Vec<String> {
    let never: Vec<Vec<String>> = looks.iter().chain(names).map(|one| words(one)).collect();
    let may = |tag: &&String| {
        let said = words(tag);
        !said.is_empty() && !is_never(tag) && !never.iter().any(|one| says(&said, one))
    };
    details.iter().filter(may).cloned().collect()
}

/// What is always true of somebody, in the words a caption would have for it.
pub fn looks(appearance: &Appearance) -> Vec<String> {
    let colours = appearance.colors.iter().map(|(what, colour)| format!("{colour} {}", what.replace('_', " ")));
    let species = (!appearance.species.is_empty()).then(|| appearance.species.clone());
    colours.chain(appearance.features.iter().cloned()).chain(species).collect()
}

/// What is told of pictures that have no caption: what each shows, by these rules.
#[derive(Debug)]
pub struct Words<'a> {
    coverage: &'a Coverage,
    /// What is always so, and nearly all pictures would say: it is what the trigger word means.
    unsaid: Vec<String>,
}

impl<'a> Words<'a> {
    /// For these pictures. `looks`: what is always true of the character, e.g. `silver hair`.
    pub fn of(coverage: &'a Coverage, looks: &[String], pictures: &[&Picture]) -> Self {
        let everything = Self { coverage, unsaid: Vec::new() };
        let looks: Vec<Vec<String>> = looks.iter().map(|one| words(one)).collect();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for tag in pictures.iter().flat_map(|picture| everything.tags(picture)) {
            *counts.entry(tag).or_default() += 1;
        }
        let always = |(tag, count): &(String, usize)| {
            let said = words(tag);
            count * 100 >= pictures.len() * NEARLY_ALL && looks.iter().any(|look| says(&said, look))
        };
        let unsaid = counts.into_iter().filter(always).map(|(tag, _)| tag).collect();
        Self { coverage, unsaid }
    }

    /// What is told of a picture, tag by tag: framing, angle, expression and so on, as far as they are known.
    pub fn tags(&self, picture: &Picture) -> Vec<String> {
        let said = self.coverage.varying(shown(picture)).into_iter().flat_map(tags);
        let said = said.filter(|tag| !is_never(tag) && !self.unsaid.iter().any(|one| one == tag));
        pruned(said)
    }

    /// What is told of a picture in training, without the words in front: what was written, else what it shows.
    pub fn text(&self, picture: &Picture) -> String {
        match &picture.caption {
            Some(caption) => caption.text.clone(),
            None => self.tags(picture).join(", "),
        }
    }
}

/// What a picture shows; before anybody has looked, what was asked for.
fn shown(picture: &Picture) -> &Cell {
    match &picture.made {
        Some(made) if picture.cell.is_empty() => &made.asked,
        _ => &picture.cell,
    }
}

/// A tag and how many pictures have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TagCount {
    /// The tag, as it is written.
    pub tag: String,
    /// Pictures whose written caption has it.
    pub written: u32,
    /// Pictures without a caption that it is told of, because they show it.
    pub shown: u32,
    /// It is told of nearly every picture, 80 of 100: a model takes it for a part of the character.
    pub nearly_all: bool,
}

/// The tags of pictures, the commonest first; the words in front of every caption are left out.
pub fn count_tags(called: &Called, told: &Words<'_>, pictures: &[&Picture]) -> Vec<TagCount> {
    let mut counts: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for picture in pictures {
        let text = called.without(&told.text(picture));
        let own: BTreeSet<&str> = tags(&text).collect();
        for tag in own {
            let count = counts.entry(tag.to_owned()).or_default();
            *(if picture.caption.is_some() { &mut count.0 } else { &mut count.1 }) += 1;
        }
    }
    let mut all: Vec<TagCount> = counts
        .into_iter()
        .map(|(tag, (written, shown))| TagCount {
            tag,
            written,
            shown,
            nearly_all: (written + shown) as usize * 100 >= pictures.len() * NEARLY_ALL,
        })
        .collect();
    all.sort_by(|a, b| (b.written + b.shown).cmp(&(a.written + a.shown)).then_with(|| a.tag.cmp(&b.tag)));
    all
}

/// What is looked for in captions, and what is put in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replacement {
    /// What is looked for, letter by letter; never empty.
    pub find: String,
    /// What stands there afterwards; empty: nothing.
    pub replace: String,
    /// Only where it is no part of a longer word.
    pub whole_word: bool,
}

impl Replacement {
    /// A caption after it; `None`: it is not found, or changes nothing. A tag of which nothing is left is gone with its comma.
    pub fn of(&self, text: &str) -> Option<String> {
        let inside = |edge: Option<char>, beside: Option<char>| {
            edge.is_some_and(char::is_alphanumeric) && beside.is_some_and(char::is_alphanumeric)
        };
        let first = self.find.chars().next()?;
        let last = self.find.chars().next_back();
        let (mut made, mut copied, mut from) = (String::new(), 0, 0);
        while let Some(at) = text[from..].find(&self.find).map(|at| from + at) {
            let end = at + self.find.len();
            let part = inside(Some(first), text[..at].chars().next_back()) || inside(last, text[end..].chars().next());
            if self.whole_word && part {
                // One letter on: it may begin again within itself.
                from = at + first.len_utf8();
                continue;
            }
            made.push_str(&text[copied..at]);
            made.push_str(&self.replace);
            (copied, from) = (end, end);
        }
        if copied == 0 {
            return None;
        }
        made.push_str(&text[copied..]);
        let made = tags(&one_line(&made)).collect::<Vec<_>>().join(", ");
        (made != text).then_some(made)
    }
}
