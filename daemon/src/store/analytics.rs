//! Analytics: what was made when, how good it was and what it took.

use studio_core::{
    ids::{ContentHash, EpisodeId, TakeId, TaskId},
    media::MediaFacts,
    take::Subject,
    task::AttemptState,
    units::{Millis, Score},
};

use super::{
    Db, Result, on_db,
    rows::{JsonText, Reading},
};

/// Attempts and takes that are looked at, the newest ones.
const MOST: i64 = 20_000;

/// An attempt on a lane of the timeline.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// Of which task.
    pub task: TaskId,
    /// What it is in its episode.
    pub slot: String,
    /// Of which episode.
    pub episode: Option<EpisodeId>,
    /// Name and version of its engine, as they are in its key.
    pub engine: String,
    /// The card it ran on, when there was one.
    pub card: Option<String>,
    /// How it went.
    pub state: AttemptState,
    /// When it began.
    pub started: Millis,
    /// When it ended; `None`: it runs.
    pub ended: Option<Millis>,
    /// Energy in watt-hours, when it was measured.
    pub energy_wh: Option<f64>,
}

const RAN: &str = "
    select a.task_id, coalesce(t.slot, '') as slot, t.episode_id, a.engine, a.card, a.state, a.started_ms, a.ended_ms,
           a.energy_wh
      from attempts a left join tasks t on t.id = a.task_id
     where a.ended_ms is null or a.ended_ms >= $1
     order by a.started_ms desc limit $2";

#[derive(sqlx_macros::FromRow)]
struct RanRow {
    task_id: String,
    slot: String,
    episode_id: Option<String>,
    engine: String,
    card: Option<String>,
    state: String,
    started_ms: i64,
    ended_ms: Option<i64>,
    energy_wh: Option<f64>,
}

/// Attempts that ran since `since`, newest first, at most `limit`.
pub async fn ran(db: &Db, since: Millis, limit: u32) -> Result<Vec<Ran>> {
    let rows: Vec<RanRow> =
        on_db!(db, |pool| sqlx::query_as(RAN).bind(since.0).bind(i64::from(limit)).fetch_all(pool).await)?;
    let ran = |row: RanRow| {
        let reading = Reading { table: "attempts", id: &row.task_id };
        Ok(Ran {
            task: reading.text("task_id", &row.task_id)?,
            episode: reading.maybe("episode_id", row.episode_id.as_deref())?,
            state: reading.word("state", &row.state)?,
            started: Millis(row.started_ms),
            ended: row.ended_ms.map(Millis),
            slot: row.slot,
            engine: row.engine,
            card: row.card,
            energy_wh: row.energy_wh,
        })
    };
    rows.into_iter().map(ran).collect()
}

/// A take with what it took.
#[derive(Debug, Clone, PartialEq)]
pub struct TakeStat {
    /// The take these numbers are of.
    pub take: TakeId,
    /// Picture or clip.
    pub subject: Subject,
    /// Which attempt at its shot it was, from 1.
    pub attempt: u32,
    /// It is in the film.
    pub chosen: bool,
    /// What the judge said; `None`: nobody could.
    pub score: Option<Score>,
    /// When it was judged.
    pub reviewed: Millis,
    /// What a person said.
    pub good: Option<bool>,
    /// The model that made it; empty for the draft.
    pub model: String,
    /// How long it took to make, in milliseconds.
    pub took_ms: u64,
    /// Energy in watt-hours, when it was measured.
    pub energy_wh: Option<f64>,
    /// Length of the clip in milliseconds; 0 for a picture.
    pub length_ms: u64,
    /// Hash of the take's file.
    pub asset: ContentHash,
}

const MADE: &str = "
    select k.id, k.subject, k.attempt, k.chosen, k.score, k.reviewed_ms, o.good, coalesce(a.model, '') as model,
           a.started_ms, a.ended_ms, a.energy_wh, s.facts, k.asset
      from takes k join assets s on s.hash = k.asset left join attempts a on a.id = s.attempt_id
           left join opinions o on o.asset = k.asset
     where k.reviewed_ms >= $1
     order by k.reviewed_ms desc limit $2";

#[derive(sqlx_macros::FromRow)]
struct MadeRow {
    id: String,
    subject: String,
    attempt: i64,
    chosen: bool,
    score: Option<f64>,
    reviewed_ms: i64,
    good: Option<bool>,
    model: String,
    started_ms: Option<i64>,
    ended_ms: Option<i64>,
    energy_wh: Option<f64>,
    facts: JsonText,
    asset: String,
}

/// Takes that were judged since `since`, newest first.
pub async fn made(db: &Db, since: Millis) -> Result<Vec<TakeStat>> {
    let rows: Vec<MadeRow> = on_db!(db, |pool| sqlx::query_as(MADE).bind(since.0).bind(MOST).fetch_all(pool).await)?;
    let made = |row: MadeRow| {
        let reading = Reading { table: "takes", id: &row.id };
        let length_ms = match reading.json("facts", &row.facts)? {
            MediaFacts::Video { frames, fps, .. } => fps.ms_at(frames),
            _ => 0,
        };
        let took = row.started_ms.zip(row.ended_ms).map_or(0, |(from, to)| to - from);
        Ok(TakeStat {
            take: reading.key()?,
            subject: reading.word("subject", &row.subject)?,
            attempt: reading.number("attempt", row.attempt)?,
            score: reading.score("score", row.score)?,
            asset: reading.text("asset", &row.asset)?,
            reviewed: Millis(row.reviewed_ms),
            took_ms: took.max(0).unsigned_abs(),
            chosen: row.chosen,
            good: row.good,
            model: row.model,
            energy_wh: row.energy_wh,
            length_ms,
        })
    };
    rows.into_iter().map(made).collect()
}

/// Something that was foretold, and how it came.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Promise {
    /// Of which episode.
    pub episode: EpisodeId,
    /// Title of the episode.
    pub title: String,
    /// When it was foretold.
    pub made: Millis,
    /// As likely less as more, in milliseconds from then.
    pub median_ms: u64,
    /// With nine chances in ten, in milliseconds from then.
    pub p90_ms: u64,
    /// How long it took from then, in milliseconds.
    pub took_ms: u64,
}

const KEPT: &str = "
    select f.episode_id, e.title, f.made_ms, f.median_ms, f.p90_ms, f.done_ms
      from forecasts f join episodes e on e.id = f.episode_id
     where f.done_ms is not null and f.done_ms >= $1
     order by f.made_ms desc limit 200";

/// What was foretold of episodes that were done since `since`, newest first.
pub async fn kept(db: &Db, since: Millis) -> Result<Vec<Promise>> {
    type Row = (String, String, i64, i64, i64, i64);
    let rows: Vec<Row> = on_db!(db, |pool| sqlx::query_as(KEPT).bind(since.0).fetch_all(pool).await)?;
    let kept = |(episode, title, made, median, p90, done): Row| {
        Ok(Promise {
            episode: Reading { table: "forecasts", id: &episode }.text("episode_id", &episode)?,
            title,
            made: Millis(made),
            median_ms: median.unsigned_abs(),
            p90_ms: p90.unsigned_abs(),
            took_ms: (done - made).max(0).unsigned_abs(),
        })
    };
    rows.into_iter().map(kept).collect()
}

/// Energy of attempts that ended since `since`, in watt-hours, as far as it was measured.
pub async fn energy(db: &Db, since: Millis) -> Result<f64> {
    Ok(on_db!(db, |pool| sqlx::query_scalar(
        "select coalesce(sum(energy_wh), 0.0) from attempts where ended_ms >= $1"
    )
    .bind(since.0)
    .fetch_one(pool)
    .await)?)
}
