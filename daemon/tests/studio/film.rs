//! A film is made, and nothing of it is made twice.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    episode::EpisodeState,
    order::{Order, Role},
    production::{Job, plan_jobs},
    scene::SceneState,
    shot::ShotState,
    task::TaskState,
    units::{Score, Steps},
};
use studiod::{
    events::{StudioEvent, TaskUpdate},
    forecast::dry_run,
    store,
};

use crate::{
    plans::{TWICE, TWO_ROOMS, produce},
    studio::Studio,
};

#[tokio::test]
async fn a_film_is_made_and_everything_about_it_is_known() {
    let mut studio = Studio::open().await;
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(!failed);
    let tasks = studio.tasks(id).await;
    assert!(tasks.values().all(|task| task.state == TaskState::Succeeded && task.outputs.is_some()), "{tasks:#?}");
    assert_eq!(tasks.len(), plan_jobs(&produce(TWO_ROOMS).production).len());

    let episode = studio.episode(id).await;
    let made = |slot: &str, role| tasks[slot].outputs.as_ref().unwrap().first(role).map(|file| file.asset.hash);
    assert_eq!((episode.state, episode.remarks.len()), (EpisodeState::Published, 0));
    assert_eq!(episode.film, made("film", Role::Video));
    assert_eq!(episode.thumbnail, made("artwork", Role::Thumb));
    assert_eq!(episode.published.as_deref(), Some("Show/film.mp4"));

    for scene in store::scenes::of_episode(&studio.context.db, id).await.unwrap() {
        assert_eq!(scene.state, SceneState::Completed, "scene {}", scene.number);
        assert_eq!(scene.film, made(&format!("scene {}/film", scene.number), Role::Video));
        assert_eq!(scene.actual_frames, Some(48));
    }
    let shots = studio.shots(id).await;
    assert_eq!(shots.len(), 3);
    for (shot, place) in shots.iter().zip(["scene 1/shot 1", "scene 1/shot 2", "scene 2/shot 1"]) {
        assert_eq!(shot.state, ShotState::Completed, "{place}");
        assert_eq!((shot.score, shot.steps), (Some(Score::from_percent(90)), Some(Steps(25))), "{place}");
        assert_eq!(shot.clip, made(&format!("{place}/clip/take 1"), Role::Video), "{place}");
        assert_eq!(shot.still, made(&format!("{place}/still/take 1"), Role::Picture), "{place}");
        assert_eq!(shot.master, made(&format!("{place}/master"), Role::Video), "{place}");
        assert_eq!(shot.last_frame, made(&format!("{place}/master"), Role::LastFrame), "{place}");
    }
    studio.assert_settled().await;
}

/// Where each path was first told to stand like that.
fn told(all: &[StudioEvent], stands: fn(&TaskUpdate) -> bool) -> BTreeMap<String, usize> {
    let mut places = BTreeMap::new();
    for (place, happened) in all.iter().enumerate() {
        if let StudioEvent::Task { job, now, .. } = happened
            && stands(now)
        {
            places.entry(job.path()).or_insert(place);
        }
    }
    places
}

#[tokio::test]
async fn nothing_starts_before_what_it_needs_is_made() {
    let mut studio = Studio::open().await;
    let (_, _, all) = studio.film(TWO_ROOMS).await;
    let planned = plan_jobs(&produce(TWO_ROOMS).production);
    let jobs: Vec<Job> = planned.iter().map(|one| one.job).collect();
    assert!(matches!(&all[0], StudioEvent::LaidOut { jobs: told, .. } if *told == jobs), "{:?}", all[0]);

    let started = told(&all, |now| matches!(now, TaskUpdate::Running(_)));
    let made = told(&all, |now| *now == TaskUpdate::Made);
    assert_eq!(made.len(), planned.len(), "everything is told to be made");
    for one in &planned {
        // A gate is decided at once, so it is only told to be made.
        let begun = started.get(&one.job.path()).unwrap_or(&made[&one.job.path()]);
        for need in &one.needs {
            assert!(made[&need.job.path()] < *begun, "{} began before {} was made", one.job, need.job);
        }
    }
}

#[tokio::test]
async fn an_unchanged_script_makes_nothing_again() {
    let mut studio = Studio::open().await;
    let (first, ..) = studio.film(TWO_ROOMS).await;
    let runs = studio.stage.runs().len();
    let shots = studio.shots(first).await;
    for afresh in [false, true] {
        if afresh {
            studio.stop().await;
            studio.start_again().await;
        }
        let (again, failed, all) = studio.film(TWO_ROOMS).await;
        assert_eq!((again, failed, studio.stage.runs().len()), (first, false, runs));
        let reused = told(&all, |now| *now == TaskUpdate::Reused).len();
        let decided = told(&all, |now| *now == TaskUpdate::Made);
        assert!(decided.keys().all(|slot| slot.ends_with("/still") || slot.ends_with("/clip")), "{decided:?}");
        assert_eq!(reused + decided.len(), studio.tasks(first).await.len());
        assert_eq!(studio.episode(first).await.state, EpisodeState::Published);
        assert_eq!(studio.shots(first).await, shots);
        studio.assert_settled().await;
    }
}

#[tokio::test]
async fn a_changed_line_makes_only_what_depends_on_it() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let before = studio.stage.runs().len();
    let (again, failed, _) = studio.film(&TWO_ROOMS.replace("At last.", "At once.")).await;
    assert_eq!((again, failed), (id, false));
    let runs = studio.stage.runs();
    let kinds: Vec<&str> = runs[before..]
        .iter()
        .map(|order| match order {
            Order::Voice(_) => "voice",
            Order::MixScene(_) => "mix",
            Order::JoinScene(_) => "scene",
            Order::Master(_) => "sound",
            Order::JoinEpisode(_) => "film",
            Order::Artwork(_) => "artwork",
            Order::Publish(_) => "library",
            other => panic!("{other:?} does not depend on the line"),
        })
        .collect();
    assert_eq!(kinds.len(), 7, "{kinds:?}");
    assert_eq!(studio.attempts(id, "scene 1/film").await.len(), 1);
    assert_eq!(studio.attempts(id, "scene 2/film").await.len(), 2);
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_scene_taken_out_of_the_script_is_gone_from_the_film() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let (kitchen, _) = TWO_ROOMS.split_once("EXT. GARDEN").unwrap();
    let (again, failed, _) = studio.film(kitchen).await;
    assert_eq!((again, failed, studio.shots(id).await.len()), (id, false, 2));
    let runs = studio.stage.runs();
    let film = runs.iter().rev().find_map(|order| match order {
        Order::JoinEpisode(film) => Some(film.parts.len()),
        _ => None,
    });
    assert_eq!(film, Some(1));
    studio.assert_settled().await;
}

#[tokio::test]
async fn equal_orders_are_carried_out_once() {
    let mut studio = Studio::open().await;
    let (id, failed, all) = studio.film(TWICE).await;
    assert!(!failed);
    let spoken = studio.stage.runs().iter().filter(|order| matches!(order, Order::Voice(_))).count();
    assert_eq!(spoken, 1, "the same words by the same voice");
    let lines = ["scene 1/shot 1/line 1", "scene 1/shot 2/line 1"];
    let reused = told(&all, |now| *now == TaskUpdate::Reused);
    assert_eq!(lines.iter().filter(|slot| reused.contains_key(**slot)).count(), 1);
    let outputs = [studio.task(id, lines[0]).await.outputs, studio.task(id, lines[1]).await.outputs];
    assert!(outputs[0].is_some() && outputs[0] == outputs[1]);
    studio.assert_settled().await;
}

/// Paths of what a production would make, without making them.
async fn foreseen(studio: &Studio, text: &str) -> BTreeSet<String> {
    let run = dry_run(&studio.context, &produce(text).production).await.unwrap();
    run.jobs.into_iter().filter(|job| job.make).map(|job| job.job.path()).collect()
}

#[tokio::test]
async fn what_would_be_made_is_foreseen() {
    let mut studio = Studio::open().await;
    let all: BTreeSet<String> =
        plan_jobs(&produce(TWO_ROOMS).production).into_iter().map(|one| one.job.path()).collect();
    assert_eq!(foreseen(&studio, TWO_ROOMS).await, all);
    assert_eq!(studio.stage.runs().len(), 0, "looking makes nothing");
    studio.film(TWO_ROOMS).await;
    assert_eq!(foreseen(&studio, TWO_ROOMS).await, BTreeSet::new());

    let changed = TWO_ROOMS.replace("At last.", "At once.");
    let expected = foreseen(&studio, &changed).await;
    let (_, _, told_all) = studio.film(&changed).await;
    let running = told(&told_all, |now| matches!(now, TaskUpdate::Running(_)));
    assert_eq!(running.into_keys().collect::<BTreeSet<_>>(), expected);
}
