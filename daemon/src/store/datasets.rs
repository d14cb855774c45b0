//! Datasets: what their owners say of them, and what is asked of engines to fill them.

use studio_core::{
    dataset::{Dataset, DatasetSettings, PictureRequest, RequestState},
    ids::{CharacterId, TaskId},
    task::Task,
    units::Millis,
    views::PortraitOwner,
};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading},
    table, tasks,
};

#[derive(sqlx_macros::FromRow)]
struct DatasetRow {
    character_id: String,
    settings: JsonText,
    replenish: bool,
    paused: Option<JsonText>,
    since_ms: i64,
}

impl TryFrom<DatasetRow> for Dataset {
    type Error = Error;
    fn try_from(row: DatasetRow) -> Result<Self> {
        let reading = Reading { table: "datasets", id: &row.character_id };
        Ok(Self {
            character_id: reading.text("character_id", &row.character_id)?,
            settings: reading.json("settings", &row.settings)?,
            replenish: row.replenish,
            paused: reading.maybe_json("paused", row.paused.as_ref())?,
            since: Millis(row.since_ms),
        })
    }
}

/// The dataset of a character; an empty one that is switched off when nobody has said anything of it.
pub async fn get(db: &Db, character: CharacterId) -> Result<Dataset> {
    let row: Option<DatasetRow> = on_db!(db, |pool| sqlx::query_as("select * from datasets where character_id = $1")
        .bind(character.to_string())
        .fetch_optional(pool)
        .await)?;
    row.map_or_else(|| Ok(Dataset::new(character)), Dataset::try_from)
}

/// Every dataset somebody has said something of.
pub async fn list(db: &Db) -> Result<Vec<Dataset>> {
    let rows: Vec<DatasetRow> =
        on_db!(db, |pool| sqlx::query_as("select * from datasets order by character_id").fetch_all(pool).await)?;
    rows.into_iter().map(Dataset::try_from).collect()
}

const SET: &str = "
    insert into datasets (character_id, settings, replenish, paused, since_ms) values ($1, $2, $3, $4, $5)
    on conflict (character_id)
    do update set settings = excluded.settings, replenish = excluded.replenish, paused = excluded.paused,
                  since_ms = excluded.since_ms";

/// Keeps what is said of a dataset.
pub async fn set(tx: &mut Tx<'_>, dataset: &Dataset) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(SET)
        .bind(dataset.character_id.to_string())
        .bind(JsonText::of(&dataset.settings))
        .bind(dataset.replenish)
        .bind(dataset.paused.as_ref().map(JsonText::of))
        .bind(dataset.since.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const SET_SETTINGS: &str = "
    insert into datasets (character_id, settings, replenish, paused, since_ms) values ($1, $2, $3, null, 0)
    on conflict (character_id) do update set settings = excluded.settings";

/// Keeps what its owner says of a dataset, whatever else is known of it.
pub async fn set_settings(tx: &mut Tx<'_>, character: CharacterId, settings: &DatasetSettings) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(SET_SETTINGS)
        .bind(character.to_string())
        .bind(JsonText::of(settings))
        .bind(false)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const INSERT_REQUEST: &str = "
    insert into dataset_requests (task_id, character_id, location_id, picture_id, makes, portrait, automatic, state,
                                  request, asked_ms)
    values ($1, $2, $3, $4, $5, $6, $7, 'open', $8, $9)";

/// Keeps what is asked of an engine; its task is there already.
pub async fn insert_request(
    tx: &mut Tx<'_>,
    task: TaskId,
    request: &PictureRequest,
    automatic: bool,
    now: Millis,
) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(INSERT_REQUEST)
        .bind(task.to_string())
        .bind(request.job.owner().character().map(|id| id.to_string()))
        .bind(request.job.owner().location().map(|id| id.to_string()))
        .bind(request.job.id().hyphenated().to_string())
        .bind(request.job.makes())
        .bind(request.job.is_portrait())
        .bind(automatic)
        .bind(JsonText::of(request))
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const END_REQUEST: &str = "update dataset_requests set state = $2 where task_id = $1";

/// Keeps that a request is over, and whether it came to something.
pub async fn end_request(tx: &mut Tx<'_>, task: TaskId, done: bool) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(END_REQUEST)
        .bind(task.to_string())
        .bind(if done { "made" } else { "failed" })
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const KNOWN: &str = "select count(*) from tasks where id = $1";

// Of a project that was removed while it was at work, or by a studio of before, the task is left and nothing names it.
const FREE: &str = "
    delete from tasks
     where id = $1 and episode_id is null and state not in ('waiting', 'running')
       and not exists (select 1 from dataset_requests r where r.task_id = tasks.id)";

const FORGET_LEFT: &str = "
    delete from tasks
     where episode_id is null and not exists (select 1 from dataset_requests r where r.task_id = tasks.id)";

/// Forgets tasks of datasets and reference sheets that nothing asks for any more: their project was removed while they were at
/// work, and the power failed before they had ended. Only who has the lock and runs nothing may call this.
pub async fn forget_left(tx: &mut Tx<'_>) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(FORGET_LEFT).execute(conn).await.map(drop))?;
    Ok(())
}

/// Stores what was asked for in another studio and is over, with its task; a task of that id here is a conflict, unless it is
/// one of a removed project's, whose place it takes.
pub async fn import_request(tx: &mut Tx<'_>, task: &Task, asked: &Asked) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(FREE).bind(task.id.to_string()).execute(conn).await.map(drop))?;
    let known: i64 = on_tx!(tx, |conn| sqlx::query_scalar(KNOWN).bind(task.id.to_string()).fetch_one(conn).await)?;
    if known > 0 {
        return Err(Error::Conflict(format!("task {} is another one here", task.id)));
    }
    tasks::upsert(tx, task).await?;
    insert_request(tx, task.id, &asked.request, asked.automatic, asked.at).await?;
    end_request(tx, task.id, asked.state == RequestState::Made).await
}

const REOPEN_REQUEST: &str = "
    update dataset_requests
       set state = 'open', outcome = null,
           review_id = (select r.id from dataset_reviews r where r.id = review_id and not r.stopped)
     where task_id = $1";

/// Keeps that a request that had ended is asked for once more.
pub async fn reopen_request(tx: &mut Tx<'_>, task: TaskId) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(REOPEN_REQUEST).bind(task.to_string()).execute(conn).await.map(drop))?;
    Ok(())
}

const OPEN_REQUESTS: &str = "
    select task_id, request from dataset_requests where state = 'open' order by asked_ms, task_id";

/// Requests that are not over, the oldest first; one that cannot be read is left out, with its reason.
pub async fn open_requests(db: &Db) -> Result<Vec<(TaskId, Result<PictureRequest>)>> {
    let rows: Vec<(String, JsonText)> = on_db!(db, |pool| sqlx::query_as(OPEN_REQUESTS).fetch_all(pool).await)?;
    let read = |(id, request): (String, JsonText)| {
        let reading = Reading { table: "dataset_requests", id: &id };
        Ok((reading.text("task_id", &id)?, reading.json("request", &request)))
    };
    rows.into_iter().map(read).collect()
}

/// What was asked with a task; `None` when it is no dataset's.
pub async fn request_of(db: &Db, task: TaskId) -> Result<Option<PictureRequest>> {
    let key = task.to_string();
    let found: Option<JsonText> =
        on_db!(db, |pool| sqlx::query_scalar("select request from dataset_requests where task_id = $1")
            .bind(&key)
            .fetch_optional(pool)
            .await)?;
    Reading { table: "dataset_requests", id: &key }.maybe_json("request", found.as_ref())
}

/// A picture that was asked for, as far as it counts for what is asked next.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The task that makes it.
    pub task: TaskId,
    /// Everything about it.
    pub request: PictureRequest,
    /// What became of it.
    pub state: RequestState,
    /// The studio asked for it by itself.
    pub automatic: bool,
    /// When it was asked for.
    pub at: Millis,
}

#[derive(sqlx_macros::FromRow)]
struct AskedRow {
    task_id: String,
    automatic: bool,
    state: String,
    request: JsonText,
    asked_ms: i64,
}

impl TryFrom<AskedRow> for Asked {
    type Error = Error;
    fn try_from(row: AskedRow) -> Result<Self> {
        let reading = Reading { table: "dataset_requests", id: &row.task_id };
        Ok(Self {
            task: reading.text("task_id", &row.task_id)?,
            request: reading.json("request", &row.request)?,
            state: reading.word("state", &row.state)?,
            automatic: row.automatic,
            at: Millis(row.asked_ms),
        })
    }
}

const ASKED: &str = "
    select task_id, automatic, state, request, asked_ms from dataset_requests
     where character_id = $1 and makes and not portrait and (state = 'open' or asked_ms >= $2) order by asked_ms, task_id";

/// Pictures asked for a dataset that are not over, or were asked for since a moment; the oldest first.
pub async fn asked(db: &Db, character: CharacterId, since: Millis) -> Result<Vec<Asked>> {
    let rows: Vec<AskedRow> =
        on_db!(db, |pool| sqlx::query_as(ASKED).bind(character.to_string()).bind(since.0).fetch_all(pool).await)?;
    rows.into_iter().map(Asked::try_from).collect()
}

const OVER: &str = "
    select task_id, automatic, state, request, asked_ms from dataset_requests
     where (character_id = $1 or location_id = $1) and state <> 'open' order by asked_ms, task_id";

/// What was asked for somebody's, or a place's, dataset and reference sheet and is over, the oldest first; what cannot be read is
/// left out, with its reason in the log.
pub async fn over(db: &Db, owner: PortraitOwner) -> Result<Vec<Asked>> {
    let id = owner.id().hyphenated().to_string();
    let rows: Vec<AskedRow> = on_db!(db, |pool| sqlx::query_as(OVER).bind(&id).fetch_all(pool).await)?;
    table::readable(rows)
}

const COUNTS: &str = "
    select count(*), coalesce(max(case when automatic then asked_ms end), 0) from dataset_requests
     where character_id = $1 and makes and not portrait";

/// How many pictures were ever asked for a dataset, and when the studio did so by itself last (0: never).
pub async fn ever_asked(db: &Db, character: CharacterId) -> Result<(u64, Millis)> {
    let (count, last): (i64, i64) =
        on_db!(db, |pool| sqlx::query_as(COUNTS).bind(character.to_string()).fetch_one(pool).await)?;
    Ok((count.unsigned_abs(), Millis(last)))
}

const FILLING: &str = "
    select count(distinct character_id) from dataset_requests
     where state = 'open' and makes and not portrait and automatic and character_id <> $1";

/// Other datasets for which the studio has asked for pictures by itself that are not over.
pub async fn filling(db: &Db, without: CharacterId) -> Result<u64> {
    let count: i64 = on_db!(db, |pool| sqlx::query_scalar(FILLING).bind(without.to_string()).fetch_one(pool).await)?;
    Ok(count.unsigned_abs())
}

// A sum of nothing is null, and of whole numbers no number with a fraction in one of the databases.
const ENERGY: &str = "
    select coalesce(sum(a.energy_wh), 0.0)
      from attempts a join dataset_requests r on r.task_id = a.task_id
     where a.ended_ms >= $1 and not r.portrait and r.request -> 'job' ->> 'job' not like 'training%'";

/// Watt-hours of attempts for datasets that ended at `since` or later, as far as they were measured.
pub async fn energy_wh(db: &Db, since: Millis) -> Result<f64> {
    Ok(on_db!(db, |pool| sqlx::query_scalar(ENERGY).bind(since.0).fetch_one(pool).await)?)
}

const OF_CHARACTER: &str = "
    select task_id from dataset_requests where state = 'open' and character_id = $1";

/// Tasks of requests of a character's dataset that are not over.
pub async fn open_of(db: &Db, character: CharacterId) -> Result<Vec<TaskId>> {
    let rows: Vec<String> =
        on_db!(db, |pool| sqlx::query_scalar(OF_CHARACTER).bind(character.to_string()).fetch_all(pool).await)?;
    rows.iter().map(|id| Reading { table: "dataset_requests", id }.text("task_id", id)).collect()
}
