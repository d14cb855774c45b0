//! A publication cut off in the middle: what it left is neither taken for the whole nor forgotten.

use std::{collections::BTreeMap, fs, path::PathBuf};

use crate::{
    produce::{FILM, PLAY},
    studio::Studio,
    tools::files,
};

/// Every file of the library with its content.
fn library(studio: &Studio) -> BTreeMap<PathBuf, Vec<u8>> {
    let read = |path: PathBuf| {
        let content = fs::read(studio.library().join(&path)).expect("a file in the library");
        (path, content)
    };
    files(&studio.library()).into_iter().map(read).collect()
}

/// Lets the film of `named` not be put in its place: everything else of that publication is, because the film comes
/// last. Then that is as it was, and nothing tells of it but the files beside the film.
fn cut_before_the_film(studio: &Studio, other: &str, named: &str) {
    let film = studio.library().join(named);
    let before = fs::read_link(&film).ok();
    let _ = fs::remove_file(&film);
    fs::create_dir_all(film.join("in the way")).unwrap();
    let said = studio.produce(&studio.write("other.fountain", other));
    assert_ne!(said.code, Some(0), "nothing was in its way: {said:?}");
    fs::remove_dir_all(&film).unwrap();
    if let Some(before) = before {
        std::os::unix::fs::symlink(before, film).unwrap();
    }
}

#[test]
fn subtitles_of_a_film_that_never_came_are_replaced_by_those_of_the_film_that_is_there() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    studio.make(&play);
    let whole = library(&studio);
    cut_before_the_film(&studio, &PLAY.replace("for an hour.", "for half an hour."), FILM);
    assert_ne!(library(&studio), whole, "the cut left nothing, so it proves nothing");
    let answer = studio.make(&play);
    assert_eq!(answer["made"], 1, "only the library was touched: {answer}");
    assert!(library(&studio) == whole, "the new lines stand beside the old film");
    assert_eq!(studio.make(&play)["made"], 0, "what is whole is left alone");
}

#[test]
fn files_under_a_title_that_never_came_go_when_the_old_title_is_back() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    studio.make(&play);
    let whole = library(&studio);
    let renamed = PLAY.replace("Title: Two Lamps", "Title: Three Lamps");
    cut_before_the_film(&studio, &renamed, &FILM.replace("Two Lamps", "Three Lamps"));
    let left = files(&studio.library()).into_iter().filter(|path| path.to_str().unwrap().contains("Three Lamps"));
    assert_ne!(left.count(), 0, "the cut left nothing, so it proves nothing");
    studio.make(&play);
    assert_eq!(files(&studio.library()), whole.into_keys().collect::<Vec<_>>());
}
