//! A person takes the work into their own hands.

use studio_core::{
    journal::DecisionKind,
    order::{Order, Role},
    shot::ShotState,
    take::Subject,
    units::{Frames, Score},
};
use studiod::{conductor::OverrideAction, store};

use crate::{
    engines::{Act, Asked},
    plans::TWO_ROOMS,
    studio::Studio,
};

const CLIP: &str = "scene 1/shot 1/clip";
const TAKE: &str = "scene 1/shot 1/clip/take 1";

async fn clip_of(studio: &Studio, id: studio_core::ids::EpisodeId, slot: &str) -> studio_core::ids::ContentHash {
    studio.task(id, slot).await.outputs.unwrap().first(Role::Video).unwrap().asset.hash
}

#[tokio::test]
async fn another_take_is_made_and_the_old_one_can_be_locked() {
    let mut studio = Studio::open().await;
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(!failed);
    let (first, runs) = (clip_of(&studio, id, TAKE).await, studio.stage.runs().len());

    studio.handle.hand(studio.task(id, TAKE).await.id, OverrideAction::Another).await.unwrap();
    assert!(!studio.end().await.0);
    let orders = studio.stage.runs()[runs..].to_vec();
    assert_eq!(orders.iter().filter(|order| matches!(order, Order::Clip(_))).count(), 1, "one more take: {orders:#?}");
    assert_eq!(orders.iter().filter(|order| matches!(order, Order::Review(_))).count(), 1);
    let second = clip_of(&studio, id, CLIP).await;
    assert_ne!(second, first, "the new take is in the film");

    studio.handle.hand(studio.task(id, TAKE).await.id, OverrideAction::Lock).await.unwrap();
    assert!(!studio.end().await.0);
    let shot = &studio.shots(id).await[0];
    assert_eq!((shot.state, shot.clip), (ShotState::Completed, Some(first)));
    let takes = store::takes::of_shot(&studio.context.db, shot.id).await.unwrap();
    let chosen: Vec<u32> =
        takes.iter().filter(|take| take.chosen && take.subject == Subject::Clip).map(|take| take.attempt).collect();
    assert_eq!(chosen, [1]);

    // Locked is locked: even a judge who now finds everything bad is not asked.
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Review(_) => Act::Score(Some(1)),
        _ => Act::Make,
    });
    let changed = TWO_ROOMS.replace("Tea is ready.", "Tea is ready for everybody who wants some of it.");
    studio.film(&changed).await;
    assert_eq!(studio.shots(id).await[0].clip, Some(first));

    studio.handle.hand(studio.task(id, CLIP).await.id, OverrideAction::Release).await.unwrap();
    studio.end().await;
    assert_eq!(studio.shots(id).await[0].clip, Some(second), "two takes were asked for, the second passed");
    let twice =
        studio.handle.hand(studio.task(id, CLIP).await.id, OverrideAction::Release).await.unwrap_err().to_string();
    assert!(twice.contains("nothing is locked"), "{twice}");
    let book = store::decisions::of_episode(&studio.context.db, id).await.unwrap();
    let said: Vec<String> =
        book.iter().filter(|one| one.kind == DecisionKind::Hand).map(|one| one.outcome.to_string()).collect();
    assert_eq!(said, ["asked for another take of", "locked", "released"]);
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_kept_file_takes_the_place_of_a_line_and_of_music() {
    let mut studio = Studio::open().await;
    let (id, _, _) = studio.film(TWO_ROOMS).await;
    let music = studio.task(id, "scene 2/music").await;
    let tune = music.outputs.unwrap().files[0].asset.hash;
    let runs = studio.stage.runs().len();
    let first = studio.task(id, "scene 1/music").await.id;
    studio.handle.hand(first, OverrideAction::Put { asset: tune }).await.unwrap();
    assert!(!studio.end().await.0);
    let mixes: Vec<Order> = studio.stage.runs()[runs..].to_vec();
    assert!(mixes.iter().all(|order| !matches!(order, Order::Music(_))), "{mixes:#?}");
    let Some(Order::MixScene(mix)) = mixes.iter().find(|order| matches!(order, Order::MixScene(_))) else { panic!() };
    assert_eq!(mix.music.as_ref().map(|music| music.hash), Some(tune));
    let task = studio.task(id, "scene 1/music").await;
    assert_eq!((task.reason.as_str(), task.engine.as_str()), ("a person put it in place", "studio"));

    // A recording is no clip, and what nobody keeps cannot be put anywhere.
    let clip = studio.task(id, CLIP).await.id;
    let refused = studio.handle.hand(clip, OverrideAction::Put { asset: tune }).await.unwrap_err().to_string();
    assert!(refused.contains("takes a clip, and the file is none"), "{refused}");
    let nowhere = OverrideAction::Put { asset: studio_core::ids::ContentHash::of(b"nowhere") };
    assert!(studio.handle.hand(clip, nowhere).await.unwrap_err().to_string().contains("keeps no file"));
    let film = studio.task(id, "film").await.id;
    assert!(
        studio.handle.hand(film, OverrideAction::Lock).await.unwrap_err().to_string().contains("is no picture, clip")
    );
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_file_that_is_gone_is_not_waited_for_for_ever() {
    let mut studio = Studio::open().await;
    let (id, _, _) = studio.film(TWO_ROOMS).await;
    studio.handle.hand(studio.task(id, TAKE).await.id, OverrideAction::Lock).await.unwrap();
    studio.end().await;
    let hash = clip_of(&studio, id, TAKE).await;
    let file = studio.task(id, TAKE).await.outputs.unwrap().files[0].asset.clone();
    std::fs::remove_file(studio_engine::asset_path(&studio.context.data.assets(), &file)).unwrap();
    let (_, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(failed);
    let gate = studio.task(id, CLIP).await;
    assert!(gate.reason.contains("is gone; put it there again or release it"), "{}", gate.reason);
    studio.handle.hand(gate.id, OverrideAction::Release).await.unwrap();
    assert!(!studio.end().await.0, "made again like any other");
    assert_eq!(studio.shots(id).await[0].clip, Some(hash));
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_lock_that_has_moved_is_released_where_it_is() {
    let mut studio = Studio::open().await;
    let (id, ..) = studio.film(TWO_ROOMS).await;
    studio.handle.hand(studio.task(id, TAKE).await.id, OverrideAction::Lock).await.unwrap();
    studio.end().await;
    let moved =
        TWO_ROOMS.replace("INT. KITCHEN", "INT. HALL - DAY\n\nAn empty hall. [[shot: wide, 2s]]\n\nINT. KITCHEN");
    assert!(!studio.film(&moved).await.1);
    let now = studio.task(id, "scene 2/shot 1/clip").await;
    assert_eq!(now.reason, "a person put it in place");
    studio.handle.hand(now.id, OverrideAction::Release).await.unwrap();
    assert!(!studio.end().await.0);
    assert_ne!(studio.task(id, "scene 2/shot 1/clip").await.reason, "a person put it in place");
    assert!(
        store::by_hand::of_episode(&studio.context.db, id).await.unwrap().iter().all(|ruling| ruling.given.is_none())
    );
    assert!(studio.episode(id).await.remarks.iter().all(|remark| !remark.contains("no longer has it")));
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_is_decided_while_the_film_is_made_counts_afterwards() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Clip(clip) if clip.frames == Frames(96) => Act::Hang,
        Order::Review(_) => Act::Score(Some(70)),
        _ => Act::Make,
    });
    let id = studio.begin(TWO_ROOMS).await;
    studio.until_task(CLIP, |now| matches!(now, studiod::events::TaskUpdate::Made)).await;
    studio.handle.hand(studio.task(id, CLIP).await.id, OverrideAction::Another).await.unwrap();
    studio.stage.release();
    assert!(!studio.end().await.0);
    let shot = &studio.shots(id).await[0];
    let takes = store::takes::of_shot(&studio.context.db, shot.id).await.unwrap();
    assert_eq!(takes.iter().filter(|take| take.subject == Subject::Clip).count(), 2);
    assert_eq!(shot.score, Some(Score::from_percent(70)));
    studio.assert_settled().await;
}

#[tokio::test]
async fn what_a_person_stops_is_not_made_again_at_once() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Clip(clip) if clip.frames == Frames(96) => Act::Hang,
        _ => Act::Make,
    });
    let id = studio.begin(TWO_ROOMS).await;
    studio.until_task(CLIP, |now| matches!(now, studiod::events::TaskUpdate::Made)).await;
    studio.handle.hand(studio.task(id, CLIP).await.id, OverrideAction::Another).await.unwrap();
    studio.handle.cancel_episode(id).await.unwrap();
    let (failed, told) = studio.end().await;
    assert!(!told.iter().any(|one| matches!(one, studiod::events::StudioEvent::LaidOut { .. })), "failed: {failed}");
    // What was decided is not lost: it counts when the episode is asked for again.
    studio.stage.release();
    assert!(!studio.film(TWO_ROOMS).await.1);
    let shot = &studio.shots(id).await[0];
    let takes = store::takes::of_shot(&studio.context.db, shot.id).await.unwrap();
    assert_eq!(takes.iter().filter(|take| take.subject == Subject::Clip).count(), 2);
    studio.assert_settled().await;
}
