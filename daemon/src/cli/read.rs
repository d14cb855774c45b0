//! Read: how the studio understands a screenplay, before anything is made of it.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};
use studio_core::{
    scene::{Look, Setting},
    script::{Script, ScriptScene, ScriptShot},
};

use super::{CliError, Exit, Invocation, length, produce, say};

/// Letters of a description or a line that are shown.
const SHOWN: usize = 64;

/// Reads a screenplay and says what it means. Neither settings nor database are opened.
pub(super) fn read(invocation: &Invocation, file: &Path) -> Result<Exit, CliError> {
    let script = produce::read(invocation, file)?.script;
    say(invocation.json, &answer(&script), || print(file, &script));
    Ok(Exit::Done)
}

/// Milliseconds its shots are planned to last, without what transitions share.
fn planned_ms(scenes: &[ScriptScene]) -> u64 {
    scenes.iter().flat_map(|scene| &scene.shots).map(|shot| shot.plan.planned_ms).sum()
}

/// Places by name, with the numbers of their scenes.
fn places(script: &Script) -> BTreeMap<&str, Vec<u32>> {
    let mut places: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for scene in script.scenes.iter().filter(|scene| !scene.look.is_black()) {
        places.entry(&scene.look.location).or_default().push(scene.number);
    }
    places
}

fn lines_of(script: &Script, name: &str) -> usize {
    let shots = script.scenes.iter().flat_map(|scene| &scene.shots);
    shots.flat_map(|shot| &shot.plan.lines).filter(|line| line.character == name).count()
}

fn answer(script: &Script) -> Value {
    let scenes = script.scenes.iter().map(|scene| {
        let mut said = json!(scene);
        said["planned_ms"] = json!(planned_ms(std::slice::from_ref(scene)));
        said["black"] = json!(scene.look.is_black());
        said
    });
    let cast = script.characters.iter().map(|one| {
        let mut said = json!(one);
        said["lines"] = json!(lines_of(script, &one.name));
        said
    });
    let places = places(script).into_iter().map(|(name, scenes)| json!({ "name": name, "scenes": scenes }));
    let mut answer = json!(script);
    answer["planned_ms"] = json!(planned_ms(&script.scenes));
    answer["places"] = places.collect();
    answer["characters"] = cast.collect();
    answer["scenes"] = scenes.collect();
    answer["remarks"] = json!(script.remarks);
    answer
}

fn print(file: &Path, script: &Script) {
    let shots: usize = script.scenes.iter().map(|scene| scene.shots.len()).sum();
    let many = |number: usize, one: &str| if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") };
    let (scenes, shots) = (many(script.scenes.len(), "scene"), many(shots, "shot"));
    let lasts = length(planned_ms(&script.scenes));
    out!("'{}' in {}: {scenes}, {shots}, about {lasts}", script.episode_title, script.language);
    for scene in &script.scenes {
        out!();
        out!("scene {}, line {}: {}", scene.number, scene.line, placed(scene));
        scene.shots.iter().for_each(|shot| print_shot(scene.number, shot));
    }
    out!();
    for (place, scenes) in places(script) {
        let scenes: Vec<String> = scenes.iter().map(u32::to_string).collect();
        out!("place:    {place}, in scene {}", scenes.join(", "));
    }
    for one in &script.characters {
        let (gender, age) = (word(&one.profile.gender), word(&one.profile.age));
        out!("cast:     {}, {gender}, {age}, {}", one.name, many(lines_of(script, &one.name), "line"));
    }
    produce::print_remarks(file, &script.remarks);
}

/// `inside, KITCHEN, night, rain, tense; FLASHBACK, 1944`.
fn placed(scene: &ScriptScene) -> String {
    let Look { setting, location, time_of_day, weather, mood, .. } = &scene.look;
    if scene.look.is_black() {
        return "over black".to_owned();
    }
    let side = match setting {
        Setting::Interior => "inside",
        Setting::Exterior => "outside",
        Setting::Both => "inside and outside",
    };
    let said = format!("{side}, {location}, {}, {}, {mood}", word(time_of_day), word(weather));
    if scene.qualifiers.is_empty() { said } else { format!("{said}; {}", scene.qualifiers.join(", ")) }
}

fn print_shot(scene: u32, shot: &ScriptShot) {
    let plan = &shot.plan;
    let (number, lasts) = (format!("{scene}-{}", shot.number), length(plan.planned_ms));
    out!("  {number:<6} line {:<5} {lasts:>7}  {:<16} {}", shot.line, word(&plan.shot_type), short(&plan.description));
    for line in &plan.lines {
        out!("{:>41}{}: {}", "", line.character, short(&line.text));
    }
}

/// A text on one line, cut with an ellipsis.
fn short(text: &str) -> String {
    if text.chars().count() <= SHOWN {
        return text.to_owned();
    }
    text.chars().take(SHOWN - 1).chain(['\u{2026}']).collect()
}

/// The word the API has for it.
pub(super) fn word<T: serde::Serialize>(value: &T) -> String {
    json!(value).as_str().unwrap_or_default().to_owned()
}
