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

#[test]
fn who_and_where_differ_by_name_and_not_by_short_name() {
    let studio = Studio::new();
    let play = |page: &str, notes: &str| {
        let scene =
            |place: &str, who: &str| format!("INT. {place} - DAY\n\n{who} waits. [[shot: 1s]]\n\n{who}\nДа.\n\n");
        let all = [("КУХНЯ 1", "СОЛДАТ 1"), ("УЛИЦА 1", "ДЕВОЧКА 1"), ("CAFÉ", "RENÉ"), ("CAFE", "RENE")];
        let scenes: String = all.iter().map(|(place, who)| scene(place, who)).collect();
        format!("Show: Reel\n{page}\nAired: 2026-01-01\n\n{notes}\n\n{scenes}")
    };
    let notes = "[[character: СОЛДАТ 1, male, elder]]\n\n[[character: ДЕВОЧКА 1, female, child]]\n\n\
                 [[character: RENÉ, male, adult]]\n\n[[character: RENE, female, elder]]";
    let expected = [
        ("RENE".to_owned(), "female elder".to_owned()),
        ("RENÉ".to_owned(), "male adult".to_owned()),
        ("ДЕВОЧКА 1".to_owned(), "female child".to_owned()),
        ("СОЛДАТ 1".to_owned(), "male elder".to_owned()),
    ];
    for (page, notes) in [("Title: One\nEpisode: 1", notes), ("Title: Two\nEpisode: 2", "")] {
        studio.make(&studio.write("play.fountain", play(page, notes)));
        let service = Service::start(&studio);
        let all = |path: &str| serde_json::from_str::<Value>(&service.get(path).1).unwrap();
        let (people, places) = (all("/api/characters"), all("/api/locations"));
        service.stop();
        let mut found: Vec<(String, String)> = Vec::new();
        for one in people["characters"].as_array().unwrap() {
            let (who, word) = (&one["character"], |of: &Value| of.as_str().unwrap().to_owned());
            let profile = format!("{} {}", word(&who["profile"]["gender"]), word(&who["profile"]["age"]));
            found.push((word(&who["name"]), profile));
        }
        found.sort();
        assert_eq!(found, expected, "{page}");
        // A place written without its accent is the same place.
        assert_eq!(places["locations"].as_array().unwrap().len(), 3, "{places}");
    }
}
