//! A disk that fills up: one sentence, nothing lost, nothing half-written, and on it goes when there is room.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use studiod::files::hash_file;

use crate::{
    produce::{FILM, PLAY},
    studio::Studio,
    tools::{files, pictures},
};

/// A disk of its own, there as long as this value is. Needs root, which CI has.
pub struct Disk(PathBuf);

impl Disk {
    pub fn new(at: PathBuf, size: &str) -> Self {
        fs::create_dir_all(&at).unwrap();
        let options = format!("size={size},mode=755");
        mount(&["-t", "tmpfs", "-o", &options, "studiod-test", at.to_str().unwrap()]);
        Self(at)
    }

    pub fn resize(&self, size: &str) {
        mount(&["-o", &format!("remount,size={size}"), self.0.to_str().unwrap()]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn mount(args: &[&str]) {
    let out = Command::new("mount").args(args).output().expect("mount is there");
    let said = String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success(), "this test mounts a small disk, which takes root (mount {args:?}: {said})");
}

#[test]
fn a_full_data_disk_stops_with_a_sentence_and_goes_on_when_there_is_room() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    let disk = Disk::new(studio.data(), "500k");
    let mut refused = 0;
    // From no room for the database to no room for the film; each time more of the work gets done.
    for size in ["500k", "1500k", "3m", "4500k", "6m"] {
        disk.resize(size);
        let said = studio.produce(&play);
        if said.code == Some(0) {
            break;
        }
        refused += 1;
        let said = said.ended(5);
        let sentence = said.json()["error"].as_str().unwrap().to_owned();
        assert!(sentence.contains("free some space"), "at {size}: {sentence}");
        assert_eq!(sentence.lines().count(), 1, "at {size}: {sentence}");
        assert!(!studio.library().join(FILM).exists(), "at {size}: half a film was published");
        only_whole_files(&studio.data().join("assets"));
    }
    assert!(refused >= 2, "the disk was too large to be filled: {refused}");
    disk.resize("256m");
    studio.make(&play);
    assert!(!pictures(&studio.library().join(FILM)).is_empty());
    only_whole_files(&studio.data().join("assets"));
    assert_eq!(files(&studio.data().join("work")), Vec::<PathBuf>::new());
    studio.run(["check", "--deep"]).ended(0);
}

/// Every kept file has the content its name promises.
fn only_whole_files(assets: &Path) {
    for file in files(assets) {
        let (hash, _) = hash_file(&assets.join(&file)).unwrap();
        assert_eq!(file.file_stem().unwrap().to_str(), Some(hash.to_string().as_str()), "{}", file.display());
    }
}

#[test]
fn a_full_library_gets_nothing_until_it_gets_all() {
    let studio = Studio::new();
    studio.settings("[publish]\nmode = \"copy\"\n");
    let play = studio.write("play.fountain", PLAY);
    let disk = Disk::new(studio.library(), "48k");
    let said = studio.produce(&play).ended(5);
    let sentence = said.json()["error"].as_str().unwrap().to_owned();
    assert!(
        sentence.contains(studio.library().to_str().unwrap()) && sentence.contains("free some space"),
        "{sentence}"
    );
    assert_eq!(files(&studio.library()), Vec::<PathBuf>::new(), "half an episode");
    disk.resize("64m");
    let answer = studio.make(&play);
    assert_eq!(answer["made"], 1, "only the library was left: {answer}");
    assert!(!studio.library().join(FILM).is_symlink());
    assert!(!pictures(&studio.library().join(FILM)).is_empty());
}
