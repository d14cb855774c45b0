//! A project leaves as one file and comes back whole, or not at all.

use std::{fs, path::PathBuf};

use crate::{
    book::Book,
    produce::{FILM, PLAY},
    studio::Studio,
    tools::{files, pictures},
};

#[test]
fn a_project_moves_to_another_studio_and_nothing_is_made_again() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let archive = here.path("reel.tar");
    let archive = archive.to_str().unwrap();
    let said = here.run(["export", "no-such-thing", archive]).ended(2);
    assert!(said.err.contains("test-reel"), "what there is: {said:?}");
    here.run(["export", "test-reel", archive]).ended(0);

    let there = Studio::new();
    there.run(["import", archive]).ended(0);
    let before = Book::read(&there);
    there.run(["check", "--deep"]).ended(0);
    let answer = there.make(&there.write("play.fountain", PLAY));
    assert_eq!(answer["made"], 1, "{answer}");
    assert_eq!(Book::read(&there).made_since(&before), ["library".to_owned()].into());
    assert_eq!(pictures(&there.library().join(FILM)), pictures(&here.library().join(FILM)));
    there.run(["check", "--deep"]).ended(0);

    let said = there.run(["import", archive]).ended(3);
    assert!(said.err.contains("nothing was changed"), "{said:?}");
}

#[test]
fn a_damaged_archive_changes_nothing() {
    let here = Studio::new();
    here.make(&here.write("play.fountain", PLAY));
    let archive = here.path("reel.tar");
    here.run(["export", "test-reel", archive.to_str().unwrap()]).ended(0);
    let good = fs::read(&archive).unwrap();

    let mut bits = good.clone();
    let place = good.len() * 3 / 4;
    bits[place] ^= 1;
    let without_end = good[..good.len() / 2].to_vec();
    let there = Studio::new();
    for bad in [bits, without_end, b"not an archive at all".to_vec(), Vec::new()] {
        fs::write(&archive, &bad).unwrap();
        let said = there.run(["import", archive.to_str().unwrap()]).ended(3);
        assert!(said.err.contains("reel.tar") && said.err.contains("nothing was changed"), "{said:?}");
        let book = Book::read(&there);
        assert_eq!((book.projects, book.tasks.len()), (0, 0));
        assert_eq!(files(&there.data().join("assets")), Vec::<PathBuf>::new());
        assert_eq!(files(&there.data().join("work")), Vec::<PathBuf>::new());
    }
    fs::write(&archive, &good).unwrap();
    there.run(["import", archive.to_str().unwrap()]).ended(0);
}
