//! What a broken screenplay gets: line, column, what was expected.

use studio_core::fountain;

use super::{break_down, faults, read};

/// Each fault begins with its place and contains the rest.
#[track_caller]
fn expect(text: &str, expected: &[(&str, &str)]) {
    let faults = faults(text);
    assert_eq!(faults.len(), expected.len(), "{faults:#?}");
    for (fault, (place, part)) in faults.iter().zip(expected) {
        assert!(
            fault.starts_with(&format!("{place}: ")) && fault.contains(part),
            "{fault:?} should be at {place} and say {part:?}"
        );
    }
}

fn scene(body: &str) -> String {
    format!("INT. ROOM - DAY\n\n{body}")
}

#[test]
fn text_that_is_not_utf8_is_refused_where_it_breaks() {
    for (bytes, place) in [
        (&b"INT. ROOM\n\nZo\xEB speaks."[..], "line 3, column 3: "),
        (b"\xEF\xBB\xBFINT. A\r\n\xC3\xA4\xFF", "line 2, column 2: "),
        (b"\xFF\xFEI\0N\0", "line 1, column 1: "),
        (b"A\r\n\xC3", "line 2, column 1: "),
    ] {
        let errors = fountain::parse(bytes).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert!(errors[0].to_string().starts_with(place), "{}", errors[0]);
        assert!(errors[0].message.contains("UTF-8"));
    }
}

/// It is UTF-8, but PostgreSQL keeps no such text.
#[test]
fn a_nul_is_refused_where_it_stands() {
    expect(&scene("Rain.\n\nMara \0 speaks."), &[("line 5, column 6", "the character NUL")]);
    expect("Title: A\r\n\0", &[("line 2, column 1", "take it out")]);
}

#[test]
fn unclosed_brackets_are_said_where_they_open() {
    expect(&scene("Rain. /* cut\n\nmore"), &[("line 3, column 7", "expected '*/'")]);
    expect(&scene("One [[a\n\nTwo [[b\n\nThree /*"), &[("line 7, column 7", "*/")]);
}

#[test]
fn keys_of_notes_that_are_mistyped_are_said_and_writers_own_notes_are_not() {
    let said = |note: &str| read(&scene(&format!("Rain. [[{note}]]"))).remarks;
    for (note, meant) in [
        ("clip lenght: 4s", "[[shot: length: ...]]"),
        ("length: 4s", "[[shot: length: ...]]"),
        ("camera motion: pan-left", "[[shot: motion: ...]]"),
        ("shto: wide", "[[shot: ...]]"),
        ("Shots: wide", "[[shot: ...]]"),
        ("charakter: Mara, female", "[[character: ...]]"),
        ("transitoin: fade", "[[transition: ...]]"),
        ("moood: tense", "[[mood: ...]]"),
        ("wether: rain", "[[weather: ...]]"),
        ("tmepo: 90", "[[tempo: ...]]"),
        ("scene music: song.flac", "[[music: ...]]"),
    ] {
        let remarks = said(note);
        assert_eq!(remarks.len(), 1, "{note}: {remarks:?}");
        assert!(remarks[0].line == 3 && remarks[0].message.contains(meant), "{note}: {remarks:?}");
    }
    for own in [
        "TODO: cut this",
        "NB: she lies",
        "Tom: too long?",
        "Ask about the music: who has it?",
        "note: x",
        "16:9",
        "mood: calm",
    ] {
        assert_eq!(said(own), [], "{own}");
    }
}

#[test]
fn a_screenplay_needs_a_scene() {
    expect("", &[("line 1, column 1", "empty")]);
    expect("\n \n/* all */\n", &[("line 1, column 1", "empty")]);
    expect("\n\nRain falls.\n", &[("line 3, column 1", "no scene heading")]);
    expect("Title: X\n\n", &[("line 1, column 1", "no scene heading")]);
    expect("INT.\n\nX.", &[("line 1, column 1", "names no place")]);
}

#[test]
fn dual_dialogue_needs_a_first_speaker() {
    expect(&scene("Rain.\n\nPIP ^\nNo."), &[("line 5, column 5", "first speaker")]);
    expect(&scene("A\nx.\n\nB ^\ny.\n\nC ^\nz."), &[("line 9, column 3", "not more")]);
}

#[test]
fn an_unknown_word_in_a_shot_note_is_said_with_the_nearest_one() {
    expect(
        &scene("Räin. [[shot: 4s, clsoe-up]]"),
        &[(
            "line 3, column 19",
            "unknown word 'clsoe-up' in a shot note; did you mean 'close-up'? possible: establishing",
        )],
    );
    expect(
        &scene("[[shot: wide,\n  banana]]\n\nRain."),
        &[("line 4, column 3", "unknown word 'banana' in a shot note; possible: establishing")],
    );
    expect(
        &scene("X. [[shot: engine: wam]]"),
        &[("line 3, column 20", "unknown engine 'wam'; did you mean 'wan'? possible: draft, framepack")],
    );
    expect(&scene("X. [[shot: angel: low]]"), &[("line 3, column 12", "did you mean 'angle'?")]);
    expect(&scene("X. [[shot: motion: pushin]]"), &[("line 3, column 20", "did you mean 'push-in'?")]);
    expect(&scene("X. [[shot: transition: wibe 1s]]"), &[("line 3, column 24", "unknown transition 'wibe'")]);
}

#[test]
fn lengths_have_units_and_limits() {
    for bad in ["0.5s", "61s", "4", "4m", "1e3s", "4.5.5s", "999999999999999999999s", "4,5"] {
        let faults = faults(&scene(&format!("X. [[shot: {bad}]]")));
        assert!(faults[0].starts_with("line 3, column 12: expected a length from 1s to 60s"), "{faults:?}");
    }
    for (good, ms) in [("1s", 1_000), ("4.5s", 4_500), ("1500ms", 1_500), ("60 s", 60_000)] {
        let plan = &break_down(&scene(&format!("X. [[shot: {good}]]"))).scenes[0].shots[0].plan;
        assert_eq!((plan.planned_ms, plan.fixed_length), (ms, true), "{good}");
    }
    expect(&scene("X. [[shot: transition: dissolve 9s]]"), &[("line 3, column 33", "from 0.1s to 2s")]);
    expect(&scene("X. [[transition: cut 1s]]"), &[("line 3, column 22", "a cut has no length")]);
}

#[test]
fn notes_of_scenes_and_characters_are_checked() {
    expect(&scene("[[weather: ran]]\n\nX."), &[("line 3, column 12", "did you mean 'rain'?")]);
    expect(&scene("[[tempo: 400]]\n\nX."), &[("line 3, column 10", "40 to 200")]);
    expect(&scene("[[mood: ]]\n\nX."), &[("line 3, column 9", "mood")]);
    expect(&scene("[[character: MARA, femal]]\n\nMARA\nHi."), &[("line 3, column 20", "did you mean 'female'?")]);
    expect(&scene("[[character: MARRA, female]]\n\nMARA\nHi."), &[("line 3, column 14", "did you mean 'MARA'?")]);
    expect(&scene("[[character: ]]\n\nX."), &[("line 3, column 13", "expected a name")]);
    break_down(&scene("[[check this: is it 4s or 5s?]] [[and ask Tom]]\n\nX."));
}

#[test]
fn a_shot_note_needs_a_shot() {
    expect(&scene("X.\n\n[[shot: wide]]\n\nINT. HALL - DAY\n\nY."), &[("line 5, column 3", "no shot follows")]);
    expect(&scene("X. [[shot: continues]]"), &[("line 3, column 1", "nothing to continue")]);
}

#[test]
fn the_title_page_is_checked() {
    let text = "Title: X\nSeason: one\nEpisode: 0\nAired: 21.11.2025\nLanguage: Martian\n\nINT. ROOM - DAY\n\nX.";
    expect(
        text,
        &[
            ("line 2, column 9", "from 0 to 199"),
            ("line 3, column 10", "from 1 to 9999"),
            ("line 4, column 8", "yyyy-mm-dd"),
            ("line 5, column 11", "en-GB"),
        ],
    );
    expect("Title: X\nAired: 2025-02-30\n\nINT. ROOM - DAY\n\nX.", &[("line 2, column 8", "yyyy-mm-dd")]);
}

#[test]
fn all_faults_are_said_up_to_fifty() {
    let text = scene(&"X. [[shot: nonsense, rubbish]]\n\n".repeat(40));
    let faults = faults(&text);
    assert_eq!(faults.len(), fountain::MAX_ERRORS);
    assert!(
        faults[0].starts_with("line 3, column 12")
            && faults[1].starts_with("line 3, column 22")
            && faults[2].starts_with("line 5, column 12")
    );
}
