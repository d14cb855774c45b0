//! Project: a series or film.

use serde::{Deserialize, Serialize};

use std::collections::{BTreeMap, BTreeSet};

pub use crate::character::{by_name, by_name_mut, fold, fold_name, has_name, same_name};

use crate::{
    ids::{ContentHash, ProjectId},
    naming,
    production::Checkpoint,
    script,
    units::Seed,
    workflow::SlotValue,
};

/// A series or a film: everything its episodes share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Project {
    /// Identity of the project; its episodes, characters and places refer to it.
    pub id: ProjectId,
    /// Short name, unique in the studio, made from the title: lower-case letters, digits and dashes.
    pub slug: String,
    /// The title people read; also the show folder in the library, see [`folder`](Self::folder).
    pub title: String,
    /// The title it began with, by which screenplays find it when a person has given it another; empty: the title.
    #[serde(default)]
    pub original_title: String,
    /// Name of the show in the library's folders and files when another show has those the title gives; empty: the title.
    #[serde(default)]
    pub folder: String,
    /// Year in the show folder, 1928..=2500.
    pub year: i16,
    /// Base of every seed in the project, so that two projects with the same story differ.
    pub seed: Seed,
}

impl Project {
    /// A project that begins, beside those that are there: its short name and its folder in the library are its own.
    ///
    /// Short names drop signs, accents and what is long (see [`slug`](crate::script::slug)), and folders drop signs: the
    /// second of two that would be equal gets a number.
    pub fn beginning(id: ProjectId, title: String, year: i16, others: &[Self]) -> Self {
        let slug = script::free_slug(&title, |slug| others.iter().any(|other| other.slug == slug));
        let seed = Seed(ContentHash::of(slug.as_bytes()).leading_u64() >> 11);
        let new = Self { id, slug, original_title: title.clone(), title, year, seed, folder: String::new() };
        Self { folder: new.free_folder(others), ..new }
    }

    /// Which of `projects` a screenplay means that calls its show `title`: the one of that title, else the one that
    /// began with it.
    pub fn meant<'a>(title: &str, projects: &'a [Self]) -> Option<&'a Self> {
        let now = projects.iter().find(|project| same_title(&project.title, title));
        now.or_else(|| projects.iter().find(|project| project.began_as(title)))
    }

    /// Whether it began with `title`. Of those renamed before that was kept only the short name says so.
    fn began_as(&self, title: &str) -> bool {
        let first = script::slug(&self.original_title);
        let renamed = self.slug != first && !self.slug.starts_with(&format!("{first}-"));
        same_title(&self.original_title, title) || renamed && self.slug == script::slug(title)
    }

    /// What [`folder`](Self::folder) has to be, so that no other project has the same one in a library, on file systems
    /// that tell apart no capitals either.
    pub fn free_folder(&self, others: &[Self]) -> String {
        let others = others.iter().filter(|other| other.id != self.id);
        let taken: BTreeSet<String> = others.filter_map(|other| other.in_library(&other.folder)).collect();
        let name = |number: Option<u32>| {
            number.map_or_else(String::new, |number| naming::show_with_number(&self.title, number))
        };
        // A title that can name no folder is refused where it would be published.
        numbered(name, |folder| self.in_library(folder).is_some_and(|folder| taken.contains(&folder)))
    }

    fn in_library(&self, folder: &str) -> Option<String> {
        let show = if folder.is_empty() { &self.title } else { folder };
        naming::show_folder(show, self.year).ok().map(|folder| fold(&folder))
    }
}

/// The first name that is not taken: the plain one, else one with the lowest number from 2.
fn numbered(name: impl Fn(Option<u32>) -> String, taken: impl Fn(&str) -> bool) -> String {
    let all = std::iter::once(None).chain((2..).map(Some)).map(name);
    all.into_iter().find(|name| !taken(name)).unwrap_or_default()
}

/// Whether two titles are one: but for capitals, spaces, and how accented letters are encoded.
pub fn same_title(one: &str, other: &str) -> bool {
    fold(one) == fold(other)
}

/// What a project is about and how it looks. Every field may be empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct About {
    /// In a sentence or two, for people.
    pub description: String,
    /// Kind of story in a word or two, e.g. "mystery".
    pub genre: String,
    /// The idea it grows from.
    pub premise: String,
    /// For whom it is, e.g. "all ages" or "16+".
    pub content_rating: String,
    /// What happens over its episodes: what the story writer goes on from.
    pub storyline: String,
    /// Where and when it plays, its rules and tone: the story writer keeps to it.
    pub world: String,
    /// Name of the style its pictures have; empty leaves that to the settings.
    pub style: String,
    /// Styles to choose from.
    pub styles: Vec<Style>,
    /// Where work on its episodes stops until a person has approved what is there; without it the settings say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approve: Option<BTreeSet<Checkpoint>>,
}

/// A way its pictures look.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Style {
    /// Its name, unique in the project.
    pub name: String,
    /// Words before every prompt, e.g. "oil painting, soft light".
    pub words: String,
    /// Words every prompt avoids.
    pub avoid: Vec<String>,
    /// Values of slots by model, e.g. `{"juggernaut_xl": {"steps": 30}}`.
    pub models: BTreeMap<String, BTreeMap<String, SlotValue>>,
}

/// Longest text of a project, in characters.
pub const LONGEST_TEXT: usize = 20_000;

impl About {
    /// The style its pictures have.
    pub fn chosen(&self) -> Option<&Style> {
        self.styles.iter().find(|style| style.name == self.style)
    }

    /// What is wrong with it, in one sentence.
    ///
    /// # Errors
    /// A text that is too long, a style without a name or named twice, a choice that does not exist.
    pub fn check(&self) -> Result<(), String> {
        let texts = [
            ("description", &self.description),
            ("genre", &self.genre),
            ("premise", &self.premise),
            ("content_rating", &self.content_rating),
            ("storyline", &self.storyline),
            ("world", &self.world),
        ];
        if let Some((name, _)) = texts.iter().find(|(_, text)| text.chars().count() > LONGEST_TEXT) {
            return Err(format!("{name} is longer than {LONGEST_TEXT} characters; shorten it"));
        }
        for (at, style) in self.styles.iter().enumerate() {
            if style.name.trim().is_empty() || style.name.chars().count() > 80 {
                return Err("a style has a name of 1 to 80 characters".into());
            }
            if self.styles[..at].iter().any(|other| other.name == style.name) {
                return Err(format!("two styles are called '{}'; rename one", style.name));
            }
            if style.words.chars().count() > 2_000 || style.avoid.len() > 100 {
                return Err(format!("the style '{}' has more than 2000 characters or 100 words to avoid", style.name));
            }
        }
        if !self.style.is_empty() && self.chosen().is_none() {
            return Err(format!("there is no style '{}'; add it, or choose another", self.style));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(title: &str, projects: &mut Vec<Project>) -> Project {
        let id = ProjectId(uuid::Uuid::from_u128(projects.len() as u128 + 1));
        let new = Project::beginning(id, title.into(), 2026, projects);
        projects.push(new.clone());
        new
    }

    fn folder(project: &Project) -> String {
        let show = if project.folder.is_empty() { &project.title } else { &project.folder };
        naming::show_folder(show, project.year).unwrap()
    }

    #[test]
    fn a_name_is_one_however_an_editor_writes_its_marks() {
        let same = [
            ("O'BRIEN", "O’Brien"),
            ("DR. KLEIN", "DR KLEIN"),
            ("ANNA-LENA", "Anna Lena"),
            ("NICK'S BAR", "NICK’S  BAR"),
        ];
        for (one, other) in same {
            assert_eq!(fold_name(one), fold_name(other));
            assert!(same_name(one, other), "{one} {other}");
            let kept = BTreeMap::from([(fold_name(one), 1)]);
            assert_eq!(by_name(&kept, other), Some(&1), "{one} {other}");
            // As an earlier version kept it.
            let mut before = BTreeMap::from([(one.to_lowercase(), 1)]);
            assert_eq!(by_name(&before, one), Some(&1), "{one}");
            *by_name_mut(&mut before, one) += 1;
            assert_eq!(before, BTreeMap::from([(one.to_lowercase(), 2)]));
            let names = BTreeSet::from([one.to_lowercase()]);
            assert!(has_name(&names, one) && has_name(&BTreeSet::from([fold_name(one)]), other), "{one}");
        }
        for (one, other) in [("RENÉ", "RENE"), ("СОЛДАТ 1", "ДЕВОЧКА 1"), ("MAN 1", "MAN 2"), ("???", "!!!")]
        {
            assert_ne!(fold_name(one), fold_name(other));
            assert!(!same_name(one, other), "{one} {other}");
        }
    }

    #[test]
    fn shows_are_told_apart_by_their_titles() {
        let long = |end: &str| format!("The Curious Correspondence of the Harbour Master and the Baker in {end}");
        let titles = [
            "C++",
            "C#",
            "C",
            "Café",
            "Cafe",
            "M*A*S*H",
            "MASH",
            "Mash: 2",
            &long("March"),
            &long("April"),
            "灯",
            "光",
        ];
        let mut all = Vec::new();
        for title in titles {
            assert_eq!(Project::meant(title, &all), None, "{title}");
            begin(title, &mut all);
        }
        for (title, project) in titles.iter().zip(&all) {
            assert_eq!(Project::meant(title, &all), Some(project), "{title}");
            assert_eq!(Project::meant(&format!(" {} ", title.to_uppercase()), &all), Some(project), "{title}");
        }
        let distinct = |name: fn(&Project) -> String| all.iter().map(name).collect::<BTreeSet<_>>().len();
        assert_eq!(distinct(|one| one.slug.clone()), titles.len());
        assert_eq!(distinct(|one| folder(one).to_lowercase()), titles.len());
        assert_eq!(distinct(|one| one.seed.0.to_string()), titles.len());
        assert!(all.iter().all(|one| one.slug.len() <= 60));
        assert_eq!(["c", "c-2", "c-3", "cafe", "cafe-2"], [0, 1, 2, 3, 4].map(|at| all[at].slug.as_str()));
        assert_eq!((folder(&all[5]), folder(&all[6])), ("MASH (2026)".into(), "MASH 2 (2026)".into()));
        // A Mac writes é as two letters.
        assert_eq!(Project::meant("Cafe\u{301}", &all), Some(&all[3]));
    }

    #[test]
    fn long_titles_keep_the_number_of_their_folder() {
        let mut all = Vec::new();
        for end in ["a", "b", "c"] {
            begin(&format!("{}{end}", "Ä".repeat(70)), &mut all);
        }
        let folders: BTreeSet<String> = all.iter().map(folder).collect();
        assert_eq!(folders.len(), 3, "{folders:?}");
    }

    #[test]
    fn a_renamed_show_is_found_by_both_titles() {
        let mut all = Vec::new();
        let first = begin("C++", &mut all);
        all[0].title = "See Plus".into();
        assert_eq!(Project::meant("see plus", &all).map(|one| one.id), Some(first.id));
        assert_eq!(Project::meant("C++", &all).map(|one| one.id), Some(first.id));
        assert_eq!(Project::meant("C#", &all), None);
        // Renamed before first titles were kept.
        all[0].original_title = "See Plus".into();
        assert_eq!(Project::meant("C++", &all).map(|one| one.id), Some(first.id));
    }

    #[test]
    fn a_title_that_names_no_folder_is_left_to_whoever_publishes() {
        let mut all = Vec::new();
        assert_eq!((begin("???", &mut all).folder, begin("!?", &mut all).folder), (String::new(), String::new()));
    }
}
