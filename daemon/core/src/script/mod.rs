//! Script: a screenplay in the studio's words: characters, scenes and shots, each with its length.
//!
//! Every paragraph of action begins a shot; dialogue stays in it until somebody else speaks. What the rules
//! cannot know, notes say; other notes are the writer's own:
//!
//! | note | counts for |
//! |---|---|
//! | `[[shot: close-up, 4s, engine: wan, angle: low, motion: push-in, transition: wipeleft 0.5s, continues]]` | the shot beginning with the paragraph it stands before or in; `continues` starts from the last picture of the shot before, `own-still` never does |
//! | `[[transition: dissolve 1s]]`, `CUT TO:` | the next scene or shot |
//! | `[[lora: red dress 60%]]` | the scene it stands in; `[[shot: lora: red dress]]` the shot |
//! | `[[mood: tense]]` `[[weather: rain]]` `[[tempo: 80]]` | the scene it stands in |
//! | `[[character: MARA, female, elder]]` | the whole screenplay |

mod cast;
mod edit;
mod length;
mod light;
mod note;
mod places;
mod scenes;
mod shots;
mod slug;
mod title;
mod words;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use edit::{ShotChange, change_shot, order_scenes};
pub use slug::{free_slug, slug};

use crate::{
    character::{CharacterProfile, Said},
    fountain::{self, Element, ElementKind, Errors, Note, Remark, Remarks, Screenplay, ScriptError},
    heading::Languages,
    scene::Look,
    shot::{ShotPlan, Transition},
};

/// What a screenplay means when it does not say so itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Defaults {
    /// Title when the title page has none, e.g. the file's name.
    pub title: String,
    /// Language code of the dialogue, BCP 47.
    pub language: String,
    /// Into a shot from the one before in its scene.
    pub between_shots: Transition,
    /// Into a scene from the one before.
    pub between_scenes: Transition,
    /// The languages headings are read in; which one counts most, the title page says.
    pub languages: Arc<Languages>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            title: "Untitled".to_owned(),
            language: "en".to_owned(),
            between_shots: Transition::BETWEEN_SHOTS,
            between_scenes: Transition::BETWEEN_SCENES,
            languages: Arc::new(Languages::default()),
        }
    }
}

/// A screenplay broken down into what the studio makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// The series it belongs to; `None` for a film of its own.
    pub show: Option<String>,
    /// Title of the screenplay.
    pub title: String,
    /// Who wrote it; empty when nobody says so.
    pub author: String,
    /// Title of the episode: its own field, else the title.
    pub episode_title: String,
    /// What it is about, one paragraph; empty when nothing says so.
    pub plot: String,
    /// Season, 0..=199; 0 is specials.
    pub season: Option<u32>,
    /// Number in the season, 1..=9999.
    pub episode: Option<u32>,
    /// Language code of the dialogue, BCP 47.
    pub language: String,
    /// First aired: `yyyy-mm-dd`.
    pub aired: Option<String>,
    /// The draft's date, as written.
    pub draft_date: Option<String>,
    /// Fields of the title page nobody here knows, as written.
    pub other: Vec<(String, String)>,
    /// Who speaks or is declared in a note, in order of appearance.
    pub characters: Vec<ScriptCharacter>,
    /// The scenes, in order; at least one.
    pub scenes: Vec<ScriptScene>,
    /// What was read otherwise than it may have been meant, in order of its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remarks: Vec<Remark>,
}

impl Script {
    /// Whether it makes the same film as another one, whatever is remarked of either, and whatever the series knows of its
    /// characters beside what it says itself.
    pub fn films_as(&self, other: &Self) -> bool {
        let bare = |script: &Self| Self { remarks: Vec::new(), characters: Vec::new(), ..script.clone() };
        let alike = |(one, two): (&ScriptCharacter, &ScriptCharacter)| {
            (&one.name, &one.slug) == (&two.name, &two.slug) && (one.said == two.said || one.profile == two.profile)
        };
        self.characters.len() == other.characters.len()
            && self.characters.iter().zip(&other.characters).all(alike)
            && bare(self) == bare(other)
    }
}

/// Somebody of the screenplay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptCharacter {
    /// The name as first written.
    pub name: String,
    /// See [`slug`]; two names may share one.
    pub slug: String,
    /// Voice and look, from the name and the character's note.
    pub profile: CharacterProfile,
    /// What the character's notes say.
    #[serde(default, skip_serializing_if = "Said::is_nothing")]
    pub said: Said,
}

/// One place and time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptScene {
    /// Its place in the screenplay, from 1, whatever number its heading has.
    pub number: u32,
    /// Short title for chapters.
    pub title: String,
    /// The heading as written; of an opening before the first heading, `OVER BLACK`.
    pub heading: String,
    /// Line of the heading, from 1; of an opening, its first line.
    pub line: u32,
    /// What the heading says beside place and hour, as written: `FLASHBACK`, `1944`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub qualifiers: Vec<String>,
    /// Place, light, weather, mood.
    pub look: Look,
    /// Into this scene from the one before; the first scene is a cut.
    pub transition: Transition,
    /// Beats per minute of its music, 40..=200, when a note says so.
    pub tempo_bpm: Option<u32>,
    /// A recording that is its music, as written: a file beside the screenplay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub music: Option<String>,
    /// Its shots, in order; at least one.
    pub shots: Vec<ScriptShot>,
}

/// One clip of a scene.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScriptShot {
    /// From 1 in its scene.
    pub number: u32,
    /// Line of its first paragraph, from 1.
    pub line: u32,
    /// What it shows. The first shot of a scene is a cut: the scene's own transition leads into it.
    pub plan: ShotPlan,
}

/// Reads the bytes of a screenplay and breaks it down.
///
/// # Errors
/// Everything that cannot be understood, in order of its place.
pub fn read(bytes: &[u8], defaults: &Defaults) -> Result<Script, Vec<ScriptError>> {
    break_down(&fountain::parse_in(bytes, &defaults.languages)?, defaults)
}

/// Breaks a screenplay down into scenes and shots.
///
/// # Errors
/// Everything in headings, notes and the title page that cannot be understood, in order of its place.
pub fn break_down(screenplay: &Screenplay, defaults: &Defaults) -> Result<Script, Vec<ScriptError>> {
    let mut errors = Errors::default();
    let title = title::read(&screenplay.title_page, defaults, &mut errors);
    let cast = cast::Cast::read(screenplay, &mut errors);
    let mut remarks = Remarks::default();
    remarks.extend(&screenplay.remarks);
    let (scenes, prologue) = scenes::read(screenplay, &cast, defaults, (&mut errors, &mut remarks));
    if scenes.is_empty() && errors.is_empty() {
        errors.push(1, 1, "no scene heading found; begin each scene with a line such as 'INT. KITCHEN - DAY'");
    }
    errors.or(Script {
        show: title.show,
        episode_title: title.episode_title.unwrap_or_else(|| title.title.clone()),
        title: title.title,
        author: title.author,
        plot: title.plot.unwrap_or(prologue),
        season: title.season,
        episode: title.episode,
        language: title.language,
        aired: title.aired,
        draft_date: title.draft_date,
        other: title.other,
        characters: cast.characters,
        scenes,
        remarks: remarks.sorted(),
    })
}

/// The notes of an element, whether it is one or carries some.
fn notes_of(element: &Element) -> impl Iterator<Item = &Note> {
    let own = match &element.kind {
        ElementKind::Note(note) => Some(note),
        _ => None,
    };
    own.into_iter().chain(&element.notes)
}
