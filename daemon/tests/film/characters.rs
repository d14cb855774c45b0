//! Characters: they stay who they are from episode to episode, and who is no human is seen by a person first.

use serde_json::Value;

use crate::{
    second::Service,
    studio::{Running, Studio},
};

fn play(page: &str, notes: &str) -> String {
    format!(
        "Show: Reel\n{page}\nAired: 2026-01-01\n\n{notes}\n\nINT. ROOM - DAY\n\nANNA waits. [[shot: 1s]]\n\nANNA\nYes.\n"
    )
}

fn anna(studio: &Studio) -> Value {
    let service = Service::start(studio);
    let (_, said) = service.get("/api/characters");
    service.stop();
    let all: Value = serde_json::from_str(&said).unwrap();
    all["characters"][0]["character"].clone()
}

#[test]
fn nobody_changes_because_a_screenplay_says_nothing() {
    let studio = Studio::new();
    let make = |page: &str, notes: &str| {
        studio.make(&studio.write("play.fountain", play(page, notes)));
        let profile = anna(&studio)["profile"].clone();
        (profile["gender"].as_str().unwrap().to_owned(), profile["age"].as_str().unwrap().to_owned())
    };
    let who = |gender: &str, age: &str| (gender.to_owned(), age.to_owned());
    assert_eq!(make("Title: One\nEpisode: 1", "[[character: ANNA, neutral, elder]]"), who("neutral", "elder"));
    assert_eq!(make("Title: Two\nEpisode: 2", ""), who("neutral", "elder"));
    let three = studio.write("play.fountain", play("Title: Three\nEpisode: 3", "[[character: ANNA, male, child]]"));
    let made = studio.make(&three);
    assert!(made["remarks"].to_string().contains("ANNA is not as this screenplay says"), "{made}");
    assert_eq!(anna(&studio)["established"]["gender"]["is"], "neutral");
    assert_eq!(make("Title: One\nEpisode: 1", "[[character: ANNA, female, elder]]"), who("female", "elder"));
}

#[test]
fn who_is_no_human_waits_for_a_person() {
    let studio = Studio::new();
    let dragon = "[characters.ANNA.looks]\nspecies = \"dragon\"\n";
    studio.settings(dragon);
    let file = studio.write("play.fountain", play("Title: One", ""));
    let mut draft = studio.producing(&file);
    draft.arg("--draft");
    Running::start(draft).finish().ended(1);
    let waiting = studio.run(["--json", "tasks", "--state", "needs_person"]).ended(0).json();
    let all = waiting.as_array().unwrap();
    assert_eq!(all.len(), 1, "{waiting}");
    assert!(all[0]["reason"].as_str().unwrap().contains("ANNA is no human"), "{waiting}");
    // Goes on with a remark where that is wanted.
    studio.settings(&format!("[gates]\npublish_with_remarks = true\n{dragon}"));
    let made = studio.make(&file);
    assert!(made["remarks"].to_string().contains("ANNA is no human"), "{made}");
}
