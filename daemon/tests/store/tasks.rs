//! Tasks and their dependencies.

use rstest::rstest;
use studio_core::{
    failure::{Cause, FailureKind, TaskFault},
    ids::{EpisodeId, ProjectId, TaskId},
    production::Job,
    task::{Task, TaskState},
    units::Millis,
};
use studiod::store::{
    Db, Error,
    dependencies::{self, Dependency},
    tasks,
};

use super::{
    bed::{Bed, Which, raw, write},
    samples::{self, hash, outputs, uuid},
};

async fn stored(db: &Db, episode: Option<EpisodeId>, id: u128, slot: &str) -> Task {
    let task = samples::task(id, episode, slot);
    write!(db, |tx| tasks::upsert(tx, &task)).unwrap();
    task
}

fn ids(tasks: &[Task]) -> Vec<TaskId> {
    tasks.iter().map(|task| task.id).collect()
}

#[rstest]
#[tokio::test]
async fn a_task_keeps_its_id_by_slot(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    let first = stored(&db, Some(episode.id), 10, "scene 1/line 1").await;
    assert_eq!(tasks::get(&db, first.id).await.unwrap(), first);
    let mut again = samples::task(11, Some(episode.id), "scene 1/line 1");
    (again.state, again.outputs, again.key) = (TaskState::Succeeded, Some(outputs("v")), Some(hash("k")));
    (again.strikes, again.not_before) = (2, Millis(9));
    assert_eq!(write!(db, |tx| tasks::upsert(tx, &again)).unwrap(), first.id);
    (again.id, again.created) = (first.id, first.created);
    assert_eq!(tasks::of_episode(&db, episode.id).await.unwrap(), [again]);

    let mut alone = stored(&db, None, 12, "probe").await;
    let other = stored(&db, None, 13, "probe").await;
    alone.reason = "changed".into();
    assert_eq!(write!(db, |tx| tasks::upsert(tx, &alone)).unwrap(), alone.id);
    assert_eq!(tasks::get(&db, alone.id).await.unwrap(), alone);
    assert_eq!(tasks::unfinished(&db).await.unwrap(), [alone, other]);
    assert!(matches!(tasks::get(&db, TaskId(uuid(404))).await, Err(Error::NotFound { what: "task", .. })));
}

#[rstest]
#[tokio::test]
async fn tasks_are_found_listed_and_counted(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let mut all = vec![];
    for id in 1..=5 {
        all.push(stored(&db, None, id, "probe").await);
    }
    write!(db, |tx| tasks::set_state(tx, all[1].id, TaskState::Cancelled, "not wanted", Millis(1))).unwrap();
    let mut early = samples::task(9, None, "early");
    early.created = Millis(1);
    write!(db, |tx| tasks::upsert(tx, &early)).unwrap();

    let unfinished = tasks::unfinished(&db).await.unwrap();
    assert_eq!(ids(&unfinished), [9, 1, 3, 4, 5].map(|id| TaskId(uuid(id))), "in creation order");
    let waiting = Some(TaskState::Waiting);
    let of = |state, after, limit| tasks::Filter { state, after, limit, ..tasks::Filter::default() };
    let first = tasks::page(&db, &of(waiting, None, 2)).await.unwrap();
    assert_eq!(ids(&first), [9, 5].map(|id| TaskId(uuid(id))));
    let second = tasks::page(&db, &of(waiting, Some(first[1].id), 9)).await.unwrap();
    assert_eq!(ids(&second), [4, 3, 1].map(|id| TaskId(uuid(id))));
    assert_eq!(tasks::page(&db, &of(None, None, 9)).await.unwrap().len(), 6);
    let oldest = tasks::Filter { oldest_first: true, ..of(waiting, Some(TaskId(uuid(3))), 2) };
    assert_eq!(ids(&tasks::page(&db, &oldest).await.unwrap()), [4, 5].map(|id| TaskId(uuid(id))));
    let (episode, ..) = samples::one_shot(&db).await;
    let music = stored(&db, Some(episode.id), 60, "scene 1/music").await;
    stored(&db, Some(episode.id), 61, "scene 1/mix").await;
    let narrow = tasks::Filter {
        episode: Some(episode.id),
        project: Some(episode.project_id),
        like: Some(Job::Music { scene: 7 }),
        ..of(None, None, 9)
    };
    assert_eq!(ids(&tasks::page(&db, &narrow).await.unwrap()), [music.id]);
    let nobody = tasks::Filter { project: Some(ProjectId(uuid(404))), ..of(None, None, 9) };
    assert!(tasks::page(&db, &nobody).await.unwrap().is_empty());
    assert_eq!(tasks::counts(&db).await.unwrap(), [(TaskState::Cancelled, 1), (TaskState::Waiting, 7)]);

    let name = all[2].id.to_string();
    assert_eq!(ids(&tasks::find(&db, &name[30..].to_uppercase()).await.unwrap()), [all[2].id]);
    assert_eq!(tasks::find(&db, &name[..8]).await.unwrap().len(), 8);
    for nobody in ["", "%", "_", "zz", "'; drop table tasks"] {
        assert!(tasks::find(&db, nobody).await.unwrap().is_empty(), "{nobody}");
    }
}

fn fault(message: &str) -> TaskFault {
    TaskFault::own(Cause::attempt(FailureKind::Transient, message))
}

#[rstest]
#[tokio::test]
async fn a_task_that_comes_to_nothing_keeps_why_as_data(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let need = Some(TaskId(uuid(404)));
    let faults = [
        (TaskFault::own(Cause::Unjudged { said: None }), TaskState::NeedsPerson),
        (TaskFault { need, cause: Cause::Unjudged { said: None } }, TaskState::Failed),
        (fault("it said no"), TaskState::Failed),
        (TaskFault { need, cause: Cause::Cancelled }, TaskState::Cancelled),
    ];
    for ((fault, state), n) in faults.into_iter().zip(30..) {
        let id = stored(&db, None, n, &format!("voice {n}")).await.id;
        write!(db, |tx| tasks::fail(tx, id, &fault, Millis(2000))).unwrap();
        let seen = tasks::get(&db, id).await.unwrap();
        assert_eq!((seen.state, &seen.reason, seen.fault.as_ref()), (state, &fault.to_string(), Some(&fault)));
        let only = tasks::Filter { state: Some(state), limit: 10, ..tasks::Filter::default() };
        assert!(tasks::page(&db, &only).await.unwrap().iter().any(|task| task.id == id));
        let late = write!(db, |tx| tasks::fail(tx, id, &fault, Millis(2001)));
        assert!(matches!(late, Err(Error::Conflict(_))), "it is over: {late:?}");
        write!(db, |tx| tasks::set_state(tx, id, TaskState::Waiting, "once more", Millis(2002))).unwrap();
        assert_eq!(tasks::get(&db, id).await.unwrap().fault, None, "asked for once more, nothing has gone wrong");
    }
}

#[rstest]
#[tokio::test]
async fn tasks_of_before_that_need_a_person_are_told_apart(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let said = "a person must look at this shot: no take has a score: not reviewed";
    let lacks = format!("needs a task that ended without result: {said}");
    let mut ids = Vec::new();
    for (reason, n) in [said, lacks.as_str(), "clips said no"].into_iter().zip(40..) {
        let id = stored(&db, None, n, &format!("voice {n}")).await.id;
        raw(&db, &format!("update tasks set state = 'failed', reason = '{reason}' where id = '{id}'")).await;
        ids.push(id);
    }
    // The database as the version before this migration left it.
    raw(&db, "alter table tasks drop column fault").await;
    raw(&db, "delete from _sqlx_migrations where version = 11").await;
    drop(db);

    let db = bed.open().await;
    for (id, state) in ids.into_iter().zip([TaskState::NeedsPerson, TaskState::Failed, TaskState::Failed]) {
        let seen = tasks::get(&db, id).await.unwrap();
        assert_eq!((seen.state, seen.fault), (state, None), "{}", seen.reason);
    }
}

#[rstest]
#[tokio::test]
async fn a_task_goes_its_way(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let task = stored(&db, None, 20, "voice").await;
    let id = task.id;
    write!(db, |tx| tasks::set_resolved(tx, id, hash("key"), Millis(2000))).unwrap();
    write!(db, |tx| tasks::set_reason(tx, id, "waits for the card", &fault("full"), Millis(2001))).unwrap();
    let seen = tasks::get(&db, id).await.unwrap();
    assert_eq!((seen.key, seen.reason.as_str(), seen.updated), (Some(hash("key")), "waits for the card", Millis(2001)));
    assert_eq!(seen.fault, Some(fault("full")));

    write!(db, |tx| tasks::set_state(tx, id, TaskState::Running, "attempt 1", Millis(2002))).unwrap();
    let refused = write!(db, |tx| tasks::set_state(tx, id, TaskState::Running, "attempt 2", Millis(2003)));
    assert!(matches!(&refused, Err(Error::Conflict(why)) if why.contains("is running")), "{refused:?}");
    assert_eq!(write!(db, |tx| tasks::strike(tx, id, "fell", &fault("fell"), Millis(9000), Millis(2004))).unwrap(), 1);
    let second = write!(db, |tx| tasks::strike(tx, id, "again", &fault("again"), Millis(9500), Millis(2005))).unwrap();
    assert_eq!(second, 2);
    let seen = tasks::get(&db, id).await.unwrap();
    assert_eq!((seen.state, seen.strikes, seen.not_before), (TaskState::Waiting, 2, Millis(9500)));
    assert_eq!(seen.fault, Some(fault("again")));

    let refused = write!(db, |tx| tasks::set_state(tx, id, TaskState::Succeeded, "by magic", Millis(2006)));
    assert!(matches!(refused, Err(Error::Conflict(_))), "no success without outputs: {refused:?}");
    write!(db, |tx| tasks::finish(tx, id, &outputs("v"), "made in 2 s", Millis(2007))).unwrap();
    let refused = write!(db, |tx| tasks::finish(tx, id, &outputs("w"), "late answer", Millis(2008)));
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    let seen = tasks::get(&db, id).await.unwrap();
    assert_eq!((seen.state, seen.outputs, seen.fault), (TaskState::Succeeded, Some(outputs("v")), None));

    write!(db, |tx| tasks::again(tx, id, "its file is gone", Millis(2009))).unwrap();
    let seen = tasks::get(&db, id).await.unwrap();
    assert_eq!((seen.state, seen.strikes, seen.not_before), (TaskState::Waiting, 0, Millis(0)));
    assert_eq!((seen.key, seen.outputs), (None, None));

    let nobody = TaskId(uuid(404));
    for refused in [
        write!(db, |tx| tasks::again(tx, nobody, "", Millis(0))),
        write!(db, |tx| tasks::set_reason(tx, nobody, "", &fault(""), Millis(0))),
        write!(db, |tx| tasks::set_resolved(tx, nobody, hash("k"), Millis(0))),
        write!(db, |tx| tasks::set_state(tx, nobody, TaskState::Running, "", Millis(0))),
        write!(db, |tx| tasks::finish(tx, nobody, &outputs("v"), "", Millis(0))),
        write!(db, |tx| tasks::strike(tx, nobody, "", &fault(""), Millis(0), Millis(0))).map(drop),
    ] {
        assert!(matches!(refused, Err(Error::NotFound { .. })), "{refused:?}");
    }
}

#[rstest]
#[tokio::test]
async fn waiting_again_forgets_the_outputs(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let id = stored(&db, None, 20, "voice").await.id;
    write!(db, |tx| tasks::finish(tx, id, &outputs("v"), "from the shelf", Millis(1))).unwrap();
    write!(db, |tx| tasks::set_state(tx, id, TaskState::Waiting, "its file is gone", Millis(2))).unwrap();
    assert_eq!(tasks::get(&db, id).await.unwrap().outputs, None);
}

#[rstest]
#[tokio::test]
async fn a_changed_plan_clears_away(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    let of = Some(episode.id);
    let kept = stored(&db, of, 30, "kept").await;
    let waiting = stored(&db, of, 31, "waiting").await;
    let running = stored(&db, of, 32, "running").await;
    let done = stored(&db, of, 33, "done").await;
    let elsewhere = stored(&db, None, 34, "elsewhere").await;
    write!(db, |tx| tasks::set_state(tx, running.id, TaskState::Running, "", Millis(1))).unwrap();
    write!(db, |tx| tasks::finish(tx, done.id, &outputs("v"), "", Millis(1))).unwrap();

    let cancelled = write!(db, |tx| tasks::cancel_surplus(
        tx,
        episode.id,
        &[kept.job.production().unwrap()],
        "plan changed",
        Millis(2)
    ))
    .unwrap();
    assert_eq!(ids(&cancelled), [waiting.id, running.id]);
    assert_eq!(cancelled[1].state, TaskState::Running, "as it was before, so that it can be stopped");
    assert_eq!(tasks::get(&db, running.id).await.unwrap().state, TaskState::Cancelled);
    assert_eq!(tasks::get(&db, done.id).await.unwrap().state, TaskState::Succeeded);
    assert_eq!(write!(db, |tx| tasks::delete_surplus(tx, episode.id, &[kept.job.production().unwrap()])).unwrap(), 3);
    assert_eq!(ids(&tasks::of_episode(&db, episode.id).await.unwrap()), [kept.id]);
    assert_eq!(tasks::get(&db, elsewhere.id).await.unwrap(), elsewhere);
}

#[rstest]
#[tokio::test]
async fn dependencies_are_replaced_whole(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    let of = Some(episode.id);
    let [a, b, c] =
        [stored(&db, of, 40, "a").await.id, stored(&db, of, 41, "b").await.id, stored(&db, None, 42, "c").await.id];
    write!(db, |tx| dependencies::set(tx, b, &[a, c, a])).unwrap();
    write!(db, |tx| dependencies::set(tx, c, &[a])).unwrap();
    let on = |task, needs| Dependency { task, needs };
    assert_eq!(dependencies::of_episode(&db, episode.id).await.unwrap(), [on(b, a), on(b, c)]);
    assert_eq!(dependencies::of_task(&db, b).await.unwrap(), [a, c]);
    write!(db, |tx| dependencies::set(tx, b, &[c])).unwrap();
    assert_eq!(dependencies::of_task(&db, b).await.unwrap(), [c]);
    let refused = write!(db, |tx| dependencies::set(tx, a, &[TaskId(uuid(404))]));
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
}
