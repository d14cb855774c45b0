//! Time of arrival: when a production would be done, before it is begun: the scheduler run forward in thought.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use studio_core::{
    fleet::Fleet,
    ids::TaskId,
    production::{Job, Production, planned},
    schedule::{Event, step, why},
    sim::{RUNS, Spread, foretell, runs_for},
};
use uuid::Uuid;

use super::{dry_run::DryRun, simulate::energy};
use crate::{
    conductor::{Context, Error, TaskIds, card_facts, inside, outside, rests_ahead, retakes, submission, watts},
    store,
};

/// When a production would be done, if nothing else were asked for.
#[derive(Debug, Clone, Serialize)]
pub struct Eta {
    /// The film, in milliseconds from the beginning; `None` when it would not be without a person.
    pub film_ms: Option<Spread>,
    /// Each scene, from 1.
    pub scenes_ms: Vec<Option<Spread>>,
    /// Models that come to a card.
    pub swaps: Spread,
    /// How long each card computes, in milliseconds.
    pub busy_ms: BTreeMap<String, Spread>,
    /// Energy of the cards in watt-hours; 0 when nobody measures.
    pub energy_wh: f64,
    /// What that costs.
    pub money: f64,
    /// What would wait for a person or an engine, and why, one sentence each.
    pub waits: Vec<String>,
    /// How often the work was run forward in thought for this, each time with other luck.
    pub runs: u32,
    /// There is so much to do that it was run forward less often than usual: the chances are rougher.
    pub coarse: bool,
}

/// The fleet as it would be now if nothing were asked of it, by what engines and cards said last.
pub async fn fleet_now(context: &Context) -> Result<Fleet, Error> {
    let (mut fleet, now, plan) = (Fleet::default(), context.clock.now(), &context.plan);
    let mut events = vec![Event::PolicyChanged(plan.rules)];
    let readings = context.cards.as_ref().map(|cards| cards.latest()).unwrap_or_default();
    events.extend(readings.iter().map(|reading| Event::GpuSeen(card_facts(plan, reading, 0))));
    let mut models = BTreeMap::new();
    for (name, seat) in context.engines.iter() {
        let Some(offer) = seat.engine.offer() else { continue };
        let offer = offer.borrow().clone();
        models.extend(offer.models);
        events.extend(offer.seats.iter().flat_map(|seat| outside(name, seat)));
    }
    events.push(Event::ModelsChanged(models));
    events.extend(inside(context));
    let learned = store::fleet::learned(&context.db).await?;
    events.extend(learned.into_iter().map(|sample| Event::Learned { sample, slow_first: false }));
    events.extend(store::fleet::loads(&context.db).await?.into_iter().map(Event::LoadLearned));
    for event in events {
        step(&mut fleet, now, event);
    }
    Ok(fleet)
}

/// When what `run` says would be made is done: the scheduler run forward, beside the loop.
///
/// # Errors
/// What the store says.
pub async fn eta(context: &Context, production: &Production, run: &DryRun) -> Result<Eta, Error> {
    let (mut fleet, now) = (fleet_now(context).await?, context.clock.now());
    let laid_out: Vec<_> = run.jobs.iter().filter(|job| job.make).map(|job| planned(production, job.job)).collect();
    let ids: TaskIds = laid_out.iter().zip(1u128..).map(|(one, n)| (one.job, TaskId(Uuid::from_u128(n)))).collect();
    // Everything is there before anything begins, so that nothing is decided on half of it.
    let all = studio_core::fleet::Scope::Studio;
    let starting = studio_core::fleet::PauseReason::Starting;
    let hold = Event::Paused { scope: all.clone(), hard: false, why: starting, until: None };
    step(&mut fleet, now, hold);
    for one in &laid_out {
        step(&mut fleet, now, Event::Submitted(submission(production, one, ids[&one.job], &ids)));
    }
    let gates: Vec<_> = laid_out.iter().filter_map(|one| retakes(production, one.job, &ids)).collect();
    fleet.foresee(rests_ahead(context, now).await?);
    let mut open = fleet.clone();
    // What runs on the processor begins at once in there; only what waits for something is of interest.
    step(&mut open, now, Event::Resumed { scope: all.clone() });
    let seed = now.0.unsigned_abs();
    let runs = runs_for(fleet.unfinished());
    let told = tokio::task::spawn_blocking(move || foretell(&fleet, &gates, Some(&all), runs, seed));
    let told = told.await.map_err(|error| Error::Broken(format!("the plan broke down: {error}")))?;
    let done = |job: Job| ids.get(&job).and_then(|task| told.tasks.get(task).copied());
    let mut waits: Vec<String> = Vec::new();
    let stuck: BTreeSet<TaskId> = told.stuck.iter().copied().collect();
    for (job, task) in ids.iter().filter(|(_, task)| stuck.contains(task)) {
        if let Some(reason) = why(&open, *task)
            && !matches!(reason, studio_core::schedule::WaitReason::Needs { .. })
        {
            waits.push(format!("{job}: {reason}"));
        }
    }
    let energy_wh = energy(&told, &watts(context));
    let scenes = 1..=production.script.scenes.len() as u32;
    Ok(Eta {
        film_ms: done(Job::Film),
        scenes_ms: scenes.map(|scene| done(Job::SceneFilm { scene })).collect(),
        swaps: told.swaps,
        busy_ms: told.busy_ms,
        energy_wh,
        money: energy_wh / 1000.0 * context.plan.price_kwh,
        waits,
        runs: told.runs,
        coarse: told.runs < RUNS,
    })
}
