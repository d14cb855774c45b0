//! Attempts, assets, decisions, events.

use rstest::rstest;
use serde_json::json;
use studio_core::{
    ids::{AttemptId, DecisionId, TaskId},
    journal::{DecisionKind, EventKind},
    ladder::Rung,
    task::{Attempt, AttemptState},
    units::Millis,
};
use studiod::store::{
    Db, Error, assets, attempts,
    decisions::{self, Decision},
    events, tasks,
};

use super::{
    bed::{Bed, Which, write},
    samples::{self, hash, outputs, uuid},
};

const TASK: u128 = 500;

async fn succeeded(db: &Db, id: u128, key: &str, file: &str, from: i64, to: i64) -> AttemptId {
    let mut attempt = samples::attempt(id, TaskId(uuid(TASK)), key);
    attempt.started = Millis(from);
    write!(db, |tx| attempts::start(tx, &attempt)).unwrap();
    let made = outputs(file);
    write!(db, |tx| attempts::end(tx, attempt.id, AttemptState::Succeeded, Some(&made), None, Millis(to))).unwrap();
    attempt.id
}

#[rstest]
#[tokio::test]
async fn an_attempt_ends_once(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let task = TaskId(uuid(TASK));
    let [first, second] = [1, 2].map(|id| samples::attempt(id, task, "k"));
    write!(db, |tx| attempts::start(tx, &first)).unwrap();
    write!(db, |tx| attempts::start(tx, &second)).unwrap();
    let refused = write!(db, |tx| attempts::start(tx, &first));
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_eq!(attempts::running(&db).await.unwrap(), [first.clone(), second.clone()]);

    write!(db, |tx| attempts::end(tx, first.id, AttemptState::Failed, None, Some("no voice"), Millis(7000))).unwrap();
    let late =
        write!(db, |tx| attempts::end(tx, first.id, AttemptState::Succeeded, Some(&outputs("v")), None, Millis(8000)));
    assert!(matches!(&late, Err(Error::Conflict(why)) if why.contains("already ended as failed")), "{late:?}");
    let failed = Attempt {
        state: AttemptState::Failed,
        error: Some("no voice".into()),
        ended: Some(Millis(7000)),
        ..first.clone()
    };
    assert_eq!(attempts::get(&db, first.id).await.unwrap(), failed);
    assert_eq!(attempts::of_task(&db, task).await.unwrap(), [failed, second.clone()]);
    assert_eq!(attempts::running(&db).await.unwrap(), std::slice::from_ref(&second));

    for (state, made) in
        [(AttemptState::Running, None), (AttemptState::Succeeded, None), (AttemptState::Lost, Some(outputs("v")))]
    {
        let refused = write!(db, |tx| attempts::end(tx, second.id, state, made.as_ref(), None, Millis(1)));
        assert!(matches!(refused, Err(Error::Conflict(_))), "{state:?}");
    }
    let nobody = AttemptId(uuid(404));
    let refused = write!(db, |tx| attempts::end(tx, nobody, AttemptState::Lost, None, None, Millis(1)));
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    assert!(matches!(attempts::get(&db, nobody).await, Err(Error::NotFound { .. })));
}

#[rstest]
#[tokio::test]
async fn durations_are_learned_per_card_and_where_it_ran_is_kept(
    #[values(Which::Sqlite, Which::Postgres)] which: Which,
) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let relief = vec![Rung::Free, Rung::TiledVae];
    for (id, card, took_ms) in
        [(1, "0000:01:00.0", 900), (2, "0000:01:00.0", 100), (3, "0000:01:00.0", 200), (4, "pc2", 70)]
    {
        let kind_of_work = Some("wan21_t2v/wan/832x480/81".to_owned());
        let attempt = Attempt { kind_of_work, relief: relief.clone(), ..samples::attempt(id, TaskId(uuid(TASK)), "k") };
        write!(db, |tx| attempts::start(tx, &attempt)).unwrap();
        let ended = Millis(attempt.started.0 + took_ms);
        let made = outputs("v");
        write!(db, |tx| attempts::end(tx, attempt.id, AttemptState::Succeeded, Some(&made), None, ended)).unwrap();
        write!(db, |tx| attempts::ran_on(tx, attempt.id, card, "nvidia0", Some(1.5))).unwrap();
        let kept = attempts::get(&db, attempt.id).await.unwrap();
        assert_eq!(
            (kept.card.as_deref(), kept.server.as_deref(), kept.energy_wh),
            (Some(card), Some("nvidia0"), Some(1.5))
        );
        assert_eq!(kept.relief, relief);
    }
    let usual = attempts::usual_ms(&db, "wan21_t2v/wan/832x480/81").await.unwrap();
    assert_eq!(usual, [("0000:01:00.0".to_owned(), 200), ("pc2".to_owned(), 70)].into());
    assert!(attempts::usual_ms(&db, "another").await.unwrap().is_empty());
    let nobody = AttemptId(uuid(404));
    let refused = write!(db, |tx| attempts::ran_on(tx, nobody, "x", "y", None));
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
}

#[rstest]
#[tokio::test]
async fn what_is_done_differently_for_a_task_is_kept(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let task = samples::task(TASK, None, "alone");
    write!(db, |tx| tasks::upsert(tx, &task)).unwrap();
    assert_eq!(tasks::relief(&db, task.id).await.unwrap(), []);
    write!(db, |tx| tasks::set_relief(tx, task.id, &[Rung::Free, Rung::SmallerSize], Millis(9))).unwrap();
    assert_eq!(tasks::relief(&db, task.id).await.unwrap(), [Rung::Free, Rung::SmallerSize]);
    write!(db, |tx| tasks::upsert(tx, &task)).unwrap();
    assert_eq!(tasks::relief(&db, task.id).await.unwrap(), [], "asked for again, it begins anew");
    let nobody = TaskId(uuid(404));
    assert!(matches!(tasks::relief(&db, nobody).await, Err(Error::NotFound { .. })));
}

#[rstest]
#[tokio::test]
async fn work_that_was_done_is_found_by_its_key(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    assert_eq!(attempts::succeeded_by_key(&db, hash("k")).await.unwrap(), None);
    succeeded(&db, 2, "k", "old", 0, 100).await;
    let newest = succeeded(&db, 1, "k", "new", 0, 200).await;
    succeeded(&db, 3, "other", "new", 0, 300).await;
    write!(db, |tx| attempts::start(tx, &samples::attempt(4, TaskId(uuid(TASK)), "k"))).unwrap();
    let found = attempts::succeeded_by_key(&db, hash("k")).await.unwrap().expect("it was done");
    assert_eq!((found.id, found.outputs), (newest, Some(outputs("new"))));

    for file in ["old", "new"] {
        write!(db, |tx| assets::insert(tx, &samples::asset(file, None))).unwrap();
    }
    write!(db, |tx| assets::mark_missing(tx, hash("new"))).unwrap();
    let found = attempts::succeeded_by_key(&db, hash("k")).await.unwrap().expect("the older one is left");
    assert_eq!(found.outputs, Some(outputs("old")));
    assert_eq!(attempts::succeeded_by_key(&db, hash("other")).await.unwrap(), None, "it made the same file");
    assert_eq!(attempts::get(&db, newest).await.unwrap().state, AttemptState::Succeeded, "history stays");

    write!(db, |tx| attempts::undone(tx, found.id)).unwrap();
    assert_eq!(attempts::succeeded_by_key(&db, hash("k")).await.unwrap(), None, "what it did was undone");
    let refused = write!(db, |tx| attempts::undone(tx, AttemptId(uuid(4))));
    assert!(matches!(refused, Err(Error::NotFound { .. })), "it still runs: {refused:?}");
}

#[rstest]
#[tokio::test]
async fn durations_are_of_the_newest_fifty(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    for id in 1..=52_u32 {
        let at = 10_000 * i64::from(id);
        succeeded(&db, u128::from(id), &format!("k{id}"), "f", at, at + i64::from(id)).await;
    }
    let seen = attempts::durations(&db, "draft.voice/1").await.unwrap();
    assert_eq!(seen, (3..=52).rev().collect::<Vec<i64>>());
    assert!(attempts::durations(&db, "wan/1").await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn an_asset_is_kept_once(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let maker = succeeded(&db, 1, "k", "a", 0, 1).await;
    let first = samples::asset("a", Some(maker));
    assert_eq!(write!(db, |tx| assets::insert(tx, &first)).unwrap(), first.file);
    let mut twin = samples::asset("a", None);
    (twin.file.ext, twin.created) = ("flac".into(), Millis(9));
    assert_eq!(write!(db, |tx| assets::insert(tx, &twin)).unwrap(), first.file, "kept under its first name");
    assert_eq!(assets::get(&db, hash("a")).await.unwrap(), Some(first.clone()));
    assert_eq!(assets::get(&db, hash("nothing")).await.unwrap(), None);

    let other = samples::asset("b", None);
    write!(db, |tx| assets::insert(tx, &other)).unwrap();
    let mut both = [first.clone(), other.clone()];
    both.sort_by_key(|asset| asset.file.hash);
    let asked = [hash("b"), hash("nothing"), hash("a")];
    assert_eq!(assets::by_hashes(&db, &asked).await.unwrap(), both);
    assert!(assets::by_hashes(&db, &[]).await.unwrap().is_empty());
    let page = assets::page(&db, None, 1).await.unwrap();
    assert_eq!(page, both[..1]);
    assert_eq!(assets::page(&db, Some(page[0].file.hash), 9).await.unwrap(), both[1..]);
    assert!(assets::page(&db, Some(both[1].file.hash), 9).await.unwrap().is_empty());

    write!(db, |tx| assets::mark_missing(tx, hash("a"))).unwrap();
    assert!(assets::get(&db, hash("a")).await.unwrap().unwrap().missing);
    write!(db, |tx| assets::insert(tx, &twin)).unwrap();
    assert!(!assets::get(&db, hash("a")).await.unwrap().unwrap().missing, "made again");
    let refused = write!(db, |tx| assets::mark_missing(tx, hash("nothing")));
    assert!(matches!(refused, Err(Error::NotFound { .. })));
    let refused = write!(db, |tx| assets::insert(tx, &samples::asset("c", Some(AttemptId(uuid(404))))));
    assert!(matches!(refused, Err(Error::Conflict(_))), "an unknown maker: {refused:?}");
}

#[rstest]
#[tokio::test]
async fn decisions_are_found_by_what_they_are_about(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    let task = TaskId(uuid(TASK));
    let decision = |id, about_episode: bool, about_task: bool| Decision {
        id: DecisionId(uuid(id)),
        episode_id: about_episode.then_some(episode.id),
        task_id: about_task.then_some(task),
        kind: DecisionKind::Gate,
        reason: "0.41 is under 0.45".into(),
        inputs: json!({"score": 0.41, "attempt": 2}),
        outcome: "again".into(),
        created: Millis(5),
    };
    let all = [decision(2, true, true), decision(1, true, false), decision(3, false, true)];
    for one in &all {
        write!(db, |tx| decisions::insert(tx, one)).unwrap();
    }
    assert_eq!(decisions::of_episode(&db, episode.id).await.unwrap(), [all[1].clone(), all[0].clone()]);
    assert_eq!(decisions::of_task(&db, task).await.unwrap(), [all[0].clone(), all[2].clone()]);
}

#[rstest]
#[tokio::test]
async fn events_are_numbered_without_gaps(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    assert_eq!(events::last(&db).await.unwrap(), 0);
    for number in 1..=5_u64 {
        let body = json!({"number": number});
        let seq = write!(db, |tx| events::append(tx, EventKind::TaskMade, "t", &body, Millis(7))).unwrap();
        assert_eq!(seq, number);
        let mut lost = db.begin().await.unwrap();
        assert_eq!(events::append(&mut lost, EventKind::TaskMade, "t", &body, Millis(7)).await.unwrap(), number + 1);
        lost.rollback().await.unwrap();
    }
    assert_eq!(events::last(&db).await.unwrap(), 5);
    let seen = events::since(&db, 2, 2).await.unwrap();
    assert_eq!(seen.iter().map(|event| event.seq).collect::<Vec<_>>(), [3, 4]);
    assert_eq!((seen[0].kind.as_str(), seen[0].subject.as_str()), ("task.made", "t"));
    assert_eq!((&seen[0].body, seen[0].created), (&json!({"number": 3}), Millis(7)));
    assert!(events::since(&db, 5, 9).await.unwrap().is_empty());
    assert!(events::since(&db, u64::MAX, 9).await.unwrap().is_empty());
}
