//! Tasks: units of durable work.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    failure::TaskFault,
    ids::{ContentHash, EpisodeId, ProjectId, TaskId},
    ladder::Rung,
    order::Outputs,
    production::Job,
    task::{Class, Task, TaskState},
    units::Millis,
};

use studio_engine::Boxed;

use super::{
    AT_ONCE, Db, Error, Result, Tx, on_db, on_db_each, on_tx, on_tx_each,
    rows::{JsonText, Reading, hash, met, step, word},
    table,
};

#[derive(sqlx_macros::FromRow)]
struct TaskRow {
    id: String,
    episode_id: Option<String>,
    slot: String,
    engine: String,
    class: String,
    state: String,
    reason: String,
    fault: Option<JsonText>,
    job: JsonText,
    key: Option<String>,
    outputs: Option<JsonText>,
    strikes: i64,
    relief: JsonText,
    not_before_ms: i64,
    created_ms: i64,
    updated_ms: i64,
}

impl TryFrom<TaskRow> for Task {
    type Error = Error;
    fn try_from(row: TaskRow) -> Result<Self> {
        let reading = Reading { table: "tasks", id: &row.id };
        Ok(Self {
            id: reading.key()?,
            episode_id: reading.maybe("episode_id", row.episode_id.as_deref())?,
            class: reading.word("class", &row.class)?,
            state: reading.word("state", &row.state)?,
            fault: reading.maybe_json("fault", row.fault.as_ref())?,
            job: reading.json("job", &row.job)?,
            key: reading.maybe("key", row.key.as_deref())?,
            outputs: reading.maybe_json("outputs", row.outputs.as_ref())?,
            strikes: reading.number("strikes", row.strikes)?,
            relief: reading.json("relief", &row.relief)?,
            not_before: Millis(row.not_before_ms),
            created: Millis(row.created_ms),
            updated: Millis(row.updated_ms),
            slot: row.slot,
            engine: row.engine,
            reason: row.reason,
        })
    }
}

fn tasks(rows: Vec<TaskRow>) -> Result<Vec<Task>> {
    rows.into_iter().map(Task::try_from).collect()
}

// A class a person set stays when the work is planned again, as a pin does.
const UPSERT_IN_EPISODE: &str = "
    insert into tasks (id, episode_id, slot, engine, class, state, reason, job, key, outputs, strikes,
                       not_before_ms, created_ms, updated_ms, relief, fault)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    on conflict (episode_id, slot)
    do update set engine = excluded.engine, state = excluded.state,
                  reason = excluded.reason, job = excluded.job, key = excluded.key, outputs = excluded.outputs,
                  strikes = excluded.strikes, not_before_ms = excluded.not_before_ms,
                  updated_ms = excluded.updated_ms, relief = excluded.relief, fault = excluded.fault
    returning id";

// Work of its own has no slot to be found by, so it is found by its id.
const UPSERT_ALONE: &str = "
    insert into tasks (id, episode_id, slot, engine, class, state, reason, job, key, outputs, strikes,
                       not_before_ms, created_ms, updated_ms, relief, fault)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
    on conflict (id)
    do update set slot = excluded.slot, engine = excluded.engine, class = excluded.class, state = excluded.state,
                  reason = excluded.reason, job = excluded.job, key = excluded.key, outputs = excluded.outputs,
                  strikes = excluded.strikes, not_before_ms = excluded.not_before_ms,
                  updated_ms = excluded.updated_ms, relief = excluded.relief, fault = excluded.fault
    returning id";

// Columns that are not named are as of a task nobody has begun: no key, outputs or fault, nothing done differently.
macro_rules! lay_out {
    ($rows:literal) => {
        concat!(
            "insert into tasks (id, episode_id, slot, engine, class, state, reason, job, strikes,
                                not_before_ms, created_ms, updated_ms)
             select value ->> 'id', $2, value ->> 'slot', value ->> 'engine', value ->> 'class', 'waiting', $3,
                    value -> 'job', 0, $4, $4, $4
               from ",
            $rows,
            " where true
             on conflict (episode_id, slot)
             do update set engine = excluded.engine, state = excluded.state,
                           reason = excluded.reason, job = excluded.job, key = excluded.key, outputs = excluded.outputs,
                           strikes = excluded.strikes, not_before_ms = excluded.not_before_ms,
                           updated_ms = excluded.updated_ms, relief = excluded.relief, fault = excluded.fault
             returning slot, id"
        )
    };
}
const LAY_OUT_SQLITE: &str = lay_out!("json_each($1)");
const LAY_OUT_POSTGRES: &str = lay_out!("jsonb_array_elements($1) as rows (value)");

/// A task as a plan has it, before anything is made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The identity it gets when it is new.
    pub id: TaskId,
    /// What is to be made.
    pub job: Job,
    /// Which engine does it.
    pub engine: String,
    /// Who waits for it.
    pub class: Class,
}

/// Stores tasks of an episode that wait for their turn, a few hundred with each statement; their ids in the store, in
/// the given order. As [`upsert`]: one that is there keeps its id and the moment it was first asked for.
pub async fn lay_out(
    tx: &mut Tx<'_>,
    episode: EpisodeId,
    planned: &[Planned],
    reason: &str,
    now: Millis,
) -> Result<Vec<TaskId>> {
    let mut stored = Vec::with_capacity(planned.len());
    for some in planned.chunks(AT_ONCE) {
        let slots: Vec<String> = some.iter().map(|one| one.job.path()).collect();
        let rows = some.iter().zip(&slots).map(|(one, slot)| {
            serde_json::json!({
                "id": one.id, "slot": slot, "engine": one.engine, "class": one.class, "job": one.job,
            })
        });
        let rows = JsonText::of(&rows.collect::<Vec<_>>());
        let (episode, sqlite, postgres) = (episode.to_string(), LAY_OUT_SQLITE, LAY_OUT_POSTGRES);
        let laid_out: Vec<(String, String)> = on_tx_each!(tx, (sqlite, postgres), |sql, conn| sqlx::query_as(sql)
            .bind(rows)
            .bind(episode)
            .bind(reason)
            .bind(now.0)
            .fetch_all(conn)
            .await)?;
        let by_slot: BTreeMap<&str, &str> = laid_out.iter().map(|(slot, id)| (slot.as_str(), id.as_str())).collect();
        for (one, slot) in some.iter().zip(&slots) {
            let id = by_slot.get(slot.as_str()).ok_or_else(|| Error::not_found("task", &one.id))?;
            stored.push(Reading { table: "tasks", id }.key()?);
        }
    }
    Ok(stored)
}

/// Stores a task whole, by episode and slot (by id when it has no episode); the id it has in the store is returned.
///
/// One that is there keeps its id and the moment it was first asked for; everything else becomes as given, and
/// no rule of states is asked: this is how a plan is written, the steps of the work have functions of their own.
pub async fn upsert(tx: &mut Tx<'_>, task: &Task) -> Result<TaskId> {
    let sql = if task.episode_id.is_some() { UPSERT_IN_EPISODE } else { UPSERT_ALONE };
    let id: String = on_tx!(tx, |conn| sqlx::query_scalar(sql)
        .bind(task.id.to_string())
        .bind(task.episode_id.map(|id| id.to_string()))
        .bind(&task.slot)
        .bind(&task.engine)
        .bind(word(&task.class))
        .bind(word(&task.state))
        .bind(&task.reason)
        .bind(JsonText::of(&task.job))
        .bind(hash(task.key))
        .bind(task.outputs.as_ref().map(JsonText::of))
        .bind(i64::from(task.strikes))
        .bind(task.not_before.0)
        .bind(task.created.0)
        .bind(task.updated.0)
        .bind(JsonText::of(&task.relief))
        .bind(task.fault.as_ref().map(JsonText::of))
        .fetch_one(conn)
        .await)?;
    Reading { table: "tasks", id: &id }.key()
}

const RELIEF: &str = "select relief from tasks where id = $1";

/// What is done differently for a task because the card was full before, in the order tried.
pub async fn relief(db: &Db, id: TaskId) -> Result<Vec<Rung>> {
    let row: Option<JsonText> =
        on_db!(db, |pool| sqlx::query_scalar(RELIEF).bind(id.to_string()).fetch_optional(pool).await)?;
    let row = row.ok_or_else(|| Error::not_found("task", &id))?;
    Reading { table: "tasks", id: &id.to_string() }.json("relief", &row)
}

const SET_RELIEF: &str = "update tasks set relief = $2, updated_ms = $3 where id = $1";

/// Keeps what is to be done differently from now on.
pub async fn set_relief(tx: &mut Tx<'_>, id: TaskId, relief: &[Rung], now: Millis) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_RELIEF)
        .bind(id.to_string())
        .bind(JsonText::of(&relief))
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "task", &id)
}

/// The task with this id.
pub async fn get(db: &Db, id: TaskId) -> Result<Task> {
    table::one::<TaskRow, _>(db, "select * from tasks where id = $1", "task", &id).await
}

const FIND: &str = "select * from tasks where id like $1 or id like $2 order by id limit 20";

/// Tasks whose id starts or ends with `part` (any case), at most 20; nothing for a part no id can have.
///
/// Ids made in the same minute share their start, so people find a task by its end more easily.
pub async fn find(db: &Db, part: &str) -> Result<Vec<Task>> {
    let part = part.to_ascii_lowercase();
    if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-') {
        return Ok(Vec::new());
    }
    let rows = on_db!(db, |pool| sqlx::query_as(FIND)
        .bind(format!("{part}%"))
        .bind(format!("%{part}"))
        .fetch_all(pool)
        .await)?;
    tasks(rows)
}

/// All tasks of an episode, in creation order.
pub async fn of_episode(db: &Db, episode: EpisodeId) -> Result<Vec<Task>> {
    let rows = on_db!(db, |pool| sqlx::query_as("select * from tasks where episode_id = $1 order by created_ms, id")
        .bind(episode.to_string())
        .fetch_all(pool)
        .await)?;
    tasks(rows)
}

const IN_SLOTS_SQLITE: &str = "
    select * from tasks where episode_id = $1 and slot in (select value from json_each($2)) order by created_ms, id";
const IN_SLOTS_POSTGRES: &str = "
    select * from tasks where episode_id = $1 and slot in (select jsonb_array_elements_text($2)) order by created_ms, id";

/// The tasks of an episode for these jobs, in creation order; those it does not have are left out.
pub async fn of_jobs(db: &Db, episode: EpisodeId, jobs: &[Job]) -> Result<Vec<Task>> {
    let slots = JsonText::of(&jobs.iter().map(|job| job.path()).collect::<Vec<_>>());
    let rows = on_db_each!(db, (IN_SLOTS_SQLITE, IN_SLOTS_POSTGRES), |sql, pool| sqlx::query_as(sql)
        .bind(episode.to_string())
        .bind(slots)
        .fetch_all(pool)
        .await)?;
    tasks(rows)
}

const STOPPED: &str = "
    select tasks.id from tasks
      join (select subject, max(seq) as newest from events group by subject) as news on news.subject = tasks.id
      join events on events.seq = news.newest
     where tasks.episode_id = $1 and tasks.state = 'cancelled' and events.kind = 'task.cancelled'
     order by tasks.created_ms, tasks.id";

/// Tasks of an episode that were cancelled, and whatever could not do without them; those a new plan no longer has
/// are not among them. In creation order.
pub async fn stopped(db: &Db, episode: EpisodeId) -> Result<Vec<TaskId>> {
    let ids: Vec<String> =
        on_db!(db, |pool| sqlx::query_scalar(STOPPED).bind(episode.to_string()).fetch_all(pool).await)?;
    ids.iter().map(|id| Reading { table: "tasks", id }.key()).collect()
}

const UNFINISHED: &str = "select * from tasks where state in ('waiting', 'running') order by created_ms, id";

/// Every waiting or running task, in creation order.
pub async fn unfinished(db: &Db) -> Result<Vec<Task>> {
    tasks(on_db!(db, |pool| sqlx::query_as(UNFINISHED).fetch_all(pool).await)?)
}

macro_rules! wanted {
    () => {
        "select * from tasks
          where ($1 is null or state = $1) and ($2 is null or episode_id = $2)
            and ($3 is null or episode_id in (select id from episodes where project_id = $3))
            and ($4 is null or job ->> 'job' = $4) "
    };
}
const NEWEST: &str = concat!(wanted!(), "and ($5 is null or id < $5) order by id desc limit $6");
const OLDEST: &str = concat!(wanted!(), "and ($5 is null or id > $5) order by id limit $6");

/// Which tasks are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<TaskState>,
    /// Only those of this episode.
    pub episode: Option<EpisodeId>,
    /// Only those of this project.
    pub project: Option<ProjectId>,
    /// Only those that do the same as this job, whatever it is for: `Job::Music` of any scene means all music.
    pub like: Option<Job>,
    /// Only those that come after this one.
    pub after: Option<TaskId>,
    /// The oldest come first.
    pub oldest_first: bool,
    /// At most this many.
    pub limit: u32,
}

/// The word of what a job does, as its row has it.
fn kind(job: Job) -> String {
    // An enum with the tag `job` is an object that has it.
    serde_json::to_value(job).ok().and_then(|job| job["job"].as_str().map(str::to_owned)).unwrap_or_default()
}

/// One page of tasks.
pub async fn page(db: &Db, asked: &Filter) -> Result<Vec<Task>> {
    let text = if asked.oldest_first { OLDEST } else { NEWEST };
    let fetch = |after: Option<String>, limit: i64| -> Boxed<'_, Result<Vec<TaskRow>>> {
        Box::pin(async move {
            Ok(on_db!(db, |pool| sqlx::query_as(text)
                .bind(asked.state.map(|state| word(&state)))
                .bind(asked.episode.map(|id| id.to_string()))
                .bind(asked.project.map(|id| id.to_string()))
                .bind(asked.like.map(kind))
                .bind(after)
                .bind(limit)
                .fetch_all(pool)
                .await)?)
        })
    };
    table::page(asked.after, asked.limit, |row| &row.id, fetch).await
}

/// How many tasks are in each state; states without tasks are left out.
pub async fn counts(db: &Db) -> Result<Vec<(TaskState, u64)>> {
    let rows: Vec<(String, i64)> =
        on_db!(db, |pool| sqlx::query_as("select state, count(*) from tasks group by state order by state")
            .fetch_all(pool)
            .await)?;
    let counted = rows.iter().map(|(state, count)| {
        let reading = Reading { table: "tasks", id: "(several)" };
        Ok((reading.word("state", state)?, reading.number("state", *count)?))
    });
    counted.collect()
}

/// Refuses a step to `next` that the task's present state forbids.
async fn may_step(tx: &mut Tx<'_>, id: TaskId, next: TaskState) -> Result<()> {
    let key = id.to_string();
    let found: Option<String> = on_tx!(tx, |conn| sqlx::query_scalar("select state from tasks where id = $1")
        .bind(&key)
        .fetch_optional(conn)
        .await)?;
    step(Reading { table: "tasks", id: &key }, "task", found.as_deref(), next, TaskState::may_become)
}

const SET_STATE: &str = "
    update tasks set state = $2, reason = $3, fault = $5, outputs = null, updated_ms = $4 where id = $1";

/// Moves a task to another state, with the sentence that says why; its outputs go, as only a task that succeeded
/// has any, and so does what went wrong before. [`Error::Conflict`] when it may not go there from where it is; success
/// is [`finish`]'s.
pub async fn set_state(tx: &mut Tx<'_>, id: TaskId, next: TaskState, reason: &str, now: Millis) -> Result<()> {
    if next == TaskState::Succeeded {
        return Err(Error::Conflict(format!("task {id} cannot succeed without outputs")));
    }
    move_to(tx, id, next, (reason, None), now).await
}

/// Ends a task without a result, in the state its fault means.
pub async fn fail(tx: &mut Tx<'_>, id: TaskId, fault: &TaskFault, now: Millis) -> Result<()> {
    move_to(tx, id, fault.state(), (&fault.to_string(), Some(fault)), now).await
}

async fn move_to(
    tx: &mut Tx<'_>,
    id: TaskId,
    next: TaskState,
    (reason, fault): (&str, Option<&TaskFault>),
    now: Millis,
) -> Result<()> {
    may_step(tx, id, next).await?;
    on_tx!(tx, |conn| sqlx::query(SET_STATE)
        .bind(id.to_string())
        .bind(word(&next))
        .bind(reason)
        .bind(now.0)
        .bind(fault.map(JsonText::of))
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const STATES_SQLITE: &str = "select id, state from tasks where id in (select value from json_each($1))";
const STATES_POSTGRES: &str = "select id, state from tasks where id in (select jsonb_array_elements_text($1))";
const MOVE_ALL_SQLITE: &str = "
    update tasks set state = $2, reason = $3, fault = $5, outputs = null, updated_ms = $4
     where id in (select value from json_each($1))";
const MOVE_ALL_POSTGRES: &str = "
    update tasks set state = $2, reason = $3, fault = $5, outputs = null, updated_ms = $4
     where id in (select jsonb_array_elements_text($1))";

/// Ends tasks that all came to the same, in the state that means: two statements however many they are.
pub async fn fail_all(tx: &mut Tx<'_>, ids: &[TaskId], fault: &TaskFault, now: Millis) -> Result<()> {
    move_all(tx, ids, fault.state(), (&fault.to_string(), Some(fault)), now).await
}

async fn move_all(
    tx: &mut Tx<'_>,
    ids: &[TaskId],
    next: TaskState,
    (reason, fault): (&str, Option<&TaskFault>),
    now: Millis,
) -> Result<()> {
    let list = JsonText::of(&ids);
    let asked = list.clone();
    let states: Vec<(String, String)> =
        on_tx_each!(tx, (STATES_SQLITE, STATES_POSTGRES), |sql, conn| sqlx::query_as(sql)
            .bind(asked)
            .fetch_all(conn)
            .await)?;
    let found: BTreeMap<&str, &str> = states.iter().map(|(id, state)| (id.as_str(), state.as_str())).collect();
    for id in ids {
        let key = id.to_string();
        let reading = Reading { table: "tasks", id: &key };
        step(reading, "task", found.get(key.as_str()).copied(), next, TaskState::may_become)?;
    }
    on_tx_each!(tx, (MOVE_ALL_SQLITE, MOVE_ALL_POSTGRES), |sql, conn| sqlx::query(sql)
        .bind(list)
        .bind(word(&next))
        .bind(reason)
        .bind(now.0)
        .bind(fault.map(JsonText::of))
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const SET_REASON: &str = "update tasks set reason = $2, fault = $3, updated_ms = $4 where id = $1";

/// Changes only why a task waits: after an attempt that came to nothing and does not count against it.
pub async fn set_reason(tx: &mut Tx<'_>, id: TaskId, reason: &str, fault: &TaskFault, now: Millis) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(SET_REASON)
        .bind(id.to_string())
        .bind(reason)
        .bind(JsonText::of(fault))
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "task", &id)
}

/// Changes only what is said of a task that succeeded: somebody has said more of what it chose.
pub async fn say(tx: &mut Tx<'_>, id: TaskId, reason: &str, now: Millis) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("update tasks set reason = $2, updated_ms = $3 where id = $1")
        .bind(id.to_string())
        .bind(reason)
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "task", &id)
}

/// Stores the key of a task's resolved order.
pub async fn set_resolved(tx: &mut Tx<'_>, id: TaskId, key: ContentHash, now: Millis) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query("update tasks set key = $2, updated_ms = $3 where id = $1")
        .bind(id.to_string())
        .bind(key.to_string())
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "task", &id)
}

const FINISH: &str = "
    update tasks set state = 'succeeded', outputs = $2, reason = $3, fault = null, updated_ms = $4 where id = $1";

/// Ends a task well: from waiting when its result was there already, else from running.
pub async fn finish(tx: &mut Tx<'_>, id: TaskId, outputs: &Outputs, reason: &str, now: Millis) -> Result<()> {
    may_step(tx, id, TaskState::Succeeded).await?;
    on_tx!(tx, |conn| sqlx::query(FINISH)
        .bind(id.to_string())
        .bind(JsonText::of(outputs))
        .bind(reason)
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const STRIKE: &str = "
    update tasks set state = 'waiting', outputs = null, strikes = strikes + 1, reason = $2, fault = $5, not_before_ms = $3,
                     updated_ms = $4
     where id = $1 returning strikes";

/// Counts a failed attempt and lets the task wait until `not_before`; how many have failed now.
pub async fn strike(
    tx: &mut Tx<'_>,
    id: TaskId,
    reason: &str,
    fault: &TaskFault,
    not_before: Millis,
    now: Millis,
) -> Result<u32> {
    let key = id.to_string();
    let strikes: Option<i64> = on_tx!(tx, |conn| sqlx::query_scalar(STRIKE)
        .bind(&key)
        .bind(reason)
        .bind(not_before.0)
        .bind(now.0)
        .bind(JsonText::of(fault))
        .fetch_optional(conn)
        .await)?;
    let reading = Reading { table: "tasks", id: &key };
    reading.number("strikes", strikes.ok_or_else(|| Error::not_found("task", &id))?)
}

const AGAIN: &str = "
    update tasks set state = 'waiting', reason = $2, fault = null, key = null, outputs = null, strikes = 0, not_before_ms = 0,
                     updated_ms = $3
     where id = $1";

/// Asks for a task once more, from any state: no strikes, no back-off, no key, no outputs.
pub async fn again(tx: &mut Tx<'_>, id: TaskId, reason: &str, now: Millis) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(AGAIN)
        .bind(id.to_string())
        .bind(reason)
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "task", &id)
}

/// Tasks of an episode that the plan no longer has: their job is not in `kept`.
async fn surplus(tx: &mut Tx<'_>, episode: EpisodeId, kept: &[Job]) -> Result<Vec<Task>> {
    let rows = on_tx!(tx, |conn| sqlx::query_as("select * from tasks where episode_id = $1 order by created_ms, id")
        .bind(episode.to_string())
        .fetch_all(conn)
        .await)?;
    let kept: BTreeSet<Job> = kept.iter().copied().collect();
    Ok(tasks(rows)?.into_iter().filter(|task| !task.job.production().is_some_and(|job| kept.contains(&job))).collect())
}

/// Cancels the unfinished tasks of an episode whose job is not in `kept`. They are returned as they were before,
/// so that the running ones can be stopped.
pub async fn cancel_surplus(
    tx: &mut Tx<'_>,
    episode: EpisodeId,
    kept: &[Job],
    reason: &str,
    now: Millis,
) -> Result<Vec<Task>> {
    let mut cancelled = surplus(tx, episode, kept).await?;
    cancelled.retain(|task| !task.state.is_final());
    let ids: Vec<TaskId> = cancelled.iter().map(|task| task.id).collect();
    if !ids.is_empty() {
        move_all(tx, &ids, TaskState::Cancelled, (reason, None), now).await?;
    }
    Ok(cancelled)
}

/// Deletes the finished tasks of an episode whose job is not in `kept`; how many. Their attempts stay: they are
/// the memory of what was made.
pub async fn delete_surplus(tx: &mut Tx<'_>, episode: EpisodeId, kept: &[Job]) -> Result<u64> {
    let mut gone = 0;
    for task in surplus(tx, episode, kept).await?.into_iter().filter(|task| task.state.is_final()) {
        gone += on_tx!(tx, |conn| sqlx::query("delete from tasks where id = $1")
            .bind(task.id.to_string())
            .execute(conn)
            .await
            .map(|done| done.rows_affected()))?;
    }
    Ok(gone)
}
