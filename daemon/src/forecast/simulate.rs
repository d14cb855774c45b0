//! Simulate: when everything that was asked for will be done.

use std::collections::BTreeMap;

use serde::Serialize;
use studio_core::{
    ids::{EpisodeId, TaskId},
    sim::{Ahead, Foretold, RUNS, Spread, foretell, runs_for},
    units::Millis,
};

use crate::{
    conductor::{Error, Handle, Snapshot},
    store::{self, Db},
};

/// What is to come.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Outlook {
    /// When it was found out.
    pub at: Millis,
    /// Episodes in the making.
    pub episodes: Vec<EpisodeOutlook>,
    /// When everything is done that can be, in milliseconds from then.
    pub all_ms: Spread,
    /// Models that will come to a card.
    pub swaps: Spread,
    /// How long each card will compute, in milliseconds.
    pub busy_ms: BTreeMap<String, Spread>,
    /// Energy in watt-hours, from what the cards draw while they work; 0 when nobody measures.
    pub energy_wh: f64,
    /// What that costs.
    pub money: f64,
    /// Tasks that will not go on without a person, or without an engine that is away.
    pub stuck: Vec<TaskId>,
    /// One likely course of events, in the order in which they begin.
    pub ahead: Vec<Ahead>,
    /// How often the work was run forward in thought for this, each time with other luck.
    pub runs: u32,
    /// There is so much to do that it was run forward less often than usual: the chances are rougher.
    pub coarse: bool,
}

/// When an episode is done.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct EpisodeOutlook {
    /// The episode this is about.
    pub episode: EpisodeId,
    /// Title of the episode.
    pub title: String,
    /// In milliseconds from now; `None` when it will not be without a person.
    pub done_ms: Option<Spread>,
    /// The same of each scene, from 1.
    pub scenes: Vec<Option<Spread>>,
}

/// Runs what is in the making forward, and keeps what that says of each episode, to be compared with how it comes.
///
/// # Errors
/// [`Error::Stopped`] when the conductor is gone.
pub async fn outlook(db: &Db, conductor: &Handle) -> Result<Outlook, Error> {
    let Snapshot { at, fleet, retakes, episodes, watts, price_kwh } = conductor.snapshot().await?;
    let seed = at.0.unsigned_abs();
    let runs = runs_for(fleet.unfinished());
    let told = tokio::task::spawn_blocking(move || foretell(&fleet, &retakes, None, runs, seed)).await;
    let told = told.map_err(|error| Error::Broken(format!("the forecast broke down: {error}")))?;
    let done = |task: Option<TaskId>| task.and_then(|task| told.tasks.get(&task).copied());
    for one in &episodes {
        if let Some(spread) = done(one.last)
            && let Err(error) = keep(db, one.forecast, one.episode, spread, told.swaps.median, at).await
        {
            tracing::warn!(%error, "failed to keep a forecast");
        }
    }
    let episodes = episodes.into_iter().map(|one| EpisodeOutlook {
        episode: one.episode,
        title: one.title,
        done_ms: done(one.last),
        scenes: one.scenes.into_iter().map(done).collect(),
    });
    let episodes = episodes.collect();
    let energy_wh = energy(&told, &watts);
    let money = energy_wh / 1000.0 * price_kwh;
    let Foretold { all: all_ms, swaps, busy_ms, stuck, ahead, runs, .. } = told;
    let coarse = runs < RUNS;
    Ok(Outlook { at, episodes, all_ms, swaps, busy_ms, energy_wh, money, stuck, ahead, runs, coarse })
}

async fn keep(
    db: &store::Db,
    id: uuid::Uuid,
    episode: EpisodeId,
    spread: Spread,
    swaps: f64,
    made: Millis,
) -> Result<(), store::Error> {
    let forecast = store::fleet::Forecast {
        made,
        median_ms: spread.median as u64,
        p90_ms: spread.p90 as u64,
        swaps: swaps as u64,
        done: None,
    };
    let mut tx = db.begin().await?;
    store::fleet::foretold(&mut tx, id, episode, &forecast).await?;
    tx.commit().await
}

/// Watt-hours of the cards while they compute.
pub(super) fn energy(told: &Foretold, watts: &BTreeMap<String, f64>) -> f64 {
    told.busy_ms.iter().filter_map(|(card, busy)| Some(busy.median / 3_600_000.0 * watts.get(card)?)).sum()
}
