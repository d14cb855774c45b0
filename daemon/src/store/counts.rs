//! Counts: how full the database is, and how far the work on episodes, without reading what tasks led to.

use std::collections::BTreeMap;

use studio_core::{
    ids::EpisodeId,
    production::Stage,
    task::{TaskState, Work},
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

// Kind and subject of a job decide its stage. Said as the index has it, so that rows come grouped, and no
// outputs are read for a count.
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
    let nobody = uuid::Uuid::nil();
    let any = serde_json::json!({
        "job": kind, "subject": subject, "scene": 1, "shot": 1, "line": 1, "take": 1, "number": 1,
        "character": nobody, "picture": nobody, "owner": { "of": "character", "id": nobody }, "portrait": nobody,
        "training": nobody, "probe": nobody, "to": 1,
    });
    let reading = Reading { table: "tasks", id: "(several)" };
    Ok(match reading.json::<Work>("job", &JsonText::of(&any))? {
        Work::Production(job) => job.stage(),
        // Datasets are made of pictures.
        Work::Picture(_) => Stage::Pictures,
    })
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

/// How many tasks these episodes have in each state and stage; without reading what they led to.
pub async fn stages_of(db: &Db, episodes: &[EpisodeId]) -> Result<BTreeMap<EpisodeId, StageCounts>> {
    let list = JsonText::of(&episodes);
    let rows: Vec<Alike> = on_db_each!(db, (BY_STAGE_SQLITE, BY_STAGE_POSTGRES), |sql, pool| sqlx::query_as(sql)
        .bind(list)
        .fetch_all(pool)
        .await)?;
    Ok(counted(&rows)?.into_iter().filter_map(|(episode, counts)| Some((episode?, counts))).collect())
}
