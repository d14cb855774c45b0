//! Work is cancelled, and the studio stops in the middle of it.

use studio_core::{
    episode::EpisodeState,
    order::Order,
    task::{AttemptState, TaskState},
};
use studiod::{
    conductor::{Error, Refusal},
    store,
    upkeep::Tidied,
};

use crate::{
    engines::{Act, Asked},
    plans::{TWO_ROOMS, produce},
    studio::Studio,
};

const KETTLE: &str = "scene 1/shot 1/clip/take 1";

/// A studio where the kettle's clip hangs and everything else that can be made is made.
async fn hanging() -> (Studio, studio_core::ids::EpisodeId) {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Clip(clip) if clip.description.contains("kettle") => Act::Hang,
        _ => Act::Make,
    });
    let id = studio.begin(TWO_ROOMS).await;
    studio.until_only(KETTLE, &["scene 1/shot 2/master", "sound", "scene 2/film"]).await;
    (studio, id)
}

#[tokio::test]
async fn a_cancelled_task_takes_along_whatever_cannot_do_without_it() {
    let (mut studio, id) = hanging().await;
    let task = studio.task(id, KETTLE).await.id;
    studio.handle.cancel(task).await.unwrap();
    assert!(studio.end().await.0);
    assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Cancelled]);
    for slot in [KETTLE, "scene 1/shot 1/master", "scene 1/film", "film", "library"] {
        assert_eq!(studio.task(id, slot).await.state, TaskState::Cancelled, "{slot}");
    }
    for slot in ["scene 1/shot 2/master", "scene 1/mix", "scene 2/film", "sound"] {
        assert_eq!(studio.task(id, slot).await.state, TaskState::Succeeded, "{slot}");
    }
    assert_eq!(studio.episode(id).await.state, EpisodeState::Failed);
    studio.assert_settled().await;

    let refused = studio.handle.cancel(task).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::TaskNotOpen { task: over })) if over == task), "{refused:?}");
    studio.stage.rule(|_: &Asked| Act::Make);
    studio.handle.retry(task).await.unwrap();
    assert!(!studio.end().await.0);
    assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Cancelled, AttemptState::Succeeded]);
    let refused = studio.handle.retry(task).await;
    assert!(matches!(refused, Err(Error::Refused(Refusal::TaskNotFailed { .. }))), "{refused:?}");
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_cancelled_episode_leaves_nothing_under_way() {
    let (mut studio, id) = hanging().await;
    studio.handle.cancel_episode(id).await.unwrap();
    assert!(studio.end().await.0);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Failed);
    let tasks = studio.tasks(id).await;
    let open: Vec<_> = tasks.values().filter(|task| !task.state.is_final()).collect();
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(tasks["film"].state, TaskState::Cancelled);
    assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Cancelled]);
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_stop_that_is_kept_holds_although_the_studio_is_cut_off_before_every_task_says_so() {
    let (mut studio, id) = hanging().await;
    studio.power_cut().await;
    let db = &studio.context.db;
    assert_eq!(store::episodes::stopping(db).await.unwrap(), []);
    let mut tx = db.begin().await.unwrap();
    store::episodes::set_stopping(&mut tx, id, true).await.unwrap();
    tx.commit().await.unwrap();
    let runs = studio.stage.runs().len();
    studio.stage.rule(|_: &Asked| Act::Make);
    studio.start_again().await;
    assert!(studio.end().await.0, "it has come to nothing");
    assert_eq!(studio.stage.runs().len(), runs, "nothing of it goes on");
    let tasks = studio.tasks(id).await;
    let open: Vec<_> = tasks.values().filter(|task| !task.state.is_final()).collect();
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(tasks["film"].state, TaskState::Cancelled);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Failed);
    assert_eq!(store::episodes::stopping(&studio.context.db).await.unwrap(), []);
    studio.assert_settled().await;
    // A person who wants it after all has it made.
    studio.handle.retry(tasks["film"].id).await.unwrap();
    assert!(!studio.end().await.0);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);
    studio.assert_settled().await;
}

#[tokio::test]
async fn an_episode_in_the_making_is_not_made_a_second_time() {
    let (mut studio, id) = hanging().await;
    let refused = studio.handle.produce(produce(TWO_ROOMS)).await;
    assert!(
        matches!(&refused, Err(Error::Refused(Refusal::BeingMade { title, .. })) if title == "Two Rooms"),
        "{refused:?}"
    );
    studio.stage.release();
    assert!(!studio.end().await.0);
    assert_eq!(studio.attempts(id, KETTLE).await.len(), 1, "the first request is not disturbed");
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_stopped_studio_goes_on_where_it_was() {
    let (mut studio, id) = hanging().await;
    studio.stop().await;
    assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Cancelled]);
    studio.assert_settled().await;
    assert_eq!(studio.episode(id).await.state, EpisodeState::Producing);
    assert!(matches!(studio.handle.why(studio.task(id, KETTLE).await.id).await, Err(Error::Stopped)));

    studio.stage.rule(|_: &Asked| Act::Make);
    studio.start_again().await;
    assert!(!studio.end().await.0);
    assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Cancelled, AttemptState::Succeeded]);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);
    studio.assert_settled().await;
}

#[tokio::test]
async fn after_a_power_cut_only_what_ran_is_made_again() {
    let (mut studio, id) = hanging().await;
    studio.power_cut().await;
    assert_eq!(store::attempts::running(&studio.context.db).await.unwrap().len(), 1, "nobody settled it");
    let runs = studio.stage.runs();
    studio.stage.rule(|_: &Asked| Act::Make);
    studio.start_again().await;
    assert!(!studio.end().await.0);
    assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Lost, AttemptState::Succeeded]);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);
    let kettle = |order: &Order| matches!(order, Order::Clip(clip) if clip.description.contains("kettle"));
    let again: Vec<Order> = studio.stage.runs().split_off(runs.len());
    assert_eq!(again.iter().filter(|order| kettle(order)).count(), 1);
    assert!(again.iter().all(|order| kettle(order) || !runs.contains(order)), "{again:#?}");
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_an_engine_finished_while_nobody_listened_is_kept() {
    let (mut studio, id) = hanging().await;
    studio.power_cut().await;
    studio.stage.remember();
    studio.start_again().await;
    assert!(!studio.end().await.0);
    assert_eq!(studio.ends(id, KETTLE).await, [AttemptState::Succeeded], "it was not made again");
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_film_that_was_not_published_yet_is_published_at_the_next_start() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Artwork(_) => Act::Hang,
        _ => Act::Make,
    });
    let id = studio.begin(TWO_ROOMS).await;
    studio.until_only("artwork", &[]).await;
    studio.power_cut().await;
    assert_eq!(studio.episode(id).await.state, EpisodeState::Assembled);
    studio.stage.rule(|_: &Asked| Act::Make);
    studio.start_again().await;
    assert!(!studio.end().await.0);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);
    studio.assert_settled().await;
}

#[tokio::test]
async fn tidying_while_an_episode_is_laid_out_again_keeps_what_it_is_about_to_find() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    studio.stop().await;
    let nothing = Tidied::default();
    assert_eq!(studio.tidy(true).await.unwrap(), nothing);
    let mut tx = studio.context.db.begin().await.unwrap();
    for task in studio.tasks(id).await.into_values() {
        store::tasks::again(&mut tx, task.id, "asked for again", task.updated).await.unwrap();
    }
    tx.commit().await.unwrap();
    assert_eq!(studio.tidy(false).await.unwrap(), nothing);
}

#[tokio::test]
async fn the_users_own_recordings_stay_and_small_pictures_go_with_their_files() {
    let mut studio = Studio::open().await;
    let keep = async |name: &str| {
        let path = studio.context.data.work().join(name);
        std::fs::write(&path, name).unwrap();
        let (file, bytes) = studiod::files::adopt(&studio.context.data.assets(), &path).unwrap();
        let (created, inputs) = (studio_core::units::Millis(-1), Vec::new());
        let facts = studio_core::media::MediaFacts::Other;
        let asset = store::assets::Asset {
            file: file.clone(),
            bytes,
            facts,
            attempt_id: None,
            inputs,
            created,
            missing: false,
        };
        let mut tx = studio.context.db.begin().await.unwrap();
        store::assets::insert(&mut tx, &asset).await.unwrap();
        tx.commit().await.unwrap();
        file
    };
    let (sample, other) = (keep("anna.wav").await, keep("nobody.png").await);
    let mut wanted = crate::plans::produce(TWO_ROOMS);
    wanted.production.cast.samples = [("anna".to_owned(), sample.clone())].into();
    studio.handle.produce(wanted).await.unwrap();
    studio.end().await;
    let thumbs = studio.context.data.thumbs();
    std::fs::create_dir_all(&thumbs).unwrap();
    for file in [&sample, &other] {
        std::fs::write(thumbs.join(format!("{}-320.jpg", file.hash)), "small").unwrap();
    }
    assert_eq!(studio.tidy(false).await.unwrap().files, 1);
    let there = |file| studio_engine::asset_path(&studio.context.data.assets(), file).exists();
    assert_eq!((there(&sample), there(&other)), (true, false));
    let left: Vec<_> = std::fs::read_dir(&thumbs).unwrap().map(|one| one.unwrap().file_name()).collect();
    assert_eq!(left, [std::ffi::OsString::from(format!("{}-320.jpg", sample.hash))]);
}

#[tokio::test]
async fn a_task_of_an_episode_nobody_makes_takes_along_the_same() {
    let (mut studio, id) = hanging().await;
    studio.stop().await;
    studio.start_idle().await;
    let (runs, before) = (studio.stage.runs().len(), studio.tasks(id).await);
    let task = before[KETTLE].id;
    studio.handle.cancel(task).await.unwrap();
    assert!(studio.end().await.0, "nothing of it is left to be made, and that is told");
    let after = studio.tasks(id).await;
    for slot in [KETTLE, "scene 1/shot 1/master", "scene 1/film", "film", "library"] {
        assert_eq!(after[slot].state, TaskState::Cancelled, "{slot}");
    }
    for slot in ["scene 1/shot 2/master", "scene 1/mix", "scene 2/film", "sound"] {
        assert_eq!(after[slot], before[slot], "{slot} is as it was");
    }
    assert_eq!(studio.stage.runs().len(), runs, "nothing was made for that");
    assert_eq!(studio.episode(id).await.state, EpisodeState::Failed);
    let told = store::events::since(&studio.context.db, 0, 1000).await.unwrap();
    let cancelled: Vec<_> =
        told.iter().filter(|event| event.kind == "task.cancelled").map(|event| &event.subject).collect();
    assert!(
        cancelled.contains(&&task.to_string()) && cancelled.contains(&&after["library"].id.to_string()),
        "{told:?}"
    );
    let refused = studio.handle.cancel(task).await;
    assert!(matches!(refused, Err(Error::Refused(_))), "it is over: {refused:?}");
    studio.assert_settled().await;

    studio.stage.rule(|_: &Asked| Act::Make);
    studio.handle.retry(task).await.unwrap();
    assert!(!studio.end().await.0);
    assert_eq!(studio.episode(id).await.state, EpisodeState::Published);
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_a_person_stopped_stays_so_when_the_studio_starts_again() {
    let (mut studio, id) = hanging().await;
    studio.stop().await;
    studio.start_idle().await;
    studio.handle.cancel(studio.task(id, "film").await.id).await.unwrap();
    assert_eq!(studio.task(id, KETTLE).await.state, TaskState::Waiting, "nobody stopped that");
    assert_eq!(studio.episode(id).await.state, EpisodeState::Producing);
    studio.stop().await;

    studio.stage.rule(|_: &Asked| Act::Make);
    let films =
        |studio: &Studio| studio.stage.runs().iter().filter(|order| matches!(order, Order::JoinEpisode(_))).count();
    let before = films(&studio);
    studio.start_again().await;
    assert!(studio.end().await.0);
    for (slot, state) in [
        (KETTLE, TaskState::Succeeded),
        ("scene 1/film", TaskState::Succeeded),
        ("film", TaskState::Cancelled),
        ("library", TaskState::Cancelled),
    ] {
        assert_eq!(studio.task(id, slot).await.state, state, "{slot}");
    }
    assert_eq!(films(&studio), before, "not for a moment");
    assert_eq!(studio.episode(id).await.state, EpisodeState::Failed);
    studio.assert_settled().await;
}
