//! Check: what the tables say must fit together, as a file system check does for its own.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::AssertSqlSafe;
use studio_core::{
    access::Scope,
    asset::AssetRef,
    character::{self, CharacterProfile},
    dataset,
    failure::TaskFault,
    ids::{ContentHash, TaskId},
    ladder::Rung,
    location,
    media::MediaFacts,
    order::{Order, Outputs, ReviewOrder},
    portrait::PortraitSource,
    production::{KeptRemark, Production, SourcePicture},
    project::About,
    quiet::QuietHours,
    review::{Agreement, Issue},
    scene::Look,
    shot::ShotPlan,
    take::Verdict,
    task::Work,
    training::{Choice, Contender, ProbeMarks, SliceReport, TrainingPlan},
};

use super::{
    Db, Result,
    dependencies::{self, Dependency},
    on_db,
    rows::{JsonText, Reading},
};

/// Queries that find inconsistent rows: two columns, the row's id and a word of detail; and the sentence about
/// each, where `{id}` and `{detail}` are replaced.
const RULES: &[(&str, &str)] = &[
    (
        "select id, slot from tasks where state = 'succeeded' and outputs is null",
        "task {id} ({detail}) succeeded without outputs",
    ),
    (
        "select id, slot from tasks where state <> 'succeeded' and outputs is not null",
        "task {id} ({detail}) has outputs but did not succeed",
    ),
    (
        "select t.id, t.slot from tasks t where t.state = 'running'
            and not exists (select 1 from attempts a where a.task_id = t.id and a.state = 'running')",
        "task {id} ({detail}) is running without a running attempt",
    ),
    (
        // An attempt with a kind of work is on a server, which may go on with it while the studio is closed.
        "select a.id, a.task_id from attempts a where a.state = 'running' and a.kind_of_work is null
            and not exists (select 1 from tasks t where t.id = a.task_id and t.state = 'running')",
        "attempt {id} is running but its task {detail} is not",
    ),
    (
        "select min(id), task_id from attempts where state = 'running' group by task_id having count(*) > 1",
        "task {detail} has more than one running attempt, {id} is the first",
    ),
    (
        "select id, task_id from attempts where (state = 'running') <> (ended_ms is null)",
        "attempt {id} of task {detail} ended without a time or has one although it runs",
    ),
    (
        "select id, task_id from attempts where (state = 'succeeded') <> (outputs is not null)",
        "attempt {id} of task {detail} succeeded without outputs or has some although it did not",
    ),
    (
        "select min(id), key from attempts where state = 'succeeded' and not void
          group by key having count(*) > 1",
        "work {detail} was done successfully more than once, first by attempt {id}",
    ),
    (
        "select t.id, t.asset from takes t
          where not exists (select 1 from assets a where a.hash = t.asset)",
        "take {id} names the unknown asset {detail}",
    ),
    (
        "select min(id), shot_id from takes where chosen group by shot_id, subject having count(*) > 1",
        "shot {detail} has more than one take in the film, {id} is the first",
    ),
    (
        "select id, state from episodes where state in ('assembled', 'published')
            and (film is null or actual_frames is null)",
        "episode {id} is {detail} without a film or its length",
    ),
    (
        "select id, state from episodes where state = 'published' and published is null",
        "episode {id} is {detail} but nowhere in the library",
    ),
    (
        "select id, state from scenes where state = 'completed' and (film is null or actual_frames is null)",
        "scene {id} is {detail} without a film or its length",
    ),
    (
        "select id, state from shots where state in ('completed', 'accepted_best') and clip is null",
        "shot {id} is {detail} without a clip",
    ),
    (
        "select named.id, named.hash from (
            select 'episode ' || id as id, film as hash from episodes
            union all select 'episode ' || id, thumbnail from episodes
            union all select 'scene ' || id, film from scenes
            union all select 'shot ' || id, clip from shots
            union all select 'shot ' || id, master from shots
            union all select 'shot ' || id, still from shots
            union all select 'shot ' || id, last_frame from shots) named
          where named.hash is not null and not exists (select 1 from assets a where a.hash = named.hash)",
        "{id} names the unknown asset {detail}",
    ),
    (
        "select p.id, p.asset from dataset_pictures p where not exists (select 1 from assets a where a.hash = p.asset)",
        "picture {id} of a dataset names the unknown asset {detail}",
    ),
    (
        "select u.id, u.asset from unnamed_pictures u where not exists (select 1 from assets a where a.hash = u.asset)",
        "picture {id} without a name names the unknown asset {detail}",
    ),
    (
        "select id, state from dataset_pictures where (state = 'pending') <> (decision is null)",
        "picture {id} of a dataset is {detail}, which its decision does not say",
    ),
    (
        "select p.id, p.duplicate_of from dataset_pictures p join dataset_pictures o on o.id = p.duplicate_of
          where o.character_id <> p.character_id or o.duplicate_of is not null",
        "picture {id} of a dataset is grouped under {detail}, which is in another one or grouped itself",
    ),
    (
        "select r.task_id, r.state from dataset_requests r join tasks t on t.id = r.task_id
          where (r.state = 'open') <> (t.state in ('waiting', 'running'))",
        "what task {id} was asked for a dataset is {detail}, which its task is not",
    ),
    (
        "select p.id, p.asset from portraits p where not exists (select 1 from assets a where a.hash = p.asset)",
        "portrait {id} names the unknown asset {detail}",
    ),
    (
        "select id, state from portraits where (state = 'pending') <> (decision is null)",
        "portrait {id} is {detail}, which its decision does not say",
    ),
    (
        "select named.id, named.hash from (
            select 'epoch ' || epoch || ' of training ' || training_id as id, asset as hash from training_epochs
            union all select 'probe ' || id, asset from training_probes
            union all select 'LoRA ' || id, asset from loras) named
          where named.hash is not null and not exists (select 1 from assets a where a.hash = named.hash)",
        "{id} names the unknown asset {detail}",
    ),
    (
        // Nobody makes these again; those that were rejected leave the disk by themselves.
        "select named.id, named.hash from (
            select 'picture ' || id || ' of a dataset' as id, asset as hash from dataset_pictures where state <> 'rejected'
            union all select 'picture ' || id || ' without a name', asset from unnamed_pictures
            union all select 'portrait ' || id, asset from portraits where state <> 'rejected'
            union all select 'LoRA ' || id, asset from loras) named
          join assets a on a.hash = named.hash where a.missing",
        "{id} has lost its file {detail}; bring it again, or take it out",
    ),
    (
        "select id, state from trainings where (state = 'failed') <> (fault is not null)
            or (state = 'done' and choice is null)",
        "training {id} is {detail}, which its fault or its choice does not say",
    ),
    (
        "select id, state from ingests where (state in ('waiting', 'running')) <> (ended_ms is null)
            or (state = 'failed') <> (fault is not null)",
        "ingest {id} is {detail}, which its end or its fault does not say",
    ),
    (
        "select a.hash, a.attempt_id from assets a join attempts t on t.id = a.attempt_id
          where t.state <> 'succeeded'",
        "asset {id} was made by attempt {detail}, which did not succeed",
    ),
];

/// Everything the tables say that does not fit together, one sentence each; empty when all is well.
///
/// Files are not looked at: that is the caller's part, page by page with `assets::page`.
pub async fn invariants(db: &Db) -> Result<Vec<String>> {
    let mut found = damage(db).await?;
    for (sql, sentence) in RULES {
        let rows: Vec<(String, String)> = on_db!(db, |pool| sqlx::query_as(*sql).fetch_all(pool).await)?;
        found.extend(rows.iter().map(|(id, detail)| sentence.replace("{id}", id).replace("{detail}", detail)));
    }
    found.extend(unreadable(db).await?);
    found.extend(unknown_files(db).await?);
    let waits = dependencies::all(db).await?;
    found.extend(in_circles(&waits).iter().map(|task| format!("task {task} waits for itself in a circle")));
    Ok(found)
}

/// What `SQLite` says of its own file. `PostgreSQL` checks its pages itself when it has checksums.
async fn damage(db: &Db) -> Result<Vec<String>> {
    let Db::Sqlite(pool) = db else { return Ok(Vec::new()) };
    let said: Vec<String> = sqlx::query_scalar("pragma integrity_check").fetch_all(pool).await?;
    let mut found: Vec<String> = said
        .into_iter()
        .filter(|line| line != "ok")
        .map(|line| format!("the database file is damaged: {line}"))
        .collect();
    let dangling: Vec<(String, Option<i64>, String, i64)> =
        sqlx::query_as("pragma foreign_key_check").fetch_all(pool).await?;
    found.extend(dangling.iter().map(|(table, row, to, _)| {
        format!("row {} of {table} refers to a row of {to} that is not there", row.unwrap_or_default())
    }));
    Ok(found)
}

/// Reads a column as its type.
type Read = fn(Reading<'_>, &'static str, &JsonText) -> Result<()>;

fn reads<T: DeserializeOwned>(reading: Reading<'_>, column: &'static str, json: &JsonText) -> Result<()> {
    reading.json::<T>(column, json).map(drop)
}

/// Every JSON column: its table, what names a row of it, the column, its type.
const JSON: &[(&str, &str, &str, Read)] = &[
    ("assets", "hash", "facts", reads::<MediaFacts>),
    ("assets", "hash", "inputs", reads::<Vec<ContentHash>>),
    ("attempts", "id", "order_json", reads::<Order>),
    ("attempts", "id", "outputs", reads::<Outputs>),
    ("attempts", "id", "relief", reads::<Vec<Rung>>),
    ("by_hand", "episode_id || ' ' || slot", "given", reads::<Outputs>),
    ("by_hand", "episode_id || ' ' || slot", "source", reads::<SourcePicture>),
    ("characters", "id", "profile", reads::<CharacterProfile>),
    ("characters", "id", "established", reads::<character::Established>),
    ("characters", "id", "sheet", reads::<character::Sheet>),
    ("dataset_pictures", "id", "caption", reads::<dataset::Caption>),
    ("dataset_pictures", "id", "cell", reads::<dataset::Cell>),
    ("dataset_pictures", "id", "decision", reads::<dataset::Decision>),
    ("dataset_pictures", "id", "likeness", reads::<dataset::Likeness>),
    ("dataset_pictures", "id", "made", reads::<dataset::Made>),
    ("dataset_pictures", "id", "placed", reads::<dataset::Placing>),
    ("dataset_pictures", "id", "print", reads::<dataset::Print>),
    ("dataset_pictures", "id", "source", reads::<dataset::Source>),
    ("dataset_pictures", "id", "verdict", reads::<Verdict>),
    ("dataset_requests", "task_id", "request", reads::<dataset::PictureRequest>),
    ("datasets", "character_id", "paused", reads::<dataset::Pause>),
    ("datasets", "character_id", "settings", reads::<dataset::DatasetSettings>),
    ("decisions", "id", "inputs", reads::<Value>),
    ("episodes", "id", "published_files", reads::<Vec<String>>),
    ("episodes", "id", "remarks", reads::<Vec<KeptRemark>>),
    ("events", "cast(seq as text)", "body", reads::<Value>),
    ("golden", "judge", "agreement", reads::<Agreement>),
    ("ingests", "id", "chosen", reads::<Vec<u64>>),
    ("ingests", "id", "counts", reads::<dataset::IngestCounts>),
    ("ingests", "id", "excerpt", reads::<dataset::Excerpt>),
    ("ingests", "id", "fault", reads::<dataset::IngestFault>),
    ("ingests", "id", "progress", reads::<dataset::IngestProgress>),
    ("ingests", "id", "source", reads::<dataset::IngestSource>),
    ("locations", "id", "sheet", reads::<location::Sheet>),
    ("opinions", "asset", "issues", reads::<Vec<Issue>>),
    ("opinions", "asset", "review", reads::<ReviewOrder>),
    ("portraits", "id", "decision", reads::<dataset::Decision>),
    ("portraits", "id", "made", reads::<dataset::Made>),
    ("portraits", "id", "source", reads::<PortraitSource>),
    ("portraits", "id", "verdict", reads::<Verdict>),
    ("productions", "episode_id", "plan", reads::<Production>),
    ("projects", "id", "about", reads::<About>),
    ("scenes", "id", "look", reads::<Look>),
    ("settings", "name", "value", reads::<Vec<QuietHours>>),
    ("shots", "id", "plan", reads::<ShotPlan>),
    ("stories", "id", "idea", reads::<Value>),
    ("takes", "id", "verdict", reads::<Verdict>),
    ("tasks", "id", "fault", reads::<TaskFault>),
    ("tasks", "id", "job", reads::<Work>),
    ("tasks", "id", "outputs", reads::<Outputs>),
    ("tasks", "id", "relief", reads::<Vec<Rung>>),
    ("training_epochs", "training_id || ' ' || epoch", "report", reads::<SliceReport>),
    ("training_probes", "id", "contender", reads::<Contender>),
    ("training_probes", "id", "marks", reads::<ProbeMarks>),
    ("training_probes", "id", "verdict", reads::<Verdict>),
    ("trainings", "id", "choice", reads::<Choice>),
    ("trainings", "id", "fault", reads::<TaskFault>),
    ("trainings", "id", "plan", reads::<TrainingPlan>),
    ("trainings", "id", "relief", reads::<Vec<Rung>>),
    ("tokens", "id", "scopes", reads::<Vec<Scope>>),
    ("unnamed_pictures", "id", "caption", reads::<dataset::Caption>),
    ("unnamed_pictures", "id", "identity", reads::<studio_core::review::Identity>),
    ("unnamed_pictures", "id", "made", reads::<dataset::Made>),
    ("unnamed_pictures", "id", "source", reads::<dataset::Source>),
];

/// Every JSON column that is looked at, with its table.
pub fn json_columns() -> impl Iterator<Item = (&'static str, &'static str)> {
    JSON.iter().map(|(table, _, column, _)| (*table, *column))
}

/// JSON columns that are not what they should be.
async fn unreadable(db: &Db) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (table, id, column, read) in JSON {
        let sql = AssertSqlSafe(format!("select {id}, {column} from {table} where {column} is not null"));
        let rows: Vec<(String, JsonText)> = on_db!(db, |pool| sqlx::query_as(sql).fetch_all(pool).await)?;
        let broken = rows.iter().filter_map(|(id, json)| read(Reading { table, id }, column, json).err());
        found.extend(broken.map(|error| error.to_string()));
    }
    Ok(found)
}

/// Columns whose files are all kept: whoever writes one has them. An order may name what only another studio has, as one that
/// came with an archive does.
const NAMES_FILES: &[(&str, &str, &str)] = &[
    ("attempts", "id", "outputs"),
    ("by_hand", "episode_id || ' ' || slot", "given"),
    ("characters", "id", "sheet"),
    ("locations", "id", "sheet"),
    ("tasks", "id", "outputs"),
    ("trainings", "id", "plan"),
];

/// Columns that name files nobody kept.
async fn unknown_files(db: &Db) -> Result<Vec<String>> {
    let known: Vec<String> = on_db!(db, |pool| sqlx::query_scalar("select hash from assets").fetch_all(pool).await)?;
    let known: BTreeSet<String> = known.into_iter().collect();
    let mut found = Vec::new();
    for (table, id, column) in NAMES_FILES {
        let sql = AssertSqlSafe(format!("select {id}, {column} from {table} where {column} is not null"));
        let rows: Vec<(String, JsonText)> = on_db!(db, |pool| sqlx::query_as(sql).fetch_all(pool).await)?;
        for (id, json) in &rows {
            // Those that cannot be read are told of with the other columns.
            let Ok(value) = (Reading { table, id }).json::<Value>(column, json) else { continue };
            let mut named = BTreeSet::new();
            files_in(&value, &mut named);
            let unknown = named.iter().filter(|hash| !known.contains(*hash));
            found.extend(unknown.map(|hash| format!("{column} of {table} {id} name the unknown asset {hash}")));
        }
    }
    Ok(found)
}

/// The hashes of every file that a value names, at any depth.
fn files_in(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Array(all) => all.iter().for_each(|one| files_in(one, into)),
        Value::Object(fields) => match AssetRef::deserialize(value) {
            Ok(file) => {
                into.insert(file.hash.to_string());
            }
            Err(_) => fields.values().for_each(|one| files_in(one, into)),
        },
        _ => {}
    }
}

/// Tasks that are part of a circle of waiting or behind one; empty when every task can have its turn.
///
/// Kahn's algorithm: take away whoever waits for nobody until nobody is left; who stays, waits in a circle.
fn in_circles(waits: &[Dependency]) -> BTreeSet<TaskId> {
    let mut needs: BTreeMap<TaskId, usize> = BTreeMap::new();
    let mut needed_by: HashMap<TaskId, Vec<TaskId>> = HashMap::new();
    for wait in waits {
        *needs.entry(wait.task).or_default() += 1;
        needs.entry(wait.needs).or_default();
        needed_by.entry(wait.needs).or_default().push(wait.task);
    }
    let mut free: Vec<TaskId> = needs.iter().filter(|(_, count)| **count == 0).map(|(task, _)| *task).collect();
    while let Some(task) = free.pop() {
        needs.remove(&task);
        for waiting in needed_by.remove(&task).unwrap_or_default() {
            if let Some(count) = needs.get_mut(&waiting) {
                *count -= 1;
                if *count == 0 {
                    free.push(waiting);
                }
            }
        }
    }
    needs.into_keys().collect()
}
