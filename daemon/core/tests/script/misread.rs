//! Lines that once became another place, action or a picture without a word about it.

use studio_core::{
    fountain::ElementKind,
    heading::Vocabulary,
    scene::{
        Setting::{Both, Exterior, Interior},
        TimeOfDay::{Afternoon, Evening, Midday, Morning, Night},
        Weather::{self, Clear, Fog, Rain, Snow, Storm},
    },
    script::{self, Defaults, Script},
    shot::TransitionKind::{self, Cut, Dissolve, Fade, FadeBlack},
};

use super::{
    languages, read,
    spellings::{element, ends, film, reads},
};

/// Remarks with their lines.
fn remarks(script: &Script) -> Vec<String> {
    script.remarks.iter().map(ToString::to_string).collect()
}

#[test]
fn a_full_inner_word_in_capitals_begins_a_scene() {
    reads(&[
        ("en", "INTERIOR KITCHEN - LATER", Interior, "KITCHEN", Afternoon),
        ("en", "EXTERIOR HOUSE - CONTINUOUS", Exterior, "HOUSE", Afternoon),
        ("en", "INTERIOR KITCHEN, MOMENTS LATER", Interior, "KITCHEN", Afternoon),
        ("en", "Interior Kitchen - Later", Interior, "Kitchen", Afternoon),
        ("fr", "INTÉRIEUR CUISINE - PLUS TARD", Interior, "CUISINE", Afternoon),
        ("de", "INNEN KÜCHE - SPÄTER", Interior, "KÜCHE", Afternoon),
        ("de", "AUSSEN HAUS - GLEICHZEITIG", Exterior, "HAUS", Afternoon),
        ("es", "INTERIOR COCINA - MÁS TARDE", Interior, "COCINA", Afternoon),
        ("it", "ESTERNO CASA - PIÙ TARDI", Exterior, "CASA", Afternoon),
        ("pt", "INTERIOR COZINHA - MAIS TARDE", Interior, "COZINHA", Afternoon),
        ("nl", "BINNEN KEUKEN - LATER", Interior, "KEUKEN", Afternoon),
        ("pl", "WNĘTRZE KUCHNIA - PÓŹNIEJ", Interior, "KUCHNIA", Afternoon),
        ("ru", "ИНТЕРЬЕР КУХНЯ - ПОЗЖЕ", Interior, "КУХНЯ", Afternoon),
    ]);
    let slip = film("en", "INTERIOR KITCHEN - NIHGT");
    assert_eq!(slip.scenes.len(), 2);
    assert!(remarks(&slip)[0].contains("did you mean 'night'"), "{:?}", slip.remarks);
    for (language, line, said) in [
        ("en", "INTERIOR KITCHEN", 1),
        ("en", "INTERIOR KITCHEN - SOMEWHERE", 1),
        ("de", "INNEN KÜCHE", 1),
        ("fr", "INTÉRIEUR CUISINE.", 1),
        ("en", "INNEN KÜCHE - SPÄTER", 1),
        ("de", "INNEN GEHT ES WEITER", 1),
        ("de", "INNEN IST ES DUNKEL.", 0),
        ("en", "EXTERIOR SHOT OF A HOUSE.", 0),
        ("en", "Interior monologue - continued", 0),
    ] {
        let (element, remarks) = element(language, line);
        assert!(matches!(element.kind, ElementKind::Action(_)), "{language} {line}: {element:?}");
        assert_eq!(remarks, said, "{language} {line}");
    }
}

#[test]
fn words_of_the_hour_and_its_weather_are_no_part_of_the_place() {
    ends(&[
        ("en", "BROAD DAYLIGHT", Midday),
        ("en", "DEEP NIGHT", Night),
        ("en", "PITCH BLACK NIGHT", Night),
        ("en", "ELECTION DAY", Midday),
        ("en", "ELECTION DAY - NIGHT", Night),
        ("fr", "EFFET NUIT", Night),
        ("fr", "EFFET JOUR", Midday),
        ("it", "EFFETTO NOTTE", Night),
        ("es", "EFECTO NOCHE", Night),
        ("de", "HELLICHTER TAG", Midday),
        ("de", "STOCKDUNKLE NACHT", Night),
    ]);
    let weathers: [(&str, &str, Weather); 14] = [
        ("en", "CLEAR NIGHT", Clear),
        ("en", "HAZY NIGHT", Fog),
        ("de", "STÜRMISCHE NACHT", Storm),
        ("de", "VERSCHNEITE NACHT", Snow),
        ("de", "REGNERISCHE NACHT", Rain),
        ("nl", "REGENACHTIGE NACHT", Rain),
        ("pl", "DESZCZOWA NOC", Rain),
        ("ru", "ДОЖДЛИВАЯ НОЧЬ", Rain),
        ("ru", "ТУМАННАЯ НОЧЬ", Fog),
        ("fr", "NUIT PLUVIEUSE", Rain),
        ("es", "NOCHE LLUVIOSA", Rain),
        ("it", "NOTTE PIOVOSA", Rain),
        ("pt", "NOITE CHUVOSA", Rain),
        ("fr", "NUIT ORAGEUSE", Storm),
    ];
    for (language, hour, weather) in weathers {
        let script = film(language, &format!("EXT. 7Q - {hour}"));
        let look = &script.scenes[1].look;
        let found = (look.location.as_str(), look.time_of_day, look.weather, script.remarks.len());
        assert_eq!(found, ("7Q", Night, weather, 0), "{language} {hour}");
    }
    let evening = film("de", "INT. KÜCHE - REGNERISCHER ABEND");
    assert_eq!((evening.scenes[1].look.time_of_day, evening.scenes[1].look.weather), (Evening, Rain));
}

#[test]
fn words_before_the_hour_nobody_knows_are_said() {
    let scene = |line: &str| {
        let script = film("en", line);
        let said = &script.scenes[1];
        (said.look.location.clone(), said.look.time_of_day, said.qualifiers.clone(), remarks(&script))
    };
    // The place is known by another heading.
    let (place, time, qualifiers, said) = scene("INT. 9Z - LAUNCH DAY");
    assert_eq!((place.as_str(), time, qualifiers), ("9Z", Midday, vec!["LAUNCH DAY".to_owned()]));
    assert!(said.len() == 1 && said[0].starts_with("line 8: 'LAUNCH DAY'"), "{said:?}");
    let (place, time, _, said) = scene("INT. 9Z - LAUNCH DAY - NIGHT");
    assert_eq!((place.as_str(), time, said.len()), ("9Z", Night, 1), "{said:?}");
    // It is not.
    let (place, time, _, said) = scene("INT. KITCHEN - LAUNCH DAY");
    assert_eq!((place.as_str(), time), ("KITCHEN - LAUNCH", Midday));
    assert!(said.len() == 1 && said[0].contains("'KITCHEN - LAUNCH' is read as the place"), "{said:?}");
    // Who parts no hour by a mark says where it is.
    let bare = read("EXT. BERLIN - ALEXANDERPLATZ NIGHT\n\nX.\n\nINT. ROOM DAY\n\nX.");
    assert_eq!((bare.scenes[0].look.location.as_str(), bare.remarks.len()), ("BERLIN - ALEXANDERPLATZ", 0));
}

#[test]
fn a_clock_in_words_is_an_hour() {
    ends(&[
        ("en", "HALF PAST NINE", Morning),
        ("en", "A QUARTER PAST NINE", Morning),
        ("en", "TEN TO NINE", Morning),
        ("en", "JUST PAST NINE", Morning),
        ("en", "HALF PAST NINE IN THE EVENING", Evening),
        ("en", "HALF PAST 11 AT NIGHT", Night),
        ("en", "HALF PAST MIDNIGHT", Night),
        ("en", "THE PAST", Afternoon),
        ("de", "VIERTEL VOR NEUN", Morning),
        ("de", "KURZ VOR MITTERNACHT", Night),
        ("ja", "N", Night),
        ("ja", "D", Midday),
    ]);
    reads(&[
        ("en", "INT. ROOM HALF PAST NINE", Interior, "ROOM", Morning),
        ("ja", "○台所　N", Both, "台所", Night),
        ("ja", "○台所　Ｎ", Both, "台所", Night),
        ("ja", "○台所・Ｍ", Both, "台所", Morning),
        ("ja", "○Ａ棟（夜）", Both, "Ａ棟", Night),
    ]);
}

#[test]
fn two_headings_in_one_are_one_place() {
    reads(&[
        ("en", "INT. CAR - NIGHT / EXT. STREET - NIGHT", Both, "CAR/STREET", Night),
        ("en", "INT. CAR - NIGHT / EXT. STREET", Both, "CAR/STREET", Night),
        ("en", "INT. CAR (NIGHT) / INT. GARAGE (NIGHT)", Interior, "CAR/GARAGE", Night),
        ("en", "INT. CAR NIGHT / EXT. STREET NIGHT", Both, "CAR/STREET", Night),
        ("en", "INT. CAR AND EXT. STREET - NIGHT", Both, "CAR AND STREET", Night),
        ("en", "INT. AND EXT. CAR", Both, "CAR", Afternoon),
        ("en", "INT. TO EXT. CAR", Both, "CAR", Afternoon),
        ("en", "INT AND EXT CAR - NIGHT", Both, "CAR", Night),
        ("en", "Int. and ext. car - night", Both, "car", Night),
        ("de", "INNEN UND AUSSEN AUTO - NACHT", Both, "AUTO", Night),
        ("fr", "INT. ET EXT. VOITURE - NUIT", Both, "VOITURE", Night),
        ("it", "INT. E EST. AUTO - NOTTE", Both, "AUTO", Night),
        ("ru", "ИНТ. И НАТ. МАШИНА - НОЧЬ", Both, "МАШИНА", Night),
    ]);
    let two = film("en", "INT. CAR - DAY / EXT. STREET - NIGHT");
    let look = &two.scenes[1].look;
    assert_eq!((look.location.as_str(), look.time_of_day), ("CAR/STREET", Midday));
    assert!(remarks(&two)[0].contains("'NIGHT' stands behind the hour"), "{:?}", two.remarks);
    let sentence = element("en", "INTERIOR AND EXTERIOR VIEWS OF THE HOUSE.").0;
    assert!(matches!(sentence.kind, ElementKind::Action(_)), "{sentence:?}");
}

#[test]
fn marks_of_every_kind_part_a_heading() {
    reads(&[
        ("en", "INT; KITCHEN; NIGHT", Interior, "KITCHEN", Night),
        ("en", "INT | KITCHEN | NIGHT", Interior, "KITCHEN", Night),
        ("de", "KÜCHE INNEN NACHT", Interior, "KÜCHE", Night),
        ("it", "CUCINA INTERNO NOTTE", Interior, "CUCINA", Night),
        ("en", "KITCHEN INT NIGHT", Interior, "KITCHEN", Night),
        ("en", "I／E CAR NIGHT", Both, "CAR", Night),
        ("en", "INT_HOUSE_NIGHT", Interior, "HOUSE", Night),
        ("en", "EXT_OLD_HOUSE_-_DAY", Exterior, "OLD HOUSE", Midday),
    ]);
    for line in
        ["KITCHEN, NIGHT", "OLD MILL, LATE NIGHT", "KITCHEN. NIGHT.", "# INT. KITCHEN - NIGHT", "= INT. KITCHEN"]
    {
        let script = film("en", line);
        assert_eq!((script.scenes.len(), script.remarks.len()), (1, 1), "{line}: {:?}", script.remarks);
        assert_eq!(script.remarks[0].line, 8, "{line}");
    }
    let name = film("en", "KITCHEN - NIGHT\nMara cooks.");
    assert!(remarks(&name)[0].contains("a name that speaks"), "{:?}", name.remarks);
    for line in
        ["# ACT ONE", "# INT. KITCHEN - NIGHT\n\nINT. KITCHEN - NIGHT", "ALL DAY, ALL NIGHT.", "MARA RUNS IN. NIGHT."]
    {
        assert_eq!(film("en", line).remarks, [], "{line}");
    }
}

#[test]
fn a_heading_may_name_the_place_of_the_scene_before() {
    let places = |language: &str, headings: &[&str]| {
        let scenes: Vec<String> = headings.iter().map(|heading| format!("{heading}\n\nX.\n\n")).collect();
        let scenes = scenes.concat();
        let script = read(&format!("Title: X\nLanguage: {language}\n\n{scenes}"));
        assert_eq!(script.remarks, [], "{headings:?}");
        script.scenes.into_iter().map(|scene| scene.look.location).collect::<Vec<_>>()
    };
    assert_eq!(
        places("ja", &["○山田家・台所（夜）", "○同・居間", "○同（朝）", "○同・台所（夜）"]),
        ["山田家・台所", "山田家・居間", "山田家・居間", "山田家・台所"]
    );
    assert_eq!(
        places("en", &["INT. HOUSE - KITCHEN - DAY", "INT. SAME - NIGHT", "INT. SAME - CELLAR - NIGHT"]),
        ["HOUSE - KITCHEN", "HOUSE - KITCHEN", "HOUSE - CELLAR"]
    );
    assert_eq!(places("ru", &["ИНТ. КУХНЯ - ДЕНЬ", "ИНТ. ТАМ ЖЕ - НОЧЬ"]), ["КУХНЯ", "КУХНЯ"]);
    assert_eq!(places("fr", &["INT. CUISINE - JOUR", "INT. MÊME LIEU - NUIT"]), ["CUISINE", "CUISINE"]);
    let nowhere = read("INT. SAME - NIGHT\n\nX.");
    assert!(remarks(&nowhere)[0].starts_with("line 1: 'SAME'"), "{:?}", nowhere.remarks);
    let moved = "INT. HALL - DAY\n\nA.\n\nINT. SAME - NIGHT\n\nB.\n\nINT. ATTIC - DAY\n\nC.\n";
    let defaults = Defaults { languages: languages(), ..Defaults::default() };
    assert!(script::order_scenes(moved, &[1, 3, 2], &defaults).is_err(), "it would be the attic");
}

#[test]
fn transitions_are_known_in_every_language() {
    let rows: [(&str, &str, TransitionKind); 22] = [
        ("fr", "FONDU AU NOIR.", FadeBlack),
        ("fr", "COUPE À :", Cut),
        ("fr", "FONDU ENCHAÎNÉ :", Dissolve),
        ("de", "ABBLENDE.", FadeBlack),
        ("de", "SCHNITT:", Cut),
        ("de", "ÜBERBLENDUNG ZU:", Dissolve),
        ("es", "CORTE A:", Cut),
        ("es", "FUNDIDO A NEGRO.", FadeBlack),
        ("it", "STACCO SU:", Cut),
        ("it", "DISSOLVENZA INCROCIATA", Dissolve),
        ("it", "DISSOLVENZA A BIANCO", Fade),
        ("pt", "CORTA PARA:", Cut),
        ("nl", "OVERVLOEIER:", Dissolve),
        ("nl", "FADE NAAR ZWART.", FadeBlack),
        ("pl", "CIĘCIE DO:", Cut),
        ("pl", "ŚCIEMNIENIE.", FadeBlack),
        ("ru", "ЗТМ.", FadeBlack),
        ("ru", "НАПЛЫВ:", Dissolve),
        ("ja", "暗転", FadeBlack),
        ("ja", "フェードアウト", FadeBlack),
        ("en", "FADE TO WHITE.", Fade),
        ("en", "SLOW DISSOLVE TO:", Dissolve),
    ];
    for (language, line, kind) in rows {
        let script = film(language, line);
        let shots: Vec<_> = script.scenes[0]
            .shots
            .iter()
            .map(|shot| (shot.plan.description.as_str(), shot.plan.transition.kind))
            .collect();
        assert_eq!(shots, [("X y.", Cut), ("X z.", kind)], "{language} {line}");
        assert_eq!(script.remarks, [], "{language} {line}");
        let joined = Vocabulary::of(&languages(), Some(language)).transition(line);
        assert!(joined.is_none_or(|found| found == kind), "{language} {line}");
    }
    let joined = film("es", "CORTE A: INT. COCINA - NOCHE");
    assert_eq!((joined.scenes.len(), joined.scenes[1].transition.kind), (2, Cut));
    let speaks = film("de", "ABBLENDE\nIch rede.");
    assert_eq!(speaks.characters.len(), 1, "a name that speaks");
    for line in ["FADE TO GREY.", "> IRIS OUT", "INTERCUT TO:"] {
        assert_eq!(film("en", line).remarks.len(), 1, "{line}");
    }
}

/// What each scene shows: black or its place, then its shots with cards and lines.
fn shown(body: &str) -> Vec<String> {
    let scenes = film("en", body).scenes.into_iter().skip(1);
    let scene = |scene: script::ScriptScene| {
        let shots = scene.shots.iter().map(|shot| {
            let plan = &shot.plan;
            let lines: Vec<String> =
                plan.lines.iter().map(|line| format!(" {}: {}", line.character, line.text)).collect();
            let lines = lines.concat();
            plan.card.as_ref().map_or_else(|| format!("{}{lines}", plan.description), |card| format!("[{card}]{lines}"))
        });
        let place = if scene.look.is_black() { "black" } else { scene.look.location.as_str() };
        format!("{place}: {}", shots.collect::<Vec<_>>().join(" | "))
    };
    scenes.map(scene).collect()
}

#[test]
fn what_is_over_black_in_a_later_scene_is_black() {
    let end =
        "INT. HALL - NIGHT\n\nRain.\n\nCUT TO BLACK.\n\nOVER BLACK\n\nMARA (V.O.)\nHello.\n\n> THE END <\n\nINT. 9Z";
    assert_eq!(shown(end), ["HALL: Rain.", "black: OVER BLACK MARA: Hello. | [THE END]", "9Z: X z."]);
    let script = film("en", end);
    assert_eq!((script.scenes[2].transition.kind, script.scenes[2].title.as_str()), (Cut, "Black"));
    assert_eq!(remarks(&script).len(), 1, "{:?}", script.remarks);
    assert!(remarks(&script)[0].starts_with("line 14: from here on the picture is black"), "{:?}", script.remarks);
    // A fade and a card; the picture comes back with the next action, into the same place.
    let card = "INT. HALL - NIGHT\n[[mood: tense]]\n\nRain.\n\nFADE OUT.\n\nSUPER: Later\n\nFADE IN:\n\nMara wakes. [[shot: 4s]]\n\nINT. 9Z";
    assert_eq!(shown(card), ["HALL: Rain.", "black: [Later]", "HALL: Mara wakes.", "9Z: X z."]);
    let script = film("en", card);
    let back = &script.scenes[3];
    assert_eq!(
        (back.look.time_of_day, back.look.mood.as_str(), back.shots[0].plan.planned_ms),
        (Night, "tense", 4_000)
    );
    assert_eq!((script.scenes[2].transition.kind, back.transition.kind), (FadeBlack, FadeBlack));
    // A transition alone is only one.
    let fade = "INT. HALL - NIGHT\n\nRain.\n\nFADE TO BLACK.\n\nMara wakes.\n\nBlack clouds.\n\n> THE END <\n\nINT. 9Z";
    assert_eq!(shown(fade), ["HALL: Rain. | Mara wakes. | Black clouds. | THE END", "9Z: X z."]);
    let german = read("Title: X\nLanguage: de\n\nINNEN. KÜCHE - NACHT\n\nRegen.\n\nABBLENDE.\n\n> ENDE <\n");
    assert!(german.scenes[1].look.is_black());
}
