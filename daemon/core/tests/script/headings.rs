//! Headings as people write them: every spelling of a place and an hour gives that place and that hour.

use proptest::prelude::*;
use studio_core::{
    fountain,
    heading::{Heading, Vocabulary, place_key},
    scene::{Setting, TimeOfDay, Weather},
    script::Script,
};

use super::{languages, read};

fn heading(text: &str, language: Option<&str>) -> Heading {
    Vocabulary::of(&languages(), language).read(text)
}

/// Place and hour of each scene.
fn scenes(script: &Script) -> Vec<(&str, TimeOfDay)> {
    script.scenes.iter().map(|scene| (scene.look.location.as_str(), scene.look.time_of_day)).collect()
}

#[test]
fn every_spelling_of_a_kitchen_at_night_is_the_kitchen_at_night() {
    for text in [
        "INT. KITCHEN - NIGHT",
        "INT. KITCHEN, NIGHT",
        "INT. KITCHEN -- NIGHT",
        "INT KITCHEN NIGHT",
        "INT. KITCHEN. NIGHT.",
        "INT - KITCHEN - NIGHT",
        "INT: KITCHEN: NIGHT",
        "int. kitchen - night",
        "Int. Kitchen – Night",
        "INT.KITCHEN-NIGHT",
        "INT.KITCHEN.NIGHT",
        "INT. KITCHEN ~ NIGHT",
        "Interior kitchen - night",
        "INT. KITCHEN—NIGHT",
        "INT. KITCHEN − NIGHT",
        "INT.\u{a0}KITCHEN\u{a0}-\u{a0}NIGHT",
        "INT.\u{2003}KITCHEN\u{202f}–\u{2009}NIGHT",
        "INT. KITCHEN (NIGHT)",
        "INT. KITCHEN / NIGHT",
        "INT. KITCHEN - NIGHT (CONTINUED)",
        "INT. KITCHEN - LATE NIGHT",
        "INT. KITCHEN - LATER THAT NIGHT",
        "INT. KITCHEN - THE NEXT NIGHT",
        "INT. KITCHEN - NIGHT 2",
        "INT. KITCHEN - 3 A.M.",
        "INT. KITCHEN - 23:30",
        "INT. KITCHEN - NIGHT - FLASHBACK (1944)",
        "INT. KITCHEN - NIGHT - ESTABLISHING",
        "INT. KITCHEN - FLASHBACK - NIGHT",
        "INT. KITCHEN (1944) - NIGHT",
        "INT. KITCHEN - NIGHT - BILL'S POV",
        "INT. KITCHEN - NIGHT - RAIN",
        "INTERIOR. KITCHEN - NIGHT",
        "INTERIOR KITCHEN - NIGHT",
    ] {
        let heading = heading(text, None);
        assert_eq!(
            (heading.setting, place_key(&heading.location), heading.time),
            (Setting::Interior, "kitchen".into(), Some(TimeOfDay::Night)),
            "{text}: {heading:?}"
        );
        let screenplay = fountain::parse(format!("{text}\n\nRain.").as_bytes()).unwrap();
        assert!(matches!(screenplay.elements[0].kind, fountain::ElementKind::SceneHeading { .. }), "{text}");
    }
}

#[test]
fn inner_and_outer_words_are_written_in_many_ways() {
    for (text, setting) in [
        ("INT. / EXT. CAR - DAY", Setting::Both),
        ("INT./EXT CAR - DAY", Setting::Both),
        ("INT/EXT. CAR - DAY", Setting::Both),
        ("EXT / INT CAR - DAY", Setting::Both),
        ("EXT-INT. CAR - DAY", Setting::Both),
        ("I/E CAR - DAY", Setting::Both),
        ("I./E. CAR - DAY", Setting::Both),
        ("E/I. CAR - DAY", Setting::Both),
        ("EST. CAR - DAY", Setting::Exterior),
        ("EXTERIOR: CAR - DAY", Setting::Exterior),
        ("**INT. CAR - DAY**", Setting::Interior),
        ("_INT. CAR - DAY_ #4#", Setting::Interior),
        ("12 INT. CAR - DAY 12", Setting::Interior),
        ("12A. EXT. CAR - DAY", Setting::Exterior),
        ("SCENE 4 - INT. CAR - DAY", Setting::Interior),
        ("Scene 4: EXT. CAR - DAY", Setting::Exterior),
        (".CAR - DAY", Setting::Both),
        (".INT. CAR - DAY", Setting::Interior),
        ("EXT. CAR - DAY #12A#", Setting::Exterior),
    ] {
        let script = read(&format!("{text}\n\nRain."));
        assert_eq!(scenes(&script), [("CAR", TimeOfDay::Midday)], "{text}");
        assert_eq!((script.scenes[0].look.setting, script.remarks.len()), (setting, 0), "{text}");
    }
}

#[test]
fn what_only_looks_like_an_hour_or_a_heading_is_none() {
    for (text, location, time) in [
        ("INT. NIGHT CLUB", "NIGHT CLUB", None),
        ("INT. PARIS - NIGHT CLUB - NIGHT", "PARIS - NIGHT CLUB", Some(TimeOfDay::Night)),
        ("INT. PARIS - NIGHT CLUB", "PARIS - NIGHT CLUB", None),
        ("INT. DAY ROOM", "DAY ROOM", None),
        ("INT. DAY ROOM NIGHT", "DAY ROOM", Some(TimeOfDay::Night)),
        ("EXT. DAY SPA", "DAY SPA", None),
        ("INT. THE MORNING STAR", "THE MORNING STAR", None),
        ("INT. THE MORNING STAR - DUSK", "THE MORNING STAR", Some(TimeOfDay::Sunset)),
        ("INT. MORGUE", "MORGUE", None),
        ("INT. ST. MARY'S. CHAPEL", "ST. MARY'S. CHAPEL", None),
        ("INT. ST. MARY'S. CHAPEL. DAWN", "ST. MARY'S. CHAPEL", Some(TimeOfDay::Dawn)),
        ("EXT. NIGHT TRAIN - DAY", "NIGHT TRAIN", Some(TimeOfDay::Midday)),
        ("INT. HOUSE, KITCHEN - DAY", "HOUSE, KITCHEN", Some(TimeOfDay::Midday)),
        ("EXT. BERLIN - ALEXANDERPLATZ - NIGHT", "BERLIN - ALEXANDERPLATZ", Some(TimeOfDay::Night)),
        ("INT. KITCHEN/LIVING ROOM - DAY", "KITCHEN/LIVING ROOM", Some(TimeOfDay::Midday)),
        ("INT. HOUSE (KITCHEN) - DAY", "HOUSE (KITCHEN)", Some(TimeOfDay::Midday)),
        ("INT. ACME INC. - NIGHT", "ACME INC.", Some(TimeOfDay::Night)),
        ("INT. STORM CELLAR - DAY", "STORM CELLAR", Some(TimeOfDay::Midday)),
        ("INT. FARM - STORM CELLAR", "FARM - STORM CELLAR", None),
        ("INT. STUDIO 54 NIGHT", "STUDIO 54", Some(TimeOfDay::Night)),
        ("INT. HOUSE OF NIGHT", "HOUSE OF NIGHT", None),
        ("INT. MR. DAY'S - NIGHT", "MR. DAY'S", Some(TimeOfDay::Night)),
        ("INT. DR. NIGHT", "DR. NIGHT", None),
        ("INT. THE NIGHT", "THE NIGHT", Some(TimeOfDay::Night)),
        ("INT. HOTEL - ROOM OF THE NIGHT PORTER", "HOTEL - ROOM OF THE NIGHT PORTER", None),
        ("INT. LABORATORY - PRESENT DAY", "LABORATORY", None),
        ("EXT. SHOP #3 - DAY", "SHOP #3", Some(TimeOfDay::Midday)),
        ("EXT. PARIS–ORLY - DAY", "PARIS–ORLY", Some(TimeOfDay::Midday)),
        ("INT. CAR - MOVING - DAY", "CAR - MOVING", Some(TimeOfDay::Midday)),
    ] {
        let heading = heading(text, None);
        assert_eq!((heading.location.as_str(), heading.time), (location, time), "{text}: {heading:?}");
    }
    for text in [
        "INTERROGATION ROOM",
        "EXTRA",
        "EXTRAS RUN BY.",
        "INTERIOR monologue.",
        "EXTERIOR SHOT OF A HOUSE.",
        "INTO THE NIGHT",
        "Estimated time.",
        "International night.",
        "I - E",
        "int: a value",
        "12 INTERNS RUN - DAY",
    ] {
        let screenplay = fountain::parse(format!("INT. A - DAY\n\n{text}\n\nRain.").as_bytes()).unwrap();
        assert!(matches!(screenplay.elements[1].kind, fountain::ElementKind::Action(_)), "{text}: {screenplay:?}");
    }
}

#[test]
fn what_goes_on_keeps_the_hour_and_the_next_one_changes_it() {
    for (text, time) in [
        ("CONTINUOUS", TimeOfDay::Night),
        ("SAME TIME", TimeOfDay::Night),
        ("MOMENTS LATER", TimeOfDay::Night),
        ("A FEW MINUTES LATER", TimeOfDay::Night),
        ("NEXT MORNING", TimeOfDay::Morning),
        ("THE FOLLOWING AFTERNOON", TimeOfDay::Afternoon),
        ("LATER THAT EVENING", TimeOfDay::Evening),
    ] {
        let script = read(&format!("INT. HALL - NIGHT\n\nA.\n\nINT. KITCHEN - {text}\n\nB."));
        assert_eq!(scenes(&script)[1], ("KITCHEN", time), "{text}");
        assert!(script.remarks.is_empty(), "{:?}", script.remarks);
    }
}

#[test]
fn a_place_is_one_place_however_it_is_spelled() {
    let script = read(
        "INT. HOUSE - KITCHEN - DAY\n\nA.\n\nINT. House, Kitchen - night\n\nB.\n\nINT. HOUSE. KITCHEN. NIGHT.\n\nC.\n\nINT. THE LONG NIGHT - DAY\n\nD.\n\nINT. THE LONG NIGHT\n\nE.",
    );
    let places: Vec<&str> = scenes(&script).iter().map(|(place, _)| *place).collect();
    assert_eq!(places, ["HOUSE - KITCHEN", "HOUSE - KITCHEN", "HOUSE - KITCHEN", "THE LONG NIGHT", "THE LONG NIGHT"]);
}

#[test]
fn what_a_heading_says_beside_place_and_hour_is_kept() {
    let script = read(
        "INT. ATTIC - NIGHT - FLASHBACK (1944)\n\nDust.\n\nINT. ATTIC - DAY - ESTABLISHING\n\nDust.\n\nEXT. BAY - NIGHT, STORM\n\nWaves.",
    );
    let qualifiers: Vec<_> = script.scenes.iter().map(|scene| scene.qualifiers.join("|")).collect();
    assert_eq!(qualifiers, ["FLASHBACK|1944", "ESTABLISHING", ""]);
    assert_eq!(script.scenes[1].shots[0].plan.shot_type, studio_core::shot::ShotType::Establishing);
    assert_eq!(script.scenes[2].look.weather, Weather::Storm);
}

#[test]
fn an_hour_nobody_knows_is_a_remark_with_its_line() {
    let script = read(
        "INT. HALL - NIGHT\n\nA.\n\nINT. KITCHEN - NIHGT\n\nB.\n\nEXT. BERLIN - TIERGARTEN - DAY\n\nC.\n\nEXT. BERLIN - TIERGARTEN\n\nD.\n\nINT. ATTIC - NIGHT - UNDER THE ROOF\n\nE.",
    );
    let remarks: Vec<String> = script.remarks.iter().map(ToString::to_string).collect();
    assert_eq!(remarks.len(), 2, "{remarks:?}");
    assert!(
        remarks[0].starts_with("line 5: ")
            && remarks[0].contains("'NIHGT'")
            && remarks[0].contains("did you mean 'night'"),
        "{remarks:?}"
    );
    assert!(remarks[1].starts_with("line 17: ") && remarks[1].contains("UNDER THE ROOF"), "{remarks:?}");
}

/// What the title page says of the language, three headings, and their hours.
const FILMS: [(&str, [&str; 3], [TimeOfDay; 3]); 14] = [
    (
        "fr",
        ["INT. CUISINE - NUIT", "EXT. PLAGE - CRÉPUSCULE", "EXT. PLAGE - CREPUSCULE"],
        [TimeOfDay::Night, TimeOfDay::Evening, TimeOfDay::Evening],
    ),
    (
        "français",
        ["EXTÉRIEUR. RUE. PETIT MATIN", "INT. BAR - TOMBÉE DE LA NUIT", "INT. BAR, APRÈS-MIDI"],
        [TimeOfDay::Dawn, TimeOfDay::Evening, TimeOfDay::Afternoon],
    ),
    (
        "fr-CA",
        ["INT. BOÎTE DE NUIT - JOUR", "INT CUISINE NUIT", "INT. CUISINE - NUIT NOIRE"],
        [TimeOfDay::Midday, TimeOfDay::Night, TimeOfDay::Night],
    ),
    (
        "de",
        ["INNEN. KÜCHE - NACHT", "AUSSEN. HAFEN - ABENDDÄMMERUNG", "Außen. Hafen – am nächsten Morgen"],
        [TimeOfDay::Night, TimeOfDay::Evening, TimeOfDay::Morning],
    ),
    (
        "German (Austria)",
        ["innen - küche - nacht", "Innen küche – nacht", "INNEN KÜCHE NACHT"],
        [TimeOfDay::Night, TimeOfDay::Night, TimeOfDay::Night],
    ),
    (
        "German",
        ["INNEN/AUSSEN. AUTO - TAG", "INT. KÜCHE - SPÄTER", "I/A AUTO - SONNENUNTERGANG"],
        [TimeOfDay::Midday, TimeOfDay::Midday, TimeOfDay::Sunset],
    ),
    (
        "es",
        ["INT. COCINA - NOCHE", "EXT. CALLE - AMANECER", "INT. COCINA - A LA MAÑANA SIGUIENTE"],
        [TimeOfDay::Night, TimeOfDay::Dawn, TimeOfDay::Morning],
    ),
    (
        "it",
        ["INT. CUCINA - NOTTE", "EST. SPIAGGIA - TRAMONTO", "INTERNO. CUCINA. GIORNO"],
        [TimeOfDay::Night, TimeOfDay::Sunset, TimeOfDay::Midday],
    ),
    (
        "pt-BR",
        ["INT. COZINHA - NOITE", "EXT. PRAIA - PÔR DO SOL", "INT. COZINHA – MANHÃ"],
        [TimeOfDay::Night, TimeOfDay::Sunset, TimeOfDay::Morning],
    ),
    (
        "nl",
        ["BINNEN. KEUKEN - NACHT", "BUITEN. STRAND - SCHEMERING", "INT. KEUKEN - 'S OCHTENDS"],
        [TimeOfDay::Night, TimeOfDay::Evening, TimeOfDay::Morning],
    ),
    (
        "pl",
        ["WN. KUCHNIA - NOC", "PL. PLAŻA - ŚWIT", "INT. KUCHNIA - PÓŹNYM WIECZOREM"],
        [TimeOfDay::Night, TimeOfDay::Dawn, TimeOfDay::Evening],
    ),
    (
        "ru",
        ["ИНТ. КУХНЯ - НОЧЬ", "НАТ. БЕРЕГ – РАССВЕТ", "инт. кухня - утро"],
        [TimeOfDay::Night, TimeOfDay::Dawn, TimeOfDay::Morning],
    ),
    (
        "ja",
        ["○台所（夜）", "屋内　台所　朝", "INT. 台所 - 夕方"],
        [TimeOfDay::Night, TimeOfDay::Morning, TimeOfDay::Evening],
    ),
    (
        "fr",
        ["INT. CUISINE - NIGHT", "EXT. PLAGE - DAWN", "INT. CUISINE - 22H30"],
        [TimeOfDay::Night, TimeOfDay::Dawn, TimeOfDay::Night],
    ),
];

#[test]
fn headings_are_read_in_the_language_of_the_title_page() {
    let film = |language: &str, headings: &[&str]| {
        let scenes: Vec<String> = headings.iter().map(|heading| format!("{heading}\n\nRain.\n\n")).collect();
        read(&format!("Title: X\nLanguage: {language}\n\n{}", scenes.concat()))
    };
    for (language, headings, expected) in FILMS {
        let script = film(language, &headings);
        let hours: Vec<TimeOfDay> = scenes(&script).iter().map(|(_, time)| *time).collect();
        assert_eq!(hours, expected, "{language} {headings:?} {:?}", scenes(&script));
        assert!(script.remarks.is_empty(), "{language}: {:?}", script.remarks);
        assert!(
            scenes(&script)
                .iter()
                .all(|(place, _)| !place.is_empty() && !place.contains([' ', '-']) || *place == "BOÎTE DE NUIT"),
            "{:?}",
            scenes(&script)
        );
    }
    assert_eq!(film("français", &["INT. A - NUIT"]).language, "fr");
    assert_eq!(film("fr_CA", &["INT. A - NUIT"]).language, "fr-CA");
}

#[test]
fn a_heading_without_an_empty_line_before_it_is_said() {
    let script = read("INT. HALL - DAY\n\nRain falls.\nEXT. YARD - NIGHT\n\nMARA\nHello.\nEXT. LANE - NIGHT\n");
    let lines: Vec<u32> = script.remarks.iter().map(|remark| remark.line).collect();
    assert_eq!((script.scenes.len(), lines), (1, vec![4, 8]), "{:?}", script.remarks);
}

#[test]
fn an_hour_in_another_language_is_understood_and_said() {
    let script = read("Title: X\n\nINT. CUISINE - NUIT\n\nRain.\n\nINT. CUISINE - JOUR\n\nRain.");
    assert_eq!(scenes(&script), [("CUISINE", TimeOfDay::Night), ("CUISINE", TimeOfDay::Midday)]);
    assert_eq!(script.remarks.len(), 1, "once for a language: {:?}", script.remarks);
    assert!(
        script.remarks[0].to_string().starts_with("line 3: ") && script.remarks[0].message.contains("Language: fr")
    );
    let script = read("Title: X\n\nИНТ. КУХНЯ - НОЧЬ\n\nRain.");
    assert_eq!(scenes(&script), [("КУХНЯ", TimeOfDay::Night)]);
    let action = read("Title: X\nLanguage: fr\n\nINT. CUISINE - NUIT\n\nEst ouverte la porte.\n\nInt, rien.");
    assert_eq!(action.scenes.len(), 1, "sentences are no headings");
}

#[test]
fn the_screenplays_of_the_cases_are_read_as_they_were_meant() {
    let night = [
        "INT. KITCHEN, NIGHT",
        "INT. KITCHEN -- NIGHT",
        "INT KITCHEN NIGHT",
        "INT. KITCHEN. NIGHT.",
        "INT. ATTIC - NIGHT - FLASHBACK (1944)",
        "INT. ATTIC - NIGHT - ESTABLISHING",
        "INT - KITCHEN - NIGHT",
    ];
    let scene = |heading: &&str| format!("EXT. QUAY - DAY\n\nGulls.\n\n{heading}\n\nA lamp.\n\n");
    let script = read(&night.iter().map(scene).collect::<Vec<_>>().concat());
    for pair in scenes(&script).chunks(2) {
        assert_eq!(pair[0], ("QUAY", TimeOfDay::Midday));
        assert!(["KITCHEN", "ATTIC"].contains(&pair[1].0) && pair[1].1 == TimeOfDay::Night, "{pair:?}");
    }
    assert!(script.remarks.is_empty(), "{:?}", script.remarks);
}

const PLACES: [&str; 16] = [
    "KITCHEN",
    "NIGHT CLUB",
    "DAY ROOM",
    "THE MORNING STAR",
    "MORGUE",
    "ST. MARY'S CHAPEL",
    "NIGHT TRAIN",
    "HOUSE, CELLAR",
    "BERLIN - ALEXANDERPLATZ",
    "KITCHEN/LIVING ROOM",
    "STUDIO 54",
    "CAFÉ ZOË",
    "КУХНЯ",
    "台所",
    "MARA'S FLAT",
    "PLAZA (NORTH)",
];
/// Language, inner word, an hour in it, and what the hour is.
const HOURS: [(&str, &str, &str, TimeOfDay); 22] = [
    ("en", "INT.", "NIGHT", TimeOfDay::Night),
    ("en", "INT.", "DAWN", TimeOfDay::Dawn),
    ("en", "INT", "LATE AFTERNOON", TimeOfDay::Afternoon),
    ("en", "INTERIOR.", "EARLY MORNING", TimeOfDay::Morning),
    ("fr", "INT.", "NUIT", TimeOfDay::Night),
    ("fr", "INTÉRIEUR.", "CRÉPUSCULE", TimeOfDay::Evening),
    ("fr", "INT", "APRÈS-MIDI", TimeOfDay::Afternoon),
    ("de", "INNEN.", "NACHT", TimeOfDay::Night),
    ("de", "INT.", "ABEND", TimeOfDay::Evening),
    ("es", "INT.", "NOCHE", TimeOfDay::Night),
    ("es", "INTERIOR.", "ATARDECER", TimeOfDay::Sunset),
    ("it", "INTERNO.", "NOTTE", TimeOfDay::Night),
    ("it", "INT.", "POMERIGGIO", TimeOfDay::Afternoon),
    ("pt", "INT.", "MANHÃ", TimeOfDay::Morning),
    ("nl", "BINNEN.", "AVOND", TimeOfDay::Evening),
    ("nl", "INT.", "NACHT", TimeOfDay::Night),
    ("pl", "WN.", "WIECZÓR", TimeOfDay::Evening),
    ("pl", "INT.", "NOC", TimeOfDay::Night),
    ("ru", "ИНТ.", "НОЧЬ", TimeOfDay::Night),
    ("ru", "ИНТ", "УТРО", TimeOfDay::Morning),
    ("ja", "屋内", "夜", TimeOfDay::Night),
    ("ja", "INT.", "夕方", TimeOfDay::Evening),
];
const BETWEEN: [&str; 14] = [
    " - ",
    ", ",
    " -- ",
    " ",
    ". ",
    " – ",
    " — ",
    "—",
    "\u{a0}-\u{a0}",
    "\u{2003}−\u{2003}",
    " --- ",
    " / ",
    "  -  ",
    " | ",
];
const AFTER: [&str; 10] = [
    "",
    ".",
    " - FLASHBACK",
    " (CONTINUED)",
    " - ESTABLISHING",
    " (FLASHBACK)",
    " - DREAM SEQUENCE",
    " - FLASHBACK (1944)",
    " - CONTINUOUS",
    " #12A#",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    /// Goal: place and hour are independent of how they are put together. Method: any place with any separator, hour
    /// and qualifier, in upper or lower case, read as a whole screenplay.
    #[test]
    fn any_spelling_gives_the_same_place_and_hour(
        place in prop::sample::select(PLACES.to_vec()), (language, inner, hour, time) in prop::sample::select(HOURS.to_vec()),
        between in prop::sample::select(BETWEEN.to_vec()), after in prop::sample::select(AFTER.to_vec()), lower in any::<bool>(),
    ) {
        let written = format!("{inner} {place}{between}{hour}{after}");
        let written = if lower { written.to_lowercase() } else { written };
        let script = read(&format!("Title: X\nLanguage: {language}\n\n{written}\n\nX.\n"));
        prop_assert_eq!(script.scenes.len(), 1, "{}", written);
        let look = &script.scenes[0].look;
        prop_assert_eq!(place_key(&look.location), place_key(place), "{}", written);
        prop_assert_eq!((look.time_of_day, look.setting), (time, Setting::Interior), "{}", written);
        prop_assert!(script.remarks.is_empty(), "{} {:?}", written, script.remarks);
    }

    #[test]
    fn any_heading_is_read_without_a_panic(rest in "[ -~\u{a0}\u{2013}\u{2014}éÉßДнН夜（）・]{0,60}", language in prop::sample::select(vec!["en", "fr", "ja", "ru", "xx"])) {
        let vocabulary = Vocabulary::of(&languages(), Some(language));
        for text in [rest.clone(), format!("INT. {rest}"), format!("INT. A - {rest}"), format!("屋内{rest}"), format!("I/E{rest}")] {
            let heading = vocabulary.read(&text);
            prop_assert!(heading.location.len() <= text.len());
        }
    }
}
