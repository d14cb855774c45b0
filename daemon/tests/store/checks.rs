//! `check::invariants`: silent about a sound database, one sentence about each thing that is not.

use std::collections::BTreeSet;

use rstest::rstest;
use studio_core::{
    episode::EpisodeState,
    ids::TaskId,
    production::FilmRemark,
    scene::SceneState,
    shot::ShotState,
    take::Subject,
    task::{AttemptState, TaskState},
    units::{Frames, Millis},
};
use studiod::store::{Db, assets, attempts, characters, check, dependencies, episodes, scenes, shots, takes, tasks};

use super::{
    bed::{Bed, Which, raw, write},
    samples::{self, hash, outputs, uuid},
};

/// A finished episode with everything that belongs to one, and a task that is running.
async fn finished_episode(db: &Db) {
    let (episode, scene, mut shot) = samples::one_shot(db).await;
    let of = Some(episode.id);
    let [done, running] = [samples::task(10, of, "voice"), samples::task(11, of, "mix")];
    for task in [&done, &running] {
        write!(db, |tx| tasks::upsert(tx, task)).unwrap();
    }
    write!(db, |tx| dependencies::set(tx, running.id, &[done.id])).unwrap();
    for (id, task) in [(20, &done), (21, &running)] {
        write!(db, |tx| tasks::set_state(tx, task.id, TaskState::Running, "", Millis(1))).unwrap();
        write!(db, |tx| attempts::start(tx, &samples::attempt(id, task.id, &task.slot))).unwrap();
    }
    let made = outputs("file");
    let maker = samples::attempt(20, done.id, "voice").id;
    write!(db, |tx| assets::insert(tx, &samples::asset("file", Some(maker)))).unwrap();
    write!(db, |tx| attempts::end(tx, maker, AttemptState::Succeeded, Some(&made), None, Millis(2))).unwrap();
    write!(db, |tx| tasks::finish(tx, done.id, &made, "", Millis(2))).unwrap();

    let file = hash("file");
    let take = samples::take(30, shot.id, 1, "file");
    write!(db, |tx| takes::upsert(tx, &take)).unwrap();
    write!(db, |tx| takes::set_verdict(tx, take.id, &samples::verdict(80), Millis(3))).unwrap();
    write!(db, |tx| takes::choose(tx, shot.id, Subject::Clip, take.id)).unwrap();
    (shot.clip, shot.master) = (Some(file), Some(file));
    write!(db, |tx| shots::set_result(tx, &shot)).unwrap();
    for state in [ShotState::Generating, ShotState::Completed] {
        write!(db, |tx| shots::set_state(tx, shot.id, state)).unwrap();
    }
    write!(db, |tx| scenes::set_result(tx, scene.id, file, Frames(300))).unwrap();
    for state in [SceneState::Generating, SceneState::Completed] {
        write!(db, |tx| scenes::set_state(tx, scene.id, state)).unwrap();
    }
    write!(db, |tx| episodes::set_film(tx, episode.id, file, None, Frames(300), &[])).unwrap();
    write!(db, |tx| episodes::set_published(tx, episode.id, Some(("a.mp4", &["a.mp4".to_owned()])))).unwrap();
    for state in [EpisodeState::Producing, EpisodeState::Assembled, EpisodeState::Published] {
        write!(db, |tx| episodes::set_state(tx, episode.id, state)).unwrap();
    }
}

/// SQL that breaks a finished episode, and a part of the sentence that must be said about it.
const DAMAGE: &[(&str, &str)] = &[
    ("update tasks set outputs = null where state = 'succeeded'", "succeeded without outputs"),
    ("update tasks set state = 'failed' where state = 'succeeded'", "has outputs but did not succeed"),
    (
        "update attempts set state = 'lost', ended_ms = 5 where state = 'running'",
        "(mix) is running without a running attempt",
    ),
    ("update tasks set state = 'waiting' where state = 'running'", "is running but its task"),
    (
        "insert into attempts (id, task_id, key, engine, order_json, state, outputs, error, started_ms, ended_ms, void)
         select replace(id, '0015', '0099'), task_id, key, engine, order_json, state, outputs,
            error, started_ms, ended_ms, void from attempts where state = 'running'",
        "more than one running attempt",
    ),
    ("update attempts set ended_ms = null", "ended without a time"),
    ("update attempts set outputs = null", "succeeded without outputs or has some"),
    (
        "insert into attempts (id, task_id, key, engine, order_json, state, outputs, error, started_ms, ended_ms, void)
         select replace(id, '0014', '0099'), task_id, key, engine, order_json, state, outputs,
            error, started_ms, ended_ms, void from attempts where state = 'succeeded'",
        "was done successfully more than once",
    ),
    ("update takes set asset = 'gone'", "names the unknown asset gone"),
    (
        "drop index takes_chosen;
         insert into takes select replace(id, '001e', '0099'), shot_id, subject, 2, seed, steps, asset, score,
            verdict, reviewed_ms, chosen from takes",
        "more than one take in the film",
    ),
    ("update episodes set film = null", "is published without a film"),
    ("update episodes set published = null", "but nowhere in the library"),
    ("update scenes set film = null", "is completed without a film"),
    ("update shots set clip = null", "is completed without a clip"),
    ("update episodes set thumbnail = 'gone'", "names the unknown asset gone"),
    ("update shots set last_frame = 'gone'", "names the unknown asset gone"),
    ("update attempts set state = 'failed', outputs = null where state = 'succeeded'", "which did not succeed"),
    ("delete from assets", "outputs of tasks"),
    ("delete from assets", "outputs of attempts"),
    (
        r#"insert into characters (id, project_id, slug, name, profile, sheet) select id, id, 'x', 'X', '{}',
            '{"references": [{"hash": "0000000000000000000000000000000000000000000000000000000000000000", "ext": "png"}]}'
            from projects"#,
        "name the unknown asset 0000000000",
    ),
    (
        r#"update tasks set outputs = '{"files": 3}' where state = 'succeeded'"#,
        "failed to read column outputs of tasks",
    ),
    ("update scenes set look = '{}'", "failed to read column look of scenes"),
    ("update shots set plan = '{}'", "failed to read column plan of shots"),
    ("update takes set verdict = '{}'", "failed to read column verdict of takes"),
    ("update attempts set order_json = '{}'", "failed to read column order_json of attempts"),
    ("update tasks set job = '{\"job\": \"nobody\"}'", "failed to read column job of tasks"),
    ("update tasks set relief = '[\"pray\"]'", "failed to read column relief of tasks"),
    ("update assets set facts = '{}'", "failed to read column facts of assets"),
    ("update episodes set remarks = '[1]'", "failed to read column remarks of episodes"),
    (
        "insert into productions (episode_id, plan) select id, '{\"script\": 7}' from episodes",
        "failed to read column plan of productions",
    ),
    ("update projects set about = '{\"styles\": 7}'", "failed to read column about of projects"),
    ("insert into task_dependencies select needs_id, task_id from task_dependencies", "waits for itself in a circle"),
];

/// Takes everything of the round before away.
const SOUND_AGAIN: &str = "
    delete from projects; delete from tasks; delete from assets; delete from attempts;
    create unique index if not exists takes_chosen on takes (shot_id, subject) where chosen";

#[rstest]
#[tokio::test]
async fn a_sound_database_has_nothing_said_about_it(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    assert_eq!(check::invariants(&db).await.unwrap(), [""; 0]);
    finished_episode(&db).await;
    assert_eq!(check::invariants(&db).await.unwrap(), [""; 0]);
}

#[rstest]
#[tokio::test]
async fn every_damage_is_found(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    for (damage, sentence) in DAMAGE {
        raw(&db, SOUND_AGAIN).await;
        finished_episode(&db).await;
        raw(&db, damage).await;
        let found = check::invariants(&db).await.unwrap();
        assert!(found.iter().any(|line| line.contains(sentence)), "after {damage}: {found:?}");
    }
}

#[rstest]
#[tokio::test]
async fn work_done_again_after_a_loss_is_no_damage(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    finished_episode(&db).await;
    write!(db, |tx| assets::mark_missing(tx, hash("file"))).unwrap();
    let again = samples::attempt(90, TaskId(uuid(10)), "voice");
    write!(db, |tx| attempts::start(tx, &again)).unwrap();
    let made = outputs("file");
    write!(db, |tx| attempts::end(tx, again.id, AttemptState::Succeeded, Some(&made), None, Millis(9))).unwrap();
    write!(db, |tx| assets::insert(tx, &samples::asset("file", Some(again.id)))).unwrap();
    assert_eq!(check::invariants(&db).await.unwrap(), [""; 0]);
}

/// Of a list a damaged row costs itself, and a page is as long as it was asked to be while there is more.
#[rstest]
#[tokio::test]
async fn a_damaged_row_is_left_out_of_lists(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    finished_episode(&db).await;
    let all = tasks::page(&db, &tasks::Filter { limit: 10, oldest_first: true, ..Default::default() }).await.unwrap();
    assert!(all.len() >= 2, "{all:?}");
    let first = all[0].id;
    raw(&db, &format!("update tasks set relief = '[\"pray\"]' where id = '{first}'")).await;
    let page = |limit| tasks::Filter { limit, oldest_first: true, ..Default::default() };
    let left = tasks::page(&db, &page(10)).await.unwrap();
    assert_eq!(left.len(), all.len() - 1);
    assert_eq!(
        tasks::page(&db, &page(1)).await.unwrap()[0].id,
        all[1].id,
        "a page of one is the first that can be read"
    );
    assert!(tasks::get(&db, first).await.unwrap_err().to_string().contains("column relief of tasks"));

    raw(&db, "update assets set facts = '{}'; update takes set verdict = '{}'; update episodes set remarks = '[1]'")
        .await;
    assert_eq!(assets::page(&db, None, 10).await.unwrap(), []);
    assert!(takes::page(&db, &takes::Filter { limit: 10, ..Default::default() }).await.unwrap().is_empty());
    assert_eq!(episodes::readable(&db).await.unwrap(), []);
    assert!(episodes::list(&db).await.is_err(), "who removes what no episode has must know all");

    let project = samples::project().id;
    write!(db, |tx| characters::upsert(tx, &samples::character(12, "mara"))).unwrap();
    assert_eq!(characters::readable(&db, project).await.unwrap().len(), 1);
    raw(&db, "update characters set profile = '[1]'; update scenes set look = '[1]'").await;
    let episode = samples::episode(2, 1).id;
    assert_eq!(scenes::readable(&db, episode).await.unwrap(), []);
    assert!(scenes::of_episode(&db, episode).await.is_err());
    assert_eq!(characters::readable(&db, project).await.unwrap(), []);
    assert!(characters::of_project(&db, project).await.is_err(), "who casts must know all");
}

/// Studios of before took rejected pictures out of archives without a row of their file.
#[rstest]
#[tokio::test]
async fn pictures_that_came_without_their_file_are_sound_again(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    samples::one_shot(&db).await;
    for (id, name) in [(50, "mara"), (51, "ben")] {
        let character = samples::character(id, name);
        write!(db, |tx| characters::upsert(tx, &character)).unwrap();
        let (picture, of, file) = (uuid(id + 10), character.id, hash("picture"));
        let row = format!(
            "insert into dataset_pictures (id, character_id, asset, ext, width, height, state, source, lineage, cell,
                                           decision, created_ms)
             values ('{picture}', '{of}', '{file}', 'png', 64, 64, 'rejected',
                     '{{\"from\":\"upload\",\"name\":\"a.png\"}}', 0, '{{}}',
                     '{{\"by\":\"person\",\"at\":3,\"reason\":{{\"why\":\"rejected\",\"categories\":[]}}}}', 7)"
        );
        raw(&db, &row).await;
    }
    let found = check::invariants(&db).await.unwrap();
    assert!(found.iter().all(|line| line.contains("of a dataset names the unknown asset")), "{found:?}");
    assert_eq!(found.len(), 2);
    // The database as the version before this migration left it.
    raw(&db, "delete from _sqlx_migrations where version = 28").await;
    drop(db);
    let db = bed.open().await;
    assert_eq!(check::invariants(&db).await.unwrap(), [""; 0]);
    let known = assets::get(&db, hash("picture")).await.unwrap().unwrap();
    assert_eq!((known.file.ext.as_str(), known.missing, known.created), ("png", true, Millis(7)));
}

/// What a film lacks is kept as data, beside what older studios kept.
#[rstest]
#[tokio::test]
async fn remarks_of_today_and_of_older_studios_are_sound(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    let before = check::invariants(&db).await.unwrap();
    write!(db, |tx| episodes::set_remarks(tx, episode.id, &[FilmRemark::NoMusic { scene: 2 }])).unwrap();
    assert_eq!(check::invariants(&db).await.unwrap(), before);
    raw(&db, "update episodes set remarks = '[\"no music in scene 2\"]'").await;
    assert_eq!(check::invariants(&db).await.unwrap(), before);
    assert_eq!(episodes::get(&db, episode.id).await.unwrap().remarks, ["no music in scene 2"]);
}

/// What was refused by a library is not in it: another project's show of that name is not this one's.
#[rstest]
#[tokio::test]
async fn a_refused_publication_shows_nothing(#[values(Which::Sqlite, Which::Postgres)] which: Which) {
    let bed = Bed::new(which).await;
    let db = bed.open().await;
    let (episode, ..) = samples::one_shot(&db).await;
    let task = samples::task(50, Some(episode.id), "library");
    write!(db, |tx| tasks::upsert(tx, &task)).unwrap();
    for (id, state, shown) in [(60, AttemptState::Failed, false), (61, AttemptState::Succeeded, true)] {
        let attempt = samples::attempt(id, task.id, &format!("{id}"));
        write!(db, |tx| attempts::start(tx, &attempt)).unwrap();
        raw(&db, "update attempts set order_json = '{\"root\": \"/tv\"}'").await;
        let made = shown.then(|| samples::outputs("nothing"));
        write!(db, |tx| attempts::end(tx, attempt.id, state, made.as_ref(), None, Millis(9))).unwrap();
        assert_eq!(episodes::is_shown(&db, episode.project_id, "/tv").await.unwrap(), shown, "{state:?}");
    }
    assert!(!episodes::is_shown(&db, episode.project_id, "/films").await.unwrap(), "another library");
}

#[tokio::test]
async fn a_dangling_reference_is_found() {
    let bed = Bed::new(Which::Sqlite).await;
    let db = bed.open().await;
    finished_episode(&db).await;
    let Db::Sqlite(pool) = &db else { panic!("sqlite was asked for") };
    let mut connection = pool.acquire().await.unwrap();
    sqlx::raw_sql("pragma foreign_keys = off; delete from projects").execute(&mut *connection).await.unwrap();
    let found = check::invariants(&db).await.unwrap();
    assert!(found.iter().any(|line| line.contains("of episodes refers to a row of projects")), "{found:?}");
}

/// A column that comes with a migration is looked at, too.
#[test]
fn every_json_column_is_looked_at() {
    let mut known: BTreeSet<(String, String)> = BTreeSet::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations")).unwrap() {
        let mut table = String::new();
        for line in std::fs::read_to_string(entry.unwrap().path()).unwrap().lines() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["create", "table", name, ..] => table = name.to_owned(),
                ["alter", "table", name, "add", "column", column, kind, ..] if kind.starts_with("jsonb") => {
                    known.insert((name.to_owned(), column.to_owned()));
                }
                ["alter", "table", before, "rename", "to", name] => {
                    let of_it: Vec<_> = known.extract_if(.., |(table, _)| table == before).collect();
                    let name = name.trim_end_matches(';').to_owned();
                    known.extend(of_it.into_iter().map(|(_, column)| (name.clone(), column)));
                }
                [column, kind, ..] if kind.starts_with("jsonb") => {
                    known.insert((table.clone(), column.to_owned()));
                }
                _ => {}
            }
        }
    }
    let looked: BTreeSet<_> =
        check::json_columns().map(|(table, column)| (table.to_owned(), column.to_owned())).collect();
    assert_eq!(looked, known);
}
