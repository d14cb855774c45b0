//! Data of earlier versions: what they made is found again, and nothing is rendered anew.

use std::{fs, path::Path, process::Command};

use crate::studio::{Running, Studio};

/// Data directories as released programs left them; made by `scripts/record-studio`.
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recordings/studio");

#[test]
fn a_film_of_an_earlier_version_is_found_again_and_nothing_is_rendered() {
    let mut archives: Vec<_> = fs::read_dir(RECORDED).unwrap().map(|entry| entry.unwrap().path()).collect();
    archives.retain(|path| path.extension().is_some_and(|ext| ext == "xz"));
    archives.sort();
    assert!(!archives.is_empty(), "there is a recording of 0.1.0");
    for archive in archives {
        found_again(&archive);
    }
}

fn found_again(archive: &Path) {
    let studio = Studio::new();
    fs::write(studio.path("config.toml"), "").unwrap();
    let unpacked = Command::new("tar").arg("-xJf").arg(archive).arg("-C").arg(studio.path("")).status().unwrap();
    assert!(unpacked.success(), "{} is an archive", archive.display());
    let play = studio.path("play.fountain");
    for run in 1..=2 {
        let mut command = studio.command(["--json", "produce", "--size", "160x90", "--draft"]);
        command.arg(&play);
        let answer = Running::start(command).finish().ended(0).json();
        assert_eq!((answer["made"].as_u64(), answer["reused"].as_u64()), (Some(0), Some(17)), "run {run}: {answer}");
        // The further take a person asked for, and the clip a person locked, are still those of the film.
        assert_eq!((answer["retakes"].as_u64(), answer["complete"].as_bool()), (Some(1), Some(true)), "{answer}");
    }
    let tasks = studio.run(["--json", "tasks"]).ended(0).json();
    let task = |slot: &str| tasks.as_array().unwrap().iter().find(|task| task["slot"] == slot).unwrap().clone();
    assert_eq!(task("scene 1/shot 2/clip")["reason"], "a person put it in place");
    studio.run(["check", "--deep"]).ended(0);
}
