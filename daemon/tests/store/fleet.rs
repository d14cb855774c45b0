//! What people want, what things took and cost, what was foretold.

use rstest::rstest;
use studio_core::{
    durations::Load,
    fleet::{PauseReason, Scope},
    ids::{EpisodeId, TaskId},
    task::AttemptState,
    units::Millis,
};
use studiod::store::{
    attempts,
    fleet::{self, Forecast, Place},
};

use super::{
    bed::{Bed, Which, write},
    samples::{self, outputs, uuid},
};

fn place(kind: &str) -> Place {
    Place {
        card: Some("card".into()),
        seat: "left".into(),
        model: "sdxl".into(),
        kind: kind.into(),
        speculative: false,
    }
}

#[rstest]
#[tokio::test]
async fn what_an_attempt_took_and_used_is_learned_again(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    for (n, took) in [(1u128, 700), (2, 300)] {
        let mut attempt = samples::attempt(n, TaskId(uuid(900)), &format!("k{n}"));
        attempt.started = Millis(1000);
        write!(db, |tx| attempts::start(tx, &attempt)).unwrap();
        write!(db, |tx| fleet::placed(tx, attempt.id, &place("still/1"))).unwrap();
        let (state, made) = (AttemptState::Succeeded, outputs("f"));
        write!(db, |tx| attempts::end(tx, attempt.id, state, Some(&made), None, Millis(1000 + took))).unwrap();
        write!(db, |tx| fleet::cost(tx, attempt.id, Some(6_000 + n as u64), Some(0.25))).unwrap();
    }
    let learned = fleet::learned(&db).await.unwrap();
    let told: Vec<_> = learned.iter().map(|one| (one.kind.as_str(), one.took_ms, one.peak_mib)).collect();
    assert!(told.contains(&("still/1", 700, Some(6_001))) && told.contains(&("still/1", 300, Some(6_002))), "{told:?}");
    assert!(learned.iter().all(|one| one.model == "sdxl" && one.card == "card" && !one.engine.contains('/')));
}

#[rstest]
#[tokio::test]
async fn what_models_took_to_come_is_kept_in_order(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let load = |took_ms| Load { engine: "comfy".into(), model: "sdxl".into(), card: "card".into(), took_ms };
    for (n, took_ms) in [(1, 20_000), (2, 90_000)] {
        write!(db, |tx| fleet::loaded(tx, uuid(n), &load(took_ms), Millis(n as i64))).unwrap();
    }
    assert!(write!(db, |tx| fleet::loaded(tx, uuid(3), &load(0), Millis(3))).is_err(), "no model comes in no time");
    assert_eq!(fleet::loads(&db).await.unwrap(), [load(20_000), load(90_000)]);
}

#[rstest]
#[tokio::test]
async fn pauses_stay_until_somebody_lets_go_on(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (dinner, still) = (PauseReason::from("dinner"), PauseReason::from("still dinner"));
    for scope in [Scope::Studio, Scope::Gpu("a".into()), Scope::Engine("comfy".into()), Scope::Project("p".into())] {
        write!(db, |tx| fleet::pause(tx, &scope, &dinner, true, Millis(5))).unwrap();
        write!(db, |tx| fleet::pause(tx, &scope, &still, false, Millis(6))).unwrap();
    }
    let all = fleet::pauses(&db).await.unwrap();
    assert_eq!(all.len(), 4);
    assert!(
        all.iter().all(|(_, pause)| pause.why == "still dinner" && pause.since == Millis(5) && pause.frees),
        "{all:?}"
    );
    assert!(all.iter().all(|(_, pause)| pause.because == still), "{all:?}");
    write!(db, |tx| fleet::resume(tx, &Scope::Gpu("a".into()))).unwrap();
    assert!(fleet::pauses(&db).await.unwrap().iter().all(|(scope, _)| *scope != Scope::Gpu("a".into())));
}

#[rstest]
#[tokio::test]
async fn an_episode_has_its_price_and_its_forecasts(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let episode: EpisodeId = samples::one_shot(&db).await.0.id;
    assert!(fleet::costs(&db, episode).await.unwrap().is_empty());
    let forecast = Forecast { made: Millis(10), median_ms: 1_000, p90_ms: 2_000, swaps: 3, done: None };
    write!(db, |tx| fleet::foretold(tx, uuid(77), episode, &forecast)).unwrap();
    write!(db, |tx| fleet::came_true(tx, episode, Millis(1_500))).unwrap();
    write!(db, |tx| fleet::came_true(tx, episode, Millis(9_999))).unwrap();
    let told = fleet::forecasts(&db, episode).await.unwrap();
    assert_eq!(told, [Forecast { done: Some(Millis(1_500)), ..forecast }], "the first end counts");
}
