//! Many rows with one statement: the same as one by one, however many they are.

use std::collections::BTreeMap;

use rstest::rstest;
use serde_json::json;
use studio_core::{
    failure::{Cause, TaskFault},
    ids::{AttemptId, SceneId, ShotId, TaskId},
    journal::EventKind,
    production::{Job, Stage},
    scene::SceneState,
    shot::ShotState,
    task::{AttemptState, Class, TaskState},
    units::Millis,
};
use studiod::store::{Error, attempts, counts, dependencies, episodes, events, opinions, scenes, shots, tasks};

use super::{
    bed::{Bed, Which, write},
    samples::{self, hash, outputs, uuid},
};

/// More than go with one statement.
const MANY: u32 = 1_203;

fn planned(id: u128, job: Job) -> tasks::Planned {
    tasks::Planned { id: TaskId(uuid(id)), job, engine: "draft.voice".into(), class: Class::Production }
}

#[rstest]
#[tokio::test]
async fn a_long_plan_is_laid_out_counted_and_ended_together(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    let mut plan: Vec<_> =
        (1..=MANY).map(|line| planned(u128::from(line), Job::Voice { scene: 1, shot: 1, line })).collect();
    plan.push(planned(9_000, Job::Film));
    let ids = write!(db, |tx| tasks::lay_out(tx, episode.id, &plan, "waits", Millis(5))).unwrap();
    assert_eq!(ids, plan.iter().map(|one| one.id).collect::<Vec<_>>(), "in the order they were given");
    let film = tasks::of_jobs(&db, episode.id, &[Job::Sound, Job::Film]).await.unwrap();
    let [film] = &film[..] else { panic!("one of them is there: {film:?}") };
    let whole = (film.id, film.slot.as_str(), film.state, film.reason.as_str(), film.class, film.strikes);
    assert_eq!(whole, (ids[MANY as usize], "film", TaskState::Waiting, "waits", Class::Production, 0));
    let empty = film.key.is_none() && film.outputs.is_none() && film.fault.is_none() && film.relief.is_empty();
    assert!(empty && film.created == Millis(5), "{film:?}");

    // What was made of it goes when it is laid out again; who it is stays.
    write!(db, |tx| tasks::finish(tx, film.id, &outputs("film"), "made", Millis(6))).unwrap();
    let again = tasks::Planned { id: TaskId(uuid(9_999)), engine: "media".into(), ..planned(0, Job::Film) };
    let kept =
        write!(db, |tx| tasks::lay_out(tx, episode.id, std::slice::from_ref(&again), "again", Millis(7))).unwrap();
    assert_eq!(kept, [film.id]);
    let film = tasks::get(&db, film.id).await.unwrap();
    assert_eq!(
        (film.state, film.outputs, film.created, film.updated),
        (TaskState::Waiting, None, Millis(5), Millis(7))
    );
    assert_eq!(film.engine, "media");

    let needs: Vec<_> = vec![(film.id, ids[..MANY as usize].to_vec()), (ids[1], vec![ids[0]])];
    write!(db, |tx| dependencies::set_all(tx, &needs)).unwrap();
    assert_eq!(dependencies::of_task(&db, film.id).await.unwrap().len(), MANY as usize);
    write!(db, |tx| dependencies::set_all(tx, &[(film.id, vec![ids[0]])])).unwrap();
    assert_eq!(dependencies::of_task(&db, film.id).await.unwrap(), [ids[0]], "exactly what is given");
    assert_eq!(dependencies::of_task(&db, ids[1]).await.unwrap(), [ids[0]]);

    write!(db, |tx| tasks::set_state(tx, ids[0], TaskState::Running, "runs", Millis(8))).unwrap();
    let fault = TaskFault::own(Cause::Cancelled);
    write!(db, |tx| tasks::fail_all(tx, &ids[..2], &fault, Millis(9))).unwrap();
    let failed = tasks::get(&db, ids[0]).await.unwrap();
    assert_eq!((failed.state, failed.fault, failed.updated), (TaskState::Cancelled, Some(fault.clone()), Millis(9)));
    let over = write!(db, |tx| tasks::fail_all(tx, &ids, &fault, Millis(10)));
    assert!(matches!(over, Err(Error::Conflict(_))), "two of them are over: {over:?}");
    let nobody = write!(db, |tx| tasks::fail_all(tx, &[TaskId(uuid(40_404))], &fault, Millis(10)));
    assert!(matches!(nobody, Err(Error::NotFound { .. })), "{nobody:?}");

    let count = u64::from(MANY) - 2;
    let stages = counts::stages_of(&db, &[episode.id]).await.unwrap();
    let expected = BTreeMap::from([
        ((Stage::Voices, TaskState::Waiting), count),
        ((Stage::Voices, TaskState::Cancelled), 2),
        ((Stage::Film, TaskState::Waiting), 1),
    ]);
    assert_eq!(stages, BTreeMap::from([(episode.id, expected)]));
    let all = counts::by_stage(&db).await.unwrap();
    assert!(all.contains(&(TaskState::Waiting, Stage::Voices, count)), "{all:?}");
    assert_eq!(counts::stages_of(&db, &[]).await.unwrap(), BTreeMap::new());
}

#[rstest]
#[tokio::test]
async fn many_events_are_numbered_in_their_order(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    write!(db, |tx| events::append(tx, EventKind::TaskMade, "first", &json!({}), Millis(1))).unwrap();
    let all: Vec<_> = (0..MANY).map(|n| (format!("task {n}"), json!({ "number": n, "why": "it's \"so\"" }))).collect();
    write!(db, |tx| events::append_all(tx, EventKind::TaskCancelled, &all, Millis(2))).unwrap();
    assert_eq!(events::last(&db).await.unwrap(), u64::from(MANY) + 1);
    let stored = events::since(&db, 1, MANY).await.unwrap();
    let read: Vec<_> = stored.iter().map(|event| (event.subject.clone(), event.body.clone())).collect();
    assert_eq!(read, all);
    assert_eq!(stored.iter().map(|event| event.seq).collect::<Vec<_>>(), (2..=u64::from(MANY) + 1).collect::<Vec<_>>());
    assert!(stored.iter().all(|event| event.kind == EventKind::TaskCancelled.word() && event.created == Millis(2)));
}

#[rstest]
#[tokio::test]
async fn shots_and_scenes_end_together_and_several_are_asked_for_at_once(
    #[values(Which::Sqlite, Which::Postgres)] which: Which,
) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, scene, shot) = samples::one_shot(&db).await;
    write!(db, |tx| shots::fail_all(tx, &[shot.id])).unwrap();
    write!(db, |tx| scenes::fail_all(tx, &[scene.id])).unwrap();
    assert_eq!(shots::get(&db, shot.id).await.unwrap().state, ShotState::Failed);
    assert_eq!(scenes::get(&db, scene.id).await.unwrap().state, SceneState::Failed);
    let (no_shot, no_scene) = (ShotId(uuid(404)), SceneId(uuid(404)));
    let refused = write!(db, |tx| shots::fail_all(tx, &[shot.id, no_shot]));
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    let refused = write!(db, |tx| scenes::fail_all(tx, &[no_scene]));
    assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    assert_eq!(shots::at(&db, episode.id, scene.number, shot.number + 1).await.unwrap(), None);

    assert_eq!(episodes::stopping(&db).await.unwrap(), []);
    write!(db, |tx| episodes::set_stopping(tx, episode.id, true)).unwrap();
    assert_eq!(episodes::stopping(&db).await.unwrap(), [episode.id]);

    let opinion = opinions::Opinion { good: true, why: "yes".into(), issues: Vec::new() };
    for name in ["a", "b"] {
        write!(db, |tx| opinions::set(tx, hash(name), &opinion, None, Millis(2))).unwrap();
    }
    assert_eq!(opinions::of(&db, &[hash("b"), hash("c")]).await.unwrap(), [(hash("b"), opinion)].into());

    for (id, key, ended) in [(1, "a", 5), (2, "a", 7), (3, "b", 6), (4, "c", 9)] {
        let attempt = samples::attempt(id, TaskId(uuid(50)), key);
        write!(db, |tx| attempts::start(tx, &attempt)).unwrap();
        let made = outputs(&format!("{key}{id}"));
        let state = AttemptState::Succeeded;
        write!(db, |tx| attempts::end(tx, AttemptId(uuid(id)), state, Some(&made), None, Millis(ended))).unwrap();
    }
    let keys = [hash("a"), hash("b"), hash("nobody")];
    let found = attempts::succeeded_by_keys(&db, &keys).await.unwrap();
    let newest: Vec<_> = found.iter().map(|(key, attempt)| (*key, attempt.id)).collect();
    let mut expected = [(hash("a"), AttemptId(uuid(2))), (hash("b"), AttemptId(uuid(3)))];
    expected.sort_unstable();
    assert_eq!(newest, expected, "the newest of each");
    for key in keys {
        let one = attempts::succeeded_by_key(&db, key).await.unwrap();
        assert_eq!(one, found.get(&key).cloned(), "as one by one");
    }
}
