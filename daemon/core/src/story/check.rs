//! Check: what is wrong with a story a model has told, one sentence each, so that it can be told again.

use serde::{Deserialize, Serialize};

use super::{AGES, GENDERS, MOTIONS, SETTINGS, SHOTS, Story, TIMES};

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

/// Reads a story; on failure everything that is wrong with it, one sentence each.
pub fn read(text: &str, bounds: &Bounds) -> Result<Story, Vec<String>> {
    let text = text.trim();
    let inner = text.strip_prefix("```json").or_else(|| text.strip_prefix("```")).unwrap_or(text);
    let inner = inner.trim_end().strip_suffix("```").unwrap_or(inner);
    let story: Story =
        serde_json::from_str(inner.trim()).map_err(|error| vec![format!("the JSON is wrong: {error}")])?;
    let mut wrong = check(&story, bounds);
    wrong.truncate(MOST);
    if wrong.is_empty() { Ok(story) } else { Err(wrong) }
}

fn check(story: &Story, bounds: &Bounds) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut filled = |what: &str, text: &str| {
        if !text.contains(char::is_alphanumeric) {
            wrong.push(format!("{what} is empty"));
        }
    };
    filled("title", &story.title);
    filled("logline", &story.logline);
    for (scene, number) in story.scenes.iter().zip(1..) {
        filled(&format!("scene {number}: title"), &scene.title);
        filled(&format!("scene {number}: location"), &scene.location);
        filled(&format!("scene {number}: mood"), &scene.mood);
        filled(&format!("scene {number}: description"), &scene.description);
        for (shot, at) in scene.shots.iter().zip(1..) {
            filled(&format!("scene {number} shot {at}: description"), &shot.description);
        }
    }
    let mut one_of = |what: String, word: &str, words: &[&str]| {
        if !words.contains(&word) {
            wrong.push(format!("{what} is '{word}'; it must be one of {}", words.join(", ")));
        }
    };
    for person in &story.characters {
        one_of(format!("gender of {}", person.name), &person.gender, &GENDERS);
        one_of(format!("age of {}", person.name), &person.age, &AGES);
    }
    for (scene, number) in story.scenes.iter().zip(1..) {
        one_of(format!("scene {number}: setting"), &scene.setting, &SETTINGS);
        one_of(format!("scene {number}: time_of_day"), &scene.time_of_day, &TIMES);
        for (shot, at) in scene.shots.iter().zip(1..) {
            one_of(format!("scene {number} shot {at}: shot_type"), &shot.shot_type, &SHOTS);
            one_of(format!("scene {number} shot {at}: motion"), &shot.motion, &MOTIONS);
        }
    }
    counts(story, bounds, &mut wrong);
    lines(story, &mut wrong);
    wrong
}

fn counts(story: &Story, bounds: &Bounds, wrong: &mut Vec<String>) {
    let mut inside = |what: String, count: usize, (least, most): (u32, u32)| {
        if count < least as usize || count > most as usize {
            wrong.push(format!("{what}: there are {count}, but {least} to {most} are wanted"));
        }
    };
    inside("scenes".into(), story.scenes.len(), bounds.scenes);
    for (scene, number) in story.scenes.iter().zip(1..) {
        inside(format!("shots of scene {number}"), scene.shots.len(), bounds.shots);
    }
    let shots =
        || story.scenes.iter().zip(1..).flat_map(|(scene, n)| scene.shots.iter().zip(1..).map(move |(s, m)| (n, m, s)));
    for (scene, at, shot) in shots() {
        if !SHOT_SECONDS.contains(&shot.duration_seconds) {
            wrong.push(format!(
                "scene {scene} shot {at}: duration_seconds is {}; it must be 2 to 10",
                shot.duration_seconds
            ));
        }
    }
    let all: f64 = shots().map(|(_, _, shot)| shot.duration_seconds).sum();
    if let Some((least, most)) =
        bounds.seconds.filter(|(least, most)| !(f64::from(*least)..=f64::from(*most)).contains(&all))
    {
        wrong.push(format!("all shots together last {all:.0} s, but {least} to {most} s are wanted"));
    }
}

fn lines(story: &Story, wrong: &mut Vec<String>) {
    let names: Vec<String> = story.characters.iter().map(|person| person.name.trim().to_lowercase()).collect();
    for (at, name) in names.iter().enumerate() {
        let bad = name.is_empty() || name.chars().any(|c| matches!(c, '(' | ')' | '^' | '@' | '[' | ']' | '\n'));
        if bad {
            wrong.push(format!("character {}: '{name}' is no name", at + 1));
        }
        if names[..at].contains(name) {
            wrong.push(format!("{name} is there twice in characters"));
        }
    }
    for (scene, number) in story.scenes.iter().zip(1..) {
        if scene.title.split_whitespace().count() > LONGEST_TITLE {
            wrong.push(format!("scene {number}: the title has more than {LONGEST_TITLE} words"));
        }
        for (shot, at) in scene.shots.iter().zip(1..) {
            let (who, said) = (shot.dialogue_character.trim(), shot.dialogue_text.trim());
            if who.is_empty() != said.is_empty() {
                wrong.push(format!("scene {number} shot {at}: dialogue needs both who speaks and what is said"));
            } else if !who.is_empty() && !names.contains(&who.to_lowercase()) {
                wrong.push(format!("scene {number} shot {at}: {who} speaks but is not in characters"));
            }
            if said.split_whitespace().count() > LONGEST_LINE {
                wrong.push(format!("scene {number} shot {at}: the line has more than {LONGEST_LINE} words"));
            }
        }
    }
}
