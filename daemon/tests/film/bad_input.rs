//! What cannot be used is said in a sentence, by its place, with an exit code, and leaves nothing behind.

use std::{fs, path::PathBuf};

use crate::{
    book::Book,
    produce::PLAY,
    studio::{Running, Said, Studio},
    tools::files,
};

fn nothing_begun(studio: &Studio) {
    assert_eq!(files(&studio.library()), Vec::<PathBuf>::new());
    assert_eq!(files(&studio.data().join("assets")), Vec::<PathBuf>::new());
    if studio.data().exists() {
        let book = Book::read(studio);
        assert_eq!((book.projects, book.tasks.len()), (0, 0));
    }
}

#[test]
fn a_broken_screenplay_is_said_by_line_and_column() {
    let studio = Studio::new();
    let broken =
        PLAY.replace("[[shot: medium]]", "[[shot: banana]]").replace("[[shot: wide, 2s]]", "[[shot: wide, 2 weeks]]");
    let play = studio.write("play.fountain", broken);
    let mut command = studio.command(["produce"]);
    command.arg(&play).arg("--library").arg(studio.library());
    let said = Running::start(command).finish().ended(3);
    let (_, mistakes) = said.err.split_once('\n').expect("a heading, then one line for each mistake");
    let places: Vec<&str> =
        mistakes.lines().map(|line| line.strip_prefix(&format!("{}: ", play.display())).expect(line)).collect();
    assert_eq!(places.len(), 2, "{said:?}");
    for (place, line) in places.iter().zip([14, 26]) {
        let rest = place.strip_prefix(&format!("line {line}, column ")).unwrap_or_else(|| panic!("{place}"));
        let (column, _) = rest.split_once(": ").expect(place);
        assert!(column.parse::<u32>().is_ok_and(|column| column > 1), "{place}");
    }
    assert_eq!(studio.produce(&play).ended(3).json()["exit"], 3);
    nothing_begun(&studio);
}

#[test]
fn a_screenplay_that_is_not_there_or_too_large_is_refused() {
    let studio = Studio::new();
    let missing = studio.path("nowhere.fountain");
    let said = studio.produce(&missing).ended(3);
    assert!(said.out.contains("nowhere.fountain"), "{said:?}");
    let large = format!("{PLAY}\n{}", "All work and no play. ".repeat(500_000));
    assert!(large.len() > 10 << 20);
    let said = studio.produce(&studio.write("large.fountain", large)).ended(3);
    assert!(said.out.contains("10 MB") || said.out.contains("10 MiB"), "{said:?}");
    let said = studio.produce(&studio.write("empty.fountain", "")).ended(3);
    assert!(said.out.contains("line 1, column 1"), "{said:?}");
    nothing_begun(&studio);
}

#[test]
fn wrong_settings_and_arguments_are_named() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    let with = |more: &[&str]| -> Said {
        let mut command = studio.producing(&play);
        command.args(more);
        Running::start(command).finish()
    };
    for (more, word) in [
        (["--size", "huge"], "huge"),
        (["--size", "191x107"], "191x107"),
        (["--format", "opera"], "opera"),
        (["--season", "200"], "200"),
        (["--episode", "0"], "0"),
    ] {
        let said = with(&more).ended(2);
        assert!(said.json()["error"].as_str().unwrap().contains(word), "{said:?}");
    }
    studio.settings("[sound]\nloudnes_lufs = -16.0\n");
    let said = with(&[]).ended(2);
    let sentence = said.json()["error"].as_str().unwrap().to_owned();
    assert!(sentence.contains("loudnes_lufs") && sentence.contains("config.toml"), "{sentence}");
    studio.settings("[sound]\nloudness_lufs = 3\n");
    with(&[]).ended(2);
    fs::remove_file(studio.path("config.toml")).unwrap();
    let said = with(&[]).ended(2);
    assert!(said.out.contains("--config"), "{said:?}");
    studio.settings("");
    nothing_begun(&studio);
}

#[test]
fn folders_that_cannot_be_used_are_said_with_the_remedy() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    fs::write(studio.library(), "a file").unwrap();
    let said = studio.produce(&play).ended(5);
    let sentence = said.json()["error"].as_str().unwrap().to_owned();
    assert!(sentence.contains("--library") && sentence.contains(studio.library().to_str().unwrap()), "{sentence}");
    assert_eq!(fs::read_to_string(studio.library()).unwrap(), "a file");
    fs::remove_file(studio.library()).unwrap();
    nothing_begun(&studio);

    fs::remove_dir_all(studio.data()).unwrap();
    fs::write(studio.data(), "a file").unwrap();
    let said = studio.produce(&play).ended(5);
    assert!(said.json()["error"].as_str().unwrap().contains("--data-dir"), "{said:?}");
}
