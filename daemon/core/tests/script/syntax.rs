//! Every element of Fountain.

use std::fmt::Write;

use studio_core::fountain::{Dialogue, ElementKind, Emphasis, Screenplay, SpeechKind, Text};

use super::parse;

/// The kinds of elements after a heading that makes the text a screenplay.
fn kinds(text: &str) -> Vec<ElementKind> {
    let screenplay = parse(&format!("INT. ROOM - DAY\n\n{text}"));
    screenplay.elements.into_iter().skip(1).map(|element| element.kind).collect()
}

fn words(text: &str) -> Text {
    Text { plain: text.to_owned(), spans: vec![] }
}

fn action(text: &str) -> ElementKind {
    ElementKind::Action(words(text))
}

fn dialogue(text: &str) -> Dialogue {
    match kinds(text).remove(0) {
        ElementKind::Dialogue(dialogue) => dialogue,
        other => panic!("{other:?}"),
    }
}

#[test]
fn scene_headings_begin_with_a_place_or_a_dot() {
    for heading in [
        "INT. HOUSE",
        "int house - day",
        "EXT. SEA",
        "EST. CITY",
        "INT./EXT. CAR",
        "INT/EXT. CAR",
        "EXT./INT. CAR",
        "I/E. CAR",
        "I/E CAR",
    ] {
        let screenplay = parse(&format!("{heading}\n\nRain."));
        assert_eq!(screenplay.elements[0].kind, ElementKind::SceneHeading { text: heading.to_owned(), number: None });
    }
    let forced = parse(".THE SEA #1A-2#\n\nRain.");
    assert_eq!(
        forced.elements[0].kind,
        ElementKind::SceneHeading { text: "THE SEA".to_owned(), number: Some("1A-2".to_owned()) }
    );
    assert_eq!(kinds("...and then nothing."), [action("...and then nothing.")]);
    assert_eq!(kinds("INTERIOR monologue."), [action("INTERIOR monologue.")]);
    assert_eq!(kinds("Rain.\nINT. HOUSE"), [action("Rain.\nINT. HOUSE")], "a heading needs an empty line before it");
}

#[test]
fn action_keeps_its_lines_and_can_be_forced() {
    assert_eq!(kinds("One.\n\tTwo.\n\nThree."), [action("One.\n    Two."), action("Three.")]);
    assert_eq!(kinds("!MARA\nshouts."), [action("MARA\nshouts.")]);
    assert_eq!(kinds("MARA\n\nnothing."), [action("MARA"), action("nothing.")], "a name without dialogue is action");
}

#[test]
fn a_character_is_upper_case_or_forced_and_speaks() {
    let plain = dialogue("MARA (V.O.) (CONT'D)\n(quietly)\nHello.\nAgain.");
    assert_eq!((plain.character.as_str(), plain.dual), ("MARA", false));
    assert_eq!(plain.extensions, ["V.O.", "CONT'D"]);
    let parts: Vec<_> = plain.parts.iter().map(|part| (part.line, part.kind, part.text.plain.as_str())).collect();
    assert_eq!(parts, [(4, SpeechKind::Parenthetical, "quietly"), (5, SpeechKind::Spoken, "Hello.\nAgain.")]);
    assert_eq!(dialogue("@McAvoy\nHello.").character, "McAvoy");
    assert_eq!(dialogue("   R2D2  \nBeep.").character, "R2D2");
    assert_eq!(dialogue("ZOË (on the radio)\nHello.").extensions, ["on the radio"]);
    assert_eq!(kinds("Mara\nHello."), [action("Mara\nHello.")]);
    assert_eq!(kinds("23\nHello."), [action("23\nHello.")], "a number is no name");
}

#[test]
fn two_spaces_keep_a_dialogue_together() {
    let dialogue = dialogue("MARA\nOne.\n  \nTwo.");
    assert_eq!(dialogue.parts.len(), 1);
    assert_eq!(dialogue.parts[0].text.plain, "One.\n\nTwo.");
    assert_eq!(kinds("MARA\nOne.\n\nTwo.").len(), 2);
}

#[test]
fn dual_dialogue_and_lyrics() {
    let both = kinds("MARA\nYes.\n\nPIP^\nNo.");
    let ElementKind::Dialogue(second) = &both[1] else { panic!("{both:?}") };
    assert_eq!((second.character.as_str(), second.dual), ("PIP", true));
    assert_eq!(kinds("~ La la\n~la"), [ElementKind::Lyric(words("La la\nla"))]);
    let sung = dialogue("MARA\nListen:\n~La la");
    assert_eq!(sung.parts[1].kind, SpeechKind::Lyric);
}

#[test]
fn transitions_centered_text_and_page_breaks() {
    assert_eq!(kinds("CUT TO:\n\nX.")[0], ElementKind::Transition("CUT TO:".to_owned()));
    assert_eq!(kinds("FADE TO BLACK.\n\nX.")[0], ElementKind::Transition("FADE TO BLACK.".to_owned()));
    assert_eq!(kinds("> Burn to white.")[0], ElementKind::Transition("Burn to white.".to_owned()));
    assert_eq!(
        kinds("> THE *END* <")[0],
        ElementKind::Centered(Text {
            plain: "THE END".to_owned(),
            spans: vec![studio_core::fountain::Span { start: 4, end: 7, emphasis: Emphasis::Italic }]
        })
    );
    assert_eq!(kinds("X.\n\n===\n\nY."), [action("X."), ElementKind::PageBreak, action("Y.")]);
}

#[test]
fn sections_and_synopses_are_not_part_of_the_film() {
    assert_eq!(
        kinds("## Act one\n= They *meet*.\nRain."),
        [
            ElementKind::Section { depth: 2, text: "Act one".to_owned() },
            ElementKind::Synopsis("They meet.".to_owned()),
            action("Rain."),
        ]
    );
}

#[test]
fn notes_are_set_aside_with_their_place() {
    let screenplay =
        parse("INT. ROOM - DAY\n\nRain [[soft: a]] falls.\n\n[[alone\nin two lines]]\n\nMARA\n[[shot: wide]]\nHello.");
    let kinds: Vec<_> = screenplay.elements.iter().map(|element| &element.kind).collect();
    assert_eq!(kinds[1], &action("Rain falls."));
    let on_action = &screenplay.elements[1].notes[0];
    assert_eq!((on_action.text.as_str(), on_action.line, on_action.column), ("soft: a", 3, 8));
    let ElementKind::Note(alone) = kinds[2] else { panic!("{kinds:?}") };
    assert_eq!((alone.text.as_str(), alone.place(6)), ("alone\nin two lines", (6, 1)));
    let ElementKind::Dialogue(dialogue) = kinds[3] else { panic!("{kinds:?}") };
    assert_eq!(dialogue.parts[0].text.plain, "Hello.", "a note stands between a name and its words");
    assert_eq!(screenplay.elements[3].notes[0].text, "shot: wide");
}

#[test]
fn a_note_may_hold_an_empty_line_of_two_spaces() {
    let screenplay = parse("INT. ROOM - DAY\n\nRain. [[one\n  \ntwo]] More.");
    assert_eq!(screenplay.elements[1].kind, action("Rain.\nMore."));
    assert_eq!(screenplay.elements[1].notes[0].text, "one\n  \ntwo");
}

#[test]
fn the_boneyard_is_gone() {
    assert_eq!(kinds("Rain /* and [[snow */ falls."), [action("Rain falls.")]);
    assert_eq!(kinds("MARA\n/* cut */\nHello.").len(), 1, "a name and its words stay together");
    assert_eq!(kinds("One.\n/*\ncut\n\nmore\n*/\nTwo."), [action("One."), action("Two.")]);
}

#[test]
fn emphasis_becomes_spans() {
    use Emphasis::{Bold, Italic, Underline};
    let spans = |text: &str| match kinds(text).remove(0) {
        ElementKind::Action(text) => {
            (text.plain, text.spans.iter().map(|span| (span.start, span.end, span.emphasis)).collect::<Vec<_>>())
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(spans("a *b* c"), ("a b c".to_owned(), vec![(2, 3, Italic)]));
    assert_eq!(spans("**b**_u_"), ("bu".to_owned(), vec![(0, 1, Bold), (1, 2, Underline)]));
    assert_eq!(spans("***x***"), ("x".to_owned(), vec![(0, 1, Bold), (0, 1, Italic)]));
    assert_eq!(spans("**a *b***"), ("a b".to_owned(), vec![(0, 3, Bold), (2, 3, Italic)]));
    assert_eq!(spans("_**both**_"), ("both".to_owned(), vec![(0, 4, Bold), (0, 4, Underline)]));
    for (literal, plain) in [
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name", "snake_case_name"),
        ("\\*no\\*", "*no*"),
        ("*open", "*open"),
        ("****", "****"),
    ] {
        assert_eq!(spans(literal), (plain.to_owned(), vec![]));
    }
    assert_eq!(spans("*one\ntwo*").1, vec![], "emphasis never reaches over a line break");
}

#[test]
fn the_title_page_has_keys_and_indented_values() {
    let screenplay =
        parse("Title:\n    **The Sea**\n    part two\nAuthor: Me\nMy key:  a value\n\nINT. ROOM - DAY\n\nRain.");
    let fields: Vec<_> = screenplay
        .title_page
        .iter()
        .map(|field| (field.key.as_str(), field.value.plain.as_str(), field.line, field.column))
        .collect();
    assert_eq!(fields, [("Title", "The Sea\npart two", 2, 5), ("Author", "Me", 4, 9), ("My key", "a value", 5, 10)]);
    let without = parse("FADE IN:\n\nINT. ROOM - DAY\n\nRain.");
    assert!(without.title_page.is_empty(), "FADE IN: is a transition");
    assert_eq!(without.elements[0].kind, ElementKind::Transition("FADE IN:".to_owned()));
    assert!(parse("INT. SPACE: THE DEEP - DAY\n\nRain.").title_page.is_empty());
}

#[test]
fn every_element_knows_its_line_whatever_the_line_ends() {
    let text = "Title: X\n\nINT. ROOM - DAY\n\nRain.\n\nMARA\nHi.\n";
    for text in [text.to_owned(), text.replace('\n', "\r\n"), text.replace('\n', "\r"), format!("\u{feff}{text}")] {
        let lines: Vec<u32> = parse(&text).elements.iter().map(|element| element.line).collect();
        assert_eq!(lines, [3, 5, 7]);
    }
}

/// A file with everything that trips readers up, as a whole.
#[test]
fn a_nasty_file() {
    insta::assert_snapshot!(shown(&parse(include_str!("nasty.fountain"))));
}

fn shown(screenplay: &Screenplay) -> String {
    let mut out = String::new();
    for field in &screenplay.title_page {
        writeln!(out, "{}:{} {} = {:?}", field.line, field.column, field.key, field.value.plain).unwrap();
    }
    for element in &screenplay.elements {
        write!(out, "{:>3} ", element.line).unwrap();
        match &element.kind {
            ElementKind::Dialogue(dialogue) => {
                writeln!(
                    out,
                    "Dialogue {} {:?}{}",
                    dialogue.character,
                    dialogue.extensions,
                    if dialogue.dual { " dual" } else { "" }
                )
                .unwrap();
                for part in &dialogue.parts {
                    writeln!(out, "    {:>3} {:?} {:?} {}", part.line, part.kind, part.text.plain, spans(&part.text))
                        .unwrap();
                }
            }
            ElementKind::Action(text) => writeln!(out, "Action {:?} {}", text.plain, spans(text)).unwrap(),
            other => writeln!(out, "{other:?}").unwrap(),
        }
        for note in &element.notes {
            writeln!(out, "    note {}:{} {:?}", note.line, note.column, note.text).unwrap();
        }
    }
    out.lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

fn spans(text: &Text) -> String {
    text.spans
        .iter()
        .map(|span| format!("{:?}({})", span.emphasis, &text.plain[span.start..span.end]))
        .collect::<Vec<_>>()
        .join(" ")
}
