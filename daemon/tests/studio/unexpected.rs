//! What nobody expected, a panic among it, costs the episode it was about, or what is in memory; the studio goes on.

use serde_json::json;
use studio_core::{episode::EpisodeState, ids::EpisodeId, order::Order, production::Production, units::Fps};
use studiod::{
    conductor::Error,
    store::{self, Db},
};

use crate::{
    api::PATIENCE,
    bench::{JSON, ask, door},
    datasets::{Kept, mara, studio as drawing},
    engines::{Act, Asked},
    plans::{TWICE, TWO_ROOMS},
    studio::Studio,
};

/// Keeps something else as how an episode is made, as a studio that believed an archive had it.
async fn plan(studio: &Studio, id: EpisodeId, change: fn(&mut Production)) {
    let mut production = store::productions::of_episode(&studio.context.db, id).await.unwrap().expect("it was made");
    change(&mut production);
    let mut tx = studio.context.db.begin().await.unwrap();
    store::productions::set(&mut tx, id, &production).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_panic_ends_the_episode_it_was_about_with_a_reason_and_the_studio_goes_on() {
    let mut studio = Studio::open().await;
    let (id, failed, _) = studio.film(TWO_ROOMS).await;
    assert!(!failed);
    studio.stop().await;
    studio.start_again().await;
    plan(&studio, id, |production| production.fps = Fps { num: 0, den: 0 }).await;
    let said = studio.handle.again(id).await.unwrap_err();
    assert!(matches!(&said, Error::Broken(why) if why.contains("has begun anew")), "{said}");
    assert!(studio.end().await.0, "it has come to nothing");
    let remarks = studio.episode(id).await.remarks;
    assert!(remarks.iter().any(|remark| remark.contains("divide by zero")), "{remarks:?}");
    let (other, failed, _) = studio.film(TWICE).await;
    assert_eq!((failed, studio.episode(other).await.state), (false, EpisodeState::Published));
    plan(&studio, id, |production| production.fps = Fps::whole(24)).await;
    studio.handle.again(id).await.unwrap();
    assert!(!studio.end().await.0, "mended, it is made");
    studio.assert_settled().await;
}

#[tokio::test]
async fn a_panic_while_the_studio_comes_up_costs_that_episode_too() {
    let mut studio = Studio::open().await;
    studio.stage.rule(|asked: &Asked| if matches!(asked.order, Order::Clip(_)) { Act::Hang } else { Act::Make });
    let id = studio.begin(TWO_ROOMS).await;
    studio.power_cut().await;
    plan(&studio, id, |production| production.fps = Fps { num: 0, den: 0 }).await;
    studio.start_again().await;
    assert!(studio.end().await.0, "it has come to nothing");
    assert_eq!(studio.episode(id).await.state, EpisodeState::Failed);
    studio.stage.rule(|_: &Asked| Act::Make);
    assert!(!studio.film(TWICE).await.1);
    studio.assert_settled().await;
}

/// Reviews the judge was asked for so far.
fn reviews(studio: &Studio) -> usize {
    studio.stage.runs().iter().filter(|order| matches!(order, Order::Review(_))).count()
}

async fn reviewed(studio: &Studio, times: usize) {
    let wait = async {
        while reviews(studio) < times {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect("the judge is asked");
}

/// Of a picture of a sheet: it belongs to no episode that could be given up.
#[tokio::test]
async fn an_error_that_met_no_episode_costs_only_what_is_in_memory() {
    let mut studio = drawing().await;
    studio.stop().await;
    studio.start_again().await;
    studio.stage.rule(|asked: &Asked| match asked.order {
        Order::Review(_) if asked.times == 1 => Act::Hang,
        Order::Review(_) => Act::Stop,
        _ => Act::Make,
    });
    let (door, mara) = (door(&studio), mara(&studio, "Mara").await);
    let kept = Kept::begin(&studio);
    let wanted = json!({ "views": ["face"] }).to_string();
    assert_eq!(ask(&door, "POST", &format!("/api/characters/{mara}/portraits"), &[JSON], wanted).await.status, 202);
    reviewed(&studio, 1).await;
    let Db::Sqlite(pool) = &studio.context.db else { unreachable!() };
    let broken = "create trigger broken before update on tasks when new.state = 'succeeded'
        begin select raise(abort, 'broken on purpose'); end";
    sqlx::raw_sql(broken).execute(pool).await.unwrap();
    studio.stage.release();
    reviewed(&studio, 2).await;
    sqlx::raw_sql("drop trigger broken").execute(pool).await.unwrap();
    studio.handle.view().await.expect("the studio goes on");
    kept.end().await;
    studio.stop().await;
}
