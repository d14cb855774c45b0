//! Screenplays as people write them, through the whole program: read, foreseen, made.

use image::GenericImageView;
use studio_core::order::Role;

use crate::{book::Book, studio::Studio};

/// A dedication, a fade, a voice over black; then a yard in French, and a kitchen spelled in two ways.
const PLAY: &str = "Title: The Well
Language: fr

> *For Ada* <

**FADE IN:**

OVER BLACK.

ADA (V.O.)
It was there before us.

EXT. COUR, CRÉPUSCULE

A stone well. [[a note

with an empty line]]

INT. CUISINE - NUIT - FLASHBACK (1944)

A lamp. [[shot: wide, 2s]]

int cuisine nuit

A lamp. [[shot: close-up, 2s]]
";

#[test]
fn read_says_how_a_screenplay_is_understood_and_opens_nothing() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    let said = studio.run(["read".as_ref(), play.as_os_str()]).ended(0);
    for part in [
        "'The Well' in fr: 4 scenes, 5 shots",
        "scene 1, line 4: over black",
        "scene 2, line 13: outside, COUR, evening, clear",
        "scene 3, line 19: inside, CUISINE, night",
        "FLASHBACK, 1944",
        "place:    CUISINE, in scene 3, 4",
        "ADA: It was there before us.",
        "1 line",
        "play.fountain: line 4: what stands before the first scene heading is an opening over black",
    ] {
        assert!(said.out.contains(part), "{part:?} is not in\n{}", said.out);
    }
    let answer = studio.run(["--json".as_ref(), "read".as_ref(), play.as_os_str()]).ended(0).json();
    assert_eq!((answer["scenes"].as_array().map(Vec::len), answer["language"].as_str()), (Some(4), Some("fr")));
    assert_eq!(answer["scenes"][0]["black"], true);
    assert_eq!(answer["scenes"][1]["look"]["time_of_day"], "evening");
    assert_eq!(answer["scenes"][2]["qualifiers"], serde_json::json!(["FLASHBACK", "1944"]));
    assert_eq!(answer["places"][1], serde_json::json!({ "name": "CUISINE", "scenes": [3, 4] }));
    assert_eq!((answer["characters"][0]["lines"].as_u64(), answer["remarks"][0]["line"].as_u64()), (Some(1), Some(4)));
    assert!(answer["planned_ms"].as_u64() > Some(8_000));
    assert!(!studio.data().exists(), "nothing is made where nothing is begun");
    let broken = studio.write("broken.fountain", PLAY.replace("[[shot: wide, 2s]]", "[[shot: wyde]]"));
    let said = studio.run(["read".as_ref(), broken.as_os_str()]).ended(3);
    assert!(said.err.contains("one mistake") && said.err.contains("line 21, column 17"), "{said:?}");
}

#[test]
fn a_language_of_the_users_own_is_read_and_a_wrong_one_is_said() {
    let studio = Studio::new();
    let folder = studio.data().join("languages");
    std::fs::create_dir_all(&folder).unwrap();
    let words = "code = \"sv\"\nnames = [\"svenska\"]\ninterior = [\"inne\"]\n[hours]\nevening = [\"kväll\"]\n";
    std::fs::write(folder.join("sv.toml"), words).unwrap();
    std::fs::write(folder.join("fr.toml"), "code = \"fr\"\n[hours]\nsunset = [\"crépuscule\"]\n").unwrap();
    std::fs::write(folder.join("odd.toml"), "code = \"odd\"\nhour = 1\n").unwrap();
    let play = studio.write("play.fountain", "Title: X\nLanguage: svenska\n\nInne. Kök - kväll\n\nEn lampa.\n");
    let said = studio.run(["--json".as_ref(), "read".as_ref(), play.as_os_str()]).ended(0);
    assert!(said.err.contains("not used: ") && said.err.contains("odd.toml"), "{said:?}");
    let answer = said.json();
    assert_eq!(
        (answer["language"].as_str(), answer["scenes"][0]["look"]["time_of_day"].as_str()),
        (Some("sv"), Some("evening"))
    );
    let french = studio.write("french.fountain", PLAY);
    let answer = studio.run(["--json".as_ref(), "read".as_ref(), french.as_os_str()]).ended(0).json();
    assert_eq!(answer["scenes"][1]["look"]["time_of_day"], "sunset", "a person's words go first");
}

#[test]
fn plan_counts_shots_and_an_opening_over_black_is_made() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    let planned = studio.run(["plan".as_ref(), play.as_os_str()]).ended(0);
    for part in [
        "voices: 1 line to make, in 1 task",
        "pictures: 5 shots to make, in 13 tasks",
        "scenes: 4 scenes to make, in 8 tasks",
    ] {
        assert!(planned.out.contains(part), "{part:?} is not in\n{}", planned.out);
    }
    assert!(planned.out.contains("remark:   ") && planned.out.contains("line 4"), "{}", planned.out);
    let answer = studio.make(&play);
    assert_eq!((answer["shots"].as_u64(), answer["retakes"].as_u64()), (Some(5), Some(0)), "{answer}");
    assert!(answer["remarks"].to_string().contains("line 4: what stands before"), "{answer}");
    let book = Book::read(&studio);
    let picture = |slot: &str| image::open(book.path(slot, Role::Picture)).unwrap();
    let light = |slot: &str| picture(slot).pixels().filter(|(_, _, pixel)| pixel.0[0] > 64).count();
    let (card, black, yard) = (
        light("scene 1/shot 1/still/take 1"),
        light("scene 1/shot 2/still/take 1"),
        light("scene 2/shot 1/still/take 1"),
    );
    assert!(card > 20 && black == 0 && yard > 10 * card, "{card} {black} {yard}");
    let again =
        studio.run(["plan".as_ref(), play.as_os_str(), "--library".as_ref(), studio.library().as_os_str()]).ended(0);
    assert!(again.out.contains("pictures: 5 shots there already"), "{}", again.out);
}
