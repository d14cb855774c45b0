//! Foretelling: when everything that was asked for will be done.

use std::collections::BTreeMap;

use serde::Serialize;
use studio_core::{
    ids::{EpisodeId, TaskId},
    production::{Job, LibraryPlan},
    sim::{Ahead, Foretold, Retakes, Spread, foretell},
    units::Millis,
};
use tokio::sync::oneshot;

use super::{early::MOST_TAKES, run::Studio};
use crate::store;

/// How often a fleet is run forward for a forecast.
pub(super) const RUNS: u32 = 15;
/// How likely a take is rejected, while nobody knows better.
pub(super) const REJECTED: f64 = 0.25;

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
}

/// When an episode is done.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct EpisodeOutlook {
    /// Which.
    pub episode: EpisodeId,
    /// Its title.
    pub title: String,
    /// In milliseconds from now; `None` when it will not be without a person.
    pub done_ms: Option<Spread>,
    /// The same of each scene, from 1.
    pub scenes: Vec<Option<Spread>>,
}

/// An episode, its title, its last task and the films of its scenes.
type Ends = (EpisodeId, String, Option<TaskId>, Vec<Option<TaskId>>);

impl Studio {
    /// Gates that may ask for further takes.
    fn retakes(&self) -> Vec<Retakes> {
        let mut gates = Vec::new();
        for work in self.at_work.values() {
            for (slot, gate) in &work.tasks {
                let Some(Job::Gate { subject, scene, shot }) = self.known.get(gate).map(|known| known.job) else {
                    continue;
                };
                debug_assert!(!slot.is_empty());
                let task = |job: Job| work.tasks.get(&job.slot()).copied();
                let takes = (1..=MOST_TAKES)
                    .take_while(|take| task(Job::Take { subject, scene, shot, take: *take }).is_some())
                    .count();
                let last = takes as u32;
                let (Some(take), Some(review)) = (
                    task(Job::Take { subject, scene, shot, take: last }),
                    task(Job::Review { subject, scene, shot, take: last }),
                ) else {
                    continue;
                };
                let most = work.production.gates.pass_marks.len();
                gates.push(Retakes {
                    gate: *gate,
                    take,
                    review,
                    rejects: REJECTED,
                    further: most.saturating_sub(takes),
                });
            }
        }
        gates
    }

    /// Runs the fleet forward, beside the loop.
    pub(super) fn foretell(&self, answer: oneshot::Sender<Outlook>) {
        let (fleet, now, price) = (self.fleet.clone(), self.context.clock.now(), self.context.plan.price_kwh);
        let gates = self.retakes();
        let ends: Vec<Ends> = self
            .at_work
            .iter()
            .map(|(episode, work)| {
                let task = |job: Job| work.tasks.get(&job.slot()).copied();
                let scenes = 1..=work.production.script.scenes.len() as u32;
                let published = work.production.library.as_ref().is_some_and(LibraryPlan::wanted);
                let last = if published { Job::Library } else { Job::Film };
                let scenes = scenes.map(|scene| task(Job::SceneFilm { scene })).collect();
                (*episode, work.production.billing.title.clone(), task(last).or_else(|| task(Job::Film)), scenes)
            })
            .collect();
        let watts: BTreeMap<String, f64> = self
            .readings()
            .iter()
            .filter_map(|one| Some((one.slot.to_string(), one.power_limit_w.or(one.power_w)?)))
            .collect();
        let (db, id) = (self.context.db.clone(), self.context.clock.clone());
        tokio::spawn(async move {
            let seed = now.0.unsigned_abs();
            let Ok(told) = tokio::task::spawn_blocking(move || foretell(&fleet, &gates, None, RUNS, seed)).await else {
                return;
            };
            let done = |task: Option<TaskId>| task.and_then(|task| told.tasks.get(&task).copied());
            let episodes = ends.into_iter().map(|(episode, title, last, scenes)| EpisodeOutlook {
                episode,
                title,
                done_ms: done(last),
                scenes: scenes.into_iter().map(done).collect(),
            });
            let episodes: Vec<EpisodeOutlook> = episodes.collect();
            let energy_wh = energy(&told, &watts);
            for one in &episodes {
                if let Some(spread) = one.done_ms
                    && let Err(error) = keep(&db, id.id(), one.episode, spread, told.swaps.median, now).await
                {
                    tracing::warn!(%error, "failed to keep a forecast");
                }
            }
            let money = energy_wh / 1000.0 * price;
            let Foretold { all, swaps, busy_ms, stuck, ahead, .. } = told;
            let all_ms = all;
            let _ = answer.send(Outlook { at: now, episodes, all_ms, swaps, busy_ms, energy_wh, money, stuck, ahead });
        });
    }
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
