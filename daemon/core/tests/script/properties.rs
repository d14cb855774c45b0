//! What is true of every screenplay, written by somebody or by chance.

use proptest::prelude::*;
use studio_core::{
    fountain::{self, Screenplay},
    script::{self, Defaults},
    shot::Transition,
};

/// Lines that mean something, in any order, so that chance finds the odd neighbours.
fn lines() -> impl Strategy<Value = Vec<String>> {
    let known = prop::sample::select(vec![
        "",
        "",
        "",
        "  ",
        "INT. HOUSE - NIGHT",
        "EXT. SEA - CONTINUOUS #4#",
        ".FORCED",
        "MARA",
        "PIP ^",
        "@Tom (V.O.)",
        "(softly)",
        "Hello there.",
        "Rain *falls* on **Mara**.",
        "CUT TO:",
        "FADE OUT.",
        "> right",
        "> middle <",
        "~la la",
        "# Act",
        "= What happens",
        "===",
        "[[shot: close-up, 4s]]",
        "[[shot: continues]]",
        "[[note",
        "]]",
        "/*",
        "*/",
        "[[transition: wipeleft 1s]]",
        "[[mood: tense]]",
        "[[character: MARA, elder]]",
        "Title: X",
        "   more",
        "!FORCED",
        "Zoë 李 ß",
        "\t",
        "[[shot: nonsense]]",
        "***_",
        "\\*",
    ]);
    prop::collection::vec(prop_oneof![9 => known.prop_map(str::to_owned), 1 => "[^\r\n]{0,20}"], 0..40)
}

fn read(text: &str) -> Result<Screenplay, Vec<fountain::ScriptError>> {
    fountain::parse(text.as_bytes())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Ok(screenplay) = fountain::parse(&bytes) {
            let _ = script::break_down(&screenplay, &Defaults::default());
        }
    }

    #[test]
    fn arbitrary_notes_never_panic(note in "(shot|transition|tempo|character|mood|weather|x): ?[ -~\u{e4}\u{4e00}\n]{0,30}") {
        if let Ok(screenplay) = read(&format!("INT. A - DAY\n\nX.\n\n[[{note}]]\n\nY.")) {
            let _ = script::break_down(&screenplay, &Defaults::default());
        }
    }

    #[test]
    fn line_ends_and_the_byte_order_mark_do_not_matter(lines in lines()) {
        // With zeros it may be taken for UTF-16, and is no text anybody writes.
        let lines: Vec<String> = lines.iter().map(|line| line.replace('\0', "")).collect();
        let text = lines.join("\n");
        let unix = read(&text);
        prop_assert_eq!(&unix, &read(&lines.join("\r\n")));
        prop_assert_eq!(&unix, &read(&lines.join("\r")));
        prop_assert_eq!(&unix, &read(&format!("\u{feff}{text}")));
    }

    #[test]
    fn every_place_is_inside_the_text(lines in lines()) {
        let text = format!("INT. A - DAY\n\nX.\n\n{}", lines.join("\n"));
        let outcome = read(&text).and_then(|screenplay| script::break_down(&screenplay, &Defaults::default()));
        let all: Vec<&str> = text.split('\n').collect();
        for error in outcome.err().unwrap_or_default() {
            let line = all.get(error.line as usize - 1);
            prop_assert!(line.is_some_and(|line| (1..=line.chars().count() as u32 + 1).contains(&error.column)), "{}", error);
        }
    }

    #[test]
    fn a_script_is_complete(lines in lines()) {
        let lines: Vec<String> = lines.into_iter().filter(|line| !["[[note", "/*", "[[shot: nonsense]]"].contains(&line.as_str())).collect();
        let text = format!("INT. A - DAY\n\nX.\n\n{}", lines.join("\n"));
        let Ok(script) = read(&text).and_then(|screenplay| script::break_down(&screenplay, &Defaults::default())) else { return Ok(()) };
        prop_assert!(!script.scenes.is_empty());
        prop_assert_eq!(script.scenes[0].transition, Transition::CUT);
        for (scene, number) in script.scenes.iter().zip(1..) {
            prop_assert_eq!(scene.number, number);
            prop_assert!(!scene.shots.is_empty() && !scene.title.is_empty() && !scene.look.synopsis.is_empty());
            prop_assert_eq!(scene.shots[0].plan.transition, Transition::CUT);
            for (shot, number) in scene.shots.iter().zip(1..) {
                let plan = &shot.plan;
                prop_assert_eq!(shot.number, number);
                prop_assert!(plan.planned_ms >= 1_000 && !plan.description.is_empty());
                prop_assert!(plan.fixed_length || plan.planned_ms >= 2_000);
                prop_assert!(!plan.lines.first().is_some_and(|line| line.dual), "nobody to speak with");
                for line in &plan.lines {
                    prop_assert!(script.characters.iter().any(|who| who.name == line.character) && !line.text.trim().is_empty());
                }
            }
        }
    }
}
