//! `/api/analytics` and `/api/fleet/history`: how good it was, what it took, and what ran where.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{Query, State, rejection::QueryRejection},
};
use serde::{Deserialize, Serialize};
use studio_core::{
    ids::{EpisodeId, TaskId},
    production::Job,
    take::Subject,
    task::AttemptState,
    units::{Millis, Score},
};
use utoipa::{IntoParams, ToSchema};

use super::{doors::Reader, problem::Problem};
use crate::store::{
    self,
    analytics::{Promise, Ran, TakeStat},
};

const DAY_MS: i64 = 86_400_000;
/// Most bars of the timeline.
const MOST_BARS: u32 = 2000;

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Days {
    /// How many days back, 1..=365; usually 30.
    #[serde(default = "a_month")]
    #[param(minimum = 1, maximum = 365)]
    days: u32,
}

fn a_month() -> u32 {
    30
}

/// Takes that were judged on one UTC day, and what making them took.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Day {
    /// When it began, UTC.
    at: Millis,
    /// Takes that were judged.
    takes: u32,
    /// Of those, how many are in a film.
    chosen: u32,
    /// Median score, 0-1; `None` when nobody could judge.
    score: Option<f64>,
    /// How long making them took, in minutes.
    minutes: f64,
    /// Energy in kilowatt-hours, as far as it was measured.
    kwh: f64,
}

/// How a model does.
#[derive(Debug, Serialize, ToSchema)]
pub struct ModelScore {
    /// Its name; empty for the draft.
    model: String,
    /// `still` or `clip`.
    subject: Subject,
    takes: u32,
    chosen: u32,
    /// Median score, 0-1.
    score: Option<f64>,
    /// Median time of a take, in seconds.
    seconds: f64,
}

/// How it went.
#[derive(Debug, Serialize, ToSchema)]
pub struct Analytics {
    /// By day, oldest first; days on which nothing was judged are left out.
    days: Vec<Day>,
    models: Vec<ModelScore>,
    /// Takes for each one that is in a film; `None` when none is.
    takes_per_chosen: Option<f64>,
    /// Seconds of clips that are in a film.
    chosen_seconds: f64,
    /// Minutes of making, rejected takes included, for each such second.
    minutes_per_second: Option<f64>,
    /// Kilowatt-hours for each such second, as far as they were measured.
    kwh_per_second: Option<f64>,
    /// What was foretold, and how it came.
    promises: Vec<Promise>,
}

fn median(mut all: Vec<f64>) -> Option<f64> {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

fn score(takes: &[&TakeStat]) -> Option<f64> {
    median(takes.iter().filter_map(|take| take.score).map(Score::as_fraction).collect())
}

/// How it went.
#[utoipa::path(get, path = "/api/analytics", tag = "analytics", params(Days),
    responses((status = 200, body = Analytics)))]
pub async fn analytics(
    _: Reader,
    State(state): State<super::AppState>,
    back: Result<Query<Days>, QueryRejection>,
) -> Result<Json<Analytics>, Problem> {
    let Query(Days { days }) = back?;
    if !(1..=365).contains(&days) {
        return Err(Problem::bad_request(format!("days is {days}; it must be 1 to 365")));
    }
    let since = Millis(state.guard.now().0 - i64::from(days) * DAY_MS);
    let made = store::analytics::made(&state.db, since).await?;
    let promises = store::analytics::kept(&state.db, since).await?;
    Ok(Json(told(&made, promises)))
}

fn told(made: &[TakeStat], promises: Vec<Promise>) -> Analytics {
    let minutes = |takes: &[&TakeStat]| takes.iter().map(|take| take.took_ms as f64 / 60_000.0).sum::<f64>();
    let kwh = |takes: &[&TakeStat]| takes.iter().filter_map(|take| take.energy_wh).sum::<f64>() / 1000.0;
    let chosen = |takes: &[&TakeStat]| takes.iter().filter(|take| take.chosen).count() as u32;
    let (mut by_day, mut by_model) = (BTreeMap::<i64, Vec<&TakeStat>>::new(), BTreeMap::<_, Vec<&TakeStat>>::new());
    for take in made {
        by_day.entry(take.reviewed.0.div_euclid(DAY_MS)).or_default().push(take);
        by_model.entry((take.model.clone(), take.subject == Subject::Clip)).or_default().push(take);
    }
    let day = |(day, takes): (i64, Vec<&TakeStat>)| Day {
        at: Millis(day * DAY_MS),
        takes: takes.len() as u32,
        chosen: chosen(&takes),
        score: score(&takes),
        minutes: minutes(&takes),
        kwh: kwh(&takes),
    };
    let model = |((model, clip), takes): ((String, bool), Vec<&TakeStat>)| ModelScore {
        model,
        subject: if clip { Subject::Clip } else { Subject::Still },
        takes: takes.len() as u32,
        chosen: chosen(&takes),
        score: score(&takes),
        seconds: median(takes.iter().map(|take| take.took_ms as f64 / 1000.0).collect()).unwrap_or_default(),
    };
    let all: Vec<&TakeStat> = made.iter().collect();
    let chosen_seconds = made.iter().filter(|take| take.chosen).map(|take| take.length_ms as f64 / 1000.0).sum::<f64>();
    let per = |what: f64| (chosen_seconds > 0.0).then(|| what / chosen_seconds);
    Analytics {
        takes_per_chosen: (chosen(&all) > 0).then(|| f64::from(all.len() as u32) / f64::from(chosen(&all))),
        minutes_per_second: per(minutes(&all)),
        kwh_per_second: per(kwh(&all)),
        chosen_seconds,
        days: by_day.into_iter().map(day).collect(),
        models: by_model.into_iter().map(model).collect(),
        promises,
    }
}

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Hours {
    /// How many hours back, 1..=48; usually 6.
    #[serde(default = "an_evening")]
    #[param(minimum = 1, maximum = 48)]
    hours: u32,
}

fn an_evening() -> u32 {
    6
}

/// Something that ran.
#[derive(Debug, Serialize, ToSchema)]
pub struct Bar {
    /// The card it ran on, else its engine.
    lane: String,
    task: TaskId,
    /// What it is in its episode.
    slot: String,
    /// The same in parts; `None` when its task is gone.
    job: Option<Job>,
    episode: Option<EpisodeId>,
    engine: String,
    state: AttemptState,
    from: Millis,
    /// When it ended; `None`: it runs.
    to: Option<Millis>,
}

/// What ran in the last hours.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    /// Attempts that ran, oldest first; of more than 2000 the newest.
    bars: Vec<Bar>,
    /// Energy of the last 24 hours in kilowatt-hours, as far as it was measured.
    day_kwh: f64,
}

/// What ran where in the last hours.
#[utoipa::path(get, path = "/api/fleet/history", tag = "fleet", params(Hours),
    responses((status = 200, body = History)))]
pub async fn history(
    _: Reader,
    State(state): State<super::AppState>,
    back: Result<Query<Hours>, QueryRejection>,
) -> Result<Json<History>, Problem> {
    let Query(Hours { hours }) = back?;
    if !(1..=48).contains(&hours) {
        return Err(Problem::bad_request(format!("hours is {hours}; it must be 1 to 48")));
    }
    let now = state.guard.now();
    let since = Millis(now.0 - i64::from(hours) * 3_600_000);
    let ran = store::analytics::ran(&state.db, since, MOST_BARS).await?;
    let day_kwh = store::analytics::energy(&state.db, Millis(now.0 - DAY_MS)).await? / 1000.0;
    let bar = |Ran { task, slot, episode, engine, card, state, started, ended, .. }: Ran| Bar {
        lane: card.unwrap_or_else(|| engine.split(' ').next().unwrap_or_default().to_owned()),
        task,
        job: slot.parse().ok(),
        slot,
        episode,
        engine,
        state,
        from: started,
        to: ended,
    };
    Ok(Json(History { bars: ran.into_iter().rev().map(bar).collect(), day_kwh }))
}
