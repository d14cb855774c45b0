//! Attempts: executions of tasks, written before the engine hears of them.

use std::collections::BTreeMap;

use studio_core::{
    ids::{AttemptId, ContentHash, TaskId, TrainingId},
    order::Outputs,
    task::{Attempt, AttemptState},
    units::Millis,
};

use super::{
    AT_ONCE, Db, Error, Result, Tx, on_db, on_db_each, on_tx,
    rows::{JsonText, Reading, met, word},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct AttemptRow {
    id: String,
    task_id: String,
    key: String,
    engine: String,
    order_json: JsonText,
    state: String,
    outputs: Option<JsonText>,
    error: Option<String>,
    started_ms: i64,
    ended_ms: Option<i64>,
    relief: JsonText,
    kind_of_work: Option<String>,
    card: Option<String>,
    server: Option<String>,
    energy_wh: Option<f64>,
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = Error;
    fn try_from(row: AttemptRow) -> Result<Self> {
        let reading = Reading { table: "attempts", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            task_id: reading.text("task_id", &row.task_id)?,
            key: reading.text("key", &row.key)?,
            order: reading.json("order_json", &row.order_json)?,
            state: reading.word("state", &row.state)?,
            outputs: reading.maybe_json("outputs", row.outputs.as_ref())?,
            started: Millis(row.started_ms),
            ended: row.ended_ms.map(Millis),
            relief: reading.json("relief", &row.relief)?,
            energy_wh: row.energy_wh,
            kind_of_work: row.kind_of_work,
            card: row.card,
            server: row.server,
            engine: row.engine,
            error: row.error,
        })
    }
}

fn attempts(rows: Vec<AttemptRow>) -> Result<Vec<Attempt>> {
    rows.into_iter().map(Attempt::try_from).collect()
}

const START: &str = "
    insert into attempts (id, task_id, key, engine, order_json, state, outputs, error, started_ms, ended_ms,
                          relief, kind_of_work)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

/// Stores a new attempt, before the engine hears of it; [`Error::Conflict`] when its id is taken.
pub async fn start(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(START)
        .bind(attempt.id.to_string())
        .bind(attempt.task_id.to_string())
        .bind(attempt.key.to_string())
        .bind(&attempt.engine)
        .bind(JsonText::of(&attempt.order))
        .bind(word(&attempt.state))
        .bind(attempt.outputs.as_ref().map(JsonText::of))
        .bind(attempt.error.as_deref())
        .bind(attempt.started.0)
        .bind(attempt.ended.map(|ended| ended.0))
        .bind(JsonText::of(&attempt.relief))
        .bind(attempt.kind_of_work.as_deref())
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const END: &str = "
    update attempts set state = $2, outputs = $3, error = $4, ended_ms = $5 where id = $1 and state = 'running'";

/// Ends a running attempt: with outputs when it succeeded, with an error when it failed.
///
/// [`Error::Conflict`] when it has ended before: an engine that answers twice changes nothing.
pub async fn end(
    tx: &mut Tx<'_>,
    id: AttemptId,
    state: AttemptState,
    outputs: Option<&Outputs>,
    error: Option<&str>,
    now: Millis,
) -> Result<()> {
    if state == AttemptState::Running || (state == AttemptState::Succeeded) != outputs.is_some() {
        return Err(Error::Conflict(format!("attempt {id} cannot end as {} with these outputs", word(&state))));
    }
    let done = on_tx!(tx, |conn| sqlx::query(END)
        .bind(id.to_string())
        .bind(word(&state))
        .bind(outputs.map(JsonText::of))
        .bind(error)
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    if done == 1 {
        return Ok(());
    }
    let found: Option<String> = on_tx!(tx, |conn| sqlx::query_scalar("select state from attempts where id = $1")
        .bind(id.to_string())
        .fetch_optional(conn)
        .await)?;
    let before = found.ok_or_else(|| Error::not_found("attempt", &id))?;
    Err(Error::Conflict(format!("attempt {id} has already ended as {before}")))
}

/// The attempt with this id.
pub async fn get(db: &Db, id: AttemptId) -> Result<Attempt> {
    table::one::<AttemptRow, _>(db, "select * from attempts where id = $1", "attempt", &id).await
}

const RUNNING: &str = "select * from attempts where state = 'running' order by started_ms, id";

/// Attempts that have not ended, oldest first.
pub async fn running(db: &Db) -> Result<Vec<Attempt>> {
    attempts(on_db!(db, |pool| sqlx::query_as(RUNNING).fetch_all(pool).await)?)
}

/// All attempts of a task, oldest first.
pub async fn of_task(db: &Db, task: TaskId) -> Result<Vec<Attempt>> {
    let rows = on_db!(db, |pool| sqlx::query_as("select * from attempts where task_id = $1 order by id")
        .bind(task.to_string())
        .fetch_all(pool)
        .await)?;
    attempts(rows)
}

const SUCCEEDED_BY_KEY: &str = "
    select * from attempts where key = $1 and state = 'succeeded' and not void
     order by ended_ms desc, id desc limit 1";

/// The newest success of this work whose files are all still there; its outputs can be taken instead of working.
pub async fn succeeded_by_key(db: &Db, key: ContentHash) -> Result<Option<Attempt>> {
    let row: Option<AttemptRow> =
        on_db!(db, |pool| sqlx::query_as(SUCCEEDED_BY_KEY).bind(key.to_string()).fetch_optional(pool).await)?;
    row.map(Attempt::try_from).transpose()
}

macro_rules! succeeded_by_keys {
    ($list:literal) => {
        concat!(
            "select * from (
                select attempts.*, row_number() over (partition by key order by ended_ms desc, id desc) as place
                  from attempts where key in (",
            $list,
            ") and state = 'succeeded' and not void
             ) as newest where place = 1"
        )
    };
}
const SUCCEEDED_BY_KEYS_SQLITE: &str = succeeded_by_keys!("select value from json_each($1)");
const SUCCEEDED_BY_KEYS_POSTGRES: &str = succeeded_by_keys!("select jsonb_array_elements_text($1)");

/// The same of many works at once, by key, hundreds with each statement; those never done are left out.
pub async fn succeeded_by_keys(db: &Db, keys: &[ContentHash]) -> Result<BTreeMap<ContentHash, Attempt>> {
    let mut found = BTreeMap::new();
    for some in keys.chunks(AT_ONCE) {
        let list = JsonText::of(&some);
        let rows: Vec<AttemptRow> =
            on_db_each!(db, (SUCCEEDED_BY_KEYS_SQLITE, SUCCEEDED_BY_KEYS_POSTGRES), |sql, pool| sqlx::query_as(sql)
                .bind(list)
                .fetch_all(pool)
                .await)?;
        found.extend(attempts(rows)?.into_iter().map(|attempt| (attempt.key, attempt)));
    }
    Ok(found)
}

// Hashes are 64 hex digits, so text search in the JSON finds exactly the attempts whose outputs name the file.
const FORGET_MAKERS: &str = "
    update attempts set void = true where state = 'succeeded' and not void and cast(outputs as text) like $1";

/// Lets no attempt that made the file `hash` count as done any more; how many there were.
pub(super) async fn forget_makers(tx: &mut Tx<'_>, hash: ContentHash) -> Result<u64> {
    let done = on_tx!(tx, |conn| sqlx::query(FORGET_MAKERS)
        .bind(format!("%\"{hash}\"%"))
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    Ok(done)
}

const IS_DONE: &str = "select count(*) from attempts where key = $1 and state = 'succeeded' and not void";

/// Whether work with this key was done and counts, as the transaction sees it.
pub async fn is_done(tx: &mut Tx<'_>, key: ContentHash) -> Result<bool> {
    let found: i64 = on_tx!(tx, |conn| sqlx::query_scalar(IS_DONE).bind(key.to_string()).fetch_one(conn).await)?;
    Ok(found > 0)
}

const COUNTS_AGAIN: &str = "update attempts set void = false where id = $1";
const ALREADY_HERE: &str = "select task_id, key, state, void from attempts where id = $1";

/// Stores an attempt that succeeded in another studio, or in this one before its project was removed; done once, work
/// counts once: what this studio has made already is found there. [`Error::Conflict`] when its id is another's.
pub async fn import(tx: &mut Tx<'_>, attempt: &Attempt) -> Result<()> {
    let done = is_done(tx, attempt.key).await?;
    let id = attempt.id.to_string();
    let here: Option<(String, String, String, bool)> =
        on_tx!(tx, |conn| sqlx::query_as(ALREADY_HERE).bind(&id).fetch_optional(conn).await)?;
    let same = |task: &str, key: &str, state: &str| {
        let its = (attempt.task_id.to_string(), attempt.key.to_string());
        (task, key, state) == (its.0.as_str(), its.1.as_str(), word(&AttemptState::Succeeded).as_str())
    };
    match here {
        None => {
            start(tx, attempt).await?;
            if done { undone(tx, attempt.id).await } else { Ok(()) }
        }
        Some((task, key, state, _)) if !same(&task, &key, &state) => {
            Err(Error::Conflict(format!("attempt {id} is another one here")))
        }
        // Its files have come along.
        Some((.., true)) if !done => {
            on_tx!(tx, |conn| sqlx::query(COUNTS_AGAIN).bind(&id).execute(conn).await.map(drop))?;
            Ok(())
        }
        Some(_) => Ok(()),
    }
}

const UNDONE: &str = "update attempts set void = true where id = $1 and state = 'succeeded'";

/// Lets a success not count as done any more: what it did outside the studio has been undone since.
pub async fn undone(tx: &mut Tx<'_>, id: AttemptId) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(UNDONE)
        .bind(id.to_string())
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "succeeded attempt", &id)
}

/// What an attempt took, as far as it was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Took {
    /// Energy the card used meanwhile, in watt-hours.
    pub energy_wh: Option<f64>,
    /// The most memory that was used on the card while it ran, in MiB.
    pub peak_mib: Option<u64>,
    /// From its start to its end, in milliseconds.
    pub took_ms: Option<u64>,
}

/// Its identity, energy, peak of memory and length.
type TookRow = (String, Option<f64>, Option<i64>, Option<i64>);

/// What each attempt took that made an epoch of a training.
pub async fn took(db: &Db, training: TrainingId) -> Result<BTreeMap<AttemptId, Took>> {
    const TEXT: &str = "
        select id, energy_wh, peak_mib, ended_ms - started_ms from attempts
         where id in (select attempt_id from training_epochs where training_id = $1)";
    let rows: Vec<TookRow> = on_db!(db, |pool| sqlx::query_as(TEXT).bind(training.to_string()).fetch_all(pool).await)?;
    let whole = |number: Option<i64>| number.and_then(|number| u64::try_from(number).ok());
    let read = |(id, energy_wh, peak, took): TookRow| {
        let id = Reading { table: "attempts", id: &id }.key()?;
        Ok((id, Took { energy_wh, peak_mib: whole(peak), took_ms: whole(took) }))
    };
    rows.into_iter().map(read).collect()
}

const RAN_ON: &str = "update attempts set card = $2, server = $3, energy_wh = $4 where id = $1";

/// Keeps where an attempt was made, and what energy the card used meanwhile, in watt-hours.
pub async fn ran_on(tx: &mut Tx<'_>, id: AttemptId, card: &str, server: &str, energy_wh: Option<f64>) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(RAN_ON)
        .bind(id.to_string())
        .bind(card)
        .bind(server)
        .bind(energy_wh)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "attempt", &id)
}

// The newest hundred of all cards are enough for a median, and old ones say less.
const USUAL: &str = "
    select card, ended_ms - started_ms from attempts
     where kind_of_work = $1 and state = 'succeeded' and card is not null and ended_ms is not null
     order by ended_ms desc, id desc limit 100";

/// Median of how long such work took on each card, in milliseconds.
pub async fn usual_ms(db: &Db, kind_of_work: &str) -> Result<BTreeMap<String, u64>> {
    let rows: Vec<(String, i64)> = on_db!(db, |pool| sqlx::query_as(USUAL).bind(kind_of_work).fetch_all(pool).await)?;
    let mut by_card: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (card, took_ms) in rows {
        by_card.entry(card).or_default().push(took_ms);
    }
    let median = |mut took: Vec<i64>| {
        took.sort_unstable();
        took[took.len() / 2].unsigned_abs()
    };
    Ok(by_card.into_iter().map(|(card, took)| (card, median(took))).collect())
}

const DURATIONS: &str = "
    select ended_ms - started_ms from attempts
     where engine = $1 and state = 'succeeded' and ended_ms is not null
     order by ended_ms desc, id desc limit 50";

/// How long the newest 50 successes of an engine (name and version) took, in milliseconds, newest first.
pub async fn durations(db: &Db, engine: &str) -> Result<Vec<i64>> {
    Ok(on_db!(db, |pool| sqlx::query_scalar(DURATIONS).bind(engine).fetch_all(pool).await)?)
}
