//! Changes of a screenplay's text, with texts nobody would write: never a panic, never another change than was asked.

use proptest::prelude::*;
use studio_core::{
    fountain,
    script::{self, Script, ShotChange, change_shot, order_scenes},
};

const LINES: [&str; 36] = [
    "",
    "",
    "",
    "INT. KITCHEN - NIGHT",
    "EXT. GARDEN - DAY",
    ".THE ROAD",
    "CUT TO:",
    "> FADE TO BLACK.",
    "= A synopsis.",
    "# Act one",
    "A door opens.",
    "Anna and Ben wait\nunder a tree.",
    "!ANNA",
    "ANNA",
    "BEN (V.O.)",
    "ANNA ^",
    "(softly)",
    "Come in.",
    "...",
    "~La la",
    "> THE END <",
    "[[shot: close-up, 4s]]",
    "[[shot: low]] [[mine]]",
    "A hand. [[shot: wide, motion: pan-left]]",
    "[[ a note\nover lines ]]",
    "[[shot: wide,\n3s]]",
    "Ä [[shot: high]] ö ü.",
    "/* gone */",
    "[[transition: wipeleft 0.5s]]",
    "[[mood: tense]]",
    "[[shot: continues]]",
    "[[shot: lora: red dress 60%]]",
    "[[lora: rain]]",
    "  ",
    "===",
    "Smoke.\r",
];

fn text() -> impl Strategy<Value = String> {
    let line = prop::sample::select(&LINES[..]);
    (prop::collection::vec(line, 1..24), any::<bool>(), any::<bool>()).prop_map(|(lines, page, crlf)| {
        let page = if page { "Title: A\nShow: B\n\n" } else { "" };
        let text = format!("{page}INT. HALL - DAY\n\n{}\n", lines.join("\n"));
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

fn change() -> impl Strategy<Value = ShotChange> {
    prop::sample::select(vec![
        r#"{"shot_type":"wide"}"#,
        r#"{"shot_type":null,"motion":"push-in","angle":"dutch"}"#,
        r#"{"planned_ms":4500}"#,
        r#"{"planned_ms":null,"engine":"wan"}"#,
        r#"{"transition":{"kind":"dissolve","ms":700}}"#,
        r#"{"transition":{"kind":"cut","ms":0},"continues":true}"#,
        r#"{"description":"One cup\n\n of TEA."}"#,
        r#"{"description":"INT. TRAP - DAY"}"#,
        r#"{"description":"CUT TO:"}"#,
        r#"{"lines":["Hello there."]}"#,
        r#"{"lines":["(a trap)","B"]}"#,
        r#"{"lines":[]}"#,
        "{}",
    ])
    .prop_map(|json| serde_json::from_str(json).expect("a change"))
}

fn read(text: &str) -> Option<Script> {
    let play = fountain::parse(text.as_bytes()).ok()?;
    script::break_down(&play, &script::Defaults::default()).ok()
}

/// What every shot shows and says, but the one at `place`.
fn others(script: &Script, place: (u32, u32)) -> Vec<(String, Vec<String>)> {
    let shots =
        script.scenes.iter().flat_map(|scene| scene.shots.iter().map(move |shot| ((scene.number, shot.number), shot)));
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    shots
        .filter(|(at, _)| *at != place)
        .map(|(_, shot)| {
            (words(&shot.plan.description), shot.plan.lines.iter().map(|line| words(&line.text)).collect())
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_change_does_what_was_asked_or_is_refused(text in text(), change in change(), scene in 1u32..4, shot in 1u32..5) {
        let before = read(&text);
        match change_shot(&text, (scene, shot), &change, &script::Defaults::default()) {
            Err(why) => prop_assert!(!why.is_empty()),
            Ok(after) => {
                let (before, after) = (before.expect("only what can be read is changed"), read(&after).expect("it can be read again"));
                prop_assert_eq!(others(&before, (scene, shot)), others(&after, (scene, shot)));
                let plan = &after.scenes[scene as usize - 1].shots[shot as usize - 1].plan;
                if let Some(Some(wanted)) = change.shot_type { prop_assert_eq!(plan.shot_type, wanted); }
                if let Some(Some(wanted)) = change.motion { prop_assert_eq!(plan.motion, wanted); }
                if let Some(Some(wanted)) = change.angle { prop_assert_eq!(plan.angle, wanted); }
                if let Some(Some(wanted)) = change.planned_ms { prop_assert_eq!((plan.planned_ms, plan.fixed_length), (wanted, true)); }
                if let Some(Some(wanted)) = change.transition {
                    let into = if shot == 1 && scene > 1 { after.scenes[scene as usize - 1].transition } else { plan.transition };
                    prop_assert!(into == wanted || (scene, shot) == (1, 1) , "{into:?}");
                }
                if let Some(wanted) = change.engine { prop_assert_eq!(plan.engine, wanted); }
                if let Some(wanted) = change.continues { prop_assert_eq!(plan.continues, wanted); }
            }
        }
    }

    #[test]
    fn scenes_are_ordered_whole_or_not_at_all(text in text(), seed in any::<u64>()) {
        let Some(before) = read(&text) else { return Ok(()) };
        let count = before.scenes.len() as u32;
        let mut order: Vec<u32> = (1..=count).collect();
        order.rotate_left((seed % u64::from(count)) as usize);
        if let Ok(after) = order_scenes(&text, &order, &script::Defaults::default()) {
            let after = read(&after).expect("it can be read again");
            let shown = |script: &Script, number: u32| {
                script.scenes[number as usize - 1].shots.iter().map(|shot| shot.plan.description.clone()).collect::<Vec<_>>()
            };
            for (was, is) in order.iter().zip(1..) {
                prop_assert_eq!(shown(&before, *was), shown(&after, is));
            }
        }
    }
}
