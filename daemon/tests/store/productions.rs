//! How episodes are made.

use rstest::rstest;
use studio_core::{ids::EpisodeId, production::Production, shot::VideoEngine};
use studiod::store::{Error, productions};

use super::{
    bed::{Bed, Which, raw, write},
    plans::{TWICE, TWO_ROOMS, produce},
    samples::{self, uuid},
};

/// A plan with everything in it that JSON could lose.
fn production(text: &str) -> Production {
    let mut production = produce(text).production;
    production.seed = samples::WIDE;
    production.max_mib = Some(u32::MAX);
    production.sound.voice_lufs = -16.1;
    production.cast.named.insert(VideoEngine::FramepackF1, "comfy.framepack".into());
    production
}

#[rstest]
#[tokio::test]
async fn how_an_episode_is_made_is_kept_to_the_letter(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    assert_eq!(productions::of_episode(&db, episode.id).await.unwrap(), None, "it never was");
    for text in [TWO_ROOMS, TWICE] {
        let plan = production(text);
        write!(db, |tx| productions::set(tx, episode.id, &plan)).unwrap();
        let stored = productions::of_episode(&db, episode.id).await.unwrap();
        assert_eq!(stored, Some(plan), "in place of what was there");
    }
}

#[rstest]
#[tokio::test]
async fn only_a_known_episode_is_made(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let refused = write!(db, |tx| productions::set(tx, EpisodeId(uuid(404)), &production(TWICE)));
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}

#[rstest]
#[tokio::test]
async fn a_damaged_plan_is_named(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    write!(db, |tx| productions::set(tx, episode.id, &production(TWICE))).unwrap();
    raw(&db, "update productions set plan = '{\"seed\": 1}'").await;
    let said = productions::of_episode(&db, episode.id).await;
    assert!(matches!(&said, Err(Error::Corrupt { table: "productions", column: "plan", .. })), "{said:?}");
}
