//! Further spellings of headings, by what was once read wrong in them: clocks, words beside the hour, the order of place,
//! hour and inner word, marks nobody sees. What is none stays action.

use studio_core::{
    fountain::{self, Element, ElementKind},
    scene::{
        Setting::{self, Both, Exterior, Interior},
        TimeOfDay::{self, Afternoon, Dawn, Evening, Midday, Morning, Night, Sunset},
    },
    script::Script,
};

use super::{languages, read};

/// The screenplay of one line, after a scene in the afternoon that is nothing like it.
pub(super) fn film(language: &str, line: &str) -> Script {
    read(&format!("Title: X\nLanguage: {language}\n\nINT. 9Z - 15:00\n\nX y.\n\n{line}\n\nX z.\n"))
}

/// Setting, place and hour of a line, which must be a heading with nothing to say about it.
#[track_caller]
fn look(language: &str, line: &str) -> (Setting, String, TimeOfDay) {
    let script = film(language, line);
    assert_eq!((script.scenes.len(), script.remarks.as_slice()), (2, &[][..]), "{language} {line}");
    let look = &script.scenes[1].look;
    (look.setting, look.location.clone(), look.time_of_day)
}

#[track_caller]
pub(super) fn reads(rows: &[(&str, &str, Setting, &str, TimeOfDay)]) {
    let wrong = rows.iter().filter_map(|(language, line, setting, place, time)| {
        let found = std::panic::catch_unwind(|| look(language, line)).ok();
        let expected = Some((*setting, (*place).to_owned(), *time));
        (found != expected).then(|| format!("{language} {line}: {found:?}, expected {expected:?}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

/// Each of `ends` behind a dash gives `time` and leaves the place alone.
#[track_caller]
pub(super) fn ends(rows: &[(&str, &str, TimeOfDay)]) {
    let lines: Vec<String> = rows
        .iter()
        .map(|(language, end, _)| {
            let inner = if *language == "ru" { "ИНТ." } else { "INT." };
            if *language == "ja" { format!("○台所（{end}）") } else { format!("{inner} ROOM - {end}") }
        })
        .collect();
    let all: Vec<_> = rows
        .iter()
        .zip(&lines)
        .map(|((language, _, time), line)| match *language {
            "ja" => (*language, line.as_str(), Both, "台所", *time),
            _ => (*language, line.as_str(), Interior, "ROOM", *time),
        })
        .collect();
    reads(&all);
}

#[test]
fn a_clock_means_the_half_of_the_day_beside_it() {
    ends(&[
        ("en", "11 O'CLOCK AT NIGHT", Night),
        ("en", "9 O'CLOCK IN THE EVENING", Evening),
        ("en", "2 O’CLOCK IN THE AFTERNOON", Afternoon),
        ("en", "8 O'CLOCK IN THE MORNING", Morning),
        ("en", "3 O'CLOCK IN THE MORNING", Night),
        ("en", "3:30 IN THE MORNING", Night),
        ("en", "12 O'CLOCK AT NIGHT", Night),
        ("en", "TEN O'CLOCK THAT NIGHT", Night),
        ("en", "EIGHT O'CLOCK", Morning),
        ("en", "8 O'CLOCK PM", Evening),
        ("en", "ABOUT 3 A.M.", Night),
        ("en", "11 O'CLOCK, NIGHT", Night),
        ("en", "11:00 - NIGHT", Night),
        ("en", "8 O'CLOCK", Morning),
        ("de", "8 UHR ABENDS", Evening),
        ("de", "11 UHR NACHTS", Night),
        ("de", "8 UHR AM ABEND", Evening),
        ("de", "ABENDS UM 8 UHR", Evening),
        ("de", "3 UHR NACHMITTAGS", Afternoon),
        ("de", "11 UHR VORMITTAGS", Morning),
        ("de", "HALB NEUN ABENDS", Evening),
        ("de", "20.15 UHR", Evening),
        ("fr", "8 HEURES DU SOIR", Evening),
        ("fr", "HUIT HEURES DU SOIR", Evening),
        ("fr", "8 HEURES DU MATIN", Morning),
        ("fr", "2 HEURES DE L'APRÈS-MIDI", Afternoon),
        ("fr", "À 22H", Night),
        ("es", "8 HORAS DE LA NOCHE", Night),
        ("es", "A LAS ONCE DE LA NOCHE", Night),
        ("it", "ORE 20", Evening),
        ("it", "ALLE 8 DI SERA", Evening),
        ("it", "ORE 11 DI NOTTE", Night),
        ("pt", "8 HORAS DA NOITE", Night),
        ("pt", "ÀS OITO DA MANHÃ", Morning),
        ("nl", "8 UUR 'S AVONDS", Evening),
        ("nl", "11 UUR 'S NACHTS", Night),
        ("nl", "3 UUR 'S MIDDAGS", Afternoon),
        ("pl", "O GODZINIE 8 WIECZOREM", Evening),
        ("pl", "11 W NOCY", Night),
        ("ru", "8 ЧАСОВ ВЕЧЕРА", Evening),
        ("ru", "В 11 ЧАСОВ НОЧИ", Night),
        ("ru", "ДВА ЧАСА ДНЯ", Afternoon),
        ("ja", "夜11時", Night),
        ("ja", "午後8時", Evening),
        ("ja", "夜の八時", Night),
        ("ja", "午前2時頃", Night),
    ]);
}

#[test]
fn a_length_of_time_is_no_clock() {
    ends(&[
        ("fr", "3 HEURES PLUS TARD", Afternoon),
        ("fr", "QUELQUES HEURES PLUS TARD", Afternoon),
        ("es", "3 HORAS DESPUÉS", Afternoon),
        ("it", "TRE ORE DOPO", Afternoon),
        ("pt", "3 HORAS DEPOIS", Afternoon),
        ("nl", "3 UUR LATER", Afternoon),
        ("ru", "3 ЧАСА СПУСТЯ", Afternoon),
        ("ru", "ЧЕРЕЗ 3 ЧАСА", Afternoon),
        ("ru", "3 ЧАСА НАЗАД", Afternoon),
        ("ja", "3時間後", Afternoon),
    ]);
}

#[test]
fn words_beside_the_hour_are_no_part_of_the_place() {
    ends(&[
        ("en", "EARLIER THAT NIGHT", Night),
        ("en", "MUCH LATER", Afternoon),
        ("en", "MUCH LATER THAT NIGHT", Night),
        ("en", "EARLIER", Afternoon),
        ("en", "A SHORT WHILE LATER", Afternoon),
        ("en", "SAME DAY - NIGHT", Night),
        ("en", "NEXT DAY - NIGHT", Night),
        ("en", "THE NEXT DAY AT NIGHT", Night),
        ("en", "DAY 2 - NIGHT", Night),
        ("de", "SELBE NACHT", Night),
        ("de", "JENE NACHT", Night),
        ("de", "AM GLEICHEN ABEND", Evening),
        ("de", "VIEL SPÄTER", Afternoon),
        ("de", "EIN PAAR STUNDEN SPÄTER", Afternoon),
        ("de", "DERSELBE TAG - NACHT", Night),
        ("fr", "PLUS TÔT CETTE NUIT", Night),
        ("fr", "BIEN PLUS TARD", Afternoon),
        ("es", "AQUELLA NOCHE", Night),
        ("es", "MUCHO MÁS TARDE", Afternoon),
        ("it", "MOLTO PIÙ TARDI", Afternoon),
        ("it", "PIÙ TARDI QUELLA NOTTE", Night),
        ("pt", "NAQUELA NOITE", Night),
        ("pt", "MUITO MAIS TARDE", Afternoon),
        ("nl", "EERDER DIE NACHT", Night),
        ("nl", "VEEL LATER", Afternoon),
        ("pl", "TEJ SAMEJ NOCY", Night),
        ("pl", "ZNACZNIE PÓŹNIEJ", Afternoon),
        ("ru", "В ТУ ЖЕ НОЧЬ", Night),
        ("ru", "НАМНОГО ПОЗЖЕ", Afternoon),
        ("ja", "同日・夜", Night),
        ("ja", "翌日・夜", Night),
        ("ja", "同じ日の夜", Night),
        ("ja", "数日後、朝", Morning),
    ]);
}

#[test]
fn an_hour_stands_where_people_put_it() {
    reads(&[
        ("en", "INT/NIGHT KITCHEN", Interior, "KITCHEN", Night),
        ("en", "INT./EARLY MORNING KITCHEN", Interior, "KITCHEN", Morning),
        ("en", "INT/EXT/NIGHT CAR", Both, "CAR", Night),
        ("de", "INNEN/NACHT KÜCHE", Interior, "KÜCHE", Night),
        ("de", "INNEN / NACHT / KÜCHE", Interior, "KÜCHE", Night),
        ("de", "EXT./TAG STRASSE", Exterior, "STRASSE", Midday),
        ("fr", "INT/NUIT CUISINE", Interior, "CUISINE", Night),
        ("fr", "INT. JOUR - CUISINE", Interior, "CUISINE", Midday),
        ("en", "INT. NIGHT - KITCHEN", Interior, "KITCHEN", Night),
        ("en", "INT. NIGHT - RAIN - KITCHEN", Interior, "KITCHEN", Night),
        ("en", "INT. (NIGHT) KITCHEN", Interior, "KITCHEN", Night),
        ("it", "INTERNO NOTTE - CUCINA", Interior, "CUCINA", Night),
        ("ru", "ИНТ. НОЧЬ. КУХНЯ", Interior, "КУХНЯ", Night),
        ("en", "INT. ROOM AT DAWN", Interior, "ROOM", Dawn),
        ("en", "INT. ROOM IN THE NIGHT", Interior, "ROOM", Night),
        ("en", "INT. ROOM THE NEXT MORNING", Interior, "ROOM", Morning),
        ("en", "INT. ROOM 11 O'CLOCK AT NIGHT", Interior, "ROOM", Night),
        ("en", "INT. ROOM 8:30 PM", Interior, "ROOM", Evening),
        ("de", "INT. ZIMMER UM MITTERNACHT", Interior, "ZIMMER", Night),
        ("de", "INT. ZIMMER 8 UHR ABENDS", Interior, "ZIMMER", Evening),
        ("fr", "INT. CHAMBRE À L'AUBE", Interior, "CHAMBRE", Dawn),
        ("es", "INT. SALA AL AMANECER", Interior, "SALA", Dawn),
        ("it", "INT. CAMERA ALL'ALBA", Interior, "CAMERA", Dawn),
        ("pt", "INT. SALA AO AMANHECER", Interior, "SALA", Dawn),
        ("nl", "INT. KAMER BIJ ZONSONDERGANG", Interior, "KAMER", Sunset),
        ("pl", "INT. POKÓJ O ZMROKU", Interior, "POKÓJ", Evening),
        ("ja", "○台所【夜】", Both, "台所", Night),
        ("en", "INT. HOUSE (KITCHEN, NIGHT)", Interior, "HOUSE (KITCHEN)", Night),
        ("en", "INT-NIGHT KITCHEN", Interior, "KITCHEN", Night),
        ("en", "EXT-EARLY MORNING-STREET", Exterior, "STREET", Morning),
        ("de", "INNEN-NACHT KÜCHE", Interior, "KÜCHE", Night),
        ("fr", "INT-NUIT CUISINE", Interior, "CUISINE", Night),
        ("en", "INT-NIGHT CLUB - DAY", Interior, "NIGHT CLUB", Midday),
        ("en", "INT-KITCHEN - NIGHT", Interior, "KITCHEN", Night),
        ("en", "INT - NIGHT CLUB", Interior, "NIGHT CLUB", Afternoon),
        ("pl", "INT. POKÓJ - GODZ. 20", Interior, "POKÓJ", Evening),
        ("pl", "INT. POKÓJ. GODZ. 20.30", Interior, "POKÓJ", Evening),
        ("pl", "INT. POKÓJ - O GODZ. 8 WIECZOREM", Interior, "POKÓJ", Evening),
        ("pl", "INT. POKÓJ GODZ. 20", Interior, "POKÓJ", Evening),
        ("pl", "INT. POKÓJ - NOC, GODZ. 3", Interior, "POKÓJ", Night),
        ("it", "INT. CAMERA - ORE 20", Interior, "CAMERA", Evening),
        ("ru", "ИНТ. КУХНЯ - 20 Ч.", Interior, "КУХНЯ", Evening),
        // The name of a place keeps its hour, and its number.
        ("en", "INT. ST. JOHN'S LATE NIGHT", Interior, "ST. JOHN'S", Night),
        ("en", "INT. BAR ON 5TH NIGHT", Interior, "BAR ON 5TH", Night),
        ("en", "INT. ROOM 12 8 O'CLOCK", Interior, "ROOM 12", Morning),
        ("fr", "INT. BOÎTE DE NUIT JOUR", Interior, "BOÎTE DE NUIT", Midday),
        ("fr", "INT. RUE DES ARCHIVES NUIT", Interior, "RUE DES ARCHIVES", Night),
        ("de", "INT. GASTHOF ZUR POST NACHT", Interior, "GASTHOF ZUR POST", Night),
        ("ja", "○春日　夜", Both, "春日", Night),
        ("en", "INT. HOUSE OF NIGHT", Interior, "HOUSE OF NIGHT", Afternoon),
        ("en", "INT. CAFE OF THE LAST NIGHT", Interior, "CAFE OF THE LAST NIGHT", Afternoon),
        ("en", "INT. ROOM 8", Interior, "ROOM 8", Afternoon),
        ("fr", "INT. CAFÉ DU MATIN", Interior, "CAFÉ DU MATIN", Afternoon),
        ("fr", "INT. BÂTIMENT H 3 - NUIT", Interior, "BÂTIMENT H 3", Night),
        ("de", "INT. HAUS AM SEE", Interior, "HAUS AM SEE", Afternoon),
        ("en", "EXT. PARK - WINTER - DAY", Exterior, "PARK - WINTER", Midday),
    ]);
}

#[test]
fn inner_and_outer_words_stand_where_people_put_them() {
    reads(&[
        ("en", "INT. CAR/EXT. ROAD - NIGHT", Both, "CAR/ROAD", Night),
        ("en", "INT. CAR/EXT. ROAD", Both, "CAR/ROAD", Afternoon),
        ("en", "INT. CAR - EXT. ROAD - NIGHT", Both, "CAR - ROAD", Night),
        ("en", "EXT. HOUSE/INT KITCHEN - DAY", Both, "HOUSE/KITCHEN", Midday),
        ("en", "INT.EXT. CAR - NIGHT", Both, "CAR", Night),
        ("en", "INT EXT CAR - NIGHT", Both, "CAR", Night),
        ("en", "INTERIOR EXTERIOR CAR - DAY", Both, "CAR", Midday),
        ("en", "INT. EXTERIOR DESIGN STUDIO - DAY", Interior, "EXTERIOR DESIGN STUDIO", Midday),
        ("de", "INNEN. AUTO/AUSSEN. STRASSE - NACHT", Both, "AUTO/STRASSE", Night),
        ("ru", "ИНТ.НАТ. МАШИНА - НОЧЬ", Both, "МАШИНА", Night),
        ("ja", "屋内・屋外　車（昼）", Both, "車", Midday),
        ("de", "1. KÜCHE - INNEN/NACHT", Interior, "KÜCHE", Night),
        ("de", "1. Küche - INNEN/NACHT", Interior, "Küche", Night),
        ("de", "KÜCHE (INNEN/NACHT)", Interior, "KÜCHE", Night),
        ("de", "KÜCHE - NACHT - INNEN", Interior, "KÜCHE", Night),
        ("de", "NACHT - INNEN - KÜCHE", Interior, "KÜCHE", Night),
        ("de", "I. KÜCHE - NACHT", Interior, "KÜCHE", Night),
        ("de", "A. STRASSE - TAG", Exterior, "STRASSE", Midday),
        ("it", "CUCINA - INT. NOTTE", Interior, "CUCINA", Night),
        ("it", "SPIAGGIA. EST. NOTTE", Exterior, "SPIAGGIA", Night),
        ("fr", "CUISINE - INTÉRIEUR - NUIT", Interior, "CUISINE", Night),
        ("es", "COCINA. INTERIOR. NOCHE", Interior, "COCINA", Night),
        ("pt", "COZINHA - INT. NOITE", Interior, "COZINHA", Night),
        ("nl", "KEUKEN - BINNEN/NACHT", Interior, "KEUKEN", Night),
        ("pl", "KUCHNIA. WN. NOC", Interior, "KUCHNIA", Night),
        ("ru", "КУХНЯ. ИНТ. НОЧЬ", Interior, "КУХНЯ", Night),
        ("ru", "1-1. ИНТ. КУХНЯ. НОЧЬ", Interior, "КУХНЯ", Night),
        ("ru", "СЦЕНА 4. ИНТ. КУХНЯ. НОЧЬ", Interior, "КУХНЯ", Night),
        ("ru", "Кухня. Инт. Ночь", Interior, "Кухня", Night),
        ("en", "KITCHEN - NIGHT - INT.", Interior, "KITCHEN", Night),
        ("en", "12.INT. KITCHEN - NIGHT", Interior, "KITCHEN", Night),
        ("fr", "SCÈNE 4 - INT. CUISINE - NUIT", Interior, "CUISINE", Night),
        ("en", "FLASHBACK: INT. ATTIC - NIGHT", Interior, "ATTIC", Night),
        ("en", "(FLASHBACK) INT. ATTIC - NIGHT", Interior, "ATTIC", Night),
        ("en", "NIGHT. INT. ATTIC", Interior, "ATTIC", Night),
        ("en", "CUT TO: INT. ATTIC - NIGHT", Interior, "ATTIC", Night),
        ("de", "RÜCKBLENDE: INNEN. KÜCHE - NACHT", Interior, "KÜCHE", Night),
        ("de", "KÜCHE - I/N", Interior, "KÜCHE", Night),
        ("de", "12. KÜCHE - A/T", Exterior, "KÜCHE", Midday),
        ("de", "Küche - I/N", Interior, "Küche", Night),
        ("de", "KÜCHE (I/N)", Interior, "KÜCHE", Night),
        ("de", "KÜCHE - INNEN/N", Interior, "KÜCHE", Night),
        ("de", "I/N KÜCHE", Interior, "KÜCHE", Night),
        ("de", "12 I/N. KÜCHE", Interior, "KÜCHE", Night),
        ("en", "KITCHEN - I/N", Interior, "KITCHEN", Night),
        ("en", "E/D STREET", Exterior, "STREET", Midday),
        ("fr", "CUISINE - I/J", Interior, "CUISINE", Midday),
        ("it", "CUCINA - I/G", Interior, "CUCINA", Midday),
        ("en", "I/E CAR - NIGHT", Both, "CAR", Night),
        ("ja", "〇台所（夜）", Both, "台所", Night),
        ("ja", "●台所（夜）", Both, "台所", Night),
        ("ja", "１　○台所（夜）", Both, "台所", Night),
        ("ja", "回想　○台所（夜）", Both, "台所", Night),
    ]);
    let flashback = film("en", "FLASHBACK (1944): INT. ATTIC - NIGHT");
    assert_eq!(flashback.scenes[1].qualifiers, ["FLASHBACK", "1944"]);
    let unsaid = read("Title: X\n\n○台所（夜）\n\nRain.");
    assert_eq!((unsaid.scenes.len(), unsaid.remarks.len()), (1, 1), "its language is said: {:?}", unsaid.remarks);
}

#[test]
fn marks_nobody_sees_change_nothing() {
    for mark in ['\u{200b}', '\u{200e}', '\u{2060}', '\u{feff}', '\u{ad}', '\u{200f}', '\u{202a}'] {
        for line in [
            format!("{mark}INT. KITCHEN - NIGHT"),
            format!("IN{mark}T. KITCHEN - NIGHT"),
            format!("INT. KIT{mark}CHEN - NI{mark}GHT{mark}"),
            format!("INT.{mark} {mark}KITCHEN {mark}-{mark} NIGHT"),
            format!("{mark}12 INT. KITCHEN - NIGHT"),
            format!("{mark}.KITCHEN - NIGHT"),
            format!("{mark}\n\nINT. KITCHEN - NIGHT"),
        ] {
            let script = film("en", &line);
            let scene = script.scenes.last().unwrap();
            assert_eq!((script.scenes.len(), script.remarks.as_slice()), (2, &[][..]), "{line:?}");
            assert_eq!((scene.look.location.as_str(), scene.look.time_of_day), ("KITCHEN", Night), "{line:?}");
        }
    }
}

#[test]
fn what_is_said_in_brackets_loses_no_half_of_them() {
    for (line, qualifiers) in [
        ("INT. CAR - DAY (TRAVELING)", &["TRAVELING"][..]),
        ("INT. CAR - DAY (B&W)", &["B&W"]),
        ("INT. CAR - DAY [TRAVELING]", &["TRAVELING"]),
        ("INT. CAR - DAY (TRAVELING) (SLOW)", &["TRAVELING (SLOW)"]),
        ("INT. CAR - DAY (TRAVELING", &["TRAVELING"]),
        ("INT. CAR - DAY (FLASHBACK)", &["FLASHBACK"]),
    ] {
        let scene = &film("en", line).scenes[1];
        assert_eq!((scene.look.location.as_str(), scene.look.time_of_day), ("CAR", Midday), "{line}");
        assert_eq!(scene.qualifiers, qualifiers, "{line}");
    }
}

/// What a line is in a screenplay, and how many remarks there are.
pub(super) fn element(language: &str, line: &str) -> (Element, usize) {
    let text = format!("Title: X\nLanguage: {language}\n\nINT. A - DAY\n\nX y.\n\n{line}\n\nX z.\n");
    let screenplay = fountain::parse_in(text.as_bytes(), &languages()).unwrap();
    (screenplay.elements[2].clone(), screenplay.remarks.len())
}

#[test]
fn sentences_and_names_become_no_headings() {
    for (language, line) in [
        ("en", "KITCHEN - he waits"),
        ("en", "KITCHEN - HE WAITS"),
        ("en", "MARA - INTERIOR VOICE"),
        ("en", "THE EXTERIOR OF A HOUSE AT NIGHT."),
        ("en", "NIGHT. INTERIOR OF THE CAR IS DARK."),
        ("en", "Night. Interior of the car is dark."),
        ("en", "Meanwhile, int. value rises."),
        ("en", "MARA RUNS OUT INTO THE NIGHT."),
        ("en", "ALL DAY, ALL NIGHT."),
        ("en", "A. FIRST POINT"),
        ("en", "LATER"),
        ("en", "END OF FLASHBACK"),
        ("de", "I. KAPITEL"),
        ("de", "Er liest I/N Küche."),
        ("en", "THE DOOR SAYS I/N."),
        ("en", "PRESS I/O."),
        ("en", "N/A"),
        ("de", "A. Meier kommt."),
        ("de", "Er ist innen. Nacht."),
        ("de", "ER IST INNEN. NACHT."),
        ("de", "Die Wand, innen, nachts."),
        ("de", "INNEN IST ES DUNKEL."),
        ("fr", "C'EST LA NUIT."),
        ("fr", "LA NUIT EST TOMBÉE."),
        ("it", "La casa. Est. Notte."),
        ("it", "LUI EST. NOTTE"),
        ("ru", "Кухня. Ночь."),
        ("ru", "МАША ВХОДИТ. НОЧЬ."),
        ("ru", "Он смотрит на натуру. Ночь."),
        ("ja", "〇〇「はい」"),
        ("ja", "彼は夜に来た。"),
    ] {
        let (element, remarks) = element(language, line);
        assert!(matches!(element.kind, ElementKind::Action(_)), "{language} {line}: {element:?}");
        assert_eq!(remarks, 0, "{language} {line}");
    }
    assert!(matches!(element("en", "CUT TO:").0.kind, ElementKind::Transition(_)));
    assert!(matches!(element("en", "MARA\nIt is - NIGHT").0.kind, ElementKind::Dialogue(_)));
    assert!(matches!(element("de", "ANNA\nKÜCHE - INNEN/NACHT").0.kind, ElementKind::Dialogue(_)));
}

#[test]
fn a_line_that_only_lacks_its_inner_word_is_said() {
    for (language, line) in [
        ("en", "KITCHEN - NIGHT"),
        ("en", "I. KITCHEN - NIGHT"),
        ("de", "KÜCHE - NACHT"),
        ("de", "KÜCHE - XYZ NACHT"),
        ("en", "KITCHEN - SOME DREADFUL NIGHT"),
        ("ja", "台所（夜）"),
        ("fr", "FONDU : INT. CUISINE - NUIT"),
    ] {
        let (element, remarks) = element(language, line);
        assert!(matches!(element.kind, ElementKind::Action(_)), "{language} {line}: {element:?}");
        assert_eq!(remarks, 1, "{language} {line}");
    }
    assert_eq!(element("en", "!KITCHEN - NIGHT").1, 0, "it is forced to be action");
}
