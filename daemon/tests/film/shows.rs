//! Shows stay apart: each has its films in the library, whatever its title is like; a library that is not there is waited for.

use std::fs;

use serde_json::Value;

use crate::{
    book::Book,
    second::Service,
    studio::{Said, Studio, until},
    tools::files,
};

fn play(title_page: &str, action: &str) -> String {
    format!("{title_page}\n\nINT. ROOM - DAY\n\n{action} [[shot: 1s]]\n")
}

/// Films in the library.
fn films(studio: &Studio) -> Vec<String> {
    let all = files(&studio.library()).into_iter();
    all.filter(|path| path.extension().is_some_and(|ext| ext == "mp4")).map(|path| path.display().to_string()).collect()
}

#[test]
fn shows_whose_titles_are_alike_keep_their_films() {
    let studio = Studio::new();
    let make = |title: &str, action: &str| {
        let file = studio.write("play.fountain", play(&format!("Title: {title}\nAired: 2026-01-01"), action));
        studio.make(&file)["path"].as_str().unwrap().to_owned()
    };
    let fog = make("F\\*O\\*G", "A red cup.");
    let fog_seen = fs::read(&fog).unwrap();
    let others = [("FOG", "A blue lamp."), ("C++", "A red cup."), ("C#", "A blue lamp.")];
    let paths: Vec<String> = others.iter().map(|(title, action)| make(title, action)).collect();
    assert_eq!(fs::read(&fog).unwrap(), fog_seen, "the first film is as it was");
    assert_eq!(
        films(&studio),
        [
            "C# (2026)/Season 01/C# (2026) S01E01 - C#.mp4",
            "C++ (2026)/Season 01/C++ (2026) S01E01 - C++.mp4",
            "FOG (2026)/Season 01/FOG (2026) S01E01 - FOG.mp4",
            "FOG 2 (2026)/Season 01/FOG 2 (2026) S01E01 - FOG.mp4",
        ]
    );
    assert_eq!(Book::read(&studio).projects, 4);
    let nfo = fs::read_to_string(studio.library().join("FOG 2 (2026)/tvshow.nfo")).unwrap();
    assert!(nfo.contains("<title>FOG</title>"), "{nfo}");
    // The same show again: nothing moves, and of a film in which nobody speaks nothing is put there again.
    let again = studio.write("play.fountain", play("Title: FOG\nAired: 2026-01-01", "A blue lamp."));
    assert_eq!(studio.make(&again)["made"], 0);
    assert_eq!(make(" FOG ", "A blue lamp."), paths[0]);
    assert_eq!((films(&studio).len(), Book::read(&studio).projects), (4, 4));
}

#[test]
fn another_title_takes_no_place_that_nobody_named() {
    let studio = Studio::new();
    let write =
        |name: &str, page: &str| studio.write(name, play(&format!("Show: Reel\nAired: 2026-01-01\n{page}"), "A cup."));
    let first = write("first.fountain", "Title: Pilot");
    studio.make(&first);
    let second = write("second.fountain", "Title: The Return");
    let refused = studio.produce(&second).ended(2).json();
    let why = refused["error"].as_str().unwrap();
    assert!(why.contains("'Pilot'") && why.contains("Episode: 2") && why.contains("--episode 1"), "{why}");
    studio.make(&write("second.fountain", "Title: The Return\nEpisode: 2"));
    // Said by number it does take the place, and says so.
    let third = write("third.fountain", "Title: Pilot, Revised\nEpisode: 1");
    let made = studio.make(&third);
    assert!(made["remarks"].to_string().contains("it takes the place of 'Pilot'"), "{made}");
    let names = ["S01E01 - Pilot, Revised", "S01E02 - The Return"];
    assert_eq!(films(&studio), names.map(|name| format!("Reel (2026)/Season 01/Reel (2026) {name}.mp4")));
    // The same title keeps its place without a number.
    studio.make(&write("third.fountain", "Title: pilot, revised"));
    assert_eq!(films(&studio).len(), 2);
}

#[test]
fn a_library_that_vanished_is_waited_for() {
    let studio = Studio::new();
    let library = studio.library();
    studio.settings(&format!(
        "[publish]\nlibrary = {:?}\n[schedule.retrying]\naway_pause_ms = 100\n",
        library.display().to_string()
    ));
    let service = Service::start(&studio);
    let begin = |title: &str| {
        let page = format!("Show: Reel\nAired: 2026-01-01\n{title}");
        let file = studio.write("play.fountain", play(&page, "A cup."));
        let Said { out, .. } = studio.run(["--json", "produce", file.to_str().unwrap()]).ended(0);
        serde_json::from_str::<Value>(&out).unwrap()["episode"].as_str().unwrap().to_owned()
    };
    let episode = |id: &str| -> Value {
        let (_, said) = service.get(&format!("/api/episodes/{id}"));
        serde_json::from_str::<Value>(&said).unwrap()["episode"].clone()
    };
    let published = |id: &str| {
        until("the film to be published", || (episode(id)["state"] == "published").then_some(()));
    };
    let first = begin("Title: One\nEpisode: 1");
    published(&first);
    let aside = studio.path("unmounted");
    fs::rename(&library, &aside).unwrap();
    let second = begin("Title: Two\nEpisode: 2");
    until("the episode to say so", || {
        let episode = episode(&second);
        let said = episode["remarks"].to_string();
        (said.contains("not in the library") && said.contains("mount its disk")).then_some(())
    });
    assert!(!library.exists(), "it is never made anew");
    fs::rename(&aside, &library).unwrap();
    published(&second);
    assert_eq!(episode(&second)["remarks"].as_array().map(Vec::len), Some(0));
    assert_eq!(films(&studio).len(), 2);
    service.stop();
}

#[test]
fn what_another_studio_or_a_person_put_into_the_library_stays() {
    let (studio, other) = (Studio::new(), Studio::new());
    let page = |title: &str| format!("Show: MASH\nAired: 2026-01-01\n{title}");
    let first = studio.write("play.fountain", play(&page("Title: One\nEpisode: 1"), "A red cup."));
    let film = studio.make(&first)["path"].as_str().unwrap().to_owned();
    let seen = fs::read(&film).unwrap();

    // Another studio with a show of the same name in the same library: said before anything is made.
    let theirs = other.write("play.fountain", play(&page("Title: One\nEpisode: 1"), "A blue lamp."));
    let library = studio.library().display().to_string();
    let said = other.run(["--json", "produce", theirs.to_str().unwrap(), "--library", &library]).ended(2);
    assert!(said.out.contains("belongs to another show"), "{said:?}");
    assert_eq!(fs::read(&film).unwrap(), seen);

    // A film of a person's own beside it, with and without a description from elsewhere.
    let own = studio.library().join("MASH (2026)/Season 01/MASH (2026) S01E02 - Two.mp4");
    let second = studio.write("second.fountain", play(&page("Title: Two\nEpisode: 2"), "A green hat."));
    for nfo in [None, Some("<episodedetails><title>Two</title></episodedetails>")] {
        fs::write(&own, "mine").unwrap();
        if let Some(nfo) = nfo {
            fs::write(own.with_extension("nfo"), nfo).unwrap();
        }
        let said = studio.produce(&second).ended(2);
        assert!(said.out.contains("that studiod did not put there"), "{said:?}");
        assert_eq!(fs::read(&own).unwrap(), b"mine");
    }
    fs::remove_file(&own).unwrap();
    fs::remove_file(own.with_extension("nfo")).unwrap();
    studio.make(&second);
    // Its own is put in place of its own.
    let before = fs::read(&own).unwrap();
    studio.make(&studio.write("second.fountain", play(&page("Title: Two\nEpisode: 2"), "A yellow hat. A red chair.")));
    assert_ne!(fs::read(&own).unwrap(), before);
}

#[test]
fn a_new_project_takes_no_folder_of_one_that_was_removed() {
    let studio = Studio::new();
    let write = |action: &str| studio.write("play.fountain", play("Title: Keeper\nAired: 2026-01-01", action));
    let film = studio.make(&write("A red cup."))["path"].as_str().unwrap().to_owned();
    let seen = fs::read(&film).unwrap();
    let service = Service::start(&studio);
    service.remove_project("keeper");
    service.stop();
    let said = studio.produce(&write("A blue lamp.")).ended(2);
    assert!(said.out.contains("belongs to another show"), "{said:?}");
    assert_eq!(fs::read(&film).unwrap(), seen, "what is in the library stays there");
}
