//! The database as a whole: opening, locking, writers at once, damage.

use rstest::rstest;
use serde_json::json;
use studio_core::{journal::EventKind, task::TaskState, units::Millis};
use studiod::store::{Db, Error, Lock, Tx, attempts, episodes, events, projects, scenes, shots, takes, tasks};

use super::{
    bed::{Bed, Which, raw, raw_in, write},
    samples::{self, uuid},
};

#[rstest]
#[tokio::test]
async fn many_may_open_a_new_database_at_once(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let opened = tokio::join!(bed.open(), bed.open(), bed.open(), bed.open());
    opened.3.ping().await.unwrap();
    write!(opened.0, |tx| projects::upsert(tx, &samples::project())).unwrap();
    assert_eq!(projects::list(&opened.1).await.unwrap().len(), 1, "it is one database");
    opened.2.close().await;
    assert!(matches!(opened.2.ping().await, Err(Error::Unavailable(_))));
}

#[rstest]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_at_once_take_turns(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let [one, two] = [bed.open().await, bed.open().await];
    let shared = [1, 2].map(|id| samples::task(id, None, "shared"));
    for task in &shared {
        write!(one, |tx| tasks::upsert(tx, task)).unwrap();
    }
    let mut writers = tokio::task::JoinSet::new();
    for writer in 0..8 {
        let db = if writer % 2 == 0 { one.clone() } else { two.clone() };
        // Each reads first and writes then, and half of them in the opposite order: the shapes that deadlock.
        let mut ids = shared.each_ref().map(|task| task.id);
        if writer % 2 == 0 {
            ids.reverse();
        }
        writers.spawn(async move {
            for round in 0..5 {
                let mut tx = db.begin().await.unwrap();
                for id in ids {
                    let reason = format!("writer {writer} round {round}");
                    tasks::set_state(&mut tx, id, TaskState::Waiting, &reason, Millis(1)).await.unwrap();
                    events::append(&mut tx, EventKind::EpisodeWritten, &id.to_string(), &json!({}), Millis(1))
                        .await
                        .unwrap();
                }
                tx.commit().await.unwrap();
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.expect("no writer gives up");
    }
    let seen = events::since(&one, 0, 1000).await.unwrap();
    assert_eq!(seen.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=80).collect::<Vec<_>>());
    for pair in seen.chunks(2) {
        assert_ne!(pair[0].subject, pair[1].subject, "turns are not mixed");
    }
}

#[rstest]
#[tokio::test]
async fn who_waits_too_long_is_told_to_try_again(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let _writing = db.begin().await.unwrap();
    // The same wait as a second `begin`, only with less patience.
    let refused = match &db {
        Db::Sqlite(pool) => {
            let mut other = pool.acquire().await.unwrap();
            sqlx::raw_sql("pragma busy_timeout = 1; begin immediate").execute(&mut *other).await.map(drop)
        }
        Db::Postgres(pool) => {
            let mut other = pool.begin().await.unwrap();
            let sql = "set local lock_timeout = '1ms'; select pg_advisory_xact_lock(1937012068, 2)";
            sqlx::raw_sql(sql).execute(&mut *other).await.map(drop)
        }
    };
    let error = Error::from(refused.expect_err("one writer at a time"));
    assert!(matches!(error, Error::Busy(_)), "{error:?}");
}

#[rstest]
#[tokio::test]
async fn a_write_that_is_killed_leaves_nothing(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (wrote, written) = tokio::sync::oneshot::channel();
    let theirs = db.clone();
    let writer = tokio::spawn(async move {
        let mut tx = theirs.begin().await.unwrap();
        projects::upsert(&mut tx, &samples::project()).await.unwrap();
        wrote.send(()).unwrap();
        std::future::pending::<()>().await;
    });
    written.await.unwrap();
    assert!(projects::list(&db).await.unwrap().is_empty(), "nobody sees what is not committed");
    writer.abort();
    assert!(writer.await.unwrap_err().is_cancelled());
    write!(db, |tx| events::append(tx, EventKind::FleetQuiet, "", &json!({}), Millis(1)))
        .expect("the next writer has its turn");
    assert!(projects::list(&db).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn a_dead_connection_leaves_nothing(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let [dying, db] = [bed.open().await, bed.open().await];
    let mut tx = dying.begin().await.unwrap();
    projects::upsert(&mut tx, &samples::project()).await.unwrap();
    match (&mut tx, &db) {
        (Tx::Postgres(open), Db::Postgres(pool)) => {
            let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut **open).await.unwrap();
            sqlx::query("select pg_terminate_backend($1)").bind(pid).execute(pool).await.unwrap();
            assert!(matches!(tx.commit().await, Err(Error::Unavailable(_))), "no commit may be claimed");
        }
        _ => drop(tx),
    }
    write!(db, |tx| events::append(tx, EventKind::FleetQuiet, "", &json!({}), Millis(1)))
        .expect("the next writer has its turn");
    assert!(projects::list(&db).await.unwrap().is_empty());
}

#[rstest]
#[tokio::test]
async fn damaged_json_is_named(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (_, _, shot) = samples::one_shot(&db).await;
    raw(&db, r#"update shots set plan = '{"shot_type": "sideways"}'"#).await;
    let error = shots::get(&db, shot.id).await.expect_err("no such shot type");
    let Error::Corrupt { table, column, id, why } = &error else { panic!("{error:?}") };
    assert_eq!((*table, *column, id.as_str()), ("shots", "plan", shot.id.to_string().as_str()));
    assert!(why.contains("sideways"), "{why}");
    assert!(error.to_string().starts_with("failed to read column plan of shots "), "{error}");
    if which == Which::Sqlite {
        // PostgreSQL refuses to store these at all.
        for broken in ["'{\"shot_type\"'", "''", "12", "x'ff00'"] {
            raw(&db, &format!("update shots set plan = {broken}")).await;
            assert!(matches!(shots::get(&db, shot.id).await, Err(Error::Corrupt { column: "plan", .. })), "{broken}");
        }
    }
}

#[rstest]
#[tokio::test]
async fn damaged_columns_are_named(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, scene, shot) = samples::one_shot(&db).await;
    write!(db, |tx| takes::upsert(tx, &samples::take(60, shot.id, 1, "a"))).unwrap();
    let attempt = samples::attempt(61, tasks_id(), "k");
    write!(db, |tx| attempts::start(tx, &attempt)).unwrap();
    raw(&db, "update episodes set state = 'lost'; update scenes set transition_ms = 99999999999;").await;
    raw(&db, "update takes set seed = '-1'; update attempts set task_id = replace(task_id, '-', '+');").await;
    raw(&db, "update shots set clip = 'not a hash'").await;
    let seen = [
        named(episodes::get(&db, episode.id).await),
        named(scenes::get(&db, scene.id).await),
        named(shots::of_scene(&db, scene.id).await),
        named(takes::of_shot(&db, shot.id).await),
        named(attempts::get(&db, attempt.id).await),
    ];
    let expected = [
        ("episodes", "state"),
        ("scenes", "transition_ms"),
        ("shots", "clip"),
        ("takes", "seed"),
        ("attempts", "task_id"),
    ];
    assert_eq!(seen, expected);
}

fn tasks_id() -> studio_core::ids::TaskId {
    studio_core::ids::TaskId(uuid(500))
}

fn named<T>(result: Result<T, Error>) -> (&'static str, &'static str) {
    match result {
        Err(Error::Corrupt { table, column, .. }) => (table, column),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("damage was not noticed"),
    }
}

#[rstest]
#[tokio::test]
async fn a_newer_database_is_refused(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let checksum = if which == Which::Sqlite { "x'00'" } else { "'\\x00'" };
    raw(
        &db,
        &format!(
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
             values (9999, 'from the future', true, {checksum}, 0)"
        ),
    )
    .await;
    db.close().await;
    let error = Db::open(&bed.url()).await.expect_err("it cannot be understood");
    assert!(matches!(error, Error::Newer { found: 9999, .. }), "{error:?}");
    assert!(error.to_string().contains("newer studiod"), "{error}");
}

#[rstest]
#[tokio::test]
async fn a_second_conductor_is_told_who_is_there(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let [db, other] = [bed.open().await, bed.open().await];
    let dir = bed.dir.path();
    let mut lock = Lock::take(&db, dir).await.unwrap();
    lock.check(&db).await.unwrap();
    let pid = std::process::id().to_string();
    let error = Lock::take(&other, dir).await.expect_err("one conductor only");
    assert!(matches!(&error, Error::Held { holder, .. } if holder.contains(&pid)), "{error}");
    assert!(error.to_string().contains("stop that one first"), "{error}");
    assert_eq!(std::fs::read_to_string(dir.join("studiod.lock")).unwrap().trim(), pid);
    drop(lock);
    Lock::take(&other, dir).await.expect("it is free again");
}

#[tokio::test]
async fn a_lock_that_the_server_forgot_is_taken_again() {
    let bed = Bed::new(Which::Postgres).await;
    let db = bed.open().await;
    let mut lock = Lock::take(&db, bed.dir.path()).await.unwrap();
    bed.server().shut().await;
    let away = lock.check(&db).await.expect_err("nobody is there");
    assert!(!matches!(away, Error::Held { .. }), "nobody else has it: {away:?}");
    bed.server().open().await;
    lock.check(&db).await.expect("it is free");
    let elsewhere = tempfile::tempdir().unwrap();
    let refused = Lock::take(&db, elsewhere.path()).await.expect_err("it is held again");
    assert!(matches!(refused, Error::Held { .. }), "{refused:?}");

    bed.server().shut().await;
    bed.server().open().await;
    let faster = Lock::take(&db, elsewhere.path()).await.expect("the server forgot the first");
    // The holder's name is this process here; elsewhere it is another one.
    lock.check(&db).await.expect_err("somebody else was faster");
    drop(faster);
}

/// The lock is looked at once a second; what is written in between must not get into another one's hands.
#[tokio::test]
async fn nothing_is_written_by_who_lost_the_lock_to_somebody_else() {
    use sqlx::{ConnectOptions, Connection};
    let bed = Bed::new(Which::Postgres).await;
    let db = bed.open().await;
    let lock = Lock::take(&db, bed.dir.path()).await.unwrap();
    db.begin().await.unwrap().commit().await.unwrap();
    bed.server().shut().await;
    bed.server().open().await;
    // Nobody has it now, so nobody's work is undone.
    db.begin().await.unwrap().commit().await.unwrap();
    let Db::Postgres(pool) = &db else { unreachable!() };
    let options = (*pool.connect_options()).clone().application_name("process 1 on elsewhere");
    let mut elsewhere = options.connect().await.unwrap();
    sqlx::query("select pg_advisory_lock(1937012068, 1)").execute(&mut elsewhere).await.unwrap();
    let refused = db.begin().await.map(drop).expect_err("another one conducts");
    assert!(matches!(&refused, Error::Held { holder, .. } if holder.contains("elsewhere")), "{refused:?}");
    elsewhere.close().await.unwrap();
    drop(lock);
}

/// Another host has another data folder, but the database is the same.
#[tokio::test]
async fn a_shared_server_has_one_conductor() {
    let bed = Bed::new(Which::Postgres).await;
    let db = bed.open().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let lock = Lock::take(&db, bed.dir.path()).await.unwrap();
    let error = Lock::take(&db, elsewhere.path()).await.expect_err("one conductor only");
    let pid = std::process::id().to_string();
    assert!(
        matches!(&error, Error::Held { what, holder } if what == "the database" && holder.contains(&pid)),
        "{error}"
    );
    drop(lock);
}

/// The file lock alone keeps a second conductor away from a folder, whatever its database is.
#[tokio::test]
async fn a_data_folder_has_one_conductor() {
    let [bed, other] = [Bed::new(Which::Sqlite).await, Bed::new(Which::Sqlite).await];
    let _lock = Lock::take(&bed.open().await, bed.dir.path()).await.unwrap();
    let error = Lock::take(&other.open().await, bed.dir.path()).await.expect_err("one conductor only");
    assert!(matches!(error, Error::Held { .. }), "{error}");
}

#[tokio::test]
async fn places_that_cannot_be_opened_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("a-file");
    std::fs::write(&file, "in the way").unwrap();
    let error = Db::open(file.join("studio.db").to_str().unwrap()).await.expect_err("a file is no folder");
    assert!(matches!(&error, Error::File { path, .. } if *path == file), "{error:?}");
    let error = Db::open(file.to_str().unwrap()).await.expect_err("text is no database");
    assert!(matches!(&error, Error::Unavailable(why) if why.contains("a-file")), "{error:?}");
    let error = Db::open("postgres://nobody@%2Fnowhere/db").await.expect_err("nobody listens there");
    assert!(matches!(&error, Error::Unavailable(_)), "{error:?}");
    let error = Db::open("PostgreSQL://nobody@%2Fnowhere/db").await.expect_err("nor there");
    assert!(matches!(&error, Error::Unavailable(why) if !why.contains("write postgres://")), "{error:?}");
    for other in ["posgres://me:secret@here/db", "mysql://x", "http://x", ""] {
        let error = Db::open(other).await.expect_err("that is no place");
        assert!(matches!(&error, Error::Unavailable(why) if why.contains("write postgres://")), "{other}: {error:?}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_full_disk_is_told_apart() {
    let bed = Bed::new(Which::Sqlite).await;
    let db = bed.open().await;
    let mut tx = db.begin().await.unwrap();
    // The limit becomes the present size: the next page does not fit.
    raw_in(&mut tx, "pragma max_page_count = 1").await;
    let body = json!({"much": "x".repeat(100_000)});
    let error = events::append(&mut tx, EventKind::FleetQuiet, "", &body, Millis(1)).await.expect_err("no room");
    assert!(matches!(error, Error::DiskFull(_)), "{error:?}");
    assert!(error.to_string().contains("disk is full"), "{error}");
    drop(tx);
    assert_eq!(events::last(&db).await.unwrap(), 0);
}

/// What a power cut may not take: commits are synced, readers do not block, foreign keys hold.
#[tokio::test]
async fn sqlite_is_set_for_power_cuts() {
    let bed = Bed::new(Which::Sqlite).await;
    let Db::Sqlite(pool) = bed.open().await else { panic!("sqlite was asked for") };
    let mode: String = sqlx::query_scalar("pragma journal_mode").fetch_one(&pool).await.unwrap();
    let [sync, keys, timeout] = ["pragma synchronous", "pragma foreign_keys", "pragma busy_timeout"];
    let mut seen = vec![];
    for pragma in [sync, keys, timeout] {
        seen.push(sqlx::query_scalar::<_, i64>(pragma).fetch_one(&pool).await.unwrap());
    }
    assert_eq!((mode.as_str(), seen), ("wal", vec![2, 1, 5000]));
}
