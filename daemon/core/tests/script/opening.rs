//! What stands before the first scene heading, and notes as people write them.

use studio_core::{
    scene::TimeOfDay,
    script::{Script, ScriptShot},
    shot::{TransitionKind, VideoEngine},
};

use super::read;

fn cards(script: &Script) -> Vec<Option<&str>> {
    script.scenes[0].shots.iter().map(|shot| shot.plan.card.as_deref()).collect()
}

#[test]
fn words_before_the_first_heading_are_an_opening_over_black() {
    let script = read(
        "Title: The Well\n\n> *For Ada* <\n\nFADE IN:\n\nOVER BLACK.\n\nADA (V.O.)\nThe well was there before us.\n\nEXT. YARD - DAY\n\nA stone well.\n\nINT. HALL\n\nX.",
    );
    assert_eq!(script.scenes.len(), 3);
    let black = &script.scenes[0];
    assert!(black.look.is_black() && black.look.location.is_empty());
    assert_eq!(
        (black.number, black.line, black.title.as_str(), black.heading.as_str()),
        (1, 3, "Opening", "OVER BLACK")
    );
    assert_eq!(cards(&script), [Some("For Ada"), None]);
    let spoken: Vec<&str> =
        black.shots.iter().flat_map(|shot| &shot.plan.lines).map(|line| line.text.as_str()).collect();
    assert_eq!(spoken, ["The well was there before us."]);
    let drafted = |shot: &ScriptShot| shot.plan.engine == Some(VideoEngine::Draft) && shot.plan.characters.is_empty();
    assert!(black.shots.iter().all(drafted), "no model can be asked for nothing");
    assert_eq!(script.scenes[1].look.location, "YARD");
    assert_eq!(script.scenes[2].look.time_of_day, TimeOfDay::Midday);
    assert_eq!(script.remarks.len(), 1, "{:?}", script.remarks);
    assert!(script.remarks[0].to_string().starts_with("line 3: "));
}

#[test]
fn a_fade_in_alone_needs_no_scene() {
    for fade in [
        "FADE IN:",
        "FADE IN",
        "**FADE IN:**",
        "_FADE IN:_",
        "Fade in:",
        "> FADE IN:",
        "OUVERTURE AU NOIR",
        "**Aufblende:**",
    ] {
        let script = read(&format!("Title: X\n\n{fade}\n\nEXT. YARD - DAY\n\nA well."));
        assert_eq!((script.scenes.len(), script.remarks.len()), (1, 0), "{fade}");
        assert_eq!(script.scenes[0].number, 1);
    }
    let script = read("FADE IN:\n\nADA (V.O.)\nHello.\n\nFADE IN:\n\nEXT. YARD - DAY\n\nA well.");
    assert_eq!(script.scenes[1].transition.kind, TransitionKind::FadeBlack, "out of the black");
}

/// The beginning of a well-known sample: text, page breaks, a fade, a picture without a heading, a voice.
#[test]
fn a_sample_that_begins_with_text_is_read() {
    let script = read(
        "Title:\n\tTHE BIG CATCH\nCredit: written by\nAuthor: Somebody\nDraft date: 1/20/1893\nContact:\n\tNext Door\n\tNowhere\n\n====\n\nThis is a tale of the sea, and truer for its lies.\n\n====\n\n**FADE IN:**\n\nA RIVER.\n\nWe're underwater, watching a fat trout swim along.\n\nNED (V.O.)\nSome fish cannot be caught.\n\nINT.  NED'S BEDROOM - NIGHT (1973)\n\nNED, 3, listens.",
    );
    assert_eq!(script.scenes.len(), 2);
    assert_eq!(cards(&script)[0], Some("This is a tale of the sea, and truer for its lies."));
    assert_eq!(script.scenes[0].shots.len(), 3);
    assert_eq!(script.scenes[1].look.location, "NED'S BEDROOM");
    assert_eq!(
        (script.scenes[1].look.time_of_day, script.scenes[1].qualifiers.join(" ").as_str()),
        (TimeOfDay::Night, "1973")
    );
}

#[test]
fn a_sample_with_everything_is_read() {
    let script = read(
        "Title:\n    _**STEEL & BRICK**_\nCredit: Written by\nSource: A story\n\nEXT. PATIO - DAY\n\nA gorgeous day.\n\n@McCLANE\nYo!\n\nSTEEL\n(beer raised)\nTo retirement.\n\nBRICK ^\nTo retirement.\n\nEXT. PATIO - DAY - LATER\n\n.SNIPER SCOPE POV\n\nFrom what seems like only INCHES AWAY.\n\nEXT. BRICK'S POOL - DAY\n\nCUT TO:\n\nINT. TRAILER HOME - DAY\n\n> THE END <\n\n> FADE OUT.",
    );
    let places: Vec<&str> = script.scenes.iter().map(|scene| scene.look.location.as_str()).collect();
    assert_eq!(places, ["PATIO", "PATIO", "SNIPER SCOPE POV", "BRICK'S POOL", "TRAILER HOME"]);
    assert!(script.remarks.is_empty(), "{:?}", script.remarks);
}

#[test]
fn a_title_card_is_written_on_the_black_and_what_is_only_heard_is_not() {
    let script = read(
        "SUPER: \"London, 1944\"\n\nBlack screen. The sound of rain.\n\nBRANDON\nWho is there?\n\nEXT. YARD - DAY\n\nA well.",
    );
    assert_eq!(cards(&script), [Some("London, 1944"), None]);
    assert!(script.scenes[0].shots.iter().all(|shot| shot.plan.characters.is_empty()), "nobody is seen in the black");
}

#[test]
fn a_note_with_an_empty_line_is_read_and_one_without_an_end_swallows_nothing() {
    let script = read(
        "INT. HALL - DAY\n\nRain. [[remember:\n\nask Tom]]\n\nSnow. [[mood\n\nHail. [[shot: wide]]\n\nINT. ROOM - DAY\n\nWind. [[last",
    );
    let seen: Vec<&str> =
        script.scenes.iter().flat_map(|scene| &scene.shots).map(|shot| shot.plan.description.as_str()).collect();
    assert_eq!(seen, ["Rain.", "Snow.", "Hail.", "Wind."]);
    let lines: Vec<u32> = script.remarks.iter().map(|remark| remark.line).collect();
    assert_eq!(lines, [7, 13], "{:?}", script.remarks);
    let script = read("INT. HALL - DAY\n\nRain. [[cut for now\n\nINT. ROOM - DAY\n\nWind.]]\n\nSnow.");
    assert!(
        script.remarks[0].to_string().starts_with("line 3: ") && script.remarks[0].message.contains("line 5"),
        "{:?}",
        script.remarks
    );
}
