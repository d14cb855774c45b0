//! Check: what is wrong with a story a model has told, as data; the sentences are for the model, which tells it again.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{AGES, GENDERS, MOTIONS, SETTINGS, SHOTS, Story, TIMES};
use crate::character::fold_name;

/// How a story is told, how long it is and how many scenes it has; least and most.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bounds {
    /// How it is told, in words for whoever writes it, at most 600 characters; empty leaves it open.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub telling: String,
    /// Scenes of the story.
    pub scenes: (u32, u32),
    /// Shots in each.
    pub shots: (u32, u32),
    /// Seconds of all shots together; `None` leaves it open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<(u32, u32)>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { telling: String::new(), scenes: (3, 8), shots: (2, 5), seconds: None }
    }
}

impl Bounds {
    /// Everything about them that no story could keep, one sentence each.
    pub fn wrong(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut within = |what: &str, (least, most): (u32, u32), limit: u32| {
            if least < 1 || least > most || most > limit {
                wrong.push(format!("{what} is [{least}, {most}]; it must be least and most, from 1 to {limit}"));
            }
        };
        within("scenes", self.scenes, MOST_SCENES);
        within("shots", self.shots, MOST_SHOTS);
        if let Some((least, most)) = self.seconds {
            within("seconds", (least, most), MOST_SECONDS);
            let fewest = u64::from(self.scenes.0) * u64::from(self.shots.0) * *SHOT_SECONDS.start() as u64;
            let longest = u64::from(self.scenes.1) * u64::from(self.shots.1) * *SHOT_SECONDS.end() as u64;
            if u64::from(most) < fewest || u64::from(least) > longest {
                wrong.push(format!(
                    "seconds is [{least}, {most}]; scenes and shots of 2 to 10 seconds last {fewest} to {longest}"
                ));
            }
        }
        if self.telling.chars().count() > LONGEST_TELLING {
            wrong.push(format!("telling has more than {LONGEST_TELLING} characters"));
        }
        wrong
    }
}

/// Seconds of a shot, least and most.
const SHOT_SECONDS: std::ops::RangeInclusive<f64> = 2.0..=10.0;
/// Most scenes of a story: what a model can still write in one answer.
const MOST_SCENES: u32 = 40;
/// Most shots of a scene.
const MOST_SHOTS: u32 = 20;
/// Longest story, in seconds.
const MOST_SECONDS: u32 = 7200;
/// Longest words of how a story is told, in characters.
const LONGEST_TELLING: usize = 600;

/// Most complaints that go back at a time: a model that gets everything wrong is not helped by a hundred.
const MOST: usize = 12;
/// Words in a line of dialogue.
const LONGEST_LINE: usize = 40;
/// Words in a title.
const LONGEST_TITLE: usize = 10;

/// Where in a story something is: in the whole, in a scene, or in a shot of one; counted from 1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct StoryPlace {
    /// Number of the scene.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scene: Option<u32>,
    /// Number of the shot in its scene.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shot: Option<u32>,
}

impl StoryPlace {
    fn scene(scene: u32) -> Self {
        Self { scene: Some(scene), shot: None }
    }

    fn shot(scene: u32, shot: u32) -> Self {
        Self { scene: Some(scene), shot: Some(shot) }
    }
}

impl fmt::Display for StoryPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.scene, self.shot) {
            (Some(scene), Some(shot)) => write!(f, "scene {scene} shot {shot}: "),
            (Some(scene), None) => write!(f, "scene {scene}: "),
            _ => Ok(()),
        }
    }
}

/// One thing that is wrong with a story. Codes are stable words.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum StoryFault {
    /// It is no story, or not written as one.
    Json {
        /// What the reader of JSON says.
        why: String,
    },
    /// The answer was longer than one may be, and ends in the middle.
    CutOff,
    /// Something that must be said is not.
    Empty {
        /// Where it is missing.
        place: StoryPlace,
        /// Name of the field.
        field: &'static str,
    },
    /// A word is not among those that are possible.
    NotPossible {
        /// Where it stands.
        place: StoryPlace,
        /// Name of the field.
        field: &'static str,
        /// Whose it is, when it is somebody's.
        #[serde(skip_serializing_if = "Option::is_none")]
        of: Option<String>,
        /// What was written.
        word: String,
        /// What could be.
        possible: &'static [&'static str],
    },
    /// There are too few scenes, or too many.
    Scenes {
        /// How many there are.
        count: usize,
        /// Fewest and most.
        wanted: (u32, u32),
    },
    /// A scene has too few shots, or too many.
    Shots {
        /// Number of the scene.
        scene: u32,
        /// How many it has.
        count: usize,
        /// Fewest and most.
        wanted: (u32, u32),
    },
    /// A shot is too short or too long.
    ShotLength {
        /// Scene and shot it is.
        place: StoryPlace,
        /// How long it is.
        seconds: f64,
    },
    /// All shots together are too short or too long.
    Length {
        /// How long they are.
        seconds: f64,
        /// Least and most.
        wanted: (u32, u32),
    },
    /// Somebody has no name a screenplay could use.
    NoName {
        /// Which of the characters, from 1.
        number: usize,
        /// What was written.
        name: String,
    },
    /// Somebody is there twice.
    Twice {
        /// The name as it was written.
        name: String,
    },
    /// A title has too many words.
    LongTitle {
        /// Whose it is.
        place: StoryPlace,
    },
    /// Somebody speaks and says nothing, or something is said by nobody.
    HalfDialogue {
        /// In which shot.
        place: StoryPlace,
    },
    /// Somebody speaks who is not among the characters.
    Stranger {
        /// In which shot.
        place: StoryPlace,
        /// Name of whoever speaks.
        name: String,
    },
    /// A line has too many words.
    LongLine {
        /// In which shot.
        place: StoryPlace,
    },
}

impl fmt::Display for StoryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json { why } => write!(f, "the JSON is wrong: {why}"),
            Self::CutOff => f.write_str("the answer was too long and was cut off: write fewer shots"),
            Self::Empty { place, field } => write!(f, "{place}{field} is empty"),
            Self::NotPossible { place, field, of, word, possible } => {
                let of = of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
                write!(f, "{place}{field}{of} is '{word}'; it must be one of {}", possible.join(", "))
            }
            Self::Scenes { count, wanted: (least, most) } => {
                write!(f, "scenes: there are {count}, but {least} to {most} are wanted")
            }
            Self::Shots { scene, count, wanted: (least, most) } => {
                write!(f, "shots of scene {scene}: there are {count}, but {least} to {most} are wanted")
            }
            Self::ShotLength { place, seconds } => {
                write!(f, "{place}duration_seconds is {seconds}; it must be 2 to 10")
            }
            Self::Length { seconds, wanted: (least, most) } => {
                write!(f, "all shots together last {seconds:.0} s, but {least} to {most} s are wanted")
            }
            Self::NoName { number, name } => write!(f, "character {number}: '{name}' is no name"),
            Self::Twice { name } => write!(f, "{name} is there twice in characters"),
            Self::LongTitle { place } => write!(f, "{place}the title has more than {LONGEST_TITLE} words"),
            Self::HalfDialogue { place } => write!(f, "{place}dialogue needs both who speaks and what is said"),
            Self::Stranger { place, name } => write!(f, "{place}{name} speaks but is not in characters"),
            Self::LongLine { place } => write!(f, "{place}the line has more than {LONGEST_LINE} words"),
        }
    }
}

/// Reads a story; on failure what is wrong with it, most pressing first.
///
/// # Errors
/// What is wrong with it: it is no JSON, or breaks the bounds.
pub fn read(text: &str, bounds: &Bounds) -> Result<Story, Vec<StoryFault>> {
    let text = text.trim();
    let inner = text.strip_prefix("```json").or_else(|| text.strip_prefix("```")).unwrap_or(text);
    let inner = inner.trim_end().strip_suffix("```").unwrap_or(inner);
    let story: Story =
        serde_json::from_str(inner.trim()).map_err(|error| vec![StoryFault::Json { why: error.to_string() }])?;
    let mut wrong = check(&story, bounds);
    wrong.truncate(MOST);
    if wrong.is_empty() { Ok(story) } else { Err(wrong) }
}

fn check(story: &Story, bounds: &Bounds) -> Vec<StoryFault> {
    let mut wrong = Vec::new();
    let whole = StoryPlace::default();
    let mut filled = |place: StoryPlace, field: &'static str, text: &str| {
        if !text.contains(char::is_alphanumeric) {
            wrong.push(StoryFault::Empty { place, field });
        }
    };
    filled(whole, "title", &story.title);
    filled(whole, "logline", &story.logline);
    for (scene, number) in story.scenes.iter().zip(1..) {
        let place = StoryPlace::scene(number);
        filled(place, "title", &scene.title);
        filled(place, "location", &scene.location);
        filled(place, "mood", &scene.mood);
        filled(place, "description", &scene.description);
        for (shot, at) in scene.shots.iter().zip(1..) {
            filled(StoryPlace::shot(number, at), "description", &shot.description);
        }
    }
    let mut one_of = |place, field, of: Option<&String>, word: &String, possible: &'static [&'static str]| {
        if !possible.contains(&word.as_str()) {
            wrong.push(StoryFault::NotPossible { place, field, of: of.cloned(), word: word.clone(), possible });
        }
    };
    for person in &story.characters {
        one_of(whole, "gender", Some(&person.name), &person.gender, &GENDERS);
        one_of(whole, "age", Some(&person.name), &person.age, &AGES);
    }
    for (scene, number) in story.scenes.iter().zip(1..) {
        let place = StoryPlace::scene(number);
        one_of(place, "setting", None, &scene.setting, &SETTINGS);
        one_of(place, "time_of_day", None, &scene.time_of_day, &TIMES);
        for (shot, at) in scene.shots.iter().zip(1..) {
            let place = StoryPlace::shot(number, at);
            one_of(place, "shot_type", None, &shot.shot_type, &SHOTS);
            one_of(place, "motion", None, &shot.motion, &MOTIONS);
        }
    }
    counts(story, bounds, &mut wrong);
    lines(story, &mut wrong);
    wrong
}

fn counts(story: &Story, bounds: &Bounds, wrong: &mut Vec<StoryFault>) {
    let outside = |count: usize, (least, most): (u32, u32)| count < least as usize || count > most as usize;
    let count = story.scenes.len();
    if outside(count, bounds.scenes) {
        wrong.push(StoryFault::Scenes { count, wanted: bounds.scenes });
    }
    for (one, scene) in story.scenes.iter().zip(1..) {
        let count = one.shots.len();
        if outside(count, bounds.shots) {
            wrong.push(StoryFault::Shots { scene, count, wanted: bounds.shots });
        }
    }
    let shots =
        || story.scenes.iter().zip(1..).flat_map(|(scene, n)| scene.shots.iter().zip(1..).map(move |(s, m)| (n, m, s)));
    for (scene, at, shot) in shots() {
        if !SHOT_SECONDS.contains(&shot.duration_seconds) {
            let place = StoryPlace::shot(scene, at);
            wrong.push(StoryFault::ShotLength { place, seconds: shot.duration_seconds });
        }
    }
    let seconds: f64 = shots().map(|(_, _, shot)| shot.duration_seconds).sum();
    let fits = |(least, most): &(u32, u32)| (f64::from(*least)..=f64::from(*most)).contains(&seconds);
    if let Some(wanted) = bounds.seconds.filter(|wanted| !fits(wanted)) {
        wrong.push(StoryFault::Length { seconds, wanted });
    }
}

fn lines(story: &Story, wrong: &mut Vec<StoryFault>) {
    let names: Vec<String> = story.characters.iter().map(|person| fold_name(&person.name)).collect();
    for (at, name) in names.iter().enumerate() {
        let written = &story.characters[at].name;
        let bad = written.trim().is_empty()
            || written.trim().chars().any(|c| matches!(c, '(' | ')' | '^' | '@' | '[' | ']' | '\n'));
        if bad {
            wrong.push(StoryFault::NoName { number: at + 1, name: written.clone() });
        }
        if names[..at].contains(name) {
            wrong.push(StoryFault::Twice { name: written.clone() });
        }
    }
    for (scene, number) in story.scenes.iter().zip(1..) {
        if scene.title.split_whitespace().count() > LONGEST_TITLE {
            wrong.push(StoryFault::LongTitle { place: StoryPlace::scene(number) });
        }
        for (shot, at) in scene.shots.iter().zip(1..) {
            let place = StoryPlace::shot(number, at);
            let (who, said) = (shot.dialogue_character.trim(), shot.dialogue_text.trim());
            if who.is_empty() != said.is_empty() {
                wrong.push(StoryFault::HalfDialogue { place });
            } else if !who.is_empty() && !names.contains(&fold_name(who)) {
                wrong.push(StoryFault::Stranger { place, name: who.to_owned() });
            }
            if said.split_whitespace().count() > LONGEST_LINE {
                wrong.push(StoryFault::LongLine { place });
            }
        }
    }
}
