//! The database goes away, or takes nothing, while a service works: it waits, says why, and goes on.

use std::fs;

use crate::{
    disk::Disk,
    postgres::Private,
    produce::{FILM, PLAY},
    second::Service,
    studio::{Studio, block, until},
};

/// Hands the screenplay over, and says which episode it is.
fn begin(studio: &Studio) -> String {
    let play = studio.write("play.fountain", PLAY);
    let begun = studio.run(["--json", "produce", play.to_str().unwrap()]).ended(0).json();
    begun["episode"].as_str().unwrap().to_owned()
}

fn publishing(studio: &Studio, more: &str) {
    studio.settings(&format!("[publish]\nlibrary = {:?}\n{more}", studio.library().display().to_string()));
    fs::create_dir_all(studio.library()).unwrap();
}

fn published(service: &Service, episode: &str) {
    until("the film to be published", || {
        let (status, text) = service.get(&format!("/api/episodes/{episode}"));
        let whole: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        (status == 200 && whole["episode"]["state"] == "published").then_some(())
    });
}

/// What `/health` says when all is not well.
fn ill(service: &Service) -> String {
    until("the studio to say that something is wrong", || {
        let (status, text) = service.get("/health");
        (status == 503).then_some(text)
    })
}

#[test]
fn a_database_that_was_away_is_gone_on_with() {
    let private = block(Private::new());
    let studio = Studio::new();
    publishing(&studio, &format!("[database]\nurl = \"{}\"\n", private.url()));
    let mut service = Service::start(&studio);
    let episode = begin(&studio);
    for _ in 0..3 {
        block(private.shut());
        assert!(ill(&service).contains("database"));
        assert!(service.running.ended().is_none(), "it waits");
        block(private.open());
        until("the studio to be well again", || (service.get("/health").0 == 200).then_some(()));
    }
    published(&service, &episode);
    assert!(studio.library().join(FILM).exists());
    // The lock was taken again, too: nobody else begins with this database, from a folder of their own.
    let other = Studio::new();
    publishing(&other, &format!("[database]\nurl = \"{}\"\n", private.url()));
    let said = other.run(["serve", "--listen", "127.0.0.1:0"]).ended(4);
    assert!(said.err.contains("the database"), "{said:?}");
    service.stop();
    studio.run(["check", "--deep"]).ended(0);
}

#[test]
fn a_disk_that_was_full_is_gone_on_with() {
    let studio = Studio::new();
    publishing(&studio, "[schedule.retrying]\ndisk_full_pause_ms = 100\n");
    let disk = Disk::new(studio.data(), "64m");
    let mut service = Service::start(&studio);
    // Room for nothing: not even for the row that says so.
    let filler = studio.data().join("filler");
    let filled = std::process::Command::new("dd")
        .args(["if=/dev/zero", "bs=4k"])
        .arg(format!("of={}", filler.display()))
        .stderr(std::process::Stdio::null())
        .status();
    assert!(!filled.expect("dd is there").success(), "the disk is full");
    let play = studio.write("play.fountain", PLAY);
    let refused = studio.run(["--json", "produce", play.to_str().unwrap()]);
    refused.ended(5);
    studio.run(["--json", "pause"]).ended(5);
    assert!(ill(&service).contains("full"));
    assert!(service.running.ended().is_none(), "it waits");
    disk.resize("256m");
    fs::remove_file(filler).unwrap();
    until("the studio to be well again", || (service.get("/health").0 == 200).then_some(()));
    let episode = begin(&studio);
    published(&service, &episode);
    service.stop();
    studio.run(["check", "--deep"]).ended(0);
}
