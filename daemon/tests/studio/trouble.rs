//! Engines fail, break down and lose their inputs.

use studio_core::{
    episode::EpisodeState,
    ids::EpisodeId,
    order::{Order, Role},
    task::{AttemptState, TaskState},
};
use studio_engine::{FailureKind, asset_path};
use studiod::{
    conductor::{Error, Refusal},
    events::{StudioEvent, TaskUpdate},
    store::{self, Db},
};

use crate::{
    engines::{Act, Asked},
    plans::{TWICE, TWO_ROOMS},
    studio::Studio,
};

const KETTLE: &str = "scene 1/shot 1/clip/take 1";

/// The kettle's clip gets this the first `times` times; everything else is made.
fn kettle(studio: &Studio, times: usize, act: Act) {
    studio.stage.rule(move |asked: &Asked| match asked.order {
        Order::Clip(clip) if clip.description.contains("kettle") && asked.times <= times => act,
        _ => Act::Make,
    });
}

fn requeued(now: &TaskUpdate) -> bool {
    matches!(now, TaskUpdate::Requeued(_))
}

#[tokio::test]
async fn without_voices_there_is_a_film_that_says_so() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Voice(_) => Act::Fail(FailureKind::Refused),
        _ => Act::Make,
    });
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(!failed);
    let episode = studio.episode(id).await;
    assert_eq!(episode.state, EpisodeState::Published);
    for said in ["scene 1/shot 2/line 1 could not be made: voice said no", "no voice for scene 2/shot 1/line 1"] {
        assert!(episode.remarks.iter().any(|remark| remark == said), "'{said}' is not in {:?}", episode.remarks);
    }
    assert_eq!(studio.slots(id, TaskState::Failed).await, ["scene 1/shot 2/line 1", "scene 2/shot 1/line 1"]);
    assert_eq!(studio.ends(id, "scene 1/shot 2/line 1").await, [AttemptState::Failed], "no is no");
    studio.assert_settled().await;
}

#[tokio::test]
async fn without_music_and_sound_there_is_a_film_that_says_so() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Music(_) | Order::Master(_) => Act::Fail(FailureKind::Refused),
        _ => Act::Make,
    });
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(!failed);
    let remarks = studio.episode(id).await.remarks;
    for said in ["no music in scene 1", "no music in scene 2", "the film has no sound"] {
        assert!(remarks.iter().any(|remark| remark == said), "'{said}' is not in {remarks:?}");
    }
}

#[tokio::test]
async fn without_a_picture_there_is_no_film_and_the_tasks_say_why() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Still(still) if still.description.contains("kettle") => Act::Fail(FailureKind::Refused),
        _ => Act::Make,
    });
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(failed);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Failed);
    assert_eq!(studio.task(id, "scene 1/shot 1/still/take 1").await.reason, "stills said no");
    for slot in ["scene 1/shot 1/clip/take 1", "scene 1/film", "film", "library"] {
        let task = studio.task(id, slot).await;
        assert_eq!(task.state, TaskState::Failed, "{slot}");
        assert!(task.reason.ends_with("stills said no"), "{slot}: {}", task.reason);
    }
    assert_eq!(studio.task(id, "scene 2/film").await.state, TaskState::Succeeded, "what can be made is made");
    studio.assert_settled().await;

    studio.stage.rule(|_: &Asked| Act::Make);
    studio.handle.retry(studio.task(id, "film").await.id).await.unwrap();
    let (failed, _) = studio.end().await;
    assert_eq!((failed, studio.episode(id).await.state), (false, EpisodeState::Published));
    assert_eq!(studio.attempts(id, "scene 2/film").await.len(), 1, "what was there stayed");
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_passing_failure_is_tried_again_after_a_pause() {
    for kind in [FailureKind::Transient, FailureKind::OutOfMemory] {
        let mut studio = Studio::open().await;
        kettle(&studio, 1, Act::Fail(kind));
        let id = studio.begin(TWO_ROOMS).await;
        studio.until_task(KETTLE, requeued).await;
        studio.later(1999).await;
        let task = studio.task(id, KETTLE).await;
        assert_eq!((task.state, task.strikes, task.not_before.0), (TaskState::Waiting, 1, 2000), "{kind:?}");
        let why = studio.handle.why(task.id).await.unwrap();
        assert_eq!(why.map(|why| why.to_string()).as_deref(), Some("failed 1 times, pauses before the next attempt"));
        assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Failed], "not yet");

        studio.later(1).await;
        assert!(!studio.end().await.0);
        assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Failed, AttemptState::Succeeded]);
        studio.assert_settled().await;
    }
}

#[tokio::test]
async fn three_failures_are_enough() {
    let mut studio = Studio::open().await;
    kettle(&studio, usize::MAX, Act::Fail(FailureKind::Transient));
    let id = studio.begin(TWO_ROOMS).await;
    for pause in [2000, 8000] {
        studio.until_task(KETTLE, requeued).await;
        studio.later(pause).await;
    }
    assert!(studio.end().await.0);
    assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Failed; 3]);
    let task = studio.task(id, KETTLE).await;
    assert_eq!((task.state, task.reason.as_str()), (TaskState::Failed, "clips said no"));
    assert_eq!(studio.episode(id).await.state, EpisodeState::Failed);
    studio.assert_settled().await;
}

#[tokio::test]
async fn an_engine_that_breaks_down_costs_one_attempt_and_leaves_nothing() {
    let mut studio = Studio::open().await;
    kettle(&studio, 1, Act::Panic);
    let id = studio.begin(TWO_ROOMS).await;
    studio.until_task(KETTLE, requeued).await;
    studio.later(2000).await;
    assert!(!studio.end().await.0);
    assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Failed, AttemptState::Succeeded]);
    let first = studio.attempts(id, KETTLE).await.swap_remove(0);
    assert!(first.error.as_ref().is_some_and(|error| error.contains("broke down")), "{:?}", first.error);
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_full_disk_is_nobodys_fault_and_passes() {
    let mut studio = Studio::open().await;
    // More often than a task may fail.
    kettle(&studio, 5, Act::Fail(FailureKind::DiskFull));
    let id = studio.begin(TWO_ROOMS).await;
    for _ in 0..5 {
        studio.until_task(KETTLE, requeued).await;
        assert_eq!(studio.task(id, KETTLE).await.strikes, 0);
        studio.later(60_000).await;
    }
    assert!(!studio.end().await.0);
    assert_eq!(studio.attempts(id, KETTLE).await.len(), 6);
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_forgotten_attempt_is_made_again_at_once() {
    let mut studio = Studio::open().await;
    kettle(&studio, 1, Act::Fail(FailureKind::Lost));
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(!failed);
    let task = studio.task(id, KETTLE).await;
    assert_eq!((task.strikes, studio.attempts(id, KETTLE).await.len()), (0, 2));
}

/// The master and the clip it was made of are deleted while the scene waits to be joined.
#[tokio::test]
async fn inputs_deleted_meanwhile_are_made_again() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::JoinScene(_) => Act::Hang,
        _ => Act::Make,
    });
    let id = studio.begin(TWO_ROOMS).await;
    studio.until_task("scene 1/film", |now| *now == TaskUpdate::Running(0.5)).await;
    let assets = studio.context.data.assets();
    for slot in [KETTLE, "scene 1/shot 1/master"] {
        let outputs = studio.task(id, slot).await.outputs.expect("it is made");
        let file = outputs.first(Role::Video).expect("a film").asset.clone();
        std::fs::remove_file(asset_path(&assets, &file)).unwrap();
    }
    studio.stage.release();
    assert!(!studio.end().await.0);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);
    assert_eq!(studio.ends(id, "scene 1/film").await, [AttemptState::Failed, AttemptState::Succeeded]);
    assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Succeeded; 2]);
    assert_eq!(studio.attempts(id, "scene 1/shot 2/clip/take 1").await.len(), 1, "and nothing else");
    studio.assert_settled().await;
}

/// A film of gigabytes on a slow disk is read for as long as that takes; here it is a pipe nobody writes to yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_loop_answers_while_a_large_input_is_read() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::JoinScene(_) => Act::Hang,
        _ => Act::Make,
    });
    let id = studio.begin(TWO_ROOMS).await;
    studio.until_task("scene 1/film", |now| *now == TaskUpdate::Running(0.5)).await;
    let (masters, mut paths) = (["scene 1/shot 1/master", "scene 1/shot 2/master"], Vec::new());
    for slot in masters {
        let outputs = studio.task(id, slot).await.outputs.expect("it is made");
        let file = outputs.first(Role::Video).expect("a film").asset.clone();
        paths.push(asset_path(&studio.context.data.assets(), &file));
    }
    for path in &paths {
        std::fs::remove_file(path).unwrap();
    }
    // The first is gone, which the engine says; the second is whatever comes out of the pipe.
    rustix::fs::mknodat(rustix::fs::CWD, &paths[1], rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0).unwrap();
    studio.stage.release();
    let pipe = paths[1].clone();
    let opened = tokio::task::spawn_blocking(move || std::fs::OpenOptions::new().write(true).open(pipe));
    let mut pipe = opened.await.unwrap().expect("somebody reads it");
    let answer = tokio::time::timeout(std::time::Duration::from_secs(30), studio.handle.view()).await;
    let view = answer.expect("the loop answers").unwrap();
    drop(view);
    assert_eq!(studio.task(id, "scene 1/film").await.state, TaskState::Running, "it is not over yet");
    std::io::Write::write_all(&mut pipe, b"not what it was").unwrap();
    drop(pipe);
    assert!(!studio.end().await.0);
    assert_eq!(studio.ends(id, "scene 1/film").await, [AttemptState::Failed, AttemptState::Succeeded]);
    for slot in masters {
        assert_eq!(studio.ends(id, slot).await, [AttemptState::Succeeded; 2], "{slot}");
    }
    studio.assert_settled().await;
}

/// One scene's mix is deleted while both the scene and the film's sound are about to use it.
#[tokio::test]
async fn an_input_two_tasks_miss_is_made_again_once() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::JoinScene(join) if join.parts.len() == 2 => Act::Hang,
        Order::Master(_) => Act::Hang,
        _ => Act::Make,
    });
    let id = studio.begin(TWO_ROOMS).await;
    let mut open = 2;
    studio
        .until(|happened| {
            let waits = ["scene 1/film", "sound"];
            if let StudioEvent::Task { job, now: TaskUpdate::Running(0.5), .. } = happened {
                open -= usize::from(waits.contains(&job.path().as_str()));
            }
            open == 0
        })
        .await;
    let outputs = studio.task(id, "scene 1/mix").await.outputs.expect("it is made");
    let mix = outputs.first(Role::Sound).expect("a sound").asset.clone();
    std::fs::remove_file(asset_path(&studio.context.data.assets(), &mix)).unwrap();
    studio.stage.release();
    assert!(!studio.end().await.0);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);
    assert_eq!(studio.ends(id, "scene 1/mix").await, [AttemptState::Succeeded; 2]);
    studio.assert_settled().await;
}

/// An engine that blames its inputs although they are whole is not believed for ever.
#[tokio::test]
async fn whole_inputs_are_no_excuse() {
    let mut studio = Studio::open().await;
    kettle(&studio, usize::MAX, Act::Fail(FailureKind::BadInput));
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(failed);
    assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Failed]);
    assert_eq!(studio.task(id, KETTLE).await.state, TaskState::Failed);
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_kept_file_deleted_between_two_runs_is_made_again() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    let runs = studio.stage.runs().len();
    let film = studio.task(id, "film").await.outputs.unwrap().first(Role::Video).unwrap().asset.clone();
    std::fs::remove_file(asset_path(&studio.context.data.assets(), &film)).unwrap();
    let (_, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(!failed);
    let again = studio.stage.runs().split_off(runs);
    assert!(matches!(&again[..], [Order::JoinEpisode(_)]), "{again:?}");
    studio.assert_settled().await;
}

/// Its film is there already and plays, while pictures and the library are still being made.
#[tokio::test]
async fn a_project_is_not_removed_before_its_last_task_is_over() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Artwork(_) => Act::Hang,
        _ => Act::Make,
    });
    let id = studio.begin(TWO_ROOMS).await;
    studio.until_task("film", |now| matches!(now, TaskUpdate::Made)).await;
    let episode = studio.episode(id).await;
    assert_eq!(episode.state, EpisodeState::Assembled);
    let refused = studio.handle.remove_project(episode.project_id).await;
    assert!(matches!(&refused, Err(Error::Refused(Refusal::BeingMade { .. }))), "{refused:?}");
    studio.handle.cancel_episode(id).await.unwrap();
    studio.end().await;
    studio.handle.remove_project(episode.project_id).await.unwrap();
    let gone = store::episodes::get(&studio.context.db, id).await;
    assert!(matches!(gone, Err(store::Error::NotFound { .. })), "{gone:?}");
    studio.assert_settled().await;
}

/// A studio with an episode whose kettle is being made, and will be for ever.
async fn at_the_kettle() -> (Studio, EpisodeId) {
    let mut studio = Studio::open().await;
    kettle(&studio, usize::MAX, Act::Hang);
    let episode = studio.begin(TWO_ROOMS).await;
    studio.until_task(KETTLE, |now| matches!(now, TaskUpdate::Running(_))).await;
    (studio, episode)
}

#[tokio::test]
async fn an_episode_whose_rows_are_gone_ends_alone() {
    let (mut studio, lost) = at_the_kettle().await;
    studio.stop().await;
    studio.start_again().await;
    studio.until_task(KETTLE, |now| matches!(now, TaskUpdate::Running(_))).await;

    // Nobody who goes through the studio can do that.
    let mut tx = studio.context.db.begin().await.unwrap();
    let project = studio.episode(lost).await.project_id;
    store::projects::remove(&mut tx, project).await.unwrap();
    tx.commit().await.unwrap();
    let other = studio.begin(TWICE).await;
    studio.handle.cancel_episode(lost).await.unwrap();
    let ended = |happened: &StudioEvent| matches!(happened, StudioEvent::Ended { episode, .. } if *episode == other);
    studio.until(ended).await;
    assert_eq!(studio.episode(other).await.state, EpisodeState::Published);
    studio.handle.view().await.expect("the loop goes on");
    studio.assert_settled().await;
}

#[tokio::test]
async fn an_episode_that_cannot_be_gone_on_with_says_so_and_the_others_are_made() {
    let (mut studio, lost) = at_the_kettle().await;
    let other = studio.begin(TWICE).await;
    studio.power_cut().await;

    // A plan from before, or from a bad disk.
    let Db::Sqlite(pool) = &studio.context.db else { unreachable!() };
    let broken = "update productions set plan = '{\"script\": 7}' where episode_id = $1";
    sqlx::query(broken).bind(lost.to_string()).execute(pool).await.unwrap();
    studio.start_again().await;
    let ended = |happened: &StudioEvent| matches!(happened, StudioEvent::Ended { episode, .. } if *episode == other);
    studio.until(ended).await;
    let episode = studio.episode(lost).await;
    assert_eq!(episode.state, EpisodeState::Failed);
    let [remark] = &episode.remarks[..] else { panic!("{:?}", episode.remarks) };
    assert!(remark.contains("could not go on") && remark.contains("productions"), "{remark}");
    assert!(studio.tasks(lost).await.values().all(|task| task.state.is_final()));
    assert_eq!(studio.episode(other).await.state, EpisodeState::Published);
    let said = store::check::invariants(&studio.context.db).await.unwrap();
    assert!(said.len() == 1 && said[0].contains("column plan of productions"), "the row, and nothing else: {said:?}");
}
