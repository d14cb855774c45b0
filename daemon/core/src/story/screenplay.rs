//! Screenplay: a story as Fountain, with the notes the studio understands.

use std::fmt::Write;

use super::Story;

/// One line without what Fountain would read as something else.
fn line(text: &str) -> String {
    let plain = text.chars().filter(|c| !matches!(c, '*' | '_' | '\\')).map(|c| match c {
        '[' => '(',
        ']' => ')',
        c if c.is_control() => ' ',
        c => c,
    });
    let plain: String = plain.collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A line of action: a mark in front keeps `!`, `.`, `@`, `#`, `=`, `>` and all-capital lines from meaning something.
fn action(text: &str) -> String {
    format!("!{}", line(text))
}

/// A word for a note: separators would end it.
fn word(text: &str) -> String {
    let lower = line(text).to_lowercase();
    let mut words = lower.split(|c: char| !c.is_alphabetic());
    words.find(|word| !word.is_empty()).unwrap_or("calm").chars().take(40).collect()
}

/// The screenplay of a story.
pub fn screenplay(story: &Story, show: &str, language: &str) -> String {
    let mut text = String::new();
    let title = line(&story.title);
    let _ = writeln!(text, "Title: {title}");
    if !show.is_empty() {
        let _ = writeln!(text, "Show: {}", line(show));
    }
    let _ = writeln!(text, "Language: {}\nLogline: {}\n", line(language), line(&story.logline));
    for person in &story.characters {
        let _ =
            writeln!(text, "[[character: {}, {}, {}]]", line(&person.name).to_uppercase(), person.gender, person.age);
    }
    for scene in &story.scenes {
        let prefix = if scene.setting == "interior" { "INT." } else { "EXT." };
        let location = line(&scene.location).replace(" - ", " ").to_uppercase();
        let time = scene.time_of_day.to_uppercase();
        let _ = writeln!(
            text,
            "\n{prefix} {location} - {time}\n\n= {}\n\n[[mood: {}]]",
            line(&scene.description),
            word(&scene.mood)
        );
        for shot in &scene.shots {
            let note = format!("[[shot: {}, {:.1}s, motion: {}]]", shot.shot_type, shot.duration_seconds, shot.motion);
            let _ = writeln!(text, "\n{} {note}", action(&shot.description));
            if !shot.dialogue_character.trim().is_empty() {
                let said = line(&shot.dialogue_text);
                // A line that begins with a bracket would be read as its manner.
                let said = said.trim_start_matches(['(', '~', '@', '!', '>', '.', '#', '=']).trim_end_matches(')');
                let _ = writeln!(text, "\n@{}\n{said}", line(&shot.dialogue_character).to_uppercase());
            }
        }
    }
    text
}
