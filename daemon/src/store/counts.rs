//! Counts: how full the database is, and how far the work on episodes, without reading what is counted.

use std::collections::BTreeMap;

use studio_core::{
    ids::EpisodeId,
    production::{Job, Stage},
    task::TaskState,
};

use super::{
    Db, Result, on_db, on_db_each,
    rows::{JsonText, Reading},
};

const SQLITE_TABLES: &str =
    "select name from sqlite_master where type = 'table' and name not like 'sqlite\\_%' escape '\\' order by name";
const POSTGRES_TABLES: &str = "
    select cast(table_name as text) from information_schema.tables
    where table_schema = current_schema() and table_type = 'BASE TABLE'
    order by table_name";

/// Rows of every table, by its name; the table of migrations is one of them.
pub async fn of_tables(db: &Db) -> Result<Vec<(String, u64)>> {
    let tables: Vec<String> = match db {
        Db::Sqlite(pool) => sqlx::query_scalar(SQLITE_TABLES).fetch_all(pool).await?,
        Db::Postgres(pool) => sqlx::query_scalar(POSTGRES_TABLES).fetch_all(pool).await?,
    };
    let mut counts = Vec::with_capacity(tables.len());
    for table in tables {
        // The name comes out of the database's own catalogue.
        let sql = || sqlx::AssertSqlSafe(format!("select count(*) from \"{}\"", table.replace('"', "\"\"")));
        let rows: i64 = on_db!(db, |pool| sqlx::query_scalar(sql()).fetch_one(pool).await)?;
        counts.push((table, rows.unsigned_abs()));
    }
    Ok(counts)
}

// Kind and subject of a job decide its stage. Said as the index has it, so that no task is read for a count.
macro_rules! by_stage {
    ($of:literal) => {
        concat!(
            "select episode_id, state, job ->> 'job', job ->> 'subject', count(*) from tasks ",
            $of,
            " group by episode_id, state, job ->> 'job', job ->> 'subject'"
        )
    };
}
const BY_STAGE: &str = by_stage!("");
const BY_STAGE_SQLITE: &str = by_stage!("where episode_id in (select value from json_each($1))");
const BY_STAGE_POSTGRES: &str = by_stage!("where episode_id in (select jsonb_array_elements_text($1))");

/// Tasks of an episode (`None`: of none) that are alike: episode, state, kind and subject of their job, how many.
type Alike = (Option<String>, String, String, Option<String>, i64);

/// How many tasks there are, by state and stage.
pub type StageCounts = BTreeMap<(Stage, TaskState), u64>;

/// The stage of every job of a kind; its numbers say nothing of that.
fn stage_of(kind: &str, subject: Option<&str>) -> Result<Stage> {
    let any = serde_json::json!({
        "job": kind, "subject": subject, "scene": 1, "shot": 1, "line": 1, "take": 1, "number": 1,
    });
    let reading = Reading { table: "tasks", id: "(several)" };
    Ok(reading.json::<Job>("job", &JsonText::of(&any))?.stage())
}

fn counted(rows: &[Alike]) -> Result<BTreeMap<Option<EpisodeId>, StageCounts>> {
    let mut counts: BTreeMap<Option<EpisodeId>, StageCounts> = BTreeMap::new();
    for (episode, state, kind, subject, count) in rows {
        let reading = Reading { table: "tasks", id: "(several)" };
        let of = counts.entry(reading.maybe("episode_id", episode.as_deref())?).or_default();
        let key = (stage_of(kind, subject.as_deref())?, reading.word("state", state)?);
        *of.entry(key).or_default() += reading.number::<u64>("state", *count)?;
    }
    Ok(counts)
}

/// How many tasks are in each state and stage; pairs without tasks are left out.
pub async fn by_stage(db: &Db) -> Result<Vec<(TaskState, Stage, u64)>> {
    let rows: Vec<Alike> = on_db!(db, |pool| sqlx::query_as(BY_STAGE).fetch_all(pool).await)?;
    let mut all = StageCounts::new();
    for (key, count) in counted(&rows)?.into_values().flatten() {
        *all.entry(key).or_default() += count;
    }
    Ok(all.into_iter().map(|((stage, state), count)| (state, stage, count)).collect())
}

/// How many tasks these episodes have in each state and stage; without reading any of them.
pub async fn stages_of(db: &Db, episodes: &[EpisodeId]) -> Result<BTreeMap<EpisodeId, StageCounts>> {
    let list = JsonText::of(&episodes);
    let rows: Vec<Alike> = on_db_each!(db, (BY_STAGE_SQLITE, BY_STAGE_POSTGRES), |sql, pool| sqlx::query_as(sql)
        .bind(list)
        .fetch_all(pool)
        .await)?;
    Ok(counted(&rows)?.into_iter().filter_map(|(episode, counts)| Some((episode?, counts))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Address, what is done, and to which cursor; of one that is opened also which table or index it is.
    type Step = (i64, String, i64, i64, i64, Option<String>, i64, Option<String>);

    #[tokio::test]
    async fn how_far_episodes_are_is_counted_without_reading_their_tasks() {
        let folder = tempfile::tempdir().expect("a folder");
        let db = Db::open(&format!("sqlite:{}", folder.path().join("studio.db").display())).await.expect("a database");
        let Db::Sqlite(pool) = &db else { panic!("a file") };
        let root: i64 = sqlx::query_scalar("select rootpage from sqlite_master where name = 'tasks'")
            .fetch_one(pool)
            .await
            .expect("a table");
        for sql in [BY_STAGE.to_owned(), BY_STAGE_SQLITE.replace("$1", "'[]'")] {
            let explain = sqlx::AssertSqlSafe(format!("explain {sql}"));
            let steps: Vec<Step> = sqlx::query_as(explain).fetch_all(pool).await.expect("a plan");
            let of_tasks = |one: &&Step| one.1 == "OpenRead" && one.3 == root;
            let cursors: Vec<i64> = steps.iter().filter(of_tasks).map(|one| one.2).collect();
            let read: Vec<_> = steps.iter().filter(|one| one.1 == "Column" && cursors.contains(&one.2)).collect();
            assert!(read.is_empty(), "columns of tasks are read: {read:?}");
            assert!(steps.iter().any(|one| one.1 == "OpenRead"), "an index is: {steps:?}");
        }
    }
}
