//! A screenplay becomes an episode; what is made already is not made again.

use std::{collections::BTreeSet, fs, path::Path};

use studio_core::order::Role;

use crate::{
    book::Book,
    studio::{Running, Studio},
    tools::{files, loudness, number, probe, untouched, xml},
};

/// Two scenes, three shots, two people.
pub const PLAY: &str = "Title: Two Lamps
Show: Test Reel
Season: 1
Episode: 2
Aired: 2025-01-02
Language: en
Logline: Somebody waits for the kettle.

[[character: ANNA, female, adult]]
[[character: BEN, male, adult]]

INT. KITCHEN - DAY

ANNA sets two cups on the table. [[shot: medium]]

ANNA
Is the kettle on?

BEN looks up from his paper. [[shot: close-up]]

BEN
It has been on for an hour.

EXT. GARDEN - NIGHT

A lamp burns in the window. [[shot: wide, 2s]]
";
/// The film in the library.
pub const FILM: &str = "Test Reel (2025)/Season 01/Test Reel (2025) S01E02 - Two Lamps.mp4";

#[test]
fn a_screenplay_becomes_an_episode_in_the_library() {
    let studio = Studio::new();
    let answer = studio.make(&studio.write("play.fountain", PLAY));
    let film = studio.library().join(FILM);
    assert_eq!(answer["path"].as_str(), film.to_str());
    assert_eq!((answer["shots"].as_u64(), answer["complete"].as_bool()), (Some(3), Some(true)), "{answer}");
    assert_eq!((answer["reused"].as_u64(), answer["failed"].as_array().map(Vec::len)), (Some(0), Some(0)), "{answer}");
    let season = "Test Reel (2025)/Season 01/Test Reel (2025) S01E02 - Two Lamps";
    let mut wanted: Vec<String> =
        ["-thumb.jpg", ".en.srt", ".en.vtt", ".mp4", ".nfo"].map(|end| format!("{season}{end}")).into();
    for shared in ["Season 01/poster.jpg", "Season 01/season.nfo", "fanart.jpg", "poster.jpg", "tvshow.nfo"] {
        wanted.push(format!("Test Reel (2025)/{shared}"));
    }
    let found = files(&studio.library());
    assert_eq!(
        found.iter().map(|path| path.display().to_string()).collect::<BTreeSet<_>>(),
        wanted.into_iter().collect()
    );
    the_film_is_exact(&film, answer["length_ms"].as_f64().unwrap());
    let measured = loudness(&film);
    assert!((measured + 16.0).abs() <= 1.0, "{measured} LUFS");
    assert!((answer["loudness_lufs"].as_f64().unwrap() - measured).abs() < 0.5, "{answer} but {measured}");

    let nfo = xml(&studio.library().join(format!("{season}.nfo")));
    for (at, said) in [("title", "Two Lamps"), ("season", "1"), ("episode", "2"), ("aired", "2025-01-02")] {
        let wanted = (format!("episodedetails/{at}"), said.to_owned());
        assert!(nfo.contains(&wanted), "{wanted:?} is not in {nfo:?}");
    }
    xml(&studio.library().join("Test Reel (2025)/tvshow.nfo"));
    xml(&studio.library().join("Test Reel (2025)/Season 01/season.nfo"));
    let srt = fs::read_to_string(studio.library().join(format!("{season}.en.srt"))).unwrap();
    let (first, second) = (srt.find("Is the kettle on?"), srt.find("It has been on for an hour."));
    assert!(first.is_some() && first < second, "{srt}");
}

fn the_film_is_exact(film: &Path, length_ms: f64) {
    let said = probe(film);
    let stream = |kind: &str| {
        let streams = said["streams"].as_array().unwrap();
        streams.iter().find(|stream| stream["codec_type"] == kind).unwrap_or_else(|| panic!("no {kind}")).clone()
    };
    let (video, audio) = (stream("video"), stream("audio"));
    assert_eq!((&video["width"], &video["height"], &video["r_frame_rate"]), (&192.into(), &108.into(), &"12/1".into()));
    let seconds = number(&video["nb_read_frames"]) / 12.0;
    assert!((number(&video["duration"]) - seconds).abs() < 0.001, "{video}");
    assert!((length_ms / 1000.0 - seconds).abs() < 0.001, "{length_ms} ms for {seconds} s");
    assert!((number(&audio["duration"]) - seconds).abs() <= 1.0 / 12.0, "{audio}");
    for start in [&video["start_time"], &audio["start_time"], &said["format"]["start_time"]] {
        assert!(number(start).abs() < 1e-6, "{said}");
    }
    let chapters = said["chapters"].as_array().unwrap();
    assert_eq!(chapters.len(), 2, "one for each scene: {chapters:?}");
    assert!(number(&chapters[0]["start_time"]).abs() < 1e-6);
    assert!((number(&chapters[1]["end_time"]) - seconds).abs() < 0.1, "{chapters:?}");
}

#[test]
fn what_is_made_is_made_once() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    let first = studio.make(&play);
    let (before, kept, library) =
        (Book::read(&studio), untouched(&studio.data().join("assets")), untouched(&studio.library()));

    let second = studio.make(&play);
    assert_eq!((second["made"].as_u64(), second["reused"].as_u64()), (Some(0), first["made"].as_u64()), "{second}");
    assert_eq!(untouched(&studio.data().join("assets")), kept);
    assert_eq!(untouched(&studio.library()), library);

    studio.write("play.fountain", PLAY.replace("for an hour.", "for one hour, and nobody came to look at it at all."));
    let foreseen = to_make(&studio, &play);
    studio.make(&play);
    let after = Book::read(&studio);
    // The same bed serves: music is ordered in steps of 15 s.
    let wanted: BTreeSet<String> = [
        "scene 1/shot 2/line 1",
        "scene 1/shot 2/clip/take 1",
        "scene 1/shot 2/clip/review 1",
        "scene 1/shot 2/master",
        "scene 1/mix",
        "scene 1/film",
        "sound",
        "film",
        "artwork",
        "library",
    ]
    .map(str::to_owned)
    .into();
    assert_eq!(after.made_since(&before), wanted);
    assert!(foreseen.is_superset(&wanted), "{foreseen:?}");
    assert!(foreseen.iter().all(|slot| !slot.contains("still") && !slot.starts_with("scene 2")), "{foreseen:?}");
    assert_eq!(to_make(&studio, &play), BTreeSet::new());

    // Back to the first words: all of it is there, only the library is put back.
    studio.write("play.fountain", PLAY);
    studio.make(&play);
    let back = Book::read(&studio);
    assert_eq!(back.made_since(&after), ["library".to_owned()].into());
    assert_eq!(back.file("film", Role::Video), before.file("film", Role::Video));
    studio.run(["check", "--deep"]).ended(0);
}

/// What `plan` would make; it makes nothing.
fn to_make(studio: &Studio, play: &Path) -> BTreeSet<String> {
    let mut command = studio.command(["--json", "plan"]);
    command.arg(play).arg("--library").arg(studio.library());
    let before = untouched(&studio.data().join("assets"));
    let said = Running::start(command).finish().ended(0).json();
    assert_eq!(untouched(&studio.data().join("assets")), before);
    let jobs = said["jobs"].as_array().unwrap();
    jobs.iter().filter(|job| job["make"] == true).map(|job| job["slot"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_file_that_is_gone_or_damaged_is_noticed_and_made_again() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", PLAY);
    studio.make(&play);
    let slot = "scene 1/shot 1/clip/take 1";
    let before = Book::read(&studio);
    let clip = before.path(slot, Role::Video);
    let good = fs::read(&clip).unwrap();

    fs::remove_file(&clip).unwrap();
    studio.make(&play);
    let after = Book::read(&studio);
    assert_eq!(after.made_since(&before), [slot.to_owned()].into());
    assert_eq!(after.file(slot, Role::Video), before.file(slot, Role::Video));
    assert!(fs::read(&clip).unwrap() == good, "the same picture for picture");
    studio.run(["check", "--deep"]).ended(0);

    let mut bad = good.clone();
    let middle = bad.len() / 2;
    bad[middle] ^= 0xff;
    fs::write(&clip, bad).unwrap();
    let said = studio.run(["--json", "check", "--deep"]).ended(6).json();
    let lines = said["lines"].as_array().unwrap();
    let broken: Vec<_> = lines.iter().filter(|line| line["verdict"] == "BAD").collect();
    let hash = before.file(slot, Role::Video).hash.to_string();
    assert_eq!(broken.len(), 1, "{said}");
    assert!(broken[0]["said"].as_str().unwrap().contains(&hash), "{said}");

    // What it says to do about it helps.
    studio.make(&play);
    assert!(fs::read(&clip).unwrap() == good, "made again");
    studio.run(["check", "--deep"]).ended(0);
}
