//! Fleet: what people want of tasks and cards, what attempts took and cost, and what was foretold.

use std::collections::{BTreeMap, BTreeSet};

use studio_core::{
    durations::{Load, Sample},
    fleet::{Pause, PauseReason, Scope},
    ids::{AttemptId, EpisodeId, TaskId},
    quiet::QuietHours,
    schedule::Steer,
    task::Class,
    units::Millis,
};

use super::{
    Db, Error, Result, Tx, on_db, on_tx,
    rows::{JsonText, Reading, met, word},
};

/// What people want of single tasks, whether these are over or not.
#[derive(Debug, Default)]
pub struct Steered {
    /// Tasks a person wants first.
    pub pinned: BTreeSet<TaskId>,
    /// Tasks a person wants to wait.
    pub held: BTreeSet<TaskId>,
    /// Tasks of another class than the usual one.
    pub classes: BTreeMap<TaskId, Class>,
    /// Tasks a person moved, each with the one it goes before, in the order in which they were moved.
    pub moves: Vec<(TaskId, TaskId)>,
}

/// Its identity, whether it is pinned and held, its class, and what it goes before.
type SteeredRow = (String, bool, bool, String, Option<String>);

const STEERED: &str = "
    select id, pinned, held, class, moved_before from tasks
    where pinned or held or class <> 'production' or moved is not null order by moved, id";

/// What people want of single tasks.
pub async fn steered(db: &Db) -> Result<Steered> {
    let rows: Vec<SteeredRow> = on_db!(db, |pool| sqlx::query_as(STEERED).fetch_all(pool).await)?;
    let mut all = Steered::default();
    for (id, pinned, held, class, before) in rows {
        let reading = Reading { table: "tasks", id: &id };
        let task: TaskId = reading.key()?;
        if pinned {
            all.pinned.insert(task);
        }
        if held {
            all.held.insert(task);
        }
        let class: Class = reading.word("class", &class)?;
        if class != Class::Production {
            all.classes.insert(task, class);
        }
        all.moves.extend(reading.maybe("moved_before", before.as_deref())?.map(|before| (task, before)));
    }
    Ok(all)
}

const STEER: &str = "
    update tasks set pinned = coalesce($2, pinned), held = coalesce($3, held), class = coalesce($4, class),
                     moved_before = coalesce($5, moved_before), moved = coalesce($6, moved), updated_ms = $7
    where id = $1";

/// Keeps what a person wants of a task.
pub async fn steer(tx: &mut Tx<'_>, task: TaskId, to: Steer, now: Millis) -> Result<()> {
    let (pinned, held) = match to {
        Steer::Pin => (Some(true), None),
        Steer::Unpin => (Some(false), None),
        Steer::Hold => (None, Some(true)),
        Steer::Release => (None, Some(false)),
        Steer::Before(_) | Steer::Class(_) => (None, None),
    };
    let class = if let Steer::Class(class) = to { Some(word(&class)) } else { None };
    let before = if let Steer::Before(before) = to { Some(before.to_string()) } else { None };
    let moved: Option<i64> = match &before {
        Some(_) => Some(on_tx!(tx, |conn| sqlx::query_scalar("select coalesce(max(moved), 0) + 1 from tasks")
            .fetch_one(conn)
            .await)?),
        None => None,
    };
    let done = on_tx!(tx, |conn| sqlx::query(STEER)
        .bind(task.to_string())
        .bind(pinned)
        .bind(held)
        .bind(class)
        .bind(before)
        .bind(moved)
        .bind(now.0)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "task", &task)
}

fn words(scope: &Scope) -> (&'static str, &str) {
    match scope {
        Scope::Studio => ("studio", ""),
        Scope::Gpu(name) => ("gpu", name),
        Scope::Engine(name) => ("engine", name),
        Scope::Project(name) => ("project", name),
    }
}

const PAUSE: &str = "
    insert into pauses (what, name, why, frees, since_ms) values ($1, $2, $3, $4, $5)
    on conflict (what, name) do update set why = excluded.why, frees = excluded.frees or pauses.frees";

/// Keeps that something rests because a person wants it so, and whether models leave it; once they shall, they do until
/// it goes on.
pub async fn pause(tx: &mut Tx<'_>, scope: &Scope, why: &PauseReason, frees: bool, now: Millis) -> Result<()> {
    let (what, name) = words(scope);
    on_tx!(tx, |conn| sqlx::query(PAUSE)
        .bind(what)
        .bind(name)
        .bind(why.to_string())
        .bind(frees)
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Forgets that something rests.
pub async fn resume(tx: &mut Tx<'_>, scope: &Scope) -> Result<()> {
    let (what, name) = words(scope);
    on_tx!(tx, |conn| sqlx::query("delete from pauses where what = $1 and name = $2")
        .bind(what)
        .bind(name)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// What rests because a person wants it so.
pub async fn pauses(db: &Db) -> Result<Vec<(Scope, Pause)>> {
    let rows: Vec<(String, String, String, bool, i64)> =
        on_db!(db, |pool| sqlx::query_as("select what, name, why, frees, since_ms from pauses order by what, name")
            .fetch_all(pool)
            .await)?;
    let read = |(what, name, why, frees, since_ms): (String, String, String, bool, i64)| {
        let scope = match what.as_str() {
            "studio" => Scope::Studio,
            "gpu" => Scope::Gpu(name),
            "engine" => Scope::Engine(name),
            "project" => Scope::Project(name),
            _ => return Err(Error::Conflict(format!("pauses: nothing called '{what}' can rest"))),
        };
        // Kept as the sentence it is, which is what earlier studios kept.
        let because = PauseReason::from(why.as_str());
        Ok((scope, Pause { why, because, since: Millis(since_ms), until: None, frees }))
    };
    rows.into_iter().map(read).collect()
}

const SET_QUIET: &str = "
    insert into settings (name, value, set_ms) values ('quiet', $1, $2)
    on conflict (name) do update set value = excluded.value, set_ms = excluded.set_ms";

/// Keeps the quiet hours of the page; `None` leaves them to the settings file again.
pub async fn set_quiet(tx: &mut Tx<'_>, hours: Option<&[QuietHours]>, now: Millis) -> Result<()> {
    let set = hours.map(|hours| JsonText::of(&hours));
    if let Some(set) = set {
        on_tx!(tx, |conn| sqlx::query(SET_QUIET).bind(set).bind(now.0).execute(conn).await.map(drop))?;
    } else {
        on_tx!(tx, |conn| sqlx::query("delete from settings where name = 'quiet'").execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// The quiet hours of the page; `None` when the settings file says them.
pub async fn quiet(db: &Db) -> Result<Option<Vec<QuietHours>>> {
    let found: Option<JsonText> =
        on_db!(db, |pool| sqlx::query_scalar("select value from settings where name = 'quiet'")
            .fetch_optional(pool)
            .await)?;
    Reading { table: "settings", id: "quiet" }.maybe_json("value", found.as_ref())
}

/// Where an attempt is made, and as what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The card; `None` on the CPU.
    pub card: Option<String>,
    /// The seat: a server's name.
    pub seat: String,
    /// The model; empty for engines without.
    pub model: String,
    /// Size, length, effort: what makes its duration comparable.
    pub kind: String,
    /// It stands on a take nobody has judged.
    pub speculative: bool,
}

const PLACED: &str = "update attempts set card = $2, server = $3, model = $4, kind = $5, early = $6 where id = $1";

/// Keeps where an attempt is made, and as what.
pub async fn placed(tx: &mut Tx<'_>, id: AttemptId, at: &Place) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(PLACED)
        .bind(id.to_string())
        .bind(at.card.as_deref())
        .bind(at.card.as_ref().map(|_| at.seat.as_str()))
        .bind(&at.model)
        .bind(&at.kind)
        .bind(at.speculative)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "attempt", &id)
}

const COST: &str = "update attempts set peak_mib = $2, money = $3 where id = $1";

/// Keeps the most memory an attempt used, and what it cost.
pub async fn cost(tx: &mut Tx<'_>, id: AttemptId, peak_mib: Option<u64>, money: Option<f64>) -> Result<()> {
    let done = on_tx!(tx, |conn| sqlx::query(COST)
        .bind(id.to_string())
        .bind(peak_mib.map(|mib| mib as i64))
        .bind(money)
        .execute(conn)
        .await
        .map(|done| done.rows_affected()))?;
    met(done, "attempt", &id)
}

// Enough for every kind of work a studio does; old ones say less.
const LEARNED: &str = "
    select engine, model, kind, coalesce(card, ''), ended_ms - started_ms, peak_mib from attempts
     where state = 'succeeded' and kind <> '' and ended_ms is not null
     order by ended_ms desc, id desc limit 5000";

/// What attempts of earlier runs took, oldest first.
pub async fn learned(db: &Db) -> Result<Vec<Sample>> {
    type Row = (String, String, String, String, i64, Option<i64>);
    let rows: Vec<Row> = on_db!(db, |pool| sqlx::query_as(LEARNED).fetch_all(pool).await)?;
    let sample = |(engine, model, kind, card, took_ms, peak): Row| Sample {
        engine: engine.split('/').next().unwrap_or_default().to_owned(),
        model,
        kind,
        card,
        took_ms: took_ms.unsigned_abs(),
        peak_mib: peak.map(i64::unsigned_abs),
    };
    Ok(rows.into_iter().rev().map(sample).collect())
}

const LOADED: &str = "
    insert into loads (id, engine, model, card, took_ms, at_ms) values ($1, $2, $3, $4, $5, $6)";

/// Keeps how long a model took to come, in whole milliseconds from 1.
///
/// # Errors
/// What the database says; a load of 0 ms is refused.
pub async fn loaded(tx: &mut Tx<'_>, id: uuid::Uuid, load: &Load, now: Millis) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(LOADED)
        .bind(id.to_string())
        .bind(&load.engine)
        .bind(&load.model)
        .bind(&load.card)
        .bind(load.took_ms as i64)
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

// As many as are kept in memory for a good number of models; old ones say less.
const LOADS: &str = "select engine, model, card, took_ms from loads order by at_ms desc, id desc limit 5000";

/// How long models took to come, oldest first.
///
/// # Errors
/// What the database says.
pub async fn loads(db: &Db) -> Result<Vec<Load>> {
    type Row = (String, String, String, i64);
    let rows: Vec<Row> = on_db!(db, |pool| sqlx::query_as(LOADS).fetch_all(pool).await)?;
    let load = |(engine, model, card, took_ms): Row| Load { engine, model, card, took_ms: took_ms.unsigned_abs() };
    Ok(rows.into_iter().rev().map(load).collect())
}

/// What a task cost, all its attempts together.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Cost {
    /// The task these costs are of.
    pub task: TaskId,
    /// What it is in its episode.
    pub slot: String,
    /// Attempts, good or not.
    pub attempts: u64,
    /// How long they took together, in milliseconds.
    pub took_ms: u64,
    /// Energy in watt-hours, as far as it was measured.
    pub energy_wh: f64,
    /// Money, as far as it is known.
    pub money: f64,
}

const COSTS: &str = "
    select t.id, t.slot, count(*), cast(sum(a.ended_ms - a.started_ms) as bigint),
           coalesce(sum(a.energy_wh), 0.0), coalesce(sum(a.money), 0.0)
      from attempts a join tasks t on t.id = a.task_id
     where t.episode_id = $1 and a.ended_ms is not null
     group by t.id, t.slot order by t.slot";

/// What everything about an episode has cost, by task.
pub async fn costs(db: &Db, episode: EpisodeId) -> Result<Vec<Cost>> {
    type Row = (String, String, i64, i64, f64, f64);
    let rows: Vec<Row> = on_db!(db, |pool| sqlx::query_as(COSTS).bind(episode.to_string()).fetch_all(pool).await)?;
    let cost = |(id, slot, attempts, took_ms, energy_wh, money): Row| {
        let task = Reading { table: "tasks", id: &id }.key()?;
        Ok(Cost { task, slot, attempts: attempts.unsigned_abs(), took_ms: took_ms.unsigned_abs(), energy_wh, money })
    };
    rows.into_iter().map(cost).collect()
}

/// What was foretold of an episode, and how it came.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Forecast {
    /// When it was foretold.
    pub made: Millis,
    /// As likely less as more, in milliseconds from then.
    pub median_ms: u64,
    /// With nine chances in ten, in milliseconds from then.
    pub p90_ms: u64,
    /// Models that come to a card meanwhile.
    pub swaps: u64,
    /// When it was really done.
    pub done: Option<Millis>,
}

const FORETELL: &str = "
    insert into forecasts (id, episode_id, made_ms, median_ms, p90_ms, swaps) values ($1, $2, $3, $4, $5, $6)";

/// Keeps what was foretold.
pub async fn foretold(tx: &mut Tx<'_>, id: uuid::Uuid, episode: EpisodeId, forecast: &Forecast) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query(FORETELL)
        .bind(id.to_string())
        .bind(episode.to_string())
        .bind(forecast.made.0)
        .bind(forecast.median_ms as i64)
        .bind(forecast.p90_ms as i64)
        .bind(forecast.swaps as i64)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Keeps that an episode is done, for what was foretold of it.
pub async fn came_true(tx: &mut Tx<'_>, episode: EpisodeId, now: Millis) -> Result<()> {
    on_tx!(tx, |conn| sqlx::query("update forecasts set done_ms = $2 where episode_id = $1 and done_ms is null")
        .bind(episode.to_string())
        .bind(now.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

const FORECASTS: &str = "
    select made_ms, median_ms, p90_ms, swaps, done_ms from forecasts where episode_id = $1 order by made_ms, id";

/// What was foretold of an episode, oldest first.
pub async fn forecasts(db: &Db, episode: EpisodeId) -> Result<Vec<Forecast>> {
    type Row = (i64, i64, i64, i64, Option<i64>);
    let rows: Vec<Row> = on_db!(db, |pool| sqlx::query_as(FORECASTS).bind(episode.to_string()).fetch_all(pool).await)?;
    let forecast = |(made, median, p90, swaps, done): Row| Forecast {
        made: Millis(made),
        median_ms: median.unsigned_abs(),
        p90_ms: p90.unsigned_abs(),
        swaps: swaps.unsigned_abs(),
        done: done.map(Millis),
    };
    Ok(rows.into_iter().map(forecast).collect())
}
