//! A person stops it: at the keyboard, or one task of a running studio.

use std::{fs, path::PathBuf};

use studio_core::task::{AttemptState, TaskState};

use crate::{
    book::Book,
    produce::{FILM, PLAY},
    second::Service,
    studio::{Running, Studio, until},
    tools::{files, pictures},
};

const LONG_SHOT: &str = "scene 2/shot 1/clip/take 1";

/// With a last shot that takes a while, and nothing to say before it.
fn long_play() -> String {
    let (head, _) = PLAY.split_once("[[character").unwrap();
    format!(
        "{head}INT. KITCHEN - DAY\n\nTwo cups. [[shot: close-up, 1s]]\n\nEXT. GARDEN - NIGHT\n\nA lamp. [[shot: wide, 30s]]\n"
    )
}

/// Command lines of the other processes in the program's group; those that ended and wait for it are left out.
fn children(of: u32) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name in brackets may hold anything; after it come state, parent and group.
        let Some((_, rest)) = stat.rsplit_once(')') else { continue };
        let rest: Vec<&str> = rest.split_whitespace().collect();
        if pid == of || rest[0] == "Z" || rest[2] != of.to_string() {
            continue;
        }
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        found.push(String::from_utf8_lossy(&line).replace('\0', " "));
    }
    found
}

/// Starts a production and waits until a child process works on the long shot.
fn begun(studio: &Studio, play: &std::path::Path) -> Running {
    let mut running = Running::start(studio.producing(play));
    until("the long shot to be at work", || {
        assert!(running.ended().is_none(), "over too early: {:?}", running.finish());
        let media = children(running.pid()).iter().any(|line| line.trim_end().ends_with(" media"));
        (media && studio.data().join("studio.db").exists() && at_work(studio, LONG_SHOT)).then_some(())
    });
    running
}

fn at_work(studio: &Studio, slot: &str) -> bool {
    let book = Book::read(studio);
    book.attempts.iter().any(|attempt| attempt.state == AttemptState::Running && book.slot_of(attempt) == slot)
}

fn no_film(studio: &Studio) {
    let found = files(&studio.library());
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn control_c_stops_at_once_and_leaves_nothing_half_done() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", long_play());
    let mut running = begun(&studio, &play);
    running.signal("INT");
    let said = running.finish().ended(130);
    assert!(said.json()["error"].as_str().unwrap().contains("run the same command again"), "{said:?}");
    assert_eq!(children(running.pid()), Vec::<String>::new());
    let book = Book::read(&studio);
    let long: Vec<_> = book.attempts.iter().filter(|attempt| book.slot_of(attempt) == LONG_SHOT).collect();
    assert_eq!(long.len(), 1);
    assert_eq!(long[0].state, AttemptState::Cancelled, "it was stopped, not waited for");
    assert!(book.attempts.iter().all(|attempt| attempt.state != AttemptState::Running), "each is settled");
    assert_eq!(files(&studio.data().join("work")), Vec::<PathBuf>::new());
    no_film(&studio);

    let answer = studio.make(&play);
    assert!(answer["reused"].as_u64() > Some(0), "what was made before stays: {answer}");
    assert_eq!(pictures(&studio.library().join(FILM)).len() as u64, answer["length_ms"].as_u64().unwrap() * 12 / 1000);
}

#[test]
fn a_task_of_a_running_studio_is_cancelled_and_tried_again() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", long_play());
    begun(&studio, &play).cut();
    let service = Service::start(&studio);
    until("the service to go on with it", || at_work(&studio, LONG_SHOT).then_some(()));
    let task = |slot: &str| Book::read(&studio).tasks.into_iter().find(|task| task.slot == slot).unwrap();
    let id = task(LONG_SHOT).id.to_string();
    studio.run(["cancel", &id]).ended(0);
    until("the rest to end", || Book::read(&studio).tasks.iter().all(|task| task.state.is_final()).then_some(()));
    assert_eq!(task(LONG_SHOT).state, TaskState::Cancelled);
    assert_eq!(task("film").state, TaskState::Cancelled, "a film cannot do without a shot");
    no_film(&studio);
    let said = studio.run(["cancel", &id]).ended(2);
    assert!(said.err.contains("cancelled already"), "{said:?}");

    studio.run(["retry", &id]).ended(0);
    until("the film", || (task("library").state == TaskState::Succeeded).then_some(()));
    assert!(!pictures(&studio.library().join(FILM)).is_empty());
    let said = studio.run(["retry", &id]).ended(1);
    assert!(said.err.contains("has not failed"), "{said:?}");
    service.stop();
}

#[test]
fn without_a_running_studio_a_cancelled_task_stays_so_until_it_is_tried_again() {
    let studio = Studio::new();
    let play = studio.write("play.fountain", long_play());
    begun(&studio, &play).cut();
    let id = Book::read(&studio).tasks.iter().find(|task| task.slot == "film").unwrap().id.to_string();
    studio.run(["cancel", &id[id.len() - 8..]]).ended(0);
    let state = |slot: &str| Book::read(&studio).tasks.iter().find(|task| task.slot == slot).unwrap().state;
    for slot in ["film", "library"] {
        assert_eq!(state(slot), TaskState::Cancelled, "{slot} cannot do without the film");
    }
    assert_eq!(state(LONG_SHOT), TaskState::Waiting, "nobody stopped the shot");
    let service = Service::start(&studio);
    until("the rest to end", || Book::read(&studio).tasks.iter().all(|task| task.state.is_final()).then_some(()));
    assert_eq!((state(LONG_SHOT), state("film")), (TaskState::Succeeded, TaskState::Cancelled));
    no_film(&studio);
    service.stop();
    let answer = studio.run(["--json", "retry", &id]).ended(0).json();
    assert_eq!(answer["path"].as_str(), studio.library().join(FILM).to_str());
    assert!(!pictures(&studio.library().join(FILM)).is_empty());
}
