//! Story: what a model tells becomes a screenplay the studio can break down, or a list of what is wrong.

use proptest::prelude::*;
use studio_core::{
    fountain, script,
    story::{Bounds, Brief, Person, Story, StoryScene, StoryShot, question, read, screenplay},
};

fn shot(description: &str, who: &str, said: &str) -> StoryShot {
    StoryShot {
        shot_type: "medium".into(),
        description: description.into(),
        motion: "push-in".into(),
        duration_seconds: 3.0,
        dialogue_character: who.into(),
        dialogue_text: said.into(),
    }
}

fn story() -> Story {
    let scene = |location: &str| StoryScene {
        title: "A light goes out".into(),
        setting: "exterior".into(),
        location: location.into(),
        time_of_day: "night".into(),
        mood: "tense".into(),
        description: "Edda looks for the light.".into(),
        shots: vec![shot("The sea under a black sky.", "", ""), shot("Edda looks up.", "Edda", "Where is it?")],
    };
    Story {
        title: "The Light".into(),
        logline: "A light goes out.".into(),
        characters: vec![Person { name: "Edda".into(), gender: "female".into(), age: "elder".into() }],
        scenes: vec![scene("Harbour"), scene("Lighthouse"), scene("Harbour")],
    }
}

fn broken_down(story: &Story) -> script::Script {
    let text = screenplay(story, "Harbour Lights", "en");
    let play = fountain::parse(text.as_bytes()).unwrap_or_else(|wrong| panic!("{wrong:?}\n{text}"));
    script::break_down(&play, &script::Defaults::default()).unwrap_or_else(|wrong| panic!("{wrong:?}\n{text}"))
}

#[test]
fn a_story_becomes_the_film_it_tells() {
    let text = serde_json::to_string(&story()).unwrap();
    let told = read(&text, &Bounds::default()).unwrap();
    let script = broken_down(&told);
    assert_eq!(script.scenes.len(), 3);
    assert_eq!(script.show.as_deref(), Some("Harbour Lights"));
    for scene in &script.scenes {
        assert_eq!((scene.look.mood.as_str(), scene.shots.len()), ("tense", 2), "{scene:#?}");
        assert_eq!(scene.shots[1].plan.lines[0].text, "Where is it?");
        assert_eq!(scene.shots[0].plan.planned_ms, 3_000);
    }
    let asked = question(&Brief {
        idea: "A light goes out.".into(),
        world: "A cold coast.".into(),
        characters: vec!["Edda: keeper".into()],
        bounds: Bounds { telling: "It ends badly.".into(), seconds: Some((50, 70)), ..Bounds::default() },
        language: "en".into(),
    });
    assert!(asked.text.contains("HOW IT IS TOLD: It ends badly.\n"), "{}", asked.text);
    assert!(asked.text.contains("50 to 70 seconds") && asked.text.contains("- Edda: keeper"), "{}", asked.text);
    assert_eq!(asked.schema["properties"]["scenes"]["maxItems"], 8);
}

#[test]
fn bounds_that_no_story_could_keep_are_refused() {
    assert_eq!(Bounds::default().wrong(), Vec::<String>::new());
    let bounds = Bounds { scenes: (5, 3), shots: (0, 2), seconds: Some((500, 600)), telling: "x".repeat(601) };
    let wrong = bounds.wrong();
    for said in ["scenes is [5, 3]", "shots is [0, 2]", "seconds is [500, 600]", "more than 600 characters"] {
        assert!(wrong.iter().any(|one| one.contains(said)), "{said}: {wrong:?}");
    }
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let mut bad = story();
    bad.scenes.truncate(2);
    bad.scenes[0].time_of_day = "dusk".into();
    bad.scenes[0].shots[0].duration_seconds = 90.0;
    bad.scenes[1].shots[1].dialogue_character = "Bob".into();
    bad.scenes[1].mood = " ".into();
    bad.characters.push(bad.characters[0].clone());
    let wrong = read(&serde_json::to_string(&bad).unwrap(), &Bounds::default()).unwrap_err();
    for said in ["there are 2", "dusk", "duration_seconds is 90", "Bob speaks", "mood is empty", "there twice"] {
        assert!(wrong.iter().any(|one| one.to_string().contains(said)), "{said}: {wrong:#?}");
    }
    // A program reads what it is, not the sentence.
    let said = serde_json::to_value(&wrong).unwrap();
    let codes: Vec<&str> = said.as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["empty", "not_possible", "scenes", "shot_length", "twice", "stranger"], "{said:#}");
    let dusk = serde_json::json!({ "code": "not_possible", "place": { "scene": 1 }, "field": "time_of_day",
        "word": "dusk", "possible": ["dawn", "morning", "midday", "afternoon", "sunset", "evening", "night"] });
    assert_eq!(said[1], dusk);
    for text in ["", "[]", "{}", "Once upon a time", &serde_json::to_string(&story()).unwrap()[..200]] {
        assert_eq!(read(text, &Bounds::default()).unwrap_err().len(), 1, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever words a model uses, the screenplay says the same story.
    #[test]
    fn no_words_break_the_screenplay(
        texts in prop::collection::vec("[ -~äß\n\t…—]{1,60}", 6),
        location in "[A-Za-z][A-Za-z .'/#-]{0,20}",
    ) {
        let mut told = story();
        told.title.clone_from(&texts[0]);
        told.logline.clone_from(&texts[1]);
        told.scenes[0].description.clone_from(&texts[2]);
        told.scenes[0].location = location;
        told.scenes[0].mood.clone_from(&texts[3]);
        told.scenes[1].shots[0].description.clone_from(&texts[4]);
        told.scenes[1].shots[1].dialogue_text.clone_from(&texts[5]);
        if read(&serde_json::to_string(&told).unwrap(), &Bounds::default()).is_ok() {
            let text = screenplay(&told, "Show", "en");
            let play = fountain::parse(text.as_bytes());
            prop_assert!(play.is_ok(), "{:?}\n{}", play.err(), text);
            let script = script::break_down(&play.unwrap(), &script::Defaults::default());
            prop_assert!(script.is_ok(), "{:?}\n{}", script.err(), text);
            prop_assert_eq!(script.unwrap().scenes.len(), 3, "{}", text);
        }
    }
}
